"""EmbeddedDocumentField: a document inside of another."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FieldDoesNotExist,
    IntField,
    InvalidQueryError,
    NotRegistered,
    StringField,
    ValidationError,
)
from mongoengine.errors import LookUpError
from tests.fields.helpers import document_with, failure_of


class EmbPart(EmbeddedDocument):
    text = StringField(db_field="t", required=True)
    size = IntField(db_field="s")


class EmbBase(EmbeddedDocument):
    one = IntField()
    meta = {"allow_inheritance": True}


class EmbSub(EmbBase):
    two = IntField(db_field="tw")


class EmbThing(Document):
    part = EmbeddedDocumentField(EmbPart, db_field="p")
    base = EmbeddedDocumentField(EmbBase)
    by_name = EmbeddedDocumentField("EmbPart")


def test_a_document_is_held() -> None:
    part = EmbPart(text="a")
    assert EmbThing(part=part).part is part


def test_a_missing_document_is_none() -> None:
    assert EmbThing().part is None
    assert EmbThing().to_mongo() == {}


def test_it_is_stored_by_database_names() -> None:
    assert EmbThing(part=EmbPart(text="a", size=1)).to_mongo() == {
        "p": {"t": "a", "s": 1}
    }


def test_it_is_loaded() -> None:
    document = EmbThing._from_son({"p": {"t": "a", "s": 1}})
    assert document.part == EmbPart(text="a", size=1)


def test_a_class_may_be_told_by_name() -> None:
    assert EmbThing.by_name.document_type is EmbPart
    assert EmbThing(by_name=EmbPart(text="a")).by_name.text == "a"


def test_an_unknown_name_is_told_when_it_is_used() -> None:
    field: Any = EmbeddedDocumentField("EmbNowhere")
    with pytest.raises(NotRegistered, match="`EmbNowhere` has not been registered"):
        field.document_type


def test_a_class_may_embed_itself() -> None:
    class Chain(EmbeddedDocument):
        name = StringField()
        next = EmbeddedDocumentField("self")

    class Chained(Document):
        first = EmbeddedDocumentField(Chain)

    document = Chained(first=Chain(name="a", next=Chain(name="b")))
    document.validate()
    again = Chained._from_son(document.to_mongo().to_dict())
    assert again.first.next.name == "b"


@pytest.mark.parametrize("kind", [EmbThing, int])
def test_only_classes_of_embedded_documents_are_taken(kind: Any) -> None:
    with pytest.raises(ValidationError, match="Invalid embedded document class"):
        EmbeddedDocumentField(kind)


def test_a_name_of_a_document_is_refused() -> None:
    field: Any = EmbeddedDocumentField("EmbThing")
    with pytest.raises(ValidationError, match="Invalid embedded document class"):
        field.document_type


def test_only_its_class_is_valid() -> None:
    message = "Invalid embedded document instance provided to an EmbeddedDocumentField"
    document = EmbThing()
    document.part = EmbBase()
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {"part": message}


def test_a_subclass_is_valid() -> None:
    document = EmbThing(base=EmbSub(one=1, two=2))
    document.validate()
    assert document.to_mongo()["base"] == {"_cls": "EmbSub", "one": 1, "tw": 2}


def test_its_failures_are_told_by_field() -> None:
    with pytest.raises(ValidationError) as caught:
        EmbThing(part=EmbPart()).validate()
    assert caught.value.to_dict() == {"part": {"text": "Field is required"}}


def test_it_may_be_required() -> None:
    cls = document_with(EmbeddedDocumentField(EmbPart, required=True))
    with pytest.raises(ValidationError, match="Field is required"):
        cls().validate()


def test_a_default_may_be_made() -> None:
    cls: Any = document_with(EmbeddedDocumentField(EmbPart, default=EmbPart))
    one, other = cls(), cls()
    assert isinstance(one.value, EmbPart)
    assert one.value is not other.value


def test_a_dict_is_converted_when_a_document_is_made() -> None:
    assert EmbThing(part={"t": "a"}).part == EmbPart(text="a")
    with pytest.raises(FieldDoesNotExist):
        EmbThing(part={"z": "a"})


def test_choices_are_classes() -> None:
    field = EmbeddedDocumentField(EmbBase, choices=(EmbSub,))
    assert failure_of(field, EmbSub()) is None
    assert "Value must be an instance of" in str(failure_of(field, EmbBase()))


# Queries


def test_members_are_found() -> None:
    assert EmbThing._translate_field_name("part.text") == "p.t"
    assert EmbThing._translate_field_name("base.two") == "base.tw"
    with pytest.raises(LookUpError, match='Cannot resolve field "nowhere"'):
        EmbThing._lookup_field(["part", "nowhere"])


def test_a_document_is_a_query_value() -> None:
    queryset = EmbThing.objects(part=EmbPart(text="a"))
    assert queryset._query == {"p": {"t": "a"}}


def test_a_dict_is_a_query_value() -> None:
    assert EmbThing.objects(part={"t": "a"})._query == {"p": {"t": "a"}}
    field: Any = EmbThing.part
    assert field.prepare_query_value("exact", {"$exists": True}) == {"$exists": True}


def test_none_is_a_query_value() -> None:
    assert EmbThing.objects(part=None)._query == {"p": None}


def test_anything_else_is_no_query_value() -> None:
    with pytest.raises(InvalidQueryError, match="'EmbPart' failed, due to an invalid"):
        EmbThing.objects(part=5)._query


def test_it_is_saved_and_found(connection: Any) -> None:
    EmbThing(part=EmbPart(text="a", size=1), base=EmbSub(two=2)).save()
    found = EmbThing.objects.get(part__text="a", base__two=2)
    assert type(found.base) is EmbSub
    found.part.size = 5
    found.save()
    assert EmbThing.objects(part__size__gte=5).count() == 1
