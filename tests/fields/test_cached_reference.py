"""CachedReferenceField: copies of fields, and how they are kept up to date."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    CachedReferenceField,
    Document,
    DoesNotExist,
    EmbeddedDocument,
    IntField,
    ListField,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.errors import InvalidDocumentError
from tests.families import Family, SentCommands

KEY = ObjectId("5f0000000000000000000001")

pytest.importorskip("blinker", reason="copies are synced by signals")


class CacheAnimal(Document):
    name = StringField()
    tag = StringField(db_field="t")
    age = IntField()


class CacheVisit(Document):
    animal = CachedReferenceField(CacheAnimal, fields=["name", "tag"])


class CacheManual(Document):
    animal = CachedReferenceField("CacheAnimal", fields=["name"], auto_sync=False)


class CacheWhole(Document):
    animal = CachedReferenceField(CacheAnimal, auto_sync=False)


@pytest.fixture
def rex(connection: Any) -> CacheAnimal:
    return CacheAnimal(name="Rex", tag="a", age=3).save()


@pytest.mark.parametrize("given", [3, None, EmbeddedDocument])
def test_document_type_must_be_a_document_class_or_a_name(given: Any) -> None:
    with pytest.raises(ValidationError, match="Argument to CachedReferenceField cons"):
        CachedReferenceField(given)


def test_not_in_embedded_documents() -> None:
    with pytest.raises(InvalidDocumentError):

        class CacheBad(EmbeddedDocument):
            animal = CachedReferenceField(CacheAnimal)


def test_stores_the_key_and_the_fields(db: Any, rex: CacheAnimal) -> None:
    CacheVisit(animal=rex).save()
    stored = db.cache_visit.find_one()["animal"]
    assert stored == {"_id": rex.id, "name": "Rex", "t": "a"}


def test_stores_all_fields_where_none_are_named(db: Any, rex: CacheAnimal) -> None:
    CacheWhole(animal=rex).save()
    stored = db.cache_whole.find_one()["animal"]
    assert stored == {"_id": rex.id, "name": "Rex", "t": "a", "age": 3}


def test_to_mongo_in_the_names_of_the_class(rex: CacheAnimal) -> None:
    dumped = CacheVisit.animal.to_mongo(rex, use_db_field=False)
    assert dumped == {"_id": rex.id, "name": "Rex", "tag": "a"}
    dumped = CacheVisit.animal.to_mongo(rex, fields=["tag"])
    assert dumped == {"_id": rex.id, "t": "a"}


def test_loading_loads_the_document(
    rex: CacheAnimal, sent_commands: SentCommands
) -> None:
    CacheVisit(animal=rex).save()
    sent_commands.clear()
    visit = CacheVisit.objects.get()
    assert sent_commands.names == ["find", "find"]
    assert visit.animal.age == 3
    assert len(sent_commands.names) == 2


def test_a_copy_of_a_missing_document_cannot_be_loaded(db: Any) -> None:
    db.cache_visit.insert_one({"animal": {"_id": KEY, "name": "Rex"}})
    with pytest.raises(InvalidDocumentError, match="Field 'animal'"):
        CacheVisit.objects.get()


def test_a_dbref_is_followed(rex: CacheAnimal) -> None:
    visit = CacheVisit(animal=DBRef("cache_animal", rex.id))
    assert visit.animal == rex
    assert visit.animal is visit.animal


def test_a_dbref_to_nothing(connection: Any) -> None:
    visit = CacheVisit(animal=DBRef("cache_animal", KEY))
    with pytest.raises(DoesNotExist, match="Trying to dereference unknown document"):
        _ = visit.animal


@pytest.mark.parametrize("value", [KEY, "x", {"_id": KEY}, DBRef("cache_animal", KEY)])
def test_only_documents_are_accepted(value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        CacheVisit.animal.validate(value)
    assert str(caught.value) == "A CachedReferenceField only accepts documents"
    with pytest.raises(ValidationError, match="Only accept a document object"):
        CacheVisit.animal.to_mongo(value)
    with pytest.raises(NotImplementedError):
        CacheVisit.animal.prepare_query_value(None, value)


def test_unsaved_documents_are_refused() -> None:
    field = CacheVisit.animal
    for refuse in (field.validate, field.to_mongo):
        with pytest.raises(ValidationError, match="'CacheAnimal' you are trying to"):
            refuse(CacheAnimal())


def test_queries_by_the_copies(rex: CacheAnimal) -> None:
    CacheVisit(animal=rex).save()
    assert CacheVisit.objects(animal__name="Rex").count() == 1
    assert CacheVisit.objects(animal__tag="b").count() == 0
    assert CacheVisit.objects(animal=rex).count() == 1


# In both families


async def test_saving_updates_the_copies(family: Family, mongo: Any) -> None:
    rex = CacheAnimal(name="Rex", tag="a")
    await family(rex, "save")
    await family(CacheVisit(animal=rex), "save")
    rex.name, rex.age = "Max", 4
    family.commands.clear()
    await family(rex, "save")
    sent = [command["update"] for command in family.commands if "update" in command]
    assert sent == ["cache_animal", "cache_visit"]
    stored = mongo.cache_visit.find_one()["animal"]
    assert stored == {"_id": rex.id, "name": "Max", "t": "a"}


async def test_saving_other_fields_updates_nothing(family: Family) -> None:
    rex = CacheAnimal(name="Rex")
    await family(rex, "save")
    rex.age = 4
    _ = family.commands
    await family(rex, "save")
    assert family.command_names == ["update"]


async def test_no_copies_are_updated_without_auto_sync(
    family: Family, mongo: Any
) -> None:
    rex = CacheAnimal(name="Rex")
    await family(rex, "save")
    await family(CacheManual(animal=rex), "save")
    rex.name = "Max"
    await family(rex, "save")
    assert mongo.cache_manual.find_one()["animal"]["name"] == "Rex"


async def test_sync_all(family: Family, mongo: Any) -> None:
    for name in ("Rex", "Max"):
        animal = CacheAnimal(name=name)
        await family(animal, "save")
        await family(CacheManual(animal=animal), "save")
    mongo.cache_animal.update_many({}, {"$set": {"name": "changed"}})
    await family(CacheManual.animal, "sync_all")
    names = [stored["animal"]["name"] for stored in mongo.cache_manual.find()]
    assert names == ["changed", "changed"]


async def test_a_listener_hears_in_either_family(family: Family) -> None:
    heard = []

    class CacheSource(Document):
        name = StringField()

    class CacheHolder(Document):
        source = CachedReferenceField(CacheSource, fields=["name"], auto_sync=False)

    CacheHolder.source.start_listener()
    signals.post_save.connect(
        lambda sender, document, **_: heard.append(document.name),
        sender=CacheSource,
        weak=False,
    )
    source = CacheSource(name="a")
    await family(source, "save")
    await family(CacheHolder(source=source), "save")
    source.name = "b"
    await family(source, "save")
    assert heard == ["a", "b"]


async def test_async_loading_reads_only_the_copy(async_connection: Any) -> None:
    rex = await CacheAnimal(name="Rex", tag="a", age=3).async_save()
    await CacheVisit(animal=rex).async_save()
    visit = await CacheVisit.objects.async_get()
    assert repr(visit.animal) == "<AsyncReferenceProxy: animal (unfetched)>"
    assert visit.to_mongo()["animal"] == {"_id": rex.id, "name": "Rex", "t": "a"}
    visit.validate()
    visit.animal = visit.animal
    assert visit._changed_fields == []
    assert (await visit.animal).age == 3
    assert visit.animal.age == 3


async def test_async_queries_take_a_proxy(async_connection: Any) -> None:
    rex = await CacheAnimal(name="Rex", tag="a").async_save()
    await CacheVisit(animal=rex).async_save()
    visit = await CacheVisit.objects.async_get()
    assert await CacheVisit.objects(animal=visit.animal).async_count() == 1
    await CacheVisit().async_save()
    await CacheVisit.objects.async_update(animal=visit.animal)
    assert await CacheVisit.objects(animal__name="Rex").async_count() == 2


async def test_async_lists_of_copies(async_connection: Any) -> None:
    class CacheHerd(Document):
        animals = ListField(CachedReferenceField(CacheAnimal, fields=["name"]))

    rex = await CacheAnimal(name="Rex").async_save()
    await CacheHerd(animals=[rex]).async_save()
    herd = await CacheHerd.objects.async_get()
    assert herd.to_mongo()["animals"] == [{"_id": rex.id, "name": "Rex"}]
    assert await herd.animals.async_fetch() == [rex]
    assert herd.animals[0].name == "Rex"
