"""`update()`, `modify()` and what identifies a document."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    InvalidQueryError,
    ListField,
    OperationError,
    Q,
    QuerySet,
    StringField,
    queryset_manager,
)
from mongoengine.errors import InvalidDocumentError
from tests.families import Family


class UpdatePlace(EmbeddedDocument):
    city = StringField(db_field="ct")


class UpdateItem(Document):
    number = IntField()
    name = StringField(db_field="nm")
    tags = ListField(IntField())


class UpdateSharded(Document):
    region = StringField(db_field="rg")
    place = EmbeddedDocumentField(UpdatePlace)
    number = IntField()
    meta = {"shard_key": ("region", "place.city")}


class UpdateQuerySet(QuerySet):
    pass


class UpdateManaged(Document):
    number = IntField()
    meta = {"queryset_class": UpdateQuerySet}

    @queryset_manager
    def objects(doc_cls: Any, queryset: Any) -> Any:
        return queryset.filter(number=1)


class UpdateKeyed(Document):
    code = StringField(primary_key=True)


async def item(family: Family) -> UpdateItem:
    made = UpdateItem(number=1, name="a", tags=[1])
    await family(made, "save")
    family.commands
    return made


async def test_update_sends_operators_and_leaves_the_document(family: Family) -> None:
    made = await item(family)
    assert await family(made, "update", set__name="b", inc__number=1) == 1
    assert family.commands[0]["updates"] == [
        {
            "q": {"_id": made.id},
            "u": {"$set": {"nm": "b"}, "$inc": {"number": 1}},
            "multi": False,
            "upsert": False,
        }
    ]
    assert (made.name, made.number) == ("a", 1)


async def test_update_needs_a_saved_document(family: Family) -> None:
    with pytest.raises(
        OperationError, match=r"^attempt to update a document not yet saved$"
    ):
        await family(UpdateItem(), "update", number=1)


async def test_update_of_an_unsaved_document_may_upsert(family: Family) -> None:
    assert await family(UpdateItem(number=7), "update", upsert=True, name="x") == 1
    assert family.commands[0]["updates"][0]["q"] == {"number": 7, "tags": []}


async def test_update_without_operators(family: Family) -> None:
    made = await item(family)
    with pytest.raises(
        OperationError, match=r"^No update parameters, would remove dat"
    ):
        await family(made, "update")


async def test_modify_updates_and_loads(family: Family) -> None:
    made = await item(family)
    made.tags.append(2)
    assert await family(made, "modify", inc__number=4) is True
    (command,) = family.commands
    assert command["findAndModify"] == "update_item"
    assert command["new"] is True
    assert command["update"] == {"$inc": {"number": 4}}
    assert (made.number, made.tags) == (5, [1])
    assert made._changed_fields == []


async def test_modify_with_a_query_that_does_not_match(family: Family) -> None:
    made = await item(family)
    made.name = "unsaved"
    assert await family(made, "modify", {"number": 2}, name="b") is False
    assert made.name == "unsaved"
    assert made._changed_fields == ["nm"]
    assert await family(made, "modify", {"number__gt": 0}, name="b") is True
    assert await family(made, "modify", Q(number=1), name="c") is True
    assert made.name == "c"


async def test_modify_is_for_this_document_only(family: Family) -> None:
    made = await item(family)
    with pytest.raises(
        InvalidQueryError,
        match=r"^Invalid document modify query: it must modify only this document\.$",
    ):
        await family(made, "modify", {"id": ObjectId()}, number=1)
    with pytest.raises(
        InvalidDocumentError, match=r"^The document does not have a primary key\.$"
    ):
        await family(UpdateItem(), "modify", number=1)


async def test_modify_of_a_removed_document(family: Family) -> None:
    made = await item(family)
    await family(made, "delete")
    assert await family(made, "modify", number=2) is False


async def test_shard_key_is_in_every_query(family: Family) -> None:
    made = UpdateSharded(region="eu", place=UpdatePlace(city="Turin"), number=1)
    await family(made, "save")
    key = {"rg": "eu", "place.ct": "Turin"}
    assert made._object_key == {"pk": made.pk, "region": "eu", "place__city": "Turin"}
    family.commands
    await family(made, "update", number=2)
    assert family.commands[0]["updates"][0]["q"] == {**key, "_id": made.id}
    await family(made, "reload")
    assert family.commands[0]["filter"] == {**key, "_id": made.id}
    await family(made, "delete")
    assert family.commands[0]["deletes"][0]["q"] == {**key, "_id": made.id}


async def test_own_queryset_is_of_the_class_but_not_filtered(family: Family) -> None:
    made = UpdateManaged(number=5)
    await family(made, "save")
    assert type(made._qs) is UpdateQuerySet
    assert await family(made, "update", number=6) == 1


async def test_to_dbref(family: Family) -> None:
    made = await item(family)
    assert made.to_dbref() == DBRef("update_item", made.id)
    with pytest.raises(
        OperationError, match=r"^Only saved documents can have a valid dbref$"
    ):
        UpdateItem().to_dbref()


def test_pk_is_the_primary_key_whatever_its_name() -> None:
    made = UpdateKeyed()
    made.pk = "x"
    assert (made.code, made.pk) == ("x", "x")
    assert hash(made) == hash("x")


async def test_switch_db_of_one_document(family: Family, mongo: Any) -> None:
    await family.connect(family.database + "_other", "other")
    there = mongo.client[family.database + "_other"]
    made = await item(family)
    assert made.switch_db("other") is made
    made.number = 2
    await family(made, "save")
    assert there.update_item.find_one() == made.to_mongo().to_dict()
    await family(made, "update", number=3)
    await family(made, "reload")
    assert made.number == 3
    assert await family(made, "modify", number=4)
    await family(made, "delete")
    assert there.update_item.count_documents({}) == 0
    assert mongo.update_item.find_one()["number"] == 1
    assert UpdateItem._get_collection_name() == "update_item"


async def test_switch_collection_of_one_document(family: Family, mongo: Any) -> None:
    made = await item(family)
    made.switch_collection("elsewhere", keep_created=False)
    assert made._created
    await family(made, "save")
    assert mongo.elsewhere.count_documents({}) == 1
    collection = await family_collection(family, made)
    assert collection.full_name == f"{family.database}.elsewhere"


async def family_collection(family: Family, target: Any) -> Any:
    if family.is_async:
        return await target._async_get_collection()
    return target._get_collection()


def test_switch_db_to_an_unknown_alias() -> None:
    from mongoengine import ConnectionFailure

    with pytest.raises(
        ConnectionFailure, match=r'^Connection with alias "nowhere" has'
    ):
        UpdateItem().switch_db("nowhere")
