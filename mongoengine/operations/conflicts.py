"""Documents that others have changed or deleted since they were loaded.

A class with `meta = {"version_field": ...}` has a condition for its writes: the stored
version is the one that the document was loaded with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bson
from pymongo.errors import DuplicateKeyError

from mongoengine.base.items import is_nameable
from mongoengine.base.sentinels import MISSING
from mongoengine.base.stamps import Stamped, stamps_exist
from mongoengine.base.state import set_state
from mongoengine.base.types import AnyCollection, RawDocument, RawMapping, RawValue
from mongoengine.driver.write_errors import is_own_key
from mongoengine.errors import (
    ConcurrentModificationError,
    OperationError,
    SaveConditionError,
)
from mongoengine.operations.pending import primary_key_of

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.operations.pending import PendingInsert, PendingUpdate

__all__ = (
    "adopt_versions",
    "advance",
    "condition_of",
    "conflict",
    "gone_in_part",
    "guarded",
    "is_conflict",
    "raise_conflict",
    "retry_condition",
    "unmatched",
)

#: The server's code for an update that would change `_id`.
_IMMUTABLE_FIELD = 66


def conflict(document: StoredDocument, verb: str = "save") -> OperationError:
    """Return the error for a document that has been written by others."""
    return ConcurrentModificationError(
        f"Could not {verb} document ({_name_of(document)} has been changed or deleted "
        "by others since it was loaded: call reload() and make the changes again, or "
        "use save_with_retry())"
    )


def gone_in_part(document: StoredDocument) -> OperationError:
    """Return the error for a partly loaded document that is not stored any more."""
    return OperationError(
        f"Could not save document ({_name_of(document)} is not stored any more, and "
        "was loaded in part only, by only() or exclude())"
    )


def _name_of(document: StoredDocument) -> str:
    """Return the class and the primary key of a document, for a message."""
    return f"{type(document).__name__} {primary_key_of(document)!r}"


def condition_of(document: StoredDocument, loaded_only: bool = False) -> RawDocument:
    """Return the filter that the stored document must match to be written.

    It is empty for classes without a version.

    :param loaded_only: return an empty filter if the version has not been loaded
    :raises OperationError: if it has not been loaded
    """
    condition: RawDocument = {}
    if stamps_exist():
        for stamp in type(document)._schema.stamps:
            if not loaded_only or stamp.is_loaded(document):
                condition.update(stamp.condition(document))
    return condition


def retry_condition(write: PendingInsert) -> RawDocument:
    """Return the filter that a document matches that an earlier attempt has stored."""
    return {key: write.son[key] for key in write.condition}


def raise_conflict(error: BaseException, write: PendingInsert | PendingUpdate) -> None:
    """Raise the error of `conflict()` if a write failed because of another version.

    A document with the same key is stored then, which the condition does not match.
    """
    if (
        write.condition
        and isinstance(error, DuplicateKeyError)
        and is_own_key(error.details)
    ):
        raise conflict(write.document) from error


def is_conflict(failure: Exception, write: PendingInsert | PendingUpdate) -> bool:
    """Return whether an update in a bulk failed since others have written."""
    return bool(
        write.condition
        and (write.is_retry or not write.created)
        and (
            getattr(failure, "code", None) == _IMMUTABLE_FIELD
            or is_own_key(getattr(failure, "details", None))
        )
    )


def guarded(change: RawMapping) -> RawDocument:
    """Return an update that, as an upsert, fails where nothing matches.

    The reply to a bulk says which of its updates failed, but not which matched.
    """
    return {**change, "$setOnInsert": {"_id": None}}


async def unmatched(
    document: StoredDocument,
    io: IO,
    collection: AnyCollection,
    write: PendingUpdate,
    save_condition: RawMapping | None,
) -> OperationError:
    """Return the error for an update that matched nothing."""
    if save_condition is not None:
        query = {"_id": write.key["_id"], **write.condition}
        if not write.condition or await io(collection.find_one, query):
            return SaveConditionError(
                "Race condition preventing document update detected"
            )
    return conflict(document) if write.condition else gone_in_part(document)


def advance(document: StoredDocument, stamped: Stamped, update: RawMapping) -> None:
    """Give a document the version that an update of it has stored.

    It keeps the one that it has if the update sets another one explicitly.
    """
    for stamp in type(document)._schema.stamps:
        field = stamp.field
        explicit = any(field.name in keyword.split("__") for keyword in update)
        raw = str(update.get("__raw__", ""))
        if stamp.condition(document) and not explicit and field.db_field not in raw:
            stamped.advance(document, stamp)


async def adopt_versions(
    io: IO, collection: AnyCollection, documents: list[Any]
) -> None:
    """Give documents the versions that updates without an answer have stored."""
    doubtful = [document for document in documents if document._unanswered is not None]
    if not doubtful:
        return
    for document in doubtful:
        query, sets, unsets = document._unanswered
        stored = await io(collection.find_one, query)
        options = collection.codec_options
        sent = bson.decode(bson.encode(sets, codec_options=options), options)
        if (
            stored is not None
            and all(_at(stored, path) == value for path, value in sent.items())
            and all(_at(stored, path) is MISSING for path in unsets)
        ):
            for stamp in type(document)._schema.stamps:
                if stamp.condition(document):
                    document._put(stamp.field.name, stored[stamp.field.db_field])
        set_state(document, "_unanswered", None)


def _at(raw: RawValue, path: str) -> object:
    """Return the value at a path of a raw document, or MISSING."""
    for part in path.split("."):
        if isinstance(raw, list) and part.isdigit() and int(part) < len(raw):
            raw = raw[int(part)]
        elif isinstance(raw, Mapping) and is_nameable(part) and part in raw:
            raw = raw[part]
        else:
            return MISSING
    return raw
