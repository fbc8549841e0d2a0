"""Dates as text."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from mongoengine import DateTimeField, EmbeddedDocument


class TextDate(EmbeddedDocument):
    at: Any = DateTimeField()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05.120", datetime(2026, 1, 2, 3, 4, 5, 120000)),
        (" 2026-01-02 03:04:05.123456 ", datetime(2026, 1, 2, 3, 4, 5, 123456)),
        ("2026-02-30 03:04:05", None),
        (
            "2026-01-02T03:04:05+00:00",
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        ),
    ],
)
def test_text_is_stored_as_a_date(text: str, expected: datetime | None) -> None:
    assert TextDate(at=text).to_mongo().get("at") == expected
