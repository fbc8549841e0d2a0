"""Decimal128Field: 34 digits, exact."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128

from mongoengine import Decimal128Field

from .helpers import document_with, failure_of


def test_a_decimal_is_stored_exactly(db: Any) -> None:
    Holder = document_with(Decimal128Field())
    Holder(value=Decimal("0.1000000000000000000000000000000001")).save()
    stored = db["holder"].find_one()["value"]
    assert stored == Decimal128("0.1000000000000000000000000000000001")
    assert Holder.objects.get().value == stored.to_decimal()


@pytest.mark.parametrize(
    ("assigned", "expected"), [("1.5", "1.5"), (5, "5"), (Decimal128("3.7"), "3.7")]
)
def test_what_can_be_made_a_decimal_is(assigned: Any, expected: str) -> None:
    assert document_with(Decimal128Field())(value=assigned).value == Decimal(expected)


def test_text_that_is_no_number_is_not_a_number() -> None:
    assert document_with(Decimal128Field())(value="abc").value.is_nan()


def test_an_assigned_int_is_refused() -> None:
    holder = document_with(Decimal128Field())()
    holder.value = 5
    with pytest.raises(AssertionError, match="Cannot convert 5 to Decimal128"):
        holder.validate()


def test_bounds_are_included() -> None:
    field = Decimal128Field(min_value=1, max_value=Decimal("2.5"))
    assert failure_of(field, "0.99") == "Decimal value is too small"
    assert failure_of(field, "1") is None
    assert failure_of(field, "2.6") == "Decimal value is too large"


def test_numbers_compare_as_numbers(db: Any) -> None:
    Holder = document_with(Decimal128Field())
    for number in ("9", "10", "100"):
        Holder(value=number).save()
    assert Holder.objects(value__gt=Decimal("9.5")).count() == 2
    assert [h.value for h in Holder.objects.order_by("value")] == [9, 10, 100]
