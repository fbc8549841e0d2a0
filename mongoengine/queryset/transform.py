"""Keyword queries and updates become what MongoDB is sent.

`query` and `update` are the two ways in; the tables of operators are in
`operators`, what is done with them in `filters`, `geo_queries` and `updates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mongoengine.base.public import publish
from mongoengine.compatibility import names_of
from mongoengine.query.filters import handle_raw_query, query
from mongoengine.query.operators import (
    COMPARISON_OPERATORS,
    CUSTOM_OPERATORS,
    GEO_OPERATORS,
    MATCH_OPERATORS,
    STRING_OPERATORS,
    UPDATE_OPERATORS,
)
from mongoengine.query.updates import update

__all__ = (
    "COMPARISON_OPERATORS",
    "CUSTOM_OPERATORS",
    "GEO_OPERATORS",
    "MATCH_OPERATORS",
    "STRING_OPERATORS",
    "UPDATE_OPERATORS",
    "handle_raw_query",
    "query",
    "update",
)

publish(globals())


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
