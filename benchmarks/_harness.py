"""Helpers of the benchmark scripts: sides, rounds, servers and tables.

A *side* is one way of doing the work: `ours`, the `oracle` (MongoEngine's own
release), `plain` PyMongo, and other libraries where installed.  Each side lives
in a process of its own, since two of them share an import name, and stays alive
for the whole run.  In each round every side does every case once, one after the
other, so that what else the machine does meets all of them alike.  Figures are the
least of all rounds, and ratios those of the least figures: what else runs only adds
to a time, so that many short rounds give the same ratios on a busy machine.

What is timed is CPU time of the thread that does the work, unless a script says
otherwise, so that waiting for a server does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
ORACLE = ROOT / ".oracle"
ORACLE_VERSION = "0.29.3"

#: How long a script measures, and until when it goes on for ROUNDS rounds.
SECONDS, LIMIT, ROUNDS = 60.0, 90.0, 3


@dataclass
class Case:
    """One piece of work: `run(prepare())`, `per` units of it, only `run` timed.

    `run` may be a coroutine function; the worker awaits it on its own loop.
    A case that gives `measure` reports that number in place of a time.
    """

    run: Callable[[Any], Any] | Callable[[Any], Awaitable[Any]] | None = None
    prepare: Callable[[], Any] = lambda: None
    per: int = 1
    measure: Callable[[], float] | None = None
    clock: Callable[[], float] = time.thread_time


Cases = dict[str, Case]
MakeCases = Callable[[str, dict[str, Any]], Cases]


@dataclass(frozen=True)
class Row:
    """A line of a report: `case` of each side against `base` of `base_side`."""

    label: str
    case: str
    base_side: str = "plain"
    base: str | None = None
    goal: float | None = None
    sides: Sequence[str] | None = None


@dataclass
class Results:
    """Seconds (or what `measure` gave) of side, case and round."""

    times: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def least(self, side: str, case: str) -> float | None:
        return min(self.times.get((side, case), ()), default=None)

    def ratio(self, side: str, case: str, other: str, base: str) -> float | None:
        """The least figure of one side and case against the least of another."""
        mine, theirs = self.least(side, case), self.least(other, base)
        return mine / theirs if mine is not None and theirs else None


# -- sides -------------------------------------------------------------------


def environment_of(side: str) -> dict[str, str]:
    """The child's environment: which `mongoengine` an import there finds."""
    environment = {
        **os.environ,
        "PYTHONPATH": {"ours": str(ROOT), "oracle": str(ORACLE)}.get(side, ""),
        "PYTHONHASHSEED": "0",
    }
    # Compiling at each start would be measured as import time.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def available(side: str) -> bool:
    if side == "oracle":
        return (ORACLE / f"mongoengine-{ORACLE_VERSION}.dist-info").is_dir()
    if side in ("beanie", "umongo", "aggify", "msgspec"):
        return importlib.util.find_spec(side) is not None
    return True


def require_oracle() -> None:
    """Install MongoEngine's release where the checkout does not have it yet."""
    if not available("oracle"):
        command = [sys.executable, "-m", "pip", "install", "--quiet"]
        command += ["--target", str(ORACLE), f"mongoengine=={ORACLE_VERSION}"]
        subprocess.run(command, check=True)


class Worker:
    """A side's process: a case's name goes in, its seconds per unit come out."""

    def __init__(self, script: str, side: str, options: dict[str, Any]) -> None:
        self.side = side
        command = [sys.executable, script, "--worker", side, json.dumps(options)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_of(side),
            cwd="/",
        )
        self.cases: list[str] = self._receive()["cases"]

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the {self.side} side ended: see its error above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def measure(self, case: str) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"case": case}) + "\n")
        self.process.stdin.flush()
        return float(self._receive()["seconds"])

    def close(self) -> None:
        self.process.kill()  # it keeps nothing that has to be put in order
        self.process.wait()


async def _serve(make_cases: MakeCases, side: str, options: dict[str, Any]) -> None:
    """The worker's end: answer each request until standard input closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints goes to standard error

    def answer(**message: Any) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    made = make_cases(side, options)
    cases: Cases = await made if isinstance(made, Awaitable) else made
    for case in cases.values():
        await _timed(case)  # once unmeasured, so that caches are warm
    gc.collect()
    gc.freeze()
    answer(cases=list(cases))
    # Waiting must not stop the loop: the clients' monitors live on it.
    while line := await asyncio.to_thread(sys.stdin.readline):
        answer(seconds=await _timed(cases[json.loads(line)["case"]]))


async def _timed(case: Case) -> float:
    if case.measure is not None:
        return case.measure()
    assert case.run is not None
    state = case.prepare()
    if isinstance(state, Awaitable):
        state = await state
    gc.collect()
    started = case.clock()
    result = case.run(state)
    if isinstance(result, Awaitable):
        await result
    return (case.clock() - started) / case.per


def compare(
    script: str,
    sides: Iterable[str],
    *,
    rounds: int,
    options: dict[str, Any] | None = None,
    seconds: float = SECONDS,
) -> Results:
    """Run every case of every side `rounds` times, interleaved.

    Where those would take longer than `seconds`, there are fewer, and a line says so.
    """
    started = time.monotonic()
    workers = [Worker(script, side, options or {}) for side in sides if available(side)]
    results = Results()
    warm = time.monotonic()
    try:
        for done in range(rounds):
            now = time.monotonic()
            end = started + (seconds if done >= ROUNDS else LIMIT)
            if done and now + (now - warm) / done > end:
                print(f"{done} rounds of {rounds}: the others would take too long.\n")
                break
            for case in dict.fromkeys(c for w in workers for c in w.cases):
                for worker in workers:
                    if case in worker.cases:
                        key = (worker.side, case)
                        seconds = worker.measure(case)
                        results.times.setdefault(key, []).append(seconds)
    finally:
        for worker in workers:
            worker.close()
    return results


# -- the server --------------------------------------------------------------


@contextmanager
def server() -> Iterator[str]:
    """The URI of MONGODB_URI's server, or of a fresh embedded one."""
    given = os.environ.get("MONGODB_URI")
    if given:
        yield given
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "secantus", "--port", str(port)]
    command += ["--storage-path", ":memory:", "--log-level", "ERROR"]
    process = subprocess.Popen(command, cwd="/", stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        process.kill()  # its data is in memory: there is nothing to put in order
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(
                "the embedded server did not start: pip install '.[bench]'"
            )
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the embedded server did not answer within 30 seconds")


# -- reports -----------------------------------------------------------------


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def size(count: float | None) -> str:
    return "-" if count is None else f"{count / 1024:.2f} KB"


def times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f} x"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A reStructuredText simple table, which reads well on a terminal too."""
    lines = [list(header), *([cell or "-" for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    rule = "  ".join("=" * width for width in widths)
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    ]
    return "\n".join([rule, text[0].rstrip(), rule, *map(str.rstrip, text[1:]), rule])


def report(
    results: Results,
    rows: Iterable[Row],
    sides: Sequence[str],
    *,
    base_label: str = "plain",
    unit: Callable[[float | None], str] = duration,
) -> str:
    """One line a case: each side's figure, its ratio to the base, and the goal."""
    shown = [s for s in sides if any(side == s for side, _ in results.times)]
    header = ["work", base_label]
    for side in shown:
        header += [side, "ratio"]
    header += ["goal", "met"]
    lines = []
    for row in rows:
        base = row.base or row.case
        line = [row.label, unit(results.least(row.base_side, base))]
        for side in shown:
            line.append(unit(results.least(side, row.case)))
            line.append(times(results.ratio(side, row.case, row.base_side, base)))
        line += verdict(results.ratio("ours", row.case, row.base_side, base), row.goal)
        lines.append(line)
    return table(header, lines)


def verdict(ratio: float | None, goal: float | None) -> list[str]:
    if goal is None:
        return ["", ""]
    if ratio is None:
        return [f"{goal:g} x", ""]
    return [f"{goal:g} x", "yes" if ratio <= goal else "NO"]


def machine() -> str:
    """A line on what the figures were taken on."""
    import pymongo

    model = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return (
        f"CPython {platform.python_version()}, PyMongo {pymongo.version}, "
        f"{os.cpu_count()} cores of {model}, {platform.system()}"
    )


def main(
    make_cases: MakeCases,
    run: Callable[[argparse.Namespace], None],
    *,
    rounds: int = 15,
    more: Callable[[argparse.ArgumentParser], None] | None = None,
) -> None:
    """The end of every script: be a worker where asked, else run and print."""
    if len(sys.argv) == 4 and sys.argv[1] == "--worker":
        asyncio.run(_serve(make_cases, sys.argv[2], json.loads(sys.argv[3])))
        return
    parser = argparse.ArgumentParser(
        description=(sys.modules["__main__"].__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=rounds)
    if more is not None:
        more(parser)
    # So that a run that is stopped takes its workers and its server with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run(parser.parse_args())
