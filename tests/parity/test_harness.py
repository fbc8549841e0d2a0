"""The harness itself: placeholders, scripted answers, verdicts."""

from __future__ import annotations

import datetime
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

import pymongo
import pytest
from bson import SON, ObjectId

from . import compare, harness, report, run, scripted, values, workers


def test_ids_made_now_are_numbered_in_order_of_appearance() -> None:
    canon = values.Canon()
    one, two = ObjectId(), ObjectId()
    shown = canon([two, one, f"<{two}>"])
    assert shown == [{"ObjectId": "id-1"}, {"ObjectId": "id-2"}, "<id-1>"]


def test_ids_written_in_a_scenario_stay() -> None:
    canon = values.Canon()
    assert canon(ObjectId("5f0000000000000000000001")) == {
        "ObjectId": "5f0000000000000000000001"
    }


def test_the_present_time_is_a_placeholder() -> None:
    canon = values.Canon()
    assert canon(datetime.datetime.now()) == {"datetime": "now"}
    old = datetime.datetime(2020, 1, 2)
    assert canon(old) == {"datetime": "2020-01-02T00:00:00"}


def test_kinds_of_containers_are_told_apart() -> None:
    canon = values.Canon()
    assert canon((1, 1.0, SON(a=1), {2})) == {
        "tuple": [1, 1.0, {"SON": {"a": 1}}, {"set": [2]}]
    }


def test_addresses_and_databases_are_placeholders() -> None:
    canon = values.Canon({"parity_1": "DB"})
    assert canon("<X at 0x7f00aa> in parity_1_b") == "<X at 0xADDRESS> in DB_b"


def test_a_scripted_server_answers_by_its_script() -> None:
    server = scripted.ScriptedServer({"count": lambda c: {"ok": 1, "n": len(c)}})
    try:
        with pymongo.MongoClient(server.uri) as client:
            assert client.db.command("count", "c", query={})["n"] >= 2
            assert list(client.db.c.find()) == []
            assert client.db.c.insert_many([{}, {}]).acknowledged
    finally:
        server.stop()


def _scenario(differs: str | None) -> harness.Scenario:
    def function(me: Any, db: Any) -> None:
        raise NotImplementedError

    if differs:
        function = harness.differs(differs)(function)
    return harness.Scenario("module", function)


@pytest.mark.parametrize(
    ("differs", "oracle", "ours", "kinds"),
    [
        (None, {"result": 1}, {"result": 1}, []),
        (None, {"result": 1}, {"result": 2}, ["DIFFERS"]),
        ("why", {"result": 1}, {"result": 2}, ["meant"]),
        ("why", {"result": 1}, {"result": 1}, ["STALE"]),
        (None, {"raised": ["E", "e"], "traceback": ""}, {"result": 1}, ["BROKEN"]),
        ("why", {"raised": ["E", "e"], "traceback": ""}, {"result": 1}, ["meant"]),
    ],
)
def test_verdicts(
    differs: str | None,
    oracle: dict[str, Any],
    ours: dict[str, Any],
    kinds: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = _scenario(differs)
    monkeypatch.setattr(harness, "scenarios", lambda only=None: iter([scenario]))
    found = {"oracle": {scenario.name: oracle}, "ours": {scenario.name: ours}}
    assert [verdict["kind"] for verdict in report.judge(found)] == kinds


def test_order_of_keys_counts() -> None:
    assert compare.difference(
        {"result": {"a": 1, "b": 2}}, {"result": {"b": 2, "a": 1}}
    )


def test_tracebacks_do_not_count() -> None:
    one = {"raised": ["E", "e"], "traceback": "here"}
    assert compare.difference(one, {**one, "traceback": "there"}) is None


def _alive(pid: int) -> bool:
    """Return whether a process runs; one that nobody has waited for does not."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _wait_until_gone(pids: list[int], seconds: float = 60) -> list[int]:
    """The processes that are still there when the time is over."""
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if _alive(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    return left


def _children(parent: int) -> list[int]:
    """The processes that a process has started."""
    listed = pathlib.Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for path in listed for pid in path.read_text().split()]


QUICK = "embedded_lists"
SOME = [scenario.name for scenario in harness.scenarios(f"^{QUICK}")]
on_linux = pytest.mark.skipif(
    not pathlib.Path("/proc/self/stat").exists(), reason="reads /proc"
)


@pytest.mark.parity
@pytest.mark.slow
@on_linux
def test_a_way_that_takes_too_long_fails_alone_and_in_few_words() -> None:
    before = set(_children(os.getpid()))
    with workers.Runs(SOME, ["ours"], limit=0.001) as runs:
        with pytest.raises(workers.WayFailed) as caught:
            runs.of("ours", QUICK)
    text = str(caught.value)
    assert text.startswith(f"the process of scenarios_{QUICK} [ours] took more than")
    assert len(text.splitlines()) < 15
    assert _wait_until_gone(list(set(_children(os.getpid())) - before)) == []


@pytest.mark.parity
@pytest.mark.slow
@on_linux
def test_a_way_whose_process_dies_goes_on_with_the_next_module() -> None:
    names = ["unheard_of.scenario", *SOME]
    with workers.Runs(names, ["ours"]) as runs:
        with pytest.raises(workers.WayFailed, match="ended with status 1") as caught:
            runs.of("ours", "unheard_of")
        assert "No module named" in str(caught.value)
        assert set(runs.of("ours", QUICK)) == set(SOME)


STARTER = """
import os, sys
from tests.parity import workers
with workers.Runs({names!r}, ["ours", "async"]) as runs:
    runs.of("ours", {module!r}), runs.of("async", {module!r})
    print("started", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parity
@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_processes_end_with_the_one_that_started_them(sign: signal.Signals) -> None:
    program = STARTER.format(names=SOME[:1], module=QUICK)
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=run.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"started\n"
        children = _children(starter.pid)
        starter.send_signal(sign)
        starter.wait()
    assert len(children) == 3  # two ways and a server
    assert _wait_until_gone(children) == []
