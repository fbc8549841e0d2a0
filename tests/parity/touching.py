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
    touch = functools.partial(_touch, me)

    @functools.wraps(loader)
    def touched(cls: Any, *args: Any, **kwargs: Any) -> Any:
        return touch(loader(cls, *args, **kwargs))

    @functools.wraps(maker)
    def touching(cls: Any, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        make = maker(cls, *args, **kwargs)
        return lambda raw: touch(make(raw))

    base._from_son = classmethod(touched)
    base._maker = classmethod(touching)


def _touch(me: Any, document: Any) -> Any:
    """Convert every field, and read those that reading does not load or number."""
    if document is None:
        return document
    _walk(me, dict(document._data))
    fields = me.fields
    plain = (
        fields.StringField,
        fields.IntField,
        fields.FloatField,
        fields.DecimalField,
        fields.BooleanField,
        fields.DateTimeField,
        fields.EmbeddedDocumentField,
        fields.GenericEmbeddedDocumentField,
    )
    for name, field in document._fields.items():
        complex_field = isinstance(field, me.base.fields.ComplexBaseField)
        if (complex_field and not field._holds_references()) or isinstance(
            field, plain
        ):
            _walk(me, getattr(document, name))
    return document


def _walk(me: Any, value: Any) -> None:
    if isinstance(value, dict):
        for key in list(value):
            _walk(me, value[key])
    elif isinstance(value, (list, tuple)):
        for number in range(len(value)):
            _walk(me, value[number])
    elif isinstance(value, me.EmbeddedDocument):
        _touch(me, value)
