"""What a document costs on top of decoding it: load, touch, dump, validate.

    python benchmarks/codec.py [--rounds N]

No server is asked; Beanie, where installed, only starts with one.  Every figure is
CPU time per document of `_shape.py`, against plain `bson.decode` of the same bytes;
the memory line is bytes held per document, against the decoded dict.
"""

from __future__ import annotations

import argparse
import gc
import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import bson
from _harness import (
    Case,
    Cases,
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
    verdict,
)
from _rivals import beanie_codec, umongo_codec
from _shape import (
    article_class,
    keywords,
    raw_article,
    touch_all,
    touch_five,
    walk,
)

DOCUMENTS = 300
REPEATS = 4  # of cases that do not use their documents up


async def make_cases(side: str, options: dict[str, Any]) -> Cases:
    raws = [raw_article(number) for number in range(DOCUMENTS)]
    encoded = [bson.encode(raw) for raw in raws]
    if side == "plain":
        return plain_cases(encoded)
    if side == "beanie":
        return await beanie_codec(options["uri"], "mongoengine_codec", encoded)
    if side == "umongo":
        return umongo_codec(encoded)
    return document_cases(raws, encoded)


def plain_cases(encoded: list[bytes]) -> Cases:
    decode = bson.decode

    def decode_all(_: Any) -> None:
        for _ in range(REPEATS):
            for data in encoded:
                decode(data)

    def decode_and_walk(_: Any) -> None:
        for data in encoded:
            walk(decode(data))

    return {
        "decode": Case(decode_all, per=DOCUMENTS * REPEATS),
        "touch all": Case(decode_and_walk, per=DOCUMENTS),
        "memory": Case(measure=lambda: held(lambda: [decode(d) for d in encoded])),
    }


def document_cases(raws: list[dict[str, Any]], encoded: list[bytes]) -> Cases:
    decode = bson.decode
    article = article_class()
    comment = article._fields["comments"].field.document_type
    make = article._maker() if hasattr(article, "_maker") else article._from_son

    def load() -> list[Any]:
        return [make(decode(data)) for data in encoded]

    def touched() -> list[Any]:
        documents = load()
        for document in documents:
            touch_all(document)
        return documents

    def built() -> list[Any]:
        return [article(**keywords(comment, raw)) for raw in raws]

    def construct(ready: list[dict[str, Any]]) -> None:
        for values in ready:
            article(**values)

    def timed_load(_: Any) -> None:
        for _ in range(REPEATS):
            for data in encoded:
                make(decode(data))

    def load_and(touch: Callable[[Any], None]) -> Callable[[Any], None]:
        def run(_: Any) -> None:
            for data in encoded:
                touch(make(decode(data)))

        return run

    def each(name: str) -> Callable[[list[Any]], None]:
        def run(documents: list[Any]) -> None:
            for document in documents:
                getattr(document, name)()

        return run

    def change(documents: list[Any]) -> None:
        for document in documents:
            document.views = 5
            document._delta()

    def change_deep(documents: list[Any]) -> None:
        for document in documents:
            document.comments[2].votes = 51
            document._delta()

    return {
        "load": Case(timed_load, per=DOCUMENTS * REPEATS),
        "touch five": Case(load_and(touch_five), per=DOCUMENTS),
        "touch all": Case(load_and(touch_all), per=DOCUMENTS),
        "dump": Case(each("to_mongo"), load, per=DOCUMENTS),
        "dump touched": Case(each("to_mongo"), touched, per=DOCUMENTS),
        "dump built": Case(each("to_mongo"), built, per=DOCUMENTS),
        "validate": Case(each("validate"), load, per=DOCUMENTS),
        "validate touched": Case(each("validate"), touched, per=DOCUMENTS),
        "validate built": Case(each("validate"), built, per=DOCUMENTS),
        "construct": Case(
            construct, lambda: [keywords(comment, raw) for raw in raws], per=DOCUMENTS
        ),
        "construct comments": Case(lambda _: built(), per=DOCUMENTS),
        "change": Case(change, load, per=DOCUMENTS),
        "change deep": Case(change_deep, load, per=DOCUMENTS),
        "memory": Case(measure=lambda: held(load)),
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


ROWS = [
    Row("load", "load", base="decode", goal=1.3),
    Row("load, touch 5 fields", "touch five", base="decode", goal=2.5),
    Row("load, touch everything", "touch all", base="decode", goal=4),
    Row("to_mongo(), loaded", "dump", base="decode", goal=1),
    Row("to_mongo(), touched", "dump touched", base="decode"),
    Row("to_mongo(), constructed", "dump built", base="decode"),
    Row("validate(), loaded", "validate", base="decode", goal=1.5),
    Row("validate(), touched", "validate touched", base="decode"),
    Row("validate(), constructed", "validate built", base="decode"),
    Row("construct from keywords", "construct", base="decode", goal=1.5),
    Row("construct, comments too", "construct comments", base="decode"),
    Row("change a field, delta", "change", base="decode"),
    Row("change a comment, delta", "change deep", base="decode"),
]


def run(arguments: argparse.Namespace) -> None:
    require_oracle()
    sides = [s for s in ("ours", "oracle", "beanie", "umongo") if available(s)]
    with server() if available("beanie") else nullcontext("") as uri:
        results = compare(
            __file__, ["plain", *sides], rounds=arguments.rounds, options={"uri": uri}
        )
    print(report(results, ROWS, sides, base_label="bson.decode"))
    print()
    memory = [Row("a loaded, untouched document", "memory", goal=1.3)]
    print(report(results, memory, sides, base_label="dict", unit=size))
    print()
    lines = []
    for row in ROWS:
        ratio = results.ratio("ours", row.case, "oracle", row.case)
        goal = 0.2 if row.case == "change" else None
        lines.append([row.label, times(ratio), *verdict(ratio, goal)])
    print(table(["work", "ours to oracle", "goal", "met"], lines))


if __name__ == "__main__":
    main(make_cases, run)
