"""List, dict, map, sorted list, embedded, generic embedded and dynamic fields."""

import datetime

from bson import ObjectId

from .harness import differs


def _try(db, build, values):
    """Per value: the error of validating it, or what is stored and read back."""
    shown = []
    for value in values:
        try:
            document = build(value)
            document.validate()
        except Exception as error:
            shown.append(db.error(_raise, error))
            continue
        stored = db.error(document.to_mongo)
        shown.append(
            [stored, db.error(lambda d=document: dict(sorted(d._data.items())))]
        )
    return shown


def _raise(error):
    raise error


def list_fields_validate(me, db):
    class Doc(me.Document):
        numbers = me.ListField(me.IntField(max_value=5))
        anything = me.ListField()
        bounded = me.ListField(me.IntField(), max_length=2)
        needed = me.ListField(me.IntField(), required=True)

    values = [[1, 2], [1, 9], ["x"], "text", 3, {"a": 1}, {1, 2}, (1, 2), [None], []]
    return [
        _try(db, lambda v: Doc(numbers=v, needed=[1]), values),
        _try(db, lambda v: Doc(anything=v, needed=[1]), values),
        _try(db, lambda v: Doc(bounded=v, needed=[1]), [[1], [1, 2], [1, 2, 3]]),
        _try(db, lambda v: Doc(needed=v), [[], None, [1]]),
    ]


def list_field_definitions(me, db):
    return [
        db.error(me.ListField, 3),
        db.error(me.ListField, "x"),
        db.error(me.ListField, me.IntField),
        db.error(me.ListField, max_length=2),
        db.error(me.DictField, 3),
        db.error(me.DictField, me.IntField()),
        db.error(me.MapField),
        db.error(me.MapField, 3),
        db.error(me.MapField, me.IntField),
        db.error(me.SortedListField),
        db.error(me.EmbeddedDocumentField, 3),
        db.error(me.EmbeddedDocumentListField, me.Document),
        db.error(me.EmbeddedDocumentField, me.Document),
        db.error(me.EmbeddedDocumentField, "Anything"),
    ]


def dict_fields_validate(me, db):
    class Doc(me.Document):
        plain = me.DictField()
        typed = me.DictField(me.IntField())
        mapped = me.MapField(me.ListField(me.StringField()))

    plain = [
        {"a": 1},
        {"a": {"b": [1, {"c": 2}]}},
        {"$bad": 1},
        {"good": {"$nested": 1}},
        {"a.b": 1},
        {1: 2},
        {"": 1},
        [1],
        "text",
        {"a": None},
        {"a": {1: 2}},
    ]
    typed = [{"a": 1}, {"a": "x"}, {"a": "3"}, {"a": None}, {"b": [1]}]
    mapped = [{"a": ["x"]}, {"a": "x"}, {"a": [3]}, [["a"]], {"$a": ["x"]}]
    return [
        _try(db, lambda v: Doc(plain=v), plain),
        _try(db, lambda v: Doc(typed=v), typed),
        _try(db, lambda v: Doc(mapped=v), mapped),
    ]


def dict_keys_with_dots_and_dollars(me, db):
    class Doc(me.Document):
        plain = me.DictField()

    shown = []
    for keys in ({"a.b": 1}, {"$a": 1}, {"a$": 1}, {"x": {"y.z": 1}}):
        shown.append(db.error(lambda k=keys: Doc(plain=k).save()))
    return [shown, db.raw("doc")]


def dict_fields_store_documents(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(db_field="x")

    class Doc(me.Document):
        plain = me.DictField()
        items = me.ListField()

    Doc(
        plain={"p": Part(a=1), "l": [Part(a=2)]}, items=[Part(a=3), {"k": Part(a=4)}]
    ).save()
    loaded = Doc.objects.first()
    return [
        db.raw("doc"),
        loaded,
        type(loaded.plain["p"]),
        type(loaded.items[0]),
        type(loaded.items[1]["k"]),
        loaded.plain["l"][0].a,
    ]


def dict_fields_are_queried(me, db):
    class Doc(me.Document):
        info = me.DictField()
        typed = me.MapField(me.IntField())

    Doc(info={"a": {"b": 1}, "l": [1, 2], "s": "Text"}, typed={"x": 3}).save()
    db.quiet()
    return [
        Doc.objects(info__a__b=1).count(),
        Doc.objects(info__s__icontains="tex").count(),
        Doc.objects(info__l__0=1).count(),
        Doc.objects(info__exists=True).count(),
        Doc.objects(typed__x__gt=2).count(),
        Doc.objects(info__nope__exists=False).count(),
        Doc.objects(info={"a": 1}).count(),
        db.commands(),
    ]


def sorted_lists(me, db):
    class Part(me.EmbeddedDocument):
        rank = me.IntField()
        name = me.StringField()

    class Doc(me.Document):
        numbers = me.SortedListField(me.IntField())
        down = me.SortedListField(me.IntField(), reverse=True)
        parts = me.SortedListField(me.EmbeddedDocumentField(Part), ordering="rank")

    doc = Doc(
        numbers=[3, 1, 2],
        down=[1, 3, 2],
        parts=[Part(rank=2, name="b"), Part(rank=1, name="a")],
    )
    before = list(doc.numbers)
    doc.save()
    return [before, list(doc.numbers), db.raw("doc"), Doc.objects.first()]


def sorted_lists_with_other_values(me, db):
    class Doc(me.Document):
        numbers = me.SortedListField(me.IntField())

    return [
        db.error(Doc(numbers=[2, None, 1]).to_mongo),
        db.error(Doc(numbers="ba").to_mongo),
        db.error(Doc(numbers=[]).to_mongo),
        db.error(Doc(numbers=["b", 1]).validate),
    ]


def map_fields(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(db_field="x")

    class Doc(me.Document):
        parts = me.MapField(me.EmbeddedDocumentField(Part))
        dates = me.MapField(me.DateTimeField())
        lists = me.MapField(me.ListField(me.EmbeddedDocumentField(Part)))

    doc = Doc(
        parts={"a": Part(a=1)},
        dates={"d": datetime.datetime(2020, 1, 1)},
        lists={"l": [Part(a=2)]},
    ).save()
    loaded = Doc.objects.first()
    loaded.lists["l"][0].a = 5
    loaded.parts["b"] = Part(a=7)
    loaded.save()
    return [doc, loaded, db.raw("doc"), db.commands()]


def numeric_map_keys(me, db):
    class Doc(me.Document):
        numbers = me.MapField(me.IntField())

    Doc(numbers={"1": 2, "2": 3}).save()
    loaded = Doc.objects.first()
    loaded.numbers["1"] = 9
    loaded.save()
    return [
        db.raw("doc"),
        Doc.objects(numbers__1=9).count(),
        db.error(lambda: Doc(numbers={1: 2}).save()),
    ]


@differs("another value than a document or dict raises ValidationError")
def embedded_fields_validate(me, db):
    class Inner(me.EmbeddedDocument):
        n = me.IntField(required=True)

    class Part(me.EmbeddedDocument):
        name = me.StringField(required=True)
        inner = me.EmbeddedDocumentField(Inner)

    class Other(me.EmbeddedDocument):
        pass

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part, required=True)
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    values = [
        Part(name="a"),
        Part(),
        Part(name="a", inner=Inner()),
        Part(name="a", inner=Inner(n="x")),
        Other(),
        {"name": "a"},
        "text",
        None,
        Part,
    ]
    return [
        _try(db, lambda v: Doc(part=v), values),
        _try(db, lambda v: Doc(part=Part(name="a"), parts=[v]), values),
    ]


def embedded_errors_have_paths(me, db):
    class Inner(me.EmbeddedDocument):
        n = me.IntField(max_value=1)

    class Part(me.EmbeddedDocument):
        inners = me.ListField(me.EmbeddedDocumentField(Inner))
        mapped = me.MapField(me.EmbeddedDocumentField(Inner))

    class Doc(me.Document):
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    doc = Doc(
        parts=[
            Part(inners=[Inner(n=1), Inner(n=2)]),
            Part(mapped={"k": Inner(n=3), "ok": Inner(n=0)}),
        ]
    )
    try:
        doc.validate()
    except me.ValidationError as error:
        return [str(error), error.to_dict(), error.message, sorted(error.errors)]


@differs("a document of another class raises ValidationError")
def embedded_inheritance_is_stored(me, db):
    class Base(me.EmbeddedDocument):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        extra = me.IntField()

    class Doc(me.Document):
        one = me.EmbeddedDocumentField(Base)
        many = me.EmbeddedDocumentListField(Base)
        narrow = me.EmbeddedDocumentField(Child)

    Doc(one=Child(name="c", extra=1), many=[Base(name="b"), Child(extra=2)]).save()
    loaded = Doc.objects.first()
    return [
        db.raw("doc"),
        loaded,
        db.error(lambda: Doc(narrow=Base()).validate()),
        db.error(lambda: Doc.objects(one__extra=1).count()),
        db.error(lambda: Doc.objects(many__extra=2).count()),
        db.error(lambda: Doc.objects(one__nope=1)),
    ]


def embedded_by_name_and_self(me, db):
    class Tree(me.EmbeddedDocument):
        name = me.StringField()
        children = me.ListField(me.EmbeddedDocumentField("self"))
        left = me.EmbeddedDocumentField("Tree")

    class Doc(me.Document):
        tree = me.EmbeddedDocumentField("Tree")

    Doc(tree=Tree(name="r", children=[Tree(name="c", left=Tree(name="l"))])).save()
    return [
        Doc.objects.first(),
        db.raw("doc"),
        Doc.tree.document_type,
        Tree.children.field.document_type,
        Doc.objects(tree__children__name="c").count(),
        db.error(lambda: Doc.objects(tree__children__left__name="l").count()),
    ]


def embedded_with_an_unknown_name(me, db):
    def define():
        class Doc(me.Document):
            part = me.EmbeddedDocumentField("Nobody")

    def define_listed():
        class Doc(me.Document):
            parts = me.EmbeddedDocumentListField("Nobody")

    return [db.error(define), db.error(define_listed)]


def embedded_of_a_document_class(me, db):
    class Other(me.Document):
        pass

    def define():
        class Doc(me.Document):
            part = me.EmbeddedDocumentField("Other")

        return Doc.part.document_type

    return [db.error(define), db.error(me.EmbeddedDocumentField, Other)]


def dictionaries_given_for_embedded(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField(db_field="x")

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part)
        parts = me.EmbeddedDocumentListField(Part)

    made = db.error(lambda: Doc(part={"a": 1}))
    made_db = db.error(lambda: Doc(part={"x": 1}))
    parts = db.error(lambda: Doc(parts=[{"x": 1}]))
    doc = Doc()

    def assign():
        doc.part = {"a": 1}
        return doc.part

    return [made, made_db, parts, db.error(assign), db.error(doc.validate)]


@differs("a dict without its class raises ValidationError")
def generic_embedded(me, db):
    class One(me.EmbeddedDocument):
        a = me.IntField()

    class Two(me.EmbeddedDocument):
        b = me.StringField(required=True)

    class Top(me.Document):
        pass

    class Doc(me.Document):
        any = me.GenericEmbeddedDocumentField()
        chosen = me.GenericEmbeddedDocumentField(choices=(One, Two))
        many = me.ListField(me.GenericEmbeddedDocumentField())

    Doc(any=One(a=1), chosen=Two(b="x"), many=[One(a=2), Two(b="y")]).save()
    loaded = Doc.objects.first()
    return [
        loaded,
        db.raw("doc"),
        _try(db, lambda v: Doc(any=v), [One(), Two(), Top(), 3, {"a": 1}, None]),
        _try(db, lambda v: Doc(chosen=v), [One(a=1), Two(b="x")]),
        db.error(me.GenericEmbeddedDocumentField, choices=(3,)),
        db.error(lambda: Doc.objects(any__a=1).count()),
        db.error(lambda: Doc.objects(any___cls="One").count()),
        db.error(lambda: Doc.objects(any__nope=1).count()),
    ]


def generic_embedded_choices(me, db):
    class One(me.EmbeddedDocument):
        a = me.IntField()

    class Two(me.EmbeddedDocument):
        b = me.IntField()

    class Doc(me.Document):
        chosen = me.GenericEmbeddedDocumentField(choices=(One,))
        many = me.ListField(me.GenericEmbeddedDocumentField(choices=(One,)))

    return [
        db.error(Doc(chosen=One()).validate),
        db.error(Doc(chosen=Two()).validate),
        db.error(Doc(many=[One(), Two()]).validate),
    ]


def dynamic_field_values(me, db):
    class Part(me.EmbeddedDocument):
        a = me.IntField()

    class Other(me.Document):
        name = me.StringField()

    class Doc(me.Document):
        value = me.DynamicField()
        values = me.ListField(me.DynamicField())

    other = Other(name="o").save()
    shown = []
    for value in (
        1,
        "x",
        1.5,
        None,
        [1, {"a": 2}],
        {"a": [1]},
        Part(a=1),
        other,
        {1, 2},
        (1, 2),
        datetime.datetime(2020, 1, 1),
        ObjectId("5f0000000000000000000001"),
        [Part(a=1)],
        {"p": Part(a=1)},
        object,
    ):
        doc = Doc(value=value, values=[value])
        outcome = db.error(lambda d=doc: d.save().id and None)
        shown.append([outcome, db.raw("doc")[-1:], db.error(Doc.objects.first)])
        Doc.objects.delete()
    return shown


def dynamic_documents_store_anything(me, db):
    class Part(me.DynamicEmbeddedDocument):
        pass

    class Doc(me.DynamicDocument):
        pass

    doc = Doc(a=1, b=[1, {"c": 2}], p=Part(x=[1], y={"z": 1}))
    doc.later = {"k": [Part(q=1)]}
    doc.save()
    loaded = Doc.objects.first()
    return [
        loaded,
        db.raw("doc"),
        sorted(loaded._dynamic_fields),
        loaded.p.x,
        loaded.later["k"][0].q,
        type(loaded.b),
        Doc.objects(a=1, b__1__c=2, p__x=1).count(),
        db.error(lambda: Doc.objects(nope__deep=1).count()),
        list(loaded),
    ]


def dynamic_documents_with_reserved_names(me, db):
    class Doc(me.DynamicDocument):
        pass

    doc = Doc()
    outcomes = [
        db.error(setattr, doc, name, 1)
        for name in ("_private", "objects", "save", "pk", "_id", "_cls", "x-y", "a.b")
    ]
    return [outcomes, db.error(doc.to_mongo)]


def dynamic_inheritance(me, db):
    class Base(me.DynamicDocument):
        a = me.IntField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        b = me.IntField()

    Base(a=1, x=1).save()
    Child(a=1, b=2, y=3).save()
    return [
        [type(d).__name__ for d in Base.objects],
        Child.objects.first(),
        db.raw("base"),
        Base.objects(y=3).count(),
    ]


def embedded_list_in_dynamic(me, db):
    class Part(me.DynamicEmbeddedDocument):
        known = me.StringField()

    class Doc(me.DynamicDocument):
        parts = me.ListField(me.EmbeddedDocumentField(Part))

    Doc(parts=[Part(known="k", extra=1)], more=[Part(other=2)]).save()
    loaded = Doc.objects.first()
    loaded.parts[0].extra = 5
    loaded.more[0].other = 6
    loaded.more.append(Part(third=3))
    changed = loaded._get_changed_fields()
    loaded.save()
    return [changed, db.raw("doc")]


def nested_lists_and_dicts(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField()

    class Doc(me.Document):
        a = me.ListField(me.ListField(me.EmbeddedDocumentField(Part)))
        b = me.DictField(me.DictField(me.ListField(me.IntField())))
        c = me.ListField(me.DictField(me.EmbeddedDocumentField(Part)))
        d = me.ListField(me.MapField(me.DateTimeField()))

    Doc(
        a=[[Part(n=1)], [Part(n=2), Part(n=3)]],
        b={"x": {"y": [1, 2]}},
        c=[{"k": Part(n=4)}],
        d=[{"k": datetime.datetime(2020, 1, 1)}],
    ).save()
    loaded = Doc.objects.first()
    loaded.a[1][0].n = 20
    loaded.b["x"]["y"].append(3)
    loaded.c[0]["k"].n = 40
    changed = loaded._get_changed_fields()
    loaded.save()
    return [changed, db.raw("doc"), Doc.objects.first()]


def values_are_converted_when_assigned(me, db):
    class Doc(me.Document):
        number = me.IntField()
        numbers = me.ListField(me.IntField())
        mapping = me.MapField(me.IntField())
        flag = me.BooleanField()
        name = me.StringField()

    doc = Doc(number="3", numbers=["1", 2], mapping={"a": "5"}, flag="yes", name=4)
    doc.number = "4"
    doc.numbers = ["7"]
    doc.mapping["z"] = "9"
    return [doc, doc.numbers, doc.mapping, db.error(doc.validate), doc.flag]


def sets_and_generators_in_lists(me, db):
    class Doc(me.Document):
        numbers = me.ListField(me.IntField())
        anything = me.ListField()

    return [
        db.error(lambda: Doc(numbers={1}).to_mongo()),
        db.error(lambda: Doc(anything={1}).to_mongo()),
        db.error(lambda: Doc(numbers=(n for n in [1, 2])).validate()),
        db.error(lambda: Doc(numbers=range(2)).validate()),
        db.error(lambda: Doc(anything=frozenset([1])).validate()),
        db.error(lambda: Doc(numbers=me.Document.objects).validate())
        if hasattr(me.Document, "objects")
        else None,
    ]


def querysets_in_lists(me, db):
    class Other(me.Document):
        name = me.StringField()

    class Doc(me.Document):
        others = me.ListField(me.ReferenceField(Other))

    Other(name="a").save()
    Other(name="b").save()
    doc = Doc(others=Other.objects.order_by("name"))
    outcome = db.error(doc.validate)
    return [outcome, db.error(lambda: Doc(others=list(Other.objects)).save())]


def list_field_queries(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Doc(me.Document):
        numbers = me.ListField(me.IntField())
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="ps")

    Doc(numbers=[1, 2], parts=[Part(n=1), Part(n=2)]).save()
    db.quiet()
    return [
        Doc.objects(numbers=1).count(),
        Doc.objects(numbers=[1, 2]).count(),
        Doc.objects(numbers__0=1).count(),
        Doc.objects(numbers__size=2).count(),
        Doc.objects(numbers__all=[1, 2]).count(),
        Doc.objects(numbers__in=[2, 3]).count(),
        Doc.objects(parts__n=1).count(),
        Doc.objects(parts__1__n=2).count(),
        Doc.objects(parts__match={"n": 2}).count(),
        db.error(lambda: Doc.objects(parts__elemMatch=me.Q(n=2)).count()),
        db.commands(),
    ]
