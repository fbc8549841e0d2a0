"""BinaryField."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Binary

from mongoengine import BinaryField

from .helpers import document_with, failure_of


def test_bytes_are_stored_and_read(db: Any) -> None:
    Holder = document_with(BinaryField())
    Holder(value=b"\x00\xff").save()
    assert db["holder"].find_one()["value"] == b"\x00\xff"
    assert Holder.objects(value=b"\x00\xff").get().value == b"\x00\xff"


def test_a_bytearray_becomes_bytes() -> None:
    Holder = document_with(BinaryField())
    holder = Holder(value=bytearray(b"x"))
    assert type(holder.value) is bytes
    holder.value = bytearray(b"y")
    assert holder.value == b"y"


def test_the_subtype_of_a_binary_is_not_kept() -> None:
    assert BinaryField().to_mongo(Binary(b"x", 5)) == Binary(b"x", 0)


@pytest.mark.parametrize("value", ["text", 5, [1], memoryview(b"x")])
def test_other_types_are_refused(value: Any) -> None:
    message = "BinaryField only accepts instances of (bytes, Binary, Binary)"
    assert failure_of(BinaryField(), value) == message


def test_the_length_is_checked() -> None:
    field = BinaryField(max_bytes=2)
    assert failure_of(field, b"ab") is None
    assert failure_of(field, b"abc") == "Binary value is too long"


def test_a_query_for_none() -> None:
    assert BinaryField().prepare_query_value(None, None) is None
