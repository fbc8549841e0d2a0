"""Write the tables of operators: `python docs/_tables/operators.py`.

The keywords are examples; what they become is asked of the library.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from bson import SON, Decimal128

from mongoengine import (
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    GeoPointField,
    IntField,
    ListField,
    PointField,
    StringField,
)
from mongoengine.base.common import UPDATE_OPERATORS
from mongoengine.query.operators import MATCH_OPERATORS, NEW_UPDATE_OPERATORS
from mongoengine.queryset.transform import query, update

HERE = pathlib.Path(__file__).parent
FILES = {
    "query_operators.txt": "The filter that it becomes",
    "update_operators.txt": "The update that it becomes",
}


class Comment(EmbeddedDocument):
    by = StringField()
    votes = IntField()


class Post(Document):
    title = StringField()
    views = IntField()
    tags = ListField(StringField())
    comments = EmbeddedDocumentListField(Comment)
    seen = DateTimeField()
    place = PointField()
    spot = GeoPointField()

    meta = {"collection": "post_of_the_tables"}


#: An example of each operator: keywords as text.
QUERIES: dict[str, str] = {
    "": "views=3",
    "ne": "views__ne=3",
    "gt": "views__gt=3",
    "gte": "views__gte=3",
    "lt": "views__lt=3",
    "lte": "views__lte=3",
    "in": "views__in=[1, 2]",
    "nin": "views__nin=[1, 2]",
    "mod": "views__mod=(5, 0)",
    "all": 'tags__all=["a", "b"]',
    "size": "tags__size=2",
    "exists": "views__exists=True",
    "not": "views__not__gt=3",
    "type": 'views__type="int"',
    "elemMatch": 'comments__elemMatch={"by": "Ada", "votes": 3}',
    "match": 'comments__match={"by": "Ada", "votes__gt": 3}',
    "exact": 'title__exact="Tea"',
    "iexact": 'title__iexact="tea"',
    "contains": 'title__contains="e.a"',
    "icontains": 'title__icontains="ea"',
    "startswith": 'title__startswith="T"',
    "istartswith": 'title__istartswith="t"',
    "endswith": 'title__endswith="a"',
    "iendswith": 'title__iendswith="A"',
    "wholeword": 'title__wholeword="tea"',
    "iwholeword": 'title__iwholeword="tea"',
    "regex": 'title__regex="^T.a$"',
    "iregex": 'title__iregex="^t.a$"',
    "near": "place__near=[2, 48]",
    "near_sphere": "spot__near_sphere=[2, 48]",
    "max_distance": "place__near=[2, 48], place__max_distance=500",
    "min_distance": "place__near=[2, 48], place__min_distance=5",
    "within_distance": "spot__within_distance=[[2, 48], 5]",
    "within_spherical_distance": "spot__within_spherical_distance=[[2, 48], 0.1]",
    "within_box": "spot__within_box=[[0, 0], [2, 2]]",
    "within_polygon": "spot__within_polygon=[[0, 0], [0, 1], [1, 1]]",
    "geo_within": "place__geo_within=[[[0, 0], [0, 1], [1, 1], [0, 0]]]",
    "geo_within_box": "place__geo_within_box=[[0, 0], [2, 2]]",
    "geo_within_polygon": "place__geo_within_polygon=[[0, 0], [0, 1], [1, 1]]",
    "geo_within_center": "place__geo_within_center=[[2, 48], 5]",
    "geo_within_sphere": "place__geo_within_sphere=[[2, 48], 0.1]",
    "geo_intersects": "place__geo_intersects=[2, 48]",
}

UPDATES: dict[str, str] = {
    "": "views=3",
    "set": "set__views=3",
    "unset": "unset__views=1",
    "inc": "inc__views=3",
    "dec": "dec__views=3",
    "mul": "mul__views=3",
    "min": "min__views=3",
    "max": "max__views=3",
    "rename": 'rename__title="name"',
    "set_on_insert": "set_on_insert__views=3",
    "current_date": "current_date__seen=True",
    "push": 'push__tags="a"',
    "push_all": 'push_all__tags=["a", "b"]',
    "add_to_set": 'add_to_set__tags="a"',
    "pop": "pop__tags=1",
    "pull": 'pull__tags="a"',
    "pull_all": 'pull_all__tags=["a", "b"]',
}

#: Further forms, below the operators.
QUERY_FORMS = [
    'comments__by="Ada"',
    'comments__0__by="Ada"',
    "views__gt=1, views__lt=5",
    '__raw__={"views": 3}',
]
UPDATE_FORMS = [
    "set__comments__0__votes=3",
    "set__comments__S__votes=3",
    'push__tags__0="a"',
    'add_to_set__tags=["a", "b"]',
    'pull__comments__by="Ada"',
    "pull__comments__votes__lt=3",
    'pull__tags__in=["a", "b"]',
    '__raw__={"$inc": {"views": 3}}',
]


def main() -> None:
    for name, text in tables().items():
        (HERE / name).write_text(text, encoding="utf-8")


def tables() -> dict[str, str]:
    """Return the texts of the files."""
    expected = {*MATCH_OPERATORS}, {*UPDATE_OPERATORS, *NEW_UPDATE_OPERATORS}
    for examples, operators in zip((QUERIES, UPDATES), expected, strict=True):
        missing = operators ^ (examples.keys() - {""})
        if missing:
            raise LookupError(f"no example, or no operator: {sorted(missing)}")
    rows = [*QUERIES.values(), *QUERY_FORMS], [*UPDATES.values(), *UPDATE_FORMS]
    return {
        name: table(heading, made, keywords)
        for (name, heading), made, keywords in zip(
            FILES.items(), (query, update), rows, strict=True
        )
    }


def table(heading: str, make: Callable[..., Any], rows: Iterable[str]) -> str:
    lines = [
        ".. Written by: python docs/_tables/operators.py",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :class: operators",
        "",
        "   * - Keyword",
        f"     - {heading}",
    ]
    for keywords in rows:
        compiled = make(Post, **eval(f"dict({keywords})"))
        lines += [f"   * - ``{keywords}``", f"     - ``{shown(compiled)}``"]
    return "\n".join(lines) + "\n"


def shown(value: Any) -> str:
    """Return a filter or update as it is written in Python."""
    if isinstance(value, dict | SON):
        items = (f"{json.dumps(key)}: {shown(each)}" for key, each in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(shown, value)) + "]"
    if isinstance(value, re.Pattern):
        flags = "i" if value.flags & re.IGNORECASE else ""
        return f"/{value.pattern}/{flags}"
    if isinstance(value, datetime.datetime | Decimal128):
        return repr(value)
    return str(value) if isinstance(value, bool) else json.dumps(value)


if __name__ == "__main__":
    main()
