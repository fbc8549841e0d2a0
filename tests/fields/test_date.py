"""DateField: days without a time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from mongoengine import DateField

from .helpers import document_with, failure_of


def test_a_day_is_stored_as_its_midnight(db: Any) -> None:
    Holder = document_with(DateField())
    Holder(value=date(2020, 1, 2)).save()
    assert db["holder"].find_one()["value"] == datetime(2020, 1, 2)
    assert Holder.objects.get().value == date(2020, 1, 2)
    assert type(Holder.objects.get().value) is date


def test_the_time_of_a_given_datetime_is_dropped() -> None:
    moment = datetime(2020, 1, 2, 3, 4, 5)
    holder = document_with(DateField())(value=moment)
    assert type(holder.value) is date
    holder.value = moment
    assert holder.value == moment
    assert holder.to_mongo()["value"] == datetime(2020, 1, 2)


def test_text_is_parsed_when_it_is_stored() -> None:
    holder = document_with(DateField())(value="2020-01-02 03:04:05")
    assert holder.to_mongo()["value"] == datetime(2020, 1, 2)


def test_what_is_no_date_is_refused() -> None:
    assert failure_of(DateField(), "hello") == 'cannot parse date "hello"'


def test_a_day_is_found_by_day_and_by_time(db: Any) -> None:
    Holder = document_with(DateField())
    Holder(value=date(2020, 1, 2)).save()
    assert Holder.objects(value=date(2020, 1, 2)).count() == 1
    assert Holder.objects(value=datetime(2020, 1, 2, 23)).count() == 1
