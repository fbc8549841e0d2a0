"""`F`: the value of a field, computed with by the server."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from bson.max_key import MaxKey

from mongoengine.base.types import PythonValue, RawDocument, RawValue
from mongoengine.errors import InvalidQueryError
from mongoengine.query.paths import Path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mongoengine.base.field import BaseField


__all__ = ("Expression", "F", "comparison", "resolved", "with_computed")

#: Finds the path of a name.
Resolve: TypeAlias = Callable[[str], Path]

#: What no value is greater than.
_NOTHING = MaxKey()


class Expression:
    """A value that the server computes from fields, such as `F("price") * 2`."""

    __slots__ = ()

    def to_mongo(self, resolve: Resolve) -> RawValue:
        """Return the aggregation expression.

        :param resolve: finds the path of a name
        :raises InvalidQueryError: if a name means nothing
        """
        raise NotImplementedError

    def parts(self) -> tuple[object, ...]:
        """Return the values that this one is computed from; none of a field itself."""
        return ()

    def paths(self, resolve: Resolve) -> Iterator[Path]:
        """Yield the paths of the fields that the value is computed from."""
        for part in self.parts():
            if isinstance(part, Expression):
                yield from part.paths(resolve)

    def names(self) -> Iterator[str]:
        """Yield the names of the fields that the value is computed from."""
        for part in self.parts():
            if isinstance(part, Expression):
                yield from part.names()

    def is_text(self, resolve: Resolve) -> bool:
        """Return whether the value is a string, to which `+` appends others."""
        return False

    def __add__(self, other: object) -> Expression:
        return Arithmetic("+", self, other)

    def __radd__(self, other: object) -> Expression:
        return Arithmetic("+", other, self)

    def __sub__(self, other: object) -> Expression:
        return Arithmetic("-", self, other)

    def __rsub__(self, other: object) -> Expression:
        return Arithmetic("-", other, self)

    def __mul__(self, other: object) -> Expression:
        return Arithmetic("*", self, other)

    def __rmul__(self, other: object) -> Expression:
        return Arithmetic("*", other, self)

    def __truediv__(self, other: object) -> Expression:
        return Arithmetic("/", self, other)

    def __rtruediv__(self, other: object) -> Expression:
        return Arithmetic("/", other, self)

    def __mod__(self, other: object) -> Expression:
        return Arithmetic("%", self, other)

    def __rmod__(self, other: object) -> Expression:
        return Arithmetic("%", other, self)

    def __neg__(self) -> Expression:
        return Arithmetic("*", -1, self)

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self!r} is computed by the server: it has no value to compare here"
        )


class F(Expression):
    """The value of a field, in filters, updates and stages of pipelines.

        Post.objects(score__gt=F("limit") * 2)
        Post.objects.update(total=F("price") * F("number"))
        Post.objects.aggregate([{"$group": {"_id": F("author__name")}}])

    It takes part in `+`, `-`, `*`, `/` and `%` with other fields, numbers and, for
    dates, `timedelta`; `+` joins strings.  https://www.mongodb.com/docs/manual/meta/aggregation-quick-reference/

    :param name: the name of the field; `a__b` for those of embedded documents
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"F() takes the name of a field, not {name!r}")
        self.name = name

    def __repr__(self) -> str:
        return f"F({self.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, F) and self.name == other.name

    def __hash__(self) -> int:
        return hash((F, self.name))

    def to_mongo(self, resolve: Resolve) -> RawValue:
        """Return the path of the field, `"$author.name"`."""
        return resolve(self.name).expression

    def names(self) -> Iterator[str]:
        """Yield the name of the field."""
        yield self.name

    def is_text(self, resolve: Resolve) -> bool:
        """Return whether the value of the field is a string."""
        return bool(resolve(self.name).field._valid_types == {str})

    def paths(self, resolve: Resolve) -> Iterator[Path]:
        """Yield the path of the field."""
        yield resolve(self.name)


class Arithmetic(Expression):
    """Two values that are added, subtracted, multiplied or divided."""

    __slots__ = ("left", "operator", "right")

    def __init__(self, operator: str, left: object, right: object) -> None:
        self.operator = operator
        self.left = left
        self.right = right

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operator} {self.right!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arithmetic) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.operator, repr(self)))

    def to_mongo(self, resolve: Resolve) -> RawValue:
        """Return the expression of the operator."""
        for path in self.paths(resolve):
            if not path.is_value:
                raise InvalidQueryError(
                    f'"{path.name}" has several values in a document, which cannot '
                    f"be computed with: {self!r}"
                )
        operator = "$concat" if self.is_text(resolve) else _NAMES[self.operator]
        return {operator: [self._operand(side, resolve) for side in self.parts()]}

    def parts(self) -> tuple[object, ...]:
        """Return both sides."""
        return self.left, self.right

    def is_text(self, resolve: Resolve) -> bool:
        """Return whether strings are concatenated."""
        return self.operator == "+" and any(
            side.is_text(resolve) if isinstance(side, Expression) else type(side) is str
            for side in self.parts()
        )

    def _operand(self, value: object, resolve: Resolve) -> RawValue:
        if isinstance(value, Expression):
            return value.to_mongo(resolve)
        if isinstance(value, datetime.timedelta):
            return round(value / datetime.timedelta(milliseconds=1))
        if isinstance(value, Decimal):  # as the first of the fields stores it
            value = next(self.paths(resolve)).field.to_mongo(value)
        return literal(value)


class Choices(Expression):
    """The values of `__in` or `__nin`, some of which the server computes."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[object]) -> None:
        self.items = tuple(items)

    def __repr__(self) -> str:
        return repr([*self.items])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Choices) and self.items == other.items

    def __hash__(self) -> int:
        return hash((Choices, repr(self)))

    def to_mongo(self, resolve: Resolve) -> RawValue:
        """Return the expressions of the values."""
        return [
            item.to_mongo(resolve) if isinstance(item, Expression) else literal(item)
            for item in self.items
        ]

    def parts(self) -> tuple[object, ...]:
        """Return all values."""
        return self.items

    def prepared(self, field: BaseField) -> Choices:
        """Return the same with the other values as the field stores them."""
        return Choices(
            item
            if isinstance(item, Expression)
            else field.prepare_query_value("in", item)
            for item in self.items
        )


def with_computed(values: PythonValue) -> PythonValue:
    """Return several values as an expression, if the server computes one of them."""
    if any(isinstance(value, Expression) for value in values):
        return Choices(values)
    return values


_NAMES: Mapping[str, str] = {
    "+": "$add",
    "-": "$subtract",
    "*": "$multiply",
    "/": "$divide",
    "%": "$mod",
}


def literal(value: object) -> RawValue:
    """Return a value as an expression that stands for just this value."""
    if isinstance(value, (str, Mapping, list, tuple)):
        return {"$literal": value}
    return value


# Conditions


def comparison(
    left: Path, op: str | None, value: Expression, negated: bool, resolve: Resolve
) -> RawDocument:
    """Return the expression that compares a field with a computed value.

    As in other conditions, an order is met by values that are there, on both sides,
    and the items of a list are compared one by one.

    :param op: the operator of a keyword; None for equality
    :raises InvalidQueryError: if the operator does not take such a value
    """
    compare = _COMPARISONS.get(op)
    if compare is None:
        raise InvalidQueryError(
            f'"{left.name}" cannot be compared with {value!r}: F() takes part in '
            f"equality and in {', '.join(sorted(filter(None, _COMPARISONS)))}"
        )
    single = all(path.is_value for path in value.paths(resolve))
    if isinstance(value, Choices):
        if not single:
            raise InvalidQueryError(
                f'"{left.name}" is compared with {value!r}, in which a field has '
                "several values in a document"
            )
        value, single = value.prepared(left.field), False
    right = value.to_mongo(resolve)
    takes_one = _TAKES_ONE.get(op)
    if takes_one is not None and takes_one is not single:
        raise InvalidQueryError(
            f'"{left.name}" takes {"one value" if takes_one else "several values"} '
            f'with "{op}", which {value!r} does not have'
        )
    if left.is_value or (takes_one is None and not single):
        condition = compare(left.expression, right)
    else:
        each = {"input": left.expression, "as": "item", "in": compare("$$item", right)}
        holds = "$allElementsTrue" if op in ("ne", "nin") else "$anyElementTrue"
        condition = {holds: [{"$map": each}]}
    return {"$not": [condition]} if negated else condition


def _equal(left: object, right: object) -> RawDocument:
    return {"$eq": [_or_null(left), _or_null(right)]}


def _unequal(left: object, right: object) -> RawDocument:
    return {"$ne": [_or_null(left), _or_null(right)]}


def _or_null(value: object) -> RawDocument:
    """Return the expression of a value that is null where it is missing."""
    return {"$ifNull": [value, None]}


def _greater(operator: str) -> Callable[[object, object], RawDocument]:
    # Nulls come before all numbers: what is not there is no limit.
    return lambda left, right: {operator: [left, {"$ifNull": [right, _NOTHING]}]}


def _less(operator: str) -> Callable[[object, object], RawDocument]:
    return lambda left, right: {operator: [{"$ifNull": [left, _NOTHING]}, right]}


def _in(left: object, right: object) -> RawDocument:
    return {"$in": [left, {"$ifNull": [right, []]}]}


#: Whether an operator takes one value of an expression, or several; either if absent.
_TAKES_ONE: Mapping[str | None, bool] = {
    **dict.fromkeys(("gt", "gte", "lt", "lte"), True),
    **dict.fromkeys(("in", "nin"), False),
}

_COMPARISONS: Mapping[str | None, Callable[[object, object], RawDocument]] = {
    None: _equal,
    "ne": _unequal,
    "gt": _greater("$gt"),
    "gte": _greater("$gte"),
    "lt": _less("$lt"),
    "lte": _less("$lte"),
    "in": _in,
    "nin": lambda left, right: {"$not": [_in(left, right)]},
}


# Stages


def resolved(stage: Iterable[object], resolve: Resolve) -> RawValue:
    """Return a part of a pipeline with paths in the place of `F`.

    As a key, and in `$sort` and `$match`, it is the bare path.
    """
    if isinstance(stage, Expression):
        return stage.to_mongo(resolve)
    if isinstance(stage, Mapping):
        return {
            resolve(key.name).key if isinstance(key, F) else key: resolved(
                part, resolve
            )
            for key, part in stage.items()
        }
    if isinstance(stage, (list, tuple)):
        return [resolved(part, resolve) for part in stage]
    return stage
