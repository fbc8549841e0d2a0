"""Record which names the modules of the oracle have: `upstream_names.json`.

Run it with the oracle::

    PYTHONPATH=.oracle python tests/parity/record_names.py
"""

from __future__ import annotations

import importlib
import json
import pathlib
import pkgutil
import sys
import types
from typing import Any

OUT = pathlib.Path(__file__).with_name("upstream_names.json")


def _is_standard(value: Any) -> bool:
    if isinstance(value, types.ModuleType):
        module = value.__name__
    else:
        module = getattr(value, "__module__", None) or ""
    first = module.partition(".")[0]
    return first != "builtins" and first in sys.stdlib_module_names


def record() -> dict[str, dict[str, str]]:
    """Module to name to the name of its type; not what is from the standard library."""
    import mongoengine

    found = pkgutil.walk_packages(mongoengine.__path__, "mongoengine.")
    recorded = {}
    for path in ["mongoengine", *(module.name for module in found)]:
        module = importlib.import_module(path)
        recorded[path] = {
            name: type(value).__name__
            for name, value in sorted(vars(module).items())
            if not name.startswith("__") and not _is_standard(value)
        }
    return recorded


if __name__ == "__main__":
    OUT.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")
