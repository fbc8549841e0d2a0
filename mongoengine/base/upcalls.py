"""Operations that `base` needs and a layer above defines.

`base` does no I/O and imports nothing from above; `operations.dereference` and
`dereference` put their bodies here when they are imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ("follow", "follow_paths", "load_referenced", "provide")

Body = Callable[..., Awaitable[Any]]

_bodies: dict[str, Body] = {}


def provide(name: str) -> Callable[[Body], Body]:
    """Make the decorated body the one that runs as `name`."""

    def register(body: Body) -> Body:
        _bodies[name] = body
        return body

    return register


async def load_referenced(io: Any, cls: Any, reference: Any) -> Any:
    """Return the document of a class that a DBRef points to.

    :raises DoesNotExist: if it is not stored.
    """
    return await _bodies["load_referenced"](io, cls, reference)


async def follow(io: Any, items: Any, max_depth: int, instance: Any, name: Any) -> Any:
    """Return items with documents instead of references, as `DeReference` does."""
    return await _bodies["follow"](io, items, max_depth, instance, name)


async def follow_paths(io: Any, documents: Any, paths: Any) -> None:
    """Load the references of documents that a tree of names leads to."""
    await _bodies["follow_paths"](io, documents, paths)
