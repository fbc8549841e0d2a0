"""FloatField."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mongoengine import FloatField

from .helpers import document_with, failure_of


@pytest.mark.parametrize(
    ("assigned", "expected"), [(1, 1.0), ("1.5", 1.5), (True, 1.0)]
)
def test_what_can_be_made_a_float_is(assigned: Any, expected: float) -> None:
    value = document_with(FloatField())(value=assigned).value
    assert value == expected
    assert type(value) is float


def test_text_that_is_no_number_is_kept_and_refused() -> None:
    message = "FloatField only accepts float and integer values"
    assert failure_of(FloatField(), "abc") == message


def test_an_assigned_text_is_refused() -> None:
    holder = document_with(FloatField())()
    holder.value = "1.5"
    assert holder.value == "1.5"
    with pytest.raises(AssertionError, match="only accepts float"):
        holder.validate()


def test_not_a_number_is_a_number(db: Any) -> None:
    Holder = document_with(FloatField(min_value=1, max_value=2))
    Holder(value=float("nan")).save()
    assert math.isnan(Holder.objects.get().value)


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        (1.4, "Float value is too small"),
        (1.5, None),
        (2.5, None),
        (float("inf"), "Float value is too large"),
    ],
)
def test_bounds_are_included(value: float, failure: str | None) -> None:
    assert failure_of(FloatField(min_value=1.5, max_value=2.5), value) == failure


def test_an_int_too_large_for_a_float() -> None:
    holder = document_with(FloatField())()
    holder.value = 10**400
    with pytest.raises(AssertionError, match="too large to be converted to float"):
        holder.validate()


def test_stored_ints_are_read_as_floats(db: Any) -> None:
    db["holder"].insert_one({"value": 5})
    value = document_with(FloatField()).objects.get().value
    assert value == 5.0
    assert type(value) is float


def test_query_values_are_floats() -> None:
    field = FloatField()
    assert type(field.prepare_query_value(None, 5)) is float
    assert field.prepare_query_value(None, None) is None
