"""The field that takes any value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mongoengine.base.awaiting import is_awaited
from mongoengine.base.bson_types import UNCHANGED
from mongoengine.base.codec import Proof, each
from mongoengine.base.common import _DocumentRegistry, class_named_in
from mongoengine.base.field import BaseField
from mongoengine.base.plain import copied, is_document, is_embedded
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.references import untyped_target
from mongoengine.base.tracked import BaseDict, BaseList, TrackedContainer
from mongoengine.base.types import Instance, PythonValue, RawValue
from mongoengine.driver.io import SYNC, run
from mongoengine.fields.embedded import members_of
from mongoengine.fields.temporal import current_date
from mongoengine.fields.text import StringField
from mongoengine.operations import dereference

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.field import Child
    from mongoengine.base.references import ReferenceTarget


__all__ = ("DynamicField",)


#: The types of values that are returned as they are.
HANDED_OUT = UNCHANGED | {BaseDict, BaseList}


class DynamicField(BaseField):
    """A field that takes any value MongoDB can store.

    It is what the fields of dynamic documents are made of.
    """

    _valid_types = HANDED_OUT - {type(None)}
    _dumps_inside = True
    _stores_mappings = True

    @property
    def _takes_any_member(self) -> bool:
        return True

    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        """Return the value; lists and dicts note their changes in the document."""
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
            if value.__class__ in HANDED_OUT:
                return value
        except KeyError:
            pass  # it has not been read yet
        value = super().__get__(instance, owner)
        if not isinstance(value, (dict, list)) or isinstance(value, TrackedContainer):
            return value
        tracked: PythonValue = BaseDict if isinstance(value, dict) else BaseList
        made = tracked(value, instance, self.name)
        made._dereferenced = True
        return instance._exchange(self.name, value, made)

    def _load_proof(self) -> Proof:
        def proof(value: object) -> bool:
            if not isinstance(value, dict) or "_cls" not in value:
                return True
            # A reference is followed when it is read, not when it is loaded.
            return "_ref" in value and class_named_in(value) is not None

        return proof

    def _items_load_proof(self) -> Proof:
        return each(self._load_proof())

    def to_mongo(
        self,
        value: PythonValue,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        if value.__class__ in UNCHANGED or isinstance(value, str):
            return value
        if type(value) is AsyncReferenceProxy:
            value = value._document_or_value
        if hasattr(value, "to_mongo"):
            return self._dump_document(value, use_db_field, fields)
        if not isinstance(value, (dict, list, tuple)):
            return value
        dump = self.to_mongo
        if isinstance(value, dict):
            return {k: dump(v, use_db_field, fields) for k, v in value.items()}
        return [dump(item, use_db_field, fields) for item in value]

    def _as_stored(self, value: PythonValue) -> RawValue:
        copy = copied(value)
        return self.to_mongo(value) if copy is None else copy

    @staticmethod
    def _dump_document(
        value: PythonValue, use_db_field: bool, fields: Iterable[str] | None
    ) -> RawValue:
        class_name = type(value).__name__
        dumped = value.to_mongo(use_db_field, fields)
        if is_document(value):
            return {"_ref": value.to_dbref(), "_cls": class_name}
        if is_embedded(value):
            dumped["_cls"] = class_name
        return dumped

    def to_python(self, value: RawValue) -> PythonValue:
        if isinstance(value, dict) and "_cls" in value:
            cls = _DocumentRegistry.get(value["_cls"])
            return (
                self._referred(cls, value)
                if "_ref" in value
                else (cls._from_son(value))
            )
        return super().to_python(value)

    def _holds_references(self) -> bool:
        return True

    def _target_of(self, value: object) -> ReferenceTarget | None:
        return untyped_target(value)

    def _children(self, value: object) -> Iterable[Child]:
        if isinstance(value, dict):
            return ((key, None, item) for key, item in [*dict.items(value)])
        if isinstance(value, list):
            return ((i, None, v) for i, v in enumerate(list.__iter__(value)))
        return members_of(value)

    def _referred(self, cls: type[BaseDocument], value: PythonValue) -> object:
        """Return the document of a generic reference, or a proxy in async code."""
        if is_awaited(cls):
            return AsyncReferenceProxy(cls, value, self.name)
        return run(dereference.load_referenced(SYNC, cls, value["_ref"]))

    def _current_date(self, value: object) -> tuple[str, PythonValue]:
        return "$currentDate", current_date(self, value)

    def lookup_member(self, member_name: str) -> str:
        return member_name

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        if isinstance(value, str):
            return StringField().prepare_query_value(op, value)
        return super().prepare_query_value(op, self.to_mongo(value))

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Validate the value where it can validate itself."""
        if hasattr(value, "validate"):
            value.validate(clean=clean)
