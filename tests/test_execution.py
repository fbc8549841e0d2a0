"""One body, two faces."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from mongoengine.driver.io import (
    ASYNC,
    IO,
    SYNC,
    WrongFamilyError,
    asynchronous,
    blocking,
    run,
)


async def _answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


class Target:
    alias_is: str | None = None

    async def _double(self, io: IO, value: int, *, plus: int = 0) -> int:
        """Twice the value."""
        number: int = await io(_answer if io.is_async else int, value)
        return 2 * number + plus

    double = blocking(_double)
    async_double = asynchronous(_double)

    async def _rude(self, io: IO) -> None:
        await asyncio.sleep(0)

    rude = blocking(_rude)

    async def _delete_body(self, io: IO) -> str:
        return io.family

    delete = blocking(_delete_body)
    async_delete = asynchronous(_delete_body)

    async def _refused(self, io: IO) -> None:
        raise WrongFamilyError("main", "async" if io is SYNC else "sync")

    refused = blocking(_refused)
    async_refused = asynchronous(_refused)

    async def _call_delete(self, io: IO) -> str:
        answer: str = await io.call(self, "delete")
        return answer

    call_delete = blocking(_call_delete)
    async_call_delete = asynchronous(_call_delete)


def test_the_blocking_face_returns_the_result() -> None:
    assert Target().double(2, plus=1) == 5


async def test_the_asynchronous_face_is_awaited() -> None:
    assert await Target().async_double(2, plus=1) == 5


def test_the_blocking_face_works_while_a_loop_runs() -> None:
    async def main() -> int:
        return Target().double(3)

    assert asyncio.run(main()) == 6


def test_a_body_that_really_suspends_is_an_error_of_the_blocking_face() -> None:
    with pytest.raises(RuntimeError, match=r"Target\._rude awaited something other"):
        Target().rude()


def test_run_refuses_a_coroutine_that_suspends() -> None:
    with pytest.raises(RuntimeError, match="awaited something other than io"):
        run(_answer(1))


def test_faces_are_named_for_the_body() -> None:
    assert Target.double.__name__ == "double"
    assert Target.async_double.__name__ == "async_double"
    assert Target.async_double.__qualname__ == "Target.async_double"
    assert Target.delete.__name__ == "delete"
    assert Target.async_delete.__name__ == "async_delete"


def test_faces_have_the_signature_and_docstring_of_the_body_less_io() -> None:
    for face in (Target.double, Target.async_double):
        assert list(inspect.signature(face).parameters) == ["self", "value", "plus"]
        assert face.__doc__ == "Twice the value."


def test_only_the_asynchronous_face_is_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(Target.async_double)
    assert not inspect.iscoroutinefunction(Target.double)


def test_the_blocking_face_tells_the_async_name_where_only_that_is_open() -> None:
    with pytest.raises(RuntimeError) as caught:
        Target().refused()
    assert str(caught.value) == (
        "Use async_refused() with async connection: Target uses the alias "
        '"main", which is open only with connect_async()'
    )


async def test_the_async_face_tells_the_blocking_name_where_only_that_is_open() -> None:
    with pytest.raises(RuntimeError) as caught:
        await Target().async_refused()
    assert str(caught.value) == (
        'Use refused() with sync connection: Target uses the alias "main", which '
        "is open only with connect()"
    )


async def test_call_picks_the_face_of_the_family() -> None:
    class Child(Target):
        def delete(self) -> str:
            return "own sync"

        async def async_delete(self) -> str:
            return "own async"

    assert Child().call_delete() == "own sync"
    assert await Child().async_call_delete() == "own async"


async def test_async_io_takes_methods_that_have_their_result_at_once() -> None:
    assert await ASYNC(int, 5) == 5
    assert await ASYNC(_answer, 6) == 6
    assert await ASYNC.plain(int, 7) == 7


@pytest.mark.parametrize("io", [SYNC, ASYNC], ids=repr)
async def test_io_takes_a_call_and_not_its_result(io: Any) -> None:
    with pytest.raises(TypeError, match="not callable"):
        await io({"ok": 1})
