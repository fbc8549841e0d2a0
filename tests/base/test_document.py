"""Making documents, reading them as mappings, comparing, dumping, validating."""

from __future__ import annotations

import copy
import json
import pickle
import uuid
from typing import Any

import pytest
from bson import DBRef, ObjectId, json_util

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FieldDoesNotExist,
    IntField,
    InvalidDocumentError,
    ListField,
    ReferenceField,
    SequenceField,
    StringField,
    UUIDField,
    ValidationError,
    signals,
)
from mongoengine.base.datastructures import (
    BaseDict,
    BaseList,
    EmbeddedDocumentList,
)
from mongoengine.base.document import NON_FIELD_ERRORS

ID = ObjectId("5f0000000000000000000001")
OTHER_ID = ObjectId("5f0000000000000000000002")


class BasePart(EmbeddedDocument):
    text = StringField(db_field="t", required=True)
    size = IntField()


class BaseThing(Document):
    name = StringField(db_field="n")
    number = IntField(default=4)
    tags = ListField(StringField())
    extra = DictField()
    part = EmbeddedDocumentField(BasePart, db_field="p")
    parts = ListField(EmbeddedDocumentField(BasePart), db_field="ps")


class BaseLoose(Document):
    name = StringField()
    meta = {"strict": False}


class BaseAnimal(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class BaseDog(BaseAnimal):
    pass


# Making


def test_positional_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="positional arguments is not supported"):
        BaseThing("a")


def test_unknown_names_are_refused() -> None:
    with pytest.raises(FieldDoesNotExist, match=r"The fields \"{'z'}\" do not exist"):
        BaseThing(name="a", z=1)


def test_unknown_names_are_refused_of_new_documents_even_if_not_strict() -> None:
    with pytest.raises(FieldDoesNotExist):
        BaseLoose(name="a", z=1)


def test_values_are_converted() -> None:
    assert BaseThing(number="5").number == 5


def test_values_may_be_left_as_they_are() -> None:
    assert BaseThing(number="5", __auto_convert=False).number == "5"


def test_defaults_are_set() -> None:
    document = BaseThing()
    assert (document.number, document.tags, document.extra) == (4, [], {})


def test_defaults_that_are_made_are_not_shared() -> None:
    one, other = BaseThing(), BaseThing()
    one.tags.append("a")
    assert other.tags == []


def test_none_stands_for_the_default() -> None:
    assert BaseThing(number=None).number == 4


def test_the_id_may_be_given_as_pk() -> None:
    assert BaseThing(pk=ID).id == ID


def test_a_new_document_is_new() -> None:
    document = BaseThing(name="a")
    assert (document._created, document._initialised) == (True, True)
    assert document._raw is None


def test_embedded_documents_get_their_owner() -> None:
    document = BaseThing(id=ID, part=BasePart(text="a"), parts=[BasePart(text="b")])
    assert document.part._instance == document
    assert document.parts[0]._instance == document


def test_receivers_see_how_a_document_is_made() -> None:
    seen: list[Any] = []

    def before(sender: Any, document: Any, values: Any) -> None:
        seen.append(("before", sender, dict(values)))

    def after(sender: Any, document: Any) -> None:
        seen.append(("after", document.name, document._initialised))

    signals.pre_init.connect(before, sender=BaseThing)
    signals.post_init.connect(after, sender=BaseThing)
    BaseThing(name="a")
    signals.pre_init.disconnect(before, sender=BaseThing)
    signals.post_init.disconnect(after, sender=BaseThing)
    assert seen == [("before", BaseThing, {"name": "a"}), ("after", "a", True)]


def test_a_dict_is_made_an_embedded_document() -> None:
    assert BaseThing(part={"t": "a"}).part == BasePart(text="a")


# As a mapping


def test_a_document_is_a_mapping_of_its_fields() -> None:
    document = BaseThing(name="a")
    assert document["name"] == "a"
    document["name"] = "b"
    assert document.name == "b"
    assert list(document) == list(BaseThing._fields_ordered)
    assert len(document) == len(BaseThing._fields)


def test_unknown_keys_are_refused() -> None:
    document = BaseThing()
    with pytest.raises(KeyError, match="z"):
        document["z"]
    with pytest.raises(KeyError, match="z"):
        document["z"] = 1
    with pytest.raises(KeyError):
        document["save"]


def test_a_field_without_a_value_is_not_in_the_document() -> None:
    document = BaseThing(name="a")
    assert "name" in document
    assert "part" not in document
    assert "z" not in document


def test_a_failing_attribute_is_a_missing_key() -> None:
    class Failing(Document):
        name = StringField()

        def __getattribute__(self, name: str) -> Any:
            if name == "name":
                raise AttributeError(name)
            return super().__getattribute__(name)

    with pytest.raises(KeyError, match="name"):
        Failing()["name"]


def test_what_is_no_field_can_be_deleted() -> None:
    document = BaseThing()
    document.own = 1
    del document.own
    assert not hasattr(document, "own")
    with pytest.raises(AttributeError):
        del document.own


def test_deleting_a_field_gives_it_its_default() -> None:
    document = BaseThing(number=9, tags=["a"])
    del document.number
    del document.tags
    assert (document.number, document.tags) == (4, [])


# Told as text


def test_a_document_tells_its_class() -> None:
    assert str(BaseThing()) == "BaseThing object"
    assert repr(BaseThing()) == "<BaseThing: BaseThing object>"


def test_repr_tells_what_str_tells() -> None:
    class Told(Document):
        def __str__(self) -> str:
            return "mine"

    class Older(Document):
        def __unicode__(self) -> str:
            return "ünicode"

    assert repr(Told()) == "<Told: mine>"
    assert repr(Older()) == "<Older: ünicode>"


def test_repr_survives_bad_text() -> None:
    class Bad(Document):
        def __str__(self) -> str:
            return b"\xff".decode("utf-8")

    assert repr(Bad()) == "<Bad: [Bad Unicode data]>"


# Equality


def test_documents_are_equal_by_their_ids() -> None:
    assert BaseThing(id=ID, name="a") == BaseThing(id=ID, name="b")
    assert BaseThing(id=ID) != BaseThing(id=OTHER_ID)
    assert BaseThing(id=ID) != BaseLoose(id=ID)


def test_documents_without_an_id_are_equal_to_themselves() -> None:
    one, other = BaseThing(name="a"), BaseThing(name="a")
    assert one == one
    assert one != other


def test_a_document_equals_its_dbref() -> None:
    assert BaseThing(id=ID) == DBRef("base_thing", ID)
    assert BaseThing(id=ID) != DBRef("other", ID)


def test_documents_of_different_classes_differ() -> None:
    assert BaseAnimal(id=ID) != BaseDog(id=ID)
    assert BaseDog(id=ID) != BaseAnimal(id=ID)


def test_documents_are_hashed_by_their_ids() -> None:
    assert hash(BaseThing(id=ID)) == hash(ID)
    assert len({BaseThing(), BaseThing()}) == 2


def test_embedded_documents_are_equal_by_their_data() -> None:
    assert BasePart(text="a") == BasePart(text="a")
    assert BasePart(text="a") != BasePart(text="b")
    assert BasePart(text="a") != "a"
    with pytest.raises(TypeError):
        hash(BasePart())


# Dumping


def whole() -> BaseThing:
    return BaseThing(
        id=ID,
        name="a",
        tags=["x"],
        extra={"k": {"l": 1}},
        part=BasePart(text="b", size=1),
        parts=[BasePart(text="c")],
    )


def test_a_dump_has_the_names_of_the_database() -> None:
    assert whole().to_mongo() == {
        "_id": ID,
        "n": "a",
        "number": 4,
        "tags": ["x"],
        "extra": {"k": {"l": 1}},
        "p": {"t": "b", "size": 1},
        "ps": [{"t": "c"}],
    }


def test_a_dump_may_have_the_names_of_the_fields() -> None:
    dumped = whole().to_mongo(use_db_field=False)
    assert dumped["part"] == {"text": "b", "size": 1}
    assert dumped["id"] == ID


def test_a_dump_may_be_of_some_fields() -> None:
    assert whole().to_mongo(fields=["name"]) == {"_id": ID, "n": "a"}
    some = whole().to_mongo(fields=["part.text", "parts.text"])
    assert some == {"_id": ID, "p": {"t": "b"}, "ps": [{"t": "c"}]}


def test_a_dump_of_some_fields_of_an_untouched_document_has_its_id() -> None:
    document = BaseThing._from_son({"_id": ID, "n": "a", "number": 1})
    assert document.to_mongo(fields=["name"]) == {"_id": ID, "n": "a"}


def test_an_inheritable_document_dumps_its_class() -> None:
    assert list(BaseDog(name="a").to_mongo().items()) == [
        ("_cls", "BaseAnimal.BaseDog"),
        ("name", "a"),
    ]


def test_a_missing_sequence_is_generated_by_a_dump(connection: Any) -> None:
    class Counted(Document):
        number = SequenceField()
        name = StringField()

    document = Counted._from_son({"_id": ID, "name": "a"})
    assert document.to_mongo()["number"] == 1
    assert document.number == 1
    again = Counted._from_son({"_id": ID})
    assert again.to_mongo(fields=["number"]) == {"_id": ID, "number": 2}
    assert Counted._from_son({"_id": ID})._to_wire([]) == {"_id": ID, "number": 3}


@pytest.mark.parametrize("use_db_field", [True, False])
def test_nulls_are_dumped(use_db_field: bool) -> None:
    class Nulls(Document):
        text = StringField(null=True)

    assert Nulls().to_mongo(use_db_field) == {"text": None}
    assert Nulls()._to_wire([]) == {"text": None}


def test_a_dump_of_a_new_document_is_what_is_sent() -> None:
    assert whole()._to_wire([]) == whole().to_mongo()


# JSON

OPTIONS = json_util.LEGACY_JSON_OPTIONS


def test_json_and_back() -> None:
    text = whole().to_json(json_options=OPTIONS)
    assert (
        BaseThing.from_json(text, json_options=OPTIONS).to_mongo() == whole().to_mongo()
    )


def test_json_may_have_the_names_of_the_fields() -> None:
    data = json.loads(whole().to_json(use_db_field=False, json_options=OPTIONS))
    assert (data["name"], data["part"]["text"]) == ("a", "b")


def test_json_takes_further_arguments() -> None:
    text = BasePart(text="a", size=1).to_json(sort_keys=True, json_options=OPTIONS)
    assert text == '{"size": 1, "t": "a"}'


def test_json_of_a_uuid_without_options_warns() -> None:
    class WithKey(Document):
        key = UUIDField()

    with pytest.warns(DeprecationWarning, match="No 'json_options' are specified"):
        text = WithKey(key=uuid.UUID(int=1)).to_json()
    with pytest.warns(DeprecationWarning, match="No 'json_options' are specified"):
        assert WithKey.from_json(text).key == uuid.UUID(int=1)


def test_json_without_a_uuid_needs_no_options(recwarn: pytest.WarningsRecorder) -> None:
    assert BaseThing.from_json(BaseThing(name="a").to_json()).name == "a"
    assert not recwarn.list


def test_a_document_of_json_may_be_new() -> None:
    assert BaseThing.from_json("{}", json_options=OPTIONS)._created is False
    assert BaseThing.from_json("{}", created=True, json_options=OPTIONS)._created


# Validating


def test_every_failure_is_told_by_field() -> None:
    document = BaseThing(name=5, tags=[1], part=BasePart())
    with pytest.raises(ValidationError) as caught:
        document.validate()
    assert caught.value.to_dict() == {
        "name": "StringField only accepts string values",
        "tags": {0: "StringField only accepts string values"},
        "part": {"text": "Field is required"},
    }
    assert str(caught.value).startswith("ValidationError (BaseThing:None) (")


def test_the_document_is_told_by_its_id() -> None:
    with pytest.raises(ValidationError, match=f"BaseThing:{ID}"):
        BaseThing(id=ID, name=5).validate()


def test_an_embedded_document_is_told_by_its_owner() -> None:
    document = BaseThing(id=ID, part=BasePart())
    with pytest.raises(ValidationError, match=f"BasePart:{ID}"):
        document.part.validate()
    with pytest.raises(ValidationError, match="BasePart:None"):
        BasePart().validate()


class BaseClean(EmbeddedDocument):
    text = StringField()

    def clean(self) -> None:
        raise ValidationError("not clean")


class BaseCleaned(Document):
    part = EmbeddedDocumentField(BaseClean)

    def clean(self) -> None:
        if self.part is None:
            raise ValidationError("no part")


def test_clean_is_called_first() -> None:
    with pytest.raises(ValidationError) as caught:
        BaseCleaned().validate()
    assert caught.value.to_dict() == {NON_FIELD_ERRORS: "no part"}


def test_clean_of_embedded_documents_is_called() -> None:
    with pytest.raises(ValidationError) as caught:
        BaseCleaned(part=BaseClean()).validate()
    assert caught.value.to_dict() == {"part": {NON_FIELD_ERRORS: "not clean"}}


def test_clean_may_be_left_out() -> None:
    BaseCleaned(part=BaseClean()).validate(clean=False)
    BaseCleaned().validate(clean=False)


def test_an_id_that_is_generated_is_not_missed() -> None:
    BaseThing().validate()


# Text scores


def test_a_text_score_is_given() -> None:
    found = BaseThing._from_son({"_id": ID, "_text_score": 1.5})
    assert found.get_text_score() == 1.5


def test_no_text_score_is_told() -> None:
    with pytest.raises(InvalidDocumentError, match="not originally built from a text"):
        BaseThing().get_text_score()


# Copies


def test_a_new_document_is_pickled() -> None:
    again = pickle.loads(pickle.dumps(whole()))
    assert (again._created, again._initialised) == (True, True)
    assert again.to_mongo() == whole().to_mongo()
    assert again.part._instance == again


def test_a_copy_tracks_its_own_changes() -> None:
    document = BaseThing._from_son({"_id": ID, "tags": ["a"]})
    again = copy.deepcopy(document)
    again.tags.append("b")
    assert (again._get_changed_fields(), document._get_changed_fields()) == (
        ["tags"],
        [],
    )
    assert again == document


def test_a_state_without_a_mapping_is_taken() -> None:
    document = BaseThing(name="a")
    document.__setstate__({"_data": None, "_created": False})
    assert (document.name, document._created) == ("a", False)


# References


def test_references_of_a_new_document_are_held() -> None:
    class Holder(Document):
        thing = ReferenceField(BaseThing)

    thing = BaseThing(id=ID)
    assert Holder(thing=thing).thing is thing


@pytest.mark.parametrize(
    "cls", [Document, EmbeddedDocument, BaseDict, BaseList, EmbeddedDocumentList]
)
def test_assigning_an_attribute_runs_no_python_code(cls: type[Any]) -> None:
    # A class that defines either method runs Python for both of them.
    assert cls.__setattr__ is object.__setattr__
    assert cls.__delattr__ is object.__delattr__


def test_deleting_a_field_of_a_user_class_assigns_the_default_by_way_of_it() -> None:
    assigned = []

    class Noting(StringField):
        def __set__(self, instance: Any, value: Any) -> None:
            assigned.append(value)
            super().__set__(instance, value)

    class Noted(EmbeddedDocument):
        text = Noting(default=lambda: "empty")

    noted = Noted(text="full")
    assigned.clear()
    del noted.text
    assert noted.text == "empty"
    assert assigned == ["empty"]
