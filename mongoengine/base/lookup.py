"""From the names that a query is written in to the fields that they mean."""

from __future__ import annotations

from typing import Any

__all__ = ("FieldLookup",)


class FieldLookup:
    """What a document class can tell of its fields by their names."""

    __slots__ = ()

    @classmethod
    def _lookup_field(cls, parts: str | list[str]) -> list[Any]:
        raise NotImplementedError

    @classmethod
    def _translate_field_name(cls, field: str, sep: str = ".") -> str:
        raise NotImplementedError
