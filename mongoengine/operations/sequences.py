"""Count: take numbers for the sequence fields of documents that are to be stored.

A counter is a document that the `findAndModify` command increments.  See
https://www.mongodb.com/docs/manual/reference/command/findAndModify/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from mongoengine import connection
from mongoengine.base import hooks
from mongoengine.base.document import BaseDocument
from mongoengine.base.field_paths import innermost
from mongoengine.errors import OperationError

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = (
    "fill_sequences",
    "generate",
    "get_next_value",
    "number",
    "set_next_value",
    "takes_numbers",
)

N = TypeVar("N", covariant=True)

#: How often a counter is asked for again where it was being made by another.
_ATTEMPTS = 5


class Numbered(Protocol[N]):
    """A sequence field, as the operations see it."""

    name: str
    db_alias: str
    collection_name: str

    @property
    def value_decorator(self) -> Callable[[Any], N]: ...

    def _counter_id(self) -> str: ...


async def generate(field: Numbered[N], io: IO, *, session: Session = None) -> N:
    """Take the next number: the value for a new document.

    Sends ``findAndModify`` with ``$inc`` and upsert.

    :param session: a PyMongo session to work in
    """
    return field.value_decorator(await _change(field, io, {"$inc": {"next": 1}}))


async def set_next_value(
    field: Numbered[N], io: IO, value: int, *, session: Session = None
) -> N:
    """Let the counter go on from `value`, and return it as a field value.

    The next document gets `value + 1`.

    :param session: a PyMongo session to work in
    """
    return field.value_decorator(await _change(field, io, {"$set": {"next": value}}))


async def get_next_value(field: Numbered[N], io: IO, *, session: Session = None) -> N:
    """Return the value that the next document will get, without taking it.

    :param session: a PyMongo session to work in
    """
    counter = await io(_counters(field, io).find_one, {"_id": field._counter_id()})
    return field.value_decorator(counter["next"] + 1 if counter else 1)


async def _change(
    field: Numbered[object], io: IO, update: Mapping[str, Mapping[str, int]]
) -> Any:
    """Change the counter of a field, and return its number."""
    for _ in range(_ATTEMPTS):
        # Of two that make the counter at once, one may be told that it exists,
        # or (by the embedded server) nothing: its number is not given out then.
        with suppress(DuplicateKeyError):
            counter = await io(
                _counters(field, io).find_one_and_update,
                {"_id": field._counter_id()},
                update,
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            if counter is not None:
                return counter["next"]
    raise OperationError(f'Could not change the counter "{field._counter_id()}"')


def _counters(field: Numbered[object], io: IO) -> Any:
    return connection.database(io, field.db_alias)[field.collection_name]


async def number(field: BaseField, io: IO, document: BaseDocument) -> None:
    """Take a number for a sequence field of a document, unless it has one."""
    if document._value_of(field.name, field) is None:
        document._put(field.name, await io.call(field, "generate"))
        document._mark_as_changed(field.name)


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
        if field._auto_gen:
            await number(field, io, document)
            continue
        for embedded in _embedded_in(document._value_of(field.name, field)):
            await fill_sequences(embedded, io)
    # What has not been read since it was loaded holds no new documents.
    for name in (*_untyped_fields(cls), *document._dynamic_fields):
        for embedded in _embedded_in(document._values.get(name)):
            await fill_sequences(embedded, io)


@cache
def _untyped_fields(cls: type[StoredDocument]) -> tuple[str, ...]:
    """Return the names of the fields that may hold embedded documents of any class."""
    return tuple(name for name, field in cls._fields.items() if _is_untyped(field))


def _is_untyped(field: BaseField) -> bool:
    inner = innermost(field)
    return bool(
        inner._embedded_class is None
        and (inner._is_container or inner._takes_any_member)
        and not inner._holds_any_embedded
    )


@cache
def _numbered_fields(cls: type[StoredDocument]) -> tuple[Any, ...]:
    """Return the fields that take numbers, or may hold documents that do."""
    return tuple(
        field
        for field in cls._fields.values()
        if field._auto_gen or _may_hold_numbers(field, {cls})
    )


def _may_hold_numbers(field: BaseField, seen: set[Any]) -> bool:
    field = innermost(field)
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
        for item in [*dict.values(value)]:
            yield from _embedded_in(item)
    elif isinstance(value, (list, tuple)):
        for item in list.__iter__(value) if isinstance(value, list) else value:
            yield from _embedded_in(item)
