"""Make objects of the rows of an aggregation: `aggregate(pipeline, into=...)`."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import (
    TYPE_CHECKING,
    Any,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from mongoengine.base.plain import is_document_class
from mongoengine.base.types import PythonValue, RawDocument, RawMapping
from mongoengine.errors import ValidationError
from mongoengine.operations.target import marking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mongoengine.query.results import Make


__all__ = ("row_maker",)

T = TypeVar("T")


def row_maker(into: type[T]) -> Callable[[Any], T]:
    """Return the function that makes objects of a class of raw rows.

    :param into: a document or embedded document class, a dataclass, a TypedDict, or
        a class with a `model_validate`, as Pydantic's models have it
    :raises TypeError: if it is none of these
    """
    make: Any = None
    if isinstance(into, type) and hasattr(into, "_from_son"):
        make = partial(_document, into, _loader(into))
    elif hasattr(into, "model_validate"):
        make = partial(_model, into)
    elif isinstance(into, type) and dataclasses.is_dataclass(into):
        make = partial(_instance, into)
    elif is_typeddict(into):
        make = partial(_typed_dict, into)
    elif into is dict:
        make = dict
    if make is None:
        raise TypeError(
            "aggregate(into=...) takes a document class, an embedded document class, a "
            f"dataclass, a TypedDict or a Pydantic model, not {into!r}"
        )
    result: Callable[[Any], T] = make
    return result


# Documents


def _loader(cls: Any) -> Make:
    load: Make = cls._from_son
    # A row may have some of the fields alone.
    return marking(load, {"_partial": True}) if is_document_class(cls) else load


def _document(cls: Any, load: Make, row: RawDocument) -> object:
    """Return a document of a row with names of fields, or of the database."""
    own = cls._fields
    stored = cls._reverse_db_field_map
    return load(
        {
            own[name].db_field if name in own and name not in stored else name: value
            for name, value in row.items()
        }
    )


# Models of Pydantic


def _model(cls: Any, row: RawDocument) -> object:
    """Return a model of a row; `_id` is `id`, which may start a name there."""
    if "_id" in row and not any(
        field.alias == "_id" or field.validation_alias == "_id"
        for field in cls.model_fields.values()
    ):
        key = row.pop("_id")
        if "id" in cls.model_fields:
            row.setdefault("id", key)
    return cls.model_validate(row)


# Dataclasses and dicts


def _instance(cls: Any, row: RawMapping) -> object:
    """Return an instance of a dataclass.

    :raises ValidationError: if a field has no value, or a value no field
    """
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    values = dict(row)
    if "_id" in values and "_id" not in fields:
        key = values.pop("_id")
        if "id" in fields:
            values.setdefault("id", key)
    for name in values:
        if name not in fields:
            raise _invalid(
                cls, name, "the row has a value, and the class no such field"
            )
    for name, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise _invalid(cls, name, "the row has no value")
    hints = _hints_of(cls)
    return cls(**{name: _converted(hints[name], v) for name, v in values.items()})


def _typed_dict(cls: Any, row: RawMapping) -> Mapping[str, object]:
    """Return a dict as a TypedDict describes it; other keys stay.

    :raises ValidationError: if a required key is missing
    """
    hints = _hints_of(cls)
    values = dict(row)
    if "id" in hints and "_id" not in hints and "_id" in values:
        values.setdefault("id", values.pop("_id"))
    for name in cls.__required_keys__:
        if name not in values:
            raise _invalid(cls, name, "the row has no value")
    return {name: _converted(hints.get(name), v) for name, v in values.items()}


@lru_cache(maxsize=128)
def _hints_of(cls: Any) -> dict[str, Any]:
    """Return the annotations of a class; they are slow to evaluate."""
    return get_type_hints(cls)


def _converted(hint: Any, value: PythonValue) -> object:
    """Return a value with objects in it where the annotation has their classes."""
    if isinstance(value, Mapping):
        for choice in _choices(hint):
            if _has_rows(choice):
                return row_maker(choice)(dict(value))
            if get_origin(choice) is dict:
                inner = get_args(choice)[1]
                return {key: _converted(inner, item) for key, item in value.items()}
    elif isinstance(value, list):
        for choice in _choices(hint):
            if get_origin(choice) is list:
                inner = get_args(choice)[0]
                return [_converted(inner, item) for item in value]
    return value


def _choices(hint: Iterable[object]) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _has_rows(hint: object) -> bool:
    return is_typeddict(hint) or (
        isinstance(hint, type)
        and get_origin(hint) is None
        and (
            dataclasses.is_dataclass(hint)
            or hasattr(hint, "_from_son")
            or hasattr(hint, "model_validate")
        )
    )


def _invalid(cls: type, name: str, text: str) -> ValidationError:
    return ValidationError(f"{cls.__name__}.{name}: {text}", field_name=name)
