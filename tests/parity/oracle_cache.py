"""The oracle's results, kept in `.cache` for as long as scenarios stay the same."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import sys
from typing import Any

from . import run

__all__ = ("load", "store")

FOLDER = pathlib.Path(__file__).parent
CACHE = FOLDER / ".cache"
_HARNESS = (
    *("values", "explained", "recording", "scripted", "harness", "run"),
    *("shapes", "tracking_shapes"),
)


def load(module: str) -> dict[str, Any]:
    """The results of the scenarios of a module that are kept; maybe none."""
    path = _path(module)
    if not path.exists():
        return {}
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results


def store(module: str, results: dict[str, Any]) -> None:
    """Keep the results of a module in place of older ones."""
    CACHE.mkdir(exist_ok=True)
    path = _path(module)
    for old in CACHE.glob(f"oracle-{module}-*.json"):
        old.unlink(missing_ok=True)
    path.write_text(json.dumps(results), encoding="utf-8")


def _path(module: str) -> pathlib.Path:
    digest = hashlib.sha256(run.ORACLE_RELEASE.encode())
    digest.update(sys.version.encode())
    digest.update(os.environ.get("MONGODB_URI", "").encode())
    names = [*_HARNESS, f"scenarios_{module}"]
    for path in (FOLDER / f"{name}.py" for name in names):
        if path.exists():
            digest.update(path.name.encode() + path.read_bytes())
    return CACHE / f"oracle-{module}-{digest.hexdigest()[:20]}.json"
