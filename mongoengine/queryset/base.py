"""The operations of querysets.

A queryset is a face over a `Query`.  Every operation that talks to MongoDB is a
function in `mongoengine.operations`, with a blocking face and one to await here:
`count()` and `async_count()`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

from mongoengine.base.common import CASCADE, DENY, DO_NOTHING, NULLIFY, PULL
from mongoengine.base.sentinels import MISSING
from mongoengine.base.types import Function, PassedOn, Pipeline, RawDocument
from mongoengine.compatibility import names_of
from mongoengine.dereference import DeReference
from mongoengine.driver.deferred import deferrable
from mongoengine.driver.io import (
    ASYNC,
    SYNC,
    asynchronous,
    blocking,
    instead,
    run,
)
from mongoengine.driver.loops import async_loop, loop
from mongoengine.driver.pending import PendingCursor, pending
from mongoengine.operations import aggregate as _aggregate
from mongoengine.operations import bulk as _bulk
from mongoengine.operations import delete as _delete
from mongoengine.operations import get_or_create as _get_or_create
from mongoengine.operations import in_batches as _in_batches
from mongoengine.operations import insert as _insert
from mongoengine.operations import map_reduce as _map_reduce
from mongoengine.operations import paginate as _paginate
from mongoengine.operations import read
from mongoengine.operations import watch as _watch
from mongoengine.operations import write as _write
from mongoengine.queryset.builders import Builders

if TYPE_CHECKING:
    from pymongo.asynchronous.command_cursor import AsyncCommandCursor
    from pymongo.command_cursor import CommandCursor
    from typing_extensions import Self

    from mongoengine.driver.rows import AsyncRows, Rows
    from mongoengine.driver.session import Session
    from mongoengine.operations.in_batches import AsyncDocumentBatches, DocumentBatches

__all__ = ("CASCADE", "DENY", "DO_NOTHING", "NULLIFY", "PULL", "BaseQuerySet")

D = TypeVar("D")
T = TypeVar("T")

#: How references are loaded: by queries, which None stands for, or by `$lookup`.
Strategy: TypeAlias = Literal["queries", "lookup"] | None


@deferrable
def relating(face: Function) -> Function:
    """Return a face that builds a queryset of names, or else loads references."""

    @wraps(face)
    def select_related(
        self: BaseQuerySet[Any],
        max_depth: int | str = 1,
        *paths: str,
        strategy: str | None = None,
        session: Session = None,
    ) -> Any:
        if isinstance(max_depth, str) or paths:
            return self._relating(max_depth, *paths, strategy=strategy)
        return face(self, max_depth, strategy=strategy, session=session)

    return select_related


class BaseQuerySet(Builders[D]):
    """Query the documents of a class; see `QuerySet` and `QuerySetNoCache`."""

    # One

    first = blocking(read.first)
    async_first = asynchronous(read.first)

    last = blocking(read.last)
    async_last = asynchronous(read.last)

    get = blocking(read.get)
    async_get = asynchronous(read.get)

    with_id = blocking(read.with_id)
    async_with_id = asynchronous(read.with_id)

    @overload
    def __getitem__(self, key: int) -> D: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: object) -> Self | D:
        """Return the document at an index, or a queryset over a slice.

        :raises IndexError: if there is none, or an index is negative
        """
        if isinstance(key, slice):
            return self._slice(key)
        if not isinstance(key, int):
            raise TypeError("Provide a slice or an integer index")
        return self._run(read.item(self, SYNC, key), "async_first()")

    # Whether and how many

    exists = blocking(read.exists)
    async_exists = asynchronous(read.exists)

    count = blocking(read.count)
    async_count = asynchronous(read.count)

    def _has_data(self) -> bool:
        return run(read.has_data(self, SYNC))

    def __bool__(self) -> bool:
        """Ask the server whether any document matches."""
        return self._run(read.has_data(self, SYNC), "async_exists()")

    # All

    to_list = blocking(read.to_list)
    async_to_list = asynchronous(read.to_list)

    paginate = blocking(_paginate.paginate)
    async_paginate = asynchronous(_paginate.paginate)

    in_bulk = blocking(read.in_bulk)
    async_in_bulk = asynchronous(read.in_bulk)

    explain = blocking(read.explain)
    async_explain = asynchronous(read.explain)

    to_json = blocking(read.to_json)
    async_to_json = asynchronous(read.to_json)

    from_json = read.from_json

    @property
    def _dereference(self) -> DeReference:
        return DeReference()

    def _relating(self, *paths: PassedOn, strategy: str | None = None) -> Self:
        return self._over(self._spec.relating(paths, strategy))

    if TYPE_CHECKING:

        @overload
        def select_related(
            self,
            max_depth: int = 1,
            *,
            strategy: Strategy = None,
            session: Session = None,
        ) -> list[D]: ...
        @overload
        def select_related(
            self,
            max_depth: str,
            *paths: str,
            strategy: Strategy = None,
            session: Session = None,
        ) -> Self: ...
        def select_related(
            self,
            max_depth: int | str = 1,
            *paths: str,
            strategy: Strategy = None,
            session: Session = None,
        ) -> Any: ...
        async def async_select_related(
            self,
            max_depth: int | str = 1,
            *paths: str,
            strategy: Strategy = None,
            session: Session = None,
        ) -> list[D]: ...

    else:
        select_related = relating(blocking(read.select_related))
        async_select_related = asynchronous(read.select_related)

    def batches(self, size: int) -> Iterator[list[D]]:
        """Yield the documents in lists, read as the loop goes; nothing is kept.

        `async_batches` is for `async for`.  The server sends `size` documents at a
        time, unless `batch_size` says otherwise.

        :param size: how many documents to a list; the last one may have fewer
        :raises ValueError: if it is not positive
        """
        return loop(self._cut_steps(size), self, "async_batches()")

    def async_batches(self, size: int) -> AsyncGenerator[list[D], None]:
        return async_loop(self._cut_steps(size), self, "batches()")

    async_batches.__doc__ = batches.__doc__

    def in_batches(
        self, size: int = 1000, *, after: str | None = None, progress: bool = False
    ) -> DocumentBatches[D]:
        """Return the documents in lists that are read one by one, and can be resumed.

        Each list is a query of its own (`find`), which begins after the last document
        of the list before, by the primary key or what `order_by` says.  So it does not
        matter how long a list takes, and other writes neither repeat nor leave out
        documents.  `async_in_batches` is for `async for`::

            batches = Event.objects.in_batches(progress=True)
            for events in batches:
                ...
                remember(batches.resume_token)

        https://www.mongodb.com/docs/manual/reference/command/find/

        :param size: how many documents to a list; the last one may have fewer
        :param after: the `resume_token` of an earlier loop, to go on after its last
            list
        :param progress: show a bar of tqdm, or lines where that is not installed; the
            documents are counted for it
        :raises ValueError: if `size` is not positive
        :raises OperationError: if the queryset has a slice
        :raises InvalidQueryError: in the loop, if the token belongs to another order
        """
        return _in_batches.DocumentBatches(self, size, after, progress)

    def async_in_batches(
        self, size: int = 1000, *, after: str | None = None, progress: bool = False
    ) -> AsyncDocumentBatches[D]:
        return _in_batches.AsyncDocumentBatches(self, size, after, progress)

    async_in_batches.__doc__ = in_batches.__doc__

    # Computed

    if TYPE_CHECKING:

        @overload
        def aggregate(
            self, pipeline: Pipeline, *, into: None = None, **kwargs: object
        ) -> CommandCursor[RawDocument]: ...
        @overload
        def aggregate(
            self, pipeline: Pipeline, *, into: type[T], **kwargs: object
        ) -> Rows[T]: ...
        def aggregate(self, pipeline: Pipeline, **kwargs: object) -> Any: ...

        @overload
        def async_aggregate(
            self, pipeline: Pipeline, *, into: None = None, **kwargs: object
        ) -> PendingCursor[AsyncCommandCursor[RawDocument], RawDocument]: ...
        @overload
        def async_aggregate(
            self, pipeline: Pipeline, *, into: type[T], **kwargs: object
        ) -> PendingCursor[AsyncRows[T], T]: ...
        def async_aggregate(self, pipeline: Pipeline, **kwargs: object) -> Any: ...

    else:
        aggregate = blocking(_aggregate.aggregate)
        async_aggregate = pending(_aggregate.aggregate)

    sum = blocking(_aggregate.sum)
    async_sum = asynchronous(_aggregate.sum)

    average = blocking(_aggregate.average)
    async_average = asynchronous(_aggregate.average)

    distinct = blocking(_aggregate.distinct)
    async_distinct = asynchronous(_aggregate.distinct)

    item_frequencies = blocking(_aggregate.item_frequencies)
    async_item_frequencies = asynchronous(_aggregate.item_frequencies)

    map_reduce = blocking(_map_reduce.map_reduce)
    async_map_reduce = pending(_map_reduce.map_reduce)

    exec_js = blocking(_map_reduce.exec_js)
    async_exec_js = asynchronous(_map_reduce.exec_js)

    # Watched

    watch = blocking(_watch.watch)
    async_watch = pending(_watch.watch, _watch.AsyncChangeStream)

    # Written

    create = blocking(_write.create)
    async_create = asynchronous(_write.create)

    get_or_create = blocking(_get_or_create.get_or_create)
    async_get_or_create = asynchronous(_get_or_create.get_or_create)

    update_or_create = blocking(_get_or_create.update_or_create)
    async_update_or_create = asynchronous(_get_or_create.update_or_create)

    insert = blocking(_insert.insert)
    async_insert = asynchronous(_insert.insert)

    update = blocking(_write.update)
    async_update = asynchronous(_write.update)

    update_one = blocking(_write.update_one)
    async_update_one = asynchronous(_write.update_one)

    upsert_one = blocking(_write.upsert_one)
    async_upsert_one = asynchronous(_write.upsert_one)

    modify = blocking(_write.modify)
    async_modify = asynchronous(_write.modify)

    bulk_save = blocking(_bulk.bulk_save)
    async_bulk_save = asynchronous(_bulk.bulk_save)

    bulk_write = blocking(_bulk.bulk_write)
    async_bulk_write = asynchronous(_bulk.bulk_write)

    delete = blocking(_delete.delete)
    async_delete = asynchronous(_delete.delete)

    delete_one = blocking(_delete.delete_one)
    async_delete_one = asynchronous(_delete.delete_one)

    # The next one

    def __next__(self) -> D:
        """Return the next document of the cursor that this queryset holds."""
        item = self._run(read.next_item(self, SYNC), "anext()")
        if item is MISSING:
            raise StopIteration
        return item

    async def __anext__(self) -> D:
        """Return the next document of the cursor that this queryset holds."""
        with instead("next()", self):
            item = await read.next_item(self, ASYNC)
        if item is MISSING:
            raise StopAsyncIteration
        return item


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
