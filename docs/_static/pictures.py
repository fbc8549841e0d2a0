"""Draw the pictures of the explanation: `python docs/_static/pictures.py`."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from html import escape

HERE = pathlib.Path(__file__).parent
WIDTH = 720
INK, LINE, QUIET = "#1f2933", "#52606d", "#7b8794"
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
            f'<text x="{x}" y="{y}" fill="{QUIET}" font-size="12" '
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
    picture = Picture("The layers of the library", 440)
    rows = [
        (
            "user",
            "document.py   queryset/   fields/",
            "what you use: faces, declarations",
        ),
        ("work", "operations/", "what happens: each body written once"),
        ("pure", "query/", "what is asked: filters, updates, pipelines"),
        ("pure", "base/", "documents, the field protocol, schema, changes"),
        (
            "driver",
            "connection.py   driver/",
            "clients, sessions, cursors, event loops",
        ),
        ("driver", "PyMongo", "MongoClient and AsyncMongoClient"),
    ]
    picture.column(110, 420, 50, 70, rows)
    picture.note(545, 110 + 5, "I/O by way of io()")
    picture.note(545, 180 + 5, "no I/O")
    picture.note(545, 250 + 5, "no I/O, no asyncio")
    picture.note(545, 320 + 5, "the only place with loops")
    return picture


def faces() -> Picture:
    picture = Picture("One body, two faces", 250)
    picture.box(20, 20, 200, 50, "user", "first()", "blocking(read.first)")
    picture.box(20, 170, 200, 50, "user", "async_first()", "asynchronous(read.first)")
    picture.box(270, 95, 180, 50, "work", "read.first(queryset, io)", "a coroutine")
    picture.box(510, 20, 190, 50, "driver", "MongoClient", "in this thread")
    picture.box(510, 170, 190, 50, "driver", "AsyncMongoClient", "in this event loop")
    picture.arrow(220, 50, 285, 93)
    picture.arrow(220, 190, 285, 147)
    picture.arrow(435, 93, 508, 50)
    picture.arrow(435, 147, 508, 190)
    picture.note(225, 40, "send(None)")
    picture.note(232, 215, "await")
    picture.note(360, 170, "await io(find_one, ...)", "middle")
    return picture


def query() -> Picture:
    picture = Picture("The life of a query and of its cursor", 470)
    steps = [
        ("user", "Book.objects(title='A')", "a queryset over a Query; nothing is sent"),
        ("pure", "compile", "keywords, by the fields, to a filter; errors here"),
        ("driver", "open the collection", "indexes at the first use"),
        ("driver", "find", "a cursor on the server; the first batch"),
        ("work", "batch by batch", "raw mappings become documents, lazily"),
        ("user", "the loop", "documents, kept by the queryset for the next pass"),
    ]
    picture.column(60, 380, 52, 75, steps)
    picture.arrow(440, 345, 520, 345)
    picture.arrow(520, 266, 442, 266)
    picture.parts.append(f'<path d="M520 345V266" stroke="{LINE}" stroke-width="1.5"/>')
    picture.note(530, 310, "getMore, while the loop")
    picture.note(530, 326, "asks for more documents")
    picture.note(455, 410, "break, an exception or a")
    picture.note(455, 426, "cancellation close the cursor;")
    picture.note(455, 442, "a failure: the next loop asks again")
    return picture


def save() -> Picture:
    picture = Picture("The life of a save", 470)
    steps = [
        ("user", "book.title = 'B'", "stores the value, marks the path 'title'"),
        ("work", "book.save()", "signals, clean(), validation"),
        ("pure", "take the changes", "{$set: {title: 'B'}}; the document is clean now"),
        ("driver", "update_one", "one command, with the changes alone"),
    ]
    picture.column(150, 380, 54, 80, steps)
    picture.box(
        30,
        385,
        290,
        60,
        "pure",
        "stored",
        "nothing is pending but what was",
        "assigned meanwhile",
    )
    picture.box(
        380,
        385,
        310,
        60,
        "work",
        "failed, cancelled, rolled back",
        "the changes are put back: the next",
        "save sends them",
    )
    picture.arrow(280, 309, 180, 383)
    picture.arrow(400, 309, 520, 383, dashed=True)
    return picture


def lazy() -> Picture:
    picture = Picture("A lazy document", 250)
    picture.box(20, 20, 200, 60, "driver", "raw mapping", "as PyMongo decoded it")
    picture.box(270, 20, 200, 60, "pure", "check", "could a value fail?")
    picture.box(520, 20, 180, 60, "user", "document", "keeps the mapping")
    picture.arrow(220, 50, 268, 50)
    picture.arrow(470, 50, 518, 50)
    picture.box(270, 150, 200, 60, "pure", "to_python", "of this field alone")
    picture.box(20, 150, 200, 60, "user", "value", "kept in the document")
    picture.arrow(610, 80, 472, 165)
    picture.arrow(270, 180, 222, 180)
    picture.note(560, 150, "document.title, first time")
    picture.note(30, 235, "the second time: an attribute")
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
