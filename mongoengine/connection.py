"""Aliases, their settings and their clients: the only code that holds clients.

An alias is a settings record.  `connect()` opens it with a `MongoClient`,
`await connect_async()` with an `AsyncMongoClient`; it may be open both ways when
the settings are the same.  An `AsyncMongoClient` belongs to one event loop, so
each alias has one per loop, made when it is first needed there and closed when
the loop shuts down.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, Literal

from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database
from pymongo.read_preferences import ReadPreference

from mongoengine.compatibility import names_of
from mongoengine.driver import embedded
from mongoengine.driver import io as io_module
from mongoengine.driver.cursor import closing
from mongoengine.driver.io import ASYNC, IO, SYNC, WrongFamilyError, run
from mongoengine.driver.session import _get_session, bound_session
from mongoengine.driver.settings import (
    DEFAULT_DATABASE_NAME,
    DEFAULT_HOST,
    DEFAULT_PORT,
    READ_PREFERENCE,
    client_options,
    settings_record,
)

__all__ = (
    "DEFAULT_CONNECTION_NAME",
    "DEFAULT_DATABASE_NAME",
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "READ_PREFERENCE",
    "ConnectionFailure",
    "ReadPreference",
    "_get_session",
    "bound_session",
    "connect",
    "connect_async",
    "disconnect",
    "disconnect_all",
    "disconnect_all_async",
    "disconnect_async",
    "get_async_connection",
    "get_async_db",
    "get_connection",
    "get_db",
    "is_async_connection",
    "register_connection",
)

DEFAULT_CONNECTION_NAME = "default"

_connection_settings: dict[str, dict[str, Any]] = {}
_connections: dict[str, Any] = {}
_dbs: dict[str, Any] = {}

_async_classes: dict[str, Any] = {}
_async_clients: dict[tuple[str, AbstractEventLoop], _LoopClient] = {}
_async_dbs: dict[tuple[str, AbstractEventLoop], Any] = {}

# Registered, not connected: opens by itself in whichever family is used.
_registered: set[str] = set()

# Open for blocking operations in the parent of this process.
_reopened: set[str] = set()

# Called with the alias when one of its families is closed.
_when_closed: list[Callable[[str], None]] = []

_lock = threading.RLock()

_SECONDS_OF_WAITING = 5.0


class ConnectionFailure(Exception):
    """An alias is not defined, or could not be opened."""


class _LoopClient:
    """An `AsyncMongoClient` that is closed by its loop's own shutdown.

    `asyncio.run()`, `Runner` and their like finish the asynchronous generators
    that were started on a loop before they close it, while awaiting is still
    possible.  So a generator that waits for its end is how a client learns that
    its loop is going.
    """

    __slots__ = ("_asked", "_keeper", "client", "loop")

    def __init__(self, client: Any, loop: AbstractEventLoop) -> None:
        self.client = client
        self.loop = loop
        self._asked = False
        self._keeper = self._kept()
        start = self._keeper.asend(None)
        try:
            start.send(None)
        except StopIteration:
            return

    async def _kept(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if not self._asked:
                await _other_generators()
                # Until this run of the loop ends: PyMongo before 4.18 closes by
                # generators of its own, of which a loop that is going would warn.
                sys.set_asyncgen_hooks(firstiter=None)
            _forget(self)
            await self.client.close()

    async def close(self) -> None:
        """Close the client, from the loop that it belongs to."""
        self._asked = True
        await self._keeper.aclose()

    def close_from_elsewhere(self) -> None:
        """Have the client closed by its own loop, if that still runs."""
        if self.loop.is_closed():
            return
        try:
            self.loop.call_soon_threadsafe(
                lambda: self.loop.create_task(self.close()) and None
            )
        except RuntimeError:  # closed a moment ago, and the client with it
            return


# Tasks in which loops that are going end the generators of their clients.
_leaving: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()


async def _other_generators() -> None:
    """Wait for what else the loop ends together with the generator of a client.

    Those may be loops over cursors, which are killed through the client.  Each is
    ended by a task of the same kind as the one that runs here.
    """
    here = asyncio.current_task()
    if here is None:
        return
    _leaving.add(here)
    await asyncio.sleep(0)
    kind = _kind_of(here)
    others = [
        task
        for task in asyncio.all_tasks()
        if task not in _leaving and _kind_of(task) == kind
    ]
    others += closing()
    if others:
        await asyncio.wait(others, timeout=_SECONDS_OF_WAITING)


def _kind_of(task: asyncio.Task[Any]) -> Any:
    return getattr(task.get_coro(), "__qualname__", None)


# -- registering and opening --------------------------------------------------


def register_connection(
    alias: str,
    db: str | None = None,
    name: str | None = None,
    host: str | list[str] | None = None,
    port: int | None = None,
    read_preference: Any = READ_PREFERENCE,
    username: str | None = None,
    password: str | None = None,
    authentication_source: str | None = None,
    authentication_mechanism: str | None = None,
    authmechanismproperties: Any = None,
    **kwargs: Any,
) -> None:
    """Note the settings of an alias, which opens when it is first used.

    :param alias: the name that documents use in `meta = {"db_alias": ...}`
    :param db: the name of the database; `name` is another word for it
    :param host: a host name, a MongoDB URI, or a list of them; what a URI says
        (database, user, authentication, `replicaSet`, `readPreference`,
        `uuidRepresentation`) goes before the other arguments.  `embedded://`
        starts a server of one's own: see `mongoengine.driver.embedded`
    :param port: the port of hosts that do not tell theirs
    :param read_preference: a `pymongo.ReadPreference`
    :param authentication_source: the database to authenticate against
    :param authentication_mechanism: such as `"SCRAM-SHA-256"`
    :param authmechanismproperties: options of that mechanism
    :param kwargs: what else `pymongo.MongoClient` takes, such as
        `uuidRepresentation` or `tz_aware`; `mongo_client_class` is the class to
        use in its place
    """
    hosts = (db, name, host, port, read_preference)
    user = (username, password, authentication_source)
    mechanism = (authentication_mechanism, authmechanismproperties)
    settings = settings_record(SYNC, *hosts, *user, *mechanism, **kwargs)
    record = run(settings)
    _start_embedded(alias, record)
    with _lock:
        _connection_settings[alias] = record
        _registered.add(alias)


def connect(
    db: str | None = None, alias: str = DEFAULT_CONNECTION_NAME, **kwargs: Any
) -> MongoClient[Any]:
    """Open an alias for blocking operations and return its client.

    Takes what `register_connection()` takes.  An alias that is open already is
    left as it is, and aliases with equal settings, but for the name of the
    database, share one client.  Nothing is sent to the server yet.

    :raises ConnectionFailure: if the alias is open with other settings, or the
        client cannot be made of these
    """
    settings = run(settings_record(SYNC, db=db, **kwargs))
    with _lock:
        if _is_open(alias):
            if _connection_settings.get(alias) != settings:
                raise _different(alias)
        elif alias in _async_classes:
            if not _agree(_connection_settings[alias], settings):
                raise _different(alias)
            _connection_settings[alias] = settings
        else:
            _connection_settings[alias] = settings
            _registered.discard(alias)
    client: MongoClient[Any] = _open(alias)
    return client


async def connect_async(
    db: str | None = None, alias: str = DEFAULT_CONNECTION_NAME, **kwargs: Any
) -> AsyncMongoClient[Any]:
    """Open an alias for asynchronous operations; the client of this loop.

    Takes what `connect()` takes; `mongo_client_class` is the class to use in
    place of `pymongo.AsyncMongoClient`.  Other event loops get clients of their
    own by themselves.

    :raises ConnectionFailure: if the alias is open with other settings, or the
        client cannot be made of these
    """
    client_class = kwargs.pop("mongo_client_class", AsyncMongoClient)
    settings = await settings_record(ASYNC, db=db, **kwargs)
    try:
        await embedded.start(ASYNC, settings["host"])
    except embedded.EmbeddedServerError as error:
        raise _unreachable(alias, error) from error
    with _lock:
        known = _connection_settings.get(alias)
        if _is_open(alias) or alias in _async_classes:
            same_class = _async_classes.get(alias, client_class) is client_class
            if known is None or not _agree(known, settings) or not same_class:
                raise _different(alias)
        else:
            _connection_settings[alias] = settings
            _registered.discard(alias)
        _async_classes[alias] = client_class
    client: AsyncMongoClient[Any] = _open_async(alias).client
    return client


def _agree(known: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether two records are equal, but for the class of the blocking client."""
    apart = {"mongo_client_class": None}
    return {**known, **apart} == {**settings, **apart}


def _different(alias: str) -> ConnectionFailure:
    return ConnectionFailure(
        f"A different connection with alias `{alias}` was already registered. "
        "Use disconnect() first"
    )


def _settings_of(alias: str) -> dict[str, Any]:
    try:
        return _connection_settings[alias]
    except KeyError:
        pass
    if alias == DEFAULT_CONNECTION_NAME:
        raise ConnectionFailure("You have not defined a default connection")
    raise ConnectionFailure(f'Connection with alias "{alias}" has not been defined')


def _open(alias: str) -> Any:
    """The blocking client of an alias, made if need be."""
    _start_embedded(alias, _settings_of(alias))
    with _lock:
        client = _connections.get(alias)
        if client is None:
            settings = _settings_of(alias)
            client = _shared(settings)
            if client is None:
                client = _made(alias, MongoClient, settings)
            _connections[alias] = client
    return client


def _shared(settings: dict[str, Any]) -> Any:
    """The blocking client of another alias with the same settings, or None."""
    for alias, client in _connections.items():
        if _but_for_name(_connection_settings.get(alias)) == _but_for_name(settings):
            return client
    return None


def _open_async(alias: str) -> _LoopClient:
    """The asynchronous client of an alias on the running loop."""
    loop = _running_loop()
    key = (alias, loop)
    if (opened := _async_clients.get(key)) is not None:
        return opened
    with _lock:
        settings = _settings_of(alias)
        client_class = _async_classes.setdefault(alias, AsyncMongoClient)
        for stale in [held for held in _async_clients.values() if _gone(held)]:
            _forget(stale)
        for (other, where), held in list(_async_clients.items()):
            if (
                where is loop
                and _async_classes.get(other) is client_class
                and _but_for_name(_connection_settings.get(other))
                == _but_for_name(settings)
            ):
                opened = held
                break
        else:
            opened = _LoopClient(_made(alias, client_class, settings), loop)
        _async_clients[key] = opened
        _async_dbs[key] = opened.client[settings["name"]]
    return opened


def _but_for_name(settings: dict[str, Any] | None) -> dict[str, Any] | None:
    return settings and {**settings, "name": None}


def _made(alias: str, default_class: Any, settings: dict[str, Any]) -> Any:
    client_class = default_class
    if default_class is MongoClient:
        client_class = settings.get("mongo_client_class", default_class)
    try:
        return client_class(**client_options(settings))
    except Exception as error:
        raise _unreachable(alias, error) from error


def _start_embedded(alias: str, settings: dict[str, Any]) -> None:
    try:
        run(embedded.start(SYNC, settings["host"]))
    except embedded.EmbeddedServerError as error:
        raise _unreachable(alias, error) from error


def _unreachable(alias: str, error: Exception) -> ConnectionFailure:
    return ConnectionFailure(f"Cannot connect to database {alias} :\n{error}")


def _gone(held: _LoopClient) -> bool:
    return held.loop.is_closed()


def _forget(held: _LoopClient) -> None:
    """Drop a client of a loop from every alias that it serves."""
    with _lock:
        for key in [key for key, other in _async_clients.items() if other is held]:
            del _async_clients[key]
            _async_dbs.pop(key, None)


def _running_loop() -> AbstractEventLoop:
    try:
        return get_running_loop()
    except RuntimeError:
        pass
    raise RuntimeError(
        "An AsyncMongoClient belongs to a running event loop, and there is none "
        "here. Call this from a coroutine, or use connect(), get_connection() and "
        "get_db() in blocking code"
    )


# -- closing ------------------------------------------------------------------


def disconnect(alias: str = DEFAULT_CONNECTION_NAME) -> None:
    """Close the blocking side of an alias; an alias nobody opened is no error.

    The client goes when no other alias shares it, and the settings when the
    alias is not open with `connect_async()` as well.

    :raises RuntimeError: if the alias is open only with `connect_async()`
    """
    with _lock:
        client = _connections.pop(alias, None)
        reopened = alias in _reopened
        _reopened.discard(alias)
        _dbs.pop(alias, None)
        if alias not in _async_classes:
            _connection_settings.pop(alias, None)
            _registered.discard(alias)
        elif client is None and not reopened and alias not in _registered:
            raise _wrong_call(alias, "async", "disconnect_async()")
        shared = any(client is other for other in _connections.values())
    _tell_closed(alias)
    if client is not None and not shared:
        client.close()


def disconnect_all() -> None:
    """Close the blocking side of every alias that has one."""
    for alias in [*_connections, *_reopened]:
        disconnect(alias)


async def disconnect_async(alias: str = DEFAULT_CONNECTION_NAME) -> None:
    """Close the asynchronous side of an alias, on all event loops.

    The client of this loop is closed when this returns; those of other loops are
    closed by them.  An alias nobody opened is no error.

    :raises RuntimeError: if the alias is open only with `connect()`
    """
    here = _running_loop()
    with _lock:
        opened = _async_classes.pop(alias, None) is not None
        if not _is_open(alias):
            _connection_settings.pop(alias, None)
            _registered.discard(alias)
        elif not opened and alias not in _registered:
            raise _wrong_call(alias, "sync", "disconnect()")
        leaving = []
        for key in [key for key in _async_clients if key[0] == alias]:
            held = _async_clients.pop(key)
            _async_dbs.pop(key, None)
            if all(other is not held for other in _async_clients.values()):
                leaving.append(held)
    _tell_closed(alias)
    for held in leaving:
        if held.loop is here:
            await held.close()
        else:
            held.close_from_elsewhere()


async def disconnect_all_async() -> None:
    """Close the asynchronous side of every alias that has one."""
    for alias in list(_async_classes):
        await disconnect_async(alias)


def _tell_closed(alias: str) -> None:
    for listener in _when_closed:
        listener(alias)


def _wrong_call(
    alias: str, wanted: Literal["sync", "async"], call: str
) -> WrongFamilyError:
    opened = "connect_async()" if wanted == "async" else "connect()"
    return WrongFamilyError(
        alias,
        wanted,
        f'Use {call} with {wanted} connection: the alias "{alias}" is open only '
        f"with {opened}",
    )


# -- what is open -------------------------------------------------------------


def get_connection(
    alias: str = DEFAULT_CONNECTION_NAME, reconnect: bool = False
) -> MongoClient[Any]:
    """The blocking client of an alias.

    :param reconnect: close the client first and open another
    :raises ConnectionFailure: if the alias is not defined, or open only with
        `connect_async()`
    """
    if reconnect and alias in _connections:
        with _lock:
            settings = _connection_settings[alias]
            disconnect(alias)
            _connection_settings[alias] = settings
    client: MongoClient[Any] | None = _connections.get(alias)
    if client is None:
        _settings_of(alias)
        if _only_async(alias):
            raise ConnectionFailure(
                f'Connection with alias "{alias}" is async: it is open only with '
                "connect_async(). Use get_async_connection() and get_async_db(), or "
                "open it with connect() too"
            )
        client = _open(alias)
    return client


def get_db(
    alias: str = DEFAULT_CONNECTION_NAME, reconnect: bool = False
) -> Database[Any]:
    """The database of an alias, on its blocking client.

    :param reconnect: close the client first and open another
    :raises ConnectionFailure: as `get_connection()`
    """
    database: Database[Any] | None = None if reconnect else _dbs.get(alias)
    if database is None:
        client = get_connection(alias, reconnect)
        with _lock:
            database = _dbs.get(alias)
            if database is None or database.client is not client:
                database = _dbs[alias] = client[_settings_of(alias)["name"]]
    return database


def get_async_connection(
    alias: str = DEFAULT_CONNECTION_NAME,
) -> AsyncMongoClient[Any]:
    """The asynchronous client of an alias on the running event loop.

    :raises ConnectionFailure: if the alias is not defined, or open only with
        `connect()`
    :raises RuntimeError: if no event loop runs here
    """
    _settings_of(alias)
    if _only_sync(alias):
        raise ConnectionFailure(
            f'Connection with alias "{alias}" is not async: it is open only with '
            "connect(). Use get_connection() and get_db(), or open it with "
            "connect_async() too"
        )
    client: AsyncMongoClient[Any] = _open_async(alias).client
    return client


def get_async_db(alias: str = DEFAULT_CONNECTION_NAME) -> AsyncDatabase[Any]:
    """The database of an alias, on its client of the running event loop.

    :raises ConnectionFailure: as `get_async_connection()`
    :raises RuntimeError: if no event loop runs here
    """
    get_async_connection(alias)
    database: AsyncDatabase[Any] = _async_dbs[alias, get_running_loop()]
    return database


def is_async_connection(alias: str = DEFAULT_CONNECTION_NAME) -> bool:
    """Whether an alias is open with `connect_async()`, be it with others too."""
    return alias in _async_classes


def any_async() -> bool:
    """Whether any alias is open with `connect_async()`."""
    return bool(_async_classes)


def alias_modes(alias: str) -> frozenset[Literal["sync", "async"]]:
    """The families that an alias is open for."""
    return _MODES[_is_open(alias), alias in _async_classes]


_MODES: dict[tuple[bool, bool], frozenset[Literal["sync", "async"]]] = {
    (False, False): frozenset(),
    (True, False): frozenset(("sync",)),
    (False, True): frozenset(("async",)),
    (True, True): frozenset(("sync", "async")),
}


def _is_open(alias: str) -> bool:
    """Whether the alias is open for blocking operations."""
    return alias in _connections or alias in _reopened


def _only_sync(alias: str) -> bool:
    return alias not in _async_classes and _is_open(alias) and alias not in _registered


def _only_async(alias: str) -> bool:
    return alias in _async_classes and not _is_open(alias) and alias not in _registered


def _is_open_otherwise(io: IO, alias: str) -> bool:
    return _only_sync(alias) if io.is_async else _only_async(alias)


io_module.is_open_otherwise = _is_open_otherwise


def database(io: IO, alias: str) -> Any:
    """The database that an operation body works on.

    :raises WrongFamilyError: if the alias is open only the other way
    :raises ConnectionFailure: if it is not defined
    """
    if io.is_async:
        found = _async_dbs.get((alias, get_running_loop()))
        if found is not None:
            return found
        if _only_sync(alias):
            raise WrongFamilyError(alias, "sync")
        return get_async_db(alias)
    found = _dbs.get(alias)
    if found is not None:
        return found
    if _only_async(alias):
        raise WrongFamilyError(alias, "async")
    return get_db(alias)


def database_name(alias: str) -> str:
    """Return the name of the database of an alias.

    :raises ConnectionFailure: if the alias is not defined
    """
    name: str = _settings_of(alias)["name"]
    return name


def client(io: IO, alias: str) -> Any:
    """The client that an operation body works on; raises as `database()`."""
    return database(io, alias).client


# -- the end of the program, and forked processes -----------------------------


def _close_embedded() -> None:
    """Close the blocking clients of embedded servers, which are about to end."""
    for alias, client in list(_connections.items()):
        hosts = _connection_settings.get(alias, {}).get("host", ())
        if any(embedded.is_embedded(host) for host in hosts):
            client.close()


# The last function that is registered is called first: before the servers end.
atexit.register(_close_embedded)

# A client that is dropped would warn, and send to the sockets of its process.
_clients_of_parent: list[Any] = []


def _after_fork_in_child() -> None:
    """Forget the clients of the parent; aliases open again when they are used."""
    global _lock
    _lock = threading.RLock()
    _clients_of_parent.extend((*_connections.values(), *_async_clients.values()))
    _reopened.update(_connections)
    for cache in (_connections, _dbs, _async_clients, _async_dbs):
        cache.clear()
    for alias in list(_connection_settings):
        _tell_closed(alias)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
