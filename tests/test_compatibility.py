"""Names that other code imports from where MongoEngine has them, and what they do."""

from __future__ import annotations

import importlib
import json
import pathlib
import types
import warnings
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import InvalidName

import mongoengine
from mongoengine import Document, GeoPointField, IntField, PointField, connection
from mongoengine.base.datastructures import (
    BaseDict,
    BaseList,
    StrictDict,
    mark_as_changed_wrapper,
    mark_key_as_changed_wrapper,
)
from mongoengine.compatibility.names import NAMES
from mongoengine.context_managers import no_dereferencing_active_for_class

RECORDED: dict[str, dict[str, str]] = json.loads(
    pathlib.Path(__file__)
    .with_name("parity")
    .joinpath("upstream_names.json")
    .read_text()
)
# What belongs to a computer, or to the way that MongoEngine imports its own package.
NOT_OURS = {("mongoengine.connection", "mongoengine")}


def has(module: str, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", RECORDED)
def test_every_name_of_upstream_can_be_imported(module: str) -> None:
    missing = []
    for name in RECORDED[module]:
        try:
            has(module, name)
        except AttributeError:
            missing.append(name)
    assert [name for name in missing if (module, name) not in NOT_OURS] == []


@pytest.mark.parametrize("module", RECORDED)
def test_classes_and_functions_stay_what_they_are(module: str) -> None:
    different = []
    for name, kind in RECORDED[module].items():
        value = None if (module, name) in NOT_OURS else has(module, name)
        if kind == "function" and not callable(value):
            different.append(name)
        if kind in ("type", "DocumentMetaclass") and not isinstance(value, type):
            different.append(name)
        if kind == "module" and not isinstance(value, types.ModuleType):
            different.append(name)
    assert [name for name in different if (module, name) not in NOT_OURS] == []


def test_all_places_exist() -> None:
    for module, names in NAMES.items():
        for name in names:
            has(module, name)


def test_names_that_nobody_has_are_refused() -> None:
    with pytest.raises(AttributeError, match=r"'mongoengine\.fields' has no attribute"):
        has("mongoengine.fields", "StrngField")


def test_names_are_the_same_objects() -> None:
    from mongoengine import fields, queryset
    from mongoengine.queryset.visitor import QNode

    assert fields.Document is mongoengine.Document  # type: ignore[attr-defined]
    assert fields.BaseQuerySet is queryset.base.BaseQuerySet  # type: ignore[attr-defined]
    assert queryset.QNode is QNode  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Image", "ImageOps"])
def test_pillow_is_replaced_in_the_module_of_fields(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from PIL import Image, ImageOps

    from mongoengine import fields

    original = {"Image": Image, "ImageOps": ImageOps}[name]
    assert getattr(fields, name) is original
    with monkeypatch.context() as patch:
        patch.setattr(fields, name, None)
        if name == "Image":
            with pytest.raises(fields.ImproperlyConfigured):
                fields.ImageField()
    assert getattr(fields, name) is original


class Tracked(Document):
    numbers: Any = mongoengine.ListField(IntField())
    words: Any = mongoengine.DictField()


class OwnList(BaseList):
    append = mark_as_changed_wrapper(list.append)
    __setitem__ = mark_key_as_changed_wrapper(list.__setitem__)


class OwnDict(BaseDict):
    clear = mark_as_changed_wrapper(dict.clear)
    __setitem__ = mark_key_as_changed_wrapper(dict.__setitem__)


def test_wrapped_methods_mark_their_container() -> None:
    document = Tracked(id=1, numbers=[1], words={"a": 1})
    document._clear_changed_fields()
    own = OwnList([1], document, "numbers")
    document._put("numbers", own)
    own[0] = 2
    assert own == [2]
    assert document._get_changed_fields() == ["numbers.0"]
    assert own.append(3) is None
    assert document._get_changed_fields() == ["numbers"]
    document._clear_changed_fields()
    words = OwnDict({"a": 1}, document, "words")
    document._put("words", words)
    words["b"] = 2
    assert document._get_changed_fields() == ["words.b"]
    words.clear()
    assert (words, document._get_changed_fields()) == ({}, ["words"])


def test_a_wrapped_method_that_fails_marks_nothing() -> None:
    calls = []

    class Failing(list[int]):
        pop = mark_as_changed_wrapper(list.pop)

        def _mark_as_changed(self) -> None:
            calls.append(1)

    with pytest.raises(IndexError):
        Failing().pop()
    assert Failing([1]).pop() == 1
    assert calls == [1]


def test_strict_dicts() -> None:
    made = StrictDict.create(("a", "b"))
    assert made is StrictDict.create(["b", "a"])
    one = made(a=1)
    assert (one["a"], one.a, len(one), list(one), "b" in one) == (1, 1, 1, ["a"], False)
    assert (one.get("b"), one.get("c", 4), one.items()) == (None, 4, [("a", 1)])
    assert one == made(a=1) == {"a": 1}
    assert one != made(b=1)
    assert repr(one) == '{"a": 1}'
    one["b"] = 2
    assert (one.pop("a"), one.pop("a"), one.keys()) == (1, None, ["b"])
    with pytest.raises(KeyError):
        one["a"]
    for key in ("c", "items"):
        with pytest.raises(AttributeError):
            one[key] = 1


@pytest.mark.parametrize(
    ("value", "not_string", "with_dollar"),
    [
        ({}, None, None),
        ({"a": {"b": 1}, "a.b": 1}, None, None),
        ({"$a": 1}, None, True),
        ({"a": {"$b": 1}}, None, True),
        ({"a": [{"$b": 1}]}, None, None),
    ],
)
def test_checks_of_keys(value: Any, not_string: Any, with_dollar: Any) -> None:
    from mongoengine.fields import (  # type: ignore[attr-defined]
        key_not_string,
        key_starts_with_dollar,
    )

    assert key_not_string(value) is not_string
    assert key_not_string({"a": {1: value}}) is True
    assert key_starts_with_dollar(value) is with_dollar


def test_index_fields_that_include_the_class() -> None:
    includes_cls = has("mongoengine.document", "includes_cls")
    assert includes_cls([("_cls", 1), ("a", 1)])
    assert includes_cls(["_cls"])
    assert not includes_cls([("a", 1), ("_cls", 1)])
    assert not includes_cls([])


def test_helpers_of_connections(db: Any) -> None:
    settings = has("mongoengine.connection", "_get_connection_settings")
    find = has("mongoengine.connection", "_find_existing_connection")
    create = has("mongoengine.connection", "_create_connection")
    assert has("mongoengine.connection", "_get_connection")() is db.client
    assert has("mongoengine.connection", "_get_db")() == db
    record = connection._connection_settings["default"]
    assert find({**record, "name": "another"}) is db.client
    assert find({**record, "port": 1}) is None
    made = settings(
        "d", host="mongodb://h:1/x?replicaSet=r", uuidRepresentation="standard"
    )
    assert (made["name"], made["replicaSet"]) == ("x", "r")
    with create("other", MongoClient, connect=False) as client:
        assert isinstance(client, MongoClient)
    with pytest.raises(connection.ConnectionFailure, match="database other"):
        create("other", MongoClient, nonsense=1)


@pytest.mark.parametrize("name", ["", "a.b", "a b"])
def test_names_of_databases(name: str) -> None:
    check = has("mongoengine.connection", "_check_db_name")
    check("$external")
    with pytest.raises(InvalidName):
        check(name)
    with pytest.raises(TypeError):
        check(3)


def test_registering_a_class_for_no_dereferencing() -> None:
    register = has(
        "mongoengine.context_managers", "_register_no_dereferencing_for_class"
    )
    undo = has("mongoengine.context_managers", "_unregister_no_dereferencing_for_class")
    local = has("mongoengine.context_managers", "thread_locals")
    register(Tracked)
    register(Tracked)
    assert local.no_dereferencing_class == {Tracked: 2}
    undo(Tracked)
    assert no_dereferencing_active_for_class(Tracked)
    undo(Tracked)
    assert not no_dereferencing_active_for_class(Tracked)
    assert local.no_dereferencing_class == {}


def test_helpers_of_queries() -> None:
    transform = importlib.import_module("mongoengine.queryset.transform")
    point = {"$geometry": {"type": "Point", "coordinates": [1, 2]}}
    assert transform._infer_geometry([1, 2]) == point
    assert transform._geo_operator(PointField(), "near", [1, 2]) == {"$near": point}
    assert transform._geo_operator(GeoPointField(), "near", [1, 2]) == {"$near": [1, 2]}
    several = transform._prepare_query_for_iterable
    assert several(IntField(), "in", ("1", 2)) == [1, 2]
    with pytest.raises(TypeError, match="applied to an iterable"):
        several(IntField(), "in", 5)
    with pytest.raises(TypeError, match="you can't use a `Document`"):
        several(IntField(), "in", Tracked())
