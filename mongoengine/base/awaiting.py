"""Decide whether reading an attribute may block or gives something to await."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Any

from mongoengine import connection
from mongoengine.driver.io import is_blocking_on_loop

__all__ = ("alias_of", "is_awaited", "may_block")


def may_block(alias: str) -> bool:
    """Return whether an attribute may do blocking I/O on `alias` when it is read.

    Not where the alias is open only with `connect_async()`; and where it is open
    both ways, not while an event loop runs in this thread.
    """
    modes = connection.alias_modes(alias)
    if "async" not in modes or is_blocking_on_loop():
        return True
    return "sync" in modes and not _loop_is_running()


def is_awaited(*places: object) -> bool:
    """Return whether references have to be awaited rather than followed at once.

    :param places: documents or their classes; the first that is open decides.
    """
    if not connection.any_async():
        return False
    for place in places:
        alias = alias_of(place)
        if connection.alias_modes(alias):
            return not may_block(alias)
    return False


def alias_of(place: Any) -> str:
    """Return the alias of a document or class.

    An embedded document is where the document is that it is part of.
    """
    try:
        while not getattr(place, "_is_document", False):
            place = None if isinstance(place, type) else place._instance
            if place is None:
                return connection.DEFAULT_CONNECTION_NAME
        target = None if isinstance(place, type) else place._target
    except ReferenceError:  # the parent is gone
        return connection.DEFAULT_CONNECTION_NAME
    alias: str = target[0] if target else place._get_db_alias()
    return alias


def _loop_is_running() -> bool:
    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
