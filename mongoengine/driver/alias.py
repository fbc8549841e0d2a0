"""One alias: its settings, and what is open under its name."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from typing import Any, Literal, NamedTuple

from mongoengine.driver.loop_client import LoopClient

__all__ = ("Alias", "LoopDatabase")

Settings = dict[str, Any]


class LoopDatabase(NamedTuple):
    """The client and the database of an alias on one event loop."""

    client: LoopClient
    database: Any


class Alias:
    """The settings, the blocking client and the clients of event loops of a name.

    `is_registered` says that the alias opens by itself in whichever family is used;
    `was_open`, that it was open for blocking operations before the process forked.
    """

    __slots__ = (
        "async_class",
        "client",
        "database",
        "is_registered",
        "loops",
        "name",
        "settings",
        "sibling_of",
        "was_open",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.settings: Settings | None = None
        self.client: Any = None
        self.database: Any = None
        self.async_class: Any = None
        self.loops: dict[AbstractEventLoop, LoopDatabase] = {}
        self.is_registered = False
        self.was_open = False
        self.sibling_of: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the alias is open for blocking operations."""
        return self.client is not None or self.was_open

    @property
    def is_async(self) -> bool:
        """Whether the alias is open for asynchronous operations."""
        return self.async_class is not None

    @property
    def only(self) -> Literal["sync", "async"] | None:
        """The one family that the alias can be used in, or None for no limit."""
        if self.is_registered or self.is_open == self.is_async:
            return None
        return "sync" if self.is_open else "async"

    @property
    def is_unused(self) -> bool:
        """Whether nothing is left that needs the alias."""
        return (
            self.settings is None
            and self.database is None
            and not self.is_open
            and not self.is_async
            and not self.loops
        )

    def forget_settings(self) -> None:
        """Forget the settings, and that the alias was registered."""
        self.settings = None
        self.is_registered = False
