"""Switching databases, collections, dereferencing, subclasses and concerns."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import WriteConcern
from pymongo.errors import InvalidOperation, OperationFailure
from pymongo.read_concern import ReadConcern

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    ListField,
    ReferenceField,
    StringField,
    connection,
)
from mongoengine.base import context
from mongoengine.connection import (
    ConnectionFailure,
    _get_session,
    connect,
    connect_async,
    disconnect_async,
    get_async_db,
    get_db,
    register_connection,
)
from mongoengine.context_managers import (
    async_no_dereference,
    async_no_sub_classes,
    async_query_counter,
    async_run_in_transaction,
    async_set_read_write_concern,
    async_set_write_concern,
    async_switch_collection,
    async_switch_db,
    no_dereference,
    no_dereferencing_active_for_class,
    no_sub_classes,
    query_counter,
    run_in_transaction,
    set_read_write_concern,
    set_write_concern,
    switch_collection,
    switch_db,
)
from tests.waiting import LIMIT


class Animal(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class Dog(Animal):
    pass


class Address(EmbeddedDocument):
    keeper = ReferenceField(Animal)


class Zoo(Document):
    star = ReferenceField(Animal)
    animals = ListField(ReferenceField(Animal))
    address = EmbeddedDocumentField(Address)


@pytest.fixture
def archive(settings: dict[str, Any]) -> str:
    """An alias of a second database."""
    register_connection("archive", **{**settings, "name": settings["name"] + "_b"})
    return "archive"


# -- switch_db ----------------------------------------------------------------


def test_switch_db_gives_the_class_on_the_other_database(db: Any, archive: str) -> None:
    with switch_db(Animal, archive) as Switched:
        assert Switched is Animal
        Animal(name="rex").save()
    assert get_db(archive)["animal"].count_documents({}) == 1
    assert db["animal"].count_documents({}) == 0
    assert Animal.objects.count() == 0


def test_switch_db_stores_nothing_on_the_class(db: Any, archive: str) -> None:
    before = dict(Animal._meta)
    with switch_db(Animal, archive):
        assert dict(Animal._meta) == before


def test_switch_db_leaves_subclasses_where_they_are(db: Any, archive: str) -> None:
    with switch_db(Animal, archive):
        assert Animal._get_db().name == get_db(archive).name
        assert Dog._get_db().name == db.name


def test_switch_db_nests(db: Any, archive: str, settings: Any) -> None:
    register_connection("third", **settings)
    with switch_db(Animal, archive):
        with switch_db(Animal, "third"):
            assert context.alias_of(Animal) == "third"
        assert context.alias_of(Animal) == archive
    assert context.alias_of(Animal) == "default"


def test_switch_db_ends_with_an_exception(db: Any, archive: str) -> None:
    with pytest.raises(ZeroDivisionError), switch_db(Animal, archive):
        raise ZeroDivisionError
    assert context.alias_of(Animal) == "default"


def test_a_queryset_keeps_the_database_it_was_made_for(db: Any, archive: str) -> None:
    with switch_db(Animal, archive):
        Animal(name="rex").save()
        archived = Animal.objects(name="rex")
    assert archived.count() == 1


def test_switch_db_to_an_alias_that_nobody_defined(db: Any) -> None:
    with switch_db(Animal, "nowhere"), pytest.raises(ConnectionFailure) as caught:
        Animal.objects.first()
    assert str(caught.value) == 'Connection with alias "nowhere" has not been defined'


def test_threads_do_not_see_each_others_databases(db: Any, settings: Any) -> None:
    wrong: list[Any] = []

    def tenant(number: int) -> None:
        alias = f"tenant{number}"
        name = f"{settings['name']}_{number}"
        connect(alias=alias, **{**settings, "name": name})
        for _ in range(2500):
            with switch_db(Animal, alias):
                if Animal._get_db().name != name:
                    wrong.append(number)

    threads = [threading.Thread(target=tenant, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


async def test_async_switch_db(async_db: Any, settings: Any) -> None:
    name = settings["name"] + "_b"
    await connect_async(alias="archive", **{**settings, "name": name})
    async with async_switch_db(Animal, "archive") as Switched:
        assert Switched is Animal
        await Animal(name="rex").async_save()
    assert await get_async_db("archive")["animal"].count_documents({}) == 1
    assert await Animal.objects.async_count() == 0
    await disconnect_async("archive")


@pytest.mark.slow
async def test_a_thousand_tasks_each_see_their_tenant(
    async_db: Any, settings: Any
) -> None:
    tenants = [f"{settings['name']}_{number}" for number in range(5)]
    for name in tenants:
        await connect_async(alias=name, **{**settings, "name": name})
        async with async_switch_db(Animal, name):
            await Animal(name=name).async_save()

    async def read(name: str) -> str | None:
        async with async_switch_db(Animal, name):
            await asyncio.sleep(0)
            found = await Animal.objects.async_get()
            return found.name

    wanted = [tenants[n % 5] for n in range(1000)]
    assert await asyncio.gather(*map(read, wanted)) == wanted
    assert context.alias_of(Animal) == "default"
    for name in tenants:
        await disconnect_async(name)


async def test_child_tasks_inherit_and_cannot_change_their_parent() -> None:
    async def child() -> tuple[str, str]:
        inherited = context.alias_of(Animal)
        async with async_switch_db(Animal, "child"):
            return inherited, context.alias_of(Animal)

    async with async_switch_db(Animal, "parent"):
        assert await asyncio.create_task(child()) == ("parent", "child")
        assert context.alias_of(Animal) == "parent"


async def test_nothing_leaks_after_cancellation() -> None:
    after: list[Any] = []

    async def work() -> None:
        try:
            async with async_switch_db(Animal, "x"):
                await asyncio.sleep(10)
        finally:
            after.append(context.alias_of(Animal))

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert after == ["default"]


# -- switch_collection --------------------------------------------------------


def test_switch_collection_gives_the_class_on_the_other_collection(db: Any) -> None:
    with switch_collection(Animal, "archived") as Switched:
        assert Switched is Animal
        assert Animal._get_collection_name() == "archived"
        Animal(name="rex").save()
    assert db["archived"].count_documents({}) == 1
    assert Animal._get_collection_name() == "animal"
    assert Animal.objects.count() == 0


def test_subclasses_follow_a_switched_collection(db: Any) -> None:
    with switch_collection(Animal, "archived"):
        assert Dog._get_collection_name() == "archived"
    with switch_collection(Dog, "dogs"), switch_collection(Animal, "archived"):
        assert Dog._get_collection_name() == "dogs"
        assert Animal._get_collection_name() == "archived"


async def test_async_switch_collection(async_db: Any) -> None:
    async with async_switch_collection(Animal, "archived"):
        await Animal(name="rex").async_save()
    assert await async_db["archived"].count_documents({}) == 1
    assert await Animal.objects.async_count() == 0


# -- no_sub_classes -----------------------------------------------------------


def test_no_sub_classes(db: Any) -> None:
    Animal(name="a").save()
    Dog(name="d").save()
    with no_sub_classes(Animal) as Switched:
        assert Switched is Animal
        assert [animal.name for animal in Animal.objects] == ["a"]
    assert Animal.objects.count() == 2


async def test_async_no_sub_classes(async_db: Any) -> None:
    await Animal(name="a").async_save()
    await Dog(name="d").async_save()
    async with async_no_sub_classes(Animal):
        assert await Animal.objects.async_count() == 1
    assert await Animal.objects.async_count() == 2


# -- no_dereference -----------------------------------------------------------


@pytest.fixture
def zoo(db: Any) -> Zoo:
    rex = Animal(name="rex").save()
    return Zoo(star=rex, animals=[rex], address=Address(keeper=rex)).save()


def kinds(zoo: Zoo) -> list[str]:
    values = [zoo.star, zoo.animals[0], zoo.address.keeper]
    return [type(value).__name__ for value in values]


def test_no_dereference_gives_what_is_stored(zoo: Zoo) -> None:
    with no_dereference(Zoo) as given:
        assert given is None
        inside = Zoo.objects.get()
        assert "Animal" not in kinds(inside)
    assert kinds(Zoo.objects.get()) == ["Animal"] * 3


def test_what_was_loaded_inside_stays_as_it_is(zoo: Zoo) -> None:
    with no_dereference(Zoo):
        inside = Zoo.objects.get()
    assert "Animal" not in kinds(inside)


def test_no_dereferencing_active_for_class() -> None:
    assert no_dereferencing_active_for_class(Zoo) is False
    with no_dereference(Zoo):
        with no_dereference(Zoo):
            assert no_dereferencing_active_for_class(Zoo) is True
        assert no_dereferencing_active_for_class(Zoo) is True
        assert no_dereferencing_active_for_class(Animal) is False
    assert no_dereferencing_active_for_class(Zoo) is False


def test_while_a_block_runs_no_field_follows_references(zoo: Zoo) -> None:
    loaded = Zoo.objects.get()
    with no_dereference(Address):
        assert "Animal" not in kinds(loaded)


async def test_async_no_dereference(async_db: Any) -> None:
    rex = await Animal(name="rex").async_save()
    await Zoo(star=rex, animals=[rex], address=Address(keeper=rex)).async_save()
    async with async_no_dereference(Zoo):
        inside = await Zoo.objects.async_get()
        assert "Animal" not in kinds(inside)


# -- concerns -----------------------------------------------------------------


def test_set_write_concern_adds_to_that_of_the_collection(db: Any) -> None:
    collection = db["x"].with_options(write_concern=WriteConcern(w=1))
    with set_write_concern(collection, {"j": True}) as changed:
        assert changed.write_concern == WriteConcern(w=1, j=True)
    assert collection.write_concern == WriteConcern(w=1)


def test_set_read_write_concern_changes_either(db: Any) -> None:
    with set_read_write_concern(db["x"], {"w": 1}, {"level": "local"}) as changed:
        assert changed.write_concern == WriteConcern(w=1)
        assert changed.read_concern == ReadConcern("local")
    with set_read_write_concern(db["x"], None, None) as changed:
        assert changed.write_concern == db["x"].write_concern
        assert changed.read_concern == db["x"].read_concern


async def test_the_async_twins_work_on_async_collections(async_db: Any) -> None:
    async with async_set_write_concern(async_db["x"], {"w": 1}) as changed:
        assert changed.write_concern == WriteConcern(w=1)
        await changed.insert_one({})
    async with async_set_read_write_concern(
        async_db["x"], {"w": 1}, {"level": "local"}
    ) as changed:
        assert changed.read_concern == ReadConcern("local")
        assert await changed.count_documents({}) == 1


# -- query_counter ------------------------------------------------------------


def test_query_counter_counts_what_reaches_the_server(db: Any) -> None:
    with query_counter() as queries:
        assert queries == 0
        db["x"].insert_one({})
        assert queries == 1
        db["x"].find_one()
        db["x"].count_documents({})
        assert queries == 3
        assert int(queries) == 3
        assert repr(queries) == "3"
        assert queries != 2
        assert 2 < queries < 4
        assert 3 <= queries <= 3


def test_query_counter_puts_the_profiling_level_back(db: Any) -> None:
    db.command("profile", 1)
    with query_counter():
        assert db.command("profile", -1)["was"] == 2
    assert db.command("profile", 0)["was"] == 1


def test_query_counter_of_another_alias(db: Any, archive: str) -> None:
    with query_counter(archive) as queries:
        assert queries.db is get_db(archive)
        db["x"].insert_one({})
        assert queries == 0
        get_db(archive)["x"].insert_one({})
        assert queries == 1


async def test_async_query_counter(async_db: Any) -> None:
    async with async_query_counter() as queries:
        await async_db["x"].insert_one({})
        assert await queries.async_count() == 1
        with pytest.raises(RuntimeError, match=r"await counter.async_count\(\)"):
            assert queries == 1
        await async_db["x"].find_one()
    assert queries == 2


# -- run_in_transaction -------------------------------------------------------


@pytest.fixture
def sessions(server: Any) -> Iterator[None]:
    """No block leaves a session behind."""
    yield
    assert _get_session() is None


pytestmark = pytest.mark.usefixtures("sessions")


def test_a_transaction_is_committed_with_its_block(db: Any) -> None:
    Animal(name="before").save()
    with run_in_transaction() as session:
        assert session is _get_session()
        Animal(name="a").save()
        Animal(name="b").save()
        assert db["animal"].count_documents({}) == 1
        assert Animal.objects.count() == 3
    assert db["animal"].count_documents({}) == 3


def test_a_transaction_is_rolled_back_with_an_exception(db: Any) -> None:
    rex = Animal(name="rex").save()
    with pytest.raises(ZeroDivisionError), run_in_transaction():
        rex.update(name="max")
        Animal(name="a").save()
        raise ZeroDivisionError
    assert [animal.name for animal in Animal.objects] == ["rex"]


def test_every_operation_of_the_block_has_the_session(
    db: Any, sent_commands: Any
) -> None:
    Animal(name="rex").save()
    sent_commands.clear()
    with run_in_transaction():
        Animal(name="a").save()
        Animal.objects.first()
        Animal.objects.count()
        Animal.objects(name="a").count()
        Animal.objects.update(name="b")
        Animal.objects.distinct("name")
        list(Animal.objects.aggregate([]))
        Animal.objects(name="b").delete()
    names = [e.command_name for e in sent_commands.events if "txnNumber" in e.command]
    outside = [
        e.command_name for e in sent_commands.events if "autocommit" not in e.command
    ]
    assert outside == []
    assert names[-1] == "commitTransaction"


def test_two_threads_have_transactions_of_their_own(db: Any) -> None:
    Animal(name="rex").save()
    both_open = threading.Barrier(2)
    sessions: list[Any] = []

    def work(name: str) -> None:
        with run_in_transaction():
            Animal(name=name).save()
            sessions.append(_get_session())
            both_open.wait(LIMIT)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sessions[0] is not sessions[1]
    assert Animal.objects.count() == 3


def test_a_transaction_is_given_its_options(db: Any) -> None:
    with run_in_transaction(
        session_kwargs={"causal_consistency": False},
        transaction_kwargs={"write_concern": WriteConcern(w=1)},
    ):
        session = _get_session()
        assert session.options.causal_consistency is False
        assert session._transaction.opts.write_concern == WriteConcern(w=1)


def test_options_that_are_refused_leave_no_session(db: Any) -> None:
    with pytest.raises(TypeError), run_in_transaction(transaction_kwargs={"x": 1}):
        pass


class FlakyCommit:
    """A session whose commit fails some times first."""

    def __init__(self, session: Any, label: str, times: int) -> None:
        self.session, self.label, self.times = session, label, times
        self.attempts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def commit_transaction(self) -> None:
        self.attempts += 1
        if self.attempts <= self.times:
            raise OperationFailure("lost", 1, {"errorLabels": [self.label]})
        self.session.commit_transaction()


@pytest.fixture
def flaky(db: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    start, made = db.client.start_session, []

    def make(label: str, times: int) -> list[Any]:
        monkeypatch.setattr(
            db.client,
            "start_session",
            lambda **kw: made.append(FlakyCommit(start(**kw), label, times)) or made[0],
        )
        return made

    return make


def test_a_commit_of_unknown_result_is_tried_again(flaky: Any) -> None:
    made = flaky("UnknownTransactionCommitResult", 2)
    with run_in_transaction():
        pass
    assert made[0].attempts == 3


def test_a_transient_error_of_the_commit_is_raised(flaky: Any) -> None:
    made = flaky("TransientTransactionError", 1)
    with pytest.raises(OperationFailure, match="lost"), run_in_transaction():
        pass
    assert made[0].attempts == 1


async def test_async_transactions_commit_and_roll_back(async_db: Any) -> None:
    await Animal(name="rex").async_save()
    async with async_run_in_transaction() as session:
        assert session is _get_session()
        await Animal(name="a").async_save()
        assert await async_db["animal"].count_documents({}) == 1
    with pytest.raises(ZeroDivisionError):
        async with async_run_in_transaction():
            await Animal(name="b").async_save()
            raise ZeroDivisionError
    assert await Animal.objects.async_scalar("name") == ["rex", "a"]


async def test_two_tasks_have_transactions_of_their_own(async_db: Any) -> None:
    await Animal(name="rex").async_save()
    both_open = asyncio.Event()
    sessions: list[Any] = []

    async def work(name: str) -> None:
        async with async_run_in_transaction():
            await Animal(name=name).async_save()
            sessions.append(_get_session())
            if len(sessions) == 2:
                both_open.set()
            await both_open.wait()
            assert _get_session() in sessions

    await asyncio.gather(work("a"), work("b"))
    assert sessions[0] is not sessions[1]
    assert await Animal.objects.async_count() == 3


async def test_a_cancelled_transaction_is_aborted_and_its_session_returned(
    async_db: Any, sent_commands: Any
) -> None:
    await Animal(name="rex").async_save()
    begun = asyncio.Event()
    sessions: list[Any] = []

    async def work() -> None:
        async with async_run_in_transaction():
            sessions.append(_get_session())
            await Animal(name="a").async_save()
            begun.set()
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sessions[0].has_ended
    assert "abortTransaction" in sent_commands.names
    assert await Animal.objects.async_count() == 1


async def test_cancelling_twice_still_aborts(async_db: Any, sent_commands: Any) -> None:
    await Animal(name="rex").async_save()
    begun = asyncio.Event()

    async def work() -> None:
        async with async_run_in_transaction():
            await Animal(name="a").async_save()
            begun.set()
            await asyncio.sleep(10)

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sent_commands.until_sent("abortTransaction")


async def test_a_task_that_outlives_the_block_goes_on_without_the_session(
    async_db: Any,
) -> None:
    await Animal(name="rex").async_save()
    ended = asyncio.Event()

    async def child() -> Any:
        inside = _get_session()
        await ended.wait()
        assert _get_session() is None
        await Animal(name="late").async_save()
        return inside

    async with async_run_in_transaction():
        session = _get_session()
        task = asyncio.create_task(child())
        await asyncio.sleep(0)
    ended.set()
    assert await task is session


async def test_the_wrong_family_is_told(async_db: Any) -> None:
    with pytest.raises(RuntimeError, match=r"Use async_run_in_transaction\(\) with"):
        with run_in_transaction():
            pass
    with pytest.raises(RuntimeError, match="Use async_query_counter"):
        with query_counter():
            pass


def test_an_explicit_session_is_bound_for_a_block(db: Any) -> None:
    with db.client.start_session() as session:
        with connection.bound_session(session):
            assert _get_session() is session
            with connection.bound_session(None):
                assert _get_session() is session
        assert _get_session() is None


def test_an_explicit_session_that_has_ended_is_an_error(db: Any) -> None:
    session = db.client.start_session()
    session.end_session()
    with connection.bound_session(session), pytest.raises(InvalidOperation):
        Animal.objects.first()
