"""The document classes, and the operations of one document.

Each operation is written once, as a body that is given its way of doing I/O, and
has two faces: `save()` and `async_save()`, and so on.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, overload

from mongoengine import connection
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.document import BaseDocument
from mongoengine.base.dynamic import DynamicAttributes
from mongoengine.base.metaclasses import DocumentMetaclass, TopLevelDocumentMetaclass
from mongoengine.base.public import publish
from mongoengine.base.state import set_state
from mongoengine.base.stored_document import StoredDocument
from mongoengine.base.types import Instance, Keywords, Meta, PythonValue
from mongoengine.compatibility import names_of
from mongoengine.driver.deferred import on_class
from mongoengine.driver.io import (
    ASYNC,
    SYNC,
    asynchronous,
    blocking,
    instead,
)
from mongoengine.driver.pending import pending
from mongoengine.errors import (
    DoesNotExist,
    InvalidCollectionError,
    MultipleObjectsReturned,
    NotUniqueError,
    OperationError,
)
from mongoengine.fields import DynamicField, StringField
from mongoengine.operations import collections as _collections
from mongoengine.operations import delete_document
from mongoengine.operations import indexes as _indexes
from mongoengine.operations import load as _load
from mongoengine.operations import retry as _retry
from mongoengine.operations import save as _save
from mongoengine.operations import stored as _stored
from mongoengine.operations import validate as _validate
from mongoengine.operations import watch as _watch
from mongoengine.operations.attached import attach_all
from mongoengine.operations.map_reduce_document import MapReduceDocument
from mongoengine.operations.target import mark, put_target, target_marks
from mongoengine.plain.mixin import PlainData
from mongoengine.queryset import QuerySet

if TYPE_CHECKING:
    from bson import ObjectId
    from typing_extensions import Self, Unpack

    from mongoengine.base.field import BaseField, ObjectIdField
    from mongoengine.driver.session import Session
    from mongoengine.operations.pending import PendingInsert
    from mongoengine.operations.watch_database import WatchOptions
    from mongoengine.queryset.manager import QuerySetManager

    D = TypeVar("D", bound="Document")

    class _HasObjectId(Protocol):
        @property
        def id(self) -> ObjectId | None: ...

    class _HasId(Protocol):
        id: _Id

    class _Id(BaseField[Any, Any, Any]):
        """The `id` of documents without a key of their own, for type checkers.

        A class with a primary key of another type has an `id` of that type.
        """

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: object) -> ObjectIdField: ...
        @overload
        def __get__(self, instance: _HasObjectId, owner: object) -> ObjectId | None: ...
        @overload
        def __get__(self, instance: _HasId, owner: object) -> ObjectId | None: ...
        @overload
        def __get__(self, instance: object, owner: object) -> Any: ...
        def __get__(self, instance: Instance, owner: object) -> Any: ...
        def __set__(self, instance: object, value: ObjectId | str | None) -> None: ...

    class _Objects(QuerySetManager[Any]):
        """The `objects` of documents without a manager of their own."""

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: type[D]) -> QuerySet[D]: ...
        @overload
        def __get__(self, instance: object, owner: object = None) -> Any: ...
        def __get__(self, instance: object, owner: Instance = None) -> Any: ...


__all__ = (
    "Document",
    "DynamicDocument",
    "DynamicEmbeddedDocument",
    "EmbeddedDocument",
    "InvalidCollectionError",
    "MapReduceDocument",
    "NotUniqueError",
    "OperationError",
)

_GONE = "Document does not exist"


class EmbeddedDocument(PlainData, BaseDocument, metaclass=DocumentMetaclass):
    """A document that is stored inside of another.

    It is used as the type of an `EmbeddedDocumentField`.  With
    `meta = {"allow_inheritance": True}` it may be subclassed, and then stores the
    name of its class as `_cls`.
    """

    __slots__ = ("_instance",)

    my_metaclass: ClassVar[Any] = DocumentMetaclass
    _cls_field = StringField
    _unknown_field = DynamicField

    # A mutable value, equal to others of the same data.
    __hash__ = None  # type: ignore[assignment]

    if TYPE_CHECKING:
        _instance: Any
        _any_document: Document

    async_validate = asynchronous(_validate.validate)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, self.__class__):
            return bool(self._data == other._data)
        return False

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __getstate__(self) -> dict[str, PythonValue]:
        state = super().__getstate__()
        state["_instance"] = None
        return state

    def __setstate__(self, state: Keywords) -> None:
        super().__setstate__(state)
        set_state(self, "_instance", state["_instance"])


class Document(PlainData, StoredDocument, metaclass=TopLevelDocumentMetaclass):
    """A document that has a collection.

    The collection is named after the class, and the documents may be found
    through `objects`.  The class attribute `meta` is a dict of options:

    `collection`
        name of the collection, or a callable that is given the class.
    `db_alias`
        alias of the connection; see :func:`~mongoengine.connect`.
    `abstract`
        a base for other classes, which has no collection of its own.
    `allow_inheritance`
        subclasses share the collection; each document stores its class in `_cls`.
    `indexes`, `index_background`, `index_opts`, `index_cls`
        what indexes there are.
    `auto_create_index`, `auto_create_index_on_save`
        when they are created.
    `ordering`
        names of the fields that querysets are ordered by.
    `max_documents`, `max_size` (bytes)
        make the collection a capped one.
    `timeseries`
        options of a timeseries collection, `expireAfterSeconds` included.
    `shard_key`
        names of the fields that the collection is sharded by.
    `strict`
        whether unknown fields in stored documents are an error.
    `version_field`
        the name of an `IntField` that counts the writes of a document: one that
        others have written since it was loaded is not saved or deleted.
    `queryset_class`, `id_field`, `cascade`, `delete_rules`
        as their names say.
    """

    # A slot of its own keeps a class from being both kinds of document.
    __slots__ = ("__objects",)

    my_metaclass: ClassVar[Any] = TopLevelDocumentMetaclass
    _cls_field = StringField
    _unknown_field = DynamicField

    # Methods that upstream does not have: a field may have the name of one.
    _hidden_by_fields = frozenset(
        name
        for name in ("async_watch", "watch", *vars(PlainData))
        if not name.startswith("_")
    )

    # The command that may have stored it, although no answer has come.
    _unconfirmed: PendingInsert | None = None

    if TYPE_CHECKING:
        meta: ClassVar[Meta]
        # Without declared types, so that classes may have other ones.
        objects: ClassVar = _Objects()
        id = _Id()
        _any_document: Document
        _collection: ClassVar[Any]
        DoesNotExist: ClassVar[type[DoesNotExist]]
        MultipleObjectsReturned: ClassVar[type[MultipleObjectsReturned]]

        # What a reference field gives on an async alias can be awaited; its type is
        # that of the document.  Documents themselves cannot.
        def __await__(self) -> Generator[Any, None, Self]: ...

    # Where documents are stored

    @classmethod
    def _get_db(cls) -> Any:
        """Return the PyMongo database of the class, as the blocking family sees it."""
        with instead("_async_get_db()", cls):
            return connection.database(SYNC, cls._get_db_alias())

    @classmethod
    def _async_get_db(cls) -> Any:
        """Return the PyMongo database of the class, as the async family sees it."""
        with instead("_get_db()", cls):
            return connection.database(ASYNC, cls._get_db_alias())

    @classmethod
    def _get_collection(cls) -> Any:
        """Return the PyMongo collection of the class, ready for use.

        Where it is capped or a timeseries it is made, and indexes are created,
        when it is first used.
        """
        return _collections.collection_of(cls)

    @classmethod
    async def _async_get_collection(cls) -> Any:
        """Return the same for the async family: an `AsyncCollection`."""
        return await _collections.async_collection_of(cls)

    @classmethod
    def _disconnect(cls) -> None:
        """Open the collection again before it is next used."""
        cls._collection = None

    @property
    def _qs(self) -> QuerySet[Self]:
        """A queryset over what this document is stored in."""
        cls = type(self)
        queryset_class = self._meta.get("queryset_class", QuerySet)
        queryset: QuerySet[Self] = queryset_class(cls, None)
        if self._target is not None:
            queryset._alias, queryset._collection_name = self._target
        return queryset

    def switch_db(self, db_alias: str, keep_created: bool = True) -> Self:
        """Store this document on another connection from now on.

        :param db_alias: the alias of the connection.
        :param keep_created: keep to the knowledge that the document is stored;
            False inserts it there when it is next saved.
        :raises ConnectionFailure: if there is no such alias.
        """
        connection._settings_of(db_alias)
        return self._switch(db_alias, type(self)._get_collection_name(), keep_created)

    def switch_collection(
        self, collection_name: str, keep_created: bool = True
    ) -> Self:
        """Store this document in another collection from now on.

        :param collection_name: the name of the collection.
        :param keep_created: as in `switch_db()`.
        """
        return self._switch(type(self)._get_db_alias(), collection_name, keep_created)

    def _switch(self, alias: str, name: str | None, keep_created: bool) -> Self:
        put_target(self, alias, name)
        if not keep_created:
            set_state(self, "_created", True)
        return self

    def _note_switch(self, cls: type[StoredDocument] | None = None) -> None:
        """Remember the collection that the class is switched to."""
        cls = cls or type(self)
        alias, name = cls._get_db_alias(), cls._get_collection_name()
        mark(self, target_marks(cls, alias, name))

    def __getstate__(self) -> dict[str, PythonValue]:
        state = super().__getstate__()
        if self._target is not None:
            state["_target"] = self._target
        if self._partial:
            state["_partial"] = True
        if self._fragment is not None:
            state["_fragment"] = self._fragment
        return state

    def __setstate__(self, state: Keywords) -> None:
        super().__setstate__(state)
        if state.get("_target") is not None:
            put_target(self, *state["_target"])
        if state.get("_partial"):
            mark(self, {"_partial": True})
        if state.get("_fragment") is not None:
            mark(self, {"_fragment": state["_fragment"]})

    # Saving

    async_validate = asynchronous(_validate.validate)

    save = blocking(_save.save)
    async_save = asynchronous(_save.save)

    save_with_retry = blocking(_retry.save_with_retry)
    async_save_with_retry = asynchronous(_retry.save_with_retry)

    cascade_save = blocking(_save.cascade_save)
    async_cascade_save = asynchronous(_save.cascade_save)

    # Changing and removing what is stored

    update = blocking(_stored.update)
    async_update = asynchronous(_stored.update)

    modify = blocking(_stored.modify)
    async_modify = asynchronous(_stored.modify)

    delete = blocking(delete_document.delete)
    async_delete = asynchronous(delete_document.delete)

    # Loading

    select_related = blocking(_load.select_related)
    async_select_related = asynchronous(_load.select_related)

    reload = blocking(_load.reload)
    async_reload = asynchronous(_load.reload)

    # Classes

    @classmethod
    def register_delete_rule(
        cls, document_cls: type[BaseDocument], field_name: str, rule: int
    ) -> None:
        """Say what happens to documents that refer to a deleted one of this class.

        :param document_cls: the class that refers to this one.
        :param field_name: the reference field in it.
        :param rule: `DO_NOTHING`, `NULLIFY`, `CASCADE`, `DENY` or `PULL`.
        """
        owners = [_DocumentRegistry.get(name) for name in cls._subclasses]
        referring = [_DocumentRegistry.get(name) for name in document_cls._subclasses]
        for owner in owners:
            rules = dict(owner._meta.get("delete_rules") or {})
            rules.update({(referrer, field_name): rule for referrer in referring})
            owner._meta["delete_rules"] = rules

    if TYPE_CHECKING:

        @classmethod
        def watch(
            cls,
            operations: Collection[str] | None = None,
            *,
            session: Session = None,
            **options: Unpack[WatchOptions],
        ) -> _watch.ChangeStream[Self]: ...

        @classmethod
        def async_watch(
            cls,
            operations: Collection[str] | None = None,
            *,
            session: Session = None,
            **options: Unpack[WatchOptions],
        ) -> _watch.AsyncChangeStream[Self]: ...

    else:
        watch = on_class(blocking(_watch.watch))
        async_watch = on_class(pending(_watch.watch, _watch.AsyncChangeStream))

    drop_collection = on_class(blocking(_collections.drop_collection))
    async_drop_collection = on_class(asynchronous(_collections.drop_collection))

    create_index = on_class(blocking(_indexes.create_index))
    async_create_index = on_class(asynchronous(_indexes.create_index))

    ensure_indexes = on_class(blocking(_indexes.ensure_indexes))
    async_ensure_indexes = on_class(asynchronous(_indexes.ensure_indexes))

    list_indexes = on_class(blocking(_indexes.list_indexes))
    async_list_indexes = on_class(asynchronous(_indexes.list_indexes))

    compare_indexes = on_class(blocking(_indexes.compare_indexes))
    async_compare_indexes = on_class(asynchronous(_indexes.compare_indexes))


class DynamicDocument(DynamicAttributes, Document, metaclass=TopLevelDocumentMetaclass):
    """A document that may have fields that its class does not define.

    Those become :class:`~mongoengine.fields.DynamicField`.  Deleting the attribute
    of one removes it from the stored document when that is saved.
    """

    my_metaclass: ClassVar[Any] = TopLevelDocumentMetaclass
    _cls_field = StringField
    _unknown_field = DynamicField

    _dynamic = True


class DynamicEmbeddedDocument(
    DynamicAttributes, EmbeddedDocument, metaclass=DocumentMetaclass
):
    """An embedded document that may have fields that its class does not define."""

    my_metaclass: ClassVar[Any] = DocumentMetaclass
    _cls_field = StringField
    _unknown_field = DynamicField

    _dynamic = True


attach_all()
publish(globals())


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
