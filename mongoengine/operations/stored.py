"""Changing the stored form of one document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from mongoengine.base.stamps import Moment, Stamped
from mongoengine.base.types import PassedOn, RawDocument, RawMapping
from mongoengine.driver.undo import on_abort
from mongoengine.errors import InvalidDocumentError, InvalidQueryError, OperationError
from mongoengine.operations.conflicts import advance, condition_of
from mongoengine.operations.load import Replacement

if TYPE_CHECKING:
    from pymongo.results import UpdateResult

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO

__all__ = ("modify", "update")


@overload
async def update(
    document: StoredDocument,
    io: IO,
    /,
    *,
    write_concern: None = None,
    full_result: Literal[False] = False,
    **kwargs: object,
) -> int: ...
@overload
async def update(
    document: StoredDocument,
    io: IO,
    /,
    *,
    full_result: Literal[True],
    **kwargs: object,
) -> UpdateResult: ...
@overload
async def update(
    document: StoredDocument,
    io: IO,
    /,
    *,
    write_concern: RawMapping | None = None,
    full_result: bool = False,
    **kwargs: object,
) -> UpdateResult | int | None: ...
async def update(
    document: StoredDocument, io: IO, /, **kwargs: PassedOn
) -> UpdateResult | int | None:
    """Update the stored document, and leave this one as it is.

    A class with a version has it counted up; so has this document, unless others have
    written since it was loaded.

    :param kwargs: update operators (`set__title="x"`, `inc__views=1`), and the
        options of :meth:`QuerySet.update_one`.
    :returns: how many documents were updated, 0 or 1.
    :raises OperationError: if the document has not been saved.
    """
    if document.pk is not None:
        queryset = document._qs.filter(**document._object_key)
    elif kwargs.get("upsert", False):
        son = document.to_mongo()
        son.pop("_cls", None)
        queryset = document._qs.filter(**son)
    else:
        raise OperationError("attempt to update a document not yet saved")
    condition = condition_of(document, loaded_only=True)
    if condition and document.pk is not None and not kwargs.get("upsert", False):
        unchanged = queryset.filter(__raw__=condition)
        collection = await queryset._open_to_write(io, kwargs.get("write_concern"))
        if collection.write_concern.acknowledged:
            found = await io.call(unchanged, "update_one", **kwargs)
            if found if isinstance(found, int) else found.matched_count:
                stamped = Stamped(Moment())
                advance(document, stamped, kwargs)
                on_abort(stamped.undo)
                updated: UpdateResult | int = found
                return updated
    result: UpdateResult | int | None = await io.call(queryset, "update_one", **kwargs)
    return result


async def modify(
    document: StoredDocument,
    io: IO,
    /,
    query: RawDocument | None = None,
    **update: object,
) -> bool:
    """Update the stored document and load the result, in one command.

    Unsaved changes of this document are lost; what is assigned while the answer is
    awaited stays pending.  Sends `findAndModify`.

    :param query: a dict of keywords, or a `Q`, that the stored document has
        to match besides.
    :param update: update operators (`inc__views=1`).
    :returns: whether the document was there, matched, and was updated.
    """
    if document.pk is None:
        raise InvalidDocumentError("The document does not have a primary key.")
    id_field = document._meta["id_field"]
    keywords = dict(query) if isinstance(query, dict) else {}
    if keywords.setdefault(id_field, document.pk) != document.pk:
        raise InvalidQueryError(
            "Invalid document modify query: it must modify only this document."
        )
    keywords.update(document._object_key)
    conditions = () if query is None or isinstance(query, dict) else (query,)
    queryset = document._qs.filter(*conditions, **keywords)
    with Replacement(document) as replacement:
        stored = await io.call(queryset, "modify", new=True, **update)
        if stored is None:
            return False
        replacement.put(stored)
    return True
