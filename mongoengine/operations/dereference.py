"""Load the document that a reference points to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bson import DBRef, ObjectId

from mongoengine.base import context
from mongoengine.base.references import stored_key
from mongoengine.errors import DoesNotExist
from mongoengine.query.safe_values import key_condition

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO

__all__ = ("load_copied", "load_referenced")


async def _read(io: IO, cls: Any, reference: object) -> object:
    """Return the raw document that a DBRef points to, or None (command `find`)."""
    database = cls._async_get_db() if io.is_async else cls._get_db()
    if isinstance(reference, DBRef) and reference.id.__class__ is not ObjectId:
        key = stored_key(cls, reference.id)
        # What `dereference` finds is what meets this condition.
        only = key_condition(key)
        reference = DBRef(reference.collection, only, reference.database)
    return await io(database.dereference, reference)


def _made(cls: Any, raw: object) -> object:
    """Return the document of a raw one, which remembers where it is stored."""
    document = cls._from_son(raw)
    if context.db_aliases.get() or context.collection_names.get():
        document._note_switch(cls)
    return document


async def load_referenced(io: IO, cls: type[BaseDocument], reference: DBRef) -> Any:
    """Return the document of a class that a DBRef points to.

    :raises DoesNotExist: if it is not stored.
    """
    raw = await _read(io, cls, reference)
    if raw is None:
        raise DoesNotExist(f"Trying to dereference unknown document {reference}")
    return _made(cls, raw)


async def load_copied(io: IO, cls: type[StoredDocument], reference: DBRef) -> object:
    """Return the document that was stored as a copy; upstream's error without one."""
    raw = await _read(io, cls, reference)
    if raw is None:
        raise AttributeError("'NoneType' object has no attribute 'get'")
    return _made(cls, raw)
