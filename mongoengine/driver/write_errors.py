"""PyMongo's errors of writing, turned into the library's own."""

from __future__ import annotations

from types import TracebackType

from bson.errors import BSONError
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from mongoengine.driver.types import RawMapping
from mongoengine.errors import (
    NotUniqueError,
    OperationError,
    TransientOperationError,
)

__all__ = (
    "DELETING",
    "INSERTING",
    "SAVING",
    "UPDATING",
    "Translation",
    "copy_reply",
    "failures_of",
    "halts_bulk",
    "is_own_key",
    "is_refusal",
)

#: Codes of the server for a broken unique index.
_DUPLICATE_KEY = frozenset((11000, 11001, 12582))

# Servers of old reported duplicates with other classes of error.
_DUPLICATE = ("E11000 duplicate key", "E11001 duplicate key")

#: Codes after which the same write may be sent again: a server that steps down or
#: is shut down, or a network that fails between servers.
_RETRYABLE = frozenset(
    (6, 7, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436)
)


class Translation:
    """Raise the library's exception where the server refuses what a block sends.

        with SAVING:
            await io(collection.insert_one, son)

    :param text: the message; `{}` stands for the server's own words
    :param not_unique: the message where a unique index was broken, if it differs
    """

    __slots__ = ("_not_unique", "_text")

    def __init__(self, text: str, not_unique: str | None = None) -> None:
        self._text = text
        self._not_unique = not_unique or text

    def __enter__(self) -> None:
        """Do nothing: a translation has no state, and blocks may be nested."""

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, OperationFailure):
            raise self.of(error) from error

    def of(self, error: OperationFailure) -> OperationError:
        """Return the library's exception for an error of PyMongo's."""
        cls: type[OperationError] = OperationError
        text = self._text
        if _is_duplicate(error):
            cls, text = NotUniqueError, self._not_unique
        elif error.has_error_label("TransientTransactionError"):
            cls = TransientOperationError
        return copy_reply(error, cls(text.format(error)))


SAVING = Translation(
    "Could not save document ({})", "Tried to save duplicate unique keys ({})"
)
INSERTING = Translation("Could not save document ({})")
UPDATING = Translation("Update failed ({})")
DELETING = Translation("Could not delete document ({})")


def copy_reply(error: PyMongoError, ours: OperationError) -> OperationError:
    """Give an exception of ours the code, reply and labels of PyMongo's."""
    if isinstance(error, OperationFailure):
        ours.code, ours.details = error.code, error.details
    ours._error_labels = set(error._error_labels)
    return ours


def _is_duplicate(error: OperationFailure) -> bool:
    return isinstance(error, DuplicateKeyError) or str(error).startswith(_DUPLICATE)


def is_refusal(error: BaseException) -> bool:
    """Return whether an error proves that a document was not written.

    It does not after a lost connection, a cancellation or a time-out: the server may
    have written the document all the same.
    """
    if isinstance(error, OperationError):
        return error.code not in _RETRYABLE
    if isinstance(error, OperationFailure):
        uncertain = isinstance(error, (WriteConcernError, ExecutionTimeout))
        return not uncertain and error.code not in _RETRYABLE
    return isinstance(error, (BSONError, TypeError, ValueError, OverflowError))


def is_own_key(error: RawMapping | None) -> bool:
    """Return whether a write error is about a duplicate `_id`, and nothing else.

    :param error: an item of `writeErrors`, or the details of a `DuplicateKeyError`
    """
    if error is None or error.get("code") not in _DUPLICATE_KEY:
        return False
    pattern = error.get("keyPattern")
    if pattern is not None:
        return list(pattern) == ["_id"]
    return " index: _id_ " in error.get("errmsg", "")


def halts_bulk(error: BulkWriteError) -> bool:
    """Return whether PyMongo has left out the commands after the one that failed.

    It does so after a write concern error that lets the write be sent again.
    """
    return any(
        concern.get("code") in _RETRYABLE
        for concern in (error.details or {}).get("writeConcernErrors", ())
    )


def failures_of(
    error: BulkWriteError, count: int, ordered: bool
) -> dict[int, OperationError]:
    """Return what was not written of `count` operations, by their places.

    It is empty where all of them were written and only the write concern was not met.
    """
    failed: dict[int, OperationError] = {}
    for item in (error.details or {}).get("writeErrors", ()):
        duplicate = item["code"] in _DUPLICATE_KEY
        failure = (NotUniqueError if duplicate else OperationError)(item["errmsg"])
        failure.code, failure.details = item["code"], item
        failed[item["index"]] = failure
    if ordered and failed:
        first = min(failed)
        for place in range(first + 1, count):
            failed[place] = OperationError(
                f"Not tried, since operation {first} of the ordered bulk failed"
            )
    return failed
