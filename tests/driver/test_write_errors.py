"""PyMongo's errors of writing become the library's own in one place."""

from __future__ import annotations

import pytest
from pymongo.errors import DuplicateKeyError, NetworkTimeout, OperationFailure

from mongoengine import NotUniqueError, OperationError
from mongoengine.driver.write_errors import SAVING, UPDATING
from mongoengine.errors import TransientOperationError


def test_a_refused_command_raises_an_operation_error_with_the_reply() -> None:
    reply = {"code": 121, "errmsg": "no", "errorLabels": ["Label"]}
    with (
        pytest.raises(OperationError, match=r"^Update failed \(no") as caught,
        UPDATING,
    ):
        raise OperationFailure("no", 121, reply)
    assert caught.value.code == 121
    assert caught.value.details == reply
    assert caught.value.has_error_label("Label")
    assert isinstance(caught.value.__cause__, OperationFailure)


def test_a_broken_unique_index_has_an_error_of_its_own() -> None:
    with pytest.raises(NotUniqueError, match="duplicate unique keys"), SAVING:
        raise DuplicateKeyError("E11000 duplicate key", 11000)


def test_an_error_that_lets_a_transaction_be_run_again_is_transient() -> None:
    reply = {"errorLabels": ["TransientTransactionError"]}
    with pytest.raises(TransientOperationError), SAVING:
        raise OperationFailure("conflict", 112, reply)


@pytest.mark.parametrize("error", [NetworkTimeout("late"), KeyError("other")], ids=str)
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, SAVING:
        raise error
    assert caught.value is error
