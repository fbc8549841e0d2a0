"""Positions in an order: the key of a document, and the filter for what follows it.

The server sorts values of different types by type first, and its comparisons find
values of one type only, so that a filter names the types that follow.
https://www.mongodb.com/docs/manual/reference/bson-type-comparison-order/
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from bson import Decimal128, ObjectId, Timestamp
from bson.binary import Binary

from mongoengine.base.types import RawDocument, RawMapping
from mongoengine.errors import InvalidQueryError, OperationError

__all__ = ("beyond", "key_of", "reversed_order", "sort_of", "with_keys")

Sort = list[tuple[str, int]]

#: The types that are compared with each other, in the order of sorting; nulls and
#: missing values come before them.
_TYPES: tuple[tuple[tuple[type, ...], tuple[str, ...]], ...] = (
    ((int, float, Decimal128), ("int", "long", "double", "decimal")),
    ((str,), ("string", "symbol")),
    ((dict,), ("object",)),
    ((bytes, Binary, uuid.UUID), ("binData",)),
    ((ObjectId,), ("objectId",)),
    ((bool,), ("bool",)),
    ((datetime.datetime,), ("date",)),
    ((Timestamp,), ("timestamp",)),
)


def sort_of(order: Any) -> Sort:
    """Return sort keys that no two documents share, with directions.

    :param order: sort keys as PyMongo takes them, or None
    :raises OperationError: if they have no direction, as text scores
    """
    items = list(order.items() if isinstance(order, Mapping) else order or ())
    sort: Sort = []
    for name, direction in items:
        if direction not in (1, -1):
            raise OperationError(f'The order by "{name}" has no direction')
        sort.append((name, int(direction)))
        if name == "_id":
            return sort
    return [*sort, ("_id", sort[-1][1] if sort else 1)]


def reversed_order(order: object) -> Sort:
    """Return the opposite of an order; that of the primary key where it is None.

    :param order: sort keys as PyMongo takes them
    :raises OperationError: if they have no direction, as text scores
    """
    return [(name, -direction) for name, direction in sort_of(order)]


def key_of(raw: RawMapping, sort: Sort) -> list[object]:
    """Return the values that a raw document is sorted by.

    :raises OperationError: if one is a list, or NaN, or of a type without an order
    """
    key = []
    for name, _ in sort:
        value: object = raw
        for part in name.split("."):
            if isinstance(value, list):
                break
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            _place_of(name, value, OperationError)
        key.append(value)
    return key


def _place_of(name: str, value: object, error: type[Exception]) -> int:
    """Return the place of the type of a value among the types."""
    exact = [bool] if isinstance(value, bool) else [type(value), *type(value).__mro__]
    if value == value:
        for place, (classes, _) in enumerate(_TYPES):
            if any(cls in classes for cls in exact):
                return place
    raise error(f'Pages cannot be ordered by "{name}", which is {value!r}')


def beyond(sort: Sort, key: list[object]) -> RawDocument:
    """Return the filter for the documents that follow a position.

    :param sort: the order, from `sort_of`
    :param key: the position, from `key_of`
    :raises InvalidQueryError: if a value cannot be compared
    """
    alternatives: list[RawDocument] = []
    equal: list[RawDocument] = []
    for (name, direction), value in zip(sort, key, strict=True):
        for condition in _conditions(name, direction, value):
            alternatives.append({"$and": [*equal, condition]} if equal else condition)
        equal.append({name: {"$eq": value}})
    return {"$or": alternatives}


def _conditions(name: str, direction: int, value: object) -> list[RawDocument]:
    """Return the filters of which those that follow in one key match one."""
    if value is None:
        return [{name: {"$ne": None}}] if direction > 0 else []
    place = _place_of(name, value, InvalidQueryError)
    others = _TYPES[place + 1 :] if direction > 0 else _TYPES[:place]
    types = [alias for _, aliases in others for alias in aliases]
    conditions: list[RawDocument] = [{name: {"$gt" if direction > 0 else "$lt": value}}]
    if types:
        conditions.append({name: {"$type": types}})
    if direction < 0 and name != "_id":
        conditions.append({name: None})
    return conditions


def with_keys(projection: RawMapping, sort: Sort) -> RawDocument:
    """Return a projection that has the sort keys, too.

    :raises OperationError: if one is inside of what is left out
    """
    chosen = dict(projection)
    only = any(value in (1, True) for name, value in chosen.items() if name != "_id")
    for name, _ in sort:
        if chosen.get(name) in (0, False):
            del chosen[name]
        parts = name.split(".")
        parents = [".".join(parts[:end]) for end in range(1, len(parts))]
        if only:
            if not any(parent in chosen for parent in parents):
                below = [other for other in chosen if other.startswith(f"{name}.")]
                for other in below:
                    del chosen[other]
                chosen[name] = 1
        elif any(chosen.get(parent) in (0, False) for parent in parents):
            raise OperationError(f'Pages are ordered by "{name}", which is left out')
    return chosen
