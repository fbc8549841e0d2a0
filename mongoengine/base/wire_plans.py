"""Plans for encoding new documents in one pass.

A class with few fields has a function of its own, made as source.  For others a plan is
made once for each *shape*, since the documents that a program stores have few sets of
values of the same types: it says which values are encoded as they are, so that only
containers and embedded documents are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from mongoengine.base.dump_plans import MOST_DUMPED, generated, has_plain_keys
from mongoengine.base.load_plans import MOST_SHAPES
from mongoengine.base.sentinels import MISSING
from mongoengine.base.types import (
    Namespace,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.base.utils import specialised
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.dump_plans import Dumper
    from mongoengine.base.state import DocumentState
    from mongoengine.base.tracking import Marks

__all__ = ("Wire", "WirePlan", "wire_plan", "wirer")

#: Returns a document to be encoded at once and not kept.  The marks of it and of
#: embedded documents are moved to the list.
Wire = Callable[[Any, "Marks"], RawDocument]


class WirePlan(Record):
    """The plan for encoding documents with the same names and types of values."""

    #: What is encoded before the values: `_id`, in its place, and `_cls`.
    first: RawDocument
    #: The keys of the values.
    keys: tuple[str, ...]
    #: Returns the values of `keys`.
    values: Callable[[RawMapping], Sequence[PythonValue]]
    #: The keys of values that are not encoded as they are, and what dumps each.
    dumps: tuple[tuple[str, Callable[[PythonValue, Marks], RawValue]], ...]


def wire_plan(
    cls: type[DocumentState], dumpers: Sequence[Dumper], values: RawMapping
) -> WirePlan | None:
    """Return the plan for documents with values like these.

    None where a field has no value yet, or makes one when it is dumped.
    """
    first: RawDocument = {}
    own_key = cls._meta.get("id_field") if cls._is_document else None
    if cls._meta.get("allow_inheritance"):
        first["_cls"] = cls._class_name
    names, keys, dumps = [], [], []
    for name, key, field, unchanged, _, special in dumpers:
        value = values.get(name, MISSING)
        if value is MISSING:
            if name == "_cls" and "_cls" in first:
                continue
            return None
        if value is None and (special or (name == own_key and name != "id")):
            return None
        if value is None or (key == "_cls" and "_cls" not in first):
            continue
        if key == "_id":
            first = {"_id": None, **first}
        names.append(name)
        keys.append(key)
        if type(value) not in unchanged:
            if field.null:
                return None
            dumps.append((key, field._wire))
    if len(names) < 2 or len({*keys}) < len(keys):
        return None
    return WirePlan(first, tuple(keys), itemgetter(*names), tuple(dumps))


def wirer(cls: type[DocumentState], dumpers: Sequence[Dumper], own_dump: bool) -> Wire:
    """Return the function that returns documents of a class to be encoded at once.

    :param own_dump: the documents have a `to_mongo` of their own
    """
    if own_dump or cls._dynamic:
        return _dump
    if len(dumpers) <= MOST_DUMPED and has_plain_keys(cls, dumpers):
        return _compiled(cls, dumpers)
    plans: dict[tuple[object, ...], WirePlan | None] = {}
    is_document = cls._is_document

    def plan_of(shape: tuple[object, ...], values: RawMapping) -> WirePlan | None:
        if len(plans) >= MOST_SHAPES:
            return None
        plans[shape] = plan = wire_plan(cls, dumpers, values)
        return plan

    def wire(document: Any, marks: Marks) -> RawDocument:
        if is_document or getattr(document, "_changes", None) is not None:
            document._take_own_marks(marks)
        values: RawDocument = document._values
        shape = (*values, *map(type, values.values()))
        plan = plans.get(shape, MISSING)
        if plan is MISSING:
            plan = plan_of(shape, values)
        if plan is None or document._raw is not None:
            dumped: RawDocument = document._dump_fields(marks)
            return dumped
        first, keys, get_values, dumps = plan
        data = {**first, **dict(zip(keys, get_values(values), strict=True))}
        for key, dump in dumps:
            value = dump(data[key], marks)
            if value is None:
                del data[key]
            else:
                data[key] = value
        return data

    return specialised(wire)


def _dump(document: Any, marks: Marks) -> RawDocument:
    document._take_marks(marks)
    dumped: RawDocument = document.to_mongo()
    return dumped


def _compiled(cls: type[DocumentState], dumpers: Sequence[Dumper]) -> Wire:
    """Return the function for a class, made as source.

    Names and keys of fields have names, too: no text of the program becomes source.
    """
    names: Namespace = {"otherwise": cls._dump_fields}
    values, first, dumps = [], ["data = {}"], []
    if cls._meta.get("allow_inheritance"):
        names.update(class_key="_cls", class_name=cls._class_name)
        first.append("data[class_key] = class_name")
    own_key = cls._meta.get("id_field") if cls._is_document else None
    for place, (name, key, field, unchanged, _, special) in enumerate(dumpers):
        value = f"value{place}"
        names.update({f"name{place}": name, f"key{place}": key})
        names.update({f"types{place}": unchanged, f"dump{place}": field._wirer()})
        if key == "_cls":
            values.append(f"{value} = values.get(name{place}, class_name)")
        else:
            values.append(f"{value} = values[name{place}]")
        if special or (name == own_key and name != "id"):
            values.append(f"if {value} is None: return otherwise(document, marks)")
        lines = [
            f"if type({value}) in types{place}: data[key{place}] = {value}",
            f"elif {value} is not None:",
            f"    {value} = dump{place}({value}, marks)",
            f"    if {value} is not None: data[key{place}] = {value}",
        ]
        if field.null:
            lines[-1] = f"    data[key{place}] = {value}"
        if key == "_id":
            first[1:1] = lines  # its place is before `_cls`
        else:
            dumps += lines
    unmarked = "getattr(document, '_changes', None) is None"
    lines = [
        "document._take_own_marks(marks)"
        if cls._is_document
        else f"{unmarked} or document._take_own_marks(marks)",
        "if document._raw is not None: return otherwise(document, marks)",
        "values = document._values",
        *_plain_test(cls, dumpers, names),
        "try:",
        *(f"    {line}" for line in values or ["pass"]),
        "except KeyError:",
        "    return otherwise(document, marks)",
        *first,
        *dumps,
        "return data",
    ]
    return generated("wire", "document, marks", lines, names)


def _plain_test(
    cls: type[DocumentState], dumpers: Sequence[Dumper], names: Namespace
) -> list[str]:
    """Return the lines for values that are the dump of an embedded document.

    None if no values are, as the database has other names for them.
    """
    keys = [dumper.key for dumper in dumpers]
    if (
        cls._is_document
        or cls._meta.get("allow_inheritance")
        or {"_id", "_cls"} & {*keys}
        or keys != [dumper.name for dumper in dumpers]
        or not all(dumper.unchanged for dumper in dumpers)
    ):
        return []
    names["expected"] = keys
    terms = [f"type(values[name{place}]) in types{place}" for place in range(len(keys))]
    return [f"if {' and '.join(['[*values] == expected', *terms])}: return values"]
