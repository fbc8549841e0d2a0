"""The field that keeps copies of fields of the document that it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, overload

from bson import SON, DBRef

from mongoengine import signals
from mongoengine.base.awaiting import is_awaited
from mongoengine.base.plain import is_document
from mongoengine.base.proxies import AWAITABLE, AsyncReferenceProxy
from mongoengine.base.references import key_field
from mongoengine.base.strict import note_lazy_reference
from mongoengine.base.types import OrNone, PassedOn, PythonValue, RawValue, Referred
from mongoengine.driver.io import SYNC, asynchronous, blocking, blocking_as, run
from mongoengine.errors import InvalidDocumentError
from mongoengine.fields.following import DocumentTyped, Followed
from mongoengine.operations import copies, dereference

if TYPE_CHECKING:
    from typing_extensions import Never

    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.types import Default, Yes

__all__ = ("CachedReferenceField",)


class CachedReferenceField(
    Followed[Referred, Referred | None, OrNone],
    DocumentTyped[Referred, Referred | None, OrNone],
    Generic[Referred, OrNone],
):
    """A field for a document of another collection that keeps a copy of fields.

    The copies can be queried.  They are brought up to date when the document is
    saved (which needs `blinker`), and all at once by :meth:`sync_all`.

    :param document_type: the class of the document, or its name.
    :param fields: the names of the fields to keep.
    :param auto_sync: update the copies when a document is saved.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    _load_can_fail = True
    _compared_path = "_id"

    @overload
    def __init__(
        self: CachedReferenceField[Referred, Never],
        document_type: type[Referred],
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: CachedReferenceField[Referred, Never],
        document_type: type[Referred],
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: CachedReferenceField[Referred, Never],
        document_type: type[Referred],
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        *,
        default: Default[Referred],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: CachedReferenceField[Referred, None],
        document_type: type[Referred],
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: CachedReferenceField[Any, Any],
        document_type: str,
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **kwargs: PassedOn,
    ) -> None:
        self._take_document_type(document_type)
        self.auto_sync = auto_sync
        self.fields = [] if fields is None else fields
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "CachedReferenceField"

    def _attach(self, cls: type[StoredDocument], name: str) -> None:
        super()._attach(cls, name)
        if not cls._is_document:
            raise InvalidDocumentError(
                "CachedReferenceFields is not allowed in EmbeddedDocuments"
            )
        if self.auto_sync:
            self.start_listener()
        self.document_type._cached_reference_fields.append(self)

    def start_listener(self) -> None:
        """Update the copies from now on when a document is saved."""
        signals.post_save.connect(self.on_document_pre_save, sender=self.document_type)

    on_document_pre_save = blocking_as(copies.update_copies, "on_document_pre_save")

    sync_all = blocking(copies.sync_all)
    async_sync_all = asynchronous(copies.sync_all)

    def _target_of(self, value: object) -> ReferenceTarget | None:
        return (self.document_type, value) if isinstance(value, DBRef) else None

    def to_python(self, value: RawValue) -> PythonValue:
        """Load the document of a stored copy; elsewhere the value as it is.

        Where that would block an event loop, a DBRef with the copy stands for it.
        """
        if type(value) in AWAITABLE:
            return self._unwrapped(value)
        if not isinstance(value, dict):
            return value
        cls = self.document_type
        key = self._key_field().to_python(value["_id"])
        reference = _CachedCopy(cls._get_collection_name(), key, value)
        if is_awaited(cls):
            return reference
        owner = getattr(self.owner_document, "__name__", "")
        note_lazy_reference(owner, self.name)
        return run(dereference.load_copied(SYNC, cls, reference))

    def to_mongo(
        self,
        document: StoredDocument | DBRef | None,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        """Return the primary key and the kept fields of a document."""
        if type(document) is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if document is None:
            return None
        if isinstance(document, _CachedCopy):
            return document.copy
        if not is_document(document):
            self.error("Only accept a document object")
        if document.pk is None:
            self._refuse_unsaved(document)
        chosen = set(fields) if fields else None
        names = [name for name in self.fields if chosen is None or name in chosen]
        stored: SON[str, RawValue] = SON((("_id", None),))
        stored.update(document.to_mongo(use_db_field=use_db_field, fields=names))
        stored["_id"] = key_field(self.document_type).to_mongo(document.pk)
        return stored

    def _join_path(self, member: str) -> str | None:
        return None if member in self.fields else "_id"

    def _condition(self, op: str | None, value: PythonValue) -> tuple[str, Any]:
        value = self.prepare_query_value(op, value)
        return "", value["_id"] if value else value

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        if value is None:
            return None
        if type(value) is AsyncReferenceProxy:
            value = self._unwrapped(value)
        if isinstance(value, _CachedCopy):
            return dict(value.copy)
        if not is_document(value):
            raise NotImplementedError
        if value.pk is None:
            self._refuse_unsaved(value)
        return {"_id": value.pk, **{name: value[name] for name in self.fields}}

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is a saved document of the class."""
        if type(value) is AsyncReferenceProxy:
            value = value._document_or_value
        if value is None or isinstance(value, _CachedCopy):
            return
        if not isinstance(value, self.document_type):
            self.error("A CachedReferenceField only accepts documents")
        if value.pk is None:
            self._refuse_unsaved(value)


class _CachedCopy(DBRef):
    """A reference with the fields of its document that were stored with it."""

    __slots__ = ("copy",)

    def __init__(self, collection: str, id: str, copy: Any) -> None:
        self.copy = copy
        super().__init__(collection, id)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.collection, self.id, self.copy)

    def __deepcopy__(self, memo: object) -> _CachedCopy:
        return _CachedCopy(self.collection, self.id, dict(self.copy))
