"""Touch every field of every document as it is loaded: laziness must not show."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ("touch_every_document",)


def touch_every_document(me: Any) -> None:
    """Make the loaders convert everything before they hand a document out."""
    base = me.base.BaseDocument
    loader = base._from_son.__func__
    maker = base._maker.__func__

    @functools.wraps(loader)
    def touched(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return touch(loader(cls, *args, **kwargs))

    @functools.wraps(maker)
    def touching(cls: Any, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        make = maker(cls, *args, **kwargs)
        return lambda raw: touch(make(raw))

    base._from_son = classmethod(touched)
    base._maker = classmethod(touching)


def touch(document: Any) -> Any:
    """Convert every field, as reading each one would, down to the leaves."""
    _walk(document._data if document is not None else None)
    return document


def _walk(value: Any) -> None:
    if isinstance(value, dict):
        for item in dict.values(value):
            _walk(item)
    elif isinstance(value, (list, tuple)):
        for item in list.__iter__(value) if isinstance(value, list) else value:
            _walk(item)
    elif hasattr(type(value), "_fields") and not hasattr(value, "_qs"):
        _walk(value._data)
