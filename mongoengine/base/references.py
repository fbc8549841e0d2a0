"""What stands in a document for another one that has not been loaded.

Both classes are `bson.DBRef`s, so whatever takes a reference takes them.
"""

from __future__ import annotations

from collections.abc import Generator
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar
from uuid import UUID

from bson import DBRef, ObjectId

from mongoengine.base.common import class_named_in
from mongoengine.common import _import_class
from mongoengine.driver.io import IO, asynchronous, blocking
from mongoengine.errors import DoesNotExist, ValidationError

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.driver.session import Session

__all__ = ("AsyncReferenceProxy", "LazyReference")

#: Where users find the classes, and where what was pickled with upstream looks.
PUBLIC_MODULE = "mongoengine.base.datastructures"

D = TypeVar("D")

#: Types of keys that are their own hashable form.
_HASHABLE = frozenset({ObjectId, str, int, float, UUID, bytes, datetime})


def stored_key(cls: Any, key: Any) -> Any:
    """A primary key of a document class as MongoDB stores it.

    What is no key of the class is given as it is: there is no document of it.
    """
    if key.__class__ is ObjectId or cls is None or cls._meta.get("abstract"):
        return key
    id_field = cls._fields[cls._meta["id_field"]]
    try:
        return id_field.to_mongo(key)
    except (ValidationError, ValueError, TypeError, AttributeError):
        return key


def hashable(key: Any) -> Any:
    """A form of a stored key that can be looked up: documents are no dict keys."""
    if key.__class__ in _HASHABLE:
        return key
    if isinstance(key, dict):
        return dict, tuple((name, hashable(value)) for name, value in key.items())
    if isinstance(key, (list, tuple)):
        return list, tuple(hashable(value) for value in key)
    # True is not 1 in MongoDB.
    return (bool, key) if isinstance(key, bool) else key


def untyped_target(value: Any) -> tuple[Any, DBRef] | None:
    """Return the class and the DBRef of a value of any type, None if it has none.

    The class is None for a mere DBRef.  Lazy references are not for following.
    """
    if isinstance(value, dict):
        reference = value.get("_ref")
        if isinstance(reference, DBRef) and "_cls" in value:
            cls = class_named_in(value)
            # Otherwise it is a dict of the user's own.
            return (cls, reference) if cls is not None and cls._is_document else None
        value = reference
    if isinstance(value, DBRef) and not isinstance(value, LazyReference):
        return None, value
    return None


class LazyReference(DBRef, Generic[D]):
    """A reference that is followed when its `fetch` is called.

    :param document_type: the class of the document.
    :param pk: its primary key.
    :param cached_doc: the document, where it is at hand.
    :param passthrough: fetch the document when one of its attributes is read here.
    """

    __slots__ = ("_cached_doc", "document_type", "passthrough")
    __module__ = PUBLIC_MODULE

    _cached_doc: D | None
    document_type: Any
    passthrough: bool

    def __init__(
        self,
        document_type: type[D],
        pk: Any,
        cached_doc: D | None = None,
        passthrough: bool = False,
    ) -> None:
        self.document_type = document_type
        self._cached_doc = cached_doc
        self.passthrough = passthrough
        super().__init__(self.document_type._get_collection_name(), pk)

    @property
    def pk(self) -> Any:
        """The primary key of the document."""
        return self.id

    @property
    def _document(self) -> Any:
        return self.document_type

    async def _fetch(
        self, io: IO, force: bool = False, *, session: Session = None
    ) -> D:
        """The document, loaded the first time this is called (command `find`).

        :param force: load it again.
        :param session: a PyMongo session to work in
        :raises DoesNotExist: if it is not stored.
        """
        if self._cached_doc is None or force:
            found = await io.call(self.document_type.objects, "get", pk=self.pk)
            if not found:
                raise DoesNotExist(f"Trying to dereference unknown document {self}")
            self._cached_doc = found
        return self._cached_doc

    fetch = blocking(_fetch)
    async_fetch = asynchronous(_fetch)

    def _passed_through(self) -> Any:
        """The document, for reading an attribute of it without being asked to wait.

        :raises RuntimeError: where that would block an event loop.
        """
        if self._cached_doc is None and _import_class("ReferenceField")._is_awaited(
            self.document_type
        ):
            raise RuntimeError(
                f"{self!r} has not been fetched: await its async_fetch() before "
                "its document's attributes are read"
            )
        return self.fetch()

    def __getitem__(self, name: str) -> Any:
        if not self.passthrough:
            raise KeyError
        return self._passed_through()[name]

    def __getattr__(self, name: str) -> Any:
        if not object.__getattribute__(self, "passthrough"):
            raise AttributeError
        try:
            return self._passed_through()[name]
        except KeyError:
            raise AttributeError from None

    def __repr__(self) -> str:
        return f"<LazyReference({self.document_type}, {self.pk!r})>"

    def __reduce__(self) -> Any:
        state = (self.document_type, self.pk, self._cached_doc, self.passthrough)
        return LazyReference, state

    def __deepcopy__(self, memo: Any) -> LazyReference[D]:
        copied = deepcopy((self.pk, self._cached_doc), memo)
        return LazyReference(self.document_type, *copied, self.passthrough)


class AsyncReferenceProxy(DBRef, Generic[D]):
    """A reference of a document that is open only for asynchronous use.

    `await` it for the document that it stands for, which the referring document
    holds from then on.  It equals that document, its primary key and its DBRef,
    and may be assigned to reference fields, without any I/O.

    :param document_type: the class of the document.
    :param value: what the referring document holds for it.
    :param name: the name of the reference field.
    :param field: the reference field.
    :param instance: the referring document.
    """

    __slots__ = ("_fetched", "_field", "_instance", "_name", "_value", "document_type")
    __module__ = PUBLIC_MODULE

    def __init__(
        self,
        document_type: type[D],
        value: Any,
        name: str,
        field: Any = None,
        instance: Any = None,
    ) -> None:
        self.document_type: Any = document_type
        self._value = value
        self._name = name
        self._field = field
        self._instance = instance
        self._fetched: D | None = None
        reference = _reference_of(value)
        super().__init__(reference.collection, reference.id, reference.database)

    @property
    def pk(self) -> Any:
        """The primary key of the document."""
        return self.id

    @property
    def _document(self) -> Any:
        return self.document_type

    @property
    def _held(self) -> Any:
        """The document once it is fetched, before that what stands for it."""
        return self._value if self._fetched is None else self._fetched

    async def _fetch(self, io: IO, *, session: Session = None) -> D:
        """The document that this stands for, loaded once (command `find`).

        :param session: a PyMongo session to work in
        :raises DoesNotExist: if it is not stored.
        """
        if self._fetched is None:
            self._fetched = await self._load(io)
        return self._fetched

    async def _load(self, io: IO) -> Any:
        field, instance = self._field, self._instance
        if field is None:
            return await _import_class("ReferenceField")._dereference(
                io, self.document_type, _reference_of(self._value)
            )
        held = field._read(instance)
        if isinstance(held, _import_class("Document")) and self == held:
            return held
        return await field._load_for(io, instance, self._value)

    async_fetch = asynchronous(_fetch)
    fetch = async_fetch

    def __await__(self) -> Generator[Any, None, D]:
        return self.async_fetch().__await__()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DBRef):
            return (self.collection, self.id) == (other.collection, other.id)
        if isinstance(other, _import_class("Document")):
            return bool(other == DBRef(self.collection, self.id))
        return bool(self.id == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        """As the document, and its primary key."""
        return hash(self.id)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"{self._name} is a reference that has not been awaited: the document "
            f"has the attribute {name!r}, if any. Use `(await document."
            f"{self._name}).{name}`"
        )

    def __repr__(self) -> str:
        state = "unfetched" if self._fetched is None else "fetched"
        return f"<AsyncReferenceProxy: {self._name} ({state})>"

    def __reduce__(self) -> Any:
        return _restored_proxy, (
            self.document_type,
            _plain(self._value),
            self._name,
            self._fetched,
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return _restored_proxy(self.document_type, self._value, self._name, None)


def _restored_proxy(document_type: Any, value: Any, name: str, fetched: Any) -> Any:
    """A proxy of no document: it is fetched for itself alone."""
    proxy: AsyncReferenceProxy[Any] = AsyncReferenceProxy(document_type, value, name)
    proxy._fetched = fetched
    return proxy


def _reference_of(value: Any) -> Any:
    """The DBRef in what a reference field holds."""
    return value["_ref"] if isinstance(value, dict) else value


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value
