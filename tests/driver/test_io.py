"""`io` takes a call: the current session is added, results and errors pass."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine.driver.io import ASYNC, IO, SYNC, Call, recording, run
from mongoengine.driver.session import bound_session


class Target:
    """Methods of both families that return their arguments."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async

    def method(self, *args: Any, **kwargs: Any) -> Any:
        result = (args, kwargs)

        async def later() -> Any:
            return result

        return later() if self.is_async else result

    def fail(self) -> Any:
        raise StopIteration


@pytest.fixture(params=[SYNC, ASYNC], ids=["sync", "async"])
def io(request: pytest.FixtureRequest) -> Any:
    return request.param


async def step(io: IO, body: Any) -> Any:
    return await body if io.is_async else run(body)


async def test_a_call_is_made_with_its_arguments(io: IO) -> None:
    async def body() -> Any:
        return await io(Target(io.is_async).method, 1, upsert=True)

    assert await step(io, body()) == ((1,), {"upsert": True})


async def test_the_current_session_is_added(io: IO) -> None:
    session: Any = object()

    async def body() -> Any:
        with bound_session(session):
            return await io(Target(io.is_async).method)

    assert await step(io, body()) == ((), {"session": session})


async def test_a_session_of_the_call_stays(io: IO) -> None:
    async def body() -> Any:
        with bound_session(object()):  # type: ignore[arg-type]
            return await io(Target(io.is_async).method, session=None)

    assert await step(io, body()) == ((), {"session": None})


async def test_a_plain_call_takes_no_session(io: IO) -> None:
    async def body() -> Any:
        with bound_session(object()):  # type: ignore[arg-type]
            return await io.plain(Target(io.is_async).method, 1)

    assert await step(io, body()) == ((1,), {})


async def test_the_end_of_a_cursor_passes(io: IO) -> None:
    async def body() -> Any:
        try:
            return await io.plain(Target(io.is_async).fail)
        except StopIteration:
            return "end"

    assert await step(io, body()) == "end"


async def test_calls_are_recorded_with_their_session(io: IO) -> None:
    calls: list[Call] = []
    session: Any = object()
    target = Target(io.is_async)

    async def body() -> None:
        await io(target.method, 1, upsert=True)
        with bound_session(session):
            await io(target.method, 2)

    with recording(calls.append):
        await step(io, body())
    await step(io, body())
    assert calls == [
        Call(target.method, (1,), {"upsert": True}),
        Call(target.method, (2,), {"session": session}),
    ]
