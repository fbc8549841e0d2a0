"""Sending signals from operation bodies, to plain and to coroutine receivers."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from mongoengine import signals
from mongoengine.driver.io import ASYNC, SYNC, run


class Sender:
    pass


@pytest.fixture
def signal() -> Iterator[Any]:
    signal = signals.Namespace().signal("something")
    yield signal


@pytest.fixture
def received() -> list[Any]:
    return []


def test_a_blocking_operation_calls_plain_receivers_in_their_order(
    signal: Any, received: list[Any]
) -> None:
    first = lambda sender, **kw: received.append(("first", sender, kw))  # noqa: E731
    second = lambda sender, **kw: received.append(("second", sender, kw))  # noqa: E731
    signal.connect(first)
    signal.connect(second, sender=Sender)
    run(signals.send(SYNC, signal, Sender, document=1))
    assert received == [
        ("first", Sender, {"document": 1}),
        ("second", Sender, {"document": 1}),
    ]


async def test_an_async_operation_awaits_and_calls_in_one_order(
    signal: Any, received: list[Any]
) -> None:
    async def first(sender: Any, **kw: Any) -> None:
        received.append(("first", kw))

    def second(sender: Any, **kw: Any) -> None:
        received.append(("second", kw))

    async def third(sender: Any, **kw: Any) -> None:
        received.append(("third", kw))

    for receiver in (first, second, third):
        signal.connect(receiver)
    await signals.send(ASYNC, signal, Sender, document=1)
    assert [name for name, _ in received] == ["first", "second", "third"]
    assert all(kw == {"document": 1} for _, kw in received)


async def test_an_awaited_receiver_may_be_an_object_or_a_partial(
    signal: Any, received: list[Any]
) -> None:
    class Receiver:
        async def __call__(self, sender: Any) -> None:
            received.append("object")

    async def named(name: str, sender: Any) -> None:
        received.append(name)

    an_object, a_partial = Receiver(), partial(named, "partial")
    signal.connect(an_object)
    signal.connect(a_partial)
    await signals.send(ASYNC, signal, Sender)
    assert received == ["object", "partial"]


def test_a_blocking_operation_names_the_coroutine_receiver_and_calls_none(
    signal: Any, received: list[Any]
) -> None:
    async def notify(sender: Any, **kw: Any) -> None:
        received.append("coroutine")

    plain = lambda sender, **kw: received.append("plain")  # noqa: E731
    signal.connect(plain)
    signal.connect(notify)
    with pytest.raises(RuntimeError, match=r"notify\(\) is a coroutine function"):
        run(signals.send(SYNC, signal, Sender))
    assert received == []


def test_a_plain_function_that_returns_a_coroutine_is_refused_too(signal: Any) -> None:
    async def notify(sender: Any) -> None: ...

    wrapped = lambda sender: notify(sender)  # noqa: E731
    signal.connect(wrapped)
    with pytest.raises(RuntimeError, match="coroutine"):
        signals.send_now(signal, Sender)


def test_the_refusal_tells_the_signal_and_the_sender(signal: Any) -> None:
    async def notify(sender: Any) -> None: ...

    signal.connect(notify)
    with pytest.raises(RuntimeError, match="something of Sender"):
        signals.send_now(signal, Sender)


def test_receivers_of_other_senders_do_not_count(signal: Any) -> None:
    async def notify(sender: Any) -> None: ...

    signal.connect(notify, sender=int)
    run(signals.send(SYNC, signal, Sender))


async def test_a_muted_signal_is_not_sent(signal: Any, received: list[Any]) -> None:
    receiver = lambda sender: received.append(sender)  # noqa: E731
    signal.connect(receiver)
    with signal.muted():
        await signals.send(ASYNC, signal, Sender)
        signals.send_now(signal, Sender)
    assert received == []


def test_an_error_of_a_receiver_reaches_the_caller(signal: Any) -> None:
    def fail(sender: Any) -> None:
        raise ZeroDivisionError

    signal.connect(fail)
    with pytest.raises(ZeroDivisionError):
        run(signals.send(SYNC, signal, Sender))


def test_without_blinker_sending_does_nothing_and_connecting_says_why() -> None:
    program = """
        import sys
        sys.modules["blinker"] = None
        from mongoengine import signals
        assert signals.signals_available is False
        assert signals.post_save.send(object, document=1) is None
        signals.send_now(signals.post_save, object)
        for name in ("connect", "disconnect", "receivers_for", "has_receivers_for",
                     "temporarily_connected_to"):
            try:
                getattr(signals.post_save, name)(print)
            except RuntimeError as error:
                print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == 5 * [
        "signalling support is unavailable because the blinker library is not "
        "installed."
    ]
