"""Values put into a list or dict that was read before note their changes, too."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
)
from mongoengine.base import BaseDict, BaseList
from mongoengine.base.tracked import rebind


class BoundPart(EmbeddedDocument):
    extra = DictField()


class BoundThing(Document):
    items = ListField()
    extra = DictField()
    grid = ListField(ListField(IntField()))
    groups = MapField(ListField(IntField()))
    parts = ListField(EmbeddedDocumentField(BoundPart))


def thing(**raw: Any) -> BoundThing:
    return BoundThing._from_son({"_id": 1, **raw})


LIST_CHANGES: dict[str, Callable[[Any], Any]] = {
    "append": lambda items: items.append({"n": 1}),
    "extend": lambda items: items.extend([{"n": 1}, [1]]),
    "insert": lambda items: items.insert(0, {"n": 1}),
    "set": lambda items: items.__setitem__(0, {"n": 1}),
    "set slice": lambda items: items.__setitem__(slice(0, 1), [{"n": 1}, [2]]),
    "add in place": lambda items: items.__iadd__([[1]]),
    "multiply in place": lambda items: items.__imul__(2),
    "pop": lambda items: items.pop(0),
    "remove": lambda items: items.remove("a"),
    "delete": lambda items: items.__delitem__(0),
    "reverse": lambda items: items.reverse(),
    "sort": lambda items: items.sort(key=str),
    "take over": lambda items: items._take_over([{"n": 1}, [1]]),
}

DICT_CHANGES: dict[str, Callable[[Any], Any]] = {
    "set": lambda items: items.__setitem__("new", {"n": 1}),
    "set an equal value": lambda items: items.__setitem__("b", {"x": {"y": 1}}),
    "update": lambda items: items.update(new={"n": 1}, other=[1]),
    "update in place": lambda items: items.__ior__({"new": {"n": 1}}),
    "set default": lambda items: items.setdefault("new", {"n": 1}),
    "pop": lambda items: items.pop("a"),
    "pop item": lambda items: items.popitem(),
    "delete": lambda items: items.__delitem__("a"),
    "clear": lambda items: items.clear(),
    "take over": lambda items: items._take_over({"new": {"n": 1}}),
}


def paths(container: Any) -> list[str]:
    """Return the paths of all containers inside one, which must be tracked."""
    found = []
    is_dict = isinstance(container, dict)
    for key, item in container.items() if is_dict else enumerate(container):
        if isinstance(item, (dict, list)):
            assert type(item) in (BaseDict, BaseList)
            assert item._name == f"{container._name}.{key}"
            found += [item._name, *paths(item)]
    return found


@pytest.mark.parametrize("change", LIST_CHANGES)
def test_a_list_that_was_read_tracks_what_a_change_moves_or_adds(change: str) -> None:
    document = thing(items=["a", {"x": {"y": 1}}, [[1]]])
    assert paths(document.items) == ["items.1", "items.1.x", "items.2", "items.2.0"]
    LIST_CHANGES[change](document.items)
    paths(document.items)
    assert [type(item) for item in document.items[:]] == [
        type(document.items[at]) for at in range(len(document.items))
    ]


@pytest.mark.parametrize("change", DICT_CHANGES)
def test_a_dict_that_was_read_tracks_what_a_change_adds(change: str) -> None:
    document = thing(extra={"a": 1, "b": {"x": {"y": 1}}, "c": [[1]]})
    assert paths(document.extra) == ["extra.b", "extra.b.x", "extra.c", "extra.c.0"]
    DICT_CHANGES[change](document.extra)
    paths(document.extra)
    assert [type(item) for item in document.extra.values()] == [
        type(document.extra[key]) for key in document.extra
    ]


@pytest.mark.parametrize("change", ["append", "extend", "insert", "set"])
def test_a_flat_list_tracks_what_is_added(change: str) -> None:
    document = thing(items=["a", "b"], grid=[[1]])
    for items in (document.items, document.grid[0]):
        list(items)
        LIST_CHANGES[change](items)
    document._clear_changed_fields()
    added: Any = next(item for item in document.items if isinstance(item, dict))
    added["n"] = 2
    at = document.items.index(added)
    assert document._get_changed_fields() == [f"items.{at}.n"]
    assert paths(document.grid)


@pytest.mark.parametrize("change", ["set", "update", "set default"])
def test_a_flat_dict_tracks_what_is_added(change: str) -> None:
    document = thing(extra={"a": 1})
    list(document.extra.values())
    DICT_CHANGES[change](document.extra)
    document._clear_changed_fields()
    for item in document.extra.values():
        if isinstance(item, dict):
            item["n"] = 2
    assert document._get_changed_fields() == ["extra.new.n"]


def test_a_container_that_moves_gives_its_items_their_paths() -> None:
    document = thing(items=[["a", ["b", {"c": 1}]]])
    assert paths(document.items) == ["items.0", "items.0.1", "items.0.1.1"]
    document.items.insert(0, "z")
    assert paths(document.items) == ["items.1", "items.1.1", "items.1.1.1"]
    document._clear_changed_fields()
    document.items[1][1][1]["c"] = 2
    assert document._get_changed_fields() == ["items.1.1.1.c"]


def test_a_container_assigned_to_another_field_tells_that_field() -> None:
    document = thing(items=[[1, [2]]], extra={})
    taken: Any = document.items.pop(0)
    assert paths(taken) == ["items.0.1"]
    document.extra["moved"] = taken
    document._clear_changed_fields()
    document.extra["moved"][1].append(3)
    assert document._get_changed_fields() == ["extra.moved.1"]


def test_what_two_documents_have_is_changed_in_one() -> None:
    one, other = thing(extra={"a": {"b": [1]}}), thing(extra={})
    paths(one.extra)
    other.extra["a"] = one.extra["a"]
    paths(other.extra)
    other._clear_changed_fields()
    other.extra["a"]["b"].append(2)
    assert one.extra == {"a": {"b": [1]}}
    assert one._get_changed_fields() == []
    assert other._get_changed_fields() == ["extra.a.b"]


def test_what_is_rebound_after_reading_tells_its_new_owner() -> None:
    old, new = thing(extra={"a": {"b": [1]}}), thing()
    paths(old.extra)
    rebind(new, old.extra)
    new._put("extra", old.extra)
    new.extra["a"]["b"].append(2)
    assert new._get_changed_fields() == ["extra.a.b"]


@pytest.mark.parametrize(
    "copier", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_a_copy_of_what_was_read_tracks_its_items(copier: Any) -> None:
    document = thing(items=[[1, {"a": 1}]], extra={"a": [1, [2]]})
    for original in (document.items, document.extra):
        paths(original)
        copied = copier(original)
        assert copied == original
        paths(copied)


def test_an_embedded_document_added_to_a_list_that_was_read_has_its_owner() -> None:
    document = thing(parts=[{"extra": {"a": [1]}}])
    assert paths(document.parts[0].extra) == ["extra.a"]
    list(document.parts)
    document.parts.append(BoundPart(extra={"b": [2]}))
    added: Any = document.parts[1]
    assert added._instance is not None
    document._clear_changed_fields()
    added.extra["b"].append(3)
    assert document._get_changed_fields() == ["parts.1.extra.b"]


def test_keys_that_no_path_names_stand_for_their_container() -> None:
    document = thing(extra={"a.b": {"c": [1]}, "$d": [1], "": {"e": 1}})
    for item in document.extra.values():
        assert item._name == "extra"
    inner: Any = document.extra["a.b"]["c"]
    inner.append(2)
    assert document._get_changed_fields() == ["extra"]
