"""A dump is the same whichever document of the class was dumped first."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, Int64, ObjectId

from mongoengine import (
    DateTimeField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    StringField,
)

ID = ObjectId("5f0000000000000000000001")


class DumpedPart(EmbeddedDocument):
    name = StringField()
    size = IntField(default=3)
    at = DateTimeField()
    extra = DictField()
    meta = {"allow_inheritance": True}


class DumpedSpecialPart(DumpedPart):
    more = StringField()


class DumpedThing(Document):
    name = StringField(null=True)
    part = EmbeddedDocumentField(DumpedPart)
    parts = ListField(EmbeddedDocumentField(DumpedPart))


PART = {
    "_cls": "DumpedPart",
    "name": "a",
    "size": 1,
    "at": None,
    "extra": {"k": [1, [2]], "l": ["a"], "m": {"n": 1}},
}
PARTS: dict[str, dict[str, Any]] = {
    "the same": {},
    "text for a number": {"size": "5"},
    "a long": {"size": Int64(5)},
    "text for a date": {"at": "2026-01-02T03:04:05"},
    "none": {"name": None, "size": None, "extra": None},
    "a subclass": {"_cls": "DumpedPart.DumpedSpecialPart", "more": "x"},
    "empty": {"extra": {}},
    "a number for text": {"name": 5},
}


def dumps(raw: dict[str, Any]) -> Any:
    """Return the dump of a raw document, which has to be that of its fields."""
    document = DumpedThing._from_son(raw)
    at_once = document.to_mongo()
    for holder in (document, document.part, *document.parts):
        holder._data
    one_by_one = document.to_mongo()
    assert list(at_once.items()) == list(one_by_one.items())
    assert type(at_once) is type(at_once["part"]) is SON
    assert list(at_once["part"]) == list(one_by_one["part"])
    return at_once


@pytest.mark.parametrize("first", PARTS)
@pytest.mark.parametrize("second", PARTS)
def test_a_document_is_dumped_as_its_fields_are(first: str, second: str) -> None:
    for cls in (DumpedThing, DumpedPart, DumpedSpecialPart):
        cls._schema.stored_like = None
        cls._schema._typed_plans.clear()
    for case in (first, second):
        part = {**PART, **PARTS[case]}
        dumps({"_id": ID, "name": "x", "part": part, "parts": [PART, part]})


def test_keys_in_another_order_are_dumped_in_the_order_of_the_fields() -> None:
    for keys in (list(PART), list(PART)[::-1]):
        part = {key: PART[key] for key in keys if key != "at"}
        raw = {"_id": ID, "name": "x", "part": part, "parts": [part]}
        assert list(dumps(raw)["part"]) == ["_cls", "name", "size", "extra"]


def test_a_dump_shares_nothing_with_its_document() -> None:
    for _ in range(2):
        raw = {"_id": ID, "name": "x", "part": {**PART}, "parts": [{**PART}]}
        dumped: Any = DumpedThing._from_son(raw).to_mongo()
        for part in (dumped["part"], dumped["parts"][0]):
            assert part["extra"] == PART["extra"]
            for key, value in PART["extra"].items():  # type: ignore[attr-defined]
                assert part["extra"][key] is not value
            assert part["extra"]["k"][1] is not PART["extra"]["k"][1]  # type: ignore[index]
