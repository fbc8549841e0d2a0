"""`$jsonSchema` of document classes: what MongoDB checks of every write.

It accepts what the class saves.  Where it is not known what that is (fields with
conversions of their own, patterns that MongoDB reads differently), it accepts anything.

https://www.mongodb.com/docs/manual/core/schema-validation/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import singledispatch
from typing import Any

from mongoengine import fields as f
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.document import BaseDocument
from mongoengine.base.field import BaseField, ObjectIdField
from mongoengine.base.overrides import library_methods, plain_methods
from mongoengine.base.references import key_field
from mongoengine.base.types import RawDocument
from mongoengine.plain.choices import choice_values

__all__ = ("collection_schema", "document_schema")

Schema = RawDocument
#: The classes around a field, from the outermost.
Around = tuple[type[BaseDocument], ...]

#: A pattern with nothing that Python and MongoDB read in two ways.
_PLAIN_PATTERN = re.compile(r"(?:[^\\()]|\\[^A-Za-z0-9]|\((?!\?)|\))*", re.ASCII)

_NUMBER = ("double", "int", "long")


def collection_schema(classes: Iterable[type[BaseDocument]]) -> Schema:
    """Return the `$jsonSchema` of a collection, in which documents of classes are.

    :param classes: the classes; those below them count, too
    """
    names = dict.fromkeys(name for cls in classes for name in cls._subclasses)
    members = [_DocumentRegistry.get(name) for name in names]
    schemas = [document_schema(cls) for cls in members if not cls._meta.get("abstract")]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def document_schema(cls: type[BaseDocument], around: Around = ()) -> Schema:
    """Return the schema of documents of exactly one class."""
    if not library_methods(cls, "to_mongo"):
        return {}
    inside = (*around, cls)
    properties: Schema = {}
    required: list[str] = []
    for name in cls._fields_ordered:
        field = cls._fields[name]
        key = field.db_field
        if name == "_cls":
            properties[key] = {"enum": [cls._class_name]}
        else:
            properties[key] = field_schema(field, inside)
        if name == "_cls" or _is_always_stored(field):
            required.append(key)
    if cls._meta.get("allow_inheritance") and "_cls" not in properties:
        properties["_cls"] = {"enum": [cls._class_name]}
        required.append("_cls")
    schema: Schema = {"bsonType": "object", "properties": properties}
    if required:
        schema["required"] = sorted(required)
    if cls._is_document:
        properties.setdefault("_id", {})
    if not cls._dynamic and cls._meta.get("strict", True):
        schema["additionalProperties"] = False
    else:
        schema["additionalProperties"] = True
    return schema


def _is_always_stored(field: BaseField) -> bool:
    """Return whether every valid document has a value other than null stored."""
    return bool(field.required and not field.null) and plain_methods(type(field))


def field_schema(field: BaseField, around: Around) -> Schema:
    """Return the schema of the stored values of a field."""
    if not plain_methods(type(field)):
        return {}
    schema = _schema_of(field, around)
    choices = _stored_choices(field)
    if choices:
        schema = {"enum": choices}
    if field.null:
        return _or_null(schema)
    return schema


def _stored_choices(field: BaseField) -> list[object]:
    """Return the values that may be stored, if they are known; otherwise nothing."""
    choices = field.choices
    if not choices or not isinstance(field, (f.StringField, f.IntField, f.FloatField)):
        return []
    return [field.to_mongo(value) for value in choice_values(choices)]


def _or_null(schema: Schema) -> Schema:
    """Return a schema that accepts null, too."""
    if not schema:
        return schema
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None]}
    types = schema.get("bsonType")
    if types is None:
        return {"anyOf": [schema, {"bsonType": "null"}]}
    names = [types] if isinstance(types, str) else types
    return {**schema, "bsonType": [*names, "null"]}


def _typed(*types: str, **limits: object) -> Schema:
    chosen = {name: limit for name, limit in limits.items() if limit is not None}
    return {"bsonType": types[0] if len(types) == 1 else [*types], **chosen}


@singledispatch
def _schema_of(field: BaseField, around: Around) -> Schema:
    return {}


@_schema_of.register(f.StringField)
def _(field: f.StringField[Any], around: Around) -> Schema:
    limits = {"maxLength": field.max_length, "minLength": field.min_length}
    return _typed("string", pattern=_pattern(field), **limits)


def _pattern(field: Any) -> str | None:
    """Return the pattern that texts match at their beginning, if MongoDB reads it so.

    Classes such as `\\w` are about Unicode in Python, and about ASCII in MongoDB.
    """
    regex = field.regex
    others = isinstance(field, (f.URLField, f.EmailField))
    if others or not isinstance(regex, re.Pattern):
        return None
    if regex.flags & ~re.UNICODE or not _PLAIN_PATTERN.fullmatch(regex.pattern):
        return None
    return f"^(?:{regex.pattern})"


@_schema_of.register(f.IntField)
def _(field: f.IntField[Any], around: Around) -> Schema:
    return _typed("int", "long", minimum=field.min_value, maximum=field.max_value)


@_schema_of.register(f.FloatField)
def _(field: f.FloatField[Any], around: Around) -> Schema:
    return _typed(*_NUMBER, minimum=field.min_value, maximum=field.max_value)


@_schema_of.register(f.DecimalField)
def _(field: f.DecimalField[Any], around: Around) -> Schema:
    # It is rounded when it is stored, so that it may pass its own limits.
    return _typed("string") if field.force_string else _typed(*_NUMBER)


@_schema_of.register(f.UUIDField)
def _(field: f.UUIDField[Any], around: Around) -> Schema:
    return _typed("binData" if field._binary else "string")


@_schema_of.register(f.EnumField)
def _(field: f.EnumField[Any], around: Around) -> Schema:
    values = [member.value for member in field._enum_cls]
    plain = all(isinstance(value, (str, int, float)) for value in values)
    return {"enum": values} if plain else {}


@_schema_of.register(f.SequenceField)
def _(field: f.SequenceField[Any], around: Around) -> Schema:
    return _typed("int", "long") if field.value_decorator is int else {}


@_schema_of.register(f.ListField)
def _(field: f.ListField[Any], around: Around) -> Schema:
    items = None if field.field is None else _or_null(field_schema(field.field, around))
    return _typed("array", items=items or None, maxItems=field.max_length)


@_schema_of.register(f.DictField)
def _(field: f.DictField[Any], around: Around) -> Schema:
    inner = field.field
    items = None if inner is None else _or_null(field_schema(inner, around))
    return _typed("object", additionalProperties=items or None)


@_schema_of.register(f.EmbeddedDocumentField)
def _(field: f.EmbeddedDocumentField[Any], around: Around) -> Schema:
    cls = field.document_type
    if any(issubclass(outer, cls) for outer in around):
        # They may be nested without end, and `$jsonSchema` has no `$ref`.
        return _typed("object")
    classes = [_DocumentRegistry.get(name) for name in cls._subclasses]
    schemas = [document_schema(each, around) for each in classes]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _key_schema(field: Any, around: Around) -> Schema:
    """Return the schema of a reference that is stored as a key of its class.

    MongoDB takes a DBRef for a document; some compatible servers do not.
    """
    cls = field.document_type
    key = key_field(cls)
    if field.dbref or key._embedded_class is not None or key._is_reference:
        return {}
    types = field_schema(key, around).get("bsonType")
    return {} if types is None else {"bsonType": types}


_schema_of.register(f.ReferenceField, _key_schema)
_schema_of.register(f.LazyReferenceField, _key_schema)


def _fixed(*types: str) -> Callable[[object, Around], Schema]:
    return lambda field, around: _typed(*types)


for _field_class, _types in {
    ObjectIdField: ("objectId",),
    f.BooleanField: ("bool",),
    f.DateTimeField: ("date",),
    f.ComplexDateTimeField: ("string",),
    f.Decimal128Field: ("decimal",),
    f.BinaryField: ("binData",),
    f.GeoPointField: ("array",),
    f.GeoJsonBaseField: ("object",),
    f.CachedReferenceField: ("object",),
    f.GenericReferenceField: ("object",),
    f.GenericLazyReferenceField: ("object",),
    f.GenericEmbeddedDocumentField: ("object",),
}.items():
    _schema_of.register(_field_class, _fixed(*_types))
