"""Fields that hold a dict."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, overload

from mongoengine.base.bson_types import NO_TYPES, PLAIN
from mongoengine.base.codec import Dump, Proof
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.field import DO_NOTHING, BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.plain import (
    copied,
    documents_refer,
)
from mongoengine.base.reading import Reader
from mongoengine.base.sentinels import MISSING
from mongoengine.base.tracked import new_tracked_dict
from mongoengine.base.types import (
    Convert,
    Item,
    Never,
    OwnClass,
    PassedOn,
    PythonValue,
    RawValue,
)
from mongoengine.base.utils import specialised
from mongoengine.errors import InvalidDocumentError
from mongoengine.fields.text import StringField
from mongoengine.query.operators import STRING_OPERATORS

if TYPE_CHECKING:
    from mongoengine.base.tracking import Marks

__all__ = (
    "DictField",
    "MapField",
)


class DictField(
    ComplexBaseField[dict[str, Item], dict[str, Item] | None], Generic[Item]
):
    """A field for a dict with string keys, of values of one field or of any.

    :param field: the field of the values, or None for values of any kind.

    Without a value it is an empty dict.
    """

    _load_can_fail = True
    _stores_mappings = True

    @overload
    def __init__(
        self: DictField, field: None = None, *args: object, **kwargs: object
    ) -> None: ...
    @overload
    def __init__(
        self: DictField,
        field: BaseField[OwnClass, Never, object],
        *args: object,
        **kwargs: object,
    ) -> None: ...
    @overload
    def __init__(
        self, field: BaseField[Item, Never, object], *args: object, **kwargs: object
    ) -> None: ...
    def __init__(
        self, field: BaseField | None = None, *args: PassedOn, **kwargs: PassedOn
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

        def dump_dict(value: object) -> RawValue:
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

    def _dumper(self) -> Convert:
        inner, otherwise = self.field, self._dump_value
        if inner is None or not self._dumps_here():
            return otherwise
        unchanged, dump_item = inner._dumps_unchanged, inner._dumper()

        def dump_items(value: PythonValue) -> PythonValue:
            if not isinstance(value, dict):
                return otherwise(value)
            return {
                key: item if type(item) in unchanged else dump_item(item)
                for key, item in [*dict.items(value)]
            }

        return specialised(dump_items)

    def _wirer(self) -> Callable[[Any, Marks], RawValue]:
        inner, otherwise = self.field, self._wire
        if inner is None or not self._dumps_here():
            return otherwise
        unchanged, wire_item = inner._dumps_unchanged, inner._wirer()

        def wire(value: PythonValue, marks: Marks) -> PythonValue:
            if type(value) is not dict:
                return otherwise(value, marks)
            return {
                key: item if type(item) in unchanged else wire_item(item, marks)
                for key, item in [*value.items()]
            }

        return specialised(wire)

    def _raw_validator(self) -> Proof | None:
        if self.required:
            return None
        inner = self.field
        if inner is None:
            return _has_plain_keys
        codec = inner._codec(self.owner_document)
        surely, proof = codec.valid, codec.validator

        def valid(value: object) -> bool:
            if value.__class__ is not dict:
                return False
            for key, item in value.items():
                if key[:1] == "$":
                    return False
                if item.__class__ not in surely and (proof is None or not proof(item)):
                    return False
            return True

        return valid

    def _container_validator(self, items: Proof | None) -> Proof:
        def valid(value: PythonValue) -> bool:
            return (
                isinstance(value, dict)
                and _has_valid_keys(value)
                and (bool(value) or not self.required)
                and (items is None or items(dict.values(value)))
            )

        return valid

    def validate(self, value: PythonValue) -> None:  # type: ignore[override]
        """Check that it is a dict, its keys at every level, and every value."""
        if not isinstance(value, dict):
            self.error("Only dictionaries may be used in a DictField")
        if not _has_valid_keys(value):
            self._refuse_keys(value)
        super().validate(value)

    def _first_reader(self) -> Reader:
        inner: Any = self.field
        if inner is None or not inner._made_directly:
            return super()._first_reader()
        name, key, may_refer = self.name, self.db_field, self._may_refer
        shows = self._shows_references

        def read_documents(instance: Any) -> PythonValue:
            raw = instance._raw
            items = None if raw is None else raw.get(key)
            if (
                type(items) is not dict
                or not instance._auto_dereference
                or not self._dereferences
            ):
                return MISSING
            parent = weakref.proxy(instance)
            make = inner.document_type._schema.load_plans.make_inside
            documents = {}
            for place, item in items.items():
                if type(item) is not dict:
                    return MISSING
                documents[place] = make(item, parent)
            free = not may_refer or (shows() and not documents_refer(items.values()))
            return new_tracked_dict(documents, parent, name, free, True)

        return specialised(read_documents)

    def _from_argument(self, value: PythonValue, document: Any) -> PythonValue:
        inner: Any = self.field
        if inner is not None and inner._made_directly and value.__class__ is dict:
            cls = inner.document_type_obj
            for item in value.values():
                if item.__class__ is not cls:
                    break
            else:
                return {**value}
        return super()._from_argument(value, document)

    def _argument_of_items(self, inner: Argument) -> Argument:
        types, copy, embedded, _ = inner
        if embedded is not None:
            types = frozenset({embedded})

        def copy_dict(value: PythonValue) -> dict[str, object] | None:
            if value.__class__ is not dict:
                return None
            if types.issuperset(map(type, value.values())):
                return {**value}
            if copy is None:
                return None
            items = {key: copy(item) for key, item in value.items()}
            return None if None in items.values() else items

        return Argument(NO_TYPES, copy_dict, None, None)

    def _from_raw(self, value: object) -> PythonValue:
        inner = self.field
        if inner is not None and inner._made_directly:
            if value.__class__ is dict:
                return {key: inner._from_raw(item) for key, item in value.items()}
            if value.__class__ is list:
                return [inner._from_raw(item) for item in value]
        return super()._from_raw(value)

    def _register_delete_rule(self, cls: object, name: str) -> None:
        if getattr(self.field, "reverse_delete_rule", DO_NOTHING) != DO_NOTHING:
            raise InvalidDocumentError(
                "Reverse delete rules are not supported for "
                f"{type(self).__name__} (field: {name})"
            )

    def _refuse_keys(self, value: object) -> None:
        if _any_key(value, lambda key: not isinstance(key, str)):
            self.error("Invalid dictionary key - documents must have only string keys")
        if _any_key(value, lambda key: key.startswith("$")):
            self.error(
                'Invalid dictionary key name - keys may not startswith "$" characters'
            )

    def lookup_member(self, member_name: str) -> DictField:
        return DictField(db_field=member_name)

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
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

    @overload
    def __init__(
        self: MapField,
        field: BaseField[OwnClass, Never, object],
        *args: object,
        **kwargs: object,
    ) -> None: ...
    @overload
    def __init__(
        self,
        field: BaseField[Item, Never, object] | None = None,
        *args: object,
        **kwargs: object,
    ) -> None: ...
    def __init__(
        self,
        field: BaseField[Any, Never, object] | None = None,
        *args: PassedOn,
        **kwargs: PassedOn,
    ) -> None:
        if not isinstance(field, BaseField):
            self.error("Argument to MapField constructor must be a valid field")
        kwargs["field"] = field
        super().__init__(*args, **kwargs)


def _has_plain_keys(value: object) -> bool:
    """Return whether it is a dict of valid keys; BSON has only string keys."""
    if value.__class__ is not dict:
        return False
    for key, item in value.items():
        if key[:1] == "$" or (item.__class__ is dict and not _has_plain_keys(item)):
            return False
    return True


def _has_valid_keys(value: PythonValue) -> bool:
    """Return whether all keys are text without a leading dollar, at any depth."""
    for key, item in [*dict.items(value)]:
        if key.__class__ is not str or key[:1] == "$":
            return False
        if (
            type(item) not in PLAIN
            and isinstance(item, dict)
            and not _has_valid_keys(item)
        ):
            return False
    return True


def _any_key(value: PythonValue, test: Proof) -> bool:
    return any(
        test(key) or (isinstance(item, dict) and _any_key(item, test))
        for key, item in [*dict.items(value)]
    )
