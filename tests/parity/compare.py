"""The results of all ways, and how they differ from the oracle's."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from . import harness, workers

__all__ = ("difference", "results")


def results(
    ways: Iterable[str], only: str | None = None, trace: str | None = None
) -> dict[str, dict[str, Any]]:
    """Per way, the result of each scenario.

    :raises WayFailed: a process did not answer in time, or ended.
    """
    names = [scenario.name for scenario in harness.scenarios(only)]
    modules = dict.fromkeys(name.partition(".")[0] for name in names)
    found: dict[str, dict[str, Any]] = {way: {} for way in ways}
    with workers.Runs(names, found, trace) as runs:
        for way in found:
            for module in modules:
                found[way] |= runs.of(way, module)
    wanted = set(names)
    return {
        way: {name: result for name, result in results.items() if name in wanted}
        for way, results in found.items()
    }


def difference(expected: Any, actual: Any) -> str | None:
    """A readable diff of two results, or None where they agree."""
    shown = [_shown(expected), _shown(actual)]
    if shown[0] == shown[1]:
        return None
    lines = difflib.unified_diff(
        shown[0].splitlines(), shown[1].splitlines(), "oracle", "ours", "", "", 2, ""
    )
    text = "\n".join(lines)
    if isinstance(actual, dict) and "traceback" in actual:
        text += "\n" + str(actual["traceback"])
    return text


def _shown(result: Any) -> str:
    if isinstance(result, dict):
        result = {key: value for key, value in result.items() if key != "traceback"}
    return "\n".join(_lines(result, ""))


def _lines(value: Any, indent: str, before: str = "", after: str = "") -> list[str]:
    """JSON in which what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent + before + flat) <= 100 or not isinstance(value, (dict, list)):
        return [indent + before + flat + after]
    if isinstance(value, list):
        opened, closed = "[", "]"
        items = [("", item) for item in value]
    else:
        opened, closed = "{", "}"
        items = [
            (json.dumps(key, ensure_ascii=False) + ": ", item)
            for key, item in value.items()
        ]
    lines = [indent + before + opened]
    for number, (name, item) in enumerate(items, 1):
        comma = "," if number < len(items) else ""
        lines += _lines(item, indent + " ", name, comma)
    return [*lines, indent + closed + after]
