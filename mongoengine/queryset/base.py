"""`BaseQuerySet`: a query over the documents of one class, and what can be done
with them.

A queryset is a face over a `Query`: its builders return a queryset over another one,
and send nothing.  Every operation that talks to MongoDB is a function in
`mongoengine.operations`, with a blocking face and one to await here: `count()` and
`async_count()`.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
)
from functools import wraps
from numbers import Number
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from bson import SON
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_read_preference
from pymongo.read_concern import ReadConcern

from mongoengine import connection
from mongoengine.base.utils import warn_caller
from mongoengine.compatibility import names_of
from mongoengine.dereference import DeReference
from mongoengine.driver.cursor import async_loop, loop
from mongoengine.driver.io import (
    ASYNC,
    SYNC,
    asynchronous,
    blocking,
    instead,
    run,
)
from mongoengine.driver.pending import PendingCursor, pending
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.operations import aggregate as _aggregate
from mongoengine.operations import bulk as _bulk
from mongoengine.operations import delete as _delete
from mongoengine.operations import insert as _insert
from mongoengine.operations import map_reduce as _map_reduce
from mongoengine.operations import read
from mongoengine.operations import write as _write
from mongoengine.operations.delete import (
    CASCADE,
    DENY,
    DO_NOTHING,
    NULLIFY,
    PULL,
)
from mongoengine.operations.source import QuerySource
from mongoengine.query.javascript import with_database_names
from mongoengine.query.projection import QueryFieldList, with_fields
from mongoengine.query.q import Q, QNode
from mongoengine.query.related import merged, related_paths

if TYPE_CHECKING:
    from pymongo.asynchronous.command_cursor import AsyncCommandCursor
    from pymongo.command_cursor import CommandCursor
    from typing_extensions import Self

    from mongoengine.driver.session import Session
    from mongoengine.queryset.queryset import QuerySet

__all__ = ("CASCADE", "DENY", "DO_NOTHING", "NULLIFY", "PULL", "BaseQuerySet")

D = TypeVar("D")
P = ParamSpec("P")
Q_ = TypeVar("Q_", bound="BaseQuerySet[Any]")
T = TypeVar("T")

Raw = dict[str, Any]


def listed(
    builder: Callable[Concatenate[Q_, P], BaseQuerySet[T]],
) -> Callable[Concatenate[Q_, P], Awaitable[list[T]]]:
    """Return the awaited form of a builder, which reads the documents."""

    @wraps(builder)
    async def face(self: Q_, /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        return await builder(self, *args, **kwargs).async_to_list()

    face.__name__ = f"async_{builder.__name__}"
    face.__qualname__ = f"{builder.__qualname__.rpartition('.')[0]}.{face.__name__}"
    face._lists = builder  # type: ignore[attr-defined]
    return face


class BaseQuerySet(QuerySource[D]):
    """The base class of `QuerySet` and `QuerySetNoCache`."""

    # Which documents

    def __call__(self, q_obj: QNode | None = None, **query: Any) -> Self:
        """The documents of this queryset that also match a query.

        :param q_obj: a `Q`, or several joined by `&` and `|`, or negated by `~`
        :param query: conditions like `age__gt=18`
        :raises InvalidQueryError: if `q_obj` is no query object
        """
        if q_obj:
            if not isinstance(q_obj, QNode):
                raise InvalidQueryError(
                    f"Not a query object: {q_obj}. Did you intend to use key=value?"
                )
            added: Any = q_obj
            if query:
                added = Q(**query) & q_obj
        elif query:
            added = Q(**query)
        else:
            added = None
        narrowed = self.clone()
        narrowed._spec = narrowed._spec.matching(added)
        return narrowed

    def filter(self, *q_objs: Any, **query: Any) -> Self:
        """The same as calling the queryset."""
        return self.__call__(*q_objs, **query)

    def all(self) -> Self:
        """A copy of this queryset."""
        return self.__call__()

    def none(self) -> Self:
        """A queryset without documents, to read, to change or to delete."""
        return self._with(none=True)

    def where(self, where_clause: str) -> Self:
        """The documents for which a JavaScript expression is true.

        `this[~name]` in it becomes the database name of the field.  Counts and
        aggregations do not heed it: pipelines have no `$where`.
        https://www.mongodb.com/docs/manual/reference/operator/query/where/

        :raises LookUpError: if a field is unknown
        """
        code = with_database_names(self._document, where_clause)
        return self._with(where_clause=code)

    def search_text(
        self, text: str, language: str | None = None, text_score: bool = True
    ) -> Self:
        """The documents that a text index finds.

        https://www.mongodb.com/docs/manual/reference/operator/query/text/

        :param language: whose stop words and stems are used
        :param text_score: read the score, for `order_by("$text_score")` and
            `get_text_score()` of the documents
        :raises OperationError: if this queryset searches already
        """
        if self._spec.search_text:
            raise OperationError("It is not possible to use search_text two times.")
        wanted = SON({"$search": text})
        if language:
            wanted["$language"] = language
        found = self.__call__(Q(__raw__={"$text": wanted}))
        return found._with(search_text=text, search_text_score=text_score)

    def no_sub_classes(self) -> Self:
        """Only documents of exactly this class."""
        if self._document._meta.get("allow_inheritance") is not True:
            return self.clone()
        return self._with(
            cls_query={"_cls": self._document._class_name}, mongo_query=None
        )

    def clear_cls_query(self) -> Self:
        """Documents of any class that the collection holds."""
        if not self._spec.cls_query:
            return self.clone()
        return self._with(cls_query={}, mongo_query=None)

    # Where from

    def using(self, alias: str) -> Self:
        """The documents of the same collection behind another alias.

        :raises ConnectionFailure: if there is no such alias
        """
        if alias not in connection._connection_settings:
            raise connection.ConnectionFailure(
                f'Connection with alias "{alias}" has not been defined'
            )
        return self._with(alias=alias, using=True, given_collection=None)

    def read_preference(self, read_preference: Any) -> Self:
        """Return which members of a replica set may answer.

        :param read_preference: a `pymongo.ReadPreference`
        :raises TypeError: if it is none
        """
        validate_read_preference("read_preference", read_preference)
        return self._with(read_preference=read_preference)

    def read_concern(self, read_concern: Mapping[str, Any] | None) -> Self:
        """Return how sure the servers must be of what they answer.

        https://www.mongodb.com/docs/manual/reference/read-concern/

        :param read_concern: e.g. `{"level": "majority"}`; None for the default
        :raises TypeError: if it is neither
        """
        if read_concern is None:
            return self._with(read_concern=None)
        if not isinstance(read_concern, Mapping):
            raise TypeError(f"{read_concern!r} is not a valid read concern.")
        return self._with(read_concern=ReadConcern(**read_concern))

    # In which order, and how many

    def order_by(self, *keys: Any, __raw__: Any = None) -> Self:
        """The documents in an order.

        :param keys: field names, with `-` in front for descending; none for the
            order that the server finds them in
        :param __raw__: the sort specification as PyMongo takes it, instead
        :raises OperationError: if both are given
        """
        if __raw__ and keys:
            raise OperationError("Can not use both keys and __raw__ with order_by() ")
        return self._with(ordering=__raw__ or self._spec.sort_keys(keys))

    def skip(self, n: int | None) -> Self:
        """Without the first `n` documents."""
        return self._with(skip=n)

    def limit(self, n: int | None) -> Self:
        """At most `n` documents; None or 0 for all.

        Reading and `delete` heed it; `update` and `modify` do not.
        """
        return self._with(limit=n, empty=False)

    # Which fields

    def only(self, *fields: str) -> Self:
        """Read these fields alone, and those that `only` named before.

        :param fields: names; `a.b` or `a__b` for those of embedded documents
        :raises LookUpError: if a field is unknown
        """
        chosen: dict[str, Any] = dict.fromkeys(fields, QueryFieldList.ONLY)
        return self.fields(True, **chosen)

    def exclude(self, *fields: str) -> Self:
        """Do not read these fields.

        :raises LookUpError: if a field is unknown
        """
        left_out: dict[str, Any] = dict.fromkeys(fields, QueryFieldList.EXCLUDE)
        return self.fields(**left_out)

    def fields(self, _only_called: bool = False, **kwargs: Any) -> Self:
        """Return which fields to read, and how.

        :param kwargs: field names with 1 to read them, 0 not to, or
            `slice__comments=5`, `elemMatch__comments={...}`
        :raises LookUpError: if a field is unknown

        https://www.mongodb.com/docs/manual/tutorial/project-fields-from-query-results/
        """
        existing = self._spec.loaded_fields
        return self._with(
            loaded_fields=with_fields(existing, self._spec.lookup, _only_called, kwargs)
        )

    def all_fields(self) -> Self:
        """Read every field, whatever was named before."""
        always = self._spec.loaded_fields.always_include
        return self._with(loaded_fields=QueryFieldList(always_include=always))

    # What to give

    def scalar(self, *fields: str) -> QuerySet[Any]:
        """Give the value of a field instead of documents, or tuples for several.

        `async_scalar` is awaited, and gives the list.

        :param fields: names; `a__b` for those of embedded documents; none to give
            documents again
        :raises LookUpError: if a field is unknown
        """
        chosen = self.only(*fields) if fields else self.all_fields()
        items: Any = chosen._with(scalar=list(fields), values=None)
        return items  # type: ignore[no-any-return]

    def values_list(self, *fields: str) -> QuerySet[Any]:
        """The same as `scalar`."""
        return self.scalar(*fields)

    def values(self, *fields: str) -> QuerySet[dict[str, Any]]:
        """Give dicts of these fields instead of documents.

        `async_values` is awaited, and gives the list.

        :param fields: names; `a__b` for those of embedded documents; none for
            every field
        :raises LookUpError: if a field is unknown
        """
        chosen = self.only(*fields) if fields else self.all_fields()
        items: Any = chosen._with(scalar=[], values=fields)
        return items  # type: ignore[no-any-return]

    def as_pymongo(self) -> QuerySet[dict[str, Any]]:
        """Give the documents as PyMongo does: dicts with the names of the database."""
        return self._with(as_pymongo=True)  # type: ignore[return-value]

    def no_dereference(self) -> Self:
        """Leave the references of the documents as they are stored."""
        return self._with(follow_references=False)

    # How the server should work

    def hint(self, index: Any = None) -> Self:
        """The index to use.

        :param index: its name, or its keys as `[("name", 1)]`; None for the
            server's choice
        """
        return self._with(hint=index)

    def collation(self, collation: Any = None) -> Self:
        """The language rules to compare strings by.

        https://www.mongodb.com/docs/manual/reference/collation/

        :param collation: a mapping or a `pymongo.collation.Collation`; None for
            the collection's own
        """
        return self._with(collation=validate_collation_or_none(collation))

    def comment(self, text: Any) -> Self:
        """A text that the server's logs and profiles show with the query."""
        return self._with(comment=text)

    def batch_size(self, size: int | None) -> Self:
        """Have the server send so many documents at a time.

        A size that is negative or no integer raises when documents are read.
        """
        return self._with(batch_size=size)

    def prefetch(self, enabled: bool = True) -> Self:
        """Ask for the next batch while the current one is consumed.

        One is on its way at a time.  Only asynchronous loops read ahead: a blocking
        one has nothing else to do meanwhile.
        """
        return self._with(prefetch=enabled)

    def max_time_ms(self, ms: int | None) -> Self:
        """For how many milliseconds the server may work on the query.

        :raises TypeError: if it is no number
        """
        if ms is not None and not isinstance(ms, Number):
            raise TypeError(f"max_time_ms must be an integer or None, not {type(ms)}")
        return self._with(max_time_ms=ms)

    def allow_disk_use(self, enabled: bool) -> Self:
        """Return whether the server may sort on disk what does not fit in memory."""
        return self._with(allow_disk_use=enabled)

    def timeout(self, enabled: bool) -> Self:
        """Let the server close the cursor when it is not used for a while."""
        return self._with(timeout=enabled)

    def snapshot(self, enabled: bool) -> Self:
        """Does nothing any more."""
        warn_caller(
            "snapshot is deprecated as it has no impact when using PyMongo 3+.",
            DeprecationWarning,
        )
        return self._with(snapshot=enabled)

    # One

    first = blocking(read.first)
    async_first = asynchronous(read.first)

    get = blocking(read.get)
    async_get = asynchronous(read.get)

    with_id = blocking(read.with_id)
    async_with_id = asynchronous(read.with_id)

    @overload
    def __getitem__(self, key: int) -> D: ...

    @overload
    def __getitem__(self, key: slice) -> Self: ...

    def __getitem__(self, key: Any) -> Any:
        """Return the document at an index, or a queryset over a slice.

        :raises IndexError: if there is none, or an index is negative
        """
        if isinstance(key, slice):
            return self._slice(key)
        if not isinstance(key, int):
            raise TypeError("Provide a slice or an integer index")
        return self._run(read.item(self, SYNC, key), "async_first()")

    # Whether and how many

    exists = blocking(read.exists)
    async_exists = asynchronous(read.exists)

    count = blocking(read.count)
    async_count = asynchronous(read.count)

    def _has_data(self) -> bool:
        return run(read.has_data(self, SYNC))

    def __bool__(self) -> bool:
        """Return whether any document matches; asks the server."""
        return self._run(read.has_data(self, SYNC), "async_exists()")

    # All

    to_list = blocking(read.to_list)
    async_to_list = asynchronous(read.to_list)

    in_bulk = blocking(read.in_bulk)
    async_in_bulk = asynchronous(read.in_bulk)

    explain = blocking(read.explain)
    async_explain = asynchronous(read.explain)

    to_json = blocking(read.to_json)
    async_to_json = asynchronous(read.to_json)

    from_json = read.from_json

    @property
    def _dereference(self) -> Any:
        return DeReference()

    @overload
    def select_related(
        self, max_depth: int = 1, *, session: Session = None
    ) -> list[D]: ...
    @overload
    def select_related(
        self, max_depth: str, *paths: str, session: Session = None
    ) -> Self: ...
    def select_related(
        self, max_depth: int | str = 1, *paths: str, session: Session = None
    ) -> Any:
        if isinstance(max_depth, str) or paths:
            return self._relating(max_depth, *paths)
        return self._select_related(max_depth, session=session)

    select_related.__doc__ = read.select_related.__doc__

    def _relating(self, *paths: Any) -> Self:
        tree = related_paths(self._spec.document, paths)
        return self._with(related=merged(self._spec.related, tree))

    _select_related = blocking(read.select_related)

    async_select_related = asynchronous(read.select_related)

    def batches(self, size: int) -> Iterator[list[D]]:
        """Yield the documents in lists, read as the loop goes; nothing is kept.

        `async_batches` is for `async for`.  The server sends `size` documents at a
        time, unless `batch_size` says otherwise.

        :param size: how many documents to a list; the last one may have fewer
        :raises ValueError: if it is not positive
        """
        return loop(self._cut_steps(size), self, "async_batches()")

    def async_batches(self, size: int) -> AsyncGenerator[list[D], None]:
        return async_loop(self._cut_steps(size), self, "batches()")

    async_batches.__doc__ = batches.__doc__

    # Computed

    if TYPE_CHECKING:

        def aggregate(self, pipeline: Any, **kwargs: Any) -> CommandCursor[Raw]: ...

        def async_aggregate(
            self, pipeline: Any, **kwargs: Any
        ) -> PendingCursor[AsyncCommandCursor[Raw]]: ...

    else:
        aggregate = blocking(_aggregate.aggregate)
        async_aggregate = pending(_aggregate.aggregate)

    sum = blocking(_aggregate.sum)
    async_sum = asynchronous(_aggregate.sum)

    average = blocking(_aggregate.average)
    async_average = asynchronous(_aggregate.average)

    distinct = blocking(_aggregate.distinct)
    async_distinct = asynchronous(_aggregate.distinct)

    item_frequencies = blocking(_aggregate.item_frequencies)
    async_item_frequencies = asynchronous(_aggregate.item_frequencies)

    map_reduce = blocking(_map_reduce.map_reduce)
    async_map_reduce = pending(_map_reduce.map_reduce)

    exec_js = blocking(_map_reduce.exec_js)
    async_exec_js = asynchronous(_map_reduce.exec_js)

    # Written

    create = blocking(_write.create)
    async_create = asynchronous(_write.create)

    insert = blocking(_insert.insert)
    async_insert = asynchronous(_insert.insert)

    update = blocking(_write.update)
    async_update = asynchronous(_write.update)

    update_one = blocking(_write.update_one)
    async_update_one = asynchronous(_write.update_one)

    upsert_one = blocking(_write.upsert_one)
    async_upsert_one = asynchronous(_write.upsert_one)

    modify = blocking(_write.modify)
    async_modify = asynchronous(_write.modify)

    bulk_save = blocking(_bulk.bulk_save)
    async_bulk_save = asynchronous(_bulk.bulk_save)

    bulk_write = blocking(_bulk.bulk_write)
    async_bulk_write = asynchronous(_bulk.bulk_write)

    delete = blocking(_delete.delete)
    async_delete = asynchronous(_delete.delete)

    delete_one = blocking(_delete.delete_one)
    async_delete_one = asynchronous(_delete.delete_one)

    # The next one

    def __next__(self) -> D:
        """Return the next document of the cursor that this queryset holds."""
        item = self._run(read.next_item(self, SYNC), "anext()")
        if item is read.NOTHING:
            raise StopIteration
        return item

    async def __anext__(self) -> D:
        """Return the next document of the cursor that this queryset holds."""
        with instead("next()", self):
            item = await read.next_item(self, ASYNC)
        if item is read.NOTHING:
            raise StopAsyncIteration
        return item

    # Lists, awaited

    async_scalar = listed(scalar)
    async_values_list = listed(values_list)
    async_values = listed(values)
    async_only = listed(only)
    async_exclude = listed(exclude)
    async_hint = listed(hint)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
