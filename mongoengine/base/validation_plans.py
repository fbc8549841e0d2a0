"""Plans for validating documents: raw ones without converting them, and new ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mongoengine.base.bson_types import NO_TYPES
from mongoengine.base.codec import FieldCodec, Limits, Proof
from mongoengine.base.types import Namespace, RawMapping
from mongoengine.driver.records import Record

if TYPE_CHECKING:
    from mongoengine.base.field import BaseField


__all__ = ("Check", "Proofs", "Test", "check_of", "proofs_of", "raw_test", "value_test")

#: Keys of a mapping, and what their values have to pass.
Proofs = tuple[tuple[str, Proof], ...]

#: Is true of the values of a valid document; false where the fields have to be asked.
Test = Callable[[RawMapping], bool]


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


class _Source:
    """The source of a test of the values of a mapping, and the names in it.

    Keys have names, too: no text that comes from the database becomes source.
    """

    def __init__(self) -> None:
        self.terms: list[str] = []
        self.names: Namespace = {}

    def name(self, value: object) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = value
        return name

    def add(
        self, key: str, types: frozenset[type], proof: Proof | None, optional: bool
    ) -> None:
        """Test the value of a key.

        :param types: the types of valid values, or of those that `proof` is for.
        :param proof: what a value has to pass, too.
        :param optional: it may be None.
        """
        value = f"values[{self.name(key)}]"
        tests = []
        limits: Limits | None = getattr(proof, "limits", None)
        if limits is not None:
            types = types & limits.types if types else limits.types
        if types:
            tests.append(f"type({value}) in {self.name(types)}")
        if limits is not None:
            field = self.name(limits.field)
            tests.append(limits.source.format(value=value, field=field))
        elif proof is not None:
            tests.append(f"{self.name(proof)}({value})")
        test = " and ".join(tests)
        if optional:
            test = f"({value} is None or {test})" if test else f"{value} is None"
        self.terms.append(test or "False")

    def compiled(self) -> Test:
        test: Test = eval(f"lambda values: {' and '.join(self.terms)}", self.names)
        return test


def raw_test(checks: Sequence[Check], raw: RawMapping, class_name: str) -> Test:
    """Return the test of raw documents that have the keys of `raw`.

    One expression takes a third of the time of a loop; limits are compared in it.  It
    raises a KeyError where a key is missing.
    """
    source = _Source()
    source.terms.append(f"len(values) == {len(raw)}")
    by_key = {check.key: check for check in checks}
    for key, value in raw.items():
        check = by_key.get(key)
        if key == "_cls":
            term = f"values[{source.name(key)}] == {source.name(class_name)}"
            source.terms.append(term)
        elif check is None:
            source.terms.append(f"{source.name(key)} in values")
        elif (
            value.__class__ in check.surely
            or check.proof is None
            or (value is None and check.surely)
        ):
            source.add(key, check.surely, None, not check.needed)
        else:
            source.add(key, NO_TYPES, check.proof, not check.needed)
    if any(check.needed and check.key not in raw for check in checks):
        source.terms.append("False")
    return source.compiled()


def value_test(checks: Sequence[Check], values: RawMapping) -> Test:
    """Return the test of the values of new documents like one with `values`.

    It raises a KeyError where a field has no value.
    """
    source = _Source()
    for check in checks:
        value = values.get(check.name)
        value_type = type(value)
        optional = not check.field.required
        if (
            value_type in check.valid
            or check.value_proof is None
            or (value is None and check.valid)
        ):
            source.add(check.name, check.valid, None, optional)
        elif value_type in check.unchanged and check.proof is not None:
            source.add(check.name, check.unchanged, check.proof, optional)
        else:
            source.add(check.name, NO_TYPES, check.value_proof, optional)
    return source.compiled()
