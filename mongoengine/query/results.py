"""Make items of raw documents: documents, values of fields, or dicts."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from mongoengine.base.types import RawDocument

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.query.query import Query

__all__ = ("batch_converter", "convert", "scalar_getter")

Make = Callable[[Any], Any]


def batch_converter(
    query: Query, make: Make
) -> Callable[[list[RawDocument]], list[Any]]:
    """Return the function that makes a list of items of a list of raw documents.

    :param make: makes a document of a raw one
    """
    if query.as_pymongo:
        return list
    pick = _picker(query)
    if pick is None:
        return lambda batch: [make(raw) for raw in batch]
    return lambda batch: [pick(make(raw)) for raw in batch]


def convert(query: Query, make: Make, raw: object, scalar_first: bool = False) -> Any:
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
    if query.scalar:
        return scalar_getter(query.scalar)
    if query.values is not None:
        return values_getter(query.document, query.values)
    return None


def scalar_getter(names: list[str]) -> Make:
    """Return a getter of the value of a name, or of a tuple; `a__b` goes deeper."""
    if any("." in name for name in names):
        return lambda item: tuple(getattr(item, name) for name in names)
    return attrgetter(*(name.replace("__", ".") for name in names))


def values_getter(document: type[StoredDocument], names: tuple[str, ...]) -> Make:
    """Return a getter of a dict of the named fields, or of all fields."""
    names = names or document._fields_ordered
    getters = [(name, attrgetter(name.replace("__", "."))) for name in names]
    return lambda item: {name: get(item) for name, get in getters}
