"""Annotations: values that are added to documents, or to the rows of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any, Protocol

from mongoengine.base.field import BaseField
from mongoengine.base.types import Convert, RawDocument
from mongoengine.errors import InvalidQueryError, LookUpError
from mongoengine.query import filters
from mongoengine.query.aggregates import (
    Aggregate,
    Computed,
    Source,
    converter_of,
    item_field,
)
from mongoengine.query.expressions import Expression, Resolve
from mongoengine.query.paths import Path, looked_up, path_of
from mongoengine.query.q import QNode, divided
from mongoengine.query.scope import Scope

__all__ = (
    "Column",
    "Columns",
    "ComputedQuery",
    "checked",
    "narrowed",
    "not_in_row",
    "resolver",
)


class ComputedQuery(Protocol):
    """A query with the parts that joins and computed values are made from."""

    document: Any
    annotations: Mapping[str, Aggregate]
    groups: tuple[str, ...] | None
    group_order: Any
    having: QNode

    @property
    def is_safe(self) -> bool:
        """Return whether no value is taken for an operator."""

    @property
    def loaded_joins(self) -> list[str]:
        """Return the names of the joins whose documents are loaded, too."""


def not_in_row(name: str, columns: Iterable[str]) -> str:
    """Return the text of the error for a name that the rows of groups do not have."""
    names = ", ".join(columns)
    return f'"{name}" is neither a group nor an annotation: rows have {names}'


class Column:
    """A computed value of a document or a row, or the key of a group.

    :param name: its name
    :param field: a field that conditions on it are prepared by
    :param convert: makes a value of Python of what the server sends; None for nothing
    :param stage: how many stages of computed values come before it
    :param is_list: whether it is a list of values
    """

    __slots__ = ("convert", "field", "is_list", "name", "stage")

    def __init__(
        self,
        name: str,
        field: Any,
        convert: Convert | None,
        stage: int = 0,
        is_list: bool = False,
    ) -> None:
        self.name = name
        self.field: Any = BaseField() if field is None else copy(field)
        self.field.name = self.field.db_field = name
        self.convert = convert
        self.stage = stage
        self.is_list = is_list


class ColumnPath(Path):
    """The place of a computed value."""

    __slots__ = ("column",)

    def __init__(self, column: Column) -> None:
        super().__init__(column.name, (column.field,))
        self.column = column

    @property
    def is_value(self) -> bool:
        """Return whether it is one value, and not a list."""
        return not self.column.is_list and super().is_value


class Columns:
    """The computed values and the groups of a query.

    Where a group is made of a value in a list, the list is unwound: each item counts
    as a document of its own.
    """

    def __init__(self, query: ComputedQuery) -> None:
        self._query = query
        self.scope = Scope(query.document)
        self.by_name: dict[str, Column] = {}
        groups = query.groups or ()
        self._local = self._unwind(self._from_document(name) for name in groups)
        self._joined = self._unwind(self.scope.resolve(name) for name in groups)
        for name in groups:
            self.by_name[name] = self._group(name)
        self._sources: dict[str, Source] = {}
        for name, aggregate in query.annotations.items():
            self.by_name[name] = self._annotation(name, aggregate)

    def _from_document(self, name: str) -> Path:
        """Return the path of a name up to the first reference."""
        path = path_of(self._query.document, name)
        return path if path.join is None else next(path.join.lineage()).reference

    def _unwind(self, paths: Iterable[Path]) -> list[str]:
        """Return the keys of the lists on paths, which count as unwound from now on."""
        keys = list(dict.fromkeys(key for path in paths for key in path.lists()))
        self.scope.unwound |= frozenset(keys)
        return keys

    def _annotation(self, name: str, aggregate: Aggregate) -> Column:
        """Return the column of an annotation, which may name those before it."""
        used: list[Column] = []
        grouped = self._query.groups is not None
        of_rows = grouped and aggregate.is_of_row
        columns = self.by_name if of_rows or not grouped else {}

        def resolve(part: str) -> Path:
            column = columns.get(part)
            if column is not None:
                used.append(column)
                return ColumnPath(column)
            if of_rows:
                aggregate.refuse_group(name)
            return self.scope.resolve(part)

        source = self._sources[name] = aggregate.source(resolve)
        convert = aggregate.converter(source)
        stage = max((column.stage + 1 for column in used), default=int(of_rows))
        is_list = aggregate.makes_list(source)
        return Column(name, convert and source.field, convert, stage, is_list)

    def _group(self, name: str) -> Column:
        field = item_field(self.scope.resolve(name).field)
        return Column(name, field, converter_of(field))

    def stages(self, done: Scope) -> list[RawDocument]:
        """Return the stages that compute the values.

        :param done: the joins that were made for the filter
        """
        if self._query.groups is None:
            return [*self.scope.stages(done), *self._computing(0)]
        stages = [
            *_unwinding(self._local),
            *self.scope.stages(done),
            *_unwinding(self._joined),
        ]
        order = self._query.group_order
        if order and any(a.ordered for a in self._query.annotations.values()):
            stages.append({"$sort": dict(order)})
        return [*stages, *self._grouping(), *self._computing(1)]

    def _computing(self, first: int) -> Iterator[RawDocument]:
        """Yield the stages that compute values of each document or row.

        :param first: the stage to begin with
        """
        last = max((column.stage for column in self.by_name.values()), default=-1)
        for stage in range(first, last + 1):
            values = {
                name: self._query.annotations[name].of_document(source)
                for name, source in self._sources.items()
                if self.by_name[name].stage == stage
            }
            if values:
                yield {"$addFields": values}

    def _grouping(self) -> list[RawDocument]:
        """Return the stages that make rows of the documents of each group."""
        keys = {
            name: {"$ifNull": [self.scope.resolve(name).expression, None]}
            for name in self._query.groups or ()
        }
        group: RawDocument = {"_id": keys}
        row: RawDocument = {"_id": 0}
        row.update({name: "$_id." + name for name in keys})
        for name, source in self._sources.items():
            if self.by_name[name].stage:
                continue
            aggregate = self._query.annotations[name]
            accumulators, row[name] = aggregate.of_group(name, source)
            group.update(accumulators)
        return [{"$group": group}, {"$project": row}]

    def having(self) -> RawDocument:
        """Return the filter on the computed values."""
        condition = self._query.having
        if not condition:
            return {}
        grouped = self._query.groups is not None
        row = _Row(self.by_name, None if grouped else self._query.document)
        safe = self._query.is_safe
        return condition.compiled_by(filters.row_query, row, safe)


def _unwinding(keys: Iterable[str]) -> list[RawDocument]:
    return [
        {"$unwind": {"path": "$" + key, "preserveNullAndEmptyArrays": True}}
        for key in keys
    ]


class _Row:
    """The names that a filter on computed values may use.

    :param document: the class whose names may be used besides, or None
    """

    # Read to propose names, as those of a document class are.
    _subclasses: tuple[str, ...] = ()
    _reverse_db_field_map: Mapping[str, str] = {}
    _is_document = False

    def __init__(self, columns: Mapping[str, Column], document: Any) -> None:
        self._columns = columns
        self._fields_ordered = tuple(columns)
        self.document = document

    def __contains__(self, keyword: str) -> bool:
        return self._column(keyword.split("__")) is not None

    def _column(self, parts: list[str]) -> tuple[Column, int] | None:
        for count in range(len(parts), 0, -1):
            column = self._columns.get("__".join(parts[:count]))
            if column is not None:
                return column, count
        return None

    def _lookup_field(self, parts: list[str]) -> list[object]:
        match = self._column(parts)
        if match is None:
            raise LookUpError(not_in_row("__".join(parts), self._columns))
        column, count = match
        return [column.field, *parts[count:]]

    def path(self, name: str) -> Path:
        """Return the path of a name, for `F`."""
        if self.document is not None and name not in self:
            return path_of(self.document, name)
        column = self._columns.get(name)
        if column is not None:
            return ColumnPath(column)
        return Path(name, tuple(looked_up(self, name.split("__"))))


def resolver(query: ComputedQuery, scope: Scope) -> Resolve:
    """Return what finds the paths of names in stages after those of a query.

    :param scope: finds those that are not computed, and notes their joins
    """
    if query.groups is None and not query.annotations:
        return scope.resolve
    row = _Row(Columns(query).by_name, None)

    def resolve(name: str) -> Path:
        if query.groups is None and name not in row:
            return scope.resolve(name)
        return row.path(name)

    return resolve


def checked(
    query: ComputedQuery, annotations: Mapping[str, object]
) -> dict[str, Aggregate]:
    """Return annotations that may be added to a query.

    :raises InvalidQueryError: if a name is taken, or cannot be one
    :raises TypeError: if a value is no aggregate and no expression
    """
    result: dict[str, Aggregate] = {}
    document = query.document
    for name, value in annotations.items():
        if query.groups is None:
            taken = name in document._reverse_db_field_map or hasattr(document, name)
        else:
            taken = name in query.groups
        if taken:
            raise InvalidQueryError(
                f'The annotation "{name}" has the name of a field or an attribute of '
                f"{document.__name__}"
            )
        if name.startswith("_") or "__" in name:
            raise InvalidQueryError(f'"{name}" cannot be the name of an annotation')
        if isinstance(value, Expression):
            value = Computed(value)
        if not isinstance(value, Aggregate):
            raise TypeError(
                f"annotate() takes Sum(), Count() and the like, not {name}={value!r}"
            )
        result[name] = value
    return result


def narrowed(query: ComputedQuery, added: QNode) -> tuple[QNode | None, QNode | None]:
    """Return the part of a condition on documents, and that on computed values.

    A group that is made of the items of a list is one of these, too: a condition on
    the list would take in its other items.
    """
    items = {
        name
        for name in query.groups or ()
        if not path_of(query.document, name).is_value
    }
    return divided(added, frozenset(query.annotations) | items)
