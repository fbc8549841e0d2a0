"""The schema of a document class, compiled once.

Most documents of a collection have the same few sets of keys, in the same order.
A `Schema` therefore keeps, for each such *shape*, what has to be looked at when a
document of that shape is loaded, dumped or validated; the loops that run for
every document only follow it.  Everything here only ever *proves* that the short
way gives what the long way would: where it cannot, the fields' own `to_python`,
`to_mongo` and `validate` are called.
"""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from bson import SON

from mongoengine.base.bson_types import NO_TYPES, UNCHANGED
from mongoengine.base.codec import Dump, FieldCodec
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.construct_plans import (
    Construct,
    constructor,
    dynamic_constructor,
)
from mongoengine.base.dump_plans import (
    AS_STORED,
    MOST_DUMPED,
    DumpPlan,
    RawDumper,
    dump_plan,
    dumper_of,
    new_son,
    stored_dumper,
    value_dumper,
)
from mongoengine.base.dynamic_plans import DynamicPlan, dynamic_plan
from mongoengine.base.field import BaseField
from mongoengine.base.load_plans import MOST_SHAPES, LoadPlans
from mongoengine.base.overrides import library_methods, still_true
from mongoengine.base.stamps import Stamp, names_inside, stamps_of
from mongoengine.base.types import (
    Instance,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.base.utils import class_attribute
from mongoengine.base.validation_plans import (
    Check,
    Proofs,
    Test,
    check_of,
    proofs_of,
    raw_test,
    value_test,
)
from mongoengine.base.versions import version_of
from mongoengine.base.wire_plans import Wire, wirer
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from mongoengine.base.state import DocumentState
    from mongoengine.base.tracking import Marks


__all__ = ("Schema", "new_son")


#: The most keys of documents without limits that are tested one by one.
FEW_KEYS = 8

#: So many values of a loaded document are tested apart from what it was loaded from.
FEW_VALUES = 4


class TypedPlan(Record):
    """Plans for raw documents that have the same keys and types of values."""

    # What has to hold for the document to be valid; None where nothing shows that.
    proofs: Proofs | None
    # See `DumpPlan`.
    template: RawDocument | None
    dumps: tuple[tuple[str, Dump], ...]
    # The `_cls` for which this holds, if there is one.
    name: str | None


class Schema:
    """The compiled knowledge of one document class."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.fields: dict[str, BaseField] = dict(cls._fields)
        self.by_key: dict[str, BaseField] = {
            f.db_field: f for f in self.fields.values()
        }
        field: BaseField
        for field in self.fields.values():
            field._prepare()
            field._read_with(field._reader())
        shard_key = cls._meta.get("shard_key", ())
        self.shard_key = frozenset(shard_key or ())
        self.id_name = cls._meta.get("id_field") if cls._is_document else None
        # User code sees every attribute that is set, the missing ones' defaults too.
        self.hooked = not library_methods(cls, "__setattr__")
        self._plan_blank()
        self._plan_construction()
        # The plans of a dynamic class for keys that it does not define.
        self.dynamic_plans: dict[tuple[str, ...], DynamicPlan | None] = {}
        self.own_loader = not library_methods(cls, "_from_son")
        self.own_validation = not library_methods(cls, "validate", "clean")
        self.load_plans = LoadPlans(cls, self.by_key, self.plain, self.own_loader)
        self._plan_dumps()
        self.nesting = tuple(
            (name, field.db_field, field)
            for name, field in self.fields.items()
            if _may_change_inside(field)
        )
        self.nesting_names = frozenset(name for name, _, _ in self.nesting)
        #: The values that writes of a document set by themselves.
        self.stamps: tuple[Stamp, ...] = (
            *stamps_of(self.fields),
            *version_of(cls, self.fields),
        )
        self._typed_plans: dict[tuple[object, ...], TypedPlan] = {}
        #: The tests of raw documents like the first one that was validated, and of the
        #: values of new ones; they may be made of another one as often as is left.
        self.raw_test: Test | None = None
        self.value_test: Test | None = None
        self._tests_left = 4
        #: Dumps raw documents like the first one that was dumped as it is stored.
        self.stored_like: RawDumper | None = None
        self._codecs: dict[str, FieldCodec] = {}
        self._checks: tuple[Check, ...] | None = None

    def _plan_blank(self) -> None:
        """Collect the values of a new document, and the fields that make defaults."""
        self.blank: RawDocument = {}
        self.defaults: list[tuple[str, BaseField]] = []
        for name, field in self.fields.items():
            if name == "_cls":
                self.blank[name] = self.cls._class_name
                continue
            if class_attribute(self.cls, name) is None:
                # The automatic id beside another `id` is known as `id` alone.
                continue
            self.blank[name] = None
            if (
                field.default is None
                or field.null
                or field._set_when_made
                or not field._plainly_set
                or self.hooked
            ):
                continue
            if callable(field.default):
                self.defaults.append((name, field))
            else:
                self.blank[name] = field.default

    def _plan_construction(self) -> None:
        """Find out what the constructor puts in place without an assignment."""
        cls = self.cls
        # Fields whose values of some types the constructor puts in place directly.
        self.quick: dict[str, frozenset[type]] = {
            name: field._loads_unchanged
            for name, field in self.fields.items()
            if field._plainly_set and not self.hooked and _is_at(cls, name, field)
        }
        # Fields of which the constructor puts converted values in place.
        self.placed = frozenset(
            name for name in self.quick if _is_set_by_base(type(self.fields[name]))
        )
        self.plainly_made = all(f._plainly_set for f in self.fields.values())
        self.plain = self._needs_constructor()
        self.set_when_made = tuple(
            name
            for name, field in self.fields.items()
            if field._set_when_made or not field._plainly_set or self.hooked
        )
        # The constructor puts all values in place before it looks at each of them.
        self.places_all = not (
            cls._dynamic
            or self.set_when_made
            or self.fields.keys() - self.placed - {"_cls"}
        )
        self.construct: Construct | None = None
        if (
            not self.set_when_made
            and self.quick.keys() >= self.fields.keys() - {"_cls"}
            and (not cls._dynamic or library_methods(cls, "__init__", "__new__"))
        ):
            self.construct = self._construct_first

    def _construct_first(self, document: object, values: RawDocument) -> bool:
        """Construct the first document of the class: the others need not ask again."""
        compiled = dynamic_constructor if self.cls._dynamic else constructor
        self.construct = construct = compiled(
            self.cls, self.fields, self.placed, self.blank, self.defaults
        )
        return construct(document, values)

    def _plan_dumps(self) -> None:
        """Compile how each field is dumped, in the order of the fields."""
        cls = self.cls
        self.own_dump = not library_methods(cls, "to_mongo")
        ordered = [name for name in cls._fields_ordered if name in self.fields]
        self.dumpers = tuple(map(dumper_of, map(self.fields.__getitem__, ordered)))
        #: Whether a dump may have an `_id`.
        self.may_have_id: bool = bool(
            cls._is_document or cls._dynamic or "_id" in self.by_key
        )
        #: Returns documents to be encoded at once.
        self.wire: Wire = self._wire_first
        #: Returns what `to_mongo` of the library gives; None where that needs a loop.
        self.dump_values: Callable[[Any], SON[str, RawValue]] | None = self._dump_first
        #: Returns what `to_mongo` gives.
        self.dump: Callable[[Any], SON[str, RawValue]] = self._dump_first
        if self.own_dump:
            self.dump = _own_dump

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the attributes of the class, when this is first asked for."""
        return frozenset(chain.from_iterable(map(vars, self.cls.__mro__)))

    @cached_property
    def stamped_inside(self) -> tuple[str, ...]:
        """The names of fields that may hold embedded documents with stamps."""
        return names_inside(self.cls, self.nesting)

    @cached_property
    def may_stamp(self) -> bool:
        """True if writes may set values by themselves, also in embedded documents."""
        return bool(self.stamps or self.stamped_inside or self.cls._dynamic)

    @cached_property
    def stamped_names(self) -> frozenset[str]:
        """The names of fields that need no value before the document is written."""
        return frozenset(stamp.field.name for stamp in self.stamps)

    def _needs_constructor(self) -> bool:
        """Return whether user code runs when a document of the class is made."""
        made_here = library_methods(self.cls, "__init__", "__setattr__", "__new__")
        return not (made_here and self.plainly_made)

    # What need not be converted

    def _new_typed(self, shape: tuple[object, ...], raw: RawMapping) -> TypedPlan:
        plan = self._make_typed(raw)
        if len(self._typed_plans) < MOST_SHAPES:
            self._typed_plans[shape] = plan
        return plan

    def _make_typed(self, raw: RawMapping) -> TypedPlan:
        own = raw.get("_cls", self.cls._class_name) == self.cls._class_name
        if self.plain or self.cls._dynamic or not own:
            return TypedPlan(None, None, (), None)
        dump = DumpPlan(None, ())
        if not self.own_dump:
            names = self.cls._fields_ordered
            fields = [(self.fields[name], self.codec(name)) for name in names]
            dump = dump_plan(self.cls, fields, raw)
            if (
                dump.template is AS_STORED
                and self.stored_like is None
                and len(raw) <= MOST_DUMPED
                and None not in raw.values()
            ):
                self.stored_like = stored_dumper(
                    fields, raw, dump, self.cls._class_name, self.dump_by_shape
                )
        proofs = None if self.own_validation else proofs_of(self.checks(), raw)
        return TypedPlan(proofs, *dump, raw.get("_cls"))

    def codec(self, name: str) -> FieldCodec:
        """Return how values of a field are converted in documents of the class."""
        codec = self._codecs.get(name)
        if codec is None:
            codec = self._codecs[name] = self.fields[name]._codec(self.cls)
        return codec

    def dynamic_plan(self, keys: tuple[str, ...]) -> DynamicPlan | None:
        """Return the plan for data of a dynamic class under other keys than fields.

        None where one of the keys means something to the class, or user code sees
        each attribute that is set.
        """
        if self.hooked:
            return None
        if keys not in self.dynamic_plans:
            plan = dynamic_plan(self.cls, keys)
            if len(self.dynamic_plans) >= MOST_SHAPES:
                return plan
            self.dynamic_plans[keys] = plan
        return self.dynamic_plans[keys]

    # Dumping

    def dump_raw(self, raw: RawDocument) -> SON[str, RawValue] | None:
        """Return `to_mongo()` of a document that was just loaded from `raw`, or None.

        None where a field has to be converted first.
        """
        dump = self.stored_like
        return self.dump_by_shape(raw) if dump is None else dump(raw)

    def dump_by_shape(self, raw: RawDocument) -> SON[str, RawValue] | None:
        """Do as `dump_raw` by the plan for the keys and types of values."""
        # In the innermost loop of dumping: `new_son` is spelled out.
        son: SON[str, RawValue] = dict.__new__(SON)
        shape = (*raw, *map(type, raw.values()))
        plan = self._typed_plans.get(shape) or self._new_typed(shape, raw)
        _, template, dumps, name = plan
        if template is None or (name is not None and raw["_cls"] != name):
            return None
        if template is AS_STORED:
            dict.update(son, raw)
        else:
            for key, default in template.items():
                value = raw.get(key)
                dict.__setitem__(son, key, default if value is None else value)
        for key, dump in dumps:
            dumped = dump(dict.get(son, key))
            if dumped is None:
                return None
            dict.__setitem__(son, key, dumped)
        son._SON__keys = [*dict.keys(son)]  # type: ignore[attr-defined]
        return son

    def _dump_first(self, document: Instance) -> SON[str, RawValue]:
        """Dump the first document of the class: the others need not ask again."""
        if self.dump_values == self._dump_first:
            self.dump_values = value_dumper(self.cls)
            if not self.own_dump:
                self.dump = self.dump_values or _own_dump
        dump = self.dump_values or self.cls._dump_any
        dumped: SON[str, RawValue] = dump(document)
        return dumped

    def _wire_first(self, document: Instance, marks: Marks) -> RawDocument:
        """Encode the first document of the class: the others need not ask again."""
        if self.wire == self._wire_first:
            self.wire = wirer(self.cls, self.dumpers, self.own_dump)
        return self.wire(document, marks)

    # Validating

    def surely_valid(self, raw: RawMapping, failed: bool = False) -> bool:
        """Return whether a document just loaded from `raw` is valid beyond doubt.

        :param failed: `raw_test` has been tried in vain
        """
        if self.raw_test is not None and not failed:
            # The documents of most collections are like the first one.
            try:
                if self.raw_test(raw):
                    return True
            except KeyError:
                pass  # it has other keys
        shape = (*raw, *map(type, raw.values()))
        proofs, _, _, name = self._typed_plans.get(shape) or self._new_typed(shape, raw)
        if proofs is None or (name is not None and raw["_cls"] != name):
            return False
        for key, proof in proofs:
            if not proof(raw[key]):
                return False
        # A test of many types alone takes longer than their plan.
        if self._tests_left and (proofs or 0 < len(raw) <= FEW_KEYS):
            self._tests_left -= 1
            self.raw_test = raw_test(self.checks(), raw, self.cls._class_name)
        return True

    def values_surely_valid(self, values: RawMapping) -> bool:
        """Return whether the values of a new document are valid beyond doubt."""
        if self.value_test is None:
            if self.own_validation or self.cls._dynamic:
                return False
            self.value_test = value_test(self.checks(), values)
        try:
            return self.value_test(values)
        except KeyError:
            return False  # a field has no value

    def mostly_raw_valid(self, values: RawMapping, raw: RawMapping) -> bool:
        """Return whether a loaded document is valid beyond doubt.

        Of one with few values that have been read or set, all of them scalars, these
        are tested alone, and what it was loaded from as a whole.

        :param values: those values
        :param raw: what it was loaded from
        """
        if len(values) > FEW_VALUES or self.own_validation or self.cls._dynamic:
            return False
        checks = self.checks_by_name
        for name, value in values.items():
            check = checks.get(name)
            if check is None:
                return False
            value_type = type(value)
            if value_type in check.valid:
                continue
            if value is None:
                if check.field.required:
                    return False
            elif value_type in check.unchanged:
                if check.proof is None or not check.proof(value):
                    return False
            else:
                # What is inside a container would be tested twice.
                return False
        return self.surely_valid(raw)

    @cached_property
    def checks_by_name(self) -> dict[str, Check]:
        """Return the tests of each field, by its name."""
        return {check.name: check for check in self.checks()}

    def all_surely_valid(self, items: list[PythonValue]) -> bool:
        """Return `surely_valid` of every raw document in a list."""
        if self.raw_test is not None:
            test = self.raw_test
            try:
                for item in items:
                    if item.__class__ is not dict or not test(item):
                        break
                else:
                    return True
            except KeyError:
                pass  # one has other keys
        surely_valid = self.surely_valid
        return all(item.__class__ is dict and surely_valid(item) for item in items)

    def checks(self) -> tuple[Check, ...]:
        """Return how each field is validated, in the order of the fields."""
        found = self._checks
        if found is None:
            found = self._checks = tuple(
                check_of(self.fields[name], self.codec(name))
                for name in self.cls._fields_ordered
            )
        return found


def _own_dump(document: Instance) -> Any:
    return document.to_mongo()


def _may_change_inside(field: BaseField) -> bool:
    """Return whether values of a field may be, or hold, embedded documents."""
    if not field._changes_inside:
        return False
    if field._is_container:
        inner = field._inner
        return not (_is_scalar(inner) or (inner is not None and inner._is_followed))
    return not _is_scalar(field)


def _is_scalar(field: BaseField | None) -> bool:
    unchanged = field._dumps_unchanged if field is not None else NO_TYPES
    return bool(unchanged) and unchanged <= UNCHANGED


def _is_at(cls: type[DocumentState], name: str, field: object) -> bool:
    """Return whether the attribute `name` of the class is this very field."""
    return class_attribute(cls, name) is field


def _is_set_by_base(field_class: Any) -> bool:
    """Return whether assigning a converted value does no more than putting it there."""
    return field_class.__set__ in (
        BaseField.__set__,
        ComplexBaseField.__set__,
    ) or still_true(field_class, "_sets_converted", "__set__", "to_python")
