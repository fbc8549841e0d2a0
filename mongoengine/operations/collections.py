"""Open the collection of a document class, and create its indexes at first use.

A collection is prepared when a class first uses it: created, where it is capped or
a time series, and given its indexes.  What has been prepared is noted by the alias,
beside its client, and forgotten with that; using it again costs a look-up in a dict.

A preparation that fails or is cancelled is not noted: whoever uses the class next
prepares it again, so that nobody works without a unique index unawares.

Tasks and threads that find a preparation running wait for it, unless it runs code
of the user's (an `ensure_indexes()` of their own).  That may wait for anything,
also for those who would wait for it, so that then each prepares for itself.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pymongo.collection import Collection
from pymongo.errors import CollectionInvalid, OperationFailure

from mongoengine.base import context
from mongoengine.base.common import _get_documents_by_db
from mongoengine.base.types import AnyDatabase, Keywords, RawMapping
from mongoengine.connection import DEFAULT_CONNECTION_NAME
from mongoengine.driver.alias import Target
from mongoengine.driver.io import ASYNC, SYNC, instead, run
from mongoengine.driver.registry import registry
from mongoengine.driver.types import AnyCollection, RawDocument
from mongoengine.errors import InvalidCollectionError, OperationError

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.alias import OpenDatabase
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("InvalidCollectionError",)

DocumentClass: TypeAlias = "type[StoredDocument]"

#: Bytes of a capped collection that has `max_documents` but no `max_size`.
DEFAULT_CAPPED_SIZE = 10 * 2**20
#: Servers allot capped collections in steps of so many bytes.
CAPPED_SIZE_STEP = 256

_NAMESPACE_EXISTS = 48


class _Preparation:
    """A collection that this task or thread is preparing.

    What is called meanwhile may open the collection: `ensure_indexes()` does.
    """

    def __init__(self, opened: OpenDatabase, target: Target) -> None:
        self.opened = opened
        self.target = target
        self.is_over = False


_preparing_here: ContextVar[tuple[_Preparation, ...]] = ContextVar(
    "preparing_here", default=()
)


def own_target(cls: DocumentClass) -> tuple[str, str | None]:
    """Return the alias and collection that a class declares."""
    meta = cls._meta
    return meta.get("db_alias", DEFAULT_CONNECTION_NAME), meta.get("collection")


def _forget_alias(alias: str) -> None:
    """Let the classes of a closed connection open their collections again."""
    for cls in _get_documents_by_db(alias, DEFAULT_CONNECTION_NAME):
        if cls._is_document:
            cls._disconnect()


registry.on_close(_forget_alias)


def collection_of(
    cls: DocumentClass, alias: str | None = None, name: str | None = None
) -> Collection[RawDocument]:
    """Return the collection of `cls`, as `open_collection` on `SYNC`."""
    with instead("_async_get_collection()", cls):
        collection = run(open_collection(cls, SYNC, alias, name))
        return cast("Collection[RawDocument]", collection)


async def async_collection_of(
    cls: DocumentClass, alias: str | None = None, name: str | None = None
) -> AsyncCollection[RawDocument]:
    """Return the collection of `cls`, as `open_collection` on `ASYNC`."""
    with instead("_get_collection()", cls):
        collection = await open_collection(cls, ASYNC, alias, name)
        return cast("AsyncCollection[RawDocument]", collection)


def prepared_collection(
    cls: DocumentClass, io: IO, alias: str, name: str | None
) -> AnyCollection | None:
    """Return the collection, if it has been prepared; else None.

    :raises WrongFamilyError: if the alias is open only the other way
    :raises ConnectionFailure: if it is not defined
    """
    collection = registry.opened(io, alias).prepared.get((cls, name))
    if collection is not None and cls._collection is None and _is_own(cls, alias, name):
        return None  # it was forgotten
    return collection


async def collection_to_write(document: StoredDocument, io: IO) -> AnyCollection:
    """Return the collection that a document is stored in."""
    cls = type(document)
    alias, name = document._target or (cls._get_db_alias(), cls._get_collection_name())
    collection = prepared_collection(cls, io, alias, name)
    if collection is None:
        return await open_collection(cls, io, alias, name)
    return collection


async def open_collection(
    cls: DocumentClass, io: IO, alias: str | None = None, name: str | None = None
) -> AnyCollection:
    """Return the collection of `cls`, ready for use.

    :param alias: connection alias; that of `cls` where None.
    :param name: collection name; that of `cls` where None.
    :raises InvalidCollectionError: it exists with other options.
    """
    if alias is None:
        alias = context.alias_of(cls)
    if name is None:
        name = cls._get_collection_name()
    collection = prepared_collection(cls, io, alias, name)
    if collection is not None:
        return collection
    opened = registry.opened(io, alias)
    target: Target = (cls, name)
    outer = _preparing_here.get()
    for preparation in outer:
        if (
            preparation.target == target
            and preparation.opened is opened
            and not preparation.is_over
        ):
            inner: AnyCollection = opened.database.get_collection(name)
            return inner
    preparation = _Preparation(opened, target)
    token = _preparing_here.set((*outer, preparation))
    try:
        if _has_own_ensure_indexes(cls, io):
            return await _prepare(cls, io, opened, alias, target)
        return await _prepare_once(cls, io, opened, alias, target)
    finally:
        preparation.is_over = True
        _preparing_here.reset(token)


def _has_own_ensure_indexes(cls: DocumentClass, io: IO) -> bool:
    """Return whether creating the indexes of the class runs code of the user's."""
    face = cls.async_ensure_indexes if io.is_async else cls.ensure_indexes
    return not hasattr(face, "_operation") or hasattr(face, "__wrapped__")


async def _prepare_once(
    cls: DocumentClass, io: IO, opened: OpenDatabase, alias: str, target: Target
) -> AnyCollection:
    """Prepare a collection, or wait until another task or thread has."""
    preparing = opened.preparing
    key = (os.getpid(), target)
    while True:
        done = asyncio.Event() if io.is_async else threading.Event()
        first = preparing.setdefault(key, done)
        if first is not done:
            await io.plain(first.wait)
            collection = prepared_collection(cls, io, alias, target[1])
            if collection is not None:
                return collection
            continue  # it failed or was cancelled
        try:
            return await _prepare(cls, io, opened, alias, target)
        finally:
            del preparing[key]
            done.set()


def _is_own(cls: DocumentClass, alias: str, name: str | None) -> bool:
    """Return whether this is the collection that `cls._collection` stands for."""
    return (alias, name) == own_target(cls)


async def _prepare(
    cls: DocumentClass, io: IO, opened: OpenDatabase, alias: str, target: Target
) -> AnyCollection:
    """Create a collection that needs options, and its indexes, and note it."""
    database, drops = opened.database, opened.drops
    name: Any = target[1]
    meta = cls._meta
    if meta.get("max_size") or meta.get("max_documents"):
        collection = await _open_capped(cls, io, database, name)
    elif meta.get("timeseries"):
        collection = await _open_timeseries(cls, io, database, name)
    else:
        collection = database.get_collection(name)
    is_ready = True
    if meta.get("auto_create_index", True):
        # A secondary may become the primary: ask again when it is next used.
        is_ready = await io.plain(getattr, database.client, "is_primary")
        if is_ready:
            await _ensure_first_indexes(cls, io, alias, target)
    if is_ready and opened.drops == drops:
        opened.prepared[target] = collection
    if _is_own(cls, alias, name):
        cls._collection = collection
    return collection


async def _ensure_first_indexes(
    cls: DocumentClass, io: IO, alias: str, target: Target
) -> None:
    with ExitStack() as switched:
        if context.alias_of(cls) != alias:
            switched.enter_context(context.Switch(context.db_aliases, alias, cls))
        name: Any = target[1]
        if cls._get_collection_name() != name:
            switched.enter_context(context.Switch(context.collection_names, name, cls))
        await io.call(cls, "ensure_indexes")


async def _exists(io: IO, database: AnyDatabase, name: str) -> bool:
    return name in await io(database.list_collection_names)


async def _create(
    io: IO, database: AnyDatabase, name: str, options: RawMapping
) -> AnyCollection | None:
    """Create a collection; None if another task, thread or program just has."""
    try:
        created: AnyCollection = await io(database.create_collection, name, **options)
        return created
    except CollectionInvalid:
        return None
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        return None


def _differ(existing: RawMapping, declared: RawMapping, names: Iterable[str]) -> bool:
    return any(existing.get(name) != declared.get(name) for name in names)


async def _open_capped(
    cls: DocumentClass, io: IO, database: AnyDatabase, name: str
) -> AnyCollection:
    """Return the capped collection `name`, created if need be.

    See https://www.mongodb.com/docs/manual/core/capped-collections/

    :raises InvalidCollectionError: it is not capped, or with other limits.
    """
    size = cls._meta.get("max_size") or DEFAULT_CAPPED_SIZE
    size = math.ceil(size / CAPPED_SIZE_STEP) * CAPPED_SIZE_STEP
    options = {"capped": True, "size": size}
    if count := cls._meta.get("max_documents"):
        options["max"] = count
    if not await _exists(io, database, name):
        created = await _create(io, database, name, options)
        if created is not None:
            return created
    collection = database.get_collection(name)
    if _differ(await io(collection.options), options, ("size", "max")):
        raise InvalidCollectionError(
            f'Cannot create collection "{name}" as a capped collection as it '
            "already exists"
        )
    return collection


async def _open_timeseries(
    cls: DocumentClass, io: IO, database: AnyDatabase, name: str
) -> AnyCollection:
    """Return the time series collection `name`, created if need be.

    See https://www.mongodb.com/docs/manual/core/timeseries-collections/

    :raises InvalidCollectionError: another program has just created it otherwise.
    """
    series = dict(cls._meta["timeseries"])
    options: Keywords = {"timeseries": series}
    if "expireAfterSeconds" in series:
        options["expireAfterSeconds"] = series.pop("expireAfterSeconds")
    if await _exists(io, database, name):
        collection = database.get_collection(name)
        # As ever, its options are asked for, and any existing collection will do.
        await io(collection.options)
        return collection
    created = await _create(io, database, name, options)
    if created is not None:
        return created
    collection = database.get_collection(name)
    existing = (await io(collection.options)).get("timeseries", {})
    if _differ(existing, series, {"timeField", "metaField", *series}):
        raise InvalidCollectionError(
            f'Cannot create collection "{name}" as a time series collection as it '
            "already exists"
        )
    return collection


async def drop_collection(
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
    alias = context.alias_of(cls)
    opened = registry.opened(io, alias)
    if _is_own(cls, alias, name):
        cls._collection = None
    try:
        opened.forget((cls, name))
        await io(opened.database.drop_collection, name)
    finally:  # one that prepared it meanwhile
        opened.forget((cls, name))
