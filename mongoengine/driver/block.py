"""`with` and `async with` from one body each for entering and leaving."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, Generic, TypeVar

from mongoengine.driver.io import ASYNC, IO, SYNC, instead, run

__all__ = ("Block",)

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Block(Generic[T]):
    """A block of either family; a decorator for functions and coroutine functions."""

    async def _enter(self, io: IO) -> T:
        """Enter the block; return what `as` gives."""
        raise NotImplementedError

    async def _leave(self, io: IO, error: BaseException | None) -> None:
        """Leave the block, because of `error` if that is not None."""
        raise NotImplementedError

    def __enter__(self) -> T:
        name = type(self).__name__.removeprefix("async_")
        with instead(f"async_{name}()"):
            return run(self._enter(SYNC))

    def __exit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        run(self._leave(SYNC, error))

    async def __aenter__(self) -> T:
        name = type(self).__name__.removeprefix("async_")
        with instead(f"{name}()"):
            return await self._enter(ASYNC)

    async def __aexit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._leave(ASYNC, error)

    def __call__(self, function: F) -> F:
        """Run `function` in a block of its own each time."""
        decorated: Any
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def decorated(*args: object, **kwargs: object) -> object:
                async with copy.copy(self):
                    return await function(*args, **kwargs)

        else:

            @wraps(function)
            def decorated(*args: object, **kwargs: object) -> object:
                with copy.copy(self):
                    return function(*args, **kwargs)

        result: F = decorated
        return result
