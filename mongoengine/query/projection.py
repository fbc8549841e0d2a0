"""The projection of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mongoengine.base.field_paths import db_path, innermost, is_position
from mongoengine.base.types import FieldPath, RawDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ("QueryFieldList", "class_names", "with_fields")

#: Operators that `fields` takes as prefixes, as in `slice__comments=5`.
PROJECTIONS = frozenset(("slice", "elemMatch"))


class QueryFieldList:
    """A projection that grows: `only()`, `exclude()` and `fields()` add to it.

    `fields`: database names.  `value`: `ONLY`, `EXCLUDE`, or a mapping such as
    `{"$slice": 5}` for each of the fields.  `always_include`: names that are read
    whatever is asked for.  https://www.mongodb.com/docs/manual/reference/operator/projection/
    """

    ONLY = 1
    EXCLUDE = 0

    def __init__(
        self,
        fields: Iterable[str] | None = None,
        value: object = ONLY,
        always_include: Iterable[str] | None = None,
        _only_called: bool = False,
    ) -> None:
        self.value = value
        self.fields = set(fields or ())
        self.always_include = set(always_include or ())
        self._id: object = None
        self._only_called = _only_called
        self.slice: RawDocument = {}
        #: Names of the classes of embedded documents, by the paths that need them.
        self.classes: dict[str, list[str]] = {}

    def __add__(self, f: QueryFieldList) -> QueryFieldList:
        """Take in `f`, as if it had been asked for after this; gives itself.

        A list that was empty shares the set of fields with the one it took in, and
        what is left out here later is left out there, too, as upstream has it.
        """
        if isinstance(f.value, dict):
            self.slice.update(dict.fromkeys(f.fields, f.value))
            self.fields = self.fields or f.fields
        elif self.fields:
            self._restrict(f)
        else:
            self.fields, self.value, self.slice = f.fields, f.value, {}
        if "_id" in f.fields:
            self._id = f.value
        if self.always_include:
            self._keep_included()
        self._only_called = self._only_called or f._only_called
        return self

    def _restrict(self, f: QueryFieldList) -> None:
        """Combine two lists that both name fields."""
        if isinstance(self.value, dict):
            return
        values = (self.value, f.value)
        if values == (self.ONLY, self.ONLY):
            self._clean_slice()
            self.fields = self.fields | f.fields if self._only_called else f.fields
            return
        if values == (self.EXCLUDE, self.EXCLUDE):
            self.fields = self.fields | f.fields
        elif values == (self.ONLY, self.EXCLUDE):
            self.fields -= f.fields
        elif values == (self.EXCLUDE, self.ONLY):
            self.fields, self.value = f.fields - self.fields, self.ONLY
        self._clean_slice()

    def _keep_included(self) -> None:
        if self.value != self.ONLY or not self.fields:
            self.fields -= self.always_include
        elif self.slice.keys() != self.fields:
            self.fields = self.fields | self.always_include

    def __bool__(self) -> bool:
        return bool(self.fields)

    def as_dict(self) -> RawDocument:
        """Return the projection, as `find` takes it."""
        projection = {**dict.fromkeys(self.fields, self.value), **self.slice}
        if self.classes and self.value == self.ONLY:
            for path in self.fields & self.classes.keys():
                projection.update(dict.fromkeys(self.classes[path], self.ONLY))
        if self._id is not None:
            projection["_id"] = self._id
        return projection

    def reset(self) -> None:
        """Read every field again."""
        self.fields = set()
        self.slice = {}
        self.value = self.ONLY

    def _clean_slice(self) -> None:
        """Forget the slices of fields that are not named any more."""
        self.slice = {k: v for k, v in self.slice.items() if k in self.fields}


def with_fields(
    existing: QueryFieldList,
    lookup: Callable[[str], FieldPath],
    only_called: bool,
    choices: Mapping[str, object],
    joined: list[str],
) -> QueryFieldList:
    """Return a projection to which fields are added.

    :param lookup: returns the fields on a dotted path
    :param only_called: add to what `only` named before
    :param choices: names with 1 or 0, or `slice__comments=5`
    :param joined: keys to read for fields of joined documents
    """
    named: list[tuple[object, list[str]]] = []
    projection = _copy(existing)
    for keyword, value in choices.items():
        parts = keyword.split("__")
        if parts[0] in PROJECTIONS:
            value = {"$" + parts.pop(0): value}
        fields = lookup(".".join(parts))
        name = db_path(fields)
        if value == QueryFieldList.ONLY and len(fields) > 1:
            projection.classes[name] = class_names(fields)
        for other, names in named:
            if other == value:
                names.append(name)
                break
        else:
            named.append((value, [name]))
    if joined:
        named.append((QueryFieldList.ONLY, joined))
    named.sort(key=lambda group: isinstance(group[0], dict))
    for value, names in named:
        projection += QueryFieldList(names, value=value, _only_called=only_called)
    return projection


def _copy(existing: QueryFieldList) -> QueryFieldList:
    copied = QueryFieldList.__new__(QueryFieldList)
    copied.__dict__.update(existing.__dict__)
    copied.fields = set(existing.fields)
    copied.slice = dict(existing.slice)
    copied.classes = dict(existing.classes)
    return copied


def class_names(fields: Sequence[Any]) -> list[str]:
    """Return the paths of `_cls` in the embedded documents on the way to a field.

    Without it a document of a subclass would be loaded as one of its base class.
    """
    paths = []
    stored = False
    for place, field in enumerate(fields[:-1], 1):
        if not isinstance(field, str):
            stored = innermost(field)._stores_class
        if stored and not isinstance(fields[place], str):
            path = db_path([f for f in fields[:place] if not is_position(f)])
            paths.append(f"{path}._cls")
    return paths
