"""The schema of a document class, compiled once.

Most documents of a collection have the same few sets of keys, in the same order.
A `Schema` therefore keeps, for each such *shape*, what has to be looked at when a
document of that shape is loaded, dumped or validated; the loops that run for
every document only follow it.  Everything here only ever *proves* that the short
way gives what the long way would: where it cannot, the fields' own `to_python`,
`to_mongo` and `validate` are called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bson import SON

from mongoengine.base.bson_types import NO_TYPES, UNCHANGED
from mongoengine.base.codec import Dump, Proof
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.field import BaseField
from mongoengine.base.load_plans import MOST_SHAPES, LoadPlans
from mongoengine.base.sentinels import Sentinel
from mongoengine.base.state import EMPTY
from mongoengine.base.utils import class_attribute
from mongoengine.errors import ValidationError

__all__ = ("EMPTY", "Schema", "new_son", "prepare_field")

#: Stands for a dump that has the keys of the raw document, in their order.
AS_STORED: dict[str, Any] = {}


class TypedPlan(NamedTuple):
    """Plans for raw documents that have the same keys and types of values."""

    # What has to hold for the document to be valid; None where nothing shows that.
    proofs: tuple[tuple[str, Proof], ...] | None
    # The keys of its dump in their order, None where the fields have to be asked,
    template: dict[str, Any] | None
    # and the values that are not dumped as they are.
    dumps: tuple[tuple[str, Dump], ...]
    # The `_cls` for which this holds, if there is one.
    name: str | None


class Dumper(NamedTuple):
    """The plan for dumping the value of a field."""

    name: str
    key: str
    field: Any
    # Types of converted values, and of raw ones, that are dumped as they are.
    unchanged: frozenset[type]
    both: frozenset[type]
    # Something is to be done where there is no value.
    special: bool


class Check(NamedTuple):
    """The plan for validating a raw value without converting it."""

    name: str
    key: str
    field: Any
    surely: frozenset[type]
    proof: Proof | None
    # Without a value it has to be looked at: it is required, or has a default.
    needed: bool


def new_son(items: dict[str, Any]) -> SON[str, Any]:
    """A `SON` of `items`, without the Python-level loop of its constructor."""
    son: SON[str, Any] = dict.__new__(SON)
    dict.update(son, items)
    son._SON__keys = [*items]  # type: ignore[attr-defined]
    return son


def _place(kind: type, attribute: str) -> int:
    """Return how far up the bases of `kind` an attribute is defined."""
    for place, base in enumerate(kind.__mro__):
        if attribute in base.__dict__:
            return place
    return len(kind.__mro__)


def _still_true(kind: type, hint: str, *methods: str) -> bool:
    """A hint holds unless a subclass of its class redefines what it is about."""
    at = _place(kind, hint)
    return all(at <= _place(kind, method) for method in methods)


def prepare_field(field: Any) -> None:
    """Work out what the hints of a field's class are worth for this field."""
    kind = type(field)
    if field._dereferences is None:
        field._dereferences = True
    inner = getattr(field, "field", None)
    if inner is not None:
        prepare_field(inner)
    field._loads_unchanged = (
        kind._load_as if _still_true(kind, "_load_as", "to_python") else NO_TYPES
    )
    field._dumps_unchanged = (
        kind._dump_as if _still_true(kind, "_dump_as", "to_mongo") else NO_TYPES
    )
    unconstrained = (
        not field.choices
        and field.validation is None
        and _still_true(kind, "_valid_types", "validate", "_validate")
        and field._is_unconstrained()
    )
    field._surely_valid = kind._valid_types if unconstrained else NO_TYPES
    quick = _still_true(kind, "_from_raw", "to_python")
    field._convert = field._from_raw if quick else field.to_python
    field._user_converted = not _is_ours(kind, "to_python") or (
        inner is not None and inner._user_converted
    )
    field._may_refer = field._holds_references()
    field._untyped = _is_untyped(field)
    if not plain_methods(kind):
        field._dumps_inside = False
    field._plainly_set = _is_ours(kind, "__set__") and _is_ours(kind, "__get__")


def plain_methods(kind: type) -> bool:
    """Return whether no user code converts the values of a field class."""
    return _is_ours(kind, "to_python") and _is_ours(kind, "to_mongo")


def _is_ours(kind: type, method: str) -> bool:
    for base in kind.__mro__:
        if method in base.__dict__:
            return base.__module__.partition(".")[0] in _TRUSTED
    return True


_TRUSTED = frozenset({__name__.partition(".")[0], "builtins"})


class Schema:
    """The compiled knowledge of one document class."""

    def __init__(self, cls: Any) -> None:
        self.cls = cls
        self.fields: dict[str, Any] = dict(cls._fields)
        self.by_key: dict[str, Any] = {f.db_field: f for f in self.fields.values()}
        field: Any
        for field in self.fields.values():
            prepare_field(field)
        self.blank: dict[str, Any] = {}
        # User code sees every attribute that is set, the missing ones' defaults too.
        hooked = not _is_ours(cls, "__setattr__")
        self.defaults: list[tuple[str, Any]] = []
        for name, field in self.fields.items():
            if name == "_cls":
                self.blank[name] = cls._class_name
                continue
            if class_attribute(cls, name) is None:
                # The automatic id beside another `id` is known as `id` alone.
                continue
            self.blank[name] = None
            if (
                field.default is None
                or field.null
                or field._set_when_made
                or not field._plainly_set
                or hooked
            ):
                continue
            if callable(field.default):
                self.defaults.append((name, field))
            else:
                self.blank[name] = field.default
        # Fields whose values of some types the constructor puts in place directly.
        self.quick: dict[str, frozenset[type]] = {
            name: field._loads_unchanged
            for name, field in self.fields.items()
            if field._plainly_set and not hooked and _is_at(cls, name, field)
        }
        # Fields of which the constructor puts converted values in place.
        self.placed = frozenset(
            name for name in self.quick if _is_set_by_base(type(self.fields[name]))
        )
        shard_key = cls._meta.get("shard_key", ())
        self.shard_key = frozenset(shard_key or ())
        self.id_name = cls._meta.get("id_field") if cls._is_document else None
        self.plainly_made = all(f._plainly_set for f in self.fields.values())
        self.set_when_made = tuple(
            name
            for name, field in self.fields.items()
            if field._set_when_made or not field._plainly_set or hooked
        )
        # The constructor puts all values in place before it looks at each of them.
        self.places_all = not (
            cls._dynamic
            or self.set_when_made
            or self.fields.keys() - self.placed - {"_cls"}
        )
        self.plain = self._needs_constructor()
        ordered = [name for name in cls._fields_ordered if name in self.fields]
        self.own_loader = not _is_ours(cls, "_from_son")
        self.own_dump = not _is_ours(cls, "to_mongo")
        self.own_validation = not (_is_ours(cls, "validate") and _is_ours(cls, "clean"))
        self.load_plans = LoadPlans(cls, self.by_key, self.plain, self.own_loader)
        self.dumpers = tuple(map(_dumper, map(self.fields.__getitem__, ordered)))
        #: Whether a dump may have an `_id`.
        self.may_have_id: bool = cls._is_document or "_id" in self.by_key
        #: The names of embedded documents whose values may be stored as they are.
        self.stored_names: tuple[str, ...] | None = None
        self.unchanged = [d.unchanged for d in self.dumpers]
        has_class = cls._meta.get("allow_inheritance") or "_cls" in self.by_key
        if not (self.may_have_id or has_class):
            names = tuple(d.name for d in self.dumpers)
            if names == tuple(d.key for d in self.dumpers):
                self.stored_names = names
        self.nesting = tuple(
            (name, field.db_field, field)
            for name, field in self.fields.items()
            if _may_change_inside(field)
        )
        self.nesting_names = frozenset(name for name, _, _ in self.nesting)
        self.is_wired = not (self.own_dump or cls._dynamic)
        self._typed_plans: dict[tuple[Any, ...], TypedPlan] = {}
        self._checks: tuple[Check, ...] | None = None

    def _needs_constructor(self) -> bool:
        """Return whether user code runs when a document of the class is made."""
        made_here = all(
            _is_ours(self.cls, name) for name in ("__init__", "__setattr__", "__new__")
        )
        return not (made_here and self.plainly_made)

    # What need not be converted

    def _typed(self, raw: Mapping[str, Any]) -> TypedPlan:
        """Return the plans for raw documents with these keys and types of values."""
        shape = (*raw, *map(type, raw.values()))
        plan = self._typed_plans.get(shape)
        return self._new_typed(shape, raw) if plan is None else plan

    def _new_typed(self, shape: tuple[Any, ...], raw: Mapping[str, Any]) -> TypedPlan:
        plan = self._make_typed(raw)
        if len(self._typed_plans) < MOST_SHAPES:
            self._typed_plans[shape] = plan
        return plan

    def _make_typed(self, raw: Mapping[str, Any]) -> TypedPlan:
        own = raw.get("_cls", self.cls._class_name) == self.cls._class_name
        if self.plain or self.cls._dynamic or not own:
            return TypedPlan(None, None, (), None)
        template, dumps = self._make_dump(raw)
        return TypedPlan(self._make_validation(raw), template, dumps, raw.get("_cls"))

    # Dumping

    def dump_raw(self, raw: Mapping[str, Any]) -> SON[str, Any] | None:
        """`to_mongo()` of a document that was just loaded from `raw`, or None.

        None where that cannot be told without converting a field.
        """
        # In the innermost loop of dumping: `_typed` and `new_son` are spelled out.
        shape = (*raw, *map(type, raw.values()))
        _, template, dumps, name = self._typed_plans.get(shape) or self._new_typed(
            shape, raw
        )
        if template is None or (name is not None and raw["_cls"] != name):
            return None
        son: SON[str, Any] = dict.__new__(SON)
        if template is AS_STORED:
            dict.update(son, raw)
        else:
            dict.update(son, {k: raw.get(k, v) for k, v in template.items()})
        for key, dump in dumps:
            dumped = dump(dict.get(son, key))
            if dumped is None:
                return None
            dict.__setitem__(son, key, dumped)
        son._SON__keys = [*dict.keys(son)]  # type: ignore[attr-defined]
        return son

    def _make_dump(
        self, raw: Mapping[str, Any]
    ) -> tuple[dict[str, Any] | None, tuple[tuple[str, Dump], ...]]:
        """The keys of a dump in their order, and what is to be dumped of them."""
        if self.own_dump:
            return None, ()
        template: dict[str, Any] = {}
        dumps = []
        for name in self.cls._fields_ordered:
            field = self.fields[name]
            key = field.db_field
            unchanged = field._loads_unchanged & field._dumps_unchanged
            value = raw.get(key)
            if value is None:
                missing = _dumped_when_missing(field, unchanged)
                if missing is FRESH:
                    template[key] = None
                    dumps.append((key, _making(field.default)))
                    continue
                if key == "_id" and missing is None:
                    continue
                if missing is UNKNOWN:
                    return None, ()
                if missing is not OMITTED:
                    template[key] = missing
                continue
            template[key] = None
            if value.__class__ not in unchanged:
                dump = field._raw_dumper() if plain_methods(type(field)) else None
                if dump is None:
                    return None, ()
                dumps.append((key, dump))
        template.pop("_cls", None)
        if self.cls._meta.get("allow_inheritance"):
            first = {"_id": None} if "_id" in template else {}
            template = {**first, "_cls": self.cls._class_name, **template}
        if list(template) == list(raw):
            template = AS_STORED
        return template, tuple(dumps)

    # Validating

    def surely_valid(self, raw: Mapping[str, Any]) -> bool:
        """Return whether a document just loaded from `raw` is valid beyond doubt."""
        proofs, _, _, name = self._typed(raw)
        if proofs is None or (name is not None and raw["_cls"] != name):
            return False
        for key, proof in proofs:  # noqa: SIM110 - a generator costs more than the proofs
            if not proof(raw[key]):
                return False
        return True

    def all_surely_valid(self, items: list[Any]) -> bool:
        """`surely_valid` of every raw document in a list."""
        plans = self._typed_plans
        for item in items:
            if item.__class__ is not dict:
                return False
            plan = plans.get((*item, *map(type, item.values())))
            settled = plan is not None and plan.proofs == () and plan.name is None
            if not (settled or self.surely_valid(item)):
                return False
        return True

    def _make_validation(
        self, raw: Mapping[str, Any]
    ) -> tuple[tuple[str, Proof], ...] | None:
        if self.own_validation:
            return None
        proofs = []
        for check in self.checks():
            value = raw.get(check.key)
            if value.__class__ in check.surely:
                continue
            if value is None:
                if check.needed:
                    return None
            elif check.proof is None:
                return None
            else:
                proofs.append((check.key, check.proof))
        return tuple(proofs)

    def checks(self) -> tuple[Check, ...]:
        """Return how each field is validated, in the order of the fields."""
        found = self._checks
        if found is None:
            found = self._checks = tuple(
                _check(self.fields[name]) for name in self.cls._fields_ordered
            )
        return found


#: What a missing value is dumped as: left out, or not to be told beforehand.
OMITTED: Any = Sentinel("OMITTED")
UNKNOWN: Any = Sentinel("UNKNOWN")
#: An empty list or dict, another one for every dump.
FRESH: Any = Sentinel("FRESH")


def _may_change_inside(field: Any) -> bool:
    """Return whether values of a field may be, or hold, embedded documents."""
    if not field._changes_inside:
        return False
    if field._is_container:
        inner = field._inner
        return not (_is_scalar(inner) or (inner is not None and inner._is_followed))
    return not _is_scalar(field)


def _is_scalar(field: Any) -> bool:
    unchanged = field._dumps_unchanged if field is not None else NO_TYPES
    return bool(unchanged) and unchanged <= UNCHANGED


def _dumped_when_missing(field: Any, unchanged: frozenset[type]) -> Any:
    if field._auto_gen:
        return UNKNOWN
    if field.null:
        return None
    if field.default is None:
        return OMITTED
    if field.default in (list, dict) and plain_methods(type(field)):
        return FRESH
    return field.default if field.default.__class__ in unchanged else UNKNOWN


def _making(default: Callable[[], Any]) -> Dump:
    return lambda _: default()


def _dumper(field: Any) -> Dumper:
    return Dumper(
        field.name,
        field.db_field,
        field,
        field._dumps_unchanged,
        field._dumps_unchanged & field._loads_unchanged,
        field._auto_gen or field.null,
    )


def field_proof(field: Any) -> tuple[frozenset[type], Proof | None]:
    """The types of raw values that are surely valid, and a test for others."""
    kind = type(field)
    surely = field._loads_unchanged & field._surely_valid
    known = plain_methods(kind) and _is_ours(kind, "validate")
    if field.choices or field.validation is not None or not known:
        return surely, None
    return surely, field._raw_validator() or _unchanged_proof(field)


def _unchanged_proof(field: Any) -> Proof | None:
    """Validates raw values that are what the field would convert them to."""
    unchanged, validate = field._loads_unchanged, field.validate
    if not unchanged:
        return None

    def proof(value: Any) -> bool:
        if value.__class__ not in unchanged:
            return False
        try:
            validate(value)
        except (ValidationError, ValueError, AttributeError, AssertionError):
            return False
        return True

    return proof


def _check(field: Any) -> Check:
    surely, proof = field_proof(field)
    needed = field.default is not None or field.required
    return Check(field.name, field.db_field, field, surely, proof, needed)


def _is_untyped(field: Any) -> bool:
    """Return whether a field's conversions leave plain data as it is."""
    if not field._is_container:
        return False
    kind = type(field)
    plain = plain_methods(kind) and not hasattr(field, "_ordering")
    return plain and (field.field is None or _is_untyped(field.field))


def _is_at(cls: Any, name: str, field: Any) -> bool:
    """Return whether the attribute `name` of the class is this very field."""
    return class_attribute(cls, name) is field


def _is_set_by_base(kind: Any) -> bool:
    """Return whether assigning a converted value does no more than putting it there."""
    return kind.__set__ in (BaseField.__set__, ComplexBaseField.__set__)
