"""Each test twice: once on `connect()`, once on `connect_async()`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pymongo
import pytest
import pytest_asyncio
from pymongo import monitoring

from mongoengine import (
    connect,
    connect_async,
    disconnect_all,
    disconnect_all_async,
)

__all__ = ("Family", "family", "mongo", "server_uri")

DATABASE = "mongoengine_families"
QUIET = {"hello", "isMaster", "ping", "endSessions", "buildInfo"}


class Recorder(monitoring.CommandListener):
    """The commands that a client sends, less what changes with every run."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in QUIET:
            volatile = {"lsid", "$db", "$clusterTime", "txnNumber"}
            self.sent.append(
                {k: v for k, v in event.command.items() if k not in volatile}
            )

    def succeeded(self, event: Any) -> None:
        """Nothing to note."""

    def failed(self, event: Any) -> None:
        """Nothing to note."""


class Family:
    """One of the two families of methods, on a connection of its own."""

    def __init__(self, name: str, uri: str) -> None:
        self.name = name
        self.uri = uri
        self.is_async = name == "async"
        self._recorder = Recorder()

    async def connect(self, database: str = DATABASE, alias: str = "default") -> None:
        options: dict[str, Any] = {"host": self.uri, "alias": alias}
        options["uuidRepresentation"] = "standard"
        options["event_listeners"] = [self._recorder]
        if self.is_async:
            await connect_async(database, **options)
        else:
            connect(database, **options)

    async def __call__(self, target: Any, method: str, /, *args: Any, **kw: Any) -> Any:
        """Call the method of this family."""
        if self.is_async:
            return await getattr(target, "async_" + method)(*args, **kw)
        return getattr(target, method)(*args, **kw)

    @property
    def commands(self) -> list[dict[str, Any]]:
        """What has been sent since this was last asked."""
        sent = self._recorder.sent[:]
        self._recorder.sent.clear()
        return sent

    @property
    def command_names(self) -> list[str]:
        return [next(iter(command)) for command in self.commands]


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """A server: the one of MONGODB_URI, or an embedded one."""
    given = os.environ.get("MONGODB_URI")
    if given:
        yield given
        return
    client = connect(
        DATABASE,
        host="embedded://",
        alias="families_server",
        uuidRepresentation="standard",
    )
    host, port = client.address
    yield f"mongodb://{host}:{port}"


@pytest.fixture(scope="session")
def _plain_client(server_uri: str) -> Iterator[Any]:
    with pymongo.MongoClient(server_uri) as client:
        yield client


@pytest.fixture
def mongo(_plain_client: Any) -> Any:
    """The database as plain PyMongo sees it, empty at first."""
    for name in (DATABASE, DATABASE + "_other"):
        _plain_client.drop_database(name)
    return _plain_client[DATABASE]


@pytest_asyncio.fixture(params=["sync", "async"])
async def family(
    request: pytest.FixtureRequest, server_uri: str, mongo: Any
) -> AsyncIterator[Family]:
    """Both families in turn, connected to an empty database."""
    made = Family(request.param, server_uri)
    await made.connect()
    yield made
    await disconnect_all_async()
    disconnect_all()
