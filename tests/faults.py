"""Breaking operations on purpose: lost answers, cancellations, refusals."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

__all__ = ("CancelledAt", "LossyProxy", "fail_command")

_HEADER = 16
_OP_MSG = 2013


class CancelledAt:
    """Await a coroutine and cancel the task at one of its suspensions.

    :param step: the number of the suspension, from 1; 0 cancels nothing
    """

    def __init__(self, coroutine: Coroutine[Any, Any, Any], step: int) -> None:
        self._coroutine = coroutine
        self._step = step
        self.suspensions = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._coroutine.__await__()
        failure: BaseException | None = None
        while True:
            try:
                future = inner.send(None) if failure is None else inner.throw(failure)
            except StopIteration as done:
                return done.value
            failure = None
            self.suspensions += 1
            if self.suspensions == self._step:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield future
            except BaseException as error:
                failure = error


async def cancel_at(coroutine: Coroutine[Any, Any, Any], step: int) -> bool:
    """Run a coroutine in a task of its own; return whether it was cancelled."""

    async def run(awaitable: Awaitable[Any]) -> None:
        await awaitable

    task = asyncio.create_task(run(CancelledAt(coroutine, step)))
    await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    return False


class LossyProxy:
    """A TCP proxy before a MongoDB server that loses the answers to some commands."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.Lock()
        self._command = ""
        self._times = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    @contextmanager
    def losing(self, command: str, times: int = 2) -> Iterator[None]:
        """Close the connection instead of answering, so many times.

        PyMongo sends a write twice, so two answers have to be lost.
        """
        with self._lock:
            self._command, self._times = command, times
        try:
            yield
        finally:
            with self._lock:
                self._times = 0

    def _loses(self, message: bytes) -> bool:
        with self._lock:
            if self._times and _command_of(message) == self._command:
                self._times -= 1
                return True
            return False

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
                    lost = self._loses(message)
                    server.sendall(message)
                    answer = _read_message(server)
                    if lost:
                        return
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


@contextmanager
def fail_command(client: Any, times: int = 1, **data: Any) -> Iterator[None]:
    """Let the server fail commands: `failCommands`, `errorCode`, `writeConcernError`."""
    admin = client.admin
    admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)
    try:
        yield
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
