"""One alias: its settings, and what is open under its name."""

from __future__ import annotations

import asyncio
import threading
from asyncio import AbstractEventLoop
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from mongoengine.driver.credentials import Settings
from mongoengine.driver.loop_client import LoopClient
from mongoengine.driver.types import PyMongoClient

__all__ = (
    "Alias",
    "BlockingDatabase",
    "Database",
    "LoopDatabase",
    "OpenDatabase",
    "Settings",
    "Target",
)

C = TypeVar("C")

#: A document class and the name of a collection.
Target: TypeAlias = tuple[type, str | None]


class Database(Generic[C]):
    """The database of an alias on one client, and the collections prepared in it.

    `prepared` has the PyMongo collections that can be used at once, `preparing` what
    to wait for where another task or thread prepares one, by the id of the process.
    `drops` counts the collections that had to be prepared again.
    """

    __slots__ = ("client", "database", "drops", "prepared", "preparing")

    def __init__(self, client: C, database: Any) -> None:
        self.client = client
        self.database = database
        self.prepared: dict[Target, Any] = {}
        self.preparing: dict[tuple[int, Target], threading.Event | asyncio.Event] = {}
        self.drops = 0

    def forget(self, target: Target) -> None:
        """Prepare a collection again when it is next used."""
        self.drops += 1
        self.prepared.pop(target, None)


BlockingDatabase: TypeAlias = "Database[PyMongoClient]"
LoopDatabase: TypeAlias = "Database[LoopClient]"

#: The database of an alias, open in either family.
OpenDatabase: TypeAlias = "BlockingDatabase | LoopDatabase"


class Alias:
    """The settings, the blocking client and the clients of event loops of a name.

    `is_registered` says that the alias opens by itself in whichever family is used;
    `was_open`, that it was open for blocking operations before the process forked;
    `safe_values`, whether its settings have `safe_values=True`; None without settings.
    """

    __slots__ = (
        "_settings",
        "async_class",
        "blocking",
        "client",
        "is_registered",
        "loops",
        "name",
        "safe_values",
        "sibling_of",
        "was_open",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.settings = None
        self.client: Any = None
        self.blocking: BlockingDatabase | None = None
        self.async_class: Any = None
        self.loops: dict[AbstractEventLoop, LoopDatabase] = {}
        self.is_registered = False
        self.was_open = False
        self.sibling_of: str | None = None

    @property
    def settings(self) -> Settings | None:
        """Return the settings record, or None."""
        return self._settings

    @settings.setter
    def settings(self, settings: Settings | None) -> None:
        # Other people's tests put plain dictionaries here.
        self._settings = None if settings is None else Settings(settings)
        self.safe_values = None if settings is None else "safe_values" in settings

    @property
    def database(self) -> Any:
        """Return the database on the blocking client, or None."""
        return None if self.blocking is None else self.blocking.database

    @database.setter
    def database(self, database: Any) -> None:
        if database is None:
            self.blocking = None
        else:
            # Other people's tests put databases here that have no client.
            client = database.client if self.client is None else self.client
            self.blocking = Database(client, database)

    @property
    def is_open(self) -> bool:
        """Return whether the alias is open for blocking operations."""
        return self.client is not None or self.was_open

    @property
    def is_async(self) -> bool:
        """Return whether the alias is open for asynchronous operations."""
        return self.async_class is not None

    @property
    def only(self) -> Literal["sync", "async"] | None:
        """Return the one family that the alias can be used in; None for no limit."""
        if self.is_registered or self.is_open == self.is_async:
            return None
        return "sync" if self.is_open else "async"

    @property
    def is_unused(self) -> bool:
        """Return whether nothing is left that needs the alias."""
        return (
            self.settings is None
            and self.blocking is None
            and not self.is_open
            and not self.is_async
            and not self.loops
        )

    def forget_settings(self) -> None:
        """Forget the settings, and that the alias was registered."""
        self.settings = None
        self.is_registered = False
