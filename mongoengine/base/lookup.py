"""From the names that a query is written in to the fields that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.misspelt import did_you_mean, meant_field
from mongoengine.base.types import FieldPath, FieldsByName, Meta, PythonValue
from mongoengine.errors import LookUpError

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("FieldLookup",)


class FieldLookup:
    """Look-up of the fields of a document class by names and paths."""

    __slots__ = ()

    if TYPE_CHECKING:
        _dynamic: ClassVar[bool]
        # Makes the fields of attributes that no field is declared for.
        _unknown_field: ClassVar[Any]
        _fields: ClassVar[FieldsByName]
        _meta: ClassVar[Meta]
        _subclasses: ClassVar[tuple[str, ...]]

    @classmethod
    def _lookup_field(cls, parts: str | list[str]) -> FieldPath:
        """Return the fields on the way through `parts`, one for each.

        `["comments", "0", "author"]` gives the list field, the string `"0"` and the
        author field: what is no field of its own (a position, a key) stays a string.
        A string stands for a list of one name.

        :raises LookUpError: if a field is unknown
        """
        names = [parts] if isinstance(parts, str) else parts
        fields: FieldPath = []
        field: BaseField | None = None
        for name in names:
            if field is None:
                field = cls._own_field(name)
            elif name.isdigit() and field._is_list:
                fields.append(name)
                continue
            else:
                member = cls._member(field, name, names)
                if member is None:
                    fields.append(name)
                    continue
                field = member
            fields.append(field)
        return fields

    @classmethod
    def _own_field(cls, name: str) -> Any:
        """Return the field called `name` of this class or, polymorphic, one below."""
        if name == "pk":
            name = cls._meta["id_field"]
        if name in cls._fields:
            return cls._fields[name]
        if cls._dynamic:
            return cls._unknown_field(db_field=name)
        if cls._meta.get("allow_inheritance") or cls._meta.get("abstract", False):
            for class_name in cls._subclasses:
                below = _DocumentRegistry.get(class_name)._fields
                if name in below:
                    return below[name]
        hint = did_you_mean({name: meant_field(cls, name)})
        raise LookUpError(f'Cannot resolve field "{name}"{hint}')

    @classmethod
    def _member(cls, field: BaseField, name: str, names: list[str]) -> Any:
        """Return what `name` is inside `field`; None for a key of a container.

        :param field: a field, or the name that stands for a key of a container
        """
        if getattr(field, "_is_followed", False):
            raise LookUpError(f"Cannot perform join in mongoDB: {'__'.join(names)}")
        lookup = getattr(getattr(field, "field", None), "lookup_member", None)
        if lookup is None:
            if cls._dynamic and getattr(field, "_takes_any_member", False):
                return cls._unknown_field(db_field=name)
            if not hasattr(field, "lookup_member"):
                raise LookUpError(
                    f"Cannot resolve subfield or operator {name} "
                    f"on the field {field.name}"
                )
            lookup = field.lookup_member
        member = lookup(name) or None
        if member is None and not field._is_container:
            inside = field._embedded_class
            meant = None if inside is None else meant_field(inside, name)
            hint = did_you_mean({name: meant})
            raise LookUpError(f'Cannot resolve field "{name}"{hint}')
        return member

    @classmethod
    def _field_stored_at(cls, path: str) -> tuple[str, PythonValue]:
        """Return the field names for a database path, and the last field or None.

        For example, `author.nm` gives `author.name`.  Parts that are not fields
        (positions, keys) stay as they are.
        """
        names: list[str] = []
        owner: Any = cls
        field: Any = None
        for part in path.split("."):
            if owner is not None:
                field = owner._field_stored_as(part)
                names.append(part if field is None else field.name)
            else:
                field = None if field is None else field._inner
                names.append(part)
            owner = None if field is None else field._embedded_class
        return ".".join(names), field

    @classmethod
    def _field_stored_as(cls, key: str) -> Any:
        """Return the field of this class or one below that is stored under a key."""
        for class_name in cls._subclasses:
            for field in _DocumentRegistry.get(class_name)._fields.values():
                if field.db_field == key:
                    return field
        return None

    @classmethod
    def _translate_field_name(cls, field: str, sep: str = ".") -> str:
        """Return the database name of `field`, a path joined by `sep`.

        `author.name` gives `author.nm`, say.

        :raises LookUpError: if a field is unknown
        """
        return ".".join(f.db_field for f in cls._lookup_field(field.split(sep)))
