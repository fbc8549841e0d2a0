"""Plans for the fields that dynamic documents have beyond those of their class.

The documents of a collection have few sets of such keys.  A plan is made once for each:
the documents share its fields until one of them gets or loses a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal
from weakref import proxy

from mongoengine.base.bson_types import PLAIN, UNCHANGED
from mongoengine.base.codec import Check
from mongoengine.base.items import is_nameable
from mongoengine.base.loading import follow_no_references
from mongoengine.base.plain import copied, is_plain
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import EMPTY
from mongoengine.base.tracked import new_tracked_dict, new_tracked_list
from mongoengine.base.types import Convert, Instance, Keywords, PythonValue, RawDocument
from mongoengine.base.utils import class_attribute, is_library_class, specialised
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.state import DocumentState


__all__ = (
    "INCOMPLETE",
    "NO_FIELDS",
    "DynamicPlan",
    "dynamic_maker",
    "dynamic_plan",
    "is_key",
    "is_taken",
    "new_field",
    "place_others",
    "slot_setter",
    "tracked_value",
)


class DynamicPlan(Record):
    """The plan for stored documents that have the same keys."""

    #: The fields of the keys that the class does not define.
    fields: dict[str, BaseField]
    #: The names of all fields.
    ordered: tuple[str, ...]


#: The plan of a document that has the fields of its class alone.
NO_FIELDS = DynamicPlan({}, ())

#: The plan of a document that is being constructed.
INCOMPLETE = DynamicPlan({}, ())


def dynamic_plan(cls: Any, keys: Iterable[str]) -> DynamicPlan | None:
    """Return the plan for stored documents of a class that have these other keys.

    None where one of the keys means something to the class or to the constructor.
    """
    fields = {}
    for key in keys:
        if not _is_ordinary(cls, key):
            return None
        fields[key] = new_field(cls, key)
    return DynamicPlan(fields, (*cls._fields_ordered, *fields))


def new_field(cls: Any, name: str) -> Any:
    """Return a field for a key that the class does not define."""
    field = cls._unknown_field(null=True)
    field.name = field.db_field = name
    field._prepare()
    return field


def tracked_value(document: Instance, name: str, value: PythonValue) -> PythonValue:
    """Return what a document holds for a stored value that is no scalar.

    Containers inside a plain list or dict become tracked ones when they are read.
    """
    value_type = type(value)
    if value_type is dict and "_cls" not in value:
        items: Iterable[Any] = value.values()
    elif value_type is list:
        items = () if PLAIN.issuperset(map(type, value)) else value
    else:
        return expanded_value(document, name, value)
    flat = True
    for item in items:
        item_type = type(item)
        if item_type in PLAIN:
            continue
        flat = False
        if item_type is list and UNCHANGED.issuperset(map(type, item)):
            continue
        if item_type not in UNCHANGED and not is_plain(item):
            break
    else:
        if value_type is dict:
            return new_tracked_dict(value, proxy(document), name, False, flat)
        return new_tracked_list(value, proxy(document), name, False, flat)
    return expanded_value(document, name, value)


def expanded_value(document: Instance, name: str, value: PythonValue) -> PythonValue:
    """Return what a document holds for a value that may have documents in it."""
    expanded = document._expanded(name, value)
    if not document._auto_dereference:
        follow_no_references(expanded)
    return expanded


def tracked_copy(document: Instance, name: str, value: PythonValue) -> PythonValue:
    """Return what a document holds for an argument of its constructor.

    Lists and dicts are copied: the caller keeps its own.
    """
    copy = copied(value)
    if copy.__class__ is dict:
        return new_tracked_dict(copy, proxy(document), name, False, False)
    if copy.__class__ is list:
        return new_tracked_list(copy, proxy(document), name, False, False)
    return document._expanded(name, value)


def place_others(
    document: Instance, data: RawDocument, plan: DynamicPlan, attributes: Keywords
) -> None:
    """Put those arguments in place of which a new document gets dynamic fields.

    :param data: the values of the document, with the arguments among them.
    :param attributes: the `__dict__` of the document.
    """
    for name in plan.fields:
        value = data[name]
        if type(value) not in PLAIN:
            data[name] = value = tracked_copy(document, name, value)
        attributes[name] = value
    attributes["_fields_ordered"] = plan.ordered
    attributes["_dynamic_plan"] = plan


#: By shape of raw documents: their test, if they need one, and their plan.
Shapes = Mapping[tuple[str, ...], tuple[Check | Literal[True], DynamicPlan]]


def dynamic_maker(cls: Any, shapes: Shapes, auto_dereference: bool) -> Convert:
    """Return the loader for raw documents of a dynamic class, of these shapes.

    Others are left to `_load`.
    """
    new, load = cls.__new__, cls._load
    # Assigning would go by way of the class's `__setattr__`.
    set_raw, set_values, set_created, set_initialised, set_attributes = (
        slot_setter(cls, name)
        for name in ("_raw", "_values", "_created", "_initialised", "__dict__")
    )
    set_instance = None if cls._is_document else slot_setter(cls, "_instance")

    def make(raw: RawDocument) -> Any:
        shape = shapes.get(tuple(raw))
        if shape is None:
            return load(raw, auto_dereference)
        check, plan = shape
        if check is not True and not check(raw):
            return load(raw, auto_dereference)
        document = new(cls)
        set_raw(document, raw)
        set_created(document, False)
        set_initialised(document, True)
        if set_instance is not None:
            set_instance(document, None)
        fields, ordered = plan
        attributes: Keywords = {"_dynamic_plan": plan, "_fields_ordered": ordered}
        if not auto_dereference:
            attributes["_auto_dereference"] = False
        set_attributes(document, attributes)
        if not fields:
            set_values(document, EMPTY)
            return document
        values = {name: raw[name] for name in fields}
        for name, value in values.items():
            if type(value) not in PLAIN:
                values[name] = tracked_value(document, name, value)
        set_values(document, values)
        attributes.update(values)
        return document

    return specialised(make)


def slot_setter(cls: type, name: str) -> Callable[[object, object], None]:
    """Return the function that sets a slot of documents of a class."""
    slot: Any = class_attribute(cls, name)
    setter: Callable[[object, object], None] = slot.__set__
    return setter


def _is_ordinary(cls: type[DocumentState], key: str) -> bool:
    """Return whether a key becomes an attribute of a document, as it is."""
    return (
        is_nameable(key)
        and key[0] != "_"
        and key not in cls._fields
        and key not in ("id", "pk", "self")
        and "\0" not in key
        and not is_taken(cls, key)
    )


#: Names that the library looks for on values of any type.
_LOOKED_FOR = frozenset({"_instance", "to_python", "to_query"})


def _definition(cls: type, name: str) -> tuple[object, bool]:
    """Return the attribute of the class (or MISSING), and whether it is ours."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name], is_library_class(base)
    return MISSING, False


def is_key(cls: type, name: str) -> bool:
    """Return whether a name is an alias of the primary key: `pk`, maybe `id`."""
    if name not in ("pk", "id"):
        return False
    return _definition(cls, name)[0] is not MISSING


def is_taken(cls: type[Any], name: str) -> bool:
    """Return whether a name means something else than data: it is a method, say.

    Values of a class without behaviour, and properties that can be set, are none.
    """
    if name in _LOOKED_FOR or (name.startswith("__") and name.endswith("__")):
        return True
    if is_key(cls, name):
        return True
    # Attributes may have been added to the class after its names were collected.
    if name not in cls._schema.names and not hasattr(cls, name):
        return False
    found, ours = _definition(cls, name)
    if found is MISSING:
        return False
    if ours or name.startswith("_") or callable(found):
        return True
    if isinstance(found, property):
        return found.fset is None
    return hasattr(type(found), "__get__") and not hasattr(type(found), "__set__")
