"""The layers of the package, from its source: see docs/internals.rst.

Nothing is imported here, so that imports in functions and for type checkers count
like all others.
"""

from __future__ import annotations

import ast
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

PACKAGE = pathlib.Path(__file__).parents[1] / "mongoengine"

#: From the bottom; a part of the package imports from itself and from lower layers.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "compatibility"),
    ("driver",),
    ("connection",),
    ("mongodb_support", "pymongo_support", "signals"),
    ("base",),
    ("query",),
    ("operations",),
    ("dereference",),
    ("context_managers",),
    ("fields",),
    ("queryset",),
    ("plain",),
    ("document",),
    (
        "",
        "common",
        "compatibility.*",
        "cli",
        "testing",
        "__main__",
    ),
)
LEVELS = {part: level for level, parts in enumerate(LAYERS) for part in parts}
#: The rest of `compatibility` is loaded when somebody asks for a name.
LOADED_BY_ALL = {"compatibility", "compatibility.names"}
#: Folders that send nothing themselves.
PURE = ("base", "query", "fields")
CLIENTS = {"MongoClient", "AsyncMongoClient"}
#: What a field is asked to do in an operation; it calls functions of operations.
HOOKS = {"_before_insert", "before_insert", "_after_delete", "after_delete"}
#: Operations that are called in one way only.
ONE_FACE = {
    "Document: _validate.validate",  # `validate` of `base` waits for nothing
    "EmbeddedDocument: _validate.validate",
    "operations.attached: _FETCH_PROXY",  # a blocking access gives the document
    "CachedReferenceField: copies.update_copies",  # blinker calls it back
}
#: The functions that make faces; `pending` makes one that is awaited, too.
FACES = {
    "blocking": "blocking",
    "blocking_as": "blocking",
    "asynchronous": "asynchronous",
    "asynchronous_as": "asynchronous",
    "pending": "asynchronous",
}
LINES = 600
FUNCTION_LINES = 60
TWINS = (("blocking", "asynchronous"), ("asynchronous", "blocking"))

Violations: TypeAlias = Iterator[str]


@functools.cache
def modules() -> dict[str, pathlib.Path]:
    """The modules of the package by name, without `mongoengine.`: `base.fields`."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def part_of(module: str) -> str:
    """The folder of a module, or the module at the top itself."""
    if parent_of(module) == "compatibility" and module not in LOADED_BY_ALL:
        return "compatibility.*"
    return module.partition(".")[0]


@functools.cache
def imports_of(module: str) -> dict[str, int]:
    """The modules of the package that a module imports anywhere, and the line."""
    found: dict[str, int] = {}
    package = module if modules()[module].name == "__init__.py" else parent_of(module)
    for node in ast.walk(tree_of(module)):
        for target in targets_of(node, package):
            if target != module:
                found.setdefault(target, node.lineno)
    return found


def parent_of(module: str) -> str:
    return module.rpartition(".")[0]


def targets_of(node: ast.AST, package: str) -> Iterator[str]:
    """The modules of the package that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            parts = ["mongoengine", *package.split(".")]
            origin = ".".join([*parts[: len(parts) - node.level + 1], origin])
            origin = origin.strip(".")
        names = []
        for alias in node.names:
            full = f"{origin}.{alias.name}"
            names.append(full if short(full) in modules() else origin)
    else:
        return
    for name in names:
        if (name + ".").startswith("mongoengine.") and short(name) in modules():
            yield short(name)


def short(name: str) -> str:
    return name.removeprefix("mongoengine").removeprefix(".")


# -- the rules ------------------------------------------------------------------


def imports_from_higher_layers() -> Violations:
    for module in modules():
        level = LEVELS[part_of(module)]
        for target in imports_of(module):
            beside = part_of(target) != part_of(module)
            if LEVELS[part_of(target)] > level or (
                LEVELS[part_of(target)] == level and beside and level < len(LAYERS) - 1
            ):
                yield f"{module} imports {target}"


def import_cycles() -> Violations:
    """Modules that import each other through others, in whatever place."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(module: str, edges: Callable[[str], Iterator[str]]) -> None:
        stack = [(module, edges(module))]
        seen.add(module)
        while stack:
            current, following = stack[-1]
            for target in following:
                if target not in seen:
                    seen.add(target)
                    stack.append((target, edges(target)))
                    break
            else:
                order.append(current)
                stack.pop()

    for module in modules():
        if module not in seen:
            visit(module, lambda m: iter(imports_of(m)))
    importers: dict[str, list[str]] = {module: [] for module in modules()}
    for module in modules():
        for target in imports_of(module):
            importers[target].append(module)
    last_first = order[::-1]
    seen.clear()
    for module in last_first:
        if module not in seen:
            order = []
            visit(module, lambda m: iter(importers[m]))
            if len(order) > 1:
                yield from (f"{name} is in an import cycle" for name in order)


def lookups_by_name() -> Violations:
    """Calls of `_import_class`, which is there for other packages."""
    for module in modules():
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call) and called(node) == "_import_class":
                yield f"{module} looks a class up by name"


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def io_in_pure_folders() -> Violations:
    for module in modules():
        if part_of(module) not in PURE:
            continue
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.AsyncFunctionDef):
                if does_io(node):
                    yield f"{module}: {node.name}() has a body that does I/O"
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                for alias in node.names:
                    if alias.name in CLIENTS:
                        yield f"{module} imports {alias.name}"
                    if alias.name == "asyncio" and part_of(module) != "fields":
                        yield f"{module} imports asyncio"


def does_io(function: ast.AsyncFunctionDef) -> bool:
    """Return whether it calls `io`, or takes it without being an operation's hook.

    A declaration for type checkers has no body.
    """
    if ast.unparse(function.body[-1]) == "...":
        return False
    parameters = [*function.args.posonlyargs, *function.args.args]
    if function.name not in HOOKS and any(one.arg == "io" for one in parameters):
        return True
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    owners = [call.value if isinstance(call, ast.Attribute) else call for call in calls]
    return any(isinstance(owner, ast.Name) and owner.id == "io" for owner in owners)


def long_modules() -> Violations:
    for module, path in modules().items():
        if path.read_text(encoding="utf-8").count("\n") > LINES:
            yield f"{module} has more than {LINES} lines"


def long_functions() -> Violations:
    for module in modules():
        for node in ast.walk(tree_of(module)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                end = node.end_lineno or node.lineno
                if end - node.lineno > FUNCTION_LINES:
                    yield f"{module}: {node.name}() has over {FUNCTION_LINES} lines"


def operations_with_one_face() -> Violations:
    """`first = blocking(body)` goes with `async_first = asynchronous(body)`.

    One of the two may stand beside the class, for a function that chooses.
    """
    for module in modules():
        tree = tree_of(module)
        beside = faces_of(tree)
        owners = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        for owner in owners:
            faces = faces_of(owner)
            for maker, other in TWINS:
                for body in faces[maker] - faces[other] - beside[other]:
                    if f"{owner.name}: {body}" not in ONE_FACE:
                        yield f"{owner.name}: {body} has no {other} face"
        for maker, other in TWINS:
            twins = beside[other].union(*(faces_of(owner)[other] for owner in owners))
            for body in beside[maker] - twins:
                if f"{module}: {body}" not in ONE_FACE:
                    yield f"{module}: {body} has no {other} face"


def faces_of(owner: ast.ClassDef | ast.Module) -> dict[str, set[str]]:
    """The bodies that a class or module makes faces of, by what makes them."""
    found: dict[str, set[str]] = {"blocking": set(), "asynchronous": set()}
    statements = list(owner.body)
    for statement in statements:
        if isinstance(statement, ast.If):  # one declaration for type checkers
            statements += statement.orelse
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value:
            for node in ast.walk(statement.value):
                if isinstance(node, ast.Call) and node.args:
                    face = FACES.get(called(node))
                    if face is not None:
                        found[face].add(ast.unparse(node.args[0]))
    return found


def state_set_as_an_attribute() -> Violations:
    """The state of documents is set with `set_state`: to dynamic ones, names are data.

    In `base` it is set also as an attribute, of documents that are being made.
    """
    names = state_names()
    for module in modules():
        if part_of(module) == "base":
            continue
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
                owner = ast.unparse(node.value)
                if node.attr in names and (owner != "self" or module == "document"):
                    yield f"{module} sets {owner}.{node.attr}"


def state_names() -> set[str]:
    """Return the names that the package sets with `set_state`, less containers'."""
    setters = {"set_state", "remove_state", "__setattr__", "__delattr__"}
    names = set()
    for module in modules():
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call) and called(node) in setters:
                for name in node.args[1:2]:
                    if isinstance(name, ast.Constant):
                        names.add(name.value)
    return names - {"_instance"}


# -- what is not yet as it should be --------------------------------------------

#: By rule.  Each is to go; add none but for a module that was split or renamed.
EXCEPTIONS: dict[Callable[[], Violations], set[str]] = {
    imports_from_higher_layers: set(),
    import_cycles: set(),
    lookups_by_name: set(),
    io_in_pure_folders: set(),
    long_modules: set(),
    long_functions: set(),
    operations_with_one_face: set(),
    state_set_as_an_attribute: set(),
}


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {part_of(module) for module in modules()} == set(LEVELS)


@pytest.mark.parametrize("rule", EXCEPTIONS, ids=lambda rule: rule.__name__)
def test_the_package_keeps_to_its_layers(rule: Callable[[], Violations]) -> None:
    found = set(rule())
    new = "\n".join(sorted(found - EXCEPTIONS[rule]))
    assert not new, f"{rule.__name__}:\n{new}"
    unneeded = "\n".join(sorted(EXCEPTIONS[rule] - found))
    assert not unneeded, f"no exceptions any more:\n{unneeded}"
