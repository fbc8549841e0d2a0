"""Fields that hold an embedded document."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload
from weakref import proxy

from bson import SON

from mongoengine.base.bson_types import NO_TYPES
from mongoengine.base.codec import Proof
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.overrides import plain_methods
from mongoengine.base.plain import (
    is_embedded,
    is_embedded_class,
)
from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import (
    Convert,
    Instance,
    Never,
    OrNone,
    PassedOn,
    PythonValue,
    RawValue,
)
from mongoengine.base.utils import specialised
from mongoengine.errors import InvalidQueryError, NotRegistered

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.codec import Dump
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.field import Child
    from mongoengine.base.tracking import Marks
    from mongoengine.base.types import Default, Reader, Undeclared, Yes

    class OwnEmbedded(BaseDocument):
        """Stand for the class of the document that is read."""


__all__ = (
    "EmbeddedDocumentField",
    "GenericEmbeddedDocumentField",
)

E = TypeVar("E", bound="BaseDocument")


RECURSIVE_REFERENCE_CONSTANT = "self"


class EmbeddedDocumentField(BaseField[E, E | None, OrNone], Generic[E, OrNone]):
    """A field that holds an embedded document of one class.

    :param document_type: the class, its name, or ``"self"``.
    """

    _dumps_inside = True

    _embeds = True
    _stores_mappings = True
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
        self: EmbeddedDocumentField[OwnEmbedded, Never],
        document_type: Literal["self"],
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[OwnEmbedded, None],
        document_type: Literal["self"],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EmbeddedDocumentField[Any, Any],
        document_type: str,
        **options: object,
    ) -> None: ...
    def __init__(self, document_type: type[E] | str, **kwargs: PassedOn) -> None:
        # Upstream's error for what is no class is that of issubclass().
        if not isinstance(document_type, str) and not (
            issubclass(document_type, ChangeTracking)
            and is_embedded_class(document_type)
        ):
            self.error(_NOT_EMBEDDED_CLASS)
        self.document_type_obj: Any = document_type
        super().__init__(**kwargs)

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(
            self: BaseField[Undeclared, Any, Any], instance: object, owner: object
        ) -> PythonValue: ...
        @overload
        def __get__(
            self: EmbeddedDocumentField[OwnEmbedded, OrNone],
            instance: Reader,
            owner: object,
        ) -> Reader | OrNone: ...
        @overload
        def __get__(self, instance: object, owner: object) -> E | OrNone: ...
        def __get__(self, instance: Instance, owner: Instance) -> PythonValue: ...

        @overload
        def __set__(
            self: EmbeddedDocumentField[OwnEmbedded, Any],
            instance: Reader,
            value: Reader | None,
        ) -> None: ...
        @overload
        def __set__(self, instance: Instance, value: E | None) -> None: ...
        def __set__(self, instance: Instance, value: PythonValue) -> None: ...

    def _reader(self) -> Convert:
        name, key, direct = self.name, self.db_field, self._made_directly

        def read(instance: Any) -> PythonValue:
            values = instance._values
            if values is not EMPTY and name in values:
                return values[name]
            raw = instance._raw
            if raw is not None and direct and self._dereferences:
                value = raw.get(key)
                if type(value) is dict and instance._auto_dereference:
                    # It cannot fail to load: that was checked with the document.
                    cls = self.document_type_obj
                    if type(cls) is str:
                        cls = self.document_type
                    made = cls._schema.load_plans.make_inside(value, proxy(instance))
                    if instance._values is EMPTY:
                        # As `_keep` does: there is no call between the test and this.
                        set_state(instance, "_values", {name: made})
                        return made
                    return instance._values.setdefault(name, made)
            return instance._touch(self)

        return specialised(read)

    def _prepare(self) -> None:
        super()._prepare()
        self._made_directly = plain_methods(type(self))

    @property
    def document_type(self) -> type[E]:
        """The class of the embedded documents, found by its name if need be."""
        cls = self.document_type_obj
        if isinstance(cls, str):
            if cls == RECURSIVE_REFERENCE_CONSTANT:
                cls = self.owner_document
            else:
                cls = _DocumentRegistry.get(cls)
            if not is_embedded_class(cls):
                self.error(_NOT_EMBEDDED_CLASS)
            self.document_type_obj = cls
        resolved: type[E] = cls
        return resolved

    @property
    def _embedded_class(self) -> type[BaseDocument] | None:
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

    def _children(self, value: object) -> Iterable[Child]:
        return members_of(value)

    def to_python(self, value: RawValue) -> PythonValue:
        cls = self.document_type
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            self.error(
                f"{self._place or type(self).__name__} takes documents of the class "
                f"{cls.__name__} and dicts of its fields, not {value!r}"
            )
        return cls._from_son(value, _auto_dereference=bool(self._dereferences))

    def _from_argument(self, value: PythonValue, document: Any) -> PythonValue:
        if value.__class__ is self.document_type_obj:
            set_state(value, "_instance", proxy(document))
            return value
        return super()._from_argument(value, document)

    def _argument(self) -> Argument:
        if not self._takes_here():
            return super()._argument()
        return Argument(NO_TYPES, None, self._embedded_class, None)

    def _from_raw(self, value: RawValue) -> PythonValue:
        cls = self.document_type
        if value.__class__ is dict:
            return cls._schema.load_plans.maker(bool(self._dereferences))(value)
        if isinstance(value, cls):
            return value
        return cls._from_son(value, _auto_dereference=bool(self._dereferences))

    def _load_proof(self) -> Proof | None:
        cls = self._embedded_class
        if cls is None:
            return super()._load_proof()

        def proof(value: PythonValue) -> bool:
            if value.__class__ is not dict:
                return value is None
            # As `loads_surely` does it, in the innermost loop of loading.
            plans = cls._schema.load_plans
            check = plans.checks.get(tuple(value))
            if check is True or (check is not None and check(value)):
                return True
            surely: bool = plans.loads_surely(value)
            return surely

        return proof

    def _items_load_proof(self) -> Proof | None:
        cls = self._embedded_class
        if cls is None:
            return super()._items_load_proof()

        # Not its method: a change of the fields of a class makes another schema.
        return lambda value: bool(cls._schema.load_plans.all_load_surely(value))

    def _raw_dumper(self) -> Dump:
        def dump(value: object) -> RawValue:
            if value.__class__ is not dict:
                return None
            cls = self.document_type_obj
            if type(cls) is str:
                cls = self.document_type
            schema = cls._schema
            return (schema.stored_like or schema.dump_by_shape)(value)

        return dump

    def _wire(self, value: PythonValue, marks: Marks) -> RawValue:
        if value.__class__ is self.document_type_obj:
            return value._to_wire(marks)
        return super()._wire(value, marks)

    def _wirer(self) -> Callable[[Any, Marks], RawValue]:
        cls, otherwise = self._embedded_class, self._wire
        if cls is None or not self._dumps_here():
            return otherwise

        def wire(value: Any, marks: Marks) -> RawValue:
            if type(value) is cls:
                return cls._schema.wire(value, marks)
            return otherwise(value, marks)

        return specialised(wire)

    def _raw_validator(self) -> Proof:
        def valid(value: object) -> bool:
            if value.__class__ is not dict:
                return False
            schema = self.document_type._schema
            # As `surely_valid` does it, without the call where the test passes.
            test = schema.raw_test
            if test is not None:
                try:
                    if test(value):
                        return True
                except KeyError:
                    pass  # it has other keys
            surely: bool = schema.surely_valid(value, test is not None)
            return surely

        return valid

    def _value_validator(self) -> Proof | None:
        if not self._is_validated_here():
            return None

        def valid(value: PythonValue) -> bool:
            cls = self.document_type_obj
            if value.__class__ is not cls:
                return False
            if value._raw is None and cls._schema.value_test is not None:
                try:
                    if cls._schema.value_test(value._values):
                        return True
                except KeyError:
                    pass  # a field has no value
            surely: bool = value._is_surely_valid()
            return surely

        return valid

    def to_mongo(
        self,
        value: PythonValue,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        if not isinstance(value, self.document_type):
            return value
        return value.to_mongo(use_db_field, fields=fields)

    def _as_stored(self, value: PythonValue) -> PythonValue:
        if value.__class__ is self.document_type_obj:
            return value.to_mongo(True, fields=None)
        return self.to_mongo(value)

    def _dumper(self) -> Convert:
        cls, otherwise = self._embedded_class, self._dump_value
        if cls is None or not self._dumps_here():
            return otherwise

        def dump(value: object) -> RawValue:
            return cls._schema.dump(value) if type(value) is cls else otherwise(value)

        return specialised(dump)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the class and validate the embedded document."""
        cls = self.document_type
        if not isinstance(value, cls):
            self.error(
                "Invalid embedded document instance provided to an "
                "EmbeddedDocumentField"
            )
        value.validate(clean=clean)

    def lookup_member(self, member_name: str) -> Any:
        for cls in _with_subclasses(self.document_type):
            field = cls._fields.get(member_name)
            if field is not None:
                return field
        return None

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
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
    _stores_mappings = True

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
        def __init__(self, *args: object, **options: object) -> None: ...

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        return super().prepare_query_value(op, self.to_mongo(value))

    def to_python(self, value: RawValue) -> PythonValue:
        if isinstance(value, dict):
            if not isinstance(value.get("_cls"), str):
                self.error(
                    f"{self._place or type(self).__name__} takes embedded documents "
                    f'and dicts with a class as "_cls", not {value!r}'
                )
            cls = _DocumentRegistry.get(value["_cls"])
            value = cls._from_son(value, _auto_dereference=bool(self._dereferences))
        return value

    def _holds_references(self) -> bool:
        return True

    def _children(self, value: object) -> Iterable[Child]:
        return members_of(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
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
        document: BaseDocument | None,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        if document is None:
            return None
        dumped = document.to_mongo(use_db_field, fields)
        if "_cls" not in dumped:
            dumped["_cls"] = document._class_name
        return dumped


def members_of(document: object) -> Iterable[tuple[str, Any, Any]]:
    """Yield database name, field and value of everything in an embedded document."""
    if not isinstance(document, ChangeTracking) or document._is_document:
        return
    fields = {**document._fields, **document._dynamic_fields}
    for name, field in fields.items():
        yield field.db_field, field, document._value_of(name, field)


def _with_subclasses(cls: Any) -> list[Any]:
    """Return a class, and those of the documents that may be in its place."""
    names = [name for name in cls._subclasses if name != cls._class_name]
    return [cls, *(_DocumentRegistry.get(name) for name in names)]
