"""Read server cursors batch by batch, and close them.

No other module uses private names of PyMongo's cursors.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Protocol

from pymongo import CursorType
from pymongo.errors import ConnectionFailure

from mongoengine.driver.io import IO
from mongoengine.driver.session import _get_session
from mongoengine.driver.types import Keywords, RawDocument

__all__ = ("Batches", "Reader", "ReadingAhead", "open_cursor")

#: Turns of the event loop after which PyMongo has written a request to its socket.
STEPS_TO_SEND = 3

#: Documents to a batch where a cursor does not show its own.
STEP = 100


class Reader(Protocol):
    """A cursor that is read batch by batch."""

    @property
    def cursor(self) -> Any:
        """Return the PyMongo cursor."""

    @property
    def more(self) -> bool:
        """Return whether there may be another batch."""

    async def read(self, io: IO) -> list[Any]:
        """Return the next batch."""

    async def close(self, io: IO) -> None:
        """Read no more, and close the cursor."""


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

    async def read(self, io: IO) -> list[RawDocument]:
        """Return the next batch; close the cursor where that fails."""
        batch: list[RawDocument] = []
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

    async def _step(self, io: IO, batch: list[RawDocument]) -> None:
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

    async def drain(self, io: IO) -> list[RawDocument]:
        """Return everything that is left."""
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
        self._task: asyncio.Task[list[RawDocument]] | None = None

    @property
    def cursor(self) -> Any:
        """Return the PyMongo cursor."""
        return self._batches.cursor

    @property
    def more(self) -> bool:
        """Return whether there is a batch on its way, or to be asked for."""
        return self._task is not None or self._batches.more

    async def read(self, io: IO) -> list[RawDocument]:
        """Return the next batch, and ask for the one after it."""
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


def open_cursor(
    collection: Any, arguments: Keywords, tailable: int | None = None
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
