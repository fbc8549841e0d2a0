"""Documents of `map_reduce`: the results of JavaScript, by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.base.sentinels import MISSING
from mongoengine.base.types import AnyCollection
from mongoengine.driver.io import asynchronous, blocking

if TYPE_CHECKING:
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("MapReduceDocument",)


class MapReduceDocument:
    """One result of a map/reduce query.

    :param document: the document class that was queried.
    :param collection: the PyMongo collection that holds the results.
    :param key: the key of the result, often the `_id` of a document.
    :param value: what was computed for the key.
    """

    __module__ = "mongoengine.document"

    def __init__(
        self, document: type[Any], collection: AnyCollection, key: object, value: object
    ) -> None:
        self._document = document
        self._collection = collection
        self.key = key
        self.value = value
        self._key_object: object = MISSING

    async def _fetch(self, io: IO, /, *, session: Session = None) -> Any:
        """Return the document whose primary key is `key`, or None; loaded once."""
        if self._key_object is MISSING:
            self.key = str(self.key)
            found = await io.call(self._document.objects, "with_id", self.key)
            self._key_object = found
        return self._key_object

    fetch = blocking(_fetch)
    async_fetch = asynchronous(_fetch)

    @property
    def object(self) -> Any:
        """The document whose primary key is `key`, as `fetch()` gives it."""
        return self.fetch()
