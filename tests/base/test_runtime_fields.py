"""Fields that come to, or leave, a class that is in use."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    StringField,
)
from tests.families import Family


def add(cls: Any, name: str, field: Any) -> None:
    """Add a field to a class as applications do."""
    field.name = field.db_field = name
    field.owner_document = cls
    cls._fields[name] = field
    cls._fields_ordered += (name,)
    cls._db_field_map[name] = name
    cls._reverse_db_field_map[name] = name
    setattr(cls, name, field)


def remove(cls: Any, name: str) -> None:
    cls._fields.pop(name)
    cls._fields_ordered = tuple(n for n in cls._fields_ordered if n != name)
    cls._reverse_db_field_map.pop(cls._db_field_map.pop(name))
    delattr(cls, name)


def new_class() -> Any:
    class Sample(Document):
        name = StringField()
        num = IntField()
        meta = {"allow_inheritance": True}

    return Sample


async def test_an_added_field_is_stored_and_loaded(family: Family, mongo: Any) -> None:
    Sample = new_class()
    document = Sample(name="a")
    await family(document, "save")
    add(Sample, "extra", IntField())
    document.extra = 5
    await family(document, "save")
    assert mongo["sample"].find_one()["extra"] == 5
    found = await family(Sample.objects(extra="5"), "first")
    assert found.extra == found["extra"] == found._data["extra"] == 5
    assert found.to_mongo()["extra"] == 5
    await family(Sample(name="b", extra="7"), "save")
    assert mongo["sample"].find_one({"name": "b"})["extra"] == 7
    changed = await family(Sample.objects(name="b"), "update", extra="8")
    assert changed == 1
    assert mongo["sample"].find_one({"name": "b"})["extra"] == 8


def test_an_added_field_is_validated() -> None:
    Sample = new_class()
    loaded = Sample._from_son({"_id": None, "name": "a"})
    loaded.validate()
    add(Sample, "extra", IntField(required=True))
    with pytest.raises(Exception, match="extra"):
        loaded.validate()


def test_a_removed_field_is_left_out() -> None:
    Sample = new_class()
    document = Sample._from_son({"name": "a", "num": 1})
    made = Sample(name="b", num=2)
    remove(Sample, "num")
    assert document._data.pop("num") == 1
    assert "num" not in document.to_mongo()
    assert "num" not in made.to_mongo()
    assert "num" not in list(document)


def test_a_whole_new_mapping_of_fields() -> None:
    Sample = new_class()
    Sample(name="a").to_mongo()
    extra = IntField()
    extra.name = extra.db_field = "extra"
    Sample._fields = {**Sample._fields, "extra": extra}
    Sample._fields_ordered += ("extra",)
    Sample.extra = extra
    assert Sample(extra="3").to_mongo()["extra"] == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.pop("num"),
        lambda fields: fields.__delitem__("num"),
        lambda fields: fields.clear(),
        lambda fields: fields.update(num=StringField()),
        lambda fields: fields.setdefault("more", StringField()),
        lambda fields: fields.__ior__({"more": StringField()}),
    ],
)
def test_every_change_of_the_mapping_counts(change: Any) -> None:
    Sample = new_class()
    schema = Sample._schema
    change(Sample._fields)
    assert Sample._schema is not schema


def test_a_subclass_has_fields_of_its_own() -> None:
    Sample = new_class()

    class SubSample(Sample):  # type: ignore[misc, valid-type]
        pass

    Sample(name="a").to_mongo()
    SubSample(name="a").to_mongo()
    add(SubSample, "extra", IntField())
    assert SubSample(extra="3").to_mongo()["extra"] == 3
    assert "extra" not in Sample._schema.fields
    assert "extra" not in Sample._fields


def test_an_embedded_class_is_followed_from_its_owner() -> None:
    class SamplePart(EmbeddedDocument):
        name = StringField()

    class SampleOwner(Document):
        part = EmbeddedDocumentField(SamplePart)
        parts = ListField(EmbeddedDocumentField(SamplePart))

    raw = {"part": {"name": "a"}, "parts": [{"name": "b"}]}
    SampleOwner._from_son(raw).to_mongo()
    add(SamplePart, "extra", IntField())
    document = SampleOwner._from_son(
        {"part": {"name": "a", "extra": "1"}, "parts": [{"name": "b", "extra": "2"}]}
    )
    assert document.part.extra == 1
    assert document.to_mongo()["parts"] == [{"name": "b", "extra": 2}]


def test_the_fields_of_a_class_that_is_used_stay_one_schema() -> None:
    Sample = new_class()
    schema = Sample._schema
    Sample(name="a").validate()
    Sample._from_son({"name": "a"}).to_mongo()
    assert Sample._schema is schema


# Fields with a `__get__` of their own


class HalfField(IntField):
    def __get__(self, instance: Any, owner: Any) -> Any:
        return super().__get__(instance, owner) / 2


async def test_a_field_is_not_read_through_the_class(family: Family) -> None:
    class Cup(Document):
        size = HalfField()
        key = HalfField(primary_key=True)

    await family(Cup(key=4, size=5), "save")
    found = await family(Cup.objects(size=5), "first")
    assert found.size == 2.5
    assert found.key == 2
