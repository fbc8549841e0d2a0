"""What type checkers make of code that uses the package."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
GOOD = HERE / "user_code.py"
BAD = HERE / "mistakes.py"
SECONDS = 500

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 60)]

MISTAKES = {
    number
    for number, line in enumerate(BAD.read_text().splitlines(), 1)
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


def mypy(path: pathlib.Path) -> subprocess.CompletedProcess[str]:
    relative = path.relative_to(ROOT)
    return run("mypy", "--strict", "--warn-unused-ignores", str(relative))


def pyright(path: pathlib.Path) -> list[tuple[int, str]]:
    """The errors that pyright reports: line and message."""
    started = run("pyright", "--version")
    if started.returncode:
        pytest.skip(f"pyright cannot start: {started.stderr.strip()[-200:]}")
    ran = run("pyright", "--outputjson", "--pythonpath", sys.executable, str(path))
    diagnostics = json.loads(ran.stdout)["generalDiagnostics"]
    return [
        (found["range"]["start"]["line"] + 1, found["message"])
        for found in diagnostics
        if found["severity"] == "error"
    ]


def test_mypy_infers_the_types_of_user_code() -> None:
    ran = mypy(GOOD)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_mypy_finds_each_mistake_and_no_other() -> None:
    ran = mypy(BAD)
    found = re.findall(r"mistakes\.py:(\d+): error", ran.stdout)
    assert {int(line) for line in found} == MISTAKES, ran.stdout


def test_pyright_infers_the_types_of_user_code() -> None:
    assert pyright(GOOD) == []


def test_pyright_finds_each_mistake_and_no_other() -> None:
    found = pyright(BAD)
    assert {line for line, _ in found} == MISTAKES, found
