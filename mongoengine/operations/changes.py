"""`Change`: one event of a change stream, with the names and values of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mongoengine.base.common import class_named_in
from mongoengine.base.sentinels import MISSING
from mongoengine.query.events import AFTER, BEFORE

if TYPE_CHECKING:
    import datetime

    from bson.timestamp import Timestamp

    from mongoengine.base.document import BaseDocument
    from mongoengine.base.field import BaseField
    from mongoengine.driver.types import RawDocument, RawMapping, RawValue

__all__ = ("Change", "Reading")

D = TypeVar("D")
R = TypeVar("R", covariant=True)


class Reading(Protocol[R]):
    """Makes documents of the events of a change stream."""

    def class_of(self, event: RawDocument) -> type[BaseDocument] | None:
        """Return the document class of an event, or None."""

    def document(self, event: RawDocument, raw: RawDocument) -> R:
        """Return the document of an event, or its before image."""


class Change(Generic[D]):
    """One event of a change stream.

    Documents and values are converted when they are first asked for, so that bad data
    raises there, and the stream goes on.

    https://www.mongodb.com/docs/manual/reference/change-events/
    """

    __slots__ = ("_after", "_before", "_reading", "raw")

    def __init__(self, raw: RawDocument, reading: Reading[D]) -> None:
        #: The event as MongoDB sent it.
        self.raw = raw
        self._reading = reading
        self._after: D | None = MISSING
        self._before: D | None = MISSING

    def __repr__(self) -> str:
        return f"<Change: {self.operation} of {self.collection} {self.key!r}>"

    @property
    def operation(self) -> str:
        """Return what happened: `insert`, `update`, `replace`, `delete`, ...

        Others, such as `drop`, `rename` and `invalidate`, are about a collection.
        """
        operation: str = self.raw["operationType"]
        return operation

    @property
    def resume_token(self) -> RawDocument:
        """Return the place of this change: store it, and pass it as `resume_after`.

        That of an `invalidate` is for `start_after`.
        """
        token: RawDocument = self.raw["_id"]
        return token

    @property
    def document(self) -> D | None:
        """Return the document as it is after the change.

        None after a delete, for changes of a collection, and where a document was
        deleted before MongoDB looked it up.  For an update it may have been changed
        again since.

        :raises InvalidDocumentError: if it does not fit its class
        :raises FieldDoesNotExist: if its class has no such field, and is strict
        """
        if self._after is MISSING:
            self._after = self._read(AFTER)
        return self._after

    @property
    def document_before(self) -> D | None:
        """Return the document as it was before the change, or None.

        This requires `watch(full_document_before_change="whenAvailable")`, and a
        collection with `changeStreamPreAndPostImages`.
        """
        if self._before is MISSING:
            self._before = self._read(BEFORE)
        return self._before

    def _read(self, place: str) -> D | None:
        raw = self.raw.get(place)
        return None if raw is None else self._reading.document(self.raw, raw)

    @property
    def key(self) -> RawValue:
        """Return the primary key of the document; None for changes of a collection."""
        key = self.raw.get("documentKey", {}).get("_id")
        cls = self.document_class
        field = None if cls is None else cls._fields.get(cls._meta["id_field"])
        return key if field is None or key is None else _converted(field, key)

    @property
    def document_class(self) -> type[BaseDocument] | None:
        """Return the class of the document; None if there is none."""
        return self._reading.class_of(self.raw)

    @property
    def updated_fields(self) -> RawDocument:
        """Return what an update has set: values by names such as `author.name`.

        Names are those of the fields, with positions and keys: `comments.0.text`.
        References are given by their keys.  Empty for all but updates.
        """
        updated = self._described("updatedFields", {})
        fields = {}
        for path, value in updated.items():
            name, field = self._field_at(path)
            fields[name] = value if field is None else _converted(field, value)
        return fields

    @property
    def removed_fields(self) -> list[str]:
        """Return the names of the fields that an update has removed."""
        return [
            self._field_at(path)[0] for path in self._described("removedFields", ())
        ]

    @property
    def truncated_arrays(self) -> dict[str, int]:
        """Return the new lengths of lists that an update has shortened, by name."""
        return {
            self._field_at(each["field"])[0]: each["newSize"]
            for each in self._described("truncatedArrays", ())
        }

    def _field_at(self, path: str) -> tuple[str, BaseField[RawValue] | None]:
        """Return the name of a database path, and the field that it leads to."""
        cls = self.document_class
        return (path, None) if cls is None else cls._field_stored_at(path)

    def _described(self, part: str, otherwise: RawValue) -> RawValue:
        return (self.raw.get("updateDescription") or {}).get(part) or otherwise

    @property
    def collection(self) -> str | None:
        """Return the name of the collection, if the change is about one."""
        name: str | None = self.raw.get("ns", {}).get("coll")
        return name

    @property
    def cluster_time(self) -> Timestamp | None:
        """Return the time of the change as the server counts it."""
        time: Timestamp | None = self.raw.get("clusterTime")
        return time

    @property
    def time(self) -> datetime.datetime | None:
        """Return the date and time of the change (MongoDB 6.0 and later), in UTC."""
        time: datetime.datetime | None = self.raw.get("wallTime")
        return time


def _converted(field: BaseField[RawValue], value: object) -> RawValue:
    """Return a stored value as documents have it; references stay keys."""
    inner: BaseField[RawValue] | None = field
    while inner is not None:
        if inner._is_reference:
            return value
        inner = inner._inner
    return None if value is None else field.to_python(value)


def named_class(cls: type[BaseDocument], event: RawMapping) -> type[BaseDocument]:
    """Return the class that the document of an event names, or `cls`."""
    for place in (AFTER, BEFORE):
        named: type[BaseDocument] | None = class_named_in(event.get(place) or {})
        if named is not None:
            return named
    return cls
