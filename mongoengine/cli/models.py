"""Import the models that a command is about, and open their connections."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator

from mongoengine.connection import DEFAULT_CONNECTION_NAME, register_connection
from mongoengine.document import Document
from mongoengine.driver.credentials import without_password

__all__ = (
    "CommandError",
    "connect_aliases",
    "document_classes",
)

#: Names the URI of the default alias where `--uri` does not.
ENVIRONMENT_VARIABLE = "MONGODB_URI"


class CommandError(Exception):
    """The command line asks for something that is not there."""


def connect_aliases(uri: str | None, aliases: Iterable[str]) -> None:
    """Register the aliases of the command line; nothing is sent yet.

    :param uri: the URI of the default alias
    :param aliases: `NAME=URI` for other aliases
    :raises CommandError: if an entry is not of that form, or a URI is refused
    """
    uri = uri or os.environ.get(ENVIRONMENT_VARIABLE)
    if uri:
        _register(DEFAULT_CONNECTION_NAME, uri)
    for entry in aliases:
        name, equals, alias_uri = entry.partition("=")
        if not (name and equals and alias_uri):
            raise CommandError(
                f"--alias takes NAME=URI, not {without_password(entry)!r}"
            )
        _register(name, alias_uri)


def _register(alias: str, uri: str) -> None:
    try:
        register_connection(alias, host=uri, uuidRepresentation="standard")
    except Exception as error:
        reason = without_password(str(error).replace(uri, without_password(uri)))
        raise CommandError(f'cannot use the URI of alias "{alias}": {reason}') from None


def document_classes(
    modules: Iterable[str], names: Iterable[str] = ()
) -> list[type[Document]]:
    """Import modules and return the document classes that they hold.

    Classes that a module only imports count too; abstract ones do not.

    :param modules: dotted names; a package stands for its imported submodules, too
    :param names: class names, to leave out all others
    :raises CommandError: if a module cannot be imported, or a name has no class
    """
    modules = list(modules)
    if "" not in sys.path:
        sys.path.insert(0, "")
    namespaces: list[object] = []
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:
            raise CommandError(
                f"cannot import {name}: {type(error).__name__}: "
                f"{without_password(str(error))}"
            ) from error
        namespaces += [
            module
            for path, module in list(sys.modules.items())
            if path == name or path.startswith(name + ".")
        ]
    classes = _with_a_collection(namespaces)
    chosen_names = set(names)
    missing = chosen_names - {cls.__name__ for cls in classes}
    if missing:
        raise CommandError(
            f"no document class named {', '.join(sorted(missing))} in "
            f"{', '.join(modules)}"
        )
    chosen = [
        cls for cls in classes if not chosen_names or cls.__name__ in chosen_names
    ]
    if not chosen:
        raise CommandError(f"no document classes in {', '.join(modules)}")
    return chosen


def _with_a_collection(namespaces: Iterable[object]) -> list[type[Document]]:
    """Return the document classes in modules that are not abstract, sorted by name."""
    classes: dict[type[Document], None] = {}
    for namespace in namespaces:
        for value in list(vars(namespace).values()):
            if (
                isinstance(value, type)
                and issubclass(value, Document)
                and not value._meta.get("abstract")
                and value._get_collection_name()
            ):
                classes[value] = None
    return sorted(classes, key=lambda cls: (cls.__module__, cls.__qualname__))


def by_collection(
    classes: Iterable[type[Document]],
) -> Iterator[tuple[str, str, list[type[Document]]]]:
    """Group classes by alias and collection."""
    places: dict[tuple[str, str], list[type[Document]]] = {}
    for cls in classes:
        place = cls._get_db_alias(), str(cls._get_collection_name())
        places.setdefault(place, []).append(cls)
    for (alias, collection), members in sorted(places.items(), key=lambda p: p[0]):
        yield alias, collection, members
