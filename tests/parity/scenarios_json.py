"""to_json and from_json, of documents and querysets, with their options."""

import datetime
import decimal
import uuid

from bson import ObjectId
from bson.json_util import CANONICAL_JSON_OPTIONS, RELAXED_JSON_OPTIONS, JSONOptions

KEY = ObjectId("5f0000000000000000000001")
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def _everything(me):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="num")

    class Doc(me.Document):
        name = me.StringField(db_field="n")
        number = me.IntField()
        real = me.FloatField()
        flag = me.BooleanField()
        when = me.DateTimeField()
        exact = me.DecimalField()
        unique_id = me.UUIDField(binary=True)
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part))
        mapping = me.DictField()
        blob = me.BinaryField()
        missing = me.StringField()

    def build():
        return Doc(
            id=KEY,
            name="ü",
            number=3,
            real=1.5,
            flag=True,
            when=datetime.datetime(2020, 1, 2, 3, 4, 5, 678000),
            exact=decimal.Decimal("1.25"),
            unique_id=UUID,
            part=Part(n=1),
            parts=[Part(n=2)],
            mapping={"a": [1, None]},
            blob=b"\x00\x01",
        )

    return Doc, build


def plain(me, db):
    doc, build = _everything(me)
    return [build().to_json(), doc().to_json()]


def round_trip(me, db):
    doc, build = _everything(me)
    text = build().to_json()
    again = doc.from_json(text)
    return [again, again == build(), again.to_json() == text, again._created]


def options_of_json(me, db):
    _doc, build = _everything(me)
    return [
        db.error(build().to_json, indent=2),
        build().to_json(sort_keys=True),
        build().to_json(separators=(",", ":")),
        build().to_json(use_db_field=False),
        db.error(build().to_json, json_options=CANONICAL_JSON_OPTIONS),
        db.error(build().to_json, json_options=RELAXED_JSON_OPTIONS),
        db.error(build().to_json, json_options=JSONOptions(tz_aware=False)),
        db.error(build().to_json, nonsense=1),
    ]


def legacy_options_warn(me, db):
    _doc, build = _everything(me)
    return db.warned(build().to_json)


def bad_json(me, db):
    doc, _build = _everything(me)
    return [
        db.error(doc.from_json, "{"),
        db.error(doc.from_json, "[]"),
        db.error(doc.from_json, "{}"),
        db.error(doc.from_json, '{"nope": 1}'),
        db.error(doc.from_json, '{"number": "x"}'),
        db.error(doc.from_json, "3"),
        db.error(doc.from_json, '"text"'),
        db.error(doc.from_json, None),
    ]


def created_flag(me, db):
    class Doc(me.Document):
        name = me.StringField()

    text = '{"_id": {"$oid": "5f0000000000000000000001"}, "name": "a"}'
    given = Doc.from_json(text)
    created = Doc.from_json(text, created=True)
    without = Doc.from_json('{"name": "b"}')
    states = [
        [d._created, d.id, d._get_changed_fields()] for d in (given, created, without)
    ]
    db.quiet()
    given.save()
    first = db.commands()
    created.save()
    second = db.commands()
    without.save()
    return [states, first, second, db.commands(), db.raw("doc")]


def json_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)
        dbref = me.ReferenceField(Author, dbref=True)
        any = me.GenericReferenceField()
        lazy = me.LazyReferenceField(Author)

    author = Author(id=KEY, name="a").save()
    book = Book(author=author, dbref=author, any=author, lazy=author)
    text = book.to_json()
    again = Book.from_json(text)
    return [text, again.to_mongo(), again.author.name, type(again.lazy)]


def json_of_inheritance(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        extra = me.IntField()

    text = Child(id=KEY, name="c", extra=1).to_json()
    return [text, Base.from_json(text), type(Base.from_json(text))]


def json_of_embedded(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")
        items = me.ListField()

    part = Part(n=1, items=[1, KEY])
    return [part.to_json(), Part.from_json(part.to_json()), Part.from_json("{}")]


def json_of_dynamic(me, db):
    class Doc(me.DynamicDocument):
        name = me.StringField()

    document = Doc(id=KEY, name="n", extra=[1, {"a": 2}])
    again = Doc.from_json(document.to_json())
    return [document.to_json(), again, sorted(again._dynamic_fields)]


def json_of_querysets(me, db):
    class Doc(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField(db_field="n")

    Doc(id=1, name="a").save()
    Doc(id=2, name="b").save()
    text = Doc.objects.order_by("id").to_json()
    return [
        text,
        Doc.objects(id=1).to_json(),
        Doc.objects(id=99).to_json(),
        Doc.objects.order_by("id").to_json(indent=1),
        Doc.objects.from_json(text),
        Doc.objects.from_json("[]"),
        db.error(Doc.objects.from_json, "nope"),
        db.error(Doc.objects.from_json, '[{"z": 1}]'),
        Doc.objects.only("id").order_by("id").to_json(),
        Doc.objects.order_by("id").as_pymongo().to_json(),
        db.error(Doc.objects.scalar("name").to_json),
    ]


def json_of_geo_and_files(me, db):
    class Doc(me.Document):
        point = me.PointField()
        place = me.GeoPointField()
        line = me.LineStringField()

    doc = Doc(id=KEY, point=[1, 2], place=[3, 4], line=[[1, 2], [3, 4]])
    return [doc.to_json(), Doc.from_json(doc.to_json())]


def json_of_uuid_and_decimal_kinds(me, db):
    class Doc(me.Document):
        text = me.UUIDField(binary=False)
        exact = me.DecimalField(force_string=True)
        wide = me.Decimal128Field()
        day = me.DateField()
        fine = me.ComplexDateTimeField()

    doc = Doc(
        id=KEY,
        text=UUID,
        exact="2.50",
        wide=decimal.Decimal("3.75"),
        day=datetime.date(2020, 1, 2),
        fine=datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
    )
    text = doc.to_json()
    return [text, db.error(Doc.from_json, text)]


def json_keeps_partial_documents(me, db):
    class Doc(me.Document):
        name = me.StringField()
        age = me.IntField(default=3)

    Doc(id=KEY, name="a", age=9).save()
    return [
        Doc.objects.only("name").first().to_json(),
        Doc.objects.exclude("name").first().to_json(),
    ]


def json_with_odd_values(me, db):
    class Doc(me.Document):
        real = me.FloatField()
        text = me.StringField()
        anything = me.DynamicField()

    shown = []
    for values in (
        {"real": float("inf")},
        {"text": 'quo"te\n'},
        {"anything": {1: 2}},
        {"anything": 2**40},
        {"anything": datetime.datetime(1960, 1, 1)},
    ):
        shown.append(db.error(lambda v=values: Doc(id=KEY, **v).to_json()))
    return shown


def from_json_with_nested_documents(me, db):
    class Inner(me.EmbeddedDocument):
        values = me.MapField(me.IntField())

    class Part(me.EmbeddedDocument):
        inner = me.EmbeddedDocumentField(Inner)

    class Doc(me.Document):
        parts = me.EmbeddedDocumentListField(Part)

    text = '{"parts": [{"inner": {"values": {"a": 1}}}, {}]}'
    made = Doc.from_json(text)
    made.parts[0].inner.values["a"] = 2
    return [made, made._get_changed_fields(), made.to_json()]
