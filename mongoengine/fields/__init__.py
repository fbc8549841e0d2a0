"""The fields that documents are made of."""

from typing import TYPE_CHECKING

from mongoengine.base.fields import BaseField as BaseField
from mongoengine.base.fields import ComplexBaseField as ComplexBaseField
from mongoengine.base.fields import ObjectIdField
from mongoengine.base.public import publish
from mongoengine.compatibility import names_of
from mongoengine.driver.deferred import imported
from mongoengine.fields.dicts import DictField, MapField
from mongoengine.fields.dynamic import DynamicField
from mongoengine.fields.embedded import (
    RECURSIVE_REFERENCE_CONSTANT as RECURSIVE_REFERENCE_CONSTANT,
)
from mongoengine.fields.embedded import (
    EmbeddedDocumentField,
    GenericEmbeddedDocumentField,
)
from mongoengine.fields.lists import (
    EmbeddedDocumentListField,
    ListField,
    SortedListField,
)
from mongoengine.fields.misc import (
    BinaryField,
    EnumField,
    SequenceField,
    UUIDField,
)
from mongoengine.fields.numbers import (
    BooleanField,
    Decimal128Field,
    DecimalField,
    FloatField,
    IntField,
    LongField,
)
from mongoengine.fields.references import (
    CachedReferenceField,
    GenericLazyReferenceField,
    GenericReferenceField,
    LazyReferenceField,
    ReferenceField,
)
from mongoengine.fields.temporal import (
    ComplexDateTimeField,
    DateField,
    DateTimeField,
)
from mongoengine.fields.text import EmailField, StringField, URLField

if TYPE_CHECKING:
    from mongoengine.base.geo import GeoJsonBaseField
    from mongoengine.fields.files import (
        AsyncGridFSProxy,
        FileField,
        GridFSError,
        GridFSProxy,
    )
    from mongoengine.fields.geo import (
        GeoPointField,
        LineStringField,
        MultiLineStringField,
        MultiPointField,
        MultiPolygonField,
        PointField,
        PolygonField,
    )
    from mongoengine.fields.images import (
        ImageField,
        ImageGridFsProxy,
        ImproperlyConfigured,
    )

__all__ = (
    "AsyncGridFSProxy",
    "BinaryField",
    "BooleanField",
    "CachedReferenceField",
    "ComplexDateTimeField",
    "DateField",
    "DateTimeField",
    "Decimal128Field",
    "DecimalField",
    "DictField",
    "DynamicField",
    "EmailField",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "EnumField",
    "FileField",
    "FloatField",
    "GenericEmbeddedDocumentField",
    "GenericLazyReferenceField",
    "GenericReferenceField",
    "GeoJsonBaseField",
    "GeoPointField",
    "GridFSError",
    "GridFSProxy",
    "ImageField",
    "ImageGridFsProxy",
    "ImproperlyConfigured",
    "IntField",
    "LazyReferenceField",
    "LineStringField",
    "ListField",
    "LongField",
    "MapField",
    "MultiLineStringField",
    "MultiPointField",
    "MultiPolygonField",
    "ObjectIdField",
    "PointField",
    "PolygonField",
    "ReferenceField",
    "SequenceField",
    "SortedListField",
    "StringField",
    "URLField",
    "UUIDField",
)

publish(globals())


if not TYPE_CHECKING:
    # Fields of places, files and images are imported when they are used.  So is
    # Pillow, which takes longer than all of this.
    __getattr__ = names_of(__name__, imported)

    def __dir__():
        return sorted({*globals(), *__all__})
