"""Hints that loading, dumping and validating may rely on for a field.

The classes of fields give hints: types whose values a method returns as they are, tests
of raw values.  A hint holds as long as no subclass redefines the method that it is
about; a user's own field class needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar

from mongoengine.base.bson_types import NO_TYPES, PLAIN, UNNESTED
from mongoengine.base.codec import Dump, FieldCodec, Proof, each_of_type, of_type
from mongoengine.base.overrides import library_methods, plain_methods, still_true
from mongoengine.base.plain import adopt
from mongoengine.base.reading import Reader, scalar_reader
from mongoengine.base.tracked import TrackedContainer
from mongoengine.base.tracking import Marks, take_marks_inside
from mongoengine.base.types import Convert, Instance, PythonValue, RawValue
from mongoengine.driver.records import Record
from mongoengine.errors import ValidationError

if TYPE_CHECKING:
    from mongoengine.base.state import DocumentState


__all__ = ("Argument", "FieldHints")


class Argument(Record):
    """The values of a field that constructors take without asking the field."""

    #: Values of these types are put in place as they are.
    types: frozenset[type]
    #: Returns the copy of another value, or None where the field has to be asked.
    copy: Convert | None
    #: Embedded documents of exactly this class are put in place.
    embedded: Any
    #: Lists of embedded documents of exactly this class are copied.
    items: Any


class FieldHints:
    """The part of a field that tells what need not be done for its values."""

    # What the schema may skip; see docs/explanation/internals.rst.
    _load_as: ClassVar[frozenset[type]] = NO_TYPES
    _dump_as: ClassVar[frozenset[type]] = NO_TYPES
    _valid_types: ClassVar[frozenset[type]] = NO_TYPES
    _load_can_fail: ClassVar[bool] = False
    # Types of raw values that `to_python` converts to other scalars.
    _loads_scalars: ClassVar[frozenset[type]] = NO_TYPES
    # What `_prepare` makes of them for one field.
    _loads_unchanged: frozenset[type] = NO_TYPES
    _dumps_unchanged: frozenset[type] = NO_TYPES
    _surely_valid: frozenset[type] = NO_TYPES
    # Values that assigning puts in place, though the class has its own `__set__`.
    _put_unchanged: frozenset[type] = NO_TYPES
    _user_converted: bool = False
    _plainly_set: bool = True
    _may_refer: bool = True
    # Lists or dicts of values of any kind, at whatever depth.
    _untyped: bool = False
    # Lists and dicts load as lists and dicts of their items, each loaded by itself.
    _loads_inside: bool = False
    # A class that has this: assigning what `to_python` returns only puts it in place.
    _sets_converted: ClassVar[bool]
    # `_items_from_raw` does what `to_python` would.
    _converts_items: bool = False
    # `to_mongo(to_python(raw))` depends on nothing but the raw value.
    _is_pure: ClassVar[bool] = False
    # Values are embedded documents that the methods of their class make and dump.
    _made_directly: bool = False
    # What is inside a value is dumped the same way alone as with the value.
    _dumps_inside: bool = False
    _convert: Convert
    _take: Callable[[Any, Any], Any]
    _dump_value: Convert

    if TYPE_CHECKING:
        name: str
        db_field: str
        choices: Any
        validation: Any
        _dereferences: bool | None

        def _read(self, instance: Instance) -> PythonValue: ...
        def to_python(self, value: RawValue) -> PythonValue: ...
        def to_mongo(self, value: PythonValue) -> RawValue: ...
        def _to_mongo_safe_call(self, value: object) -> RawValue: ...
        def validate(self, value: PythonValue) -> None: ...
        def _validate(self, value: object) -> None: ...
        def _holds_references(self) -> bool: ...
        def _is_unconstrained(self) -> bool: ...

        _is_container: ClassVar[bool]

        # Do as `to_mongo`; not every class of fields has it.
        def _as_stored(self, value: PythonValue) -> RawValue: ...

    def _prepare(self) -> None:
        """Work out what the hints of the class are worth for this field.

        They hold where no subclass redefines the method that they are about.  The
        schema of a class calls it for each field before it asks the field anything.
        """
        cls = type(self)
        if self._dereferences is None:
            self._dereferences = True
        # A user's field may have one inside, too.
        inner = getattr(self, "field", None)
        if inner is not None:
            inner._prepare()
        loads = still_true(cls, "_load_as", "to_python")
        self._loads_unchanged = cls._load_as if loads else NO_TYPES
        dumps = still_true(cls, "_dump_as", "to_mongo")
        self._dumps_unchanged = cls._dump_as if dumps else NO_TYPES
        unconstrained = (
            not self.choices
            and self.validation is None
            and still_true(cls, "_valid_types", "validate", "_validate")
            and self._is_unconstrained()
        )
        self._surely_valid = cls._valid_types if unconstrained else NO_TYPES
        quick = still_true(cls, "_from_raw", "to_python")
        self._convert = self._from_raw if quick else self.to_python
        takes = still_true(cls, "_from_argument", "to_python")
        self._take = (
            self._from_argument
            if takes
            else MethodType(FieldHints._from_argument, self)
        )
        self._converts_items = still_true(cls, "_items_from_raw", "to_python")
        self._dump_value = self._choose_dump(cls)
        self._user_converted = not library_methods(cls, "to_python") or (
            inner is not None and inner._user_converted
        )
        self._may_refer = self._holds_references()
        if not plain_methods(cls):
            self._dumps_inside = False
            # The class knows nothing of what user code makes of values.
            self._wire = MethodType(FieldHints._wire, self)  # type: ignore[method-assign]
        self._plainly_set = library_methods(cls, "__set__", "__get__")

    def _reader(self) -> Reader:
        """Return the function that reads values that have to be converted."""
        if self._loads_scalars and still_true(
            type(self), "_loads_scalars", "to_python", "_from_raw"
        ):
            return scalar_reader(self)
        return self._read

    def _choose_dump(self, cls: type[FieldHints]) -> Convert:
        """Return the function that dumps whole values by their database names."""
        if not library_methods(cls, "to_mongo"):
            return self._to_mongo_safe_call
        quick = still_true(cls, "_as_stored", "to_mongo")
        return self._as_stored if quick else self.to_mongo

    def _wire(self, value: object, marks: Marks) -> RawValue:
        """Dump a value to be encoded at once and not kept.

        :param marks: the marks of embedded documents in it are moved there.
        """
        take_marks_inside((value,), marks)
        return self.to_mongo(value)

    def _wirer(self) -> Callable[[Any, Marks], RawValue]:
        """Return `_wire`, or a quicker function that does the same."""
        if not self._is_pure or self._is_container or not plain_methods(type(self)):
            return self._wire
        dump = self._dump_value
        return lambda value, marks: dump(value)

    def _dumper(self) -> Convert:
        """Return `_dump_value`, or a quicker function that does the same."""
        return self._dump_value

    def _dumps_here(self) -> bool:
        """Return whether `_as_stored` of the class dumps values."""
        return self._dump_value == getattr(self, "_as_stored", None)

    def _codec(self, cls: object) -> FieldCodec:
        """Return how values of the field are converted in documents of `cls`."""
        return FieldCodec(
            self._loads_unchanged,
            self._dumps_unchanged,
            self._loads_unchanged & self._surely_valid,
            self._convert,
            self._raw_dumper() if plain_methods(type(self)) else None,
            self._usable_validator(),
        )

    def _usable_validator(self) -> Proof | None:
        """Return a test that is true of valid raw values, or None."""
        cls = type(self)
        if (
            self.validation is not None
            or not plain_methods(cls)
            or not library_methods(cls, "validate", "_validate")
        ):
            return None
        if self.choices and not self._is_pure:
            return None
        return self._raw_validator() or self._passing_validation()

    def _value_validator(self) -> Proof | None:
        """Return a test that is true of valid converted values, or None."""
        unchanged, proof = self._loads_unchanged, self._usable_validator()
        if proof is None:
            return None
        if not self._is_pure:
            if not unchanged:
                return None
            return lambda value: value.__class__ in unchanged and proof(value)
        validate = self._validate if self.choices else self.validate

        def valid(value: object) -> bool:
            if value.__class__ in unchanged:
                return proof(value)
            try:
                validate(value)
            except (ValidationError, ValueError, AttributeError, AssertionError):
                return False
            return True

        return valid

    def _is_validated_here(self) -> bool:
        """Return whether the class of the field alone decides what is valid."""
        cls = type(self)
        return (
            not self.choices
            and self.validation is None
            and library_methods(cls, "validate", "_validate")
        )

    def _passing_validation(self) -> Proof | None:
        """Return a test that calls `validate`, for fields without user code."""
        pure, unchanged = self._is_pure, self._loads_unchanged
        if not (pure or unchanged):
            return None
        convert = self._convert
        validate = self._validate if self.choices else self.validate
        quick = self._quick_choices() if self.choices else NO_TYPES

        def valid(raw: object) -> bool:
            if type(raw) in quick and raw in self.choices:
                return True
            if raw.__class__ not in unchanged:
                if not pure:
                    return False
                raw = convert(raw)
            try:
                validate(raw)
            except (ValidationError, ValueError, AttributeError, AssertionError):
                return False
            return True

        return valid

    def _quick_choices(self) -> frozenset[type]:
        """Return types of which a value is valid if it is one of the choices."""
        cls = type(self)
        if (
            not isinstance(self.choices, (list, tuple))
            or isinstance(self.choices[0], (list, tuple))
            or not still_true(cls, "_valid_types", "validate", "_validate")
            or not self._is_unconstrained()
        ):
            return NO_TYPES
        return self._loads_unchanged & cls._valid_types & PLAIN

    def _from_argument(
        self, value: PythonValue, document: DocumentState
    ) -> PythonValue:
        """Return what the constructor of a document puts in place for a value.

        Lists and dicts are copied: the caller keeps its own.
        """
        value = self.to_python(value)
        if value.__class__ not in UNNESTED:
            if isinstance(value, TrackedContainer):
                value = value._bound_to(document, self.name)
            adopt(document, value)
        return value

    def _argument(self) -> Argument:
        """Return which values the constructor of a document takes at once.

        It does with them the same as `_take`.
        """
        types = self._loads_unchanged
        if not still_true(type(self), "_keeps_any_value", "to_python"):
            return Argument(types, None, None, None)
        return Argument(types | (PLAIN - {type(None)}), None, None, None)

    def _takes_here(self) -> bool:
        """Return whether `_from_argument` of the class converts arguments."""
        return self._take == self._from_argument

    def _loads_as_it_is(self, value: PythonValue) -> bool:
        """Return whether `to_python` gives a raw value back, or an equal copy."""
        return value.__class__ in self._loads_unchanged

    def _from_raw(self, value: object) -> PythonValue:
        """Do as `to_python`; nobody else holds the value, so that it may be kept."""
        return self.to_python(value)

    def _convert_items(self, items: list[PythonValue]) -> list[PythonValue]:
        """Convert the items of a list, of which this is the field."""
        if self._converts_items:
            return self._items_from_raw(items)
        to_python = self.to_python
        return [to_python(item) for item in items]

    def _items_from_raw(self, items: list[PythonValue]) -> list[PythonValue]:
        """Do as `to_python` for each item of a list."""
        return [self.to_python(item) for item in items]

    def _raw_dumper(self) -> Dump | None:
        """Return a function from a raw value to its dump, None where it cannot tell.

        The function returns None where the value has to be converted.
        """
        if not self._is_pure:
            return None
        return lambda raw: self.to_mongo(self._convert(raw))

    def _load_proof(self) -> Proof | None:
        """Return a test that is true of raw values whose conversion cannot fail.

        None where no conversion can fail.
        """
        return of_type(self._loads_unchanged) if self._load_can_fail else None

    def _items_load_proof(self) -> Proof | None:
        """Return the same test for a list of raw values of the field."""
        if not self._load_can_fail:
            return None
        return each_of_type(self._loads_unchanged)

    def _raw_validator(self) -> Proof | None:
        """Return a function that is true of raw values that are surely valid."""
        return None
