"""Data that a field cannot convert raises where it is loaded, not where it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, ObjectId

from mongoengine import (
    Decimal128Field,
    Document,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FloatField,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    LongField,
    MapField,
    ReferenceField,
    StringField,
    ValidationError,
)
from mongoengine.errors import InvalidDocumentError, NotRegistered
from tests.families import Family
from tests.fields.helpers import document_with

INFINITY = float("inf")
# As upstream, whatever the conversion raises.
CANNOT_LOAD = (InvalidDocumentError, OverflowError, TypeError)
DICT = {"a": 1}


class BadPart(EmbeddedDocument):
    number = IntField()
    text = StringField()


class BadTarget(Document):
    id = IntField(primary_key=True)


@pytest.mark.filterwarnings("ignore:LongField")
@pytest.mark.parametrize("field_type", [IntField, LongField])
@pytest.mark.parametrize("value", [INFINITY, -INFINITY])
def test_an_int_field_refuses_infinity(field_type: Any, value: Any) -> None:
    with pytest.raises(OverflowError, match="cannot convert float infinity"):
        document_with(field_type())._from_son({"value": value})


@pytest.mark.parametrize(
    "value", [5, 5.5, float("nan"), 1e300, True, "text", "7", [], DICT]
)
def test_an_int_field_loads_what_it_can_convert_or_keep(value: Any) -> None:
    document = document_with(IntField())._from_son({"value": value})
    assert document.value is not None


@pytest.mark.parametrize("value", [[], DICT, ObjectId()])
def test_a_float_field_refuses_what_is_no_number(value: Any) -> None:
    with pytest.raises(TypeError, match="must be a string or a real number"):
        document_with(FloatField())._from_son({"value": value})


@pytest.mark.parametrize("value", [5, 5.5, INFINITY, True, "text"])
def test_a_float_field_loads_numbers_and_text(value: Any) -> None:
    assert document_with(FloatField())._from_son({"value": value}).value is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (ListField(IntField()), [1, 2.5, INFINITY]),
        (ListField(IntField()), [1, "2", INFINITY]),
        (ListField(FloatField()), [1.5, DICT]),
        (ListField(FloatField()), [1.5, None]),
        (ListField(ListField(IntField())), [[1], [INFINITY]]),
        (MapField(IntField()), {"k": INFINITY}),
        (MapField(ListField(IntField())), {"k": [INFINITY]}),
        (EmbeddedDocumentField(BadPart), {"number": INFINITY}),
        (
            ListField(EmbeddedDocumentField(BadPart)),
            [{"number": 1}, {"number": INFINITY}],
        ),
        (EmbeddedDocumentListField(BadPart), [{"text": "a"}, {"number": INFINITY}]),
        (MapField(EmbeddedDocumentField(BadPart)), {"k": {"number": INFINITY}}),
        (GenericEmbeddedDocumentField(), {"_cls": "BadPart", "number": INFINITY}),
        (DynamicField(), {"_cls": "BadPart", "number": INFINITY}),
        (ReferenceField(BadTarget), INFINITY),
        (ListField(ReferenceField(BadTarget)), [1, INFINITY]),
    ],
)
def test_bad_data_at_any_depth(field: Any, value: Any) -> None:
    with pytest.raises(CANNOT_LOAD):
        document_with(field)._from_son({"value": value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (ListField(IntField()), [1, 2, "text", None]),
        (ListField(FloatField()), [1.5, INFINITY, 3, "text"]),
        (ListField(EmbeddedDocumentField(BadPart)), [{"number": 1}, {"text": "a"}, {}]),
        (MapField(EmbeddedDocumentField(BadPart)), {"k": {"number": 1.5}}),
    ],
)
def test_good_data_is_not_converted_when_it_is_loaded(field: Any, value: Any) -> None:
    document = document_with(field)._from_son({"value": value})
    assert not document._values
    assert len(document.value) == len(value)


NUMBERS = [f"number{place}" for place in range(8)]


@pytest.mark.parametrize("bad", NUMBERS)
def test_one_infinite_number_of_many_is_refused(bad: str) -> None:
    Holder = document_with(StringField(), **{name: IntField() for name in NUMBERS})
    good = dict.fromkeys(NUMBERS, 1)
    make = Holder._maker()
    assert make(good)._raw is good
    for value in (INFINITY, -INFINITY):
        with pytest.raises(OverflowError):
            make({**good, bad: value})


@pytest.mark.parametrize("value", [None, 2.5, 2**62, "text", True, float("nan")])
def test_many_numbers_of_any_type_are_loaded(value: Any) -> None:
    Holder = document_with(StringField(), **{name: IntField() for name in NUMBERS})
    document = Holder._maker()({**dict.fromkeys(NUMBERS, 1), "number3": value})
    assert (document.number3 is None) == (value is None)
    assert document.number7 == 1


def test_infinite_numbers_that_cancel_out_are_refused() -> None:
    Holder = document_with(StringField(), **{name: IntField() for name in NUMBERS})
    raw = {**dict.fromkeys(NUMBERS, 1), "number1": INFINITY, "number2": -INFINITY}
    with pytest.raises(OverflowError):
        Holder._maker()(raw)


def test_a_decimal128_is_converted_when_it_is_read() -> None:
    stored = Decimal128("1.50")
    document = document_with(Decimal128Field())._from_son({"value": stored})
    assert not document._values
    assert document.value == Decimal("1.50")


@pytest.mark.parametrize("value", [{}, ["a"]])
def test_a_decimal128_field_refuses_what_is_no_decimal128(value: Any) -> None:
    with pytest.raises((ArithmeticError, *CANNOT_LOAD)):
        document_with(Decimal128Field())._from_son({"value": value})


def test_a_class_that_is_not_registered_raises_when_it_is_loaded() -> None:
    with pytest.raises(NotRegistered):
        document_with(DynamicField())._from_son({"value": {"_cls": "BadNowhere"}})


async def test_both_families_refuse_bad_data(family: Family, mongo: Any) -> None:
    Holder = document_with(ListField(IntField()))
    await mongo_insert(mongo, {"value": [1, INFINITY]})
    with pytest.raises(CANNOT_LOAD):
        await family(Holder.objects, "first")


async def mongo_insert(mongo: Any, document: dict[str, Any]) -> None:
    mongo["holder"].insert_one(document)


# Where an embedded document belongs


class BadHolder(Document):
    one = EmbeddedDocumentField(BadPart)
    listed = ListField(EmbeddedDocumentField(BadPart))
    special = EmbeddedDocumentListField(BadPart)
    named = MapField(EmbeddedDocumentField(BadPart))
    nested = ListField(ListField(EmbeddedDocumentField(BadPart)))
    generic = GenericEmbeddedDocumentField()
    generics = ListField(GenericEmbeddedDocumentField())


@pytest.mark.parametrize(
    ("name", "value", "bad"),
    [
        ("one", "text", "'text'"),
        ("one", "", "''"),
        ("one", 0, "0"),
        ("one", BadTarget(id=1), "BadTarget"),
        ("listed", ["text"], "'text'"),
        ("listed", [5], "5"),
        ("special", [5], "5"),
        ("named", {"k": "text"}, "'text'"),
        ("nested", [["text"]], "'text'"),
        ("generic", {}, "{}"),
        ("generics", [{"_cls": 5}], "{'_cls': 5}"),
    ],
)
def test_another_value_is_refused_by_class_field_and_value(
    name: str, value: Any, bad: str
) -> None:
    with pytest.raises(ValidationError, match=rf"BadHolder\.{name} takes .*{bad}"):
        BadHolder(**{name: value})


@pytest.mark.parametrize("name", ["one", "listed", "named", "generic"])
def test_text_that_is_assigned_is_refused_by_validate(name: str) -> None:
    holder = BadHolder()
    setattr(holder, name, "text")
    with pytest.raises(ValidationError, match=name):
        holder.validate()
