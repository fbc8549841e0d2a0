"""The options that every field has, validation errors, and fields of one's own."""

import datetime

from bson import ObjectId

from .harness import differs

KEY = ObjectId("5f0000000000000000000001")


def required_fields(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(required=True)

    class Doc(me.Document):
        a = me.StringField(required=True)
        b = me.ListField(me.IntField(), required=True)
        c = me.DictField(required=True)
        d = me.EmbeddedDocumentField(Part, required=True)
        e = me.StringField(required=True, default="e")
        f = me.BooleanField(required=True)

    ok = {"a": "x", "b": [1], "c": {"k": 1}, "d": Part(n=1), "f": False}
    return [
        db.error(Doc().validate),
        db.error(Doc(**ok).validate),
        db.error(Doc(**{**ok, "a": ""}).validate),
        db.error(Doc(**{**ok, "b": []}).validate),
        db.error(Doc(**{**ok, "d": Part()}).validate),
        db.error(Doc(**{**ok, "c": {}}).validate),
    ]


def error_structure(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(min_value=3)
        names = me.ListField(me.StringField(max_length=1))

    class Doc(me.Document):
        a = me.StringField(max_length=2)
        part = me.EmbeddedDocumentField(Part)
        mapping = me.MapField(me.IntField())

    doc = Doc(a="long", part=Part(n=1, names=["a", "bb"]), mapping={"k": "x"})
    try:
        doc.validate()
    except me.ValidationError as error:
        return {
            "text": str(error),
            "repr": repr(error),
            "dict": error.to_dict(),
            "message": error.message,
            "field_name": error.field_name,
            "errors": {name: type(e) for name, e in error.errors.items()},
            "inner": error.errors["a"].field_name,
            "schema": error._format_errors(),
        }


def errors_made_by_hand(me, db):
    error = me.ValidationError
    nested = error("outer", errors={"a": error("inner", field_name="a"), "b": "text"})
    return [
        str(error("m")),
        repr(error("m", field_name="f")),
        error("m").to_dict(),
        nested.to_dict(),
        str(nested),
        error().message,
        error("x", errors={}).to_dict(),
        error("x", field_name="f").errors,
        isinstance(nested, AssertionError),
        error("x").message,
    ]


def error_classes(me, db):
    names = [
        "NotRegistered",
        "InvalidDocumentError",
        "LookUpError",
        "DoesNotExist",
        "InvalidQueryError",
        "MultipleObjectsReturned",
        "OperationError",
        "NotUniqueError",
        "BulkWriteError",
        "FieldDoesNotExist",
        "ValidationError",
        "SaveConditionError",
        "DeprecatedError",
    ]
    shown = [[n, [b.__name__ for b in getattr(me.errors, n).__mro__]] for n in names]
    return [shown, [n in me.errors.__all__ for n in names]]


def choices_of_fields(me, db):
    class Doc(me.Document):
        plain = me.StringField(choices=["a", "b"])
        pairs = me.IntField(choices=((1, "one"), (2, "two")))
        as_set = me.StringField(choices=("x",))
        listed = me.ListField(me.IntField(choices=(1, 2)))
        whole = me.ListField(me.IntField(), choices=([1], [2]))

    return [
        db.error(Doc(plain="a", pairs=1, as_set="x").validate),
        db.error(Doc(plain="z").validate),
        db.error(Doc(pairs=3).validate),
        db.error(Doc(pairs="1").validate),
        db.error(Doc(listed=[1, 3]).validate),
        db.error(Doc(whole=[1]).validate),
        db.error(Doc(whole=[3]).validate),
        db.error(Doc(plain="").validate),
        db.error(Doc.objects, plain="z"),
        db.error(me.StringField, choices="ab"),
        db.error(me.StringField, choices=3),
    ]


def choices_of_other_kinds(me, db):
    return [
        db.error(lambda: me.StringField(choices=iter(["a"]))),
        db.error(lambda: me.StringField(choices={"a": "A"})),
        db.error(lambda: me.StringField(choices={"a", "b"})),
        db.error(lambda: me.StringField(choices=[])),
        db.error(lambda: me.StringField(choices=None)),
    ]


def validation_functions(me, db):
    def even(value):
        if value % 2:
            raise me.ValidationError("must be even")

    def returns_false(value):
        return False

    def plain_error(value):
        raise ValueError("plain")

    class Doc(me.Document):
        a = me.IntField(validation=even)
        b = me.IntField(validation=plain_error)
        c = me.ListField(me.IntField(validation=even))
        d = me.StringField(validation=even)

    def define():
        class Bad(me.Document):
            a = me.IntField(validation=returns_false)

        Bad(a=1).validate()

    return [
        db.error(Doc(a=2).validate),
        db.error(Doc(a=3).validate),
        db.error(Doc(b=1).validate),
        db.error(Doc(c=[2, 3]).validate),
        db.error(Doc(d="x").validate),
        db.error(define),
        db.error(me.IntField, validation=3),
        db.error(lambda: Doc(a=None).validate()),
    ]


def validation_functions_that_return(me, db):
    class Doc(me.Document):
        a = me.IntField(validation=lambda value: value > 3)

    return [
        db.error(Doc(a=2).validate),
        db.error(Doc(a=5).validate),
        db.warned(lambda: db.error(Doc(a=5).validate)),
    ]


def unique_fields(me, db):
    class Doc(me.Document):
        a = me.StringField(unique=True)
        b = me.IntField(unique=True, sparse=True)
        c = me.StringField(unique_with="d")
        d = me.StringField()
        e = me.StringField(unique_with=["c", "d"], db_field="ee")

    def specs():
        return Doc._meta["index_specs"]

    Doc(a="x", b=1, c="c", d="d", e="e").save()
    return [
        specs(),
        [c for c in db.commands() if "createIndexes" in c],
        db.error(Doc(a="x", b=2).save),
        db.error(Doc(a="y", b=1).save),
        db.error(Doc(a="z", b=3, c="c", d="d").save),
        db.error(Doc(a="q", c="c", d="other", e="e").save),
    ]


def unique_in_embedded(me, db):
    class Part(me.EmbeddedDocument):
        code = me.StringField(unique=True, db_field="c")
        other = me.StringField(unique_with="code")

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    return Doc._meta["index_specs"]


def unique_with_unknown(me, db):
    def define():
        class Doc(me.Document):
            a = me.StringField(unique_with="nope")

    return db.error(define)


def primary_key_option(me, db):
    class Doc(me.Document):
        key = me.StringField(primary_key=True, max_length=3)

    return [
        Doc.key.primary_key,
        Doc.key.required,
        Doc.key.db_field,
        db.error(Doc().save),
        db.error(Doc(key="long").save),
        Doc(key="ok").save().pk,
        db.raw("doc"),
        Doc.objects(pk="ok").count(),
        Doc.objects(key="ok").count(),
    ]


def compound_primary_key(me, db):
    class Key(me.EmbeddedDocument):
        a = me.IntField()
        b = me.StringField()

    class Doc(me.Document):
        key = me.EmbeddedDocumentField(Key, primary_key=True)
        value = me.IntField()

    Doc(key=Key(a=1, b="x"), value=1).save()
    loaded = Doc.objects.first()
    loaded.value = 2
    loaded.save()
    return [
        db.raw("doc"),
        Doc.objects(pk__a=1).count(),
        Doc.objects(key__b="x").count(),
        Doc.objects(pk=Key(a=1, b="x")).count(),
        loaded,
    ]


def db_field_names(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(db_field="n")

    class Doc(me.Document):
        first = me.StringField(db_field="f")
        part = me.EmbeddedDocumentField(Part, db_field="p")

    Doc(first="x", part=Part(name="y")).save()
    db.quiet()
    return [
        db.raw("doc"),
        Doc.objects.first(),
        Doc.objects(first="x", part__name="y").count(),
        db.error(lambda: Doc.objects(f="x").count()),
        Doc.objects.only("part.name").first(),
        Doc.objects.order_by("first").first().first,
        Doc.objects.update(set__part__name="z"),
        db.commands(),
    ]


@differs("upstream reads a field by name where another has that database name")
def swapped_database_names(me, db):
    class Doc(me.Document):
        one = me.StringField(db_field="two")
        two = me.StringField(db_field="one")

    Doc(one="1", two="2").save()
    return [db.raw("doc"), Doc.objects.first(), Doc.objects(one="1").count()]


def common_attributes(me, db):
    field = me.StringField(
        db_field="x",
        required=True,
        default="d",
        unique=True,
        validation=None,
        choices=None,
        null=True,
        sparse=True,
    )
    names = (
        "db_field",
        "required",
        "default",
        "unique",
        "unique_with",
        "primary_key",
        "validation",
        "choices",
        "null",
        "sparse",
        "name",
        "max_length",
        "_auto_gen",
        "_auto_dereference",
    )
    return {name: getattr(field, name) for name in names}


def fields_by_themselves(me, db):
    field = me.IntField(min_value=2)
    return [
        field.to_python("3"),
        field.to_mongo(3),
        db.error(field.validate, 1),
        db.error(field.error, "message"),
        db.error(field.error, "message", field_name="other"),
        field.prepare_query_value("exact", "3"),
        field.prepare_query_value("gt", None),
        db.error(field.prepare_query_value, "exact", "x"),
        db.error(lambda: field.lookup_member("x")),
        db.error(lambda: me.StringField().lookup_member("x")),
        db.error(lambda: me.ListField(me.IntField()).lookup_member("x")),
        db.error(lambda: me.ListField().lookup_member("x")),
    ]


def accessing_fields_on_the_class(me, db):
    class Doc(me.Document):
        a = me.IntField()

    return [Doc.a, type(Doc.a), Doc.a.name, Doc._fields["a"] is Doc.a, Doc.id, Doc.pk]


def own_field_with_conversion(me, db):
    class Upper(me.StringField):
        def to_mongo(self, value):
            return value.lower()

        def to_python(self, value):
            return value.upper() if value is not None else value

    class Doc(me.Document):
        a = Upper()
        many = me.ListField(Upper())
        named = me.MapField(Upper(), db_field="nm")

    new = Doc(a="Mixed", many=["One"], named={"k": "Two"})
    before = [new.a, list(new.many)]
    new.save()
    loaded = Doc.objects.first()
    loaded.a = "changed"
    loaded.many.append("three")
    loaded.save()
    return [
        before,
        db.raw("doc"),
        Doc.objects.first(),
        Doc.objects(a="CHANGED").count(),
    ]


def own_field_with_validation(me, db):
    class Even(me.IntField):
        def validate(self, value):
            super().validate(value)
            if value % 2:
                self.error("is odd")

    class Doc(me.Document):
        a = Even()
        many = me.ListField(Even())

    return [
        db.error(Doc(a=2, many=[2]).validate),
        db.error(Doc(a=3).validate),
        db.error(Doc(many=[2, 3]).validate),
        db.error(Doc(a="x").validate),
    ]


def own_field_with_query_values(me, db):
    class Doubled(me.IntField):
        def prepare_query_value(self, op, value):
            return super().prepare_query_value(op, value) * 2

    class Doc(me.Document):
        a = Doubled()
        many = me.ListField(Doubled())

    Doc(a=4, many=[4]).save()
    db.quiet()
    return [
        Doc.objects(a=2).count(),
        Doc.objects(many=2).count(),
        Doc.objects(a__gt=1).count(),
        Doc.objects.update(set__a=5),
        db.commands(),
    ]


def own_field_with_descriptors(me, db):
    class Counting(me.IntField):
        def __get__(self, instance, owner):
            value = super().__get__(instance, owner)
            return value if instance is None else (value or 0) + 100

        def __set__(self, instance, value):
            super().__set__(instance, value - 1 if value else value)

    class Doc(me.Document):
        a = Counting()

    doc = Doc(a=5)
    doc.save()
    loaded = Doc.objects.first()
    loaded.a = 10
    loaded.save()
    return [doc.a, loaded.a, db.raw("doc"), loaded._data["a"], Doc.a]


def own_field_with_lookup_member(me, db):
    class Part(me.EmbeddedDocument):
        x = me.IntField(db_field="ex")

    class Proxy(me.BaseField if hasattr(me, "BaseField") else me.fields.BaseField):
        def lookup_member(self, name):
            return Part._fields.get(name)

        def to_mongo(self, value):
            return {"ex": value}

        def to_python(self, value):
            return value["ex"] if isinstance(value, dict) else value

    class Doc(me.Document):
        a = Proxy(db_field="proxied")

    Doc(a=3).save()
    db.quiet()
    return [
        Doc.objects(a__x=3).count(),
        Doc.objects.first().a,
        db.error(lambda: Doc.objects(a__nope=3).count()),
        db.commands(),
    ]


def own_base_field(me, db):
    class Day(me.fields.BaseField):
        def to_mongo(self, value):
            return value.isoformat()

        def to_python(self, value):
            if isinstance(value, str):
                return datetime.date.fromisoformat(value)
            return value

        def validate(self, value):
            if not isinstance(value, datetime.date):
                self.error(f"not a day: {value}")

    class Doc(me.Document):
        day = Day(required=True, unique=True)
        days = me.ListField(Day())

    day = datetime.date(2020, 1, 2)
    Doc(day=day, days=[day]).save()
    loaded = Doc.objects.first()
    loaded.days.append(datetime.date(2021, 1, 1))
    loaded.save()
    return [
        loaded,
        db.raw("doc"),
        db.error(Doc(day="2020-01-01").validate),
        db.error(Doc(day=3).validate),
        db.error(lambda: Doc.objects(day=day).count()),
        db.error(lambda: Doc.objects(day="2020-01-02").count()),
    ]


def own_field_with_options(me, db):
    class Choosy(me.StringField):
        def __init__(self, extra=None, **kwargs):
            self.extra = extra
            kwargs.setdefault("max_length", 3)
            super().__init__(**kwargs)

    class Doc(me.Document):
        a = Choosy(extra=5, required=True)

    return [Doc.a.extra, Doc.a.max_length, db.error(Doc(a="long").validate)]


def own_complex_field(me, db):
    class Pairs(me.fields.ListField):
        def to_python(self, value):
            value = super().to_python(value)
            if not isinstance(value, list):
                return value
            return [tuple(v) if isinstance(v, list) else v for v in value]

    class Doc(me.Document):
        pairs = Pairs()

    Doc(pairs=[[1, 2]]).save()
    return [Doc.objects.first().pairs, Doc.objects.first()]


def own_from_python_conversion_errors(me, db):
    class Strict(me.IntField):
        def to_python(self, value):
            if not isinstance(value, int):
                raise ValueError(f"bad value {value!r}")
            return value

    class Doc(me.Document):
        a = Strict()

    db.insert("doc", {"_id": KEY, "a": "text"})
    return [
        db.error(Doc.objects.first),
        db.error(lambda: Doc(a="x")),
        db.error(Doc._from_son, {"a": "y"}),
    ]


def own_deprecated_default_callables(me, db):
    calls = []

    def default():
        calls.append(1)
        return len(calls)

    class Doc(me.Document):
        a = me.IntField(default=default)
        b = me.ListField(default=list)

    first = Doc()
    second = Doc()
    Doc(a=100).save()
    loaded = Doc.objects.first()
    return [
        first.a,
        second.a,
        first.a,
        loaded.a,
        len(calls),
        first.b,
        first.b is first.b,
    ]


def object_id_fields(me, db):
    class Doc(me.Document):
        a = me.ObjectIdField()
        many = me.ListField(me.ObjectIdField())

    shown = []
    for value in (KEY, str(KEY), "nope", 3, None, b"123456789012"):
        doc = Doc(a=value)
        shown.append(
            [doc, db.error(doc.validate), db.error(doc.to_mongo)],
        )
    Doc(a=KEY, many=[str(KEY)]).save()
    return [
        shown,
        db.raw("doc"),
        Doc.objects(a=str(KEY)).count(),
        db.error(lambda: Doc.objects(a="nope").count()),
        Doc.objects(id__in=[KEY]).count(),
        db.error(lambda: Doc.objects(id="x").count()),
    ]


def field_inheritance_of_options(me, db):
    class Base(me.Document):
        a = me.StringField(required=True, max_length=3)
        meta = {"abstract": True}

    class Child(Base):
        a = me.StringField()

    class Other(Base):
        pass

    return [
        db.error(Child(a="long").validate),
        db.error(Other(a="long").validate),
        db.error(Child().validate),
        db.error(Other().validate),
    ]


@differs("validate(clean=False) does not clean documents in lists either")
def embedded_validation_with_clean(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

        def clean(self):
            self.a = (self.a or 0) + 1

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    doc = Doc(part=Part(a=1), parts=[Part(a=5)])
    doc.validate()
    after = [doc.part.a, doc.parts[0].a]
    doc.validate(clean=False)
    return [after, doc.part.a, doc.parts[0].a]
