"""`Sum`, `Count` and their like: what `annotate()` computes.

Without groups each computes a value of one document, of the items of its lists.  In
groups it takes in the values of all documents of a group.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NoReturn

from bson import Decimal128

from mongoengine.base.field import BaseField
from mongoengine.base.types import Convert, RawDocument
from mongoengine.errors import InvalidQueryError
from mongoengine.query.expressions import Expression, F, Resolve
from mongoengine.query.paths import flattened

__all__ = (
    "AddToSet",
    "Aggregate",
    "Avg",
    "Count",
    "First",
    "Last",
    "Max",
    "Min",
    "Push",
    "Source",
    "Sum",
)

_DECIMALS = frozenset((Decimal, Decimal128))


class Source:
    """The values that are aggregated.

    :param expression: the value of a document, or the list of its values
    :param single: whether it is one value
    :param field: the field of each value; None for computed ones
    """

    __slots__ = ("expression", "field", "single")

    def __init__(self, expression: object, single: bool, field: Any) -> None:
        self.expression = expression
        self.single = single
        self.field = field

    @property
    def items(self) -> RawDocument:
        """Return the expression for the list of values that are there."""
        return _present([self.expression] if self.single else self.expression)


def _present(values: object) -> RawDocument:
    """Return the expression for the values of a list that are not null."""
    there = {"$ne": [{"$ifNull": ["$$this", None]}, None]}
    return {"$filter": {"input": values, "cond": there}}


class Aggregate:
    """A value computed of the values of a field, for `annotate()`.

    :param name: the name of a field, `a__b` for those of embedded and of referenced
        documents, or an expression of `F()`
    """

    #: The operator of expressions and groups.
    operator = ""

    #: Whether the order of the documents of a group decides.
    ordered = False

    #: Whether, of groups, it is computed of the values of a row.
    is_of_row = False

    def __init__(self, name: str | Expression) -> None:
        if not isinstance(name, (str, Expression)) or name == "":
            raise TypeError(
                f"{type(self).__name__}() takes the name of a field or an expression "
                f"of F(), not {name!r}"
            )
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def source(self, resolve: Resolve) -> Source:
        """Return the values to aggregate.

        :param resolve: finds the path of a name
        :raises InvalidQueryError: if a name means nothing
        """
        value = F(self.name) if isinstance(self.name, str) else self.name
        paths = list(value.paths(resolve))
        field: Any = None
        single = True
        if isinstance(value, F):
            field = item_field(paths[0].field)
            single = paths[0].is_value
        expression = value.to_mongo(resolve)
        if getattr(field, "force_string", False):
            number = {"$toDecimal": expression if single else "$$this"}
            mapped = {"$map": {"input": expression, "in": number}}
            expression = number if single else mapped
        return Source(expression, single, field)

    def of_document(self, source: Source) -> object:
        """Return the expression for one document."""
        return {self.operator: source.expression}

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the accumulators of a group, and the expression for their result.

        :param name: the name of the result, with which those of accumulators begin
        """
        value = source.expression
        of_one = value if source.single else {self.operator: value}
        return {name: {self.operator: of_one}}, "$" + name

    def converter(self, source: Source) -> Convert | None:
        """Return what makes a value of Python of a result; None for nothing to do."""
        return converter_of(source.field)

    def makes_list(self, source: Source) -> bool:
        """Return whether the result is a list of values."""
        return False

    def refuse_group(self, name: str) -> NoReturn:
        """Raise the error for a value that a group does not have."""
        raise InvalidQueryError(
            f'"{name}" of a group cannot be {self.name!r}: use Sum() or the like'
        )


def item_field(field: Any) -> Any:
    """Return the field of the items of lists, however deep, or the field itself."""
    while field._is_list and field._inner is not None:
        field = field._inner
    return field


def converter_of(field: Any) -> Convert | None:
    """Return what makes a value of Python of a stored one; None for nothing to do."""
    if field is None or field._is_reference or type(field) is BaseField:
        return None
    convert: Convert = field.to_python
    return lambda value: None if value is None else convert(value)


def _of_each(convert: Convert | None) -> Convert | None:
    """Return what makes values of Python of those in a list, if there is one."""

    def converted(values: object) -> object:
        if convert is None or not isinstance(values, list):
            return values
        return [convert(value) for value in values]

    return convert and converted


def _number_converter(field: Any) -> Convert | None:
    """Return what makes a decimal of a number where the field has decimals."""
    if field is None or not (_DECIMALS & field._valid_types):
        return None
    convert = field.to_python

    def number(value: object) -> object:
        if isinstance(value, Decimal128):
            value = value.to_decimal()
        return None if value is None else convert(value)

    return number


class Sum(Aggregate):
    """The sum of numbers; 0 if there are none."""

    operator = "$sum"

    def converter(self, source: Source) -> Convert | None:
        """Return what makes decimals where the field has them."""
        return _number_converter(source.field)


class Avg(Aggregate):
    """The mean of numbers; None if there are none."""

    operator = "$avg"

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the mean of all values, however many a document has."""
        if source.single:
            return super().of_group(name, source)
        total, count = f"{name}__sum", f"{name}__count"
        accumulators = {
            total: {"$sum": {"$sum": source.expression}},
            count: {"$sum": {"$size": source.items}},
        }
        mean = {"$divide": ["$" + total, "$" + count]}
        return accumulators, {"$cond": [{"$eq": ["$" + count, 0]}, None, mean]}

    def converter(self, source: Source) -> Convert | None:
        """Return what makes decimals where the field has them."""
        return _number_converter(source.field)


class Min(Aggregate):
    """The least value; None if there is none."""

    operator = "$min"


class Max(Aggregate):
    """The greatest value; None if there is none."""

    operator = "$max"


class Count(Aggregate):
    """The number of values that are not None; without a name, that of documents.

    :param name: the name of a field or an expression of `F()`, or None
    :param distinct: count equal values once
    """

    def __init__(
        self, name: str | Expression | None = None, distinct: bool = False
    ) -> None:
        if name is not None and name != "*":
            super().__init__(name)
        elif distinct:
            raise TypeError("Count(distinct=True) takes the name of a field")
        else:
            self.name = ""
        self.distinct = distinct

    def source(self, resolve: Resolve) -> Source:
        """Return the values to count; the number 1 for documents."""
        return super().source(resolve) if self.name else Source(1, True, None)

    def of_document(self, source: Source) -> object:
        """Return the number of values that a document has."""
        if not self.name:
            return {"$literal": 1}
        items: object = source.items
        return {"$size": {"$setUnion": [items, []]} if self.distinct else items}

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the number of values that the documents of a group have."""
        if not self.name:
            return {name: {"$sum": 1}}, "$" + name
        if not self.distinct:
            return {name: {"$sum": {"$size": source.items}}}, "$" + name
        values = flattened("$" + name)
        return {name: {"$push": source.items}}, {"$size": {"$setUnion": [values, []]}}

    def converter(self, source: Source) -> Convert | None:
        """Return None: a count is a number."""
        return None


class _Item(Aggregate):
    """One of the values, by its place."""

    ordered = True
    place = 0

    def of_document(self, source: Source) -> object:
        """Return the value at the place in a list, or the value itself."""
        if source.single:
            return {"$ifNull": [source.expression, None]}
        return self._at(source.items)

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the value at the place among those of all documents of a group."""
        if source.single:
            value = {"$ifNull": [source.expression, None]}
            return {name: {self.operator: value}}, "$" + name
        return {name: {"$push": source.items}}, self._at(flattened("$" + name))

    def _at(self, values: object) -> RawDocument:
        return {"$ifNull": [{"$arrayElemAt": [values, self.place]}, None]}


class First(_Item):
    """The first value, in the order of the queryset; None if there is none."""

    operator = "$first"


class Last(_Item):
    """The last value, in the order of the queryset; None if there is none."""

    operator = "$last"
    place = -1


class Push(Aggregate):
    """A list of the values, in the order of the queryset, without None."""

    ordered = True

    def of_document(self, source: Source) -> object:
        """Return the values of a document."""
        return source.items

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the values of all documents of a group."""
        return {name: {"$push": source.items}}, flattened("$" + name)

    def converter(self, source: Source) -> Convert | None:
        """Return what makes values of Python of those in the list."""
        return _of_each(converter_of(source.field))

    def makes_list(self, source: Source) -> bool:
        """Return True."""
        return True


class AddToSet(Push):
    """A list of the different values, in no order, without None."""

    ordered = False

    def of_document(self, source: Source) -> object:
        """Return the different values of a document."""
        return {"$setUnion": [source.items, []]}

    def of_group(self, name: str, source: Source) -> tuple[RawDocument, object]:
        """Return the different values of all documents of a group."""
        accumulators, values = super().of_group(name, source)
        return accumulators, {"$setUnion": [values, []]}


class Computed(Aggregate):
    """The value of an expression of `F()`, as it is.

    Of groups, the names are those of groups and of other annotations.
    """

    is_of_row = True

    def of_document(self, source: Source) -> object:
        """Return the value of a document."""
        return source.expression

    def converter(self, source: Source) -> Convert | None:
        """Return what makes values of Python of a value, or of those in a list."""
        convert = super().converter(source)
        return convert if source.single else _of_each(convert)

    def makes_list(self, source: Source) -> bool:
        """Return whether the expression has a list of values."""
        return not source.single
