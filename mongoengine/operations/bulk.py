"""Many writes in as few commands as the server allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pymongo
from pymongo.errors import BulkWriteError as PyMongoBulkWriteError
from pymongo.results import BulkWriteResult

from mongoengine import signals
from mongoengine.connection import _get_session
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.errors import BulkOperationError, OperationError
from mongoengine.operations.refusals import failures_of
from mongoengine.operations.write import Writing, key_of, mark_written
from mongoengine.query.q import QNode

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = (
    "BulkWriting",
    "DeleteMany",
    "DeleteOne",
    "InsertOne",
    "Operation",
    "UpdateMany",
    "UpdateOne",
)

D = TypeVar("D")

Query = QNode | Mapping[str, Any] | None


class Operation:
    """One of the operations that `bulk_write` takes."""


class InsertOne(Operation):
    """Insert a new document.

    :param document: validated before anything is sent
    """

    def __init__(self, document: Any) -> None:
        self.document = document

    def __repr__(self) -> str:
        return f"InsertOne({self.document!r})"


class _Matching(Operation):
    """An operation on what matches a query within the queryset."""

    def __init__(self, query: Query = None) -> None:
        self.query = query

    def _filter(self, queryset: Any) -> dict[str, Any]:
        query = self.query
        if isinstance(query, Mapping):
            queryset = queryset.filter(**query)
        elif query is not None:
            queryset = queryset.filter(query)
        found: dict[str, Any] = queryset._filter()
        return found


class _Updating(_Matching):
    """An operation that changes documents.

    :param query: a `Q`, or keywords like `{"age__gt": 18}`; None for all
    :param update: keywords like `{"set__name": "x", "inc__age": 1}`
    :param upsert: insert a document if none matches
    :param array_filters: which elements `$[name]` stands for
    """

    def __init__(
        self,
        query: Query,
        update: Mapping[str, Any],
        upsert: bool = False,
        array_filters: Any = None,
    ) -> None:
        super().__init__(query)
        self.update = update
        self.upsert = upsert
        self.array_filters = array_filters

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query!r}, {self.update!r})"


class UpdateOne(_Updating):
    """Change one document."""


class UpdateMany(_Updating):
    """Change all documents that match."""


class _Deleting(_Matching):
    """An operation that deletes documents; delete rules do not apply.

    :param query: a `Q`, or keywords like `{"age__gt": 18}`; None for all
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.query!r})"


class DeleteOne(_Deleting):
    """Delete one document."""


class DeleteMany(_Deleting):
    """Delete all documents that match."""


UPDATES = {UpdateOne: pymongo.UpdateOne, UpdateMany: pymongo.UpdateMany}
DELETES = {DeleteOne: pymongo.DeleteOne, DeleteMany: pymongo.DeleteMany}


class BulkWriting(Writing[D]):
    """The operations that write many documents at once."""

    async def _bulk_save(
        self,
        io: IO,
        documents: Iterable[D],
        validate: bool = True,
        clean: bool = True,
        ordered: bool = False,
        write_concern: Mapping[str, Any] | None = None,
        signal_kwargs: Mapping[str, Any] | None = None,
        *,
        session: Session = None,
    ) -> list[D]:
        """Insert the new ones of some documents, and update the changed ones.

        Sends `insert` and `update` with as many documents each as the server takes.
        All documents are validated before anything is sent.

        :param documents: of the class of this queryset
        :param validate: validate them
        :param clean: call their `clean()` in validating
        :param ordered: write in this order, and nothing after a failure
        :param write_concern: options of a PyMongo `WriteConcern`
        :param signal_kwargs: more keywords for the receivers of the signals of
            `save`, which are sent for each document
        :param session: a PyMongo session to work in
        :returns: the documents
        :raises BulkOperationError: if some could not be written: its `failures`
            tell which and why; the others are written, and are clean
        :raises ValidationError: if a value is invalid
        :raises OperationError: if a document is of another class
        """
        documents = list(documents)
        told = signal_kwargs or {}
        requests: list[Any] = []
        sent: list[tuple[int, Any, bool, Any]] = []
        for document in documents:
            self._refuse_others(document)
        for index, document in enumerate(documents):
            created = await self._prepare(io, document, validate, clean, told)
            request = self._request_for(document, created)
            if request is not None:
                requests.append(request)
                sent.append((index, document, created, request))
        failures: list[tuple[int, Any, Exception]] = []
        refused = None
        if requests:
            collection = await self._open_to_write(io, write_concern)
            _, refused = await self._send_bulk(io, collection, requests, ordered)
            failed = _failed(refused, len(requests), ordered)
            failures = [
                (sent[place][0], sent[place][1], error)
                for place, error in failed.items()
            ]
            for place, (_, document, created, request) in enumerate(sent):
                if place not in failed:
                    if created:
                        document.pk = key_of(document, request._doc)
                    mark_written(document)
        await self._tell_saved(io, documents, sent, failures, told)
        if refused is not None:
            raise _summary(refused, failures, len(documents), "document") from refused
        return documents

    bulk_save = blocking(_bulk_save)
    async_bulk_save = asynchronous(_bulk_save)

    def _refuse_others(self, document: Any) -> None:
        if not isinstance(document, self._document):
            raise OperationError(f"{document!r} is no document of {self._document}")

    async def _prepare(
        self,
        io: IO,
        document: Any,
        validate: bool,
        clean: bool,
        told: Mapping[str, Any],
    ) -> bool:
        """Do what comes before saving; tells whether the document is new."""
        from mongoengine.operations.save import fill_sequences, held_id

        kind = type(document)
        if signals.pre_save.receivers:
            await signals.send(io, signals.pre_save, kind, document=document, **told)
        if io.is_async:
            await fill_sequences(document, io)
        if validate:
            document.validate(clean=clean)
        created = bool(document._created) or held_id(document) is None
        if signals.pre_save_post_validation.receivers:
            await signals.send(
                io,
                signals.pre_save_post_validation,
                kind,
                document=document,
                created=created,
                **told,
            )
        return created

    def _request_for(self, document: Any, created: bool) -> Any:
        """What to send for a document; None where nothing changed."""
        from mongoengine.operations.save import changes_of, stored_key

        if created:
            return pymongo.InsertOne(document.to_mongo())
        changes = changes_of(document)
        if not changes:
            return None
        return pymongo.UpdateOne(stored_key(document), changes, upsert=True)

    async def _tell_saved(
        self,
        io: IO,
        documents: list[Any],
        sent: list[tuple[int, Any, bool, Any]],
        failures: Sequence[tuple[int, Any, Exception]],
        told: Mapping[str, Any],
    ) -> None:
        if not signals.post_save.receivers:
            return
        made = {index for index, _, created, _ in sent if created}
        failed = {index for index, _, _ in failures}
        for index, document in enumerate(documents):
            if index not in failed:
                await signals.send(
                    io,
                    signals.post_save,
                    type(document),
                    document=document,
                    created=index in made,
                    **told,
                )

    async def _bulk_write(
        self,
        io: IO,
        operations: Iterable[Operation],
        ordered: bool = True,
        write_concern: Mapping[str, Any] | None = None,
        *,
        session: Session = None,
    ) -> BulkWriteResult:
        """Send operations in the language of queries and updates, together::

            from mongoengine.operations.bulk import DeleteMany, InsertOne, UpdateOne

            Person.objects.bulk_write([
                InsertOne(Person(name="Ann")),
                UpdateOne({"name": "Bob"}, {"inc__age": 1}, upsert=True),
                DeleteMany(Q(age__gt=120)),
            ])

        The filter of the queryset holds for all of them.  Signals are not sent, and
        delete rules do not apply.

        :param operations: what to do
        :param ordered: in this order, and nothing after a failure
        :param write_concern: options of a PyMongo `WriteConcern`
        :param session: a PyMongo session to work in
        :raises BulkOperationError: if some failed: its `failures` tell which and why
        :raises ValidationError: if a document to insert is invalid
        """
        operations = list(operations)
        requests = [await self._request_of(io, operation) for operation in operations]
        collection = await self._open_to_write(io, write_concern)
        result, refused = await self._send_bulk(io, collection, requests, ordered)
        failed = _failed(refused, len(requests), ordered)
        for place, operation in enumerate(operations):
            if isinstance(operation, InsertOne) and place not in failed:
                document = operation.document
                document.pk = key_of(document, requests[place]._doc)
                mark_written(document)
        if refused is not None:
            failures = [
                (place, operations[place], error) for place, error in failed.items()
            ]
            count = len(operations)
            raise _summary(refused, failures, count, "operation") from refused
        done: BulkWriteResult = result
        return done

    bulk_write = blocking(_bulk_write)
    async_bulk_write = asynchronous(_bulk_write)

    async def _request_of(self, io: IO, operation: Any) -> Any:
        """The PyMongo operation for one of ours."""
        from mongoengine.operations.save import fill_sequences

        kind = type(operation)
        if isinstance(operation, InsertOne):
            self._refuse_others(operation.document)
            if io.is_async:
                await fill_sequences(operation.document, io)
            operation.document.validate()
            return pymongo.InsertOne(operation.document.to_mongo())
        if isinstance(operation, _Updating):
            change = self._change(dict(operation.update))
            if operation.upsert and self._cls_query:
                change = self._with_class(change)
            return UPDATES[kind](
                operation._filter(self),
                change,
                upsert=operation.upsert and not self._is_void,
                array_filters=operation.array_filters,
                **self._bulk_options(),
            )
        if isinstance(operation, _Deleting):
            return DELETES[kind](operation._filter(self), **self._bulk_options())
        raise TypeError(f"{operation!r} is no operation of mongoengine.queryset.bulk")

    def _bulk_options(self) -> dict[str, Any]:
        options = self._common_options()
        options.pop("comment", None)
        return options

    async def _send_bulk(
        self, io: IO, collection: Any, requests: list[Any], ordered: bool
    ) -> tuple[Any, PyMongoBulkWriteError | None]:
        """Write; gives the result, or what PyMongo raised."""
        try:
            result = await io(
                collection.bulk_write(requests, ordered=ordered, session=_get_session())
            )
        except PyMongoBulkWriteError as error:
            return None, error
        return result, None


def _failed(
    refused: PyMongoBulkWriteError | None, count: int, ordered: bool
) -> dict[int, OperationError]:
    """What was not written, by the places of the requests."""
    return {} if refused is None else failures_of(refused, count, ordered)


def _summary(
    refused: PyMongoBulkWriteError,
    failures: Sequence[tuple[int, Any, Exception]],
    count: int,
    what: str,
) -> BulkOperationError:
    if not failures:  # all is written, and the write concern is not met
        return BulkOperationError(f"Bulk write error: ({refused.details})")
    index, _, first = failures[0]
    return BulkOperationError(
        f"{len(failures)} of {count} {what}s failed, first {what} {index} ({first})",
        failures,
    )
