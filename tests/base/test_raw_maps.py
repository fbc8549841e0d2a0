"""Maps of loaded documents are dumped and validated from what is stored."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FloatField,
    IntField,
    ListField,
    MapField,
    ValidationError,
)


class MapPart(EmbeddedDocument):
    size = IntField(max_value=9)


class MapOwner(Document):
    parts = MapField(EmbeddedDocumentField(MapPart))
    numbers = DictField(ListField(FloatField()))


RAW: dict[str, Any] = {
    "_id": ObjectId("5f0000000000000000000001"),
    "parts": {"a": {"size": 1}, "b": {"size": 2}},
    "numbers": {"x": [0.5], "y": []},
}


def load(**changes: Any) -> MapOwner:
    return MapOwner._from_son({**RAW, **changes})


def test_a_dump_equals_what_is_stored_and_touches_nothing() -> None:
    owner = load()
    dumped = owner.to_mongo()
    assert dumped == RAW
    assert not owner._values
    dumped["parts"]["a"]["size"] = 7
    dumped["numbers"]["z"] = 1
    assert owner.to_mongo() == RAW


def test_a_dump_converts_where_what_is_stored_is_of_another_type() -> None:
    owner = load(numbers={"x": [1]})
    assert type(owner.to_mongo()["numbers"]["x"][0]) is float


def test_valid_maps_are_not_touched() -> None:
    owner = load()
    owner.validate()
    assert not owner._values


@pytest.mark.parametrize(
    "changes",
    [
        {"parts": {"a": {"size": 10}}},
        {"numbers": {"x": ["one"]}},
        {"numbers": {"$x": [0.5]}},
    ],
    ids=["too large", "no number", "dollar key"],
)
def test_invalid_maps_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load(**changes).validate()
