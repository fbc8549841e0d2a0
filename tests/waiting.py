"""Wait for something that happens soon, on a slow machine too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

__all__ = ("LIMIT", "until", "wait_until")

#: Seconds after which something that should happen at once counts as not happening.
LIMIT = 60.0
_PAUSE = 0.01


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until a condition is true.

    :raises AssertionError: it is not, after `LIMIT` seconds.
    """
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it has not happened in time"
        await asyncio.sleep(_PAUSE)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true.

    :raises AssertionError: it is not, after `LIMIT` seconds.
    """
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it has not happened in time"
        time.sleep(_PAUSE)
