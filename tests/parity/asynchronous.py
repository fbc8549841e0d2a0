"""The third way: the same scenarios, on the asynchronous faces.

Scenarios are blocking code.  In the process of this way every blocking face hands
its call to its twin (`save` to `async_save`) and runs an event loop until that is
done; loops go through `async for`, references through the proxies that are awaited,
blocks through `async with`; and what has no twin of its own (`len(queryset)`) runs
its body on ASYNC.  The alias is open only with `connect_async()`: a blocking client
does not exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import importlib
import pathlib
import sys
import types
from asyncio import events, tasks
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ("adapt", "as_in_a_coroutine", "prepare", "run")

_MISSING = object()
_loop = asyncio.new_event_loop()


def run(awaitable: Any) -> Any:
    """Run the loop until `awaitable` is done, also from inside of the loop.

    What it changes in the context stays changed, as in code that awaits it.
    """
    changed: list[contextvars.Context] = []

    async def whole() -> Any:
        try:
            return await awaitable
        finally:
            changed.append(contextvars.copy_context())

    outer = events._get_running_loop()
    events._set_running_loop(None)
    try:
        task = _loop.create_task(whole())
        if _loop.is_running():
            _inside(task)
        else:
            with contextlib.suppress(BaseException):  # raised by task.result()
                _loop.run_until_complete(task)
    finally:
        events._set_running_loop(outer)
    if changed:
        _take_over(changed[0])
    return _blocking_form(task.result())


def _inside(task: asyncio.Task[Any]) -> None:
    """Turn the loop that is running further down in this thread."""
    interrupted = tasks.current_task(_loop)
    if interrupted is not None:
        tasks._leave_task(_loop, interrupted)
    events._set_running_loop(_loop)
    try:
        while not task.done():
            _loop._run_once()  # type: ignore[attr-defined]
    finally:
        if interrupted is not None:
            tasks._enter_task(_loop, interrupted)


@contextlib.contextmanager
def as_in_a_coroutine() -> Iterator[None]:
    """Code in this block finds the loop running, as inside of a coroutine."""
    events._set_running_loop(_loop)
    try:
        yield
    finally:
        events._set_running_loop(None)


def _blocking_form(result: Any) -> Any:
    """Asynchronous iterators (cursors) become iterators."""
    kind = type(result)
    if hasattr(kind, "__anext__") and not hasattr(kind, "__next__"):
        named = type(kind.__name__.removeprefix("Async"), (_Loop,), {})
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
            return run(self._rows.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)


def prepare(root: pathlib.Path) -> None:
    """Load `mongoengine.driver.io` and bend its blocking faces: before the rest."""
    package: Any = types.ModuleType("mongoengine")
    package.__path__ = [str(root / "mongoengine")]
    sys.modules["mongoengine"] = package  # in place of the whole, for the moment
    execution: Any = importlib.import_module("mongoengine.driver.io")
    del sys.modules["mongoengine"]

    blocking, asynchronous = execution.blocking, execution.asynchronous

    def bent(body: Any) -> Any:
        face = blocking(body)
        own = asynchronous(body)
        twin_name = f"async_{face.__name__}"

        @functools.wraps(face)
        def through_twin(self: Any, /, *args: Any, **kwargs: Any) -> Any:
            twin = getattr(self, twin_name, None)
            if callable(twin):
                return run(twin(*args, **kwargs))
            return run(own(self, *args, **kwargs))

        return through_twin

    execution.blocking = bent
    execution.run = run
    execution.SYNC = execution.ASYNC


def adapt(me: Any) -> Callable[..., Any]:
    """Bend what is not a face; gives what opens an alias."""
    _bend_loops(me)
    _bend_touching(me)
    _bend_blocks(me)
    _bend_connections(me)

    def connect(*args: Any, **kwargs: Any) -> Any:
        return run(me.connect_async(*args, **kwargs))

    return connect


def _bend_loops(me: Any) -> None:
    def loop(self: Any) -> Iterator[Any]:
        rows = type(self).__aiter__(self)
        try:
            yield from _Loop(rows)
        finally:
            close = getattr(rows, "aclose", None)
            if close is not None:
                run(close())

    me.QuerySet.__iter__ = loop
    me.QuerySetNoCache.__iter__ = loop
    me.fields.GridFSProxy.__iter__ = loop


def _bend_touching(me: Any) -> None:
    """References are followed by awaiting the proxies and containers."""
    followed = next(k for k in me.ReferenceField.__mro__ if "_follow" in vars(k))
    proxy_of = me.AsyncReferenceProxy
    follow = followed._follow

    def touch(self: Any, instance: Any, value: Any) -> Any:
        target = self._target_of(value)
        if target is None or not hasattr(target[1], "collection"):
            return follow(self, instance, value)
        proxy = proxy_of(target[0], value, self.name, self, instance)
        return run(proxy.async_fetch())

    followed._follow = touch
    followed._is_awaited = staticmethod(_never)
    for name, module in list(sys.modules.items()):
        if name.startswith("mongoengine."):
            for function, instead in (("is_awaited", _never), ("may_block", _always)):
                if hasattr(module, function):
                    setattr(module, function, instead)

    # Items are loaded at once below, and need nothing that stands for them.
    me.base.tracked.TrackedContainer._make_awaitable = lambda container, field: None
    complex_field = me.base.fields.ComplexBaseField
    dereferenced = complex_field._dereferenced_value

    def touch_items(self: Any, instance: Any, value: Any) -> Any:
        asked = False

        def is_awaited() -> bool:
            nonlocal asked
            asked = True
            return True

        kind = type(instance)
        kept = vars(kind).get("_is_awaited", _MISSING)
        kind._is_awaited = lambda document: is_awaited()
        try:
            found = dereferenced(self, instance, value)
        finally:
            if kept is _MISSING:
                del kind._is_awaited
            else:
                kind._is_awaited = kept
        if asked:
            run(found.async_fetch())
            found._dereferenced = True
        return found

    complex_field._dereferenced_value = touch_items


def _always(alias: str) -> bool:
    return True


def _never(*places: Any) -> bool:
    return False


def _bend_blocks(me: Any) -> None:
    managers = me.context_managers
    twin = managers.async_run_in_transaction

    @contextlib.contextmanager
    def run_in_transaction(*args: Any, **kwargs: Any) -> Iterator[Any]:
        with _held(twin(*args, **kwargs)) as given:
            yield given

    managers.run_in_transaction = run_in_transaction


@contextlib.contextmanager
def _held(block: Any) -> Iterator[Any]:
    """`with` for what wants `async with`, entered and left in one task."""
    entered: asyncio.Future[Any] = _loop.create_future()
    leave: asyncio.Future[BaseException | None] = _loop.create_future()

    async def hold() -> None:
        try:
            async with block as given:
                entered.set_result((given, contextvars.copy_context()))
                error = await leave
                if error is not None:
                    raise error
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    task = _loop.create_task(hold())
    given, inside = run(entered)
    tokens = _take_over(inside)
    try:
        yield given
    except BaseException as error:
        leave.set_result(error)
        run(task)
        raise
    else:
        leave.set_result(None)
        run(task)
    finally:
        for token in reversed(tokens):
            token.var.reset(token)


def _take_over(context: contextvars.Context) -> list[contextvars.Token[Any]]:
    """Set what is set there; gives what undoes it."""
    return [
        variable.set(value)
        for variable, value in context.items()
        if variable.get(_MISSING) is not value
    ]


def _bend_connections(me: Any) -> None:
    def disconnect(alias: str = "default") -> None:
        run(me.disconnect_async(alias))

    def disconnect_all() -> None:
        run(me.disconnect_all_async())

    me.disconnect = disconnect
    me.disconnect_all = disconnect_all
    me.get_db = me.get_async_db
    me.get_connection = me.get_async_connection
