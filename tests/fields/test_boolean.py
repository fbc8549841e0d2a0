"""BooleanField."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import BooleanField

from .helpers import document_with, failure_of


@pytest.mark.parametrize(
    ("assigned", "expected"),
    [(1, True), (0, False), ("false", True), ("", False), ([], False)],
)
def test_given_values_are_tested_for_truth(assigned: Any, expected: bool) -> None:
    assert document_with(BooleanField())(value=assigned).value is expected


def test_none_stays_none() -> None:
    assert document_with(BooleanField())(value=None).value is None


@pytest.mark.parametrize("value", [1, "true", []])
def test_assigned_values_have_to_be_boolean(value: Any) -> None:
    holder = document_with(BooleanField())()
    holder.value = value
    with pytest.raises(AssertionError, match="BooleanField only accepts boolean"):
        holder.validate()


def test_values_without_truth_are_kept() -> None:
    class Undecided:
        def __bool__(self) -> bool:
            raise TypeError("neither")

    undecided = Undecided()
    assert BooleanField().to_python(undecided) is undecided


def test_false_is_stored(db: Any) -> None:
    document_with(BooleanField())(value=False).save()
    assert db["holder"].find_one()["value"] is False


def test_false_meets_a_requirement() -> None:
    assert failure_of(BooleanField(required=True), False) is None
