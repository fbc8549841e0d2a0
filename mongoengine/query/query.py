"""A query as a value: what is asked of which collection, and how it is to be answered.

It needs no connection: it can be built, copied, printed and tested without one.
Querysets are faces over one.  Options are class attributes until they are set, so that
making a query costs a handful of assignments.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bson.code import Code
from pymongo.read_concern import ReadConcern

from mongoengine.base import context
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field_paths import db_path
from mongoengine.base.types import (
    FieldPath,
    Keywords,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.base.utils import warn_caller
from mongoengine.driver.registry import registry
from mongoengine.errors import (
    LookUpError,
    MongoEngineWarning,
)
from mongoengine.query.annotations import narrowed, resolver
from mongoengine.query.computed import ComputedOptions
from mongoengine.query.expressions import resolved
from mongoengine.query.filters import joined_query
from mongoengine.query.paths import joined_path
from mongoengine.query.projection import QueryFieldList
from mongoengine.query.q import Q, QNode
from mongoengine.query.safe_values import are_safe
from mongoengine.query.scope import Scope
from mongoengine.query.stages import (
    joins_in,
    match_stages,
    sort_items,
    with_joins,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.query.paths import Join

__all__ = ("NO_DOCUMENT", "Query")

#: The options of `find` that are not the filter, the order or the window.
FIND_OPTIONS = frozenset(
    (
        "allow_disk_use",
        "batch_size",
        "collation",
        "comment",
        "hint",
        "loaded_fields",
        "max_time_ms",
        "search_text",
        "snapshot",
        "timeout",
    )
)

#: Stages that must be the first of a pipeline.
SOURCES = frozenset(
    (
        "$changeStream",
        "$collStats",
        "$geoNear",
        "$indexStats",
        "$planCacheStats",
        "$search",
        "$searchMeta",
        "$vectorSearch",
    )
)

_SNAPSHOT = "The snapshot option is not anymore available with PyMongo 3+"

#: A filter that no document meets.
NO_DOCUMENT: RawMapping = {"_id": {"$in": []}}

DIRECTIONS = {"-": -1, "+": 1}


def of_classes(names: tuple[str, ...]) -> RawMapping:
    """Return the filter for the documents of the classes with these names."""
    return {"_cls": names[0] if len(names) == 1 else {"$in": names}}


class Query(ComputedOptions):
    """Describe a query over the documents of a class.

    Nothing changes one: see `replace`.
    """

    # Target
    document: Any
    alias: str
    collection_name: str
    explicit_collection: Any = None
    using = False

    # Filter
    query_obj: QNode = Q()
    mongo_query: RawDocument | None = None
    #: The filter was compiled before the alias was defined, which may decide otherwise.
    compiled_early = False
    cls_query: RawMapping = {}
    where_clause: str | None = None
    search_text: str | None = None
    search_text_score: bool | None = None
    none = False

    # Projection, order, window
    loaded_fields: QueryFieldList = QueryFieldList()
    ordering: Any = None
    skip: int | None = None
    limit: int | None = None
    empty = False

    # Options of commands
    hint: object = -1
    collation: RawMapping | None = None
    comment: object = None
    batch_size: int | None = None
    max_time_ms: int | None = None
    allow_disk_use = False
    timeout: object = True
    snapshot: object = False
    tailable: int | None = None
    read_preference: Any = None
    read_concern: ReadConcern | None = None

    # Results
    as_pymongo = False
    scalar: list[str] = []
    values: tuple[str, ...] | None = None
    follow_references = True
    prefetch = False
    # Names of the references to load at once, and those in their documents.
    related: RawMapping = {}

    def __init__(self, document: Any, collection: Any = None) -> None:
        """Ask for all documents of a class.

        The target stays what it is now, whatever is switched later.

        :param document: the document class
        :param collection: the PyMongo collection to read and write, of either API;
            None for the collection that the class is stored in
        """
        self.document = document
        self.alias = document._get_db_alias()
        if collection is None:
            self.collection_name = document._get_collection_name()
        else:
            self.explicit_collection = collection
            self.collection_name = collection.name
        if document._meta.get("allow_inheritance") is True:
            names = document._subclasses
            if context.sub_classes_are_off(document):
                names = (document._class_name,)
            self.cls_query = of_classes(names)
            self.loaded_fields = QueryFieldList(always_include=["_cls"])

    def replace(self, **changes: object) -> Self:
        """Return a copy with other options."""
        copied = object.__new__(type(self))
        copied.__dict__ = {**self.__dict__, **changes}
        return copied

    def __repr__(self) -> str:
        options = {
            name: value
            for name, value in sorted(self.__dict__.items())
            if name not in ("document", "mongo_query")
        }
        return f"<Query of {self.document.__name__}: {options}>"

    # Filter

    @property
    def is_safe(self) -> bool:
        """Return whether no value is taken for an operator: see `safe_values`."""
        return are_safe(self.document, self.alias)

    @property
    def is_void(self) -> bool:
        """Return whether this is `none()` or an empty slice."""
        return self.none or self.empty

    @property
    def conditions(self) -> RawDocument:
        """Compile the filter as MongoDB takes it, without `$where`; compiled once."""
        compiled = self.mongo_query
        if compiled is None or self.compiled_early:
            document = self.document
            # As in `are_safe()`; None as long as the alias is not defined.
            safe = document._meta.get("safe_values") or registry.has_safe_values(
                self.alias
            )
            compiled = self.query_obj.compiled_by(joined_query, document, bool(safe))
            self.filter_joins = joins_in(compiled)
            if self.cls_query:
                if "_cls" in compiled:
                    compiled = {"$and": [self.cls_query, compiled]}
                else:
                    compiled.update(self.cls_query)
            self.mongo_query = compiled
            if safe is None:
                self.compiled_early = True
            elif self.compiled_early:
                self.compiled_early = False
        return compiled

    def filter(self) -> RawDocument:
        """Return the filter with the condition of `where()`.

        The filter of `none()` and of empty slices is one that no document meets.

        :raises InvalidQueryError: if a field or an operator is unknown
        """
        if self.none or self.empty:
            return dict(NO_DOCUMENT)
        if self.where_clause is None:
            return self.conditions
        return {**self.conditions, "$where": Code(self.where_clause)}

    def matching(self, added: QNode | None) -> Self:
        """Return the query with another condition."""
        copied = object.__new__(type(self))
        options = copied.__dict__ = self.__dict__.copy()
        options.pop("mongo_query", None)
        if added is not None and self.annotations:
            added, computed = narrowed(self, added)
            if computed is not None:
                options["having"] = self.having & computed
        if added is not None:
            existing = options.get("query_obj")
            options["query_obj"] = added if existing is None else existing & added
        return copied

    # Arguments for PyMongo

    def find(self, ordered: bool = True, limit: int | None = None) -> Keywords:
        """Return the arguments of `find` and `find_one`, without the session.

        :param ordered: sort by the order; False where it makes no difference
        :param limit: how many documents to ask for; None for no limit
        :raises InvalidQueryError: if a field or an operator is unknown
        :raises ValueError: if the number of documents to skip is negative
        """
        if self.none or self.empty or self.where_clause:
            conditions = self.filter()
        elif self.compiled_early:
            conditions = self.conditions
        else:
            conditions = self.mongo_query or self.conditions
        arguments: Keywords = {"filter": conditions}
        if not FIND_OPTIONS.isdisjoint(self.__dict__):
            arguments.update(self._find_options())
        skip = self.skip
        if skip:
            if isinstance(skip, int) and skip < 0:
                raise ValueError("skip must be >= 0")
            arguments["skip"] = skip
        if limit:
            arguments["limit"] = limit
        if ordered:
            order = self.ordering
            default = order is None and self.document._meta.get("ordering")
            if default or isinstance(order, str):
                order = self.order()
            if order:
                arguments["sort"] = order
        return arguments

    def _find_options(self) -> Keywords:
        """Return what was chosen by `only`, `hint` and their like."""
        options = self.cursor_arguments()
        if options.get("projection") == {}:
            del options["projection"]
        options.update(self.common_options())
        if self.batch_size is not None:
            options["batch_size"] = self.batch_size
        if self.max_time_ms is not None:
            options["max_time_ms"] = self.max_time_ms
        return options

    def cursor_arguments(self) -> Keywords:
        """Return the arguments of `find` that decide how documents are read."""
        arguments: Keywords = {}
        if self.snapshot:
            warn_caller(_SNAPSHOT, DeprecationWarning)
        if not self.timeout:
            arguments["no_cursor_timeout"] = True
        if self.allow_disk_use:
            arguments["allow_disk_use"] = True
        fields = self.loaded_fields.as_dict()
        if fields or self.search_text:
            if self.search_text_score:
                fields["_text_score"] = {"$meta": "textScore"}
            arguments["projection"] = fields
        return arguments

    def common_options(self) -> Keywords:
        """Return the options that reading, writing and aggregating take alike."""
        options: Keywords = {}
        if self.hint != -1 and self.hint is not None:
            options["hint"] = self.hint
        if self.collation is not None:
            options["collation"] = self.collation
        if self.comment is not None:
            options["comment"] = self.comment
        return options

    def order(self) -> object:
        """Return what to sort by: what was asked for, or the `ordering` of `meta`."""
        ordering = self.ordering
        if ordering is None:
            default = self.document._meta.get("ordering")
            return self.sort_keys(default) if default else None
        return [(ordering, 1)] if isinstance(ordering, str) else ordering

    def pipeline(
        self, stages: Any = (), joined: dict[str, Join] | None = None
    ) -> list[RawDocument]:
        """Return a pipeline over the documents of this query.

        The filter, order and window come first, or right after a stage that the
        server wants first, such as `$geoNear`.

        :param joined: takes the joins that the pipeline has
        :raises TypeError: if the stages are no list or tuple
        """
        if not isinstance(stages, (list, tuple)):
            raise TypeError("pipeline must be a list/tuple")
        scope, done = Scope(self.document), Scope(self.document)
        rest: list[RawValue] = resolved(stages, resolver(self, scope))
        pipeline: list[RawDocument] = []
        if rest and isinstance(rest[0], dict) and rest[0].keys() & SOURCES:
            pipeline.append(rest.pop(0))
        if self.is_void:
            pipeline += [{"$limit": 1}, {"$match": {"$expr": False}}]
        ordering = self.ordering
        if ordering is None and (self.limit or self.skip):
            ordering = self.order()  # decides which documents there are
        order = sort_items(ordering)
        conditions = self.conditions
        if self.needs_pipeline({"sort": order}):
            matching, done = match_stages(self, conditions, order)
            pipeline += matching
        elif conditions:
            pipeline.append({"$match": conditions})
        if order:
            pipeline.append({"$sort": dict(order)})
        end = None if self.limit is None else self.limit + (self.skip or 0)
        if end or (end is not None and not self.empty):
            pipeline.append({"$limit": end})
        if self.skip is not None:
            pipeline.append({"$skip": self.skip})
        if joined is not None:
            joined.update({**done.joins, **scope.joins})
        return pipeline + with_joins(rest, scope, done)

    # Names

    def sort_keys(self, names: Any) -> list[tuple[str, PythonValue]]:
        """Return sort keys with directions, of names like `-age`."""
        order: list[tuple[str, PythonValue]] = []
        for key in names:
            if not key:
                continue
            if key == "$text_score":
                order.append(("_text_score", {"$meta": "textScore"}))
                continue
            direction = DIRECTIONS.get(key[0], 1)
            name = key[1:] if key[0] in DIRECTIONS else key
            name = name.replace("__", ".")
            order.append((self._sorted_name(name), direction))
        return order

    def _sorted_name(self, name: str) -> str:
        """Return the database name of a path, or the path if a field has none."""
        if self.groups is not None:
            return self._row_name(name.replace(".", "__"))
        if name in self.annotations:
            return name
        if "." in name and (path := joined_path(self.document, name)) is not None:
            return path.key
        try:
            translated: str = self.document._translate_field_name(name)
        except AttributeError as error:
            stored = self.document._field_stored_at(name)[1] is not None
            if isinstance(error, LookUpError) and error.has_proposal and not stored:
                warn_caller(f"{self.document.__name__}: {error}", MongoEngineWarning)
            return name
        return translated

    def lookup(self, name: str) -> FieldPath:
        """Return the fields on a dotted path, of this class or of a subclass.

        :raises LookUpError: if it is a path of none of them
        """
        parts = name.split(".")
        try:
            path: FieldPath = self.document._lookup_field(parts)
        except LookUpError:
            for subclass in self._subclasses():
                with suppress(LookUpError):
                    return subclass._lookup_field(parts)
            raise
        return path

    def path(self, name: str) -> str:
        """Return the database name of a dotted path; see `lookup`."""
        return db_path(self.lookup(name))

    def last_field(self, name: str) -> Any:
        """Return the field that a dotted path leads to, or None."""
        try:
            return self.lookup(name)[-1]
        except LookUpError:
            return None

    def _subclasses(self) -> list[type[StoredDocument]]:
        document = self.document
        if document._meta.get("allow_inheritance") is not True:
            return []
        names = [name for name in document._subclasses if name != document._class_name]
        return [_DocumentRegistry.get(name) for name in names]
