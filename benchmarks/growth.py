"""The growth of cost: with documents, with fields, with embedded documents.

    python benchmarks/growth.py [--rounds N]

CPU time at each size, ours against plain PyMongo's (for documents) or against
plain decoding (for fields and embedded documents).  k is the exponent of
cost ~ size**k between the last two sizes: 1 is linear.  It counts as linear where
k is at most 1.1, or no more than plain's own (Python's garbage collector makes
many dicts cost more than few).
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import bson
from _harness import (
    Case,
    Cases,
    Results,
    compare,
    duration,
    main,
    server,
    table,
    times,
)
from _shape import article_class, raw_article, touch_fields, walk

DOCUMENTS = [10, 100, 1_000, 10_000, 100_000]
FIELDS = [1, 10, 50, 200]
EMBEDDED = [1, 10, 100, 1_000]
LINEAR = 1.1
DATABASE = "mongoengine_growth"


def make_cases(side: str, options: dict[str, Any]) -> Cases:
    makers = {"plain": plain_cases, "ours": our_cases}
    return makers[side](options["uri"])


def wide(fields: int) -> bytes:
    return bson.encode({f"f{i}": f"value {i}" for i in range(fields)})


def plain_cases(uri: str) -> Cases:
    from pymongo import MongoClient

    notes: Any = MongoClient(uri)[DATABASE].notes
    cases: Cases = {}
    for count in DOCUMENTS:

        def everything(_: Any, count: int = count) -> None:
            list(notes.find().limit(count))

        cases[f"list {count}"] = Case(everything)
    for count in FIELDS:
        cases[f"fields {count}"] = decoding(wide(count))
    for count in EMBEDDED:
        cases[f"embedded {count}"] = decoding(bson.encode(raw_article(1, count)))
    return cases


def decoding(data: bytes) -> Case:
    repeats = repeats_for(data)

    def run(_: Any) -> None:
        for _ in range(repeats):
            walk(bson.decode(data))

    return Case(run, per=repeats)


def repeats_for(data: bytes) -> int:
    return max(3, 200_000 // len(data))


def our_cases(uri: str) -> Cases:
    import mongoengine

    mongoengine.connect(DATABASE, host=uri, uuidRepresentation="standard")
    article = article_class()

    class Note(mongoengine.Document):
        title = mongoengine.StringField()
        views = mongoengine.IntField()
        tags = mongoengine.ListField(mongoengine.StringField())

        meta = {"collection": "notes"}

    cases: Cases = {}
    for count in DOCUMENTS:

        def everything(_: Any, count: int = count) -> None:
            list(Note.objects.limit(count))

        def iterate(_: Any, count: int = count) -> None:
            for _ in Note.objects.no_cache().limit(count):
                pass

        cases[f"list {count}"] = Case(everything)
        cases[f"iterate {count}"] = Case(iterate)
    for count in FIELDS:
        fields = {f"f{i}": mongoengine.StringField() for i in range(count)}
        made = type(f"Wide{count}", (mongoengine.Document,), fields)
        cases |= model_cases("fields", count, made, wide(count), f"f{count - 1}")
    for count in EMBEDDED:
        data = bson.encode(raw_article(1, count))
        cases |= model_cases("embedded", count, article, data, "comments")
    return cases


def model_cases(
    kind: str, count: int, made: Any, data: bytes, last: str
) -> dict[str, Case]:
    repeats = repeats_for(data)

    def load(_: Any) -> None:
        for _ in range(repeats):
            touch_fields(made._from_son(bson.decode(data)))

    def loaded() -> list[Any]:
        return [made._from_son(bson.decode(data)) for _ in range(repeats)]

    def change(documents: list[Any]) -> None:
        for document in documents:
            if last == "comments":
                document.comments[-1].votes = -1
            else:
                setattr(document, last, "changed")
            document.validate()
            document._delta()

    return {
        f"{kind} {count}": Case(load, per=repeats),
        f"{kind}, save {count}": Case(change, loaded, per=repeats),
    }


LABELS = {
    "list": ("list(queryset)", DOCUMENTS, "list"),
    "iterate": ("for over no_cache()", DOCUMENTS, "list"),
    "fields": ("load and touch all fields", FIELDS, "fields"),
    "fields, save": ("change, validate, delta", FIELDS, "fields"),
    "embedded": ("load and touch all comments", EMBEDDED, "embedded"),
    "embedded, save": ("change, validate, delta", EMBEDDED, "embedded"),
}


def growth(results: Results, side: str, work: str, sizes: list[int]) -> float:
    """The exponent between the last two sizes, where fixed costs hide least."""
    one = results.least(side, f"{work} {sizes[-2]}")
    two = results.least(side, f"{work} {sizes[-1]}")
    assert one and two
    return math.log(two / one) / math.log(sizes[-1] / sizes[-2])


def run(arguments: argparse.Namespace) -> None:
    from pymongo import MongoClient

    with server() as uri:
        client: Any = MongoClient(uri)
        client.drop_database(DATABASE)
        client[DATABASE].notes.insert_many(
            {"title": f"Note {number}", "views": number, "tags": ["a", "b"]}
            for number in range(DOCUMENTS[-1])
        )
        client.close()
        results = compare(
            __file__,
            ["plain", "ours"],
            rounds=arguments.rounds,
            options={"uri": uri},
        )
    lines = []
    for work, (label, sizes, base) in LABELS.items():
        unit = {"list": "documents", "fields": "fields", "embedded": "comments"}[base]
        for count in sizes:
            key = f"{work} {count}"
            ours = results.least("ours", key)
            plain = results.least("plain", f"{base} {count}")
            assert ours is not None
            lines.append(
                [
                    label,
                    f"{count:,} {unit}",
                    duration(plain),
                    duration(ours),
                    duration(ours / count),
                    times(results.ratio("ours", key, "plain", f"{base} {count}")),
                    "",
                    "",
                    "",
                ]
            )
        own = growth(results, "ours", work, sizes)
        other = growth(results, "plain", base, sizes)
        linear = "yes" if own <= max(LINEAR, other + 0.05) else "NO"
        lines[-1][-3:] = [f"{own:.2f}", f"{other:.2f}", linear]
    header = ["work", "size", "plain", "ours", "ours, each", "ratio"]
    print(table([*header, "k, ours", "k, plain", "linear"], lines))


if __name__ == "__main__":
    main(make_cases, run, rounds=3)
