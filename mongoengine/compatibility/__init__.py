"""Names that other code imports from where MongoEngine has them.

MongoEngine's modules import much from each other and from other packages, and other
code has come to import those names from there.  Modules of this package look a name
that they do not have up in `NAMES`, when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

__all__ = ("names_of",)


def names_of(
    module: str, load: Callable[[str], object] = import_module
) -> Callable[[str], object]:
    """Return the `__getattr__` of a module, which finds the names of `NAMES`.

    :param module: the full name of a module of this package
    :param load: imports the modules of the names
    """

    def __getattr__(name: str) -> object:
        # An import asks for `__path__`, which none of the names is.
        place = None
        if not name.startswith("__"):
            names = import_module("mongoengine.compatibility.names").NAMES
            place = names[module].get(name)
        if place is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, attribute = place.partition(":")
        value: object = load(home)
        return getattr(value, attribute) if attribute else value

    return __getattr__
