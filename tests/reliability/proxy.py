"""A proxy before the server that breaks connections and answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.faults import _command_of, _read_message

__all__ = ("EFFECTS", "FaultProxy")

#: What becomes of a command.
EFFECTS = ("cut before", "cut after", "truncated", "garbled", "stalled")


@dataclass
class Rule:
    """Which commands are met, and how.

    :param skip: so many are left alone first
    :param times: so many are met
    """

    command: str
    effect: str
    skip: int
    times: int


class FaultProxy:
    """A TCP proxy; one rule holds at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.Lock()
        self._rule: Rule | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    @contextmanager
    def fault(
        self, command: str, effect: str, *, skip: int = 0, times: int = 1
    ) -> Iterator[None]:
        """Meet commands of a name for a while."""
        with self._lock:
            self._rule = Rule(command, effect, skip, times)
        try:
            yield
        finally:
            with self._lock:
                self._rule = None

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

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, EOFError), client:
            with socket.create_connection(self._server) as server:
                while True:
                    message = _read_message(client)
                    effect = self._effect_on(message)
                    if effect == "cut before":
                        return
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
