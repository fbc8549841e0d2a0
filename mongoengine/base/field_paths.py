"""The fields on a path and inside of a field, and what a path is called in MongoDB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ("db_names", "db_path", "innermost", "is_position", "last_field")


class Field(Protocol):
    """The part of a field that paths need."""

    db_field: str

    @property
    def _inner(self) -> Any:
        """The field of the items of a list or of the values of a dict, or None."""


def innermost(field: Field) -> Any:
    """Return the field inside of all lists and dicts, or the field itself."""
    while field._inner is not None:
        field = field._inner
    return field


def db_names(path: Iterable[Field | str]) -> list[str]:
    """Return the database names of the fields on a path.

    :param path: fields, and strings for positions in lists and keys of dicts
    """
    return [step if isinstance(step, str) else step.db_field for step in path]


def db_path(path: Iterable[Field | str]) -> str:
    """Return the database names of the fields on a path, joined by dots."""
    return ".".join(db_names(path))


def last_field(path: Iterable[Field | str]) -> Any:
    """Return the last field on a path that may end with positions and keys."""
    return [step for step in path if not isinstance(step, str)][-1]


def is_position(step: object) -> bool:
    """Return whether a step on a path is a position in a list."""
    return isinstance(step, str) and step.isdigit()
