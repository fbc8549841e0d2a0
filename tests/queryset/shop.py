"""Orders, the customers that they refer to, and cities: for joins and annotations."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from mongoengine import (
    DateTimeField,
    DecimalField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)

__all__ = (
    "ShopCity",
    "ShopCustomer",
    "ShopLine",
    "ShopNote",
    "ShopOrder",
    "ShopVip",
    "key",
    "numbers",
    "store_orders",
)


class ShopCity(Document):
    name = StringField(db_field="nm")
    meta = {"collection": "shop_city"}


class ShopCustomer(Document):
    name = StringField()
    country = StringField(db_field="cc")
    city = ReferenceField(ShopCity)
    limit = IntField()
    tags = ListField(StringField())
    meta = {"collection": "shop_customer", "allow_inheritance": True}


class ShopVip(ShopCustomer):
    level = IntField()


class ShopLine(EmbeddedDocument):
    product = StringField()
    price = IntField(db_field="p")
    by = ReferenceField(ShopCustomer)


class ShopNote(EmbeddedDocument):
    author = ReferenceField(ShopCustomer, db_field="au")


class ShopOrder(Document):
    nr = IntField()
    status = StringField(db_field="st")
    total = IntField()
    cost = DecimalField()
    placed = DateTimeField()
    scores = ListField(IntField())
    customer = ReferenceField(ShopCustomer, db_field="cu")
    lazy = LazyReferenceField(ShopCustomer)
    customers = ListField(ReferenceField(ShopCustomer))
    note = EmbeddedDocumentField(ShopNote)
    lines = EmbeddedDocumentListField(ShopLine)
    by_role = MapField(ReferenceField(ShopCustomer))
    anything = GenericReferenceField()
    meta = {"collection": "shop_order", "ordering": ["nr"]}


def key(number: int) -> ObjectId:
    return ObjectId(f"{number:024x}")


ADA, CYD, EVE, GONE = key(1), key(2), key(3), key(9)
BERLIN, PARIS = key(21), key(22)


def store_orders(mongo: Any) -> None:
    """Store five orders; the third refers to a customer that is not stored."""
    mongo.shop_city.insert_many(
        [{"_id": BERLIN, "nm": "Berlin"}, {"_id": PARIS, "nm": "Paris"}]
    )
    mongo.shop_customer.insert_many(
        [
            {
                "_id": ADA,
                "_cls": "ShopCustomer",
                "name": "Ada",
                "cc": "DE",
                "city": BERLIN,
                "limit": 5,
                "tags": ["x", "y"],
            },
            {
                "_id": CYD,
                "_cls": "ShopCustomer.ShopVip",
                "name": "Cyd",
                "cc": "FR",
                "city": PARIS,
                "limit": 50,
                "level": 3,
            },
            {"_id": EVE, "_cls": "ShopCustomer", "name": "Eve", "cc": "DE"},
        ]
    )
    mongo.shop_order.insert_many(
        [
            {
                "_id": key(101),
                "nr": 1,
                "st": "open",
                "total": 10,
                "cost": 1.5,
                "scores": [1, 2],
                "cu": ADA,
                "lazy": ADA,
                "customers": [ADA, CYD],
                "note": {"au": ADA},
                "lines": [
                    {"product": "p", "p": 1, "by": ADA},
                    {"product": "q", "p": 2, "by": CYD},
                ],
                "by_role": {"buyer": ADA},
            },
            {
                "_id": key(102),
                "nr": 2,
                "st": "open",
                "total": 20,
                "cost": 2.25,
                "cu": CYD,
                "lazy": CYD,
                "customers": [CYD],
                "lines": [{"product": "p", "p": 5, "by": EVE}],
            },
            {
                "_id": key(103),
                "nr": 3,
                "st": "sent",
                "total": 30,
                "cu": GONE,
                "customers": [GONE, ADA],
            },
            {"_id": key(104), "nr": 4, "st": "sent", "total": 40},
            {
                "_id": key(105),
                "nr": 5,
                "total": 50,
                "cu": EVE,
                "lazy": EVE,
                "lines": [{"product": "q", "p": 7}],
            },
        ]
    )


def numbers(orders: Any) -> list[int]:
    return [order.nr for order in orders]
