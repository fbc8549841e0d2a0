"""Context managers, connections, sequences, and the support modules."""

from pymongo.read_concern import ReadConcern

from .harness import differs, needs, not_async


def _person(me, **meta_keys):
    class Person(me.Document):
        name = me.StringField()
        meta = meta_keys

    return Person


def switching_databases(me, db):
    db.connect("other", "_other")
    person = _person(me)
    person(name="a").save()
    with me.context_managers.switch_db(person, "other") as switched:
        person(name="b").save()
        shown = [
            switched is person,
            person.objects.count(),
            [p.name for p in person.objects],
            person._get_db().name,
        ]
        kept = person.objects
    return [
        shown,
        person._get_db().name,
        [p.name for p in person.objects],
        [p.name for p in kept],
        db.raw("person", "_other"),
        db.commands(),
    ]


def switching_databases_and_errors(me, db):
    person = _person(me)

    def unknown():
        with me.context_managers.switch_db(person, "nowhere") as switched:
            switched.objects.count()

    def failing():
        db.connect("other", "_other")
        with me.context_managers.switch_db(person, "other"):
            raise ValueError("inside")

    return [db.error(unknown), db.error(failing), person._get_db().name]


@differs("a document remembers the database that it was made or loaded in")
def switching_databases_of_saved_documents(me, db):
    db.connect("other", "_other")
    person = _person(me)
    one = person(name="a").save()
    with me.context_managers.switch_db(person, "other"):
        one.name = "b"
        one.save()
        fresh = person(name="c").save()
    fresh.name = "d"
    fresh.save()
    return [db.raw("person"), db.raw("person", "_other")]


def switching_collections(me, db):
    person = _person(me)
    person(name="a").save()
    with me.context_managers.switch_collection(person, "archive") as switched:
        person(name="b").save()
        shown = [
            switched is person,
            person._get_collection_name(),
            person._get_collection().name,
            [p.name for p in person.objects],
        ]
        kept = person.objects
    return [
        shown,
        person._get_collection_name(),
        [p.name for p in kept],
        db.raw("person"),
        db.raw("archive"),
        db.commands(),
    ]


def nested_switches(me, db):
    db.connect("other", "_other")
    person = _person(me)
    managers = me.context_managers
    names = []
    with managers.switch_collection(person, "one"):
        names.append(person._get_collection_name())
        with managers.switch_collection(person, "two"):
            names.append(person._get_collection_name())
            with managers.switch_db(person, "other"):
                person(name="deep").save()
        names.append(person._get_collection_name())
    names.append(person._get_collection_name())
    return [names, db.raw("two", "_other"), db.raw("two"), db.raw("person", "_other")]


def switching_with_indexes(me, db):
    db.connect("other", "_other")
    person = _person(me, indexes=["name"])
    person(name="a").save()
    db.quiet()
    with me.context_managers.switch_db(person, "other"):
        person(name="b").save()
    with me.context_managers.switch_collection(person, "archive"):
        person(name="c").save()
    return db.commands()


def without_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    Base(name="b").save()
    Child(name="c").save()
    db.quiet()
    with me.context_managers.no_sub_classes(Base) as given:
        inside = [given is Base, [d.name for d in Base.objects], Base.objects.count()]
    return [inside, [d.name for d in Base.objects.order_by("name")], db.commands()]


def without_dereferencing(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    Book(author=Author(name="a").save()).save()
    managers = me.context_managers
    before = managers.no_dereferencing_active_for_class(Book)
    with managers.no_dereference(Book) as given:
        inside = [
            given,
            managers.no_dereferencing_active_for_class(Book),
            managers.no_dereferencing_active_for_class(Author),
            Book.objects.first().author,
        ]
    after = managers.no_dereferencing_active_for_class(Book)
    return [before, inside, after, Book.objects.first().author]


@not_async("what is given is PyMongo's collection, used directly")
def write_concerns(me, db):
    person = _person(me)
    managers = me.context_managers
    collection = person._get_collection()
    with managers.set_write_concern(collection, {"w": 1, "j": True}) as given:
        shown = [given.name, given.write_concern.document]
        given.insert_one({"n": 1})
    with managers.set_read_write_concern(
        collection, {"w": 1}, {"level": "local"}
    ) as given:
        both = [given.write_concern.document, given.read_concern.document]
        list(given.find())
    same = collection.read_concern == ReadConcern()
    return [shown, both, same, db.commands()]


@needs("the profiler")
@differs(
    "the profiler's own collection is not counted: the release counts its looks at "
    "it, and then takes them off, which goes wrong where a server does not profile them"
)
def counting_queries(me, db):
    person = _person(me)
    found = {"ok": 1.0, "n": 3}
    batch = {"id": 0, "ns": "db.p", "firstBatch": [{"_id": 1, "n": 4}]}
    db.scripted(
        {
            "profile": {"ok": 1.0, "was": 0, "slowms": 100},
            "count": found,
            "aggregate": {"ok": 1.0, "cursor": batch},
        }
    )
    with me.context_managers.query_counter() as counter:
        list(person.objects)
        shown = [
            counter == 3,
            counter != 3,
            counter > 1,
            counter >= 9,
            counter < 9,
            counter <= 1,
            int(counter),
            repr(counter),
            str(counter),
            counter.db.name,
        ]
    return [shown, db.commands()]


@differs("the release has no transactions; upstream's next release has")
def transactions(me, db):
    person = _person(me)
    person(name="before").save()
    db.quiet()
    with me.context_managers.run_in_transaction():
        person(name="a").save()
        person.objects(name="before").update(set__name="changed")
        person.objects.count()
        person.objects.first()
        list(person.objects)
        person.objects.aggregate([{"$limit": 1}])
        person.objects(name="a").delete()
        person.objects.distinct("name")
        person.objects(name="changed").modify(set__name="again")
    return [db.commands(), [d["name"] for d in db.raw("person")]]


@differs("the release has no transactions; upstream's next release has")
def transactions_that_fail(me, db):
    person = _person(me)
    person(name="before").save()
    db.quiet()

    def failing():
        with me.context_managers.run_in_transaction():
            person(name="a").save()
            raise ValueError("no")

    return [db.error(failing), db.commands(), [d["name"] for d in db.raw("person")]]


@differs("the release has no transactions; upstream's next release has")
def transactions_with_options(me, db):
    person = _person(me)
    person(name="before").save()
    db.quiet()
    with me.context_managers.run_in_transaction(
        session_kwargs={"causal_consistency": True},
        transaction_kwargs={"read_concern": ReadConcern("local")},
    ):
        person(name="a").save()
    return [db.commands(), len(db.raw("person"))]


@differs("the release has no transactions; upstream's next release has")
def nested_transactions(me, db):
    person = _person(me)
    person(name="before").save()
    db.quiet()

    def nested():
        with me.context_managers.run_in_transaction():
            person(name="a").save()
            with me.context_managers.run_in_transaction():
                person(name="b").save()

    return [db.error(nested), [d["name"] for d in db.raw("person")]]


@not_async("the functions of the connection module have families of their own")
def connections(me, db):
    connection = me.connection
    same = me.connect(db.name, host=db.uri) if False else None
    client = me.get_connection()
    return [
        same,
        type(client).__name__,
        client is me.get_connection("default"),
        me.get_db().name,
        db.error(me.get_connection, "nope"),
        db.error(me.get_db, "nope"),
        me.DEFAULT_CONNECTION_NAME,
        me.connection.DEFAULT_DATABASE_NAME,
        sorted(connection._connection_settings),
        me.get_db() is me.get_db(),
    ]


@not_async("the functions of the connection module have families of their own")
def connecting_twice(me, db):
    db.connect("two", "_2")
    return [
        db.error(lambda: me.connect(db.name + "_2", alias="two", host=db.uri) and None),
        db.error(lambda: me.connect(db.name, alias="two", host="mongodb://other/x")),
        db.error(me.register_connection, "three", db.name, host=db.uri),
        me.get_db("three").name,
        db.error(me.disconnect, "three"),
        db.error(me.get_db, "three"),
        db.error(me.disconnect, "never"),
    ]


@not_async("the functions of the connection module have families of their own")
def disconnecting(me, db):
    person = _person(me)
    person(name="a").save()
    db.connect("two", "_2")
    me.disconnect("two")
    one = db.error(me.get_connection, "two")
    me.disconnect_all()
    return [
        one,
        db.error(me.get_connection),
        db.error(lambda: person.objects.count()),
        db.error(lambda: person(name="b").save()),
        dict(me.connection._connections),
        dict(me.connection._connection_settings),
        dict(me.connection._dbs),
    ]


@not_async("the functions of the connection module have families of their own")
def connection_settings(me, db):
    shown = []
    for alias, settings in (
        ("a", {"host": "mongodb://user:secret@example.invalid:1234/base"}),
        ("b", {"db": "plain", "host": "example.invalid", "port": 99}),
        ("c", {"name": "named", "host": "mongodb://example.invalid/"}),
        ("d", {"host": "mongodb://example.invalid/x?authSource=y&replicaSet=rs"}),
        ("e", {"db": "u", "username": "n", "password": "p"}),
        ("f", {"host": ["mongodb://a.invalid/one", "b.invalid"]}),
        ("g", {"host": "mongomock://localhost"}),
        ("h", {"host": "mongodb://example.invalid/x?uuidRepresentation=standard"}),
    ):
        outcome = db.error(me.register_connection, alias, **settings)
        stored = me.connection._connection_settings.get(alias)
        kept = stored and {
            k: stored[k] for k in sorted(stored) if k != "read_preference"
        }
        shown.append([alias, outcome, kept])
    return shown


def sequences(me, db):
    class Ticket(me.Document):
        number = me.SequenceField()
        name = me.StringField()

    numbers = [Ticket(name="x").save().number for _ in range(3)]
    fresh = Ticket()
    first = db.commands()[:3]
    return [
        numbers,
        fresh.number,
        fresh.number,
        Ticket.objects.order_by("number").first().number,
        db.raw("mongoengine.counters"),
        first,
    ]


def sequences_as_keys(me, db):
    class Ticket(me.Document):
        id = me.SequenceField(primary_key=True)
        name = me.StringField()

    tickets = [Ticket(name=str(n)).save() for n in range(2)]
    return [[t.id for t in tickets], db.raw("ticket"), db.raw("mongoengine.counters")]


def sequences_with_options(me, db):
    class Ticket(me.Document):
        a = me.SequenceField(collection_name="jump", sequence_name="own")
        b = me.SequenceField(value_decorator=str)
        c = me.SequenceField(sequence_name="shared")

    class Other(me.Document):
        c = me.SequenceField(sequence_name="shared")

    one, two = Ticket().save(), Other().save()
    return [
        one,
        two,
        sorted(db.raw("jump"), key=str),
        sorted(db.raw("mongoengine.counters"), key=str),
        Ticket.a.get_sequence_name(),
        Ticket.b.get_sequence_name(),
        Ticket.c.get_sequence_name(),
    ]


def sequences_set_and_seen(me, db):
    class Ticket(me.Document):
        number = me.SequenceField()

    db.quiet()
    next_number = Ticket.number.get_next_value()
    Ticket.number.set_next_value(100)
    return [
        next_number,
        Ticket().save().number,
        Ticket(number=5).save().number,
        Ticket().save().number,
        db.error(Ticket.number.set_next_value, "x"),
        db.commands(),
    ]


def sequences_in_hierarchies(me, db):
    class Base(me.Document):
        number = me.SequenceField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        own = me.SequenceField()

    class Abstract(me.Document):
        number = me.SequenceField()
        meta = {"abstract": True}

    class One(Abstract):
        pass

    class Two(Abstract):
        pass

    saved = [Base().save(), Child().save(), One().save(), Two().save(), One().save()]
    return [
        [s.number for s in saved],
        saved[1].own,
        sorted(db.raw("mongoengine.counters"), key=str),
    ]


def sequences_in_embedded_documents(me, db):
    class Part(me.EmbeddedDocument):
        number = me.SequenceField()

    class Doc(me.Document):
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    doc = Doc(parts=[Part(), Part()]).save()
    return [
        [p.number for p in doc.parts],
        db.raw("doc"),
        db.raw("mongoengine.counters"),
    ]


def sequences_in_another_database(me, db):
    db.connect("other", "_other")

    class Ticket(me.Document):
        number = me.SequenceField(db_alias="other")

    Ticket().save()
    return [db.raw("mongoengine.counters", "_other"), db.raw("mongoengine.counters")]


def collections_and_counts(me, db):
    support = me.pymongo_support
    person = _person(me)
    person(name="a").save()
    collection = person._get_collection()
    db.quiet()
    return [
        support.count_documents(collection, {}),
        support.count_documents(collection, {"name": "a"}),
        support.count_documents(collection, {"name": "a"}, skip=1),
        support.count_documents(collection, {"name": "a"}, limit=1),
        support.list_collection_names(person._get_db()),
        support.list_collection_names(person._get_db(), True),
        db.commands(),
    ]


@not_async("a function of blocking code alone")
def server_versions(me, db):
    support = me.mongodb_support
    version = support.get_mongodb_version()
    return [
        type(version),
        len(version),
        support.MONGODB_34,
        support.MONGODB_36,
        support.MONGODB_42,
        support.MONGODB_44,
        support.MONGODB_50,
        support.MONGODB_60,
        support.MONGODB_70,
        db.commands(),
    ]


def versions_of_the_package(me, db):
    return [
        [type(v) for v in me.VERSION],
        me.get_version() == me.__version__,
        sorted(n for n in me.__all__ if not hasattr(me, n)),
    ]


@differs("two classes of one name in different modules warn, as upstream will")
def one_name_in_two_modules(me, db):
    def define(module):
        return type(
            "Twin", (me.Document,), {"__module__": module, "name": me.StringField()}
        )

    return [
        db.warned(define, "module.one"),
        db.warned(define, "module.two"),
        db.warned(define, "module.two"),
    ]
