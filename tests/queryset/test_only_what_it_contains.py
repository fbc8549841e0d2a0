"""An operation touches no document that its queryset does not contain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from pymongo.errors import OperationFailure

from mongoengine import Document, OperationError, ReferenceField, connect
from mongoengine.connection import connect_async, disconnect, disconnect_async
from mongoengine.queryset.base import CASCADE
from mongoengine.queryset.bulk import DeleteMany, InsertOne, UpdateMany, UpdateOne
from tests.families import Family
from tests.queryset.models import NAMES, QSPerson, QSSlug, oid

pytestmark = pytest.mark.usefixtures("people")

VOID: dict[str, Callable[[], Any]] = {
    "none()": lambda: QSPerson.objects.none(),
    "[:0]": lambda: QSPerson.objects[:0],
    "[2:2]": lambda: QSPerson.objects[2:2],
    "none() narrowed": lambda: QSPerson.objects.none().filter(name="ann"),
    "[:0] narrowed": lambda: QSPerson.objects[:0].filter(name="ann"),
    "none() without a cache": lambda: QSPerson.objects.none().no_cache(),
}

void = pytest.mark.parametrize("build", VOID.values(), ids=VOID)


def stored(people: Any) -> list[tuple[str, int]]:
    return [(raw["name"], raw["age"]) for raw in people.person.find().sort("_id")]


@void
@pytest.mark.parametrize(
    ("method", "keywords", "expected"),
    [
        ("delete", {}, 0),
        ("delete", {"write_concern": {"w": 1}}, 0),
        ("delete_one", {}, 0),
        ("update", {"set__age": 1}, 0),
        ("update", {"set__age": 1, "upsert": True}, 0),
        ("update_one", {"set__age": 1}, 0),
        ("upsert_one", {"set__age": 1}, None),
        ("modify", {"set__age": 1}, None),
        ("modify", {"set__age": 1, "upsert": True}, None),
        ("modify", {"remove": True}, None),
        ("count", {}, 0),
        ("exists", {}, False),
        ("first", {}, None),
        ("to_list", {}, []),
        ("to_json", {"json_options": None}, "[]"),
        ("select_related", {}, []),
        ("in_bulk", {"object_ids": [oid(1), oid(2)]}, {}),
        ("distinct", {"field": "name"}, []),
        ("sum", {"field": "age"}, 0),
        ("average", {"field": "age"}, 0),
        ("item_frequencies", {"field": "name"}, {}),
    ],
)
async def test_a_void_queryset_asks_for_nothing(
    family: Family,
    people: Any,
    build: Callable[[], Any],
    method: str,
    keywords: dict[str, Any],
    expected: Any,
) -> None:
    before = stored(people)
    assert await family(build(), method, **keywords) == expected
    assert family.commands == []
    assert stored(people) == before


@void
async def test_get_from_a_void_queryset(
    family: Family, build: Callable[[], Any]
) -> None:
    for query in ({}, {"name": "ann"}):
        with pytest.raises(QSPerson.DoesNotExist):
            await family(build(), "get", **query)
    assert family.commands == []


@void
def test_an_index_into_a_void_queryset(
    connection: Any, people: Any, build: Callable[[], Any]
) -> None:
    with pytest.raises(IndexError, match=r"^no such item for Cursor instance$"):
        build()[0]


@void
async def test_a_void_aggregation_has_no_rows(
    family: Family, build: Callable[[], Any]
) -> None:
    found = await family(build(), "aggregate", [{"$project": {"name": 1}}])
    rows = [row async for row in found] if family.is_async else list(found)
    assert rows == []


@void
async def test_a_void_map_reduce_maps_nothing(
    family: Family, build: Callable[[], Any]
) -> None:
    await family(build(), "map_reduce", "function(){}", "function(){}", "inline")
    (sent,) = family.commands
    assert sent["query"] == {"_id": {"$in": []}}


@void
async def test_bulk_operations_in_a_void_queryset_match_nothing(
    family: Family, people: Any, build: Callable[[], Any]
) -> None:
    before = stored(people)
    result = await family(
        build(),
        "bulk_write",
        [
            DeleteMany(),
            UpdateMany({}, {"set__age": 1}),
            UpdateOne({"name": "new"}, {"set__age": 1}, upsert=True),
            InsertOne(QSPerson(id=oid(99), name="zoe", age=9)),
        ],
    )
    assert (result.deleted_count, result.matched_count, result.upserted_count) == (
        0,
        0,
        0,
    )
    assert stored(people) == [*before, ("zoe", 9)]


async def test_no_rule_is_applied_where_nothing_is_deleted(
    family: Family, people: Any
) -> None:
    class QSOwned(Document):
        owner = ReferenceField(QSPerson, reverse_delete_rule=CASCADE)

    try:
        people.qs_owned.insert_one({"owner": oid(1)})
        for build in VOID.values():
            await family(build(), "delete")
        assert family.commands == []
        assert people.qs_owned.count_documents({}) == 1
    finally:
        QSPerson._meta["delete_rules"].clear()


async def test_a_queryset_with_a_limit_of_zero_holds_all(
    family: Family, people: Any
) -> None:
    every = QSPerson.objects.limit(0)
    assert len(await family(every, "to_list")) == len(NAMES)
    assert await family(every, "delete") == len(NAMES)
    assert stored(people) == []


# where


@pytest.mark.parametrize(
    ("method", "keywords", "error", "conditions"),
    [
        ("delete", {}, OperationFailure, lambda c: c["deletes"][0]["q"]),
        ("delete_one", {}, OperationFailure, lambda c: c["deletes"][0]["q"]),
        ("update", {"set__age": 1}, OperationError, lambda c: c["updates"][0]["q"]),
        ("update_one", {"set__age": 1}, OperationError, lambda c: c["updates"][0]["q"]),
        ("modify", {"set__age": 1}, OperationError, lambda c: c["query"]),
        ("modify", {"remove": True}, OperationError, lambda c: c["query"]),
    ],
)
async def test_writing_heeds_where(
    family: Family,
    people: Any,
    method: str,
    keywords: dict[str, Any],
    error: type[Exception],
    conditions: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    before = stored(people)
    older = QSPerson.objects(age__gt=21).where("this[~nick] > 'D'")
    if await runs_javascript(people):
        await family(older, method, **keywords)
        unchanged = before[:3]
        assert stored(people)[:3] == unchanged
    else:
        with pytest.raises(error, match=r"\$where"):
            await family(older, method, **keywords)
        assert stored(people) == before
    (sent,) = family.commands
    query = conditions(sent)
    assert query["age"] == {"$gt": 21}
    assert str(query["$where"]) == "this[\"n\"] > 'D'"


async def runs_javascript(people: Any) -> bool:
    """Return whether the server takes `$where`; the embedded one does not."""
    try:
        people.person.find_one({"$where": "true"})
    except OperationFailure:
        return False
    return True


async def test_bulk_operations_heed_where(family: Family) -> None:
    operation = DeleteMany({"age": 20})
    query = operation._filter(QSPerson.objects.where("true"))
    assert (query["age"], str(query["$where"])) == (20, "true")


# using


@pytest_asyncio.fixture
async def other(
    family: Family, server: Any, settings: dict[str, Any]
) -> AsyncIterator[Any]:
    """The database behind another alias, as plain PyMongo sees it."""
    name = f"{settings['name']}_other"
    changed = {**settings, "name": name, "alias": "other"}
    if family.is_async:
        await connect_async(**changed)
    else:
        connect(**changed)
    yield server[name]
    if family.is_async:
        await disconnect_async("other")
    else:
        disconnect("other")
    server.drop_database(name)


async def test_create_after_using_is_stored_behind_that_alias(
    family: Family, people: Any, other: Any
) -> None:
    made = await family(QSSlug.objects.using("other"), "create", slug="a", number=1)
    assert list(other.slug.find()) == [{"_id": "a", "number": 1}]
    assert list(people.slug.find()) == []
    assert (made._created, made._get_changed_fields()) == (False, [])


async def test_what_was_created_after_using_goes_on_being_stored_there(
    family: Family, people: Any, other: Any
) -> None:
    made = await family(QSSlug.objects.using("other"), "create", slug="a", number=1)
    made.number = 2
    await family(made, "save")
    assert other.slug.find_one("a")["number"] == 2
    await family(made, "reload")
    await family(made, "delete")
    assert other.slug.count_documents({}) == people.slug.count_documents({}) == 0


async def test_create_without_using_is_stored_where_the_class_is(
    family: Family, people: Any, other: Any
) -> None:
    await family(QSSlug.objects, "create", slug="a")
    assert people.slug.count_documents({}) == 1
    assert other.slug.count_documents({}) == 0
