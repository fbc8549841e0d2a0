"""`annotate()`: values that the server computes of documents and of groups."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest

from mongoengine import (
    AddToSet,
    Avg,
    Count,
    F,
    First,
    InvalidQueryError,
    Last,
    Max,
    Min,
    OperationError,
    Push,
    Q,
    Sum,
)
from tests.families import Family
from tests.queryset.shop import ShopOrder, numbers, store_orders

Rows = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def orders(family: Family, mongo: Any) -> Any:
    store_orders(mongo)
    return mongo.shop_order


async def rows(family: Family, queryset: Any) -> Any:
    return await family(queryset, "to_list")


async def aggregated(family: Family, queryset: Any, stages: Rows) -> Rows:
    if family.is_async:
        found: Rows = await queryset.async_aggregate(stages).to_list()
        return found
    return list(queryset.aggregate(stages))


# Documents


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Sum("lines__price"), [3, 5, 0, 0, 7]),
        (Sum("total"), [10, 20, 30, 40, 50]),
        (Sum(F("total") * 2), [20, 40, 60, 80, 100]),
        (Avg("lines__price"), [1.5, 5, None, None, 7]),
        (Min("lines__price"), [1, 5, None, None, 7]),
        (Max("lines__price"), [2, 5, None, None, 7]),
        (Max("scores"), [2, None, None, None, None]),
        (First("lines__product"), ["p", "p", None, None, "q"]),
        (Last("lines__product"), ["q", "p", None, None, "q"]),
        (First("status"), ["open", "open", "sent", "sent", None]),
        (Push("lines__product"), [["p", "q"], ["p"], [], [], ["q"]]),
        (Push("status"), [["open"], ["open"], ["sent"], ["sent"], []]),
        (Count(), [1, 1, 1, 1, 1]),
        (Count("lines"), [2, 1, 0, 0, 1]),
        (Count("status"), [1, 1, 1, 1, 0]),
        (Count("customers__country", distinct=True), [2, 1, 1, 0, 0]),
        (Sum("customers__limit"), [55, 50, 5, 0, 0]),
        (Max("customer__limit"), [5, 50, None, None, None]),
        (Push("lines__by__name"), [["Ada", "Cyd"], ["Eve"], [], [], []]),
        (First("customer__city__name"), ["Berlin", "Paris", None, None, None]),
        (F("total") + 1, [11, 21, 31, 41, 51]),
    ],
)
async def test_documents_have_computed_values(
    family: Family, annotation: Any, expected: list[Any]
) -> None:
    annotated = await rows(family, ShopOrder.objects.annotate(value=annotation))
    assert [order.value for order in annotated] == expected
    assert numbers(annotated) == [1, 2, 3, 4, 5]
    assert family.command_names == ["aggregate"]


async def test_a_set_has_each_value_once(family: Family) -> None:
    queryset = ShopOrder.objects.annotate(countries=AddToSet("customers__country"))
    first = await family(queryset, "first")
    assert sorted(first.countries) == ["DE", "FR"]


async def test_values_of_decimals_are_decimals(family: Family) -> None:
    queryset = ShopOrder.objects.annotate(a=Sum("cost"), b=Max("cost"))
    first = await family(queryset, "first")
    assert (first.a, first.b) == (Decimal("1.50"), Decimal("1.50"))
    [total] = await rows(
        family, ShopOrder.objects(nr__lt=3).values("status").annotate(a=Sum("cost"))
    )
    assert total == {"status": "open", "a": Decimal("3.75")}


async def test_computed_values_are_not_saved(family: Family, orders: Any) -> None:
    before = orders.find_one({"nr": 1})
    order = await family(ShopOrder.objects.annotate(n=Count("lines")), "first")
    order.status = "x"
    await family(order, "save")
    await family(order, "reload")
    assert orders.find_one({"nr": 1}) == {**before, "st": "x"}
    assert "n" not in order.to_mongo()


async def test_saving_does_not_warn_of_computed_values(
    family: Family, recwarn: pytest.WarningsRecorder
) -> None:
    order = await family(ShopOrder.objects.annotate(paid=Sum("lines__price")), "first")
    order.status = "paid"
    await family(order, "save")
    assert not [w for w in recwarn if "not stored" in str(w.message)]


async def test_computed_values_are_conditions_and_orders(family: Family) -> None:
    summed = ShopOrder.objects.annotate(s=Sum("lines__price"), n=Count("lines"))
    assert numbers(await rows(family, summed.filter(s__gt=3))) == [2, 5]
    assert numbers(await rows(family, summed.filter(s__gt=3).order_by("-s"))) == [5, 2]
    assert numbers(await rows(family, summed.order_by("-n", "-nr"))) == [1, 5, 2, 4, 3]
    assert numbers(await rows(family, summed.filter(s__in=[3, 5], status="open"))) == [
        1,
        2,
    ]
    assert numbers(await rows(family, summed.filter(Q(s__gt=5) | Q(nr=1)))) == [1, 5]
    assert numbers(await rows(family, summed.filter(~Q(n=0)))) == [1, 2, 5]
    assert numbers(await rows(family, summed.filter(s__gt=F("n") * 4))) == [2, 5]
    assert numbers(await rows(family, summed.filter(total__lt=F("s") * 4))) == [1]
    assert numbers(
        await rows(family, summed.filter(Q(s=5) | Q(customer__name="Ada")))
    ) == [1, 2]
    assert await family(summed.filter(s__gt=3), "count") == 2
    assert (await family(summed, "get", s=7)).nr == 5
    assert (await family(summed.order_by("s"), "last")).nr == 5
    assert await family(summed.filter(s=7), "exists")
    assert await family(summed, "distinct", "n") == [0, 1, 2]
    assert await family(summed, "sum", "s") == 15


async def test_computed_values_go_with_other_builders(family: Family) -> None:
    summed = ShopOrder.objects(nr__lt=3).annotate(s=Sum("lines__price"))
    assert await rows(family, summed.values_list("nr", "s")) == [(1, 3), (2, 5)]
    assert await rows(family, summed.values("s")) == [{"s": 3}, {"s": 5}]
    assert await rows(family, summed.scalar("s")) == [3, 5]
    only = await rows(family, summed.only("nr"))
    assert [(order.nr, order.s, order.status) for order in only] == [
        (1, 3, None),
        (2, 5, None),
    ]
    raw = await family(summed.as_pymongo().only("nr"), "first")
    assert (raw["nr"], raw["s"]) == (1, 3)
    assert [order.s for order in await family.loop(summed.no_cache())] == [3, 5]
    assert [order.s for order in await rows(family, summed[1:])] == [5]
    copied = pickle.loads(pickle.dumps(summed))
    assert [order.s for order in await rows(family, copied)] == [3, 5]


async def test_computed_values_choose_what_is_written(
    family: Family, orders: Any
) -> None:
    summed = ShopOrder.objects.annotate(s=Sum("lines__price"))
    assert await family(summed.filter(s__gt=3), "update", status="big") == 2
    assert await family(summed.filter(s=0), "delete") == 2
    assert sorted(raw["nr"] for raw in orders.find({"st": "big"})) == [2, 5]
    assert orders.count_documents({}) == 3


async def test_stages_follow_computed_values(family: Family) -> None:
    queryset = ShopOrder.objects(nr__lt=3).annotate(s=Sum("lines__price"))
    stages = [{"$group": {"_id": None, "all": {"$sum": "$s"}}}]
    assert await aggregated(family, queryset, stages) == [{"_id": None, "all": 8}]


# Groups


async def test_values_before_annotate_are_groups(family: Family) -> None:
    grouped = ShopOrder.objects.values("status").annotate(
        n=Count(),
        total=Sum("total"),
        lines=Sum("lines__price"),
        mean=Avg("lines__price"),
        least=Min("total"),
        names=Push("nr"),
        products=Count("lines__product", distinct=True),
        first=First("nr"),
        last=Last("lines__product"),
    )
    assert await rows(family, grouped.order_by("-status")) == [
        {
            "status": "sent",
            "n": 2,
            "total": 70,
            "lines": 0,
            "mean": None,
            "least": 30,
            "names": [3, 4],
            "products": 0,
            "first": 3,
            "last": None,
        },
        {
            "status": "open",
            "n": 2,
            "total": 30,
            "lines": 8,
            "mean": pytest.approx(8 / 3),
            "least": 10,
            "names": [1, 2],
            "products": 2,
            "first": 1,
            "last": "p",
        },
        {
            "status": None,
            "n": 1,
            "total": 50,
            "lines": 7,
            "mean": 7,
            "least": 50,
            "names": [5],
            "products": 1,
            "first": 5,
            "last": "q",
        },
    ]
    assert family.command_names == ["aggregate"]


async def test_conditions_on_groups(family: Family) -> None:
    counted = ShopOrder.objects.values("status").annotate(n=Count(), t=Sum("total"))
    assert await rows(family, counted.filter(n__gt=1).order_by("status")) == [
        {"status": "open", "n": 2, "t": 30},
        {"status": "sent", "n": 2, "t": 70},
    ]
    assert await rows(family, counted.filter(t__gt=F("n") * 20).order_by("t")) == [
        {"status": None, "n": 1, "t": 50},
        {"status": "sent", "n": 2, "t": 70},
    ]
    assert await rows(family, counted.filter(nr__gt=1, n=1).order_by("status")) == [
        {"status": None, "n": 1, "t": 50},
        {"status": "open", "n": 1, "t": 20},
    ]
    either = counted.filter(Q(status="open") | Q(n=1)).order_by("t")
    assert [row["t"] for row in await rows(family, either)] == [30, 50]
    with pytest.raises(InvalidQueryError, match="neither a group nor an annotation"):
        await rows(family, counted.filter(Q(nr=1) | Q(n=1)))


async def test_groups_are_read_like_documents(family: Family) -> None:
    counted = ShopOrder.objects.values("status").annotate(n=Count())
    ordered = counted.order_by("-n", "status")
    assert await family(counted, "count") == 3
    assert await family(ordered, "first") == {"status": "open", "n": 2}
    assert await family(ordered[1:2], "to_list") == [{"status": "sent", "n": 2}]
    assert (await family(counted, "last"))["status"] == "sent"
    assert await family(counted.filter(n=1), "get") == {"status": None, "n": 1}
    assert await family(ordered.values_list("n"), "to_list") == [2, 2, 1]
    assert await family(ordered.values("n")[:1], "to_list") == [{"n": 2}]
    assert (await family(ordered, "paginate", size=2, page_number=2)).total == 3
    assert len(await family.loop(counted.no_cache())) == 3
    for operation, arguments in [("update", {"nr": 1}), ("delete", {})]:
        with pytest.raises(OperationError, match="Rows of groups"):
            await family(counted, operation, **arguments)


async def test_groups_of_several_values_and_through_references(family: Family) -> None:
    by_country = ShopOrder.objects.values("customer__country").annotate(
        n=Count(), names=AddToSet("customer__name")
    )
    found = await rows(family, by_country.order_by("customer__country"))
    assert [(row["customer__country"], row["n"]) for row in found] == [
        (None, 2),
        ("DE", 2),
        ("FR", 1),
    ]
    assert sorted(found[1]["names"]) == ["Ada", "Eve"]
    both = ShopOrder.objects(nr__lt=3).values("status", "customer__city__name")
    assert await rows(family, both.annotate(n=Count()).order_by("-nr" and "n")) != []
    tuples = ShopOrder.objects.values_list("status").annotate(n=Count())
    assert await rows(family, tuples.order_by("status")) == [
        (None, 1),
        ("open", 2),
        ("sent", 2),
    ]


async def test_items_of_lists_are_groups(family: Family) -> None:
    by_product = ShopOrder.objects(lines__0__exists=True).values("lines__product")
    sold = by_product.annotate(n=Count(), total=Sum("lines__price"))
    assert await rows(family, sold.order_by("lines__product")) == [
        {"lines__product": "p", "n": 2, "total": 6},
        {"lines__product": "q", "n": 2, "total": 9},
    ]
    by_buyer = ShopOrder.objects(nr__lt=3).values("lines__by__name")
    assert await rows(
        family,
        by_buyer.annotate(total=Sum("lines__price")).order_by("lines__by__name"),
    ) == [
        {"lines__by__name": "Ada", "total": 1},
        {"lines__by__name": "Cyd", "total": 2},
        {"lines__by__name": "Eve", "total": 5},
    ]
    names = ShopOrder.objects.values("customers__name").annotate(n=Count())
    found = await rows(family, names.filter(customers__name="Ada"))
    assert found == [{"customers__name": "Ada", "n": 2}]


async def test_the_order_before_decides_what_is_first(family: Family) -> None:
    grouped = ShopOrder.objects.order_by("-nr").values("status")
    found = await rows(family, grouped.annotate(f=First("nr"), all=Push("nr")))
    assert {row["status"]: (row["f"], row["all"]) for row in found} == {
        "open": (2, [2, 1]),
        "sent": (4, [4, 3]),
        None: (5, [5]),
    }


# Annotations of annotations


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"sum": Sum("lines__price"), "x": F("sum") * 2}, [6, 10, 0, 0, 14]),
        (
            {"sum": Sum("lines__price"), "x": F("sum") + F("total")},
            [13, 25, 30, 40, 57],
        ),
        ({"all": Push("lines__price"), "x": Count("all")}, [2, 1, 0, 0, 1]),
        ({"all": F("lines__price"), "x": Sum("all")}, [3, 5, 0, 0, 7]),
        (
            {"n": Count("lines"), "y": F("n") + 1, "x": F("y") * 10},
            [30, 20, 10, 10, 20],
        ),
    ],
)
async def test_an_annotation_may_name_those_before_it(
    family: Family, annotations: dict[str, Any], expected: list[Any]
) -> None:
    together = ShopOrder.objects.annotate(**annotations)
    assert [order.x for order in await rows(family, together)] == expected
    chained = ShopOrder.objects
    for name, value in annotations.items():
        chained = chained.annotate(**{name: value})
    assert [order.x for order in await rows(family, chained)] == expected


async def test_such_an_annotation_is_a_condition_and_an_order(family: Family) -> None:
    doubled = ShopOrder.objects.annotate(sum=Sum("lines__price"), x=F("sum") * 2)
    found = await rows(family, doubled.filter(x__gt=6).order_by("-x"))
    assert [order.nr for order in found] == [5, 2]
    assert await family(doubled.filter(x__gt=F("sum")), "count") == 3
    assert await family(doubled, "sum", "x") == 30


async def test_values_of_a_group_are_computed_of_its_row(family: Family) -> None:
    grouped = ShopOrder.objects(status__exists=True).values("status")
    per_order = grouped.annotate(n=Count(), sum=Sum("total"), mean=F("sum") / F("n"))
    named = per_order.annotate(label=F("status") + "!").order_by("status")
    assert await rows(family, named.values("label", "mean")) == [
        {"label": "open!", "mean": 15},
        {"label": "sent!", "mean": 35},
    ]
    assert await rows(family, named.filter(mean__gt=20).values("status")) == [
        {"status": "sent"}
    ]


async def test_stages_may_name_what_was_computed(family: Family) -> None:
    doubled = ShopOrder.objects.annotate(sum=Sum("lines__price"), x=F("sum") * 2)
    stage = {"$group": {"_id": None, "all": {"$sum": F("x")}}}
    assert await aggregated(family, doubled, [stage]) == [{"_id": None, "all": 30}]
    rows_of = ShopOrder.objects(status="open").values("status").annotate(n=Count())
    stage = {"$project": {"twice": {"$multiply": [F("n"), 2]}}}
    assert await aggregated(family, rows_of, [stage]) == [{"twice": 4}]


# Errors


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (lambda q: q.annotate(total=Count()), InvalidQueryError, "name of a field"),
        (lambda q: q.annotate(st=Count()), InvalidQueryError, "name of a field"),
        (lambda q: q.annotate(save=Count()), InvalidQueryError, "attribute"),
        (lambda q: q.annotate(_x=Count()), InvalidQueryError, "cannot be the name"),
        (lambda q: q.annotate(a__b=Count()), InvalidQueryError, "cannot be the name"),
        (lambda q: q.annotate(x=1), TypeError, r"Sum\(\), Count\(\)"),
        (lambda q: q.annotate(x=Sum("nothing")), InvalidQueryError, "nothing"),
        (lambda q: q.annotate(x=Sum("anything__a")), InvalidQueryError, "join"),
        (lambda q: q.annotate(x=Sum(F("scores") * 2)), InvalidQueryError, "several"),
        (lambda q: q[:2].values("nr").annotate(x=Count()), OperationError, "slice"),
        (
            lambda q: q.annotate(x=Count()).values("nr").annotate(y=Count()),
            InvalidQueryError,
            "cannot group",
        ),
        (
            lambda q: q.values("nr").annotate(x=Count()).order_by("total"),
            InvalidQueryError,
            "neither a group",
        ),
        (
            lambda q: q.values("nr").annotate(x=Count()).values("total"),
            InvalidQueryError,
            "neither a group",
        ),
        (
            lambda q: q.values("nr").annotate(x=F("total")),
            InvalidQueryError,
            "of a group",
        ),
        (
            lambda q: q.values("nr").annotate(n=Count(), x=Sum("n")),
            InvalidQueryError,
            'Cannot resolve field "n"',
        ),
        (
            lambda q: q.annotate(x=F("y") * 2, y=Count("scores")),
            InvalidQueryError,
            'Cannot resolve field "y"',
        ),
    ],
)
def test_what_cannot_be_annotated_is_an_error(
    family: Family, build: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        build(ShopOrder.objects)


def test_aggregates_need_a_name(family: Family) -> None:
    for wrong in (1, "", None):
        with pytest.raises(TypeError, match=r"Sum\(\) takes the name"):
            Sum(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="distinct"):
        Count(distinct=True)
    assert repr(Sum("a")) == "Sum('a')"


def test_pipeline_shows_computed_stages(family: Family) -> None:
    queryset = ShopOrder.objects(status="open").annotate(n=Count("scores"))
    stages = queryset.filter(n__gt=1).order_by("-n").pipeline()
    assert [next(iter(stage)) for stage in stages] == [
        "$match",
        "$addFields",
        "$match",
        "$sort",
    ]
    grouped = ShopOrder.objects.values("status").annotate(n=Count()).pipeline()
    assert grouped == [
        {"$match": {}},
        {"$group": {"_id": {"status": {"$ifNull": ["$st", None]}}, "n": {"$sum": 1}}},
        {"$project": {"_id": 0, "status": "$_id.status", "n": "$n"}},
    ]
