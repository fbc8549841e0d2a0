"""Proxies of documents, where references have to be awaited.

Both classes are `bson.DBRef`s, so whatever takes a reference takes them.  Once the
document is there, its attributes are read and set directly, and `isinstance()`
takes them for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from bson import SON, DBRef

from mongoengine.base.awaiting import alias_of
from mongoengine.base.references import (
    PUBLIC_MODULE,
    LazyReference,
    class_of,
    reference_of,
    untyped_target,
)
from mongoengine.base.strict import note_lazy_reference
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import PrimaryKey, PythonValue, RawValue
from mongoengine.driver.types import Function

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.state import DocumentState

__all__ = (
    "AWAITABLE",
    "AsyncLazyReference",
    "AsyncReferenceProxy",
    "is_document",
    "item_proxy",
)

D = TypeVar("D")

# The parts of a DBRef, also where a subclass has properties of these names.
_collection: Function = vars(DBRef)["collection"].fget
_database: Function = vars(DBRef)["database"].fget
_id: Function = vars(DBRef)["id"].fget


class NotLoadedError(AttributeError, TypeError):
    """A document was used before it was awaited."""


def is_document(value: PythonValue) -> bool:
    """Return whether a value is a document (no embedded one, and no proxy of one)."""
    return isinstance(type(value), type(ChangeTracking)) and (
        issubclass(type(value), ChangeTracking) and bool(value._is_document)
    )


class _Stand(DBRef):
    """A proxy of a document, as good as the document once that is loaded."""

    __slots__ = ()

    #: The names of attributes that are not the document's.
    _own: frozenset[str] = frozenset()

    async_fetch: Any

    if TYPE_CHECKING:

        @property
        def _loaded(self) -> Any: ...

        _owner: str
        _name: str

        def _error(self, use: str) -> NoReturn: ...

    def _to_use(self, use: str) -> Any:
        """Return the document.

        :raises NotLoadedError: if it has not been loaded.
        """
        document = self._loaded
        return self._error(use) if document is None else document

    def _field_of_document(self, name: str) -> bool:
        document = self._loaded
        return document is not None and name in type(document)._fields

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self) if self._loaded is None else type(self._loaded)

    @property
    def id(self) -> PrimaryKey:
        """The primary key of the document."""
        return _id(self) if self._loaded is None else self._loaded.pk

    @property
    def pk(self) -> PrimaryKey:
        """The primary key of the document."""
        return self.id

    @property
    def collection(self) -> Any:
        """The collection of the document, or its field of that name."""
        if self._field_of_document("collection"):
            return self._loaded.collection
        return _collection(self)

    @property
    def database(self) -> Any:
        """The database in the reference, or the document's field of that name."""
        if self._field_of_document("database"):
            return self._loaded.database
        return _database(self)

    def as_doc(self) -> SON[str, RawValue]:
        return DBRef(_collection(self), self.id, _database(self)).as_doc()

    def __await__(self) -> Generator[Any, None, Any]:
        if self._loaded is None:
            note_lazy_reference(self._owner, self._name)
        fetching = self.async_fetch()
        return fetching.__await__()  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> PythonValue:
        if name in self._own or name.startswith("_DBRef__"):
            raise AttributeError(name)
        return getattr(self._to_use(f".{name}"), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in self._own or name.startswith("_DBRef__"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._to_use(f".{name}"), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._to_use(f".{name}"), name)

    def __dir__(self) -> Any:
        document = self._loaded
        return object.__dir__(self) if document is None else dir(document)

    # A document as a mapping

    def __getitem__(self, name: str) -> PythonValue:
        return self._to_use(f"[{name!r}]")[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._to_use(f"[{name!r}]")[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._to_use("")

    def __iter__(self) -> Iterator[str]:
        return iter(self._to_use(""))

    def __len__(self) -> int:
        return len(self._to_use(""))

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        if type(self) is type(other) and self._loaded is None:
            return _key_of(self) == _key_of(other)
        if isinstance(other, _Stand) and other._loaded is not None:
            other = other._loaded
        if self._loaded is not None:
            return bool(self._loaded == other) or bool(_is_key(other, self.id))
        if isinstance(other, DBRef):
            return _key_of(self) == _key_of(other)
        if is_document(other):
            return bool(other == DBRef(*_key_of(self)))
        if isinstance(other, dict) and isinstance(other.get("_ref"), DBRef):
            return _key_of(self) == _key_of(other["_ref"])
        return bool(self.id == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        """Hash the primary key, as documents do."""
        return hash(self.id if self._loaded is None else self._loaded)

    def __str__(self) -> str:
        return repr(self) if self._loaded is None else str(self._loaded)


def _key_of(reference: DBRef) -> tuple[str, PrimaryKey]:
    return _collection(reference), reference.id


def _is_key(other: object, key: object) -> bool:
    """Return whether something other than a document stands for the key."""
    if isinstance(other, dict) and isinstance(other.get("_ref"), DBRef):
        other = other["_ref"]
    if isinstance(other, DBRef):
        return False
    return not is_document(other) and bool(other == key)


class AsyncReferenceProxy(_Stand, Generic[D]):
    """A reference of a document that is open only for asynchronous use.

    `await` it, as often as you like, for the document that it stands for, which the
    referring document holds from then on.  Once loaded, it has the document's
    attributes.  It equals that document, its primary key and its DBRef, and may be
    assigned to reference fields, without any I/O.

    :param document_type: the class of the document.
    :param value: what the referring document holds for it.
    :param name: the name of the reference field.
    :param field: the reference field; None for an item of a list or dict.
    :param instance: the referring document.
    """

    __slots__ = (
        "_fetched",
        "_field",
        "_instance",
        "_name",
        "_owner",
        "_type",
        "_value",
    )
    __module__ = PUBLIC_MODULE

    _own = frozenset(__slots__)

    def __init__(
        self,
        document_type: type[D],
        value: PythonValue,
        name: str,
        field: Any = None,
        instance: object = None,
        owner: str | None = None,
    ) -> None:
        self._fetched: D | None = None
        self._type: Any = document_type
        self._value = value
        self._name = name
        self._field = field
        self._instance = instance
        self._owner = type(instance).__name__ if owner is None else owner
        reference = reference_of(value)
        DBRef.__init__(
            self,
            _collection(reference),
            reference.id,
            _database(reference),
        )

    @classmethod
    def of(
        cls, document: Any, field: Any, instance: object, owner: str | None = None
    ) -> AsyncReferenceProxy[Any]:
        """Return what stands for a document that is at hand.

        :param field: the reference field, or the name of the list or dict.
        """
        if isinstance(field, str):
            name, field = field, None
        else:
            name = field.name
        value = DBRef(document._get_collection_name() or "", document.pk)
        proxy = cls(type(document), value, name, field, instance, owner)
        proxy._fetched = document
        return proxy

    @property
    def document_type(self) -> Any:
        """The class of the document, or its field of that name."""
        if self._field_of_document("document_type"):
            return self._loaded.document_type
        return self._type

    @property
    def _document(self) -> Any:
        return self._type

    @property
    def _loaded(self) -> Any:
        return self._fetched

    @property
    def _document_or_value(self) -> object:
        """The document once it is fetched, before that the value that refers to it."""
        return self._value if self._fetched is None else self._fetched

    #: The same as `async_fetch`; both are set by `operations.attached`.
    fetch: ClassVar[Any]

    def _error(self, use: str) -> NoReturn:
        if self._field is None:
            raise NotLoadedError(
                f"an item of {self._owner}.{self._name} has not been loaded: use "
                f"`(await item){use}`, or load them all with "
                f"`await document.{self._name}.async_fetch()`"
            )
        raise NotLoadedError(
            f"{self._owner}.{self._name} has not been loaded: use "
            f"`(await document.{self._name}){use}` or "
            f"`(await {self._owner}.{self._name}.async_fetch(document)){use}`"
        )

    def __repr__(self) -> str:
        state = "unfetched" if self._fetched is None else "fetched"
        return f"<AsyncReferenceProxy: {self._name} ({state})>"

    def __reduce__(self) -> tuple[object, ...]:
        return _restored_proxy, (
            self._type,
            _plain(self._value),
            self._name,
            self._fetched,
            self._owner,
        )

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return self.__reduce__()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Any:
        fetched = deepcopy(self._fetched, memo)
        return _restored_proxy(
            self._type, self._value, self._name, fetched, self._owner
        )


def _restored_proxy(
    document_type: type[DocumentState],
    value: object,
    name: str,
    fetched: object,
    owner: str = "",
) -> Any:
    """Return a proxy of no document: it is fetched for itself alone."""
    proxy: AsyncReferenceProxy[object] = AsyncReferenceProxy(
        document_type, value, name, owner=owner
    )
    proxy._fetched = fetched
    return proxy


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, dict) else value


class AsyncLazyReference(_Stand, LazyReference[D]):
    """A :class:`LazyReference` that is awaited.

    It is what lazy reference fields give on an alias where blocking is not possible.
    """

    __slots__ = ("_name", "_owner")

    _own = frozenset(("_name", "_owner", "_cached_doc", "document_type", "passthrough"))

    def __init__(
        self,
        document_type: type[D],
        pk: object,
        cached_doc: D | None = None,
        passthrough: bool = False,
        name: str = "",
        owner: str = "",
    ) -> None:
        self._cached_doc = None
        self._name = name
        self._owner = owner
        LazyReference.__init__(self, document_type, pk, cached_doc, passthrough)

    @property
    def _loaded(self) -> Any:
        return self._cached_doc

    def _error(self, use: str) -> NoReturn:
        error_class = RuntimeError if self.passthrough else NotLoadedError
        raise error_class(
            f"{self._owner}.{self._name} has not been fetched: use "
            f"`(await document.{self._name}){use}` or "
            f"`(await document.{self._name}.async_fetch()){use}`"
        )

    def __reduce__(self) -> tuple[object, ...]:
        state = (self.document_type, self.pk, self._cached_doc, self.passthrough)
        return AsyncLazyReference, (*state, self._name, self._owner)

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return self.__reduce__()

    def __deepcopy__(self, memo: dict[int, object]) -> Any:
        copied = deepcopy((self.pk, self._cached_doc), memo)
        return AsyncLazyReference(
            self.document_type, *copied, self.passthrough, self._name, self._owner
        )


#: What can be awaited.
AWAITABLE: frozenset[type] = frozenset({AsyncReferenceProxy, AsyncLazyReference})


def item_proxy(
    field: Any, value: PythonValue, instance: DocumentState, name: str
) -> _Stand | None:
    """Return what stands for a document among the items of a list or dict.

    :param field: the field of the items; None where values of any type are.
    :param value: a document or a reference; None is returned for anything else.
    :param instance: the document that has the list or dict, as `name`.
    """
    owner = "" if instance is None else str(instance._class_name)
    build = getattr(field, "build_lazyref", None)
    if build is not None:
        built = build(value)
        return built if type(built) is AsyncLazyReference else None
    if is_document(value):
        return AsyncReferenceProxy.of(value, name, None, owner)
    if not isinstance(value, (DBRef, dict)) or isinstance(value, LazyReference):
        return None
    if isinstance(value, dict) and not isinstance(value.get("_ref"), DBRef):
        return None
    target = untyped_target(value) if field is None else field._target_of(value)
    if target is None:
        return None
    cls, reference = target
    if cls is None:
        cls = class_of(reference, alias_of(instance))
    if cls is None:
        return None
    return AsyncReferenceProxy(cls, value, name, owner=owner)
