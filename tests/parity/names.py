"""The public names of upstream, from `upstream_api.json`."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

__all__ = ("Name", "load", "public_names", "unreached")

_SHARED = pathlib.Path(__file__).parents[3] / "shared" / "upstream_api.json"
_COPY = pathlib.Path(__file__).with_name("upstream_api.json")

Name = tuple[str, str | None, str | None]


def load() -> dict[str, dict[str, dict[str, Any]]]:
    """module -> name -> what it is: `from`, `value`, `function` or `class`."""
    path = _SHARED if _SHARED.exists() else _COPY
    loaded: dict[str, dict[str, dict[str, Any]]] = json.loads(
        path.read_text(encoding="utf-8")
    )
    return loaded


def public_names() -> Iterator[tuple[str, str]]:
    """`module:Class.member` (or `module:name`) and its signature or kind.

    A member that a class only inherits is listed where it is defined.
    """
    for module, names in load().items():
        for name, facts in names.items():
            if "from" in facts:
                continue
            if "function" in facts:
                yield f"{module}:{name}", facts["function"]
            elif "class" in facts:
                yield f"{module}:{name}", "class"
                for member, kind in facts["members"].items():
                    yield f"{module}:{name}.{member}", kind
            else:
                yield f"{module}:{name}", "value"


def unreached(reached: set[str], words: set[str]) -> list[str]:
    """Names that the trace did not see, and that no scenario writes.

    What is not a Python function of ours (attributes, constants, what comes from
    `dict` and `list`) is not traced: it counts as reached where a scenario
    writes its name.
    """
    missing = []
    for name, kind in public_names():
        last = name.rpartition(":")[2].rpartition(".")[2]
        traced = kind.startswith("(") or "(" in kind or kind == "property"
        if name in reached:
            continue
        if (traced and f"{name} is a function" in reached) or last not in words:
            missing.append(name)
    return missing
