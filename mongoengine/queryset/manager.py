"""Managers: the `objects` of document classes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, get_origin, overload

from mongoengine.base import metaclasses
from mongoengine.base.types import Function, Typed, Value
from mongoengine.compatibility import names_of
from mongoengine.queryset.queryset import QuerySet

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("QuerySetManager", "queryset_manager")

V = TypeVar("V")


class QuerySetManager(Typed[Value]):
    """An attribute of document classes that is a new queryset at every reading.

    `queryset_func` takes the queryset over all documents, and returns the one to use;
    see `queryset_manager`.  A subclass may set the class to start from as
    `default`, and define `get_queryset` instead of passing a function.

    The class of the querysets may be a type parameter, which type checkers read, too;
    it is then the `queryset_class` of the document class::

        class User(Document):
            objects = QuerySetManager[UserQuerySet]()
    """

    # Set by `QuerySetManager[UserQuerySet]()`.
    __orig_class__: object = None

    get_queryset: Function | None = None
    default: ClassVar[type[Any]] = QuerySet

    def __init__(self, queryset_func: Function | None = None) -> None:
        if queryset_func:
            self.get_queryset = queryset_func

    @property
    def queryset_class(self) -> type[Any] | None:
        """The class of the type parameter, or None."""
        parameters = getattr(self.__orig_class__, "__args__", ())
        parameter = parameters[0] if parameters else None
        cls = get_origin(parameter) or parameter
        return cls if isinstance(cls, type) else None

    @overload
    def __get__(self, instance: None, owner: object) -> Value: ...

    @overload
    def __get__(self, instance: object, owner: object = None) -> Self: ...

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


@overload
def queryset_manager(func: Callable[[Any, Any], V]) -> QuerySetManager[V]: ...
@overload
def queryset_manager(func: Callable[[Any], V]) -> QuerySetManager[V]: ...
@overload
def queryset_manager(func: Function) -> QuerySetManager[Any]: ...
def queryset_manager(func: Function) -> QuerySetManager[Any]:
    """Make an attribute like `objects` of a function of a document class.

    The function takes the document class and the queryset over all of its
    documents, or the queryset alone, and gives the queryset that readers of the
    attribute get::

        @queryset_manager
        def published(doc_cls, queryset):
            return queryset.filter(published=True)

    Annotate the queryset and the result, and type checkers know what the attribute
    gives.
    """
    return QuerySetManager(func)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
