"""Switching what a task or thread works with, while a block runs.

Each works with `with` and with `async with`, where it has a name of its own too:

    with switch_db(User, "archive") as User: ...
    async with async_switch_db(User, "archive") as User: ...

Nothing is stored on the class.  A switch belongs to the task or thread that runs the
block and to the tasks that it starts there; others do not see it.  So a block must be
left in the task or thread that entered it; else it raises `ContextError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mongoengine.base import context
from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.public import publish
from mongoengine.base.strict import set_strict_references, strict_references
from mongoengine.base.types import PassedOn, PrimaryKey, RawMapping
from mongoengine.compatibility import names_of
from mongoengine.driver.block import Block
from mongoengine.driver.concerns import with_concerns
from mongoengine.driver.query_counter import async_query_counter, query_counter
from mongoengine.driver.registry import registry
from mongoengine.driver.session import bound_session
from mongoengine.driver.transaction import (
    async_run_in_transaction,
    async_with_transaction,
    run_in_transaction,
    with_transaction,
)
from mongoengine.errors import ContextError

__all__ = (
    "async_no_dereference",
    "async_no_sub_classes",
    "async_query_counter",
    "async_run_in_transaction",
    "async_set_read_write_concern",
    "async_set_write_concern",
    "async_switch_collection",
    "async_switch_db",
    "async_using_db",
    "async_with_transaction",
    "bound_session",
    "no_dereference",
    "no_dereferencing_active_for_class",
    "no_sub_classes",
    "query_counter",
    "run_in_transaction",
    "set_read_write_concern",
    "set_strict_references",
    "set_write_concern",
    "strict_references",
    "switch_collection",
    "switch_db",
    "using_db",
    "with_transaction",
)

C = TypeVar("C", bound=type[Any])
T = TypeVar("T")


class _PureBlock(Block[T]):
    """A block that sends nothing, so that entering and leaving need no `io`."""

    async def __aenter__(self) -> T:
        return self.__enter__()

    async def __aexit__(self, *error: PassedOn) -> None:
        self.__exit__(*error)


class _SwitchBlock(_PureBlock[T]):
    """A block with some switches on."""

    def _switches(self) -> list[context.Switch[Any]]:
        raise NotImplementedError

    def _value(self) -> T:
        raise NotImplementedError

    def __enter__(self) -> T:
        self._on = self._switches()
        for switch in self._on:
            switch.__enter__()
        return self._value()

    def __exit__(self, *error: PassedOn) -> None:
        while self._on:
            try:
                self._on.pop().__exit__(*error)
            except ContextError:
                for switch in self._on:
                    switch.forget()
                raise


class _ClassBlock(_SwitchBlock[C]):
    """A block that gives a document class, switched."""

    def __init__(self, cls: C) -> None:
        self.cls = cls

    def _value(self) -> C:
        return self.cls


class switch_db(_ClassBlock[C]):
    """Documents of `cls` itself live in another database while the block runs.

        register_connection("archive", db="archive")

        with switch_db(User, "archive") as User:
            User(name="Ross").save()

    Subclasses stay where they are.

    :param cls: a document class
    :param db_alias: the alias with the database to use
    :raises ContextError: if the block is left in another task or thread
    """

    def __init__(self, cls: C, db_alias: str) -> None:
        super().__init__(cls)
        self.db_alias = db_alias

    def _switches(self) -> list[context.Switch[Any]]:
        switch = context.Switch(
            context.db_aliases,
            self.db_alias,
            self.cls,
            text=f"switch_db({self.cls.__name__}, {self.db_alias!r})",
            instead=f"{self.cls.__name__}.objects.using({self.db_alias!r})",
        )
        return [switch]


class using_db(_SwitchBlock[None]):
    """Documents live in another database while the block runs, as a tenant's do.

        with using_db("tenant_a"):
            Order(number=1).save()

        async with async_using_db("tenant_b"):
            await Order.objects.async_count()

    Holds for this task or thread and for the tasks that it starts in the block.
    Documents that are made or loaded in the block go on living in that database, and
    so do their files.

    :param alias_or_name: an alias, or the name of a database on the connection that
        each class uses by itself
    :param classes: document classes; these and their subclasses are switched, and
        every class if there are none
    :raises ContextError: if the block is left in another task or thread
    """

    def __init__(self, alias_or_name: str, *classes: type[Any]) -> None:
        self.alias_or_name = alias_or_name
        self.classes = classes

    def _value(self) -> None:
        return None

    def _switches(self) -> list[context.Switch[Any]]:
        target: str | context.OtherDatabase = context.OtherAlias(self.alias_or_name)
        alias = registry.aliases.get(self.alias_or_name)
        if alias is None or alias.settings is None:
            target = context.OtherDatabase(self.alias_or_name)
        names = [repr(self.alias_or_name), *(cls.__name__ for cls in self.classes)]
        return [
            context.Switch(
                context.db_aliases,
                target,
                *self._keys(),
                text=f"using_db({', '.join(names)})",
                instead="objects.using() with an alias",
            )
        ]

    def _keys(self) -> list[PrimaryKey]:
        """Return the classes to switch; for all, also those of blocks around."""
        if not self.classes:
            return [context.EVERY_CLASS, *context.db_aliases.get()]
        keys = list(self.classes)
        for cls in keys:
            keys += [sub for sub in cls.__subclasses__() if sub not in keys]
        return keys


async_using_db = using_db


class switch_collection(_ClassBlock[C]):
    """Documents of `cls` live in another collection while the block runs.

        with switch_collection(User, "user_archive") as User:
            User(name="Ross").save()

    Subclasses that are not switched themselves follow.

    :param cls: a document class
    :param collection_name: the collection to use, in the same database
    :raises ContextError: if the block is left in another task or thread
    """

    def __init__(self, cls: C, collection_name: str) -> None:
        super().__init__(cls)
        self.collection_name = collection_name

    def _switches(self) -> list[context.Switch[Any]]:
        switch = context.Switch(
            context.collection_names,
            self.collection_name,
            self.cls,
            text=f"switch_collection({self.cls.__name__}, {self.collection_name!r})",
            instead="the method switch_collection() of a document",
        )
        return [switch]


class no_sub_classes(_ClassBlock[C]):
    """Queries on `cls` give documents of `cls` itself only while the block runs.

        with no_sub_classes(Animal) as Animal:
            Animal.objects()

    :param cls: a document class
    :raises ContextError: if the block is left in another task or thread
    """

    def _switches(self) -> list[context.Switch[Any]]:
        text = f"no_sub_classes({self.cls.__name__})"
        return [context.Switch(context.no_sub_classes, True, self.cls, text=text)]


class no_dereference(_SwitchBlock[None]):
    """References are not followed while the block runs.

        with no_dereference(Group):
            Group.objects()

    A reference gives what is stored then, a `DBRef` or an id.  Documents of `cls`
    that were loaded in the block go on like that after it.

    :param cls: a document class
    :raises ContextError: if the block is left in another task or thread
    """

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls

    def _value(self) -> None:
        return None

    def _switches(self) -> list[context.Switch[Any]]:
        switch = context.Switch(
            context.no_dereferencing,
            True,
            self.cls,
            text=f"no_dereference({self.cls.__name__})",
            instead="no_dereference() of a queryset",
        )
        return [switch, _without_field_dereferencing(self.cls)]


def _without_field_dereferencing(cls: type) -> context.Switch[bool]:
    fields = getattr(cls, "_fields", {}).values()
    return context.no_dereference_for_fields(
        *(
            field
            for field in fields
            if field._may_refer or isinstance(field, ComplexBaseField)
        )
    )


def no_dereferencing_active_for_class(cls: type) -> bool:
    """Return whether a `no_dereference(cls)` block runs."""
    return context.dereferencing_is_off(cls)


class _CollectionBlock(_PureBlock[Any]):
    """A block that gives a PyMongo collection with other concerns."""

    _read_concerns: RawMapping | None = None

    def __init__(self, collection: Any, write_concerns: RawMapping | None) -> None:
        self._collection = collection
        self._write_concerns = write_concerns

    def __enter__(self) -> Any:
        return with_concerns(
            self._collection, self._write_concerns, self._read_concerns
        )

    def __exit__(self, *error: object) -> None:
        """Do nothing: the collection outside of the block is another object."""


class set_write_concern(_CollectionBlock):
    """Gives the collection with other write concerns.

    :param collection: a PyMongo collection, of either family
    :param write_concerns: options of `pymongo.WriteConcern` that replace those of
        the collection
    """

    def __init__(self, collection: object, write_concerns: RawMapping) -> None:
        super().__init__(collection, write_concerns)


class set_read_write_concern(_CollectionBlock):
    """Gives the collection with other write and read concerns.

    :param collection: a PyMongo collection, of either family
    :param write_concerns: options of `pymongo.WriteConcern`, or None
    :param read_concerns: options of `pymongo.read_concern.ReadConcern`, or None
    """

    def __init__(
        self,
        collection: object,
        write_concerns: RawMapping | None,
        read_concerns: RawMapping | None,
    ) -> None:
        super().__init__(collection, write_concerns)
        self._read_concerns = read_concerns


async_no_dereference = no_dereference
async_no_sub_classes = no_sub_classes
async_set_read_write_concern = set_read_write_concern
async_set_write_concern = set_write_concern
async_switch_collection = switch_collection
async_switch_db = switch_db

publish(globals())


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
