"""Put the documents that a `$lookup` has found in the place of references."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from bson import DBRef

from mongoengine.base.references import hashable
from mongoengine.base.types import Convert, RawDocument
from mongoengine.operations.related import Place, follow_found, maker_of
from mongoengine.operations.target import marking
from mongoengine.query.paths import JOINED, Join, join_named
from mongoengine.query.related import related_paths

if TYPE_CHECKING:
    from mongoengine.base.document import BaseDocument
    from mongoengine.operations.related import Class
    from mongoengine.query.query import Query

__all__ = ("attaching", "embedding")

#: How many joined documents are kept for those of the following raw documents.
_KEPT = 10_000


class _Joined:
    """The documents that were joined, by collection and key; each is made once."""

    def __init__(self, joins: list[Join], in_part: bool) -> None:
        self._joins = joins
        self._in_part = in_part
        self._raws: dict[tuple[str | None, object], RawDocument] = {}
        self._made: dict[tuple[Place, Hashable], BaseDocument] = {}

    def take(self, raw: RawDocument) -> None:
        """Move the joined documents out of a raw one."""
        if len(self._raws) > _KEPT:
            self._raws, self._made = {}, {}
        for join in self._joins:
            collection = join.cls._get_collection_name()
            for each in joined_raws(raw.pop(join.name, None)):
                self._raws.setdefault((collection, hashable(each["_id"])), each)

    def document(self, place: Place, key: Hashable, cls: Class) -> BaseDocument | None:
        """Return the document with a key, or None."""
        document = self._made.get((place, key))
        if document is None:
            raw = self._raws.get((place.collection, key))
            if raw is None:
                return None
            make = maker_of(cls, place)
            if self._in_part:
                make = marking(make, {"_partial": True})
            document = self._made[place, key] = make(raw)
        return document


def joined_raws(value: Any) -> Iterator[RawDocument]:
    """Yield the documents of a join, of which there may be one, several or none."""
    if isinstance(value, Mapping):
        yield dict(value)
    elif value:
        yield from value


def attaching(query: Query, make: Convert) -> Convert:
    """Return a function that makes documents with those that were joined in place."""
    names = query.loaded_joins
    if not names:
        return make
    joins = [join_named(query.document, name) for name in names]
    paths = related_paths(query.document, [n.removeprefix(JOINED) for n in names])
    joined = _Joined(joins, in_part=bool(query.loaded_fields.fields))

    def make_attached(raw: RawDocument) -> object:
        joined.take(raw)
        document = make(raw)
        follow_found(document, paths, joined.document)
        return document

    return make_attached


# Raw documents


def embedding(query: Query) -> Callable[[RawDocument], RawDocument]:
    """Return a function that puts joined raw documents in the place of their keys."""
    joins = [join_named(query.document, name) for name in query.loaded_joins]
    joins.sort(key=lambda join: -len(join.name))

    def embed(raw: RawDocument) -> RawDocument:
        by_join = {
            join.name: list(joined_raws(raw.pop(join.name, None))) for join in joins
        }
        for join in joins:
            documents = {hashable(each["_id"]): each for each in by_join[join.name]}
            owners = [raw] if join.parent is None else by_join[join.parent.name]
            for owner in owners:
                _replace(owner, join.reference.parts, partial(_document, documents))
        return raw

    return embed


def _document(documents: Mapping[Any, RawDocument], reference: object) -> object:
    """Return the document that a stored reference means, or the reference."""
    key = reference
    if isinstance(reference, DBRef):
        key = reference.id
    elif isinstance(reference, Mapping) and "_id" in reference:
        key = reference["_id"]
    return documents.get(hashable(key), reference)


def _replace(owner: Any, way: list[str], convert: Convert) -> None:
    """Convert the values at a path inside a raw document."""
    if isinstance(owner, list):
        for item in owner:
            _replace(item, way, convert)
    elif isinstance(owner, dict) and way[0] in owner:
        if len(way) > 1:
            _replace(owner[way[0]], way[1:], convert)
            return
        value = owner[way[0]]
        owner[way[0]] = (
            [convert(item) for item in value]
            if isinstance(value, list)
            else convert(value)
        )
