"""Read fields of lists and dicts: tracked containers of raw values.

Each function is made for one field, with code of its own (see `specialised`).  What is
simple is done in it without a call: values that need no conversion and hold no
references.  It leaves all else to the methods of the field.
"""

from __future__ import annotations

from typing import Any
from weakref import proxy

from bson import DBRef

from mongoengine.base.bson_types import NO_TYPES, PLAIN
from mongoengine.base.embedded_list import EmbeddedDocumentList
from mongoengine.base.items import inner_path, stored_values
from mongoengine.base.plain import has_references
from mongoengine.base.reading import Reader
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.tracked import (
    BaseDict,
    BaseList,
    new_tracked_dict,
    new_tracked_list,
)
from mongoengine.base.types import Instance, PythonValue
from mongoengine.base.utils import specialised

__all__ = ("container_reader", "first_reader", "get_tracked")

REFERENCES = frozenset({DBRef})
TRACKED = frozenset({BaseList, BaseDict, EmbeddedDocumentList})

#: Lists and dicts of up to so many lists are made tracked ones with these.
FEW = 32

new_list, extend_list = list.__new__, list.extend
set_item, set_place = dict.__setitem__, list.__setitem__


def get_tracked(self: Any, instance: Instance, owner: object = None) -> PythonValue:
    """Read a field of lists or dicts from a document; a `__get__`."""
    try:
        values = instance._values
        name = self._read_as
        if name in values:
            value = values[name]
            if type(value) in TRACKED and value._dereferenced:
                return value
    except AttributeError:
        if instance is None:
            return self
    return self._reads(instance)


def container_reader(field: Any) -> Reader:
    """Return the function that tracks a container, and follows references in it."""
    name, read_first = field.name, field._first_reader()
    convert, track = field._converted, field._track

    def read(instance: Instance) -> PythonValue:
        values = instance._values
        if values is not EMPTY and name in values:
            value = values[name]
        else:
            value = read_first(instance)
            if value is MISSING:
                value = convert(instance)
            elif instance._values is EMPTY:
                # As `_keep` does: there is no call between the test and this.
                set_state(instance, "_values", {name: value})
            else:
                value = instance._values.setdefault(name, value)
        if type(value) in TRACKED and value._dereferenced:
            return value
        return track(instance, value)

    return specialised(read)


def first_reader(field: Any) -> Reader:
    """Return the function that makes the tracked container of an untouched raw value.

    It returns MISSING where the value needs conversion or has references.
    """
    if field._untyped:
        return specialised(_untyped_reader(field))
    inner = field.field
    if (
        inner is not None
        and inner._converts_items
        and inner._is_followed
        and field._is_list
        and field._loads_inside
        and field._list_class() is BaseList
    ):
        return specialised(_references_reader(field))
    if field._may_refer or inner is None or not field._loads_inside:
        return lambda instance: MISSING
    return specialised(_typed_reader(field))


def _untyped_reader(field: Any) -> Reader:
    """Return the function for values of any types, at whatever depth."""
    name, key = field.name, field.db_field

    def read_untyped(instance: Instance) -> PythonValue:
        raw = instance._raw
        value = None if raw is None else raw.get(key)
        if type(value) is not dict and type(value) is not list:
            return MISSING
        if type(value) is dict and ("_cls" in value or "_ref" in value):
            return MISSING
        flat = PLAIN.issuperset(map(type, stored_values(value)))
        if not flat and has_references(value):
            return MISSING
        new: Any = new_tracked_dict if type(value) is dict else new_tracked_list
        return new(value, proxy(instance), name, True, flat)

    return read_untyped


def _references_reader(field: Any) -> Reader:
    """Return the function for lists of references, which are followed later."""
    name, key, convert = field.name, field.db_field, field.field._items_from_raw

    def read_references(instance: Instance) -> PythonValue:
        raw = instance._raw
        items = None if raw is None else raw.get(key)
        if type(items) is not list:
            return MISSING
        references = convert(items)
        if not REFERENCES.issuperset(map(type, references)):
            return MISSING
        return new_tracked_list(references, proxy(instance), name, False, True)

    return read_references


def _typed_reader(field: Any) -> Reader:
    """Return the function for values whose items all have one field."""
    name, key = field.name, field.db_field
    unchanged, loads_as_it_is = field.field._loads_unchanged, field._loads_as_it_is
    # Lists or dicts among the items are to be tracked, too.
    flat_types = unchanged if unchanged <= PLAIN else frozenset()
    list_class = field._list_class()
    inner_types = _types_in_lists(field.field)

    def read_typed(instance: Instance) -> PythonValue:
        raw = instance._raw
        value: PythonValue = MISSING if raw is None else raw.get(key)
        is_list = type(value) is list
        if not is_list and type(value) is not dict:
            return MISSING
        flat = True
        for item in value if is_list else value.values():
            if type(item) not in flat_types:
                if inner_types and (list_class is BaseList or not is_list):
                    tracked = _tracked_lists(value, inner_types, instance, name)
                    if tracked is not None:
                        return tracked
                if not loads_as_it_is(value):
                    return MISSING
                flat = False
                break
        if not is_list:
            return new_tracked_dict(value, proxy(instance), name, True, flat)
        if list_class is BaseList:
            return new_tracked_list(value, proxy(instance), name, True, flat)
        tracked = list_class(value, instance, name)
        tracked._dereferenced = True
        return tracked

    return read_typed


def _tracked_lists(
    value: PythonValue, types: frozenset[type], instance: object, name: str
) -> Any:
    """Return a few short lists, in a list or dict, as tracked ones in a tracked one.

    It returns None where there is something else, or more.

    :param types: the types that the items of the lists may have.
    """
    if len(value) > FEW:
        return None
    is_dict = type(value) is dict
    for items in value.values() if is_dict else value:
        if type(items) is not list or len(items) > FEW:
            return None
        for item in items:
            if type(item) not in types:
                return None
    parent = proxy(instance)
    tracked: Any
    if is_dict:
        tracked = new_tracked_dict(value, parent, name, True, True)
    else:
        tracked = new_tracked_list(value, parent, name, True, True)
    put = set_item if is_dict else set_place
    for key, items in value.items() if is_dict else enumerate(value):
        # As `new_tracked_list`, without the call.
        inner: Any = new_list(BaseList)
        extend_list(inner, items)
        inner._instance = parent
        inner._name = inner_path(name, key) if is_dict else f"{name}.{key}"
        inner._dereferenced = True
        inner._is_bound = True
        put(tracked, key, inner)
    return tracked


def _types_in_lists(field: Any) -> frozenset[type]:
    """Return types of items that load as they are, where a field's values are lists."""
    inner = field._inner if field._is_list and field._loads_inside else None
    if inner is None or field._sorts or field._list_class() is not BaseList:
        return NO_TYPES
    types: frozenset[type] = inner._loads_unchanged & PLAIN
    return types
