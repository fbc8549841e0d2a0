"""Dicts for embedded documents may have the names of fields or of the database."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    BooleanField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FloatField,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
)
from tests.families import Family


class NamedPoint(EmbeddedDocument):
    x = IntField(db_field="px")
    on = BooleanField(db_field="o")
    weight = FloatField(db_field="w")


class NamedShape(EmbeddedDocument):
    centre = EmbeddedDocumentField(NamedPoint, db_field="c")
    corners = ListField(EmbeddedDocumentField(NamedPoint), db_field="cs")
    named = MapField(EmbeddedDocumentField(NamedPoint), db_field="n")
    any = GenericEmbeddedDocumentField(db_field="a")


class NamedDrawing(Document):
    shape = EmbeddedDocumentField(NamedShape, db_field="s")


class NamedDynamic(DynamicDocument):
    shape = EmbeddedDocumentField(NamedShape, db_field="s")


POINT = {"x": "1", "on": "yes", "weight": "2.5"}
STORED = {"px": 1, "o": True, "w": 2.5}

SHAPES = [
    ({"centre": POINT}, {"c": STORED}),
    ({"corners": [POINT]}, {"cs": [STORED]}),
    ({"named": {"k": POINT}}, {"n": {"k": STORED}}),
    ({"any": {"_cls": "NamedPoint", **POINT}}, {"a": {**STORED, "_cls": "NamedPoint"}}),
]


@pytest.mark.parametrize(("given", "stored"), SHAPES)
@pytest.mark.parametrize("cls", [NamedDrawing, NamedDynamic])
async def test_names_of_fields_at_any_depth(
    family: Family, mongo: Any, cls: Any, given: Any, stored: Any
) -> None:
    await family(cls(shape=given), "save")
    document = mongo[cls._get_collection_name()].find_one()
    shape = {key: value for key, value in document["s"].items() if value}
    assert shape == stored


def test_names_of_fields_in_json() -> None:
    document = NamedDrawing.from_json('{"shape": {"centre": {"x": "1", "on": "yes"}}}')
    document.validate()
    assert document.shape.centre.x == 1
    assert document.shape.centre.on is True


def test_names_of_the_database_in_json() -> None:
    document = NamedDrawing.from_json('{"s": {"c": {"px": 1}}}')
    document.validate()
    assert document.shape.centre.x == 1


def test_the_last_of_two_names_of_a_field_counts() -> None:
    assert NamedPoint._from_son({"px": 1, "x": 2}).x == 2
    assert NamedPoint._from_son({"x": 2, "px": 1}).x == 1
