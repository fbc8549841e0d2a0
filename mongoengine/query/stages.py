"""A query with joins, annotations or groups as an aggregation pipeline.

Where nothing is joined or computed a query is a `find`; the pipeline of such a query
does the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mongoengine.base.types import RawDocument
from mongoengine.driver.types import RawMapping
from mongoengine.errors import InvalidQueryError
from mongoengine.query.annotations import Column, Columns, ComputedQuery
from mongoengine.query.paths import JOINED
from mongoengine.query.scope import Scope

__all__ = (
    "columns_of",
    "has_joined",
    "joined_keys",
    "joined_names",
    "joins_in",
    "local_part",
    "match_stages",
    "options_of",
    "pipeline_of",
    "sort_items",
    "with_joins",
)

#: The options of `find` that `aggregate` spells otherwise.
_OPTIONS: Mapping[str, str] = {
    "allow_disk_use": "allowDiskUse",
    "batch_size": "batchSize",
    "collation": "collation",
    "comment": "comment",
    "hint": "hint",
    "max_time_ms": "maxTimeMS",
    "session": "session",
}


# Names of joins


def joined_names(condition: object, in_expression: bool = False) -> Iterator[str]:
    """Yield the names of the joins that a filter or an expression mentions."""
    if isinstance(condition, Mapping):
        for key, value in condition.items():
            if key.startswith(JOINED):
                yield key.partition(".")[0]
            if in_expression or key in ("$and", "$or", "$nor", "$expr"):
                yield from joined_names(value, in_expression or key == "$expr")
    elif isinstance(condition, (list, tuple)):
        for part in condition:
            yield from joined_names(part, in_expression)
    elif isinstance(condition, str) and in_expression:
        yield from joined_keys([condition.removeprefix("$")])


def joins_in(condition: RawDocument) -> tuple[str, ...]:
    """Return the names of the joins that a filter mentions: mostly none."""
    for key in condition:
        if key[:2] == JOINED or key[:1] == "$":
            return tuple(joined_names(condition))
    return ()


def has_joined(keys: Iterable[str]) -> bool:
    """Return whether one of some dotted keys begins with a join."""
    return any(key[:2] == JOINED for key in keys)


def joined_keys(keys: Iterable[str]) -> Iterator[str]:
    """Yield the names of the joins that dotted keys begin with."""
    for key in keys:
        if key.startswith(JOINED):
            yield key.partition(".")[0]


def sort_items(sort: Any) -> list[tuple[str, object]]:
    """Return sort keys as pairs, of any form that PyMongo takes."""
    if isinstance(sort, str):
        return [(sort, 1)]
    if isinstance(sort, Mapping):
        return list(sort.items())
    return [(key, 1) if isinstance(key, str) else tuple(key) for key in sort or ()]


def local_part(condition: RawDocument) -> RawDocument:
    """Return the part of a filter that needs no joins."""
    return _split(condition)[0]


def _split(condition: RawDocument) -> tuple[RawDocument, RawDocument]:
    """Return the part of a filter on the documents alone, and that on joined ones."""
    local: RawDocument = {}
    joined: RawDocument = {}
    for key, value in condition.items():
        if key == "$and":
            parts = [_split(part) for part in value]
            local_parts = [part for part, _ in parts if part]
            joined_parts = [part for _, part in parts if part]
            if local_parts:
                local["$and"] = local_parts
            if joined_parts:
                joined["$and"] = joined_parts
        elif any(joined_names({key: value})):
            joined[key] = value
        else:
            local[key] = value
    return local, joined


# Stages


def match_stages(
    query: ComputedQuery,
    condition: RawDocument,
    sort: Sequence[tuple[str, object]] = (),
) -> tuple[list[RawDocument], Scope]:
    """Return the stages for the documents that match, with all that is computed.

    :param condition: the filter; that of the query, or a narrower one
    :param sort: the order, whose joins are needed as well
    """
    if "$where" in condition:
        raise InvalidQueryError(
            "where() cannot be combined with joins and annotations: pipelines have no "
            "$where"
        )
    local, joined = _split(condition)
    scope = Scope(query.document)
    scope.need(joined_names(joined))
    columns = Columns(query)
    having = columns.having()
    order = sort if query.groups is None else sort_items(query.group_order)
    columns.scope.need([*joined_names(having), *joined_keys(key for key, _ in order)])
    stages: list[RawDocument] = []
    if local or not joined:
        stages.append({"$match": local})
    stages += scope.stages()
    if joined:
        stages.append({"$match": joined})
    stages += columns.stages(scope)
    if having:
        stages.append({"$match": having})
    scope.joins.update(columns.scope.joins)
    return stages, scope


def pipeline_of(
    query: ComputedQuery, arguments: RawMapping
) -> tuple[list[RawDocument], Scope]:
    """Return the pipeline that does what `find` would do, and the joins in it."""
    sort = sort_items(arguments.get("sort"))
    stages, scope = match_stages(query, arguments.get("filter") or {}, sort)
    if query.groups is not None:
        sort = list(_row_order(query, sort))
    if sort:
        stages.append({"$sort": dict(sort)})
    if arguments.get("skip"):
        stages.append({"$skip": arguments["skip"]})
    if arguments.get("limit"):
        stages.append({"$limit": abs(arguments["limit"])})
    if query.groups is not None:
        return stages, scope
    done = Scope(query.document)
    done.joins = dict(scope.joins)
    loaded = query.loaded_joins
    scope.need(loaded)
    stages += scope.stages(done)
    unused = [name for name in scope.joins if name not in loaded]
    projection = arguments.get("projection") or {}
    stages += _projection(projection, [*query.annotations, *loaded], unused)
    return stages, scope


def _row_order(
    query: ComputedQuery, sort: Sequence[tuple[str, object]]
) -> Iterator[tuple[str, object]]:
    """Yield the order of the rows of groups: their keys are what makes them unique."""
    for name, direction in sort:
        if name != "_id":
            yield name, direction
            continue
        for group in query.groups or ():
            if group not in dict(sort):
                yield group, direction


def _projection(
    projection: RawMapping, always: Sequence[str], unused: Sequence[str]
) -> list[RawDocument]:
    """Return the stages that leave out what was not asked for.

    :param always: the names that stay, whatever fields were asked for
    :param unused: the names of joins that go
    """
    stages: list[RawDocument] = []
    fields: RawDocument = {}
    sliced: RawDocument = {}
    for name, value in projection.items():
        if not isinstance(value, Mapping) or "$meta" in value:
            fields[name] = value
        elif "$slice" in value:
            window = value["$slice"]
            items = window if isinstance(window, (list, tuple)) else [window]
            sliced[name] = {"$slice": ["$" + name, *items]}
        else:
            raise InvalidQueryError(
                f"fields() with {', '.join(value)} cannot be combined with joins and "
                "annotations"
            )
    if sliced:
        stages.append({"$addFields": sliced})
    if any(value == 1 for name, value in fields.items() if name != "_id"):
        fields.update(dict.fromkeys(sliced, 1))
        whole = [k for k in always if not any(f.startswith(k + ".") for f in fields)]
        fields.update(dict.fromkeys(whole, 1))
        nested = [
            name
            for name in fields
            if any(name.startswith(other + ".") for other in fields)
        ]
        for name in nested:
            del fields[name]
        return [*stages, {"$project": fields}]
    if fields:
        stages.append({"$project": fields})
    if unused:
        stages.append({"$unset": list(unused)})
    return stages


def with_joins(stages: list[Any], scope: Scope, done: Scope) -> list[Any]:
    """Return stages of a user with the joins before and without them after.

    :param scope: the joins that the stages name
    :param done: the joins that were made before
    """
    unused = [name for name in done.joins if name not in scope.joins]
    start: list[object] = [{"$unset": unused}] if unused else []
    if not scope.joins:
        return start + stages
    last = stages[-1] if stages else {}
    place = len(stages) - bool(last.keys() & {"$out", "$merge"})
    end = {"$unset": list(scope.joins)}
    return [*start, *scope.stages(done), *stages[:place], end, *stages[place:]]


def options_of(arguments: RawMapping) -> RawDocument:
    """Return the options of `aggregate` for the arguments of `find`."""
    return {
        _OPTIONS[name]: value for name, value in arguments.items() if name in _OPTIONS
    }


def columns_of(query: ComputedQuery) -> dict[str, Column]:
    """Return the computed values and groups of a query, by name."""
    return Columns(query).by_name
