"""One test of a whole document finds it valid, or leaves it to its fields."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64, ObjectId

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FloatField,
    IntField,
    ListField,
    MapField,
    StringField,
    ValidationError,
)


class PlanPart(EmbeddedDocument):
    name = StringField(max_length=3, required=True)
    size = IntField(min_value=1, max_value=9)
    extra = DictField()


class PlanThing(Document):
    name = StringField(min_length=2, max_length=5)
    kind = StringField(choices=("a", "b"))
    rank = IntField(choices=[1, 2])
    pair = StringField(choices=[("x", "The x"), ("y", "The y")])
    share = FloatField(max_value=1)
    part = EmbeddedDocumentField(PlanPart)
    parts = ListField(EmbeddedDocumentField(PlanPart))
    mapped = MapField(EmbeddedDocumentField(PlanPart))
    notes = ListField(StringField(max_length=2))


PART = {"name": "abc", "size": 9, "extra": {"k": 1}}
RAW: dict[str, Any] = {
    "_id": ObjectId("5f0000000000000000000001"),
    "name": "abcde",
    "kind": "a",
    "rank": 2,
    "pair": "x",
    "share": 0.5,
    "part": PART,
    "parts": [PART, PART],
    "mapped": {"k": PART},
    "notes": ["a", "bc"],
}

BAD: dict[str, tuple[str, Any]] = {
    "too long": ("name", "abcdef"),
    "too short": ("name", "a"),
    "not a choice": ("kind", "c"),
    "not a number of the choices": ("rank", 3),
    "not a pair of the choices": ("pair", "z"),
    "too large": ("share", 1.5),
    "too large, an int": ("share", 2),
    "inside": ("part", {**PART, "size": 0}),
    "too long inside": ("part", {**PART, "name": "abcd"}),
    "missing inside": ("part", {"size": 1, "extra": {}}),
    "none inside": ("part", {**PART, "name": None}),
    "a key inside": ("part", {**PART, "extra": {"$k": 1}}),
    "in a list": ("parts", [PART, {**PART, "size": 10}]),
    "another type in a list": ("parts", [PART, {**PART, "size": Int64(10)}]),
    "in a map": ("mapped", {"k": PART, "l": {**PART, "size": 10}}),
    "among the notes": ("notes", ["a", "abc"]),
}

GOOD: dict[str, dict[str, Any]] = {
    "the same": {},
    "none": dict.fromkeys(set(RAW) - {"_id"}),
    "shorter": {"name": "ab", "notes": []},
    "another choice": {"kind": "b", "rank": 1, "pair": "y"},
    "an int for a float": {"share": 1},
    "a part without its size": {"part": {"name": "a"}},
    "a long": {"part": {**PART, "size": Int64(3)}},
    "keys in another order": {"part": {"extra": {}, "size": 1, "name": "a"}},
}


def loaded(**values: Any) -> PlanThing:
    return PlanThing._from_son({**RAW, **values})


def built(**values: Any) -> PlanThing:
    def part(raw: Any) -> Any:
        return PlanPart(**raw) if isinstance(raw, dict) else raw

    given = {**RAW, **values}
    parts, mapped = given["parts"], given["mapped"]
    return PlanThing(
        **{
            **{key: value for key, value in given.items() if key != "_id"},
            "part": part(given["part"]),
            "parts": parts and [part(each) for each in parts],
            "mapped": mapped and {key: part(each) for key, each in mapped.items()},
        }
    )


def touched(**values: Any) -> PlanThing:
    document = loaded(**values)
    for name in document:
        getattr(document, name)
    return document


@pytest.mark.parametrize("make", [loaded, built, touched])
@pytest.mark.parametrize("first", GOOD)
@pytest.mark.parametrize("case", BAD)
def test_a_bad_value_is_found_whatever_was_valid_before(
    make: Any, first: str, case: str
) -> None:
    PlanThing._schema.raw_test = PlanThing._schema.value_test = None
    make(**GOOD[first]).validate()
    name, value = BAD[case]
    with pytest.raises(ValidationError) as caught:
        make(**{name: value}).validate()
    assert list(caught.value.errors) == [name]


@pytest.mark.parametrize("make", [loaded, built, touched])
@pytest.mark.parametrize("first", GOOD)
@pytest.mark.parametrize("case", GOOD)
def test_a_valid_document_is_valid_whatever_was_valid_before(
    make: Any, first: str, case: str
) -> None:
    PlanThing._schema.raw_test = PlanThing._schema.value_test = None
    make(**GOOD[first]).validate()
    make(**GOOD[case]).validate()


def test_limits_may_change_after_documents_were_validated() -> None:
    class Limited(Document):
        name = StringField(max_length=3)
        size = IntField(min_value=2)
        kind = StringField(choices=["a"])

    name, size, kind = (Limited._fields[each] for each in ("name", "size", "kind"))
    for make in (Limited._from_son, lambda raw: Limited(**raw)):
        raw: Any = {"name": "abc", "size": 2, "kind": "a"}
        make(raw).validate()
        name.max_length, size.min_value = 2, 3
        with pytest.raises(ValidationError) as caught:
            make(raw).validate()
        assert set(caught.value.errors) == {"name", "size"}
        name.max_length = size.min_value = None
        make({**raw, "name": "abcd", "size": -1}).validate()
        name.max_length, size.min_value, kind.choices = 3, 2, ["b"]
        with pytest.raises(ValidationError, match="one of"):
            make(raw).validate()
        kind.choices = ["a"]


def test_a_required_value_is_missed_in_new_and_loaded_documents() -> None:
    PlanPart._schema.raw_test = PlanPart._schema.value_test = None
    for valid, missing in (
        (PlanPart(name="a"), PlanPart()),
        (PlanPart._from_son({"name": "a"}), PlanPart._from_son({"size": 1})),
    ):
        valid.validate()
        with pytest.raises(ValidationError, match="required"):
            missing.validate()


def test_documents_of_a_subclass_are_validated_by_that_class() -> None:
    class PlanBase(EmbeddedDocument):
        name = StringField()
        meta = {"allow_inheritance": True}

    class PlanStrict(PlanBase):
        name = StringField(max_length=1)

    class PlanHolder(Document):
        part = EmbeddedDocumentField(PlanBase)

    good = PlanHolder._from_son({"part": {"_cls": "PlanBase", "name": "abc"}})
    good.validate()
    bad = PlanHolder._from_son({"part": {"_cls": "PlanBase.PlanStrict", "name": "abc"}})
    with pytest.raises(ValidationError):
        bad.validate()
    PlanHolder(part=PlanBase(name="abc")).validate()
    with pytest.raises(ValidationError):
        PlanHolder(part=PlanStrict(name="abc")).validate()


def test_clean_of_embedded_documents_is_called_each_time() -> None:
    class PlanCleaned(EmbeddedDocument):
        name = StringField()

        def clean(self) -> None:
            if self.name == "bad":
                raise ValidationError("bad")

    class PlanCleanHolder(Document):
        part = EmbeddedDocumentField(PlanCleaned)

    for make in (PlanCleaned, lambda name: PlanCleaned._from_son({"name": name})):
        PlanCleanHolder(part=make(name="good")).validate()
        with pytest.raises(ValidationError):
            PlanCleanHolder(part=make(name="bad")).validate()


def test_dynamic_fields_are_validated_after_the_first_document() -> None:
    class PlanLoose(DynamicDocument):
        name = StringField(max_length=2)

    PlanLoose(name="a").validate()
    with pytest.raises(ValidationError):
        PlanLoose(name="abc", other=1).validate()
    PlanLoose(name="a", other={"x": 1}).validate()
