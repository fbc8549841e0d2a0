"""A new kind of field is one class in one file: `version_field`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    ValidationError,
)
from mongoengine.errors import InvalidDocumentError
from tests.families import Family
from tests.fields import version_field
from tests.fields.version_field import VersionField


class VersionedPart(EmbeddedDocument):
    since = VersionField(db_field="s")


class VersionedThing(Document):
    version = VersionField(db_field="v")
    others = ListField(VersionField())
    part = EmbeddedDocumentField(VersionedPart)


async def _save(family: Family, *versions: str) -> None:
    for version in versions:
        part = VersionedPart(since=version)
        thing = VersionedThing(version=version, others=[version], part=part)
        await family(thing, "save")


def test_the_field_is_one_short_file() -> None:
    assert len(inspect.getsource(version_field).splitlines()) <= 40


async def test_its_values_are_stored_and_loaded(family: Family, mongo: Any) -> None:
    await _save(family, "3.12")
    stored = mongo["versioned_thing"].find_one()
    assert stored["v"] == [3, 12]
    assert stored["others"] == [[3, 12]]
    assert stored["part"] == {"s": [3, 12]}
    thing = await family(VersionedThing.objects, "first")
    assert thing.version == thing.others[0] == thing.part.since == (3, 12)


@pytest.mark.parametrize("keyword", ["version", "part__since"])
async def test_its_operator_can_be_queried(family: Family, keyword: str) -> None:
    await _save(family, "2.7", "3.9", "3.12", "4.0")
    query = VersionedThing.objects(**{f"{keyword}__series": "3"}).order_by("version")
    found = await family(query, "to_list")
    assert [thing.version for thing in found] == [(3, 9), (3, 12)]


async def test_its_values_can_be_compared_and_updated(family: Family) -> None:
    await _save(family, "3.9", "3.12")
    newer = VersionedThing.objects(version__gt="3.9")
    assert await family(newer, "count") == 1
    await family(newer, "update", version="4.0")
    assert await family(VersionedThing.objects(version="4.0"), "count") == 1


def test_its_values_are_validated() -> None:
    with pytest.raises(ValidationError, match="only accepts versions"):
        VersionedThing(version=()).validate()


def test_bad_data_raises_where_it_is_loaded() -> None:
    with pytest.raises(InvalidDocumentError, match="version"):
        VersionedThing._from_son({"v": ["three"]})
