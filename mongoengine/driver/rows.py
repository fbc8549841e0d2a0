"""Cursors that convert their rows to objects, batch by batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mongoengine.driver.cursor import Batches, Reader
from mongoengine.driver.io import ASYNC, IO, SYNC, run
from mongoengine.driver.loops import UncachedSteps, async_loop, loop, to_list
from mongoengine.driver.types import Function

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("AsyncRows", "ConvertedRows", "Rows")

T = TypeVar("T")


class ConvertedRows(Generic[T]):
    """The rows of a PyMongo cursor as objects; see `Rows` and `AsyncRows`.

    :param cursor: a cursor of either API
    :param convert: makes an object of a raw document
    """

    def __init__(self, cursor: Any, convert: Callable[[Any], T]) -> None:
        self.cursor = cursor
        self._convert = convert
        self._batches = Batches(cursor)
        self._loop: Any = None

    @property
    def alive(self) -> bool:
        """Return whether there may be more rows."""
        return bool(self.cursor.alive)

    @property
    def more(self) -> bool:
        """Return whether there may be another batch."""
        return self._batches.more

    async def read(self, io: IO) -> list[T]:
        """Return the next batch; close the cursor where a row cannot be converted."""
        raws = await self._batches.read(io)
        try:
            return [self._convert(raw) for raw in raws]
        except Exception:
            await self.finish(io)
            raise

    async def finish(self, io: IO) -> None:
        """Read no more, and close the cursor."""
        await self._batches.close(io)

    def reader(self) -> Reader:
        """Return the batches of the rows, for loops."""
        return _Reader(self)

    def _steps(self) -> UncachedSteps[T]:
        async def start(io: IO) -> Reader:
            return self.reader()

        as_they_are: Function = list
        return UncachedSteps(start, lambda: as_they_are)


class _Reader(Generic[T]):
    """The batches of rows, for loops."""

    __slots__ = ("_rows",)

    def __init__(self, rows: ConvertedRows[T]) -> None:
        self._rows = rows

    @property
    def cursor(self) -> Any:
        """Return the PyMongo cursor."""
        return self._rows.cursor

    @property
    def more(self) -> bool:
        """Return whether there may be another batch."""
        return self._rows.more

    async def read(self, io: IO) -> list[T]:
        """Return the next batch."""
        return await self._rows.read(io)

    async def close(self, io: IO) -> None:
        """Read no more, and close the cursor."""
        await self._rows.finish(io)


class Rows(ConvertedRows[T]):
    """The rows of a blocking cursor as objects: an iterator, to be closed."""

    def __iter__(self) -> Iterator[T]:
        if self._loop is None:
            self._loop = loop(self._steps(), None, "async for")
        return self

    def __next__(self) -> T:
        item: T = next(iter(self)._loop)  # type: ignore[attr-defined]
        return item

    next = __next__

    def to_list(self, length: int | None = None) -> list[T]:
        """Return the rows that are left, in a list.

        :param length: at most so many; None for all
        """
        return run(to_list(SYNC, self._steps(), length))

    def close(self) -> None:
        """Close the cursor."""
        run(self.finish(SYNC))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class AsyncRows(ConvertedRows[T]):
    """The rows of an asynchronous cursor as objects, for `async for`."""

    def __aiter__(self) -> AsyncGenerator[T, None]:
        if self._loop is None:
            self._loop = async_loop(self._steps(), None, "regular iteration")
        rows: AsyncGenerator[T, None] = self._loop
        return rows

    async def __anext__(self) -> T:
        return await self.__aiter__().__anext__()

    async def next(self) -> T:
        """Return the next row."""
        return await self.__anext__()

    async def to_list(self, length: int | None = None) -> list[T]:
        """Return the rows that are left, in a list.

        :param length: at most so many; None for all
        """
        return await to_list(ASYNC, self._steps(), length)

    async def close(self) -> None:
        """Close the cursor."""
        await self.finish(ASYNC)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
