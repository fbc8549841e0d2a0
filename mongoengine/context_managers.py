"""Switching what a task or thread works with, while a block runs.

Each has a twin for `async with`, which takes and gives the same:

    with switch_db(User, "archive") as User: ...
    async with async_switch_db(User, "archive") as User: ...

Nothing is stored on the class.  What is switched belongs to the task or thread
that runs the block and to the tasks that it starts there; others do not see it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, TypeVar

from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern

from mongoengine.base import context
from mongoengine.common import _import_class
from mongoengine.driver.query_counter import async_query_counter, query_counter
from mongoengine.driver.session import bound_session
from mongoengine.driver.transaction import async_run_in_transaction, run_in_transaction

__all__ = (
    "async_no_dereference",
    "async_no_sub_classes",
    "async_query_counter",
    "async_run_in_transaction",
    "async_set_read_write_concern",
    "async_set_write_concern",
    "async_switch_collection",
    "async_switch_db",
    "bound_session",
    "no_dereference",
    "no_dereferencing_active_for_class",
    "no_sub_classes",
    "query_counter",
    "run_in_transaction",
    "set_read_write_concern",
    "set_write_concern",
    "switch_collection",
    "switch_db",
)

C = TypeVar("C", bound=type[Any])


class _Switched(Generic[C]):
    """Gives `cls`, switched, to the block."""

    def __init__(self, cls: C, *switches: context.Switch[Any]) -> None:
        self.cls = cls
        self._switches = switches

    def _enter(self) -> C:
        for switch in self._switches:
            switch.__enter__()
        return self.cls

    def _exit(self) -> None:
        for switch in reversed(self._switches):
            switch.__exit__()


class _Blocking(_Switched[C]):
    def __enter__(self) -> C:
        return self._enter()

    def __exit__(self, *error: object) -> None:
        self._exit()


class _Asynchronous(_Switched[C]):
    async def __aenter__(self) -> C:
        return self._enter()

    async def __aexit__(self, *error: object) -> None:
        self._exit()


class _DatabaseSwitch(_Switched[C]):
    """Documents of `cls` itself live in another database while the block runs.

        register_connection("archive", db="archive")

        with switch_db(User, "archive") as User:
            User(name="Ross").save()

    Subclasses stay where they are.

    :param cls: a document class
    :param db_alias: the alias whose database to use
    """

    def __init__(self, cls: C, db_alias: str) -> None:
        self.db_alias = db_alias
        super().__init__(cls, context.Switch(context.db_aliases, db_alias, cls))


class switch_db(_DatabaseSwitch[C], _Blocking[C]):
    __doc__ = _DatabaseSwitch.__doc__


class async_switch_db(_DatabaseSwitch[C], _Asynchronous[C]):
    __doc__ = _DatabaseSwitch.__doc__


class _CollectionSwitch(_Switched[C]):
    """Documents of `cls` live in another collection while the block runs.

        with switch_collection(User, "user_archive") as User:
            User(name="Ross").save()

    Subclasses that are not switched themselves follow.

    :param cls: a document class
    :param collection_name: the collection to use, in the same database
    """

    def __init__(self, cls: C, collection_name: str) -> None:
        self.collection_name = collection_name
        switch = context.Switch(context.collection_names, collection_name, cls)
        super().__init__(cls, switch)


class switch_collection(_CollectionSwitch[C], _Blocking[C]):
    __doc__ = _CollectionSwitch.__doc__


class async_switch_collection(_CollectionSwitch[C], _Asynchronous[C]):
    __doc__ = _CollectionSwitch.__doc__


class _SubClassSwitch(_Switched[C]):
    """Queries on `cls` give documents of `cls` itself only while the block runs.

        with no_sub_classes(Animal) as Animal:
            Animal.objects()

    :param cls: a document class
    """

    def __init__(self, cls: C) -> None:
        super().__init__(cls, context.Switch(context.no_sub_classes, True, cls))


class no_sub_classes(_SubClassSwitch[C], _Blocking[C]):
    __doc__ = _SubClassSwitch.__doc__


class async_no_sub_classes(_SubClassSwitch[C], _Asynchronous[C]):
    __doc__ = _SubClassSwitch.__doc__


@contextmanager
def no_dereference(cls: type[Any]) -> Iterator[None]:
    """References are not followed while the block runs.

        with no_dereference(Group):
            Group.objects()

    What a reference gives then is what is stored, a `DBRef` or an id.  Documents
    of `cls` that were loaded in the block go on like that after it.

    :param cls: a document class
    """
    with _without_dereferencing(cls), _without_field_dereferencing(cls):
        yield


@asynccontextmanager
async def async_no_dereference(cls: type[Any]) -> AsyncIterator[None]:
    with no_dereference(cls):
        yield


def _without_dereferencing(cls: type[Any]) -> context.Switch[bool]:
    return context.Switch(context.no_dereferencing, True, cls)


def _without_field_dereferencing(cls: type[Any]) -> context.Switch[bool]:
    kinds = tuple(
        _import_class(name)
        for name in ("ReferenceField", "GenericReferenceField", "ComplexBaseField")
    )
    fields = getattr(cls, "_fields", {}).values()
    return context.no_dereference_for_fields(
        *(field for field in fields if isinstance(field, kinds))
    )


def no_dereferencing_active_for_class(cls: type[Any]) -> bool:
    """Whether a `no_dereference(cls)` block runs."""
    return context.dereferencing_is_off(cls)


@contextmanager
def set_write_concern(
    collection: Any, write_concerns: Mapping[str, Any]
) -> Iterator[Any]:
    """Gives the collection with other write concerns.

    :param collection: a PyMongo collection, of either family
    :param write_concerns: options of `pymongo.WriteConcern` that replace those of
        the collection
    """
    yield collection.with_options(
        write_concern=_write_concern(collection, write_concerns)
    )


@asynccontextmanager
async def async_set_write_concern(
    collection: Any, write_concerns: Mapping[str, Any]
) -> AsyncIterator[Any]:
    with set_write_concern(collection, write_concerns) as concerned:
        yield concerned


@contextmanager
def set_read_write_concern(
    collection: Any,
    write_concerns: Mapping[str, Any] | None,
    read_concerns: Mapping[str, Any] | None,
) -> Iterator[Any]:
    """Gives the collection with other write and read concerns.

    :param collection: a PyMongo collection, of either family
    :param write_concerns: options of `pymongo.WriteConcern`, or None
    :param read_concerns: options of `pymongo.read_concern.ReadConcern`, or None
    """
    yield collection.with_options(
        write_concern=_write_concern(collection, write_concerns or {}),
        read_concern=ReadConcern(
            **{**collection.read_concern.document, **(read_concerns or {})}
        ),
    )


@asynccontextmanager
async def async_set_read_write_concern(
    collection: Any,
    write_concerns: Mapping[str, Any] | None,
    read_concerns: Mapping[str, Any] | None,
) -> AsyncIterator[Any]:
    with set_read_write_concern(collection, write_concerns, read_concerns) as concerned:
        yield concerned


def _write_concern(collection: Any, changes: Mapping[str, Any]) -> WriteConcern:
    return WriteConcern(**{**collection.write_concern.document, **changes})


for _twin, _of in (
    (async_no_dereference, no_dereference),
    (async_set_write_concern, set_write_concern),
    (async_set_read_write_concern, set_read_write_concern),
):
    _twin.__doc__ = _of.__doc__
