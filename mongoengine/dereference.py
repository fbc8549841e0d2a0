"""Following references: one query per collection, however many there are.

Documents are not followed any further than they were asked for: `max_depth` is
how many levels of lists and dicts are looked into, and what is loaded is not
searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from bson import DBRef

from mongoengine import connection
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.datastructures import BaseDict, BaseList, LazyReference
from mongoengine.base.document import BaseDocument
from mongoengine.base.fields import ComplexBaseField
from mongoengine.common import _import_class
from mongoengine.driver.io import asynchronous, blocking

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = ("DeReference",)

Key: TypeAlias = tuple[str, Any]


class _Place(NamedTuple):
    """Where documents are: an alias, and the name of a collection there."""

    alias: str
    collection: str


class _Wanted:
    """The documents of one place that are to be loaded."""

    __slots__ = ("by_class", "document_type", "ids")

    def __init__(self) -> None:
        # A class of the documents, where it is known.
        self.document_type: Any = None
        # A document said so itself: the collection is opened for the class.
        self.by_class = False
        self.ids: dict[Any, None] = {}


class DeReference:
    """Puts documents in the place of references to them.

    References are `DBRef`, generic references (`{"_cls": ..., "_ref": DBRef}`) and,
    in lists and dicts of a `ReferenceField`, plain ids.  Those of which there is no
    document are left as they are.
    """

    _max_depth: int
    # The field of the items, where it is a `ReferenceField`.
    _field: Any
    _wanted: dict[_Place, _Wanted]
    _loaded: dict[Key, Any]

    async def _follow(
        self,
        io: IO,
        /,
        items: Any,
        max_depth: int = 1,
        instance: Any = None,
        name: str | None = None,
    ) -> Any:
        """The items with documents instead of references.

        Sends one `find` per collection.

        :param items: a list, dict, queryset or generic reference.
        :param max_depth: how many levels of lists and dicts are looked into.
        :param instance: the document that holds the items.
        :param name: the name of the field in it.
        :returns: a new list or dict, tracked by `instance` if that is given; or the
            items themselves where there is nothing to follow.
        """
        if items is None or isinstance(items, str):
            return items
        if hasattr(items, "_query_obj"):
            items = await io.call(items, "to_list")
        self._max_depth = max_depth
        self._wanted = {}
        self._loaded = {}
        self._field = None
        field = _innermost_field(instance, name)
        if isinstance(field, _import_class("GenericLazyReferenceField")):
            return items
        if isinstance(field, _import_class("ReferenceField")):
            self._field = field
            if all(isinstance(i, field.document_type) for i in _values(items)):
                return items
            items = _with_ids_as_references(field, items)
        self._search(items, 0)
        for place, wanted in self._wanted.items():
            await self._load(io, place, wanted)
        return self._replaced(items, 0, instance, name)

    follow = blocking(_follow)
    async_follow = asynchronous(_follow)

    def __call__(
        self,
        items: Any,
        max_depth: int = 1,
        instance: Any = None,
        name: str | None = None,
    ) -> Any:
        """The items with documents instead of references, as `follow()` gives."""
        return self.follow(items, max_depth, instance, name)

    # What is referred to

    def _search(self, items: Any, depth: int) -> None:
        if not items or depth >= self._max_depth:
            return
        for item in _values(items):
            if isinstance(item, BaseDocument):
                for field, value in _referring(item):
                    if not self._want(value, getattr(field, "document_type", None)):
                        self._search(value, depth + 1)
            elif _is_container(item):
                if not self._want(item):
                    self._search(item, depth - 1)
            elif isinstance(item, DBRef):
                self._want(item)

    def _want(self, value: Any, document_type: Any = None) -> bool:
        """Note what a reference refers to; False for what is none."""
        reference = _reference_in(value)
        if reference is None:
            return False
        if reference is not value:
            document_type = _DocumentRegistry.get(value["_cls"])
        by_class = document_type is not None
        if not by_class and self._field is not None:
            document_type = self._field.document_type
        alias = (
            connection.DEFAULT_CONNECTION_NAME
            if document_type is None
            else document_type._get_db_alias()
        )
        wanted = self._wanted.setdefault(_Place(alias, reference.collection), _Wanted())
        wanted.document_type = wanted.document_type or document_type
        wanted.by_class = wanted.by_class or by_class
        wanted.ids[reference.id] = None
        return True

    # Loading

    async def _load(self, io: IO, place: _Place, wanted: _Wanted) -> None:
        document_type = wanted.document_type
        if wanted.by_class and not document_type._meta.get("abstract"):
            collection = await document_type._open_collection(io, *place)
        else:
            collection = connection.database(io, place.alias)[place.collection]
        cursor = collection.find(
            {"_id": {"$in": list(wanted.ids)}}, session=connection._get_session()
        )
        try:
            found = await io(cursor.to_list()) if io.is_async else list(cursor)
        finally:
            await io(cursor.close())
        load = self._loader(place, document_type)
        for raw in found:
            document = load(raw)
            id_field = document._fields[document._meta["id_field"]]
            key = raw["_id"]
            if key.__class__ not in id_field._loads_unchanged:
                key = document.pk
            self._loaded[place.collection, key] = document

    @staticmethod
    def _loader(place: _Place, document_type: Any) -> Callable[[Any], Any]:
        if document_type is not None and not document_type._meta.get("abstract"):
            make: Callable[[Any], Any] = document_type._maker()
            return make

        def load(raw: Any) -> Any:
            return _DocumentRegistry.get(
                raw.get("_cls") or _class_name(place.collection)
            )._from_son(raw)

        return load

    # Putting the documents where the references are

    def _replaced(
        self, items: Any, depth: int, instance: Any = None, name: Any = None
    ) -> Any:
        if isinstance(items, dict):
            if "_ref" in items:
                return self._document_for(items)
            if "_cls" in items and items:
                return self._made(items, depth)
        new: Any = {} if isinstance(items, dict) else []
        for key, value in _pairs(items):
            found = self._replaced_item(value, depth + 1)
            if isinstance(new, list):
                new.append(found)
            else:
                new[key] = found
        if instance is None or not name:
            return new
        wrap: Any = BaseList if isinstance(new, list) else BaseDict
        if isinstance(items, wrap):
            wrap = type(items)
        return wrap(new, instance, name)

    def _replaced_item(self, value: Any, depth: int) -> Any:
        if isinstance(value, BaseDocument):
            self._replace_in(value, depth)
        elif isinstance(value, DBRef):
            return self._document_for(value)
        elif _is_container(value) and depth <= self._max_depth:
            return self._replaced(value, depth - 1)
        return value

    def _replace_in(self, document: Any, depth: int) -> None:
        """Put the documents into the fields of one that refers to them."""
        for field, value in list(_referring(document)):
            if _reference_in(value) is not None:
                found = self._document_for(value)
            elif depth <= self._max_depth and value:
                found = self._replaced(value, depth)
            else:
                continue
            if found is not value:
                document._put(field.name, found)

    def _made(self, stored: Mapping[str, Any], depth: int) -> Any:
        """The embedded document that a dict with `_cls` stands for."""
        document = _DocumentRegistry.get(stored["_cls"])._from_son(dict(stored))
        self._replace_in(document, depth + 1)
        return document

    def _document_for(self, value: Any) -> Any:
        """The document that `value` refers to, or else `value`."""
        reference = _reference_in(value)
        if reference is None:
            return value
        return self._loaded.get((reference.collection, reference.id), value)


def _innermost_field(instance: Any, name: str | None) -> Any:
    """The field of the items of a field, in however many lists and dicts."""
    if instance is None or name is None:
        return None
    field = instance._fields.get(name)
    while getattr(field, "field", None) is not None:
        field = field.field
    kinds = _import_class("ReferenceField"), _import_class("CachedReferenceField")
    return field if isinstance(field, kinds) else None


def _with_ids_as_references(field: Any, items: Any) -> Any:
    """The same items, with a `DBRef` for each plain id."""

    def convert(item: Any) -> Any:
        if _is_container(item) and "_ref" not in item:
            return _with_ids_as_references(field, item)
        if isinstance(item, (DBRef, BaseDocument)) or _is_container(item):
            return item
        return field.to_python(item)

    if isinstance(items, dict):
        return {key: convert(item) for key, item in _pairs(items)}
    return [convert(item) for _, item in _pairs(items)]


def _reference_in(value: Any) -> DBRef | None:
    """What a value refers to, if it is to be followed."""
    if isinstance(value, dict):
        value = value.get("_ref")
    if isinstance(value, DBRef) and not isinstance(value, LazyReference):
        return value
    return None


def _is_container(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple))


def _pairs(items: Any) -> Iterator[tuple[Any, Any]]:
    """Keys or indexes, and items, as they are held: nothing is wrapped."""
    if isinstance(items, dict):
        return iter(dict.items(items))
    return enumerate(list.__iter__(items) if isinstance(items, list) else items)


def _values(items: Any) -> Iterable[Any]:
    return (value for _, value in _pairs(items))


def _referring(document: Any) -> Iterator[tuple[Any, Any]]:
    """The fields of a document that may hold references, with what they hold."""
    cls = type(document)
    fields = _referring_fields.get(cls)
    if fields is None:
        kept = [field for field in cls._fields.values() if _may_refer(field)]
        fields = _referring_fields[cls] = tuple(kept)
    for field in (*fields, *document._dynamic_fields.values()):
        value = document._value_of(field.name, field)
        if isinstance(value, (DBRef, dict, list, tuple)):
            yield field, value


_referring_fields: WeakKeyDictionary[type, tuple[Any, ...]] = WeakKeyDictionary()


def _may_refer(field: Any) -> bool:
    while isinstance(field, ComplexBaseField):
        if field.field is None:
            return True
        field = field.field
        if isinstance(field, _holding_fields()):
            return True
    return isinstance(
        field,
        (
            _import_class("ReferenceField"),
            _import_class("GenericReferenceField"),
            _import_class("DynamicField"),
        ),
    )


def _holding_fields() -> tuple[type, ...]:
    """The fields of embedded documents."""
    names = ("EmbeddedDocumentField", "GenericEmbeddedDocumentField")
    return tuple(map(_import_class, names))


def _class_name(collection: str) -> str:
    """`blog_post` -> `BlogPost`, where nothing else tells the class."""
    return "".join(part.capitalize() for part in collection.split("_"))
