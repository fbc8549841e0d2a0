"""The operators that a keyword may end or begin with, as tables."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from mongoengine.base.common import UPDATE_OPERATORS

__all__ = (
    "COMPARISON_OPERATORS",
    "CUSTOM_OPERATORS",
    "GEO_OPERATORS",
    "MATCH_OPERATORS",
    "STRING_OPERATORS",
    "UPDATE_NAMES",
    "UPDATE_OPERATORS",
)

COMPARISON_OPERATORS: Final = (
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "in",
    "nin",
    "mod",
    "all",
    "size",
    "exists",
    "not",
    "elemMatch",
    "type",
)

GEO_OPERATORS: Final = (
    "within_distance",
    "within_spherical_distance",
    "within_box",
    "within_polygon",
    "near",
    "near_sphere",
    "max_distance",
    "min_distance",
    "geo_within",
    "geo_within_box",
    "geo_within_polygon",
    "geo_within_center",
    "geo_within_sphere",
    "geo_intersects",
)

STRING_OPERATORS: Final = (
    "contains",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iendswith",
    "exact",
    "iexact",
    "regex",
    "iregex",
    "wholeword",
    "iwholeword",
)

CUSTOM_OPERATORS: Final = ("match",)

#: Every operator that a keyword of a query may end with.
MATCH_OPERATORS: Final = (
    *COMPARISON_OPERATORS,
    *GEO_OPERATORS,
    *STRING_OPERATORS,
    *CUSTOM_OPERATORS,
)

#: The operators whose value is one value of the field.
SINGLE_VALUE = frozenset(
    (None, "ne", "gt", "gte", "lt", "lte", "not", *STRING_OPERATORS)
)

#: The operators whose value is several values of the field.
SEVERAL_VALUES = frozenset(("in", "nin", "all", "near"))

#: The operators that MongoDB gets as the field prepared them.
UNWRAPPED = frozenset((None, *STRING_OPERATORS))

#: The update operators that MongoEngine does not have: a field of the name comes first.
NEW_UPDATE_OPERATORS = frozenset(("current_date",))

#: How MongoDB spells the update operators that it spells otherwise; `dec` is
#: `$inc` by the negative amount.
UPDATE_NAMES = MappingProxyType(
    {
        "add_to_set": "addToSet",
        "current_date": "currentDate",
        "dec": "inc",
        "pull_all": "pullAll",
        "push_all": "pushAll",
        "set_on_insert": "setOnInsert",
    }
)
