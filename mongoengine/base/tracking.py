"""The changes of a document since it was last stored or loaded.

Each document and each embedded document keeps the marked paths of its own fields, in
the names of the database: `address`, `tags.0`.  Paths from the outermost document are
put together in one walk, when they are needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mongoengine.base.bson_types import UNNESTED
from mongoengine.base.items import is_nameable, stored_items, stored_values
from mongoengine.base.marks import ChangedPaths, without_inner
from mongoengine.base.places import (
    Place,
    default_of,
    dumped_value,
    is_to_be_unset,
    place_in_dump,
    place_inside,
)
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import DocumentState, set_state
from mongoengine.base.types import PassedOn, RawDocument, RawValue
from mongoengine.driver.records import Record
from mongoengine.errors import OperationError

__all__ = (
    "ChangeTracking",
    "Changes",
    "Marks",
    "is_changed_inside",
    "take_marks_inside",
)

#: Documents with the marks taken from them; None for a new document.
Marks = list[tuple["ChangeTracking", ChangedPaths | None]]


class Change(Record):
    """A changed place: its path, and the document of which a path is marked."""

    path: str
    document: ChangeTracking
    #: The same place, seen from `document`.
    mark: str


class Changes:
    """The changes taken from a document for one command.

    `sets` and `unsets` are the arguments of `$set` and `$unset`, by path in the names
    of the database.  Both are empty if the changes were taken for a command that
    carries the whole document.
    """

    __slots__ = ("_marks", "sets", "unsets")

    def __init__(self, marks: Marks, sets: RawDocument, unsets: RawDocument) -> None:
        self.sets = sets
        self.unsets = unsets
        self._marks = marks

    def is_empty(self) -> bool:
        """Return whether there is nothing to set or unset."""
        return not (self.sets or self.unsets)

    @property
    def update(self) -> RawDocument:
        """The update document: `$set` and `$unset`, where they are not empty."""
        if not self.unsets:
            return {"$set": self.sets} if self.sets else {}
        if not self.sets:
            return {"$unset": self.unsets}
        return {"$set": self.sets, "$unset": self.unsets}


class ChangeTracking(DocumentState):
    """The marks of a document and the update that they make (for `BaseDocument`)."""

    if not TYPE_CHECKING:
        __slots__ = ()
    else:

        def to_mongo(self, *args: PassedOn, **kwargs: PassedOn) -> RawValue: ...

    # Marking

    @property
    def _changed_fields(self) -> list[str]:
        """The marked paths; a new document has no such attribute."""
        changes = getattr(self, "_changes", None)
        if changes is None:
            if self._is_unmarked():
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute '_changed_fields'"
                )
            changes = ChangedPaths()
            set_state(self, "_changes", changes)
        else:
            changes.compact()
        return changes.paths

    @_changed_fields.setter
    def _changed_fields(self, paths: Iterable[str]) -> None:
        set_state(self, "_changes", ChangedPaths(paths))

    def _own_changes(self) -> ChangedPaths | None:
        """Return the marks of this document, or None where there are none."""
        changes = getattr(self, "_changes", None)
        if changes is not None:
            changes.compact()
        return changes

    def _is_unmarked(self) -> bool:
        """Return whether the document is new, so that everything is stored."""
        return (
            self._is_document
            and self._raw is None
            and getattr(self, "_changes", None) is None
        )

    def _mark_as_changed(self, key: str | None) -> None:
        """Mark a path as changed, unless a path above it is marked.

        :param key: the path; its first part is the name of a field.
        """
        if key:
            first, dot, rest = key.partition(".")
            self._mark_path(self._db_field_map.get(first, first) + dot + rest)

    def _mark_path(self, path: str) -> None:
        """Mark a path in the names of the database."""
        while True:
            changes = getattr(self, "_changes", None)
            if changes is None:
                if self._is_unmarked():
                    return
                changes = ChangedPaths()
                set_state(self, "_changes", changes)
            changes.mark(path)
            if self._changes is changes:
                return
            # Another thread has taken the marks in the meantime.

    def _clear_changed_fields(self) -> None:
        """Remove all marks, those of embedded documents included."""
        self._take_marks([])

    def _take_own_marks(self, marks: Marks) -> ChangedPaths | None:
        """Move the marks of this document to `marks`; None for a new document."""
        changes: ChangedPaths | None = getattr(self, "_changes", None)
        if changes is None and (not self._is_document or self._raw is not None):
            return EMPTY_PATHS
        if changes is None or changes.paths or changes.unnamed:
            marks.append((self, changes))
            set_state(self, "_changes", ChangedPaths())
        return changes

    def _is_untouched(self) -> bool:
        """Return whether an embedded document, and all inside it, can have no marks."""
        if self._is_document or getattr(self, "_changes", None):
            return False
        values = self._values
        return not values or (
            not (self._dynamic and self._dynamic_plan.fields)
            and values.keys().isdisjoint(type(self)._schema.nesting_names)
        )

    def _take_marks(self, marks: Marks) -> None:
        """Move the marks of this document and of embedded ones to `marks`."""
        self._take_own_marks(marks)
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
                take_marks_inside(value, marks)

    def _nesting(self) -> Iterable[tuple[str, str, Any]]:
        """Name, key and field of all that may hold embedded documents."""
        nesting = type(self)._schema.nesting
        if self._dynamic and self._dynamic_plan.fields:
            dynamic = (
                (name, name, field) for name, field in self._dynamic_plan.fields.items()
            )
            return (*nesting, *dynamic)
        return nesting  # type: ignore[no-any-return]

    # Collecting

    def _get_changed_fields(self) -> list[str]:
        """Return all changed paths, those inside embedded documents included."""
        changes: list[Change] = []
        unnamed = self._collect("", changes)
        return [change.path for change in _outermost(changes)] + list(unnamed)

    def _collect(
        self, prefix: str, found: list[Change], taken: Marks | None = None
    ) -> tuple[str, ...]:
        """Append what has changed in this document and in embedded ones.

        :param prefix: stands before the paths of this document.
        :param taken: where all marks are moved to; None leaves them in place.
        :returns: names of changed fields that no path can name; if there are any,
            the document has to be stored as a whole.
        """
        if taken is None:
            changes = self._own_changes()
        else:
            changes = self._take_own_marks(taken)
            if changes is not None:
                changes.compact()
        marked: set[str] = set()
        if changes is not None:
            marked.update(changes.paths)
            found += [Change(prefix + path, self, path) for path in changes.paths]
        unnamed = changes.unnamed if changes is not None else ()
        values = self._values
        if not values:
            return unnamed
        own_dump = type(self)._schema.own_dump
        for name, key, field in self._nesting():
            value = values.get(name)
            if value is None or value.__class__ in UNNESTED:
                continue
            if key in marked:
                if taken is not None:
                    take_marks_inside([value], taken)
                continue
            if not is_nameable(key):
                unnamed += (key,) if is_changed_inside(value) else ()
                continue
            start = len(found)
            if _collect_item(self, prefix, key, field, value, marked, found, taken):
                found.append(Change(prefix + key, self, key))
            elif own_dump or not field._dumps_inside:
                # What user code makes of the value is looked up in the dump.
                found[start:] = [
                    Change(path, self, path[len(prefix) :])
                    for path, _, _ in found[start:]
                ]
        return unnamed

    # The update

    def _delta(self) -> tuple[RawDocument, RawDocument]:
        """Return the arguments of `$set` and `$unset` that store the changes, by path.

        :raises OperationError: if a field of a dynamic document has changed whose
            name cannot be part of a path.
        """
        if self._is_unmarked():
            return self._delta_of_all()
        schema, values = type(self)._schema, self._values
        if (
            schema.own_dump
            or not values.keys().isdisjoint(schema.nesting_names)
            or (self._dynamic and self._has_nested_documents())
        ):
            return self._delta_of(*self._collected(None))
        # No embedded document can have changed.
        marked: ChangedPaths | None = getattr(self, "_changes", None)
        sets: RawDocument = {}
        if not marked:
            return sets, {}
        marked.compact()
        if not marked.unnamed and self._dump_scalars(marked.paths, sets):
            return sets, {}
        return self._delta_of_marked(marked)

    def _delta_of_marked(self, marked: ChangedPaths) -> tuple[RawDocument, RawDocument]:
        """Return the arguments of `$set` and `$unset` for marks of this document."""
        changes = [Change(path, self, path) for path in marked.paths]
        return self._delta_of(changes, marked.unnamed)

    def _collected(self, taken: Marks | None) -> tuple[list[Change], tuple[str, ...]]:
        changes: list[Change] = []
        unnamed = self._collect("", changes, taken)
        return changes, unnamed

    def _delta_of(
        self, changes: list[Change], unnamed: tuple[str, ...]
    ) -> tuple[RawDocument, RawDocument]:
        """Return the arguments of `$set` and `$unset` for collected changes."""
        if unnamed:
            raise OperationError(
                f"Cannot update the field {unnamed[0]!r} of a stored "
                f"{self._class_name}: a path of MongoDB cannot name it. Replace the "
                "whole document with PyMongo's replace_one()"
            )
        sets: RawDocument = {}
        unsets: RawDocument = {}
        outermost = changes if len(changes) == 1 else _outermost(changes)
        for path, document, mark in outermost:
            place = document._place(mark)
            if place.path != mark:
                # Only a container around the place can be stored.
                path = path[: len(path) - len(mark)] + place.path
            if is_to_be_unset(place):
                unsets[path] = 1
            else:
                sets[path] = place.value
        return sets, unsets

    def _delta_of_all(self) -> tuple[RawDocument, RawDocument]:
        sets = self.to_mongo()
        sets.pop("_id", None)
        unsets: RawDocument = {}
        for key, value in list(sets.items()):
            field = self._field_of(key)
            default = None if field is None else field.default
            if is_to_be_unset(Place(key, value, field, default)):
                del sets[key]
                unsets[key] = 1
        return sets, unsets

    def _take_changes(self, *, whole: bool = False) -> Changes:
        """Remove the marks of this document and return what they stand for.

        The marks inside embedded documents are removed, too.  Call this when a
        command is built, and `_put_back` if the command fails: what is assigned in
        the meantime is marked as usual and stays pending.

        :param whole: the command carries the whole document, so that the changed
            values are not dumped.
        """
        # Values are dumped when their marks are gone, so that what another thread
        # assigns in between is either dumped or marked again.
        schema = type(self)._schema
        if not (
            whole
            or schema.own_dump
            or self._is_unmarked()
            or not self._values.keys().isdisjoint(schema.nesting_names)
            or (self._dynamic and self._has_nested_documents())
        ):
            return self._take_flat_changes()
        marks: Marks = []
        changes = Changes(marks, {}, {})
        if whole:
            self._take_marks(marks)
            return changes
        try:
            if self._is_unmarked():
                self._take_marks(marks)
                changes.sets, changes.unsets = self._delta_of_all()
            else:
                changes.sets, changes.unsets = self._delta_of(*self._collected(marks))
        except BaseException:
            self._put_back(changes)
            raise
        return changes

    def _take_flat_changes(self) -> Changes:
        """Take the changes where no embedded document can have any."""
        marked: ChangedPaths | None = getattr(self, "_changes", None)
        if marked is None or not (marked.paths or marked.unnamed):
            return NO_CHANGES
        set_state(self, "_changes", ChangedPaths())
        if len(marked.paths) > 1:
            marked.compact()
        changes = Changes([(self, marked)], {}, {})
        try:
            if marked.unnamed or not self._dump_scalars(marked.paths, changes.sets):
                changes.sets, changes.unsets = self._delta_of_marked(marked)
        except BaseException:
            self._put_back(changes)
            raise
        return changes

    def _dump_scalars(self, paths: list[str], sets: RawDocument) -> bool:
        """Dump fields of scalars into `sets`; return False at any other value."""
        by_key, values = type(self)._schema.by_key, self._values
        for path in paths:
            field = by_key.get(path)
            if field is None and self._dynamic:
                field = self._dynamic_plan.fields.get(path)
            value = None if field is None else values.get(field.name)
            if value.__class__ not in UNNESTED or not (value or value == 0):
                return False
            sets[path] = dumped_value(field, value)
        return True

    def _put_back(self, changes: Changes) -> None:
        """Mark as changed again what `_take_changes` has removed.

        What has been marked in the meantime stays marked.
        """
        for document, paths in changes._marks:
            if paths is None:
                set_state(document, "_changes", None)
                continue
            restored = ChangedPaths(paths.paths, paths.unnamed)
            meanwhile = document._own_changes()
            if meanwhile is not None:
                for path in meanwhile.paths:
                    restored.mark(path)
                for name in meanwhile.unnamed:
                    restored.mark_unnamed(name)
            set_state(document, "_changes", restored)

    # Places

    def _field_of(self, key: str) -> Any:
        """Return the field of a name in the database, or None."""
        name = self._reverse_db_field_map.get(key)
        field = None if name is None else self._fields.get(name)
        if field is None and self._dynamic:
            field = self._dynamic_plan.fields.get(key)
        return field

    def _place(self, path: str) -> Place:
        """Return the dumped value of a path in this document."""
        key, *rest = path.split(".")
        field = self._field_of(key)
        if field is None and self._is_document:
            # Others may have marked a field by its Python name.
            field = self._fields.get(key)
        if field is None:
            return Place(key, MISSING, None, None)
        if type(self)._schema.own_dump:
            dumped = self.to_mongo(fields=[field.name]).get(key)
            return place_in_dump(field, key, dumped, rest)
        value = self._value_of(field.name, field)
        if not rest:
            return Place(
                key, dumped_value(field, value), field, default_of(self, field)
            )
        return place_inside(field, key, value, rest)


#: The marks of a loaded document of which nothing has changed.
EMPTY_PATHS = ChangedPaths()

#: What is taken from a document that has not changed.
NO_CHANGES = Changes([], {}, {})


def _collect_item(
    owner: ChangeTracking,
    prefix: str,
    path: str,
    field: Any,
    value: object,
    marked: set[str],
    found: list[Change],
    taken: Marks | None = None,
) -> bool:
    """Append what has changed inside a value; True if it is to be stored as a whole.

    :param owner: the document that holds the value.
    :param prefix: the path of that document, with a dot.
    :param path: the path of the value in that document.
    :param field: the field of the value; None for values of any type.
    :param marked: the paths that are marked in that document.
    """
    if isinstance(value, ChangeTracking):
        return not value._is_document and bool(
            value._collect(f"{prefix}{path}.", found, taken)
        )
    if not isinstance(value, (list, tuple, dict)):
        return False
    start = len(found)
    inner = None if field is None else field._inner
    for key, item in stored_items(value):
        if item.__class__ in UNNESTED or (
            isinstance(item, ChangeTracking) and item._is_untouched()
        ):
            continue
        if key.__class__ is not int and not is_nameable(key):
            if is_changed_inside(item):
                if taken is not None:
                    take_marks_inside(value, taken)
                return True
            continue
        inside = f"{path}.{key}"
        if inside in marked:
            if taken is not None:
                take_marks_inside([item], taken)
        elif _collect_item(owner, prefix, inside, inner, item, marked, found, taken):
            found.append(Change(prefix + inside, owner, inside))
    if field is None or len(found) == start:
        return False
    above = len(prefix) + len(path) + 1
    return bool(field._stores_whole(value, [c.path[above:] for c in found[start:]]))


def is_changed_inside(value: object) -> bool:
    """Return whether an embedded document has changed, or one inside a list or dict."""
    if isinstance(value, ChangeTracking):
        if value._is_document:
            return False
        found: list[Change] = []
        return bool(value._collect("", found)) or bool(found)
    if not isinstance(value, (list, tuple, dict)):
        return False
    return any(
        item.__class__ not in UNNESTED and is_changed_inside(item)
        for item in stored_values(value)
    )


def take_marks_inside(container: object, marks: Marks) -> None:
    """Move the marks of the embedded documents in a list or dict to `marks`."""
    for item in stored_values(container):
        if item.__class__ in UNNESTED:
            continue
        if isinstance(item, ChangeTracking):
            if not item._is_document and not item._is_untouched():
                item._take_marks(marks)
        elif isinstance(item, (list, tuple, dict)):
            take_marks_inside(item, marks)


def _outermost(changes: list[Change]) -> list[Change]:
    """Return the changes in order, each once, without those inside another one."""
    by_path: dict[str, Change] = {}
    for change in changes:
        by_path.setdefault(change.path, change)
    return [by_path[path] for path in without_inner(list(by_path))]
