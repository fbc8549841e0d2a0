"""A proxy before the server that breaks connections and answers."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Container, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass

__all__ = ("EFFECTS", "FaultProxy")

_HEADER = 16
_OP_MSG = 2013

#: How a command fails.  A late one is carried out before the next write.
EFFECTS = ("cut before", "cut after", "truncated", "garbled", "stalled", "late")
_WRITES = ("insert", "update", "delete", "findAndModify")


@dataclass
class Rule:
    """Which commands fail, and how.

    :param skip: how many are left alone first
    :param times: how many fail then
    """

    command: str
    effect: str
    skip: int
    times: int


class FaultProxy:
    """A TCP proxy before a server; it has one rule at a time.

    :param uri: of the server: `mongodb://host[:port]`
    """

    def __init__(self, uri: str) -> None:
        host, _, port = uri.removeprefix("mongodb://").strip("/").partition(":")
        self._server = (host, int(port or 27017))
        self._lock = threading.Lock()
        self._rule: Rule | None = None
        self._late: list[bytes] = []
        # Connections of clients, with what they are at: "" between two commands.
        self._clients: dict[socket.socket, str] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    @contextmanager
    def fault(
        self, command: str, effect: str, *, skip: int = 0, times: int = 1
    ) -> Iterator[None]:
        """Let commands with this name fail within the block."""
        with self._lock:
            self._rule = Rule(command, effect, skip, times)
        self.forget_late()
        try:
            yield
        finally:
            with self._lock:
                self._rule = None

    def losing(self, command: str) -> AbstractContextManager[None]:
        """Close the connection instead of answering, twice.

        PyMongo sends a write again after the first failure.
        """
        return self.fault(command, "cut after", times=2)

    def delaying(self, command: str) -> AbstractContextManager[None]:
        """Close the connection, twice, and carry the command out later.

        That is when the next write arrives, after the block.
        """
        return self.fault(command, "late", times=2)

    def forget_late(self) -> None:
        """Never carry out the commands that are late."""
        self._late.clear()

    def is_done_with(self, commands: Container[str]) -> bool:
        """Return whether the server has carried out all commands of these names.

        Those that a client has sent and waits for no longer count, too.
        """
        with self._lock:
            waiting = [client for client, at in self._clients.items() if not at]
            if any(at == "reading" or at in commands for at in self._clients.values()):
                return False
            return not select.select(waiting, [], [], 0)[0]

    def _carry_out_late(self, message: bytes) -> None:
        """Send the commands that are late before the next write."""
        with self._lock:
            if self._rule is not None or _command_of(message) not in _WRITES:
                return
            late, self._late = self._late, []
        for each in late:
            with socket.create_connection(self._server) as server:
                server.sendall(each)
                _read_message(server)

    def _effect_on(self, message: bytes) -> str:
        with self._lock:
            rule = self._rule
            if rule is None or _command_of(message) != rule.command:
                return ""
            if rule.skip:
                rule.skip -= 1
                return ""
            if not rule.times:
                return ""
            rule.times -= 1
            return rule.effect

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(
                    target=self._serve, args=(client,), daemon=True
                ).start()

    @contextmanager
    def _noted(self, client: socket.socket) -> Iterator[None]:
        """Close a connection in the end, and know it until then."""
        with client:
            with self._lock:
                self._clients[client] = "reading"
            try:
                yield
            finally:
                with self._lock:
                    del self._clients[client]

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), self._noted(client):
            with socket.create_connection(self._server) as server:
                while True:
                    self._clients[client] = ""
                    select.select([client], [], [])
                    self._clients[client] = "reading"
                    message = _read_message(client)
                    self._clients[client] = _command_of(message)
                    effect = self._effect_on(message)
                    if effect == "late":
                        self._late.append(message)
                    if effect in ("cut before", "late"):
                        return
                    self._carry_out_late(message)
                    server.sendall(message)
                    answer = _read_message(server)
                    if effect == "cut after":
                        return
                    if effect == "stalled":
                        client.settimeout(30)
                        client.recv(1)  # until the client gives up
                        return
                    if effect == "truncated":
                        client.sendall(answer[: len(answer) // 2])
                        return
                    if effect == "garbled":
                        answer = answer[:21] + b"\xff" * (len(answer) - 21)
                    client.sendall(answer)


def _read(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _read_message(connection: socket.socket) -> bytes:
    header = _read(connection, _HEADER)
    return header + _read(connection, int.from_bytes(header[:4], "little") - _HEADER)


def _command_of(message: bytes) -> str:
    """Return the name of a command: the first key of the first document."""
    if int.from_bytes(message[12:16], "little") != _OP_MSG:
        return ""
    start = _HEADER + 4 + 1 + 4 + 1  # flags, section, size, type of the value
    return message[start : message.index(b"\0", start)].decode()
