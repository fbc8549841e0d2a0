"""Create documents, update them, find and change one in one go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, overload

from mongoengine import connection
from mongoengine.base.stamps import Moment, Stamped, stamps_exist
from mongoengine.base.types import PassedOn, RawDocument, RawMapping, RawValue
from mongoengine.driver.io import argument_hints
from mongoengine.driver.write_errors import UPDATING
from mongoengine.errors import OperationError
from mongoengine.operations import read
from mongoengine.query import updates
from mongoengine.query.q import Q
from mongoengine.query.stamped_updates import with_stamps

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions
    from pymongo.results import UpdateResult

    from mongoengine.driver.io import IO
    from mongoengine.operations.source import AnyQueryset, QuerySource

__all__ = (
    "change_of",
    "create",
    "modify",
    "new_document",
    "stamping",
    "update",
    "update_one",
    "upsert_one",
)

D = TypeVar("D")

#: What `$[name]` stands for in an update: one filter for each name.
ArrayFilters: TypeAlias = Sequence[RawMapping] | None


async def create(queryset: QuerySource[D], io: IO, /, **kwargs: object) -> D:
    """Save a new document of these values, and return it (`insert`).

    After `using()` it belongs behind that alias, and goes on being saved there.

    :raises ValidationError: if a value is invalid
    :raises NotUniqueError: if a unique value exists already
    """
    document = new_document(queryset, kwargs)
    saved: D = await io.call(document, "save", force_insert=True)
    return saved


def new_document(queryset: QuerySource[D], values: RawMapping) -> D:
    """Return a new document of these values, to be saved where a queryset reads."""
    document: Any = queryset._document(**values)
    spec = queryset._spec
    if spec.using:
        document._switch(spec.alias, spec.collection_name, keep_created=True)
    result: D = document
    return result


argument_hints[create] = "; it takes keywords: insert() takes documents"


@overload
async def update(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    multi: bool = True,
    write_concern: None = None,
    read_concern: RawMapping | None = None,
    full_result: Literal[False] = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> int: ...
@overload
async def update(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    multi: bool = True,
    write_concern: RawMapping | None = None,
    read_concern: RawMapping | None = None,
    *,
    full_result: Literal[True],
    array_filters: ArrayFilters = None,
    **update: object,
) -> UpdateResult: ...
@overload
async def update(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    multi: bool = True,
    write_concern: RawMapping | None = None,
    read_concern: RawMapping | None = None,
    full_result: Literal[False] = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> int | None: ...
@overload
async def update(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    multi: bool = True,
    write_concern: RawMapping | None = None,
    read_concern: RawMapping | None = None,
    full_result: bool = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> UpdateResult | int | None: ...
async def update(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    multi: bool = True,
    write_concern: RawMapping | None = None,
    read_concern: RawMapping | None = None,
    full_result: bool = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> UpdateResult | int | None:
    """Change the documents that match, whatever `skip` and `limit` say (`update`).

    :param upsert: insert a document if none matches
    :param multi: change all of them, not just one
    :param write_concern: options of a PyMongo `WriteConcern`
    :param read_concern: options of a PyMongo `ReadConcern`
    :param full_result: give the whole `pymongo.results.UpdateResult`
    :param array_filters: which elements `$[name]` stands for
    :param update: changes like `set__name="x"`, `inc__age=1`, `__raw__={...}`
    :returns: the number of documents; None where writes are not acknowledged
    :raises NotUniqueError: if a unique value would repeat
    :raises OperationError: if there is nothing to change, or the server refused
    """
    if not update and not upsert:
        raise OperationError("No update parameters, would remove data")
    spec = queryset._spec
    if spec.is_void:
        return 0
    with stamping(queryset, io) as stamped:
        change = change_of(queryset, update, stamped, upsert)
        query = await queryset._filter_to_write(io, upsert, None if multi else 1)
        options = spec.common_options()
        options["upsert"] = upsert
        if array_filters is not None:
            options["array_filters"] = array_filters
        collection = await queryset._open_to_write(io, write_concern, read_concern)
        send = collection.update_many if multi else collection.update_one
        with UPDATING:
            result = await io(send, query, change, **options)
    if full_result:
        answer: UpdateResult = result
        return answer
    count: int | None = result.raw_result["n"] if result.raw_result else None
    return count


# In the functions below, `update` stands for their keywords.
_update = update


def stamping(queryset: AnyQueryset, io: IO) -> Stamped | AbstractContextManager[None]:
    """Return the stamps that an update sets, to be undone where a block raises."""
    if not (stamps_exist() and queryset._document._schema.may_stamp):
        return _NO_STAMPS
    return Stamped(Moment(partial(_codec_options, queryset, io)))


_NO_STAMPS: AbstractContextManager[None] = nullcontext()


def _codec_options(queryset: AnyQueryset, io: IO) -> CodecOptions[RawDocument]:
    """Return how documents of a queryset are read; sends nothing."""
    spec = queryset._spec
    source = spec.explicit_collection
    if source is None:
        source = connection.database(io, spec.alias)
    options: CodecOptions[RawDocument] = source.codec_options
    return options


def change_of(
    queryset: AnyQueryset,
    update: RawDocument,
    stamped: Stamped | None,
    upsert: bool = False,
    conditions: RawMapping | None = None,
) -> RawValue:
    """Return an update as MongoDB takes it: operators, or a pipeline.

    :param stamped: where the stamps of embedded documents are noted
    :param upsert: the update inserts a document where none matches, with its class
    :param conditions: the filter, if not that of the queryset
    """
    document, spec = queryset._document, queryset._spec
    raw = update.get("__raw__")
    if stamped is not None:
        stamped.values(update.values())
    change: RawValue
    if isinstance(raw, list):
        change = [updates.update(document, __raw__=stage) for stage in raw]
    else:
        change = updates.compiled(document, update, spec.is_safe)
    if stamped is not None:
        if upsert and conditions is None:
            conditions = spec.conditions
        change = with_stamps(document, change, stamped.moment, upsert, conditions)
    if upsert and spec.cls_query:
        change = _with_class(change, document._class_name)
    return change


def _with_class(change: Any, name: str) -> Any:
    """Return a change that gives an inserted document its class.

    A stored document keeps its own, which may be that of a subclass.
    """
    if isinstance(change, list):
        return [*change, {"$set": {"_cls": {"$ifNull": ["$_cls", name]}}}]
    if any("_cls" in changes for changes in change.values()):
        return change
    inserted = {**change.get("$setOnInsert", {}), "_cls": name}
    return {**change, "$setOnInsert": inserted}


@overload
async def update_one(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    write_concern: None = None,
    full_result: Literal[False] = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> int: ...
@overload
async def update_one(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    write_concern: RawMapping | None = None,
    *,
    full_result: Literal[True],
    array_filters: ArrayFilters = None,
    **update: object,
) -> UpdateResult: ...
@overload
async def update_one(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    write_concern: RawMapping | None = None,
    full_result: Literal[False] = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> int | None: ...
@overload
async def update_one(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    write_concern: RawMapping | None = None,
    full_result: bool = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> UpdateResult | int | None: ...
async def update_one(
    queryset: AnyQueryset,
    io: IO,
    /,
    upsert: bool = False,
    write_concern: RawMapping | None = None,
    full_result: bool = False,
    array_filters: ArrayFilters = None,
    **update: PassedOn,
) -> UpdateResult | int | None:
    """Change one document that matches; see `update`."""
    return await _update(
        queryset,
        io,
        upsert=upsert,
        multi=False,
        write_concern=write_concern,
        full_result=full_result,
        array_filters=array_filters,
        **update,
    )


async def upsert_one(
    queryset: QuerySource[D],
    io: IO,
    /,
    write_concern: RawMapping | None = None,
    read_concern: RawMapping | None = None,
    **update: PassedOn,
) -> D | None:
    """Change the document that matches, or insert one (`update`, `find`).

    :param write_concern: options of a PyMongo `WriteConcern`
    :param read_concern: options of a PyMongo `ReadConcern`
    :param update: changes; see `update`
    :returns: the document as it is stored now; None for `none()` and empty
        slices, which write nothing
    """
    result: Any = await _update(
        queryset,
        io,
        upsert=True,
        multi=False,
        write_concern=write_concern,
        read_concern=read_concern,
        full_result=True,
        **update,
    )
    if queryset._spec.is_void:
        return None
    if result.raw_result["updatedExisting"]:
        return await read.get(queryset, io)
    fresh = queryset._with(query_obj=Q(), mongo_query=None)
    return await read.with_id(fresh, io, result.upserted_id)


async def modify(
    queryset: QuerySource[D],
    io: IO,
    /,
    upsert: bool = False,
    remove: bool = False,
    new: bool = False,
    array_filters: ArrayFilters = None,
    **update: object,
) -> D | None:
    """Change or remove one document, and give it (`findAndModify`).

    :param upsert: insert a document if none matches
    :param remove: remove it instead
    :param new: give the document as it is afterwards, not before
    :param array_filters: which elements `$[name]` stands for
    :param update: changes; see `update`
    :returns: the document, or None if there was none
    :raises NotUniqueError: if a unique value would repeat
    :raises OperationError: if the arguments contradict each other, or the
        server refused

    https://www.mongodb.com/docs/manual/reference/command/findAndModify/
    """
    if remove and new:
        raise OperationError("Conflicting parameters: remove and new")
    if not update and not upsert and not remove:
        raise OperationError("No update parameters, must either update or remove")
    spec = queryset._spec
    if spec.is_void:
        return None
    query = await queryset._filter_to_write(io, upsert, 1, spec.ordering)
    options: dict[str, Any] = {"sort": spec.ordering or None}
    if spec.needs_pipeline({"sort": spec.ordering or ()}):
        options["sort"] = None  # there is one document
    projection = spec.cursor_arguments().get("projection")
    if projection is not None:
        options["projection"] = projection
    if remove:
        collection = await queryset._open(io)
        with UPDATING:
            raw = await io(collection.find_one_and_delete, query, **options)
    else:
        if array_filters is not None:
            options["array_filters"] = array_filters
        options.update(upsert=upsert, return_document=bool(new))
        with stamping(queryset, io) as stamped:
            change = change_of(queryset, update, stamped, upsert)
            collection = await queryset._open(io)
            with UPDATING:
                raw = await io(collection.find_one_and_update, query, change, **options)
    if raw is None:
        return None
    document: D = queryset._document_maker()(raw)
    return document
