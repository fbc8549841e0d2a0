"""DictField: a dict with string keys, of values of one field or of any."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, DBRef, ObjectId

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    IntField,
    ListField,
    MapField,
    StringField,
    ValidationError,
)
from mongoengine.base.datastructures import BaseDict
from tests.families import Family
from tests.fields.helpers import document_with, failure_of

ID = ObjectId("5f0000000000000000000001")


class DictPart(EmbeddedDocument):
    text = StringField(db_field="t")


class DictThing(Document):
    extra = DictField(db_field="x")
    numbers = DictField(IntField())
    lists = DictField(ListField(StringField()))


def test_it_is_empty_at_first() -> None:
    document = DictThing()
    assert type(document.extra) is BaseDict
    assert document.to_mongo()["x"] == {}


def test_dicts_of_two_documents_are_two() -> None:
    one, other = DictThing(), DictThing()
    one.extra["a"] = 1
    assert other.extra == {}


def test_values_are_converted_by_their_field() -> None:
    assert DictThing(numbers={"a": "1"}).numbers == {"a": 1}
    assert DictThing._from_son({"numbers": {"a": "1"}}).numbers == {"a": 1}


@pytest.mark.parametrize("value", [[1], 5, "text"])
def test_only_dicts_are_valid(value: Any) -> None:
    assert (
        failure_of(DictField(), value) == "Only dictionaries may be used in a DictField"
    )


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1: 2}}])
def test_keys_are_strings(value: Any) -> None:
    message = "Invalid dictionary key - documents must have only string keys"
    assert failure_of(DictField(), value) == message


@pytest.mark.parametrize("value", [{"$a": 1}, {"a": {"$b": 1}}])
def test_keys_begin_with_no_dollar(value: Any) -> None:
    message = 'Invalid dictionary key name - keys may not startswith "$" characters'
    assert failure_of(DictField(), value) == message


@pytest.mark.parametrize("value", [{"a.b": 1}, {"a$": 1}, {"a": [{"$b": 1}]}, {"": 1}])
def test_other_keys_are_valid(value: Any) -> None:
    assert failure_of(DictField(), value) is None


def test_keys_of_a_subclass_of_str_are_valid() -> None:
    class Text(str):
        pass

    assert failure_of(DictField(), {Text("a"): 1}) is None


def test_a_bad_key_of_a_loaded_document_is_refused() -> None:
    document = DictThing._from_son({"x": {"a": {"$b": 1}}})
    with pytest.raises(ValidationError, match="may not startswith"):
        document.validate()


def test_failures_are_told_by_key() -> None:
    with pytest.raises(ValidationError) as caught:
        DictThing(numbers={"a": 1, "b": "x"}).validate()
    assert caught.value.to_dict() == {
        "numbers": {"b": "x could not be converted to int"}
    }


def test_a_required_dict_is_not_empty() -> None:
    field = DictField(required=True)
    assert failure_of(field, {}) == "Field is required and cannot be empty"


def test_its_field_has_to_be_a_field() -> None:
    with pytest.raises(TypeError, match="field argument must be a Field instance"):
        DictField(IntField)  # type: ignore[arg-type]


def test_positional_options_are_refused() -> None:
    with pytest.raises(TypeError, match="multiple values for argument 'field'"):
        DictField(None, "name")


def test_anything_may_be_in_a_dict() -> None:
    document = DictThing(extra={"a": [1, {"b": None}], "c": (1, 2), "d": ID})
    document.validate()
    assert document.to_mongo()["x"] == {"a": [1, {"b": None}], "c": [1, 2], "d": ID}


def test_embedded_documents_are_stored_with_their_class() -> None:
    document = DictThing(extra={"p": DictPart(text="a")})
    assert document.to_mongo()["x"] == {"p": {"t": "a", "_cls": "DictPart"}}
    assert document._to_wire([])["x"] == {"p": {"t": "a", "_cls": "DictPart"}}


def test_a_son_is_taken_as_a_dict() -> None:
    document = DictThing(extra=SON([("a", SON([("b", 1)]))]))
    assert document.to_mongo()["x"] == {"a": {"b": 1}}


def test_a_dump_is_a_dict_of_its_own() -> None:
    document = DictThing(extra={"a": {"b": [1]}})
    document.to_mongo()["x"]["a"]["b"].append(2)
    assert document.extra == {"a": {"b": [1]}}


def test_lists_in_it_are_of_their_field() -> None:
    document = DictThing(lists={"a": ["b"]})
    document.lists["a"].append(5)
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {
        "lists": {"a": {1: "StringField only accepts string values"}}
    }


@pytest.mark.parametrize("value", [[1], 5, "text"])
def test_what_is_no_dict_is_kept_when_loaded(value: Any) -> None:
    document = DictThing._from_son({"x": value})
    assert document.extra == value
    assert document.to_mongo()["x"] == value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"extra__a__b": 1}, {"x.a.b": 1}),
        ({"extra__a__gt": 1}, {"x.a": {"$gt": 1}}),
        ({"extra": {"a": 1}}, {"x": {"a": 1}}),
        ({"extra__exists": True}, {"x": {"$exists": True}}),
        ({"lists__a": "b"}, {"lists.a": "b"}),
    ],
)
def test_queries_mean_the_keys(query: Any, expected: Any) -> None:
    assert DictThing.objects(**query)._query == expected


def test_text_operators_search_the_text_of_a_key() -> None:
    pattern = DictThing.objects(extra__a__icontains="b")._query["x.a"]
    assert pattern.search("aBc")


def test_updates_convert_what_is_in_it() -> None:
    field: Any = DictThing.lists
    assert field.prepare_query_value("set", {"a": ["b"]}) == {"a": ["b"]}
    assert field.prepare_query_value("push", "b") == "b"


def test_it_is_saved_and_found(connection: Any) -> None:
    DictThing(extra={"a": {"b": 1}}, numbers={"n": 1}).save()
    found = DictThing.objects.get(extra__a__b=1)
    found.extra["a"]["c"] = 2
    del found.numbers["n"]
    found.save()
    stored = DictThing.objects.get()
    assert (stored.extra, stored.numbers) == ({"a": {"b": 1, "c": 2}}, {})


def test_a_field_of_ones_own_default_is_used() -> None:
    cls: Any = document_with(DictField(default={"a": 1}))
    assert cls().value == {"a": 1}


# Keys that look like those of embedded documents and references


class DictClsHolder(Document):
    extra = DictField()
    listed = ListField(DictField())
    anything = ListField()
    named = MapField(DictField())


PLAIN_DICTS = [
    {"_cls": "DictClsHolder", "k": 1},
    {"_cls": "DictNowhere", "k": 1},
    {"_cls": "DictPart", "unknown": 1},
    {"_cls": 5},
    {"_cls": None, "k": 1},
    {"_ref": 1},
    {"_cls": "DictNowhere", "_ref": DBRef("dict_cls_holder", ID)},
    {"_cls": "DictClsHolder", "_ref": 5},
    {"a": {"_cls": "DictNowhere", "b": [{"_cls": "X.Y"}]}},
]


@pytest.mark.parametrize("value", PLAIN_DICTS)
async def test_a_dict_with_such_keys_is_read_as_it_is_stored(
    family: Family, value: Any
) -> None:
    document = DictClsHolder(
        extra=value, listed=[value], anything=[value], named={"k": value}
    )
    await family(document, "save")
    found = await family(DictClsHolder.objects, "first")
    assert found.extra == value
    assert found.listed == [value]
    assert found.anything == [value]
    assert found.named == {"k": value}
    assert found.to_mongo() == document.to_mongo()


@pytest.mark.parametrize("value", PLAIN_DICTS)
async def test_a_dict_with_such_keys_can_be_changed(family: Family, value: Any) -> None:
    await family(DictClsHolder(extra=value), "save")
    found = await family(DictClsHolder.objects, "first")
    found.extra["new"] = 1
    await family(found, "save")
    again = await family(DictClsHolder.objects, "first")
    assert again.extra == {**value, "new": 1}


# References


def test_a_dict_field_is_not_said_to_follow_references() -> None:
    assert DictField()._auto_dereference is False
    assert MapField(StringField())._auto_dereference is False
    assert ListField()._auto_dereference is True
