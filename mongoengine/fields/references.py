"""Fields whose values are documents of other collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from bson import DBRef, ObjectId

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import DO_NOTHING
from mongoengine.base.plain import is_document
from mongoengine.base.proxies import AWAITABLE, AsyncReferenceProxy
from mongoengine.base.references import key_field
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import OrNone, PassedOn, PythonValue, RawValue, Referred
from mongoengine.fields.cached_references import CachedReferenceField
from mongoengine.fields.embedded import RECURSIVE_REFERENCE_CONSTANT
from mongoengine.fields.following import DocumentTyped, Followed
from mongoengine.fields.generic_references import GenericReferenceField
from mongoengine.fields.lazy_references import (
    GenericLazyReferenceField,
    LazyReferenceField,
)

if TYPE_CHECKING:
    from typing_extensions import Never

    from mongoengine.base.codec import Dump, Proof
    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.types import Default, OwnClass, Yes

__all__ = (
    "RECURSIVE_REFERENCE_CONSTANT",
    "CachedReferenceField",
    "GenericLazyReferenceField",
    "GenericReferenceField",
    "LazyReferenceField",
    "ReferenceField",
)


def _dump_dbref(raw: object) -> DBRef | None:
    return raw if raw.__class__ is DBRef else None


class _ClassedReference(DBRef):
    """A reference to a document of an abstract class, stored with its class.

    Upstream stores the mere key of a DBRef; nobody could tell the class any more.
    """

    __slots__ = ()


class ReferenceField(
    Followed[Referred, Referred | DBRef | ObjectId, OrNone],
    DocumentTyped[Referred, Referred | DBRef | ObjectId, OrNone],
    Generic[Referred, OrNone],
):
    """A field for a document of another collection; its primary key is stored.

    Reading it gives the document, which is loaded when it is first read.  In
    asynchronous code it gives an
    :class:`~mongoengine.base.datastructures.AsyncReferenceProxy` to `await`.

    :param document_type: the class of the document, or its name; `"self"` is the
        class that has the field.
    :param dbref: store a DBRef instead of the primary key.
    :param reverse_delete_rule: what happens to this document when the other one
        is deleted: `DO_NOTHING`, `NULLIFY`, `CASCADE`, `DENY` or `PULL`.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    _is_reference = True
    _is_followed = True
    _changes_inside = False

    _cascades = True
    _sets_converted = True
    _valid_types = frozenset({ObjectId, DBRef})

    @overload
    def __init__(
        self: ReferenceField[Referred, Never],
        document_type: type[Referred],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[Referred, Never],
        document_type: type[Referred],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[Referred, Never],
        document_type: type[Referred],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        default: Default[Referred],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[Referred, None],
        document_type: type[Referred],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[OwnClass, Never],
        document_type: Literal["self"],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[OwnClass, None],
        document_type: Literal["self"],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[Any, Any],
        document_type: str,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: PassedOn,
    ) -> None:
        self._take_document_type(document_type)
        self.dbref = dbref
        self.reverse_delete_rule = reverse_delete_rule
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "ReferenceField"

    @property
    def _load_can_fail(self) -> bool:  # type: ignore[override]
        return not self.dbref and self._key_may_fail()

    def _is_unconstrained(self) -> bool:
        cls = self.document_type_obj
        if cls == RECURSIVE_REFERENCE_CONSTANT:
            cls = self.owner_document
        return isinstance(cls, type)

    def _as_reference(self, value: object) -> object:
        return value if isinstance(value, DBRef) else self.to_python(value)

    def _target_of(self, value: object) -> ReferenceTarget | None:
        if not isinstance(value, DBRef):
            return None
        if hasattr(value, "cls"):
            # The abstract class that is referred to has several collections.
            return _DocumentRegistry.get(value.cls), value
        return self.document_type, value

    def _unwrapped(self, proxy: Any) -> PythonValue:
        value = super()._unwrapped(proxy)
        if type(value) is DBRef and self.document_type._meta.get("abstract"):
            name = proxy._type._class_name
            return _ClassedReference(value.collection, value.id, cls=name)
        return value

    def to_python(self, value: PythonValue) -> Any:
        """Return a DBRef of a primary key; with `dbref` the value as it is."""
        if isinstance(value, DBRef):
            return self._unwrapped(value) if type(value) in AWAITABLE else value
        if value is None or self.dbref or isinstance(value, ChangeTracking):
            return value
        key = self._key_field()
        if type(value) not in key._loads_unchanged:
            value = key.to_python(value)
        return DBRef(self.document_type._get_collection_name(), value)

    def _items_from_raw(self, items: list[Any]) -> list[Any]:
        if not items or self.dbref or DBRef in {*map(type, items)}:
            return super()._items_from_raw(items)
        # What is the same for all of them is looked up once.
        unchanged = self._key_field()._loads_unchanged
        collection = self.document_type._get_collection_name()
        to_python = self.to_python
        return [
            DBRef(collection, item) if type(item) in unchanged else to_python(item)
            for item in items
        ]

    def to_mongo(self, document: Any) -> RawValue:
        """Return the primary key, or the DBRef, of a document or a reference to one."""
        if document.__class__ is DBRef:
            return document if self.dbref else document.id
        if type(document) is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if document is None:
            return None
        if isinstance(document, DBRef):
            if document.__class__ is _ClassedReference:
                return DBRef(document.collection, document.id, cls=document.cls)
            return document if self.dbref else document.id
        if is_document(document):
            if document.pk is None:
                self._refuse_unsaved(document)
            cls, key = type(document), document.pk
        else:
            cls, key = self.document_type, document
        key = key_field(cls).to_mongo(key)
        if self.document_type._meta.get("abstract"):
            return DBRef(cls._get_collection_name(), key, cls=cls._class_name)
        if self.dbref:
            return DBRef(cls._get_collection_name(), key)
        return key

    def _raw_dumper(self) -> Dump | None:
        if self._load_can_fail:
            return None
        if self.dbref:
            return _dump_dbref
        unchanged = self._key_field()._loads_unchanged
        return lambda raw: raw if raw.__class__ in unchanged else None

    def _raw_validator(self) -> Proof | None:
        if self._load_can_fail or not self._is_unconstrained():
            return None
        # Without `dbref`, a DBRef is made of whatever is stored.
        valid = self._valid_types if self.dbref else self._key_field()._loads_unchanged
        return lambda raw: raw.__class__ in valid

    def prepare_query_value(self, op: str | None, value: PythonValue) -> Any:
        if value is None:
            return None
        super().prepare_query_value(op, value)
        return self.to_mongo(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type of the reference; a document has to have been saved."""
        if value is None:  # in a list or dict
            return
        if type(value) is AsyncReferenceProxy:
            value = value._document_or_value
            if isinstance(value, dict):
                value = value["_ref"]
        if not isinstance(value, (self.document_type, DBRef, ObjectId)):
            self.error(
                "A ReferenceField only accepts DBRef, LazyReference, ObjectId or "
                "documents"
            )
        if is_document(value) and value.pk is None:
            self._refuse_unsaved(value)
