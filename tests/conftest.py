"""Fixtures of all tests: a server, a database for each, and what was sent.

The server is an embedded one, started once for the run, or the one that
`MONGODB_URI` names.  Every test has a database of its own, which is dropped after
it; connections, document classes and switched contexts do not outlive a test.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from pymongo import AsyncMongoClient, MongoClient

from mongoengine import connection as connections
from mongoengine.base import common
from mongoengine.connection import (
    connect,
    connect_async,
    disconnect,
    disconnect_all,
    disconnect_all_async,
    get_async_db,
    get_db,
)
from mongoengine.driver import embedded
from mongoengine.driver.io import SYNC, run
from tests.families import Family, SentCommands


class BothClients(NamedTuple):
    sync: MongoClient[Any]
    asynchronous: AsyncMongoClient[Any]


@pytest.fixture(scope="session")
def server_uri() -> str:
    """The URI of the server that the tests run on."""
    if uri := os.environ.get("MONGODB_URI"):
        return uri
    host = "embedded://?testCommands=true&auth=false"
    run(embedded.start(SYNC, [host]))
    return embedded.uri(host)


@pytest.fixture(scope="session")
def server(server_uri: str) -> Iterator[MongoClient[Any]]:
    """A plain PyMongo client of that server, beside the library."""
    with MongoClient(server_uri) as client:
        yield client


@pytest.fixture
def database_name(server: MongoClient[Any]) -> Iterator[str]:
    """The name of a database that is this test's own."""
    name = f"mongoengine_test_{uuid.uuid4().hex[:12]}"
    yield name
    for existing in server.list_database_names():
        if existing.startswith(name):
            server.drop_database(existing)


@pytest.fixture
def sent_commands() -> SentCommands:
    """The commands that the clients of `connection` and `async_connection` send."""
    return SentCommands()


@pytest.fixture
def settings(
    server_uri: str, database_name: str, sent_commands: SentCommands
) -> dict[str, Any]:
    """Arguments of `connect()` and `connect_async()` for the database of the test."""
    return {
        "name": database_name,
        "host": server_uri,
        "uuidRepresentation": "standard",
        "event_listeners": [sent_commands],
    }


@pytest.fixture
def connection(settings: dict[str, Any]) -> MongoClient[Any]:
    """The default alias, open for blocking operations."""
    return connect(**settings)


@pytest.fixture
def db(connection: MongoClient[Any]) -> Any:
    """The test's database, on the blocking client."""
    return get_db()


@pytest.fixture
async def async_connection(
    settings: dict[str, Any],
) -> AsyncIterator[AsyncMongoClient[Any]]:
    """The default alias, open for asynchronous operations."""
    yield await connect_async(**settings)
    if "async" in connections.alias_modes("default"):
        await connections.disconnect_async()


@pytest.fixture
async def async_db(async_connection: AsyncMongoClient[Any]) -> Any:
    """The test's database, on the asynchronous client."""
    return get_async_db()


@pytest.fixture
def both(
    connection: MongoClient[Any], async_connection: AsyncMongoClient[Any]
) -> BothClients:
    """The default alias, open both ways."""
    return BothClients(connection, async_connection)


@pytest.fixture
def mongo(server: MongoClient[Any], database_name: str) -> Any:
    """The test's database as plain PyMongo sees it."""
    return server[database_name]


@pytest.fixture(params=["sync", "async"])
async def family(
    request: pytest.FixtureRequest,
    settings: dict[str, Any],
    sent_commands: SentCommands,
) -> AsyncIterator[Family]:
    """Both families of methods in turn, connected to an empty database."""
    family = Family(request.param, settings, sent_commands)
    await family.connect()
    yield family
    await disconnect_all_async()
    disconnect_all()


@pytest.fixture
async def async_family(
    settings: dict[str, Any], sent_commands: SentCommands
) -> AsyncIterator[Family]:
    """The asynchronous methods only."""
    family = Family("async", settings, sent_commands)
    await family.connect()
    yield family
    await disconnect_all_async()


@pytest.fixture(autouse=True)
def _nothing_outlives_a_test() -> Iterator[None]:
    classes = dict(common._classes)
    yield
    disconnect_all()
    if connections.any_async():
        asyncio.run(disconnect_all_async())
    for alias in list(connections._connection_settings):
        disconnect(alias)
    common._classes.clear()
    common._classes.update(classes)
