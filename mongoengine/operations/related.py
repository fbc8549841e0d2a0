"""Follow references: find them, load their documents, put these in place.

Each level of references takes one query per collection, however many documents and
references there are. A field says what its values refer to (`_target_of`); where no
field does, in plain lists and dicts, the reference itself has to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from bson import DBRef

from mongoengine import connection
from mongoengine.base.awaiting import alias_of, is_awaited
from mongoengine.base.bson_types import PLAIN
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.document import BaseDocument
from mongoengine.base.plain import has_references
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.references import (
    LazyReference,
    ReferenceTarget,
    class_name,
    class_of,
    hashable,
    stored_key,
    untyped_target,
)
from mongoengine.base.schema import Schema
from mongoengine.base.stored_document import StoredDocument
from mongoengine.base.tracked import BaseDict, BaseList, TrackedContainer
from mongoengine.base.types import PythonValue, RawMapping
from mongoengine.driver.cursor import Batches, open_cursor
from mongoengine.errors import (
    FieldDoesNotExist,
    InvalidDocumentError,
    NotRegistered,
)
from mongoengine.operations.target import marking, target_marks
from mongoengine.query.related import Paths, refers

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mongoengine.base.field import BaseField
    from mongoengine.driver.io import IO
    from mongoengine.query.results import Make

__all__ = (
    "Place",
    "follow_found",
    "follow_items",
    "follow_levels",
    "follow_paths",
    "maker_of",
)

#: A class of documents, or None where only the documents tell theirs.
Class: TypeAlias = "type[StoredDocument] | None"

#: Keys as MongoDB stores them, and the classes of their documents, by hashable key.
Keys: TypeAlias = "dict[Hashable, tuple[object, Class]]"

#: Documents, and which of their references to follow; None for all.
Documents: TypeAlias = "list[tuple[BaseDocument, Paths | None]]"

#: The documents by place and hashable key; None for those that are not stored.
Loaded: TypeAlias = "dict[tuple[Place, Hashable], BaseDocument | None]"

#: How many keys one query may name; more would not fit into one command.
_KEYS_OF_A_QUERY = 200_000


class Place(NamedTuple):
    """A collection, and the topmost class of the documents in it."""

    alias: str
    database: str | None
    collection: str
    root: Class


class _Spot(NamedTuple):
    """The place of a reference, and the document that belongs there."""

    owner: object
    key: Hashable
    value: PythonValue
    place: Place
    id: Hashable
    paths: Paths | None


class _Search:
    """One pass over documents and containers, which notes their references."""

    def __init__(self, alias: str, containers: bool = True) -> None:
        self.alias = alias
        self.looks_into_containers = containers
        self.spots: list[_Spot] = []
        self.keys: dict[Place, Keys] = {}
        # Documents that stand in the place of references already.
        self.reached: Documents = []
        self.containers: list[tuple[TrackedContainer, BaseField | None]] = []

    def document(self, document: BaseDocument, paths: Paths | None = None) -> None:
        """Search the fields of a document, or those that `paths` names."""
        if document._is_document:
            self.alias = alias_of(document)
        for field in _referring_fields_of(document):
            inside: Paths | None = None
            if paths is not None:
                if field.name not in paths:
                    continue
                inside = paths[field.name]
            value = document._value_of(field.name, field)
            if value.__class__ not in PLAIN:
                self.value(field, value, document, field.name, inside)

    def value(
        self,
        field: BaseField | None,
        value: object,
        owner: object,
        key: Hashable,
        paths: Paths | None = None,
    ) -> None:
        """Search a value that `owner` (document, list or dict) has under `key`."""
        if isinstance(value, LazyReference):
            if paths is None:
                return  # they are left to be fetched
            if value._cached_doc is not None:
                self.reached.append((value._cached_doc, paths))
            else:
                spot = _Spot(owner, key, value, _NOWHERE, None, paths)
                self._note(value.document_type, value, spot)
            return
        if type(value) is AsyncReferenceProxy:
            if value._fetched is not None:
                self.reached.append((value._fetched, paths))
            else:
                spot = _Spot(owner, key, value, _NOWHERE, None, paths)
                self._note(value._type, value, spot)
            return
        target = _target_of(field, value)
        if target is not None:
            self._note(*target, _Spot(owner, key, value, _NOWHERE, None, paths))
        elif isinstance(value, BaseDocument):
            if value._is_document:
                self.reached.append((value, paths))
            elif self.looks_into_containers:
                self.document(value, paths)
        elif isinstance(value, (dict, list, tuple)) and (
            self.looks_into_containers or not isinstance(owner, BaseDocument)
        ):
            inner = None if field is None else field._inner
            self.items(inner, value, owner, key, paths)

    def items(
        self,
        inner: BaseField | None,
        value: object,
        owner: object,
        key: Hashable,
        paths: Paths | None = None,
    ) -> None:
        """Search the items of a list or dict, which are values of the field `inner`."""
        refer = None if inner is None else inner._as_reference
        if inner is None and not has_references(value):
            return
        if inner is None and isinstance(value, dict) and "_cls" in value:
            document = _embedded_document(value)
            if document is not None:
                _put(owner, key, document)
                self.document(document, paths)
                return
        items = [
            (at, item)
            for at, item in _pairs(value)
            if item.__class__ not in PLAIN or (refer is not None and item is not None)
        ]
        # Reading the list would follow what was not asked for, if it is not marked.
        if paths is not None or not all(isinstance(i, BaseDocument) for _, i in items):
            value = _own_copy(value, owner, key)
        for at, item in items:
            if refer is not None and not isinstance(item, (BaseDocument, dict, list)):
                reference = refer(item)
                if reference is not item:
                    _put(value, at, reference)
                    item = reference
            self.value(inner, item, value, at, paths)
        if isinstance(value, (BaseList, BaseDict)):
            self.containers.append((value, inner))

    def _note(self, cls: Class, reference: DBRef, spot: _Spot) -> None:
        """Note a reference in its spot, and the key of its document."""
        if cls is None:
            cls = class_of(reference, self.alias)
        alias = self.alias if cls is None else cls._get_db_alias()
        place = Place(alias, reference.database, reference.collection, _root_of(cls))
        key = stored_key(cls, reference.id)
        key_id = hashable(key)
        self.keys.setdefault(place, {}).setdefault(key_id, (key, cls))
        self.spots.append(spot._replace(place=place, id=key_id))


_NOWHERE = Place("", None, "", None)


async def follow_levels(
    io: IO, search: _Search, levels: int | None, containers: bool = True
) -> None:
    """Load what a search found, and go on with the documents that it leads to.

    :param search: the first pass, done.
    :param levels: how many passes there are; None for as many as the paths name.
    :param containers: whether the further passes look into lists and dicts.
    """
    loaded: Loaded = {}
    seen: set[tuple[int, int]] = set()
    while True:
        for place, keys in search.keys.items():
            missing = {k: v for k, v in keys.items() if (place, k) not in loaded}
            for key, document in (await _load(io, place, missing)).items():
                loaded[place, key] = document
        following = _put_documents(search, loaded)
        if levels is not None:
            levels -= 1
            if levels <= 0:
                return
        search = _next_search(search, following, seen, containers)
        if not (search.spots or search.reached):
            return


def _put_documents(search: _Search, loaded: Loaded) -> Documents:
    """Put documents in place; return those to go on with, and their paths."""
    following = search.reached
    for spot in search.spots:
        document = loaded.get((spot.place, spot.id))
        if document is not None and _holds(spot.owner, spot.key, spot.value):
            if type(spot.value) is AsyncReferenceProxy:
                spot.value._fetched = document
            elif isinstance(spot.value, LazyReference):
                spot.value._cached_doc = document
            else:
                _put(spot.owner, spot.key, document)
            following.append((document, spot.paths))
    for container, inner in search.containers:
        container._dereferenced = True
        if is_awaited(container._instance):
            container._make_awaitable(inner)
    return following


def _next_search(
    search: _Search,
    following: Documents,
    seen: set[tuple[int, int]],
    containers: bool = True,
) -> _Search:
    """Search the documents that were put in place and not searched before."""
    search = _Search(search.alias, containers)
    for document, paths in following:
        pair = id(document), id(paths)
        if pair not in seen and (paths is None or paths):
            seen.add(pair)
            search.document(document, paths)
    return search


def follow_found(
    document: BaseDocument,
    paths: Paths,
    find: Callable[[Place, Hashable, Class], BaseDocument | None],
) -> None:
    """Put documents that are at hand in the place of references; send nothing.

    :param paths: the names of the references (see `related_paths`)
    :param find: returns the document of a place, a key and a class, or None
    """
    search = _Search(connection.DEFAULT_CONNECTION_NAME)
    search.document(document, paths)
    seen: set[tuple[int, int]] = set()
    while search.spots or search.reached or search.containers:
        loaded = {
            (place, key): find(place, key, cls)
            for place, keys in search.keys.items()
            for key, (_, cls) in keys.items()
        }
        search = _next_search(search, _put_documents(search, loaded), seen)


async def follow_paths(io: IO, documents: Iterable[object], paths: Paths) -> None:
    """Load the references of documents that `paths` names (see `related_paths`)."""
    search = _Search(connection.DEFAULT_CONNECTION_NAME)
    for document in documents:
        if isinstance(document, BaseDocument):
            search.document(document, paths)
    await follow_levels(io, search, None)


async def _load(io: IO, place: Place, keys: Keys) -> dict[Hashable, BaseDocument]:
    """Return the documents of these keys in one collection, by hashable key."""
    documents: dict[Hashable, BaseDocument] = {}
    database = connection.database(io, place.alias)
    if place.database is not None and place.database != database.name:
        database = database.client.get_database(place.database)
    collection = database[place.collection]
    makers: dict[Class, Make] = {}
    rest = iter([key for key, _ in keys.values()])
    while part := list(islice(rest, _KEYS_OF_A_QUERY)):
        cursor = open_cursor(collection, {"filter": {"_id": {"$in": part}}})
        for raw in await Batches(cursor).drain(io):
            key = hashable(raw["_id"])
            cls = keys[key][1] if key in keys else place.root
            make = makers.get(cls)
            if make is None:
                make = makers[cls] = maker_of(cls, place)
            documents[key] = make(raw)
    return documents


def maker_of(cls: Class, place: Place) -> Make:
    """Return a function that makes documents of a class or collection of raw ones."""
    if cls is not None and not cls._meta.get("abstract"):
        if place.database is not None:
            make: Make = cls._maker()
            return make
        return marking(cls._maker(), target_marks(cls, place.alias, place.collection))

    def load(raw: RawMapping) -> object:
        named = raw.get("_cls") or class_name(place.collection)
        return _DocumentRegistry.get(named)._from_son(raw)

    return load


async def follow_items(
    io: IO,
    items: Any,
    max_depth: int = 1,
    instance: object = None,
    name: str | None = None,
) -> object:
    """Return the items with documents instead of references; see `DeReference`."""
    if items is None or isinstance(items, str) or max_depth < 1:
        return items
    if hasattr(items, "_query_obj"):
        items = await io.call(items, "to_list")
    if not isinstance(items, (dict, list, tuple, BaseDocument, DBRef)):
        items = list(items)
    field = _field_at(instance, name)
    if (
        _is_instance(instance)
        and name
        and _is_plain_container(items)
        and not all(isinstance(item, BaseDocument) for _, item in _pairs(items))
    ):
        wrap = BaseDict if isinstance(items, dict) else BaseList
        items = wrap(items, instance, name)
    search = _Search(
        connection.DEFAULT_CONNECTION_NAME if instance is None else alias_of(instance)
    )
    result = [items]
    if isinstance(instance, type) and field is not None:
        # Values of a field of the class, or of its items.
        search.items(field._inner or field, items, result, 0)
    else:
        search.value(field, items, result, 0)
    # Documents alone are followed for one level, without their lists and dicts.
    alone = max_depth == 1 and instance is None
    await follow_levels(io, search, max_depth + alone, containers=not alone)
    return result[0]


# Fields


def _field_at(instance: Any, name: str | None) -> Any:
    """Return the field of a path of lists and dicts; None for values of any type."""
    if instance is None or name is None:
        return None
    first, *keys = name.split(".")
    field = instance._fields.get(first)
    for _ in keys:
        field = None if field is None else field._inner
    return field


def _referring_fields_of(document: BaseDocument) -> Iterator[Any]:
    """Yield the fields of a document whose values may refer to documents."""
    schema = type(document)._schema
    fields = _referring_fields.get(schema)
    if fields is None:
        fields = tuple(f for f in schema.fields.values() if _may_refer(f, set()))
        _referring_fields[schema] = fields
    yield from fields
    yield from document._dynamic_fields.values()


#: By schema and not by class: a class whose fields change, or those of documents that
#: it embeds, gets another schema.
_referring_fields: WeakKeyDictionary[Schema, tuple[Any, ...]] = WeakKeyDictionary()


def _may_refer(field: BaseField, searched: set[type[BaseDocument]]) -> bool:
    embedded = field._embedded_class
    if embedded is not None:
        if embedded in searched:
            return False
        searched.add(embedded)
        if embedded._dynamic or embedded._meta.get("allow_inheritance"):
            return True
        return any(_may_refer(f, searched) for f in embedded._fields.values())
    if field._inner is not None:
        return _may_refer(field._inner, searched)
    return refers(field)


# References and classes


def _target_of(field: BaseField | None, value: object) -> ReferenceTarget | None:
    """Return the class and the reference in a value of a field, or None."""
    if isinstance(value, dict) and not isinstance(value.get("_ref"), DBRef):
        return None
    target: ReferenceTarget | None = (
        untyped_target(value) if field is None else field._target_of(value)
    )
    return target


def _root_of(cls: Class) -> Class:
    """Return the topmost class that stores its documents where `cls` does."""
    root = cls
    if cls is not None and not cls._meta.get("abstract"):
        for base in cls.__mro__:
            if issubclass(base, StoredDocument) and (
                base.__dict__.get("_class_name") and not base._meta.get("abstract")
            ):
                root = base
    return root


def _embedded_document(stored: RawMapping) -> BaseDocument | None:
    """Return the embedded document that a dict with `_cls` is; None for other data."""
    try:
        cls = _DocumentRegistry.get(stored["_cls"])
    except (NotRegistered, AttributeError, TypeError):
        return None
    if cls._is_document:
        return None
    try:
        document: BaseDocument = cls._from_son(dict(stored))
    except (FieldDoesNotExist, InvalidDocumentError):
        return None
    return document


# Documents, lists and dicts that hold values


def _pairs(items: Any) -> Iterator[tuple[PythonValue, PythonValue]]:
    """Return keys or positions, and values, none of them wrapped."""
    if isinstance(items, dict):
        return iter(dict.items(items))
    return enumerate(list.__iter__(items) if isinstance(items, list) else items)


def _is_instance(instance: object) -> bool:
    return instance is not None and not isinstance(instance, type)


def _is_plain_container(items: object) -> bool:
    return isinstance(items, (dict, list, tuple)) and not isinstance(
        items, (BaseList, BaseDict)
    )


def _own_copy(value: PythonValue, owner: object, key: PythonValue) -> object:
    """Return a list or dict whose items may be replaced, in the place of `value`."""
    if not _is_plain_container(value):
        return value
    if isinstance(owner, (BaseList, BaseDict)):
        return owner._keep(key, value)
    fresh = dict(value) if isinstance(value, dict) else list(value)
    if isinstance(owner, BaseDocument):
        wrap: Any = BaseDict
        if isinstance(fresh, list):
            made = getattr(owner._fields.get(key), "_list_class", None)
            wrap = BaseList if made is None else made()
        fresh = wrap(fresh, owner, key)
    _put(owner, key, fresh)
    return fresh


def _put(owner: Any, key: PythonValue, value: object) -> None:
    """Put a value in place; nothing counts as changed."""
    if isinstance(owner, BaseDocument):
        owner._put(key, value)
    elif isinstance(owner, dict):
        dict.__setitem__(owner, key, value)
    else:
        list.__setitem__(owner, key, value)


def _holds(owner: Any, key: PythonValue, value: object) -> bool:
    """Return whether the value is still in its place after the query."""
    if isinstance(owner, BaseDocument):
        return owner._values.get(key) is value
    if isinstance(owner, dict):
        return dict.get(owner, key) is value
    return key < len(owner) and list.__getitem__(owner, key) is value
