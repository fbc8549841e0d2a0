"""`connect(ping=True)` and `connect_async(ping=True)`."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from mongoengine import connection
from mongoengine.connection import (
    ConnectionFailure,
    connect,
    connect_async,
    disconnect_all_async,
    get_async_connection,
    get_connection,
    register_connection,
)
from tests.families import SentCommands

BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture
def nowhere() -> Iterator[dict[str, Any]]:
    """Settings of a server that is not there."""
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        yield {
            "host": f"mongodb://user:secret@127.0.0.1:{bound.getsockname()[1]}/shop",
            "uuidRepresentation": "standard",
            "serverSelectionTimeoutMS": 100,
        }


async def opened(is_async: bool, **settings: Any) -> Any:
    return await connect_async(**settings) if is_async else connect(**settings)


@BOTH
async def test_a_server_that_answers_is_asked_once(
    settings: dict[str, Any], sent_commands: SentCommands, is_async: bool
) -> None:
    client = await opened(is_async, ping=True, **settings)
    assert sent_commands.names == ["ping"]
    assert client is (get_async_connection() if is_async else get_connection())
    await disconnect_all_async()


@BOTH
@pytest.mark.parametrize("ping", [{}, {"ping": False}])
async def test_nothing_is_sent_without_it(
    settings: dict[str, Any],
    sent_commands: SentCommands,
    is_async: bool,
    ping: dict[str, Any],
) -> None:
    await opened(is_async, **ping, **settings)
    assert sent_commands.names == []
    await disconnect_all_async()


@BOTH
async def test_a_server_that_is_not_there_is_an_error_at_once(
    nowhere: dict[str, Any], is_async: bool
) -> None:
    began = time.monotonic()
    with pytest.raises(ConnectionFailure, match="Cannot connect") as raised:
        await opened(is_async, alias="new", ping=True, **nowhere)
    assert time.monotonic() - began < 25  # PyMongo's own patience is 30
    assert isinstance(raised.value.__cause__, ServerSelectionTimeoutError)
    assert "secret" not in str(raised.value)


@BOTH
async def test_nothing_stays_registered_after_a_failure(
    nowhere: dict[str, Any], settings: dict[str, Any], is_async: bool
) -> None:
    with pytest.raises(ConnectionFailure):
        await opened(is_async, alias="new", ping=True, **nowhere)
    assert "new" not in connection.registry.aliases
    # So the alias can be opened elsewhere, or without asking.
    await opened(is_async, alias="new", ping=True, **settings)
    await disconnect_all_async()


@BOTH
async def test_a_registered_alias_stays_what_it_was(
    nowhere: dict[str, Any], settings: dict[str, Any], is_async: bool
) -> None:
    register_connection("known", **settings)
    before = connection._connection_settings["known"]
    with pytest.raises(ConnectionFailure):
        await opened(is_async, alias="known", ping=True, **nowhere)
    assert connection._connection_settings["known"] == before
    assert connection.registry.aliases["known"].is_registered
    assert not connection.registry.aliases["known"].is_open
    assert not connection.registry.aliases["known"].is_async


@BOTH
async def test_an_open_alias_stays_open(
    nowhere: dict[str, Any], is_async: bool
) -> None:
    client = await opened(is_async, alias="open", **nowhere)
    with pytest.raises(ConnectionFailure):
        await opened(is_async, alias="open", ping=True, **nowhere)
    assert await opened(is_async, alias="open", **nowhere) is client
    await disconnect_all_async()


@BOTH
async def test_the_other_side_of_an_alias_stays_open(
    nowhere: dict[str, Any], is_async: bool
) -> None:
    client = await opened(not is_async, alias="half", **nowhere)
    with pytest.raises(ConnectionFailure):
        await opened(is_async, alias="half", ping=True, **nowhere)
    sides = connection.alias_modes("half")
    assert sides == frozenset(("sync",) if is_async else ("async",))
    assert await opened(not is_async, alias="half", **nowhere) is client
    await disconnect_all_async()


async def test_a_cancelled_ping_leaves_nothing(nowhere: dict[str, Any]) -> None:
    patient = {**nowhere, "serverSelectionTimeoutMS": 60_000}
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(connect_async(alias="new", ping=True, **patient), 0.1)
    assert "new" not in connection.registry.aliases
