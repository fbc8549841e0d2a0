"""Writing documents: inserting, updating, finding and changing in one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.errors import OperationFailure

from mongoengine.driver.io import asynchronous, blocking
from mongoengine.driver.write_errors import NOT_UPDATED, translated
from mongoengine.errors import OperationError
from mongoengine.operations import insert as _insert
from mongoengine.operations.read import Reading
from mongoengine.query import updates

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = ("Writing",)

D = TypeVar("D")


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

    insert = blocking(_insert.insert)
    async_insert = asynchronous(_insert.insert)

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
        options["upsert"] = upsert
        if array_filters is not None:
            options["array_filters"] = array_filters
        send = collection.update_many if multi else collection.update_one
        try:
            result = await io(send, self._filter(), change, **options)
        except OperationFailure as error:
            raise translated(error, NOT_UPDATED) from error
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
        collection = await self._open(io)
        try:
            if remove:
                raw = await io(
                    collection.find_one_and_delete, self._filter(), **options
                )
            else:
                if array_filters is not None:
                    options["array_filters"] = array_filters
                raw = await io(
                    collection.find_one_and_update,
                    self._filter(),
                    self._change(update),
                    upsert=upsert,
                    return_document=bool(new),
                    **options,
                )
        except OperationFailure as error:
            raise translated(error, NOT_UPDATED) from error
        if raw is None:
            return None
        found: D = self._document_maker()(raw)
        return found

    modify = blocking(_modify)
    async_modify = asynchronous(_modify)
