"""What the server did not write, in the library's own exceptions."""

from __future__ import annotations

import re

from pymongo.errors import BulkWriteError as PyMongoBulkWriteError
from pymongo.errors import DuplicateKeyError, OperationFailure

from mongoengine.errors import NotUniqueError, OperationError

__all__ = ("failures_of", "refusal")

#: Codes of the server for a broken unique index.
DUPLICATE_KEY = frozenset((11000, 11001, 12582))

# Servers of old reported duplicates with other classes of error.
_DUPLICATE = re.compile("^E1100[01] duplicate key")


def refusal(error: OperationFailure, text: str) -> OperationError:
    """The exception for a command that the server refused.

    :param text: what users read; `{}` stands for the server's own words
    """
    duplicate = isinstance(error, DuplicateKeyError) or _DUPLICATE.match(str(error))
    kind = NotUniqueError if duplicate else OperationError
    return kind(text.format(error))


def failures_of(
    error: PyMongoBulkWriteError, count: int, ordered: bool
) -> dict[int, OperationError]:
    """What was not written of `count` operations, by their places.

    Empty where all of them were, and only the write concern was not met.
    """
    failed: dict[int, OperationError] = {}
    for told in (error.details or {}).get("writeErrors", ()):
        kind = NotUniqueError if told["code"] in DUPLICATE_KEY else OperationError
        failed[told["index"]] = kind(told["errmsg"])
    if ordered and failed:
        first = min(failed)
        for place in range(first + 1, count):
            failed[place] = OperationError(
                f"Not tried, since operation {first} of the ordered bulk failed"
            )
    return failed
