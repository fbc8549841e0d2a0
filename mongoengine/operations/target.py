"""The target of a document: the collection of its class, or another one.

A document that was made or loaded while its class was switched, or through
`queryset.using()`, remembers the alias and collection as `_target`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mongoengine import connection
from mongoengine.base.types import RawDocument
from mongoengine.driver.io import ASYNC, SYNC
from mongoengine.operations import collections

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.query.results import Make

__all__ = (
    "loading_marks",
    "mark",
    "marking",
    "put_target",
    "target_marks",
)


def target_marks(
    cls: type[StoredDocument], alias: str, name: str | None
) -> RawDocument:
    """Return the attributes of documents that are stored in another collection.

    It is empty for the alias and collection that the class declares.
    """
    if (alias, name) == collections.own_target(cls):
        return {}
    return _attributes(cls, alias, name)


def _attributes(cls: type[StoredDocument], alias: str, name: str | None) -> RawDocument:
    return {
        "_target": (alias, name),
        "_get_db": partial(connection.database, SYNC, alias),
        "_async_get_db": partial(connection.database, ASYNC, alias),
        "_get_collection": partial(collections.collection_of, cls, alias, name),
        "_async_get_collection": partial(
            collections.async_collection_of, cls, alias, name
        ),
    }


def put_target(document: StoredDocument, alias: str, name: str | None) -> None:
    """Store a document in this collection from now on."""
    mark(document, _attributes(type(document), alias, name))


def loading_marks(
    cls: type[StoredDocument], alias: str, name: str | None, partial_load: bool
) -> RawDocument:
    """Return the attributes of documents that are loaded from a collection.

    :param partial_load: they are loaded without some of their fields
    """
    marks = target_marks(cls, alias, name)
    if partial_load:
        marks["_partial"] = True
    return marks


def mark(document: StoredDocument, marks: RawDocument) -> None:
    """Set attributes of a document that are no data of it."""
    for attribute, value in marks.items():
        object.__setattr__(document, attribute, value)


def marking(make: Make, marks: RawDocument) -> Make:
    """Return a function that makes documents and marks them."""
    if not marks:
        return make

    def make_marked(raw: object) -> object:
        document = make(raw)
        for attribute, value in marks.items():
            object.__setattr__(document, attribute, value)
        return document

    return make_marked
