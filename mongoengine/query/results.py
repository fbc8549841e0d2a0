"""Make items of raw documents: documents, values of fields, or dicts."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from bson import DBRef

from mongoengine.base.document import BaseDocument
from mongoengine.base.misspelt import expect_attributes
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.references import LazyReference
from mongoengine.base.types import RawDocument
from mongoengine.query.paths import split_name
from mongoengine.query.stages import columns_of

if TYPE_CHECKING:
    from mongoengine.query.query import Query

__all__ = (
    "annotating",
    "batch_converter",
    "convert",
    "row_maker",
    "scalar_getter",
)

Make = Callable[[Any], Any]


def batch_converter(
    query: Query, make: Make
) -> Callable[[list[RawDocument]], list[object]]:
    """Return the function that makes a list of items of a list of raw documents.

    :param make: makes a document of a raw one
    """
    if query.as_pymongo:
        return list
    pick = _picker(query)
    if pick is None:
        return lambda batch: [make(raw) for raw in batch]
    return lambda batch: [pick(make(raw)) for raw in batch]


def convert(
    query: Query, make: Make, raw: object, scalar_first: bool = False
) -> object:
    """Return the item for a raw document.

    :param make: makes a document of a raw one
    :param scalar_first: let `scalar` count for more than `as_pymongo`
    """
    if not query.scalar and query.values is None:
        return raw if query.as_pymongo else make(raw)
    if query.as_pymongo and not (scalar_first and query.scalar):
        return raw
    pick = _picker(query)
    return make(raw) if pick is None else pick(make(raw))


def _picker(query: Query) -> Make | None:
    """Return what gives `scalar` and `values` queries their items, else None."""
    if query.groups is not None:
        return _row_picker(query)
    if query.scalar:
        if query.loaded_joins:
            return joined_getter(query.scalar)
        return scalar_getter(query.scalar)
    if query.values is None:
        return None
    names = query.values or (*query.document._fields_ordered, *query.annotations)
    if query.loaded_joins:
        getters = [(name, joined_getter([name])) for name in names]
    else:
        getters = [(name, attrgetter(name.replace("__", "."))) for name in names]
    return lambda item: {name: get(item) for name, get in getters}


def _row_picker(query: Query) -> Make | None:
    """Return what picks values of the rows of groups; None for whole rows."""
    names = query.values
    if query.scalar:
        return itemgetter(*query.scalar)
    if not names:
        return None
    return lambda row: {name: row[name] for name in names}


def row_maker(query: Query) -> Make:
    """Return the function that makes rows of groups of raw ones."""
    columns = [(name, column.convert) for name, column in columns_of(query).items()]

    def make(raw: RawDocument) -> RawDocument:
        row = {}
        for name, convert in columns:
            value = raw.get(name)
            row[name] = value if convert is None else convert(value)
        return row

    return make


def annotating(query: Query, make: Make) -> Make:
    """Return a function that makes documents with what was computed of them."""
    columns = [(name, column.convert) for name, column in columns_of(query).items()]

    def make_annotated(raw: RawDocument) -> Any:
        values = {}
        for name, convert in columns:
            value = raw.pop(name, None)
            values[name] = value if convert is None else convert(value)
        document = make(raw)
        for name, value in values.items():
            object.__setattr__(document, name, value)
        expect_attributes(document, values)
        return document

    return make_annotated


def joined_getter(names: list[str]) -> Make:
    """Return a getter of values that may be in documents that are referred to.

    It gives None where there is no document, and lists of the values in lists.
    """
    ways = [split_name(name) for name in names]
    if len(ways) == 1:
        return lambda item: _reached(item, ways[0])
    return lambda item: tuple(_reached(item, way) for way in ways)


def _reached(item: Any, way: list[str]) -> Any:
    for place, name in enumerate(way):
        if isinstance(item, list):
            return [_reached(each, way[place:]) for each in list.__iter__(item)]
        if type(item) is AsyncReferenceProxy:
            item = item._fetched
        elif isinstance(item, LazyReference):
            item = item._cached_doc
        if item is None or isinstance(item, DBRef):
            return None  # not stored any more
        field = item._fields.get(name) if isinstance(item, BaseDocument) else None
        if field is not None and place + 1 < len(way):
            item = item._value_of(name, field)
        elif isinstance(item, dict):
            item = item.get(name)
        else:
            item = getattr(item, name)
    return item


def scalar_getter(names: list[str]) -> Make:
    """Return a getter of the value of a name, or of a tuple; `a__b` goes deeper."""
    if any("." in name for name in names):
        return lambda item: tuple(getattr(item, name) for name in names)
    return attrgetter(*(name.replace("__", ".") for name in names))
