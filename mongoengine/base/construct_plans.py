"""Plans for constructing documents from keywords.

A program constructs the documents of a class with few sets of keywords and of types of
values.  A plan is made once for each such *shape*: it says which values are converted
and which defaults are called, so that all others are put in place at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Any

from mongoengine import signals
from mongoengine.base import context
from mongoengine.base.bson_types import PLAIN
from mongoengine.base.dynamic_plans import (
    INCOMPLETE,
    DynamicPlan,
    place_others,
    slot_setter,
)
from mongoengine.base.load_plans import MOST_SHAPES
from mongoengine.base.plain import adopt
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import set_state
from mongoengine.base.types import (
    Convert,
    Keywords,
    PythonValue,
    RawDocument,
)
from mongoengine.base.utils import specialised
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mongoengine.base.field import BaseField
    from mongoengine.base.state import DocumentState


__all__ = ("ConstructPlan", "construct_plan", "constructor", "dynamic_constructor")

#: Returns what the constructor of a document puts in place for an argument.
Take = Callable[[Any, Any], Any]


class ConstructPlan(Record):
    """The plan for constructing documents from keywords of one shape."""

    #: The fields with a default that is called for each document.
    defaults: tuple[tuple[str, Any], ...]
    #: The fields that get a constant default instead of None.
    constants: tuple[tuple[str, Any], ...]
    #: The arguments that are converted or copied.
    takes: tuple[tuple[str, Take], ...]
    #: The arguments that are assigned, because assigning does more than storing them,
    #: each with the function that converts it first.
    assigned: tuple[tuple[str, Convert | None], ...]


class DynamicConstructPlan(Record):
    """The plan for constructing dynamic documents from keywords of one shape."""

    #: The plan for the arguments of which the class has fields.
    own: ConstructPlan
    #: The plan for all others.
    others: DynamicPlan


def construct_plan(
    fields: Mapping[str, BaseField],
    placed: Set[str],
    defaults: Sequence[tuple[str, object]],
    values: Mapping[str, PythonValue],
) -> ConstructPlan | None:
    """Return the plan for arguments like `values`, None if one of them has no field.

    :param fields: the fields of the class by name.
    :param placed: names of fields of which converted values are put in place.
    :param defaults: names and fields with a callable default.
    """
    if not values.keys() <= fields.keys():
        return None
    called = [pair for pair in defaults if pair[0] not in values]
    constants, takes, assigned = [], [], []
    for name, value in values.items():
        field = fields[name]
        if value.__class__ in field._loads_unchanged:
            continue
        if name not in placed or field._keeps_argument:
            converts = value is not None and not field._keeps_argument
            assigned.append((name, field.to_python if converts else None))
        elif value is not None:
            takes.append((name, field._take))
        elif field.default is not None and not field.null:
            if callable(field.default):
                called.append((name, field))
            else:
                constants.append((name, field.default))
    parts = map(tuple, (called, constants, takes, assigned))
    return ConstructPlan(*parts)


def constructor(
    cls: type[DocumentState],
    fields: Mapping[str, BaseField],
    placed: Set[str],
    blank: Mapping[str, PythonValue],
    defaults: Sequence[tuple[str, object]],
) -> Callable[[object, RawDocument], bool]:
    """Return the function that gives a fresh document its state and its values.

    It returns False, and leaves the document alone, where there is no plan for them.

    :param blank: the values of a document without arguments.
    """
    plans: dict[tuple[object, ...], ConstructPlan | None] = {}
    embedded = not cls._is_document
    pre_init, post_init = signals.pre_init, signals.post_init
    aliases, collections = context.db_aliases, context.collection_names

    def plan_of(shape: tuple[object, ...], values: Keywords) -> ConstructPlan | None:
        if len(plans) >= MOST_SHAPES:
            return None
        plans[shape] = plan = construct_plan(fields, placed, defaults, values)
        return plan

    def construct(document: Any, values: Keywords) -> bool:
        shape = (*values, *map(type, values.values()))
        plan = plans.get(shape, MISSING)
        if plan is MISSING:
            plan = plan_of(shape, values)
        if plan is None or pre_init.receivers or post_init.receivers:
            return False
        called, constants, takes, assigned = plan
        document._raw = None
        document._values = data = {**blank, **values}
        document._created = True
        document._initialised = False
        document._changes = None
        if embedded:
            document._instance = None
        elif aliases.get() or collections.get():
            document._note_switch()
        for name, field in called:
            data[name] = value = field.default()
            if value and value.__class__ not in PLAIN:
                adopt(document, value)
        for name, value in constants:
            data[name] = value
            adopt(document, value)
        for name, take in takes:
            value = take(values[name], document)
            if value is None:
                setattr(document, name, None)
            else:
                data[name] = value
        for name, convert in assigned:
            value = values[name]
            setattr(document, name, value if convert is None else convert(value))
        document._initialised = True
        return True

    return specialised(construct)


#: What `construct` sets in a document.
STATE = ("_raw", "_values", "_created", "_initialised", "_changes")


def place_arguments(
    document: Any, data: RawDocument, values: Keywords, plan: ConstructPlan
) -> None:
    """Do for the values of a new document what its plan says.

    :param data: the values of the document, of which the arguments are some.
    :param values: the arguments.
    """
    called, constants, takes, assigned = plan
    for name, field in called:
        data[name] = value = field.default()
        if value and value.__class__ not in PLAIN:
            adopt(document, value)
    for name, value in constants:
        data[name] = value
        adopt(document, value)
    for name, take in takes:
        value = take(values[name], document)
        if value is None:
            setattr(document, name, None)
        else:
            data[name] = value
    for name, convert in assigned:
        value = values[name]
        setattr(document, name, value if convert is None else convert(value))


def dynamic_constructor(
    cls: type[DocumentState],
    fields: Mapping[str, BaseField],
    placed: Set[str],
    blank: Mapping[str, PythonValue],
    defaults: Sequence[tuple[str, object]],
) -> Callable[[object, RawDocument], bool]:
    """Return what `constructor` does, for a class that takes arguments of any name."""
    plans: dict[tuple[object, ...], DynamicConstructPlan | None] = {}
    embedded = not cls._is_document
    pre_init, post_init = signals.pre_init, signals.post_init
    aliases, collections = context.db_aliases, context.collection_names
    set_raw, set_values, set_created, set_initialised, set_changes, set_attributes = (
        slot_setter(cls, name) for name in (*STATE, "__dict__")
    )

    def plan_of(
        shape: tuple[object, ...], values: Keywords
    ) -> DynamicConstructPlan | None:
        if len(plans) >= MOST_SHAPES:
            return None
        own = {name: value for name, value in values.items() if name in fields}
        plan = construct_plan(fields, placed, defaults, own)
        others = cls._schema.dynamic_plan(tuple(n for n in values if n not in own))
        found = None
        if plan is not None and others is not None:
            found = DynamicConstructPlan(plan, others)
        plans[shape] = found
        return found

    def construct(document: Any, values: Keywords) -> bool:
        shape = (*values, *map(type, values.values()))
        plan = plans.get(shape, MISSING)
        if plan is MISSING:
            plan = plan_of(shape, values)
        if plan is None or pre_init.receivers or post_init.receivers:
            return False
        if document._dynamic_plan is not INCOMPLETE:
            return False  # it has been constructed before
        own, others = plan
        data = {**blank, **values}
        attributes: Keywords = {}
        # It has no attributes yet: the constructor is that of the library.
        set_attributes(document, attributes)
        set_raw(document, None)
        set_values(document, data)
        set_created(document, True)
        set_initialised(document, False)
        set_changes(document, None)
        if embedded:
            set_state(document, "_instance", None)
        elif aliases.get() or collections.get():
            document._note_switch()
        place_arguments(document, data, values, own)
        place_others(document, data, others, attributes)
        set_initialised(document, True)
        return True

    return specialised(construct)
