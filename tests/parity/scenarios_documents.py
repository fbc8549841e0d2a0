"""Making, saving, reloading, updating and deleting one document."""

import copy
import pickle

from bson import ObjectId

from .harness import differs


def _person(me, **meta_keys):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField(default=30)
        tags = me.ListField(me.StringField())
        meta = meta_keys

    return Person


def saving_sends_one_insert(me, db):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField()

    person = Person(name="Ada", age=36)
    saved = person.save()
    return {
        "commands": db.commands(),
        "stored": db.raw("person"),
        "same": saved is person,
        "id": person.id,
        "person": person,
    }


def positional_arguments_are_refused(me, db):
    class Person(me.Document):
        name = me.StringField()

    class Address(me.EmbeddedDocument):
        city = me.StringField()

    return [db.error(Person, "Ada"), db.error(Address, "Rome")]


def unknown_names_are_refused(me, db):
    person = _person(me)
    return [
        db.error(person, nme="x"),
        db.error(person, _id=1),
        db.error(person, _cls="Person"),
        db.error(person, pk=ObjectId("5f0000000000000000000001")),
        db.error(person, id=ObjectId("5f0000000000000000000001")),
    ]


def defaults_are_given(me, db):
    class Person(me.Document):
        a = me.StringField(default="x")
        b = me.IntField(default=lambda: 7)
        c = me.ListField(me.IntField(), default=[1, 2])
        d = me.ListField()
        e = me.DictField()
        f = me.StringField(default=None)
        g = me.BooleanField(default=False)

    one, two = Person(), Person(a=None, b=None, c=None, d=None, e=None, g=None)
    one.c.append(3)
    return [one, two, Person().c, one.to_mongo(), two.to_mongo()]


def assigning_none_gives_the_default(me, db):
    class Person(me.Document):
        a = me.StringField(default="x")
        b = me.StringField(default="y", null=True)
        c = me.StringField()

    person = Person(a="1", b="2", c="3")
    person.a = None
    person.b = None
    person.c = None
    return [person, person.to_mongo(), person.save() and db.raw("person")]


@differs(
    "None in a loaded field with null=True is stored as null; upstream removes the field"
)
def null_fields_are_stored(me, db):
    class Person(me.Document):
        a = me.StringField(null=True)
        b = me.StringField()
        c = me.ListField(null=True)
        d = me.IntField(null=True, default=3)

    person = Person(a=None, b=None).save()
    db.quiet()
    person.a = "x"
    person.save()
    person.a = None
    person.save()
    return [db.raw("person"), db.commands(), Person.objects.first()]


def items_and_iteration(me, db):
    person = _person(me)(name="Ada")
    person["age"] = 5
    return [
        list(person),
        len(person),
        person["name"],
        person["age"],
        "name" in person,
        "age" in person,
        "tags" in person,
        "nope" in person,
        "id" in person,
        db.error(lambda: person["nope"]),
        db.error(person.__setitem__, "nope", 1),
        sorted(person._data),
        person._data.get("name"),
    ]


def items_of_dynamic_documents(me, db):
    class Person(me.DynamicDocument):
        name = me.StringField()

    person = Person(name="Ada", extra=1)
    person["more"] = [1, 2]
    return [
        list(person),
        person["extra"],
        "extra" in person,
        person["more"],
        len(person),
        db.error(lambda: person["nope"]),
    ]


def equality_and_hashing(me, db):
    person, other = _person(me), None

    class Other(me.Document):
        name = me.StringField()

    key = ObjectId("5f0000000000000000000001")
    one, two = person(id=key, name="a"), person(id=key, name="b")
    new, newer = person(name="a"), person(name="a")
    other = Other(id=key)
    return [
        one == two,
        one != two,
        hash(one) == hash(two),
        new == newer,
        new == new,
        one == other,
        one == key,
        one == one.to_dbref(),
        one.to_dbref() == one,
        one == None,  # noqa: E711
        one == "x",
        len({one, two}),
        hash(new) == object.__hash__(new),
    ]


def equality_of_embedded_documents(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class Other(me.EmbeddedDocument):
        a = me.IntField()

    return [
        Part(a=1) == Part(a=1),
        Part(a=1) == Part(a=2),
        Part(a=1) != Part(a=1),
        Part(a=1) == Other(a=1),
        Part(a=1) == {"a": 1},
        Part(a=1) in [Part(a=2), Part(a=1)],
        db.error(hash, Part(a=1)),
    ]


def texts_of_documents(me, db):
    class Person(me.Document):
        name = me.StringField()

    class Titled(me.Document):
        name = me.StringField()

        def __str__(self):
            return f"title {self.name}"

    class Odd(me.Document):
        def __str__(self):
            return 3

    class Part(me.EmbeddedDocument):
        a = me.IntField()

    person = Person(name="x")
    return [
        repr(person),
        str(person),
        repr(Titled(name="ü")),
        str(Titled(name="ü")),
        repr(Part(a=1)),
        str(Part(a=1)),
        db.error(repr, Odd()),
        repr([Titled(name="t")]),
    ]


def to_mongo_of_everything(me, db):
    class Part(me.EmbeddedDocument):
        x = me.IntField(db_field="ex")

    class Person(me.Document):
        name = me.StringField(db_field="n")
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="ps")
        mapped = me.MapField(me.IntField())
        empty = me.ListField()

    person = Person(name="a", part=Part(x=1), parts=[Part(x=2), Part()], mapped={})
    return [
        person.to_mongo(),
        person.to_mongo(fields=["name"]),
        person.to_mongo(use_db_field=False),
        person.to_mongo(use_db_field=False, fields=["part.x"]),
        person.to_mongo(fields=["part", "parts"]),
        person.to_mongo().__class__.__name__,
    ]


def to_dbref_and_object_key(me, db):
    person = _person(me)
    new = person(name="a")
    saved = person(name="b").save()
    return [
        db.error(new.to_dbref),
        saved.to_dbref(),
        saved._object_key,
        saved.to_dbref().database,
    ]


def choices_have_displays(me, db):
    class Person(me.Document):
        size = me.StringField(choices=(("S", "Small"), ("L", "Large")))
        plain = me.StringField(choices=("a", "b"))
        many = me.ListField(me.StringField(choices=(("x", "Ex"), ("y", "Why"))))

    person = Person(size="S", plain="a", many=["x", "y"])
    strange = Person(size="Q")
    return [
        person.get_size_display(),
        person.get_plain_display(),
        db.error(lambda: person.get_many_display()),
        strange.get_size_display(),
        Person().get_size_display(),
        db.error(strange.validate),
        db.error(Person(plain="z").validate),
        db.error(Person(many=["z"]).validate),
    ]


def displays_of_embedded_documents(me, db):
    class Part(me.EmbeddedDocument):
        size = me.StringField(choices=(("S", "Small"), ("L", "Large")))

    class Person(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    Person(part=Part(size="S"), parts=[Part(size="L")]).save()
    person = Person.objects.first()
    return [person.part.get_size_display(), person.parts[0].get_size_display()]


def pickling_a_document(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class Pickled(me.Document):
        name = me.StringField()
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    db.publish(Part, Pickled)
    new = Pickled(name="a", part=Part(a=1), parts=[Part(a=2)])
    copied = pickle.loads(pickle.dumps(new))
    copied.save()
    loaded = Pickled.objects.first()
    again = pickle.loads(pickle.dumps(loaded))
    again.name = "changed"
    again.parts[0].a = 9
    changed = again._get_changed_fields()
    again.save()
    return [
        copied,
        again,
        copied._created,
        again._created,
        again == loaded,
        changed,
        db.raw("pickled"),
        sorted(new.__getstate__()),
    ]


def pickling_a_changed_document(me, db):
    class Pickled(me.Document):
        name = me.StringField()
        numbers = me.ListField(me.IntField())

    db.publish(Pickled)
    document = Pickled(name="a", numbers=[1]).save()
    document.numbers.append(2)
    document.name = "b"
    again = pickle.loads(pickle.dumps(document))
    db.quiet()
    again.save()
    return [again._delta(), db.commands(), db.raw("pickled")]


@differs(
    "attributes set on an unpickled dynamic document are fields; upstream loses them"
)
def pickling_a_dynamic_document(me, db):
    class Loose(me.DynamicDocument):
        name = me.StringField()

    class LoosePart(me.DynamicEmbeddedDocument):
        pass

    db.publish(Loose, LoosePart)
    Loose(name="a", extra={"b": [1]}, part=LoosePart(z=1)).save()
    loaded = Loose.objects.first()
    again = pickle.loads(pickle.dumps(loaded))
    appending = db.error(lambda: again.extra["b"].append(2))
    again.fresh = 4
    again.save()
    return [appending, again.fresh, db.raw("loose"), sorted(again._dynamic_fields)]


def pickling_a_partial_document(me, db):
    class Pickled(me.Document):
        name = me.StringField()
        age = me.IntField(default=4)

    db.publish(Pickled)
    Pickled(name="a", age=9).save()
    partial = Pickled.objects.only("name").first()
    again = pickle.loads(pickle.dumps(partial))
    again.name = "b"
    again.save()
    return [again, db.raw("pickled")]


def copying_documents(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()
        items = me.ListField(me.IntField())

    class Copied(me.Document):
        name = me.StringField()
        part = me.EmbeddedDocumentField(Part)
        items = me.ListField(me.DictField())

    db.publish(Part, Copied)
    Copied(name="n", part=Part(a=1, items=[1]), items=[{"x": 1}]).save()
    loaded = Copied.objects.first()
    deep = copy.deepcopy(loaded)
    deep.name = "deep"
    deep.part.items.append(2)
    deep.items[0]["x"] = 5
    part = copy.deepcopy(loaded.part)
    part.a = 7
    return [
        deep,
        loaded,
        deep._get_changed_fields(),
        loaded._get_changed_fields(),
        part,
        loaded.part,
        part == loaded.part,
        deep == loaded,
    ]


def getting_attributes_that_do_not_exist(me, db):
    person = _person(me)(name="a")

    class Loose(me.DynamicDocument):
        pass

    return [
        db.error(lambda: person.nope),
        db.error(lambda: Loose().nope),
        db.error(delattr, person, "nope"),
    ]


@differs("a deleted dynamic field is gone; upstream gives None for it")
def deleting_attributes(me, db):
    class Loose(me.DynamicDocument):
        name = me.StringField()

    document = Loose(name="a", x=1, y=2).save()
    db.quiet()
    del document.x
    first = db.error(lambda: document.x)
    outcome = db.error(delattr, document, "name")
    document.save()
    return [first, outcome, document, db.commands(), db.raw("loose")]


def clean_is_called(me, db):
    class Person(me.Document):
        name = me.StringField()

        def clean(self):
            if self.name == "bad":
                raise me.ValidationError("bad name")
            self.name = self.name.title()

    person = Person(name="ada").save()
    bad = Person(name="bad")
    return [
        person.name,
        db.error(bad.validate),
        db.error(bad.save),
        db.error(bad.save, clean=False),
        db.error(lambda: Person(name="x").validate(clean=False)),
    ]


def clean_errors_have_structure(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

        def clean(self):
            if self.a == 13:
                raise me.ValidationError("unlucky")

    class Person(me.Document):
        part = me.EmbeddedDocumentField(Part)
        n = me.IntField(required=True)

        def clean(self):
            raise me.ValidationError(
                "all wrong", errors={"n": me.ValidationError("is missing")}
            )

    shown = []
    for person in (Person(), Person(part=Part(a=13), n=3)):
        try:
            person.validate()
        except me.ValidationError as error:
            shown.append([str(error), error.to_dict(), sorted(error.errors)])
    return shown


def reading_text_score_of_others(me, db):
    person = _person(me)(name="a").save()
    return [db.error(person.get_text_score), db.error(_person(me)().get_text_score)]


def internal_state_of_new_and_loaded(me, db):
    person = _person(me)
    new = person(name="a")
    states = [[new._created, new._initialised, new._get_changed_fields()]]
    new.save()
    states.append([new._created, new._get_changed_fields()])
    loaded = person.objects.first()
    states.append([loaded._created, loaded._initialised, loaded._get_changed_fields()])
    given = person(id=new.id, name="b")
    states.append([given._created, given._get_changed_fields()])
    return states


def from_son_makes_documents(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(db_field="x")

    class Person(me.Document):
        name = me.StringField(db_field="n")
        part = me.EmbeddedDocumentField(Part)

    son = {"_id": ObjectId("5f0000000000000000000001"), "n": "a", "part": {"x": 2}}
    made = Person._from_son(son)
    created = Person._from_son(son, created=True)
    return [
        made,
        made._created,
        created._created,
        son,
        db.error(Person._from_son, [1]),
        db.error(Person._from_son, None),
        db.error(Person._from_son, {"n": "a", "part": 3}),
        Part._from_son({"x": 3}),
    ]


def bad_data_raises_on_loading(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class Person(me.Document):
        number = me.IntField()
        numbers = me.ListField(me.IntField())
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))
        mapped = me.MapField(me.EmbeddedDocumentField(Part))
        name = me.StringField()
        when = me.DateTimeField()

    bad = [
        {"number": "x"},
        {"numbers": "x"},
        {"numbers": 3},
        {"numbers": ["x"]},
        {"numbers": {"a": 1}},
        {"part": 3},
        {"part": "x"},
        {"part": [1]},
        {"part": {"a": 1, "zz": 3}},
        {"parts": [3]},
        {"parts": 3},
        {"parts": [{"zz": 1}]},
        {"mapped": [1]},
        {"mapped": {"k": 3}},
        {"name": 3},
        {"name": b"\xff\xfe"},
        {"when": "not a date"},
        {"when": 3},
    ]
    return [db.error(Person._from_son, son) for son in bad]


def loading_missing_and_null_fields(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(default=5)

    class Person(me.Document):
        name = me.StringField(default="d")
        other = me.StringField()
        items = me.ListField(me.IntField(), default=[1])
        mapping = me.DictField()
        part = me.EmbeddedDocumentField(Part, default=Part)

    db.insert("person", {"_id": ObjectId("5f0000000000000000000001")})
    nulls = dict.fromkeys(("name", "other", "items", "mapping", "part"))
    db.insert("person", {"_id": ObjectId("5f0000000000000000000002"), **nulls})
    shown = []
    for person in Person.objects.order_by("id"):
        shown.append([person, person._get_changed_fields(), person.to_mongo()])
    return shown


def documents_in_boolean_context(me, db):
    class Part(me.EmbeddedDocument):
        pass

    class Empty(me.Document):
        pass

    return [bool(Part()), bool(Empty()), len(Part()), len(Empty())]


def instances_keep_private_attributes(me, db):
    person = _person(me)(name="a").save()
    person._mine = 4
    person.plain = 5
    person.save()
    return [
        person._mine,
        person.plain,
        db.raw("person"),
        sorted(person._dynamic_fields or {}),
        person._instance if hasattr(person, "_instance") else "none",
    ]


def embedded_documents_know_their_parent(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class Person(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    person = Person(part=Part(a=1), parts=[Part(a=2)])
    free = Part()
    return [
        person.part._instance is not None and person.part._instance == person,
        person.parts[0]._instance is not None,
        free._instance,
        person.part.to_mongo(),
        db.error(lambda: free.save()),
    ]


def doc_class_helpers(me, db):
    person = _person(me)
    db.quiet()
    return [
        person._get_db().name,
        person._get_collection().name,
        person._get_collection_name(),
        db.commands(),
        person._collection.name,
        person.objects._collection.name,
    ]


def dropping_a_collection(me, db):
    person = _person(me)
    person(name="a").save()
    db.quiet()
    person.drop_collection()
    commands = db.commands()
    person.drop_collection()

    class Unnamed(me.Document):
        meta = {"abstract": True}

    return [
        commands,
        db.commands(),
        person.objects.count(),
        db.error(Unnamed.drop_collection),
    ]


def lazily_connected_models(me, db):
    class Elsewhere(me.Document):
        name = me.StringField()
        meta = {"db_alias": "elsewhere"}

    before = db.error(lambda: Elsewhere(name="a").save())
    db.connect("elsewhere", "_2")
    Elsewhere(name="a").save()
    return [before, db.raw("elsewhere", "_2"), db.raw("elsewhere"), db.commands()]


def attribute_hooks_see_what_is_set(me, db):
    seen = []

    class Hooked(me.Document):
        name = me.StringField()
        number = me.IntField(default=4)
        items = me.ListField()
        note = me.StringField(null=True)

        def __setattr__(self, name, value):
            if not name.startswith("_"):
                seen.append([name, value])
            super().__setattr__(name, value)

    loaded = Hooked._from_son({"name": "a", "note": "n"})
    Hooked(name="b")
    return [seen, loaded.number, loaded.items]


def user_conversions_of_items(me, db):
    seen = []

    class Own(me.StringField):
        def to_python(self, value):
            seen.append(["load", value])
            return value

        def to_mongo(self, value):
            seen.append(["dump", value])
            return value

    class Doc(me.Document):
        one = Own()
        many = me.ListField(Own())
        rows = me.ListField(me.ListField(Own()))
        named = me.MapField(Own())

    doc = Doc._from_son(
        {"one": "a", "many": ["b"], "rows": [["c"]], "named": {"k": "d"}}
    )
    loaded = list(seen)
    doc.many, doc.rows, doc.named
    read = list(seen)
    doc.to_mongo()
    Doc(one="x", many=["y"])
    return [loaded, len(read), seen]


def dumping_some_fields_of_a_loaded_document(me, db):
    class Doc(me.Document):
        name = me.StringField(db_field="n")
        other = me.IntField()

    Doc(name="a", other=1).save()
    return Doc.objects.first().to_mongo(fields=["name"])


def the_class_of_a_document_stored_without_one(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    loaded = Base._from_son({"name": "a"})
    return [loaded._cls, loaded._data["_cls"], loaded.to_mongo()]
