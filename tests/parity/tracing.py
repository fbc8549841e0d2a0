"""Which public functions the scenarios reach, from the code that runs."""

from __future__ import annotations

import functools
import importlib
import sys
from types import CodeType, FrameType
from typing import Any

from . import names

__all__ = ("Tracer",)


class Tracer:
    """Follows the calls of this thread while a scenario runs."""

    def __init__(self, me: Any) -> None:
        self._seen: set[CodeType] = set()
        self._codes: dict[str, CodeType] = {}
        for name, _ in names.public_names():
            code = _code_of(_found(name))
            if code is not None:
                self._codes[name] = code

    def start(self) -> None:
        sys.setprofile(self._profile)

    def stop(self) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self._seen.add(frame.f_code)

    def reached(self) -> set[str]:
        """Names whose code ran, and `NAME is a function` for all traceable ones."""
        reached = {name for name, code in self._codes.items() if code in self._seen}
        return reached | {f"{name} is a function" for name in self._codes}


def _found(name: str) -> Any:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = _attribute(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, type):
        getattr(owner, name, None)  # replaces what is deferred
        for base in owner.__mro__:
            if name in vars(base):
                return vars(base)[name]
    return getattr(owner, name)


def _code_of(found: Any) -> CodeType | None:
    if isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, functools.cached_property):
        found = found.func
    if isinstance(found, type):
        found = vars(found).get("__init__")
    found = getattr(found, "_operation", found)
    code = getattr(found, "__code__", None)
    return code if isinstance(code, CodeType) else None
