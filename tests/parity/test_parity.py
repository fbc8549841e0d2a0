"""Every scenario does on this package what it does on upstream, in every way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from . import compare, harness, workers

ALL = {scenario.name: scenario for scenario in harness.scenarios()}
WAYS = [way for way in workers.WAYS if way != "oracle"]
LINES = 30

# A test may wait for its module in two ways, the oracle's and its own.
pytestmark = [
    pytest.mark.parity,
    pytest.mark.slow,
    pytest.mark.timeout(2 * workers.LIMIT + 120),
]


class Results:
    """The results of the ways; each failure of a way is reported by one test only."""

    def __init__(self, runs: workers.Runs) -> None:
        self._runs = runs
        self._reported: set[tuple[str, str]] = set()

    def of(self, way: str, scenario: harness.Scenario) -> Any:
        """The result of a scenario in one way, or None if that way leaves it out."""
        at = (way, scenario.module)
        try:
            return self._runs.of(*at).get(scenario.name)
        except workers.WayFailed as error:
            if at in self._reported:
                pytest.skip(f"no results of scenarios_{scenario.module} [{way}]")
            self._reported.add(at)
            pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> Iterator[Results]:
    """The results of the scenarios that were selected; the processes run ahead."""
    selected = dict.fromkeys(
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    )
    with workers.Runs(selected) as runs:
        yield Results(runs)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ALL)
def test_scenario(results: Results, name: str, way: str) -> None:
    scenario = ALL[name]
    actual = results.of(way, scenario)
    if way == "async" and scenario.not_async:
        assert actual is None
        return
    expected = results.of("oracle", scenario)
    if "raised" in expected and not scenario.differs:
        pytest.fail(f"the oracle raised {expected}", pytrace=False)
    difference = compare.difference(expected, actual)
    if scenario.differs and difference is None:
        pytest.fail(f"no longer differs: {scenario.differs}", pytrace=False)
    if not scenario.differs and difference is not None:
        shown = "\n".join(difference.splitlines()[:LINES])
        pytest.fail(f"{name} [{way}]\n{shown}", pytrace=False)
