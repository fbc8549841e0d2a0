"""Optimistic locking: `meta = {"version_field": ...}`."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    ConcurrentModificationError,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    F,
    FloatField,
    IntField,
    ListField,
    NotUniqueError,
    OperationError,
    ReferenceField,
    SaveConditionError,
    StringField,
)
from mongoengine import signals as _signals
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from mongoengine.errors import BulkOperationError, InvalidDocumentError
from mongoengine.queryset.bulk import InsertOne, UpdateMany
from tests.families import Family
from tests.faults import fail_command


class VersionedLine(EmbeddedDocument):
    text = StringField()


class Versioned(Document):
    name = StringField()
    other = StringField()
    tags = ListField(StringField())
    lines = EmbeddedDocumentListField(VersionedLine)
    friend = ReferenceField("self")
    version = IntField(db_field="v")
    updated = DateTimeField(auto_now=True)
    meta = {
        "version_field": "version",
        "allow_inheritance": True,
        "collection": "versioned",
    }


class VersionedSub(Versioned):
    more = StringField()


class VersionedByName(Document):
    name = StringField(primary_key=True)
    text = StringField()
    number = IntField(default=0, required=True)
    meta = {"version_field": "number", "collection": "versioned_by_name"}


CLASSES = [Versioned, VersionedSub]


async def made(family: Family, cls: Any = Versioned, **values: Any) -> Any:
    values = {"name": "a", "lines": [VersionedLine(text="x")], **values}
    return await family(cls(**values), "save")


async def two(family: Family, cls: Any = Versioned) -> tuple[Any, Any]:
    """Return two copies of one stored document."""
    document = await made(family, cls)
    return document, await family(Versioned.objects, "get", id=document.id)


def stored(mongo: Any, document: Any) -> dict[str, Any]:
    raw: dict[str, Any] = mongo.versioned.find_one({"_id": document.id})
    return raw


async def save(family: Family, document: Any) -> None:
    await family(document, "save")


async def bulk_save(family: Family, document: Any) -> None:
    await family(Versioned.objects, "bulk_save", [document])


SAVES = [save, bulk_save]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("write", SAVES)
async def test_each_save_counts_the_version_up(
    family: Family, mongo: Any, cls: Any, write: Any
) -> None:
    document = cls(name="a")
    await write(family, document)
    assert document.version == stored(mongo, document)["v"] == 1
    for number in (2, 3):
        document.name = f"name {number}"
        await write(family, document)
        assert document.version == stored(mongo, document)["v"] == number
    document = await family(Versioned.objects, "first")
    document.lines.append(VersionedLine(text="y"))
    await write(family, document)
    assert stored(mongo, document)["v"] == 4
    assert document._get_changed_fields() == []


async def test_a_save_is_one_conditional_update(family: Family) -> None:
    document = await made(family)
    document.name = "b"
    family.commands.clear()
    await family(document, "save")
    (command,) = family.commands
    (update,) = command["updates"]
    assert update["q"] == {"_id": document.id, "v": 1}
    assert update["u"]["$set"]["v"] == 2
    assert not update.get("upsert")


@pytest.mark.parametrize("write", SAVES)
async def test_a_save_without_changes_sends_nothing(family: Family, write: Any) -> None:
    document = await made(family)
    family.commands.clear()
    await write(family, document)
    assert family.command_names == []


@pytest.mark.parametrize("write", SAVES)
@pytest.mark.parametrize("gone", [True, False])
@pytest.mark.parametrize("cls", CLASSES)
async def test_a_stale_document_is_not_saved(
    family: Family, mongo: Any, write: Any, gone: bool, cls: Any
) -> None:
    first, second = await two(family, cls)
    first.name = "first"
    await family(first, "delete" if gone else "save")
    before = stored(mongo, first)
    second.other, second.lines[0].text = "second", "y"
    updated = second.updated
    expected = ConcurrentModificationError if write is save else BulkOperationError
    with pytest.raises(expected) as raised:
        await write(family, second)
    if write is bulk_save:
        ((place, document, failure),) = raised.value.failures
        assert (place, document) == (0, second)
        assert isinstance(failure, ConcurrentModificationError)
    assert stored(mongo, first) == before
    assert second.version == 1 and second.updated == updated
    assert second._get_changed_fields() == ["other", "lines.0.text"]
    if not gone:
        await family(second, "reload")
        second.other = "second"
        await write(family, second)
        raw = stored(mongo, first)
        assert (raw["name"], raw["other"], raw["v"]) == ("first", "second", 3)


def test_the_error_is_one_of_conditions_and_operations() -> None:
    assert issubclass(ConcurrentModificationError, SaveConditionError)
    assert issubclass(ConcurrentModificationError, OperationError)


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_bulk_reports_each_stale_document(
    family: Family, mongo: Any, ordered: bool
) -> None:
    documents = [await made(family, name=str(number)) for number in range(5)]
    await family(Versioned.objects(name__in=["1", "3"]), "update", set__other="x")
    for document in documents:
        document.tags.append("t")
    new = Versioned(name="new")
    with pytest.raises(BulkOperationError) as raised:
        await family(Versioned.objects, "bulk_save", [*documents, new], ordered=ordered)
    failures = {place: error for place, _, error in raised.value.failures}
    expected = [1, 2, 3, 4, 5] if ordered else [1, 3]
    assert list(failures) == expected
    assert isinstance(failures[1], ConcurrentModificationError)
    for place, document in enumerate(documents):
        failed = place in expected
        assert document.version == (1 if failed else 2)
        assert document._get_changed_fields() == (["tags"] if failed else [])
        assert stored(mongo, document)["tags"] == ([] if failed else ["t"])
    assert mongo.versioned.count_documents({}) == (5 if ordered else 6)


@pytest.mark.parametrize("cls", CLASSES)
async def test_a_stale_document_is_not_deleted(
    family: Family, mongo: Any, cls: Any
) -> None:
    first, second = await two(family, cls)
    first.name = "first"
    await family(first, "save")
    with pytest.raises(ConcurrentModificationError, match="delete"):
        await family(second, "delete")
    assert stored(mongo, first)["name"] == "first"
    await family(first, "delete")
    assert stored(mongo, first) is None
    await family(second, "delete")


async def test_a_save_condition_that_is_not_met_is_told_from_a_conflict(
    family: Family,
) -> None:
    first, second = await two(family)
    first.name = "b"
    with pytest.raises(SaveConditionError) as raised:
        await family(first, "save", save_condition={"name": "other"})
    assert not isinstance(raised.value, ConcurrentModificationError)
    await family(first, "save", save_condition={"name": "a"})
    second.name = "c"
    with pytest.raises(ConcurrentModificationError):
        await family(second, "save", save_condition={"name": "b"})


async def test_a_cascade_saves_conditionally(family: Family, mongo: Any) -> None:
    first, second = await two(family)
    owner = await made(family, name="owner", friend=second)
    first.name = "first"
    await family(first, "save")
    second.name = "second"
    owner.name = "changed"
    with pytest.raises(ConcurrentModificationError):
        await family(owner, "save", cascade=True)
    assert stored(mongo, first)["name"] == "first"


@pytest.mark.parametrize("new", [True, False])
async def test_an_aborted_transaction_puts_the_version_back(
    family: Family, mongo: Any, new: bool
) -> None:
    await made(family)
    document = Versioned(name="b") if new else await made(family)
    for attempt in range(2):
        document.name = f"attempt {attempt}"
        with pytest.raises(ZeroDivisionError):
            await in_transaction(family, document)
        assert document.version == (None if new else 1)
    await family(document, "save")
    raw = stored(mongo, document)
    assert (raw["name"], raw["v"]) == ("attempt 1", 1 if new else 2)


async def in_transaction(family: Family, document: Any) -> None:
    if family.is_async:
        async with async_run_in_transaction():
            await document.async_save()
            document.other = "more"
            await document.async_save()
            raise ZeroDivisionError
    with run_in_transaction():
        document.save()
        document.other = "more"
        document.save()
        raise ZeroDivisionError


# Updates by queries


async def update(family: Family, document: Any, **change: Any) -> None:
    await family(Versioned.objects(id=document.id), "update", **change)


async def modify(family: Family, document: Any, **change: Any) -> None:
    await family(Versioned.objects(id=document.id), "modify", **change)


async def upsert(family: Family, document: Any, **change: Any) -> None:
    await family(Versioned.objects(id=document.id), "upsert_one", **change)


async def bulk_write(family: Family, document: Any, **change: Any) -> None:
    request = UpdateMany({"id": document.id}, change)
    await family(Versioned.objects, "bulk_write", [request])


QUERIES = [update, modify, upsert, bulk_write]
CHANGES: list[dict[str, Any]] = [
    {"set__name": "b"},
    {"push__tags": "b"},
    {"__raw__": {"$set": {"name": "b"}}},
    {"__raw__": [{"$set": {"name": "b"}}]},
    {"set__name": F("other")},
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_an_update_counts_the_version_up(
    family: Family, mongo: Any, query: Any, change: Any
) -> None:
    document = await made(family)
    await query(family, document, **change)
    assert stored(mongo, document)["v"] == 2
    document.other = "stale"
    with pytest.raises(ConcurrentModificationError):
        await family(document, "save")


@pytest.mark.parametrize("query", QUERIES)
async def test_an_update_that_sets_the_version_wins(
    family: Family, mongo: Any, query: Any
) -> None:
    document = await made(family)
    await query(family, document, set__version=7)
    assert stored(mongo, document)["v"] == 7
    await query(family, document, inc__version=2)
    assert stored(mongo, document)["v"] == 9


async def test_an_upsert_inserts_the_first_version(family: Family, mongo: Any) -> None:
    for number in (1, 2):
        query = Versioned.objects(name="a")
        await family(query, "update", upsert=True, set__other="x")
        assert mongo.versioned.find_one()["v"] == number
    query = Versioned.objects(name="b")
    await family(query, "update", upsert=True, set_on_insert__other="x")
    await family(query, "update", upsert=True, set_on_insert__other="x")
    assert mongo.versioned.find_one({"name": "b"})["v"] == 1


async def test_update_of_a_document_counts_its_version_up(
    family: Family, mongo: Any
) -> None:
    first, second = await two(family)
    assert await family(first, "update", set__other="x") == 1
    assert first.version == 2
    first.name = "b"
    await family(first, "save")
    # An update needs no condition, but a stale document stays stale.
    assert await family(second, "update", push__tags="t") == 1
    assert (stored(mongo, first)["v"], second.version) == (4, 1)
    second.name = "c"
    with pytest.raises(ConcurrentModificationError):
        await family(second, "save")
    assert await family(first, "update", set__version=20) == 1
    assert first.version == 3


async def test_modify_of_a_document_loads_the_version(family: Family) -> None:
    _, second = await two(family)
    await update(family, second, set__other="x")
    assert await family(second, "modify", set__name="b")
    assert (second.version, second.other) == (3, "x")
    second.name = "c"
    await family(second, "save")
    assert second.version == 4


# New documents and keys


async def test_insertions_store_the_first_version(family: Family, mongo: Any) -> None:
    documents = [Versioned(name=name) for name in "ab"]
    await family(Versioned.objects, "insert", documents, load_bulk=False)
    await family(Versioned.objects, "insert", Versioned(name="c"))
    await family(Versioned.objects, "bulk_write", [InsertOne(Versioned(name="d"))])
    await family(Versioned(name="e"), "save", force_insert=True)
    assert [raw["v"] for raw in mongo.versioned.find()] == [1] * 5


async def test_a_new_document_does_not_replace_one_of_its_key(
    family: Family, mongo: Any
) -> None:
    await family(VersionedByName(name="a", text="x"), "save")
    with pytest.raises(ConcurrentModificationError):
        await family(VersionedByName(name="a", text="y"), "save")
    with pytest.raises(NotUniqueError):
        await family(VersionedByName(name="a", text="y"), "save", force_insert=True)
    assert mongo.versioned_by_name.find_one() == {"_id": "a", "text": "x", "number": 1}


async def test_a_document_made_of_its_key_and_version_replaces_that_version(
    family: Family, mongo: Any
) -> None:
    await family(VersionedByName(name="a", text="x"), "save")
    new = VersionedByName(name="a", text="y", number=1)
    await family(new, "save")
    stored = mongo.versioned_by_name.find_one()
    assert stored == {"_id": "a", "text": "y", "number": 2}
    assert new.number == 2
    with pytest.raises(ConcurrentModificationError):
        await family(VersionedByName(name="a", text="z", number=1), "save")


@pytest.mark.parametrize("write", SAVES)
async def test_a_document_whose_key_is_assigned_is_new(
    family: Family, mongo: Any, write: Any
) -> None:
    key = ObjectId()
    document = Versioned(name="a")
    document.id = key
    await write(family, document)
    assert stored(mongo, document)["v"] == document.version == 1
    other = Versioned(name="b")
    other.id = key
    with pytest.raises((ConcurrentModificationError, BulkOperationError)):
        await write(family, other)
    assert stored(mongo, document)["name"] == "a"


@pytest.mark.parametrize("default", [None, 0, 1])
@pytest.mark.parametrize("present", [None, 0])
async def test_documents_without_a_version_get_one(
    family: Family, mongo: Any, default: Any, present: Any
) -> None:
    class VersionedLater(Document):
        name = StringField()
        version = IntField(default=default)
        meta = {"version_field": "version"}

    raw = {"name": "a"} if present is None else {"name": "a", "version": present}
    mongo.versioned_later.insert_one(raw)
    first = await family(VersionedLater.objects, "first")
    second = await family(VersionedLater.objects, "first")
    first.name = "b"
    await family(first, "save")
    found = mongo.versioned_later.find_one()
    assert found["name"] == "b" and found["version"] == first.version >= 1
    second.name = "c"
    with pytest.raises(ConcurrentModificationError):
        await family(second, "save")


async def test_a_document_loaded_without_its_version_is_refused(
    family: Family, mongo: Any
) -> None:
    await made(family)
    query = Versioned.objects
    for part in (query.only("name"), query.exclude("version")):
        document = await family(part, "first")
        document.name = "b"
        assert document.version is None
        with pytest.raises(OperationError, match="version"):
            await family(document, "save")
        with pytest.raises(OperationError, match="version"):
            await family(document, "delete")
        assert document._get_changed_fields() == ["name"]
        await family(document, "update", set__other="x")
    document = await family(query.only("name", "version"), "first")
    document.name = "c"
    await family(document, "save")
    assert mongo.versioned.find_one()["name"] == "c"


# Lost answers

#: The write stands, and its answer is an error that proves nothing.
LOST = {
    "failCommands": ["update"],
    "writeConcernError": {"code": 64, "errmsg": "waiting timed out"},
}


@pytest.mark.parametrize("write", SAVES)
async def test_a_save_whose_answer_was_lost_can_be_repeated(
    family: Family, mongo: Any, write: Any
) -> None:
    document = await made(family)
    document.name = "b"
    with fail_command(mongo.client, **LOST), pytest.raises(Exception, match="waiting"):
        await write(family, document)
    await write(family, document)
    raw = stored(mongo, document)
    assert raw["name"] == "b" and raw["v"] == document.version


async def test_a_save_whose_answer_was_lost_does_not_overwrite_others(
    family: Family, mongo: Any
) -> None:
    document = await made(family)
    document.name = "b"
    with fail_command(mongo.client, **LOST), pytest.raises(Exception, match="waiting"):
        await family(document, "save")
    await update(family, document, set__name="c")
    with pytest.raises(ConcurrentModificationError):
        await family(document, "save")
    assert stored(mongo, document)["name"] == "c"


# Trying again


async def test_a_change_is_made_again_after_a_conflict(
    family: Family, mongo: Any
) -> None:
    first, second = await two(family)
    await update(family, first, push__tags="other")
    calls = []

    def change(document: Any) -> None:
        calls.append(list(document.tags))
        document.tags.append("own")

    assert await family(second, "save_with_retry", change) is second
    assert calls == [[], ["other"]]
    assert stored(mongo, first)["tags"] == ["other", "own"]


async def test_the_last_attempt_raises_the_conflict(family: Family, mongo: Any) -> None:
    document = await made(family)
    count = 0

    def change(changed: Any) -> None:
        nonlocal count
        count += 1
        mongo.versioned.update_one({}, {"$inc": {"v": 1}})
        changed.name = "b"

    with pytest.raises(ConcurrentModificationError):
        await family(document, "save_with_retry", change, attempts=3)
    assert count == 3
    assert document._get_changed_fields() == ["name"]
    with pytest.raises(ValueError, match="attempt"):
        await family(document, "save_with_retry", change, attempts=0)


async def test_changes_that_would_be_lost_are_refused(family: Family) -> None:
    document = await made(family)
    document.name = "b"
    with pytest.raises(OperationError, match="unsaved changes"):
        await family(document, "save_with_retry", lambda changed: None)
    assert document.name == "b"


async def test_a_change_may_be_a_coroutine_function(family: Family, mongo: Any) -> None:
    document = await made(family)

    async def change(changed: Any) -> None:
        changed.name = "b"

    if not family.is_async:
        with pytest.raises(RuntimeError, match="coroutine"):
            document.save_with_retry(change)
        return
    await document.async_save_with_retry(change)
    assert stored(mongo, document)["name"] == "b"


async def test_a_document_deleted_by_others_ends_the_attempts(family: Family) -> None:
    first, second = await two(family)
    await family(first, "delete")

    def change(document: Any) -> None:
        document.name = "b"

    with pytest.raises(Versioned.DoesNotExist):
        await family(second, "save_with_retry", change)


async def test_a_new_document_is_saved(family: Family, mongo: Any) -> None:
    def change(document: Any) -> None:
        document.name = "b"

    document = await family(Versioned(), "save_with_retry", change)
    assert stored(mongo, document)["name"] == "b"


async def test_receivers_of_signals_see_one_save(family: Family) -> None:
    seen = []

    def receive(sender: Any, document: Any, created: bool, **kwargs: Any) -> None:
        seen.append((document.version, created))

    with _signals.post_save.connected_to(receive, sender=Versioned):
        document = await made(family)
        document.name = "b"
        await family(document, "save")
    assert seen == [(1, True), (2, False)]


# Classes


def test_the_version_field_must_be_a_field_of_integers() -> None:
    with pytest.raises(InvalidDocumentError, match="none of its fields"):

        class VersionedNot(Document):
            meta = {"version_field": "version"}

    for field in (FloatField(), StringField(), IntField(primary_key=True)):
        with pytest.raises(InvalidDocumentError, match="IntField"):
            type(
                "VersionedWrongly",
                (Document,),
                {"version": field, "meta": {"version_field": "version"}},
            )


async def test_an_abstract_class_hands_its_version_field_down(
    family: Family, mongo: Any
) -> None:
    class VersionedBase(Document):
        version = IntField()
        meta = {"abstract": True, "version_field": "version"}

    class VersionedConcrete(VersionedBase):
        name = StringField()

    document = await family(VersionedConcrete(name="a"), "save")
    assert mongo.versioned_concrete.find_one()["version"] == document.version == 1


async def test_another_class_is_saved_unconditionally(
    family: Family, mongo: Any
) -> None:
    class Unversioned(Document):
        name = StringField()
        version = IntField()

    document = await family(Unversioned(name="a"), "save")
    document.name = "b"
    family.commands.clear()
    await family(document, "save")
    (command,) = family.commands
    assert command["updates"][0]["q"] == {"_id": document.id}
    assert document.version is None
