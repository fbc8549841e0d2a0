"""Keyword updates become MongoDB update documents."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mongoengine.base.field_paths import db_names, is_position, last_field
from mongoengine.base.types import (
    PassedOn,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.errors import InvalidQueryError
from mongoengine.query.computed_updates import Computed, as_pipeline
from mongoengine.query.expressions import Expression
from mongoengine.query.filters import (
    handle_raw_query,
    place_of,
    plans_of,
    prepare_several,
    remember,
)
from mongoengine.query.operators import (
    COMPARISON_OPERATORS,
    NEW_UPDATE_OPERATORS,
    UPDATE_NAMES,
    UPDATE_OPERATORS,
)
from mongoengine.query.paths import local_path, looked_up
from mongoengine.query.safe_values import (
    are_safe,
    has_operators,
    is_operator,
    literally,
    refuse,
)

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.stored_document import StoredDocument


__all__ = ("compiled", "update")

Update = RawDocument

_COMPARISONS = frozenset(COMPARISON_OPERATORS)
#: The types of several values: `push` and its like take a frozen set for one value.
_SEVERAL = (list, tuple, set)
#: The types of values that may have expressions in them.
_CONTAINERS: frozenset[object] = frozenset((*_SEVERAL, dict))

#: The operators whose value is one value of the field; None is stored as it is.
_ONE_VALUE = frozenset(("set", "pull", "push", "addToSet", "setOnInsert"))

#: The operators whose value is one value of the field, or several.
_ONE_OR_SEVERAL = frozenset(("push", "addToSet", "setOnInsert"))

#: The operators whose value is several values of the field.
_ALWAYS_SEVERAL = frozenset(("pushAll", "pullAll"))

#: The operators that take a computed value.
_COMPUTED = frozenset(("set", "inc", "mul", "min", "max", "push", "addToSet"))


def update(_doc_cls: Any = None, **update: PassedOn) -> RawValue:
    """Return the MongoDB update document for keyword updates of a document class.

    A keyword without an operator means `set`.

    :returns: operators with their operands; a pipeline if `F` stands in a value
    :raises InvalidQueryError: if a name means nothing, or `F` cannot stand there
    """
    return compiled(_doc_cls, update, are_safe(_doc_cls))


def compiled(
    document: type[StoredDocument], keywords: RawMapping, safe: bool
) -> RawValue:
    """Return the MongoDB update document for keyword updates of a document class.

    :param safe: no value is taken for an operator
    """
    plans = plans_of(document, "_safe_update_plans" if safe else "_update_plans")
    changes: Update = {}
    computed = False
    for keyword, value in keywords.items():
        if keyword == "__raw__":
            handle_raw_query(value, changes)
            continue
        plan = plans.get(keyword) or _plan(document, keyword, plans, safe)
        if isinstance(value, Expression):
            computed = True
            operator, change = plan.computed(value, document)
        else:
            if value.__class__ in _CONTAINERS:
                _refuse_computed_parts(keyword, value)
            operator, change = plan.change(value)
        if operator in changes:
            handle_raw_query({operator: change}, changes)
        else:
            changes[operator] = change
    if not computed:
        return changes
    for keyword in keywords.keys() - {"__raw__"}:
        plan = plans.get(keyword) or _plan(document, keyword, plans, safe)
        plan.refuse_lists()
    return as_pipeline(changes)


def _refuse_computed_parts(keyword: str, value: PythonValue) -> None:
    parts = value.values() if value.__class__ is dict else value
    if any(isinstance(part, Expression) for part in parts):
        raise InvalidQueryError(
            f"{keyword} is given {value!r}: F() stands for a whole value, not for a "
            "part of one"
        )


class UpdatePlan:
    """The plan for making a change of one keyword of a document class."""

    __slots__ = ("decrease", "field", "key", "match", "op", "parts", "path", "place")

    def __init__(
        self,
        place: str,
        op: str,
        decrease: bool,
        match: str | None,
        parts: list[str],
        path: list[Any],
        field: object = None,
    ) -> None:
        self.place = place
        self.op = op
        self.decrease = decrease
        self.match = match
        self.parts = parts
        self.path = path
        self.key = ".".join(parts)
        self.field: Any = field

    def change(self, value: PythonValue) -> tuple[str, Update]:
        """Return the update operator, and its operand for `value`."""
        op = self.op
        if op == "currentDate" and self.field is not None:
            operator, operand = self.field._current_date(value)
            return operator, {self.key: operand}
        if self.decrease:
            value = -value
        if self.field is not None:
            value = self._prepared(self.field, value)
        if self.match:
            value = {f"${self.match}": value}
        if op.startswith("pull") and len(self.parts) > 1:
            return f"${op}", self._pulled(value)
        if op == "addToSet" and isinstance(value, list):
            value = {"$each": value}
        elif op in ("push", "pushAll"):
            return self._pushed(value)
        return f"${op}", {self.key: value}

    def computed(
        self, value: Expression, document: type[StoredDocument]
    ) -> tuple[str, Update]:
        """Return the update operator, and its operand, an expression.

        :raises InvalidQueryError: if the operator or the path takes none
        """
        if document is None:
            raise InvalidQueryError(f"{value!r} needs a document class: {self.key}")
        if self.op not in _COMPUTED or self.match:
            raise InvalidQueryError(
                f'"{self.op}" of "{self.key}" does not take {value!r}: F() takes part '
                f"in {', '.join(sorted(_COMPUTED))}"
            )
        expression = (-value if self.decrease else value).to_mongo(
            partial(local_path, document)
        )
        return f"${self.op}", {self.key: Computed(expression)}

    def refuse_lists(self) -> None:
        """Raise an InvalidQueryError for a path that a pipeline takes for another.

        In an operator a number is a position, in a pipeline the name of a field; and
        a pipeline sets a field of all documents in a list.
        """
        for field in self.path[:-1]:
            if is_position(field) or getattr(field, "_is_list", False):
                raise InvalidQueryError(
                    f'"{self.key}" is inside a list, and cannot be changed in one '
                    "update with F()"
                )

    def _prepared(self, field: BaseField, value: PythonValue) -> RawValue:
        """Return `value` as the field stores it, as far as the operator wants that."""
        op = self.op
        value = field._as_operand(value)
        if op == "unset":
            return 1
        if op == "inc":
            return field._change(op, value)
        if op in _ALWAYS_SEVERAL or (
            op in _ONE_OR_SEVERAL and isinstance(value, _SEVERAL)
        ):
            if op == "setOnInsert":
                field._check_length(value)
            return [field._change(op, item) for item in value]
        if op in _ONE_VALUE and (field.required or value is not None):
            if self._is_of_several(value):
                return prepare_several(field, op, value)
            return field._change(op, value)
        return value

    def _is_of_several(self, value: object) -> bool:
        """Return whether `pull` takes the values of `in` or `nin`."""
        return (
            self.op == "pull"
            and self.match in ("in", "nin")
            and not isinstance(value, dict)
        )

    def _pushed(self, value: object) -> tuple[str, Update]:
        """Return `$push`, of several values or at a position where the path has one."""
        *before, last = self.parts
        several = value if isinstance(value, _SEVERAL) else [value]
        if last.isdigit():
            change = {"$each": several, "$position": int(last)}
            return f"${self.op}", {".".join(before): change}
        if self.op == "pushAll":
            return "$push", {self.key: {"$each": several}}
        return "$push", {self.key: value}

    def _pulled(self, value: PythonValue) -> Update:
        """Return the operand of `$pull`, by a dotted path up to the last list.

        Below it there are nested documents: a path would be a name with dots.
        """
        if self.op == "pullAll":
            raise InvalidQueryError(
                "pullAll operations only support a single field depth"
            )
        split = self._last_list()
        head, below = self.parts[:split], self.parts[split:]
        if head:
            below.insert(0, ".".join(head))
        for part in reversed(below):
            value = {part: value}
        return value  # type: ignore[no-any-return]

    def _last_list(self) -> int:
        """Return how many parts the dotted path has.

        The fields of the items of containers count as steps, too.
        """
        ranks = []
        for field in self.path:
            if not isinstance(field, str):
                ranks.append(field._list_rank)
                if field._inner is not None:
                    ranks.append(field._inner._list_rank)
        highest = max(ranks, default=0)
        return len(ranks) - ranks[::-1].index(highest) if highest else 0


def _is_new_operator(document: object, names: list[str]) -> bool:
    """Return whether a keyword begins with an operator and not with a field."""
    declared = getattr(document, "_fields", ())
    return names[0] in NEW_UPDATE_OPERATORS and names[0] not in declared


class SafeUpdatePlan(UpdatePlan):
    """The same, but no value is taken for an operator."""

    __slots__ = ()

    def _prepared(self, field: BaseField, value: PythonValue) -> RawValue:
        compares = self.match is None or self.match in _COMPARED_AS_THEY_ARE
        if not (compares and field._stores_mappings) and has_operators(value):
            refuse(self.place, value)
        value = super()._prepared(field, value)
        if self.match is None and self.op == "pull":
            return literally(value)
        if self.op == "addToSet" and is_operator(value):
            return [value]
        return value

    def _pushed(self, value: object) -> tuple[str, Update]:
        if self.op == "push" and is_operator(value):
            operator, change = super()._pushed([value])
            return operator, {
                key: item if isinstance(item, dict) else {"$each": item}
                for key, item in change.items()
            }
        return super()._pushed(value)


#: The operators of `pull` whose operand MongoDB takes for a value.
_COMPARED_AS_THEY_ARE = frozenset(("ne", "gt", "gte", "lt", "lte"))


def _plan(
    document: object, keyword: str, plans: dict[str, UpdatePlan], safe: bool
) -> UpdatePlan:
    """Work out the plan of a keyword, and remember it."""
    plan_class = SafeUpdatePlan if safe else UpdatePlan
    names = keyword.split("__")
    has_operator = len(names) > 1 and (
        names[0] in UPDATE_OPERATORS or _is_new_operator(document, names)
    )
    if len(names) < 3 and not has_operator:
        names.insert(0, "set")
        has_operator = True
    operator = names.pop(0) if has_operator else None
    match = None
    if len(names) > 1:
        if names[-1] in _COMPARISONS:
            match = names.pop()
        if len(names) > 1 and not names[-1]:
            names.pop()
            match = None
    path: list[Any] = []
    if document is not None:
        path = looked_up(document, names, UPDATE_OPERATORS)
    if operator is None:
        raise TypeError(f"No update operator in {keyword}: write set__{keyword}")
    op = UPDATE_NAMES.get(operator, operator)
    decreases = operator == "dec"
    place = place_of(document, names)
    if document is None:
        return plan_class(place, op, decreases, match, names, path)
    parts = db_names("$" if step == "S" else step for step in path)
    field = last_field(path)
    plan = plan_class(place, op, decreases, match, parts, path, field)
    remember(plans, keyword, plan, path)
    return plan
