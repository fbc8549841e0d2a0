"""Fields that hold positions and shapes on the earth."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine.base.field import BaseField
from mongoengine.base.geo import GeoJsonBaseField

__all__ = (
    "GeoPointField",
    "LineStringField",
    "MultiLineStringField",
    "MultiPointField",
    "MultiPolygonField",
    "PointField",
    "PolygonField",
)


class GeoPointField(BaseField[Any]):
    """A field for a pair of numbers, longitude and latitude, with a ``2d`` index.

    For distances on a sphere, use :class:`PointField`.
    """

    _geo_indexed = True
    _geo_index: ClassVar[Any] = "2d"
    _load_as = frozenset({list})
    _dump_as = frozenset({list, tuple})

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that the value is a list or tuple of two numbers."""
        if not isinstance(value, (list, tuple)):
            self.error("GeoPointField can only accept tuples or lists of (x, y)")
        if len(value) != 2:
            self.error(f"Value ({value!r}) must be a two-dimensional point")
        if not all(isinstance(number, (float, int)) for number in value):
            self.error(f"Both values ({value!r}) in point must be float or int")


class PointField(GeoJsonBaseField):
    """A field for a point: ``[longitude, latitude]``.

    The same as a GeoJSON object: ``{"type": "Point", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "Point"


class LineStringField(GeoJsonBaseField):
    """A field for a line: a list of points.

    The same as a GeoJSON object: ``{"type": "LineString", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "LineString"


class PolygonField(GeoJsonBaseField):
    """A field for an area: a list of rings, lines that end where they start.

    The first ring is the outer border, the others are holes.
    The same as a GeoJSON object: ``{"type": "Polygon", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "Polygon"


class MultiPointField(GeoJsonBaseField):
    """A field for a list of points.

    The same as a GeoJSON object: ``{"type": "MultiPoint", "coordinates": ...}``.
    """

    _type = "MultiPoint"


class MultiLineStringField(GeoJsonBaseField):
    """A field for a list of lines.

    The same as a GeoJSON object: ``{"type": "MultiLineString", "coordinates": ...}``.
    """

    _type = "MultiLineString"


class MultiPolygonField(GeoJsonBaseField):
    """A field for a list of polygons.

    The same as a GeoJSON object: ``{"type": "MultiPolygon", "coordinates": ...}``.
    """

    _type = "MultiPolygon"
