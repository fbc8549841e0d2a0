"""Counting the operations that reach a database."""

from __future__ import annotations

from typing import Any

from mongoengine.driver.block import Block
from mongoengine.driver.io import ASYNC, IO, SYNC, asynchronous, blocking, completed
from mongoengine.driver.registry import DEFAULT_CONNECTION_NAME, registry
from mongoengine.driver.types import RawDocument

__all__ = ("async_query_counter", "query_counter")


class query_counter(Block["query_counter"]):
    """Counts what is sent to the database of an alias while the block runs.

        with query_counter() as queries:
            User.objects.first()
            assert queries == 1

    The server's profiler counts, so that everybody's operations on the database
    count, and the block must be the only one on it.  In the form for `async with`,
    `await queries.get_count()` gives the number, and comparing works after the
    block.  A subclass may change `_ignored_query`, a filter for the profiler's
    documents that are counted.

    :param alias: the alias with the database to watch

    See https://www.mongodb.com/docs/manual/reference/command/profile/
    """

    _io: IO = SYNC

    def __init__(self, alias: str = DEFAULT_CONNECTION_NAME) -> None:
        self.alias = alias
        self.initial_profiling_level: int | None = None
        self._final: int | None = None
        name = registry.defined(alias)[1]["name"]
        self._ignored_query: RawDocument = {
            "ns": {"$ne": f"{name}.system.indexes"},
            "op": {"$ne": "killcursors"},
            "command.killCursors": {"$exists": False},
        }

    @property
    def db(self) -> Any:
        """Return the database that is watched, on the client of the block's family."""
        return registry.database(self._io, self.alias)

    async def _enter(self, io: IO) -> query_counter:
        self._io = io
        try:
            await completed(io, self._begin(io))
        except BaseException:
            await completed(io, self._restore(io))
            raise
        return self

    async def _leave(self, io: IO, error: BaseException | None) -> None:
        await completed(io, self._end(io))

    async def _begin(self, io: IO) -> None:
        db = registry.database(io, self.alias)
        reply = await io.plain(db.command, {"profile": 0})
        self.initial_profiling_level = reply["was"]
        await io.plain(db.drop_collection, "system.profile")
        await io.plain(db.command, {"profile": 2})

    async def _end(self, io: IO) -> None:
        try:
            self._final = await self._count(io)
        finally:
            await self._restore(io)

    async def _restore(self, io: IO) -> None:
        """Put the level back that the profiler had."""
        if self.initial_profiling_level is not None:
            db = registry.database(io, self.alias)
            await io.plain(db.command, {"profile": self.initial_profiling_level})

    async def _count(self, io: IO) -> int:
        """Return the number of operations so far, less those of the counter."""
        if self._final is not None:
            return self._final
        db = registry.database(io, self.alias)
        profile = db["system.profile"]
        own = {"ns": {"$ne": f"{db.name}.system.profile"}}
        query = {"$and": [own, self._ignored_query]}
        number: int = await io.plain(profile.count_documents, query)
        return number

    count = blocking(_count)
    async_count = asynchronous(_count)

    def get_count(self) -> Any:
        """Return the number of operations so far; in `async with`, to be awaited."""
        return self.async_count() if self._io is ASYNC else self.count()

    _get_count = get_count

    def __int__(self) -> int:
        if self._io is SYNC:
            return self.count()
        if self._final is None:
            raise RuntimeError(
                "Counting asks the server: use await counter.async_count() in the "
                "block of async_query_counter()"
            )
        return self._final

    def __eq__(self, value: object) -> bool:
        return int(self) == value

    def __ne__(self, value: object) -> bool:
        return int(self) != value

    def __lt__(self, value: int) -> bool:
        return bool(int(self) < value)

    def __le__(self, value: int) -> bool:
        return bool(int(self) <= value)

    def __gt__(self, value: int) -> bool:
        return bool(int(self) > value)

    def __ge__(self, value: int) -> bool:
        return bool(int(self) >= value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{int(self)}"


class async_query_counter(query_counter):
    __doc__ = query_counter.__doc__
    _io = ASYNC
