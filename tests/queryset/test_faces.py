"""The wrong family of methods: errors name the one to use, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import QuerySet
from tests.families import SentCommands
from tests.queryset.models import QSPerson

BLOCKING_CALLS = {
    "first": (),
    "get": (),
    "count": (),
    "to_list": (),
    "exists": (),
    "create": (),
    "update": (),
    "update_one": (),
    "upsert_one": (),
    "modify": (),
    "delete": (),
    "delete_one": (),
    "distinct": ("name",),
    "explain": (),
    "in_bulk": ([],),
    "with_id": (None,),
    "sum": ("age",),
    "average": ("age",),
    "item_frequencies": ("age",),
    "map_reduce": ("m", "r", "inline"),
    "exec_js": ("return 1",),
    "to_json": (),
    "select_related": (),
}
KEYWORDS = {
    name: {"set__age": 1} for name in ("update", "update_one", "upsert_one", "modify")
}
ABOUT = 'QSPerson uses the alias "default", which is open only with '


def message(use: str, family: str, opened: str) -> str:
    return f"Use {use} with {family} connection: {ABOUT}{opened}"


@pytest.mark.parametrize("name", BLOCKING_CALLS)
async def test_blocking_methods_on_an_asynchronous_alias(
    async_connection: Any, sent_commands: SentCommands, name: str
) -> None:
    method = getattr(QSPerson.objects, name)
    with pytest.raises(RuntimeError) as caught:
        method(*BLOCKING_CALLS[name], **KEYWORDS.get(name, {}))
    assert str(caught.value) == message(f"async_{name}()", "async", "connect_async()")
    assert sent_commands.names == []


@pytest.mark.parametrize("name", BLOCKING_CALLS)
async def test_asynchronous_methods_on_a_blocking_alias(
    connection: Any, sent_commands: SentCommands, name: str
) -> None:
    method = getattr(QSPerson.objects, f"async_{name}")
    with pytest.raises(RuntimeError) as caught:
        await method(*BLOCKING_CALLS[name], **KEYWORDS.get(name, {}))
    assert str(caught.value) == message(f"{name}()", "sync", "connect()")
    assert sent_commands.names == []


async def test_insert(async_connection: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Use async_insert\(\) with async "):
        QSPerson.objects.insert(QSPerson())


async def test_aggregate(connection: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Use aggregate\(\) with sync connection"):
        await QSPerson.objects.async_aggregate([])
    with pytest.raises(RuntimeError, match=r"^Use aggregate\(\) with sync connection"):
        async for _ in QSPerson.objects.async_aggregate([]):
            pass


@pytest.mark.parametrize("cached", [True, False])
async def test_blocking_loops_on_an_asynchronous_alias(
    async_connection: Any, cached: bool
) -> None:
    queryset: Any = QSPerson.objects if cached else QSPerson.objects.no_cache()
    expected = message("async for", "async", "connect_async()")
    with pytest.raises(RuntimeError) as caught:
        for _ in queryset:
            pass
    assert str(caught.value) == expected
    with pytest.raises(RuntimeError) as caught:
        list(queryset)
    assert str(caught.value) == expected


@pytest.mark.parametrize("cached", [True, False])
async def test_asynchronous_loops_on_a_blocking_alias(
    connection: Any, cached: bool
) -> None:
    queryset: Any = QSPerson.objects if cached else QSPerson.objects.no_cache()
    with pytest.raises(RuntimeError) as caught:
        async for _ in queryset:
            pass
    assert str(caught.value) == message("regular iteration", "sync", "connect()")


async def test_what_has_no_awaited_form_says_what_to_use(async_connection: Any) -> None:
    for use, text in (
        (lambda: QSPerson.objects[0], "async_first()"),
        (lambda: bool(QSPerson.objects), "async_exists()"),
        (lambda: len(QSPerson.objects), "async for"),
        (lambda: next(QSPerson.objects), "anext()"),
    ):
        with pytest.raises(RuntimeError) as caught:
            use()
        assert str(caught.value) == message(text, "async", "connect_async()")


async def test_anext_on_a_blocking_alias(connection: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^Use next\(\) with sync connection: "):
        await anext(QSPerson.objects)


async def test_what_was_read_needs_no_connection(
    async_connection: Any, people: Any
) -> None:
    queryset: QuerySet[QSPerson] = QSPerson.objects
    await queryset.async_to_list()
    assert len(queryset) == 5
    assert next(iter(queryset)).name == "ann"
