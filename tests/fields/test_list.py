"""ListField: a list of items of one field, or of any."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, Int64, ObjectId

from mongoengine import (
    DecimalField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    LongField,
    ReferenceField,
    StringField,
    ValidationError,
)
from mongoengine.base.datastructures import BaseList
from tests.fields.helpers import document_with, failure_of

ID = ObjectId("5f0000000000000000000001")


class ListItem(EmbeddedDocument):
    text = StringField(db_field="t")


class ListTarget(Document):
    name = StringField()


class ListChild(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class ListThing(Document):
    numbers = ListField(IntField(), db_field="ns")
    anything = ListField()
    items = ListField(EmbeddedDocumentField(ListItem))
    rows = ListField(ListField(IntField()))
    dicts = ListField(DictField())
    targets = ListField(ReferenceField(ListTarget))


def test_it_is_empty_at_first() -> None:
    assert ListThing().numbers == []
    assert ListThing().to_mongo()["ns"] == []


def test_lists_of_two_documents_are_two() -> None:
    one, other = ListThing(), ListThing()
    one.numbers.append(1)
    assert other.numbers == []


def test_a_default_of_ones_own_is_used() -> None:
    cls: Any = document_with(ListField(IntField(), default=lambda: [1]))
    assert cls().value == [1]


def test_items_are_converted_when_a_document_is_made() -> None:
    assert ListThing(numbers=["1", 2.0]).numbers == [1, 2]
    assert ListThing(items=[{"t": "a"}]).items == [ListItem(text="a")]


def test_items_are_converted_when_loaded() -> None:
    cls: Any = document_with(ListField(DecimalField()))
    assert [str(one) for one in cls._from_son({"value": ["1.5"]}).value] == ["1.50"]


def test_items_that_cannot_be_converted_are_kept_and_refused() -> None:
    document = ListThing(numbers=["x"])
    assert document.numbers == ["x"]
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {"numbers": {0: "x could not be converted to int"}}


def test_a_tuple_is_taken_as_a_list() -> None:
    document = ListThing(numbers=(1, 2))
    assert type(document.numbers) is BaseList
    assert document.to_mongo()["ns"] == [1, 2]
    document.numbers = (3,)  # type: ignore[assignment]
    assert document.numbers == [3]


@pytest.mark.parametrize("value", [5, "ab", {"a": 1}, {1}])
def test_only_lists_and_tuples_are_valid(value: Any) -> None:
    document: Any = ListThing()
    document.anything = value
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {
        "anything": "Only lists and tuples may be used in a list field"
    }


def test_none_stands_for_no_items() -> None:
    document: Any = ListThing(numbers=None)
    assert document.numbers == []
    document.numbers = None
    assert document.numbers == []
    assert ListThing._from_son({"ns": None}).numbers == []


def test_null_is_kept_where_it_is_allowed() -> None:
    cls: Any = document_with(ListField(IntField(), null=True))
    assert cls(value=None).value is None
    assert cls(value=None).to_mongo() == {"value": None}


def test_max_length_is_the_most_items() -> None:
    field = ListField(StringField(), max_length=2)
    assert failure_of(field, ["a", "b"]) is None
    assert failure_of(field, ["a", "b", "c"]) == "List is too long"


def test_a_required_list_is_not_empty() -> None:
    field = ListField(StringField(), required=True)
    assert failure_of(field, []) == "Field is required and cannot be empty"
    assert failure_of(field, ["a"]) is None


def test_choices_are_of_the_items() -> None:
    field = ListField(StringField(), choices=["a", "b"])
    assert failure_of(field, ["a"]) is None
    assert failure_of(field, ["z"]) == "Value must be one of ['a', 'b']"


def test_items_have_choices_of_their_own() -> None:
    with pytest.raises(ValidationError) as caught:
        document_with(ListField(StringField(choices=["a"])))(
            value=["a", "z"]
        ).validate()
    assert caught.value.to_dict() == {"value": {1: "Value must be one of ['a']"}}


def test_failures_are_told_by_their_index() -> None:
    document = ListThing(rows=[[1], [2, "x"]])
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {
        "rows": {1: {1: "x could not be converted to int"}}
    }


def test_an_item_that_fails_otherwise_is_told() -> None:
    def refuse(value: Any) -> None:
        raise ValueError("not this one")

    class Strange(IntField):
        def validate(self, value: Any, clean: bool = True) -> None:
            refuse(value)

    with pytest.raises(ValidationError) as caught:
        document_with(ListField(Strange()))(value=[1]).validate()
    assert caught.value.to_dict() == {"value": {0: "not this one"}}


def test_its_field_has_to_be_a_field() -> None:
    with pytest.raises(TypeError, match="field argument must be a Field instance"):
        ListField(StringField)  # type: ignore[call-overload]


# Dumping


def test_a_dump_is_a_list_of_its_own() -> None:
    document = ListThing(numbers=[1], anything=[{"a": [1]}])
    dumped = document.to_mongo()
    dumped["ns"].append(2)
    dumped["anything"][0]["a"].append(2)
    assert (document.numbers, document.anything) == ([1], [{"a": [1]}])


def test_wide_numbers_are_dumped_as_such() -> None:
    with pytest.warns(DeprecationWarning):
        field = LongField()
    dumped = document_with(ListField(field))(value=[1]).to_mongo()
    assert type(dumped["value"][0]) is Int64


def test_anything_may_be_in_a_list() -> None:
    document = ListThing(
        anything=[1, "a", None, {"b": [ListItem(text="c")]}, (1, 2), [3], ID]
    )
    document.validate()
    assert document.to_mongo()["anything"] == [
        *(1, "a", None),
        {"b": [{"t": "c", "_cls": "ListItem"}]},
        *([1, 2], [3], ID),
    ]


def test_a_document_among_anything_is_stored_as_a_reference() -> None:
    document = ListThing()
    document.anything = [ListTarget(id=ID)]
    assert document.to_mongo()["anything"] == [
        {"_cls": "ListTarget", "_ref": DBRef("list_target", ID)}
    ]


def test_an_inheritable_document_among_anything_is_stored_as_a_dbref() -> None:
    document = ListThing()
    document.anything = [ListChild(id=ID)]
    assert document.to_mongo()["anything"] == [DBRef("list_child", ID)]


def test_an_unsaved_document_among_anything_is_refused() -> None:
    document = ListThing()
    document.anything = [ListTarget()]
    with pytest.raises(ValidationError, match="only reference documents once they"):
        document.to_mongo()
    with pytest.raises(ValidationError, match="only reference documents once they"):
        ListThing(anything=[[ListTarget()]])


def test_a_document_among_anything_becomes_a_dbref_when_one_is_made() -> None:
    document = ListThing(anything=[ListTarget(id=ID)])
    assert document._values["anything"] == [DBRef("list_target", ID)]


def test_references_are_stored_as_ids() -> None:
    assert ListThing(targets=[ListTarget(id=ID)]).to_mongo()["targets"] == [ID]


# Odd values


@pytest.mark.parametrize("value", [5, "text", {"a": 1}])
def test_what_is_no_list_is_kept_when_loaded(value: Any) -> None:
    document = ListThing._from_son({"ns": value})
    assert document.numbers == value
    assert document.to_mongo()["ns"] == value


def test_what_converts_itself_does() -> None:
    class Own:
        def to_python(self) -> Any:
            return [1, 2]

    class OwnItem:
        def to_python(self) -> Any:
            return 5

    assert ListThing(anything=Own()).anything == [1, 2]
    assert ListThing(anything=[OwnItem()]).anything == [5]


# Queries


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"numbers": "1"}, {"ns": 1}),
        ({"numbers": ["1"]}, {"ns": [1]}),
        ({"numbers__in": ["1", 2]}, {"ns": {"$in": [1, 2]}}),
        ({"numbers__0": 1}, {"ns.0": 1}),
        ({"numbers__size": 2}, {"ns": {"$size": 2}}),
        ({"numbers__all": ["1"]}, {"ns": {"$all": [1]}}),
        ({"anything": {"a": 1}}, {"anything": {"a": 1}}),
        ({"items__text": "a"}, {"items.t": "a"}),
        ({"items__0__text": "a"}, {"items.0.t": "a"}),
        ({"items": ListItem(text="a")}, {"items": {"t": "a"}}),
    ],
)
def test_queries_mean_the_items(query: Any, expected: Any) -> None:
    assert ListThing.objects(**query)._query == expected


def test_it_is_saved_and_found(connection: Any) -> None:
    target = ListTarget(name="t").save()
    ListThing(numbers=[1, 2], rows=[[1], []], targets=[target]).save()
    found = ListThing.objects.get(numbers=2, rows=[1])
    assert found.targets[0].name == "t"
    found.numbers.append(3)
    found.rows[1].append(4)
    found.save()
    assert ListThing.objects.get(numbers=3).rows == [[1], [4]]
