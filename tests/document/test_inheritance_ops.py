"""Operations on classes with subclasses, on dynamic and on embedded documents."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapReduceDocument,
    ObjectIdField,
    StringField,
)
from tests.families import Family


class OpsAnimal(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class OpsDog(OpsAnimal):
    tricks = ListField(StringField())


class OpsOpen(DynamicDocument):
    number = IntField()


class OpsPart(EmbeddedDocument):
    _id = ObjectIdField()
    size = IntField()


class OpsOpenPart(DynamicEmbeddedDocument):
    size = IntField(default=7)


class OpsWhole(Document):
    part = EmbeddedDocumentField(OpsPart)


class OpsKeyed(Document):
    number = IntField(primary_key=True)


async def test_subclass_is_stored_with_its_class(family: Family, mongo: Any) -> None:
    dog = OpsDog(name="Rex", tricks=["sit"])
    await family(dog, "save")
    assert mongo.ops_animal.find_one() == {
        "_id": dog.id,
        "_cls": "OpsAnimal.OpsDog",
        "name": "Rex",
        "tricks": ["sit"],
    }
    dog.tricks.append("roll")
    await family(dog, "save")
    assert family.commands[-1]["updates"][0]["q"] == {"_id": dog.id}
    await family(dog, "reload")
    assert dog.tricks == ["sit", "roll"]


async def test_base_loads_subclasses(family: Family) -> None:
    await family(OpsDog(name="Rex"), "save")
    found = await family(OpsAnimal.objects, "first")
    assert type(found) is OpsDog
    assert await family(found, "modify", name="Max")
    assert found.name == "Max"


async def test_dynamic_field_is_removed_by_deleting_it(
    family: Family, mongo: Any
) -> None:
    document = OpsOpen(number=1, extra=2)
    await family(document, "save")
    del document.extra
    family.commands
    await family(document, "save")
    assert family.commands[0]["updates"][0]["u"] == {"$unset": {"extra": 1}}
    assert "extra" not in mongo.ops_open.find_one()
    with pytest.raises(AttributeError):
        del document.unknown


async def test_dynamic_document_is_modified(family: Family) -> None:
    document = OpsOpen(number=1, extra=2)
    await family(document, "save")
    assert await family(document, "modify", number=5, set__more=6)
    assert (document.number, document.extra, document.more) == (5, 2, 6)
    assert document._get_changed_fields() == []


def test_deleted_fields_of_dynamic_embedded_documents() -> None:
    part = OpsOpenPart(size=1, extra=2)
    del part.size
    del part.extra
    assert part.size == 7
    assert not hasattr(part, "extra")


def test_embedded_documents_are_equal_by_their_data() -> None:
    assert OpsPart(size=1) == OpsPart(size=1)
    assert OpsPart(size=1) != OpsPart(size=2)
    assert OpsPart(size=7) != OpsOpenPart(size=7)
    with pytest.raises(TypeError, match="unhashable"):
        hash(OpsPart(size=1))


def test_embedded_document_without_an_id_stores_none() -> None:
    assert OpsPart(size=1).to_mongo() == {"size": 1}
    number = ObjectId()
    assert OpsPart(_id=number).to_mongo() == {"_id": number}


def test_embedded_document_knows_what_holds_it() -> None:
    whole = OpsWhole(part=OpsPart(size=1))
    assert whole.part._instance == whole
    assert OpsPart()._instance is None
    assert pickle.loads(pickle.dumps(whole.part))._instance is None


async def test_saved_copy_is_saved_alike(family: Family) -> None:
    whole = OpsWhole(part=OpsPart(size=1))
    await family(whole, "save")
    for twin in (copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert twin == whole
        twin.part.size = 2
        family.commands
        await family(twin, "save")
        assert family.commands[0]["updates"][0]["u"] == {"$set": {"part.size": 2}}


@pytest.mark.parametrize("key", [5, "5"])
async def test_map_reduce_document_loads_its_object(family: Family, key: Any) -> None:
    kept = OpsKeyed(number=5)
    await family(kept, "save")
    result = MapReduceDocument(OpsKeyed, "results", key, 12)
    assert result.value == 12
    family.commands
    for _ in range(2):
        found = await result.async_fetch() if family.is_async else result.object
        assert found == kept
    assert family.command_names == ["find"]
