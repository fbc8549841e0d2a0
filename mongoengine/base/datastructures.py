"""Lists and dicts that tell their document what was changed in them."""

from __future__ import annotations

import datetime
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeVar, overload

from bson import ObjectId

from mongoengine.base import upcalls
from mongoengine.base.items import WholePath, inner_path, stored_items, stored_values
from mongoengine.base.proxies import (
    AWAITABLE,
    AsyncReferenceProxy,
    is_document,
    item_proxy,
)
from mongoengine.base.references import LazyReference
from mongoengine.base.state import set_state
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.utils import NonOrderedList  # noqa: F401  (upstream's place)
from mongoengine.compatibility import names_of
from mongoengine.driver.io import IO, asynchronous, blocking
from mongoengine.errors import (
    DoesNotExist,
    MultipleObjectsReturned,
    OperationError,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.driver.session import Session

__all__ = (
    "AsyncReferenceProxy",
    "BaseDict",
    "BaseList",
    "EmbeddedDocumentList",
    "LazyReference",
    "StrictDict",
)

#: What is handed out as it is, without a look at what it might hold.
LEAVES = frozenset(
    {str, int, float, bool, bytes, type(None), ObjectId, datetime.datetime}
)

PROXIES = frozenset(weakref.ProxyTypes)

#: What becomes a tracked container on its way out.
NESTED: frozenset[type] = frozenset({dict, list})

T = TypeVar("T")
K = TypeVar("K")


def _parent_of(instance: Any) -> Any:
    """A weak reference to a document; a proxy that is one already stays."""
    if type(instance) in PROXIES or not isinstance(instance, ChangeTracking):
        return instance
    return weakref.proxy(instance)


def _marks_all(method: Callable[..., Any]) -> Any:
    """A mutating method after which the whole container counts as changed."""

    def marking(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self._mark_as_changed()
        return result

    return _named_like(marking, method)


def _marks_key(method: Callable[..., Any]) -> Any:
    """A removing method whose argument says what goes; marks it even if it fails."""

    def marking(self: Any, key: Any) -> Any:
        try:
            return method(self, key)
        finally:
            self._mark_as_changed(key)

    return _named_like(marking, method)


def _named_like(marking: Any, method: Callable[..., Any]) -> Any:
    marking.__name__ = method.__name__
    marking.__doc__ = method.__doc__
    return marking


def _contains(container: Any, wanted: Any) -> bool:
    """Whether a container is somewhere inside another one."""
    return isinstance(container, (dict, list)) and any(
        item is wanted or _contains(item, wanted) for item in stored_values(container)
    )


def _is_orphan(value: Any) -> bool:
    """Whether it is a generic reference that no document was found for."""
    return value.__class__ is dict and "_ref" in value and "_cls" in value


class TrackedContainer:
    """What tracked lists and dicts share: a parent, a path, and nested items."""

    # Its subclasses have the slots for what is declared here.
    if not TYPE_CHECKING:
        __slots__ = ()

    _instance: Any
    _name: Any
    _dereferenced: bool

    def _mark_as_changed(self, key: Any = None) -> None:
        """Mark an item, or the whole container, as changed in the document."""
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
        """Whether the document holds this container at a path."""
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

    def _bound_to(self, instance: Any, name: str) -> Self:
        """This container as the value of a field, or a copy if it is another's.

        :param instance: the document.
        :param name: the name of the field, or the path in it.
        """
        parent = _parent_of(instance)
        same = self._instance is parent or self._instance is instance
        moved = self._name != name and not self._is_at(self._name)
        if self._instance is None or (same and (self._name == name or moved)):
            self._instance = parent
            self._name = name
            return self
        cls: Any = type(self)
        copy: Self = cls(self._stored(), instance, name)
        copy._dereferenced = self._dereferenced
        return copy

    def _nested(self, key: Any, value: Any) -> Any:
        """Bind an item to the parent on its way out; wrap plain containers."""
        if isinstance(value, (dict, list)):
            if not isinstance(value, TrackedContainer):
                return self._keep(key, value)
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

    def _make_awaitable(self, field: Any) -> None:
        """Put what can be awaited in the place of documents and references.

        :param field: the field of the items; None where values of any type are.
        """
        self._awaits = (field,)
        for key, value in [*stored_items(self)]:
            if value.__class__ not in LEAVES and type(value) not in AWAITABLE:
                self._awaitable(key, value)

    def _awaitable(self, key: Any, value: Any) -> Any:
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

    def _rebound(self, key: Any, value: Any) -> Any:
        """A tracked item with its path of now; a copy of one that is elsewhere, too."""
        path = inner_path(self._name, key)
        if value._instance is self._instance and value._name == path:
            return value
        if self._instance is None:
            return value
        bound = value._bound_to(self._instance, path)
        if bound is not value:
            self._replace(key, bound)
        return bound

    def _keep(self, key: Any, value: Any) -> Any:
        """Put the tracked form of a plain container in its place."""
        wrapped: Any
        if isinstance(value, dict):
            wrapped = dict.__new__(BaseDict)
            dict.update(wrapped, value)
        else:
            wrapped = list.__new__(BaseList)
            list.extend(wrapped, value)
        wrapped._instance = self._instance
        wrapped._name = inner_path(self._name, key)
        wrapped._dereferenced = self._dereferenced
        self._replace(key, wrapped)
        return wrapped

    def _replace(self, key: Any, value: Any) -> None:
        raise NotImplementedError

    def _stored(self) -> Any:
        """An argument for the constructor, with the items as they are."""
        raise NotImplementedError

    def __getstate__(self) -> Any:
        self.instance = None
        self._dereferenced = False
        return self

    def __setstate__(self, state: Any) -> None:
        for name, value in getattr(state, "__dict__", state).items():
            setattr(self, name, value)

    async def _fetch(self, io: IO, *, session: Session = None) -> Self:
        """Load the documents that are referred to in here, in place.

        Sends one `find` per collection.  References of which there is no document
        are left as they are, and nothing counts as changed.

        :param session: a PyMongo session to work in
        :returns: the container itself.
        """
        followed = await upcalls.follow(io, self, 1, self._instance, self._name)
        self._take_over(followed)
        return self

    fetch = blocking(_fetch)
    async_fetch = asynchronous(_fetch)

    def _take_over(self, items: Any) -> None:
        raise NotImplementedError


class BaseDict(TrackedContainer, dict[K, T]):
    """A dict that notes changes in the document that holds it.

    :param dict_items: what is in it.
    :param instance: the document, or None.
    :param name: the path of the dict in the document.
    """

    __slots__ = ("__dict__", "__weakref__", "_dereferenced", "_instance", "_name")

    def __init__(self, dict_items: Any, instance: Any, name: str) -> None:
        self._instance = _parent_of(instance)
        self._name = name
        self._dereferenced = False
        dict.__init__(self, dict_items)

    def get(self, key: Any, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: Any) -> T:
        value = dict.__getitem__(self, key)
        if value.__class__ in LEAVES:
            return value
        nested: T = self._nested(key, value)
        return nested

    def _replace(self, key: Any, value: Any) -> None:
        dict.__setitem__(self, key, value)

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
        self._bind_all()
        return super().values()

    def items(self) -> Any:
        self._bind_all()
        return super().items()

    def _bind_all(self) -> None:
        """Before items are handed out at once, bind those that can change."""
        if self._awaits is not None:
            self._make_awaitable(self._awaits[0])
        for key, value in super().items():
            if value.__class__ in BOUND:
                self._rebound(key, value)
            elif value.__class__ in NESTED and not _is_orphan(value):
                self._keep(key, value)

    def _take_over(self, items: Any) -> None:
        dict.update(self, items)
        self._dereferenced = True

    def __reduce__(self) -> Any:
        return _restored_dict, (dict(self._stored()), self._name)

    def __deepcopy__(self, memo: Any) -> BaseDict[K, T]:
        from copy import deepcopy

        return _restored_dict(deepcopy(dict(self._stored()), memo), self._name)

    def __setitem__(self, key: Any, value: Any) -> None:
        changed = key not in self or dict.__getitem__(self, key) != value
        dict.__setitem__(self, key, value)
        if changed:
            self._mark_as_changed(key)

    def pop(self, *args: Any) -> Any:
        if args and args[0] in self:
            self[args[0]]  # binds what goes out
        value = dict.pop(self, *args)
        self._mark_as_changed()
        return value

    __delitem__ = _marks_key(dict.__delitem__)
    __delattr__ = _marks_key(dict.__delattr__)
    __ior__ = _marks_all(dict.__ior__)
    clear = _marks_all(dict.clear)
    update = _marks_all(dict.update)

    def popitem(self) -> tuple[K, T]:
        self._bind_all()
        item = dict.popitem(self)
        self._mark_as_changed()
        return item

    def setdefault(self, key: Any, default: Any = None) -> Any:
        dict.setdefault(self, key, default)
        self._mark_as_changed()
        return self[key]


def _restored_dict(items: dict[Any, Any], name: str) -> BaseDict[Any, Any]:
    return BaseDict(items, None, name)


class BaseList(TrackedContainer, list[T]):
    """A list that notes changes in the document that holds it.

    :param list_items: what is in it.
    :param instance: the document, or None.
    :param name: the path of the list in the document.
    """

    __slots__ = ("__dict__", "__weakref__", "_dereferenced", "_instance", "_name")

    def __init__(self, list_items: Iterable[T], instance: Any, name: str) -> None:
        self._instance = _parent_of(instance)
        self._name = name
        self._dereferenced = False
        list.__init__(self, list_items)

    @overload
    def __getitem__(self, key: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> list[T]: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            self._bind_all()
            return list.__getitem__(self, key)
        value = list.__getitem__(self, key)
        if value.__class__ in LEAVES:
            return value
        index = key.__index__()
        return self._nested(index + len(self) if index < 0 else index, value)

    def _replace(self, key: Any, value: Any) -> None:
        list.__setitem__(self, key, value)

    def _stored(self) -> Any:
        return list.__iter__(self)

    def _take_over(self, items: Any) -> None:
        list.__setitem__(self, slice(None), items)
        self._dereferenced = True

    def __iter__(self) -> Iterator[T]:
        self._bind_all()
        return list.__iter__(self)

    def _bind_all(self) -> None:
        """Before items are handed out at once, bind those that can change."""
        if self._awaits is not None:
            self._make_awaitable(self._awaits[0])
        if not BINDABLE.isdisjoint(map(type, list.__iter__(self))):
            for index, value in enumerate(list.__iter__(self)):
                if value.__class__ in BOUND:
                    self._rebound(index, value)
                elif value.__class__ in NESTED and not _is_orphan(value):
                    self._keep(index, value)

    def copy(self) -> list[T]:
        return [*self]

    def __add__(self, other: Any) -> Any:
        self._bind_all()
        return list.__add__(self, other)

    def __radd__(self, other: Any) -> Any:
        self._bind_all()
        return [*other, *self] if isinstance(other, list) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> list[T]:
        self._bind_all()
        return list.__mul__(self, times)

    def __reversed__(self) -> Iterator[T]:
        self._bind_all()
        return list.__reversed__(self)

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return _restored_list, (type(self), list(list.__iter__(self)), self._name)

    def __deepcopy__(self, memo: Any) -> BaseList[T]:
        from copy import deepcopy

        items = deepcopy(list(list.__iter__(self)), memo)
        restored: BaseList[T] = _restored_list(type(self), items, self._name)
        return restored

    def __setitem__(self, key: Any, value: Any) -> None:
        list.__setitem__(self, key, value)
        # A slice may move every item behind it: the whole list counts as changed.
        self._mark_as_changed(None if isinstance(key, slice) else key)

    def pop(self, *args: Any) -> Any:
        if len(self):
            self[args[0] if args else -1]  # binds what goes out
        value = list.pop(self, *args)
        self._mark_as_changed()
        return value

    def _mark_as_changed(self, key: Any = None) -> None:
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


def _restored_list(kind: Any, items: list[Any], name: str) -> Any:
    return kind(items, None, name)


#: Tracked containers are handed out as they are.
BOUND: frozenset[type] = frozenset({BaseDict, BaseList})

#: What has to be looked at when items are handed out at once.
BINDABLE = NESTED | BOUND


def rebind(parent: Any, value: Any) -> None:
    """Have what another document of the same class held be part of `parent`."""
    if isinstance(value, (dict, list, tuple)):
        if isinstance(value, TrackedContainer):
            value._instance = _parent_of(parent)
        for item in stored_values(value):
            if item.__class__ not in LEAVES:
                rebind(parent, item)
    elif isinstance(value, ChangeTracking) and not value._is_document:
        set_state(value, "_instance", _parent_of(parent))


class EmbeddedDocumentList(BaseList[T]):
    """The list of an :class:`~mongoengine.fields.EmbeddedDocumentListField`.

    It has queries and edits of its own, all of them in memory; `save` writes the
    document that holds the list.
    """

    def __init__(self, list_items: Iterable[T], instance: Any, name: str) -> None:
        super().__init__(list_items, instance, name)
        # Not the document, which holds this list.
        self._document_class = None if instance is None else instance.__class__

    def filter(self, **kwargs: Any) -> EmbeddedDocumentList[T]:
        """The documents whose fields have all of the given values.

        A value equals where it is equal as such or as text.  Raises
        `AttributeError` for a field that a document does not have.
        """
        return self._part([item for item in self if _matches(item, kwargs)])

    def exclude(self, **kwargs: Any) -> EmbeddedDocumentList[T]:
        """The documents that `filter` with the same arguments leaves out."""
        return self._part([item for item in self if not _matches(item, kwargs)])

    def _part(self, items: list[T]) -> EmbeddedDocumentList[T]:
        """Some of the documents, in a list that is not part of the document."""
        owner = self._owner()
        part = EmbeddedDocumentList(items, owner, self._name)
        # It may keep the document alive, as the document does not hold it.
        part._instance = owner
        part._document_class = self._document_class
        return part

    def _owner(self) -> Any:
        """The document that holds the list, or None where it is gone."""
        instance = self._instance
        if type(instance) not in PROXIES:
            return instance
        try:
            return instance._mark_as_changed.__self__
        except ReferenceError:
            return None

    def _whole(self) -> Any:
        """The list in the document, of which this one may be a part."""
        owner = self._owner()
        return self if owner is None else owner[self._name]

    def count(self) -> int:  # type: ignore[override]
        """The number of documents in the list."""
        return len(self)

    def get(self, **kwargs: Any) -> T:
        """The one document that matches.

        Raises :class:`~mongoengine.errors.DoesNotExist` for none and
        :class:`~mongoengine.errors.MultipleObjectsReturned` for several.
        """
        found = [item for item in self if _matches(item, kwargs)]
        if not found:
            raise DoesNotExist(f"{self._name} matching query does not exist.")
        if len(found) > 1:
            raise MultipleObjectsReturned(f"{len(found)} items returned, instead of 1")
        return found[0]

    def first(self) -> T | None:
        """The first document, or None in an empty list."""
        return self[0] if len(self) > 0 else None

    def create(self, **values: Any) -> T:
        """Make a new embedded document at the end of the list; nothing is saved."""
        owner = self._owner()
        cls = self._document_class if owner is None else type(owner)
        if cls is None:
            raise OperationError(f"The list {self._name!r} is not part of a document")
        field = cls._fields[self._name].field
        created: T = (
            field.document_type_obj(**values)
            if isinstance(field.document_type_obj, type)
            else field.document_type(**values)
        )
        self._whole().append(created)
        return created

    async def _save(
        self, io: IO, /, *args: Any, session: Session = None, **kwargs: Any
    ) -> None:
        """Save the document that holds the list, with `save`'s arguments.

        :raises OperationError: if there is no such document any more.
        """
        owner = self._owner()
        if owner is None:
            raise OperationError(
                f"The document that holds the list {self._name!r} is gone, so that it "
                "cannot be saved: keep a reference to the document and call its save()"
            )
        await io.call(owner, "save", *args, **kwargs)

    save = blocking(_save)
    async_save = asynchronous(_save)

    def delete(self) -> int:
        """Take the documents of this list out of the field; their number."""
        removed = list(self)
        whole = self._whole()
        for item in removed:
            whole.remove(item)
        return len(removed)

    def update(self, **update: Any) -> int:
        """Set fields on every document of the list; the number of documents."""
        if not update:
            return 0
        changed = list(self)
        for item in changed:
            for name, value in update.items():
                setattr(item, name, value)
        return len(changed)


def _matches(item: Any, wanted: Mapping[str, Any]) -> bool:
    for name, value in wanted.items():
        held = getattr(item, name)
        if held != value and str(held) != value:
            return False
    return True


class StrictDict:
    """A mapping with a fixed set of keys, kept in slots."""

    __slots__: tuple[str, ...] = ()
    _special_fields = {"get", "pop", "iteritems", "items", "keys", "create"}
    _classes: dict[frozenset[str], type[StrictDict]] = {}

    def __init__(self, **kwargs: Any) -> None:
        for key, value in kwargs.items():
            setattr(self, key, value)

    def __getitem__(self, key: str) -> Any:
        name = self._safe(key)
        try:
            return getattr(self, name)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, self._safe(key), value)

    def __contains__(self, key: str) -> bool:
        return hasattr(self, self._safe(key))

    @classmethod
    def _safe(cls, key: str) -> str:
        return f"_reserved_{key}" if key in cls._special_fields else key

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default` where it is not set."""
        try:
            return self[key]
        except KeyError:
            return default

    def pop(self, key: str, default: Any = None) -> Any:
        """Take `key` out and return its value, or `default`."""
        value = self.get(key, default)
        try:
            delattr(self, self._safe(key))
        except AttributeError:
            return default
        return value

    def iteritems(self) -> Iterator[tuple[str, Any]]:
        for key in self:
            yield key, self[key]

    def items(self) -> list[tuple[str, Any]]:
        return list(self.iteritems())

    def iterkeys(self) -> Iterator[str]:
        return iter(self)

    def keys(self) -> list[str]:
        # Not `list(self)`, which asks for the length, which asks for the keys.
        return list(iter(self))

    def __iter__(self) -> Iterator[str]:
        return (
            slot.removeprefix("_reserved_")
            for slot in self.__slots__
            if hasattr(self, slot)
        )

    def __len__(self) -> int:
        return len(self.keys())

    def __eq__(self, other: Any) -> bool:
        """Equal to every mapping of the same items in the same order."""
        return self.items() == list(other.items())

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def create(cls, allowed_keys: Iterable[str]) -> type[StrictDict]:
        """The class of strict dicts with just these keys."""
        slots = tuple(cls._safe(key) for key in allowed_keys)
        known = frozenset(slots)
        if known not in cls._classes:

            def shown(self: Any) -> str:
                pairs = ", ".join(f'"{k}": {v!r}' for k, v in self.iteritems())
                return "{" + pairs + "}"

            cls._classes[known] = type(
                "SpecificStrictDict", (cls,), {"__slots__": slots, "__repr__": shown}
            )
        return cls._classes[known]


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
