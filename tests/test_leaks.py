"""No way of leaving an operation leaves a cursor or a session behind.

Cursors are counted by the server (`serverStatus`, `metrics.cursor.open`), sessions
by noting PyMongo's as they are made.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient, version_tuple
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from mongoengine import Document, IntField, ListField, StringField, connect
from mongoengine.connection import connect_async, disconnect_async
from mongoengine.errors import FieldDoesNotExist, OperationError
from mongoengine.signals import post_bulk_insert, signals_available
from tests.families import SentCommands
from tests.waiting import until, wait_until

#: Without retries, and noticing soon that a server is there again.
IMPATIENT: dict[str, Any] = {
    "retryReads": False,
    "retryWrites": False,
    "serverMonitoringMode": "poll",
    "heartbeatFrequencyMS": 500,
}
BOOKS = 60
BATCH = 10
LONG = 3600.0  # seconds that nobody waits for
#: The server answers after half a second: there is time to cancel the command.
HOLD_UP: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 500}


class LeakBook(Document):
    number = IntField()
    title = StringField()
    tags = ListField(StringField())


ERRORS: dict[str, dict[str, Any]] = {
    "refused": {"errorCode": 8000},
    "connection closed": {"closeConnection": True},
}
FAILING_KINDS = ("cached", "no_cache", "prefetch, no cache", "batches")
FAILING = pytest.mark.parametrize("how", ERRORS.values(), ids=ERRORS)
FAILING_BOTH = pytest.mark.parametrize(
    ("command", "how"),
    [
        pytest.param(command, how, id=f"{command}-{name}")
        for command in ("find", "getMore")
        for name, how in ERRORS.items()
    ],
)


def leaked_by_pymongo_before(release: tuple[int, int], what: str) -> None:
    """Skip where plain PyMongo leaves the same open, until a release of its own."""
    if version_tuple < release:
        number = ".".join(map(str, release))
        pytest.skip(f"PyMongo before {number} itself leaves {what}")


class Ours(Exception):
    """Raised by a test in the middle of a loop."""


# -- what is open ---------------------------------------------------------------


def open_cursors(server: MongoClient[Any]) -> int:
    status = server.admin.command("serverStatus")
    count: int = status["metrics"]["cursor"]["open"]["total"]
    return count


class Watch:
    """Return what is open now and was not when the test began."""

    def __init__(self, server: MongoClient[Any], begun: weakref.WeakSet[Any]) -> None:
        self.server = server
        self.cursors_before = open_cursors(server)
        self.begun = begun

    def left(self) -> tuple[int, list[Any]]:
        sessions = [session for session in self.begun if not session.has_ended]
        return open_cursors(self.server) - self.cursors_before, sessions

    def in_the_middle(self) -> None:
        assert open_cursors(self.server) > self.cursors_before

    def nothing_is_left(self) -> None:
        assert self.left() == (0, [])

    async def nothing_is_left_soon(self) -> None:
        """The same, with time for the loop to finish what was dropped."""
        await until(lambda: self.left() == (0, []))


@pytest.fixture
def watch(server: MongoClient[Any], monkeypatch: pytest.MonkeyPatch) -> Watch:
    begun: weakref.WeakSet[Any] = weakref.WeakSet()
    for kind in (ClientSession, AsyncClientSession):
        monkeypatch.setattr(kind, "__init__", noting(begun, kind.__init__))
    return Watch(server, begun)


def noting(begun: weakref.WeakSet[Any], init: Any) -> Any:
    """Return a constructor of sessions that notes them."""

    def note(session: Any, *args: Any, **kwargs: Any) -> None:
        init(session, *args, **kwargs)
        begun.add(session)

    return note


@pytest.fixture
def fail(server: MongoClient[Any]) -> Iterator[Callable[..., None]]:
    """Let the server fail its next commands of some name."""

    def fail(command: str, times: int = 1, **how: Any) -> None:
        server.admin.command(
            "configureFailPoint",
            "failCommand",
            mode={"times": times},
            data={"failCommands": [command], **how},
        )

    yield fail
    server.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.fixture
def sync_books(settings: dict[str, Any]) -> MongoClient[Any]:
    client = connect(**settings, **IMPATIENT)
    LeakBook.objects.insert(
        [LeakBook(number=n, title=str(n)) for n in range(BOOKS)], load_bulk=False
    )
    return client


@pytest.fixture
async def async_books(
    settings: dict[str, Any],
) -> AsyncIterator[AsyncMongoClient[Any]]:
    yield await connect_async(**settings, **IMPATIENT)
    await disconnect_async()


@pytest.fixture
async def filled(async_books: AsyncMongoClient[Any]) -> AsyncMongoClient[Any]:
    await LeakBook.objects.async_insert(
        [LeakBook(number=n, title=str(n)) for n in range(BOOKS)], load_bulk=False
    )
    return async_books


# -- leaving a blocking loop ----------------------------------------------------

KINDS: dict[str, Callable[[], Any]] = {
    "cached": lambda: LeakBook.objects.batch_size(BATCH),
    "no_cache": lambda: LeakBook.objects.batch_size(BATCH).no_cache(),
    "as_pymongo": lambda: LeakBook.objects.batch_size(BATCH).as_pymongo(),
}
SYNC_KINDS = {
    **KINDS,
    "aggregate": lambda: LeakBook.objects.aggregate(
        [{"$sort": {"number": 1}}], batchSize=BATCH
    ),
}
ASYNC_KINDS = {
    **KINDS,
    "prefetch": lambda: LeakBook.objects.batch_size(BATCH).prefetch(),
    "prefetch, no cache": lambda: (
        LeakBook.objects.batch_size(BATCH).no_cache().prefetch()
    ),
    "batches": lambda: LeakBook.objects.batch_size(BATCH).async_batches(3),
    "aggregate": lambda: LeakBook.objects.async_aggregate(
        [{"$sort": {"number": 1}}], batchSize=BATCH
    ),
}


def exhaust(books: Any, watch: Watch) -> None:
    assert len(list(books)) == BOOKS


def break_off(books: Any, watch: Watch) -> None:
    for _ in books:
        watch.in_the_middle()
        break


def raise_inside(books: Any, watch: Watch) -> None:
    with pytest.raises(Ours):
        for _ in books:
            raise Ours


def close_iterator(books: Any, watch: Watch) -> None:
    iterator = iter(books)
    next(iterator)
    watch.in_the_middle()
    iterator.close()


def drop_iterator(books: Any, watch: Watch) -> None:
    iterator = iter(books)
    next(iterator)
    watch.in_the_middle()
    del iterator


def two_loops(books: Any, watch: Watch) -> None:
    for _ in books:
        for _ in books:
            break
        break


SYNC_WAYS = (
    exhaust,
    break_off,
    raise_inside,
    close_iterator,
    drop_iterator,
    two_loops,
)


@pytest.mark.parametrize("kind", SYNC_KINDS)
@pytest.mark.parametrize("way", SYNC_WAYS, ids=lambda way: way.__name__)
def test_leaving_a_blocking_loop(
    kind: str, way: Any, sync_books: Any, watch: Watch
) -> None:
    books = SYNC_KINDS[kind]()
    way(books, watch)
    if kind == "aggregate":
        books.close()  # PyMongo's own cursor: the caller's to close
    watch.nothing_is_left()


def test_a_queryset_that_was_stepped_through_goes_with_its_cursor(
    sync_books: Any, watch: Watch
) -> None:
    books = LeakBook.objects.batch_size(BATCH)
    assert isinstance(next(books), LeakBook)
    watch.in_the_middle()
    del books
    wait_until(lambda: watch.left() == (0, []))


@pytest.mark.parametrize("kind", ["cached", "no_cache"])
def test_a_document_that_cannot_be_loaded_ends_a_blocking_loop(
    kind: str, sync_books: Any, watch: Watch, server: Any, database_name: str
) -> None:
    books = server[database_name].leak_book
    books.update_one({"number": 2 * BATCH}, {"$set": {"unknown": 1}})
    with pytest.raises(FieldDoesNotExist):
        for _ in KINDS[kind]():
            pass
    watch.nothing_is_left()


# -- leaving an asynchronous loop -----------------------------------------------


async def a_exhaust(books: Any, watch: Watch) -> None:
    seen = [book async for book in books]
    assert sum(len(b) if type(b) is list else 1 for b in seen) == BOOKS


async def a_break_off(books: Any, watch: Watch) -> None:
    async for _ in books:
        watch.in_the_middle()
        break


async def a_raise_inside(books: Any, watch: Watch) -> None:
    with pytest.raises(Ours):
        async for _ in books:
            raise Ours


async def a_closing(books: Any, watch: Watch) -> None:
    async with contextlib.aclosing(books.__aiter__()) as closing:
        async for _ in closing:
            break
    watch.nothing_is_left()


async def a_drop_iterator(books: Any, watch: Watch) -> None:
    iterator = books.__aiter__()
    await iterator.__anext__()
    del iterator


async def a_two_loops(books: Any, watch: Watch) -> None:
    async for _ in books:
        async for _ in books:
            break
        break


async def a_cancel(books: Any, watch: Watch) -> None:
    reached = asyncio.Event()

    async def read() -> None:
        async for _ in books:
            reached.set()
            await asyncio.sleep(LONG)

    task = asyncio.create_task(read())
    await reached.wait()
    watch.in_the_middle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def a_time_out(books: Any, watch: Watch) -> None:
    async def read() -> None:
        async for _ in books:
            await asyncio.sleep(LONG)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(read(), 0.1)


ASYNC_WAYS = (
    a_exhaust,
    a_break_off,
    a_raise_inside,
    a_closing,
    a_drop_iterator,
    a_two_loops,
    a_cancel,
    a_time_out,
)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        pytest.param(kind, way, id=f"{kind}-{way.__name__[2:]}")
        for kind in ASYNC_KINDS
        for way in ASYNC_WAYS
        if (kind, way) != ("batches", a_two_loops)  # can be read once only
    ],
)
async def test_leaving_an_async_loop(
    kind: str, way: Any, filled: Any, watch: Watch
) -> None:
    await way(ASYNC_KINDS[kind](), watch)
    await watch.nothing_is_left_soon()


@pytest.mark.parametrize("kind", ASYNC_KINDS)
async def test_cancelled_while_the_next_batch_is_on_its_way(
    kind: str, filled: Any, watch: Watch, fail: Any, sent_commands: SentCommands
) -> None:
    async def read() -> None:
        async for _ in ASYNC_KINDS[kind]():
            pass

    fail("getMore", **HOLD_UP)
    task = asyncio.create_task(read())
    await sent_commands.until_sent("getMore")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await watch.nothing_is_left_soon()


@pytest.mark.parametrize("kind", ASYNC_KINDS)
async def test_cancelled_while_the_first_batch_is_on_its_way(
    kind: str,
    filled: Any,
    watch: Watch,
    fail: Any,
    server: Any,
    sent_commands: SentCommands,
) -> None:
    async def read() -> None:
        async for _ in ASYNC_KINDS[kind]():
            pass

    if kind == "aggregate":
        leaked_by_pymongo_before((4, 16), "the session of a cancelled aggregate open")
    command = "aggregate" if kind == "aggregate" else "find"
    fail(command, **HOLD_UP)
    task = asyncio.create_task(read())
    await sent_commands.until_sent(command)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watch.left()[1] == []
    # PyMongo closes the connection, and with it MongoDB ends the query: there is
    # no cursor yet that could be killed.  The embedded server goes on with it.
    if "secantus" not in server.admin.command("serverStatus"):
        await watch.nothing_is_left_soon()


@pytest.mark.parametrize("command", ["find", "getMore"])
async def test_of_two_loops_over_a_queryset_one_is_cancelled_while_it_reads(
    command: str, filled: Any, watch: Watch, fail: Any, sent_commands: SentCommands
) -> None:
    books = LeakBook.objects.order_by("number").batch_size(BATCH)

    async def read() -> list[int]:
        return [book.number async for book in books]

    fail(command, **HOLD_UP)
    cancelled = asyncio.create_task(read())
    await sent_commands.until_sent(command)
    other = asyncio.create_task(read())
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other == list(range(BOOKS))
    assert cancelled.cancelled()
    assert await read() == list(range(BOOKS))
    if command == "getMore":
        await watch.nothing_is_left_soon()


@FAILING_BOTH
async def test_of_two_loops_over_a_queryset_one_fails(
    command: str, how: Any, filled: Any, watch: Watch, fail: Any
) -> None:
    books = LeakBook.objects.order_by("number").batch_size(BATCH)

    async def read() -> list[int]:
        return [book.number async for book in books]

    fail(command, **how)
    results = await asyncio.gather(read(), read(), return_exceptions=True)
    failed = [result for result in results if isinstance(result, PyMongoError)]
    assert len(failed) == 1
    assert [r for r in results if r not in failed] == [list(range(BOOKS))]
    await watch.nothing_is_left_soon()


@pytest.mark.parametrize("kind", ["cached", "no_cache"])
async def test_a_document_that_cannot_be_loaded_ends_an_async_loop(
    kind: str, filled: Any, watch: Watch, server: Any, database_name: str
) -> None:
    books = server[database_name].leak_book
    books.update_one({"number": 2 * BATCH}, {"$set": {"unknown": 1}})
    with pytest.raises(FieldDoesNotExist):
        async for _ in KINDS[kind]():
            pass
    await watch.nothing_is_left_soon()


async def test_loops_reuse_one_session(filled: Any, sent_commands: Any) -> None:
    sent_commands.clear()
    for _ in range(5):
        async with contextlib.aclosing(KINDS["no_cache"]().__aiter__()) as books:
            async for _ in books:
                break
        await LeakBook.objects.async_count()
    used = {bytes(e.command["lsid"]["id"]) for e in sent_commands.events}
    assert len(sent_commands.events) >= 15
    assert len(used) == 1


# -- a server that fails --------------------------------------------------------


@FAILING
@pytest.mark.parametrize("command", ["find", "getMore"])
def test_a_blocking_loop_that_the_server_ends(
    command: str, how: Any, sync_books: Any, watch: Watch, fail: Any
) -> None:
    if command == "getMore" and how.get("closeConnection"):
        leaked_by_pymongo_before((4, 15), "cursors whose connection was closed")
    for kind in ("cached", "no_cache"):
        fail(command, **how)
        with pytest.raises(PyMongoError):
            list(SYNC_KINDS[kind]())
    # A cursor whose connection is gone is killed in the background.
    wait_until(lambda: watch.left() == (0, []))


@FAILING
@pytest.mark.parametrize("command", ["find", "getMore"])
async def test_an_async_loop_that_the_server_ends(
    command: str, how: Any, filled: Any, watch: Watch, fail: Any
) -> None:
    if command == "getMore" and how.get("closeConnection"):
        leaked_by_pymongo_before((4, 15), "cursors whose connection was closed")
    for kind in FAILING_KINDS:
        make = ASYNC_KINDS[kind]
        fail(command, **how)
        with pytest.raises(PyMongoError):
            async for _ in make():
                pass
    await watch.nothing_is_left_soon()


def changed(book: LeakBook) -> tuple[Any, ...]:
    """All that a failure must leave as it is."""
    return (
        sorted(book._get_changed_fields()),
        book._created,
        book.pk,
        book._data,
        book._delta() if book.pk else None,
    )


def as_new(book: LeakBook) -> tuple[Any, ...]:
    """Return the state that a failure must leave of a new document.

    It may have got its key: if the answer was lost it must keep it.
    """
    values = {name: value for name, value in book._data.items() if name != "id"}
    return sorted(book._get_changed_fields()), book._created, values


def edit(book: LeakBook) -> LeakBook:
    book.title = "edited"
    book.tags.append("edited")
    return book


#: Name: the command that fails, and the operation by its name and arguments.
OPERATIONS: dict[str, tuple[str, str, tuple[Any, ...], dict[str, Any]]] = {
    "save": ("update", "save", (), {}),
    "save with a condition": (
        "update",
        "save",
        (),
        {"save_condition": {"number": 1}},
    ),
    "update": ("update", "update", (), {"inc__number": 1}),
    "modify": ("findAndModify", "modify", (), {"inc__number": 1}),
    "delete": ("delete", "delete", (), {}),
    "reload": ("find", "reload", (), {}),
}


@FAILING
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_blocking_operation_that_fails_changes_nothing(
    name: str, how: Any, sync_books: Any, watch: Watch, fail: Any
) -> None:
    command, method, args, kwargs = OPERATIONS[name]
    book = edit(LeakBook.objects.get(number=1))
    before = changed(book)
    fail(command, **how)
    with pytest.raises((PyMongoError, OperationError)):
        getattr(book, method)(*args, **kwargs)
    assert changed(book) == before
    watch.nothing_is_left()
    book.save()
    assert LeakBook.objects.get(number=1).title == "edited"


@FAILING
@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_async_operation_that_fails_changes_nothing(
    name: str, how: Any, filled: Any, watch: Watch, fail: Any
) -> None:
    command, method, args, kwargs = OPERATIONS[name]
    book = edit(await LeakBook.objects.async_get(number=1))
    before = changed(book)
    fail(command, **how)
    with pytest.raises((PyMongoError, OperationError)):
        await getattr(book, "async_" + method)(*args, **kwargs)
    assert changed(book) == before
    watch.nothing_is_left()
    await book.async_save()
    assert (await LeakBook.objects.async_get(number=1)).title == "edited"


@FAILING
def test_a_new_document_stays_new_when_saving_fails(
    how: Any, sync_books: Any, watch: Watch, fail: Any
) -> None:
    book = LeakBook(number=1000)
    before = as_new(book)
    fail("insert", **how)
    with pytest.raises((PyMongoError, OperationError)):
        book.save()
    assert as_new(book) == before
    watch.nothing_is_left()
    assert book.save().pk


@FAILING
async def test_a_new_document_stays_new_when_async_saving_fails(
    how: Any, filled: Any, watch: Watch, fail: Any
) -> None:
    book = LeakBook(number=1000)
    before = as_new(book)
    fail("insert", **how)
    with pytest.raises((PyMongoError, OperationError)):
        await book.async_save()
    assert as_new(book) == before
    watch.nothing_is_left()
    assert (await book.async_save()).pk


@FAILING
def test_documents_stay_new_when_inserting_fails(
    how: Any, sync_books: Any, watch: Watch, fail: Any
) -> None:
    books = [LeakBook(number=n) for n in range(3)]
    before = [as_new(book) for book in books]
    fail("insert", **how)
    with pytest.raises((PyMongoError, OperationError)):
        LeakBook.objects.insert(books)
    assert [as_new(book) for book in books] == before
    watch.nothing_is_left()
    assert len(LeakBook.objects.insert(books)) == 3


@FAILING
async def test_documents_stay_new_when_async_inserting_fails(
    how: Any, filled: Any, watch: Watch, fail: Any
) -> None:
    books = [LeakBook(number=n) for n in range(3)]
    before = [as_new(book) for book in books]
    fail("insert", **how)
    with pytest.raises((PyMongoError, OperationError)):
        await LeakBook.objects.async_insert(books)
    assert [as_new(book) for book in books] == before
    watch.nothing_is_left()
    assert len(await LeakBook.objects.async_insert(books)) == 3


@FAILING
@pytest.mark.parametrize(
    ("command", "method", "args"),
    [
        ("update", "update", {"inc__number": 1}),
        ("update", "update_one", {"inc__number": 1}),
        ("delete", "delete", {}),
        ("findAndModify", "modify", {"inc__number": 1}),
        ("aggregate", "sum", {"field": "number"}),
        ("distinct", "distinct", {"field": "number"}),
        ("find", "first", {}),
        ("find", "to_list", {}),
        ("aggregate", "count", {}),
    ],
)
async def test_a_queryset_operation_that_fails_leaves_nothing(
    command: str,
    method: str,
    args: Any,
    how: Any,
    filled: Any,
    settings: dict[str, Any],
    watch: Watch,
    fail: Any,
) -> None:
    connect(**settings, **IMPATIENT)
    books = LeakBook.objects(number__gte=0).batch_size(BATCH)
    fail(command, **how)
    with pytest.raises((PyMongoError, OperationError)):
        await getattr(books, "async_" + method)(**args)
    fail(command, **how)
    with pytest.raises((PyMongoError, OperationError)):
        getattr(books, method)(**args)
    watch.nothing_is_left()
    assert await LeakBook.objects.async_count() == BOOKS


# -- cancelled in the middle of a write -----------------------------------------

CANCELLED = {
    "save": ("update", "save", {}),
    "update": ("update", "update", {"inc__number": 1}),
    "modify": ("findAndModify", "modify", {"inc__number": 1}),
    "delete": ("delete", "delete", {}),
    "reload": ("find", "reload", {}),
}


@pytest.mark.parametrize("name", CANCELLED)
async def test_a_cancelled_operation_changes_nothing_of_the_document(
    name: str, filled: Any, watch: Watch, fail: Any, sent_commands: SentCommands
) -> None:
    command, method, kwargs = CANCELLED[name]
    book = edit(await LeakBook.objects.async_get(number=1))
    before = changed(book)
    fail(command, **HOLD_UP)
    sent_commands.clear()
    task = asyncio.create_task(getattr(book, "async_" + method)(**kwargs))
    await sent_commands.until_sent(command)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert changed(book) == before
    await watch.nothing_is_left_soon()


async def test_a_new_document_stays_new_when_saving_is_cancelled(
    filled: Any, watch: Watch, fail: Any, sent_commands: SentCommands
) -> None:
    book = LeakBook(number=1000, title="new")
    before = as_new(book)
    fail("insert", **HOLD_UP)
    sent_commands.clear()
    task = asyncio.create_task(book.async_save())
    await sent_commands.until_sent("insert")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert as_new(book) == before
    await watch.nothing_is_left_soon()


async def test_documents_stay_new_when_inserting_is_cancelled(
    filled: Any, watch: Watch, fail: Any, sent_commands: SentCommands
) -> None:
    books = [LeakBook(number=n) for n in range(3)]
    before = [as_new(book) for book in books]
    fail("insert", **HOLD_UP)
    sent_commands.clear()
    task = asyncio.create_task(LeakBook.objects.async_insert(books))
    await sent_commands.until_sent("insert")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [as_new(book) for book in books] == before
    await watch.nothing_is_left_soon()


@pytest.mark.skipif(not signals_available, reason="signals need blinker")
async def test_what_was_written_is_clean_though_a_receiver_fails(
    filled: Any, watch: Watch
) -> None:
    async def receiver(sender: Any, **_: Any) -> None:
        raise Ours

    books = [LeakBook(number=n) for n in range(3)]
    with post_bulk_insert.connected_to(receiver, sender=LeakBook):
        with pytest.raises(Ours):
            await LeakBook.objects.async_insert(books)
    assert [book._created for book in books] == [False] * 3
    assert all(book.pk and not book._get_changed_fields() for book in books)
    watch.nothing_is_left()
