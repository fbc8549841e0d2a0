"""Writing documents: inserting, updating, finding and changing in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from bson import ObjectId
from pymongo.errors import BulkWriteError as PyMongoBulkWriteError
from pymongo.errors import OperationFailure

from mongoengine import signals
from mongoengine.connection import _get_session
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.errors import BulkOperationError, OperationError
from mongoengine.operations.read import Reading
from mongoengine.operations.refusals import failures_of, refusal
from mongoengine.query import updates

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("Writing",)

D = TypeVar("D")

_NOT_SAVED = "Could not save document ({})"
_NOT_UPDATED = "Update failed ({})"


class Writing(Reading[D]):
    """The operations that write documents."""

    # Inserting

    async def _create(self, io: IO, /, **kwargs: Any) -> D:
        """A new document of these values, saved (`insert`).

        After `using()` it belongs behind that alias, and goes on being saved there.

        :raises ValidationError: if a value is invalid
        :raises NotUniqueError: if a unique value exists already
        """
        document = self._document(**kwargs)
        if self._using:
            document._switch(self._alias, self._collection_name, keep_created=True)
        saved: D = await io.call(document, "save", force_insert=True)
        return saved

    create = blocking(_create)
    async_create = asynchronous(_create)

    async def _insert(
        self,
        io: IO,
        doc_or_docs: Any,
        load_bulk: bool = True,
        write_concern: Mapping[str, Any] | None = None,
        signal_kwargs: Mapping[str, Any] | None = None,
        *,
        ordered: bool = True,
        session: Session = None,
    ) -> Any:
        """Insert new documents, without validating them (`insert`).

        Sends as many commands as the server's limits ask for.

        :param doc_or_docs: a document, or any number of them
        :param load_bulk: give the documents, read back; False for their ids
        :param write_concern: options of a PyMongo `WriteConcern`
        :param signal_kwargs: more keywords for the receivers of signals
        :param ordered: write in this order, and nothing after a failure; False
            writes all that can be written
        :param session: a PyMongo session to work in
        :returns: documents or ids; one alone for one document alone
        :raises OperationError: if a document is of another class, or stored already
        :raises NotUniqueError: if the one document breaks a unique index
        :raises BulkOperationError: if some of several documents could not be
            written: its `failures` tell which and why; the others are written, and
            are clean
        """
        alone = isinstance(doc_or_docs, self._document)
        docs = [doc_or_docs] if alone else self._several(doc_or_docs)
        for doc in docs:
            if not isinstance(doc, self._document):
                raise OperationError(
                    f"Some documents inserted aren't instances of {self._document}"
                )
            if not doc._created and doc.pk:
                raise OperationError(
                    "Some documents have ObjectIds, use doc.update() instead"
                )
        told = signal_kwargs or {}
        document: Any = self._document
        if signals.pre_bulk_insert.receivers:
            await signals.send(
                io, signals.pre_bulk_insert, document, documents=docs, **told
            )
        collection = await self._open_to_write(io, write_concern)
        if io.is_async:
            await self._fill_sequences(io, docs)
        raws = [doc._to_wire() for doc in docs]
        if alone:
            ids = [await self._send_one(io, collection, raws[0])]
        else:
            ids = await self._send_many(io, collection, docs, raws, ordered)
        for doc, object_id in zip(docs, ids, strict=True):
            name, placed = doc._schema.id_name, doc._schema.placed
            if doc._created and name in placed and isinstance(object_id, ObjectId):
                doc._put(name, object_id)  # all that assigning it would do
            else:
                doc.pk = object_id
            mark_written(doc)
        results: Any = docs
        if load_bulk:
            found = await self._in_bulk(io, ids)
            results = [found.get(object_id) for object_id in ids]
        if signals.post_bulk_insert.receivers:
            await signals.send(
                io,
                signals.post_bulk_insert,
                document,
                documents=results,
                loaded=load_bulk,
                **told,
            )
        if not load_bulk:
            results = ids
        return results[0] if alone else results

    insert = blocking(_insert)
    async_insert = asynchronous(_insert)

    async def _fill_sequences(self, io: IO, docs: Iterable[Any]) -> None:
        """Take numbers for fields that could not take them when they were read."""
        # Saving knows how; it is a layer that imports this one.
        from mongoengine.operations.save import fill_sequences

        for doc in docs:
            await fill_sequences(doc, io)

    def _several(self, docs: Iterable[Any]) -> list[Any]:
        from mongoengine.base.document import BaseDocument

        if isinstance(docs, BaseDocument):
            return [docs]
        return list(docs)

    async def _send_one(self, io: IO, collection: Any, raw: dict[str, Any]) -> Any:
        """Insert a document as dumped; gives its id."""
        try:
            done = await io(collection.insert_one(raw, session=_get_session()))
        except OperationFailure as error:
            raise refusal(error, _NOT_SAVED) from error
        return done.inserted_id

    async def _send_many(
        self,
        io: IO,
        collection: Any,
        docs: list[Any],
        raws: list[dict[str, Any]],
        ordered: bool,
    ) -> list[Any]:
        """Insert documents as dumped; gives their ids."""
        try:
            done = await io(
                collection.insert_many(raws, ordered=ordered, session=_get_session())
            )
        except PyMongoBulkWriteError as error:
            failed = failures_of(error, len(docs), ordered)
            for index, (doc, raw) in enumerate(zip(docs, raws, strict=True)):
                if index not in failed:
                    doc.pk = key_of(doc, raw)
                    mark_written(doc)
            details: Any = error.details
            for told in details["writeErrors"]:
                # Told as `to_mongo()` dumps it, which is not how it is sent.
                op = docs[told["index"]].to_mongo()
                op.setdefault("_id", told["op"]["_id"])
                told["op"] = op
            raise BulkOperationError(
                f"Bulk write error: ({details})",
                [(index, docs[index], failed[index]) for index in sorted(failed)],
            ) from error
        except OperationFailure as error:
            raise refusal(error, _NOT_SAVED) from error
        return list(done.inserted_ids)

    # Updating

    async def _update(
        self,
        io: IO,
        /,
        upsert: bool = False,
        multi: bool = True,
        write_concern: Mapping[str, Any] | None = None,
        read_concern: Mapping[str, Any] | None = None,
        full_result: bool = False,
        array_filters: Any = None,
        **update: Any,
    ) -> Any:
        """Change the documents that match, whatever `skip` and `limit` say (`update`).

        :param upsert: insert a document if none matches
        :param multi: change all of them, not just one
        :param write_concern: options of a PyMongo `WriteConcern`
        :param read_concern: options of a PyMongo `ReadConcern`
        :param full_result: give the whole `pymongo.results.UpdateResult`
        :param array_filters: which elements `$[name]` stands for
        :param update: changes like `set__name="x"`, `inc__age=1`, `__raw__={...}`
        :returns: the number of documents; None where writes are not acknowledged
        :raises NotUniqueError: if a unique value would repeat
        :raises OperationError: if there is nothing to change, or the server refused
        """
        if not update and not upsert:
            raise OperationError("No update parameters, would remove data")
        if self._is_void:
            return 0
        change = self._change(update)
        if upsert and self._cls_query:
            change = self._with_class(change)
        collection = await self._open_to_write(io, write_concern, read_concern)
        options = self._common_options()
        options.update(upsert=upsert, session=_get_session())
        if array_filters is not None:
            options["array_filters"] = array_filters
        send = collection.update_many if multi else collection.update_one
        try:
            result = await io(send(self._filter(), change, **options))
        except OperationFailure as error:
            raise refusal(error, _NOT_UPDATED) from error
        if full_result:
            return result
        return result.raw_result["n"] if result.raw_result else None

    update = blocking(_update)
    async_update = asynchronous(_update)

    def _change(self, update: dict[str, Any]) -> Any:
        """An update as MongoDB takes it: operators, or a pipeline."""
        raw = update.get("__raw__")
        if isinstance(raw, list):
            document = self._document
            return [updates.update(document, __raw__=stage) for stage in raw]
        return updates.update(self._document, **update)

    def _with_class(self, change: Any) -> Any:
        """A change that also says of which class an inserted document is."""
        named = {"_cls": self._document._class_name}
        if isinstance(change, list):
            return [*change, {"$set": named}]
        return {**change, "$set": {**change.get("$set", {}), **named}}

    async def _update_one(
        self,
        io: IO,
        /,
        upsert: bool = False,
        write_concern: Mapping[str, Any] | None = None,
        full_result: bool = False,
        array_filters: Any = None,
        **update: Any,
    ) -> Any:
        """Change one document that matches; see `update`."""
        return await self._update(
            io,
            upsert=upsert,
            multi=False,
            write_concern=write_concern,
            full_result=full_result,
            array_filters=array_filters,
            **update,
        )

    update_one = blocking(_update_one)
    async_update_one = asynchronous(_update_one)

    async def _upsert_one(
        self,
        io: IO,
        /,
        write_concern: Mapping[str, Any] | None = None,
        read_concern: Mapping[str, Any] | None = None,
        **update: Any,
    ) -> D | None:
        """Change the document that matches, or insert one (`update`, `find`).

        :param write_concern: options of a PyMongo `WriteConcern`
        :param read_concern: options of a PyMongo `ReadConcern`
        :param update: changes; see `update`
        :returns: the document as it is stored now; None for `none()` and empty
            slices, which write nothing
        """
        result = await self._update(
            io,
            upsert=True,
            multi=False,
            write_concern=write_concern,
            read_concern=read_concern,
            full_result=True,
            **update,
        )
        if self._is_void:
            return None
        if result.raw_result["updatedExisting"]:
            return await self._get(io)
        fresh = self._with(_query_obj=type(self)._query_obj, _mongo_query=None)
        return await fresh._with_id(io, result.upserted_id)

    upsert_one = blocking(_upsert_one)
    async_upsert_one = asynchronous(_upsert_one)

    async def _modify(
        self,
        io: IO,
        /,
        upsert: bool = False,
        remove: bool = False,
        new: bool = False,
        array_filters: Any = None,
        **update: Any,
    ) -> D | None:
        """Change or remove one document, and give it (`findAndModify`).

        :param upsert: insert a document if none matches
        :param remove: remove it instead
        :param new: give the document as it is afterwards, not before
        :param array_filters: which elements `$[name]` stands for
        :param update: changes; see `update`
        :returns: the document, or None if there was none
        :raises NotUniqueError: if a unique value would repeat
        :raises OperationError: if the arguments contradict each other, or the
            server refused

        https://www.mongodb.com/docs/manual/reference/command/findAndModify/
        """
        if remove and new:
            raise OperationError("Conflicting parameters: remove and new")
        if not update and not upsert and not remove:
            raise OperationError("No update parameters, must either update or remove")
        if self._is_void:
            return None
        options: dict[str, Any] = {
            name: value
            for name, value in self._cursor_args.items()
            if name == "projection"
        }
        options["sort"] = self._ordering or None
        options["session"] = _get_session()
        collection = await self._open(io)
        try:
            if remove:
                call = collection.find_one_and_delete(self._filter(), **options)
            else:
                if array_filters is not None:
                    options["array_filters"] = array_filters
                call = collection.find_one_and_update(
                    self._filter(),
                    self._change(update),
                    upsert=upsert,
                    return_document=bool(new),
                    **options,
                )
            raw = await io(call)
        except OperationFailure as error:
            raise refusal(error, _NOT_UPDATED) from error
        if raw is None:
            return None
        found: D = self._document._maker(self._auto_dereference)(raw)
        return found

    modify = blocking(_modify)
    async_modify = asynchronous(_modify)


def key_of(document: Any, raw: Mapping[str, Any]) -> Any:
    """The primary key of a document that is stored as `raw`."""
    return document._fields[document._meta["id_field"]].to_python(raw["_id"])


def mark_written(document: Any) -> None:
    """Note that a document is stored as it is."""
    document._created = False
    document._clear_changed_fields()
