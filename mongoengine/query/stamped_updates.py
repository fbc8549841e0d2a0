"""Updates by a query, completed with the values that a write sets by itself.

What an update says of a path wins over these values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mongoengine.base.sentinels import MISSING
from mongoengine.base.stamps import Moment
from mongoengine.base.types import RawDocument, RawMapping, RawValue
from mongoengine.query.safe_values import is_operator

if TYPE_CHECKING:
    from mongoengine.base.state import DocumentState
    from mongoengine.base.stored_document import StoredDocument


__all__ = ("equalities", "is_touched", "with_stamps")

Update = RawDocument

#: Operators that store something at a path that is not there.
_STORING = frozenset(
    (
        "$addToSet",
        "$bit",
        "$currentDate",
        "$inc",
        "$max",
        "$min",
        "$mul",
        "$push",
        "$set",
    )
)

#: Stages of an update pipeline whose operands are fields and values, or fields.
_FIELDS = frozenset(("$addFields", "$set", "$unset"))


def with_stamps(
    cls: type[StoredDocument],
    change: Any,
    moment: Moment,
    upsert: bool = False,
    conditions: RawMapping | None = None,
) -> RawValue:
    """Return an update that also sets what each write of a class sets.

    :param cls: the document class
    :param change: operators, or a list of stages
    :param moment: the time of the update
    :param upsert: the update inserts a document where none matches
    :param conditions: the filter of the update, of which an upsert stores equalities
    """
    if isinstance(change, list):
        return _pipeline(cls, change, moment, upsert, conditions or {})
    if not (change or upsert):
        return change
    added: dict[str, Update] = {}
    paths = [*_paths_of(change)]
    only_inserts = not change.keys() - {"$setOnInsert"}
    for path, stamp in _stamps_of(cls, change):
        if is_touched(path, paths):
            continue
        operation = None if only_inserts else stamp.change(moment)
        if operation is not None:
            operator, operand = operation
            added.setdefault(operator, {})[path] = operand
        elif upsert and path not in equalities(conditions or {}):
            value = stamp.stored_on_insert(moment)
            if value is not MISSING:
                added.setdefault("$setOnInsert", {})[path] = value
    if not added:
        return change
    completed = dict(change)
    for operator, operands in added.items():
        completed[operator] = {**completed.get(operator, {}), **operands}
    return completed


def _stamps_of(
    cls: type[StoredDocument], change: Update
) -> Iterator[tuple[str, RawValue]]:
    """Yield the stamps of a class and of embedded documents that an update changes."""
    for stamp in cls._schema.stamps:
        yield stamp.field.db_field, stamp
    seen = set()
    for operator in change.keys() & _STORING:
        for path in change[operator]:
            for place, embedded in _embedded_along(cls, path):
                if place not in seen:
                    seen.add(place)
                    for stamp in embedded._schema.stamps:
                        yield f"{place}.{stamp.field.db_field}", stamp


def _embedded_along(
    cls: type[DocumentState] | None, path: str
) -> Iterator[tuple[str, Any]]:
    """Yield the places and classes of the embedded documents that a path leads into."""
    parts = path.split(".")
    field: Any = None
    for end, part in enumerate(parts[:-1], 1):
        # A position, or a key of a dict, where the class is none.
        field = field._inner if cls is None else cls._schema.by_key.get(part)
        if field is None:
            return
        cls = None if field._is_container else field._embedded_class
        if cls is not None:
            yield ".".join(parts[:end]), cls
        elif not field._is_container:
            return


def _paths_of(change: RawMapping) -> Iterator[str]:
    """Yield the paths that the operators of an update name."""
    for operator, operands in change.items():
        if isinstance(operands, Mapping):
            yield from operands
            if operator == "$rename":
                yield from operands.values()


def is_touched(path: str, paths: Iterable[str]) -> bool:
    """Return whether a path is among others, inside one of them or around one."""
    return any(
        path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")
        for other in paths
    )


def _pipeline(
    cls: type[StoredDocument],
    stages: list[RawValue],
    moment: Moment,
    upsert: bool,
    conditions: RawMapping,
) -> list[RawValue]:
    """Return the stages with one that sets the values of each write at the end.

    Those of an insertion come first: only there a document has no `_id`.
    """
    paths = [path for stage in stages for path in _paths_of_stage(stage)]
    last, first = {}, {}
    is_new = {"$eq": [{"$type": "$_id"}, "missing"]}
    equal = equalities(conditions)
    for path, stamp in _stamps_of(cls, {"$set": dict.fromkeys(paths)}):
        if is_touched(path, paths):
            continue
        expression = stamp.expression(path, moment)
        value = stamp.stored_on_insert(moment)
        if expression is not MISSING:
            last[path] = expression
        elif upsert and value is not MISSING and path not in equal:
            if "_id" in equal:
                is_new = {"$eq": [{"$type": f"${path}"}, "missing"]}
            first[path] = {"$cond": [is_new, value, f"${path}"]}
    completed = [{"$set": first}] if first else []
    completed += stages
    return [*completed, {"$set": last}] if last else completed


def _paths_of_stage(stage: RawMapping) -> Iterator[str]:
    for name in stage.keys() & _FIELDS:
        operand = stage[name]
        if isinstance(operand, str):
            yield operand
        else:
            yield from operand


def equalities(conditions: RawMapping) -> RawDocument:
    """Return the values that a filter asks for exactly, by path.

    An upsert that inserts a document stores them.
    """
    values: RawDocument = {}
    for path, condition in conditions.items():
        if path == "$and":
            for each in condition:
                values.update(equalities(each))
        elif path == "$or" and len(condition) == 1:
            values.update(equalities(condition[0]))
        elif path.startswith("$"):
            continue
        elif not _allows_several(condition):
            values[path] = condition
        elif isinstance(condition, Mapping):
            values.update((path, value) for value in _only_value(condition))
    return values


def _only_value(operators: RawMapping) -> Iterator[Any]:
    """Yield the one value that operators allow, if they allow but one."""
    if "$eq" in operators:
        yield operators["$eq"]
    for operator in ("$all", "$in"):
        if len(operators.get(operator, ())) == 1:
            (value,) = operators[operator]
            if not _allows_several(value):
                yield value


def _allows_several(condition: object) -> bool:
    """Return whether several values meet a condition: operators, or a pattern."""
    return is_operator(condition) or hasattr(condition, "pattern")
