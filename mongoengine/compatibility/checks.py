"""Small questions about values that other code asks by MongoEngine's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mongoengine.base.types import RawDocument


def key_not_string(d: dict[Any, Any]) -> bool | None:
    """Return True if a key, at any depth of nested dicts, is no string, else None."""
    return _any_key(d, lambda key: not isinstance(key, str))


def key_starts_with_dollar(d: RawDocument) -> bool | None:
    """Return True if a key, at any depth of nested dicts, starts with `$`, or None."""
    return _any_key(d, lambda key: key.startswith("$"))


def _any_key(d: dict[Any, Any], check: Callable[[Any], bool]) -> bool | None:
    waiting: list[dict[Any, Any]] = [d]
    while waiting:
        current = waiting.pop()
        if any(map(check, current)):
            return True
        waiting += [value for value in current.values() if isinstance(value, dict)]
    return None


def includes_cls(fields: Sequence[Any]) -> bool:
    """Return whether the first of the fields of an index is `_cls`."""
    if not fields:
        return False
    first = fields[0]
    name = first[0] if isinstance(first, (tuple, list)) else first
    return bool(name == "_cls")
