"""Define the signals that documents send when they are made, saved and deleted.

They are `blinker` signals if that package is installed (the `signals` extra).  If not,
sending does nothing and connecting a receiver raises `RuntimeError`.

A receiver may be a coroutine function: asynchronous operations await it.  A
blocking operation cannot, and raises `RuntimeError` that names it.
"""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any, NoReturn

from mongoengine.compatibility import names_of
from mongoengine.driver.types import Function

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = (
    "post_delete",
    "post_init",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_save",
    "pre_save_post_validation",
)


class _FakeSignal:
    """Stand for a signal if `blinker` is not installed."""

    receivers: dict[Any, Any] = {}

    def __init__(self, name: str, doc: str | None = None) -> None:
        self.name = name
        self.__doc__ = doc

    def send(self, *args: object, **kwargs: object) -> None:
        """Do nothing: there are no receivers."""

    def _unavailable(self, *args: object, **kwargs: object) -> NoReturn:
        raise RuntimeError(
            "signalling support is unavailable because the blinker library is "
            "not installed."
        )

    connect = disconnect = connect_via = _unavailable
    has_receivers_for = receivers_for = temporarily_connected_to = _unavailable


class _FakeNamespace:
    def signal(self, name: str, doc: str | None = None) -> _FakeSignal:
        return _FakeSignal(name, doc)


signals_available: bool
Namespace: Any
try:
    from blinker import Namespace

    signals_available = True
except ImportError:
    Namespace = _FakeNamespace
    signals_available = False

_signals = Namespace()


def _around(action: str) -> tuple[Any, Any]:
    return _signals.signal(f"pre_{action}"), _signals.signal(f"post_{action}")


pre_init, post_init = _around("init")
pre_save, post_save = _around("save")
pre_delete, post_delete = _around("delete")
pre_bulk_insert, post_bulk_insert = _around("bulk_insert")
pre_save_post_validation = _signals.signal("pre_save_post_validation")


async def send(io: IO, signal: Any, sender: object, **kwargs: object) -> None:
    """Send `signal` from the body of an operation, to its receivers in their order.

    On `ASYNC`, receivers that are coroutine functions are awaited.

    :raises RuntimeError: on `SYNC`, if a receiver is a coroutine function; none
        of the receivers has been called then
    """
    if not signal.receivers:
        return
    if not io.is_async:
        send_now(signal, sender, **kwargs)
        return
    for receiver in _receivers(signal, sender):
        operation = getattr(receiver, "_operation", None)
        if operation is not None and hasattr(receiver, "__self__"):
            # A face of an operation, whichever it is: its body knows both ways.
            await operation(receiver.__self__, io, sender, **kwargs)
            continue
        result = receiver(sender, **kwargs)
        if inspect.iscoroutine(result) or _is_coroutine_function(receiver):
            await result


def send_now(signal: Any, sender: object, **kwargs: object) -> None:
    """Send `signal` from code that cannot await.

    :raises RuntimeError: if a receiver is a coroutine function; none of the
        receivers has been called then
    """
    if not signal.receivers:
        return
    receivers = _receivers(signal, sender)
    for receiver in receivers:
        if _is_coroutine_function(receiver):
            _refuse(signal, sender, receiver)
    for receiver in receivers:
        result = receiver(sender, **kwargs)
        if inspect.iscoroutine(result):
            result.close()
            _refuse(signal, sender, receiver)


def _receivers(signal: Any, sender: object) -> list[Function]:
    """Return the receivers of a signal from `sender`, in the order of connecting."""
    if getattr(signal, "is_muted", False):
        return []
    receivers = list(signal.receivers_for(sender))
    if len(receivers) > 1:
        connected = [_strong(receiver) for receiver in signal.receivers.values()]
        receivers.sort(key=connected.index)
    return receivers


def _strong(receiver: object) -> object:
    return receiver() if isinstance(receiver, weakref.ref) else receiver


def _is_coroutine_function(receiver: Function) -> bool:
    return inspect.iscoroutinefunction(receiver) or inspect.iscoroutinefunction(
        getattr(receiver, "__call__", None)  # noqa: B004 - the method itself
    )


def _refuse(signal: Any, sender: object, receiver: Function) -> NoReturn:
    name = getattr(receiver, "__qualname__", None) or repr(receiver)
    sender_name = getattr(sender, "__name__", None) or repr(sender)
    raise RuntimeError(
        f"{name}() is a coroutine function and cannot receive {signal.name} of "
        f"{sender_name} here: only asynchronous operations (async_save(), ...) await "
        "their receivers. Connect a plain function, or use the async_ method"
    )


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
