"""Following references: when, how deep, in which queries, in what they result."""

from bson import DBRef, ObjectId

from .harness import differs

KEY = ObjectId("5f0000000000000000000001")


def _models(me):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        title = me.StringField()
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))
        by_key = me.MapField(me.ReferenceField(Author))
        anything = me.DictField()
        any_list = me.ListField()
        generic = me.GenericReferenceField()
        generics = me.ListField(me.GenericReferenceField())

    return Author, Book


def _people(author, count=3):
    return [author(name=str(n)).save() for n in range(count)]


def single_touch(me, db):
    author, book = _models(me)
    one = _people(author)[0]
    book(author=one).save()
    db.quiet()
    loaded = book.objects.first()
    return [loaded.author.name, loaded.author.name, db.commands()]


def lists_in_one_query(me, db):
    author, book = _models(me)
    book(authors=_people(author, 5)).save()
    db.quiet()
    loaded = book.objects.first()
    return [[a.name for a in loaded.authors], type(loaded.authors), db.commands()]


def list_index_touch(me, db):
    author, book = _models(me)
    book(authors=_people(author, 3)).save()
    db.quiet()
    loaded = book.objects.first()
    return [loaded.authors[1].name, loaded.authors[0].name, db.commands()]


def list_length_touch(me, db):
    author, book = _models(me)
    book(authors=_people(author, 3)).save()
    db.quiet()
    loaded = book.objects.first()
    return [len(loaded.authors), db.commands()]


def duplicates_in_lists(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one, two, one, one]).save()
    db.quiet()
    loaded = book.objects.first()
    names = [a.name for a in loaded.authors]
    return [names, loaded.authors[0] is loaded.authors[2], db.commands()]


def maps_of_references(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(by_key={"a": one, "b": two, "c": one}).save()
    db.quiet()
    loaded = book.objects.first()
    return [
        {k: v.name for k, v in loaded.by_key.items()},
        type(loaded.by_key),
        db.commands(),
        loaded._get_changed_fields(),
    ]


def dbrefs_in_plain_containers(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(
        anything={"one": one, "deep": {"two": [two]}, "n": 1},
        any_list=[one, {"k": two}, [one], 3],
    ).save()
    db.quiet()
    loaded = book.objects.first()
    return [
        db.raw("book"),
        db.error(lambda: loaded.anything["one"].name),
        db.error(lambda: loaded.anything["deep"]["two"][0].name),
        db.error(lambda: loaded.any_list[0].name),
        db.error(lambda: loaded.any_list[1]["k"].name),
        db.error(lambda: loaded.any_list[2][0].name),
        db.commands(),
    ]


def generic_in_one_query_per_collection(me, db):
    author, book = _models(me)

    class Shop(me.Document):
        name = me.StringField()

    one, two, _ = _people(author)
    shop = Shop(name="s").save()
    book(generics=[one, shop, two], generic=shop).save()
    db.quiet()
    loaded = book.objects.first()
    return [
        [g.name for g in loaded.generics],
        [type(g) for g in loaded.generics],
        db.commands(),
        loaded.generic.name,
        db.commands(),
    ]


def orphans_stay_dbrefs(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one, two], generics=[one, two], by_key={"x": one}).save()
    one.delete()
    loaded = book.objects.first()
    return [
        loaded.authors,
        db.error(lambda: loaded.generics),
        db.error(lambda: loaded.by_key["x"]),
        loaded._get_changed_fields(),
    ]


def orphans_are_saved_back(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one, two]).save()
    one.delete()
    loaded = book.objects.first()
    loaded.authors
    loaded.title = "t"
    return [db.error(loaded.save), db.raw("book")]


def querysets_load_each_touch(me, db):
    author, book = _models(me)
    for one in _people(author):
        book(author=one).save()
    db.quiet()
    names = [b.author.name for b in book.objects]
    return [names, db.commands()]


def select_related_of_querysets(me, db):
    author, book = _models(me)
    people = _people(author)
    for one in people:
        book(author=one, authors=people, by_key={"k": one}, generic=one).save()
    db.quiet()
    books = book.objects.select_related()
    first = db.commands()
    shown = [
        [b.author.name, [a.name for a in b.authors], b.by_key["k"].name, b.generic.name]
        for b in books
    ]
    return [type(books), first, shown, db.commands()]


@differs(
    "upstream leaves levels beyond the first, and lists of documents that it has just "
    "loaded, to reading; here each level takes one query per collection"
)
def select_related_by_depth(me, db):
    class C(me.Document):
        name = me.StringField()

    class B(me.Document):
        c = me.ReferenceField(C)
        cs = me.ListField(me.ReferenceField(C))

    class A(me.Document):
        b = me.ReferenceField(B)
        bs = me.ListField(me.ReferenceField(B))

    c = C(name="c").save()
    b = B(c=c, cs=[c]).save()
    A(b=b, bs=[b]).save()
    shown = []
    for depth in (0, 1, 2, 3, 5):
        db.quiet()
        loaded = A.objects.select_related(max_depth=depth)[0]
        first = db.commands()
        names = [loaded.b.c.name, loaded.bs[0].cs[0].name]
        shown.append([depth, first, names, db.commands()])
    return shown


def select_related_of_documents(me, db):
    author, book = _models(me)
    people = _people(author)
    book(author=people[0], authors=people).save()
    loaded = book.objects.first()
    db.quiet()
    returned = loaded.select_related()
    first = db.commands()
    return [
        returned is loaded,
        first,
        loaded.author.name,
        [a.name for a in loaded.authors],
        db.commands(),
        loaded._get_changed_fields(),
    ]


def select_related_of_nothing(me, db):
    _author, book = _models(me)
    db.quiet()
    return [
        list(book.objects.select_related()),
        book().select_related() is not None,
        db.commands(),
    ]


@differs("upstream leaves out the references inside embedded document fields")
def select_related_with_embedded(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.EmbeddedDocument):
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    class Book(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    one = Author(name="1").save()
    two = Author(name="2").save()
    Book(part=Part(author=one, authors=[two]), parts=[Part(author=two)]).save()
    db.quiet()
    loaded = Book.objects.select_related()[0]
    first = db.commands()
    return [
        first,
        loaded.part.author.name,
        loaded.part.authors[0].name,
        loaded.parts[0].author.name,
        db.commands(),
    ]


def chains_touched_one_by_one(me, db):
    class C(me.Document):
        name = me.StringField()

    class B(me.Document):
        c = me.ReferenceField(C)

    class A(me.Document):
        b = me.ReferenceField(B)

    A(b=B(c=C(name="c").save()).save()).save()
    db.quiet()
    loaded = A.objects.first()
    first = db.commands()
    loaded.b
    second = db.commands()
    name = loaded.b.c.name
    return [first, second, name, db.commands()]


def recursion_to_self(me, db):
    class Person(me.Document):
        name = me.StringField()
        boss = me.ReferenceField("self")
        friends = me.ListField(me.ReferenceField("self"))

    one = Person(name="1").save()
    one.boss = one
    one.friends = [one]
    one.save()
    db.quiet()
    loaded = Person.objects.first()
    return [
        loaded.boss.name,
        loaded.boss.boss.boss.name,
        loaded.friends[0].friends[0].name,
        db.commands(),
        loaded.boss is loaded,
    ]


def mutual_recursion(me, db):
    class Person(me.Document):
        name = me.StringField()
        friends = me.ListField(me.ReferenceField("self"))

    one, two = Person(name="1").save(), Person(name="2").save()
    one.friends, two.friends = [two], [one]
    one.save()
    two.save()
    db.quiet()
    people = Person.objects.order_by("name").select_related(max_depth=3)
    shown = [p.friends[0].friends[0].name for p in people]
    return [shown, len(db.commands()) < 12, repr(people)]


def lists_of_lists_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        grid = me.ListField(me.ListField(me.ReferenceField(Author)))
        deep = me.ListField(me.ListField(me.ListField(me.ReferenceField(Author))))

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(grid=[[one, two], [two]], deep=[[[one]]]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        db.raw("book"),
        [[a.name for a in row] for row in loaded.grid],
        loaded.deep[0][0][0].name,
        db.commands(),
    ]


def maps_of_lists_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        teams = me.MapField(me.ListField(me.ReferenceField(Author)))
        nested = me.MapField(me.MapField(me.ReferenceField(Author)))
        dicts = me.ListField(me.DictField(me.ReferenceField(Author)))

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(teams={"a": [one, two]}, nested={"x": {"y": one}}, dicts=[{"k": two}]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        [a.name for a in loaded.teams["a"]],
        loaded.nested["x"]["y"].name,
        loaded.dicts[0]["k"].name,
        db.commands(),
    ]


def no_dereference_of_querysets(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(author=one, authors=[one, two], by_key={"a": one}, generic=two).save()
    db.quiet()
    loaded = book.objects.no_dereference().get()
    return [
        loaded.author,
        loaded.authors,
        loaded.by_key,
        loaded.generic,
        db.commands(),
        loaded._get_changed_fields(),
    ]


def no_dereference_with_dbrefs(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, dbref=True)
        authors = me.ListField(me.ReferenceField(Author, dbref=True))

    one = Author(name="1").save()
    Book(author=one, authors=[one]).save()
    raw = Book.objects.no_dereference().first()
    return [raw.author, raw.authors, Book.objects.first().author.name]


def no_dereference_context(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(author=one, authors=[two]).save()
    with me.context_managers.no_dereference(book):
        inside = book.objects.first()
        shown = [inside.author, inside.authors]
        db.quiet()
    after = book.objects.first()
    return [
        shown,
        db.error(lambda: inside.author.name),
        after.author.name,
        after.authors[0].name,
        db.commands(),
    ]


def no_dereference_and_loaded_before(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(author=one, authors=[two]).save()
    loaded = book.objects.first()
    db.quiet()
    with me.context_managers.no_dereference(book):
        inside = [loaded.author, list(loaded.authors)]
    return [inside, loaded.author, [type(a) for a in loaded.authors], db.commands()]


def no_dereference_of_fields(me, db):
    author, book = _models(me)
    base = me.base.fields
    one, two, _ = _people(author)
    book(author=one, authors=[two]).save()
    loaded = book.objects.first()
    with base._no_dereference_for_fields(book.author, book.authors):
        inside = [loaded.author, loaded.authors, book.author._auto_dereference]
    return [inside, loaded.author.name, book.author._auto_dereference]


@differs(
    "upstream's loader sets every field that it fills to following again, for all "
    "documents and threads; here a field stays as it was set"
)
def auto_dereference_off_on_a_field(me, db):
    author, book = _models(me)
    one = _people(author)[0]
    book(author=one).save()
    book._fields["author"].set_auto_dereferencing(False)
    loaded = book.objects.first()
    inside = loaded.author
    book._fields["author"].set_auto_dereferencing(True)
    return [inside, loaded.author.name]


def editing_what_was_followed(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one]).save()
    loaded = book.objects.first()
    loaded.authors.append(two)
    loaded.authors[0].name = "changed"
    db.quiet()
    loaded.save()
    return [db.commands(), db.raw("book"), [a["name"] for a in db.raw("author")]]


def removing_from_followed_lists(me, db):
    author, book = _models(me)
    one, two, three = _people(author)
    book(authors=[one, two, three]).save()
    loaded = book.objects.first()
    loaded.authors.remove(two)
    outcome = [a.name for a in loaded.authors]
    loaded.save()
    contained = [one in loaded.authors, two in loaded.authors, one.id in loaded.authors]
    return [outcome, contained, len(db.raw("book")[0]["authors"])]


def followed_lists_equal(me, db):
    author, book = _models(me)
    one, two, _three = _people(author)
    book(authors=[one, two]).save()
    loaded = book.objects.first()
    return [
        loaded.authors == [one, two],
        loaded.authors != [two, one],
        loaded.authors.index(two),
        loaded.authors.count(one),
    ]


def mixed_kinds_in_a_list(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    loaded = book(authors=[one, two.id, one.to_dbref()])
    shown = [db.error(loaded.validate), db.error(loaded.to_mongo)]
    return [shown, [type(a) for a in loaded.authors]]


def references_of_new_documents(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    new = book(author=one, authors=[one, two])
    db.quiet()
    return [
        new.author is one,
        new.authors[0] is one,
        book(author=one.id).author if False else None,
        db.error(lambda: book(author=one.to_dbref()).author.name),
        db.error(lambda: book(author=one.id).author),
        db.error(lambda: book(authors=[one.id]).authors),
        db.error(lambda: book(authors=[one.to_dbref()]).authors[0].name),
        db.commands(),
    ]


def to_other_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class One(Base):
        pass

    class Two(Base):
        pass

    class Holder(me.Document):
        refs = me.ListField(me.ReferenceField(Base))

    Holder(refs=[One(name="1").save(), Two(name="2").save()]).save()
    db.quiet()
    loaded = Holder.objects.first()
    return [[type(r) for r in loaded.refs], db.commands()]


@differs(
    "upstream looks a reference in a plain list up behind the default alias; here "
    "behind the alias of the class that has the collection"
)
def across_aliases(me, db):
    db.connect("other", "_other")

    class Author(me.Document):
        name = me.StringField()
        meta = {"db_alias": "other"}

    class Book(me.Document):
        authors = me.ListField(me.ReferenceField(Author))
        generics = me.ListField(me.GenericReferenceField())
        any = me.ListField()

    one = Author(name="1").save()
    Book(authors=[one], generics=[one], any=[one]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        loaded.authors[0].name,
        loaded.generics[0].name,
        db.error(lambda: loaded.any[0].name),
        db.commands(),
    ]


def unknown_collections(me, db):
    class Holder(me.Document):
        any = me.ListField()
        one = me.DictField()

    db.insert(
        "holder",
        {"_id": KEY, "any": [DBRef("nowhere", 1)], "one": {"r": DBRef("x", 2)}},
    )
    db.insert("nowhere", {"_id": 1, "name": "found", "_cls": "Nobody"})
    loaded = Holder.objects.first()
    return [
        db.error(lambda: loaded.any),
        db.error(lambda: loaded.one),
        db.error(lambda: [type(x) for x in loaded.any]),
    ]


def documents_without_class_names(me, db):
    class Thing(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.ListField()

    thing = Thing(name="t").save()
    db.insert("holder", {"_id": KEY, "any": [thing.to_dbref(), DBRef("things", 5)]})
    db.insert("things", {"_id": 5, "name": "plain"})
    loaded = Holder.objects.first()
    return db.error(lambda: loaded.any)


def dynamic_documents(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Loose(me.DynamicDocument):
        pass

    one, two = Author(name="1").save(), Author(name="2").save()
    Loose(author=one, authors=[one, two], nested={"k": [one]}).save()
    db.quiet()
    loaded = db.error(Loose.objects.first)
    Loose.objects.update(unset__author=1)
    again = db.error(Loose.objects.first)
    Loose.objects.update(unset__authors=1, unset__nested=1)
    return [
        db.raw("loose"),
        loaded,
        again,
        db.error(Loose.objects.first),
        db.commands(),
    ]


def dereferencing_by_hand(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one, two]).save()
    raw = book.objects.no_dereference().first()
    db.quiet()
    dereference = me.dereference.DeReference()
    followed = dereference([one.to_dbref(), two.to_dbref(), 3])
    deep = dereference([raw], max_depth=1)
    return [
        followed,
        [type(d) for d in deep],
        db.error(dereference, None),
        db.error(dereference, "text"),
        db.error(dereference, {"a": one.to_dbref()}),
        db.commands(),
    ]


def to_mongo_after_following(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(author=one, authors=[one, two], generic=one, by_key={"k": two}).save()
    loaded = book.objects.first()
    before = loaded.to_mongo()
    loaded.author, loaded.authors, loaded.generic, loaded.by_key
    return [before == loaded.to_mongo(), loaded.to_mongo(), loaded._delta()]


def touching_after_an_unsaved_change(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(authors=[one]).save()
    loaded = book.objects.first()
    loaded.authors = [two.to_dbref()]
    shown = db.error(lambda: loaded.authors[0].name)
    loaded.author = one.to_dbref()
    return [shown, db.error(lambda: loaded.author.name), loaded._get_changed_fields()]


def empty_containers_send_nothing(me, db):
    _author, book = _models(me)
    book().save()
    db.quiet()
    loaded = book.objects.first()
    first = db.commands()
    loaded.author, loaded.authors, loaded.by_key, loaded.generics
    return [first, db.commands(), loaded.author]


def many_references_in_one_list(me, db):
    class Author(me.Document):
        id = me.IntField(primary_key=True)

    class Book(me.Document):
        authors = me.ListField(me.ReferenceField(Author))

    authors = [Author(id=n) for n in range(150)]
    Author.objects.insert(authors)
    Book(authors=authors).save()
    db.quiet()
    loaded = Book.objects.first()
    ids = [a.id for a in loaded.authors]
    commands = db.commands()
    return [ids == list(range(150)), [next(iter(c)) for c in commands]]


def cached_list_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()
        other = me.StringField()

    class Book(me.Document):
        authors = me.ListField(me.CachedReferenceField(Author, fields=["name"]))

    one = Author(name="1", other="o").save()
    Book(authors=[one]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        db.raw("book"),
        db.error(lambda: loaded.authors[0].name),
        db.error(lambda: loaded.authors[0].other),
        db.commands(),
    ]


def lazy_lists_are_not_followed(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        authors = me.ListField(me.LazyReferenceField(Author))
        generics = me.ListField(me.GenericLazyReferenceField())

    one = Author(name="1").save()
    Book(authors=[one], generics=[one]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        [type(a) for a in loaded.authors],
        [type(a) for a in loaded.generics],
        db.commands(),
        [type(b.authors[0]) for b in Book.objects.select_related()],
        db.commands(),
    ]


def as_pymongo_follows_nothing(me, db):
    author, book = _models(me)
    one, two, _ = _people(author)
    book(author=one, authors=[two], generic=one).save()
    db.quiet()
    return [list(book.objects.as_pymongo()), db.commands()]


def in_bulk_and_related(me, db):
    author, book = _models(me)
    one, _two, _ = _people(author)
    saved = book(author=one).save()
    db.quiet()
    found = book.objects.in_bulk([saved.id])
    return [found[saved.id].author.name, db.commands()]
