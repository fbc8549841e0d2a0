"""The filter and projection of a query, for the events of a change stream.

An event has the document under `fullDocument`, and its before image, if the collection
keeps any, under `fullDocumentBeforeChange`.

https://www.mongodb.com/docs/manual/reference/change-events/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mongoengine.errors import InvalidQueryError, OperationError
from mongoengine.query.query import of_classes

if TYPE_CHECKING:
    from mongoengine.base.types import RawDocument
    from mongoengine.query.query import Query

__all__ = ("AFTER", "BEFORE", "event_pipeline", "prefixed")

#: Where an event has the document, and the document as it was before.
AFTER, BEFORE = "fullDocument", "fullDocumentBeforeChange"

#: Operations whose events have the document, and all that are about a document.
WITH_DOCUMENT = ("insert", "replace", "update")
OF_DOCUMENTS = (*WITH_DOCUMENT, "delete")

#: Operators of filters that take filters, and those that take no field.
_LOGICAL = frozenset(("$and", "$nor", "$or"))
_WITHOUT_FIELDS = frozenset(("$alwaysFalse", "$alwaysTrue", "$comment", "$sampleRate"))
_REFUSED = {"$where": "where()", "$text": "search_text()"}

#: The rest of an event, which a projection of documents leaves alone.
_EVENT_FIELDS = (
    "clusterTime",
    "collectionUUID",
    "documentKey",
    "lsid",
    "ns",
    "operationDescription",
    "operationType",
    "splitEvent",
    "to",
    "txnNumber",
    "updateDescription",
    "wallTime",
)


def event_pipeline(
    spec: Query,
    operations: Sequence[str] | None,
    *,
    updates_have_documents: bool,
    has_before_images: bool,
) -> list[RawDocument]:
    """Return the stages that leave the events of the documents of a query.

    :param operations: the operations to keep; None for all, and with a filter for
        all whose events have the document
    :param updates_have_documents: events of updates come with the document
    :param has_before_images: events of updates and deletes come with before images
    :raises InvalidQueryError: if the filter cannot be applied to events
    :raises OperationError: if the query has a slice or a projection that cannot
    """
    if spec.skip or spec.limit:
        raise OperationError("watch() of a slice is not possible")
    stages: list[RawDocument] = []
    conditions = _conditions(spec)
    if not conditions:
        if operations is not None:
            stages.append({"$match": {"operationType": {"$in": list(operations)}}})
    else:
        if (
            operations is None or "update" in operations
        ) and not updates_have_documents:
            raise InvalidQueryError(
                "A filter needs the documents of updates: leave full_document as it "
                'is, or leave out "update" of operations'
            )
        stages.append({"$match": _match(conditions, operations, has_before_images)})
    return stages + _projection(spec)


def _conditions(spec: Query) -> RawDocument:
    """Return the filter; without the class, where the collection has no others."""
    conditions = spec.filter()
    if spec.needs_pipeline({}):
        raise InvalidQueryError(
            "watch() knows neither joins nor annotations: filter by fields of the "
            "documents themselves"
        )
    is_root = not spec.document._superclasses
    if is_root and conditions == spec.cls_query == of_classes(
        spec.document._subclasses
    ):
        return {}
    return conditions


def _match(
    conditions: RawDocument, operations: Sequence[str] | None, has_before_images: bool
) -> RawDocument:
    """Return the filter of events for the filter of a query.

    Conditions are not applied to an event without a document, which might meet them
    just because there is none: `{"deleted": {"$ne": True}}`.
    """
    after = [n for n in WITH_DOCUMENT if operations is None or n in operations]
    alternatives: list[RawDocument] = []
    if after:
        alternatives.append(_holding(conditions, AFTER, after))
    if has_before_images and (operations is None or "delete" in operations):
        alternatives.append(_holding(conditions, BEFORE, ["delete"]))
    if operations is None:
        rest: RawDocument = {"$nin": list(OF_DOCUMENTS)}
        alternatives.append({"operationType": rest})
    else:
        judged = {*after, *(("delete",) if has_before_images else ())}
        others = [name for name in operations if name not in judged]
        if others:
            alternatives.append({"operationType": {"$in": others}})
    return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def _holding(conditions: RawDocument, place: str, operations: list[str]) -> RawDocument:
    """Return the filter of events whose document meets conditions."""
    return {
        "operationType": {"$in": operations},
        place: {"$type": "object"},
        "$and": [prefixed(conditions, place)],
    }


def prefixed(conditions: Mapping[str, object], place: str) -> RawDocument:
    """Return a filter of documents as one of events that have the document at a place.

    :raises InvalidQueryError: if it has conditions that only `find` takes
    """
    result: RawDocument = {}
    for key, value in conditions.items():
        if key in _REFUSED:
            raise InvalidQueryError(
                f"{_REFUSED[key]} ({key}) cannot filter a change stream"
            )
        if key in _LOGICAL and isinstance(value, (list, tuple)):
            result[key] = [prefixed(each, place) for each in value]
        elif key == "$expr":
            result[key] = _expression(value, place)
        elif key == "$jsonSchema":
            result[key] = {"required": [place], "properties": {place: value}}
        elif key in _WITHOUT_FIELDS:
            result[key] = value
        else:
            result[f"{place}.{key}"] = value
    return result


def _expression(value: object, place: str) -> object:
    """Return an aggregation expression over the document at a place."""
    if isinstance(value, str):
        return _field_path(value, place)
    if isinstance(value, (list, tuple)):
        return [_expression(each, place) for each in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"$literal"}:
        return dict(value)
    return {
        key: _looked_up(operand, place)
        if key == "$getField"
        else _expression(operand, place)
        for key, operand in value.items()
    }


def _looked_up(operand: object, place: str) -> RawDocument:
    """Return the operand of `$getField`, with the document that it looks into."""
    if not (isinstance(operand, Mapping) and "field" in operand):
        return {"field": _expression(operand, place), "input": f"${place}"}
    field = _expression(operand["field"], place)
    return {
        "field": field,
        "input": _expression(operand.get("input", "$$CURRENT"), place),
    }


def _field_path(text: str, place: str) -> str:
    """Return a string of an expression, prefixed if it names a field."""
    for variable in ("$$ROOT", "$$CURRENT"):
        if text == variable or text.startswith(variable + "."):
            return f"${place}{text[len(variable) :]}"
    if text.startswith("$") and not text.startswith("$$"):
        return f"${place}.{text[1:]}"
    return text


def _projection(spec: Query) -> list[RawDocument]:
    """Return the stage that leaves the parts of documents that `only()` asks for.

    :raises OperationError: if it asks for slices of lists
    """
    fields = spec.loaded_fields.as_dict()
    if not fields:
        return []
    included = list(fields.values())
    if included not in ([0] * len(included), [1] * len(included)):
        raise OperationError("watch() takes only() or exclude(), and no slice__")
    shown: RawDocument = {
        f"{place}.{field}": value
        for place in (AFTER, BEFORE)
        for field, value in fields.items()
    }
    if included[0]:
        keys = {f"{place}._id": 1 for place in (AFTER, BEFORE)}
        shown = {**dict.fromkeys(_EVENT_FIELDS, 1), **shown, **keys}
    return [{"$project": shown}]
