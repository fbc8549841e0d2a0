"""Updates with computed values: operators become the stages of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mongoengine.base.types import RawDocument, RawMapping, RawValue
from mongoengine.errors import InvalidQueryError
from mongoengine.query.expressions import literal

__all__ = ("Computed", "as_pipeline")


class Computed:
    """The operand of an update operator that is an expression."""

    __slots__ = ("expression",)

    def __init__(self, expression: object) -> None:
        self.expression = expression


def as_pipeline(changes: RawMapping) -> list[RawDocument]:
    """Return the pipeline that makes the changes of an update document.

    Every value is computed of the document as it was before.
    https://www.mongodb.com/docs/manual/tutorial/update-documents-with-aggregation-pipeline/

    :param changes: operators with their operands, of which some are `Computed`
    :raises InvalidQueryError: if an operator has no form as a stage
    """
    values: RawDocument = {}
    removed: list[str] = []
    for operator, operands in changes.items():
        form = _FORMS.get(operator)
        if form is None and operator != "$unset":
            raise InvalidQueryError(
                f'"{operator}" cannot be combined with F() in one update: a pipeline '
                f"has {', '.join(sorted(_FORMS))} and $unset"
            )
        for key, operand in operands.items():
            _check_key(key)
            if form is None:
                removed.append(key)
            elif key in values:
                raise InvalidQueryError(f'"{key}" is changed twice in one update')
            else:
                values[key] = form("$" + key, operand)
    stages: list[RawDocument] = [{"$set": values}] if values else []
    return [*stages, {"$unset": removed}] if removed else stages


def _check_key(key: str) -> None:
    """Raise an InvalidQueryError for a path that a pipeline takes for another one."""
    if any(part.isdigit() or part.startswith("$") for part in key.split(".")):
        raise InvalidQueryError(
            f'"{key}" is a position in a list, which cannot be changed in one update '
            "with F()"
        )


def _expression(operand: object) -> RawValue:
    return operand.expression if isinstance(operand, Computed) else literal(operand)


def _or(path: str, default: object) -> RawDocument:
    return {"$ifNull": [path, default]}


def _items(operator: str, operand: object) -> object:
    """Return the items that `push` or `add_to_set` adds, as an expression."""
    if not isinstance(operand, Mapping) or "$each" not in operand:
        return [_expression(operand)]
    if operand.keys() != {"$each"}:
        others = ", ".join(sorted(operand.keys() - {"$each"}))
        raise InvalidQueryError(
            f'"{operator}" with {others} cannot be combined with F() in one update'
        )
    return literal(list(operand["$each"]))


def _pushed(path: str, operand: object) -> RawDocument:
    return {"$concatArrays": [_or(path, []), _items("$push", operand)]}


def _added(path: str, operand: object) -> RawDocument:
    existing = _or(path, [])
    fresh = {"$setDifference": [_items("$addToSet", operand), existing]}
    return {"$concatArrays": [existing, fresh]}


def _now(operand: object) -> str:
    if operand == {"$type": "timestamp"}:
        raise InvalidQueryError(
            "current_date of a timestamp cannot be combined with F() in one update"
        )
    return "$$NOW"


#: The expressions for the operators of updates.
_FORMS: Mapping[str, Callable[[str, Any], Any]] = {
    "$set": lambda path, operand: _expression(operand),
    "$inc": lambda path, operand: {"$add": [_or(path, 0), _expression(operand)]},
    "$mul": lambda path, operand: {"$multiply": [_or(path, 0), _expression(operand)]},
    "$min": lambda path, operand: {"$min": [path, _expression(operand)]},
    "$max": lambda path, operand: {"$max": [path, _expression(operand)]},
    "$push": _pushed,
    "$addToSet": _added,
    "$currentDate": lambda path, operand: _now(operand),
}
