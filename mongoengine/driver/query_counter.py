"""Counting the operations that reach a database."""

from __future__ import annotations

from typing import Any

from mongoengine.connection import DEFAULT_CONNECTION_NAME, database
from mongoengine.driver.io import (
    ASYNC,
    IO,
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
    run,
)

__all__ = ("async_query_counter", "query_counter")


class _QueryCounter:
    """Counts what is sent to the database of an alias while the block runs.

        with query_counter() as queries:
            User.objects.first()
            assert queries == 1

    The server's profiler counts, so that everybody's operations on the database
    count, and the block must be the only one on it.  In the form for `async with`,
    `await queries.async_count()` gives the number, and comparing works after the
    block.

    :param alias: the alias whose database to watch

    See https://www.mongodb.com/docs/manual/reference/command/profile/
    """

    _io: IO

    def __init__(self, alias: str = DEFAULT_CONNECTION_NAME) -> None:
        self.alias = alias
        self.initial_profiling_level: int | None = None
        self._final: int | None = None

    @property
    def db(self) -> Any:
        """The database that is watched, on the client of the block's family."""
        return database(self._io, self.alias)

    async def _begin(self, io: IO) -> None:
        db = database(io, self.alias)
        self.initial_profiling_level = (await io(db.command({"profile": 0})))["was"]
        await io(db.drop_collection("system.profile"))
        await io(db.command({"profile": 2}))

    async def _end(self, io: IO) -> None:
        self._final = await self._count(io)
        db = database(io, self.alias)
        await io(db.command({"profile": self.initial_profiling_level}))

    async def _count(self, io: IO) -> int:
        """The number of operations so far; those of the counter are left out."""
        if self._final is not None:
            return self._final
        db = database(io, self.alias)
        apart = [f"{db.name}.system.indexes", f"{db.name}.system.profile"]
        number: int = await io(
            db["system.profile"].count_documents(
                {
                    "ns": {"$nin": apart},
                    "op": {"$ne": "killcursors"},
                    "command.killCursors": {"$exists": False},
                }
            )
        )
        return number

    count = blocking(_count)
    async_count = asynchronous(_count)

    def __int__(self) -> int:
        return self.count()

    def __eq__(self, value: object) -> bool:
        return int(self) == value

    def __ne__(self, value: object) -> bool:
        return int(self) != value

    def __lt__(self, value: Any) -> bool:
        return bool(int(self) < value)

    def __le__(self, value: Any) -> bool:
        return bool(int(self) <= value)

    def __gt__(self, value: Any) -> bool:
        return bool(int(self) > value)

    def __ge__(self, value: Any) -> bool:
        return bool(int(self) >= value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{int(self)}"


class query_counter(_QueryCounter):
    __doc__ = _QueryCounter.__doc__
    _io = SYNC

    def __enter__(self) -> query_counter:
        try:
            run(self._begin(SYNC))
        except WrongFamilyError as error:
            raise error.named(self, "async_query_counter") from None
        return self

    def __exit__(self, *error: object) -> None:
        run(self._end(SYNC))


class async_query_counter(_QueryCounter):
    __doc__ = _QueryCounter.__doc__
    _io = ASYNC

    async def __aenter__(self) -> async_query_counter:
        try:
            await self._begin(ASYNC)
        except WrongFamilyError as error:
            raise error.named(self, "query_counter") from None
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._end(ASYNC)

    def __int__(self) -> int:
        if self._final is None:
            raise RuntimeError(
                "Counting asks the server: use await counter.async_count() in the "
                "block of async_query_counter()"
            )
        return self._final
