"""Documents, the protocol of fields, schemas and change tracking; no I/O."""

from typing import TYPE_CHECKING

from mongoengine.base.common import UPDATE_OPERATORS, _DocumentRegistry
from mongoengine.base.datastructures import (
    BaseDict,
    BaseList,
    EmbeddedDocumentList,
    LazyReference,
)
from mongoengine.base.document import BaseDocument
from mongoengine.base.fields import BaseField, ComplexBaseField, ObjectIdField
from mongoengine.base.metaclasses import DocumentMetaclass, TopLevelDocumentMetaclass
from mongoengine.compatibility import names_of
from mongoengine.driver.deferred import imported

if TYPE_CHECKING:
    from mongoengine.base.geo import GeoJsonBaseField

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


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__, imported)

    def __dir__():
        return sorted({*globals(), *__all__})
