"""Fields that hold other values: embedded documents, lists, dicts, anything."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from bson import SON

from mongoengine.base import upcalls
from mongoengine.base.awaiting import is_awaited
from mongoengine.base.bson_types import UNCHANGED
from mongoengine.base.codec import Dump, Proof, each
from mongoengine.base.common import _DocumentRegistry, class_named_in
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.embedded_list import EmbeddedDocumentList
from mongoengine.base.field import DO_NOTHING, BaseField
from mongoengine.base.overrides import plain_methods
from mongoengine.base.plain import (
    copied,
    is_document,
    is_embedded,
    is_embedded_class,
)
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.references import untyped_target
from mongoengine.base.sentinels import MISSING
from mongoengine.base.tracked import BaseDict, BaseList, TrackedContainer
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import Item, Never, OrNone
from mongoengine.driver.io import SYNC, run
from mongoengine.errors import InvalidDocumentError, InvalidQueryError, NotRegistered
from mongoengine.fields.text import StringField

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.tracking import Marks
    from mongoengine.base.types import Default, Yes

__all__ = (
    "DictField",
    "DynamicField",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "GenericEmbeddedDocumentField",
    "ListField",
    "MapField",
    "SortedListField",
)

E = TypeVar("E", bound="BaseDocument")

RECURSIVE_REFERENCE_CONSTANT = "self"


class EmbeddedDocumentField(BaseField[E, E, OrNone], Generic[E, OrNone]):
    """A field that holds an embedded document of one class.

    :param document_type: the class, its name, or ``"self"``.
    """

    _dumps_inside = True

    _embeds = True
    _passes_clean = True
    _load_can_fail = True

    @overload
    def __init__(
        self: EmbeddedDocumentField[E, Never],
        document_type: type[E],
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[E, Never],
        document_type: type[E],
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[E, Never],
        document_type: type[E],
        *,
        default: Default[E],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[E, None],
        document_type: type[E],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[Any, None],
        document_type: str,
        **options: object,
    ) -> None: ...
    def __init__(self, document_type: type[E] | str, **kwargs: Any) -> None:
        # Upstream's error for what is no class is that of issubclass().
        if not isinstance(document_type, str) and not (
            issubclass(document_type, ChangeTracking)
            and is_embedded_class(document_type)
        ):
            self.error(_NOT_EMBEDDED_CLASS)
        self.document_type_obj: Any = document_type
        super().__init__(**kwargs)

    def _prepare(self) -> None:
        super()._prepare()
        self._made_directly = plain_methods(type(self))

    @property
    def document_type(self) -> type[E]:
        """The class of the embedded documents, found by its name if need be."""
        kind = self.document_type_obj
        if isinstance(kind, str):
            if kind == RECURSIVE_REFERENCE_CONSTANT:
                found = self.owner_document
            else:
                found = _DocumentRegistry.get(kind)
            if not is_embedded_class(found):
                self.error(_NOT_EMBEDDED_CLASS)
            kind = self.document_type_obj = found
        resolved: type[E] = kind
        return resolved

    @property
    def _embedded_class(self) -> Any:
        try:
            return self.document_type
        except NotRegistered:
            return None

    @property
    def _stores_class(self) -> bool:
        cls = self._embedded_class
        return cls is not None and bool(cls._meta.get("allow_inheritance"))

    def _embedded_holds_references(self) -> bool:
        cls = self._embedded_class
        if cls is None or cls._dynamic or cls._meta.get("allow_inheritance"):
            return True
        return any(f._is_container or f._is_followed for f in cls._fields.values())

    @property
    def _takes_any_member(self) -> bool:
        return bool(getattr(self.document_type, "_dynamic", False))

    def _children(self, value: Any) -> Iterable[tuple[Any, Any, Any]]:
        return members_of(value)

    def to_python(self, value: Any) -> Any:
        kind = self.document_type
        if isinstance(value, kind):
            return value
        if not isinstance(value, dict):
            self.error(
                f"{self._place or type(self).__name__} takes documents of the class "
                f"{kind.__name__} and dicts of its fields, not {value!r}"
            )
        return kind._from_son(value, _auto_dereference=bool(self._dereferences))

    def _from_raw(self, value: Any) -> Any:
        kind = self.document_type
        if isinstance(value, kind):
            return value
        return kind._from_son(value, _auto_dereference=bool(self._dereferences))

    def _load_proof(self) -> Proof | None:
        cls = self._embedded_class
        if cls is None:
            return super()._load_proof()

        def proof(value: Any) -> bool:
            if value.__class__ is dict:
                surely: bool = cls._schema.load_plans.loads_surely(value)
                return surely
            return value is None

        return proof

    def _items_load_proof(self) -> Proof | None:
        cls = self._embedded_class
        if cls is None:
            return super()._items_load_proof()

        # Not its method: a change of the fields of a class makes another schema.
        return lambda value: bool(cls._schema.load_plans.all_load_surely(value))

    def _raw_dumper(self) -> Callable[[Any], Any]:
        def dump(value: Any) -> Any:
            if value.__class__ is not dict:
                return None
            return self.document_type._schema.dump_raw(value)

        return dump

    def _wire(self, value: Any, marks: Marks) -> Any:
        if value.__class__ is self.document_type_obj:
            return value._to_wire(marks)
        return super()._wire(value, marks)

    def _raw_validator(self) -> Callable[[Any], bool]:
        def valid(value: Any) -> bool:
            return value.__class__ is dict and self.document_type._schema.surely_valid(
                value
            )

        return valid

    def to_mongo(
        self,
        value: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        if not isinstance(value, self.document_type):
            return value
        return value.to_mongo(use_db_field, fields=fields)

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check the class and validate the embedded document."""
        kind = self.document_type
        if not isinstance(value, kind):
            self.error(
                "Invalid embedded document instance provided to an "
                "EmbeddedDocumentField"
            )
        value.validate(clean=clean)

    def lookup_member(self, member_name: str) -> Any:
        kind: Any = self.document_type
        for cls in _with_subclasses(kind):
            field = cls._fields.get(member_name)
            if field is not None:
                return field
        return None

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if isinstance(value, dict) and all(key.startswith("$") for key in value):
            return value  # operators, not an embedded document
        if value is not None and not isinstance(value, self.document_type):
            try:
                value = self.document_type._from_son(value)
            except ValueError:
                raise InvalidQueryError(
                    f"Querying the embedded document "
                    f"'{self.document_type._class_name}' failed, due to an invalid "
                    "query value"
                ) from None
        super().prepare_query_value(op, value)
        return None if value is None else self.to_mongo(value)


_NOT_EMBEDDED_CLASS = (
    "Invalid embedded document class provided to an EmbeddedDocumentField"
)


class GenericEmbeddedDocumentField(BaseField["BaseDocument", "BaseDocument", OrNone]):
    """A field that holds an embedded document of any class (stored with `_cls`)."""

    _dumps_inside = True

    _passes_clean = True
    _load_can_fail = True
    _holds_any_embedded = True

    _stores_class = True

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: GenericEmbeddedDocumentField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GenericEmbeddedDocumentField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GenericEmbeddedDocumentField[Never],
            db_field: str | None = None,
            *,
            default: Default[BaseDocument],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GenericEmbeddedDocumentField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: Any, **options: Any) -> None: ...

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        return super().prepare_query_value(op, self.to_mongo(value))

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict):
            if not isinstance(value.get("_cls"), str):
                self.error(
                    f"{self._place or type(self).__name__} takes embedded documents "
                    f'and dicts with a class as "_cls", not {value!r}'
                )
            kind = _DocumentRegistry.get(value["_cls"])
            value = kind._from_son(value, _auto_dereference=bool(self._dereferences))
        return value

    def _holds_references(self) -> bool:
        return True

    def _children(self, value: Any) -> Iterable[tuple[Any, Any, Any]]:
        return members_of(value)

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that it is an embedded document, and validate it."""
        chosen = self.choices
        if chosen and isinstance(value, SON):
            names = [choice._class_name for choice in chosen]
            if value["_cls"] in names:
                return
        if not is_embedded(value):
            self.error(
                "Invalid embedded document instance provided to an "
                "GenericEmbeddedDocumentField"
            )
        value.validate(clean=clean)

    def lookup_member(self, member_name: str) -> Any:
        for choice in self.choices or ():
            for cls in _with_subclasses(choice):
                field = cls._fields.get(member_name)
                if field is not None:
                    return field
        return None

    def to_mongo(
        self,
        document: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        if document is None:
            return None
        dumped = document.to_mongo(use_db_field, fields)
        if "_cls" not in dumped:
            dumped["_cls"] = document._class_name
        return dumped


class DynamicField(BaseField[Any]):
    """A field that takes any value MongoDB can store.

    It is what the fields of dynamic documents are made of.
    """

    _dumps_inside = True

    @property
    def _takes_any_member(self) -> bool:
        return True

    def __get__(self, instance: Any, owner: Any) -> Any:
        """Return the value; lists and dicts note their changes in the document."""
        value = super().__get__(instance, owner)
        if (
            instance is None
            or not isinstance(value, (dict, list))
            or isinstance(value, TrackedContainer)
        ):
            return value
        tracked: Any = BaseDict if isinstance(value, dict) else BaseList
        value = tracked(value, instance, self.name)
        value._dereferenced = True
        instance._put(self.name, value)
        return value

    def _load_proof(self) -> Proof:
        def proof(value: Any) -> bool:
            if not isinstance(value, dict) or "_cls" not in value:
                return True
            # A reference is followed when it is read, not when it is loaded.
            return "_ref" in value and class_named_in(value) is not None

        return proof

    def _items_load_proof(self) -> Proof:
        return each(self._load_proof())

    def to_mongo(
        self,
        value: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        if value.__class__ in UNCHANGED or isinstance(value, str):
            return value
        if type(value) is AsyncReferenceProxy:
            value = value._held
        if hasattr(value, "to_mongo"):
            return self._dump_document(value, use_db_field, fields)
        if not isinstance(value, (dict, list, tuple)):
            return value
        dump = self.to_mongo
        if isinstance(value, dict):
            return {k: dump(v, use_db_field, fields) for k, v in value.items()}
        return [dump(item, use_db_field, fields) for item in value]

    @staticmethod
    def _dump_document(
        value: Any, use_db_field: bool, fields: Iterable[str] | None
    ) -> Any:
        class_name = type(value).__name__
        dumped = value.to_mongo(use_db_field, fields)
        if is_document(value):
            return {"_ref": value.to_dbref(), "_cls": class_name}
        if is_embedded(value):
            dumped["_cls"] = class_name
        return dumped

    def to_python(self, value: Any) -> Any:
        if isinstance(value, dict) and "_cls" in value:
            kind = _DocumentRegistry.get(value["_cls"])
            return (
                self._referred(kind, value)
                if "_ref" in value
                else (kind._from_son(value))
            )
        return super().to_python(value)

    def _holds_references(self) -> bool:
        return True

    def _target_of(self, value: Any) -> tuple[Any, Any] | None:
        return untyped_target(value)

    def _children(self, value: Any) -> Iterable[tuple[Any, Any, Any]]:
        if isinstance(value, dict):
            return ((key, None, item) for key, item in dict.items(value))
        if isinstance(value, list):
            return ((i, None, v) for i, v in enumerate(list.__iter__(value)))
        return members_of(value)

    def _referred(self, kind: Any, value: Any) -> Any:
        """The document of a generic reference, or what stands for it in async code."""
        if is_awaited(kind):
            return AsyncReferenceProxy(kind, value, self.name)
        return run(upcalls.load_referenced(SYNC, kind, value["_ref"]))

    def lookup_member(self, member_name: str) -> str:
        return member_name

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if isinstance(value, str):
            return StringField().prepare_query_value(op, value)
        return super().prepare_query_value(op, self.to_mongo(value))

    def validate(self, value: Any, clean: bool = True) -> None:
        """Validate the value where it can validate itself."""
        if hasattr(value, "validate"):
            value.validate(clean=clean)


class ListField(
    ComplexBaseField[list[Item], list[Item] | tuple[Item, ...]], Generic[Item]
):
    """A field for a list, of items of one field or of any items.

    :param field: the field of the items, or None for items of any kind.
    :param max_length: the most items that a value may have.

    Without a value it is an empty list.
    """

    _is_list = True

    _load_can_fail = True
    _list_rank = 2

    @overload
    def __init__(
        self: ListField[Any],
        field: None = None,
        *,
        max_length: int | None = None,
        **kwargs: Any,
    ) -> None: ...
    @overload
    def __init__(
        self,
        field: BaseField[Item, Never, object],
        *,
        max_length: int | None = None,
        **kwargs: Any,
    ) -> None: ...
    def __init__(
        self, field: Any = None, *, max_length: int | None = None, **kwargs: Any
    ) -> None:
        self.max_length = max_length
        kwargs.setdefault("default", list)
        super().__init__(field=field, **kwargs)

    def _load_proof(self) -> Proof | None:
        return None if self.field is None else self.field._items_load_proof()

    def _raw_dumper(self) -> Dump | None:
        inner = self.field
        if inner is None:
            return copied
        if inner._made_directly:
            return _documents_dumper(inner)
        codec = inner._codec(self.owner_document)
        unchanged, dump = codec.loads_unchanged & codec.dumps_unchanged, codec.dump

        def dump_list(value: Any) -> Any:
            if value.__class__ is not list:
                return None
            if unchanged.issuperset(map(type, value)):
                return value[:]
            if dump is None:
                return None
            items = []
            for item in value:
                if item.__class__ not in unchanged:
                    item = dump(item)
                    if item is None:
                        return None
                items.append(item)
            return items

        return dump_list

    def _raw_validator(self) -> Proof | None:
        if self.max_length is not None or self.required:
            return None
        inner: Any = self.field
        if inner is None:
            return lambda value: value.__class__ is list
        codec = inner._codec(self.owner_document)
        surely, proof = codec.valid, codec.validator
        if proof is not None and inner._made_directly:

            def valid_documents(value: Any) -> bool:
                schema = inner.document_type._schema
                return value.__class__ is list and schema.all_surely_valid(value)

            return valid_documents

        def valid(value: Any) -> bool:
            if value.__class__ is not list:
                return False
            if surely.issuperset(map(type, value)):
                return True
            return proof is not None and all(map(proof, value))

        return valid

    def _wire(self, value: Any, marks: Marks) -> Any:
        inner: Any = self.field
        if inner is not None and inner._made_directly and isinstance(value, list):
            return [inner._wire(item, marks) for item in list.__iter__(value)]
        return super()._wire(value, marks)

    def _list_to_python(self, items: list[Any]) -> list[Any]:
        inner: Any = self.field
        if inner._made_directly and {*map(type, items)} == {inner.document_type}:
            return items[:]
        return super()._list_to_python(items)

    def _tracked_raw(self, instance: Any) -> Any:
        inner: Any = self.field
        if inner is None or not inner._made_directly or instance._raw is None:
            return super()._tracked_raw(instance)
        items = instance._raw.get(self.db_field)
        if (
            items.__class__ is not list
            or not instance._auto_dereference
            or not self._dereferences
        ):
            return MISSING
        parent = weakref.proxy(instance)
        plans = inner.document_type._schema.load_plans
        documents = plans.make_embedded(items, parent)
        if documents is None:
            return MISSING
        value: Any = self._list_class()(documents, parent, self.name)
        value._dereferenced = not self._may_refer or self._is_free(instance._raw)
        instance._put(self.name, value)
        return value

    def _from_raw(self, value: Any) -> Any:
        inner: Any = self.field
        if inner is not None and inner._made_directly and value.__class__ is list:
            make = inner.document_type._maker(self._dereferences)
            return [
                make(item) if item.__class__ is dict else inner._from_raw(item)
                for item in value
            ]
        return super()._from_raw(value)

    def validate(self, value: Any) -> None:  # type: ignore[override]
        """Check that it is a list, its length, and every item."""
        if not isinstance(value, (list, tuple)):
            self.error("Only lists and tuples may be used in a list field")
        self._check_length(value)
        super().validate(value)

    def _check_length(self, value: Any) -> None:
        if (
            self.max_length is not None
            and hasattr(value, "__len__")
            and not isinstance(value, (str, bytes))
            and len(value) > self.max_length
        ):
            self.error("List is too long")

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if op in ("set", "setOnInsert"):
            self._check_length(value)
        if self.field is None:
            return super().prepare_query_value(op, value)
        inner = self.field
        if (
            op in ("set", "unset", "gt", "gte", "lt", "lte", "ne", None)
            and hasattr(value, "__iter__")
            and not isinstance(value, (str, ChangeTracking))
        ):
            return [inner.prepare_query_value(op, item) for item in value]
        return inner.prepare_query_value(op, value)


class EmbeddedDocumentListField(ListField[E]):
    """A field for a list of embedded documents, which has queries of its own.

    Reading it gives an
    :class:`~mongoengine.base.datastructures.EmbeddedDocumentList`.

    :param document_type: the class of the items, or its name.
    """

    _list_rank = 1

    @overload
    def __init__(self, document_type: type[E], **options: object) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentListField[Any], document_type: str, **options: object
    ) -> None: ...
    def __init__(self, document_type: type[E] | str, **kwargs: Any) -> None:
        super().__init__(field=EmbeddedDocumentField(document_type), **kwargs)

    if TYPE_CHECKING:

        @overload
        def __get__(
            self, instance: None, owner: object
        ) -> EmbeddedDocumentListField[E]: ...
        @overload
        def __get__(
            self, instance: object, owner: object
        ) -> EmbeddedDocumentList[E]: ...
        def __get__(self, instance: Any, owner: Any) -> Any: ...

    def _list_class(self) -> type[BaseList[Any]]:
        return EmbeddedDocumentList


class SortedListField(ListField[Item]):
    """A field for a list that is sorted whenever it is dumped.

    A race of two writers of the whole list loses one of the writes.

    :param ordering: the key or attribute to sort by; None for the items as such.
    :param reverse: sort from the largest down.
    """

    _sorts = True

    def __init__(self, field: BaseField[Item, Never, object], **kwargs: Any) -> None:
        self._ordering: str | None = kwargs.pop("ordering", None)
        self._order_reverse: bool = kwargs.pop("reverse", False)
        super().__init__(field, **kwargs)

    def _stores_whole(self, value: Any, changed: Sequence[str]) -> bool:
        """Changes of the order, and all as long as the stored order is another one."""
        if self._ordering is None or any(
            path.split(".")[1:2] == [self._ordering] for path in changed
        ):
            return True
        return bool(self.to_mongo(value) != super().to_mongo(value))

    def _raw_dumper(self) -> None:
        return None

    def _wire(self, value: Any, marks: Marks) -> Any:
        return BaseField._wire(self, value, marks)

    def to_mongo(
        self,
        value: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        dumped = super().to_mongo(value, use_db_field, fields)
        key = None if self._ordering is None else itemgetter(self._ordering)
        return sorted(dumped, key=key, reverse=self._order_reverse)


class DictField(ComplexBaseField[dict[str, Item], dict[str, Item]], Generic[Item]):
    """A field for a dict with string keys, of values of one field or of any.

    :param field: the field of the values, or None for values of any kind.

    Without a value it is an empty dict.
    """

    _load_can_fail = True

    @overload
    def __init__(
        self: DictField[Any], field: None = None, *args: object, **kwargs: object
    ) -> None: ...
    @overload
    def __init__(
        self, field: BaseField[Item, Never, object], *args: object, **kwargs: object
    ) -> None: ...
    def __init__(
        self, field: BaseField[Any] | None = None, *args: Any, **kwargs: Any
    ) -> None:
        kwargs.setdefault("default", dict)
        kwargs["field"] = field
        super().__init__(*args, **kwargs)
        # The first use of the document class turns it on.
        self._dereferences = None

    def _load_proof(self) -> Proof | None:
        items = None if self.field is None else self.field._items_load_proof()
        if items is None:
            return None
        return lambda value: (
            value is None or (value.__class__ is dict and items([*value.values()]))
        )

    def _raw_dumper(self) -> Dump | None:
        inner = self.field
        if inner is None:
            return copied
        codec = inner._codec(self.owner_document)
        unchanged, dump = codec.loads_unchanged & codec.dumps_unchanged, codec.dump

        def dump_dict(value: Any) -> Any:
            if value.__class__ is not dict:
                return None
            if unchanged.issuperset(map(type, value.values())):
                return value.copy()
            if dump is None:
                return None
            items = {}
            for key, item in value.items():
                if item.__class__ not in unchanged:
                    item = dump(item)
                    if item is None:
                        return None
                items[key] = item
            return items

        return dump_dict

    def _raw_validator(self) -> Proof | None:
        if self.required:
            return None
        inner = self.field
        if inner is None:
            return _has_plain_keys
        codec = inner._codec(self.owner_document)
        surely, proof = codec.valid, codec.validator

        def valid(value: Any) -> bool:
            if value.__class__ is not dict:
                return False
            for key, item in value.items():
                if key[:1] == "$":
                    return False
                if item.__class__ not in surely and (proof is None or not proof(item)):
                    return False
            return True

        return valid

    def validate(self, value: Any) -> None:  # type: ignore[override]
        """Check that it is a dict, its keys at every level, and every value."""
        if not isinstance(value, dict):
            self.error("Only dictionaries may be used in a DictField")
        if not _has_valid_keys(value):
            self._refuse_keys(value)
        super().validate(value)

    def _from_raw(self, value: Any) -> Any:
        inner = self.field
        if inner is not None and inner._made_directly:
            if value.__class__ is dict:
                return {key: inner._from_raw(item) for key, item in value.items()}
            if value.__class__ is list:
                return [inner._from_raw(item) for item in value]
        return super()._from_raw(value)

    def _register_delete_rule(self, cls: Any, name: str) -> None:
        if getattr(self.field, "reverse_delete_rule", DO_NOTHING) != DO_NOTHING:
            raise InvalidDocumentError(
                "Reverse delete rules are not supported for "
                f"{type(self).__name__} (field: {name})"
            )

    def _refuse_keys(self, value: Any) -> None:
        if _any_key(value, lambda key: not isinstance(key, str)):
            self.error("Invalid dictionary key - documents must have only string keys")
        if _any_key(value, lambda key: key.startswith("$")):
            self.error(
                'Invalid dictionary key name - keys may not startswith "$" characters'
            )

    def lookup_member(self, member_name: str) -> DictField[Any]:
        return DictField(db_field=member_name)

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        from mongoengine.query.operators import STRING_OPERATORS

        if op in STRING_OPERATORS and isinstance(value, str):
            return StringField().prepare_query_value(op, value)
        if hasattr(self.field, "field"):
            inner: Any = self.field
            if op in ("set", "unset") and isinstance(value, dict):
                return {k: inner.prepare_query_value(op, v) for k, v in value.items()}
            return inner.prepare_query_value(op, value)
        return super().prepare_query_value(op, value)


class MapField(DictField[Item]):
    """A field for a dict whose values are all of one field.

    :param field: the field of the values.
    """

    def __init__(
        self,
        field: BaseField[Item, Never, object] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if not isinstance(field, BaseField):
            self.error("Argument to MapField constructor must be a valid field")
        kwargs["field"] = field
        super().__init__(*args, **kwargs)


def _has_plain_keys(value: Any) -> bool:
    """Return whether it is a dict of valid keys; BSON has only string keys."""
    if value.__class__ is not dict:
        return False
    for key, item in value.items():
        if key[:1] == "$" or (item.__class__ is dict and not _has_plain_keys(item)):
            return False
    return True


def _has_valid_keys(value: Any) -> bool:
    """Return whether all keys are text without a leading dollar, at any depth."""
    for key, item in dict.items(value):
        if key.__class__ is not str or key[:1] == "$":
            return False
        if isinstance(item, dict) and not _has_valid_keys(item):
            return False
    return True


def _any_key(value: Any, test: Callable[[Any], bool]) -> bool:
    return any(
        test(key) or (isinstance(item, dict) and _any_key(item, test))
        for key, item in dict.items(value)
    )


def members_of(document: Any) -> Iterable[tuple[str, Any, Any]]:
    """Database name, field and value of everything in an embedded document."""
    if not isinstance(document, ChangeTracking) or document._is_document:
        return
    fields = {**document._fields, **document._dynamic_fields}
    for name, field in fields.items():
        yield field.db_field, field, document._value_of(name, field)


def _with_subclasses(cls: Any) -> list[Any]:
    """A class, and the classes of the documents that it may turn out to hold."""
    names = [name for name in cls._subclasses if name != cls._class_name]
    return [cls, *(_DocumentRegistry.get(name) for name in names)]


def _documents_dumper(inner: Any) -> Callable[[Any], Any]:
    """Dumps lists of raw embedded documents of one class."""

    def dump_documents(value: Any) -> Any:
        if value.__class__ is not list:
            return None
        dump = inner.document_type._schema.dump_raw
        dumped = []
        for item in value:
            document = dump(item) if item.__class__ is dict else None
            if document is None:
                return None
            dumped.append(document)
        return dumped

    return dump_documents
