"""Creating indexes, and comparing what is declared with what is there."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    IntField,
    LookUpError,
    StringField,
)
from mongoengine.operations import indexes as _indexes
from tests.families import Family


class IndexedBase(Document):
    name = StringField(unique=True)
    size = IntField()
    colour = StringField()
    meta = {
        "allow_inheritance": True,
        "indexes": ["size", ("colour", "-size")],
        "index_opts": {"expireAfterSeconds": 50},
        "index_background": True,
    }


class IndexedSub(IndexedBase):
    weight = IntField(unique_with="size")
    meta = {"indexes": ["weight"]}


class IndexedByHand(Document):
    size = IntField()
    meta = {"indexes": ["size"], "auto_create_index": False}


class IndexedOnSave(Document):
    size = IntField()
    meta = {
        "indexes": ["size"],
        "auto_create_index": False,
        "auto_create_index_on_save": True,
    }


class IndexedOptions(Document):
    size = IntField()
    meta = {
        "allow_inheritance": True,
        "index_cls": False,
        "indexes": [{"fields": ["size"], "cls": False, "sparse": True, "name": "own"}],
    }


class IndexedClassOnly(Document):
    meta = {"allow_inheritance": True}


class IndexedText(Document):
    title = StringField()
    body = StringField()
    size = IntField()
    meta = {"indexes": [{"fields": ["size", "$title", "$body"]}]}


class IndexedAbstract(Document):
    meta = {"abstract": True}


BASE_KEYS = [
    [("_cls", 1), ("size", 1)],
    [("_cls", 1), ("colour", 1), ("size", -1)],
    [("name", 1)],
]
SUB_KEYS = [[("_cls", 1), ("weight", 1)], [("weight", 1), ("size", 1)]]
BY_ID, BY_CLASS = [("_id", 1)], [("_cls", 1)]


def created(family: Family) -> list[dict[str, Any]]:
    return [
        spec
        for command in family.commands
        if "createIndexes" in command
        for spec in command["indexes"]
    ]


async def test_indexes_are_created_on_first_use(family: Family) -> None:
    await family(IndexedBase.objects, "first")
    common = {"background": True, "expireAfterSeconds": 50}
    assert created(family) == [
        {"key": {"_cls": 1, "size": 1}, "name": "_cls_1_size_1", **common},
        {
            "key": {"_cls": 1, "colour": 1, "size": -1},
            "name": "_cls_1_colour_1_size_-1",
            **common,
        },
        {
            "key": {"name": 1},
            "name": "name_1",
            "unique": True,
            "sparse": False,
            **common,
        },
    ]
    await family(IndexedBase.objects, "first")
    await family(IndexedBase(name="x", size=1), "save")
    assert created(family) == []


async def test_none_makes_the_class_open_its_collection_again(family: Family) -> None:
    await family(IndexedBase.objects, "first")
    assert created(family)
    IndexedBase._collection = None
    await family(IndexedBase.objects, "first")
    assert created(family)


async def test_indexes_by_hand(family: Family) -> None:
    await family(IndexedByHand(size=1), "save")
    assert created(family) == []
    await family(IndexedByHand, "ensure_indexes")
    (index,) = created(family)
    assert index == {"key": {"size": 1}, "name": "size_1", "background": False}


async def test_indexes_on_every_save_but_the_first(family: Family) -> None:
    document = IndexedOnSave(size=1)
    await family(document, "save")
    assert created(family) == []
    await family(document, "save")
    assert len(created(family)) == 1


async def test_options_of_an_index(family: Family) -> None:
    await family(IndexedOptions, "ensure_indexes")
    specs = created(family)
    assert {"name": "own", "key": {"size": 1}, "background": False, "sparse": True} in (
        specs
    )
    assert not any("cls" in spec for spec in specs)
    assert {"_cls": 1} not in [spec["key"] for spec in specs]


async def test_class_is_indexed_where_no_other_index_begins_with_it(
    family: Family,
) -> None:
    await family(IndexedClassOnly, "ensure_indexes")
    assert created(family)[-1]["key"] == {"_cls": 1}


async def test_create_index(family: Family) -> None:
    name = await family(IndexedBase, "create_index", ["colour"], sparse=True)
    assert name == "_cls_1_colour_1"
    assert created(family)[-1] == {
        "key": {"_cls": 1, "colour": 1},
        "name": name,
        "background": False,
        "sparse": True,
    }
    with pytest.raises(LookUpError, match=r'^Cannot resolve field "bogus"$'):
        await family(IndexedBase, "create_index", "bogus")


async def test_list_indexes_includes_relatives(family: Family) -> None:
    of_base = await family(IndexedBase, "list_indexes")
    of_sub = await family(IndexedSub, "list_indexes")
    expected = [*BASE_KEYS, *SUB_KEYS, BY_ID, BY_CLASS]
    for listed in (of_base, of_sub):
        assert sorted(map(str, listed)) == sorted(map(str, expected))
        assert listed[-2:] == [BY_ID, BY_CLASS]
    assert await family(IndexedAbstract, "list_indexes") == []
    assert family.commands == []


async def test_compare_indexes(family: Family, mongo: Any) -> None:
    await family(IndexedBase, "ensure_indexes")
    mongo.indexed_base.create_index("surprise")
    compared = await family(IndexedBase, "compare_indexes")
    assert compared["extra"] == [[("surprise", 1)]]
    assert sorted(map(str, compared["missing"])) == sorted(map(str, SUB_KEYS))

    mongo.indexed_base.drop_index("surprise_1")
    await family(IndexedSub, "ensure_indexes")
    assert await family(IndexedSub, "compare_indexes") == {"missing": [], "extra": []}


async def test_class_index_is_missing_only_where_nothing_replaces_it(
    family: Family, mongo: Any
) -> None:
    await family(IndexedClassOnly, "ensure_indexes")
    mongo.indexed_class_only.drop_index("_cls_1")
    compared = await family(IndexedClassOnly, "compare_indexes")
    assert compared == {"missing": [BY_CLASS], "extra": []}


def test_text_index_of_several_fields_is_told_by_its_weights() -> None:
    # As the server tells of it; the embedded server has no text indexes.
    stored = {
        "key": [("size", 1), ("_fts", "text"), ("_ftsx", 1)],
        "weights": {"body": 1, "title": 1},
    }
    keys = _indexes.keys_of(stored)
    assert keys == [("size", 1), ("body", "text"), ("title", "text")]
    (declared, _) = IndexedText.list_indexes()
    assert declared == [("size", 1), ("title", "text"), ("body", "text")]
    assert _indexes._comparable(keys) == _indexes._comparable(declared)
