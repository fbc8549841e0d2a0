"""MongoEngine's state of `no_dereference`, which here belongs to the task."""

from __future__ import annotations

import threading
from typing import Any

from mongoengine.base import context


class MyThreadLocals(threading.local):
    """The classes whose references are not followed, as a task or thread sees them."""

    @property
    def no_dereferencing_class(self) -> dict[object, object]:
        """A copy: each class, and how often that was asked for."""
        return {cls: int(count) for cls, count in _switched().items()}


thread_locals = MyThreadLocals()


def _register_no_dereferencing_for_class(cls: object) -> None:
    """Do not follow references of documents of a class, until it is unregistered."""
    switched = _switched()
    switched[cls] = int(switched.get(cls, 0)) + 1
    context.no_dereferencing.set(switched)


def _unregister_no_dereferencing_for_class(cls: object) -> None:
    """Take back one call of `_register_no_dereferencing_for_class`."""
    switched = _switched()
    switched[cls] = int(switched.get(cls, 0)) - 1
    if switched[cls] <= 0:
        del switched[cls]
    context.no_dereferencing.set(switched)


def _switched() -> dict[Any, Any]:
    return dict(context.no_dereferencing.get())
