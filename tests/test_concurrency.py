"""Tasks and threads that use the same classes do not disturb each other."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mongoengine import (
    DictField,
    Document,
    IntField,
    ListField,
    ReferenceField,
    SequenceField,
    StringField,
    connect,
    disconnect,
    get_db,
    register_connection,
)
from mongoengine.base import context
from mongoengine.context_managers import (
    async_no_dereference,
    async_no_sub_classes,
    async_switch_collection,
    async_switch_db,
    no_dereference,
    no_dereferencing_active_for_class,
    switch_collection,
    switch_db,
)

TASKS = 1000
TENANTS = 20
THREADS = 8
SWITCHES = 10_000


class Tenanted(Document):
    tenant = StringField()
    number = IntField()
    meta = {"auto_create_index": False, "allow_inheritance": True}


class TenantedChild(Tenanted):
    pass


class Ticket(Document):
    number = SequenceField()
    meta = {"auto_create_index": False}


class Keeper(Document):
    of = ReferenceField(Tenanted)
    meta = {"auto_create_index": False}


def tenants(settings: dict[str, Any], count: int = TENANTS) -> list[str]:
    """Aliases of databases of their own, on the client of the default alias."""
    names = [f"tenant{n}" for n in range(count)]
    for name in names:
        own = {**settings, "name": f"{settings['name']}_{name}"}
        register_connection(name, **own)
    return names


def where(cls: Any = Tenanted) -> tuple[str, str]:
    return cls._get_db_alias(), cls._get_collection_name()


HOME = ("default", "tenanted")


# -- many tasks on one model ----------------------------------------------------


@pytest.mark.slow
async def test_a_thousand_tasks_read_and_write_one_model(async_db: Any) -> None:
    async def work(number: int) -> int:
        made = await Tenanted(tenant="t", number=number).async_save()
        found = await Tenanted.objects.async_get(pk=made.pk)
        found.number += 1
        await found.async_save()
        await Tenanted.objects(pk=made.pk).async_update_one(inc__number=1)
        seen = [d.number async for d in Tenanted.objects(pk=made.pk)]
        await made.async_reload()
        assert seen == [made.number] == [number + 2]
        return number

    assert await asyncio.gather(*map(work, range(TASKS))) == list(range(TASKS))
    assert await Tenanted.objects.async_count() == TASKS
    numbers = await Tenanted.objects.order_by("number").async_scalar("number")
    assert numbers == list(range(2, TASKS + 2))


async def test_tasks_that_open_a_collection_at_once_prepare_it_once(
    async_db: Any, sent_commands: Any
) -> None:
    class Prepared(Document):
        number = IntField(unique=True)

    async def work(number: int) -> None:
        await Prepared(number=number).async_save()

    await asyncio.gather(*map(work, range(100)))
    assert len(sent_commands.named("createIndexes")) == 1


async def test_tasks_loop_over_one_queryset_together(
    async_db: Any, sent_commands: Any
) -> None:
    await Tenanted.objects.async_insert([Tenanted(number=n) for n in range(50)])
    queryset = Tenanted.objects.order_by("number").batch_size(10)
    sent_commands.clear()

    async def read() -> list[int]:
        return [document.number async for document in queryset]

    seen = await asyncio.gather(*(read() for _ in range(50)))
    assert seen == [list(range(50))] * 50
    assert sent_commands.names.count("find") == 1


@pytest.mark.slow
async def test_counters_give_each_task_a_number_of_its_own(async_db: Any) -> None:
    saved = await asyncio.gather(*(Ticket().async_save() for _ in range(200)))
    assert len({document.number for document in saved}) == 200


# -- tenants --------------------------------------------------------------------


@pytest.mark.slow
async def test_a_thousand_tasks_each_in_their_tenants_database(
    async_db: Any, settings: dict[str, Any]
) -> None:
    aliases = tenants(settings)

    async def work(number: int) -> None:
        alias = aliases[number % TENANTS]
        async with async_switch_db(Tenanted, alias) as Switched:
            assert Switched is Tenanted
            await Switched(tenant=alias, number=number).async_save()
            await asyncio.sleep(0)
            assert where() == (alias, "tenanted")
            assert await Switched.objects(tenant__ne=alias).async_count() == 0
            found = await Switched.objects.async_get(number=number)
            assert found.tenant == alias
        assert where() == HOME

    await asyncio.gather(*map(work, range(TASKS)))
    assert where() == HOME
    assert await Tenanted.objects.async_count() == 0
    for alias in aliases:
        async with async_switch_db(Tenanted, alias):
            assert await Tenanted.objects.async_distinct("tenant") == [alias]
            assert await Tenanted.objects.async_count() == TASKS // TENANTS


@pytest.mark.slow
async def test_a_thousand_tasks_each_in_their_tenants_collection(
    async_db: Any,
) -> None:
    async def work(number: int) -> None:
        name = f"tenant_{number % TENANTS}"
        async with async_switch_collection(Tenanted, name):
            await Tenanted(tenant=name, number=number).async_save()
            await asyncio.sleep(0)
            assert where() == ("default", name)
            assert await Tenanted.objects(tenant__ne=name).async_first() is None
            assert (await Tenanted.objects.async_get(number=number)).tenant == name
        assert where() == HOME

    await asyncio.gather(*map(work, range(TASKS)))
    assert await Tenanted.objects.async_count() == 0
    assert await async_db["tenant_3"].count_documents({}) == TASKS // TENANTS


async def test_a_queryset_and_a_document_stay_where_they_were_made(
    async_db: Any, settings: dict[str, Any]
) -> None:
    (alias,) = tenants(settings, 1)
    async with async_switch_db(Tenanted, alias):
        await Tenanted(tenant=alias).async_save()
        queryset = Tenanted.objects(tenant=alias)
    assert await queryset.async_count() == 1
    assert await Tenanted.objects.async_count() == 0


async def test_databases_and_collections_switch_together(
    async_db: Any, settings: dict[str, Any]
) -> None:
    aliases = tenants(settings, 4)

    async def work(number: int) -> None:
        alias, name = aliases[number % 4], f"tenant_{number % 3}"
        async with async_switch_db(Tenanted, alias):
            async with async_switch_collection(Tenanted, name):
                await asyncio.sleep(0)
                assert where() == (alias, name)
                async with async_switch_db(Tenanted, aliases[0]):
                    await asyncio.sleep(0)
                    assert where() == (aliases[0], name)
            assert where() == (alias, "tenanted")
        assert where() == HOME

    await asyncio.gather(*map(work, range(200)))


# -- what a task inherits, and what it leaves -----------------------------------

SWITCHES_OF_TASKS: dict[str, Callable[[], Any]] = {
    "switch_db": lambda: async_switch_db(Tenanted, "elsewhere"),
    "switch_collection": lambda: async_switch_collection(Tenanted, "elsewhere"),
    "no_dereference": lambda: async_no_dereference(Keeper),
    "no_sub_classes": lambda: async_no_sub_classes(Tenanted),
}
EACH_SWITCH = pytest.mark.parametrize(
    "switch", SWITCHES_OF_TASKS.values(), ids=SWITCHES_OF_TASKS
)


def state() -> tuple[Any, ...]:
    """All that can be switched, as this task sees it."""
    return (
        where(),
        where(TenantedChild),
        no_dereferencing_active_for_class(Keeper),
        context.dereferencing_of_field_is_off(Keeper.of),
        context.sub_classes_are_off(Tenanted),
    )


@EACH_SWITCH
async def test_children_inherit_and_parents_do_not(switch: Any) -> None:
    outside = state()

    async def child() -> tuple[Any, ...]:
        await asyncio.sleep(0)
        inherited = state()
        async with async_switch_collection(Tenanted, "of_the_child"):
            await asyncio.sleep(0)
        return inherited

    async with switch():
        inside = state()
        assert inside != outside
        children = [asyncio.create_task(child()) for _ in range(10)]
        await asyncio.sleep(0)
        assert state() == inside
        assert await asyncio.gather(*children) == [inside] * 10
        late = asyncio.create_task(child())
    assert state() == outside
    assert await late == inside
    assert await asyncio.create_task(child()) == outside


@EACH_SWITCH
async def test_nothing_leaks_after_an_exception(switch: Any) -> None:
    outside = state()
    with pytest.raises(KeyError):
        async with switch():
            raise KeyError
    assert state() == outside


@EACH_SWITCH
async def test_nothing_leaks_after_cancellation(switch: Any) -> None:
    outside = state()
    after: list[Any] = []
    entered = asyncio.Event()

    async def work() -> None:
        try:
            async with switch():
                entered.set()
                await asyncio.sleep(60)
        finally:
            after.append(state())

    task = asyncio.create_task(work())
    await entered.wait()
    assert state() == outside
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert after == [outside]
    assert state() == outside


@EACH_SWITCH
async def test_nothing_leaks_after_a_timeout(switch: Any) -> None:
    outside = state()

    async def work() -> None:
        async with switch():
            await asyncio.sleep(60)

    for _ in range(3):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(work(), 0.01)
    assert state() == outside


async def test_a_cancelled_operation_leaves_the_switched_class_as_it_was(
    async_db: Any, settings: dict[str, Any]
) -> None:
    (alias,) = tenants(settings, 1)

    async def work() -> None:
        async with async_switch_db(Tenanted, alias):
            while True:
                await Tenanted(tenant=alias).async_save()

    running = [asyncio.create_task(work()) for _ in range(20)]
    await asyncio.sleep(0.1)
    left: Any = running
    while left:
        # Again, as before Python 3.12 `asyncio.wait_for`, with which PyMongo writes,
        # may lose a cancellation (https://github.com/python/cpython/issues/86296).
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1)
    assert where() == HOME
    assert await Tenanted.objects.async_count() == 0


# -- threads --------------------------------------------------------------------


def in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    """Run `work(0)`, `work(1)`, ... at once; raise what any of them raised."""
    barrier = threading.Barrier(count)

    def at_once(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(at_once, range(count)))


def test_threads_switch_ten_thousand_times_and_see_only_their_own(
    db: Any, settings: dict[str, Any]
) -> None:
    aliases = tenants(settings, THREADS)
    Tenanted(tenant="home").save()
    for alias in aliases:
        with switch_db(Tenanted, alias):
            Tenanted(tenant=alias, number=0).save()
            with switch_collection(Tenanted, "other"):
                Tenanted(tenant=f"{alias}/other", number=0).save()
    rounds = SWITCHES // THREADS // 2  # a database and a collection each

    def work(number: int) -> None:
        alias = aliases[number]
        for turn in range(rounds):
            with switch_db(Tenanted, alias):
                assert where() == (alias, "tenanted")
                if turn % 25 == 0:
                    assert Tenanted.objects.scalar("tenant").to_list() == [alias]
                    Tenanted.objects(tenant=alias).update_one(inc__number=1)
                with switch_collection(Tenanted, "other"):
                    assert where() == (alias, "other")
                    if turn % 25 == 0:
                        assert Tenanted.objects.get().tenant == f"{alias}/other"
                assert where() == (alias, "tenanted")
            assert where() == HOME

    in_threads(work)
    assert where() == HOME
    assert Tenanted.objects.get().tenant == "home"
    for alias in aliases:
        with switch_db(Tenanted, alias):
            assert Tenanted.objects.get().number == -(-rounds // 25)


def test_threads_fill_their_own_collections(db: Any) -> None:
    def work(number: int) -> None:
        name = f"of_thread_{number}"
        for turn in range(50):
            with switch_collection(Tenanted, name):
                Tenanted(tenant=name, number=turn).save()
                assert Tenanted.objects(tenant__ne=name).first() is None
        with switch_collection(Tenanted, name):
            assert Tenanted.objects.count() == 50

    in_threads(work)
    assert Tenanted.objects.count() == 0


def test_no_dereference_belongs_to_its_thread(db: Any) -> None:
    owner = Keeper(of=Tenanted(tenant="t").save()).save()

    def work(number: int) -> None:
        for _ in range(50):
            if number % 2:
                with no_dereference(Keeper):
                    found = Keeper.objects.get(pk=owner.pk)
                    assert not isinstance(found.of, Tenanted)
            else:
                assert isinstance(Keeper.objects.get(pk=owner.pk).of, Tenanted)

    in_threads(work, 4)


def test_threads_connect_and_disconnect_at_once(settings: dict[str, Any]) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            alias = f"own{number}_{turn}"
            connect(alias=alias, **settings)
            connect(**settings)
            assert get_db(alias).name == settings["name"]
            disconnect(alias)

    in_threads(work)


def test_counters_give_each_thread_a_number_of_its_own(db: Any) -> None:
    numbers: list[int] = []

    def work(_: int) -> None:
        numbers.extend(Ticket().save().number for _ in range(25))

    in_threads(work, 4)
    assert len(set(numbers)) == 100


# -- both families at once ------------------------------------------------------


async def test_both_families_work_on_one_alias_at_once(both: Any) -> None:
    loop = asyncio.get_running_loop()

    def blocking(number: int) -> None:
        name = f"of_thread_{number}"
        for turn in range(25):
            Tenanted(tenant="blocking", number=turn).save()
            with switch_collection(Tenanted, name):
                Tenanted(tenant=name).save()
                assert Tenanted.objects(tenant__ne=name).count() == 0

    async def awaited(number: int) -> None:
        name = f"of_task_{number}"
        await Tenanted(tenant="async", number=number).async_save()
        async with async_switch_collection(Tenanted, name):
            await Tenanted(tenant=name).async_save()
            assert await Tenanted.objects(tenant__ne=name).async_count() == 0

    with ThreadPoolExecutor(4) as pool:
        await asyncio.gather(
            *(loop.run_in_executor(pool, blocking, n) for n in range(4)),
            *map(awaited, range(100)),
        )
    assert await Tenanted.objects(tenant="blocking").async_count() == 100
    assert Tenanted.objects(tenant="async").count() == 100
    assert Tenanted.objects.count() == 200


def test_what_a_thread_changes_while_another_one_saves_is_stored(
    connection: Any, db: Any
) -> None:
    class ConcurrentPlayer(Document):
        gold = IntField(default=0)
        items = ListField(IntField())
        bag = DictField()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(30):
            player = ConcurrentPlayer().save()
            done = threading.Event()

            def autosave(player: Any = player, done: Any = done) -> None:
                while not done.is_set():
                    player.save()

            saver = threading.Thread(target=autosave)
            saver.start()
            for number in range(1, 100):
                player.gold = number
                player.items.append(number)
                player.bag[f"k{number}"] = number
            done.set()
            saver.join()
            player.save()
            raw = db.concurrent_player.find_one({"_id": player.id})
            assert (raw["gold"], len(raw["items"]), len(raw["bag"])) == (99, 99, 99)
    finally:
        sys.setswitchinterval(interval)
