"""GeoJSON fields: their shapes, and how each is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeAlias, TypedDict

from bson import SON

from mongoengine.base.field import BaseField
from mongoengine.base.public import publish
from mongoengine.base.types import Item, OrNone, PassedOn, PythonValue, RawValue, Value

if TYPE_CHECKING:
    from collections.abc import Iterable


__all__ = (
    "GeoJsonBaseField",
    "GeoLineString",
    "GeoMultiLineString",
    "GeoMultiPoint",
    "GeoMultiPolygon",
    "GeoPoint",
    "GeoPolygon",
    "Geometry",
    "Line",
    "Position",
    "Rings",
)


class GeoPoint(TypedDict):
    """A GeoJSON point: longitude and latitude, in degrees."""

    type: Literal["Point"]
    coordinates: list[float]


class GeoLineString(TypedDict):
    """A GeoJSON line: points."""

    type: Literal["LineString"]
    coordinates: list[list[float]]


class GeoPolygon(TypedDict):
    """A GeoJSON polygon: rings of points."""

    type: Literal["Polygon"]
    coordinates: list[list[list[float]]]


class GeoMultiPoint(TypedDict):
    """Several GeoJSON points."""

    type: Literal["MultiPoint"]
    coordinates: list[list[float]]


class GeoMultiLineString(TypedDict):
    """Several GeoJSON lines."""

    type: Literal["MultiLineString"]
    coordinates: list[list[list[float]]]


class GeoMultiPolygon(TypedDict):
    """Several GeoJSON polygons."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[list[float]]]]


#: Coordinates: longitude and latitude in degrees, and what is made of them.
Position: TypeAlias = Sequence[float]
Line: TypeAlias = Sequence[Position]
Rings: TypeAlias = Sequence[Line]

#: What may be assigned: a GeoJSON object, or its coordinates.
Geometry: TypeAlias = Mapping[str, object] | Sequence[Item]


class GeoJsonBaseField(
    BaseField[Value, Geometry[Item], OrNone], Generic[Value, Item, OrNone]
):
    """A field for a GeoJSON geometry, stored as ``{type: ..., coordinates: ...}``.

    Its values are that dict, or the coordinates alone: longitude before latitude.

    :param auto_index: make a ``2dsphere`` index when indexes are ensured.
    """

    _geo_index: ClassVar[Any] = "2dsphere"
    _type: ClassVar[str] = "GeoBase"
    _load_as = frozenset({dict, list})
    _dump_as = frozenset({dict, SON})

    def __init__(
        self, auto_index: bool = True, *args: PassedOn, **kwargs: PassedOn
    ) -> None:
        self._name = f"{self._type}Field"
        if not auto_index:
            vars(self)["_geo_index"] = False
        super().__init__(*args, **kwargs)

    def validate(self, value: PythonValue, clean: bool = True) -> None:
        """Check the type and the structure, down to each pair of numbers."""
        if isinstance(value, dict):
            if set(value) != {"type", "coordinates"}:
                self.error(
                    f"{self._name} can only accept a valid GeoJson dictionary "
                    "or lists of (x, y)"
                )
            if value["type"] != self._type:
                self.error(f'{self._name} type must be "{self._type}"')
            self.validate(value["coordinates"])
            return
        if not isinstance(value, (list, tuple)):
            self.error(f"{self._name} can only accept lists of [x, y]")
        problem = getattr(self, f"_validate_{self._type.lower()}")(value)
        if problem:
            self.error(problem)

    def to_mongo(self, value: PythonValue) -> RawValue:
        """Return the GeoJSON object; complete coordinates alone."""
        if isinstance(value, dict):
            return value
        return SON([("type", self._type), ("coordinates", value)])

    # Each of these gives the text of what is wrong with its coordinates, or None.

    def _as_operand(self, value: object) -> PythonValue:
        return self.to_mongo(value)

    def _validate_point(self, value: object) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "Points must be a list of coordinate pairs"
        if len(value) != 2:
            return f"Value ({value!r}) must be a two-dimensional point"
        if not all(isinstance(number, (float, int)) for number in value):
            return f"Both values ({value!r}) in point must be float or int"
        return None

    def _validate_multipoint(self, value: object) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "MultiPoints must be a list of Point"
        if not _reaches_down(value, 2):
            return "Invalid MultiPoint must contain at least one valid point"
        return _problems(value, self._validate_point)

    def _validate_linestring(self, value: object, top_level: bool = True) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "LineStrings must contain list of coordinate pairs"
        if not _reaches_down(value, 2):
            return "Invalid LineString must contain at least one valid point"
        return _problems(value, self._validate_point, "LineString" * top_level)

    def _validate_multilinestring(
        self, value: object, top_level: bool = True
    ) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "MultiLineStrings must be a list of LineString"
        if not _reaches_down(value, 3):
            return "Invalid MultiLineString must contain at least one valid linestring"
        return _problems(
            value,
            lambda line: self._validate_linestring(line, False),
            "MultiLineString" * top_level,
        )

    def _validate_polygon(self, value: object, top_level: bool = True) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "Polygons must contain list of linestrings"
        if not _reaches_down(value, 3):
            return "Invalid Polygon must contain at least one valid linestring"
        return _problems(value, self._validate_ring, "Polygon" * top_level)

    def _validate_ring(self, value: PythonValue) -> str | None:
        problem = self._validate_linestring(value, False)
        if not problem and value[0] != value[-1]:
            problem = "LineStrings must start and end at the same point"
        return problem

    def _validate_multipolygon(self, value: object) -> str | None:
        if not isinstance(value, (list, tuple)):
            return "MultiPolygons must be a list of Polygon"
        if not _reaches_down(value, 4):
            return "Invalid MultiPolygon must contain at least one valid Polygon"
        return _problems(
            value,
            lambda polygon: self._validate_polygon(polygon, False),
            "MultiPolygon",
        )


def _reaches_down(value: PythonValue, depth: int) -> bool:
    """Return whether the first item's first item ... is there, `depth` levels down."""
    try:
        for _ in range(depth):
            value = value[0]
    except (TypeError, IndexError):
        return False
    return True


def _problems(
    items: Iterable[object], check: Callable[[object], str | None], shape: str = ""
) -> str | None:
    """Return the different problems of the items in one text, headed by the shape."""
    found = dict.fromkeys(filter(None, map(check, items)))
    if not found:
        return None
    heading = f"Invalid {shape}:\n" if shape else ""
    return heading + ", ".join(found)


# Imported on first use, after `mongoengine.base.fields`.
publish({**globals(), "__name__": f"{__package__}.fields", "__all__": __all__[:1]})
