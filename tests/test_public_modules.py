"""Classes name the module in which users find them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module

import pytest

import mongoengine
from mongoengine import fields
from mongoengine.base.public import _MOVED


@pytest.mark.parametrize("name", [n for n in fields.__all__ if n != "GeoJsonBaseField"])
def test_a_field_is_of_the_module_of_fields(name: str) -> None:
    expected = "base.fields" if name == "ObjectIdField" else "fields"
    assert getattr(fields, name).__module__ == f"mongoengine.{expected}"


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("base.fields.BaseField", "base.fields"),
        ("base.fields.ComplexBaseField", "base.fields"),
        ("base.fields.GeoJsonBaseField", "base.fields"),
        ("document.Document", "document"),
        ("document.InvalidCollectionError", "document"),
        ("queryset.QuerySet", "queryset.queryset"),
        ("queryset.Q", "queryset.visitor"),
        ("queryset.QueryFieldList", "queryset.field_list"),
        ("context_managers.query_counter", "context_managers"),
    ],
)
def test_a_class_is_of_its_public_module(path: str, module: str) -> None:
    holder, _, name = path.rpartition(".")
    found = getattr(import_module(f"mongoengine.{holder}"), name)
    assert found.__module__ == f"mongoengine.{module}"
    assert pickle.loads(pickle.dumps(found)) is found


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("fields.containers", "ListField"),
        ("base.complex_fields", "ComplexBaseField"),
        ("base.geo", "GeoJsonBaseField"),
        ("fields.text", "StringField"),
        ("fields.numbers", "IntField"),
        ("fields.misc", "SequenceField"),
        ("query.q", "Q"),
        ("_collections", "InvalidCollectionError"),
        ("query_counter", "query_counter"),
    ],
)
def test_a_pickle_of_an_earlier_version_loads(old: str, name: str) -> None:
    stored = f"cmongoengine.{old}\n{name}\n.".encode()
    assert pickle.loads(stored).__name__ == name


@pytest.mark.parametrize("old", sorted(_MOVED))
def test_a_module_of_an_earlier_version_can_be_imported(old: str) -> None:
    found = import_module(f"mongoengine.{old}")
    moved = import_module(f"mongoengine.{_MOVED[old]}")
    for name in moved.__all__ if hasattr(moved, "__all__") else ():
        assert getattr(found, name) is getattr(moved, name)


def test_a_query_is_pickled_by_its_public_module() -> None:
    stored = pickle.dumps(mongoengine.Q(a=1))
    assert b"mongoengine.queryset.visitor" in stored
    assert pickle.loads(stored).query == {"a": 1}


@pytest.mark.parametrize(
    "module",
    [
        "base",
        "common",
        "connection",
        "context_managers",
        "dereference",
        "document",
        "errors",
        "fields",
        "mongodb_support",
        "pymongo_support",
        "queryset",
        "signals",
    ],
)
def test_a_module_is_an_attribute_of_the_package(module: str) -> None:
    code = f"import mongoengine; print(mongoengine.{module}.__name__)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == f"mongoengine.{module}"
