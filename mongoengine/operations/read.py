"""Reading documents: one, some, all, or how many."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

import bson
from bson import json_util
from pymongo import CursorType

from mongoengine.base.utils import warn_caller
from mongoengine.common import _import_class
from mongoengine.connection import _get_session
from mongoengine.driver.cursor import (
    Batches,
    CutSteps,
    ReadingAhead,
    UncachedSteps,
    async_loop,
    loop,
    to_list,
)
from mongoengine.driver.io import (
    ASYNC,
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
    run,
)
from mongoengine.errors import InvalidQueryError
from mongoengine.pymongo_support import _count_documents
from mongoengine.queryset.building import Building

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("Reading",)

D = TypeVar("D")
F = TypeVar("F", bound=Callable[..., Any])

REPR_OUTPUT_SIZE = 20

#: A command has 16 MB at most, and a key that is an ObjectId takes about 20 bytes.
KEYS_AT_A_TIME = 100_000

NOTHING: Any = object()

_JSON_WARNING = (
    "No 'json_options' are specified! Falling back to LEGACY_JSON_OPTIONS with "
    "uuid_representation=PYTHON_LEGACY. For use with other MongoDB drivers specify "
    "the UUID representation to use. This will be changed to "
    "uuid_representation=UNSPECIFIED in a future release."
)


def _listed(builder: Callable[..., Any]) -> Callable[[F], F]:
    """Give the awaited form of a lazy method its name, docstring and signature."""

    def dress(face: F) -> F:
        dressed: F = wraps(builder)(face)  # type: ignore[assignment]
        dressed.__name__ = "async_" + builder.__name__
        owner = builder.__qualname__.rpartition(".")[0]
        dressed.__qualname__ = f"{owner}.{dressed.__name__}"
        dressed._lists = builder  # type: ignore[attr-defined]
        return dressed

    return dress


def _skipping(skip: int | None) -> dict[str, int]:
    """The option of `find`."""
    if not skip:
        return {}
    if isinstance(skip, int) and skip < 0:
        raise ValueError("skip must be >= 0")
    return {"skip": skip}


def stored_key(key: Any) -> Any:
    """Return a primary key as it is stored, of an embedded document too."""
    return key.to_mongo() if hasattr(key, "to_mongo") else key


class _CompoundKey(dict[str, Any]):
    """A primary key with several members, which does not change."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(bson.encode(self))


class ByKey(dict[Any, D]):
    """Documents by their primary keys, of which some are compound."""

    def __init__(self, items: Iterable[tuple[Any, D]]) -> None:
        super().__init__((_hashable(key), item) for key, item in items)

    def __getitem__(self, key: Any) -> D:
        return super().__getitem__(_hashable(key))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(_hashable(key))

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_hashable(key), default)

    def pop(self, key: Any, *default: Any) -> Any:
        return super().pop(_hashable(key), *default)


def _hashable(key: Any) -> Any:
    key = stored_key(key)
    return _CompoundKey(key) if isinstance(key, dict) else key


def _pieces(keys: Any) -> Iterator[Any]:
    """Primary keys, so many at a time that a command holds them."""
    if len(keys) <= KEYS_AT_A_TIME:
        yield keys
        return
    keys = list(keys)
    for start in range(0, len(keys), KEYS_AT_A_TIME):
        yield keys[start : start + KEYS_AT_A_TIME]


class Reading(Building[D]):
    """The operations that read documents."""

    # One

    async def _first(self, io: IO, *, session: Session = None) -> D | None:
        """The first document, or None (`find`)."""
        if self._is_void:
            return None
        raw = await self._read_one(io, self._skip)
        return None if raw is None else self._convert(raw, scalar_first=True)

    first = blocking(_first)
    async_first = asynchronous(_first)

    async def _read_one(self, io: IO, skip: int | None) -> dict[str, Any] | None:
        collection = await self._open_to_read(io)
        options = self._find_options()
        if skip:
            options.update(_skipping(skip))
        raw: dict[str, Any] | None = await io(
            collection.find_one(self._filter(), **options)
        )
        return raw

    async def _get(self, io: IO, /, *q_objs: Any, **query: Any) -> D:
        """The one document that matches (`find`).

        :raises DoesNotExist: the document class's own, if there is none
        :raises MultipleObjectsReturned: the document class's own, if there are more
        """
        queryset = self.filter(*q_objs, **query)
        raws = [] if queryset._is_void else await queryset._read_two(io)
        document = self._document
        if not raws:
            raise document.DoesNotExist(
                f"{document._class_name} matching query does not exist."
            )
        if len(raws) > 1:
            raise document.MultipleObjectsReturned(
                "2 or more items returned, instead of 1"
            )
        found: D = queryset._convert(raws[0])
        return found

    get = blocking(_get)
    async_get = asynchronous(_get)

    async def _read_two(self, io: IO) -> list[dict[str, Any]]:
        collection = await self._open_to_read(io)
        options = self._find_options(ordered=False)
        if self._skip:
            options.update(_skipping(self._skip))
        batches = Batches(collection.find(self._filter(), limit=2, **options))
        raws = await batches.read(io)
        return raws + await batches.drain(io) if batches.more else raws

    async def _with_id(
        self, io: IO, object_id: Any, *, session: Session = None
    ) -> D | None:
        """The document with this primary key, or None (`find`).

        :param session: a PyMongo session to work in
        :raises InvalidQueryError: if this queryset is filtered
        """
        if self._query_obj:
            raise InvalidQueryError("Cannot use a filter whilst using `with_id`")
        found: D | None = await self.filter(pk=object_id)._first(io)
        return found

    with_id = blocking(_with_id)
    async_with_id = asynchronous(_with_id)

    async def _item(self, io: IO, index: int) -> D:
        if index < 0:
            raise IndexError("Cursor instances do not support negative indices")
        raw = None
        if not self._is_void:
            raw = await self._read_one(io, (self._skip or 0) + index)
        if raw is None:
            raise IndexError("no such item for Cursor instance")
        found: D = self._convert(raw, scalar_first=True)
        return found

    @overload
    def __getitem__(self, key: int) -> D: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: Any) -> Any:
        """The document at an index, or a queryset over a slice.

        :raises IndexError: if there is none, or an index is negative
        """
        if isinstance(key, slice):
            return self._slice(key)
        if not isinstance(key, int):
            raise TypeError("Provide a slice or an integer index")
        try:
            return run(self._item(SYNC, key))
        except WrongFamilyError as error:
            raise error.advising(self, "async_first()") from None

    # Whether and how many

    async def _exists(self, io: IO, *, session: Session = None) -> bool:
        """Whether any document matches (`find`, of one `_id` at most)."""
        if self._is_void:
            return False
        collection = await self._open_to_read(io)
        options = self._find_options(ordered=False)
        options["projection"] = {"_id": 1}
        options.update(_skipping(self._skip))
        return await io(collection.find_one(self._filter(), **options)) is not None

    exists = blocking(_exists)
    async_exists = asynchronous(_exists)

    async def _has_data_body(self, io: IO) -> bool:
        if self._is_void:
            return False
        unordered = self._with(_ordering=[]) if self._sort_keys() else self
        return await unordered._read_one(io, self._skip) is not None

    def _has_data(self) -> bool:
        return run(self._has_data_body(SYNC))

    def __bool__(self) -> bool:
        """Whether any document matches; asks the server."""
        try:
            return self._has_data()
        except WrongFamilyError as error:
            raise error.advising(self, "async_exists()") from None

    async def _count(
        self, io: IO, with_limit_and_skip: bool = False, *, session: Session = None
    ) -> int:
        """How many documents match (`count` without a filter, else `aggregate`).

        :param with_limit_and_skip: heed `limit` and `skip`; a queryset that keeps
            what it reads then answers by itself, if it can
        :param session: a PyMongo session to work in
        """
        return await self._counted(io, with_limit_and_skip)

    count = blocking(_count)
    async_count = asynchronous(_count)

    async def _counted(self, io: IO, with_limit_and_skip: bool) -> int:
        if self._is_void:
            return 0
        if self._limit == 0 and not with_limit_and_skip:
            return 0
        window: dict[str, Any] = {}
        if with_limit_and_skip:
            window = {"limit": self._limit or None, "skip": self._skip or None}
        return await _count_documents(
            io,
            await self._open_to_read(io),
            self._query,
            hint=self._hint,
            collation=self._collation,
            **window,
        )

    # All

    async def _start(self, io: IO) -> Batches | ReadingAhead | None:
        """Batches of the raw documents; sends nothing yet."""
        if self._is_void:
            return None
        return self._batches_of(io, await self._find(io))

    def _batches_of(self, io: IO, cursor: Any) -> Batches | ReadingAhead:
        batches = Batches(cursor)
        return ReadingAhead(batches) if self._prefetch and io.is_async else batches

    async def _find(self, io: IO) -> Any:
        """A new PyMongo cursor over the documents."""
        collection = await self._open_to_read(io)
        options = self._find_options()
        options.update(_skipping(self._skip))
        if self._limit:
            options["limit"] = self._limit
        if self._tailable is not None:
            options["cursor_type"] = CursorType.TAILABLE_AWAIT
        cursor = collection.find(self._filter(), **options)
        return cursor.max_await_time_ms(self._tailable) if self._tailable else cursor

    async def _read_all(self, io: IO) -> list[dict[str, Any]]:
        """Every raw document."""
        if self._is_void:
            return []
        return await Batches(await self._find(io)).drain(io)

    async def _to_list(
        self, io: IO, length: int | None = None, *, session: Session = None
    ) -> list[D]:
        """Return the documents in a list (`find`, `getMore`).

        :param length: at most so many; None for all
        :param session: a PyMongo session to work in
        :raises ValueError: if `length` is not positive
        """
        return await self._items(io, length)

    to_list = blocking(_to_list)
    async_to_list = asynchronous(_to_list)

    async def _items(self, io: IO, length: int | None = None) -> list[D]:
        if length is None:
            return await to_list(io, self._steps())
        if self._limit and self._limit < length:
            return await to_list(io, self._steps(), length)
        return await to_list(io, self._with(_limit=length)._steps(), length)

    def _steps(self) -> UncachedSteps[D]:
        """Return a source of the items, which sends the query once more."""
        return UncachedSteps(self._start, self._converter)

    def batches(self, size: int) -> Iterator[list[D]]:
        """Yield the documents in lists, read as the loop goes; nothing is kept.

        `async_batches` is for `async for`.  The server sends `size` documents at a
        time, unless `batch_size` says otherwise.

        :param size: how many documents to a list; the last one may have fewer
        :raises ValueError: if it is not positive
        """
        return loop(self._cut_steps(size), self, "async_batches()")

    def async_batches(self, size: int) -> AsyncGenerator[list[D], None]:
        return async_loop(self._cut_steps(size), self, "batches()")

    async_batches.__doc__ = batches.__doc__

    def _cut_steps(self, size: int) -> CutSteps[D]:
        queryset = self if self._batch_size is not None else self.batch_size(size)
        return CutSteps(queryset._steps(), size)

    async def _in_bulk(
        self, io: IO, object_ids: Iterable[Any], *, session: Session = None
    ) -> dict[Any, D]:
        """Return the documents with these primary keys, by key (`find`).

        :param object_ids: values as they are stored, or embedded documents; those
            of no document are left out of the result
        :param session: a PyMongo session to work in
        :returns: a dict; where keys are compound, they are dicts, and it may be
            asked with dicts or embedded documents
        """
        if self._is_void:
            return {}
        collection = await self._open(io)
        options = self._cursor_args
        session = _get_session()
        if session is not None:
            options["session"] = session
        keys = [stored_key(key) for key in object_ids]
        raws: list[dict[str, Any]] = []
        for ids in _pieces(keys):
            cursor = collection.find({"_id": {"$in": ids}}, **options)
            raws += await Batches(cursor).drain(io)
        items = zip(raws, self._converter()(raws), strict=True)
        if any(isinstance(raw["_id"], dict) for raw in raws):
            return ByKey((raw["_id"], item) for raw, item in items)
        return {raw["_id"]: item for raw, item in items}

    in_bulk = blocking(_in_bulk)
    async_in_bulk = asynchronous(_in_bulk)

    async def _explain(self, io: IO, *, session: Session = None) -> dict[str, Any]:
        """How the server would run the query.

        https://www.mongodb.com/docs/manual/reference/command/explain/
        """
        cursor = await self._find(io)
        plan: dict[str, Any] = await io(cursor.explain())
        return plan

    explain = blocking(_explain)
    async_explain = asynchronous(_explain)

    async def _to_json(
        self, io: IO, /, *args: Any, session: Session = None, **kwargs: Any
    ) -> str:
        """All documents as a JSON array (MongoDB Extended JSON).

        Takes the arguments of `bson.json_util.dumps`.
        """
        if "json_options" not in kwargs:
            warn_caller(_JSON_WARNING, DeprecationWarning)
            kwargs["json_options"] = json_util.LEGACY_JSON_OPTIONS
        return json_util.dumps(await self._read_all(io), *args, **kwargs)

    to_json = blocking(_to_json)
    async_to_json = asynchronous(_to_json)

    async def _select_related(
        self, io: IO, max_depth: int = 1, *, session: Session = None
    ) -> list[D]:
        """All documents with their references followed, in a list.

        One query to a collection and a level.

        :param max_depth: how many levels of references to follow
        :param session: a PyMongo session to work in
        """
        items = await self._to_list(io)
        if self._as_pymongo:
            return items
        follow = _import_class("DeReference")()
        max_depth += 1  # the documents themselves are one level
        related: list[D] = await follow._follow(io, items, max_depth)
        return related

    select_related = blocking(_select_related)
    async_select_related = asynchronous(_select_related)

    # The next one

    @property
    def _cursor(self) -> Any:
        """The blocking PyMongo cursor that `next` reads from."""
        return run(self._held_cursor(SYNC))

    async def _held_cursor(self, io: IO) -> Any:
        held = self._cursor_obj
        if held is None or not self._is_held_for(io):
            held = self._cursor_obj = await self._find(io)
            self._cursor_owner = asyncio.get_running_loop() if io.is_async else None
        return held

    def _release(self, cursor: Any) -> None:
        """Let the next reading send the query again: this cursor has ended."""
        if self._cursor_obj is cursor:
            self._cursor_obj = None

    #: The event loop that the held cursor belongs to; None if it is a blocking one.
    _cursor_owner: asyncio.AbstractEventLoop | None = None

    def _is_held_for(self, io: IO) -> bool:
        owner = asyncio.get_running_loop() if io.is_async else None
        return self._cursor_owner is owner

    async def _next(self, io: IO) -> Any:
        """The next item, or `NOTHING`."""
        if self._is_void:
            return NOTHING
        cursor = await self._held_cursor(io)
        try:
            raw = await io(cursor.next())
        except (StopIteration, StopAsyncIteration):
            return NOTHING
        except BaseException:
            self._release(cursor)
            raise
        return self._convert(raw)

    def __next__(self) -> D:
        """The next document of the cursor that this queryset holds."""
        try:
            item = run(self._next(SYNC))
        except WrongFamilyError as error:
            raise error.advising(self, "anext()") from None
        if item is NOTHING:
            raise StopIteration
        found: D = item
        return found

    async def __anext__(self) -> D:
        """The next document of the cursor that this queryset holds."""
        try:
            item = await self._next(ASYNC)
        except WrongFamilyError as error:
            raise error.advising(self, "next()") from None
        if item is NOTHING:
            raise StopAsyncIteration
        found: D = item
        return found

    def rewind(self) -> None:
        """Let `next` start again at the first document."""
        self._iter = False
        held = self._cursor_obj
        if held is None:
            return
        if self._cursor_owner is None:
            held.rewind()
        else:
            self._cursor_obj = None

    # Lists, awaited

    @_listed(Building.scalar)
    async def async_scalar(self, *fields: str) -> list[Any]:
        return await self.scalar(*fields).async_to_list()

    @_listed(Building.values_list)
    async def async_values_list(self, *fields: str) -> list[Any]:
        return await self.values_list(*fields).async_to_list()

    @_listed(Building.values)
    async def async_values(self, *fields: str) -> list[dict[str, Any]]:
        return await self.values(*fields).async_to_list()

    @_listed(Building.only)
    async def async_only(self, *fields: str) -> list[D]:
        return await self.only(*fields).async_to_list()

    @_listed(Building.exclude)
    async def async_exclude(self, *fields: str) -> list[D]:
        return await self.exclude(*fields).async_to_list()

    @_listed(Building.hint)
    async def async_hint(self, index: Any = None) -> list[D]:
        return await self.hint(index).async_to_list()
