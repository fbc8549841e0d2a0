"""Changes of upstream's next release over 0.29.3, which we follow."""

from .harness import differs, needs


def _doc(me, db):
    class Doc(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField()
        age = me.IntField()
        meta = {"indexes": ["age"]}

    Doc.ensure_indexes()
    db.insert("doc", *[{"_id": n, "name": f"d{n}", "age": n} for n in range(3)])
    db.quiet()
    return Doc


@differs("updates pass on the queryset's collation, hint and comment")
def options_of_updates(me, db):
    doc = _doc(me, db)
    doc.objects(age=1).hint("age_1").update(set__name="x")
    doc.objects(age=1).comment("why").update(set__name="y")
    doc.objects(name="D1").collation({"locale": "en", "strength": 2}).update_one(age=5)
    return db.commands()


@differs("deletes pass on the queryset's collation, hint and comment")
def options_of_deletes(me, db):
    doc = _doc(me, db)
    doc.objects(age=1).hint("age_1").delete()
    doc.objects(age=2).comment("why").delete()
    doc.objects(name="D0").collation({"locale": "en", "strength": 2}).delete()
    return db.commands()


@needs("$where")
@differs("where() counts in modify()")
def where_clauses_in_modify(me, db):
    doc = _doc(me, db)
    db.scripted({"findAndModify": {"ok": 1.0, "value": None}})
    doc.objects.where("this.age > 1").modify(set__name="x")
    return db.commands()


@differs("modify() has no full_response")
def modify_without_full_response(me, db):
    doc = _doc(me, db)
    outcome = db.error(doc.objects(id=0).modify, full_response=True, set__age=4)
    return [type(outcome).__name__, outcome[0] if isinstance(outcome, list) else "ran"]


def membership_of_generic_references(me, db):
    class Author(me.Document):
        name = me.StringField()

    class Holder(me.Document):
        any = me.GenericReferenceField()

    one, two = Author(name="1").save(), Author(name="2").save()
    Holder(any=one).save()
    return [
        db.error(lambda: Holder.objects(any__in=[one, two]).count()),
        db.error(lambda: Holder.objects(any__nin=[one]).count()),
        db.error(lambda: Holder.objects(any__in=[one])._query),
    ]


@differs("compare_indexes handles text indexes over several fields")
def comparing_text_indexes(me, db):
    class Doc(me.Document):
        title = me.StringField()
        body = me.StringField()
        meta = {"indexes": [{"fields": ["$title", "$body"]}]}

    existing = {
        "v": 2,
        "key": {"_fts": "text", "_ftsx": 1},
        "name": "title_text_body_text",
        "weights": {"body": 1, "title": 1},
        "default_language": "english",
        "textIndexVersion": 3,
    }
    rows = [{"v": 2, "key": {"_id": 1}, "name": "_id_"}, existing]
    cursor = {"id": 0, "ns": "DB.doc", "firstBatch": rows}
    db.scripted({"listIndexes": {"ok": 1.0, "cursor": cursor}})
    return Doc.compare_indexes()


@differs("clear() marks a list as changed")
def clearing_lists(me, db):
    class Doc(me.Document):
        items = me.ListField(me.IntField())

    Doc(items=[1]).save()
    loaded = Doc.objects.first()
    loaded.items.clear()
    db.quiet()
    loaded.save()
    return [loaded._get_changed_fields(), db.commands()]


def clearing_dicts(me, db):
    class Doc(me.Document):
        mapping = me.DictField()

    Doc(mapping={"a": 1}).save()
    loaded = Doc.objects.first()
    loaded.mapping.clear()
    db.quiet()
    loaded.save()
    return [loaded._get_changed_fields(), db.commands()]


@differs("LongField is an alias of IntField, and warns")
def long_fields(me, db):
    made = []
    warned = db.warned(lambda: made.append(me.LongField(min_value=1)))

    class Doc(me.Document):
        number = made[0]

    return [warned, isinstance(made[0], me.IntField), Doc(number=2**40).to_mongo()]


def long_fields_store_what_they_stored(me, db):
    class Doc(me.Document):
        number = me.LongField(max_value=2**50)

    Doc(number=2**40).save()
    return [
        db.raw("doc"),
        Doc.objects(number__gt=2**39).count(),
        db.error(Doc(number=2**51).validate),
        db.error(Doc(number="x").validate),
    ]
