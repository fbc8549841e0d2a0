"""save, reload, update, modify and delete, with all their arguments."""

from bson import ObjectId
from pymongo.write_concern import WriteConcern

from .harness import differs


def _person(me, **meta_keys):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField(db_field="a")
        tags = me.ListField(me.StringField())
        info = me.DictField()
        meta = meta_keys

    return Person


def saving_changes_sends_an_update(me, db):
    person = _person(me)(name="a", age=1, tags=["x"], info={"k": 1}).save()
    db.quiet()
    person.name = "b"
    person.save()
    person.tags.append("y")
    person.info["z"] = 2
    person.save()
    person.age = None
    person.save()
    person.tags = []
    person.info = {}
    person.save()
    return [db.commands(), db.raw("person")]


def saving_without_changes_sends_nothing(me, db):
    person = _person(me)(name="a").save()
    db.quiet()
    person.save()
    person.name = "a"
    changed = person._get_changed_fields()
    person.save()
    loaded = type(person).objects.first()
    db.quiet()
    loaded.save()
    return [db.commands(), changed]


def saving_the_same_value(me, db):
    person = _person(me)(name="a", tags=["x"]).save()
    loaded = type(person).objects.first()
    loaded.name = "a"
    loaded.tags = ["x"]
    db.quiet()
    changed = loaded._get_changed_fields()
    loaded.save()
    return [changed, db.commands()]


def force_insert(me, db):
    person = _person(me)
    key = ObjectId("5f0000000000000000000001")
    person(id=key, name="a").save(force_insert=True)
    again = person(id=key, name="b")
    commands = db.commands()
    return [
        commands,
        db.error(again.save, force_insert=True),
        db.error(again.save),
        db.raw("person"),
        db.commands(),
    ]


def saving_with_an_id(me, db):
    person = _person(me)
    given = person(id=ObjectId("5f0000000000000000000001"), name="a", age=3)
    given.save()
    first = db.commands()
    given.name = "b"
    given.save()
    return [first, db.commands(), db.raw("person")]


def saving_with_a_custom_key(me, db):
    class Person(me.Document):
        name = me.StringField(primary_key=True)
        age = me.IntField()

    Person(name="a", age=1).save()
    first = db.commands()
    Person(name="a", age=2).save()
    second = db.commands()
    Person(name="a").save()
    return [first, second, db.commands(), db.raw("person")]


@differs(
    "a document that is not stored under its key is stored whole, not its changes alone"
)
def changing_the_primary_key(me, db):
    class Person(me.Document):
        name = me.StringField(primary_key=True)
        age = me.IntField()

    person = Person(name="a", age=1).save()
    outcome = db.error(setattr, person, "name", "b")
    return [outcome, db.error(person.save), db.raw("person")]


@differs(
    "a document that is not stored under its key is stored whole, not its changes alone"
)
def changing_the_id_of_a_loaded_document(me, db):
    person = _person(me)(name="a").save()
    loaded = type(person).objects.first()
    outcome = db.error(setattr, loaded, "id", ObjectId("5f0000000000000000000001"))
    loaded.name = "b"
    return [outcome, db.error(loaded.save), db.raw("person")]


def clearing_the_id_and_saving_again(me, db):
    person = _person(me)(name="a").save()
    outcome = db.error(setattr, person, "id", None)
    db.quiet()
    again = db.error(person.save)
    return [outcome, again, db.commands(), db.raw("person")]


def validation_on_saving(me, db):
    class Person(me.Document):
        name = me.StringField(required=True, max_length=3)

    bad = Person(name="long name")
    return [
        db.error(bad.save),
        db.error(bad.save, validate=False),
        db.error(Person().save),
        db.raw("person"),
    ]


def validation_turned_off_in_the_document(me, db):
    class Person(me.Document):
        name = me.StringField(max_length=2)

    person = Person(name="long")
    person.save(validate=False, clean=False)
    loaded = Person.objects.first()
    loaded.name = "even longer"
    return [db.error(loaded.save), loaded.save(validate=False), db.raw("person")]


def write_concerns(me, db):
    person = _person(me)
    one = person(name="a").save(write_concern={"w": 1})
    none = person(name="b").save(write_concern={"w": 0})
    commands = db.commands()
    one.name = "c"
    one.save(write_concern={"w": 1, "j": True})
    one.delete(w=1)
    return [
        [command.get("writeConcern") for command in commands],
        [command for command in db.commands() if command.get("writeConcern")],
        none.id is not None,
    ]


def save_conditions(me, db):
    person = _person(me)(name="a", age=1).save()
    other = type(person).objects.first()
    db.quiet()
    other.name = "b"
    ok = db.error(other.save, save_condition={"age": 1})
    other.name = "c"
    bad = db.error(other.save, save_condition={"age": 2})
    return [ok, bad, db.commands(), db.raw("person"), other._get_changed_fields()]


def save_condition_on_a_new_document(me, db):
    person = _person(me)
    outcome = db.error(person(name="a").save, save_condition={"age": 1})
    key = ObjectId("5f0000000000000000000001")
    again = db.error(person(id=key, name="a").save, save_condition={"age": 1})
    return [outcome, again, db.commands(), db.raw("person")]


def save_condition_with_operators(me, db):
    class Person(me.Document):
        name = me.StringField()
        tags = me.ListField(me.StringField())
        version = me.IntField()

    person = Person(name="a", tags=["x"], version=1).save()
    person.version = 2
    db.quiet()
    return [
        db.error(person.save, save_condition={"version__lt": 5, "tags": "x"}),
        db.commands(),
        db.error(person.save, save_condition={"nope": 5}),
    ]


def unique_violations(me, db):
    class Person(me.Document):
        name = me.StringField(unique=True)
        other = me.IntField()

    Person(name="a").save()
    two = Person(name="b").save()
    two.name = "a"
    return [
        db.error(Person(name="a").save)[0],
        db.error(two.save)[0],
        db.error(two.save)[1][:40],
        db.error(Person.objects(name="b").update, set__name="a")[0],
        db.error(Person.objects.insert, Person(name="a"))[0],
    ]


def operation_errors_have_texts(me, db):
    class Person(me.Document):
        name = me.StringField()

    person = Person(name="a").save()
    return [
        db.error(person.update, __raw__={"$nope": {"name": 1}})[0],
        db.error(Person().reload),
        db.error(Person().delete),
        db.error(Person().update, set__name="x"),
        db.error(Person().modify, set__name="x"),
    ]


def embedded_documents_have_no_operations(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    return [
        [name, hasattr(Part, name)]
        for name in ("save", "reload", "delete", "update", "modify", "validate")
    ]


def reloading(me, db):
    person = _person(me)(name="a", age=1, tags=["x"]).save()
    other = type(person).objects.first()
    other.name, other.age, other.tags = "b", 2, ["y", "z"]
    other.save()
    person.age = 50
    db.quiet()
    returned = person.reload()
    return [
        returned is person,
        person,
        person._get_changed_fields(),
        db.commands(),
    ]


def reloading_some_fields(me, db):
    person = _person(me)(name="a", age=1, tags=["x"]).save()
    other = type(person).objects.first()
    other.name, other.age, other.tags = "b", 2, ["y", "z"]
    other.save()
    person.age = 50
    db.quiet()
    person.reload("name")
    one = [person.name, person.age, list(person.tags), person._get_changed_fields()]
    person.reload("tags", "age")
    return [one, person, person._get_changed_fields(), db.commands()]


def reloading_with_depth(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    book = Book(author=Author(name="a").save()).save()  # noqa: F841
    loaded = Book.objects.first()
    db.quiet()
    loaded.reload(max_depth=2)
    return [loaded.author.name, db.commands()]


def reloading_what_is_gone(me, db):
    person = _person(me)(name="a").save()
    type(person).objects.delete()
    return [
        db.error(person.reload),
        db.error(type(person)().reload),
    ]


@differs(
    "a dynamic field that is not stored any more is gone after reload(); upstream keeps its value"
)
def reloading_after_a_shape_change(me, db):
    class Loose(me.DynamicDocument):
        name = me.StringField()

    document = Loose(name="a", x=1).save()
    Loose.objects.update(unset__x=1, set__y=2)
    document.reload()
    return [document, hasattr(document, "x"), document.y, document._dynamic_fields]


def updating_one_document(me, db):
    person = _person(me)(name="a", age=1, tags=["x"]).save()
    db.quiet()
    result = person.update(set__name="b", inc__age=2, push__tags="y")
    return [result, db.commands(), db.raw("person"), person]


def updating_by_raw_and_upsert(me, db):
    person = _person(me)
    given = person(id=ObjectId("5f0000000000000000000001"))
    outcome = db.error(given.update, set__name="a", upsert=True)
    saved = person(name="b").save()
    db.quiet()
    saved.update(__raw__={"$set": {"name": "c"}})
    return [outcome, db.commands(), db.raw("person")]


def updating_without_operators(me, db):
    person = _person(me)(name="a").save()
    db.quiet()
    return [
        db.error(person.update),
        db.error(person.update, name="b"),
        db.error(person.update, nope=1),
        db.error(person.update, set__nope=1),
        db.commands(),
    ]


def updating_with_a_shard_key(me, db):
    class Person(me.Document):
        name = me.StringField()
        region = me.StringField()
        meta = {"shard_key": ("region",)}

    person = Person(name="a", region="eu").save()
    person.name = "b"
    db.quiet()
    person.save()
    person.update(set__name="c")
    person.reload()
    person.modify(set__name="d")
    outcome = db.error(setattr, person, "region", "us")
    person.delete()
    return [db.commands(), outcome]


def shard_keys_in_nested_fields(me, db):
    class Part(me.EmbeddedDocument):
        zone = me.StringField(db_field="z")

    class Person(me.Document):
        name = me.StringField()
        part = me.EmbeddedDocumentField(Part, db_field="p")
        meta = {"shard_key": ("part.zone",)}

    person = Person(name="a", part=Part(zone="x")).save()
    db.quiet()
    person.name = "b"
    person.save()
    person.delete()
    return db.commands()


def shard_keys_do_not_change(me, db):
    class Person(me.Document):
        region = me.StringField()
        name = me.StringField()
        meta = {"shard_key": ("region",)}

    person = Person(region="eu", name="x")
    before = db.error(setattr, person, "region", "us")
    person.save()
    after = db.error(setattr, person, "region", "as")
    loaded = Person.objects.first()
    return [before, after, db.error(setattr, loaded, "region", "af"), person.region]


def modifying_one_document(me, db):
    person = _person(me)(name="a", age=1, tags=["x"]).save()
    person.tags.append("local")
    db.quiet()
    result = person.modify(set__name="b", inc__age=1)
    return [
        result,
        person,
        person._get_changed_fields(),
        db.commands(),
        db.raw("person"),
    ]


def modifying_with_a_query(me, db):
    person = _person(me)(name="a", age=1).save()
    db.quiet()
    missed = person.modify({"name": "z"}, set__age=9)
    matched = person.modify({"name": "a"}, set__age=8, unset__name=1)
    return [
        missed,
        matched,
        person,
        db.commands(),
        db.error(person.modify, {"nope": 1}, set__age=1),
        db.error(person.modify, query={"id": person.id}, set__age=7),
        db.error(person.modify, {"pk": 3}, set__age=7),
    ]


def modifying_what_is_gone(me, db):
    person = _person(me)(name="a").save()
    type(person).objects.delete()
    return [
        db.error(person.modify, set__name="b"),
        db.error(type(person)().modify, set__name="b"),
        person,
    ]


def deleting_a_document(me, db):
    person = _person(me)(name="a").save()
    db.quiet()
    result = person.delete()
    again = db.error(person.delete)
    return [result, again, db.commands(), db.raw("person"), person.id is None]


@differs("a deleted document is stored again as a whole, not its changes alone")
def saving_again_after_deleting(me, db):
    person = _person(me)(name="a").save()
    person.delete()
    db.quiet()
    person.name = "b"
    outcome = db.error(person.save)
    return [outcome, db.commands(), db.raw("person")]


def deleting_with_signal_kwargs(me, db):
    seen = []

    def receiver(sender, document, **kwargs):
        seen.append([sender, sorted(kwargs), kwargs.get("why")])

    person = _person(me)
    me.signals.pre_delete.connect(receiver, sender=person)
    person(name="a").save().delete(signal_kwargs={"why": "test"})
    return seen


def cascading_saves(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        title = me.StringField()
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    author = Author(name="a").save()
    book = Book(title="t", author=author, authors=[author]).save()
    author.name = "b"
    db.quiet()
    book.save()
    without = db.commands()
    book.title = "u"
    book.save(cascade=True)
    return [without, db.commands(), db.raw("author")]


def cascading_by_meta_and_kwargs(me, db):
    class Author(me.Document):
        name = me.StringField(max_length=3)

    class Book(me.Document):
        title = me.StringField()
        author = me.ReferenceField(Author)
        meta = {"cascade": True}

    author = Author(name="a").save()
    book = Book(title="t", author=author).save()
    book.author.name = "too long"
    refused = db.error(book.save)
    allowed = db.error(book.save, cascade_kwargs={"validate": False})
    book.author.name = "xyz"
    quiet = db.error(book.save, cascade=False)
    return [refused, allowed, quiet, db.raw("author")]


@differs(
    "a change is sent once: it is taken from the document when the command is built"
)
def cascading_in_circles(me, db):
    class Node(me.Document):
        name = me.StringField()
        other = me.ReferenceField("self")

    one, two = Node(name="1").save(), Node(name="2").save()
    one.other, two.other = two, one
    one.save()
    two.save()
    one.name, two.name = "one", "two"
    db.quiet()
    one.save(cascade=True)
    return [db.commands(), [d["name"] for d in db.raw("node")]]


def cascade_save_by_hand(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    book = Book(author=Author(name="a").save()).save()
    book.author.name = "b"
    db.quiet()
    book.cascade_save()
    return [db.commands(), db.raw("author")]


def saving_an_unsaved_reference(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    book = Book(author=Author(name="a"))
    return [db.error(book.save), db.error(book.validate), db.raw("book")]


def saving_many_times(me, db):
    class Person(me.Document):
        name = me.StringField()
        items = me.ListField(me.DictField())

    person = Person(name="a")
    for number in range(3):
        person.items.append({"n": number})
        person.save()
    person.items[1]["n"] = 50
    person.save()
    del person.items[0]
    person.save()
    return [db.commands(), db.raw("person")]


def switching_the_database_of_an_instance(me, db):
    db.connect("other", "_other")
    person = _person(me)(name="a").save()
    person.switch_db("other")
    db.quiet()
    person.save()
    commands = db.commands()
    return [
        commands,
        db.raw("person"),
        db.raw("person", "_other"),
        type(person).objects.count(),
        person.name,
    ]


@differs("a document that is not stored there is stored whole, not its changes alone")
def switching_the_collection_of_an_instance(me, db):
    person = _person(me)(name="a").save()
    returned = person.switch_collection("archive")
    person.save()
    person.name = "b"
    person.save()
    person.reload()
    commands = db.commands()
    person.delete()
    return [
        returned is person,
        commands,
        db.raw("person"),
        db.raw("archive"),
        type(person)._get_collection_name(),
    ]


def switching_and_keeping_the_created_state(me, db):
    db.connect("other", "_other")
    person = _person(me)(name="a").save()
    person.switch_db("other", keep_created=False)
    created = person._created
    person.save()
    person.switch_collection("archive", keep_created=True)
    return [created, person._created, db.raw("person", "_other")]


def save_returns_and_kwargs(me, db):
    person = _person(me)
    return [
        db.error(person(name="a").save, nonsense=1),
        db.error(person(name="b").save, _refs=None),
        db.error(person(name="c").save, cascade=False, cascade_kwargs={}),
        db.error(person(name="d").save, None),
    ]


@differs("a partly loaded document is not inserted: that would store a part of it")
def saving_partial_documents(me, db):
    person = _person(me)
    person(name="a", age=1, tags=["x"], info={"k": 1}).save()
    partial = person.objects.only("name").first()
    db.quiet()
    partial.name = "b"
    partial.tags.append("y")
    partial.save()
    return [db.commands(), db.raw("person"), partial]


def partial_documents_get_defaults(me, db):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField(default=18)
        tags = me.ListField(me.StringField())

    Person(name="a", age=40, tags=["x"]).save()
    partial = Person.objects.only("name").first()
    excluded = Person.objects.exclude("age").first()
    return [
        partial,
        partial._get_changed_fields(),
        partial.to_mongo(),
        excluded,
        excluded.save() and db.raw("person"),
        db.error(partial.validate),
    ]


def inserting_through_the_class(me, db):
    person = _person(me)
    made = person.objects.create(name="a", age=1)
    return [made, db.commands(), made._created, person.objects.count()]


def class_level_write_concern(me, db):
    person = _person(me)
    queryset = person.objects
    collection = person._get_collection()
    kept = collection.with_options(write_concern=WriteConcern(w=1))
    return [
        collection.write_concern.document,
        kept.write_concern.document,
        queryset._collection.name,
    ]


def deleting_keeps_other_documents(me, db):
    person = _person(me)
    people = [person(name=str(n)).save() for n in range(3)]
    people[1].delete()
    return [p.name for p in person.objects.order_by("name")]


def saving_with_hyphens_and_odd_names(me, db):
    class Odd(me.Document):
        key = me.StringField(db_field="key-with.dots".replace(".", "_"))
        number = me.IntField(db_field="1")
        spaced = me.StringField(db_field="with space")

    odd = Odd(key="a", number=2, spaced="x").save()
    odd.spaced = "y"
    odd.number = 3
    odd.save()
    return [db.commands(), Odd.objects.first(), db.raw("odd")]
