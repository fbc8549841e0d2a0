"""Names in data are data: they reach nothing that the library keeps or does."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from bson.json_util import dumps

from mongoengine import (
    DynamicDocument,
    DynamicEmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    StringField,
)
from tests.families import Family

ID = ObjectId("5f0000000000000000000001")


class NamedPart(DynamicEmbeddedDocument):
    size = IntField()


class NamedEvent(DynamicDocument):
    name = StringField()
    age = IntField()
    part = EmbeddedDocumentField(NamedPart)
    parts = ListField(EmbeddedDocumentField(NamedPart))

    def total(self) -> int:
        return 1

    @property
    def shown(self) -> str:
        return "shown"


class NamedUser(DynamicDocument):
    name = StringField()


STATE = [
    "_values",
    "_raw",
    "_changes",
    "_data",
    "_created",
    "_changed_fields",
    "_initialised",
    "_dynamic_fields",
    "_target",
    "_auto_dereference",
    "_instance",
    "_dynamic_lock",
    "_dynamic_plan",
    "_fields_ordered",
    "_fields",
    "_meta",
    "_collection",
    "_schema",
    "_class_name",
    "_subclasses",
    "_db_field_map",
    "_reverse_db_field_map",
    "_unconfirmed",
    "_partial",
    "_get_collection",
    "_get_db",
    "_qs",
    "_object_key",
    "__class__",
    "__dict__",
    "__weakref__",
    "__deepcopy__",
    "__reduce_ex__",
    "__getstate__",
    "__iter__",
    "__eq__",
    "__slots__",
    "__auto_convert",
    "self",
    "save",
    "async_save",
    "delete",
    "reload",
    "validate",
    "clean",
    "to_mongo",
    "to_json",
    "from_json",
    "objects",
    "modify",
    "update",
    "total",
    "shown",
    "to_python",
    "items",
    "keys",
    "values",
    "pk",
]

VALUES: list[Any] = ["x", {"name": "forged", "age": 99}, ["default", "named_user"], 0]


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_loaded_names_are_data(family: Family, mongo: Any, value: Any) -> None:
    data = dict.fromkeys(STATE, value)
    mongo.named_event.insert_one({"_id": ID, "name": "real", "age": 5, **data})
    document: Any = await family(NamedEvent.objects, "first")
    assert (document.name, document.age, document.pk) == ("real", 5, ID)
    assert {name: document[name] for name in STATE} == data
    assert document._get_changed_fields() == []
    document.name = "new"
    await family(document, "save")
    stored = mongo.named_event.find_one()
    assert stored == {"_id": ID, "name": "new", "age": 5, **data}
    assert {**document.to_mongo(), "parts": []} == {**stored, "parts": []}
    for copied in (copy.deepcopy(document), pickle.loads(pickle.dumps(document))):
        assert copied.to_mongo() == document.to_mongo()
    await family(document, "reload")
    assert {name: document[name] for name in STATE} == data
    document["_values"] = document["save"] = "other"
    await family(document, "save")
    changed = {"_values": "other", "save": "other"}
    assert mongo.named_event.find_one() == {**stored, **changed}
    await family(document, "delete")
    assert mongo.named_event.count_documents({}) == 0
    assert mongo.named_user.count_documents({}) == 0


def made_by_constructor(values: dict[str, Any]) -> Any:
    return NamedEvent(**{k: v for k, v in values.items() if k not in ("pk", "self")})


def made_from_json(values: dict[str, Any]) -> Any:
    return NamedEvent.from_json(dumps(values), created=True)


def made_by_setattr(values: dict[str, Any]) -> Any:
    document = NamedEvent()
    for name, value in values.items():
        if name != "pk":
            setattr(document, name, value)
    return document


def made_by_item(values: dict[str, Any]) -> Any:
    document = NamedEvent()
    for name, value in values.items():
        if name != "pk":
            document[name] = value
    return document


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize(
    "make", [made_by_constructor, made_from_json, made_by_setattr, made_by_item]
)
async def test_names_in_a_request_are_data(
    family: Family, mongo: Any, make: Callable[[dict[str, Any]], Any], value: Any
) -> None:
    document = make({"name": "real", "age": 5, **dict.fromkeys(STATE, value)})
    assert (document.name, document.age) == ("real", 5)
    kept = set(document._dynamic_fields)
    # The rest means the primary key, or is a plain private attribute.
    assert set(STATE) - kept <= {"pk", "self", "__auto_convert"}
    await family(document, "save")
    stored = mongo.named_event.find_one()
    assert stored.pop("parts") == []
    data = dict.fromkeys(kept, value)
    assert stored == {"_id": document.pk, "name": "real", "age": 5, **data}
    document.age = 6
    await family(document, "save")
    assert mongo.named_event.find_one()["age"] == 6
    assert mongo.named_event.count_documents({}) == 1
    assert mongo.named_user.count_documents({}) == 0


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_each_name_alone_is_data(value: Any) -> None:
    for name in STATE:
        document = NamedEvent._from_son({"_id": ID, "name": "a", name: value})
        assert (document.name, document[name]) == ("a", value)
        assert document.to_mongo()[name] == value
        document.validate()
        document.name = "b"
        assert document._delta() == ({"name": "b"}, {})


@pytest.mark.parametrize("value", VALUES, ids=repr)
async def test_names_in_an_embedded_document_are_data(
    family: Family, mongo: Any, value: Any
) -> None:
    data = dict.fromkeys(STATE, value)
    part = {"size": 1, **data}
    mongo.named_event.insert_one({"_id": ID, "part": part, "parts": [part]})
    document: Any = await family(NamedEvent.objects, "first")
    assert {name: document.part[name] for name in STATE} == data
    document.part.size = 2
    document.parts[0]["_instance"] = "other"
    await family(document, "save")
    assert mongo.named_event.find_one() == {
        "_id": ID,
        "part": {**part, "size": 2},
        "parts": [{**part, "_instance": "other"}],
    }
    assert document._get_changed_fields() == []


async def test_a_request_cannot_choose_the_collection(
    family: Family, mongo: Any
) -> None:
    body = json.loads('{"name": "evil", "admin": true, "_target": ["default", "x"]}')
    for document in (NamedEvent(**body), NamedEvent._from_son(body, created=True)):
        await family(document, "save")
    assert mongo.list_collection_names() == ["named_event"]
    for stored in mongo.named_event.find():
        assert stored["_target"] == ["default", "x"]


def test_a_method_can_be_replaced_by_another_one() -> None:
    document: Any = NamedEvent(name="a")
    document.total = lambda: 5
    assert document.total() == 5
    assert document.to_mongo(fields=["name", "_private", "total"]) == {"name": "a"}


def test_a_private_attribute_is_no_data() -> None:
    document: Any = NamedEvent(name="a")
    document._private = [1]
    assert document._private == [1]
    assert document.to_mongo(fields=["name", "_private", "total"]) == {"name": "a"}


def test_a_private_name_in_data_can_be_read_as_an_attribute() -> None:
    document: Any = NamedEvent(_private=1)
    assert document._private == document["_private"] == 1
    document._private = 2
    assert document.to_mongo() == {"_private": 2, "parts": []}


def test_a_dict_that_names_a_class_with_a_collection_stays_a_dict() -> None:
    value = {"_cls": "NamedUser", "name": "a"}
    document: Any = NamedEvent._from_son({"_id": ID, "extra": value, "other": value})
    assert document.extra == value
    document.other = {"_cls": "Nobody"}
    assert document.to_mongo()["other"] == {"_cls": "Nobody"}


@pytest.mark.parametrize("name", ["a.b", ""])
async def test_a_field_that_no_path_can_name(
    family: Family, mongo: Any, name: str
) -> None:
    await family(NamedEvent(part=NamedPart(**{name: [1]}), **{name: 1}), "save")
    stored = mongo.named_event.find_one()
    assert stored[name] == 1
    document: Any = await family(NamedEvent.objects, "first")
    document.part[name].append(2)
    await family(document, "save")
    assert mongo.named_event.find_one() == {**stored, "part": {name: [1, 2]}}
    document[name] = 2
    from mongoengine import OperationError

    with pytest.raises(OperationError, match="Cannot update the field"):
        await family(document, "save")
    assert document._get_changed_fields() == [name]
    again = pickle.loads(pickle.dumps(document))
    with pytest.raises(OperationError, match="Cannot update the field"):
        await family(again, "save")


# Fields that are removed


async def stored_event(family: Family, mongo: Any) -> Any:
    mongo.named_event.insert_one({"_id": ID, "name": "a", "extra": 33, "save": 1})
    document: Any = await family(NamedEvent.objects, "first")
    return document


async def test_a_deleted_field_is_removed(family: Family, mongo: Any) -> None:
    document = await stored_event(family, mongo)
    del document.extra
    assert not hasattr(document, "extra")
    assert "extra" not in document
    await family(document, "save")
    assert mongo.named_event.find_one() == {"_id": ID, "name": "a", "save": 1}
    assert not hasattr(document, "extra")


async def test_a_field_deleted_elsewhere_is_gone_after_reload(
    family: Family, mongo: Any
) -> None:
    document = await stored_event(family, mongo)
    mongo.named_event.update_one({}, {"$unset": {"extra": 1, "save": 1}})
    await family(document, "reload")
    assert not hasattr(document, "extra")
    assert list(document._dynamic_fields) == []
    assert document._get_changed_fields() == []
    document.name = "b"
    await family(document, "save")
    assert mongo.named_event.find_one() == {"_id": ID, "name": "b"}


async def test_a_field_is_gone_after_reloading_it_alone(
    family: Family, mongo: Any
) -> None:
    document = await stored_event(family, mongo)
    mongo.named_event.update_one({}, {"$unset": {"extra": 1, "save": 1}})
    await family(document, "reload", "extra")
    assert not hasattr(document, "extra")
    assert list(document._dynamic_fields) == ["save"]


async def test_a_field_that_modify_removes_is_gone(family: Family, mongo: Any) -> None:
    document = await stored_event(family, mongo)
    assert await family(document, "modify", unset__extra=1)
    assert not hasattr(document, "extra")


async def test_a_field_that_was_set_to_none_is_gone_after_reload(
    family: Family, mongo: Any
) -> None:
    document = await stored_event(family, mongo)
    document.extra = None
    await family(document, "save")
    assert "extra" not in mongo.named_event.find_one()
    await family(document, "reload")
    assert not hasattr(document, "extra")


async def test_a_field_of_an_embedded_document_is_removed(
    family: Family, mongo: Any
) -> None:
    mongo.named_event.insert_one({"_id": ID, "part": {"size": 1, "color": "red"}})
    document: Any = await family(NamedEvent.objects, "first")
    del document.part.color
    assert not hasattr(document.part, "color")
    await family(document, "save")
    assert mongo.named_event.find_one() == {"_id": ID, "part": {"size": 1}}
