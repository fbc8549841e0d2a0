"""ComplexDateTimeField: text that sorts by time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from mongoengine import ComplexDateTimeField, ListField

from .helpers import document_with, failure_of

MOMENT = datetime(2020, 1, 2, 3, 4, 5, 678901)
TEXT = "2020,01,02,03,04,05,678901"


def test_microseconds_are_kept(db: Any) -> None:
    Holder = document_with(ComplexDateTimeField())
    Holder(value=MOMENT).save()
    assert db["holder"].find_one()["value"] == TEXT
    assert Holder.objects.get().value == MOMENT


def test_the_document_holds_the_text() -> None:
    holder = document_with(ComplexDateTimeField())(value=MOMENT)
    assert holder._data["value"] == TEXT
    assert holder.value == MOMENT


def test_a_loaded_document_holds_the_text(db: Any) -> None:
    Holder = document_with(ComplexDateTimeField())
    Holder(value=MOMENT).save()
    found = Holder.objects.get()
    assert found._data["value"] == TEXT
    assert found.value == MOMENT
    assert found._get_changed_fields() == []


def test_a_value_with_a_zone_is_converted_to_utc() -> None:
    aware = MOMENT.replace(tzinfo=timezone(timedelta(hours=2)))
    earlier = MOMENT - timedelta(hours=2)
    assert document_with(ComplexDateTimeField())(value=aware).value == earlier
    listed = document_with(ListField(ComplexDateTimeField()))(value=[aware])
    assert listed.to_mongo()["value"] == ["2020,01,02,01,04,05,678901"]


def test_the_same_instant_is_found_from_any_zone(db: Any) -> None:
    Holder = document_with(ComplexDateTimeField())
    aware = MOMENT.replace(tzinfo=timezone(timedelta(hours=2)))
    Holder(value=aware).save()
    assert Holder.objects(value=aware.astimezone(timezone.utc)).count() == 1


def test_text_in_the_fields_format() -> None:
    assert document_with(ComplexDateTimeField())(value=TEXT).value == MOMENT


def test_another_separator() -> None:
    holder = document_with(ComplexDateTimeField(separator="-"))(value=MOMENT)
    assert holder.to_mongo()["value"] == "2020-01-02-03-04-05-678901"


@pytest.mark.parametrize("value", ["hello", 5, [], MOMENT.date()])
def test_what_is_no_datetime_is_refused(value: Any) -> None:
    message = "Only datetime objects may used in a ComplexDateTimeField"
    assert failure_of(ComplexDateTimeField(), value) == message


def test_a_default_is_held_as_text() -> None:
    holder = document_with(ComplexDateTimeField(default=MOMENT))()
    assert holder._data["value"] == TEXT
    assert holder.value == MOMENT


def test_times_sort_and_compare(db: Any) -> None:
    Holder = document_with(ComplexDateTimeField())
    later = MOMENT + timedelta(microseconds=1)
    Holder(value=later).save()
    Holder(value=MOMENT).save()
    assert [h.value for h in Holder.objects.order_by("value")] == [MOMENT, later]
    assert Holder.objects(value__gt=MOMENT).get().value == later


def test_assigning_marks_the_field_as_changed() -> None:
    holder = document_with(ComplexDateTimeField())(value=MOMENT)
    holder._clear_changed_fields()
    holder.value = MOMENT
    assert holder._get_changed_fields() == ["value"]


def test_in_a_list(db: Any) -> None:
    Holder = document_with(ListField(ComplexDateTimeField()))
    Holder(value=[MOMENT]).save()
    assert db["holder"].find_one()["value"] == [TEXT]
    assert Holder.objects.get().value == [MOMENT]
