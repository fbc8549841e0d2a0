"""From index declarations to what `createIndexes` is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import pymongo

from mongoengine.base.field_paths import db_path, innermost
from mongoengine.base.types import FieldsByName, Meta, RawDocument
from mongoengine.errors import LookUpError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mongoengine.base.field import BaseField


__all__ = ("IndexSpecs",)

Spec = RawDocument
Key = tuple[str, int | str]

#: What the first character of a name in an index declaration means.
_DIRECTIONS: dict[str, int | str] = {
    "+": pymongo.ASCENDING,
    "-": pymongo.DESCENDING,
    "*": pymongo.GEO2D,
    "(": pymongo.GEOSPHERE,
    "#": pymongo.HASHED,
    "$": pymongo.TEXT,
}

#: Indexes whose last key is one of these do not begin with `_cls`.
_WITHOUT_CLS = (pymongo.GEO2D, pymongo.GEOSPHERE)

#: The mark of a haystack index, which no supported server has.
_HAYSTACK = ")"

_PRIMARY_KEY = ("pk", "id", "_id")

_LISTS = ("EmbeddedDocumentListField", "ListField", "SortedListField")


#: The directions of a PyMongo pair that are text.
_INDEX_TYPES = frozenset(
    (pymongo.GEO2D, pymongo.GEOSPHERE, pymongo.HASHED, pymongo.TEXT, "2d")
)


def _declared_fields(fields: Iterable[object]) -> list[Any]:
    """Return the fields of a declaration as a list of names and pairs."""
    if _is_pair(fields):
        return [fields]
    if isinstance(fields, Mapping):
        return list(fields.items())
    return list(fields)


def _is_pair(field: object) -> bool:
    """Return whether a declaration is one `("age", -1)`, and not several names."""
    return (
        isinstance(field, (list, tuple))
        and len(field) == 2
        and isinstance(field[0], str)
        and field[1] in (1, -1)
    )


class IndexSpecs:
    """The indexes that a document class declares.

    A specification is a dict: `fields`, a list of `(database name, direction)`,
    and the options of `createIndexes`.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        _fields: ClassVar[FieldsByName]
        _meta: ClassVar[Meta]

        @classmethod
        def _lookup_field(cls, parts: str | list[str]) -> list[Any]: ...
        @classmethod
        def _translate_field_name(cls, field: str, sep: str = ".") -> str: ...

    @classmethod
    def _build_index_specs(cls, meta_indexes: list[Any]) -> list[Spec]:
        """Return the specifications of the indexes of `meta` and of the fields.

        What `unique` or a geo field asks for completes a declaration of the same
        fields.

        :raises LookUpError: if a field is unknown
        """
        specs: list[Any] = [cls._build_index_spec(spec) for spec in meta_indexes]
        for required in (cls._geo_indices(), cls._unique_with_indexes()):
            by_fields = {tuple(spec["fields"]): spec for spec in specs if required}
            for spec in required:
                declared = by_fields.get(tuple(spec["fields"]))
                if declared is None:
                    specs.append(spec)
                else:
                    declared.update(spec)
        return specs

    @classmethod
    def _build_index_spec(cls, spec: object) -> Spec:
        """Return the specification for one declaration.

        That is a field, several of them, or a dict with `fields` and options.  A field
        is a name with a direction in front (`"-age"`), or a pair as PyMongo takes it
        (`("age", -1)`).
        """
        if isinstance(spec, str):
            spec = [spec]
        built: Spec = dict(spec) if isinstance(spec, dict) else {"fields": spec}
        built["fields"] = declared = _declared_fields(built["fields"])
        keys = [
            cls._index_key(field) if isinstance(field, str) else cls._key_of_pair(field)
            for field in declared
        ]
        with_cls = cls._begins_with_cls(built, keys)
        built.pop("cls", None)
        if with_cls and (not keys or keys[-1][1] not in _WITHOUT_CLS):
            keys.insert(0, ("_cls", 1))
        if keys:
            built["fields"] = keys
        return built

    @classmethod
    def _begins_with_cls(cls, spec: Spec, keys: list[Key]) -> bool:
        """Return whether the declaration leaves room for `_cls` before its fields."""
        return bool(
            cls._meta.get("allow_inheritance")
            and not spec.get("sparse", False)
            and spec.get("cls", True)
            and all(name != "_cls" for name, _ in keys)
            and (spec.get("cls", False) or cls._meta.get("index_cls", True))
        )

    @classmethod
    def _index_key(cls, name: str) -> Key:
        """Return the database name and direction of one name of a declaration.

        :raises NotImplementedError: if it is a haystack index
        """
        if name.startswith(_HAYSTACK):
            raise NotImplementedError
        direction = _DIRECTIONS.get(name[:1])
        if direction is None:
            direction = pymongo.ASCENDING
        else:
            name = name[1:]
        if name in _PRIMARY_KEY:
            return "_id", direction
        path = cls._lookup_field(name.split("."))
        return db_path(path), direction

    @classmethod
    def _key_of_pair(cls, pair: Any) -> Key:
        """Return the database name and direction of a pair of a declaration.

        Its name may be that of a field or the one in the database; a path that is
        neither is left as it is.

        :raises ValueError: if it is not a name and a direction.
        """
        if not (_is_pair(pair) or (len(pair) == 2 and pair[1] in _INDEX_TYPES)):
            raise ValueError(
                f"{cls.__name__}: an index field is a name or a pair such as "
                f'("age", -1), not {pair!r}'
            )
        name, direction = pair
        if name in _PRIMARY_KEY:
            return "_id", direction
        if cls._is_stored_path(name):
            return name, direction
        try:
            return cls._translate_field_name(name), direction
        except (LookUpError, AttributeError):
            return name, direction

    @classmethod
    def _is_stored_path(cls, path: str) -> bool:
        """Return whether a path is made of the database names of fields."""
        owner: Any = cls
        for part in path.split("."):
            if owner is None:
                return True
            name = owner._reverse_db_field_map.get(part)
            if name is None:
                return False
            owner = innermost(owner._fields[name])._embedded_class
        return True

    @classmethod
    def _unique_with_indexes(cls, namespace: str = "") -> list[Spec]:
        """Return specifications for `unique` and `unique_with`, also embedded ones."""
        specs: list[Spec] = []
        for name, field in cls._fields.items():
            if field.unique:
                specs.append(cls._unique_index(field, namespace))
            if type(field).__name__ in _LISTS:
                field = field.field
            if (
                type(field).__name__ == "EmbeddedDocumentField"
                and field.document_type != cls
            ):
                specs += field.document_type._unique_with_indexes(f"{name}.")
        return specs

    @classmethod
    def _unique_index(cls, field: BaseField, namespace: str) -> Spec:
        """Return the specification for one unique field.

        The fields that it is unique with become required.
        """
        if isinstance(field.unique_with, str):
            field.unique_with = [field.unique_with]
        names = [field.db_field]
        sparse = field.sparse
        for other in field.unique_with or ():
            path = cls._lookup_field(other.split("."))
            names.append(".".join(step.db_field for step in path))
            path[-1].required = True
            # Upstream turns it on where the other field is inherited or embedded.
            sparse = field.sparse or (not sparse and path[-1].name not in cls.__dict__)
        keys = [(f"{namespace}{name}", pymongo.ASCENDING) for name in names]
        return {"fields": keys, "unique": True, "sparse": sparse}

    @classmethod
    def _geo_indices(
        cls, inspected: list[Any] | None = None, parent_field: str | None = None
    ) -> list[Spec]:
        """Return specifications for the geo fields, also of embedded documents."""
        inspected = inspected or []
        inspected.append(cls)
        specs: list[Spec] = []
        for field in cls._fields.values():
            if field._embeds:
                embedded = field.document_type
                if embedded not in inspected and hasattr(embedded, "_geo_indices"):
                    specs += embedded._geo_indices(inspected, field.db_field)
            elif field._geo_indexed and field._geo_index:
                name = field.db_field
                if parent_field:
                    name = f"{parent_field}.{name}"
                specs.append({"fields": [(name, field._geo_index)]})
        return specs
