"""Counting and listing on PyMongo collections, and the server's version."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.errors import OperationFailure

from mongoengine.context_managers import run_in_transaction
from mongoengine.driver.io import ASYNC
from mongoengine.mongodb_support import get_mongodb_version, server_version
from mongoengine.pymongo_support import (
    _count_documents,
    count_documents,
    list_collection_names,
)


@pytest.fixture
def numbers(db: Any, sent_commands: Any) -> Any:
    db["n"].insert_many([{"x": n} for n in range(5)])
    sent_commands.clear()
    return db["n"]


@pytest.mark.parametrize(
    ("filter", "options", "number", "command"),
    [
        ({}, {}, 5, ["count"]),
        ({"x": 1}, {}, 1, ["aggregate"]),
        ({}, {"skip": 1, "limit": 2}, 2, ["aggregate"]),
        ({}, {"skip": 0}, 5, ["aggregate"]),
        ({}, {"limit": 0}, 0, []),
        ({}, {"hint": "_id_"}, 5, ["aggregate"]),
        ({}, {"hint": -1}, 5, ["count"]),
        ({}, {"collation": {"locale": "en"}}, 5, ["aggregate"]),
    ],
)
def test_count_documents(
    numbers: Any,
    sent_commands: Any,
    filter: Any,
    options: Any,
    number: int,
    command: list[str],
) -> None:
    assert count_documents(numbers, filter, **options) == number
    assert sent_commands.names == command


def test_in_a_transaction_everything_is_counted(
    numbers: Any, sent_commands: Any
) -> None:
    with run_in_transaction():
        numbers.database["n"].insert_one({}, session=None)
        assert count_documents(numbers, {}) >= 5
    assert "count" not in sent_commands.names


def test_where_cannot_be_counted(numbers: Any) -> None:
    with pytest.raises(OperationFailure):
        count_documents(numbers, {"$where": "this.x == 1"})


async def test_counting_asynchronously(async_db: Any) -> None:
    await async_db["n"].insert_many([{"x": n} for n in range(5)])
    assert await _count_documents(ASYNC, async_db["n"], {}) == 5
    assert await _count_documents(ASYNC, async_db["n"], {"x": 1}) == 1


def test_list_collection_names_leaves_out_those_of_the_system(db: Any) -> None:
    db["n"].insert_one({})
    db["system.js"].insert_one({"_id": "f"})
    assert list_collection_names(db) == ["n"]
    assert sorted(list_collection_names(db, True)) == ["n", "system.js"]


async def test_the_version_of_the_server(both: Any) -> None:
    version = tuple(both.sync.server_info()["versionArray"][:2])
    assert get_mongodb_version() == version
    assert await server_version(ASYNC, "default") == version
