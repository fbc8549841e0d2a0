"""Draw the pictures of the explanation: `python docs/_static/pictures.py`."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from html import escape

HERE = pathlib.Path(__file__).parent
WIDTH = 460
INK, LINE = "#1f2933", "#52606d"
FILLS = {"user": "#e3f2fd", "pure": "#e8f5e9", "work": "#fff8e1", "driver": "#fce4ec"}


class Picture:
    """An SVG: boxes, arrows and notes at given places."""

    def __init__(self, title: str, height: int) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'font-family="sans-serif" font-size="14" role="img">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" '
            f'markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" '
            f'fill="{LINE}"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        ]

    def box(
        self, x: int, y: int, width: int, height: int, fill: str, *lines: str
    ) -> None:
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
            f'fill="{FILLS[fill]}" stroke="{LINE}"/>'
        )
        top = y + height / 2 + 5 - 9 * (len(lines) - 1)
        for number, line in enumerate(lines):
            weight = "bold" if number == 0 else "normal"
            size = 14 if number == 0 else 12
            self.parts.append(
                f'<text x="{x + width / 2}" y="{top + 18 * number}" fill="{INK}" '
                f'text-anchor="middle" font-weight="{weight}" font-size="{size}">'
                f"{escape(line)}</text>"
            )

    def arrow(self, x1: int, y1: int, x2: int, y2: int, dashed: bool = False) -> None:
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{LINE}" '
            f'stroke-width="1.5" marker-end="url(#tip)"{dash}/>'
        )

    def note(self, x: int, y: int, text: str, anchor: str = "start") -> None:
        self.parts.append(
            f'<text x="{x}" y="{y}" fill="{LINE}" font-size="12" '
            f'text-anchor="{anchor}">{escape(text)}</text>'
        )

    def column(
        self,
        x: int,
        width: int,
        height: int,
        step: int,
        boxes: Sequence[tuple[str, ...]],
    ) -> None:
        """Draw boxes one below the other, with an arrow from each to the next.

        :param step: from the top of a box to that of the next
        """
        for number, (fill, *lines) in enumerate(boxes):
            y = 15 + step * number
            self.box(x, y, width, height, fill, *lines)
            if number:
                middle = x + width // 2
                self.arrow(middle, y - step + height, middle, y - 2)

    def text(self) -> str:
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def layers() -> Picture:
    picture = Picture("The layers of the library", 430)
    rows = [
        ("user", "document.py   queryset/   fields/", "documents, querysets, fields"),
        ("work", "operations/", "what happens: the body of each operation"),
        ("pure", "query/", "filters, updates, pipelines; no I/O"),
        ("pure", "base/", "documents, schema, changes; no I/O, no asyncio"),
        (
            "driver",
            "connection.py   driver/",
            "clients, sessions, cursors, event loops",
        ),
        ("driver", "PyMongo", "MongoClient and AsyncMongoClient"),
    ]
    picture.column(40, 380, 50, 70, rows)
    return picture


def faces() -> Picture:
    picture = Picture("One body, two faces", 300)
    picture.box(10, 15, 200, 50, "user", "first()", "blocking(read.first)")
    picture.box(250, 15, 200, 50, "user", "async_first()", "asynchronous(read.first)")
    picture.box(130, 125, 200, 50, "work", "read.first(queryset, io)", "a coroutine")
    picture.box(10, 235, 200, 50, "driver", "MongoClient", "in this thread")
    picture.box(250, 235, 200, 50, "driver", "AsyncMongoClient", "in this event loop")
    picture.arrow(110, 65, 190, 123)
    picture.arrow(350, 65, 270, 123)
    picture.arrow(190, 175, 110, 233)
    picture.arrow(270, 175, 350, 233)
    picture.note(125, 98, "send(None)", "end")
    picture.note(335, 98, "await")
    picture.note(230, 212, "await io(...)", "middle")
    return picture


def query() -> Picture:
    picture = Picture("The life of a query and of its cursor", 510)
    steps = [
        ("user", "Book.objects(title='A')", "a queryset; nothing is sent"),
        ("pure", "compile", "keywords become a filter; errors here"),
        ("driver", "open the collection", "indexes at the first use"),
        ("driver", "find", "a cursor on the server; the first batch"),
        ("work", "batch by batch", "raw mappings become lazy documents"),
        ("user", "the loop", "documents, kept for the next loop"),
    ]
    picture.column(10, 300, 52, 75, steps)
    picture.arrow(310, 341, 342, 341)
    picture.arrow(342, 266, 312, 266)
    picture.parts.append(f'<path d="M342 341V266" stroke="{LINE}" stroke-width="1.5"/>')
    picture.note(352, 290, "getMore, while")
    picture.note(352, 306, "the loop asks for")
    picture.note(352, 322, "more documents")
    picture.note(10, 470, "break, an exception or a cancellation closes the cursor;")
    picture.note(10, 488, "after a failure the next loop sends the query again")
    return picture


def save() -> Picture:
    picture = Picture("The life of a save", 470)
    steps = [
        ("user", "book.title = 'B'", "stores the value, marks the path 'title'"),
        ("work", "book.save()", "signals, clean(), validation"),
        ("pure", "take the changes", "{$set: {title: 'B'}}; no changes are pending"),
        ("driver", "update_one", "one command, with the changes alone"),
    ]
    picture.column(60, 340, 54, 80, steps)
    stored = ("stored", "only what was assigned", "meanwhile is pending")
    failed = (
        "failed or rolled back",
        "the changes are put back:",
        "save() sends them again",
    )
    picture.box(10, 385, 210, 70, "pure", *stored)
    picture.box(240, 385, 210, 70, "work", *failed)
    picture.arrow(190, 309, 130, 383)
    picture.arrow(270, 309, 330, 383, dashed=True)
    return picture


def lazy() -> Picture:
    picture = Picture("A lazy document", 250)
    picture.box(5, 15, 130, 60, "driver", "raw mapping", "from PyMongo")
    picture.box(165, 15, 130, 60, "pure", "check", "could it fail?")
    picture.box(325, 15, 130, 60, "user", "document", "keeps the mapping")
    picture.arrow(135, 45, 163, 45)
    picture.arrow(295, 45, 323, 45)
    picture.box(165, 145, 130, 60, "pure", "to_python", "of this field")
    picture.box(5, 145, 130, 60, "user", "value", "kept by the document")
    picture.arrow(390, 75, 297, 160)
    picture.arrow(165, 175, 137, 175)
    picture.note(362, 130, "document.title")
    picture.note(362, 146, "is read first")
    picture.note(10, 232, "read again: the attribute alone")
    return picture


PICTURES = {
    "layers": layers,
    "faces": faces,
    "query": query,
    "save": save,
    "lazy": lazy,
}


def main() -> None:
    for name, draw in PICTURES.items():
        (HERE / f"{name}.svg").write_text(draw().text(), encoding="utf-8")


if __name__ == "__main__":
    main()
