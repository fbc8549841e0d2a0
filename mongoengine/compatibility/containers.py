"""Wrappers for methods of tracked containers, and old containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar


def mark_as_changed_wrapper(parent_method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that calls another one and marks its container as changed.

    :param parent_method: a method of the base class, which changes the container
    """

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = parent_method(self, *args, **kwargs)
        self._mark_as_changed()
        return result

    return wrapper


def mark_key_as_changed_wrapper(
    parent_method: Callable[..., Any],
) -> Callable[..., Any]:
    """Return a method that marks one key of its container as changed and calls another.

    :param parent_method: a method of the base class, whose first argument is the key
    """

    def wrapper(self: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        self._mark_as_changed(key)
        return parent_method(self, key, *args, **kwargs)

    return wrapper


class BasesTuple(tuple[Any, ...]):
    """A tuple of base classes."""

    __slots__ = ()


class StrictDict:
    """A mapping with a fixed set of keys, which are attributes, too.

    `StrictDict.create(keys)` makes the class of mappings with these keys.
    """

    __slots__: ClassVar[Any] = ()
    _special_fields: ClassVar[set[str]] = {
        "create",
        "get",
        "items",
        "iteritems",
        "iterkeys",
        "keys",
        "pop",
    }
    _classes: ClassVar[dict[frozenset[str], type[StrictDict]]] = {}

    def __init__(self, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            setattr(self, key, value)

    @classmethod
    def create(cls, allowed_keys: Iterable[str]) -> type[StrictDict]:
        """Return the class of mappings with these keys."""
        keys = frozenset(allowed_keys)
        made = cls._classes.get(keys)
        if made is None:
            slots = tuple(keys - cls._special_fields)
            made = type("SpecificStrictDict", (cls,), {"__slots__": slots})
            cls._classes[keys] = made
        return made

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __contains__(self, key: object) -> bool:
        return key in type(self).__slots__ and hasattr(self, str(key))

    def __iter__(self) -> Iterator[str]:
        return (key for key in type(self).__slots__ if hasattr(self, key))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key: str, default: Any = None) -> Any:
        """Remove a key and return its value, or `default`."""
        value = self.get(key, default)
        if key in self:
            delattr(self, key)
        return value

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        """Iterate over pairs of key and value."""
        return ((key, self[key]) for key in self)

    def items(self) -> list[tuple[str, Any]]:
        """Return the pairs of key and value."""
        return list(self.iteritems())

    def iterkeys(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self)

    def keys(self) -> list[str]:
        """Return the keys."""
        return list(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StrictDict):
            return self.items() == other.items()
        return isinstance(other, dict) and dict(self.items()) == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        items = (f'"{key}": {value!r}' for key, value in self.items())
        return "{" + ", ".join(items) + "}"
