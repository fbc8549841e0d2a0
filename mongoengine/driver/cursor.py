"""Read server cursors batch by batch, and close them.

No other module uses private names of PyMongo's cursors.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias

from pymongo import CursorType
from pymongo.errors import ConnectionFailure, OperationFailure

from mongoengine.driver.io import IO
from mongoengine.driver.session import _get_session
from mongoengine.driver.types import (
    AnyChangeStream,
    AnyCollection,
    AnyCursor,
    FindCursor,
    Keywords,
    RawDocument,
    RawMapping,
)

__all__ = ("Batches", "Events", "Reader", "ReadingAhead", "open_cursor")

#: What `resume_after` takes: a place in the events of a server.
Token: TypeAlias = RawMapping

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
        if self._whole:
            kill_soon(self.cursor)

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


class Events:
    """A change stream, read event by event; it goes on where a reading was broken off.

    PyMongo opens its stream once more by itself after an error that allows it.  After
    a second one in a row, the next reading does so; after a cancellation, which ends
    PyMongo's stream, a new one starts at the place that was reached.

    https://www.mongodb.com/docs/manual/changeStreams/

    :param start: opens a stream of PyMongo's, after a token if one is given
    """

    __slots__ = ("_start", "_stream", "ended", "token")

    def __init__(
        self,
        start: Callable[[IO, Token | None], Awaitable[AnyChangeStream]],
        token: Token | None,
    ) -> None:
        self._start = start
        self._stream: AnyChangeStream | None = None
        self.token = token
        self.ended = False

    async def open(self, io: IO, token: Token | None = None) -> AnyChangeStream:
        """Open the stream, so that it has the events from now on."""
        stream = self._stream = await self._start(io, token)
        self.token = stream.resume_token or self.token
        return stream

    async def read(self, io: IO) -> RawDocument | None:
        """Return the next event; None where there is none yet, and at the end."""
        if self.ended:
            return None
        stream = self._stream or await self.open(io, self.token)
        cursor = stream._cursor
        event: RawDocument | None
        try:
            event = await io.plain(stream.try_next)
        except BaseException as error:
            self._note_failure(stream, error)
            kill_soon(cursor)
            raise
        if stream._cursor is not cursor:
            kill_soon(cursor)  # PyMongo has opened another one
        self.token = stream.resume_token or self.token
        self.ended = not stream.alive
        return event

    def _note_failure(self, stream: AnyChangeStream, error: BaseException) -> None:
        self.token = stream.resume_token or self.token
        if not stream.alive:
            self._stream = None
            # The server would refuse to go on.
            self.ended = isinstance(error, OperationFailure)

    async def close(self, io: IO) -> None:
        """Read no more, and close the server cursor, if there is one left."""
        self.ended = True
        stream, self._stream = self._stream, None
        if stream is None or sys.is_finalizing():
            return
        try:
            await io.plain(stream.close)
        except BaseException:
            kill_soon(stream._cursor)
            raise


def kill_soon(cursor: AnyCursor) -> None:
    """Have a cursor killed, in the background, once the server is back.

    PyMongo takes a cursor for gone with the connection; for servers it is not.
    """
    if cursor.cursor_id:
        cursor._killed = False
        cursor._die_no_lock()


def open_cursor(
    collection: AnyCollection, arguments: Keywords, tailable: int | None = None
) -> FindCursor:
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
