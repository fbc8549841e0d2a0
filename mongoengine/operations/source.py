"""`QuerySource`: a query, the collection that it is sent to, and the items it gives.

The base class of querysets, and what operations on them work with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from pymongo.asynchronous.collection import AsyncCollection

from mongoengine import connection
from mongoengine.base import context
from mongoengine.base.types import (
    AnyCollection,
    Convert,
    Coro,
    Keywords,
    PythonValue,
    RawDocument,
    RawMapping,
    RawValue,
)
from mongoengine.driver.concerns import with_concerns
from mongoengine.driver.cursor import Batches, ReadingAhead
from mongoengine.driver.io import SYNC, instead, run
from mongoengine.driver.loops import CutSteps, Steps, UncachedSteps
from mongoengine.driver.types import AnyCursor
from mongoengine.errors import OperationError
from mongoengine.operations import collections, joined, select_related
from mongoengine.operations.reading import Reading
from mongoengine.operations.target import loading_marks, marking
from mongoengine.query import javascript, results
from mongoengine.query import query as _query
from mongoengine.query.projection import QueryFieldList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pymongo.read_concern import ReadConcern
    from typing_extensions import Self

    from mongoengine.driver.io import IO
    from mongoengine.query.q import QNode
    from mongoengine.query.query import Query
    from mongoengine.query.results import Make

__all__ = ("AnyQueryset", "QuerySource")

D = TypeVar("D")
T = TypeVar("T")

#: The options of a `Query` that other code reads and sets as `_skip` and so on.
FORWARDED = (
    "alias",
    "allow_disk_use",
    "annotations",
    "as_pymongo",
    "batch_size",
    "cls_query",
    "collation",
    "collection_name",
    "comment",
    "document",
    "empty",
    "explicit_collection",
    "filter_joins",
    "follow_references",
    "group_order",
    "groups",
    "having",
    "hint",
    "limit",
    "loaded_fields",
    "lookups",
    "max_time_ms",
    "mongo_query",
    "none",
    "ordering",
    "prefetch",
    "query_obj",
    "read_concern",
    "read_preference",
    "related",
    "scalar",
    "search_text",
    "search_text_score",
    "skip",
    "snapshot",
    "tailable",
    "timeout",
    "using",
    "values",
    "where_clause",
)


#: The options of a `Query` after which documents may have to be marked.
_MARKING_OPTIONS = frozenset(("explicit_collection", "loaded_fields"))


def _forwarding(option: str) -> property:
    """Return a property that is an option of the query."""

    def read(self: AnyQueryset) -> Any:
        return getattr(self._spec, option)

    def write(self: AnyQueryset, value: object) -> None:
        self._spec = self._spec.replace(**{option: value})

    return property(read, write, doc=f"`Query.{option}`")


class QuerySource(Reading, Generic[D]):
    """Hold a `Query`, copy it, open its collection, and make items of its results."""

    _spec: Query
    _iter = False
    _cursor_obj: Any = None

    #: The event loop that the cursor of `next` belongs to; None if it is blocking.
    _cursor_loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, document: type[D], collection: AnyCollection | None) -> None:
        """Ask for all documents of a class.

        :param document: the document class
        :param collection: the PyMongo collection to read and write, of either
            API; None for the collection that the class is stored in
        """
        self._spec = _query.Query(document, collection)

    if TYPE_CHECKING:
        _len: int | None

        def filter(self, *q_objs: object, **query: object) -> Self:
            """Return the queryset with more conditions; see `BaseQuerySet`."""

        def _relating(self, *paths: object, strategy: str | None = None) -> Self:
            """Return the queryset with references; see `BaseQuerySet`."""

        @property
        def _dereference(self) -> Any:
            """The object that follows references; see `BaseQuerySet`."""

        # The properties that are made from the table.
        _alias: str
        _allow_disk_use: bool
        _as_pymongo: bool
        _batch_size: int | None
        _cls_query: RawMapping
        _collation: RawMapping | None
        _collection_name: str
        _comment: object
        _document: Any
        _empty: bool
        _follow_references: bool
        _explicit_collection: object
        _hint: object
        _limit: int | None
        _loaded_fields: QueryFieldList
        _max_time_ms: int | None
        _mongo_query: RawDocument | None
        _none: bool
        _ordering: object
        _prefetch: bool
        _query_obj: QNode
        _read_concern: ReadConcern | None
        _read_preference: object
        _scalar: list[str]
        _search_text: str | None
        _search_text_score: bool | None
        _skip: int | None
        _snapshot: object
        _tailable: int | None
        _timeout: object
        _using: bool
        _values: tuple[str, ...] | None
        _where_clause: str | None

    # Copies

    #: Whether copies are made by methods of this class, and not by a subclass's own.
    _copies_plainly = True

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls._copies_plainly = (
            cls.__init__ is QuerySource.__init__
            and cls.clone is QuerySource.clone
            and cls._clone_into is QuerySource._clone_into
        )

    def _over(self, spec: Query) -> Self:
        """Return a queryset like this one over another query."""
        if not self._copies_plainly:
            copied = self.clone()
            copied._spec = spec
            return copied
        copied = object.__new__(type(self))
        copied._spec = spec
        if self._iter:
            copied._iter = True
        return copied

    def clone(self) -> Self:
        """Return a copy of this queryset, with nothing read yet."""
        cls = type(self)
        if cls.__init__ is QuerySource.__init__:
            copied = cls.__new__(cls)
        else:
            copied = cls(self._spec.document, self._spec.explicit_collection)
        cloned: Self = self._clone_into(copied)
        return cloned

    def _clone_into(self, new_qs: object) -> Any:
        """Give the query of this queryset to another one, and return that."""
        if not isinstance(new_qs, QuerySource):
            name = getattr(new_qs, "__name__", type(new_qs).__name__)
            raise OperationError(f"{name} is not a subclass of BaseQuerySet")
        spec = self._spec
        if spec.mongo_query is not None:
            spec = spec.replace(mongo_query=spec.mongo_query.copy())
        new_qs._spec = spec
        if self._iter:
            new_qs._iter = True
        return new_qs

    def _with(self, **options: object) -> Self:
        """Return a clone with other options."""
        spec = self._spec.replace(**options)
        if spec.mongo_query is not None:
            spec.mongo_query = spec.mongo_query.copy()
        return self._over(spec)

    def __deepcopy__(self, memo: object) -> Self:
        return self.clone()

    def __getstate__(self) -> Keywords:
        options = {"_" + name: value for name, value in vars(self._spec).items()}
        options.pop("_explicit_collection", None)
        return {**options, "_iter": False}

    def __setstate__(self, state: Keywords) -> None:
        self._spec = _query.Query.__new__(_query.Query)
        options = {"_" + name for name in FORWARDED} & state.keys()
        self._spec.__dict__.update({name[1:]: state[name] for name in options})
        self.__dict__.update(
            {name: value for name, value in state.items() if name not in options}
        )

    # Collections

    async def _open(self, io: IO) -> Any:
        """Return the collection to read or write, of the family of `io`."""
        spec = self._spec
        explicit = spec.explicit_collection
        if explicit is not None:
            if isinstance(explicit, AsyncCollection) is io.is_async:
                return explicit
            client = connection.client(io, spec.alias)
            return client[explicit.database.name][explicit.name]
        alias, name = spec.alias, spec.collection_name
        if spec.using:
            return connection.database(io, alias)[name]
        collection = collections.prepared_collection(spec.document, io, alias, name)
        if collection is not None:
            return collection
        return await collections.open_collection(spec.document, io, alias, name)

    async def _open_to_read(self, io: IO) -> Any:
        """Return the collection with the read preference and concern that were set."""
        collection = await self._open(io)
        spec = self._spec
        if spec.read_preference is not None or spec.read_concern is not None:
            collection = collection.with_options(
                read_preference=spec.read_preference, read_concern=spec.read_concern
            )
        return collection

    async def _open_to_write(
        self,
        io: IO,
        write_concern: RawMapping | None,
        read_concern: RawMapping | None = None,
    ) -> Any:
        """Return the collection with these concerns on top of its own."""
        return with_concerns(await self._open(io), write_concern, read_concern)

    @property
    def _collection(self) -> Any:
        """Return the blocking PyMongo collection; opened when it is asked for."""
        return run(self._open(SYNC))

    @property
    def _collection_obj(self) -> Any:
        return self._collection

    # Parts of the query

    @property
    def _query(self) -> RawDocument:
        """Return the filter, as MongoDB takes it."""
        return self._spec.conditions

    @property
    def _cursor_args(self) -> Keywords:
        """Return the arguments of `find` that decide how documents are read."""
        return self._spec.cursor_arguments()

    @property
    def _is_void(self) -> bool:
        return self._spec.is_void

    def _filter(self) -> RawDocument:
        """Return the filter with the condition of `where()`, for plain commands."""
        self._plain_conditions()
        return self._spec.filter()

    def _common_options(self) -> Keywords:
        return self._spec.common_options()

    def _sort_keys(self) -> object:
        return self._spec.order()

    def _get_order_by(self, keys: object) -> list[tuple[str, RawValue]]:
        return self._spec.sort_keys(keys)

    def _fields_to_dbfields(self, fields: Iterable[str]) -> list[str]:
        return [self._spec.path(field) for field in fields]

    def _sub_js_fields(self, code: str) -> str:
        return javascript.with_database_names(self._spec.document, code)

    def _slice(self, key: slice) -> Self:
        if key.step is not None:
            raise IndexError("Cursor instances do not support slice steps")
        start, stop = key.start, key.stop
        if start is not None and start < 0:
            raise IndexError("Cursor instances do not support negative indices")
        limit = None
        if stop is not None:
            limit = stop - (start or 0)
            if limit < 0:
                raise IndexError(
                    f"stop index must be greater than start index for slice {key!r}"
                )
        return self._with(skip=start, limit=limit, empty=limit == 0)

    # Cursors and items

    async def _find(self, io: IO) -> AnyCursor:
        """Return a new PyMongo cursor over the documents; sends nothing yet."""
        spec = self._spec
        arguments = spec.find(limit=spec.limit)
        collection = await self._open_to_read(io)
        return await self._cursor_over(io, collection, arguments)

    async def _start(self, io: IO) -> Batches | ReadingAhead | None:
        """Return batches of the raw documents; sends nothing yet."""
        if self._spec.is_void:
            return None
        return self._batches_of(io, await self._find(io))

    def _batches_of(self, io: IO, cursor: object) -> Batches | ReadingAhead:
        batches = Batches(cursor)
        if self._spec.prefetch and io.is_async:
            return ReadingAhead(batches)
        return batches

    #: Whether what was read is kept.
    _keeps = False

    def _steps(self) -> Steps[D]:
        """Return a source of the items, which sends the query once more."""
        steps: Steps[D] = UncachedSteps(self._start, self._converter)
        if not self._spec.related:
            return steps
        return select_related.RelatedSteps(self._spec, steps)

    def _cut_steps(self, size: int) -> CutSteps[D]:
        sized = (
            self if self._spec.batch_size is not None else self._with(batch_size=size)
        )
        return CutSteps(sized._steps(), size)

    @property
    def _has_more(self) -> bool:
        """Return whether a loop has to ask the server."""
        return True

    def _loop_steps(self) -> Steps[D]:
        """Return what loops read from."""
        return self._steps()

    def _document_maker(self) -> Make:
        """Return the function that makes a document of a raw one."""
        spec = self._spec
        document = spec.document
        follow = spec.follow_references and not context.dereferencing_is_off(document)
        if spec.groups is not None:
            return results.row_maker(spec)
        make: Make = document._maker(follow)
        own = collections.own_target(document)
        target: tuple[str, str | None] = spec.alias, spec.collection_name
        if target == own and _MARKING_OPTIONS.isdisjoint(spec.__dict__):
            return self._completing(make)
        if spec.scalar or spec.values is not None:
            return self._completing(make)  # the documents are not given to anyone
        in_part = bool(spec.loaded_fields.fields or spec.loaded_fields.slice)
        if spec.explicit_collection is not None:
            target = own
        make = marking(make, loading_marks(document, *target, in_part))
        return self._completing(make)

    def _completing(self, make: Convert) -> Convert:
        """Return a function that adds what was joined and computed to documents."""
        spec = self._spec
        if spec.annotations:
            make = results.annotating(spec, make)
        if spec.lookups or spec.loaded_fields.fields:
            make = joined.attaching(spec, make)
        return make

    def _converter(self) -> Callable[[list[RawDocument]], list[Any]]:
        """Return the function that makes items of a batch of raw documents."""
        spec = self._spec
        if spec.as_pymongo and spec.loaded_joins:
            embed = joined.embedding(spec)
            return lambda batch: [embed(raw) for raw in batch]
        return results.batch_converter(spec, self._document_maker())

    def _convert(self, raw: RawDocument, scalar_first: bool = False) -> PythonValue:
        """Return the item for a raw document."""
        spec = self._spec
        if spec.as_pymongo and spec.loaded_joins:
            return self._converter()([raw])[0]
        make = self._document_maker()
        if spec.scalar or spec.as_pymongo or spec.values is not None:
            return results.convert(spec, make, raw, scalar_first)
        return make(raw)

    @property
    def _auto_dereference(self) -> bool:
        """Return whether references of the documents that are read may be followed."""
        if not self._spec.follow_references:
            return False
        return not context.dereferencing_is_off(self._spec.document)

    def _get_scalar(self, doc: object) -> object:
        """Return the fields of a document that `scalar` asked for."""
        names = self._spec.scalar
        return results.scalar_getter(names)(doc) if names else ()

    # The cursor of `next`

    @property
    def _cursor(self) -> Any:
        """Return the blocking PyMongo cursor that `next` reads from."""
        return run(self._own_cursor(SYNC))

    async def _own_cursor(self, io: IO) -> Any:
        """Return the cursor of `next`, of the family and event loop of `io`."""
        cursor = self._cursor_obj
        here = asyncio.get_running_loop() if io.is_async else None
        if cursor is None or self._cursor_loop is not here:
            cursor = self._cursor_obj = await self._find(io)
            self._cursor_loop = here
        return cursor

    def _release(self, cursor: object) -> None:
        """Let the next reading send the query again: this cursor has ended."""
        if self._cursor_obj is cursor:
            self._cursor_obj = None

    def rewind(self) -> None:
        """Let `next` start again at the first document."""
        self._iter = False
        cursor = self._cursor_obj
        if cursor is not None:
            if self._cursor_loop is None and hasattr(cursor, "rewind"):
                cursor.rewind()
            else:
                self._cursor_obj = None

    def _run(self, body: Coro[T], use: str) -> T:
        """Drive a body whose awaited form has another name."""
        with instead(use, self):
            return run(body)


#: A query of which the type of the items does not matter.
AnyQueryset: TypeAlias = QuerySource[Any]


for _option in FORWARDED:
    setattr(QuerySource, "_" + _option, _forwarding(_option))
