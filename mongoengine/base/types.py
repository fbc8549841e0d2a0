"""Types that several modules share: what fields are generic over, raw documents.

The type variables have defaults, which `typing` has from Python 3.13 on.  Type
checkers read them from `typing_extensions`, which is not needed at run time.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias

from mongoengine.driver.types import (
    AnyClient,
    AnyCollection,
    AnyCursor,
    AnyDatabase,
    Coro,
    FindCursor,
    Function,
    Keywords,
    PassedOn,
    Pipeline,
    RawDocument,
    RawMapping,
    RawValue,
)

if TYPE_CHECKING:
    from typing_extensions import Never, TypeVar
else:
    import typing
    from typing import NoReturn as Never

    def TypeVar(name, *, default=None, **options):
        """Return a type variable of `typing`, which takes no default."""
        return typing.TypeVar(name, **options)


__all__ = (
    "AnyClient",
    "AnyCollection",
    "AnyCursor",
    "AnyDatabase",
    "Assigned",
    "Convert",
    "Coro",
    "Default",
    "FieldPath",
    "FieldsByName",
    "FindCursor",
    "Function",
    "Instance",
    "Item",
    "Keywords",
    "Meta",
    "Namespace",
    "Never",
    "OrNone",
    "OwnClass",
    "Owner",
    "PassedOn",
    "Pipeline",
    "PrimaryKey",
    "PythonValue",
    "RawDocument",
    "RawMapping",
    "RawValue",
    "Reader",
    "Referred",
    "Typed",
    "Undeclared",
    "Unset",
    "Value",
    "Yes",
)

#: A value as a document holds it, of the type that its field gives it.  Where only the
#: running program has the field, a type checker cannot name the type.
PythonValue: TypeAlias = Any

#: A function from one form of a value to another: a loader, a dumper.
Convert: TypeAlias = Callable[[Any], Any]

#: The primary key of a document, of the type of the field that is `primary_key`.
PrimaryKey: TypeAlias = Any

#: The options of a document class, those of its bases included: `meta`.
Meta: TypeAlias = dict[str, Any]

#: The document that a field is read from or assigned to, or its class.  A field class
#: of a user may name its own document class in `__get__` and `__set__`.
Instance: TypeAlias = Any

#: The fields that a name leads through, with the names and positions between them.
FieldPath: TypeAlias = list[Any]

#: The fields of a document class.  The schema says which class a field has: look there
#: before you ask a field something that only some classes answer.
FieldsByName: TypeAlias = dict[str, Any]

#: The attributes of a class that is being made, or the names of a module.
Namespace: TypeAlias = dict[str, Any]

#: The value of an option that is turned on.
Yes: TypeAlias = Literal[True]

#: The type of a field's value when it is read.
Value = TypeVar("Value", covariant=True, default=Any)

#: The type of what may be assigned to a field; None may be assigned to every field.
Assigned = TypeVar("Assigned", contravariant=True, default=Any)

#: The type that a field without a value is read as: None, or `Never` for a field that
#: always has a value.
Unset = TypeVar("Unset", covariant=True, default=Value)

#: The same for the field classes that fix the type of their values.
OrNone = TypeVar("OrNone", bound="None", covariant=True, default=None)


class OwnClass:
    """Stand for the class of the document that is read, for `ReferenceField("self")`.

    Only type checkers see it, as the type of such a field.
    """


class Undeclared:
    """Match, in an overload, fields that do not say the type of their values."""


#: The class of the documents that a field refers to.
Referred = TypeVar("Referred", default=Any)

#: The class of the document that a field is read from.
Reader = TypeVar("Reader")

#: The type of the items of a list or of the values of a dict.
Item = TypeVar("Item", default=Any)


class Owner(Protocol[Value]):
    """A document or embedded document, which knows the class of all documents."""

    @property
    def _any_document(self) -> Value: ...


if TYPE_CHECKING:
    V = TypeVar("V")

    #: The option `default`: a value, or a callable that makes one.
    Default: TypeAlias = V | Callable[[], V]

    class Typed(Generic[Value, Assigned, Unset]):
        """A base of field classes that takes their type parameters."""

else:
    Default = Any

    class Typed:
        """A base of field classes that takes their type parameters.

        They mean nothing at run time: there may be any number of them.
        """

        __class_getitem__ = classmethod(types.GenericAlias)
