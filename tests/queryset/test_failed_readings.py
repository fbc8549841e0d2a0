"""A reading that fails or is cancelled is sent again by the next reading."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from mongoengine import Document, IntField, QuerySet, register_connection
from mongoengine.errors import InvalidDocumentError
from tests.families import Family
from tests.queryset.models import QSPerson, store_many

COUNT = 45
ALL = list(range(COUNT))
CONVERT_ERRORS: list[Exception] = []


class TouchyField(IntField):
    """Raises an error of the list, once each."""

    def to_python(self, value: Any) -> Any:
        if value == 25 and CONVERT_ERRORS:
            raise CONVERT_ERRORS.pop()
        return super().to_python(value)


class QSTouchy(Document):
    age = TouchyField()
    meta = {"collection": "person", "strict": False}


@pytest.fixture
def many(stored: Any) -> Any:
    store_many(stored, COUNT)
    return stored


@pytest.fixture
def fail(server: MongoClient[Any]) -> Iterator[Callable[..., None]]:
    """Let the server refuse its next command of a name."""

    def fail(command: str, **how: Any) -> None:
        server.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": 1},
            data={"failCommands": [command], **(how or {"errorCode": 96})},
        )

    yield fail
    server.admin.command("configureFailPoint", "failCommand", mode="off")


def ages(items: Any) -> list[int]:
    return [item["age"] if isinstance(item, dict) else item.age for item in items]


def people(kind: str = "cached", cls: Any = QSPerson) -> Any:
    queryset = cls.objects.order_by("age").batch_size(10)
    return {
        "cached": lambda: queryset,
        "no_cache": queryset.no_cache,
        "prefetch": queryset.prefetch,
        "prefetch no_cache": queryset.prefetch().no_cache,
        "as_pymongo": queryset.as_pymongo,
        "slice": lambda: queryset[0:COUNT],
        "limit": lambda: queryset.limit(COUNT),
    }[kind]()


KINDS = pytest.mark.parametrize(
    "kind",
    [
        "cached",
        "no_cache",
        "prefetch",
        "prefetch no_cache",
        "as_pymongo",
        "slice",
        "limit",
    ],
)
COMMANDS = pytest.mark.parametrize("command", ["find", "getMore"])


async def in_batches(family: Family, queryset: Any) -> list[Any]:
    if family.is_async:
        return [item async for batch in queryset.async_batches(7) for item in batch]
    return [item for batch in queryset.batches(7) for item in batch]


async def listed(family: Family, queryset: Any) -> list[Any]:
    return list(await family(queryset, "to_list"))


async def stepped(family: Family, queryset: Any) -> list[Any]:
    items = []
    while (item := await family.next(queryset)) is not None:
        items.append(item)
    return items


async def looped(family: Family, queryset: Any) -> list[Any]:
    return await family.loop(queryset)


READINGS: dict[str, Callable[[Family, Any], Awaitable[list[Any]]]] = {
    "loop": looped,
    "to_list": listed,
    "batches": in_batches,
    "next": stepped,
}


@KINDS
@COMMANDS
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("loop", "loop"),
        ("to_list", "to_list"),
        ("batches", "loop"),
        ("next", "to_list"),
        ("loop", "next"),
        ("next", "next"),
    ],
)
async def test_everything_is_read_after_an_error(
    family: Family,
    many: Any,
    fail: Any,
    kind: str,
    command: str,
    first: str,
    second: str,
) -> None:
    queryset = people(kind)
    fail(command)
    with pytest.raises(OperationFailure):
        await READINGS[first](family, queryset)
    assert ages(await READINGS[second](family, queryset)) == ALL


@KINDS
async def test_everything_is_read_after_the_server_has_lost_the_cursor(
    family: Family, many: Any, kind: str, server: Any, database_name: str
) -> None:
    queryset = people(kind)

    async def lose() -> None:
        collection = many.person
        cursors = [
            cursor["cursor"]["cursorId"]
            for cursor in server.admin.aggregate(
                [{"$currentOp": {"idleCursors": True, "allUsers": True}}]
            )
            if cursor.get("type") == "idleCursor"
        ]
        many.command("killCursors", collection.name, cursors=cursors)

    seen = 0
    with suppress(OperationFailure):
        if family.is_async:
            async for _ in queryset:
                seen += 1
                if seen == 5:
                    await lose()
        else:
            for _ in queryset:
                seen += 1
                if seen == 5:
                    await lose()
    assert ages(await family.loop(queryset)) == ALL


@COMMANDS
async def test_len_and_repr_after_an_error(
    connection: Any, many: Any, fail: Any, command: str
) -> None:
    queryset = people()
    fail(command)
    with pytest.raises(OperationFailure):
        len(queryset)
    assert len(queryset) == COUNT
    queryset = people()
    fail("find")
    with pytest.raises(OperationFailure):
        repr(queryset)
    assert repr(queryset).startswith("[<0000>, <0001>")


async def test_other_operations_after_an_error(
    family: Family, many: Any, fail: Any
) -> None:
    queryset = people()
    fail("find")
    with pytest.raises(OperationFailure):
        await family.loop(queryset)
    assert (await family(queryset, "first")).age == 0
    assert await family(queryset, "count") == COUNT
    ids = [person.pk for person in await family.loop(queryset)]
    fail("find")
    with pytest.raises(OperationFailure):
        await family(queryset, "in_bulk", ids)
    assert list(await family(queryset, "in_bulk", ids)) == ids


@pytest.mark.parametrize("kind", ["cached", "no_cache", "prefetch"])
@pytest.mark.parametrize("reading", ["loop", "to_list", "batches"])
async def test_everything_is_read_after_a_document_could_not_be_converted(
    family: Family, many: Any, kind: str, reading: str
) -> None:
    queryset = people(kind, QSTouchy)
    CONVERT_ERRORS.append(ValueError("not now"))
    with pytest.raises(InvalidDocumentError, match="not now"):
        await READINGS[reading](family, queryset)
    assert ages(await READINGS[reading](family, queryset)) == ALL


# other readers


async def stepwise(family: Family, queryset: Any) -> AsyncIterator[Any]:
    """Loop in this family, one item at a time."""
    if family.is_async:
        async for item in queryset:
            yield item
    else:
        for item in queryset:
            yield item


PROJECTIONS: dict[str, Callable[[QuerySet[Any]], Any]] = {
    "documents": lambda queryset: queryset,
    "as_pymongo": lambda queryset: queryset.as_pymongo(),
    "scalar": lambda queryset: queryset.scalar("age"),
    "without keys": lambda queryset: queryset.exclude("pk"),
}


@pytest.mark.parametrize("projection", PROJECTIONS)
async def test_another_loop_still_gets_everything(
    family: Family, many: Any, fail: Any, projection: str
) -> None:
    queryset = PROJECTIONS[projection](people())
    other = stepwise(family, queryset)
    seen = [await anext(other) for _ in range(15)]
    fail("getMore")
    with pytest.raises(OperationFailure):
        await family.loop(queryset)
    seen += [item async for item in other]
    values = seen if projection == "scalar" else ages(seen)
    assert values == ALL


async def test_what_was_read_is_told_by_its_key(
    family: Family, many: Any, fail: Any
) -> None:
    queryset = people()
    other = stepwise(family, queryset)
    seen = [await anext(other) for _ in range(15)]
    many.person.delete_many({"age": {"$lt": 10}})
    fail("getMore")
    with pytest.raises(OperationFailure):
        await family.loop(queryset)
    seen += [item async for item in other]
    assert ages(seen) == ALL


# cancellation


@types.coroutine
def cancelling(coroutine: Any, at: int) -> Any:
    """Drive a coroutine, and cancel the task where it suspends for the nth time."""
    task = asyncio.current_task()
    assert task is not None
    suspensions = 0
    try:
        yielded = coroutine.send(None)
        while True:
            suspensions += 1
            if suspensions == at:
                task.cancel()
            try:
                sent = yield yielded
            except BaseException as error:
                yielded = coroutine.throw(error)
            else:
                yielded = coroutine.send(sent)
    except StopIteration:
        return suspensions >= at


ASYNC_READINGS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "async for": lambda queryset: _gathered(queryset),
    "async_to_list": lambda queryset: queryset.async_to_list(),
    "async_first": lambda queryset: queryset.async_first(),
    "anext": lambda queryset: anext(queryset),
    "async_batches": lambda queryset: _gathered(queryset.async_batches(7)),
}


async def _gathered(source: Any) -> list[Any]:
    return [item async for item in source]


@pytest.mark.parametrize("kind", ["cached", "no_cache", "prefetch"])
@pytest.mark.parametrize("reading", ASYNC_READINGS)
async def test_everything_is_read_after_a_cancellation_anywhere(
    async_connection: Any, many: Any, kind: str, reading: str
) -> None:
    task = asyncio.current_task()
    assert task is not None
    await QSPerson.objects.async_first()
    for at in range(1, 200):
        queryset = people(kind)
        try:
            reached = await cancelling(ASYNC_READINGS[reading](queryset), at)
        except asyncio.CancelledError:
            task.uncancel()
            assert ages(await _gathered(queryset)) == ALL
            continue
        if not reached:
            return
        task.uncancel()
    raise AssertionError("the reading never ended")


async def test_a_reading_that_timed_out_is_sent_again(
    async_connection: Any, many: Any, fail: Any
) -> None:
    queryset = people()
    fail("getMore", blockConnection=True, blockTimeMS=400)
    with pytest.raises(asyncio.TimeoutError):  # another class before Python 3.11
        await asyncio.wait_for(queryset.async_to_list(), 0.2)
    assert ages(await queryset.async_to_list()) == ALL
    assert len(queryset) == COUNT


# the end of an event loop


@pytest.mark.parametrize("kind", ["cached", "no_cache", "prefetch", "as_pymongo"])
@pytest.mark.parametrize("what", ["loop", "batches", "aggregate", "anext"])
def test_a_loop_left_early_ends_with_its_event_loop(
    settings: dict[str, Any],
    many: Any,
    server: MongoClient[Any],
    caplog: pytest.LogCaptureFixture,
    kind: str,
    what: str,
) -> None:
    register_connection("default", **settings)

    async def leave_early() -> Any:
        queryset = people(kind)
        pipeline = queryset.async_aggregate([], batchSize=5)
        if what == "anext":
            return await anext(pipeline)
        source = {
            "loop": queryset,
            "batches": queryset.async_batches(5),
            "aggregate": pipeline,
        }[what]
        async for items in source:
            return items
        return None

    def open_cursors() -> int:
        status = server.admin.command("serverStatus")
        count: int = status["metrics"]["cursor"]["open"]["total"]
        return count

    before = open_cursors()
    for _ in range(2):
        assert asyncio.run(leave_early())
        gc.collect()
    assert [record.getMessage() for record in caplog.records] == []
    assert open_cursors() == before
