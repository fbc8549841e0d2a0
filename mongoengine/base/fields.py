"""What every field is made of.

A field is a descriptor on a document class.  It converts between three forms of
a value: what the user assigns, what the document holds, and what MongoDB stores.
"""

from __future__ import annotations

import datetime
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar, overload

from bson import DBRef, ObjectId

from mongoengine.base import context
from mongoengine.base.common import UPDATE_OPERATORS
from mongoengine.base.context import (  # noqa: F401  (extensions look for it here)
    no_dereference_for_fields as _no_dereference_for_fields,
)
from mongoengine.base.datastructures import BaseDict, BaseList, EmbeddedDocumentList
from mongoengine.base.tracking import ChangeTracking
from mongoengine.common import _import_class
from mongoengine.errors import DeprecatedError, NotRegistered, ValidationError

if TYPE_CHECKING:
    from typing_extensions import Self


__all__ = ("BaseField", "ComplexBaseField", "GeoJsonBaseField", "ObjectIdField")

T = TypeVar("T")

NO_TYPES: frozenset[type] = frozenset()


class _Missing:
    """Stands for a value that is not there."""


MISSING: Any = _Missing()


class BaseField(Generic[T]):
    """A field of a document: a name, a conversion and a validation.

    :param db_field: the name under which MongoDB stores the field.
    :param required: a value must be there when the document is validated.
    :param default: the value, or a callable that makes it, where none is given.
    :param unique: no two documents may have the same value (makes an index).
    :param unique_with: field name or names with which the value is unique.
    :param primary_key: the field is the document's ``_id``.
    :param validation: a callable that is given the value and raises
        :class:`~mongoengine.errors.ValidationError`.
    :param choices: the allowed values, or pairs of value and label.
    :param null: store an explicit null instead of leaving the field out.
    :param sparse: leave documents without the field out of its unique index.
    """

    name: str = None  # type: ignore[assignment]
    _geo_index: ClassVar[Any] = False
    # SequenceField and the like make their own value when a document is saved.
    _auto_gen: ClassVar[bool] = False
    _thread_local_storage: ClassVar[Any] = None
    creation_counter: int = 0
    auto_creation_counter: int = -1

    # What the schema may skip; see docs/internals.rst.
    _load_as: ClassVar[frozenset[type]] = NO_TYPES
    _dump_as: ClassVar[frozenset[type]] = NO_TYPES
    _valid_types: ClassVar[frozenset[type]] = NO_TYPES
    _load_can_fail: ClassVar[bool] = False
    # The constructor hands a given value to `__set__` without `to_python`.
    _keeps_given: ClassVar[bool] = False
    # The constructor assigns the field where no value is given, too.
    _set_when_made: bool = False

    # What `schema.prepare_field` makes of them for one field.
    _loads_unchanged: frozenset[type] = NO_TYPES
    _dumps_unchanged: frozenset[type] = NO_TYPES
    _surely_valid: frozenset[type] = NO_TYPES
    _user_converted: bool = False
    _plainly_set: bool = True
    _may_refer: bool = True
    _convert: Callable[[Any], Any]

    def __init__(
        self,
        db_field: str | None = None,
        required: bool = False,
        default: Any = None,
        unique: bool = False,
        unique_with: str | Sequence[str] | None = None,
        primary_key: bool = False,
        validation: Callable[[Any], None] | None = None,
        choices: Any = None,
        null: bool = False,
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        self._dereferences = True
        self._owner_document: Any = None
        self.db_field: str = "_id" if primary_key else db_field  # type: ignore[assignment]
        _check_db_field(self.db_field)
        # What a value may be.
        self.null, self.default = null, default
        self.required = primary_key or required
        self.choices, self.validation = choices, validation
        # What it is among other documents.
        self.primary_key = primary_key
        self.unique, self.unique_with = bool(unique or unique_with), unique_with
        self.sparse = sparse
        if kwargs:
            self._take_extras(kwargs)
        self._count_up()

    def _take_extras(self, extras: dict[str, Any]) -> None:
        """Further keywords become attributes, for the user's own purposes."""
        taken = extras.keys() & set(dir(self))
        if taken:
            raise TypeError(
                f"{type(self).__name__} already has attribute(s): {', '.join(taken)}"
            )
        vars(self).update(extras)

    def _count_up(self) -> None:
        """Number the fields as they are declared; ids count down and come first."""
        if self.db_field == "_id":
            self.creation_counter = BaseField.auto_creation_counter
            BaseField.auto_creation_counter = self.creation_counter - 1
        else:
            self.creation_counter = BaseField.creation_counter
            BaseField.creation_counter = self.creation_counter + 1

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        """The field itself from the class, the converted value from a document."""
        if instance is None:
            return self
        value = instance._values.get(self.name, MISSING)
        if value is not MISSING:
            return value
        raw = instance._raw
        if raw is not None:
            value = raw.get(self.db_field)
            if value.__class__ in self._loads_unchanged:
                return value
        return instance._touch(self)

    def __set__(self, instance: Any, value: Any) -> None:
        """Take a new value, mark it as changed where it differs from the old."""
        if value is None and not self.null and self.default is not None:
            value = self.default
            if callable(value):
                value = value()
        if instance._initialised:
            instance._note_assignment(self, value)
        if not isinstance(value, SCALARS):
            adopt(instance, value)
        instance._put(self.name, value)

    def _read(self, instance: Any) -> Any:
        """The value as it is held, without whatever `__get__` adds to it."""
        value = instance._values.get(self.name, MISSING)
        return instance._touch(self) if value is MISSING else value

    def error(
        self,
        message: str = "",
        errors: Mapping[Any, Any] | None = None,
        field_name: str | None = None,
    ) -> NoReturn:
        """Raise a :class:`~mongoengine.errors.ValidationError` for this field."""
        raise ValidationError(
            message, errors=errors, field_name=field_name or self.name
        )

    def to_python(self, value: Any) -> Any:
        """Convert what MongoDB stores into what the document holds."""
        return value

    def to_mongo(self, value: Any) -> Any:
        """Convert what the document holds into what MongoDB stores."""
        return self.to_python(value)

    def _to_mongo_safe_call(
        self,
        value: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        """Call `to_mongo` with as much as its signature takes."""
        extra: dict[str, Any] = {}
        accepted = _parameters_of(self.to_mongo)
        if fields and "fields" in accepted:
            extra["fields"] = fields
        if "use_db_field" in accepted:
            extra["use_db_field"] = use_db_field
        return self.to_mongo(value, **extra)

    def _from_raw(self, value: Any) -> Any:
        """`to_python` for a value that nobody else holds: it may be kept as it is."""
        return self.to_python(value)

    def _raw_dumper(self) -> Callable[[Any], Any] | None:
        """A function from a raw value to its dump, None where it cannot tell."""
        return None

    def _raw_validator(self) -> Callable[[Any], bool] | None:
        """A function that is true of a raw value that is valid beyond doubt."""
        return None

    def _holds_references(self) -> bool:
        """Whether a value of this field may have references in it."""
        return False

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        """Convert a value of a keyword query; `op` is the operator's name."""
        if op in UPDATE_OPERATORS:
            self.validate(value)
        return value

    def validate(self, value: Any, clean: bool = True) -> None:
        """Raise a :class:`~mongoengine.errors.ValidationError` for a bad value."""

    def _is_unconstrained(self) -> bool:
        """True where `validate` accepts every value of `_valid_types`."""
        return True

    def _validate_choices(self, value: Any) -> None:
        allowed = self.choices
        if isinstance(next(iter(allowed)), (list, tuple)):
            allowed = [choice for choice, _ in allowed]
        if isinstance(value, _document_classes()):
            if not any(isinstance(value, choice) for choice in allowed):
                # Upstream formats a tuple of one class as that class.
                told = allowed[0] if _is_single(allowed) else allowed
                self.error(f"Value must be an instance of {told}")
            return
        given = value if isinstance(value, (list, tuple)) else [value]
        if set(given) - set(allowed):
            self.error(f"Value must be one of {allowed}")

    def _validate(self, value: Any, **kwargs: Any) -> None:
        """Check choices, the `validation` callable and `validate`, in that order."""
        if self.choices:
            self._validate_choices(value)
        if self.validation is not None:
            self._run_validation(self.validation, value)
        self.validate(value, **kwargs)

    def _run_validation(self, check: Any, value: Any) -> None:
        if not callable(check):
            raise ValueError(
                f'validation argument for `"{self.name}"` must be a callable.'
            )
        try:
            answer = check(value)
            if answer is not None:
                raise DeprecatedError(
                    f"validation argument for `{self.name}` must not return anything, "
                    "it should raise a ValidationError if validation fails"
                )
        except ValidationError as failure:
            self.error(str(failure))

    @property
    def owner_document(self) -> Any:
        """The document class that declares the field."""
        return self._owner_document

    @owner_document.setter
    def owner_document(self, owner_document: Any) -> None:
        self._set_owner_document(owner_document)

    def _set_owner_document(self, owner_document: Any) -> None:
        self._owner_document = owner_document

    @property
    def _auto_dereference(self) -> bool:
        """Whether touching the field follows references, here and now."""
        return self._dereferences and not context.dereferencing_of_field_is_off(self)

    def set_auto_dereferencing(self, value: bool) -> None:
        """Follow references (or not) when this field is touched."""
        self._dereferences = value


class ComplexBaseField(BaseField[T]):
    """A field whose values are lists or dicts, of items of one field or of any.

    Reading it gives a list or dict that notes its changes in the document, with
    references followed.
    """

    def __init__(self, field: BaseField[Any] | None = None, **kwargs: Any) -> None:
        if field is not None and not isinstance(field, BaseField):
            raise TypeError(
                "field argument must be a Field instance "
                f"(e.g {type(self).__name__}(StringField()))"
            )
        super().__init__(**kwargs)
        self.field = field

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        value = instance._values.get(self.name, MISSING)
        if value is MISSING:
            value = self._tracked_raw(instance)
            if value is MISSING:
                value = instance._touch(self)
        if value.__class__ in TRACKED and value._dereferenced:
            return value
        return self._track(instance, value)

    def _tracked_raw(self, instance: Any) -> Any:
        """The tracked container of an untouched raw value, where that is simple."""
        raw = instance._raw
        if raw is None:
            return MISSING
        value = raw.get(self.db_field)
        if not self._is_taken_as_stored(value):
            return MISSING
        wrap: Any = BaseDict if value.__class__ is dict else self._list_class()
        value = wrap(value, instance, self.name)
        value._dereferenced = True
        instance._put(self.name, value)
        return value

    def _is_taken_as_stored(self, value: Any) -> bool:
        """Whether a raw value needs neither conversion nor dereferencing."""
        inner = self.field
        if value.__class__ is list:
            if inner is None:
                return not has_references(value)
            unchanged = inner._loads_unchanged
            return not self._may_refer and unchanged.issuperset(map(type, value))
        return value.__class__ is dict and inner is None and not has_references(value)

    def __set__(self, instance: Any, value: Any) -> None:
        converts = getattr(self.field, "_converts_on_set", False)
        if converts and self.field is not None:
            if isinstance(value, (list, tuple)):
                value = [self.field.to_python(item) for item in value]
            elif isinstance(value, dict):
                value = {k: self.field.to_python(item) for k, item in value.items()}
        super().__set__(instance, value)

    def _track(self, instance: Any, value: Any) -> Any:
        """Wrap a list or dict so that changes are noted; follow its references."""
        if isinstance(value, (list, tuple)):
            wanted = self._list_class()
            if not isinstance(value, wanted):
                value = wanted(value, instance, self.name)
                if not self._may_refer:
                    value._dereferenced = True
                instance._put(self.name, value)
        elif isinstance(value, dict):
            if not isinstance(value, BaseDict):
                value = BaseDict(value, instance, self.name)
                if not self._may_refer:
                    value._dereferenced = True
                instance._put(self.name, value)
        else:
            return value
        if instance._initialised and not value._dereferenced:
            value = self._dereferenced_value(instance, value)
        return value

    def _list_class(self) -> type[BaseList[Any]]:
        return BaseList

    def _dereferenced_value(self, instance: Any, value: Any) -> Any:
        """Follow the references in a tracked value, where that is asked for."""
        if not value:
            value._dereferenced = True
            return value
        build = getattr(self.field, "build_lazyref", None)
        if build is not None and isinstance(value, list):
            _build_items(value, build)
            return value
        if not instance._follows_references(self):
            return value
        if self.field is None and not has_references(value):
            value._dereferenced = True
            return value
        if instance._is_awaited():
            return value
        followed = self._lazy_load_refs(
            instance=instance, name=self.name, ref_values=value, max_depth=1
        )
        if isinstance(followed, (BaseList, BaseDict)):
            followed._dereferenced = True
        instance._put(self.name, followed)
        return followed

    def _holds_references(self) -> bool:
        """Whether a value of this field may have references in it."""
        inner: Any = self.field
        while isinstance(inner, ComplexBaseField):
            inner = inner.field
        if isinstance(inner, _import_class("EmbeddedDocumentField")):
            return _embedded_holds_references(inner)
        return inner is None or isinstance(inner, _reference_fields())

    @staticmethod
    def _lazy_load_refs(
        instance: Any, name: str, ref_values: Any, *, max_depth: int
    ) -> Any:
        dereference = _import_class("DeReference")()
        return dereference(
            ref_values, max_depth=max_depth, instance=instance, name=name
        )

    def to_python(self, value: Any) -> Any:
        """Convert every item; lists stay lists, mappings become dicts."""
        if isinstance(value, str):
            return value
        if hasattr(value, "to_python"):
            return value.to_python()
        if isinstance(value, (BaseDict, *_document_classes())):
            # A tracked dict has been converted before.
            return value
        if value.__class__ is list and self.field is not None:
            return self._list_to_python(value)
        items = _items_of(value)
        if items is None:
            return value
        if self.field is not None:
            convert = self.field.to_python
            converted = {key: convert(item) for key, item in items}
        else:
            converted = {key: self._untyped_to_python(item) for key, item in items}
        return converted if _is_mapping(value) else _in_order(converted)

    def _list_to_python(self, items: list[Any]) -> list[Any]:
        inner: Any = self.field
        unchanged = inner._loads_unchanged
        if unchanged and unchanged.issuperset(map(type, items)):
            return items[:]
        return [inner.to_python(item) for item in items]

    def _untyped_to_python(self, item: Any) -> Any:
        if item.__class__ in PLAIN:
            return item
        if isinstance(item, _document_classes()[0]):
            return self._document_as_reference(item)
        if hasattr(item, "to_python"):
            return item.to_python()
        return self.to_python(item)

    def _from_raw(self, value: Any) -> Any:
        if self.field is None and value.__class__ in (list, dict):
            return value
        return self.to_python(value)

    def _document_as_reference(self, document: Any) -> DBRef:
        if document.pk is None:
            self.error(UNSAVED_REFERENCE)
        return DBRef(document._get_collection_name(), document.pk)

    def to_mongo(
        self,
        value: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        """Dump every item; documents become references."""
        if isinstance(value, str):
            return value
        if hasattr(value, "to_mongo"):
            return self._dump_document(value, use_db_field, fields)
        items = _items_of(value)
        if items is None:
            return value
        if self.field is not None:
            dump = self.field._to_mongo_safe_call
            dumped = {key: dump(item, use_db_field, fields) for key, item in items}
        else:
            dumped = {
                key: self._dump_untyped(item, use_db_field, fields)
                for key, item in items
            }
        return dumped if _is_mapping(value) else _in_order(dumped)

    def _dump_document(
        self, value: Any, use_db_field: bool, fields: Iterable[str] | None
    ) -> Any:
        documents = _document_classes()
        if isinstance(value, documents[0]):
            return _import_class("GenericReferenceField")().to_mongo(value)
        dumped = value.to_mongo(use_db_field=use_db_field, fields=fields)
        if isinstance(value, documents[1]):
            dumped["_cls"] = type(value)._class_name
        return dumped

    def _dump_untyped(
        self, item: Any, use_db_field: bool, fields: Iterable[str] | None
    ) -> Any:
        documents = _document_classes()
        if isinstance(item, documents[0]):
            return self._dump_stray_document(item)
        if hasattr(item, "to_mongo"):
            dumped = item.to_mongo(use_db_field, fields)
            if isinstance(item, documents[1]):
                dumped["_cls"] = type(item)._class_name
            return dumped
        return self.to_mongo(item, use_db_field, fields)

    def _dump_stray_document(self, document: Any) -> Any:
        if document.pk is None:
            self.error(UNSAVED_REFERENCE)
        # A class without subclasses stores no `_cls`: the reference has to tell it.
        if not document._meta.get("allow_inheritance"):
            return _import_class("GenericReferenceField")().to_mongo(document)
        return DBRef(document._get_collection_name(), document.pk)

    def validate(self, value: Any) -> None:  # type: ignore[override]
        """Validate every item; errors are collected by index or key."""
        errors: dict[Any, Any] = {}
        if self.field is not None:
            items = value.items() if _is_mapping(value) else enumerate(value)
            for key, item in items:
                try:
                    self.field._validate(item)
                except ValidationError as failure:
                    errors[key] = failure.errors or failure
                except (ValueError, AssertionError) as failure:
                    errors[key] = failure
        if errors:
            kind = type(self.field).__name__
            self.error(f"Invalid {kind} item ({value})", errors=errors)
        if self.required and not value:
            self.error("Field is required and cannot be empty")

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        return self.to_mongo(value)

    def lookup_member(self, member_name: str) -> Any:
        """The field behind a name inside the items, for queries."""
        inner: Any = self.field
        return None if inner is None else inner.lookup_member(member_name)

    def _set_owner_document(self, owner_document: Any) -> None:
        if self.field is not None:
            self.field.owner_document = owner_document
        self._owner_document = owner_document


class ObjectIdField(BaseField[ObjectId]):
    """A field for a BSON ObjectId: 12 bytes, or 24 hexadecimal digits."""

    _load_as = frozenset({ObjectId})
    _dump_as = frozenset({ObjectId})
    _valid_types = frozenset({ObjectId})

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, ObjectId):
            with suppress(Exception):
                return ObjectId(value)
        return value

    def to_mongo(self, value: Any) -> Any:
        if isinstance(value, ObjectId):
            return value
        try:
            return ObjectId(str(value))
        except Exception as failure:
            self.error(str(failure))

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if value is None:
            return value
        return self.to_mongo(value)

    def validate(self, value: Any, clean: bool = True) -> None:
        try:
            ObjectId(str(value))
        except Exception:
            self.error("Invalid ObjectID")


PLAIN = frozenset(
    {str, int, float, bool, bytes, type(None), ObjectId, datetime.datetime}
)
SCALARS = (str, int, float, bool, bytes, type(None), ObjectId)
TRACKED = frozenset({BaseList, BaseDict, EmbeddedDocumentList})
UNSAVED_REFERENCE = (
    "You can only reference documents once they have been saved to the database"
)


def adopt(parent: Any, value: Any) -> None:
    """Tell embedded documents (alone or in a list) whose they are now."""
    if isinstance(value, (list, tuple)):
        if PLAIN.issuperset(map(type, value)):
            return
        whose = None
        for item in value:
            if isinstance(item, ChangeTracking) and not item._is_document:
                if whose is None:
                    whose = weakref.proxy(parent)
                item._instance = whose
    elif isinstance(value, ChangeTracking) and not value._is_document:
        value._instance = weakref.proxy(parent)


def has_references(value: Any) -> bool:
    """Whether plain data holds, at any depth, something that stands for a document.

    That is a DBRef, a document, or a dict with `_cls` (an embedded document or a
    generic reference).
    """
    documents = _document_classes()
    waiting = [value]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict):
            if "_cls" in container or "_ref" in container:
                return True
            items: Iterable[Any] = dict.values(container)
        else:
            items = (
                list.__iter__(container) if isinstance(container, list) else container
            )
        for item in items:
            kind = item.__class__
            if kind in PLAIN:
                continue
            if isinstance(item, (dict, list, tuple)):
                waiting.append(item)
            elif isinstance(item, (DBRef, *documents)):
                return True
    return False


def _check_db_field(name: Any) -> None:
    if name is None:
        return
    if not isinstance(name, str):
        raise TypeError("db_field should be a string.")
    if "." in name or "\0" in name or name.startswith("$"):
        raise ValueError(
            'field names cannot contain dots (".") or null characters '
            '("\\0"), and they must not start with a dollar sign ("$").'
        )


def _items_of(value: Any) -> list[tuple[Any, Any]] | None:
    """The keys and values of a mapping, or of an iterable by index."""
    if _is_mapping(value):
        return list(value.items())
    try:
        return list(enumerate(value))
    except TypeError:
        return None


def _is_mapping(value: Any) -> bool:
    return hasattr(value, "items")


def _in_order(converted: dict[Any, Any]) -> list[Any]:
    return list(converted.values())


def _is_single(choices: Any) -> bool:
    return isinstance(choices, tuple) and len(choices) == 1


def _parameters_of(method: Any) -> tuple[str, ...]:
    code = getattr(method, "__code__", None)
    return code.co_varnames if code is not None else ()


def _document_classes() -> tuple[Any, Any]:
    return _import_class("Document"), _import_class("EmbeddedDocument")


def _reference_fields() -> tuple[type, ...]:
    return (
        _import_class("ReferenceField"),
        _import_class("GenericReferenceField"),
        _import_class("LazyReferenceField"),
    )


def _embedded_holds_references(field: Any) -> bool:
    """Whether documents of an embedded field may have references in them."""
    try:
        kind = field.document_type
    except NotRegistered:
        return True
    if kind is None or kind._dynamic or kind._meta.get("allow_inheritance"):
        return True
    followed = (ComplexBaseField, *_reference_fields()[:2])
    return any(isinstance(inner, followed) for inner in kind._fields.values())


def _build_items(items: list[Any], build: Callable[[Any], Any]) -> None:
    """Put lazy references into a list in the place of what they stand for."""
    for index, item in enumerate(list.__iter__(items)):
        built = build(item)
        if built is not item:
            list.__setitem__(items, index, built)


# At the end, as it is made of BaseField.
from mongoengine.base.geo import GeoJsonBaseField  # noqa: E402
