"""Fields as attributes of documents: what Python calls to read one.

A value that has been read before, and one that needs no conversion, is returned by
`Attribute.__get__` itself.  A field may have a function for all others, which is made
for that field alone, and so knows its name and hints without looking them up.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.types import Instance, PassedOn, PythonValue
from mongoengine.base.utils import is_library_class, specialised

__all__ = ("Attribute", "Reader", "scalar_reader")

#: Returns the value of a field of a document.
Reader = Callable[[Any], Any]

if TYPE_CHECKING:
    from typing_extensions import Self


class Attribute:
    """An attribute of documents; the base of fields.

    The class of the documents gives the field itself.  It is no `property`, though
    Python reads those quicker: packages that look for fields leave properties out.
    """

    if TYPE_CHECKING:
        name: str
        db_field: str
        _loads_unchanged: frozenset[type]
        _read_as: str
        _read_from: str
        _read_unchanged: type | None
        _reads: Reader

        def _read(self, instance: Instance) -> PythonValue: ...

    else:
        # Not among the attributes of a field, which are copied and pickled.
        __slots__ = ("_read_as", "_read_from", "_read_unchanged", "_reads")

        # Type checkers take the types of a field from its `__init__`.
        def __new__(cls, *args: PassedOn, **options: PassedOn) -> Self:
            field = super().__new__(cls)
            # Until the class of the documents is complete.
            field._reads = field._read
            return field

        def __get__(self, instance: Instance, owner: object = None) -> PythonValue:
            try:
                values = instance._values
                if values is not EMPTY:
                    name = self._read_as
                    if name in values:
                        return values[name]
                value = instance._raw[self._read_from]
                if (
                    type(value) is self._read_unchanged
                    or type(value) in self._loads_unchanged
                ):
                    return value
            except (AttributeError, KeyError, TypeError):
                # A key that is not stored, a document that was not loaded.
                if instance is None:
                    return self
            return self._reads(instance)

    def _read_with(self, reader: Reader) -> None:
        """Have a function read the values that have to be converted."""
        # A slot is read more quickly than an attribute in a large `__dict__`.
        self._read_as, self._read_from = self.name, self.db_field
        # One comparison does for fields whose raw values all have one type.
        self._read_unchanged = next(iter(self._loads_unchanged), None)
        self._reads = reader

    def __init_subclass__(cls, **options: PassedOn) -> None:
        super().__init_subclass__(**options)
        # Each with code of its own, which CPython adapts to the class: see
        # `specialised`.  Classes of users may be patched, and have other bases.
        inherited = getattr(cls, "__get__", None)
        if isinstance(inherited, FunctionType) and is_library_class(cls):
            setattr(cls, "__get__", specialised(inherited))  # noqa: B010

    def __reduce__(self) -> tuple[object, ...]:
        state = getattr(self, "__getstate__", None)
        return _new, (type(self),), vars(self) if state is None else state()


def _new(cls: type[Attribute]) -> Attribute:
    attribute: Attribute = cls.__new__(cls)
    return attribute


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
                    if instance._values is EMPTY:
                        # As `_keep` does: there is no call between the test and this.
                        set_state(instance, "_values", {name: value})
                        return value
                    return instance._values.setdefault(name, value)
        return instance._touch(field)

    return specialised(read_scalar)
