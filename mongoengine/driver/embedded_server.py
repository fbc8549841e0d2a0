"""Runs SecantusDB with a password that it has from the start.

Started by `mongoengine.driver.embedded_supervisor` as a script, never imported:

    python embedded_server.py SETTINGS

SETTINGS is a JSON file, which is removed when it has been read.  The command line of
SecantusDB can ask for authentication only where users exist already; here the user
is there before anyone can connect.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys

# The folder of this script has modules with common names.
sys.path[:] = [path for path in sys.path if path != os.path.dirname(__file__)]

from secantus.auth import SCRAM_SHA_256, derive_credentials  # noqa: E402
from secantus.server import SecantusDBServer  # noqa: E402

#: The fewest that drivers accept: the password is as random as a key.
_ITERATIONS = 4096


def main() -> int:
    """Run the server until it is told to end; return its exit status."""
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    os.unlink(path)
    logging.basicConfig(
        level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    password = settings["password"]
    server = SecantusDBServer(
        host="127.0.0.1",
        port=settings["port"],
        storage_path=settings["folder"] or ":memory:",
        require_auth=password is not None,
        enable_test_commands=settings["test_commands"],
    )
    if password is not None:
        add_user(server, settings["username"], password)

    def end(*_: object) -> None:
        server.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    server.start()
    server.wait()
    return 0


def add_user(server: SecantusDBServer, username: str, password: str) -> None:
    """Let a user do everything, with this password and no earlier one."""
    credentials = derive_credentials(password, iterations=_ITERATIONS)
    user = {
        "_id": f"admin.{username}",
        "user": username,
        "db": "admin",
        "credentials": credentials.to_doc(),
        "roles": [{"role": "root", "db": "admin"}],
        "mechanisms": [SCRAM_SHA_256],
    }
    server.storage.add_user("admin", username, user, replace=True)


if __name__ == "__main__":
    sys.exit(main())
