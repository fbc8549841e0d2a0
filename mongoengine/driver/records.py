"""Named tuples that take a tenth of the time to define: importing defines many."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ("Record",)

if TYPE_CHECKING:
    from typing import NamedTuple as Record
else:
    try:
        from _collections import _tuplegetter as getter_of  # as `collections` does
    except ImportError:
        from operator import itemgetter

        def getter_of(place, doc):
            return property(itemgetter(place), doc=doc)

    class _RecordType(type):
        """Makes classes of tuples from the annotations in their bodies."""

        def __new__(mcs, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            getters = {field: getter_of(i, None) for i, field in enumerate(fields)}
            members = {"__slots__": (), "_fields": fields, **namespace, **getters}
            return type.__new__(mcs, name, bases, members)

    class Record(tuple, metaclass=_RecordType):
        """A base of named tuples without default values."""

        def __new__(cls, *values, **named):
            rest = cls._fields[len(values) :]
            if len(values) > len(cls._fields) or named.keys() != {*rest}:
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
            return tuple.__new__(cls, values + tuple(map(named.get, rest)))

        def _replace(self, **named):
            return type(self)(**{**dict(zip(self._fields, self, strict=True)), **named})

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            named = zip(self._fields, self, strict=True)
            inner = ", ".join(f"{name}={value!r}" for name, value in named)
            return f"{type(self).__name__}({inner})"
