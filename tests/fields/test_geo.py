"""Geo fields: the structural checks, what is stored, and the indexes."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON

from mongoengine import (
    EmbeddedDocument,
    EmbeddedDocumentField,
    GeoPointField,
    LineStringField,
    MultiLineStringField,
    MultiPointField,
    MultiPolygonField,
    PointField,
    PolygonField,
)

from .helpers import document_with, failure_of

LINE = [[1, 2], [3, 4.5]]
RING = [[0, 0], [1, 1], [1, 0], [0, 0]]
OPEN_RING = [[0, 0], [1, 1], [1, 0]]

GOOD = [
    (PointField, [1, 2]),
    (PointField, (1.5, 2)),
    (LineStringField, LINE),
    (PolygonField, [RING]),
    (PolygonField, [RING, RING]),
    (MultiPointField, LINE),
    (MultiLineStringField, [LINE, LINE]),
    (MultiPolygonField, [[RING], [RING, RING]]),
]


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_coordinates_are_accepted_and_completed(kind: Any, value: Any) -> None:
    assert failure_of(kind(), value) is None
    stored = document_with(kind())(value=value).to_mongo()["value"]
    assert stored == SON([("type", kind._type), ("coordinates", value)])


@pytest.mark.parametrize(("kind", "value"), GOOD)
def test_geojson_objects_are_accepted(kind: Any, value: Any) -> None:
    geometry = {"type": kind._type, "coordinates": value}
    assert failure_of(kind(), geometry) is None
    assert document_with(kind())(value=geometry).to_mongo()["value"] == geometry


@pytest.mark.parametrize(
    ("kind", "value", "failure"),
    [
        (PointField, 5, "PointField can only accept lists of [x, y]"),
        (PointField, [1], "Value ([1]) must be a two-dimensional point"),
        (PointField, ["a", 1], "Both values (['a', 1]) in point must be float or int"),
        (
            LineStringField,
            [1],
            "Invalid LineString must contain at least one valid point",
        ),
        (
            LineStringField,
            [[1], [2], [1]],
            "Invalid LineString:\nValue ([1]) must be a two-dimensional point, "
            "Value ([2]) must be a two-dimensional point",
        ),
        (
            LineStringField,
            [[1, 2], 3],
            "Invalid LineString:\nPoints must be a list of coordinate pairs",
        ),
        (
            PolygonField,
            LINE,
            "Invalid Polygon must contain at least one valid linestring",
        ),
        (
            PolygonField,
            [OPEN_RING, OPEN_RING],
            "Invalid Polygon:\nLineStrings must start and end at the same point",
        ),
        (
            MultiPointField,
            [],
            "Invalid MultiPoint must contain at least one valid point",
        ),
        (MultiPointField, [[1]], "Value ([1]) must be a two-dimensional point"),
        (
            MultiLineStringField,
            LINE,
            "Invalid MultiLineString must contain at least one valid linestring",
        ),
        (
            MultiLineStringField,
            ["ab"],
            "Invalid MultiLineString:\nLineStrings must contain list of coordinate pairs",
        ),
        (
            MultiPolygonField,
            [RING],
            "Invalid MultiPolygon must contain at least one valid Polygon",
        ),
        (
            MultiPolygonField,
            [[OPEN_RING]],
            "Invalid MultiPolygon:\nLineStrings must start and end at the same point",
        ),
    ],
)
def test_what_is_wrong_is_told(kind: Any, value: Any, failure: str) -> None:
    assert failure_of(kind(), value) == failure


def test_a_geometry_of_another_type_is_refused() -> None:
    line = {"type": "LineString", "coordinates": LINE}
    assert failure_of(PointField(), line) == 'PointField type must be "Point"'


@pytest.mark.parametrize(
    "value", [{}, {"type": "Point"}, {"type": "Point", "coordinates": [1, 2], "x": 1}]
)
def test_an_incomplete_geojson_object_is_refused(value: Any) -> None:
    message = "PointField can only accept a valid GeoJson dictionary or lists of (x, y)"
    assert failure_of(PointField(), value) == message


def test_a_geo_point_is_a_plain_pair(db: Any) -> None:
    Holder = document_with(GeoPointField())
    Holder(value=(1, 2)).save()
    assert db["holder"].find_one()["value"] == [1, 2]
    assert Holder.objects.get().value == [1, 2]


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"x": 1}, "GeoPointField can only accept tuples or lists of (x, y)"),
        ([1, 2, 3], "Value ([1, 2, 3]) must be a two-dimensional point"),
        ([None, 2], "Both values ([None, 2]) in point must be float or int"),
    ],
)
def test_a_geo_point_is_checked(value: Any, failure: str) -> None:
    assert failure_of(GeoPointField(), value) == failure


def test_a_loaded_geometry_is_the_geojson_object(db: Any) -> None:
    Holder = document_with(PointField(auto_index=False))
    Holder(value=[1, 2]).save()
    found = Holder.objects.get()
    assert found.value == {"type": "Point", "coordinates": [1, 2]}
    assert found._get_changed_fields() == []


def test_indexes_are_made_where_they_are_not_refused() -> None:
    Holder = document_with(
        PointField(), flat=GeoPointField(), line=LineStringField(auto_index=False)
    )
    assert Holder._geo_indices() == [
        {"fields": [("value", "2dsphere")]},
        {"fields": [("flat", "2d")]},
    ]


def test_indexes_reach_into_embedded_documents() -> None:
    class Place(EmbeddedDocument):
        point = PointField(db_field="p")

    Holder = document_with(EmbeddedDocumentField(Place))
    assert Holder._geo_indices() == [{"fields": [("value.p", "2dsphere")]}]
