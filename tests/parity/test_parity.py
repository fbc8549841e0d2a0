"""Every scenario does on this package what it does on upstream, in every way."""

from __future__ import annotations

from typing import Any

import pytest

from . import compare, harness

ALL = {scenario.name: scenario for scenario in harness.scenarios()}
WAYS = [way for way in compare.WAYS if way != "oracle"]


@pytest.fixture(scope="session")
def found() -> dict[str, dict[str, Any]]:
    return compare.results(compare.WAYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ALL)
def test_scenario(found: dict[str, dict[str, Any]], name: str, way: str) -> None:
    scenario = ALL[name]
    if way == "async" and scenario.not_async:
        assert name not in found[way]
        return
    expected = found["oracle"][name]
    assert scenario.differs or "raised" not in expected, expected
    difference = compare.difference(expected, found[way][name])
    if scenario.differs:
        assert difference is not None, f"no longer differs: {scenario.differs}"
    else:
        assert difference is None, f"{name} [{way}]\n{difference}"
