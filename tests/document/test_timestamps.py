"""Fields that store the time of a write: `auto_now_add`, `auto_now`, `current_date`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from bson import Timestamp
from pymongo.errors import OperationFailure

from mongoengine import (
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    Document,
    DynamicDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    F,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    NotUniqueError,
    OperationError,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.base import stamps
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from mongoengine.errors import BulkOperationError, InvalidQueryError
from mongoengine.queryset.bulk import InsertOne, UpdateMany, UpdateOne
from tests.families import Family
from tests.faults import fail_command

OLD = datetime(2001, 2, 3, 4, 5, 6)
START = datetime(2020, 1, 1, 12, 0, 0, 123456)


class StampedPart(EmbeddedDocument):
    text = StringField()
    tags = ListField(StringField())
    created = DateTimeField(db_field="c", auto_now_add=True, required=True)
    updated = DateTimeField(db_field="u", auto_now=True)
    meta = {"allow_inheritance": True}


class StampedSubPart(StampedPart):
    seen = DateTimeField(auto_now=True)


class StampedItem(Document):
    name = StringField(unique=True)
    number = IntField()
    tags = ListField(StringField())
    created = DateTimeField(db_field="cr", auto_now_add=True, required=True)
    updated = DateTimeField(db_field="up", auto_now=True)
    part = EmbeddedDocumentField(StampedPart)
    parts = EmbeddedDocumentListField(StampedPart)
    mapped = MapField(EmbeddedDocumentField(StampedPart))
    generic = GenericEmbeddedDocumentField()
    meta = {"allow_inheritance": True, "collection": "stamped_item"}


class StampedSubItem(StampedItem):
    day = DateField(auto_now=True)
    exact = ComplexDateTimeField(auto_now=True)
    first_day = DateField(auto_now_add=True)
    first_exact = ComplexDateTimeField(auto_now_add=True)


class StampedDynamic(DynamicDocument):
    updated = DateTimeField(auto_now=True)
    any = DynamicField()


class Clock:
    """A clock that moves a second each time it is read."""

    def __init__(self) -> None:
        self.readings = 0

    def now(self, zone: Any = None) -> datetime:
        self.readings += 1
        return (START + timedelta(seconds=self.readings)).replace(tzinfo=zone)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(stamps, "datetime", made)
    yield made


def at(reading: int) -> datetime:
    """The time of a reading of the clock, as MongoDB stores it."""
    return (START + timedelta(seconds=reading)).replace(microsecond=123000)


def stored(mongo: Any, **query: Any) -> dict[str, Any]:
    raw: dict[str, Any] = mongo.stamped_item.find_one(query)
    return raw


# Documents


async def save(family: Family, document: Any) -> None:
    await family(document, "save")


async def insert(family: Family, document: Any) -> None:
    await family(StampedItem.objects, "insert", [document], load_bulk=False)


async def insert_one(family: Family, document: Any) -> None:
    await family(StampedItem.objects, "insert", document, load_bulk=False)


async def bulk_save(family: Family, document: Any) -> None:
    await family(StampedItem.objects, "bulk_save", [document])


async def bulk_write(family: Family, document: Any) -> None:
    await family(StampedItem.objects, "bulk_write", [InsertOne(document)])


INSERTS = [save, insert, insert_one, bulk_save, bulk_write]
UPDATES = [save, bulk_save]


@pytest.mark.parametrize("write", INSERTS)
async def test_an_insertion_stores_the_time(
    family: Family, mongo: Any, write: Any, clock: Clock
) -> None:
    item = StampedItem(name="a")
    await write(family, item)
    raw = stored(mongo)
    assert raw["cr"] == raw["up"] == item.created == item.updated == at(1)
    assert clock.readings == 1


@pytest.mark.parametrize("write", INSERTS)
async def test_an_explicit_time_of_creation_is_kept(
    family: Family, mongo: Any, write: Any
) -> None:
    await write(family, StampedItem(name="a", created=OLD, updated=OLD))
    raw = stored(mongo)
    assert (raw["cr"], raw["up"]) == (OLD, at(1))


@pytest.mark.parametrize("write", UPDATES)
@pytest.mark.parametrize("loaded", [True, False])
async def test_a_change_stores_the_time_of_the_update_alone(
    family: Family, mongo: Any, write: Any, loaded: bool
) -> None:
    item = StampedItem(name="a")
    await family(item, "save")
    if loaded:
        item = await family(StampedItem.objects, "first")
    family.commands.clear()
    item.number = 1
    await write(family, item)
    raw = stored(mongo)
    assert (raw["cr"], raw["up"], raw["number"]) == (at(1), at(2), 1)
    assert (item.created, item.updated) == (at(1), at(2))
    assert item._get_changed_fields() == []
    (command,) = (c for c in family.commands if "update" in c)
    assert command["updates"][0]["u"] == {"$set": {"number": 1, "up": at(2)}}


@pytest.mark.parametrize("write", UPDATES)
async def test_nothing_is_sent_where_nothing_has_changed(
    family: Family, write: Any, clock: Clock
) -> None:
    item = StampedItem(name="a", part=StampedPart(text="x"), parts=[StampedPart()])
    await family(item, "save")
    readings = clock.readings
    await family(item, "reload")
    family.commands.clear()
    await write(family, item)
    assert family.command_names == []
    assert clock.readings == readings
    assert item.updated == item.part.updated == at(1)


async def test_documents_of_one_bulk_have_the_same_time(
    family: Family, mongo: Any, clock: Clock
) -> None:
    item = StampedItem(name="a")
    await family(item, "save")
    item.number = 1
    others = [StampedItem(name=name) for name in "bc"]
    await family(StampedItem.objects, "bulk_save", [item, *others])
    assert {raw["up"] for raw in mongo.stamped_item.find()} == {at(2)}
    assert clock.readings == 2


async def test_other_fields_of_times_are_stamped(family: Family, mongo: Any) -> None:
    item = StampedSubItem(name="a")
    await family(item, "save")
    moment = START + timedelta(seconds=1)
    assert item.day == item.first_day == date(2020, 1, 1)
    assert item.exact == item.first_exact == moment
    again = await family(StampedItem.objects, "first")
    assert (again.day, again.exact, again.first_exact) == (
        date(2020, 1, 1),
        moment,
        moment,
    )
    again.number = 1
    await family(again, "save")
    raw = stored(mongo)
    assert raw["exact"] == "2020,01,01,12,00,02,123456"
    assert raw["first_exact"] == "2020,01,01,12,00,01,123456"
    assert raw["day"] == datetime(2020, 1, 1)


async def test_times_are_aware_where_the_connection_reads_aware_ones(
    family: Family,
) -> None:
    await family.connect(alias="aware", tz_aware=True)

    class StampedAware(Document):
        created = DateTimeField(auto_now_add=True)
        updated = DateTimeField(auto_now=True)
        parts = EmbeddedDocumentListField(StampedPart)
        meta = {"db_alias": "aware"}

    item = await family(StampedAware(parts=[StampedPart()]), "save")
    expected = at(1).replace(tzinfo=timezone.utc)
    assert item.created == item.updated == item.parts[0].created == expected
    again = await family(StampedAware.objects, "first")
    assert again.created == item.created
    pushed = StampedPart()
    await family(StampedAware.objects, "update", push__parts=pushed)
    assert pushed.created == at(2).replace(tzinfo=timezone.utc)


async def test_a_document_with_an_assigned_key_is_stamped_as_new(
    family: Family, mongo: Any
) -> None:
    item = StampedItem(name="a")
    item.pk = "5f0000000000000000000000"
    await family(item, "save")
    raw = stored(mongo)
    assert raw["cr"] == raw["up"] == at(1)


async def test_a_document_deleted_elsewhere_is_stored_again_with_its_creation(
    family: Family, mongo: Any, clock: Clock
) -> None:
    item = StampedItem(name="a")
    await family(item, "save")
    mongo.stamped_item.delete_many({})
    item.number = 2
    await family(item, "save")
    raw = stored(mongo)
    assert (raw["cr"], raw["up"], raw["number"]) == (at(1), at(2), 2)
    assert clock.readings == 2


async def test_a_part_of_a_document_is_stamped(family: Family, mongo: Any) -> None:
    await family(StampedItem(name="a", number=1), "save")
    item = await family(StampedItem.objects.only("number"), "first")
    item.number = 2
    await family(item, "save")
    raw = stored(mongo)
    assert (raw["cr"], raw["up"]) == (at(1), at(2))


async def test_a_creation_that_is_not_stored_is_not_made_up(
    family: Family, mongo: Any
) -> None:
    mongo.stamped_item.insert_one({"_cls": "StampedItem", "part": {"text": "x"}})
    item = await family(StampedItem.objects, "first")
    item.number = 1
    item.part.text = "y"
    await family(item, "save")
    raw = stored(mongo)
    assert "cr" not in raw and "c" not in raw["part"]
    assert raw["up"] == raw["part"]["u"] == at(1)


async def test_receivers_of_post_save_see_the_times(family: Family) -> None:
    seen = []

    def receive(sender: Any, document: Any, **kwargs: Any) -> None:
        seen.append((document.updated, document._get_changed_fields()))

    item = StampedItem(name="a")
    with signals.post_save.connected_to(receive, sender=StampedItem):
        await family(item, "save")
        item.number = 1
        await family(item, "save")
    assert seen == [(at(1), []), (at(2), ["number", "up"])]
    assert item._get_changed_fields() == []


async def test_a_dynamic_document_is_stamped(family: Family, mongo: Any) -> None:
    item = StampedDynamic(other=StampedPart(text="x"))
    await family(item, "save")
    raw = mongo.stamped_dynamic.find_one()
    assert raw["updated"] == raw["other"]["c"] == at(1)
    item.more = 1
    await family(item, "save")
    assert mongo.stamped_dynamic.find_one()["updated"] == at(2)


# Embedded documents


PLACES: dict[str, Any] = {
    "part": lambda part: {"part": part},
    "parts": lambda part: {"parts": [part]},
    "mapped": lambda part: {"mapped": {"k": part}},
    "generic": lambda part: {"generic": part},
}


def part_at(item: Any, place: str) -> Any:
    value = getattr(item, place)
    if place == "parts":
        return value[0]
    return value["k"] if place == "mapped" else value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cls", [StampedPart, StampedSubPart])
async def test_an_embedded_document_has_its_own_times(
    family: Family, mongo: Any, place: str, cls: Any
) -> None:
    item = StampedItem(name="a", **PLACES[place](cls(text="x")))
    await family(item, "save")
    part = part_at(item, place)
    assert part.created == part.updated == at(1)
    item = await family(StampedItem.objects, "first")
    item.number = 1
    await family(item, "save")
    assert part_at(item, place).updated == at(1)
    part_at(item, place).text = "y"
    await family(item, "save")
    item = await family(StampedItem.objects, "first")
    part = part_at(item, place)
    assert (part.created, part.updated, item.updated) == (at(1), at(3), at(3))
    if cls is StampedSubPart:
        assert part.seen == at(3)


async def test_a_change_inside_an_embedded_document_counts(family: Family) -> None:
    item = StampedItem(name="a", part=StampedPart(text="x"))
    await family(item, "save")
    item.part.tags.append("t")
    await family(item, "save")
    item = await family(StampedItem.objects, "first")
    assert (item.part.updated, item.updated, item.part.tags) == (at(2), at(2), ["t"])


@pytest.mark.parametrize("loaded", [True, False])
async def test_only_new_and_changed_embedded_documents_are_stamped(
    family: Family, loaded: bool
) -> None:
    parts = [StampedPart(text="a"), StampedPart(text="b")]
    item = StampedItem(name="a", parts=parts)
    await family(item, "save")
    if loaded:
        item = await family(StampedItem.objects, "first")
    item.parts.append(StampedPart(text="c"))
    item.parts[1].text = "d"
    await family(item, "save")
    item = await family(StampedItem.objects, "first")
    times = [(part.created, part.updated) for part in item.parts]
    assert times == [(at(1), at(1)), (at(1), at(2)), (at(2), at(2))]


async def test_an_explicit_creation_of_an_embedded_document_is_kept(
    family: Family,
) -> None:
    item = StampedItem(name="a", part=StampedPart(created=OLD))
    await family(item, "save")
    assert item.part.created == OLD


# Failures


@pytest.mark.parametrize("write", INSERTS)
async def test_an_insertion_that_fails_leaves_no_time(
    family: Family, mongo: Any, write: Any
) -> None:
    await family(StampedItem(name="a"), "save")
    item = StampedItem(name="a", part=StampedPart(text="x"))
    with pytest.raises((NotUniqueError, BulkOperationError)):
        await write(family, item)
    assert (item.created, item.updated, item.part.created) == (None, None, None)
    item.name = "b"
    await family(item, "save")
    assert stored(mongo, name="b")["cr"] == item.created == at(3)


@pytest.mark.parametrize("write", UPDATES)
@pytest.mark.parametrize("loaded", [True, False])
async def test_an_update_that_fails_puts_the_time_back(
    family: Family, mongo: Any, write: Any, loaded: bool
) -> None:
    await family(StampedItem(name="a"), "save")
    item = StampedItem(name="b", part=StampedPart(text="x"))
    await family(item, "save")
    if loaded:
        item = await family(StampedItem.objects(name="b"), "first")
    item.name, item.part.text = "a", "y"
    with pytest.raises((NotUniqueError, BulkOperationError)):
        await write(family, item)
    assert (item.updated, item.part.updated) == (at(2), at(2))
    assert item._get_changed_fields() == ["name", "part.text"]
    item.name = "c"
    await write(family, item)
    raw = stored(mongo, name="c")
    assert (raw["cr"], raw["up"], raw["part"]["u"]) == (at(2), at(4), at(4))


async def test_an_aborted_transaction_puts_the_time_back(
    family: Family, mongo: Any
) -> None:
    item, new = StampedItem(name="a"), StampedItem(name="b")
    await family(item, "save")
    item.number = 1
    with pytest.raises(ZeroDivisionError):
        if family.is_async:
            async with async_run_in_transaction():
                await item.async_save()
                await new.async_save()
                raise ZeroDivisionError
        with run_in_transaction():
            item.save()
            new.save()
            raise ZeroDivisionError
    assert (item.updated, new.created, new.updated) == (at(1), None, None)
    assert item._get_changed_fields() == ["number"]


async def test_a_required_time_is_needed_only_where_it_is_not_stamped(
    family: Family,
) -> None:
    StampedItem(name="a").validate()
    with pytest.raises(ValidationError):
        StampedItem(name="a", created="never").validate()


# Updates by queries


async def update(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "update", **change)


async def update_one(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "update_one", **change)


async def upsert_one(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "upsert_one", **change)


async def modify(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "modify", **change)


async def update_document(family: Family, **change: Any) -> None:
    await family(await family(StampedItem.objects, "first"), "update", **change)


async def modify_document(family: Family, **change: Any) -> None:
    await family(await family(StampedItem.objects, "first"), "modify", **change)


async def bulk_update_one(family: Family, **change: Any) -> None:
    await family(StampedItem.objects, "bulk_write", [UpdateOne({"name": "a"}, change)])


async def bulk_update_many(family: Family, **change: Any) -> None:
    await family(StampedItem.objects, "bulk_write", [UpdateMany({"name": "a"}, change)])


QUERIES = [
    update,
    update_one,
    upsert_one,
    modify,
    update_document,
    modify_document,
    bulk_update_one,
    bulk_update_many,
]

CHANGES: dict[str, dict[str, Any]] = {
    "set": {"set__number": 1},
    "inc": {"inc__number": 1},
    "push": {"push__tags": "x"},
    "unset": {"unset__number": 1},
    "raw": {"__raw__": {"$set": {"number": 1}}},
    "pipeline": {"__raw__": [{"$set": {"number": 1}}]},
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("change", CHANGES)
async def test_an_update_by_a_query_stores_the_time(
    family: Family, mongo: Any, query: Any, change: str
) -> None:
    await family(StampedItem(name="a"), "save")
    await query(family, **CHANGES[change])
    raw = stored(mongo)
    assert (raw["cr"], raw["up"]) == (at(1), at(2))


EXPLICIT: dict[str, dict[str, Any]] = {
    "set": {"set__updated": OLD},
    "set on insert": {"set__number": 1, "set_on_insert__updated": OLD},
    "unset": {"unset__updated": 1},
    "min": {"min__updated": OLD},
    "raw": {"__raw__": {"$set": {"up": OLD}}},
    "rename": {"__raw__": {"$rename": {"up": "part.u"}}},
    "pipeline": {"__raw__": [{"$set": {"up": OLD}}]},
    "pipeline unset": {"__raw__": [{"$unset": "up"}]},
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("change", EXPLICIT)
async def test_a_time_that_an_update_sets_wins(
    family: Family, mongo: Any, query: Any, change: str
) -> None:
    await family(StampedItem(name="a"), "save")
    await query(family, **EXPLICIT[change])
    expected = {
        "set on insert": at(1),
        "unset": None,
        "rename": None,
        "pipeline unset": None,
    }
    assert stored(mongo).get("up") == expected.get(change, OLD)


async def upserts(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "update", upsert=True, **change)


async def upserts_one(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "update_one", upsert=True, **change)


async def modify_upserts(family: Family, **change: Any) -> None:
    await family(StampedItem.objects(name="a"), "modify", upsert=True, **change)


async def bulk_upserts(family: Family, **change: Any) -> None:
    request = UpdateOne({"name": "a"}, change, upsert=True)
    await family(StampedItem.objects, "bulk_write", [request])


UPSERTS = [upserts, upserts_one, upsert_one, modify_upserts, bulk_upserts]


@pytest.mark.parametrize("query", UPSERTS)
@pytest.mark.parametrize("change", ["set", "raw", "pipeline"])
async def test_an_upsert_stores_the_time_of_creation_once(
    family: Family, mongo: Any, query: Any, change: str, clock: Clock
) -> None:
    await query(family, **CHANGES[change])
    raw = stored(mongo)
    assert raw["cr"] == raw["up"] == at(1)
    # As in MongoEngine, `modify` stores no `_cls`.
    mongo.stamped_item.update_many({}, {"$set": {"_cls": "StampedItem"}})
    await query(family, **CHANGES[change])
    raw = stored(mongo)
    assert (raw["cr"], raw["up"]) == (at(1), at(2))
    assert clock.readings == 2


@pytest.mark.parametrize("query", UPSERTS)
async def test_a_time_of_creation_that_an_upsert_sets_wins(
    family: Family, mongo: Any, query: Any
) -> None:
    await query(family, set__number=1, set_on_insert__created=OLD)
    assert stored(mongo)["cr"] == OLD


async def test_a_time_of_creation_that_is_asked_for_wins(
    family: Family, mongo: Any
) -> None:
    query = StampedItem.objects(name="a", created=OLD)
    await family(query, "update", upsert=True, set__number=1)
    assert stored(mongo)["cr"] == OLD


async def test_an_update_of_an_insertion_alone_stores_no_other_time(
    family: Family, mongo: Any
) -> None:
    await family(StampedItem(name="a"), "save")
    await upserts(family, set_on_insert__number=5)
    raw = stored(mongo)
    assert raw["up"] == at(1) and "number" not in raw
    query = StampedItem.objects(name="b")
    await family(query, "update", upsert=True, set_on_insert__number=5)
    raw = stored(mongo, name="b")
    assert raw["cr"] == raw["up"] == at(3)


async def test_other_fields_of_times_are_stamped_by_queries(
    family: Family, mongo: Any
) -> None:
    query = StampedSubItem.objects(name="a")
    await family(query, "update", upsert=True, set__number=1)
    raw = stored(mongo)
    assert raw["day"] == raw["first_day"] == datetime(2020, 1, 1)
    assert raw["exact"] == raw["first_exact"] == "2020,01,01,12,00,01,123456"
    pipeline = {"__raw__": [{"$set": {"number": 2}}]}
    await family(query, "update", **pipeline)
    raw = stored(mongo)
    assert raw["exact"] == "2020,01,01,12,00,02,123456"
    assert raw["first_exact"] == "2020,01,01,12,00,01,123456"


VALUES: dict[str, Any] = {
    "set": lambda part: {"set__part": part},
    "push": lambda part: {"push__parts": part},
    "push several": lambda part: {"push_all__parts": [part]},
    "set list": lambda part: {"set__parts": [part]},
    "map": lambda part: {"set__mapped__k": part},
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("change", VALUES)
async def test_an_embedded_document_in_an_update_is_stamped(
    family: Family, mongo: Any, query: Any, change: str
) -> None:
    await family(StampedItem(name="a"), "save")
    await query(family, **VALUES[change](StampedPart(text="x")))
    item = await family(StampedItem.objects, "first")
    part = item.part or item.mapped.get("k") or item.parts[0]
    assert part.created == part.updated == at(2)


async def test_an_update_that_fails_leaves_no_time_in_its_values(
    family: Family,
) -> None:
    for name in "ab":
        await family(StampedItem(name=name), "save")
    part = StampedPart(text="x")
    with pytest.raises(NotUniqueError):
        await update(family, set__part=part, set__name="b")
    assert part.created is None and part.updated is None


INSIDE: dict[str, Any] = {
    "part": ({"set__part__text": "y"}, "part"),
    "position": ({"set__parts__0__text": "y"}, "parts"),
    "matched": ({"set__parts__S__text": "y"}, "parts"),
    "push": ({"push__part__tags": "y"}, "part"),
    "key": ({"set__mapped__k__text": "y"}, "mapped"),
}


@pytest.mark.parametrize("change", INSIDE)
async def test_an_update_inside_an_embedded_document_stores_its_time(
    family: Family, change: str
) -> None:
    part = StampedPart(text="x")
    update, place = INSIDE[change]
    await family(StampedItem(name="a", **PLACES[place](part)), "save")
    query = StampedItem.objects(name="a")
    if change == "matched":
        query = query.filter(parts__text="x")
    await family(query, "update", **update)
    item = await family(StampedItem.objects, "first")
    part = part_at(item, place)
    assert (part.created, part.updated, item.updated) == (at(1), at(2), at(2))


async def test_nothing_is_made_up_where_an_update_removes(
    family: Family, mongo: Any
) -> None:
    await family(StampedItem(name="a"), "save")
    await update(family, unset__part__text=1)
    assert "part" not in stored(mongo)


# current_date


@pytest.mark.parametrize("query", [*QUERIES, *UPSERTS])
async def test_the_server_stores_the_current_date(
    family: Family, mongo: Any, query: Any
) -> None:
    if query not in UPSERTS:
        await family(StampedItem(name="a"), "save")
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    await query(family, current_date__updated=True)
    found = stored(mongo)["up"]
    assert abs(found - before) < timedelta(hours=1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, datetime),
        ("date", datetime),
        ({"$type": "date"}, datetime),
        ("timestamp", Timestamp),
        ({"$type": "timestamp"}, Timestamp),
    ],
)
async def test_the_current_date_is_stored_in_two_types(
    family: Family, mongo: Any, value: Any, expected: Any
) -> None:
    item = await family(StampedDynamic(any=1), "save")
    await family(item, "update", current_date__any=value)
    assert type(mongo.stamped_dynamic.find_one()["any"]) is expected


async def test_fields_that_store_times_otherwise_take_the_current_date(
    family: Family, mongo: Any
) -> None:
    await family(StampedSubItem(name="a"), "save")
    await family(
        StampedSubItem.objects,
        "update",
        current_date__day=True,
        current_date__exact=True,
        current_date__part__created=True,
    )
    raw = stored(mongo)
    assert raw["day"] == datetime(2020, 1, 1)
    assert raw["exact"].startswith("2020,01,01,12,00,")
    assert isinstance(raw["part"]["c"], datetime)


@pytest.mark.parametrize(
    "change",
    [
        {"current_date__number": True},
        {"current_date__updated": False},
        {"current_date__updated": "day"},
        {"current_date__updated": {"$type": "x"}},
        {"current_date__nothing": True},
    ],
    ids=str,
)
async def test_the_current_date_is_refused_before_anything_is_sent(
    family: Family, change: Any
) -> None:
    family.commands.clear()
    with pytest.raises(InvalidQueryError):
        await update(family, **change)
    assert family.command_names == []


async def test_a_field_that_is_called_like_the_operator_is_set(
    family: Family, mongo: Any
) -> None:
    class StampedName(Document):
        current_date = MapField(StringField())

    item = await family(StampedName(), "save")
    await family(item, "update", current_date={"a": "b"})
    await family(item, "update", current_date__c="d")
    assert mongo.stamped_name.find_one()["current_date"] == {"a": "b", "c": "d"}


async def test_a_lost_answer_puts_the_times_back(family: Family, mongo: Any) -> None:
    item = StampedItem(name="a")
    refused = {"failCommands": ["insert"], "errorCode": 11601}
    with (
        fail_command(mongo.client, **refused),
        pytest.raises((OperationFailure, OperationError)),
    ):
        await family(item, "save")
    assert item.created is None
    await family(item, "save")
    assert stored(mongo)["cr"] == item.created


async def test_a_computed_update_stores_the_times(family: Family, mongo: Any) -> None:
    item = StampedItem(name="a", number=1, part=StampedPart(text="x"))
    await family(item, "save")
    await update(family, set__part__text=F("name"), inc__number=F("number"))
    raw = stored(mongo)
    assert (raw["number"], raw["part"]["text"]) == (2, "a")
    assert (raw["cr"], raw["up"]) == (at(1), at(2))
    assert (raw["part"]["c"], raw["part"]["u"]) == (at(1), at(2))
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    await update(family, set__number=F("number"), current_date__updated=True)
    assert abs(stored(mongo)["up"] - before) < timedelta(hours=1)
    with pytest.raises(InvalidQueryError, match="timestamp"):
        await update(family, set__number=F("number"), current_date__updated="timestamp")
