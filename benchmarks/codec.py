"""The cost of a document on top of decoding it: load, touch, dump, validate.

    python benchmarks/codec.py [--rounds N] [--shape NAME ...] [--side NAME ...]
        [--record FILE]

On seven shapes of documents, defined in `_shapes.py`.  No server is asked; Beanie,
where installed, only starts with one.  Every figure is CPU time per document against
plain `bson.decode` of the same bytes; the memory lines are bytes that a document holds,
against the decoded dict.  msgspec, in C and without tracking, is the limit.
"""

from __future__ import annotations

import argparse
import gc
import json
import pathlib
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import bson
from _harness import (
    Case,
    Cases,
    Results,
    Row,
    available,
    compare,
    main,
    report,
    require_oracle,
    server,
    size,
    table,
    times,
)
from _programs import builder, walker
from _rivals import aggify_codec, beanie_codec, msgspec_codec, umongo_codec
from _shapes import (
    OPTIONS,
    SHAPES,
    Shape,
    document_class,
    embedded_classes,
    keywords,
    walk_plain,
)

#: Bytes of encoded documents to a case, so that each shape takes about as long.
BYTES = 60_000
#: How long all shapes together are measured.
SECONDS = 560.0
SIDES = ("ours", "oracle", "beanie", "umongo", "aggify", "msgspec")


async def make_cases(side: str, options: dict[str, Any]) -> Cases:
    shape = SHAPES[options["shape"]]
    first = bson.encode(shape.raw(0), codec_options=OPTIONS)
    count = max(40, min(400, BYTES // len(first)))
    raws = [shape.raw(number) for number in range(count)]
    encoded = [bson.encode(raw, codec_options=OPTIONS) for raw in raws]
    if side == "plain":
        return plain_cases(encoded)
    if side in shape.without:
        return {}
    if side == "beanie":
        return await beanie_codec(options["uri"], "mongoengine_codec", shape, encoded)
    rival = {"umongo": umongo_codec, "aggify": aggify_codec, "msgspec": msgspec_codec}
    if side in rival:
        return rival[side](shape, encoded)
    return document_cases(shape, raws, encoded)


def decode(data: bytes) -> dict[str, Any]:
    return bson.decode(data, codec_options=OPTIONS)


def plain_cases(encoded: list[bytes]) -> Cases:
    def decode_all(_: Any) -> None:
        for data in encoded:
            decode(data)

    def decode_and_walk(_: Any) -> None:
        for data in encoded:
            walk_plain(decode(data))

    return {
        "decode": Case(decode_all, per=len(encoded)),
        "touch all": Case(decode_and_walk, per=len(encoded)),
        "memory": Case(measure=lambda: held(lambda: [decode(d) for d in encoded])),
        "memory touched": Case(
            measure=lambda: held(lambda: [decode(d) for d in encoded])
        ),
    }


def document_cases(
    shape: Shape, raws: list[dict[str, Any]], encoded: list[bytes]
) -> Cases:
    count = len(encoded)
    cls = document_class(shape)
    classes = embedded_classes(shape, cls)
    # References are not followed: there is no server.
    follow = shape.name != "links"
    if hasattr(cls, "_maker"):
        make = cls._maker(follow)
    elif follow:
        make = cls._from_son
    else:
        load_one = cls._from_son

        def make(raw: Any) -> Any:
            return load_one(raw, _auto_dereference=False)

    touch_all = walker(shape)
    build = builder(shape, cls, classes)

    def load() -> list[Any]:
        return [make(decode(data)) for data in encoded]

    def touched() -> list[Any]:
        documents = load()
        for document in documents:
            touch_all(document)
        return documents

    def built() -> list[Any]:
        return [build(raw) for raw in raws]

    def construct(ready: list[dict[str, Any]]) -> None:
        for values in ready:
            cls(**values)

    def construct_nested(_: Any) -> None:
        for raw in raws:
            build(raw)

    def timed_load(_: Any) -> None:
        for data in encoded:
            make(decode(data))

    def load_and(touch: Callable[[Any], Any]) -> Callable[[Any], None]:
        def run(_: Any) -> None:
            for data in encoded:
                touch(make(decode(data)))

        return run

    def each(name: str) -> Callable[[list[Any]], None]:
        def run(documents: list[Any]) -> None:
            for document in documents:
                getattr(document, name)()

        return run

    def again(documents: list[Any]) -> None:
        touch = shape.touch_five
        for document in documents:
            touch(document)

    def change(how: Callable[[Any], None]) -> Callable[[list[Any]], None]:
        def run(documents: list[Any]) -> None:
            for document in documents:
                how(document)
                document._delta()

        return run

    return {
        "load": Case(timed_load, per=count),
        "touch five": Case(load_and(shape.touch_five), per=count),
        "touch all": Case(load_and(touch_all), per=count),
        "touch again": Case(again, touched, per=count),
        "dump": Case(each("to_mongo"), load, per=count),
        "dump touched": Case(each("to_mongo"), touched, per=count),
        "dump built": Case(each("to_mongo"), built, per=count),
        "validate": Case(each("validate"), load, per=count),
        "validate touched": Case(each("validate"), touched, per=count),
        "validate built": Case(each("validate"), built, per=count),
        "construct": Case(
            construct,
            lambda: [keywords(shape, raw, classes) for raw in raws],
            per=count,
        ),
        "construct nested": Case(construct_nested, per=count),
        "change": Case(change(shape.change), load, per=count),
        "change nested": Case(change(shape.change_nested), load, per=count),
        "memory": Case(measure=lambda: held(load)),
        "memory touched": Case(measure=lambda: held(touched)),
    }


def held(make: Callable[[], list[Any]]) -> float:
    """Bytes that each of the things that `make` makes holds."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        things = make()
        return (tracemalloc.get_traced_memory()[0] - before) / len(things)
    finally:
        tracemalloc.stop()


def rows(shape: Shape) -> list[Row]:
    """The lines of a shape's table; conversions that can fail may cost more."""
    return [
        Row("load", "load", base="decode", goal=2 if shape.base else 1.3),
        Row("load, touch 5 values", "touch five", base="decode", goal=2.3),
        Row("load, touch everything", "touch all", base="decode", goal=4.5),
        Row("read 5 touched values", "touch again", base="decode"),
        Row("to_mongo(), loaded", "dump", base="decode", goal=1.8),
        Row("to_mongo(), touched", "dump touched", base="decode", goal=3),
        Row("to_mongo(), constructed", "dump built", base="decode"),
        Row("validate(), loaded", "validate", base="decode", goal=1.5),
        Row("validate(), touched", "validate touched", base="decode"),
        Row("validate(), constructed", "validate built", base="decode", goal=2),
        Row("construct from keywords", "construct", base="decode", goal=1.25),
        Row("construct, nested too", "construct nested", base="decode", goal=2.5),
        Row("change one, delta", "change", base="decode", goal=1),
        Row("change nested, delta", "change nested", base="decode", goal=3),
    ]


MEMORY = [
    Row("loaded, untouched", "memory", goal=1.05),
    Row("loaded, all touched", "memory touched", goal=2),
]


def verdicts(all_results: dict[str, Results]) -> str:
    """Return where ours is slower than another side on the same work."""
    lines = []
    for name, results in all_results.items():
        for row in rows(SHAPES[name]):
            for side in ("oracle", "beanie", "umongo", "aggify"):
                ratio = results.ratio("ours", row.case, side, row.case)
                if ratio is not None and ratio > 1:
                    lines.append([name, row.label, side, times(ratio)])
    if not lines:
        return "No other library is faster on any line of any shape (msgspec apart)."
    return table(["shape", "work", "faster", "ours to it"], lines)


def record(all_results: dict[str, Results], file: pathlib.Path) -> None:
    """Write the ratios to decoding, by shape, case and side, for `charts.py`."""
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for name, results in all_results.items():
        cases = ratios[name] = {}
        for row in rows(SHAPES[name]):
            for side in SIDES:
                ratio = results.ratio(side, row.case, "plain", "decode")
                if ratio is not None:
                    cases.setdefault(row.case, {})[side] = round(ratio, 3)
    file.write_text(json.dumps(ratios, indent=1) + "\n", encoding="utf-8")


def run(arguments: argparse.Namespace) -> None:
    if "oracle" in (arguments.side or SIDES):
        require_oracle()
    sides = [side for side in arguments.side or SIDES if available(side)]
    all_results: dict[str, Results] = {}
    names = arguments.shape or list(SHAPES)
    with server() if "beanie" in sides else nullcontext("") as uri:
        for name in names:
            shape = SHAPES[name]
            all_results[name] = results = compare(
                __file__,
                ["plain", *(side for side in sides if side not in shape.without)],
                rounds=arguments.rounds,
                options={"uri": uri, "shape": name},
                seconds=SECONDS / len(names),
            )
            print(f"{name}: {shape.title}\n")
            print(report(results, rows(shape), sides, base_label="bson.decode"))
            print()
            print(report(results, MEMORY, sides, base_label="dict", unit=size))
            print(flush=True)
    print(verdicts(all_results))
    if arguments.record:
        record(all_results, pathlib.Path(arguments.record))


def arguments_of(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--shape", action="append", choices=list(SHAPES))
    parser.add_argument("--side", action="append", choices=SIDES)
    parser.add_argument(
        "--record", metavar="FILE", help="write the ratios there, as JSON"
    )


if __name__ == "__main__":
    main(make_cases, run, more=arguments_of)
