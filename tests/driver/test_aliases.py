"""Aliases: which family they are open for, forked processes, other people's resets."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import mongoengine.connection as connections
from mongoengine import (
    ConnectionFailure,
    Document,
    IntField,
    connect,
    connect_async,
    disconnect_all,
    get_db,
    register_connection,
)
from mongoengine.context_managers import (
    async_query_counter,
    async_run_in_transaction,
    query_counter,
)
from mongoengine.driver.io import SYNC
from mongoengine.driver.registry import Registry
from mongoengine.errors import ValidationError
from tests.families import Family


class AliasEntry(Document):
    number = IntField(min_value=0)
    meta = {"auto_create_index": False}


# -- the wrong family ---------------------------------------------------------

CALLS: dict[str, Callable[[], Any]] = {
    "reload": lambda: AliasEntry().reload,
    "delete": lambda: AliasEntry().delete,
    "save": lambda: AliasEntry(number=-1).save,
    "update": lambda: lambda: AliasEntry().update(number=1),
    "first": lambda: AliasEntry.objects(wrong=1).first,
    "get": lambda: lambda: AliasEntry.objects.get(wrong=1),
}


@pytest.mark.parametrize("name", list(CALLS))
async def test_a_blocking_call_on_an_async_alias_raises_before_anything_else(
    server_uri: str, name: str
) -> None:
    await connect_async("aliases", host=server_uri, uuidRepresentation="standard")
    with pytest.raises(RuntimeError, match=rf"Use async_{name}\(\).*AliasEntry"):
        CALLS[name]()()


async def test_other_errors_stay_where_the_family_is_right(family: Family) -> None:
    with pytest.raises(ValidationError):
        await family(AliasEntry(number=-1), "save")
    with pytest.raises(AliasEntry.DoesNotExist):
        await family(AliasEntry(), "reload")


async def test_the_database_of_a_class_names_what_to_use_instead(
    family: Family,
) -> None:
    wrong = AliasEntry._get_db if family.is_async else AliasEntry._async_get_db
    instead = "_async_get_db" if family.is_async else "_get_db"
    with pytest.raises(RuntimeError, match=rf"Use {instead}\(\).*AliasEntry uses"):
        wrong()


# -- registering --------------------------------------------------------------


def test_the_database_of_external_users_is_accepted() -> None:
    register_connection("aliases", "$external", uuidRepresentation="standard")
    assert connections._connection_settings["aliases"]["name"] == "$external"


def test_the_dictionaries_can_be_replaced(server_uri: str) -> None:
    connect("aliases", host=server_uri, uuidRepresentation="standard")
    client = connections._connections["default"]
    connections._connection_settings = {}
    connections._connections = {}
    connections._dbs = {}
    with pytest.raises(ConnectionFailure):
        get_db()
    connect("aliases_other", host=server_uri, uuidRepresentation="standard")
    assert get_db().name == "aliases_other"
    client.close()


def test_a_dictionary_can_be_replaced_for_a_while(
    server_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"host": server_uri, "uuidRepresentation": "standard"}
    client = connect("aliases", **options)
    before = connections._connections
    with monkeypatch.context() as patch:
        patch.setattr(connections, "_connections", {})
        patch.setattr(connections, "_dbs", {})
        assert "default" not in connections._connections
        assert list(before) == ["default"]
    assert connections._connections == {"default": client}
    assert connections.get_connection() is client


def test_the_dictionaries_are_live(server_uri: str) -> None:
    options = {"host": server_uri, "uuidRepresentation": "standard"}
    clients, settings = connections._connections, connections._connection_settings
    client = connect("aliases", **options)
    assert clients == {"default": client}
    assert settings["default"]["name"] == "aliases"
    clients.clear()
    settings.clear()
    connections._dbs.clear()
    assert connections.registry.aliases == {}
    with pytest.raises(KeyError):
        del clients["default"]
    client.close()


def test_a_registry_of_its_own_has_aliases_of_its_own(server_uri: str) -> None:
    own = Registry()
    record = {
        "host": server_uri,
        "alias": "of_a_test",
        "uuidRepresentation": "standard",
    }
    register_connection(name="of_a_test", **record)
    own.make("of_a_test").settings = connections._connection_settings["of_a_test"]
    closed: list[str] = []
    own.on_close(closed.append)
    database = own.database(SYNC, "of_a_test")
    assert database.name == "of_a_test"
    assert database is not get_db("of_a_test")
    own.tell_closed("of_a_test")
    assert closed == ["of_a_test"]
    own.aliases["of_a_test"].client.close()


def test_many_threads_get_one_database(server_uri: str) -> None:
    register_connection(
        "aliases", "aliases", host=server_uri, uuidRepresentation="standard"
    )
    barrier = threading.Barrier(8)
    databases: list[Any] = []

    def work() -> None:
        barrier.wait()
        databases.append(get_db("aliases"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(databases) == 8
    assert all(database is databases[0] for database in databases)


# -- forked processes ---------------------------------------------------------

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork() is missing")


def in_child(function: Callable[[], Any]) -> str:
    """Return the representation of a result that a forked child has."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            answer = repr(function())
        except BaseException as error:
            answer = repr(error)
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


@pytest.fixture
def opened(server_uri: str) -> Iterator[Any]:
    yield connect("aliases", host=server_uri, uuidRepresentation="standard")
    disconnect_all()


@needs_fork
def test_a_child_has_clients_of_its_own(opened: Any) -> None:
    parent = id(opened)
    AliasEntry.objects.delete()
    AliasEntry(number=1).save()
    assert in_child(lambda: id(connections.get_connection()) != parent) == "True"
    assert in_child(lambda: AliasEntry.objects.count()) == "1"


@needs_fork
def test_a_child_is_open_as_its_parent_is(opened: Any, server_uri: str) -> None:
    modes = in_child(lambda: sorted(connections.alias_modes("default")))
    assert modes == "['sync']"
    options = {"host": server_uri, "uuidRepresentation": "standard"}
    again = in_child(lambda: connect("aliases", **options) is not opened)
    assert again == "True"
    assert "different connection" in in_child(lambda: connect("other", **options))


@needs_fork
def test_a_lock_that_a_thread_has_does_not_hang_the_child(opened: Any) -> None:
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with connections._lock:
            locked.set()
            done.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    locked.wait(10)
    try:
        assert in_child(lambda: AliasEntry.objects.count() >= 0) == "True"
    finally:
        done.set()
        thread.join()


# -- counting -----------------------------------------------------------------


async def test_a_counter_gives_its_count(family: Family, mongo: Any) -> None:
    block = async_query_counter() if family.is_async else query_counter()
    if family.is_async:
        async with block as counter:
            await family(AliasEntry.objects, "first")
            assert await counter.get_count() == 1
    else:
        with block as counter:
            await family(AliasEntry.objects, "first")
            assert counter.get_count() == 1
    assert counter == 1


async def test_a_subclass_of_a_counter_changes_what_is_ignored(
    family: Family, mongo: Any
) -> None:
    class Updates(query_counter):
        def __init__(self, alias: str = "default") -> None:
            super().__init__(alias)
            self._ignored_query["op"] = "update"

    await family(AliasEntry(number=1), "save")
    counter = Updates()
    if family.is_async:
        await counter.__aenter__()
    else:
        counter.__enter__()
    await family(AliasEntry.objects, "first")
    await family(AliasEntry.objects, "update", number=2)
    if family.is_async:
        await counter.__aexit__()
    else:
        counter.__exit__()
    assert counter._final == 1


async def test_replies_with_more_of_a_cursor_are_counted(
    family: Family, mongo: Any
) -> None:
    counter = query_counter()
    own = {"ns": {"$ne": f"{mongo.name}.system.profile"}}
    profile = mongo["profile_of_a_server"]
    profile.insert_one({"op": "getmore", "ns": f"{mongo.name}.x", "command": {}})
    assert profile.count_documents({"$and": [own, counter._ignored_query]}) == 1


async def test_a_counter_that_is_cancelled_anywhere_leaves_the_profiler_off(
    server_uri: str, mongo: Any
) -> None:
    await connect_async(mongo.name, host=server_uri, uuidRepresentation="standard")
    await AliasEntry.objects.async_first()

    async def counted() -> None:
        async with async_query_counter():
            await AliasEntry.objects.async_first()

    for turns in range(60):
        task = asyncio.create_task(counted())
        for _ in range(turns):
            await asyncio.sleep(0)
        ended = task.done()
        task.cancel()
        await asyncio.wait([task])
        assert mongo.command("profile", -1)["was"] == 0
        if ended:
            break


async def test_a_transaction_that_cannot_begin_leaves_no_session(
    family: Family,
) -> None:
    if family.is_async:
        with pytest.raises(TypeError):
            async with async_run_in_transaction(transaction_kwargs={"x": 1}):
                pass
        assert connections._get_session() is None
