"""Methods that change a tracked list or dict, and the lock for its items."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from mongoengine.base.types import Function

if TYPE_CHECKING:
    from mongoengine.base.container import TrackedContainer

__all__ = ("hold", "let_go", "marks_all", "marks_key")

# Held while an item is put in place.  Two threads that read one for the first time get
# the same tracked container, and what is assigned meanwhile stays.  `with` takes three
# times as long as the two methods.  A signal may raise when `hold` returns, so that it
# is called inside of `try`; before that none can.
_placing = threading.RLock()
hold, let_go = _placing.acquire, _placing.release
if hasattr(os, "register_at_fork"):
    # Else a thread that is not in the child might have it.
    os.register_at_fork(before=hold, after_in_parent=let_go, after_in_child=let_go)


def marks_all(method: Function) -> Any:
    """Return a mutating method that marks the whole container as changed."""

    def marking(self: TrackedContainer, *args: object, **kwargs: object) -> object:
        self._is_bound = False
        result = method(self, *args, **kwargs)
        self._mark_as_changed()
        return result

    return _named_like(marking, method)


def marks_key(method: Function) -> Any:
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
