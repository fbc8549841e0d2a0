"""A kind of field that the library does not have, with an operator of its own."""

from __future__ import annotations

from typing import Any

from mongoengine.base.fields import BaseField


class VersionField(BaseField[tuple[int, ...]]):
    """A field for a version such as 3.12, stored as an array of its numbers.

    `version__series="3"` finds all versions that begin with these numbers.
    """

    _operators = frozenset({"series"})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.split(".")
        return tuple(int(number) for number in value)

    def to_mongo(self, value: Any) -> Any:
        return list(self.to_python(value))

    def validate(self, value: Any, clean: bool = True) -> None:
        if not isinstance(value, tuple) or not value:
            self.error("VersionField only accepts versions such as 3.12")

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        return self.to_mongo(value)

    def _condition(self, op: str | None, value: Any) -> tuple[str, Any]:
        if op != "series":
            return super()._condition(op, value)
        first = self.to_mongo(value)
        return "", {"$gte": first, "$lt": [*first[:-1], first[-1] + 1]}
