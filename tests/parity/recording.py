"""The commands that a library sends, as PyMongo's monitoring shows them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tests.recording import CommandRecorder

__all__ = ("Recorder",)


class Recorder(CommandRecorder):
    """Keeps the commands of every client that it listens to."""

    @staticmethod
    def copied(command: Mapping[str, Any]) -> dict[str, Any]:
        return {key: _copied(value) for key, value in command.items()}

    def compared(self, default_database: str) -> list[dict[str, Any]]:
        """Return the commands since the last call, without what the driver adds.

        A command to another database than the default one carries `$db`.
        """
        events = self.events[:]
        self.clear()
        return [
            _shown(event.database_name, event.command, default_database)
            for event in events
        ]


def _copied(value: Any) -> Any:
    """A copy as the wire carries it: what a mapping or a sequence is, is lost."""
    if isinstance(value, Mapping) and not hasattr(value, "collection"):
        copied = {key: _copied(item) for key, item in value.items()}
        return _with_sorted_ids(copied)
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return copy.copy(value)


def _shown(
    database: str, command: dict[str, Any], default_database: str
) -> dict[str, Any]:
    name = next(iter(command))  # what stands behind it is in no order
    keys = [name, *sorted(key for key in command if key != name)]
    shown = {key: command[key] for key in keys if key not in CommandRecorder.volatile}
    if shown.get("$readPreference") == {"mode": "primaryPreferred"}:
        del shown["$readPreference"]
    if "getMore" in shown:
        shown["getMore"] = "cursor"
    if "killCursors" in shown:
        shown["cursors"] = "cursors"
    if database != default_database:
        shown["$db"] = database
    return shown


def _with_sorted_ids(command: dict[str, Any]) -> dict[str, Any]:
    """References are collected in sets: their ids come in an order of chance."""
    asked = command.get("_id")
    if isinstance(asked, dict) and len(asked) == 1:
        ((operator, ids),) = asked.items()
        if operator in ("$in", "$nin") and len({type(one) for one in ids}) == 1:  # noqa: SIM102
            if not isinstance(ids[0], (dict, list)):
                command["_id"] = {operator: sorted(ids)}
    return command
