"""The pytest plugin: a server, clean databases and counted commands.

Loaded by pytest wherever this distribution is installed (`-p no:mongoengine` leaves
it out).  Nothing is started before a fixture is used.

`mongoengine_uri`
    the URI of the server for the session: the ini option `mongoengine_uri`, the
    environment variable `MONGODB_URI`, or an embedded server.
`mongoengine_settings`
    more arguments of `connect()` for every alias; override it for others than
    `{"uuidRepresentation": "standard"}`.
`mongoengine_db`
    the default alias, open for both families, on an empty database.
`async_mongoengine_db`
    the default alias, open for asynchronous operations alone, so that a blocking call
    is an error.  Works with any plugin for asynchronous tests and any scope of loops.
`mongoengine_alias`
    a function that opens further aliases: `mongoengine_alias("archive")`.
`assert_num_commands`
    `mongoengine.testing.assert_num_commands`.

After each test its databases are emptied; collections keep their indexes.

`--strict-references` fails tests that follow a reference where it is read;
`--strict-references=warn` warns.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest
from pymongo import AsyncMongoClient

from mongoengine.base.strict import set_strict_references
from mongoengine.connection import (
    DEFAULT_CONNECTION_NAME,
    disconnect,
    get_connection,
    register_connection,
)
from mongoengine.driver.registry import registry
from mongoengine.driver.types import PyMongoDatabase, RawDocument
from mongoengine.testing.commands import assert_num_commands as _assert_num_commands
from mongoengine.testing.commands import observe_new_clients

__all__ = (
    "assert_num_commands",
    "async_mongoengine_db",
    "mongoengine_alias",
    "mongoengine_db",
    "mongoengine_settings",
    "mongoengine_uri",
)

OpenAlias: TypeAlias = "Callable[..., PyMongoDatabase]"

#: The ini option that names the server.
INI = "mongoengine_uri"
#: The alias of the client that empties databases.
BESIDE = "mongoengine.testing"
EMBEDDED = "embedded://"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini option for the server, and `--strict-references`."""
    parser.addini(
        INI,
        "URI of the MongoDB server for tests; without it MONGODB_URI, and otherwise an "
        "embedded server that is started for the session",
        default="",
    )
    parser.getgroup("mongoengine").addoption(
        "--strict-references",
        nargs="?",
        const="error",
        choices=("error", "warn", "off"),
        help="raise (or warn) where a reference is followed because it was read",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Observe the clients that tests make; set the mode that was asked for."""
    observe_new_clients()
    mode = config.getoption("--strict-references")
    if mode is not None:
        set_strict_references(mode)


@pytest.fixture(scope="session")
def mongoengine_uri(pytestconfig: pytest.Config) -> str:
    """Return the URI of the server for tests; an embedded one is started on use."""
    return str(pytestconfig.getini(INI) or os.environ.get("MONGODB_URI") or EMBEDDED)


@pytest.fixture(scope="session")
def mongoengine_settings() -> RawDocument:
    """Return further arguments of `connect()`; made to be overridden."""
    return {"uuidRepresentation": "standard"}


@pytest.fixture(scope="session")
def _mongoengine_databases(
    mongoengine_uri: str, mongoengine_settings: RawDocument
) -> Iterator[_Databases]:
    databases = _Databases({**mongoengine_settings, "host": mongoengine_uri})
    yield databases
    databases.drop()


@pytest.fixture
def mongoengine_alias(_mongoengine_databases: _Databases) -> Iterator[OpenAlias]:
    """Return a function that opens an alias on an empty database of its own.

    `mongoengine_alias(name, only_async=False)` returns the blocking PyMongo database,
    beside the alias, to look into.
    """
    opened: list[str] = []

    def open_alias(name: str, *, only_async: bool = False) -> PyMongoDatabase:
        opened.append(name)
        return _mongoengine_databases.open(name, only_async)

    yield open_alias
    for name in opened:
        _mongoengine_databases.close(name)


@pytest.fixture
def mongoengine_db(mongoengine_alias: OpenAlias) -> PyMongoDatabase:
    """Return the empty database of the default alias, open for both families."""
    return mongoengine_alias(DEFAULT_CONNECTION_NAME)


@pytest.fixture
def async_mongoengine_db(mongoengine_alias: OpenAlias) -> PyMongoDatabase:
    """Return the empty database of the default alias, open for awaiting alone.

    The database is a blocking one of PyMongo's, beside the alias, to look into.
    """
    return mongoengine_alias(DEFAULT_CONNECTION_NAME, only_async=True)


@pytest.fixture
def assert_num_commands() -> type[_assert_num_commands]:
    """Return the context manager that asserts how many commands a block sends."""
    return _assert_num_commands


class _Databases:
    """One database for each alias, emptied after each test."""

    def __init__(self, settings: RawDocument) -> None:
        self._settings = settings
        self._run = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_"
        self._run += uuid.uuid4().hex[:8]
        self._names: dict[str, str] = {}

    def open(self, alias: str, only_async: bool) -> PyMongoDatabase:
        name = self._names.setdefault(alias, f"{self._run}_{len(self._names)}")
        _close(alias)
        register_connection(alias, name=name, **self._settings)
        if only_async:
            opened = registry.make(alias)
            opened.async_class, opened.is_registered = AsyncMongoClient, False
        return self._beside(name)

    def close(self, alias: str) -> None:
        _close(alias)
        _empty(self._beside(self._names[alias]))

    def drop(self) -> None:
        for name in self._names.values():
            database = self._beside(name)
            database.client.drop_database(name)
        if self._names:
            _close(BESIDE)

    def _beside(self, name: str) -> PyMongoDatabase:
        """Return a database on a client that tests do not close."""
        if BESIDE not in registry.aliases:
            register_connection(BESIDE, name=self._run, **self._settings)
        return get_connection(BESIDE)[name]


def _close(name: str) -> None:
    """Close both sides of an alias; loops close their clients themselves."""
    alias = registry.aliases.get(name)
    if alias is None:
        return
    for opened in alias.loops.values():
        opened.client.close_from_elsewhere()
    alias.loops.clear()
    alias.async_class = None
    disconnect(name)


def _empty(database: PyMongoDatabase) -> None:
    """Delete all documents and keep the indexes.

    Views go with the documents that they show; capped and time series collections,
    which do not let all documents be deleted, are dropped.
    """
    for collection in database.list_collections():
        name, options = collection["name"], collection.get("options", {})
        if name.startswith("system.") or collection.get("type") == "view":
            continue
        if options.get("capped") or collection.get("type") == "timeseries":
            database.drop_collection(name)
        else:
            database[name].delete_many({})
