"""EnumField: members in Python, their values in MongoDB."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from mongoengine import DictField, EnumField, ListField

from .helpers import document_with, failure_of


class Color(Enum):
    RED = 1
    BLUE = "b"


class Perhaps(Enum):
    YES = 1
    NEITHER = None


def test_a_members_value_is_stored(db: Any) -> None:
    Holder = document_with(EnumField(Color))
    Holder(value=Color.BLUE).save()
    assert db["holder"].find_one()["value"] == "b"
    assert Holder.objects(value=Color.BLUE).get().value is Color.BLUE


def test_a_value_becomes_its_member() -> None:
    holder = document_with(EnumField(Color))(value=1)
    assert holder.value is Color.RED
    holder.value = "b"
    assert holder.value is Color.BLUE


def test_what_has_no_member_is_kept_and_refused() -> None:
    holder = document_with(EnumField(Color))(value="RED")
    assert holder.value == "RED"
    message = "Value must be one of [<Color.RED: 1>, <Color.BLUE: 'b'>]"
    assert failure_of(EnumField(Color), "RED") == message
    with pytest.raises(AssertionError, match="RED is not a valid <enum 'Color'>"):
        EnumField(Color).validate("RED")


def test_choices_narrow_the_members() -> None:
    field = EnumField(Color, choices=[Color.RED])
    assert failure_of(field, Color.RED) is None
    message = "Value must be one of [<Color.RED: 1>]"
    assert failure_of(field, Color.BLUE) == message


def test_choices_have_to_be_members() -> None:
    with pytest.raises(ValueError, match=r"Invalid choices: \['b'\]"):
        EnumField(Color, choices=[Color.RED, "b"])


def test_a_member_for_none() -> None:
    Holder = document_with(EnumField(Perhaps))
    assert Holder().value is Perhaps.NEITHER
    assert Holder(value=Perhaps.YES).value is Perhaps.YES


def test_a_default_is_not_converted() -> None:
    assert document_with(EnumField(Color, default=Color.RED))().value is Color.RED
    assert document_with(EnumField(Color, default=1))().value == 1


def test_items_of_lists_and_dicts_become_members(db: Any) -> None:
    Holder = document_with(
        ListField(EnumField(Color)), named=DictField(EnumField(Color))
    )
    holder = Holder(value=[1], named={"x": "b"})
    assert holder.value == [Color.RED]
    holder.value = ["b"]
    assert holder.value == [Color.BLUE]
    holder.save()
    assert db["holder"].find_one()["value"] == ["b"]
    assert Holder.objects.get().named == {"x": Color.BLUE}
