"""The paths that are marked as changed in one document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ("ChangedPaths", "without_inner")


class ChangedPaths(list[str]):
    """Paths in the order in which they were marked, in the names of the database.

    It is a list for everybody else, who may change it as such.  Marking a path takes
    the same time however many there are.
    """

    # Class-level defaults, so that making an empty list runs no Python code.
    _known: set[str] | None = None
    # The paths above the marked ones.
    _above: set[str] | None = None
    # The length for which these sets are right.
    _size = 0
    # Some marked paths are inside others that were marked later.
    _overlaps = False
    #: Names of changed fields of a dynamic document that no path can name.
    unnamed: tuple[str, ...] = ()

    def mark(self, path: str) -> None:
        """Add a path, unless it or a path above it is marked."""
        if not self:
            self.append(path)
            return
        known, above = self._index()
        if path in known or any(outer in known for outer in _outer_paths(path)):
            return
        if path in above:
            self._overlaps = True
        self.append(path)
        known.add(path)
        above.update(_outer_paths(path))
        self._size = len(self)

    def mark_unnamed(self, name: str) -> None:
        """Note that a field has changed whose name cannot be part of a path."""
        if name not in self.unnamed:
            self.unnamed += (name,)

    def compact(self) -> None:
        """Remove the paths inside others."""
        if self._overlaps or self._size != len(self) > 1:
            self[:] = without_inner(self)
            self._known = None
            self._overlaps = False
            self._index()

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._known = None

    def _index(self) -> tuple[set[str], set[str]]:
        known, above = self._known, self._above
        if known is None or above is None or self._size != len(self):
            known = self._known = set(self)
            above = self._above = {o for path in self for o in _outer_paths(path)}
            self._size = len(self)
        return known, above


def without_inner(paths: list[str]) -> list[str]:
    """The paths in their order, each once, without those inside another one."""
    ordered = dict.fromkeys(paths)
    return [
        path
        for path in ordered
        if not any(outer in ordered for outer in _outer_paths(path))
    ]


def _outer_paths(path: str) -> Iterator[str]:
    """`a.b.c` -> `a`, `a.b`."""
    end = path.find(".")
    while end != -1:
        yield path[:end]
        end = path.find(".", end + 1)
