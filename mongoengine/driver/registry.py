"""Aliases by their names, under one lock."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import AsyncMongoClient, MongoClient

from mongoengine.driver import embedded
from mongoengine.driver import io as io_module
from mongoengine.driver.alias import Alias, Database, LoopDatabase
from mongoengine.driver.credentials import Settings, without_password
from mongoengine.driver.io import IO, SYNC, WrongFamilyError, run
from mongoengine.driver.loop_client import LoopClient
from mongoengine.driver.settings import client_options

if TYPE_CHECKING:
    from mongoengine.driver.alias import BlockingDatabase, OpenDatabase


__all__ = (
    "DEFAULT_CONNECTION_NAME",
    "AliasView",
    "ConnectionFailure",
    "Registry",
    "registry",
)

V = TypeVar("V")
Listener = Callable[[str], None]

DEFAULT_CONNECTION_NAME = "default"


class ConnectionFailure(Exception):
    """An alias is not defined, or could not be opened."""


class Registry:
    """Aliases by their names, and whoever wants to know when one is closed."""

    def __init__(self) -> None:
        self.aliases: dict[str, Alias] = {}
        self.lock = threading.RLock()
        self.listeners: list[Listener] = []
        # A client that is dropped would warn, and use the sockets of its process.
        self._clients_of_parent: list[object] = []
        if hasattr(os, "register_at_fork"):
            itself = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _fork(itself()))

    def on_close(self, listener: Listener) -> None:
        """Call `listener` with the name of an alias when one of its sides closes."""
        self.listeners.append(listener)

    def tell_closed(self, name: str) -> None:
        """Call the listeners."""
        for listener in self.listeners:
            listener(name)

    def make(self, name: str) -> Alias:
        """Return the alias of a name, a new one if there is none."""
        with self.lock:
            return self.aliases.setdefault(name, Alias(name))

    def defined(self, name: str) -> tuple[Alias, Settings]:
        """Return the alias of a name and its settings.

        :raises ConnectionFailure: if there is none
        """
        alias = self.aliases.get(name)
        if alias is not None and alias.settings is not None:
            return alias, alias.settings
        if name == DEFAULT_CONNECTION_NAME:
            raise ConnectionFailure("You have not defined a default connection")
        # The name may be a URI that was passed by mistake.
        shown = without_password(name)
        raise ConnectionFailure(f'Connection with alias "{shown}" has not been defined')

    def has_safe_values(self, name: str) -> bool | None:
        """Return whether an alias has `safe_values`; None if it is not defined."""
        alias = self.aliases.get(name)
        return None if alias is None else alias.safe_values

    def sibling(self, name: str, database: str) -> str:
        """Return the name of an alias for another database on the same clients.

        It is open for the families that the alias is open for, and closed with it.

        :raises ConnectionFailure: if the alias is not defined
        """
        alias, settings = self.defined(name)
        with self.lock:
            other = self.make(f"{name}/{database}")
            if other.settings is None:
                other.settings = settings.replace(name=database)
                other.sibling_of = name
            other.client, other.was_open = alias.client, alias.was_open
            other.async_class = alias.async_class
            other.is_registered = alias.is_registered
            return other.name

    def drop_siblings(self, name: str) -> None:
        """Forget the aliases for other databases on the clients of an alias."""
        with self.lock:
            siblings = [a for a in self.aliases.values() if a.sibling_of == name]
            for alias in siblings:
                del self.aliases[alias.name]
        for alias in siblings:
            self.tell_closed(alias.name)

    def drop_unused(self, alias: Alias) -> None:
        """Forget an alias that nothing is left of."""
        if alias.is_unused and self.aliases.get(alias.name) is alias:
            del self.aliases[alias.name]

    # Opening

    def open(self, name: str) -> Any:
        """Return the blocking client of an alias, made if need be.

        Aliases with equal settings, but for the name of the database, share one.
        """
        start_embedded(name, self.defined(name)[1])
        with self.lock:
            alias, settings = self.defined(name)
            if alias.client is None and alias.sibling_of is not None:
                alias.client = self.open(alias.sibling_of)
            if alias.client is None:
                client = next(
                    (
                        other.client
                        for other in self.aliases.values()
                        if other.client is not None
                        and but_for_name(other.settings) == but_for_name(settings)
                    ),
                    None,
                )
                client_class = settings.get("mongo_client_class", MongoClient)
                if client is None:
                    client = made(name, client_class, settings)
                alias.client = client
            return alias.client

    def open_database(self, name: str) -> BlockingDatabase:
        """Return the database of an alias on its blocking client."""
        client = self.open(name)
        with self.lock:
            alias, settings = self.defined(name)
            opened = alias.blocking
            if opened is None or opened.client is not client:
                opened = Database(client, client[settings["name"]])
                alias.blocking = opened
            return opened

    def open_on_loop(self, name: str) -> LoopDatabase:
        """Return the asynchronous client and database on the running loop.

        :raises RuntimeError: if no event loop runs here
        """
        loop = running_loop()
        with self.lock:
            alias, settings = self.defined(name)
            if (opened := alias.loops.get(loop)) is not None:
                return opened
            if alias.sibling_of is not None:
                self.open_on_loop(alias.sibling_of)
                alias.async_class = self.aliases[alias.sibling_of].async_class
            if alias.async_class is None:
                alias.async_class = AsyncMongoClient
            self._forget_closed_loops()
            client = self._shared_on_loop(alias, settings, loop) or LoopClient(
                made(name, alias.async_class, settings), loop, self.forget
            )
            opened = Database(client, client.client[settings["name"]])
            alias.loops[loop] = opened
            return opened

    def _shared_on_loop(
        self, alias: Alias, settings: Settings, loop: AbstractEventLoop
    ) -> LoopClient | None:
        for other in self.aliases.values():
            opened = other.loops.get(loop)
            if (
                opened is not None
                and other.async_class is alias.async_class
                and but_for_name(other.settings) == but_for_name(settings)
            ):
                return opened.client
        return None

    def _forget_closed_loops(self) -> None:
        for alias in self.aliases.values():
            for loop in [loop for loop in alias.loops if loop.is_closed()]:
                del alias.loops[loop]

    def forget(self, client: LoopClient) -> None:
        """Drop a client of a loop from every alias that it serves."""
        with self.lock:
            for alias in list(self.aliases.values()):
                opened = alias.loops.get(client.loop)
                if opened is not None and opened.client is client:
                    del alias.loops[client.loop]
                    self.drop_unused(alias)

    def serves(self, client: LoopClient) -> bool:
        """Return whether any alias uses a client of a loop."""
        return any(
            opened.client is client
            for alias in self.aliases.values()
            for opened in alias.loops.values()
        )

    # Using

    def opened(self, io: IO, name: str) -> OpenDatabase:
        """Return the open database that an operation body works on.

        :raises WrongFamilyError: if the alias is open only the other way
        :raises ConnectionFailure: if it is not defined
        """
        alias = self.aliases.get(name)
        if alias is None:
            alias = self.defined(name)[0]
        if io.is_async:
            opened = alias.loops.get(get_running_loop())
            if opened is not None:
                return opened
            if alias.only == "sync":
                raise WrongFamilyError(name, "sync")
            return self.open_on_loop(name)
        if alias.blocking is not None:
            return alias.blocking
        if alias.only == "async":
            raise WrongFamilyError(name, "async")
        return self.open_database(name)

    def database(self, io: IO, name: str) -> Any:
        """Return the PyMongo database that a body works on; see `opened()`."""
        return self.opened(io, name).database

    def client(self, io: IO, name: str) -> Any:
        """Return the client that an operation body works on; see `database()`."""
        return self.database(io, name).client

    def is_open_otherwise(self, io: IO, alias: str) -> bool:
        """Return whether an alias can be used in the other family only."""
        opened = self.aliases.get(alias)
        return opened is not None and opened.only not in (None, io.family)

    # The end of the program, and forked processes

    def close_embedded(self) -> None:
        """Close the blocking clients of embedded servers, which are about to end."""
        for alias in list(self.aliases.values()):
            hosts = alias.settings["host"] if alias.settings else ()
            if alias.client is not None and any(map(embedded.is_embedded, hosts)):
                alias.client.close()

    def after_fork(self) -> None:
        """Forget the clients of the parent; aliases open again when they are used."""
        self.lock = threading.RLock()
        for alias in self.aliases.values():
            self._clients_of_parent += [alias.client, dict(alias.loops)]
            alias.was_open = alias.is_open
            alias.client = alias.database = None
            alias.loops.clear()
        for name in list(self.aliases):
            self.tell_closed(name)


def _fork(registry: Registry | None) -> None:
    if registry is not None:
        registry.after_fork()


#: The registry of the program.
registry = Registry()
io_module.is_open_otherwise = registry.is_open_otherwise

# The last function that is registered is called first: before the servers end.
atexit.register(registry.close_embedded)


class AliasView(dict[str, V]):
    """An attribute of the aliases of a registry, as a dictionary by their names.

    Other people's tests change such a dictionary, and replace it to start anew.  One
    that has been replaced keeps the items that it had.
    """

    def __init__(self, registry: Registry, attribute: str) -> None:
        super().__init__()
        self._registry: Registry | None = registry
        self._attribute = attribute
        self._kept: dict[str, V] = {}

    def detach(self) -> None:
        """Keep the items, and no longer show or change those of the registry."""
        self._kept = dict(self)
        self._registry = None

    def _items(self) -> dict[str, V]:
        if self._registry is None:
            return self._kept
        values = {
            name: getattr(alias, self._attribute)
            for name, alias in list(self._registry.aliases.items())
        }
        return {name: value for name, value in values.items() if value is not None}

    def replace(self, items: Mapping[str, V]) -> None:
        """Have these items, and no others."""
        items = dict(items)
        self.clear()
        self.update(items)

    def __getitem__(self, name: str) -> V:
        if self._registry is None:
            return self._kept[name]
        alias = self._registry.aliases.get(name)
        value: V | None = getattr(alias, self._attribute, None)
        if value is None:
            raise KeyError(name)
        return value

    def __setitem__(self, name: str, value: V) -> None:
        if self._registry is None:
            self._kept[name] = value
        else:
            setattr(self._registry.make(name), self._attribute, value)

    def __delitem__(self, name: str) -> None:
        if self._registry is None:
            del self._kept[name]
            return
        self[name]
        with self._registry.lock:
            alias = self._registry.aliases[name]
            setattr(alias, self._attribute, None)
            self._registry.drop_unused(alias)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items())

    def __len__(self) -> int:
        return len(self._items())

    def __repr__(self) -> str:
        return repr(self._items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    def copy(self) -> dict[str, V]:
        """Return the items as they are now."""
        return dict(self._items())


# The other methods of `dict` read what it has itself, which is nothing.
for _method in (
    *("__contains__", "__eq__", "clear", "get", "items", "keys", "pop", "popitem"),
    *("setdefault", "update", "values"),
):
    setattr(AliasView, _method, getattr(MutableMapping, _method))


def made(name: str, client_class: Any, settings: Settings) -> Any:
    """Return a client of a class.

    :raises ConnectionFailure: if the class refuses the settings
    """
    try:
        return client_class(**client_options(settings))
    except Exception as error:
        raise unreachable(name, settings.hide(str(error))) from error


def start_embedded(name: str, settings: Settings) -> None:
    """Start the embedded servers that the settings ask for."""
    try:
        run(embedded.start(SYNC, settings["host"]))
    except embedded.EmbeddedServerError as error:
        raise unreachable(name, str(error)) from error


def unreachable(name: str, reason: str) -> ConnectionFailure:
    """Return the error for an alias that cannot be opened."""
    return ConnectionFailure(f"Cannot connect to database {name} :\n{reason}")


def but_for_name(settings: Settings | None) -> Settings | None:
    """Return the settings that decide whether two aliases can share a client."""
    return settings and settings.replace(name=None, safe_values=None)


def running_loop() -> AbstractEventLoop:
    """Return the running event loop.

    :raises RuntimeError: if none runs here, saying what to use instead
    """
    try:
        return get_running_loop()
    except RuntimeError:
        pass
    raise RuntimeError(
        "An AsyncMongoClient belongs to a running event loop, and there is none "
        "here. Call this from a coroutine, or use connect(), get_connection() and "
        "get_db() in blocking code"
    )
