"""The cost of a program before its first query: the import, and 100 classes.

    python benchmarks/startup.py [--rounds N]

Each measurement is a fresh interpreter; CPU time of the process, after PyMongo
has been imported for the lines that say so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

from _harness import (
    Cases,
    Results,
    Row,
    environment_of,
    main,
    report,
    require_oracle,
)

CLASSES, FIELDS = 100, 10

PROGRAM = f"""
import json, time
clock = time.process_time
start = clock()
import pymongo, gridfs, bson, pymongo.asynchronous
driver = clock()
import mongoengine as me
imported = clock()
kinds = [me.StringField, me.IntField, me.FloatField, me.DateTimeField, me.BooleanField]
for number in range({CLASSES}):
    fields = {{f"field{{i}}": kinds[i % 5]() for i in range({FIELDS} - 2)}}
    fields["tags"] = me.ListField(me.StringField())
    fields["extra"] = me.DictField()
    type(f"Thing{{number}}", (me.Document,), fields)
made = clock()
print(json.dumps({{
    "import": imported - driver,
    "import with the driver": imported - start,
    "classes": made - imported,
    "all": made - start,
}}))
"""

ROWS = [
    Row("import, after PyMongo", "import", "oracle"),
    Row("import, with PyMongo", "import with the driver", "oracle", goal=1.05),
    Row(f"{CLASSES} classes of {FIELDS} fields", "classes", "oracle", goal=1.05),
    Row("all of it", "all", "oracle", goal=1.05),
]


def make_cases(side: str, options: dict[str, object]) -> Cases:
    raise NotImplementedError("every measurement here is a process of its own")


def once(side: str) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        env=environment_of(side),
        cwd="/",
    )
    seconds: dict[str, float] = json.loads(ran.stdout)
    return seconds


def run(arguments: argparse.Namespace) -> None:
    require_oracle()
    results = Results()
    for number in range(arguments.rounds + 1):
        for side in ("oracle", "ours"):
            for case, seconds in once(side).items():
                if number:  # the first round only fills the caches
                    results.times.setdefault((side, case), []).append(seconds)
    print(report(results, ROWS, ["ours"], base_label="oracle"))


if __name__ == "__main__":
    main(make_cases, run, rounds=15)
