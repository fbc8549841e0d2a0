"""Fields as attributes: of a class, copied, and of classes that override reading."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from mongoengine import (
    Document,
    DynamicDocument,
    EmbeddedDocument,
    IntField,
    ListField,
    StringField,
    fields,
)
from mongoengine.base.fields import BaseField


class Shouted(StringField):
    def __get__(self, instance: Any, owner: Any) -> Any:
        value: Any = super().__get__(instance, owner)
        return value if instance is None or value is None else value.upper()


class Stateful(StringField):
    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "was_copied": True}


class ReadPart(EmbeddedDocument):
    name = StringField()


class ReadThing(Document):
    name = StringField(db_field="n", help_text="its name")
    size = IntField(default=3)
    loud = Shouted()
    stateful = Stateful()
    names = ListField(StringField())
    meta = {"allow_inheritance": True}


class ReadSpecialThing(ReadThing):
    more = StringField()


def test_a_class_gives_the_field_itself() -> None:
    for cls in (ReadThing, ReadSpecialThing):
        assert cls.name is ReadThing._fields["name"]
        assert isinstance(cls.names, ListField)
        assert cls.loud is cls._fields["loud"]


def test_no_field_is_taken_for_a_property_or_a_method() -> None:
    # Packages such as graphene-mongo look for fields so.
    for name in fields.__all__:
        cls = getattr(fields, name)
        if isinstance(cls, type) and issubclass(cls, BaseField):
            assert not issubclass(cls, property), name
            taken = {"__call__", "fget"} & {
                a for base in cls.__mro__ for a in vars(base)
            }
            assert not taken, name


def test_a_patched_getter_of_a_field_class_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class ReadPatched(StringField):
        pass

    class ReadPatchedThing(Document):
        name = StringField()
        other = ReadPatched()

    monkeypatch.setattr(StringField, "__get__", lambda self, instance, owner: "patched")
    document = ReadPatchedThing(name="a", other="b")
    assert (document.name, document.other) == ("patched", "patched")


def test_a_subclass_reads_inherited_fields() -> None:
    document = ReadSpecialThing._from_son({"_cls": "ReadThing.ReadSpecialThing"})
    assert (document.name, document.size, document.more) == (None, 3, None)
    document.name = "x"
    assert document.name == "x"


def test_a_field_that_overrides_reading_gets_the_value() -> None:
    assert ReadThing._from_son({"loud": "abc"}).loud == "ABC"
    assert ReadThing(loud="abc").loud == "ABC"
    assert ReadThing().loud is None


@pytest.mark.parametrize("name", ["name", "size", "loud", "names"])
@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_copied_field_is_the_field_of_another_class(name: str, copier: Any) -> None:
    ReadThing()
    field: Any = ReadThing._fields[name]
    copied = copier(field)
    assert type(copied) is type(field)
    assert (copied.name, copied.db_field) == (field.name, field.db_field)
    other: Any = type("ReadCopy", (Document,), {name: copied})
    assert getattr(other, name) is copied
    document = other(**{name: ["x"] if name == "names" else "5"})
    assert getattr(document, name) == {"names": ["x"], "loud": "5"}.get(
        name, 5 if name == "size" else "5"
    )


def test_a_field_is_pickled_as_other_objects_are() -> None:
    field = StringField(db_field="n", max_length=3, help_text="its name")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        restored: Any = pickle.loads(pickle.dumps(field, protocol))
        assert (restored.db_field, restored.max_length) == ("n", 3)
        assert restored.help_text == "its name"


def test_a_copied_field_has_the_state_that_its_class_gives() -> None:
    copied: Any = copy.copy(ReadThing._fields["stateful"])
    assert copied.was_copied


def test_a_field_has_the_text_of_its_class() -> None:
    ReadThing()
    assert ReadThing.name.__doc__ == StringField.__doc__
    assert ReadThing._fields["loud"].__doc__ is None


def test_a_field_keeps_a_text_of_its_own() -> None:
    field = StringField()
    field.__doc__ = "The title."
    cls: Any = type("ReadTexted", (Document,), {"title": field})
    cls()
    assert cls.title.__doc__ == "The title."


def test_a_field_of_a_class_that_is_not_in_use_yet_is_read() -> None:
    field = StringField()
    field.name = field.db_field = "late"
    part = ReadPart._from_son({"name": "x"})
    assert field.__get__(part, ReadPart) is None


def test_a_field_that_hides_an_attribute_of_a_dynamic_document_is_data() -> None:
    base = type("ReadPlain", (), {"hidden": StringField()})
    cls: Any = type("ReadDynamic", (DynamicDocument, base), {})
    document = cls()
    document["hidden"] = "x"
    assert document.to_mongo()["hidden"] == "x"
