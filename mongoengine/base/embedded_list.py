"""The list of embedded documents, with queries and edits in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from mongoengine.base.container import PROXIES
from mongoengine.base.tracked import BaseList
from mongoengine.base.types import PassedOn, RawMapping
from mongoengine.errors import DoesNotExist, MultipleObjectsReturned, OperationError

if TYPE_CHECKING:
    from mongoengine.driver.session import Session

__all__ = ("EmbeddedDocumentList",)

T = TypeVar("T")


class EmbeddedDocumentList(BaseList[T]):
    """The list of an :class:`~mongoengine.fields.EmbeddedDocumentListField`.

    It has queries and edits of its own, all of them in memory; `save` writes the
    document that holds the list.
    """

    def __init__(self, list_items: Iterable[T], instance: Any, name: str) -> None:
        super().__init__(list_items, instance, name)
        # Not the document, which holds this list.
        self._document_class = None if instance is None else instance.__class__

    def filter(self, **kwargs: object) -> EmbeddedDocumentList[T]:
        """Return the documents whose fields have all of the given values.

        A value equals where it is equal as such or as text.  Raises
        `AttributeError` for a field that a document does not have.
        """
        return self._part([item for item in self if _matches(item, kwargs)])

    def exclude(self, **kwargs: object) -> EmbeddedDocumentList[T]:
        """Return the documents that `filter` with the same arguments leaves out."""
        return self._part([item for item in self if not _matches(item, kwargs)])

    def _part(self, items: list[T]) -> EmbeddedDocumentList[T]:
        """Return some of the documents, in a list that is not part of the document."""
        owner = self._owner()
        part = EmbeddedDocumentList(items, owner, self._name)
        # It may keep the document alive, as the document does not hold it.
        part._instance = owner
        part._document_class = self._document_class
        return part

    def _owner(self) -> Any:
        """Return the document of the list, or None where it is gone."""
        instance = self._instance
        if type(instance) not in PROXIES:
            return instance
        try:
            return instance._mark_as_changed.__self__
        except ReferenceError:
            return None

    def _whole(self) -> Any:
        """Return the list in the document, of which this one may be a part."""
        owner = self._owner()
        return self if owner is None else owner[self._name]

    def count(self) -> int:  # type: ignore[override]
        """Return the number of documents in the list."""
        return len(self)

    def get(self, **kwargs: object) -> T:
        """Return the one document that matches.

        Raises :class:`~mongoengine.errors.DoesNotExist` for none and
        :class:`~mongoengine.errors.MultipleObjectsReturned` for several.
        """
        found = [item for item in self if _matches(item, kwargs)]
        if not found:
            raise DoesNotExist(f"{self._name} matching query does not exist.")
        if len(found) > 1:
            raise MultipleObjectsReturned(f"{len(found)} items returned, instead of 1")
        return found[0]

    def first(self) -> T | None:
        """Return the first document, or None in an empty list."""
        return self[0] if len(self) > 0 else None

    def create(self, **values: PassedOn) -> T:
        """Make a new embedded document at the end of the list; nothing is saved."""
        owner = self._owner()
        cls = self._document_class if owner is None else type(owner)
        if cls is None:
            raise OperationError(f"The list {self._name!r} is not part of a document")
        field = cls._fields[self._name].field
        created: T = (
            field.document_type_obj(**values)
            if isinstance(field.document_type_obj, type)
            else field.document_type(**values)
        )
        self._whole().append(created)
        return created

    if TYPE_CHECKING:  # The faces are set by `operations.save`.

        def save(
            self, *args: object, session: Session = None, **kwargs: object
        ) -> None: ...

        async def async_save(
            self, *args: object, session: Session = None, **kwargs: object
        ) -> None: ...

    def delete(self) -> int:
        """Take the documents of this list out of the field; their number."""
        removed = list(self)
        whole = self._whole()
        for item in removed:
            whole.remove(item)
        return len(removed)

    def update(self, **update: object) -> int:
        """Set fields on every document of the list; the number of documents."""
        if not update:
            return 0
        changed = list(self)
        for item in changed:
            for name, value in update.items():
                setattr(item, name, value)
        return len(changed)


def _matches(item: object, wanted: RawMapping) -> bool:
    for name, value in wanted.items():
        current = getattr(item, name)
        if current != value and str(current) != value:
            return False
    return True
