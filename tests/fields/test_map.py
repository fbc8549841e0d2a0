"""MapField: a dict whose values are all of one field."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    InvalidDocumentError,
    ListField,
    MapField,
    StringField,
    ValidationError,
)


class MapText(EmbeddedDocument):
    text = StringField(db_field="t", max_length=3)


class MapThing(Document):
    counts = MapField(IntField(), db_field="cs")
    parts = MapField(EmbeddedDocumentField(MapText))
    lists = MapField(ListField(IntField()))
    nested = MapField(MapField(IntField()))


@pytest.mark.parametrize("field", [None, IntField, "name"])
def test_it_needs_a_field(field: Any) -> None:
    with pytest.raises(ValidationError, match="MapField constructor must be a valid"):
        MapField(field)


def test_positional_options_are_refused() -> None:
    with pytest.raises(TypeError, match="multiple values for argument 'field'"):
        MapField(IntField(), "name")


def test_it_is_empty_at_first() -> None:
    assert MapThing().counts == {}


def test_values_are_converted() -> None:
    assert MapThing(counts={"a": "1"}).counts == {"a": 1}
    assert MapThing._from_son({"cs": {"a": "1"}}).counts == {"a": 1}


def test_failures_are_told_by_key() -> None:
    with pytest.raises(ValidationError) as caught:
        MapThing(counts={"a": "x"}, parts={"b": MapText(text="long")}).validate()
    assert caught.value.to_dict() == {
        "counts": {"a": "x could not be converted to int"},
        "parts": {"b": {"text": "String value is too long"}},
    }


def test_only_dicts_are_valid() -> None:
    document: Any = MapThing()
    document.counts = [1]
    with pytest.raises(ValidationError, match="Only dictionaries may be used"):
        document.validate()


def test_embedded_documents_are_loaded_and_dumped() -> None:
    document = MapThing._from_son({"parts": {"k": {"t": "a"}}})
    assert document.parts["k"] == MapText(text="a")
    assert document.parts["k"]._instance == document
    assert document.to_mongo()["parts"] == {"k": {"t": "a"}}


def test_bad_embedded_documents_are_refused_when_loaded() -> None:
    with pytest.raises(InvalidDocumentError, match="Field 'parts'"):
        MapThing._from_son({"parts": {"k": 5}})


def test_nested_maps_are_tracked() -> None:
    document = MapThing._from_son({"nested": {"a": {"b": 1}}, "lists": {"c": [1]}})
    document.nested["a"]["b"] = 2
    document.lists["c"].append(2)
    sets, unsets = document._delta()
    assert (dict(sets), unsets) == ({"nested.a.b": 2, "lists.c": [1, 2]}, {})


def test_dates_are_converted_when_dumped() -> None:
    class Dated(Document):
        days = MapField(DateTimeField())

    dumped = Dated(days={"a": "2024-01-02"}).to_mongo()["days"]["a"]
    assert (dumped.year, dumped.day) == (2024, 2)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"counts__a": 1}, {"cs.a": 1}),
        ({"parts__k__text": "a"}, {"parts.k.t": "a"}),
        ({"nested__a__b": 1}, {"nested.a.b": 1}),
    ],
)
def test_queries_mean_the_keys(query: Any, expected: Any) -> None:
    assert MapThing.objects(**query)._query == expected


def test_it_is_saved_and_found(connection: Any) -> None:
    MapThing(parts={"k": MapText(text="a")}, counts={"a": 1}).save()
    found = MapThing.objects.get(parts__k__text="a")
    found.parts["k"].text = "b"
    found.counts["b"] = 2
    found.save()
    stored = MapThing.objects.get()
    assert (stored.parts["k"].text, stored.counts) == ("b", {"a": 1, "b": 2})
