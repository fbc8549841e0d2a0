"""Run the ways side by side, keep the oracle's results, and tell differences."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

from . import run, server

__all__ = ("WAYS", "difference", "results")

FOLDER = pathlib.Path(__file__).parent
CACHE = FOLDER / ".cache"
# Sets of strings are shown in texts: in one order, in every process.
_SAME = {**os.environ, "PYTHONHASHSEED": "0"}
HARNESS = ("values", "explained", "recording", "scripted", "harness", "run")

# way -> arguments of `tests.parity.run`
WAYS: dict[str, tuple[str, ...]] = {
    "oracle": ("--library", "oracle"),
    "ours": ("--library", "ours"),
    "touch": ("--library", "ours", "--touch"),
    "async": ("--library", "async"),
}


def results(
    ways: Iterable[str], only: str | None = None, trace: str | None = None
) -> dict[str, dict[str, Any]]:
    """Per way, the result of each scenario; the processes run in parallel."""
    chosen = dict.fromkeys(ways)
    kept = _kept(only) if "oracle" in chosen else None
    found: dict[str, dict[str, Any]] = {}
    if kept is not None:
        found["oracle"] = kept
        del chosen["oracle"]
    if "oracle" in chosen:
        run.install_oracle()
    with server.server() as uri, tempfile.TemporaryDirectory() as folder:
        running = {}
        for way in chosen:
            out = pathlib.Path(folder, f"{way}.json")
            command = [sys.executable, "-m", f"{__package__}.run", *WAYS[way]]
            command += ["--uri", uri, "--out", str(out)]
            if only:
                command += ["--only", only]
            if trace and way == "ours":
                command += ["--trace", trace]
            running[way] = out, subprocess.Popen(command, cwd=run.ROOT, env=_SAME)
        for way, (out, process) in running.items():
            if process.wait() != 0:
                raise RuntimeError(f"the {way} run ended with {process.returncode}")
            found[way] = json.loads(out.read_text(encoding="utf-8"))
    if "oracle" in chosen:
        _keep(found["oracle"], only)
    return found


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


def _key() -> str:
    digest = hashlib.sha256(run.ORACLE_RELEASE.encode())
    digest.update(sys.version.encode())
    digest.update(os.environ.get("MONGODB_URI", "").encode())
    paths = [FOLDER / f"{name}.py" for name in HARNESS]
    for path in [*paths, *sorted(FOLDER.glob("scenarios_*.py"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _path(only: str | None) -> pathlib.Path:
    chosen = hashlib.sha256((only or "").encode()).hexdigest()[:8]
    return CACHE / f"oracle-{chosen}-{_key()}.json"


def _kept(only: str | None) -> dict[str, Any] | None:
    path = _path(only)
    if not path.exists():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _keep(found: dict[str, Any], only: str | None) -> None:
    CACHE.mkdir(exist_ok=True)
    path = _path(only)
    for old in CACHE.glob(path.name.rpartition("-")[0] + "-*.json"):
        old.unlink()
    path.write_text(json.dumps(found), encoding="utf-8")
