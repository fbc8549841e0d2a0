"""The commands that clients send, as PyMongo's monitoring shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import monitoring

__all__ = ("CommandRecorder", "Sent")


@dataclass(frozen=True)
class Sent:
    """A command as it was sent."""

    command_name: str
    database_name: str
    command: dict[str, Any]


class CommandRecorder(monitoring.CommandListener):
    """Keeps the commands of every client that it listens to, oldest first."""

    #: Sent by the driver of its own accord.
    ignored = frozenset({"hello", "isMaster", "ismaster", "endSessions"})
    #: Different with every run.
    volatile = frozenset({"lsid", "$db", "$clusterTime", "txnNumber"})

    def __init__(self) -> None:
        self.events: list[Sent] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        if name not in self.ignored:
            command = self.copied(event.command)
            self.events.append(Sent(name, event.database_name, command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing: what was sent is what counts."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing: what was sent is what counts."""

    @staticmethod
    def copied(command: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept of a command."""
        return dict(command)

    @property
    def names(self) -> list[str]:
        """The names of the commands: `["find", "getMore"]`."""
        return [event.command_name for event in self.events]

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the commands of one name, as they were sent."""
        return [event.command for event in self.events if event.command_name == name]

    def clear(self) -> None:
        """Forget what has been sent so far."""
        self.events.clear()

    def take(self, *ignored: str) -> list[dict[str, Any]]:
        """Return the commands since the last call, less what changes every time.

        :param ignored: names of further commands or keys to leave out
        """
        events = self.events[:]
        self.clear()
        volatile = self.volatile.union(ignored)
        return [
            {key: value for key, value in event.command.items() if key not in volatile}
            for event in events
            if event.command_name not in ignored
        ]
