"""The paths that are marked as changed in one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ("ChangedPaths", "without_inner")


class ChangedPaths:
    """Paths in the order in which they were marked, in the names of the database.

    Marking a path takes the same time however many there are.
    """

    __slots__ = ("_above", "_marked", "_overlaps", "_size", "paths", "unnamed")

    def __init__(
        self, paths: Iterable[str] = (), unnamed: tuple[str, ...] = ()
    ) -> None:
        #: A list that everybody else may change as such.
        self.paths = [*paths]
        #: Names of changed fields of a dynamic document that no path can name.
        self.unnamed = unnamed
        # The marked paths, and the paths above them; right for a list of `_size`.
        # They are made when the first path is marked.
        self._marked: set[str]
        self._above: set[str]
        self._size = -1
        # Some marked paths are inside others that were marked later.
        self._overlaps = False

    def __bool__(self) -> bool:
        return bool(self.paths or self.unnamed)

    def mark(self, path: str) -> None:
        """Add a path, unless it or a path above it is marked."""
        if not self.paths:
            # The first one: the sets are made when another comes.
            self.paths.append(path)
            self._size = -1
            return
        if self._size != len(self.paths):
            self._index()
        marked = self._marked
        if path in marked or any(outer in marked for outer in _outer_paths(path)):
            return
        if path in self._above:
            self._overlaps = True
        self.paths.append(path)
        marked.add(path)
        self._above.update(_outer_paths(path))
        self._size += 1

    def mark_unnamed(self, name: str) -> None:
        """Note that a field has changed whose name cannot be part of a path."""
        if name not in self.unnamed:
            self.unnamed += (name,)

    def compact(self) -> None:
        """Remove the paths inside others."""
        if len(self.paths) < 2:
            return
        if self._overlaps or self._size != len(self.paths):
            self.paths[:] = without_inner(self.paths)
            self._overlaps = False
            self._index()

    def _index(self) -> None:
        self._marked = set(self.paths)
        self._above = {o for path in self.paths for o in _outer_paths(path)}
        self._size = len(self.paths)


def without_inner(paths: list[str]) -> list[str]:
    """Return the paths in their order, each once, without those inside another one."""
    ordered = dict.fromkeys(paths)
    return [
        path
        for path in ordered
        if not any(outer in ordered for outer in _outer_paths(path))
    ]


def _outer_paths(path: str) -> Iterator[str]:
    """Yield the paths above one: `a.b.c` -> `a`, `a.b`."""
    end = path.find(".")
    while end != -1:
        yield path[:end]
        end = path.find(".", end + 1)
