"""Scenarios, and the arguments that they are called with."""

from __future__ import annotations

import importlib
import pathlib
import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pymongo

from .recording import Recorder
from .scripted import Reply, ScriptedServer
from .values import Canon

__all__ = (
    "Database",
    "Scenario",
    "differs",
    "modules",
    "named",
    "needs",
    "not_async",
    "scenarios",
)

FOLDER = pathlib.Path(__file__).parent
Function = Callable[[Any, "Database"], Any]


def differs(why: str) -> Callable[[Function], Function]:
    """Mark a scenario in which this package differs from upstream on purpose."""

    def mark(function: Function) -> Function:
        function.parity_differs = why  # type: ignore[attr-defined]
        return function

    return mark


def needs(feature: str) -> Callable[[Function], Function]:
    """Mark a scenario of a feature that the embedded server lacks.

    The scenario itself calls `db.scripted(...)` and so compares the commands.
    """

    def mark(function: Function) -> Function:
        function.parity_needs = feature  # type: ignore[attr-defined]
        return function

    return mark


def not_async(why: str) -> Callable[[Function], Function]:
    """Mark a scenario that the asynchronous run leaves out, and say why."""

    def mark(function: Function) -> Function:
        function.parity_not_async = why  # type: ignore[attr-defined]
        return function

    return mark


@dataclass(frozen=True)
class Scenario:
    """One scenario: its name is `module.function`."""

    module: str
    function: Function

    @property
    def name(self) -> str:
        return f"{self.module}.{self.function.__name__}"

    @property
    def differs(self) -> str | None:
        return getattr(self.function, "parity_differs", None)

    @property
    def needs(self) -> str | None:
        return getattr(self.function, "parity_needs", None)

    @property
    def not_async(self) -> str | None:
        return getattr(self.function, "parity_not_async", None)


def modules() -> list[str]:
    """The names of the modules of scenarios, without `scenarios_`."""
    paths = sorted(FOLDER.glob("scenarios_*.py"))
    return [path.stem.removeprefix("scenarios_") for path in paths]


def scenarios(only: str | None = None) -> Iterator[Scenario]:
    """Every scenario of this folder, in order of module and line."""
    wanted = re.compile(only or "")
    for module in modules():
        for scenario in _scenarios_of(module):
            if wanted.search(scenario.name):
                yield scenario


def named(name: str) -> Scenario:
    """The scenario called `module.function`."""
    module, _, function = name.partition(".")
    return Scenario(module, getattr(_module(module), function))


def _module(short: str) -> types.ModuleType:
    return importlib.import_module(f"{__package__}.scenarios_{short}")


def _scenarios_of(short: str) -> Iterator[Scenario]:
    module = _module(short)
    for name, function in list(vars(module).items()):
        own = getattr(function, "__module__", None) == module.__name__
        if not own or name.startswith("_") or isinstance(function, type):
            continue
        if callable(function):
            yield Scenario(short, function)


class Database:
    """A scenario's own database, and what was sent to it.

    `name` is its name, `uri` its server; the alias "default" is connected to it.
    Databases of further aliases are called `name` plus a suffix.
    """

    def __init__(
        self,
        me: Any,
        uri: str,
        name: str,
        canon: Canon,
        connect: Callable[..., Any] | None = None,
    ) -> None:
        self.me = me
        self.uri = uri
        self.name = name
        self.canon = canon
        self.recorder = Recorder()
        self.plain: pymongo.MongoClient[Any] = pymongo.MongoClient(uri)
        self._connect = connect or me.connect
        self._names = [name]
        self._servers: list[ScriptedServer] = []

    # -- what scenarios use

    def commands(self) -> list[Any]:
        """The commands sent since the last call, with placeholders."""
        taken = self.recorder.compared(self.name)
        return [self.canon(command) for command in taken]

    def quiet(self) -> None:
        """Forget the commands sent so far."""
        self.recorder.compared(self.name)

    def raw(self, collection: str, suffix: str = "") -> list[Any]:
        """The documents of a collection as they are stored, unrecorded."""
        return list(self.plain[self.name + suffix][collection].find())

    def insert(self, collection: str, *documents: Any, suffix: str = "") -> None:
        """Store documents behind the library's back, unrecorded."""
        self.plain[self.name + suffix][collection].insert_many(list(documents))

    def error(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`[class, text]` of what a call raises, or `{"returned": value}`."""
        try:
            return {"returned": self.canon(function(*args, **kwargs))}
        except Exception as error:
            return [type(error).__name__, self.canon.text(str(error))]

    def warned(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`[[category, text], ...]` of the warnings that a call gives."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(*args, **kwargs)
        return [
            [warning.category.__name__, self.canon.text(str(warning.message))]
            for warning in caught
            if not issubclass(warning.category, ResourceWarning)
        ]

    def connect(self, alias: str, suffix: str = "", **settings: Any) -> Any:
        """Connect another alias, to the database `name + suffix`."""
        name = self.name + suffix
        if name not in self._names:
            self._names.append(name)
            self.plain.drop_database(name)
        settings = {"event_listeners": [self.recorder], **settings}
        return self._connect(name, alias=alias, host=self.uri, **settings)

    def scripted(
        self, script: Mapping[str, Reply] | None = None, alias: str = "default"
    ) -> None:
        """Connect an alias to a server that answers by a script.

        `script` maps the name of a command to its reply, or to a function from
        the command to the reply.
        """
        server = ScriptedServer(script)
        self._servers.append(server)
        self.me.disconnect(alias)
        listeners = {"event_listeners": [self.recorder]}
        self._connect(self.name, alias=alias, host=server.uri, **listeners)
        self.quiet()

    def publish(self, *classes: type) -> None:
        """Make classes importable, as pickling needs it."""
        module = sys.modules.setdefault("published", types.ModuleType("published"))
        for cls in classes:
            cls.__module__ = "published"
            cls.__qualname__ = cls.__name__
            setattr(module, cls.__name__, cls)

    # -- what the runner uses

    def open(self) -> None:
        self.plain.drop_database(self.name)
        self._connect(self.name, host=self.uri, event_listeners=[self.recorder])

    def close(self) -> None:
        self.me.disconnect_all()
        sys.modules.pop("published", None)
        for name in self._names:
            self.plain.drop_database(name)
        for server in self._servers:
            server.stop()
        self.plain.close()
