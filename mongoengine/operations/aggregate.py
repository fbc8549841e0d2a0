"""Compute over documents on the server: pipelines, sums, values of a field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mongoengine.base.datastructures import BaseDict, BaseList
from mongoengine.base.types import FieldPath, Keywords, RawDocument, RawValue
from mongoengine.driver.rows import AsyncRows, Rows
from mongoengine.errors import LookUpError, OperationError
from mongoengine.operations.rows import row_maker
from mongoengine.query.paths import crossed, split_name
from mongoengine.query.stages import columns_of

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset
    from mongoengine.query.paths import Join, Path
    from mongoengine.query.query import Query

__all__ = ("aggregate", "average", "distinct", "item_frequencies", "sum")


async def aggregate(
    queryset: AnyQueryset,
    io: IO,
    pipeline: object,
    *,
    into: type[Any] | None = None,
    session: Session = None,
    **kwargs: object,
) -> Any:
    """Run an aggregation pipeline over the documents (`aggregate`).

    The query, ordering, skip and limit of the queryset come first, or right
    after a stage that the server wants first, such as `$geoNear`.

    :param pipeline: a list of stages, in which `F("author__name")` stands for the path
        of a field in the database
    :param into: the class of the rows: a document or embedded document class, a
        dataclass, a TypedDict or a Pydantic model
    :param kwargs: options of `Collection.aggregate`
    :param session: a PyMongo session to work in
    :returns: a PyMongo cursor over dicts, or `Rows` of objects; what
        `async_aggregate` gives can be awaited for it, iterated at once, or asked for
        `to_list()`
    :raises TypeError: if the pipeline is no list or tuple, or no row can be made an
        object of `into`
    :raises ValidationError: when a row is read that does not fit a dataclass

    https://www.mongodb.com/docs/manual/reference/command/aggregate/
    """
    spec = queryset._spec
    joined: dict[str, Join] = {}
    stages = spec.pipeline(pipeline, joined)
    make = None if into is None else row_maker(into)
    collection = await queryset._open_to_read(io)
    queryset._check_joins(io, collection, joined)
    options = {**spec.common_options(), **kwargs}
    cursor = await io(collection.aggregate, stages, **options)
    if make is None:
        return cursor
    return AsyncRows(cursor, make) if io.is_async else Rows(cursor, make)


# Values of one field


async def sum(
    queryset: AnyQueryset, io: IO, field: str, *, session: Session = None
) -> int | float:
    """Return the sum of the values of a field (`aggregate`); 0 if there are none.

    https://www.mongodb.com/docs/manual/reference/operator/aggregation/sum/

    :param session: a PyMongo session to work in
    :raises LookUpError: if the field is unknown
    """
    total: int | float = await _total(queryset, io, field, "sum", "$sum")
    return total


async def average(
    queryset: AnyQueryset, io: IO, field: str, *, session: Session = None
) -> float:
    """Return the mean of the values of a field (`aggregate`); 0 if there are none.

    https://www.mongodb.com/docs/manual/reference/operator/aggregation/avg/

    :param session: a PyMongo session to work in
    :raises LookUpError: if the field is unknown
    """
    mean: float = await _total(queryset, io, field, "avg", "$avg")
    return mean


async def _total(
    queryset: AnyQueryset, io: IO, field: str, name: str, operator: str
) -> float:
    spec = queryset._spec
    joined: dict[str, Join] = {}
    stages, path = spec.values_stages(field, joined)
    value = "$" + path.key
    if spec.is_void:
        return 0
    if path.join is not None:
        value = "$value"
        stages += each_value(path)
    elif _is_list(path.fields[-1]):
        stages.append({"$unwind": value})
    stages.append({"$group": {"_id": name, "total": {operator: value}}})
    rows = await queryset._rows(io, stages, joined)
    return rows[0]["total"] if rows else 0


def each_value(path: Path) -> list[RawDocument]:
    """Return the stages that give the values of a path one by one, as `value`."""
    stages: list[RawDocument] = [{"$project": {"value": path.expression}}]
    if not path.is_value or _is_list(path.fields[-1]):
        stages.append({"$unwind": "$value"})
    return stages


async def distinct(
    queryset: AnyQueryset, io: IO, field: str, *, session: Session = None
) -> list[RawValue]:
    """Return the different values of a field (`distinct`).

    https://www.mongodb.com/docs/manual/reference/command/distinct/

    :param field: its name; `a.b` for those of embedded documents
    :param session: a PyMongo session to work in
    :returns: values as documents hold them: references followed, embedded
        documents as such
    """
    spec = queryset._spec
    try:
        path = spec.path(field)
    except LookUpError:
        path = field
    if spec.is_void:
        return []
    options: Keywords = {
        "comment": spec.comment,
        "maxTimeMS": spec.max_time_ms,
        "collation": spec.collation,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if _is_computed(spec, field):
        return await _joined_distinct(queryset, io, field, options)
    query = spec.filter() or None
    collection = await queryset._open_to_read(io)
    values: list[Any] = await io(collection.distinct, path, query, **options)
    items: list[Any] = release(await _as_loaded(queryset, io, field, values))
    return items


def _is_computed(spec: Query, name: str) -> bool:
    """Return whether values of a name need joins, or what `annotate()` computes."""
    joins = crossed(spec.document, split_name(name))[0] is not None
    return joins or spec.needs_pipeline({})


async def _joined_distinct(
    queryset: AnyQueryset, io: IO, name: str, options: Keywords
) -> list[Any]:
    """Return the different values of a field where that takes a pipeline."""
    spec = queryset._spec
    joined: dict[str, Join] = {}
    stages, path = spec.values_stages(name, joined)
    stages += each_value(path)
    stages += [
        {"$match": {"value": {"$exists": True}}},
        {"$group": {"_id": "$value"}},
        {"$sort": {"_id": 1}},
    ]
    rows = await queryset._rows(io, stages, joined, **options)
    values = [row["_id"] for row in rows]
    if path.join is not None:
        queryset = queryset._over(spec.replace(document=path.join.cls))
    elif spec.annotations and name in columns_of(spec):
        return values
    name = ".".join(f if isinstance(f, str) else f.name for f in path.fields)
    items: list[Any] = release(await _as_loaded(queryset, io, name, values))
    return items


async def _as_loaded(
    queryset: AnyQueryset, io: IO, name: str, values: list[RawValue]
) -> list[RawValue]:
    """Return values of a field as loaded documents have them."""
    spec = queryset._spec
    if queryset._auto_dereference:
        values = await queryset._dereference._follow(
            io, values, 1, instance=spec.document, name=name
        )
        if not isinstance(values, BaseList):
            values = BaseList(values, None, name)
    field = spec.last_field(name)
    if _is_list(field):
        field = field._inner
    cls = getattr(field, "_embedded_class", None)
    if cls is None:
        return values
    load = cls._from_son
    return [
        load(value, created=True) if isinstance(value, Mapping) else value
        for value in values
    ]


def _is_list(field: object) -> bool:
    """Return whether the values of a field are lists."""
    return bool(getattr(field, "_is_list", False))


async def item_frequencies(
    queryset: AnyQueryset,
    io: IO,
    field: str,
    normalize: bool = False,
    map_reduce: bool = True,
    *,
    session: Session = None,
) -> dict[Any, float]:
    """Return how often each value of a field occurs (`aggregate`).

    The items of lists are counted one by one, and a field without a value as
    None.  `skip`, `limit` and `where` are left out of account.

    :param normalize: give shares of 1 instead of numbers
    :param map_reduce: has no meaning any more
    :param session: a PyMongo session to work in
    :raises LookUpError: if the field is unknown
    :raises OperationError: if values are documents or lists of lists
    """
    spec = queryset._spec
    fields = spec.lookup(field)
    counts: dict[Any, float] = {}
    if spec.is_void:
        return counts
    joined: dict[str, Join] = {}
    stages: list[RawDocument] = []
    if spec.conditions:
        stages, _ = spec.values_stages(field, joined)
    stages += item_counts(fields)
    for row in await queryset._rows(io, stages, joined):
        value = _whole(row["_id"])
        if isinstance(value, (dict, list)):
            raise OperationError(
                f'item_frequencies() cannot count the values of "{field}": '
                f"{value!r} is no single value"
            )
        counts[value] = counts.get(value, 0) + row["count"]
    if normalize:
        total = float(math.fsum(counts.values()))
        counts = {value: count / total for value, count in counts.items()}
    return counts


def item_counts(fields: FieldPath) -> list[RawDocument]:
    """Return the stages that count the items at a path, each with its number.

    :param fields: the fields on the path; strings for positions and keys
    """
    stages: list[RawDocument] = []
    value: object = "$"
    for place, field in enumerate(fields):
        name = field if isinstance(field, str) else field.db_field
        if place and name.isdigit():
            element = {"$arrayElemAt": [value, int(name)]}
            value = {"$cond": [{"$isArray": [value]}, element, None]}
        elif isinstance(value, str):
            value += name if value == "$" else "." + name
        else:
            value = {"$let": {"vars": {"v": value}, "in": "$$v." + name}}
        below = fields[place + 1] if place + 1 < len(fields) else "0"
        into_items = not (isinstance(below, str) and below.isdigit())
        if into_items and getattr(field, "field", None) is not None:
            stages += _unwound(value)
            value = "$item"
    group = {"_id": "$item", "count": {"$sum": 1}}
    return [*stages, *_unwound(value), {"$group": group}]


def _unwound(value: object) -> list[RawDocument]:
    """Return the stages that give the items of lists one by one."""
    items = {"$cond": [{"$isArray": [value]}, value, [{"$ifNull": [value, None]}]]}
    return [{"$project": {"item": items}}, {"$unwind": "$item"}]


def release(values: object) -> Any:
    """Return lists and dicts that no longer report their changes to anything."""
    if isinstance(values, (BaseList, BaseDict)):
        values._instance = None
    if isinstance(values, dict):
        for value in dict.values(values):
            release(value)
    elif isinstance(values, list):
        for value in list.__iter__(values):
            release(value)
    return values


def _whole(value: object) -> object:
    """Return an integer where JavaScript gives one as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
