"""Keep the results of a query for all loops over it, and repeat a query that failed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable
from operator import itemgetter
from typing import Any, Generic, TypeVar

from mongoengine.driver.cursor import Reader
from mongoengine.driver.io import IO, SYNC
from mongoengine.driver.types import RawDocument

__all__ = ("Results", "frozen")

D = TypeVar("D")


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
        "_family",
        "_keys",
        "_loop",
        "_readers",
        "_turn",
        "batches",
        "documents",
        "more",
    )

    def __init__(self, io: IO) -> None:
        self.documents: list[D] = []
        self.more = True
        self.batches: Reader | None = None
        self._family = io.family
        self._again: _Repeat | None = None
        self._keys: list[list[object] | None] = []
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
        if self._family != io.family:
            return False
        return self._loop is None or self._loop is asyncio.get_running_loop()

    async def read_beyond(
        self,
        io: IO,
        count: int,
        start: Callable[[IO], Awaitable[Reader | None]],
        convert: Callable[[list[RawDocument]], list[D]],
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
                    self._again = _Repeat(self._keys, len(self.documents))
                    await batches.close(io)
                    raise
                self.documents += documents
                self.more = batches.more
                if self.more:
                    self._keys.append(keys_of(batch))

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


_key_of = itemgetter("_id")


def keys_of(batch: list[RawDocument]) -> list[Any] | None:
    """Return the primary keys of raw documents, or None if some have none."""
    try:
        return list(map(_key_of, batch))
    except KeyError:
        return None


class _Repeat:
    """Tells the documents that a repeated query gives from those that were read.

    By their primary keys; by their number where the query leaves those out.
    """

    __slots__ = ("_count", "_keys")

    def __init__(self, batches: list[list[Any] | None], count: int) -> None:
        """Note what was read.

        :param batches: the primary keys of each batch; None where it has none
        :param count: how many documents were read
        """
        self._count = 0
        self._keys: set[Hashable] = set()
        for keys in batches:
            if keys is None:
                self._count = count
                self._keys.clear()
                break
            self._keys.update(map(frozen, keys))

    def new_of(self, batch: list[RawDocument]) -> list[RawDocument]:
        """Return what is not among the documents that were read before."""
        if self._keys:
            return [raw for raw in batch if frozen(raw["_id"]) not in self._keys]
        passed = min(self._count, len(batch))
        self._count -= passed
        return batch[passed:]


def frozen(key: object) -> Hashable:
    """Return what is hashable, and equal for equal primary keys only."""
    if isinstance(key, dict):
        return tuple((name, frozen(value)) for name, value in key.items())
    if isinstance(key, list):
        return tuple(frozen(value) for value in key)
    if isinstance(key, bool):
        return ("bool", key)
    return key if isinstance(key, Hashable) else repr(key)
