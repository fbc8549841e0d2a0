"""GenericEmbeddedDocumentField: an embedded document of any class."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON

from mongoengine import (
    Document,
    EmbeddedDocument,
    FieldDoesNotExist,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    NotRegistered,
    StringField,
    ValidationError,
)
from mongoengine.errors import InvalidDocumentError, LookUpError
from tests.fields.helpers import document_with, failure_of


class GenOne(EmbeddedDocument):
    text = StringField(db_field="t", required=True)


class GenTwo(EmbeddedDocument):
    size = IntField(db_field="s")


class GenBase(EmbeddedDocument):
    meta = {"allow_inheritance": True}


class GenSub(GenBase):
    more = IntField(db_field="m")


class GenThing(Document):
    any = GenericEmbeddedDocumentField(db_field="a")
    some = GenericEmbeddedDocumentField(choices=(GenOne, GenBase))
    many = ListField(GenericEmbeddedDocumentField())


def test_it_is_stored_with_its_class() -> None:
    document = GenThing(any=GenOne(text="a"), many=[GenTwo(size=1)])
    assert document.to_mongo() == {
        "a": {"t": "a", "_cls": "GenOne"},
        "many": [{"s": 1, "_cls": "GenTwo"}],
    }


def test_it_is_loaded_as_its_class() -> None:
    document = GenThing._from_son(
        {"a": {"_cls": "GenTwo", "s": 1}, "many": [{"_cls": "GenOne", "t": "a"}]}
    )
    assert document.any == GenTwo(size=1)
    assert document.many == [GenOne(text="a")]


def test_an_unregistered_class_is_refused() -> None:
    with pytest.raises(NotRegistered):
        GenThing._from_son({"a": {"_cls": "GenNowhere"}})


def test_unknown_keys_are_refused_when_loaded() -> None:
    with pytest.raises(FieldDoesNotExist, match='on the document "GenTwo"'):
        GenThing._from_son({"a": {"_cls": "GenTwo", "z": 1}})


def test_a_dict_without_its_class_is_refused() -> None:
    with pytest.raises(InvalidDocumentError, match='a class as "_cls"'):
        GenThing._from_son({"a": {"s": 1}})
    with pytest.raises(ValidationError, match=r"GenThing\.any"):
        GenThing(any={"s": 1})


def test_what_is_no_dict_is_kept_as_it_is() -> None:
    assert GenThing._from_son({"a": 5}).any == 5


def test_only_embedded_documents_are_valid() -> None:
    message = (
        "Invalid embedded document instance provided to an GenericEmbeddedDocumentField"
    )
    field = GenericEmbeddedDocumentField()
    assert failure_of(field, 5) == message
    assert failure_of(field, GenTwo()) is None


def test_its_failures_are_told() -> None:
    with pytest.raises(ValidationError) as caught:
        GenThing(any=GenOne()).validate()
    assert caught.value.to_dict() == {"any": {"text": "Field is required"}}


def test_choices_are_classes() -> None:
    field = GenericEmbeddedDocumentField(choices=(GenOne,))
    assert failure_of(field, GenOne(text="a")) is None
    assert "must be an instance of" in str(failure_of(field, GenTwo()))


def test_a_stored_form_of_a_choice_is_valid() -> None:
    field: Any = GenericEmbeddedDocumentField(choices=(GenOne,))
    field.validate(SON([("_cls", "GenOne")]))
    with pytest.raises(ValidationError, match="Invalid embedded document instance"):
        field.validate(SON([("_cls", "GenTwo")]))


def test_None_is_dumped_as_none() -> None:
    assert GenericEmbeddedDocumentField().to_mongo(None) is None


def test_clean_may_be_left_out() -> None:
    class Unclean(EmbeddedDocument):
        def clean(self) -> None:
            raise ValidationError("not clean")

    document = document_with(GenericEmbeddedDocumentField())(value=Unclean())
    document.validate(clean=False)
    with pytest.raises(ValidationError, match="not clean"):
        document.validate()


def test_members_of_the_choices_are_found() -> None:
    assert GenThing._translate_field_name("some.text") == "some.t"
    assert GenThing._translate_field_name("some.more") == "some.m"
    with pytest.raises(LookUpError):
        GenThing._lookup_field(["some", "size"])
    with pytest.raises(LookUpError):
        GenThing._lookup_field(["any", "text"])


def test_a_document_is_a_query_value() -> None:
    queryset = GenThing.objects(any=GenOne(text="a"))
    assert queryset._query == {"a": {"t": "a", "_cls": "GenOne"}}
    assert GenThing.objects(any=None)._query == {"a": None}


def test_it_is_saved_and_found(connection: Any) -> None:
    GenThing(any=GenTwo(size=1), some=GenSub(more=2)).save()
    found = GenThing.objects.get(some__more=2)
    assert found.any == GenTwo(size=1)
    found.any = GenOne(text="b")
    found.save()
    assert GenThing.objects.get().any == GenOne(text="b")
