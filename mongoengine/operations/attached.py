"""The operations of classes of `base`, which knows none of them."""

from __future__ import annotations

from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.embedded_list import EmbeddedDocumentList
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.references import LazyReference
from mongoengine.base.tracked import TrackedContainer
from mongoengine.base.types import Function
from mongoengine.driver.deferred import deferrable, place
from mongoengine.driver.io import asynchronous_as, attach
from mongoengine.operations import fetch, save

__all__ = ("attach_all",)

# Written outside of functions, where they are deferred.
_FACES: tuple[tuple[type, str, Function], ...] = (
    (EmbeddedDocumentList, "save", save.save_owner),
    (LazyReference, "fetch", fetch.fetch_lazy),
    (TrackedContainer, "fetch", fetch.fetch_items),
)
_FETCH_PROXY = fetch.fetch_proxy
_follow_on_reading = deferrable(staticmethod)(fetch.follow_on_reading)


def attach_all() -> None:
    """Give the classes of `base` their operations."""
    for owner, name, body in _FACES:
        attach(owner, name, body)
    for name in ("fetch", "async_fetch"):
        place(AsyncReferenceProxy, name, asynchronous_as(_FETCH_PROXY, "fetch"))
    place(ComplexBaseField, "_lazy_load_refs", _follow_on_reading)
