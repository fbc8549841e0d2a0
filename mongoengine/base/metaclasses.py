"""Metaclasses: make a document class of a class statement."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet

from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.field import BaseField, ObjectIdField
from mongoengine.base.misspelt import warn_of_meta
from mongoengine.base.schema import Schema
from mongoengine.base.types import Instance, Meta, Namespace, PythonValue
from mongoengine.base.utils import is_library_class, warn_caller
from mongoengine.base.versions import check_version_field
from mongoengine.compatibility import names_of
from mongoengine.driver.types import Function
from mongoengine.errors import (
    DoesNotExist,
    InvalidDocumentError,
    MultipleObjectsReturned,
)

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.state import DocumentState


__all__ = ("DocumentMetaclass", "TopLevelDocumentMetaclass")


#: The `meta` that every document class starts from.
DEFAULT_META: Meta = {
    "abstract": True,
    "max_documents": None,
    "max_size": None,
    "ordering": [],
    "indexes": [],
    "id_field": None,
    "index_background": False,
    "index_opts": None,
    "delete_rules": None,
    "allow_inheritance": None,
}


class MetaDict(Meta):
    """A class's `meta`.  Merging adds up the indexes and replaces the rest."""

    _added_up = ("indexes",)

    def merge(self, other: Meta) -> None:
        for key, value in other.items():
            self[key] = self.get(key, []) + value if key in self._added_up else value


class FieldMap(dict[str, BaseField]):
    """The fields of a class by name; the class notices when they change."""

    __slots__ = ("owner",)

    #: The class; None until it has been made.
    owner: Any

    def __init__(self, fields: Mapping[str, BaseField], owner: object = None) -> None:
        super().__init__(fields)
        self.owner = owner

    def __reduce__(self) -> tuple[object, ...]:
        return dict, (dict(self),)


def _then_recompile(method: Function) -> Function:
    @wraps(method)
    def changing(self: FieldMap, *args: object, **kwargs: object) -> object:
        result = method(self, *args, **kwargs)
        if self.owner is not None:
            _forget_compiled(self.owner)
        return result

    return changing


for _name in (
    "__delitem__",
    "__ior__",
    "__setitem__",
    "clear",
    "pop",
    "popitem",
    "setdefault",
    "update",
):
    setattr(FieldMap, _name, _then_recompile(getattr(dict, _name)))


#: What is worked out of the fields of a class when it is first needed.
_COMPILED = (
    *("_filter_plans", "_joined_plans", "_update_plans"),
    *("_safe_filter_plans", "_safe_joined_plans", "_safe_update_plans"),
)

#: The attributes of a class that say which fields it has.
_DECLARED = frozenset(
    ("_db_field_map", "_fields", "_fields_ordered", "_reverse_db_field_map")
)


#: The classes that are complete, and those that have a schema.
_complete: WeakSet[type] = WeakSet()
_compiled: WeakKeyDictionary[type, None] = WeakKeyDictionary()


def _forget_compiled(cls: type) -> None:
    """Have the schema of a class, and its plans of queries, made anew.

    Those of all others, too, once the class is complete: they may embed its documents.
    """
    _forget_own(cls)
    if cls in _complete:
        for reference in _compiled.keyrefs():
            other = reference()
            if other is not None:
                _forget_own(other)
        _compiled.clear()


def _forget_own(cls: type) -> None:
    for name in _COMPILED:
        if name in cls.__dict__:
            type.__delattr__(cls, name)
    type.__setattr__(cls, "_schema", _SchemaOnDemand())


class _SchemaOnDemand:
    """Works out a class's schema when it is first asked for."""

    def __get__(self, instance: Instance, owner: Instance) -> Schema:
        schema = Schema(owner)
        owner._schema = schema
        _compiled[owner] = None
        return schema


class DocumentMetaclass(type):
    """Makes document and embedded document classes."""

    def __init__(
        cls, name: str, bases: tuple[type, ...], attrs: Namespace, **kwargs: object
    ) -> None:
        super().__init__(name, bases, attrs)
        _complete.add(cls)

    def __new__(
        mcs, name: str, bases: tuple[type, ...], attrs: Namespace, **kwargs: object
    ) -> Any:
        inherited = _all_bases(bases)
        attrs["_schema"] = _SchemaOnDemand()
        metaclass = attrs.get("my_metaclass")
        if metaclass is not None and issubclass(metaclass, DocumentMetaclass):
            attrs.setdefault("_is_document", False)
            attrs.setdefault("_cached_reference_fields", [])
            return super().__new__(mcs, name, bases, attrs, **kwargs)

        attrs["_is_document"] = attrs.get("_is_document", False)
        attrs["_cached_reference_fields"] = []
        _set_embedded_meta(name, attrs, inherited)
        if attrs["_meta"].get("allow_inheritance"):
            attrs["_cls"] = _of_bases(inherited, "_cls_field")()

        own = dict(_named_fields(attrs))
        _check_db_fields(own)
        fields = _inherited_fields(inherited) | own
        attrs["_fields"] = FieldMap(fields)
        attrs["_db_field_map"] = {k: f.db_field for k, f in fields.items()}
        attrs["_reverse_db_field_map"] = {f.db_field: k for k, f in fields.items()}
        attrs["_fields_ordered"] = tuple(
            field_name
            for _, field_name in sorted(
                (field.creation_counter, field.name) for field in fields.values()
            )
        )
        for field_name, field in fields.items():
            if field.choices:
                attrs.setdefault(f"get_{field_name}_display", _display_of(field))

        ancestors = _set_class_names(name, attrs, inherited)
        new_class: Any = super().__new__(mcs, name, bases, attrs, **kwargs)
        for ancestor in ancestors:
            if new_class._class_name not in ancestor._subclasses:
                ancestor._subclasses += (new_class._class_name,)
                ancestor._types = ancestor._subclasses
        if new_class._is_document:
            new_class._collection = None
        _DocumentRegistry.register(new_class)
        new_class._fields.owner = new_class
        root = _root_of(new_class) if new_class._is_document else None
        for field_name, field in fields.items():
            field._attach(new_class, field_name)
            if root is not None:
                _refuse_method_name(root, field)
        return new_class

    def __setattr__(cls, name: str, value: PythonValue) -> None:
        if name == "_fields" and type(value) is not FieldMap:
            value = FieldMap(value, cls)
        super().__setattr__(name, value)
        if name in _DECLARED or isinstance(value, BaseField):
            _forget_compiled(cls)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        _forget_compiled(cls)


class TopLevelDocumentMetaclass(DocumentMetaclass):
    """Makes document classes: those with a collection of their own."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], attrs: Namespace, **kwargs: object
    ) -> Any:
        inherited = _all_bases(bases)
        if attrs.get("my_metaclass") is TopLevelDocumentMetaclass:
            attrs["_meta"] = {**DEFAULT_META, **attrs.pop("meta", {})}
            attrs["_is_base_cls"] = True
            attrs["_is_document"] = True
            return super().__new__(mcs, name, bases, attrs, **kwargs)

        own = attrs["_meta"] = dict(attrs.pop("meta", {}))
        warn_of_meta(name, own)
        own["abstract"] = own.get("abstract", False)
        attrs["_is_base_cls"] = False
        attrs["_is_document"] = True
        queryset_class = getattr(attrs.get("objects"), "queryset_class", None)
        if queryset_class is not None:
            own["queryset_class"] = queryset_class

        parent: Any = next(
            (b for b in inherited if type(b) is TopLevelDocumentMetaclass), None
        )
        concrete_parent = parent is not None and not parent._meta.get("abstract", True)
        if concrete_parent and "collection" in own:
            warn_caller(
                f"Trying to set a collection on a subclass ({name})", SyntaxWarning
            )
            del own["collection"]
        if own["abstract"]:
            if parent is not None and not parent._meta.get("abstract", False):
                raise ValueError("Abstract document cannot have non-abstract base")
            return super().__new__(mcs, name, bases, attrs, **kwargs)

        meta = attrs["_meta"] = _merged_meta(name, own, inherited)
        new_class = super().__new__(mcs, name, bases, attrs, **kwargs)
        meta["index_specs"] = new_class._build_index_specs(meta["indexes"])
        if callable(meta.get("collection")):
            meta["collection"] = meta["collection"](new_class)
        if not any("objects" in vars(base) for base in new_class.__mro__):
            new_class.objects = manager_class()
        mcs._set_primary_key(new_class)
        check_version_field(new_class)
        for error in (DoesNotExist, MultipleObjectsReturned):
            _set_exception(new_class, error, inherited, attrs.get("__module__"))
        return new_class

    @classmethod
    def _set_primary_key(mcs, new_class: Any) -> None:
        meta = new_class._meta
        for field_name, field in new_class._fields.items():
            if not field.primary_key:
                continue
            if meta.get("id_field") and meta["id_field"] != field_name:
                raise ValueError("Cannot override primary key field")
            if not meta.get("id_field"):
                meta["id_field"] = field_name
                new_class.id = field
        if meta.get("id_field"):
            return
        id_name, id_key = mcs.get_auto_id_names(new_class)
        field = ObjectIdField(db_field=id_key)
        field.name = id_name
        meta["id_field"] = id_name
        new_class._fields[id_name] = field
        new_class.id = field
        new_class._db_field_map[id_name] = id_key
        new_class._reverse_db_field_map[id_key] = id_name
        new_class._fields_ordered = (id_name, *new_class._fields_ordered)

    @classmethod
    def get_auto_id_names(mcs, new_class: type[DocumentState]) -> tuple[str, str]:
        """Return the name and database name of the id that a class gets by itself."""
        names = set(new_class._fields)
        keys = {field.db_field for field in new_class._fields.values()}
        if "id" not in names and "_id" not in keys:
            return "id", "_id"
        for number in itertools.count():
            id_name, id_key = f"auto_id_{number}", f"_auto_id_{number}"
            if id_name not in names and id_key not in keys:
                return id_name, id_key
        raise AssertionError("unreachable: the numbers do not end")


def _all_bases(bases: tuple[type, ...]) -> list[Any]:
    """Return the bases and their bases, each once, nearest first.

    Those of the library that are no document classes, such as `BaseDocument`, are left
    out: they have neither fields nor `meta`.
    """
    found: dict[type, None] = {}

    def visit(group: tuple[type, ...]) -> None:
        for base in group:
            if base in found:
                continue
            if isinstance(base, DocumentMetaclass) or not is_library_class(base):
                found[base] = None
                visit(base.__bases__)

    visit(bases)
    return list(found)


def _set_embedded_meta(name: str, attrs: Namespace, inherited: list[Any]) -> None:
    """Give an embedded document its meta; a document has got it already."""
    if "meta" in attrs:
        attrs["_meta"] = attrs.pop("meta")
        warn_of_meta(name, attrs["_meta"])
    if attrs.get("_meta"):
        return
    meta = MetaDict()
    for base in reversed(inherited):
        if hasattr(base, "meta"):
            meta.merge(base.meta)
        elif hasattr(base, "_meta"):
            meta.merge(base._meta)
    meta["abstract"] = False
    attrs["_meta"] = meta


def _merged_meta(name: str, own: Meta, inherited: list[Any]) -> MetaDict:
    meta = MetaDict()
    for base in reversed(inherited):
        if hasattr(base, "meta"):
            meta.merge(base.meta)
        elif hasattr(base, "_meta"):
            meta.merge(base._meta)
        if getattr(base, "_is_document", False) and not base._meta.get("abstract"):
            collection = meta.get("collection")
            if callable(collection):
                meta["collection"] = collection(base)
    meta.merge(own)
    direct = all(b._meta.get("abstract") for b in inherited if hasattr(b, "_meta"))
    if not direct and meta["allow_inheritance"] is False and not meta["abstract"]:
        raise ValueError(
            'Only direct subclasses of Document may set "allow_inheritance" to False'
        )
    if "collection" not in meta:
        meta["collection"] = _collection_name(name)
    return meta


def _collection_name(class_name: str) -> str:
    """Return the name of a collection: `BlogPost` -> `blog_post`."""
    return "".join(f"_{c}" if c.isupper() else c for c in class_name).strip("_").lower()


def _inherited_fields(inherited: list[Any]) -> dict[str, BaseField]:
    """Return the fields of the bases and of plain mixins."""
    fields: dict[str, BaseField] = {}
    for base in reversed(inherited):
        if hasattr(base, "_fields"):
            fields.update(base._fields)
        else:
            fields.update(_named_fields(vars(base)))
    return fields


def _named_fields(namespace: Mapping[str, object]) -> Iterator[tuple[str, BaseField]]:
    for name, value in namespace.items():
        if isinstance(value, BaseField):
            value.name = name
            if not value.db_field:
                value.db_field = name
            yield name, value


def _check_db_fields(fields: dict[str, BaseField]) -> None:
    counts = Counter(field.db_field for field in fields.values())
    repeated = [key for key, count in counts.items() if count > 1]
    if repeated:
        raise InvalidDocumentError(
            f"Multiple db_fields defined for: {', '.join(repeated)} "
        )


def _set_class_names(name: str, attrs: Namespace, inherited: list[Any]) -> list[Any]:
    """Work out `_class_name` and the like; the concrete ancestors."""
    ancestors = []
    names = [name]
    for base in inherited:
        meta = getattr(base, "_meta", {})
        if not getattr(base, "_is_base_cls", True) and not meta.get("abstract", True):
            names.append(base.__name__)
        if not hasattr(base, "_meta"):
            continue
        if not meta.get("allow_inheritance") and not meta.get("abstract"):
            raise ValueError(
                f"Document {base.__name__} may not be subclassed. To enable "
                'inheritance, use the "allow_inheritance" meta attribute.'
            )
        if hasattr(base, "_class_name"):
            ancestors.append(base)
    class_name = ".".join(reversed(names))
    attrs["_class_name"] = class_name
    nearest = ancestors[0] if ancestors else None
    attrs["_superclasses"] = (
        (*nearest._superclasses, nearest._class_name) if nearest else ()
    )
    attrs["_subclasses"] = attrs["_types"] = (class_name,)
    return ancestors


def _of_bases(bases: list[Any], name: str) -> Any:
    """Return what the base classes of the library keep under a name."""
    return next(vars(base)[name] for base in bases if name in vars(base))


def _root_of(new_class: type) -> Any:
    """Return `Document`, of which all document classes are."""
    return [base for base in new_class.__mro__ if "my_metaclass" in vars(base)][-1]


def _refuse_method_name(root: Any, field: BaseField) -> None:
    """Refuse a field that would hide a method of `Document`.

    :raises InvalidDocumentError: if there is such a method.
    """
    name = field.name
    if name and name not in root._hidden_by_fields and hasattr(root, name):
        raise InvalidDocumentError(
            f"{name} is a document method and not a valid field name"
        )


def _set_exception(
    new_class: object, error: type[Exception], inherited: list[Any], module: object
) -> None:
    """Give the class its own `DoesNotExist`, caught by its bases' too."""
    name = error.__name__
    parents = tuple(getattr(b, name) for b in inherited if hasattr(b, name))
    setattr(new_class, name, type(name, parents or (error,), {"__module__": module}))


def _display_of(field: BaseField) -> Callable[[BaseDocument], object]:
    """Return `get_<field>_display`, which returns the label of the field's value."""

    def display(self: BaseDocument) -> object:
        value = getattr(self, field.name)
        if not isinstance(next(iter(field.choices)), (list, tuple)):
            return value
        if value is None:
            return None
        labels = dict(field.choices)
        many = type(field).__name__ in ("ListField", "SortedListField")
        separator = getattr(field, "display_sep", " ")
        return separator.join(
            str(labels.get(item, item)) for item in (value if many else [value])
        )

    display.__name__ = f"get_{field.name}_display"
    display.__doc__ = f"The label of `{field.name}` among its choices."
    return display


#: The class of `objects`; `queryset.manager` puts it here.
manager_class: Any = None


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
