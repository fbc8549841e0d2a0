"""Reference fields: what is stored, followed and refused."""

from bson import DBRef, ObjectId

KEY = ObjectId("5f0000000000000000000001")


def _authors(me, **options):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        title = me.StringField()
        author = me.ReferenceField(Author, **options)

    return Author, Book


def what_is_stored(me, db):
    author, book = _authors(me)
    one = author(name="a").save()
    book(title="t", author=one).save()
    return [db.raw("book"), db.commands()]


def what_is_stored_with_dbref(me, db):
    author, book = _authors(me, dbref=True)
    one = author(name="a").save()
    book(title="t", author=one).save()
    loaded = book.objects.first()
    return [db.raw("book"), loaded.author.name, loaded.to_mongo()]


def following(me, db):
    author, book = _authors(me)
    book(title="t", author=author(name="a").save()).save()
    db.quiet()
    loaded = book.objects.first()
    before = db.commands()
    name = loaded.author.name
    after = db.commands()
    again = loaded.author.name
    return [
        before,
        name,
        after,
        again,
        db.commands(),
        type(loaded.author),
        loaded.author is loaded.author,
        loaded._get_changed_fields(),
    ]


def orphans(me, db):
    author, book = _authors(me)
    book(title="t", author=author(name="a").save()).save()
    author.objects.delete()
    db.quiet()
    loaded = book.objects.first()
    return [
        db.error(lambda: loaded.author.name),
        db.error(lambda: loaded.author),
        loaded.title,
        db.commands(),
        db.error(loaded.to_mongo),
    ]


def orphans_with_dbref(me, db):
    author, book = _authors(me, dbref=True)
    book(title="t", author=author(name="a").save()).save()
    author.objects.delete()
    loaded = book.objects.first()
    return [db.error(lambda: loaded.author), db.error(lambda: loaded.author.name)]


def assigning_other_forms(me, db):
    author, book = _authors(me)
    one = author(name="a").save()
    shown = []
    for value in (
        one,
        one.id,
        one.to_dbref(),
        str(one.id),
        KEY,
        None,
        "nope",
        3,
        book(),
    ):
        new = book(title="t")
        assigned = db.error(setattr, new, "author", value)
        shown.append([assigned, db.error(new.validate), db.error(new.to_mongo)])
    return shown


def assigning_other_forms_with_dbref(me, db):
    author, book = _authors(me, dbref=True)
    one = author(name="a").save()
    shown = []
    for value in (one, one.id, one.to_dbref(), DBRef("other", KEY), "nope"):
        new = book(title="t")
        assigned = db.error(setattr, new, "author", value)
        shown.append([assigned, db.error(new.validate), db.error(new.to_mongo)])
    return shown


def the_wrong_class(me, db):
    class Other(me.Document):
        pass

    class Part(me.EmbeddedDocument):
        pass

    _author, book = _authors(me)
    other = Other().save()
    return [
        db.error(book(author=other).validate),
        db.error(book(author=other).save),
        db.error(book(author=Part()).validate),
        db.error(lambda: book.objects(author=other).count()),
        db.error(book(author=other.to_dbref()).validate),
    ]


def definitions(me, db):
    class Part(me.EmbeddedDocument):
        pass

    return [
        db.error(me.ReferenceField, 3),
        db.error(me.ReferenceField, Part),
        db.error(me.ReferenceField),
        db.error(me.ReferenceField, "Anything"),
        db.error(me.ReferenceField, me.Document),
        db.error(me.LazyReferenceField, Part),
        db.error(me.CachedReferenceField, Part),
        db.error(me.CachedReferenceField, 3),
        db.error(me.CachedReferenceField, me.Document, fields=None),
        db.error(me.GenericReferenceField, choices=(3,)),
        db.error(me.GenericReferenceField, choices=("Anything",)),
        db.error(me.GenericReferenceField, choices=(Part,)),
    ]


def unsaved_targets(me, db):
    author, book = _authors(me)
    return [
        db.error(book(author=author(name="x")).validate),
        db.error(book(author=author(name="x")).save),
        db.error(book(author=author(id=KEY)).save),
        db.error(lambda: book.objects(author=author()).count()),
    ]


def by_name_and_self(me, db):
    class Node(me.Document):
        name = me.StringField()
        parent = me.ReferenceField("self")
        other = me.ReferenceField("Later")

    class Later(me.Document):
        name = me.StringField()

    root = Node(name="root").save()
    Node(name="leaf", parent=root, other=Later(name="l").save()).save()
    leaf = Node.objects(name="leaf").first()
    return [
        leaf.parent.name,
        leaf.other.name,
        Node.parent.document_type,
        Node.other.document_type,
        Node.objects(parent=root).count(),
        db.raw("node"),
    ]


def by_an_unknown_name(me, db):
    class Node(me.Document):
        other = me.ReferenceField("Nobody")

    return [
        db.error(lambda: Node.other.document_type),
        db.error(lambda: Node(other=KEY).save()),
        db.error(lambda: Node.objects(other=KEY).count()),
    ]


def to_abstract_classes(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"abstract": True}

    class One(Base):
        pass

    class Holder(me.Document):
        ref = me.ReferenceField(Base)

    class Dbref(me.Document):
        ref = me.ReferenceField(Base, dbref=True)

    one = One(name="1").save()
    return [
        db.error(lambda: Holder(ref=one).save()),
        db.error(lambda: Dbref(ref=one).save() and Dbref.objects.first().ref.name),
        db.raw("dbref"),
    ]


def to_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        extra = me.IntField()

    class Holder(me.Document):
        base = me.ReferenceField(Base)
        child = me.ReferenceField(Child)
        base_db = me.ReferenceField(Base, dbref=True)

    child = Child(name="c", extra=1).save()
    plain = Base(name="b").save()
    Holder(base=child, child=child, base_db=child).save()
    loaded = Holder.objects.first()
    return [
        db.raw("holder"),
        type(loaded.base),
        loaded.base.extra,
        type(loaded.base_db),
        loaded.child,
        db.error(Holder(child=plain).validate),
        Holder.objects(base=child).count(),
    ]


def with_own_primary_keys(me, db):
    class Author(me.Document):
        name = me.StringField(primary_key=True)

    class Number(me.Document):
        n = me.IntField(primary_key=True)

    class Book(me.Document):
        author = me.ReferenceField(Author)
        number = me.ReferenceField(Number)
        numbers = me.ListField(me.ReferenceField(Number))

    Book(
        author=Author(name="a").save(),
        number=Number(n=1).save(),
        numbers=[Number(n=2).save(), 1],
    ).save()
    loaded = Book.objects.first()
    db.quiet()
    return [
        db.raw("book"),
        loaded.author.name,
        loaded.number.n,
        [n.n for n in loaded.numbers],
        db.commands(),
        Book.objects(author="a").count(),
        Book.objects(number=1).count(),
        db.error(lambda: Book.objects(number="x").count()),
    ]


def as_primary_key(me, db):
    class User(me.Document):
        name = me.StringField()

    class Profile(me.Document):
        user = me.ReferenceField(User, primary_key=True)
        bio = me.StringField()

    user = User(name="u").save()
    Profile(user=user, bio="b").save()
    loaded = Profile.objects.first()
    loaded.bio = "c"
    loaded.save()
    return [
        loaded.user.name,
        type(loaded.pk),
        db.raw("profile"),
        Profile.objects(user=user).count(),
        Profile.objects(pk=user).count(),
        Profile.objects(pk=user.id).count(),
        db.commands(),
    ]


def lists_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        authors = me.ListField(me.ReferenceField(Author))
        by_key = me.MapField(me.ReferenceField(Author))
        dbrefs = me.ListField(me.ReferenceField(Author, dbref=True))

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(authors=[one, two, one], by_key={"x": one}, dbrefs=[two]).save()
    db.quiet()
    loaded = Book.objects.first()
    first = db.commands()
    names = [a.name for a in loaded.authors]
    second = db.commands()
    mapped = loaded.by_key["x"].name
    dbrefs = [a.name for a in loaded.dbrefs]
    return [
        db.raw("book"),
        first,
        names,
        second,
        mapped,
        dbrefs,
        db.commands(),
        loaded.authors[0] is loaded.authors[2],
        loaded._get_changed_fields(),
    ]


def orphans_in_lists(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        authors = me.ListField(me.ReferenceField(Author))

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(authors=[one, two]).save()
    one.delete()
    loaded = Book.objects.first()
    return [
        loaded.authors,
        db.error(loaded.validate),
        db.error(loaded.save),
        db.raw("book"),
        [type(a) for a in loaded.authors],
    ]
