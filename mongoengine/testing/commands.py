"""Count the commands that a block of code sends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import NamedTuple

from bson import json_util
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    register,
)

__all__ = ("SentCommand", "assert_num_commands", "observe_new_clients")

#: Commands of the driver's own, and of preparing a collection for its first use.
NOT_COUNTED = frozenset(
    {
        "buildInfo",
        "createIndexes",
        "endSessions",
        "hello",
        "isMaster",
        "killCursors",
        "listCollections",
        "ping",
        "saslContinue",
        "saslStart",
    }
)

#: Characters of a command that a failure shows.
SHOWN = 200


class SentCommand(NamedTuple):
    """One command: its name and its text as extended JSON, cut where it is long."""

    name: str
    text: str


_blocks: ContextVar[tuple[assert_num_commands, ...]] = ContextVar("blocks", default=())
_observed = False


class _Listener(CommandListener):
    """Hands each command to the blocks of the context that sends it."""

    def started(self, event: CommandStartedEvent) -> None:
        for block in _blocks.get():
            block._add(event.command_name, event.command)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Do nothing: a command counts when it is sent."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Do nothing: a command counts when it is sent."""


def observe_new_clients() -> None:
    """Have the commands of each client that is made from now on counted.

    The pytest plugin calls this when it is loaded.  Elsewhere, call it before
    `connect()`: PyMongo takes listeners only when a client is made.
    """
    global _observed
    if not _observed:
        register(_Listener())
        _observed = True


class assert_num_commands:
    """Assert that a block sends exactly so many commands.

        with assert_num_commands(1):
            list(Post.objects)

        async with assert_num_commands(2) as sent:
            await Post.objects.async_first()
            await Post.objects.async_count()
        assert [command.name for command in sent] == ["find", "aggregate"]

    Commands of this task or thread count, and those of tasks that it starts inside
    the block; those of other tests, threads and tasks do not.  What the driver sends
    by itself and the creation of indexes at a collection's first use do not count.

    :param count: how many commands the block has to send
    :param ignore: names of further commands that do not count
    :raises AssertionError: if the number differs, with the commands in the text
    :raises RuntimeError: if no client can have been observed, as
        `observe_new_clients()` was not called
    """

    def __init__(self, count: int, *, ignore: Collection[str] = ()) -> None:
        if not _observed:
            raise RuntimeError(
                "assert_num_commands() counts the commands of clients that were made "
                "after mongoengine.testing.commands.observe_new_clients() was called; "
                "the pytest plugin of this distribution calls it by itself"
            )
        self.expected = count
        self.commands: list[SentCommand] = []
        self._ignored = NOT_COUNTED.union(ignore)
        self._token: Token[tuple[assert_num_commands, ...]] | None = None

    def _add(self, name: str, command: Mapping[str, object]) -> None:
        if name in self._ignored:
            return
        shown = {
            key: value
            for key, value in command.items()
            if key not in ("lsid", "$db", "$clusterTime", "txnNumber")
        }
        text = json_util.dumps(shown, default=str)
        self.commands.append(SentCommand(name, text[:SHOWN]))

    def __enter__(self) -> list[SentCommand]:
        self._token = _blocks.set((*_blocks.get(), self))
        return self.commands

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _blocks.set(tuple(block for block in _blocks.get() if block is not self))
        if error_type is None and len(self.commands) != self.expected:
            lines = [f"  {place}. {c.text}" for place, c in enumerate(self.commands, 1)]
            sent = len(self.commands)
            raise AssertionError(
                "\n".join([f"{sent} commands sent, {self.expected} expected:", *lines])
            )

    async def __aenter__(self) -> list[SentCommand]:
        return self.__enter__()

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(error_type, error, traceback)
