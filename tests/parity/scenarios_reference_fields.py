"""Reference fields, value by value: conversions, stored forms, assignments."""

import copy
import pickle

from bson import SON, DBRef, ObjectId

from .harness import differs

KEY = ObjectId("5f0000000000000000000001")
OTHER = ObjectId("5f0000000000000000000002")


def _classes(me):
    class Author(me.Document):
        name = me.StringField()
        number = me.IntField(db_field="n")

    class Code(me.Document):
        code = me.StringField(primary_key=True)

    class Count(me.Document):
        count = me.IntField(primary_key=True)

    class Shape(me.Document):
        meta = {"abstract": True}

    class Circle(Shape):
        radius = me.IntField()

    return Author, Code, Count, Shape, Circle


def _values(me, author, code, count, circle):
    lazy = me.base.LazyReference
    return [
        author(id=KEY, name="a"),
        author(),
        code(code="c"),
        count(count=5),
        circle(id=KEY),
        KEY,
        str(KEY),
        "text",
        5,
        [1],
        {"_id": KEY},
        DBRef("author", KEY),
        DBRef("code", "c"),
        DBRef("circle", KEY, cls="Circle"),
        {"_cls": "Author", "_ref": DBRef("author", KEY)},
        SON([("_cls", "Code"), ("_ref", DBRef("code", "c"))]),
        {"_cls": "Author"},
        lazy(author, KEY),
        lazy(author, KEY, passthrough=True),
        lazy(code, "c"),
        b"x",
        author,
    ]


def _all_of(db, field, values):
    """Per value: what each conversion gives, or its error."""
    return [
        [
            db.error(field.to_python, value),
            db.error(field.to_mongo, value),
            db.error(field.validate, value),
            db.error(field._validate, value),
            db.error(field.prepare_query_value, None, value),
            db.error(field.prepare_query_value, "set", value),
        ]
        for value in values
    ]


def _matrix(me, db, make):
    author, code, count, shape, circle = _classes(me)

    class Holder(me.Document):
        held = make(author, code, count, shape)

    values = _values(me, author, code, count, circle)
    return _all_of(db, Holder._fields["held"], values)


def values_of_references(me, db):
    return _matrix(me, db, lambda author, *_: me.ReferenceField(author))


def values_of_references_with_dbref(me, db):
    return _matrix(me, db, lambda author, *_: me.ReferenceField(author, dbref=True))


def values_of_references_by_text_keys(me, db):
    return _matrix(me, db, lambda a, code, *_: me.ReferenceField(code))


def values_of_references_by_number_keys(me, db):
    return _matrix(me, db, lambda a, c, count, s: me.ReferenceField(count, dbref=True))


def values_of_references_by_name(me, db):
    return _matrix(me, db, lambda *_: me.ReferenceField("Author"))


def values_of_references_to_self(me, db):
    return _matrix(me, db, lambda *_: me.ReferenceField("self"))


def values_of_references_to_abstract_classes(me, db):
    return _matrix(me, db, lambda a, c, n, shape: me.ReferenceField(shape))


def values_of_references_to_the_unknown(me, db):
    return _matrix(me, db, lambda *_: me.ReferenceField("Nobody"))


def values_of_generic_references(me, db):
    return _matrix(me, db, lambda *_: me.GenericReferenceField())


def values_of_generic_references_with_choices(me, db):
    return _matrix(me, db, lambda a, *_: me.GenericReferenceField(choices=[a, "Code"]))


def values_of_lazy_references(me, db):
    return _matrix(me, db, lambda author, *_: me.LazyReferenceField(author))


def values_of_lazy_references_with_dbref(me, db):
    return _matrix(
        me, db, lambda a, *_: me.LazyReferenceField(a, passthrough=True, dbref=True)
    )


def values_of_lazy_references_by_text_keys(me, db):
    return _matrix(me, db, lambda a, code, *_: me.LazyReferenceField(code))


def values_of_generic_lazy_references(me, db):
    return _matrix(me, db, lambda *_: me.GenericLazyReferenceField())


def values_of_generic_lazy_references_with_choices(me, db):
    return _matrix(
        me,
        db,
        lambda a, *_: me.GenericLazyReferenceField(passthrough=True, choices=[a]),
    )


def values_of_cached_references(me, db):
    return _matrix(
        me,
        db,
        lambda a, *_: me.CachedReferenceField(a, fields=["name"], auto_sync=False),
    )


def arguments_of_references(me, db):
    given = [3, None, object, str, me.EmbeddedDocument, me.Document, "Any"]
    kinds = [me.ReferenceField, me.LazyReferenceField, me.CachedReferenceField]
    shown = [[_class_of(db, kind, value) for value in given] for kind in kinds]
    choices = [[1], ["a"], [me.EmbeddedDocument], "ab", [None], 3, [], None]
    generic = [me.GenericReferenceField, me.GenericLazyReferenceField]
    return [
        shown,
        [
            [_class_of(db, lambda c, k=kind: k(choices=c), value) for value in choices]
            for kind in generic
        ],
    ]


def _class_of(db, make, value):
    return db.error(lambda: [type(make(value)), getattr(make(value), "choices", 0)])


def attributes_of_references(me, db):
    author, code, *_ = _classes(me)

    class Holder(me.Document):
        one = me.ReferenceField(author, dbref=True, reverse_delete_rule=0)
        two = me.LazyReferenceField("Code", passthrough=True)
        three = me.CachedReferenceField(author, fields=["name"], auto_sync=False)
        four = me.GenericReferenceField(choices=[code])
        five = me.GenericLazyReferenceField(passthrough=True)
        own = me.ReferenceField("self")

    names = "document_type document_type_obj dbref reverse_delete_rule passthrough"
    names += " fields auto_sync choices owner_document _auto_dereference"
    fields = [Holder._fields[n] for n in ("one", "two", "three", "four", "five", "own")]
    return [
        [
            [name, db.error(getattr, field, name)]
            for name in names.split()
            if not (name == "document_type_obj" and field.name == "own")
        ]
        + [
            db.error(lambda f=field, m=member: f.lookup_member(m))
            for member in ("name", "code", "nothing")
        ]
        for field in fields
    ]


def _holder(me):
    author, code, _, abstract, circle = _classes(me)

    class Holder(me.Document):
        ref = me.ReferenceField(author)
        db_ref = me.ReferenceField(author, dbref=True)
        by_text = me.ReferenceField(code)
        shape = me.ReferenceField(abstract)
        generic = me.GenericReferenceField()
        lazy = me.LazyReferenceField(author)
        through = me.LazyReferenceField(author, passthrough=True)
        any_lazy = me.GenericLazyReferenceField()
        refs = me.ListField(me.ReferenceField(author))
        lazies = me.ListField(me.LazyReferenceField(author))
        generics = me.ListField(me.GenericReferenceField())
        any_lazies = me.ListField(me.GenericLazyReferenceField())

    return author, code, circle, Holder


FORMS = (
    {"ref": "text"},
    {"ref": 5},
    {"ref": DBRef("elsewhere", KEY)},
    {"ref": DBRef("author", KEY, "other_database")},
    {"ref": DBRef("author", KEY, cls="Author")},
    {"ref": DBRef("author", KEY, cls="Nobody")},
    {"ref": {"_id": KEY}},
    {"ref": [1]},
    {"db_ref": KEY},
    {"db_ref": "text"},
    {"db_ref": DBRef("author", KEY)},
    {"by_text": "c"},
    {"by_text": KEY},
    {"shape": KEY},
    {"shape": DBRef("circle", KEY)},
    {"shape": DBRef("circle", KEY, cls="Circle")},
    {"generic": {"_cls": "Nobody", "_ref": DBRef("author", KEY)}},
    {"generic": {"_cls": "Author", "_ref": DBRef("author", KEY)}},
    {"generic": {"_cls": "Author", "_ref": KEY}},
    {"generic": {"_cls": "Author"}},
    {"generic": {"x": 1}},
    {"generic": {}},
    {"generic": DBRef("author", KEY)},
    {"generic": KEY},
    {"generic": 5},
    {"lazy": "x"},
    {"lazy": 5},
    {"lazy": DBRef("elsewhere", KEY)},
    {"through": KEY},
    {"any_lazy": {"_cls": "Nobody", "_ref": DBRef("author", KEY)}},
    {"any_lazy": {"_cls": "Author", "_ref": DBRef("author", KEY)}},
    {"any_lazy": {"x": 1}},
    {"any_lazy": DBRef("author", KEY)},
    {"any_lazy": 5},
    {"ref": None, "generic": None, "lazy": None, "any_lazy": None},
    {"refs": [KEY, DBRef("author", KEY)]},
    {"refs": ["x"]},
    {"refs": []},
    {"refs": "text"},
    {"lazies": [KEY, DBRef("elsewhere", OTHER)]},
    {"generics": [None, 5]},
    {"any_lazies": [{"_cls": "Author", "_ref": DBRef("author", KEY)}, None, 5]},
)


def stored_forms(me, db):
    author, code, circle, holder = _holder(me)
    author(id=KEY, name="a").save()
    circle(id=KEY, radius=1).save()
    code(code="c").save()
    shown = []
    for stored in FORMS:
        (name, *_) = stored
        db.quiet()
        try:
            loaded = holder._from_son({"_id": OTHER, **stored})
        except Exception as error:
            shown.append(["not loaded", error])
            continue
        if "circle" in str(stored) and "cls" not in str(stored):
            # The text of the error names unknown fields in any order.
            continue
        shown.append(
            [
                loaded._data[name],
                db.error(getattr, loaded, name),
                db.commands(),
                loaded._data[name],
                db.error(loaded.to_mongo),
                db.error(loaded.validate),
                loaded._get_changed_fields(),
            ]
        )
    return shown


def stored_forms_untouched(me, db):
    *_, holder = _holder(me)
    shown = []
    for stored in FORMS:
        if "shape" in stored:
            continue
        son = {"_id": OTHER, **stored}
        shown.append(
            [
                db.error(lambda s=son: holder._from_son(copy.copy(s)).to_mongo()),
                db.error(lambda s=son: holder._from_son(copy.copy(s)).validate()),
                holder._from_son(copy.copy(son))._get_changed_fields(),
            ]
        )
    return [shown, db.commands()]


def assignments(me, db):
    author, code, _, holder = _holder(me)
    one = author(id=KEY, name="a").save()
    two = author(id=OTHER, name="b").save()
    lazy = me.base.LazyReference
    shown = []
    for name in ("ref", "db_ref", "generic", "lazy", "through", "any_lazy"):
        document = holder(id=KEY, **{name: one}).save()
        for value in (
            one,
            one.id,
            DBRef("author", KEY),
            two,
            str(KEY),
            lazy(author, KEY),
            lazy(author, OTHER, passthrough=True),
            {"_cls": "Author", "_ref": DBRef("author", KEY)},
            author(),
            None,
            code(code="c"),
        ):
            document._clear_changed_fields()
            db.quiet()
            setattr(document, name, value)
            shown.append(
                [
                    name,
                    document._get_changed_fields(),
                    document._data[name],
                    db.error(getattr, document, name),
                    db.error(document.to_mongo),
                    db.error(document.validate),
                    db.commands(),
                ]
            )
    return shown


def constructing(me, db):
    author, _, circle, holder = _holder(me)
    one = author(id=KEY, name="a").save()
    round_one = circle(id=KEY).save()
    lazy = me.base.LazyReference
    shown = []
    for given in (
        {"ref": one},
        {"ref": KEY},
        {"ref": str(KEY)},
        {"ref": "text"},
        {"ref": DBRef("author", KEY)},
        {"ref": lazy(author, KEY)},
        {"ref": author()},
        {"db_ref": KEY},
        {"shape": KEY},
        {"shape": round_one},
        {"generic": one},
        {"generic": author()},
        {"generic": DBRef("author", KEY)},
        {"generic": lazy(author, KEY)},
        {"lazy": one},
        {"lazy": KEY},
        {"lazy": str(KEY)},
        {"lazy": author()},
        {"any_lazy": one},
        {"any_lazy": author()},
        {"any_lazy": lazy(author, KEY)},
        {"refs": [one, KEY, DBRef("author", KEY)]},
        {"lazies": [one, KEY]},
        {"any_lazies": [one, lazy(author, KEY)]},
        {"refs": [author()]},
    ):
        (name, *_) = given
        db.quiet()
        try:
            made = holder(**given)
        except Exception as error:
            shown.append(["not made", error])
            continue
        shown.append(
            [
                made._data[name],
                db.error(getattr, made, name),
                db.error(made.validate),
                db.error(made.to_mongo),
                db.commands(),
            ]
        )
    return shown


def lists_of_lazy_references(me, db):
    author, _, _, holder = _holder(me)
    one = author(name="a").save()
    holder(lazies=[one], any_lazies=[one]).save()
    loaded = holder.objects.first()
    db.quiet()
    shown = []
    for name in ("lazies", "any_lazies"):
        held = getattr(loaded, name)
        shown.append([type(held), type(held[0]), held[0] is getattr(loaded, name)[0]])
        getattr(loaded, name).append(one)
        shown.append(loaded._get_changed_fields())
        shown.append([type(item) for item in getattr(loaded, name)])
        setattr(loaded, name, [one])
        shown.append([type(item) for item in getattr(loaded, name)])
    shown.append(loaded.lazies[0].fetch().name)
    loaded.save()
    unfollowed = holder.objects.no_dereference().first()
    shown.append([type(item) for item in unfollowed.lazies])
    shown.append([type(item) for item in unfollowed.any_lazies])
    return [shown, db.commands(), db.raw("holder")]


def maps_of_lazy_references(me, db):
    author, *_ = _classes(me)

    class Holder(me.Document):
        lazies = me.MapField(me.LazyReferenceField(author))
        any_lazies = me.MapField(me.GenericLazyReferenceField())
        nested = me.ListField(me.ListField(me.GenericLazyReferenceField()))

    one = author(name="a").save()
    Holder(lazies={"k": one}, any_lazies={"k": one}, nested=[[one]]).save()
    loaded = Holder.objects.first()
    db.quiet()
    return [
        loaded.lazies["k"],
        db.commands(),
        loaded.any_lazies["k"],
        db.commands(),
        loaded.nested[0][0],
        db.commands(),
        loaded.to_mongo(),
    ]


def containers_of_embedded_documents_with_references(me, db):
    author, *_ = _classes(me)

    class Part(me.EmbeddedDocument):
        ref = me.ReferenceField(author)
        lazy = me.LazyReferenceField(author)

    class Whole(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.ListField(me.EmbeddedDocumentField(Part))
        listed = me.EmbeddedDocumentListField(Part)
        mapped = me.MapField(me.EmbeddedDocumentField(Part))
        loose = me.ListField()

    one = author(name="a").save()

    def part():
        return Part(ref=one, lazy=one)

    Whole(part=part(), parts=[part()], listed=[part()], mapped={"k": part()}).save()
    loaded = Whole.objects.first()
    db.quiet()
    shown = []
    for name in ("part", "parts", "listed", "mapped"):
        held = getattr(loaded, name)
        shown.append([name, type(held), db.commands()])
        inner = held if name == "part" else held["k"] if name == "mapped" else held[0]
        shown.append([inner.ref.name, db.commands(), inner.lazy, db.commands()])
    assigned = Whole(parts=[Part(ref=DBRef("author", one.id))])
    shown.append([assigned.parts[0]._data["ref"], db.commands()])
    unfollowed = Whole.objects.no_dereference().first()
    db.quiet()
    shown.append([unfollowed.part.ref, unfollowed.parts[0].ref, db.commands()])
    return [shown, loaded._get_changed_fields()]


def cached_references_of_subclasses(me, db):
    class Animal(me.Document):
        meta = {"allow_inheritance": True}
        name = me.StringField(db_field="n")
        age = me.IntField()

    class Dog(Animal):
        breed = me.StringField()

    class Visit(me.Document):
        animal = me.CachedReferenceField(Animal, fields=["name"])
        dog = me.CachedReferenceField(Dog)

    rex = Dog(name="Rex", age=3, breed="b").save()
    Visit(animal=rex, dog=rex).save()
    db.quiet()
    loaded = Visit.objects.first()
    commands = db.commands()
    rex.name = "Max"
    rex.save()
    return [
        commands,
        type(loaded.animal),
        db.commands(),
        db.raw("visit"),
        Visit.animal.to_mongo(rex, use_db_field=False),
        Visit.animal.to_mongo(rex, fields=["name"]),
        Visit.animal.to_mongo(rex, True, ["age"]),
        Visit.dog.to_mongo(rex, True, ["age"]),
    ]


def cached_references_synced(me, db):
    class Animal(me.Document):
        name = me.StringField()
        tag = me.StringField(db_field="t")

    class Visit(me.Document):
        animal = me.CachedReferenceField(Animal, fields=["name", "tag"])
        other = me.CachedReferenceField(Animal, fields=["name"], auto_sync=False)

    for name in "ab":
        animal = Animal(name=name, tag=name * 2).save()
        Visit(animal=animal, other=animal).save()
    db.quiet()
    animal.tag = "changed"
    animal.save()
    shown = [db.commands(), db.raw("visit")]
    animal.name = "renamed"
    animal.save()
    shown += [db.commands(), db.raw("visit")]
    returned = Visit.other.sync_all()
    return [*shown, returned, db.commands(), db.raw("visit")]


def cached_references_refer_to_themselves(me, db):
    class Node(me.Document):
        name = me.StringField()
        above = me.CachedReferenceField("self", fields=["name"])

    top = Node(name="top").save()
    Node(name="low", above=top).save()
    db.quiet()
    top.name = "renamed"
    top.save()
    return [db.commands(), db.raw("node"), Node.objects(above__name="renamed").count()]


def cached_references_of_embedded_fields(me, db):
    class Address(me.EmbeddedDocument):
        street = me.StringField()
        city = me.StringField(db_field="c")

    class Person(me.Document):
        address = me.EmbeddedDocumentField(Address)
        friend = me.ReferenceField("self")

    class Order(me.Document):
        person = me.CachedReferenceField(
            Person, fields=["address.city", "address", "friend"], auto_sync=False
        )

    class Bill(me.Document):
        person = me.CachedReferenceField(
            Person, fields=["address.city"], auto_sync=False
        )

    one = Person(address=Address(street="s", city="c")).save()
    two = Person(address=Address(street="s", city="c"), friend=one).save()
    Order(person=two).save()
    Bill(person=two).save()
    db.quiet()
    shown = [
        db.raw("order"),
        db.raw("bill"),
        Order.objects.first().person.address.city,
        db.commands(),
    ]
    return [*shown, Order.objects(person__address__city="c").count()]


def cached_references_stored_otherwise(me, db):
    class Animal(me.Document):
        name = me.StringField()

    class Visit(me.Document):
        animal = me.CachedReferenceField(Animal, fields=["name"])
        animals = me.ListField(me.CachedReferenceField(Animal, fields=["name"]))

    Animal(id=KEY, name="Rex").save()
    shown = []
    for stored in (
        {"animal": {"_id": KEY}},
        {"animal": {"_id": KEY, "name": "old"}},
        {"animal": {"_id": OTHER}},
        {"animal": {"name": "x"}},
        {"animal": KEY},
        {"animal": DBRef("animal", KEY)},
        {"animal": DBRef("animal", OTHER)},
        {"animal": 5},
        {"animal": None},
        {"animals": [{"_id": KEY}]},
        {"animals": [{"_id": OTHER}]},
    ):
        (name, *_) = stored
        db.quiet()
        try:
            loaded = Visit._from_son({"_id": OTHER, **stored})
        except Exception as error:
            shown.append(["not loaded", error, db.commands()])
            continue
        shown.append(
            [
                list(loaded.animals) if name == "animals" else loaded._data[name],
                db.commands(),
                db.error(getattr, loaded, name),
                db.commands(),
                db.error(loaded.to_mongo),
                db.error(loaded.validate),
            ]
        )
    return shown


def lazy_references_as_objects(me, db):
    author, *_ = _classes(me)
    one = author(name="a").save()
    lazy = me.base.LazyReference
    shown = []
    for reference in (
        lazy(author, one.id),
        lazy(author, one.id, passthrough=True),
        lazy(author, one.id, cached_doc=one),
    ):
        db.quiet()
        for read in (
            lambda r: [r.pk, r.id, r.collection, r.database, r.document_type],
            lambda r: r.passthrough,
            lambda r: r.as_doc(),
            lambda r: r.name,
            lambda r: r["name"],
            lambda r: r.nothing,
            lambda r: r["nothing"],
            lambda r: r.fetch(),
            lambda r: r.fetch() is r.fetch(),
            lambda r: r.fetch(force=True) is one,
            lambda r: [r == one, one == r, r == DBRef("author", one.id)],
            lambda r: [r == lazy(author, KEY), r == one.id, r is None, r != one],
            lambda r: hash(r) == hash(DBRef("author", one.id)),
            lambda r: bool(r),
            lambda r: len(r),
            lambda r: "name" in r,
            lambda r: setattr(r, "anything", 1),
            lambda r: repr(r),
            lambda r: type(copy.copy(r)),
        ):
            shown.append([db.error(read, reference), db.commands()])
    return [
        shown,
        db.error(lazy),
        db.error(lazy, 3, 4),
        db.error(lazy, author),
        db.error(lazy(author, KEY).fetch),
    ]


@differs("upstream loses the primary key of a pickled one, and the class of a copy")
def copies_of_lazy_references(me, db):
    author, *_ = _classes(me)
    db.publish(author)
    one = me.base.LazyReference(author, KEY, passthrough=True)
    return [
        [type(again), db.error(lambda a=again: [a.document_type, a.pk])]
        for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one)))
    ]


def building_lazy_references(me, db):
    author, code, *_ = _classes(me)
    lazy = me.base.LazyReference

    class Holder(me.Document):
        one = me.LazyReferenceField(author)
        text = me.LazyReferenceField(code, passthrough=True)
        generic = me.GenericLazyReferenceField()

    values = (
        None,
        author(),
        author(id=KEY),
        KEY,
        "text",
        DBRef("author", KEY),
        lazy(author, KEY),
        lazy(author, KEY, passthrough=True),
        {"_cls": "Author", "_ref": DBRef("author", KEY)},
        {"x": 1},
    )
    return [
        [
            [made, getattr(made, "passthrough", None)]
            for made in (db.error(field.build_lazyref, value) for value in values)
        ]
        for field in (Holder.one, Holder.text, Holder.generic)
    ]


@differs("a filter through a reference is a join here")
def queries_by_lazy_references(me, db):
    author, _, _, holder = _holder(me)
    one = author(id=KEY, name="a").save()
    holder(lazy=one, any_lazy=one, lazies=[one]).save()
    db.quiet()
    reference = holder.objects.first().lazy
    counts = [
        db.error(lambda v=value: holder.objects(lazy=v).count())
        for value in (one, KEY, str(KEY), reference, DBRef("author", KEY), "x", None)
    ]
    return [
        counts,
        db.error(lambda: holder.objects(any_lazy=one).count()),
        db.error(lambda: holder.objects(any_lazy=reference).count()),
        db.error(lambda: holder.objects(lazies=one).count()),
        db.error(lambda: holder.objects(lazy__in=[one, OTHER]).count()),
        db.error(lambda: holder.objects(lazy__name="a").count()),
        db.error(lambda: holder.objects.update(lazy=OTHER)),
        db.error(lambda: holder.objects.update(lazy="x")),
        db.error(lambda: holder.objects.update(any_lazy=author())),
        db.error(lambda: holder.objects.update(set__any_lazy=one)),
        db.commands(),
    ]


def copies_of_documents_with_references(me, db):
    author, _, _, holder = _holder(me)
    db.publish(author, holder)
    one = author(name="a").save()
    holder(ref=one, generic=one, refs=[one], generics=[one]).save()
    loaded = holder.objects.first()
    db.quiet()
    shown = []
    for again in (copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        held = sorted(again._data.items())
        shown.append([held, again.ref.name, again == loaded, db.commands()])
    return shown


def two_classes_of_one_reference(me, db):
    _, _, circle, holder = _holder(me)
    first = circle(radius=1).save()
    holder(shape=first).save()
    loaded = holder.objects.first()
    db.quiet()
    return [
        loaded._data["shape"],
        loaded.shape.radius,
        db.commands(),
        loaded.to_mongo(),
        holder.objects(shape=first).count(),
        db.commands(),
    ]
