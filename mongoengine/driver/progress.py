"""Show the progress of a long loop on standard error."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Protocol

__all__ = ("Bar", "progress_bar")

#: How many lines are printed for a loop where there is no bar.
_LINES = 10


class Bar(Protocol):
    """A bar of tqdm, or what is used in its place."""

    def update(self, n: int = 1) -> object:
        """Note that so many more are done."""

    def close(self) -> object:
        """Note that the loop has ended."""


class _Lines:
    """Print a line after each tenth of the documents."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total = name, total
        self._done = self._printed = 0
        print(f"{name}: install tqdm for a progress bar", file=sys.stderr)

    def update(self, n: int = 1) -> None:
        self._done += n
        if (self._done - self._printed) * _LINES >= self._total:
            self._print()

    def close(self) -> None:
        if self._done != self._printed:
            self._print()

    def _print(self) -> None:
        self._printed = self._done
        print(f"{self._name}: {self._done} of {self._total} documents", file=sys.stderr)


def progress_bar(name: str, total: int) -> Bar:
    """Return a bar of tqdm, or one that prints lines where that is not installed.

    :param name: what stands before it
    :param total: the number of documents
    """
    if importlib.util.find_spec("tqdm") is None:
        return _Lines(name, total)
    bar: Bar = importlib.import_module("tqdm").tqdm(
        desc=name, total=total, unit="doc", file=sys.stderr
    )
    return bar
