"""Run the scenarios on one library, in this process, and write their results.

python -m tests.parity.run --library oracle --out oracle.json
python -m tests.parity.run --library ours --touch --trace names.json
python -m tests.parity.run --library async --only documents --show
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).parents[2]
ORACLE = ROOT / ".oracle"
ORACLE_RELEASE = "mongoengine==0.29.3"
PATIENCE = 60


def install_oracle() -> None:
    """Install upstream's release in a folder of its own, where it is missing."""
    if (ORACLE / "mongoengine" / "__init__.py").exists():
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--target", str(ORACLE), ORACLE_RELEASE], check=True)


def choose(library: str) -> Any:
    """The library, imported: the oracle's folder comes first for the oracle."""
    if library == "oracle":
        install_oracle()
        sys.path.insert(0, str(ORACLE))
    else:
        sys.path.insert(0, str(ROOT))
    if library == "async":
        from . import asynchronous

        asynchronous.prepare(ROOT)
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
    given = parser.parse_args()

    me = choose(given.library)
    from . import server  # after choose(): it imports the library's PyMongo

    with server.server(given.uri) as uri:
        results = _run(me, uri, given)
    text = json.dumps(results, indent=1)
    if given.out:
        pathlib.Path(given.out).write_text(text, encoding="utf-8")
    if given.show or not given.out:
        print(text)
    sys.stdout.flush()
    os._exit(0)  # clients of abandoned scenarios must not delay the end


def _run(me: Any, uri: str, given: argparse.Namespace) -> dict[str, Any]:
    from . import harness

    connect, around = None, contextlib.nullcontext
    if given.touch:
        from . import touching

        touching.touch_every_document(me)
    if given.library == "async":
        from . import asynchronous

        connect, around = asynchronous.adapt(me), asynchronous.as_in_a_coroutine
    chosen = list(harness.scenarios(given.only))
    if given.library == "async":
        chosen = [scenario for scenario in chosen if not scenario.not_async]
    tracer = None
    if given.trace:
        from . import tracing

        tracer = tracing.Tracer(me)
    results = {}
    for number, scenario in enumerate(chosen):
        name = f"parity_{given.library}_{os.getpid()}_{number}"
        results[scenario.name] = _run_one(
            me, uri, name, scenario, connect, around, tracer
        )
    if tracer is not None:
        reached = json.dumps(sorted(tracer.reached()), indent=1)
        pathlib.Path(given.trace).write_text(reached, encoding="utf-8")
    return results


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
    around: Callable[[], Any],
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
            try:
                db.open()
                if tracer is not None:
                    tracer.start()
                with around():
                    return {"result": canon(scenario.function(me, db))}
            finally:
                if tracer is not None:
                    tracer.stop()
                db.close()
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
    """Where it was raised, without the text of upstream's lines."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[1:]
        if ORACLE not in pathlib.Path(frame.filename).parents
    ]
    return "\n".join(frames[-10:])


def _address(uri: str) -> str:
    return uri.partition("://")[2].partition("/")[0].rpartition("@")[2]


class _Registry:
    """What a scenario leaves behind in the library, taken away again."""

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
