"""Profile the work with documents whose goals are not met.

    python benchmarks/profiles.py [--rounds N]

No server.  Each table is a deterministic profile of this package alone, so the
times are larger than without the profiler; the shares are what matters.

What was tried, and where the rest goes, per line of the codec benchmark:

* Loading: one tuple of the keys is looked up, one expression tests the values that can
  fail to load, and four slots are set.  On flat documents the look-up and the test cost
  as much as the rest.  On trees every embedded document has a look-up of its own; lists
  of them are tested in one loop.
  Not built: the tests of embedded documents as source within the owner's test, 80 lines
  for 4 % of a tree, since comparing keys and types is most of it, not the calls; lists
  of lists by one set of types saves nothing where they have few items.
  Dynamic documents share their fields and get a dict of attributes, so that data is
  read without descriptors (24.9 us over decoding before, 8.9 now). About half of that
  is the tracked container of one dict: a search for documents in it, a weak
  reference, the object. Making these when they are read needs a `__getattr__`, with
  which CPython 3.11 takes 50 ns longer for every attribute, whether it is there or
  not: reading five touched values again took 38 % longer, and validating 11 %.
* Touching: a field is read by one call of its `__get__`, with code of its own for each
  class of fields, since CPython adapts code to the classes that it meets.  A
  `property` with a function for each field takes 0.6 of that; it was dropped, as
  packages (graphene-mongo) take such fields for computed ones.  Not built: getters in
  C alone need a mapping with `__missing__`, one more object per document; storing all
  scalars at the first read would make five reads slower.
* Touching everything: each container becomes a tracked one (an object with four slots
  and a dict, three times as slow to make as a list), and data without a field is
  searched for references before.  One pass for both, at all levels of small data, took
  a sixth off an article and an order; it was dropped, as it wraps what nobody reads.
  Searching level by level with sets of types, with a list in place of recursion, or
  with `gc.get_referents` takes as long as the loop or longer, and encoding with
  `marshal` saves a third at best and fails at the first date.  In lists of embedded
  documents three levels are searched without a call.  `Decimal128.to_decimal` takes
  14 us, the same from its bits takes 2.
  Walking the plain dicts takes as long as decoding them, so that goal includes 1.0.
  Making the items of a list of embedded documents when they are touched was left alone:
  whatever reads a list in C (Pydantic, orjson, `heapq`) would find raw dicts, with the
  names of the database.  It would save 0.7 us for each of them; searching them for
  references takes as long.
* Dumping: each class with up to 24 fields has a function made as source.  For raw
  documents one expression tests keys and types, and the `SON` is a copy of the dict;
  for others one function walks through the fields, read or not.  The rest is making a
  `SON` of every document, which callers expect (its attribute with the keys takes half
  of that), and copying nested data, which they may change: one call per container.
* Validating: documents like the first valid one are tested by one expression, with
  their keys, types and limits; where that fails each field has a test of its own, also
  for values that it converts (enums, decimals, dates as text), and
  only where that fails the field's methods are asked, which make the errors.
* Constructing: each class with up to 24 fields has a function made as source, which
  tests the types of all arguments in one expression (5.3 times decoding before on the
  tree, 2.8 now); a closure with a plan for keywords and types needs a tuple of both,
  which takes longer than all tests.  Lists and dicts are copied, since the caller keeps
  its own, by one call per container.  A third of the rest is `__init__` with its
  keywords; a function per class in its place would hide an `__init__` further up.
  A reference becomes a `DBRef`, which PyMongo makes in Python: six of them take a third
  as long as the decoding.
* Changes: a delta of scalars is one loop; in a dynamic document its data is searched
  for embedded documents first, and every assignment is a call of Python code.  A change
  inside a list of embedded documents touches the list, and looks for references in it.
* Getting and saving: a collection that is ready is found with one look-up, find
  options are built only if one was set, a get needs one coroutine less. In saving,
  `validate()` of the whole document and the bodies' own calls are what is left.
* Inserting: new documents are encoded from what they hold, without a `SON` and without
  copying lists, by a function of their class, and take ids without an assignment. Of
  50 us for each, the driver takes 18, encoding 14, a pending insert with its `ObjectId`
  9 (PyMongo makes the id where it gets plain dicts), and the search for attributes that
  no field stores 8. That search in one loop without recursion saves 2, but does not end
  where a list holds itself; testing the types of all items at once is slower. Garbage
  collection is 1 of the 50.
* Saving in bulk: validating whole documents is more than the goal alone. Those with few
  changed scalars are tested as they were loaded (17 us before, 13 now), most of it in
  their nested data. Making PyMongo's `UpdateOne`, which the plain case has made
  beforehand, is 2.5 of the rest, taking the changes 4; primary keys are looked up
  without putting them in place.
* Importing: Pillow and dateutil are imported when they are needed, operations and the
  fields of places, files and images when they are first used. What is left is more than
  a hundred modules, and making their classes; garbage collection is 3 ms of 43. What
  `connect()` needs at once was left alone.
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
    new = article(**values)
    return {
        "load (without decoding)": lambda: make(raw),
        "load, touch 5 fields": lambda: touch_five(make(raw)),
        "load, touch everything": lambda: touch_all(make(raw)),
        "to_mongo(), loaded": loaded.to_mongo,
        "validate(), loaded": loaded.validate,
        "construct from keywords": lambda: article(**values),
        "encode a new document (insert)": lambda: new._to_wire([]),
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
