"""Each test twice: once with the blocking methods, once with the asynchronous ones."""

from __future__ import annotations

from typing import Any

from mongoengine import connect, connect_async
from tests.recording import CommandRecorder
from tests.waiting import until

__all__ = ("Family", "SentCommands")


class SentCommands(CommandRecorder):
    """The commands that clients have sent, oldest first."""

    async def until_sent(self, name: str) -> None:
        """Let the loop turn until a command of that name has been sent."""
        await until(lambda: name in self.names)


class Family:
    """One of the two families of methods, on a connection of its own.

    :param name: "sync" or "async"
    :param settings: what `connect()` takes to reach the test's database; among them
        the recorder of `sent`
    """

    def __init__(self, name: str, settings: dict[str, Any], sent: SentCommands) -> None:
        self.name = name
        self.is_async = name == "async"
        self.settings = settings
        self.uri: str = settings["host"]
        self.database: str = settings["name"]
        self._sent = sent

    async def connect(
        self, database: str | None = None, alias: str = "default", **settings: Any
    ) -> None:
        """Open an alias, to the test's database or to another."""
        name = self.database if database is None else database
        settings = {**self.settings, "name": name, "alias": alias, **settings}
        if self.is_async:
            await connect_async(**settings)
        else:
            connect(**settings)

    async def __call__(self, target: Any, method: str, /, *args: Any, **kw: Any) -> Any:
        """Call the method of this family."""
        if self.is_async:
            return await getattr(target, "async_" + method)(*args, **kw)
        return getattr(target, method)(*args, **kw)

    async def loop(self, queryset: Any) -> list[Any]:
        """Return what a loop of this family gives."""
        if self.is_async:
            return [item async for item in queryset]
        return list(queryset)

    async def next(self, queryset: Any) -> Any:
        """Return what `next()` or `anext()` gives; None at the end."""
        if self.is_async:
            return await anext(queryset, None)
        return next(queryset, None)

    @property
    def commands(self) -> list[dict[str, Any]]:
        """The commands since this was last asked, less what changes every time."""
        return self._sent.take("ping", "buildInfo", "$readPreference")

    @property
    def command_names(self) -> list[str]:
        """The names of these commands."""
        return [next(iter(command)) for command in self.commands]
