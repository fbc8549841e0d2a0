"""Validating documents in either family, with hooks that may be coroutines."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mongoengine.base import hooks
from mongoengine.base.document import BaseDocument
from mongoengine.base.types import PythonValue
from mongoengine.driver.types import Function
from mongoengine.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mongoengine.base.field import BaseField
    from mongoengine.driver.io import IO

__all__ = ("await_cleans", "validate", "validate_in")


async def validate(document: BaseDocument, io: IO, /, clean: bool = True) -> None:
    """Check every field as `validate` does, and await coroutine hooks.

    Hooks are `clean()` of the document and of embedded documents, and the
    `validation` of fields.

    :param clean: call `clean` of the document and of embedded ones, too.
    :raises ValidationError: with the failures of all fields in `errors`.
    """
    await validate_in(io, document, clean)


async def validate_in(io: IO, document: BaseDocument, clean: bool) -> None:
    """Validate a document; await its coroutine hooks where that is possible."""
    if not io.is_async or not hooks.coroutines_exist():
        document.validate(clean=clean)
        return
    results: hooks.Results = {}
    await _await_document(document, clean, results)
    with hooks.awaited_results(results):
        document.validate(clean=clean)


async def await_cleans(io: IO, document: BaseDocument) -> None:
    """Await `clean()` of a document that is not validated, if it is a coroutine.

    :raises RuntimeError: in the blocking family
    """
    if not hooks.coroutines_exist():
        return
    clean = document.clean
    if hooks.is_coroutine_function(clean):
        answer: Any = clean()
        if not io.is_async:
            hooks.refuse_coroutine(answer, f"{type(document).__name__}.clean()")
        await answer
    for _, value in _values(document):
        for _, item in _items(None, value):
            if isinstance(item, BaseDocument) and not item._is_document:
                await await_cleans(io, item)


async def _await_document(
    document: BaseDocument, clean: bool, results: hooks.Results
) -> None:
    """Call the hooks of a document, then those of what is embedded in it."""
    if clean and getattr(document.clean, "__func__", None) is not BaseDocument.clean:
        await _await_hook(results, id(document), document.clean)
    for field, value in _values(document):
        for inner, item in _items(field, value):
            check = None if inner is None else inner.validation
            if check is not None and hooks.is_coroutine_function(check):
                await _await_hook(results, (id(inner), id(item)), check, item)
            if isinstance(item, BaseDocument) and not item._is_document:
                await _await_document(item, clean, results)


async def _await_hook(
    results: hooks.Results, key: Hashable, hook: Function, *args: object
) -> None:
    results[key] = None
    try:
        answer: object = hook(*args)
        if inspect.isawaitable(answer):
            await answer
    except ValidationError as failure:
        results[key] = failure


def _values(document: BaseDocument) -> Iterator[tuple[PythonValue, PythonValue]]:
    """Yield the fields of a document, dynamic ones included, with their values."""
    for name in document:
        field: object = document._fields.get(name) or document._dynamic_fields.get(name)
        yield field, document._value_of(name, field)


def _items(field: BaseField | None, value: object) -> Iterator[tuple[Any, Any]]:
    """Yield a value and what lists and dicts in it hold, with their fields."""
    if value is None:
        return
    yield field, value
    inner = None if field is None else field._inner
    if isinstance(value, dict):
        for item in [*dict.values(value)]:
            yield from _items(inner, item)
    elif isinstance(value, (list, tuple)):
        for item in list.__iter__(value) if isinstance(value, list) else value:
            yield from _items(inner, item)
