"""Asynchronous clients: one for an alias and an event loop."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import InvalidOperation

from mongoengine import connection
from mongoengine.connection import (
    ConnectionFailure,
    connect,
    connect_async,
    disconnect,
    disconnect_all_async,
    disconnect_async,
    get_async_connection,
    get_async_db,
    get_connection,
    get_db,
    is_async_connection,
    register_connection,
)
from mongoengine.driver.io import ASYNC, WrongFamilyError
from mongoengine.driver.registry import registry
from tests.waiting import LIMIT, until


def clients_of_loops() -> list[Any]:
    """Return the clients that are open on loops, of all aliases."""
    return [o for alias in registry.aliases.values() for o in alias.loops.values()]


async def ping(alias: str = "default") -> Any:
    """The client of this loop, after it has reached the server."""
    client = connection.client(ASYNC, alias)
    assert (await client.admin.command("ping"))["ok"]
    return client


# -- opening ------------------------------------------------------------------


async def test_connect_async_returns_the_client_and_reaches_the_server(
    settings: Any,
) -> None:
    client = await connect_async(**settings)
    assert isinstance(client, AsyncMongoClient)
    assert get_async_connection() is client
    assert get_async_db().name == settings["name"]
    assert await ping() is client


async def test_the_same_settings_twice_give_the_same_client(settings: Any) -> None:
    assert await connect_async(**settings) is await connect_async(**settings)


async def test_other_settings_on_an_open_alias_are_refused(settings: Any) -> None:
    await connect_async(**settings)
    with pytest.raises(ConnectionFailure) as caught:
        await connect_async(**{**settings, "name": "other"})
    assert str(caught.value) == (
        "A different connection with alias `default` was already registered. "
        "Use disconnect() first"
    )


async def test_aliases_that_differ_in_the_database_only_share_a_client(
    settings: Any,
) -> None:
    one = await connect_async(**settings)
    two = await connect_async(alias="two", **{**settings, "name": "other"})
    assert one is two
    assert get_async_db("two").name == "other"


async def test_a_registered_alias_opens_in_the_family_that_is_used(
    settings: Any,
) -> None:
    register_connection("later", **settings)
    assert await ping("later") is get_async_connection("later")
    assert get_db("later").command("ping")["ok"]
    assert connection.alias_modes("later") == {"sync", "async"}
    disconnect("later")


async def test_a_client_class_of_ones_own(settings: Any) -> None:
    class Own(AsyncMongoClient[Any]):
        pass

    assert type(await connect_async(mongo_client_class=Own, **settings)) is Own


async def test_what_a_client_cannot_be_made_of(settings: Any) -> None:
    with pytest.raises(ConnectionFailure) as caught:
        await connect_async(nonsense=1, **settings)
    assert str(caught.value).startswith(
        "Cannot connect to database default :\nUnknown option: nonsense"
    )


async def test_an_alias_that_nobody_defined() -> None:
    for get in (get_async_connection, get_async_db):
        with pytest.raises(ConnectionFailure) as caught:
            get()
        assert str(caught.value) == "You have not defined a default connection"
        with pytest.raises(ConnectionFailure) as caught:
            get("x")
        assert str(caught.value) == 'Connection with alias "x" has not been defined'


def test_outside_of_a_loop_there_is_no_async_client(settings: Any) -> None:
    asyncio.run(connect_async(**settings))
    for get in (get_async_connection, get_async_db):
        with pytest.raises(RuntimeError, match="belongs to a running event loop"):
            get()


# -- both families ------------------------------------------------------------


async def test_an_alias_may_be_open_both_ways(settings: Any) -> None:
    blocking, asynchronous = connect(**settings), await connect_async(**settings)
    assert connection.alias_modes("default") == {"sync", "async"}
    assert get_connection() is blocking
    assert get_async_connection() is asynchronous
    get_db()["x"].insert_one({"_id": 1})
    assert await get_async_db()["x"].find_one() == {"_id": 1}


async def test_both_ways_need_the_same_settings(settings: Any) -> None:
    connect(**settings)
    with pytest.raises(ConnectionFailure, match="A different connection with alias"):
        await connect_async(**{**settings, "tz_aware": True})
    await connect_async(alias="b", **settings)
    with pytest.raises(ConnectionFailure, match="A different connection with alias"):
        connect(alias="b", **{**settings, "tz_aware": True})


async def test_is_async_connection_tells(settings: Any) -> None:
    assert is_async_connection() is False
    connect(**settings)
    assert is_async_connection() is False
    await connect_async(**settings)
    assert is_async_connection() is True


async def test_the_async_getters_refuse_an_alias_that_is_only_blocking(
    settings: Any,
) -> None:
    connect(**settings)
    for get in (get_async_connection, get_async_db):
        with pytest.raises(ConnectionFailure, match='"default" is not async') as caught:
            get()
        assert "get_connection()" in str(caught.value)


async def test_an_async_body_is_told_before_anything_is_sent(settings: Any) -> None:
    connect(**settings)
    with pytest.raises(WrongFamilyError) as caught:
        connection.database(ASYNC, "default")
    assert caught.value.wanted == "sync"


async def test_each_side_is_closed_by_its_own_call(settings: Any) -> None:
    blocking = connect(**settings)
    asynchronous = await connect_async(**settings)
    await disconnect_async()
    assert connection.alias_modes("default") == {"sync"}
    assert blocking.admin.command("ping")["ok"]
    with pytest.raises(InvalidOperation):
        await asynchronous.admin.command("ping")
    await connect_async(**settings)
    disconnect()
    assert connection.alias_modes("default") == {"async"}
    await ping()


# -- closing ------------------------------------------------------------------


async def test_disconnect_async_closes_the_client_and_forgets_the_settings(
    settings: Any,
) -> None:
    client = await connect_async(**settings)
    await disconnect_async()
    assert connection._connection_settings == {}
    assert clients_of_loops() == []
    assert all(alias.async_class is None for alias in registry.aliases.values())
    with pytest.raises(InvalidOperation):
        await client.admin.command("ping")


async def test_disconnecting_what_nobody_opened_is_no_error() -> None:
    await disconnect_async()
    await disconnect_async("x")
    await disconnect_all_async()


async def test_a_shared_client_is_closed_with_its_last_alias(settings: Any) -> None:
    client = await connect_async(**settings)
    await connect_async(alias="two", **settings)
    await disconnect_async()
    assert await ping("two") is client
    await disconnect_all_async()
    with pytest.raises(InvalidOperation):
        await client.admin.command("ping")


async def test_disconnect_async_names_the_method_for_an_alias_that_is_only_blocking(
    settings: Any,
) -> None:
    connect(**settings)
    with pytest.raises(RuntimeError, match=r"Use disconnect\(\) with sync"):
        await disconnect_async()


# -- event loops --------------------------------------------------------------


def test_asyncio_run_may_be_called_again_and_again(settings: Any) -> None:
    asyncio.run(connect_async(**settings))
    seen = []
    for _ in range(3):
        client = asyncio.run(ping())
        seen.append(weakref.ref(client))
        assert clients_of_loops() == []
        del client
    gc.collect()
    assert [client() for client in seen] == [None, None, None]


def test_a_client_is_closed_by_its_loop(settings: Any) -> None:
    client = asyncio.run(connect_async(**settings))
    assert client._closed


def test_loops_in_several_threads_have_clients_of_their_own(settings: Any) -> None:
    asyncio.run(connect_async(**settings))
    barrier = threading.Barrier(4)
    clients: list[Any] = []
    errors: list[BaseException] = []

    async def use() -> None:
        clients.append(await ping())
        barrier.wait(LIMIT)  # all four loops are alive at this point
        assert await ping() is get_async_connection()

    def main() -> None:
        try:
            asyncio.run(use())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=main) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({id(client) for client in clients}) == 4
    assert clients_of_loops() == []


def test_disconnecting_reaches_the_loops_of_other_threads(settings: Any) -> None:
    asyncio.run(connect_async(**settings))
    opened, closed = threading.Event(), threading.Event()
    client: list[Any] = []

    async def use() -> None:
        client.append(await ping())
        opened.set()
        await until(lambda: client[0]._closed)
        closed.set()

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    assert opened.wait(LIMIT)
    asyncio.run(disconnect_async())
    thread.join()
    assert closed.is_set()


def test_a_loop_that_was_closed_bare_is_let_go_with_the_next(settings: Any) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(connect_async(**settings))
    loop.close()
    asyncio.run(ping())
    assert clients_of_loops() == []


def test_uvloop_is_a_loop_like_any_other(settings: Any) -> None:
    uvloop = pytest.importorskip("uvloop")
    asyncio.run(connect_async(**settings))
    loop_type = []

    async def main() -> None:
        await ping()
        loop_type.append(type(asyncio.get_running_loop()))

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert issubclass(loop_type[0], uvloop.Loop)
    assert clients_of_loops() == []


def test_anyio_runs_on_asyncio(settings: Any) -> None:
    anyio = pytest.importorskip("anyio")

    async def main() -> None:
        await connect_async(**settings)
        async with anyio.create_task_group() as group:
            group.start_soon(ping)

    anyio.run(main)
    assert clients_of_loops() == []


def test_loops_end_without_a_warning(settings: Any) -> None:
    program = f"""
        import asyncio, gc
        from mongoengine.connection import connect_async, get_async_db

        async def main():
            await connect_async({settings["name"]!r}, host={settings["host"]!r},
                                uuidRepresentation="standard")
            await get_async_db().command("ping")

        for _ in range(3):
            asyncio.run(main(), debug=True)
            gc.collect()
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Warning" not in done.stderr
    assert "destroyed" not in done.stderr


async def test_a_thousand_tasks_share_the_client_of_their_loop(settings: Any) -> None:
    await connect_async(**settings)
    await get_async_db()["x"].insert_one({"_id": 1})

    async def read() -> Any:
        return await connection.database(ASYNC, "default")["x"].find_one()

    results = await asyncio.gather(*(read() for _ in range(1000)))
    assert results == [{"_id": 1}] * 1000
    assert len(clients_of_loops()) == 1
