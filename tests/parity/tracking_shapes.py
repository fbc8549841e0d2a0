"""Documents whose changes scenarios of tracking compare."""

from bson import ObjectId

KEY = ObjectId("5f0000000000000000000001")

__all__ = ("loaded_document", "reset_document", "tracked_classes", "try_edits")


def tracked_classes(me, dynamic=False):
    embedded = me.DynamicEmbeddedDocument if dynamic else me.EmbeddedDocument
    base = me.DynamicDocument if dynamic else me.Document

    class Inner(embedded):
        text = me.StringField(db_field="db_text")
        numbers = me.ListField(me.IntField(), db_field="db_numbers")

    class Part(embedded):
        text = me.StringField(db_field="db_text")
        number = me.IntField(db_field="db_number")
        items = me.ListField(db_field="db_items")
        mapping = me.DictField(db_field="db_mapping")
        inner = me.EmbeddedDocumentField(Inner, db_field="db_inner")
        inners = me.EmbeddedDocumentListField(Inner, db_field="db_inners")

    class Doc(base):
        text = me.StringField(db_field="db_text")
        number = me.IntField(db_field="db_number")
        items = me.ListField(db_field="db_items")
        mapping = me.DictField(db_field="db_mapping")
        part = me.EmbeddedDocumentField(Part, db_field="db_part")
        parts = me.EmbeddedDocumentListField(Part, db_field="db_parts")
        named = me.MapField(me.EmbeddedDocumentField(Part), db_field="db_named")
        grid = me.ListField(me.ListField(me.IntField()), db_field="db_grid")

    return Doc, Part, Inner


def loaded_document(me, dynamic=False):
    doc, part, inner = tracked_classes(me, dynamic)

    def a_part(number):
        return part(
            text=f"t{number}",
            number=number,
            items=[1, 2, {"k": 1}],
            mapping={"a": 1, "l": [1, 2]},
            inner=inner(text="in", numbers=[1]),
            inners=[inner(text="i0", numbers=[1, 2]), inner(text="i1")],
        )

    doc(
        id=KEY,
        text="t",
        number=1,
        items=[3, 1, 2, {"k": [1]}, [1, 2]],
        mapping={"a": 1, "b": {"c": {"d": 1}}, "l": [{"x": 1}]},
        part=a_part(1),
        parts=[a_part(2), a_part(3)],
        named={"one": a_part(4), "two": a_part(5)},
        grid=[[1, 2], [3, 4]],
    ).save()
    return doc, part, inner


def try_edits(me, db, edits, dynamic=False):
    """For each edit of a freshly loaded document: changed fields and delta."""
    doc, part, inner = loaded_document(me, dynamic)
    shown = []
    for edit in edits:
        loaded = doc.objects.first()
        outcome = db.error(edit, loaded, part, inner)
        changed = loaded._get_changed_fields()
        marks = list(loaded._changed_fields)
        db.quiet()
        delta = loaded._delta()
        loaded.save()
        sent = [c["updates"][0]["u"] for c in db.commands() if "updates" in c]
        shown.append([outcome, changed, marks, delta, sent])
        shown.append(loaded._get_changed_fields())
        doc.objects.delete()
        doc._from_son(loaded.to_mongo(), created=True)
        reset_document(me, doc, part, inner)
    return shown


def reset_document(me, doc, part, inner):
    fresh = doc(id=KEY, text="t", number=1, items=[3, 1, 2, {"k": [1]}, [1, 2]])
    fresh.mapping = {"a": 1, "b": {"c": {"d": 1}}, "l": [{"x": 1}]}

    def a_part(number):
        return part(
            text=f"t{number}",
            number=number,
            items=[1, 2, {"k": 1}],
            mapping={"a": 1, "l": [1, 2]},
            inner=inner(text="in", numbers=[1]),
            inners=[inner(text="i0", numbers=[1, 2]), inner(text="i1")],
        )

    fresh.part = a_part(1)
    fresh.parts = [a_part(2), a_part(3)]
    fresh.named = {"one": a_part(4), "two": a_part(5)}
    fresh.grid = [[1, 2], [3, 4]]
    fresh.save(force_insert=True)
