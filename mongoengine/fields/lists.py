"""Fields that hold a list."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from mongoengine.base.bson_types import NO_TYPES
from mongoengine.base.codec import Dump, Proof
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.embedded_list import EmbeddedDocumentList
from mongoengine.base.field import BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.plain import (
    copied,
    documents_refer,
)
from mongoengine.base.reading import Reader
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import set_state
from mongoengine.base.tracked import BaseList, new_tracked_list
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import (
    Convert,
    Instance,
    Item,
    Never,
    OwnClass,
    PassedOn,
    PythonValue,
    RawValue,
)
from mongoengine.base.utils import specialised
from mongoengine.fields.embedded import EmbeddedDocumentField

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.tracking import Marks

__all__ = (
    "EmbeddedDocumentListField",
    "ListField",
    "SortedListField",
)

E = TypeVar("E", bound="BaseDocument")


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

    @property
    def _stores_mappings(self) -> bool:  # type: ignore[override]
        return self.field is None or bool(self.field._stores_mappings)

    @overload
    def __init__(
        self: ListField,
        field: None = None,
        *,
        max_length: int | None = None,
        **kwargs: object,
    ) -> None: ...
    @overload
    def __init__(
        self: ListField,
        field: BaseField[OwnClass, Never, object],
        *,
        max_length: int | None = None,
        **kwargs: object,
    ) -> None: ...
    @overload
    def __init__(
        self,
        field: BaseField[Item, Never, object],
        *,
        max_length: int | None = None,
        **kwargs: object,
    ) -> None: ...
    def __init__(
        self,
        field: BaseField | None = None,
        *,
        max_length: int | None = None,
        **kwargs: object,
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

        def dump_list(value: object) -> RawValue:
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

            def valid_documents(value: PythonValue) -> bool:
                schema = inner.document_type._schema
                return value.__class__ is list and schema.all_surely_valid(value)

            return valid_documents

        def valid(value: object) -> bool:
            if value.__class__ is not list:
                return False
            if surely.issuperset(map(type, value)):
                return True
            return proof is not None and all(map(proof, value))

        return valid

    def _container_validator(self, items: Proof | None) -> Proof:
        def valid(value: PythonValue) -> bool:
            longest = self.max_length
            return (
                isinstance(value, list)
                and (longest is None or len(value) <= longest)
                and (bool(value) or not self.required)
                and (items is None or items(list.__iter__(value)))
            )

        return valid

    def _dumper(self) -> Convert:
        inner, otherwise = self.field, self._dump_value
        if inner is None or not self._dumps_here():
            return otherwise
        cls: Any = inner._embedded_class if inner._dumps_here() else None
        unchanged, dump_item = inner._dumps_unchanged, inner._dumper()
        if cls is not None:
            inner_dump = inner._dump_value

            def dump_documents(value: PythonValue) -> PythonValue:
                if not isinstance(value, list):
                    return otherwise(value)
                dump = cls._schema.dump
                return [
                    dump(item) if type(item) is cls else inner_dump(item)
                    for item in list.__iter__(value)
                ]

            return specialised(dump_documents)

        def dump_items(value: PythonValue) -> PythonValue:
            if not isinstance(value, list):
                return otherwise(value)
            items = [*list.__iter__(value)]
            if unchanged.issuperset(map(type, items)):
                return items
            return [
                item if type(item) in unchanged else dump_item(item) for item in items
            ]

        return specialised(dump_items)

    def _wire(self, value: object, marks: Marks) -> RawValue:
        inner: BaseField | None = self.field
        if inner is None or not isinstance(value, list):
            return super()._wire(value, marks)
        if inner._made_directly:
            cls: Any = inner._embedded_class
            wire = cls._schema.wire
            return [
                wire(item, marks) if item.__class__ is cls else inner._wire(item, marks)
                for item in list.__iter__(value)
            ]
        if value.__class__ is list and inner._dumps_unchanged.issuperset(
            map(type, value)
        ):
            return value
        return super()._wire(value, marks)

    def _wirer(self) -> Callable[[Any, Marks], RawValue]:
        inner, otherwise = self.field, self._wire
        if inner is None or inner._made_directly or not self._dumps_here():
            return otherwise
        unchanged, wire_item = inner._dumps_unchanged, inner._wirer()

        def wire(value: PythonValue, marks: Marks) -> PythonValue:
            if type(value) is not list:
                return otherwise(value, marks)
            if unchanged.issuperset(map(type, value)):
                return value
            return [
                item if type(item) in unchanged else wire_item(item, marks)
                for item in value
            ]

        return specialised(wire)

    def _list_to_python(self, items: list[object]) -> list[PythonValue]:
        inner: Any = self.field
        if inner._made_directly and {*map(type, items)} == {inner.document_type}:
            return items[:]
        return super()._list_to_python(items)

    def _from_argument(self, value: PythonValue, document: Any) -> PythonValue:
        inner: Any = self.field
        if inner is None or value.__class__ is not list:
            return super()._from_argument(value, document)
        if inner._made_directly:
            cls = inner.document_type_obj
            for item in value:
                if item.__class__ is not cls:
                    return super()._from_argument(value, document)
            parent = weakref.proxy(document)
            for item in value:
                set_state(item, "_instance", parent)
            return value[:]
        if inner._is_followed and inner._converts_items:
            # References, and the documents that they stand for, have no parent.
            return inner._items_from_raw(value)
        unchanged = inner._loads_unchanged
        for item in value:
            if item.__class__ not in unchanged:
                return super()._from_argument(value, document)
        return value[:]

    def _argument_of_items(self, inner: Argument) -> Argument:
        types, copy, embedded, _ = inner
        if embedded is not None:
            return Argument(NO_TYPES, None, None, embedded)

        def copy_list(value: PythonValue) -> list[object] | None:
            if value.__class__ is not list:
                return None
            if types.issuperset(map(type, value)):
                return value[:]
            if copy is None:
                return None
            items = [*map(copy, value)]
            return None if None in items else items

        return Argument(NO_TYPES, copy_list, None, None)

    def _first_reader(self) -> Reader:
        inner: Any = self.field
        if inner is None or not inner._made_directly:
            return super()._first_reader()
        name, key, may_refer = self.name, self.db_field, self._may_refer
        list_class, shows = self._list_class(), self._shows_references
        plain_list = list_class is BaseList

        def read_documents(instance: Any) -> PythonValue:
            raw = instance._raw
            items = None if raw is None else raw.get(key)
            if (
                type(items) is not list
                or not instance._auto_dereference
                or not self._dereferences
            ):
                return MISSING
            parent = weakref.proxy(instance)
            cls = inner.document_type_obj
            if type(cls) is str:
                cls = inner.document_type
            documents = cls._schema.load_plans.make_embedded(items, parent)
            if documents is None:
                return MISSING
            free = not may_refer or (shows() and not documents_refer(items))
            value: PythonValue
            if plain_list:
                value = new_tracked_list(documents, parent, name, free, True)
            else:
                value = list_class(documents, parent, name)
                value._dereferenced = free
            return value

        return specialised(read_documents)

    def _from_raw(self, value: object) -> PythonValue:
        inner: Any = self.field
        if inner is not None and inner._made_directly and value.__class__ is list:
            make = inner.document_type._maker(self._dereferences)
            return [
                make(item) if item.__class__ is dict else inner._from_raw(item)
                for item in value
            ]
        return super()._from_raw(value)

    def validate(self, value: PythonValue) -> None:  # type: ignore[override]
        """Check that it is a list, its length, and every item."""
        if not isinstance(value, (list, tuple)):
            self.error("Only lists and tuples may be used in a list field")
        self._check_length(value)
        super().validate(value)

    def _check_length(self, value: object) -> None:
        if (
            self.max_length is not None
            and hasattr(value, "__len__")
            and not isinstance(value, (str, bytes))
            and len(value) > self.max_length
        ):
            self.error("List is too long")

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
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
    def __init__(self, document_type: type[E] | str, **kwargs: PassedOn) -> None:
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
        def __get__(self, instance: Instance, owner: Instance) -> PythonValue: ...

    def _list_class(self) -> type[BaseList[object]]:
        return EmbeddedDocumentList


class SortedListField(ListField[Item]):
    """A field for a list that is sorted whenever it is dumped.

    A race of two writers of the whole list loses one of the writes.

    :param ordering: the key or attribute to sort by; None for the items as such.
    :param reverse: sort from the largest down.
    """

    _sorts = True

    @overload
    def __init__(
        self: SortedListField,
        field: BaseField[OwnClass, Never, object],
        **kwargs: object,
    ) -> None: ...
    @overload
    def __init__(
        self, field: BaseField[Item, Never, object], **kwargs: object
    ) -> None: ...
    def __init__(
        self, field: BaseField[Any, Never, object], **kwargs: PassedOn
    ) -> None:
        self._ordering: str | None = kwargs.pop("ordering", None)
        self._order_reverse: bool = kwargs.pop("reverse", False)
        super().__init__(field, **kwargs)

    def _stores_whole(self, value: object, changed: Sequence[str]) -> bool:
        """Return whether to store the whole list, because its order has changed."""
        if self._ordering is None or any(
            path.split(".")[1:2] == [self._ordering] for path in changed
        ):
            return True
        return bool(self.to_mongo(value) != super().to_mongo(value))

    def _raw_dumper(self) -> None:
        return None

    def _wire(self, value: object, marks: Marks) -> RawValue:
        return BaseField._wire(self, value, marks)

    def to_mongo(
        self,
        value: PythonValue,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        dumped = super().to_mongo(value, use_db_field, fields)
        key = None if self._ordering is None else itemgetter(self._ordering)
        return sorted(dumped, key=key, reverse=self._order_reverse)


def _documents_dumper(inner: Any) -> Convert:
    """Return a function that dumps lists of raw embedded documents of one class."""

    def dump_documents(value: PythonValue) -> object:
        if value.__class__ is not list:
            return None
        schema = inner.document_type._schema
        dump = schema.stored_like or schema.dump_by_shape
        dumped = []
        for item in value:
            document = dump(item) if item.__class__ is dict else None
            if document is None:
                return None
            dumped.append(document)
        return dumped

    return dump_documents
