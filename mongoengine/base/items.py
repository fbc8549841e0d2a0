"""Items of lists and dicts as they are stored, and the keys that a path can name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mongoengine.base.types import PythonValue

if TYPE_CHECKING:
    from collections.abc import Hashable


__all__ = ("WholePath", "inner_path", "is_nameable", "stored_items", "stored_values")


class WholePath(str):
    """The path of a container, used for what lies under a key that no path names.

    A change there is a change of the whole container.
    """

    __slots__ = ()


def is_nameable(key: object) -> bool:
    """Return whether a path of MongoDB can name the key of a dict, or an index.

    Keys with dots, empty ones and those that start with `$` cannot be named.
    """
    if key.__class__ is int:
        return True
    return isinstance(key, str) and bool(key) and "." not in key and key[0] != "$"


def inner_path(path: str, key: Any) -> str:
    """Return the path of an item, or of the nearest container that can be named."""
    # Most keys are tested here, without a call.
    if path.__class__ is not WholePath and (
        (key.__class__ is str and key and "." not in key and key[0] != "$")
        or is_nameable(key)
    ):
        return f"{path}.{key}"
    return WholePath(path)


def stored_items(container: Any) -> Iterable[tuple[Hashable, PythonValue]]:
    """Return keys (or indexes) and items of a list, tuple or dict, none wrapped."""
    if isinstance(container, dict):
        return [*dict.items(container)]
    if isinstance(container, list):
        return enumerate(list.__iter__(container))
    return enumerate(container)


def stored_values(container: Any) -> Iterable[object]:
    """Return the items of a list, tuple or dict, none of them wrapped.

    Another thread may change a dict while it is walked through: these are the items
    that it has now.
    """
    if isinstance(container, dict):
        return [*dict.values(container)]
    if isinstance(container, list):
        return list.__iter__(container)
    values: Iterable[object] = container
    return values
