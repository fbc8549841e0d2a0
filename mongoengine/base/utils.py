"""Small tools that documents and fields share; nothing here knows of either."""

from __future__ import annotations

import re
import sys
import warnings
from os.path import dirname, sep
from types import FunctionType
from typing import Any, NoReturn, TypeVar

__all__ = (
    "LazyRegexCompiler",
    "NonOrderedList",
    "class_attribute",
    "is_library_class",
    "specialised",
    "warn_caller",
)

F = TypeVar("F")

_TRUSTED = frozenset({__name__.partition(".")[0], "builtins"})

_PACKAGE_FOLDER = dirname(dirname(__file__)) + sep


class LazyRegexCompiler:
    """A class attribute that holds a pattern, compiled when it is first read.

    `pattern` and `flags` are those of `re.compile`.
    """

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = pattern
        self._flags = flags
        self._compiled: re.Pattern[str] | None = None

    @property
    def compiled_regex(self) -> re.Pattern[str]:
        """The compiled pattern."""
        if self._compiled is None:
            self._compiled = re.compile(self._pattern, self._flags)
        return self._compiled

    def __get__(self, instance: object, owner: type | None = None) -> re.Pattern[str]:
        return self.compiled_regex

    def __set__(self, instance: object, value: object) -> NoReturn:
        raise AttributeError("Can not set attribute LazyRegexCompiler")


class NonOrderedList(list[Any]):
    """A list that equals every list of the same items, in whatever order."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and sorted(self) == sorted(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def is_library_class(cls: type) -> bool:
    """Return whether a class belongs to this package or to Python, not to a user."""
    return cls.__module__.partition(".")[0] in _TRUSTED


def class_attribute(cls: type, name: str) -> object:
    """Return the attribute of a class or of its bases as it is defined, or None.

    Unlike `getattr` it calls no `__get__`: a user's field may be readable through
    documents only.
    """
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


def specialised(function: F) -> F:
    """Return an inner function with code of its own, for one class or field alone.

    From 3.11 on, CPython adapts the code of a function to the classes of the objects
    that it meets.  Functions that were made by the same `def` share that code: where
    each of them meets another class, none of them gets quicker.
    """
    made: Any = function
    own = FunctionType(
        made.__code__.replace(),
        made.__globals__,
        made.__name__,
        made.__defaults__,
        made.__closure__,
    )
    own.__qualname__, own.__doc__ = made.__qualname__, made.__doc__
    result: Any = own
    return result  # type: ignore[no-any-return]


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, pointing at the nearest line of code outside of this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(
        _PACKAGE_FOLDER
    ):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level + 1)
