"""One process for each way, which runs the scenarios that it is asked for.

The ways run side by side, a module of scenarios at a time.  Each module has a limit
of its own: a process that does not answer in time, or ends, costs the results of
that module in that way, and another process takes its place.  The processes end
with the program that started them, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeAlias

from . import child, oracle_cache, run, server

__all__ = ("LIMIT", "WAYS", "Runs", "WayFailed")

Results: TypeAlias = dict[str, Any]

#: Seconds for one module in one way: the slowest takes 20 on a quiet machine.
LIMIT = 300.0
_LINES_OF_ERRORS = 12
# Sets of strings are shown in texts: in one order, in every process.
_ENVIRONMENT = {**os.environ, "PYTHONHASHSEED": "0"}

#: way -> arguments of `tests.parity.run`
WAYS: dict[str, tuple[str, ...]] = {
    "oracle": ("--library", "oracle"),
    "ours": ("--library", "ours"),
    "touch": ("--library", "ours", "--touch"),
    "async": ("--library", "async"),
}


class WayFailed(Exception):
    """A module of scenarios has no results in one way."""


class Runs:
    """The results of scenarios, per way; running ahead of who asks for them.

    :param names: the scenarios, in the order in which they will be asked for.
    :param ways: names of `WAYS`.
    :param trace: file for the public names that "ours" reaches.
    """

    def __init__(
        self,
        names: Iterable[str],
        ways: Iterable[str] = tuple(WAYS),
        trace: str | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._stack = contextlib.ExitStack()
        self._limit = limit
        modules: dict[str, list[str]] = {}
        for name in names:
            modules.setdefault(name.partition(".")[0], []).append(name)
        self._futures: dict[tuple[str, str], Future[Results]] = {
            (way, module): Future() for way in ways for module in modules
        }
        try:
            uri = self._stack.enter_context(server.server())
            for way in ways:
                arguments = [*WAYS[way], "--uri", uri, "--serve"]
                if trace and way == "ours":
                    arguments += ["--trace", trace]
                worker = _Worker(way, arguments)
                self._stack.callback(worker.close)
                threading.Thread(
                    target=self._run, args=(worker, modules), daemon=True
                ).start()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        self._stack.close()

    def of(self, way: str, module: str) -> Results:
        """The results of a module's scenarios in one way.

        :raises WayFailed: the process did not answer in time, or ended.
        """
        return self._futures[way, module].result()

    def _run(self, worker: _Worker, modules: Mapping[str, list[str]]) -> None:
        for module, names in modules.items():
            future = self._futures[worker.way, module]
            try:
                future.set_result(self._results(worker, module, names))
            except Exception as error:
                future.set_exception(error)

    def _results(self, worker: _Worker, module: str, names: list[str]) -> Results:
        if worker.way != "oracle":
            return worker.ask(module, names, self._limit)
        results = oracle_cache.load(module)
        missing = [name for name in names if name not in results]
        if missing:
            run.install_oracle()
            results |= worker.ask(module, missing, self._limit)
            oracle_cache.store(module, results)
        return results


class _Worker:
    """The process of one way; started when it is first asked, and after a failure."""

    def __init__(self, way: str, arguments: list[str]) -> None:
        self.way = way
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors: Any = None
        self._lock = threading.Lock()
        self._is_closed = False

    def ask(self, module: str, names: list[str], limit: float) -> Results:
        """Run scenarios of one module.

        :param limit: seconds.
        :raises WayFailed: no answer in time, or the process ended.
        """
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(names).encode() + b"\n")
            process.stdin.flush()
            line = self._replies.get(timeout=limit)
        except OSError:
            line = b""
        except queue.Empty:
            raise self._failed(module, f"took more than {limit:.0f} s") from None
        if not line:
            raise self._failed(module, "ended")
        results: Results = json.loads(line)
        return results

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            process, self._process = self._process, None
            if process is not None:
                child.end(process)
                self._errors.close()

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_closed:
                raise WayFailed(f"{self.way}: closed")
            if self._process is None:
                self._replies = queue.SimpleQueue()
                self._errors = tempfile.TemporaryFile()  # noqa: SIM115
                self._process = child.start(
                    f"{__package__}.run",
                    *self._arguments,
                    is_guarded=False,
                    cwd=run.ROOT,
                    env=_ENVIRONMENT,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                )
                threading.Thread(
                    target=_read, args=(self._process, self._replies), daemon=True
                ).start()
            return self._process

    def _failed(self, module: str, what: str) -> WayFailed:
        """End the process; the error that says how it failed."""
        with self._lock:
            process, self._process = self._process, None
        status = ""
        if process is not None:
            status = f" with status {process.poll()}" if what == "ended" else ""
            child.end(process)
        with self._errors as errors:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").splitlines()
        tail = "\n".join(lines[-_LINES_OF_ERRORS:])
        return WayFailed(
            f"the process of scenarios_{module} [{self.way}] {what}{status}\n{tail}"
        )


def _read(process: subprocess.Popen[bytes], replies: queue.SimpleQueue[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            replies.put(line)
    process.wait()
    replies.put(b"")
