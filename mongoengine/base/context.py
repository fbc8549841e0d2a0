"""Context variables: the switches of a task or thread.

Documents and fields read these; `context_managers` is the only writer.  Each
variable holds a mapping that is never changed in place, so that a task sees what
its parent had switched when it was started, and nothing of what others switch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from mongoengine.base.types import PythonValue
from mongoengine.driver.context_guard import (
    ContextGuard,
    abandoned,
    abandoned_guards,
)
from mongoengine.driver.registry import DEFAULT_CONNECTION_NAME, registry

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mongoengine.base.state import DocumentState


__all__ = (
    "EVERY_CLASS",
    "OtherAlias",
    "OtherDatabase",
    "Switch",
    "alias_of",
    "alias_of_files",
    "collection_name_of",
    "dereferencing_is_off",
    "dereferencing_of_field_is_off",
    "no_dereference_for_fields",
    "sub_classes_are_off",
)

V = TypeVar("V")
Switches: TypeAlias = ContextVar[Mapping[Any, V]]

_NOTHING: Mapping[Hashable, PythonValue] = MappingProxyType({})

#: The key of a switch that holds for every class.
EVERY_CLASS: None = None


class OtherDatabase:
    """Another database on the connection that each class uses by itself."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def alias_of(self, cls: type[DocumentState]) -> str:
        """Return the alias of that database on the connection of `cls`.

        :raises ConnectionFailure: if the alias of the class is not defined
        """
        own: str = cls._meta.get("db_alias", DEFAULT_CONNECTION_NAME)
        return registry.sibling(own, self.name)


class OtherAlias(str):
    """An alias that `using_db()` has chosen for classes, and for their files."""

    __slots__ = ()


db_aliases: Switches[str | OtherDatabase] = ContextVar("db_aliases", default=_NOTHING)
collection_names: Switches[str] = ContextVar("collection_names", default=_NOTHING)
no_dereferencing: Switches[bool] = ContextVar("no_dereferencing", default=_NOTHING)
no_field_dereferencing: Switches[bool] = ContextVar(
    "no_field_dereferencing", default=_NOTHING
)
no_sub_classes: Switches[bool] = ContextVar("no_sub_classes", default=_NOTHING)


def alias_of(cls: type[DocumentState]) -> str:
    """Return the alias that a class uses in this task or thread.

    :raises ContextError: if it is not switched because the context of a block has ended
    """
    aliases = db_aliases.get()
    if aliases:
        alias = aliases.get(cls) or aliases.get(EVERY_CLASS)
        if alias is not None:
            return alias if isinstance(alias, str) else alias.alias_of(cls)
    if abandoned:
        _refuse_abandoned(db_aliases, (cls, EVERY_CLASS))
    own: str = cls._meta.get("db_alias", DEFAULT_CONNECTION_NAME)
    return own


def alias_of_files(own: str, document: Any) -> str:
    """Return the alias of the files of a document: `own`, except in `using_db()`.

    A document remembers the database that it lives in, and its files are there, too.
    Without a document, the database of the block around decides.

    :param own: the alias that the field declares
    :param document: the document, or an embedded one, or None
    """
    while getattr(document, "_instance", None) is not None:
        document = document._instance
    if document is None or not document._is_document:
        chosen = db_aliases.get().get(EVERY_CLASS)
        if isinstance(chosen, OtherDatabase):
            return registry.sibling(own, chosen.name)
    else:
        chosen = (document._target or (None,))[0]
        alias = registry.aliases.get(chosen) if chosen is not None else None
        if alias is not None and alias.sibling_of and alias.settings:
            return registry.sibling(own, alias.settings["name"])
    return chosen if isinstance(chosen, OtherAlias) else own


def collection_name_of(cls: type[DocumentState]) -> str | None:
    """Return the collection that a class uses in this task or thread.

    It is None for an abstract class.

    :raises ContextError: if it is not switched because the context of a block has ended
    """
    names = collection_names.get()
    if names:
        for base in cls.__mro__:
            if base in names:
                return names[base]
    if abandoned:
        _refuse_abandoned(collection_names, cls.__mro__)
    own: str | None = cls._meta.get("collection")
    return own


def _refuse_abandoned(variable: Switches[Any], keys: tuple[object, ...]) -> None:
    for guard in abandoned_guards():
        if isinstance(guard, _SwitchGuard) and guard.switches(variable, keys):
            raise guard.warning()


def dereferencing_is_off(cls: type) -> bool:
    """Return whether references of documents of exactly `cls` are not followed."""
    return cls in no_dereferencing.get()


def dereferencing_of_field_is_off(field: object) -> bool:
    """Return whether `field` does not follow references now.

    As upstream has it: while any `no_dereference` block runs, none does.
    """
    return bool(no_field_dereferencing.get())


def sub_classes_are_off(cls: type) -> bool:
    """Return whether queries on `cls` leave out documents of its subclasses."""
    return cls in no_sub_classes.get()


class _SwitchGuard(ContextGuard):
    """The guard of one block of a switch, with what the switch had before it."""

    __slots__ = ("_keys", "_variable", "before")

    def __init__(self, switch: Switch[Any], before: Mapping[Any, Any]) -> None:
        self._variable = switch.variable
        self._keys = switch.keys
        self.before = before
        super().__init__(switch.text, switch.instead)

    def switches(self, variable: Switches[Any], keys: tuple[object, ...]) -> bool:
        return self._variable is variable and any(key in self._keys for key in keys)


class Switch(Generic[V]):
    """Sets `variable[key]` for some keys while a `with` block runs.

    Leaving puts back what each key had before, in the context that the block was
    entered in.

    :param text: the block as users write it, for errors
    :param instead: another way to get the same
    """

    __slots__ = ("_blocks", "instead", "keys", "text", "value", "variable")

    def __init__(
        self,
        variable: Switches[V],
        value: V,
        *keys: object,
        text: str | None = None,
        instead: str = "",
    ) -> None:
        self.variable = variable
        self.value = value
        self.keys = keys
        self.text = text or f"A switch of {variable.name}"
        self.instead = instead
        self._blocks: list[_SwitchGuard] = []

    def __enter__(self) -> None:
        before = self.variable.get()
        self.variable.set({**before, **dict.fromkeys(self.keys, self.value)})
        self._blocks.append(_SwitchGuard(self, before))

    def __exit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Switch back.

        :raises ContextError: if the block was entered in another context, unless
            it is a part of a generator that is closed
        """
        block = self._blocks.pop()
        if not block.close():
            if error_type is GeneratorExit:
                return
            raise block.error() from error
        after = dict(self.variable.get())
        for key in self.keys:
            if after.get(key) is not self.value:
                continue
            if key in block.before:
                after[key] = block.before[key]
            else:
                del after[key]
        self.variable.set(after or _NOTHING)

    def forget(self) -> None:
        """Leave the block, without switching back: it is the wrong context."""
        self._blocks.pop().close()


def no_dereference_for_fields(*fields: object) -> Switch[bool]:
    """Let no field follow its references, if there are `fields` at all."""
    return Switch(no_field_dereferencing, True, *fields)
