"""What a queryset is made of: its target, its filter, and the options of `find`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bson.code import Code
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from mongoengine import connection
from mongoengine.base import context
from mongoengine.base.utils import warn_caller
from mongoengine.common import _import_class
from mongoengine.connection import _get_session
from mongoengine.driver.io import SYNC, run
from mongoengine.errors import LookUpError, OperationError
from mongoengine.operations.target import loading_marks, marking, own_target
from mongoengine.query.projection import QueryFieldList
from mongoengine.query.q import Q, QNode

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.driver.io import IO

__all__ = ("QueryState",)

D = TypeVar("D")

Raw = dict[str, Any]

#: What `_clone_into` hands on.
COPIED = frozenset(
    (
        "_alias",
        "_allow_disk_use",
        "_as_pymongo",
        "_batch_size",
        "_cls_query",
        "_collation",
        "_collection_name",
        "_comment",
        "_empty",
        "_follow_references",
        "_given_collection",
        "_hint",
        "_iter",
        "_limit",
        "_loaded_fields",
        "_max_time_ms",
        "_mongo_query",
        "_none",
        "_ordering",
        "_prefetch",
        "_query_obj",
        "_read_concern",
        "_read_preference",
        "_scalar",
        "_search_text",
        "_search_text_score",
        "_skip",
        "_snapshot",
        "_tailable",
        "_timeout",
        "_using",
        "_values",
        "_where_clause",
    )
)

#: Without any of these, `find` is given a session and an order at most.
OPTIONS_OF_FIND = frozenset(
    (
        "_allow_disk_use",
        "_batch_size",
        "_collation",
        "_comment",
        "_hint",
        "_loaded_fields",
        "_max_time_ms",
        "_search_text",
        "_snapshot",
        "_timeout",
    )
)

_SNAPSHOT = "The snapshot option is not anymore available with PyMongo 3+"

#: A filter that no document meets.
NO_DOCUMENT: Mapping[str, Any] = {"_id": {"$in": []}}

SYMBOLS = {"-": -1, "+": 1}


class QueryState(Generic[D]):
    """What querysets share, whichever way they are read.

    Options are class attributes until they are set, so that making a queryset
    costs a handful of assignments.
    """

    _document: Any
    _alias: str
    _collection_name: str
    _given_collection: Any = None
    _using = False

    _query_obj: QNode = Q()
    _mongo_query: dict[str, Any] | None = None
    _cls_query: Mapping[str, Any] = {}
    _where_clause: str | None = None
    _search_text: str | None = None
    _search_text_score: bool | None = None

    _loaded_fields: QueryFieldList = QueryFieldList()
    _ordering: Any = None
    _skip: int | None = None
    _limit: int | None = None
    _hint: Any = -1
    _collation: Mapping[str, Any] | None = None
    _comment: Any = None
    _batch_size: int | None = None
    _max_time_ms: int | None = None
    _allow_disk_use = False
    _timeout: Any = True
    _snapshot: Any = False
    _tailable: int | None = None
    _prefetch = False
    _read_preference: Any = None
    _read_concern: ReadConcern | None = None

    _none = False
    _empty = False
    _iter = False
    _as_pymongo = False
    _scalar: list[str] = []
    _values: tuple[str, ...] | None = None
    _follow_references = True

    _cursor_obj: Any = None

    def __init__(self, document: type[D], collection: Any) -> None:
        """A queryset over all documents of a class.

        :param document: the document class
        :param collection: the PyMongo collection to read and write, of either
            API; None for the collection that the class is stored in
        """
        self._point_at(document, collection)
        if document._meta.get("allow_inheritance") is True:  # type: ignore[attr-defined]
            self._cls_query = self._class_filter()
            self._loaded_fields = QueryFieldList(always_include=["_cls"])

    def _point_at(self, document: Any, collection: Any) -> None:
        """Fix the target: it stays, whatever is switched later."""
        self._document = document
        self._alias = document._get_db_alias()
        if collection is None:
            self._collection_name = document._get_collection_name()
        else:
            self._given_collection = collection
            self._collection_name = collection.name

    def _class_filter(self) -> dict[str, Any]:
        """The condition on `_cls` that keeps documents of other classes out."""
        document = self._document
        names = document._subclasses
        if context.sub_classes_are_off(document):
            names = (document._class_name,)
        return {"_cls": names[0] if len(names) == 1 else {"$in": names}}

    # Cloning

    def clone(self) -> Self:
        """A copy of this queryset, with nothing read yet."""
        kind = type(self)
        if kind.__init__ is QueryState.__init__:
            copied = kind.__new__(kind)
            copied._document = self._document
        else:
            copied = kind(self._document, self._given_collection)
        cloned: Self = self._clone_into(copied)
        return cloned

    def _clone_into(self, new_qs: Any) -> Any:
        """Give the options of this queryset to another one, and return that."""
        if not isinstance(new_qs, QueryState):
            name = getattr(new_qs, "__name__", type(new_qs).__name__)
            raise OperationError(f"{name} is not a subclass of BaseQuerySet")
        ours = self.__dict__
        theirs = new_qs.__dict__
        if len(theirs) > 1:  # its constructor has set more than `_document`
            for name in theirs.keys() & COPIED:
                if name not in ours:
                    del theirs[name]
        for name in ours:
            if name in COPIED:
                theirs[name] = ours[name]
        mongo_query = ours.get("_mongo_query")
        if mongo_query is not None:
            theirs["_mongo_query"] = mongo_query.copy()
        return new_qs

    def _with(self, **options: Any) -> Self:
        """A clone with other options."""
        copied = self.clone()
        copied.__dict__.update(options)
        return copied

    def __deepcopy__(self, memo: Any) -> Self:
        return self.clone()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: self.__dict__[name] for name in self.__dict__ if name in COPIED}
        state.pop("_given_collection", None)
        state["_document"] = self._document
        state["_iter"] = False
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    # Target

    async def _open(self, io: IO) -> Any:
        """The collection to read or write, of the family of `io`."""
        given = self._given_collection
        if given is not None:
            if isinstance(given, AsyncCollection) is io.is_async:
                return given
            client = connection.client(io, self._alias)
            return client[given.database.name][given.name]
        alias, name = self._alias, self._collection_name
        if self._using:
            return connection.database(io, alias)[name]
        collection = self._document._prepared_collection(io, alias, name)
        if collection is not None:
            return collection
        return await self._document._open_collection(io, alias, name)

    async def _open_to_read(self, io: IO) -> Any:
        """The collection with the read preference and concern that were set."""
        collection = await self._open(io)
        if self._read_preference is not None or self._read_concern is not None:
            collection = collection.with_options(
                read_preference=self._read_preference, read_concern=self._read_concern
            )
        return collection

    async def _open_to_write(
        self,
        io: IO,
        write_concern: Mapping[str, Any] | None,
        read_concern: Mapping[str, Any] | None = None,
    ) -> Any:
        """The collection with these concerns on top of its own."""
        collection = await self._open(io)
        options: dict[str, Any] = {}
        if write_concern:
            combined = dict(collection.write_concern.document)
            combined.update(write_concern)
            options["write_concern"] = WriteConcern(**combined)
        if read_concern:
            combined = dict(collection.read_concern.document)
            combined.update(read_concern)
            options["read_concern"] = ReadConcern(**combined)
        return collection.with_options(**options) if options else collection

    @property
    def _collection(self) -> Any:
        """The blocking PyMongo collection; opened when it is asked for."""
        return run(self._open(SYNC))

    @property
    def _collection_obj(self) -> Any:
        return self._collection

    # Filter

    @property
    def _query(self) -> dict[str, Any]:
        """The filter, as MongoDB takes it."""
        query = self._mongo_query
        if query is None:
            made: dict[str, Any] = self._query_obj.to_query(self._document)
            if self._cls_query:
                if "_cls" in made:
                    made = {"$and": [self._cls_query, made]}
                else:
                    made.update(self._cls_query)
            self._mongo_query = query = made
        return query

    @property
    def _is_void(self) -> bool:
        """Whether this is `none()` or an empty slice, which need not ask the server."""
        return self._none or self._empty

    def _filter(self) -> dict[str, Any]:
        """The filter with the condition of `where()`; for `none()`, one never met."""
        if self._is_void:
            return dict(NO_DOCUMENT)
        if self._where_clause is None:
            return self._query
        return {**self._query, "$where": Code(self._where_clause)}

    # Options of find

    @property
    def _cursor_args(self) -> dict[str, Any]:
        """The arguments of `find` that decide how documents are read."""
        arguments: dict[str, Any] = {}
        if self._snapshot:
            warn_caller(_SNAPSHOT, DeprecationWarning)
        if not self._timeout:
            arguments["no_cursor_timeout"] = True
        if self._allow_disk_use:
            arguments["allow_disk_use"] = True
        fields = self._loaded_fields.as_dict()
        if fields or self._search_text:
            if self._search_text_score:
                fields["_text_score"] = {"$meta": "textScore"}
            arguments["projection"] = fields
        return arguments

    def _find_options(self, ordered: bool = True) -> dict[str, Any]:
        """Everything that `find` takes besides the filter, `skip` and `limit`."""
        options: dict[str, Any] = {}
        if not OPTIONS_OF_FIND.isdisjoint(self.__dict__):
            options = self._set_options()
        session = _get_session()
        if session is not None:
            options["session"] = session
        if ordered:
            ordering = self._sort_keys()
            if ordering:
                options["sort"] = ordering
        return options

    def _set_options(self) -> dict[str, Any]:
        """What was chosen by `only`, `hint` and their like."""
        options = self._cursor_args
        if options.get("projection") == {}:
            del options["projection"]
        options.update(self._common_options())
        if self._batch_size is not None:
            options["batch_size"] = self._batch_size
        if self._max_time_ms is not None:
            options["max_time_ms"] = self._max_time_ms
        return options

    def _common_options(self) -> dict[str, Any]:
        """The options that reading, writing and aggregating take alike."""
        options: dict[str, Any] = {}
        if self._hint != -1 and self._hint is not None:
            options["hint"] = self._hint
        if self._collation is not None:
            options["collation"] = self._collation
        if self._comment is not None:
            options["comment"] = self._comment
        return options

    def _sort_keys(self) -> Any:
        """What to sort by: what was asked for, or the `ordering` of `meta`."""
        ordering = self._ordering
        if ordering is None:
            default = self._document._meta.get("ordering")
            return self._get_order_by(default) if default else None
        return [(ordering, 1)] if isinstance(ordering, str) else ordering

    # Names

    def _get_order_by(self, keys: Any) -> list[tuple[str, Any]]:
        """Sort keys with directions, of names like `-age`."""
        order: list[tuple[str, Any]] = []
        for key in keys:
            if not key:
                continue
            if key == "$text_score":
                order.append(("_text_score", {"$meta": "textScore"}))
                continue
            direction = SYMBOLS.get(key[0], 1)
            name = key[1:] if key[0] in SYMBOLS else key
            name = name.replace("__", ".")
            with suppress(AttributeError):
                name = self._document._translate_field_name(name)
            order.append((name, direction))
        return order

    def _fields_to_dbfields(self, fields: Any) -> list[str]:
        """Database names of fields, of this class or of its subclasses.

        :raises LookUpError: if a name is no field of any of them
        """
        return [self._to_dbfield(field) for field in fields]

    def _to_dbfield(self, field: str) -> str:
        return db_path(self._lookup(field))

    def _lookup(self, field: str) -> list[Any]:
        """The fields on a dotted path, of this class or of one of its subclasses."""
        parts = field.split(".")
        try:
            own: list[Any] = self._document._lookup_field(parts)
            return own
        except LookUpError:
            for subclass in self._subclasses():
                with suppress(LookUpError):
                    theirs: list[Any] = subclass._lookup_field(parts)
                    return theirs
            raise

    def _subclasses(self) -> list[Any]:
        document = self._document
        if document._meta.get("allow_inheritance") is not True:
            return []
        from mongoengine.base.common import _DocumentRegistry

        names = [name for name in document._subclasses if name != document._class_name]
        return [_DocumentRegistry.get(name) for name in names]

    # Results

    @property
    def _auto_dereference(self) -> bool:
        """Whether references of the documents that are read may be followed."""
        if not self._follow_references:
            return False
        return not context.dereferencing_is_off(self._document)

    @property
    def _dereference(self) -> Any:
        return _import_class("DeReference")()

    def _picker(self) -> Callable[[Any], Any] | None:
        """What gives `scalar` and `values` querysets their items; else None."""
        if self._scalar:
            return scalar_getter(self._scalar)
        if self._values is not None:
            return values_getter(self._document, self._values)
        return None

    def _get_scalar(self, doc: Any) -> Any:
        """The fields of a document that `scalar` asked for."""
        return scalar_getter(self._scalar)(doc) if self._scalar else ()

    def _document_maker(self) -> Callable[[Any], Any]:
        """Return the function that makes a document of a raw one."""
        make = self._document._maker(self._auto_dereference)
        target: tuple[str, str | None] = self._alias, self._collection_name
        if self._given_collection is not None:
            target = own_target(self._document)
        loaded = self._loaded_fields
        in_part = bool(loaded.fields or loaded.slice)
        return marking(make, loading_marks(self._document, *target, in_part))

    def _converter(self) -> Callable[[list[Raw]], list[Any]]:
        """The function that makes a batch of items from a batch of raw documents."""
        if self._as_pymongo:
            return list
        make = self._document_maker()
        pick = self._picker()
        if pick is None:
            return lambda batch: [make(raw) for raw in batch]
        return lambda batch: [pick(make(raw)) for raw in batch]

    def _convert(self, raw: Raw, scalar_first: bool = False) -> Any:
        """One item of one raw document."""
        if self._as_pymongo and not (scalar_first and self._scalar):
            return raw
        document = self._document_maker()(raw)
        if not self._scalar and self._values is None:
            return document
        pick = self._picker()
        return document if pick is None else pick(document)


def scalar_getter(names: list[str]) -> Callable[[Any], Any]:
    """Gives the value of one name, or a tuple for several; `a__b` goes deeper."""
    if any("." in name for name in names):
        return lambda item: tuple(getattr(item, name) for name in names)
    return attrgetter(*(name.replace("__", ".") for name in names))


def values_getter(document: Any, names: tuple[str, ...]) -> Callable[[Any], Any]:
    """Gives a dict of the named fields, or of all fields."""
    names = names or document._fields_ordered
    getters = [(name, attrgetter(name.replace("__", "."))) for name in names]
    return lambda item: {name: get(item) for name, get in getters}


def db_path(fields: list[Any]) -> str:
    """Return the database names of the fields on a path, joined by dots."""
    return ".".join(f if isinstance(f, str) else f.db_field for f in fields)


def class_names(fields: list[Any]) -> list[str]:
    """Return the paths of `_cls` in the embedded documents on the way to a field.

    Without it a document of a subclass would be loaded as one of its base class.
    """
    paths = []
    stored = False
    for place, field in enumerate(fields[:-1], 1):
        if not isinstance(field, str):
            while field._inner is not None:
                field = field._inner
            stored = field._stores_class
        if stored and not isinstance(fields[place], str):
            path = db_path([f for f in fields[:place] if not _is_position(f)])
            paths.append(f"{path}._cls")
    return paths


def _is_position(field: Any) -> bool:
    return isinstance(field, str) and field.isdigit()
