"""SortedListField: a list that is sorted when it is stored."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    SortedListField,
    StringField,
    ValidationError,
)


class SortItem(EmbeddedDocument):
    rank = IntField()
    name = StringField()


class SortThing(Document):
    numbers = SortedListField(IntField())
    down = SortedListField(IntField(), reverse=True)
    items = SortedListField(EmbeddedDocumentField(SortItem), ordering="rank")


def test_it_is_dumped_sorted() -> None:
    assert SortThing(numbers=[3, 1, 2]).to_mongo()["numbers"] == [1, 2, 3]


def test_it_may_be_sorted_downwards() -> None:
    assert SortThing(down=[3, 1, 2]).to_mongo()["down"] == [3, 2, 1]


def test_it_may_be_sorted_by_a_field() -> None:
    document = SortThing(items=[SortItem(rank=2, name="a"), SortItem(rank=1, name="b")])
    assert document.to_mongo()["items"] == [
        {"rank": 1, "name": "b"},
        {"rank": 2, "name": "a"},
    ]


def test_the_list_itself_stays_as_it_is() -> None:
    document = SortThing(numbers=[3, 1])
    document.to_mongo()
    assert document.numbers == [3, 1]


def test_what_is_stored_unsorted_is_dumped_sorted() -> None:
    assert SortThing._from_son({"numbers": [2, 1]}).to_mongo()["numbers"] == [1, 2]
    assert SortThing._from_son({"numbers": [2, 1]})._to_wire([])["numbers"] == [1, 2]


def test_what_cannot_be_sorted_is_told() -> None:
    with pytest.raises(TypeError):
        SortThing(numbers=[1, "x"]).to_mongo()


def test_items_are_validated() -> None:
    with pytest.raises(ValidationError):
        SortThing(numbers=["x"]).validate()


def test_it_needs_the_field_of_its_items() -> None:
    with pytest.raises(TypeError):
        SortedListField()  # type: ignore[call-arg]


def test_it_is_saved_sorted(connection: Any, db: Any) -> None:
    document = SortThing(numbers=[2, 1]).save()
    document.numbers.append(0)
    document.save()
    assert db.sort_thing.find_one()["numbers"] == [0, 1, 2]
    assert document.numbers == [2, 1, 0]
    document.reload()
    assert document.numbers == [0, 1, 2]
