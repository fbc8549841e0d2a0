"""Compare every way with the oracle, and name what no scenario reaches.

    python -m tests.parity.report [--only PATTERN] [--ways ours,touch,async]
                                  [--names] [--markdown FILE]

Exits with 1 on an unexplained difference.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import sys
import tempfile
from collections import Counter
from typing import Any

from . import compare, harness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a regular expression on module.function")
    parser.add_argument("--ways", default="ours", help="of ours, touch and async")
    parser.add_argument("--names", action="store_true", help="list unreached names")
    parser.add_argument("--markdown", help="write the differences to this file")
    options = parser.parse_args()

    ways = options.ways.split(",")
    with tempfile.TemporaryDirectory() as folder:
        trace = str(pathlib.Path(folder, "reached.json")) if options.names else None
        found = compare.results(["oracle", *ways], options.only, trace)
        reached = None
        if trace is not None:
            reached = json.loads(pathlib.Path(trace).read_text(encoding="utf-8"))
    verdicts = judge(found, options.only)
    _print(verdicts, found, ways)
    if options.markdown:
        pathlib.Path(options.markdown).write_text(_markdown(verdicts), encoding="utf-8")
    if reached is not None:
        _print_unreached(reached)
    unexplained = [v for v in verdicts if v["kind"] in ("DIFFERS", "BROKEN", "STALE")]
    sys.exit(1 if unexplained else 0)


def judge(
    found: dict[str, dict[str, Any]], only: str | None = None
) -> list[dict[str, str]]:
    """Return a verdict for each scenario and way that do not agree.

    Kinds: BROKEN (the oracle raised: mend the scenario), DIFFERS, STALE (marked
    as differing, but does not), meant (differs, and says why).
    """
    verdicts = []
    for scenario in harness.scenarios(only):
        oracle = found["oracle"].get(scenario.name)
        if oracle is None or ("raised" in oracle and not scenario.differs):
            text = (
                "" if oracle is None else f"{oracle['raised']}\n{oracle['traceback']}"
            )
            verdicts.append(_verdict("BROKEN", scenario, "oracle", text))
            continue
        for way, results in found.items():
            if way == "oracle" or scenario.name not in results:
                continue
            diff = compare.difference(oracle, results[scenario.name])
            if scenario.differs and diff is None:
                text = "marked as differing, but does not: " + scenario.differs
                verdicts.append(_verdict("STALE", scenario, way, text))
            elif diff is not None:
                kind = "meant" if scenario.differs else "DIFFERS"
                text = f"{scenario.differs}\n{diff}" if scenario.differs else diff
                verdicts.append(_verdict(kind, scenario, way, text))
    return verdicts


def _verdict(
    kind: str, scenario: harness.Scenario, way: str, text: str
) -> dict[str, str]:
    return {
        "kind": kind,
        "module": scenario.module,
        "name": scenario.name,
        "way": way,
        "text": text,
    }


def _print(
    verdicts: list[dict[str, str]], found: dict[str, Any], ways: list[str]
) -> None:
    for verdict in verdicts:
        if verdict["kind"] != "meant":
            print(f"=== {verdict['kind']} [{verdict['way']}] {verdict['name']}")
            print(verdict["text"])
    count = Counter((verdict["way"], verdict["kind"]) for verdict in verdicts)
    print(f"{len(found['oracle'])} scenarios")
    for way in ["oracle", *ways]:
        kinds = {kind: n for (at, kind), n in count.items() if at == way}
        print(f"  {way}: {len(found[way])} ran, {kinds or 'no difference'}")


def _markdown(verdicts: list[dict[str, str]]) -> str:
    lines = ["# Parity differences", ""]
    module = None
    for verdict in verdicts:
        if verdict["kind"] == "meant":
            continue
        if verdict["module"] != module:
            module = verdict["module"]
            lines += [f"## {module}", ""]
        lines += [f"### {verdict['kind']} [{verdict['way']}] {verdict['name']}", ""]
        lines += ["```diff", verdict["text"], "```", ""]
    return "\n".join(lines)


def _print_unreached(reached: list[str]) -> None:
    from . import names

    texts = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(harness.FOLDER.glob("scenarios_*.py"))
    )
    words = set(re.findall(r"\w+", texts))
    missing = names.unreached(set(reached), words)
    print(f"{len(missing)} public names that no scenario reaches")
    for name in missing:
        print(f"  {name}")


if __name__ == "__main__":
    main()
