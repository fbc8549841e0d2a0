"""Fetching batches, and letting go of them.

`Batches` owns one server cursor; `Results` is what the loops over one queryset
share.  Both are written once, for PyMongo's two APIs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pymongo.errors import ConnectionFailure

from mongoengine.driver.io import ASYNC, SYNC

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = ("Batches", "Cutter", "PendingCursor", "ReadingAhead", "Results")

D = TypeVar("D")
C = TypeVar("C")

Raw = dict[str, Any]

#: Turns of the event loop after which PyMongo has written a request to its socket.
STEPS_TO_SEND = 3

#: Documents to a batch where a cursor does not show its own.
STEP = 100


class Batches:
    """One server cursor, given as lists of raw documents.

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
                await io(self.cursor._next_batch(batch, None))
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
                batch.append(await io(self.cursor.next()))
        except (StopIteration, StopAsyncIteration):
            self.more = False

    async def close(self, io: IO) -> None:
        """Let the server cursor go, if there is one left."""
        self.more = False
        await io(self.cursor.close())

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
        """Whether there is a batch on its way, or to be asked for."""
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
    """What one run of a query has given so far, shared by the loops over it.

    `documents` grows batch by batch while a loop asks for more.  Where that fails or
    is cancelled, the next loop to ask sends the query again.
    """

    __slots__ = (
        "_again",
        "_loop",
        "_readers",
        "_turn",
        "batches",
        "documents",
        "more",
        "wanted",
    )

    def __init__(self, io: IO) -> None:
        self.documents: list[D] = []
        self.more = True
        self.batches: Batches | ReadingAhead | None = None
        self.wanted = io.wanted
        self._again = 0
        self._readers = 0
        self._turn: Any
        self._loop: Any = None
        if io.is_async:
            self._loop = asyncio.get_running_loop()
            self._turn = asyncio.Lock()
        else:
            self._turn = _Turn()

    def serves(self, io: IO) -> bool:
        """Whether a loop of this family, and in this event loop, may read here."""
        if not self.more:
            return True
        if self.wanted != io.wanted:
            return False
        return self._loop is None or self._loop is asyncio.get_running_loop()

    async def read_beyond(
        self,
        io: IO,
        known: int,
        start: Callable[[IO, bool], Awaitable[Batches | ReadingAhead | None]],
        convert: Callable[[list[Raw]], list[D]],
    ) -> None:
        """Read until there are more than `known` documents, or all.

        :param start: gives the batches, and is told whether that is not for the
            first time; None for none
        """
        async with self._turn:
            while self.more and len(self.documents) <= known:
                batches = self.batches
                if batches is None:
                    batches = self.batches = await start(io, self._again > 0)
                    if batches is None:
                        self.more = False
                        return
                try:
                    batch = await batches.read(io)
                    if self._again > 1:
                        batch = self._new_of(batch)
                    self.documents += convert(batch)
                except BaseException:
                    self.batches = None
                    self._again = len(self.documents) + 1
                    await batches.close(io)
                    raise
                self.more = batches.more

    def _new_of(self, batch: list[Raw]) -> list[Raw]:
        """What is not among the documents that were read the time before."""
        known = min(self._again - 1, len(batch))
        self._again -= known
        return batch[known:]

    def enter(self) -> None:
        """Count one more loop."""
        self._readers += 1

    def leave(self) -> None:
        """Count one loop less."""
        self._readers -= 1

    @property
    def abandoned(self) -> bool:
        """Whether there is more, and no loop that would read it."""
        return self.more and self._readers == 0

    @classmethod
    def of(cls, documents: list[D]) -> Results[D]:
        """Results that are complete."""
        results = cls(SYNC)
        results.documents = documents
        results.more = False
        return results


class PendingCursor(Generic[C]):
    """An operation that gives a cursor: await it, or iterate over it at once.

        cursor = await User.objects.async_aggregate(pipeline)
        async for row in User.objects.async_aggregate(pipeline): ...

    Nothing is sent before that.  A loop that ends early closes the cursor.
    """

    __slots__ = ("_start",)

    def __init__(self, start: Callable[[], Coroutine[Any, Any, C]]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, None, C]:
        return self._start().__await__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        cursor: Any = await self._start()
        batches = Batches(cursor)
        try:
            while batches.more:
                for row in await batches.read(ASYNC):
                    yield row
        finally:
            await batches.close(ASYNC)
