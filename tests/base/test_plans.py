"""Dumping and validating raw documents: the same as after conversion."""

from __future__ import annotations

import datetime
import decimal
import enum
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from mongoengine import (
    BooleanField,
    DateField,
    DateTimeField,
    Decimal128Field,
    DecimalField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EnumField,
    FloatField,
    IntField,
    ListField,
    MapField,
    SortedListField,
    StringField,
    ValidationError,
)


class PlanColour(enum.Enum):
    RED = "red"
    ONE = 1


class PlanPart(EmbeddedDocument):
    name = StringField(max_length=3)
    colour = EnumField(PlanColour)


AT = datetime.datetime(2026, 1, 2, 3, 4)

CASES: list[tuple[Any, Any]] = [
    (EnumField(PlanColour), "red"),
    (EnumField(PlanColour), 1.0),
    (EnumField(PlanColour), True),
    (EnumField(PlanColour), "unknown"),
    (EnumField(PlanColour), ["red"]),
    (EnumField(PlanColour, choices=[PlanColour.ONE]), "red"),
    (Decimal128Field(), Decimal128("1.50")),
    (Decimal128Field(min_value=2), Decimal128("1.50")),
    (Decimal128Field(), Decimal128("NaN")),
    (DecimalField(), 1.239),
    (DecimalField(max_value=1), 1.239),
    (DateTimeField(), "2026-03-04T05:06:07"),
    (DateTimeField(), "no date"),
    (DateField(), AT),
    (IntField(), 2.7),
    (IntField(), "no number"),
    (IntField(min_value=3), 2),
    (IntField(min_value=3, max_value=4), 4),
    (IntField(choices=[1, 2]), 2.0),
    (IntField(choices=[1, 2]), 3),
    (IntField(), Int64(5)),
    (FloatField(min_value=1), float("nan")),
    (FloatField(min_value=1), 3),
    (FloatField(), "2.5"),
    (BooleanField(), 1),
    (StringField(choices=[("a", "A"), ("b", "B")]), "b"),
    (StringField(choices=["a"]), "b"),
    (StringField(max_length=2), "abc"),
    (StringField(), 5),
    (ListField(EnumField(PlanColour)), ["red", 1]),
    (ListField(EnumField(PlanColour)), ["red", None]),
    (ListField(ListField(IntField(min_value=2))), [[1], [5]]),
    (SortedListField(IntField()), [3, 1, 2]),
    (MapField(SortedListField(IntField())), {"a": [3, 1, 2]}),
    (MapField(IntField()), {"a": 1, "b": 2.5}),
    (MapField(IntField(max_value=1)), {"a": 1, "b": 2}),
    (MapField(IntField()), {"$a": 1}),
    (MapField(StringField()), {"a": None}),
    (MapField(DictField()), {"a": {"$b": 1}}),
    (MapField(EmbeddedDocumentField(PlanPart)), {"a": {"colour": "red"}}),
    (MapField(EmbeddedDocumentField(PlanPart)), {"a": {"name": "long"}}),
    (MapField(ListField(EmbeddedDocumentField(PlanPart))), {"a": [{"colour": 1}]}),
    (DictField(MapField(IntField())), {"a": {"b": "1"}}),
    (MapField(IntField(), required=True), {}),
]


def outcome(document: Any, method: str) -> Any:
    try:
        return getattr(document, method)()
    except ValidationError as error:
        return str(error.to_dict())
    except Exception as error:
        return repr(error)


@pytest.mark.parametrize("method", ["to_mongo", "validate"])
@pytest.mark.parametrize(
    ("field", "raw"),
    CASES,
    ids=[f"{type(field).__name__}-{raw!r}" for field, raw in CASES],
)
def test_an_untouched_document_is_as_a_touched_one(
    field: Any, raw: Any, method: str
) -> None:
    body = {"__module__": __name__, "value": field}
    holder = type("PlanHolder", (Document,), body)
    stored = {"_id": ObjectId("0" * 24), "value": raw}
    untouched, touched = holder._from_son(dict(stored)), holder._from_son(dict(stored))
    touched.value
    again = [outcome(untouched, method) for _ in range(2)]
    expected = outcome(touched, method)
    assert repr(again) == repr([expected, expected])


def test_a_dump_of_maps_is_a_copy() -> None:
    class Maps(Document):
        numbers = MapField(IntField())
        names = DictField(ListField(StringField()))

    raw = {"numbers": {"a": 1}, "names": {"a": ["b"]}}
    dumped = Maps._from_son(raw).to_mongo()
    dumped["numbers"]["b"] = 2
    dumped["names"]["a"].append("c")
    assert raw == {"numbers": {"a": 1}, "names": {"a": ["b"]}}


def test_users_methods_are_called_for_raw_values_too() -> None:
    class Shouting(StringField):
        def to_mongo(self, value: Any) -> Any:
            return value.upper()

    class Refusing(EnumField[PlanColour]):
        def _validate(self, value: Any, **kwargs: Any) -> None:
            self.error("never")

    class Holder(Document):
        text = MapField(Shouting())
        colour = ListField(Refusing(PlanColour))

    document = Holder._from_son({"text": {"a": "b"}, "colour": ["red"]})
    assert document.to_mongo()["text"] == {"a": "B"}
    with pytest.raises(ValidationError, match="never"):
        Holder._from_son({"colour": ["red"]}).validate()


def test_a_decimal_context_is_asked_when_the_document_is_dumped() -> None:
    class Priced(Document):
        price = DecimalField(precision=1, rounding=decimal.ROUND_DOWN)

    assert Priced._from_son({"price": 1.29}).to_mongo()["price"] == 1.2
