"""What loading, dumping and validating a document may rely on for one field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ("Dump", "FieldCodec", "Proof")

#: Is true of a raw value that cannot fail to load, or that is valid.
Proof = Callable[[Any], bool]

#: Returns the dump of a raw value, or None where the value has to be converted.
Dump = Callable[[Any], Any]


class FieldCodec(NamedTuple):
    """How the values of one field of one document class are converted.

    The sets name exact types: values of them skip the method named beside.
    """

    #: Raw values that `to_python` returns as they are.
    loads_unchanged: frozenset[type]
    #: Values that `to_mongo` returns as they are.
    dumps_unchanged: frozenset[type]
    #: Values that `validate` accepts.
    valid: frozenset[type]
    #: Returns the Python value of a raw value that nobody else holds.
    convert: Callable[[Any], Any]
    #: Returns the dump of a raw value, where that needs no Python value.
    dump: Dump | None
    #: Is true of raw values that are valid.
    validator: Proof | None
