"""Whether touching an attribute may go to the server there and then."""

from __future__ import annotations

from asyncio import get_running_loop

from mongoengine import connection

__all__ = ("may_block",)


def may_block(alias: str) -> bool:
    """Whether an attribute may do blocking I/O on `alias` when it is read.

    Not where the alias is open only with `connect_async()`; and where it is open
    both ways, not while an event loop runs in this thread.
    """
    modes = connection.alias_modes(alias)
    if "async" not in modes:
        return True
    return "sync" in modes and not _loop_is_running()


def _loop_is_running() -> bool:
    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
