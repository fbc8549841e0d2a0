"""Index specifications: what declarations and fields ask the server for."""

from .harness import differs
from .shapes import caught


def _specs(*documents):
    return [document._meta["index_specs"] for document in documents]


def _page(me, *indexes, **options):
    """A document class with fields of several kinds and these indexes."""

    class Part(me.EmbeddedDocument):
        name = me.StringField(db_field="nm")
        number = me.IntField()
        place = me.PointField(auto_index=False)

    class Page(me.Document):
        title = me.StringField(db_field="t")
        author = me.StringField()
        date = me.DateTimeField(db_field="d")
        tags = me.ListField(me.StringField(), db_field="tg")
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="ps")
        place = me.PointField(auto_index=False, db_field="pl")
        pair = me.GeoPointField(db_field="pr")
        extra = me.DictField(db_field="x")
        meta = {"indexes": list(indexes), **options}

    return Page


def no_indexes(me, db):
    class Plain(me.Document):
        name = me.StringField()

    return [_specs(Plain), Plain._build_index_specs([]), Plain._meta["indexes"]]


def one_field(me, db):
    return _specs(_page(me, "title"), _page(me, "author"), _page(me, "tags"))


def directions(me, db):
    return _specs(_page(me, "+title", "-title", "-date", "+author", "author"))


def several_fields(me, db):
    return _specs(_page(me, ("title", "-date"), ["author", "+title"], ("title",)))


def fields_named_in_a_dict(me, db):
    return _specs(
        _page(
            me,
            {"fields": ["title"]},
            {"fields": ("title", "-date")},
            {"fields": ["-author"], "name": "by_author"},
        )
    )


def options_are_kept(me, db):
    return _specs(
        _page(
            me,
            {"fields": ["title"], "unique": True},
            {"fields": ["author"], "sparse": True},
            {"fields": ["date"], "expireAfterSeconds": 60},
            {"fields": ["tags"], "background": True, "anything": 1},
            {"fields": ["part.name"], "collation": {"locale": "en"}},
            {
                "fields": ["part.number"],
                "partialFilterExpression": {"p.number": {"$gt": 1}},
            },
        )
    )


def text_indexes(me, db):
    return _specs(
        _page(me, "$title"),
        _page(me, ("$title", "$author")),
        _page(
            me,
            {
                "fields": ["$title", "$author"],
                "default_language": "english",
                "weights": {"t": 10, "author": 2},
            },
        ),
        _page(me, ("author", "$title")),
        _page(me, "$part.name"),
    )


def hashed_indexes(me, db):
    return _specs(_page(me, "#title"), _page(me, ("#title", "author")))


def geo_indexes_declared(me, db):
    return _specs(
        _page(me, "*pair"),
        _page(me, "(place"),
        _page(me, ("(place", "title")),
        _page(me, ("title", "(place")),
        _page(me, "(part.place"),
    )


def haystack_indexes(me, db):
    return [
        caught(lambda: _specs(_page(me, ")pair"))),
        caught(lambda: _specs(_page(me, (")pair", "title")))),
    ]


def primary_keys(me, db):
    class Keyed(me.Document):
        key = me.StringField(primary_key=True)
        meta = {"indexes": ["pk", "-pk", "id", "_id", "#pk", "key", ("pk", "key")]}

    return _specs(_page(me, "pk", "id", "-_id", ("title", "pk"), "#_id"), Keyed)


def fields_of_embedded_documents(me, db):
    return _specs(_page(me, "part.name", "-part.number", ("part.name", "title")))


def fields_of_embedded_lists(me, db):
    return _specs(_page(me, "parts.name", "parts", "parts.0.name", "tags.0"))


def keys_of_dicts(me, db):
    return _specs(_page(me, "extra.a", "extra.a.b", "extra"))


def whole_embedded_documents(me, db):
    return _specs(_page(me, "part", ("part", "title")))


def unknown_fields(me, db):
    return [
        caught(lambda spec=spec: _specs(_page(me, spec)))
        for spec in ("nope", "part.nope", "t", ("title", "nope"), "title.x", "", "-")
    ]


def declarations_of_other_shapes(me, db):
    return [
        caught(lambda spec=spec: _specs(_page(me, spec)))
        for spec in ({"field": ["title"]}, {"fields": "title"}, {"fields": []})
    ]


def members_of_references(me, db):
    class Writer(me.Document):
        name = me.StringField()

    def make(*indexes):
        class Book(me.Document):
            writer = me.ReferenceField(Writer, db_field="w")
            writers = me.ListField(me.ReferenceField(Writer))
            anyone = me.GenericReferenceField()
            meta = {"indexes": list(indexes)}

        return Book

    names = "writer", "writers", "writer.name", "writers.name", "anyone", "anyone._cls"
    return [caught(lambda name=name: _specs(make(name))) for name in names]


def declarations_that_repeat(me, db):
    return _specs(
        _page(me, "title", "title"),
        _page(me, "title", {"fields": ["title"], "unique": True}),
        _page(me, ("title",), "title", "+title"),
    )


def declarations_stay_as_they_are(me, db):
    declared = {"fields": ["title", "-date"], "cls": False, "unique": True}
    page = _page(me, declared, allow_inheritance=True)
    return [declared, page._meta["indexes"], _specs(page)]


@differs("pairs among index fields count, and may have names of fields")
def specs_built_by_hand(me, db):
    page = _page(me)
    family = _page(me, allow_inheritance=True)
    specs = "title", ["title", "-date"], {"fields": ["title"], "unique": True}, "pk"
    return [
        [page._build_index_spec(spec) for spec in specs],
        [family._build_index_spec(spec) for spec in specs],
        page._build_index_specs(["title"]),
        [caught(page._build_index_spec, [("title", 1)])],
        [caught(family._build_index_spec, {"fields": [("title", 1)]})],
    ]


# -- inheritance


def class_names_come_first(me, db):
    return _specs(
        _page(me, "title", ("title", "-date"), allow_inheritance=True),
        _page(me, {"fields": ["title"], "unique": True}, allow_inheritance=True),
        _page(me, "pk", "_cls", ("_cls", "title"), allow_inheritance=True),
    )


def class_names_left_out(me, db):
    return _specs(
        _page(me, {"fields": ["title"], "cls": False}, allow_inheritance=True),
        _page(me, {"fields": ["title"], "sparse": True}, allow_inheritance=True),
        _page(me, "title", allow_inheritance=True, index_cls=False),
        _page(
            me,
            {"fields": ["title"], "cls": True},
            allow_inheritance=True,
            index_cls=False,
        ),
        _page(me, {"fields": ["title"], "cls": True}),
        _page(
            me,
            {"fields": ["title"], "cls": True, "sparse": True},
            allow_inheritance=True,
        ),
    )


def class_names_and_special_indexes(me, db):
    return _specs(
        _page(me, "$title", allow_inheritance=True),
        _page(me, "#title", allow_inheritance=True),
        _page(me, "(place", allow_inheritance=True),
        _page(me, "*pair", allow_inheritance=True),
        _page(me, ("(place", "title"), allow_inheritance=True),
        _page(me, ("title", "(place"), allow_inheritance=True),
    )


def subclasses_add_to_indexes(me, db):
    class Base(me.Document):
        a = me.StringField()
        meta = {"allow_inheritance": True, "indexes": ["a"]}

    class Middle(Base):
        b = me.StringField(db_field="bb")
        meta = {"indexes": ["b", ("a", "b")]}

    class Leaf(Middle):
        c = me.StringField(unique=True)

    return [
        _specs(Base, Middle, Leaf),
        [c._meta["indexes"] for c in (Base, Middle, Leaf)],
    ]


def abstract_bases_give_indexes(me, db):
    class Base(me.Document):
        a = me.StringField(unique=True)
        meta = {"abstract": True, "indexes": ["-a"]}

    class One(Base):
        b = me.StringField()
        meta = {"indexes": ["b"]}

    class Two(Base):
        meta = {"indexes": []}

    return [caught(lambda: _specs(Base)), _specs(One, Two)]


def mixins_give_fields_to_index(me, db):
    class Dated:
        made = me.DateTimeField(db_field="m")

    class Note(Dated, me.Document):
        text = me.StringField()
        meta = {"indexes": ["-made"]}

    return _specs(Note)


def embedded_documents_have_no_indexes_of_their_own(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(unique=True)
        meta = {"indexes": ["name"]}

    return [caught(_specs, Part), Part._unique_with_indexes(), Part._geo_indices()]


def dynamic_documents(me, db):
    class Loose(me.DynamicDocument):
        name = me.StringField()
        meta = {"indexes": ["name", "other", ("other", "-more.x"), {"fields": ["z"]}]}

    class Base(me.DynamicDocument):
        meta = {"allow_inheritance": True, "indexes": ["q"]}

    return _specs(Loose, Base)


# -- unique fields


def unique_fields(me, db):
    class Person(me.Document):
        email = me.StringField(unique=True, db_field="e")
        nick = me.StringField(unique=True, sparse=True)
        code = me.StringField(unique=True, required=True)
        name = me.StringField(sparse=True)

    return [_specs(Person), Person._unique_with_indexes()]


def unique_primary_keys(me, db):
    class Person(me.Document):
        email = me.StringField(primary_key=True, unique=True)

    return _specs(Person)


def unique_with_one_other(me, db):
    class Person(me.Document):
        first = me.StringField(db_field="f")
        last = me.StringField(unique_with="first", db_field="l")

    return [
        _specs(Person),
        Person.first.required,
        Person.last.unique,
        Person.last.unique_with,
    ]


@differs("sparse counts beside unique_with")
def unique_with_several_others(me, db):
    class Person(me.Document):
        a = me.StringField(db_field="aa")
        b = me.StringField()
        c = me.StringField(unique_with=["a", "b"])
        d = me.StringField(unique_with=("a", "b", "c"), sparse=True)

    return [_specs(Person), [getattr(Person, n).required for n in "abcd"]]


def unique_with_an_embedded_field(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(db_field="nm")

    class Thing(me.Document):
        part = me.EmbeddedDocumentField(Part, db_field="p")
        code = me.StringField(unique_with="part.name")

    return [_specs(Thing), Part.name.required, Thing.part.required]


def unique_with_a_list(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(db_field="nm")

    class Thing(me.Document):
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="ps")
        tags = me.ListField(me.StringField())
        code = me.StringField(unique_with="parts.name")
        other = me.StringField(unique_with="tags")

    return _specs(Thing)


def unique_with_what_is_missing(me, db):
    def make(other):
        class Thing(me.Document):
            code = me.StringField(unique_with=other)
            extra = me.DictField()

        return _specs(Thing)

    return [caught(make, name) for name in ("nope", "extra.a", ["nope"], "pk", "id")]


@differs("sparse counts beside unique_with")
def unique_with_inherited_fields(me, db):
    class Base(me.Document):
        a = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        b = me.StringField(unique_with="a")
        c = me.StringField(unique_with=["a", "b"])
        d = me.StringField(unique_with="_cls")

    class Grandchild(Child):
        e = me.StringField(unique_with="b", sparse=True)

    return _specs(Base, Child, Grandchild)


def unique_embedded_fields(me, db):
    class Deep(me.EmbeddedDocument):
        code = me.StringField(unique=True, db_field="c")

    class Part(me.EmbeddedDocument):
        name = me.StringField(unique=True, db_field="nm")
        deep = me.EmbeddedDocumentField(Deep, db_field="dp")
        deeps = me.ListField(me.EmbeddedDocumentField(Deep))

    class Thing(me.Document):
        part = me.EmbeddedDocumentField(Part, db_field="p")
        meta = {"indexes": ["part.name"]}

    return [_specs(Thing), Part._unique_with_indexes(), Deep._unique_with_indexes("x.")]


def unique_fields_of_embedded_lists(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(unique=True, db_field="nm")
        pair = me.StringField(unique_with="name")

    class Thing(me.Document):
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="p")
        more = me.EmbeddedDocumentListField(Part)
        sorted_parts = me.SortedListField(me.EmbeddedDocumentField(Part))
        mapped = me.MapField(me.EmbeddedDocumentField(Part))
        listed = me.ListField(me.ListField(me.EmbeddedDocumentField(Part)))

    return _specs(Thing)


def documents_embedded_in_themselves(me, db):
    class Comment(me.EmbeddedDocument):
        text = me.StringField(unique=True)
        reply = me.EmbeddedDocumentField("self")

    class Post(me.Document):
        comment = me.EmbeddedDocumentField(Comment)

    return caught(_specs, Post)


def unique_fields_and_declarations_merge(me, db):
    class Person(me.Document):
        email = me.StringField(unique=True)
        name = me.StringField()
        nick = me.StringField(unique_with="name")
        meta = {
            "indexes": [
                {"fields": ["email"], "name": "mail"},
                ("nick", "name"),
                "-email",
                {"fields": ["name"], "sparse": True},
            ]
        }

    class Family(me.Document):
        email = me.StringField(unique=True)
        meta = {"allow_inheritance": True, "indexes": ["email"]}

    return _specs(Person, Family)


def unique_lists_and_references(me, db):
    class Other(me.Document):
        name = me.StringField(unique=True)

    class Thing(me.Document):
        tags = me.ListField(me.StringField(), unique=True)
        words = me.ListField(me.StringField(unique=True))
        other = me.ReferenceField(Other, unique=True, db_field="o")
        others = me.ListField(me.ReferenceField(Other, unique=True))

    return _specs(Thing, Other)


# -- geo fields


def geo_fields_ask_for_indexes(me, db):
    class Place(me.Document):
        pair = me.GeoPointField(db_field="g")
        point = me.PointField(db_field="pt")
        line = me.LineStringField()
        area = me.PolygonField()
        points = me.MultiPointField()
        lines = me.MultiLineStringField()
        areas = me.MultiPolygonField()
        listed = me.ListField(me.PointField())

    return [_specs(Place), Place._geo_indices()]


def geo_fields_that_do_not(me, db):
    class Place(me.Document):
        point = me.PointField(auto_index=False)
        area = me.PolygonField(auto_index=False)

    return [_specs(Place), Place._geo_indices(), Place.point._geo_index]


def geo_fields_of_embedded_documents(me, db):
    class Deep(me.EmbeddedDocument):
        point = me.PointField(db_field="pt")

    class Venue(me.EmbeddedDocument):
        pair = me.GeoPointField()
        deep = me.EmbeddedDocumentField(Deep, db_field="dp")

    class Event(me.Document):
        venue = me.EmbeddedDocumentField(Venue, db_field="v")
        other = me.EmbeddedDocumentField(Venue)
        listed = me.ListField(me.EmbeddedDocumentField(Venue))

    return [_specs(Event), Event._geo_indices(), Venue._geo_indices()]


def geo_fields_in_a_circle(me, db):
    class Node(me.EmbeddedDocument):
        point = me.PointField()
        below = me.EmbeddedDocumentField("self")

    class Tree(me.Document):
        root = me.EmbeddedDocumentField(Node)
        point = me.PointField()

    return [_specs(Tree), Node._geo_indices(), Tree._geo_indices(parent_field="x")]


def geo_fields_behind_references(me, db):
    class Place(me.Document):
        point = me.PointField()

    class Event(me.Document):
        place = me.ReferenceField(Place)
        places = me.ListField(me.ReferenceField(Place))

    return _specs(Place, Event)


def geo_fields_and_declarations_merge(me, db):
    class Place(me.Document):
        point = me.PointField()
        pair = me.GeoPointField()
        name = me.StringField()
        meta = {
            "indexes": [
                {"fields": ["(point"], "name": "where"},
                "*pair",
                ("(point", "name"),
                "point",
            ]
        }

    class Family(me.Document):
        point = me.PointField(unique=True)
        meta = {"allow_inheritance": True, "indexes": ["(point"]}

    return _specs(Place, Family)


def custom_geo_fields(me, db):
    class Spot(me.PointField):
        pass

    class Corner(me.GeoPointField):
        pass

    class Place(me.Document):
        spot = Spot()
        corner = Corner()

    return _specs(Place)


# -- what the server is asked for


def declared_indexes_are_created(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField(db_field="nm", unique=True)

    class Page(me.Document):
        title = me.StringField(db_field="t", unique=True)
        date = me.DateTimeField()
        part = me.EmbeddedDocumentField(Part, db_field="p")
        meta = {
            "indexes": [
                ("-date", "title"),
                {"fields": ["date"], "expireAfterSeconds": 60, "name": "ttl"},
            ]
        }

    Page.ensure_indexes()
    return [db.commands(), Page.list_indexes()]


def inherited_indexes_are_listed(me, db):
    class Base(me.Document):
        a = me.StringField()
        meta = {"allow_inheritance": True, "indexes": ["a"]}

    class Child(Base):
        b = me.StringField(unique=True)
        meta = {"indexes": [("b", "-a")]}

    Child.ensure_indexes()
    return [db.commands(), Base.list_indexes(), Child.list_indexes()]
