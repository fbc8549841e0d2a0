"""The harness itself: placeholders, scripted answers, verdicts."""

from __future__ import annotations

import datetime
from typing import Any

import pymongo
import pytest
from bson import SON, ObjectId

from . import compare, harness, report, scripted, values


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
