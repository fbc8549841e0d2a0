"""`reload()` and `select_related()` of one document."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    DoesNotExist,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
)
from tests.families import Family


class ReloadPart(EmbeddedDocument):
    size = IntField()


class ReloadThing(Document):
    number = IntField()
    name = StringField(db_field="nm")
    tags = ListField(IntField())
    part = EmbeddedDocumentField(ReloadPart)
    notes = DictField()
    other = ReferenceField("self")


class ReloadDynamic(DynamicDocument):
    number = IntField()


async def thing(family: Family) -> ReloadThing:
    made = ReloadThing(number=1, name="a", tags=[1], part=ReloadPart(size=1))
    await family(made, "save")
    family.commands
    return made


async def test_reload_takes_what_is_stored(family: Family, mongo: Any) -> None:
    made = await thing(family)
    mongo.reload_thing.update_one(
        {}, {"$set": {"number": 2, "nm": "b", "part.size": 3}}
    )
    made.tags.append(2)
    assert await family(made, "reload") is made
    (command,) = family.commands
    assert command["filter"] == {"_id": made.id}
    assert command["limit"] == 1
    assert (made.number, made.name, made.tags, made.part.size) == (2, "b", [1], 3)
    assert made._changed_fields == []


async def test_changes_after_a_reload_are_noted(family: Family) -> None:
    made = await thing(family)
    await family(made, "reload")
    made.part.size = 9
    made.tags.append(9)
    assert made._get_changed_fields() == ["tags", "part.size"]


async def test_reload_of_some_fields_keeps_the_rest(family: Family, mongo: Any) -> None:
    made = await thing(family)
    mongo.reload_thing.update_one({}, {"$set": {"number": 2, "nm": "b"}})
    made.tags.append(2)
    await family(made, "reload", "number")
    assert family.commands[0]["projection"] == {"number": 1}
    assert (made.number, made.name, made.tags) == (2, "a", [1, 2])
    assert made._changed_fields == ["tags"]
    await family(made, "reload", "name", max_depth=2)
    assert family.commands[0]["projection"] == {"nm": 1}
    assert made.name == "b"


async def test_reload_completes_a_partial_document(family: Family) -> None:
    made = await thing(family)
    partial = await family(ReloadThing.objects.only("number"), "get", id=made.id)
    await family(partial, "reload")
    assert partial.to_mongo() == made.to_mongo()


@pytest.mark.parametrize("document", [ReloadThing(), ReloadThing(id=ObjectId())])
async def test_reload_of_what_is_not_stored(
    family: Family, document: ReloadThing
) -> None:
    with pytest.raises(DoesNotExist, match=r"^Document does not exist$") as caught:
        await family(document, "reload")
    assert type(caught.value) is ReloadThing.DoesNotExist


async def test_reload_of_a_removed_document(family: Family) -> None:
    made = await thing(family)
    await family(made, "delete")
    with pytest.raises(ReloadThing.DoesNotExist, match=r"^Document does not exist$"):
        await family(made, "reload")


async def test_reload_finds_new_dynamic_fields(family: Family, mongo: Any) -> None:
    made = ReloadDynamic(number=1, first="x")
    await family(made, "save")
    mongo.reload_dynamic.update_one({}, {"$set": {"second": "y", "number": 2}})
    await family(made, "reload")
    assert (made.number, made.first, made.second) == (2, "x", "y")
    assert made._changed_fields == []


async def test_reload_loads_references(family: Family) -> None:
    made = await thing(family)
    pointing = ReloadThing(other=made)
    await family(pointing, "save")
    family.commands
    await family(pointing, "reload")
    assert family.command_names == ["find", "find"]
    assert pointing.other == made
    assert pointing.other == pointing.other
    assert family.commands == []


async def test_select_related_loads_references(family: Family) -> None:
    made = await thing(family)
    pointing = ReloadThing(other=made)
    await family(pointing, "save")
    loaded = await family(ReloadThing.objects, "get", id=pointing.id)
    family.commands
    assert await family(loaded, "select_related") is loaded
    assert family.command_names == ["find"]
    assert loaded.other.number == 1
    assert family.commands == []
    assert loaded._get_changed_fields() == []
