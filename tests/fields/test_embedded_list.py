"""EmbeddedDocumentListField: a list of embedded documents of one class."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    StringField,
    ValidationError,
)
from mongoengine.base.datastructures import EmbeddedDocumentList


class EmbListItem(EmbeddedDocument):
    text = StringField(db_field="t")
    size = IntField(min_value=0)


class EmbListThing(Document):
    items = EmbeddedDocumentListField(EmbListItem, db_field="is")
    plain = ListField(EmbeddedDocumentField(EmbListItem))


def test_it_is_empty_at_first() -> None:
    document = EmbListThing()
    assert type(document.items) is EmbeddedDocumentList
    assert document.items == []


def test_a_plain_list_becomes_one_with_queries() -> None:
    document = EmbListThing(items=[EmbListItem(text="a")])
    assert document.items.get(text="a").text == "a"
    document.items = [EmbListItem(text="b")]
    assert document.items.filter(text="b").count() == 1


def test_a_list_field_gives_a_list_without_queries() -> None:
    document = EmbListThing(plain=[EmbListItem(text="a")])
    assert not hasattr(document.plain, "filter")


def test_it_is_loaded_and_dumped() -> None:
    raw = {"is": [{"t": "a"}, {"t": "b", "size": 1}], "plain": []}
    document = EmbListThing._from_son(raw)
    assert [item.text for item in document.items] == ["a", "b"]
    assert document.to_mongo() == raw


def test_items_know_the_document() -> None:
    document = EmbListThing._from_son({"is": [{"t": "a"}]})
    assert document.items[0]._instance == document


def test_items_are_validated() -> None:
    with pytest.raises(ValidationError) as caught:
        EmbListThing(items=[EmbListItem(size=1), EmbListItem(size=-1)]).validate()
    assert caught.value.to_dict() == {
        "items": {1: {"size": "Integer value is too small"}}
    }


def test_items_of_another_class_are_refused() -> None:
    class Stranger(EmbeddedDocument):
        pass

    document = EmbListThing()
    document.items = [Stranger()]
    with pytest.raises(ValidationError, match="Invalid embedded document instance"):
        document.validate()


def test_None_stands_for_an_empty_list() -> None:
    document = EmbListThing._from_son({"is": None})
    assert document.items == []
    document.items = None
    assert document.items == []


def test_documents_loaded_are_lists_when_something_odd_is_in_them() -> None:
    document = EmbListThing(items=[EmbListItem(text="a")])
    document.items.append(None)
    assert document.to_mongo()["is"] == [{"t": "a"}, None]


def test_it_is_saved_and_found(connection: Any) -> None:
    EmbListThing(items=[EmbListItem(text="a", size=1)]).save()
    found = EmbListThing.objects.get(items__text="a")
    found.items.create(text="b", size=2)
    found.items.filter(text="a").update(size=5)
    found.save()
    stored = EmbListThing.objects.get()
    assert [(one.text, one.size) for one in stored.items] == [("a", 5), ("b", 2)]
