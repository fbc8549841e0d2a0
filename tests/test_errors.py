"""Texts of errors, which are upstream's."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mongoengine import errors
from mongoengine.errors import BulkOperationError, BulkWriteError, ValidationError


def nested() -> ValidationError:
    return ValidationError(
        "outer",
        field_name="top",
        errors={
            "a": ValidationError("bad a", field_name="a"),
            "b": ValidationError(
                "nest", errors={"c": ValidationError("x"), "d": ValidationError("y")}
            ),
            "l": ValidationError(
                "list", errors={0: ValidationError("z0"), 1: ValidationError("z1")}
            ),
        },
    )


def test_a_plain_validation_error() -> None:
    error = ValidationError("m", field_name="f", nonsense=1)
    assert str(error) == error.message == "m"
    assert repr(error) == "ValidationError(m,)"
    assert error.field_name == "f"
    assert error.errors == error.to_dict() == {}
    assert error.args == ("m",)


def test_nested_errors_are_told_by_path() -> None:
    error = nested()
    text = "outer(bad a: ['a'] c.x d.y: ['b'] z0 1.z1: ['l'])"
    assert str(error) == error.message == text
    assert repr(error) == f"ValidationError({text},)"


def test_nested_errors_as_a_dict() -> None:
    assert nested().to_dict() == {
        "a": "bad a",
        "b": {"c": "x", "d": "y"},
        "l": {0: "z0", 1: "z1"},
    }


@pytest.mark.parametrize(
    ("below", "text"),
    [
        ({"a": ValidationError("s"), "b": ValidationError("s")}, "m(s: ['a', 'b'])"),
        ({"a": "text", "b": {"c": "t"}}, "m(text: ['a'] c.t: ['b'])"),
        ({"a": None, "b": {}}, "m(None: ['a'] : ['b'])"),
        ({"a": ["x", "y"]}, "m(['x', 'y']: ['a'])"),
        (
            {"l": ValidationError("", errors={0: {"q": "d"}, 1: {"q": "d"}})},
            "m(q.d 1.q.d: ['l'])",
        ),
    ],
)
def test_errors_are_grouped_by_what_is_wrong(below: Any, text: str) -> None:
    assert str(ValidationError("m", errors=below)) == text


def test_the_message_may_be_changed() -> None:
    error = ValidationError("m")
    error.message = "n"
    assert str(error) == "n"


def test_errors_survive_pickling() -> None:
    error = pickle.loads(pickle.dumps(nested()))
    assert str(error) == str(nested())
    assert error.field_name == "top"


def test_a_bulk_operation_error_tells_each_failure() -> None:
    cause = errors.NotUniqueError("E11000")
    error = BulkOperationError("1 of 2 documents failed", [(1, "doc", cause)])
    assert str(error) == "1 of 2 documents failed"
    assert error.failures == [(1, "doc", cause)]
    assert isinstance(error, BulkWriteError)
    assert len(pickle.loads(pickle.dumps(error)).failures) == 1


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("LookUpError", AttributeError),
        ("ValidationError", AssertionError),
        ("NotUniqueError", errors.OperationError),
        ("BulkWriteError", errors.OperationError),
        ("SaveConditionError", errors.OperationError),
        ("DoesNotExist", errors.MongoEngineException),
    ],
)
def test_what_errors_descend_from(name: str, base: type) -> None:
    assert getattr(errors, name).__bases__ == (base,)
