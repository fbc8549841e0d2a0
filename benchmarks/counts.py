"""Count the calls and blocks of memory of a document, whatever the machine does.

    python benchmarks/counts.py [--shape NAME ...] [--functions ROW] [--record]

Counts calls of functions of this package, and blocks of Python's allocator that are
still in use afterwards.  Both are the same on a busy machine and on a quiet one:
`tests/test_counts.py` compares them with `counts.json`, which `--record` writes.
"""

from __future__ import annotations

import argparse
import collections
import gc
import json
import pathlib
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import bson  # noqa: E402
from _programs import builder, walker  # noqa: E402
from _shapes import (  # noqa: E402
    OPTIONS,
    SHAPES,
    Shape,
    document_class,
    embedded_classes,
    keywords,
)

import mongoengine  # noqa: E402

RECORDED = HERE / "counts.json"
PACKAGE = str(pathlib.Path(mongoengine.__file__).parent)

#: Comprehensions are calls in some versions of Python and not in others.
UNCOUNTED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})

#: What is done before the count begins, and what is counted.
Work = tuple[Callable[[], Any], Callable[[Any], Any]]


def work_on(shape: Shape) -> dict[str, Work]:
    """Return what is counted for one document of a shape, by row."""
    cls = document_class(shape)
    classes = embedded_classes(shape, cls)
    make = cls._maker(shape.name != "links")
    data = bson.encode(shape.raw(1), codec_options=OPTIONS)
    walk, build = walker(shape), builder(shape, cls, classes)

    def decoded() -> dict[str, Any]:
        return bson.decode(data, codec_options=OPTIONS)

    def load() -> Any:
        return make(decoded())

    def touched() -> Any:
        document = load()
        walk(document)
        return document

    def touching(touch: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(raw: Any) -> Any:
            document = make(raw)
            return document, touch(document)

        return run

    def changing(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(document: Any) -> Any:
            change(document)
            return document._delta()

        return run

    def dump(document: Any) -> Any:
        return document.to_mongo()

    def validate(document: Any) -> None:
        document.validate()

    def built() -> Any:
        return build(decoded())

    return {
        "load": (decoded, make),
        "touch five": (decoded, touching(shape.touch_five)),
        "touch all": (decoded, touching(walk)),
        "touch again": (touched, shape.touch_five),
        "dump": (load, dump),
        "dump touched": (touched, dump),
        "dump built": (built, dump),
        "validate": (load, validate),
        "validate touched": (touched, validate),
        "validate built": (built, validate),
        "construct": (
            lambda: keywords(shape, decoded(), classes),
            lambda values: cls(**values),
        ),
        "construct nested": (decoded, build),
        "change": (load, changing(shape.change)),
        "change nested": (load, changing(shape.change_nested)),
    }


def calls_in(work: Work) -> collections.Counter[str]:
    """Return how often each function of the package is called."""
    prepare, run = work
    run(prepare())  # plans are made the first time
    subject = prepare()
    calls: collections.Counter[str] = collections.Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            path = code.co_filename
            ours = path.startswith(PACKAGE) or path == "<string>"
            if ours and code.co_name not in UNCOUNTED:
                where = path.removeprefix(PACKAGE).lstrip("/")
                calls[f"{code.co_name} ({where}:{code.co_firstlineno})"] += 1

    sys.setprofile(note)
    try:
        run(subject)
    finally:
        sys.setprofile(None)
    return calls


def blocks_in(work: Work, documents: int = 20) -> float:
    """Return how many blocks of memory a document, and what was made of it, takes."""
    prepare, run = work
    subjects = [prepare() for _ in range(documents)]
    kept: list[Any] = [None] * documents
    gc.collect()
    before = sys.getallocatedblocks()
    for place, subject in enumerate(subjects):
        kept[place] = run(subject)
    return (sys.getallocatedblocks() - before) / documents


def counted(shape: Shape) -> dict[str, dict[str, int]]:
    """Return calls and blocks by row."""
    return {
        row: {"calls": calls_in(work).total(), "blocks": round(blocks_in(work))}
        for row, work in work_on(shape).items()
    }


def text_of(counts: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """Return counts as JSON with a line for each row."""
    shapes = []
    for name, rows in counts.items():
        lines = [f"    {json.dumps(row)}: {json.dumps(rows[row])}" for row in rows]
        shapes.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(shapes) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    parser.add_argument("--functions", metavar="ROW", help="what is called, how often")
    parser.add_argument("--record", action="store_true", help=f"write {RECORDED.name}")
    arguments = parser.parse_args()
    shapes = [SHAPES[name] for name in arguments.shape or SHAPES]
    if arguments.functions:
        for shape in shapes:
            calls = calls_in(work_on(shape)[arguments.functions])
            print(f"{shape.name}: {calls.total()} calls")
            for function, count in calls.most_common():
                print(f"  {count:4} {function}")
        return
    text = text_of({shape.name: counted(shape) for shape in shapes})
    if arguments.record:
        RECORDED.write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
