"""Optimistic locking: `meta = {"version_field": "version"}`.

The version of a document counts its writes.  A document is only written as long as
the stored version is the one that it was loaded with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base.stamps import Moment, Stamp, note_stamp
from mongoengine.base.types import PythonValue, RawMapping, RawValue
from mongoengine.errors import InvalidDocumentError, OperationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mongoengine.base.field import BaseField
    from mongoengine.base.state import DocumentState


__all__ = ("check_version_field", "version_of")


class Version(Stamp):
    """The number of a document's writes."""

    __slots__ = ()

    def _is_blank(self, value: PythonValue) -> bool:
        """Return whether a document of this version may be stored without any."""
        return not value or bool(value == self.field.default)

    def for_insert(self, value: PythonValue, moment: Moment) -> RawValue:
        return (value or 1) if self._is_blank(value) else value + 1

    def for_update(self, value: PythonValue, moment: Moment) -> RawValue:
        return (value or 0) + 1

    def condition(self, document: DocumentState) -> RawMapping:
        """Return the filter for the version that the document was loaded with.

        :raises OperationError: if that has not been loaded
        """
        field = self.field
        if not self.is_loaded(document):
            raise OperationError(
                f'Could not write document (the version field "{field.name}" of this '
                f"{type(document).__name__} was not loaded: name it in only(), or "
                "call reload() before the changes)"
            )
        value = document._value_of(field.name, field)
        if field.db_field in (document._raw or ()) or not self._is_blank(value):
            return {field.db_field: value}
        return {field.db_field: {"$in": [None, value or 0]}}

    def is_loaded(self, document: Any) -> bool:
        field = self.field
        return (
            not document._partial
            or field.db_field in (document._raw or ())
            or not self._is_blank(document._values.get(field.name))
        )

    def change(self, moment: Moment) -> tuple[str, PythonValue] | None:
        return "$inc", 1

    def stored_on_insert(self, moment: Moment) -> int:
        return 1

    def expression(self, path: str, moment: Moment) -> dict[str, list[object]]:
        return {"$add": [{"$ifNull": [f"${path}", 0]}, 1]}


def version_of(
    cls: type[DocumentState], fields: Mapping[str, BaseField]
) -> tuple[Stamp, ...]:
    """Return the stamp of the version field of a class, if it has one."""
    if not cls._is_document:
        return ()
    field = fields.get(cls._meta.get("version_field", ""))
    return () if field is None else (Version(field),)


def check_version_field(cls: type[DocumentState]) -> None:
    """Raise an error if the version field that a class names cannot be one.

    :raises InvalidDocumentError: if there is no such field, or it is not for integers
    """
    name = cls._meta.get("version_field")
    if name is None:
        return
    field = cls._fields.get(name)
    if field is None:
        raise InvalidDocumentError(
            f'The version_field "{name}" of {cls.__name__} is none of its fields: '
            f'declare it, for example "{name} = IntField()"'
        )
    if not field._counts or field.primary_key:
        raise InvalidDocumentError(
            f'The version_field "{name}" of {cls.__name__} must be an IntField that is '
            f"no key, not {type(field).__name__}"
        )
    note_stamp(f"{cls.__name__}.{name}")
