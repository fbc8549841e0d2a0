"""Names of fields become paths: in the documents of a class, or in joined documents.

`customer__city__name` leads through two references.  Each is a `Join`: a `$lookup`
puts the documents that it refers to under `__customer` and `__customer__city`, where
conditions, orders and expressions find their fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from mongoengine.base.field import BaseField
from mongoengine.base.field_paths import (
    db_names,
    db_path,
    innermost,
    is_position,
    last_field,
)
from mongoengine.base.misspelt import did_you_mean, meant_keyword, nearest
from mongoengine.base.types import FieldPath, RawDocument, RawValue
from mongoengine.errors import InvalidQueryError, LookUpError
from mongoengine.query.operators import MATCH_OPERATORS
from mongoengine.query.related import class_inside

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument


__all__ = (
    "JOINED",
    "Join",
    "Path",
    "crossed",
    "join_named",
    "joined_path",
    "local_path",
    "looked_up",
    "path_of",
    "split_name",
)

#: What the names of joined documents begin with.
JOINED = "__"

#: The fields on a way; strings for positions in lists and keys of dicts.
Fields: TypeAlias = "tuple[BaseField | str, ...]"


class Path:
    """The place of a value in the documents that a query reads.

    :param name: the name that the user wrote
    :param fields: the fields from the document, or the joined one, to the value
    :param join: the join that the fields begin at, or None
    :param unwound: the lists that an earlier stage has unwound, by their keys
    """

    __slots__ = ("fields", "join", "name", "unwound")

    def __init__(
        self,
        name: str,
        fields: Fields,
        join: Join | None = None,
        unwound: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.fields = fields
        self.join = join
        self.unwound = unwound

    @property
    def parts(self) -> list[str]:
        """Return the database names of the fields."""
        return db_names(self.fields)

    @property
    def key(self) -> str:
        """Return the dotted path, as filters, orders and projections name it."""
        way = db_path(self.fields)
        return way if self.join is None else f"{self.join.name}.{way}"

    @property
    def field(self) -> Any:
        """Return the last field on the way."""
        return last_field(self.fields)

    @property
    def is_value(self) -> bool:
        """Return whether a document has one value here, and not several."""
        return not any(depth for _, depth in self._steps())

    def lists(self) -> Iterator[str]:
        """Yield the keys of the lists on the way."""
        way: list[str] = []
        for name, depth in self._steps():
            way.append(name)
            if depth:
                yield ".".join(way)

    def _steps(self) -> Iterator[tuple[str, int]]:
        """Yield the names on the way, and how many lists are nested in each value.

        A position that follows takes one list off.
        """
        way = ""
        if self.join is not None:
            way = self.join.name
            yield way, int(self.join.many and way not in self.unwound)
        for place, field in enumerate(self.fields):
            name = field if isinstance(field, str) else str(field.db_field)
            way += "." + name if way else name
            depth = 0
            inner: BaseField | None = None if isinstance(field, str) else field
            while inner is not None:
                depth += bool(inner._is_list)
                inner = inner._inner
            if depth and way in self.unwound:
                depth -= 1
            following = self.fields[place + 1 : place + 2]
            if depth and following and is_position(following[0]):
                depth -= 1
            yield name, depth

    @property
    def expression(self) -> RawValue:
        """Return the expression for the value, or for the list of all values.

        Lists on the way are mapped item by item: `[]` where there are none.
        """
        return _expression("$", list(self._steps()))


def _expression(start: str, steps: Sequence[tuple[str, int]]) -> RawValue:
    """Return the expression for the values that are reached from a variable."""
    value: Any = None
    for place, (name, depth) in enumerate(steps):
        if name.isdigit() and place:
            value = {"$arrayElemAt": [value, int(name)]}
            if place + 1 < len(steps):
                rest = _expression("$$v.", steps[place + 1 :])
                return {"$let": {"vars": {"v": value}, "in": rest}}
            return value
        value = start + name if value is None else f"{value}.{name}"
        if not depth:
            continue
        rest_steps = steps[place + 1 :]
        if rest_steps and rest_steps[0][0].isdigit():
            continue
        value = {"$ifNull": [value, []]}
        for _ in range(depth - 1):
            value = flattened(value)
        if rest_steps:
            value = {"$map": {"input": value, "in": _expression("$$this.", rest_steps)}}
            if any(depth for _, depth in rest_steps):
                value = flattened(value)
        return value
    return value


def flattened(lists: object) -> RawDocument:
    """Return the expression for the items of lists, in one list."""
    joined = {"$concatArrays": ["$$value", {"$ifNull": ["$$this", []]}]}
    return {"$reduce": {"input": lists, "initialValue": [], "in": joined}}


class Join:
    """The documents that a reference field refers to, looked up with those read.

    :param name: the name that they have in the pipeline
    :param reference: the way to the reference
    :param key: the path of the key inside a stored reference; "" for the reference
        itself
    """

    __slots__ = ("cls", "key", "name", "reference")

    def __init__(self, name: str, reference: Path, key: str) -> None:
        self.name = name
        self.reference = reference
        self.key = key
        self.cls: type[StoredDocument] = class_inside(reference.field)

    @property
    def many(self) -> bool:
        """Return whether a document refers to several documents."""
        return not self.reference.is_value

    @property
    def parent(self) -> Join | None:
        """Return the join that this one begins at, or None."""
        return self.reference.join

    def lineage(self) -> Iterator[Join]:
        """Yield the joins that lead here, and this one."""
        if self.parent is not None:
            yield from self.parent.lineage()
        yield self

    def stages(self) -> list[RawDocument]:
        """Return the stages that put the documents under the name."""
        stages: list[RawDocument] = []
        local = self.reference.key + (self.key and "." + self.key)
        if self.many:
            # Servers follow a path through lists, but not all do; none uses an index
            # for a `$lookup` by an expression.
            inside = filter(None, [self.key])
            keys = Path("", (*self.reference.fields, *inside), self.parent)
            keys.unwound = self.reference.unwound
            if len(self.reference.fields) > 1 or self.parent is not None:
                stages.append({"$addFields": {self.name: keys.expression}})
                local = self.name
        lookup = {
            "from": self.cls._get_collection_name(),
            "localField": local,
            "foreignField": "_id",
            "as": self.name,
        }
        stages.append({"$lookup": lookup})
        if not self.many:
            unwound = {"path": "$" + self.name, "preserveNullAndEmptyArrays": True}
            stages.append({"$unwind": unwound})
        return stages


def local_path(document: type[StoredDocument], name: str) -> Path:
    """Return the path of a name in the documents of a class.

    :param name: names of fields, joined by `__` or dots
    :raises InvalidQueryError: if there is none, or it leads through a reference
    """
    path = path_of(document, name)
    if path.join is not None:
        names = "__".join(split_name(name))
        raise InvalidQueryError(f"Cannot perform join in mongoDB: {names}")
    return path


def path_of(document: type[StoredDocument], name: str) -> Path:
    """Return the path of a name, through references if it has to be.

    :param name: names of fields, joined by `__` or dots
    :raises InvalidQueryError: if there is none
    """
    path = joined_path(document, name)
    return path or Path(name, tuple(looked_up(document, split_name(name))))


def joined_path(document: type[StoredDocument], name: str) -> Path | None:
    """Return the path of a name that leads through references; None if it does not.

    :param name: names of fields, joined by `__` or dots
    :raises InvalidQueryError: if there is none behind the references
    """
    join, rest = crossed(document, split_name(name))
    return None if join is None else Path(name, tuple(looked_up(join.cls, rest)), join)


def crossed(
    document: type[StoredDocument], names: list[str]
) -> tuple[Join | None, list[str]]:
    """Return the join that names lead to, if any, and the names that go on there.

    :raises InvalidQueryError: if no `$lookup` finds the documents
    """
    join: Join | None = None
    cls = document
    while crossing := _crossing(cls, names):
        count, fields, key = crossing
        start = JOINED if join is None else join.name + "__"
        way = "__".join(names[:count])
        join = Join(start + way, Path(way, fields, join), key)
        _check_target(join)
        cls, names = join.cls, names[count:]
    return join, names


def looked_up(document: Any, parts: list[str], before: Iterable[str] = ()) -> FieldPath:
    """Return `document._lookup_field(parts)`.

    :param before: operators that may come before the fields, for errors
    :raises InvalidQueryError: if it fails
    """
    try:
        fields: FieldPath = document._lookup_field(parts)
    except LookUpError as error:
        clear = _with_operator(document, parts, before, error)
        raise InvalidQueryError(clear) from error
    except Exception as error:
        raise InvalidQueryError(error) from error
    return fields


def _with_operator(
    document: type[StoredDocument],
    parts: list[str],
    before: Iterable[str],
    error: LookUpError,
) -> LookUpError:
    """Return the error, with a proposal if a name is nearly an operator."""
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        hint = did_you_mean({first: meant_keyword(document, first, MATCH_OPERATORS)})
        return LookUpError(f'Cannot resolve field "{first}"{hint}') if hint else error
    if error.has_proposal:
        return error
    if first not in document._fields:
        hint = did_you_mean({first: nearest(first, before)})
    else:
        hint = did_you_mean({last: nearest(last, MATCH_OPERATORS)})
    return LookUpError(f"{error}{hint}") if hint else error


def join_named(document: type[StoredDocument], name: str) -> Join:
    """Return the join that has this name in pipelines over a class."""
    path = path_of(document, name.removeprefix(JOINED) + "__pk")
    if path.join is None or path.join.name != name:
        raise InvalidQueryError(f'"{name}" is no join of {document.__name__}')
    return path.join


def split_name(name: str) -> list[str]:
    """Return the names that a keyword or a dotted path consists of."""
    return name.replace(".", "__").split("__")


def _crossing(
    cls: type[StoredDocument], names: list[str]
) -> tuple[int, Fields, str] | None:
    """Return how many names lead to a reference that others follow, its fields, and
    the path of its key; None where all fields are in the document itself.
    """
    for count in range(1, len(names)):
        try:
            fields = tuple(looked_up(cls, names[:count]))
        except InvalidQueryError:
            return None
        last = fields[-1]
        field = last if not isinstance(last, str) else fields[-2]
        if isinstance(field, str):
            continue
        if last is field and names[count].isdigit() and field._is_list:
            continue
        if last is field and field._is_container and not field._is_list:
            continue  # a key comes next
        key = innermost(field)._join_path(names[count])
        if key is not None and class_inside(field) is not None:
            return count, fields, key
    return None


def _check_target(join: Join) -> None:
    """Raise an InvalidQueryError if no `$lookup` finds the documents of a join."""
    if join.cls._meta.get("abstract"):
        raise InvalidQueryError(
            f'"{join.reference.name}" cannot be joined: {join.cls.__name__} is '
            "abstract, and its documents are in several collections"
        )
    if any(is_position(step) for step in join.reference.fields):
        raise InvalidQueryError(
            f'"{join.reference.name}" cannot be joined at a position of a list'
        )
