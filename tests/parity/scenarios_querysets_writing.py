"""Writing through a queryset: insert, create, update, upsert, modify, delete."""

from bson import ObjectId

from .harness import differs, needs

KEY = ObjectId("5f0000000000000000000001")


def _people(me, db, count=3, **meta_keys):
    class Person(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField(db_field="n")
        age = me.IntField()
        tags = me.ListField(me.StringField())
        meta = meta_keys

    for number in range(count):
        Person(id=number, name=f"p{number}", age=number * 10).save(force_insert=True)
    db.quiet()
    return Person


def inserting_many(me, db):
    class Person(me.Document):
        name = me.StringField()

    made = Person.objects.insert([Person(name="a"), Person(name="b")])
    one = Person.objects.insert(Person(name="c"))
    return [
        made,
        one,
        type(made),
        [p._created for p in made],
        db.commands(),
        db.raw("person"),
    ]


def inserting_without_loading(me, db):
    class Person(me.Document):
        name = me.StringField()

    people = [Person(name="a"), Person(name="b")]
    made = Person.objects.insert(people, load_bulk=False)
    one = Person.objects.insert(Person(name="c"), load_bulk=False)
    return [made, one, [p.id for p in people], db.commands()]


def inserting_what_is_refused(me, db):
    class Other(me.Document):
        pass

    person = _people(me, db, 1)
    saved = person.objects.first()
    return [
        db.error(person.objects.insert, []),
        db.error(person.objects.insert, Other()),
        db.error(person.objects.insert, [person(id=5), Other()]),
        db.error(person.objects.insert, saved),
        db.error(person.objects.insert, [person(id=6), saved]),
        db.error(person.objects.insert, "text"),
        db.error(person.objects.insert, {"name": "x"}),
        db.error(person.objects.insert, person(id=7, age="x")),
        db.error(person.objects.insert, None),
        [d["_id"] for d in db.raw("person")],
    ]


def inserting_duplicates(me, db):
    person = _people(me, db, 1)
    outcome = db.error(person.objects.insert, [person(id=5), person(id=0)])
    single = db.error(person.objects.insert, person(id=0))
    return [outcome, single, [d["_id"] for d in db.raw("person")]]


@differs("what a failing insert() has written is clean: it is not inserted again")
def inserting_some_of_several(me, db):
    person = _people(me, db, 1)
    given = [person(id=5), person(id=0), person(id=6)]
    db.error(person.objects.insert, given)
    return [[p._created for p in given], [d["_id"] for d in db.raw("person")]]


@differs("insert() takes `ordered`, and its error tells of each document")
def inserting_in_any_order(me, db):
    person = _people(me, db, 1)
    given = [person(id=5), person(id=0), person(id=6)]
    outcome = db.error(person.objects.insert, given, ordered=False)
    return [outcome[0], sorted(d["_id"] for d in db.raw("person"))]


def inserting_unique_duplicates(me, db):
    class Person(me.Document):
        name = me.StringField(unique=True)

    many = db.error(Person.objects.insert, [Person(name="a"), Person(name="a")])
    return [many[0], many[1][:60], db.error(Person.objects.insert, Person(name="a"))[0]]


@differs("insert takes any iterable")
def inserting_generators(me, db):
    class Person(me.Document):
        name = me.StringField()

    return db.error(lambda: Person.objects.insert(d for d in [Person(name="c")]))


def inserting_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    return [
        db.error(lambda: Base.objects.insert([Base(name="a"), Child(name="b")])),
        db.error(lambda: Child.objects.insert([Base(name="d")])),
        db.raw("base"),
    ]


def inserting_with_defaults_and_ids(me, db):
    class Person(me.Document):
        name = me.StringField(default="x")
        tags = me.ListField()

    made = Person.objects.insert([Person(), Person(id=KEY)])
    return [made, db.raw("person")]


def creating(me, db):
    person = _people(me, db, 0)
    made = person.objects.create(id=9, name="z")
    return [
        made,
        db.error(person.objects.create, nope=1),
        db.error(person.objects.create, id="x"),
        db.error(person.objects.create, id=9),
        db.commands(),
    ]


def updating_everything(me, db):
    person = _people(me, db)
    return [
        person.objects.update(set__age=1),
        person.objects(id=0).update(age=2),
        person.objects(id__gt=0).update(inc__age=5, push__tags="t"),
        person.objects(id=99).update(set__age=1),
        person.objects.update_one(set__name="one"),
        db.commands(),
        db.raw("person"),
    ]


def updating_with_results(me, db):
    person = _people(me, db)
    full = person.objects.update(set__age=1, full_result=True)
    one = person.objects(id=0).update_one(set__age=2, full_result=True)
    none = person.objects(id=99).update(set__age=2, full_result=True)
    upsert = person.objects(id=77).update(set__age=2, upsert=True, full_result=True)
    return [
        [type(r), r.matched_count, r.modified_count, r.upserted_id]
        for r in (full, one, none, upsert)
    ]


def updating_nothing_is_refused(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects.update),
        db.error(person.objects.update_one),
        db.error(person.objects.update, upsert=True),
        db.error(person.objects.update, nope=1),
        db.error(person.objects.update, set__nope=1),
        db.error(person.objects.update, set__age="x"),
        db.error(person.objects.update, set__id=1),
        db.error(person.objects.update, __raw__={}),
        db.error(person.objects.update, __raw__={"age": 1}),
        db.error(person.objects.update, __raw__=[]),
        db.error(person.objects.modify),
        db.error(person.objects.upsert_one),
        db.commands(),
    ]


def updating_raw_and_pipelines(me, db):
    person = _people(me, db)
    return [
        person.objects(id=0).update(__raw__={"$set": {"n": "raw"}}),
        person.objects(id=1).update(__raw__={"$inc": {"age": 1}}, set__name="mixed"),
        db.error(
            person.objects(id=2).update, __raw__=[{"$set": {"n": {"$concat": ["a"]}}}]
        ),
        db.commands(),
        db.raw("person"),
    ]


def updating_slices(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects[:1].update, set__age=9),
        db.error(person.objects.limit(1).update, set__age=9),
        db.error(person.objects.skip(1).update, set__age=9),
        db.error(person.objects.order_by("-id").update_one, set__age=8),
        db.commands(),
    ]


def updating_multi_and_upsert(me, db):
    person = _people(me, db)
    return [
        person.objects(age__gte=0).update(set__age=3, multi=False),
        person.objects(id=50).update(set__age=3, upsert=True),
        person.objects(id=51).update_one(set__age=3, upsert=True),
        person.objects(name="new", id=52).update(set_on_insert__age=7, upsert=True),
        db.commands(),
        db.raw("person"),
    ]


def updating_with_array_filters(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Doc(me.Document):
        id = me.IntField(primary_key=True)
        numbers = me.ListField(me.IntField())
        parts = me.EmbeddedDocumentListField(Part)

    Doc(id=1, numbers=[1, 5, 9], parts=[Part(n=1), Part(n=5)]).save()
    db.quiet()
    Doc.objects.update(
        __raw__={"$set": {"numbers.$[big]": 0}}, array_filters=[{"big": {"$gt": 4}}]
    )
    Doc.objects.update_one(
        __raw__={"$inc": {"parts.$[p].x": 10}}, array_filters=[{"p.x": 5}]
    )
    Doc.objects.modify(
        __raw__={"$set": {"numbers.$[one]": 7}}, array_filters=[{"one": 1}]
    )
    return [db.commands(), db.raw("doc")]


def upserting_one(me, db):
    person = _people(me, db)
    made = person.objects(id=60).upsert_one(set__name="new")
    existing = person.objects(id=0).upsert_one(set__name="old")
    return [made, existing, db.commands(), db.error(person.objects.upsert_one, nope=1)]


def upserting_with_object_ids(me, db):
    class Person(me.Document):
        name = me.StringField()

    made = Person.objects(name="a").upsert_one(set__name="b")
    return [made, made.id is not None, db.raw("person")]


def modifying(me, db):
    person = _people(me, db)
    return [
        person.objects(id=0).modify(set__age=5),
        person.objects(id=0).modify(set__age=6, new=True),
        person.objects(id=99).modify(set__age=6),
        person.objects(id=98).modify(set__age=6, upsert=True),
        person.objects(id=97).modify(set__age=6, upsert=True, new=True),
        person.objects(id=1).modify(remove=True),
        person.objects.order_by("-age").modify(inc__age=1),
        person.objects.only("name").modify(set__age=0, new=True),
        db.commands(),
    ]


def modifying_refuses(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects.modify, remove=True, new=True),
        db.error(person.objects.modify, remove=True, set__age=1),
        db.error(person.objects.modify, new=True),
        db.error(person.objects.modify, upsert=True),
        db.error(person.objects.modify, nope=1),
        db.error(person.objects[1:].modify, set__age=1),
        db.error(person.objects.none().modify, set__age=1),
        db.commands(),
    ]


def modifying_as_other_forms(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects(id=0).as_pymongo().modify, set__age=1, new=True),
        db.error(person.objects(id=0).scalar("name").modify, set__age=1),
        db.error(person.objects(id=0).no_dereference().modify, set__age=1),
        db.error(person.objects(id=99).as_pymongo().modify, set__age=1),
        db.commands(),
    ]


def deleting_everything(me, db):
    person = _people(me, db, 5)
    return [
        person.objects(id=0).delete(),
        person.objects(id=99).delete(),
        person.objects.delete(),
        person.objects.delete(),
        db.commands(),
    ]


def deleting_slices(me, db):
    person = _people(me, db, 6)
    first = person.objects.order_by("id")[:2].delete()
    second = person.objects.order_by("id").skip(2).delete()
    third = person.objects.order_by("-id").limit(1).delete()
    return [first, second, third, db.commands(), [d["_id"] for d in db.raw("person")]]


def deleting_without_counting(me, db):
    person = _people(me, db)
    return [
        person.objects.delete(write_concern={"w": 0}),
        db.error(person.objects.delete, nonsense=1)[0],
        db.commands(),
    ]


@differs("none() and empty slices hold no documents: delete() there deletes none")
def deleting_nothing(me, db):
    person = _people(me, db)
    return [
        person.objects.none().delete(),
        person.objects(id__gt=0).none().delete(),
        person.objects[:0].delete(),
        person.objects(id=1)[:0].delete(write_concern={"w": 1}),
        db.commands(),
        [d["_id"] for d in db.raw("person")],
    ]


def deleting_nothing_further_on(me, db):
    person = _people(me, db)
    return [
        person.objects[2:2].delete(),
        person.objects(id=1)[1:1].delete(),
        person.objects.limit(0).delete(),
        db.commands(),
    ]


def updating_nothing(me, db):
    person = _people(me, db)
    outcomes = []
    for nothing in (person.objects.none(), person.objects[:0], person.objects[2:2]):
        outcomes += [
            nothing.update(set__age=1),
            nothing.update_one(set__age=1),
            nothing.update(upsert=True, set__age=1),
            nothing.modify(set__age=1),
            nothing.modify(remove=True),
            nothing.modify(upsert=True, set__age=1),
        ]
    return [outcomes, db.commands()]


@differs("upsert_one() of none() and empty slices gives None, where it broke")
def upserting_into_nothing(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects.none().upsert_one, set__age=1),
        db.error(person.objects[:0].upsert_one, set__age=1),
        db.commands(),
    ]


@needs("$where")
@differs("where() counts in delete(): only the documents that meet it go")
def deleting_where(me, db):
    person = _people(me, db)
    db.scripted({"delete": {"ok": 1.0, "n": 1}})
    person.objects.where("this[~name] == 'p1'").delete()
    person.objects(age__gt=5).where("this[~name] == 'p1'").delete()
    return db.commands()


@needs("$where")
@differs("where() counts in update(): only the documents that meet it change")
def updating_where(me, db):
    person = _people(me, db)
    db.scripted({"update": {"ok": 1.0, "n": 1, "nModified": 1}})
    person.objects.where("this[~name] == 'p1'").update(set__age=1)
    person.objects(age__gt=5).where("true").update_one(set__age=1)
    return db.commands()


@differs("create() after using() saves behind that alias")
def creating_behind_another_alias(me, db):
    db.connect("other", "_other")
    person = _people(me, db, 1)
    made = person.objects.using("other").create(id=7, name="there")
    made.name = "still there"
    made.save()
    here, there = db.raw("person"), db.raw("person", "_other")
    return [[d["n"] for d in here], [d["n"] for d in there]]


def inserting_behind_another_alias(me, db):
    db.connect("other", "_other")
    person = _people(me, db, 1)
    made = person.objects.using("other").insert(person(id=7, name="there"))
    here, there = db.raw("person"), db.raw("person", "_other")
    return [made.id, [d["n"] for d in here], [d["n"] for d in there]]


def deleting_subclasses_only(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    Base(name="b").save()
    Child(name="c").save()
    db.quiet()
    return [Child.objects.delete(), [d["name"] for d in db.raw("base")], db.commands()]


@differs("an upsert changes the class of no stored document, and modify() inserts one")
def updating_subclasses_only(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        extra = me.IntField()

    Base(name="b").save()
    Child(name="c").save()
    db.quiet()
    return [
        Child.objects.update(set__extra=1),
        Child.objects(name="zz").update(set__extra=1, upsert=True),
        Base.objects(name="yy").modify(set__name="yy", upsert=True, new=True),
        db.commands(),
        db.raw("base"),
    ]


def default_values_on_upsert(me, db):
    class Person(me.Document):
        name = me.StringField(default="d")
        age = me.IntField(default=4)

    made = Person.objects(name="x").upsert_one(set__age=9)
    return [made, db.raw("person"), db.commands()]


def errors_of_the_server(me, db):
    person = _people(me, db)
    return [
        db.error(person.objects.update, __raw__={"$bad": {"x": 1}})[0],
        db.error(person.objects(__raw__={"$bad": 1}).first)[0],
        db.error(person.objects(__raw__={"$bad": 1}).delete)[0],
        db.error(person.objects(__raw__={"$bad": 1}).count)[0],
        db.error(person.objects(id=0).modify, __raw__={"$bad": {"x": 1}})[0],
    ]


def updates_do_not_touch_loaded(me, db):
    person = _people(me, db)
    loaded = person.objects.order_by("id").first()
    people = person.objects.order_by("id")
    list(people)
    person.objects.update(set__age=99)
    return [loaded.age, [p.age for p in people], [p.age for p in people.clone()]]


def saving_through_iteration(me, db):
    person = _people(me, db)
    for one in person.objects.order_by("id"):
        one.age += 1
        one.save()
    return [db.commands(), [d["age"] for d in db.raw("person")]]


def bulk_of_many(me, db):
    class Row(me.Document):
        n = me.IntField()

    rows = Row.objects.insert([Row(n=n) for n in range(1500)], load_bulk=False)
    commands = db.commands()
    return [
        len(rows),
        len(commands),
        [len(c["documents"]) for c in commands if "insert" in c],
        Row.objects.count(),
    ]


def unordered_values_of_sets(me, db):
    person = _people(me, db, 1)
    return [
        db.error(person.objects.update, add_to_set__tags="a"),
        db.error(person.objects.update, add_to_set__tags=["b", "c"]),
        db.error(person.objects.update, push_all__tags=["d"]),
        db.error(person.objects.update, pull__tags="a"),
        db.error(person.objects.update, pull_all__tags=["b"]),
        db.error(person.objects.update, pop__tags=1),
        db.error(person.objects.update, unset__age=1),
        db.error(person.objects.update, min__age=1, max__id=3),
        db.error(person.objects.update, mul__age=2),
        db.error(person.objects.update, rename__age="years"),
        db.error(person.objects.update, dec__age=2),
        db.commands(),
        db.raw("person"),
    ]
