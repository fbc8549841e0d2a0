"""Where the time of a document goes, for the work whose goals are not met.

    python benchmarks/profiles.py [--rounds N]

No server.  Each table is a deterministic profile of this package alone, so the
times are larger than without the profiler; the shares are what matters.

What was tried, and what it gave, per line of the codec benchmark:

* Loading: one tuple of the keys is looked up and one set test covers the keys of
  all embedded documents; what is left is that test, the object and its slots.
  A shape for each embedded document, and a plain loop over them, were slower.
* Touching: scalars are handed out of the raw mapping without being stored;
  containers are copied once and wrapped.  A function call per field (the
  descriptor) and one object per nested container remain.  Descriptors written in C
  or generated classes would save the call; both were left alone for plain Python.
* Dumping a loaded document: keys and types of values select a plan, and scalars
  are copied in one step.  The rest is making a `SON` of every document, which
  callers expect, and copying nested data, which they may change.
* Constructing: values of the right type are put in place; lists and dicts are
  copied, since the caller keeps its own.
* Getting and saving: a collection that is ready is found with one look-up, find
  options are built only if one was set, a get needs one coroutine less. In saving,
  `validate()` of the whole document and the bodies' own calls are what is left.
* Inserting: new documents are encoded from what they hold, without a `SON` and
  without copying lists, and take their ids without an assignment.
* Importing: Pillow and dateutil are imported when they are needed; the rest is the
  package's own modules.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import sys
from collections.abc import Callable
from typing import Any

import bson
from _harness import ROOT, table
from _shape import article_class, keywords, raw_article, touch_all, touch_five

SHOWN = 7


def works() -> dict[str, Callable[[], Any]]:
    article = article_class()
    comment = article._fields["comments"].field.document_type
    raw = bson.decode(bson.encode(raw_article(1)))
    make = article._maker()
    loaded = make(raw)
    values = keywords(comment, raw)
    return {
        "load (without decoding)": lambda: make(raw),
        "load, touch 5 fields": lambda: touch_five(make(raw)),
        "load, touch everything": lambda: touch_all(make(raw)),
        "to_mongo(), loaded": loaded.to_mongo,
        "validate(), loaded": loaded.validate,
        "construct from keywords": lambda: article(**values),
        "encode a new document (insert)": article(**values)._to_wire,
    }


def profile(work: Callable[[], Any], rounds: int) -> list[list[str]]:
    """The functions with the largest own time: share, calls per document, place."""
    work()
    profiler = cProfile.Profile()
    gc.disable()
    profiler.enable()
    for _ in range(rounds):
        work()
    profiler.disable()
    gc.enable()
    stats: Any = pstats.Stats(profiler)
    total = sum(own for _, _, own, _, _ in stats.stats.values())
    rows = sorted(stats.stats.items(), key=lambda item: -item[1][2])
    return [
        [f"{own / total:.0%}", f"{calls / rounds:.1f}", _place(*where)]
        for where, (_, calls, own, _, _) in rows[:SHOWN]
    ]


def _place(path: str, line: int, name: str) -> str:
    if path == "~":
        return name.strip("<>")
    module = path.partition("mongoengine/")[2] or path.rpartition("/")[2]
    return f"{name} ({module}:{line})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3000, help="calls of each work")
    rounds = parser.parse_args().rounds
    sys.path.insert(0, str(ROOT))
    for title, work in works().items():
        print(f"{title}\n")
        print(table(["own time", "calls", "function"], profile(work, rounds)))
        print()


if __name__ == "__main__":
    main()
