"""The third face of an operation: one that gives a cursor, awaited or iterated."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from functools import partial, wraps
from typing import (
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeAlias,
    TypeVar,
    overload,
)

from mongoengine.driver import loops
from mongoengine.driver.cursor import Batches, Reader
from mongoengine.driver.deferred import deferrable
from mongoengine.driver.io import ASYNC, IO, asynchronous
from mongoengine.driver.loops import Steps, UncachedSteps
from mongoengine.driver.rows import ConvertedRows
from mongoengine.driver.types import Coro, Function, PassedOn, RawValue

__all__ = ("PendingCursor", "Start", "pending")

C = TypeVar("C")
R = TypeVar("R")
P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

#: Starts an operation that gives a cursor.
Start: TypeAlias = Callable[[], Coro[C]]


@overload
def pending(
    body: Callable[Concatenate[S, IO, P], Coro[C]],
) -> Callable[Concatenate[S, P], PendingCursor[C, Any]]: ...


@overload
def pending(
    body: Callable[Concatenate[S, IO, P], Coro[C]],
    made: Callable[[Start[C], object, str], T],
) -> Callable[Concatenate[S, P], T]: ...


@deferrable
def pending(body: Function, made: Function | None = None) -> Any:
    """Return the face that gives a `PendingCursor` for what `body` returns.

    :param body: returns a cursor of PyMongo's, or an iterator
    :param made: makes the result instead, with the arguments of `PendingCursor`
    """
    awaited = asynchronous(body)
    owner = sys._getframe(2).f_locals  # past `deferrable`
    awaited.__qualname__ = f"{owner.get('__qualname__')}.{awaited.__name__}"
    awaited.__module__ = owner.get("__module__", awaited.__module__)
    use = awaited.__name__.removeprefix("async_") + "()"
    make = made or PendingCursor

    @wraps(awaited)
    def face(self: object, /, *args: object, **kwargs: object) -> object:
        return make(partial(awaited, self, *args, **kwargs), self, use)

    return face


class PendingCursor(Coroutine[Any, Any, C], Generic[C, R]):
    """An operation that gives a cursor: await it, or iterate over it at once.

        cursor = await User.objects.async_aggregate(pipeline)
        rows = await User.objects.async_aggregate(pipeline).to_list()
        async for row in User.objects.async_aggregate(pipeline): ...

    Nothing is sent before that.  A loop that ends early closes the cursor.  `anext`
    starts the operation with the first call, and goes on with the next.  It is a
    coroutine, too, which `asyncio.create_task()` takes.

    :param start: starts the operation
    :param owner: the queryset that errors name
    :param use: the blocking call
    """

    __slots__ = ("_coroutine", "_owner", "_rows", "_start", "_use")

    def __init__(self, start: Start[C], owner: object, use: str) -> None:
        self._start = start
        self._owner = owner
        self._use = use
        self._coroutine: Coro[C] | None = None
        self._rows: AsyncGenerator[R, None] | None = None

    # A coroutine

    def __await__(self) -> Generator[Any, Any, C]:
        return self._start().__await__()

    def send(self, value: object, /) -> object:
        """Start the operation, or go on with it."""
        return self._started().send(value)

    def throw(self, *error: PassedOn) -> object:
        """Raise an exception where the operation waits."""
        return self._started().throw(*error)

    def close(self) -> None:
        """End the operation, if it was started by `send()`."""
        if self._coroutine is not None:
            self._coroutine.close()

    def _started(self) -> Coro[C]:
        if self._coroutine is None:
            self._coroutine = self._start()
        return self._coroutine

    # Rows

    def __aiter__(self) -> AsyncGenerator[R, None]:
        if self._rows is not None:  # `anext` has begun
            return self._rows
        return loops.async_loop(self._steps(), self._owner, self._use)

    async def __anext__(self) -> R:
        if self._rows is None:
            self._rows = self.__aiter__()
        try:
            return await self._rows.__anext__()
        except BaseException as error:
            if not isinstance(error, StopAsyncIteration):
                self._rows = None
            raise

    async def aclose(self) -> None:
        """Close the cursor that `anext` reads from, if there is one."""
        rows, self._rows = self._rows, None
        if rows is not None:
            await rows.aclose()

    async def to_list(self, length: int | None = None) -> list[R]:
        """Return the rows in a list.

        :param length: at most so many; None for all
        """
        return await loops.to_list(ASYNC, self._steps(), length)

    def _steps(self) -> Steps[R]:
        as_they_are: Function = list
        return UncachedSteps(self._batches, lambda: as_they_are)

    async def _batches(self, io: IO) -> Reader:
        result: object = await self._start()
        if isinstance(result, ConvertedRows):
            return result.reader()
        return _Rows(result) if isinstance(result, Iterator) else Batches(result)


class _Rows:
    """The rows of an iterator, all in one batch."""

    __slots__ = ("cursor", "more")

    def __init__(self, rows: Iterator[Any]) -> None:
        self.cursor = rows
        self.more = True

    async def read(self, io: IO) -> list[RawValue]:
        """Return all rows."""
        self.more = False
        return list(self.cursor)

    async def close(self, io: IO) -> None:
        """Read no more."""
        self.more = False
