"""Blocking and asynchronous code on one alias: how an application migrates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mongoengine import (
    CASCADE,
    ConnectionFailure,
    Document,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    ValidationError,
    connect,
    connect_async,
    disconnect,
    disconnect_async,
)
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.connection import alias_modes
from mongoengine.context_managers import (
    async_no_dereference,
    async_switch_collection,
    no_sub_classes,
    switch_collection,
)
from mongoengine.errors import DoesNotExist, NotUniqueError, OperationError


class Writer(Document):
    name = StringField(required=True, unique=True)


class Story(Document):
    title = StringField(required=True, max_length=20)
    writer = ReferenceField(Writer, reverse_delete_rule=CASCADE)
    readers = ListField(ReferenceField(Writer))
    views = IntField(default=0)
    meta = {"allow_inheritance": True, "indexes": ["title", "-views"]}


class Serial(Story):
    part = IntField()


# -- opening --------------------------------------------------------------------


@pytest.mark.parametrize("first", ["sync", "async"])
async def test_either_family_may_open_first(
    first: str, settings: dict[str, Any]
) -> None:
    if first == "sync":
        connect(**settings)
        await connect_async(**settings)
    else:
        await connect_async(**settings)
        connect(**settings)
    assert alias_modes("default") == {"sync", "async"}
    writer = await Writer(name="Ada").async_save()
    assert Writer.objects.get(pk=writer.pk) == writer
    disconnect()
    assert await Writer.objects.async_get(name="Ada") == writer
    with pytest.raises(RuntimeError, match=r"async_first\(\)"):
        Writer.objects.first()
    await disconnect_async()
    assert alias_modes("default") == frozenset()


async def test_other_settings_are_refused(settings: dict[str, Any]) -> None:
    connect(**settings)
    with pytest.raises(ConnectionFailure, match="different connection"):
        await connect_async(**{**settings, "name": settings["name"] + "_other"})
    assert alias_modes("default") == {"sync"}


# -- what they share ------------------------------------------------------------


async def test_a_document_moves_between_the_families(both: Any) -> None:
    story = Story(title="one").save()
    story.views = 1
    assert story._get_changed_fields() == ["views"]
    await story.async_save()
    assert story._get_changed_fields() == []
    story.title = "two"
    story.save()
    await story.async_reload()
    assert (story.title, story.views) == ("two", 1)
    await story.async_delete()
    with pytest.raises(DoesNotExist):
        story.reload()


async def test_indexes_are_those_of_the_class(both: Any) -> None:
    await Story(title="one").async_save()
    made = await Story.async_list_indexes()
    assert Story.list_indexes() == made
    assert Story.compare_indexes() == await Story.async_compare_indexes()
    Writer(name="Ada").save()
    with pytest.raises(NotUniqueError):
        await Writer(name="Ada").async_save()
    with pytest.raises(NotUniqueError):
        Writer(name="Ada").save()


async def test_each_family_makes_indexes_on_its_own_first_use(
    both: Any, sent_commands: Any
) -> None:
    Writer(name="a").save()
    sent_commands.clear()
    Writer(name="b").save()
    assert "createIndexes" not in sent_commands.names
    await Writer(name="c").async_save()
    sent_commands.clear()
    await Writer(name="d").async_save()
    assert "createIndexes" not in sent_commands.names


async def test_a_context_holds_for_both(both: Any) -> None:
    with switch_collection(Story, "archive"):
        await Story(title="old").async_save()
        assert Story.objects.count() == 1
    assert await Story.objects.async_count() == 0
    async with async_switch_collection(Story, "archive"):
        assert Story.objects.get().title == "old"
    Serial(title="s", part=1).save()
    with no_sub_classes(Story):
        assert await Story.objects.async_count() == 0
        assert Story.objects.count() == 0


async def test_a_queryset_is_read_by_either_and_kept_for_both(
    both: Any, sent_commands: Any
) -> None:
    Story.objects.insert([Story(title=str(n)) for n in range(5)])
    queryset = Story.objects.order_by("title")
    titles = [story.title async for story in queryset]
    sent_commands.clear()
    assert [story.title for story in queryset] == titles
    assert len(queryset) == 5
    assert sent_commands.names == []


async def test_references_are_awaited_where_a_loop_runs(both: Any) -> None:
    writer = Writer(name="Ada").save()
    Story(title="one", writer=writer, readers=[writer]).save()
    story = await Story.objects.async_first()
    assert isinstance(story.writer, AsyncReferenceProxy)
    assert await story.writer == writer
    (related,) = await Story.objects.async_select_related()
    assert related.writer.name == related.readers[0].name == "Ada"

    def blocking() -> str:
        name: str = Story.objects.first().writer.name
        return name

    assert await asyncio.get_running_loop().run_in_executor(None, blocking) == "Ada"
    async with async_no_dereference(Story):
        assert (await Story.objects.async_first()).writer == writer.to_dbref()


async def test_delete_rules_are_those_of_the_class(both: Any) -> None:
    for delete in ("delete", "async_delete"):
        writer = await Writer(name="Ada").async_save()
        Story(title="one", writer=writer).save()
        done = getattr(writer, delete)()
        if delete == "async_delete":
            await done
        assert Story.objects.count() == await Writer.objects.async_count() == 0


# -- a migration, endpoint by endpoint ------------------------------------------

Handler = Callable[..., Any]


class Application:
    """Routes to handlers, as web frameworks do it.

    A coroutine function is awaited on the loop, and a plain one runs in a thread.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Handler] = {}

    def route(self, path: str) -> Callable[[Handler], Handler]:
        def put(handler: Handler) -> Handler:
            self.routes[path] = handler
            return handler

        return put

    async def __call__(self, path: str, **body: Any) -> tuple[int, Any]:
        handler = self.routes[path]
        try:
            if asyncio.iscoroutinefunction(handler):
                return 200, await handler(**body)
            return 200, await asyncio.to_thread(handler, **body)
        except DoesNotExist:
            return 404, None
        except (ValidationError, NotUniqueError, OperationError) as error:
            return 422, type(error).__name__


def blocking_routes(app: Application) -> None:
    @app.route("create writer")
    def create_writer(name: str) -> str:
        return str(Writer(name=name).save().pk)

    @app.route("publish")
    def publish(title: str, writer: str) -> str:
        by = Writer.objects.get(name=writer)
        return str(Story(title=title, writer=by).save().pk)

    @app.route("read")
    def read(title: str) -> dict[str, Any]:
        story = Story.objects(title=title).modify(inc__views=1, new=True)
        if story is None:
            raise Story.DoesNotExist
        return {"title": story.title, "by": story.writer.name, "views": story.views}

    @app.route("titles")
    def titles(writer: str) -> list[str]:
        by = Writer.objects.get(name=writer)
        return [story.title for story in Story.objects(writer=by).order_by("title")]

    @app.route("remove writer")
    def remove_writer(name: str) -> int:
        Writer.objects.get(name=name).delete()
        return Story.objects.count()


def migrated_routes(app: Application) -> dict[str, Handler]:
    """The same endpoints, each as it reads when it has been migrated."""
    new = Application()

    @new.route("create writer")
    async def create_writer(name: str) -> str:
        return str((await Writer(name=name).async_save()).pk)

    @new.route("publish")
    async def publish(title: str, writer: str) -> str:
        by = await Writer.objects.async_get(name=writer)
        return str((await Story(title=title, writer=by).async_save()).pk)

    @new.route("read")
    async def read(title: str) -> dict[str, Any]:
        story = await Story.objects(title=title).async_modify(inc__views=1, new=True)
        if story is None:
            raise Story.DoesNotExist
        by = await story.writer
        return {"title": story.title, "by": by.name, "views": story.views}

    @new.route("titles")
    async def titles(writer: str) -> list[str]:
        by = await Writer.objects.async_get(name=writer)
        return [s.title async for s in Story.objects(writer=by).order_by("title")]

    @new.route("remove writer")
    async def remove_writer(name: str) -> int:
        await (await Writer.objects.async_get(name=name)).async_delete()
        return await Story.objects.async_count()

    return new.routes


async def visit(app: Application) -> list[Any]:
    """A visitor who uses every endpoint; ids left out."""
    answers: list[Any] = []
    answers.append((await app("create writer", name="Ada"))[0])
    answers.append(await app("create writer", name="Ada"))
    answers.append((await app("publish", title="one", writer="Ada"))[0])
    answers.append((await app("publish", title="two", writer="Ada"))[0])
    answers.append(await app("publish", title="x" * 30, writer="Ada"))
    answers.append(await app("publish", title="three", writer="Bob"))
    answers.append(await app("read", title="one"))
    answers.append(await app("read", title="one"))
    answers.append(await app("read", title="none"))
    answers.append(await app("titles", writer="Ada"))
    answers.append(await app("remove writer", name="Ada"))
    return answers


EXPECTED = [
    200,
    (422, "NotUniqueError"),
    200,
    200,
    (422, "ValidationError"),
    (404, None),
    (200, {"title": "one", "by": "Ada", "views": 1}),
    (200, {"title": "one", "by": "Ada", "views": 2}),
    (404, None),
    (200, ["one", "two"]),
    (200, 0),
]
ENDPOINTS = ("create writer", "publish", "read", "titles", "remove writer")


@pytest.mark.parametrize("migrated", range(len(ENDPOINTS) + 1))
async def test_an_application_moves_one_endpoint_at_a_time(
    migrated: int, both: Any
) -> None:
    app = Application()
    blocking_routes(app)
    new = migrated_routes(app)
    for endpoint in ENDPOINTS[:migrated]:
        app.routes[endpoint] = new[endpoint]
    assert await visit(app) == EXPECTED


async def test_the_last_step_drops_the_blocking_client(
    settings: dict[str, Any],
) -> None:
    await connect_async(**settings)
    app = Application()
    app.routes = migrated_routes(app)
    assert await visit(app) == EXPECTED


@pytest.mark.parametrize("migrated", [0, 2, 5])
async def test_many_visitors_at_once(migrated: int, both: Any) -> None:
    app = Application()
    blocking_routes(app)
    new = migrated_routes(app)
    for endpoint in ENDPOINTS[:migrated]:
        app.routes[endpoint] = new[endpoint]
    for name in ("Ada", "Bob"):
        await app("create writer", name=name)
    await app("publish", title="shared", writer="Ada")

    async def visitor(number: int) -> None:
        assert (await app("publish", title=f"t{number}", writer="Bob"))[0] == 200
        assert (await app("read", title="shared"))[0] == 200

    await asyncio.gather(*map(visitor, range(40)))
    assert (await app("read", title="shared"))[1]["views"] == 41
    assert len((await app("titles", writer="Bob"))[1]) == 40
