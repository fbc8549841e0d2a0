"""`in_batches()`: large results in lists, which can be resumed."""

from __future__ import annotations

import asyncio
import importlib.machinery
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from mongoengine import (
    Document,
    IntField,
    InvalidQueryError,
    OperationError,
    ReferenceField,
    StringField,
)
from tests.families import Family
from tests.faults import cancel_at


class Batched(Document):
    number = IntField(db_field="n")
    kind = StringField()
    other = ReferenceField("self")
    meta = {
        "collection": "batched",
        "ordering": ["-number"],
        "allow_inheritance": True,
    }


class BatchedSub(Batched):
    pass


class BatchedKey(Document):
    key = StringField(primary_key=True)
    meta = {"collection": "batched_key"}


@pytest.fixture(autouse=True)
def stored(mongo: Any) -> None:
    mongo.batched.insert_many(
        {
            "_id": number,
            "_cls": "Batched.BatchedSub" if number % 2 else "Batched",
            "n": 10 - number,
            "kind": "a" if number < 5 else "b",
        }
        for number in range(10)
    )


class NumberedEvent(Document):
    pk_number = IntField(primary_key=True)
    number = IntField(db_field="n")
    kind = StringField()
    meta = {"collection": "batched", "strict": False, "ordering": ["-number"]}


def batches(family: Family, queryset: Any, *args: Any, **options: Any) -> Any:
    name = "async_in_batches" if family.is_async else "in_batches"
    return getattr(queryset, name)(*args, **options)


async def lists(family: Family, made: Any) -> list[list[int]]:
    return [[item.pk for item in batch] for batch in await family.loop(made)]


async def first(family: Family, made: Any) -> Any:
    """Return the first list of a loop that is left after it."""
    if family.is_async:
        loop = aiter(made)
        batch = await anext(loop)
        await loop.aclose()
        return batch
    for batch in made:
        return batch
    return None


async def test_lists_are_read_by_key_in_one_query_each(family: Family) -> None:
    await family(NumberedEvent.objects, "first")
    family.commands.clear()
    found = await lists(family, batches(family, NumberedEvent.objects, 4))
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    commands = family.commands
    assert [next(iter(command)) for command in commands] == ["find"] * 3
    assert all(command["sort"] == {"_id": 1} for command in commands)
    assert not any("skip" in command for command in commands)


@pytest.mark.parametrize("size", [1, 3, 5, 10, 11, 1000])
async def test_any_size_gives_every_document_once(family: Family, size: int) -> None:
    found = await lists(family, batches(family, NumberedEvent.objects, size))
    assert [key for batch in found for key in batch] == list(range(10))
    assert all(len(batch) == size for batch in found[:-1])


async def test_filters_projections_and_forms_are_heeded(family: Family) -> None:
    queryset = NumberedEvent.objects(kind="b")
    assert await lists(family, batches(family, queryset, 3)) == [[5, 6, 7], [8, 9]]
    made = batches(family, queryset.only("kind").no_cache(), 3)
    for batch in await family.loop(made):
        assert all(item.kind == "b" and item.number is None for item in batch)
    made = batches(family, queryset.scalar("number"), 3)
    assert await family.loop(made) == [[5, 4, 3], [2, 1]]
    made = batches(family, queryset.as_pymongo().only("number"), 3)
    assert (await family.loop(made))[1] == [{"_id": 8, "n": 2}, {"_id": 9, "n": 1}]
    made = batches(family, queryset.exclude("pk_number").as_pymongo(), 3)
    assert [len(batch) for batch in await family.loop(made)] == [3, 2]


async def test_subclasses_are_made(family: Family, mongo: Any) -> None:
    mongo.batched.delete_many({})
    for cls in (Batched, BatchedSub, Batched):
        await family(cls(number=1), "save")
    found = await family.loop(batches(family, Batched.objects, 2))
    assert [[type(item) for item in batch] for batch in found] == [
        [Batched, BatchedSub],
        [Batched],
    ]
    assert [len(b) for b in await family.loop(batches(family, BatchedSub.objects))] == [
        1
    ]


async def test_an_explicit_order_is_kept(family: Family) -> None:
    made = batches(family, NumberedEvent.objects.order_by("kind", "number"), 4)
    assert await lists(family, made) == [[4, 3, 2, 1], [0, 9, 8, 7], [6, 5]]
    token = made.resume_token
    made = batches(family, NumberedEvent.objects.order_by("-kind"), 4, after=token)
    with pytest.raises(InvalidQueryError):
        await family.loop(made)


async def test_references_are_loaded_list_by_list(family: Family, mongo: Any) -> None:
    mongo.batched.delete_many({})
    target = await family(Batched(number=0), "save")
    for number in (1, 2):
        await family(Batched(number=number, other=target), "save")
    queryset = Batched.objects(number__gt=0).select_related("other")
    found = await family.loop(batches(family, queryset, 1))
    assert [batch[0].other.number for batch in found] == [0, 0]


async def test_a_loop_goes_on_behind_a_token(family: Family) -> None:
    made = batches(family, NumberedEvent.objects, 4)
    assert made.resume_token is None
    await first(family, made)
    token = made.resume_token
    assert isinstance(token, str)
    resumed = batches(family, NumberedEvent.objects, 5, after=token)
    assert resumed.resume_token == token
    assert await lists(family, resumed) == [[4, 5, 6, 7, 8], [9]]
    assert await lists(family, batches(family, NumberedEvent.objects, 5, after=token))
    resumed = batches(family, NumberedEvent.objects, 5, after=resumed.resume_token)
    assert await lists(family, resumed) == []


async def test_each_loop_begins_anew(family: Family) -> None:
    made = batches(family, NumberedEvent.objects, 5)
    assert len(await family.loop(made)) == len(await family.loop(made)) == 2


async def test_documents_may_be_deleted_and_inserted_in_the_loop(
    family: Family, mongo: Any
) -> None:
    found = []

    def change(batch: Any) -> None:
        found.extend(item.pk for item in batch)
        mongo.batched.delete_many({"_id": {"$in": [item.pk for item in batch]}})
        mongo.batched.insert_one({"_id": -found[-1] - 1})

    if family.is_async:
        async for batch in NumberedEvent.objects.async_in_batches(4):
            change(batch)
    else:
        for batch in NumberedEvent.objects.in_batches(4):
            change(batch)
    assert found == list(range(10))


async def test_keys_of_several_types_are_walked_through(
    family: Family, mongo: Any
) -> None:
    keys = ["b", 1, 2.5, "a", None, 7]
    mongo.batched_key.insert_many([{"_id": key} for key in keys])
    made = batches(family, BatchedKey.objects.as_pymongo(), 2)
    found = [raw["_id"] for batch in await family.loop(made) for raw in batch]
    assert found == [None, 1, 2.5, 7, "a", "b"]


async def test_nothing_gives_no_list(family: Family) -> None:
    assert await lists(family, batches(family, NumberedEvent.objects.none())) == []
    assert await lists(family, batches(family, NumberedEvent.objects(kind="x"))) == []


async def test_bad_arguments_are_refused_at_once(family: Family) -> None:
    with pytest.raises(ValueError, match="size"):
        batches(family, NumberedEvent.objects, 0)
    for part in (NumberedEvent.objects[:3], NumberedEvent.objects.skip(2)):
        with pytest.raises(OperationError, match="slice"):
            batches(family, part)
    with pytest.raises(InvalidQueryError):
        await family.loop(batches(family, NumberedEvent.objects, after="nonsense"))


# Cursors and failures


async def test_no_cursor_is_open_between_the_lists(family: Family, mongo: Any) -> None:
    await first(family, batches(family, NumberedEvent.objects, 2))
    family.commands.clear()
    made = batches(family, NumberedEvent.objects, 2)
    await first(family, made)
    assert family.command_names == ["find"]  # neither getMore nor killCursors


async def test_a_loop_that_failed_is_resumed(family: Family, mongo: Any) -> None:
    made = batches(family, NumberedEvent.objects, 4)
    found = []

    async def run() -> None:
        if family.is_async:
            async for batch in made:
                found.append([item.pk for item in batch])
                mongo.client.admin.command(REFUSE)
        else:
            for batch in made:
                found.append([item.pk for item in batch])
                mongo.client.admin.command(REFUSE)

    try:
        with pytest.raises(Exception, match="fail"):
            await run()
    finally:
        mongo.client.admin.command({**REFUSE, "mode": "off", "data": {}})
    assert found == [[0, 1, 2, 3]]
    resumed = batches(family, NumberedEvent.objects, 4, after=made.resume_token)
    assert await lists(family, resumed) == [[4, 5, 6, 7], [8, 9]]


REFUSE = {
    "configureFailPoint": "failCommand",
    "mode": {"times": 1},
    "data": {"failCommands": ["find"], "errorCode": 11601},
}


@pytest.mark.parametrize("family", ["async"], indirect=True)
async def test_a_cancelled_loop_is_resumed(family: Family) -> None:
    for step in range(1, 20):
        made = NumberedEvent.objects.async_in_batches(4)
        found: list[int] = []

        async def run(made: Any = made, found: Any = found) -> None:
            async for batch in made:
                found.extend(item.pk for item in batch)
                await asyncio.sleep(0)

        if not await cancel_at(run(), step):
            break
        rest = NumberedEvent.objects.async_in_batches(4, after=made.resume_token)
        found += [item.pk async for batch in rest for item in batch]
        assert found == list(range(10))
    else:
        raise AssertionError("the loop was never run to its end")


# Progress


class FakeBar:
    """A progress bar like tqdm's, which records its calls."""

    made: list[Any] = []

    def __init__(self, **options: Any) -> None:
        self.options, self.updates, self.closed = options, [], 0
        self.made.append(self)

    def update(self, n: int) -> None:
        self.updates.append(n)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def tqdm(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    module: Any = types.ModuleType("tqdm")
    module.__spec__ = importlib.machinery.ModuleSpec("tqdm", None)
    module.tqdm = FakeBar
    monkeypatch.setitem(sys.modules, "tqdm", module)
    FakeBar.made.clear()
    yield FakeBar.made


async def test_a_bar_shows_the_progress(family: Family, tqdm: list[Any]) -> None:
    made = batches(family, NumberedEvent.objects(kind="b"), 3, progress=True)
    await family.loop(made)
    (bar,) = tqdm
    assert bar.options["total"] == 5 and bar.options["desc"] == "NumberedEvent"
    assert (bar.updates, bar.closed) == ([3, 2], 1)


async def test_the_bar_of_a_resumed_loop_counts_the_rest(
    family: Family, tqdm: list[Any]
) -> None:
    made = batches(family, NumberedEvent.objects, 4)
    await first(family, made)
    resumed = batches(
        family, NumberedEvent.objects, 4, after=made.resume_token, progress=True
    )
    await first(family, resumed)
    (bar,) = tqdm
    assert (bar.options["total"], bar.updates, bar.closed) == (6, [4], 1)


async def test_lines_stand_for_the_bar_where_tqdm_is_not_installed(
    family: Family, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    await family.loop(batches(family, NumberedEvent.objects, 4, progress=True))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "NumberedEvent: install tqdm for a progress bar",
        "NumberedEvent: 4 of 10 documents",
        "NumberedEvent: 8 of 10 documents",
        "NumberedEvent: 10 of 10 documents",
    ]
