"""Base classes of reference fields: the class they refer to, and reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, overload

from bson import DBRef, ObjectId

from mongoengine.base.awaiting import is_awaited
from mongoengine.base.codec import Proof
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import BaseField
from mongoengine.base.plain import is_document_class
from mongoengine.base.proxies import AWAITABLE, AsyncLazyReference, AsyncReferenceProxy
from mongoengine.base.references import unsaved_text
from mongoengine.base.strict import note_lazy_reference
from mongoengine.base.types import Assigned, Instance, PythonValue, Unset, Value
from mongoengine.connection import any_async
from mongoengine.driver.io import SYNC, asynchronous_as, blocking_as, run
from mongoengine.errors import NotRegistered
from mongoengine.fields.embedded import RECURSIVE_REFERENCE_CONSTANT
from mongoengine.operations import fetch as _fetch

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.document import BaseDocument
    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.types import OwnClass, Reader, Undeclared
    from mongoengine.driver.session import Session


__all__ = ("DocumentTyped", "Followed")


class DocumentTyped(BaseField[Value, Assigned, Unset]):
    """Base class of fields that are declared with the class they refer to."""

    document_type_obj: Any

    def _take_document_type(self, document_type: object) -> None:
        if not isinstance(document_type, str) and not is_document_class(document_type):
            self.error(
                f"Argument to {self._constructor_name} constructor must be a "
                "document class or a string"
            )
        self.document_type_obj = document_type

    @property
    def _constructor_name(self) -> str:
        raise NotImplementedError

    @property
    def document_type(self) -> Any:
        """Return the class that is referred to.

        :raises NotRegistered: if the field names a class that does not exist
        """
        cls = self.document_type_obj
        if cls.__class__ is str:
            if cls == RECURSIVE_REFERENCE_CONSTANT:
                cls = self.owner_document
            else:
                cls = _DocumentRegistry.get(cls)
            self.document_type_obj = cls
        return cls

    @property
    def _document(self) -> Any:
        # Whom errors about connections name.
        return self.document_type

    def lookup_member(self, member_name: str) -> Any:
        """Return the field of that name in the class that is referred to, or None."""
        return self.document_type._fields.get(member_name)

    def _join_path(self, member: str) -> str | None:
        return "$id" if getattr(self, "dbref", False) else ""

    def _refuse_unsaved(self, document: StoredDocument) -> NoReturn:
        self.error(unsaved_text(type(document)))

    def _key_field(self) -> Any:
        """Return the field of the primary key that is referred to, from its schema."""
        cls = self.document_type
        # The schema, made when the class is first used, fills in the field's hints.
        name = cls._meta.get("id_field")
        if name is None:
            raise AttributeError(f"type object {cls.__name__!r} has no attribute 'id'")
        return cls._schema.fields[name]

    def _load_proof(self) -> Proof | None:
        if self._load_can_fail or getattr(self, "dbref", False):
            return super()._load_proof()
        return self._key_field()._load_proof()  # type: ignore[no-any-return]

    def _items_load_proof(self) -> Proof | None:
        if self._load_can_fail or getattr(self, "dbref", False):
            return super()._items_load_proof()
        return self._key_field()._items_load_proof()  # type: ignore[no-any-return]

    def _key_may_fail(self) -> bool:
        """Return whether converting a raw key may fail or is left to user code."""
        try:
            field = self._key_field()
        except (NotRegistered, AttributeError):
            return True
        return bool(field._user_converted or field._load_can_fail)


class Followed(BaseField[Value, Assigned, Unset]):
    """Base class of fields that return the document when they are read."""

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(
        self: BaseField[Undeclared, Any, Any], instance: object, owner: object
    ) -> PythonValue: ...
    @overload
    def __get__(
        self: BaseField[OwnClass, Any, Unset], instance: Reader, owner: object
    ) -> Reader | Unset: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Value | Unset: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
        except KeyError:
            value = instance._touch(self)
        if value is None:
            return None
        if isinstance(value, (DBRef, dict)):
            if instance._auto_dereference and instance._follows_references(self):
                return self._follow(instance, value)
        elif any_async() and is_awaited(type(value), instance):
            return AsyncReferenceProxy.of(value, self, instance)
        return value

    @overload
    def __set__(
        self: BaseField[OwnClass, Any, Any],
        instance: Reader,
        value: Reader | DBRef | ObjectId | None,
    ) -> None: ...
    @overload
    def __set__(self, instance: Instance, value: Assigned | None) -> None: ...
    def __set__(self, instance: Instance, value: PythonValue) -> None:
        if type(value) in AWAITABLE:
            value = self._unwrapped(value)
        super().__set__(instance, value)

    def _unwrapped(self, proxy: Any) -> PythonValue:
        """Return the value to store in a document for a proxy or a lazy reference."""
        if type(proxy) is AsyncLazyReference:
            return proxy if proxy._loaded is None else proxy._loaded
        value = proxy._document_or_value
        return value["_ref"] if isinstance(value, dict) else value

    def _holds_references(self) -> bool:
        return True

    def _target_of(self, value: object) -> ReferenceTarget | None:
        """Return the class and DBRef of a reference, or None for another value."""
        raise NotImplementedError

    def _follow(self, instance: BaseDocument, value: object) -> PythonValue:
        target = self._target_of(value)
        if target is None:
            return value
        if is_awaited(target[0], instance) and isinstance(target[1], DBRef):
            return AsyncReferenceProxy(target[0], value, self.name, self, instance)
        note_lazy_reference(type(instance).__name__, self.name)
        return run(_fetch.load_for(self, SYNC, instance, value))

    if TYPE_CHECKING:

        @overload
        def fetch(
            self: BaseField[OwnClass, Any, Unset],
            document: Reader,
            *,
            session: Session = None,
        ) -> Reader | Unset: ...
        @overload
        def fetch(
            self, document: object, *, session: Session = None
        ) -> Value | Unset: ...
        def fetch(self, document: Any, *, session: Session = None) -> Any: ...

        @overload
        async def async_fetch(
            self: BaseField[OwnClass, Any, Unset],
            document: Reader,
            *,
            session: Session = None,
        ) -> Reader | Unset: ...
        @overload
        async def async_fetch(
            self, document: object, *, session: Session = None
        ) -> Value | Unset: ...
        async def async_fetch(
            self, document: Any, *, session: Session = None
        ) -> Any: ...

    else:
        fetch = blocking_as(_fetch.fetch_referenced, "fetch")
        async_fetch = asynchronous_as(_fetch.fetch_referenced, "fetch")
