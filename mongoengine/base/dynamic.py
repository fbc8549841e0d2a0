"""Documents that take fields their class does not define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from bson import SON

from mongoengine.base.bson_types import PLAIN, UNNESTED
from mongoengine.base.common import class_named_in
from mongoengine.base.dump_plans import new_son
from mongoengine.base.dynamic_plans import (
    INCOMPLETE,
    DynamicPlan,
    is_key,
    is_taken,
    new_field,
    tracked_value,
)
from mongoengine.base.items import WholePath, inner_path, is_nameable
from mongoengine.base.marks import ChangedPaths
from mongoengine.base.plain import holds_documents
from mongoengine.base.state import set_state
from mongoengine.base.tracked import BaseDict, BaseList
from mongoengine.base.types import Instance, PythonValue, RawDocument, RawMapping

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("DynamicAttributes",)

_BAD_NAME = (
    'field names cannot contain dots (".") or null characters ("\\0"), and they must '
    'not start with a dollar sign ("$").'
)


class _OwnFields:
    """The dynamic fields by name, for those who may change them.

    Documents of one shape share their fields until somebody asks for these.
    """

    def __get__(self, instance: Instance, owner: object) -> SON[str, BaseField]:
        if instance is None or instance._dynamic_plan is INCOMPLETE:
            return SON()
        plan = instance._dynamic_plan
        attributes = instance.__dict__
        # Another thread may have asked, too.
        fields = attributes.setdefault("_dynamic_fields", new_son(plan.fields))
        attributes["_dynamic_plan"] = DynamicPlan(fields, plan.ordered)
        return fields  # type: ignore[no-any-return]


class DynamicAttributes:
    """Makes a field of every public attribute that is set on a document.

    The value of such a field can be read as an attribute, unless the class has an
    attribute of that name: then it is `document[name]`, and the attribute stays.
    """

    if TYPE_CHECKING:
        _unknown_field: ClassVar[Any]
        _changes: ChangedPaths | None
        _dynamic_fields: Any
        _auto_dereference: bool
        _initialised: bool
        _raw: RawDocument | None
        _fields: Any
        _fields_ordered: tuple[str, ...]
        _reverse_db_field_map: Any
        _values: Any

        def _put(self, name: str, value: object) -> None: ...

    else:
        _dynamic_fields = _OwnFields()
        _dynamic_lock = property(lambda self: self._dynamic_plan is INCOMPLETE)

    #: The fields beyond those of the class.  While the constructor has not come to
    #: them, any name that is assigned is an attribute.
    _dynamic_plan: DynamicPlan = INCOMPLETE

    def _begin(self) -> None:
        """Prepare for the constructor, which may run a second time."""
        if self._dynamic_plan is not INCOMPLETE:
            self.__dict__.pop("_dynamic_fields", None)
            set_state(self, "_dynamic_plan", INCOMPLETE)

    def __setattr__(self, name: str, value: object) -> None:
        if self._dynamic_plan is INCOMPLETE:
            super().__setattr__(name, value)
        elif name in self._fields or is_key(type(self), name):
            if value.__class__ not in PLAIN:
                value = self._expanded(name, value)
            super().__setattr__(name, value)
        elif is_taken(type(self), name):
            if callable(value):
                # Code and not data: a method is replaced.
                super().__setattr__(name, value)
            else:
                self._set_data(name, value)
        elif name.startswith("_") and name not in self._dynamic_plan.fields:
            super().__setattr__(name, value)
        elif "." in name and name not in self._dynamic_plan.fields:
            raise ValueError(_BAD_NAME)
        else:
            self._set_data(name, value)

    def __delattr__(self, name: str) -> None:
        """Remove a dynamic field, or put a declared one back to its default."""
        if name in self._dynamic_plan.fields:
            self._remove_data(name)
        else:
            super().__delattr__(name)

    def __getitem__(self, name: str) -> PythonValue:
        if name in self._dynamic_plan.fields and is_taken(type(self), name):
            return self._values.get(name)
        return super().__getitem__(name)  # type: ignore[misc]

    def __setitem__(self, name: str, value: object) -> None:
        if name in self._fields or is_key(type(self), name):
            setattr(self, name, value)
        else:
            self._set_data(name, value)

    def __contains__(self, name: str) -> bool:
        if name in self._dynamic_plan.fields:
            return self._values.get(name) is not None
        found: bool = super().__contains__(name)  # type: ignore[misc]
        return found

    def _mark_as_changed(self, key: str | None) -> None:
        if key is None or key not in self._dynamic_plan.fields or is_nameable(key):
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
                value = tracked_value(self, name, value)
            values[name] = value
        self._take_values(values, plan)

    def _take_values(self, values: RawDocument, plan: DynamicPlan) -> None:
        """Have the values of the fields of a plan; the document has none yet."""
        if self._values:
            self._values.update(values)
        elif values:
            set_state(self, "_values", values)
        attributes = self.__dict__
        attributes.update(values)
        attributes["_fields_ordered"] = plan.ordered
        attributes["_dynamic_plan"] = plan

    def _take_unknown(self, values: RawMapping) -> None:
        """Make fields of the arguments of the constructor that no field has."""
        cls: Any = type(self)
        plan = cls._schema.dynamic_plan(tuple(values))
        if plan is not None and not self._dynamic_plan.fields:
            # The caller keeps its own lists and dicts.
            own = {
                k: v if v.__class__ in PLAIN else self._expanded(k, v)
                for k, v in values.items()
            }
            self._take_values(own, plan)
            return
        for name, value in values.items():
            if name[:1] == "_" or "." in name or is_taken(cls, name):
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
        if name not in self._dynamic_plan.fields:
            self._add_field(name)
        path = name if is_nameable(name) else WholePath(name)
        value = self._expanded(path, value)
        self._put(name, value)
        if self._initialised:
            self._mark_as_changed(name)
        if not is_taken(type(self), name):
            set_state(self, name, value)

    def _add_field(self, name: str) -> None:
        if name.startswith("$") or "\0" in name:
            raise ValueError(_BAD_NAME)
        self._dynamic_fields[name] = new_field(type(self), name)
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

    def _has_nested_documents(self) -> bool:
        """Return whether the dynamic fields have embedded documents in them."""
        values = self._values
        for name in self._dynamic_plan.fields:
            value = values.get(name)
            if type(value) not in UNNESTED and holds_documents(value):
                return True
        return False

    def _set_fields(self, fields: Any) -> None:
        """Have these dynamic fields, which no other document shares."""
        set_state(self, "_dynamic_fields", fields)
        set_state(self, "_dynamic_plan", DynamicPlan(fields, ()))

    def _restore_fields(self, fields: Any) -> None:
        """Have just these dynamic fields, with values that are set already."""
        cls = type(self)
        for name in self._dynamic_plan.fields:
            self.__dict__.pop(name, None)
        self._set_fields(SON(fields))
        set_state(self, "_fields_ordered", (*cls._fields_ordered, *fields))
        for name in fields:
            if not is_taken(cls, name):
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
