"""Asynchronous operations never touch a blocking client, nor hold up their loop.

The list of operations is taken from the code: whatever calls itself `async_...` has
to be run here.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pymongo
import pytest
from bson import json_util
from pymongo.errors import OperationFailure

import mongoengine as me
from mongoengine import connection as connections
from mongoengine import context_managers as contexts
from mongoengine.base import BaseList, LazyReference
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.dereference import DeReference
from mongoengine.document import MapReduceDocument
from mongoengine.fields.files import AsyncGridFSProxy, GridFSProxy
from mongoengine.fields.images import ImageGridFsProxy
from mongoengine.operations.collections import async_collection_of
from mongoengine.queryset.bulk import InsertOne
from tests.test_faces import async_names

pytest.importorskip("PIL", reason="ImageField needs Pillow")

#: Seconds that the server takes to answer in the test of the loop, and how long a
#: callback may take there.  One that waited for an answer would take all of DELAY;
#: the library's own work takes less than 0.02 on a quiet machine.
DELAY = 2.0
THRESHOLD = 1.5


class Member(me.Document):
    name = me.StringField()


class Note(me.EmbeddedDocument):
    text = me.StringField()
    by = me.ReferenceField(Member)


class Shelved(me.Document):
    number = me.SequenceField()
    title = me.StringField()
    pages = me.IntField(default=1)
    author = me.ReferenceField(Member, reverse_delete_rule=me.CASCADE)
    anyone = me.GenericReferenceField(choices=[Member])
    lazy = me.LazyReferenceField(Member)
    copied = me.CachedReferenceField(Member, fields=["name"])
    readers = me.ListField(me.ReferenceField(Member))
    roles = me.MapField(me.ReferenceField(Member))
    notes = me.EmbeddedDocumentListField(Note)
    file = me.FileField()
    cover = me.ImageField(thumbnail_size=(4, 4, True))
    meta = {"indexes": ["title", "pages"]}


class SpecialShelved(me.Document):
    title = me.StringField()
    meta = {"allow_inheritance": True, "max_documents": 10, "max_size": 4096}


def picture() -> io.BytesIO:
    from PIL import Image

    made = io.BytesIO()
    Image.new("RGB", (8, 8)).save(made, "PNG")
    made.seek(0)
    return made


async def shelved() -> Any:
    """A document with something in every field."""
    person = await Member(name="Ada").async_save()
    book = Shelved(
        title="one",
        author=person,
        anyone=person,
        lazy=person,
        copied=person,
        readers=[person],
        roles={"a": person},
        notes=[Note(text="x", by=person)],
    )
    await book.file.async_put(b"words", filename="f")
    await book.cover.async_put(picture())
    await book.async_save()
    return await Shelved.objects.async_get(pk=book.pk)


Operation = Callable[[], Coroutine[Any, Any, Any]]
OPERATIONS: dict[str, Operation] = {}


def runs(*names: str) -> Callable[[Operation], Operation]:
    """Say which operations a function runs."""

    def note(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return note


@runs(
    "Document.async_validate",
    "EmbeddedDocument.async_validate",
    "Document.async_save",
    "Document.async_save_with_retry",
    "Document.async_cascade_save",
    "Document.async_reload",
    "Document.async_update",
    "Document.async_modify",
    "Document.async_select_related",
    "Document.async_delete",
)
async def documents() -> None:
    book = await shelved()
    book.title = "two"
    await book.async_validate()
    await Note().async_validate()
    await book.async_save()
    await book.async_save(cascade=True)
    await book.async_save(save_condition={"title": "two"})
    await book.async_cascade_save()
    await book.async_save_with_retry(lambda changed: setattr(changed, "title", "two"))
    await book.async_update(inc__pages=1)
    await book.async_modify(inc__pages=1)
    await book.async_reload()
    await book.async_reload("title")
    await book.async_select_related()
    assert (book.pages, book.author.name) == (3, "Ada")
    await book.async_delete()
    await (await Member.objects.async_first()).async_delete()


@runs(
    "Document.async_ensure_indexes",
    "Document.async_create_index",
    "Document.async_list_indexes",
    "Document.async_compare_indexes",
    "Document.async_drop_collection",
    "collections.async_collection_of",
)
async def classes() -> None:
    await Shelved.async_ensure_indexes()
    await Shelved.async_create_index("-title")
    assert await Shelved.async_list_indexes()
    await Shelved.async_compare_indexes()
    await async_collection_of(Shelved)
    await SpecialShelved(title="capped").async_save()
    await SpecialShelved.async_drop_collection()
    await Shelved.async_drop_collection()


@runs(
    "QuerySet.async_batches",
    "QuerySet.async_in_batches",
    "QuerySet.async_count",
    "QuerySet.async_exists",
    "QuerySet.async_explain",
    "QuerySet.async_first",
    "QuerySet.async_get",
    "QuerySet.async_in_bulk",
    "QuerySet.async_last",
    "QuerySet.async_paginate",
    "QuerySet.async_select_related",
    "QuerySet.async_to_json",
    "QuerySet.async_to_list",
    "QuerySet.async_with_id",
    "QuerySet.async_exclude",
    "QuerySet.async_hint",
    "QuerySet.async_only",
    "QuerySet.async_scalar",
    "QuerySet.async_values",
    "QuerySet.async_values_list",
)
async def reading() -> None:
    book = await shelved()
    books = Shelved.objects
    assert await books.async_count() == 1
    assert await books(title="one").async_count() == 1
    assert await books.async_exists()
    assert await books.async_explain()
    assert await books.async_first() == book
    assert await books.async_last() == book
    assert (await books.async_paginate(size=5)).items == [book]
    assert await books.async_get(title="one") == book
    assert list(await books.async_in_bulk([book.pk])) == [book.pk]
    assert (await books.async_select_related())[0].author.name == "Ada"
    assert "one" in await books.async_to_json(
        json_options=json_util.DEFAULT_JSON_OPTIONS
    )
    assert await books.async_to_list() == [book]
    assert await books.async_with_id(book.pk) == book
    assert await books.async_exclude("title")
    assert await books.async_hint("title_1")
    assert await books.async_only("title")
    assert await books.async_scalar("title") == ["one"]
    assert await books.async_values("title")
    assert await books.async_values_list("title") == ["one"]
    assert [found async for found in books] == [book]
    assert [found async for found in Shelved.objects.no_cache()] == [book]
    assert [found async for found in Shelved.objects.prefetch()] == [book]
    assert [several async for several in books.async_batches(2)] == [[book]]
    batches = books.async_in_batches(2)
    assert [several async for several in batches] == [[book]]
    assert [raw["title"] async for raw in books.as_pymongo()] == ["one"]
    assert await books.clone().__anext__() == book
    repr(books)


@runs(
    "QuerySet.async_create",
    "QuerySet.async_get_or_create",
    "QuerySet.async_update_or_create",
    "QuerySet.async_insert",
    "QuerySet.async_update",
    "QuerySet.async_update_one",
    "QuerySet.async_upsert_one",
    "QuerySet.async_modify",
    "QuerySet.async_delete",
    "QuerySet.async_delete_one",
    "QuerySet.async_bulk_save",
    "QuerySet.async_bulk_write",
)
async def writing() -> None:
    person = await Member(name="Ada").async_save()
    books = Shelved.objects
    await books.async_create(title="a", author=person)
    await books.async_insert([Shelved(title="b", author=person), Shelved(title="c")])
    assert await books.async_update(inc__pages=1) == 3
    assert await books.async_update_one(set__title="d") == 1
    assert (await books(title="x").async_upsert_one(set__pages=9)).pages == 9
    assert (await books(pages=9).async_modify(inc__pages=1, new=True)).pages == 10
    assert await books(pages=10).async_delete_one() == 1
    bulk = [Shelved(title="e"), await books.async_first()]
    bulk[1].pages = 7
    assert await books.async_bulk_save(bulk) == bulk
    await books.async_bulk_write([InsertOne(Shelved(title="f"))])
    found, created = await books.async_get_or_create(title="f")
    assert not created
    assert await books.async_update_or_create(pk=found.pk) == (found, False)
    assert await Member.objects.async_delete() == 1
    assert await books.async_delete() == 3


@runs(
    "QuerySet.async_aggregate",
    "QuerySet.async_average",
    "QuerySet.async_distinct",
    "QuerySet.async_sum",
)
async def computing() -> None:
    await shelved()
    books = Shelved.objects
    rows = [row async for row in books.async_aggregate([{"$match": {}}])]
    cursor = await books.async_aggregate([{"$match": {}}])
    assert await cursor.to_list() == rows
    typed = await books.async_aggregate([], into=Shelved).to_list()
    assert [book.pk for book in typed] == [row["_id"] for row in rows]
    by_ada = books.filter(author__name="Ada").order_by("author__name")
    assert await by_ada.async_count() == 1
    assert (await by_ada.only("author__name").async_first()).author.name == "Ada"
    assert await books.async_distinct("author__name") == ["Ada"]
    assert [book.n async for book in books.annotate(n=me.Count("readers"))] == [1]
    grouped = books.values("title").annotate(pages=me.Sum("pages"))
    assert await grouped.async_to_list() == [{"title": "one", "pages": 1}]
    [related] = await books.async_select_related("author", strategy="lookup")
    assert related.author.name == "Ada"
    assert await books.async_average("pages") == await books.async_sum("pages") == 1
    assert await books.async_distinct("title") == ["one"]
    await books.async_distinct("author")
    await books.async_distinct("notes")


@runs(
    "QuerySet.async_watch",
    "Document.async_watch",
    "ChangeStream.async_try_next",
    "ChangeStream.async_close",
    "watch_database.async_watch",
)
async def watching() -> None:
    for stream in (
        Shelved.objects.async_watch(max_await_time_ms=500),
        Shelved.async_watch(max_await_time_ms=500),
        me.async_watch(max_await_time_ms=500, classes=[Shelved]),
    ):
        async with stream:
            book = await Shelved(title="w").async_save()
            assert (await anext(stream)).document == book
            assert await stream.async_try_next() is None
    stream = await me.async_watch()
    await stream.async_close()


@runs(
    "QuerySet.async_map_reduce",
    "QuerySet.async_item_frequencies",
    "QuerySet.async_exec_js",
    "MapReduceDocument.async_fetch",
)
async def javascript() -> None:
    book = await shelved()
    books = Shelved.objects
    # Not every server runs JavaScript; it is asked all the same.
    with contextlib.suppress(OperationFailure):
        await books.async_map_reduce("function(){}", "function(){}", "inline")
    with contextlib.suppress(OperationFailure):
        await books.async_item_frequencies("title")
    with contextlib.suppress(OperationFailure):
        await books.async_exec_js("return 1")
    collection = await async_collection_of(Shelved)
    reduced = MapReduceDocument(Shelved, collection, book.pk, 1)
    assert await reduced.async_fetch() == book


@runs(
    "AsyncReferenceProxy.async_fetch",
    "ReferenceField.async_fetch",
    "LazyReference.async_fetch",
    "BaseList.async_fetch",
    "DeReference.async_follow",
    "EmbeddedDocumentList.async_save",
    "CachedReferenceField.async_sync_all",
)
async def references() -> None:
    book = await shelved()
    assert isinstance(book.author, AsyncReferenceProxy)
    repr(book.author)
    assert (await book.author).name == "Ada"
    book = await Shelved.objects.async_first()
    assert (await book.author.async_fetch()).name == "Ada"
    book = await Shelved.objects.async_first()
    assert (await book.author.fetch()).name == "Ada"
    book = await Shelved.objects.async_first()
    assert (await Shelved.author.async_fetch(book)).name == "Ada"
    assert (await book.anyone).name == "Ada"
    assert isinstance(book.lazy, LazyReference)
    assert (await book.lazy.async_fetch()).name == "Ada"
    assert isinstance(book.readers, BaseList)
    assert (await book.readers.async_fetch())[0].name == "Ada"
    assert (await book.roles.async_fetch())["a"].name == "Ada"
    book = await Shelved.objects.async_first()
    await DeReference().async_follow([book])
    book = await Shelved.objects.async_first()
    book.notes.create(text="y")
    await book.notes.async_save()
    repr(book)
    str(book)
    book.to_json(json_options=json_util.DEFAULT_JSON_OPTIONS)
    assert book == await Shelved.objects.async_first()
    await Shelved.copied.async_sync_all()


@runs(
    "FileField.async_put",
    "FileField.async_get",
    "FileField.async_read",
    "FileField.async_replace",
    "FileField.async_delete",
    "GridFSProxy.async_put",
    "GridFSProxy.async_get",
    "GridFSProxy.async_read",
    "GridFSProxy.async_readchunk",
    "GridFSProxy.async_readline",
    "GridFSProxy.async_readlines",
    "GridFSProxy.async_replace",
    "GridFSProxy.async_delete",
    "GridFSProxy.async_new_file",
    "GridFSProxy.async_write",
    "GridFSProxy.async_writelines",
    "GridFSProxy.async_close",
    "ImageGridFsProxy.async_write",
    "ImageGridFsProxy.async_writelines",
    "ImageGridFsProxy.async_open_thumbnail",
)
async def files() -> None:
    book = await shelved()
    assert isinstance(book.file, (AsyncGridFSProxy, GridFSProxy))
    assert isinstance(book.cover, (AsyncGridFSProxy, ImageGridFsProxy))
    assert await book.file.async_read() == b"words"
    assert await book.file.async_get()
    await book.file.async_replace(b"other", filename="g")
    assert await book.file.async_readline() == b"other"
    assert await book.file.async_readlines() == []
    assert await book.file.async_readchunk() == b""
    assert b"".join([chunk async for chunk in book.file]) == b"other"
    await book.file.async_delete()
    await book.file.async_new_file(filename="h")
    await book.file.async_write(b"a")
    await book.file.async_writelines([b"b", b"c"])
    await book.file.async_close()
    await book.async_save()
    assert await Shelved.file.async_read(book) == b"abc"
    await Shelved.file.async_replace(b"x", book)
    assert await Shelved.file.async_get(book)
    await Shelved.file.async_delete(book)
    await Shelved.file.async_put(b"y", instance=book)
    assert await book.cover.async_read()
    assert await book.cover.async_open_thumbnail()
    for write in (book.cover.async_write, book.cover.async_writelines):
        with contextlib.suppress(RuntimeError, NotImplementedError):
            await write(b"")
    repr(book.file)
    await book.async_delete()


@runs(
    "SequenceField.async_generate",
    "SequenceField.async_get_next_value",
    "SequenceField.async_set_next_value",
)
async def sequences() -> None:
    assert await Shelved.number.async_generate() == 1
    assert await Shelved.number.async_get_next_value() == 2
    await Shelved.number.async_set_next_value(10)
    assert (await Shelved().async_save()).number == 11


@runs(
    "context_managers.async_switch_db",
    "context_managers.async_switch_collection",
    "context_managers.async_using_db",
    "context_managers.async_no_dereference",
    "context_managers.async_no_sub_classes",
    "context_managers.async_query_counter",
    "context_managers.async_run_in_transaction",
    "context_managers.async_with_transaction",
    "context_managers.async_set_write_concern",
    "context_managers.async_set_read_write_concern",
    "query_counter.async_count",
)
async def switching() -> None:
    async with contexts.async_switch_db(Member, "other"):
        await Member(name="there").async_save()
    async with contexts.async_switch_collection(Member, "elsewhere"):
        await Member(name="there").async_save()
    async with contexts.async_using_db("other"):
        await Member(name="there").async_save()
    assert await Member.objects.async_count() == 0
    book = await shelved()
    async with contexts.async_no_dereference(Shelved):
        assert (await Shelved.objects.async_first()).author == book.author
    async with contexts.async_no_sub_classes(Shelved):
        assert await Shelved.objects.async_count() == 1
    async with contexts.async_query_counter() as counter:
        await Shelved.objects.async_first()
        assert await counter.async_count() == 1
    async with contexts.async_run_in_transaction():
        await Member(name="in").async_save()
        assert await Member.objects.async_count() == 2
    await contexts.async_with_transaction(Member.objects.async_count)
    collection = await async_collection_of(Member)
    async with contexts.async_set_write_concern(collection, {"w": 1}):
        await Member.objects.async_count()
    async with contexts.async_set_read_write_concern(collection, {"w": 1}, None):
        await Member.objects.async_count()


# -- a blocking client that must not be used -------------------------------------


class Planted:
    """Stands where the blocking client would; any use of it is an error."""

    def _used(self, *_: Any) -> Any:
        raise AssertionError("an asynchronous operation used the blocking client")

    __getattr__ = __getitem__ = __call__ = _used


@pytest.fixture
async def opened(settings: dict[str, Any]) -> AsyncIterator[None]:
    await me.connect_async(**settings)
    other = {**settings, "name": settings["name"] + "_other"}
    await me.connect_async(alias="other", **other)
    yield
    await me.disconnect_all_async()


@pytest.fixture
def only_async(opened: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aliases that are open only with `connect_async()`; no other can be opened."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("an asynchronous operation opened a blocking client")

    monkeypatch.setattr(pymongo.MongoClient, "__init__", refuse)
    monkeypatch.setattr(connections, "get_connection", refuse)
    monkeypatch.setattr(connections, "get_db", refuse)
    monkeypatch.setattr(connections, "_open", refuse)


@pytest.fixture
def planted(opened: None) -> Iterator[None]:
    """Aliases that are open both ways, and the blocking client is a trap."""
    for alias in ("default", "other"):
        connections._connections[alias] = Planted()
        connections._dbs[alias] = Planted()
    yield
    for alias in ("default", "other"):
        connections._connections.pop(alias, None)
        connections._dbs.pop(alias, None)


FUNCTIONS = list(dict.fromkeys(OPERATIONS.values()))
EACH = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)


@EACH
async def test_where_only_the_async_side_is_open(
    function: Operation, only_async: None
) -> None:
    await function()


@EACH
async def test_where_a_blocking_client_is_planted(
    function: Operation, planted: None
) -> None:
    await function()


@pytest.mark.usefixtures("planted")
async def test_the_planted_client_catches_what_blocks() -> None:
    with pytest.raises(AssertionError, match="used the blocking client"):
        Member.objects.first()


#: Where what is inherited or private is known to users.
PUBLIC = (me.QuerySet, me.ReferenceField, me.Document, BaseList)
#: Steps the loops of querysets, cursors and batches; these are run here.
LOOPS = {"async_loop"}
LATER_NAMES = {"transaction": "context_managers", "query_counter": "context_managers"}


def public_name(owner: Any, name: str) -> str:
    """`QuerySet.async_first` for a method that `QuerySet` inherits."""
    if inspect.ismodule(owner):
        module = owner.__name__.rpartition(".")[2]
        return f"{LATER_NAMES.get(module, module)}.{name}"
    found = owner.__dict__[name]
    for cls in PUBLIC:
        if inspect.getattr_static(cls, name, None) is found:
            return f"{cls.__name__}.{name}"
    return f"{owner.__name__}.{name}"


def test_every_async_operation_is_run_here() -> None:
    existing = {
        public_name(owner, name).replace("BaseQuerySet.", "QuerySet.")
        for owner, name in async_names()
        if not name.startswith("_")
        and name not in LOOPS
        and not owner.__name__.startswith("mongoengine.testing")  # fixtures
        and not (inspect.ismodule(owner) and owner.__name__ == "mongoengine")
    }
    connecting = {name for name in existing if name.startswith("connection.")}
    assert existing - connecting == set(OPERATIONS)


# -- how long the loop is held up ------------------------------------------------


class Slow(logging.Handler):
    """Collect the warnings of asyncio's debug mode about slow callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if " took " in text:
            self.texts.append(text)


@pytest.mark.slow
async def test_no_operation_holds_up_the_loop(
    opened: None, server: pymongo.MongoClient[Any]
) -> None:
    books = [await shelved() for _ in range(3)]
    lists = Shelved.objects.batch_size(2)

    async def loop() -> None:
        async for _ in lists:
            pass

    async def transaction() -> None:
        async with contexts.async_run_in_transaction():
            await Member(name="t").async_save()

    operations: list[Any] = [
        books[0].async_reload(),
        books[0].async_update(inc__pages=1),
        books[1].async_modify(inc__pages=1),
        books[2].async_delete(),
        books[0].author.async_fetch(),
        books[0].readers.async_fetch(),
        books[0].lazy.async_fetch(),
        books[0].file.async_read(),
        Member(name="new").async_save(),
        Shelved.objects.async_first(),
        Shelved.objects.async_to_list(),
        Shelved.objects(title="one").async_count(),
        Shelved.objects.async_distinct("title"),
        Shelved.objects.async_sum("pages"),
        Shelved.objects.async_select_related(),
        Shelved.objects(title="none").async_update(inc__pages=1),
        Shelved.objects(title="none").async_delete(),
        Member.objects.async_insert([Member(name="p") for _ in range(3)]),
        Shelved.async_list_indexes(),
        loop(),
        transaction(),
    ]
    commands = ["find", "getMore", "aggregate", "insert", "update", "delete"]
    commands += ["findAndModify", "distinct", "listIndexes", "count"]
    server.admin.command(
        "configureFailPoint",
        "failCommand",
        mode="alwaysOn",
        data={
            "failCommands": commands,
            "blockConnection": True,
            "blockTimeMS": int(1000 * DELAY),
        },
    )
    running = asyncio.get_running_loop()
    slow = Slow()
    logger = logging.getLogger("asyncio")
    logger.addHandler(slow)
    running.set_debug(True)
    running.slow_callback_duration = THRESHOLD
    try:
        await asyncio.gather(*operations)
    finally:
        running.set_debug(False)
        logger.removeHandler(slow)
        server.admin.command("configureFailPoint", "failCommand", mode="off")
    assert not slow.texts


@pytest.mark.slow
async def test_a_blocking_operation_would_be_noticed(
    opened: None, settings: dict[str, Any], server: pymongo.MongoClient[Any]
) -> None:
    me.connect(**settings)
    await Member(name="p").async_save()
    slow = Slow()
    logger = logging.getLogger("asyncio")
    logger.addHandler(slow)
    running = asyncio.get_running_loop()
    running.set_debug(True)
    running.slow_callback_duration = THRESHOLD
    server.admin.command(
        "configureFailPoint",
        "failCommand",
        mode={"times": 1},
        data={
            "failCommands": ["find"],
            "blockConnection": True,
            "blockTimeMS": int(1000 * DELAY),
        },
    )

    async def hold_up() -> None:
        Member.objects.first()

    try:
        await asyncio.create_task(hold_up())
        await asyncio.sleep(0)
    finally:
        running.set_debug(False)
        logger.removeHandler(slow)
    assert slow.texts
