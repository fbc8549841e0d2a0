"""Both families of methods, on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo import MongoClient

from mongoengine import connect, connect_async, disconnect_async
from tests.conftest import SentCommands
from tests.queryset.models import store_people

VOLATILE = {"lsid", "$db", "$clusterTime", "txnNumber", "$readPreference"}


class Family:
    """One of the two families, and what it sends."""

    def __init__(self, name: str, settings: dict[str, Any], sent: SentCommands) -> None:
        self.name = name
        self.is_async = name == "async"
        self.settings = settings
        self._sent = sent

    async def connect(self) -> None:
        if self.is_async:
            await connect_async(**self.settings)
        else:
            connect(**self.settings)

    async def __call__(self, target: Any, method: str, /, *args: Any, **kw: Any) -> Any:
        """Call the method of this family."""
        if self.is_async:
            return await getattr(target, "async_" + method)(*args, **kw)
        return getattr(target, method)(*args, **kw)

    async def loop(self, queryset: Any) -> list[Any]:
        """What a loop of this family gives."""
        if self.is_async:
            return [item async for item in queryset]
        return list(queryset)

    async def next(self, queryset: Any) -> Any:
        """`next()` or `anext()`; None at the end."""
        if self.is_async:
            return await anext(queryset, None)
        return next(queryset, None)

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The commands since this was last asked, less what changes every time."""
        events = self._sent.events[:]
        self._sent.clear()
        return [
            {k: v for k, v in event.command.items() if k not in VOLATILE}
            for event in events
            if event.command_name not in {"endSessions", "hello", "ping"}
        ]

    @property
    def names(self) -> list[str]:
        """The names of these commands."""
        return [next(iter(command)) for command in self.sent]


@pytest.fixture
def stored(server: MongoClient[Any], database_name: str) -> Any:
    """The test's database as plain PyMongo sees it."""
    return server[database_name]


@pytest.fixture
def people(stored: Any) -> Any:
    """The same, with five people stored."""
    store_people(stored)
    return stored


@pytest_asyncio.fixture(params=["sync", "async"])
async def family(
    request: pytest.FixtureRequest,
    settings: dict[str, Any],
    sent_commands: SentCommands,
) -> AsyncIterator[Family]:
    """Both families in turn, connected to an empty database."""
    made = Family(request.param, settings, sent_commands)
    await made.connect()
    yield made
    if made.is_async:
        await disconnect_async()
