"""The types of values that are stored as they are, and hold no other values."""

from __future__ import annotations

import datetime

from bson import DBRef, ObjectId
from bson.decimal128 import Decimal128
from bson.int64 import Int64

__all__ = ("NO_TYPES", "PLAIN", "SCALARS", "UNCHANGED", "UNNESTED")

NO_TYPES: frozenset[type] = frozenset()

#: The types of values that have the same form in Python, in a document and in BSON.
PLAIN: frozenset[type] = frozenset(
    {str, int, float, bool, bytes, type(None), ObjectId, datetime.datetime}
)

#: The same for `isinstance`, without datetimes.
SCALARS = (str, int, float, bool, bytes, type(None), ObjectId)

#: The types whose values a plain container may hold and that are dumped as they are.
UNCHANGED = PLAIN | {Int64, Decimal128}

#: The types of values that hold no other values.
UNNESTED = UNCHANGED | {DBRef}
