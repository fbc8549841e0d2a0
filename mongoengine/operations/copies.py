"""Update the copies of fields of other documents that cached references have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.base.field import BaseField
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("sync_all", "update_copies")


async def update_copies(
    field: Any,
    io: IO,
    /,
    sender: object,
    document: BaseDocument,
    created: bool,
    **kwargs: object,
) -> None:
    """Update the copies of a document that is being saved (receiver)."""
    if created:
        return
    changed, _ = document._delta()
    update = {
        f"set__{field.name}__{key}": value
        for key, value in changed.items()
        if key in field.fields
    }
    if update:
        await io.call(_holders(field, document), "update", **update)


async def sync_all(field: Any, io: IO, *, session: Session = None) -> None:
    """Update the copies of all documents of the class that is referred to.

    Sends an `update` for each of them.

    :param session: a PyMongo session to work in
    """
    documents = await io.call(field.document_type.objects, "to_list")
    for document in documents:
        update = {f"set__{field.name}": document}
        await io.call(_holders(field, document), "update", **update)


def _holders(field: BaseField, document: object) -> object:
    """Return the query for the documents that have a copy of this one."""
    return field.owner_document.objects(**{field.name: document})
