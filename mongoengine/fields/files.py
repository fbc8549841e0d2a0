"""Fields that hold files and images, kept in GridFS.

GridFS splits a file into chunks: documents of the collection ``<name>.chunks``,
with one that describes the file in ``<name>.files``.  See
https://www.mongodb.com/docs/manual/core/gridfs/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, overload

from bson import ObjectId
from gridfs import AsyncGridFS, GridFS
from gridfs.asynchronous import AsyncGridOut
from gridfs.errors import CorruptGridFile, FileExists, NoFile

from mongoengine import connection
from mongoengine.base.fields import BaseField
from mongoengine.driver.io import (
    ASYNC,
    IO,
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
)
from mongoengine.fields.touching import may_block

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.driver.session import Session

__all__ = (
    "AsyncGridFSProxy",
    "FileField",
    "GridFSError",
    "GridFSProxy",
)

_HAS_A_FILE = (
    "This document already has a file. Either delete it or call replace to overwrite it"
)

#: How many chunks `async for` asks for at once: 2 MB of the usual 255 kB.
_CHUNKS_AT_ONCE = 8


def file_session() -> Any:
    """The session that files are handled in; GridFS takes no part in transactions."""
    session = connection._get_session()
    return None if session is None or session.in_transaction else session


class GridFSError(Exception):
    """A file was put where there is one already."""


async def upload(io: IO, files: Any, data: Any, metadata: Mapping[str, Any]) -> Any:
    """Store a file in GridFS and return its id.

    What was stored of it is removed again where that fails or is cancelled.

    :param data: bytes, a file-like object, or text where `metadata` has `encoding`.
    :param metadata: `filename`, `content_type`, and whatever is to be kept with it.
    """
    target = files.new_file(**{"session": file_session(), **metadata})
    try:
        await io(target.write(data))
        await io(target.close())
    except FileExists:
        # What is stored under that id is not ours to remove.
        raise
    except BaseException:
        await io(target.abort())
        raise
    return target._id


class GridFSProxy:
    """The file of a document: stands for what is stored, and knows how to get it.

    Every operation is there twice: `read()` and `await async_read()`.  Attributes
    of the stored file (`filename`, `length`, `content_type`, and what was given
    to `put`) are read through it, in async code after `await async_get()`.
    ``async for chunk in proxy`` reads a file in pieces.

    It is true where there is a file.

    :param grid_id: the id of the stored file, or None.
    :param key: the field's name in the document.
    :param instance: the document, which is told when the file changes.
    :param db_alias: the alias of the database.
    :param collection_name: the first part of the names of the two collections.
    """

    _fs: Any = None

    def __init__(
        self,
        grid_id: Any = None,
        key: str | None = None,
        instance: Any = None,
        db_alias: str = connection.DEFAULT_CONNECTION_NAME,
        collection_name: str = "fs",
    ) -> None:
        self.grid_id = grid_id
        self.key = key
        self.instance = instance
        self.db_alias = db_alias
        self.collection_name = collection_name
        self.newfile: Any = None
        self.gridout: Any = None

    # GridFS

    @property
    def fs(self) -> GridFS:
        """PyMongo's `GridFS` of the alias and collection."""
        found: GridFS = self._files(SYNC)
        return found

    def _files(self, io: IO) -> Any:
        database = connection.database(io, self.db_alias)
        if io.is_async:
            return AsyncGridFS(database, self.collection_name)
        if self._fs is None:
            self._fs = GridFS(database, self.collection_name)
        return self._fs

    def _mark_as_changed(self) -> None:
        if self.instance is not None:
            self.instance._mark_as_changed(self.key)

    # Operations

    async def _get_body(
        self, io: IO, grid_id: Any = None, *, session: Session = None
    ) -> Any:
        """Open the stored file.

        :param grid_id: stand for this file from now on.
        :param session: a PyMongo session to work in
        :returns: a PyMongo `GridOut` (`AsyncGridOut`), None where there is no file.
        """
        if grid_id and grid_id != self.grid_id:
            self.grid_id = grid_id
            self.gridout = None
        if self.grid_id is None:
            return None
        opened = self.gridout
        if opened is None or isinstance(opened, AsyncGridOut) != io.is_async:
            try:
                opened = await io(self._files(io).get(self.grid_id, file_session()))
            except NoFile:
                return None
            self.gridout = opened
        return opened

    get = blocking(_get_body)
    async_get = asynchronous(_get_body)

    async def _new_file_body(self, io: IO, /, **kwargs: Any) -> None:
        """Begin a file that `write` adds to and `close` stores.

        :param kwargs: `filename`, `content_type`, and other data about the file.
        """
        metadata = {"session": file_session(), **kwargs}
        self.newfile = self._files(io).new_file(**metadata)
        self.grid_id = self.newfile._id
        self._mark_as_changed()

    new_file = blocking(_new_file_body)
    async_new_file = asynchronous(_new_file_body)

    async def _put_body(self, io: IO, /, file_obj: Any, **kwargs: Any) -> None:
        """Store a file.

        :param file_obj: bytes, a file-like object, or text where `encoding` is given.
        :param kwargs: `filename`, `content_type`, and other data about the file.
        :raises GridFSError: there is a file already.
        """
        self.grid_id = await self._store(io, file_obj, kwargs)
        self._mark_as_changed()

    put = blocking(_put_body)
    async_put = asynchronous(_put_body)

    async def _store(self, io: IO, data: Any, metadata: Mapping[str, Any]) -> Any:
        """What `put` does to the server: gives the id of the stored file."""
        if self.grid_id:
            raise GridFSError(_HAS_A_FILE)
        return await upload(io, self._files(io), data, metadata)

    async def _write_body(
        self, io: IO, string: Any, *, session: Session = None
    ) -> None:
        """Add to the file that `new_file` began; begins one where none was.

        :param string: bytes, or a file-like object.
        :param session: a PyMongo session to work in
        :raises GridFSError: there is a stored file.
        """
        if self.grid_id and not self.newfile:
            raise GridFSError(_HAS_A_FILE)
        if not self.newfile:
            await self._new_file_body(io)
        await self._add(io, self.newfile.write, string)

    write = blocking(_write_body)
    async_write = asynchronous(_write_body)

    async def _writelines_body(
        self, io: IO, lines: Iterable[Any], *, session: Session = None
    ) -> None:
        """Add several pieces to the file that `new_file` began, or begin one.

        :param lines: bytes, or file-like objects.
        :param session: a PyMongo session to work in
        """
        if not self.newfile:
            await self._new_file_body(io)
        await self._add(io, self.newfile.writelines, lines)

    writelines = blocking(_writelines_body)
    async_writelines = asynchronous(_writelines_body)

    async def _add(self, io: IO, write: Callable[[Any], Any], data: Any) -> None:
        try:
            await io(write(data))
        except Exception:
            raise
        except BaseException:
            # Cancelled: nobody is going to finish this file.
            target, self.newfile, self.grid_id = self.newfile, None, None
            await io(target.abort())
            raise

    async def _read_body(
        self, io: IO, size: int = -1, *, session: Session = None
    ) -> Any:
        """Read from where the last read ended.

        :param size: at most so many bytes; all that is left if negative.
        :param session: a PyMongo session to work in
        :returns: bytes; None where there is no file, `""` where it is damaged.
        """
        opened = await self._get_body(io)
        if opened is None:
            return None
        try:
            return await io(opened.read(size))
        except CorruptGridFile:
            return ""

    read = blocking(_read_body)
    async_read = asynchronous(_read_body)

    async def _delete_body(self, io: IO, *, session: Session = None) -> None:
        """Remove the stored file."""
        await self._remove(io)
        self.grid_id = None
        self.gridout = None
        self._mark_as_changed()

    delete = blocking(_delete_body)
    async_delete = asynchronous(_delete_body)

    async def _remove(self, io: IO) -> None:
        """What `delete` does to the server."""
        await io(self._files(io).delete(self.grid_id, file_session()))

    async def _replace_body(self, io: IO, /, file_obj: Any, **kwargs: Any) -> None:
        """Remove the stored file and store another; parameters as for `put`."""
        await io.call(self, "delete")
        await io.call(self, "put", file_obj, **kwargs)

    replace = blocking(_replace_body)
    async_replace = asynchronous(_replace_body)

    async def _close_body(self, io: IO, *, session: Session = None) -> None:
        """Store what was written since `new_file`."""
        if self.newfile:
            await io(self.newfile.close())

    close = blocking(_close_body)
    async_close = asynchronous(_close_body)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The file in pieces, the chunks that it is stored in, a few in memory.

        Sends a ``find`` for every few chunks and leaves no cursor open.

        :raises CorruptGridFile: a chunk is missing.
        """
        opened = await self.async_get()
        if opened is None:
            return
        database = connection.database(ASYNC, self.db_alias)
        chunks = database[self.collection_name].chunks
        left, number = opened.length, 0
        while left > 0:
            wanted = {"files_id": self.grid_id, "n": {"$gte": number}}
            found = chunks.find(wanted).sort("n").limit(_CHUNKS_AT_ONCE)
            batch = await found.to_list()
            if not batch:
                raise CorruptGridFile(f"no chunk #{number}")
            for chunk in batch:
                if chunk["n"] != number:
                    raise CorruptGridFile(f"no chunk #{number}")
                data = bytes(chunk["data"])
                yield data
                left -= len(data)
                number += 1

    # What a file looks like

    def _opened(self) -> Any:
        """The open file: as it is, or opened now where that may block."""
        if self.gridout is None and self.grid_id is not None:
            if may_block(self.db_alias):
                return self.get()
            raise AttributeError(
                f"Use `await {type(self).__name__}.async_get()` first: the alias "
                f'"{self.db_alias}" is open with connect_async()'
            )
        return self.gridout

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "grid_id" not in self.__dict__:
            raise AttributeError(name)
        try:
            opened = self._opened()
        except WrongFamilyError as error:
            raise AttributeError(str(error)) from None
        try:
            return getattr(opened, name)
        except AttributeError:
            raise AttributeError from None

    def __get__(self, instance: Any, value: Any) -> Self:
        return self

    def __bool__(self) -> bool:
        return bool(self.grid_id)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fs": None, "gridout": None, "newfile": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self) -> Self:
        copied = type(self)()
        copied.__dict__.update(self.__dict__, _fs=None)
        return copied

    def __deepcopy__(self, memo: Any) -> Self:
        return self.__copy__()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.grid_id}>"

    def __str__(self) -> str:
        opened = self.gridout
        if opened is None and may_block(self.db_alias):
            opened = self.get()
        name = opened.filename if opened else "<no file>"
        return f"<{type(self).__name__}: {name} ({self.grid_id})>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GridFSProxy):
            return False
        return (self.grid_id, self.collection_name, self.db_alias) == (
            other.grid_id,
            other.collection_name,
            other.db_alias,
        )

    __hash__ = None  # type: ignore[assignment]


#: The name under which asynchronous code knows the proxy: it is one class.
AsyncGridFSProxy: TypeAlias = GridFSProxy


class FileField(BaseField[GridFSProxy]):
    """A field for a file of any size; the document stores the file's id.

    Reading the field gives a :class:`GridFSProxy`.  Assigning bytes or a file-like
    object stores a file at once, in place of the one that was there.

    :param db_alias: the alias of the database.
    :param collection_name: the first part of the names of the two collections.
    """

    proxy_class: ClassVar[type[GridFSProxy]] = GridFSProxy
    _keeps_given = True
    _set_when_made = True

    def __init__(
        self,
        db_alias: str = connection.DEFAULT_CONNECTION_NAME,
        collection_name: str = "fs",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.collection_name = collection_name
        self.db_alias = db_alias

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> GridFSProxy: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        proxy = self._read(instance)
        if not isinstance(proxy, self.proxy_class):
            proxy = self.get_proxy_obj(key=self.name, instance=instance)
            instance._put(self.name, proxy)
        if not proxy.key:
            proxy.key = self.name
            proxy.instance = instance
        return proxy

    def __set__(self, instance: Any, value: Any) -> None:
        if isinstance(value, (str, bytes)) or (
            hasattr(value, "read") and not isinstance(value, GridFSProxy)
        ):
            known = self._read(instance)
            if isinstance(known, GridFSProxy) and known:
                known.delete()
            proxy = self.get_proxy_obj(key=self.name, instance=instance)
            instance._put(self.name, proxy)
            proxy.put(value)
        else:
            instance._put(self.name, value)
        instance._mark_as_changed(self.name)

    def get_proxy_obj(
        self,
        key: str | None,
        instance: Any,
        db_alias: str | None = None,
        collection_name: str | None = None,
    ) -> GridFSProxy:
        """A proxy without a file, on the field's alias and collection."""
        return self.proxy_class(
            key=key,
            instance=instance,
            db_alias=self.db_alias if db_alias is None else db_alias,
            collection_name=(
                self.collection_name if collection_name is None else collection_name
            ),
        )

    def to_mongo(self, value: Any) -> Any:
        """The id of the stored file, or None."""
        return value.grid_id if isinstance(value, self.proxy_class) else None

    def to_python(self, value: Any) -> Any:
        """A proxy for a stored id."""
        if value is None:
            return None
        return self.proxy_class(
            value, collection_name=self.collection_name, db_alias=self.db_alias
        )

    def _from_raw(self, value: Any) -> Any:
        if value is None:
            return self.get_proxy_obj(None, None)
        return self.to_python(value)

    def _raw_dumper(self) -> Callable[[Any], Any]:
        return _unchanged

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that the value is a proxy whose id is an `ObjectId`, if it has one."""
        if value.grid_id is None:
            return
        if not isinstance(value, self.proxy_class):
            self.error("FileField only accepts GridFSProxy values")
        if not isinstance(value.grid_id, ObjectId):
            self.error("Invalid GridFSProxy value")

    # The file of a document, from its class: `await Doc.file.async_read(doc)`.

    async def _put_body(
        self, io: IO, /, data: Any, instance: Any, **kwargs: Any
    ) -> GridFSProxy:
        """Store a file for a document; the document has to be saved after it.

        :param data: bytes, a file-like object, or text where `encoding` is given.
        :param instance: the document.
        :param kwargs: `filename`, `content_type`, and other data about the file.
        :raises GridFSError: the document has a file already.
        """
        proxy = self._proxy_of(instance)
        await io.call(proxy, "put", data, **kwargs)
        return proxy

    put = blocking(_put_body)
    async_put = asynchronous(_put_body)

    async def _get_body(
        self, io: IO, instance: Any, *, session: Session = None
    ) -> GridFSProxy | None:
        """The file of a document, opened; None where it has no stored file."""
        proxy = self._proxy_of(instance)
        opened = await io.call(proxy, "get")
        return None if opened is None else proxy

    get = blocking(_get_body)
    async_get = asynchronous(_get_body)

    async def _read_body(
        self, io: IO, instance: Any, size: int = -1, *, session: Session = None
    ) -> Any:
        """Read from the file of a document, as :meth:`GridFSProxy.read` does."""
        return await io.call(self._proxy_of(instance), "read", size)

    read = blocking(_read_body)
    async_read = asynchronous(_read_body)

    async def _delete_body(
        self, io: IO, instance: Any, *, session: Session = None
    ) -> None:
        """Remove the file of a document; the document has to be saved after it."""
        await io.call(self._proxy_of(instance), "delete")

    delete = blocking(_delete_body)
    async_delete = asynchronous(_delete_body)

    async def _replace_body(
        self, io: IO, /, data: Any, instance: Any, **kwargs: Any
    ) -> GridFSProxy:
        """Store a file in place of the document's; parameters as for `put`."""
        proxy = self._proxy_of(instance)
        await io.call(proxy, "replace", data, **kwargs)
        return proxy

    replace = blocking(_replace_body)
    async_replace = asynchronous(_replace_body)

    def _proxy_of(self, instance: Any) -> GridFSProxy:
        proxy: GridFSProxy = self.__get__(instance, type(instance))
        return proxy


def _unchanged(value: Any) -> Any:
    return value
