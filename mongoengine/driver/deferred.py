"""Modules that are imported when one of their functions is first used.

A program starts sooner if it does not import what it may never use.  The packages
whose `__getattr__` comes from here give their modules to `from package import module`
deferred: while a class is being defined their functions are `Deferred`, which take
their own places in the class when they are first read there; in functions the module
is imported at once.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import CO_OPTIMIZED
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

__all__ = (
    "Deferred",
    "deferrable",
    "deferring",
    "imported",
    "load_members",
    "on_class",
    "place",
)

F = TypeVar("F", bound=Callable[..., Any])

#: One thread imports what is deferred, so that no other finds half of a module; and no
#: process forks meanwhile, as its child could never import the module.
_importing = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_importing.acquire,
        after_in_parent=_importing.release,
        after_in_child=_importing.release,
    )


def imported(name: str) -> ModuleType:
    """Import a module that was deferred, and return it."""
    with _importing:
        return import_module(name)


class Deferred:
    """A member of a class that is made when it is first read, and then replaces this.

    :param load: returns the member
    """

    __slots__ = ("_load", "_name", "_owner")

    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load
        self._owner: type | None = None
        self._name = ""

    def load(self) -> Any:
        """Return the member, which is made now."""
        return self._load()

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner, self._name = owner, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        member = self._load()
        if self._owner is not None:
            _name_after(member, self._owner)
            setattr(self._owner, self._name, member)
        return member.__get__(instance, owner)


def deferrable(make: F) -> F:
    """Have a function that makes members of classes take what is deferred, too.

    What it makes is deferred then.
    """

    def made(*args: Any) -> Any:
        if any(isinstance(value, Deferred) for value in args):
            return Deferred(lambda: make(*map(_loaded, args)))
        return make(*args)

    return cast("F", wraps(make)(made))


def _loaded(value: object) -> object:
    return value.load() if isinstance(value, Deferred) else value


def _name_after(member: object, owner: type) -> None:
    """Give the face of an operation the name of the class that it belongs to."""
    face: Any = getattr(member, "__func__", member)
    while isinstance(face, FunctionType) and hasattr(face, "_operation"):
        face.__qualname__ = f"{owner.__qualname__}.{face.__name__}"
        face.__module__ = owner.__module__
        face = getattr(face, "__wrapped__", None)


def load_members(cls: type) -> None:
    """Make the members of a class that are deferred, for who reads its `__dict__`."""
    for name, member in list(vars(cls).items()):
        if isinstance(member, Deferred):
            getattr(cls, name)


def place(owner: type, name: str, member: Any) -> None:
    """Give a class that is defined elsewhere a member, which may be deferred."""
    if isinstance(member, Deferred):
        member.__set_name__(owner, name)
    else:
        _name_after(member, owner)
    setattr(owner, name, member)


#: Returns a face as a class method; it may be deferred.
on_class = deferrable(classmethod)


class _Module:
    """Stands for a module that has not been imported yet."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute: str) -> Any:
        frame = sys._getframe(1)
        if not frame.f_code.co_flags & CO_OPTIMIZED and self._name not in sys.modules:
            # The body of a class or a module.
            return Deferred(lambda: getattr(imported(self._name), attribute))
        module = imported(self._name)
        names = frame.f_globals
        for name in [name for name, value in names.items() if value is self]:
            names[name] = module
        return getattr(module, attribute)

    def __setattr__(self, attribute: str, value: object) -> None:
        setattr(imported(self._name), attribute, value)

    def __delattr__(self, attribute: str) -> None:
        delattr(imported(self._name), attribute)

    def __repr__(self) -> str:
        return f"<deferred module {self._name!r}>"


def deferring(package: str, modules: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a package of which some modules are deferred.

    :param modules: their names, separated by spaces
    """
    deferred = {name: _Module(f"{package}.{name}") for name in modules.split()}

    def get(name: str) -> object:
        if name in deferred:
            return deferred[name]
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get
