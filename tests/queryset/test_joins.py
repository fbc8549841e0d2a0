"""Filters, orders and projections through references, in either family."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from pymongo import ReadPreference

from mongoengine import (
    Document,
    F,
    InvalidQueryError,
    ListField,
    MultipleObjectsReturned,
    OperationError,
    Q,
    ReferenceField,
    StringField,
    run_in_transaction,
)
from mongoengine.context_managers import async_run_in_transaction
from mongoengine.queryset.bulk import UpdateMany
from mongoengine.queryset.transform import query
from tests.families import Family
from tests.queryset.shop import (
    ADA,
    CYD,
    GONE,
    ShopCity,
    ShopCustomer,
    ShopOrder,
    ShopVip,
    key,
    numbers,
    store_orders,
)


@pytest.fixture(autouse=True)
def orders(family: Family, mongo: Any) -> Any:
    store_orders(mongo)
    return mongo.shop_order


async def found(family: Family, *conditions: Q, **keywords: Any) -> list[int]:
    return numbers(await family(ShopOrder.objects(*conditions, **keywords), "to_list"))


# Filters


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"customer__country": "DE"}, [1, 5]),
        ({"customer__country__ne": "DE"}, [2, 3, 4]),
        ({"customer__country": None}, [3, 4]),
        ({"customer__country__in": ["FR", "IT"]}, [2]),
        ({"customer__country__not__in": ["FR", "IT"]}, [1, 3, 4, 5]),
        ({"customer__name__icontains": "A"}, [1]),
        ({"customer__name__startswith": "E"}, [5]),
        ({"customer__limit__exists": False}, [3, 4, 5]),
        ({"customer__limit__gt": 5}, [2]),
        ({"customer__tags": "x"}, [1]),
        ({"customer__tags__size": 2}, [1]),
        ({"customer__level": 3}, [2]),
        ({"customer__city__name": "Berlin"}, [1]),
        ({"customer__city__name": "Berlin", "customer__name": "Ada"}, [1]),
        ({"customer__city": key(21)}, [1]),
        ({"lazy__country": "DE"}, [1, 5]),
        ({"note__author__country": "DE"}, [1]),
        ({"by_role__buyer__country": "DE"}, [1]),
        ({"customers__country": "DE"}, [1, 3]),
        ({"customers__country__ne": "DE"}, [2, 4, 5]),
        ({"customers__city__name": "Paris"}, [1, 2]),
        ({"lines__by__country": "DE"}, [1, 2]),
        ({"lines__by__city__name": "Paris"}, [1]),
        ({"customer__country": "DE", "status": "open"}, [1]),
        ({"customer__country": "DE", "lines__price__gt": 5}, [5]),
        ({"total__gt": F("customer__limit")}, [1]),
        ({"customer__limit__gt": F("total") * 2}, [2]),
        ({"customer__country": "DE", "__raw__": {"total": 50}}, [5]),
    ],
)
async def test_a_filter_leads_through_references(
    family: Family, conditions: dict[str, Any], expected: list[int]
) -> None:
    assert await found(family, **conditions) == expected
    assert family.command_names == ["aggregate"]
    queryset = ShopOrder.objects(**conditions)
    assert await family(queryset, "count") == len(expected)
    assert numbers(await family.loop(queryset.no_cache())) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(customer__country="FR") | Q(status="sent"), [2, 3, 4]),
        (Q(customer__country="FR") & Q(status="sent"), []),
        (~Q(customer__country="DE"), [2, 3, 4]),
        (~(Q(customer__country="DE") | Q(total=20)), [3, 4]),
        (~Q(customer__country="DE") & Q(status="open"), [2]),
        (Q(customer__country="DE") & Q(customer__country__ne="FR"), [1, 5]),
        (
            (Q(customer__country="DE") | Q(lines__by__country="DE")) & Q(total__lt=50),
            [1, 2],
        ),
        (Q(customer__city__name="Paris") | Q(customer__city__name="Berlin"), [1, 2]),
    ],
)
async def test_conditions_through_references_combine(
    family: Family, condition: Q, expected: list[int]
) -> None:
    assert await found(family, condition) == expected


async def test_filters_are_narrowed(family: Family) -> None:
    queryset = ShopOrder.objects(customer__country="DE")
    assert numbers(await family(queryset.filter(total__gt=10), "to_list")) == [5]
    assert numbers(await family(queryset(customer__name="Ada"), "to_list")) == [1]
    assert await family(queryset.none(), "to_list") == []


async def test_one_command_matches_first_what_needs_no_join(family: Family) -> None:
    await found(family, customer__country="DE", status="open")
    command = family.commands[0]
    assert command["pipeline"] == [
        {"$match": {"st": "open"}},
        {
            "$lookup": {
                "from": "shop_customer",
                "localField": "cu",
                "foreignField": "_id",
                "as": "__customer",
            }
        },
        {"$unwind": {"path": "$__customer", "preserveNullAndEmptyArrays": True}},
        {"$match": {"__customer.cc": "DE"}},
        {"$sort": {"nr": 1}},
        {"$unset": ["__customer"]},
    ]


async def test_a_plain_query_stays_a_find(family: Family) -> None:
    await family(ShopOrder.objects(customer=ADA, total__gt=1).only("nr"), "to_list")
    await family(ShopOrder.objects(customer__in=[ADA]).order_by("customer"), "first")
    assert family.command_names == ["find", "find"]


async def test_documents_are_as_stored(family: Family, orders: Any) -> None:
    queryset = ShopOrder.objects(customer__city__name="Berlin")
    raw = await family(queryset.as_pymongo(), "first")
    assert raw == orders.find_one({"nr": 1})
    order = await family(queryset, "first")
    order.status = "changed"
    await family(order, "save")
    assert orders.find_one({"nr": 1}) == {**raw, "st": "changed"}


class ShopPaper(Document):
    title = StringField()
    author = ReferenceField(ShopCustomer, dbref=True)
    authors = ListField(ReferenceField(ShopCustomer, dbref=True))
    best = ReferenceField(ShopVip)
    meta = {"collection": "shop_paper", "allow_inheritance": True}


class ShopReport(ShopPaper):
    reader = ReferenceField(ShopCustomer)


def test_a_dbref_is_joined_by_its_key() -> None:
    stages = ShopPaper.objects(author__name="x", authors__name="y").pipeline()
    local = [s["$lookup"]["localField"] for s in stages if "$lookup" in s]
    assert local == ["author.$id", "authors.$id"]


async def test_a_subclass_has_fields_of_its_own(family: Family) -> None:
    paper = ShopReport(title="a", reader=ADA, best=CYD)
    await family(paper, "save")
    assert await family(ShopPaper.objects(reader__name="Ada"), "count") == 1
    assert await family(ShopReport.objects(best__level=3), "count") == 1
    assert (await family(ShopPaper.objects(best__name="Cyd"), "first")).title == "a"


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ({"anything__name": "x"}, "Cannot perform join in mongoDB: anything__name"),
        ({"customers__0__name": "x"}, "position of a list"),
        ({"customer__nothing": 1}, 'Cannot resolve field "nothing"'),
        ({"customer__city__nothing": 1}, 'Cannot resolve field "nothing"'),
        ({"lines__match": {"by__name": "x"}}, "Cannot perform join"),
    ],
)
async def test_what_cannot_be_joined_is_an_error(
    family: Family, conditions: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidQueryError, match=text):
        await found(family, **conditions)
    assert family.commands == []


def test_filters_that_are_made_for_find_have_no_joins() -> None:
    with pytest.raises(InvalidQueryError, match="Cannot perform join"):
        query(ShopOrder, customer__name="Ada")
    with pytest.raises(InvalidQueryError, match="Cannot perform join"):
        Q(customer__name="Ada").to_query(ShopOrder)


@pytest.mark.parametrize(
    ("conditions", "expected", "command"),
    [
        ({"customer__pk": ADA}, [1], "find"),
        ({"customer__id": str(ADA)}, [1], "find"),
        ({"customer__id__in": [ADA, CYD]}, [1, 2], "find"),
        ({"customer__pk__ne": ADA}, [2, 3, 4, 5], "find"),
        ({"customers__id": CYD}, [1, 2], "find"),
        ({"lazy__id": CYD}, [2], "find"),
        ({"customer__city__id": key(22)}, [2], "aggregate"),
    ],
)
async def test_the_key_of_a_document_is_in_the_reference(
    family: Family, conditions: dict[str, Any], expected: list[int], command: str
) -> None:
    assert await found(family, **conditions) == expected
    assert family.command_names == [command]


async def test_a_key_is_found_in_a_dbref(family: Family) -> None:
    await family(ShopPaper(title="a", author=ADA), "save")
    await family(ShopPaper(title="b", author=CYD), "save")
    assert (await family(ShopPaper.objects, "get", author__id=CYD)).title == "b"


# Reading


async def test_every_reading_operation_takes_a_join(family: Family) -> None:
    german = ShopOrder.objects(customer__country="DE")
    assert (await family(german, "first")).nr == 1
    assert (await family(german, "last")).nr == 5
    assert (await family(german, "get", nr=5)).nr == 5
    assert (await family(ShopOrder.objects, "get", customer__country="FR")).nr == 2
    assert (await family(german.skip(1), "first")).nr == 5
    assert numbers(await family(german[1:2], "to_list")) == [5]
    assert numbers(await family(german.limit(1), "to_list")) == [1]
    assert await family(german, "exists")
    assert not await family(german(nr=2), "exists")
    assert await family(german, "to_list", 1) == [await family(german, "first")]
    assert await family(german.limit(1), "count", with_limit_and_skip=True) == 1
    assert await family(german, "distinct", "status") == ["open"]
    assert await family(german, "sum", "total") == 60
    assert await family(german, "average", "total") == 30
    assert await family(german, "item_frequencies", "status") == {"open": 1, None: 1}
    assert (await family.next(german)).nr == 1
    page = await family(german, "paginate", size=1)
    following = await family(german, "paginate", size=1, after=page.next)
    assert numbers([*page, *following]) == [1, 5]
    assert (await family(german, "paginate", size=1, page_number=2)).total == 2
    assert "aggregate" in str(await family(german, "explain"))
    assert '"nr": 5' in await family(german, "to_json")
    with pytest.raises(ShopOrder.DoesNotExist):
        await family(german, "get", nr=2)
    with pytest.raises(MultipleObjectsReturned):
        await family(german, "get")
    assert set(family.command_names) == {"aggregate", "explain"}


async def test_in_bulk_heeds_a_join(family: Family) -> None:
    german = ShopOrder.objects(customer__country="DE")
    result = await family(german, "in_bulk", [key(n) for n in range(101, 106)])
    assert sorted(order.nr for order in result.values()) == [1, 5]


async def test_index_and_truth_of_blocking_querysets(family: Family) -> None:
    if family.is_async:
        return
    german = ShopOrder.objects(customer__country="DE")
    assert german[1].nr == 5
    assert german.no_cache()[1].nr == 5
    assert len(german) == 2
    assert german
    assert not ShopOrder.objects(customer__country="XX")


async def test_values_of_joined_fields_are_aggregated(family: Family) -> None:
    everything = ShopOrder.objects
    assert await family(everything, "distinct", "customer__country") == ["DE", "FR"]
    assert await family(everything, "distinct", "customers__name") == ["Ada", "Cyd"]
    assert await family(everything, "distinct", "customer__tags") == ["x", "y"]
    assert await family(everything, "distinct", "lines__by__name") == [
        "Ada",
        "Cyd",
        "Eve",
    ]
    assert await family(everything, "sum", "customer__limit") == 55
    assert await family(everything, "average", "customers__limit") == pytest.approx(
        27.5
    )


async def test_stages_follow_a_join(family: Family) -> None:
    german = ShopOrder.objects(customer__country="DE")
    stages = [{"$project": {"_id": 0, "nr": 1, "city": F("customer__city__name")}}]
    if family.is_async:
        rows = await german.async_aggregate(stages).to_list()
        whole = await german.async_aggregate([]).to_list()
    else:
        rows = list(german.aggregate(stages))
        whole = list(german.aggregate([]))
    assert rows == [{"nr": 1, "city": "Berlin"}, {"nr": 5}]
    assert not [name for row in whole for name in row if name.startswith("__")]


async def test_batches_are_read_as_the_loop_goes(family: Family) -> None:
    queryset = ShopOrder.objects(customer__country__ne="XX").batch_size(2)
    assert numbers(await family.loop(queryset.no_cache().prefetch())) == [1, 2, 3, 4, 5]
    assert family.command_names == ["aggregate", "getMore", "getMore"]
    await family(queryset.limit(3), "to_list", 1)
    assert family.commands[0]["cursor"] == {"batchSize": 2}


async def test_options_are_passed_on(family: Family) -> None:
    queryset = (
        ShopOrder.objects(customer__country="de")
        .collation({"locale": "en", "strength": 2})
        .comment("joined")
        .hint("_id_")
        .max_time_ms(5000)
        .allow_disk_use(True)
        .read_preference(ReadPreference.PRIMARY_PREFERRED)
    )
    await family(queryset, "to_list")
    command = family.commands[0]
    assert command["collation"]["strength"] == 2
    assert (command["comment"], command["hint"]) == ("joined", "_id_")
    assert (command["maxTimeMS"], command["allowDiskUse"]) == (5000, True)


async def test_a_join_works_in_a_session(family: Family, orders: Any) -> None:
    queryset = ShopOrder.objects(customer__country="DE")
    if family.is_async:
        async with async_run_in_transaction():
            assert await queryset.async_count() == 2
            assert await queryset.async_update(inc__total=1) == 2
    else:
        with run_in_transaction():
            assert queryset.count() == 2
            assert queryset.update(inc__total=1) == 2
    sent = [c for c in family.commands if "aggregate" in c or "update" in c]
    assert [command["autocommit"] for command in sent] == [False] * len(sent)
    assert orders.find_one({"nr": 1})["total"] == 11


# Order


async def test_an_order_leads_through_references(family: Family) -> None:
    queryset = ShopOrder.objects.order_by("-customer__name", "nr")
    assert numbers(await family(queryset, "to_list")) == [5, 2, 1, 3, 4]
    assert family.command_names == ["aggregate"]
    by_city = ShopOrder.objects(status="open").order_by("-customer__city__name")
    assert (await family(by_city, "first")).nr == 2
    assert numbers(await family(by_city[1:2], "to_list")) == [1]
    assert (await family(by_city, "last")).nr == 1


async def test_a_default_order_leads_through_references(family: Family) -> None:
    class ShopByCity(Document):
        city = ReferenceField(ShopCity)
        meta = {"collection": "shop_by_city", "ordering": ["-city__name"]}

    for number in (21, 22):
        await family(ShopByCity(city=key(number)), "save")
    first = await family(ShopByCity.objects.as_pymongo(), "first")
    assert first["city"] == key(22)


async def test_pages_of_a_joined_order_have_numbers(family: Family) -> None:
    queryset = ShopOrder.objects.order_by("-customer__name", "nr")
    with pytest.raises(OperationError, match="page_number"):
        await family(queryset, "paginate", size=2)
    page = await family(queryset, "paginate", size=2, page_number=2)
    assert (numbers(page), page.total, page.next) == ([1, 3], 5, None)


# Projection


async def test_only_loads_parts_of_referenced_documents(family: Family) -> None:
    queryset = ShopOrder.objects(nr__lt=3).only("nr", "customer__name")
    loaded = await family(queryset, "to_list")
    assert family.command_names == ["aggregate"]
    assert [order.customer.name for order in loaded] == ["Ada", "Cyd"]
    assert loaded[0].customer.country is None
    assert loaded[0].status is None
    assert family.commands == []
    assert isinstance(await family(queryset.only("lines__by__name"), "to_list"), list)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["nr", "customer__name"],
            [(1, "Ada"), (2, "Cyd"), (3, None), (4, None), (5, "Eve")],
        ),
        (["customer__city__name"], ["Berlin", "Paris", None, None, None]),
        (["customers__name"], [["Ada", "Cyd"], ["Cyd"], [None, "Ada"], [], []]),
        (["lines__by__name"], [["Ada", "Cyd"], ["Eve"], [], [], [None]]),
        (["lazy__name"], ["Ada", "Cyd", None, None, "Eve"]),
        (["note__author__name"], ["Ada", None, None, None, None]),
    ],
)
async def test_values_of_referenced_documents(
    family: Family, names: list[str], expected: list[Any]
) -> None:
    assert await family(ShopOrder.objects.values_list(*names), "to_list") == expected
    assert await family(ShopOrder.objects.scalar(*names), "first") == expected[0]
    assert family.command_names == ["aggregate", "aggregate"]


async def test_values_of_a_subclass_of_referenced_documents(family: Family) -> None:
    queryset = ShopOrder.objects(nr=2).values_list("customer__level")
    assert await family(queryset, "to_list") == [3]


async def test_dicts_of_values_of_referenced_documents(family: Family) -> None:
    queryset = ShopOrder.objects(nr__in=[1, 3]).values("nr", "customer__city__name")
    assert await family(queryset, "to_list") == [
        {"nr": 1, "customer__city__name": "Berlin"},
        {"nr": 3, "customer__city__name": None},
    ]


async def test_raw_documents_have_the_parts_in_place(family: Family) -> None:
    queryset = (
        ShopOrder.objects(nr__in=[1, 3]).only("customer__city__name").as_pymongo()
    )
    assert await family(queryset, "to_list") == [
        {
            "_id": key(101),
            "cu": {
                "_id": ADA,
                "_cls": "ShopCustomer",
                "city": {"_id": key(21), "nm": "Berlin"},
            },
        },
        {"_id": key(103), "cu": GONE},
    ]
    lines = ShopOrder.objects(nr=1).only("lines__by__name").as_pymongo()
    first = await family(lines, "first")
    assert [line["by"]["name"] for line in first["lines"]] == ["Ada", "Cyd"]


async def test_a_window_and_slices_go_with_a_join(family: Family) -> None:
    queryset = ShopOrder.objects(customer__country="DE").fields(slice__lines=1)
    first = await family(queryset, "first")
    assert ([line.product for line in first.lines], first.total) == (["p"], 10)
    without = await family(
        ShopOrder.objects(lazy__name="Ada").exclude("lines"), "first"
    )
    assert (without.lines, without.nr) == ([], 1)


# Writing


async def test_updates_change_what_a_join_matches(family: Family, orders: Any) -> None:
    german = ShopOrder.objects(customer__country="DE")
    assert await family(german, "update", status="x") == 2
    assert sorted(raw["nr"] for raw in orders.find({"st": "x"})) == [1, 5]
    assert family.command_names == ["aggregate", "update"]
    assert await family(german, "update_one", status="y") == 1
    changed = await family(german, "modify", inc__total=1, new=True)
    assert changed.total in (11, 51)
    last = german.order_by("-customer__name")
    assert (await family(last, "modify", inc__total=1, new=True)).nr == 5
    removed = await family(german(nr=5), "modify", remove=True)
    assert removed.nr == 5
    assert await family(ShopOrder.objects(customer__country="XX"), "update", nr=0) == 0


async def test_deletions_delete_what_a_join_matches(
    family: Family, orders: Any
) -> None:
    assert await family(ShopOrder.objects(customer__country="DE"), "delete") == 2
    assert sorted(raw["nr"] for raw in orders.find()) == [2, 3, 4]
    assert await family(ShopOrder.objects(customer__country=None), "delete_one") == 1
    assert await family(ShopOrder.objects(lazy__country="FR")[:1], "delete") == 1
    assert orders.count_documents({}) == 1


async def test_what_cannot_be_written_through_a_join_is_an_error(
    family: Family, orders: Any
) -> None:
    german = ShopOrder.objects(customer__country="DE")
    with pytest.raises(OperationError, match="upsert"):
        await family(german, "update", upsert=True, status="x")
    with pytest.raises(InvalidQueryError, match="filter by keys"):
        await family(
            ShopOrder.objects,
            "bulk_write",
            [UpdateMany({"customer__country": "DE"}, {"status": "x"})],
        )
    with pytest.raises(InvalidQueryError, match="Cannot perform join"):
        await family(ShopOrder.objects, "update", set__customer__name="x")
    assert orders.count_documents({"st": "x"}) == 0


# Elsewhere


async def test_a_join_into_another_database_is_an_error(
    family: Family, database_name: str
) -> None:
    await family.connect(f"{database_name}_other", alias="shop_other")

    class ShopElsewhere(Document):
        name = StringField()
        meta = {"db_alias": "shop_other"}

    class ShopNear(Document):
        there = ReferenceField(ShopElsewhere)

    with pytest.raises(InvalidQueryError, match='alias "shop_other"'):
        await family(ShopNear.objects(there__name="x"), "to_list")


async def test_where_has_no_place_in_a_pipeline(family: Family) -> None:
    queryset = ShopOrder.objects(customer__country="DE").where("true")
    with pytest.raises(InvalidQueryError, match="where"):
        await family(queryset, "to_list")


def test_pipeline_shows_what_is_sent() -> None:
    plain = ShopOrder.objects(status="open").only("nr").skip(1).limit(2)
    assert plain.pipeline() == [
        {"$match": {"st": "open"}},
        {"$sort": {"nr": 1}},
        {"$skip": 1},
        {"$limit": 2},
        {"$project": {"nr": 1}},
    ]
    joined = ShopOrder.objects(customer__country="DE").order_by("customer__name")[:2]
    assert joined.pipeline()[-3:] == [
        {"$sort": {"__customer.name": 1}},
        {"$limit": 2},
        {"$unset": ["__customer"]},
    ]


async def test_a_pickled_queryset_keeps_its_joins(family: Family) -> None:
    queryset = ShopOrder.objects(customer__country="DE").order_by("-customer__name")
    copied = pickle.loads(pickle.dumps(queryset))
    assert numbers(await family(copied, "to_list")) == [5, 1]
