"""What documents and fields are made of; no I/O."""

from typing import Any

from mongoengine.base.common import UPDATE_OPERATORS, _DocumentRegistry
from mongoengine.base.datastructures import (
    BaseDict,
    BaseList,
    EmbeddedDocumentList,
    LazyReference,
)
from mongoengine.base.document import BaseDocument
from mongoengine.base.fields import (
    BaseField,
    ComplexBaseField,
    GeoJsonBaseField,
    ObjectIdField,
)
from mongoengine.base.metaclasses import DocumentMetaclass, TopLevelDocumentMetaclass

__all__ = (
    "UPDATE_OPERATORS",
    "BaseDict",
    "BaseDocument",
    "BaseField",
    "BaseList",
    "ComplexBaseField",
    "DocumentMetaclass",
    "EmbeddedDocumentList",
    "GeoJsonBaseField",
    "LazyReference",
    "ObjectIdField",
    "TopLevelDocumentMetaclass",
    "_DocumentRegistry",
)


def __getattr__(name: str) -> Any:
    if name in ("get_document", "_document_registry"):
        from mongoengine.base import common

        return getattr(common, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
