"""Querysets and managers of one's own."""

from .harness import not_async


def own_queryset_class(me, db):
    class PersonQuerySet(me.QuerySet):
        def adults(self):
            return self.filter(age__gte=18)

        def named(self, name):
            return self(name=name)

    class Person(me.Document):
        name = me.StringField()
        age = me.IntField()
        meta = {"queryset_class": PersonQuerySet}

    Person(name="a", age=5).save()
    Person(name="b", age=50).save()
    return [
        type(Person.objects),
        [p.name for p in Person.objects.adults()],
        [p.name for p in Person.objects.filter(name="b").adults()],
        Person.objects.named("a").count(),
        type(Person.objects.adults().order_by("age")),
        type(Person.objects.no_cache()),
    ]


def own_queryset_inherited(me, db):
    class MyQuerySet(me.QuerySet):
        def twice(self):
            return self.count() * 2

    class Base(me.Document):
        meta = {"abstract": True, "queryset_class": MyQuerySet}

    class One(Base):
        meta = {"allow_inheritance": True}

    class Two(One):
        pass

    One().save()
    Two().save()
    return [One.objects.twice(), Two.objects.twice(), type(Two.objects)]


def managers(me, db):
    class Person(me.Document):
        name = me.StringField()
        age = me.IntField()

        @me.queryset_manager
        def adults(doc_cls, queryset):
            return queryset.filter(age__gte=18)

        @me.queryset_manager
        def objects(doc_cls, queryset):
            return queryset.order_by("-age")

        @me.queryset_manager
        def one_argument(queryset):
            return queryset.filter(name="a")

    Person(name="a", age=5).save()
    Person(name="b", age=50).save()
    return [
        [p.name for p in Person.adults],
        [p.name for p in Person.adults()],
        [p.name for p in Person.adults(name="b")],
        [p.name for p in Person.objects],
        Person.adults.count(),
        db.error(lambda: list(Person.one_argument)),
        type(Person.adults),
    ]


def managers_are_inherited(me, db):
    class Base(me.Document):
        age = me.IntField()
        meta = {"abstract": True}

        @me.queryset_manager
        def old(doc_cls, queryset):
            return queryset.filter(age__gt=10)

    class One(Base):
        pass

    class Two(Base):
        @me.queryset_manager
        def old(doc_cls, queryset):
            return queryset.filter(age__gt=100)

    for cls in (One, Two):
        for age in (1, 50, 500):
            cls(age=age).save()
    return [One.old.count(), Two.old.count(), One.objects.count()]


def managers_on_instances(me, db):
    class Person(me.Document):
        name = me.StringField()

    person = Person(name="a").save()
    return [
        type(person.objects),
        person.objects is not None,
        db.error(lambda: person.objects.count()),
        type(Person.__dict__["objects"]).__name__,
    ]


def manager_objects(me, db):
    manager = me.QuerySetManager()

    def function(doc_cls, queryset):
        return queryset

    wrapped = me.queryset_manager(function)
    return [
        manager.default,
        type(wrapped).__name__,
        wrapped.get_queryset is function,
        manager.get_queryset,
    ]


@not_async("asynchronous operations call async_delete, which is not overridden here")
def overridden_methods(me, db):
    calls = []

    class Counting(me.QuerySet):
        def filter(self, *args, **kwargs):
            calls.append("filter")
            return super().filter(*args, **kwargs)

        def count(self, *args, **kwargs):
            calls.append("count")
            return super().count(*args, **kwargs)

        def delete(self, *args, **kwargs):
            calls.append("delete")
            return super().delete(*args, **kwargs)

    class Person(me.Document):
        name = me.StringField()
        meta = {"queryset_class": Counting}

    Person(name="a").save()
    Person.objects.filter(name="a").count()
    len(Person.objects)
    Person.objects(name="a").first()
    Person.objects.get(name="a")
    Person.objects.first().delete()
    return calls


@not_async("asynchronous operations call async_save, which is not overridden here")
def overridden_save_and_delete(me, db):
    calls = []

    class Person(me.Document):
        name = me.StringField()

        def save(self, *args, **kwargs):
            calls.append(["save", len(args), sorted(kwargs)])
            return super().save(*args, **kwargs)

        def delete(self, *args, **kwargs):
            calls.append(["delete", sorted(kwargs)])
            return super().delete(*args, **kwargs)

        def validate(self, *args, **kwargs):
            calls.append(["validate", sorted(kwargs)])
            return super().validate(*args, **kwargs)

    person = Person.objects.create(name="a")
    person.name = "b"
    person.save(validate=False)
    Person.objects.insert(Person(name="c"))
    Person.objects.delete()
    person.delete()
    return calls


def manager_with_custom_methods(me, db):
    class Person(me.Document):
        name = me.StringField()
        visible = me.BooleanField(default=True)

        @me.queryset_manager
        def shown(doc_cls, queryset):
            return queryset(visible=True).order_by("name")

        @classmethod
        def count_shown(cls):
            return cls.shown.count()

    Person(name="b").save()
    Person(name="a").save()
    Person(name="h", visible=False).save()
    db.quiet()
    return [
        [p.name for p in Person.shown],
        Person.count_shown(),
        Person.shown.filter(name="a").first().name,
        Person.shown[1].name,
        db.commands(),
    ]


def querysets_made_by_hand(me, db):
    class Person(me.Document):
        name = me.StringField()

    Person(name="a").save()
    made = me.QuerySet(Person, Person._get_collection())
    free = me.QuerySetNoCache(Person, Person._get_collection())
    return [
        [p.name for p in made],
        made.count(),
        [p.name for p in free],
        made._document,
        made._collection.name,
    ]


def q_objects(me, db):
    q = me.Q
    both = q(a=1) & q(b=2)
    either = q(a=1) | q(b=2)
    return [
        repr(q(a=1)),
        repr(both),
        repr(either),
        bool(q()),
        bool(q(a=1)),
        q().empty,
        both.empty,
        q(a=1) == q(a=1),
        q(a=1) == q(a=2),
        repr(q() & q(a=1)),
        repr(q(a=1) | q()),
        type(both).__name__,
        type(either).__name__,
        db.error(lambda: q("x")),
        db.error(lambda: q(a=1) & 3),
        db.error(lambda: q(a=1) | "x"),
        hash(q(a=1)) == hash(q(a=1)) if q.__hash__ else "unhashable",
    ]


def q_queries(me, db):
    class Doc(me.Document):
        a = me.IntField()
        b = me.IntField(db_field="bb")
        tags = me.ListField(me.StringField())

    q = me.Q
    queries = [
        q(a=1) & q(b=2),
        q(a=1) & q(a=2),
        q(a=1) | q(b=2),
        (q(a=1) | q(b=2)) & q(tags="x"),
        q(a=1) & (q(b=2) | q(b=3)) & q(tags="x"),
        q(a__gt=1) & q(a__lt=5),
        q(a__gt=1, a__lt=5),
        q(a=1) | (q(b=1) & q(tags="y")),
        (q(a=1) | q(a=2)) | q(a=3),
        (q(a=1) | q(b=1)) & (q(a=2) | q(b=2)),
        q() | q(a=1),
        q(a=1) & q(),
        q(__raw__={"z": 1}) & q(a=1),
        q(__raw__={"z": 1}) | q(__raw__={"y": 1}),
        q(a__ne=1) & q(a__ne=2),
        q(tags__all=["x"]) & q(tags__nin=["z"]),
        q(pk="5f0000000000000000000001") & q(a=1),
    ]
    shown = [db.error(x.to_query, Doc) for x in queries]
    shown += [db.error(lambda x=x: Doc.objects(x)._query) for x in queries]
    return [
        shown,
        db.error(q(nope=1).to_query, Doc),
        db.error(q(a=1).to_query, me.EmbeddedDocument),
    ]


def q_visitors(me, db):
    class Doc(me.Document):
        a = me.IntField()

    visitors = me.queryset.visitor

    class Recording(visitors.QNodeVisitor):
        def __init__(self):
            self.seen = []

        def visit_combination(self, combination):
            self.seen.append(["combination", len(combination.children)])
            return combination

        def visit_query(self, query):
            self.seen.append(["query", dict(query.query)])
            return query

    recording = Recording()
    (me.Q(a=1) & (me.Q(a=2) | me.Q(a=3))).accept(recording)
    return [
        recording.seen,
        me.Q.AND,
        me.Q.OR,
        (me.Q(a=1) & me.Q(a=2)).operation,
        sorted(n for n in visitors.__all__),
    ]
