"""Generic, cached and lazy references; queries by reference."""

from bson import DBRef, ObjectId

from .harness import differs
from .scenarios_references import _authors

KEY = ObjectId("5f0000000000000000000001")


def generic_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Shop(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.GenericReferenceField()
        many = me.ListField(me.GenericReferenceField())

    author, shop = Author(name="a").save(), Shop(name="s").save()
    Holder(any=author, many=[shop, author]).save()
    db.quiet()
    loaded = Holder.objects.first()
    names = [loaded.any.name, [x.name for x in loaded.many]]
    return [
        db.raw("holder"),
        names,
        db.commands(),
        Holder.objects(any=author).count(),
        Holder.objects(any=shop).count(),
        Holder.objects(many=shop).count(),
        db.commands(),
    ]


def generic_references_refuse(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Shop(me.Document):
        pass

    class Part(me.EmbeddedDocument):
        pass

    class Holder(me.Document):
        any = me.GenericReferenceField()
        chosen = me.GenericReferenceField(choices=(Author, "Named"))

    author, shop = Author(name="a").save(), Shop().save()
    shown = []
    for value in (author, Author(), Part(), 3, "x", author.to_dbref(), author.id, None):
        new = Holder(any=value)
        shown.append([db.error(new.validate), db.error(new.to_mongo)])
    return [
        shown,
        db.error(Holder(chosen=author).validate),
        db.error(Holder(chosen=shop).validate),
        db.error(Holder(chosen=author.to_dbref()).validate),
        Holder.chosen.choices,
    ]


def generic_references_to_the_gone(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.GenericReferenceField()

    author = Author(name="a").save()
    Holder(any=author).save()
    author.delete()
    loaded = Holder.objects.first()
    db.insert("holder", {"any": {"_cls": "Nobody", "_ref": DBRef("nobody", KEY)}})
    unknown = Holder.objects.order_by("-id").first()
    return [
        db.error(lambda: loaded.any),
        db.error(lambda: loaded.any.name),
        db.error(loaded.save),
        db.error(lambda: unknown.any),
    ]


def generic_references_and_inheritance(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    class Holder(me.Document):
        any = me.GenericReferenceField(choices=(Base,))

    child = Child(name="c").save()
    return [
        db.error(Holder(any=child).validate),
        db.error(lambda: Holder(any=Base(name="b").save()).save()),
        db.raw("holder"),
    ]


@differs("a filter through a reference is a join here")
def cached_references(me, db):
    class Author(me.Document):
        name = me.StringField()
        email = me.StringField(db_field="e")
        age = me.IntField()

    class Book(me.Document):
        author = me.CachedReferenceField(Author, fields=["name", "email"])

    author = Author(name="a", email="x@y.z", age=3).save()
    Book(author=author).save()
    db.quiet()
    loaded = Book.objects.first()
    commands = db.commands()
    return [
        db.raw("book"),
        commands,
        loaded.author.name,
        loaded.author.age,
        db.commands(),
        Book.objects(author__name="a").count(),
        Book.objects(author__email="x@y.z").count(),
        Book.objects(author=author).count(),
        db.commands(),
        db.error(lambda: Book.objects(author__age=3).count()),
    ]


def cached_references_follow_changes(me, db):
    class Author(me.Document):
        name = me.StringField()
        age = me.IntField()

    class Book(me.Document):
        author = me.CachedReferenceField(Author, fields=["name"])

    class Manual(me.Document):
        author = me.CachedReferenceField(Author, fields=["name"], auto_sync=False)

    author = Author(name="a", age=1).save()
    Book(author=author).save()
    Manual(author=author).save()
    author.age = 2
    db.quiet()
    author.save()
    other = db.commands()
    author.name = "b"
    author.save()
    synced = db.commands()
    before = db.raw("manual")
    Manual.author.sync_all()
    return [other, synced, db.raw("book"), before, db.commands(), db.raw("manual")]


def cached_references_of_everything(me, db):
    class Author(me.Document):
        name = me.StringField()
        tags = me.ListField(me.StringField())

    class Book(me.Document):
        author = me.CachedReferenceField(Author)
        other = me.CachedReferenceField(Author, fields=["tags"])

    author = Author(name="a", tags=["x"]).save()
    Book(author=author, other=author).save()
    author.tags.append("y")
    author.save()
    return [db.raw("book"), Book.objects.first().other.tags]


def cached_references_refuse(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.CachedReferenceField(Author, fields=["name"])

    saved = Author(name="a").save()
    return [
        db.error(Book(author=Author(name="x")).validate),
        db.error(Book(author=saved).validate),
        db.error(Book(author=3).validate),
        db.error(Book(author=saved.id).validate),
        db.error(Book(author=saved.to_dbref()).validate),
        db.error(Book(author=saved.id).to_mongo),
        db.error(lambda: Book.objects(author=saved.id).count()),
        db.error(lambda: Book.objects(author="x").count()),
        db.error(lambda: Book.objects(author=Author()).count()),
    ]


def cached_references_gone(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.CachedReferenceField(Author, fields=["name"])

    author = Author(name="a").save()
    Book(author=author).save()
    author.delete()
    return [
        db.error(lambda: Book.objects.first().author),
        db.error(lambda: Book.objects.first().author.name),
    ]


def lazy_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.LazyReferenceField(Author)
        dbref = me.LazyReferenceField(Author, dbref=True)
        many = me.ListField(me.LazyReferenceField(Author))

    author = Author(name="a").save()
    Book(author=author, dbref=author, many=[author]).save()
    db.quiet()
    loaded = Book.objects.first()
    first = db.commands()
    lazy = loaded.author
    shown = [
        type(lazy),
        lazy.pk,
        lazy.id,
        lazy.collection,
        lazy.document_type,
        lazy.passthrough,
        repr(lazy),
        db.error(lambda: lazy.name),
        db.error(lambda: lazy["name"]),
        lazy == author,
        lazy == author.to_dbref(),
        lazy.fetch().name,
        lazy.fetch() is lazy.fetch(),
    ]
    fetched = db.commands()
    lazy.fetch(force=True)
    return [
        db.raw("book"),
        first,
        shown,
        fetched,
        db.commands(),
        type(loaded.many[0]),
        loaded.many[0].fetch().name,
        type(loaded.dbref),
        Book.objects(author=author).count(),
        Book.objects(author=lazy).count(),
    ]


def lazy_references_pass_through(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.LazyReferenceField(Author, passthrough=True)

    author = Author(name="a").save()
    Book(author=author).save()
    loaded = Book.objects.first()
    db.quiet()
    return [
        loaded.author.name,
        loaded.author["name"],
        db.error(lambda: loaded.author.nope),
        db.error(lambda: loaded.author["nope"]),
        loaded.author.id,
        db.commands(),
    ]


def lazy_references_refuse(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Other(me.Document):
        pass

    class Book(me.Document):
        author = me.LazyReferenceField(Author)
        dbref = me.LazyReferenceField(Author, dbref=True)

    author = Author(name="a").save()
    lazy = me.base.LazyReference(Author, author.id)
    unfetched = me.base.LazyReference(Author, KEY)
    shown = []
    for value in (
        author,
        lazy,
        author.id,
        author.to_dbref(),
        Author(),
        Other().save(),
        "text",
        str(author.id),
        me.base.LazyReference(Other, KEY),
        DBRef("other", KEY),
        None,
    ):
        for name in ("author", "dbref"):
            new = Book(**{name: value})
            shown.append([db.error(new.validate), db.error(new.to_mongo)])
    return [shown, db.error(unfetched.fetch)]


def lazy_references_assigned(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.LazyReferenceField(Author)

    author = Author(name="a").save()
    book = Book(author=author)
    return [
        type(book.author),
        book.author.fetch() is author,
        type(Book(author=author.id).author),
        type(Book(author=author.to_dbref()).author),
        book._get_changed_fields(),
        book.author == Book(author=author.id).author,
    ]


def generic_lazy_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Shop(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.GenericLazyReferenceField(passthrough=True)
        chosen = me.GenericLazyReferenceField(choices=(Author,))
        many = me.ListField(me.GenericLazyReferenceField())

    author, shop = Author(name="a").save(), Shop(name="s").save()
    Holder(any=shop, chosen=author, many=[author, shop]).save()
    db.quiet()
    loaded = Holder.objects.first()
    return [
        db.raw("holder"),
        type(loaded.any),
        loaded.any.name,
        loaded.chosen.fetch().name,
        [x.fetch().name for x in loaded.many],
        [x.document_type for x in loaded.many],
        db.commands(),
        db.error(Holder(chosen=shop).validate),
        db.error(Holder(any=3).validate),
        db.error(Holder(any=Author()).validate),
        db.error(Holder(any=author.id).validate),
        Holder.objects(any=shop).count(),
        Holder.objects(chosen=author).count(),
    ]


def lazy_reference_objects(me, db):
    class Author(me.Document):
        name = me.StringField()

    author = Author(name="a").save()
    lazy = me.base.LazyReference(Author, author.id)
    cached = me.base.LazyReference(Author, author.id, cached_doc=author)
    other = me.base.LazyReference(Author, author.id, passthrough=True)
    db.quiet()
    return [
        lazy == cached,
        lazy == other,
        hash(lazy) == hash(cached),
        cached.fetch() is author,
        db.commands(),
        lazy,
        db.error(lambda: me.base.LazyReference(Author, None)),
        lazy.as_doc(),
        [hasattr(me.base.LazyReference, k) for k in ("fetch", "pk", "id", "as_doc")],
    ]


@differs("a filter through a reference is a join here")
def queries_by_reference(me, db):
    author, book = _authors(me)
    one, two = author(name="a").save(), author(name="b").save()
    book(title="1", author=one).save()
    book(title="2", author=two).save()
    book(title="3").save()
    db.quiet()
    return [
        book.objects(author=one).count(),
        book.objects(author=one.id).count(),
        book.objects(author=str(one.id)).count(),
        book.objects(author__in=[one, two]).count(),
        book.objects(author__ne=one).count(),
        book.objects(author__nin=[one.id]).count(),
        book.objects(author__exists=False).count(),
        book.objects(author=None).count(),
        db.error(lambda: book.objects(author__pk=one.pk).count()),
        db.error(lambda: book.objects(author__id=one.id).count()),
        db.error(lambda: book.objects(author__name="a").count()),
        db.error(lambda: book.objects(author="nope").count()),
        db.commands(),
    ]


@differs("a filter through a reference is a join here")
def queries_by_reference_with_dbref(me, db):
    author, book = _authors(me, dbref=True)
    one = author(name="a").save()
    book(title="1", author=one).save()
    db.quiet()
    return [
        book.objects(author=one).count(),
        book.objects(author=one.id).count(),
        book.objects(author=one.to_dbref()).count(),
        db.error(lambda: book.objects(author__pk=one.id).count()),
        db.commands(),
    ]


def generic_queries(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.GenericReferenceField()

    one, two = Author(name="1").save(), Author(name="2").save()
    Holder(any=one).save()
    db.quiet()
    return [
        Holder.objects(any=one).count(),
        Holder.objects(any__ne=one).count(),
        Holder.objects(any=one.to_dbref()).count(),
        Holder.objects(any=one.id).count(),
        Holder.objects(any__exists=True).count(),
        db.commands(),
        Holder.objects(any=two).count(),
    ]


def comparing_references(me, db):
    author, book = _authors(me)
    one = author(name="a").save()
    book(author=one).save()
    loaded = book.objects.first()
    return [
        loaded.author == one,
        one == loaded.author,
        loaded.author in [one],
        loaded.author.to_dbref() == one.to_dbref(),
        one in loaded.author.__class__.objects,
    ]


def references_in_embedded_documents(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.EmbeddedDocument):
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    class Book(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    one = Author(name="1").save()
    Book(part=Part(author=one, authors=[one]), parts=[Part(author=one)]).save()
    db.quiet()
    loaded = Book.objects.first()
    names = [
        loaded.part.author.name,
        loaded.part.authors[0].name,
        loaded.parts[0].author.name,
    ]
    loaded.part.author = Author(name="2").save()
    return [names, db.commands(), loaded._get_changed_fields(), loaded._delta()]


def references_across_databases(me, db):
    db.connect("other", "_other")

    class Author(me.Document):
        name = me.StringField()
        meta = {"db_alias": "other"}

    class Book(me.Document):
        author = me.ReferenceField(Author)
        dbref = me.ReferenceField(Author, dbref=True)
        any = me.GenericReferenceField()
        many = me.ListField(me.ReferenceField(Author))

    one = Author(name="1").save()
    Book(author=one, dbref=one, any=one, many=[one]).save()
    db.quiet()
    loaded = Book.objects.first()
    return [
        loaded.author.name,
        loaded.dbref.name,
        loaded.any.name,
        loaded.many[0].name,
        db.commands(),
        db.raw("book"),
    ]


def changing_the_kind_of_reference(me, db):
    target, _ = _authors(me, dbref=True)
    one = target(name="a").save()
    db.insert("book", {"_id": 1, "title": "plain id", "author": one.id})
    db.insert("book", {"_id": 2, "title": "dbref", "author": one.to_dbref()})

    class Book(me.Document):
        id = me.IntField(primary_key=True)
        title = me.StringField()
        author = me.ReferenceField(target)

    class DbrefBook(me.Document):
        id = me.IntField(primary_key=True)
        title = me.StringField()
        author = me.ReferenceField(target, dbref=True)
        meta = {"collection": "book"}

    shown = []
    for cls in (Book, DbrefBook):
        for loaded in cls.objects.order_by("id"):
            shown.append(
                [db.error(lambda d=loaded: d.author.name), db.error(loaded.to_mongo)]
            )
    return shown
