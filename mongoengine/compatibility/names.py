"""Names that MongoEngine's modules have from elsewhere, and their homes."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ("NAMES",)

#: For each module: the names that it has from another one.  A key `"module:name"` has
#: one name, which is called otherwise in that module; `"module:"` is the module.
_FROM: dict[str, dict[str, str]] = {
    "mongoengine.base": {
        "mongoengine.base.common": ("UPDATE_OPERATORS _document_registry get_document"),
        "mongoengine.base.datastructures": (
            "BaseDict BaseList EmbeddedDocumentList LazyReference"
        ),
        "mongoengine.base.document": ("BaseDocument"),
        "mongoengine.base.fields": (
            "BaseField ComplexBaseField GeoJsonBaseField ObjectIdField"
        ),
        "mongoengine.base.metaclasses": ("DocumentMetaclass TopLevelDocumentMetaclass"),
        "mongoengine.compatibility.constants": ("NON_FIELD_ERRORS"),
        "mongoengine.base.strict_dict": ("StrictDict"),
    },
    "mongoengine.base.common": {
        "mongoengine.errors": ("NotRegistered"),
    },
    "mongoengine.base.datastructures": {
        "bson.dbref": ("DBRef"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.containers": (
            "mark_as_changed_wrapper mark_key_as_changed_wrapper"
        ),
        "mongoengine.errors": ("DoesNotExist MultipleObjectsReturned"),
    },
    "mongoengine.base.document": {
        "bson.dbref": ("DBRef"),
        "bson.json_util": ("LEGACY_JSON_OPTIONS"),
        "bson.json_util:": "json_util",
        "bson.objectid": ("ObjectId"),
        "bson.son": ("SON"),
        "mongoengine.base.common": ("get_document"),
        "mongoengine.base.datastructures": (
            "BaseDict BaseList EmbeddedDocumentList LazyReference"
        ),
        "mongoengine.base.fields": ("ComplexBaseField"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.constants": ("GEOHAYSTACK NON_FIELD_ERRORS"),
        "mongoengine.base.strict_dict": ("StrictDict"),
        "mongoengine.errors": (
            "FieldDoesNotExist InvalidDocumentError LookUpError OperationError "
            "ValidationError"
        ),
        "mongoengine.signals:": "signals",
        "pymongo:": "pymongo",
    },
    "mongoengine.base.fields": {
        "mongoengine.base.geo": ("GeoJsonBaseField"),
        "bson.dbref": ("DBRef"),
        "bson.objectid": ("ObjectId"),
        "bson.son": ("SON"),
        "mongoengine.base.common": ("UPDATE_OPERATORS"),
        "mongoengine.base.datastructures": ("BaseDict BaseList EmbeddedDocumentList"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.errors": ("DeprecatedError ValidationError"),
        "pymongo:": "pymongo",
    },
    "mongoengine.base.metaclasses": {
        "mongoengine.base.common": ("_document_registry"),
        "mongoengine.base.fields": ("BaseField ComplexBaseField ObjectIdField"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.containers": ("BasesTuple"),
        "mongoengine.errors": (
            "DoesNotExist InvalidDocumentError MultipleObjectsReturned"
        ),
        "mongoengine.queryset.base": ("DO_NOTHING"),
        "mongoengine.queryset.manager": ("QuerySetManager"),
    },
    "mongoengine.common": {
        "mongoengine.compatibility.constants": ("_field_list_cache"),
    },
    "mongoengine.connection": {
        "mongoengine.connection:get_connection": "_get_connection",
        "mongoengine.connection:get_db": "_get_db",
        "mongoengine.compatibility.connections": (
            "_check_db_name _create_connection _find_existing_connection "
            "_get_connection_settings"
        ),
        "mongoengine.pymongo_support": ("PYMONGO_VERSION"),
        "pymongo.common": ("_UUID_REPRESENTATIONS"),
        "pymongo.database_shared": ("_check_name"),
        "pymongo.driver_info": ("DriverInfo"),
        "pymongo.read_preferences": ("ReadPreference"),
        "pymongo.synchronous.mongo_client": ("MongoClient"),
        "pymongo.uri_parser:": "uri_parser",
    },
    "mongoengine.context_managers": {
        "mongoengine.base.fields": ("_no_dereference_for_fields"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.contexts": (
            "MyThreadLocals _register_no_dereferencing_for_class "
            "_unregister_no_dereferencing_for_class thread_locals"
        ),
        "mongoengine.connection": ("DEFAULT_CONNECTION_NAME get_db"),
        "mongoengine.pymongo_support": ("count_documents"),
        "pymongo.read_concern": ("ReadConcern"),
        "pymongo.write_concern": ("WriteConcern"),
    },
    "mongoengine.dereference": {
        "bson.dbref": ("DBRef"),
        "bson.son": ("SON"),
        "mongoengine.base.common": ("get_document"),
        "mongoengine.base.datastructures": (
            "BaseDict BaseList EmbeddedDocumentList LazyReference"
        ),
        "mongoengine.base.metaclasses": ("TopLevelDocumentMetaclass"),
        "mongoengine.connection": ("get_db"),
        "mongoengine.document": ("Document EmbeddedDocument"),
        "mongoengine.fields": ("DictField ListField MapField ReferenceField"),
        "mongoengine.queryset.queryset": ("QuerySet"),
    },
    "mongoengine.document": {
        "bson.dbref": ("DBRef"),
        "mongoengine.base.common": ("get_document"),
        "mongoengine.base.datastructures": ("BaseDict BaseList EmbeddedDocumentList"),
        "mongoengine.base.document": ("BaseDocument"),
        "mongoengine.base.metaclasses": ("DocumentMetaclass TopLevelDocumentMetaclass"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.checks": ("includes_cls"),
        "mongoengine.connection": ("DEFAULT_CONNECTION_NAME get_db"),
        "mongoengine.context_managers": (
            "set_write_concern switch_collection switch_db"
        ),
        "mongoengine.errors": (
            "InvalidDocumentError InvalidQueryError NotUniqueError "
            "OperationError SaveConditionError"
        ),
        "mongoengine.pymongo_support": ("list_collection_names"),
        "mongoengine.queryset.queryset": ("QuerySet"),
        "mongoengine.queryset.transform:": "transform",
        "mongoengine.signals:": "signals",
        "pymongo:": "pymongo",
        "pymongo.read_preferences": ("ReadPreference"),
    },
    "mongoengine.fields": {
        "mongoengine.compatibility.optional:dateutil": "dateutil",
        "mongoengine.fields.files": (
            "AsyncGridFSProxy FileField GridFSError GridFSProxy"
        ),
        "mongoengine.fields.geo": (
            "GeoPointField LineStringField MultiLineStringField MultiPointField "
            "MultiPolygonField PointField PolygonField"
        ),
        "mongoengine.fields.images": (
            "ImageField ImageGridFsProxy ImproperlyConfigured"
        ),
        "bson.binary": ("Binary"),
        "bson.dbref": ("DBRef"),
        "bson.decimal128": ("Decimal128 create_decimal128_context"),
        "bson.int64": ("Int64"),
        "bson.objectid": ("ObjectId"),
        "bson.son": ("SON"),
        "gridfs:": "gridfs",
        "mongoengine.base.common": ("get_document"),
        "mongoengine.base.datastructures": ("LazyReference"),
        "mongoengine.base.document": ("BaseDocument"),
        "mongoengine.base.fields": (
            "BaseField ComplexBaseField GeoJsonBaseField ObjectIdField"
        ),
        "mongoengine.base.utils": ("LazyRegexCompiler"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.compatibility.checks": ("key_not_string key_starts_with_dollar"),
        "mongoengine.compatibility.optional": ("Image ImageOps"),
        "mongoengine.connection": ("DEFAULT_CONNECTION_NAME get_db"),
        "mongoengine.document": ("Document EmbeddedDocument"),
        "mongoengine.errors": ("DoesNotExist InvalidQueryError ValidationError"),
        "mongoengine.queryset.base": ("BaseQuerySet DO_NOTHING"),
        "mongoengine.queryset.transform": ("STRING_OPERATORS"),
        "pymongo": ("ReturnDocument"),
        "pymongo:": "pymongo",
    },
    "mongoengine.mongodb_support": {
        "mongoengine.connection": ("get_connection"),
    },
    "mongoengine.pymongo_support": {
        "bson.binary:": "binary",
        "bson.json_util": ("LEGACY_JSON_OPTIONS"),
        "bson.json_util:": "json_util",
        "pymongo:": "pymongo",
        "pymongo.errors": ("OperationFailure"),
    },
    "mongoengine.queryset": {
        "mongoengine.errors": (
            "BulkWriteError DeprecatedError DoesNotExist FieldDoesNotExist "
            "InvalidDocumentError InvalidQueryError LookUpError "
            "MultipleObjectsReturned NotRegistered NotUniqueError "
            "OperationError SaveConditionError ValidationError"
        ),
        "mongoengine.queryset.base": ("CASCADE DENY DO_NOTHING NULLIFY PULL"),
        "mongoengine.queryset.field_list": ("QueryFieldList"),
        "mongoengine.queryset.manager": ("QuerySetManager queryset_manager"),
        "mongoengine.queryset.queryset": ("QuerySet QuerySetNoCache"),
        "mongoengine.queryset.transform": ("STRING_OPERATORS query update"),
        "mongoengine.queryset.transform:": "transform",
        "mongoengine.queryset.visitor": ("Q QNode"),
    },
    "mongoengine.queryset.base": {
        "bson.code": ("Code"),
        "bson.json_util": ("LEGACY_JSON_OPTIONS"),
        "bson.json_util:": "json_util",
        "bson.son": ("SON"),
        "mongoengine.base.common": ("get_document"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.connection": ("get_db"),
        "mongoengine.context_managers": (
            "no_dereferencing_active_for_class set_read_write_concern "
            "set_write_concern switch_db"
        ),
        "mongoengine.errors": (
            "BulkWriteError InvalidQueryError LookUpError NotUniqueError OperationError"
        ),
        "mongoengine.pymongo_support": ("count_documents"),
        "mongoengine.queryset.field_list": ("QueryFieldList"),
        "mongoengine.queryset.transform:": "transform",
        "mongoengine.queryset.visitor": ("Q QNode"),
        "mongoengine.signals:": "signals",
        "pymongo": ("ReturnDocument"),
        "pymongo:": "pymongo",
        "pymongo.common": ("validate_read_preference"),
        "pymongo.read_concern": ("ReadConcern"),
    },
    "mongoengine.queryset.manager": {
        "mongoengine.queryset.queryset": ("QuerySet"),
    },
    "mongoengine.queryset.queryset": {
        "mongoengine.errors": ("OperationError"),
        "mongoengine.queryset.base": (
            "BaseQuerySet CASCADE DENY DO_NOTHING NULLIFY PULL"
        ),
    },
    "mongoengine.queryset.transform": {
        "mongoengine.query.geo:geo_condition": "_geo_operator",
        "mongoengine.query.geo:infer_geometry": "_infer_geometry",
        "mongoengine.query.filters:prepare_several": "_prepare_query_for_iterable",
        "bson.dbref": ("DBRef"),
        "bson.objectid": ("ObjectId"),
        "bson.son": ("SON"),
        "mongoengine.base.common": ("UPDATE_OPERATORS"),
        "mongoengine.common": ("_import_class"),
        "mongoengine.errors": ("InvalidQueryError"),
        "pymongo:": "pymongo",
    },
    "mongoengine.queryset.visitor": {
        "mongoengine.errors": ("InvalidQueryError"),
        "mongoengine.queryset.transform:": "transform",
    },
    "mongoengine.signals": {
        "blinker.base": (
            "Namespace _signals post_bulk_insert post_delete post_init "
            "post_save pre_bulk_insert pre_delete pre_init pre_save "
            "pre_save_post_validation"
        ),
    },
}


def _places(homes: dict[str, str]) -> Iterator[tuple[str, str]]:
    for home, names in homes.items():
        for name in names.split():
            yield name, home if ":" in home else f"{home}:{name}"


#: For each module: its further names, and the `"module:name"` of each.
NAMES = {module: dict(_places(homes)) for module, homes in _FROM.items()}
