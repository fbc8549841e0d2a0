"""Upserts where several classes share a collection, in either family."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine.queryset.bulk import UpdateMany, UpdateOne
from tests.families import Family
from tests.queryset.models import QSAnimal, QSDog

pytestmark = pytest.mark.usefixtures("people")

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("update", {"set__name": "rex", "upsert": True}),
    ("update", {"__raw__": [{"$set": {"name": "rex"}}], "upsert": True}),
    ("update_one", {"set__name": "rex", "upsert": True}),
    ("upsert_one", {"set__name": "rex"}),
    ("modify", {"set__name": "rex", "upsert": True}),
]
OPERATIONS = [UpdateOne, UpdateMany]


def classes(people: Any) -> list[str]:
    return [raw.get("_cls") for raw in people.animal.find()]


@pytest.mark.parametrize(("name", "update"), CALLS)
async def test_an_upsert_leaves_a_stored_document_its_class(
    family: Family, people: Any, name: str, update: dict[str, Any]
) -> None:
    people.animal.insert_one({"_cls": "QSAnimal.QSDog", "name": "rex", "bark": "wow"})
    await family(QSAnimal.objects(name="rex"), name, **update)
    assert classes(people) == ["QSAnimal.QSDog"]
    loaded = await family(QSAnimal.objects, "get")
    assert (type(loaded), loaded.bark) == (QSDog, "wow")


@pytest.mark.parametrize("cls", [QSAnimal, QSDog])
@pytest.mark.parametrize(("name", "update"), CALLS)
async def test_what_an_upsert_inserts_is_found_again(
    family: Family, people: Any, name: str, update: dict[str, Any], cls: Any
) -> None:
    await family(cls.objects(name="rex"), name, **update)
    assert classes(people) == [cls._class_name]
    assert type(await family(cls.objects, "get")) is cls


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_bulk_upserts_leave_a_stored_document_its_class(
    family: Family, people: Any, operation: Any
) -> None:
    people.animal.insert_one({"_cls": "QSAnimal.QSDog", "name": "rex"})
    written = [operation({"name": "rex"}, {"set__name": "max"}, upsert=True)]
    written += [operation({"name": "tom"}, {"set__name": "tom"}, upsert=True)]
    await family(QSAnimal.objects, "bulk_write", written)
    assert classes(people) == ["QSAnimal.QSDog", "QSAnimal"]


async def test_a_class_in_a_raw_update_is_the_one_that_is_set(
    family: Family, people: Any
) -> None:
    raw = {"$setOnInsert": {"_cls": "QSAnimal.QSDog", "name": "rex"}}
    await family(QSAnimal.objects(name="rex"), "update", __raw__=raw, upsert=True)
    assert classes(people) == ["QSAnimal.QSDog"]
