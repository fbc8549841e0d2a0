"""Draw the ratios of the last run of `codec.py` as charts for the documentation.

    python benchmarks/charts.py [--check]

Reads `codec.json`, which `run.py` writes, and writes one SVG for each kind of work into
`docs/_static/charts/`.  The charts need no library, and take the colours of text and
background from the page.  `--check` says whether they are up to date.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
from collections.abc import Iterator, Mapping
from html import escape

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "codec.json"
CHARTS = HERE.parent / "docs" / "_static" / "charts"

#: Ratios to decoding of one kind of work: by shape, by side.
Ratios = Mapping[str, Mapping[str, float]]

#: The kinds of work, and what a chart of them says.
WORK = {
    "load": "Load a document",
    "touch all": "Load a document and read everything in it",
    "dump": "to_mongo() of a loaded document",
    "validate": "validate() of a loaded document",
    "construct nested": "Construct a document with embedded ones",
}
NAMES = {"ours": "this package", "oracle": "MongoEngine 0.29"}
#: Colours that can be told apart by everybody, on light and on dark pages.
COLOURS = {
    "ours": "#0072b2",
    "oracle": "#d55e00",
    "beanie": "#009e73",
    "umongo": "#cc79a7",
    "aggify": "#b58900",
}

#: Narrow enough to be read on a phone.
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 92, 44, 80, 38
BAR, GAP = 14, 12


def chart(title: str, ratios: Ratios) -> str:
    """Return an SVG of bars, on a logarithmic scale of multiples of decoding."""
    sides = [side for side in COLOURS if any(side in row for row in ratios.values())]
    bars = sum(len([s for s in sides if s in row]) for row in ratios.values())
    height = TOP + bars * BAR + len(ratios) * GAP + BOTTOM
    values = [ratio for row in ratios.values() for ratio in row.values()]
    low, high = min(0.5, *values), max(2.0, *values)
    scale = (WIDTH - LEFT - RIGHT) / math.log(high / low)

    def x(ratio: float) -> float:
        return LEFT + scale * math.log(ratio / low)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="currentColor">',
        f"<title>{escape(title)}</title>",
        f'<text x="0" y="16" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(sides),
        *_axis(x, low, high, height),
    ]
    y = float(TOP)
    for shape, row in ratios.items():
        shown = [side for side in sides if side in row]
        middle = y + len(shown) * BAR / 2 + 4
        lines.append(
            f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{shape}</text>'
        )
        for side in shown:
            end = max(x(row[side]), LEFT + 1)
            lines.append(
                f'<rect x="{LEFT}" y="{y:.0f}" width="{end - LEFT:.1f}" '
                f'height="{BAR - 2}" fill="{COLOURS[side]}"/>'
                f'<text x="{end + 4:.1f}" y="{y + BAR - 3:.0f}" font-size="11">'
                f"{row[side]:.2f}</text>"
            )
            y += BAR
        y += GAP
    return "\n".join([*lines, "</svg>", ""])


def _legend(sides: list[str]) -> Iterator[str]:
    for number, side in enumerate(sides):
        row, column = divmod(number, 3)
        left, top = column * WIDTH // 3, 28 + 18 * row
        yield (
            f'<rect x="{left}" y="{top}" width="10" height="10" '
            f'fill="{COLOURS[side]}"/>'
            f'<text x="{left + 14}" y="{top + 9}">{NAMES.get(side, side)}</text>'
        )


def _axis(x: object, low: float, high: float, height: int) -> Iterator[str]:
    assert callable(x)
    bottom = height - BOTTOM
    for mark in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100):
        if low <= mark <= high:
            at = f"{x(mark):.1f}"
            yield (
                f'<line x1="{at}" x2="{at}" y1="{TOP - 6}" y2="{bottom}" '
                'stroke="currentColor" stroke-opacity="0.2"/>'
                f'<text x="{at}" y="{bottom + 14}" text-anchor="middle">{mark:g}</text>'
            )
    yield (
        f'<text x="{WIDTH - RIGHT}" y="{bottom + 28}" text-anchor="end">'
        "multiples of decoding the same document, logarithmic</text>"
    )


def charts() -> dict[str, str]:
    """Return the charts by the names of their files."""
    recorded: dict[str, dict[str, dict[str, float]]] = json.loads(
        RECORDED.read_text(encoding="utf-8")
    )
    drawn = {}
    for case, title in WORK.items():
        ratios = {
            shape: {s: r for s, r in cases[case].items() if s in COLOURS}
            for shape, cases in recorded.items()
            if "ours" in cases.get(case, {})
        }
        drawn[f"{case.replace(' ', '-')}.svg"] = chart(title, ratios)
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for name, text in charts().items():
        path = CHARTS / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if stale:
        raise SystemExit(f"run benchmarks/charts.py again: {', '.join(stale)}")


if __name__ == "__main__":
    main()
