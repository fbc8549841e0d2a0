"""Plans for dumping documents that were just loaded without converting them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from bson import SON

from mongoengine.base.codec import Dump, FieldCodec
from mongoengine.base.overrides import plain_methods
from mongoengine.base.sentinels import Sentinel
from mongoengine.base.state import EMPTY
from mongoengine.base.types import (
    Instance,
    Namespace,
    RawDocument,
    RawMapping,
    RawValue,
)
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
    "generated",
    "has_plain_keys",
    "new_son",
    "stored_dumper",
    "value_dumper",
)

#: Returns the dump of a raw document, or None where a field has to be converted.
RawDumper: TypeAlias = "Callable[[RawDocument], SON[str, RawValue] | None]"

#: Documents with more fields than this are dumped in a loop.
MOST_DUMPED = 24

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


def stored_dumper(
    fields: Sequence[tuple[Any, FieldCodec]],
    raw: RawMapping,
    plan: DumpPlan,
    class_name: str,
    otherwise: RawDumper,
) -> RawDumper:
    """Return the function that dumps raw documents that `plan` is for.

    It was made for `raw`, of which no value is None.  It is made as source: one
    expression tests the keys and all types.

    :param otherwise: the function for other raw documents.
    """
    unchanged = {
        field.db_field: codec.loads_unchanged & codec.dumps_unchanged
        for field, codec in fields
    }
    dumps = dict(plan.dumps)
    # Keys have names, too: no text that comes from the database becomes source.
    names: Namespace = {
        "expected": [*raw],
        "otherwise": otherwise,
        "class_name": class_name,
        **_SON_NAMES,
    }
    terms, values = ["keys == expected"], []
    for place, key in enumerate(raw):
        value = f"raw[key{place}]"
        names[f"key{place}"] = key
        if key == "_cls":
            terms.append(f"{value} == class_name")
        elif key in dumps:
            names[f"dump{place}"] = dumps[key]
            terms.append(f"{value} is not None")
            values += [
                f"data[key{place}] = value = dump{place}({value})",
                "if value is None: return None",
            ]
        else:
            names[f"types{place}"] = unchanged[key]
            terms.append(f"type({value}) in types{place}")
    lines = [
        "keys = [*raw]",
        f"if not ({' and '.join(terms)}):",
        "    return otherwise(raw)",
        *(["data = {**raw}", *values] if values else ["data = raw"]),
        *_SON_LINES,
    ]
    return generated("dump", "raw", lines, names)


def value_dumper(
    cls: type[DocumentState],
) -> Callable[[Instance], SON[str, RawValue]] | None:
    """Return the function that dumps documents of a class, None for a large class."""
    schema = cls._schema
    dumpers: Sequence[Dumper] = schema.dumpers
    otherwise: Callable[[Instance], SON[str, RawValue]] = cls._dump_any
    if len(dumpers) > MOST_DUMPED or not has_plain_keys(cls, dumpers):
        return None
    source = _Source(cls)
    for place, dumper in enumerate(dumpers):
        source.add(place, dumper, schema.codec(dumper.name).dump)
    return source.compiled(otherwise)


def has_plain_keys(cls: type[DocumentState], dumpers: Sequence[Dumper]) -> bool:
    """Return whether each key of a dump is that of one field, in any document."""
    keys = [dumper.key for dumper in dumpers]
    return not (
        cls._dynamic
        or len({*keys}) < len(keys)
        or ("_cls" in keys) is not bool(cls._meta.get("allow_inheritance"))
        or (cls._is_document and "_id" not in keys)
    )


#: The names in generated functions, and their last lines: they return a `SON` of
#: `data` as `new_son` does it, without the call.
_SON_NAMES: Namespace = {"SON": SON, "new": dict.__new__, "update": dict.update}
_SON_LINES = (
    "son = new(SON)",
    "update(son, data)",
    "son._SON__keys = keys",
    "return son",
)


def generated(
    name: str, arguments: str, lines: Sequence[str], names: Namespace
) -> Callable[..., Any]:
    """Return the function of some lines.

    :param names: its global names, to which its own is added.
    """
    exec(f"def {name}({arguments}):\n    " + "\n    ".join(lines), names)
    function: Callable[..., Any] = names[name]
    return function


GIVE_UP = "return otherwise(document)"


class _Source:
    """The source of the function that dumps documents, and the names in it.

    Names and keys of fields have names, too: no text of the program becomes source.
    """

    def __init__(self, cls: type[DocumentState]) -> None:
        self.is_document = cls._is_document
        self.names: Namespace = {**_SON_NAMES, "EMPTY": EMPTY, "schema": cls._schema}
        self.first = ["data = {}"]
        if cls._meta.get("allow_inheritance"):
            self.names["class_name"] = cls._class_name
            self.first.append("data[class_key] = class_name")
        self.names["class_key"] = "_cls"
        self.values: list[str] = []
        self.dumps: list[str] = []

    def add(self, place: int, dumper: Dumper, dump_raw: Dump | None) -> None:
        """Add what is done for a field.

        :param dump_raw: dumps raw values, or returns None where it cannot.
        """
        name, key, field, unchanged, both, special = dumper
        names: Namespace = {"name": name, "key": key, "types": unchanged, "both": both}
        names.update(dump=field._dumper(), dump_raw=dump_raw)
        self.names.update({f"{each}{place}": names[each] for each in names})
        if key in ("_id", "_cls"):
            self._add_special(place, dumper)
            return
        value, raw_value = f"value{place}", f"raw{place}"
        missing = not field._set_when_made and (
            field.null or (field.default is None and not special)
        )
        self.values += [
            f"{raw_value} = None",
            f"if name{place} in values:",
            f"    {value} = values[name{place}]",
            *([f"    if {value} is None: {GIVE_UP}"] if field._auto_gen else []),
            f"elif raw is None: {GIVE_UP}",
            "else:",
            f"    {value} = raw.get(key{place})",
            f"    if {value} is None: {'pass' if missing else GIVE_UP}",
            f"    elif type({value}) not in both{place}:",
            *(
                [f"        {GIVE_UP}"]
                if dump_raw is None
                else [
                    f"        {raw_value} = dump_raw{place}({value})",
                    f"        if {raw_value} is None: {GIVE_UP}",
                    f"        {value} = None",
                ]
            ),
        ]
        self.dumps += [
            f"if type({value}) in types{place}: data[key{place}] = {value}",
            f"elif {value} is not None:",
            f"    {value} = dump{place}({value})",
            f"    if {value} is not None: data[key{place}] = {value}",
            f"elif {raw_value} is not None: data[key{place}] = {raw_value}",
        ]
        if field.null:
            self.dumps[-2] = f"    data[key{place}] = {value}"
            self.dumps[-1] = f"else: data[key{place}] = {raw_value}"

    def _add_special(self, place: int, dumper: Dumper) -> None:
        """Add what is done for `_id` or `_cls`, which stand before all other values."""
        value = f"value{place}"
        self.values += [
            f"if name{place} in values:",
            f"    {value} = values[name{place}]",
            f"    plain = type({value}) in types{place}",
            "else:",
            f"    {value} = None if raw is None else raw.get(key{place})",
            f"    plain = type({value}) in both{place}",
        ]
        if dumper.key == "_cls":
            self.values.append(f"if not plain: {GIVE_UP}")
            self.dumps.append(f"data[class_key] = {value}")
            return
        refused = "not plain"
        if not dumper.special and (not self.is_document or dumper.name == "id"):
            refused += f" and ({value} is not None or name{place} not in values)"
        self.values.append(f"if {refused}: {GIVE_UP}")
        self.first.insert(1, f"if {value} is not None: data[key{place}] = {value}")

    def compiled(
        self, otherwise: Callable[[Instance], SON[str, RawValue]]
    ) -> Callable[[Instance], SON[str, RawValue]]:
        """Return the function.

        :param otherwise: the one for documents that this one does not take.
        """
        lines = [
            "values, raw = document._values, document._raw",
            "if values is EMPTY and raw is not None:",
            "    son = (schema.stored_like or schema.dump_by_shape)(raw)",
            f"    if son is None: {GIVE_UP}",
            "    return son",
            *self.values,
            *self.first,
            *self.dumps,
            "keys = [*data]",
            *_SON_LINES,
        ]
        self.names["otherwise"] = otherwise
        return generated("dump", "document", lines, self.names)


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
