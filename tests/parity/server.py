"""The server that the scenarios run on: MONGODB_URI, or an embedded one."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pymongo

__all__ = ("server",)

_PATIENCE = 30.0


@contextlib.contextmanager
def server(uri: str | None = None) -> Iterator[str]:
    """The URI of a server: the one given, MONGODB_URI's, or a child of ours."""
    given = uri or os.environ.get("MONGODB_URI")
    if given:
        yield given
        return
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    command = [sys.executable, "-m", "secantus", "--port", str(port)]
    command += ["--storage-path", ":memory:", "--enable-test-commands"]
    child = subprocess.Popen(
        [*command, "--log-level", "ERROR"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        started = f"mongodb://127.0.0.1:{port}/"
        _wait_for(started, child)
        yield started
    finally:
        child.terminate()
        child.wait(_PATIENCE)


def _wait_for(uri: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with pymongo.MongoClient(uri, serverSelectionTimeoutMS=500) as client:
                client.admin.command("ping")
            return
        except pymongo.errors.PyMongoError:
            if child.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
