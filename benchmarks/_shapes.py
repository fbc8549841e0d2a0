"""Seven shapes of documents, as data: raw documents, classes, and what is done to them.

A shape says which fields its documents have, without naming a library; builders here
and in `_rivals.py` make classes of it.  So every side works on the same documents, and
reads them through the same functions.
"""

from __future__ import annotations

import datetime
import enum
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import bson
from _shape import raw_article
from bson import Binary, DBRef, Decimal128, ObjectId


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


@dataclass(frozen=True)
class F:
    """A field: its type by name, its item's field or embedded class, its limits."""

    type: str
    of: F | None = None
    embedded: str | None = None
    required: bool = False
    limits: tuple[tuple[str, Any], ...] = ()


Fields = Mapping[str, F]


@dataclass(frozen=True)
class Shape:
    """Documents of one shape, and the work that the benchmarks do with them."""

    name: str
    title: str
    fields: Fields
    raw: Callable[[int], dict[str, Any]]
    #: Read five values, one of them in a list or map of embedded documents.
    touch_five: Callable[[Any], Any]
    #: Change one field, and one value further inside.
    change: Callable[[Any], None]
    change_nested: Callable[[Any], None]
    embedded: Mapping[str, Fields] = field(default_factory=dict)
    base: Fields = field(default_factory=dict)
    dynamic: bool = False
    #: Sides that have no such documents.
    without: frozenset[str] = frozenset()


def text(limit: int | None = None, required: bool = False) -> F:
    limits = () if limit is None else (("max_length", limit),)
    return F("string", required=required, limits=limits)


def number(low: int | None = None, required: bool = False) -> F:
    limits = () if low is None else (("min_value", low),)
    return F("int", required=required, limits=limits)


def list_of(item: F) -> F:
    return F("list", of=item)


def map_of(item: F) -> F:
    return F("map", of=item)


def embedded(name: str, required: bool = False) -> F:
    return F("embedded", embedded=name, required=required)


FLOAT, BOOL, AT, KEY = F("float"), F("bool"), F("datetime"), F("objectid")
PLAIN = F("dict")

START = datetime.datetime(2026, 1, 1)


def _id(number: int) -> ObjectId:
    return ObjectId(f"{number:024x}")


# -- an article of a busy site --------------------------------------------------------


def _change_article(document: Any) -> None:
    document.views = 5


def _change_comment(document: Any) -> None:
    document.comments[2].votes = 51


ARTICLE = Shape(
    "article",
    "an article with five comments",
    {
        "title": text(200, required=True),
        "slug": text(required=True),
        "body": text(),
        "views": number(),
        "rating": FLOAT,
        "published": BOOL,
        "created": AT,
        "author": KEY,
        "tags": list_of(text()),
        "scores": list_of(number()),
        "extra": PLAIN,
        "comments": list_of(embedded("Comment")),
    },
    raw_article,
    lambda d: (d.title, d.views, d.created, d.rating, d.comments[2].text),
    _change_article,
    _change_comment,
    {
        "Comment": {
            "author": text(required=True),
            "text": text(required=True),
            "created": AT,
            "votes": number(),
        }
    },
)


# -- an order with constraints ---------------------------------------------------------


def _address(rng: random.Random) -> dict[str, Any]:
    return {
        "street": f"Long Street {rng.randrange(200)}",
        "city": "Utrecht",
        "postcode": f"{rng.randrange(1000, 9999)} AB",
        "country": "NL",
    }


def _order(number: int) -> dict[str, Any]:
    rng = random.Random(number)
    return {
        "_id": _id(number),
        "number": f"2026-{number:06}",
        "customer": _id(number % 53),
        "placed": START + datetime.timedelta(minutes=number),
        "status": "paid",
        "total": rng.random() * 500,
        "paid": True,
        "billing": _address(rng),
        "shipping": _address(rng),
        "lines": [
            {
                "sku": f"SKU-{rng.randrange(10_000)}",
                "name": f"Thing number {line}",
                "quantity": rng.randrange(1, 9),
                "price": rng.random() * 60,
                "options": {"colour": "red", "sizes": [1, 2]},
            }
            for line in range(8)
        ],
        "notes": ["call first", "gift"],
        "extra": {"source": {"campaign": "spring", "ids": [4, 5]}, "ab": {"test": 1}},
    }


def _change_order(document: Any) -> None:
    document.status = "sent"


def _change_line(document: Any) -> None:
    document.lines[3].quantity = 11


ORDER = Shape(
    "order",
    "an order with eight lines, two addresses and constraints",
    {
        "number": text(20, required=True),
        "customer": F("objectid", required=True),
        "placed": AT,
        "status": F("string", limits=(("choices", ("new", "paid", "sent")),)),
        "total": F("float", limits=(("min_value", 0),)),
        "paid": BOOL,
        "billing": embedded("Address", required=True),
        "shipping": embedded("Address"),
        "lines": list_of(embedded("Line")),
        "notes": list_of(text(200)),
        "extra": PLAIN,
    },
    _order,
    lambda d: (d.number, d.status, d.total, d.billing.city, d.lines[3].sku),
    _change_order,
    _change_line,
    {
        "Address": {
            "street": text(100, required=True),
            "city": text(100, required=True),
            "postcode": text(10),
            "country": text(2),
        },
        "Line": {
            "sku": text(30, required=True),
            "name": text(),
            "quantity": number(1, required=True),
            "price": F("float", limits=(("min_value", 0),)),
            "options": PLAIN,
        },
    },
)


# -- flat documents --------------------------------------------------------------------

_SCALARS = (text(), number(), FLOAT, BOOL, AT)


def _flat_fields(count: int) -> dict[str, F]:
    return {f"f{place}": _SCALARS[place % 5] for place in range(count)}


def _flat_raw(count: int) -> Callable[[int], dict[str, Any]]:
    def raw(number: int) -> dict[str, Any]:
        at = START + datetime.timedelta(minutes=number)
        values: tuple[Any, ...] = (f"text {number}", number, number / 7, True, at)
        made: dict[str, Any] = {"_id": _id(number)}
        made.update((f"f{place}", values[place % 5]) for place in range(count))
        return made

    return raw


def _change_flat(document: Any) -> None:
    document.f1 = -5


def _flat(count: int, title: str) -> Shape:
    return Shape(
        f"flat{count}",
        title,
        _flat_fields(count),
        _flat_raw(count),
        lambda d: (d.f0, d.f1, d.f2, d.f3, d.f4),
        _change_flat,
        _change_flat,
    )


FLAT20 = _flat(20, "twenty scalars")
FLAT200 = _flat(200, "two hundred scalars")


# -- a deep tree -----------------------------------------------------------------------


def _tree(number: int) -> dict[str, Any]:
    rng = random.Random(number)

    def twig(depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"name": f"node {rng.randrange(100)}", "weight": depth}
        if depth < 4:
            made["child"] = twig(depth + 1)
        return made

    return {
        "_id": _id(number),
        "name": f"tree {number}",
        "root": twig(1),
        "branches": [twig(3), twig(3), twig(3)],
        "grid": [[rng.randrange(9) for _ in range(4)] for _ in range(4)],
        "paths": [["a", "b"], ["c"], []],
        "counts": {f"k{place}": place for place in range(6)},
        "named": {"left": twig(4), "right": twig(4)},
        "groups": {"x": [1, 2, 3], "y": [4]},
    }


def _change_tree(document: Any) -> None:
    document.name = "other"


def _change_leaf(document: Any) -> None:
    document.root.child.child.child.weight = 99


TREE = Shape(
    "tree",
    "a tree four levels deep, lists of lists and maps",
    {
        "name": text(required=True),
        "root": embedded("Level1"),
        "branches": list_of(embedded("Level3")),
        "grid": list_of(list_of(number())),
        "paths": list_of(list_of(text())),
        "counts": map_of(number()),
        "named": map_of(embedded("Level4")),
        "groups": map_of(list_of(number())),
    },
    _tree,
    lambda d: (
        d.name,
        d.root.child.name,
        d.grid[1][2],
        d.counts["k3"],
        d.branches[1].name,
    ),
    _change_tree,
    _change_leaf,
    {
        "Level4": {"name": text(), "weight": number()},
        "Level3": {"name": text(), "weight": number(), "child": embedded("Level4")},
        "Level2": {"name": text(), "weight": number(), "child": embedded("Level3")},
        "Level1": {"name": text(), "weight": number(), "child": embedded("Level2")},
    },
)


# -- references and dynamic fields ----------------------------------------------------


def _links(number: int) -> dict[str, Any]:
    return {
        "_id": _id(number),
        "name": f"links {number}",
        "owner": _id(number % 7),
        "old": DBRef("person", _id(number % 11)),
        "members": [_id(member) for member in range(5)],
        "at": START,
        "extra": {"level": 3, "words": ["a", "b"]},
        "count": number,
        "label": "not declared",
    }


def _change_links(document: Any) -> None:
    document.name = "other"


def _change_extra(document: Any) -> None:
    document.extra["level"] = 4


LINKS = Shape(
    "links",
    "references that are not followed, and a dynamic document",
    {
        "name": text(),
        "owner": F("reference"),
        "old": F("dbref"),
        "members": list_of(F("reference")),
        "at": AT,
    },
    _links,
    lambda d: (d.name, d.at, d.count, d.label, d.extra),
    _change_links,
    _change_extra,
    dynamic=True,
    without=frozenset({"beanie", "umongo", "aggify", "msgspec"}),
)


# -- conversions -----------------------------------------------------------------------


def _conversions(number: int) -> dict[str, Any]:
    rng = random.Random(number)
    return {
        "_id": _id(number),
        "_cls": "Thing.SpecialThing",
        "name": f"thing {number}",
        "colour": rng.choice(["red", "green", "blue"]),
        "price": Decimal128(f"{rng.randrange(1000)}.50"),
        "token": Binary(uuid.UUID(int=number).bytes, 4),
        "when": "2026-03-04T05:06:07",
        "day": START,
        "stock": {
            place: {"colour": "red", "count": rng.randrange(9)} for place in "abc"
        },
        "grid": [[1, 2], [3, 4]],
    }


def _change_conversions(document: Any) -> None:
    document.name = "other"


def _change_stock(document: Any) -> None:
    document.stock["b"].count = 77


CONVERSIONS = Shape(
    "conversions",
    "a subclass with enum, decimal, UUID, dates as text and maps",
    {
        "colour": F("enum"),
        "price": F("decimal128"),
        "token": F("uuid"),
        "when": AT,
        "day": F("date"),
        "stock": map_of(embedded("Stock")),
        "grid": list_of(list_of(number())),
    },
    _conversions,
    lambda d: (d.name, d.colour, d.price, d.when, d.stock["b"].count),
    _change_conversions,
    _change_stock,
    {"Stock": {"colour": F("enum"), "count": number()}},
    base={"name": text()},
    without=frozenset({"umongo", "aggify"}),
)

SHAPES = {
    shape.name: shape
    for shape in (ARTICLE, ORDER, FLAT20, FLAT200, TREE, LINKS, CONVERSIONS)
}

OPTIONS = bson.CodecOptions(uuid_representation=bson.binary.UuidRepresentation.STANDARD)


# -- reading everything ----------------------------------------------------------------


def walk_plain(value: Any) -> None:
    """Read every key and item of plain data."""
    items = value.values() if isinstance(value, dict) else value
    for item in items:
        if isinstance(item, (dict, list)):
            walk_plain(item)


# -- classes of mongoengine ------------------------------------------------------------


def document_class(shape: Shape, collection: str | None = None) -> Any:
    """The class for a shape, of whichever `mongoengine` this process imports."""
    import mongoengine as me

    made: dict[str, Any] = {}

    def declared(fields: Fields) -> dict[str, Any]:
        return {name: _field(me, each, made) for name, each in fields.items()}

    for name, fields in shape.embedded.items():
        made[name] = type(name, (me.EmbeddedDocument,), declared(fields))
    meta: dict[str, Any] = {"collection": collection or shape.name}
    if shape.dynamic:
        body = {**declared(shape.fields), "meta": meta}
        return type(shape.name.title(), (me.DynamicDocument,), body)
    if shape.base:
        meta["allow_inheritance"] = True
        thing = type("Thing", (me.Document,), {**declared(shape.base), "meta": meta})
        return type("SpecialThing", (thing,), declared(shape.fields))
    body = {**declared(shape.fields), "meta": meta}
    return type(shape.name.title(), (me.Document,), body)


def _field(me: Any, each: F, classes: Mapping[str, Any]) -> Any:
    limits: dict[str, Any] = dict(each.limits)
    if each.required:
        limits["required"] = True
    if each.type == "embedded":
        return me.EmbeddedDocumentField(classes[str(each.embedded)], **limits)
    if each.type in ("list", "map"):
        container = me.ListField if each.type == "list" else me.MapField
        return container(_field(me, each.of, classes))  # type: ignore[arg-type]
    if each.type == "enum":
        return me.EnumField(Colour)
    if each.type in ("reference", "dbref"):
        return me.ReferenceField("self", dbref=each.type == "dbref")
    names = {
        "string": "StringField",
        "int": "IntField",
        "float": "FloatField",
        "bool": "BooleanField",
        "datetime": "DateTimeField",
        "date": "DateField",
        "objectid": "ObjectIdField",
        "dict": "DictField",
        "decimal128": "Decimal128Field",
        "uuid": "UUIDField",
    }
    if each.type == "uuid":
        return me.UUIDField(binary=True, **limits)
    return getattr(me, names[each.type])(**limits)


# -- values for constructors -----------------------------------------------------------


def keywords(
    shape: Shape, raw: Mapping[str, Any], classes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return what an application would construct a document with.

    :param classes: embedded classes by name to make of nested values; None leaves
        those as dicts
    """
    fields = {**shape.base, **shape.fields}
    values = {k: v for k, v in raw.items() if k not in ("_id", "_cls")}
    return {
        name: _python(fields[name], value, shape, classes) if name in fields else value
        for name, value in values.items()
    }


def _python(
    each: F, value: Any, shape: Shape, classes: Mapping[str, Any] | None
) -> Any:
    if each.type == "embedded":
        fields = shape.embedded[str(each.embedded)]
        inside = {
            key: _python(fields[key], item, shape, classes)
            for key, item in value.items()
        }
        return inside if classes is None else classes[str(each.embedded)](**inside)
    if each.type == "list" and each.of is not None:
        return [_python(each.of, item, shape, classes) for item in value]
    if each.type == "map" and each.of is not None:
        return {k: _python(each.of, item, shape, classes) for k, item in value.items()}
    convert = PYTHON.get(each.type)
    return value if convert is None else convert(value)


#: What an application hands to a constructor in the place of a raw value.
PYTHON: dict[str, Callable[[Any], Any]] = {
    "enum": Colour,
    "uuid": lambda value: (
        value if isinstance(value, uuid.UUID) else uuid.UUID(bytes=bytes(value))
    ),
    "date": lambda value: value.date(),
}


def embedded_classes(shape: Shape, document: Any) -> dict[str, Any]:
    """Return the embedded classes of a document class of mongoengine, by name."""
    found: dict[str, Any] = {}

    def visit(cls: Any) -> None:
        for each in cls._fields.values():
            inner = each
            while getattr(inner, "field", None) is not None:
                inner = inner.field
            embedded_class = getattr(inner, "document_type_obj", None)
            if isinstance(embedded_class, type) and (
                embedded_class.__name__ in shape.embedded
            ):
                found[embedded_class.__name__] = embedded_class
                visit(embedded_class)

    visit(document)
    return found
