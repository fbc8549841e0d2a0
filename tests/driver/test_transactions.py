"""Transactions: what they undo, in both families."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.errors import AutoReconnect, OperationFailure

from mongoengine import Document, IntField, get_async_connection, get_connection
from mongoengine.connection import _get_session, bound_session
from mongoengine.context_managers import (
    async_run_in_transaction,
    async_with_transaction,
    run_in_transaction,
    with_transaction,
)
from mongoengine.driver.transaction import on_abort
from tests.families import Family


class Entry(Document):
    number = IntField()
    meta = {"auto_create_index": False}


class Block:
    """The transactions of one family, as `async with`."""

    def __init__(self, family: Family, *args: Any, **kwargs: Any) -> None:
        block = async_run_in_transaction if family.is_async else run_in_transaction
        self.is_async = family.is_async
        self.block: Any = block(*args, **kwargs)

    async def __aenter__(self) -> Any:
        if self.is_async:
            return await self.block.__aenter__()
        return self.block.__enter__()

    async def __aexit__(self, *error: Any) -> Any:
        if self.is_async:
            return await self.block.__aexit__(*error)
        return self.block.__exit__(*error)


class Sessions:
    """PyMongo's sessions of one family."""

    def __init__(self, family: Family) -> None:
        self.is_async = family.is_async
        self.client: Any = (
            get_async_connection() if family.is_async else get_connection()
        )

    def start(self) -> Any:
        return self.client.start_session()

    async def __call__(self, session: Any, method: str, *args: Any) -> Any:
        result = getattr(session, method)(*args)
        return await result if hasattr(result, "__await__") else result

    def callback(self, body: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`body`, which awaits this family, as PyMongo takes it."""
        if self.is_async:
            return body

        def blocking(session: Any) -> Any:
            try:
                body(session).send(None)
            except StopIteration as done:
                return done.value
            raise AssertionError("the blocking family has awaited something")

        return blocking


@pytest.fixture
async def sessions(family: Family) -> Sessions:
    await family(Entry(number=0), "save")
    return Sessions(family)


def numbers(mongo: Any) -> list[int]:
    return sorted(entry["number"] for entry in mongo["entry"].find())


# -- undo callbacks -----------------------------------------------------------


def test_outside_of_transactions_nothing_is_registered() -> None:
    called: list[int] = []
    on_abort(lambda: called.append(1))
    assert called == []


async def test_a_session_without_a_transaction_registers_nothing(
    sessions: Sessions,
) -> None:
    called: list[int] = []
    session = sessions.start()
    with bound_session(session):
        on_abort(lambda: called.append(1))
    await sessions(session, "end_session")
    assert called == []


async def test_a_failing_block_calls_the_callbacks_last_first(
    family: Family, sessions: Sessions
) -> None:
    called: list[int] = []
    with pytest.raises(ZeroDivisionError):
        async with Block(family):
            for number in range(3):
                on_abort(lambda number=number: called.append(number))
            raise ZeroDivisionError
    assert called == [2, 1, 0]


async def test_a_committed_block_calls_none(family: Family, sessions: Sessions) -> None:
    called: list[int] = []
    async with Block(family):
        await family(Entry(number=1), "save")
        on_abort(lambda: called.append(1))
    assert called == []


async def test_a_callback_that_raises_does_not_stop_the_others(
    family: Family, sessions: Sessions
) -> None:
    called: list[int] = []

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        async with Block(family):
            on_abort(lambda: called.append(1))
            on_abort(fail)
            raise ZeroDivisionError
    assert called == [1]


async def test_a_commit_that_the_server_refuses_calls_the_callbacks(
    family: Family, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[int] = []
    fail_commit(monkeypatch, sessions, OperationFailure("refused", 251), times=1)
    with pytest.raises(OperationFailure, match="refused"):
        async with Block(family):
            on_abort(lambda: called.append(1))
    assert called == [1]


async def test_a_commit_that_succeeds_when_tried_again_calls_none(
    family: Family, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[int] = []
    fail_commit(monkeypatch, sessions, unknown_result(), times=2)
    async with Block(family):
        on_abort(lambda: called.append(1))
    assert called == []


async def test_a_cancelled_block_calls_the_callbacks(
    family: Family, sessions: Sessions
) -> None:
    if not family.is_async:
        return
    called: list[int] = []
    begun = asyncio.Event()

    async def work() -> None:
        async with Block(family):
            on_abort(lambda: called.append(1))
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert called == [1]


def unknown_result() -> OperationFailure:
    return OperationFailure(
        "unknown", 91, {"errorLabels": ["UnknownTransactionCommitResult"]}
    )


def fail_commit(
    monkeypatch: pytest.MonkeyPatch, sessions: Sessions, error: Exception, times: int
) -> None:
    """The replies to the first commits of every session are `error`."""
    session_type = type(sessions.start())
    commit = session_type.commit_transaction
    left = [times]

    def fails() -> bool:
        left[0] -= 1
        return left[0] >= 0

    if sessions.is_async:

        async def commit_async(session: Any) -> None:
            await commit(session)
            if fails():
                raise error

        monkeypatch.setattr(session_type, "commit_transaction", commit_async)
    else:

        def commit_blocking(session: Any) -> None:
            commit(session)
            if fails():
                raise error

        monkeypatch.setattr(session_type, "commit_transaction", commit_blocking)


# -- transactions of PyMongo's own --------------------------------------------


async def test_an_aborted_transaction_of_a_user_calls_the_callbacks(
    sessions: Sessions,
) -> None:
    called: list[int] = []
    session = sessions.start()
    await sessions(session, "start_transaction")
    with bound_session(session):
        on_abort(lambda: called.append(1))
    await sessions(session, "abort_transaction")
    assert called == [1]
    assert not {"commit_transaction", "abort_transaction"} & vars(session).keys()
    await sessions(session, "end_session")


async def test_a_committed_transaction_of_a_user_calls_none(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    called: list[int] = []
    session = sessions.start()
    await sessions(session, "start_transaction")
    await family(Entry(number=1), "save", session=session)
    with bound_session(session):
        on_abort(lambda: called.append(1))
    await sessions(session, "commit_transaction")
    await sessions(session, "end_session")
    assert called == []
    assert numbers(mongo) == [0, 1]


async def test_a_session_that_ends_calls_the_callbacks(sessions: Sessions) -> None:
    called: list[int] = []
    session = sessions.start()
    await sessions(session, "start_transaction")
    with bound_session(session):
        on_abort(lambda: called.append(1))
    await sessions(session, "end_session")
    assert called == [1]


@pytest.mark.parametrize("then", ["start_transaction", "end_session", "forgotten"])
async def test_an_unknown_commit_that_is_given_up_calls_the_callbacks(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    called: list[int] = []
    error = unknown_result()
    fail_commit(monkeypatch, sessions, error, times=9)
    session = sessions.start()
    await sessions(session, "start_transaction")
    with bound_session(session):
        on_abort(lambda: called.append(1))
    with pytest.raises(OperationFailure):
        await sessions(session, "commit_transaction")
    assert called == []
    if then == "forgotten":
        error.with_traceback(None)  # its frames have the session
        del session
    else:
        await sessions(session, then)
    assert called == [1]


async def test_with_transaction_of_pymongo_undoes_each_attempt(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    called: list[int] = []
    attempts: list[int] = []

    async def work(session: Any) -> None:
        with bound_session(session):
            attempts.append(len(attempts))
            await family(Entry(number=len(attempts)), "save")
            on_abort(lambda: called.append(len(attempts)))
            if len(attempts) < 3:
                error = AutoReconnect("lost")
                error._add_error_label("TransientTransactionError")
                raise error

    session = sessions.start()
    await sessions(session, "with_transaction", sessions.callback(work))
    await sessions(session, "end_session")
    assert attempts == [0, 1, 2]
    assert called == [1, 2]
    assert numbers(mongo) == [0, 3]


# -- blocks -------------------------------------------------------------------


async def test_a_block_gives_its_session(family: Family, sessions: Sessions) -> None:
    async with Block(family) as session:
        assert session.in_transaction
        assert _get_session() is session


async def test_a_block_inside_of_another_commits_on_its_own(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Block(family) as outer:
            await family(Entry(number=1), "save")
            async with Block(family) as inner:
                assert inner is not outer
                await family(Entry(number=2), "save")
            assert numbers(mongo) == [0, 2]
            assert _get_session() is outer
            raise ZeroDivisionError
    assert numbers(mongo) == [0, 2]


async def test_a_block_inside_of_another_fails_on_its_own(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    async with Block(family):
        await family(Entry(number=1), "save")
        with pytest.raises(ZeroDivisionError):
            async with Block(family):
                await family(Entry(number=2), "save")
                raise ZeroDivisionError
    assert numbers(mongo) == [0, 1]


async def test_each_block_calls_its_own_callbacks(
    family: Family, sessions: Sessions
) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async with Block(family):
            on_abort(lambda: called.append("outer"))
            async with Block(family):
                on_abort(lambda: called.append("inner"))
            raise ZeroDivisionError
    assert called == ["outer"]


async def test_a_block_that_is_ended_by_its_user_is_not_committed_again(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    async with Block(family) as session:
        await family(Entry(number=1), "save")
        await sessions(session, "abort_transaction")
    assert numbers(mongo) == [0]


async def test_a_block_decorates_functions(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    fails = True

    async def body() -> None:
        await family(Entry(number=1), "save")
        if fails:
            raise ZeroDivisionError

    if family.is_async:
        decorated: Any = async_run_in_transaction()(body)
    else:
        decorated = run_in_transaction()(lambda: sessions.callback(drop(body))(None))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await maybe(decorated())
    fails = False
    await maybe(decorated())
    assert numbers(mongo) == [0, 1]


def drop(body: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda session: body()


async def maybe(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result


# -- with_transaction ---------------------------------------------------------


async def retried(
    family: Family, sessions: Sessions, body: Callable[[Any], Any], **options: Any
) -> Any:
    if family.is_async:
        return await async_with_transaction(body, **options)
    return with_transaction(sessions.callback(body), **options)


def labelled(label: str) -> AutoReconnect:
    error = AutoReconnect("lost")
    error._add_error_label(label)
    return error


async def test_with_transaction_gives_the_result_of_its_callback(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    async def work(session: Any) -> int:
        assert _get_session() is session
        await family(Entry(number=1), "save")
        return 5

    assert await retried(family, sessions, work) == 5
    assert _get_session() is None
    assert numbers(mongo) == [0, 1]


async def test_with_transaction_takes_callbacks_without_arguments(
    family: Family, sessions: Sessions
) -> None:
    if family.is_async:
        assert await async_with_transaction(Entry.objects.async_count) == 1
    else:
        assert with_transaction(Entry.objects.count) == 1


async def test_with_transaction_retries_transient_errors_after_undoing(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    events: list[str] = []

    async def work(session: Any) -> None:
        events.append("work")
        await family(Entry(number=len(events)), "save")
        on_abort(lambda: events.append("undo"))
        if len(events) < 4:
            raise labelled("TransientTransactionError")

    await retried(family, sessions, work)
    assert events == ["work", "undo", "work", "undo", "work"]
    assert numbers(mongo) == [0, 5]


async def test_with_transaction_retries_commits_of_unknown_result(
    family: Family, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []

    async def work(session: Any) -> None:
        events.append("work")
        on_abort(lambda: events.append("undo"))

    fail_commit(monkeypatch, sessions, unknown_result(), times=2)
    await retried(family, sessions, work)
    assert events == ["work"]


async def test_with_transaction_raises_other_errors_after_undoing(
    family: Family, sessions: Sessions, mongo: Any
) -> None:
    events: list[str] = []

    async def work(session: Any) -> None:
        await family(Entry(number=1), "save")
        on_abort(lambda: events.append("undo"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await retried(family, sessions, work)
    assert events == ["undo"]
    assert numbers(mongo) == [0]
    assert _get_session() is None


async def test_with_transaction_passes_its_options_on(
    family: Family, sessions: Sessions
) -> None:
    async def work(session: Any) -> Any:
        return session

    session = await retried(
        family,
        sessions,
        work,
        session_kwargs={"causal_consistency": False},
        transaction_kwargs={"write_concern": WriteConcern(w=1)},
    )
    assert session.options.causal_consistency is False
    assert session._transaction.opts.write_concern == WriteConcern(w=1)


async def test_the_other_family_is_named(family: Family) -> None:
    async def work(session: Any) -> None:
        raise AssertionError("is not called")

    with pytest.raises(RuntimeError, match=r"Use (async_)?with_transaction\(\) with"):
        if family.is_async:
            with_transaction(work)
        else:
            await async_with_transaction(work)
