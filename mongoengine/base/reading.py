"""Fields as attributes of documents: what Python calls to read one.

A field is a `property` whose function reads that one field.  So Python finds it without
calling a method of the field, which would have to look up the field's name and hints
every time, and the function meets documents of one class, which makes it quicker from
CPython 3.11 on (see `specialised`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.types import Instance, PassedOn, PythonValue
from mongoengine.base.utils import specialised

__all__ = ("Attribute", "Reader", "reader_of", "scalar_reader")

#: Returns the value of a field of a document.
Reader = Callable[[Any], Any]

if TYPE_CHECKING:
    from typing_extensions import Self

    _Property = object
else:
    _Property = property


class Attribute(_Property):
    """An attribute of documents that is read by a function; the base of fields.

    The class of the documents gives the field itself.
    """

    if TYPE_CHECKING:

        def _read(self, instance: Instance) -> PythonValue: ...

    else:
        # Type checkers take the types of a field from its `__init__`.
        def __new__(cls, *args: PassedOn, **options: PassedOn) -> Self:
            field = super().__new__(cls)
            # Until the class of the documents is complete.
            field._read_with(field._read)
            return field

    def _read_with(self, reader: Reader) -> None:
        """Have the attribute be read by a function of the document."""
        own = vars(self)
        doc = own.get("__doc__", MISSING)
        if not TYPE_CHECKING:
            property.__init__(self, reader)
        # It has put the text of the function there.
        own.pop("__doc__", None)
        if doc is not MISSING:
            own["__doc__"] = doc

    def __reduce__(self) -> tuple[object, ...]:
        # As other objects are copied; a property cannot be.
        state = getattr(self, "__getstate__", None)
        return _new, (type(self),), vars(self) if state is None else state()


def _new(cls: type[Attribute]) -> Attribute:
    attribute: Attribute = cls.__new__(cls)
    return attribute


def reader_of(field: Any) -> Reader:
    """Return the function that reads a field whose value needs no more than that."""
    name, key, unchanged = field.name, field.db_field, field._loads_unchanged
    if len(unchanged) == 1:
        (only,) = unchanged

        def read_only(instance: Instance) -> PythonValue:
            try:
                values = instance._values
                if values is not EMPTY and name in values:
                    return values[name]
                value = instance._raw[key]
                if type(value) is only:
                    return value
            except (KeyError, TypeError):
                pass  # a key that is not stored, a document that was not loaded
            return instance._touch(field)

        return specialised(read_only)

    def read(instance: Instance) -> PythonValue:
        try:
            values = instance._values
            if values is not EMPTY and name in values:
                return values[name]
            value = instance._raw[key]
            if type(value) in unchanged:
                return value
        except (KeyError, TypeError):
            pass  # a key that is not stored, a document that was not loaded
        return instance._touch(field)

    return specialised(read)


def scalar_reader(field: Any) -> Reader:
    """Return the function that reads a field of scalars that have to be converted."""
    name, key = field.name, field.db_field
    types, convert = field._loads_scalars, field._convert

    def read_scalar(instance: Instance) -> PythonValue:
        values = instance._values
        if values is not EMPTY and name in values:
            return values[name]
        raw = instance._raw
        if raw is not None and key in raw:
            value = raw[key]
            if type(value) in types:
                value = convert(value)
                if value is not None:
                    if instance._values is not EMPTY:
                        instance._values[name] = value
                    elif instance._dynamic:
                        set_state(instance, "_values", {name: value})
                    else:
                        instance._values = {name: value}
                    return value
        return instance._touch(field)

    return specialised(read_scalar)
