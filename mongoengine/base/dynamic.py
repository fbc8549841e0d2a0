"""Documents that take fields their class does not define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.datastructures import BaseDict, BaseList
from mongoengine.common import _import_class

__all__ = ("DynamicAttributes",)


class DynamicAttributes:
    """Makes a field of every public attribute that is set on a document."""

    if TYPE_CHECKING:
        _dynamic_lock: bool
        _dynamic_fields: Any
        _fields: Any
        _fields_ordered: tuple[str, ...]

        def _put(self, name: str, value: Any) -> None: ...
        def _mark_as_changed(self, key: str | None) -> None: ...

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") or self._dynamic_lock:
            super().__setattr__(name, value)
            return
        if name not in self._fields_ordered and name not in _NOT_FIELDS:
            field = _import_class("DynamicField")(db_field=name, null=True)
            field.name = name
            self._dynamic_fields[name] = field
            self._fields_ordered += (name,)
        value = self._expanded(name, value)
        if name in self._dynamic_fields:
            self._put(name, value)
            if hasattr(self, "_changed_fields"):
                self._mark_as_changed(name)
        super().__setattr__(name, value)

    def _expanded(self, path: str, value: Any) -> Any:
        """Nested containers become tracked ones, dicts with `_cls` documents."""
        if isinstance(value, dict):
            if "_cls" in value:
                return _DocumentRegistry.get(value["_cls"])(**value)
            items = {k: self._expanded(f"{path}.{k}", v) for k, v in value.items()}
            return BaseDict(items, self, path)
        if isinstance(value, (list, tuple)):
            return BaseList(
                [self._expanded(f"{path}.{i}", v) for i, v in enumerate(value)],
                self,
                path,
            )
        return value


#: Attributes of every document that are no fields of it.
_NOT_FIELDS = frozenset({"pk"})
