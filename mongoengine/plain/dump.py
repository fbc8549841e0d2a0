"""Make plain dicts of documents."""

from __future__ import annotations

import base64
import datetime
import decimal
import enum
import pathlib
import uuid
from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from bson import DBRef, Decimal128, ObjectId

from mongoengine.base.document import BaseDocument
from mongoengine.base.references import LazyReference
from mongoengine.base.stored_document import StoredDocument
from mongoengine.base.types import Convert

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("Mode", "PlainDocument", "Tree", "name_tree", "to_dict", "to_json_value")

Mode: TypeAlias = Literal["python", "json"]

#: A document as `to_dict` returns it: plain values, or those of JSON, by name.
PlainDocument: TypeAlias = dict[str, Any]

#: Names of fields, and of the fields inside them; an empty tree stands for everything.
Tree: TypeAlias = "Mapping[str, Tree]"

EVERYTHING: Tree = {}


class _Options(NamedTuple):
    mode: Mode
    by_alias: bool
    nested: bool


def to_dict(
    document: BaseDocument,
    mode: Mode,
    fields: Iterable[str] | None,
    exclude: Iterable[str] | None,
    by_alias: bool,
    references: Literal["key", "nested"],
) -> PlainDocument:
    """Return a document as a plain dict; see `PlainData.to_dict`."""
    if mode not in ("python", "json"):
        raise ValueError(f'mode is "python" or "json", not {mode!r}')
    if references not in ("key", "nested"):
        raise ValueError(f'references is "key" or "nested", not {references!r}')
    options = _Options(mode, by_alias, references == "nested")
    only = None if fields is None else name_tree(type(document), fields)
    without = name_tree(type(document), exclude or ())
    return _document(document, options, only, without, ())


def name_tree(cls: type[BaseDocument], names: Iterable[str]) -> dict[str, Any]:
    """Return names such as `comments.author` as a tree.

    :raises ValueError: if a name is no field of the class, and that has no others
    """
    tree: dict[str, Any] = {}
    for path in names:
        first, *rest = path.replace("__", ".").split(".")
        first = cls._meta.get("id_field") or first if first == "pk" else first
        if first not in cls._fields and not cls._dynamic:
            raise ValueError(f'{cls.__name__} has no field "{first}"')
        node = tree.setdefault(first, {})
        for name in rest:
            node = node.setdefault(name, {})
    return tree


def _document(
    document: BaseDocument,
    options: _Options,
    only: Tree | None,
    without: Tree,
    parents: tuple[BaseDocument, ...],
) -> PlainDocument:
    plain: PlainDocument = {}
    for name in document._fields_ordered:
        if name == "_cls" or (only is not None and name not in only):
            continue
        inside = without.get(name)
        if inside is not None and not inside:
            continue
        field: BaseField = document._fields.get(name) or document._dynamic_fields.get(
            name
        )
        # Reading the attribute would follow a reference.
        if field is None or field._may_refer:
            value = document._value_of(name, field)
        else:
            value = getattr(document, name)
        deeper = (
            None if only is None or not only[name] else only[name],
            inside or EVERYTHING,
            (*parents, document),
        )
        key = field.db_field if options.by_alias and field is not None else name
        plain[key] = _value(value, options, *deeper)
    return plain


def _value(
    value: object,
    options: _Options,
    only: Tree | None,
    without: Tree,
    parents: tuple[BaseDocument, ...],
) -> Any:
    """Return a value without documents, tracked containers and references."""
    if isinstance(value, StoredDocument):
        if options.nested and not any(value is parent for parent in parents):
            return _document(value, options, only, without, parents)
        return _value(value.pk, options, None, EVERYTHING, parents)
    if isinstance(value, BaseDocument):
        return _document(value, options, only, without, parents)
    if isinstance(value, dict):
        return {
            _key(key, options): _value(
                item,
                options,
                None if only is None else only.get(str(key)) or only,
                without.get(str(key)) or without,
                parents,
            )
            for key, item in value.items()
            if not _is_left_out(str(key), only, without)
        }
    if isinstance(value, LazyReference):
        return _value(value.pk, options, None, EVERYTHING, parents)
    if isinstance(value, DBRef):
        return _value(value.id, options, None, EVERYTHING, parents)
    if isinstance(value, (list, tuple)):
        return [_value(item, options, only, without, parents) for item in value]
    if options.mode == "json":
        return to_json_value(value)
    return value


def _key(key: object, options: _Options) -> object:
    return str(to_json_value(key)) if options.mode == "json" else key


def _is_left_out(key: str, only: Tree | None, without: Tree) -> bool:
    """Return whether a key of a dict is excluded as a whole."""
    inside = without.get(key)
    return inside is not None and not inside


@singledispatch
def to_json_value(value: object) -> object:
    """Return a value as JSON has it: `"64f..."` for an ObjectId, ISO 8601 for dates."""
    if hasattr(value, "grid_id"):
        return to_json_value(value.grid_id)
    return value


def _register(convert: Convert, *types: type) -> None:
    for each in types:
        to_json_value.register(each, convert)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _float(value: float) -> float | None:
    """Return None for infinity and NaN, which JSON lacks, as Pydantic does."""
    return value if value - value == 0 else None


_register(str, ObjectId, decimal.Decimal, Decimal128, uuid.UUID, pathlib.PurePath)
_register(lambda value: value.isoformat(), datetime.date, datetime.time)
_register(lambda value: to_json_value(value.value), enum.Enum)
_register(_base64, bytes)
_register(_float, float)
