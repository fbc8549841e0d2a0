"""One document of 10 MB of nested dicts and lists: read it and touch one key.

    python benchmarks/large.py [--rounds N]

No server; CPU time, against `bson.decode` of the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import bson
from _harness import Case, Cases, Row, compare, main, report, require_oracle

BYTES = 10_000_000


def large() -> bytes:
    """A log of 10 MB: a list of entries, each of dicts and lists."""
    entry = {
        "at": 1_700_000_000,
        "level": "info",
        "labels": {"host": "web-1", "zone": {"name": "eu", "rack": [1, 2, 3]}},
        "values": [0.5, 1.5, 2.5, {"unit": "ms", "of": ["a", "b"]}],
    }
    count = BYTES // len(bson.encode(entry))
    return bson.encode(
        {
            "_id": bson.ObjectId(f"{1:024x}"),
            "name": "log",
            "entries": [entry] * (count // 2),
            "by_key": {f"k{n}": entry for n in range(count // 2)},
        }
    )


def make_cases(side: str, options: dict[str, Any]) -> Cases:
    data = large()
    if side == "plain":
        return {"decode": Case(lambda _: bson.decode(data))}
    import mongoengine as me

    class Log(me.Document):
        name = me.StringField()
        entries = me.ListField(me.DictField())
        by_key = me.DictField()

    def loaded(touch: Callable[[Any], Any]) -> Case:
        return Case(lambda _: touch(Log._from_son(bson.decode(data))))

    def change(log: Any) -> None:
        log.by_key["k7"]["level"] = "error"
        log._delta()

    return {
        "load": loaded(lambda log: log.name),
        "touch": loaded(lambda log: log.by_key["k7"]["labels"]["zone"]["name"]),
        "touch item": loaded(lambda log: log.entries[7]["labels"]["zone"]["name"]),
        "change": loaded(change),
    }


ROWS = [
    Row("load", "load", base="decode", goal=1.5),
    Row("load, touch one key of the dict", "touch", base="decode", goal=1.5),
    Row("load, touch one item of the list", "touch item", base="decode", goal=1.5),
    Row("load, change one key, delta", "change", base="decode"),
]


def run(arguments: argparse.Namespace) -> None:
    require_oracle()
    sides = ["ours", "oracle"]
    results = compare(__file__, ["plain", *sides], rounds=arguments.rounds)
    print(report(results, ROWS, sides, base_label="bson.decode"))


if __name__ == "__main__":
    main(make_cases, run, rounds=3)
