"""A query is a value: built, copied and printed without a connection."""

from __future__ import annotations

from typing import Any

import pytest
from bson.code import Code

from mongoengine import InvalidQueryError, Q, QuerySet
from mongoengine.errors import LookUpError
from mongoengine.query.query import NO_DOCUMENT, Query
from tests.families import Family
from tests.queryset.models import QSAnimal, QSDog, QSPerson, QSRanked


def test_a_query_gives_the_arguments_of_find() -> None:
    query = Query(QSPerson).matching(Q(age__gt=20)).replace(skip=1, comment="c")
    assert query.find() == {
        "filter": {"age": {"$gt": 20}},
        "skip": 1,
        "comment": "c",
    }
    assert query.find(limit=3)["limit"] == 3


def test_a_query_sorts_by_the_default_ordering() -> None:
    query = Query(QSRanked)
    assert query.find() == {"filter": {}, "sort": [("name", -1)]}
    assert query.find(ordered=False) == {"filter": {}}
    assert query.replace(ordering=[]).find() == {"filter": {}}


def test_a_query_gives_a_pipeline() -> None:
    query = Query(QSPerson).matching(Q(age=1)).replace(skip=2, limit=3)
    assert query.pipeline([{"$count": "n"}]) == [
        {"$match": {"age": 1}},
        {"$limit": 5},
        {"$skip": 2},
        {"$count": "n"},
    ]
    near: dict[str, Any] = {"$geoNear": {}}
    assert query.replace(skip=None, limit=None).pipeline([near, {"$count": "n"}]) == [
        near,
        {"$match": {"age": 1}},
        {"$count": "n"},
    ]


def test_a_query_of_nothing_matches_nothing() -> None:
    query = Query(QSPerson).replace(none=True)
    assert query.is_void
    assert query.filter() == NO_DOCUMENT


def test_a_query_adds_the_condition_of_where() -> None:
    query = Query(QSPerson).matching(Q(age=1)).replace(where_clause="true")
    assert query.filter() == {"age": 1, "$where": Code("true")}
    assert query.conditions == {"age": 1}


def test_a_query_leaves_other_classes_out() -> None:
    assert Query(QSAnimal).filter() == {"_cls": {"$in": ("QSAnimal", "QSAnimal.QSDog")}}
    assert Query(QSDog).filter() == {"_cls": "QSAnimal.QSDog"}


def test_replacing_leaves_a_query_as_it_is() -> None:
    query = Query(QSPerson)
    other = query.replace(limit=1)
    assert (query.limit, other.limit) == (None, 1)
    assert query.matching(Q(age=1)).filter() == {"age": 1}
    assert query.filter() == {}


def test_a_query_says_what_is_asked() -> None:
    text = repr(Query(QSPerson).matching(Q(age=1)).replace(limit=2))
    assert text.startswith("<Query of QSPerson: ")
    assert "'limit': 2" in text


def test_names_are_looked_up_in_subclasses() -> None:
    assert Query(QSAnimal).path("bark") == "bark"
    with pytest.raises(LookUpError):
        Query(QSAnimal).path("nope")


# querysets are faces over one


def test_upstreams_names_are_read_and_set() -> None:
    queryset: QuerySet[QSPerson] = QSPerson.objects(age=1).limit(3).only("name")
    assert queryset._document is QSPerson
    assert queryset._limit == 3
    assert queryset._query == queryset._spec.conditions == {"age": 1}
    assert queryset._mongo_query == {"age": 1}
    assert queryset._loaded_fields.as_dict() == {"name": 1}
    assert queryset._query_obj
    before = queryset._spec
    queryset._skip = 2
    queryset._scalar = ["name"]
    assert (queryset._skip, queryset._spec.skip, before.skip) == (2, 2, None)
    assert queryset.clone()._scalar == ["name"]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("first", ()),
        ("get", ()),
        ("count", ()),
        ("exists", ()),
        ("to_list", ()),
        ("explain", ()),
        ("distinct", ("name",)),
        ("sum", ("age",)),
        ("item_frequencies", ("age",)),
        ("map_reduce", ("m", "r", "inline")),
        ("delete", ()),
        ("delete_one", ()),
    ],
)
async def test_a_misspelt_field_raises_before_anything_is_sent(
    family: Family, method: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(InvalidQueryError, match="nope"):
        await family(QSPerson.objects(nope=1), method, *arguments)
    assert family.command_names == []


@pytest.mark.parametrize("method", ["update", "update_one", "modify", "upsert_one"])
async def test_a_misspelt_field_raises_before_anything_is_written(
    family: Family, method: str
) -> None:
    with pytest.raises(InvalidQueryError, match="nope"):
        await family(QSPerson.objects(nope=1), method, set__age=1)
    with pytest.raises(InvalidQueryError, match="nope"):
        await family(QSPerson.objects, method, set__nope=1)
    assert family.command_names == []
