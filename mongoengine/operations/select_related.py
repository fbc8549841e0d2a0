"""Load the references that a query was asked to load with its documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from mongoengine.operations.related import follow_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mongoengine.driver.io import IO
    from mongoengine.driver.loops import Steps
    from mongoengine.query.query import Query

__all__ = ("RelatedSteps", "relate")

D = TypeVar("D")


async def relate(spec: Query, io: IO, documents: Sequence[object]) -> None:
    """Load the references that a query was asked to load with its documents."""
    if spec.related and documents and not spec.as_pymongo:
        await follow_paths(io, documents, spec.related)


class RelatedSteps(Generic[D]):
    """Give the documents of another source with the references that were asked for."""

    __slots__ = ("_spec", "_steps")

    def __init__(self, spec: Query, steps: Steps[D]) -> None:
        self._spec = spec
        self._steps = steps

    async def step(self, io: IO) -> list[D] | None:
        documents = await self._steps.step(io)
        if documents:
            await relate(self._spec, io, documents)
        return documents

    async def leave(self, io: IO) -> None:
        await self._steps.leave(io)
