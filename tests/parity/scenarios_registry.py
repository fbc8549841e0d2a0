"""Document classes: delete rules, the registry, collections, their own members."""

from bson import ObjectId

from .harness import differs


def deleting_rules_in_meta(me, db):
    class Author(me.Document):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    rules = Author._meta.get("delete_rules")
    return {
        "rules": [[cls.__name__, field, rule] for (cls, field), rule in rules.items()],
        "book": Book._meta.get("delete_rules"),
    }


def delete_rules_errors(me, db):
    class Author(me.Document):
        pass

    def on_embedded():
        class Part(me.EmbeddedDocument):
            author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    def pull_on_a_reference():
        class Book(me.Document):
            author = me.ReferenceField(Author, reverse_delete_rule=me.PULL)

    def clashing_name():
        class Book(me.Document):
            delete = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    def abstract_holder():
        class Book(me.Document):
            author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
            meta = {"abstract": True}

    return [
        db.error(check)
        for check in (on_embedded, pull_on_a_reference, clashing_name, abstract_holder)
    ]


def registering_delete_rules(me, db):
    class Author(me.Document):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author)

    result = db.error(Author.register_delete_rule, Book, "author", me.NULLIFY)
    return [
        result,
        [[c.__name__, f, r] for (c, f), r in Author._meta["delete_rules"].items()],
        db.error(Author.register_delete_rule, Book, "missing", me.NULLIFY),
    ]


def the_registry(me, db):
    class Person(me.Document):
        pass

    class Address(me.EmbeddedDocument):
        pass

    class Base(me.Document):
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    get = me.base.get_document
    return [
        get("Person"),
        get("Address"),
        get("Base.Child"),
        get("Child"),
        db.error(get, "Nobody"),
        db.error(get, "Base.Nobody"),
        sorted(
            name
            for name in me.base._document_registry
            if name in ("Person", "Address", "Base.Child", "Base")
        ),
    ]


def redefining_a_class(me, db):
    def define(collection):
        class Person(me.Document):
            meta = {"collection": collection}

        return Person

    first = define("one")
    second = define("two")
    return [
        me.base.get_document("Person")._get_collection_name(),
        first._get_collection_name(),
        second._get_collection_name(),
    ]


@differs("a key of the data is data, also one that begins with an underscore")
def dynamic_documents_classes(me, db):
    class Person(me.DynamicDocument):
        name = me.StringField()

    class Part(me.DynamicEmbeddedDocument):
        pass

    class Child(me.DynamicDocument):
        meta = {"allow_inheritance": True}

    class GrandChild(Child):
        x = me.IntField()

    return [
        Person._dynamic,
        Part._dynamic,
        sorted(Person._fields),
        GrandChild._class_name,
        GrandChild(x=1, y=2).to_mongo(),
        db.error(Person, _bad=1),
        db.error(Part, a=1),
    ]


def creation_counters_order_fields(me, db):
    class Person(me.Document):
        zebra = me.StringField()
        apple = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Person):
        mango = me.StringField()
        apple = me.IntField()

    return [
        Person._fields_ordered,
        Child._fields_ordered,
        Person.zebra.creation_counter < Person.apple.creation_counter,
        Person.id.creation_counter < 0,
    ]


def overriding_a_field(me, db):
    class Base(me.Document):
        value = me.StringField(db_field="v")
        meta = {"allow_inheritance": True}

    class Child(Base):
        value = me.IntField()

    return [
        Child._db_field_map,
        Child._reverse_db_field_map,
        Child(value=3).to_mongo(),
        Base(value="x").to_mongo(),
        type(Child._fields["value"]).__name__,
    ]


def strict_and_unknown_fields(me, db):
    class Strict(me.Document):
        name = me.StringField()

    class Loose(me.Document):
        name = me.StringField()
        meta = {"strict": False}

    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class LoosePart(me.EmbeddedDocument):
        a = me.IntField()
        meta = {"strict": False}

    key = ObjectId("5f0000000000000000000001")
    db.insert("strict", {"_id": key, "name": "n", "extra": 1, "more": 2})
    db.insert("loose", {"_id": key, "name": "n", "extra": 1})
    loose = Loose.objects.first()
    return [
        db.error(Strict.objects.first),
        loose,
        hasattr(loose, "extra"),
        loose.to_mongo(),
        db.error(Strict, name="n", extra=1),
        db.error(Loose, name="n", extra=1),
        db.error(Part, b=1),
        db.error(LoosePart, b=1, a=2),
        db.error(Part._from_son, {"a": 1, "b": 2}),
        db.error(LoosePart._from_son, {"a": 1, "b": 2}),
    ]


def strict_keyword_of_the_constructor(me, db):
    class Person(me.Document):
        name = me.StringField()

    person = db.error(lambda: Person(name="a", __strict__=False))
    return [person, db.error(lambda: Person(name="a", __auto_convert=False))]


def capped_collections(me, db):
    class Log(me.Document):
        line = me.StringField()
        meta = {"max_documents": 3, "max_size": 90000}

    for number in range(5):
        Log(line=str(number)).save()
    commands = db.commands()
    return {
        "lines": [log.line for log in Log.objects],
        "first": commands[:3],
        "count": Log.objects.count(),
        "options": db.plain[db.name]["log"].options().get("capped"),
    }


def capped_collection_defaults(me, db):
    class Small(me.Document):
        meta = {"max_documents": 10}

    class Sized(me.Document):
        meta = {"max_size": 5000}

    Small().save()
    first = db.commands()
    Sized().save()
    return [first, db.commands()]


@differs("the error names the collection")
def capped_collection_mismatch(me, db):
    def define(**sizes):
        class Log(me.Document):
            line = me.StringField()
            meta = sizes

        return Log

    define(max_documents=10, max_size=8192)(line="a").save()
    return [
        db.error(lambda: define(max_documents=10, max_size=8192)(line="b").save()),
        db.error(lambda: define(max_documents=20, max_size=8192)(line="c").save()),
        db.error(lambda: define(max_documents=10, max_size=4096)(line="d").save()),
        db.error(lambda: define(max_size=8192)(line="e").save()),
    ]


@differs("the error names the collection")
def capped_but_exists_uncapped(me, db):
    db.insert("log", {"_id": ObjectId("5f0000000000000000000001")})

    class Log(me.Document):
        meta = {"max_documents": 10, "max_size": 8192}

    return db.error(lambda: Log().save())


def timeseries_collections(me, db):
    class Reading(me.Document):
        ts = me.DateTimeField(required=True)
        value = me.FloatField()
        meta = {
            "timeseries": {
                "timeField": "ts",
                "granularity": "hours",
                "expireAfterSeconds": 5,
            }
        }

    db.scripted(
        {"listCollections": {"ok": 1.0, "cursor": _names("other"), "operationTime": 1}}
    )
    Reading(ts="2024-01-02T03:04:05", value=1.5).save()
    return db.commands()


def timeseries_mismatch(me, db):
    def reading(**series):
        class Reading(me.Document):
            ts = me.DateTimeField()
            meta = {"timeseries": series}

        return Reading

    options = {"timeseries": {"timeField": "other"}}
    db.scripted({"listCollections": {"ok": 1.0, "cursor": _names("reading", options)}})
    made = reading(timeField="ts")
    return [
        db.error(lambda: made(ts="2024-01-02").save()),
        db.error(lambda: reading(timeField="other")(ts="2024-01-02").save()),
        db.commands(),
    ]


def _names(*names):
    options = {}
    if isinstance(names[-1], dict):
        *names, options = names
    batch = [{"name": n, "type": "collection", "options": options} for n in names]
    return {"id": 0, "ns": "DB.$cmd.listCollections", "firstBatch": batch}


def own_init_is_honoured(me, db):
    class Person(me.Document):
        name = me.StringField()

        def __init__(self, *args, **values):
            super().__init__(*args, **values)
            self.greeting = "hello " + str(self.name)

    Person(name="Ada").save()
    return [Person.objects.first().greeting, Person(name="x").greeting]


def own_attributes_and_properties(me, db):
    class Person(me.Document):
        first = me.StringField()
        last = me.StringField()
        counter = 0

        @property
        def full(self):
            return f"{self.first} {self.last}"

        @full.setter
        def full(self, value):
            self.first, self.last = value.split()

    person = Person(first="Ada", last="L")
    person.full = "Grace Hopper"
    person.other = 3
    return [
        person.full,
        person.to_mongo(),
        person.other,
        db.error(Person, full="a b"),
        db.error(Person, counter=3),
        person._get_changed_fields(),
    ]


def map_reduce_document(me, db):
    class Person(me.Document):
        name = me.StringField()

    saved = Person(name="a").save()
    made = me.MapReduceDocument(Person, Person._get_collection(), saved.id, 3.0)
    db.quiet()
    return [
        made.key == saved.id,
        made.value,
        made.object == saved,
        db.commands(),
        made.object is made.object,
        made._key_type if hasattr(made, "_key_type") else None,
    ]


def meta_is_copied_not_shared(me, db):
    class Base(me.Document):
        a = me.IntField()
        meta = {"allow_inheritance": True, "indexes": ["a"]}

    class Child(Base):
        pass

    Child._meta["indexes"].append("extra")
    return [Base._meta["indexes"], Child._meta["indexes"], hasattr(Base, "meta")]


def meta_of_embedded_and_dynamic(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()
        meta = {"allow_inheritance": True, "x": 1}

    class Child(Part):
        meta = {"y": 2}

    class Dyn(me.DynamicDocument):
        meta = {"allow_inheritance": True, "collection": "dd"}

    return [
        dict(Part._meta),
        dict(Child._meta),
        Dyn._meta["collection"],
        Dyn._meta["allow_inheritance"],
    ]


def field_owner_documents(me, db):
    class Base(me.Document):
        a = me.IntField()
        l = me.ListField(me.IntField())  # noqa: E741
        meta = {"allow_inheritance": True}

    class Child(Base):
        b = me.IntField()

    class Abstract(me.Document):
        x = me.IntField()
        meta = {"abstract": True}

    class One(Abstract):
        pass

    class Two(Abstract):
        pass

    return [
        Child.a.owner_document,
        Child.b.owner_document,
        Base.l.field.owner_document,
        One.x.owner_document,
        Two.x.owner_document,
        db.error(setattr, Base.a, "owner_document", Child),
    ]


def document_metaclasses(me, db):
    class Person(me.Document):
        pass

    class Part(me.EmbeddedDocument):
        pass

    known = ("Document", "EmbeddedDocument", "BaseDocument", "object")
    return [
        type(Person).__name__,
        type(Part).__name__,
        [base.__name__ for base in Person.__mro__ if base.__name__ in known],
        [base.__name__ for base in Part.__mro__ if base.__name__ in known],
        Person.my_metaclass,
        Part.my_metaclass,
        Person.STRICT,
    ]


def docstrings_and_modules(me, db):
    class Person(me.Document):
        """Somebody."""

    return [Person.__doc__, Person.__module__, Person.DoesNotExist.__module__]
