"""Keyword queries become MongoDB filters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bson.dbref import DBRef
from bson.objectid import ObjectId

from mongoengine.common import _import_class
from mongoengine.errors import InvalidQueryError
from mongoengine.query.geo import distances_last, geo_condition
from mongoengine.query.operators import (
    GEO_OPERATORS,
    MATCH_OPERATORS,
    SEVERAL_VALUES,
    SINGLE_VALUE,
    UNWRAPPED,
)

__all__ = ("handle_raw_query", "prepare_several", "query")

Filter = dict[str, Any]

_OPERATORS = frozenset(MATCH_OPERATORS)
_GEO = frozenset(GEO_OPERATORS)
_COMPARED_WITH_SEVERAL = SEVERAL_VALUES - _GEO

#: How many keywords with keys, positions and open names in them, of which there
#: is no end, are remembered for a class.
_OPEN_NAMES = 256


def query(_doc_cls: Any = None, **kwargs: Any) -> Filter:
    """The MongoDB filter for keyword conditions on a document class.

    Without a class, the names are taken as they are.  Raises `InvalidQueryError`
    for a name that means nothing, and what a field raises for a value.
    """
    plans = plans_of(_doc_cls, "_filter_plans")
    filters: Filter = {}
    clashes: dict[str, list[Any]] = {}
    for keyword in sorted(kwargs) if len(kwargs) > 1 else kwargs:
        value = kwargs[keyword]
        if keyword == "__raw__":
            handle_raw_query(value, filters)
            continue
        plan = plans.get(keyword) or _plan(_doc_cls, keyword, plans)
        if plan.prepare is None:
            key, value = plan.condition(value)
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
    return filters


def _conjoin(filters: Filter, clashes: dict[str, list[Any]]) -> None:
    """Move what cannot stand under one key into an `$and`."""
    conditions: list[Filter] = list(filters.get("$and", ()))
    for key, values in clashes.items():
        conditions += [{key: value} for value in (*values, filters.pop(key))]
    filters["$and"] = conditions


def handle_raw_query(value: Any, mongo_query: Filter) -> None:
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


def plans_of(document: Any, name: str) -> dict[str, Any]:
    """What was worked out for the keywords of a document class before."""
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


def looked_up(document: Any, parts: list[str]) -> list[Any]:
    """`document._lookup_field(parts)`; raises `InvalidQueryError`."""
    try:
        fields: list[Any] = document._lookup_field(parts)
    except Exception as error:
        raise InvalidQueryError(error) from error
    return fields


def remember(plans: dict[str, Any], keyword: str, plan: Any, path: list[Any]) -> None:
    """Keep the plan of a keyword, unless there could be no end of such keywords."""
    declared = not any(isinstance(step, str) or step.name is None for step in path)
    if declared or len(plans) < _OPEN_NAMES:
        plans[keyword] = plan


class FilterPlan:
    """How one keyword of one document class is made a condition.

    `prepare` is set where the key is fixed and preparing the value does all the
    work; `operator`, if any, is then wrapped around the result.
    """

    __slots__ = (
        "field",
        "indices",
        "key",
        "negated",
        "op",
        "operator",
        "parts",
        "prepare",
    )

    def __init__(
        self,
        field: Any,
        parts: list[str],
        indices: list[tuple[int, str]],
        op: str | None,
        negated: bool,
    ) -> None:
        self.field = field
        self.parts = parts
        self.indices = indices
        self.op = op
        self.negated = negated
        self.key = self._join()
        self.operator = None if op in UNWRAPPED else f"${op}"
        self.prepare: Callable[[str | None, Any], Any] | None = None
        if field is None or negated or isinstance(field, _odd_fields()):
            return
        if op in SINGLE_VALUE:
            self.prepare = field.prepare_query_value
        elif op in _COMPARED_WITH_SEVERAL:
            self.prepare = partial(_several_or_raw, field)

    def _join(self, suffix: str = "") -> str:
        parts = self.parts.copy()
        parts[-1] += suffix
        for position, index in self.indices:
            parts.insert(position, index)
        return ".".join(parts)

    def condition(self, value: Any) -> tuple[str, Any]:
        """The key and the value that the filter gets for `value`."""
        key = self.key
        if self.field is not None:
            value = self._prepared(value)
            if isinstance(self.field, _import_class("GenericReferenceField")):
                if isinstance(value, DBRef):
                    key = self._join("._ref")
                elif isinstance(value, ObjectId):
                    key = self._join("._ref.$id")
        value = self._wrapped(value)
        return key, {"$not": value} if self.negated else value

    def _prepared(self, value: Any) -> Any:
        if self.op in SINGLE_VALUE:
            value = self.field.prepare_query_value(self.op, value)
            if value and isinstance(self.field, _import_class("CachedReferenceField")):
                value = value["_id"]
        elif self.op in SEVERAL_VALUES:
            value = _several_or_raw(self.field, self.op, value)
        return value

    def _wrapped(self, value: Any) -> Any:
        op = self.op
        if op in UNWRAPPED:
            return value
        if op in _GEO or op in ("match", "elemMatch"):
            if self.field is None:
                raise InvalidQueryError(f'"{op}" needs a document class: {self.key}')
            if op in _GEO:
                return geo_condition(self.field, op, value)
            return {"$elemMatch": _element_condition(self.field, op, value)}
        return {self.operator: value}


def _odd_fields() -> tuple[Any, ...]:
    return (
        _import_class("CachedReferenceField"),
        _import_class("GenericReferenceField"),
    )


def _element_condition(field: Any, op: str, value: Any) -> Any:
    """What `$elemMatch` is given: a keyword query on an embedded document, or one
    value of the field.
    """
    embedded = getattr(field, "field", None)
    if (
        isinstance(value, dict)
        and isinstance(field, _import_class("ListField"))
        and isinstance(embedded, _import_class("EmbeddedDocumentField"))
    ):
        return query(embedded.document_type, **value)
    return field.prepare_query_value(op, value)


def prepare_several(field: Any, op: str | None, value: Any) -> list[Any]:
    """Each of the values, prepared by the field.

    Raises `TypeError` for a document, and for what cannot be iterated over.
    """
    if isinstance(value, _import_class("BaseDocument")):
        raise TypeError(
            "When using the `in`, `nin`, `all`, or `near`-operators you can't use a "
            "`Document`, you must wrap your object in a list (object -> [object])."
        )
    if not hasattr(value, "__iter__"):
        raise TypeError(
            "The `in`, `nin`, `all`, or `near`-operators must be applied to an "
            "iterable (e.g. a list)."
        )
    prepare = field.prepare_query_value
    return [prepare(op, item) for item in value]


def _several_or_raw(field: Any, op: str | None, value: Any) -> Any:
    if isinstance(value, dict):
        return value
    return prepare_several(field, op, value)


def _plan(document: Any, keyword: str, plans: dict[str, Any]) -> FilterPlan:
    """Work out the plan of a keyword, and remember it."""
    names = keyword.rsplit("__")
    indices = [(i, name) for i, name in enumerate(names) if name.isdigit()]
    names = [name for name in names if not name.isdigit()]
    op = names.pop() if len(names) > 1 and names[-1] in _OPERATORS else None
    if len(names) > 1 and not names[-1]:
        names.pop()
    negated = len(names) > 1 and names[-1] == "not"
    if negated:
        names.pop()
    if document is None:
        return FilterPlan(None, names, indices, op, negated)
    path = looked_up(document, names)
    field = [step for step in path if not isinstance(step, str)][-1]
    parts = [step if isinstance(step, str) else step.db_field for step in path]
    if path[-1] is field and isinstance(field, _import_class("CachedReferenceField")):
        parts[-1] += "._id"
    plan = FilterPlan(field, parts, indices, op, negated)
    remember(plans, keyword, plan, [*path, *(index for _, index in indices)])
    return plan
