"""Plans for validating raw documents without converting them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mongoengine.base.codec import FieldCodec, Proof
from mongoengine.base.types import RawMapping
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("Check", "Proofs", "check_of", "proofs_of")

#: Keys of a raw document, and what their values have to pass.
Proofs = tuple[tuple[str, Proof], ...]


class Check(Record):
    """The plan for validating the value of a field, raw or converted."""

    name: str
    key: str
    field: BaseField
    surely: frozenset[type]
    proof: Proof | None
    # For converted values: types that are valid, types that `proof` tests, too, and a
    # test of values of other types.
    valid: frozenset[type]
    unchanged: frozenset[type]
    value_proof: Proof | None
    # Without a value it has to be looked at: it is required, or has a default.
    needed: bool


def check_of(field: BaseField, codec: FieldCodec) -> Check:
    """Return how a field is validated."""
    needed = field.default is not None or field.required
    return Check(
        field.name,
        field.db_field,
        field,
        codec.valid,
        codec.validator,
        field._surely_valid,
        codec.loads_unchanged,
        field._value_validator(),
        needed,
    )


def proofs_of(checks: Sequence[Check], raw: RawMapping) -> Proofs | None:
    """Return what shows that documents like `raw` are valid.

    None where the fields have to be asked.

    :param raw: one of the documents with the same keys and types of values.
    """
    proofs = []
    for check in checks:
        value = raw.get(check.key)
        if value.__class__ in check.surely:
            continue
        if value is None:
            if check.needed:
                return None
        elif check.proof is None:
            return None
        else:
            proofs.append((check.key, check.proof))
    return tuple(proofs)
