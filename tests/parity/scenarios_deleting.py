"""Delete rules: declared and registered, over every container, by both doors."""

from .harness import differs


def _pair(me, rule, **meta_keys):
    class Author(me.Document):
        name = me.StringField()
        meta = meta_keys

    class Book(me.Document):
        title = me.StringField()
        author = me.ReferenceField(Author, reverse_delete_rule=rule)

    return Author, Book


def _stored(db, *collections):
    return {name: db.raw(name) for name in collections}


def _both_doors(me, db, rule):
    author, book = _pair(me, rule)
    shown = []
    for by_queryset in (False, True):
        one, two = author(name="1").save(), author(name="2").save()
        book(title="a", author=one).save()
        book(title="b", author=two).save()
        book(title="c").save()
        db.quiet()
        if by_queryset:
            outcome = db.error(author.objects(name="1").delete)
        else:
            outcome = db.error(one.delete)
        shown.append([outcome, db.commands(), _stored(db, "author", "book")])
        for name in ("author", "book"):
            db.plain[db.name][name].delete_many({})
    return shown


def doing_nothing(me, db):
    return _both_doors(me, db, me.DO_NOTHING)


def nullifying(me, db):
    return _both_doors(me, db, me.NULLIFY)


def cascading(me, db):
    return _both_doors(me, db, me.CASCADE)


def denying(me, db):
    return _both_doors(me, db, me.DENY)


def denying_without_references(me, db):
    author, _book = _pair(me, me.DENY)
    one = author(name="1").save()
    db.quiet()
    return [
        db.error(one.delete),
        db.commands(),
        db.error(author.objects.delete),
        _stored(db, "author"),
    ]


def denials_name_the_holder(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.Document):
        by = me.ReferenceField(Author, reverse_delete_rule=me.DENY, db_field="b")

    one = Author(name="1").save()
    Part(by=one).save()
    outcomes = [db.error(one.delete), db.error(Author.objects(name="1").delete)]
    return [outcomes, Author.objects.count()]


def pulling_from_lists(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        title = me.StringField()
        authors = me.ListField(
            me.ReferenceField(Author, reverse_delete_rule=me.PULL), db_field="aus"
        )

    shown = []
    for by_queryset in (False, True):
        one, two = Author(name="1").save(), Author(name="2").save()
        Book(title="a", authors=[one, two, one]).save()
        Book(title="b", authors=[two]).save()
        db.quiet()
        if by_queryset:
            Author.objects(name="1").delete()
        else:
            one.delete()
        shown.append([db.commands(), _stored(db, "author", "book")])
        for name in ("author", "book"):
            db.plain[db.name][name].delete_many({})
    return shown


def _listed(me, rule):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        authors = me.ListField(me.ReferenceField(Author, reverse_delete_rule=rule))

    return Author, Book


def _list_outcome(me, db, rule):
    author, book = _listed(me, rule)
    one, two = author(name="1").save(), author(name="2").save()
    book(authors=[one, two]).save()
    book(authors=[two]).save()
    db.quiet()
    outcome = db.error(one.delete)
    return [outcome, db.commands(), _stored(db, "author", "book")]


def nullifying_lists(me, db):
    return _list_outcome(me, db, me.NULLIFY)


def cascading_lists(me, db):
    return _list_outcome(me, db, me.CASCADE)


def denying_lists(me, db):
    return _list_outcome(me, db, me.DENY)


def doing_nothing_with_lists(me, db):
    return _list_outcome(me, db, me.DO_NOTHING)


def maps_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    def define():
        class Book(me.Document):
            by_key = me.MapField(
                me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
            )

        return Book

    return db.error(define)


def inside_embedded_documents(me, db):
    class Author(me.Document):
        name = me.StringField()

    def define(rule):
        class Part(me.EmbeddedDocument):
            author = me.ReferenceField(Author, reverse_delete_rule=rule)

        return Part

    rules = (me.DO_NOTHING, me.NULLIFY, me.CASCADE, me.DENY, me.PULL)
    return [db.error(define, rule) for rule in rules]


def registered_in_embedded_documents(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.EmbeddedDocument):
        author = me.ReferenceField(Author)

    class Book(me.Document):
        part = me.EmbeddedDocumentField(Part)

    shown = [
        db.error(Author.register_delete_rule, Part, "author", me.CASCADE),
        db.error(Author.register_delete_rule, Book, "part.author", me.CASCADE),
        db.error(Author.register_delete_rule, Book, "part__author", me.CASCADE),
    ]
    one = Author(name="1").save()
    Book(part=Part(author=one)).save()
    return [shown, db.error(one.delete)[0], _stored(db, "author", "book")]


def registered_through_embedded_lists(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.EmbeddedDocument):
        author = me.ReferenceField(Author)

    class Book(me.Document):
        parts = me.EmbeddedDocumentListField(Part)

    db.error(Author.register_delete_rule, Book, "parts__author", me.CASCADE)
    one, two = Author(name="1").save(), Author(name="2").save()
    Book(parts=[Part(author=one), Part(author=two)]).save()
    Book(parts=[Part(author=two)]).save()
    db.quiet()
    return [db.error(one.delete), db.commands(), _stored(db, "author", "book")]


def registered_nullify_through_embedded(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Part(me.EmbeddedDocument):
        author = me.ReferenceField(Author)

    class Book(me.Document):
        part = me.EmbeddedDocumentField(Part)

    Author.register_delete_rule(Book, "part__author", me.NULLIFY)
    one = Author(name="1").save()
    Book(part=Part(author=one)).save()
    db.quiet()
    return [db.error(one.delete), db.commands(), _stored(db, "author", "book")]


def registered_by_hand(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)

    Author.register_delete_rule(Book, "author", me.CASCADE)
    one = Author(name="1").save()
    Book(author=one).save()
    one.delete()
    return _stored(db, "author", "book")


def registered_twice(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    Author.register_delete_rule(Book, "author", me.NULLIFY)
    one = Author(name="1").save()
    Book(author=one).save()
    one.delete()
    rules = Author._meta["delete_rules"]
    return [_stored(db, "book"), [[c.__name__, f, r] for (c, f), r in rules.items()]]


def several_levels(me, db):
    class Publisher(me.Document):
        name = me.StringField()

    class Author(me.Document):
        publisher = me.ReferenceField(Publisher, reverse_delete_rule=me.CASCADE)

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    class Review(me.Document):
        book = me.ReferenceField(Book, reverse_delete_rule=me.CASCADE)

    one = Publisher(name="1").save()
    author = Author(publisher=one).save()
    book = Book(author=author).save()
    Review(book=book).save()
    Review(book=book).save()
    Review().save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "publisher", "author", "book", "review")]


def several_levels_by_queryset(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    class Review(me.Document):
        book = me.ReferenceField(Book, reverse_delete_rule=me.CASCADE)

    for name in ("1", "2", "3"):
        author = Author(name=name).save()
        Review(book=Book(author=author).save()).save()
    db.quiet()
    Author.objects(name__in=["1", "2"]).delete()
    return [db.commands(), _stored(db, "author", "book", "review")]


def denied_at_a_deeper_level(me, db):
    class Publisher(me.Document):
        name = me.StringField()

    class Author(me.Document):
        publisher = me.ReferenceField(Publisher, reverse_delete_rule=me.CASCADE)

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.DENY)

    one = Publisher(name="1").save()
    author = Author(publisher=one).save()
    Book(author=author).save()
    return [db.error(one.delete), _stored(db, "publisher", "author", "book")]


def nullified_at_a_deeper_level(me, db):
    class Publisher(me.Document):
        name = me.StringField()

    class Author(me.Document):
        publisher = me.ReferenceField(Publisher, reverse_delete_rule=me.CASCADE)

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.NULLIFY)

    one = Publisher(name="1").save()
    Book(author=Author(publisher=one).save()).save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "publisher", "author", "book")]


def several_holders(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    class Note(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.NULLIFY)

    class Team(me.Document):
        members = me.ListField(me.ReferenceField(Author, reverse_delete_rule=me.PULL))

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(author=one).save()
    Note(author=one).save()
    Team(members=[one, two]).save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "author", "book", "note", "team")]


def two_fields_of_one_holder(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        writer = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
        editor = me.ReferenceField(Author, reverse_delete_rule=me.NULLIFY)

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(writer=one, editor=two).save()
    Book(writer=two, editor=one).save()
    Book(writer=two, editor=two).save()
    one.delete()
    return _stored(db, "author", "book")


@differs("what is deleted is read once a level, not twice")
def references_to_self(me, db):
    class Node(me.Document):
        name = me.StringField()
        parent = me.ReferenceField("self", reverse_delete_rule=me.CASCADE)

    root = Node(name="root").save()
    middle = Node(name="middle", parent=root).save()
    Node(name="leaf", parent=middle).save()
    Node(name="other").save()
    db.quiet()
    root.delete()
    return [db.commands(), _stored(db, "node")]


def cycles_of_one_class(me, db):
    class Node(me.Document):
        name = me.StringField()
        other = me.ReferenceField("self", reverse_delete_rule=me.CASCADE)

    one, two = Node(name="1").save(), Node(name="2").save()
    one.other, two.other = two, one
    one.save()
    two.save()
    Node(name="3").save()
    return [db.error(one.delete), _stored(db, "node")]


def cycles_of_two_classes(me, db):
    class Left(me.Document):
        name = me.StringField()

    class Right(me.Document):
        left = me.ReferenceField(Left, reverse_delete_rule=me.CASCADE)

    class Middle(me.Document):
        right = me.ReferenceField(Right, reverse_delete_rule=me.CASCADE)
        left = me.ReferenceField(Left)

    Middle.register_delete_rule(Left, "name", me.DO_NOTHING)
    left = Left(name="l").save()
    right = Right(left=left).save()
    Middle(right=right, left=left).save()
    return [db.error(left.delete), _stored(db, "left", "right", "middle")]


def inherited_targets(me, db):
    class Author(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Ghost(Author):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    one, ghost = Author(name="1").save(), Ghost(name="g").save()
    Book(author=one).save()
    Book(author=ghost).save()
    ghost.delete()
    return [
        _stored(db, "author", "book"),
        len(Ghost._meta.get("delete_rules") or ()),
        len(Author._meta.get("delete_rules") or ()),
    ]


def inherited_targets_by_queryset(me, db):
    class Author(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Ghost(Author):
        pass

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.DENY)

    ghost = Ghost(name="g").save()
    Book(author=ghost).save()
    return [
        db.error(Ghost.objects.delete),
        db.error(Author.objects.delete),
        _stored(db, "author"),
    ]


def rules_to_a_subclass(me, db):
    class Author(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Ghost(Author):
        pass

    class Book(me.Document):
        ghost = me.ReferenceField(Ghost, reverse_delete_rule=me.CASCADE)

    ghost = Ghost(name="g").save()
    Book(ghost=ghost).save()
    through_base = Author.objects.get(name="g")
    through_base.delete()
    return _stored(db, "author", "book")


def inherited_holders(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Item(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
        meta = {"allow_inheritance": True}

    class Book(Item):
        pass

    one = Author(name="1").save()
    Item(author=one).save()
    Book(author=one).save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "item"), len(Author._meta["delete_rules"])]


def abstract_holders(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Item(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
        meta = {"abstract": True}

    class Book(Item):
        pass

    class Film(Item):
        pass

    one = Author(name="1").save()
    Book(author=one).save()
    Film(author=one).save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "book", "film")]


def by_name_before_definition(me, db):
    def define():
        class Book(me.Document):
            author = me.ReferenceField("Author", reverse_delete_rule=me.CASCADE)

    before = db.error(define)

    class Author(me.Document):
        name = me.StringField()

    return [before, db.error(define), len(Author._meta.get("delete_rules") or ())]


def with_dbrefs(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, dbref=True, reverse_delete_rule=me.CASCADE)

    one = Author(name="1").save()
    Book(author=one).save()
    Book().save()
    db.quiet()
    one.delete()
    return [db.commands(), len(db.raw("book"))]


def with_lazy_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.LazyReferenceField(Author, reverse_delete_rule=me.CASCADE)

    class Note(me.Document):
        author = me.LazyReferenceField(Author, reverse_delete_rule=me.NULLIFY)

    one = Author(name="1").save()
    Book(author=one).save()
    Note(author=one).save()
    one.delete()
    return _stored(db, "author", "book", "note")


def with_lists_of_lazy_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        authors = me.ListField(
            me.LazyReferenceField(Author, reverse_delete_rule=me.PULL)
        )

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(authors=[one, two]).save()
    one.delete()
    return _stored(db, "author", "book")


def with_generic_and_cached(me, db):
    return [
        db.error(me.GenericReferenceField, reverse_delete_rule=me.CASCADE),
        db.error(me.CachedReferenceField, me.Document, reverse_delete_rule=me.CASCADE),
    ]


def with_own_primary_keys(me, db):
    class Author(me.Document):
        name = me.StringField(primary_key=True)

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    one = Author(name="1").save()
    Book(author=one).save()
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "author", "book")]


def across_databases(me, db):
    db.connect("other", "_other")

    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)
        meta = {"db_alias": "other"}

    one = Author(name="1").save()
    Book(author=one).save()
    db.quiet()
    one.delete()
    return [db.commands(), db.raw("book", "_other")]


def signals_of_cascades(me, db):
    author, book = _pair(me, me.CASCADE)
    seen = []

    def before(sender, document, **kwargs):
        seen.append(["pre", sender.__name__, sorted(kwargs)])

    def after(sender, document, **kwargs):
        seen.append(["post", sender.__name__, sorted(kwargs)])

    me.signals.pre_delete.connect(before, sender=book)
    me.signals.post_delete.connect(after, sender=book)
    one = author(name="1").save()
    book(author=one).save()
    db.quiet()
    one.delete(signal_kwargs={"why": "x"})
    return [seen, db.commands()]


def signals_stop_a_delete(me, db):
    author, book = _pair(me, me.CASCADE)

    def refuse(sender, document, **kwargs):
        raise ValueError("kept")

    me.signals.pre_delete.connect(refuse, sender=book)
    one = author(name="1").save()
    book(author=one).save()
    return [db.error(one.delete), _stored(db, "author", "book")]


def write_concerns_travel(me, db):
    author, book = _pair(me, me.CASCADE)
    one = author(name="1").save()
    book(author=one).save()
    db.quiet()
    one.delete(w=1)
    two = author(name="2").save()
    book(author=two).save()
    db.quiet()
    author.objects.delete(write_concern={"w": 1})
    return db.commands()


def slices_and_rules(me, db):
    author, book = _pair(me, me.CASCADE)
    for name in ("1", "2", "3"):
        book(author=author(name=name).save()).save()
    db.quiet()
    author.objects.order_by("name")[:2].delete()
    return [db.commands(), _stored(db, "author", "book")]


def overridden_delete_is_called(me, db):
    calls = []

    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

        def delete(self, *args, **kwargs):
            calls.append("book")
            return super().delete(*args, **kwargs)

    one = Author(name="1").save()
    Book(author=one).save()
    one.delete()
    Book(author=Author(name="2").save()).save()
    Author.objects.delete()
    return [calls, _stored(db, "book")]


def empty_querysets_and_rules(me, db):
    author, _book = _pair(me, me.CASCADE)
    author(name="1").save()
    db.quiet()
    return [author.objects(name="none").delete(), db.commands()]


def many_documents_and_rules(me, db):
    author, book = _pair(me, me.NULLIFY)
    authors = [author(name=str(n)).save() for n in range(5)]
    for one in authors:
        book(title=one.name, author=one).save()
    db.quiet()
    count = author.objects(name__lt="3").delete()
    return [count, db.commands(), [d.get("author") for d in db.raw("book")]]


def denied_in_part(me, db):
    author, book = _pair(me, me.DENY)
    one, two = author(name="1").save(), author(name="2").save()
    book(author=two).save()
    return [
        db.error(author.objects.delete),
        db.error(author.objects(name="1").delete),
        _stored(db, "author"),
        one.id is not None,
    ]


def pull_rules_on_nested_lists(me, db):
    class Author(me.Document):
        name = me.StringField()

    def define():
        class Book(me.Document):
            grid = me.ListField(
                me.ListField(me.ReferenceField(Author, reverse_delete_rule=me.PULL))
            )

        return [
            [f, r] for (_, f), r in (Author._meta.get("delete_rules") or {}).items()
        ]

    return db.error(define)


def rules_are_numbers(me, db):
    return [
        me.DO_NOTHING,
        me.NULLIFY,
        me.CASCADE,
        me.DENY,
        me.PULL,
        me.ReferenceField(me.Document).reverse_delete_rule,
        me.ReferenceField("x", reverse_delete_rule=me.PULL).reverse_delete_rule,
    ]


def files_and_rules(me, db):
    author, book = _pair(me, me.CASCADE, collection="people")
    one = author(name="1").save()
    book(author=one).save()
    one.switch_collection("elsewhere")
    db.quiet()
    one.delete()
    return [db.commands(), _stored(db, "people", "elsewhere", "book")]
