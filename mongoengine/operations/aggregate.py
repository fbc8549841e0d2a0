"""Computing over documents on the server: pipelines, sums, map/reduce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from bson.code import Code
from bson.son import SON
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.command_cursor import CommandCursor

from mongoengine import connection
from mongoengine.base.datastructures import BaseDict, BaseList
from mongoengine.common import _import_class
from mongoengine.connection import _get_session
from mongoengine.driver.cursor import Batches, PendingCursor
from mongoengine.driver.io import (
    asynchronous,
    blocking,
)
from mongoengine.errors import LookUpError, OperationError
from mongoengine.operations.read import Reading
from mongoengine.queryset.state import NO_DOCUMENT

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("Aggregating",)

D = TypeVar("D")

Raw = dict[str, Any]

#: Stages that must be the first of a pipeline.
SOURCES = frozenset(
    (
        "$changeStream",
        "$collStats",
        "$geoNear",
        "$indexStats",
        "$planCacheStats",
        "$search",
        "$searchMeta",
        "$vectorSearch",
    )
)

_INLINE = {"inline": 1}

#: What a result of `map_reduce` may be stored as.
ACTIONS = ("replace", "merge", "reduce")


class Aggregating(Reading[D]):
    """The operations whose results are no documents of the class."""

    # Pipelines

    async def _aggregate(
        self, io: IO, pipeline: Any, *, session: Session = None, **kwargs: Any
    ) -> Any:
        """Run an aggregation pipeline over the documents (`aggregate`).

        The query, ordering, skip and limit of the queryset come first, or right
        after a stage that the server wants first, such as `$geoNear`.

        :param pipeline: a list of stages
        :param kwargs: options of `Collection.aggregate`
        :param session: a PyMongo session to work in
        :returns: a PyMongo cursor over dicts; what `async_aggregate` gives can be
            awaited for it, iterated at once, or asked for `to_list()`
        :raises TypeError: if the pipeline is no list or tuple

        https://www.mongodb.com/docs/manual/reference/command/aggregate/
        """
        if not isinstance(pipeline, (list, tuple)):
            raise TypeError("pipeline must be a list/tuple")
        stages = list(pipeline)
        source = []
        if stages and isinstance(stages[0], dict) and stages[0].keys() & SOURCES:
            source.append(stages.pop(0))
        collection = await self._open_to_read(io)
        options = {**self._common_options(), "session": _get_session(), **kwargs}
        return await io(
            collection.aggregate([*source, *self._first_stages(), *stages], **options)
        )

    if TYPE_CHECKING:

        def aggregate(self, pipeline: Any, **kwargs: Any) -> CommandCursor[Raw]: ...

        def async_aggregate(
            self, pipeline: Any, **kwargs: Any
        ) -> PendingCursor[AsyncCommandCursor[Raw]]: ...

    else:
        aggregate = blocking(_aggregate)
        async_aggregate = asynchronous(_aggregate)

    def _first_stages(self) -> list[Raw]:
        """The pipeline that gives the documents of this queryset."""
        stages: list[Raw] = []
        if self._is_void:
            stages += [{"$limit": 1}, {"$match": {"$expr": False}}]
        if self._query:
            stages.append({"$match": self._query})
        ordering = self._ordering
        if ordering is None and (self._limit or self._skip):
            ordering = self._sort_keys()  # decides which documents there are
        if ordering:
            stages.append({"$sort": dict(ordering)})
        end = None if self._limit is None else self._limit + (self._skip or 0)
        if end or (end is not None and not self._empty):
            stages.append({"$limit": end})
        if self._skip is not None:
            stages.append({"$skip": self._skip})
        return stages

    # Values of one field

    async def _sum(self, io: IO, field: str, *, session: Session = None) -> Any:
        """The sum of the values of a field (`aggregate`); 0 if there are none.

        :param session: a PyMongo session to work in
        :raises LookUpError: if the field is unknown
        """
        return await self._total(io, field, "sum", "$sum")

    sum = blocking(_sum)
    async_sum = asynchronous(_sum)

    async def _average(self, io: IO, field: str, *, session: Session = None) -> Any:
        """The mean of the values of a field (`aggregate`); 0 if there are none.

        :param session: a PyMongo session to work in
        :raises LookUpError: if the field is unknown
        """
        return await self._total(io, field, "avg", "$avg")

    average = blocking(_average)
    async_average = asynchronous(_average)

    async def _total(self, io: IO, field: str, name: str, operator: str) -> Any:
        path = "$" + self._to_dbfield(field)
        if self._is_void:
            return 0
        stages: list[Raw] = [{"$match": self._query}]
        if isinstance(self._last_field(field), _import_class("ListField")):
            stages.append({"$unwind": path})
        stages.append({"$group": {"_id": name, "total": {operator: path}}})
        collection = await self._open_to_read(io)
        cursor = await io(collection.aggregate(stages, session=_get_session()))
        rows = await Batches(cursor).drain(io)
        return rows[0]["total"] if rows else 0

    def _last_field(self, field: str) -> Any:
        """The field that a dotted name leads to; None if no class of ours has it."""
        try:
            return self._lookup(field)[-1]
        except LookUpError:
            return None

    async def _distinct(
        self, io: IO, field: str, *, session: Session = None
    ) -> list[Any]:
        """The different values of a field (`distinct`).

        :param field: its name; `a.b` for those of embedded documents
        :param session: a PyMongo session to work in
        :returns: values as documents hold them: references followed, embedded
            documents as such
        """
        try:
            db_field = self._to_dbfield(field)
        except LookUpError:
            db_field = field
        if self._is_void:
            return []
        collection = await self._open_to_read(io)
        options: dict[str, Any] = {
            "comment": self._comment,
            "maxTimeMS": self._max_time_ms,
            "collation": self._collation,
            "session": _get_session(),
        }
        given = {name: value for name, value in options.items() if value is not None}
        values: list[Any] = await io(
            collection.distinct(db_field, self._filter() or None, **given)
        )
        items: list[Any] = release(await self._as_held(io, field, values))
        return items

    distinct = blocking(_distinct)
    async_distinct = asynchronous(_distinct)

    async def _as_held(self, io: IO, name: str, values: list[Any]) -> list[Any]:
        """Values of a field, as documents would hold them."""
        if self._auto_dereference:
            follow = _import_class("DeReference")()
            values = await follow._follow(
                io, values, 1, instance=self._document, name=name
            )
            if not isinstance(values, BaseList):
                values = BaseList(values, None, name)
        field = self._last_field(name)
        if isinstance(field, _import_class("ListField")):
            field = field.field
        if not isinstance(field, _import_class("EmbeddedDocumentField")):
            return values
        load = field.document_type._from_son
        return [
            load(value, created=True) if isinstance(value, Mapping) else value
            for value in values
        ]

    async def _item_frequencies(
        self,
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
        fields = self._lookup(field)
        counts: dict[Any, float] = {}
        if self._is_void:
            return counts
        stages: list[Raw] = [{"$match": self._query}] if self._query else []
        stages += item_counts(fields)
        collection = await self._open_to_read(io)
        cursor = await io(collection.aggregate, stages)
        for row in await Batches(cursor).drain(io):
            value = _whole(row["_id"])
            if isinstance(value, (dict, list)):
                raise OperationError(
                    f'item_frequencies() cannot count the values of "{field}": '
                    f"{value!r} is no single value"
                )
            counts[value] = counts.get(value, 0) + row["count"]
        if normalize:
            total = float(sum(counts.values()))
            counts = {value: count / total for value, count in counts.items()}
        return counts

    item_frequencies = blocking(_item_frequencies)
    async_item_frequencies = asynchronous(_item_frequencies)

    # JavaScript

    async def _map_reduced(
        self,
        io: IO,
        map_f: Any,
        reduce_f: Any,
        output: Any,
        finalize_f: Any = None,
        limit: int | None = None,
        scope: Mapping[str, Any] | None = None,
    ) -> list[Raw]:
        """The rows of a map/reduce."""
        collection = await self._open(io)
        command: SON[str, Any] = SON({"mapReduce": collection.name})
        command["map"] = self._code(map_f)
        command["reduce"] = self._code(reduce_f)
        command["query"] = NO_DOCUMENT if self._is_void else self._query
        if finalize_f:
            command["finalize"] = self._code(finalize_f)
        if scope:
            command["scope"] = scope
        if limit:
            command["limit"] = limit
        out = self._output(io, output)
        if out is not None:
            command["out"] = out
        database = collection.database
        reply = await io(database.command(command, session=_get_session()))
        if out == _INLINE:
            rows: list[Raw] = reply["results"]
            return rows
        stored = reply["result"]
        if isinstance(stored, Mapping):
            database = database.client[stored["db"]]
            stored = stored["collection"]
        options: dict[str, Any] = {"session": _get_session()}
        if self._ordering:
            options["sort"] = self._ordering
        return await Batches(database[stored].find(**options)).drain(io)

    def _code(self, function: Any) -> Code:
        scope = getattr(function, "scope", None)
        code: Code = Code(self._sub_js_fields(str(function)), scope or None)
        return code

    def _output(self, io: IO, output: Any) -> Any:
        if output == "inline" and not self._ordering:
            return _INLINE
        if not isinstance(output, Mapping):
            return output if isinstance(output, str) else None
        out: SON[str, Any] = SON()
        for action in ACTIONS:
            if output.get(action):
                out[action] = output[action]
                break
        else:
            raise OperationError("actionData not specified for output")
        if output.get("db_alias"):
            out["db"] = connection.database(io, output["db_alias"]).name
        for option in ("sharded", "nonAtomic"):
            if output.get(option):
                out[option] = True
        return out

    async def _map_reduce(
        self,
        io: IO,
        map_f: Any,
        reduce_f: Any,
        output: Any,
        finalize_f: Any = None,
        limit: int | None = None,
        scope: Mapping[str, Any] | None = None,
        *,
        session: Session = None,
    ) -> Iterator[Any]:
        """Map and reduce the documents with JavaScript (`mapReduce`).

        `~name` in brackets becomes the database name of a field; see `where`.

        :param map_f: a function that emits keys and values of `this`
        :param reduce_f: a function of a key and its values
        :param output: `"inline"`, the name of a collection, or a mapping such as
            `{"merge": "name", "db_alias": "other"}`
        :param finalize_f: a function of a key and its reduced value
        :param limit: how many documents to map
        :param scope: what the functions see as globals
        :param session: a PyMongo session to work in
        :returns: an iterator over `MapReduceDocument`

        https://www.mongodb.com/docs/manual/reference/command/mapReduce/
        """
        rows = await self._map_reduced(
            io, map_f, reduce_f, output, finalize_f, limit, scope
        )
        make = _import_class("MapReduceDocument")
        collection = await self._open(io)
        return (
            make(self._document, collection, row["_id"], row["value"]) for row in rows
        )

    map_reduce = blocking(_map_reduce)
    async_map_reduce = asynchronous(_map_reduce)

    async def _exec_js(
        self,
        io: IO,
        /,
        code: Any,
        *fields: str,
        session: Session = None,
        **options: Any,
    ) -> Any:
        """Run a JavaScript function on the server (`eval`).

        Servers since MongoDB 4.2 have no such command.  The function sees
        `collection`, `query` and `options`.

        :param fields: names of fields; the function gets their database names
        :param session: a PyMongo session to work in
        :raises LookUpError: if a field is unknown
        """
        names = self._fields_to_dbfields(fields)
        collection = await self._open(io)
        query = dict(NO_DOCUMENT if self._is_void else self._query)
        if self._where_clause:
            query["$where"] = self._where_clause
        scope = {"collection": collection.name, "options": options, "query": query}
        command = SON({"eval": Code(self._sub_js_fields(code), scope), "args": names})
        database = collection.database
        reply = await io(database.command(command, session=_get_session()))
        return reply.get("retval")

    exec_js = blocking(_exec_js)
    async_exec_js = asynchronous(_exec_js)


def item_counts(fields: list[Any]) -> list[Raw]:
    """Return the stages that count the items at a path, each with its number.

    :param fields: the fields on the path; strings for positions and keys
    """
    stages: list[Raw] = []
    value: Any = "$"
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


def _unwound(value: Any) -> list[Raw]:
    """Return the stages that give the items of lists one by one."""
    items = {"$cond": [{"$isArray": [value]}, value, [{"$ifNull": [value, None]}]]}
    return [{"$project": {"item": items}}, {"$unwind": "$item"}]


def release(values: Any) -> Any:
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


def _whole(value: Any) -> Any:
    """An integer where JavaScript gives one as a float."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


if not TYPE_CHECKING:
    _awaited = Aggregating.async_aggregate

    def _pending(self, /, *args, **kwargs):
        return PendingCursor(partial(_awaited, self, *args, **kwargs))

    _pending.__dict__.update(vars(_awaited))
    for _name in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(_pending, _name, getattr(_awaited, _name))
    Aggregating.async_aggregate = _pending
