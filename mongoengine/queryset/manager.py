"""Managers: the `objects` of document classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from mongoengine.base import metaclasses
from mongoengine.compatibility import names_of
from mongoengine.queryset.queryset import QuerySet

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument

__all__ = ("QuerySetManager", "queryset_manager")

D = TypeVar("D", bound="StoredDocument")


class QuerySetManager:
    """An attribute of document classes that is a new queryset at every reading.

    `queryset_func` makes of the queryset over all documents the one that is
    given; see `queryset_manager`.  A subclass may set the class to start from as
    `default`, and define `get_queryset` instead of passing a function.
    """

    get_queryset: Callable[..., Any] | None = None
    default: ClassVar[type[Any]] = QuerySet

    def __init__(self, queryset_func: Callable[..., Any] | None = None) -> None:
        if queryset_func:
            self.get_queryset = queryset_func

    @overload
    def __get__(self, instance: None, owner: type[D]) -> QuerySet[D]: ...

    @overload
    def __get__(self, instance: object, owner: Any = None) -> QuerySetManager: ...

    def __get__(self, instance: object | None, owner: Any = None) -> Any:
        if instance is not None:
            return self
        queryset_class = owner._meta.get("queryset_class", self.default)
        queryset = queryset_class(owner, None)
        narrow = self.get_queryset
        if not narrow:
            return queryset
        takes = narrow.__code__.co_argcount
        if takes == 1:
            return narrow(queryset)
        if takes == 2:
            return narrow(owner, queryset)
        return partial(narrow, owner, queryset)


metaclasses.manager_class = QuerySetManager


def queryset_manager(func: Callable[..., Any]) -> QuerySetManager:
    """Make an attribute like `objects` of a function of a document class.

    The function takes the document class and the queryset over all of its
    documents, or the queryset alone, and gives the queryset that readers of the
    attribute get::

        @queryset_manager
        def published(doc_cls, queryset):
            return queryset.filter(published=True)
    """
    return QuerySetManager(func)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
