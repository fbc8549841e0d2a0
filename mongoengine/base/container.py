"""The base of tracked lists and dicts."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from mongoengine.base.bson_types import PLAIN
from mongoengine.base.items import (
    WholePath,
    inner_path,
    stored_items,
    stored_values,
)
from mongoengine.base.proxies import AWAITABLE, is_document, item_proxy
from mongoengine.base.state import set_state
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import Keywords, PythonValue

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Self

    from mongoengine.driver.session import Session

__all__ = ("BOUND", "PROXIES", "TrackedContainer", "parent_of")

PROXIES = frozenset(weakref.ProxyTypes)

#: The classes whose objects know their document and their path; `tracked` adds them.
BOUND: set[type] = set()


def parent_of(instance: object) -> object:
    """Return a weak reference to a document; a proxy that is one already stays."""
    if type(instance) in PROXIES or not isinstance(instance, ChangeTracking):
        return instance
    return weakref.proxy(instance)


def _contains(container: object, wanted: object) -> bool:
    """Return whether a container is somewhere inside another one."""
    return isinstance(container, (dict, list)) and any(
        item is wanted or _contains(item, wanted) for item in stored_values(container)
    )


class TrackedContainer:
    """Base class of tracked lists and dicts: a parent, a path, nested items."""

    # Its subclasses have the slots for what is declared here.
    if not TYPE_CHECKING:
        __slots__ = ()

    _instance: Any
    _name: Any
    _dereferenced: bool
    #: Whether nested containers are tracked and know their paths, so that items may be
    #: handed out as they are; None while that is being done.
    _is_bound: bool | None

    def _mark_as_changed(self, key: object = None) -> None:
        """Mark an item, or the whole container, as changed in the document."""
        self._is_bound = False  # again: another thread may have read it meanwhile
        try:
            mark = getattr(self._instance, "_mark_as_changed", None)
        except ReferenceError:
            # The document is gone.
            return
        if mark is None:
            return
        path = self._name if key is None else inner_path(self._name, key)
        if "." in path and not self._is_at(self._name):
            # It was moved, by adding or removing items before it.
            path = path.partition(".")[0]
        mark(path)

    def _is_at(self, path: str) -> bool:
        """Return whether the document holds this container at a path."""
        try:
            values = self._instance._values
        except (AttributeError, ReferenceError):
            # There is no document, or it is gone.
            return False
        # A field of a dynamic document may have dots in its name.
        first, *parts = [path] if path in values else path.split(".")
        place = values.get(first)
        for part in parts:
            if isinstance(place, dict):
                place = dict.get(place, part)
            elif isinstance(place, list) and part.isdigit() and int(part) < len(place):
                place = list.__getitem__(place, int(part))
            else:
                return False
        return place is self or (path.__class__ is WholePath and _contains(place, self))

    def _bound_to(self, instance: object, name: str) -> Self:
        """Return this container as the value of a field, or a copy if it is another's.

        :param instance: the document.
        :param name: the name of the field, or the path in it.
        """
        parent = parent_of(instance)
        same = self._instance is parent or self._instance is instance
        moved = self._name != name and not self._is_at(self._name)
        if self._instance is None or (same and (self._name == name or moved)):
            self._instance = parent
            self._name = name
            self._is_bound = False
            return self
        cls: Any = type(self)
        copy: Self = cls(self._stored(), instance, name)
        copy._dereferenced = self._dereferenced
        return copy

    def _nested(self, key: object, value: object) -> PythonValue:
        """Bind an item to the parent on its way out; wrap plain containers."""
        if isinstance(value, (dict, list)):
            if not isinstance(value, TrackedContainer):
                return self._keep(key, value)
            if self._is_bound and type(value) in BOUND:
                return value
            return self._rebound(key, value)
        if (
            isinstance(value, ChangeTracking)
            and not value._is_document
            and value._instance is None
        ):
            set_state(value, "_instance", self._instance)
        elif self._awaits is not None and is_document(value):
            return self._awaitable(key, value)
        return value

    #: Where references are awaited: the field of the items, in a tuple.
    _awaits: tuple[Any] | None = None

    def _make_awaitable(self, field: object) -> None:
        """Put what can be awaited in the place of documents and references.

        :param field: the field of the items; None where values of any type are.
        """
        self._awaits = (field,)
        self._is_bound = False
        for key, value in [*stored_items(self)]:
            if value.__class__ not in PLAIN and type(value) not in AWAITABLE:
                self._awaitable(key, value)

    def _awaitable(self, key: object, value: object) -> PythonValue:
        field = self._awaits[0] if self._awaits else None
        name = str(self._name)
        proxy = item_proxy(field, value, self._instance, name)
        if proxy is not None:
            self._replace(key, proxy)
            return proxy
        if isinstance(value, (dict, list)):
            nested = self._nested(key, value)
            nested._make_awaitable(None if field is None else field._inner)
            return nested
        return value

    def _rebound(self, key: Hashable, value: PythonValue) -> PythonValue:
        """Give a tracked item its current path; copy one that is elsewhere, too."""
        path = inner_path(self._name, key)
        if value._instance is self._instance and value._name == path:
            return value
        if self._instance is None:
            return value
        bound = value._bound_to(self._instance, path)
        if bound is not value:
            return self._placed(key, value, bound)
        return bound

    def _keep(self, key: Hashable, value: PythonValue) -> PythonValue:
        """Put the tracked form of a plain container in its place."""
        path = inner_path(self._name, key)
        wrapped = self._tracked(value, self._instance, path, self._dereferenced)
        return self._placed(key, value, wrapped)

    def _placed(self, key: Hashable, value: object, other: PythonValue) -> PythonValue:
        """Put another form of an item in its place, or return what is there by now."""
        current = self._exchange(key, value, other)
        return other if current is other else self._nested(key, current)

    @staticmethod
    def _tracked(
        value: PythonValue, parent: object, path: str, dereferenced: bool
    ) -> TrackedContainer:
        """Return the tracked form of a list or dict."""
        raise NotImplementedError

    def _replace(self, key: object, value: object) -> None:
        raise NotImplementedError

    def _exchange(self, key: Any, value: object, other: PythonValue) -> PythonValue:
        """Put another form of an item in its place, if it is still there.

        Return what is there.
        """
        raise NotImplementedError

    def _stored(self) -> Any:
        """Return an argument for the constructor, with the items as they are."""
        raise NotImplementedError

    def __getstate__(self) -> TrackedContainer:
        self.instance = None
        self._dereferenced = False
        return self

    def __setstate__(self, state: Keywords) -> None:
        self._is_bound = False
        for name, value in getattr(state, "__dict__", state).items():
            setattr(self, name, value)

    if TYPE_CHECKING:  # The faces are set by `operations.attached`.

        def fetch(self, *, session: Session = None) -> Self: ...

        async def async_fetch(self, *, session: Session = None) -> Self: ...

    def _take_over(self, items: object) -> None:
        raise NotImplementedError
