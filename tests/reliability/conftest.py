"""The connection through the proxy, and the table of results."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.synchronous.client_session import ClientSession

from mongoengine import disconnect_all, disconnect_all_async
from tests.families import Family, SentCommands
from tests.reliability.cells import Bench
from tests.reliability.proxy import FaultProxy

_FULL = "reliability_full"
_CELL = "reliability cell"

#: A row of the table: family, operation, fault, what is wrong.
Cell = tuple[str, str, str, list[str]]


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out the whole table unless it is asked for."""
    if _FULL in config.option.markexpr:
        return
    full = [item for item in items if item.get_closest_marker(_FULL)]
    if full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]


def _cells_of(report: pytest.TestReport) -> list[Cell]:
    if report.when != "call":
        return []
    return [value for name, value in report.user_properties if name == _CELL]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add the cells of a test to the file of results, in one process for all workers.

    `RELIABILITY_RESULTS` names the file: see `report`.
    """
    path = os.environ.get("RELIABILITY_RESULTS")
    if path and "PYTEST_XDIST_WORKER" not in os.environ:
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(cell) + "\n" for cell in _cells_of(report))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the figures, a row for each fault."""
    reports = [report for each in terminalreporter.stats.values() for report in each]
    results = [
        cell
        for report in reports
        if isinstance(report, pytest.TestReport)
        for cell in _cells_of(report)
    ]
    if not results or "reliability" not in config.option.markexpr:
        return
    terminalreporter.section("faults: operations, cells, wrong cells")
    for fault in dict.fromkeys(fault for _, _, fault, _ in results):
        cells = [result for result in results if result[2] == fault]
        operations = len({operation for _, operation, _, _ in cells})
        wrong = sum(bool(result[3]) for result in cells)
        terminalreporter.write_line(
            f"{fault:<36}{operations:>5}{len(cells):>8}{wrong:>6}"
        )
    wrong = sum(bool(result[3]) for result in results)
    terminalreporter.write_line(f"{'in all':<41}{len(results):>8}{wrong:>6}")


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Take down a cell of the table, as a property of the test."""

    def add(*cell: object) -> None:
        request.node.user_properties.append((_CELL, cell))

    return add


@pytest.fixture
def proxy(server_uri: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(server_uri)
    yield proxy
    proxy.close()


def _note_sessions(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """Have the bench know all sessions that are started."""
    for cls in (ClientSession, AsyncClientSession):

        def note(self: Any, *args: Any, make: Any = cls.__init__, **kw: Any) -> None:
            bench.sessions.add(self)
            make(self, *args, **kw)

        monkeypatch.setattr(cls, "__init__", note)


@pytest_asyncio.fixture(params=["sync", "async"])
async def bench(
    request: pytest.FixtureRequest,
    proxy: FaultProxy,
    settings: dict[str, Any],
    sent_commands: SentCommands,
    mongo: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Bench]:
    """A family whose connection goes through the proxy."""
    # A server that was lost is looked for again at once.
    monkeypatch.setattr("pymongo.common.MIN_HEARTBEAT_INTERVAL", 0.01)
    options = "directConnection=true&serverMonitoringMode=poll"
    host = f"mongodb://127.0.0.1:{proxy.port}/?{options}"
    family = Family(request.param, {**settings, "host": host}, sent_commands)
    await family.connect()
    bench = Bench(family, proxy, mongo)
    _note_sessions(monkeypatch, bench)
    await bench.prepare()
    yield bench
    await disconnect_all_async()
    disconnect_all()
