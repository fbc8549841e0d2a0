"""Helpers of the tests of fields."""

from __future__ import annotations

from typing import Any

from mongoengine import Document, ValidationError


def document_with(field: Any, **fields: Any) -> type[Document]:
    """A document class with a field called `value` (and others)."""
    body = {"__module__": __name__, "value": field, **fields}
    return type("Holder", (Document,), body)


def failure_of(field: Any, value: Any) -> str | None:
    """Return the error of a field for a bad value, None for a good one."""
    try:
        document_with(field)(value=value).validate()
    except ValidationError as error:
        return str(error.errors["value"])
    return None


__all__ = ("document_with", "failure_of")
