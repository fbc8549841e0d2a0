"""Names of modules that little else needs, and that users import all the same."""

import copy
import importlib
import re

from .harness import differs

FIELDS = [
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
    "GeoPointField",
    "ImageField",
    "IntField",
    "LazyReferenceField",
    "LineStringField",
    "ListField",
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
]


def counters_of_field_classes(me, db):
    before = me.fields.BaseField.creation_counter
    field = me.StringField()
    return [
        field.creation_counter >= before,
        me.fields.BaseField.creation_counter > before,
        me.fields.BaseField.auto_creation_counter <= -1,
        [
            [
                hasattr(getattr(me.fields, name), "creation_counter"),
                hasattr(getattr(me.fields, name), "auto_creation_counter"),
                getattr(me.fields, name).__mro__[-1],
            ]
            for name in FIELDS
        ],
    ]


def bases_of_field_classes(me, db):
    known = {*FIELDS, "BaseField", "ComplexBaseField", "GeoJsonBaseField", "object"}
    return {
        name: [
            base.__name__
            for base in getattr(me.fields, name).__mro__
            if base.__name__ in known
        ]
        for name in FIELDS
    }


def attributes_of_field_classes(me, db):
    fields = me.fields
    text = me.StringField()
    return [
        fields.SequenceField.COLLECTION_NAME,
        fields.SequenceField.VALUE_DECORATOR,
        fields.EmailField.error_msg,
        [
            bool(getattr(fields.EmailField, name).match(value))
            for name, value in (
                ("USER_REGEX", "user.name"),
                ("USER_REGEX", "ü"),
                ("UTF8_USER_REGEX", "ü"),
                ("DOMAIN_REGEX", "example.com"),
                ("DOMAIN_REGEX", "-bad-"),
            )
        ],
        fields.Decimal128Field.DECIMAL_CONTEXT.prec,
        fields.FileField.proxy_class,
        fields.ImageField.proxy_class,
        fields.StringField.name,
        text.name,
        fields.BaseField._geo_index if hasattr(fields.BaseField, "_geo_index") else 0,
        fields.PointField._geo_index,
        fields.GeoPointField._geo_index,
        fields.PolygonField._type,
        fields.RECURSIVE_REFERENCE_CONSTANT,
        fields.URLField._URL_SCHEMES,
        fields.GridFSError.__mro__,
        fields.ImproperlyConfigured.__mro__,
    ]


def constants(me, db):
    base, transform = me.base, me.queryset.transform
    return [
        sorted(base.UPDATE_OPERATORS),
        base.ALLOW_INHERITANCE if hasattr(base, "ALLOW_INHERITANCE") else None,
        base.document.NON_FIELD_ERRORS,
        sorted(transform.COMPARISON_OPERATORS),
        sorted(transform.GEO_OPERATORS),
        sorted(transform.STRING_OPERATORS),
        sorted(transform.CUSTOM_OPERATORS),
        sorted(transform.MATCH_OPERATORS),
        getattr(me.mongodb_support, "MONGODB_80", (8, 0)),
        len(me.pymongo_support.PYMONGO_VERSION) >= 2,
        me.queryset.queryset.REPR_OUTPUT_SIZE,
        me.queryset.queryset.ITER_CHUNK_SIZE,
        me.connection.READ_PREFERENCE.name,
    ]


def public_names_of_modules(me, db):
    names = [
        "base",
        "base.common",
        "base.datastructures",
        "base.document",
        "base.fields",
        "base.metaclasses",
        "common",
        "connection",
        "context_managers",
        "dereference",
        "document",
        "errors",
        "fields",
        "queryset",
        "queryset.base",
        "queryset.field_list",
        "queryset.manager",
        "queryset.queryset",
        "queryset.transform",
        "queryset.visitor",
    ]
    ours = _ours(names)
    unreleased = {"run_in_transaction"}
    return {
        name: [
            known
            for known in sorted(_upstream_all(name))
            if known in ours[name] and known not in unreleased
        ]
        for name in names
    }


def _upstream_all(name):
    from .names import load

    contents = load().get(f"mongoengine.{name}", {})
    return [n for n in contents if not n.startswith("_")]


def _ours(names):
    modules = {n: importlib.import_module(f"mongoengine.{n}") for n in names}
    return {name: set(dir(module)) for name, module in modules.items()}


def strict_dicts(me, db):
    strict = me.base.datastructures.StrictDict
    kind = strict.create(("one", "two"))
    made = kind(one=1)
    same = strict.create(("two", "one"))
    shown = [
        made["one"],
        made.get("two"),
        made.get("two", 5),
        db.error(lambda: made["two"]),
        db.error(lambda: made["three"]),
        db.error(kind, three=3),
        db.error(lambda: made.get("three")),
        "one" in made,
        "two" in made,
        "three" in made,
        list(made.keys()),
        list(made.items()),
        list(made.iteritems()),
        list(made.iterkeys()),
        len(made),
        list(made),
        made == kind(one=1),
        made == {"one": 1},
        kind is same,
        repr(made),
    ]
    made["two"] = 2
    made.two = 22
    shown += [made.two, list(made.items()), made.pop("one"), list(made)]
    shown.append(db.error(made.pop, "one"))
    shown.append(made.pop("one", 7))
    shown.append(db.error(lambda: made.three))
    shown.append(db.error(setattr, made, "three", 3))
    return shown


def compiled_when_needed(me, db):
    utils = me.base.utils

    class Holder:
        pattern = utils.LazyRegexCompiler("^a+$", re.IGNORECASE)

    lazy = utils.LazyRegexCompiler("b")
    holder = Holder()
    return [
        bool(holder.pattern.match("AAA")),
        holder.pattern is holder.pattern,
        lazy.compiled_regex.pattern,
        db.error(setattr, holder, "pattern", 3),
    ]


@differs("the release does not have the class; upstream's next release has")
def lists_without_order(me, db):
    kind = me.base.utils.NonOrderedList
    return [
        kind([1, 2]) == [2, 1],
        kind([1, 2]) == [1, 2],
        kind([1, 2]) == kind([2, 1]),
        kind([1]) == [1, 2],
        kind([1]) == 1,
        isinstance(kind(), list),
    ]


def the_registry_class(me, db):
    class Person(me.Document):
        pass

    registry = me.base.common
    names = registry._document_registry
    return [
        "Person" in names,
        names["Person"],
        db.error(lambda: names["Nobody"]),
        me.base.get_document("Person"),
        hasattr(registry, "get_document"),
    ]


@differs("the release has no _DocumentRegistry; upstream's next release has")
def the_registry_to_come(me, db):
    class Person(me.Document):
        pass

    registry = me.base.common._DocumentRegistry
    found = registry.get("Person")
    registry.unregister("Person")
    again = db.error(registry.get, "Person")
    registry.register(Person)
    return [found, again, registry.get("Person")]


def metaclasses_by_name(me, db):
    metaclasses = me.base.metaclasses
    person = metaclasses.TopLevelDocumentMetaclass(
        "Person", (me.Document,), {"name": me.StringField()}
    )
    part = metaclasses.DocumentMetaclass(
        "Part", (me.EmbeddedDocument,), {"n": me.IntField()}
    )
    return [
        sorted(person._fields),
        sorted(part._fields),
        metaclasses.TopLevelDocumentMetaclass.__mro__[1],
        metaclasses.TopLevelDocumentMetaclass.get_auto_id_names(person),
        person(name="a").save().name,
        part(n=1).to_mongo(),
    ]


def file_systems_of_proxies(me, db):
    class Doc(me.Document):
        file = me.FileField(collection_name="files")
        image = me.ImageField()

    doc = Doc()
    proxies = doc.file, doc.image
    return [[type(p), p.collection_name, p.db_alias, hasattr(p, "fs")] for p in proxies]


def importing_classes_by_name(me, db):
    get = me.common._import_class
    return [
        [get(n) for n in ("Document", "StringField")],
        [get(n) for n in ("EmbeddedDocument", "DeReference", "EmbeddedDocumentField")],
        [db.error(get, n) for n in ("QuerySet", "OperationError", "Q", "BaseField")],
        db.error(get, "Nothing"),
    ]


def lists_and_dicts_by_hand(me, db):
    structures = me.base.datastructures

    class Doc(me.Document):
        items = me.ListField()
        mapping = me.DictField()

    doc = Doc(items=[1], mapping={"a": 1}).save()
    items = structures.BaseList([3, 1], doc, "items")
    mapping = structures.BaseDict({"a": 1}, doc, "mapping")
    return [
        copy.copy(items),
        copy.deepcopy(items),
        copy.deepcopy(mapping),
        type(copy.deepcopy(items)),
        items + [1],  # noqa: RUF005
        [1] + items,  # noqa: RUF005
        items * 2,
        mapping | {"b": 1},
        list(reversed(items)),
        items.__class__(items, doc, "items"),
        [*items],
        {**mapping},
        items.copy(),
        type(items.copy()),
        mapping.keys() == {"a"},
        list(iter(items)),
        items.append(5),
        doc._get_changed_fields(),
    ]


def index_comparisons(me, db):
    class Doc(me.Document):
        name = me.StringField()
        age = me.IntField()
        meta = {"indexes": ["name"]}

    Doc.ensure_indexes()
    first = Doc.compare_indexes()
    db.plain[db.name]["doc"].create_index("extra")
    db.plain[db.name]["doc"].drop_index("name_1")
    return [first, Doc.compare_indexes(), Doc.list_indexes()]


def errors_of_the_connection_layer(me, db):
    return [
        me.ConnectionFailure.__mro__,
        me.connection.ConnectionFailure is me.ConnectionFailure,
        me.document.InvalidCollectionError.__mro__,
        me.NotUniqueError.__mro__,
    ]


def querysets_and_their_bases(me, db):
    base = me.queryset.base.BaseQuerySet
    public = [
        "aggregate",
        "all",
        "all_fields",
        "allow_disk_use",
        "as_pymongo",
        "average",
        "batch_size",
        "clone",
        "collation",
        "comment",
        "count",
        "create",
        "delete",
        "distinct",
        "exclude",
        "exec_js",
        "explain",
        "fields",
        "filter",
        "first",
        "from_json",
        "get",
        "hint",
        "in_bulk",
        "insert",
        "item_frequencies",
        "limit",
        "map_reduce",
        "max_time_ms",
        "modify",
        "no_dereference",
        "no_sub_classes",
        "none",
        "only",
        "order_by",
        "read_concern",
        "read_preference",
        "rewind",
        "scalar",
        "search_text",
        "select_related",
        "skip",
        "snapshot",
        "sum",
        "timeout",
        "to_json",
        "update",
        "update_one",
        "upsert_one",
        "using",
        "values_list",
        "where",
        "with_id",
    ]
    return [
        [n for n in public if not hasattr(base, n)],
        issubclass(me.QuerySet, base),
        issubclass(me.QuerySetNoCache, base),
        hasattr(me.QuerySet, "no_cache"),
        hasattr(me.QuerySetNoCache, "cache"),
    ]
