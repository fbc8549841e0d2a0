"""Plain data: what needs no conversion, and what documents may be hidden in."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, TypeGuard

from bson import DBRef

from mongoengine.base.bson_types import PLAIN, UNCHANGED, UNNESTED
from mongoengine.base.items import stored_values
from mongoengine.base.state import set_state
from mongoengine.base.tracked import BaseDict, BaseList
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import PythonValue, RawMapping

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = (
    "adopt",
    "copied",
    "documents_refer",
    "has_references",
    "holds_documents",
    "is_document",
    "is_document_class",
    "is_embedded",
    "is_embedded_class",
    "is_plain",
    "refers",
    "shows_references",
)


def adopt(parent: object, value: object) -> None:
    """Make a document the parent of embedded ones, alone or in a list."""
    if isinstance(value, (list, tuple)):
        if UNNESTED.issuperset(map(type, value)):
            return
        proxy = None
        for item in value:
            if isinstance(item, ChangeTracking) and not item._is_document:
                if proxy is None:
                    proxy = weakref.proxy(parent)
                set_state(item, "_instance", proxy)
    elif isinstance(value, ChangeTracking) and not value._is_document:
        set_state(value, "_instance", weakref.proxy(parent))


def has_references(value: object) -> bool:
    """Return whether plain data holds documents or references, at any depth.

    That is a DBRef, a document, or a dict with `_cls` (an embedded document or a
    generic reference).
    """
    # A loop takes half the time of a set of the types where items are few, and `type()`
    # takes less than `__class__` where their types differ.
    if isinstance(value, dict):
        if "_cls" in value or "_ref" in value:
            return True
        items: PythonValue = dict.values(value)
    else:
        items = stored_values(value) if isinstance(value, BaseList) else value
    for item in items:
        item_type = type(item)
        if item_type in PLAIN:
            continue
        if item_type is list:
            for inner in item:
                if type(inner) not in PLAIN:
                    break
            else:
                continue
        if (
            item_type is dict
            or item_type is list
            or isinstance(item, (dict, list, tuple))
        ):
            if has_references(item):
                return True
        elif isinstance(item, (DBRef, ChangeTracking)):
            return True
    return False


def refers(value: object) -> bool:
    """Return whether a value is a document or a reference, or has one in it."""
    if isinstance(value, (dict, list, tuple)):
        return has_references(value)
    return isinstance(value, (DBRef, ChangeTracking))


def documents_refer(documents: Iterable[RawMapping]) -> bool:
    """Do as `has_references` for raw embedded documents.

    Three levels are searched here, since a call costs as much as a level.
    """
    for document in documents:
        if "_cls" in document or "_ref" in document:
            return True
        for value in document.values():
            if type(value) in PLAIN:
                continue
            if type(value) is dict:
                if "_cls" in value or "_ref" in value:
                    return True
                items: Iterable[object] = value.values()
            elif type(value) is list:
                items = value
            elif refers(value):
                return True
            else:
                continue
            for item in items:
                if type(item) in PLAIN:
                    continue
                if type(item) is not list:
                    if refers(item):
                        return True
                    continue
                for inner in item:
                    if type(inner) not in PLAIN and refers(inner):
                        return True
    return False


def shows_references(field: Any) -> bool:
    """Return whether `has_references` finds every reference in a raw value of a field.

    Not those of reference fields, of which the value may be a mere key.
    """
    waiting, seen = [field], set()
    while waiting:
        field = waiting.pop()
        if field._is_container:
            if field._user_converted:
                return False
            if field._inner is not None:
                waiting.append(field._inner)
            continue
        cls = field._embedded_class
        if cls is not None and not cls._dynamic:
            if cls not in seen:
                seen.add(cls)
                waiting += cls._schema.fields.values()
        elif (
            field._is_reference
            or field._is_followed
            or field._holds_references()
            or field._embedded_holds_references()
        ):
            return False
    return True


DICTS: frozenset[type] = frozenset({dict, BaseDict})
LISTS: frozenset[type] = frozenset({list, BaseList})


def is_plain(value: Any) -> bool:
    """Return whether a list or dict is stored as it is: plain data at any depth."""
    if value.__class__ is dict:
        if "_cls" in value or "_ref" in value:
            return False
        items: Iterable[Any] = value.values()
    elif value.__class__ is list:
        items = value
    else:
        return False
    for item in items:
        item_type = type(item)
        if item_type in UNCHANGED:
            continue
        if item_type is list:
            for inner in item:
                if type(inner) not in UNCHANGED:
                    break
            else:
                continue
        if not is_plain(item):
            return False
    return True


def copied(value: PythonValue) -> Any:
    """Return a copy of plain lists and dicts, None where something else is in them."""
    # Lists inside are short: a loop takes half the time of a set of their types.
    value_type = type(value)
    copy: Any
    if value_type is dict or value_type in DICTS:
        if "_cls" in value or "_ref" in value:
            return None
        # `dict.copy` would ask the methods of a tracked dict.
        copy = {**value} if value_type is dict else dict(dict.items(value))
        places: Iterable[tuple[Any, PythonValue]] = copy.items()
    elif value_type is list or value_type in LISTS:
        copy = list.copy(value)
        if UNCHANGED.issuperset(map(type, copy)):
            return copy
        places = enumerate(copy)
    else:
        return None
    for place, item in places:
        item_type = type(item)
        if item_type in UNCHANGED:
            continue
        if item_type is list:
            for inner in item:
                if type(inner) not in UNCHANGED:
                    break
            else:
                copy[place] = item[:]
                continue
        inner = copied(item)
        if inner is None:
            return None
        copy[place] = inner
    return copy


def holds_documents(value: PythonValue) -> bool:
    """Return whether a value is, or has in it, an embedded document."""
    if isinstance(value, (list, tuple, dict)):
        item: Any
        for item in stored_values(value):
            item_type = type(item)
            if item_type in UNNESTED or (
                item_type is list and UNNESTED.issuperset(map(type, item))
            ):
                continue
            if holds_documents(item):
                return True
        return False
    return is_embedded(value)


def is_document(value: object) -> TypeGuard[Any]:
    """Return whether a value is a document of a collection."""
    return isinstance(value, ChangeTracking) and value._is_document


def is_embedded(value: object) -> TypeGuard[Any]:
    """Return whether a value is an embedded document."""
    return isinstance(value, ChangeTracking) and not value._is_document


def is_document_class(value: object) -> bool:
    """Return whether a value is a class of documents of a collection."""
    return (
        isinstance(value, type)
        and issubclass(value, ChangeTracking)
        and value._is_document
    )


def is_embedded_class(value: object) -> bool:
    """Return whether a value is a class of embedded documents."""
    return (
        isinstance(value, type)
        and issubclass(value, ChangeTracking)
        and not value._is_document
    )
