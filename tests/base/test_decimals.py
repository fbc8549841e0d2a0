"""Decimals are read from BSON as PyMongo reads them."""

from __future__ import annotations

import decimal
import random
from collections.abc import Callable

import pytest
from bson import Decimal128

from mongoengine.base.decimals import decimal_of

TEXTS = (
    "0",
    "-0",
    "-0.00",
    "0E+6111",
    "1E-6176",
    "9.999999999999999999999999999999999E+6144",
    "-9999999999999999999999999999999999",
    "18446744073709551616",
    "0.1",
    "1E+3",
    "Infinity",
    "-Infinity",
)


def same(stored: Decimal128) -> bool:
    return outcome(lambda: decimal_of(stored)) == outcome(stored.to_decimal)


def outcome(read: Callable[[], decimal.Decimal]) -> object:
    """Return the parts of a number; PyMongo 4.18 refuses some bits."""
    try:
        return read().as_tuple()
    except decimal.Inexact:
        return decimal.Inexact


@pytest.mark.parametrize("text", TEXTS)
def test_a_decimal_is_the_one_that_pymongo_makes(text: str) -> None:
    assert same(Decimal128(text))


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN"])
def test_nan_is_the_one_that_pymongo_makes(text: str) -> None:
    assert same(Decimal128(text))


def test_any_bits_are_read_as_pymongo_reads_them() -> None:
    rng = random.Random(4)
    for _ in range(2000):
        assert same(Decimal128((rng.getrandbits(64), rng.getrandbits(64))))


def test_a_context_of_few_digits_does_not_round() -> None:
    text = "1234567890123456789012345678901234"
    with decimal.localcontext(decimal.Context(prec=3)):
        assert str(decimal_of(Decimal128(text))) == text
