"""Make documents of plain dicts."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Mapping
from functools import singledispatch
from typing import Any, TypeVar

from bson import DBRef

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.document import BaseDocument
from mongoengine.base.references import key_field
from mongoengine.base.types import PythonValue
from mongoengine.errors import FieldDoesNotExist, ValidationError
from mongoengine.fields import (
    BinaryField,
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    DictField,
    EmbeddedDocumentField,
    GenericEmbeddedDocumentField,
    GenericReferenceField,
    ListField,
    ReferenceField,
)

__all__ = ("from_dict",)

B = TypeVar("B", bound=BaseDocument)


def from_dict(cls: type[B], data: Mapping[str, object], by_alias: bool) -> B:
    """Return a new document of a plain dict; see `PlainData.from_dict`."""
    if not isinstance(data, Mapping):
        raise ValidationError(
            f"{cls.__name__}.from_dict() takes a mapping, not {type(data).__name__}"
        )
    names = cls._reverse_db_field_map if by_alias else {}
    values = {}
    for key, value in data.items():
        name = names.get(key, key)
        field = cls._fields.get(name)
        if field is None and name not in ("pk", "id") and not cls._dynamic:
            raise FieldDoesNotExist(f'{cls.__name__} has no field "{key}"')
        if field is not None and value is not None:
            value = _from_plain(field, value, by_alias)
        values[name] = value
    return cls(**values)


@singledispatch
def _from_plain(field: object, value: object, by_alias: bool) -> PythonValue:
    """Return what the constructor of a document takes for a plain value."""
    return value


@_from_plain.register(BinaryField)
def _(field: BinaryField, value: object, by_alias: bool) -> PythonValue:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        field.error(f"Not base64: {error}")


@_from_plain.register(DateTimeField)
def _(field: DateTimeField, value: object, by_alias: bool) -> PythonValue:
    """Read ISO 8601, which every Python version does, dateutil or not."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return value
    return moment.date() if isinstance(field, DateField) else moment


@_from_plain.register(ComplexDateTimeField)
def _(field: ComplexDateTimeField, value: object, by_alias: bool) -> PythonValue:
    if not isinstance(value, str) or "T" not in value:
        return value
    return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


@_from_plain.register(EmbeddedDocumentField)
def _(field: EmbeddedDocumentField[Any], value: object, by_alias: bool) -> PythonValue:
    if not isinstance(value, Mapping):
        return value
    return from_dict(field.document_type, value, by_alias)


@_from_plain.register(GenericEmbeddedDocumentField)
def _(
    field: GenericEmbeddedDocumentField, value: object, by_alias: bool
) -> PythonValue:
    if not isinstance(value, Mapping) or "_cls" not in value:
        return value
    rest = {key: item for key, item in value.items() if key != "_cls"}
    return from_dict(_DocumentRegistry.get(value["_cls"]), rest, by_alias)


@_from_plain.register(ListField)
def _(field: ListField, value: object, by_alias: bool) -> PythonValue:
    inner = field.field
    if inner is None or not isinstance(value, (list, tuple)):
        return value
    return [_from_plain(inner, item, by_alias) for item in value]


@_from_plain.register(DictField)
def _(field: DictField, value: object, by_alias: bool) -> PythonValue:
    inner = field.field
    if inner is None or not isinstance(value, Mapping):
        return value
    return {key: _from_plain(inner, item, by_alias) for key, item in value.items()}


@_from_plain.register(ReferenceField)
def _(field: ReferenceField, value: object, by_alias: bool) -> PythonValue:
    """Take a key, or a nested document, of which the key counts."""
    cls = field.document_type
    if isinstance(value, Mapping):
        key = cls._meta["id_field"]
        value = value.get(cls._fields[key].db_field if by_alias else key)
    if isinstance(value, (BaseDocument, DBRef)) or value is None:
        return value
    return DBRef(cls._get_collection_name() or "", key_field(cls).to_python(value))


@_from_plain.register(GenericReferenceField)
def _(field: GenericReferenceField, value: object, by_alias: bool) -> PythonValue:
    if not isinstance(value, Mapping) or isinstance(value.get("_ref"), DBRef):
        return value
    cls = _DocumentRegistry.get(str(value.get("_cls")))
    key = key_field(cls).to_python(value["_ref"])
    reference = DBRef(cls._get_collection_name(), key)
    return {"_cls": cls._class_name, "_ref": reference}
