"""Find a class of the package by its name: for other code, not used inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mongoengine.compatibility import names_of
from mongoengine.driver.deferred import imported

__all__ = ("_import_class",)

#: The modules of the classes; those that are missing are in `mongoengine.fields`.
_HOMES: dict[str, tuple[str, ...]] = {
    "mongoengine.document": (
        "Document",
        "DynamicEmbeddedDocument",
        "EmbeddedDocument",
        "MapReduceDocument",
    ),
    "mongoengine.base": ("BaseDocument",),
    "mongoengine.base.fields": (
        "BaseField",
        "ComplexBaseField",
        "GeoJsonBaseField",
        "ObjectIdField",
    ),
    "mongoengine.dereference": ("DeReference",),
}

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

_class_registry_cache: dict[str, type] = {}


def _import_class(cls_name: str) -> Any:
    """Return the class of a name: a document base, a field, or `DeReference`.

    :raises ValueError: if there is no such class
    """
    try:
        return _class_registry_cache[cls_name]
    except KeyError:
        pass
    home = imported(_HOME_OF.get(cls_name, "mongoengine.fields"))
    if cls_name not in _HOME_OF and cls_name not in home.__all__:
        raise ValueError(f"No import set for: {cls_name}")
    found = _class_registry_cache[cls_name] = getattr(home, cls_name)
    return found


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
