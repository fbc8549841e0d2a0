"""Read cursors batch by batch, and close them.

`Batches` owns one server cursor and `Results` is what the loops over one queryset
share.  A loop asks an object with `step` and `leave` for lists of items; `loop` and
`async_loop` give them one by one.  All but these two is written once, for PyMongo's
two APIs.  No other module uses private names of PyMongo's cursors.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Hashable,
    Iterator,
)
from typing import Any, Generic, Protocol, TypeVar

from pymongo import CursorType
from pymongo.errors import ConnectionFailure

from mongoengine.driver.io import (
    ASYNC,
    IO,
    SYNC,
    instead,
    run,
)
from mongoengine.driver.session import _get_session

__all__ = (
    "Batches",
    "CutSteps",
    "Reader",
    "ReadingAhead",
    "Results",
    "Steps",
    "UncachedSteps",
    "async_loop",
    "closing",
    "frozen",
    "loop",
    "open_cursor",
    "to_list",
)

D = TypeVar("D")

Raw = dict[str, Any]

#: Turns of the event loop after which PyMongo has written a request to its socket.
STEPS_TO_SEND = 3

#: Documents to a batch where a cursor does not show its own.
STEP = 100

#: Tasks that close cursors of loops that were left early.
_closing: set[asyncio.Task[None]] = set()


class Steps(Protocol[D]):
    """A source of items for a loop."""

    async def step(self, io: IO) -> list[D] | None:
        """Return the next items, or None at the end."""

    async def leave(self, io: IO) -> None:
        """Release what the loop has used; called once, however it ends."""


class Reader(Protocol):
    """A cursor that is read batch by batch."""

    @property
    def cursor(self) -> Any:
        """The PyMongo cursor."""

    @property
    def more(self) -> bool:
        """Whether there may be another batch."""

    async def read(self, io: IO) -> list[Any]:
        """Return the next batch."""

    async def close(self, io: IO) -> None:
        """Read no more, and close the cursor."""


def loop(steps: Steps[D], owner: object, use: str) -> Iterator[D]:
    """Yield the items of a source, reading as the loop goes.

    :param owner: the queryset that errors name
    :param use: what to use instead where only the other family is open
    """
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


def closing() -> list[asyncio.Task[None]]:
    """Return the tasks of this event loop that still close cursors."""
    here = asyncio.get_running_loop()
    return [task for task in list(_closing) if task.get_loop() is here]


class Batches:
    """One server cursor, read as lists of raw documents.

    A list is what the server sent in one reply to `find` or `getMore`
    (https://www.mongodb.com/docs/manual/reference/command/getMore/); where the
    cursor has no access to that, as mongomock's have none, it is up to `STEP`
    documents.  An empty list comes at the end, and from a tailable cursor when
    there is nothing new.
    """

    __slots__ = ("_whole", "cursor", "more")

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.more = True
        self._whole = hasattr(type(cursor), "_next_batch")

    async def read(self, io: IO) -> list[Raw]:
        """The next batch; closes the cursor where that fails."""
        batch: list[Raw] = []
        try:
            if self._whole:
                await io.plain(self.cursor._next_batch, batch, None)
                self.more = self.cursor.alive
            else:
                await self._step(io, batch)
        except BaseException as error:
            await self.close(io)
            if isinstance(error, ConnectionFailure):
                self._kill_soon()
            raise
        return batch

    def _kill_soon(self) -> None:
        """Have the cursor killed, in the background, once the server is back.

        PyMongo takes a cursor for gone with the connection; for servers it is not.
        """
        if self._whole and self.cursor.cursor_id:
            self.cursor._killed = False
            self.cursor._die_no_lock()

    async def _step(self, io: IO, batch: list[Raw]) -> None:
        try:
            while len(batch) < STEP:
                batch.append(await io.plain(self.cursor.next))
        except (StopIteration, StopAsyncIteration):
            self.more = False

    async def close(self, io: IO) -> None:
        """Close the server cursor, if there is one left."""
        self.more = False
        if sys.is_finalizing():
            return  # the modules that sending needs may be gone already
        open_on_server = self._whole and self.cursor.alive
        try:
            await io.plain(self.cursor.close)
        except BaseException:
            if open_on_server:
                self._kill_soon()
            raise

    async def drain(self, io: IO) -> list[Raw]:
        """Everything that is left."""
        everything = await self.read(io)
        while self.more:
            everything += await self.read(io)
        return everything


class ReadingAhead:
    """Batches of which the next one is on its way while one is consumed.

    One request at a time, in a task of its own; closing cancels it.
    """

    __slots__ = ("_batches", "_task")

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._task: asyncio.Task[list[Raw]] | None = None

    @property
    def cursor(self) -> Any:
        """The PyMongo cursor."""
        return self._batches.cursor

    @property
    def more(self) -> bool:
        """Return whether there is a batch on its way, or to be asked for."""
        return self._task is not None or self._batches.more

    async def read(self, io: IO) -> list[Raw]:
        """The next batch; asks for the one after it."""
        task = self._task
        if task is None:
            batch = await self._batches.read(io)
        else:
            try:
                batch = await task
            finally:
                self._task = None
        if self._batches.more:
            self._task = asyncio.create_task(self._batches.read(io))
            for _ in range(STEPS_TO_SEND):
                await asyncio.sleep(0)
        return batch

    async def close(self, io: IO) -> None:
        """Cancel the request, and let the server cursor go."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: it would be logged otherwise
        await self._batches.close(io)


class Cutter(Generic[D]):
    """Cuts a stream of items, as it comes, into lists of one size."""

    __slots__ = ("_kept", "_size")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("size must be positive")
        self._size = size
        self._kept: list[D] = []

    def __call__(self, items: list[D]) -> Iterator[list[D]]:
        """The lists that are full with these items."""
        items = [*self._kept, *items] if self._kept else items
        full = len(items) - len(items) % self._size
        self._kept = items[full:]
        for start in range(0, full, self._size):
            yield items[start : start + self._size]

    def rest(self) -> Iterator[list[D]]:
        """The last list, if there are items left."""
        if self._kept:
            yield self._kept


class _Turn:
    """A lock of threads that is entered as one of tasks is; never suspends."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.RLock()

    async def __aenter__(self) -> None:
        self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


class Results(Generic[D]):
    """The result cache of a query, shared by the loops over it.

    `documents` grows batch by batch while a loop asks for more.  Where that fails or
    is cancelled, the next loop to ask sends the query again, and takes what is new.
    """

    __slots__ = (
        "_again",
        "_keys",
        "_loop",
        "_readers",
        "_turn",
        "_wanted",
        "batches",
        "documents",
        "more",
    )

    def __init__(self, io: IO) -> None:
        self.documents: list[D] = []
        self.more = True
        self.batches: Reader | None = None
        self._wanted = io.wanted
        self._again: _Repeat | None = None
        self._keys: list[Any] = []
        self._readers = 0
        self._turn: Any
        self._loop: Any = None
        if io.is_async:
            self._loop = asyncio.get_running_loop()
            self._turn = asyncio.Lock()
        else:
            self._turn = _Turn()

    def serves(self, io: IO) -> bool:
        """Return whether a loop of this family and event loop may read here."""
        if not self.more:
            return True
        if self._wanted != io.wanted:
            return False
        return self._loop is None or self._loop is asyncio.get_running_loop()

    async def read_beyond(
        self,
        io: IO,
        count: int,
        start: Callable[[IO], Awaitable[Reader | None]],
        convert: Callable[[list[Raw]], list[D]],
        failed: Callable[[Any], None],
    ) -> None:
        """Read until there are more than `count` documents, or all.

        :param start: returns the batches; None for no documents
        :param failed: called with the cursor if reading fails or is cancelled
        """
        async with self._turn:
            while self.more and len(self.documents) <= count:
                batches = self.batches
                if batches is None:
                    batches = self.batches = await start(io)
                    if batches is None:
                        self.more = False
                        return
                try:
                    batch = await batches.read(io)
                    if self._again is not None:
                        batch = self._again.new_of(batch)
                    documents = convert(batch)
                except BaseException:
                    self.batches = None
                    failed(batches.cursor)
                    self._again = _Repeat(self._keys)
                    await batches.close(io)
                    raise
                self.documents += documents
                self.more = batches.more
                if self.more:
                    self._keys += [raw.get("_id", ...) for raw in batch]

    def enter(self) -> None:
        """Count one more loop."""
        self._readers += 1

    def leave(self) -> None:
        """Count one loop less."""
        self._readers -= 1

    @property
    def abandoned(self) -> bool:
        """Return whether there is more, and no loop that would read it."""
        return self.more and self._readers == 0

    @classmethod
    def of(cls, documents: list[D]) -> Results[D]:
        """Return results that are complete."""
        results = cls(SYNC)
        results.documents = documents
        results.more = False
        return results


class _Repeat:
    """Tells the documents that a repeated query gives from those that were read.

    By their primary keys; by their number where the query leaves those out.
    """

    __slots__ = ("_count", "_keys")

    def __init__(self, keys: list[Any]) -> None:
        self._count = 0
        self._keys: set[Hashable] = set()
        if any(key is ... for key in keys):
            self._count = len(keys)
        else:
            self._keys = {frozen(key) for key in keys}

    def new_of(self, batch: list[Raw]) -> list[Raw]:
        """Return what is not among the documents that were read before."""
        if self._keys:
            return [raw for raw in batch if frozen(raw["_id"]) not in self._keys]
        passed = min(self._count, len(batch))
        self._count -= passed
        return batch[passed:]


def frozen(key: Any) -> Hashable:
    """Return what is hashable, and equal for equal primary keys only."""
    if isinstance(key, dict):
        return tuple((name, frozen(value)) for name, value in key.items())
    if isinstance(key, list):
        return tuple(frozen(value) for value in key)
    if isinstance(key, bool):
        return ("bool", key)
    return key if isinstance(key, Hashable) else repr(key)


class UncachedSteps(Generic[D]):
    """A source that sends a query of its own, and keeps one batch at a time.

    :param start: returns the batches; None for no documents
    :param converter: returns the function that makes items of a batch
    """

    __slots__ = ("_batches", "_convert", "_converter", "_start")

    def __init__(
        self,
        start: Callable[[IO], Awaitable[Reader | None]],
        converter: Callable[[], Callable[[list[Raw]], list[D]]],
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


def open_cursor(
    collection: Any, arguments: dict[str, Any], tailable: int | None = None
) -> Any:
    """Return a PyMongo cursor, in the current session; sends nothing yet.

    :param arguments: those of `find`
    :param tailable: milliseconds to wait for new documents, 0 for the server's
        default; None for an ordinary cursor
    """
    session = _get_session()
    if session is not None:
        arguments["session"] = session
    if tailable is None:
        return collection.find(**arguments)
    cursor = collection.find(**arguments, cursor_type=CursorType.TAILABLE_AWAIT)
    return cursor.max_await_time_ms(tailable) if tailable else cursor
