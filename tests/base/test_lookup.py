"""From the names that a query is written in to the fields that they mean."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)
from mongoengine.errors import LookUpError


class LookupPart(EmbeddedDocument):
    name = StringField(db_field="nm")


class LookupThing(Document):
    name = StringField(db_field="n")
    number = IntField()
    part = EmbeddedDocumentField(LookupPart, db_field="p")
    parts = ListField(EmbeddedDocumentField(LookupPart), db_field="ps")
    numbers = ListField(IntField())
    extra = DictField(db_field="x")
    mapped = MapField(EmbeddedDocumentField(LookupPart))
    other = ReferenceField("self")
    anything = GenericReferenceField()


class LookupLoose(DynamicDocument):
    name = StringField()


class LookupAnimal(Document):
    meta = {"allow_inheritance": True}


class LookupDog(LookupAnimal):
    bark = StringField(db_field="b")


def look_up(path: str, document: Any = LookupThing) -> list[Any]:
    found: list[Any] = document._lookup_field(path.split("."))
    return found


def test_a_name_is_its_field() -> None:
    assert look_up("name") == [LookupThing.name]
    assert LookupThing._lookup_field("name") == [LookupThing.name]


@pytest.mark.parametrize("name", ["pk", "id"])
def test_pk_is_the_primary_key(name: str) -> None:
    assert look_up(name) == [LookupThing.id]


def test_members_are_found_in_embedded_documents_and_lists() -> None:
    assert look_up("part.name") == [LookupThing.part, LookupPart.name]
    assert look_up("parts.name") == [LookupThing.parts, LookupPart.name]


@pytest.mark.parametrize("position", ["0", "12", "S", "$[x]"])
def test_positions_stay_strings(position: str) -> None:
    found = look_up(f"parts.{position}.name")
    assert found == [LookupThing.parts, position, LookupPart.name]


def test_keys_of_dicts_become_fields_of_their_own() -> None:
    steps = look_up("extra.a.b")
    assert [step.db_field for step in steps] == ["x", "a", "b"]


def test_keys_of_maps_lead_to_what_they_hold() -> None:
    assert look_up("mapped.key.name") == [LookupThing.mapped, "key", LookupPart.name]


@pytest.mark.parametrize("path", ["other.name", "anything.name", "other.pk"])
def test_references_are_not_followed(path: str) -> None:
    joined = path.replace(".", "__")
    with pytest.raises(LookUpError, match=f"Cannot perform join in mongoDB: {joined}"):
        look_up(path)


@pytest.mark.parametrize("path", ["nope", "part.nope", "n", "name.nope", "0", ""])
def test_unknown_names_are_refused(path: str) -> None:
    last = path.rpartition(".")[2]
    with pytest.raises(LookUpError, match=f'Cannot resolve field "{last}"'):
        look_up(path)


def test_fields_without_members_say_so() -> None:
    text = "Cannot resolve subfield or operator x on the field number"
    with pytest.raises(LookUpError, match=text):
        look_up("number.x")


def test_dynamic_documents_know_every_name() -> None:
    steps = look_up("foo.0.bar", LookupLoose)
    assert [type(step) for step in steps] == [DynamicField] * 3
    assert [step.db_field for step in steps] == ["foo", "0", "bar"]


def test_fields_of_subclasses_are_found() -> None:
    assert look_up("bark", LookupAnimal) == [LookupDog.bark]


def test_names_are_translated_to_database_names() -> None:
    assert LookupThing._translate_field_name("part.name") == "p.nm"
    assert LookupThing._translate_field_name("part__name", sep="__") == "p.nm"
    assert LookupThing._translate_field_name("pk") == "_id"


def test_unknown_names_are_not_translated() -> None:
    with pytest.raises(LookUpError):
        LookupThing._translate_field_name("part.nm")
