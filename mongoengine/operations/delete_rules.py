"""Delete rules: what happens to documents that refer to a deleted one.

A rule is declared by the field that refers (`reverse_delete_rule`) and kept in the
`delete_rules` of the class that it refers to.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import bson

from mongoengine.base.common import CASCADE, DENY, NULLIFY, PULL
from mongoengine.base.types import PrimaryKey, RawDocument
from mongoengine.errors import OperationError

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.operations.source import AnyQueryset

__all__ = ("Deletion", "Level", "Rule", "current_deletion", "rules_of")


class Rule(NamedTuple):
    """One rule: documents of `owner` refer by the field called `field`."""

    owner: Any
    field: str
    action: int


def rules_of(cls: type[StoredDocument]) -> list[Rule]:
    """Return the rules that apply when documents of a class are deleted."""
    rules = cls._meta.get("delete_rules") or {}
    return [
        Rule(owner, field, action)
        for (owner, field), action in rules.items()
        if action in (NULLIFY, CASCADE, DENY, PULL) and not owner._meta.get("abstract")
    ]


class Deletion:
    """The documents that one deletion and its cascades are deleting, per collection.

    A cascade leaves these out, so that it ends, and deletes each document once, if
    documents refer to each other in a cycle.
    """

    def __init__(self) -> None:
        self._keys: dict[tuple[str, str], dict[Hashable, object]] = {}

    def add(self, place: tuple[str, str], keys: Iterable[object]) -> None:
        """Add primary keys of documents in the collection of an alias."""
        collected = self._keys.setdefault(place, {})
        for key in keys:
            collected[_hashable(key)] = key

    def keys(self, place: tuple[str, str]) -> list[PrimaryKey]:
        """Return the primary keys of the documents in the collection of an alias."""
        return list(self._keys.get(place, {}).values())


def _hashable(key: object) -> Hashable:
    try:
        hash(key)
    except TypeError:
        return bson.encode({"": key})
    result: Hashable = key
    return result


_current: ContextVar[Deletion | None] = ContextVar("deletion", default=None)


@contextmanager
def current_deletion() -> Iterator[Deletion]:
    """Enter the deletion that this task or thread is in, or a new one.

    Cascades may go through methods and signal receivers of users, which do not pass
    it on.
    """
    deletion = _current.get()
    if deletion is not None:
        yield deletion
        return
    deletion = Deletion()
    token = _current.set(deletion)
    try:
        yield deletion
    finally:
        _current.reset(token)


class Level:
    """Documents to delete, and the rules that are to be applied before.

    :param queryset: the queryset of the documents
    :param documents: the documents that it matches
    """

    def __init__(
        self, queryset: AnyQueryset, rules: list[Rule], documents: list[object]
    ) -> None:
        self.queryset = queryset
        self._documents = documents
        self._rules = rules
        self._position = 0

    async def check(self, io: IO) -> None:
        """Apply the rules `DENY`.

        :raises OperationError: if a document refers to one that is to be deleted
        """
        for rule in self._rules:
            if rule.action == DENY and await io.call(
                self._referring(rule).limit(1), "count"
            ):
                raise OperationError(
                    f"Could not delete document ({rule.owner.__name__}.{rule.field} "
                    "refers to it)"
                )

    async def next_cascade(
        self, io: IO, write_concern: object, deletion: Deletion
    ) -> Any:
        """Apply the next rules, up to one that deletes documents.

        :returns: the queryset of the documents to delete, or None at the end
        """
        while self._position < len(self._rules):
            rule = self._rules[self._position]
            self._position += 1
            if rule.action == CASCADE:
                keys = deletion.keys(_place(rule.owner))
                referring = self._referring(rule, pk__nin=keys)
                if await io.call(referring, "count"):
                    return referring
            elif rule.action in (NULLIFY, PULL):
                change: RawDocument = (
                    {f"unset__{rule.field}": 1}
                    if rule.action == NULLIFY
                    else {f"pull_all__{rule.field}": self._documents}
                )
                referring = self._referring(rule)
                change["write_concern"] = write_concern
                await io.call(referring, "update", **change)
        return None

    def _referring(self, rule: Rule, **query: object) -> Any:
        return rule.owner.objects(**{f"{rule.field}__in": self._documents}, **query)


def _place(cls: Any) -> tuple[str, str]:
    return cls._get_db_alias(), cls._get_collection_name()
