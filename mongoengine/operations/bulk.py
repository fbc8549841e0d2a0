"""Many writes in as few commands as the server allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

import pymongo
from pymongo.results import BulkWriteResult

from mongoengine import signals
from mongoengine.base.misspelt import warn_of_all_attributes
from mongoengine.base.state import set_state
from mongoengine.base.types import (
    AnyCollection,
    Keywords,
    PassedOn,
    RawDocument,
    RawMapping,
)
from mongoengine.driver.cursor import Batches, open_cursor
from mongoengine.errors import OperationError
from mongoengine.operations.commands import CountedUpdate, Outcome, send
from mongoengine.operations.conflicts import (
    conflict,
    gone_in_part,
    guarded,
    is_conflict,
)
from mongoengine.operations.insert import (
    apply,
    remember_target,
    requests_for,
    send_writes,
)
from mongoengine.operations.pending import (
    PendingInsert,
    PendingUpdate,
    begin_inserts,
    moment_of,
    stored_id,
)
from mongoengine.operations.save import (
    awaits_nothing,
    is_new,
    key_query,
    look_up_lost,
    prepare,
    retry_query,
    send_post_save,
)
from mongoengine.operations.sequences import fill_sequences
from mongoengine.operations.validate import validate_in
from mongoengine.operations.write import change_of, stamping
from mongoengine.query.q import QNode

if TYPE_CHECKING:
    from mongoengine.base.stamps import Moment, Stamped
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset, QuerySource

__all__ = (
    "DeleteMany",
    "DeleteOne",
    "InsertOne",
    "Operation",
    "UpdateMany",
    "UpdateOne",
    "bulk_save",
    "bulk_write",
)

D = TypeVar("D", bound="StoredDocument")

Query = QNode | RawMapping | None

#: What a bulk does with one document.
Write: TypeAlias = PendingInsert | PendingUpdate

#: An operation of PyMongo's.
Request: TypeAlias = (
    "pymongo.InsertOne[RawDocument] | pymongo.ReplaceOne[RawDocument] |"
    " pymongo.UpdateOne | pymongo.UpdateMany | pymongo.DeleteOne | pymongo.DeleteMany"
)


class Operation:
    """One of the operations that `bulk_write` takes."""

    async def _request(
        self, queryset: AnyQueryset, io: IO, stamped: Stamped | None
    ) -> Request | None:
        """Return the operation of PyMongo's; None for an insert."""
        raise NotImplementedError


class InsertOne(Operation):
    """Insert a new document.

    :param document: validated before anything is sent
    """

    def __init__(self, document: StoredDocument) -> None:
        self.document = document

    def __repr__(self) -> str:
        return f"InsertOne({self.document!r})"

    async def _request(
        self, queryset: AnyQueryset, io: IO, stamped: Stamped | None
    ) -> None:
        _check(queryset, [self.document])
        await validate_in(io, self.document, True)
        await fill_sequences(self.document, io)


class _Matching(Operation):
    """An operation on what matches a query within the queryset."""

    def __init__(self, query: Query = None) -> None:
        self.query = query

    def _filter(self, queryset: AnyQueryset) -> RawDocument:
        query = self.query
        if isinstance(query, Mapping):
            queryset = queryset.filter(**query)
        elif query is not None:
            queryset = queryset.filter(query)
        conditions: RawDocument = queryset._filter()
        return conditions

    def _options(self, queryset: AnyQueryset) -> Keywords:
        options: Keywords = queryset._common_options()
        options.pop("comment", None)
        return options


class _Updating(_Matching):
    """An operation that changes documents.

    :param query: a `Q`, or keywords like `{"age__gt": 18}`; None for all
    :param update: keywords like `{"set__name": "x", "inc__age": 1}`
    :param upsert: insert a document if none matches
    :param array_filters: which elements `$[name]` stands for
    """

    _pymongo: ClassVar[type[pymongo.UpdateOne | pymongo.UpdateMany]]

    def __init__(
        self,
        query: Query,
        update: RawMapping,
        upsert: bool = False,
        array_filters: object = None,
    ) -> None:
        super().__init__(query)
        self.update = update
        self.upsert = upsert
        self.array_filters: PassedOn = array_filters

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query!r}, {self.update!r})"

    async def _request(
        self, queryset: AnyQueryset, io: IO, stamped: Stamped | None
    ) -> Request:
        conditions = self._filter(queryset)
        upsert = self.upsert and not queryset._is_void
        return self._pymongo(
            conditions,
            change_of(queryset, dict(self.update), stamped, upsert, conditions),
            upsert=upsert,
            array_filters=self.array_filters,
            **self._options(queryset),
        )


class UpdateOne(_Updating):
    """Change one document."""

    _pymongo = pymongo.UpdateOne


class UpdateMany(_Updating):
    """Change all documents that match."""

    _pymongo = pymongo.UpdateMany


class _Deleting(_Matching):
    """An operation that deletes documents; delete rules do not apply.

    :param query: a `Q`, or keywords like `{"age__gt": 18}`; None for all
    """

    _pymongo: ClassVar[type[pymongo.DeleteOne | pymongo.DeleteMany]]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query!r})"

    async def _request(
        self, queryset: AnyQueryset, io: IO, stamped: Stamped | None
    ) -> Request:
        return self._pymongo(self._filter(queryset), **self._options(queryset))


class DeleteOne(_Deleting):
    """Delete one document."""

    _pymongo = pymongo.DeleteOne


class DeleteMany(_Deleting):
    """Delete all documents that match."""

    _pymongo = pymongo.DeleteMany


async def bulk_save(
    queryset: QuerySource[D],
    io: IO,
    documents: Iterable[D],
    validate: bool = True,
    clean: bool = True,
    ordered: bool = False,
    write_concern: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    session: Session = None,
) -> list[D]:
    """Insert the new ones of some documents, and update the changed ones.

    Sends `insert` and `update` with as many documents each as the server takes.
    All documents are validated before anything is sent.

    :param documents: of the class of this queryset
    :param validate: validate them
    :param clean: call their `clean()` in validating
    :param ordered: write in this order, and nothing after a failure
    :param write_concern: options of a PyMongo `WriteConcern`
    :param signal_kwargs: more keywords for the receivers of the signals of
        `save`, which are sent for each document
    :param session: a PyMongo session to work in
    :returns: the documents
    :raises BulkOperationError: if some could not be written: its `failures`
        say which and why; the others are written, and are clean
    :raises ValidationError: if a value is invalid
    :raises OperationError: if a document is of another class, or is stored in another
        collection
    """
    docs = list(documents)
    _check(queryset, docs)
    created = await _prepare_all(docs, io, validate, clean, signal_kwargs)
    collection = await queryset._open_to_write(io, write_concern)
    cut = await look_up_lost(io, collection, docs)
    moment = moment_of(collection)
    writes, places = _pending(docs, created, cut, moment)
    outcome = Outcome(len(docs))
    if writes:
        outcome = await _send_saves(io, collection, writes, ordered, moment)
    by_place = dict(zip(places, writes, strict=True))
    made = {place for place, write in by_place.items() if write.created}
    made.update(places[place] for place in outcome.upserted)
    outcome.failed = {places[place]: e for place, e in outcome.failed.items()}
    failed = outcome.failed
    remember_target(
        queryset, (d for place, d in enumerate(docs) if place not in failed)
    )
    outcome.raise_lost()
    if signals.post_save.receivers:
        for place, document in enumerate(docs):
            if place not in failed:
                await send_post_save(
                    io, document, by_place.get(place), place in made, signal_kwargs
                )
    summary = outcome.summary(docs, "document")
    if summary is not None:
        raise summary from outcome.error or outcome.lost
    return docs


async def _prepare_all(
    documents: Sequence[StoredDocument],
    io: IO,
    validate: bool,
    clean: bool,
    signal_kwargs: RawMapping | None,
) -> list[bool]:
    """Do what comes before documents are written; return which of them are new."""
    if all(awaits_nothing(io, cls) for cls in {*map(type, documents)}):
        for document in documents:
            warn_of_all_attributes(document)
            if validate:
                document.validate(clean=clean)
        return [is_new(document) for document in documents]
    return [
        await prepare(document, io, validate, clean, signal_kwargs)
        for document in documents
    ]


def _check(queryset: QuerySource[D], documents: Iterable[D]) -> None:
    """Raise the error for a document that does not belong to a queryset."""
    cls = queryset._document
    target = queryset._alias, queryset._collection_name
    is_explicit = queryset._explicit_collection is not None
    for document in documents:
        if not isinstance(document, cls):
            raise OperationError(f"{document!r} is no document of {cls}")
        stored_in = document._target
        if stored_in is None or stored_in == target or document._created or is_explicit:
            continue
        raise OperationError(
            f"{document!r} is stored in the collection {stored_in[1]!r} of the "
            f"alias {stored_in[0]!r}, and {cls.__name__}.objects writes to "
            f"{target[1]!r} of {target[0]!r}: save it with its own save(), or through "
            "objects.using() and switch_collection()"
        )


def _pending(
    documents: Sequence[StoredDocument],
    created: list[bool],
    cut: list[StoredDocument],
    moment: Moment | None,
) -> tuple[list[Write], list[int]]:
    """Return the writes for the new and changed documents, and their places.

    :param cut: documents of which at most changes are stored
    """
    writes: list[Write] = []
    places = []
    try:
        for place, document in enumerate(documents):
            write: PendingInsert | PendingUpdate | None
            restored = bool(cut) and any(document is other for other in cut)
            if restored or created[place]:
                write = PendingInsert(document, moment, restored=restored)
            else:
                key = key_query(document)
                write = PendingUpdate(document, moment)
                if write.changes.is_empty():
                    continue
                write.key = key if write.stamped is None else {**key, **write.condition}
                write.upsert = write.may_insert
            writes.append(write)
            places.append(place)
    except BaseException as error:
        for write in writes:
            write.fail(error)
        raise
    return writes, places


async def _send_saves(
    io: IO,
    collection: AnyCollection,
    writes: list[Write],
    ordered: bool,
    moment: Moment | None,
) -> Outcome:
    """Send the writes of documents, and let the documents know what became of them."""
    options = collection.codec_options
    try:
        inserts = [write for write in writes if isinstance(write, PendingInsert)]
        sent = iter(await requests_for(io, collection, inserts))
        requests = [
            _update_of(write) if isinstance(write, PendingUpdate) else next(sent)
            for write in writes
        ]
    except BaseException as error:
        for write in writes:
            write.fail(error)
        raise
    by_place = dict(enumerate(writes))
    outcome = await send_writes(io, collection, requests, by_place, ordered)
    for place, failure in outcome.failed.items():
        if is_conflict(failure, writes[place]):
            outcome.failed[place] = conflict(writes[place].document)
    await _fail_missing(io, collection, writes, outcome)
    apply(outcome, by_place, options)
    await _restore(io, collection, writes, outcome, moment)
    return outcome


def _update_of(write: PendingUpdate) -> CountedUpdate:
    """Return the update of one document, which fails if a condition is not met."""
    change = write.changes.update
    if write.upsert or not write.condition:
        return CountedUpdate(write.key, change, upsert=write.upsert)
    return CountedUpdate(write.key, guarded(change), upsert=True)


async def _fail_missing(
    io: IO, collection: AnyCollection, writes: list[Write], outcome: Outcome
) -> None:
    """Let the updates of partly loaded documents fail that are not stored any more."""
    updates = [
        place
        for place, write in enumerate(writes)
        if not write.created and place not in outcome.failed
    ]
    in_part = [place for place in updates if writes[place].document._partial]
    written = outcome.reply["nMatched"] + outcome.reply["nUpserted"]
    if not in_part or not outcome.acknowledged or written >= len(updates):
        return
    keys = [stored_id(writes[place].document) for place in in_part]
    query = {"filter": {"_id": {"$in": keys}}, "projection": {"_id": 1}}
    cursor = open_cursor(collection, query)
    try:
        stored = [raw["_id"] for raw in await Batches(cursor).drain(io)]
    except BaseException as error:
        outcome.lost = outcome.lost or error
        outcome.failed.update(dict.fromkeys(in_part, error))
        return
    for place, key in zip(in_part, keys, strict=True):
        if key not in stored:
            outcome.failed[place] = gone_in_part(writes[place].document)


async def _restore(
    io: IO,
    collection: AnyCollection,
    writes: list[Write],
    outcome: Outcome,
    moment: Moment | None,
) -> None:
    """Store documents as a whole that an update has made anew of their changes."""
    places = [place for place in outcome.upserted if not writes[place].created]
    if not places:
        return
    documents = [writes[place].document for place in places]
    for document in documents:
        set_state(document, "_created", True)
    again = begin_inserts(documents, moment, restored=True)
    requests = [
        pymongo.ReplaceOne(retry_query(write), write.son, upsert=True)
        for write in again
    ]
    second = await send(io, collection, requests, ordered=False)
    apply(second, dict(enumerate(again)), collection.codec_options)
    outcome.lost = outcome.lost or second.lost
    outcome.error = outcome.error or second.error
    for index, failure in second.failed.items():
        outcome.failed[places[index]] = failure


async def bulk_write(
    queryset: AnyQueryset,
    io: IO,
    operations: Iterable[Operation],
    ordered: bool = True,
    write_concern: RawMapping | None = None,
    *,
    session: Session = None,
) -> BulkWriteResult:
    """Send operations in the language of queries and updates, together::

        from mongoengine.operations.bulk import DeleteMany, InsertOne, UpdateOne

        Person.objects.bulk_write([
            InsertOne(Person(name="Ann")),
            UpdateOne({"name": "Bob"}, {"inc__age": 1}, upsert=True),
            DeleteMany(Q(age__gt=120)),
        ])

    The filter of the queryset holds for all of them.  Signals are not sent, and
    delete rules do not apply.

    :param operations: what to do
    :param ordered: in this order, and nothing after a failure
    :param write_concern: options of a PyMongo `WriteConcern`
    :param session: a PyMongo session to work in
    :raises BulkOperationError: if some failed: its `failures` say which and why
    :raises ValidationError: if a document to insert is invalid
    """
    operations = list(operations)
    with stamping(queryset, io) as stamped:
        requests = [await _request_of(queryset, io, o, stamped) for o in operations]
        collection = await queryset._open_to_write(io, write_concern)
        moment = None if stamped is None else stamped.moment
        writes = await _fill_in_inserts(io, collection, operations, requests, moment)
        outcome = await send_writes(io, collection, requests, writes, ordered)
        apply(outcome, writes, collection.codec_options)
        remember_target(
            queryset, [w.document for p, w in writes.items() if p not in outcome.failed]
        )
        outcome.raise_lost()
    summary = outcome.summary(operations, "operation")
    if summary is not None:
        raise summary from outcome.error or outcome.lost
    return outcome.result


async def _fill_in_inserts(
    io: IO,
    collection: AnyCollection,
    operations: list[Operation],
    requests: list[Request | None],
    moment: Moment | None,
) -> dict[int, PendingInsert]:
    """Put the inserts among the requests; return the pending writes by their places."""
    inserted = {
        place: operation.document
        for place, operation in enumerate(operations)
        if isinstance(operation, InsertOne)
    }
    writes = begin_inserts([*inserted.values()], moment)
    try:
        inserts = await requests_for(io, collection, writes)
    except BaseException as error:
        for write in writes:
            write.fail(error, collection.codec_options)
        raise
    for place, request in zip(inserted, inserts, strict=True):
        requests[place] = request
    return dict(zip(inserted, writes, strict=True))


async def _request_of(
    queryset: AnyQueryset, io: IO, operation: object, stamped: Stamped | None
) -> Request | None:
    """Return the PyMongo operation for one of ours; None for an insert."""
    if not isinstance(operation, Operation):
        raise TypeError(f"{operation!r} is no operation of mongoengine.queryset.bulk")
    return await operation._request(queryset, io, stamped)
