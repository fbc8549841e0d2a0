"""Writes that the server may or may not have made, and their retries."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio
from pymongo.errors import AutoReconnect

from mongoengine import (
    BulkOperationError,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    NotUniqueError,
    OperationError,
    SaveConditionError,
    StringField,
    disconnect_all,
    disconnect_all_async,
)
from mongoengine.queryset.bulk import InsertOne
from tests.families import Family, SentCommands
from tests.faults import cancel_at
from tests.reliability.proxy import FaultProxy


class LostPart(EmbeddedDocument):
    text = StringField()


class LostItem(Document):
    number = IntField()
    tags = ListField(StringField())
    part = EmbeddedDocumentField(LostPart, default=LostPart)
    mapped = MapField(EmbeddedDocumentField(LostPart))


class LostKeyed(Document):
    key = StringField(primary_key=True)
    number = IntField()


class LostVersion(Document):
    number = IntField()
    version = IntField()

    meta = {"version_field": "version"}


class LostKeyedVersion(Document):
    key = StringField(primary_key=True)
    number = IntField()
    version = IntField()

    meta = {"version_field": "version"}


class LostUnique(Document):
    number = IntField(unique=True)


class LostMeasurement(Document):
    at = DateTimeField()
    number = IntField()

    meta = {"timeseries": {"timeField": "at"}}


CLASSES = (
    *(LostItem, LostKeyed, LostUnique, LostMeasurement),
    *(LostVersion, LostKeyedVersion),
)


@pytest.fixture
def proxy(server_uri: str) -> Any:
    made = FaultProxy(server_uri)
    yield made
    made.close()


@pytest_asyncio.fixture(params=["sync", "async"])
async def broken(
    request: pytest.FixtureRequest,
    proxy: FaultProxy,
    settings: dict[str, Any],
    sent_commands: SentCommands,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Family]:
    """A family whose connection goes through the proxy."""
    # A server that was lost is looked for again at once.
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.01)
    options = "directConnection=true&serverMonitoringMode=poll"
    host = f"mongodb://127.0.0.1:{proxy.port}/?{options}"
    family = Family(request.param, {**settings, "host": host}, sent_commands)
    await family.connect()
    for cls in CLASSES:
        await family(cls.objects, "first")
    yield family
    await disconnect_all_async()
    disconnect_all()


def stored(mongo: Any, cls: Any) -> list[int]:
    collection = mongo[cls._get_collection_name()]
    return sorted(raw.get("number") for raw in collection.find())


#: How a new document, or several, are written.
WRITES: dict[str, Callable[[Family, list[Any]], Any]] = {
    "save": lambda family, docs: family(docs[0], "save"),
    "force_insert": lambda family, docs: family(docs[0], "save", force_insert=True),
    "insert_one": lambda family, docs: family(type(docs[0]).objects, "insert", docs[0]),
    "insert": lambda family, docs: family(
        type(docs[0]).objects, "insert", docs, load_bulk=False
    ),
    "insert_unordered": lambda family, docs: family(
        type(docs[0]).objects, "insert", docs, ordered=False
    ),
    "bulk_save": lambda family, docs: family(type(docs[0]).objects, "bulk_save", docs),
}
ONE = {"save", "force_insert", "insert_one"}


def documents(write: str, cls: Any) -> list[Any]:
    count = 1 if write in ONE else 3
    if "key" in cls._fields:
        return [cls(key=f"k{i}", number=i) for i in range(count)]
    return [cls(number=i) for i in range(count)]


@pytest.mark.parametrize("cls", [LostItem, LostKeyed], ids=["generated", "own_key"])
@pytest.mark.parametrize("write", WRITES)
async def test_a_retry_after_a_lost_answer_stores_each_document_once(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str, cls: Any
) -> None:
    docs = documents(write, cls)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await WRITES[write](broken, docs)
    assert all(doc._created for doc in docs)
    docs[0].number = 10
    await WRITES[write](broken, docs)
    assert stored(mongo, type(docs[0])) == sorted([10, *range(1, len(docs))])
    assert not any(doc._created for doc in docs)


#: The writes that are made anew of the same documents.
LATE_WRITES = {
    **WRITES,
    "bulk_save_ordered": lambda family, docs: family(
        type(docs[0]).objects, "bulk_save", docs, ordered=True
    ),
    "bulk_write": lambda family, docs: family(
        type(docs[0]).objects, "bulk_write", [InsertOne(doc) for doc in docs]
    ),
    "bulk_write_unordered": lambda family, docs: family(
        type(docs[0]).objects,
        "bulk_write",
        [InsertOne(doc) for doc in docs],
        ordered=False,
    ),
}


@pytest.mark.parametrize("cls", [LostItem, LostKeyed, LostVersion, LostKeyedVersion])
@pytest.mark.parametrize("write", LATE_WRITES)
async def test_a_retry_replaces_what_the_first_attempt_stores_meanwhile(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str, cls: Any
) -> None:
    docs = documents(write, cls)
    with proxy.delaying("insert"), pytest.raises(AutoReconnect):
        await LATE_WRITES[write](broken, docs)
    assert stored(mongo, cls) == []
    docs[0].number = docs[-1].number = 10
    await LATE_WRITES[write](broken, docs)
    assert stored(mongo, cls) == sorted(doc.number for doc in docs)
    assert not any(doc._created for doc in docs)
    docs[0].number = 11
    await broken(docs[0], "save")


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_retry_in_bulk_stores_all_but_the_documents_of_someone_else(
    broken: Family, proxy: FaultProxy, mongo: Any, ordered: bool
) -> None:
    docs = documents("insert", LostKeyed)
    with proxy.delaying("insert"), pytest.raises(AutoReconnect):
        await broken(LostKeyed.objects, "insert", docs, ordered=ordered)
    mongo.lost_keyed.insert_one({"_id": "k1", "number": 99})
    docs[0].number = 10
    with pytest.raises(BulkOperationError, match="duplicate key") as caught:
        await broken(LostKeyed.objects, "insert", docs, ordered=ordered)
    failed = [place for place, _, _ in caught.value.failures]
    assert failed == ([1, 2] if ordered else [1])
    assert stored(mongo, LostKeyed) == ([10, 99] if ordered else [2, 10, 99])
    assert [doc._created for doc in docs] == [place in failed for place in range(3)]


def measurements(write: str) -> list[LostMeasurement]:
    at = datetime(2026, 1, 1)
    return [LostMeasurement(at=at, number=i) for i in range(1 if write in ONE else 3)]


@pytest.mark.parametrize("write", sorted(ONE))
async def test_a_retry_of_a_measurement_that_was_stored_sends_nothing(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str
) -> None:
    docs = measurements(write)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await WRITES[write](broken, docs)
    await WRITES[write](broken, docs)
    assert stored(mongo, LostMeasurement) == [0]
    assert not docs[0]._created


@pytest.mark.parametrize("write", sorted(ONE))
async def test_a_measurement_that_was_stored_and_has_changed_is_refused(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str
) -> None:
    docs = measurements(write)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await WRITES[write](broken, docs)
    docs[0].number = 10
    with pytest.raises(OperationError, match="time series cannot be replaced"):
        await WRITES[write](broken, docs)
    assert stored(mongo, LostMeasurement) == [0]


@pytest.mark.parametrize("write", sorted(WRITES.keys() - ONE))
async def test_measurements_that_were_stored_are_refused_in_bulk(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str
) -> None:
    docs = measurements(write)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await WRITES[write](broken, docs)
    with pytest.raises(OperationError, match="3 of 3 documents were stored"):
        await WRITES[write](broken, docs)
    assert stored(mongo, LostMeasurement) == [0, 1, 2]


@pytest.mark.parametrize("write", ["force_insert", "insert_one", "insert"])
async def test_a_retry_does_not_take_the_document_of_someone_else_for_its_own(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str
) -> None:
    mongo.lost_keyed.insert_one({"_id": "k0", "number": 99})
    docs = documents(write, LostKeyed)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await WRITES[write](broken, docs)
    with pytest.raises(Exception, match="duplicate key"):
        await WRITES[write](broken, docs)
    assert mongo.lost_keyed.find_one({"_id": "k0"})["number"] == 99


async def test_a_retry_still_breaks_other_unique_indexes(
    broken: Family, proxy: FaultProxy, mongo: Any
) -> None:
    new = LostUnique(number=1)
    with proxy.losing("insert"), pytest.raises(AutoReconnect):
        await broken(new, "save")
    mongo.lost_unique.delete_many({})
    mongo.lost_unique.insert_one({"number": 1})
    with pytest.raises(NotUniqueError):
        await broken(new, "save")
    assert new._created
    assert stored(mongo, LostUnique) == [1]


async def test_a_change_of_which_no_answer_came_is_still_pending(
    broken: Family, proxy: FaultProxy, mongo: Any
) -> None:
    item = await broken(LostItem(number=1, mapped={"k": LostPart(text="a")}), "save")
    mongo.lost_item.update_one({}, {"$set": {"number": 7, "mapped.k.text": "z"}})
    item.number = 2
    item.mapped["k"].text = "b"
    with proxy.losing("update"), pytest.raises(AutoReconnect):
        await broken(item, "save")
    assert sorted(item._get_changed_fields()) == ["mapped.k.text", "number"]
    mongo.lost_item.update_one({}, {"$set": {"number": 7, "mapped.k.text": "z"}})
    await broken(item, "save")
    raw = mongo.lost_item.find_one()
    assert (raw["number"], raw["mapped"]["k"]["text"]) == (2, "b")


#: How a changed document is written.
CHANGING: dict[str, Callable[[Family, Any], Any]] = {
    "save": lambda family, doc: family(doc, "save"),
    "bulk_save": lambda family, doc: family(LostItem.objects, "bulk_save", [doc]),
}
WHOLE = {
    "number": 2,
    "tags": ["x"],
    "part": {"text": "a"},
    "mapped": {"k": {"text": "b"}},
}


def changed_item() -> LostItem:
    return LostItem(
        number=1, part=LostPart(text="a"), mapped={"k": LostPart(text="a")}, tags=["x"]
    )


def change(item: LostItem) -> None:
    item.number = 2
    item.mapped["k"].text = "b"


@pytest.mark.parametrize("copied", [False, True], ids=["same", "pickled"])
@pytest.mark.parametrize("write", CHANGING)
async def test_a_retry_stores_a_document_deleted_elsewhere_as_a_whole(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str, copied: bool
) -> None:
    item: Any = await broken(changed_item(), "save")
    mongo.lost_item.delete_many({})
    change(item)
    with proxy.losing("update"), pytest.raises(AutoReconnect):
        await CHANGING[write](broken, item)
    if copied:
        item = pickle.loads(pickle.dumps(item))
    await CHANGING[write](broken, item)
    assert mongo.lost_item.find_one() == {"_id": item.id, **WHOLE}
    assert item._get_changed_fields() == []


#: What is changed after the first attempt.
LATER: dict[str, Callable[[Any], object]] = {
    "nothing": lambda item: None,
    "the same field": lambda item: setattr(item, "number", 3),
    "another field": lambda item: setattr(item, "part", LostPart(text="c")),
    "an item of a list": lambda item: item.tags.__setitem__(0, "y"),
    "a part": lambda item: setattr(item.mapped["k"], "text", "c"),
    "a removal": lambda item: setattr(item, "number", None),
    "a removal from a map": lambda item: item.mapped.clear(),
}


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("write", CHANGING)
async def test_a_retry_stores_the_whole_if_the_first_attempt_inserts_changes_meanwhile(
    broken: Family, proxy: FaultProxy, mongo: Any, write: str, later: str
) -> None:
    item: Any = await broken(changed_item(), "save")
    mongo.lost_item.delete_many({})
    change(item)
    with proxy.delaying("update"), pytest.raises(AutoReconnect):
        await CHANGING[write](broken, item)
    LATER[later](item)
    await CHANGING[write](broken, item)
    assert mongo.lost_item.find_one() == {"_id": item.id, **item.to_mongo()}
    assert item._get_changed_fields() == []
    assert item._fragment is None


async def test_a_retry_with_a_condition_stores_nothing_where_nothing_is_stored(
    broken: Family, proxy: FaultProxy, mongo: Any
) -> None:
    item: Any = await broken(changed_item(), "save")
    mongo.lost_item.delete_many({})
    change(item)
    with proxy.fault("update", "cut before", times=2), pytest.raises(AutoReconnect):
        await broken(item, "save")
    with pytest.raises(SaveConditionError):
        await broken(item, "save", save_condition={"tags": "x"})
    assert mongo.lost_item.find_one() is None


async def test_a_retry_leaves_what_others_have_changed(
    broken: Family, proxy: FaultProxy, mongo: Any
) -> None:
    item = await broken(changed_item(), "save")
    change(item)
    with proxy.losing("update"), pytest.raises(AutoReconnect):
        await broken(item, "save")
    mongo.lost_item.update_one({}, {"$set": {"tags": ["others"]}})
    await broken(item, "save")
    assert mongo.lost_item.find_one()["tags"] == ["others"]
    assert item._fragment is None


async def test_a_bulk_whose_second_command_is_lost_reports_the_rest(
    broken: Family, proxy: FaultProxy, mongo: Any
) -> None:
    old = await broken(LostItem(number=1), "save")
    old.number = 2
    new = LostItem(number=5)
    with proxy.losing("update"), pytest.raises(Exception) as caught:
        await broken(LostItem.objects, "bulk_save", [new, old], ordered=True)
    assert [(index, doc) for index, doc, _ in caught.value.failures] == [(1, old)]
    assert not new._created
    assert old._get_changed_fields() == ["number"]
    await broken(LostItem.objects, "bulk_save", [new, old])
    assert stored(mongo, LostItem) == [2, 5]


# -- cancellation ----------------------------------------------------------------


@pytest_asyncio.fixture
async def waiting(async_family: Family) -> Family:
    for cls in CLASSES:
        await async_family(cls.objects, "first")
    return async_family


@pytest.mark.parametrize("cls", [LostItem, LostKeyed], ids=["generated", "own_key"])
@pytest.mark.parametrize("write", WRITES)
async def test_a_write_cancelled_anywhere_can_be_repeated(
    waiting: Family, mongo: Any, write: str, cls: Any
) -> None:
    for step in range(1, 100):
        for each in CLASSES:
            mongo[each._get_collection_name()].delete_many({})
        docs = documents(write, cls)
        if not await cancel_at(WRITES[write](waiting, docs), step):
            break
        if left := [doc for doc in docs if doc._created]:
            await WRITES[write](waiting, left)
        assert stored(mongo, type(docs[0])) == list(range(len(docs))), step
    assert 1 < step < 99


async def test_a_change_cancelled_anywhere_is_still_pending_or_stored(
    waiting: Family, mongo: Any
) -> None:
    for step in range(1, 100):
        item = await waiting(LostItem(number=1), "save")
        item.number = 2
        item.part.text = "b"
        cancelled = await cancel_at(item.async_save(), step)
        await item.async_save()
        raw = mongo.lost_item.find_one({"_id": item.id})
        assert (raw["number"], raw["part"]) == (2, {"text": "b"})
        if not cancelled:
            break
    assert 1 < step < 99


@pytest.mark.parametrize("write", CHANGING)
async def test_a_document_deleted_elsewhere_is_whole_after_a_cancelled_save(
    waiting: Family, mongo: Any, write: str
) -> None:
    for step in range(1, 100):
        item = await waiting(changed_item(), "save")
        mongo.lost_item.delete_many({})
        change(item)
        cancelled = await cancel_at(CHANGING[write](waiting, item), step)
        await CHANGING[write](waiting, item)
        assert mongo.lost_item.find_one() == {"_id": item.id, **WHOLE}, step
        if not cancelled:
            break
    assert 1 < step < 99
