"""`validate`: check the stored documents against the models."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from bson import json_util

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.types import RawDocument
from mongoengine.cli.models import by_collection
from mongoengine.connection import get_db
from mongoengine.document import Document
from mongoengine.errors import MongoEngineException, ValidationError

__all__ = ("SUMMARY", "add_arguments", "run")

SUMMARY = (
    "Load and validate every stored document; print the bad ones as lines of JSON."
)

_JSON_OPTIONS = json_util.RELAXED_JSON_OPTIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--limit",
        type=int,
        default=0,
        metavar="N",
        help="look at N documents of each collection at most",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the lines to FILE, not to standard output",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="show no progress on standard error"
    )


def run(classes: list[type[Document]], options: argparse.Namespace) -> bool:
    """Print a line of JSON for each bad document; return whether there is none."""
    bad = 0
    with _output(options.output) as output:
        for alias, name, members in by_collection(classes):
            collection = get_db(alias)[name]
            total = collection.estimated_document_count()
            if options.limit:
                total = min(total, options.limit)
            cursor = collection.find().sort("_id", 1).limit(options.limit)
            check = _checker(members)
            with cursor:
                for raw in _progress(cursor, name, total, options.quiet):
                    problem = check(raw)
                    if problem is not None:
                        bad += 1
                        line = {"collection": name, "_id": raw.get("_id"), **problem}
                        text = json_util.dumps(line, json_options=_JSON_OPTIONS)
                        print(text, file=output)
    return bad == 0


def _checker(
    members: list[type[Document]],
) -> Callable[[RawDocument], RawDocument | None]:
    """Return the function that describes the problem of a raw document, or None.

    A document belongs to the class that its `_cls` names, otherwise to the class of
    the collection that has no base among `members`.
    """
    roots = [cls for cls in members if not any(b in members for b in cls.__mro__[1:])]

    def check(raw: RawDocument) -> RawDocument | None:
        cls = roots[0]
        try:
            if "_cls" in raw:
                cls = _DocumentRegistry.get(raw["_cls"])
            cls._from_son(raw).validate()
        except ValidationError as error:
            return _problem(cls, error, fields=error.to_dict())
        except (MongoEngineException, AttributeError, TypeError, ValueError) as error:
            return _problem(cls, error)
        return None

    return check


def _problem(cls: type[Document], error: Exception, **more: object) -> RawDocument:
    details = json.loads(json.dumps(more, default=str))
    return {
        "class": cls.__name__,
        "error": type(error).__name__,
        "message": str(error),
        **details,
    }


@contextlib.contextmanager
def _output(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with open(path, "w", encoding="utf-8") as file:
        yield file


def _progress(
    rows: Iterable[RawDocument], name: str, total: int, quiet: bool
) -> Iterator[RawDocument]:
    """Yield the rows and show how far they are: a bar of tqdm, or a closing line."""
    if not quiet and importlib.util.find_spec("tqdm") is not None:
        yield from importlib.import_module("tqdm").tqdm(
            rows, desc=name, total=total, unit="doc", file=sys.stderr
        )
        return
    count = 0
    for row in rows:
        count += 1
        yield row
    if not quiet:
        print(f"{name}: {count} documents", file=sys.stderr)
