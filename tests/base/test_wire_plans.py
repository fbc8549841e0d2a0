"""New documents are encoded as `to_mongo` gives them, by plans for their shapes."""

from __future__ import annotations

import enum
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    IntField,
    ListField,
    StringField,
)


class Colour(enum.Enum):
    RED = "red"


class Part(EmbeddedDocument):
    name = StringField()
    size = IntField()


class Renamed(EmbeddedDocument):
    name = StringField(db_field="n")
    size = IntField()


class Base(EmbeddedDocument):
    name = StringField()
    meta = {"allow_inheritance": True}


class Special(Base):
    size = IntField()


class Keyed(EmbeddedDocument):
    key = IntField(db_field="_id")
    name = StringField()


class OwnDump(EmbeddedDocument):
    name = StringField()
    size = IntField()

    def to_mongo(self, *args: Any, **kwargs: Any) -> Any:
        dumped = super().to_mongo(*args, **kwargs)
        dumped["own"] = True
        return dumped


class Wired(Document):
    title = StringField(db_field="t")
    count = IntField(default=0)
    empty = StringField(null=True)
    colour = EnumField(Colour)
    extra = DictField()
    tags = ListField(StringField())
    part = EmbeddedDocumentField(Part)
    parts = EmbeddedDocumentListField(Part)
    renamed = EmbeddedDocumentField(Renamed)
    bases = ListField(EmbeddedDocumentField(Base))
    keyed = EmbeddedDocumentField(Keyed)
    own = EmbeddedDocumentField(OwnDump)


class WiredBase(Document):
    name = StringField()
    size = IntField()
    meta = {"allow_inheritance": True}


class WiredSpecial(WiredBase):
    more = IntField()


class WiredByName(Document):
    name = StringField(primary_key=True)
    size = IntField()


VALUES: list[dict[str, Any]] = [
    {},
    {"title": "a", "count": None},
    {"id": ObjectId("0" * 24), "title": "a"},
    {"empty": "x", "colour": Colour.RED},
    {"extra": {"a": {"b": [1, {"c": 2}]}}, "tags": ["a", "b"]},
    {"extra": {"part": Part(name="a", size=1)}},
    {"part": Part(name="a", size=1)},
    {"part": Part(size=1)},
    {"part": Part()},
    {"parts": [Part(name="a", size=1), Part(name="b"), Part()]},
    {"renamed": Renamed(name="a", size=1)},
    {"bases": [Base(name="a"), Special(name="b", size=2)]},
    {"keyed": Keyed(key=1, name="a")},
    {"keyed": Keyed(name="a")},
    {"own": OwnDump(name="a", size=1)},
]


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_a_new_document_is_encoded_as_it_is_dumped(values: dict[str, Any]) -> None:
    document = Wired(**values)
    for _ in range(2):  # the second one follows a plan
        assert _ordered(document._to_wire([])) == _ordered(document.to_mongo())


@pytest.mark.parametrize(
    "document",
    [
        WiredBase(name="a", size=1),
        WiredSpecial(name="a", size=1, more=2),
        WiredSpecial(name="a"),
        WiredByName(name="a", size=1),
        WiredByName(size=1),
    ],
    ids=lambda document: type(document).__name__,
)
def test_classes_and_keys_are_encoded_in_their_places(document: Document) -> None:
    for _ in range(2):
        assert _ordered(document._to_wire([])) == _ordered(document.to_mongo())


def test_values_in_another_order_are_encoded_in_the_order_of_the_fields() -> None:
    part = Part(name="a", size=1)
    Wired(part=part)._to_wire([])
    part._values = {"size": 1, "name": "a"}
    assert [*part._to_wire([])] == ["name", "size"]


def test_values_without_a_field_are_not_encoded() -> None:
    part = Part(name="a", size=1)
    part._values["other"] = 1
    assert [*part._to_wire([])] == ["name", "size"]


def test_a_value_of_another_type_takes_another_plan() -> None:
    part = Part(name="a", size=1)
    assert part._to_wire([]) == {"name": "a", "size": 1}
    part.size = None
    assert part._to_wire([]) == {"name": "a"}


def test_many_shapes_are_encoded_without_a_plan_each() -> None:
    wide_class: Any = type("Wide", (Document,), {f"f{n}": IntField() for n in range(9)})
    for number in range(400):
        given = {f"f{bit}": bit for bit in range(9) if number >> bit & 1}
        wide = wide_class(**given)
        assert {k: v for k, v in wide._to_wire([]).items() if k != "_id"} == given


def test_marks_of_embedded_documents_are_taken() -> None:
    document = Wired(parts=[Part(name="a")], part=Part(name="b"))
    for part in (document.parts[0], document.part):
        part._changed_fields = ["name"]
    marks: Any = []
    document._to_wire(marks)
    assert [type(marked).__name__ for marked, _ in marks] == ["Wired", "Part", "Part"]
    assert document.parts[0]._changed_fields == []


def _ordered(dumped: Any) -> Any:
    if isinstance(dumped, dict):
        return [(key, _ordered(value)) for key, value in dumped.items()]
    if isinstance(dumped, list):
        return [_ordered(item) for item in dumped]
    return dumped
