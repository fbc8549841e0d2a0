"""BaseDocument: the base of documents and embedded documents.

A document that was read from the database keeps the mapping that it came from
and converts a field when it is first touched; see `mongoengine.base.schema`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from bson import SON, DBRef

from mongoengine import signals
from mongoengine.base import context, hooks
from mongoengine.base.awaiting import is_awaited
from mongoengine.base.bson_types import PLAIN, SCALARS, UNNESTED
from mongoengine.base.dynamic_plans import NO_FIELDS
from mongoengine.base.extended_json import ExtendedJson
from mongoengine.base.indexes import IndexSpecs
from mongoengine.base.loading import CONVERTED, follow_no_references
from mongoengine.base.lookup import FieldLookup
from mongoengine.base.marks import ChangedPaths
from mongoengine.base.misspelt import did_you_mean, meant_field
from mongoengine.base.plain import adopt
from mongoengine.base.schema import Schema
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import EMPTY, SLOTS, set_state, set_up
from mongoengine.base.tracked import TrackedContainer, rebind
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import (
    Instance,
    Keywords,
    PythonValue,
    RawDocument,
    RawMapping,
)
from mongoengine.base.validation import NON_FIELD_ERRORS, DocumentValidation
from mongoengine.compatibility import names_of
from mongoengine.errors import (
    FieldDoesNotExist,
    InvalidDocumentError,
    OperationError,
)

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("NON_FIELD_ERRORS", "BaseDocument")

#: Names that the constructor takes although no field has them.
_ALWAYS_ALLOWED = frozenset({"id", "pk", "_cls", "_text_score"})


class _OwnName:
    """`_cls` of a document; the class itself does not have it."""

    def __get__(self, instance: Instance, owner: Instance) -> str:
        if instance is None:
            raise AttributeError("_cls")
        name: str = owner._class_name
        return name


class BaseDocument(
    ExtendedJson, DocumentValidation, ChangeTracking, FieldLookup, IndexSpecs
):
    """A document or embedded document: its values, as attributes and as a mapping."""

    if not TYPE_CHECKING:
        __slots__ = SLOTS

    #: A class sets it to True to keep its values in a fixed set of slots.
    STRICT = False

    _cls: Any = _OwnName()
    # Only dynamic documents have a mapping of their own.
    _dynamic_fields: Any = SON()

    if TYPE_CHECKING:
        _schema: ClassVar[Schema]

        def _note_switch(self) -> None: ...
        def _begin(self) -> None: ...

    def __init__(self, *args: PythonValue, **values: PythonValue) -> None:
        if args:
            raise TypeError(
                "Instantiating a document with positional arguments is not "
                "supported. Please use `field_name=value` keyword arguments."
            )
        schema = type(self)._schema
        construct = schema.construct
        if construct is not None and construct(self, values):
            return
        if self._dynamic:
            self._begin()
        set_up(self, None, created=True, initialised=False)
        if self._is_document and (
            context.db_aliases.get() or context.collection_names.get()
        ):
            self._note_switch()
        convert = created = True
        if values and (not self._dynamic or values.get("__auto_convert") is CONVERTED):
            # Of a dynamic document they would be data, if they came from elsewhere.
            convert = values.pop("__auto_convert", True)
            created = values.pop("_created", True)
        if signals.pre_init.receivers:
            signals.send_now(
                signals.pre_init, self.__class__, document=self, values=values
            )
        places_all = schema.places_all
        if not values.keys() <= schema.fields.keys():
            self._refuse_unknown(values, created)
            places_all = False
        if places_all:
            current = self._values = {**schema.blank, **values}
        else:
            current = self._values = schema.blank.copy()
        self._set_defaults(schema, values)
        if schema.set_when_made:
            self._set_missing(schema, values)
        quick = schema.quick
        unknown = {}
        for name, value in values.items():
            if name in quick and value.__class__ in quick[name]:
                if not places_all:
                    current[name] = value
            elif name not in schema.fields and not self._is_alias(name):
                unknown[name] = value
            else:
                self._take_argument(schema, name, value, convert)
        if self._dynamic:
            set_state(self, "_dynamic_plan", NO_FIELDS)
        if unknown:
            self._take_unknown(unknown)
        if self._dynamic:
            set_state(self, "_initialised", True)
            set_state(self, "_created", created)
        else:
            self._initialised = True
            self._created = created
        if signals.post_init.receivers:
            signals.send_now(signals.post_init, self.__class__, document=self)

    def _set_defaults(self, schema: Schema, values: RawMapping) -> None:
        """Set the defaults that are made for each document, where there is no value."""
        for name, field in schema.defaults:
            if name not in values:
                self._values[name] = value = field.default()
                if not isinstance(value, SCALARS):
                    adopt(self, value)

    def _take_argument(
        self, schema: Schema, name: str, value: object, convert: bool
    ) -> None:
        """Convert an argument of the constructor and assign it."""
        field = schema.fields.get(name)
        if field and convert and value is not None and not field._keeps_argument:
            value = field.to_python(value)
            if value is not None and name in schema.placed:
                if value.__class__ not in PLAIN:
                    if isinstance(value, TrackedContainer):
                        value = value._bound_to(self, name)
                    adopt(self, value)
                self._values[name] = value
                return
        setattr(self, name, value)

    def _refuse_unknown(self, values: RawMapping, created: bool) -> None:
        if self._dynamic or not (self._meta.get("strict", True) or created):
            return
        undefined = set(values) - set(self._fields) - _ALWAYS_ALLOWED
        if undefined:
            cls = type(self)
            hint = did_you_mean({name: meant_field(cls, name) for name in undefined})
            raise FieldDoesNotExist(
                f'The fields "{undefined}" do not exist on the document '
                f'"{self._class_name}"{hint}'
            )

    def _set_missing(self, schema: Schema, values: RawMapping) -> None:
        """Assign what is not given to the fields that want to see it assigned."""
        for name in schema.set_when_made:
            if name not in values:
                setattr(self, name, getattr(self, name, None))

    def _is_alias(self, name: str) -> bool:
        """Return whether the constructor takes a name that is no field's."""
        if self._dynamic and name != "_cls" and not hasattr(type(self), name):
            return False
        return name in ("id", "pk", "_cls")

    def _take_unknown(self, values: RawMapping) -> None:
        """Keep the arguments of the constructor that no field has."""
        for name, value in values.items():
            self._put(name, value)

    def _take_value(self, name: str, value: object) -> None:
        """Set a value that another document of this class has under a name."""
        if name in self._fields or not self._dynamic:
            setattr(self, name, value)
        else:
            self._set_data(name, value)

    # The values

    @property
    def _data(self) -> RawDocument:
        """Every field's value, converted; changing it changes the document."""
        values = self._values
        named = type(self)._schema.blank
        if not values.keys() >= named.keys():
            for name in named:
                if name not in values:
                    self._touch(self._fields[name])
                    values = self._values
            if self._raw is not None:
                self._keep_unknown(self._raw)
        found: RawDocument = values
        return found

    @_data.setter
    def _data(self, values: RawDocument) -> None:
        set_state(self, "_raw", None)
        set_state(self, "_values", values)

    def _keep_unknown(self, raw: RawMapping) -> None:
        """Keep values without a field, too.

        Where the class is strict, it had one when the document was loaded.
        """
        for key in raw:
            if key != "_cls" and key not in self._reverse_db_field_map:
                self._values.setdefault(key, raw[key])

    def _touch(self, field: Any) -> PythonValue:
        """Convert a field that is not in `_values` yet, and put it there."""
        raw = self._raw
        value = None if raw is None else raw.get(field.db_field)
        if value.__class__ in field._loads_unchanged:
            return self._keep(field.name, value)
        if value is not None or field._set_when_made:
            value = field._convert(value)
        if value is None and not field.null:
            value = self._class_name if field.name == "_cls" else field.default
            if callable(value):
                value = value()
        if type(value) not in UNNESTED:
            adopt(self, value)
            if not self._auto_dereference:
                follow_no_references(value)
        return self._keep(field.name, value)

    # Other threads may read and assign the same fields.  CPython changes from one to
    # another after a call and where a loop begins again, so that a test and the
    # assignment after it are one step.

    def _put(self, name: str, value: object) -> None:
        """Put a value in place, whatever is there."""
        if self._values is EMPTY:
            set_state(self, "_values", {name: value})
        else:
            self._values[name] = value

    def _keep(self, name: str, value: PythonValue) -> PythonValue:
        """Put a value that was read in place, if there is none; return what is there.

        Two threads that read a field first get one list, to which both can append, and
        what is assigned in the meantime stays.
        """
        if self._values is EMPTY:
            set_state(self, "_values", {name: value})
            return value
        return self._values.setdefault(name, value)

    def _exchange(self, name: str, value: object, other: PythonValue) -> PythonValue:
        """Put another form of a value in its place, if it is still there.

        Return what is there.
        """
        values = self._values
        if name in values and values[name] is value:
            values[name] = other
            return other
        return values.get(name, other)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if cls.clean is not DocumentValidation.clean:
            hooks.note_hook(cls.clean, f"{cls.__name__}.clean")

    def _note_assignment(self, field: BaseField, value: object) -> bool:
        """Return whether an assignment changes a field, and note a new primary key."""
        name = field.name
        values, raw = self._values, self._raw
        current = values.get(name, MISSING)
        if current is MISSING and raw is not None:
            current = raw.get(field.db_field)
            if current.__class__ not in field._loads_unchanged:
                current = MISSING
        if current is MISSING:
            current = field._read(self)
        schema = type(self)._schema
        if name in schema.shard_key and not self._created and current != value:
            raise OperationError(f"Shard Keys are immutable. Tried to update {name}")
        if name == schema.id_name and self._created:
            set_state(self, "_created", False)
        try:
            return bool(current != value)
        except Exception:
            # Values that cannot be compared (aware and naive datetimes) differ.
            return True

    def _follows_references(self, field: BaseField) -> bool:
        return self._auto_dereference and bool(field._auto_dereference)

    def _is_awaited(self) -> bool:
        """Return whether references are for the caller to await, not to block for."""
        return is_awaited(self)

    def _value_of(self, name: str, field: object) -> PythonValue:
        """Return the value of a field, converted but not wrapped."""
        try:
            return self._values[name]
        except KeyError:
            return None if field is None else self._touch(field)

    # A document as a mapping

    def __getitem__(self, name: str) -> PythonValue:
        if name in self._fields_ordered:
            try:
                return getattr(self, name)
            except AttributeError:
                pass  # raised as a missing key below
        raise KeyError(name)

    def __setitem__(self, name: str, value: object) -> None:
        if not self._dynamic and name not in self._fields:
            raise KeyError(name)
        setattr(self, name, value)

    def __contains__(self, name: str) -> bool:
        try:
            return getattr(self, name) is not None
        except AttributeError:
            return False

    def __len__(self) -> int:
        return len(self._fields.keys() | self._values.keys())

    def __repr__(self) -> str:
        try:
            text = self.__str__()
        except (UnicodeEncodeError, UnicodeDecodeError):
            text = "[Bad Unicode data]"
        # A `__str__` may return a type of its own: the result has that type.
        text_type = str if text is None else type(text)
        shown: str = text_type(f"<{self.__class__.__name__}: {text}>")
        return shown

    def __str__(self) -> str:
        if hasattr(self, "__unicode__"):
            return str(self.__unicode__())
        return f"{self.__class__.__name__} object"

    def __eq__(self, other: object) -> bool:
        own: Any = self
        other_id = getattr(other, "id", None)
        if isinstance(other, self.__class__) and other_id is not None:
            return bool(own.id == other_id)
        if isinstance(other, DBRef):
            return bool(
                own._get_collection_name() == other.collection and own.id == other.id
            )
        return own.id is None and self is other

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        own: Any = self
        if getattr(self, "pk", None) is None:
            return object.__hash__(self)
        return hash(own.pk)

    def get_text_score(self) -> float:
        """Return the score of the text search that found the document.

        :raises InvalidDocumentError: if no text search found it.
        """
        if "_text_score" not in self._data:
            raise InvalidDocumentError(
                "This document is not originally built from a text query "
                "(or text_score was not set on search_text() call)"
            )
        score: float = self._data["_text_score"]
        return score

    # Pickling and copying

    def __getstate__(self) -> RawDocument:
        state: RawDocument = {
            name: getattr(self, name) for name in _STATE if hasattr(self, name)
        }
        changes = self._own_changes()
        if not self._is_unmarked():
            # The data has no marks: those of embedded documents are kept here, too.
            unnamed = changes.unnamed if changes is not None else ()
            state["_unnamed_fields"] = unnamed
            paths = self._get_changed_fields()
            state["_changed_fields"] = [p for p in paths if p not in unnamed]
        state["_data"] = self.to_mongo()
        return state

    def __setstate__(self, state: Keywords) -> None:
        cls = type(self)
        data = state["_data"]
        set_state(self, "_initialised", False)
        if isinstance(data, dict):
            loaded = cls._from_son(data)
            # A new document has values alone: what was loaded counts as stored.
            is_new = self._is_document and "_changed_fields" not in state
            values = loaded._data if is_new else loaded._values
            set_state(self, "_raw", None if is_new else loaded._raw)
            set_state(self, "_values", values)
            for value in self._values.values():
                rebind(self, value)
            if self._dynamic:
                self._restore_fields(loaded._dynamic_fields)
                for name in state.get("_dynamic_fields") or ():
                    if name not in self._dynamic_fields:
                        self._set_data(name, None)
        set_state(self, "_initialised", state.get("_initialised", True))
        set_state(self, "_created", state.get("_created", True))
        if "_changed_fields" in state:
            unnamed = state.get("_unnamed_fields", ())
            changes = ChangedPaths(state["_changed_fields"], unnamed)
            set_state(self, "_changes", changes)
        if not self._is_document:
            set_state(self, "_instance", None)


_STATE = ("_initialised", "_created", "_dynamic_fields", "_fields_ordered")

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
