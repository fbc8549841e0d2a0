"""Wrappers for methods of tracked containers, and old containers."""

from __future__ import annotations

from typing import Any

from mongoengine.base.types import Function


def mark_as_changed_wrapper(parent_method: Function) -> Function:
    """Return a method that calls another one and marks its container as changed.

    :param parent_method: a method of the base class, which changes the container
    """

    def wrapper(self: Any, *args: object, **kwargs: object) -> object:
        result = parent_method(self, *args, **kwargs)
        self._mark_as_changed()
        return result

    return wrapper


def mark_key_as_changed_wrapper(
    parent_method: Function,
) -> Function:
    """Return a method that marks one key of its container as changed and calls another.

    :param parent_method: a method of the base class, whose first argument is the key
    """

    def wrapper(self: Any, key: object, *args: object, **kwargs: object) -> object:
        self._mark_as_changed(key)
        return parent_method(self, key, *args, **kwargs)

    return wrapper


class BasesTuple(tuple[Any, ...]):
    """A tuple of base classes."""

    __slots__ = ()
