"""Changed places in a document: their values, as they are stored."""

from __future__ import annotations

import numbers
from functools import partial
from typing import Any

from mongoengine.base.sentinels import MISSING, Sentinel
from mongoengine.base.state import DocumentState
from mongoengine.base.types import PythonValue
from mongoengine.driver.records import Record

__all__ = (
    "Place",
    "default_of",
    "dumped_value",
    "is_to_be_unset",
    "place_in_dump",
    "place_inside",
)


class Place(Record):
    """A place in a document, to be dumped."""

    #: The path of the place, or of the nearest container that can be dumped.
    path: str
    #: The dumped value, MISSING if there is none any more.
    value: PythonValue
    #: The field of the value; None for values of any type.
    field: Any
    #: The value of an empty place, which needs not be stored.
    default: object


#: Stands for the default of a field of which every empty value is removed.
ANY_EMPTY: Any = Sentinel("ANY_EMPTY")


def dumped_value(field: Any, value: object) -> object:
    if value is None or value.__class__ in field._dumps_unchanged:
        return value
    return field._to_mongo_safe_call(value)


def default_of(document: DocumentState, field: Any) -> object:
    if document._dynamic and field.name in document._dynamic_plan.fields:
        # An empty value of a dynamic field is removed, whichever it is.
        return ANY_EMPTY
    return field.default


def place_inside(field: Any, taken: str, value: Any, parts: list[str]) -> Place:
    """Return the place that `parts` lead to from the value of a field.

    :param taken: the path of the value.
    """
    dump = partial(dumped_value, field)
    item_field = field
    for position, part in enumerate(parts):
        is_document = isinstance(value, DocumentState)
        if is_document and value._is_document:
            # What a reference refers to is stored elsewhere.
            break
        rest = parts[position:]
        if not field._dumps_inside:
            return place_in_dump(item_field, taken, dump(value), rest)
        if is_document:
            inside: Place = value._place(".".join(rest))
            return inside._replace(path=f"{taken}.{inside.path}")
        if field._stores_whole(value, [".".join(rest)]):
            break
        if isinstance(value, dict):
            value = dict.get(value, part, MISSING)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = list.__getitem__(value, int(part))
        else:
            break
        taken = f"{taken}.{part}"
        item_field = field._inner
        if item_field is None:
            dump = field._dump_item
        else:
            field = item_field
            dump = partial(dumped_value, field)
    if value is not MISSING and value is not None:
        value = dump(value)
    return Place(taken, value, item_field, None)


def place_in_dump(field: object, taken: str, value: object, parts: list[str]) -> Place:
    """Return the place that `parts` lead to in a dump."""
    for part in parts:
        if isinstance(value, dict):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            break
        taken = f"{taken}.{part}"
        field = None
    return Place(taken, value, field, None)


def is_to_be_unset(place: Place) -> bool:
    """Return whether a place is unset: empty, and so is the field's default."""
    _, value, field, default = place
    if value is MISSING:
        return True
    if value or isinstance(value, numbers.Number):
        return False
    if default is ANY_EMPTY:
        return True
    if value is None and field is not None and field.null:
        return False
    if callable(default):
        default = default()
    return bool(value == default)
