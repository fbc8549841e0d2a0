"""Objects that stand for something that no value can be."""

from __future__ import annotations

from typing import Any

__all__ = ("MISSING", "Sentinel")


class Sentinel:
    """An object that is only equal to itself, with a name to be shown by."""

    __slots__ = ("_name", "_truth")

    def __init__(self, name: str, truth: bool = True) -> None:
        self._name = name
        self._truth = truth

    def __bool__(self) -> bool:
        return self._truth

    def __repr__(self) -> str:
        return self._name

    def __reduce__(self) -> str:
        # Pickling and copying give the object itself.
        return self._name


#: Stands for a value that is not there.
MISSING: Any = Sentinel("MISSING")
