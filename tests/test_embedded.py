"""embedded://: a server of one's own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from mongoengine.connection import (
    ConnectionFailure,
    connect,
    connect_async,
    disconnect,
    disconnect_all,
    disconnect_async,
    get_async_db,
    get_db,
    register_connection,
)
from mongoengine.driver import embedded
from tests.waiting import LIMIT

STANDARD = {"uuidRepresentation": "standard"}


def listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def stops_listening(address: str, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not listens(address):
            return True
        time.sleep(0.05)
    return False


def started(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def program_on(url: str) -> str:
    return f"""
        from mongoengine.driver import embedded
        from mongoengine.connection import connect
        client = connect("blog", host={url!r}, uuidRepresentation="standard")
        client.blog.posts.insert_one({{"title": "x"}})
        print(embedded.address({url!r}), flush=True)
        input()
    """


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    folder = tmp_path / "data"
    yield folder
    disconnect_all()
    server = embedded._servers.get(os.path.realpath(folder))
    if server is not None:
        embedded._drop(server)


def test_a_server_in_memory_starts_with_the_first_alias() -> None:
    client = connect("blog", host="embedded://", **STANDARD)
    client["blog"]["x"].insert_one({"_id": 1})
    assert get_db()["x"].find_one() == {"_id": 1}
    client.drop_database("blog")


def test_aliases_share_one_server() -> None:
    one = connect("a", host="embedded://", **STANDARD)
    two = connect("b", alias="b", host="embedded://", tz_aware=True, **STANDARD)
    assert one is not two
    assert one.address == two.address


async def test_both_families_share_one_server() -> None:
    blocking = connect("a", host="embedded://", **STANDARD)
    asynchronous = await connect_async("a", host="embedded://", **STANDARD)
    assert await asynchronous.address == blocking.address
    await disconnect_async()


@pytest.mark.slow
async def test_connect_async_starts_it_without_blocking_the_loop(folder: Path) -> None:
    turns = 0

    async def watch() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    client = await connect_async("a", host=f"embedded://{folder}", **STANDARD)
    await client.admin.command("ping")
    watching.cancel()
    await disconnect_async()
    assert turns > 10


def test_a_registered_alias_has_its_server() -> None:
    register_connection("later", "a", host="embedded://", **STANDARD)
    assert get_db("later").command("ping")["ok"]


@pytest.mark.slow
def test_data_in_a_folder_outlives_the_program(folder: Path) -> None:
    url = f"embedded://{folder}"
    with started(program_on(url)) as program:
        program.communicate("\n")
    assert program.returncode == 0
    client = connect("blog", host=url, **STANDARD)
    assert client["blog"]["posts"].count_documents({}) == 1


def test_one_folder_has_one_server_however_it_is_spelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for url in (f"embedded://{folder}", f"embedded:///{folder}", "embedded:///./data"):
        request = embedded._parsed(url)
        assert (request.port, request.folder) == ("0", os.path.realpath(folder))


@pytest.mark.parametrize(
    ("url", "port", "where"),
    [
        ("embedded://", "0", ""),
        ("embedded:///", "0", ""),
        ("embedded://:27018", "27018", ""),
        ("embedded://localhost:27018/", "27018", ""),
        ("embedded://127.0.0.1:27018/srv/data", "27018", "/srv/data"),
        ("embedded:///srv/my%20data", "0", "/srv/my data"),
    ],
)
def test_what_a_url_says(url: str, port: str, where: str) -> None:
    request = embedded._parsed(url)
    assert request.port == port
    assert request.folder == (where and os.path.realpath(where))
    assert request.auth
    assert not request.test_commands


def test_a_url_that_is_not_understood() -> None:
    with pytest.raises(ConnectionFailure, match="'embedded://data' is not understood"):
        connect("a", host="embedded://data", **STANDARD)


@pytest.mark.parametrize("options", ["?x=1", "?auth=no", "?testCommands=1"])
def test_an_option_that_is_not_understood(options: str) -> None:
    with pytest.raises(ConnectionFailure, match="is not understood"):
        connect("a", host="embedded://" + options, **STANDARD)


@pytest.mark.slow
def test_nobody_else_gets_in_without_the_password(folder: Path) -> None:
    url = f"embedded://{folder}"
    connect("blog", host=url, **STANDARD)
    get_db().posts.insert_one({"_id": 1})
    with MongoClient(embedded.address(url)) as stranger:
        for call in (stranger.blog.posts.find_one, stranger.list_database_names):
            with pytest.raises(OperationFailure, match="requires authentication"):
                call()
    with MongoClient(embedded.uri(url)) as friend:
        assert friend.blog.posts.find_one() == {"_id": 1}
        with pytest.raises(OperationFailure, match="no such command"):
            friend.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.slow
async def test_its_password_is_new_each_time(folder: Path) -> None:
    url = f"embedded://{folder}"
    await connect_async("blog", host=url, **STANDARD)
    await get_async_db().posts.insert_one({"_id": 1})
    old = embedded.uri(url)
    await disconnect_async()
    embedded._drop(embedded._servers[embedded._parsed(url).key])
    await connect_async("blog", host=url, **STANDARD)
    assert await get_async_db().posts.find_one() == {"_id": 1}
    assert old.partition("@")[0] != embedded.uri(url).partition("@")[0]
    await disconnect_async()


@pytest.mark.slow
def test_it_listens_on_the_loopback_interface_alone(folder: Path) -> None:
    url = f"embedded://{folder}"
    connect("blog", host=url, **STANDARD)
    host, _, port = embedded.address(url).partition(":")
    assert host == "127.0.0.1"
    for other in ("127.0.0.2", socket.gethostbyname(socket.gethostname())):
        if other != host:
            assert not listens(f"{other}:{port}")


@pytest.mark.slow
def test_without_a_password_and_with_test_commands_where_that_is_asked_for(
    folder: Path,
) -> None:
    url = f"embedded://{folder}"
    connect("blog", host=f"{url}?auth=false&testCommands=true", **STANDARD)
    with MongoClient(embedded.address(url)) as anybody:
        anybody.admin.command("configureFailPoint", "failCommand", mode="off")
    assert embedded.credentials(url) == {}


@pytest.mark.slow
def test_test_commands_cannot_be_had_later(folder: Path) -> None:
    connect("blog", host=f"embedded://{folder}", **STANDARD)
    with pytest.raises(ConnectionFailure, match="without test commands already"):
        connect("b", "b", host=f"embedded://{folder}?testCommands=true", **STANDARD)


@pytest.mark.slow
def test_the_server_is_gone_when_the_program_ends() -> None:
    with started(program_on("embedded://")) as program:
        address = program.stdout.readline().strip()  # type: ignore[union-attr]
        assert listens(address)
        program.communicate("\n")
    assert not listens(address)


@pytest.mark.slow
def test_the_server_is_gone_when_the_program_is_killed(folder: Path) -> None:
    for url in ("embedded://", f"embedded://{folder}"):
        with started(program_on(url)) as program:
            address = program.stdout.readline().strip()  # type: ignore[union-attr]
            assert listens(address)
            program.send_signal(signal.SIGKILL)
            program.communicate()
        assert stops_listening(address, LIMIT)


@pytest.mark.slow
def test_what_a_killed_program_had_written_is_there_for_the_next(folder: Path) -> None:
    url = f"embedded://{folder}"
    with started(program_on(url)) as program:
        program.stdout.readline()  # type: ignore[union-attr]
        program.kill()
        program.communicate()
    client = connect("blog", host=url, **STANDARD)
    assert client["blog"]["posts"].count_documents({}) == 1


@pytest.mark.slow
def test_a_folder_that_another_program_uses(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_SECONDS_FOR_BUSY_FOLDER", 0.0)
    url = f"embedded://{folder}"
    with started(program_on(url)) as program:
        program.stdout.readline()  # type: ignore[union-attr]
        with pytest.raises(ConnectionFailure) as caught:
            connect("blog", host=url, **STANDARD)
        program.communicate("\n")
    assert str(folder) in str(caught.value)
    assert "another program's embedded server is using it" in str(caught.value)


def test_a_folder_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConnectionFailure) as caught:
        connect("blog", host=f"embedded://{tmp_path}/file", **STANDARD)
    assert f"on the folder '{os.path.realpath(tmp_path)}/file'" in str(caught.value)
    assert "File exists" in str(caught.value)


@pytest.mark.slow
def test_a_port_that_cannot_be_had(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConnectionFailure) as caught:
            connect("blog", host=f"embedded://:{port}{folder}", **STANDARD)
    assert f"cannot have port {port} of 127.0.0.1" in str(caught.value)
    assert "Address already in use" in str(caught.value)


def test_without_the_extra_the_error_tells_the_command(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    with pytest.raises(ConnectionFailure) as caught:
        connect("blog", host=f"embedded://{folder}", **STANDARD)
    assert "pip install SecantusDB" in str(caught.value)


@pytest.mark.slow
def test_a_server_that_died_is_told_and_started_again(folder: Path) -> None:
    url = f"embedded://{folder}"
    connect("blog", host=url, serverSelectionTimeoutMS=100, **STANDARD)
    embedded._servers[os.path.realpath(folder)].end()
    with pytest.raises(embedded.EmbeddedServerError, match="is not running any more"):
        embedded.address(url)
    disconnect()
    assert connect("blog", host=url, **STANDARD).admin.command("ping")["ok"]


@pytest.mark.slow
def test_the_library_never_imports_the_server() -> None:
    program = """
        import sys
        from mongoengine.connection import connect
        connect("a", host="embedded://", uuidRepresentation="standard")
        assert "secantus" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


FORKING = """
    import os, sys, time
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    print(pid, flush=True)
    input()
"""

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork() is missing")


@needs_fork
@pytest.mark.parametrize("way", ["end", "kill"])
def test_a_forked_child_that_lives_on_does_not_keep_the_server(way: str) -> None:
    program_text = program_on("embedded://").replace("input()", "")
    source = textwrap.dedent(program_text) + textwrap.dedent(FORKING)
    with started(source) as program:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        child = int(program.stdout.readline())
        try:
            assert listens(address)
            if way == "kill":
                program.kill()
            else:
                program.stdin.write("\n")  # type: ignore[union-attr]
                program.stdin.flush()  # type: ignore[union-attr]
            program.wait(30)
            assert stops_listening(address, 10)
            os.kill(child, 0)  # it lives
        finally:
            os.kill(child, signal.SIGKILL)


def test_what_is_open_at_the_end_of_a_program_prints_nothing() -> None:
    source = (
        program_on("embedded://").replace("input()", "")
        + """
        def changes():
            with client.blog.posts.watch() as stream:
                while True:
                    yield stream.try_next()

        def posts():
            yield from client.blog.posts.find(batch_size=1)

        client.blog.posts.insert_many([{"n": n} for n in range(9)])
        streams = [changes(), posts()]
        for stream in streams:
            next(stream)
        cursor = client.blog.posts.find(batch_size=1)
        next(cursor)
    """
    )
    with started(source) as program:
        _, errors = program.communicate(timeout=30)
    assert program.returncode == 0
    assert errors == ""
