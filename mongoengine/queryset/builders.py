"""The builders of querysets: which documents, in which order, and how to read them.

A builder returns a queryset over another `Query`; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from numbers import Number
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from bson import SON
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_read_preference
from pymongo.read_concern import ReadConcern

from mongoengine import connection
from mongoengine.base.types import (
    Keywords,
    PassedOn,
    PythonValue,
    RawDocument,
    RawMapping,
)
from mongoengine.base.utils import warn_caller
from mongoengine.driver.io import ASYNC
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.operations.source import QuerySource
from mongoengine.query import javascript
from mongoengine.query.projection import QueryFieldList, with_fields
from mongoengine.query.q import Q, QNode

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.query.aggregates import Aggregate
    from mongoengine.query.expressions import Expression

__all__ = ("Builders",)

D = TypeVar("D")
P = ParamSpec("P")
Q_ = TypeVar("Q_", bound="Builders[Any]")
T = TypeVar("T")


def listed(
    builder: Callable[Concatenate[Q_, P], Builders[T]],
) -> Callable[Concatenate[Q_, P], Awaitable[list[T]]]:
    """Return the awaited form of a builder, which reads the documents."""

    @wraps(builder)
    async def face(self: Q_, /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        items: list[T] = await ASYNC.call(builder(self, *args, **kwargs), "to_list")
        return items

    face.__name__ = f"async_{builder.__name__}"
    face.__qualname__ = f"{builder.__qualname__.rpartition('.')[0]}.{face.__name__}"
    return face


class Builders(QuerySource[D]):
    """Build querysets over other queries; see `BaseQuerySet`."""

    # Which documents

    def __call__(self, q_obj: QNode | None = None, **query: object) -> Self:
        """Narrow the queryset to the documents that also match a query.

        :param q_obj: a `Q`, or several joined by `&` and `|`, or negated by `~`
        :param query: conditions like `age__gt=18`
        :raises InvalidQueryError: if `q_obj` is no query object
        """
        if q_obj:
            if not isinstance(q_obj, QNode):
                raise InvalidQueryError(
                    f"Not a query object: {q_obj}. Did you intend to use key=value?"
                )
            added: QNode | None = q_obj
            if query:
                added = Q(**query) & q_obj
        elif query:
            added = Q(**query)
        else:
            added = None
        return self._over(self._spec.matching(added))

    def filter(self, *q_objs: PassedOn, **query: PassedOn) -> Self:
        """Narrow the queryset, as calling it does."""
        return self.__call__(*q_objs, **query)

    def all(self) -> Self:
        """Return a copy of this queryset."""
        return self.__call__()

    def none(self) -> Self:
        """Return a queryset without documents to read, change or delete."""
        return self._with(none=True)

    def where(self, where_clause: str) -> Self:
        """Narrow the queryset to documents for which a JavaScript expression is true.

        `this[~name]` in it becomes the database name of the field.  Counts and
        aggregations ignore it: pipelines have no `$where`.
        https://www.mongodb.com/docs/manual/reference/operator/query/where/

        :raises LookUpError: if a field is unknown
        """
        code = javascript.with_database_names(self._document, where_clause)
        return self._with(where_clause=code)

    def search_text(
        self, text: str, language: str | None = None, text_score: bool = True
    ) -> Self:
        """Narrow the queryset to the documents that a text index finds.

        https://www.mongodb.com/docs/manual/reference/operator/query/text/

        :param language: whose stop words and stems are used
        :param text_score: read the score, for `order_by("$text_score")` and
            `get_text_score()` of the documents
        :raises OperationError: if this queryset searches already
        """
        if self._spec.search_text:
            raise OperationError("It is not possible to use search_text two times.")
        search = SON({"$search": text})
        if language:
            search["$language"] = language
        narrowed = self.__call__(Q(__raw__={"$text": search}))
        return narrowed._with(search_text=text, search_text_score=text_score)

    def no_sub_classes(self) -> Self:
        """Leave out documents of subclasses."""
        if self._document._meta.get("allow_inheritance") is not True:
            return self.clone()
        return self._with(
            cls_query={"_cls": self._document._class_name}, mongo_query=None
        )

    def clear_cls_query(self) -> Self:
        """Take documents of any class that the collection holds."""
        if not self._spec.cls_query:
            return self.clone()
        return self._with(cls_query={}, mongo_query=None)

    # Where from

    def using(self, alias: str) -> Self:
        """Read and write the collection of this name behind another alias.

        :raises ConnectionFailure: if there is no such alias
        """
        if alias not in connection._connection_settings:
            raise connection.ConnectionFailure(
                f'Connection with alias "{alias}" has not been defined'
            )
        return self._with(alias=alias, using=True, explicit_collection=None)

    def read_preference(self, read_preference: object) -> Self:
        """Choose the members of a replica set that may answer.

        :param read_preference: a `pymongo.ReadPreference`
        :raises TypeError: if it is none
        """
        validate_read_preference("read_preference", read_preference)
        return self._with(read_preference=read_preference)

    def read_concern(self, read_concern: RawMapping | None) -> Self:
        """Set how durable the data must be that servers answer with.

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

    def order_by(self, *keys: object, __raw__: object = None) -> Self:
        """Sort the documents.

        :param keys: field names, with `-` in front for descending; none for the
            order that the server finds them in
        :param __raw__: the sort specification as PyMongo takes it, instead
        :raises OperationError: if both are given
        """
        if __raw__ and keys:
            raise OperationError("Can not use both keys and __raw__ with order_by() ")
        return self._with(ordering=__raw__ or self._spec.sort_keys(keys))

    def skip(self, n: int | None) -> Self:
        """Leave out the first `n` documents."""
        return self._with(skip=n)

    def limit(self, n: int | None) -> Self:
        """Take at most `n` documents; None or 0 for all.

        This limits what is read and `delete`, but neither `update` nor `modify`.
        """
        return self._with(limit=n, empty=False)

    # Which fields

    def only(self, *fields: str) -> Self:
        """Read these fields alone, and those that `only` named before.

        :param fields: names; `a.b` or `a__b` for those of embedded documents
        :raises LookUpError: if a field is unknown
        """
        chosen: Keywords = dict.fromkeys(fields, QueryFieldList.ONLY)
        return self.fields(True, **chosen)

    def exclude(self, *fields: str) -> Self:
        """Do not read these fields.

        :raises LookUpError: if a field is unknown
        """
        left_out: Keywords = dict.fromkeys(fields, QueryFieldList.EXCLUDE)
        return self.fields(**left_out)

    def fields(self, _only_called: bool = False, **kwargs: object) -> Self:
        """Choose which fields to read, and how.

        :param kwargs: field names with 1 to read them, 0 not to, or
            `slice__comments=5`, `elemMatch__comments={...}`
        :raises LookUpError: if a field is unknown

        https://www.mongodb.com/docs/manual/tutorial/project-fields-from-query-results/
        """
        spec = self._spec
        stored, joined = spec.choices(kwargs)
        if kwargs and not stored and not joined:
            return self.clone()
        loaded = with_fields(
            spec.loaded_fields, spec.lookup, _only_called, stored, joined
        )
        return self._with(loaded_fields=loaded)

    def all_fields(self) -> Self:
        """Read every field, whatever was named before."""
        always = self._spec.loaded_fields.always_include
        return self._with(loaded_fields=QueryFieldList(always_include=always))

    # What to give

    def scalar(self, *fields: str) -> Builders[Any]:
        """Give the value of a field instead of documents, or tuples for several.

        `async_scalar` is awaited, and gives the list.

        :param fields: names; `a__b` for those of embedded documents; none to give
            documents again
        :raises LookUpError: if a field is unknown
        """
        chosen = self.only(*fields) if fields else self.all_fields()
        return chosen._with(scalar=list(fields), values=None)

    def values_list(self, *fields: str, flat: bool = False) -> Builders[Any]:
        """Give the values of fields, as `scalar` does.

        :param flat: insist on one field, and so on values instead of tuples
        :raises TypeError: if `flat` is set and there is not exactly one field
        :raises LookUpError: if a field is unknown
        """
        if flat and len(fields) != 1:
            raise TypeError(
                f"values_list() with flat=True takes one field, not {len(fields)}: "
                "use values_list() without flat for tuples"
            )
        return self.scalar(*fields)

    def values(self, *fields: str) -> Builders[RawDocument]:
        """Give dicts of these fields instead of documents.

        `async_values` is awaited, and gives the list.

        :param fields: names; `a__b` for those of embedded documents; none for
            every field
        :raises LookUpError: if a field is unknown
        """
        chosen = self.only(*fields) if fields else self.all_fields()
        items: Any = chosen._with(scalar=[], values=fields)
        return items  # type: ignore[no-any-return]

    def as_pymongo(self) -> Builders[RawDocument]:
        """Give the documents as PyMongo does: dicts with the names of the database."""
        return self._with(as_pymongo=True)  # type: ignore[return-value]

    def no_dereference(self) -> Self:
        """Leave the references of the documents as they are stored."""
        return self._with(follow_references=False)

    # Computed values

    def annotate(self, **annotations: Aggregate | Expression) -> Self:
        """Have the server compute values of each document, or of groups.

        A value is an attribute of the documents that are read, not a field: it is
        not saved.  After `values("status")` or `values_list("status")` there is a row
        for each value of these fields, and what is computed takes in the documents of
        a group.  Conditions and orders that follow may name the values.

            Order.objects.annotate(total=Sum("lines__price")).filter(total__gt=3)
            Order.objects.values("status").annotate(n=Count(), total=Sum("price"))

        https://www.mongodb.com/docs/manual/reference/operator/aggregation/

        :param annotations: names with `Sum`, `Avg`, `Min`, `Max`, `Count`, `First`,
            `Last`, `Push`, `AddToSet`, or an expression of `F()`
        :raises InvalidQueryError: if a name is taken, or a field is unknown
        :raises OperationError: if a slice would have to be grouped
        """
        return self._over(self._spec.annotated(annotations))

    def pipeline(self) -> list[RawDocument]:
        """Return the aggregation pipeline that gives the documents, for inspection.

        It is what is sent where something is joined or computed; any other query is
        sent as a `find`, and this is the pipeline that does the same.

        :raises InvalidQueryError: if a field or an operator is unknown
        """
        spec = self._spec
        arguments = spec.find(limit=spec.limit)
        return spec.find_pipeline(arguments)

    # How the server should work

    def hint(self, index: object = None) -> Self:
        """Choose the index to use.

        :param index: its name, or its keys as `[("name", 1)]`; None for the
            server's choice
        """
        return self._with(hint=index)

    def collation(self, collation: Any = None) -> Self:
        """Set the language rules to compare strings by.

        https://www.mongodb.com/docs/manual/reference/collation/

        :param collation: a mapping or a `pymongo.collation.Collation`; None for
            the collection's own
        """
        return self._with(collation=validate_collation_or_none(collation))

    def comment(self, text: object) -> Self:
        """Attach a text that the server's logs and profiles show with the query."""
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
        """Limit the milliseconds that the server may work on the query.

        :raises TypeError: if it is no number
        """
        if ms is not None and not isinstance(ms, Number):
            raise TypeError(f"max_time_ms must be an integer or None, not {type(ms)}")
        return self._with(max_time_ms=ms)

    def allow_disk_use(self, enabled: bool) -> Self:
        """Let the server sort on disk what does not fit in memory."""
        return self._with(allow_disk_use=enabled)

    def timeout(self, enabled: bool) -> Self:
        """Let the server close the cursor when it was not used for a while."""
        return self._with(timeout=enabled)

    def snapshot(self, enabled: bool) -> Self:
        """Do nothing: servers have no such option any more."""
        warn_caller(
            "snapshot is deprecated as it has no impact when using PyMongo 3+.",
            DeprecationWarning,
        )
        return self._with(snapshot=enabled)

    # Lists, awaited

    if TYPE_CHECKING:

        @overload
        async def async_scalar(self) -> list[D]: ...
        @overload
        async def async_scalar(self, field: str, /) -> list[Any]: ...
        @overload
        async def async_scalar(
            self, first: str, second: str, /
        ) -> list[tuple[PythonValue, PythonValue]]: ...
        @overload
        async def async_scalar(
            self, first: str, second: str, third: str, /
        ) -> list[tuple[Any, Any, Any]]: ...
        @overload
        async def async_scalar(
            self, first: str, second: str, third: str, fourth: str, /, *more: str
        ) -> list[tuple[Any, ...]]: ...
        @overload
        async def async_scalar(self, *fields: str) -> list[Any]: ...
        async def async_scalar(self, *fields: str) -> Any: ...

        @overload
        async def async_values_list(self) -> list[D]: ...
        @overload
        async def async_values_list(self, field: str, /) -> list[PythonValue]: ...
        @overload
        async def async_values_list(
            self, first: str, second: str, /
        ) -> list[tuple[PythonValue, PythonValue]]: ...
        @overload
        async def async_values_list(
            self, first: str, second: str, third: str, /
        ) -> list[tuple[Any, Any, Any]]: ...
        @overload
        async def async_values_list(
            self, first: str, second: str, third: str, fourth: str, /, *more: str
        ) -> list[tuple[Any, ...]]: ...
        @overload
        async def async_values_list(
            self, *fields: str, flat: bool = False
        ) -> list[PythonValue]: ...
        async def async_values_list(self, *fields: str, flat: bool = False) -> Any: ...

    else:
        async_scalar = listed(scalar)
        async_values_list = listed(values_list)

    async_values = listed(values)
    async_only = listed(only)
    async_exclude = listed(exclude)
    async_hint = listed(hint)
