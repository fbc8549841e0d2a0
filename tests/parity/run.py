"""Run the scenarios on one library, in this process, and write their results.

python -m tests.parity.run --library oracle --out oracle.json
python -m tests.parity.run --library ours --touch --trace names.json
python -m tests.parity.run --library async --only documents --show
python -m tests.parity.run --library ours --uri URI --serve     (see workers.py)
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pathlib
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TextIO

ROOT = pathlib.Path(__file__).parents[2]
ORACLE = ROOT / ".oracle"
ORACLE_RELEASE = "mongoengine==0.29.3"
PATIENCE = 120
_SECONDS_TO_INSTALL = 300


def install_oracle() -> None:
    """Install upstream's release in a folder of its own, where it is missing."""
    if (ORACLE / "mongoengine" / "__init__.py").exists():
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run(
        [*pip, "--target", str(ORACLE), ORACLE_RELEASE],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=_SECONDS_TO_INSTALL,
    )


def choose(library: str) -> Any:
    """The library, imported: the oracle's folder comes first for the oracle."""
    if library == "oracle":
        install_oracle()
        sys.path.insert(0, str(ORACLE))
    else:
        sys.path.insert(0, str(ROOT))
    me = importlib.import_module("mongoengine")
    home = pathlib.Path(str(me.__file__)).resolve().parent.parent
    expected = ORACLE if library == "oracle" else ROOT
    if home != expected.resolve():
        raise SystemExit(f"mongoengine came from {home}, not from {expected}")
    for module in ("context_managers", "mongodb_support", "pymongo_support"):
        importlib.import_module(f"mongoengine.{module}")
    return me


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=("oracle", "ours", "async"), required=True)
    parser.add_argument("--out")
    parser.add_argument("--only", help="a regular expression on module.function")
    parser.add_argument("--uri", help="a server; by default MONGODB_URI or our own")
    parser.add_argument("--touch", action="store_true")
    parser.add_argument("--trace", help="write the public names that were reached")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--serve", action="store_true", help="run what is asked for")
    options = parser.parse_args()

    requests, replies = (_requests(), _replies()) if options.serve else (None, None)
    me = choose(options.library)
    from . import server  # after choose(): it imports the library's PyMongo

    with server.server(options.uri) as uri:
        runner = _Runner(me, uri, options)
        if requests is not None:
            while True:
                names = requests.get()
                print(json.dumps(runner.run(names)), file=replies, flush=True)
        from . import harness

        text = json.dumps(runner.run_all(harness.scenarios(options.only)), indent=1)
    if options.out:
        pathlib.Path(options.out).write_text(text, encoding="utf-8")
    if options.show or not options.out:
        print(text)
    sys.stdout.flush()
    os._exit(0)  # clients of abandoned scenarios must not delay the end


def _requests() -> queue.SimpleQueue[list[str]]:
    """The requests, lists of scenario names in JSON, one a line of standard input.

    This process ends when they end, whatever it is doing.
    """
    requests: queue.SimpleQueue[list[str]] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def _replies() -> TextIO:
    """A stream for the replies; what scenarios print goes to standard error."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return replies


class _Runner:
    """Runs scenarios on one library, in one way."""

    def __init__(self, me: Any, uri: str, options: argparse.Namespace) -> None:
        self._me = me
        self._uri = uri
        self._prefix = f"parity_{options.library}_{os.getpid()}"
        self._count = 0
        self._is_async = options.library == "async"
        self._connect: Any = None
        self._call: Callable[[Callable[[], Any]], Any] = _call
        self._trace = options.trace
        self._tracer: Any = None
        if options.touch:
            from . import touching

            touching.touch_every_document(me)
        if self._is_async:
            from . import asynchronous

            self._me = asynchronous.adapt(me)
            self._connect = self._me.connect
            self._call = asynchronous.in_coroutine
        if options.trace:
            from . import tracing

            self._tracer = tracing.Tracer(me)

    def run(self, names: list[str]) -> dict[str, Any]:
        from . import harness

        return self.run_all(harness.named(name) for name in names)

    def run_all(self, chosen: Iterable[Any]) -> dict[str, Any]:
        results = {}
        for scenario in chosen:
            if self._is_async and scenario.not_async:
                continue
            self._count += 1
            name = f"{self._prefix}_{self._count}"
            results[scenario.name] = _run_one(
                self._me,
                self._uri,
                name,
                scenario,
                self._connect,
                self._call,
                self._tracer,
            )
        if self._tracer is not None:
            reached = json.dumps(sorted(self._tracer.reached()), indent=1)
            pathlib.Path(self._trace).write_text(reached, encoding="utf-8")
        return results


def _call(function: Callable[[], Any]) -> Any:
    return function()


class _TooLong(BaseException):
    """A scenario did not end."""


def _give_up(signum: int, frame: Any) -> None:
    raise _TooLong(f"a scenario took more than {PATIENCE} s")


def _run_one(
    me: Any,
    uri: str,
    name: str,
    scenario: Any,
    connect: Any,
    call: Callable[[Callable[[], Any]], Any],
    tracer: Any,
) -> Any:
    from . import harness, values

    canon = values.Canon({name: "DB", _address(uri): "HOST:PORT"})
    canon.know(me.base.BaseDocument, me.base.fields.BaseField)
    known = _Registry(me)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(PATIENCE)
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            db = harness.Database(me, uri, name, canon, connect)

            def result() -> Any:
                try:
                    db.open()
                    if tracer is not None:
                        tracer.start()
                    return canon(scenario.function(me, db))
                finally:
                    if tracer is not None:
                        tracer.stop()
                    db.close()

            return {"result": call(result)}
    except (Exception, _TooLong) as error:
        return {
            "raised": [type(error).__name__, canon.text(str(error))],
            "traceback": _frames(error),
        }
    finally:
        signal.alarm(0)
        known.restore()
        took = time.perf_counter() - started
        if took > 5:
            print(f"{scenario.name}: {took:.1f} s", file=sys.stderr)


def _frames(error: BaseException) -> str:
    """Return where it was raised, without the text of upstream's lines."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[1:]
        if ORACLE not in pathlib.Path(frame.filename).parents
    ]
    return "\n".join(frames[-10:])


def _address(uri: str) -> str:
    return uri.partition("://")[2].partition("/")[0].rpartition("@")[2]


class _Registry:
    """Undo what a scenario leaves behind in the library."""

    def __init__(self, me: Any) -> None:
        self.common = me.base.common
        self.signals = me.signals
        self.before = self._names()

    def _names(self) -> set[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return set(self.common._document_registry)

    def restore(self) -> None:
        registry = getattr(self.common, "_DocumentRegistry", None)
        for name in self._names() - self.before:
            if registry is not None:
                registry.unregister(name)
            else:
                del self.common._document_registry[name]
        for name in ("init", "save", "delete", "bulk_insert"):
            for when in ("pre", "post"):
                getattr(self.signals, f"{when}_{name}")._clear_state()
        self.signals.pre_save_post_validation._clear_state()


if __name__ == "__main__":
    main()
