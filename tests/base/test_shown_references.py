"""When raw values show their references, so that reading follows nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    DictField,
    Document,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericReferenceField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)
from mongoengine.base.plain import shows_references
from tests.families import Family


class ShownTarget(Document):
    name = StringField()


class ShownPart(EmbeddedDocument):
    text = StringField()
    options = DictField()
    inner = ListField(EmbeddedDocumentField("self"))


class HiddenPart(EmbeddedDocument):
    to = ReferenceField(ShownTarget)


class ShownOwner(Document):
    parts = EmbeddedDocumentListField(ShownPart)
    named = MapField(EmbeddedDocumentField(ShownPart))
    hidden = ListField(EmbeddedDocumentField(HiddenPart))
    targets = ListField(ReferenceField(ShownTarget))
    mixed = ListField(GenericReferenceField())
    anything = ListField(DynamicField())


@pytest.mark.parametrize("name", ["parts", "named"])
def test_references_in_plain_data_show(name: str) -> None:
    assert shows_references(ShownOwner._fields[name])


@pytest.mark.parametrize("name", ["hidden", "targets", "mixed"])
def test_keys_of_reference_fields_do_not_show(name: str) -> None:
    assert not shows_references(ShownOwner._fields[name])


def test_a_conversion_of_a_user_hides_references() -> None:
    class Own(ListField[Any]):
        def to_python(self, value: Any) -> Any:
            return [DBRef("shown_target", item) for item in value]

    class OwnOwner(EmbeddedDocument):
        own = Own()

    assert not shows_references(OwnOwner._schema.fields["own"])


def test_untouched_fields_of_embedded_documents_stay_as_stored() -> None:
    raw = {"_id": ObjectId(), "parts": [{"text": "a", "options": {"b": [1]}}]}
    owner = ShownOwner._from_son(raw)
    assert owner.parts[0].text == "a"
    assert "options" not in owner.parts[0]._values


@pytest.mark.parametrize("place", ["list", "map"])
async def test_references_in_plain_data_are_followed(
    family: Family, mongo: Any, place: str
) -> None:
    target = ShownTarget(name="there")
    await family(target, "save")
    reference = DBRef("shown_target", target.id)
    part = {"text": "a", "options": {"to": reference}}
    stored = {"parts": [part]} if place == "list" else {"named": {"x": part}}
    mongo.shown_owner.insert_one(stored)
    owner: Any = await family(ShownOwner.objects, "first")
    read = owner.parts[0] if place == "list" else owner.named["x"]
    found = read.options["to"]
    if family.is_async:
        found = await found
    assert found == target
    assert found.name == "there"
