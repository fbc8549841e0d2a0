"""Blocks that are left in another context than they were entered in raise."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mongoengine import Document, StringField, register_connection
from mongoengine.base import context
from mongoengine.connection import _get_session, bound_session
from mongoengine.context_managers import (
    async_no_sub_classes,
    async_run_in_transaction,
    async_switch_db,
    no_dereference,
    no_sub_classes,
    run_in_transaction,
    switch_collection,
    switch_db,
)
from mongoengine.driver.context_guard import abandoned
from mongoengine.errors import ContextError
from tests.families import Family


class GuardedNote(Document):
    text = StringField()
    meta = {"allow_inheritance": True, "auto_create_index": False}


class GuardedPage(GuardedNote):
    pass


BLOCKS: dict[str, Callable[[], Any]] = {
    "switch_db": lambda: switch_db(GuardedNote, "tenant"),
    "switch_collection": lambda: switch_collection(GuardedNote, "tenant"),
    "no_dereference": lambda: no_dereference(GuardedNote),
    "no_sub_classes": lambda: no_sub_classes(GuardedNote),
    "bound_session": lambda: bound_session(object()),  # type: ignore[arg-type]
}


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    gc.collect()
    assert not abandoned


@pytest.fixture(params=list(BLOCKS))
def block(request: pytest.FixtureRequest) -> Any:
    return BLOCKS[request.param]()


def test_a_block_that_was_entered_in_a_copy_raises(block: Any) -> None:
    copied = contextvars.copy_context()
    copied.run(block.__enter__)
    with pytest.raises(ContextError, match="left in another context"):
        block.__exit__(None, None, None)


def test_a_block_that_is_left_in_a_copy_raises(block: Any) -> None:
    def enter_here_and_leave_in_a_copy() -> None:
        block.__enter__()
        with pytest.raises(ContextError, match="left in another context"):
            contextvars.copy_context().run(block.__exit__, None, None, None)

    contextvars.copy_context().run(enter_here_and_leave_in_a_copy)


def test_a_block_that_is_left_in_another_thread_raises(block: Any) -> None:
    errors: list[BaseException] = []

    def leave() -> None:
        try:
            block.__exit__(None, None, None)
        except ContextError as error:
            errors.append(error)

    def enter_and_have_it_left() -> None:
        block.__enter__()
        thread = threading.Thread(target=leave)
        thread.start()
        thread.join()

    contextvars.copy_context().run(enter_and_have_it_left)
    assert len(errors) == 1


def test_the_error_in_the_block_is_the_cause(block: Any) -> None:
    contextvars.copy_context().run(block.__enter__)
    failure = ZeroDivisionError()
    with pytest.raises(ContextError) as raised:
        block.__exit__(ZeroDivisionError, failure, None)
    assert raised.value.__cause__ is failure


def test_a_block_of_a_generator_that_is_closed_elsewhere_is_just_left(
    block: Any,
) -> None:
    def generate() -> Iterator[None]:
        with block:
            yield

    generator: Any = generate()
    contextvars.copy_context().run(next, generator)
    generator.close()
    assert context.alias_of(GuardedNote) == "default"
    assert _get_session() is None


def test_blocks_in_one_context_nest(block: Any) -> None:
    with block, switch_db(GuardedNote, "other"):
        assert context.alias_of(GuardedNote) == "other"
    assert context.alias_of(GuardedNote) == "default"


async def test_async_blocks_that_are_left_in_another_task_raise() -> None:
    async def switched() -> AsyncIterator[None]:
        async with async_switch_db(GuardedNote, "x"), async_no_sub_classes(GuardedNote):
            yield

    blocks = switched()
    await asyncio.create_task(anext(blocks))  # type: ignore[arg-type]
    with switch_db(GuardedNote, "mine"):
        with pytest.raises(ContextError):
            await anext(blocks)
        assert context.alias_of(GuardedNote) == "mine"
    assert context.alias_of(GuardedNote) == "default"


# -- as soon as somebody uses it ----------------------------------------------


@contextmanager
def entered_in_a_copy(block: Any) -> Iterator[None]:
    """As a framework does that runs each half of a dependency in a thread."""

    def dependency() -> Iterator[None]:
        with block:
            yield

    halves = dependency()
    contextvars.copy_context().run(next, halves)
    try:
        yield
    finally:
        with pytest.raises(ContextError, match="was left in another context"):
            contextvars.copy_context().run(next, halves)


async def test_writing_to_the_default_database_instead_raises(
    family: Family, mongo: Any
) -> None:
    options = {"host": family.uri, "uuidRepresentation": "standard"}
    register_connection("tenant", "tenant", **options)
    with entered_in_a_copy(switch_db(GuardedNote, "tenant")):
        with pytest.raises(ContextError, match=r"using\('tenant'\)"):
            await family(GuardedNote(text="x"), "save")
        with pytest.raises(ContextError, match="has ended"):
            await family(GuardedNote.objects, "count")
    await family(GuardedNote(text="y"), "save")
    assert [note["text"] for note in mongo["guarded_note"].find()] == ["y"]


async def test_writing_to_the_default_collection_instead_raises(
    family: Family, mongo: Any
) -> None:
    with entered_in_a_copy(switch_collection(GuardedNote, "other")):
        with pytest.raises(ContextError, match="switch_collection"):
            await family(GuardedPage(text="x"), "save")
    assert mongo["guarded_note"].count_documents({}) == 0


async def test_writing_outside_of_the_transaction_instead_raises(
    family: Family, mongo: Any
) -> None:
    def dependency() -> Iterator[None]:
        with run_in_transaction():
            yield

    async def async_dependency() -> AsyncIterator[None]:
        async with async_run_in_transaction():
            yield

    await family(GuardedNote.objects, "count")  # so that the client is open
    if family.is_async:
        halves: Any = async_dependency()
        await asyncio.create_task(anext(halves))  # type: ignore[arg-type]
        await asyncio.sleep(0)  # so that the loop drops the task
    else:
        halves = dependency()
        contextvars.copy_context().run(next, halves)
    with pytest.raises(ContextError, match=r"run_in_transaction\(\) is open"):
        await family(GuardedNote(text="x"), "save")
    with pytest.raises(ContextError, match="left in another context"):
        if family.is_async:
            await asyncio.create_task(anext(halves))
        else:
            contextvars.copy_context().run(next, halves)
    assert mongo["guarded_note"].count_documents({}) == 0


async def test_the_same_block_of_another_context_works_meanwhile(
    family: Family, mongo: Any
) -> None:
    await family.connect(family.database + "_other", "tenant")
    with entered_in_a_copy(switch_db(GuardedNote, "tenant")):
        with switch_db(GuardedNote, "tenant"):
            await family(GuardedNote(text="x"), "save")
    assert mongo["guarded_note"].count_documents({}) == 0


def test_a_block_that_is_dropped_is_not_waited_for() -> None:
    block = switch_db(GuardedNote, "tenant")
    contextvars.copy_context().run(block.__enter__)
    with pytest.raises(ContextError):
        context.alias_of(GuardedNote)
    del block
    assert context.alias_of(GuardedNote) == "default"
