"""An `AsyncMongoClient` that is closed with its event loop."""

from __future__ import annotations

import asyncio
import sys
import weakref
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Callable
from typing import Any

from mongoengine.driver.loops import closing

__all__ = ("LoopClient",)

_SECONDS_OF_WAITING = 5.0


class LoopClient:
    """An `AsyncMongoClient` that is closed by its loop's own shutdown.

    `asyncio.run()`, `Runner` and their like finish the asynchronous generators
    that were started on a loop before they close it, while awaiting is still
    possible.  So a generator that waits for its end is how a client learns that
    its loop is going.

    :param forget: is called before the client is closed
    """

    __slots__ = ("_asked", "_forget", "_keeper", "client", "loop")

    def __init__(
        self, client: Any, loop: AbstractEventLoop, forget: Callable[[LoopClient], None]
    ) -> None:
        self.client = client
        self.loop = loop
        self._forget = forget
        self._asked = False
        self._keeper = self._keep()
        start = self._keeper.asend(None)
        try:
            start.send(None)
        except StopIteration:
            return

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if not self._asked:
                await _other_generators()
                # Until this run of the loop ends: PyMongo before 4.18 closes by
                # generators of its own, of which a loop that is going would warn.
                sys.set_asyncgen_hooks(firstiter=None)
            self._forget(self)
            await self.client.close()

    async def close(self) -> None:
        """Close the client, from the loop that it belongs to."""
        self._asked = True
        await self._keeper.aclose()

    def close_from_elsewhere(self) -> None:
        """Have the client closed by its own loop, if that still runs."""
        if self.loop.is_closed():
            return
        try:
            self.loop.call_soon_threadsafe(
                lambda: self.loop.create_task(self.close()) and None
            )
        except RuntimeError:  # closed a moment ago, and the client with it
            return


# Tasks in which loops that are going end the generators of their clients.
_leaving: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


async def _other_generators() -> None:
    """Wait for what else the loop ends together with the generator of a client.

    Those may be loops over cursors, which are killed through the client.  Each is
    ended by a task of the same coroutine function as the one that runs here.
    """
    here = asyncio.current_task()
    if here is None:
        return
    _leaving.add(here)
    await asyncio.sleep(0)
    function = _function_of(here)
    others = [
        task
        for task in asyncio.all_tasks()
        if task not in _leaving and _function_of(task) == function
    ]
    others += closing()
    if others:
        await asyncio.wait(others, timeout=_SECONDS_OF_WAITING)


def _function_of(task: asyncio.Task[Any]) -> object:
    return getattr(task.get_coro(), "__qualname__", None)
