"""Read documents: one, some, all, or how many."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from bson import json_util

from mongoengine.base.extended_json import warn_of_uuids
from mongoengine.base.sentinels import MISSING
from mongoengine.base.types import Keywords, RawDocument
from mongoengine.driver import loops
from mongoengine.driver.cursor import Batches
from mongoengine.driver.results import frozen
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.operations.select_related import relate
from mongoengine.pymongo_support import _count_documents
from mongoengine.query.keyset import reversed_order
from mongoengine.query.related import reference_names

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.operations.source import AnyQueryset, QuerySource

__all__ = (
    "count",
    "exists",
    "explain",
    "first",
    "from_json",
    "get",
    "in_bulk",
    "item",
    "last",
    "next_item",
    "read_all",
    "select_related",
    "to_json",
    "to_list",
    "with_id",
)

D = TypeVar("D")

REPR_OUTPUT_SIZE = 20

#: A command has 16 MB at most, and a key that is an ObjectId takes about 20 bytes.
KEYS_AT_A_TIME = 100_000


# One


async def first(
    queryset: QuerySource[D], io: IO, *, session: Session = None
) -> D | None:
    """Return the first document, or None (`find`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param session: a PyMongo session to work in
    """
    spec = queryset._spec
    if spec.none or spec.empty:
        return None
    arguments = spec.find()
    collection = await queryset._open_to_read(io)
    raw = await queryset._raw_first(io, collection, arguments)
    document: D | None = None
    if raw is not None:
        document = queryset._convert(raw, scalar_first=True)
        if spec.related:
            await relate(spec, io, [document])
    return document


async def last(
    queryset: QuerySource[D], io: IO, *, session: Session = None
) -> D | None:
    """Return the last document in the order of the queryset, or None (`find`).

    Without an order the primary key decides.

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param session: a PyMongo session to work in
    :raises OperationError: if the queryset has a slice, or an order by text scores
    """
    spec = queryset._spec
    if spec.limit or spec.skip:
        raise OperationError(
            "last() of a slice is not possible: reverse the order and take first()"
        )
    return await first(queryset._with(ordering=reversed_order(spec.order())), io)


async def get(
    queryset: QuerySource[D], io: IO, /, *q_objs: object, **query: object
) -> D:
    """Return the one document that matches (`find`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param q_objs: query objects
    :param query: conditions like `age__gt=18`
    :raises DoesNotExist: the document class's own, if there is none
    :raises MultipleObjectsReturned: the document class's own, if there are more
    """
    narrowed = queryset.filter(*q_objs, **query)
    spec = narrowed._spec
    raws: list[RawDocument] = []
    if not spec.is_void:
        arguments = spec.find(ordered=False, limit=2)
        collection = await narrowed._open_to_read(io)
        batches = Batches(await narrowed._cursor_over(io, collection, arguments))
        raws = await batches.read(io)
        if batches.more:
            raws += await batches.drain(io)
    document = spec.document
    if not raws:
        raise document.DoesNotExist(
            f"{document._class_name} matching query does not exist."
        )
    if len(raws) > 1:
        raise document.MultipleObjectsReturned("2 or more items returned, instead of 1")
    result: D = narrowed._convert(raws[0])
    if spec.related:
        await relate(spec, io, [result])
    return result


async def with_id(
    queryset: QuerySource[D], io: IO, object_id: object, *, session: Session = None
) -> D | None:
    """Return the document with this primary key, or None (`find`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param session: a PyMongo session to work in
    :raises InvalidQueryError: if this queryset is filtered
    """
    if queryset._spec.query_obj:
        raise InvalidQueryError("Cannot use a filter whilst using `with_id`")
    return await first(queryset.filter(pk=object_id), io)


async def item(queryset: QuerySource[D], io: IO, index: int) -> D:
    """Return the document at an index (`find`).

    :raises IndexError: if there is none, or the index is negative
    """
    if index < 0:
        raise IndexError("Cursor instances do not support negative indices")
    spec = queryset._spec
    raw = None
    if not spec.is_void:
        arguments = spec.replace(skip=(spec.skip or 0) + index).find()
        collection = await queryset._open_to_read(io)
        raw = await queryset._raw_first(io, collection, arguments)
    if raw is None:
        raise IndexError("no such item for Cursor instance")
    document: D = queryset._convert(raw, scalar_first=True)
    await relate(queryset._spec, io, [document])
    return document


async def next_item(queryset: QuerySource[D], io: IO) -> D:
    """Return the next item of the cursor that a queryset holds, or `MISSING`."""
    if queryset._spec.is_void:
        return MISSING  # type: ignore[no-any-return]
    cursor = await queryset._own_cursor(io)
    try:
        raw = await io.plain(cursor.next)
    except (StopIteration, StopAsyncIteration):
        return MISSING  # type: ignore[no-any-return]
    except BaseException:
        queryset._release(cursor)
        raise
    document: D = queryset._convert(raw)
    await relate(queryset._spec, io, [document])
    return document


# Whether and how many


async def exists(queryset: AnyQueryset, io: IO, *, session: Session = None) -> bool:
    """Return whether any document matches (`find`, of one `_id` at most).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param session: a PyMongo session to work in
    """
    spec = queryset._spec
    if spec.is_void:
        return False
    arguments = {**spec.find(ordered=False), "projection": {"_id": 1}}
    collection = await queryset._open_to_read(io)
    return await queryset._raw_first(io, collection, arguments) is not None


async def has_data(queryset: AnyQueryset, io: IO) -> bool:
    """Return whether any document matches (`find`, of one document at most)."""
    spec = queryset._spec
    if spec.is_void:
        return False
    arguments = spec.find(ordered=False)
    collection = await queryset._open_to_read(io)
    return await queryset._raw_first(io, collection, arguments) is not None


async def count(
    queryset: AnyQueryset,
    io: IO,
    with_limit_and_skip: bool = False,
    *,
    session: Session = None,
) -> int:
    """Return how many documents match (`count` without a filter, else `aggregate`).

    https://www.mongodb.com/docs/manual/reference/command/count/

    :param with_limit_and_skip: apply `limit` and `skip`; a queryset that keeps
        what it reads then answers by itself, if it can
    :param session: a PyMongo session to work in
    """
    spec = queryset._spec
    if spec.is_void or (spec.limit == 0 and not with_limit_and_skip):
        return 0
    if spec.needs_pipeline(spec.find()):
        return await queryset._count_rows(io, with_limit_and_skip)
    window: Keywords = {}
    if with_limit_and_skip:
        window = {"limit": spec.limit or None, "skip": spec.skip or None}
    conditions = spec.conditions
    return await _count_documents(
        io,
        await queryset._open_to_read(io),
        conditions,
        hint=spec.hint,
        collation=spec.collation,
        **window,
    )


async def cached_count(
    queryset: AnyQueryset,
    io: IO,
    with_limit_and_skip: bool = False,
    *,
    session: Session = None,
) -> int:
    if not with_limit_and_skip:
        return await count(queryset, io)
    if queryset._len is None:
        queryset._len = await count(queryset, io, True)
    counted: int = queryset._len
    return counted


cached_count.__name__ = count.__name__
cached_count.__doc__ = count.__doc__


# All


async def to_list(
    queryset: QuerySource[D],
    io: IO,
    length: int | None = None,
    *,
    session: Session = None,
) -> list[D]:
    """Return the documents in a list (`find`, `getMore`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param length: at most so many; None for all
    :param session: a PyMongo session to work in
    :raises ValueError: if `length` is not positive
    """
    if length is None and queryset._spec.related and not queryset._keeps:
        plain = queryset._with(related={})
        documents = await loops.to_list(io, plain._steps())
        await relate(queryset._spec, io, documents)
        return documents
    if length is None or not queryset._has_more:
        return await loops.to_list(io, queryset._loop_steps(), length)
    spec = queryset._spec
    limit = spec.limit
    limited = queryset if limit and limit < length else queryset._with(limit=length)
    if not spec.related:
        return await loops.to_list(io, limited._steps(), length)
    # All of them are related at once.
    documents = await loops.to_list(io, limited._with(related={})._steps(), length)
    await relate(queryset._spec, io, documents)
    return documents


async def read_all(queryset: AnyQueryset, io: IO) -> list[RawDocument]:
    """Return every raw document (`find`, `getMore`)."""
    if queryset._spec.is_void:
        return []
    return await Batches(await queryset._find(io)).drain(io)


async def in_bulk(
    queryset: QuerySource[D],
    io: IO,
    object_ids: Iterable[object],
    *,
    session: Session = None,
) -> dict[Any, D]:
    """Return the documents with these primary keys, by key (`find`).

    https://www.mongodb.com/docs/manual/reference/command/find/

    :param object_ids: values as they are stored, or embedded documents; those
        of no document are left out of the result
    :param session: a PyMongo session to work in
    :returns: a dict; where keys are compound, they are dicts, and it may be
        asked with dicts or embedded documents
    """
    spec = queryset._spec
    if spec.is_void:
        return {}
    if spec.groups is not None:
        raise OperationError("Rows of groups have no keys for in_bulk()")
    arguments = spec.cursor_arguments()
    keys = [raw_key(key) for key in object_ids]
    collection = await queryset._open(io)
    raws: list[RawDocument] = []
    for start in range(0, len(keys) or 1, KEYS_AT_A_TIME):
        some: RawDocument = {"_id": {"$in": keys[start : start + KEYS_AT_A_TIME]}}
        if spec.conditions and spec.needs_pipeline(arguments):
            some = {"$and": [some, spec.conditions]}
        cursor = await queryset._cursor_over(
            io, collection, {**arguments, "filter": some}
        )
        raws += await Batches(cursor).drain(io)
    documents = queryset._converter()(raws)
    await relate(queryset._spec, io, documents)
    items = zip(raws, documents, strict=True)
    if any(isinstance(raw["_id"], dict) for raw in raws):
        return ByKey((raw["_id"], document) for raw, document in items)
    return {raw["_id"]: document for raw, document in items}


def raw_key(key: object) -> object:
    """Return a primary key as it is stored, of an embedded document too."""
    return key.to_mongo() if hasattr(key, "to_mongo") else key


class _CompoundKey(RawDocument):
    """A primary key with several members, which does not change."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozen(self))


class ByKey(dict[Any, D]):
    """Documents by their primary keys, of which some are compound."""

    def __init__(self, items: Iterable[tuple[Any, D]]) -> None:
        super().__init__((_hashable(key), document) for key, document in items)

    def __getitem__(self, key: object) -> D:
        return super().__getitem__(_hashable(key))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(_hashable(key))

    def get(self, key: object, default: object = None) -> Any:
        return super().get(_hashable(key), default)

    def pop(self, key: object, *default: object) -> Any:
        return super().pop(_hashable(key), *default)


def _hashable(key: object) -> Hashable:
    key = raw_key(key)
    return _CompoundKey(key) if isinstance(key, dict) else key


async def explain(
    queryset: AnyQueryset, io: IO, *, session: Session = None
) -> RawDocument:
    """Return how the server would run the query.

    https://www.mongodb.com/docs/manual/reference/command/explain/

    :param session: a PyMongo session to work in
    """
    spec = queryset._spec
    arguments = spec.find(limit=spec.limit)
    collection = await queryset._open_to_read(io)
    if spec.reads_by_pipeline(arguments):
        command = {
            "aggregate": collection.name,
            "pipeline": spec.find_pipeline(arguments),
            "cursor": {},
        }
        explained: RawDocument = await io(
            collection.database.command, "explain", command
        )
        return explained
    cursor: Any = await queryset._cursor_over(io, collection, arguments)
    plan: RawDocument = await io.plain(cursor.explain)
    return plan


async def to_json(
    queryset: AnyQueryset,
    io: IO,
    /,
    *args: object,
    session: Session = None,
    **kwargs: object,
) -> str:
    """Return all documents as a JSON array (MongoDB Extended JSON).

    https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/

    Takes the arguments of `bson.json_util.dumps`.
    """
    raws = await read_all(queryset, io)
    if "json_options" in kwargs:
        return json_util.dumps(raws, *args, **kwargs)
    options = json_util.LEGACY_JSON_OPTIONS
    text = json_util.dumps(raws, *args, json_options=options, **kwargs)
    warn_of_uuids(text)
    return text


def from_json(self: QuerySource[D], json_data: str) -> list[D]:
    """Return documents of a JSON array, as `to_json` writes it; nothing is saved."""
    load = self._spec.document._from_son
    follow = self._auto_dereference
    return [load(raw, _auto_dereference=follow) for raw in json_util.loads(json_data)]


async def select_related(
    queryset: QuerySource[D],
    io: IO,
    max_depth: int | str = 1,
    *paths: str,
    strategy: str | None = None,
    session: Session = None,
) -> list[D]:
    """Return all documents with their references followed, in a list.

    Given names of references, such as `"author", "comments__author__city"`, return
    a queryset that loads these with its documents; `async_select_related` reads it,
    and `select_related` sends nothing, so that it may be used in both families.

    Each level of references takes one query per collection, however many documents
    there are; a queryset that keeps nothing takes that for each batch.  With the
    strategy `"lookup"` the documents come with what they refer to, in one command
    (`aggregate`, with `$lookup`): all but references to any class, in maps, and to
    other databases, which take queries.

    https://www.mongodb.com/docs/manual/reference/command/find/
    https://www.mongodb.com/docs/manual/reference/operator/aggregation/lookup/

    :param max_depth: how many levels of references to follow, or the first name
    :param paths: more names
    :param strategy: `"queries"`, which None stands for, or `"lookup"`
    :param session: a PyMongo session to work in
    :raises InvalidQueryError: if a name is no reference
    :raises ValueError: if there is no such strategy
    """
    if isinstance(max_depth, str) or paths:
        related = queryset._relating(max_depth, *paths, strategy=strategy)
        return await to_list(related, io)
    source = queryset
    if strategy is not None:
        names = reference_names(queryset._spec.document, max_depth)
        source = queryset._relating(*names, strategy=strategy)
    documents = await to_list(source, io)
    if queryset._spec.as_pymongo:
        return documents
    max_depth += 1  # the documents themselves are one level
    followed: list[D] = await queryset._dereference._follow(io, documents, max_depth)
    return followed
