"""Delete the documents that a queryset matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mongoengine import signals
from mongoengine.base.types import RawMapping
from mongoengine.driver.loops import for_each
from mongoengine.operations.delete_rules import (
    Deletion,
    Level,
    current_deletion,
    rules_of,
)
from mongoengine.operations.read import read_all

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset

__all__ = ("delete", "delete_one")


async def delete(
    queryset: AnyQueryset,
    io: IO,
    write_concern: RawMapping | None = None,
    _from_doc_delete: bool = False,
    cascade_refs: object = None,
    *,
    session: Session = None,
) -> int | None:
    """Delete the documents that match (`delete`).

    The delete rules of fields that refer to this class apply first.  If signals have
    receivers, or with `skip` or `limit`, documents are deleted one by one.  See
    https://www.mongodb.com/docs/manual/reference/command/delete/

    :param write_concern: options of a PyMongo `WriteConcern`
    :param session: a PyMongo session to work in
    :returns: the number of documents, or None if writes are not acknowledged
    :raises OperationError: if a rule `DENY` forbids it
    """
    if queryset._is_void:
        return 0
    if not _from_doc_delete and (
        queryset._skip or queryset._limit or _has_receivers(queryset)
    ):
        return await _delete_each(queryset, io, write_concern)
    if not rules_of(queryset._document):
        return await _send(queryset, io, "delete_many", write_concern)
    with current_deletion() as deletion:
        return await _delete_with_rules(queryset, io, write_concern, deletion)


async def delete_one(
    queryset: AnyQueryset,
    io: IO,
    write_concern: RawMapping | None = None,
    *,
    session: Session = None,
) -> int | None:
    """Delete the first of the documents that match (`delete`).

    Delete rules and signals apply as with `delete`.

    :param write_concern: options of a PyMongo `WriteConcern`
    :param session: a PyMongo session to work in
    :returns: 1 or 0, or None if writes are not acknowledged
    :raises OperationError: if a rule `DENY` forbids it
    """
    if queryset._is_void:
        return 0
    if (
        queryset._skip
        or queryset._sort_keys()
        or _has_receivers(queryset)
        or rules_of(queryset._document)
    ):
        return await _delete_each(queryset._with(limit=1), io, write_concern)
    return await _send(queryset, io, "delete_one", write_concern)


async def _send(
    queryset: AnyQueryset,
    io: IO,
    method: str,
    write_concern: RawMapping | None,
) -> int | None:
    collection = await queryset._open_to_write(io, write_concern)
    options = queryset._common_options()
    limit = 1 if method == "delete_one" else None
    condition = await queryset._filter_to_write(io, limit=limit)
    result = await io(getattr(collection, method), condition, **options)
    return result.deleted_count if result.acknowledged else None


def _has_receivers(queryset: AnyQueryset) -> bool:
    """Return whether anyone receives the signals of these deletions."""
    return signals.signals_available and any(
        signal.receivers and signal.has_receivers_for(queryset._document)
        for signal in (signals.pre_delete, signals.post_delete)
    )


async def _delete_each(
    queryset: AnyQueryset, io: IO, write_concern: RawMapping | None
) -> int:
    """Delete document by document, each by its own `delete`."""
    documents = queryset._with(scalar=[], values=None, as_pymongo=False, related={})
    options = write_concern or {}
    return await for_each(
        io,
        documents._steps(),
        lambda document: io.call(document, "delete", **options),
    )


async def _delete_with_rules(
    queryset: AnyQueryset,
    io: IO,
    write_concern: RawMapping | None,
    deletion: Deletion,
) -> int | None:
    """Apply the rules and delete the documents, those that refer to others first.

    Goes down the levels of a cascade without recursion, as there may be thousands.
    """
    levels = [await _open_level(queryset, io, deletion)]
    while True:
        level = levels[-1]
        referring = await level.next_cascade(io, write_concern, deletion)
        if referring is None:
            levels.pop()
            count = await _send(level.queryset, io, "delete_many", write_concern)
            if not levels:
                return count
        elif _is_plain(referring):
            levels.append(await _open_level(referring, io, deletion))
        else:
            options = {"write_concern": write_concern, "cascade_refs": deletion}
            await io.call(referring, "delete", **options)


async def _open_level(queryset: AnyQueryset, io: IO, deletion: Deletion) -> Level:
    make = queryset._document_maker()
    documents = [make(raw) for raw in await read_all(queryset, io)]
    level = Level(queryset, rules_of(queryset._document), documents)
    await level.check(io)
    place = (queryset._alias, queryset._collection_name)
    deletion.add(place, (document.pk for document in documents))
    return level


def _is_plain(queryset: AnyQueryset) -> bool:
    """Return whether a cascade can go on without calling `queryset.delete`."""
    faces = [getattr(type(queryset), name) for name in ("delete", "async_delete")]
    return (
        all(getattr(face, "_operation", None) is delete for face in faces)
        and not queryset._is_void
        and not _has_receivers(queryset)
        and bool(rules_of(queryset._document))
    )
