"""Write what a caller passes to a file in GridFS: bytes, files, iterables, text."""

from __future__ import annotations

import inspect
import logging
from io import BytesIO
from typing import Any, NamedTuple

from gridfs import AsyncGridFS, GridFS
from gridfs.errors import FileExists
from pymongo.errors import PyMongoError

from mongoengine import connection
from mongoengine.base.types import RawMapping
from mongoengine.driver.complete import completed
from mongoengine.driver.io import IO
from mongoengine.driver.session import Session

__all__ = (
    "Upload",
    "begin",
    "clean_up",
    "feed",
    "file_session",
    "gridfs_of",
    "upload",
    "whole",
)

_log = logging.getLogger(__name__)

#: The number of bytes that are written without a chance to be cancelled: 16 MiB.
_PIECE = 1 << 24


class Upload(NamedTuple):
    """A file to store, and the one that belongs to it (the thumbnail of an image)."""

    data: Any
    metadata: RawMapping
    thumbnail: tuple[Any, RawMapping] | None = None


def gridfs_of(io: IO, alias: str, collection_name: str) -> AsyncGridFS | GridFS:
    """Return PyMongo's `GridFS` or `AsyncGridFS` of an alias and a collection."""
    make = AsyncGridFS if io.is_async else GridFS
    return make(connection.database(io, alias), collection_name)


def file_session() -> Session:
    """Return the session for files, or None: GridFS refuses one in a transaction."""
    session = connection._get_session()
    return None if session is None or session.in_transaction else session


async def upload(io: IO, files: object, data: object, metadata: RawMapping) -> object:
    """Store a file and return its id; remove what was stored of it if that fails."""
    target = await begin(io, files, metadata)
    try:
        await feed(io, target, data)
        await completed(io, target.close)
    except FileExists:
        # What is stored under that id is not ours to remove.
        raise
    except BaseException:
        await clean_up(io, target.abort)
        raise
    return target._id


async def begin(io: IO, files: Any, metadata: RawMapping) -> Any:
    """Return a PyMongo `GridIn` (`AsyncGridIn`) for a new file.

    :raises FileExists: if `metadata` has an `_id` that another file has: to remove
        what a failed upload left would remove that file
    """
    session = metadata.get("session") or file_session()
    if "_id" in metadata and await io(files.exists, metadata["_id"], session=session):
        raise FileExists(f"file with _id {metadata['_id']!r} already exists")
    return files.new_file(**{**metadata, "session": session})


async def feed(io: IO, target: Any, data: object) -> None:
    """Write everything that `data` gives to a file.

    Writing a piece is not interrupted, as its chunk might be stored after the file
    was cleaned up; cancellation takes effect between two pieces.
    """
    data = _encoded(target, data)
    if isinstance(data, bytes):
        for start in range(0, len(data) or 1, _PIECE):
            await completed(io, target.write, data[start : start + _PIECE])
    elif _is_read(io, data):
        while piece := await _read_from(io, data, target.chunk_size):
            if isinstance(piece, str):
                raise TypeError("a bytes-like object is required, not 'str'")
            await feed(io, target, piece)
    elif hasattr(data, "__aiter__"):
        if not io.is_async:
            raise TypeError(_ASYNCHRONOUS.format(type(data).__name__))
        pieces = _Pieces(io, target)
        async for piece in data:
            await pieces.add(piece)
        await pieces.flush()
    elif hasattr(data, "__iter__") and not isinstance(data, str):
        pieces = _Pieces(io, target)
        for piece in data:
            await pieces.add(piece)
        await pieces.flush()
    else:
        await completed(io, target.write, data)


_ASYNCHRONOUS = "{} can only be read asynchronously: use the async_ method"


class _Pieces:
    """Gather small pieces, so that a chunk is written at once."""

    def __init__(self, io: IO, target: Any) -> None:
        self._io, self._target = io, target
        self._pieces: list[bytes] = []
        self._size = 0

    async def add(self, piece: Any) -> None:
        piece = _encoded(self._target, piece)
        if isinstance(piece, bytes):
            self._pieces.append(piece)
            self._size += len(piece)
            if self._size >= self._target.chunk_size:
                await self.flush()
        else:
            await self.flush()
            await feed(self._io, self._target, piece)

    async def flush(self) -> None:
        data, self._pieces, self._size = b"".join(self._pieces), [], 0
        if data:
            await feed(self._io, self._target, data)


def _encoded(target: object, piece: object) -> object:
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(piece)
    if isinstance(piece, str) and (encoding := getattr(target, "encoding", None)):
        return piece.encode(encoding)
    return piece


def _is_read(io: IO, data: object) -> bool:
    """Return whether to call `data.read`, or to iterate over `data`."""
    read = getattr(data, "read", None)
    if read is None:
        return False
    return not (
        io.is_async
        and hasattr(data, "__aiter__")
        and not inspect.iscoroutinefunction(read)
    )


async def _read_from(io: IO, data: Any, size: int) -> Any:
    piece = data.read(size)
    if not inspect.isawaitable(piece):
        return piece
    if io.is_async:
        return await piece
    if inspect.iscoroutine(piece):
        piece.close()
    raise TypeError(_ASYNCHRONOUS.format(type(data).__name__))


class _Memory:
    """Receive a file in memory, in place of a `GridIn`."""

    chunk_size = _PIECE

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.pieces.append(data)


async def whole(io: IO, data: object) -> object:
    """Return data as a file-like object (or the path of a file) that is read at once.

    Gathers what is read asynchronously, or comes in pieces.
    """
    read = getattr(data, "read", None)
    if read is None:
        in_pieces = hasattr(data, "__aiter__") or hasattr(data, "__next__")
    else:
        in_pieces = inspect.iscoroutinefunction(read) or not _is_read(io, data)
    if not in_pieces:
        return data
    memory = _Memory()
    await feed(io, memory, data)
    return BytesIO(b"".join(memory.pieces))


async def clean_up(io: IO, call: object, *args: object) -> None:
    """Remove what is left of a file after an error, which the caller raises."""
    try:
        await completed(io, call, *args)
    except PyMongoError:
        _log.warning("Chunks of a file that failed are left in GridFS", exc_info=True)
