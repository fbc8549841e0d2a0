"""What loading, dumping and validating a document may rely on for one field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, NamedTuple

__all__ = (
    "Checks",
    "Dump",
    "FieldCodec",
    "Proof",
    "each",
    "each_of_type",
    "joined",
    "of_type",
)

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


class Checks(NamedTuple):
    """The proofs of raw documents of one shape, in the order that is cheapest."""

    #: Key, types that need no proof, and the proof of other values (None fails them).
    single: tuple[tuple[str, frozenset[type], Proof | None], ...]
    #: Proofs of whole raw documents, for many keys at once.
    wide: tuple[Proof, ...]


def joined(proofs: Iterable[tuple[str, Proof]]) -> Checks:
    """The checks of raw documents, from proofs of the values of their keys."""
    by_types: dict[frozenset[type], list[str]] = {}
    single: list[tuple[str, frozenset[type], Proof | None]] = []
    for key, proof in proofs:
        if isinstance(proof, _OfType):
            by_types.setdefault(proof.types, []).append(key)
        else:
            single.append((key, _NOTHING, proof))
    wide = []
    for types, keys in by_types.items():
        if len(keys) > _FEW:
            wide.append(_all_of(keys, types))
        else:
            single += [(key, types, None) for key in keys]
    return Checks(tuple(single), tuple(wide))


_NOTHING = frozenset({type(None)})

#: More keys than this are looked at together.
_FEW = 4


def _all_of(keys: list[str], types: frozenset[type]) -> Proof:
    values, includes = itemgetter(*keys), types.issuperset
    return lambda raw: includes(map(type, values(raw)))
