"""Results of `pending()`: awaited, iterated, asked for a list, run as a task."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from mongoengine.driver.io import IO, WrongFamilyError
from mongoengine.driver.pending import pending


class Numbers:
    """An operation that gives an iterator, and one that fails."""

    starts = 0

    async def _count(self, io: IO, limit: int) -> Iterator[int]:
        self.starts += 1
        await io.plain(asyncio.sleep, 0)
        return iter(range(limit))

    async_count = pending(_count)

    async def _refuse(self, io: IO) -> Iterator[int]:
        raise WrongFamilyError("default", "sync")

    async_refuse = pending(_refuse)


async def test_nothing_starts_before_it_is_awaited() -> None:
    numbers = Numbers()
    numbers.async_count(3)
    assert numbers.starts == 0


async def test_awaiting_gives_the_result_of_the_body() -> None:
    assert list(await Numbers().async_count(3)) == [0, 1, 2]


async def test_the_rows_can_be_iterated_over() -> None:
    assert [row async for row in Numbers().async_count(3)] == [0, 1, 2]


async def test_the_rows_come_as_a_list() -> None:
    assert await Numbers().async_count(3).to_list() == [0, 1, 2]
    assert await Numbers().async_count(3).to_list(2) == [0, 1]


async def test_anext_goes_on_with_the_same_operation() -> None:
    numbers = Numbers()
    rows = numbers.async_count(2)
    assert [await anext(rows), await anext(rows)] == [0, 1]
    with pytest.raises(StopAsyncIteration):
        await anext(rows)
    assert numbers.starts == 1


async def test_a_task_can_run_it() -> None:
    task = asyncio.create_task(Numbers().async_count(2))
    assert list(await task) == [0, 1]


async def test_a_task_that_runs_it_can_be_cancelled() -> None:
    task = asyncio.create_task(Numbers().async_count(2))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def awaited(rows: Any) -> None:
    await rows


async def iterated(rows: Any) -> None:
    async for _ in rows:
        pass


async def listed(rows: Any) -> None:
    await rows.to_list()


@pytest.mark.parametrize("use", [awaited, iterated, listed])
async def test_an_error_names_the_blocking_method_and_the_class(use: Any) -> None:
    with pytest.raises(WrongFamilyError, match=r"Use refuse\(\) .*: Numbers uses"):
        await use(Numbers().async_refuse())
