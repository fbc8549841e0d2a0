"""Dynamic documents that share the fields of their shape, and keep their own values."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import pytest
from bson import SON, DBRef, ObjectId

from mongoengine import (
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
)
from mongoengine.base.datastructures import BaseDict, BaseList
from mongoengine.errors import FieldDoesNotExist

ID = ObjectId("5f0000000000000000000001")
OTHER = ObjectId("5f0000000000000000000002")


class SharedThing(DynamicDocument):
    name = StringField()


class SharedPart(DynamicEmbeddedDocument):
    size = IntField()


class SharedHolder(Document):
    part = EmbeddedDocumentField(SharedPart)


class SharedLink(EmbeddedDocument):
    thing = ReferenceField(SharedThing)


class ReferringThing(DynamicDocument):
    owner = ReferenceField("self")
    friends = ListField(ReferenceField("self"))


class PreparedThing(DynamicDocument):
    def __init__(self, *args: Any, **values: Any) -> None:
        self.note = "before"
        super().__init__(*args, **values)


def raw() -> dict[str, Any]:
    return {
        "_id": ID,
        "name": "a",
        "count": 1,
        "extra": {"level": 3, "words": ["a", {"b": [1]}]},
    }


@pytest.fixture(params=["first of its shape", "loaded as others were"])
def loaded(request: pytest.FixtureRequest) -> Any:
    """A document of a class of its own, so that its plans are new."""
    cls: Any = type("LoadedThing", (DynamicDocument,), {"name": StringField()})
    if request.param != "first of its shape":
        cls._from_son(raw())
    return cls._maker()(raw())


def test_values_are_attributes_of_a_loaded_document(loaded: Any) -> None:
    assert (loaded.count, loaded.extra) == (1, raw()["extra"])
    assert vars(loaded)["count"] == 1
    assert vars(loaded)["extra"] == raw()["extra"]
    assert {"count", "extra"} <= {*dir(loaded)}
    assert hasattr(loaded, "count") and "count" in loaded
    assert list(loaded) == ["id", "name", "count", "extra"]


def test_fields_of_a_loaded_document_are_in_order(loaded: Any) -> None:
    assert type(loaded._dynamic_fields) is SON
    assert list(loaded._dynamic_fields) == ["count", "extra"]
    assert not loaded._dynamic_lock


def test_a_new_field_of_one_document_is_not_of_another_of_its_shape() -> None:
    one, other = SharedThing._from_son(raw()), SharedThing._from_son(raw())
    one.more = 1
    assert list(one._dynamic_fields) == ["count", "extra", "more"]
    assert list(other._dynamic_fields) == ["count", "extra"]
    assert list(SharedThing._from_son(raw())._dynamic_fields) == ["count", "extra"]


def test_a_field_that_one_document_lost_stays_with_others() -> None:
    one, other = SharedThing._from_son(raw()), SharedThing._from_son(raw())
    del one.count
    assert (hasattr(one, "count"), other.count) == (False, 1)
    assert one._delta() == ({}, {"count": 1})
    assert list(one) == ["id", "name", "extra"]
    assert one.to_mongo() == {k: v for k, v in raw().items() if k != "count"}


def test_what_is_put_into_dynamic_fields_stays_there() -> None:
    document: Any = SharedThing._from_son(raw())
    field = document._dynamic_fields["count"]
    document._dynamic_fields["other"] = field
    assert document._dynamic_fields["other"] is field
    assert "other" not in SharedThing._from_son(raw())._dynamic_fields


def test_threads_that_ask_for_dynamic_fields_get_the_same() -> None:
    for _ in range(20):
        document: Any = SharedThing._from_son(raw())
        barrier = threading.Barrier(4)

        def add(number: int, document: Any = document, barrier: Any = barrier) -> None:
            barrier.wait()
            setattr(document, f"more{number}", number)

        threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fields = {*document._dynamic_fields}
        assert fields == {"count", "extra", *(f"more{n}" for n in range(4))}


def test_a_value_may_be_assigned_before_it_is_read(loaded: Any) -> None:
    loaded.extra = {"level": 4}
    assert loaded.extra == {"level": 4}
    assert loaded._delta() == ({"extra": {"level": 4}}, {})


def test_a_container_is_tracked_at_every_depth(loaded: Any) -> None:
    assert type(loaded.extra) is BaseDict
    words = loaded.extra["words"]
    assert type(words) is BaseList
    assert words[1]["b"]._name == "extra.words.1.b"
    words[1]["b"].append(2)
    assert loaded._delta() == ({"extra.words.1.b": [1, 2]}, {})
    assert loaded.to_mongo()["extra"]["words"] == ["a", {"b": [1, 2]}]


def test_changes_do_not_reach_what_the_document_was_loaded_from() -> None:
    source = raw()
    document: Any = SharedThing._from_son(source)
    document.extra["words"].append("c")
    document.extra["words"][1]["b"].append(2)
    document.extra["level"] = 0
    assert source == raw()


def test_a_constructed_document_has_containers_of_its_own() -> None:
    for _ in range(2):
        words = ["a", {"b": [1]}]
        document: Any = SharedThing(extra={"words": words}, words=words)
        words[1]["b"].append(2)  # type: ignore[index]
        assert document.extra["words"] == document.words == ["a", {"b": [1]}]
        assert document.words[1]["b"]._name == "words.1.b"


def test_plain_data_shares_nothing_with_its_dump(loaded: Any) -> None:
    loaded.to_mongo()["extra"]["words"].append("c")
    assert loaded.to_mongo() == raw()


class CountedThing(DynamicDocument):
    @property
    def count(self) -> str:
        return "property"


def test_a_property_of_the_class_goes_before_data() -> None:
    for _ in range(2):
        document: Any = CountedThing._from_son(raw())
        assert (document.count, document["count"]) == ("property", 1)


def test_an_attribute_added_to_the_class_leaves_data_alone() -> None:
    cls: Any = type("LaterThing", (DynamicDocument,), {"name": StringField()})
    document = cls._from_son(raw())
    cls.count = "of the class"
    assert (document.count, cls._from_son(raw()).count) == (1, 1)


def test_a_loaded_document_can_be_pickled_and_copied() -> None:
    document: Any = SharedThing._from_son(raw())
    document.extra["level"] = 5
    for copied in (pickle.loads(pickle.dumps(document)), copy.deepcopy(document)):
        assert copied.to_mongo() == document.to_mongo()
        assert list(copied._dynamic_fields) == ["count", "extra"]
        assert copied._get_changed_fields() == ["extra.level"]
        copied.more = 1
        assert "more" not in document._dynamic_fields


def test_a_class_that_does_not_exist_is_data() -> None:
    for part in ({"_cls": "No"}, [{"_cls": "No"}], {"a": {"_cls": "No"}}):
        for _ in range(2):
            document: Any = SharedThing._maker()({"_id": ID, "part": part})
            assert document.part == part
            assert document.to_mongo()["part"] == part


def test_a_key_that_the_class_of_a_value_refuses_is_an_error_of_loading() -> None:
    for part in (
        {"_cls": "SharedLink", "no": 1},
        {"a": [{"_cls": "SharedLink", "no": 1}]},
    ):
        for _ in range(2):
            with pytest.raises(FieldDoesNotExist, match="no"):
                SharedThing._maker()({"_id": ID, "part": part})


def test_embedded_documents_in_data_are_made_when_it_is_loaded() -> None:
    for _ in range(2):
        document: Any = SharedThing._maker()(
            {"_id": ID, "part": {"_cls": "SharedPart", "size": 1, "more": [2]}}
        )
        assert vars(document)["part"] == SharedPart(size=1, more=[2])
        document.part.more.append(3)
        assert document._delta() == ({"part.more": [2, 3]}, {})


def test_embedded_documents_follow_no_references_where_the_document_does_not() -> None:
    for _ in range(2):
        document: Any = SharedThing._maker(False)(
            {"_id": ID, "link": {"_cls": "SharedLink", "thing": OTHER}}
        )
        assert document._auto_dereference is False
        assert document.link.thing == DBRef("shared_thing", OTHER)


def test_dynamic_embedded_documents_know_their_document() -> None:
    for _ in range(2):
        holder: Any = SharedHolder._from_son({"_id": ID, "part": {"size": 1, "x": [1]}})
        holder.part.x.append(2)
        assert holder._delta() == ({"part.x": [1, 2]}, {})


def test_attributes_set_before_the_constructor_stay() -> None:
    for _ in range(2):
        document: Any = PreparedThing(count=1)
        assert (document.note, document.count) == ("before", 1)
        assert list(document._dynamic_fields) == ["count"]


def test_a_document_may_be_constructed_again() -> None:
    document: Any = SharedThing(count=1)
    document.more = 2
    document.__init__(other=3)
    assert list(document._dynamic_fields) == ["other"]
    assert document.to_mongo() == {"other": 3}


def test_a_reference_to_its_own_class_is_valid_by_its_type() -> None:
    friends = [OTHER, DBRef("referring_thing", OTHER)]
    document: Any = ReferringThing(owner=OTHER, friends=friends)
    reference = DBRef("referring_thing", OTHER)
    assert document._values["owner"] == reference
    assert document._values["friends"] == [reference, reference]
    document.validate()
    assert document.to_mongo() == {"owner": OTHER, "friends": [OTHER, OTHER]}


def test_references_among_keys_load_as_they_are() -> None:
    stored = {"_id": ID, "friends": [OTHER, DBRef("elsewhere", OTHER), None]}
    document: Any = ReferringThing._maker(False)(stored)
    assert document.friends == [
        DBRef("referring_thing", OTHER),
        DBRef("elsewhere", OTHER),
        None,
    ]


class ShownReference(ReferenceField):
    def __get__(self, instance: Any, owner: Any) -> Any:
        value = super().__get__(instance, owner)
        return value if instance is None else ("shown", value)


class ShowingThing(Document):
    other = ShownReference(SharedThing)


def test_a_reference_field_may_be_read_by_way_of_super() -> None:
    document: Any = ShowingThing._maker(False)({"_id": ID, "other": OTHER})
    assert isinstance(ShowingThing.other, ShownReference)
    assert document.other == ("shown", DBRef("shared_thing", OTHER))


def test_a_list_of_references_notes_its_changes() -> None:
    document: Any = ReferringThing._maker(False)({"_id": ID, "friends": [OTHER]})
    assert type(document.friends) is BaseList
    assert document.friends is document.friends
    document.friends.append(ID)
    assert document._delta() == ({"friends": [OTHER, ID]}, {})
