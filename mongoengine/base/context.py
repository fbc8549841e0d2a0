"""What a task or thread has switched, for itself alone.

Documents and fields read these; `context_managers` is the only writer.  Each
variable holds a mapping that is never changed in place, so that a task sees what
its parent had switched when it was started, and nothing of what others switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import Any, Generic, TypeAlias, TypeVar

__all__ = (
    "Switch",
    "collection_name_of",
    "db_alias_of",
    "dereferencing_is_off",
    "dereferencing_of_field_is_off",
    "no_dereference_for_fields",
    "sub_classes_are_off",
)

V = TypeVar("V")
Switches: TypeAlias = ContextVar[Mapping[Any, V]]

_NOTHING: Mapping[Any, Any] = MappingProxyType({})

db_aliases: Switches[str] = ContextVar("db_aliases", default=_NOTHING)
collection_names: Switches[str] = ContextVar("collection_names", default=_NOTHING)
no_dereferencing: Switches[bool] = ContextVar("no_dereferencing", default=_NOTHING)
no_field_dereferencing: Switches[bool] = ContextVar(
    "no_field_dereferencing", default=_NOTHING
)
no_sub_classes: Switches[bool] = ContextVar("no_sub_classes", default=_NOTHING)


def db_alias_of(cls: type) -> str | None:
    """The alias that `cls` itself is switched to, or None."""
    return db_aliases.get().get(cls)


def collection_name_of(cls: type) -> str | None:
    """The collection that `cls` or the nearest of its bases is switched to."""
    names = collection_names.get()
    if names:
        for base in cls.__mro__:
            if base in names:
                return names[base]
    return None


def dereferencing_is_off(cls: type) -> bool:
    """Whether references of documents of exactly `cls` are not followed."""
    return cls in no_dereferencing.get()


def dereferencing_of_field_is_off(field: object) -> bool:
    """Whether `field` does not follow references now.

    As upstream has it: while any `no_dereference` block runs, none does.
    """
    return bool(no_field_dereferencing.get())


def sub_classes_are_off(cls: type) -> bool:
    """Whether queries on `cls` leave out documents of its subclasses."""
    return cls in no_sub_classes.get()


class Switch(Generic[V]):
    """Sets `variable[key]` for some keys while a `with` block runs.

    Leaving puts back what each key had before.  No token of the variable is
    kept, so a block may be left in another context than it was entered in (an
    asynchronous fixture is): there is nothing to put back there.
    """

    __slots__ = ("_before", "_keys", "_value", "_variable")

    def __init__(self, variable: Switches[V], value: V, *keys: Any) -> None:
        self._variable = variable
        self._value = value
        self._keys = keys
        self._before: list[Mapping[Any, V]] = []

    def __enter__(self) -> None:
        before = self._variable.get()
        self._before.append(before)
        self._variable.set({**before, **dict.fromkeys(self._keys, self._value)})

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        before = self._before.pop()
        after = dict(self._variable.get())
        for key in self._keys:
            if after.get(key) is not self._value:
                continue
            if key in before:
                after[key] = before[key]
            else:
                del after[key]
        self._variable.set(after or _NOTHING)


def no_dereference_for_fields(*fields: Any) -> Switch[bool]:
    """`with` it, no field follows its references, if there are `fields` at all."""
    return Switch(no_field_dereferencing, True, *fields)
