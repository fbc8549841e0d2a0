"""Keyword queries become MongoDB filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mongoengine.base.document import BaseDocument
from mongoengine.base.field import BaseField
from mongoengine.base.field_paths import db_names, last_field
from mongoengine.base.types import (
    PassedOn,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.errors import InvalidQueryError
from mongoengine.query.expressions import Expression, Resolve, comparison, with_computed
from mongoengine.query.geo import distances_last, geo_condition
from mongoengine.query.operators import (
    GEO_OPERATORS,
    MATCH_OPERATORS,
    SEVERAL_VALUES,
    SINGLE_VALUE,
    UNWRAPPED,
)
from mongoengine.query.paths import Join, Path, crossed, local_path, looked_up, path_of
from mongoengine.query.safe_values import (
    SEQUENCES,
    are_safe,
    has_operators,
    is_operator,
    refuse,
)

if TYPE_CHECKING:
    from mongoengine.base.state import DocumentState
    from mongoengine.base.stored_document import StoredDocument


__all__ = (
    "handle_raw_query",
    "joined_query",
    "local_query",
    "place_of",
    "prepare_several",
    "query",
)

Filter = RawDocument

_OPERATORS = frozenset(MATCH_OPERATORS)
_GEO = frozenset(GEO_OPERATORS)
_COMPARED_WITH_SEVERAL = SEVERAL_VALUES - _GEO

#: How many keywords with keys, positions and open names in them, of which there
#: is no end, are remembered for a class.
_OPEN_NAMES = 256

#: The plan of a keyword of a filter or of an update.
P = TypeVar("P")


def query(_doc_cls: object = None, **kwargs: object) -> Filter:
    """Return the MongoDB filter for keyword conditions on a document class.

    Without a class, the names are taken as they are.

    :raises InvalidQueryError: if a name means nothing
    """
    return local_query(_doc_cls, kwargs, are_safe(_doc_cls))


def local_query(document: Any, keywords: RawMapping, safe: bool) -> Filter:
    """Return the filter for conditions on the documents of a class alone.

    :param safe: no value is taken for an operator
    """
    plans = plans_of(document, "_safe_filter_plans" if safe else "_filter_plans")
    return _compile(document, keywords, plans, _safe_plan if safe else _plan)


def joined_query(
    document: type[StoredDocument], keywords: RawMapping, safe: bool
) -> Filter:
    """Return the filter for conditions that may lead through references.

    It names joined documents by their joins, see `paths`, and so is one for a
    pipeline that has looked them up.

    :param safe: no value is taken for an operator
    """
    plans = plans_of(document, "_safe_joined_plans" if safe else "_joined_plans")
    make = partial(_joined_plan, make=_safe_plan if safe else _plan)
    return _compile(document, keywords, plans, make)


def _compile(
    document: type[StoredDocument],
    keywords: RawMapping,
    plans: dict[str, FilterPlan],
    make_plan: Callable[[object, str, RawDocument], FilterPlan],
) -> Filter:
    filters: Filter = {}
    clashes: dict[str, list[object]] = {}
    compared: list[Filter] = []
    for keyword in sorted(keywords) if len(keywords) > 1 else keywords:
        value = keywords[keyword]
        if keyword == "__raw__":
            handle_raw_query(value, filters)
            continue
        plan = plans.get(keyword) or make_plan(document, keyword, plans)
        if value.__class__ in SEQUENCES:
            value = with_computed(value)
        if isinstance(value, Expression):
            compared.append({"$expr": plan.comparison(value, document)})
            continue
        if plan.prepare is None:
            key, value = plan.condition(value)
            if key[:1] == "$" and plan.field is not None:
                clashes.setdefault(key, []).append(value)
                continue
        else:
            key, value = plan.key, plan.prepare(plan.op, value)
            if plan.operator is not None:
                value = {plan.operator: value}
        if key not in filters:
            filters[key] = value
        elif isinstance(filters[key], dict) and isinstance(value, dict):
            both = filters[key].copy()
            both.update(value)
            filters[key] = distances_last(both)
        else:
            clashes.setdefault(key, []).append(value)
    if clashes:
        _conjoin(filters, clashes)
    if compared:
        _add_comparisons(filters, compared)
    return filters


def _add_comparisons(filters: Filter, compared: list[Filter]) -> None:
    """Add conditions of computed values; a filter has one `$expr` at most."""
    if len(compared) == 1 and "$expr" not in filters:
        filters.update(compared[0])
    else:
        filters["$and"] = [*filters.get("$and", ()), *compared]


def _conjoin(filters: Filter, clashes: dict[str, list[object]]) -> None:
    """Move what cannot stand under one key into an `$and`."""
    conditions: list[Filter] = list(filters.get("$and", ()))
    for key, values in clashes.items():
        if key in filters:
            values.append(filters.pop(key))
        conditions += [{key: value} for value in values]
    filters["$and"] = conditions


def handle_raw_query(value: PythonValue, mongo_query: Filter) -> None:
    """Merge a raw filter or update into what the keywords before it made.

    Where a key is there already, two mappings are merged, and anything else keeps
    its first value.
    """
    for key, raw in value.items():
        if key not in mongo_query:
            mongo_query[key] = raw
        elif isinstance(mongo_query[key], dict):
            merged = mongo_query[key].copy()
            merged.update(raw)
            mongo_query[key] = merged


def plans_of(document: object, name: str) -> dict[str, Any]:
    """Return the compiled keywords of a document class."""
    if document is None:
        return {}
    try:
        plans: dict[str, Any] = document.__dict__[name]
    except (AttributeError, KeyError):
        if not isinstance(document, type):
            return plans_of(type(document), name)
        plans = {}
        setattr(document, name, plans)
    return plans


def remember(plans: dict[str, P], keyword: str, plan: P, path: list[Any]) -> None:
    """Keep the plan of a keyword, unless there could be no end of such keywords."""
    declared = not any(isinstance(step, str) or step.name is None for step in path)
    if declared or len(plans) < _OPEN_NAMES:
        plans[keyword] = plan


def place_of(document: Any, names: list[str]) -> str:
    """Return the class and the field of a keyword, for errors."""
    cls = document if isinstance(document, type) else type(document)
    return ".".join((cls.__name__, *names))


class FilterPlan:
    """The plan for making a condition of one keyword of a document class.

    `prepare` is set where the key is fixed and preparing the value does all the
    work; `operator`, if any, is then wrapped around the result.  `steps` are the
    fields, keys and positions on the way, for `remember()`.
    """

    __slots__ = (
        "field",
        "indices",
        "key",
        "negated",
        "op",
        "operator",
        "parts",
        "path",
        "place",
        "prepare",
        "resolve",
        "steps",
    )

    def __init__(
        self,
        place: str,
        field: Any,
        parts: list[str],
        indices: list[tuple[int, str]],
        op: str | None,
        negated: bool,
    ) -> None:
        self.place = place
        self.field = field
        self.parts = parts
        self.indices = indices
        self.op = op
        self.negated = negated
        self.key = self._join("")
        self.operator = None if op in UNWRAPPED else f"${op}"
        self.prepare: Callable[[str | None, object], object] | None = None
        self.resolve: Callable[[Any, str], Path] = local_path
        self.path = ""
        self.steps: list[BaseField | str] = []
        if field is None or negated or not _compares_values(field):
            return
        if op in SINGLE_VALUE:
            self.prepare = field.prepare_query_value
        elif op in _COMPARED_WITH_SEVERAL:
            self.prepare = partial(_several_or_raw, field)

    def _join(self, path: str) -> str:
        parts = self.parts.copy()
        if path:
            parts[-1] += f".{path}"
        for position, index in self.indices:
            parts.insert(position, index)
        return ".".join(parts)

    def begin_at(self, join: Join) -> None:
        """Look for the field in joined documents."""
        way = [step for each in join.lineage() for step in each.reference.fields]
        self.steps = way + self.steps
        self.parts.insert(0, join.name)
        self.indices = [(place + 1, index) for place, index in self.indices]
        self.key = self._join("")
        self.resolve = path_of

    def comparison(self, value: Expression, document: type[DocumentState]) -> Filter:
        """Return the expression that compares the field with a computed value."""
        if self.field is None:
            raise InvalidQueryError(f"{value!r} needs a document class: {self.key}")
        resolve: Resolve = partial(self.resolve, document)
        return comparison(resolve(self.path), self.op, value, self.negated, resolve)

    def condition(self, value: PythonValue) -> tuple[str, Any]:
        """Return the key and the value that the filter gets for `value`."""
        path = ""
        op, field = self.op, self.field
        if field is None:
            if op in _ON_A_FIELD:
                raise InvalidQueryError(f'"{op}" needs a document class: {self.key}')
        elif op in SINGLE_VALUE or op in field._operators:
            path, value = self._operand(value)
        elif op in SEVERAL_VALUES and not isinstance(value, dict):
            path, value = self._operands(value)
        if field is None or op not in field._operators:
            wrap = _WRAPPERS.get(op)
            value = {self.operator: value} if wrap is None else wrap(self, value)
        key = self._join(path) if path else self.key
        return key, {"$not": value} if self.negated else value

    def _operand(self, value: object) -> tuple[str, object]:
        """Return the path inside the field that a value is compared with, and it."""
        operand: tuple[str, object] = self.field._condition(self.op, value)
        return operand

    def _operands(self, values: object) -> tuple[str, list[object]]:
        """Return the path inside the field that values are compared with, and them.

        :raises InvalidQueryError: if they would have to be compared with different
            paths.
        """
        conditions = [self._operand(value) for value in _iterable(values)]
        paths = {path for path, value in conditions if value is not None}
        if len(paths) > 1:
            raise InvalidQueryError(
                f'The values of "{self.field.name}__{self.op}" must all be documents, '
                "all be DBRefs or all be keys; use Q() to combine different ones"
            )
        return paths.pop() if paths else "", [value for _, value in conditions]

    def _element(self, value: object) -> RawValue:
        """Return the operand of `$elemMatch`.

        It is the filter for keywords on an embedded document, or one value.
        """
        embedded = self._class_of_items()
        if isinstance(value, dict) and embedded is not None:
            return query(embedded, **value)
        return self.field.prepare_query_value(self.op, value)

    def _class_of_items(self) -> type[BaseDocument] | None:
        """Return the class of the embedded documents in a list, or None."""
        inner = self.field._inner
        return inner._embedded_class if inner and self.field._list_rank else None


class SafeFilterPlan(FilterPlan):
    """The same, but no value is taken for an operator.

    A mapping that looks like one is refused, unless the field stores mappings: then
    it is compared as it is.
    """

    __slots__ = ()

    def __init__(self, *details: PassedOn) -> None:
        super().__init__(*details)
        self.prepare = None

    def condition(self, value: PythonValue) -> tuple[str, Any]:
        op = self.op
        several = op in _COMPARED_WITH_SEVERAL and not isinstance(value, Mapping)
        if several:
            value = list(_iterable(value))
        if not (op in _ELEMENT or self._compares_mappings) and has_operators(value):
            refuse(self.place, value)
        key, condition = super().condition(value)
        return self._apart(key, condition) if several else (key, condition)

    @property
    def _compares_mappings(self) -> bool:
        op = self.op
        compares = op in SINGLE_VALUE or op in _COMPARED_WITH_SEVERAL
        return compares and self.field._stores_mappings

    def _operand(self, value: object) -> tuple[str, object]:
        # Fields leave mappings that look like operators as they are, or fail.
        path, value = ("", value) if is_operator(value) else super()._operand(value)
        if self.op in self.field._operators:
            return path, value
        if not self._compares_mappings and has_operators(value):
            refuse(self.place, value)
        if self.op in _NAKED and is_operator(value):
            value = {"$eq": value}
        return path, value

    def _apart(self, key: str, condition: RawValue) -> tuple[str, RawValue]:
        """Compare with mappings that look like operators one by one.

        The server does not take them in `$in`, `$nin` and `$all`.
        """
        values = (condition["$not"] if self.negated else condition)[self.operator]
        others = [value for value in values if not is_operator(value)]
        if len(others) == len(values):
            return key, condition
        joins = "$all" if self.op == "all" else "$in"
        each = [{key: {joins: others}}] if others else []
        each += [{key: {"$eq": value}} for value in values if is_operator(value)]
        together = "$and" if self.op == "all" else "$or"
        if (self.op == "nin") != self.negated:
            return "$nor", [{together: each}]
        return together, each

    def _element(self, value: object) -> RawValue:
        embedded = self._class_of_items()
        if isinstance(value, dict) and embedded is not None:
            if "__raw__" in value:
                refuse(self.place, value)
            return local_query(embedded, value, safe=True)
        if has_operators(value):
            refuse(self.place, value)
        return super()._element(value)


def _compares_values(field: BaseField) -> bool:
    """Return whether conditions compare the field's value itself, as it is prepared."""
    return type(field)._condition is BaseField._condition


_ELEMENT = frozenset(("match", "elemMatch"))
#: The operators whose operand may stand where MongoDB looks for operators.
_NAKED = UNWRAPPED | {"not"}

#: Writes the condition of an operator that is not simply `{"$op": value}`.
_WRAPPERS: dict[str | None, Callable[[FilterPlan, Any], Any]] = {
    **dict.fromkeys(UNWRAPPED, lambda plan, value: value),
    **dict.fromkeys(
        GEO_OPERATORS,
        lambda plan, value: geo_condition(plan.field, str(plan.op), value),
    ),
    **dict.fromkeys(_ELEMENT, lambda plan, value: {"$elemMatch": plan._element(value)}),
}
_ON_A_FIELD = frozenset(GEO_OPERATORS) | _ELEMENT


def _iterable(value: object) -> Any:
    """Return the value of an operator that takes several values.

    :raises TypeError: for a document, and for what cannot be iterated over.
    """
    if isinstance(value, BaseDocument):
        raise TypeError(
            "When using the `in`, `nin`, `all`, or `near`-operators you can't use a "
            "`Document`, you must wrap your object in a list (object -> [object])."
        )
    if not hasattr(value, "__iter__"):
        raise TypeError(
            "The `in`, `nin`, `all`, or `near`-operators must be applied to an "
            "iterable (e.g. a list)."
        )
    return value


def prepare_several(field: Any, op: str | None, value: object) -> list[object]:
    """Return each of the values, prepared by the field.

    :raises TypeError: for a document, and for what cannot be iterated over.
    """
    prepare = field.prepare_query_value
    return [prepare(op, item) for item in _iterable(value)]


def _several_or_raw(field: object, op: str | None, value: object) -> RawValue:
    if isinstance(value, dict):
        return value
    return prepare_several(field, op, value)


def _ends_with_operator(document: Any, names: list[str]) -> bool:
    """Return whether the last name is an operator, common or the field's own."""
    if len(names) < 2:
        return False
    if names[-1] in _OPERATORS:
        return True
    if document is None or not names[-1]:
        return False
    path = names[:-2] if len(names) > 2 and names[-2] == "not" else names[:-1]
    try:
        field = document._lookup_field(path)[-1]
    except Exception:  # the whole name may mean something, or is refused later
        return False
    return not isinstance(field, str) and names[-1] in field._operators


def _safe_plan(
    document: object, keyword: str, plans: dict[str, FilterPlan]
) -> FilterPlan:
    """Work out the plan of a keyword whose values are no operators."""
    return _plan(document, keyword, plans, SafeFilterPlan)


def _plan(
    document: object,
    keyword: str,
    plans: dict[str, FilterPlan],
    plan_class: type[FilterPlan] = FilterPlan,
) -> FilterPlan:
    """Work out the plan of a keyword, and remember it."""
    words = keyword.rsplit("__")
    indices = [(i, name) for i, name in enumerate(words) if name.isdigit()]
    names = [name for name in words if not name.isdigit()]
    op = names.pop() if _ends_with_operator(document, names) else None
    if len(names) > 1 and not names[-1]:
        names.pop()
    negated = len(names) > 1 and names[-1] == "not"
    if negated:
        names.pop()
    if document is not None and not names:
        raise InvalidQueryError(f'No field in the keyword "{keyword}"')
    place = place_of(document, names)
    if document is None:
        return plan_class(place, None, names, indices, op, negated)
    path = looked_up(document, names)
    field, parts = last_field(path), db_names(path)
    if path[-1] is field and field._compared_path:
        parts[-1] += f".{field._compared_path}"
    plan = plan_class(place, field, parts, indices, op, negated)
    plan.path = "__".join(words[: len(names) + len(indices)])
    plan.steps = [*path, *(index for _, index in indices)]
    remember(plans, keyword, plan, plan.steps)
    return plan


def _joined_plan(
    document: Any,
    keyword: str,
    plans: dict[str, FilterPlan],
    make: Callable[[Any, str, dict[str, FilterPlan]], FilterPlan],
) -> FilterPlan:
    """Work out the plan of a keyword that may lead through references."""
    names = keyword.split("__")
    while len(names) > 1 and (names[-1] in _OPERATORS or not names[-1]):
        names.pop()
    if document is None:
        return make(document, keyword, plans)
    join, rest = crossed(document, names)
    if join is None:
        plan = make(document, keyword, plans)
        plan.resolve = path_of
        return plan
    if rest in (["pk"], [join.cls._meta["id_field"]]):
        # The key is what the reference stores.
        local = [*names[:-1], *keyword.split("__")[len(names) :]]
        plan = _joined_plan(document, "__".join(local), {}, make)
        remember(plans, keyword, plan, plan.steps)
        return plan
    if join.cls._meta.get("safe_values"):
        make = _safe_plan
    taken = len(names) - len(rest)
    plan = make(join.cls, "__".join(keyword.split("__")[taken:]), {})
    plan.begin_at(join)
    plan.path = "__".join([*names[:taken], plan.path])
    remember(plans, keyword, plan, plan.steps)
    return plan


def row_query(row: Any, keywords: RawMapping, safe: bool) -> Filter:
    """Return the filter for conditions on computed values.

    :param row: finds the fields of names; its `document` those of others
    :param safe: no value is taken for an operator
    """
    return _compile(row, keywords, {}, partial(_row_plan, safe=safe))


def _row_plan(
    row: Any, keyword: str, plans: dict[str, FilterPlan], safe: bool
) -> FilterPlan:
    make = _safe_plan if safe else _plan
    if keyword in row or row.document is None:
        plan = make(row, keyword, plans)
    else:
        plan = copy(_joined_plan(row.document, keyword, {}, make))
    plan.resolve = _row_path
    return plan


def _row_path(row: Any, name: str) -> Path:
    path: Path = row.path(name)
    return path
