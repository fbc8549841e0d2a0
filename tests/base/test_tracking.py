"""Changes: their paths, and the updates that are sent for them."""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    BooleanField,
    DateField,
    DateTimeField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FloatField,
    GenericEmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    ListField,
    MapField,
    ReferenceField,
    SortedListField,
    StringField,
)
from mongoengine.errors import OperationError

ID = ObjectId("5f0000000000000000000001")


class TrackInner(EmbeddedDocument):
    deep = IntField(db_field="dp")
    tags = ListField(StringField(), db_field="tg")


class TrackPart(EmbeddedDocument):
    text = StringField(db_field="t")
    size = IntField(default=3)
    inner = EmbeddedDocumentField(TrackInner, db_field="in")
    inners = ListField(EmbeddedDocumentField(TrackInner), db_field="ins")


class TrackThing(Document):
    name = StringField(db_field="n")
    number = IntField()
    flag = BooleanField()
    rate = FloatField()
    kind = StringField(default="plain")
    numbers = ListField(IntField(), db_field="ns")
    rows = ListField(ListField(IntField()), db_field="rw")
    anything = ListField(db_field="any")
    extra = DictField(db_field="x")
    part = EmbeddedDocumentField(TrackPart, db_field="p")
    parts = ListField(EmbeddedDocumentField(TrackPart), db_field="ps")
    embedded = EmbeddedDocumentListField(TrackPart, db_field="es")
    mapped = MapField(EmbeddedDocumentField(TrackPart), db_field="m")
    generic = GenericEmbeddedDocumentField(db_field="g")


class TrackDynamic(DynamicDocument):
    name = StringField()


def thing(**raw: Any) -> TrackThing:
    return TrackThing._from_son({"_id": ID, **raw})


def delta(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    sets, unsets = document._delta()
    return dict(sets), dict(unsets)


PART = {"t": "a", "size": 1, "in": {"dp": 1, "tg": ["x"]}, "ins": [{"dp": 2}]}


# Every method that changes a list

LIST_CHANGES: dict[str, tuple[Callable[[Any], Any], list[str], list[int]]] = {
    "append": (lambda it: it.append(9), ["ns"], [3, 1, 2, 9]),
    "extend": (lambda it: it.extend([8, 9]), ["ns"], [3, 1, 2, 8, 9]),
    "insert": (lambda it: it.insert(0, 9), ["ns"], [9, 3, 1, 2]),
    "remove": (lambda it: it.remove(1), ["ns"], [3, 2]),
    "pop": (lambda it: it.pop(), ["ns"], [3, 1]),
    "pop at": (lambda it: it.pop(0), ["ns"], [1, 2]),
    "clear": (lambda it: it.clear(), ["ns"], []),
    "reverse": (lambda it: it.reverse(), ["ns"], [2, 1, 3]),
    "sort": (lambda it: it.sort(), ["ns"], [1, 2, 3]),
    "sort by": (lambda it: it.sort(key=operator.neg), ["ns"], [3, 2, 1]),
    "set item": (lambda it: operator.setitem(it, 1, 9), ["ns.1"], [3, 9, 2]),
    "set last": (lambda it: operator.setitem(it, -1, 9), ["ns.2"], [3, 1, 9]),
    "set slice": (
        lambda it: operator.setitem(it, slice(0, 2), [7]),
        ["ns"],
        [7, 2],
    ),
    "delete item": (lambda it: operator.delitem(it, 0), ["ns"], [1, 2]),
    "delete slice": (lambda it: operator.delitem(it, slice(0, 2)), ["ns"], [2]),
    "add": (lambda it: operator.iadd(it, [9]), ["ns"], [3, 1, 2, 9]),
    "repeat": (lambda it: operator.imul(it, 2), ["ns"], [3, 1, 2, 3, 1, 2]),
}


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_a_list_notes(change: str) -> None:
    edit, paths, expected = LIST_CHANGES[change]
    document = thing(ns=[3, 1, 2])
    edit(document.numbers)
    assert document._get_changed_fields() == paths
    assert document.numbers == expected


DICT_CHANGES: dict[str, tuple[Callable[[Any], Any], list[str], dict[str, int]]] = {
    "set item": (lambda it: operator.setitem(it, "a", 9), ["x.a"], {"a": 9, "b": 2}),
    "new item": (
        lambda it: operator.setitem(it, "c", 3),
        ["x.c"],
        {"a": 1, "b": 2, "c": 3},
    ),
    "delete item": (lambda it: operator.delitem(it, "a"), ["x.a"], {"b": 2}),
    "pop": (lambda it: it.pop("a"), ["x"], {"b": 2}),
    "pop default": (lambda it: it.pop("z", 0), ["x"], {"a": 1, "b": 2}),
    "popitem": (lambda it: it.popitem(), ["x"], {"a": 1}),
    "clear": (lambda it: it.clear(), ["x"], {}),
    "update": (lambda it: it.update(b=5), ["x"], {"a": 1, "b": 5}),
    "setdefault": (
        lambda it: it.setdefault("c", 3),
        ["x"],
        {"a": 1, "b": 2, "c": 3},
    ),
    "or": (lambda it: operator.ior(it, {"b": 5}), ["x"], {"a": 1, "b": 5}),
}


@pytest.mark.parametrize("change", DICT_CHANGES)
def test_a_dict_notes(change: str) -> None:
    edit, paths, expected = DICT_CHANGES[change]
    document = thing(x={"a": 1, "b": 2})
    edit(document.extra)
    assert document._get_changed_fields() == paths
    assert document.extra == expected


def test_setting_an_equal_item_of_a_dict_changes_nothing() -> None:
    document = thing(x={"a": 1})
    document.extra["a"] = 1
    assert delta(document) == ({}, {})


def test_a_failing_removal_leaves_the_list_unmarked() -> None:
    document = thing(ns=[1])
    with pytest.raises(ValueError):
        document.numbers.remove(5)
    with pytest.raises(IndexError):
        document.numbers.pop(7)
    assert document._get_changed_fields() == []


# Paths

NESTED: dict[str, tuple[dict[str, Any], Callable[[Any], Any], dict[str, Any]]] = {
    "field": ({}, lambda d: setattr(d, "name", "z"), {"n": "z"}),
    "embedded": (
        {"p": PART},
        lambda d: setattr(d.part, "text", "z"),
        {"p.t": "z"},
    ),
    "embedded in embedded": (
        {"p": PART},
        lambda d: setattr(d.part.inner, "deep", 9),
        {"p.in.dp": 9},
    ),
    "list in embedded": (
        {"p": PART},
        lambda d: d.part.inner.tags.append("y"),
        {"p.in.tg": ["x", "y"]},
    ),
    "item in embedded": (
        {"p": PART},
        lambda d: operator.setitem(d.part.inner.tags, 0, "y"),
        {"p.in.tg.0": "y"},
    ),
    "listed in embedded": (
        {"p": PART},
        lambda d: setattr(d.part.inners[0], "deep", 9),
        {"p.ins.0.dp": 9},
    ),
    "listed": (
        {"ps": [PART, PART]},
        lambda d: setattr(d.parts[1], "text", "z"),
        {"ps.1.t": "z"},
    ),
    "embedded in listed": (
        {"ps": [PART]},
        lambda d: setattr(d.parts[0].inner, "deep", 9),
        {"ps.0.in.dp": 9},
    ),
    "embedded list": (
        {"es": [PART]},
        lambda d: setattr(d.embedded[0], "text", "z"),
        {"es.0.t": "z"},
    ),
    "replaced in a list": (
        {"ps": [PART]},
        lambda d: operator.setitem(d.parts, 0, TrackPart(text="z")),
        {"ps.0": {"t": "z", "size": 3, "ins": []}},
    ),
    "mapped": (
        {"m": {"k": PART}},
        lambda d: setattr(d.mapped["k"], "text", "z"),
        {"m.k.t": "z"},
    ),
    "replaced in a map": (
        {"m": {"k": PART}},
        lambda d: operator.setitem(d.mapped, "k", TrackPart(text="z", size=1)),
        {"m.k": {"t": "z", "size": 1, "ins": []}},
    ),
    "generic": (
        {"g": {"_cls": "TrackPart", **PART}},
        lambda d: setattr(d.generic, "text", "z"),
        {"g.t": "z"},
    ),
    "row": ({"rw": [[1], [2]]}, lambda d: d.rows[1].append(3), {"rw.1": [2, 3]}),
    "item of a row": (
        {"rw": [[1], [2]]},
        lambda d: operator.setitem(d.rows[1], 0, 3),
        {"rw.1.0": 3},
    ),
    "dict in a list": (
        {"any": [{"a": {"b": 1}}]},
        lambda d: operator.setitem(d.anything[0]["a"], "b", 2),
        {"any.0.a.b": 2},
    ),
    "list in a dict": (
        {"x": {"a": {"b": [1]}}},
        lambda d: d.extra["a"]["b"].append(2),
        {"x.a.b": [1, 2]},
    ),
    "through iteration": (
        {"any": [{"a": 1}, {"a": 2}]},
        lambda d: [operator.setitem(one, "a", 5) for one in d.anything],
        {"any.0.a": 5, "any.1.a": 5},
    ),
    "through values": (
        {"x": {"k": [1]}},
        lambda d: [one.append(2) for one in d.extra.values()],
        {"x.k": [1, 2]},
    ),
    "through items": (
        {"x": {"k": [1]}},
        lambda d: [one.append(2) for _, one in d.extra.items()],
        {"x.k": [1, 2]},
    ),
    "through a slice": (
        {"any": [[1], [2]]},
        lambda d: d.anything[1:][0].append(3),
        {"any.1": [2, 3]},
    ),
    "through get": (
        {"x": {"k": [1]}},
        lambda d: d.extra.get("k").append(2),
        {"x.k": [1, 2]},
    ),
}


@pytest.mark.parametrize("where", NESTED)
def test_a_nested_change_sends_its_path_alone(where: str) -> None:
    raw, edit, expected = NESTED[where]
    document = thing(**raw)
    edit(document)
    assert delta(document) == (expected, {})


@pytest.mark.parametrize("where", NESTED)
def test_clearing_forgets_nested_changes(where: str) -> None:
    raw, edit, _ = NESTED[where]
    document = thing(**raw)
    edit(document)
    document._clear_changed_fields()
    assert document._get_changed_fields() == []


def test_a_path_above_takes_in_those_below() -> None:
    document = thing(x={"a": {"b": 1}, "c": 1})
    document.extra["a"]["b"] = 2
    document.extra["c"] = 2
    document.extra.clear()
    assert document._changed_fields == ["x"]


def test_a_path_below_a_marked_one_is_not_noted() -> None:
    document = thing(x={"a": {"b": 1}})
    document.extra = {"a": {"b": 1}, "z": 2}
    document.extra["a"]["b"] = 3
    assert document._changed_fields == ["x"]


def test_a_similar_name_is_no_path_above() -> None:
    document = thing()
    document._mark_as_changed("numbers")
    document._mark_as_changed("name")
    assert document._changed_fields == ["ns", "n"]


def test_a_path_is_noted_once() -> None:
    document = thing()
    document._mark_as_changed("name")
    document._mark_as_changed("n")
    assert document._changed_fields == ["n"]


def test_nothing_is_noted_for_no_path() -> None:
    document = thing()
    document._mark_as_changed(None)
    document._mark_as_changed("")
    assert document._changed_fields == []


def test_a_replaced_list_sends_no_changes_inside_it() -> None:
    document = thing(ps=[PART])
    document.parts = [TrackPart(text="z", size=1)]
    document.parts[0].text = "y"
    assert delta(document) == ({"ps": [{"t": "y", "size": 1, "ins": []}]}, {})


# Assignments


def test_assigning_an_equal_value_changes_nothing() -> None:
    document = thing(n="a", ns=[1], x={"a": 1})
    document.name, document.numbers, document.extra = "a", [1], {"a": 1}
    assert delta(document) == ({}, {})


def test_assigning_an_equal_embedded_document_changes_nothing() -> None:
    document = thing(p={"t": "a", "size": 1, "ins": []})
    document.part = TrackPart(text="a", size=1)
    assert document._get_changed_fields() == []


def test_values_that_cannot_be_compared_differ() -> None:
    class Stubborn:
        def __eq__(self, other: object) -> bool:
            raise TypeError("cannot be compared")

        __hash__ = None  # type: ignore[assignment]

    class Bearing(Document):
        any = DateTimeField()

    document = Bearing._from_son({})
    document.any = Stubborn()
    assert document._get_changed_fields() == ["any"]


def test_several_changes_come_in_the_order_they_were_made() -> None:
    document = thing(n="a", number=1)
    document.number = 2
    document.name = "b"
    assert list(document._delta()[0]) == ["number", "n"]


def test_a_new_document_sends_all_but_its_id() -> None:
    document = TrackThing(id=ID, name="a", numbers=[1])
    sets, _ = delta(document)
    assert (sets["n"], sets["ns"], sets["kind"]) == ("a", [1], "plain")
    assert "_id" not in sets


def test_a_new_document_has_no_changed_fields() -> None:
    with pytest.raises(AttributeError, match="has no attribute '_changed_fields'"):
        TrackThing(name="a")._changed_fields
    assert TrackThing(name="a")._get_changed_fields() == []


def test_a_new_embedded_document_starts_without_changes() -> None:
    part = TrackPart(text="a")
    assert part._changed_fields == []
    part.text = "b"
    assert part._changed_fields == ["t"]


def test_a_shard_key_cannot_be_changed_once_it_is_stored() -> None:
    class Sharded(Document):
        key = StringField()
        meta = {"shard_key": ("key",)}

    document = Sharded._from_son({"_id": ID, "key": "a"})
    with pytest.raises(OperationError, match="Shard Keys are immutable"):
        document.key = "b"
    document.key = "a"
    Sharded(key="a").key = "b"


# What is set and what is unset


def test_none_is_unset() -> None:
    document = thing(n="a")
    document.name = None
    assert delta(document) == ({}, {"n": 1})


def test_zero_and_false_are_set() -> None:
    document = thing(number=1, flag=True, rate=1.5)
    document.number, document.flag, document.rate = 0, False, 0.0
    assert delta(document) == ({"number": 0, "flag": False, "rate": 0.0}, {})


@pytest.mark.parametrize(
    ("raw", "empty", "key"),
    [
        ({"ns": [1]}, ("numbers", []), "ns"),
        ({"x": {"a": 1}}, ("extra", {}), "x"),
        ({"p": PART}, ("part", None), "p"),
    ],
)
def test_an_emptied_container_is_unset(
    raw: dict[str, Any], empty: tuple[str, Any], key: str
) -> None:
    document = thing(**raw)
    setattr(document, *empty)
    assert delta(document) == ({}, {key: 1})


def test_an_empty_value_other_than_the_default_is_set() -> None:
    document = thing(kind="odd")
    document.kind = ""
    assert delta(document) == ({"kind": ""}, {})


def test_an_empty_text_is_set() -> None:
    document = thing(n="a")
    document.name = ""
    assert delta(document) == ({"n": ""}, {})


def test_none_inside_an_embedded_document_is_unset() -> None:
    document = thing(p=PART)
    document.part.text = None
    assert delta(document) == ({}, {"p.t": 1})


def test_an_emptied_list_inside_is_unset() -> None:
    document = thing(p=PART, ps=[PART])
    document.part.inner.tags.clear()
    document.parts[0].inners.clear()
    assert delta(document) == ({}, {"p.in.tg": 1, "ps.0.ins": 1})


def test_a_removed_key_is_unset() -> None:
    document = thing(x={"a": 1, "b": 2})
    del document.extra["a"]
    assert delta(document) == ({}, {"x.a": 1})


def test_null_is_stored_where_it_is_allowed() -> None:
    class Nullable(Document):
        name = StringField(null=True)

    document = Nullable._from_son({"_id": ID, "name": "a"})
    document.name = None
    assert document.to_mongo()["name"] is None


def test_deleting_an_attribute_puts_its_default_back() -> None:
    document = thing(n="a", kind="odd", ns=[1])
    del document.name, document.kind, document.numbers
    assert delta(document) == ({"kind": "plain"}, {"n": 1, "ns": 1})


# Only what changed is dumped


def counting(kind: Any) -> tuple[Any, list[Any]]:
    dumped: list[Any] = []

    class Counted(kind):  # type: ignore[misc]
        def to_mongo(self, value: Any) -> Any:
            dumped.append(value)
            return value

    return Counted, dumped


def test_a_path_inside_a_big_list_dumps_only_that() -> None:
    counted, dumped = counting(StringField)

    class Item(EmbeddedDocument):
        text = counted()

    class Big(Document):
        items = ListField(EmbeddedDocumentField(Item))

    document = Big._from_son({"items": [{"text": str(n)} for n in range(500)]})
    document.items[250].text = "new"
    assert delta(document) == ({"items.250.text": "new"}, {})
    assert dumped == ["new"]


def test_a_changed_field_leaves_the_others_undumped() -> None:
    counted, dumped = counting(StringField)

    class Wide(Document):
        one = counted()
        other = counted()

    document = Wide._from_son({"one": "1", "other": "2"})
    document.one = "x"
    assert delta(document) == ({"one": "x"}, {})
    assert dumped == ["x"]


def test_a_dump_of_the_users_own_is_asked() -> None:
    class Owning(Document):
        name = StringField()

        def to_mongo(self, *args: Any, **kwargs: Any) -> Any:
            dumped = super().to_mongo(*args, **kwargs)
            if "name" in dumped:
                dumped["name"] += "!"
            return dumped

    document = Owning._from_son({"_id": ID, "name": "a"})
    document.name = "b"
    assert delta(document) == ({"name": "b!"}, {})


# Sorted lists


def test_a_sorted_list_is_sent_sorted() -> None:
    class Sorting(Document):
        numbers = SortedListField(IntField())

    document = Sorting._from_son({"numbers": [1, 3]})
    document.numbers.append(2)
    assert delta(document) == ({"numbers": [1, 2, 3]}, {})


def test_changing_what_a_list_is_sorted_by_sends_all_of_it() -> None:
    class Ranked(EmbeddedDocument):
        rank = IntField()
        text = StringField()

    class Ranking(Document):
        items = SortedListField(EmbeddedDocumentField(Ranked), ordering="rank")

    document = Ranking._from_son({"items": [{"rank": 1}, {"rank": 2}]})
    document.items[0].text = "z"
    assert delta(document) == ({"items.0.text": "z"}, {})
    document.items[0].rank = 3
    assert delta(document) == (
        {"items": [{"rank": 2}, {"rank": 3, "text": "z"}]},
        {},
    )


# References


class TrackAuthor(Document):
    name = StringField()


class TrackBook(Document):
    author = ReferenceField(TrackAuthor, db_field="au")
    authors = ListField(ReferenceField(TrackAuthor), db_field="aus")
    anyone = GenericReferenceField(db_field="any")
    mixed = ListField(GenericReferenceField())


def test_changes_inside_of_referenced_documents_are_not_the_referrers() -> None:
    author = TrackAuthor._from_son({"_id": ID, "name": "a"})
    book = TrackBook._from_son({"_id": ID})
    book.author = author
    book.authors = [author]
    book.mixed = [author]
    book._clear_changed_fields()
    author.name = "b"
    assert book._get_changed_fields() == []
    assert author._get_changed_fields() == ["name"]


def test_a_changed_reference_is_sent_as_such() -> None:
    book = TrackBook._from_son({"_id": ID})
    book.author = TrackAuthor(id=ID)
    book.authors = [TrackAuthor(id=ID)]
    book.anyone = TrackAuthor(id=ID)
    assert delta(book) == (
        {
            "au": ID,
            "aus": [ID],
            "any": {"_cls": "TrackAuthor", "_ref": DBRef("track_author", ID)},
        },
        {},
    )


# Dynamic documents


def test_a_new_attribute_of_a_dynamic_document_is_sent() -> None:
    document = TrackDynamic._from_son({"_id": ID, "name": "a"})
    document.size = 1
    assert delta(document) == ({"size": 1}, {})


def test_nested_changes_of_dynamic_documents_are_sent_by_their_path() -> None:
    document = TrackDynamic._from_son({"_id": ID, "a": {"b": [1, {"c": 2}]}})
    document.a["b"][1]["c"] = 3
    assert delta(document) == ({"a.b.1.c": 3}, {})


def test_a_deleted_dynamic_attribute_is_unset() -> None:
    document = TrackDynamic._from_son({"_id": ID, "a": 1})
    del document.a
    assert delta(document) == ({}, {"a": 1})


def test_an_emptied_dynamic_attribute_is_unset() -> None:
    document = TrackDynamic._from_son({"_id": ID, "a": [1]})
    document.a = []
    assert delta(document) == ({}, {"a": 1})


def test_an_embedded_document_in_a_dynamic_one_is_tracked() -> None:
    document = TrackDynamic._from_son({"_id": ID})
    document.part = TrackPart(text="a")
    document._clear_changed_fields()
    document.part.text = "b"
    assert delta(document) == ({"part.t": "b"}, {})


# Paths that lead elsewhere


def test_a_marked_path_without_a_value_is_unset() -> None:
    document = thing(p={"t": "a"})
    document._mark_as_changed("part.nothing")
    assert delta(document) == ({}, {"p.nothing": 1})


def test_a_path_that_was_marked_by_hand_need_not_be_touched() -> None:
    document = thing(p={"t": "a", "size": 1}, ps=[{"t": "b"}])
    for path in ("part.t", "parts.0.t"):
        document._mark_as_changed(path)
    assert delta(document) == ({"p.t": "a", "ps.0.t": "b"}, {})
    assert document.part.size == 1
    assert delta(document) == ({"p.t": "a", "ps.0.t": "b"}, {})


def test_a_path_through_a_reference_sends_the_reference() -> None:
    book = TrackBook._from_son({"_id": ID, "au": ID})
    book._mark_as_changed("author.name")
    assert delta(book) == ({"au": ID}, {})


def test_a_python_name_inside_is_no_database_name() -> None:
    document = thing(p={"t": "a"})
    document.part
    document._mark_as_changed("part.text")
    assert delta(document) == ({}, {"p.text": 1})


def test_a_list_can_be_changed_when_its_document_is_gone() -> None:
    numbers = thing(ns=[1]).numbers
    numbers.append(2)
    assert numbers == [1, 2]


@pytest.mark.usefixtures("connection")
def test_nothing_is_sent_where_nothing_changed(sent_commands: Any) -> None:
    document = TrackThing(name="a", part=TrackPart(text="b"), numbers=[1]).save()
    document.part.text = "b"
    document.numbers = [1]
    sent_commands.clear()
    document.save()
    assert sent_commands.names == []


@pytest.mark.usefixtures("connection")
def test_a_change_is_sent_as_set_and_unset(sent_commands: Any) -> None:
    document = TrackThing(name="a", part=TrackPart(text="b"), numbers=[1]).save()
    document.name = None
    document.part.text = "c"
    sent_commands.clear()
    document.save()
    (update,) = sent_commands.named("update")
    assert update["updates"][0]["u"] == {"$set": {"p.t": "c"}, "$unset": {"n": 1}}
    assert document._get_changed_fields() == []


@pytest.mark.usefixtures("connection")
def test_changes_after_a_reload_are_those_of_the_document(db: Any) -> None:
    raw = {"ns": [1], "x": {"a": {"b": 1}}, "p": PART, "ps": [PART], "m": {"k": PART}}
    document = thing(**raw)
    db.track_thing.insert_one({"_id": ID, **raw})
    for touched_before in (False, True):
        if touched_before:
            document.numbers, document.extra["a"], document.mapped["k"]
        document.name = "lost"
        document.reload()
        assert document.name is None
        assert document._get_changed_fields() == []
        document.numbers.append(2)
        document.extra["a"]["b"] = 2
        document.part.inner.tags.append("y")
        document.parts[0].text = "z"
        document.mapped["k"].text = "z"
        assert document._get_changed_fields() == [
            *("ns", "x.a.b", "p.in.tg", "ps.0.t", "m.k.t"),
        ]
        assert document.parts[0]._instance == document


@pytest.mark.usefixtures("connection")
def test_a_reload_converts_nothing() -> None:
    document = TrackThing(name="a", numbers=[1], part=TrackPart(text="b")).save()
    document.reload()
    assert "part" not in document._values
    assert document.part.text == "b"


@pytest.mark.usefixtures("connection")
def test_reloaded_fields_track_and_others_keep_their_changes() -> None:
    document = TrackThing(name="a", number=1, extra={"k": [1]}).save()
    document.name = "b"
    document.number = 5
    document.reload("number", "extra")
    assert (document.name, document.number) == ("b", 1)
    document.extra["k"].append(2)
    assert document._get_changed_fields() == ["n", "x.k"]


def test_a_changed_item_is_stored_as_its_field_stores_it() -> None:
    class Converted(Document):
        times = ListField(DateTimeField())
        days = ListField(DateField())
        numbers = MapField(IntField())

    raw: dict[str, Any] = {"_id": ObjectId(), "times": [NOON], "days": [NOON]}
    document: Any = Converted._from_son({**raw, "numbers": {"a": 1}})
    document.times[0] = "2026-01-02 03:04:05"
    document.days[0] = datetime.datetime(2026, 1, 2, 3, 4, 5)
    document.numbers["a"] = "5"
    assert document._delta()[0] == {
        "times.0": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "days.0": datetime.datetime(2026, 1, 2),
        "numbers.a": 5,
    }


NOON = datetime.datetime(2026, 1, 1, 12)
