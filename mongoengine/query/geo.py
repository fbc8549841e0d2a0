"""The geospatial query operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymongo
from bson.son import SON

from mongoengine.base.types import PythonValue, RawDocument, RawValue
from mongoengine.errors import InvalidQueryError

__all__ = ("distances_last", "geo_condition", "infer_geometry")

Condition = RawDocument
Build = Callable[[Any], Condition]

_DISTANCES = {"max_distance": "$maxDistance", "min_distance": "$minDistance"}


def infer_geometry(value: object) -> Condition:
    """Return the `$geometry` of GeoJSON, or of coordinates alone.

    These are a point, a line string or a polygon, as deep as they are nested: once,
    twice or three times.

    :raises InvalidQueryError: for anything else
    """
    if isinstance(value, dict):
        if "$geometry" in value:
            return value
        if "coordinates" in value and "type" in value:
            return {"$geometry": value}
        raise InvalidQueryError(
            "Invalid $geometry dictionary should have type and coordinates keys"
        )
    depth = _depth(value) if isinstance(value, (list, set)) else 0
    if not depth:
        raise InvalidQueryError(
            "Invalid $geometry data. Can be either a "
            "dictionary or (nested) lists of coordinate(s)"
        )
    shape = ("Point", "LineString", "Polygon")[depth - 1]
    return {"$geometry": {"type": shape, "coordinates": value}}


def _depth(value: PythonValue) -> int:
    """Return how often the first item can be taken, three times at most."""
    for depth in range(3):
        try:
            value = value[0]
        except (TypeError, IndexError):
            return depth
    return 3


def _shape(operator: str, shape: str) -> Build:
    return lambda value: {operator: {shape: value}}


def _geometry(operator: str) -> Build:
    return lambda value: {operator: infer_geometry(value)}


def _plain(operator: str) -> Build:
    return lambda value: {operator: value}


#: On legacy coordinate pairs (2d indexes).
_ON_PAIRS: dict[str, Build] = {
    "within_distance": _shape("$within", "$center"),
    "within_spherical_distance": _shape("$within", "$centerSphere"),
    "within_polygon": _shape("$within", "$polygon"),
    "within_box": _shape("$within", "$box"),
    "near": _plain("$near"),
    "near_sphere": _plain("$nearSphere"),
}

#: On GeoJSON (2dsphere indexes).
_ON_GEOJSON: dict[str, Build] = {
    "geo_within": _geometry("$geoWithin"),
    "geo_within_box": _shape("$geoWithin", "$box"),
    "geo_within_polygon": _shape("$geoWithin", "$polygon"),
    "geo_within_center": _shape("$geoWithin", "$center"),
    "geo_within_sphere": _shape("$geoWithin", "$centerSphere"),
    "geo_intersects": _geometry("$geoIntersects"),
    "near": _geometry("$near"),
}


def geo_condition(field: Any, op: str, value: object) -> Condition:
    """Return the condition that a geospatial operator makes of `value` on `field`.

    :raises NotImplementedError: if the field does not know the operator
    :raises InvalidQueryError: if the value is no geometry
    """
    if op in _DISTANCES:
        return {_DISTANCES[op]: value}
    if field._geo_index == pymongo.GEO2D:
        builders, owner = _ON_PAIRS, "GeoPointField"
    else:
        builders, owner = _ON_GEOJSON, ""
    build = builders.get(op)
    if build is None:
        raise NotImplementedError(
            f'Geo method "{op}" has not been implemented for a '
            f"{owner or field._name + ' '}"
        )
    return build(value)


def distances_last(condition: Condition) -> Condition:
    """Return a condition with its distances where MongoDB wants them.

    That is inside of a `$near` with a `$geometry`, or after a legacy `$near`.
    """
    distances = {k: condition[k] for k in _DISTANCES.values() if k in condition}
    if not distances or not ("$near" in condition or "$nearSphere" in condition):
        return condition
    ordered: SON[str, RawValue] = SON(
        (key, value) for key, value in condition.items() if key not in distances
    )
    inside = False
    for operator in ("$near", "$nearSphere"):
        near = ordered.get(operator)
        if isinstance(near, dict) and "$geometry" in near:
            ordered[operator] = SON({**near, **distances})
            inside = True
    if not inside:
        ordered.update(distances)
    return ordered
