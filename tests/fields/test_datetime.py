"""DateTimeField, with and without python-dateutil."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from mongoengine import DateTimeField

from .helpers import document_with, failure_of

MOMENT = datetime(2020, 1, 2, 3, 4, 5)


def test_a_datetime_is_stored_to_the_millisecond(db: Any) -> None:
    Holder = document_with(DateTimeField())
    Holder(value=MOMENT.replace(microsecond=678901)).save()
    assert Holder.objects.get().value == MOMENT.replace(microsecond=678000)


def test_an_aware_datetime_is_stored_in_utc(db: Any) -> None:
    zone = timezone(timedelta(hours=2))
    document_with(DateTimeField())(value=MOMENT.replace(tzinfo=zone)).save()
    assert db["holder"].find_one()["value"] == MOMENT - timedelta(hours=2)


def test_a_date_is_stored_as_its_midnight(db: Any) -> None:
    document_with(DateTimeField())(value=date(2020, 1, 2)).save()
    assert db["holder"].find_one()["value"] == datetime(2020, 1, 2)


@pytest.mark.parametrize(
    "text",
    [
        "2020-01-02 03:04:05",
        " 2020-01-02T03:04:05 ",
        "Jan 2 2020 3:04:05am",
        "20200102030405",
    ],
)
def test_text_is_parsed_when_it_is_stored(text: str) -> None:
    pytest.importorskip("dateutil", reason="python-dateutil parses these")
    holder = document_with(DateTimeField())(value=text)
    assert holder.value == text
    assert holder.to_mongo()["value"] == MOMENT


@pytest.mark.parametrize("value", ["hello", "", "2020-13-01", 5, [], {}])
def test_what_is_no_date_is_refused(value: Any) -> None:
    assert failure_of(DateTimeField(), value) == f'cannot parse date "{value}"'


def test_a_callable_gives_the_value() -> None:
    assert DateTimeField().to_mongo(lambda: MOMENT) == MOMENT


def test_query_values_are_parsed() -> None:
    field = DateTimeField()
    assert field.prepare_query_value("gt", "2020-01-02 03:04:05") == MOMENT
    assert field.prepare_query_value(None, None) is None


WITHOUT_DATEUTIL = """
import sys
sys.modules["dateutil"] = None
from mongoengine import DateTimeField
for text in sys.argv[1:]:
    print(repr(DateTimeField().to_mongo(text)))
"""


def test_without_dateutil_a_few_formats_are_parsed() -> None:
    texts = {
        "2020-01-02": "datetime.datetime(2020, 1, 2, 0, 0)",
        "2020-01-02 03:04": "datetime.datetime(2020, 1, 2, 3, 4)",
        "2020-01-02 03:04:05": "datetime.datetime(2020, 1, 2, 3, 4, 5)",
        "2020-01-02 03:04:05.67": "datetime.datetime(2020, 1, 2, 3, 4, 5, 67)",
        "2020-01-02 03:04:05.1234567": "None",
        "2020-01-02 03:04:05.x": "None",
        "2020-01-02T03:04:05": "None",
        "Jan 2 2020": "None",
    }
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DATEUTIL, *texts],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == list(texts.values())


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04T05:06:07",
        "2026-03-04 05:06:07",
        "1999-12-31T23:59:59.000001",
        "2024-02-29 00:00:00.500000",
        "2026-02-30T00:00:00",
        "2026-13-01T00:00:00",
        "2026-03-04T24:00:00",
        "2026-03-04T05:06:60",
        "2026-03-04T05:06:07Z",
        "2026-03-04T05:06:07+01:00",
        "2026-03-04T05:06",
        "0026-03-04T05:06:07",
    ],
)
def test_text_is_parsed_as_by_dateutil(text: str) -> None:
    parser = pytest.importorskip("dateutil.parser")
    try:
        expected = parser.parse(text)
    except ValueError:
        expected = None
    assert DateTimeField().to_mongo(text) == expected
