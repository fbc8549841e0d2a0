"""Projections that grow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mongoengine.query.projection import QueryFieldList


def only(*names: str) -> QueryFieldList:
    return QueryFieldList(names, _only_called=True)


def exclude(*names: str) -> QueryFieldList:
    return QueryFieldList(names, value=QueryFieldList.EXCLUDE)


def sliced(name: str, size: int) -> QueryFieldList:
    return QueryFieldList([name], value={"$slice": size})


def added(*parts: QueryFieldList) -> QueryFieldList:
    total = QueryFieldList()
    for part in parts:
        total += part
    return total


def test_nothing_asked_for_reads_everything() -> None:
    fields = QueryFieldList()
    assert not fields
    assert fields.as_dict() == {}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (lambda: [only("a", "b")], {"a": 1, "b": 1}),
        (lambda: [exclude("a")], {"a": 0}),
        (lambda: [only("a"), only("b")], {"a": 1, "b": 1}),
        (lambda: [QueryFieldList(["a"]), QueryFieldList(["b"])], {"b": 1}),
        (lambda: [exclude("a"), exclude("b")], {"a": 0, "b": 0}),
        (lambda: [only("a", "b"), exclude("b")], {"a": 1}),
        (lambda: [exclude("a"), only("a", "b")], {"b": 1}),
        (lambda: [only("a"), exclude("a")], {}),
        (lambda: [only("a"), exclude("_id")], {"a": 1, "_id": 0}),
        (lambda: [exclude("_id"), only("a")], {"a": 1, "_id": 0}),
        (lambda: [sliced("a", 3)], {"a": {"$slice": 3}}),
        (lambda: [only("b"), sliced("a", 3)], {"b": 1, "a": {"$slice": 3}}),
        (lambda: [exclude("b"), sliced("a", 3)], {"b": 0, "a": {"$slice": 3}}),
        (lambda: [sliced("a", 3), exclude("a")], {}),
    ],
)
def test_later_wishes_are_added(
    parts: Callable[[], list[QueryFieldList]], expected: dict[str, object]
) -> None:
    assert added(*parts()).as_dict() == expected


def test_some_fields_are_always_read() -> None:
    fields = QueryFieldList(always_include=["_cls"]) + only("a")
    assert fields.as_dict() == {"_cls": 1, "a": 1}


def test_some_fields_are_never_excluded() -> None:
    fields = QueryFieldList(always_include=["_cls"]) + exclude("a", "_cls")
    assert fields.as_dict() == {"a": 0}


def test_a_slice_alone_reads_the_rest_as_well() -> None:
    fields = QueryFieldList(always_include=["_cls"]) + sliced("a", 3)
    assert fields.as_dict() == {"a": {"$slice": 3}}


def test_resetting_reads_everything_again() -> None:
    fields = added(exclude("a"), sliced("b", 3))
    fields.reset()
    assert not fields
    assert fields.as_dict() == {}
    assert fields.value == QueryFieldList.ONLY


def test_a_list_that_was_empty_leaves_out_of_the_one_it_took_in_too() -> None:
    taken = only("a", "b")
    total = QueryFieldList() + taken + exclude("b")
    assert total.as_dict() == taken.as_dict() == {"a": 1}


def test_a_list_of_slices_stays_as_it_is() -> None:
    total = sliced("a", 3) + sliced("b", 3) + only("c")
    assert total.as_dict() == {"a": {"$slice": 3}, "b": {"$slice": 3}}
