"""Type checkers on code that uses the package."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
GOOD = [HERE / "user_code.py", HERE / "application.py", HERE / "aggregation.py"]
BAD = [HERE / "mistakes.py", HERE / "assignments.py"]
STRICT = HERE / "pyrightconfig.json"
SECONDS = 500

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 60)]

MISTAKES = {
    (path.name, number)
    for path in BAD
    for number, line in enumerate(path.read_text().splitlines(), 1)
    if "# mistake" in line
}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def mypy(paths: list[pathlib.Path]) -> subprocess.CompletedProcess[str]:
    relative = [str(path.relative_to(ROOT)) for path in paths]
    return run("mypy", "--strict", "--warn-unused-ignores", *relative)


def pyright(paths: list[pathlib.Path]) -> list[tuple[str, int, str]]:
    """Return the errors that pyright reports: file, line and message."""
    started = run("pyright", "--version")
    if started.returncode:
        pytest.skip(f"pyright cannot start: {started.stderr.strip()[-200:]}")
    ran = run(
        *("pyright", "--outputjson", "--pythonpath", sys.executable),
        *("--project", str(STRICT)),
    )
    names = {path.name for path in paths}
    return [
        (name, found["range"]["start"]["line"] + 1, found["message"])
        for found in json.loads(ran.stdout)["generalDiagnostics"]
        if found["severity"] == "error"
        and (name := pathlib.Path(found["file"]).name) in names
    ]


def test_mypy_infers_the_types_of_user_code() -> None:
    ran = mypy(GOOD)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_mypy_finds_each_mistake_and_no_other() -> None:
    ran = mypy(BAD)
    found = re.findall(r"(\w+\.py):(\d+): error", ran.stdout)
    assert {(name, int(line)) for name, line in found} == MISTAKES, ran.stdout


def test_pyright_infers_the_types_of_user_code() -> None:
    assert pyright(GOOD) == []


def test_pyright_finds_each_mistake_and_no_other() -> None:
    found = pyright(BAD)
    assert {(name, line) for name, line, _ in found} == MISTAKES, found
