"""Dumping documents as MongoDB stores them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bson import SON

from mongoengine.base.bson_types import UNCHANGED
from mongoengine.base.dump_plans import new_son
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import EMPTY, DocumentState
from mongoengine.base.types import RawDocument, RawValue

if TYPE_CHECKING:
    from mongoengine.base.tracking import Marks

__all__ = ("DocumentDumping",)


class DocumentDumping(DocumentState):
    """The part of a document class that dumps documents."""

    if not TYPE_CHECKING:
        __slots__ = ()
    else:

        def _take_marks(self, marks: Marks) -> None: ...
        def _take_own_marks(self, marks: Marks) -> None: ...

    def to_mongo(
        self, use_db_field: bool = True, fields: Iterable[str] | None = None
    ) -> SON[str, RawValue]:
        """Return the form that MongoDB stores.

        :param use_db_field: name the values as the database does.
        :param fields: only these fields; paths into embedded documents allowed.
        """
        if fields or not use_db_field:
            return self._dump(use_db_field, list(fields or ()))
        schema = type(self)._schema
        if self._values is EMPTY and self._raw is not None:
            dump = schema.stored_like or schema.dump_by_shape
            dumped: SON[str, RawValue] | None = dump(self._raw)
            if dumped is not None:
                return dumped
        if schema.dump_values is not None:
            dumped_values: SON[str, RawValue] = schema.dump_values(self)
            return dumped_values
        data = self._dump_fields()
        # As `new_son` does it, without the call.
        son: SON[str, RawValue] = dict.__new__(SON)
        dict.update(son, data)
        son._SON__keys = [*data]  # type: ignore[attr-defined]
        return son

    def _dump_any(self) -> SON[str, RawValue]:
        """Return what `to_mongo` gives, whichever fields have a value."""
        return new_son(self._dump_fields())

    def _dump(self, use_db_field: bool, fields: list[str]) -> SON[str, RawValue]:
        data: RawDocument = {"_id": None, "_cls": self._class_name}
        roots = {path.partition(".")[0] for path in fields}
        for name in self:
            if roots and name not in roots:
                continue
            field = self._fields.get(name)
            if field is None:
                field = self._dynamic_fields.get(name)
            value = self._value_of(name, field)
            if value is not None and value.__class__ not in field._dumps_unchanged:
                inside = [
                    p[len(name) + 1 :] for p in fields if p.startswith(name + ".")
                ]
                value = field._to_mongo_safe_call(value, use_db_field, inside)
            if value is None and field._auto_gen:
                value = field.generate()
                self._put(name, value)
            if value is not None or field.null:
                data[field.db_field if use_db_field else field.name] = value
        return new_son(self._finished(data))

    def _to_wire(self, marks: Marks) -> RawDocument:
        """Return what `to_mongo` gives, as plain dicts, to be encoded and not kept.

        Lists and dicts of plain data are those of the document itself, and so is the
        dict of an embedded document that is stored as it is.

        :param marks: the marks of this document and of embedded ones are moved there.
        """
        dumped: RawDocument = type(self)._schema.wire(self, marks)
        return dumped

    def _dump_fields(self, marks: Marks | None = None) -> RawDocument:
        """Dump all values by their database names, by way of `_wire` or `to_mongo`.

        :param marks: where `_wire` moves the marks of embedded documents.
        """
        schema = type(self)._schema
        data: RawDocument = {"_id": None} if schema.may_have_id else {}
        if self._meta.get("allow_inheritance"):
            data["_cls"] = self._class_name
        values, raw = self._values, self._raw
        for name, key, field, unchanged, both, special in schema.dumpers:
            value = values.get(name, MISSING)
            if value is MISSING:
                if raw is not None:
                    value = raw.get(key)
                    if type(value) in both:
                        data[key] = value
                        continue
                    dump = None if value is None else schema.codec(name).dump
                    dumped = None if dump is None else dump(value)
                    if dumped is not None:
                        data[key] = dumped
                        continue
                value = self._touch(field)
                values = self._values
            if type(value) in unchanged:
                data[key] = value
            elif value is not None:
                if marks is None:
                    value = field._dump_value(value)
                else:
                    value = field._wire(value, marks)
                if value is not None or field.null:
                    data[key] = value
            elif special:
                self._dump_special(field, data)
        if self._dynamic:
            self._dump_dynamic(data)
        if "_cls" in data and not self._meta.get("allow_inheritance"):
            del data["_cls"]
        if schema.may_have_id and data["_id"] is None:
            if schema.id_name != "id":
                return self._with_id(data)
            # The loop has read it already: the document has none.
            del data["_id"]
        return data

    def _dump_dynamic(self, data: RawDocument) -> None:
        """Dump the fields that the class does not define."""
        values = self._values
        for name, field in self._dynamic_plan.fields.items():
            value = values.get(name)
            if value.__class__ not in UNCHANGED:
                value = field._dump_value(value)
            if value is not None or field.null:
                data[field.db_field] = value

    def _dump_special(self, field: Any, data: RawDocument) -> None:
        """Dump a field without a value that makes its own, or stores a null."""
        value = None
        if field._auto_gen:
            value = field.generate()
            self._put(field.name, value)
        if value is not None or field.null:
            data[field.db_field] = value

    def _finished(self, data: RawDocument) -> RawDocument:
        """Complete a dump: without the `_id` and `_cls` that it does not need."""
        if not self._meta.get("allow_inheritance"):
            del data["_cls"]
        return self._with_id(data)

    def _with_id(self, data: RawDocument) -> RawDocument:
        """Return a dump with its `_id`, or without one where the document has none."""
        if data["_id"] is None:
            id_value = None
            if self._is_document:
                id_value = self._value_of("id", self._fields.get("id"))
            if id_value is None:
                del data["_id"]
            else:
                data["_id"] = id_value
        return data
