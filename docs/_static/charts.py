"""Draw benchmarks/RESULTS.rst: `python docs/_static/charts.py`."""

from __future__ import annotations

import pathlib
import re
from html import escape

HERE = pathlib.Path(__file__).parent
RESULTS = HERE.parent.parent / "benchmarks" / "RESULTS.rst"
WORK = {
    "load": "load",
    "load, touch 5 fields": "load, read 5 fields",
    "load, touch everything": "load, read everything",
    "to_mongo(), touched": "convert to store",
    "validate(), constructed": "validate",
    "change a field, delta": "find out a change",
}
SIDES = {"ours": "this package", "oracle": "MongoEngine 0.29.3", "beanie": "Beanie"}
COLOURS = {"ours": "#1565c0", "oracle": "#90a4ae", "beanie": "#d7a86e"}
WIDTH, LEFT, BAR = 720, 170, 13


def figures(text: str) -> dict[str, dict[str, float]]:
    """Return microseconds by work and side, from the first table of the codec."""
    lines = text.partition("``codec.py``")[2].splitlines()
    start = next(n for n, line in enumerate(lines) if re.match(r"=+  =", line))
    edges = [match.span() for match in re.finditer("=+", lines[start])]
    rows = []
    for line in lines[start + 1 :]:
        if line.startswith("="):
            if len(rows) > 1:
                break
            continue
        rows.append([line[a:b].strip() for a, b in edges])
    head, *body = rows
    found: dict[str, dict[str, float]] = {}
    for row in body:
        values = dict(zip(head, row, strict=True))
        found[values["work"]] = {
            side: float(values[side].split()[0])
            for side in SIDES
            if values[side].endswith(" us")
        }
    return found


def chart(text: str) -> str:
    """Return the SVG of the chart for the text of the results."""
    measured = figures(text)
    rows = [(label, measured[work]) for work, label in WORK.items()]
    longest = max(value for _, row in rows for value in row.values())
    scale = (WIDTH - LEFT - 80) / longest
    parts, y = [], 50
    for number, (side, label) in enumerate(SIDES.items()):
        x = LEFT + 165 * number
        parts.append(f'<rect x="{x}" y="14" width="12" height="12" {fill(side)}/>')
        parts.append(f'<text x="{x + 18}" y="25">{escape(label)}</text>')
    for label, row in rows:
        middle = y + BAR * len(row) / 2 + 4
        parts.append(f'<text x="{LEFT - 10}" y="{middle}" {END}>{escape(label)}</text>')
        for side, value in row.items():
            width = max(1.0, value * scale)
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" '
                f"{fill(side)}/>"
            )
            parts.append(
                f'<text x="{LEFT + width + 5:.1f}" y="{y + 9}" font-size="10">'
                f"{value:g} µs</text>"
            )
            y += BAR
        y += 12
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
            'font-family="sans-serif" font-size="13" fill="#1f2933" role="img">',
            "<title>CPU time per document, in microseconds</title>",
            f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


END = 'text-anchor="end"'


def fill(side: str) -> str:
    return f'fill="{COLOURS[side]}"'


def main() -> None:
    text = RESULTS.read_text(encoding="utf-8")
    (HERE / "codec.svg").write_text(chart(text), encoding="utf-8")


if __name__ == "__main__":
    main()
