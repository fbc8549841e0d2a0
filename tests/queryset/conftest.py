"""People in the database of a test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.queryset.models import store_people


@pytest.fixture
def stored(mongo: Any) -> Any:
    """The test's database as plain PyMongo sees it."""
    return mongo


@pytest.fixture
def people(stored: Any) -> Any:
    """The same, with five people stored."""
    store_people(stored)
    return stored
