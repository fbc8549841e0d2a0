"""Building a query: what can be chained, and sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any, TypeVar

from bson import SON, json_util
from pymongo.collation import validate_collation_or_none
from pymongo.common import validate_read_preference
from pymongo.read_concern import ReadConcern

from mongoengine import connection
from mongoengine.base.utils import warn_caller
from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.query.projection import QueryFieldList
from mongoengine.query.q import Q, QNode
from mongoengine.queryset.state import QueryState, class_names, db_path

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.queryset.queryset import QuerySet

__all__ = ("Building",)

D = TypeVar("D")

#: Operators that `fields` takes as prefixes, as in `slice__comments=5`.
PROJECTIONS = frozenset(("slice", "elemMatch"))

# `[~field.path]`: the database name of the last field, as a subscript;
# `{{~field.path}}`: the whole path.
JS_FIELDS = re.compile(r"\[\s*~([A-Za-z_][\w.]*)\s*\]|\{\{\s*~([A-Za-z_][\w.]*)\s*\}\}")


class Building(QueryState[D]):
    """The methods that give another queryset."""

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
        if added is not None:
            wanted = narrowed.__dict__.get("_query_obj")
            narrowed._query_obj = added if wanted is None else wanted & added
        narrowed._mongo_query = None
        return narrowed

    __call__.__qualname__ = "BaseQuerySet.__call__"

    def filter(self, *q_objs: Any, **query: Any) -> Self:
        """The same as calling the queryset."""
        return self.__call__(*q_objs, **query)

    def all(self) -> Self:
        """A copy of this queryset."""
        return self.__call__()

    def none(self) -> Self:
        """A queryset without documents, to read, to change or to delete."""
        return self._with(_none=True)

    def where(self, where_clause: str) -> Self:
        """The documents for which a JavaScript expression is true.

        `this[~name]` in it becomes the database name of the field.  Counts and
        aggregations do not heed it: pipelines have no `$where`.
        https://www.mongodb.com/docs/manual/reference/operator/query/where/

        :raises LookUpError: if a field is unknown
        """
        return self._with(_where_clause=self._sub_js_fields(where_clause))

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
        if self._search_text:
            raise OperationError("It is not possible to use search_text two times.")
        wanted = SON({"$search": text})
        if language:
            wanted["$language"] = language
        found = self.__call__(Q(__raw__={"$text": wanted}))
        found._search_text = text
        found._search_text_score = text_score
        return found

    def no_sub_classes(self) -> Self:
        """Only documents of exactly this class."""
        if self._document._meta.get("allow_inheritance") is not True:
            return self.clone()
        return self._with(
            _cls_query={"_cls": self._document._class_name}, _mongo_query=None
        )

    def clear_cls_query(self) -> Self:
        """Documents of any class that the collection holds."""
        if not self._cls_query:
            return self.clone()
        return self._with(_cls_query={}, _mongo_query=None)

    # Where from

    def using(self, alias: str) -> Self:
        """The documents of the same collection behind another alias.

        :raises ConnectionFailure: if there is no such alias
        """
        if alias not in connection._connection_settings:
            raise connection.ConnectionFailure(
                f'Connection with alias "{alias}" has not been defined'
            )
        return self._with(_alias=alias, _using=True, _given_collection=None)

    def read_preference(self, read_preference: Any) -> Self:
        """Which members of a replica set may answer.

        :param read_preference: a `pymongo.ReadPreference`
        :raises TypeError: if it is none
        """
        validate_read_preference("read_preference", read_preference)
        return self._with(_read_preference=read_preference)

    def read_concern(self, read_concern: Mapping[str, Any] | None) -> Self:
        """How sure the servers must be of what they answer.

        https://www.mongodb.com/docs/manual/reference/read-concern/

        :param read_concern: e.g. `{"level": "majority"}`; None for the default
        :raises TypeError: if it is neither
        """
        if read_concern is None:
            return self._with(_read_concern=None)
        if not isinstance(read_concern, Mapping):
            raise TypeError(f"{read_concern!r} is not a valid read concern.")
        return self._with(_read_concern=ReadConcern(**read_concern))

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
        return self._with(_ordering=__raw__ or self._get_order_by(keys))

    def skip(self, n: int | None) -> Self:
        """Without the first `n` documents."""
        return self._with(_skip=n)

    def limit(self, n: int | None) -> Self:
        """At most `n` documents; None or 0 for all.

        Reading and `delete` heed it; `update` and `modify` do not.
        """
        return self._with(_limit=n, _empty=False)

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
        return self._with(_skip=start, _limit=limit, _empty=limit == 0)

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
        """Which fields to read, and how.

        :param kwargs: field names with 1 to read them, 0 not to, or
            `slice__comments=5`, `elemMatch__comments={...}`
        :raises LookUpError: if a field is unknown

        https://www.mongodb.com/docs/manual/tutorial/project-fields-from-query-results/
        """
        named: list[tuple[Any, list[str]]] = []
        loaded = self._own_loaded_fields()
        for keyword, value in kwargs.items():
            parts = keyword.split("__")
            if parts[0] in PROJECTIONS:
                value = {"$" + parts.pop(0): value}
            found = self._lookup(".".join(parts))
            name = db_path(found)
            if value == QueryFieldList.ONLY and len(found) > 1:
                loaded.classes[name] = class_names(found)
            for known, names in named:
                if known == value:
                    names.append(name)
                    break
            else:
                named.append((value, [name]))
        named.sort(key=lambda group: isinstance(group[0], dict))
        for value, names in named:
            loaded += QueryFieldList(names, value=value, _only_called=_only_called)
        return self._with(_loaded_fields=loaded)

    def _own_loaded_fields(self) -> QueryFieldList:
        """A copy of the projection, to be added to."""
        known = self._loaded_fields
        copied = QueryFieldList.__new__(QueryFieldList)
        copied.__dict__.update(known.__dict__)
        copied.fields = set(known.fields)
        copied.slice = dict(known.slice)
        copied.classes = dict(known.classes)
        return copied

    def all_fields(self) -> Self:
        """Read every field, whatever was named before."""
        always = self._loaded_fields.always_include
        return self._with(_loaded_fields=QueryFieldList(always_include=always))

    # What to give

    def scalar(self, *fields: str) -> QuerySet[Any]:
        """Give the value of a field instead of documents, or tuples for several.

        `async_scalar` is awaited, and gives the list.

        :param fields: names; `a__b` for those of embedded documents; none to give
            documents again
        :raises LookUpError: if a field is unknown
        """
        chosen = self.only(*fields) if fields else self.all_fields()
        chosen._scalar = list(fields)
        chosen._values = None
        return chosen  # type: ignore[return-value]

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
        chosen._scalar = []
        chosen._values = fields
        return chosen  # type: ignore[return-value]

    def as_pymongo(self) -> QuerySet[dict[str, Any]]:
        """Give the documents as PyMongo does: dicts with the names of the database."""
        return self._with(_as_pymongo=True)  # type: ignore[return-value]

    def no_dereference(self) -> Self:
        """Leave the references of the documents as they are stored."""
        return self._with(_follow_references=False)

    # How the server should work

    def hint(self, index: Any = None) -> Self:
        """The index to use.

        :param index: its name, or its keys as `[("name", 1)]`; None for the
            server's choice
        """
        return self._with(_hint=index)

    def collation(self, collation: Any = None) -> Self:
        """The language rules to compare strings by.

        https://www.mongodb.com/docs/manual/reference/collation/

        :param collation: a mapping or a `pymongo.collation.Collation`; None for
            the collection's own
        """
        return self._with(_collation=validate_collation_or_none(collation))

    def comment(self, text: Any) -> Self:
        """A text that the server's logs and profiles show with the query."""
        return self._with(_comment=text)

    def batch_size(self, size: int | None) -> Self:
        """Have the server send so many documents at a time.

        A size that is negative or no integer raises when documents are read.
        """
        return self._with(_batch_size=size)

    def prefetch(self, enabled: bool = True) -> Self:
        """Ask for the next batch while the current one is consumed.

        One is on its way at a time.  Only asynchronous loops read ahead: a blocking
        one has nothing else to do meanwhile.
        """
        return self._with(_prefetch=enabled)

    def max_time_ms(self, ms: int | None) -> Self:
        """For how many milliseconds the server may work on the query.

        :raises TypeError: if it is no number
        """
        if ms is not None and not isinstance(ms, Number):
            raise TypeError(f"max_time_ms must be an integer or None, not {type(ms)}")
        return self._with(_max_time_ms=ms)

    def allow_disk_use(self, enabled: bool) -> Self:
        """Whether the server may sort on disk what does not fit in memory."""
        return self._with(_allow_disk_use=enabled)

    def timeout(self, enabled: bool) -> Self:
        """Whether the server closes the cursor when it was not used for a while."""
        return self._with(_timeout=enabled)

    def snapshot(self, enabled: bool) -> Self:
        """Does nothing any more."""
        warn_caller(
            "snapshot is deprecated as it has no impact when using PyMongo 3+.",
            DeprecationWarning,
        )
        return self._with(_snapshot=enabled)

    # Texts

    def _sub_js_fields(self, code: str) -> str:
        """JavaScript with database names where it names fields.

        :raises LookUpError: if a field is unknown
        """

        def named(match: re.Match[str]) -> str:
            subscript, path = match.groups()
            found = self._document._lookup_field((subscript or path).split("."))
            names = [f if isinstance(f, str) else f.db_field for f in found]
            return f'["{names[-1]}"]' if subscript else ".".join(names)

        return JS_FIELDS.sub(named, code)

    def from_json(self, json_data: str) -> list[D]:
        """Documents of a JSON array, as `to_json` writes it; nothing is saved."""
        load = self._document._from_son
        follow = self._auto_dereference
        return [
            load(raw, _auto_dereference=follow) for raw in json_util.loads(json_data)
        ]
