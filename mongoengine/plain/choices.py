"""The choices of a field: values, or pairs of values and labels."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ("choice_values",)


def choice_values(choices: Iterable[object]) -> list[object]:
    """Return the values of choices, without their labels."""
    return [c[0] if isinstance(c, (list, tuple)) else c for c in choices]
