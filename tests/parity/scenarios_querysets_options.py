"""The options of a query, as they reach the server."""

from pymongo import ReadPreference

from .harness import needs


def _doc(me, db, count=3):
    class Doc(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField(db_field="n")
        age = me.IntField()
        meta = {"indexes": ["age"]}

    Doc.ensure_indexes()
    db.insert("doc", *[{"_id": n, "n": f"d{n}", "age": n} for n in range(count)])
    db.quiet()
    return Doc


def hints(me, db):
    doc = _doc(me, db)
    return [
        [d.id for d in doc.objects.hint("age_1")],
        [d.id for d in doc.objects.hint([("age", 1)])],
        [d.id for d in doc.objects.hint("age_1").hint()],
        doc.objects.hint([("age", 1)]).first().id,
        db.commands(),
    ]


def comments(me, db):
    doc = _doc(me, db)
    return [
        len(list(doc.objects.comment("why"))),
        doc.objects.comment("why").first().id,
        doc.objects.comment("why").get(id=1).id,
        db.commands(),
    ]


def collations(me, db):
    doc = _doc(me, db)
    from pymongo.collation import Collation

    return [
        len(list(doc.objects.collation({"locale": "en", "strength": 2}))),
        len(list(doc.objects.collation(Collation("en")))),
        doc.objects.collation({"locale": "en"}).order_by("name").first().id,
        doc.objects.collation({"locale": "en"}).filter(name="d1").count(),
        db.commands(),
    ]


def time_limits(me, db):
    doc = _doc(me, db)
    return [
        len(list(doc.objects.max_time_ms(1000))),
        doc.objects.max_time_ms(1000).first().id,
        len(list(doc.objects.max_time_ms(None))),
        db.commands(),
    ]


def batch_sizes(me, db):
    doc = _doc(me, db, 7)
    return [
        len(list(doc.objects.batch_size(3))),
        len(list(doc.objects.batch_size(100))),
        db.error(lambda: list(doc.objects.batch_size(-1))),
        db.commands(),
    ]


def disk_use(me, db):
    doc = _doc(me, db)
    return [
        len(list(doc.objects.allow_disk_use(True).order_by("name"))),
        len(list(doc.objects.allow_disk_use(False).order_by("name"))),
        db.commands(),
    ]


def timeouts_and_snapshots(me, db):
    doc = _doc(me, db)
    return [
        len(list(doc.objects.timeout(False))),
        len(list(doc.objects.timeout(True))),
        db.error(lambda: len(list(doc.objects.snapshot(True)))),
        db.warned(lambda: doc.objects.snapshot(True)),
        db.commands(),
    ]


def read_preferences(me, db):
    doc = _doc(me, db)
    nearest = doc.objects.read_preference(ReadPreference.NEAREST)
    return [
        len(list(nearest)),
        nearest.first().id,
        nearest.filter(id=1).count(),
        nearest._read_preference.mongos_mode,
        nearest.clone()._read_preference.mongos_mode,
        db.error(doc.objects.read_preference, "bad"),
        db.error(doc.objects.read_preference, None),
        db.commands(),
    ]


def read_concerns(me, db):
    doc = _doc(me, db)
    return [
        len(list(doc.objects.read_concern({"level": "local"}))),
        doc.objects.read_concern({"level": "majority"}).first().id,
        doc.objects.read_concern({"level": "local"}).filter(id=1).count(),
        len(list(doc.objects.read_concern(None))),
        db.error(doc.objects.read_concern, "bad"),
        doc.objects.read_concern({"level": "local"})._read_concern.document,
        db.commands(),
    ]


def options_are_combined(me, db):
    doc = _doc(me, db)
    people = (
        doc.objects(age__gte=0)
        .order_by("-age")
        .skip(1)
        .limit(2)
        .only("name")
        .hint("age_1")
        .comment("c")
        .max_time_ms(900)
        .batch_size(2)
    )
    return [[d.id for d in people], db.commands(), people._cursor_args]


def cursor_arguments(me, db):
    doc = _doc(me, db)
    shown = []
    for queryset in (
        doc.objects,
        doc.objects.only("name"),
        doc.objects.timeout(False),
        doc.objects.order_by("-age"),
        doc.objects(age=1).limit(2),
    ):
        shown.append([queryset._cursor_args, queryset._query, queryset._ordering])
    return shown


def explaining(me, db):
    doc = _doc(me, db)
    explained = doc.objects(age=1).explain()
    return [type(explained), "queryPlanner" in explained, db.commands()]


@needs("text search")
def searching_text(me, db):
    class Doc(me.Document):
        title = me.StringField()
        body = me.StringField(db_field="b")
        meta = {"indexes": [{"fields": ["$title", "$body"], "weights": {"title": 9}}]}

    batch = [{"_id": None, "title": "found", "_text_score": 1.5}]
    reply = {"ok": 1.0, "cursor": {"id": 0, "ns": "db.doc", "firstBatch": batch}}
    db.scripted({"find": reply})
    found = list(Doc.objects.search_text("word"))
    with_score = list(Doc.objects.search_text("word", text_score=True))
    scores = [db.error(d.get_text_score) for d in found + with_score]
    ordered = list(Doc.objects.search_text("word").order_by("$text_score"))
    other = list(Doc.objects.search_text("word", language="de", text_score=False))
    Doc.objects(title="x").search_text("word").order_by("title").limit(2).first()
    Doc.objects.search_text("word").count()
    return [
        scores,
        len(ordered),
        len(other),
        db.error(Doc.objects.search_text("a").search_text, "b"),
        db.commands(),
        Doc._meta["index_specs"],
    ]


@needs("$where")
def javascript_conditions(me, db):
    class Part(me.EmbeddedDocument):
        x = me.IntField(db_field="ex")

    class Doc(me.Document):
        name = me.StringField(db_field="n")
        age = me.IntField()
        part = me.EmbeddedDocumentField(Part, db_field="p")

    db.scripted()
    list(Doc.objects.where("this.age > 3"))
    list(Doc.objects(name="a").where("this[~name] == 'a' || ~part.x > 3"))
    Doc.objects(name="a").where("this.age > 3").count()
    Doc.objects.where("this.age > 3").first()
    return db.commands()


def write_concerns_of_querysets(me, db):
    doc = _doc(me, db)
    doc.objects(id=0).update(set__age=5, write_concern={"w": 1, "j": True})
    doc.objects(id=0).update_one(set__age=5, write_concern={"w": 1})
    doc.objects(id=0).delete(write_concern={"w": 1})
    doc.objects.insert(doc(id=50), write_concern={"w": 1})
    return db.commands()


def batch_size_and_limit_together(me, db):
    doc = _doc(me, db, 9)
    return [
        len(list(doc.objects.batch_size(2).limit(5))),
        len(list(doc.objects.limit(5).batch_size(10))),
        db.commands(),
    ]


def hints_on_writes(me, db):
    doc = _doc(me, db)
    doc.objects(age=1).hint("age_1").first()
    doc.objects(age=1).hint("age_1").modify(set__name="x")
    return db.commands()


def options_survive_cloning(me, db):
    doc = _doc(me, db)
    queryset = (
        doc.objects.hint("age_1")
        .comment("c")
        .collation({"locale": "en"})
        .batch_size(5)
        .allow_disk_use(True)
        .timeout(False)
        .max_time_ms(40)
    )
    cloned = queryset.clone().filter(age__gte=0).order_by("age")
    return [
        cloned._hint,
        cloned._comment,
        cloned._collation,
        cloned._batch_size,
        cloned._timeout if hasattr(cloned, "_timeout") else None,
        cloned._max_time_ms if hasattr(cloned, "_max_time_ms") else None,
    ]
