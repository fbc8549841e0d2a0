"""The command line: compare indexes, schemas and stored documents with the models.

    python -m mongoengine indexes app.models --uri mongodb://localhost/shop
    python -m mongoengine validate app.models
    python -m mongoengine schema app.models --format mermaid

Exit codes: 0 where everything is as the models say, 1 where it is not, 2 where the
command could not be carried out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import pymongo.errors

from mongoengine import errors
from mongoengine.cli import indexes, schema, validate
from mongoengine.cli.models import CommandError, connect_aliases, document_classes
from mongoengine.connection import ConnectionFailure
from mongoengine.driver.credentials import without_password

__all__ = ("main",)

COMMANDS = {"indexes": indexes, "schema": schema, "validate": validate}

#: Exit codes.
AGREES, DIFFERS, FAILED = 0, 1, 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mongoengine",
        description="Compare the models of an application with its database.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.SUMMARY
        )
        command.add_argument(
            "models",
            nargs="+",
            metavar="package.module",
            help="the modules that define the document classes; a package counts "
            "with everything in it that has been imported",
        )
        command.add_argument(
            "--uri",
            help="the URI of the default alias, database included; without it the "
            "environment variable MONGODB_URI, and otherwise whatever connection the "
            "models open when they are imported",
        )
        command.add_argument(
            "--alias",
            action="append",
            default=[],
            metavar="NAME=URI",
            help="the URI of another alias (repeatable)",
        )
        command.add_argument(
            "--class",
            dest="classes",
            action="append",
            default=[],
            metavar="NAME",
            help="look at this document class only (repeatable)",
        )
        module.add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    :param arguments: the command line; that of the process if not given
    """
    options = _parser().parse_args(arguments)
    try:
        connect_aliases(options.uri, options.alias)
        classes = document_classes(options.models, options.classes)
        agrees: bool = COMMANDS[options.command].run(classes, options)
    except (
        CommandError,
        ConnectionFailure,
        errors.MongoEngineException,
        pymongo.errors.PyMongoError,
    ) as error:
        text = without_password(str(error))
        print(f"{type(error).__name__}: {text}", file=sys.stderr)
        return FAILED
    return AGREES if agrees else DIFFERS
