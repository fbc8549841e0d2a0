"""Builders of querysets, and the commands that result from them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from bson.code import Code
from pymongo import ReadPreference
from pymongo.collation import Collation
from pymongo.read_concern import ReadConcern

from mongoengine import (
    ConnectionFailure,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    OperationError,
    Q,
    QuerySet,
    StringField,
    connect,
    queryset_manager,
)
from mongoengine.context_managers import (
    no_sub_classes,
    switch_collection,
    switch_db,
)
from mongoengine.errors import LookUpError
from mongoengine.queryset.base import BaseQuerySet
from tests.families import Family, SentCommands
from tests.queryset.models import QSAddress, QSAnimal, QSDog, QSPerson, QSRanked


async def find_command(family: Family, queryset: Any) -> dict[str, Any]:
    """Return what a loop over the queryset sends."""
    await family.loop(queryset)
    (command,) = family.commands
    return {k: v for k, v in command.items() if k not in ("find", "filter")}


class QSPart(EmbeddedDocument):
    inner = EmbeddedDocumentField("self")
    meta = {"allow_inheritance": True}


class QSPainted(QSPart):
    paint = StringField()


class QSHouse(Document):
    name = StringField()
    one = EmbeddedDocumentField(QSPart)
    many = ListField(EmbeddedDocumentField(QSPart))
    named = MapField(EmbeddedDocumentField(QSPart))
    generic = GenericEmbeddedDocumentField(choices=[QSPainted])
    plain = EmbeddedDocumentField(QSAddress)


@pytest.mark.parametrize(
    "build, expected",
    [
        (lambda qs: qs.order_by("-name", "+age"), {"sort": {"name": -1, "age": 1}}),
        (lambda qs: qs.order_by("nick"), {"sort": {"n": 1}}),
        (lambda qs: qs.order_by("-pk"), {"sort": {"_id": -1}}),
        (lambda qs: qs.order_by("address__city"), {"sort": {"address.c": 1}}),
        (lambda qs: qs.order_by("nothing"), {"sort": {"nothing": 1}}),
        (lambda qs: qs.order_by("name").order_by(), {}),
        (lambda qs: qs.order_by(__raw__=[("x", -1)]), {"sort": {"x": -1}}),
        (lambda qs: qs.order_by(__raw__={"x": -1}), {"sort": {"x": -1}}),
        (lambda qs: qs.skip(1).limit(2), {"skip": 1, "limit": 2}),
        (lambda qs: qs.limit(-2), {"limit": 2, "singleBatch": True}),
        (lambda qs: qs.only("name", "nick"), {"projection": {"name": 1, "n": 1}}),
        (lambda qs: qs.only("address.city"), {"projection": {"address.c": 1}}),
        (lambda qs: qs.only("address__city"), {"projection": {"address.c": 1}}),
        (
            lambda qs: qs.only("name").only("age"),
            {"projection": {"name": 1, "age": 1}},
        ),
        (lambda qs: qs.only("name", "age").exclude("age"), {"projection": {"name": 1}}),
        (lambda qs: qs.exclude("name").only("age"), {"projection": {"age": 1}}),
        (lambda qs: qs.exclude("name", "tags"), {"projection": {"name": 0, "tags": 0}}),
        (lambda qs: qs.only("name").all_fields(), {}),
        (lambda qs: qs.fields(id=0, name=1), {"projection": {"_id": 0, "name": 1}}),
        (
            lambda qs: qs.fields(slice__tags=[0, 1], name=1),
            {"projection": {"name": 1, "tags": {"$slice": [0, 1]}}},
        ),
        (
            lambda qs: qs.fields(elemMatch__addresses={"zip_code": 1}),
            {"projection": {"addresses": {"$elemMatch": {"zip_code": 1}}}},
        ),
        (lambda qs: qs.hint("_id_"), {"hint": "_id_"}),
        (lambda qs: qs.hint([("_id", 1)]), {"hint": {"_id": 1}}),
        (lambda qs: qs.hint("_id_").hint(), {}),
        (lambda qs: qs.collation({"locale": "en"}), {"collation": {"locale": "en"}}),
        (lambda qs: qs.collation(Collation("fr")), {"collation": {"locale": "fr"}}),
        (lambda qs: qs.collation({"locale": "en"}).collation(), {}),
        (lambda qs: qs.comment("why"), {"comment": "why"}),
        (lambda qs: qs.batch_size(50), {"batchSize": 50}),
        (lambda qs: qs.max_time_ms(900), {"maxTimeMS": 900}),
        (lambda qs: qs.max_time_ms(900).filter(), {"maxTimeMS": 900}),
        (lambda qs: qs.allow_disk_use(True), {"allowDiskUse": True}),
        (lambda qs: qs.timeout(False), {"noCursorTimeout": True}),
        (
            lambda qs: qs.read_concern({"level": "local"}),
            {"readConcern": {"level": "local"}},
        ),
    ],
)
async def test_options_of_find(
    family: Family, build: Any, expected: dict[str, Any]
) -> None:
    assert await find_command(family, build(QSPerson.objects)) == expected


async def test_default_ordering(family: Family) -> None:
    assert await find_command(family, QSRanked.objects) == {"sort": {"name": -1}}
    assert await find_command(family, QSRanked.objects.order_by()) == {}
    ordered = await find_command(family, QSRanked.objects.order_by("name"))
    assert ordered == {"sort": {"name": 1}}


def test_read_preference_reaches_the_command(
    connection: Any, sent_commands: SentCommands
) -> None:
    preference = ReadPreference.SECONDARY_PREFERRED
    list(QSPerson.objects.read_preference(preference))
    QSPerson.objects.read_preference(preference).count()
    assert [event.command["$readPreference"] for event in sent_commands.events] == [
        {"mode": "secondaryPreferred"}
    ] * 2


@pytest.mark.parametrize(
    "build, error",
    [
        (lambda qs: qs.read_preference("x"), TypeError),
        (lambda qs: qs.read_concern("x"), TypeError),
        (lambda qs: qs.read_concern(ReadConcern("local")), TypeError),
        (lambda qs: qs.collation("x"), TypeError),
        (lambda qs: qs.max_time_ms("x"), TypeError),
        (lambda qs: qs.only("nothing"), LookUpError),
        (lambda qs: qs.exclude("nothing"), LookUpError),
        (lambda qs: qs.fields(slice__nothing=1), LookUpError),
        (lambda qs: qs.scalar("nothing"), LookUpError),
        (lambda qs: qs.where("this[~nothing]"), LookUpError),
        (lambda qs: qs.using("nothing"), ConnectionFailure),
    ],
)
def test_mistakes_are_told_at_once(build: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        build(QSPerson.objects)


def test_chaining_leaves_the_queryset_as_it_was() -> None:
    queryset = QSPerson.objects(name="ann")
    before = dict(vars(queryset))
    queryset.filter(age=1).limit(2).skip(1).order_by("age").only("name").scalar("age")
    queryset.none()
    assert vars(queryset) == before


@pytest.mark.parametrize(
    "build, query",
    [
        (lambda: QSPerson.objects(name="a"), {"name": "a"}),
        (lambda: QSPerson.objects(name="a").filter(age=2), {"name": "a", "age": 2}),
        (
            lambda: QSPerson.objects(name="a").filter(name="b"),
            {"$and": [{"name": "a"}, {"name": "b"}]},
        ),
        (lambda: QSPerson.objects(Q(name="a"), age=3), {"name": "a", "age": 3}),
        (lambda: QSPerson.objects(None), {}),
        (lambda: QSPerson.objects(q_obj=Q(nick="a")), {"n": "a"}),
        (lambda: QSAnimal.objects, {"_cls": {"$in": ("QSAnimal", "QSAnimal.QSDog")}}),
        (lambda: QSDog.objects(name="d"), {"name": "d", "_cls": "QSAnimal.QSDog"}),
        (lambda: QSAnimal.objects.no_sub_classes(), {"_cls": "QSAnimal"}),
        (lambda: QSDog.objects.clear_cls_query(), {}),
        (lambda: QSPerson.objects.search_text("a"), {"$text": {"$search": "a"}}),
        (
            lambda: QSPerson.objects(age=2).search_text("a", language="en"),
            {"$text": {"$search": "a", "$language": "en"}, "age": 2},
        ),
    ],
)
def test_filters(build: Any, query: dict[str, Any]) -> None:
    assert build()._query == query


@pytest.mark.usefixtures("connection")
def test_the_filter_is_made_once() -> None:
    queryset = QSPerson.objects(name="a")
    assert queryset._query is queryset._query
    assert queryset.limit(1)._mongo_query == {"name": "a"}
    assert queryset.limit(1)._mongo_query is not queryset._mongo_query
    assert queryset.filter(age=1)._mongo_query is None


def test_text_search() -> None:
    queryset = QSPerson.objects.search_text("a")
    score = {"_text_score": {"$meta": "textScore"}}
    assert queryset._cursor_args == {"projection": score}
    assert queryset.order_by("$text_score")._ordering == list(score.items())
    with pytest.raises(OperationError, match="not possible to use search_text two"):
        queryset.search_text("b")


async def test_where_names_fields(family: Family) -> None:
    queryset = QSPerson.objects(age=1).where("this[~nick] == this[~address.city]")
    assert queryset._where_clause == 'this["n"] == this["c"]'
    assert await family.loop(queryset) == []
    assert family.commands[0]["filter"] == {
        "age": 1,
        "$where": Code('this["n"] == this["c"]'),
    }


def test_javascript_names_paths() -> None:
    assert QSPerson.objects._sub_js_fields("{{~address.city}} ~nick") == (
        "address.c ~nick"
    )


def test_snapshot_is_deprecated(connection: Any) -> None:
    with pytest.warns(DeprecationWarning, match="snapshot is deprecated"):
        queryset = QSPerson.objects.snapshot(True)
    with pytest.warns(DeprecationWarning, match="snapshot option is not anymore"):
        assert queryset._cursor_args == {}


def test_from_json_saves_nothing() -> None:
    (person,) = QSPerson.objects.from_json('[{"name": "zoe", "n": "Z"}]')
    assert (person.name, person.nick, person._created) == ("zoe", "Z", False)
    with pytest.raises(ValueError, match="needs to be of type 'dict'"):
        QSPerson.objects.from_json('{"name": "zoe"}')


# targets


@pytest.fixture
def other(settings: dict[str, Any]) -> str:
    """Another alias, with its own database."""
    connect(**{**settings, "name": settings["name"] + "_other"}, alias="other")
    return settings["name"] + "_other"


def test_using_another_alias(connection: Any, other: str, people: Any) -> None:
    queryset = QSPerson.objects.using("other")
    assert queryset.limit(1)._collection.database.name == other
    assert queryset.count() == 0
    assert QSPerson.objects.count() == 5
    queryset.insert(QSPerson(name="flo"), load_bulk=False)
    assert queryset.scalar("name").first() == "flo"


def test_the_target_is_fixed_when_the_queryset_is_made(
    connection: Any, other: str, people: Any
) -> None:
    before = QSPerson.objects
    with switch_db(QSPerson, "other"), switch_collection(QSPerson, "elsewhere"):
        inside = QSPerson.objects
        assert before.count() == 5
        inside.insert(QSPerson(name="flo"), load_bulk=False)
    assert inside.count() == 1
    assert inside.filter(name="flo")._collection.full_name == f"{other}.elsewhere"
    assert QSPerson.objects.count() == 5


def test_a_given_collection(connection: Any, people: Any) -> None:
    people.elsewhere.insert_one({"name": "flo"})
    queryset: QuerySet[QSPerson] = QuerySet(QSPerson, connection[people.name].elsewhere)
    assert queryset.filter(name="flo").count() == 1
    assert queryset._collection.name == "elsewhere"


async def test_a_given_collection_in_the_other_family(both: Any, people: Any) -> None:
    people.elsewhere.insert_one({"name": "flo"})
    for client in both:
        queryset: Any = QuerySet(QSPerson, client[people.name].elsewhere)
        assert queryset.scalar("name").first() == "flo"
        assert await queryset.async_count() == 1


def test_collection_is_the_blocking_one(connection: Any, people: Any) -> None:
    assert QSPerson.objects._collection.full_name == f"{people.name}.person"
    assert QSPerson.objects._collection_obj == QSPerson._get_collection()


def test_no_sub_classes_block(connection: Any) -> None:
    with no_sub_classes(QSAnimal):
        inside = QSAnimal.objects
    assert inside._query == {"_cls": "QSAnimal"}
    assert "$in" in QSAnimal.objects._query["_cls"]


# classes of one's own


class Adults(QuerySet[Any]):
    """With a method more, and a constructor of its own."""

    def __init__(self, document: Any, collection: Any) -> None:
        super().__init__(document, collection)
        self.made = True

    def adults(self) -> Adults:
        return self.filter(age__gt=21)


class QSGrown(Document):
    age = IntField()
    name = IntField()
    meta = {"collection": "person", "queryset_class": Adults, "strict": False}

    @queryset_manager
    def oldest(doc_cls, queryset):  # type: ignore[no-untyped-def]
        return queryset.order_by("-age").limit(1)


async def test_a_queryset_class_of_ones_own(family: Family, people: Any) -> None:
    queryset: Any = QSGrown.objects
    assert isinstance(queryset, Adults)
    narrowed = queryset.adults().only("age")
    assert isinstance(narrowed, Adults) and narrowed.made
    assert await family(narrowed, "count") == 3
    assert [one.age for one in await family.loop(QSGrown.oldest)] == [24]


async def test_cloning_into_another_class(family: Family, people: Any) -> None:
    target: Any = QuerySet(QSPerson, None)
    made = QSPerson.objects(age__gt=22).only("name")._clone_into(target)
    assert made is target
    assert [one.name for one in await family.loop(made)] == ["dan", "eve"]
    with pytest.raises(OperationError, match="is not a subclass of BaseQuerySet"):
        QSPerson.objects._clone_into(object())


def test_pickled_querysets_ask_the_same(connection: Any, people: Any) -> None:
    queryset = QSPerson.objects(age__gt=21).order_by("-age").only("name").skip(1)
    again = pickle.loads(pickle.dumps(queryset))
    assert [one.name for one in again] == ["dan", "cid"]


def test_every_queryset_is_a_base_queryset() -> None:
    assert isinstance(QSPerson.objects, BaseQuerySet)
    assert isinstance(QSPerson.objects.no_cache(), BaseQuerySet)


def test_only_of_an_embedded_field_reads_the_class(connection: Any) -> None:
    for name, projection in {
        "one.paint": {"one.paint": 1, "one._cls": 1},
        "one.inner.paint": {"one.inner.paint": 1, "one._cls": 1, "one.inner._cls": 1},
        "many.paint": {"many.paint": 1, "many._cls": 1},
        "many.0.paint": {"many.0.paint": 1, "many._cls": 1},
        "named.door.paint": {"named.door.paint": 1, "named.door._cls": 1},
        "generic.paint": {"generic.paint": 1, "generic._cls": 1},
        "plain.city": {"plain.c": 1},
        "one": {"one": 1},
    }.items():
        queryset = QSHouse.objects.only(name)
        assert queryset._cursor_args == {"projection": projection}
    assert "one._cls" not in QSHouse.objects.exclude("one.paint")._cursor_args


def test_exclude_takes_the_class_away_again() -> None:
    queryset = QSHouse.objects.only("one.paint", "name").exclude("one.paint")
    assert queryset._cursor_args == {"projection": {"name": 1}}
    assert QSHouse.objects.only("one.paint").all_fields()._cursor_args == {}
