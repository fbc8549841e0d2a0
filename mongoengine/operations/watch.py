"""Watch the documents of a class or of a query for changes.

https://www.mongodb.com/docs/manual/changeStreams/
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Collection, Generator
from difflib import get_close_matches
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from bson.timestamp import Timestamp

from mongoengine.driver.cursor import Events, Token
from mongoengine.driver.io import ASYNC, SYNC, asynchronous, blocking, run
from mongoengine.driver.session import _get_session
from mongoengine.errors import OperationError
from mongoengine.operations.changes import Change, Reading, named_class
from mongoengine.operations.source import QuerySource
from mongoengine.query.events import event_pipeline

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.document import BaseDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.pending import Start
    from mongoengine.driver.session import Session
    from mongoengine.driver.types import AnyChangeStream, Keywords, RawDocument
    from mongoengine.operations.source import AnyQueryset

__all__ = ("AsyncChangeStream", "Change", "ChangeStream", "Options", "watch")

D = TypeVar("D")

#: Whether events come with documents, or with before images.
Images: TypeAlias = Literal["whenAvailable", "required"] | None
Documents: TypeAlias = Literal["updateLookup", "whenAvailable", "required"] | None

#: The operations of events, and those that the server reports only when it is asked.
OPERATIONS = frozenset(
    (
        *("delete", "drop", "dropDatabase", "insert", "invalidate", "rename"),
        *("replace", "update"),
    )
)
EXPANDED = frozenset(
    (
        *("create", "createIndexes", "dropIndexes", "modify"),
        *("refineCollectionShardKey", "reshardCollection", "shardCollection"),
    )
)


class Options:
    """The options of `watch()`."""

    def __init__(
        self,
        operations: Collection[str] | None = None,
        full_document: Documents = "updateLookup",
        full_document_before_change: Images = None,
        resume_after: Token | None = None,
        start_after: Token | None = None,
        start_at_operation_time: Timestamp | datetime.datetime | None = None,
        max_await_time_ms: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.operations = operations
        self.full_document = full_document
        self.full_document_before_change = full_document_before_change
        self.resume_after = resume_after
        self.start_after = start_after
        self.start_at_operation_time = start_at_operation_time
        self.max_await_time_ms = max_await_time_ms
        self.batch_size = batch_size

    def chosen(self) -> tuple[str, ...] | None:
        """Return the names of the operations to watch; None for all.

        :raises ValueError: if there is no such operation
        """
        chosen = self.operations
        if chosen is None:
            return None
        names = (chosen,) if isinstance(chosen, str) else tuple(chosen)
        for name in names:
            if name not in OPERATIONS | EXPANDED:
                near = get_close_matches(name, OPERATIONS | EXPANDED, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"watch() knows no operation {name!r}{hint}")
        return names

    def arguments(self, token: Token | None) -> Keywords:
        """Return the arguments of PyMongo's `watch`.

        :param token: the place to go on after, once the stream has been opened
        """
        start = self.start_at_operation_time
        if isinstance(start, datetime.datetime):
            start = Timestamp(start, 0)
        places = {
            "resume_after": self.resume_after,
            "start_after": self.start_after,
            "start_at_operation_time": start,
        }
        if token is not None:
            # It may be the token of an `invalidate`, which `resume_after` refuses.
            places = {"start_after": token}
        expanded = not EXPANDED.isdisjoint(self.chosen() or ())
        options = {
            **places,
            "full_document": self.full_document,
            "full_document_before_change": self.full_document_before_change,
            "max_await_time_ms": self.max_await_time_ms,
            "batch_size": self.batch_size,
            "show_expanded_events": expanded or None,
        }
        return {name: value for name, value in options.items() if value is not None}


async def watch(
    source: QuerySource[D],
    io: IO,
    operations: Collection[str] | None = None,
    *,
    full_document: Documents = "updateLookup",
    full_document_before_change: Images = None,
    resume_after: Token | None = None,
    start_after: Token | None = None,
    start_at_operation_time: Timestamp | datetime.datetime | None = None,
    max_await_time_ms: int | None = None,
    batch_size: int | None = None,
    session: Session = None,
) -> ChangeStream[D]:
    """Watch the documents of a class or query for changes (`$changeStream`).

        with Post.objects(status="live").watch() as changes:
            for change in changes: ...

        async with Post.objects(status="live").async_watch() as changes:
            async for change in changes: ...

    `watch()` opens the stream at once; what `async_watch()` gives is opened when it
    is awaited, entered or read.  Take care to close it.

    A filter is applied to the document as it is after the change.  A delete has
    none: of a query with a filter there are deletes only where the filter holds for
    their before image, or all of them if `operations` names `"delete"` and there are
    no before images.  A subclass counts as a filter.

    https://www.mongodb.com/docs/manual/changeStreams/

    :param operations: which to report, such as `("insert", "delete")`; all if not given
    :param full_document: what `change.document` is after an update: looked up
        ("updateLookup"), the stored post image ("whenAvailable", "required"), or
        nothing (None)
    :param full_document_before_change: ask for `change.document_before`:
        "whenAvailable" or "required"
    :param resume_after: the `resume_token` of the last change that was dealt with
    :param start_after: the same, also after an `invalidate`
    :param start_at_operation_time: a BSON timestamp, or a datetime in UTC
    :param max_await_time_ms: milliseconds that the server waits for a change before it
        answers that there is none
    :param batch_size: the number of changes that the server sends at a time
    :param session: a PyMongo session to work in
    :raises InvalidQueryError: if the filter cannot be applied to changes
    :raises OperationError: of a slice, or with `select_related()`
    :raises ValueError: if there is no such operation
    """
    options = Options(
        operations,
        full_document,
        full_document_before_change,
        resume_after,
        start_after,
        start_at_operation_time,
        max_await_time_ms,
        batch_size,
    )
    return await _watch_query(_queryset_of(source), io, options)


async def _watch_query(
    queryset: QuerySource[D], io: IO, options: Options
) -> ChangeStream[D]:
    spec = queryset._spec
    if spec.related:
        raise OperationError("watch() cannot load references: leave out select_related")
    pipeline = event_pipeline(
        spec,
        options.chosen(),
        updates_have_documents=options.full_document is not None,
        has_before_images=options.full_document_before_change is not None,
    )

    async def start(io: IO, arguments: Keywords) -> AnyChangeStream:
        collection = await queryset._open_to_read(io)
        keywords = {**_query_options(queryset), **arguments}
        stream: AnyChangeStream = await io(collection.watch, pipeline, **keywords)
        return stream

    return await opened(io, start, options, _DocumentReading(queryset), spec.is_void)


def _queryset_of(source: object) -> Any:
    """Return a queryset; a class stands for all of its documents."""
    return QuerySource(source, None) if isinstance(source, type) else source


def _query_options(queryset: AnyQueryset) -> Keywords:
    """Return the options of a query that `watch` of PyMongo takes."""
    spec = queryset._spec
    options = {
        "batch_size": spec.batch_size,
        "collation": spec.collation,
        "comment": spec.comment,
    }
    return {name: value for name, value in options.items() if value is not None}


async def opened(
    io: IO,
    start: Callable[[IO, Keywords], Awaitable[AnyChangeStream]],
    options: Options,
    reading: Reading[D],
    is_void: bool = False,
) -> ChangeStream[D]:
    """Return a change stream that has been opened.

    :param start: calls `watch` of PyMongo with options
    :param is_void: no document matches: there is nothing to open
    """
    session = _get_session()

    def start_after(io: IO, token: Token | None) -> Awaitable[AnyChangeStream]:
        arguments = options.arguments(token)
        if session is not None:  # also where it is opened once more
            arguments["session"] = session
        return start(io, arguments)

    events = Events(start_after, options.start_after or options.resume_after)
    events.ended = is_void
    if not is_void:
        await events.open(io)
    return ChangeStream(events, reading)


class _DocumentReading(Generic[D]):
    """Make the documents of events as a queryset makes its own."""

    def __init__(self, queryset: QuerySource[D]) -> None:
        self._class = queryset._spec.document
        self._convert = queryset._converter()

    def class_of(self, event: RawDocument) -> type[BaseDocument] | None:
        """Return the class that the document names, or that of the query."""
        return named_class(self._class, event)

    def document(self, event: RawDocument, raw: RawDocument) -> D:
        """Return the item for a raw document."""
        item: D = self._convert([raw])[0]
        return item


class ChangeStream(Generic[D]):
    """The changes of documents, as they come; close it when it is no longer needed.

    Reading waits for the next change.  After an error of the connection the stream
    can be read on, and gives the changes after the last one, each once.

    https://www.mongodb.com/docs/manual/changeStreams/
    """

    _is_async = False

    def __init__(self, events: Events | None, reading: Reading[D] | None) -> None:
        self._events = events
        self._reading = reading
        self._closed = False

    @property
    def resume_token(self) -> RawDocument | None:
        """Return the place that has been reached, for `resume_after`.

        It moves on also while there are no changes.  None if the stream was not opened.
        """
        token = None if self._events is None else self._events.token
        return None if token is None else dict(token)

    @property
    def alive(self) -> bool:
        """Return whether there may be further changes.

        There are none after `close()`, after an `invalidate`, and after an error from
        which the server cannot go on.
        """
        ended = self._events is not None and self._events.ended
        return not (self._closed or ended)

    async def _open(self, io: IO) -> Events:
        if io.is_async != self._is_async:
            made, use = _MADE_BY[self._is_async]
            raise OperationError(f"A change stream of {made} is used by {use}")
        assert self._events is not None
        return self._events

    def _reader(self) -> Reading[D]:
        assert self._reading is not None  # it comes with the events
        return self._reading

    async def _try_next(self, io: IO) -> Change[D] | None:
        """Return the next change, or None if there is none yet.

        The server waits for one as long as `max_await_time_ms` says, or a second.
        """
        events = None if self._closed else await self._open(io)
        raw = None if events is None else await events.read(io)
        return None if raw is None else Change(raw, self._reader())

    try_next = blocking(_try_next)
    async_try_next = asynchronous(_try_next)

    async def _close(self, io: IO) -> None:
        """Read no more, and close the cursor of the server."""
        if self._events is not None:
            events = await self._open(io)
            await events.close(io)
        self._closed = True

    close = blocking(_close)
    async_close = asynchronous(_close)

    async def _next(self, io: IO) -> Change[D] | None:
        while True:
            change = await self._try_next(io)
            if change is not None:
                return change
            if not self.alive:
                return None

    # Blocking

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Change[D]:
        """Wait for the next change, and return it."""
        change = run(self._next(SYNC))
        if change is None:
            raise StopIteration
        return change

    def __enter__(self) -> Self:
        run(self._open(SYNC))
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        run(self._close(SYNC))

    # Asynchronous

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change[D]:
        """Wait for the next change, and return it."""
        change = await self._next(ASYNC)
        if change is None:
            raise StopAsyncIteration
        return change

    async def __aenter__(self) -> Self:
        await self._open(ASYNC)
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close(ASYNC)

    async def aclose(self) -> None:
        """Close the stream, as `async_close()` does; for `contextlib.aclosing`."""
        await self._close(ASYNC)


#: What has made a stream, and how it is used, by whether it is asynchronous.
_MADE_BY = {
    False: ("watch()", "`for`, `with`, next(), try_next() and close()"),
    True: (
        "async_watch()",
        "`async for`, `async with`, anext(), async_try_next() and async_close()",
    ),
}


class AsyncChangeStream(ChangeStream[D]):
    """The change stream that `async_watch()` gives, opened when it is first used.

    Awaiting it opens it, too, and gives the stream itself.

    :param start: opens it
    """

    _is_async = True

    def __init__(
        self, start: Start[ChangeStream[D]], owner: object = None, use: str = ""
    ) -> None:
        super().__init__(None, None)
        self._start = start

    async def _open(self, io: IO) -> Events:
        if self._events is None and io.is_async:
            opened = await self._start()
            self._events, self._reading = opened._events, opened._reading
        return await super()._open(io)

    async def _awaited(self) -> Self:
        await self._open(ASYNC)
        return self

    def __await__(self) -> Generator[Any, Any, Self]:
        return self._awaited().__await__()
