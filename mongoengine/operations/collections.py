"""Opening the collection of a document class, and its indexes.

A collection is prepared when a class first uses it: made, where it is capped or
a timeseries, and given its indexes.  What has been prepared is noted on the
PyMongo database object, so that it is forgotten with the client that it belongs
to; using it again costs a look into a dict.
"""

from __future__ import annotations

import asyncio
import math
import threading
from contextlib import ExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from mongoengine import connection
from mongoengine.base import context
from mongoengine.base.common import _get_documents_by_db
from mongoengine.connection import DEFAULT_CONNECTION_NAME
from mongoengine.driver.io import ASYNC, SYNC, WrongFamilyError, run
from mongoengine.errors import OperationError

if TYPE_CHECKING:
    from mongoengine.document import Document
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("InvalidCollectionError",)

DocumentClass: TypeAlias = "type[Document]"
Target: TypeAlias = tuple[DocumentClass, str]

#: Bytes of a capped collection that has `max_documents` but no `max_size`.
DEFAULT_CAPPED_SIZE = 10 * 2**20
#: Servers allot capped collections in steps of so many bytes.
CAPPED_SIZE_STEP = 256

# Attributes of PyMongo database objects.
_PREPARED = "_mongoengine_prepared"
_PREPARING = "_mongoengine_preparing"

# What this task or thread is preparing: `ensure_indexes()`, which users may
# override, opens the collection that is being prepared.
_preparing_here: ContextVar[frozenset[tuple[int, Target]]] = ContextVar(
    "preparing_here", default=frozenset()
)


class InvalidCollectionError(Exception):
    """A collection exists, and is not capped as its document class demands."""


def alias_of(cls: DocumentClass) -> str:
    """The alias that the class uses in this task or thread."""
    alias: str | None = context.db_alias_of(cls)
    return own_alias_of(cls) if alias is None else alias


def own_alias_of(cls: DocumentClass) -> str:
    """The alias that `cls` was declared with."""
    alias: str = cls._meta.get("db_alias", DEFAULT_CONNECTION_NAME)
    return alias


def _forget_alias(alias: str) -> None:
    """Let the classes of a closed connection open their collections again."""
    for cls in _get_documents_by_db(alias, DEFAULT_CONNECTION_NAME):
        if cls._is_document:
            cls._disconnect()


connection._when_closed.append(_forget_alias)


def collection_of(
    cls: DocumentClass, alias: str | None = None, name: str | None = None
) -> Any:
    """The collection of `cls`, as `open_collection` on `SYNC`."""
    try:
        return run(open_collection(cls, SYNC, alias, name))
    except WrongFamilyError as error:
        raise error.named(cls, "_async_get_collection") from None


async def async_collection_of(
    cls: DocumentClass, alias: str | None = None, name: str | None = None
) -> Any:
    """The collection of `cls`, as `open_collection` on `ASYNC`."""
    try:
        return await open_collection(cls, ASYNC, alias, name)
    except WrongFamilyError as error:
        raise error.named(cls, "_get_collection") from None


def prepared_collection(
    cls: DocumentClass, io: IO, alias: str, name: str | None
) -> Any:
    """The collection, if it has been prepared; else None.

    :raises WrongFamilyError: if the alias is open only the other way
    :raises ConnectionFailure: if it is not defined
    """
    prepared = connection.database(io, alias).__dict__.get(_PREPARED)
    if prepared is None:
        return None
    collection = prepared.get((cls, name))
    if collection is not None and cls._collection is None and _is_own(cls, alias, name):
        return None  # it was forgotten
    return collection


async def open_collection(
    cls: DocumentClass, io: IO, alias: str | None = None, name: str | None = None
) -> Any:
    """The collection of `cls`, ready for use.

    :param alias: connection alias; that of `cls` where None.
    :param name: collection name; that of `cls` where None.
    """
    if alias is None:
        alias = alias_of(cls)
    if name is None:
        name = cls._get_collection_name()
    target: Target = (cls, name)  # type: ignore[assignment]
    while True:
        collection = prepared_collection(cls, io, alias, target[1])
        if collection is not None:
            return collection
        database = connection.database(io, alias)
        if (id(database), target) in _preparing_here.get():
            return database.get_collection(name)
        preparing: dict[Target, Any] = vars(database).setdefault(_PREPARING, {})
        done = asyncio.Event() if io.is_async else threading.Event()
        others = preparing.setdefault(target, done)
        if others is done:
            break
        await io(others.wait())
    try:
        return await _prepare(cls, io, database, alias, target)
    finally:
        del preparing[target]
        done.set()


def _is_own(cls: DocumentClass, alias: str, name: str | None) -> bool:
    """Whether this is the collection that `cls._collection` stands for."""
    return alias == own_alias_of(cls) and name == cls._meta.get("collection")


async def _prepare(
    cls: DocumentClass, io: IO, database: Any, alias: str, target: Target
) -> Any:
    name = target[1]
    meta = cls._meta
    if meta.get("max_size") or meta.get("max_documents"):
        collection = await _open_capped(cls, io, database, name)
    elif meta.get("timeseries"):
        collection = await _open_timeseries(cls, io, database, name)
    else:
        collection = database.get_collection(name)
    try:
        if meta.get("auto_create_index", True) and await io(database.client.is_primary):
            await _ensure_first_indexes(cls, io, database, alias, target)
    except Exception:
        # As the error has been told, later operations do without the index.
        _note_prepared(cls, alias, database, target, collection)
        raise
    _note_prepared(cls, alias, database, target, collection)
    return collection


async def _ensure_first_indexes(
    cls: DocumentClass, io: IO, database: Any, alias: str, target: Target
) -> None:
    here = _preparing_here.set(_preparing_here.get() | {(id(database), target)})
    try:
        with ExitStack() as switched:
            if alias_of(cls) != alias:
                switched.enter_context(context.Switch(context.db_aliases, alias, cls))
            if cls._get_collection_name() != target[1]:
                switched.enter_context(
                    context.Switch(context.collection_names, target[1], cls)
                )
            await io.call(cls, "ensure_indexes")
    finally:
        _preparing_here.reset(here)


def _note_prepared(
    cls: DocumentClass, alias: str, database: Any, target: Target, collection: Any
) -> None:
    vars(database).setdefault(_PREPARED, {})[target] = collection
    if _is_own(cls, alias, target[1]):
        cls._collection = collection


async def _exists(io: IO, database: Any, name: str, *, session: Session = None) -> bool:
    session = connection._get_session()
    return name in await io(database.list_collection_names(session=session))


async def _open_capped(cls: DocumentClass, io: IO, database: Any, name: str) -> Any:
    """The capped collection `name`, made if need be.

    See https://www.mongodb.com/docs/manual/core/capped-collections/
    """
    count = cls._meta.get("max_documents") or None
    size = cls._meta.get("max_size") or DEFAULT_CAPPED_SIZE
    size = math.ceil(size / CAPPED_SIZE_STEP) * CAPPED_SIZE_STEP
    session = connection._get_session()
    if await _exists(io, database, name):
        collection = database.get_collection(name)
        options = await io(collection.options(session=session))
        if options.get("max") != count or options.get("size") != size:
            # The name has always been told as None, and programs match the text.
            raise InvalidCollectionError(
                'Cannot create collection "None" as a capped collection as it '
                "already exists"
            )
        return collection
    options = {"capped": True, "size": size}
    if count is not None:
        options["max"] = count
    return await io(database.create_collection, name, session=session, **options)


async def _open_timeseries(cls: DocumentClass, io: IO, database: Any, name: str) -> Any:
    """The timeseries collection `name`, made if need be.

    See https://www.mongodb.com/docs/manual/core/timeseries-collections/
    """
    if await _exists(io, database, name):
        collection = database.get_collection(name)
        # Asked for, as ever, but not compared: any existing collection will do.
        await io(collection.options(session=connection._get_session()))
        return collection
    timeseries = dict(cls._meta["timeseries"])
    options: dict[str, Any] = {"timeseries": timeseries}
    if "expireAfterSeconds" in timeseries:
        options["expireAfterSeconds"] = timeseries.pop("expireAfterSeconds")
    session = connection._get_session()
    return await io(database.create_collection, name, session=session, **options)


async def _drop_collection(
    cls: DocumentClass, io: IO, /, *, session: Session = None
) -> None:
    """Drop the collection of the class, all its documents and indexes.

    Sends `drop`.

    :param session: a PyMongo session to work in
    :raises OperationError: if the class has none, being abstract.
    """
    name = cls._get_collection_name()
    if not name:
        raise OperationError(
            f"Document {cls} has no collection defined (is it abstract ?)"
        )
    alias = alias_of(cls)
    database = connection.database(io, alias)
    if _is_own(cls, alias, name):
        cls._collection = None
    vars(database).get(_PREPARED, {}).pop((cls, name), None)
    await io(database.drop_collection(name, session=connection._get_session()))
