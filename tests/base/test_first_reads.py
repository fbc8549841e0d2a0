"""Two threads use a document of which nothing has been read: no change is lost.

Values are converted when they are read first.  One thread is stopped wherever CPython
may go on with another one, in turn, while that one does its work.
"""

from __future__ import annotations

import datetime
import dis
import enum
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DateField,
    DictField,
    Document,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    SortedListField,
    StringField,
)
from mongoengine.base import tracked
from mongoengine.base.mutators import hold, let_go
from mongoengine.fields import Decimal128Field

#: How long the other thread is waited for where it waits for the first one.
BLOCKED = 0.01


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class FirstPart(EmbeddedDocument):
    name = StringField()
    size = IntField()
    tags = ListField(StringField())


class FirstThing(Document):
    tags = ListField(StringField())
    sorted = SortedListField(StringField())
    defaulted = ListField(StringField())
    extra = DictField()
    grid = ListField(ListField(IntField()))
    groups = MapField(ListField(IntField()))
    part = EmbeddedDocumentField(FirstPart)
    parts = EmbeddedDocumentListField(FirstPart)
    listed = ListField(EmbeddedDocumentField(FirstPart))
    named = MapField(EmbeddedDocumentField(FirstPart))
    anything = DynamicField()
    colour = EnumField(Colour)
    price = Decimal128Field()
    day = DateField()
    lazy = LazyReferenceField("self")


def thing() -> FirstThing:
    return FirstThing._from_son(
        {
            "_id": 1,
            "tags": ["a"],
            "sorted": ["a"],
            "extra": {"inner": {"k": 1}, "list": [1]},
            "grid": [[1], [2]],
            "groups": {"x": [1]},
            "part": {"name": "a", "tags": ["a"]},
            "parts": [{"name": "a", "tags": ["a"]}],
            "listed": [{"name": "a", "tags": ["a"]}],
            "named": {"x": {"name": "a", "tags": ["a"]}},
            "anything": [["a"]],
            "colour": "red",
            "price": "1.5",
            "day": datetime.datetime(2026, 1, 1),
            "lazy": ObjectId(),
        }
    )


class Stop:
    """Call a function once, in another thread, at the nth place where that can be.

    CPython may go on with another thread after a call, where a function begins, and
    where a loop goes back.
    """

    def __init__(self, number: int, call: Callable[[], object]) -> None:
        self.left = number
        self.other = threading.Thread(target=call)
        # The frame and the place of the last instruction.
        self.last: tuple[FrameType | None, int] = (None, 0)

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_globals["__name__"].startswith("mongoengine."):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self.count

    def count(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode":
            last_frame, place = self.last
            self.last = frame, frame.f_lasti
            code = frame.f_code.co_code
            if (
                last_frame is frame
                and place < frame.f_lasti
                and not dis.opname[code[place]].startswith("CALL")
            ):
                return self.count
            self.left -= 1
            if self.left == 0:
                self.other.start()
                self.other.join(BLOCKED)
        return self.count

    def run(self, call: Callable[[], object]) -> bool:
        """Return whether there were so many such places."""

        def traced() -> None:
            before = sys.gettrace()
            # From 3.12 on Python looks at this once, when tracing begins.
            sys._getframe().f_trace_opcodes = True
            sys.settrace(self.trace)
            try:
                call()
            finally:
                sys.settrace(before)

        first = threading.Thread(target=traced)
        first.start()
        first.join()
        if self.left > 0:
            return False
        self.other.join()
        return True


def at_each_place(
    make: Callable[[], Any],
    first: Callable[[Any], object],
    second: Callable[[Any], object],
    check: Callable[[Any], object],
) -> None:
    # What is compiled or imported once is not what is tested.
    for call in (first, second):
        call(make())
    # Python 3.13 traces the instructions of a function from its second call on.
    document = make()
    Stop(sys.maxsize, lambda: None).run(lambda: first(document))
    number = 1
    while True:
        document = make()
        stop = Stop(number, lambda document=document: second(document))  # type: ignore[misc]
        if not stop.run(lambda document=document: first(document)):  # type: ignore[misc]
            break
        assert check(document), number
        number += 1
    assert number > 1


APPENDS: dict[str, Callable[[FirstThing], Any]] = {
    "list": lambda d: d.tags,
    "list with a default": lambda d: d.defaulted,
    "sorted list": lambda d: d.sorted,
    "list in a dict": lambda d: d.extra["list"],
    "list in a list": lambda d: d.grid[1],
    "list in a list, all read": lambda d: [*d.grid][1],
    "list in a map": lambda d: d.groups["x"],
    "list of values": lambda d: next(iter(d.groups.values())),
    "list in an embedded document": lambda d: d.part.tags,
    "list in one of a list": lambda d: d.parts[0].tags,
    "list in one of a plain list": lambda d: d.listed[0].tags,
    "list in one of a map": lambda d: d.named["x"].tags,
    "list in a dynamic field": lambda d: d.anything[0],
}


@pytest.mark.parametrize("place", APPENDS)
def test_two_threads_that_append_to_a_list_append_to_the_same(place: str) -> None:
    read = APPENDS[place]
    at_each_place(
        thing,
        lambda d: list.append(read(d), "first"),
        lambda d: list.append(read(d), "second"),
        lambda d: {"first", "second"} <= {*list.__iter__(read(d))},
    )


@pytest.mark.parametrize("place", APPENDS)
def test_two_threads_that_append_to_a_list_mark_it(place: str) -> None:
    read = APPENDS[place]
    at_each_place(
        thing,
        lambda d: read(d).append("first"),
        lambda d: read(d).append("second"),
        lambda d: {"first", "second"} <= {*_strings(d._delta()[0])},
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


@pytest.mark.parametrize("place", ["part", "parts", "listed", "named"])
def test_two_threads_change_the_same_embedded_document(place: str) -> None:
    def part(document: Any) -> Any:
        value = getattr(document, place)
        if place == "part":
            return value
        return value["x"] if place == "named" else value[0]

    at_each_place(
        thing,
        lambda d: setattr(part(d), "name", "first"),
        lambda d: setattr(part(d), "size", 2),
        lambda d: (part(d).name, part(d).size) == ("first", 2),
    )


ASSIGNED: dict[str, Any] = {
    "tags": ["new"],
    "sorted": ["new"],
    "defaulted": ["new"],
    "extra": {"new": 1},
    "grid": [[7]],
    "groups": {"new": [1]},
    "part": FirstPart(name="new"),
    "parts": [FirstPart(name="new")],
    "anything": "new",
    "colour": Colour.BLUE,
    "price": Decimal("2.5"),
    "day": datetime.date(2027, 1, 1),
}


@pytest.mark.parametrize("name", ASSIGNED)
def test_what_is_assigned_while_another_thread_reads_stays(name: str) -> None:
    value = ASSIGNED[name]
    at_each_place(
        thing,
        lambda d: getattr(d, name),
        lambda d: setattr(d, name, value),
        lambda d: getattr(d, name) == value and name in d._get_changed_fields(),
    )


@pytest.mark.parametrize("read", ["tags", "part", "colour", "lazy", "anything"])
def test_what_is_assigned_to_another_field_stays(read: str) -> None:
    at_each_place(
        thing,
        lambda d: getattr(d, read),
        lambda d: setattr(d, "day", datetime.date(2027, 1, 1)),
        lambda d: d.day == datetime.date(2027, 1, 1),
    )


def test_two_threads_that_assign_first_both_do() -> None:
    at_each_place(
        thing,
        lambda d: setattr(d, "tags", ["first"]),
        lambda d: setattr(d, "colour", Colour.BLUE),
        lambda d: d.tags == ["first"] and d.colour is Colour.BLUE,
    )


def test_two_threads_read_one_lazy_reference() -> None:
    read: list[Any] = []
    at_each_place(
        thing,
        lambda d: read.append(d.lazy),
        lambda d: read.append(d.lazy),
        lambda d: read[-1] is read[-2] is d.lazy,
    )


class Interrupt(Exception):
    """What a signal handler raises."""


def test_a_signal_while_an_item_is_put_in_place_leaves_no_lock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = thing()

    def hold_and_raise() -> None:
        hold()
        raise Interrupt

    assert document.extra and document.anything
    monkeypatch.setattr(tracked, "hold", hold_and_raise)
    for use in (
        lambda: document.extra["inner"],
        lambda: [*document.extra.values()],
        lambda: document.extra.__setitem__("new", 1),
        lambda: document.anything[0],
        lambda: [*document.anything],
        lambda: document.anything.__setitem__(0, [1]),
    ):
        with pytest.raises(Interrupt):
            use()
    got: list[bool] = []

    def take() -> None:
        got.append(hold(blocking=False))
        if got[0]:
            let_go()

    other = threading.Thread(target=take)
    other.start()
    other.join()
    assert got == [True]
