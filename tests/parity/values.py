"""The results of scenarios as JSON that two processes can compare."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

import bson
from bson import DBRef, Decimal128, Int64, ObjectId, Regex, Timestamp
from bson.code import Code
from bson.max_key import MaxKey
from bson.min_key import MinKey

from . import explained

__all__ = ("Canon",)

_HEX_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")
_HOST = re.compile(r"\b(?:localhost|127\.0\.0\.1)\b")
_FIELD_MODULE = re.compile(r"\bmongoengine\.fields\.[a-z]+(?=\.)")
_TRACKED = frozenset(("BaseList", "BaseDict", "EmbeddedDocumentList"))
_RECENT = 3600.0
_MAX_DEPTH = 40


class Canon:
    """Turns values into JSON; one per scenario, as it numbers what it replaces.

    Ids made while the scenario ran become `id-1`, `id-2`... in order of
    appearance; ids written in the scenario stay as they are.
    """

    def __init__(self, replacements: Mapping[str, str] | None = None) -> None:
        self.replacements = dict(replacements or {})
        self.started = time.time()
        self._ids: dict[str, str] = {}
        self._document: type | None = None
        self._field: type | None = None
        self._in_document = 0

    def know(self, document: type, field: type) -> None:
        """Documents of this base are shown by class and `_data`, fields by name."""
        self._document = document
        self._field = field

    def text(self, value: str) -> str:
        for old, new in self.replacements.items():
            value = value.replace(old, new)
        value = _HOST.sub("HOST", value)
        value = _ADDRESS.sub("0xADDRESS", value)
        value = explained.as_in_the_release(value)
        value = _FIELD_MODULE.sub("mongoengine.fields", value)
        return _HEX_ID.sub(lambda found: self._id(found.group()), value)

    def _id(self, text: str) -> str:
        made = int(text[:8], 16)
        if abs(made - self.started) > _RECENT:
            return text
        return self._ids.setdefault(text, f"id-{len(self._ids) + 1}")

    def __call__(self, value: Any, depth: int = 0) -> Any:
        if depth > _MAX_DEPTH:
            return {"too deep": type(value).__name__}
        if value is None or value is True or value is False:
            return value
        value_type = type(value)
        if value_type is int:
            return value
        if value_type is str:
            return self.text(value)
        if value_type is float:
            return value if math.isfinite(value) else {"float": str(value)}
        simple = self._simple(value)
        if simple is not None:
            return simple
        if self._document is not None and isinstance(value, self._document):
            return self._show_document(value, depth)
        if self._field is not None and isinstance(value, self._field):
            return {"field": [value_type.__name__, value.name, value.db_field]}
        return self._container(value, value_type, depth)

    def _simple(self, value: Any) -> Any:
        for kinds, show in _SHOWN:
            if isinstance(value, kinds):
                return show(self, value)
        return None

    def _container(self, value: Any, value_type: type, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value, value_type, depth)
        if isinstance(value, list):
            shown = [self(item, depth + 1) for item in value]
            return shown if self._bare(value_type) else {value_type.__name__: shown}
        if isinstance(value, tuple):
            return {value_type.__name__: [self(item, depth + 1) for item in value]}
        if isinstance(value, (set, frozenset)):
            shown = [self(item, depth + 1) for item in value]
            return {value_type.__name__: sorted(shown, key=repr)}
        if isinstance(value, str):
            return {value_type.__name__: self.text(str.__str__(value))}
        if isinstance(value, (int, float)):
            return {value_type.__name__: self.text(repr(value))}
        if isinstance(value, BaseException):
            return [value_type.__name__, self.text(str(value))]
        return {value_type.__name__: self.text(repr(value))}

    def _mapping(self, value: Mapping[Any, Any], value_type: type, depth: int) -> Any:
        if all(isinstance(key, str) for key in value):
            shown: Any = {
                self.text(str(key)): self(value[key], depth + 1) for key in value
            }
        else:
            shown = [
                [self(key, depth + 1), self(value[key], depth + 1)] for key in value
            ]
            return {f"{value_type.__name__} items": shown}
        return shown if self._bare(value_type) else {value_type.__name__: shown}

    def _show_document(self, value: Any, depth: int) -> Any:
        data = value._data
        ordered = getattr(value, "_fields_ordered", ())
        names = [name for name in ordered if name in data]
        names += sorted(name for name in data if name not in names)
        self._in_document += 1
        try:
            shown = {name: self(data[name], depth + 1) for name in names}
        finally:
            self._in_document -= 1
        return {f"<{type(value).__name__}>": shown}

    def _bare(self, value_type: type) -> bool:
        """Return whether the type of a container goes without saying.

        What stands in `_data` is wrapped for tracking or not yet, as the field
        was touched or not.
        """
        if value_type in (list, dict):
            return True
        return bool(self._in_document) and value_type.__name__ in _TRACKED

    def _moment(self, value: datetime.datetime) -> Any:
        now = datetime.datetime.fromtimestamp(self.started, datetime.timezone.utc)
        naive = now.replace(tzinfo=None)
        local = datetime.datetime.fromtimestamp(self.started)
        for near in (naive, local):
            if abs((value.replace(tzinfo=None) - near).total_seconds()) < _RECENT / 60:
                return {"datetime": "now"}
        return {"datetime": value.isoformat()}


def _named(name: str, show: Any = str) -> Any:
    return lambda canon, value: {name: canon.text(show(value))}


def _shown_class(canon: Canon, value: Any) -> Any:
    return {"class": value.__name__}


def _shown_pattern(canon: Canon, value: Any) -> Any:
    return {type(value).__name__: [repr(value.pattern), int(value.flags)]}


def _shown_dbref(canon: Canon, value: DBRef) -> Any:
    shown: dict[str, Any] = {
        "collection": value.collection,
        "id": canon(value.id),
    }
    if value.database:
        shown["database"] = canon.text(value.database)
    extra = {key: v for key, v in value.as_doc().items() if not key.startswith("$")}
    if extra:
        shown["extra"] = canon(extra)
    return {type(value).__name__: shown}


_SHOWN: tuple[tuple[Any, Any], ...] = (
    (enum.Enum, lambda canon, value: {"enum": str(value)}),
    (ObjectId, _named("ObjectId")),
    (datetime.datetime, Canon._moment),
    (datetime.date, _named("date")),
    (datetime.time, _named("time")),
    (datetime.timedelta, _named("timedelta")),
    (decimal.Decimal, _named("Decimal")),
    (Decimal128, _named("Decimal128")),
    (Int64, _named("Int64", lambda value: str(int(value)))),
    (uuid.UUID, _named("UUID")),
    (
        bson.Binary,
        lambda canon, value: {"Binary": [value.hex(), value.subtype]},
    ),
    (bytes, _named("bytes", bytes.hex)),
    (bytearray, _named("bytearray", lambda value: bytes(value).hex())),
    ((re.Pattern, Regex), _shown_pattern),
    (
        Code,
        lambda canon, value: {"Code": [canon.text(str(value)), canon(value.scope)]},
    ),
    (Timestamp, _named("Timestamp", repr)),
    (MinKey, lambda canon, value: "MinKey"),
    (MaxKey, lambda canon, value: "MaxKey"),
    (DBRef, _shown_dbref),
    (type, _shown_class),
    (BaseException, lambda c, value: [type(value).__name__, c.text(str(value))]),
)
