"""Delete a document, and what it kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mongoengine import signals
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import BaseField
from mongoengine.base.types import PythonValue, RawMapping
from mongoengine.driver.undo import after_commit
from mongoengine.driver.write_errors import DELETING
from mongoengine.operations.conflicts import condition_of, conflict

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("delete",)


async def delete(
    document: StoredDocument,
    io: IO,
    /,
    signal_kwargs: RawMapping | None = None,
    *,
    session: Session = None,
    **write_concern: object,
) -> None:
    """Delete the stored document, and then its files; delete rules apply.

    In a transaction, files are deleted when it has been committed.

    :param signal_kwargs: more keywords for the receivers of signals
    :param write_concern: options of a PyMongo `WriteConcern`
    :param session: a PyMongo session to work in
    :raises OperationError: if the server refuses, or a rule `DENY` forbids it
    :raises ConcurrentModificationError: if others have changed the document since it
        was loaded, and its class has a version
    """
    cls = type(document)
    extra = signal_kwargs or {}
    if signals.pre_delete.receivers:
        await signals.send(io, signals.pre_delete, cls, document=document, **extra)
    stored = queryset = document._qs.filter(**document._object_key)
    condition = condition_of(document)
    if condition:
        queryset = stored.filter(__raw__=condition)
    with DELETING:
        count = await io.call(
            queryset, "delete", write_concern=write_concern, _from_doc_delete=True
        )
    if condition and count == 0 and await io.call(stored, "exists"):
        raise conflict(document, "delete")
    kept = list(_kept_elsewhere(document))
    if kept:
        await after_commit(io, _delete_kept, document, kept)
    if signals.post_delete.receivers:
        await signals.send(io, signals.post_delete, cls, document=document, **extra)


async def _delete_kept(
    io: IO, document: StoredDocument, kept: list[tuple[PythonValue, PythonValue]]
) -> None:
    for field, value in kept:
        await field._after_delete(value, io, document)


def _kept_elsewhere(document: StoredDocument) -> Iterator[tuple[object, object]]:
    """Yield the fields that act when the document is deleted, and their values.

    Searches lists, dicts and embedded documents at any depth.
    """
    waiting = [
        (field, document._value_of(name, field))
        for name, field in document._fields.items()
        if _may_keep_more(field)
    ]
    while waiting:
        field, value = waiting.pop()
        if value is None:
            continue
        if type(field)._after_delete is not BaseField._after_delete:
            yield field, value
        waiting.extend(
            (inner, item)
            for _, inner, item in field._children(value)
            if inner is not None and _may_keep_more(inner)
        )


def _may_keep_more(field: BaseField, seen: frozenset[object] = frozenset()) -> bool:
    """Return whether a field, or one inside of it, acts when a document is deleted.

    Values of any type, in a list or dict without a field, are not searched.
    """
    field_type = type(field)
    if field_type._after_delete is not BaseField._after_delete:
        return True
    if field_type._children is BaseField._children:
        return False
    if field_type._inner is not BaseField._inner:
        inner = field._inner
        return inner is not None and _may_keep_more(inner, seen)
    cls = field._embedded_class
    if cls is None:
        return True
    members = [
        member
        for each in (cls, *map(_DocumentRegistry.get, cls._subclasses[1:]))
        if each not in seen
        for member in each._fields.values()
    ]
    return any(_may_keep_more(member, seen | {cls}) for member in members)
