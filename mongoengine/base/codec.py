"""The codec of a field: how its raw values are loaded, dumped and validated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING

from mongoengine.base.types import Convert, Namespace, RawDocument, RawValue
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from typing import TypeAlias


__all__ = (
    "Check",
    "Dump",
    "FieldCodec",
    "Limits",
    "Proof",
    "compiled",
    "compiled_for_all",
    "each",
    "each_of_type",
    "equal_to",
    "limited",
    "of_type",
)

#: Is true of a raw value that cannot fail to load, or that is valid.
Proof: TypeAlias = Callable[[RawValue], bool]

#: Returns the dump of a raw value, or None where the value has to be converted.
Dump: TypeAlias = Callable[[RawValue], RawValue]


class Limits(Record):
    """A test of limits as source code, for the test of a whole document."""

    #: An expression with `{value}` and `{field}` in it.
    source: str
    #: The field, which has the limits.
    field: object
    #: The types of values for which it holds.
    types: frozenset[type]


def limited(proof: Proof, limits: Limits) -> Proof:
    """Return a proof that tells its limits."""
    proof.limits = limits  # type: ignore[attr-defined]
    return proof


class FieldCodec(Record):
    """Conversions of the values of one field of one document class.

    The sets name exact types: values of them skip the method named beside.
    """

    #: Raw values that `to_python` returns as they are.
    loads_unchanged: frozenset[type]
    #: Values that `to_mongo` returns as they are.
    dumps_unchanged: frozenset[type]
    #: Values that `validate` accepts.
    valid: frozenset[type]
    #: Returns the Python value of a raw value that nobody else holds.
    convert: Convert
    #: Returns the dump of a raw value, where that needs no Python value.
    dump: Dump | None
    #: Is true of raw values that are valid.
    validator: Proof | None


#: Is true of a raw document of one shape that cannot fail to load.
Check = Callable[[RawDocument], bool]

_INFINITY = float("inf")


def of_type(types: frozenset[type], sums: bool = False, *, none: bool = True) -> Proof:
    """Return a proof that holds for None and for values of exactly these types.

    :param none: whether it holds for None
    :param sums: a finite sum proves several values, too: all numbers pass that are
        neither infinite nor NaN.
    """
    return _OfType(types | {type(None)} if none else types, sums)


class _OfType:
    """Test the type of a value: an object, so that tests of a shape can be joined."""

    __slots__ = ("sums", "types")

    def __init__(self, types: frozenset[type], sums: bool) -> None:
        self.types = types
        self.sums = sums

    def __call__(self, value: object) -> bool:
        if self.sums and value.__class__ is float:
            return -_INFINITY < value < _INFINITY or float in self.types
        return value.__class__ in self.types


def equal_to(expected: object) -> Proof:
    """Return a proof that holds for values that equal `expected`."""
    return lambda value: bool(value == expected)


def each_of_type(types: frozenset[type], sums: bool = False) -> Proof:
    """Return a proof that holds for None and for lists of values of these types.

    :param sums: see `of_type`.
    """

    def prove(value: object) -> bool:
        return value is None or (
            value.__class__ is list and types.issuperset(map(type, value))
        )

    if not sums:
        return prove
    all_pass = each(of_type(types, sums))
    without_none = type(None) not in types

    def prove_sum(value: object) -> bool:
        try:
            if value.__class__ is list and -_INFINITY < sum(value) < _INFINITY:
                return True
        except (TypeError, ArithmeticError):
            pass  # not all of them are numbers
        if value.__class__ is list and without_none and None in value:
            return False
        return all_pass(value)

    return prove_sum


def each(proof: Proof) -> Proof:
    """Return a proof that holds for None and for lists whose items pass `proof`."""

    def prove(value: object) -> bool:
        if value.__class__ is not list:
            return value is None
        for item in value:  # noqa: SIM110 - a generator costs more than the proofs
            if not proof(item):
                return False
        return True

    return prove


def compiled(proofs: Sequence[tuple[str, Proof]]) -> Check:
    """Return the test of the values of some keys in a raw document that has them all.

    It is made as source, as `attrs` and `dataclasses` make methods: one expression
    without a loop takes a third of the time.

    :param proofs: keys, and what their values have to pass.
    """
    numbers = [key for key, proof in proofs if getattr(proof, "sums", False)]
    if len(numbers) > _FEW:
        rest = [pair for pair in proofs if pair[0] not in numbers]
        summed = _finite([pair for pair in proofs if pair[0] in numbers])
        return _joined(rest, [summed])
    return _joined(proofs, [])


#: More numbers than this are added up.
_FEW = 3


def _joined(proofs: Iterable[tuple[str, Proof]], whole: Sequence[Check]) -> Check:
    terms, names = _terms(proofs, "raw")
    for place, check in enumerate(whole):
        terms.append(f"whole{place}(raw)")
        names[f"whole{place}"] = check
    source = f"lambda raw: {' and '.join(terms) or 'True'}"
    result: Check = eval(source, names)
    return result


def _terms(
    proofs: Iterable[tuple[str, Proof]], variable: str
) -> tuple[list[str], Namespace]:
    """Return the conditions of proofs as source, and the names in them.

    Keys have names, too: no text that comes from the database becomes source.
    """
    terms: list[str] = []
    names: Namespace = {}
    for place, (key, proof) in enumerate(proofs):
        names[f"key{place}"] = key
        if isinstance(proof, _OfType):
            test = f"{variable}[key{place}].__class__ in types{place}"
            names[f"types{place}"] = proof.types
            if proof.sums:
                test = f"({test} or proof{place}({variable}[key{place}]))"
        else:
            test = f"proof{place}({variable}[key{place}])"
        names[f"proof{place}"] = proof
        terms.append(test)
    return terms, names


def _finite(proofs: Sequence[tuple[str, Proof]]) -> Check:
    """Return a test of many numbers: adding them up is the quickest way to see them."""
    numbers = itemgetter(*(key for key, _ in proofs))
    one_by_one = _joined(proofs, [])

    def check(raw: RawDocument) -> bool:
        try:
            if -_INFINITY < sum(numbers(raw)) < _INFINITY:
                return True
        except (TypeError, ArithmeticError):
            pass  # not all of them are numbers
        return one_by_one(raw)

    return check


def compiled_for_all(
    keys: frozenset[str],
    proofs: Sequence[tuple[str, Proof]],
    optional: Sequence[tuple[str, Proof]],
    otherwise: Proof,
) -> Proof:
    """Return the test of lists of raw documents, which holds for None, too.

    :param keys: the keys that the documents may have.
    :param proofs: keys that every document must have, and what the values must pass.
    :param optional: keys that documents may have, and what the values must pass.
    :param otherwise: the test of lists for which this does not hold.
    """
    terms, names = _terms(proofs, "item")
    for place, (key, proof) in enumerate(optional):
        names[f"optional{place}"], names[f"maybe{place}"] = key, proof
        terms.append(f"maybe{place}(item.get(optional{place}))")
    names.update(
        covers=keys.issuperset,
        keys_of=chain.from_iterable,
        otherwise=otherwise,
    )
    # A key of what is no dict raises a TypeError, its `get` an AttributeError.
    condition = " and ".join(terms) or "item.__class__ is dict"
    source = f"""
def prove(items):
    if items.__class__ is not list:
        return items is None
    try:
        if covers(keys_of(items)):
            for item in items:
                if not ({condition}):
                    break
            else:
                return True
    except (AttributeError, KeyError, TypeError):
        pass
    return otherwise(items)
"""
    exec(source, names)
    prove: Proof = names["prove"]
    return prove
