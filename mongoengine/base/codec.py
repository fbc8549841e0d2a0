"""What loading, dumping and validating a document may rely on for one field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, NamedTuple

__all__ = ("Dump", "FieldCodec", "Proof", "each", "each_of_type", "joined", "of_type")

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


def of_type(types: frozenset[type]) -> Proof:
    """A proof that holds for None and for values of exactly these types."""
    return _OfType(types)


class _OfType:
    """An object and not a closure: plans join those of several keys."""

    __slots__ = ("types",)

    def __init__(self, types: frozenset[type]) -> None:
        self.types = types | {type(None)}

    def __call__(self, value: Any) -> bool:
        return value.__class__ in self.types


def each_of_type(types: frozenset[type]) -> Proof:
    """A proof that holds for None and for lists of values of exactly these types."""
    return lambda value: (
        value is None
        or (value.__class__ is list and types.issuperset(map(type, value)))
    )


def each(proof: Proof) -> Proof:
    """A proof that holds for None and for lists of which all items pass `proof`."""
    return lambda value: (
        value is None or (value.__class__ is list and all(map(proof, value)))
    )


def joined(proofs: Iterable[tuple[str, Proof]]) -> tuple[Proof, ...]:
    """Proofs of a whole raw document, from proofs of the values of its keys."""
    by_types: dict[frozenset[type], list[str]] = {}
    checks: list[Proof] = []
    for key, proof in proofs:
        if isinstance(proof, _OfType):
            by_types.setdefault(proof.types, []).append(key)
        else:
            checks.append(_at(key, proof))
    for types, keys in by_types.items():
        checks.append(
            _all_of(keys, types) if len(keys) > 1 else _one_of(keys[0], types)
        )
    return tuple(checks)


def _at(key: str, proof: Proof) -> Proof:
    return lambda raw: proof(raw[key])


def _one_of(key: str, types: frozenset[type]) -> Proof:
    return lambda raw: raw[key].__class__ in types


def _all_of(keys: list[str], types: frozenset[type]) -> Proof:
    values, includes = itemgetter(*keys), types.issuperset
    return lambda raw: includes(map(type, values(raw)))
