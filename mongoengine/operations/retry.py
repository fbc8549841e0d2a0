"""Changing a document as often as others change it meanwhile."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from mongoengine.base import hooks
from mongoengine.errors import ConcurrentModificationError, OperationError

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("save_with_retry",)

D = TypeVar("D", bound="StoredDocument")


async def save_with_retry(
    document: D,
    io: IO,
    /,
    change: Callable[[D], object],
    attempts: int = 5,
    *,
    session: Session = None,
    **options: object,
) -> D:
    """Change the document and save it, again after others have written it (`update`).

    Where `save()` raises `ConcurrentModificationError`, the document is loaded again,
    and `change` is called again.  A class without a `version_field` is saved once.

    :param change: is called with the document, and makes all of the changes; for
        `async_save_with_retry` it may be a coroutine function
    :param attempts: how often it is called at most
    :param session: a PyMongo session to work in
    :param options: arguments of `save()`
    :returns: the document itself
    :raises ConcurrentModificationError: if the last attempt failed, too
    :raises DoesNotExist: if others have deleted the document
    :raises OperationError: if the document has unsaved changes, which would be lost
    :raises ValueError: if `attempts` is not positive
    """
    if attempts < 1:
        raise ValueError(f"save_with_retry() takes one attempt or more, not {attempts}")
    if not document._is_unmarked() and document._get_changed_fields():
        raise OperationError(
            f"{type(document).__name__} has unsaved changes, which loading it again "
            "would lose: make them in the function that save_with_retry() is given"
        )
    while True:
        attempts -= 1
        answer = change(document)
        if inspect.isawaitable(answer):
            if not io.is_async:
                hooks.refuse_coroutine(answer, "change of save_with_retry()")
            await answer
        try:
            saved: D = await io.call(document, "save", **options)
            return saved
        except ConcurrentModificationError:
            if not attempts:
                raise
        await io.call(document, "reload")
