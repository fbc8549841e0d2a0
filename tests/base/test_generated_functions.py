"""Functions made for a class do the same as the general way.

They construct documents, dump them and encode new ones.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from mongoengine import (
    DateField,
    DateTimeField,
    Decimal128Field,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    FieldDoesNotExist,
    IntField,
    ListField,
    MapField,
    ReferenceField,
    SortedListField,
    StringField,
    UUIDField,
    signals,
)
from mongoengine.base import construct_plans, dump_plans


class Shade(enum.Enum):
    DARK = "dark"
    LIGHT = "light"


class Reversed(ListField):
    def to_mongo(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super().to_mongo(value)[::-1]


Make = Callable[[], Any]


def make_classes() -> dict[str, Any]:
    """Return classes that have constructed and dumped no document yet."""

    class MadeLeaf(EmbeddedDocument):
        name = StringField(db_field="n")
        size = IntField(default=3)

    class MadeBase(EmbeddedDocument):
        key = IntField(db_field="_id")
        name = StringField()
        meta = {"allow_inheritance": True}

    class MadeSpecial(MadeBase):
        size = IntField()

    class MadeOwnDump(EmbeddedDocument):
        name = StringField()
        meta = {"strict": False}

        def to_mongo(self, *args: Any, **kwargs: Any) -> Any:
            return {**super().to_mongo(*args, **kwargs), "own": True}

    class Made(Document):
        title = StringField(db_field="t", max_length=9)
        null = StringField(null=True)
        null_default = IntField(null=True, default=4)
        count = IntField(default=7)
        called = StringField(default=lambda: "called")
        shade = EnumField(Shade, default=Shade.DARK)
        price = Decimal128Field()
        token = UUIDField()
        day = DateField()
        at = DateTimeField()
        tags = ListField(StringField())
        grid = ListField(ListField(IntField()))
        shades = ListField(EnumField(Shade))
        sorted = SortedListField(IntField())
        backwards = Reversed(IntField())
        extra = DictField()
        groups = MapField(ListField(IntField()))
        leaf = EmbeddedDocumentField(MadeLeaf)
        leaves = ListField(EmbeddedDocumentField(MadeLeaf))
        bases = EmbeddedDocumentListField(MadeBase)
        named = MapField(EmbeddedDocumentField(MadeLeaf))
        own = EmbeddedDocumentField(MadeOwnDump)
        other = ReferenceField("self")

    classes = (MadeLeaf, MadeBase, MadeSpecial, MadeOwnDump, Made)
    return {cls.__name__: cls for cls in classes}


ID = ObjectId("5f0000000000000000000001")

#: Arguments of a document, made of the classes of embedded ones.
ARGUMENTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "nothing": lambda c: {},
    "scalars": lambda c: {"id": ID, "title": "a", "null": "b", "null_default": 1},
    "nulls": lambda c: {"title": None, "null": None, "null_default": None},
    "nulls for defaults": lambda c: {"count": None, "called": None, "shade": None},
    "null containers": lambda c: {"tags": None, "extra": None, "leaf": None},
    "text for a number": lambda c: {"count": "5", "null_default": "6"},
    "a member": lambda c: {"shade": Shade.LIGHT, "shades": [Shade.DARK]},
    "the value of a member": lambda c: {"shade": "light", "shades": ["dark"]},
    "a decimal": lambda c: {"price": decimal.Decimal("1.50")},
    "a stored decimal": lambda c: {"price": Decimal128("1.50")},
    "an infinite decimal": lambda c: {"price": decimal.Decimal("Infinity")},
    "a token": lambda c: {"token": uuid.UUID(int=5)},
    "a token as text": lambda c: {"token": str(uuid.UUID(int=5))},
    "days": lambda c: {"day": datetime.date(2026, 1, 2), "at": "2026-01-02T03:04:05"},
    "a day with a time": lambda c: {"day": datetime.datetime(2026, 1, 2, 3)},
    "lists": lambda c: {"tags": ["a", "b"], "grid": [[1], [], [2, 3]]},
    "lists to convert": lambda c: {"tags": [1, None], "grid": [["1"], None]},
    "tuples": lambda c: {"tags": ("a", "b"), "grid": ([1], (2,))},
    "sorted": lambda c: {"sorted": [3, 1, 2], "backwards": [1, 2, 3]},
    "dicts": lambda c: {"extra": {"a": [1, {"b": [2]}]}, "groups": {"x": [1], "y": []}},
    "a dict of a document": lambda c: {"extra": {"leaf": c["MadeLeaf"](name="a")}},
    "embedded": lambda c: {
        "leaf": c["MadeLeaf"](name="a", size=1),
        "leaves": [c["MadeLeaf"](name="b"), c["MadeLeaf"]()],
        "named": {"x": c["MadeLeaf"](name="c")},
    },
    "embedded as dicts": lambda c: {"leaf": {"n": "a"}, "leaves": [{"n": "b"}]},
    "subclasses": lambda c: {
        "bases": [
            c["MadeBase"](name="a"),
            c["MadeSpecial"](key=1, name="b", size=2),
        ]
    },
    "an own dump": lambda c: {"own": c["MadeOwnDump"](name="a")},
    "a reference": lambda c: {"other": c["Made"](id=ID)},
}


def made(arguments: str) -> Any:
    classes = make_classes()
    classes["Made"]()
    return classes["Made"](**ARGUMENTS[arguments](classes))


def made_generally(arguments: str) -> Any:
    """Make a document, and all that is done with it, by the general way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(construct_plans, "MOST_TESTED", 0)
        patch.setattr(dump_plans, "MOST_DUMPED", 0)
        document = made(arguments)
        document.to_mongo()
        return document


def state_of(document: Any) -> Any:
    """Return the values of a document and of those in it, with their owners' names."""
    if isinstance(document, (Document, EmbeddedDocument)):
        owner = getattr(document, "_instance", None)
        values = {name: state_of(v) for name, v in document._values.items()}
        flags = document._created, document._initialised, document._changes
        return type(document).__name__, owner and owner._class_name, flags, values
    if isinstance(document, dict):
        items = {key: state_of(item) for key, item in document.items()}
        return type(document).__name__, items
    if isinstance(document, list):
        return type(document).__name__, [state_of(item) for item in document]
    return document


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_document_has_the_same_values(arguments: str) -> None:
    assert state_of(made(arguments)) == state_of(made_generally(arguments))


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_new_document_is_dumped_the_same(arguments: str) -> None:
    document, other = made(arguments), made_generally(arguments)
    dumped, expected = document.to_mongo(), other.to_mongo()
    assert dumped == expected
    assert list(dumped) == list(expected)
    assert type(dumped) is type(expected)
    assert repr(dumped) == repr(expected)


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_new_document_is_encoded_as_it_is_dumped(arguments: str) -> None:
    document = made(arguments)
    dumped = document.to_mongo()
    encoded = document._to_wire([])
    assert encoded == dumped
    assert list(encoded) == list(dumped)


@pytest.mark.parametrize("touched", [(), ("title", "leaf"), ("grid", "bases", "count")])
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_loaded_document_is_dumped_the_same(
    arguments: str, touched: tuple[str, ...]
) -> None:
    dumps = []
    for make in (made, made_generally):
        document = make(arguments)
        loaded = type(document)._from_son({"_id": ID, **document.to_mongo()})
        for name in touched:
            getattr(loaded, name)
        dumps.append(repr(loaded.to_mongo()))
    assert dumps[0] == dumps[1]


def test_an_argument_is_copied() -> None:
    classes = make_classes()
    grid, leaves = [[1]], [classes["MadeLeaf"]()]
    document = classes["Made"](grid=grid, leaves=leaves)
    document.grid[0].append(2)
    document.leaves.append(classes["MadeLeaf"]())
    assert grid == [[1]]
    assert len(leaves) == 1
    assert document.leaves[0] is leaves[0]


def test_an_embedded_document_gets_its_last_owner() -> None:
    classes = make_classes()
    leaf = classes["MadeLeaf"]()
    first, second = classes["Made"](leaf=leaf), classes["Made"](leaves=[leaf])
    assert first.leaf is leaf
    assert leaf._instance == second


def test_a_default_is_made_for_each_document() -> None:
    made_class = make_classes()["Made"]
    first, second = made_class(), made_class()
    first.tags.append("a")
    assert second.tags == []


def test_an_unknown_keyword_is_refused_after_others_were_taken() -> None:
    made_class = make_classes()["Made"]
    made_class(title="a")
    with pytest.raises(FieldDoesNotExist, match="unknown"):
        made_class(title="a", unknown=1)


def test_a_signal_that_is_connected_later_is_sent() -> None:
    made_class = make_classes()["Made"]
    made_class(title="a")
    sent = []

    def note(sender: Any, document: Any, values: Any) -> None:
        sent.append(values)

    signals.pre_init.connect(note, sender=made_class)
    try:
        made_class(title="b")
    finally:
        signals.pre_init.disconnect(note, sender=made_class)
    assert sent == [{"title": "b"}]
