"""Constants of MongoEngine's modules that nothing here needs."""

from typing import Any

#: The key of errors that belong to no field of a document.
NON_FIELD_ERRORS = "__all__"

#: PyMongo no longer has this kind of index.
GEOHAYSTACK = None

#: Always empty: field classes are not looked up by name.
_field_list_cache: list[Any] = []
