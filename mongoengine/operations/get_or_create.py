"""Find a document or create it, and update one or create it, in one command each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.collation import Collation
from pymongo.errors import DuplicateKeyError

from mongoengine.base.items import is_nameable
from mongoengine.base.types import (
    AnyCollection,
    PythonValue,
    RawDocument,
    RawMapping,
)
from mongoengine.driver.types import Keywords
from mongoengine.driver.undo import in_transaction
from mongoengine.driver.write_errors import SAVING
from mongoengine.errors import InvalidQueryError, OperationError, ValidationError
from mongoengine.operations.insert import remember_target
from mongoengine.operations.pending import PendingInsert
from mongoengine.operations.save import awaits_nothing, prepare, send_post_save
from mongoengine.operations.select_related import relate
from mongoengine.operations.write import change_of, new_document, stamping
from mongoengine.query.stamped_updates import equalities, is_touched

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField
    from mongoengine.base.stamps import Moment, Stamped
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.operations.source import AnyQueryset, QuerySource

__all__ = ("get_or_create", "update_or_create")

D = TypeVar("D")

#: How often an update and a creation are tried while others get in the way.
_ATTEMPTS = 3

#: Makes a new document pending again where a stored one was found.
_FOUND = OperationError("found")


async def get_or_create(
    queryset: QuerySource[D],
    io: IO,
    /,
    *q_objs: Any,
    defaults: Mapping[str, PythonValue] | None = None,
    **query: Any,
) -> tuple[D, bool]:
    """Return the document that matches, or create one (`findAndModify`).

    The new document has the values that the query asks for exactly, and the
    `defaults`.  It is validated as by `save()`; where that fails, a stored document is
    looked up and the error raised if there is none.  The signals of `save()` are sent
    and sequences take numbers for a new document alone; where there are any, a `find`
    goes first.

    The command is atomic, and yet two of them at once may both create a document,
    unless a unique index covers what the query asks for: then the second one returns
    the document of the first.  If several documents match, the first one is returned.

    https://www.mongodb.com/docs/manual/reference/command/findAndModify/

    :param q_objs: query objects
    :param defaults: values of a new document besides, by field; callables are called
    :param query: conditions, as of `filter()`
    :returns: the document, and whether it is new
    :raises ValidationError: if the new document is invalid
    :raises NotUniqueError: if another document has a unique value of the new one
    :raises OperationError: after `none()`, `limit()` or `skip()`
    """
    narrowed = _narrowed(queryset, q_objs, query)
    values = _called(defaults)
    with stamping(narrowed, io) as stamped:
        return await _find_or_create(narrowed, io, {}, query, values, stamped)


async def update_or_create(
    queryset: QuerySource[D],
    io: IO,
    /,
    *q_objs: Any,
    defaults: Mapping[str, PythonValue] | None = None,
    create_defaults: Mapping[str, PythonValue] | None = None,
    **query: Any,
) -> tuple[D, bool]:
    """Set values of the document that matches, or create one (`findAndModify`).

    See `get_or_create` for the new document, and for what a unique index is needed.
    No signals are sent for an update.  With `create_defaults`, an update is tried
    first, and a second command creates the document.

    https://www.mongodb.com/docs/manual/reference/command/findAndModify/

    :param q_objs: query objects
    :param defaults: the values to set, by field; callables are called
    :param create_defaults: the values of a new document, in place of `defaults`
    :param query: conditions, as of `filter()`
    :returns: the document as it is stored now, and whether it is new
    :raises ValidationError: if a value or the new document is invalid
    :raises NotUniqueError: if another document has a unique value of this one
    :raises OperationError: after `none()`, `limit()` or `skip()`
    """
    narrowed = _narrowed(queryset, q_objs, query)
    values = _called(defaults)
    with stamping(narrowed, io) as stamped:
        update = {f"set__{name}": value for name, value in values.items()}
        change = change_of(narrowed, update, stamped)
        if create_defaults is None:
            return await _find_or_create(narrowed, io, change, query, values, stamped)
        fresh = _called(create_defaults)
        for _ in range(_ATTEMPTS):
            updated = await _find(narrowed, io, change)
            if updated is not None:
                return updated, False
            found, created = await _find_or_create(
                narrowed, io, {}, query, fresh, stamped
            )
            if created:
                return found, True
    raise _deleted_meanwhile()


def _deleted_meanwhile() -> OperationError:
    return OperationError(
        "Could not save document (others have created and deleted it meanwhile)"
    )


async def _find_or_create(
    queryset: QuerySource[D],
    io: IO,
    change: RawDocument,
    query: RawMapping,
    values: RawMapping,
    stamped: Stamped | None,
) -> tuple[D, bool]:
    """Return the document that matches, changed, or a new one of some values.

    :param change: the operators that change a document that is found
    :param stamped: has the time of the write
    """
    looked_up = not awaits_nothing(io, queryset._document)
    if looked_up:
        found = await _find(queryset, io, change)
        if found is not None:
            return found, False
    document = _document_to_create(queryset, query, values)
    try:
        await prepare(document, io, True, True, None, force_insert=True)
    except ValidationError:
        if not looked_up:
            existing = await _find(queryset, io, change)
            if existing is not None:
                return existing, False
        raise
    moment = None if stamped is None else stamped.moment
    return await _upsert(queryset, io, document, change, moment)


def _narrowed(queryset: QuerySource[D], q_objs: Any, query: Keywords) -> QuerySource[D]:
    """Return the queryset of the documents that are looked for."""
    spec = queryset._spec
    if spec.is_void or spec.limit or spec.skip:
        raise OperationError(
            "none() and slices have no place for a new document: call "
            "get_or_create() and update_or_create() without them"
        )
    return queryset.filter(*q_objs, **query)._with(
        scalar=[], values=None, as_pymongo=False
    )


def _called(defaults: Mapping[str, PythonValue] | None) -> dict[str, object]:
    """Return the values of defaults, of which some are made by callables.

    :raises InvalidQueryError: if a name is a path or has an operator
    """
    for name in defaults or ():
        if "__" in name and not name.startswith("_"):
            raise InvalidQueryError(
                f'Defaults are values of fields, and "{name}" is a path or an operator'
            )
    return {
        name: value() if callable(value) else value
        for name, value in (defaults or {}).items()
    }


# The new document


def _document_to_create(
    queryset: AnyQueryset, query: RawMapping, values: RawMapping
) -> Any:
    """Return the document to be created, not saved yet."""
    cls = queryset._document
    exact = equalities(queryset._spec.conditions)
    made = _values_by_field(cls, exact)
    for name, value in query.items():
        field = cls._fields.get(cls._meta["id_field"] if name == "pk" else name)
        if field is not None and field.db_field in exact:
            many = not field._is_list or isinstance(value, (list, tuple))
            made[field.name] = value if many else [value]
    values = dict(values)
    if "pk" in values:
        values[cls._meta["id_field"]] = values.pop("pk")
    return new_document(queryset, {**made, **values})


def _values_by_field(cls: type[StoredDocument], exact: RawMapping) -> dict[str, object]:
    """Return the values of fields that a filter asks for exactly.

    :param exact: these values by their paths in the database
    """
    raw: RawDocument = {}
    for path, value in exact.items():
        *outer, last = path.split(".")
        place = raw
        for key in outer:
            place = place.setdefault(key, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            place[last] = value
    raw.pop("_cls", None)
    values = {}
    for key, value in raw.items():
        field = cls._schema.by_key.get(key)
        if field is not None:
            values[field.name] = field.to_python(_as_stored(field, value))
        elif cls._dynamic:
            values[key] = value
    return values


def _as_stored(field: BaseField, value: Any) -> Any:
    """Return a value as the field stores it, where a filter asks for an item of it."""
    if field._is_list and not isinstance(value, (list, tuple)):
        by_position = isinstance(value, dict) and all(key.isdigit() for key in value)
        value = list(value.values()) if by_position else [value]
    inner = field._inner
    if field._is_list:
        return value if inner is None else [_as_stored(inner, item) for item in value]
    embedded = field._embedded_class
    if embedded is None or not isinstance(value, dict):
        return value
    fields = embedded._schema.by_key
    return {
        key: _as_stored(fields[key], item) if key in fields else item
        for key, item in value.items()
    }


# Commands


def _options(queryset: AnyQueryset) -> dict[str, Any]:
    spec = queryset._spec
    options = {**spec.common_options(), "sort": spec.order() or None}
    projection = dict(spec.cursor_arguments().get("projection") or {})
    if not projection.get("_id", 1):
        del projection["_id"]  # tells a new document from another one
    if projection:
        options["projection"] = projection
    return options


async def _find(queryset: QuerySource[D], io: IO, change: RawDocument) -> D | None:
    """Return the document that matches, changed where there is a change, or None."""
    options = _options(queryset)
    collection = await queryset._open_to_write(io, None)
    with SAVING:
        if not change:
            raw = await io(collection.find_one, queryset._filter(), **options)
        else:
            options["return_document"] = True
            raw = await io(
                collection.find_one_and_update,
                queryset._filter(),
                change,
                **options,
            )
    if raw is None:
        return None
    document: D = await _made(queryset, io, raw)
    return document


async def _made(queryset: QuerySource[D], io: IO, raw: RawDocument) -> D:
    document: D = queryset._document_maker()(raw)
    await relate(queryset._spec, io, [document])
    return document


async def _upsert(
    queryset: QuerySource[D],
    io: IO,
    document: Any,
    change: RawDocument,
    moment: Moment | None,
) -> tuple[D, bool]:
    """Store a new document unless one is found, which is changed."""
    collection = await queryset._open_to_write(io, None)
    write = PendingInsert(document, moment)
    try:
        with SAVING:
            raw, created = await _send(queryset, io, collection, write, change)
    except BaseException as error:
        write.fail(error, collection.codec_options)
        if isinstance(error.__cause__, DuplicateKeyError) and not in_transaction():
            # Another one was faster.
            found = await _find(queryset, io, change)
            if found is not None:
                return found, False
        raise
    if created:
        write.succeed()
        remember_target(queryset, [document])
        await send_post_save(io, document, write, True, None)
        new: D = document
        return new, True
    write.fail(_FOUND)
    if raw is not None:
        return await _made(queryset, io, raw), False
    # The embedded server says nothing of the document that was inserted meanwhile.
    found = await _find(queryset, io, change)
    if found is None:
        raise _deleted_meanwhile()
    return found, False


async def _send(
    queryset: AnyQueryset,
    io: IO,
    collection: AnyCollection,
    write: PendingInsert,
    change: RawDocument,
) -> tuple[RawDocument | None, bool]:
    """Send the command; return the document as it is now, and whether it is new."""
    unnameable = [key for key in write.son if not is_nameable(key)]
    if unnameable:
        raise OperationError(
            f"Could not save document (a path of MongoDB cannot name {unnameable[0]!r})"
        )
    paths = [path for operands in change.values() for path in operands]
    inserted = {
        key: value for key, value in write.son.items() if not is_touched(key, paths)
    }
    operators = {**change, "$setOnInsert": inserted}
    conditions, options = queryset._filter(), _options(queryset)
    if "_id" not in equalities(conditions):
        raw: RawDocument | None = await io(
            collection.find_one_and_update,
            conditions,
            operators,
            upsert=True,
            return_document=True,
            **options,
        )
        return raw, raw is not None and bool(raw["_id"] == write.key)
    # Others may use the same key: only the whole reply says which call has inserted.
    command = _command(collection, conditions, operators, options)
    reply: RawDocument = await io(
        collection.database.command, command, codec_options=collection.codec_options
    )
    return reply["value"], reply["lastErrorObject"].get("upserted") is not None


def _command(
    collection: AnyCollection,
    conditions: RawDocument,
    operators: RawDocument,
    options: dict[str, Any],
) -> RawDocument:
    """Return the command that PyMongo makes of these arguments."""
    command: RawDocument = {
        "findAndModify": collection.name,
        "query": conditions,
        "update": operators,
        "upsert": True,
        "new": True,
    }
    options = {name: value for name, value in options.items() if value is not None}
    if "sort" in options:
        options["sort"] = dict(options["sort"])
    if "projection" in options:
        options["fields"] = options.pop("projection")
    if isinstance(options.get("collation"), Collation):
        options["collation"] = options["collation"].document
    if isinstance(options.get("hint"), list):
        options["hint"] = dict(options["hint"])
    concern = collection.write_concern
    if not (in_transaction() or concern.is_server_default):
        command["writeConcern"] = concern.document
    return {**command, **options}
