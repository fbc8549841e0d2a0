"""Fields that give a reference, to be followed when it is asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from bson import SON, DBRef, ObjectId

from mongoengine.base.awaiting import is_awaited
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import DO_NOTHING
from mongoengine.base.plain import is_document
from mongoengine.base.proxies import AsyncLazyReference
from mongoengine.base.references import LazyReference, key_field, unsaved_text
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import (
    Instance,
    OrNone,
    PassedOn,
    PythonValue,
    RawValue,
    Referred,
)
from mongoengine.connection import any_async
from mongoengine.errors import ValidationError
from mongoengine.fields.following import DocumentTyped, Followed
from mongoengine.fields.generic_references import GenericReferenceField

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from mongoengine.base.codec import Dump
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.field import BaseField
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.types import Default, OwnClass, Reader, Undeclared, Yes

__all__ = ("GenericLazyReferenceField", "LazyReferenceField")


def _lazy_reference(
    field: Any, cls: type[BaseDocument], key: object, cached: object = None
) -> AsyncLazyReference[object] | LazyReference[object]:
    """Return a lazy reference; one to await where blocking is not possible."""
    if any_async() and is_awaited(cls):
        owner = field.owner_document
        return AsyncLazyReference(
            cls,
            key,
            cached,
            field.passthrough,
            field.name or "item",
            "" if owner is None else owner.__name__,
        )
    return LazyReference(cls, key, cached, field.passthrough)


def _rebuilt(field: Any, value: PythonValue) -> Any:
    """Return a lazy reference with the field's `passthrough`, of the right class."""
    same = value.passthrough == field.passthrough
    awaited = any_async() and is_awaited(value.document_type)
    wanted = AsyncLazyReference if awaited else LazyReference
    if type(value) is wanted and same:
        return value
    cached = value._cached_doc if same else None
    return _lazy_reference(field, value.document_type, value.pk, cached)


class LazyReferenceField(
    DocumentTyped[LazyReference[Referred], Referred | DBRef | ObjectId, OrNone],
    Generic[Referred, OrNone],
):
    """A field for a document of another collection that is loaded when asked for.

    Reading it gives a
    :class:`~mongoengine.base.datastructures.LazyReference`, whose `fetch()` or
    `async_fetch()` loads the document.

    :param document_type: the class of the document, or its name; `"self"` is the
        class that has the field.
    :param passthrough: load the document when an attribute of the reference is
        read.
    :param dbref: store a DBRef instead of the primary key.
    :param reverse_delete_rule: what happens to this document when the other one
        is deleted: `DO_NOTHING`, `NULLIFY`, `CASCADE`, `DENY` or `PULL`.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    _is_reference = True

    @overload
    def __init__(
        self: LazyReferenceField[Referred, Never],
        document_type: type[Referred],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[Referred, Never],
        document_type: type[Referred],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[Referred, Never],
        document_type: type[Referred],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        default: Default[Referred],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[Referred, None],
        document_type: type[Referred],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[OwnClass, Never],
        document_type: Literal["self"],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[OwnClass, None],
        document_type: Literal["self"],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[Any, Any],
        document_type: str,
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: PassedOn,
    ) -> None:
        if not isinstance(document_type, (str, type)):
            raise TypeError("issubclass() arg 1 must be a class")
        self._take_document_type(document_type)
        self.dbref = dbref
        self.passthrough = passthrough
        self.reverse_delete_rule = reverse_delete_rule
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "LazyReferenceField"

    @property
    def _load_can_fail(self) -> bool:  # type: ignore[override]
        return self._key_may_fail()

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(
        self: BaseField[Undeclared, Any, Any], instance: object, owner: object
    ) -> PythonValue: ...
    @overload
    def __get__(
        self: LazyReferenceField[OwnClass, OrNone], instance: Reader, owner: object
    ) -> LazyReference[Reader] | OrNone: ...
    @overload
    def __get__(
        self, instance: object, owner: object
    ) -> LazyReference[Referred] | OrNone: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
        except KeyError:
            value = instance._touch(self)
        made = self.build_lazyref(value)
        if made is not value and made is not None:
            made = instance._exchange(self.name, value, made)
        return made

    def build_lazyref(self, value: object) -> PythonValue:
        """Return the :class:`LazyReference` of a document, DBRef or primary key."""
        if isinstance(value, LazyReference):
            return _rebuilt(self, value)
        if value is None:
            return None
        cls, key = self.document_type, value
        if isinstance(value, cls):
            key = value.pk
        elif isinstance(value, DBRef):
            key = value.id
        return _lazy_reference(self, cls, key)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return a `LazyReference` of a primary key."""
        if value is None or isinstance(value, (DBRef, ChangeTracking)):
            return value
        cls = self.document_type
        key = self._key_field().to_python(value)
        return LazyReference(cls, key, passthrough=self.passthrough)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the primary key, or the DBRef, of a document or a reference to one."""
        if value is None:
            return None
        cls = self.document_type
        key = value
        if isinstance(value, DBRef):
            key = value.id
        elif isinstance(value, cls):
            key = value.pk
        key = key_field(cls).to_mongo(key)
        if self.dbref:
            return DBRef(cls._get_collection_name(), key)
        return key

    def _raw_dumper(self) -> Dump | None:
        if self.dbref or self._load_can_fail:
            return None
        id_field = self._key_field()
        unchanged = id_field._loads_unchanged & id_field._dumps_unchanged
        return lambda raw: raw if raw.__class__ in unchanged else None

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        if value is None:
            return None
        super().prepare_query_value(op, value)
        return self.to_mongo(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the collection that is referred to; a document has to be saved."""
        if value is None:  # in a list or dict
            return
        cls = self.document_type
        collection = cls._get_collection_name()
        if isinstance(value, LazyReference):
            if value.collection != collection:
                self.error(f"Reference must be on a `{cls}` document.")
            key = value.pk
        elif isinstance(value, cls):
            key = value.pk
        elif isinstance(value, DBRef):
            if value.collection != collection:
                self.error(f"DBRef on bad collection (must be on `{collection}`)")
            key = value.id
        else:
            key = self._validated_key(cls, value)
        if key is None:
            self.error(unsaved_text(cls))

    def _validated_key(self, cls: type[BaseDocument], value: object) -> object:
        id_field = key_field(cls)
        try:
            id_field.validate(value)
        except ValidationError:
            name = cls.__name__
            self.error(
                f"value should be `{name}` document, LazyReference or DBRef on "
                f"`{name}` or `{name}`'s primary key "
                f"(i.e. `{type(id_field).__name__}`)"
            )
        return value


if TYPE_CHECKING:

    class _GenericReferenceField(
        Followed[LazyReference[Any], StoredDocument | DBRef, OrNone]
    ):
        """The base of `GenericLazyReferenceField`, whose values are references."""

        choices: list[str]

else:
    _GenericReferenceField = GenericReferenceField


class GenericLazyReferenceField(_GenericReferenceField[OrNone]):
    """A field for a document of any collection that is loaded when asked for.

    Reading it gives a
    :class:`~mongoengine.base.datastructures.LazyReference`.

    :param passthrough: load the document when an attribute of the reference is
        read.
    :param choices: the classes that are allowed, or their names.
    :raises ValidationError: if a choice is neither.
    """

    @overload
    def __init__(
        self: GenericLazyReferenceField[Never],
        db_field: str | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericLazyReferenceField[Never],
        db_field: str | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericLazyReferenceField[Never],
        db_field: str | None = None,
        *,
        default: Default[StoredDocument],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericLazyReferenceField[None],
        db_field: str | None = None,
        **options: object,
    ) -> None: ...
    def __init__(self, *args: PassedOn, **kwargs: PassedOn) -> None:
        self.passthrough = kwargs.pop("passthrough", False)
        super().__init__(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(
        self, instance: object, owner: object
    ) -> LazyReference[Any] | OrNone: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        value = self._read(instance)
        made = self.build_lazyref(value)
        if made is not None:
            made = instance._exchange(self.name, value, made)
        return made

    def build_lazyref(self, value: object) -> PythonValue:
        """Return the :class:`LazyReference` of a document or a stored reference."""
        if isinstance(value, LazyReference):
            return _rebuilt(self, value)
        if isinstance(value, dict):
            cls, key = _DocumentRegistry.get(value["_cls"]), value["_ref"].id
        elif is_document(value):
            cls, key = type(value), value.pk
        else:
            return value
        return _lazy_reference(self, cls, key)

    def _validate_choices(self, value: object) -> None:
        if isinstance(value, LazyReference):
            value = value.document_type._class_name
        super()._validate_choices(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        if isinstance(value, LazyReference) and value.pk is None:
            self.error(unsaved_text(value.document_type))
        super().validate(value, clean)

    def to_mongo(self, document: Any) -> RawValue:
        if isinstance(document, LazyReference):
            cls = document.document_type
            reference = DBRef(cls._get_collection_name(), document.pk)
            return SON((("_cls", cls._class_name), ("_ref", reference)))
        return super().to_mongo(document)
