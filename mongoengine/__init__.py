"""MongoDB documents as Python objects, blocking and asynchronous.

Every operation exists twice on the same classes: `book.save()` and
`await book.async_save()`, `Book.objects.first()` and
`await Book.objects.async_first()`.
"""

from typing import TYPE_CHECKING

from mongoengine import signals as signals
from mongoengine.base.datastructures import AsyncReferenceProxy
from mongoengine.connection import (
    DEFAULT_CONNECTION_NAME,
    DEFAULT_DATABASE_NAME,
    ConnectionFailure,
    bound_session,
    connect,
    connect_async,
    disconnect,
    disconnect_all,
    disconnect_all_async,
    disconnect_async,
    get_async_connection,
    get_async_db,
    get_connection,
    get_db,
    is_async_connection,
    register_connection,
)
from mongoengine.document import (
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    EmbeddedDocument,
    InvalidCollectionError,
    MapReduceDocument,
)
from mongoengine.driver.deferred import imported
from mongoengine.errors import (
    BulkOperationError,
    BulkWriteError,
    ConcurrentModificationError,
    DeprecatedError,
    DoesNotExist,
    FieldDoesNotExist,
    InvalidDocumentError,
    InvalidQueryError,
    LookUpError,
    MongoEngineWarning,
    MultipleObjectsReturned,
    NotRegistered,
    NotUniqueError,
    OperationError,
    SaveConditionError,
    ValidationError,
)
from mongoengine.fields import (
    BinaryField,
    BooleanField,
    CachedReferenceField,
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    Decimal128Field,
    DecimalField,
    DictField,
    DynamicField,
    EmailField,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    FloatField,
    GenericEmbeddedDocumentField,
    GenericLazyReferenceField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    LongField,
    MapField,
    ObjectIdField,
    ReferenceField,
    SequenceField,
    SortedListField,
    StringField,
    URLField,
    UUIDField,
)
from mongoengine.operations.watch_database import async_watch, watch
from mongoengine.query.expressions import F
from mongoengine.queryset import (
    CASCADE,
    DENY,
    DO_NOTHING,
    NULLIFY,
    PULL,
    Q,
    QueryFieldList,
    QuerySet,
    QuerySetManager,
    QuerySetNoCache,
    queryset_manager,
)
from mongoengine.signals import (
    post_delete,
    post_init,
    post_save,
    pre_delete,
    pre_init,
    pre_save,
    pre_save_post_validation,
)

if TYPE_CHECKING:
    from mongoengine.driver.transaction import (
        async_run_in_transaction,
        async_with_transaction,
        run_in_transaction,
        with_transaction,
    )
    from mongoengine.fields import (
        AsyncGridFSProxy,
        FileField,
        GeoJsonBaseField,
        GeoPointField,
        GridFSError,
        GridFSProxy,
        ImageField,
        ImageGridFsProxy,
        ImproperlyConfigured,
        LineStringField,
        MultiLineStringField,
        MultiPointField,
        MultiPolygonField,
        PointField,
        PolygonField,
    )
    from mongoengine.query.aggregates import AddToSet as AddToSet
    from mongoengine.query.aggregates import Avg as Avg
    from mongoengine.query.aggregates import Count as Count
    from mongoengine.query.aggregates import First as First
    from mongoengine.query.aggregates import Last as Last
    from mongoengine.query.aggregates import Max as Max
    from mongoengine.query.aggregates import Min as Min
    from mongoengine.query.aggregates import Push as Push
    from mongoengine.query.aggregates import Sum as Sum

__all__ = [
    "CASCADE",
    "DEFAULT_CONNECTION_NAME",
    "DEFAULT_DATABASE_NAME",
    "DENY",
    "DO_NOTHING",
    "NULLIFY",
    "PULL",
    "AsyncGridFSProxy",
    "AsyncReferenceProxy",
    "BinaryField",
    "BooleanField",
    "BulkOperationError",
    "BulkWriteError",
    "CachedReferenceField",
    "ComplexDateTimeField",
    "ConcurrentModificationError",
    "ConnectionFailure",
    "DateField",
    "DateTimeField",
    "Decimal128Field",
    "DecimalField",
    "DeprecatedError",
    "DictField",
    "Document",
    "DoesNotExist",
    "DynamicDocument",
    "DynamicEmbeddedDocument",
    "DynamicField",
    "EmailField",
    "EmbeddedDocument",
    "EmbeddedDocumentField",
    "EmbeddedDocumentListField",
    "EnumField",
    "F",
    "FieldDoesNotExist",
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
    "InvalidCollectionError",
    "InvalidDocumentError",
    "InvalidQueryError",
    "LazyReferenceField",
    "LineStringField",
    "ListField",
    "LongField",
    "LookUpError",
    "MapField",
    "MapReduceDocument",
    "MongoEngineWarning",
    "MultiLineStringField",
    "MultiPointField",
    "MultiPolygonField",
    "MultipleObjectsReturned",
    "NotRegistered",
    "NotUniqueError",
    "ObjectIdField",
    "OperationError",
    "PointField",
    "PolygonField",
    "Q",
    "QueryFieldList",
    "QuerySet",
    "QuerySetManager",
    "QuerySetNoCache",
    "ReferenceField",
    "SaveConditionError",
    "SequenceField",
    "SortedListField",
    "StringField",
    "URLField",
    "UUIDField",
    "ValidationError",
    "async_run_in_transaction",
    "async_watch",
    "async_with_transaction",
    "bound_session",
    "connect",
    "connect_async",
    "disconnect",
    "disconnect_all",
    "disconnect_all_async",
    "disconnect_async",
    "get_async_connection",
    "get_async_db",
    "get_connection",
    "get_db",
    "is_async_connection",
    "post_delete",
    "post_init",
    "post_save",
    "pre_delete",
    "pre_init",
    "pre_save",
    "pre_save_post_validation",
    "queryset_manager",
    "register_connection",
    "run_in_transaction",
    "watch",
    "with_transaction",
]

#: The release of MongoEngine whose API this is.
VERSION = (0, 30, 0)

# What this build adds to that release, as a local version (PEP 440).
_BUILD = "async.1"


def get_version() -> str:
    """Return the version of the distribution: `"0.30.0+async.1"`."""
    return ".".join(map(str, VERSION)) + "+" + _BUILD


__version__ = get_version()


#: Modules whose names are imported when they are first used, and modules that upstream
#: imports with the package.
_LATER = {
    "base.fields": "GeoJsonBaseField",
    "common": "",
    "context_managers": "",
    "driver.transaction": "async_run_in_transaction async_with_transaction "
    "run_in_transaction with_transaction",
    "fields": "AsyncGridFSProxy FileField GridFSError GridFSProxy "
    "GeoPointField LineStringField MultiLineStringField MultiPointField "
    "MultiPolygonField PointField PolygonField "
    "ImageField ImageGridFsProxy ImproperlyConfigured",
    "mongodb_support": "",
    "pymongo_support": "",
    "query.aggregates": "AddToSet Avg Count First Last Max Min Push Sum",
}
_HOMES = {
    name: f"{__name__}.{module}"
    for module, names in _LATER.items()
    for name in names.split() or [module]
}

if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = imported(_HOMES[name])
        globals()[name] = value = module if name in _LATER else getattr(module, name)
        return value

    def __dir__():
        return sorted({*globals(), *_HOMES})
