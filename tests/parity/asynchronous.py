"""The third way: the same scenarios, on the asynchronous faces.

Scenarios are blocking code.  In the process of this way they run inside of a
coroutine, in a greenlet of their own, and the library carries out blocking faces on
that loop (`mongoengine.driver.io.blocking_on_loop`): `save` calls `async_save`, and
what has no twin (`len(queryset)`) runs its body on ASYNC.  Loops go through
`async for`.  The alias is open only with `connect_async()`: a blocking client does
not exist.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import types
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import Any

import greenlet

__all__ = ("adapt", "in_coroutine", "wait")

_loop = asyncio.new_event_loop()


def in_coroutine(function: Callable[[], Any]) -> Any:
    """Call a function inside of a coroutine, where it may `wait`."""
    driver = importlib.import_module("mongoengine.driver.io")

    async def call() -> Any:
        with driver.blocking_on_loop(wait):
            return await _in_greenlet(function)

    return _loop.run_until_complete(call())


@types.coroutine
def _in_greenlet(function: Callable[[], Any]) -> Generator[Any, Any, Any]:
    """Call a function in a greenlet, and await the awaitables that it passes on."""
    child = greenlet.greenlet(function)
    child.gr_context = greenlet.getcurrent().gr_context
    result = child.switch()
    while not child.dead:
        try:
            reply = yield result
        except BaseException as error:
            result = child.throw(error)
        else:
            result = child.switch(reply)
    return result


def wait(awaitable: Awaitable[Any]) -> Any:
    """Return the result of an awaitable; what it awaits goes to the coroutine."""
    steps = awaitable.__await__()
    advance: Callable[[], Any] = functools.partial(next, steps)
    while True:
        try:
            future = advance()
        except StopIteration as end:
            return _blocking_form(end.value)
        try:
            reply = greenlet.getcurrent().parent.switch(future)
        except BaseException as error:
            advance = functools.partial(steps.throw, error)  # type: ignore[attr-defined]
        else:
            advance = functools.partial(steps.send, reply)  # type: ignore[attr-defined]


def _blocking_form(result: Any) -> Any:
    """Return asynchronous iterators (cursors) as iterators."""
    cls = type(result)
    if hasattr(cls, "__anext__") and not hasattr(cls, "__next__"):
        named = type(cls.__name__.removeprefix("Async"), (_Loop,), {})
        return named(result)
    return result


class _Loop:
    """`for` over what wants `async for`."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return wait(self._rows.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)


def adapt(me: Any) -> Any:
    """Return the library's names, with twins for public functions that are no faces."""

    def disconnect(alias: str = "default") -> None:
        wait(me.disconnect_async(alias))

    def disconnect_all() -> None:
        wait(me.disconnect_all_async())

    def connect(*args: Any, **kwargs: Any) -> Any:
        return wait(me.connect_async(*args, **kwargs))

    names = types.ModuleType(me.__name__)
    vars(names).update(
        vars(me),
        # Modules that are imported later become attributes, too.
        __getattr__=functools.partial(getattr, me),
        connect=connect,
        disconnect=disconnect,
        disconnect_all=disconnect_all,
        get_connection=me.get_async_connection,
        get_db=me.get_async_db,
    )
    return names
