"""`indexes`: compare the declared indexes with those of the database."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from mongoengine.cli.models import by_collection
from mongoengine.connection import get_db
from mongoengine.document import Document
from mongoengine.operations.indexes import difference, keys_of

__all__ = ("SUMMARY", "add_arguments", "run")

SUMMARY = (
    "Compare declared indexes with those of the database; change nothing unless asked."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--create", action="store_true", help="create the indexes that are missing"
    )
    parser.add_argument(
        "--drop",
        action="store_true",
        help="drop the indexes that no class declares",
    )


def run(classes: list[type[Document]], options: argparse.Namespace) -> bool:
    """Print what differs, change what was asked for, and return whether all agree.

    Without `--create` and `--drop` this only reads.
    """
    agrees = True
    for alias, name, members in by_collection(classes):
        collection = get_db(alias)[name]
        missing, extra, names = _compare(collection, members)
        if not missing and not extra:
            print(f"{name}: indexes agree")
            continue
        for keys in missing:
            print(f"{name}: missing {_shown(keys)}")
        for keys in extra:
            print(f"{name}: stale {_shown(keys)} ({names[_shown(keys)]})")
        if options.create and missing:
            for cls in members:
                cls.ensure_indexes()
        if options.drop:
            for keys in extra:
                collection.drop_index(names[_shown(keys)])
        missing, extra, _ = _compare(collection, members)
        agrees = agrees and not missing and not extra
        if options.create or options.drop:
            left = len(missing) + len(extra)
            print(f"{name}: {f'{left} differences left' if left else 'now agrees'}")
    return agrees


def _compare(
    collection: Any, members: Iterable[type[Document]]
) -> tuple[list[Any], list[Any], dict[str, str]]:
    """Return what is missing, what is stale, and the names of the indexes by keys.

    The collection is read directly: opening it through a class would create the
    indexes of that class.
    """
    declared: list[Any] = []
    for cls in members:
        for keys in cls.list_indexes():
            if keys not in declared:
                declared.append(keys)
    information = collection.index_information()
    missing, extra = difference(declared, information)
    names = {_shown(keys_of(index)): name for name, index in information.items()}
    return missing, extra, names


def _shown(keys: Iterable[object]) -> str:
    """Return index keys as the shell of MongoDB writes them."""
    pairs = [key if isinstance(key, tuple) else (key, 1) for key in keys]
    return "{" + ", ".join(f"{name}: {direction!r}" for name, direction in pairs) + "}"
