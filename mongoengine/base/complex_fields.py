"""The field of lists and dicts: items, references in them, and their tracking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, overload

from bson import DBRef

from mongoengine.base.bson_types import NO_TYPES, PLAIN
from mongoengine.base.codec import Proof, each
from mongoengine.base.container_readers import (
    container_reader,
    first_reader,
    get_tracked,
)
from mongoengine.base.field import BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.overrides import library_methods, plain_methods
from mongoengine.base.plain import (
    copied,
    has_references,
    is_document,
    is_embedded,
    is_plain,
    shows_references,
)
from mongoengine.base.reading import Reader
from mongoengine.base.references import generic_reference, untyped_target
from mongoengine.base.strict import is_strict, note_lazy_reference
from mongoengine.base.tracked import (
    BaseDict,
    BaseList,
    TrackedContainer,
)
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import (
    Assigned,
    Convert,
    Function,
    Instance,
    PassedOn,
    PythonValue,
    RawMapping,
    RawValue,
    Value,
)
from mongoengine.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Self

    from mongoengine.base.field import Child
    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.state import DocumentState
    from mongoengine.base.tracking import Marks

__all__ = ("ComplexBaseField",)

UNSAVED_REFERENCE = (
    "You can only reference documents once they have been saved to the database"
)


class ComplexBaseField(BaseField[Value, Assigned]):
    """A field whose values are lists or dicts, of items of one field or of any.

    Reading it gives a list or dict that notes its changes in the document, with
    references followed.
    """

    _dumps_inside = True

    _is_container = True

    # `has_references` finds the references in raw values; None before that was asked.
    _references_show: bool | None = None

    def __init__(self, field: BaseField | None = None, **kwargs: PassedOn) -> None:
        if field is not None and not isinstance(field, BaseField):
            raise TypeError(
                "field argument must be a Field instance "
                f"(e.g {type(self).__name__}(StringField()))"
            )
        super().__init__(**kwargs)
        self.field = field

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: object) -> Value: ...
        def __get__(self, instance: Instance, owner: Instance) -> PythonValue: ...

    else:
        # A container is tracked, and its references are followed, when it is read.
        __get__ = get_tracked

    def _reader(self) -> Reader:
        return container_reader(self)

    def _first_reader(self) -> Reader:
        """Return the function that makes the tracked container of a raw value.

        It returns MISSING where the value needs conversion or has references.
        """
        return first_reader(self)

    def _converted(self, instance: Any) -> PythonValue:
        """Convert the value, where `_first_reader` cannot do it."""
        value = instance._touch(self)
        if self._may_refer and self._is_free(instance._raw):
            value = self._tracked(instance, value)
        return value

    def _is_free(self, raw: RawMapping) -> bool:
        """Return whether the field's value in a raw document has no references."""
        show = self._references_show
        if raw is None or not (self._shows_references() if show is None else show):
            return False
        value = raw.get(self.db_field)
        return isinstance(value, (dict, list)) and not has_references(value)

    def _shows_references(self) -> bool:
        """Return whether all references in raw values can be seen there."""
        if self._references_show is None:
            self._references_show = shows_references(self)
        return self._references_show

    def __set__(self, instance: Instance, value: Assigned | None) -> None:
        converts = getattr(self.field, "_converts_on_set", False)
        if converts and self.field is not None:
            items: PythonValue = value
            if isinstance(value, (list, tuple)):
                items = [self.field.to_python(item) for item in value]
            elif isinstance(value, dict):
                items = {k: self.field.to_python(item) for k, item in value.items()}
            value = items
        super().__set__(instance, value)

    def _track(self, instance: DocumentState, value: object) -> PythonValue:
        """Wrap a list or dict so that changes are noted; follow its references."""
        value = self._tracked(instance, value, self._may_refer)
        if (
            instance._initialised
            and isinstance(value, TrackedContainer)
            and not value._dereferenced
        ):
            value = self._dereferenced_value(instance, value)
        return value

    def _tracked(
        self, instance: DocumentState, value: object, may_refer: bool = False
    ) -> PythonValue:
        """Wrap a list or dict so that changes are noted, and keep it."""
        tracked: object
        if isinstance(value, (list, tuple)):
            wanted = self._list_class()
            if isinstance(value, wanted):
                return value
            tracked = wanted(value, instance, self.name)
        elif isinstance(value, dict) and not isinstance(value, BaseDict):
            tracked = BaseDict(value, instance, self.name)
        else:
            return value
        tracked._dereferenced = not may_refer
        return instance._exchange(self.name, value, tracked)

    def _list_class(self) -> type[BaseList[object]]:
        return BaseList

    def _dereferenced_value(self, instance: Any, value: PythonValue) -> PythonValue:
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
            value._make_awaitable(self.field)
            return value
        if is_strict() and _has_unloaded(value, self.field):
            note_lazy_reference(type(instance).__name__, self.name)
        followed = self._lazy_load_refs(
            instance=instance, name=self.name, ref_values=value, max_depth=1
        )
        if isinstance(followed, (BaseList, BaseDict)):
            followed._dereferenced = True
        return instance._exchange(self.name, value, followed)

    #: Whether dumping a value changes the order of its items.
    _sorts: ClassVar[bool] = False

    def _prepare(self) -> None:
        super()._prepare()
        inner = self.field
        self._loads_inside = library_methods(type(self), "to_python")
        # The field's own conversions leave plain data of any depth as it is.
        self._untyped = (
            plain_methods(type(self))
            and not self._sorts
            and (inner is None or inner._untyped)
        )

    @property
    def _inner(self) -> BaseField | None:
        return self.field

    def _register_delete_rule(self, cls: object, name: str) -> None:
        if self.field is not None and not self.field._is_container:
            self.field._register_delete_rule(cls, name)

    def _target_of(self, value: object) -> ReferenceTarget | None:
        return untyped_target(value) if self.field is None else None

    def _children(self, value: object) -> Iterable[Child]:
        inner = self.field
        if isinstance(value, dict):
            return ((key, inner, item) for key, item in [*dict.items(value)])
        if isinstance(value, list):
            return ((i, inner, v) for i, v in enumerate(list.__iter__(value)))
        if isinstance(value, tuple):
            return ((i, inner, v) for i, v in enumerate(value))
        return ()

    def _dump_item(self, value: object) -> RawValue:
        return self._dump_untyped(value, True, None)

    def _holds_references(self) -> bool:
        """Return whether a value of this field may have references in it."""
        inner: BaseField | None = self.field
        while inner is not None and inner._is_container:
            inner = inner._inner
        if inner is None or inner._is_reference:
            return True
        return bool(inner._embedded_holds_references() or inner._holds_references())

    #: Follow the references in a list or dict; set by `operations.attached`.
    _lazy_load_refs: ClassVar[Function]

    def to_python(self, value: RawValue) -> PythonValue:
        """Convert every item; lists stay lists, mappings become dicts."""
        if value.__class__ is list and self.field is not None:
            return self._list_to_python(value)
        if self.field is None:
            copy = copied(value)
            if copy is not None:
                return copy
        if isinstance(value, str):
            return value
        if hasattr(value, "to_python"):
            return value.to_python()
        if isinstance(value, (BaseDict, ChangeTracking)):
            # A tracked dict has been converted before.
            return value
        items = _items_of(value)
        if items is None:
            return value
        if self.field is not None:
            convert = self.field.to_python
            converted = {key: convert(item) for key, item in items}
        else:
            converted = {key: self._untyped_to_python(item) for key, item in items}
        return converted if _is_mapping(value) else _in_order(converted)

    def _list_to_python(self, items: list[object]) -> list[object]:
        inner: Any = self.field
        unchanged = inner._loads_unchanged
        if unchanged and unchanged.issuperset(map(type, items)):
            return items[:]
        return inner._convert_items(items)  # type: ignore[no-any-return]

    def _untyped_to_python(self, item: object) -> PythonValue:
        if item.__class__ in PLAIN:
            return item
        if is_document(item):
            return self._document_as_reference(item)
        if hasattr(item, "to_python"):
            return item.to_python()
        return self.to_python(item)

    def _from_argument(
        self, value: PythonValue, document: DocumentState
    ) -> PythonValue:
        if self.field is None or self._loads_as_it_is(value):
            copy = copied(value)
            if copy is not None:
                return copy
        return super()._from_argument(value, document)

    def _argument(self) -> Argument:
        inner = self.field
        if not self._takes_here():
            return super()._argument()
        if inner is None:
            return Argument(NO_TYPES, copied, None, None)
        return self._argument_of_items(inner._argument())

    def _argument_of_items(self, inner: Argument) -> Argument:
        """Return which values the constructor takes at once, given those of items."""
        return Argument(NO_TYPES, None, None, None)

    def _loads_as_it_is(self, value: PythonValue) -> bool:
        inner = self.field
        if inner is None or not self._loads_inside:
            return False
        if value.__class__ is list:
            items: PythonValue = value
        elif value.__class__ is dict:
            items = value.values()
        else:
            return value is None
        unchanged = inner._loads_unchanged
        for item in items:
            if item.__class__ not in unchanged:
                break
        else:
            return True
        return inner._is_container and all(map(inner._loads_as_it_is, items))

    def _items_load_proof(self) -> Proof | None:
        proof = self._load_proof()
        return None if proof is None else each(proof)

    def _from_raw(self, value: object) -> PythonValue:
        if self.field is None and value.__class__ in (list, dict):
            return value
        return self.to_python(value)

    def _document_as_reference(self, document: Any) -> DBRef:
        if document.pk is None:
            self.error(UNSAVED_REFERENCE)
        return DBRef(document._get_collection_name(), document.pk)

    def to_mongo(
        self,
        value: PythonValue,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        """Dump every item; documents become references."""
        if isinstance(value, list):
            listed = self._dump_list(value, use_db_field, fields)
            if listed is not None:
                return listed
        elif isinstance(value, str):
            return value
        elif self.field is None:
            copy = copied(value)
            if copy is not None:
                return copy
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

    def _as_stored(self, value: PythonValue) -> PythonValue:
        inner = self.field
        if inner is None:
            copy = copied(value)
            return self.to_mongo(value) if copy is None else copy
        unchanged, dump = inner._dumps_unchanged, inner._dump_value
        if isinstance(value, list):
            return [
                item if item.__class__ in unchanged else dump(item)
                for item in list.__iter__(value)
            ]
        if isinstance(value, dict):
            return {
                key: item if item.__class__ in unchanged else dump(item)
                for key, item in [*dict.items(value)]
            }
        return self.to_mongo(value)

    def _wire(self, value: object, marks: Marks) -> RawValue:
        inner = self.field
        if inner is not None and value.__class__ is list:
            if inner._dumps_unchanged.issuperset(map(type, value)):
                return value
        elif inner is None and is_plain(value):
            return value
        return super()._wire(value, marks)

    def _dump_list(
        self, items: list[PythonValue], use_db_field: bool, fields: Iterable[str] | None
    ) -> list[PythonValue] | None:
        """Return the dump of a list of plain data or documents, or None."""
        inner: BaseField | None = self.field
        if inner is None:
            copy: list[PythonValue] | None = copied(items)
            return copy
        if inner._dumps_unchanged.issuperset(map(type, list.__iter__(items))):
            return list(list.__iter__(items))
        if inner._embedded_class is not None:
            dump = inner._to_mongo_safe_call
            return [dump(item, use_db_field, fields) for item in list.__iter__(items)]
        return None

    def _dump_document(
        self, value: PythonValue, use_db_field: bool, fields: Iterable[str] | None
    ) -> RawValue:
        if is_document(value):
            return generic_reference(value)
        dumped = value.to_mongo(use_db_field=use_db_field, fields=fields)
        if is_embedded(value):
            dumped["_cls"] = type(value)._class_name
        return dumped

    def _dump_untyped(
        self, item: object, use_db_field: bool, fields: Iterable[str] | None
    ) -> RawValue:
        if is_document(item):
            return self._dump_stray_document(item)
        if hasattr(item, "to_mongo"):
            dumped = item.to_mongo(use_db_field, fields)
            if is_embedded(item):
                dumped["_cls"] = type(item)._class_name
            return dumped
        return self.to_mongo(item, use_db_field, fields)

    def _dump_stray_document(self, document: Any) -> RawValue:
        if document.pk is None:
            self.error(UNSAVED_REFERENCE)
        # A class without subclasses stores no `_cls`: the reference has to tell it.
        if not document._meta.get("allow_inheritance"):
            return generic_reference(document)
        return DBRef(document._get_collection_name(), document.pk)

    def validate(self, value: PythonValue) -> None:  # type: ignore[override]
        """Validate every item; errors are collected by index or key."""
        errors: dict[object, object] = {}
        if self.field is not None and not self._items_are_valid(value):
            items = value.items() if _is_mapping(value) else enumerate(value)
            for key, item in items:
                try:
                    self.field._validate(item)
                except ValidationError as failure:
                    errors[key] = failure.errors or failure
                except (ValueError, AssertionError) as failure:
                    errors[key] = failure
        if errors:
            field_class = type(self.field).__name__
            self.error(f"Invalid {field_class} item ({value})", errors=errors)
        if self.required and not value:
            self.error("Field is required and cannot be empty")

    def _value_validator(self) -> Proof | None:
        if not self._is_validated_here():
            return None
        if self.field is None:
            return self._container_validator(None)
        items = _items_validator(self.field)
        return None if items is None else self._container_validator(items)

    def _container_validator(self, items: Proof | None) -> Proof | None:
        """Return a test that is true of valid lists or dicts, or None.

        :param items: a test that is true of valid items; None if all items are valid.
        """
        return None

    def _items_are_valid(self, value: object) -> bool:
        """Return whether the types of the items alone show that they are valid."""
        surely = self.field._surely_valid if self.field is not None else ()
        if not surely or not isinstance(value, list):
            return False
        return surely.issuperset(map(type, list.__iter__(value)))

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        return self.to_mongo(value)

    def lookup_member(self, member_name: str) -> Any:
        """Return the field behind a name inside the items, for queries."""
        inner: Any = self.field
        return None if inner is None else inner.lookup_member(member_name)

    def _set_owner_document(self, owner_document: object) -> None:
        if self.field is not None:
            self.field.owner_document = owner_document
        self._owner_document = owner_document


def _items_validator(inner: BaseField) -> Proof | None:
    """Return a test that is true of valid items of a converted value, or None."""
    surely, proof = inner._surely_valid, inner._value_validator()
    if not surely and proof is None:
        return None

    def valid(items: Iterable[object]) -> bool:
        for item in items:
            if item.__class__ not in surely and (proof is None or not proof(item)):
                return False
        return True

    return valid


def _items_of(value: PythonValue) -> list[tuple[Hashable, PythonValue]] | None:
    """Return the keys and values of a mapping, or of an iterable by index."""
    if _is_mapping(value):
        return list(value.items())
    try:
        return list(enumerate(value))
    except TypeError:
        return None


def _is_mapping(value: object) -> bool:
    return hasattr(value, "items")


def _in_order(converted: dict[Hashable, PythonValue]) -> list[PythonValue]:
    return list(converted.values())


def _has_unloaded(value: PythonValue, inner: BaseField | None) -> bool:
    """Return whether a container has references that are to be loaded."""
    items = value.values() if isinstance(value, dict) else value
    deeper = None if inner is None else inner._inner
    for item in items:
        if isinstance(item, ChangeTracking):
            continue
        if isinstance(item, DBRef) or (isinstance(item, dict) and "_ref" in item):
            return True
        if isinstance(item, (list, dict, tuple)) and _has_unloaded(item, deeper):
            return True
    return False


def _build_items(items: list[PythonValue], build: Convert) -> None:
    """Put lazy references into a list in the place of what they stand for."""
    for index, item in enumerate(list.__iter__(items)):
        built = build(item)
        if built is not item:
            list.__setitem__(items, index, built)
