"""Every asynchronous operation, cancelled wherever it can suspend."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pymongo
import pytest

from tests.reliability.cases import CASES, Case, State
from tests.reliability.cells import (
    OPENING,
    Bench,
    expected,
    in_transaction,
    judged,
)
from tests.reliability.test_faults import in_transactions
from tests.waiting import until

pytestmark = pytest.mark.parametrize("bench", ["async"], indirect=True)

MOST = 200
#: PyMongo does not end the session of an aggregation, a change stream or a list of
#: indexes that is cancelled while it begins.
KEEPS_SESSIONS = pymongo.version_tuple < (4, 16)


class Interrupted:
    """Await a coroutine and interrupt it at one of its suspensions.

    :param step: the number of the suspension, from 1
    :param early: is called before the task waits
    :param late: is thrown in when what the task has waited for is there
    """

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        step: int,
        early: Callable[[], object] = lambda: None,
        late: BaseException | None = None,
    ) -> None:
        self._coroutine = coroutine
        self._step = step
        self._early = early
        self._late = late
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._coroutine.__await__()
        failure: BaseException | None = None
        suspensions = 0
        while True:
            try:
                future = inner.send(None) if failure is None else inner.throw(failure)
            except StopIteration as done:
                return done.value
            failure = None
            suspensions += 1
            here = suspensions == self._step
            if here:
                self.reached = True
                self._early()
            try:
                yield future
            except BaseException as error:
                failure = error
            if here and failure is None:
                failure = self._late


async def cancelled_early(coroutine: Any, step: int) -> tuple[bool, Any]:
    """Cancel the task before it waits."""
    task: Any = asyncio.current_task()
    call = Interrupted(coroutine, step, early=task.cancel)
    return await _outcome(call)


async def cancelled_late(coroutine: Any, step: int) -> tuple[bool, Any]:
    """Cancel the task when the result that it waits for has arrived."""
    return await _outcome(
        Interrupted(coroutine, step, late=asyncio.CancelledError("late"))
    )


async def out_of_time(coroutine: Any, step: int) -> tuple[bool, Any]:
    """Let the time of `asyncio.timeout` be over while the task waits."""
    if sys.version_info < (3, 11):
        return await cancelled_early(coroutine, step)
    async with asyncio.timeout(None) as timeout:
        now = asyncio.get_running_loop().time()
        call = Interrupted(coroutine, step, early=lambda: timeout.reschedule(now))
        return await _outcome(call)
    return True, TimeoutError()


async def _outcome(call: Interrupted) -> tuple[bool, Any]:
    await call
    return call.reached, None


async def interrupted(
    way: Callable[[Any, int], Any], coroutine: Any, step: int
) -> tuple[bool, BaseException | None]:
    """Run a call in a task of its own, interrupted; return whether it was."""
    task = asyncio.get_running_loop().create_task(way(coroutine, step))
    await asyncio.wait([task])
    if task.cancelled():
        return True, asyncio.CancelledError()
    error = task.exception()
    return (True if error else task.result()[0]), error


async def cell(bench: Bench, case: Case, way: Any, step: int) -> tuple[bool, list[str]]:
    """Interrupt a call at one suspension; return what is wrong."""
    after, written = await expected(bench, case)
    bench.reset()
    bench.forget_cursors()
    state = State.made()
    case.change(state)
    tasks = asyncio.all_tasks()
    before = dict(contextvars.copy_context().items())
    reached, error = await interrupted(way, case.call(bench.family, state), step)
    wrong = []
    if error and not isinstance(error, (asyncio.CancelledError, TimeoutError)):
        wrong.append(f"raised {error!r:.300}")
    if reached and error is None:
        wrong.append("the cancellation has been swallowed")
    if dict(contextvars.copy_context().items()) != before:
        wrong.append("context variables are left changed")
    # A command whose answer nobody waits for has a connection of its own.
    await until(lambda: _own(asyncio.all_tasks() - tasks) == set())
    await until(bench.is_idle)
    # The server may not have begun to carry out the last command.
    await until(lambda: bench.proxy.is_done_with(OPENING))
    if KEEPS_SESSIONS:
        bench.sessions.clear()
    bench.forget_cursors()
    return reached, wrong + await judged(bench, case, state, error, after, written)


def _own(tasks: set[asyncio.Task[Any]]) -> set[asyncio.Task[Any]]:
    """Leave out the tasks with which PyMongo watches servers."""
    return {
        task
        for task in tasks
        if "pymongo" not in getattr(task.get_coro(), "__qualname__", "")
        and "PeriodicExecutor" not in repr(task.get_coro())
    }


async def cells(
    bench: Bench, operation: str, ways: dict[str, Any], note: Any
) -> list[str]:
    return await cells_of(bench, operation, CASES[operation], ways, note)


async def cells_of(
    bench: Bench, operation: str, case: Case, ways: dict[str, Any], note: Any
) -> list[str]:
    """Interrupt a call at each suspension, in several ways; return what is wrong."""
    wrong = []
    for name, way in ways.items():
        for step in range(1, MOST):
            reached, found = await cell(bench, case, way, step)
            if not reached:
                break
            note("async", operation, name, found)
            wrong += [f"{name}, {step}: {text}" for text in found]
        assert step < MOST - 1
    return wrong


@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_can_be_cancelled_anywhere(
    bench: Bench, operation: str, note: Any
) -> None:
    ways = {"cancelled early": cancelled_early}
    assert not await cells(bench, operation, ways, note)


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_can_be_cancelled_in_each_way(
    bench: Bench, operation: str, note: Any
) -> None:
    ways = {
        "cancelled early": cancelled_early,
        "cancelled late": cancelled_late,
        "out of time": out_of_time,
    }
    assert not await cells(bench, operation, ways, note)


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", in_transactions())
async def test_a_transaction_can_be_cancelled_anywhere(
    bench: Bench, operation: str, note: Any
) -> None:
    inner = CASES[operation]

    async def call(family: Any, state: State) -> None:
        await in_transaction(family, inner, state, fails=False)

    case = Case(call, inner.change, inner.repeats)
    ways = {"transaction: cancelled early": cancelled_early}
    assert not await cells_of(bench, operation, case, ways, note)
