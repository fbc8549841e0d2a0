"""Batches: whole ones from PyMongo's cursors, steps from others."""

from __future__ import annotations

from typing import Any

import mongomock
import pytest
from pymongo.errors import PyMongoError

from mongoengine import Document, IntField, connect
from mongoengine.driver.cursor import STEP, Batches
from mongoengine.driver.io import ASYNC, SYNC, run
from mongoengine.driver.results import Results
from tests.families import SentCommands
from tests.queryset.models import store_many


class QSMocked(Document):
    number = IntField()


def test_a_batch_is_what_the_server_sent(
    db: Any, stored: Any, sent_commands: SentCommands
) -> None:
    store_many(stored, 25)
    batches = Batches(db.person.find(batch_size=10))
    sizes = []
    while batches.more:
        sizes.append(len(run(batches.read(SYNC))))
    assert sizes == [10, 10, 5]
    assert sent_commands.names == ["find", "getMore", "getMore"]


async def test_a_batch_is_awaited_once(
    async_db: Any, stored: Any, sent_commands: SentCommands
) -> None:
    store_many(stored, 25)
    batches = Batches(async_db.person.find(batch_size=10))
    sizes = []
    while batches.more:
        sizes.append(len(await batches.read(ASYNC)))
    assert sizes == [10, 10, 5]
    assert sent_commands.names == ["find", "getMore", "getMore"]


def test_a_cursor_that_shows_no_batches_is_read_in_steps() -> None:
    collection = mongomock.MongoClient().db.c
    collection.insert_many([{"n": i} for i in range(STEP + 5)])
    batches = Batches(collection.find())
    assert len(run(batches.read(SYNC))) == STEP
    assert batches.more
    assert len(run(batches.read(SYNC))) == 5
    assert not batches.more


async def test_an_asynchronous_cursor_that_shows_no_batches(
    async_db: Any, stored: Any
) -> None:
    class Plain:
        """PyMongo's cursor, less what is not documented."""

        def __init__(self, cursor: Any) -> None:
            self.next = cursor.next
            self.close = cursor.close

    store_many(stored, STEP + 5)
    batches = Batches(Plain(async_db.person.find()))
    assert len(await batches.read(ASYNC)) == STEP
    assert len(await batches.read(ASYNC)) == 5
    assert not batches.more


def test_drain_gives_everything(db: Any, stored: Any) -> None:
    store_many(stored, 25)
    batches = Batches(db.person.find(batch_size=10))
    assert [raw["age"] for raw in run(batches.drain(SYNC))] == list(range(25))


def test_a_failing_batch_closes_the_cursor(db: Any) -> None:
    cursor = db.person.find({"$nonsense": 1})
    batches = Batches(cursor)
    with pytest.raises(PyMongoError):
        run(batches.read(SYNC))
    assert not cursor.alive
    assert not batches.more


def test_closing_kills_the_server_cursor(
    db: Any, stored: Any, sent_commands: SentCommands
) -> None:
    store_many(stored, 25)
    batches = Batches(db.person.find(batch_size=10))
    run(batches.read(SYNC))
    run(batches.close(SYNC))
    run(batches.close(SYNC))
    assert sent_commands.names == ["find", "killCursors"]
    assert not batches.more


def test_results_of_documents_are_complete() -> None:
    results = Results.of([1, 2])
    assert (results.documents, results.more) == ([1, 2], False)


def test_mongomock_serves_the_blocking_family() -> None:
    connect(
        "db",
        host="mongodb://localhost",
        mongo_client_class=mongomock.MongoClient,
        uuidRepresentation="standard",
    )
    for number in range(3):
        QSMocked(number=number).save()
    queryset = QSMocked.objects(number__gt=0).order_by("-number")
    assert [one.number for one in queryset.no_cache()] == [2, 1]
    assert [one.number for one in queryset] == [2, 1]
    assert queryset.first().number == 2  # type: ignore[union-attr]
    assert QSMocked.objects.get(number=1).number == 1
    assert QSMocked.objects.count() == 3
    assert QSMocked.objects.distinct("number") == [0, 1, 2]
    assert QSMocked.objects(number=0).update(set__number=7) == 1
    assert QSMocked.objects(number=7).modify(new=True, inc__number=1).number == 8  # type: ignore[union-attr]
    assert QSMocked.objects.insert([QSMocked(number=9)])[0].number == 9
    assert [row["_id"] for row in QSMocked.objects.aggregate([{"$limit": 1}])]
    assert QSMocked.objects.delete() == 4
