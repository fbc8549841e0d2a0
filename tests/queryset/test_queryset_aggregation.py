"""Pipelines, sums and JavaScript through a queryset, in either family."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest
from bson.code import Code
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.command_cursor import CommandCursor
from pymongo.errors import OperationFailure

from mongoengine import Document, FloatField, IntField, ListField, OperationError
from mongoengine.errors import LookUpError
from mongoengine.operations import javascript
from tests.conftest import SentCommands
from tests.queryset.conftest import Family
from tests.queryset.models import QSPerson, QSRanked, store_many


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
    assert family.sent[0]["pipeline"] == [
        {"$match": {"age": {"$gt": 20}}},
        {"$sort": {"name": -1}},
        {"$limit": 3},
        {"$skip": 1},
        {"$project": {"name": 1}},
    ]


async def test_the_default_ordering_does_not_count(family: Family) -> None:
    await rows(family, QSRanked.objects, [])
    assert family.sent[0]["pipeline"] == []


async def test_aggregating_nothing(family: Family, people: Any) -> None:
    assert await rows(family, QSPerson.objects.none(), []) == []


async def test_stages_may_be_unpacked(family: Family, people: Any) -> None:
    with pytest.warns(DeprecationWarning, match="with un unpacked list"):
        found = await rows(
            family, QSPerson.objects, {"$match": {"age": 20}}, {"$limit": 1}
        )
    assert [row["name"] for row in found] == ["ann"]


async def test_options_go_to_the_command(family: Family) -> None:
    await rows(family, QSPerson.objects, [], allowDiskUse=True, batchSize=7)
    (command,) = family.sent
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
    assert family.sent == [
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
    assert family.sent[0]["out"] == out


async def test_item_frequencies_counts_with_map_reduce(family: Family) -> None:
    assert await family(QSPerson.objects, "item_frequencies", "nick") == {}
    (command,) = family.sent
    assert command["map"] == Code(javascript.count_items("n"))
    assert command["out"] == {"inline": 1}


async def test_exec_js_sends_eval(family: Family) -> None:
    with pytest.raises(OperationFailure, match="eval"):
        await family(
            QSPerson.objects(age=20), "exec_js", "return this[~nick]", "nick", x=2
        )
    (command,) = family.sent
    assert command["args"] == ["n"]
    assert command["eval"] == Code(
        'return this["n"]',
        {"collection": "person", "query": {"age": 20}, "options": {"x": 2}},
    )
