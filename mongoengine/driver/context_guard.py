"""Blocks that must be left in the context that they were entered in.

What a block switches belongs to a context (`contextvars`): that of a task, of a
thread, or a copy that a framework makes to call one function.  A block that is
entered in such a copy switches nothing for the code that runs after the call.  A
guard notices that when the block is left and, where the copy is freed while the
block is still open, as soon as somebody uses what the block should have switched.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextvars import Context, ContextVar

from mongoengine.errors import ContextError

__all__ = ("ContextGuard", "abandoned", "abandoned_guards")

_ADVICE = (
    "Enter and leave the block in one task or thread. In FastAPI, a dependency with "
    '"yield" that is a plain "def" enters and leaves it in two threads: make it '
    '"async def", or open the block in the endpoint'
)

_probe: ContextVar[None] = ContextVar("probe")


def _current_context() -> Context:
    """Return the context that runs here, which only a token refers to."""
    referents = gc.get_referents(_probe.set(None))
    return next(each for each in referents if isinstance(each, Context))


_NO_CONTEXT = weakref.ref(Context())


class ContextGuard:
    """Notices when a block is left in another context than it was entered in.

    :param block: the block as users write it, for the text of errors
    :param instead: another way to get what the block should do
    """

    __slots__ = ("__weakref__", "_advice", "_block", "_context", "_itself")

    def __init__(self, block: str, instead: str = "") -> None:
        self._block = block
        self._advice = f"{_ADVICE}, or use {instead}" if instead else _ADVICE
        key = id(self)
        itself = weakref.ref(self, lambda _: abandoned.pop(key, None) and None)
        self._itself = itself
        self._context = weakref.ref(
            _current_context(), lambda _: abandoned.__setitem__(key, itself)
        )

    def close(self) -> bool:
        """End the watch; whether the block was entered in the current context."""
        entered = self._context()
        self._context = _NO_CONTEXT
        abandoned.pop(id(self), None)
        return entered is _current_context()

    def error(self) -> ContextError:
        """Return the error for a block that is left elsewhere."""
        return ContextError(
            f"{self._block} was left in another context than it was entered in, and "
            f"had no effect on what ran in between. {self._advice}"
        )

    def warning(self) -> ContextError:
        """Return the error for using what an abandoned block should have switched."""
        return ContextError(
            f"{self._block} is open, but the context that it was entered in has "
            f"ended, so it has no effect. {self._advice}"
        )


#: Guards of open blocks with a context that is gone, by their ids.
abandoned: dict[int, weakref.ref[ContextGuard]] = {}


def abandoned_guards() -> Iterator[ContextGuard]:
    """Iterate over the guards of open blocks with a context that is gone."""
    for reference in list(abandoned.values()):
        guard = reference()
        if guard is not None:
            yield guard
