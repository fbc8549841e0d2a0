"""Loop over cursors in both families.

A loop asks an object with `step` and `leave` for lists of items; `loop` and
`async_loop` yield them one by one.  All but these two is written once, for PyMongo's
two APIs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from mongoengine.driver.cursor import Reader
from mongoengine.driver.io import (
    ASYNC,
    IO,
    SYNC,
    instead,
    is_blocking_on_loop,
    looped_on_loop,
    run,
)
from mongoengine.driver.types import RawDocument

__all__ = (
    "CutSteps",
    "Steps",
    "UncachedSteps",
    "async_loop",
    "closing",
    "for_each",
    "loop",
    "to_list",
)

D = TypeVar("D")

#: Tasks that close cursors of loops that were left early.
_closing: set[asyncio.Task[None]] = set()


class Steps(Protocol[D]):
    """A source of items for a loop."""

    async def step(self, io: IO) -> list[D] | None:
        """Return the next items, or None at the end."""

    async def leave(self, io: IO) -> None:
        """Release what the loop has used; called once, however it ends."""


def loop(steps: Steps[D], owner: object, use: str) -> Iterator[D]:
    """Yield the items of a source, reading as the loop goes.

    :param owner: the queryset that errors name
    :param use: what to use instead where only the other family is open
    """
    if is_blocking_on_loop():
        yield from looped_on_loop(async_loop(steps, owner, use))
        return
    try:
        with instead(use, owner):
            while (items := run(steps.step(SYNC))) is not None:
                yield from items
    finally:
        run(steps.leave(SYNC))


async def async_loop(
    steps: Steps[D], owner: object, use: str
) -> AsyncGenerator[D, None]:
    """Yield the items of a source, awaiting them as the loop goes; see `loop`."""
    reading = True
    try:
        with instead(use, owner):
            while (items := await steps.step(ASYNC)) is not None:
                reading = False
                for item in items:
                    yield item
                reading = True
    finally:
        if reading:
            await steps.leave(ASYNC)
        else:
            await _leave_early(steps)


async def _leave_early(steps: Steps[Any]) -> None:
    """Leave in a task of its own, and wait for it.

    A generator that is dropped at the end of `asyncio.run()` is closed by a task
    that the event loop cancels.  Python then throws into the generator a second time
    while it awaits, which would break PyMongo off in the middle of a command.
    """
    task = asyncio.get_running_loop().create_task(steps.leave(ASYNC))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def to_list(io: IO, steps: Steps[D], length: int | None = None) -> list[D]:
    """Return the items of a source in a list.

    :param length: at most so many; None for all
    :raises ValueError: if `length` is not positive
    """
    if length is not None and length < 1:
        raise ValueError("to_list() length must be greater than 0")
    items: list[D] = []
    try:
        while (more := await steps.step(io)) is not None:
            items += more
            if length is not None and len(items) >= length:
                return items[:length]
    finally:
        await steps.leave(io)
    return items


async def for_each(
    io: IO, steps: Steps[D], act: Callable[[D], Awaitable[object]]
) -> int:
    """Await `act` for one item of a source after the other; return their number."""
    count = 0
    try:
        while (items := await steps.step(io)) is not None:
            for item in items:
                await act(item)
                count += 1
    finally:
        await steps.leave(io)
    return count


def closing() -> list[asyncio.Task[None]]:
    """Return the tasks of this event loop that still close cursors."""
    here = asyncio.get_running_loop()
    return [task for task in list(_closing) if task.get_loop() is here]


class Cutter(Generic[D]):
    """Cuts a stream of items, as it comes, into lists of one size."""

    __slots__ = ("_kept", "_size")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("size must be positive")
        self._size = size
        self._kept: list[D] = []

    def __call__(self, items: list[D]) -> Iterator[list[D]]:
        """Yield the lists that are full with these items."""
        items = [*self._kept, *items] if self._kept else items
        full = len(items) - len(items) % self._size
        self._kept = items[full:]
        for start in range(0, full, self._size):
            yield items[start : start + self._size]

    def rest(self) -> Iterator[list[D]]:
        """Yield the last list, if there are items left."""
        if self._kept:
            yield self._kept


class UncachedSteps(Generic[D]):
    """A source that sends a query of its own, and keeps one batch at a time.

    :param start: returns the batches; None for no documents
    :param converter: returns the function that makes items of a batch
    """

    __slots__ = ("_batches", "_convert", "_converter", "_start")

    def __init__(
        self,
        start: Callable[[IO], Awaitable[Reader | None]],
        converter: Callable[[], Callable[[list[RawDocument]], list[D]]],
    ) -> None:
        self._start = start
        self._converter = converter
        self._batches: Reader | None = None

    async def step(self, io: IO) -> list[D] | None:
        batches = self._batches
        if batches is None:
            batches = self._batches = await self._start(io)
            if batches is None:
                return None
            self._convert = self._converter()
        if not batches.more:
            return None
        return self._convert(await batches.read(io))

    async def leave(self, io: IO) -> None:
        if self._batches is not None and self._batches.more:
            await self._batches.close(io)


class CutSteps(Generic[D]):
    """A source whose items are lists of one size of the items of another one."""

    __slots__ = ("_cutter", "_ended", "_steps")

    def __init__(self, steps: Steps[D], size: int) -> None:
        self._steps = steps
        self._cutter: Cutter[D] = Cutter(size)
        self._ended = False

    async def step(self, io: IO) -> list[list[D]] | None:
        if self._ended:
            return None
        items = await self._steps.step(io)
        if items is None:
            self._ended = True
            return list(self._cutter.rest())
        return list(self._cutter(items))

    async def leave(self, io: IO) -> None:
        await self._steps.leave(io)
