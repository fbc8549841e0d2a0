"""Choosing what a queryset gives: only, exclude, scalar, as_pymongo and the like."""

from bson import ObjectId

from .harness import differs

KEY = ObjectId("5f0000000000000000000001")


def _blog(me, db):
    class Comment(me.EmbeddedDocument):
        title = me.StringField(db_field="ti")
        text = me.StringField(db_field="te")
        votes = me.IntField(default=7)

    class Author(me.EmbeddedDocument):
        name = me.StringField(db_field="n")
        email = me.StringField()

    class Post(me.Document):
        title = me.StringField(db_field="t")
        body = me.StringField(default="none")
        author = me.EmbeddedDocumentField(Author, db_field="a")
        comments = me.ListField(me.EmbeddedDocumentField(Comment), db_field="cs")
        tags = me.ListField(me.StringField())
        info = me.DictField()
        views = me.IntField(default=3)

    Post(
        id=KEY,
        title="T",
        body="B",
        author=Author(name="ada", email="e"),
        comments=[Comment(title="c1", text="x", votes=1), Comment(title="c2")],
        tags=["a", "b", "c"],
        info={"k": 1, "l": {"m": 2}},
        views=10,
    ).save(force_insert=True)
    db.quiet()
    return Post


def only(me, db):
    post = _blog(me, db)
    return [
        post.objects.only("title").first(),
        post.objects.only("title", "body").first(),
        post.objects.only("title").only("body").first(),
        post.objects.only("author").first(),
        post.objects.only("author.name").first(),
        post.objects.only("author__name").first(),
        post.objects.only("comments.title").first(),
        post.objects.only("id").first(),
        post.objects.only("pk").first(),
        post.objects.only().first(),
        db.error(lambda: post.objects.only("nope").first()),
        db.error(lambda: post.objects.only("author.nope").first()),
        post.objects.only("info.l").first(),
        db.commands(),
    ]


def exclude(me, db):
    post = _blog(me, db)
    return [
        post.objects.exclude("title").first(),
        post.objects.exclude("title", "body").first(),
        post.objects.exclude("author.name").first(),
        post.objects.exclude("comments.title").first(),
        post.objects.exclude("id").first(),
        post.objects.exclude().first(),
        db.error(lambda: post.objects.exclude("nope").first()),
        db.commands(),
    ]


def only_and_exclude_together(me, db):
    post = _blog(me, db)
    return [
        post.objects.only("title", "body").exclude("body").first(),
        post.objects.exclude("body").only("title", "body").first(),
        post.objects.exclude("body").exclude("title").first(),
        post.objects.only("author").exclude("author.email").first(),
        post.objects.only("title").all_fields().first(),
        post.objects.exclude("title").all_fields().first(),
        post.objects.only("title").exclude("id").first(),
        post.objects.exclude("id").only("title").first(),
        db.commands(),
    ]


def projections(me, db):
    post = _blog(me, db)
    return [
        post.objects.fields(title=1).first(),
        post.objects.fields(title=0).first(),
        post.objects.fields(slice__tags=1).first(),
        post.objects.fields(slice__tags=-1).first(),
        post.objects.fields(slice__tags=[1, 1]).first(),
        post.objects.fields(slice__comments=[0, 1]).first(),
        post.objects.fields(elemMatch__comments={"title": "c2"}).first(),
        post.objects.fields(title=1, body=1).fields(author=1).first(),
        post.objects.only("title").fields(slice__tags=1).first(),
        post.objects.fields(slice__tags=1).only("title").first(),
        post.objects.fields(slice__tags=1).exclude("body").first(),
        db.error(lambda: post.objects.fields(nope=1).first()),
        db.error(lambda: post.objects.fields(title=1, body=0).first()),
        db.error(lambda: post.objects.fields(_id=0, title=1).first()),
        db.commands(),
    ]


@differs("a partly loaded document is not inserted: that would store a part of it")
def partial_documents_are_saved(me, db):
    post = _blog(me, db)
    partial = post.objects.only("title", "author.name").first()
    partial.title = "new"
    partial.author.name = "bob"
    partial.save()
    return [db.commands(), db.raw("post")]


def partial_documents_show_themselves(me, db):
    post = _blog(me, db)
    partial = post.objects.only("title").first()
    full = post.objects.first()
    loaded = getattr(partial, "_loaded_fields", None)
    return [
        partial.to_mongo(),
        partial.views,
        partial.body,
        partial.comments,
        full.views,
        partial == full,
        loaded,
        len(partial),
        sorted(partial),
    ]


def reloading_partial_documents(me, db):
    post = _blog(me, db)
    partial = post.objects.only("title").first()
    partial.reload()
    return [partial, db.commands()]


def partials_of_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        extra = me.IntField(default=5)
        more = me.StringField()

    Child(id=KEY, name="c", extra=9, more="m").save()
    db.quiet()
    return [
        Base.objects.only("name").first(),
        Base.objects.only("extra").first(),
        Child.objects.only("more").first(),
        Base.objects.exclude("name").first(),
        db.error(lambda: Base.objects.only("nope").first()),
        db.commands(),
    ]


def scalars(me, db):
    post = _blog(me, db)
    return [
        list(post.objects.scalar("title")),
        list(post.objects.scalar("title", "views")),
        list(post.objects.values_list("title", "tags")),
        list(post.objects.scalar("author")),
        db.error(lambda: list(post.objects.scalar("author.name"))),
        db.error(lambda: list(post.objects.scalar("author__name", "comments"))),
        list(post.objects.scalar("id")),
        list(post.objects.scalar("pk")),
        list(post.objects.scalar("info")),
        db.error(lambda: list(post.objects.scalar("nope"))),
        db.error(lambda: list(post.objects.scalar())),
        db.error(lambda: list(post.objects.scalar("comments__0__title"))),
        db.commands(),
    ]


def scalars_get_and_first(me, db):
    post = _blog(me, db)
    return [
        post.objects.scalar("title").first(),
        post.objects.scalar("title").get(),
        post.objects.scalar("title").get(id=KEY),
        post.objects.scalar("title", "body")[0],
        post.objects.scalar("title").with_id(KEY),
        post.objects.scalar("title").count(),
        db.error(post.objects.scalar("title").get, title="no"),
        repr(post.objects.scalar("title")),
        post.objects.scalar("title").filter(views=10).first(),
        post.objects.scalar("title").only("body").first(),
    ]


def scalars_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    one = Author(name="a").save()
    Book(author=one, authors=[one]).save()
    db.quiet()
    return [
        [a.name for a in Book.objects.scalar("author")],
        list(Book.objects.scalar("author", "authors")),
        list(Book.objects.no_dereference().scalar("author")),
        db.commands(),
    ]


def as_pymongo(me, db):
    post = _blog(me, db)
    return [
        list(post.objects.as_pymongo()),
        post.objects.as_pymongo().first(),
        post.objects.as_pymongo().get(),
        post.objects.only("title").as_pymongo().first(),
        post.objects.as_pymongo().only("author.name").first(),
        post.objects.as_pymongo().exclude("comments", "info").first(),
        post.objects.as_pymongo().scalar("title").first(),
        type(post.objects.as_pymongo().first()),
        post.objects.as_pymongo().with_id(KEY)["t"],
        db.error(post.objects.as_pymongo().get, title="no"),
        db.commands(),
    ]


def as_pymongo_with_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    Child(id=KEY, name="c").save()
    return [list(Base.objects.as_pymongo()), Child.objects.as_pymongo().only("id")[0]]


def field_lists(me, db):
    fields = me.QueryFieldList
    only_ab = fields(["a", "b"], value=fields.ONLY)
    only_bc = fields(["b", "c"], value=fields.ONLY)
    without_b = fields(["b"], value=fields.EXCLUDE)
    piece = fields(["s"], value={"$slice": 3})
    always = fields(["a"], value=fields.ONLY, always_include=["_cls"])
    shown = []
    for left, right in (
        (only_ab, only_bc),
        (only_ab, without_b),
        (without_b, only_ab),
        (without_b, fields(["c"], value=fields.EXCLUDE)),
        (only_ab, piece),
        (piece, only_ab),
        (fields(), only_ab),
        (only_ab, fields()),
        (always, only_bc),
        (fields(always_include=["_cls"]), only_ab),
    ):
        added = db.error(lambda a=left, b=right: (a + b).as_dict())
        shown.append(added)
    return [
        shown,
        fields().as_dict(),
        bool(fields()),
        bool(only_ab),
        fields.ONLY,
        fields.EXCLUDE,
        only_ab.as_dict(),
        without_b.as_dict(),
        piece.as_dict(),
    ]


def resetting_field_lists(me, db):
    fields = me.QueryFieldList
    made = fields(["a"], value=fields.ONLY, always_include=["x"])
    made.reset()
    return [made.as_dict(), sorted(made.fields), sorted(made.always_include)]


def loaded_fields_of_querysets(me, db):
    post = _blog(me, db)
    return [
        post.objects._loaded_fields.as_dict(),
        post.objects.only("title")._loaded_fields.as_dict(),
        post.objects.exclude("author.name")._loaded_fields.as_dict(),
        post.objects.fields(slice__tags=2)._loaded_fields.as_dict(),
    ]


def json_of_partials(me, db):
    post = _blog(me, db)
    return [
        post.objects.only("title").to_json(),
        post.objects.exclude("comments", "info", "author").to_json(),
    ]


def only_with_map_and_lists(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(db_field="x")
        b = me.IntField(default=4)

    class Doc(me.Document):
        named = me.MapField(me.EmbeddedDocumentField(Part), db_field="nm")
        many = me.ListField(me.ListField(me.EmbeddedDocumentField(Part)))

    Doc(id=KEY, named={"k": Part(a=1, b=2)}, many=[[Part(a=3)]]).save()
    db.quiet()
    return [
        Doc.objects.only("named.k.a").first(),
        Doc.objects.only("named.k").first(),
        Doc.objects.exclude("named.k.b").first(),
        db.error(lambda: Doc.objects.only("named.nope.zz").first()),
        db.commands(),
    ]
