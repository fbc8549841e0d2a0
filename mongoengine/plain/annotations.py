"""The Python type of a field, with its limits, as Pydantic takes annotations.

Only `pydantic_types` imports this module: it needs Pydantic.
"""

from __future__ import annotations

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from functools import singledispatch
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

from bson import ObjectId
from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)

from mongoengine import fields as f
from mongoengine.base.document import BaseDocument
from mongoengine.base.types import PassedOn
from mongoengine.plain.choices import choice_values

if TYPE_CHECKING:
    from typing import TypeAlias


__all__ = ("Annotation", "annotation", "is_required", "optional")

#: A type as pydantic takes it: a class, or what `typing` makes of classes.
Annotation: TypeAlias = Any

#: How a document class inside of another one is named.
Refer: TypeAlias = Callable[[type[BaseDocument]], Annotation]


def is_required(field: f.BaseField) -> bool:
    """Return whether a value has to be given for a field."""
    return bool(field.required and field.default is None and not field._auto_gen)


def annotation(field: f.BaseField, refer: Refer) -> Annotation:
    """Return the type of the values of a field, with its limits.

    :param refer: returns the type that stands for an embedded class
    """
    choices = field.choices
    if choices and not isinstance(field, f.EnumField):
        values = choice_values(choices)
        if all(isinstance(value, (str, int, bool, bytes)) for value in values):
            return Literal[tuple(values)]
    return _type_of(field, refer)


def limited(base: Annotation, **limits: PassedOn) -> Annotation:
    """Return a type with those limits that are set."""
    chosen = {name: limit for name, limit in limits.items() if limit is not None}
    return Annotated[base, Field(**chosen)] if chosen else base


@singledispatch
def _type_of(field: object, refer: Refer) -> Annotation:
    return Any


@_type_of.register(f.StringField)
def _(field: Any, refer: Refer) -> Annotation:
    pattern = field.regex.pattern if isinstance(field.regex, re.Pattern) else None
    base = limited(str, max_length=field.max_length, min_length=field.min_length)
    if pattern is not None and not isinstance(field, (f.URLField, f.EmailField)):
        # The field matches at the beginning, in the language of Python's `re`.
        flags = field.regex.flags & (re.IGNORECASE | re.MULTILINE | re.DOTALL)
        if not flags:
            anchored = pattern if pattern.startswith("^") else f"^(?:{pattern})"
            return Annotated[base, StringConstraints(pattern=anchored)]
    return base


@_type_of.register(f.IntField)
def _(field: f.IntField, refer: Refer) -> Annotation:
    return limited(int, ge=field.min_value, le=field.max_value)


@_type_of.register(f.FloatField)
def _(field: f.FloatField, refer: Refer) -> Annotation:
    return limited(float, ge=field.min_value, le=field.max_value)


@_type_of.register(f.DecimalField)
def _(field: f.DecimalField, refer: Refer) -> Annotation:
    return limited(decimal.Decimal, ge=field.min_value, le=field.max_value)


@_type_of.register(f.Decimal128Field)
def _(field: f.Decimal128Field, refer: Refer) -> Annotation:
    return limited(decimal.Decimal, ge=field.min_value, le=field.max_value)


@_type_of.register(f.SequenceField)
def _(field: f.SequenceField, refer: Refer) -> Annotation:
    return int if field.value_decorator is int else Any


@_type_of.register(f.ListField)
def _(field: f.ListField, refer: Refer) -> Annotation:
    item = Any if field.field is None else annotation(field.field, refer)
    return limited(list[item], max_length=field.max_length)  # type: ignore[valid-type]


@_type_of.register(f.DictField)
def _(field: f.DictField, refer: Refer) -> Annotation:
    item = Any if field.field is None else annotation(field.field, refer)
    return dict[str, item]  # type: ignore[valid-type]


@_type_of.register(f.EmbeddedDocumentField)
def _(field: f.EmbeddedDocumentField[Any], refer: Refer) -> Annotation:
    return refer(field.document_type)


@_type_of.register(f.EnumField)
def _(field: f.EnumField[Any], refer: Refer) -> Annotation:
    return field._enum_cls


@_type_of.register(f.ReferenceField)
def _(field: f.ReferenceField, refer: Refer) -> Annotation:
    return _key_type(field.document_type, refer)


@_type_of.register(f.LazyReferenceField)
def _(field: f.LazyReferenceField, refer: Refer) -> Annotation:
    return _key_type(field.document_type, refer)


def _key_type(cls: type[BaseDocument], refer: Refer) -> Annotation:
    """Return the type of keys of a class; a nested document is taken for its key."""
    name = cls._meta["id_field"]

    def key_of(value: object) -> Annotation:
        return value.get(name) if isinstance(value, dict) else value

    return Annotated[annotation(cls._fields[name], refer), BeforeValidator(key_of)]


def _fixed(result: object) -> Callable[[object, Refer], Annotation]:
    return lambda field, refer: result


def object_id_type() -> Annotation:
    """Return the type of ObjectIds: one, or its 24 hexadecimal digits."""

    def read(value: object) -> ObjectId:
        try:
            return value if isinstance(value, ObjectId) else ObjectId(str(value))
        except Exception as error:
            raise ValueError(str(error)) from None

    schema = {"type": "string", "pattern": "^[0-9a-fA-F]{24}$"}
    return Annotated[
        ObjectId,
        PlainValidator(read),
        PlainSerializer(str, when_used="json"),
        WithJsonSchema(schema),
    ]


_type_of.register(f.ObjectIdField, lambda field, refer: object_id_type())


def optional(base: object) -> Annotation:
    """Return a type that takes None, too."""
    return Optional[base]  # noqa: UP045


for _field_class, _python_type in {
    f.BooleanField: bool,
    f.DateTimeField: datetime.datetime,
    f.ComplexDateTimeField: datetime.datetime,
    f.DateField: datetime.date,
    f.UUIDField: uuid.UUID,
    f.BinaryField: bytes,
}.items():
    _type_of.register(_field_class, _fixed(_python_type))
