"""The codec's ratios on other versions of Python, one shape each.

    python benchmarks/versions.py [--rounds N] [PYTHON ...]

PYTHON are interpreters that have PyMongo; this one where none is named.  Each version
is compared with its own `bson.decode`, interleaved.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from _harness import HERE, table, times

SHAPE = "article"


def ratios_of(python: str, rounds: int) -> tuple[str, dict[str, dict[str, float]]]:
    """Return the version of an interpreter, and the ratios by case and side."""
    asked = [python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ratios.json"
        command = [python, str(HERE / "codec.py"), "--shape", SHAPE, "--side", "ours"]
        command += ["--rounds", str(rounds), "--record", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        recorded = json.loads(file.read_text(encoding="utf-8"))
    return version.strip(), recorded[SHAPE]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON")
    arguments = parser.parse_args()
    pythons = arguments.pythons or [sys.executable]
    columns = [ratios_of(python, arguments.rounds) for python in pythons]
    cases = list(columns[0][1])
    lines = [
        [case, *(times(ratios[case]["ours"]) for _, ratios in columns)]
        for case in cases
    ]
    print(table(["work", *(version for version, _ in columns)], lines))


if __name__ == "__main__":
    main()
