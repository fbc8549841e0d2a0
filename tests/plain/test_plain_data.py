"""`to_dict()` and `from_dict()`: documents as plain data and back."""

from __future__ import annotations

import datetime
import json
import uuid
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import FieldDoesNotExist, ValidationError
from tests.families import Family

from .models import PlainAuthor, PlainColour, PlainDynamic, PlainPost, PlainTag

KEY = ObjectId("64f000000000000000000001")


def full_post(author: PlainAuthor) -> PlainPost:
    return PlainPost(
        id=KEY,
        title="T",
        ratio=0.5,
        precise=datetime.datetime(2026, 1, 2, 3, 4, 5, 6),
        day=datetime.date(2026, 1, 3),
        price="1.50",
        exact="2.25",
        token=uuid.UUID(int=7),
        colour=PlainColour.RED,
        data=b"\xff\x00",
        tags=[PlainTag(label="outer", inside=[PlainTag(label="inner")])],
        counts={"a": 1},
        free={"x": {"y": [1, None]}},
        author=author,
        authors=[author],
        lazy=author,
        anything=author,
        state="new",
        where=[1, 2],
    )


@pytest.fixture
def author() -> PlainAuthor:
    return PlainAuthor(id=ObjectId("64f000000000000000000002"), name="Ada")


def test_json_mode_is_what_json_can_say(author: PlainAuthor) -> None:
    plain = full_post(author).to_dict("json")
    assert json.loads(json.dumps(plain)) == plain
    assert plain == {
        "id": "64f000000000000000000001",
        "title": "T",
        "number": 5,
        "ratio": 0.5,
        "at": "2026-01-02T00:00:00",
        "precise": "2026-01-02T03:04:05.000006",
        "day": "2026-01-03",
        "price": "1.50",
        "exact": "2.25",
        "token": "00000000-0000-0000-0000-000000000007",
        "colour": "red",
        "data": "/wA=",
        "tags": [{"label": "outer", "inside": [{"label": "inner", "inside": []}]}],
        "counts": {"a": 1},
        "free": {"x": {"y": [1, None]}},
        "author": "64f000000000000000000002",
        "authors": ["64f000000000000000000002"],
        "lazy": "64f000000000000000000002",
        "anything": "64f000000000000000000002",
        "state": "new",
        "where": [1, 2],
    }


def test_python_mode_keeps_values_and_no_containers_of_ours(
    author: PlainAuthor,
) -> None:
    plain = full_post(author).to_dict()
    assert plain["id"] == KEY
    assert plain["colour"] is PlainColour.RED
    assert plain["day"] == datetime.date(2026, 1, 3)
    assert type(plain["tags"]) is list
    assert type(plain["tags"][0]) is dict
    assert type(plain["counts"]) is dict
    assert type(plain["free"]["x"]["y"]) is list


@pytest.mark.parametrize("mode", ["python", "json"])
@pytest.mark.parametrize("by_alias", [False, True])
def test_round_trip(author: PlainAuthor, mode: Any, by_alias: bool) -> None:
    post = full_post(author)
    post.anything = None
    plain = post.to_dict(mode, by_alias=by_alias)
    assert ("t" in plain) is by_alias
    again = PlainPost.from_dict(plain, by_alias=by_alias)
    assert again.to_mongo() == post.to_mongo()
    again.validate()


def test_names_of_fields(author: PlainAuthor) -> None:
    post = full_post(author)
    assert post.to_dict(fields=["title", "tags.label"]) == {
        "title": "T",
        "tags": [{"label": "outer"}],
    }
    without = post.to_dict("json", exclude=["tags.inside", "free", "pk"])
    assert without["tags"] == [{"label": "outer"}]
    assert "free" not in without
    assert "id" not in without
    with pytest.raises(ValueError, match='PlainPost has no field "nothing"'):
        post.to_dict(fields=["nothing"])


async def test_references_nested_only_where_they_are_loaded(family: Family) -> None:
    author = await family(PlainAuthor(name="Ada"), "save")
    post = await family(PlainPost(title="T", author=author, lazy=author), "save")
    loaded = await family(PlainPost.objects, "first")
    family.commands
    assert loaded.to_dict(references="nested")["author"] == author.pk
    assert family.commands == []
    assert post.to_dict("json", references="nested")["author"] == {
        "id": str(author.pk),
        "name": "Ada",
    }


def test_a_document_that_refers_to_itself_ends(author: PlainAuthor) -> None:
    post = PlainPost(id=KEY, title="T", anything=author)
    post.anything = post
    assert post.to_dict("json", references="nested")["anything"] == str(KEY)


def test_dynamic_fields() -> None:
    document = PlainDynamic(name="a", extra={"k": [ObjectId(KEY)]})
    assert document.to_dict("json", exclude=["id"]) == {
        "name": "a",
        "extra": {"k": [str(KEY)]},
    }
    assert PlainDynamic.from_dict({"name": "a", "more": 1}).more == 1


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(FieldDoesNotExist, match='PlainPost has no field "nope"'):
        PlainPost.from_dict({"nope": 1})


def test_data_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"from_dict\(\) takes a mapping, not list"
    ):
        PlainPost.from_dict([])  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="Not base64"):
        PlainPost.from_dict({"data": "%"})


def test_wrong_arguments_are_named(author: PlainAuthor) -> None:
    with pytest.raises(ValueError, match='mode is "python" or "json", not'):
        author.to_dict("yaml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="references is"):
        author.to_dict(references="all")  # type: ignore[arg-type]


def test_dict_of_a_document_is_not_empty(author: PlainAuthor) -> None:
    assert dict(author) == {"id": author.id, "name": "Ada"}
