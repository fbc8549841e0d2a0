"""StringField: what it takes, what it refuses, and its query operators."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mongoengine import StringField, ValidationError

from .helpers import document_with, failure_of


def test_text_is_stored_as_it_is(db: Any) -> None:
    Holder = document_with(StringField())
    Holder(value="héé 日本").save()
    assert db["holder"].find_one()["value"] == "héé 日本"
    assert Holder.objects.get().value == "héé 日本"


def test_bytes_become_text_where_they_are_utf_8() -> None:
    field = StringField()
    assert field.to_python(b"\xc3\xa9") == "é"
    assert field.to_python(b"\xff") == b"\xff"


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": 1}, b"\xff"])
def test_other_types_are_refused(value: Any) -> None:
    assert failure_of(StringField(), value) == "StringField only accepts string values"


@pytest.mark.parametrize(
    ("options", "value", "failure"),
    [
        ({"max_length": 3}, "abc", None),
        ({"max_length": 3}, "abcd", "String value is too long"),
        ({"max_length": 0}, "a", "String value is too long"),
        ({"min_length": 2}, "ab", None),
        ({"min_length": 2}, "a", "String value is too short"),
        ({"regex": "^a"}, "ab", None),
        ({"regex": "^a"}, "b", "String value did not match validation regex"),
        ({"regex": re.compile("A", re.I)}, "ab", None),
        ({"regex": ""}, "anything", None),
        ({"choices": ["a", "b"]}, "c", "Value must be one of ['a', 'b']"),
        ({"choices": [("a", "A"), ("b", "B")]}, "b", None),
    ],
)
def test_options(options: dict[str, Any], value: str, failure: str | None) -> None:
    assert failure_of(StringField(**options), value) == failure


def test_a_too_long_value_is_told_before_one_that_does_not_match() -> None:
    field = StringField(max_length=1, min_length=5, regex="^z")
    assert failure_of(field, "abc") == "String value is too long"


@pytest.mark.parametrize(
    ("operator", "pattern"),
    [
        ("exact", r"^a\.b$"),
        ("contains", r"a\.b"),
        ("startswith", r"^a\.b"),
        ("endswith", r"a\.b$"),
        ("wholeword", r"\ba\.b\b"),
        ("regex", "a.b"),
    ],
)
def test_string_operators_make_patterns(operator: str, pattern: str) -> None:
    field = StringField()
    assert field.prepare_query_value(operator, "a.b") == re.compile(pattern)
    ignoring_case = field.prepare_query_value("i" + operator, "a.b")
    assert ignoring_case == re.compile(pattern, re.IGNORECASE)


def test_values_of_other_operators_are_left_alone() -> None:
    field = StringField()
    assert field.prepare_query_value("gt", 5) == 5
    assert field.prepare_query_value(None, b"x") == b"x"


def test_values_of_updates_are_validated() -> None:
    field = StringField(max_length=1)
    assert field.prepare_query_value("set", "a") == "a"
    with pytest.raises(ValidationError, match="String value is too long"):
        field.prepare_query_value("set", "ab")


def test_operators_find_documents(db: Any) -> None:
    Holder = document_with(StringField())
    for text in ("one", "Two", "one two"):
        Holder(value=text).save()
    assert Holder.objects(value__iexact="two").count() == 1
    assert Holder.objects(value__icontains="TWO").count() == 2
    assert Holder.objects(value__wholeword="one").count() == 2
    assert Holder.objects(value__regex="^.ne$").count() == 1


def test_a_string_has_no_members() -> None:
    assert StringField().lookup_member("anything") is None


def test_a_loaded_string_keeps_what_is_stored(db: Any) -> None:
    db["holder"].insert_one({"value": 5})
    Holder = document_with(StringField())
    found = Holder.objects.get()
    assert found.value == 5
    with pytest.raises(ValidationError):
        found.validate()
