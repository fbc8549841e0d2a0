"""Breaking operations on purpose: cancellations and refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ("CancelledAt", "cancel_at", "fail_command")


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


@contextmanager
def fail_command(client: Any, times: int = 1, **data: Any) -> Iterator[None]:
    """Let the server fail commands: `failCommands`, `errorCode`, `writeConcernError`."""
    admin = client.admin
    admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)
    try:
        yield
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")
