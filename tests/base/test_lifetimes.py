"""Documents are freed by reference counting alone, and copies keep their changes."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    Document,
    DynamicDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericEmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    ListField,
    MapField,
    OperationError,
    PointField,
    ReferenceField,
    SortedListField,
    StringField,
)
from mongoengine.fields import DictField, GenericLazyReferenceField, LazyReferenceField

ID = ObjectId("5f0000000000000000000001")


class LifePart(EmbeddedDocument):
    n = IntField(db_field="num")
    d = DictField()
    x = DynamicField()


class LifeTarget(Document):
    name = StringField()


class LifeHolder(DynamicDocument):
    d = DictField()
    l = ListField()  # noqa: E741
    m = MapField(EmbeddedDocumentField(LifePart))
    e = EmbeddedDocumentField(LifePart)
    el = EmbeddedDocumentListField(LifePart)
    le = ListField(EmbeddedDocumentField(LifePart))
    g = GenericEmbeddedDocumentField()
    gl = ListField(GenericEmbeddedDocumentField())
    s = SortedListField(EmbeddedDocumentField(LifePart), ordering="num")
    x = DynamicField(default=dict)
    xl = ListField(DynamicField())
    p = PointField()
    lazy = LazyReferenceField(LifeTarget)
    lazies = ListField(LazyReferenceField(LifeTarget))
    generic_lazy = GenericLazyReferenceField()
    plain = ReferenceField(LifeTarget, dbref=True)
    generic = GenericReferenceField()
    plains = ListField(ReferenceField(LifeTarget))


PART = {"num": 1, "d": {"k": [1]}, "x": [{"y": 1}]}
STORED = {
    "_id": ID,
    "d": {"k": {"l": [1]}},
    "l": [[1], {"k": 1}],
    "m": {"k": PART},
    "e": PART,
    "el": [PART, PART],
    "le": [PART],
    "g": {"_cls": "LifePart", **PART},
    "gl": [{"_cls": "LifePart", **PART}],
    "s": [PART],
    "x": {"k": [1]},
    "xl": [{"k": 1}],
    "p": {"type": "Point", "coordinates": [1, 2]},
    "lazy": ID,
    "lazies": [ID],
    "generic_lazy": {"_cls": "LifeTarget", "_ref": DBRef("life_target", ID)},
    "extra": {"k": [{"l": 1}]},
}


def stored() -> Any:
    return LifeHolder._from_son(copy.deepcopy(STORED))


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def touch_all(document: Any) -> None:
    for name in STORED:
        if name not in ("_id", "lazies", "lazy", "generic_lazy"):
            getattr(document, name)
    document.lazy, document.lazies[0], document.generic_lazy
    document.d["k"]["l"].append(2)
    document.l[0].append(2)
    document.l[1].update(z=1)
    for part in (document.e, document.m["k"], document.le[0], document.g):
        part.d["k"].append(2)
        part.x[0]["y"] = 2
        part._instance
    for part in (*document.el, *document.gl, *document.s):
        part.n += 1
    document.x["k"].append(2)
    document.xl[0]["z"] = 1
    document.extra["k"][0]["l"] = 2


CHANGES: list[Callable[[Any], Any]] = [
    touch_all,
    lambda d: d.el.filter(n=1).update(n=5),
    lambda d: d.el.exclude(n=1).count(),
    lambda d: d.el.create(n=7),
    lambda d: d.el.first().d.update(a=1),
    lambda d: d.el.filter(n=1).delete(),
    lambda d: setattr(d, "el", d.el.filter(n=1)),
    lambda d: d.validate(),
    lambda d: (d.to_mongo(), d._delta(), d._data),
    lambda d: (touch_all(d), d._take_changes(), d._put_back(d._take_changes())),
    lambda d: (copy.deepcopy(d), pickle.loads(pickle.dumps(d)), copy.copy(d)),
    lambda d: setattr(d, "generic", LifeTarget(id=ID)),
    lambda d: setattr(d, "plains", [LifeTarget(id=ID)]),
    lambda d: d.switch_collection("other"),
]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [stored, lambda: LifeHolder(**stored()._data)])
def test_a_document_is_freed_at_once(make: Any, change: Callable[[Any], Any]) -> None:
    document = make()
    change(document)
    reference = weakref.ref(document)
    del document
    assert reference() is None


def test_a_part_of_an_embedded_list_keeps_its_document() -> None:
    document = stored()
    part = document.el.filter(n=1)
    del document
    assert part.delete() == 2
    assert part._instance.el == []


def test_an_embedded_list_whose_document_is_gone() -> None:
    parts = stored().el
    assert parts.create(n=9) is parts[-1]
    assert parts.update(n=3) == 3
    assert parts.delete() == 3
    with pytest.raises(OperationError, match="keep a reference to the document"):
        parts.save()


@pytest.mark.parametrize("name", ["d", "l", "le", "el", "x", "xl", "e", "m", "extra"])
def test_what_outlives_its_document_can_be_changed(name: str) -> None:
    value = getattr(stored(), name)
    if isinstance(value, list):
        value.append(value[0])
        assert len(value) > 1
    elif isinstance(value, dict):
        value["new"] = value["k"]
        assert value["new"] == value["k"]
    else:
        value.d["k"].append(2)
        value.n = 5
        assert value._get_changed_fields() == ["d.k", "num"]


# Dynamic fields


@pytest.mark.parametrize(
    ("change", "sets"),
    [
        (lambda d: d.x.update(z=1), {"x": {"k": [1], "z": 1}}),
        (lambda d: d.x["k"].append(2), {"x.k": [1, 2]}),
        (lambda d: d.e.x.append(2), {"e.x": [{"y": 1}, 2]}),
        (lambda d: d.e.x[0].__setitem__("y", 2), {"e.x.0.y": 2}),
        (lambda d: d.el[1].x[0].__setitem__("y", 2), {"el.1.x.0.y": 2}),
        (
            lambda d: d.m["k"].x[0].__setitem__("y.z", 2),
            {"m.k.x.0": {"y": 1, "y.z": 2}},
        ),
        (lambda d: d.xl[0].update(z=1), {"xl.0": {"k": 1, "z": 1}}),
        (lambda d: d.extra["k"][0].__setitem__("l", 2), {"extra.k.0.l": 2}),
    ],
)
def test_a_change_inside_a_dynamic_field_is_noted(change: Any, sets: Any) -> None:
    document = stored()
    change(document)
    assert document._delta() == (sets, {})
    assert document.to_mongo() == LifeHolder._from_son(document.to_mongo()).to_mongo()


def test_a_default_of_a_dynamic_field_notes_changes() -> None:
    document: Any = LifeHolder()
    document._clear_changed_fields()
    document.x["k"] = 1
    assert document._delta() == ({"x.k": 1}, {})


# Copies

COPIERS = [copy.deepcopy, copy.copy, lambda d: pickle.loads(pickle.dumps(d))]


@pytest.mark.parametrize("copier", COPIERS, ids=["deepcopy", "copy", "pickle"])
def test_a_copy_keeps_the_changes_inside(copier: Any) -> None:
    document = stored()
    touch_all(document)
    document.d["a.b"] = 1
    document.p = None
    del document.extra
    copied = copier(document)
    assert copied._delta() == document._delta()
    assert sorted(copied._get_changed_fields()) == sorted(
        document._get_changed_fields()
    )
    before = document._delta()
    copied.e.n = 77
    copied.d["new"] = 1
    copied.l.append(5)
    assert {"e.num", "d", "l"} <= set(copied._delta()[0])
    assert document._delta() == before


@pytest.mark.parametrize("copier", COPIERS, ids=["deepcopy", "copy", "pickle"])
def test_a_copy_of_an_embedded_document_keeps_its_changes(copier: Any) -> None:
    document = stored()
    document.e.x[0]["y"] = 2
    copied = copier(document.e)
    assert copied._get_changed_fields() == ["x.0.y"]
    copied.d["k"].append(3)
    assert copied._get_changed_fields() == ["x.0.y", "d.k"]
    assert document._get_changed_fields() == ["e.x.0.y"]


@pytest.mark.parametrize("copier", COPIERS, ids=["deepcopy", "copy", "pickle"])
def test_a_copy_of_a_new_document_is_new(copier: Any) -> None:
    copied = copier(LifeHolder(d={"k": 1}))
    assert copied._created
    assert not hasattr(copied, "_changed_fields")
    assert copied.d == {"k": 1}


def test_a_pickle_of_the_previous_version_is_loaded() -> None:
    state = {
        "_changed_fields": ["d"],
        "_initialised": True,
        "_created": False,
        "_dynamic_fields": {"extra": None},
        "_fields_ordered": (*LifeHolder._fields_ordered, "extra"),
        "_data": {"_id": ID, "d": {"k": 1}, "extra": [1]},
    }
    document: Any = LifeHolder.__new__(LifeHolder)
    document.__setstate__(state)
    assert document.extra == [1]
    document.extra.append(2)
    assert document._delta() == ({"d": {"k": 1}, "extra": [1, 2]}, {})
