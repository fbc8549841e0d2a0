"""Finding references that are followed one by one (N+1 queries).

`strict_references()` makes following a reference where it is read raise, or warn, with
the field and the place in the user's code.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, TypeAlias, get_args

from mongoengine.base.utils import _PACKAGE_FOLDER
from mongoengine.errors import LazyReferenceError, LazyReferenceWarning

__all__ = (
    "is_strict",
    "note_lazy_reference",
    "set_strict_references",
    "strict_references",
)

Mode: TypeAlias = Literal["error", "warn", "off"]

#: The environment variable with the mode that a program begins with.
VARIABLE = "MONGOENGINE_STRICT_REFERENCES"

_mode: ContextVar[Mode | None] = ContextVar("strict_references", default=None)


def _checked(mode: Any) -> Mode:
    if mode not in get_args(Mode):
        raise ValueError(f'{mode!r} is no mode: use "error", "warn" or "off"')
    checked: Mode = mode
    return checked


class _Setting:
    """The mode of the program, where no block says otherwise."""

    def __init__(self) -> None:
        self.mode = _checked(os.environ.get(VARIABLE) or "off")


_setting = _Setting()


def set_strict_references(mode: Mode = "error") -> None:
    """Set what following a reference where it is read does, in the whole program.

    :param mode: `"error"` raises :class:`~mongoengine.errors.LazyReferenceError`,
        `"warn"` warns with :class:`~mongoengine.errors.LazyReferenceWarning`, `"off"`
        follows, which is the default (or what the environment variable
        `MONGOENGINE_STRICT_REFERENCES` says).
    :raises ValueError: for any other mode.
    """
    _setting.mode = _checked(mode)


class strict_references:
    """Raise or warn where a reference is followed because it was read.

    Works with `with` and `async with`, for this task or thread and the tasks that it
    starts:

        with strict_references():
            render(Book.objects.select_related("author"))

    What asks for documents is free: `select_related()`, `fetch()` and
    `async_fetch()`.  In asynchronous code awaiting a reference that has not been
    loaded counts as following it.

    :param mode: `"error"`, `"warn"` or `"off"`.
    :raises ValueError: for any other mode.
    """

    def __init__(self, mode: Mode = "error") -> None:
        self._mode = _checked(mode)
        self._tokens: list[Token[Mode | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(_mode.set(self._mode))

    def __exit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        _mode.reset(self._tokens.pop())

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *error: object) -> None:
        self.__exit__()


def is_strict() -> bool:
    """Return whether following a reference where it is read raises or warns."""
    return (_mode.get() or _setting.mode) != "off"


def note_lazy_reference(owner: str, name: str) -> None:
    """Raise or warn, if that is asked for: a reference is going to be followed.

    :param owner: the name of the class of the document.
    :param name: the name of the field.
    """
    mode = _mode.get() or _setting.mode
    if mode == "off":
        return
    file, line, level = _place()
    text = (
        f"{owner}.{name} is followed where it is read, at {file}:{line}: load it with "
        f"the documents, by select_related({name!r})"
    )
    if mode == "error":
        raise LazyReferenceError(text)
    warnings.warn(text, LazyReferenceWarning, stacklevel=level)


def _place() -> tuple[str, int, int]:
    """Return file and line of the user's code that runs, and how far up that is."""
    frame = sys._getframe(2)
    level = 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(
        _PACKAGE_FOLDER
    ):
        frame = frame.f_back
        level += 1
    return frame.f_code.co_filename, frame.f_lineno, level
