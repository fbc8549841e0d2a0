"""Documents that take fields their class does not define."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from bson import SON

from mongoengine.base.bson_types import PLAIN
from mongoengine.base.common import class_named_in
from mongoengine.base.dump_plans import new_son
from mongoengine.base.items import WholePath, inner_path, is_nameable
from mongoengine.base.marks import ChangedPaths
from mongoengine.base.reading import Attribute
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import set_state
from mongoengine.base.tracked import BaseDict, BaseList
from mongoengine.base.types import PythonValue, RawDocument, RawMapping
from mongoengine.base.utils import is_library_class
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.state import DocumentState


__all__ = ("DynamicAttributes", "DynamicPlan", "dynamic_plan")


class DynamicAttributes:
    """Makes a field of every public attribute that is set on a document.

    The value of such a field can be read as an attribute, unless the class has an
    attribute of that name: then it is `document[name]`, and the attribute stays.
    """

    if TYPE_CHECKING:
        _unknown_field: ClassVar[Any]
        _changes: ChangedPaths | None
        _dynamic_lock: bool
        _dynamic_fields: Any
        _initialised: bool
        _raw: RawDocument | None
        _fields: Any
        _fields_ordered: tuple[str, ...]
        _reverse_db_field_map: Any
        _values: Any

        def _put(self, name: str, value: object) -> None: ...

    def __setattr__(self, name: str, value: object) -> None:
        if self._dynamic_lock:
            super().__setattr__(name, value)
        elif name in self._fields or _is_key(type(self), name):
            super().__setattr__(name, self._expanded(name, value))
        elif _is_taken(type(self), name):
            if callable(value):
                # Code and not data: a method is replaced.
                super().__setattr__(name, value)
            else:
                self._set_data(name, value)
        elif name.startswith("_") and name not in self._dynamic_fields:
            super().__setattr__(name, value)
        elif "." in name and name not in self._dynamic_fields:
            raise ValueError(_BAD_NAME)
        else:
            self._set_data(name, value)

    def __delattr__(self, name: str) -> None:
        """Remove a dynamic field, or put a declared one back to its default."""
        if name in self._dynamic_fields:
            self._remove_data(name)
        else:
            super().__delattr__(name)

    def __getitem__(self, name: str) -> PythonValue:
        if name in self._dynamic_fields and _is_taken(type(self), name):
            return self._values.get(name)
        return super().__getitem__(name)  # type: ignore[misc]

    def __setitem__(self, name: str, value: object) -> None:
        if name in self._fields or _is_key(type(self), name):
            setattr(self, name, value)
        else:
            self._set_data(name, value)

    def __contains__(self, name: str) -> bool:
        if name in self._dynamic_fields:
            return self._values.get(name) is not None
        found: bool = super().__contains__(name)  # type: ignore[misc]
        return found

    def _mark_as_changed(self, key: str | None) -> None:
        if key is None or key not in self._dynamic_fields or is_nameable(key):
            super()._mark_as_changed(key)  # type: ignore[misc]
        elif hasattr(self, "_changed_fields") and self._changes is not None:
            self._changes.mark_unnamed(key)

    # Data

    def _take_stored(self, stored: RawMapping, plan: DynamicPlan) -> None:
        """Make fields of the keys of a stored document that no field has.

        The document has no such fields yet.
        """
        values: dict[str, PythonValue] = {}
        for name in plan.fields:
            value = stored[name]
            if value.__class__ not in PLAIN:
                value = self._expanded(name, value)
            values[name] = value
        if self._values:
            self._values.update(values)
        elif values:
            set_state(self, "_values", values)
        attributes = self.__dict__
        attributes.update(values)
        attributes["_dynamic_fields"] = new_son(plan.fields)
        attributes["_fields_ordered"] = plan.ordered
        attributes["_dynamic_lock"] = False

    def _take_unknown(self, values: RawMapping) -> None:
        """Make fields of the arguments of the constructor that no field has."""
        cls: Any = type(self)
        plan = cls._schema.dynamic_plan(tuple(values))
        if plan is not None and not self._dynamic_fields:
            self._take_stored(values, plan)
            return
        for name, value in values.items():
            if name[:1] == "_" or "." in name or _is_taken(cls, name):
                self._set_data(name, value)
            else:
                # By way of a `__setattr__` of the user's own.
                setattr(self, name, value)

    def _set_data(self, name: str, value: object) -> None:
        """Make a field of any name, with this value.

        :raises ValueError: MongoDB cannot store a field of this name.
        """
        if name == "_text_score":
            # The server adds it to what a text search finds; it is not stored.
            self._put(name, value)
            self.__dict__[name] = value
            return
        if name.startswith("_") and name in self._reverse_db_field_map:
            # Another field is stored under this name.
            set_state(self, name, value)
            return
        if name not in self._dynamic_fields:
            self._add_field(name)
        path = name if is_nameable(name) else WholePath(name)
        value = self._expanded(path, value)
        self._put(name, value)
        if self._initialised:
            self._mark_as_changed(name)
        if not _is_taken(type(self), name):
            set_state(self, name, value)

    def _add_field(self, name: str) -> None:
        if name.startswith("$") or "\0" in name:
            raise ValueError(_BAD_NAME)
        field = self._unknown_field(null=True)
        field.name = field.db_field = name
        self._dynamic_fields[name] = field
        set_state(self, "_fields_ordered", (*self._fields_ordered, name))

    def _remove_data(self, name: str) -> None:
        """Remove a field with its value; the next save removes the stored one."""
        self._mark_as_changed(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        """Remove a field with its value from this document only."""
        del self._dynamic_fields[name]
        ordered = tuple(other for other in self._fields_ordered if other != name)
        set_state(self, "_fields_ordered", ordered)
        if self._raw is not None and name in self._raw:
            left = {key: value for key, value in self._raw.items() if key != name}
            set_state(self, "_raw", left)
        self._values.pop(name, None)
        self.__dict__.pop(name, None)

    def _restore_fields(self, fields: Any) -> None:
        """Have just these dynamic fields, with values that are set already."""
        cls = type(self)
        for name in self._dynamic_fields:
            self.__dict__.pop(name, None)
        set_state(self, "_dynamic_fields", SON(fields))
        set_state(self, "_fields_ordered", (*cls._fields_ordered, *fields))
        for name in fields:
            if not _is_taken(cls, name):
                set_state(self, name, self._values.get(name))

    def _expanded(self, path: str, value: object) -> object:
        """Make nested containers tracked ones, and dicts embedded documents."""
        if isinstance(value, dict):
            cls = class_named_in(value) if "_cls" in value else None
            if cls is not None and (not cls._is_document or "_ref" in value):
                # For a reference it raises `FieldDoesNotExist`, as upstream does.
                return cls(**value)
            items = {
                k: v if v.__class__ in PLAIN else self._expanded(inner_path(path, k), v)
                for k, v in value.items()
            }
            return BaseDict(items, self, path)
        if isinstance(value, (list, tuple)):
            listed = [
                v if v.__class__ in PLAIN else self._expanded(inner_path(path, i), v)
                for i, v in enumerate(value)
            ]
            return BaseList(listed, self, path)
        return value


class DynamicPlan(Record):
    """The plan for stored documents that have the same keys."""

    #: The fields of the keys that the class does not define.
    fields: dict[str, BaseField]
    #: The names of all fields.
    ordered: tuple[str, ...]


def dynamic_plan(cls: Any, keys: Iterable[str]) -> DynamicPlan | None:
    """Return the plan for stored documents of a class that have these other keys.

    None where one of the keys means something to the class or to the constructor.
    """
    fields = {}
    for key in keys:
        if not _is_ordinary(cls, key):
            return None
        field = cls._unknown_field(null=True)
        field.name = field.db_field = key
        fields[key] = field
    return DynamicPlan(fields, (*cls._fields_ordered, *fields))


def _is_ordinary(cls: type[DocumentState], key: str) -> bool:
    """Return whether a key becomes an attribute of a document, as it is."""
    return (
        is_nameable(key)
        and key[0] != "_"
        and key not in cls._fields
        and key not in ("id", "pk", "self")
        and "\0" not in key
        and not _is_taken(cls, key)
    )


_BAD_NAME = (
    'field names cannot contain dots (".") or null characters ("\\0"), and they must '
    'not start with a dollar sign ("$").'
)

#: Names that the library looks for on values of any type.
_LOOKED_FOR = frozenset({"_instance", "to_python", "to_query"})


def _definition(cls: type, name: str) -> tuple[object, bool]:
    """Return the attribute of the class (or MISSING), and whether it is ours."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name], is_library_class(base)
    return MISSING, False


def _is_key(cls: type, name: str) -> bool:
    """Return whether a name is an alias of the primary key: `pk`, maybe `id`."""
    if name not in ("pk", "id"):
        return False
    return _definition(cls, name)[0] is not MISSING


def _is_taken(cls: type[Any], name: str) -> bool:
    """Return whether a name means something else than data: it is a method, say.

    Values of a class without behaviour, and properties that can be set, are none.
    """
    if name in _LOOKED_FOR or (name.startswith("__") and name.endswith("__")):
        return True
    if _is_key(cls, name):
        return True
    # Attributes may have been added to the class after its names were collected.
    if name not in cls._schema.names and not hasattr(cls, name):
        return False
    found, ours = _definition(cls, name)
    if found is MISSING:
        return False
    if ours or name.startswith("_") or callable(found):
        return True
    if isinstance(found, property) and not isinstance(found, Attribute):
        return found.fset is None
    return hasattr(type(found), "__get__") and not hasattr(type(found), "__set__")
