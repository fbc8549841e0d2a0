"""Index specifications: what declarations and fields ask the server for."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GeoPointField,
    IntField,
    ListField,
    PointField,
    StringField,
)
from mongoengine.errors import LookUpError


class IndexedPart(EmbeddedDocument):
    name = StringField(db_field="nm")
    code = StringField(unique=True)


def page(*indexes: Any, **options: Any) -> Any:
    class Page(Document):
        title = StringField(db_field="t")
        author = StringField()
        part = EmbeddedDocumentField(IndexedPart, db_field="p")
        meta = {"indexes": list(indexes), **options}

    return Page


def declared(*indexes: Any, **options: Any) -> list[dict[str, Any]]:
    """The specifications, less the one that the embedded document asks for."""
    specs: list[dict[str, Any]] = page(*indexes, **options)._meta["index_specs"]
    return [spec for spec in specs if spec["fields"] != [("part.code", 1)]]


@pytest.mark.parametrize(
    ("mark", "direction"),
    [
        ("", 1),
        ("+", 1),
        ("-", -1),
        ("$", "text"),
        ("#", "hashed"),
        ("*", "2d"),
        ("(", "2dsphere"),
    ],
)
def test_a_mark_tells_the_direction(mark: str, direction: Any) -> None:
    assert declared(f"{mark}title") == [{"fields": [("t", direction)]}]


def test_haystack_indexes_are_gone() -> None:
    with pytest.raises(NotImplementedError):
        declared(")title")


@pytest.mark.parametrize("spec", [("title", "-author"), ["title", "-author"]])
def test_several_fields_are_one_index(spec: Any) -> None:
    assert declared(spec) == [{"fields": [("t", 1), ("author", -1)]}]


def test_options_are_kept() -> None:
    spec = {"fields": ["title"], "unique": True, "expireAfterSeconds": 60}
    assert declared(spec) == [{**spec, "fields": [("t", 1)]}]


def test_declarations_are_not_changed() -> None:
    spec = {"fields": ["title"], "cls": False}
    declared(spec, allow_inheritance=True)
    assert spec == {"fields": ["title"], "cls": False}


@pytest.mark.parametrize("name", ["pk", "id", "_id"])
def test_the_primary_key_has_many_names(name: str) -> None:
    assert declared(f"-{name}") == [{"fields": [("_id", -1)]}]


def test_members_of_embedded_documents_can_be_indexed() -> None:
    assert declared("part.name") == [{"fields": [("p.nm", 1)]}]


@pytest.mark.parametrize("name", ["nope", "part.nope", "t"])
def test_unknown_fields_are_refused(name: str) -> None:
    with pytest.raises(LookUpError, match="Cannot resolve field"):
        declared(name)


def test_the_class_name_comes_first_where_classes_share_a_collection() -> None:
    specs = declared("title", allow_inheritance=True)
    assert specs == [{"fields": [("_cls", 1), ("t", 1)]}]


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        ({"fields": ["title"], "cls": False}, {}),
        ({"fields": ["title"], "sparse": True}, {}),
        ({"fields": ["title"]}, {"index_cls": False}),
        ({"fields": ["(title"]}, {}),
        ({"fields": ["*title"]}, {}),
    ],
)
def test_the_class_name_can_be_left_out(spec: Any, options: Any) -> None:
    (built,) = declared(spec, allow_inheritance=True, **options)
    assert "_cls" not in dict(built["fields"])


def test_unique_fields_ask_for_an_index() -> None:
    class Person(Document):
        mail = StringField(unique=True, db_field="m")
        nick = StringField(unique=True, sparse=True)

    assert Person._unique_with_indexes() == [
        {"fields": [("m", 1)], "unique": True, "sparse": False},
        {"fields": [("nick", 1)], "unique": True, "sparse": True},
    ]


def test_unique_with_makes_one_index_of_required_fields() -> None:
    class Person(Document):
        first = StringField(db_field="f")
        last = StringField(unique_with="first", db_field="l")

    (spec,) = Person._meta["index_specs"]
    assert spec == {"fields": [("l", 1), ("f", 1)], "unique": True, "sparse": False}
    assert Person.first.required


def test_unique_fields_of_embedded_documents_ask_for_an_index() -> None:
    class Thing(Document):
        part = EmbeddedDocumentField(IndexedPart)
        parts = ListField(EmbeddedDocumentField(IndexedPart))

    keys = [spec["fields"] for spec in Thing._meta["index_specs"]]
    assert keys == [[("part.code", 1)], [("parts.code", 1)]]


def test_what_fields_ask_for_completes_a_declaration() -> None:
    class Person(Document):
        mail = StringField(unique=True)
        meta = {"indexes": [{"fields": ["mail"], "name": "by_mail"}]}

    expected = {"name": "by_mail", "unique": True, "sparse": False}
    assert Person._meta["index_specs"] == [{"fields": [("mail", 1)], **expected}]


def test_geo_fields_ask_for_an_index() -> None:
    class Venue(EmbeddedDocument):
        pair = GeoPointField()

    class Place(Document):
        point = PointField(db_field="pt")
        silent = PointField(auto_index=False)
        venue = EmbeddedDocumentField(Venue, db_field="v")

    assert Place._geo_indices() == [
        {"fields": [("pt", "2dsphere")]},
        {"fields": [("v.pair", "2d")]},
    ]


# Pairs as PyMongo takes them


class PairPart(EmbeddedDocument):
    x = IntField(db_field="ex")


class PairBase(Document):
    a = StringField()
    b = IntField(db_field="bb")
    part = EmbeddedDocumentField(PairPart, db_field="p")
    parts = ListField(EmbeddedDocumentField(PairPart))
    meta = {"allow_inheritance": True}


class PairPlain(Document):
    a = StringField()
    b = IntField(db_field="bb")
    part = EmbeddedDocumentField(PairPart, db_field="p")
    parts = ListField(EmbeddedDocumentField(PairPart))


PAIRS = [
    ([("a", 1)], [("a", 1)]),
    (("a", -1), [("a", -1)]),
    ([("a", 1), ("b", -1)], [("a", 1), ("bb", -1)]),
    ({"fields": [("b", -1), "a"]}, [("bb", -1), ("a", 1)]),
    ({"fields": ["-a", ["b", 1]]}, [("a", -1), ("bb", 1)]),
    ({"fields": ("a", -1)}, [("a", -1)]),
    ({"fields": "a"}, [("a", 1)]),
    ({"fields": {"a": -1, "b": 1}}, [("a", -1), ("bb", 1)]),
    ({"fields": [("bb", 1)]}, [("bb", 1)]),
    ({"fields": [("part.x", 1)]}, [("p.ex", 1)]),
    ({"fields": [("p.ex", 1)]}, [("p.ex", 1)]),
    ({"fields": [("parts.x", 1)]}, [("parts.ex", 1)]),
    ({"fields": [("unknown.path", 1)]}, [("unknown.path", 1)]),
    ({"fields": [("a", "hashed")]}, [("a", "hashed")]),
    ({"fields": [("pk", 1), "a"]}, [("_id", 1), ("a", 1)]),
]


@pytest.mark.parametrize(("declared", "keys"), PAIRS)
def test_a_pair_is_a_field_and_a_direction(declared: Any, keys: Any) -> None:
    assert PairPlain._build_index_spec(declared)["fields"] == keys
    spec = PairBase._build_index_spec(declared)
    assert spec["fields"] == [("_cls", 1), *keys]


def test_the_class_is_not_put_before_itself() -> None:
    spec = PairBase._build_index_spec({"fields": [("_cls", 1), ("a", 1)]})
    assert spec["fields"] == [("_cls", 1), ("a", 1)]


@pytest.mark.parametrize("pair", [("a", "b"), ("a",), ("a", 2), ("a", 1, 1)])
def test_what_is_no_pair_is_refused(pair: Any) -> None:
    with pytest.raises(
        ValueError, match="PairPlain: an index field is a name or a pair"
    ):
        PairPlain._build_index_spec({"fields": [pair]})


def test_options_stay_beside_pairs() -> None:
    spec = PairBase._build_index_spec({"fields": [("a", 1)], "unique": True})
    assert spec == {"fields": [("_cls", 1), ("a", 1)], "unique": True}


# Sparse


def test_a_field_that_is_unique_with_another_may_be_sparse() -> None:
    class SparseCode(Document):
        owner = IntField()
        code = StringField(unique_with="owner", sparse=True)
        dense = StringField(unique_with="owner")

    specs = {s["fields"][0][0]: s["sparse"] for s in SparseCode._unique_with_indexes()}
    assert specs == {"code": True, "dense": False}
