"""Differences between the installed PyMongo and what documents promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pymongo
from bson import binary, json_util

from mongoengine.compatibility import names_of
from mongoengine.connection import _get_session
from mongoengine.driver.io import IO, SYNC, run
from mongoengine.driver.types import RawMapping

__all__ = ("LEGACY_JSON_OPTIONS", "PYMONGO_VERSION")

PYMONGO_VERSION = pymongo.version_tuple[:2]

LEGACY_JSON_OPTIONS = json_util.LEGACY_JSON_OPTIONS.with_options(
    uuid_representation=binary.UuidRepresentation.PYTHON_LEGACY
)


def count_documents(
    collection: object,
    filter: RawMapping,
    skip: int | None = None,
    limit: int | None = None,
    hint: object = None,
    collation: object = None,
) -> int:
    """Return the number of documents of a PyMongo collection that match `filter`.

    An empty filter without options is answered from the collection's metadata
    (`count`), unless a transaction is running; everything else is counted
    (`aggregate`).

    :param limit: stop counting there; 0 gives 0
    """
    return run(_count_documents(SYNC, collection, filter, skip, limit, hint, collation))


async def _count_documents(
    io: IO,
    collection: Any,
    filter: RawMapping,
    skip: int | None = None,
    limit: int | None = None,
    hint: object = None,
    collation: object = None,
) -> int:
    if limit == 0:
        return 0
    window = {"skip": skip, "limit": limit, "hint": hint, "collation": collation}
    options = {name: value for name, value in window.items() if value is not None}
    if hint == -1:
        del options["hint"]
    if not filter and not options and _get_session() is None:
        count: int = await io(collection.estimated_document_count)
    else:
        count = await io(collection.count_documents, filter=filter, **options)
    return count


def list_collection_names(
    db: object, include_system_collections: bool = False
) -> list[str]:
    """Return the names of the collections of a PyMongo database.

    :param include_system_collections: also those that start with `system.`
    """
    return run(_list_collection_names(SYNC, db, include_system_collections))


async def _list_collection_names(
    io: IO, db: Any, include_system_collections: bool = False
) -> list[str]:
    names = await io(db.list_collection_names)
    if include_system_collections:
        return list(names)
    return [name for name in names if not name.startswith("system.")]


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
