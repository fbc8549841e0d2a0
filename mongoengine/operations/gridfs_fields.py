"""Operations on the file of a document, asked of the field: `Doc.file.read(doc)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base.types import PrimaryKey
from mongoengine.driver.io import IO

if TYPE_CHECKING:
    from mongoengine.driver.session import Session

__all__ = ("delete", "delete_file", "get", "put", "read", "replace")


async def put(
    field: object, io: IO, /, data: object, instance: object, **kwargs: object
) -> PrimaryKey:
    """Store a file for a document; save the document afterwards.

    :param data: anything that :meth:`GridFSProxy.put` accepts
    :param instance: the document
    :param kwargs: `filename`, `content_type`, and other data about the file
    :returns: the :class:`GridFSProxy` of the document
    :raises GridFSError: if the document has a file already
    """
    proxy = _proxy(field, instance)
    await io.call(proxy, "put", data, **kwargs)
    return proxy


async def get(
    field: object, io: IO, /, instance: object, *, session: Session = None
) -> Any:
    """Open the file of a document.

    :param instance: the document
    :param session: a PyMongo session to work in
    :returns: its :class:`GridFSProxy`, or None if there is no stored file
    """
    proxy = _proxy(field, instance)
    opened = await io.call(proxy, "get")
    return None if opened is None else proxy


async def read(
    field: object,
    io: IO,
    /,
    instance: object,
    size: int = -1,
    *,
    session: Session = None,
) -> Any:
    """Read from the file of a document, as :meth:`GridFSProxy.read` does.

    :param instance: the document
    :param size: the greatest number of bytes; everything that is left if negative
    :param session: a PyMongo session to work in
    """
    return await io.call(_proxy(field, instance), "read", size)


async def delete(
    field: object, io: IO, /, instance: object, *, session: Session = None
) -> None:
    """Remove the file of a document; save the document afterwards.

    :param instance: the document
    :param session: a PyMongo session to work in
    """
    await io.call(_proxy(field, instance), "delete")


async def delete_file(proxy: object, io: IO) -> None:
    """Remove the file of a document that has been deleted."""
    await io.call(proxy, "delete")


async def replace(
    field: object, io: IO, /, data: object, instance: object, **kwargs: object
) -> Any:
    """Store a file in place of the document's; save the document afterwards.

    :param data: anything that :meth:`GridFSProxy.put` accepts
    :param instance: the document
    :param kwargs: `filename`, `content_type`, and other data about the file
    :returns: the id of the new file
    """
    return await io.call(_proxy(field, instance), "replace", data, **kwargs)


def _proxy(field: Any, instance: object) -> Any:
    return field.__get__(instance, type(instance))
