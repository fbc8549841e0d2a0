"""Watch the documents of a whole database for changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from mongoengine import connection
from mongoengine.base.common import _get_documents_by_db
from mongoengine.connection import DEFAULT_CONNECTION_NAME
from mongoengine.driver.io import ASYNC, SYNC, instead, run
from mongoengine.driver.session import session_of_call
from mongoengine.operations import changes
from mongoengine.operations import watch as _watch
from mongoengine.query import events

if TYPE_CHECKING:
    import datetime

    from bson.timestamp import Timestamp
    from typing_extensions import Unpack

    from mongoengine.base.document import BaseDocument
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.cursor import Token
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session
    from mongoengine.driver.types import AnyChangeStream, Keywords, RawDocument
    from mongoengine.operations.watch import (
        AsyncChangeStream,
        ChangeStream,
        Documents,
        Images,
        Options,
    )

    class WatchOptions(TypedDict, total=False):
        """The options that all forms of `watch()` take; see `BaseQuerySet.watch`."""

        full_document: Documents
        full_document_before_change: Images
        resume_after: Token | None
        start_after: Token | None
        start_at_operation_time: Timestamp | datetime.datetime | None
        max_await_time_ms: int | None
        batch_size: int | None


__all__ = ("async_watch", "watch")


def watch(
    alias: str = DEFAULT_CONNECTION_NAME,
    operations: Collection[str] | None = None,
    *,
    classes: Sequence[type[StoredDocument]] | None = None,
    session: Session = None,
    **options: Unpack[WatchOptions],
) -> ChangeStream[Any]:
    """Watch the database of an alias for changes (`$changeStream`).

        with watch() as changes:
            for change in changes: ...

        async with async_watch(classes=[Post, Author]) as changes:
            async for change in changes: ...

    `change.document` is of the class that is stored in the collection, or a dict
    where no class is.  Other options are those of `QuerySet.watch`.

    https://www.mongodb.com/docs/manual/changeStreams/

    :param alias: the name of a connection
    :param operations: which to report, such as `("insert", "delete")`; all if not given
    :param classes: watch the collections of these document classes only
    :raises ConnectionFailure: if there is no such alias
    :raises ValueError: if there is no such operation
    """
    with instead("async_watch()"):
        return run(
            _open(SYNC, alias, session, classes, _watch.Options(operations, **options))
        )


def async_watch(
    alias: str = DEFAULT_CONNECTION_NAME,
    operations: Collection[str] | None = None,
    *,
    classes: Sequence[type[StoredDocument]] | None = None,
    session: Session = None,
    **options: Unpack[WatchOptions],
) -> AsyncChangeStream[Any]:
    async def start() -> ChangeStream[Any]:
        with instead("watch()"):
            return await _open(ASYNC, alias, session, classes, chosen)

    chosen = _watch.Options(operations, **options)
    return _watch.AsyncChangeStream(start)


async_watch.__doc__ = watch.__doc__


async def _open(
    io: IO,
    alias: str,
    session: Session,
    classes: Sequence[type[StoredDocument]] | None,
    options: Options,
) -> ChangeStream[Any]:
    pipeline = _pipeline(options.chosen(), classes)

    async def start(io: IO, arguments: Keywords) -> AnyChangeStream:
        database = connection.database(io, alias)
        stream: AnyChangeStream = await io(database.watch, pipeline, **arguments)
        return stream

    with session_of_call(session):
        return await _watch.opened(io, start, options, _DatabaseReading(alias))


def _pipeline(
    operations: Iterable[str] | None, classes: Iterable[type[StoredDocument]] | None
) -> list[RawDocument]:
    """Return the stages that leave the events of some operations and classes."""
    stages: list[RawDocument] = []
    if operations is not None:
        stages.append({"$match": {"operationType": {"$in": list(operations)}}})
    if classes is not None:
        names = [cls._get_collection_name() for cls in classes]
        # What is about the database is about all of its collections.
        others = {"operationType": {"$in": ["dropDatabase", "invalidate"]}}
        stages.append({"$match": {"$or": [{"ns.coll": {"$in": names}}, others]}})
    return stages


class _DatabaseReading:
    """Make documents of the classes that are stored in the collections of an alias."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._classes: dict[str, type[StoredDocument]] = {}

    def class_of(self, event: RawDocument) -> type[BaseDocument] | None:
        """Return the class that the document names, or that of the collection."""
        if event["operationType"] not in events.OF_DOCUMENTS:
            return None
        name = event["ns"]["coll"]
        if name not in self._classes:
            cls = self._stored_in(name)
            if cls is None:
                return None  # a class may be defined later
            self._classes[name] = cls
        return changes.named_class(self._classes[name], event)

    def _stored_in(self, collection: str) -> type[StoredDocument] | None:
        """Return the class that a collection is for: one without a base in it."""
        classes = [
            cls
            for cls in _get_documents_by_db(self._alias, DEFAULT_CONNECTION_NAME)
            if cls._is_document
            and not cls._meta.get("abstract")
            and cls._meta.get("collection") == collection
        ]
        roots = [cls for cls in classes if not set(cls.__mro__[1:]) & {*classes}]
        return roots[0] if roots else None

    def document(self, event: RawDocument, raw: RawDocument) -> Any:
        """Return the document of its class, or the raw one where there is none."""
        cls = self.class_of(event)
        return raw if cls is None else cls._from_son(raw)
