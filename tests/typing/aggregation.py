"""Computed values, typed rows and annotations, as an application would use them.

Never imported: mypy and pyright read it, and `assert_type` says what they must infer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from typing_extensions import assert_type

from mongoengine import (
    Avg,
    Count,
    Document,
    EmbeddedDocument,
    F,
    IntField,
    Q,
    QuerySet,
    StringField,
    Sum,
)
from mongoengine.query.expressions import Expression


class Note(EmbeddedDocument):
    text = StringField()


class Order(Document):
    price = IntField(required=True)
    limit = IntField()


@dataclass
class Total:
    id: str
    total: int


class TotalDict(TypedDict):
    id: str
    total: int


def computed() -> None:
    assert_type(F("price") * 2 + F("limit"), Expression)
    assert_type(2 - F("price") / 3, Expression)
    Order.objects(Q(price__gt=F("limit") * 2)).update(limit=F("price") % 7)


def annotated() -> None:
    summed = Order.objects.annotate(total=Sum("price"), mean=Avg("limit"))
    assert_type(summed, QuerySet[Order])
    assert_type(summed.filter(total__gt=3).order_by("-total").first(), Order | None)
    grouped = Order.objects.values("limit").annotate(n=Count(), twice=F("price") * 2)
    assert_type(grouped, QuerySet[dict[str, Any]])
    assert_type(grouped.filter(n__gt=1).first(), dict[str, Any] | None)
    pairs = Order.objects.values_list("limit", "price").annotate(n=Count("price"))
    assert_type(pairs, QuerySet[tuple[Any, Any]])
    assert_type(Order.objects(price=1).pipeline(), list[dict[str, Any]])


def lookups() -> None:
    assert_type(Order.objects(owner__name="Ada").first(), Order | None)
    assert_type(
        Order.objects.select_related("owner", strategy="lookup"), QuerySet[Order]
    )
    assert_type(Order.objects.select_related(2, strategy="lookup"), list[Order])


async def async_annotations() -> None:
    async for row in Order.objects.values("limit").annotate(n=Count()):
        assert_type(row, dict[str, Any])
    assert_type(
        await Order.objects.async_select_related("owner", strategy="lookup"),
        list[Order],
    )


def rows() -> None:
    stages = [{"$group": {"_id": F("price"), "total": {"$sum": F("limit")}}}]
    for total in Order.objects.aggregate(stages, into=Total):
        assert_type(total, Total)
    assert_type(
        Order.objects.aggregate(stages, into=TotalDict).to_list(), list[TotalDict]
    )
    assert_type(next(Order.objects.aggregate(stages, into=Order)), Order)
    assert_type(Order.objects.aggregate(stages, into=Note).to_list(), list[Note])
    for row in Order.objects.aggregate(stages):
        assert_type(row, dict[str, Any])


async def async_rows() -> None:
    async for total in Order.objects.async_aggregate([], into=Total):
        assert_type(total, Total)
    cursor = await Order.objects.async_aggregate([], into=Order)
    async for order in cursor:
        assert_type(order, Order)
    assert_type(await cursor.to_list(), list[Order])
    assert_type(
        await Order.objects.async_aggregate([], into=Note).to_list(), list[Note]
    )
    async for row in Order.objects.async_aggregate([]):
        assert_type(row, dict[str, Any])
