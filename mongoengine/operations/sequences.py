"""Taking numbers for the sequence fields of documents that are about to be stored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from mongoengine.base import hooks
from mongoengine.base.document import BaseDocument

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = ("fill_sequences", "takes_numbers")


def takes_numbers(cls: Any) -> bool:
    """Return whether documents of a class may take numbers."""
    return bool(_numbered_fields(cls)) or (
        hooks.sequences_exist() and bool(cls._dynamic or _untyped_fields(cls))
    )


async def fill_sequences(document: BaseDocument, io: IO) -> None:
    """Take numbers for the empty sequence fields of a document and of embedded ones.

    A document that was loaded in part keeps what is stored: a field that has no value
    here may have one there.
    """
    cls: Any = type(document)
    if not takes_numbers(cls) or getattr(document, "_partial", False):
        return
    for field in _numbered_fields(cls):
        value = document._value_of(field.name, field)
        if field._auto_gen:
            if value is None:
                document._put(field.name, await io.call(field, "generate"))
                document._mark_as_changed(field.name)
            continue
        for embedded in _embedded_in(value):
            await fill_sequences(embedded, io)
    # What has not been read since it was loaded holds no new documents.
    for name in (*_untyped_fields(cls), *document._dynamic_fields):
        for embedded in _embedded_in(document._values.get(name)):
            await fill_sequences(embedded, io)


@cache
def _untyped_fields(cls: Any) -> tuple[str, ...]:
    """Return the names of the fields that may hold embedded documents of any class."""
    return tuple(name for name, field in cls._fields.items() if _is_untyped(field))


def _is_untyped(field: Any) -> bool:
    while field._inner is not None:
        field = field._inner
    return bool(
        field._embedded_class is None
        and (field._is_container or field._takes_any_member)
        and not field._holds_any_embedded
    )


@cache
def _numbered_fields(cls: Any) -> tuple[Any, ...]:
    """Return the fields that take numbers, or may hold documents that do."""
    return tuple(
        field
        for field in cls._fields.values()
        if field._auto_gen or _may_hold_numbers(field, {cls})
    )


def _may_hold_numbers(field: Any, seen: set[Any]) -> bool:
    while field._inner is not None:
        field = field._inner
    if field._holds_any_embedded:
        return True
    embedded = field._embedded_class
    if embedded is None or embedded in seen:
        return False
    # A subclass may have what its base has not.
    return bool(embedded._meta.get("allow_inheritance")) or any(
        inner._auto_gen or _may_hold_numbers(inner, {*seen, embedded})
        for inner in embedded._fields.values()
    )


def _embedded_in(value: object) -> Iterator[BaseDocument]:
    if isinstance(value, BaseDocument):
        if not value._is_document:
            yield value
    elif isinstance(value, dict):
        for item in dict.values(value):
            yield from _embedded_in(item)
    elif isinstance(value, (list, tuple)):
        for item in list.__iter__(value) if isinstance(value, list) else value:
            yield from _embedded_in(item)
