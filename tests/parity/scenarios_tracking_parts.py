"""Changes of embedded documents and of dynamic fields; deltas."""

from bson import ObjectId

from .harness import differs
from .tracking_shapes import loaded_document, tracked_classes, try_edits

KEY = ObjectId("5f0000000000000000000001")


def overlapping_paths(me, db):
    def outer_after_inner(doc, part, inner):
        doc.mapping["b"]["c"]["d"] = 2
        doc.mapping["b"] = {"n": 1}

    def inner_after_outer(doc, part, inner):
        doc.mapping["b"] = {"n": 1}
        doc.mapping["b"]["n"] = 2

    def whole_after_item(doc, part, inner):
        doc.items[0] = 9
        doc.items = [1]

    def item_after_whole(doc, part, inner):
        doc.items = [1]
        doc.items[0] = 9

    def part_then_field(doc, part, inner):
        doc.part.text = "x"
        doc.part = part(text="y")
        doc.part.number = 4

    def similar_names(doc, part, inner):
        doc.mapping["a"] = 2
        doc.mapping["ab"] = 3

    def nested_removal(doc, part, inner):
        doc.mapping["b"]["c"]["d"] = 2
        del doc.mapping["b"]

    return try_edits(
        me,
        db,
        [
            outer_after_inner,
            inner_after_outer,
            whole_after_item,
            item_after_whole,
            part_then_field,
            similar_names,
            nested_removal,
        ],
    )


def embedded_fields(me, db):
    def text(doc, part, inner):
        doc.part.text = "x"

    def none(doc, part, inner):
        doc.part.text = None

    def same(doc, part, inner):
        doc.part.text = "t1"

    def items(doc, part, inner):
        doc.part.items.append(4)

    def item(doc, part, inner):
        doc.part.items[2]["k"] = 5

    def mapping(doc, part, inner):
        doc.part.mapping["l"].append(5)

    def deeper(doc, part, inner):
        doc.part.inner.text = "y"

    def deeper_list(doc, part, inner):
        doc.part.inner.numbers.append(2)

    def deeper_in_list(doc, part, inner):
        doc.part.inners[1].text = "z"

    def removed(doc, part, inner):
        doc.part = None

    def inner_removed(doc, part, inner):
        doc.part.inner = None

    def replaced(doc, part, inner):
        doc.part = part(text="fresh")

    def emptied(doc, part, inner):
        doc.part.items = []
        doc.part.mapping = {}

    return try_edits(
        me,
        db,
        [
            text,
            none,
            same,
            items,
            item,
            mapping,
            deeper,
            deeper_list,
            deeper_in_list,
            removed,
            inner_removed,
            replaced,
            emptied,
        ],
    )


def lists_of_embedded_documents(me, db):
    def field(doc, part, inner):
        doc.parts[0].text = "x"

    def both(doc, part, inner):
        doc.parts[0].text = "x"
        doc.parts[1].number = 9

    def nested(doc, part, inner):
        doc.parts[1].inner.numbers.append(5)

    def nested_list(doc, part, inner):
        doc.parts[1].inners[0].numbers[0] = 5

    def append(doc, part, inner):
        doc.parts.append(part(text="new"))

    def append_and_edit(doc, part, inner):
        doc.parts.append(part(text="new"))
        doc.parts[-1].text = "newer"
        doc.parts[0].text = "old"

    def pop(doc, part, inner):
        doc.parts.pop()

    def pop_and_edit(doc, part, inner):
        doc.parts.pop(0)
        doc.parts[0].text = "first now"

    def remove(doc, part, inner):
        doc.parts.remove(doc.parts[0])

    def replace(doc, part, inner):
        doc.parts[0] = part(text="other")

    def replace_and_edit(doc, part, inner):
        doc.parts[0] = part(text="other")
        doc.parts[0].number = 7

    def iterate(doc, part, inner):
        for one in doc.parts:
            one.number = 0

    def none(doc, part, inner):
        doc.parts[0].text = None

    return try_edits(
        me,
        db,
        [
            field,
            both,
            nested,
            nested_list,
            append,
            append_and_edit,
            pop,
            pop_and_edit,
            remove,
            replace,
            replace_and_edit,
            iterate,
            none,
        ],
    )


def maps_of_embedded_documents(me, db):
    def field(doc, part, inner):
        doc.named["one"].text = "x"

    def nested(doc, part, inner):
        doc.named["two"].inner.text = "x"

    def nested_list(doc, part, inner):
        doc.named["two"].items.append(1)

    def added(doc, part, inner):
        doc.named["three"] = part(text="3")

    def added_and_edited(doc, part, inner):
        doc.named["three"] = part(text="3")
        doc.named["three"].text = "33"

    def removed(doc, part, inner):
        del doc.named["one"]

    def by_values(doc, part, inner):
        for one in doc.named.values():
            one.number = 0

    return try_edits(
        me,
        db,
        [field, nested, nested_list, added, added_and_edited, removed, by_values],
    )


def unset_by_emptying(me, db):
    def empty_list(doc, part, inner):
        doc.items = []

    def empty_by_pop(doc, part, inner):
        while doc.items:
            doc.items.pop()

    def empty_dict(doc, part, inner):
        doc.mapping = {}

    def empty_dict_item(doc, part, inner):
        doc.mapping["b"] = {}

    def empty_parts(doc, part, inner):
        doc.parts = []

    def empty_string(doc, part, inner):
        doc.text = ""

    def zero(doc, part, inner):
        doc.number = 0

    def none_in_list(doc, part, inner):
        doc.items[0] = None

    def none_in_dict(doc, part, inner):
        doc.mapping["a"] = None

    return try_edits(
        me,
        db,
        [
            empty_list,
            empty_by_pop,
            empty_dict,
            empty_dict_item,
            empty_parts,
            empty_string,
            zero,
            none_in_list,
            none_in_dict,
        ],
    )


def dynamic_fields(me, db):
    def added(doc, part, inner):
        doc.extra = 1

    def list_added(doc, part, inner):
        doc.extra = [1]
        doc.extra.append(2)

    def added_in_part(doc, part, inner):
        doc.part.extra = 1

    def dict_in_part(doc, part, inner):
        doc.part.extra = {"a": 1}
        doc.part.extra["b"] = [1]
        doc.part.extra["b"].append(2)

    def embedded_added(doc, part, inner):
        doc.extra = part(text="dyn")
        doc.extra.text = "dyn2"

    def in_parts(doc, part, inner):
        doc.parts[0].extra = 5

    def deleted(doc, part, inner):
        doc.extra = 1
        del doc.extra

    return try_edits(
        me,
        db,
        [
            added,
            list_added,
            added_in_part,
            dict_in_part,
            embedded_added,
            in_parts,
            deleted,
        ],
        dynamic=True,
    )


@differs(
    "paths inside dynamic fields are whole; upstream forgets the field and fails or writes another one"
)
def dynamic_fields_loaded(me, db):
    class Loose(me.DynamicDocument):
        pass

    db.insert("loose", {"_id": KEY, "a": [1, {"b": 1}], "d": {"e": {"f": 1}}, "n": 1})
    shown = []

    def edit_list(doc):
        doc.a[1]["b"] = 2

    def edit_dict(doc):
        doc.d["e"]["f"] = 3

    def delete_item(doc):
        del doc.d["e"]

    def none(doc):
        doc.n = None

    def delete(doc):
        del doc.n

    for edit in (edit_list, edit_dict, delete_item, none, delete):
        loaded = Loose.objects.first()
        edit(loaded)
        shown.append([loaded._get_changed_fields(), db.error(loaded._delta)])
    return shown


def clearing_changed_fields(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    loaded.text = "x"
    loaded.part.text = "x"
    loaded.parts[0].inner.text = "x"
    loaded.named["one"].text = "x"
    loaded.mapping["b"]["c"]["d"] = 5
    before = loaded._get_changed_fields()
    loaded._clear_changed_fields()
    after = [
        loaded._get_changed_fields(),
        loaded.part._get_changed_fields(),
        loaded.parts[0].inner._changed_fields,
    ]
    db.quiet()
    loaded.save()
    return [before, after, db.commands(), loaded.text]


def marking_as_changed(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    shown = []
    for key in ("text", "db_text", "parts", "mapping.b", "mapping.b.c", "part.text"):
        loaded._mark_as_changed(key)
        shown.append([key, list(loaded._changed_fields)])
    loaded._mark_as_unset("number") if hasattr(loaded, "_mark_as_unset") else None
    return [shown, loaded._get_changed_fields(), db.error(loaded._delta)]


def delta_of_new_documents(me, db):
    doc, part, _inner = tracked_classes(me)
    new = doc(text="t", items=[1], part=part(text="p"))
    before = new._delta()
    new.text = "u"
    new.items.append(2)
    return [before, new._delta(), new._get_changed_fields()]


@differs("None in a field with null=True is stored as null; upstream removes the field")
def null_fields_in_deltas(me, db):
    class Doc(me.Document):
        a = me.StringField(null=True)
        b = me.StringField()
        items = me.ListField(me.IntField(null=True), null=True)

    doc = Doc(a="x", b="y", items=[1]).save()
    doc.a = None
    doc.b = None
    doc.items = None
    shown = [doc._get_changed_fields(), doc._delta()]
    db.quiet()
    doc.save()
    return [shown, db.commands(), db.raw("doc")]


def defaults_in_deltas(me, db):
    class Doc(me.Document):
        a = me.StringField(default="x")
        items = me.ListField(me.IntField(), default=lambda: [1])

    doc = Doc(a="z", items=[5]).save()
    doc.a = None
    doc.items = None
    delta = doc._delta()
    doc.save()
    doc.a = "z"
    doc.save()
    del doc.a
    return [delta, doc._delta(), db.raw("doc"), doc.a]


def deltas_of_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author, db_field="au")
        authors = me.ListField(me.ReferenceField(Author), db_field="aus")
        anything = me.GenericReferenceField(db_field="any")

    one, two = Author(name="1").save(), Author(name="2").save()
    Book(author=one, authors=[one], anything=one).save()
    book = Book.objects.first()
    book.author.name = "changed"
    untouched = [book._get_changed_fields(), book._delta()]
    book.author = two
    book.authors.append(two)
    book.anything = two
    deltas = [book._get_changed_fields(), book._delta()]
    book.author = one
    book.authors[0] = two
    return [untouched, deltas, book._get_changed_fields(), book._delta()]


def assigning_the_same_reference(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Book(me.Document):
        author = me.ReferenceField(Author)
        authors = me.ListField(me.ReferenceField(Author))

    one = Author(name="1").save()
    Book(author=one, authors=[one]).save()
    shown = []
    for value in (one, one.to_dbref(), one.id):
        book = Book.objects.first()
        book.author = value
        shown.append(book._get_changed_fields())
        book = Book.objects.first()
        book.authors = [value]
        shown.append(book._get_changed_fields())
    return shown


def sharing_an_embedded_document(me, db):
    doc, part, _inner = tracked_classes(me)
    shared = part(text="s")
    one, two = doc(part=shared), doc(part=shared)
    one.save()
    two.save()
    shared.text = "both?"
    return [one._get_changed_fields(), two._get_changed_fields()]


def embedded_documents_moved(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    loaded.part = loaded.parts[0]
    loaded.part.text = "moved"
    first = loaded._get_changed_fields()
    loaded.parts = list(reversed(loaded.parts))
    return [first, loaded._get_changed_fields()]


def datetimes_are_compared(me, db):
    import datetime

    class Doc(me.Document):
        when = me.DateTimeField()

    moment = datetime.datetime(2020, 1, 2, 3, 4, 5)
    Doc(when=moment).save()
    doc = Doc.objects.first()
    doc.when = moment
    same = doc._get_changed_fields()
    doc.when = moment.replace(tzinfo=datetime.timezone.utc)
    aware = doc._get_changed_fields()
    doc.when = datetime.datetime(2021, 1, 1)
    return [same, aware, doc._get_changed_fields()]


def types_that_compare_equal(me, db):
    class Doc(me.Document):
        number = me.IntField()
        real = me.FloatField()
        flag = me.BooleanField()
        anything = me.DynamicField()

    Doc(number=1, real=1.0, flag=True, anything=1).save()
    shown = []
    for name, value in (
        ("number", 1.0),
        ("number", True),
        ("number", "1"),
        ("real", 1),
        ("flag", 1),
        ("anything", True),
        ("anything", 1.0),
    ):
        doc = Doc.objects.first()
        setattr(doc, name, value)
        shown.append([name, doc._get_changed_fields(), doc._delta()])
    return shown


def changes_survive_a_failed_save(me, db):
    class Doc(me.Document):
        name = me.StringField(max_length=3)
        other = me.IntField()

    doc = Doc(name="a").save()
    doc.name = "too long"
    doc.other = 3
    outcome = db.error(doc.save)
    changed = doc._get_changed_fields()
    doc.name = "ok"
    doc.save()
    return [outcome, changed, doc._get_changed_fields(), db.raw("doc")]


def touching_does_not_change(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    list(loaded)
    str(loaded.to_mongo())
    loaded.to_json()
    loaded.validate()
    loaded.items[3]["k"], loaded.mapping["b"]["c"]
    for one in loaded.parts:
        one.inner.text, one.inners[0].numbers, one.mapping
    return [loaded._get_changed_fields(), loaded._delta(), loaded._changed_fields]


def sorted_lists_track(me, db):
    class Part(me.EmbeddedDocument):
        order = me.IntField()

    class Doc(me.Document):
        numbers = me.SortedListField(me.IntField())
        parts = me.SortedListField(
            me.EmbeddedDocumentField(Part), ordering="order", reverse=True
        )

    doc = Doc(numbers=[3, 1], parts=[Part(order=1), Part(order=2)]).save()
    doc.reload()
    doc.numbers.append(2)
    doc.parts[0].order = 0
    shown = [doc._get_changed_fields(), doc._delta()]
    doc.save()
    return [shown, db.raw("doc")]


def generic_embedded_tracks(me, db):
    class Part(me.EmbeddedDocument):
        text = me.StringField(db_field="t")

    class Doc(me.Document):
        any = me.GenericEmbeddedDocumentField()
        many = me.ListField(me.GenericEmbeddedDocumentField())

    Doc(any=Part(text="a"), many=[Part(text="b")]).save()
    doc = Doc.objects.first()
    doc.any.text = "x"
    doc.many[0].text = "y"
    shown = [doc._get_changed_fields(), doc._delta()]
    doc.save()
    return [shown, db.raw("doc")]


def updates_of_reloaded_parts(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    kept = loaded.part
    loaded.reload()
    kept.text = "stale"
    stale = loaded._get_changed_fields()
    loaded.part.text = "fresh"
    return [stale, loaded._get_changed_fields(), kept is loaded.part]


def slices_and_copies_do_not_track(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    piece = loaded.items[:2]
    piece.append(4)
    copied = list(loaded.items)
    copied.append(5)
    sliced = type(piece).__name__
    other = loaded.mapping.copy()
    other["z"] = 1
    return [loaded._get_changed_fields(), sliced, type(other).__name__]


def changed_fields_of_parts(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    loaded.parts[1].inner.text = "x"
    loaded.parts[1].number = 3
    return [
        loaded.parts[1]._get_changed_fields(),
        loaded.parts[1]._changed_fields,
        loaded.parts[1].inner._get_changed_fields(),
        loaded._changed_fields,
        loaded._get_changed_fields(),
        loaded.parts[1]._delta(),
    ]


def list_and_dict_helpers(me, db):
    doc, _part, _inner = loaded_document(me)
    loaded = doc.objects.first()
    return [
        type(loaded.items),
        type(loaded.mapping),
        type(loaded.parts),
        type(loaded.named),
        type(loaded.items[3]),
        type(loaded.items[4]),
        repr(loaded.items),
        repr(loaded.mapping),
        loaded.items == [3, 1, 2, {"k": [1]}, [1, 2]],
        loaded.mapping == {"a": 1},
        loaded.items._name,
        loaded.items[3]._name,
        loaded.mapping["b"]["c"]._name,
        loaded.items[3:][0]["k"],
        loaded.items.index(1),
        loaded.items.count(1),
        1 in loaded.items,
        len(loaded.items),
        sorted(loaded.mapping),
        loaded.mapping.get("nope", 3),
        db.error(lambda: loaded.mapping["nope"]),
    ]


def read_only_edges(me, db):
    base = me.base.datastructures
    items = base.BaseList([1, {"a": 1}], None, "items")
    mapping = base.BaseDict({"a": [1]}, None, "mapping")
    items.append(3)
    items[1]["a"] = 2
    mapping["a"].append(5)
    mapping["b"] = 1
    return [items, mapping, type(items[1]), type(mapping["a"])]


def without_a_parent(me, db):
    class Part(me.EmbeddedDocument):
        items = me.ListField()
        mapping = me.DictField()

    part = Part(items=[1], mapping={"a": 1})
    part.items.append(2)
    part.mapping["b"] = 3
    return [part._get_changed_fields(), part._delta(), part.to_mongo()]


def marking_by_hand_inside_untouched_data(me, db):
    class Part(me.EmbeddedDocument):
        text = me.StringField(db_field="t")
        size = me.IntField()

    class Doc(me.Document):
        part = me.EmbeddedDocumentField(Part, db_field="p")
        parts = me.ListField(me.EmbeddedDocumentField(Part), db_field="ps")

    Doc(part=Part(text="a", size=1), parts=[Part(text="b")]).save()
    doc = Doc.objects.first()
    doc._mark_as_changed("part.t")
    doc._mark_as_changed("parts.0.t")
    before = doc._delta()
    doc.part.size, doc.parts[0].size
    return [before, doc._delta()]


def reloading_binds_what_was_held(me, db):
    class Part(me.EmbeddedDocument):
        text = me.StringField(db_field="t")

    class Doc(me.Document):
        items = me.ListField()
        extra = me.DictField(db_field="x")
        parts = me.EmbeddedDocumentListField(Part)
        mapped = me.MapField(me.EmbeddedDocumentField(Part))

    doc = Doc(
        items=[[1], {"a": 1}],
        extra={"k": {"l": [1]}},
        parts=[Part(text="a")],
        mapped={"m": Part(text="b")},
    ).save()
    doc.reload()
    doc.items[0].append(2)
    doc.extra["k"]["l"].append(2)
    doc.parts[0].text = "z"
    doc.mapped["m"].text = "c"
    shown = [doc._get_changed_fields(), doc._delta()]
    doc.save()
    return [shown, db.raw("doc")]
