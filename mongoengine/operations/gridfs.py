"""Store, read, replace and delete files in GridFS: each operation once.

GridFS splits a file into chunks, documents of the collection ``<name>.chunks``, and
describes it in one document of ``<name>.files``.  It takes no part in transactions.
See https://www.mongodb.com/docs/manual/core/gridfs/

A file that is being stored belongs to nobody until its description is inserted, which
GridFS does last; a file that is being deleted loses its description first.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from gridfs.asynchronous import AsyncGridOut
from gridfs.errors import CorruptGridFile, FileExists, NoFile
from pymongo.errors import AutoReconnect, NotPrimaryError, PyMongoError

from mongoengine import connection
from mongoengine.base.types import AnyCollection, PrimaryKey, RawMapping
from mongoengine.driver.complete import completed
from mongoengine.driver.io import ASYNC, IO
from mongoengine.driver.undo import after_commit, in_transaction, on_abort
from mongoengine.errors import GridFSError
from mongoengine.operations.gridfs_upload import (
    Upload,
    begin,
    clean_up,
    feed,
    file_session,
    upload,
    whole,
)

if TYPE_CHECKING:
    from mongoengine.driver.session import Session

__all__ = (
    "StoredFile",
    "Upload",
    "close",
    "delete",
    "get",
    "new_file",
    "open_thumbnail",
    "put",
    "read",
    "readchunk",
    "readline",
    "readlines",
    "replace",
    "write",
    "writelines",
)

_log = logging.getLogger(__name__)

_HAS_A_FILE = (
    "This document already has a file. Either delete it or call replace to overwrite it"
)

#: How many chunks `async for` asks for at once: 2 MB of the usual 255 kB.
_CHUNKS_AT_ONCE = 8


class StoredFile(Protocol):
    """The state of a file of a document, on which the operations work."""

    grid_id: PrimaryKey
    collection_name: str
    newfile: Any
    gridout: Any
    _position: int
    #: An image is stored from one file-like object and may have a thumbnail.
    _is_image: bool

    @property
    def _alias(self) -> str:
        """The alias of the database that the file is in."""

    def _files(self, io: IO) -> Any:
        """Return PyMongo's `GridFS` or `AsyncGridFS` of the alias and collection."""

    def _prepare(self, data: object, metadata: RawMapping) -> Upload:
        """Return what to store for the data that a caller passed to `put`."""

    def _mark_as_changed(self) -> None:
        """Mark the field of the document as changed."""

    def _twin(self, grid_id: object) -> Any:
        """Return a proxy of the same place for another file, without a document."""


class _AbandonedFile:
    """Stand for a file that failed or was cancelled while it was being written."""

    closed = True

    def write(self, data: object) -> None:
        raise GridFSError(
            "This file was removed when writing it failed or was cancelled: "
            "begin it again with new_file()"
        )

    def close(self) -> None:
        """Do nothing: there is no file."""


# Reading


async def get(
    proxy: StoredFile, io: IO, /, grid_id: object = None, *, session: Session = None
) -> Any:
    """Open the stored file.

    :param grid_id: the id of another file to stand for from now on
    :param session: a PyMongo session to work in
    :returns: a PyMongo `GridOut` (`AsyncGridOut`), or None if there is no file
    """
    if grid_id and grid_id != proxy.grid_id:
        _point_to(proxy, grid_id)
    if proxy.grid_id is None:
        return None
    opened = proxy.gridout
    if opened is None or isinstance(opened, AsyncGridOut) != io.is_async:
        try:
            opened = await io.plain(proxy._files(io).get, proxy.grid_id, file_session())
        except NoFile:
            return None
        if proxy._position:
            await io.plain(opened.seek, proxy._position)
        proxy.gridout = opened
    return opened


async def read(
    proxy: StoredFile, io: IO, /, size: int = -1, *, session: Session = None
) -> Any:
    """Read from where the last successful read ended.

    :param size: the greatest number of bytes; everything that is left if negative
    :param session: a PyMongo session to work in
    :returns: bytes; None if there is no file, `""` if it is damaged
    """
    try:
        return await _read_with(proxy, io, "read", size)
    except CorruptGridFile:
        return ""


async def readline(
    proxy: StoredFile, io: IO, /, size: int = -1, *, session: Session = None
) -> Any:
    """Read one line, or None if there is no file.

    :param size: the greatest number of bytes; the whole line if negative
    :param session: a PyMongo session to work in
    """
    return await _read_with(proxy, io, "readline", size)


async def readlines(
    proxy: StoredFile, io: IO, /, size: int = -1, *, session: Session = None
) -> Any:
    """Read the lines that are left, or None if there is no file.

    :param size: stop when the lines have this number of bytes; all if negative
    :param session: a PyMongo session to work in
    """
    return await _read_with(proxy, io, "readlines", size)


async def readchunk(proxy: StoredFile, io: IO, /, *, session: Session = None) -> Any:
    """Read the rest of the current chunk, or None if there is no file.

    :param session: a PyMongo session to work in
    """
    return await _read_with(proxy, io, "readchunk")


async def _read_with(proxy: StoredFile, io: IO, method: str, *args: object) -> Any:
    opened = await get(proxy, io)
    if opened is None:
        return None
    start = opened.tell()
    try:
        return await io.plain(getattr(opened, method), *args)
    except CorruptGridFile:
        raise
    except BaseException:
        # A GridOut goes on after what it could not read: open the file again.
        proxy.gridout, proxy._position = None, start
        raise


async def chunks(proxy: StoredFile) -> AsyncIterator[bytes]:
    """Iterate over the file in pieces: its chunks, a few of them in memory.

    Sends a ``find`` for every few chunks and leaves no cursor open.

    :raises CorruptGridFile: if a chunk is missing
    """
    opened = await get(proxy, ASYNC)
    if opened is None:
        return
    collection = connection.database(ASYNC, proxy._alias)[proxy.collection_name]
    left, number = opened.length, 0
    while left > 0:
        query = {"files_id": proxy.grid_id, "n": {"$gte": number}}
        cursor = collection.chunks.find(query, session=file_session())
        batch = await cursor.sort("n").limit(_CHUNKS_AT_ONCE).to_list()
        if not batch:
            raise CorruptGridFile(f"no chunk #{number}")
        for chunk in batch:
            if chunk["n"] != number:
                raise CorruptGridFile(f"no chunk #{number}")
            data = bytes(chunk["data"])
            yield data
            left -= len(data)
            number += 1


async def open_thumbnail(proxy: StoredFile, io: IO, /) -> Any:
    """Open the thumbnail of an image.

    :returns: a PyMongo `GridOut` (`AsyncGridOut`), or None if there is none
    """
    opened = await get(proxy, io)
    if opened is None or not opened.thumbnail_id:
        return None
    session = file_session()
    return await io.plain(proxy._files(io).get, opened.thumbnail_id, session)


# Storing


async def put(proxy: StoredFile, io: IO, /, file_obj: object, **kwargs: object) -> None:
    """Store a file.

    :param file_obj: bytes, a file-like object, an iterable of bytes, or text if
        `encoding` is among the keywords; in async code also an asynchronous iterable
        or an object with a coroutine method `read`
    :param kwargs: `filename`, `content_type`, and other data about the file
    :raises GridFSError: if there is a file already
    """
    grid_id = await _store(proxy, io, file_obj, kwargs)
    _point_to(proxy, grid_id)
    proxy._mark_as_changed()


async def _store(proxy: StoredFile, io: IO, data: object, metadata: RawMapping) -> Any:
    if proxy._is_image:
        data = await whole(io, data)
    prepared = proxy._prepare(data, metadata)
    if proxy.grid_id:
        raise GridFSError(_HAS_A_FILE)
    files = proxy._files(io)
    if prepared.thumbnail is None:
        return await upload(io, files, prepared.data, prepared.metadata)
    thumbnail_id = await upload(io, files, *prepared.thumbnail)
    try:
        metadata = {**prepared.metadata, "thumbnail_id": thumbnail_id}
        return await upload(io, files, prepared.data, metadata)
    except BaseException:
        await clean_up(io, files.delete, thumbnail_id, file_session())
        raise


async def new_file(proxy: StoredFile, io: IO, /, **kwargs: object) -> None:
    """Begin a file that `write` adds to and `close` stores.

    :param kwargs: `filename`, `content_type`, and other data about the file
    :raises FileExists: if there is a file with the `_id` among the keywords
    """
    target = await begin(io, proxy._files(io), kwargs)
    _point_to(proxy, target._id)
    proxy.newfile = target
    proxy._mark_as_changed()


async def write(
    proxy: StoredFile, io: IO, /, string: object, *, session: Session = None
) -> None:
    """Add to the file that `new_file` began, or begin one.

    :param string: anything that `put` accepts
    :param session: a PyMongo session to work in
    :raises GridFSError: if there is a stored file, or if the file was removed when
        writing it failed or was cancelled
    """
    if proxy.grid_id and not proxy.newfile:
        raise GridFSError(_HAS_A_FILE)
    if not proxy.newfile:
        await new_file(proxy, io)
    await _add(proxy, io, string)


async def writelines(
    proxy: StoredFile, io: IO, /, lines: Iterable[object], *, session: Session = None
) -> None:
    """Add several pieces to the file that `new_file` began, or begin one.

    :param lines: an iterable (in async code also an asynchronous one) of bytes or
        file-like objects
    :param session: a PyMongo session to work in
    """
    if not proxy.newfile:
        await new_file(proxy, io)
    await _add(proxy, io, lines)


async def _add(proxy: StoredFile, io: IO, data: object) -> None:
    target = proxy.newfile
    if target.closed:
        # Raises an error: the file is stored, or was abandoned.
        await io.plain(target.write, b"")
    try:
        await feed(io, target, data)
    except Exception as error:
        # What the data raised is for the caller to mend; chunks that could not be
        # sent are lost.
        if isinstance(error, PyMongoError):
            await _abandon(proxy, io)
        raise
    except BaseException:
        await _abandon(proxy, io)
        raise


async def close(proxy: StoredFile, io: IO, /, *, session: Session = None) -> None:
    """Store what was written since `new_file`.

    If that fails or is cancelled, nothing is stored and the field has no file.

    :param session: a PyMongo session to work in
    """
    target = proxy.newfile
    if not target or target.closed:
        return
    try:
        await completed(io, target.close)
    except FileExists:
        _point_to(proxy, None)
        raise
    except BaseException:
        await _abandon(proxy, io)
        raise


async def _abandon(proxy: StoredFile, io: IO) -> None:
    target = proxy.newfile
    _point_to(proxy, None)
    proxy.newfile = _AbandonedFile()
    proxy._mark_as_changed()
    await clean_up(io, target.abort)


# Deleting and replacing


async def delete(proxy: StoredFile, io: IO, /, *, session: Session = None) -> None:
    """Remove the stored file, and its thumbnail.

    In a transaction it is removed when that has been committed.

    :param session: a PyMongo session to work in
    """
    if in_transaction():
        await _delete_with_commit(proxy, io)
        _point_to(proxy, None)
        proxy._mark_as_changed()
    else:
        await completed(io, _delete, proxy, io)


async def _delete_with_commit(proxy: StoredFile, io: IO) -> None:
    """Remove the file when the transaction has been committed, or keep its id."""
    old = proxy._twin(proxy.grid_id)
    old._pinned_alias, old.instance = proxy._alias, None
    on_abort(partial(_point_to, proxy, proxy.grid_id))
    await after_commit(io, _delete_old, old)


async def _delete_old(io: IO, old: StoredFile) -> None:
    await _delete(old, io)


async def _delete(proxy: StoredFile, io: IO) -> None:
    files = proxy._files(io)
    if proxy._is_image:
        opened = await get(proxy, io)
        thumbnail_id = getattr(opened, "thumbnail_id", None)
        if thumbnail_id:
            await io.plain(files.delete, thumbnail_id, file_session())
    await io.plain(files.delete, proxy.grid_id, file_session())
    _point_to(proxy, None)
    proxy._mark_as_changed()


async def replace(
    proxy: StoredFile, io: IO, /, file_obj: object, **kwargs: object
) -> Any:
    """Store a file in place of the stored one, which is removed after that.

    If it fails or is cancelled, the old file stays and the field keeps its id.  In a
    transaction the old file is removed when that has been committed.

    :param file_obj: anything that `put` accepts
    :param kwargs: `filename`, `content_type`, and other data about the file
    :returns: the id of the new file
    """
    if proxy.grid_id is None:
        await io.call(proxy, "put", file_obj, **kwargs)
        return proxy.grid_id
    new = proxy._twin(None)
    if in_transaction():
        await io.call(new, "put", file_obj, **kwargs)
        await _delete_with_commit(proxy, io)
        _point_to(proxy, new.grid_id)
        proxy._mark_as_changed()
        return new.grid_id
    try:
        await _exchange(io, proxy, new, file_obj, kwargs)
    finally:
        if new.grid_id is not None:
            _point_to(proxy, new.grid_id)
            proxy._mark_as_changed()
    return new.grid_id


async def _exchange(
    io: IO, old: StoredFile, new: StoredFile, data: object, metadata: RawMapping
) -> None:
    """Put a file through `new`, then remove the one of `old`.

    If the old file cannot be removed, the new one is, and `new` has no id.
    """
    root = connection.database(io, old._alias)[old.collection_name]
    query = {"_id": old.grid_id}
    description = await io(root.files.find_one, query, session=file_session())
    await io.call(new, "put", data, **metadata)
    try:
        await completed(io, _delete_description, io, root, old.grid_id)
    except BaseException as error:
        unknown = isinstance(error, AutoReconnect) and not isinstance(
            error, NotPrimaryError
        )
        await completed(io, _undo_exchange, io, root, description, new, unknown)
        raise
    thumbnail_id = (description or {}).get("thumbnail_id")
    await completed(io, _remove_chunks, io, root, old.grid_id, thumbnail_id)


async def _delete_description(io: IO, root: AnyCollection, grid_id: object) -> None:
    await io(root.files.delete_one, {"_id": grid_id}, session=file_session())


async def _undo_exchange(
    io: IO, root: AnyCollection, description: RawMapping, new: StoredFile, unknown: bool
) -> None:
    """Restore the description of the old file and remove the new file.

    If the old file cannot be restored, the new one is kept.  It is kept, too, if it
    is `unknown` whether the server is still about to delete the old one.
    """
    try:
        if description is not None:
            query = {"_id": description["_id"]}
            options = {"upsert": True, "session": file_session()}
            await io(root.files.replace_one, query, description, **options)
        if not unknown:
            await _delete(new, io)
    except PyMongoError:
        _log.warning("A replaced file could not be restored", exc_info=True)
    else:
        _point_to(new, None)


async def _remove_chunks(
    io: IO, root: AnyCollection, grid_id: object, thumbnail_id: object
) -> None:
    """Remove the chunks of a file without a description, and its thumbnail."""
    session = file_session()
    try:
        await io(root.chunks.delete_many, {"files_id": grid_id}, session=session)
        if thumbnail_id is not None:
            query = {"files_id": thumbnail_id}
            await io(root.files.delete_one, {"_id": thumbnail_id}, session=session)
            await io(root.chunks.delete_many, query, session=session)
    except PyMongoError:
        _log.warning("Chunks of a replaced file are left in GridFS", exc_info=True)


def _point_to(proxy: StoredFile, grid_id: object) -> None:
    """Let a proxy stand for another stored file, or for none."""
    proxy.grid_id = grid_id
    proxy.gridout = proxy.newfile = None
    if proxy._position:
        proxy._position = 0
