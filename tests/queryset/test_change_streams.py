"""Change streams: `watch()` and `async_watch()` of classes, queries and aliases."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gc
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import OperationFailure, PyMongoError

import mongoengine
from mongoengine import (
    BooleanField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    F,
    IntField,
    ListField,
    MapField,
    Q,
    ReferenceField,
    StringField,
    UUIDField,
)
from mongoengine.driver.io import WrongFamilyError
from mongoengine.errors import (
    FieldDoesNotExist,
    InvalidQueryError,
    OperationError,
)
from mongoengine.operations.watch import ChangeStream
from mongoengine.query.events import prefixed
from tests.families import Family, SentCommands
from tests.faults import fail_command
from tests.reliability.proxy import FaultProxy

WAIT = {"max_await_time_ms": 50}


class CSPart(EmbeddedDocument):
    text = StringField(db_field="t")
    meta = {"allow_inheritance": True}


class CSLongPart(CSPart):
    more = StringField(db_field="m")


class CSPost(Document):
    title = StringField(db_field="ti")
    status = StringField(db_field="st")
    score = IntField(db_field="sc")
    hidden = BooleanField()
    tags = ListField(StringField(), db_field="tg")
    part = EmbeddedDocumentField(CSPart, db_field="p")
    parts = EmbeddedDocumentListField(CSPart, db_field="ps")
    named = MapField(EmbeddedDocumentField(CSPart), db_field="nm")
    data = DictField()
    parent = ReferenceField("self", db_field="pa")
    meta = {"collection": "cs_post"}


class CSAnimal(Document):
    name = StringField()
    meta = {"collection": "cs_animal", "allow_inheritance": True}


class CSDog(CSAnimal):
    bark = StringField(db_field="bk")


class CSKeyed(Document):
    key = UUIDField(primary_key=True, binary=False)
    meta = {"collection": "cs_keyed"}


class CSOpen(DynamicDocument):
    meta = {"collection": "cs_open"}


async def opened(family: Family, target: Any, *args: Any, **options: Any) -> Any:
    return await family(target, "watch", *args, **{**WAIT, **options})


async def read(family: Family, stream: ChangeStream[Any]) -> list[Any]:
    """Return the changes that are there."""
    changes = []
    while (change := await family(stream, "try_next")) is not None:
        changes.append(change)
    return changes


async def operations(family: Family, stream: ChangeStream[Any]) -> list[Any]:
    return [
        (change.operation, change.document and change.document.title)
        for change in await read(family, stream)
    ]


@pytest.fixture
def posts(mongo: Any) -> Any:
    """The collection of `CSPost`, without before images."""
    return mongo["cs_post"]


@pytest.fixture
def imaged(mongo: Any) -> Any:
    """The collection of `CSPost`, with before images."""
    return mongo.create_collection(
        "cs_post", changeStreamPreAndPostImages={"enabled": True}
    )


# The parts of a change


async def test_each_operation_is_a_change(family: Family) -> None:
    stream = await opened(family, CSPost)
    post = await family(CSPost(title="a"), "save")
    await family(post, "update", set__title="b")
    replaced = CSPost(id=post.id, title="c")
    await family(replaced, "save", force_insert=False)
    await family(post, "delete")
    changes = await read(family, stream)
    assert [change.operation for change in changes] == [
        "insert",
        "update",
        "replace",
        "delete",
    ]
    assert changes[0].document == post
    assert isinstance(changes[0].document, CSPost)
    assert not changes[0].document._created
    assert {change.key for change in changes} == {post.id}
    assert changes[3].document is None
    assert changes[3].document_before is None
    assert {change.collection for change in changes} == {"cs_post"}
    assert changes[0].time is not None
    assert changes[0].cluster_time is not None
    await family(stream, "close")


async def test_the_document_of_an_update_is_looked_up(family: Family) -> None:
    post = await family(CSPost(title="a", score=1), "save")
    stream = await opened(family, CSPost)
    await family(post, "update", inc__score=1)
    (change,) = await read(family, stream)
    assert (change.document.title, change.document.score) == ("a", 2)
    await family(stream, "close")


async def test_updated_and_removed_fields_have_their_names_in_python(
    family: Family, posts: Any
) -> None:
    post = CSPost(
        title="a",
        tags=["x", "y"],
        part=CSLongPart(text="1", more="2"),
        parts=[CSPart(text="1"), CSPart(text="2")],
        named={"k": CSPart(text="1")},
        score=1,
    )
    await family(post, "save")
    stream = await opened(family, CSPost)
    changed = {
        "ti": "b",
        "tg.1": "z",
        "p.m": "3",
        "ps.0": {"t": "9", "_cls": "CSPart"},
        "ps.1.t": "8",
        "nm.k.t": "7",
        "data.deep.ti": 6,
        "unknown": 5,
        "pa": ObjectId("0" * 24),
    }
    posts.update_one({}, {"$set": changed, "$unset": {"sc": 1, "p.t": 1}})
    (change,) = await read(family, stream)
    assert change.updated_fields == {
        "title": "b",
        "tags.1": "z",
        "part.more": "3",
        "parts.0": CSPart(text="9"),
        "parts.1.text": "8",
        "named.k.text": "7",
        "data.deep": {"ti": 6},
        "unknown": 5,
        "parent": ObjectId("0" * 24),
    }
    assert sorted(change.removed_fields) == ["part.text", "score"]
    with pytest.raises(FieldDoesNotExist):
        _ = change.document
    await family(stream, "close")


async def test_only_updates_have_updated_fields(family: Family) -> None:
    stream = await opened(family, CSPost)
    await family(CSPost(title="a"), "save")
    (change,) = await read(family, stream)
    assert (change.updated_fields, change.removed_fields) == ({}, [])
    assert change.truncated_arrays == {}
    await family(stream, "close")


async def test_a_key_is_a_value_of_its_field(family: Family) -> None:
    stream = await opened(family, CSKeyed)
    key = "11111111-2222-3333-4444-555555555555"
    await family(CSKeyed(key=key), "save")
    await family(CSKeyed.objects, "delete")
    inserted, deleted = await read(family, stream)
    assert inserted.key == deleted.key == inserted.document.key
    await family(stream, "close")


async def test_a_document_is_of_its_subclass(family: Family) -> None:
    stream = await opened(family, CSAnimal)
    await family(CSAnimal(name="a"), "save")
    dog = await family(CSDog(name="d", bark="b"), "save")
    await family(dog, "update", set__bark="c")
    await family(dog, "delete")
    changes = await read(family, stream)
    assert [type(c.document).__name__ for c in changes] == [
        "CSAnimal",
        "CSDog",
        "NoneType",
        "NoneType",
    ]
    assert changes[2].updated_fields == {"bark": "c"}
    assert changes[3].operation == "delete"
    await family(stream, "close")


async def test_dynamic_documents(family: Family) -> None:
    stream = await opened(family, CSOpen.objects(other=1))
    found = await family(CSOpen(other=1, deep={"a": 1}), "save")
    await family(CSOpen(other=2), "save")
    await family(found, "update", set__deep__a=2)
    changes = await read(family, stream)
    assert [change.document.other for change in changes] == [1, 1]
    assert changes[1].updated_fields == {"deep.a": 2}
    await family(stream, "close")


async def test_a_bad_document_raises_where_it_is_asked_for(
    family: Family, posts: Any
) -> None:
    stream = await opened(family, CSPost)
    posts.insert_many([{"nothing": 1}, {"ti": "good"}])
    bad, good = await read(family, stream)
    with pytest.raises(FieldDoesNotExist):
        _ = bad.document
    assert bad.raw["fullDocument"]["nothing"] == 1
    assert good.document.title == "good"
    await family(stream, "close")


async def test_before_images(family: Family, imaged: Any) -> None:
    post = await family(CSPost(title="a"), "save")
    stream = await opened(family, CSPost, full_document_before_change="required")
    await family(post, "update", set__title="b")
    await family(post, "delete")
    updated, deleted = await read(family, stream)
    assert updated.document_before.title == "a"
    assert deleted.document_before == post
    assert deleted.document_before.title == "b"
    assert deleted.document is None
    await family(stream, "close")


# Filters


async def test_a_filter_is_of_the_document_after_the_change(family: Family) -> None:
    stream = await opened(family, CSPost.objects(status="live"))
    draft = await family(CSPost(title="a", status="draft"), "save")
    await family(CSPost(title="b", status="live"), "save")
    await family(draft, "update", set__status="live")
    await family(draft, "update", set__status="draft")
    await family(draft, "delete")
    assert await operations(family, stream) == [("insert", "b")]
    # What an update gives is looked up when it is read, and was gone by then.
    third = await family(CSPost(title="c", status="draft"), "save")
    await family(third, "update", set__status="live")
    assert await operations(family, stream) == [("update", "c")]
    await family(stream, "close")


@pytest.mark.parametrize(
    "condition",
    [
        Q(score__gt=1) & Q(score__lt=5),
        Q(title="hit") | Q(status="never"),
        ~Q(title="miss"),
        Q(title__startswith="hi"),
        Q(title__in=["hit"]),
        Q(title__not__in=["miss"]),
        Q(hidden__ne=True) & Q(title="hit"),
        Q(hidden=None) & Q(score__ne=9),
        Q(part__text="deep"),
        Q(parts__match={"text": "deep"}),
        Q(parts__0__text="deep"),
        Q(tags="x"),
        Q(tags__size=2),
        Q(tags__all=["x", "y"]),
        Q(data__free__name=1),
        Q(score__lt=F("score") * 2) & Q(score__lt=9),
        Q(__raw__={"$expr": {"$gt": ["$sc", {"$literal": 1}]}, "sc": {"$lt": 9}}),
        Q(__raw__={"$expr": {"$eq": [{"$getField": "ti"}, "hit"]}}),
        Q(__raw__={"$expr": {"$eq": ["$$ROOT.ti", "hit"]}}),
        Q(__raw__={"$nor": [{"ti": "miss"}, {"$and": [{"sc": 9}]}]}),
        Q(__raw__={"$or": [{"$expr": {"$eq": ["$ti", "hit"]}}, {"sc": 100}]}),
        Q(__raw__={"$jsonSchema": {"properties": {"sc": {"maximum": 8}}}}),
    ],
    ids=str,
)
async def test_conditions_mean_what_they_mean_in_a_query(
    family: Family, condition: Q
) -> None:
    stream = await opened(family, CSPost.objects(condition))
    hit = {
        "title": "hit",
        "score": 3,
        "tags": ["x", "y"],
        "data": {"free": {"name": 1}},
    }
    parts = {"part": CSPart(text="deep"), "parts": [CSPart(text="deep")]}
    await family(CSPost(title="miss", score=9, hidden=True, tags=["y"]), "save")
    post = await family(CSPost(**hit, **parts), "save")
    other = await family(CSPost(title="miss", score=9), "save")
    assert await operations(family, stream) == [("insert", "hit")]
    assert await family(CSPost.objects(condition), "to_list") == [post]
    await family(other, "delete")
    await family(post, "delete")
    assert await read(family, stream) == []
    await family(stream, "close")


async def test_deletes_of_a_filter_are_told_when_they_are_asked_for(
    family: Family,
) -> None:
    stream = await opened(
        family, CSPost.objects(status="live"), ("insert", "update", "delete")
    )
    live = await family(CSPost(title="a", status="live"), "save")
    draft = await family(CSPost(title="b", status="draft"), "save")
    await family(live, "delete")
    await family(draft, "delete")
    changes = [(c.operation, c.key) for c in await read(family, stream)]
    assert changes == [("insert", live.id), ("delete", live.id), ("delete", draft.id)]
    await family(stream, "close")


@pytest.mark.parametrize("chosen", [None, ("insert", "delete")])
async def test_deletes_are_filtered_by_their_before_images(
    family: Family, imaged: Any, chosen: Any
) -> None:
    stream = await opened(
        family,
        CSPost.objects(status="live"),
        chosen,
        full_document_before_change="whenAvailable",
    )
    live = await family(CSPost(title="a", status="live"), "save")
    draft = await family(CSPost(title="b", status="draft"), "save")
    await family(draft, "delete")
    await family(live, "delete")
    changes = [(c.operation, c.key) for c in await read(family, stream)]
    assert changes == [("insert", live.id), ("delete", live.id)]
    await family(stream, "close")


async def test_a_subclass_is_a_filter(family: Family) -> None:
    stream = await opened(family, CSDog)
    await family(CSAnimal(name="a"), "save")
    dog = await family(CSDog(name="d"), "save")
    await family(CSAnimal.objects, "delete")
    assert [c.document for c in await read(family, stream)] == [dog]
    await family(stream, "close")


async def test_operations_are_chosen(family: Family) -> None:
    stream = await opened(family, CSPost, operations="delete")
    post = await family(CSPost(title="a"), "save")
    await family(post, "delete")
    assert [c.operation for c in await read(family, stream)] == ["delete"]
    await family(stream, "close")


async def test_a_misspelt_operation_is_refused(family: Family) -> None:
    with pytest.raises(ValueError, match="'insret'; did you mean 'insert'"):
        await opened(family, CSPost, operations=("insret",))


async def test_only_the_fields_that_are_asked_for_are_sent(family: Family) -> None:
    only = await opened(family, CSPost.objects.only("title", "part.text"))
    without = await opened(family, CSPost.objects.exclude("title"))
    part = CSPart(text="t")
    post = await family(CSPost(title="a", status="live", part=part), "save")
    (change,) = await read(family, only)
    assert change.raw["fullDocument"].keys() == {"_id", "ti", "p"}
    assert (change.document.id, change.document.title) == (post.id, "a")
    assert change.key == post.id
    (change,) = await read(family, without)
    assert change.document.title is None
    assert change.document.status == "live"
    for stream in (only, without):
        await family(stream, "close")


async def test_raw_documents(family: Family) -> None:
    stream = await opened(family, CSPost.objects.as_pymongo())
    post = await family(CSPost(title="a"), "save")
    (change,) = await read(family, stream)
    assert change.document["_id"] == post.id
    assert change.document["ti"] == "a"
    await family(stream, "close")


async def test_what_cannot_be_watched_is_refused(family: Family) -> None:
    for queryset in (
        CSPost.objects[:3],
        CSPost.objects.skip(2),
        CSPost.objects.select_related("parent"),
        CSPost.objects.fields(slice__tags=1),
    ):
        with pytest.raises(OperationError):
            await opened(family, queryset)
    with pytest.raises(InvalidQueryError, match="where"):
        await opened(family, CSPost.objects.where("this.a"))
    with pytest.raises(InvalidQueryError, match="search_text"):
        await opened(family, CSPost.objects.search_text("a"))
    with pytest.raises(InvalidQueryError, match="full_document"):
        await opened(family, CSPost.objects(title="a"), full_document=None)
    stream = await opened(
        family, CSPost.objects(title="a"), "insert", full_document=None
    )
    await family(stream, "close")


async def test_an_unknown_field_raises_before_anything_is_sent(family: Family) -> None:
    _ = family.commands
    with pytest.raises(InvalidQueryError):
        await opened(family, CSPost.objects(nothing=1))
    assert family.commands == []


async def test_a_query_for_nothing_has_no_changes(family: Family) -> None:
    stream = await opened(family, CSPost.objects.none())
    await family(CSPost(title="a"), "save")
    assert await read(family, stream) == []
    assert not stream.alive
    assert await family.next(stream) is None


def test_variables_and_literals_of_expressions_stay() -> None:
    expression = {
        "$expr": {
            "$let": {
                "vars": {"n": "$sc"},
                "in": {"$gt": ["$$n", {"$literal": "$sc"}]},
            }
        }
    }
    assert prefixed(expression, "fullDocument") == {
        "$expr": {
            "$let": {
                "vars": {"n": "$fullDocument.sc"},
                "in": {"$gt": ["$$n", {"$literal": "$sc"}]},
            }
        }
    }
    inside = {"a": {"$elemMatch": {"b": 1, "$or": [{"c": 1}]}}, "$comment": "text"}
    assert prefixed(inside, "f") == {"f.a": inside["a"], "$comment": "text"}


# Loops, ends, closing


async def test_a_loop_gives_changes_as_they_come(family: Family) -> None:
    stream = await opened(family, CSPost)
    for title in "abc":
        await family(CSPost(title=title), "save")
    seen = []
    if family.is_async:
        async for change in stream:
            seen.append(change.document.title)
            if len(seen) == 3:
                break
    else:
        for change in stream:
            seen.append(change.document.title)
            if len(seen) == 3:
                break
    assert seen == ["a", "b", "c"]
    await family(stream, "close")
    assert await family.next(stream) is None
    assert not stream.alive


async def test_a_dropped_collection_ends_the_loop(family: Family) -> None:
    await family(CSPost(title="a"), "save")
    stream = await opened(family, CSPost.objects(title="a"))
    await family(CSPost, "drop_collection")
    names = [c.operation for c in await family.loop(stream)]
    assert names == ["drop", "invalidate"]
    assert not stream.alive


async def test_after_an_invalidate_a_stream_is_started_anew(family: Family) -> None:
    await family(CSPost(title="a"), "save")
    stream = await opened(family, CSPost)
    await family(CSPost, "drop_collection")
    last = (await family.loop(stream))[-1]
    await family(CSPost(title="b"), "save")
    with pytest.raises(OperationFailure):
        await opened(family, CSPost, resume_after=last.resume_token)
    stream = await opened(family, CSPost, start_after=last.resume_token)
    titles = [c.document.title for c in await read(family, stream) if c.document]
    assert titles == ["b"]
    await family(stream, "close")


def open_cursors(server: Any) -> int:
    status = server.admin.command("serverStatus")
    return int(status["metrics"]["cursor"]["open"]["total"])


async def test_a_block_closes_the_stream(family: Family, server: Any) -> None:
    before = open_cursors(server)
    with contextlib.suppress(ZeroDivisionError):
        if family.is_async:
            async with CSPost.objects.async_watch(**WAIT) as stream:
                raise ZeroDivisionError
        else:
            with CSPost.objects.watch(**WAIT) as stream:
                raise ZeroDivisionError
    assert not stream.alive
    assert open_cursors(server) == before


async def test_a_stream_that_is_dropped_is_closed(family: Family, server: Any) -> None:
    before = open_cursors(server)
    await family(CSPost(title="first"), "save")
    stream = await opened(family, CSPost)
    await family(CSPost(title="a"), "save")
    assert await family.next(stream)
    assert open_cursors(server) == before + 1
    del stream
    gc.collect()
    if family.is_async:
        await mongoengine.get_async_connection()._process_periodic_tasks()
    else:
        mongoengine.get_connection()._process_periodic_tasks()
    assert open_cursors(server) == before


async def test_a_closed_stream_is_closed_again_without_harm(family: Family) -> None:
    stream = await opened(family, CSPost)
    await family(stream, "close")
    await family(stream, "close")
    assert await family(stream, "try_next") is None


# Going on


@pytest.fixture
async def quick(
    family: Family, server_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The query of all posts, on a client that looks for a lost server at once."""
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.01)
    uri = f"{server_uri.rstrip('/')}/?directConnection=true&serverMonitoringMode=poll"
    await family.connect(alias="quick", host=uri)
    await family(CSPost.objects.using("quick"), "first")
    return CSPost.objects.using("quick")


async def test_a_stored_token_goes_on_after_its_change(family: Family) -> None:
    stream = await opened(family, CSPost)
    for title in "abc":
        await family(CSPost(title=title), "save")
    changes = await read(family, stream)
    await family(stream, "close")
    token = changes[0].resume_token
    assert await again(family, resume_after=token) == ["b", "c"]
    assert await again(family, start_after=token) == ["b", "c"]
    moment = changes[1].cluster_time
    assert await again(family, start_at_operation_time=moment) == ["b", "c"]


async def again(family: Family, **options: Any) -> list[str]:
    stream = await opened(family, CSPost, **options)
    titles = [change.document.title for change in await read(family, stream)]
    await family(stream, "close")
    return titles


async def test_a_stream_starts_at_a_date(family: Family) -> None:
    await family(CSPost(title="a"), "save")
    ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=5)
    assert (await again(family, start_at_operation_time=ago))[-1:] == ["a"]


async def test_the_token_of_a_stream_is_where_the_reader_is(family: Family) -> None:
    stream = await opened(family, CSPost)
    for title in "abc":
        await family(CSPost(title=title), "save")
    await family(stream, "try_next")
    token = stream.resume_token
    await family(stream, "close")
    assert stream.resume_token == token
    assert await again(family, resume_after=token) == ["b", "c"]


@pytest.mark.parametrize("code", [43, 91, 10107, 11602])
async def test_an_error_that_allows_it_is_not_noticed(
    family: Family, server: Any, quick: Any, code: int
) -> None:
    stream = await opened(family, quick)
    await family(CSPost(title="a"), "save")
    await family(CSPost(title="b"), "save")
    titles = []
    for _ in range(2):
        with fail_command(server, failCommands=["getMore"], errorCode=code):
            change = await family.next(stream)
            titles.append(change.document.title)
    assert titles == ["a", "b"]
    assert await read(family, stream) == []
    await family(stream, "close")


async def test_errors_beyond_that_leave_a_stream_that_goes_on(
    family: Family, server: Any, quick: Any
) -> None:
    stream = await opened(family, quick)
    await family(CSPost(title="a"), "save")
    assert (await family.next(stream)).document.title == "a"
    await family(CSPost(title="b"), "save")
    token = stream.resume_token
    failing = ["getMore", "aggregate"]
    with fail_command(server, 1000, failCommands=failing, errorCode=91):
        for _ in range(3):
            with pytest.raises(PyMongoError):
                await family.next(stream)
    assert stream.resume_token == token
    assert stream.alive
    assert (await family.next(stream)).document.title == "b"
    assert await read(family, stream) == []
    await family(stream, "close")
    assert await again(family, resume_after=token) == ["b"]


async def test_an_error_of_the_server_ends_the_stream(
    family: Family, server: Any
) -> None:
    stream = await opened(family, CSPost)
    await family(CSPost(title="a"), "save")
    token = stream.resume_token
    with (
        fail_command(server, failCommands=["getMore"], errorCode=286),
        pytest.raises(OperationFailure),
    ):
        await family.next(stream)
    assert not stream.alive
    assert await family.next(stream) is None
    assert await again(family, resume_after=token) == ["a"]


@pytest.mark.parametrize("effect", ["cut before", "cut after", "garbled"])
async def test_lost_connections_lose_and_repeat_nothing(
    family: Family,
    server_uri: str,
    server: Any,
    effect: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = FaultProxy(server_uri)
    options = "directConnection=true&serverMonitoringMode=poll"
    uri = f"mongodb://127.0.0.1:{proxy.port}/?{options}"
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.01)
    await family.connect(alias="lossy", host=uri)
    queryset = CSPost.objects.using("lossy")
    stream = await opened(family, queryset)
    before = open_cursors(server)
    seen: list[str] = []
    for number in range(6):
        await family(CSPost(title=str(number)), "save")
        with proxy.fault("getMore", effect, times=1 + number % 3):
            while len(seen) == number:
                with contextlib.suppress(PyMongoError):
                    change = await family(stream, "try_next")
                    seen += [change.document.title] if change else []
    assert seen == [str(number) for number in range(6)]
    await family(stream, "close")
    if family.is_async:
        await mongoengine.get_async_connection("lossy")._process_periodic_tasks()
    else:
        mongoengine.get_connection("lossy")._process_periodic_tasks()
    assert open_cursors(server) < before
    proxy.close()


# Asynchronous


async def test_a_stream_can_be_awaited_entered_or_read_at_once(
    async_family: Family,
) -> None:
    stream = CSPost.async_watch(**WAIT)
    assert stream.resume_token is None
    assert await stream is stream
    assert stream.resume_token
    await CSPost(title="a").async_save()
    assert (await anext(stream)).document.title == "a"
    await stream.aclose()
    unread = CSPost.async_watch()
    await unread.async_close()
    assert [change async for change in unread] == []


async def test_a_waiting_task_is_cancelled_and_goes_on(
    async_family: Family, server: Any
) -> None:
    before = open_cursors(server)
    async with CSPost.objects(title__ne="no").async_watch() as stream:
        for title in "abc":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(stream), 0.1)
            assert open_cursors(server) == before
            assert stream.alive
            await CSPost(title=title).async_save()
            assert (await anext(stream)).document.title == title
    assert open_cursors(server) == before


async def test_a_cancelled_loop_leaves_no_cursor(
    async_family: Family, server: Any
) -> None:
    before = open_cursors(server)
    seen = []

    async def follow() -> None:
        async for change in CSPost.objects.async_watch():
            seen.append(change)

    task = asyncio.create_task(follow())
    while not seen:
        await CSPost(title="a").async_save()
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert open_cursors(server) == before


async def test_the_loop_runs_while_a_stream_waits(async_family: Family) -> None:
    async with CSPost.async_watch() as stream:
        waiting = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        post = await CSPost(title="a").async_save()
        assert (await waiting).document == post


async def test_a_stream_is_used_as_it_was_made(family: Family) -> None:
    stream = await opened(family, CSPost)
    with pytest.raises(OperationError, match="A change stream of"):
        if family.is_async:
            stream.close()
        else:
            await stream.async_close()
    await family(stream, "close")


async def test_a_stream_of_the_other_family_says_what_to_use(family: Family) -> None:
    other = "watch" if family.is_async else "async_watch"
    with pytest.raises(WrongFamilyError, match=r"Use (async_)?watch\(\)"):
        result = getattr(CSPost.objects, other)()
        if not family.is_async:
            await result
    with pytest.raises(WrongFamilyError, match=r"Use (async_)?watch\(\)"):
        result = getattr(mongoengine, other)()
        if not family.is_async:
            await result


# Aliases


async def watched(family: Family, *args: Any, **options: Any) -> Any:
    return await family(mongoengine, "watch", *args, **{**WAIT, **options})


async def test_an_alias_tells_of_all_its_collections(
    family: Family, mongo: Any
) -> None:
    stream = await watched(family)
    post = await family(CSPost(title="a"), "save")
    dog = await family(CSDog(name="d"), "save")
    mongo["elsewhere"].insert_one({"_id": 1})
    changes = [c for c in await read(family, stream) if c.operation == "insert"]
    assert [change.document for change in changes] == [post, dog, {"_id": 1}]
    assert [change.document_class for change in changes] == [CSPost, CSDog, None]
    assert changes[2].key == 1
    await family(stream, "close")


async def test_an_alias_tells_of_some_classes(family: Family) -> None:
    stream = await watched(family, "default", "insert", classes=[CSPost])
    await family(CSDog(name="d"), "save")
    post = await family(CSPost(title="a"), "save")
    await family(post, "delete")
    assert [change.document for change in await read(family, stream)] == [post]
    token = stream.resume_token
    await family(stream, "close")
    await family(CSPost(title="b"), "save")
    stream = await watched(family, "default", resume_after=token, classes=[CSPost])
    changes = await read(family, stream)
    assert [c.document.title for c in changes if c.document] == ["b"]
    await family(stream, "close")


async def test_an_unknown_alias_is_an_error(family: Family) -> None:
    with pytest.raises(mongoengine.ConnectionFailure):
        await watched(family, "nowhere")


async def test_an_unknown_option_is_an_error(family: Family) -> None:
    with pytest.raises(TypeError):
        await watched(family, nonsense=1)
    with pytest.raises(TypeError):
        await opened(family, CSPost, nonsense=1)


async def test_a_stream_works_in_a_session(
    family: Family, sent_commands: SentCommands
) -> None:
    if family.is_async:
        client: Any = mongoengine.get_async_connection()
        session = client.start_session()
    else:
        session = mongoengine.get_connection().start_session()
    stream = await opened(family, CSPost, session=session)
    await family(stream, "try_next")
    sent = sent_commands.named("aggregate") + sent_commands.named("getMore")
    assert len(sent) == 2
    assert [command["lsid"] for command in sent] == [session.session_id] * 2
    await family(stream, "close")


# Names


def test_a_field_may_have_the_name_of_a_new_method() -> None:
    class CSVideo(Document):
        watch = BooleanField()
        keys = ListField(StringField())
        meta = {"collection": "cs_video"}

    assert CSVideo(watch=True, keys=["a"]).keys == ["a"]
