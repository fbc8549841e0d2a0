"""`blocking_on_loop`: what was written for one family, done by the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from mongoengine import (
    Document,
    ReferenceField,
    SequenceField,
    StringField,
    connect_async,
    disconnect_async,
)
from mongoengine.driver.io import SYNC, WrongFamilyError, blocking_on_loop

Wait = Callable[[Coroutine[Any, Any, Any]], Any]


class LoopPerson(Document):
    name = StringField()
    friend = ReferenceField("self")


@pytest.fixture
def wait(settings: dict[str, Any]) -> Iterator[Wait]:
    """Run a coroutine on a loop where the default alias is open for async use."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(connect_async(**settings))
    yield loop.run_until_complete
    loop.run_until_complete(disconnect_async())
    loop.close()


def test_blocking_faces_do_the_work_of_their_twins(wait: Wait) -> None:
    with blocking_on_loop(wait):
        person = LoopPerson(name="Ada").save()
        assert LoopPerson.objects.get(pk=person.pk) == person
        assert len(LoopPerson.objects) == 1
        assert [p.name for p in LoopPerson.objects] == ["Ada"]


def test_an_overridden_twin_is_called(wait: Wait) -> None:
    class LoopPolite(Document):
        name = StringField()

        async def async_save(self, *args: Any, **kwargs: Any) -> Any:
            self.name = "Dr " + self.name
            return await super().async_save(*args, **kwargs)

    with blocking_on_loop(wait):
        LoopPolite(name="Ada").save()
        assert LoopPolite.objects.first().name == "Dr Ada"


def test_attributes_load_what_they_need(wait: Wait) -> None:
    class LoopCounted(Document):
        number = SequenceField()

    with blocking_on_loop(wait):
        friend = LoopPerson(name="Ada").save()
        LoopPerson(name="Bob", friend=friend).save()
        assert LoopPerson.objects.get(name="Bob").friend.name == "Ada"
        assert LoopCounted().number == 1


def test_the_error_of_an_operation_passes(wait: Wait) -> None:
    with blocking_on_loop(wait), pytest.raises(LoopPerson.DoesNotExist):
        LoopPerson.objects.get(name="Eve")


def test_after_the_block_blocking_faces_block_again(wait: Wait) -> None:
    with blocking_on_loop(wait):
        assert SYNC.is_async
    assert not SYNC.is_async
    with pytest.raises(WrongFamilyError):
        LoopPerson(name="Ada").save()
