"""The registry of document classes, and finding a class of the package by name."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import mongoengine.base
from mongoengine import Document, EmbeddedDocument, StringField
from mongoengine.base import _DocumentRegistry, common
from mongoengine.base.utils import LazyRegexCompiler, NonOrderedList
from mongoengine.common import _import_class
from mongoengine.errors import NotRegistered


class RegistryAnimal(Document):
    meta = {"allow_inheritance": True}


class RegistryDog(RegistryAnimal):
    pass


@pytest.fixture
def registry() -> Iterator[Any]:
    """The live mapping, restored afterwards."""
    classes = common._classes
    before = dict(classes)
    yield classes
    classes.clear()
    classes.update(before)


def test_classes_are_registered_by_their_full_name() -> None:
    assert _DocumentRegistry.get("RegistryAnimal") is RegistryAnimal
    assert _DocumentRegistry.get("RegistryAnimal.RegistryDog") is RegistryDog


@pytest.mark.parametrize("name", ["RegistryDog", "Elsewhere.RegistryDog"])
def test_the_last_name_is_enough(name: str) -> None:
    assert _DocumentRegistry.get(name) is RegistryDog


def test_an_unknown_name_is_told(registry: Any) -> None:
    text = (
        "`Nobody` has not been registered in the document registry.\n"
        "            Importing the document class automatically registers it, has it\n"
        "            been imported?"
    )
    with pytest.raises(NotRegistered, match=re.escape(text)):
        _DocumentRegistry.get("Nobody")


def test_a_last_name_of_two_classes_is_nobodys(registry: Any) -> None:
    class RegistryOther(Document):
        meta = {"allow_inheritance": True}

    registry["RegistryOther.RegistryDog"] = RegistryOther
    with pytest.raises(NotRegistered):
        _DocumentRegistry.get("RegistryDog")


def test_classes_can_be_forgotten(registry: Any) -> None:
    _DocumentRegistry.unregister("RegistryAnimal.RegistryDog")
    with pytest.raises(NotRegistered):
        _DocumentRegistry.get("RegistryDog")
    with pytest.raises(KeyError):
        _DocumentRegistry.unregister("RegistryAnimal.RegistryDog")


def define(module: str, base: type = Document) -> type:
    body: dict[str, Any] = {"name": StringField(), "__module__": module}
    return type(base)("RegistryTwice", (base,), body)


@pytest.mark.parametrize("base", [Document, EmbeddedDocument])
def test_one_name_in_two_modules_warns(registry: Any, base: type) -> None:
    define("here", base)
    text = (
        "Multiple Document classes named `RegistryTwice` were registered, first from: "
        "`here`, then from: `there`. this may lead to unexpected behavior during "
        "dereferencing."
    )
    with pytest.warns(UserWarning, match=re.escape(text)) as caught:
        second = define("there", base)
    assert caught[0].filename == __file__
    assert _DocumentRegistry.get("RegistryTwice") is second


def test_one_name_in_one_module_is_silent(registry: Any) -> None:
    define("here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        define("here")


@pytest.mark.parametrize("module", [mongoengine.base, common])
def test_get_document_is_deprecated(module: Any) -> None:
    with pytest.warns(DeprecationWarning, match="_DocumentRegistry") as caught:
        assert module.get_document("RegistryDog") is RegistryDog
    assert caught[0].filename == __file__


@pytest.mark.parametrize("module", [mongoengine.base, common])
def test_the_registry_is_a_live_mapping(module: Any, registry: Any) -> None:
    with pytest.warns(DeprecationWarning, match="_DocumentRegistry"):
        classes = module._document_registry
    assert classes["RegistryAnimal.RegistryDog"] is RegistryDog
    del classes["RegistryAnimal.RegistryDog"]
    with pytest.raises(NotRegistered):
        _DocumentRegistry.get("RegistryDog")


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        common.nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name", ["Document", "EmbeddedDocument", "BaseDocument", "BaseField", "ListField"]
)
def test_classes_of_the_package_are_found_by_name(name: str) -> None:
    assert _import_class(name).__name__ == name


def test_other_classes_of_the_package_are_not() -> None:
    with pytest.raises(ValueError, match="No import set for: Nothing"):
        _import_class("Nothing")


def test_patterns_are_compiled_when_they_are_read() -> None:
    class Holder:
        pattern = LazyRegexCompiler(r"^a+$", flags=re.IGNORECASE)

    assert Holder.pattern.match("AAA")
    assert Holder().pattern is Holder.pattern
    with pytest.raises(AttributeError, match="Can not set attribute LazyRegexCompiler"):
        Holder().pattern = re.compile("b")


def test_lists_may_be_compared_without_order() -> None:
    assert NonOrderedList([("a", 1), ("b", 2)]) == [("b", 2), ("a", 1)]
    assert NonOrderedList([1, 1, 2]) != [1, 2, 2]
    assert NonOrderedList([1]) != (1,)
