"""The state of a document: what every document has, and how a new one gets it.

A dynamic document takes an assignment to any name for data, so that no name in a
request or in a stored document reaches what is kept about it.  What the library sets
does not go by way of that: `set_state` and `remove_state` are for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from mongoengine.base.types import (
    FieldsByName,
    Meta,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)

if TYPE_CHECKING:
    from mongoengine.base.marks import ChangedPaths

__all__ = ("EMPTY", "SLOTS", "DocumentState", "remove_state", "set_state", "set_up")

#: `set_state(document, name, value)`
set_state = object.__setattr__

#: `remove_state(document, name)`
remove_state = object.__delattr__

#: The values of a document of which no field has been touched.
EMPTY: Any = MappingProxyType({})

#: The slots of every document.
SLOTS = ("__weakref__", "_changes", "_created", "_initialised", "_raw", "_values")


class DocumentState:
    """The attributes that every document and embedded document has."""

    # Emptied of slots so that `BaseDocument` may have them.
    if not TYPE_CHECKING:
        __slots__ = ()

    _is_document: ClassVar[bool] = False
    _dynamic: ClassVar[bool] = False
    _dynamic_lock = True
    _auto_dereference = True

    if TYPE_CHECKING:
        #: None, or unset, where nothing has been marked or written yet.
        _changes: ChangedPaths | None
        _created: bool
        _initialised: bool
        _raw: RawDocument | None
        _values: Any
        _instance: Any
        _dynamic_fields: Any
        #: Of dynamic documents only.
        _dynamic_plan: Any

        _fields: ClassVar[FieldsByName]
        _fields_ordered: tuple[str, ...]
        _db_field_map: ClassVar[dict[str, str]]
        _reverse_db_field_map: ClassVar[dict[str, str]]
        _meta: ClassVar[Meta]
        _class_name: ClassVar[str]
        _subclasses: ClassVar[tuple[str, ...]]
        _superclasses: ClassVar[tuple[str, ...]]
        _schema: ClassVar[Any]

        def _dump_any(self) -> Any: ...
        def _dump_fields(self, marks: Any = None) -> RawDocument: ...
        def _put(self, name: str, value: object) -> None: ...
        def _keep(self, name: str, value: PythonValue) -> PythonValue: ...
        def _exchange(
            self, name: str, value: object, other: PythonValue
        ) -> PythonValue: ...
        def _touch(self, field: object) -> PythonValue: ...
        def _value_of(self, name: str, field: object) -> PythonValue: ...
        def _place(self, path: str) -> Any: ...

        # Of dynamic documents only.
        def _set_data(self, name: str, value: object) -> None: ...
        def _has_nested_documents(self) -> bool: ...
        def _take_stored(self, stored: RawMapping, plan: Any) -> None: ...
        def _forget(self, name: str) -> None: ...
        def _restore_fields(self, fields: object) -> None: ...

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the fields."""
        return iter(self._fields_ordered)


def set_up(
    document: DocumentState, raw: RawValue, created: bool, initialised: bool
) -> None:
    """Give a fresh document its state; it has no value yet but those of `raw`."""
    if document._dynamic:
        set_state(document, "_raw", raw)
        set_state(document, "_values", EMPTY)
        set_state(document, "_created", created)
        set_state(document, "_initialised", initialised)
        set_state(document, "_changes", None)
        if not document._is_document:
            set_state(document, "_instance", None)
        return
    document._raw = raw
    document._values = EMPTY
    document._created = created
    document._initialised = initialised
    document._changes = None
    if not document._is_document:
        document._instance = None
