"""The options of a query that take a pipeline: joins, computed values and groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mongoengine.base.types import Keywords, RawDocument, RawMapping
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.query.annotations import checked, not_in_row
from mongoengine.query.paths import Path, joined_path
from mongoengine.query.projection import QueryFieldList, class_names
from mongoengine.query.q import Q, QNode
from mongoengine.query.related import merged, related_paths
from mongoengine.query.scope import Scope, looked_up_paths
from mongoengine.query.stages import (
    columns_of,
    has_joined,
    joined_keys,
    match_stages,
    pipeline_of,
    sort_items,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.query.aggregates import Aggregate
    from mongoengine.query.paths import Join

__all__ = ("ComputedOptions",)

#: How `select_related()` may load references; None is the first.
STRATEGIES = ("queries", "lookup", None)


class ComputedOptions:
    """The part of a `Query` for `annotate()`, joins and `select_related()`."""

    # Joins and computed values: names of the joins that the filter needs, and of those
    # with which documents are loaded; what `annotate()` computes, of each document or
    # of groups by values of these names, the order before and the conditions after.
    filter_joins: tuple[str, ...] = ()
    lookups: tuple[str, ...] = ()
    annotations: Mapping[str, Aggregate] = {}
    groups: tuple[str, ...] | None = None
    group_order: object = None
    having: QNode = Q()

    if TYPE_CHECKING:
        document: Any
        alias: str
        mongo_query: RawDocument | None
        loaded_fields: QueryFieldList
        ordering: object
        skip: int | None
        limit: int | None
        as_pymongo: bool
        scalar: list[str]
        values: tuple[str, ...] | None
        related: RawMapping

        @property
        def conditions(self) -> RawDocument:
            """The compiled filter; see `Query`."""

        @property
        def is_safe(self) -> bool:
            """Return whether no value is taken for an operator; see `Query`."""

        def order(self) -> Any:
            """Return the order; see `Query`."""

        def lookup(self, name: str) -> list[Any]:
            """Return the fields on a path; see `Query`."""

        def replace(self, **changes: object) -> Self:
            """Return a copy with other options; see `Query`."""

    def needs_pipeline(self, arguments: RawMapping) -> bool:
        """Return whether no `find` with these arguments does what is asked for."""
        if self.mongo_query is None:
            _ = self.conditions  # finds the joins of the filter
        if self.annotations or self.filter_joins:
            return True
        if self.groups is not None:
            return True
        sort, projection = arguments.get("sort"), arguments.get("projection")
        return bool(
            (sort and has_joined([key for key, _ in sort_items(sort)]))
            or (projection and has_joined(projection))
        )

    def reads_by_pipeline(self, arguments: RawMapping) -> bool:
        """Return whether documents are read by a pipeline, and not by a `find`."""
        if self.lookups and not self.as_pymongo:
            return True
        return self.needs_pipeline(arguments)

    def orders_by_computed(self, sort: object) -> bool:
        """Return whether sort keys are no stored values of the documents."""
        keys = [key for key, _ in sort_items(sort)]
        return (
            self.groups is not None
            or has_joined(keys)
            or not self.annotations.keys().isdisjoint(keys)
        )

    @property
    def loaded_joins(self) -> list[str]:
        """Return the names of the joins whose documents are loaded, too."""
        chosen = joined_keys(sorted(self.loaded_fields.fields))
        lookups = () if self.as_pymongo else self.lookups
        return list(dict.fromkeys([*chosen, *lookups]))

    def values_stages(
        self, name: str, joined: dict[str, Join]
    ) -> tuple[list[RawDocument], Path]:
        """Return the stages for the documents that match, and the path of a field.

        :param joined: takes the joins of the stages
        :raises LookUpError: if the field is unknown
        """
        scope = Scope(self.document)
        if self.groups is not None or name in self.annotations:
            path = Path(name, (columns_of(self)[self._row_name(name)].field,))
        elif joined_path(self.document, name) is None:
            path = Path(name, tuple(self.lookup(name)))
        else:
            path = scope.resolve(name)
        stages: list[RawDocument] = [{"$match": self.conditions}]
        done = Scope(self.document)
        if self.needs_pipeline({}):
            stages, done = match_stages(self, self.conditions)
        joined.update({**done.joins, **scope.joins})
        return [*stages, *scope.stages(done)], path

    def find_pipeline(
        self, arguments: RawMapping, joined: dict[str, Join] | None = None
    ) -> list[RawDocument]:
        """Return the pipeline that does what `find` would do with these arguments.

        :param joined: takes the joins that the pipeline has
        """
        stages, scope = pipeline_of(self, arguments)
        if joined is not None:
            joined.update(scope.joins)
        return stages

    # References

    def relating(self, paths: Iterable[str], strategy: str | None = None) -> Self:
        """Return the query that loads references with the documents.

        :param paths: names such as `comments__author`
        :param strategy: `"lookup"` to load them by `$lookup` in the same command;
            those that no `$lookup` finds are loaded by queries, as all are otherwise
        :raises InvalidQueryError: if a name is no reference
        :raises ValueError: if there is no such strategy
        """
        if strategy not in STRATEGIES:
            raise ValueError(
                f'select_related() has the strategies "queries" and "lookup", not '
                f"{strategy!r}"
            )
        tree = related_paths(self.document, paths)
        lookups: list[str] = []
        if strategy == "lookup":
            tree, lookups = looked_up_paths(self.document, tree, self.alias)
        return self.replace(
            related=merged(self.related, tree),
            lookups=tuple(dict.fromkeys([*self.lookups, *lookups])),
        )

    # Computed values

    def annotated(self, annotations: Keywords) -> Self:
        """Return the query with computed values.

        After `values()` or `values_list()` the documents are grouped by these fields.

        :raises InvalidQueryError: if a name is taken, or means nothing
        :raises OperationError: if there is a slice that would have to be grouped
        """
        changes: RawDocument = {}
        names = self.values or tuple(self.scalar)
        if names and self.groups is None:
            changes = self._grouped(names)
        grouped = self.replace(**changes)
        added = checked(grouped, annotations)
        result = grouped.replace(annotations={**grouped.annotations, **added})
        if result.scalar and result.groups is not None:
            result.scalar = [*result.scalar, *added]
        columns_of(result)  # raises for names that mean nothing
        return result

    def _grouped(self, names: tuple[str, ...]) -> RawDocument:
        if self.annotations:
            raise InvalidQueryError(
                "annotate() cannot group documents that were annotated before: call "
                "values() first"
            )
        if self.limit or self.skip:
            raise OperationError(
                "A slice cannot be grouped: call annotate() without limit() and skip()"
            )
        groups = tuple(name.replace(".", "__") for name in names)
        return {
            "groups": groups,
            "group_order": self.order(),
            "ordering": [],
            "loaded_fields": QueryFieldList(),
            "scalar": list(groups) if self.scalar else [],
            "values": None if self.scalar else (),
        }

    def choices(self, chosen: Keywords) -> tuple[RawDocument, list[str]]:
        """Divide what `fields()` is given: stored fields, and keys for joined ones.

        :raises InvalidQueryError: if rows of groups have no such value
        """
        stored: RawDocument = {}
        joined: list[str] = []
        for name, value in chosen.items():
            if self.groups is not None:
                self._row_name(name.replace(".", "__"))
                continue
            if name in self.annotations:
                continue
            only = value == QueryFieldList.ONLY
            path = joined_path(self.document, name) if only else None
            if path is None:
                stored[name] = value
            else:
                joined += _keys_to_read(path)
        return stored, joined

    def _row_name(self, name: str) -> str:
        """Return the name of a value of the rows of groups."""
        columns = [*(self.groups or ()), *self.annotations]
        if name not in columns:
            raise InvalidQueryError(not_in_row(name, columns))
        return name


def _keys_to_read(path: Path) -> list[str]:
    """Return the keys to read for a field of a joined document.

    Among them are the references on the way, and the keys and classes of the documents.
    """
    names = [path.key]
    if path.join is None:
        return names
    for join in path.join.lineage():
        names += [join.reference.key, f"{join.name}._id"]
        if join.cls._meta.get("allow_inheritance"):
            names.append(f"{join.name}._cls")
    start = path.join.name
    return names + [f"{start}.{name}" for name in class_names(path.fields)]
