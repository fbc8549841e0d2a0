"""`BaseQuerySet`: a query over the documents of one class, and what can be done
with them.

Building a query sends nothing and looks the same whichever way it is sent.  Every
operation that talks to MongoDB has a blocking face and one to await: `count()`
and `async_count()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mongoengine.compatibility import names_of
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.operations import delete as _delete
from mongoengine.operations.aggregate import Aggregating
from mongoengine.operations.bulk import BulkWriting
from mongoengine.operations.delete import (
    CASCADE,
    DENY,
    DO_NOTHING,
    NULLIFY,
    PULL,
)

__all__ = ("CASCADE", "DENY", "DO_NOTHING", "NULLIFY", "PULL", "BaseQuerySet")

D = TypeVar("D")


class BaseQuerySet(Aggregating[D], BulkWriting[D]):
    """What `QuerySet` and `QuerySetNoCache` share."""

    delete = blocking(_delete.delete)
    async_delete = asynchronous(_delete.delete)

    delete_one = blocking(_delete.delete_one)
    async_delete_one = asynchronous(_delete.delete_one)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
