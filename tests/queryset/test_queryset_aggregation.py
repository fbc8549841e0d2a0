"""Pipelines, sums and JavaScript through a queryset, in either family."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from bson.code import Code
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.command_cursor import CommandCursor
from pymongo.errors import OperationFailure

from mongoengine import Document, FloatField, IntField, ListField, OperationError
from mongoengine.errors import LookUpError
from tests.families import Family, SentCommands
from tests.queryset.models import NAMES, QSPerson, QSRanked, store_many


class QSNumbers(Document):
    values = ListField(IntField(), db_field="v")
    share = FloatField(db_field="s")
    meta = {"collection": "numbers"}


async def rows(family: Family, queryset: Any, *pipeline: Any, **kw: Any) -> list[Any]:
    """All rows of an aggregation."""
    if family.is_async:
        return [row async for row in queryset.async_aggregate(*pipeline, **kw)]
    return list(queryset.aggregate(*pipeline, **kw))


async def test_the_queryset_comes_before_the_pipeline(
    family: Family, people: Any
) -> None:
    queryset = QSPerson.objects(age__gt=20).order_by("-name").skip(1).limit(2)
    found = await rows(family, queryset, [{"$project": {"name": 1}}])
    assert [row["name"] for row in found] == ["dan", "cid"]
    assert family.commands[0]["pipeline"] == [
        {"$match": {"age": {"$gt": 20}}},
        {"$sort": {"name": -1}},
        {"$limit": 3},
        {"$skip": 1},
        {"$project": {"name": 1}},
    ]


async def test_the_default_ordering_does_not_count(family: Family) -> None:
    await rows(family, QSRanked.objects, [])
    assert family.commands[0]["pipeline"] == []


async def test_aggregating_nothing(family: Family, people: Any) -> None:
    assert await rows(family, QSPerson.objects.none(), []) == []


async def test_the_default_ordering_decides_what_is_skipped(
    family: Family, stored: Any
) -> None:
    stored.ranked.insert_many([{"name": name} for name in "bdac"])
    queryset = QSRanked.objects.skip(1).limit(2)
    found = await rows(family, queryset, [])
    assert [row["name"] for row in found] == ["c", "b"]
    assert [item.name for item in await family.loop(queryset)] == ["c", "b"]


@pytest.mark.parametrize("pipeline", [{"$match": {}}, 1, None, "x", iter([])])
async def test_a_pipeline_is_a_list(family: Family, pipeline: Any) -> None:
    with pytest.raises(TypeError, match=r"^pipeline must be a list/tuple$"):
        await rows(family, QSPerson.objects, pipeline)


async def test_stages_are_not_unpacked(family: Family) -> None:
    name = "async_aggregate" if family.is_async else "aggregate"
    with pytest.raises(TypeError) as caught:
        await rows(family, QSPerson.objects, {"$match": {}}, {"$limit": 1})
    assert re.fullmatch(
        rf"\w+\.{name}\(\) takes 2 positional arguments but 3 were given",
        str(caught.value),
    )


async def test_options_go_to_the_command(family: Family) -> None:
    await rows(family, QSPerson.objects, [], allowDiskUse=True, batchSize=7)
    (command,) = family.commands
    assert command["allowDiskUse"] is True
    assert command["cursor"] == {"batchSize": 7}


def test_aggregate_gives_pymongos_cursor(connection: Any, people: Any) -> None:
    cursor = QSPerson.objects.aggregate([{"$limit": 2}])
    assert isinstance(cursor, CommandCursor)
    assert len(list(cursor)) == 2


async def test_async_aggregate_can_be_awaited_first(
    async_connection: Any, people: Any
) -> None:
    cursor = await QSPerson.objects.async_aggregate([{"$limit": 2}])
    assert isinstance(cursor, AsyncCommandCursor)
    assert len(await cursor.to_list()) == 2


async def test_async_aggregate_sends_nothing_by_itself(
    async_connection: Any, sent_commands: SentCommands
) -> None:
    QSPerson.objects.async_aggregate([])
    assert sent_commands.names == []


async def test_a_broken_off_aggregation_lets_go_of_its_cursor(
    async_connection: Any, stored: Any, sent_commands: SentCommands
) -> None:
    store_many(stored, 300)
    pending = QSPerson.objects.async_aggregate([], batchSize=10)
    async with aclosing(aiter(pending)) as loop:
        async for _ in loop:
            break
    assert sent_commands.names == ["aggregate", "killCursors"]


async def test_sum_and_average(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects, "sum", "age") == 110
    assert await family(QSPerson.objects(age__gt=22), "average", "age") == 23.5
    assert await family(QSPerson.objects, "sum", "address.zip_code") == 15
    assert await family(QSPerson.objects(name="zoe"), "sum", "age") == 0
    assert await family(QSPerson.objects(name="zoe"), "average", "age") == 0
    with pytest.raises(LookUpError, match='Cannot resolve field "nothing"'):
        await family(QSPerson.objects, "sum", "nothing")


async def test_sum_over_lists_and_database_names(family: Family, stored: Any) -> None:
    stored.numbers.insert_many([{"v": [1, 2], "s": 0.5}, {"v": [3], "s": 1.5}])
    assert await family(QSNumbers.objects, "sum", "values") == 6
    assert await family(QSNumbers.objects, "average", "share") == 1.0


async def test_map_reduce_sends_the_functions(family: Family) -> None:
    found = await family(
        QSPerson.objects(age=20),
        "map_reduce",
        "function () { emit(this[~nick], 1); }",
        Code("function (k, v) { return 1; }"),
        "inline",
        finalize_f="function (k, v) { return v; }",
        limit=2,
        scope={"a": 1},
    )
    assert list(found) == []
    assert family.commands == [
        {
            "mapReduce": "person",
            "map": Code('function () { emit(this["n"], 1); }'),
            "reduce": Code("function (k, v) { return 1; }"),
            "query": {"age": 20},
            "finalize": Code("function (k, v) { return v; }"),
            "scope": {"a": 1},
            "limit": 2,
            "out": {"inline": 1},
        }
    ]


async def test_map_reduce_refuses_an_output_without_action(family: Family) -> None:
    with pytest.raises(OperationError, match="actionData not specified for output"):
        await family(QSPerson.objects, "map_reduce", "m", "r", {"into": "x"})


@pytest.mark.parametrize(
    "output, out",
    [
        ("stored", "stored"),
        ({"merge": "stored"}, {"merge": "stored"}),
        (
            {"reduce": "stored", "sharded": True, "db_alias": "default"},
            {"reduce": "stored", "db": ..., "sharded": True},
        ),
    ],
)
async def test_map_reduce_outputs(
    family: Family, database_name: str, output: Any, out: Any
) -> None:
    with pytest.raises(OperationFailure):  # the embedded server has inline alone
        await family(QSPerson.objects, "map_reduce", "m", "r", output)
    if isinstance(out, dict) and "db" in out:
        out = {**out, "db": database_name}
    assert family.commands[0]["out"] == out


FREQUENCIES = pytest.mark.parametrize("map_reduce", [True, False])


async def frequencies(family: Family, field: str, **options: Any) -> Any:
    return await family(QSPerson.objects, "item_frequencies", field, **options)


@FREQUENCIES
async def test_item_frequencies_of_single_values(
    family: Family, stored: Any, map_reduce: bool
) -> None:
    stored.person.insert_many(
        [{"n": "a", "age": 1}, {"n": "b", "age": 0}, {"n": "a", "age": 1.0}, {}]
    )
    options = {"map_reduce": map_reduce}
    assert await frequencies(family, "nick", **options) == {"a": 2, "b": 1, None: 1}
    assert await frequencies(family, "age", **options) == {1: 2, 0: 1, None: 1}
    assert await frequencies(family, "nick", normalize=True, **options) == {
        "a": 0.5,
        "b": 0.25,
        None: 0.25,
    }
    assert {next(iter(command)) for command in family.commands} == {"aggregate"}


@FREQUENCIES
async def test_item_frequencies_of_items(
    family: Family, stored: Any, map_reduce: bool
) -> None:
    stored.person.insert_many(
        [
            {"tags": ["x", "y", "x"], "addresses": [{"c": "Bern"}, {"c": "Rome"}]},
            {"tags": [], "addresses": [{}]},
            {"tags": None, "addresses": []},
            {"address": {"c": "Oslo"}, "data": {"k": {"j": [1, 2]}}},
        ]
    )
    options = {"map_reduce": map_reduce}
    assert await frequencies(family, "tags", **options) == {"x": 2, "y": 1, None: 2}
    assert await frequencies(family, "tags.0", **options) == {"x": 1, None: 3}
    expected = {"Bern": 1, "Rome": 1, None: 2}
    assert await frequencies(family, "addresses.city", **options) == expected
    assert await frequencies(family, "address.city", **options) == {"Oslo": 1, None: 3}
    assert await frequencies(family, "data.k.j", **options) == {1: 1, 2: 1, None: 3}


async def test_item_frequencies_heed_the_query(family: Family, people: Any) -> None:
    queryset = QSPerson.objects(age__gt=22)
    assert await family(queryset, "item_frequencies", "name") == {"dan": 1, "eve": 1}
    assert await family(QSPerson.objects.none(), "item_frequencies", "name") == {}


async def test_item_frequencies_of_documents_are_refused(
    family: Family, people: Any
) -> None:
    with pytest.raises(OperationError, match='values of "address"'):
        await frequencies(family, "address")


async def test_item_frequencies_of_an_unknown_field(family: Family) -> None:
    with pytest.raises(LookUpError, match="nope"):
        await frequencies(family, "nope")


# lists of values


@pytest.mark.parametrize("field", ["name", "data", "tags", "address", "pk"])
async def test_distinct_gives_a_list_of_the_callers_own(
    family: Family, people: Any, field: str
) -> None:
    values = await family(QSPerson.objects, "distinct", field)
    assert isinstance(values, list)
    count = len(values)
    values.append(values[0])
    values.reverse()
    values.insert(0, values.pop())
    assert len(values) == count + 1
    values[:] = values[1:]
    values.clear()
    assert values == []


async def test_what_is_inside_distinct_values_is_free(
    family: Family, stored: Any
) -> None:
    stored.person.insert_one({"data": {"k": {"j": [3, 1]}}})
    (value,) = await family(QSPerson.objects, "distinct", "data")
    value["k"]["j"].sort()
    value["k"]["new"] = 1
    assert value == {"k": {"j": [1, 3], "new": 1}}
    names = await family(QSPerson.objects, "distinct", "name")
    names.sort()
    assert names == []


# what async_aggregate() gives


async def test_an_aggregation_has_to_list(async_connection: Any, people: Any) -> None:
    def pending() -> Any:
        return QSPerson.objects.order_by("age").async_aggregate([], batchSize=2)

    assert [row["name"] for row in await pending().to_list()] == list(NAMES)
    assert [row["name"] for row in await pending().to_list(3)] == list(NAMES[:3])
    assert [row["name"] for row in await (await pending()).to_list()] == list(NAMES)
    with pytest.raises(ValueError, match="greater than 0"):
        await pending().to_list(0)


async def test_an_aggregation_is_an_async_iterator(
    async_connection: Any, people: Any, sent_commands: SentCommands
) -> None:
    pending: Any = QSPerson.objects.order_by("age").async_aggregate([], batchSize=2)
    assert isinstance(pending, AsyncIterator)
    assert (await anext(pending))["name"] == "ann"
    assert [row["name"] async for row in pending] == list(NAMES[1:])
    assert await anext(pending, None) is None
    assert sent_commands.names.count("aggregate") == 1


async def test_closing_an_aggregation_closes_its_cursor(
    async_connection: Any, people: Any, sent_commands: SentCommands
) -> None:
    pending = QSPerson.objects.async_aggregate([], batchSize=2)
    await anext(pending)
    await pending.aclose()
    await pending.aclose()
    assert sent_commands.names.count("killCursors") == 1


# other lists


async def test_to_list_of_a_length(family: Family, people: Any) -> None:
    queryset = QSPerson.objects.order_by("age")
    assert [p.name for p in await family(queryset, "to_list", 2)] == list(NAMES[:2])
    assert family.commands[0]["limit"] == 2
    assert len(await family(queryset, "to_list", length=99)) == 5
    assert len(await family(queryset.limit(3), "to_list", 4)) == 3
    assert len(await family(queryset, "to_list", length=None)) == 5
    assert family.command_names.count("find") == 3
    assert [p.name for p in await family(queryset, "to_list", 2)] == list(NAMES[:2])
    assert family.command_names == []
    for length in (0, -1):
        with pytest.raises(ValueError, match="greater than 0"):
            await family(queryset, "to_list", length)


@pytest.mark.parametrize(
    ("size", "error"), [(-1, ValueError), ("x", TypeError), (1.5, TypeError)]
)
async def test_a_wrong_batch_size_raises_when_documents_are_read(
    family: Family, people: Any, size: Any, error: Any
) -> None:
    queryset = QSPerson.objects.batch_size(size)
    assert await family(queryset, "count") == 5
    with pytest.raises(error, match="batch_size must be"):
        await family.loop(queryset)
    with pytest.raises(error, match="batch_size must be"):
        await family(queryset, "first")


# JavaScript


async def test_exec_js_sends_eval(family: Family) -> None:
    with pytest.raises(OperationFailure, match="eval"):
        await family(
            QSPerson.objects(age=20), "exec_js", "return this[~nick]", "nick", x=2
        )
    (command,) = family.commands
    assert command["args"] == ["n"]
    assert command["eval"] == Code(
        'return this["n"]',
        {"collection": "person", "query": {"age": 20}, "options": {"x": 2}},
    )
