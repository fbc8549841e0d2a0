"""Lists and dicts that tell their document what was changed in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

from mongoengine.base.bson_types import PLAIN
from mongoengine.base.container import BOUND, TrackedContainer, parent_of
from mongoengine.base.items import (
    inner_path,
    stored_values,
)
from mongoengine.base.mutators import hold, let_go, marks_all, marks_key
from mongoengine.base.state import set_state
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import PassedOn, PythonValue
from mongoengine.driver.types import RawMapping

if TYPE_CHECKING:
    from collections.abc import Hashable


__all__ = (
    "BaseDict",
    "BaseList",
    "TrackedContainer",
    "new_tracked_dict",
    "new_tracked_list",
    "rebind",
)

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


set_item: Any
set_place: Any
new_dict, update_dict, set_item = dict.__new__, dict.update, dict.__setitem__
new_list, extend_list, set_place = list.__new__, list.extend, list.__setitem__


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
    tracked: Any
    if isinstance(value, dict):
        tracked = new_dict(BaseDict)
        update_dict(tracked, value)
        items = dict.values(value)
    else:
        tracked = new_list(BaseList)
        extend_list(tracked, value)
        items = value
    tracked._instance = parent
    tracked._name = path
    tracked._dereferenced = dereferenced
    tracked._is_bound = PLAIN.issuperset(map(type, items))
    made: TrackedContainer = tracked
    return made


def _bind_all(self: TrackedContainer) -> None:
    """Bind the items that can change, before all are handed out at once; a method."""
    self._is_bound = None
    if self._awaits is not None:
        self._make_awaitable(self._awaits[0])
    instance, path, dereferenced = self._instance, self._name, self._dereferenced
    if isinstance(self, dict):
        places: Iterable[tuple[Any, PythonValue]] = dict.items(self)
        put = set_item
    else:
        items: Any = self
        places = enumerate(list.__iter__(items))
        put = set_place
    try:
        hold()
        for key, value in places:
            value_type = type(value)
            if value_type not in BINDABLE:
                continue
            if value_type in BOUND:
                self._rebound(key, value)
            elif value_type is list:
                # As `new_tracked_list`, without the call.
                inner: Any = new_list(BaseList)
                extend_list(inner, value)
                inner._instance = instance
                inner._name = inner_path(path, key)
                inner._dereferenced = dereferenced
                inner._is_bound = PLAIN.issuperset(map(type, value))
                put(self, key, inner)
            elif not ("_ref" in value and "_cls" in value):
                # Else a generic reference that no document was found for.
                place = inner_path(path, key)
                put(self, key, _tracked(value, instance, place, dereferenced))
    finally:
        let_go()
    if self._is_bound is None and self._awaits is None:
        self._is_bound = True


class BaseDict(TrackedContainer, dict[K, T]):
    """A dict that notes changes in the document that holds it.

    :param dict_items: what is in it.
    :param instance: the document, or None.
    :param name: the path of the dict in the document.
    """

    __slots__ = _SLOTS

    _tracked = staticmethod(_tracked)

    def __init__(self, dict_items: Any, instance: object, name: str) -> None:
        self._instance = parent_of(instance)
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
        try:
            hold()
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

    _bind_all = _bind_all

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
        try:
            hold()
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

    __delitem__ = marks_key(dict.__delitem__)
    __ior__ = marks_all(dict.__ior__)
    clear = marks_all(dict.clear)
    update = marks_all(dict.update)

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

    _tracked = staticmethod(_tracked)

    def __init__(self, list_items: Iterable[T], instance: object, name: str) -> None:
        self._instance = parent_of(instance)
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
        try:
            hold()
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

    _bind_all = _bind_all

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
        try:
            hold()
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

    __delitem__ = marks_all(list.__delitem__)
    __iadd__ = marks_all(list.__iadd__)
    __imul__ = marks_all(list.__imul__)
    append = marks_all(list.append)
    clear = marks_all(list.clear)
    extend = marks_all(list.extend)
    insert = marks_all(list.insert)
    remove = marks_all(list.remove)
    reverse = marks_all(list.reverse)
    sort = marks_all(list.sort)


def _restored_list(list_class: type, items: list[Any], name: str) -> Any:
    return list_class(items, None, name)


# Tracked containers are handed out as they are.
BOUND.update((BaseDict, BaseList))

#: What has to be looked at when items are handed out at once.
BINDABLE = NESTED | BOUND


def rebind(parent: object, value: object) -> None:
    """Make a value of another document of the same class part of `parent`."""
    if isinstance(value, (dict, list, tuple)):
        if isinstance(value, TrackedContainer):
            value._instance = parent_of(parent)
            value._is_bound = False
        for item in stored_values(value):
            if item.__class__ not in PLAIN:
                rebind(parent, item)
    elif isinstance(value, ChangeTracking) and not value._is_document:
        set_state(value, "_instance", parent_of(parent))
