"""`embedded://`: a MongoDB-compatible server of one's own.

    connect("blog", host="embedded://")                temporary data
    connect("blog", host="embedded:///./data")         data in the folder ./data
    connect("blog", host="embedded:///srv/data")       data in the folder /srv/data
    connect("blog", host="embedded://:27018")          on that loopback port
    connect("blog", host="embedded://?auth=false")     in memory, no password
    connect("blog", host="embedded://?testCommands=true")    `configureFailPoint` etc.

The server is SecantusDB, from the `embedded` extra, in a process of its own on a
free loopback port, with a password that only this program has: other programs get it
from `uri()`.  There is one for each folder (and, without a folder, one for each
combination of options) however many aliases use it.  It starts with the first of them
and ends with the program, even if the program is killed.

This is for trying things out, for developing and for testing.  Production wants
MongoDB itself: the embedded server has no replicas and only a part of MongoDB's
features.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO as File
from urllib.parse import parse_qsl, unquote

from mongoengine.driver.credentials import without_password
from mongoengine.driver.io import IO

__all__ = (
    "EmbeddedServerError",
    "address",
    "credentials",
    "is_embedded",
    "start",
    "uri",
)

_SCHEME = "embedded://"
_URL = (
    r"embedded://(?:(?:localhost|127\.0\.0\.1)?:(?P<port>\d+))?(?:/(?P<folder>[^?]*))?"
    r"(?:\?(?P<options>.*))?"
)
_USERNAME = "mongoengine"
_LISTENING = rb"listening on (\S+:\d+)"
_BUSY = b"already being managed by another process"

_SECONDS_TO_START = 30.0
_SECONDS_FOR_BUSY_FOLDER = 6.0
_SECONDS_BETWEEN_LOOKS = 0.01

_servers: dict[str, _Server] = {}
_lock = threading.Lock()


class EmbeddedServerError(Exception):
    """The embedded server could not be started, or has ended."""


class _Request:
    """The server that a URL asks for.

    :param port: "0" for any
    :param folder: "" for none
    """

    def __init__(self, port: str, folder: str, test_commands: bool, auth: bool) -> None:
        self.port = port
        self.folder = folder
        self.test_commands = test_commands
        self.auth = auth

    @property
    def key(self) -> str:
        """Return the folder, of which there is one server, or the options.

        Servers in memory that are asked for otherwise are different ones.
        """
        if self.folder or (self.auth and not self.test_commands):
            return self.folder
        return f"?auth={self.auth}&testCommands={self.test_commands}"


class _Server:
    """One server process, behind the supervisor that ends it with this program."""

    def __init__(self, request: _Request) -> None:
        folder, port = request.folder, request.port
        self.key = request.key
        self.folder = folder
        self.port = port
        self.test_commands = request.test_commands
        self.password = os.urandom(24).hex() if request.auth else None
        self.address: str | None = None
        self._owner = os.getpid()
        place = Path(tempfile.mkdtemp(prefix="mongoengine-embedded-"))
        settings = place / "settings.json"
        settings.touch(mode=0o600)
        settings.write_text(
            json.dumps(
                {
                    "port": int(port),
                    "folder": folder,
                    "test_commands": self.test_commands,
                    "username": _USERNAME,
                    "password": self.password,
                }
            )
        )
        log = place / "log"
        log.touch()
        self._log: File[bytes] = log.open("rb")
        self._text = b""
        self._pipe: int | None
        theirs, self._pipe = os.pipe()
        supervisor = Path(__file__).with_name("embedded_supervisor.py")
        script = Path(__file__).with_name("embedded_server.py")
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", os.fspath(supervisor)),
                    *(os.fspath(place), "1" if folder else "0"),
                    *(sys.executable, os.fspath(script), os.fspath(settings)),
                ],
                stdin=theirs,
                env={**os.environ, "TMPDIR": os.fspath(place)},
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            self.close_pipe()
            shutil.rmtree(place, ignore_errors=True)
            raise EmbeddedServerError(
                f"The embedded server cannot be started: {error}"
            ) from error
        finally:
            os.close(theirs)

    def has_ended(self) -> bool:
        # A forked child cannot wait for the process of its parent.
        return os.getpid() == self._owner and self._process.poll() is not None

    def listens(self) -> bool:
        """Return whether the log tells the address; raises if the server has ended."""
        if self.address is None:
            ended = self.has_ended()
            self._text += self._log.read()
            if found := re.search(_LISTENING, self._text):
                self.address = found[1].decode()
                self._log.close()
            elif ended:
                self._log.close()
                raise self.failure()
        return self.address is not None

    def is_busy(self) -> bool:
        return _BUSY in self._text

    def failure(self) -> EmbeddedServerError:
        lines = self._text.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "it has said nothing"
        if "Address already in use" in reason or "Permission denied" in reason:
            what = f"port {self.port}" if self.port != "0" else "a port"
            if not self.folder or "Address" in reason:
                return EmbeddedServerError(
                    f"The embedded server cannot have {what} of 127.0.0.1: {reason}"
                )
        if self.is_busy():
            reason = "another program's embedded server is using it"
        where = f" on the folder {self.folder!r}" if self.folder else ""
        return EmbeddedServerError(
            f"The embedded server cannot be started{where}: {reason}"
        )

    def end(self) -> None:
        """End the server, and wait until its supervisor is gone."""
        if os.getpid() == self._owner and self._pipe is not None:
            # Forked processes may have the pipe, so closing it is not enough.
            with suppress(BrokenPipeError):
                os.write(self._pipe, b"end")
            self.close_pipe()
            self._process.wait()
            self._log.close()

    def close_pipe(self) -> None:
        """Close the pipe that the supervisor reads, in this process."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def is_embedded(host: str) -> bool:
    """Return whether `host` asks for an embedded server."""
    return host.startswith(_SCHEME)


async def start(io: IO, hosts: list[str]) -> None:
    """Start the embedded servers that `hosts` ask for, and wait until they listen.

    :raises EmbeddedServerError: if one cannot be started, saying why
    """
    for host in hosts:
        if is_embedded(host):
            await _start(io, _parsed(host))


async def _start(io: IO, request: _Request) -> None:
    begun = time.monotonic()
    while True:
        server = _launched(request)
        try:
            while not server.listens():
                if time.monotonic() - begun > _SECONDS_TO_START:
                    raise EmbeddedServerError(
                        f"The embedded server has not started within "
                        f"{_SECONDS_TO_START:.0f} seconds"
                    )
                await _pause(io)
            return
        except EmbeddedServerError:
            _drop(server)
            waited = time.monotonic() - begun
            if not server.is_busy() or waited > _SECONDS_FOR_BUSY_FOLDER:
                raise
        await _pause(io, 0.2)


async def _pause(io: IO, seconds: float = _SECONDS_BETWEEN_LOOKS) -> None:
    sleep = asyncio.sleep if io.is_async else time.sleep
    await io.plain(sleep, seconds)


def address(host: str) -> str:
    """Return `host` as PyMongo takes it; of an embedded one, that of its server.

    :raises EmbeddedServerError: if that server has ended, or was never started
    """
    if not is_embedded(host):
        return host
    return _running(host)[1]


def credentials(host: str) -> dict[str, str]:
    """Return the user of an embedded server, as options of a PyMongo client.

    It is empty for other hosts, and for servers without a password.
    """
    password = _running(host)[0].password if is_embedded(host) else None
    if password is None:
        return {}
    return {"username": _USERNAME, "password": password, "authSource": "admin"}


def uri(host: str) -> str:
    """Return the MongoDB URI of a running embedded server, password included.

    It is for other programs and other clients: do not let it get into logs.
    """
    server, at = _running(host)
    if server.password is None:
        return f"mongodb://{at}/"
    return f"mongodb://{_USERNAME}:{server.password}@{at}/?authSource=admin"


def _running(host: str) -> tuple[_Server, str]:
    """Return a server that listens, and its address."""
    server = _servers.get(_parsed(host).key)
    if server is None or server.address is None or server.has_ended():
        raise EmbeddedServerError(
            f"The embedded server of {host!r} is not running any more. "
            "Use disconnect() and connect() to start it again"
        )
    return server, server.address


_FLAGS = {"true": True, "false": False}


def _parsed(host: str) -> _Request:
    found = re.fullmatch(_URL, host)
    options = dict(parse_qsl(found["options"] or "") if found else ())
    test_commands = options.pop("testCommands", "false")
    auth = options.pop("auth", "true")
    if found is None or options or not {test_commands, auth} <= _FLAGS.keys():
        raise EmbeddedServerError(
            f"{without_password(host)!r} is not understood: use embedded:// for data "
            "in memory, embedded:///./folder for data in a folder, and "
            "embedded://:27018 or embedded://:27018/./folder for a port of your "
            "choice; ?testCommands=true and ?auth=false are the options"
        )
    folder = unquote(found["folder"] or "")
    if folder and not folder.startswith(("./", "../")):
        folder = os.path.join(os.sep, folder)
    return _Request(
        found["port"] or "0",
        os.path.realpath(folder) if folder else "",
        _FLAGS[test_commands],
        _FLAGS[auth],
    )


def _launched(request: _Request) -> _Server:
    """Return the server of a folder, its process started if need be."""
    port, folder = request.port, request.folder
    with _lock:
        server = _servers.get(request.key)
        if server is None or server.has_ended():
            if importlib.util.find_spec("secantus") is None:
                raise EmbeddedServerError(
                    "embedded:// needs the SecantusDB package, which is not "
                    "installed. Use `pip install SecantusDB`, which is what the "
                    "extra `embedded` of this distribution installs"
                )
            _servers[request.key] = server = _Server(request)
        elif port not in ("0", server.port, _port_of(server)):
            raise EmbeddedServerError(
                f"The embedded server of {folder or 'memory'!r} runs on "
                f"{server.address or server.port} already, not on port {port}"
            )
        elif request.test_commands and not server.test_commands:
            raise EmbeddedServerError(
                f"The embedded server of {folder or 'memory'!r} runs without test "
                "commands already: ask for them where it is first used"
            )
    return server


def _port_of(server: _Server) -> str | None:
    return server.address and server.address.rpartition(":")[2]


def _drop(server: _Server) -> None:
    with _lock:
        if _servers.get(server.key) is server:
            del _servers[server.key]
    server.end()


def _end_all() -> None:
    for server in list(_servers.values()):
        _drop(server)


atexit.register(_end_all)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for server in _servers.values():
        server.close_pipe()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
