"""Documents that take fields their class does not define."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    InvalidDocumentError,
    StringField,
    ValidationError,
)
from mongoengine.base.datastructures import BaseDict, BaseList

ID = ObjectId("5f0000000000000000000001")


class OpenThing(DynamicDocument):
    name = StringField(db_field="n")


class OpenPart(DynamicEmbeddedDocument):
    size = IntField(default=3)


class OpenHolder(Document):
    part = EmbeddedDocumentField(OpenPart)


class ClosedPart(EmbeddedDocument):
    text = StringField()


def test_any_name_becomes_a_field() -> None:
    document: Any = OpenThing(name="a", size=1)
    document.more = [1]
    assert (document.size, document.more) == (1, [1])
    assert list(document._dynamic_fields) == ["size", "more"]
    assert all(type(f) is DynamicField for f in document._dynamic_fields.values())


def test_fields_of_one_document_are_not_those_of_another() -> None:
    one, other = OpenThing(a=1), OpenThing(b=1)
    assert (list(one._dynamic_fields), list(other._dynamic_fields)) == (["a"], ["b"])
    assert "a" not in OpenThing._fields
    assert "a" not in OpenThing._fields_ordered


def test_a_dynamic_document_is_a_mapping_of_all_its_fields() -> None:
    document = OpenThing(name="a", size=1)
    assert list(document) == ["id", "name", "size"]
    assert document["size"] == 1
    document["other"] = 2
    assert document["other"] == 2


def test_private_names_are_plain_attributes() -> None:
    document: Any = OpenThing()
    document._private = 1
    assert "_private" not in document._dynamic_fields
    assert document.to_mongo() == {}


def test_pk_is_no_field() -> None:
    document = OpenThing()
    document.pk = ID
    assert document.id == ID
    assert not document._dynamic_fields


def test_all_fields_are_dumped() -> None:
    document = OpenThing(name="a", size=1, part=ClosedPart(text="b"), rows=[{"c": 1}])
    assert document.to_mongo() == {
        "n": "a",
        "size": 1,
        "part": {"text": "b", "_cls": "ClosedPart"},
        "rows": [{"c": 1}],
    }
    assert document.to_mongo(fields=["size"]) == {"size": 1}


def test_all_fields_are_loaded() -> None:
    document: Any = OpenThing._from_son(
        {"_id": ID, "n": "a", "size": 1, "d": {"e": [1]}}
    )
    assert (document.name, document.size, document.d) == ("a", 1, {"e": [1]})
    assert document._get_changed_fields() == []


def test_containers_are_tracked() -> None:
    document: Any = OpenThing(d={"e": [{"f": 1}]})
    assert type(document.d) is BaseDict
    assert type(document.d["e"]) is BaseList
    assert document.d["e"][0]._name == "d.e.0"


def test_tuples_become_lists() -> None:
    document: Any = OpenThing(pair=(1, 2))
    assert document.pair == [1, 2]


def test_a_dict_with_a_class_becomes_a_document() -> None:
    document: Any = OpenThing(part={"_cls": "ClosedPart", "text": "a"})
    assert document.part == ClosedPart(text="a")


def test_a_deleted_dynamic_field_is_gone() -> None:
    document: Any = OpenThing._from_son({"_id": ID, "size": 1})
    del document.size
    assert not hasattr(document, "size")
    assert list(document) == ["id", "name"]
    assert document.to_mongo() == {"_id": ID}
    assert document._delta() == ({}, {"size": 1})
    document.size = 2
    assert document._delta() == ({"size": 2}, {})


def test_deleting_a_declared_field_gives_its_default() -> None:
    document = OpenThing(name="a")
    del document.name
    assert document.name is None


def test_deleting_what_is_not_there_fails() -> None:
    with pytest.raises(AttributeError):
        del OpenThing().nowhere


def test_dynamic_fields_are_validated() -> None:
    document = OpenThing(name="a", part=ClosedPart(text=5))
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert "part" in caught.value.errors


@pytest.mark.parametrize(
    "copier", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies_have_the_fields(copier: Any) -> None:
    document: Any = OpenThing(id=ID, name="a", size=1, d={"e": 1})
    again = copier(document)
    assert (again.name, again.size, again.d) == ("a", 1, {"e": 1})
    assert again.to_mongo() == document.to_mongo()
    again.more = 2
    assert not hasattr(document, "more")


def test_an_embedded_document_may_be_dynamic() -> None:
    document: Any = OpenHolder(part=OpenPart(color="red"))
    assert document.to_mongo() == {"part": {"size": 3, "color": "red"}}
    again: Any = OpenHolder._from_son({"part": {"color": "blue"}})
    assert (again.part.color, again.part.size) == ("blue", 3)


def test_changes_in_a_dynamic_embedded_document_are_sent() -> None:
    document: Any = OpenHolder._from_son({"_id": ID, "part": {"color": "blue"}})
    document.part.color = "red"
    document.part.more = 1
    sets, unsets = document._delta()
    assert (dict(sets), unsets) == ({"part.color": "red", "part.more": 1}, {})


def test_deleting_a_field_of_a_dynamic_embedded_document() -> None:
    part: Any = OpenPart(size=5, color="red")
    del part.size
    del part.color
    assert part.size == 3
    assert not hasattr(part, "color")


def test_a_callable_default_is_called_when_deleting() -> None:
    class Calling(DynamicEmbeddedDocument):
        size = IntField(default=lambda: 8)

    part = Calling(size=1)
    del part.size
    assert part.size == 8


def test_a_document_that_is_not_dynamic_keeps_plain_attributes() -> None:
    part: Any = ClosedPart(text="a")
    part.other = 1
    assert part.to_mongo() == {"text": "a"}


class OpenOwner(DynamicDocument):
    part = EmbeddedDocumentField(ClosedPart, db_field="p")
    number = IntField(db_field="no")


def test_bad_data_of_a_declared_field_is_refused() -> None:
    with pytest.raises(InvalidDocumentError, match="Field 'part' - "):
        OpenOwner._from_son({"p": 5, "other": 1})


def test_database_names_are_those_of_declared_fields() -> None:
    document: Any = OpenOwner._from_son({"no": "5", "p": {"text": "a"}, "more": None})
    assert (document.number, document.part.text) == (5, "a")
    assert list(document._dynamic_fields) == ["more"]


def test_no_references_are_followed_where_that_is_off() -> None:
    document: Any = OpenOwner._from_son(
        {"p": {"text": "a"}, "list": [1], "map": {"a": 1}}, _auto_dereference=False
    )
    assert (document._auto_dereference, document.part._auto_dereference) == (False,) * 2
