"""Users' hooks in validating: `clean()` and `validation=`, which may be coroutines.

`validate()` awaits nothing.  So asynchronous operations await the hooks beforehand and
run `validate()` with the results at hand; elsewhere a coroutine is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeAlias

from mongoengine.base.types import Convert

__all__ = (
    "Results",
    "awaited_results",
    "clean_is_off",
    "coroutines_exist",
    "is_coroutine_function",
    "note_hook",
    "note_sequence",
    "refuse_coroutine",
    "result_of_validation",
    "run_clean",
    "sequences_exist",
    "without_clean",
)

#: What hooks raised, or None, by `id(document)` or `(id(field), id(value))`.
Results: TypeAlias = MutableMapping[Any, Exception | None]

_sequences: list[str] = []

_results: ContextVar[Results | None] = ContextVar("hook_results", default=None)
_clean_is_off: ContextVar[bool] = ContextVar("clean_is_off", default=False)

_noted: list[str] = []


def is_coroutine_function(hook: object) -> bool:
    """Return whether calling a hook gives a coroutine."""
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(
        getattr(hook, "__call__", None)  # noqa: B004 - the method itself
    )


def note_hook(hook: object, name: str) -> None:
    """Remember that there are coroutine hooks, if this is one.

    Programs without any do not look for them in their documents.
    """
    if is_coroutine_function(hook):
        _noted.append(name)


def coroutines_exist() -> bool:
    """Return whether any class or field has a coroutine function for a hook."""
    return bool(_noted)


def note_sequence(name: str) -> None:
    """Remember that a field takes numbers.

    Programs without any do not look for them in values of any type.
    """
    _sequences.append(name)


def sequences_exist() -> bool:
    """Return whether any field takes numbers."""
    return bool(_sequences)


@contextmanager
def awaited_results(results: Results) -> Iterator[None]:
    """Let `validate()` use the results of hooks that have been awaited."""
    token = _results.set(results)
    try:
        yield
    finally:
        _results.reset(token)


@contextmanager
def without_clean() -> Iterator[None]:
    """Do not call `clean()` of embedded documents, wherever they are."""
    token = _clean_is_off.set(True)
    try:
        yield
    finally:
        _clean_is_off.reset(token)


def clean_is_off() -> bool:
    """Return whether `clean()` is not called in this validation."""
    return _clean_is_off.get()


def run_clean(document: object, clean: Callable[[], object]) -> None:
    """Call `clean()` of a document, or raise what it raised when it was awaited."""
    if _clean_is_off.get():
        return
    results = _results.get()
    if results is not None and id(document) in results:
        failure = results[id(document)]
        if failure is not None:
            raise failure
        return
    answer = clean()
    if answer is not None and inspect.isawaitable(answer):
        refuse_coroutine(answer, f"{type(document).__name__}.clean()")


def result_of_validation(field: Any, value: object, check: Convert) -> Exception | None:
    """Call the `validation` of a field, or raise what it raised when it was awaited."""
    results = _results.get()
    key = id(field), id(value)
    if results is not None and key in results:
        failure = results[key]
        if failure is not None:
            raise failure
        return None
    answer = check(value)
    if answer is not None and inspect.isawaitable(answer):
        owner = getattr(field.owner_document, "__name__", "")
        refuse_coroutine(answer, f"validation of {owner}.{field.name}")
    return answer


def refuse_coroutine(answer: object, name: str) -> NoReturn:
    """Raise the error for a coroutine hook in a blocking operation."""
    if inspect.iscoroutine(answer):
        answer.close()
    raise RuntimeError(
        f"{name} is a coroutine function, which blocking operations cannot await: "
        "use async_save(), async_validate() or another async_ method, or a plain "
        "function"
    )
