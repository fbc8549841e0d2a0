"""Values that a write sets by itself: the time of a change, the number of a version.

A field that has such a value gives a `Stamp`; `Stamped` sets the stamps of a document
and of the embedded documents in it when a command is built, and gives the old values
back if the command fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from mongoengine.base.bson_types import UNNESTED
from mongoengine.base.field_paths import innermost
from mongoengine.base.items import stored_values
from mongoengine.base.sentinels import MISSING
from mongoengine.base.tracking import ChangeTracking, is_changed_inside
from mongoengine.base.types import PythonValue, RawDocument, RawMapping, RawValue
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from bson.codec_options import CodecOptions

    from mongoengine.base.state import DocumentState


__all__ = ("Moment", "Stamp", "Stamped", "note_stamp", "stamps_exist")

#: Whether any class has stamps; programs without any do not look for them.
_noted: list[str] = []


def note_stamp(name: str) -> None:
    """Remember that there are stamps."""
    _noted.append(name)


def stamps_exist() -> bool:
    """Return whether any field or class has a stamp."""
    return bool(_noted)


class Moment:
    """The time of one operation: the clock is read once, when it is first asked for.

    :param options: returns the options with which the documents are read: they say
        whether times have a zone
    """

    __slots__ = ("_options", "_utc")

    def __init__(
        self, options: Callable[[], CodecOptions[RawDocument]] | None = None
    ) -> None:
        self._options = options
        self._utc: datetime | None = None

    @property
    def utc(self) -> datetime:
        """The time in UTC, without a zone, to the microsecond."""
        if self._utc is None:
            self._utc = datetime.now(timezone.utc).replace(tzinfo=None)
        return self._utc

    @property
    def now(self) -> datetime:
        """The time as it will be read from the database: to the millisecond."""
        utc = self.utc
        now = utc.replace(microsecond=utc.microsecond // 1000 * 1000)
        options = None if self._options is None else self._options()
        if options is None or not options.tz_aware:
            return now
        return now.replace(tzinfo=timezone.utc).astimezone(
            options.tzinfo or timezone.utc
        )


class Stamp:
    """A value that a write of a document sets by itself.

    Values are as the document holds them.

    :param field: the field that it is a value of
    """

    __slots__ = ("field",)

    def __init__(self, field: Any) -> None:
        self.field = field

    def for_insert(self, value: PythonValue, moment: Moment) -> RawValue:
        """Return the value for a document that is inserted; MISSING to keep it."""
        return MISSING

    def for_update(self, value: PythonValue, moment: Moment) -> RawValue:
        """Return the value for a document that has changed; MISSING to keep it."""
        return MISSING

    def condition(self, document: DocumentState) -> RawMapping:
        """Return a filter that the stored document must match to be written.

        :raises OperationError: if the document was loaded without the field
        """
        return {}

    def is_loaded(self, document: DocumentState) -> bool:
        """Return whether `condition` can be worked out."""
        return True

    def change(self, moment: Moment) -> tuple[str, PythonValue] | None:
        """Return the operator and operand for an update by a query, or None."""
        return None

    def stored_on_insert(self, moment: Moment) -> RawValue:
        """Return the value to be stored where an upsert inserts; MISSING for none."""
        return MISSING

    def expression(self, path: str, moment: Moment) -> RawValue:
        """Return the value as an update pipeline computes it; MISSING for none."""
        change = self.change(moment)
        return MISSING if change is None else change[1]


class _Before(Record):
    """The value that a field had before it was stamped."""

    document: Any
    field: Any
    value: PythonValue
    stamped: object
    #: The field has been marked as changed for the stamp.
    marked: bool


class Stamped:
    """The stamps that one write has set, and the values that were there before.

    Used in a `with` statement, it gives these back if the block raises.
    """

    __slots__ = ("_before", "condition", "moment")

    def __init__(self, moment: Moment) -> None:
        self.moment = moment
        #: The filter that the stored document must match besides its key.
        self.condition: RawDocument = {}
        self._before: list[_Before] = []

    def insert(self, document: DocumentState, restored: bool = False) -> None:
        """Stamp a document that is inserted as a whole.

        :param restored: a write of it has just stored a part
        """
        self._note_condition(document)
        for stamp in type(document)._schema.stamps:
            if restored and stamp.condition(document):
                continue
            value = document._value_of(stamp.field.name, stamp.field)
            self._set(document, stamp, stamp.for_insert(value, self.moment), False)
        self._set_inside(document, mark=False)

    def update(self, document: Any) -> None:
        """Stamp a stored document, if it has changes, which are written."""
        if document._is_unmarked():
            self.insert(document)
        elif document._get_changed_fields():
            self._note_condition(document)
            for stamp in type(document)._schema.stamps:
                value = document._value_of(stamp.field.name, stamp.field)
                self._set(document, stamp, stamp.for_update(value, self.moment), True)
            self._set_inside(document, mark=True)

    def values(self, values: Iterable[object]) -> None:
        """Stamp the embedded documents in values that an update sets."""
        for value in values:
            self._walk(value, mark=False)

    def undo(self) -> None:
        """Give the fields their old values back, except those assigned since."""
        while self._before:
            document, field, value, stamped, marked = self._before.pop()
            if document._values.get(field.name, MISSING) is not stamped:
                continue
            if value is MISSING:
                del document._values[field.name]
            else:
                document._put(field.name, value)
            changes = document._own_changes() if marked else None
            if changes is not None and field.db_field in changes.paths:
                changes.paths.remove(field.db_field)

    def __enter__(self) -> Stamped:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.undo()

    def advance(self, document: DocumentState, stamp: Stamp) -> None:
        """Set the value that another write of the document has stored."""
        value = document._value_of(stamp.field.name, stamp.field)
        self._set(document, stamp, stamp.for_update(value, self.moment), False)

    def _note_condition(self, document: DocumentState) -> None:
        for stamp in type(document)._schema.stamps:
            self.condition.update(stamp.condition(document))

    def _set(self, document: Any, stamp: Stamp, value: PythonValue, mark: bool) -> None:
        if value is MISSING:
            return
        field = stamp.field
        before = document._values.get(field.name, MISSING)
        changes = document._own_changes()
        marked = mark and (changes is None or field.db_field not in changes.paths)
        document._put(field.name, value)
        if marked:
            document._mark_path(field.db_field)
        self._before.append(_Before(document, field, before, value, marked))

    def _set_inside(self, document: DocumentState, mark: bool) -> None:
        """Stamp the embedded documents of a document."""
        values = document._values
        if values:
            for name in type(document)._schema.stamped_inside:
                self._walk(values.get(name), mark)
            for name in document._dynamic_fields:
                self._walk(values.get(name), mark)

    def _walk(self, value: PythonValue, mark: bool) -> None:
        if value.__class__ in UNNESTED:
            return
        if isinstance(value, ChangeTracking):
            if not value._is_document:
                self._set_embedded(value, mark)
        elif isinstance(value, (list, tuple, dict)):
            for item in stored_values(value):
                self._walk(item, mark)

    def _set_embedded(self, document: DocumentState, mark: bool) -> None:
        """Stamp an embedded document, if it is new or has changed.

        A new one has been made by its constructor and has no value yet.
        """
        stamps = type(document)._schema.stamps
        changed = bool(stamps) and is_changed_inside(document)
        for stamp in stamps:
            value = document._value_of(stamp.field.name, stamp.field)
            if value is None and document._created:
                value = stamp.for_insert(value, self.moment)
            elif changed:
                value = stamp.for_update(value, self.moment)
            else:
                continue
            self._set(document, stamp, value, mark)
        self._set_inside(document, mark)


def stamps_of(fields: Mapping[str, Any]) -> tuple[Stamp, ...]:
    """Return the stamps of the fields of a class."""
    stamps = (field._stamp() for field in fields.values())
    return tuple(stamp for stamp in stamps if stamp is not None)


def names_inside(
    cls: type[DocumentState], nesting: Iterable[tuple[str, str, object]]
) -> tuple[str, ...]:
    """Return the names of the fields that may hold embedded documents with stamps."""
    return tuple(name for name, _, field in nesting if _may_hold(field, {cls}))


def _may_hold(field: Any, seen: set[object]) -> bool:
    field = innermost(field)
    embedded = field._embedded_class
    if embedded is None:
        # Of any class, or of one that is not registered yet.
        return bool(
            field._holds_any_embedded
            or field._is_container
            or field._takes_any_member
            or field._embeds
        )
    if embedded in seen:
        return False
    # A subclass may have stamps that its base does not have.
    return bool(embedded._meta.get("allow_inheritance")) or any(
        inner._stamp() is not None or _may_hold(inner, {*seen, embedded})
        for inner in embedded._fields.values()
    )
