"""Aggregation, sums, averages, frequencies, map-reduce and JavaScript."""

from .harness import differs, needs


def _people(me, db, **meta_keys):
    class Person(me.Document):
        id = me.IntField(primary_key=True)
        name = me.StringField(db_field="n")
        age = me.IntField(db_field="a")
        tags = me.ListField(me.StringField())
        meta = meta_keys

    Person.objects.insert(
        [
            Person(id=n, name=f"p{n % 2}", age=n * 10, tags=["x", f"t{n}"])
            for n in range(4)
        ]
    )
    db.quiet()
    return Person


def pipelines(me, db):
    person = _people(me, db)
    pipeline = [{"$match": {"a": {"$gt": 5}}}, {"$sort": {"_id": 1}}]
    group = [{"$group": {"_id": "$n", "sum": {"$sum": "$a"}}}, {"$sort": {"_id": 1}}]
    return [
        list(person.objects.aggregate(pipeline)),
        list(person.objects.aggregate(group)),
        list(person.objects(age__gt=15).aggregate(group)),
        list(person.objects.aggregate([])),
        type(person.objects.aggregate(group)).__name__,
        db.commands(),
    ]


def queryset_parts_become_stages(me, db):
    person = _people(me, db)
    people = person.objects(age__gte=0)
    group = [{"$group": {"_id": None, "n": {"$sum": 1}}}]
    return [
        list(people.order_by("-age").aggregate(group)),
        list(people.skip(1).limit(2).aggregate(group)),
        list(people.only("name").aggregate(group)),
        list(people.exclude("name").aggregate([{"$sort": {"_id": 1}}])),
        list(people[1:3].aggregate(group)),
        list(people.order_by("-age", "name")[1:].aggregate(group)),
        db.commands(),
    ]


def options_of_aggregations(me, db):
    person = _people(me, db)
    person.create_index(["age"])
    db.quiet()
    group = [{"$match": {"a": 10}}]
    return [
        len(list(person.objects.aggregate(group, allowDiskUse=True))),
        len(list(person.objects.aggregate(group, batchSize=5))),
        len(list(person.objects.aggregate(group, maxTimeMS=500))),
        len(list(person.objects.aggregate(group, comment="c"))),
        db.error(lambda: list(person.objects.aggregate(group, nonsense=5))),
        db.commands(),
    ]


@differs("collation, hint and comment of the queryset are passed on, as upstream will")
def queryset_options_reach_aggregations(me, db):
    person = _people(me, db)
    group = [{"$match": {"a": 10}}]
    list(person.objects.collation({"locale": "en"}).aggregate(group))
    list(person.objects.comment("c").aggregate(group))
    list(person.objects.hint("_id_").aggregate(group))
    return db.commands()


@differs("aggregate takes only a list, as in upstream's next release")
def several_pipeline_arguments(me, db):
    person = _people(me, db)
    one, two = {"$match": {"a": 10}}, {"$sort": {"_id": 1}}
    return [
        db.error(lambda: list(person.objects.aggregate(one, two))),
        db.error(lambda: list(person.objects.aggregate(one))),
        db.error(lambda: list(person.objects.aggregate())),
        db.error(lambda: list(person.objects.aggregate((one, two)))),
    ]


@needs("$geoNear")
@differs("$geoNear and $collStats stay first, as in upstream's next release")
def stages_that_must_come_first(me, db):
    class Place(me.Document):
        name = me.StringField()

    db.scripted()
    near = {"$geoNear": {"near": [1, 2], "distanceField": "d"}}
    list(Place.objects(name="x").aggregate([near]))
    list(Place.objects(name="x").aggregate([{"$collStats": {}}, {"$limit": 1}]))
    return db.commands()


def aggregations_of_subclasses(me, db):
    class Base(me.Document):
        name = me.StringField()
        meta = {"allow_inheritance": True}

    class Child(Base):
        pass

    Base(name="b").save()
    Child(name="c").save()
    db.quiet()
    group = [{"$group": {"_id": None, "n": {"$sum": 1}}}]
    return [
        list(Base.objects.aggregate(group)),
        list(Child.objects.aggregate(group)),
        list(Base.objects.no_sub_classes().aggregate(group)),
        db.commands(),
    ]


def aggregations_and_default_order(me, db):
    person = _people(me, db, ordering=["-age"])
    list(person.objects.aggregate([{"$limit": 1}]))
    list(person.objects.order_by("name").aggregate([{"$limit": 1}]))
    return db.commands()


def aggregations_of_nothing(me, db):
    person = _people(me, db)
    none = person.objects.none()
    return [
        db.error(lambda: list(none.aggregate([{"$limit": 1}]))),
        list(person.objects(id=99).aggregate([{"$limit": 1}])),
        db.commands(),
    ]


def aggregations_of_empty_slices(me, db):
    person = _people(me, db)
    return [list(person.objects[2:2].aggregate([{"$limit": 1}])), db.commands()]


@differs("an empty slice at the front has no rows, where the server refused it")
def aggregations_of_empty_slices_at_the_front(me, db):
    person = _people(me, db)
    return db.error(lambda: list(person.objects[:0].aggregate([{"$limit": 1}])))


def sums(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Doc(me.Document):
        number = me.IntField(db_field="nu")
        real = me.FloatField()
        numbers = me.ListField(me.IntField())
        part = me.EmbeddedDocumentField(Part)
        name = me.StringField()

    Doc(number=1, real=1.5, numbers=[1, 2], part=Part(n=3), name="a").save()
    Doc(number=2, real=2.5, numbers=[3], part=Part(n=4)).save()
    Doc().save()
    db.quiet()
    return [
        Doc.objects.sum("number"),
        Doc.objects.sum("real"),
        Doc.objects.sum("numbers"),
        Doc.objects.sum("part.n"),
        Doc.objects.sum("name"),
        Doc.objects(number=2).sum("number"),
        Doc.objects(number=99).sum("number"),
        db.error(Doc.objects.sum, "nope"),
        Doc.objects.order_by("number").limit(1).sum("number"),
        db.commands(),
    ]


def averages(me, db):
    class Part(me.EmbeddedDocument):
        n = me.IntField(db_field="x")

    class Doc(me.Document):
        number = me.IntField(db_field="nu")
        numbers = me.ListField(me.IntField())
        part = me.EmbeddedDocumentField(Part)

    Doc(number=1, numbers=[1, 2], part=Part(n=3)).save()
    Doc(number=2, numbers=[3], part=Part(n=4)).save()
    db.quiet()
    return [
        Doc.objects.average("number"),
        Doc.objects.average("numbers"),
        Doc.objects.average("part.n"),
        Doc.objects(number=99).average("number"),
        db.error(Doc.objects.average, "nope"),
        db.commands(),
    ]


def _frequency_reply(*rows):
    results = [{"_id": key, "value": value} for key, value in rows]
    return {"ok": 1.0, "results": results}


@needs("mapReduce")
@differs("MongoDB has deprecated mapReduce, and removed eval: by an aggregation")
def item_frequencies(me, db):
    person = _people(me, db)
    db.scripted({"mapReduce": _frequency_reply(("x", 4.0), ("t1", 1.0), (None, 2.0))})
    plain = person.objects.item_frequencies("tags", map_reduce=True)
    normal = person.objects.item_frequencies("tags", normalize=True, map_reduce=True)
    person.objects(age__gt=5).item_frequencies("name", map_reduce=True)
    return [plain, normal, [_shape(c) for c in db.commands()]]


@needs("$function and exec_js")
@differs("MongoDB has deprecated mapReduce, and removed eval: by an aggregation")
def item_frequencies_by_javascript(me, db):
    person = _people(me, db)
    reply = {"ok": 1.0, "retval": [3.0, {"x": 2.0, "y": 1.0}, ["x", "y"]]}
    db.scripted({"eval": reply, "$eval": reply})
    return [
        db.error(person.objects.item_frequencies, "tags", map_reduce=False),
        db.error(
            person.objects.item_frequencies, "tags", normalize=True, map_reduce=False
        ),
        [sorted(c) for c in db.commands()],
    ]


@needs("mapReduce")
def map_reduce(me, db):
    person = _people(me, db)
    results = [{"_id": 1, "value": 2.0}, {"_id": 3, "value": 4.0}]
    rows = {"ok": 1.0, "results": results, "result": "out"}
    db.scripted({"mapReduce": rows, "find": _one_batch({"_id": 1, "value": 2.0})})
    inline = person.objects(age__gt=5).map_reduce(
        "function() { emit(this[~name], 1); }",
        "function(key, values) { return 1; }",
        "inline",
    )
    shown = [[r.key, r.value, type(r)] for r in inline]
    limited = list(person.objects.limit(2).map_reduce("f", "g", "inline", limit=1))
    scoped = list(
        person.objects.order_by("age").map_reduce(
            "f", "g", "inline", finalize_f="h", scope={"a": 1}
        )
    )
    stored = list(person.objects.map_reduce("f", "g", "out"))
    merged = [
        db.error(lambda o=o: list(person.objects.map_reduce("f", "g", o)))
        for o in ({"merge": "m"}, {"replace": "r", "db_alias": "default"}, {"bad": "x"})
    ]
    return [
        shown,
        len(limited),
        len(scoped),
        len(stored),
        merged,
        [_shape(c) for c in db.commands()],
    ]


def _one_batch(*documents):
    cursor = {"id": 0, "ns": "db.c", "firstBatch": list(documents)}
    return {"ok": 1.0, "cursor": cursor}


def _shape(command):
    """A command without the text of its JavaScript, which is each library's own."""
    code = ("map", "reduce", "finalize")
    return {k: ("code" if k in code else v) for k, v in command.items()}


@needs("eval")
def javascript(me, db):
    class Part(me.EmbeddedDocument):
        x = me.IntField(db_field="ex")

    class Doc(me.Document):
        name = me.StringField(db_field="n")
        part = me.EmbeddedDocumentField(Part, db_field="p")

    reply = {"ok": 1.0, "retval": 5.0}
    db.scripted({"eval": reply, "$eval": reply})
    code = "return db[collection].find(query).length + ~part.x + this[~name];"
    return [
        db.error(Doc.objects(name="a").exec_js, code),
        db.error(Doc.objects.exec_js, code, "name", "part.x"),
        db.error(Doc.objects.exec_js, "return 1", option=3),
        db.commands(),
    ]


def results_of_map_reduce_documents(me, db):
    class Doc(me.Document):
        id = me.IntField(primary_key=True)

    class ByObjectId(me.Document):
        pass

    Doc(id=3).save()
    saved = ByObjectId().save()
    collection = Doc._get_collection()
    one = me.MapReduceDocument(Doc, collection, 3, 1.0)
    text = me.MapReduceDocument(ByObjectId, collection, str(saved.id), 1.0)
    wrong = me.MapReduceDocument(ByObjectId, collection, "nope", 1.0)
    return [
        one.object,
        text.object == saved,
        db.error(lambda: wrong.object),
        [one.key, one.value],
    ]
