"""Connecting and disconnecting: the public functions over the registry of aliases.

An alias is a settings record.  `connect()` opens it with a `MongoClient`,
`await connect_async()` with an `AsyncMongoClient`; it may be open both ways when
the settings are the same.  An `AsyncMongoClient` belongs to one event loop, so
each alias has one per loop, made when it is first needed there and closed when
the loop shuts down.
"""

from __future__ import annotations

import sys
from asyncio import AbstractEventLoop
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from pymongo.read_preferences import ReadPreference

from mongoengine.compatibility import names_of
from mongoengine.driver import embedded
from mongoengine.driver.io import ASYNC, IO, SYNC, WrongFamilyError, run
from mongoengine.driver.loop_client import LoopClient
from mongoengine.driver.registry import (
    DEFAULT_CONNECTION_NAME,
    AliasView,
    ConnectionFailure,
    registry,
    running_loop,
    start_embedded,
    unreachable,
)
from mongoengine.driver.session import _get_session, bound_session
from mongoengine.driver.settings import (
    DEFAULT_DATABASE_NAME,
    DEFAULT_HOST,
    DEFAULT_PORT,
    READ_PREFERENCE,
    settings_record,
)
from mongoengine.driver.types import (
    AsyncPyMongoClient,
    AsyncPyMongoDatabase,
    PassedOn,
    PyMongoClient,
    PyMongoDatabase,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import RLock

    from mongoengine.driver.credentials import Settings
    from mongoengine.driver.types import AnyClient


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

ConnectionFailure.__module__ = __name__

database = registry.database
client = registry.client
_open = registry.open


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
    **kwargs: PassedOn,
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
        use in its place; with `safe_values=True` no value of a keyword query or
        update is taken for an operator
    """
    hosts = (db, name, host, port, read_preference)
    user = (username, password, authentication_source)
    mechanism = (authentication_mechanism, authmechanismproperties)
    settings = run(settings_record(SYNC, *hosts, *user, *mechanism, **kwargs))
    start_embedded(alias, settings)
    with registry.lock:
        registered = registry.make(alias)
        registered.settings = settings
        registered.is_registered = True


def connect(
    db: str | None = None, alias: str = DEFAULT_CONNECTION_NAME, **kwargs: PassedOn
) -> PyMongoClient:
    """Open an alias for blocking operations and return its client.

    Takes what `register_connection()` takes.  An alias that is open already is
    left as it is, and aliases with equal settings, but for the name of the
    database, share one client.  Nothing is sent to the server yet, unless `ping=True`
    asks for it: then an alias is not opened if its server does not answer.
    `serverSelectionTimeoutMS` says how long to wait for one (milliseconds, 30,000 by
    default).

    :raises ConnectionFailure: if the alias is open with other settings, or the
        client cannot be made of these, or the server does not answer the ping
    """
    ping = kwargs.pop("ping", False)
    settings = run(settings_record(SYNC, db=db, **kwargs))
    before = _Before(alias)
    with registry.lock:
        opened = registry.make(alias)
        if opened.is_open:
            if opened.settings != settings:
                raise _different(alias)
        elif opened.is_async:
            if not _agree(opened.settings, settings):
                raise _different(alias)
            opened.settings = settings
        else:
            opened.settings = settings
            opened.is_registered = False
    client: PyMongoClient = registry.open(alias)
    if ping:
        run(_ping(SYNC, alias, client, before))
    return client


async def connect_async(
    db: str | None = None, alias: str = DEFAULT_CONNECTION_NAME, **kwargs: PassedOn
) -> AsyncPyMongoClient:
    """Open an alias for asynchronous operations; the client of this loop.

    Takes what `connect()` takes; `mongo_client_class` is the class to use in
    place of `pymongo.AsyncMongoClient`.  Other event loops get clients of their
    own by themselves.

    :raises ConnectionFailure: if the alias is open with other settings, or the
        client cannot be made of these, or the server does not answer the ping
    """
    ping = kwargs.pop("ping", False)
    client_class = kwargs.pop("mongo_client_class", AsyncMongoClient)
    settings = await settings_record(ASYNC, db=db, **kwargs)
    before = _Before(alias)
    try:
        await embedded.start(ASYNC, settings["host"])
    except embedded.EmbeddedServerError as error:
        raise unreachable(alias, str(error)) from error
    with registry.lock:
        opened = registry.make(alias)
        if opened.is_open or opened.is_async:
            same_class = opened.async_class in (None, client_class)
            if not _agree(opened.settings, settings) or not same_class:
                raise _different(alias)
        else:
            opened.settings = settings
            opened.is_registered = False
        opened.async_class = client_class
    client: AsyncPyMongoClient = registry.open_on_loop(alias).client.client
    if ping:
        await _ping(ASYNC, alias, client, before)
    return client


class _Before:
    """The state of an alias before it was opened, to be put back."""

    def __init__(self, name: str) -> None:
        alias = registry.aliases.get(name)
        self._name = name
        self._settings = None if alias is None else alias.settings
        self._is_registered = alias is not None and alias.is_registered
        self._was_open = alias is not None and alias.is_open
        self._was_async = alias is not None and alias.is_async

    async def restore(self, io: IO) -> None:
        """Close the side of the alias that was not open, and put its settings back."""
        if io.is_async and not self._was_async:
            await disconnect_async(self._name)
        elif not io.is_async and not self._was_open:
            disconnect(self._name)
        if self._settings is not None:
            with registry.lock:
                alias = registry.make(self._name)
                alias.settings = self._settings
                alias.is_registered = self._is_registered


async def _ping(io: IO, name: str, client: AnyClient, before: _Before) -> None:
    """Send a `ping` to the server of a client.

    :raises ConnectionFailure: if it does not answer; the alias is as it was before
    """
    settings = registry.defined(name)[1]
    try:
        await io.plain(client.admin.command, "ping")
    except BaseException as error:
        await before.restore(io)
        if isinstance(error, PyMongoError):
            raise unreachable(name, settings.hide(str(error))) from error
        raise


def _agree(existing: Settings | None, settings: Settings) -> bool:
    """Return whether records are equal but for the class of the client."""
    apart = {"mongo_client_class": None}
    return existing is not None and {**existing, **apart} == {**settings, **apart}


def _different(alias: str) -> ConnectionFailure:
    return ConnectionFailure(
        f"A different connection with alias `{alias}` was already registered. "
        "Use disconnect() first"
    )


def _settings_of(alias: str) -> Settings:
    return registry.defined(alias)[1]


# -- closing ------------------------------------------------------------------


def disconnect(alias: str = DEFAULT_CONNECTION_NAME) -> None:
    """Close the blocking side of an alias; an alias nobody opened is no error.

    The client goes when no other alias shares it, and the settings when the
    alias is not open with `connect_async()` as well.

    :raises RuntimeError: if the alias is open only with `connect_async()`
    """
    client = None
    registry.drop_siblings(alias)
    with registry.lock:
        closed = registry.aliases.get(alias)
        if closed is not None:
            was_open, client = closed.is_open, closed.client
            closed.client = closed.database = None
            closed.was_open = False
            if not closed.is_async:
                closed.forget_settings()
            elif not was_open and not closed.is_registered:
                raise _wrong_call(alias, "async", "disconnect_async()")
            registry.drop_unused(closed)
        shared = any(client is other.client for other in registry.aliases.values())
    registry.tell_closed(alias)
    if client is not None and not shared:
        client.close()


def disconnect_all() -> None:
    """Close the blocking side of every alias that has one."""
    for alias in list(registry.aliases.values()):
        if alias.is_open:
            disconnect(alias.name)


async def disconnect_async(alias: str = DEFAULT_CONNECTION_NAME) -> None:
    """Close the asynchronous side of an alias, on all event loops.

    The client of this loop is closed when this returns; those of other loops are
    closed by them.  An alias nobody opened is no error.

    :raises RuntimeError: if the alias is open only with `connect()`
    """
    here = running_loop()
    leaving: list[LoopClient] = []
    registry.drop_siblings(alias)
    with registry.lock:
        closed = registry.aliases.get(alias)
        if closed is not None:
            was_async, closed.async_class = closed.is_async, None
            if not closed.is_open:
                closed.forget_settings()
            elif not was_async and not closed.is_registered:
                raise _wrong_call(alias, "sync", "disconnect()")
            clients = [opened.client for opened in closed.loops.values()]
            closed.loops.clear()
            leaving = [client for client in clients if not registry.serves(client)]
            registry.drop_unused(closed)
    registry.tell_closed(alias)
    for client in leaving:
        if client.loop is here:
            await client.close()
        else:
            client.close_from_elsewhere()


async def disconnect_all_async() -> None:
    """Close the asynchronous side of every alias that has one."""
    for alias in list(registry.aliases.values()):
        if alias.is_async:
            await disconnect_async(alias.name)


def _wrong_call(
    alias: str, wanted: Literal["sync", "async"], call: str
) -> WrongFamilyError:
    return WrongFamilyError(alias, wanted).for_call(call)


# -- what is open -------------------------------------------------------------


def get_connection(
    alias: str = DEFAULT_CONNECTION_NAME, reconnect: bool = False
) -> PyMongoClient:
    """Return the blocking client of an alias.

    :param reconnect: close the client first and open another
    :raises ConnectionFailure: if the alias is not defined, or open only with
        `connect_async()`
    """
    opened, settings = registry.aliases.get(alias), None
    if reconnect and opened is not None and opened.client is not None:
        with registry.lock:
            settings = opened.settings
            disconnect(alias)
            opened = registry.make(alias)
            opened.settings = settings
    client: PyMongoClient | None = None if opened is None else opened.client
    if client is None:
        if registry.defined(alias)[0].only == "async":
            raise ConnectionFailure(
                f'Connection with alias "{alias}" is async: it is open only with '
                "connect_async(). Use get_async_connection() and get_async_db(), or "
                "open it with connect() too"
            )
        client = registry.open(alias)
    return client


def get_db(
    alias: str = DEFAULT_CONNECTION_NAME, reconnect: bool = False
) -> PyMongoDatabase:
    """Return the database of an alias, on its blocking client.

    :param reconnect: close the client first and open another
    :raises ConnectionFailure: as `get_connection()`
    """
    opened = registry.aliases.get(alias)
    if reconnect or opened is None or opened.database is None:
        get_connection(alias, reconnect)
        found: PyMongoDatabase = registry.open_database(alias).database
    else:
        found = opened.database
    return found


def get_async_connection(
    alias: str = DEFAULT_CONNECTION_NAME,
) -> AsyncPyMongoClient:
    """Return the asynchronous client of an alias on the running event loop.

    :raises ConnectionFailure: if the alias is not defined, or open only with
        `connect()`
    :raises RuntimeError: if no event loop runs here
    """
    if registry.defined(alias)[0].only == "sync":
        raise ConnectionFailure(
            f'Connection with alias "{alias}" is not async: it is open only with '
            "connect(). Use get_connection() and get_db(), or open it with "
            "connect_async() too"
        )
    client: AsyncPyMongoClient = registry.open_on_loop(alias).client.client
    return client


def get_async_db(alias: str = DEFAULT_CONNECTION_NAME) -> AsyncPyMongoDatabase:
    """Return the database of an alias, on its client of the running event loop.

    :raises ConnectionFailure: as `get_async_connection()`
    :raises RuntimeError: if no event loop runs here
    """
    get_async_connection(alias)
    found: AsyncPyMongoDatabase = registry.open_on_loop(alias).database
    return found


def is_async_connection(alias: str = DEFAULT_CONNECTION_NAME) -> bool:
    """Return whether an alias is open with `connect_async()`, be it with others too."""
    opened = registry.aliases.get(alias)
    return opened is not None and opened.is_async


def any_async() -> bool:
    """Return whether any alias is open with `connect_async()`."""
    for alias in [*registry.aliases.values()]:  # noqa: SIM110 - once for each read
        if alias.is_async:
            return True
    return False


def alias_modes(alias: str) -> frozenset[Literal["sync", "async"]]:
    """Return the families that an alias is open for."""
    opened = registry.aliases.get(alias)
    if opened is None:
        return _MODES[False, False]
    return _MODES[opened.is_open, opened.is_async]


_MODES: dict[tuple[bool, bool], frozenset[Literal["sync", "async"]]] = {
    (False, False): frozenset(),
    (True, False): frozenset(("sync",)),
    (False, True): frozenset(("async",)),
    (True, True): frozenset(("sync", "async")),
}


# -- names that other code looks into -----------------------------------------


class _ConnectionModule(ModuleType):
    """This module, with the dictionaries that other people's tests replace."""

    _views: dict[str, AliasView[object]] = {}

    @property
    def _connections(self) -> dict[str, PyMongoClient]:
        """Return the blocking clients by alias."""
        return self._view("client")

    @_connections.setter
    def _connections(self, items: dict[str, PyMongoClient]) -> None:
        self._replace("client", items)

    @property
    def _connection_settings(self) -> dict[str, Settings]:
        """Return the settings by alias."""
        return self._view("settings")

    @_connection_settings.setter
    def _connection_settings(self, items: dict[str, Settings]) -> None:
        self._replace("settings", items)

    @property
    def _dbs(self) -> dict[str, PyMongoDatabase]:
        """Return the databases on the blocking clients by alias."""
        return self._view("database")

    @_dbs.setter
    def _dbs(self, items: dict[str, PyMongoDatabase]) -> None:
        self._replace("database", items)

    @property
    def _loop_clients(self) -> dict[tuple[str, AbstractEventLoop], LoopClient]:
        """Return the asynchronous clients by alias and event loop."""
        return {
            (alias.name, loop): opened.client
            for alias in list(registry.aliases.values())
            for loop, opened in list(alias.loops.items())
        }

    @property
    def _lock(self) -> RLock:
        return registry.lock

    def _view(self, attribute: str) -> AliasView[Any]:
        view = self._views.get(attribute)
        if view is None:
            view = self._views[attribute] = AliasView(registry, attribute)
        return view

    def _replace(self, attribute: str, items: Mapping[str, object]) -> None:
        items = dict(items)
        self._view(attribute).detach()
        del self._views[attribute]
        self._view(attribute).replace(items)


sys.modules[__name__].__class__ = _ConnectionModule

if TYPE_CHECKING:
    _connections: dict[str, PyMongoClient]
    _connection_settings: dict[str, Settings]
    _dbs: dict[str, PyMongoDatabase]
else:
    __getattr__ = names_of(__name__)
