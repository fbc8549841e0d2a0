"""Reading through a queryset: iteration, slices, caches, counts, single documents."""

import copy
import pickle

from bson import ObjectId

from .harness import differs


def _people(me, count=5, **meta_keys):
    class Person(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField(db_field="n")
        age = me.IntField()
        tags = me.ListField(me.StringField())
        meta = meta_keys

    for number in range(count):
        Person(id=number, name=f"p{number}", age=number * 10, tags=["x"] * number).save(
            force_insert=True
        )
    return Person


def iterating(me, db):
    person = _people(me)
    db.quiet()
    people = person.objects
    names = [p.name for p in people]
    again = [p.name for p in people]
    return [names, again, db.commands(), type(people)]


def iterating_without_cache(me, db):
    person = _people(me)
    db.quiet()
    people = person.objects.no_cache()
    names = [p.name for p in people]
    again = [p.name for p in people]
    back = people.cache()
    return [names, again, type(people), type(back), db.commands()]


@differs("each loop has a cursor of its own, and does not use up that of others")
def showing_and_nesting_without_cache(me, db):
    person = _people(me, 3)
    people = person.objects.no_cache()
    pairs = [(a.id, b.id) for a in people for b in people]
    return [pairs, repr(people)]


def nested_iteration(me, db):
    person = _people(me, 3)
    people = person.objects.order_by("id")
    return [[(a.id, b.id) for b in people] for a in people]


def partial_iteration(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    iterator = iter(people)
    first = next(iterator).id
    second = next(iterator).id
    rest = [p.id for p in people]
    return [first, second, rest, len(people), db.commands()]


def iterating_many_batches(me, db):
    person = _people(me, 0)
    documents = [{"_id": n, "n": f"p{n}", "age": n} for n in range(350)]
    db.insert("person", *documents)
    db.quiet()
    people = person.objects.order_by("id")
    count = sum(1 for p in people)
    first = db.commands()
    small = person.objects.order_by("id").batch_size(100)
    ids = [p.id for p in small]
    return [count, first, ids[-1], db.commands(), len(people)]


def slicing(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    shown = [
        [p.id for p in people[1:3]],
        [p.id for p in people[:2]],
        [p.id for p in people[3:]],
        [p.id for p in people[:]],
        [p.id for p in people[1:1]],
        db.error(lambda: [p.id for p in people[4:2]]),
        [p.id for p in people[10:20]],
    ]
    return [shown, db.commands()]


def slicing_with_steps_and_negatives(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    pieces = (
        slice(None, None, 2),
        slice(-2, None),
        slice(0, -1),
        slice(None, -2),
        slice(3, 1, -1),
        slice(1, 5, 3),
    )
    return [db.error(lambda p=p: [x.id for x in people[p]]) for p in pieces]


def slicing_slices(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    shown = [
        [p.id for p in people[1:4][1:]],
        [p.id for p in people.skip(1)[1:3]],
        [p.id for p in people.limit(2)[1:]],
        [p.id for p in people[1:].skip(0)],
        [p.id for p in people[:4].limit(2)],
        people[1:4].count(),
        people[1:4].count(with_limit_and_skip=True),
        people.skip(1).limit(2).count(with_limit_and_skip=True),
        len(people[1:4]),
    ]
    return [shown, db.commands()]


def indexing(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    shown = [
        people[0].id,
        people[3].id,
        db.error(lambda: people[9]),
        db.error(lambda: people[-1]),
        db.error(lambda: people["x"]),
        db.error(lambda: people[1.5]),
        people[1:][0].id,
        people.skip(2)[0].id,
        people.limit(1)[0].id,
        db.error(lambda: people.limit(1)[3]),
        db.error(lambda: people[1:3][5]),
    ]
    return [shown, db.commands()]


def indexing_other_forms(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    return [
        people.scalar("name")[1],
        people.scalar("name", "age")[1],
        people.as_pymongo()[1],
        people.scalar("name")[1:3],
        list(people.as_pymongo()[1:2]),
        list(people.scalar("name")[1:3]),
    ]


def limits_and_skips(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    shown = [
        [p.id for p in people.limit(2)],
        [p.id for p in people.limit(0)],
        [p.id for p in people.skip(3)],
        [p.id for p in people.skip(1).limit(2)],
        [p.id for p in people.limit(2).skip(1)],
        [p.id for p in people.limit(3).limit(None)],
        [p.id for p in people.skip(3).skip(0)],
        [p.id for p in people.skip(None)],
        db.error(lambda: list(people.limit(-2))),
        db.error(lambda: list(people.skip(-1))),
    ]
    return [shown, db.commands()]


def getting_one(me, db):
    person = _people(me)
    db.quiet()
    return [
        person.objects.get(id=1),
        person.objects(name="p2").get(),
        person.objects.get(me.Q(id=1) & me.Q(name="p1")),
        db.error(person.objects.get, id=99),
        db.error(person.objects.get),
        db.error(person.objects(age__gte=0).get, id__gt=1),
        db.error(person.objects.get, nope=1),
        db.error(person.objects.order_by("id").get, age__gt=5),
        db.commands(),
    ]


def errors_belong_to_the_class(me, db):
    person = _people(me)

    class Other(me.Document):
        pass

    caught = []
    for query in ({"id": 99}, {"age__gte": 0}):
        try:
            person.objects.get(**query)
        except Other.DoesNotExist:
            caught.append("other")
        except person.DoesNotExist as error:
            caught.append(["missing", str(error), isinstance(error, me.DoesNotExist)])
        except person.MultipleObjectsReturned as error:
            kind = me.MultipleObjectsReturned
            caught.append(["many", str(error), isinstance(error, kind)])
    return caught


def first_of_many(me, db):
    person = _people(me)
    db.quiet()
    return [
        person.objects.first(),
        person.objects.order_by("-id").first(),
        person.objects(id=99).first(),
        person.objects.order_by("id").skip(2).first(),
        person.objects.order_by("id")[3:].first(),
        person.objects.order_by("id").limit(2).first(),
        person.objects.order_by("id").scalar("name").first(),
        person.objects.order_by("id").as_pymongo().first(),
        person.objects.none().first(),
        db.commands(),
    ]


def first_after_iteration(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    list(people)
    db.quiet()
    return [people.first().id, people.first() is people[0], db.commands()]


def truth_values(me, db):
    person = _people(me)
    db.quiet()
    return [
        bool(person.objects),
        bool(person.objects(id=99)),
        bool(person.objects.none()),
        bool(person.objects.no_cache()),
        bool(person.objects.order_by("id").limit(1)),
        db.commands(),
    ]


def containment_and_lists(me, db):
    person = _people(me)
    one = person.objects.get(id=1)
    people = person.objects.order_by("id")
    return [
        one in people,
        person(id=77) in people,
        [p.id for p in reversed(list(people))],
        list(people) == list(people),
        people == people,
        db.error(lambda: reversed(people)),
    ]


def counting(me, db):
    person = _people(me)
    db.quiet()
    people = person.objects
    shown = [
        people.count(),
        people.filter(age__gt=10).count(),
        people.limit(2).count(),
        people.limit(2).count(with_limit_and_skip=True),
        people.skip(3).count(with_limit_and_skip=True),
        people.skip(1).limit(2).count(with_limit_and_skip=True),
        len(people),
        people.none().count(),
        people.limit(0).count(),
        people.skip(2).limit(1).count(),
    ]
    return [shown, db.commands()]


def counting_with_options(me, db):
    person = _people(me)
    person.objects.filter(age=1).count()
    person.create_index(["age"])
    db.quiet()
    return [
        person.objects(age__gt=1).hint("age_1").count(),
        person.objects.hint([("age", 1)]).count(),
        person.objects(age__gt=1).collation({"locale": "en"}).count(),
        person.objects.comment("why").count(),
        person.objects(age__gt=1).max_time_ms(500).count(),
        db.commands(),
    ]


def lengths_use_the_cache(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    db.quiet()
    length = len(people)
    first = db.commands()
    list(people)
    return [length, first, people.count(), db.commands()]


def empty_querysets(me, db):
    person = _people(me)
    none = person.objects.none()
    db.quiet()
    return [
        list(none),
        none.count(),
        len(none),
        none.first(),
        list(none.filter(id=1)),
        none.to_json(),
        none.update(set__age=1),
        list(none.scalar("name")),
        repr(none),
        db.commands(),
    ]


@differs("none() and empty slices hold no documents to find, count or sum")
def reading_nothing(me, db):
    person = _people(me)
    db.quiet()
    outcomes = []
    for nothing in (person.objects.none(), person.objects[:0], person.objects[2:2]):
        outcomes += [
            db.error(lambda q=nothing: q[0]),
            nothing.distinct("name"),
            nothing.sum("id"),
            nothing.average("id"),
            list(nothing.in_bulk([1, 2])),
            nothing.item_frequencies("name"),
            db.commands(),
        ]
    return outcomes


@differs("get() finds nothing in an empty slice")
def getting_from_empty_slices(me, db):
    person = _people(me)
    return [
        db.error(lambda: person.objects[:0].get(id=1).id),
        db.error(lambda: person.objects[2:2].get().id),
        db.error(lambda: person.objects.none().get(id=1).id),
    ]


def texts_of_querysets(me, db):
    person = _people(me, 25)
    people = person.objects.order_by("id")
    return [
        repr(people[:2]),
        repr(people),
        db.error(lambda: repr(people.no_cache())),
        repr(person.objects.no_cache()[:2]),
        repr(people.none()),
        repr(people.scalar("name")[:2]),
        str(people[:1]),
    ]


def texts_while_iterating(me, db):
    person = _people(me)
    people = person.objects.order_by("id")
    iterator = iter(people)
    next(iterator)
    return [repr(people), [p.id for p in people]]


def cloning(me, db):
    person = _people(me)
    people = person.objects(age__gt=5).order_by("-id").limit(2).only("name")
    cloned = people.clone()
    list(people)
    db.quiet()
    return [
        cloned is people,
        [p.id for p in cloned],
        [p.id for p in people.all()],
        db.commands(),
        type(cloned),
        cloned._limit,
        cloned._ordering,
        cloned._query,
    ]


def copying_querysets(me, db):
    person = _people(me)
    people = person.objects(age__gt=5).order_by("-id")
    shallow = copy.copy(people)
    deep = copy.deepcopy(people)
    return [[p.id for p in shallow], [p.id for p in deep]]


def chaining_does_not_change(me, db):
    person = _people(me)
    base = person.objects(age__gt=5)
    narrow = base.filter(age__lt=25)
    ordered = base.order_by("-id")
    return [
        base.count(),
        narrow.count(),
        [p.id for p in ordered],
        base._query,
        narrow._query,
        narrow._mongo_query if hasattr(narrow, "_mongo_query") else None,
    ]


def calling_a_queryset(me, db):
    person = _people(me)
    return [
        [p.id for p in person.objects(id=1)],
        [p.id for p in person.objects(me.Q(id=1) | me.Q(id=2))],
        [p.id for p in person.objects(me.Q(age__gt=5), age__lt=25)],
        [p.id for p in person.objects.filter(me.Q(age__gt=5), id=2)],
        db.error(lambda: person.objects({"id": 1})),
        db.error(lambda: person.objects("x")),
        [p.id for p in person.objects(__raw__={"_id": 2})],
        [p.id for p in person.objects(__raw__={"_id": {"$gt": 1}}, age__lt=40)],
    ]


def the_query_of_a_queryset(me, db):
    person = _people(me, 0)
    people = person.objects(name="a", age__gt=3)
    return [
        people._query,
        people.filter(me.Q(age=1) | me.Q(age=2))._query,
        person.objects()._query,
        people._query_obj.__class__,
        people.filter(age__lt=9)._query,
        person.objects(pk=1)._query,
    ]


def rewinding(me, db):
    person = _people(me, 3)
    people = person.objects.order_by("id")
    first = [p.id for p in people]
    rewound = people.rewind()
    return [first, rewound, [p.id for p in people], hasattr(people, "next")]


def caching_again(me, db):
    person = _people(me, 2)
    cached, free = person.objects, person.objects.no_cache()
    list(cached)
    return [
        hasattr(cached, "cache"),
        db.error(cached.no_cache),
        hasattr(free, "no_cache"),
        type(free.cache()),
        type(free.clone()),
        type(free.filter(id=1)),
        db.error(lambda: next(cached)),
        hasattr(cached, "next"),
    ]


def in_bulk(me, db):
    person = _people(me)
    db.quiet()
    found = person.objects.in_bulk([1, 3, 99])
    return [
        {str(key): value for key, value in found.items()},
        person.objects.in_bulk([]),
        person.objects.scalar("name").in_bulk([1]),
        person.objects.as_pymongo().in_bulk([2]),
        person.objects(age__gt=15).in_bulk([1, 2]),
        person.objects.only("name").in_bulk([2])[2],
        db.commands(),
    ]


def with_id(me, db):
    person = _people(me)
    db.quiet()
    return [
        person.objects.with_id(1),
        person.objects.with_id(99),
        db.error(person.objects(age=1).with_id, 1),
        db.error(person.objects.with_id, "x"),
        person.objects.only("name").with_id(2),
        db.commands(),
    ]


def ordering(me, db):
    person = _people(me)
    db.quiet()
    people = person.objects
    shown = [
        [p.id for p in people.order_by("-age")],
        [p.id for p in people.order_by("+age")],
        [p.id for p in people.order_by("age", "-name")],
        [p.id for p in people.order_by("-pk")],
        [p.id for p in people.order_by("-age").order_by("age")],
        [p.id for p in people.order_by("-age").order_by()],
        [p.id for p in people.order_by("")],
        db.error(lambda: list(people.order_by("nope"))),
        [p.id for p in people.order_by("-n")],
        [p.id for p in people.order_by({"__raw__": {"age": -1}})]
        if False
        else db.error(lambda: list(people.order_by({"__raw__": {"age": -1}}))),
        db.error(lambda: list(people.order_by(__raw__=[("age", -1)]))),
    ]
    return [shown, db.commands()]


def default_ordering(me, db):
    person = _people(me, ordering=["-age"])
    db.quiet()
    return [
        [p.id for p in person.objects],
        [p.id for p in person.objects.order_by("id")],
        [p.id for p in person.objects.order_by()],
        person.objects.first().id,
        person.objects(age__gt=5).count(),
        person.objects.get(id=1).id,
        person.objects.limit(1)[0].id,
        db.commands(),
    ]


def default_ordering_and_updates(me, db):
    person = _people(me, ordering=["-age"])
    db.quiet()
    person.objects.update(set__name="a")
    person.objects(age=10).delete()
    person.objects.modify(set__name="b")
    person.objects.update_one(set__name="c")
    return db.commands()


def ordering_embedded_and_geo(me, db):
    class Part(me.EmbeddedDocument):
        rank = me.IntField(db_field="r")

    class Doc(me.Document):
        id = me.IntField(primary_key=True)
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    Doc(id=1, part=Part(rank=2), parts=[Part(rank=1)]).save()
    Doc(id=2, part=Part(rank=1), parts=[Part(rank=2)]).save()
    db.quiet()
    return [
        [d.id for d in Doc.objects.order_by("part__rank")],
        [d.id for d in Doc.objects.order_by("-part.rank")],
        [d.id for d in Doc.objects.order_by("parts__0__rank")],
        [d.id for d in Doc.objects.order_by("-parts.rank")],
        db.commands(),
    ]


def distinct_values(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Other(me.Document):
        name = me.StringField()

    class Doc(me.Document):
        name = me.StringField(db_field="n")
        tags = me.ListField(me.StringField())
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))
        other = me.ReferenceField(Other)

    other = Other(name="o").save()
    Doc(name="a", tags=["x", "y"], part=Part(n=1), other=other).save()
    Doc(name="b", tags=["y"], part=Part(n=1), parts=[Part(n=5)]).save()
    db.quiet()
    return [
        sorted(Doc.objects.distinct("name")),
        sorted(Doc.objects.distinct("tags")),
        Doc.objects.distinct("part.n"),
        db.error(Doc.objects.distinct, "parts__n"),
        db.error(Doc.objects.distinct, "other"),
        db.error(Doc.objects.distinct, "nope"),
        Doc.objects(name="a").distinct("tags"),
        Doc.objects.limit(1).distinct("name") and None,
        Doc.objects.order_by("name").distinct("pk") and None,
        db.commands(),
    ]


@differs("embedded documents are made of database names; upstream takes none")
def distinct_embedded_documents(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    Doc(part=Part(n=1), parts=[Part(n=5)]).save()
    return [
        db.error(Doc.objects.distinct, "part"),
        db.error(Doc.objects.distinct, "parts"),
    ]


def using_another_database(me, db):
    db.connect("other", "_other")
    person = _people(me, 2)
    db.insert("person", {"_id": 50, "n": "elsewhere"}, suffix="_other")
    db.quiet()
    return [
        [p.id for p in person.objects.using("other")],
        person.objects.using("other").filter(id=50).count(),
        person.objects.using("other").order_by("id").first().name,
        person.objects(id=1).using("other").count(),
        db.error(lambda: person.objects.using("nowhere").count()),
        db.commands(),
    ]


def pickling_querysets(me, db):
    class Pickled(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField()

    db.publish(Pickled)
    for number in range(3):
        Pickled(id=number, name=str(number)).save(force_insert=True)
    people = Pickled.objects(id__gt=0).order_by("-id")
    again = pickle.loads(pickle.dumps(people))
    list(people)
    cached = pickle.loads(pickle.dumps(people))
    return [
        [p.id for p in again],
        [p.id for p in cached],
        again.count(),
        again._query,
    ]


def selecting_related(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    one = Author(name="a").save()
    Book(author=one).save()
    Book(author=one).save()
    db.quiet()
    books = Book.objects.select_related()
    commands = db.commands()
    return [
        type(books),
        commands,
        [b.author.name for b in books],
        db.commands(),
        type(Book.objects.select_related(max_depth=2)),
    ]


def without_sub_classes(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    class GrandChild(Child):
        pass

    Base(name="b").save()
    Child(name="c").save()
    GrandChild(name="g").save()
    db.quiet()
    return [
        [d.name for d in Base.objects.no_sub_classes()],
        [d.name for d in Child.objects.no_sub_classes()],
        [d.name for d in Child.objects],
        Base.objects.no_sub_classes().count(),
        db.commands(),
    ]


def without_dereferencing(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    one = Author(name="a").save()
    Book(author=one, authors=[one]).save()
    db.quiet()
    raw = Book.objects.no_dereference().first()
    shown = [type(raw.author), raw.author, raw.authors]
    return [shown, Book.objects.first().author.name, db.commands()]


def where_clauses(me, db):
    person = _people(me, 0)
    people = person.objects.where("this.age > 15")
    named = person.objects.where("this[~name] == 'p1' && ~age > 3")
    return [
        people._where_clause,
        people._query,
        people.filter(id=3)._query,
        named._where_clause,
        db.error(lambda: person.objects.where("~nope > 1")._where_clause),
    ]


def objects_of_instances(me, db):
    person = _people(me, 2)
    return [
        db.error(lambda: person.objects.get(id=0).objects),
        person.objects is person.objects,
        type(person.objects),
        person.objects._document,
        person.objects._collection.name,
        len(person.objects),
    ]


def documents_from_querysets(me, db):
    person = _people(me, 1)
    one = person.objects.first()
    return [
        one._created,
        one._get_changed_fields(),
        one.id,
        ObjectId.is_valid(str(one.id)),
        one == person.objects.get(id=0),
    ]


def evaluation_in_conditions(me, db):
    person = _people(me, 3)
    people = person.objects.order_by("id")
    db.quiet()
    if people:
        pass
    first = db.commands()
    [p for p in people]  # noqa: C416
    second = db.commands()
    if people:
        pass
    return [first, second, db.commands()]
