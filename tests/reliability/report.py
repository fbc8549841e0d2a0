"""Write the tables of docs/howto/reliability.rst from the results of runs.

RELIABILITY_RESULTS=cells.jsonl pytest -n 2 tests/reliability -m reliability_full
python benchmarks/soak.py > soak.txt
python benchmarks/soak.py --faults > soak-faults.txt
python -m tests.reliability.report cells.jsonl soak.txt soak-faults.txt
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterable

from tests.reliability.cells import FAULTS, TRANSACTION_FAULTS

__all__ = ("main",)

ROOT = pathlib.Path(__file__).parents[2]
PAGE = ROOT / "docs" / "_tables" / "reliability.txt"
#: The order of the rows; workers give them in any order.
ORDER = [
    *(fault.name for fault in FAULTS),
    *(f"transaction: {fault.name}" for fault in TRANSACTION_FAULTS),
    *("cancelled early", "cancelled late", "out of time"),
    "transaction: cancelled early",
]
Row = tuple[str, ...]


def main(arguments: list[str]) -> int:
    """Write the page; return 1 if a cell is wrong."""
    cells = [
        json.loads(line)
        for path in arguments
        if path.endswith(".jsonl")
        for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    ]
    soaks = [path for path in arguments if not path.endswith(".jsonl")]
    parts = [
        f"Made by ``python -m tests.reliability.report`` at commit ``{commit()}``; cells "
        "are calls under a fault.",
        table(["Fault", "Operations", "Cells", "Wrong"], fault_rows(cells)),
        *(soak(pathlib.Path(path)) for path in soaks),
    ]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return int(any(wrong for *_, wrong in cells))


def commit() -> str:
    """Return the commit of the working tree."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def fault_rows(cells: list[list[str]]) -> Iterable[Row]:
    """Yield a row for each fault, and one for all."""
    for fault in sorted({cell[2] for cell in cells}, key=ORDER.index):
        of_fault = [cell for cell in cells if cell[2] == fault]
        yield (fault, *figures(of_fault))
    yield ("In all", *figures(cells))


def figures(cells: list[list[str]]) -> Row:
    """Return the number of operations, of cells, and of wrong cells."""
    operations = len({cell[1] for cell in cells})
    return str(operations), str(len(cells)), str(sum(bool(cell[3]) for cell in cells))


def soak(path: pathlib.Path) -> str:
    """Return the output of the soak test as a literal block."""
    title = "The soak test with a fault each second::"
    if "faults" not in path.name:
        title = "The soak test without faults::"
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line[:24].strip() != line.strip() or line.startswith("wrong")
    ]
    begin = next(i for i, line in enumerate(lines) if line.endswith("p100"))
    end = next(i for i, line in enumerate(lines) if line.startswith("wrong answers"))
    block = "\n".join(f"    {line}".rstrip() for line in lines[begin : end + 1])
    return f"{title}\n\n{block}"


def table(heads: list[str], rows: Iterable[Row]) -> str:
    """Return a simple table."""
    lines = [tuple(heads), *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    rule = "  ".join("=" * width for width in widths)
    shown = [
        "  ".join(
            each.ljust(width) if place == 0 else each.rjust(width)
            for place, (each, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([rule, shown[0], rule, *shown[1:], rule])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
