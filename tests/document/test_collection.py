"""Opening, making and dropping the collection of a class."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from mongoengine import (
    DateTimeField,
    Document,
    IntField,
    NotUniqueError,
    OperationError,
)
from mongoengine.context_managers import switch_collection, switch_db
from mongoengine.document import InvalidCollectionError
from tests.families import Family


class CollectionPlain(Document):
    number = IntField()
    meta = {"indexes": ["number"]}


class CollectionCapped(Document):
    number = IntField()
    meta = {"max_documents": 10, "max_size": 50_000}


class CollectionCappedByCount(Document):
    meta = {"max_documents": 10, "collection": "collection_capped"}


class CollectionCappedBySize(Document):
    meta = {"max_size": 1000}


class CollectionTimeseries(Document):
    at = DateTimeField()
    number = IntField()
    meta = {
        "timeseries": {
            "timeField": "at",
            "metaField": "number",
            "granularity": "seconds",
            "expireAfterSeconds": 500,
        }
    }


class CollectionAbstract(Document):
    meta = {"abstract": True}


async def test_capped_collection_is_made(family: Family, mongo: Any) -> None:
    await family(CollectionCapped(number=1), "save")
    (make,) = [c for c in family.commands if "create" in c]
    # Sizes are multiples of 256 bytes.
    assert make == {
        "create": "collection_capped",
        "capped": True,
        "size": 50_176,
        "max": 10,
    }
    CollectionCapped._collection = None
    await family(CollectionCapped(number=2), "save")
    assert "create" not in family.command_names


async def test_capped_by_size_alone(family: Family) -> None:
    await family(CollectionCappedBySize(), "save")
    (make,) = [c for c in family.commands if "create" in c]
    assert make["size"] == 1024
    assert "max" not in make


async def test_capped_otherwise(family: Family) -> None:
    await family(CollectionCapped(number=1), "save")
    for _ in range(2):
        with pytest.raises(
            InvalidCollectionError,
            match=r'^Cannot create collection "collection_capped" as a capped '
            r"collection as it already exists$",
        ):
            await family(CollectionCappedByCount(), "save")


async def test_timeseries_collection_is_made(family: Family) -> None:
    at = datetime.datetime(2020, 1, 1)
    for _ in range(2):
        CollectionTimeseries._collection = None
        await family(CollectionTimeseries(at=at, number=1), "save")
    (make,) = [c for c in family.commands if "create" in c]
    assert make == {
        "create": "collection_timeseries",
        "timeseries": {
            "timeField": "at",
            "metaField": "number",
            "granularity": "seconds",
        },
        "expireAfterSeconds": 500,
    }


async def test_get_collection(family: Family) -> None:
    if family.is_async:
        collection = await CollectionPlain._async_get_collection()
    else:
        collection = CollectionPlain._get_collection()
    assert collection.full_name == f"{family.database}.collection_plain"
    assert CollectionPlain._collection is collection
    assert family.command_names == ["createIndexes"]


async def test_drop_collection(family: Family, mongo: Any) -> None:
    await family(CollectionPlain(number=1), "save")
    await family(CollectionPlain, "drop_collection")
    assert family.commands[-1] == {"drop": "collection_plain"}
    assert mongo.list_collection_names() == []
    await family(CollectionPlain(number=1), "save")
    assert family.command_names == ["createIndexes", "insert"]


async def test_dropping_what_has_no_collection(family: Family) -> None:
    for cls in (CollectionAbstract, Document):
        with pytest.raises(OperationError) as caught:
            await family(cls, "drop_collection")
        assert str(caught.value) == (
            f"Document {cls} has no collection defined (is it abstract ?)"
        )


async def test_abstract_class_has_no_collection(family: Family) -> None:
    assert CollectionAbstract._get_collection_name() is None
    with pytest.raises(
        TypeError, match=r"^name must be an instance of str, not <class 'NoneType'>$"
    ):
        await family(CollectionAbstract, "ensure_indexes")


async def test_switched_class_keeps_its_own_collection(
    family: Family, mongo: Any
) -> None:
    await family.connect(family.database + "_other", "other")
    await family(CollectionPlain(number=1), "save")
    own = CollectionPlain._collection
    with switch_db(CollectionPlain, "other"):
        assert CollectionPlain._get_db_alias() == "other"
        await family(CollectionPlain(number=2), "save")
    with switch_collection(CollectionPlain, "third"):
        assert CollectionPlain._get_collection_name() == "third"
        await family(CollectionPlain(number=3), "save")
    assert CollectionPlain._collection is own
    assert mongo.collection_plain.distinct("number") == [1]
    assert mongo.third.distinct("number") == [3]
    there = mongo.client[family.database + "_other"].collection_plain
    assert there.distinct("number") == [2]
    assert "number_1" in there.index_information()


async def test_prepared_once_in_each_place(family: Family) -> None:
    await family.connect(family.database + "_other", "other")
    for _ in range(3):
        await family(CollectionPlain.objects, "first")
        with switch_db(CollectionPlain, "other"):
            await family(CollectionPlain.objects, "first")
    assert family.command_names.count("createIndexes") == 2


async def test_overridden_ensure_indexes_may_use_the_collection(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    if family.is_async:

        async def async_ensure(cls: Any) -> None:
            calls.append((await cls._async_get_collection()).name)

        monkeypatch.setattr(
            CollectionPlain, "async_ensure_indexes", classmethod(async_ensure)
        )
    else:

        def ensure(cls: Any) -> None:
            calls.append(cls._get_collection().name)

        monkeypatch.setattr(CollectionPlain, "ensure_indexes", classmethod(ensure))
    await family(CollectionPlain(), "save")
    assert calls == ["collection_plain"]


class CollectionUnindexed(Document):
    number = IntField()
    meta = {"collection": "collection_conflict", "indexes": ["number"]}


class CollectionUnique(Document):
    number = IntField(unique=True)
    meta = {"collection": "collection_conflict"}


async def test_nothing_is_done_without_an_index_that_cannot_be_created(
    family: Family, mongo: Any
) -> None:
    await family(CollectionUnindexed(number=1), "save")
    for _ in range(2):
        with pytest.raises(OperationFailure, match="same name"):
            await family(CollectionUnique(number=1), "save")
        with pytest.raises(OperationFailure, match="same name"):
            await family(CollectionUnique.objects, "count")
        with pytest.raises(OperationFailure, match="same name"):
            await family(CollectionUnique.objects, "insert", [CollectionUnique()])
    assert mongo.collection_conflict.count_documents({}) == 1
    mongo.collection_conflict.drop_index("number_1")
    with pytest.raises(NotUniqueError):
        await family(CollectionUnique(number=1), "save")


def test_loops_have_their_own_clients(server_uri: str, mongo: Any) -> None:
    from mongoengine import connect_async, disconnect_all_async

    async def use(number: int) -> None:
        await connect_async(mongo.name, host=server_uri, uuidRepresentation="standard")
        await CollectionPlain(number=number).async_save()

    for number in range(3):
        asyncio.run(use(number))
    asyncio.run(disconnect_all_async())
    assert mongo.collection_plain.count_documents({}) == 3
