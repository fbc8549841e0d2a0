"""Collections with other write and read concerns."""

from __future__ import annotations

from typing import Any

from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from mongoengine.driver.types import Keywords, RawMapping

__all__ = ("with_concerns",)


def with_concerns(
    collection: Any,
    write_concern: RawMapping | None,
    read_concern: RawMapping | None = None,
) -> Any:
    """Return a collection with these concerns on top of its own.

    :param collection: a PyMongo collection, of either family
    :param write_concern: options of a PyMongo `WriteConcern`, or None
    :param read_concern: options of a PyMongo `ReadConcern`, or None
    """
    options: Keywords = {}
    if write_concern:
        combined = {**collection.write_concern.document, **write_concern}
        options["write_concern"] = WriteConcern(**combined)
    if read_concern:
        combined = {**collection.read_concern.document, **read_concern}
        options["read_concern"] = ReadConcern(**combined)
    return collection.with_options(**options) if options else collection
