"""Runs SecantusDB with a password that it has from the start.

Started by `mongoengine.driver.embedded_supervisor` as a script, never imported:

    python embedded_server.py SETTINGS

SETTINGS is a JSON file, which is removed when it has been read.  SecantusDB can ask
for authentication only where a user exists, so it runs twice: on a port that nobody
knows until the user is stored, and then, in the place of this process, with
authentication.
"""

from __future__ import annotations

import sys

# Before anything else is imported: the folder of this script has a module `types`.
if __file__.startswith(sys.path[0]):
    del sys.path[0]

import json
import os
import re
import subprocess
from typing import Any

_LISTENING = re.compile(r"listening on (\S+:\d+)")
_USER_EXISTS = 51003


def main() -> None:
    """Store the user, then become the server; exit with the status of a failure."""
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    os.unlink(path)
    storage = settings["folder"] or ":memory:"
    if settings["password"] is not None:
        # Both runs have the same data, which a folder of its own holds.
        if storage == ":memory:":
            storage = os.path.join(os.path.dirname(path), "data")
        status = store_user(storage, settings["username"], settings["password"])
        if status:
            sys.exit(status)
    options = ["--port", str(settings["port"])]
    if settings["password"] is not None:
        options.append("--auth")
    if settings["test_commands"]:
        options.append("--enable-test-commands")
    os.execv(sys.executable, command(storage, *options))


def command(storage: str, *options: str) -> list[str]:
    """Return the command of a server on the loopback interface."""
    fixed = ["--host", "127.0.0.1", "--storage-path", storage]
    return [sys.executable, "-m", "secantus", *fixed, *options]


def store_user(storage: str, username: str, password: str) -> int:
    """Let a user do everything, with this password and no earlier one.

    :returns: 0, or the status of a server that did not start, having printed why
    """
    server = subprocess.Popen(
        command(storage, "--port", "0", "--sync-on-commit"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # While the server starts.
    from pymongo import MongoClient
    from pymongo.errors import OperationFailure

    assert server.stdout is not None
    printed = []
    for line in server.stdout:
        printed.append(line)
        if found := _LISTENING.search(line):
            break
    else:
        sys.stdout.write("".join(printed))
        return server.wait() or 1
    try:
        with MongoClient[dict[str, Any]](f"mongodb://{found[1]}") as client:
            change = {"pwd": password, "roles": [{"role": "root", "db": "admin"}]}
            try:
                client.admin.command({"createUser": username, **change})
            except OperationFailure as error:
                if error.code != _USER_EXISTS:
                    raise
                client.admin.command({"updateUser": username, **change})
    finally:
        # The user is on the disk; a gentle end would take two seconds.
        server.kill()
        server.communicate()
    return 0


if __name__ == "__main__":
    main()
