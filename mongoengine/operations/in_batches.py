"""Read large results in lists, each by a query that begins where the last one ended.

No cursor is open between the lists, so that each may take as long as it needs, and a
program that was ended can go on where it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from mongoengine.driver.loops import async_loop, loop
from mongoengine.driver.progress import Bar, progress_bar
from mongoengine.errors import OperationError
from mongoengine.operations.paginate import Tokens, find_from
from mongoengine.operations.read import count
from mongoengine.operations.select_related import relate
from mongoengine.query.keyset import beyond, key_of, sort_of

if TYPE_CHECKING:
    from mongoengine.base.types import RawDocument
    from mongoengine.driver.io import IO
    from mongoengine.operations.source import QuerySource

__all__ = ("AsyncDocumentBatches", "DocumentBatches")

D = TypeVar("D")


class _Resumable(Generic[D]):
    """Lists of documents, and the position behind the last one."""

    def __init__(
        self, queryset: QuerySource[D], size: int, after: str | None, progress: bool
    ) -> None:
        if size < 1:
            raise ValueError(f"in_batches() takes a positive size, not {size}")
        spec = queryset._spec
        if spec.limit or spec.skip:
            raise OperationError(
                "in_batches() of a slice is not possible: call it without limit() and "
                "skip()"
            )
        self._queryset = queryset
        self._size, self._after, self._progress = size, after, progress
        #: The token for `after=` with which another loop goes on behind the list that
        #: was given last.
        self.resume_token: str | None = after

    def _steps(self) -> _Steps[D]:
        self.resume_token = self._after
        return _Steps(self, self._after)


class DocumentBatches(_Resumable[D]):
    """The lists of `in_batches()`; each loop over it begins anew."""

    def __iter__(self) -> Iterator[list[D]]:
        return loop(self._steps(), self._queryset, "async_in_batches()")


class AsyncDocumentBatches(_Resumable[D]):
    """The lists of `async_in_batches()`; each loop over it begins anew."""

    def __aiter__(self) -> AsyncIterator[list[D]]:
        return async_loop(self._steps(), self._queryset, "in_batches()")


class _Steps(Generic[D]):
    """Give one list after the other to a loop."""

    def __init__(self, batches: _Resumable[D], token: str | None) -> None:
        self._batches, self._token = batches, token
        self._bar: Bar | None = None
        self._ended = batches._queryset._spec.is_void

    async def step(self, io: IO) -> list[list[D]] | None:
        if self._ended:
            return None
        batches = self._batches
        queryset, size = batches._queryset, batches._size
        spec = queryset._spec
        sort = sort_of(None if spec.ordering is None else spec.order())
        if spec.orders_by_computed(sort):
            raise OperationError(
                "in_batches() cannot go on in an order by values that are joined or "
                "computed"
            )
        collection = await queryset._open_to_read(io)
        tokens = Tokens(sort, None, collection.codec_options)
        following = None
        if self._token is not None:
            following = beyond(sort, tokens.read(self._token))
        if batches._progress and self._bar is None:
            await self._start_bar(io, following)
        arguments = find_from(spec, size, sort, following)
        arguments.setdefault("batch_size", size)
        raws = await queryset._raws(io, collection, arguments)
        self._ended = len(raws) < size
        if not raws:
            return None
        last = tokens.make(key_of(raws[-1], sort))
        documents: list[D] = queryset._converter()(raws)
        await relate(spec, io, documents)
        self._token = batches.resume_token = last
        if self._bar is not None:
            self._bar.update(len(documents))
        return [documents]

    async def _start_bar(self, io: IO, following: RawDocument | None) -> None:
        queryset = self._batches._queryset
        if following is not None:
            queryset = queryset.filter(__raw__=following)
        total = await count(queryset, io)
        self._bar = progress_bar(queryset._document.__name__, total)

    async def leave(self, io: IO) -> None:
        if self._bar is not None:
            self._bar.close()
