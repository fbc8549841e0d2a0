"""IntField, and LongField, which is what is left of another type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bson import Int64

from mongoengine import IntField, LongField, ValidationError

from .helpers import document_with, failure_of


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [(1, 1), ("12", 12), (2.9, 2), (True, 1), (Decimal("2.5"), 2), (b"3", 3)],
)
def test_what_can_be_made_an_int_is(assigned: Any, expected: int) -> None:
    value = document_with(IntField())(value=assigned).value
    assert value == expected
    assert type(value) is int


@pytest.mark.parametrize("value", ["abc", "1.5", "", float("nan"), [1]])
def test_what_cannot_is_kept_and_refused(value: Any) -> None:
    holder = document_with(IntField())(value=value)
    assert holder.value is value
    message = f"{value} could not be converted to int"
    assert failure_of(IntField(), value) == message


def test_infinity_overflows_at_once() -> None:
    with pytest.raises(OverflowError):
        document_with(IntField())(value=float("inf"))


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        (0, "Integer value is too small"),
        (1, None),
        (10, None),
        (11, "Integer value is too large"),
    ],
)
def test_bounds_are_included(value: int, failure: str | None) -> None:
    assert failure_of(IntField(min_value=1, max_value=10), value) == failure


def test_a_bound_of_zero_is_a_bound() -> None:
    assert failure_of(IntField(min_value=0), -1) == "Integer value is too small"
    assert failure_of(IntField(max_value=0), 1) == "Integer value is too large"


def test_large_numbers_come_back_as_int(db: Any) -> None:
    Holder = document_with(IntField())
    Holder(value=2**60).save()
    value = Holder.objects.get().value
    assert value == 2**60
    assert type(value) is int


def test_stored_numbers_of_other_types_are_converted(db: Any) -> None:
    db["holder"].insert_one({"value": 5.0})
    value = document_with(IntField()).objects.get().value
    assert value == 5
    assert type(value) is int


def test_query_values_are_ints() -> None:
    field = IntField()
    assert field.prepare_query_value("gt", "5") == 5
    assert field.prepare_query_value(None, None) is None
    with pytest.raises(ValueError, match="invalid literal"):
        field.prepare_query_value(None, "abc")
    with pytest.raises(ValidationError):
        IntField(max_value=1).prepare_query_value("set", 2)


def test_a_long_field_warns_and_stores_a_long(db: Any) -> None:
    with pytest.warns(DeprecationWarning, match="use IntField") as caught:
        field = LongField()
    assert caught[0].filename == __file__
    assert isinstance(field, IntField)
    assert type(field.to_mongo(5)) is Int64
    document_with(field)(value=5).save()
    assert type(db["holder"].find_one()["value"]) is Int64
