"""Keys that no path can name, moved containers, and marks in great numbers."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericEmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    ListField,
    MapField,
    ReferenceField,
    SortedListField,
    StringField,
)

ID = ObjectId("5f0000000000000000000001")


class PathPart(EmbeddedDocument):
    n = IntField(db_field="num")
    d = DictField(db_field="dd")


class PathHolder(Document):
    d = DictField(db_field="x")
    l = ListField(db_field="ls")  # noqa: E741
    m = MapField(EmbeddedDocumentField(PathPart), db_field="mp")
    dicts = MapField(DictField())
    lists = MapField(ListField(IntField()))
    e = EmbeddedDocumentField(PathPart)
    el = EmbeddedDocumentListField(PathPart)
    g = GenericEmbeddedDocumentField()
    rows = ListField(ListField(IntField()))


def stored(cls: Any = PathHolder, **values: Any) -> Any:
    return cls._from_son({"_id": ID, **values})


def sets_of(values: dict[str, Any], change: Callable[[Any], Any]) -> Any:
    document = stored(**values)
    change(document)
    sets, unsets = document._delta()
    assert sorted(document._get_changed_fields()) == sorted({**sets, **unsets})
    return sets if not unsets else (sets, unsets)


@pytest.mark.parametrize("key", ["a.b", "", "a.", ".", "$x", "x.$y"])
def test_a_key_that_no_path_can_name_stores_the_dict(key: str) -> None:
    assert sets_of({"x": {"k": 1}}, lambda d: d.d.__setitem__(key, 2)) == {
        "x": {"k": 1, key: 2}
    }
    assert sets_of({"x": {"k": 1, key: 1}}, lambda d: d.d.__delitem__(key)) == {
        "x": {"k": 1}
    }
    assert sets_of({"x": {key: {"z": 1}}}, lambda d: d.d[key].update(z=2)) == {
        "x": {key: {"z": 2}}
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("a.b"),
        lambda d: d.update({"a.b": 2}),
        lambda d: d.setdefault("c.d", 2),
        lambda d: d.__ior__({"a.b": 3}),
        lambda d: d.popitem(),
    ],
    ids=["pop", "update", "setdefault", "ior", "popitem"],
)
def test_methods_of_dicts_store_keys_with_dots(change: Callable[[Any], Any]) -> None:
    document = stored(x={"k": {"z": 1, "a.b": 1}})
    change(document.d["k"])
    assert document._delta() == ({"x.k": document.to_mongo()["x"]["k"]}, {})


def test_the_nearest_container_that_can_be_named_is_stored() -> None:
    deep = {"a": {"b.c": {"d": [{"e": 1}]}}, "z": 1}
    assert sets_of({"x": deep}, lambda d: d.d["a"]["b.c"]["d"][0].update(e=2)) == {
        "x.a": {"b.c": {"d": [{"e": 2}]}}
    }
    assert sets_of({"x": {"a": [1, {"b.c": 1}]}}, _set(["a", 1, "b.c"], 2)) == {
        "x.a.1": {"b.c": 2}
    }


def _set(path: list[Any], value: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        container = document.d
        for key in path[:-1]:
            container = container[key]
        container[path[-1]] = value

    return change


def test_keys_with_dots_in_a_list_store_the_item() -> None:
    assert sets_of({"ls": [{"a": 1}]}, lambda d: d.l[0].__setitem__("x.y", 5)) == {
        "ls.0": {"a": 1, "x.y": 5}
    }


def test_keys_with_dots_in_a_map_of_embedded_documents_store_the_map() -> None:
    assert sets_of(
        {"mp": {"a.b": {"num": 1}, "c": {"num": 1}}},
        lambda d: setattr(d.m["a.b"], "n", 2),
    ) == {"mp": {"a.b": {"num": 2, "dd": {}}, "c": {"num": 1, "dd": {}}}}


def test_a_map_that_is_stored_whole_is_not_stored_in_parts_as_well() -> None:
    def change(document: Any) -> None:
        document.m["c"].n = 3
        document.m["a.b"].n = 2

    sets = sets_of({"mp": {"a.b": {"num": 1}, "c": {"num": 1}}}, change)
    assert list(sets) == ["mp"]


def test_keys_with_dots_in_maps_of_containers_store_the_map() -> None:
    assert sets_of(
        {"dicts": {"a.b": {"k": 1}}}, lambda d: d.dicts["a.b"].update(k=2)
    ) == {"dicts": {"a.b": {"k": 2}}}
    assert sets_of({"lists": {"": [1]}}, lambda d: d.lists[""].append(2)) == {
        "lists": {"": [1, 2]}
    }


def test_keys_with_dots_in_embedded_documents_store_the_dict_there() -> None:
    part = {"num": 1, "dd": {"a": 1}}
    whole = {"a": 1, "x.y": 2}
    for name, path in (("e", "e"), ("el", "el.0"), ("m", "mp.k"), ("g", "g")):
        document = stored(
            e=part, el=[part], mp={"k": part}, g={"_cls": "PathPart", **part}
        )
        holder: Any = getattr(document, name)
        holder = holder[0] if name == "el" else holder["k"] if name == "m" else holder
        holder.d["x.y"] = 2
        assert document._delta() == ({f"{path}.dd": whole}, {})


def test_clearing_and_taking_cover_what_is_under_such_keys() -> None:
    document = stored(mp={"a.b": {"num": 1}})
    document.m["a.b"].n = 2
    document._clear_changed_fields()
    assert document._get_changed_fields() == []
    document.m["a.b"].n = 3
    changes = document._take_changes()
    assert list(changes.sets) == ["mp"]
    assert document._get_changed_fields() == []
    document._put_back(changes)
    assert document._get_changed_fields() == ["mp"]


# Containers that are not where they were


def test_a_nested_list_is_known_by_its_index_of_now() -> None:
    def change(document: Any) -> None:
        document.rows[0], document.rows[1]
        document.rows.insert(0, [0])
        document._clear_changed_fields()
        document.rows[1].append(7)

    assert sets_of({"rows": [[1], [2]]}, change) == {"rows.1": [1, 7]}


@pytest.mark.parametrize(
    "move",
    [
        lambda rows: rows.insert(0, [0]),
        lambda rows: rows.pop(0),
        lambda rows: rows.sort(reverse=True),
        lambda rows: rows.reverse(),
        lambda rows: rows.__delitem__(0),
    ],
    ids=["insert", "pop", "sort", "reverse", "del"],
)
def test_a_reference_to_a_nested_list_follows_its_moves(move: Any) -> None:
    document = stored(rows=[[1], [2], [3]])
    row = document.rows[1]
    move(document.rows)
    document._clear_changed_fields()
    row.append(9)
    sets, _ = document._delta()
    applied = sets.get("rows") or [
        sets.get(f"rows.{index}", [*item]) for index, item in enumerate(document.rows)
    ]
    assert applied == document.rows
    assert [2, 9] in applied
    assert sets


def test_one_dict_in_two_places_becomes_two() -> None:
    def change(document: Any) -> None:
        document.d["copy"] = document.d["orig"]
        document._clear_changed_fields()
        document.d["copy"]["k"] = 5

    assert sets_of({"x": {"orig": {"k": 1}}}, change) == {"x.copy.k": 5}


def test_a_container_of_another_document_is_copied() -> None:
    other = stored(x={"k": {"l": 1}})
    document = stored()
    document.d = other.d
    document.l = [other.d["k"]]
    document._clear_changed_fields()
    document.d["k"]["l"] = 2
    document.l[0]["l"] = 3
    assert document._delta() == ({"x.k.l": 2, "ls.0.l": 3}, {})
    assert other._get_changed_fields() == []
    assert other.d == {"k": {"l": 1}}


def test_a_container_of_another_document_is_copied_by_the_constructor() -> None:
    other = stored(x={"k": PathPart(n=1)}, dicts={"a": {"b": 1}})
    document = PathHolder(d=other.d, dicts=other.dicts)
    document._clear_changed_fields()
    document.d["new"] = 1
    document.dicts["a"]["b"] = 2
    assert document._get_changed_fields() == ["x.new", "dicts.a.b"]
    assert other._get_changed_fields() == []


def test_a_list_that_is_part_of_no_document_joins_the_one_it_is_assigned_to() -> None:
    from copy import deepcopy

    document = stored(ls=[[1]])
    document.l = deepcopy(document.l)
    document._clear_changed_fields()
    document.l.append(2)
    assert document._get_changed_fields() == ["ls"]


@pytest.mark.parametrize(
    "copy",
    [
        dict,
        lambda d: {**d},
        lambda d: d.copy(),
        lambda d: d | {},
        lambda d: {} | d,
    ],
    ids=["dict", "unpack", "copy", "or", "ror"],
)
def test_a_change_inside_a_copy_of_a_dict_is_noted(copy: Any) -> None:
    document = stored(x={"a": {"b": 1}})
    copy(document.d)["a"]["b"] = 2
    assert document._delta() == ({"x.a.b": 2}, {})


@pytest.mark.parametrize(
    "copy",
    [
        list,
        lambda v: [*v],
        lambda v: v.copy(),
        lambda v: v[:],
        lambda v: operator.add(v, []),
        lambda v: operator.add([], v),
        lambda v: v * 1,
        lambda v: 1 * v,
        lambda v: [*reversed(v)],
        sorted,
    ],
    ids=[
        "list",
        "unpack",
        "copy",
        "slice",
        "add",
        "radd",
        "mul",
        "rmul",
        "reversed",
        "sorted",
    ],
)
def test_a_change_inside_a_copy_of_a_list_is_noted(copy: Any) -> None:
    document = stored(ls=[[1]])
    copy(document.l)[0].append(2)
    assert document._delta() == ({"ls.0": [1, 2]}, {})


def test_setdefault_returns_what_notes_changes() -> None:
    document = stored(x={})
    inner = document.d.setdefault("k", {})
    document._clear_changed_fields()
    inner["z"] = 1
    assert document._delta() == ({"x.k.z": 1}, {})


# References


class PathTarget(Document):
    name = StringField()
    gone = IntField()


class PathReferrer(DynamicDocument):
    generic = GenericReferenceField()
    generics = ListField(GenericReferenceField())
    plain = ReferenceField(PathTarget)
    plains = ListField(ReferenceField(PathTarget))
    mapped = MapField(GenericReferenceField())
    loose = DictField()


def test_a_change_of_a_referenced_document_is_none_of_its_owner() -> None:
    target = stored(PathTarget, name="a", gone=1)
    owner = stored(PathReferrer)
    owner.generic = owner.plain = owner.extra = target
    owner.generics, owner.plains, owner.extras = [target], [target], [target]
    owner.mapped = owner.loose = {"k": target}
    owner._clear_changed_fields()
    target.name = "b"
    target.gone = None
    assert owner._get_changed_fields() == []
    assert owner._delta() == ({}, {})
    assert target._delta() == ({"name": "b"}, {"gone": 1})
    owner._clear_changed_fields()
    assert target._get_changed_fields() == ["name", "gone"]
    owner._take_changes()
    assert target._get_changed_fields() == ["name", "gone"]


# Sorted lists


class PathSorted(Document):
    numbers = SortedListField(IntField())
    parts = SortedListField(EmbeddedDocumentField(PathPart), ordering="num")


def test_an_item_of_a_sorted_list_stores_the_list_in_its_order() -> None:
    document = stored(PathSorted, numbers=[1, 2, 3])
    document.numbers[0] = 9
    assert document._delta() == ({"numbers": [2, 3, 9]}, {})


def test_a_sorted_list_is_stored_whole_while_its_order_is_another_one() -> None:
    document = stored(PathSorted, parts=[{"num": 5}, {"num": 7}])
    document.parts.append(PathPart(n=1))
    document._clear_changed_fields()
    document.parts[2].d["k"] = 1
    sets, _ = document._delta()
    assert [part["num"] for part in sets["parts"]] == [1, 5, 7]
    assert sets["parts"][0]["dd"] == {"k": 1}


# Many marks


@pytest.mark.parametrize(
    "change",
    [
        lambda d, i: d.l.__setitem__(i, -1),
        lambda d, i: setattr(d.el[i], "n", -1),
        lambda d, i: d.d.__setitem__(f"k{i}", -1),
        lambda d, i: d.rows[i].append(-1),
        lambda d, i: d.m[f"k{i}"].d.update(a=1),
    ],
    ids=["list", "embedded", "dict", "rows", "map"],
)
def test_the_work_for_many_changes_grows_with_their_number(change: Any) -> None:
    def seconds(count: int) -> float:
        document = stored(
            ls=[0] * count,
            el=[{"num": 1} for _ in range(count)],
            x={f"k{i}": 0 for i in range(count)},
            rows=[[1] for _ in range(count)],
            mp={f"k{i}": {"num": 1} for i in range(count)},
        )
        start = time.process_time()
        for index in range(count):
            change(document, index)
        assert len(document._delta()[0]) == count
        document._clear_changed_fields()
        return time.process_time() - start

    # Quadratic work would make it sixty-four times as long.
    assert seconds(8000) < 24 * seconds(1000) + 0.5


def test_a_wider_mark_is_as_cheap_with_many_marks_inside() -> None:
    document = stored(ls=[{"a": 1} for _ in range(5000)])
    start = time.process_time()
    for index in range(5000):
        document.l[index]["a"] = 2
        document.l[index] = {}
    assert len(document._get_changed_fields()) == 5000
    assert time.process_time() - start < 3


def test_the_list_of_marks_can_be_changed_by_others() -> None:
    document = stored(x={"a": 1}, ls=[1])
    document.d["a"] = 2
    assert document._changed_fields == ["x.a"]
    assert type(document._changed_fields) is list
    document._changed_fields.append("ls")
    document.e = PathPart(n=1)
    assert document._get_changed_fields() == ["x.a", "ls", "e"]
    document._changed_fields.remove("x.a")
    assert list(document._delta()[0]) == ["ls", "e"]
    document._changed_fields = ["x"]
    assert document._delta() == ({"x": {"a": 2}}, {})
    document._changed_fields = []
    assert document._delta() == ({}, {})
