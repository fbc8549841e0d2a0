"""Querysets that keep the documents that they read, and those that keep nothing."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from mongoengine.base.types import Keywords, PythonValue
from mongoengine.compatibility import names_of
from mongoengine.driver.cursor import Batches, ReadingAhead
from mongoengine.driver.io import (
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
    instead,
    run,
)
from mongoengine.driver.loops import Steps, async_loop, loop
from mongoengine.driver.results import Results
from mongoengine.errors import OperationError
from mongoengine.operations import read, select_related
from mongoengine.queryset.base import (
    CASCADE,
    DENY,
    DO_NOTHING,
    NULLIFY,
    PULL,
    BaseQuerySet,
)

if TYPE_CHECKING:
    from mongoengine.base.types import RawDocument
    from mongoengine.driver.io import IO

__all__ = (
    "CASCADE",
    "DENY",
    "DO_NOTHING",
    "NULLIFY",
    "PULL",
    "QuerySet",
    "QuerySetNoCache",
)

D = TypeVar("D")

#: The number of documents that upstream reads at once; here batches decide.
ITER_CHUNK_SIZE = 100
#: How many documents `repr()` shows.
REPR_OUTPUT_SIZE = 20

FOR = "regular iteration"
ASYNC_FOR = "async for"


class QuerySet(BaseQuerySet[D]):
    """Query documents, and keep those that were read.

    Loops, blocking and asynchronous, share them: a second pass sends nothing.
    """

    _keeps = True
    _results: Results[D] | None = None
    _len: int | None = None

    # What to give

    if TYPE_CHECKING:

        @overload
        def scalar(self) -> QuerySet[D]: ...
        @overload
        def scalar(self, field: str, /) -> QuerySet[Any]: ...
        @overload
        def scalar(self, first: str, second: str, /) -> QuerySet[tuple[Any, Any]]: ...
        @overload
        def scalar(
            self, first: str, second: str, third: str, /
        ) -> QuerySet[tuple[Any, Any, Any]]: ...
        @overload
        def scalar(
            self, first: str, second: str, third: str, fourth: str, /, *more: str
        ) -> QuerySet[tuple[Any, ...]]: ...
        @overload
        def scalar(self, *fields: str) -> QuerySet[Any]: ...
        def scalar(self, *fields: str) -> Any: ...

        @overload
        def values_list(self) -> QuerySet[D]: ...
        @overload
        def values_list(self, field: str, /) -> QuerySet[Any]: ...
        @overload
        def values_list(
            self, first: str, second: str, /
        ) -> QuerySet[tuple[Any, Any]]: ...
        @overload
        def values_list(
            self, first: str, second: str, third: str, /
        ) -> QuerySet[tuple[Any, Any, Any]]: ...
        @overload
        def values_list(
            self, first: str, second: str, third: str, fourth: str, /, *more: str
        ) -> QuerySet[tuple[Any, ...]]: ...
        @overload
        def values_list(self, *fields: str, flat: bool = False) -> QuerySet[Any]: ...
        def values_list(self, *fields: str, flat: bool = False) -> Any: ...

        def values(self, *fields: str) -> QuerySet[RawDocument]: ...
        def as_pymongo(self) -> QuerySet[RawDocument]: ...

    # What was read

    @property
    def _result_cache(self) -> list[D] | None:
        results = self._results
        return None if results is None else results.documents

    @_result_cache.setter
    def _result_cache(self, documents: list[D] | None) -> None:
        self._results = None
        if documents is not None:
            self._results = Results.of(documents)

    @property
    def _has_more(self) -> bool:
        return self._results is None or self._results.more

    def _shared(self, io: IO) -> Results[D]:
        """Return the results that the loops of this family share."""
        results = self._results
        if results is None or not results.serves(io):
            if results is not None:
                self._cursor_obj = None
            results = self._results = Results(io)
        return results

    async def _read_beyond(self, io: IO, results: Results[D], count: int) -> None:
        related = bool(self._spec.related)
        if related:
            # All documents come first, and then what they refer to, at once.
            count = sys.maxsize
        await results.read_beyond(
            io, count, self._start_batches, self._converter(), self._release
        )
        if related:
            try:
                await select_related.relate(self._spec, io, results.documents)
            except BaseException:
                self._results = None
                raise

    async def _start_batches(self, io: IO) -> Batches | ReadingAhead | None:
        """Return batches of the cursor that `next` reads from, too."""
        if self._is_void:
            return None
        return self._batches_of(io, await self._own_cursor(io))

    async def _leave(self, io: IO, results: Results[D]) -> None:
        """End a loop; the last one to break off closes the cursor."""
        results.leave()
        if results.abandoned:
            if self._results is results:
                self._results = None
            if results.batches is not None:
                self._release(results.batches.cursor)
                await results.batches.close(io)

    # Loops

    def __iter__(self) -> Iterator[D]:
        """Yield the documents; they are read batch by batch, and kept."""
        self._iter = True
        results = self._results
        if results is not None and not results.more:
            return iter(results.documents)
        return self._loop()

    def _loop(self) -> Iterator[D]:
        # list() asks for the length, which reads all, after it has asked for this.
        results = self._results
        if results is not None and not results.more:
            yield from results.documents
        else:
            yield from loop(CachedSteps(self), self, ASYNC_FOR)

    def __aiter__(self) -> AsyncGenerator[D, None]:
        """Yield the documents; they are read batch by batch, and kept."""
        self._iter = True
        return async_loop(CachedSteps(self), self, FOR)

    def _loop_steps(self) -> Steps[D]:
        return CachedSteps(self)

    # Counting

    def __len__(self) -> int:
        """Return how many documents there are; reads them all."""
        if self._len is None:
            with instead(ASYNC_FOR, self):
                self._len = len(run(read.to_list(self, SYNC)))
        return self._len

    count = blocking(read.cached_count)
    async_count = asynchronous(read.cached_count)

    # Other forms

    def no_cache(self) -> QuerySetNoCache[D]:
        """Return the same queryset, keeping nothing.

        :raises OperationError: if this one has read something already
        """
        if self._result_cache is not None:
            raise OperationError("QuerySet already cached")
        return self._without_cache()

    def tailable(self, max_await_time_ms: int | None = None) -> QuerySetNoCache[D]:
        """Go on giving the documents that are inserted, as they come.

        Only of capped collections.  A loop ends when the collection is dropped,
        or at once where it holds no documents.

        https://www.mongodb.com/docs/manual/core/tailable-cursors/

        :param max_await_time_ms: how long the server waits for documents before it
            answers that there are none yet; about a second if not given
        """
        return self._without_cache().tailable(max_await_time_ms)

    def _without_cache(self) -> QuerySetNoCache[D]:
        fresh: QuerySetNoCache[D] = QuerySetNoCache(
            self._document, self._spec.explicit_collection
        )
        result: QuerySetNoCache[D] = self._clone_into(fresh)
        return result

    def __repr__(self) -> str:
        """Show the first documents; reads them if they were not yet."""
        if self._iter:
            return ".. queryset mid-iteration .."
        try:
            run(self._show(SYNC))
        except WrongFamilyError:
            return unread(self)
        return shown(self._result_cache or [])

    async def _show(self, io: IO) -> None:
        results = self._shared(io)
        await self._read_beyond(io, results, REPR_OUTPUT_SIZE)

    def rewind(self) -> None:
        """Let `next` start again at the first document."""
        if self._results is not None and self._results.more:
            self._results = None
        super().rewind()

    def __getstate__(self) -> Keywords:
        state = super().__getstate__()
        if self._results is not None and not self._results.more:
            state["_results"] = self._results.documents
            state["_len"] = self._len
        return state

    def __setstate__(self, state: Keywords) -> None:
        documents = state.pop("_results", None)
        super().__setstate__(state)
        self._result_cache = documents


class CachedSteps(Generic[D]):
    """Give the documents of a queryset, which keeps them, to a loop."""

    __slots__ = ("_count", "_queryset", "_results")

    def __init__(self, queryset: QuerySet[D]) -> None:
        self._queryset = queryset
        self._count = 0
        self._results: Results[D] | None = None

    async def step(self, io: IO) -> list[D] | None:
        results = self._results
        if results is None:
            results = self._results = self._queryset._shared(io)
            results.enter()
        while True:
            documents = results.documents[self._count :]
            if documents:
                self._count += len(documents)
                return documents
            if not results.more:
                return None
            await self._queryset._read_beyond(io, results, self._count)

    async def leave(self, io: IO) -> None:
        if self._results is not None:
            await self._queryset._leave(io, self._results)


class QuerySetNoCache(BaseQuerySet[D]):
    """Query documents and keep nothing: each loop asks the server, in flat memory."""

    if TYPE_CHECKING:

        def scalar(self, *fields: str) -> QuerySetNoCache[Any]: ...

        def values_list(
            self, *fields: str, flat: bool = False
        ) -> QuerySetNoCache[Any]: ...

        def values(self, *fields: str) -> QuerySetNoCache[RawDocument]: ...

        def as_pymongo(self) -> QuerySetNoCache[RawDocument]: ...

    def __iter__(self) -> Iterator[D]:
        """Yield the documents, read batch by batch."""
        return loop(self._steps(), self, ASYNC_FOR)

    def __aiter__(self) -> AsyncGenerator[D, None]:
        """Yield the documents, read batch by batch."""
        return async_loop(self._steps(), self, FOR)

    def tailable(self, max_await_time_ms: int | None = None) -> QuerySetNoCache[D]:
        """Go on giving the documents that are inserted, as they come.

        See `QuerySet.tailable`.
        """
        return self._with(tailable=max_await_time_ms or 0)

    def cache(self) -> QuerySet[D]:
        """Return the same queryset, keeping what it reads."""
        fresh: QuerySet[D] = QuerySet(self._document, self._spec.explicit_collection)
        result: QuerySet[D] = self._clone_into(fresh)
        return result

    def __repr__(self) -> str:
        """Show the first documents; reads them."""
        if self._iter:
            return ".. queryset mid-iteration .."
        items: list[D] = []
        try:
            for item in iter(self.__next__, None):
                items.append(item)
                if len(items) > REPR_OUTPUT_SIZE:
                    break
        except WrongFamilyError:
            return unread(self)
        self.rewind()
        return shown(items)


def shown(items: list[PythonValue]) -> str:
    """Return the text for the first of some items."""
    data: list[PythonValue] = items[: REPR_OUTPUT_SIZE + 1]
    if len(data) > REPR_OUTPUT_SIZE:
        data[-1] = "...(remaining elements truncated)..."
    return repr(data)


def unread(queryset: BaseQuerySet[Any]) -> str:
    """Return the text for a queryset that cannot be read without awaiting."""
    return f"<{type(queryset).__name__} of {queryset._document.__name__}, not read>"


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
