"""Names that other code imports from where MongoEngine has them.

MongoEngine's modules import much from each other and from other packages, and other
code has come to import those names from there.  Modules of this package look a name
that they do not have up in `NAMES`, when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from mongoengine.compatibility.names import NAMES

__all__ = ("attribute",)


def attribute(module: str, name: str) -> Any:
    """Return what `module` has under `name` in MongoEngine.

    :param module: the full name of a module of this package
    :raises AttributeError: if it has no such name
    """
    place = NAMES.get(module, {}).get(name)
    if place is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    home, _, path = place.partition(":")
    value: Any = import_module(home)
    return getattr(value, path) if path else value
