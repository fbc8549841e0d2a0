"""Changes made while a document is written, and those that an abort restores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo.errors import OperationFailure

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    NotUniqueError,
    OperationError,
    ReferenceField,
    StringField,
    ValidationError,
    disconnect_all,
    disconnect_all_async,
    signals,
)
from mongoengine.context_managers import (
    async_run_in_transaction,
    bound_session,
    run_in_transaction,
)
from mongoengine.errors import BulkOperationError
from tests.families import Family, SentCommands
from tests.faults import fail_command


class PendingPart(EmbeddedDocument):
    text = StringField()


class PendingItem(Document):
    number = IntField(default=0)
    other = IntField(default=0)
    tags = ListField(StringField())
    part = EmbeddedDocumentField(PendingPart, default=PendingPart)
    parts = ListField(EmbeddedDocumentField(PendingPart))
    mapped = MapField(EmbeddedDocumentField(PendingPart))
    friend = ReferenceField("self")


class PendingUnique(Document):
    number = IntField(unique=True)


def item(**values: Any) -> PendingItem:
    return PendingItem(
        parts=[PendingPart(text="a")], mapped={"k": PendingPart(text="a")}, **values
    )


def change(document: PendingItem) -> None:
    document.other = 7
    document.tags.append("x")
    document.part.text = "b"
    document.parts[0].text = "b"
    document.mapped["k"].text = "b"


CHANGED = {
    "other": 7,
    "tags": ["x"],
    "part": {"text": "b"},
    "parts": [{"text": "b"}],
    "mapped": {"k": {"text": "b"}},
}


def stored(mongo: Any, document: Any) -> dict[str, Any]:
    raw: dict[str, Any] = mongo.pending_item.find_one({"_id": document.id})
    return {name: raw.get(name) for name in CHANGED}


WRITES: dict[str, Any] = {
    "save": lambda doc: doc.async_save(),
    "insert": lambda doc: PendingItem.objects.async_insert([doc], load_bulk=False),
    "bulk_save": lambda doc: PendingItem.objects.async_bulk_save([doc]),
}


@pytest.mark.parametrize("family", ["async"], indirect=True)
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("turns", [1, 2, 3])
async def test_a_change_made_while_a_new_document_is_written_stays_pending(
    family: Family, mongo: Any, write: str, turns: int
) -> None:
    await PendingItem.objects.async_first()
    document = item()
    task = asyncio.create_task(WRITES[write](document))
    for _ in range(turns):
        await asyncio.sleep(0)
    change(document)
    await task
    await document.async_save()
    assert stored(mongo, document) == CHANGED


@pytest.mark.parametrize("family", ["async"], indirect=True)
@pytest.mark.parametrize("write", ["save", "bulk_save"])
async def test_a_change_made_while_changes_are_written_stays_pending(
    family: Family, mongo: Any, write: str
) -> None:
    document = await item().async_save()
    document.number = 1
    document.other = 1
    task = asyncio.create_task(WRITES[write](document))
    await asyncio.sleep(0)
    change(document)
    await task
    assert set(document._get_changed_fields()) == {
        "other",
        "tags",
        "part.text",
        "parts.0.text",
        "mapped.k.text",
    }
    await document.async_save()
    assert stored(mongo, document) == CHANGED


READS: dict[str, Any] = {
    "reload": lambda doc: doc.async_reload(),
    "modify": lambda doc: doc.async_modify(inc__number=1),
}


@pytest.mark.parametrize("family", ["async"], indirect=True)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("touched", [False, True])
async def test_a_change_made_while_the_document_is_read_again_stays_pending(
    family: Family, mongo: Any, read: str, touched: bool
) -> None:
    saved = await item().async_save()
    document = await PendingItem.objects.async_get(id=saved.id)
    if touched:
        document.number = 50  # given up: it was assigned before
        document.part.text = "given up"
    task = asyncio.create_task(READS[read](document))
    await asyncio.sleep(0)
    change(document)
    await task
    assert document.number == (1 if read == "modify" else 0)
    await document.async_save()
    assert stored(mongo, document) == CHANGED


@pytest.mark.parametrize("read", ["reload", "modify"])
async def test_a_failed_reading_keeps_the_changes(
    family: Family, mongo: Any, read: str
) -> None:
    document = await family(item(), "save")
    change(document)
    command = {"reload": "find", "modify": "findAndModify"}[read]
    arguments = {"inc__number": 1} if read == "modify" else {}
    refused = {"failCommands": [command], "errorCode": 11601}
    with (
        fail_command(mongo.client, **refused),
        pytest.raises((OperationFailure, OperationError)),
    ):
        await family(document, read, **arguments)
    await family(document, "save")
    assert stored(mongo, document) == CHANGED


async def test_a_document_that_is_gone_keeps_its_changes(
    family: Family, mongo: Any
) -> None:
    document = await family(item(), "save")
    document.other = 7
    mongo.pending_item.delete_one({"_id": document.id})
    with pytest.raises(PendingItem.DoesNotExist):
        await family(document, "reload")
    assert not await family(document, "modify", set__number=1)
    assert document._get_changed_fields() == ["other"]


async def test_reloading_one_field_keeps_the_other_changes(
    family: Family, mongo: Any
) -> None:
    document = await family(item(), "save")
    document.number, document.other = 5, 7
    await family(document, "reload", "number")
    assert (document.number, document.other) == (0, 7)
    assert document._get_changed_fields() == ["other"]


@pytest.mark.parametrize("family", ["async"], indirect=True)
@pytest.mark.parametrize("write", WRITES)
async def test_writes_at_once_of_a_new_document_store_it_once(
    family: Family, mongo: Any, write: str
) -> None:
    await PendingItem.objects.async_first()
    document = item()
    await asyncio.gather(*(WRITES[write](document) for _ in range(4)))
    assert mongo.pending_item.count_documents({}) == 1
    assert not document._created


@pytest.mark.parametrize("family", ["async"], indirect=True)
async def test_a_change_made_by_a_cascade_under_way_stays_pending(
    family: Family, mongo: Any
) -> None:
    friend = await item().async_save()
    document = await item(friend=friend).async_save()
    friend.number = 1
    document.number = 1
    task = asyncio.create_task(document.async_save(cascade=True))
    for _ in range(1000):
        if not friend._get_changed_fields():
            break
        await asyncio.sleep(0)
    change(document)
    change(friend)
    await task
    await document.async_save(cascade=True)
    assert stored(mongo, document) == CHANGED
    assert stored(mongo, friend) == CHANGED


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("method", ["save", "bulk_save"])
async def test_a_receiver_of_post_save_leaves_its_changes_pending(
    family: Family, mongo: Any, new: bool, method: str
) -> None:
    seen: list[Any] = []

    def receive(sender: Any, document: Any, **kwargs: Any) -> None:
        seen.append(sorted(document._get_changed_fields()))
        document.number += 1
        change(document)

    document = item()
    if not new:
        await family(document, "save")
    document.number = 5
    signals.post_save.connect(receive, sender=PendingItem)
    try:
        if method == "save":
            await family(document, "save")
        else:
            await family(PendingItem.objects, "bulk_save", [document])
    finally:
        signals.post_save.disconnect(receive, sender=PendingItem)
    assert seen == [[] if new else ["number"]]
    await family(document, "save")
    assert stored(mongo, document) == CHANGED
    assert mongo.pending_item.find_one({"_id": document.id})["number"] == 6


async def test_a_receiver_of_post_save_that_changes_nothing_leaves_a_clean_document(
    family: Family,
) -> None:
    def receive(sender: Any, document: Any, **kwargs: Any) -> None:
        document.number = document.number

    document = await family(item(), "save")
    change(document)
    signals.post_save.connect(receive, sender=PendingItem)
    try:
        await family(document, "save")
    finally:
        signals.post_save.disconnect(receive, sender=PendingItem)
    assert document._get_changed_fields() == []


async def test_a_refused_save_keeps_changes_newness_and_no_key(
    family: Family, mongo: Any
) -> None:
    await family(PendingUnique(number=1), "save")
    new = PendingUnique(number=1)
    with pytest.raises(NotUniqueError) as caught:
        await family(new, "save")
    assert (new.id, new._created) == (None, True)
    assert caught.value.code == 11000
    assert caught.value.details is not None
    new.number = 2
    await family(new, "save")
    new.number = 1
    with pytest.raises(NotUniqueError):
        await family(new, "save")
    assert new._get_changed_fields() == ["number"]


# -- transactions ----------------------------------------------------------------


async def in_transaction(family: Family, body: Any, fail: bool) -> None:
    """Run `body` in a transaction, and let the block fail."""
    try:
        if family.is_async:
            async with async_run_in_transaction():
                await body()
                if fail:
                    raise KeyError
        else:
            with run_in_transaction():
                await body()
                if fail:
                    raise KeyError
    except KeyError:
        assert fail


async def test_a_block_that_failed_commits_everything_when_it_is_run_again(
    family: Family, mongo: Any
) -> None:
    old = await family(item(), "save")
    more = await family(item(), "save")
    new, inserted, several = item(number=10), item(number=11), [item(number=12), more]
    change(old)
    more.number = 13

    async def body() -> None:
        await family(new, "save")
        await family(old, "save")
        if inserted._created:
            await family(PendingItem.objects, "insert", inserted)
        await family(PendingItem.objects, "bulk_save", several)

    keys = []
    for fail in (True, True, False):
        await in_transaction(family, body, fail)
        keys.append(new.id)
        assert new._created is fail
        assert inserted._created is fail
        assert (more._get_changed_fields() == ["number"]) is fail
    assert len(set(keys)) == 1
    assert stored(mongo, old) == CHANGED
    numbers = sorted(raw["number"] for raw in mongo.pending_item.find())
    assert numbers == [0, 10, 11, 12, 13]


async def test_an_aborted_modify_gives_values_and_changes_back(
    family: Family, mongo: Any
) -> None:
    document = await family(item(), "save")
    document.other = 3
    document.part.text = "mine"

    async def body() -> None:
        assert await family(document, "modify", inc__number=1)

    await in_transaction(family, body, fail=True)
    assert (document.number, document.other, document.part.text) == (0, 3, "mine")
    await family(document, "save")
    raw = mongo.pending_item.find_one()
    assert (raw["number"], raw["other"], raw["part"]) == (0, 3, {"text": "mine"})


async def test_changes_of_several_saves_come_back(family: Family, mongo: Any) -> None:
    document = await family(item(), "save")

    async def body() -> None:
        document.number += 1
        await family(document, "save")
        document.part.text = "b"
        await family(document, "save")

    await in_transaction(family, body, fail=True)
    assert set(document._get_changed_fields()) == {"number", "part.text"}
    await family(document, "save")
    raw = mongo.pending_item.find_one()
    assert (raw["number"], raw["part"]) == (1, {"text": "b"})


async def test_a_transient_error_lets_pymongo_run_the_callback_again(
    family: Family, mongo: Any
) -> None:
    from mongoengine.connection import get_async_connection, get_connection

    document = await family(item(), "save")
    calls = []

    def begin() -> None:
        calls.append(1)
        document.number = 5

    async def async_body(session: Any) -> None:
        begin()
        with bound_session(session):
            await document.async_save()

    def body(session: Any) -> None:
        begin()
        with bound_session(session):
            document.save()

    failure = {
        "failCommands": ["update"],
        "errorCode": 112,
        "errorLabels": ["TransientTransactionError"],
    }
    with fail_command(mongo.client, **failure):
        if family.is_async:
            async with get_async_connection().start_session() as session:
                await session.with_transaction(async_body)
        else:
            with get_connection().start_session() as session:
                session.with_transaction(body)
    assert len(calls) == 2
    assert mongo.pending_item.find_one()["number"] == 5


# -- bulks that the server halts --------------------------------------------------

HALT = {
    "writeConcernError": {"code": 91, "errmsg": "Shutdown in progress"},
    "errorLabels": ["RetryableWriteError"],
}


@pytest_asyncio.fixture(params=["sync", "async"])
async def unretried(
    request: pytest.FixtureRequest,
    settings: dict[str, Any],
    sent_commands: SentCommands,
) -> AsyncIterator[Family]:
    """A family that does not send a write again: the server would accept it then."""
    settings = {**settings, "retryWrites": False}
    family = Family(request.param, settings, sent_commands)
    await family.connect()
    yield family
    await disconnect_all_async()
    disconnect_all()


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("command", ["insert", "update"])
async def test_a_halted_bulk_says_what_was_not_written(
    unretried: Family, mongo: Any, ordered: bool, command: str
) -> None:
    family = unretried
    old = [await family(item(number=i), "save") for i in range(2)]
    new = [item(number=10 + i) for i in range(2)]
    for document in old:
        document.number += 5
    documents: list[Any] = old + new if command == "update" else new + old
    with (
        fail_command(mongo.client, times=9, failCommands=[command], **HALT),
        pytest.raises(BulkOperationError) as caught,
    ):
        await family(PendingItem.objects, "bulk_save", documents, ordered=ordered)
    failed = [document for _, document, _ in caught.value.failures]
    for document in documents:
        raw = mongo.pending_item.find_one({"_id": document.pk})
        is_stored = raw is not None and raw["number"] == document.number
        assert is_stored is (document not in failed)
        clean = not document._created and not document._get_changed_fields()
        assert clean is is_stored
    # Unordered, the updates are the last command.
    assert failed or not (ordered or command == "insert")
    await family(PendingItem.objects, "bulk_save", documents)
    numbers = sorted(raw["number"] for raw in mongo.pending_item.find())
    assert numbers == [5, 6, 10, 11]


# -- documents that are not stored any more ---------------------------------------


async def write(family: Family, document: Any, method: str) -> None:
    if method == "save":
        await family(document, "save")
    elif method == "cascade":
        await family(item(friend=document), "save", cascade=True)
    else:
        await family(PendingItem.objects, "bulk_save", [item(), document])


METHODS = ["save", "cascade", "bulk_save"]


@pytest.mark.parametrize("method", METHODS)
async def test_a_document_deleted_elsewhere_is_stored_again_as_a_whole(
    family: Family, mongo: Any, method: str
) -> None:
    await family(item(number=3), "save")
    document = await family(PendingItem.objects, "first")
    mongo.pending_item.delete_many({})
    change(document)
    await write(family, document, method)
    assert stored(mongo, document) == CHANGED
    assert mongo.pending_item.find_one({"_id": document.id})["number"] == 3
    assert (document._created, document._get_changed_fields()) == (False, [])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("part", ["only", "exclude"])
async def test_a_partly_loaded_document_deleted_elsewhere_is_not_stored(
    family: Family, mongo: Any, method: str, part: str
) -> None:
    await family(item(), "save")
    names = ["number"] if part == "only" else ["tags", "mapped"]
    document = await family(getattr(PendingItem.objects, part)(*names), "first")
    mongo.pending_item.delete_many({})
    document.number = 8
    with pytest.raises(OperationError, match="not stored any more"):
        await write(family, document, method)
    assert mongo.pending_item.find_one({"_id": document.id}) is None
    assert document._get_changed_fields() == ["number"]


async def test_a_partly_loaded_document_that_was_reloaded_is_whole(
    family: Family, mongo: Any
) -> None:
    await family(item(number=3), "save")
    document = await family(PendingItem.objects.only("other"), "first")
    await family(document, "reload")
    mongo.pending_item.delete_many({})
    change(document)
    await family(document, "save")
    assert mongo.pending_item.find_one()["number"] == 3


async def test_failing_validation_changes_nothing(family: Family) -> None:
    document = PendingItem(number="x")
    with pytest.raises(ValidationError):
        await family(document, "save")
    assert (document.id, document._created) == (None, True)
