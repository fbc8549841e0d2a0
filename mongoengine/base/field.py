"""BaseField: the base class of all fields, and the questions a field answers.

A field is a descriptor on a document class.  It converts between three forms of
a value: what the user assigns, what the document holds, and what MongoDB stores.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias, overload

from bson import ObjectId

from mongoengine.base import context, hooks, misspelt
from mongoengine.base.bson_types import SCALARS
from mongoengine.base.common import UPDATE_OPERATORS
from mongoengine.base.hints import FieldHints
from mongoengine.base.plain import adopt
from mongoengine.base.reading import Attribute
from mongoengine.base.sentinels import MISSING
from mongoengine.base.tracked import TrackedContainer
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import Assigned, OrNone, Typed, Unset, Value
from mongoengine.errors import (
    DeprecatedError,
    InvalidDocumentError,
    InvalidQueryError,
    ValidationError,
)

if TYPE_CHECKING:
    from typing_extensions import Never, Self

    from mongoengine.base.references import ReferenceTarget
    from mongoengine.base.stamps import Stamp
    from mongoengine.base.types import (
        Default,
        Instance,
        OwnClass,
        PythonValue,
        RawValue,
        Reader,
        Undeclared,
        Yes,
    )
    from mongoengine.driver.io import IO

__all__ = ("BaseField", "Child", "ObjectIdField")

#: What `reverse_delete_rule` is unless it is given; see `queryset`.
DO_NOTHING = 0

#: What is inside a value: its key, its field (None for any type), and itself.
Child: TypeAlias = "tuple[Hashable, BaseField | None, PythonValue]"


class BaseField(FieldHints, Typed[Value, Assigned, Unset], Attribute):
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

    A field class says what is special about it by overriding the methods of the
    section "Questions about a field" below; the rest of the library asks these and
    never looks at the class.  Their names begin with an underscore because every
    other name belongs to users: further keywords become attributes of the field.
    """

    #: Operators of keyword queries that only this class knows; see `_condition`.
    _operators: ClassVar[frozenset[str]] = frozenset()

    name: str = None  # type: ignore[assignment]
    _geo_index: ClassVar[Any] = False
    # SequenceField and the like make their own value when a document is saved.
    _auto_gen: ClassVar[bool] = False
    # Values are integers, which `$inc` can increase.
    _counts: ClassVar[bool] = False
    # Holds embedded documents of any class.
    _holds_any_embedded: ClassVar[bool] = False
    # `save(cascade=True)` saves the documents that the field refers to.
    _cascades: ClassVar[bool] = False
    creation_counter: int = 0
    auto_creation_counter: int = -1

    # The constructor hands an argument to `__set__` without `to_python`.
    _keeps_argument: ClassVar[bool] = False
    # The constructor assigns the field where no value is given, too.
    _set_when_made: bool = False

    # `to_python` returns every value as it is.
    _keeps_any_value: ClassVar[bool] = True

    # Class and name that an error names; for the field of a list's items the list's.
    _place: str | None = None

    def __init__(
        self,
        db_field: str | None = None,
        required: bool = False,
        default: PythonValue = None,
        unique: bool = False,
        unique_with: str | Sequence[str] | None = None,
        primary_key: bool = False,
        validation: Callable[[Any], None] | None = None,
        choices: object = None,
        null: bool = False,
        sparse: bool = False,
        **kwargs: object,
    ) -> None:
        self._dereferences: bool | None = True
        self._owner_document: Any = None
        self.db_field: str = "_id" if primary_key else db_field  # type: ignore[assignment]
        _check_db_field(self.db_field)
        # What a value may be.
        self.null, self.default = null, default
        self.required = primary_key or required
        self.choices, self.validation = choices, validation
        if validation is not None:
            hooks.note_hook(validation, "validation")
        # What it is among other documents.
        self.primary_key = primary_key
        self.unique, self.unique_with = bool(unique or unique_with), unique_with
        self.sparse = sparse
        if kwargs:
            self._take_extras(kwargs)
        self._count_up()

    def _take_extras(self, extras: dict[str, object]) -> None:
        """Set further keywords as attributes, for the user's own purposes."""
        taken = extras.keys() & set(dir(self))
        if taken:
            raise TypeError(
                f"{type(self).__name__} already has attribute(s): {', '.join(taken)}"
            )
        misspelt.warn_of_options(type(self), extras)
        vars(self).update(extras)

    def _count_up(self) -> None:
        """Number the fields as they are declared; ids count down and come first."""
        if self.db_field == "_id":
            self.creation_counter = BaseField.auto_creation_counter
            BaseField.auto_creation_counter = self.creation_counter - 1
        else:
            self.creation_counter = BaseField.creation_counter
            BaseField.creation_counter = self.creation_counter + 1

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: object) -> Self: ...
        @overload
        def __get__(
            self: BaseField[Undeclared, Any, Any], instance: object, owner: object
        ) -> PythonValue: ...
        @overload
        def __get__(
            self: BaseField[OwnClass, Any, Unset], instance: Reader, owner: object
        ) -> Reader | Unset: ...
        @overload
        def __get__(self, instance: object, owner: object) -> Value | Unset: ...
        def __get__(self, instance: Instance, owner: Instance) -> PythonValue:
            """Return the field from the class, the converted value from a document."""

    def __set__(self, instance: Instance, value: Assigned | None) -> None:
        """Take a new value, mark it as changed where it differs from the old."""
        if value is None and not self.null and self.default is not None:
            value = self.default
            if callable(value):
                value = value()
        changed = instance._initialised and instance._note_assignment(self, value)
        if not isinstance(value, SCALARS):
            if isinstance(value, TrackedContainer):
                value = value._bound_to(instance, self.name)
            adopt(instance, value)
        instance._put(self.name, value)
        if changed:
            # After the value: another thread that takes the mark then stores it.
            instance._mark_as_changed(self.name)

    # Not `__delattr__` of documents: a class that has one runs Python code for every
    # assignment to an attribute, too.
    def __delete__(self, instance: Instance) -> None:
        """Put the field back to its default, as an assignment does."""
        default = self.default
        setattr(instance, self.name, default() if callable(default) else default)

    def _read(self, instance: Any) -> PythonValue:
        """Return the value in the document, without whatever `__get__` adds to it."""
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

    def to_python(self, value: RawValue) -> PythonValue:
        """Convert what MongoDB stores into what the document holds."""
        return value

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Convert what the document holds into what MongoDB stores."""
        return self.to_python(value)

    def _to_mongo_safe_call(
        self,
        value: object,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> RawValue:
        """Call `to_mongo` with as much as its signature takes."""
        extra: dict[str, Any] = {}
        accepted = _parameters_of(self.to_mongo)
        if fields and "fields" in accepted:
            extra["fields"] = fields
        if "use_db_field" in accepted:
            extra["use_db_field"] = use_db_field
        return self.to_mongo(value, **extra)

    # Questions about a field

    @property
    def _inner(self) -> BaseField | None:
        """The field of the items of a list or of the values of a dict, or None."""
        return None

    @property
    def _embedded_class(self) -> Any:
        """The class of the embedded documents that the field holds, or None.

        None, too, as long as the class was given by a name that is not registered.
        """
        return None

    #: Whether values are lists, of which a query matches the items.
    _is_list = False

    #: Whether values are lists or dicts, in which names that are no fields are keys.
    _is_container: ClassVar[bool] = False

    #: Whether values stand for documents of other collections, and whether reading
    #: the field gives these documents.
    _is_reference: ClassVar[bool] = False
    _is_followed: ClassVar[bool] = False

    #: Whether values are embedded documents of one class: `document_type`.
    _embeds: ClassVar[bool] = False

    #: Whether `validate` passes `clean` on to embedded documents.
    _passes_clean: ClassVar[bool] = False

    #: Whether the field gets its `_geo_index` without asking for it.
    _geo_indexed: ClassVar[bool] = False

    #: Whether values can be changed without being assigned again.
    _changes_inside: ClassVar[bool] = True

    @property
    def _takes_any_member(self) -> bool:
        """Return whether any name means something inside a value of the field."""
        return False

    #: Whether a stored value may be, or contain, mappings with any keys: a query may
    #: compare it with such mappings.
    _stores_mappings = False

    @property
    def _stores_class(self) -> bool:
        """Return whether embedded documents of the field store their class."""
        return False

    def _holds_references(self) -> bool:
        """Return whether a value of this field may have references in it.

        The schema keeps the answer as `_may_refer`.
        """
        return False

    #: Makes a reference of a plain key in a list or dict of the field's values.
    _as_reference: Any = None

    def _target_of(self, value: object) -> ReferenceTarget | None:
        """Return the document class and the DBRef of a value that is to be followed.

        None for everything else.  The class is None where only the DBRef tells it.
        """
        return None

    def _join_path(self, member: str) -> str | None:
        """Return where the key of the document that has a member is stored.

        :returns: a path inside the stored value, `""` for the value itself; None if
            the member is stored with the value, or no `$lookup` finds the document.
        """
        return None

    def _embedded_holds_references(self) -> bool:
        """Return whether embedded documents of the field may have references."""
        return False

    def _children(self, value: object) -> Iterable[Child]:
        """Return the key, field and value of each item inside a value of the field.

        The key is the name in the database, the position or the key of a dict; the
        field is None where values of any type are allowed.
        """
        return ()

    def _dump_item(self, value: object) -> RawValue:
        """Dump an item of a value, where items of any type are allowed."""
        return self.to_mongo(value)

    def _stores_whole(self, value: object, changed: Sequence[str]) -> bool:
        """Return whether changes inside a value are stored by storing all of it.

        :param changed: the changed paths inside the value.
        """
        return False

    def _member(self, name: str) -> BaseField | None:
        """Return the field that `name` means inside a value of this field, or None.

        A user's field class may define `lookup_member` instead.
        """
        lookup = getattr(self, "lookup_member", None)
        found = None if lookup is None else lookup(name)
        return found if isinstance(found, BaseField) else None

    def _condition(self, op: str | None, value: object) -> tuple[str, object]:
        """Return the path and the value of the condition for a keyword.

        :param op: the operator's name, None for equality.
        :param value: one value; operators that take several ask for each of them.
        :returns: a path inside the field's value (`""` for the value itself), and
            the value as MongoDB gets it.  For an operator in `_operators` it is the
            whole condition (`{"$mod": [2, 0]}`), for others the operand.
        """
        return "", self.prepare_query_value(op, value)

    #: The path inside a stored value that conditions compare, if not the whole.
    _compared_path: ClassVar[str] = ""

    #: Above 0 for lists: the path of a `$pull` ends at the last list of the highest
    #: rank, and what is below it becomes a condition on the items.
    _list_rank: ClassVar[int] = 0

    def _check_length(self, value: object) -> None:
        """Raise a ValidationError if the field does not take so many items."""

    def _as_operand(self, value: object) -> object:
        """Convert what an update operator is given, before it is taken for several."""
        return value

    def _change(self, op: str, value: object) -> RawValue:
        """Return the operand of an update operator (`"set"`, `"push"`) for `value`."""
        return self.prepare_query_value(op, value)

    def _attach(self, cls: Any, name: str) -> None:
        """Get ready to be the field `name` of a document class that was just made.

        It is called for every class that has the field, inherited ones included.

        :raises InvalidDocumentError: if the class cannot have such a field.
        """
        if self.owner_document is None:
            self.owner_document = cls
        field: BaseField | None = self
        while field is not None:
            field._place = field._place or f"{cls.__name__}.{name}"
            field = field._inner
        self._register_delete_rule(cls, name)

    def _register_delete_rule(self, cls: Any, name: str) -> None:
        """Tell the class that is referred to what its deletion means for `cls`."""
        rule = getattr(self, "reverse_delete_rule", DO_NOTHING)
        if rule == DO_NOTHING:
            return
        if not cls._is_document:
            raise InvalidDocumentError(
                "Reverse delete rules are not supported for "
                f"EmbeddedDocuments (field: {name})"
            )
        document_type: Any = getattr(self, "document_type", None)
        document_type.register_delete_rule(cls, name, rule)

    def _stamp(self) -> Stamp | None:
        """Return the stamp that writes set by themselves, or None."""
        return None

    def _current_date(self, value: object) -> tuple[str, PythonValue]:
        """Return the update operator that stores the time, and its operand.

        :param value: True, "date", "timestamp" or an operand of `$currentDate`.
        :raises InvalidQueryError: if the field holds no time.
        """
        raise InvalidQueryError(
            f"current_date stores a time, which {type(self).__name__} "
            f'"{self.name}" does not hold'
        )

    async def _before_insert(self, document: object, io: IO) -> None:
        """Complete the field of a document (or embedded one) that will be inserted."""

    async def _after_delete(self, value: object, io: IO, document: Any) -> None:
        """Remove what a deleted document kept elsewhere for this value."""

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        """Convert a value of a keyword query; `op` is the operator's name."""
        if op in UPDATE_OPERATORS:
            self.validate(value)
        return value

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Raise a :class:`~mongoengine.errors.ValidationError` for a bad value."""

    def _is_unconstrained(self) -> bool:
        """Return whether `validate` accepts every value of `_valid_types`."""
        return True

    def _validate_choices(self, value: object) -> None:
        allowed = self.choices
        if isinstance(next(iter(allowed)), (list, tuple)):
            allowed = [choice for choice, _ in allowed]
        if isinstance(value, ChangeTracking):
            if not any(isinstance(value, choice) for choice in allowed):
                # Upstream formats a tuple of one class as that class.
                expected = allowed[0] if _is_single(allowed) else allowed
                self.error(f"Value must be an instance of {expected}")
            return
        values = value if isinstance(value, (list, tuple)) else [value]
        if set(values) - set(allowed):
            self.error(f"Value must be one of {allowed}")

    def _validate(self, value: PythonValue, **kwargs: Any) -> None:
        """Check choices, the `validation` callable and `validate`, in that order."""
        if self.choices:
            self._validate_choices(value)
        if self.validation is not None:
            self._run_validation(self.validation, value)
        self.validate(value, **kwargs)

    def _run_validation(self, check: object, value: object) -> None:
        if not callable(check):
            raise ValueError(
                f'validation argument for `"{self.name}"` must be a callable.'
            )
        try:
            answer = hooks.result_of_validation(self, value, check)
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
    def owner_document(self, owner_document: object) -> None:
        self._set_owner_document(owner_document)

    def _set_owner_document(self, owner_document: object) -> None:
        self._owner_document = owner_document

    @property
    def _auto_dereference(self) -> bool:
        """Return whether touching the field follows references, here and now."""
        return bool(self._dereferences) and not context.dereferencing_of_field_is_off(
            self
        )

    def set_auto_dereferencing(self, value: bool) -> None:
        """Follow references (or not) when this field is touched."""
        self._dereferences = value


class ObjectIdField(BaseField[ObjectId, ObjectId | str, OrNone]):
    """A field for a BSON ObjectId: 12 bytes, or 24 hexadecimal digits."""

    _load_as = frozenset({ObjectId})
    _dump_as = frozenset({ObjectId})
    _valid_types = frozenset({ObjectId})

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: ObjectIdField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: ObjectIdField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: ObjectIdField[Never],
            db_field: str | None = None,
            *,
            default: Default[ObjectId | str],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: ObjectIdField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def to_python(self, value: RawValue) -> PythonValue:
        if not isinstance(value, ObjectId) and value is not None:
            with suppress(Exception):
                return ObjectId(value)
        return value

    def to_mongo(self, value: PythonValue) -> RawValue:
        if isinstance(value, ObjectId):
            return value
        try:
            return ObjectId(str(value))
        except Exception as failure:
            self.error(str(failure))

    def prepare_query_value(self, op: str | None, value: PythonValue) -> RawValue:
        if value is None:
            return value
        return self.to_mongo(value)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        try:
            ObjectId(str(value))
        except Exception:
            self.error("Invalid ObjectID")


def _check_db_field(name: object) -> None:
    if name is None:
        return
    if not isinstance(name, str):
        raise TypeError("db_field should be a string.")
    if "." in name or "\0" in name or name.startswith("$"):
        raise ValueError(
            'field names cannot contain dots (".") or null characters '
            '("\\0"), and they must not start with a dollar sign ("$").'
        )


def _is_single(choices: object) -> bool:
    return isinstance(choices, tuple) and len(choices) == 1


def _parameters_of(method: object) -> tuple[str, ...]:
    code = getattr(method, "__code__", None)
    return code.co_varnames if code is not None else ()
