"""Saving one document: which command is sent, and what its answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import bson
import pymongo.errors

from mongoengine import signals
from mongoengine.base import hooks
from mongoengine.base.awaiting import alias_of
from mongoengine.base.document import BaseDocument
from mongoengine.base.misspelt import warn_of_all_attributes
from mongoengine.base.state import set_state
from mongoengine.base.types import (
    AnyCollection,
    PassedOn,
    PrimaryKey,
    PythonValue,
    RawDocument,
    RawMapping,
)
from mongoengine.driver.concerns import with_concerns
from mongoengine.driver.cursor import Batches, open_cursor
from mongoengine.driver.write_errors import (
    SAVING,
    is_own_key,
)
from mongoengine.errors import (
    InvalidDocumentError,
    OperationError,
)
from mongoengine.operations.collections import collection_to_write
from mongoengine.operations.conflicts import (
    adopt_versions,
    raise_conflict,
    retry_condition,
    unmatched,
)
from mongoengine.operations.pending import (
    PendingInsert,
    PendingUpdate,
    moment_of,
    primary_key_of,
    shown_changes,
    stored_id,
)
from mongoengine.operations.sequences import fill_sequences, takes_numbers
from mongoengine.operations.validate import validate_in
from mongoengine.query import filters
from mongoengine.query.safe_values import are_safe, key_condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bson.codec_options import CodecOptions

    from mongoengine.base.embedded_list import EmbeddedDocumentList
    from mongoengine.base.stamps import Moment
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("cascade_save", "save", "save_owner")

D = TypeVar("D", bound="StoredDocument")


async def save(
    document: D,
    io: IO,
    /,
    force_insert: bool = False,
    validate: bool = True,
    clean: bool = True,
    write_concern: RawMapping | None = None,
    cascade: bool | None = None,
    cascade_kwargs: RawMapping | None = None,
    _refs: Sequence[object] | None = None,
    save_condition: RawMapping | None = None,
    signal_kwargs: RawMapping | None = None,
    *,
    session: Session = None,
    **kwargs: object,
) -> D:
    """Store the document: all of a new one, the changes of a stored one.

    Sends `insert`, `update`, or `findAndModify` for a new document whose primary key
    is set.  If it fails, the document keeps its changes.  A document that is not
    stored any more is stored again as a whole.

    :param force_insert: insert; `NotUniqueError` if its primary key is stored already.
    :param validate: validate the document first.
    :param clean: call `clean()` in validating.
    :param write_concern: options of a PyMongo `WriteConcern`.
    :param cascade: save changed documents that this one refers to as well;
        where None, `meta["cascade"]` decides.
    :param cascade_kwargs: arguments for saving those; implies `cascade`.
    :param _refs: what has been saved in this cascade so far.
    :param save_condition: a query that the stored document has to match.
    :param signal_kwargs: more keywords for the receivers of signals.
    :param session: a PyMongo session to work in
    :returns: the document itself.
    :raises ValidationError: a value does not meet the rules of its field.
    :raises NotUniqueError: a unique index forbids it.
    :raises SaveConditionError: `save_condition` did not match.
    :raises OperationError: the server refused it for another reason, or a document
        that was loaded with `only()` or `exclude()` is not stored any more.
    """
    created = await prepare(document, io, validate, clean, signal_kwargs, force_insert)
    write = await _write(
        document, io, created, force_insert, write_concern, save_condition
    )
    if cascade is None:
        cascade = cascade_kwargs is not None or document._meta.get("cascade", False)
    if cascade:
        options: RawDocument = {"validate": validate, "cascade": cascade}
        options.update(force_insert=force_insert, write_concern=write_concern)
        options.update(cascade_kwargs or {}, _refs=_refs)
        await io.call(document, "cascade_save", **options)
    if signals.post_save.receivers:
        await send_post_save(io, document, write, write.created, signal_kwargs)
    return document


async def _write(
    document: StoredDocument,
    io: IO,
    created: bool,
    force_insert: bool,
    write_concern: RawMapping | None,
    save_condition: RawMapping | None,
) -> PendingInsert | PendingUpdate:
    """Insert or update a document that has been prepared; return what was written."""
    cls = type(document)
    if document._meta.get("auto_create_index_on_save") and cls._collection is not None:
        await io.call(cls, "ensure_indexes")
    collection = await collection_to_write(document, io)
    if write_concern:
        collection = with_concerns(collection, write_concern)
    with SAVING:
        if created:
            return await send_insert(document, io, collection, replace=not force_insert)
        return await _update(document, io, collection, save_condition)


async def cascade_save(
    document: StoredDocument, io: IO, /, *, session: Session = None, **kwargs: PassedOn
) -> None:
    """Save the changed documents that this one refers to.

    Only those that have been loaded are looked at; the arguments are those
    of `save()`.
    """
    saved = kwargs.get("_refs") or []
    for reference in _changed_references(document):
        if any(reference is other for other in saved):
            continue
        saved.append(reference)
        kwargs["_refs"] = saved
        await io.call(reference, "save", **kwargs)


def awaits_nothing(io: IO, cls: type[StoredDocument]) -> bool:
    """Return whether documents of a class are only validated before they are written.

    Else there are signals to send, numbers to take, or hooks to await.
    """
    return not (
        signals.pre_save.receivers
        or signals.pre_save_post_validation.receivers
        or (io.is_async and hooks.coroutines_exist())
        or takes_numbers(cls)
    )


def is_new(document: StoredDocument) -> bool:
    """Return whether a document is to be inserted rather than updated."""
    return bool(document._created) or primary_key_of(document) is None


async def prepare(
    document: StoredDocument,
    io: IO,
    validate: bool,
    clean: bool,
    signal_kwargs: RawMapping | None,
    force_insert: bool = False,
) -> bool:
    """Do what comes before a document is written; return whether it is new.

    :raises InvalidDocumentError: if its class is abstract
    """
    cls = type(document)
    if cls._meta.get("abstract"):
        raise InvalidDocumentError("Cannot save an abstract document.")
    warn_of_all_attributes(document)
    if awaits_nothing(io, cls):
        if validate:
            document.validate(clean=clean)
        return force_insert or is_new(document)
    if signals.pre_save.receivers:
        await signals.send(
            io, signals.pre_save, cls, document=document, **(signal_kwargs or {})
        )
    if validate:
        if io.is_async:
            await validate_in(io, document, clean)
        else:
            document.validate(clean=clean)
    created = force_insert or is_new(document)
    if signals.pre_save_post_validation.receivers:
        await signals.send(
            io,
            signals.pre_save_post_validation,
            cls,
            document=document,
            created=created,
            **(signal_kwargs or {}),
        )
    if takes_numbers(cls):
        await fill_sequences(document, io)
    return created


async def send_post_save(
    io: IO,
    document: StoredDocument,
    write: PendingInsert | PendingUpdate | None,
    created: bool,
    signal_kwargs: RawMapping | None,
) -> None:
    """Send the signal; its receivers see what the write has changed as changed."""
    with shown_changes(write):
        await signals.send(
            io,
            signals.post_save,
            type(document),
            document=document,
            created=created,
            **(signal_kwargs or {}),
        )


async def send_insert(
    document: StoredDocument, io: IO, collection: AnyCollection, *, replace: bool
) -> PendingInsert:
    """Insert a document that is new, and return what was written.

    :param replace: one that has a primary key takes the place of the stored document
        of that key, where there is one (command `findAndModify`).
    """
    write = PendingInsert(document, moment_of(collection))
    try:
        await _send_whole(write, io, collection, replace)
    except BaseException as error:
        write.fail(error, collection.codec_options)
        if replace or write.is_retry:
            raise_conflict(error, write)
        raise
    write.succeed()
    return write


async def _send_whole(
    write: PendingInsert, io: IO, collection: AnyCollection, replace: bool
) -> None:
    son = write.son
    try:
        if write.is_retry and await _send_again(write, io, collection):
            return
        if replace and not write.has_own_key:
            query = {**key_query(write.document, son), **write.condition}
            if await io(collection.find_one_and_replace, query, son):
                return
        await io(collection.insert_one, son)
    except pymongo.errors.DuplicateKeyError as error:
        if not is_own_key(error.details):
            raise
        if write.has_own_key and not write.is_retry:
            return  # another save of this document, under way too, was first
        if not await _stored_by_earlier(write, io, collection):
            raise
        await io(collection.replace_one, retry_query(write), son, upsert=True)


async def _send_again(write: PendingInsert, io: IO, collection: AnyCollection) -> bool:
    """Write what an earlier attempt may have stored; return False if it is new."""
    if is_doubtful_measurement(write):
        # Documents of a time series cannot be replaced, and keys are not unique there.
        stored = await io(collection.find_one, {"_id": write.key})
        if stored:
            refuse_change(write, stored, collection.codec_options)
        return bool(stored)
    if write.has_own_key:
        await io(collection.replace_one, retry_query(write), write.son, upsert=True)
    return write.has_own_key


def is_doubtful_measurement(write: PendingInsert) -> bool:
    """Return whether a document of a time series may have been stored already."""
    return write.is_retry and bool(write.document._meta.get("timeseries"))


def refuse_change(
    write: PendingInsert, stored: RawMapping, codec_options: CodecOptions[RawDocument]
) -> None:
    """Raise an error if a document of a time series is stored with other values.

    :raises OperationError: it has been changed after the attempt that stored it
    """
    sent = bson.encode(write.son, codec_options=codec_options)
    if bson.decode(sent, codec_options=codec_options) != stored:
        raise OperationError(
            f"{write.document!r} was stored by an earlier attempt whose answer was "
            "lost, and has been changed since: documents of a time series cannot be "
            "replaced"
        )


async def _stored_by_earlier(
    write: PendingInsert, io: IO, collection: AnyCollection
) -> bool:
    """Return whether an attempt with unknown outcome has stored the document."""
    if not write.is_retry or write.has_own_key:
        return write.has_own_key
    stored = await io(collection.find_one, {"_id": write.key})
    return bool(stored) and write.is_stored_as(stored, collection.codec_options)


async def _update(
    document: StoredDocument,
    io: IO,
    collection: AnyCollection,
    save_condition: RawMapping | None,
) -> PendingInsert | PendingUpdate:
    """Write the changes of a stored document, if there are any.

    Return what was written: the whole document if it was not stored any more.
    """
    query: RawDocument = {}
    if save_condition is not None:
        safe = are_safe(type(document), alias_of(document))
        query = filters.local_query(type(document), save_condition, safe)
    query.update(key_query(document))
    moment = moment_of(collection)
    is_doubtful = document._fragment is not None or document._unanswered is not None
    may_insert = save_condition is None
    if is_doubtful and await look_up_lost(io, collection, [document], may_insert):
        return await _restore(document, io, collection, moment)
    write = PendingUpdate(document, moment)
    changes = write.changes.update
    if not changes:
        return write
    upsert = may_insert and write.may_insert
    write.key, write.upsert = {**query, **write.condition}, upsert
    try:
        result = await io(collection.update_one, write.key, changes, upsert=upsert)
        if result.acknowledged and not upsert and not result.matched_count:
            raise await unmatched(document, io, collection, write, save_condition)
    except BaseException as error:
        write.fail(error)
        raise_conflict(error, write)
        raise
    write.succeed()
    if not result.acknowledged or result.upserted_id is None:
        return write
    return await _restore(document, io, collection, moment)


async def look_up_lost(
    io: IO,
    collection: AnyCollection,
    documents: list[Any],
    may_insert: bool = True,
) -> list[Any]:
    """Find out what updates without an answer have stored of some documents.

    Return those of which at most changes are stored, marked as new.

    :param may_insert: documents that are not stored may be inserted
    """
    await adopt_versions(io, collection, documents)
    return await _fragments(io, collection, documents, may_insert)


async def _fragments(
    io: IO, collection: AnyCollection, documents: list[Any], may_insert: bool
) -> list[Any]:
    """Return the documents of which at most changes are stored, and mark them as new.

    An upsert of which no answer came has inserted the changes alone if the document
    was deleted in the meantime.  If nothing is stored, it still may.
    """
    doubtful = [document for document in documents if document._fragment is not None]
    if not doubtful:
        return []
    options = collection.codec_options

    def as_read(raw: RawMapping) -> RawDocument:
        return bson.decode(bson.encode(raw, codec_options=options))

    keys = [stored_id(document) for document in doubtful]
    raws = [as_read(raw) for raw in await read_keys(io, collection, keys)]
    stored = [raw["_id"] for raw in raws]
    cut = []
    for key, document in zip(keys, doubtful, strict=True):
        is_stored = as_read({"_id": key})["_id"] in stored
        is_gone = may_insert and not is_stored
        if is_gone or as_read(document._fragment) in raws:
            cut.append(document)
            set_state(document, "_created", True)
    return cut


async def read_keys(
    io: IO, collection: AnyCollection, keys: list[PrimaryKey]
) -> list[RawDocument]:
    """Return the raw documents that have these primary keys."""
    cursor = open_cursor(collection, {"filter": {"_id": {"$in": keys}}})
    raws: list[RawDocument] = await Batches(cursor).drain(io)
    return raws


async def _restore(
    document: StoredDocument, io: IO, collection: AnyCollection, moment: Moment | None
) -> PendingInsert:
    """Store a document as a whole where an update has inserted its changes alone."""
    set_state(document, "_created", True)
    write = PendingInsert(document, moment, restored=True)
    try:
        await io(collection.replace_one, retry_query(write), write.son, upsert=True)
    except BaseException as error:
        write.fail(error)
        raise_conflict(error, write)
        raise
    write.succeed()
    return write


def key_query(document: StoredDocument, son: RawMapping | None = None) -> RawDocument:
    """Return the filter that finds the stored form of a document.

    :param son: the dump of the document, where it has been made
    """
    key = stored_id(document) if son is None else son["_id"]
    query = {"_id": key_condition(key) if isinstance(key, dict) else key}
    if type(document)._schema.shard_key:
        dump = document.to_mongo() if son is None else son
        query.update(shard_key_of(document, dump))
    return query


def retry_query(write: PendingInsert) -> RawDocument:
    """Return the filter that finds what an earlier attempt may have stored."""
    return {**key_query(write.document, write.son), **retry_condition(write)}


def shard_key_of(document: StoredDocument, son: RawMapping) -> RawDocument:
    """Return the values of the shard key, by database names, out of a dump."""
    values = {}
    for declared in document._meta["shard_key"]:
        fields = document._lookup_field(declared.split("."))
        names = [field.db_field for field in fields]
        value: PythonValue = son
        for name in names:
            value = value[name]
        values[".".join(names)] = value
    return values


async def save_owner(
    embedded: EmbeddedDocumentList[Any],
    io: IO,
    /,
    *args: object,
    session: Session = None,
    **kwargs: object,
) -> None:
    """Save the document that holds the list, with `save`'s arguments.

    :raises OperationError: if there is no such document any more.
    """
    owner = embedded._owner()
    if owner is None:
        raise OperationError(
            f"The document that holds the list {embedded._name!r} is gone, so that it "
            "cannot be saved: keep a reference to the document and call its save()"
        )
    await io.call(owner, "save", *args, **kwargs)


def _changed_references(document: StoredDocument) -> list[BaseDocument]:
    """Return the loaded documents that `document` refers to and that have changes."""
    data = document._data
    references = (
        data.get(name) for name, field in document._fields.items() if field._cascades
    )
    return [
        reference
        for reference in references
        if isinstance(reference, BaseDocument) and _is_changed(reference)
    ]


def _is_changed(document: BaseDocument) -> bool:
    """Return whether saving a document sends anything."""
    return not hasattr(document, "_changed_fields") or bool(
        document._get_changed_fields()
    )
