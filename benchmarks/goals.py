"""Which goals for one document hold, by work and shape.

    python benchmarks/goals.py

Reads the ratios to plain decoding that `codec.py` has recorded in `codec.json`.  A
ratio with an exclamation mark misses its goal; the text of `profiles.py` says where
the time goes and what was tried.
"""

from __future__ import annotations

import json
import pathlib

from _harness import table
from _shapes import SHAPES
from codec import rows

RECORDED = pathlib.Path(__file__).resolve().parent / "codec.json"


def main() -> None:
    """Print the table, and how many goals hold."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    lines = []
    held = asked = 0
    for place, row in enumerate(rows(SHAPES["article"])):
        if row.goal is None:
            continue
        line = [row.label]
        goals = []
        for name, shape in SHAPES.items():
            goal = rows(shape)[place].goal
            ratio = recorded[name].get(row.case, {}).get("ours")
            if goal is None or ratio is None:
                line.append("")
                continue
            goals.append(f"{goal:g}")
            asked += 1
            held += ratio <= goal
            line.append(f"{ratio:.2f}" + ("" if ratio <= goal else " !"))
        lines.append([*line, " or ".join(dict.fromkeys(goals))])
    print(f"Of {asked} goals {held} hold.\n")
    print(table(["work", *SHAPES, "goal"], lines))


if __name__ == "__main__":
    main()
