"""`DeReference`, which puts documents in the place of references to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.compatibility import names_of
from mongoengine.driver.io import asynchronous, blocking
from mongoengine.operations import related

if TYPE_CHECKING:
    from mongoengine.driver.io import IO

__all__ = ("DeReference",)


class DeReference:
    """Puts documents in the place of references to them.

    References are `DBRef`, generic references (`{"_cls": ..., "_ref": DBRef}`) and,
    in lists and dicts of a `ReferenceField`, plain ids.  Those of which there is no
    document are left as they are.
    """

    async def _follow(
        self,
        io: IO,
        /,
        items: object,
        max_depth: int = 1,
        instance: object = None,
        name: str | None = None,
    ) -> Any:
        """Return the items with documents instead of references.

        Sends one `find` per level and collection.

        :param items: a list, dict, queryset, document or reference.
        :param max_depth: how many levels to follow. Documents among the items are
            a level of their own; 0 follows nothing.
        :param instance: the document that holds the items.
        :param name: the name of the field in it, or the path inside that field.
        :returns: a list or dict that belongs to `instance` is changed in place;
            otherwise a new list or dict, unless there was nothing to follow.
        """
        return await related.follow_items(io, items, max_depth, instance, name)

    follow = blocking(_follow)
    async_follow = asynchronous(_follow)

    def __call__(
        self,
        items: object,
        max_depth: int = 1,
        instance: object = None,
        name: str | None = None,
    ) -> Any:
        """Return the items with documents instead of references, as `follow()`."""
        return self.follow(items, max_depth, instance, name)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
