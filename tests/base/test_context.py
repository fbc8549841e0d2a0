"""Switches of a task or thread are seen by it alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mongoengine import Document, StringField
from mongoengine.base import context
from mongoengine.base.context import Switch


class ContextBase(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class ContextSub(ContextBase):
    pass


def test_nothing_is_switched_at_first() -> None:
    assert context.alias_of(ContextBase) == "default"
    assert context.collection_name_of(ContextBase) == "context_base"
    assert not context.dereferencing_is_off(ContextBase)
    assert not context.dereferencing_of_field_is_off(ContextBase.name)
    assert not context.sub_classes_are_off(ContextBase)


def test_a_switch_holds_for_its_block() -> None:
    with Switch(context.db_aliases, "other", ContextBase):
        assert context.alias_of(ContextBase) == "other"
        assert context.alias_of(ContextSub) == "default"
    assert context.alias_of(ContextBase) == "default"


def test_a_collection_is_switched_for_subclasses_too() -> None:
    with Switch(context.collection_names, "other", ContextBase):
        assert context.collection_name_of(ContextSub) == "other"
        with Switch(context.collection_names, "nearer", ContextSub):
            assert context.collection_name_of(ContextSub) == "nearer"
            assert context.collection_name_of(ContextBase) == "other"
    assert context.collection_name_of(ContextSub) == "context_base"


def test_blocks_can_be_nested() -> None:
    with Switch(context.db_aliases, "one", ContextBase):
        with Switch(context.db_aliases, "two", ContextBase, ContextSub):
            assert context.alias_of(ContextBase) == "two"
        assert context.alias_of(ContextBase) == "one"
        assert context.alias_of(ContextSub) == "default"


def test_a_block_that_fails_is_left_as_well() -> None:
    with pytest.raises(ValueError), Switch(context.no_sub_classes, True, ContextBase):
        assert context.sub_classes_are_off(ContextBase)
        raise ValueError
    assert not context.sub_classes_are_off(ContextBase)


def test_what_was_switched_later_is_left_alone() -> None:
    first = Switch(context.db_aliases, "first", ContextBase)
    second = Switch(context.db_aliases, "second", ContextBase)
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert context.alias_of(ContextBase) == "second"
    second.__exit__()
    context.db_aliases.set(context._NOTHING)


def test_fields_follow_nothing_while_any_is_switched() -> None:
    with context.no_dereference_for_fields(ContextBase.name):
        assert context.dereferencing_of_field_is_off(ContextSub.id)
        assert not ContextBase.name._auto_dereference
    with context.no_dereference_for_fields():
        assert ContextBase.name._auto_dereference


def test_another_thread_sees_nothing() -> None:
    seen = []
    with Switch(context.db_aliases, "other", ContextBase):
        thread = threading.Thread(
            target=lambda: seen.append(context.alias_of(ContextBase))
        )
        thread.start()
        thread.join()
    assert seen == ["default"]


async def test_a_task_sees_what_it_was_started_in() -> None:
    async def alias() -> str:
        await asyncio.sleep(0)
        return context.alias_of(ContextBase)

    with Switch(context.db_aliases, "other", ContextBase):
        inside = asyncio.create_task(alias())
    outside = asyncio.create_task(alias())
    assert await asyncio.gather(inside, outside) == ["other", "default"]
