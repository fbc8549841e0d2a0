"""`select_related(strategy="lookup")`: references that come in the same command."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef

from mongoengine import (
    Document,
    InvalidQueryError,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)
from mongoengine.context_managers import strict_references
from tests.families import Family
from tests.queryset.shop import ShopCity, ShopOrder, key, store_orders

PATHS = ("customer__city", "customers", "lines__by__city", "lazy", "note__author")


@pytest.fixture(autouse=True)
def orders(family: Family, mongo: Any) -> Any:
    store_orders(mongo)
    return mongo.shop_order


def shown(order: Any) -> list[Any]:
    """Return what the references of an order lead to; sends nothing."""
    return [
        order.nr,
        getattr(order.customer, "name", None) if order.nr != 3 else None,
        order.customer.city.name if order.nr in (1, 2) else None,
        [item.name for item in order.customers if order.nr != 3],
        [line.by and line.by.name for line in order.lines],
        order.lazy and order.lazy._cached_doc and order.lazy._cached_doc.name,
        order.note and order.note.author.name,
    ]


async def test_both_strategies_give_the_same(family: Family) -> None:
    by_queries = ShopOrder.objects.select_related(*PATHS)
    expected = [shown(order) for order in await family(by_queries, "to_list")]
    assert expected[0] == [
        1,
        "Ada",
        "Berlin",
        ["Ada", "Cyd"],
        ["Ada", "Cyd"],
        "Ada",
        "Ada",
    ]
    _ = family.commands
    looked_up = ShopOrder.objects.select_related(*PATHS, strategy="lookup")
    with strict_references():
        found = [shown(order) for order in await family(looked_up, "to_list")]
    assert found == expected
    assert family.command_names == ["aggregate"]


async def test_every_way_of_reading_takes_one_command(family: Family) -> None:
    queryset = ShopOrder.objects.select_related("customer__city", strategy="lookup")
    assert (await family(queryset, "first")).customer.city.name == "Berlin"
    assert (await family(queryset, "get", nr=2)).customer.city.name == "Paris"
    assert (await family.next(queryset)).customer.city.name == "Berlin"
    assert len(await family.loop(queryset.no_cache())) == 5
    found = await family(queryset, "in_bulk", [key(101)])
    assert found[key(101)].customer.city.name == "Berlin"
    assert set(family.command_names) == {"aggregate"}


async def test_the_awaited_form_takes_a_strategy(family: Family) -> None:
    queryset = ShopOrder.objects
    if family.is_async:
        found = await queryset.async_select_related("customer", strategy="lookup")
    else:
        found = list(queryset.select_related("customer", strategy="lookup"))
    assert found[0].customer.name == "Ada"
    assert family.command_names == ["aggregate"]


async def test_a_depth_follows_all_references(family: Family) -> None:
    queryset = ShopOrder.objects(nr__lt=3)
    found = await family(queryset, "select_related", 2, strategy="lookup")
    assert [order.customer.city.name for order in found] == ["Berlin", "Paris"]
    assert [line.by.name for line in found[0].lines] == ["Ada", "Cyd"]
    sent = family.command_names
    assert sent[0] == "aggregate"
    # What is in a map is loaded by a query, as no lookup finds it.
    assert found[0].by_role["buyer"].name == "Ada"


async def test_a_class_with_plain_references_takes_one_command(family: Family) -> None:
    class ShopTrip(Document):
        start = ReferenceField(ShopCity)
        stops = ListField(ReferenceField(ShopCity))

    await family(ShopTrip(start=key(21), stops=[key(22), key(21)]), "save")
    _ = family.commands
    [trip] = await family(ShopTrip.objects, "select_related", 3, strategy="lookup")
    assert (trip.start.name, [s.name for s in trip.stops]) == (
        "Berlin",
        ["Paris", "Berlin"],
    )
    assert trip.start == trip.stops[1]
    assert family.command_names == ["aggregate"]


async def test_documents_are_of_their_class_and_complete(family: Family) -> None:
    queryset = ShopOrder.objects(nr=2).select_related("customer", strategy="lookup")
    customer = (await family(queryset, "first")).customer
    assert customer.level == 3
    assert (customer.name, customer.country) == ("Cyd", "FR")


async def test_a_lookup_goes_with_joins_windows_and_values(family: Family) -> None:
    related = ShopOrder.objects.select_related("customer", strategy="lookup")
    filtered = related.filter(customer__country="DE").order_by("-customer__name")
    assert [o.customer.name for o in await family(filtered, "to_list")] == [
        "Eve",
        "Ada",
    ]
    assert [o.customer.name for o in await family(related[:2], "to_list")] == [
        "Ada",
        "Cyd",
    ]
    assert (await family(related.values_list("customer"), "first")).name == "Ada"
    assert await family(related, "count") == 5
    assert await family(related(nr=5), "update", status="x") == 1
    raw = await family(related.as_pymongo(), "first")
    assert raw["cu"] == key(1)


async def test_maps_and_generic_references_are_loaded_by_queries(
    family: Family,
) -> None:
    class ShopMap(Document):
        cities = MapField(ReferenceField(ShopCity))
        city = ReferenceField(ShopCity)

    await family(ShopMap(cities={"a": key(21)}, city=key(22)), "save")
    _ = family.commands
    queryset = ShopMap.objects.select_related("cities", "city", strategy="lookup")
    [found] = await family(queryset, "to_list")
    assert (found.cities["a"].name, found.city.name) == ("Berlin", "Paris")
    assert family.command_names == ["aggregate", "find"]


async def test_another_database_is_read_by_queries(
    family: Family, database_name: str
) -> None:
    await family.connect(f"{database_name}_far", alias="shop_far")

    class ShopFar(Document):
        name = StringField()
        meta = {"db_alias": "shop_far"}

    class ShopHere(Document):
        far = ReferenceField(ShopFar)

    far = await family(ShopFar(name="x"), "save")
    await family(ShopHere(far=far), "save")
    queryset = ShopHere.objects.select_related("far", strategy="lookup")
    assert (await family(queryset, "first")).far.name == "x"


def test_dbrefs_are_looked_up_by_their_keys() -> None:
    class ShopLink(Document):
        city = ReferenceField(ShopCity, dbref=True)

    queryset = ShopLink.objects.select_related("city", strategy="lookup")
    assert queryset.pipeline()[1]["$lookup"]["localField"] == "city.$id"


async def test_a_dangling_reference_stays_a_reference(family: Family) -> None:
    queryset = ShopOrder.objects(nr=3).select_related(
        "customer", "customers", strategy="lookup"
    )
    order = await family(queryset, "first")
    assert family.command_names == ["aggregate"]
    value = order._value_of("customer", order._fields["customer"])
    if not family.is_async:
        assert value == DBRef("shop_customer", key(9))
    assert [getattr(item, "name", None) for item in order.customers][1:] == ["Ada"]


def test_an_unknown_strategy_or_name_is_an_error() -> None:
    with pytest.raises(ValueError, match='"queries" and "lookup"'):
        ShopOrder.objects.select_related("customer", strategy="x")  # type: ignore[call-overload]
    with pytest.raises(InvalidQueryError):
        ShopOrder.objects.select_related("status", strategy="lookup")
