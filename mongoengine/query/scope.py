"""The names that the stages of a pipeline may use, and the joins that they need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mongoengine.base.stored_document import StoredDocument
from mongoengine.base.types import RawDocument
from mongoengine.errors import InvalidQueryError
from mongoengine.query.paths import JOINED, Join, Path, join_named, path_of
from mongoengine.query.related import Paths

__all__ = ("Scope", "looked_up_paths")


class Scope:
    """Find the paths of names, and note the joins that lead there.

    `unwound` has the keys of the lists that earlier stages have unwound.
    """

    def __init__(self, document: Any) -> None:
        self.document = document
        self.joins: dict[str, Join] = {}
        self.unwound: frozenset[str] = frozenset()

    def resolve(self, name: str) -> Path:
        """Return the path of a name, and note its joins."""
        path = path_of(self.document, name)
        path.unwound = self.unwound
        if path.join is not None:
            self._add(path.join)
        return path

    def need(self, names: Iterable[str]) -> None:
        """Note the joins with these names."""
        for name in names:
            if name not in self.joins:
                self._add(join_named(self.document, name))

    def _add(self, join: Join) -> None:
        for each in join.lineage():
            each.reference.unwound = self.unwound
            self.joins.setdefault(each.name, each)

    def stages(self, done: Scope | None = None) -> list[RawDocument]:
        """Return the stages of the joins.

        :param done: joins that were made before, which hold where no list on their
            way has been unwound meanwhile
        """
        stages: list[RawDocument] = []
        for name, join in self.joins.items():
            join.reference.unwound = self.unwound
            earlier = done.joins.get(name) if done is not None else None
            if earlier is None or earlier.many is not join.many:
                stages += join.stages()
        return stages


def looked_up_paths(
    document: type[StoredDocument], tree: Paths, alias: str
) -> tuple[dict[str, Any], list[str]]:
    """Divide references: those to load by queries, and the joins of the others.

    A `$lookup` finds the documents of one class in the database of an alias; what is
    referred to by them may be loaded by another one.

    :param tree: the names of references, see `related_paths`
    """
    rest: dict[str, object] = {}
    names: list[str] = []

    def divide(way: list[str], inside: Paths) -> bool:
        """Note the joins of a way and those below; return whether all are possible."""
        try:
            join = path_of(document, "__".join([*way, "pk"])).join
        except InvalidQueryError:
            join = None
        if join is not None and join.name == JOINED + "__".join(way):
            if join.cls._get_db_alias() != alias:
                return False
            names.append(join.name)
        elif not inside:
            return False
        possible = [divide([*way, name], below) for name, below in inside.items()]
        return all(possible)

    for name, inside in tree.items():
        if not divide([name], inside):
            rest[name] = inside
    return rest, names
