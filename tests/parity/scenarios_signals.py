"""Signals: their order, senders and keywords."""

NAMES = (
    "pre_init",
    "post_init",
    "pre_save",
    "pre_save_post_validation",
    "post_save",
    "pre_delete",
    "post_delete",
    "pre_bulk_insert",
    "post_bulk_insert",
)


def _listen(me, seen, sender=None, names=NAMES):
    """Connect a receiver to each signal; gives what must be kept alive."""
    kept = []
    for name in names:

        def receiver(cls, _name=name, **kwargs):
            shown = {"signal": _name, "sender": cls}
            for key in sorted(kwargs):
                value = kwargs[key]
                if key == "document":
                    value = getattr(value, "name", None)
                elif key == "documents":
                    value = _documents(value)
                elif key == "values":
                    value = dict(value)
                shown[key] = value
            seen.append(shown)

        signal = getattr(me.signals, name)
        if sender is None:
            signal.connect(receiver)
        else:
            signal.connect(receiver, sender=sender)
        kept.append(receiver)
    return kept


def _documents(value):
    if isinstance(value, dict):
        return sorted(d.name for d in value.values())
    return [getattr(d, "name", type(d).__name__) for d in value]


def _author(me):
    class Author(me.Document):
        name = me.StringField()

    return Author


def of_a_document_life(me, db):
    author, seen = _author(me), []
    kept = _listen(me, seen, author)
    document = author(name="a")
    document.save()
    document.name = "b"
    document.save()
    document.save()
    document.delete()
    return [seen, len(kept)]


def of_loading(me, db):
    author, seen = _author(me), []
    author(name="a").save()
    kept = _listen(me, seen, author)
    author.objects.first()
    list(author.objects)
    author.objects.only("name").first()
    author.objects.first().reload()
    return [seen, len(kept)]


def of_bulk_inserts(me, db):
    author, seen = _author(me), []
    kept = _listen(me, seen, author)
    author.objects.insert([author(name="a"), author(name="b")])
    author.objects.insert(author(name="c"))
    author.objects.insert([author(name="d")], load_bulk=False)
    author.objects.insert([author(name="e")], signal_kwargs={"why": "test"})
    return [seen, len(kept)]


def of_queryset_deletes(me, db):
    author, seen = _author(me), []
    author(name="a").save()
    author(name="b").save()
    without = author.objects(name="a").delete()
    kept = _listen(me, seen, author, ("pre_delete", "post_delete"))
    db.quiet()
    with_signals = author.objects.delete()
    return [without, with_signals, seen, db.commands(), len(kept)]


def of_queryset_updates(me, db):
    author, seen = _author(me), []
    author(name="a").save()
    kept = _listen(me, seen, author)
    author.objects.update(set__name="b")
    author.objects.update_one(set__name="c")
    author.objects.modify(set__name="d", new=True)
    author.objects.create(name="e")
    return [seen, len(kept)]


def of_failed_saves(me, db):
    class Author(me.Document):
        name = me.StringField(required=True, max_length=2, unique=True)

    seen = []
    kept = _listen(me, seen, Author)
    db.error(Author(name="long").save)
    Author(name="a").save()
    db.error(Author(name="a").save)
    return [seen, len(kept)]


def with_signal_kwargs(me, db):
    author, seen = _author(me), []
    kept = _listen(me, seen, author)
    document = author(name="a").save(signal_kwargs={"why": "save", "n": 1})
    document.delete(signal_kwargs={"why": "delete"})
    return [seen, len(kept)]


def receivers_may_change_documents(me, db):
    author = _author(me)

    def before(sender, document, **kwargs):
        document.name = document.name.upper()

    def between(sender, document, created, **kwargs):
        document.name += "!" if created else "?"

    me.signals.pre_save.connect(before, sender=author)
    me.signals.pre_save_post_validation.connect(between, sender=author)
    document = author(name="a").save()
    document.name = "b"
    document.save()
    return db.raw("author")


def receivers_may_refuse(me, db):
    author = _author(me)

    def refuse(sender, document, **kwargs):
        raise ValueError("no")

    me.signals.pre_save.connect(refuse, sender=author)
    return [db.error(author(name="a").save), db.raw("author")]


def receivers_of_init_see_values(me, db):
    class Author(me.Document):
        name = me.StringField()
        age = me.IntField(default=3)

    def double(sender, document, values, **kwargs):
        values["name"] = str(values.get("name")) * 2

    def count(sender, document, **kwargs):
        document.seen = [document.name, document.age, sorted(kwargs)]

    me.signals.pre_init.connect(double, sender=Author)
    me.signals.post_init.connect(count, sender=Author)
    made = Author(name="a").save()
    loaded = Author.objects.first()
    return [made.name, made.seen, loaded.name, loaded.seen, db.raw("author")]


def senders_and_inheritance(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    seen = []
    kept = _listen(me, seen, Base, ("pre_save", "post_save"))
    kept += _listen(me, seen, Child, ("pre_save",))
    Base(name="b").save()
    Child(name="c").save()
    return [seen, len(kept)]


def of_embedded_documents(me, db):
    class Part(me.EmbeddedDocument):
        name = me.StringField()

    class Doc(me.Document):
        name = me.StringField()
        part = me.EmbeddedDocumentField(Part)

    seen = []
    kept = _listen(me, seen, Part)
    Doc(name="d", part=Part(name="p")).save()
    Doc.objects.first().part
    return [seen, len(kept)]


def of_cascades(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        name = me.StringField()
        author = me.ReferenceField(Author, reverse_delete_rule=me.CASCADE)

    author = Author(name="a").save()
    book = Book(name="b", author=author).save()
    seen = []
    names = ("pre_save", "post_save", "pre_delete", "post_delete")
    kept = _listen(me, seen, None, names)
    book.name = "c"
    book.author.name = "x"
    book.save(cascade=True)
    author.delete()
    return [seen, len(kept)]


def of_upserts_and_conditions(me, db):
    author, seen = _author(me), []
    kept = _listen(me, seen, author)
    author.objects(name="x").upsert_one(set__name="x")
    author.objects(name="y").modify(upsert=True, new=True, set__name="y")
    document = author(name="z").save()
    db.error(document.save, save_condition={"name": "other"})
    document.name = "q"
    db.error(document.save, save_condition={"name": "other"})
    return [seen, len(kept)]


def orders_within_one_save(me, db):
    order = []

    class Author(me.Document):
        name = me.StringField()

        def clean(self):
            order.append("clean")

        def validate(self, clean=True):
            order.append("validate")
            super().validate(clean=clean)

    def note(name):
        def receiver(sender, document, **kwargs):
            order.append([name, document.id is not None, document._created])

        getattr(me.signals, name).connect(receiver, sender=Author)
        return receiver

    kept = [note(n) for n in ("pre_save", "pre_save_post_validation", "post_save")]
    Author(name="a").save()
    return [order, len(kept)]


def names_and_support(me, db):
    signals = me.signals
    return [
        signals.signals_available,
        sorted(n for n in NAMES if hasattr(signals, n)),
        [getattr(signals, n).name for n in NAMES],
        [hasattr(me, n) for n in NAMES],
    ]
