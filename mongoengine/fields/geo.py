"""Fields that hold positions and shapes on the earth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, overload

from mongoengine.base.field import BaseField
from mongoengine.base.geo import (
    GeoJsonBaseField,
    GeoLineString,
    Geometry,
    GeoMultiLineString,
    GeoMultiPoint,
    GeoMultiPolygon,
    GeoPoint,
    GeoPolygon,
    Line,
    Position,
    Rings,
)
from mongoengine.base.public import publish
from mongoengine.base.types import OrNone, PythonValue

if TYPE_CHECKING:
    from typing_extensions import Never

    from mongoengine.base.types import Default, Yes

__all__ = (
    "GeoPointField",
    "LineStringField",
    "MultiLineStringField",
    "MultiPointField",
    "MultiPolygonField",
    "PointField",
    "PolygonField",
)


class GeoPointField(BaseField[list[float], Sequence[float], OrNone]):
    """A field for a pair of numbers, longitude and latitude, with a ``2d`` index.

    For distances on a sphere, use :class:`PointField`.
    """

    _geo_indexed = True
    _geo_index: ClassVar[Any] = "2d"
    _load_as = frozenset({list})
    _dump_as = frozenset({list, tuple})

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: GeoPointField[Never],
            db_field: str | None = None,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GeoPointField[Never],
            db_field: str | None = None,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GeoPointField[Never],
            db_field: str | None = None,
            *,
            default: Default[Sequence[float]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: GeoPointField[None],
            db_field: str | None = None,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check that the value is a list or tuple of two numbers."""
        if not isinstance(value, (list, tuple)):
            self.error("GeoPointField can only accept tuples or lists of (x, y)")
        if len(value) != 2:
            self.error(f"Value ({value!r}) must be a two-dimensional point")
        if not all(isinstance(number, (float, int)) for number in value):
            self.error(f"Both values ({value!r}) in point must be float or int")


class PointField(GeoJsonBaseField[GeoPoint, float, OrNone]):
    """A field for a point: ``[longitude, latitude]``.

    The same as a GeoJSON object: ``{"type": "Point", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "Point"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: PointField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PointField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PointField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[float]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PointField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


class LineStringField(GeoJsonBaseField[GeoLineString, Position, OrNone]):
    """A field for a line: a list of points.

    The same as a GeoJSON object: ``{"type": "LineString", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "LineString"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: LineStringField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: LineStringField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: LineStringField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[Position]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: LineStringField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


class PolygonField(GeoJsonBaseField[GeoPolygon, Line, OrNone]):
    """A field for an area: a list of rings, lines that end where they start.

    The first ring is the outer border, the others are holes.
    The same as a GeoJSON object: ``{"type": "Polygon", "coordinates": ...}``.
    """

    _geo_indexed = True
    _type = "Polygon"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: PolygonField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PolygonField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PolygonField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[Line]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: PolygonField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


class MultiPointField(GeoJsonBaseField[GeoMultiPoint, Position, OrNone]):
    """A field for a list of points.

    The same as a GeoJSON object: ``{"type": "MultiPoint", "coordinates": ...}``.
    """

    _type = "MultiPoint"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: MultiPointField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPointField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPointField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[Position]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPointField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


class MultiLineStringField(GeoJsonBaseField[GeoMultiLineString, Line, OrNone]):
    """A field for a list of lines.

    The same as a GeoJSON object: ``{"type": "MultiLineString", "coordinates": ...}``.
    """

    _type = "MultiLineString"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: MultiLineStringField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiLineStringField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiLineStringField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[Line]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiLineStringField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


class MultiPolygonField(GeoJsonBaseField[GeoMultiPolygon, Rings, OrNone]):
    """A field for a list of polygons.

    The same as a GeoJSON object: ``{"type": "MultiPolygon", "coordinates": ...}``.
    """

    _type = "MultiPolygon"

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: MultiPolygonField[Never],
            auto_index: bool = True,
            *,
            required: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPolygonField[Never],
            auto_index: bool = True,
            *,
            primary_key: Yes,
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPolygonField[Never],
            auto_index: bool = True,
            *,
            default: Default[Geometry[Rings]],
            **options: object,
        ) -> None: ...
        @overload
        def __init__(
            self: MultiPolygonField[None],
            auto_index: bool = True,
            **options: object,
        ) -> None: ...
        def __init__(self, *args: object, **options: object) -> None: ...


# Imported on first use, after `mongoengine.fields`.
publish({**globals(), "__name__": __package__})
