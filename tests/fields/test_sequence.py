"""SequenceField: numbers from a counter, each given out once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    SequenceField,
    StringField,
)
from mongoengine.driver.io import WrongFamilyError

from .helpers import document_with


def counters(db: Any) -> dict[str, int]:
    return {found["_id"]: found["next"] for found in db["mongoengine.counters"].find()}


def test_each_document_gets_the_next_number(db: Any) -> None:
    Holder = document_with(SequenceField())
    assert [Holder().save().value for _ in range(3)] == [1, 2, 3]
    assert counters(db) == {"holder.value": 3}


def test_a_number_is_taken_when_the_field_is_read(db: Any) -> None:
    holder = document_with(SequenceField())()
    assert counters(db) == {}
    assert holder.value == 1
    assert holder.value == 1
    assert holder.save().value == 1
    assert counters(db) == {"holder.value": 1}


def test_as_a_primary_key(db: Any) -> None:
    Holder = document_with(SequenceField(primary_key=True))
    Holder().save()
    Holder().save()
    assert [found["_id"] for found in db["holder"].find()] == [1, 2]


def test_a_given_number_takes_none(db: Any) -> None:
    Holder = document_with(SequenceField())
    assert Holder(value=50).save().value == 50
    assert counters(db) == {}


def test_assigning_none_takes_the_next_number(db: Any) -> None:
    holder = document_with(SequenceField())().save()
    holder.value = None
    assert holder.value == 2


def test_a_name_shares_a_counter_between_classes(db: Any) -> None:
    Holder = document_with(SequenceField(sequence_name="jobs"))

    class Other(Document):
        value = SequenceField(sequence_name="jobs")

    assert [Holder().save().value, Other().save().value] == [1, 2]
    assert counters(db) == {"jobs.value": 2}


def test_a_collection_of_ones_own(db: Any) -> None:
    document_with(SequenceField(collection_name="numbers"))().save()
    assert db["numbers"].find_one() == {"_id": "holder.value", "next": 1}


def test_a_decorator_makes_the_value(db: Any) -> None:
    Holder = document_with(SequenceField(value_decorator="N{}".format))
    Holder().save()
    assert db["holder"].find_one()["value"] == "N1"
    assert Holder.objects(value=1).count() == 1


def test_the_counter_can_be_looked_at_and_set(db: Any) -> None:
    field = document_with(SequenceField()).value
    assert field.get_next_value() == 1
    assert field.generate() == 1
    assert field.set_next_value(100) == 100
    assert field.get_next_value() == 101
    assert field.generate() == 101


def test_names_of_sequences() -> None:
    class AbstractBase(Document):
        value = SequenceField()
        meta = {"abstract": True}

    class Child(AbstractBase):
        meta = {"collection": "children"}

    class EmbeddedThing(EmbeddedDocument):
        value = SequenceField()

    assert document_with(SequenceField()).value.get_sequence_name() == "holder"
    assert AbstractBase.value.get_sequence_name() == "abstract_base"
    assert Child.value.get_sequence_name() == "abstract_base"
    assert EmbeddedThing.value.get_sequence_name() == "embedded_thing"


class NumberedTask(EmbeddedDocument):
    number = SequenceField()


def test_in_embedded_documents(db: Any) -> None:
    Holder = document_with(
        EmbeddedDocumentField(NumberedTask),
        others=ListField(EmbeddedDocumentField(NumberedTask)),
    )
    Holder(value=NumberedTask(), others=[NumberedTask(), NumberedTask()]).save()
    stored = db["holder"].find_one()
    assert stored["value"] == {"number": 1}
    assert stored["others"] == [{"number": 2}, {"number": 3}]


def test_a_partial_document_takes_a_number_when_touched(db: Any) -> None:
    Holder = document_with(SequenceField(), name=StringField())
    Holder(name="x").save()
    partial = Holder.objects.only("name").get()
    assert partial.value == 2
    assert partial._get_changed_fields() == ["value"]


def test_validating_takes_no_number(db: Any) -> None:
    document_with(SequenceField(required=True))().validate()
    assert counters(db) == {}


def test_threads_never_get_the_same_number(db: Any) -> None:
    field = document_with(SequenceField()).value
    taken: list[int] = []

    def take() -> None:
        taken.extend(field.generate() for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == 100


async def test_async_saves_take_numbers(async_db: Any) -> None:
    Holder = document_with(SequenceField())
    saved = await asyncio.gather(*(Holder().async_save() for _ in range(10)))
    numbers = {holder.value for holder in saved}
    assert len(numbers) == 10
    counter = await async_db["mongoengine.counters"].find_one({"_id": "holder.value"})
    assert counter["next"] == max(numbers)


async def test_touching_does_not_block_in_async_code(async_db: Any) -> None:
    Holder = document_with(SequenceField())
    holder = Holder()
    assert holder.value is None
    holder.value = None
    await holder.async_save()
    assert holder.value == 1


async def test_nor_where_the_alias_is_open_both_ways(both: Any) -> None:
    holder = document_with(SequenceField())()
    assert holder.value is None
    await holder.async_save()
    assert holder.value == 1


async def test_the_counter_in_async_code(async_db: Any) -> None:
    field = document_with(SequenceField(value_decorator=str)).value
    assert await field.async_get_next_value() == "1"
    assert await field.async_generate() == "1"
    assert await field.async_set_next_value(100) == "100"
    assert await field.async_generate() == "101"


async def test_numbers_in_embedded_documents_in_async_code(async_db: Any) -> None:
    Holder = document_with(ListField(EmbeddedDocumentField(NumberedTask)))
    await Holder(value=[NumberedTask(), NumberedTask()]).async_save()
    stored = await async_db["holder"].find_one()
    assert stored["value"] == [{"number": 1}, {"number": 2}]


async def test_the_blocking_family_on_an_async_alias(async_db: Any) -> None:
    field = document_with(SequenceField()).value
    with pytest.raises(WrongFamilyError, match=r"Use async_generate\(\)"):
        field.generate()


async def test_the_async_family_on_a_blocking_alias(db: Any) -> None:
    field = document_with(SequenceField()).value
    with pytest.raises(WrongFamilyError, match=r"Use generate\(\)"):
        await field.async_generate()


async def test_numbers_of_inserted_documents_in_async_code(async_db: Any) -> None:
    Holder = document_with(SequenceField())
    inserted = await Holder.objects.async_insert([Holder(), Holder()])
    assert [holder.value for holder in inserted] == [1, 2]
