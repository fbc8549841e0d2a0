"""Modules that are imported when one of their functions is first used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import FunctionType
from typing import Any
from unittest import mock

import pytest

from mongoengine import Document, StringField
from mongoengine.driver.deferred import Deferred, deferrable, deferring, place
from mongoengine.operations.save import save

PROGRAM = """
import sys
from mongoengine import *

class Book(Document):
    title = StringField()

loaded = {name.partition("mongoengine.operations.")[2] for name in sys.modules}
assert not loaded & {"save", "read", "bulk", "gridfs", "watch", "insert"}, loaded
assert "save" in Book.save.__name__
assert "mongoengine.operations.save" in sys.modules
assert "mongoengine.operations.bulk" not in sys.modules
"""


class Example:
    pass


def test_operations_are_imported_when_they_are_used() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_a_face_is_a_function_named_for_its_class() -> None:
    face: Any = Document.save
    assert isinstance(face, FunctionType)
    assert (face.__module__, face.__qualname__) == (
        "mongoengine.document",
        "Document.save",
    )
    assert face.__doc__ == save.__doc__
    assert list(inspect.signature(face).parameters)[:2] == ["self", "force_insert"]


def test_a_deferred_member_is_made_once() -> None:
    made: list[object] = []

    def load() -> Any:
        made.append(None)
        return lambda self: len(made)

    place(Example, "once", Deferred(load))
    example: Any = Example()
    assert (example.once(), example.once()) == (1, 1)
    assert isinstance(vars(Example)["once"], FunctionType)


def test_a_subclass_reads_a_deferred_member_of_its_base() -> None:
    place(Example, "inherited", Deferred(lambda: lambda self: type(self).__name__))

    class Special(Example):
        def inherited(self) -> Any:
            return super().inherited()  # type: ignore[misc]

    assert Special().inherited() == "Special"
    assert "inherited" in vars(Example)


def test_a_deferred_member_can_be_patched_before_it_is_made() -> None:
    place(Example, "patched", Deferred(lambda: lambda self: "original"))
    example: Any = Example()
    with mock.patch.object(Example, "patched", lambda self: "patch"):
        assert example.patched() == "patch"
    assert example.patched() == "original"


def test_what_is_made_of_a_deferred_function_is_deferred() -> None:
    as_class_method = deferrable(classmethod)
    place(Example, "named", as_class_method(Deferred(lambda: lambda cls: cls.__name__)))
    example: Any = Example
    assert example.named() == "Example"


def test_a_deferred_module_is_imported_where_a_function_uses_it() -> None:
    get: Any = deferring("mongoengine.cli", "validate")
    assert get("validate").__name__ == "mongoengine.cli.validate"


def test_an_attribute_of_a_deferred_module_can_be_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deferred: Any = deferring("mongoengine.query", "events")("events")
    monkeypatch.setattr(deferred, "OF_DOCUMENTS", ())
    from mongoengine.query import events

    assert events.OF_DOCUMENTS == ()


def test_another_name_of_a_package_with_deferred_modules_is_an_error() -> None:
    with pytest.raises(ImportError, match="nothing_such"):
        from mongoengine.operations import nothing_such  # noqa: F401


def test_classes_inherit_deferred_operations() -> None:
    class Book(Document):
        title = StringField()

    assert Book.save is Document.save


def test_no_function_takes_what_is_deferred_by_default() -> None:
    subprocess.run([sys.executable, "-c", DEFAULTS], check=True)


#: Functions of classes are made while their modules are imported, and so are defaults.
DEFAULTS = """
import gc, types
import mongoengine
from mongoengine.driver.deferred import Deferred

functions = [
    o for o in gc.get_objects()
    if isinstance(o, types.FunctionType) and str(o.__module__).startswith("mongoengine")
]
defaults = [
    (function.__qualname__, value)
    for function in functions
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
]
assert defaults
assert not [name for name, value in defaults if isinstance(value, Deferred)]
"""
