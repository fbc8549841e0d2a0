"""FileField and its proxy, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import copy
import io
import pickle
from typing import Any

import pytest
from bson import ObjectId
from gridfs.errors import CorruptGridFile, FileExists

from mongoengine import (
    AsyncGridFSProxy,
    Document,
    FileField,
    GridFSError,
    GridFSProxy,
    ListField,
    MapField,
    StringField,
    ValidationError,
    connect,
)
from mongoengine.driver.io import WrongFamilyError


class Recording(Document):
    title = StringField()
    file = FileField()


class ManyFiles(Document):
    low = FileField(collection_name="low", db_field="l")
    listed = ListField(FileField())
    named = MapField(FileField(collection_name="named"))


def put(data: Any = b"hello", **about: Any) -> Recording:
    recording = Recording()
    recording.file.put(data, **about)
    return recording.save()


# Blocking


@pytest.mark.filterwarnings("ignore:GridOut property:DeprecationWarning")
def test_a_file_is_put_and_read(db: Any) -> None:
    recording = put(filename="h.txt", content_type="text/plain", artist="x")
    assert db["recording"].find_one()["file"] == recording.file.grid_id
    found = Recording.objects.get()
    assert found.file
    assert found.file.read() == b"hello"
    assert found.file.read() == b""
    assert found.file.filename == "h.txt"
    assert found.file.content_type == "text/plain"
    assert found.file.length == 5
    assert found.file.artist == "x"
    assert found._get_changed_fields() == []


def test_a_document_without_a_file(db: Any) -> None:
    recording = Recording().save()
    assert not recording.file
    assert recording.file.read() is None
    assert recording.file.get() is None
    assert not hasattr(recording.file, "length")
    assert repr(recording.file) == "<GridFSProxy: None>"
    assert str(recording.file) == "<GridFSProxy: <no file> (None)>"
    assert "file" not in db["recording"].find_one()


def test_one_reads_in_pieces(db: Any) -> None:
    found = Recording.objects.get(id=put(b"0123456789").id)
    assert found.file.read(3) == b"012"
    assert found.file.tell() == 3
    found.file.seek(7)
    assert found.file.read() == b"789"


def test_a_second_file_is_refused(db: Any) -> None:
    recording = put()
    with pytest.raises(GridFSError, match="already has a file"):
        recording.file.put(b"other")
    with pytest.raises(GridFSError, match="already has a file"):
        Recording.objects.get().file.write(b"other")
    assert db["fs.files"].count_documents({}) == 1


def test_text_needs_an_encoding(db: Any) -> None:
    with pytest.raises(TypeError, match="must specify an encoding"):
        Recording().file.put("text")
    assert put("tëxt", encoding="utf8").file.read() == "tëxt".encode()


def test_a_file_is_written_in_pieces(db: Any) -> None:
    recording = Recording()
    recording.file.new_file(filename="w")
    recording.file.write(b"ab")
    recording.file.writelines([b"c", b"d"])
    assert recording.file.read() is None
    recording.file.close()
    recording.save()
    assert recording.file.read() == b"abcd"
    assert recording.file.filename == "w"


def test_writing_begins_a_file(db: Any) -> None:
    recording = Recording()
    recording.file.write(b"x")
    recording.file.close()
    assert recording.file.read() == b"x"


def test_a_file_is_replaced(db: Any) -> None:
    recording = put(b"old")
    recording._clear_changed_fields()
    recording.file.replace(b"new", filename="n")
    assert recording._get_changed_fields() == ["file"]
    recording.save()
    assert Recording.objects.get().file.read() == b"new"
    assert db["fs.files"].count_documents({}) == 1
    assert db["fs.chunks"].count_documents({}) == 1


def test_a_file_is_deleted(db: Any) -> None:
    recording = put()
    other = Recording.objects.get()
    recording.file.delete()
    recording.save()
    assert "file" not in db["recording"].find_one()
    assert db["fs.files"].count_documents({}) == 0
    assert other.file.read() is None
    assert str(other.file) == f"<GridFSProxy: <no file> ({other.file.grid_id})>"


def test_a_file_goes_with_its_document(db: Any) -> None:
    put().delete()
    assert db["fs.files"].count_documents({}) == 0


def test_assigning_stores_a_file_in_place_of_the_old(db: Any) -> None:
    recording = Recording(file=b"one").save()
    assert recording.file.read() == b"one"
    recording.file = io.BytesIO(b"two")
    recording.save()
    assert Recording.objects.get().file.read() == b"two"
    assert db["fs.files"].count_documents({}) == 1


def test_assigning_none_lets_go_of_the_file(db: Any) -> None:
    recording = put()
    recording.file = None
    recording.save()
    assert "file" not in db["recording"].find_one()


def test_a_damaged_file_reads_as_empty_text(db: Any) -> None:
    recording = put()
    db["fs.chunks"].delete_many({})
    assert Recording.objects.get(id=recording.id).file.read() == ""


def test_collections_of_their_own(db: Any) -> None:
    many = ManyFiles()
    many.low.put(b"low")
    many.save()
    assert db["low.files"].count_documents({}) == 1
    assert ManyFiles.objects.get().low.read() == b"low"


def test_databases_of_their_own(
    db: Any, server: Any, server_uri: str, database_name: str
) -> None:
    standard = {"uuidRepresentation": "standard"}
    connect(f"{database_name}_far", alias="far", host=server_uri, **standard)

    class FarFile(Document):
        file = FileField(db_alias="far")

    recording = FarFile(file=b"x").save()
    assert server[f"{database_name}_far"]["fs.files"].count_documents({}) == 1
    assert FarFile.objects.get(id=recording.id).file.read() == b"x"


def test_files_in_lists_and_maps(db: Any) -> None:
    one, two = GridFSProxy(), GridFSProxy(collection_name="named")
    one.put(b"one")
    two.put(b"two")
    many = ManyFiles()
    many.listed.append(one)
    many.named["x"] = two
    many.save()
    found = ManyFiles.objects.get()
    assert [file.read() for file in found.listed] == [b"one"]
    assert found.named["x"].read() == b"two"


def test_values_that_are_no_proxies_are_refused() -> None:
    field = Recording.file
    with pytest.raises(ValidationError, match="Invalid GridFSProxy value"):
        field.validate(GridFSProxy("no id"))
    with pytest.raises(ValidationError, match="only accepts GridFSProxy values"):
        field.validate(type("Loose", (), {"grid_id": ObjectId()})())
    field.validate(GridFSProxy())


def test_a_required_file(db: Any) -> None:
    class NeedsFile(Document):
        file = FileField(required=True)

    with pytest.raises(ValidationError, match="Field is required"):
        NeedsFile(file=None).validate()
    NeedsFile(file=b"x").validate()


def test_proxies_compare_by_file_and_place() -> None:
    assert GridFSProxy(1) == GridFSProxy(1)
    assert GridFSProxy(1) != GridFSProxy(2)
    assert GridFSProxy(1) != GridFSProxy(1, collection_name="other")
    assert GridFSProxy(1) != GridFSProxy(1, db_alias="other")
    assert GridFSProxy(1) != 1


def test_proxies_are_copied_and_pickled(db: Any) -> None:
    recording = put()
    recording.file.read()
    assert copy.copy(recording.file) == recording.file
    assert copy.deepcopy(recording).file == recording.file
    again = pickle.loads(pickle.dumps(recording))
    assert again.file == recording.file
    assert again.file.read() == b"hello"


def test_queries_on_files(db: Any) -> None:
    recording = put()
    Recording().save()
    assert Recording.objects(file=recording.file.grid_id).count() == 1
    assert Recording.objects(file=None).count() == 1


# PyMongo sends chunks when it has 48 MB of them: four of these.
CHUNK = 12 * 1024 * 1024


class FailingFile:
    """Gives five chunks, of which four are sent, and then fails."""

    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int) -> bytes:
        self.given += 1
        if self.given > 5:
            raise OSError("the disk is gone")
        return b"x" * size


def test_nothing_is_left_of_a_failed_upload(db: Any, sent_commands: Any) -> None:
    recording = Recording()
    with pytest.raises(OSError, match="the disk is gone"):
        recording.file.put(FailingFile(), chunk_size=CHUNK)
    assert not recording.file
    assert "insert" in sent_commands.names
    assert db["fs.chunks"].count_documents({}) == 0
    assert db["fs.files"].count_documents({}) == 0


def test_a_taken_id_does_not_cost_the_file_that_has_it(db: Any) -> None:
    taken = put().file.grid_id
    with pytest.raises(FileExists):
        Recording().file.put(b"other", _id=taken)
    assert Recording.objects.get().file.read() == b"hello"


def test_the_field_puts_and_reads_for_a_document(db: Any) -> None:
    recording = Recording()
    assert Recording.file.get(recording) is None
    assert Recording.file.put(b"one", recording, filename="o") is recording.file
    recording.save()
    assert Recording.file.read(recording, 2) == b"on"
    Recording.file.replace(b"two", recording)
    assert Recording.file.read(recording) == b"two"
    Recording.file.delete(recording)
    assert not recording.file


# Asynchronous


async def async_put(data: Any = b"hello", **about: Any) -> Recording:
    recording = Recording()
    await recording.file.async_put(data, **about)
    return await recording.async_save()


async def test_a_file_is_put_and_read_in_async_code(async_db: Any) -> None:
    recording = await async_put(filename="h.txt", artist="x")
    found = await Recording.objects.async_get(id=recording.id)
    assert isinstance(found.file, AsyncGridFSProxy)
    assert found.file
    assert await found.file.async_read(2) == b"he"
    assert await found.file.async_read() == b"llo"
    assert found.file.filename == "h.txt"
    assert found.file.artist == "x"


async def test_attributes_need_the_opened_file(async_db: Any) -> None:
    recording = await async_put(filename="h.txt")
    found = await Recording.objects.async_get(id=recording.id)
    with pytest.raises(AttributeError, match=r"await GridFSProxy.async_get\(\)"):
        found.file.filename
    assert str(found.file) == f"<GridFSProxy: <no file> ({found.file.grid_id})>"
    await found.file.async_get()
    assert found.file.filename == "h.txt"
    assert str(found.file) == f"<GridFSProxy: h.txt ({found.file.grid_id})>"


async def test_no_file_in_async_code(async_db: Any) -> None:
    recording = Recording()
    assert await recording.file.async_read() is None
    assert await recording.file.async_get() is None
    assert [chunk async for chunk in recording.file] == []


async def test_a_file_is_replaced_and_deleted_in_async_code(async_db: Any) -> None:
    recording = await async_put(b"old")
    await recording.file.async_replace(b"new")
    await recording.async_save()
    found = await Recording.objects.async_get()
    assert await found.file.async_read() == b"new"
    with pytest.raises(GridFSError, match="already has a file"):
        await found.file.async_put(b"x")
    await found.file.async_delete()
    await found.async_save()
    assert await async_db["fs.files"].count_documents({}) == 0
    assert "file" not in await async_db["recording"].find_one()


async def test_a_file_is_written_in_pieces_in_async_code(async_db: Any) -> None:
    recording = Recording()
    await recording.file.async_new_file(filename="w")
    await recording.file.async_write(b"ab")
    await recording.file.async_writelines([b"c", b"d"])
    await recording.file.async_close()
    assert await recording.file.async_read() == b"abcd"


async def test_an_asynchronous_source(async_db: Any) -> None:
    class Source:
        def __init__(self) -> None:
            self.left = [b"a" * 255 * 1024, b"b", b""]

        async def read(self, size: int) -> bytes:
            await asyncio.sleep(0)
            return self.left.pop(0)

    recording = await async_put(Source())
    assert (await recording.file.async_get()).length == 255 * 1024 + 1


async def test_chunks_are_read_a_few_at_a_time(
    async_db: Any, sent_commands: Any
) -> None:
    recording = await async_put(bytes(range(250)) * 8, chunk_size=100)
    sent_commands.clear()
    chunks = [chunk async for chunk in recording.file]
    assert b"".join(chunks) == bytes(range(250)) * 8
    assert {len(chunk) for chunk in chunks} == {100}
    finds = [c for c in sent_commands.named("find") if c["find"] == "fs.chunks"]
    assert [c["limit"] for c in finds] == [8, 8, 8]
    assert "getMore" not in sent_commands.names


async def test_leaving_the_loop_early_leaves_no_cursor(
    async_db: Any, sent_commands: Any
) -> None:
    recording = await async_put(b"x" * 10_000, chunk_size=100)
    async for chunk in recording.file:
        assert len(chunk) == 100
        break
    assert sent_commands.names.count("killCursors") == 0
    assert await recording.file.async_read(5) == b"xxxxx"


async def test_a_missing_chunk_is_told(async_db: Any) -> None:
    recording = await async_put(b"x" * 1000, chunk_size=100)
    await async_db["fs.chunks"].delete_one({"n": 3})
    with pytest.raises(CorruptGridFile, match="no chunk #3"):
        async for _ in recording.file:
            pass


async def test_the_field_works_for_a_document_in_async_code(async_db: Any) -> None:
    recording = Recording()
    assert await Recording.file.async_get(recording) is None
    put_file = Recording.file.async_put
    proxy = await put_file(b"one", instance=recording, filename="o", artist="x")
    assert proxy is recording.file
    await recording.async_save()
    found = await Recording.objects.async_get()
    opened = await Recording.file.async_get(found)
    assert opened is not None
    assert opened.artist == "x"
    assert await Recording.file.async_read(found) == b"one"
    await Recording.file.async_replace(b"two", found)
    assert await Recording.file.async_read(found) == b"two"
    await Recording.file.async_delete(found)
    assert not found.file


async def test_nothing_is_left_of_a_failed_upload_in_async_code(async_db: Any) -> None:
    recording = Recording()
    with pytest.raises(OSError, match="the disk is gone"):
        await recording.file.async_put(FailingFile(), chunk_size=CHUNK)
    assert not recording.file
    assert await async_db["fs.chunks"].count_documents({}) == 0


class StallingSource:
    """Gives five chunks, of which four are sent, and then waits for ever."""

    def __init__(self) -> None:
        self.waits = asyncio.Event()
        self.given = 0

    async def read(self, size: int) -> bytes:
        self.given += 1
        if self.given > 5:
            self.waits.set()
            await asyncio.Event().wait()
        return b"x" * size


@pytest.mark.parametrize("pieces", [False, True])
async def test_nothing_is_left_of_a_cancelled_upload(
    async_db: Any, pieces: bool
) -> None:
    recording, source = Recording(), StallingSource()
    if pieces:
        await recording.file.async_new_file(chunk_size=CHUNK)
        storing = recording.file.async_write(source)
    else:
        storing = recording.file.async_put(source, chunk_size=CHUNK)
    task = asyncio.create_task(storing)
    await source.waits.wait()
    assert await async_db["fs.chunks"].count_documents({}) == 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not recording.file
    assert await async_db["fs.chunks"].count_documents({}) == 0
    assert await async_db["fs.files"].count_documents({}) == 0


async def test_a_file_goes_with_its_document_in_async_code(async_db: Any) -> None:
    recording = await async_put()
    await recording.async_delete()
    assert await async_db["fs.files"].count_documents({}) == 0


async def test_both_families_on_one_file(both: Any) -> None:
    recording = await async_put()
    assert await recording.file.async_read(2) == b"he"
    assert recording.file.read() == b"hello"
    assert await recording.file.async_read() == b"hello"


async def test_the_blocking_family_on_an_async_alias(async_db: Any) -> None:
    with pytest.raises(WrongFamilyError, match=r"Use async_put\(\)"):
        Recording(file=b"x")
    recording = await async_put()
    with pytest.raises(WrongFamilyError, match=r"Use async_read\(\)"):
        recording.file.read()


async def test_the_async_family_on_a_blocking_alias(db: Any) -> None:
    with pytest.raises(WrongFamilyError, match=r"Use put\(\)"):
        await Recording().file.async_put(b"x")
