"""Plans for dumping documents that were just loaded without converting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bson import SON

from mongoengine.base.codec import Check, Dump, FieldCodec
from mongoengine.base.overrides import plain_methods
from mongoengine.base.sentinels import Sentinel
from mongoengine.base.types import Namespace, RawDocument, RawMapping, RawValue
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.state import DocumentState


__all__ = (
    "AS_STORED",
    "DumpPlan",
    "Dumper",
    "dump_plan",
    "dumper_of",
    "new_son",
    "stored_test",
)

#: Stands for a dump that has the keys of the raw document, in their order.
AS_STORED: RawDocument = {}

#: Dumps of a missing value: none at all, or one that depends on the document.
OMITTED: Any = Sentinel("OMITTED")
UNKNOWN: Any = Sentinel("UNKNOWN")
#: An empty list or dict, another one for every dump.
FRESH: Any = Sentinel("FRESH")


class DumpPlan(Record):
    """The plan for dumping raw documents with the same keys and types of values."""

    #: The keys of the dump in their order; None where the fields have to be asked.
    template: RawDocument | None
    #: The values that are not dumped as they are.
    dumps: tuple[tuple[str, Dump], ...]


class Dumper(Record):
    """The plan for dumping the value of a field."""

    name: str
    key: str
    field: BaseField
    # Types of converted values, and of raw ones, that are dumped as they are.
    unchanged: frozenset[type]
    both: frozenset[type]
    # Something is to be done where there is no value.
    special: bool


def new_son(items: RawDocument) -> SON[str, RawValue]:
    """Return a `SON` of `items`, without the Python-level loop of its constructor."""
    son: SON[str, RawValue] = dict.__new__(SON)
    dict.update(son, items)
    son._SON__keys = [*items]  # type: ignore[attr-defined]
    return son


def dump_plan(
    cls: type[DocumentState],
    fields: Sequence[tuple[Any, FieldCodec]],
    raw: RawMapping,
) -> DumpPlan:
    """Return the plan for raw documents like `raw`.

    :param fields: the fields in their order, and how their values are converted.
    """
    template: RawDocument = {}
    dumps: list[tuple[str, Dump]] = []
    for field, codec in fields:
        key = field.db_field
        unchanged = codec.loads_unchanged & codec.dumps_unchanged
        value = raw.get(key)
        if value is None:
            missing = _dumped_when_missing(field, unchanged)
            if missing is FRESH:
                template[key] = None
                dumps.append((key, _making(field.default)))
            elif missing is UNKNOWN:
                return DumpPlan(None, ())
            elif missing is not OMITTED and not (key == "_id" and missing is None):
                template[key] = missing
            continue
        template[key] = None
        if value.__class__ not in unchanged:
            if codec.dump is None:
                return DumpPlan(None, ())
            dumps.append((key, codec.dump))
    template.pop("_cls", None)
    if cls._meta.get("allow_inheritance"):
        first = {"_id": None} if "_id" in template else {}
        template = {**first, "_cls": cls._class_name, **template}
    if list(template) == list(raw) and all(
        default is None or raw[key] is not None for key, default in template.items()
    ):
        template = AS_STORED
    return DumpPlan(template, tuple(dumps))


def stored_test(
    fields: Sequence[tuple[Any, FieldCodec]],
    raw: RawMapping,
    plan: DumpPlan,
    class_name: str,
) -> Check:
    """Return the test of raw documents that `plan`, which was made for `raw`, is for.

    No value of `raw` is None.

    Comparing the keys and asking for each type takes half the time of looking up both.
    """
    unchanged = {
        field.db_field: codec.loads_unchanged & codec.dumps_unchanged
        for field, codec in fields
    }
    dumped = {key for key, _ in plan.dumps}
    # Keys have names, too: no text that comes from the database becomes source.
    names: Namespace = {"keys": [*raw]}
    terms = ["[*raw] == keys"]
    for place, key in enumerate(raw):
        value = f"raw[key{place}]"
        names[f"key{place}"] = key
        if key == "_cls":
            names["class_name"] = class_name
            terms.append(f"{value} == class_name")
        elif key in dumped:
            terms.append(f"{value} is not None")
        else:
            names[f"types{place}"] = unchanged[key]
            terms.append(f"type({value}) in types{place}")
    test: Check = eval(f"lambda raw: {' and '.join(terms)}", names)
    return test


def _dumped_when_missing(field: BaseField, unchanged: frozenset[type]) -> object:
    if field._auto_gen:
        return UNKNOWN
    if field.null:
        return None
    if field.default is None:
        return OMITTED
    if field.default in (list, dict) and plain_methods(type(field)):
        return FRESH
    return field.default if field.default.__class__ in unchanged else UNKNOWN


def _making(default: Callable[[], object]) -> Dump:
    return lambda _: default()


def dumper_of(field: BaseField) -> Dumper:
    """Return how the converted values of a field are dumped."""
    return Dumper(
        field.name,
        field.db_field,
        field,
        field._dumps_unchanged,
        field._dumps_unchanged & field._loads_unchanged,
        field._auto_gen or field.null,
    )
