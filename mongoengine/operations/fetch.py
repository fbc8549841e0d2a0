"""Fetch what references stand for: `fetch` of fields, references and containers.

The classes of `base` that can be fetched have their faces from `attached`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from bson import DBRef

from mongoengine.base.field import BaseField
from mongoengine.base.proxies import AsyncReferenceProxy, is_document
from mongoengine.base.references import LazyReference, reference_of
from mongoengine.base.tracked import TrackedContainer
from mongoengine.base.types import Unset, Value
from mongoengine.driver.io import SYNC, instead, run
from mongoengine.errors import DoesNotExist
from mongoengine.operations.dereference import load_referenced
from mongoengine.operations.related import follow_items

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = (
    "fetch_items",
    "fetch_lazy",
    "fetch_proxy",
    "fetch_referenced",
    "follow_on_reading",
    "load_for",
)

D = TypeVar("D")
C = TypeVar("C", bound=TrackedContainer)


async def fetch_referenced(
    field: BaseField[Value, Any, Unset],
    io: IO,
    document: BaseDocument,
    *,
    session: Session = None,
) -> Value | Unset:
    """Return the document that `document` refers to with this field, or None.

    It is loaded (command `find`) unless that was done before, and held by
    `document` from then on.

    :param document: the document that has the field.
    :param session: a PyMongo session to work in
    :raises DoesNotExist: if what it refers to is not stored.
    """
    value = field._read(document)
    if isinstance(value, (DBRef, dict)):
        value = await load_for(field, io, document, value)
    result: Value | Unset = value
    return result


async def load_for(
    field: BaseField[Any, Any, Any], io: IO, document: Any, value: object
) -> object:
    """Load what `value` stands for, and have `document` hold that instead."""
    target = field._target_of(value)
    if target is None:
        return value
    loaded = await load_referenced(io, *target)
    current = field._read(document)
    if current is value:
        document._put(field.name, loaded)
    elif type(current) is type(loaded) and current == loaded:
        # Another task was faster: one document stays one object.
        return current
    return loaded


async def fetch_lazy(
    reference: LazyReference[D],
    io: IO,
    force: bool = False,
    *,
    session: Session = None,
) -> D:
    """Return the document, loaded the first time this is called (command `find`).

    :param force: load it again.
    :param session: a PyMongo session to work in
    :raises DoesNotExist: if it is not stored.
    """
    if reference._cached_doc is None or force:
        objects = reference.document_type.objects
        document = await io.call(objects, "get", pk=reference.pk)
        if not document:
            raise DoesNotExist(f"Trying to dereference unknown document {reference}")
        reference._cached_doc = document
    return reference._cached_doc


async def fetch_proxy(
    proxy: AsyncReferenceProxy[D], io: IO, *, session: Session = None
) -> D:
    """Return the document that this stands for, loaded once (command `find`).

    :param session: a PyMongo session to work in
    :raises DoesNotExist: if it is not stored.
    """
    if proxy._fetched is None:
        proxy._fetched = await _load_for_proxy(proxy, io)
    return proxy._fetched


async def _load_for_proxy(proxy: AsyncReferenceProxy[Any], io: IO) -> Any:
    field, document = proxy._field, proxy._instance
    if field is None:
        return await load_referenced(io, proxy._type, reference_of(proxy._value))
    current = field._read(document)
    if is_document(current) and proxy == current:
        return current
    return await load_for(field, io, document, proxy._value)


async def fetch_items(container: C, io: IO, *, session: Session = None) -> C:
    """Load the documents that are referred to in here, in place.

    Sends one `find` per collection.  References of which there is no document
    are left as they are, and nothing counts as changed.

    :param session: a PyMongo session to work in
    :returns: the container itself.
    """
    document, name = container._instance, container._name
    container._take_over(await follow_items(io, container, 1, document, name))
    return container


def follow_on_reading(
    instance: BaseDocument, name: str, ref_values: object, *, max_depth: int
) -> object:
    """Return a list or dict that is being read, with its documents loaded."""
    with instead(f"{name}.async_fetch()", instance):
        return run(follow_items(SYNC, ref_values, max_depth, instance, name))
