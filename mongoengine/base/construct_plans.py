"""Plans for constructing documents from keywords.

The constructor of a class with few fields is made as source, as `attrs` and
`dataclasses` make methods: one expression tests the types of all values.  Where it does
not hold, and for all other classes, there are plans.  A program constructs the
documents of a class with few sets of keywords and of types of values: for each such
*shape* a plan says which values are converted and which defaults are called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TYPE_CHECKING, Any
from weakref import proxy

from mongoengine import signals
from mongoengine.base import context
from mongoengine.base.bson_types import PLAIN
from mongoengine.base.dynamic_plans import (
    INCOMPLETE,
    DynamicPlan,
    place_others,
    slot_setter,
)
from mongoengine.base.hints import Argument
from mongoengine.base.load_plans import MOST_SHAPES
from mongoengine.base.overrides import library_methods
from mongoengine.base.plain import adopt
from mongoengine.base.sentinels import MISSING
from mongoengine.base.state import set_state
from mongoengine.base.types import (
    Convert,
    Instance,
    Keywords,
    Namespace,
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

#: Gives a document its state and values; False where it cannot.
Construct = Callable[[Any, RawDocument], bool]

#: Documents with more fields than this are constructed by shape.
MOST_TESTED = 24

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
    defaults: Sequence[tuple[str, BaseField]],
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
    defaults: Sequence[tuple[str, BaseField]],
) -> Construct:
    """Return the function that gives a fresh document its state and its values.

    It returns False, and leaves the document alone, where there is no plan for them.

    :param blank: the values of a document without arguments.
    """
    construct = _by_shape(cls, fields, placed, blank, defaults)
    if len(blank) > MOST_TESTED:
        return construct
    return _Source(cls, fields, placed, blank, defaults).compiled(construct)


def _by_shape(
    cls: type[DocumentState],
    fields: Mapping[str, BaseField],
    placed: Set[str],
    blank: Mapping[str, PythonValue],
    defaults: Sequence[tuple[str, BaseField]],
) -> Construct:
    """Return the constructor that follows the plan for the shape of the arguments."""
    plans: dict[tuple[object, ...], ConstructPlan | None] = {}
    embedded = not cls._is_document
    pre_init, post_init = signals.pre_init, signals.post_init
    aliases, collections = context.db_aliases, context.collection_names

    def plan_of(shape: tuple[object, ...], values: Keywords) -> ConstructPlan | None:
        if len(plans) >= MOST_SHAPES:
            return None
        plans[shape] = plan = construct_plan(fields, placed, defaults, values)
        return plan

    def construct(document: Instance, values: Keywords) -> bool:
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
        if called or constants or takes or assigned:
            place_arguments(document, data, values, plan)
        document._initialised = True
        return True

    return specialised(construct)


#: What `construct` sets in a document.
STATE = ("_raw", "_values", "_created", "_initialised", "_changes")


def place_arguments(
    document: Instance, data: RawDocument, values: Keywords, plan: ConstructPlan
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
    defaults: Sequence[tuple[str, BaseField]],
) -> Construct:
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

    def construct(document: Instance, values: Keywords) -> bool:
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


class _Source:
    """The source of the constructor of a class, and the names in it.

    Names of fields have names, too: no text of the program becomes source.
    """

    def __init__(
        self,
        cls: type[DocumentState],
        fields: Mapping[str, BaseField],
        placed: Set[str],
        blank: Mapping[str, PythonValue],
        defaults: Sequence[tuple[str, BaseField]],
    ) -> None:
        called = dict(defaults)
        self.embedded = not cls._is_document
        self.names: Namespace = {
            "blank": {**blank, **dict.fromkeys(called, MISSING)},
            "MISSING": MISSING,
            "PLAIN": PLAIN,
            "adopt": adopt,
            "proxy": proxy,
            "set_state": set_state,
            "pre_init": signals.pre_init,
            "post_init": signals.post_init,
            "aliases": context.db_aliases,
            "collections": context.collection_names,
        }
        self.tests: list[str] = []
        self.copies: list[str] = []
        self.defaults: list[str] = []
        self.adoptions: list[str] = []
        for place, name in enumerate(blank):
            field = fields[name]
            self.names[f"k{place}"] = name
            constant = field.default is not None and not callable(field.default)
            if name in placed and not (field._keeps_argument or constant):
                argument = field._argument()
            else:
                types = field._loads_unchanged | field._put_unchanged
                argument = Argument(types, None, None, None)
            self._add(place, field, argument, name in called, name in placed)

    def _add(
        self, place: int, field: BaseField, argument: Argument, called: bool, put: bool
    ) -> None:
        """Add what is done for a field.

        :param called: its default is called for each document.
        :param put: None needs no assignment.
        """
        types, copy, embedded, items = argument
        key, value = f"k{place}", f"data[k{place}]"
        if called:
            types |= {type(MISSING)}
            self.names[f"field{place}"] = field
            self.defaults += [
                f"if {value} is MISSING:",
                f"    {value} = value = field{place}.default()",
                "    if value and type(value) not in PLAIN:",
                "        adopt(document, value)",
            ]
        elif put and (field.default is None or field.null):
            types |= {type(None)}
        if embedded is not None:
            types |= {embedded}
            self.names[f"class{place}"] = embedded
            self.adoptions += [
                f"value = {value}",
                f"if type(value) is class{place}:",
                f"    {_set_parent(embedded, 'value')}",
            ]
        if items is not None:
            copy = _listed(items)
            self.adoptions += [
                f"if new{place}:",
                "    parent = proxy(document)",
                f"    for item in new{place}:",
                f"        {_set_parent(items, 'item', 'parent')}",
            ]
        self.names[f"types{place}"] = types
        if copy is None:
            test = f"type({value}) in types{place}"
            if type(MISSING) not in types and type(None) not in types:
                test = f"({test} or {key} not in values)"
            self.tests.append(test)
            return
        self.names[f"copy{place}"] = copy
        self.copies += [
            f"new{place} = {value}",
            f"if type(new{place}) in types{place}:",
            f"    new{place} = None",
            "else:",
            f"    {value} = new{place} = copy{place}(new{place})",
            f"    if new{place} is None:",
            "        return by_shape(document, values)",
        ]

    def compiled(self, by_shape: Construct) -> Construct:
        """Return the constructor.

        :param by_shape: the one for values that this one does not take.
        """
        state = ["_raw = None", "_values = data", "_created = True"]
        state += ["_initialised = True", "_changes = None"]
        if self.embedded:
            state.append("_instance = None")
        switch = "if aliases.get() or collections.get(): document._note_switch()"
        self.names["by_shape"] = by_shape
        tests = " and ".join(self.tests) or "True"
        lines = [
            "data = {**blank, **values}",
            f"if len(data) != {len(self.names['blank'])} or pre_init.receivers or "
            f"post_init.receivers or not ({tests}):",
            "    return by_shape(document, values)",
            *self.copies,
            *(f"document.{each}" for each in state),
            *([] if self.embedded else [switch]),
            *self.defaults,
            *self.adoptions,
            "return True",
        ]
        source = "def construct(document, values):\n    " + "\n    ".join(lines)
        exec(source, self.names)
        construct: Construct = self.names["construct"]
        return construct


def _set_parent(
    cls: type[DocumentState], variable: str, parent: str = "proxy(document)"
) -> str:
    """Return the statement that makes a document the parent of one of `cls`."""
    if cls._dynamic or not library_methods(cls, "__setattr__"):
        return f"set_state({variable}, '_instance', {parent})"
    return f"{variable}._instance = {parent}"


def _listed(cls: type) -> Callable[[PythonValue], list[PythonValue] | None]:
    """Return the function that copies lists of documents of exactly one class."""
    only = frozenset({cls})

    def copy(value: PythonValue) -> list[PythonValue] | None:
        if type(value) is list and only.issuperset(map(type, value)):
            return value[:]
        return None

    return copy
