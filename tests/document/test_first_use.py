"""Several tasks, threads or programs use a class for the first time."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo import monitoring
from pymongo.errors import PyMongoError

from mongoengine import (
    DateTimeField,
    Document,
    IntField,
    StringField,
    connect,
)
from mongoengine.context_managers import switch_db
from mongoengine.document import InvalidCollectionError
from tests.families import Family, SentCommands

LONG = 60  # seconds: a limit for what is expected to end at once


class FirstPlain(Document):
    number = IntField(unique=True)


class FirstCapped(Document):
    number = IntField()
    meta = {"max_documents": 10, "collection": "first_capped"}


class FirstCappedOtherwise(Document):
    number = IntField()
    meta = {"max_documents": 20, "collection": "first_capped"}


class FirstSeries(Document):
    at = DateTimeField()
    place = StringField()
    meta = {
        "allow_inheritance": True,
        "collection": "first_series",
        "timeseries": {"timeField": "at", "metaField": "place"},
    }


class FirstSeriesChild(FirstSeries):
    number = IntField()


class FirstSeriesOtherwise(Document):
    at = DateTimeField()
    meta = {"collection": "first_series", "timeseries": {"timeField": "at"}}


class CreatedBefore(monitoring.CommandListener):
    """Creates a collection otherwise when the library is about to create it."""

    def __init__(self, database: Any, name: str, **options: Any) -> None:
        self._database = database
        self._name = name
        self._options = options
        self.times = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "create" and not self.times:
            self.times += 1
            self._database.create_collection(self._name, **self._options)

    def succeeded(self, event: Any) -> None:
        """Nothing to do."""

    def failed(self, event: Any) -> None:
        """Nothing to do."""


SERIES = {"timeField": "at", "metaField": "place"}


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (FirstCapped, {"capped": True, "size": 10_485_760, "max": 10}),
        (FirstSeries, {"timeseries": SERIES}),
    ],
)
async def test_a_collection_that_another_program_has_just_created_is_used(
    family: Family, cls: Any, options: dict[str, Any], mongo: Any
) -> None:
    name = cls._get_collection_name()
    other = CreatedBefore(mongo, name, **options)
    await family.connect(alias="racing", event_listeners=[other])
    with switch_db(cls, "racing"):
        assert await family(cls.objects, "count") == 0
    assert other.times == 1
    assert mongo.list_collection_names(filter={"name": name}) == [name]


@pytest.mark.parametrize(
    ("cls", "options", "form"),
    [
        (FirstCapped, {"capped": True, "size": 4096}, "capped"),
        (FirstCapped, {}, "capped"),
        (FirstSeries, {"timeseries": {"timeField": "at"}}, "time series"),
        (FirstSeries, {}, "time series"),
    ],
)
async def test_one_that_was_just_created_with_other_options_is_refused(
    family: Family, cls: Any, options: dict[str, Any], form: str, mongo: Any
) -> None:
    name = cls._get_collection_name()
    other = CreatedBefore(mongo, name, **options)
    await family.connect(alias="racing", event_listeners=[other])
    with switch_db(cls, "racing"), pytest.raises(InvalidCollectionError) as caught:
        await family(cls.objects, "count")
    assert str(caught.value) == (
        f'Cannot create collection "{name}" as a {form} collection as it already exists'
    )


async def at_once(family: Family, *calls: Callable[[], Any]) -> list[Any]:
    """Results or errors of calls by as many tasks, or threads."""
    if family.is_async:
        gathered = asyncio.gather(*(call() for call in calls), return_exceptions=True)
        return await asyncio.wait_for(gathered, LONG)
    results: list[Any] = [TimeoutError()] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(position: int, call: Callable[[], Any]) -> None:
        barrier.wait(LONG)
        try:
            results[position] = call()
        except Exception as error:
            results[position] = error

    threads = [
        threading.Thread(target=run, args=(position, call), daemon=True)
        for position, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    return results


def counting(family: Family, cls: Any) -> Callable[[], Any]:
    objects = cls.objects
    return objects.async_count if family.is_async else objects.count


async def test_two_classes_of_one_collection_are_used_at_once(
    family: Family, mongo: Any
) -> None:
    calls = [counting(family, cls) for cls in (FirstSeries, FirstSeriesChild)] * 4
    assert await at_once(family, *calls) == [0] * len(calls)
    assert mongo.first_series.options()["timeseries"]["metaField"] == "place"


async def test_of_two_classes_that_differ_one_is_refused(family: Family) -> None:
    calls = [counting(family, cls) for cls in (FirstCapped, FirstCappedOtherwise)]
    results = await at_once(family, *calls)
    assert [type(result) for result in results if result != 0] == [
        InvalidCollectionError
    ]


def use_in_a_program(uri: str, name: str, barrier: Any, results: Any) -> None:
    connect(name, host=uri, uuidRepresentation="standard")
    barrier.wait(LONG)
    try:
        results.put((FirstCapped.objects.count(), FirstSeries.objects.count()))
    except Exception as error:
        results.put(repr(error))


@pytest.mark.slow
def test_programs_that_create_one_collection_at_once(
    server_uri: str, mongo: Any
) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(4), context.Queue()
    programs = [
        context.Process(
            target=use_in_a_program,
            args=(server_uri, mongo.name, barrier, results),
            daemon=True,
        )
        for _ in range(4)
    ]
    for program in programs:
        program.start()
    assert [results.get(timeout=2 * LONG) for _ in programs] == [(0, 0)] * 4
    for program in programs:
        program.join(LONG)


async def test_tasks_and_threads_create_the_indexes_once(family: Family) -> None:
    assert await at_once(family, *[counting(family, FirstPlain)] * 8) == [0] * 8
    names = family.command_names
    assert names.count("createIndexes") == 1
    assert names[0] == "createIndexes"


#: Return when both classes are being prepared.
meet: Callable[[], None] = threading.Barrier(1).wait
async_meet: Callable[[], Awaitable[Any]] = asyncio.Event().wait


class Meeting(Document):
    """Uses `Partner` when its indexes are created, as `Partner` uses it."""

    number = IntField(unique=True)

    @classmethod
    def ensure_indexes(cls) -> None:
        meet()
        Partner.objects.count()
        super().ensure_indexes()

    @classmethod
    async def async_ensure_indexes(cls) -> None:
        await async_meet()
        await Partner.objects.async_count()
        await super().async_ensure_indexes()


class Partner(Document):
    number = IntField(unique=True)

    @classmethod
    def ensure_indexes(cls) -> None:
        meet()
        Meeting.objects.count()
        super().ensure_indexes()

    @classmethod
    async def async_ensure_indexes(cls) -> None:
        await async_meet()
        await Meeting.objects.async_count()
        await super().async_ensure_indexes()


async def test_classes_whose_indexes_use_each_other(
    family: Family, mongo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tasks or threads begin with one of them each."""
    met = 0
    both_there = asyncio.Event()
    barrier = threading.Barrier(2)

    def meet() -> None:
        nonlocal met
        met += 1
        if met <= 2:
            barrier.wait(LONG)

    async def async_meet() -> None:
        nonlocal met
        met += 1
        if met == 2:
            both_there.set()
        await both_there.wait()

    monkeypatch.setitem(globals(), "meet", meet)
    monkeypatch.setitem(globals(), "async_meet", async_meet)
    calls = [counting(family, cls) for cls in (Meeting, Partner)]
    assert await at_once(family, *calls) == [0, 0]
    for collection in (mongo.meeting, mongo.partner):
        assert "number_1" in collection.index_information()


class Guarded(Document):
    """Takes a lock of the program's when its indexes are created."""

    number = IntField()

    @classmethod
    def ensure_indexes(cls) -> None:
        begun.set()
        with lock:
            super().ensure_indexes()


lock = threading.Lock()
begun = threading.Event()


def test_whoever_uses_the_class_with_a_lock_that_its_indexes_need(
    server_uri: str, mongo: Any
) -> None:
    connect(mongo.name, host=server_uri, uuidRepresentation="standard")
    with lock:
        first = threading.Thread(target=Guarded.objects.count, daemon=True)
        first.start()
        assert begun.wait(LONG)
        second_done = threading.Event()

        def second() -> None:
            Guarded._get_collection()
            second_done.set()

        # It is let into `ensure_indexes()`, too, rather than waiting for the first.
        begun.clear()
        threading.Thread(target=second, daemon=True).start()
        assert begun.wait(LONG)
    first.join(LONG)
    assert second_done.wait(LONG)


class Flaky(Document):
    """Fails when its indexes are created, as often as `failures` says."""

    number = IntField(unique=True)
    failures = 0
    calls = 0

    @classmethod
    def ensure_indexes(cls) -> None:
        cls.fail()
        super().ensure_indexes()

    @classmethod
    async def async_ensure_indexes(cls) -> None:
        cls.fail()
        await super().async_ensure_indexes()

    @classmethod
    def fail(cls) -> None:
        cls.calls += 1
        if cls.calls <= cls.failures:
            raise ValueError("no index today")


async def test_indexes_that_failed_are_created_when_the_class_is_used_again(
    family: Family, mongo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Flaky, "calls", 0)
    monkeypatch.setattr(Flaky, "failures", 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="no index today"):
            await family(Flaky(number=1), "save")
    assert mongo.list_collection_names() == []
    await family(Flaky(number=1), "save")
    await family(Flaky(number=2), "save")
    assert Flaky.calls == 3
    assert "number_1" in mongo.flaky.index_information()


async def test_indexes_that_the_server_refused_are_created_at_the_next_use(
    family: Family, mongo: Any
) -> None:
    fail = {"configureFailPoint": "failCommand", "mode": {"times": 1}}
    data = {"failCommands": ["createIndexes"], "errorCode": 8000, "appName": "first"}
    await family.connect(alias="racing", appname="first")
    mongo.client.admin.command({**fail, "data": data})
    with switch_db(FirstPlain, "racing"):
        with pytest.raises(PyMongoError):
            await family(FirstPlain.objects, "count")
        assert await family(FirstPlain.objects, "count") == 0
    assert "number_1" in mongo.first_plain.index_information()


async def test_another_task_prepares_what_a_cancelled_one_began(
    async_family: Family, mongo: Any
) -> None:
    tasks = [asyncio.create_task(FirstPlain(number=n).async_save()) for n in (1, 2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert mongo.first_plain.distinct("number") == [2]
    assert "number_1" in mongo.first_plain.index_information()


class DropsWhilePreparing(SentCommands):
    """Drops the collection as soon as its first index has been created."""

    def __init__(self) -> None:
        super().__init__()
        self.drop: Callable[[], Any] | None = None

    def succeeded(self, event: Any) -> None:
        drop, self.drop = self.drop, None
        if drop is not None and event.command_name == "createIndexes":
            drop()


def test_a_collection_that_is_dropped_while_it_is_prepared(
    server_uri: str, mongo: Any
) -> None:
    listener = DropsWhilePreparing()
    settings = {"host": server_uri, "uuidRepresentation": "standard"}
    connect(mongo.name, event_listeners=[listener], **settings)
    listener.drop = FirstPlain.drop_collection
    assert FirstPlain.objects.count() == 0
    assert mongo.list_collection_names() == []
    FirstPlain(number=1).save()
    assert "number_1" in mongo.first_plain.index_information()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_that_was_forked_while_a_thread_prepares(
    server_uri: str, mongo: Any
) -> None:
    in_command, go_on = threading.Event(), threading.Event()

    class Slow(SentCommands):
        def started(self, event: Any) -> None:
            if event.command_name == "createIndexes" and os.getpid() == parent:
                in_command.set()
                go_on.wait(LONG)

    parent = os.getpid()
    settings = {"host": server_uri, "uuidRepresentation": "standard"}
    connect(mongo.name, event_listeners=[Slow()], **settings)
    FirstPlain._get_db().command("ping")
    thread = threading.Thread(target=FirstPlain.objects.count)
    thread.start()
    assert in_command.wait(LONG)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=FirstPlain.objects.count)
    child.start()
    child.join(LONG)
    status = child.exitcode
    child.kill()
    go_on.set()
    thread.join(LONG)
    assert status == 0
