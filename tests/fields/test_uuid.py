"""UUIDField, stored as binary data or as text."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from mongoengine import UUIDField

from .helpers import document_with, failure_of

KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")


def test_stored_as_binary_data(db: Any) -> None:
    Holder = document_with(UUIDField())
    Holder(value=KEY).save()
    assert db["holder"].find_one()["value"] == KEY
    assert Holder.objects(value=str(KEY)).get().value == KEY


def test_stored_as_text(db: Any) -> None:
    Holder = document_with(UUIDField(binary=False))
    Holder(value=KEY).save()
    assert db["holder"].find_one()["value"] == str(KEY)
    assert Holder.objects(value=KEY).get().value == KEY


def test_text_is_converted_when_it_is_stored() -> None:
    holder = document_with(UUIDField())(value=KEY.hex)
    assert holder.value == KEY.hex
    assert holder.to_mongo()["value"] == KEY


@pytest.mark.parametrize("value", ["bad", 5, b"x", KEY.bytes, []])
@pytest.mark.parametrize("binary", [True, False])
def test_what_is_no_uuid_is_refused(value: Any, binary: bool) -> None:
    message = "Could not convert to UUID: badly formed hexadecimal UUID string"
    assert failure_of(UUIDField(binary=binary), value) == message


def test_as_a_primary_key(db: Any) -> None:
    Holder = document_with(UUIDField(primary_key=True))
    Holder(value=KEY).save()
    assert Holder.objects.get(pk=KEY).value == KEY
