"""Fields that an embedded class gets after its first use."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
)
from tests.families import Family


class RuntimeTarget(Document):
    name = StringField()


def classes() -> tuple[Any, Any]:
    class Part(EmbeddedDocument):
        number = StringField()

    class Holder(Document):
        parts = ListField(EmbeddedDocumentField(Part))

    return Holder, Part


def replace(cls: Any, name: str, field: Any) -> None:
    """Give a class another field, as extensions do."""
    field.name = name
    field.db_field = name
    setattr(cls, name, field)
    cls._fields[name] = field
    cls._db_field_map[name] = name
    cls._reverse_db_field_map[name] = name


async def test_a_reference_that_an_embedded_class_gets_is_followed(
    family: Family,
) -> None:
    Holder, Part = classes()
    target = await family(RuntimeTarget(name="a"), "save")
    before = Holder._from_son({"parts": [{"number": "1"}]})
    await family(before, "select_related")
    assert before.parts[0].number == "1"
    replace(Part, "number", ReferenceField(RuntimeTarget))
    document = Holder._from_son({"parts": [{"number": target.pk}]})
    await family(document, "select_related")
    assert document._data["parts"][0]._data["number"] == target
    assert document._data["parts"][0]._data["number"].name == "a"


def test_a_number_that_an_embedded_class_gets_is_checked() -> None:
    Holder, Part = classes()
    assert Holder._from_son({"parts": [{"number": "1"}]}).parts[0].number == "1"
    replace(Part, "number", IntField())
    with pytest.raises(OverflowError):
        Holder._from_son({"parts": [{"number": float("inf")}]})
    document = Holder._from_son({"parts": [{"number": "2"}]})
    assert document.parts[0].number == 2
