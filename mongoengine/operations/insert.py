"""Inserting new documents through a queryset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import bson
import pymongo

from mongoengine import signals
from mongoengine.base import hooks
from mongoengine.base.document import BaseDocument
from mongoengine.base.misspelt import warn_of_all_attributes
from mongoengine.base.types import AnyCollection, PrimaryKey, RawMapping
from mongoengine.driver.write_errors import (
    INSERTING,
    copy_reply,
    is_own_key,
)
from mongoengine.errors import BulkOperationError, NotUniqueError, OperationError
from mongoengine.operations.collections import own_target
from mongoengine.operations.commands import Outcome, send
from mongoengine.operations.pending import (
    PendingInsert,
    PendingUpdate,
    begin_inserts,
    moment_of,
)
from mongoengine.operations.read import in_bulk
from mongoengine.operations.save import (
    is_doubtful_measurement,
    read_keys,
    retry_query,
    send_insert,
)
from mongoengine.operations.sequences import fill_sequences, takes_numbers
from mongoengine.operations.target import put_target
from mongoengine.operations.validate import await_cleans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset, QuerySource

__all__ = ("insert",)

D = TypeVar("D")


@overload
async def insert(
    queryset: QuerySource[D],
    io: IO,
    doc_or_docs: D,
    load_bulk: Literal[True] = True,
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    ordered: bool = True,
    session: Session = None,
) -> D: ...
@overload
async def insert(
    queryset: QuerySource[D],
    io: IO,
    doc_or_docs: Iterable[D],
    load_bulk: Literal[True] = True,
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    ordered: bool = True,
    session: Session = None,
) -> list[D]: ...
@overload
async def insert(
    queryset: QuerySource[D],
    io: IO,
    doc_or_docs: Iterable[D],
    load_bulk: Literal[False],
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    ordered: bool = True,
    session: Session = None,
) -> list[PrimaryKey]: ...
@overload
async def insert(
    queryset: QuerySource[D],
    io: IO,
    doc_or_docs: D | Iterable[D],
    load_bulk: bool = True,
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    ordered: bool = True,
    session: Session = None,
) -> Any: ...
async def insert(
    queryset: AnyQueryset,
    io: IO,
    doc_or_docs: Any,
    load_bulk: bool = True,
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    ordered: bool = True,
    session: Session = None,
) -> object:
    """Insert new documents, without validating them (`insert`).

    Sends as many commands as the server's limits ask for.

    :param doc_or_docs: a document, or any number of them
    :param load_bulk: give the documents, read back; False for their ids
    :param write_concern: options of a PyMongo `WriteConcern`
    :param signal_kwargs: more keywords for the receivers of signals
    :param ordered: write in this order, and nothing after a failure; False
        writes all that can be written
    :param session: a PyMongo session to work in
    :returns: documents or ids; one alone for one document alone
    :raises OperationError: if a document is of another class, or stored already
    :raises NotUniqueError: if the one document breaks a unique index
    :raises BulkOperationError: if some of several documents could not be
        written: its `failures` say which and why; the others are written, and
        are clean
    """
    cls: type[StoredDocument] = queryset._document
    alone = isinstance(doc_or_docs, cls)
    docs = [doc_or_docs] if alone else _list_of(doc_or_docs)
    _check(docs, cls)
    more = signal_kwargs or {}
    if signals.pre_bulk_insert.receivers:
        await signals.send(io, signals.pre_bulk_insert, cls, documents=docs, **more)
    collection = await queryset._open_to_write(io, write_concern)
    await _complete(docs, io)
    if alone:
        ids = [await _insert_one(io, collection, docs[0])]
    else:
        ids = await _insert_many(io, collection, docs, ordered)
    remember_target(queryset, docs)
    results = docs
    if load_bulk:
        results = await _load_back(queryset, io, collection, ids)
    if signals.post_bulk_insert.receivers:
        await signals.send(
            io,
            signals.post_bulk_insert,
            cls,
            documents=results,
            loaded=load_bulk,
            **more,
        )
    if not load_bulk:
        results = ids
    return results[0] if alone else results


async def _complete(docs: list[Any], io: IO) -> None:
    """Run coroutine hooks of documents, and number those that take numbers."""
    if hooks.coroutines_exist():
        for doc in docs:
            await await_cleans(io, doc)
    if any(map(takes_numbers, set(map(type, docs)))):
        for doc in docs:
            await fill_sequences(doc, io)


def _list_of(docs: Iterable[object]) -> list[object]:
    return [docs] if isinstance(docs, BaseDocument) else list(docs)


def _check(docs: Sequence[object], cls: type[StoredDocument]) -> None:
    for doc in docs:
        if not isinstance(doc, cls):
            raise OperationError(f"Some documents inserted aren't instances of {cls}")
        warn_of_all_attributes(doc)
        if not doc._created and doc.pk:
            raise OperationError(
                "Some documents have ObjectIds, use doc.update() instead"
            )


def remember_target(queryset: AnyQueryset, docs: Iterable[Any]) -> None:
    """Let documents that have been stored remember the collection."""
    if queryset._explicit_collection is not None:
        return
    target = queryset._alias, queryset._collection_name
    own = own_target(queryset._document)
    for doc in docs:
        if (doc._target or own) == target:
            continue
        put_target(doc, *target)


async def _insert_one(io: IO, collection: AnyCollection, document: Any) -> object:
    """Insert a document; return its id as stored."""
    with INSERTING:
        write = await send_insert(document, io, collection, replace=False)
    return write.key


async def _insert_many(
    io: IO, collection: AnyCollection, docs: list[Any], ordered: bool
) -> list[PrimaryKey]:
    """Insert documents; return their ids as stored."""
    if not docs:
        await io(collection.insert_many, docs)  # PyMongo's error says why not
    writes = begin_inserts(docs, moment_of(collection))
    try:
        again = [write for write in writes if write._earlier is not None]
        if any(write.is_retry for write in again):
            requests = await requests_for(io, collection, writes)
            by_place = dict(enumerate(writes))
            outcome = await send_writes(io, collection, requests, by_place, ordered)
        else:
            sons = [write.son for write in writes]
            outcome = await send(io, collection, sons, ordered)
    except BaseException as error:
        for write in writes:
            write.fail(error, collection.codec_options)
        raise
    apply(outcome, dict(enumerate(writes)), collection.codec_options)
    outcome.raise_lost()
    if (cause := outcome.error or outcome.lost) is not None:
        raise _bulk_error(outcome, docs) from cause
    return [write.key for write in writes]


def apply(outcome: Outcome, writes: Mapping[int, Any], codec_options: object) -> None:
    """Let pending writes, by their places, succeed or fail."""
    for place, write in writes.items():
        failure = outcome.failed.get(place)
        if failure is not None and _is_stored_already(write, failure):
            outcome.forgive(place)
            failure = None
        if failure is None:
            write.succeed()
        elif write.created:
            write.fail(failure, codec_options)
        else:
            write.fail(failure)


def _is_stored_already(write: Any, failure: object) -> bool:
    """Return whether another write of the same document, under way too, was first."""
    return (
        write.created
        and write.has_own_key
        and not write.is_retry
        and isinstance(failure, NotUniqueError)
        and is_own_key(failure.details)
    )


async def send_writes(
    io: IO,
    collection: AnyCollection,
    requests: list[Any],
    writes: Mapping[int, PendingInsert | PendingUpdate],
    ordered: bool,
) -> Outcome:
    """Send requests, among them whole documents that may be stored already.

    The server may carry out an earlier command that was broken off at any later time:
    also after these documents were looked for, and before they are inserted.  Those
    that are refused for that replace what is stored, and what was left out after them
    is sent.

    :param requests: in their order
    :param writes: the documents that they write, by their places
    """
    outcome = await send(io, collection, requests, ordered)
    tried: set[int] = set()
    while late := _late(outcome, writes) - tried:
        tried |= late
        places = sorted(outcome.failed if ordered else late)
        try:
            await _renew(io, collection, requests, writes, places)
        except BaseException as error:
            outcome.lost = outcome.lost or error
            outcome.failed.update(dict.fromkeys(places, error))
            break
        foreign = {p for p in late if isinstance(requests[p], pymongo.InsertOne)}
        places = [place for place in places if place not in foreign]
        if not places or (ordered and foreign):
            break
        again = [requests[place] for place in places]
        outcome.update(places, await send(io, collection, again, ordered))
    return outcome


def _late(
    outcome: Outcome, writes: Mapping[int, PendingInsert | PendingUpdate]
) -> set[int]:
    """Return the places of documents that an earlier attempt may have stored."""
    return {
        place
        for place, failure in outcome.failed.items()
        if place in writes
        and writes[place].is_retry
        and isinstance(failure, NotUniqueError)
        and is_own_key(failure.details)
    }


async def _renew(
    io: IO,
    collection: AnyCollection,
    requests: list[Any],
    writes: Mapping[int, PendingInsert | PendingUpdate],
    places: list[int],
) -> None:
    """Look again for what is stored, and change the requests accordingly."""
    whole = [place for place in places if place in writes and writes[place].created]
    inserts: list[Any] = [writes[place] for place in whole]
    renewed = await requests_for(io, collection, inserts)
    for place, request in zip(whole, renewed, strict=True):
        requests[place] = request


async def requests_for(
    io: IO, collection: AnyCollection, writes: list[PendingInsert]
) -> list[Any]:
    """Return what to send for whole documents, some of which may be stored already.

    A document is stored already if the answer to an earlier command has been lost.
    """
    await _refuse_measurements(io, collection, writes)
    doubtful = [w for w in writes if w.is_retry and not w.has_own_key]
    stored: list[Any] = []
    if doubtful:
        stored = await read_keys(io, collection, [write.key for write in doubtful])
    options = collection.codec_options
    return [
        pymongo.ReplaceOne(retry_query(write), write.son, upsert=True)
        if write.restored
        or (
            write.is_retry
            and not is_doubtful_measurement(write)
            and (
                write.has_own_key
                or any(
                    raw["_id"] == write.key and write.is_stored_as(raw, options)
                    for raw in stored
                )
            )
        )
        else pymongo.InsertOne(write.son)
        for write in writes
    ]


async def _refuse_measurements(
    io: IO, collection: AnyCollection, writes: list[PendingInsert]
) -> None:
    """Raise an error if documents of a time series are stored already.

    They cannot be replaced, and would be stored twice, as keys are not unique there.

    :raises OperationError: an earlier attempt has stored some of them
    """
    keys = [write.key for write in writes if is_doubtful_measurement(write)]
    stored = await read_keys(io, collection, keys) if keys else []
    if stored:
        found = [raw["_id"] for raw in stored]
        raise OperationError(
            f"{len(found)} of {len(writes)} documents were stored by an earlier "
            "attempt whose answer was lost, and documents of a time series cannot be "
            f"replaced: write the others without those of the primary keys {found}"
        )


def _bulk_error(outcome: Outcome, docs: Sequence[object]) -> BulkOperationError:
    details = outcome.reply
    for item in details["writeErrors"]:
        # The message shows what `to_mongo()` gives, which is not how it was sent.
        if isinstance(item.get("op"), dict) and "_id" in item["op"]:
            op = docs[item["index"]].to_mongo()
            op.setdefault("_id", item["op"]["_id"])
            item["op"] = op
    summary = BulkOperationError(
        f"Bulk write error: ({details})",
        [
            (place, docs[place], outcome.failed[place])
            for place in sorted(outcome.failed)
        ],
    )
    if outcome.error is not None:
        copy_reply(outcome.error, summary)
    return summary


async def _load_back(
    queryset: AnyQueryset, io: IO, collection: AnyCollection, ids: list[PrimaryKey]
) -> list[PrimaryKey]:
    """Return the documents as they are stored now."""
    if not any(isinstance(key, dict) for key in ids):
        found = await in_bulk(queryset, io, ids)
        return [found.get(key) for key in ids]
    # Compound keys cannot be looked up in a dict.
    raws = await read_keys(io, collection, ids)
    items = queryset._converter()(raws)
    options = collection.codec_options
    by_key = {
        bson.encode({"_id": raw["_id"]}, codec_options=options): item
        for raw, item in zip(raws, items, strict=True)
    }
    return [by_key.get(bson.encode({"_id": key}, codec_options=options)) for key in ids]
