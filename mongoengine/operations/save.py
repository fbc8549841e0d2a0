"""Writing one document: which command is sent, and what its failure means."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import pymongo.errors
from pymongo import WriteConcern

from mongoengine import connection
from mongoengine.base.document import BaseDocument
from mongoengine.common import _import_class
from mongoengine.errors import NotUniqueError, OperationError, SaveConditionError
from mongoengine.query import filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mongoengine.document import Document
    from mongoengine.driver.io import IO

# Servers of old reported duplicates with other classes of error.
_DUPLICATE = re.compile("^E1100[01] duplicate key")


def with_write_concern(collection: Any, write_concern: Mapping[str, Any] | None) -> Any:
    """The collection itself, or one like it with these write concerns on top."""
    if not write_concern:
        return collection
    combined = {**collection.write_concern.document, **write_concern}
    return collection.with_options(write_concern=WriteConcern(**combined))


def refuse(error: pymongo.errors.PyMongoError) -> NoReturn:
    """Raise what the user sees of an error in saving a document."""
    text = str(error)
    if isinstance(error, pymongo.errors.DuplicateKeyError) or _DUPLICATE.match(text):
        raise NotUniqueError(f"Tried to save duplicate unique keys ({text})") from error
    raise OperationError(f"Could not save document ({text})") from error


async def fill_sequences(document: BaseDocument, io: IO) -> None:
    """Take numbers for the empty sequence fields of a document, awaiting them.

    Where they can be had without awaiting, dumping the document does it.
    """
    cls: Any = type(document)
    for field, embedded in _numbered_fields(cls):
        value = document._value_of(field.name, field)
        if not embedded:
            if value is None:
                document._put(field.name, await io.call(field, "generate"))
                document._mark_as_changed(field.name)
            continue
        for inner in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(inner, BaseDocument):
                await fill_sequences(inner, io)


@cache
def _numbered_fields(cls: Any) -> tuple[tuple[Any, bool], ...]:
    """The fields of a class that number documents (False) or may hold ones that do."""
    return tuple(
        (field, not field._auto_gen)
        for field in cls._fields.values()
        if field._auto_gen or _holds_numbered(field, {cls})
    )


def _holds_numbered(field: Any, seen: set[type[BaseDocument]]) -> bool:
    """Whether embedded documents in a field may have fields that number them."""
    field = getattr(field, "field", None) or field
    if isinstance(field, _import_class("GenericEmbeddedDocumentField")):
        return True
    if not isinstance(field, _import_class("EmbeddedDocumentField")):
        return False
    embedded = field.document_type
    if embedded in seen:
        return False
    # A subclass may have what its base has not.
    return bool(embedded._meta.get("allow_inheritance")) or any(
        inner._auto_gen or _holds_numbered(inner, {*seen, embedded})
        for inner in embedded._fields.values()
    )


async def insert(document: Document, io: IO, collection: Any, *, replace: bool) -> Any:
    """Write a document that is new, and return its `_id` as stored.

    :param replace: one that has an `_id` takes the place of the stored document
        of that `_id`, where there is one (command `findAndModify`).
    """
    son = document._to_wire()
    session = connection._get_session()
    if replace and "_id" in son:
        query = {"_id": son["_id"]}
        if document._meta.get("shard_key"):
            query.update(shard_key_of(document, son))
        replaced = await io(
            collection.find_one_and_replace(query, son, session=session)
        )
        if replaced:
            return son["_id"]
    inserted = await io(collection.insert_one(son, session=session))
    return inserted.inserted_id


def stored_key(document: Document) -> dict[str, Any]:
    """The filter that finds the stored form of a document."""
    query = {"_id": stored_id(document)}
    if document._meta.get("shard_key"):
        query.update(shard_key_of(document, document.to_mongo()))
    return query


def changes_of(document: Document) -> dict[str, Any]:
    """The update for what has changed in a document; empty where nothing has."""
    sets, unsets = document._delta()
    given = {"$set": sets, "$unset": unsets}
    return {operator: fields for operator, fields in given.items() if fields}


async def update(
    document: Document,
    io: IO,
    collection: Any,
    save_condition: Mapping[str, Any] | None,
) -> bool:
    """Write the changes of a stored document, if there are any.

    Returns whether the document was not there any more, and has been made anew
    of its changes alone.  Raises `SaveConditionError`.
    """
    query: dict[str, Any] = {}
    if save_condition is not None:
        query = filters.query(type(document), **save_condition)
    query.update(stored_key(document))
    changes = changes_of(document)
    if not changes:
        return False
    upsert = save_condition is None
    done = await io(
        collection.update_one(
            query, changes, upsert=upsert, session=connection._get_session()
        )
    )
    if not done.acknowledged:
        return False
    if not upsert and not done.matched_count:
        raise SaveConditionError("Race condition preventing document update detected")
    return done.upserted_id is not None


def held_id(document: Document) -> Any:
    """The primary key of a document, not followed where it is a reference."""
    name = document._meta["id_field"]
    return document._value_of(name, document._fields[name])


def stored_id(document: Document) -> Any:
    """The primary key of a document as MongoDB stores it."""
    field: Any = document._fields[document._meta["id_field"]]
    value = held_id(document)
    if value.__class__ in field._dump_as:
        return value
    return field._to_mongo_safe_call(value, use_db_field=True)


def shard_key_of(document: Document, son: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the shard key, by database names, out of the dumped document."""
    values = {}
    for declared in document._meta["shard_key"]:
        fields = document._lookup_field(declared.split("."))
        names = [field.db_field for field in fields]
        value: Any = son
        for name in names:
            value = value[name]
        values[".".join(names)] = value
    return values


def changed_references(document: Document) -> list[BaseDocument]:
    """The loaded documents that `document` refers to and that have changes."""
    kinds = _import_class("ReferenceField"), _import_class("GenericReferenceField")
    data = document._data
    references = (
        data.get(name)
        for name, field in document._fields.items()
        if isinstance(field, kinds)
    )
    return [
        reference
        for reference in references
        if isinstance(reference, BaseDocument) and _is_changed(reference)
    ]


def _is_changed(document: BaseDocument) -> bool:
    """Whether saving a document sends anything; a new one has no list of changes."""
    return not hasattr(document, "_changed_fields") or bool(
        document._get_changed_fields()
    )
