"""The server that the scenarios run on: MONGODB_URI, or an embedded one."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator

import pymongo

from . import child

__all__ = ("server",)

_PATIENCE = 120.0


@contextlib.contextmanager
def server(uri: str | None = None) -> Iterator[str]:
    """The URI of a server: the one chosen, MONGODB_URI's, or a child of ours."""
    chosen = uri or os.environ.get("MONGODB_URI")
    if chosen:
        yield chosen
        return
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    process = child.start(
        *("secantus", "--port", str(port), "--storage-path", ":memory:"),
        *("--enable-test-commands", "--log-level", "ERROR"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        started = f"mongodb://127.0.0.1:{port}/"
        _wait_for(started, process)
        yield started
    finally:
        child.end(process)


def _wait_for(uri: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            with pymongo.MongoClient(uri, serverSelectionTimeoutMS=500) as client:
                client.admin.command("ping")
            return
        except pymongo.errors.PyMongoError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)
