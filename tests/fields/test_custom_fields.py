"""Fields of the user's own: every method may be overridden."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    StringField,
    ValidationError,
)
from mongoengine.base import BaseField, ComplexBaseField
from mongoengine.errors import DeprecatedError
from tests.fields.helpers import document_with, failure_of

ID = ObjectId("5f0000000000000000000001")


class Reversed(BaseField[str]):
    """Holds text the other way round than it is stored."""

    def to_python(self, value: Any) -> Any:
        return value[::-1]

    def to_mongo(self, value: Any) -> Any:
        return value[::-1]

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        return self.to_mongo(value)


class Trimmed(StringField):
    """Trims what is assigned."""

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value.strip() if value else value)


class Shown(StringField):
    """Shows its value in brackets."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        value = super().__get__(instance, owner)
        return f"<{value}>" if isinstance(value, str) else value


class CustomPart(EmbeddedDocument):
    word = Reversed(db_field="w")


class CustomThing(Document):
    word = Reversed(db_field="w")
    words = ListField(Reversed())
    named = MapField(Reversed())
    part = EmbeddedDocumentField(CustomPart)
    trimmed = Trimmed()
    shown = Shown()


def test_to_python_converts_what_is_given_and_loaded() -> None:
    assert CustomThing(word="abc").word == "cba"
    assert CustomThing._from_son({"w": "abc"}).word == "cba"


def test_assigning_converts_nothing() -> None:
    document = CustomThing()
    document.word = "abc"
    assert document.word == "abc"


def test_to_mongo_makes_what_is_stored() -> None:
    document = CustomThing()
    document.word = "abc"
    assert document.to_mongo()["w"] == "cba"
    assert document._delta()[0]["w"] == "cba"


def test_both_are_used_inside_of_containers() -> None:
    raw = {"words": ["ab"], "named": {"k": "cd"}, "part": {"w": "ef"}}
    document = CustomThing._from_son(raw)
    assert (document.words, document.named, document.part.word) == (
        *(["ba"], {"k": "dc"}),
        "fe",
    )
    assert document.to_mongo() == raw
    assert document._to_wire([]) == raw


def test_queries_are_prepared() -> None:
    assert CustomThing.objects(word="abc")._query == {"w": "cba"}


def test_assignments_go_through_set() -> None:
    document = CustomThing(trimmed=" a ")
    assert document.trimmed == "a"
    document.trimmed = " b "
    assert document.trimmed == "b"
    assert CustomThing._from_son({"trimmed": " c "}).trimmed == "c"


def test_reading_goes_through_get() -> None:
    assert CustomThing(shown="a").shown == "<a>"
    assert CustomThing._from_son({"shown": "a"}).shown == "<a>"


def test_to_mongo_may_take_more() -> None:
    seen = []

    class Asking(BaseField[Any]):
        def to_mongo(
            self, value: Any, use_db_field: bool = True, fields: Any = None
        ) -> Any:
            seen.append((use_db_field, fields))
            return value

    document = document_with(Asking())(value=1)
    document.to_mongo(use_db_field=False)
    document.to_mongo(fields=["value.a"])
    assert seen == [(False, None), (True, ["a"])]


def test_further_options_become_attributes() -> None:
    field: Any = StringField(label="Name", help_text="yours")
    assert (field.label, field.help_text) == ("Name", "yours")
    with pytest.raises(TypeError, match="already has attribute"):
        StringField(validate=1)


@pytest.mark.parametrize("name", ["a.b", "a\0b", "$a"])
def test_bad_database_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="field names cannot contain dots"):
        StringField(db_field=name)


def test_database_names_are_text() -> None:
    with pytest.raises(TypeError, match=r"db_field should be a string\."):
        StringField(db_field=5)  # type: ignore[arg-type]


# Validation


def test_a_callable_validates() -> None:
    def even(value: int) -> None:
        if value % 2:
            raise ValidationError("odd")

    field = IntField(validation=even)
    assert failure_of(field, 2) is None
    assert failure_of(field, 3) == "odd"


def test_a_callable_returns_nothing() -> None:
    with pytest.raises(DeprecatedError, match="must not return anything"):
        document_with(IntField(validation=lambda value: True))(value=1).validate()


def test_validation_is_a_callable() -> None:
    message = 'validation argument for `"value"` must be a callable.'
    assert failure_of(IntField(validation=5), 1) == message  # type: ignore[arg-type]


def test_an_error_names_the_field() -> None:
    field = StringField()
    field.name = "title"
    with pytest.raises(ValidationError) as caught:
        field.error("wrong", errors={"a": 1})
    assert (caught.value.field_name, caught.value.errors) == ("title", {"a": 1})


def test_failures_of_other_kinds_are_told() -> None:
    class Asserting(BaseField[Any]):
        def validate(self, value: Any, clean: bool = True) -> None:
            raise AssertionError("not so")

    assert failure_of(Asserting(), 1) == "not so"


def test_choices_of_documents_are_classes() -> None:
    field = BaseField[Any](choices=(CustomPart,))
    assert failure_of(field, CustomPart(word="a")) is None
    message = failure_of(field, CustomThing())
    assert message == f"Value must be an instance of {CustomPart}"
    several = BaseField[Any](choices=(CustomPart, EmbeddedDocument))
    assert "Value must be an instance of (" in str(failure_of(several, CustomThing()))


def test_choices_may_be_pairs() -> None:
    field = StringField(choices=[("a", "Apple")])
    assert failure_of(field, "a") is None
    assert failure_of(field, "Apple") == "Value must be one of ['a']"


# Containers of one's own


def test_a_container_converts_a_mapping_and_a_list() -> None:
    field = ComplexBaseField[Any](IntField())
    assert field.to_python({"a": "1"}) == {"a": 1}
    assert field.to_python(("1", "2")) == [1, 2]
    assert field.to_python("text") == "text"
    assert field.to_mongo({"a": 1}) == {"a": 1}
    assert field.to_mongo((1, 2)) == [1, 2]
    assert field.to_mongo("text") == "text"
    assert field.to_mongo(5) == 5


def test_a_container_looks_its_members_up_in_its_field() -> None:
    field = ComplexBaseField[Any](EmbeddedDocumentField(CustomPart))
    assert field.lookup_member("word") is CustomPart.word
    assert ComplexBaseField[Any]().lookup_member("word") is None


def test_a_container_asks_nothing_of_a_converted_mapping() -> None:
    document = CustomThing(named={"a": "bc"})
    field: Any = CustomThing.named
    assert field.to_python(document.named) is document.named


def test_assigning_may_convert_the_items() -> None:
    class Eager(Reversed):
        _converts_on_set = True

    cls: Any = document_with(ListField(Eager()), other=MapField(Eager()))
    document = cls()
    document.value = ["ab"]
    document.other = {"k": "ab"}
    assert (document.value, document.other) == (["ba"], {"k": "ba"})


def test_following_references_may_be_turned_off_for_a_field() -> None:
    field = StringField()
    assert field._auto_dereference
    field.set_auto_dereferencing(False)
    assert not field._auto_dereference


def test_ids_are_made_of_text() -> None:
    document = CustomThing(id=str(ID))
    assert document.id == ID
    document.id = "nonsense"  # type: ignore[assignment]
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {"id": "Invalid ObjectID"}
    with pytest.raises(ValidationError, match="is not a valid ObjectId"):
        document.to_mongo()


def test_ids_are_query_values() -> None:
    assert CustomThing.objects(id=str(ID))._query == {"_id": ID}
    assert CustomThing.objects(id=None)._query == {"_id": None}


class Dumping:
    """A value that says itself what is stored for it."""

    def to_mongo(self, use_db_field: bool = True, fields: Any = None) -> Any:
        return {"dumped": use_db_field}


def test_a_value_that_dumps_itself_does() -> None:
    cls: Any = document_with(ListField(), other=ListField())
    document = cls()
    document.value, document.other = [Dumping(), [Dumping()]], Dumping()
    dumped = document.to_mongo()
    assert dumped["value"] == [{"dumped": True}, [{"dumped": True}]]
    assert dumped["other"] == {"dumped": True}


def test_a_document_where_a_list_should_be_is_a_generic_reference() -> None:
    field: Any = ListField()
    stored = field.to_mongo(CustomThing(id=ID))
    assert (stored["_cls"], stored["_ref"].id) == ("CustomThing", ID)
    part = field.to_mongo(CustomPart(word="ab"))
    assert part == {"w": "ab", "_cls": "CustomPart"}


def test_a_subclass_of_a_container_field_converts_as_it_likes() -> None:
    class Unique(ListField[Any]):
        def to_python(self, value: Any) -> Any:
            return sorted(set(super().to_python(value)))

        def to_mongo(self, value: Any, *args: Any, **kwargs: Any) -> Any:
            return super().to_mongo(sorted(set(value)), *args, **kwargs)

    cls: Any = document_with(Unique(IntField()))
    document = cls._from_son({"value": [2, 1, 2]})
    assert document.value == [1, 2]
    document.value.append(1)
    assert document.to_mongo()["value"] == [1, 2]
    assert document._delta()[0] == {"value": [1, 2]}
