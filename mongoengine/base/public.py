"""The modules in which users find our classes, whichever file defines them.

Other packages print, pickle and document classes by the name of their module.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType

from mongoengine.base.types import Namespace

__all__ = ("publish",)

_PACKAGE = __name__.partition(".")[0]

#: The public modules; the first that publishes a class is the one it names.
_PUBLIC = frozenset(
    f"{_PACKAGE}.{name}"
    for name in (
        "base.common",
        "base.datastructures",
        "base.document",
        "base.fields",
        "base.metaclasses",
        "base.utils",
        "connection",
        "context_managers",
        "dereference",
        "document",
        "errors",
        "fields",
        "queryset.base",
        "queryset.field_list",
        "queryset.manager",
        "queryset.queryset",
        "queryset.transform",
        "queryset.visitor",
        "signals",
    )
)

#: Modules of earlier versions, for what was pickled with them.
_MOVED = {
    "_collections": "operations.collections",
    "_indexes": "operations.indexes",
    "_saving": "operations.save",
    "connection_settings": "driver.settings",
    "embedded": "driver.embedded",
    "execution": "driver.io",
    "fields.containers": "fields",
    "query_counter": "driver.query_counter",
    "queryset.aggregation": "operations.aggregate",
    "queryset.cursor": "driver.cursor",
    "queryset.deleting": "operations.delete",
    "queryset.filters": "query.filters",
    "queryset.reading": "operations.read",
    "queryset.updates": "query.updates",
    "queryset.writing": "operations.write",
    "sessions": "driver.session",
    "transactions": "driver.transaction",
}


def publish(namespace: Namespace, *others: str) -> None:
    """Let the classes and functions that a public module exports name that module.

    :param namespace: the `globals()` of the module.
    :param others: names that it has besides those of its `__all__`.
    """
    module = namespace["__name__"]
    for name in (*namespace["__all__"], *others):
        exported = namespace.get(name)  # None where it is imported on first use
        if not isinstance(exported, (type, FunctionType)):
            continue
        defined_in = exported.__module__
        if defined_in.startswith(_PACKAGE) and defined_in not in _PUBLIC:
            exported.__module__ = module


class _MovedModules(MetaPathFinder, Loader):
    """Imports a module of an earlier version as what it is called now."""

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        package, _, rest = name.partition(".")
        if package == _PACKAGE and rest in _MOVED:
            return ModuleSpec(name, self)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        moved = _MOVED[module.__name__.partition(".")[2]]
        target = import_module(f"{_PACKAGE}.{moved}")
        module.__dict__["__getattr__"] = lambda name: getattr(target, name)


sys.meta_path.append(_MovedModules())
