"""DynamicField: any value that MongoDB can store."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    Document,
    DynamicField,
    EmbeddedDocument,
    NotRegistered,
    StringField,
    ValidationError,
)
from mongoengine.base.datastructures import AsyncReferenceProxy
from tests.families import Family
from tests.fields.helpers import failure_of

ID = ObjectId("5f0000000000000000000001")


class DynPart(EmbeddedDocument):
    text = StringField(db_field="t", required=True)


class DynTarget(Document):
    name = StringField()


class DynThing(Document):
    value = DynamicField(db_field="v")


@pytest.mark.parametrize(
    "value", [1, "a", None, 1.5, True, ID, [1, [2]], {"a": {"b": [1]}}, {"$a": 1}]
)
def test_any_value_is_held_and_stored(value: Any) -> None:
    document = DynThing(value=value)
    assert document.value == value
    assert document.to_mongo().get("v") == value
    assert DynThing._from_son({"v": value}).value == value
    document.validate()


def test_tuples_are_stored_as_lists() -> None:
    assert DynThing(value={"a": (1, (2,))}).to_mongo()["v"] == {"a": [1, [2]]}


def test_an_embedded_document_is_stored_with_its_class() -> None:
    document = DynThing(value=[DynPart(text="a")])
    assert document.to_mongo()["v"] == [{"t": "a", "_cls": "DynPart"}]


def test_a_document_is_stored_as_a_generic_reference() -> None:
    stored = DynThing(value=DynTarget(id=ID)).to_mongo()["v"]
    assert stored == {"_cls": "DynTarget", "_ref": DBRef("dyn_target", ID)}


def test_an_embedded_document_is_loaded_as_its_class() -> None:
    document = DynThing._from_son({"v": {"_cls": "DynPart", "t": "a"}})
    assert document.value == DynPart(text="a")


def test_an_unregistered_class_is_told() -> None:
    document = None
    with pytest.raises(NotRegistered):
        document = DynThing._from_son({"v": {"_cls": "DynNowhere"}})
        document.value
    assert document is None or not document._values


def test_what_validates_itself_is_validated() -> None:
    assert "Field is required" in str(failure_of(DynamicField(), DynPart()))
    assert failure_of(DynamicField(), DynPart(text="a")) is None
    with pytest.raises(ValidationError, match="Field is required"):
        DynThing(value=DynPart()).validate()


def test_it_may_be_required() -> None:
    assert failure_of(DynamicField(required=True), None) == "Field is required"


def test_a_proxy_is_stored_as_what_it_stands_for() -> None:
    reference = {"_cls": "DynTarget", "_ref": DBRef("dyn_target", ID)}
    proxy: Any = AsyncReferenceProxy(DynTarget, reference, "value")
    assert DynamicField().to_mongo(proxy) == reference


def test_members_are_their_names() -> None:
    assert DynThing.value.lookup_member("anything") == "anything"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"value": "a"}, {"v": "a"}),
        ({"value": DynPart(text="a")}, {"v": {"t": "a", "_cls": "DynPart"}}),
        ({"value__gt": 1}, {"v": {"$gt": 1}}),
    ],
)
def test_queries_convert_the_value(query: Any, expected: Any) -> None:
    assert DynThing.objects(**query)._query == expected


def test_text_operators_search_the_text() -> None:
    assert DynThing.objects(value__icontains="B")._query["v"].search("abc")


async def test_a_generic_reference_is_followed(family: Family, mongo: Any) -> None:
    target = await family(DynTarget(name="a"), "save")
    await family(DynThing(value=target), "save")
    found = await family(DynThing.objects, "first")
    value = await found.value if family.is_async else found.value
    assert value.name == "a"
