"""Lists and dicts that tell their document what was changed in them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

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
from mongoengine.base.types import Function, Keywords, PassedOn, PythonValue
from mongoengine.driver.types import RawMapping

if TYPE_CHECKING:
    from collections.abc import Hashable

    from typing_extensions import Self

    from mongoengine.driver.session import Session

__all__ = (
    "PROXIES",
    "BaseDict",
    "BaseList",
    "TrackedContainer",
    "new_tracked_dict",
    "new_tracked_list",
    "rebind",
)

PROXIES = frozenset(weakref.ProxyTypes)

#: What becomes a tracked container on its way out.
NESTED: frozenset[type] = frozenset({dict, list})

_SLOTS = (
    "__dict__",
    "__weakref__",
    "_dereferenced",
    "_instance",
    "_is_bound",
    "_name",
)

T = TypeVar("T")
K = TypeVar("K")


# Held while an item is put in place.  Two threads that read one for the first time get
# the same tracked container, and what is assigned meanwhile stays.
_placing = threading.RLock()
hold, let_go = _placing.acquire, _placing.release
if hasattr(os, "register_at_fork"):
    # Else a thread that is not in the child might have it.
    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=let_go)


def _parent_of(instance: object) -> object:
    """Return a weak reference to a document; a proxy that is one already stays."""
    if type(instance) in PROXIES or not isinstance(instance, ChangeTracking):
        return instance
    return weakref.proxy(instance)


def _marks_all(method: Function) -> Any:
    """Return a mutating method that marks the whole container as changed."""

    def marking(self: TrackedContainer, *args: object, **kwargs: object) -> object:
        self._is_bound = False
        result = method(self, *args, **kwargs)
        self._mark_as_changed()
        return result

    return _named_like(marking, method)


def _marks_key(method: Function) -> Any:
    """Return a removing method that marks its argument, even if it fails."""

    def marking(self: TrackedContainer, key: object) -> object:
        self._is_bound = False
        try:
            return method(self, key)
        finally:
            self._mark_as_changed(key)

    return _named_like(marking, method)


def _named_like(marking: Function, method: Function) -> Any:
    marking.__name__ = method.__name__
    marking.__doc__ = method.__doc__
    return marking


def _contains(container: object, wanted: object) -> bool:
    """Return whether a container is somewhere inside another one."""
    return isinstance(container, (dict, list)) and any(
        item is wanted or _contains(item, wanted) for item in stored_values(container)
    )


new_dict, update_dict = dict.__new__, dict.update
new_list, extend_list = list.__new__, list.extend


def new_tracked_dict(
    items: RawMapping, parent: object, path: str, dereferenced: bool, is_bound: bool
) -> BaseDict[object, object]:
    """Return a tracked dict, without the checks of its constructor.

    :param parent: a weak reference to the document.
    :param dereferenced: no references are to be followed in it.
    :param is_bound: no list or dict is in it.
    """
    tracked: BaseDict[object, object] = new_dict(BaseDict)
    update_dict(tracked, items)
    tracked._instance = parent
    tracked._name = path
    tracked._dereferenced = dereferenced
    tracked._is_bound = is_bound
    return tracked


def new_tracked_list(
    items: list[Any], parent: object, path: str, dereferenced: bool, is_bound: bool
) -> BaseList[object]:
    """Return a tracked list; see `new_tracked_dict`."""
    tracked: BaseList[object] = new_list(BaseList)
    extend_list(tracked, items)
    tracked._instance = parent
    tracked._name = path
    tracked._dereferenced = dereferenced
    tracked._is_bound = is_bound
    return tracked


def _tracked(
    value: PythonValue, parent: object, path: str, dereferenced: bool
) -> TrackedContainer:
    """Return the tracked form of a list or dict."""
    is_dict = isinstance(value, dict)
    for item in dict.values(value) if is_dict else list.__iter__(value):
        if type(item) in BINDABLE:
            is_bound = False
            break
    else:
        is_bound = True
    if is_dict:
        return new_tracked_dict(value, parent, path, dereferenced, is_bound)
    return new_tracked_list(value, parent, path, dereferenced, is_bound)


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
        parent = _parent_of(instance)
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
        wrapped = _tracked(value, self._instance, path, self._dereferenced)
        return self._placed(key, value, wrapped)

    def _placed(self, key: Hashable, value: object, other: PythonValue) -> PythonValue:
        """Put another form of an item in its place, or return what is there by now."""
        current = self._exchange(key, value, other)
        return other if current is other else self._nested(key, current)

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


class BaseDict(TrackedContainer, dict[K, T]):
    """A dict that notes changes in the document that holds it.

    :param dict_items: what is in it.
    :param instance: the document, or None.
    :param name: the path of the dict in the document.
    """

    __slots__ = _SLOTS

    def __init__(self, dict_items: Any, instance: object, name: str) -> None:
        self._instance = _parent_of(instance)
        self._name = name
        self._dereferenced = self._is_bound = False
        dict.__init__(self, dict_items)

    def get(self, key: object, default: object = None) -> PythonValue:
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: PythonValue) -> T:
        value = dict.__getitem__(self, key)
        if value.__class__ in PLAIN:
            return value
        nested: T = self._nested(key, value)
        return nested

    def _replace(self, key: PythonValue, value: PythonValue) -> None:
        dict.__setitem__(self, key, value)

    def _exchange(self, key: Any, value: object, other: PythonValue) -> PythonValue:
        # A `with` takes three times as long.
        hold()
        try:
            current = dict.get(self, key, other)
            if current is value:
                dict.__setitem__(self, key, other)
                return other
        finally:
            let_go()
        return current

    def _stored(self) -> Any:
        return dict.items(self)

    def __iter__(self) -> Iterator[K]:
        # Defined here, `dict(self)` and `{**self}` read by `__getitem__`: what they
        # hand out notes changes, too.
        return dict.__iter__(self)

    def copy(self) -> dict[K, T]:
        self._bind_all()
        return super().copy()

    def __or__(self, other: Any) -> Any:
        self._bind_all()
        return super().__or__(other)

    def __ror__(self, other: Any) -> Any:
        self._bind_all()
        return super().__ror__(other)

    def values(self) -> Any:
        if not self._is_bound:
            self._bind_all()
        return dict.values(self)

    def items(self) -> Any:
        if not self._is_bound:
            self._bind_all()
        return dict.items(self)

    def _bind_all(self) -> None:
        """Bind the items that can change, before all are handed out at once."""
        self._is_bound = None
        if self._awaits is not None:
            self._make_awaitable(self._awaits[0])
        instance, path, dereferenced = self._instance, self._name, self._dereferenced
        value: PythonValue
        for key, value in dict.items(self):
            value_type = type(value)
            if value_type not in BINDABLE:
                continue
            if value_type in BOUND:
                self._rebound(key, value)
            elif value_type is list or not ("_ref" in value and "_cls" in value):
                # Else a generic reference that no document was found for.
                place = inner_path(path, key)
                inner: Any = _tracked(value, instance, place, dereferenced)
                self._exchange(key, value, inner)
        if self._is_bound is None and self._awaits is None:
            self._is_bound = True

    def _take_over(self, items: Any) -> None:
        self._is_bound = False
        dict.update(self, items)
        self._dereferenced = True

    def __reduce__(self) -> tuple[object, ...]:
        return _restored_dict, (dict(self._stored()), self._name)

    def __deepcopy__(self, memo: dict[int, object]) -> BaseDict[K, T]:
        from copy import deepcopy

        return _restored_dict(deepcopy(dict(self._stored()), memo), self._name)

    def __setitem__(self, key: PythonValue, value: PythonValue) -> None:
        changed = key not in self or dict.__getitem__(self, key) != value
        self._is_bound = False
        hold()
        try:
            dict.__setitem__(self, key, value)
        finally:
            let_go()
        if changed:
            self._mark_as_changed(key)

    def pop(self, *args: PassedOn) -> PythonValue:
        if args and args[0] in self:
            self[args[0]]  # binds what goes out
        self._is_bound = False
        value = dict.pop(self, *args)
        self._mark_as_changed()
        return value

    __delitem__ = _marks_key(dict.__delitem__)
    __ior__ = _marks_all(dict.__ior__)
    clear = _marks_all(dict.clear)
    update = _marks_all(dict.update)

    def popitem(self) -> tuple[K, T]:
        self._bind_all()
        self._is_bound = False
        item = dict.popitem(self)
        self._mark_as_changed()
        return item

    def setdefault(self, key: PythonValue, default: PythonValue = None) -> T:
        self._is_bound = False
        dict.setdefault(self, key, default)
        self._mark_as_changed()
        return self[key]


def _restored_dict(items: dict[Hashable, PythonValue], name: str) -> BaseDict[Any, Any]:
    return BaseDict(items, None, name)


class BaseList(TrackedContainer, list[T]):
    """A list that notes changes in the document that holds it.

    :param list_items: what is in it.
    :param instance: the document, or None.
    :param name: the path of the list in the document.
    """

    __slots__ = _SLOTS

    def __init__(self, list_items: Iterable[T], instance: object, name: str) -> None:
        self._instance = _parent_of(instance)
        self._name = name
        self._dereferenced = self._is_bound = False
        list.__init__(self, list_items)

    @overload
    def __getitem__(self, key: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    def __getitem__(self, key: PythonValue) -> PythonValue:
        if isinstance(key, slice):
            self._bind_all()
            return list.__getitem__(self, key)
        value = list.__getitem__(self, key)
        if value.__class__ in PLAIN:
            return value
        index = key.__index__()
        return self._nested(index + len(self) if index < 0 else index, value)

    def _replace(self, key: PythonValue, value: PythonValue) -> None:
        list.__setitem__(self, key, value)

    def _exchange(self, key: Any, value: object, other: PythonValue) -> PythonValue:
        hold()
        try:
            current = list.__getitem__(self, key) if key < len(self) else other
            if current is value:
                list.__setitem__(self, key, other)
                return other
        finally:
            let_go()
        return current

    def _stored(self) -> Iterator[T]:
        return list.__iter__(self)

    def _take_over(self, items: Any) -> None:
        self._is_bound = False
        list.__setitem__(self, slice(None), items)
        self._dereferenced = True

    def __iter__(self) -> Iterator[T]:
        if not self._is_bound:
            self._bind_all()
        return list.__iter__(self)

    def _bind_all(self) -> None:
        """Bind the items that can change, before all are handed out at once."""
        self._is_bound = None
        if self._awaits is not None:
            self._make_awaitable(self._awaits[0])
        instance, path, dereferenced = self._instance, self._name, self._dereferenced
        value: PythonValue
        for index, value in enumerate(list.__iter__(self)):
            value_type = type(value)
            if value_type not in BINDABLE:
                continue
            if value_type in BOUND:
                self._rebound(index, value)
            elif value_type is list or not ("_ref" in value and "_cls" in value):
                # Else a generic reference that no document was found for.
                place = inner_path(path, index)
                inner: Any = _tracked(value, instance, place, dereferenced)
                self._exchange(index, value, inner)
        if self._is_bound is None and self._awaits is None:
            self._is_bound = True

    def copy(self) -> list[T]:
        return [*self]

    def __add__(self, other: Any) -> Any:
        self._bind_all()
        return list.__add__(self, other)

    def __radd__(self, other: object) -> Any:
        self._bind_all()
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[T]:
        self._bind_all()
        return list.__mul__(self, times)

    def __reversed__(self) -> Iterator[T]:
        self._bind_all()
        return list.__reversed__(self)

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[object, ...]:
        return _restored_list, (type(self), list(list.__iter__(self)), self._name)

    def __deepcopy__(self, memo: dict[int, object]) -> BaseList[T]:
        from copy import deepcopy

        items = deepcopy(list(list.__iter__(self)), memo)
        restored: BaseList[T] = _restored_list(type(self), items, self._name)
        return restored

    def __setitem__(self, key: PythonValue, value: PythonValue) -> None:
        self._is_bound = False
        hold()
        try:
            list.__setitem__(self, key, value)
        finally:
            let_go()
        # A slice may move every item behind it: the whole list counts as changed.
        self._mark_as_changed(None if isinstance(key, slice) else key)

    def pop(self, *args: PassedOn) -> PythonValue:
        if len(self):
            self[args[0] if args else -1]  # binds what goes out
        self._is_bound = False
        value = list.pop(self, *args)
        self._mark_as_changed()
        return value

    def _mark_as_changed(self, key: PythonValue = None) -> None:
        if key is not None and len(self):
            key = key % len(self)
        super()._mark_as_changed(key)

    __delitem__ = _marks_all(list.__delitem__)
    __iadd__ = _marks_all(list.__iadd__)
    __imul__ = _marks_all(list.__imul__)
    append = _marks_all(list.append)
    clear = _marks_all(list.clear)
    extend = _marks_all(list.extend)
    insert = _marks_all(list.insert)
    remove = _marks_all(list.remove)
    reverse = _marks_all(list.reverse)
    sort = _marks_all(list.sort)


def _restored_list(list_class: type, items: list[Any], name: str) -> Any:
    return list_class(items, None, name)


#: Tracked containers are handed out as they are.
BOUND: frozenset[type] = frozenset({BaseDict, BaseList})

#: What has to be looked at when items are handed out at once.
BINDABLE = NESTED | BOUND


def rebind(parent: object, value: object) -> None:
    """Make a value of another document of the same class part of `parent`."""
    if isinstance(value, (dict, list, tuple)):
        if isinstance(value, TrackedContainer):
            value._instance = _parent_of(parent)
            value._is_bound = False
        for item in stored_values(value):
            if item.__class__ not in PLAIN:
                rebind(parent, item)
    elif isinstance(value, ChangeTracking) and not value._is_document:
        set_state(value, "_instance", _parent_of(parent))
