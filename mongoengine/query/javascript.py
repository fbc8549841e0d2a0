"""JavaScript in queries: names of fields become names of the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mongoengine.base.field_paths import db_names

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument


__all__ = ("with_database_names",)

# `[~field.path]`: the database name of the last field, as a subscript;
# `{{~field.path}}`: the whole path.
FIELDS = r"\[\s*~([A-Za-z_][\w.]*)\s*\]|\{\{\s*~([A-Za-z_][\w.]*)\s*\}\}"


def with_database_names(document: type[StoredDocument], code: str) -> str:
    """Return JavaScript with database names where it names fields.

    :raises LookUpError: if a field is unknown
    """

    def named(match: re.Match[str]) -> str:
        subscript, path = match.groups()
        fields = document._lookup_field((subscript or path).split("."))
        names = db_names(fields)
        return f'["{names[-1]}"]' if subscript else ".".join(names)

    return re.sub(FIELDS, named, code)
