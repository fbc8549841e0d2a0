"""The field for documents of any collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, overload

from bson import SON, DBRef, ObjectId

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.plain import is_document, is_document_class
from mongoengine.base.proxies import AWAITABLE, AsyncLazyReference, AsyncReferenceProxy
from mongoengine.base.references import key_field, unsaved_text
from mongoengine.base.types import (
    Instance,
    OrNone,
    Owner,
    PassedOn,
    PythonValue,
    RawValue,
    Value,
)
from mongoengine.fields.following import Followed

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.types import Default, Yes

__all__ = ("GenericReferenceField",)


class GenericReferenceField(
    Followed["StoredDocument", "StoredDocument | DBRef", OrNone]
):
    """A field for a document of any collection; its class is stored with its key.

    :param choices: the classes that are allowed, or their names.
    :raises ValidationError: if a choice is neither.
    """

    _is_reference = True
    _is_followed = True

    _cascades = True
    _load_as = frozenset({dict, SON, DBRef, ObjectId})
    _dump_as = frozenset({dict, SON, DBRef, ObjectId})

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: Owner[Value], owner: object) -> Value | OrNone: ...
        @overload
        def __get__(
            self, instance: object, owner: object
        ) -> StoredDocument | OrNone: ...
        def __get__(self, instance: Instance, owner: object) -> PythonValue: ...

    @overload
    def __init__(
        self: GenericReferenceField[Never],
        db_field: str | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericReferenceField[Never],
        db_field: str | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericReferenceField[Never],
        db_field: str | None = None,
        *,
        default: Default[StoredDocument],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: GenericReferenceField[None],
        db_field: str | None = None,
        **options: object,
    ) -> None: ...
    def __init__(self, *args: PassedOn, **kwargs: PassedOn) -> None:
        choices = kwargs.pop("choices", None)
        super().__init__(*args, **kwargs)
        self.choices: list[str] = [self._choice(choice) for choice in choices or ()]

    def _choice(self, choice: Any) -> str:
        if isinstance(choice, str):
            return choice
        if not is_document_class(choice):
            self.error(
                "Invalid choices provided: must be a list of"
                "Document subclasses and/or str"
            )
        name: str = choice._class_name
        return name

    def _validate_choices(self, value: object) -> None:
        if isinstance(value, dict):
            value = value.get("_cls")
        elif is_document(value):
            value = value._class_name
        elif type(value) is AsyncReferenceProxy:
            value = value._type._class_name
        super()._validate_choices(value)

    def _target_of(self, value: object) -> ReferenceTarget | None:
        if not isinstance(value, dict):
            return None
        return _DocumentRegistry.get(value["_cls"]), value["_ref"]

    def _unwrapped(self, proxy: Any) -> PythonValue:
        if type(proxy) is AsyncLazyReference:
            return super()._unwrapped(proxy)
        value = proxy._document_or_value
        if isinstance(value, DBRef):
            return SON((("_cls", proxy._type._class_name), ("_ref", value)))
        return value

    def to_python(self, value: RawValue) -> PythonValue:
        return self._unwrapped(value) if type(value) in AWAITABLE else value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check for a saved document, or for a complete reference to one."""
        if type(value) is AsyncReferenceProxy:
            value = value._document_or_value
        is_reference = isinstance(value, dict)
        if not (is_reference or is_document(value) or isinstance(value, DBRef)) or (
            is_reference and not ("_ref" in value and "_cls" in value)
        ):
            self.error("GenericReferences can only contain documents")
        if is_document(value) and value.pk is None:
            self._refuse_unsaved(value)

    def _refuse_unsaved(self, document: object) -> NoReturn:
        self.error(unsaved_text(type(document)))

    def to_mongo(self, document: Any) -> RawValue:
        """Return the class and the DBRef of a document; references as they are."""
        if type(document) is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if document is None or isinstance(document, (dict, ObjectId, DBRef)):
            return document
        id_field = key_field(type(document))
        key = document
        if is_document(document):
            key = document.pk
            if key is None:
                self._refuse_unsaved(document)
        reference = DBRef(document._get_collection_name(), id_field.to_mongo(key))
        return SON((("_cls", document._class_name), ("_ref", reference)))

    def _condition(self, op: str | None, value: object) -> tuple[str, object]:
        """Compare the class and key, or the DBRef, or the key, as the value has it."""
        value = self.prepare_query_value(op, value)
        if isinstance(value, DBRef):
            return "_ref", value
        return ("_ref.$id" if isinstance(value, ObjectId) else ""), value

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        return None if value is None else self.to_mongo(value)
