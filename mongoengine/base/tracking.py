"""What was changed in a document since it was last in step with the database.

Paths are in the names of the database: `address.city`, `tags.0`.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from bson import DBRef, ObjectId

from mongoengine.common import _import_class

__all__ = ("ChangeTracking", "Changes")


class Changes:
    """The changes taken from a document for one command.

    `sets` and `unsets` are the arguments of `$set` and `$unset`, by path in the names
    of the database.  Both are empty if the changes were taken for a command that
    carries the whole document.
    """

    __slots__ = ("_marks", "sets", "unsets")

    def __init__(
        self,
        marks: list[tuple[ChangeTracking, list[str] | None]],
        sets: dict[str, Any],
        unsets: dict[str, Any],
    ) -> None:
        self.sets = sets
        self.unsets = unsets
        # Each marked document, embedded ones included, with its marked paths; None
        # stands for a new document, of which everything is to be stored.
        self._marks = marks

    @property
    def update(self) -> dict[str, Any]:
        """The update document: `$set` and `$unset`, where they are not empty."""
        operators = {"$set": self.sets, "$unset": self.unsets}
        return {name: paths for name, paths in operators.items() if paths}


class ChangeTracking:
    """Marks, paths and the delta of a document (a part of `BaseDocument`)."""

    # Emptied of slots so that documents may have theirs; `_changes` is one of them.
    if not TYPE_CHECKING:
        __slots__ = ()
    else:
        _changes: list[str]

    _is_document: ClassVar[bool] = False

    if TYPE_CHECKING:
        _instance: Any
        _raw: dict[str, Any] | None
        _values: Any
        _fields: ClassVar[Any]
        _fields_ordered: tuple[str, ...]
        _db_field_map: ClassVar[dict[str, str]]
        _reverse_db_field_map: ClassVar[dict[str, str]]
        _dynamic: ClassVar[bool]
        _dynamic_fields: Any

        _schema: ClassVar[Any]

        def to_mongo(self, *args: Any, **kwargs: Any) -> Any: ...
        def _value_of(self, name: str, field: Any) -> Any: ...

    @property
    def _changed_fields(self) -> list[str]:
        """The paths marked as changed; a new document has none (AttributeError)."""
        try:
            return self._changes
        except AttributeError:
            if self._raw is None:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute '_changed_fields'"
                ) from None
        changes: list[str] = []
        self._changes = changes
        return changes

    @_changed_fields.setter
    def _changed_fields(self, paths: list[str]) -> None:
        self._changes = paths

    def _mark_as_changed(self, key: str | None) -> None:
        """Note a path as changed, unless a path above it is noted already."""
        if not key or not hasattr(self, "_changed_fields"):
            return
        first, dot, rest = key.partition(".")
        self._mark_path(self._db_field_map.get(first, first) + dot + rest)

    def _mark_path(self, path: str) -> None:
        """Note a path in the names of the database."""
        marked = self._changed_fields
        if path in marked or any(above in marked for above in _above(path)):
            return
        below = path + "."
        marked[:] = [known for known in marked if not known.startswith(below)]
        marked.append(path)

    def _get_changed_fields(self) -> list[str]:
        """All changed paths, those inside embedded documents included."""
        changed = list(getattr(self, "_changed_fields", ()))
        values = self._values
        if not values:
            return changed
        for name, key, field in self._nesting():
            value = values.get(name)
            if value is None or value.__class__ in UNNESTED or key in changed:
                continue
            if isinstance(value, ChangeTracking):
                changed += [f"{key}.{path}" for path in value._get_changed_fields()]
            elif isinstance(value, (list, tuple, dict)):
                ordering = getattr(field, "_ordering", None)
                if ordering and _any_marked(value, ordering):
                    changed.append(key)
                    continue
                changed += _changed_inside(key, value, changed)
        return changed

    def _nesting(self) -> Iterable[tuple[str, str, Any]]:
        """Name, key and field of what may have changes of its own inside."""
        nesting: Any = type(self)._schema.nesting
        if self._dynamic_fields:
            found = (
                (name, name, field) for name, field in self._dynamic_fields.items()
            )
            return (*nesting, *found)
        return tuple(nesting)

    def _clear_changed_fields(self) -> None:
        """Forget all changes, those inside embedded documents included."""
        self._changes = []
        values = self._values
        if not values:
            return
        for name, _, _ in self._nesting():
            value = values.get(name)
            if value is None or value.__class__ in UNNESTED:
                continue
            if isinstance(value, ChangeTracking):
                if not value._is_document:
                    value._clear_changed_fields()
            elif isinstance(value, (list, tuple, dict)):
                for document in _embedded_inside(value):
                    document._clear_changed_fields()

    def _take_changes(self, *, whole: bool = False) -> Changes:
        """Remove the marks of this document and return what they stand for.

        The marks inside embedded documents are removed, too.  Call this when a
        command is built, and `_put_back` if the command fails: what is assigned in
        the meantime is marked as usual and stays pending.

        :param whole: the command carries the whole document, so that the changed
            values are not dumped.
        """
        sets: dict[str, Any] = {}
        unsets: dict[str, Any] = {}
        if not whole:
            sets, unsets = self._delta()
        marks: list[tuple[ChangeTracking, list[str] | None]] = []
        self._take_marks(marks)
        return Changes(marks, sets, unsets)

    def _take_marks(self, marks: list[tuple[ChangeTracking, list[str] | None]]) -> None:
        """Move the marks of this document and of embedded ones to `marks`."""
        paths = getattr(self, "_changed_fields", None)
        if paths is None or paths:
            marks.append((self, paths))
            self._changes = []
        values = self._values
        if not values:
            return
        for name, _, _ in self._nesting():
            value = values.get(name)
            if value is None or value.__class__ in UNNESTED:
                continue
            if isinstance(value, ChangeTracking):
                if not value._is_document:
                    value._take_marks(marks)
            elif isinstance(value, (list, tuple, dict)):
                for document in _embedded_inside(value):
                    document._take_marks(marks)

    def _put_back(self, changes: Changes) -> None:
        """Mark as changed again what `_take_changes` has removed.

        What has been marked in the meantime stays marked.
        """
        for document, paths in changes._marks:
            meanwhile = getattr(document, "_changed_fields", ())
            if paths is None:
                if hasattr(document, "_changes"):
                    del document._changes
                continue
            document._changes = [*paths]
            for path in meanwhile:
                document._mark_path(path)

    def _delta(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What `$set` and `$unset` have to be told, by path."""
        if hasattr(self, "_changed_fields"):
            sets = self._changed_values()
        else:
            sets = self.to_mongo()
            sets.pop("_id", None)
        unsets: dict[str, Any] = {}
        for path, value in list(sets.items()):
            if value or isinstance(value, (numbers.Number, bool)):
                continue
            if self._is_to_be_unset(path, value):
                del sets[path]
                unsets[path] = 1
        return sets, unsets

    def _changed_values(self) -> dict[str, Any]:
        changed = self._get_changed_fields()
        if not changed:
            return {}
        dumped: dict[str, Any] = {}
        sets: dict[str, Any] = {}
        for path in changed:
            first, *rest = path.split(".")
            value = _dump_inside(self, path) if rest else MISSING
            if value is not MISSING:
                sets[path] = value
                continue
            if first not in dumped:
                dumped[first] = self._dump_key(first)
            taken = [first]
            value = dumped[first]
            for part in rest:
                if isinstance(value, (ObjectId, DBRef)):
                    break
                if isinstance(value, list) and part.isdigit():
                    value = value[int(part)]
                elif hasattr(value, "get"):
                    value = value.get(part)
                taken.append(part)
            sets[".".join(taken)] = value
        return sets

    def _dump_key(self, key: str) -> Any:
        """What `to_mongo` gives for one key of the database."""
        name = self._reverse_db_field_map.get(key, key)
        if type(self)._schema.own_dump:
            return self.to_mongo(fields=[name]).get(key)
        field: Any = self._fields.get(name) or self._dynamic_fields.get(name)
        value = self._value_of(name, field)
        if value is None or value.__class__ in field._dumps_unchanged:
            return value
        return field._to_mongo_safe_call(value)

    def _is_to_be_unset(self, path: str, value: Any) -> bool:
        """An empty value goes, unless the field's default is another one."""
        first, *_ = path.split(".")
        if self._dynamic and first in self._dynamic_fields:
            return True
        if path in self._fields:
            default = self._fields[path].default
        else:
            default = self._default_at(path)
        if callable(default):
            default = default()
        return bool(value == default)

    def _default_at(self, path: str) -> Any:
        *parts, last = path.split(".")
        holder: Any = self
        for part in parts:
            if isinstance(holder, list) and part.isdigit():
                holder = holder[int(part)]
            elif isinstance(holder, dict):
                holder = holder.get(part)
            else:
                holder = getattr(holder, holder._reverse_db_field_map.get(part, part))
        if not hasattr(holder, "_fields"):
            return None
        field = holder._fields.get(holder._reverse_db_field_map.get(last, last))
        return None if field is None else field.default


#: Stands for a value that is not there.
MISSING: Any = object()

UNNESTED = frozenset({str, int, float, bool, bytes, ObjectId, DBRef})


def _dump_inside(document: Any, path: str) -> Any:
    """What a path into embedded documents holds, dumped; MISSING if that is unclear.

    Only what changed is dumped, not the lists and documents around it.
    """
    embedded: Any = _import_class("EmbeddedDocumentField")
    listed: Any = _list_fields()
    parts = path.split(".")[::-1]
    while parts:
        name = document._reverse_db_field_map.get(parts.pop())
        field: Any = document._fields.get(name)
        if field is None or type(document)._schema.own_dump:
            return MISSING
        value = document._value_of(name, field)
        if parts and field.__class__ in listed and field.field.__class__ is embedded:
            index = parts.pop()
            if not index.isdigit() or not isinstance(value, list):
                return MISSING
            field, value = field.field, list.__getitem__(value, int(index))
        if not parts:
            if value is None or value.__class__ in field._dumps_unchanged:
                return value
            return field._to_mongo_safe_call(value)
        if field._untyped:
            return _dump_item(field, value, parts[::-1])
        if field.__class__ is not embedded or not _is_document(value):
            return MISSING
        document = value
    return MISSING


def _dump_item(field: Any, container: Any, parts: list[str]) -> Any:
    """What a path into plain lists and dicts holds, dumped; MISSING if unclear."""
    value = container
    for part in parts:
        if isinstance(value, dict):
            value = dict.get(value, part, MISSING)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = list.__getitem__(value, int(part))
        else:
            return MISSING
    if value is MISSING or value is None or value.__class__ in UNNESTED:
        return value
    return field._dump_untyped(value, True, None)


def _list_fields() -> tuple[type, type]:
    return _import_class("ListField"), _import_class("EmbeddedDocumentListField")


def _above(path: str) -> Iterator[str]:
    """`a.b.c` -> `a`, `a.b`."""
    end = path.find(".")
    while end != -1:
        yield path[:end]
        end = path.find(".", end + 1)


def _is_document(value: Any) -> bool:
    return isinstance(value, ChangeTracking)


def _any_marked(documents: Any, name: str) -> bool:
    return any(name in document._changed_fields for document in documents)


def _changed_inside(key: str, container: Any, known: list[str]) -> list[str]:
    """The changed paths inside a list or dict."""
    items: Any = (
        dict.items(container)
        if isinstance(container, dict)
        else enumerate(
            list.__iter__(container) if isinstance(container, list) else container
        )
    )
    changed: list[str] = []
    for index, item in items:
        if item.__class__ in UNNESTED:
            continue
        path = f"{key}.{index}"
        if path in known:
            continue
        if _is_document(item):
            if not item._is_document:
                changed += [f"{path}.{p}" for p in item._get_changed_fields()]
        elif isinstance(item, (list, tuple, dict)):
            changed += _changed_inside(path, item, known)
    return changed


def _embedded_inside(container: Any) -> Iterator[ChangeTracking]:
    """The embedded documents in a list or dict, at any depth."""
    items: Any = (
        dict.values(container)
        if isinstance(container, dict)
        else list.__iter__(container)
        if isinstance(container, list)
        else container
    )
    for item in items:
        if item.__class__ in UNNESTED:
            continue
        if _is_document(item):
            if not item._is_document:
                yield item
        elif isinstance(item, (list, tuple, dict)):
            yield from _embedded_inside(item)
