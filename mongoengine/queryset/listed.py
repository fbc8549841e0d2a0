"""The awaited forms of builders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from mongoengine.operations.source import QuerySource

__all__ = ("listed",)

P = ParamSpec("P")
Q_ = TypeVar("Q_", bound=QuerySource[Any])
T = TypeVar("T")


def listed(
    builder: Callable[Concatenate[Q_, P], QuerySource[T]],
) -> Callable[Concatenate[Q_, P], Awaitable[list[T]]]:
    """Return the awaited form of a builder, which reads the documents."""

    @wraps(builder)
    async def face(self: Q_, /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
        queryset: Any = builder(self, *args, **kwargs)
        items: list[T] = await queryset.async_to_list()
        return items

    face.__name__ = f"async_{builder.__name__}"
    face.__qualname__ = f"{builder.__qualname__.rpartition('.')[0]}.{face.__name__}"
    face._lists = builder  # type: ignore[attr-defined]
    return face
