"""Calls that run to their end even if their caller is cancelled."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from mongoengine.driver.io import IO

__all__ = ("completed",)


async def completed(io: IO, call: Any, /, *args: object) -> object:
    """Call `call(*args)` and return its result, not interrupted by cancellation.

    In async code the call runs in a task of its own.  A cancellation of the caller is
    raised when that task has ended, so that its outcome is known.

    :param call: a method of PyMongo's, or a coroutine function
    :raises asyncio.CancelledError: after the call, if the caller was cancelled
    """
    result = call(*args)
    if not inspect.isawaitable(result):
        return result
    if not io.is_async:
        return await result
    task = asyncio.ensure_future(result)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        await _ended(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise cancelled from error
        raise


async def _ended(task: asyncio.Future[Any]) -> None:
    """Wait until a task has ended, however often the waiting is cancelled."""
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue
