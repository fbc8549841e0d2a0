"""DecimalField: rounding, and the two ways of storing it."""

from __future__ import annotations

import decimal
from decimal import Decimal
from typing import Any

import pytest

from mongoengine import DecimalField, ValidationError

from .helpers import document_with, failure_of


@pytest.mark.parametrize(
    ("options", "assigned", "expected"),
    [
        ({}, "1.005", "1.01"),
        ({}, 2.675, "2.68"),
        ({}, 5, "5.00"),
        ({"precision": 0}, "2.5", "3"),
        ({"precision": 5}, "1.000005", "1.00001"),
        ({"rounding": decimal.ROUND_DOWN}, "1.999", "1.99"),
        ({"rounding": decimal.ROUND_HALF_EVEN}, "1.005", "1.00"),
    ],
)
def test_values_are_rounded(
    options: dict[str, Any], assigned: Any, expected: str
) -> None:
    value = document_with(DecimalField(**options))(value=assigned).value
    assert str(value) == expected


def test_a_decimal_is_stored_as_a_double(db: Any) -> None:
    Holder = document_with(DecimalField())
    Holder(value="1.5").save()
    assert db["holder"].find_one()["value"] == 1.5
    assert Holder.objects.get().value == Decimal("1.50")


def test_or_as_text(db: Any) -> None:
    Holder = document_with(DecimalField(force_string=True, precision=4))
    Holder(value="1.5").save()
    assert db["holder"].find_one()["value"] == "1.5000"
    assert Holder.objects(value="1.5").get().value == Decimal("1.5000")


@pytest.mark.parametrize("value", ["abc", "", b"1", [1]])
def test_what_is_no_decimal_is_refused(value: Any) -> None:
    message = failure_of(DecimalField(), value)
    assert message is not None
    assert message.startswith("Could not convert value to decimal: ")


def test_bounds_are_included() -> None:
    field = DecimalField(min_value=1, max_value=Decimal("2.5"))
    assert failure_of(field, "0.99") == "Decimal value is too small"
    assert failure_of(field, 1) is None
    assert failure_of(field, "2.5") is None
    assert failure_of(field, "2.51") == "Decimal value is too large"


def test_more_digits_than_the_context_has() -> None:
    with pytest.raises(decimal.InvalidOperation):
        document_with(DecimalField())(value=10**30)


@pytest.mark.parametrize("precision", [-1, 1.5])
def test_the_precision_is_checked(precision: Any) -> None:
    with pytest.raises(ValidationError, match="precision must be a positive integer"):
        DecimalField(precision=precision)


def test_query_values_are_stored_values() -> None:
    assert DecimalField().prepare_query_value("gt", "1.005") == 1.01
    as_text = DecimalField(force_string=True)
    assert as_text.prepare_query_value("gt", 1) == "1.00"
    assert as_text.prepare_query_value(None, None) is None
