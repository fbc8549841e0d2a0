"""Taking the changes of a document for a command, and putting them back."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    BooleanField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    StringField,
)
from mongoengine.base.tracking import Changes


class TakenPart(EmbeddedDocument):
    text = StringField(db_field="t")
    tags = ListField(StringField())


class TakenThing(Document):
    name = StringField(db_field="n")
    number = IntField()
    extra = DictField(db_field="x")
    part = EmbeddedDocumentField(TakenPart, db_field="p")
    parts = ListField(EmbeddedDocumentField(TakenPart), db_field="ps")
    mapped = MapField(EmbeddedDocumentField(TakenPart), db_field="m")
    rows = ListField(ListField(EmbeddedDocumentField(TakenPart)))


def stored() -> TakenThing:
    return TakenThing._from_son(
        {
            "_id": 1,
            "n": "a",
            "number": 1,
            "x": {"k": {"l": 1}},
            "p": {"t": "a", "tags": ["a"]},
            "ps": [{"t": "a"}, {"t": "b"}],
            "m": {"k": {"t": "a"}},
            "rows": [[{"t": "a"}]],
        }
    )


def change(document: TakenThing) -> None:
    document.name = "b"
    document.number = None
    document.extra["k"]["l"] = 2
    document.part.tags.append("b")
    document.parts[1].text = "c"
    document.mapped["k"].text = "b"
    document.rows[0][0].text = "b"


SETS = {
    "n": "b",
    "x.k.l": 2,
    "p.tags": ["a", "b"],
    "ps.1.t": "c",
    "m.k.t": "b",
    "rows.0.0.t": "b",
}


def test_taking_returns_the_update_and_leaves_the_document_clean() -> None:
    document = stored()
    change(document)
    changes = document._take_changes()
    assert changes.sets == SETS
    assert changes.unsets == {"number": 1}
    assert changes.update == {"$set": SETS, "$unset": {"number": 1}}
    assert document._get_changed_fields() == []
    assert document._delta() == ({}, {})


def test_an_unchanged_document_has_an_empty_update() -> None:
    changes = stored()._take_changes()
    assert isinstance(changes, Changes)
    assert changes.update == {}


def test_putting_back_restores_every_mark() -> None:
    document = stored()
    change(document)
    marked = sorted(document._get_changed_fields())
    changes = document._take_changes()
    document._put_back(changes)
    assert sorted(document._get_changed_fields()) == marked
    assert document._delta() == (SETS, {"number": 1})


def test_putting_back_twice_changes_nothing() -> None:
    document = stored()
    change(document)
    changes = document._take_changes()
    document._put_back(changes)
    document._put_back(changes)
    assert document._delta() == (SETS, {"number": 1})


def test_an_assignment_in_the_meantime_stays_pending_after_success() -> None:
    document = stored()
    document.name = "b"
    document._take_changes()
    document.parts[0].text = "z"
    document.name = "c"
    assert document._delta() == ({"n": "c", "ps.0.t": "z"}, {})


def test_an_assignment_in_the_meantime_stays_pending_after_failure() -> None:
    document = stored()
    document.name = "b"
    document.part.text = "b"
    changes = document._take_changes()
    document.number = 5
    document.part = TakenPart(text="new")
    document._put_back(changes)
    sets, unsets = document._delta()
    assert sets == {"n": "b", "number": 5, "p": {"t": "new", "tags": []}}
    assert unsets == {}


def test_a_wider_mark_in_the_meantime_replaces_the_marks_inside_it() -> None:
    document = stored()
    document.extra["k"]["l"] = 2
    changes = document._take_changes()
    document.extra = {"other": 1}
    document._put_back(changes)
    assert document._get_changed_fields() == ["x"]


def test_putting_back_uses_database_names_as_they_are() -> None:
    class TakenSwapped(Document):
        a = IntField(db_field="b")
        b = IntField(db_field="a")

    document = TakenSwapped._from_son({"_id": 1, "a": 1, "b": 2})
    document.a = 5
    changes = document._take_changes()
    document.b = 6
    document._put_back(changes)
    assert document._delta() == ({"b": 5, "a": 6}, {})


@pytest.mark.parametrize("whole", [False, True])
def test_a_new_document_is_all_pending_again_when_put_back(whole: bool) -> None:
    document = TakenThing(name="a", part=TakenPart(text="b"))
    changes = document._take_changes(whole=whole)
    assert document._get_changed_fields() == []
    document.number = 3
    assert document._get_changed_fields() == ["number"]
    document._put_back(changes)
    assert not hasattr(document, "_changed_fields")
    sets, _ = document._delta()
    assert sets["n"] == "a"
    assert sets["number"] == 3
    assert sets["p"]["t"] == "b"


def test_taking_for_a_whole_document_dumps_nothing() -> None:
    document = TakenThing(name="a")
    assert document._take_changes(whole=True).update == {}


class PlainPart(EmbeddedDocument):
    text = StringField()
    number = IntField()


class WiredThing(Document):
    part = EmbeddedDocumentField(PlainPart)
    parts = ListField(EmbeddedDocumentField(PlainPart))
    mapped = MapField(EmbeddedDocumentField(PlainPart))
    untyped = DictField()
    rows = ListField(ListField(EmbeddedDocumentField(PlainPart)))


def wired() -> WiredThing:
    return WiredThing(
        id="0" * 24,
        part=PlainPart(text="a", number=1),
        parts=[PlainPart(text="a", number=1), PlainPart(text="b")],
        mapped={"k": PlainPart(text="a")},
        untyped={"a": [{"b": PlainPart(text="a")}], "c": {"d": [1]}},
        rows=[[PlainPart(text="a")]],
    )


def embedded_in(document: WiredThing) -> list[PlainPart]:
    return [
        document.part,
        *document.parts,
        document.mapped["k"],
        document.untyped["a"][0]["b"],
        document.rows[0][0],
    ]


def test_a_dump_to_be_sent_takes_the_marks_of_all_embedded_documents() -> None:
    document = wired()
    for part in embedded_in(document):
        part.text = "changed"
    marks: list[Any] = []
    dumped = document._to_wire(marks)
    assert dumped == document.to_mongo()
    assert dumped["parts"][0] == {"text": "changed", "number": 1}
    assert document._get_changed_fields() == []
    document._put_back(Changes(marks, {}, {}))
    assert all(part._changed_fields == ["text"] for part in embedded_in(document))


def test_a_dump_to_be_sent_leaves_plain_data_where_it_is() -> None:
    document = WiredThing._from_son({"untyped": {"c": {"d": [1]}}, "_id": "0" * 24})
    assert document._to_wire([])["untyped"] == {"c": {"d": [1]}}
    document.untyped["c"]["d"].append(2)
    assert document._to_wire([])["untyped"] == {"c": {"d": [1, 2]}}


@pytest.mark.parametrize("value", [0, False, "", None, 2, "x"])
def test_a_changed_scalar_is_set_or_unset_as_the_delta_says(value: object) -> None:
    class TakenScalars(Document):
        number = IntField()
        flag = BooleanField(default=True)
        text = StringField()

    document = TakenScalars._from_son({"_id": 1, "number": 9, "text": "t"})
    name = {bool: "flag", int: "number"}.get(type(value), "text")
    setattr(document, name, value)
    expected = document._delta()
    taken = document._take_changes()
    assert (taken.sets, taken.unsets) == expected
    assert document._delta() == ({}, {})
    document._put_back(taken)
    assert document._delta() == expected


def test_documents_without_changes_share_one_value() -> None:
    first, second = stored(), stored()
    assert first._take_changes() is second._take_changes()
    first._put_back(second._take_changes())
    assert first._get_changed_fields() == []
