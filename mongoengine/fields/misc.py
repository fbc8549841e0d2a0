"""Fields for binary data, UUIDs, enumerations and counters."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

from bson import Binary, Int64

from mongoengine import connection
from mongoengine.base import hooks
from mongoengine.base.codec import Dump, Proof
from mongoengine.base.field import BaseField
from mongoengine.base.hints import Argument
from mongoengine.base.overrides import still_true
from mongoengine.base.plain import is_document_class
from mongoengine.base.types import (
    Instance,
    Item,
    Never,
    OrNone,
    PassedOn,
    PythonValue,
    RawValue,
)
from mongoengine.driver.io import IO, asynchronous, blocking
from mongoengine.fields.touching import may_block
from mongoengine.operations import sequences

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.types import Default, Yes

__all__ = ("BinaryField", "EnumField", "SequenceField", "UUIDField")

E = TypeVar("E", bound=enum.Enum)


class BinaryField(BaseField[bytes, bytes | bytearray, OrNone]):
    """A field for bytes, stored as BSON binary data.

    :param max_bytes: the most bytes that a value may have.
    """

    _load_as = frozenset({bytes, Binary})
    _valid_types = frozenset({bytes, Binary})

    @overload
    def __init__(
        self: BinaryField[Never],
        max_bytes: int | None = None,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[Never],
        max_bytes: int | None = None,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[Never],
        max_bytes: int | None = None,
        *,
        default: Default[bytes | bytearray],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: BinaryField[None],
        max_bytes: int | None = None,
        **options: object,
    ) -> None: ...
    def __init__(self, max_bytes: int | None = None, **kwargs: PassedOn) -> None:
        self.max_bytes = max_bytes
        super().__init__(**kwargs)

    def __set__(self, instance: Instance, value: bytes | bytearray | None) -> None:
        if isinstance(value, bytearray):
            value = bytes(value)
        super().__set__(instance, value)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the value as a `bson.Binary`."""
        return Binary(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type and the length."""
        if not isinstance(value, (bytes, Binary)):
            self.error(
                "BinaryField only accepts instances of "
                f"(bytes, {Binary.__name__}, Binary)"
            )
        if self.max_bytes is not None and len(value) > self.max_bytes:
            self.error("Binary value is too long")

    def _is_unconstrained(self) -> bool:
        return self.max_bytes is None

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as a `bson.Binary`."""
        if value is None:
            return value
        return super().prepare_query_value(op, self.to_mongo(value))


class UUIDField(BaseField[uuid.UUID, uuid.UUID | str, OrNone]):
    """A field for a UUID, stored as BSON binary data or as text.

    :param binary: store binary data; otherwise the 36 characters of its text.
    """

    _is_pure = True

    _load_as = frozenset({uuid.UUID})
    _valid_types = frozenset({uuid.UUID})

    @overload
    def __init__(
        self: UUIDField[Never],
        binary: bool = True,
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[Never],
        binary: bool = True,
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[Never],
        binary: bool = True,
        *,
        default: Default[uuid.UUID | str],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: UUIDField[None],
        binary: bool = True,
        **options: object,
    ) -> None: ...
    def __init__(self, binary: bool = True, **kwargs: PassedOn) -> None:
        self._binary = binary
        super().__init__(**kwargs)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return a `UUID` made of stored text; binary data was decoded by PyMongo."""
        if not self._binary:
            with suppress(ValueError, TypeError, AttributeError):
                return uuid.UUID(value if isinstance(value, str) else str(value))
        return value

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the `UUID`, or its text."""
        if not self._binary:
            return str(value)
        return uuid.UUID(value) if isinstance(value, str) else value

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the value as it is stored."""
        return None if value is None else self.to_mongo(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is, or can be made, a `UUID`."""
        if not isinstance(value, uuid.UUID):
            text = value if isinstance(value, str) else str(value)
            try:
                uuid.UUID(text)
            except (ValueError, TypeError, AttributeError) as failure:
                self.error(f"Could not convert to UUID: {failure}")


class EnumField(BaseField[E, E | str | float, OrNone], Generic[E, OrNone]):
    """A field for a member of an :class:`enum.Enum`, stored as the member's value.

    :param enum: the enumeration.
    :param choices: the members that are allowed; all of them where not given.

    :raises ValueError: a choice is no member of the enumeration.
    """

    _is_pure = True

    _loads_scalars = frozenset({str, int})

    # Lists and dicts of this field convert their items when they are assigned.
    _converts_on_set: ClassVar[bool] = True

    @overload
    def __init__(
        self: EnumField[E, Never],
        enum: type[E],
        *,
        required: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[E, Never],
        enum: type[E],
        *,
        primary_key: Yes,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[E, Never],
        enum: type[E],
        *,
        default: Default[E],
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self: EnumField[E, None],
        enum: type[E],
        **options: object,
    ) -> None: ...
    def __init__(self, enum: type[E], **kwargs: PassedOn) -> None:
        self._enum_cls = enum
        if kwargs.get("choices"):
            invalid = [
                choice for choice in kwargs["choices"] if not isinstance(choice, enum)
            ]
            if invalid:
                raise ValueError(f"Invalid choices: {invalid!r}")
        else:
            kwargs["choices"] = list(enum)
        super().__init__(**kwargs)
        # None becomes that member, even where no value is given.
        self._set_when_made = any(member.value is None for member in enum)

    def _raw_dumper(self) -> Dump:
        members = self._enum_cls._value2member_map_

        def dump(raw: object) -> RawValue:
            try:
                member = members.get(raw)
            except TypeError:
                return None
            return None if member is None else member.value

        return dump

    def _raw_validator(self) -> Proof:
        members, allowed = self._enum_cls._value2member_map_, self.choices

        def valid(raw: object) -> bool:
            try:
                return members[raw] in allowed
            except (KeyError, TypeError):
                return False

        return valid

    def _value_validator(self) -> Proof | None:
        enum_class, allowed = self._enum_cls, self.choices
        otherwise = super()._value_validator()
        if (
            otherwise is None
            or type(allowed) is not list
            or issubclass(enum_class, tuple)
        ):
            return otherwise

        def valid(value: object) -> bool:
            if type(value) is enum_class:
                return value in allowed
            return otherwise(value)

        return valid

    def __set__(self, instance: Instance, value: E | str | float | None) -> None:
        super().__set__(instance, self.to_python(value))

    def _argument(self) -> Argument:
        if not still_true(type(self), "_argument", "to_python"):
            return super()._argument()
        return Argument(frozenset({self._enum_cls}), None, None, None)

    def _prepare(self) -> None:
        super()._prepare()
        if still_true(type(self), "_argument", "to_python", "__set__"):
            self._put_unchanged = frozenset({self._enum_cls})

    def to_python(self, value: RawValue) -> PythonValue:
        """Return the member of that value; a value without a member stays as it is."""
        if isinstance(value, self._enum_cls):
            return value
        with suppress(ValueError):
            return self._enum_cls(value)
        return value

    def _from_raw(self, value: object) -> PythonValue:
        # As the enumeration finds most members itself.
        try:
            return self._enum_cls._value2member_map_[value]
        except (KeyError, TypeError):
            return self.to_python(value)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the member's value."""
        return value.value if isinstance(value, self._enum_cls) else value

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Return the member's value."""
        if value is None:
            return value
        return super().prepare_query_value(op, self.to_mongo(value))

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is a member or the value of one."""
        if isinstance(value, self._enum_cls):
            return
        try:
            self._enum_cls(value)
        except ValueError:
            self.error(f"{value!s} is not a valid {self._enum_cls}")


class SequenceField(BaseField[Item, Item | None, Never], Generic[Item]):
    """A field that numbers documents: each new one gets the next number.

    The counter is a document of its own, in the collection
    ``mongoengine.counters``: ``{_id: "<sequence>.<field>", next: <number>}``.
    The ``findAndModify`` command increments it, so that a number is given out only
    once, however many processes ask.  A number is taken when the field is first
    read or when the document is saved.

    Where the alias is open only with ``connect_async()``, reading the field of an
    unsaved document gives None; ``await document.async_save()`` takes the number.

    :param collection_name: where counters are kept.
    :param db_alias: the alias of the database in which that collection is.
    :param sequence_name: a name that several classes may share; the collection of
        the class (or its name, where it has none) where not given.
    :param value_decorator: makes the field's value from the number (``str``).
    """

    _auto_gen = True
    _load_as = frozenset({int, Int64, float, str})
    _dump_as = frozenset({int, Int64, float, str})
    _valid_types = frozenset({int, Int64, float, str})
    COLLECTION_NAME = "mongoengine.counters"
    VALUE_DECORATOR = int

    @overload
    def __init__(
        self: SequenceField[int],
        collection_name: str | None = None,
        db_alias: str | None = None,
        sequence_name: str | None = None,
        value_decorator: None = None,
        *args: object,
        **options: object,
    ) -> None: ...
    @overload
    def __init__(
        self,
        collection_name: str | None = None,
        db_alias: str | None = None,
        sequence_name: str | None = None,
        *,
        value_decorator: Callable[[int], Item],
        **options: object,
    ) -> None: ...
    def __init__(
        self,
        collection_name: str | None = None,
        db_alias: str | None = None,
        sequence_name: str | None = None,
        value_decorator: Callable[[Any], Item] | None = None,
        *args: PassedOn,
        **kwargs: PassedOn,
    ) -> None:
        self.collection_name = collection_name or self.COLLECTION_NAME
        self.db_alias = db_alias or connection.DEFAULT_CONNECTION_NAME
        self.sequence_name = sequence_name
        usual: Any = self.VALUE_DECORATOR
        self.value_decorator: Callable[[object], Item] = (
            value_decorator if callable(value_decorator) else usual
        )
        hooks.note_sequence(type(self).__name__)
        super().__init__(*args, **kwargs)

    generate = blocking(sequences.generate)
    async_generate = asynchronous(sequences.generate)

    set_next_value = blocking(sequences.set_next_value)
    async_set_next_value = asynchronous(sequences.set_next_value)

    get_next_value = blocking(sequences.get_next_value)
    async_get_next_value = asynchronous(sequences.get_next_value)

    def _counter_id(self) -> str:
        return f"{self.get_sequence_name()}.{self.name}"

    def get_sequence_name(self) -> str:
        """Return the first part of the counter's ``_id``."""
        if self.sequence_name:
            return self.sequence_name
        owner = self.owner_document
        if is_document_class(owner) and not owner._meta.get("abstract"):
            name: str = owner._get_collection_name()
            return name
        letters = ("_" + c if c.isupper() else c for c in owner._class_name)
        return "".join(letters).strip("_").lower()

    @overload
    def __get__(self, instance: None, owner: object) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: object) -> Item: ...
    def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
        if instance is None:
            return self
        value = self._read(instance)
        if value is None and instance._initialised and may_block(self.db_alias):
            value = self.generate()
            instance._put(self.name, value)
            instance._mark_as_changed(self.name)
        return value

    def __set__(self, instance: Instance, value: Item | None) -> None:
        if value is None and instance._initialised and may_block(self.db_alias):
            value = self.generate()
        super().__set__(instance, value)

    async def _before_insert(self, document: Any, io: IO) -> None:
        await sequences.number(self, io, document)

    def prepare_query_value(self, op: str | None, value: PythonValue) -> Item:
        """Return the value, decorated."""
        return self.value_decorator(value)

    def to_python(self, value: RawValue) -> PythonValue:
        """Return the value as it is; None takes the next number."""
        if value is None and may_block(self.db_alias):
            return self.generate()
        return value
