"""`F()`: values that the server computes, in filters, updates and pipelines."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from mongoengine import (
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    F,
    IntField,
    InvalidQueryError,
    ListField,
    Q,
    ReferenceField,
    StringField,
)
from mongoengine.queryset.bulk import UpdateMany
from mongoengine.queryset.transform import query, update
from tests.families import Family

pytestmark = pytest.mark.usefixtures("goods")


class Maker(EmbeddedDocument):
    name = StringField(db_field="nm")
    limit = IntField()


class ItemPart(EmbeddedDocument):
    price = IntField(db_field="p")


class Good(Document):
    name = StringField()
    price = IntField(db_field="pr")
    limit = IntField()
    total = IntField()
    cost = DecimalField()
    made = DateTimeField()
    due = DateTimeField()
    scores = ListField(IntField())
    tags = ListField(StringField())
    more = DictField()
    maker = EmbeddedDocumentField(Maker, db_field="mk")
    parts = EmbeddedDocumentListField(ItemPart)
    owner = ReferenceField("self")
    meta = {"collection": "good", "ordering": ["name"]}


NOON = datetime.datetime(2024, 1, 1, 12)


@pytest.fixture
def goods(family: Family, mongo: Any) -> Any:
    mongo.good.insert_many(
        [
            {"name": "a", "pr": 10, "limit": 4, "scores": [1, 30], "tags": ["a"]},
            {"name": "b", "pr": 10, "limit": 5, "mk": {"nm": "b", "limit": 3}},
            {"name": "c", "pr": 10, "limit": 6, "parts": [{"p": 2}, {"p": 20}]},
            {"name": "d", "pr": 10, "made": NOON, "due": NOON.replace(hour=14)},
            {"name": "e", "limit": 7},
        ]
    )
    return mongo.good


async def names(family: Family, queryset: Any) -> str:
    return "".join(item.name for item in await family(queryset, "to_list"))


# Filters


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"price__gt": F("limit") * 2}, "a"),
        ({"price__gte": F("limit") * 2}, "ab"),
        ({"price__lt": F("limit") * 2}, "c"),
        ({"price__lte": F("limit") * 2}, "bc"),
        ({"price": F("limit") * 2}, "b"),
        ({"price__ne": F("limit") * 2}, "acde"),
        ({"price__not__gt": F("limit") * 2}, "bcde"),
        ({"price": 2 * F("limit") + 2}, "a"),
        ({"price": 16 - F("limit")}, "c"),
        ({"price": F("limit") - -4}, "c"),
        ({"limit": F("price") / 2}, "b"),
        ({"limit": 40 / F("price")}, "a"),
        ({"limit": F("price") % 6}, "a"),
        ({"limit": 15 % F("price")}, "b"),
        ({"price__gt": (F("limit") + F("limit")) * (F("price") / 10)}, "a"),
        ({"price": -F("limit") + 16}, "c"),
        ({"name": F("maker__name")}, "b"),
        ({"maker__name": F("name")}, "b"),
        ({"limit__gt": F("maker__limit")}, "b"),
        ({"limit__gt": F("maker.limit")}, "b"),
        ({"due__gt": F("made") + datetime.timedelta(hours=1)}, "d"),
        ({"due__gt": F("made") + datetime.timedelta(hours=3)}, ""),
        ({"scores__gt": F("price")}, "a"),
        ({"scores": F("limit") - 3}, "a"),
        ({"parts__price__gt": F("price")}, "c"),
        ({"parts__1__price__gt": F("price")}, "c"),
        ({"parts__0__price__gt": F("price")}, ""),
        ({"name__in": F("tags")}, "a"),
        ({"name__nin": F("tags")}, "bcde"),
        ({"price__in": [F("limit") * 2, 77]}, "b"),
        ({"limit__in": (4, F("price") - 4)}, "ac"),
        ({"limit__nin": [4, F("price") - 4], "price": 10}, "bd"),
        ({"scores__in": [F("limit") - 3, 5]}, "a"),
        ({"parts__price__in": {F("price") * 2}}, "c"),
        ({"cost__in": ["1.5", F("limit")], "name": "a"}, ""),
        ({"scores": [F("limit") - 3, 30]}, "a"),
        ({"price__gt": F("limit"), "name__in": ["b", "e"]}, "b"),
        ({"price__gt": F("limit"), "limit__lt": F("price") / 2}, "a"),
        ({"price__gt": F("limit"), "__raw__": {"$expr": {"$gt": ["$limit", 4]}}}, "bc"),
    ],
)
async def test_a_filter_compares_a_field_with_a_computed_value(
    family: Family, conditions: dict[str, Any], expected: str
) -> None:
    assert await names(family, Good.objects(**conditions)) == expected
    assert await family(Good.objects(**conditions), "count") == len(expected)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(price__gt=F("limit") * 2) | Q(name="e"), "ae"),
        (Q(price__gt=F("limit") * 2) & Q(price__gt=F("limit")), "a"),
        (Q(price__gt=F("limit")) & Q(price__gt=F("limit") * 2), "a"),
        (~Q(price__gt=F("limit") * 2), "bcde"),
        (~(Q(price__gt=F("limit") * 2) | Q(name="e")), "bcd"),
        (Q(price__gt=F("limit"), name="c") | Q(limit=F("price") / 2), "bc"),
    ],
)
async def test_computed_values_stand_in_q(
    family: Family, condition: Q, expected: str
) -> None:
    assert await names(family, Good.objects(condition)) == expected


async def test_a_computed_filter_is_an_ordinary_find(family: Family) -> None:
    await family(Good.objects(price__gt=F("limit") * 2), "first")
    command = family.commands[0]
    assert command["find"] == "good"
    assert list(command["filter"]) == ["$expr"]
    assert {"$multiply": ["$limit", 2]} in command["filter"]["$expr"]["$gt"][1][
        "$ifNull"
    ]


async def test_a_computed_filter_deletes_and_updates(
    family: Family, goods: Any
) -> None:
    assert await family(Good.objects(price__gt=F("limit") * 2), "delete") == 1
    assert await family(Good.objects(limit=F("price") / 2), "update", total=1) == 1
    assert [raw["name"] for raw in goods.find({"total": 1})] == ["b"]


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"name__contains": F("name")}, "F.. takes part in"),
        ({"price__gt": F("nothing")}, 'Cannot resolve field "nothing"'),
        ({"price__gt": F("scores")}, "one value"),
        ({"price__gt": F("scores") * 2}, "several values"),
        ({"price__in": F("limit")}, "several values"),
    ],
)
async def test_what_cannot_be_compared_is_an_error(
    conditions: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidQueryError, match=text):
        _ = Good.objects(**conditions)._query


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"scores__all": [F("limit")]}, "cannot be compared with .*'limit'"),
        ({"price__in": [F("scores")]}, "several values in a document"),
        ({"price__gt": [F("limit")]}, "takes one value"),
        ({"price__in": [F("nope")]}, "Cannot resolve field"),
    ],
)
def test_computed_values_in_a_list_that_cannot_be(
    conditions: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidQueryError, match=text):
        Good.objects(**conditions)._query


@pytest.mark.parametrize(
    "change",
    [
        {"set__scores": [F("price"), 1]},
        {"push_all__scores": [F("price")]},
        {"add_to_set__scores": (F("price"),)},
        {"set__more": {"a": F("price")}},
    ],
)
def test_a_computed_value_is_no_part_of_another(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidQueryError, match="whole value, not for a part of one"):
        update(Good, **change)


def test_a_computed_value_needs_a_class_and_a_name() -> None:
    with pytest.raises(InvalidQueryError, match="needs a document class"):
        query(price=F("limit"))
    with pytest.raises(InvalidQueryError, match="needs a document class"):
        update(set__price=F("limit"))
    with pytest.raises(TypeError, match="name of a field"):
        F(1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no value to compare"):
        bool(F("a") + 1)


def test_computed_values_show_and_compare() -> None:
    assert repr(F("a") * 2 + F("b")) == "((F('a') * 2) + F('b'))"
    assert F("a") * 2 == F("a") * 2
    assert F("a") * 2 != F("a") * 3
    assert F("a") != F("b")
    assert len({F("a"), F("a"), F("b"), F("a") + 1, F("a") + 1}) == 3


# Updates


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"set__total": F("price") + F("limit")}, {"total": 14}),
        ({"total": F("price") * 2}, {"total": 20}),
        ({"inc__limit": F("price")}, {"limit": 14}),
        ({"dec__limit": F("price")}, {"limit": -6}),
        ({"mul__limit": F("price")}, {"limit": 40}),
        ({"min__limit": F("price") - 8}, {"limit": 2}),
        ({"max__limit": F("price")}, {"limit": 10}),
        ({"inc__total": F("price")}, {"total": 10}),
        ({"push__scores": F("price")}, {"scores": [1, 30, 10]}),
        ({"add_to_set__scores": F("price") + 20}, {"scores": [1, 30]}),
        ({"add_to_set__scores": F("price")}, {"scores": [1, 30, 10]}),
        ({"set__maker__name": F("name")}, {"mk": {"nm": "a"}}),
        ({"price": F("limit"), "limit": F("price")}, {"pr": 4, "limit": 10}),
        ({"total": F("price"), "inc__price": 1}, {"total": 10, "pr": 11}),
        ({"total": F("price"), "dec__price": 1}, {"total": 10, "pr": 9}),
        ({"total": F("price"), "unset__price": 1}, {"total": 10, "pr": None}),
        ({"total": F("price"), "set__name": "$x"}, {"total": 10, "name": "$x"}),
        ({"total": F("price"), "push__tags": "$b"}, {"tags": ["a", "$b"]}),
        (
            {"total": F("price"), "push_all__tags": ["b", "c"]},
            {"tags": ["a", "b", "c"]},
        ),
        ({"total": F("price"), "add_to_set__tags": "a"}, {"tags": ["a"]}),
        ({"total": F("price"), "add_to_set__tags": ["a", "z"]}, {"tags": ["a", "z"]}),
        ({"total": F("price"), "max__limit": 9}, {"limit": 9}),
        ({"total": F("price"), "more": {"x": "$y"}}, {"more": {"x": "$y"}}),
        ({"name": F("name") + "-" + F("name")}, {"name": "a-a"}),
        ({"name": F("name") + F("name")}, {"name": "aa"}),
    ],
)
async def test_an_update_computes_values(
    family: Family, goods: Any, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert await family(Good.objects(name="a"), "update", **changes) == 1
    stored = goods.find_one({"limit": {"$exists": True}}, sort=[("_id", 1)])
    assert {name: stored.get(name) for name in expected} == expected
    assert family.command_names == ["update"]


async def test_a_computed_decimal_is_stored_as_its_field_stores_it(
    family: Family, goods: Any
) -> None:
    await family(Good.objects(name="a"), "update", cost=Decimal("2.5"))
    await family(Good.objects(name="a"), "update", cost=F("cost") * Decimal("1.5"))
    assert goods.find_one({"name": "a"})["cost"] == 3.75


async def test_every_update_of_a_queryset_takes_computed_values(
    family: Family, goods: Any
) -> None:
    first = Good.objects(name="a")
    assert await family(first, "update_one", total=F("price") + 1) == 1
    assert goods.find_one({"name": "a"})["total"] == 11
    changed = await family(first, "modify", total=F("total") + 1, new=True)
    assert changed.total == 12
    assert (await family(first, "upsert_one", total=F("total") + 1)).total == 13
    operation = UpdateMany({"name": "a"}, {"total": F("total") + 1})
    await family(Good.objects, "bulk_write", [operation])
    assert goods.find_one({"name": "a"})["total"] == 14


async def test_an_upsert_inserts_computed_values(family: Family, goods: Any) -> None:
    missing = Good.objects(name="new")
    made = await family(missing, "upsert_one", set__limit=3, inc__total=F("price"))
    assert (made.name, made.limit) == ("new", 3)


async def test_a_document_takes_computed_values(family: Family, goods: Any) -> None:
    good = await family(Good.objects, "first")
    await family(good, "update", total=F("price") * 3)
    assert goods.find_one({"name": "a"})["total"] == 30
    assert await family(good, "modify", {"name": "a"}, total=F("total") + 1)
    assert good.total == 31


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"total": F("price"), "set_on_insert__limit": 1}, "setOnInsert"),
        ({"total": F("price"), "pull__scores": 1}, "pull"),
        ({"total": F("price"), "pop__scores": 1}, "pop"),
        ({"total": F("price"), "rename__limit": "x"}, "rename"),
        ({"total": F("price"), "push__scores__0": 1}, "inside a list"),
        ({"set_on_insert__total": F("price")}, "setOnInsert"),
        ({"pull__scores": F("price")}, "pull"),
        ({"unset__total": F("price")}, "unset"),
        ({"set__parts__0__price": F("price")}, "inside a list"),
        ({"set__parts__S__price": F("price")}, "inside a list"),
        ({"total": F("price"), "set__parts__0__price": 1}, "inside a list"),
        ({"total": F("price"), "inc__total": 1}, "changed twice"),
        ({"total": F("nothing")}, "nothing"),
        ({"total": F("owner__limit")}, "Cannot perform join"),
    ],
)
async def test_what_a_pipeline_cannot_change_is_an_error(
    family: Family, changes: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidQueryError, match=text):
        await family(Good.objects, "update", **changes)
    assert family.commands == []


# Pipelines


async def test_stages_name_fields_of_the_class(family: Family) -> None:
    pipeline = [
        {"$match": {F("price"): {"$gt": 0}}},
        {"$group": {"_id": F("maker__name"), "sum": {"$sum": F("price") + 1}}},
        {"$sort": {"_id": -1}},
    ]
    if family.is_async:
        rows = await Good.objects.async_aggregate(pipeline).to_list()
    else:
        rows = list(Good.objects.aggregate(pipeline))
    assert rows == [{"_id": "b", "sum": 11}, {"_id": None, "sum": 33}]
    stages = family.commands[0]["pipeline"]
    assert stages[1]["$group"]["_id"] == "$mk.nm"
    assert pipeline[0] == {"$match": {F("price"): {"$gt": 0}}}
