"""`session=`: operations of both families work in a session that is given."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymongo.errors import InvalidOperation, PyMongoError

from mongoengine import (
    CASCADE,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    FileField,
    IntField,
    ListField,
    ReferenceField,
    SequenceField,
    StringField,
    connect,
    connect_async,
    disconnect_async,
    signals,
)
from mongoengine.connection import _get_session, bound_session
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from mongoengine.errors import InvalidQueryError
from mongoengine.queryset.bulk import InsertOne
from tests.families import SentCommands
from tests.test_faces import faces


class SessionAuthor(Document):
    name = StringField()
    meta = {"auto_create_index": False}


class SessionNote(EmbeddedDocument):
    text = StringField()


class SessionBook(Document):
    number = SequenceField()
    title = StringField()
    pages = IntField(default=1)
    author = ReferenceField(SessionAuthor, reverse_delete_rule=CASCADE)
    readers = ListField(ReferenceField(SessionAuthor))
    notes = EmbeddedDocumentListField(SessionNote)
    file = FileField()
    meta = {"auto_create_index": False}


class WithSessionField(Document):
    session = StringField()
    meta = {"auto_create_index": False}


class Indexed(Document):
    name = StringField()
    meta = {"auto_create_index": False, "indexes": ["name"]}


class AnyField(DynamicDocument):
    meta = {"auto_create_index": False}


class Watched:
    """The operations of one family, a session, and which session was used."""

    def __init__(self, is_async: bool, session: Any, sent: SentCommands) -> None:
        self.is_async = is_async
        self.session = session
        self.sent = sent

    async def __call__(self, target: Any, method: str, /, *args: Any, **kw: Any) -> Any:
        if self.is_async:
            return await getattr(target, "async_" + method)(*args, **kw)
        return getattr(target, method)(*args, **kw)

    async def in_session(self, method: str) -> None:
        """Call a method of the session."""
        done = getattr(self.session, method)()
        if hasattr(done, "__await__"):
            await done

    def assert_used(self) -> None:
        """Everything that was sent since the last time was sent in the session."""
        assert self.sent.events
        without = [e.command_name for e in self.sent.events if not self._is_in(e)]
        assert not without
        self.sent.clear()

    def assert_not_used(self) -> None:
        assert self.sent.events
        assert not [e.command_name for e in self.sent.events if self._is_in(e)]
        self.sent.clear()

    def _is_in(self, event: Any) -> bool:
        return bool(event.command.get("lsid") == self.session.session_id)


@pytest.fixture(params=["sync", "async"])
async def watched(
    request: pytest.FixtureRequest,
    settings: dict[str, Any],
    sent_commands: SentCommands,
) -> AsyncIterator[Watched]:
    is_async = request.param == "async"
    client: Any
    client = await connect_async(**settings) if is_async else connect(**settings)
    made = Watched(is_async, client.start_session(), sent_commands)
    assert made.session.session_id  # taken from now on, not when first used
    yield made
    await made.in_session("end_session")
    if is_async:
        await disconnect_async()


async def made(family: Watched) -> Any:
    author = SessionAuthor(name="Ada")
    await family(author, "save")
    book = SessionBook(title="one", author=author, readers=[author])
    await family(book, "save")
    return await family(SessionBook.objects, "get", pk=book.pk)


Step = tuple[Callable[[Any], Any], str, Any, dict[str, Any]]

#: What the operation belongs to, its name and its arguments, given a stored book.
STEPS: dict[str, Step] = {
    "save": (lambda book: edited(book), "save", (), {"cascade": True}),
    "save a new one": (lambda _: SessionBook(title="new"), "save", (), {}),
    "reload": (lambda book: book, "reload", (), {}),
    "update": (lambda book: book, "update", (), {"inc__pages": 1}),
    "modify": (lambda book: book, "modify", (), {"inc__pages": 1}),
    "delete": (lambda book: book, "delete", (), {}),
    "select_related": (lambda book: book, "select_related", (), {}),
    "fetch": (lambda _: SessionBook.author, "fetch", lambda book: (book,), {}),
    "notes.save": (lambda book: noted(book).notes, "save", (), {}),
    "file.put": (lambda book: book.file, "put", (b"data",), {"filename": "f"}),
    "compare_indexes": (lambda _: Indexed, "compare_indexes", (), {}),
    "ensure_indexes": (lambda _: Indexed, "ensure_indexes", (), {}),
    "create_index": (lambda _: SessionBook, "create_index", ("title",), {}),
    "qs.first": (lambda _: books(), "first", (), {}),
    "qs.get": (lambda _: books(), "get", (), {"title": "one"}),
    "qs.with_id": (lambda book: books(), "with_id", lambda book: (book.pk,), {}),
    "qs.count": (lambda _: books(), "count", (), {}),
    "qs.count filtered": (lambda _: books()(pages=1), "count", (), {}),
    "qs.exists": (lambda _: books(), "exists", (), {}),
    "qs.to_list": (lambda _: books(), "to_list", (), {}),
    "qs.to_json": (lambda _: books(), "to_json", (), {}),
    "qs.in_bulk": (lambda book: books(), "in_bulk", lambda book: ([book.pk],), {}),
    "qs.select_related": (lambda _: books(), "select_related", (), {}),
    "qs.explain": (lambda _: books(), "explain", (), {}),
    "qs.distinct": (lambda _: books(), "distinct", ("author",), {}),
    "qs.sum": (lambda _: books(), "sum", ("pages",), {}),
    "qs.average": (lambda _: books(), "average", ("pages",), {}),
    "qs.aggregate": (lambda _: books(), "aggregate", ([],), {}),
    "qs.item_frequencies": (lambda _: books(), "item_frequencies", ("title",), {}),
    "qs.exec_js": (lambda _: books(), "exec_js", ("return 1",), {}),
    "qs.create": (lambda _: books(), "create", (), {"title": "x"}),
    "qs.insert": (
        lambda _: books(),
        "insert",
        lambda _: ([SessionBook(), SessionBook()],),
        {},
    ),
    "qs.bulk_save": (
        lambda _: books(),
        "bulk_save",
        lambda book: ([SessionBook(), edited(book)],),
        {},
    ),
    "qs.bulk_write": (
        lambda _: books(),
        "bulk_write",
        lambda _: ([InsertOne(SessionBook())],),
        {},
    ),
    "qs.update": (lambda _: books(), "update", (), {"inc__pages": 1}),
    "qs.update_one": (lambda _: books(), "update_one", (), {"inc__pages": 1}),
    "qs.upsert_one": (lambda _: books(), "upsert_one", (), {"inc__pages": 1}),
    "qs.modify": (lambda _: books(), "modify", (), {"inc__pages": 1}),
    "qs.delete_one": (lambda _: books(), "delete_one", (), {}),
    "qs.delete": (lambda _: books(), "delete", (), {}),
    "qs.delete by rules": (lambda _: SessionAuthor.objects, "delete", (), {}),
    "next number": (lambda _: SessionBook.number, "get_next_value", (), {}),
    "drop_collection": (lambda _: SessionBook, "drop_collection", (), {}),
}


def books() -> Any:
    return SessionBook.objects


def edited(book: Any) -> Any:
    book.title = "edited"
    return book


def noted(book: Any) -> Any:
    book.notes.create(text="x")
    return book


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
async def test_an_operation_works_in_the_session_it_is_given(
    step: Step, watched: Watched
) -> None:
    target, method, args, kwargs = step
    book = await made(watched)
    place = target(book)
    if callable(args):
        args = args(book)
    watched.sent.clear()
    # The embedded server knows no JavaScript; it is asked in the session all the same.
    with contextlib.suppress(PyMongoError):
        result = await watched(place, method, *args, session=watched.session, **kwargs)
        assert result is not watched.session
    watched.assert_used()
    assert _get_session() is None


async def test_none_is_no_session(watched: Watched) -> None:
    call = watched
    book = await made(call)
    await call(book, "save", session=None)
    await call(book, "update", session=None, inc__pages=1)
    assert await call(books(), "count", session=None) == 1
    assert await call(books(), "get", session=None, title="one") == book
    assert await call(books(), "update", session=None, inc__pages=1) == 1
    await call(book, "delete", session=None)
    watched.assert_not_used()


async def test_in_a_block_the_session_that_is_given_counts(watched: Watched) -> None:
    with bound_session(watched.session):
        await watched(books(), "first", session=None)
        await watched(books(), "first")
        watched.assert_used()
    await watched(books(), "first")
    watched.assert_not_used()


async def test_loops_work_in_the_session_of_their_block(watched: Watched) -> None:
    await made(watched)
    watched.sent.clear()
    with bound_session(watched.session):
        if watched.is_async:
            assert len([book async for book in books()]) == 1
            assert len([book async for book in books().no_cache()]) == 1
        else:
            assert len(list(books())) == 1
            assert len(list(books().no_cache())) == 1
    watched.assert_used()


async def test_signal_receivers_work_in_the_session(watched: Watched) -> None:
    pytest.importorskip("blinker", reason="signals need blinker")
    inside: list[Any] = []

    def receiver(sender: Any, **_: Any) -> None:
        inside.append(_get_session())

    with signals.pre_save.connected_to(receiver, sender=SessionAuthor):
        author = SessionAuthor(name="x")
        await watched(author, "save", session=watched.session)
    assert inside == [watched.session]


async def test_an_error_ends_the_use_of_the_session(watched: Watched) -> None:
    with pytest.raises(InvalidQueryError):
        await watched(books(), "get", session=watched.session, nothing=1)
    assert _get_session() is None


async def test_a_session_that_has_ended_is_refused(watched: Watched) -> None:
    await watched.in_session("end_session")
    with pytest.raises(InvalidOperation):
        await watched(books(), "first", session=watched.session)


# -- a field that is called session ---------------------------------------------


async def test_a_field_called_session_stays_a_field(watched: Watched) -> None:
    call, objects = watched, WithSessionField.objects
    made = await call(objects, "create", session="a")
    assert made.session == "a"
    assert await call(objects, "get", session="a") == made
    assert await call(objects, "update", session="b") == 1
    await call(made, "update", session=None)
    await call(made, "reload")
    assert made.session is None
    assert await call(objects, "get", session=None) == made
    await call(made, "modify", session="c")
    assert made.session == "c"
    watched.assert_not_used()
    await call(made, "update", session=watched.session, set__session="d")
    await call(objects, "get", session=watched.session)
    watched.assert_used()


async def test_a_dynamic_document_may_have_such_a_field(watched: Watched) -> None:
    call = watched
    made = await call(AnyField.objects, "create", session="a")
    assert (await call(AnyField.objects, "get", session="a")).session == "a"
    await call(made, "update", session=watched.session, set__other=1)
    assert (await call(AnyField.objects, "first")).other == 1


# -- signatures -----------------------------------------------------------------

#: Whose other keywords are names of fields, or of what is stored with a file.
NAMES = {
    "get", "create", "update", "update_one", "upsert_one", "modify",
    "put", "replace", "new_file", "get_or_create", "update_or_create",
}  # fmt: skip
#: Not for users to call, or not on a connection of its own: a change stream goes on
#: in the session that it was opened in, and validating only awaits hooks.
INTERNAL = {
    "count", "follow", "on_document_pre_save", "open_thumbnail",
    "close", "try_next", "validate",
}  # fmt: skip


@pytest.mark.parametrize(
    "face",
    [
        pytest.param(face, id=face.__qualname__)
        for owner, name, face in faces()
        if not inspect.ismodule(owner) and not name.startswith("_")
    ],
)
def test_a_public_operation_shows_that_it_takes_a_session(face: Any) -> None:
    name = face.__name__.removeprefix("async_")
    parameters = inspect.signature(face).parameters
    shown = parameters.get("session")
    if name in NAMES and shown is None:
        kinds = [parameter.kind for parameter in parameters.values()]
        takes_names = inspect.Parameter.VAR_KEYWORD in kinds
        assert takes_names or not face.__qualname__.startswith("Doc")
    elif name not in INTERNAL:
        assert shown is not None
        assert shown.kind is inspect.Parameter.KEYWORD_ONLY
        assert shown.default is None


# -- transactions ---------------------------------------------------------------


async def test_a_given_session_may_carry_a_transaction(watched: Watched) -> None:
    call, session = watched, watched.session
    await made(call)
    started = session.start_transaction()
    if hasattr(started, "__await__") and call.is_async:
        await started
    await call(books(), "update", session=session, set__title="inside")
    assert await call(books()(title="inside"), "count", session=session) == 1
    assert await call(books()(title="inside"), "count") == 0
    await call.in_session("abort_transaction")
    assert await call(books()(title="inside"), "count") == 0


async def test_files_are_no_part_of_a_transaction(async_db: Any) -> None:
    book = await SessionBook(title="one").async_save()
    with pytest.raises(KeyError):
        async with async_run_in_transaction():
            await book.file.async_put(b"data")
            await book.async_save()
            raise KeyError
    assert await book.file.async_read() == b"data"
    assert (await SessionBook.objects.async_get(pk=book.pk)).file.grid_id is None


async def test_counts_see_the_transaction_they_are_in(async_db: Any) -> None:
    await SessionAuthor(name="before").async_save()
    async with async_run_in_transaction():
        await SessionAuthor(name="inside").async_save()
        assert await SessionAuthor.objects.async_count() == 2
        assert await SessionAuthor.objects(name="inside").async_count() == 1
        assert await SessionAuthor.objects.async_exists()
        seen_outside = asyncio.create_task(in_no_session(count_authors))
        assert await seen_outside == 1
    assert await SessionAuthor.objects.async_count() == 2


async def count_authors() -> int:
    return await SessionAuthor.objects.async_count()


async def in_no_session(operation: Callable[[], Any]) -> Any:
    """Run an operation as a task would that has nothing to do with this one."""
    from mongoengine.driver import session as sessions

    sessions._sessions.set(())
    return await operation()


async def test_two_tasks_in_two_transactions_at_once(async_db: Any) -> None:
    await SessionAuthor(name="before").async_save()
    both_inside = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None
    inside: list[Any] = []

    async def work(name: str, fails: bool) -> None:
        with contextlib.suppress(KeyError):
            async with async_run_in_transaction():
                await SessionAuthor(name=name).async_save()
                inside.append(_get_session())
                if both_inside is not None:
                    await both_inside.wait()
                else:
                    await asyncio.sleep(0.1)
                names = await SessionAuthor.objects.order_by("name").async_scalar(
                    "name"
                )
                assert names == ["before", name]
                if fails:
                    raise KeyError
        assert _get_session() is None

    await asyncio.gather(work("kept", False), work("undone", True))
    one, other = inside
    assert one is not other
    assert one.has_ended
    assert other.has_ended
    assert sorted(await SessionAuthor.objects.async_scalar("name")) == [
        "before",
        "kept",
    ]


async def test_a_transaction_that_is_cancelled_is_aborted(
    async_db: Any, server: Any, sent_commands: Any
) -> None:
    await SessionAuthor(name="before").async_save()
    sent_commands.clear()
    reached = asyncio.Event()
    inside: list[Any] = []

    async def work() -> None:
        async with async_run_in_transaction():
            await SessionAuthor(name="inside").async_save()
            inside.append(_get_session())
            reached.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sent_commands.names[-1] == "abortTransaction"
    assert inside[0].has_ended
    assert _get_session() is None
    assert await SessionAuthor.objects.async_count() == 1
    # The same server session serves what comes next.
    used = {bytes(e.command["lsid"]["id"]) for e in sent_commands.events}
    assert len(used) == 1


async def test_a_transaction_cancelled_in_the_middle_of_a_write(
    async_db: Any, server: Any, sent_commands: SentCommands
) -> None:
    await SessionAuthor(name="before").async_save()
    inside: list[Any] = []

    async def work() -> None:
        async with async_run_in_transaction():
            inside.append(_get_session())
            await SessionAuthor(name="inside").async_save()

    server.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={"failCommands": ["insert"], "blockConnection": True, "blockTimeMS": 300},
    )
    sent_commands.clear()
    task = asyncio.create_task(work())
    await sent_commands.until_sent("insert")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inside[0].has_ended
    assert await SessionAuthor.objects.async_count() == 1
    assert await SessionAuthor(name="later").async_save()


async def test_coroutine_receivers_are_in_the_transaction(async_db: Any) -> None:
    pytest.importorskip("blinker", reason="signals need blinker")
    await SessionAuthor(name="before").async_save()
    await SessionBook(title="before").async_save()

    async def receiver(sender: Any, document: Any, **_: Any) -> None:
        assert _get_session() is not None
        await SessionBook(title=f"of {document.name}").async_save()

    with signals.post_save.connected_to(receiver, sender=SessionAuthor):
        with pytest.raises(KeyError):
            async with async_run_in_transaction():
                await SessionAuthor(name="inside").async_save()
                assert await SessionBook.objects(title="of inside").async_count() == 1
                raise KeyError
        assert await SessionBook.objects.async_count() == 1
        async with async_run_in_transaction():
            await SessionAuthor(name="kept").async_save()
    assert await SessionBook.objects(title="of kept").async_count() == 1


def test_blocking_counts_see_the_transaction_they_are_in(db: Any) -> None:
    SessionAuthor(name="before").save()
    with contextlib.suppress(KeyError), run_in_transaction():
        SessionAuthor(name="inside").save()
        assert SessionAuthor.objects.count() == 2
        assert SessionAuthor.objects(name="inside").count() == 1
        raise KeyError
    assert SessionAuthor.objects.count() == 1
