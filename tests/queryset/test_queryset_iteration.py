"""Loops over querysets: what is kept, what is sent, and when cursors are let go."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
from contextlib import aclosing
from typing import Any

import pytest

from mongoengine import (
    Document,
    IntField,
    OperationError,
    QuerySet,
    QuerySetNoCache,
)
from tests.conftest import BothClients, SentCommands
from tests.families import Family
from tests.queryset.models import NAMES, QSPerson, store_many, store_people


@pytest.fixture
def many(stored: Any) -> None:
    store_many(stored, 250)


# the cache


async def test_a_second_pass_sends_nothing(family: Family, people: Any) -> None:
    queryset = QSPerson.objects
    first = await family.loop(queryset)
    second = await family.loop(queryset)
    assert [person.name for person in first] == list(NAMES)
    assert all(a is b for a, b in zip(first, second, strict=True))
    assert family.command_names == ["find"]


async def test_to_list_and_loops_share_what_is_kept(
    family: Family, people: Any
) -> None:
    queryset = QSPerson.objects
    listed = await family(queryset, "to_list")
    assert await family.loop(queryset) == listed
    assert queryset._result_cache == listed
    assert len(queryset) == 5
    assert family.command_names == ["find"]


async def test_the_list_is_the_callers_own(family: Family, people: Any) -> None:
    queryset = QSPerson.objects
    (await family(queryset, "to_list")).clear()
    assert len(await family(queryset, "to_list")) == 5


async def test_both_families_share_what_is_kept(
    both: BothClients, people: Any, sent_commands: SentCommands
) -> None:
    queryset = QSPerson.objects
    awaited = [person async for person in queryset]
    assert list(queryset) == awaited
    assert len(queryset) == 5
    assert sent_commands.names.count("find") == 1


async def test_whole_batches_are_read(family: Family, many: None) -> None:
    queryset = QSPerson.objects.batch_size(100)
    assert len(await family.loop(queryset)) == 250
    sent = family.commands
    assert [next(iter(command)) for command in sent] == ["find", "getMore", "getMore"]
    assert {command["batchSize"] for command in sent} == {100}


async def test_the_cache_fills_as_the_loop_goes(connection: Any, many: None) -> None:
    queryset = QSPerson.objects.batch_size(100)
    loop = iter(queryset)
    assert queryset._result_cache is None
    next(loop)
    assert queryset._result_cache is not None
    assert (len(queryset._result_cache), queryset._has_more) == (100, True)
    for _ in range(100):
        next(loop)
    assert (len(queryset._result_cache), queryset._has_more) == (200, True)
    assert len(list(loop)) == 149
    assert (len(queryset._result_cache), queryset._has_more) == (250, False)


async def test_the_end_is_known_with_the_last_batch(
    connection: Any, people: Any
) -> None:
    queryset = QSPerson.objects
    next(iter(queryset))
    assert queryset._has_more is False


async def test_len_during_a_loop_does_not_end_it(connection: Any, many: None) -> None:
    queryset = QSPerson.objects.batch_size(20)
    seen = 0
    for _ in queryset:
        if seen == 30:
            assert len(queryset) == 250
        seen += 1
    assert seen == 250


async def test_clones_keep_nothing(family: Family, people: Any) -> None:
    queryset = QSPerson.objects
    await family.loop(queryset)
    assert queryset.limit(2)._result_cache is None
    assert len(await family.loop(queryset.limit(2))) == 2
    assert copy.deepcopy(queryset)._result_cache is None


async def test_pickling_keeps_what_was_read(connection: Any, people: Any) -> None:
    queryset = QSPerson.objects(age__gt=21)
    read = list(queryset)
    again = pickle.loads(pickle.dumps(queryset))
    assert list(again) == read
    assert list(again.filter(name="eve")) == read[-1:]


async def test_no_documents(family: Family, people: Any) -> None:
    assert await family.loop(QSPerson.objects.none()) == []
    assert await family.loop(QSPerson.objects[3:3]) == []
    assert await family.loop(QSPerson.objects(name="zoe")) == []
    assert family.command_names == ["find"]


# without a cache


async def test_no_cache_asks_again(family: Family, people: Any) -> None:
    queryset = QSPerson.objects.no_cache()
    assert isinstance(queryset, QuerySetNoCache)
    assert not isinstance(queryset, QuerySet)
    assert await family.loop(queryset) == await family.loop(queryset)
    assert family.command_names == ["find", "find"]


async def test_no_cache_holds_one_batch(family: Family, many: None) -> None:
    seen = 0
    if family.is_async:
        async for _ in QSPerson.objects.no_cache().batch_size(50):
            seen += 1
    else:
        for _ in QSPerson.objects.no_cache().batch_size(50):
            seen += 1
    assert seen == 250
    assert family.command_names == ["find"] + ["getMore"] * (5 - 1) + ["getMore"]


async def test_no_cache_and_back(family: Family, people: Any) -> None:
    queryset = QSPerson.objects.no_cache().filter(name="bob")
    assert isinstance(queryset, QuerySetNoCache)
    assert isinstance(queryset.cache(), QuerySet)
    kept = QSPerson.objects
    await family.loop(kept)
    with pytest.raises(OperationError, match="QuerySet already cached"):
        kept.no_cache()


# several loops


@pytest.mark.parametrize("cached", [True, False])
async def test_nested_loops(family: Family, people: Any, cached: bool) -> None:
    queryset: Any = QSPerson.objects.batch_size(2)
    if not cached:
        queryset = queryset.no_cache()
    pairs = []
    if family.is_async:
        async for a in queryset:
            async for b in queryset:
                pairs.append((a.name, b.name))
    else:
        for a in queryset:
            for b in queryset:
                pairs.append((a.name, b.name))
    assert pairs == [(a, b) for a in NAMES for b in NAMES]
    assert family.command_names.count("find") == (1 if cached else 6)


async def test_interleaved_loops(connection: Any, many: None) -> None:
    queryset = QSPerson.objects.batch_size(20)
    pairs = list(zip(queryset, queryset, strict=True))
    assert len(pairs) == 250
    assert all(a is b for a, b in pairs)


async def test_many_tasks_over_one_queryset(
    async_connection: Any, many: None, sent_commands: SentCommands
) -> None:
    queryset = QSPerson.objects.batch_size(20)

    async def names() -> list[str]:
        return [person.name async for person in queryset]

    results = await asyncio.gather(*(names() for _ in range(20)))
    expected = [f"{i:04}" for i in range(250)]
    assert all(result == expected for result in results)
    assert sent_commands.names.count("find") == 1


async def test_a_loop_goes_on_when_another_breaks_off(
    connection: Any, many: None, sent_commands: SentCommands
) -> None:
    queryset = QSPerson.objects.batch_size(20)
    going = iter(queryset)
    next(going)
    for _ in queryset:
        break
    assert len(list(going)) == 249
    assert "killCursors" not in sent_commands.names


async def test_families_do_not_read_from_each_others_cursors(
    both: BothClients, many: None
) -> None:
    queryset = QSPerson.objects.batch_size(20)
    blocking = iter(queryset)
    next(blocking)
    assert len([person async for person in queryset]) == 250
    assert len(list(blocking)) == 249


# letting go


async def test_break_lets_go_of_the_cursor(family: Family, many: None) -> None:
    queryset = QSPerson.objects.batch_size(20)
    if family.is_async:
        async with aclosing(aiter(queryset)) as loop:
            async for _ in loop:
                break
    else:
        for _ in queryset:
            break
    assert family.command_names == ["find", "killCursors"]
    assert len(await family.loop(queryset)) == 250


async def test_break_without_aclosing(
    async_connection: Any, many: None, sent_commands: SentCommands
) -> None:
    async for _ in QSPerson.objects.batch_size(20):
        break
    gc.collect()
    await sent_commands.until_sent("killCursors")


@pytest.mark.parametrize("cached", [True, False])
async def test_an_exception_lets_go_of_the_cursor(
    family: Family, many: None, cached: bool
) -> None:
    queryset: Any = QSPerson.objects.batch_size(20)
    if not cached:
        queryset = queryset.no_cache()
    with pytest.raises(ZeroDivisionError):
        if family.is_async:
            async with aclosing(aiter(queryset)) as loop:
                async for _ in loop:
                    1 / 0
        else:
            for _ in queryset:
                1 / 0
    gc.collect()
    assert family.command_names == ["find", "killCursors"]


@pytest.mark.parametrize("cached", [True, False])
async def test_cancelling_lets_go_of_the_cursor(
    async_connection: Any, many: None, sent_commands: SentCommands, cached: bool
) -> None:
    queryset: Any = QSPerson.objects.batch_size(20)
    if not cached:
        queryset = queryset.no_cache()
    started = asyncio.Event()

    async def read() -> None:
        async with aclosing(aiter(queryset)) as loop:
            async for _ in loop:
                started.set()
                await asyncio.sleep(60)

    task = asyncio.create_task(read())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent_commands.names == ["find", "killCursors"]


async def test_exhaustion_needs_no_kill(family: Family, many: None) -> None:
    await family.loop(QSPerson.objects.batch_size(20))
    await family.loop(QSPerson.objects.batch_size(20).no_cache())
    assert "killCursors" not in family.command_names


async def test_the_second_loop_after_a_break_starts_anew(
    family: Family, many: None
) -> None:
    queryset = QSPerson.objects.batch_size(20)
    for _ in range(2):
        if family.is_async:
            async with aclosing(aiter(queryset)) as loop:
                names = [person.name async for person in _taken(loop, 30)]
        else:
            names = [p.name for p, _ in zip(queryset, range(30), strict=False)]
        assert names == [f"{i:04}" for i in range(30)]


async def _taken(loop: Any, count: int) -> Any:
    async for item in loop:
        yield item
        count -= 1
        if not count:
            return


# next


async def test_next_gives_one_after_the_other(family: Family, people: Any) -> None:
    queryset = QSPerson.objects
    assert (await family.next(queryset)).name == "ann"
    assert (await family.next(queryset)).name == "bob"
    assert queryset._result_cache is None
    rest = await family.loop(queryset)
    assert [person.name for person in rest] == ["cid", "dan", "eve"]
    assert await family.next(queryset) is None
    assert family.command_names == ["find"]


async def test_next_of_nothing(family: Family, people: Any) -> None:
    assert await family.next(QSPerson.objects.none()) is None
    assert family.commands == []


async def test_rewind_starts_again(family: Family, people: Any) -> None:
    for queryset in (QSPerson.objects, QSPerson.objects.no_cache()):
        await family.next(queryset)
        queryset.rewind()
        assert (await family.next(queryset)).name == "ann"


async def test_no_cache_loops_start_at_the_first(family: Family, people: Any) -> None:
    queryset = QSPerson.objects.no_cache()
    await family.next(queryset)
    assert len(await family.loop(queryset)) == 5


def test_cursor_is_pymongos(connection: Any, people: Any) -> None:
    queryset = QSPerson.objects(age=20)
    assert queryset._cursor is queryset._cursor
    assert queryset._cursor_obj is queryset._cursor
    assert [raw["name"] for raw in queryset._cursor] == ["ann"]


# texts and truth


def test_repr(connection: Any, people: Any) -> None:
    assert repr(QSPerson.objects) == "[<ann>, <bob>, <cid>, <dan>, <eve>]"
    assert repr(QSPerson.objects.no_cache()) == "[<ann>, <bob>, <cid>, <dan>, <eve>]"
    assert repr(QSPerson.objects.none()) == "[]"


def test_repr_during_a_loop(connection: Any, people: Any) -> None:
    queryset = QSPerson.objects
    for _ in queryset:
        assert repr(queryset) == ".. queryset mid-iteration .."
    queryset.rewind()
    assert repr(queryset).startswith("[<ann>")


@pytest.mark.parametrize("cached", [True, False])
def test_repr_is_short(connection: Any, many: None, cached: bool) -> None:
    queryset: Any = QSPerson.objects.batch_size(7)
    text = repr(queryset if cached else queryset.no_cache())
    assert text.endswith("<0019>, '...(remaining elements truncated)...']")


async def test_repr_sends_nothing_where_it_would_have_to_be_awaited(
    async_connection: Any, sent_commands: SentCommands
) -> None:
    assert repr(QSPerson.objects) == "<QuerySet of QSPerson, not read>"
    assert (
        repr(QSPerson.objects.no_cache()) == "<QuerySetNoCache of QSPerson, not read>"
    )
    assert sent_commands.names == []


def test_truth_asks_for_one_document(
    connection: Any, people: Any, sent_commands: SentCommands
) -> None:
    assert QSPerson.objects
    assert not QSPerson.objects(name="zoe")
    assert not QSPerson.objects.none()
    assert [command["limit"] for command in sent_commands.named("find")] == [1, 1]


def test_len_is_of_cached_querysets(connection: Any, people: Any) -> None:
    assert len(QSPerson.objects) == 5
    assert len(QSPerson.objects.limit(2)) == 2
    with pytest.raises(TypeError):
        len(QSPerson.objects.no_cache())  # type: ignore[arg-type]


# event loops


def test_one_queryset_in_several_loops(settings: dict[str, Any], stored: Any) -> None:
    from mongoengine import connect_async, disconnect_async

    store_people(stored)
    queryset: Any = None

    async def read() -> list[str]:
        nonlocal queryset
        await connect_async(**settings)
        if queryset is None:
            queryset = QSPerson.objects.batch_size(2)
        return [person.name async for person in queryset]

    async def begin() -> None:
        nonlocal queryset
        await connect_async(**settings)
        queryset = QSPerson.objects.batch_size(2)
        await anext(queryset)

    asyncio.run(begin())
    assert asyncio.run(read()) == list(NAMES)
    asyncio.run(disconnect_async())


# batches


async def lists(family: Family, queryset: Any, size: int) -> list[list[str]]:
    if family.is_async:
        return [[p.name for p in b] async for b in queryset.async_batches(size)]
    return [[p.name for p in b] for b in queryset.batches(size)]


async def test_batches_are_lists_of_one_size(family: Family, people: Any) -> None:
    assert await lists(family, QSPerson.objects, 2) == [
        ["ann", "bob"],
        ["cid", "dan"],
        ["eve"],
    ]
    assert [command["batchSize"] for command in family.commands] == [2, 2, 2]


async def test_batches_of_other_sizes_than_the_servers(
    family: Family, people: Any
) -> None:
    queryset = QSPerson.objects.batch_size(3)
    assert await lists(family, queryset, 2) == [["ann", "bob"], ["cid", "dan"], ["eve"]]
    assert await lists(family, QSPerson.objects.none(), 2) == []


async def test_batches_of_nothing_are_refused(family: Family) -> None:
    with pytest.raises(ValueError, match="size must be positive"):
        await lists(family, QSPerson.objects, 0)
    assert family.commands == []


async def test_broken_off_batches_let_go(family: Family, many: None) -> None:
    if family.is_async:
        async with aclosing(QSPerson.objects.async_batches(20)) as loop:
            async for _ in loop:
                break
    else:
        for _ in QSPerson.objects.batches(20):
            break
    assert family.command_names == ["find", "killCursors"]


async def test_batches_of_the_other_family(settings: dict[str, Any]) -> None:
    from mongoengine import connect

    connect(**settings)
    with pytest.raises(RuntimeError, match=r"^Use batches\(\) with sync connection"):
        await anext(QSPerson.objects.async_batches(2))


# reading ahead


@pytest.mark.parametrize("cached", [True, False])
async def test_prefetch_asks_while_a_batch_is_consumed(
    async_connection: Any, many: None, sent_commands: SentCommands, cached: bool
) -> None:
    queryset: Any = QSPerson.objects.batch_size(100).prefetch()
    if not cached:
        queryset = queryset.no_cache()
    seen = []
    async for person in queryset:
        if not seen:
            await sent_commands.until_sent("getMore")
            assert sent_commands.names == ["find", "getMore"]
        seen.append(person.name)
    assert seen == [f"{i:04}" for i in range(250)]
    assert sent_commands.names == ["find", "getMore", "getMore"]


@pytest.mark.parametrize("cached", [True, False])
async def test_prefetch_is_cancelled_when_the_loop_ends(
    async_connection: Any, many: None, sent_commands: SentCommands, cached: bool
) -> None:
    queryset: Any = QSPerson.objects.batch_size(20).prefetch()
    if not cached:
        queryset = queryset.no_cache()
    async with aclosing(aiter(queryset)) as loop:
        async for _ in loop:
            break
    running = [task.get_coro() for task in asyncio.all_tasks()]
    assert not any("Batches" in getattr(c, "__qualname__", "") for c in running)
    assert "killCursors" in sent_commands.names


async def test_prefetch_in_both_families(family: Family, many: None) -> None:
    queryset = QSPerson.objects.batch_size(100).prefetch()
    assert len(await family.loop(queryset)) == 250
    assert len(await family(queryset, "to_list")) == 250
    assert family.command_names == ["find", "getMore", "getMore"]


# tailable cursors


class QSEvent(Document):
    number = IntField()
    meta = {"collection": "event", "max_documents": 1000, "max_size": 1 << 20}


async def test_a_tailable_loop_goes_on(family: Family, stored: Any) -> None:
    await family(QSEvent(number=0), "save")
    queryset = QSEvent.objects.tailable(max_await_time_ms=100)
    seen = []
    if family.is_async:
        async with aclosing(aiter(queryset)) as loop:
            async for event in loop:
                seen.append(event.number)
                if event.number == 3:
                    break
                stored.event.insert_one({"number": event.number + 1})
    else:
        for event in queryset:
            seen.append(event.number)
            if event.number == 3:
                break
            stored.event.insert_one({"number": event.number + 1})
    assert seen == [0, 1, 2, 3]
    (find, *_) = [command for command in family.commands if "find" in command]
    assert find["tailable"] is True
    assert find["awaitData"] is True
