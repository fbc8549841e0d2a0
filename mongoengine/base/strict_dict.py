"""A mapping with a fixed set of keys, which other code may import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mongoengine.base.types import PythonValue

__all__ = ("StrictDict",)


class StrictDict:
    """A mapping with a fixed set of keys, kept in slots."""

    __slots__: tuple[str, ...] = ()
    _special_fields = {"get", "pop", "iteritems", "items", "keys", "create"}
    _classes: dict[frozenset[str], type[StrictDict]] = {}

    def __init__(self, **kwargs: object) -> None:
        for key, value in kwargs.items():
            setattr(self, key, value)

    def __getitem__(self, key: str) -> PythonValue:
        name = self._safe(key)
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, key: str, value: object) -> None:
        setattr(self, self._safe(key), value)

    def __contains__(self, key: str) -> bool:
        return hasattr(self, self._safe(key))

    @classmethod
    def _safe(cls, key: str) -> str:
        return f"_reserved_{key}" if key in cls._special_fields else key

    def get(self, key: str, default: object = None) -> PythonValue:
        """Return the value of `key`, or `default` where it is not set."""
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key: str, default: object = None) -> PythonValue:
        """Take `key` out and return its value, or `default`."""
        value = self.get(key, default)
        try:
            delattr(self, self._safe(key))
        except AttributeError:
            return default
        return value

    def iteritems(self) -> Iterator[tuple[str, PythonValue]]:
        for key in self:
            yield key, self[key]

    def items(self) -> list[tuple[str, Any]]:
        return list(self.iteritems())

    def iterkeys(self) -> Iterator[str]:
        return iter(self)

    def keys(self) -> list[str]:
        # Not `list(self)`, which asks for the length, which asks for the keys.
        return list(iter(self))

    def __iter__(self) -> Iterator[str]:
        return (
            slot.removeprefix("_reserved_")
            for slot in self.__slots__
            if hasattr(self, slot)
        )

    def __len__(self) -> int:
        return len(self.keys())

    def __eq__(self, other: Any) -> bool:
        """Compare: mappings of the same items in the same order are equal."""
        return self.items() == list(other.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def create(cls, allowed_keys: Iterable[str]) -> type[StrictDict]:
        """Return the class of strict dicts with just these keys."""
        slots = tuple(cls._safe(key) for key in allowed_keys)
        chosen = frozenset(slots)
        if chosen not in cls._classes:

            def shown(self: Any) -> str:
                pairs = ", ".join(f'"{k}": {v!r}' for k, v in self.iteritems())
                return "{" + pairs + "}"

            cls._classes[chosen] = type(
                "SpecificStrictDict", (cls,), {"__slots__": slots, "__repr__": shown}
            )
        return cls._classes[chosen]
