"""`schema`: print schemas and diagrams of the models, and have MongoDB check writes."""

from __future__ import annotations

import argparse

from bson import json_util

from mongoengine.base.common import _get_documents_by_db
from mongoengine.cli.models import CommandError, by_collection
from mongoengine.connection import DEFAULT_CONNECTION_NAME, get_db
from mongoengine.document import Document
from mongoengine.driver.types import PyMongoDatabase, RawDocument
from mongoengine.plain.mermaid import class_diagram
from mongoengine.plain.mongo_schema import collection_schema

__all__ = ("SUMMARY", "add_arguments", "run")

SUMMARY = (
    "Print JSON Schema, $jsonSchema validators or a Mermaid diagram of the models; "
    "compare or apply validators."
)

FORMATS = ("json-schema", "validator", "mermaid")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="json-schema",
        help="what to print: a JSON Schema of each class (needs Pydantic), the "
        "$jsonSchema validator of each collection, or a class diagram for Mermaid",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="compare the validators of the database with those of the models, and "
        "change nothing",
    )
    parser.add_argument(
        "--apply",
        action="store_true",
        help="set the validators of collections that differ (collMod), and create "
        "collections that are missing",
    )
    parser.add_argument(
        "--validation-level",
        choices=("strict", "moderate", "off"),
        default="strict",
        help="which writes MongoDB checks (default: strict)",
    )
    parser.add_argument(
        "--validation-action",
        choices=("error", "warn", "errorAndLog"),
        default="error",
        help="what happens to documents that do not fit (default: error)",
    )


def run(classes: list[type[Document]], options: argparse.Namespace) -> bool:
    """Print schemas or a diagram, or compare validators; return whether these agree."""
    if options.check or options.apply:
        return _compare(classes, options)
    if options.format == "mermaid":
        print(class_diagram(classes), end="")
    elif options.format == "validator":
        _print(
            {
                name: {"$jsonSchema": _schema(alias, name)}
                for alias, name, _ in by_collection(classes)
            }
        )
    else:
        try:
            schemas = {
                cls.__name__: cls.pydantic_model().model_json_schema()
                for cls in classes
            }
        except ImportError as error:
            raise CommandError(f"JSON Schema needs Pydantic: {error}") from error
        _print(schemas)
    return True


def _print(schemas: RawDocument) -> None:
    relaxed = json_util.RELAXED_JSON_OPTIONS
    print(json_util.dumps(schemas, indent=2, json_options=relaxed))


def _schema(alias: str, collection: str) -> RawDocument:
    """Return the schema of all classes that are stored in a collection.

    Those that the command line does not name count, too: their documents are there.
    """
    classes = [
        cls
        for cls in _get_documents_by_db(alias, DEFAULT_CONNECTION_NAME)
        if cls._is_document and cls._meta.get("collection") == collection
    ]
    return collection_schema(classes)


def _compare(classes: list[type[Document]], options: argparse.Namespace) -> bool:
    """Print which validators differ, and apply them if the options say so.

    :returns: whether all agree then
    """
    agrees = True
    for alias, name, members in by_collection(classes):
        if any(cls._meta.get("timeseries") for cls in members):
            print(f"{name}: a time series takes no validator")
            continue
        declared = {
            "validator": {"$jsonSchema": _schema(alias, name)},
            "validationLevel": options.validation_level,
            "validationAction": options.validation_action,
        }
        existing = _existing(get_db(alias), name)
        if existing is not None and _is_same(existing, declared):
            print(f"{name}: the validator agrees")
        elif not options.apply:
            agrees = False
            print(f"{name}: {_difference(existing, declared)}")
        else:
            _apply(alias, name, members, declared, existing is None)
            print(f"{name}: the validator is set")
    return agrees


def _existing(database: PyMongoDatabase, collection: str) -> RawDocument | None:
    """Return the options of a collection, or None if there is no such collection."""
    collections = list(database.list_collections(filter={"name": collection}))
    return dict(collections[0].get("options", {})) if collections else None


def _is_same(existing: RawDocument, declared: RawDocument) -> bool:
    defaults = {"validationLevel": "strict", "validationAction": "error"}
    options = {**defaults, **existing}
    return all(_shown(options.get(name)) == _shown(declared[name]) for name in declared)


def _shown(value: object) -> str:
    """Return a value as JSON that does not depend on the order of keys."""
    return json_util.dumps(value, sort_keys=True)


def _difference(existing: RawDocument | None, declared: RawDocument) -> str:
    if existing is None:
        return "the collection is missing"
    if not existing.get("validator"):
        return "no validator"
    if _shown(existing["validator"]) != _shown(declared["validator"]):
        return "another validator"
    return "another validationLevel or validationAction"


def _apply(
    alias: str,
    name: str,
    members: list[type[Document]],
    declared: RawDocument,
    is_missing: bool,
) -> None:
    database = get_db(alias)
    if is_missing:
        capped = next((c for c in members if c._meta.get("max_documents")), None)
        capped = capped or next((c for c in members if c._meta.get("max_size")), None)
        if capped is None:
            database.create_collection(name, **declared)
            return
        capped._get_collection()  # creates it with its own options
    database.command("collMod", name, **declared)
