"""Saving a change under a key that no path can name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    ListField,
    MapField,
    StringField,
)
from tests.families import Family


class KeyPart(EmbeddedDocument):
    n = IntField(db_field="num")
    d = DictField()


class PathKeyHolder(Document):
    d = DictField(db_field="x")
    rows = ListField(DictField())
    m = MapField(EmbeddedDocumentField(KeyPart))
    e = EmbeddedDocumentField(KeyPart)


class KeyLoose(DynamicDocument):
    pass


class KeyTarget(Document):
    name = StringField()


class KeyReferrer(Document):
    target = GenericReferenceField()


def set_in_map(document: Any) -> None:
    document.m["p.q"].n = 2


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        (lambda d: d.d.update({"a.b": 2}), {"x": {"a.b": 2, "": {"k": 1}}}),
        (lambda d: d.d.__setitem__("a.b", 2), {"x": {"a.b": 2, "": {"k": 1}}}),
        (lambda d: d.d.__delitem__("a.b"), {"x": {"": {"k": 1}}}),
        (lambda d: d.d[""].update(k=2), {"x": {"a.b": 1, "": {"k": 2}}}),
        (lambda d: d.rows[0].__setitem__("c.d", 2), {"rows": [{"r": 1, "c.d": 2}]}),
        (lambda d: d.e.d.__setitem__("", 2), {"e": {"num": 1, "d": {"": 2}}}),
        (set_in_map, {"m": {"p.q": {"num": 2, "d": {}}}}),
    ],
    ids=["update", "set", "delete", "inside", "list", "embedded", "map"],
)
async def test_a_change_under_such_a_key_is_stored(
    family: Family, mongo: Any, change: Callable[[Any], None], stored: dict[str, Any]
) -> None:
    holder = PathKeyHolder(d={"a.b": 1, "": {"k": 1}}, rows=[{"r": 1}], e=KeyPart(n=1))
    holder.m = {"p.q": KeyPart(n=1)}
    await family(holder, "save")
    document: Any = await family(PathKeyHolder.objects, "first")
    change(document)
    await family(document, "save")
    assert document._get_changed_fields() == []
    found = mongo.path_key_holder.find_one()
    assert {key: found[key] for key in stored} == stored
    family.commands.clear()
    await family(document, "save")
    assert family.commands == []


async def test_such_keys_inside_a_dynamic_field_are_stored(
    family: Family, mongo: Any
) -> None:
    await family(KeyLoose(extra={"a.b": [1]}), "save")
    document: Any = await family(KeyLoose.objects, "first")
    document.extra["a.b"].append(2)
    await family(document, "save")
    assert mongo.key_loose.find_one()["extra"] == {"a.b": [1, 2]}


async def test_saving_an_owner_leaves_the_changes_of_its_target_alone(
    family: Family, mongo: Any
) -> None:
    target = KeyTarget(name="a")
    await family(target, "save")
    owner = KeyReferrer(target=target)
    await family(owner, "save")
    target.name = None
    family.commands.clear()
    await family(owner, "save")
    assert family.commands == []
    await family(target, "save")
    assert mongo.key_target.find_one() == {"_id": target.id}
    assert mongo.key_referrer.find_one()["target"]["_cls"] == "KeyTarget"
