"""Run JavaScript over documents on the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bson.code import Code
from bson.son import SON

from mongoengine import connection
from mongoengine.base.types import RawDocument, RawMapping, RawValue
from mongoengine.driver.cursor import Batches, open_cursor
from mongoengine.errors import OperationError
from mongoengine.operations.map_reduce_document import MapReduceDocument
from mongoengine.query.javascript import with_database_names
from mongoengine.query.query import Query

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset

__all__ = ("exec_js", "map_reduce")


_INLINE = {"inline": 1}

#: What a result of `map_reduce` may be stored as.
ACTIONS = ("replace", "merge", "reduce")


async def map_reduce(
    queryset: AnyQueryset,
    io: IO,
    map_f: object,
    reduce_f: object,
    output: object,
    finalize_f: object = None,
    limit: int | None = None,
    scope: RawMapping | None = None,
    *,
    session: Session = None,
) -> Iterator[object]:
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
    spec = queryset._spec
    collection = await queryset._open(io)
    command: SON[str, RawValue] = SON({"mapReduce": collection.name})
    command["map"] = _code(spec, map_f)
    command["reduce"] = _code(spec, reduce_f)
    command["query"] = queryset._plain_conditions()
    if finalize_f:
        command["finalize"] = _code(spec, finalize_f)
    if scope:
        command["scope"] = scope
    if limit:
        command["limit"] = limit
    out = _output(spec, io, output)
    if out is not None:
        command["out"] = out
    database = collection.database
    reply = await io(database.command, command)
    rows = reply["results"] if out == _INLINE else None
    if rows is None:
        rows = await _stored_rows(spec, io, database, reply["result"])
    return (
        MapReduceDocument(spec.document, collection, row["_id"], row["value"])
        for row in rows
    )


async def _stored_rows(
    spec: Query, io: IO, database: Any, stored: object
) -> list[RawDocument]:
    """Return the rows of a map/reduce that were stored in a collection."""
    if isinstance(stored, Mapping):
        database = database.client[stored["db"]]
        stored = stored["collection"]
    options = {"sort": spec.ordering} if spec.ordering else {}
    return await Batches(open_cursor(database[stored], options)).drain(io)


def _code(spec: Query, function: object) -> Code:
    scope = getattr(function, "scope", None)
    source = with_database_names(spec.document, str(function))
    code: Code = Code(source, scope or None)
    return code


def _output(spec: Query, io: IO, output: object) -> object:
    """Return the option `out` of the command, or None."""
    if output == "inline" and not spec.ordering:
        return _INLINE
    if not isinstance(output, Mapping):
        return output if isinstance(output, str) else None
    out: SON[str, RawValue] = SON()
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


async def exec_js(
    queryset: AnyQueryset,
    io: IO,
    /,
    code: str | Code,
    *fields: str,
    session: Session = None,
    **options: object,
) -> object:
    """Run a JavaScript function on the server (`eval`).

    Servers since MongoDB 4.2 have no such command.  The function sees
    `collection`, `query` and `options`.

    https://www.mongodb.com/docs/manual/reference/command/

    :param fields: names of fields; the function gets their database names
    :param session: a PyMongo session to work in
    :raises LookUpError: if a field is unknown
    """
    spec = queryset._spec
    names = [spec.path(field) for field in fields]
    query = dict(queryset._plain_conditions())
    if spec.where_clause:
        query["$where"] = spec.where_clause
    source = with_database_names(spec.document, code)
    collection = await queryset._open(io)
    scope = {"collection": collection.name, "options": options, "query": query}
    command = SON({"eval": Code(source, scope), "args": names})
    reply = await io(collection.database.command, command)
    return reply.get("retval")
