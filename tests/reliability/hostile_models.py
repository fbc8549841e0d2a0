"""Models with every field, and the results of storing a value in them.

Imported by the tests, and run with MongoEngine's release as a child process of its
own, which answers requests in BSON on standard input with answers on standard output:

    PYTHONPATH=.oracle python tests/reliability/hostile_models.py
"""

from __future__ import annotations

import enum
import re
import struct
import sys
import warnings
from typing import Any, BinaryIO

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

import mongoengine as me
from mongoengine.queryset import transform

OPTIONS: CodecOptions[Any] = CodecOptions(
    uuid_representation=bson.UuidRepresentation.STANDARD,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class HostilePart(me.EmbeddedDocument):
    text = me.StringField(db_field="t")
    number = me.IntField()
    anything = me.DynamicField()


class HostileBase(me.EmbeddedDocument):
    name = me.StringField()
    meta = {"allow_inheritance": True}


class HostileChild(HostileBase):
    more = me.ListField(me.IntField())


class HostileOpen(me.DynamicEmbeddedDocument):
    pass


class HostileTarget(me.Document):
    name = me.StringField()
    meta = {"collection": "hostile_target"}


#: A field of each class, by name.
FIELDS: dict[str, Any] = {
    "string": me.StringField(max_length=20),
    "url": me.URLField(),
    "email": me.EmailField(),
    "integer": me.IntField(min_value=-5),
    "float": me.FloatField(),
    "decimal": me.DecimalField(precision=2),
    "decimal128": me.Decimal128Field(),
    "boolean": me.BooleanField(),
    "datetime": me.DateTimeField(),
    "date": me.DateField(),
    "complex_datetime": me.ComplexDateTimeField(),
    "object_id": me.ObjectIdField(),
    "uuid": me.UUIDField(),
    "old_uuid": me.UUIDField(binary=False),
    "binary": me.BinaryField(max_bytes=10),
    "enumeration": me.EnumField(Colour),
    "choice": me.StringField(choices=("a", "b")),
    "dynamic": me.DynamicField(),
    "part": me.EmbeddedDocumentField(HostilePart),
    "inherited": me.EmbeddedDocumentField(HostileBase),
    "open": me.EmbeddedDocumentField(HostileOpen),
    "any_part": me.GenericEmbeddedDocumentField(),
    "parts": me.EmbeddedDocumentListField(HostilePart),
    "list": me.ListField(),
    "strings": me.ListField(me.StringField()),
    "integers": me.ListField(me.IntField()),
    "sorted": me.SortedListField(me.IntField()),
    "lists": me.ListField(me.ListField(me.FloatField())),
    "dict": me.DictField(),
    "map": me.MapField(me.IntField()),
    "map_of_parts": me.MapField(me.EmbeddedDocumentField(HostilePart)),
    "reference": me.ReferenceField(HostileTarget),
    "dbref": me.ReferenceField(HostileTarget, dbref=True),
    "lazy": me.LazyReferenceField(HostileTarget),
    "generic": me.GenericReferenceField(),
    "generic_lazy": me.GenericLazyReferenceField(),
    "references": me.ListField(me.ReferenceField(HostileTarget)),
    "sequence": me.SequenceField(),
    "geo_point": me.GeoPointField(),
    "point": me.PointField(),
    "line": me.LineStringField(),
    "polygon": me.PolygonField(),
    "multi_point": me.MultiPointField(),
}
#: Whose values are documents of other collections, which are loaded when read.
FOLLOWED = frozenset(("reference", "dbref", "generic", "references", "dynamic", "list"))

MODELS: dict[str, Any] = {
    name: type(
        f"Hostile_{name}",
        (me.Document,),
        {"value": field, "meta": {"collection": f"hostile_{name}"}},
    )
    for name, field in FIELDS.items()
}


class HostileDynamic(me.DynamicDocument):
    meta = {"collection": "hostile_dynamic"}


MODELS["a dynamic document"] = HostileDynamic


def load(name: str, raw: dict[str, Any]) -> Any:
    """Load a document, read its field, and dump it."""
    document = MODELS[name]._from_son(raw)
    if name not in FOLLOWED and name in FIELDS:
        document.value
    return document.to_mongo()


def validate(name: str, raw: dict[str, Any]) -> Any:
    """Load a document and validate it."""
    MODELS[name]._from_son(raw).validate()
    return True


def assign(name: str, raw: dict[str, Any]) -> Any:
    """Make a document of a raw value, validate and dump it."""
    document = MODELS[name](value=raw["value"])
    document.validate()
    return document.to_mongo()


def query(name: str, raw: dict[str, Any]) -> Any:
    """Compile keyword conditions."""
    return transform.query(MODELS[name], **raw)


def update(name: str, raw: dict[str, Any]) -> Any:
    """Compile keyword updates."""
    return transform.update(MODELS[name], **raw)


def parse(name: str, raw: dict[str, Any]) -> Any:
    """Make a document of JSON, and dump it."""
    return MODELS[name].from_json(raw["json"]).to_mongo()


ACTIONS = {
    each.__name__: each for each in (load, validate, assign, query, update, parse)
}


def outcome(action: str, name: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the class of the error, or the result as MongoDB would get it."""
    try:
        result = ACTIONS[action](name, raw)
    except RecursionError:
        return {"error": "RecursionError"}
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)[:200]}
    try:
        # As it is encoded; compiled patterns, too.
        return {
            "result": bson.decode(
                bson.encode({"_": result}, codec_options=OPTIONS), OPTIONS
            )["_"]
        }
    except Exception as error:
        return {"unencodable": type(error).__name__}


def answer(stdin: BinaryIO, stdout: BinaryIO) -> None:
    """Answer requests until there are no more."""
    while header := stdin.read(4):
        (size,) = struct.unpack("<i", header)
        request = bson.decode(header + stdin.read(size - 4), OPTIONS)
        reply = outcome(request["action"], request["name"], request["raw"])
        stdout.write(bson.encode(reply, codec_options=OPTIONS))
        stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    re.purge()
    answer(sys.stdin.buffer, sys.stdout.buffer)
