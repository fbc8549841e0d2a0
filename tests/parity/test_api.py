"""Every public name of upstream exists, and takes every call that upstream takes."""

from __future__ import annotations

import ast
import importlib
import inspect
import warnings
from typing import Any

import pytest

from . import names

POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def _all_names() -> list[tuple[str, str]]:
    """`module:name` and what it is: `from`, `value`, `class`, or a signature."""
    found = []
    for module, contents in names.load().items():
        for name, facts in contents.items():
            place = f"{module}:{name}"
            if "function" in facts:
                found.append((place, facts["function"]))
            elif "class" in facts:
                found.append((place, "class"))
                if facts.get("init"):
                    found.append((f"{place}.__init__", facts["init"]))
                for member, kind in facts["members"].items():
                    found.append((f"{place}.{member}", kind))
            else:
                found.append((place, "name"))
    return found


ALL = dict(_all_names())


def _find(place: str) -> Any:
    module, _, path = place.partition(":")
    found: Any = importlib.import_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for part in path.split("."):
            found = getattr(found, part)
    return found


@pytest.mark.parametrize("place", ALL)
def test_name_exists(place: str) -> None:
    try:
        _find(place)
    except AttributeError:
        owner, _, name = place.rpartition(".")
        # A field's instances have it, or the class says that they will.
        cls = _find(owner)
        assert name in _declared(cls), f"{place} is missing"


def _declared(cls: type) -> set[str]:
    declared: set[str] = set()
    for base in cls.__mro__:
        declared |= set(vars(base).get("__annotations__", ()))
        slots = vars(base).get("__slots__", ())
        declared |= {slots} if isinstance(slots, str) else set(slots)
    return declared


# What only passes its arguments on accepts what the other accepts, no more.
PASSED_ON = "(self, *args, **kwargs)"
SIGNATURES = {
    place: kind for place, kind in ALL.items() if "(" in kind and kind != PASSED_ON
}


@pytest.mark.parametrize("place", SIGNATURES)
def test_calls_are_accepted(place: str) -> None:
    upstream = _parsed(SIGNATURES[place])
    ours = list(inspect.signature(_raw(place)).parameters.values())
    problems = _problems(upstream, ours)
    assert not problems, f"{place}{SIGNATURES[place]} against {ours}: {problems}"


def _raw(place: str) -> Any:
    """The function behind a name, with its first parameter if it has one."""
    owner, _, name = place.rpartition(".")
    if ":" in owner:
        cls = _find(owner)
        getattr(cls, name)  # replaces what is deferred
        for base in cls.__mro__:
            if name in vars(base):
                found = vars(base)[name]
                return getattr(found, "__func__", found)
    return _find(place)


def _parsed(signature: str) -> list[inspect.Parameter]:
    """The parameters of `(self, a, b=None, **c)`, `classmethod(cls, ...)`..."""
    text = signature[signature.index("(") :]
    function = ast.parse(f"def f{text}: pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    kinds = inspect.Parameter
    plain = [*arguments.posonlyargs, *arguments.args]
    first_default = len(plain) - len(arguments.defaults)
    parameters = [
        kinds(
            argument.arg,
            kinds.POSITIONAL_OR_KEYWORD,
            default=None if number >= first_default else kinds.empty,
        )
        for number, argument in enumerate(plain)
    ]
    if arguments.vararg:
        parameters.append(kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    for argument, default in zip(
        arguments.kwonlyargs, arguments.kw_defaults, strict=True
    ):
        missing = kinds.empty if default is None else None
        parameters.append(kinds(argument.arg, kinds.KEYWORD_ONLY, default=missing))
    if arguments.kwarg:
        parameters.append(kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return parameters


def _problems(
    upstream: list[inspect.Parameter], ours: list[inspect.Parameter]
) -> list[str]:
    kinds = inspect.Parameter
    positional = [one for one in ours if one.kind in POSITIONAL]
    by_name = {one.name: one for one in ours}
    any_positional = any(one.kind is kinds.VAR_POSITIONAL for one in ours)
    any_keyword = any(one.kind is kinds.VAR_KEYWORD for one in ours)
    problems = []
    for number, wanted in enumerate(upstream):
        if wanted.kind is kinds.VAR_POSITIONAL:
            if not any_positional:
                problems.append(f"no *{wanted.name}")
        elif wanted.kind is kinds.VAR_KEYWORD:
            if not any_keyword:
                problems.append(f"no **{wanted.name}")
        else:
            problems += _problem_of(
                wanted, number, positional, by_name, any_positional, any_keyword
            )
    known = {one.name for one in upstream if one.default is kinds.empty}
    for one in ours:
        required = one.default is kinds.empty and one.kind not in (
            kinds.VAR_POSITIONAL,
            kinds.VAR_KEYWORD,
        )
        if required and one.name not in known and one is not ours[0]:
            problems.append(f"{one.name} is required")
    return problems


def _problem_of(
    wanted: inspect.Parameter,
    number: int,
    positional: list[inspect.Parameter],
    by_name: dict[str, inspect.Parameter],
    any_positional: bool,
    any_keyword: bool,
) -> list[str]:
    if wanted.name in ("self", "cls", "mcs"):
        return []
    problems = []
    if wanted.kind in POSITIONAL:
        at = positional[number].name if number < len(positional) else None
        if at != wanted.name and not (at is None and any_positional):
            problems.append(f"{wanted.name} is not at position {number}")
    found = by_name.get(wanted.name)
    by_keyword = (
        found is not None and found.kind is not inspect.Parameter.POSITIONAL_ONLY
    )
    if not by_keyword and not any_keyword:
        problems.append(f"{wanted.name} cannot be given by name")
    if (
        found is not None
        and wanted.default is not inspect.Parameter.empty
        and found.default is inspect.Parameter.empty
        and found.kind in POSITIONAL
    ):
        problems.append(f"{wanted.name} is required")
    return problems
