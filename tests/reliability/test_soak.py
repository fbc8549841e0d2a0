"""The soak test, for a few seconds."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

SOAK = pathlib.Path(__file__).parents[2] / "benchmarks" / "soak.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("faults", [[], ["--faults"]], ids=["quiet", "faults"])
def test_nothing_is_wrong_when_everything_happens_at_once(faults: list[str]) -> None:
    command = [sys.executable, str(SOAK), "--seconds", "10", "--workers", "1", *faults]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong answers: 0" in done.stdout
