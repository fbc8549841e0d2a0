"""Decimal numbers that BSON can store exactly."""

from __future__ import annotations

import decimal
from contextlib import suppress
from decimal import Decimal

from bson import Decimal128
from bson.decimal128 import create_decimal128_context

__all__ = ("as_decimal", "is_decimal128")

#: Raises where a number has no exact decimal128, as `bson.Decimal128` does.
_exact = create_decimal128_context()


def is_decimal128(value: object) -> bool:
    """Return whether a value is a `Decimal` that has an exact decimal128."""
    if type(value) is not Decimal:
        return False
    try:
        _exact.create_decimal(value)
    except decimal.DecimalException:
        return False
    return True


def as_decimal(value: object) -> Decimal | None:
    """Return a `Decimal` or `bson.Decimal128` as a `Decimal`; None for other values."""
    if type(value) is Decimal128:
        return value.to_decimal()
    if type(value) is Decimal:
        with suppress(decimal.DecimalException):
            return Decimal128(value).to_decimal()
    return None
