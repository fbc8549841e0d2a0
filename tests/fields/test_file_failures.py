"""Files when the server fails, a caller is cancelled, or a transaction aborts."""

from __future__ import annotations

import asyncio
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pytest
from gridfs.errors import FileExists
from PIL import Image
from pymongo.errors import OperationFailure

from mongoengine import (
    DENY,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FileField,
    GenericEmbeddedDocumentField,
    GridFSError,
    GridFSProxy,
    ImageField,
    ListField,
    MapField,
    OperationError,
    ReferenceField,
    StringField,
)
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from tests.families import Family

OLD, NEW = b"old" * 100_000, b"new" * 200_000


class Attachment(EmbeddedDocument):
    data = FileField()
    meta = {"allow_inheritance": True}


class Titled(Attachment):
    cover = FileField()


class Letter(Document):
    title = StringField()
    file = FileField()
    image = ImageField(thumbnail_size=(4, 4, True))
    listed = ListField(FileField())
    images = ListField(ImageField(thumbnail_size=(4, 4, True)))
    mapped = MapField(FileField())
    nested = MapField(ListField(FileField()))
    attachment = EmbeddedDocumentField(Attachment)
    attachments = EmbeddedDocumentListField(Attachment)
    anything = GenericEmbeddedDocumentField()
    meta = {"auto_create_index": False}


class Stamp(Document):
    letter = ReferenceField(Letter, reverse_delete_rule=DENY)
    meta = {"auto_create_index": False}


@contextmanager
def failing(mongo: Any, command: str, skip: int | None = None) -> Iterator[None]:
    """Let the server refuse a command: the next one, or all after `skip`."""
    admin = mongo.client.admin
    mode = {"times": 1} if skip is None else {"skip": skip}
    data = {"failCommands": [command], "errorCode": 96}
    admin.command("configureFailPoint", "failCommand", mode=mode, data=data)
    try:
        yield
    finally:
        admin.command("configureFailPoint", "failCommand", mode="off")


@types.coroutine
def cancelled_at(step: int, coroutine: Any) -> Any:
    """Await `coroutine`, cancelling this task when it waits for the `step`-th time.

    Gives whether it came so far.
    """
    task = asyncio.current_task()
    assert task is not None
    waits, waiting = 0, coroutine.send(None)
    while True:
        waits += 1
        if waits == step:
            task.cancel()
        try:
            try:
                sent = yield waiting
            except BaseException as error:
                waiting = coroutine.throw(error)
            else:
                waiting = coroutine.send(sent)
        except StopIteration:
            return waits >= step


async def cancelled_everywhere(make: Any) -> AsyncIterator[Any]:
    """Cancel what `make` starts at its first, its second, ... wait, to its end."""
    for step in range(1, 100):
        subject, coroutine = await make()
        try:
            if not await cancelled_at(step, coroutine):
                return
        except asyncio.CancelledError:
            pass
        task = asyncio.current_task()
        assert task is not None
        while task.cancelling() if hasattr(task, "cancelling") else False:
            task.uncancel()
        yield subject
    raise AssertionError("it never came to its end")


def picture(color: str = "red") -> BytesIO:
    data = BytesIO()
    Image.new("RGB", (16, 16), color).save(data, "PNG")
    data.seek(0)
    return data


def counts(mongo: Any, name: str = "fs") -> list[int]:
    """Return how many files there are, and how many files have chunks."""
    return [
        mongo[f"{name}.files"].count_documents({}),
        len(mongo[f"{name}.chunks"].distinct("files_id")),
    ]


async def stored(family: Family) -> Letter:
    letter = Letter(title="a")
    await family(letter.file, "put", OLD, filename="old")
    await family(letter, "save")
    return letter


async def loaded(family: Family) -> Letter:
    letter: Letter = await family(Letter.objects, "first")
    return letter


# replace


async def test_a_replaced_file_is_gone(family: Family, mongo: Any) -> None:
    letter = await stored(family)
    key = await family(letter.file, "replace", NEW, filename="new")
    assert key == letter.file.grid_id == mongo["fs.files"].find_one()["_id"]
    assert letter._get_changed_fields() == ["file"]
    assert counts(mongo) == [1, 1]
    await family(letter, "save")
    found = await loaded(family)
    assert await family(found.file, "read") == NEW


async def test_replacing_by_the_field_gives_the_new_key(family: Family) -> None:
    letter = await stored(family)
    key = await family(Letter.file, "replace", NEW, letter)
    assert key == letter.file.grid_id


async def test_replacing_nothing_stores_the_file(family: Family, mongo: Any) -> None:
    letter = Letter()
    key = await family(letter.file, "replace", NEW)
    assert key == letter.file.grid_id is not None
    assert counts(mongo) == [1, 1]


@pytest.mark.parametrize(
    ("command", "skip"),
    [("find", 0), ("insert", 0), ("insert", 1), ("delete", 0)],
)
async def test_a_replacement_that_fails_keeps_the_old_file(
    family: Family, mongo: Any, command: str, skip: int
) -> None:
    letter = await stored(family)
    key = letter.file.grid_id
    with failing(mongo, command, skip or None), pytest.raises(OperationFailure):
        await family(letter.file, "replace", NEW)
    assert letter.file.grid_id == key
    assert await family(letter.file, "read") == OLD
    found = await loaded(family)
    assert await family(found.file, "read") == OLD
    assert counts(mongo)[0] == 1


async def test_chunks_that_cannot_be_removed_do_not_fail_a_replacement(
    family: Family, mongo: Any, caplog: Any
) -> None:
    letter = await stored(family)
    with failing(mongo, "delete", 1):
        key = await family(letter.file, "replace", NEW)
    assert letter.file.grid_id == key
    assert await family(letter.file, "read") == NEW
    assert "left in GridFS" in caplog.text


async def test_a_replacement_from_a_failing_source_keeps_the_old_file(
    family: Family, mongo: Any
) -> None:
    def source() -> Iterator[bytes]:
        yield NEW
        raise OSError("the disk is gone")

    letter = await stored(family)
    with pytest.raises(OSError, match="disk"):
        await family(letter.file, "replace", source())
    assert await family(letter.file, "read") == OLD
    assert counts(mongo) == [1, 1]


async def test_a_failed_replacement_of_an_image_keeps_the_old_one(
    family: Family, mongo: Any
) -> None:
    letter = Letter()
    await family(letter.image, "put", picture())
    await family(letter, "save")
    key = letter.image.grid_id
    with failing(mongo, "delete"), pytest.raises(OperationFailure):
        await family(letter.image, "replace", picture("blue"))
    assert letter.image.grid_id == key
    assert counts(mongo, "images") == [2, 2]
    await family(letter.image, "replace", picture("blue"))
    assert counts(mongo, "images") == [2, 2]
    assert await family(letter.image, "open_thumbnail") is not None


def test_an_assignment_that_fails_keeps_the_old_file(db: Any) -> None:
    letter = Letter(file=b"old").save()
    with pytest.raises(TypeError, match="encoding"):
        letter.file = "text"
    assert letter.file.read() == b"old"
    assert Letter.objects.get().file.read() == b"old"


@pytest.mark.parametrize("family", ["async"], indirect=True)
async def test_a_cancelled_replacement_keeps_a_file(family: Family, mongo: Any) -> None:
    async def replacing() -> Any:
        mongo.letter.drop()
        for name in ("files", "chunks"):
            mongo[f"fs.{name}"].delete_many({})
        letter = await stored(family)
        return (letter, letter.file.grid_id), letter.file.async_replace(NEW)

    outcomes = set()
    async for letter, key in cancelled_everywhere(replacing):
        await asyncio.sleep(0)
        replaced = letter.file.grid_id != key
        outcomes.add(replaced)
        assert await letter.file.async_read() == (NEW if replaced else OLD)
        assert mongo["fs.files"].count_documents({}) == 1
        if not replaced:
            found = await Letter.objects.async_get()
            assert await found.file.async_read() == OLD
            assert counts(mongo) == [1, 1]
        else:
            assert letter._get_changed_fields() == ["file"]
    assert False in outcomes


# Deleting a document


async def full(family: Family) -> Letter:
    """A letter with a file in every place that may have one."""

    async def proxy() -> GridFSProxy:
        made = GridFSProxy()
        await family(made, "put", b"x")
        return made

    letter = await stored(family)
    await family(letter.image, "put", picture())
    letter.listed = [await proxy(), await proxy()]
    letter.mapped = {"a": await proxy()}
    letter.nested = {"a": [await proxy()], "b": [await proxy()]}
    for titled in (letter.attachment, letter.anything):
        assert titled is None
    letter.attachment = Titled(data=await proxy(), cover=await proxy())
    letter.anything = Attachment(data=await proxy())
    letter.attachments = [Attachment(data=await proxy()), Attachment()]
    await family(letter, "save")
    return letter


@pytest.mark.parametrize("reloaded", [False, True])
async def test_files_everywhere_go_with_their_document(
    family: Family, mongo: Any, reloaded: bool
) -> None:
    letter = await full(family)
    assert counts(mongo)[0] == 10
    if reloaded:
        letter = await loaded(family)
    await family(letter, "delete")
    assert counts(mongo) == [0, 0]
    assert counts(mongo, "images") == [0, 0]


async def test_images_in_lists_go_with_their_document(
    family: Family, mongo: Any
) -> None:
    letter = Letter()
    await family(letter.image, "put", picture())
    letter.images.append(letter.image)
    letter.image = None
    await family(letter, "save")
    assert counts(mongo, "images") == [2, 2]
    await family(await loaded(family), "delete")
    assert counts(mongo, "images") == [0, 0]


async def test_the_document_is_deleted_first(family: Family) -> None:
    letter = await stored(family)
    _ = family.commands
    await family(letter, "delete")
    deleted = [c["delete"] for c in family.commands if "delete" in c]
    assert deleted == ["letter", "fs.files", "fs.chunks"]


async def test_a_document_that_cannot_be_deleted_keeps_its_files(
    family: Family, mongo: Any
) -> None:
    letter = await full(family)
    with failing(mongo, "delete"), pytest.raises(OperationError):
        await family(letter, "delete")
    assert counts(mongo)[0] == 10
    assert await family((await loaded(family)).file, "read") == OLD


async def test_a_refused_deletion_keeps_the_files(family: Family, mongo: Any) -> None:
    letter = await stored(family)
    await family(Stamp(letter=letter), "save")
    with pytest.raises(OperationError, match="refers to it"):
        await family(letter, "delete")
    assert await family(letter.file, "read") == OLD


@pytest.mark.parametrize("fails", [False, True])
async def test_files_are_deleted_with_the_commit(
    family: Family, mongo: Any, fails: bool
) -> None:
    letter = await stored(family)

    async def body() -> None:
        await family(letter, "delete")
        assert counts(mongo) == [1, 1]
        if fails:
            raise LookupError

    async def transaction() -> None:
        if family.is_async:
            async with async_run_in_transaction():
                await body()
        else:
            with run_in_transaction():
                await body()

    if fails:
        with pytest.raises(LookupError):
            await transaction()
        found = await loaded(family)
        assert await family(found.file, "read") == OLD
        assert await family(letter.file, "read") == OLD
    else:
        await transaction()
        assert counts(mongo) == [0, 0]
        assert await loaded(family) is None


@pytest.mark.parametrize("method", ["delete", "replace"])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_stored_file_is_removed_with_the_commit(
    family: Family, mongo: Any, method: str, fails: bool
) -> None:
    letter = await stored(family)
    key = letter.file.grid_id

    async def body() -> None:
        await family(letter.file, method, *([NEW] if method == "replace" else []))
        assert letter.file.grid_id != key
        await family(letter, "save")
        assert mongo["fs.files"].count_documents({"_id": key}) == 1
        if fails:
            raise LookupError

    async def transaction() -> None:
        if family.is_async:
            async with async_run_in_transaction():
                await body()
        else:
            with run_in_transaction():
                await body()

    if fails:
        with pytest.raises(LookupError):
            await transaction()
        assert letter.file.grid_id == key
    else:
        await transaction()
        assert mongo["fs.files"].count_documents({"_id": key}) == 0
    found = await loaded(family)
    kept = OLD if fails else NEW if method == "replace" else None
    assert await family(found.file, "read") == kept
    assert await family(letter.file, "read") == kept


async def test_replacing_a_file_that_is_being_written(
    family: Family, mongo: Any
) -> None:
    letter = Letter()
    await family(letter.file, "write", b"x" * 300_000)
    await family(letter.file, "replace", NEW)
    await family(letter.file, "close")
    assert await family(letter.file, "read") == NEW
    assert counts(mongo) == [1, 1]


async def test_a_stored_file_cannot_be_written_to(family: Family) -> None:
    letter = Letter()
    await family(letter.file, "write", b"x")
    await family(letter.file, "close")
    for method, data in (("write", b"y"), ("writelines", [])):
        with pytest.raises(ValueError, match="closed file"):
            await family(letter.file, method, data)


async def test_a_failure_after_the_commit_is_logged(
    family: Family, mongo: Any, caplog: Any
) -> None:
    letter = await stored(family)
    admin = mongo.client.admin
    data = {"failCommands": ["delete"], "errorCode": 96}

    async def body() -> None:
        await family(letter, "delete")
        admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)

    if family.is_async:
        async with async_run_in_transaction():
            await body()
    else:
        with run_in_transaction():
            await body()
    assert await loaded(family) is None
    assert "failed after a transaction" in caplog.text


# read


@pytest.mark.parametrize("method", ["read", "readchunk", "readline"])
async def test_a_failed_read_is_repeated(
    family: Family, mongo: Any, method: str
) -> None:
    await stored(family)
    letter = await loaded(family)
    await family(letter.file, "get")
    with failing(mongo, "find"), pytest.raises(OperationFailure):
        await family(letter.file, method)
    assert len(await family(letter.file, method)) > 0
    await family(letter.file, "read")
    assert await family(letter.file, "read") == b""


async def test_a_failed_read_sends_nothing_more(family: Family, mongo: Any) -> None:
    await stored(family)
    letter = await loaded(family)
    _ = family.commands
    with failing(mongo, "find"), pytest.raises(OperationFailure):
        await family(letter.file, "read")
    assert [c["find"] for c in family.commands if "find" in c] == ["fs.files"]


async def test_a_failed_read_goes_on_where_it_began(family: Family, mongo: Any) -> None:
    letter = Letter()
    await family(letter.file, "put", bytes(range(100)), chunk_size=10)
    await family(letter, "save")
    letter = await loaded(family)
    assert await family(letter.file, "read", 15) == bytes(range(15))
    read = letter.file.gridout
    await _lose_cursor(family, read)
    with failing(mongo, "find"), pytest.raises(OperationFailure):
        await family(letter.file, "read", 15)
    assert await family(letter.file, "read", 15) == bytes(range(15, 30))
    assert await family(letter.file, "read") == bytes(range(30, 100))


async def _lose_cursor(family: Family, opened: Any) -> None:
    """Seek there and back, so that the next read sends a find."""
    position = opened.tell()
    for target in (0, position):
        moved = opened.seek(target)
        if family.is_async:
            await moved


# Writing in pieces


async def test_a_close_that_fails_leaves_nothing(family: Family, mongo: Any) -> None:
    letter = Letter()
    await family(letter.file, "new_file", filename="n")
    await family(letter.file, "write", b"x" * 300_000)
    with failing(mongo, "insert"), pytest.raises(OperationFailure):
        await family(letter.file, "close")
    assert letter.file.grid_id is None
    assert counts(mongo) == [0, 0]
    await family(letter.file, "close")
    with pytest.raises(GridFSError, match=r"begin it again with new_file\(\)"):
        await family(letter.file, "write", b"the rest")
    await family(letter.file, "new_file")
    await family(letter.file, "write", b"again")
    await family(letter.file, "close")
    assert await family(letter.file, "read") == b"again"


@pytest.mark.parametrize("family", ["async"], indirect=True)
async def test_a_cancelled_close_leaves_nothing(family: Family, mongo: Any) -> None:
    async def closing() -> Any:
        letter = Letter()
        await letter.file.async_new_file()
        await letter.file.async_write(b"x" * 300_000)
        return letter, letter.file.async_close()

    cancelled = 0
    async for letter in cancelled_everywhere(closing):
        cancelled += 1
        assert letter.file.grid_id is None
        await letter.async_save()
        assert "file" not in mongo.letter.find_one({"_id": letter.id})
        assert counts(mongo) == [0, 0]
    assert cancelled


async def test_a_taken_id_costs_nobody_a_file(family: Family, mongo: Any) -> None:
    letter = await stored(family)
    key = letter.file.grid_id
    other = Letter()
    for method in ("put", "new_file"):
        arguments = [b"x"] if method == "put" else []
        with pytest.raises(FileExists):
            await family(other.file, method, *arguments, _id=key)
        assert not other.file
    assert await family(letter.file, "read") == OLD


# What can be put


def iterable() -> Iterator[bytes]:
    for _ in range(3):
        yield b"x" * 1000


class Sparing:
    """A file that gives less than what is asked for, as connections do."""

    def __init__(self) -> None:
        self.left = [b"x" * 1000] * 3

    def read(self, size: int) -> bytes:
        return self.left.pop() if self.left else b""


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 3000,
        bytearray(b"x" * 3000),
        memoryview(b"x" * 3000),
        lambda: BytesIO(b"x" * 3000),
        lambda: [b"x" * 1000, BytesIO(b"x" * 1000), bytearray(b"x" * 1000)],
        iterable,
        Sparing,
    ],
    ids=["bytes", "bytearray", "memoryview", "file", "list", "iterator", "connection"],
)
@pytest.mark.parametrize("method", ["put", "write"])
async def test_sources(family: Family, data: Any, method: str) -> None:
    data = data() if callable(data) else data
    letter = Letter()
    await family(letter.file, method, data)
    await family(letter.file, "close")
    assert await family(letter.file, "read") == b"x" * 3000


async def asynchronous_pieces(count: int = 3) -> AsyncIterator[bytes]:
    for _ in range(count):
        await asyncio.sleep(0)
        yield b"x" * 1000


class Reader:
    async def read(self, size: int = -1) -> bytes:
        raise NotImplementedError


@pytest.mark.parametrize("method", ["put", "replace", "write", "writelines"])
async def test_asynchronous_iterators(async_db: Any, method: str) -> None:
    letter = Letter()
    await getattr(letter.file, f"async_{method}")(asynchronous_pieces())
    await letter.file.async_close()
    assert await letter.file.async_read() == b"x" * 3000
    await Letter.file.async_replace(asynchronous_pieces(1000), letter)
    assert await letter.file.async_read() == b"x" * 1_000_000


async def test_a_stored_file_as_a_source(async_db: Any) -> None:
    letter, other = Letter(), Letter()
    await letter.file.async_put(b"x" * 3000)
    await other.file.async_put(letter.file)
    assert await other.file.async_read() == b"x" * 3000


async def test_an_image_from_an_asynchronous_iterator(async_db: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield picture().getvalue()

    letter = Letter()
    await letter.image.async_put(pieces())
    await letter.image.async_get()
    assert letter.image.size == (16, 16)


@pytest.mark.parametrize("source", [asynchronous_pieces, Reader])
def test_asynchronous_sources_need_the_async_family(db: Any, source: Any) -> None:
    with pytest.raises(TypeError, match="use the async_ method"):
        Letter().file.put(source())


async def test_an_iterator_that_fails_leaves_nothing(async_db: Any) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise OSError("the client is gone")

    letter = Letter()
    with pytest.raises(OSError, match="client"):
        await letter.file.async_put(pieces())
    assert not letter.file
    assert await async_db["fs.chunks"].count_documents({}) == 0
