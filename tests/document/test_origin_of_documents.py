"""Documents go back to the database and collection that they come from."""

from __future__ import annotations

import atexit
import copy
import functools
import pickle
from collections.abc import Callable
from typing import Any

import pymongo
import pytest

from mongoengine import Document, IntField, ListField, OperationError, ReferenceField
from mongoengine.context_managers import (
    async_switch_collection,
    async_switch_db,
    switch_collection,
    switch_db,
)
from tests.families import Family


class OriginItem(Document):
    number = IntField()
    total = IntField()
    parent = ReferenceField("self")
    others = ListField(ReferenceField("self"))


async def inside(family: Family, name: str, body: Callable[[], Any]) -> Any:
    """Run `body` while the class is switched to another database or collection."""
    if family.is_async:
        switch: Any = async_switch_db if name == "db" else async_switch_collection
        async with switch(OriginItem, "other" if name == "db" else "elsewhere"):
            return await body()
    switch = switch_db if name == "db" else switch_collection
    with switch(OriginItem, "other" if name == "db" else "elsewhere"):
        return await body()


def place(mongo: Any, name: str) -> Any:
    """Return the collection that the class is switched to."""
    return (
        mongo.elsewhere
        if name == "collection"
        else mongo.client[mongo.name + "_other"].origin_item
    )


async def made(family: Family, name: str) -> Any:
    async def body() -> Any:
        return OriginItem(number=1, total=1)

    return await inside(family, name, body)


async def saved(family: Family, name: str) -> Any:
    async def body() -> Any:
        return await family(OriginItem(number=1, total=1), "save")

    return await inside(family, name, body)


async def created(family: Family, name: str) -> Any:
    async def body() -> Any:
        return await family(OriginItem.objects, "create", number=1, total=1)

    return await inside(family, name, body)


async def inserted(family: Family, name: str) -> Any:
    document = OriginItem(number=1, total=1)

    async def body() -> Any:
        await family(OriginItem.objects, "insert", document, load_bulk=False)
        return document

    return await inside(family, name, body)


async def bulk_saved(family: Family, name: str) -> Any:
    document = OriginItem(number=1, total=1)

    async def body() -> Any:
        await family(OriginItem.objects, "bulk_save", [document])
        return document

    return await inside(family, name, body)


async def loaded(family: Family, name: str) -> Any:
    await saved(family, name)

    async def body() -> Any:
        return await family(OriginItem.objects, "first")

    return await inside(family, name, body)


async def listed(family: Family, name: str) -> Any:
    await saved(family, name)

    async def body() -> Any:
        if family.is_async:
            return await OriginItem.objects.async_to_list()
        return list(OriginItem.objects)

    return (await inside(family, name, body))[0]


async def modified(family: Family, name: str) -> Any:
    await saved(family, name)

    async def body() -> Any:
        return await family(OriginItem.objects, "modify", set__total=1, new=True)

    return await inside(family, name, body)


async def pickled(family: Family, name: str) -> Any:
    return pickle.loads(pickle.dumps(await loaded(family, name)))


async def copied(family: Family, name: str) -> Any:
    return copy.deepcopy(await loaded(family, name))


async def related(family: Family, name: str) -> Any:
    parent = await saved(family, name)

    async def body() -> Any:
        await family(OriginItem(others=[parent]), "save")
        query = OriginItem.objects(others__size=1)
        found = await family(query, "select_related")
        return found[0].others[0]

    child = await inside(family, name, body)
    place(mongo_of(child, family), name).delete_many({"others.0": {"$exists": True}})
    return child


def mongo_of(document: Any, family: Family) -> Any:
    return client_of(family.uri)[family.database]


@functools.cache
def client_of(uri: str) -> pymongo.MongoClient[Any]:
    """Return one client for all tests, closed when they are over."""
    client: pymongo.MongoClient[Any] = pymongo.MongoClient(uri)
    atexit.register(client.close)
    return client


WAYS = [
    made,
    saved,
    created,
    inserted,
    bulk_saved,
    loaded,
    listed,
    modified,
    pickled,
    copied,
    related,
]


@pytest.mark.parametrize("name", ["db", "collection"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_document_from_a_switch_stays_there(
    family: Family, mongo: Any, way: Any, name: str
) -> None:
    await family.connect(family.database + "_other", "other")
    document = await way(family, name)
    document.total = 2
    await family(document, "save")
    there = place(mongo, name)
    raw = there.find_one({"_id": document.id})
    assert (raw["number"], raw["total"]) == (1, 2)
    await family(document, "update", set__total=3)
    await family(document, "reload")
    assert document.total == 3
    assert await family(document, "modify", inc__total=1)
    await family(document, "delete")
    assert there.count_documents({}) == 0
    assert mongo.origin_item.count_documents({}) == 0


async def test_a_document_loaded_by_using_stays_there(
    family: Family, mongo: Any
) -> None:
    await family.connect(family.database + "_other", "other")
    there = mongo.client[mongo.name + "_other"].origin_item
    new = OriginItem(number=1)
    await family(OriginItem.objects.using("other"), "insert", [new])
    new.total = 1
    await family(new, "save")
    assert there.find_one()["total"] == 1
    document = await family(OriginItem.objects.using("other"), "first")
    document.total = 2
    await family(document, "save")
    await family(document, "reload")
    assert there.find_one()["total"] == document.total == 2
    await family(document, "delete")
    assert (there.count_documents({}), mongo.origin_item.count_documents({})) == (0, 0)


async def test_a_bulk_refuses_documents_of_another_database(
    family: Family, mongo: Any
) -> None:
    await family.connect(family.database + "_other", "other")
    document = await saved(family, "db")
    document.total = 5
    with pytest.raises(OperationError, match=r"save it with its own save\(\)"):
        await family(OriginItem.objects, "bulk_save", [document])
    await family(OriginItem.objects.using("other"), "bulk_save", [document])
    assert place(mongo, "db").find_one()["total"] == 5
    assert mongo.origin_item.count_documents({}) == 0


async def test_documents_of_the_class_itself_remember_nothing(family: Family) -> None:
    await family(OriginItem(number=1), "save")
    document = await family(OriginItem.objects, "first")
    assert (document._target, vars(document)) == (None, {})
