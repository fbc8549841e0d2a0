"""StoredDocument: a document that has a collection, without its operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar

from bson import DBRef

from mongoengine.base import context
from mongoengine.base.document import BaseDocument
from mongoengine.base.types import PrimaryKey, RawDocument
from mongoengine.errors import OperationError

__all__ = ("StoredDocument",)


class StoredDocument(BaseDocument):
    """The key of a document and the place that it is stored in.

    Operations take documents of this class, which knows nothing of them; `Document`
    adds their faces.
    """

    if not TYPE_CHECKING:
        __slots__ = ()

    # The alias and collection that this document is stored in, or None for those of
    # its class.
    _target: tuple[str, str] | None = None
    # It was loaded without some of its fields, by `only()` or `exclude()`.
    _partial: bool = False
    # What an upsert without an answer has stored, if the document was not stored.
    _fragment: RawDocument | None = None
    # The key, and what was set and unset, of an update without an answer.
    _unanswered: tuple[RawDocument, RawDocument, RawDocument] | None = None

    if TYPE_CHECKING:
        _qs: Any
        _unconfirmed: Any
        _collection: ClassVar[Any]
        DoesNotExist: ClassVar[type[Exception]]

        ensure_indexes: ClassVar[Callable[[], None]]
        async_ensure_indexes: ClassVar[Callable[[], Awaitable[None]]]

        @classmethod
        def _disconnect(cls) -> None: ...

    @property
    def pk(self) -> PrimaryKey:
        """The value of the primary key, whatever its field is called."""
        name = self._meta.get("id_field")
        return None if name is None else getattr(self, name)

    @pk.setter
    def pk(self, value: object) -> None:
        setattr(self, self._meta["id_field"], value)

    def __hash__(self) -> int:
        """Hash the primary key: documents with equal keys are equal."""
        if self.pk is None:
            return super().__hash__()
        return hash(self.pk)

    _get_db_alias = classmethod(context.alias_of)
    _get_collection_name = classmethod(context.collection_name_of)

    @property
    def _object_key(self) -> RawDocument:
        """The query that finds this document: its primary key and shard key."""
        key = {"pk": self.pk}
        for declared in self._meta.get("shard_key") or ():
            fields = self._lookup_field(declared.split("."))
            if [field.name for field in fields] == [self._meta["id_field"]]:
                continue
            value: object = self
            for field in fields:
                value = getattr(value, field.name)
            key["__".join(field.name for field in fields)] = value
        return key

    def to_dbref(self) -> DBRef:
        """Return a `DBRef` to this document.

        :raises OperationError: if it has not been saved
        """
        if self.pk is None:
            raise OperationError("Only saved documents can have a valid dbref")
        return DBRef(type(self)._get_collection_name() or "", self.pk)
