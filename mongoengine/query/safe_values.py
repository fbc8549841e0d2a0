"""Values that must not become operators: `safe_values` of a class or an alias."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from mongoengine.driver.registry import registry
from mongoengine.errors import InvalidQueryError

__all__ = (
    "SEQUENCES",
    "are_safe",
    "has_operators",
    "is_operator",
    "key_condition",
    "literally",
    "refuse",
)

_short = reprlib.Repr()
_short.maxother = _short.maxstring = 120

#: The types of several values, whose items may be operators or computed.
SEQUENCES = (list, tuple, set, frozenset)


def are_safe(document: Any, alias: str | None = None) -> bool:
    """Return whether values of queries on a class are never taken for operators.

    They are where the `meta` of the class or the settings of the alias say so.

    :param alias: the alias that is queried; None for that of the class
    """
    try:
        if document._meta.get("safe_values"):
            return True
        return bool(registry.has_safe_values(alias or document._get_db_alias()))
    except AttributeError:  # no class, or one without an alias
        return False


def is_operator(value: object) -> bool:
    """Return whether MongoDB may take a value for an operator."""
    return isinstance(value, Mapping) and any(
        isinstance(key, str) and key[:1] == "$" for key in value
    )


def has_operators(value: object) -> bool:
    """Return whether there is an operator in a value, at any depth."""
    return any(is_operator(mapping) for mapping in _mappings_in(value))


def _mappings_in(value: object) -> Iterator[Mapping[object, object]]:
    """Yield the mappings in a value, without recursion: it may come from anywhere."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, Mapping):
            yield item
            rest.extend(item.values())
        elif isinstance(item, SEQUENCES):
            rest.extend(item)


def key_condition(key: object) -> object:
    """Return the condition on `_id` that only the document of a key meets.

    No stored key is a mapping with operators, whatever is in a document or in data.
    """
    return {"$eq": key} if isinstance(key, dict) and is_operator(key) else key


def literally(value: object) -> object:
    """Return the condition that a value of `$pull` is equal to this one.

    A mapping there is a query on the items: its keys and values may be operators.
    """
    if is_operator(value):
        return {"$eq": value}
    if isinstance(value, Mapping) and any(map(is_operator, value.values())):
        return {
            key: {"$eq": item} if is_operator(item) else item
            for key, item in value.items()
        }
    return value


def refuse(place: str, value: object) -> NoReturn:
    """Raise the error for a value that would be an operator.

    :param place: the class and the field
    """
    raise InvalidQueryError(
        f'{place} does not take {_short.repr(value)}: with "safe_values", values are '
        "no operators; use keywords such as name__ne, or __raw__"
    )
