"""The values of file fields: proxies for files in GridFS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from gridfs import GridFS

from mongoengine import connection
from mongoengine.base.context import alias_of_files
from mongoengine.base.types import Instance, Keywords, PythonValue, RawMapping
from mongoengine.driver.io import (
    IO,
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
)
from mongoengine.fields.touching import may_block
from mongoengine.operations import gridfs, gridfs_upload

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Self

__all__ = ("AsyncGridFSProxy", "GridFSProxy")


class GridFSProxy:
    """The file of a document: a proxy for what GridFS stores.

    Every operation is there twice: `read()` and `await async_read()`.  Attributes of
    the stored file (`filename`, `length`, `content_type`, and what was passed to
    `put`) are read through it, in async code after `await async_get()`.
    ``async for chunk in proxy`` reads a file in pieces.

    It is true if there is a file.

    :param grid_id: the id of the stored file, or None
    :param key: the field's name in the document
    :param instance: the document, which is marked as changed with the file
    :param db_alias: the alias of the database
    :param collection_name: the first part of the names of the two collections
    """

    _fs: Any = None
    _fs_alias: str | None = None
    _pinned_alias: str | None = None
    _is_image = False
    # Faces ask their owner for these: `__getattr__` would open the file.
    _document = _fields = None
    # Where to go on reading when the file is opened again.
    _position = 0

    def __init__(
        self,
        grid_id: Hashable = None,
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

    get = blocking(gridfs.get)
    async_get = asynchronous(gridfs.get)

    read = blocking(gridfs.read)
    async_read = asynchronous(gridfs.read)

    readline = blocking(gridfs.readline)
    async_readline = asynchronous(gridfs.readline)

    readlines = blocking(gridfs.readlines)
    async_readlines = asynchronous(gridfs.readlines)

    readchunk = blocking(gridfs.readchunk)
    async_readchunk = asynchronous(gridfs.readchunk)

    put = blocking(gridfs.put)
    async_put = asynchronous(gridfs.put)

    new_file = blocking(gridfs.new_file)
    async_new_file = asynchronous(gridfs.new_file)

    write = blocking(gridfs.write)
    async_write = asynchronous(gridfs.write)

    writelines = blocking(gridfs.writelines)
    async_writelines = asynchronous(gridfs.writelines)

    close = blocking(gridfs.close)
    async_close = asynchronous(gridfs.close)

    delete = blocking(gridfs.delete)
    async_delete = asynchronous(gridfs.delete)

    replace = blocking(gridfs.replace)
    async_replace = asynchronous(gridfs.replace)

    __aiter__ = gridfs.chunks

    # What the operations need

    @property
    def _alias(self) -> str:
        """The alias of the database: that of the document, in `using_db()`."""
        return self._pinned_alias or alias_of_files(self.db_alias, self.instance)

    @property
    def fs(self) -> GridFS:
        """PyMongo's `GridFS` of the alias and collection."""
        files: GridFS = self._files(SYNC)
        return files

    def _files(self, io: IO) -> Any:
        alias = self._alias
        if io.is_async:
            return gridfs_upload.gridfs_of(io, alias, self.collection_name)
        if self._fs is None or self._fs_alias != alias:
            self._fs = gridfs_upload.gridfs_of(io, alias, self.collection_name)
            self._fs_alias = alias
        return self._fs

    def _prepare(self, data: object, metadata: RawMapping) -> gridfs_upload.Upload:
        return gridfs_upload.Upload(data, metadata)

    def _mark_as_changed(self) -> None:
        if self.instance is not None:
            self.instance._mark_as_changed(self.key)

    def _twin(self, grid_id: object) -> Self:
        """Return a proxy for another file of the same field and document."""
        twin = self.__copy__()
        twin.__dict__.update(grid_id=grid_id, gridout=None, newfile=None)
        twin.__dict__.pop("_position", None)
        return twin

    # What a file looks like

    def _opened(self) -> Any:
        """Return the open file: as it is, or opened now where that may block."""
        if self.gridout is None and self.grid_id is not None:
            if may_block(self._alias):
                return self.get()
            raise AttributeError(
                f"Use `await {type(self).__name__}.async_get()` first: the alias "
                f'"{self._alias}" is open with connect_async()'
            )
        return self.gridout

    def __getattr__(self, name: str) -> PythonValue:
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

    def __get__(self, instance: Instance, value: PythonValue) -> Self:
        return self

    def __bool__(self) -> bool:
        return bool(self.grid_id)

    def __getstate__(self) -> Keywords:
        state = {**self.__dict__, "_fs": None, "gridout": None, "newfile": None}
        state.pop("_position", None)
        return state

    def __setstate__(self, state: Keywords) -> None:
        self.__dict__.update(state)

    def __copy__(self) -> Self:
        copied = type(self)()
        copied.__dict__.update(self.__dict__, _fs=None)
        return copied

    def __deepcopy__(self, memo: object) -> Self:
        return self.__copy__()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.grid_id}>"

    def __str__(self) -> str:
        opened = self.gridout
        if opened is None and may_block(self._alias):
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
