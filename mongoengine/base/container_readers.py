"""Read fields of lists and dicts: tracked containers of raw values.

Each function is made for one field, with code of its own (see `specialised`).  What is
simple is done in it without a call: values that need no conversion and hold no
references.  It leaves all else to the methods of the field.
"""

from __future__ import annotations

from typing import Any
from weakref import proxy

from mongoengine.base.bson_types import PLAIN
from mongoengine.base.embedded_list import EmbeddedDocumentList
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

__all__ = ("container_reader", "first_reader")

TRACKED = frozenset({BaseList, BaseDict, EmbeddedDocumentList})


def container_reader(field: Any) -> Reader:
    """Return the function that reads a field of lists or dicts."""
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
                set_state(instance, "_values", {name: value})
            else:
                instance._values[name] = value
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
    if field._may_refer or field.field is None or not field._loads_inside:
        return lambda instance: MISSING
    return specialised(_typed_reader(field))


def _untyped_reader(field: Any) -> Reader:
    """Return the function for values of any types, at whatever depth."""
    name, key = field.name, field.db_field

    def read_untyped(instance: Instance) -> PythonValue:
        raw = instance._raw
        value = None if raw is None else raw.get(key)
        flat = True
        if type(value) is dict:
            if "_cls" in value or "_ref" in value:
                return MISSING
            for item in value.values():
                if type(item) not in PLAIN:
                    flat = False
                    if has_references(value):
                        return MISSING
                    break
            tracked: Any = new_tracked_dict(value, proxy(instance), name, True, flat)
        elif type(value) is list:
            for item in value:
                if type(item) not in PLAIN:
                    flat = False
                    if has_references(value):
                        return MISSING
                    break
            tracked = new_tracked_list(value, proxy(instance), name, True, flat)
        else:
            return MISSING
        return tracked

    return read_untyped


def _typed_reader(field: Any) -> Reader:
    """Return the function for values whose items all have one field."""
    name, key = field.name, field.db_field
    unchanged, loads_as_it_is = field.field._loads_unchanged, field._loads_as_it_is
    # Lists or dicts among the items are to be tracked, too.
    flat_types = unchanged if unchanged <= PLAIN else frozenset()
    list_class = field._list_class()

    def read_typed(instance: Instance) -> PythonValue:
        raw = instance._raw
        value = None if raw is None else raw.get(key)
        if type(value) is list:
            flat = flat_types.issuperset(map(type, value))
            if not (flat or loads_as_it_is(value)):
                return MISSING
            if list_class is BaseList:
                tracked: Any = new_tracked_list(
                    value, proxy(instance), name, True, flat
                )
            else:
                tracked = list_class(value, instance, name)
                tracked._dereferenced = True
        elif type(value) is dict:
            flat = flat_types.issuperset(map(type, value.values()))
            if not (flat or loads_as_it_is(value)):
                return MISSING
            tracked = new_tracked_dict(value, proxy(instance), name, True, flat)
        else:
            return MISSING
        return tracked

    return read_typed
