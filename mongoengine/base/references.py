"""References: their keys, their classes, and the one that loads when it is asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import UUID

from bson import SON, DBRef, ObjectId

from mongoengine.base.awaiting import is_awaited
from mongoengine.base.common import _classes, class_named_in
from mongoengine.base.types import PrimaryKey, PythonValue, RawValue
from mongoengine.errors import ValidationError

if TYPE_CHECKING:
    from typing import TypeAlias

    from mongoengine.base.state import DocumentState
    from mongoengine.driver.session import Session

__all__ = (
    "LazyReference",
    "ReferenceTarget",
    "class_name",
    "class_of",
    "hashable",
    "key_field",
    "reference_of",
    "stored_key",
    "untyped_target",
)

#: Where users find the classes, and where what was pickled with upstream looks.
PUBLIC_MODULE = "mongoengine.base.datastructures"

D = TypeVar("D")

#: The class of a document and its DBRef; no class where only the DBRef tells it.
ReferenceTarget: TypeAlias = tuple[Any, DBRef]

#: Types of keys that are their own hashable form.
_HASHABLE = frozenset({ObjectId, str, int, float, UUID, bytes, datetime})


def stored_key(cls: type[DocumentState], key: object) -> object:
    """Return a primary key of a document class as MongoDB stores it.

    What is no key of the class is given as it is: there is no document of it.
    """
    if key.__class__ is ObjectId or cls is None or cls._meta.get("abstract"):
        return key
    try:
        return key_field(cls).to_mongo(key)
    except (ValidationError, ValueError, TypeError, AttributeError):
        return key


def key_field(cls: type[DocumentState]) -> Any:
    """Return the field of the primary key of a document class."""
    name = cls._meta["id_field"]  # first, since errors for other classes name it
    return cls._fields[name]


def hashable(key: object) -> Hashable:
    """Return a hashable form of a stored key, which may be a document."""
    if key.__class__ in _HASHABLE:
        return key
    if isinstance(key, dict):
        return dict, tuple((name, hashable(value)) for name, value in key.items())
    if isinstance(key, (list, tuple)):
        return list, tuple(hashable(value) for value in key)
    # True is not 1 in MongoDB.
    return (bool, key) if isinstance(key, bool) else key


def generic_reference(document: Any) -> SON[str, RawValue]:
    """Return the class and the DBRef of a document, as generic references are stored.

    :raises ValidationError: if the document has no key, as it was never saved.
    """
    if document.pk is None:
        raise ValidationError(unsaved_text(type(document)))
    key = key_field(type(document)).to_mongo(document.pk)
    reference = DBRef(document._get_collection_name(), key)
    return SON((("_cls", document._class_name), ("_ref", reference)))


def unsaved_text(cls: type) -> str:
    """Return the message for a reference to a document that was never saved."""
    return (
        f"The instance of the document '{cls.__name__}' you are trying to reference "
        "has an empty 'id'. You can only reference documents once they have been "
        "saved to the database"
    )


def reference_of(value: object) -> Any:
    """Return the DBRef in the value of a reference field."""
    return value["_ref"] if isinstance(value, dict) else value


def untyped_target(value: PythonValue) -> ReferenceTarget | None:
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


def class_of(reference: DBRef, alias: str) -> Any:
    """Return the class of the collection in a reference, None where that is not sure.

    :param alias: the alias to prefer, that of the referring document.
    """
    classes: Iterable[Any] = _classes.values()
    candidates = [
        cls
        for cls in classes
        if cls._is_document and cls._get_collection_name() == reference.collection
    ]
    roots: list[Any] = [
        cls for cls in candidates if not any(b in candidates for b in cls.__mro__[1:])
    ]
    near = [cls for cls in roots if cls._get_db_alias() == alias]
    for chosen in (near, roots):
        if len(chosen) == 1:
            return chosen[0]
        named = [c for c in chosen if c.__name__ == class_name(reference.collection)]
        if len(named) == 1:
            return named[0]
    return None


def class_name(collection: str) -> str:
    """Return the class of a collection by its name: `blog_post` -> `BlogPost`."""
    return "".join(part.capitalize() for part in collection.split("_"))


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
        pk: object,
        cached_doc: D | None = None,
        passthrough: bool = False,
    ) -> None:
        self.document_type = document_type
        self._cached_doc = cached_doc
        self.passthrough = passthrough
        super().__init__(self.document_type._get_collection_name(), pk)

    @property
    def pk(self) -> PrimaryKey:
        """The primary key of the document."""
        return self.id

    @property
    def _document(self) -> Any:
        return self.document_type

    if TYPE_CHECKING:  # The faces are set by `operations.attached`.

        def fetch(self, force: bool = False, *, session: Session = None) -> D: ...

        async def async_fetch(
            self, force: bool = False, *, session: Session = None
        ) -> D: ...

    def _passed_through(self) -> Any:
        """Return the document, loaded if it has to be, to read an attribute of it.

        :raises RuntimeError: where that would block an event loop.
        """
        if self._cached_doc is None and is_awaited(self.document_type):
            raise RuntimeError(
                f"{self!r} has not been fetched: await its async_fetch() before "
                "its document's attributes are read"
            )
        return self.fetch()

    def __getitem__(self, name: str) -> PythonValue:
        if not self.passthrough:
            raise KeyError
        return self._passed_through()[name]

    def __getattr__(self, name: str) -> PythonValue:
        if not object.__getattribute__(self, "passthrough"):
            raise AttributeError
        try:
            return self._passed_through()[name]
        except KeyError:
            raise AttributeError from None

    def __repr__(self) -> str:
        return f"<LazyReference({self.document_type}, {self.pk!r})>"

    def __reduce__(self) -> tuple[object, ...]:
        state = (self.document_type, self.pk, self._cached_doc, self.passthrough)
        return LazyReference, state

    def __deepcopy__(self, memo: dict[int, object]) -> LazyReference[D]:
        copied = deepcopy((self.pk, self._cached_doc), memo)
        return LazyReference(self.document_type, *copied, self.passthrough)
