"""Fields that hold files, kept in GridFS."""

from __future__ import annotations

from io import IOBase
from typing import IO as File
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, overload

from bson import ObjectId

from mongoengine import connection
from mongoengine.base.context import alias_of_files
from mongoengine.base.field import BaseField
from mongoengine.base.public import publish
from mongoengine.base.types import Instance, PassedOn, PythonValue, RawValue
from mongoengine.driver.io import IO, asynchronous, blocking
from mongoengine.errors import GridFSError
from mongoengine.fields.file_proxies import AsyncGridFSProxy, GridFSProxy
from mongoengine.operations import gridfs_fields

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.codec import Dump

#: What is stored as a file: bytes, text, or an open file.
Contents: TypeAlias = bytes | str | IOBase | File[Any]

__all__ = ("AsyncGridFSProxy", "FileField", "GridFSError", "GridFSProxy")


class FileField(BaseField[GridFSProxy, Contents | GridFSProxy]):
    """A field for a file of any size; the document stores the file's id.

    Reading the field gives a :class:`GridFSProxy`.  Assigning bytes or a file-like
    object stores a file at once, in place of the one that was there.

    :param db_alias: the alias of the database.
    :param collection_name: the first part of the names of the two collections.
    """

    proxy_class: ClassVar[type[GridFSProxy]] = GridFSProxy
    _keeps_argument = True
    _set_when_made = True

    def __init__(
        self,
        db_alias: str = connection.DEFAULT_CONNECTION_NAME,
        collection_name: str = "fs",
        **kwargs: PassedOn,
    ) -> None:
        super().__init__(**kwargs)
        self.collection_name = collection_name
        self.db_alias = db_alias

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: object) -> GridFSProxy: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        values = instance._values
        proxy = values[self.name] if self.name in values else instance._touch(self)
        if not isinstance(proxy, self.proxy_class):
            made = self.get_proxy_obj(key=self.name, instance=instance)
            proxy = instance._exchange(self.name, proxy, made)
        if not proxy.key:
            proxy.key = self.name
            proxy.instance = instance
        return proxy

    def __set__(self, instance: Instance, value: Contents | GridFSProxy | None) -> None:
        if isinstance(value, (str, bytes)) or (
            hasattr(value, "read") and not isinstance(value, GridFSProxy)
        ):
            current = self._read(instance)
            if isinstance(current, GridFSProxy) and current:
                proxy = current._twin(current.grid_id)
                proxy.replace(value)
                current.grid_id = current.gridout = None
            else:
                proxy = self.get_proxy_obj(key=self.name, instance=instance)
                proxy.put(value)
            instance._put(self.name, proxy)
        else:
            instance._put(self.name, value)
        instance._mark_as_changed(self.name)

    def get_proxy_obj(
        self,
        key: str | None,
        instance: object,
        db_alias: str | None = None,
        collection_name: str | None = None,
    ) -> GridFSProxy:
        """Return a proxy without a file, on the field's alias and collection."""
        return self.proxy_class(
            key=key,
            instance=instance,
            db_alias=self.db_alias if db_alias is None else db_alias,
            collection_name=(
                self.collection_name if collection_name is None else collection_name
            ),
        )

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the id of the stored file, or None."""
        return value.grid_id if isinstance(value, self.proxy_class) else None

    def to_python(self, value: RawValue) -> PythonValue:
        """Return a proxy for a stored id."""
        if value is None:
            return None
        return self.proxy_class(
            value, collection_name=self.collection_name, db_alias=self.db_alias
        )

    def _from_raw(self, value: object) -> PythonValue:
        if value is None:
            return self.get_proxy_obj(None, None)
        return self.to_python(value)

    def _raw_dumper(self) -> Dump:
        return _unchanged

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is a proxy whose id is an `ObjectId`, if it has one."""
        if value.grid_id is None:
            return
        if not isinstance(value, self.proxy_class):
            self.error("FileField only accepts GridFSProxy values")
        if not isinstance(value.grid_id, ObjectId):
            self.error("Invalid GridFSProxy value")

    async def _after_delete(self, value: object, io: IO, document: Any) -> None:
        if isinstance(value, GridFSProxy) and value:
            # A proxy that was never read has no document yet.
            value._pinned_alias = alias_of_files(value.db_alias, document)
            await gridfs_fields.delete_file(value, io)

    # The file of a document, from its class: `await Doc.file.async_read(doc)`.

    put = blocking(gridfs_fields.put)
    async_put = asynchronous(gridfs_fields.put)

    get = blocking(gridfs_fields.get)
    async_get = asynchronous(gridfs_fields.get)

    read = blocking(gridfs_fields.read)
    async_read = asynchronous(gridfs_fields.read)

    delete = blocking(gridfs_fields.delete)
    async_delete = asynchronous(gridfs_fields.delete)

    replace = blocking(gridfs_fields.replace)
    async_replace = asynchronous(gridfs_fields.replace)


def _unchanged(value: object) -> object:
    return value


# Imported on first use, after `mongoengine.fields`.
publish({**globals(), "__name__": __package__})
