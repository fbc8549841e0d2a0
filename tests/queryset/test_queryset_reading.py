"""Reading documents through a queryset, in either family."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    InvalidQueryError,
    Q,
    StringField,
)
from mongoengine.errors import LookUpError, OperationError
from tests.families import Family
from tests.queryset.models import (
    NAMES,
    QSAddress,
    QSAnimal,
    QSBook,
    QSDog,
    QSPerson,
    QSRanked,
    QSSlug,
    oid,
)

pytestmark = pytest.mark.usefixtures("people")


# first


async def test_first_reads_one_document(family: Family) -> None:
    found = await family(QSPerson.objects(age__gt=20), "first")
    assert found.name == "bob"
    assert family.commands == [
        {
            "find": "person",
            "filter": {"age": {"$gt": 20}},
            "limit": 1,
            "singleBatch": True,
        }
    ]


async def test_first_is_none_where_nothing_matches(family: Family) -> None:
    assert await family(QSPerson.objects(name="zoe"), "first") is None


async def test_first_heeds_skip_and_order(family: Family) -> None:
    found = await family(QSPerson.objects.order_by("-age").skip(1), "first")
    assert found.name == "dan"


async def test_first_of_nothing_sends_nothing(family: Family) -> None:
    assert await family(QSPerson.objects.none(), "first") is None
    assert await family(QSPerson.objects[2:2], "first") is None
    assert family.commands == []


async def test_first_sends_the_options(family: Family) -> None:
    queryset = (
        QSPerson.objects.hint("_id_")
        .comment("why")
        .max_time_ms(4000)
        .batch_size(3)
        .collation({"locale": "en"})
    )
    await family(queryset, "first")
    (command,) = family.commands
    assert command["hint"] == "_id_"
    assert command["comment"] == "why"
    assert command["maxTimeMS"] == 4000
    assert command["batchSize"] == 3
    assert command["collation"] == {"locale": "en"}


# get


async def test_get_reads_two_at_most(family: Family) -> None:
    assert (await family(QSPerson.objects, "get", name="bob")).age == 21
    assert family.commands == [
        {"find": "person", "filter": {"name": "bob"}, "limit": 2}
    ]


async def test_get_takes_a_query_object(family: Family) -> None:
    found = await family(QSPerson.objects, "get", Q(name="bob") | Q(name="rob"))
    assert found.name == "bob"


async def test_get_ignores_the_default_ordering(family: Family, people: Any) -> None:
    people.ranked.insert_one({"name": "a"})
    await family(QSRanked.objects, "get")
    assert family.commands[-1] == {"find": "ranked", "filter": {}, "limit": 2}


async def test_get_of_none_raises_the_documents_own_error(family: Family) -> None:
    with pytest.raises(QSPerson.DoesNotExist) as caught:
        await family(QSPerson.objects, "get", name="zoe")
    assert str(caught.value) == "QSPerson matching query does not exist."


async def test_get_of_several_raises_the_documents_own_error(family: Family) -> None:
    with pytest.raises(QSPerson.MultipleObjectsReturned) as caught:
        await family(QSPerson.objects, "get")
    assert str(caught.value) == "2 or more items returned, instead of 1"


async def test_get_leaves_the_queryset_as_it_was(family: Family) -> None:
    queryset = QSPerson.objects(age__gt=20)
    await family(queryset, "get", name="bob")
    assert queryset._query == {"age": {"$gt": 20}}


# with_id and in_bulk


async def test_with_id(family: Family) -> None:
    assert (await family(QSPerson.objects, "with_id", oid(2))).name == "bob"
    assert (await family(QSPerson.objects, "with_id", str(oid(2)))).name == "bob"
    assert await family(QSPerson.objects, "with_id", oid(99)) is None


async def test_with_id_refuses_a_filtered_queryset(family: Family) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        await family(QSPerson.objects(name="bob"), "with_id", oid(2))
    assert str(caught.value) == "Cannot use a filter whilst using `with_id`"


async def test_in_bulk_gives_documents_by_id(family: Family) -> None:
    found = await family(QSPerson.objects, "in_bulk", [oid(3), oid(1), oid(99)])
    assert {key: person.name for key, person in found.items()} == {
        oid(1): "ann",
        oid(3): "cid",
    }
    (command,) = family.commands
    assert command["filter"] == {"_id": {"$in": [oid(3), oid(1), oid(99)]}}


async def test_in_bulk_gives_what_the_queryset_gives(family: Family) -> None:
    names = await family(QSPerson.objects.scalar("name"), "in_bulk", [oid(1)])
    assert names == {oid(1): "ann"}
    raws = await family(QSPerson.objects.as_pymongo(), "in_bulk", [oid(1)])
    assert raws[oid(1)]["n"] == "ANN"


async def test_in_bulk_by_any_primary_key(family: Family, people: Any) -> None:
    people.slug.insert_one({"_id": "a", "number": 1})
    found = await family(QSSlug.objects, "in_bulk", ["a"])
    assert found["a"].number == 1


# exists and count


async def test_exists_reads_one_id(family: Family) -> None:
    assert await family(QSPerson.objects(name="bob"), "exists") is True
    (command,) = family.commands
    assert command["projection"] == {"_id": 1}
    assert command["limit"] == 1
    assert await family(QSPerson.objects(name="zoe"), "exists") is False


async def test_exists_heeds_skip_and_none(family: Family) -> None:
    assert await family(QSPerson.objects.skip(4), "exists")
    assert not await family(QSPerson.objects.skip(5), "exists")
    assert not await family(QSPerson.objects.none(), "exists")


async def test_count_without_a_filter_asks_for_the_metadata(family: Family) -> None:
    assert await family(QSPerson.objects, "count") == 5
    assert family.commands == [{"count": "person"}]


async def test_count_with_a_filter_counts(family: Family) -> None:
    assert await family(QSPerson.objects(age__gt=21), "count") == 3
    (command,) = family.commands
    assert command["pipeline"] == [
        {"$match": {"age": {"$gt": 21}}},
        {"$group": {"_id": 1, "n": {"$sum": 1}}},
    ]


@pytest.mark.parametrize(
    "queryset, plain, windowed",
    [
        (lambda: QSPerson.objects.limit(2), 5, 2),
        (lambda: QSPerson.objects.skip(2), 5, 3),
        (lambda: QSPerson.objects[1:3], 5, 2),
        (lambda: QSPerson.objects.limit(0), 0, 5),
        (lambda: QSPerson.objects[1:1], 0, 0),
        (lambda: QSPerson.objects.none(), 0, 0),
        (lambda: QSPerson.objects(age__gt=21).limit(2), 3, 2),
    ],
)
async def test_count_and_its_window(
    family: Family, queryset: Any, plain: int, windowed: int
) -> None:
    assert await family(queryset(), "count") == plain
    assert await family(queryset(), "count", with_limit_and_skip=True) == windowed


async def test_count_within_its_window_needs_no_second_command(
    family: Family,
) -> None:
    queryset = QSPerson.objects[1:3]
    assert await family(queryset, "count", True) == 2
    assert await family(queryset, "count", True) == 2
    assert family.command_names == ["aggregate"]


# lists


async def test_to_list_gives_all_documents(family: Family) -> None:
    found = await family(QSPerson.objects, "to_list")
    assert [person.name for person in found] == list(NAMES)
    assert family.commands == [{"find": "person", "filter": {}}]


async def test_to_list_of_a_queryset_without_cache(family: Family) -> None:
    queryset = QSPerson.objects.no_cache()
    assert len(await family(queryset, "to_list")) == 5
    assert len(await family(queryset, "to_list")) == 5
    assert family.command_names == ["find", "find"]


async def test_to_json(family: Family) -> None:
    text = await family(QSPerson.objects(name="bob").only("name"), "to_json")
    assert text == '[{"_id": {"$oid": "000000000000000000000002"}, "name": "bob"}]'


async def test_explain_describes_the_find(family: Family) -> None:
    plan = await family(QSPerson.objects(age=20).limit(2), "explain")
    assert plan["queryPlanner"]["parsedQuery"] == {"age": {"$eq": 20}}
    (command,) = family.commands
    assert command["explain"] == {
        "find": "person",
        "filter": {"age": 20},
        "limit": 2,
        "singleBatch": True,
    }


async def test_select_related_reads_a_collection_once(
    family: Family, people: Any
) -> None:
    people.book.insert_many(
        [
            {"title": "x", "author": oid(1), "readers": [oid(2), oid(3)]},
            {"title": "y", "author": oid(2), "readers": []},
        ]
    )
    books = await family(QSBook.objects, "select_related")
    assert family.command_names == ["find", "find"]
    assert [book.author.name for book in books] == ["ann", "bob"]
    assert [person.name for person in books[0].readers] == ["bob", "cid"]
    assert family.commands == []


# distinct


async def test_distinct_values(family: Family) -> None:
    assert await family(QSPerson.objects, "distinct", "name") == list(NAMES)
    assert family.commands == [{"distinct": "person", "key": "name"}]


async def test_distinct_of_a_filtered_queryset(family: Family) -> None:
    found = await family(QSPerson.objects(age__gt=22), "distinct", "nick")
    assert found == ["DAN", "EVE"]
    assert family.commands == [
        {"distinct": "person", "key": "n", "query": {"age": {"$gt": 22}}}
    ]


async def test_distinct_of_a_name_that_is_no_field(family: Family) -> None:
    assert await family(QSPerson.objects, "distinct", "nothing") == []


async def test_distinct_embedded_documents_and_their_fields(family: Family) -> None:
    found = await family(QSPerson.objects, "distinct", "address.city")
    assert sorted(found) == ["Oslo", "Rome"]
    (first, *_) = await family(QSPerson.objects, "distinct", "addresses")
    assert first == QSAddress(city="Bern", zip_code=1)


async def test_distinct_follows_references(family: Family, people: Any) -> None:
    people.book.insert_many([{"author": oid(1)}, {"author": oid(2)}])
    found = await family(QSBook.objects, "distinct", "author")
    assert [person.name for person in found] == ["ann", "bob"]
    assert family.command_names == ["distinct", "find"]
    left = await family(QSBook.objects.no_dereference(), "distinct", "author")
    assert left == [oid(1), oid(2)]


# what is given instead of documents


async def test_scalar_gives_values(family: Family) -> None:
    assert await family.loop(QSPerson.objects.scalar("name")) == list(NAMES)
    assert family.commands == [
        {"find": "person", "filter": {}, "projection": {"name": 1}}
    ]


async def test_scalar_of_several_fields_gives_tuples(family: Family) -> None:
    found = await family.loop(QSPerson.objects.scalar("name", "age")[:2])
    assert found == [("ann", 20), ("bob", 21)]


async def test_scalar_of_an_embedded_field(family: Family) -> None:
    found = await family.loop(QSPerson.objects.scalar("address__city"))
    assert found[:2] == ["Oslo", "Rome"]


async def test_scalar_of_nothing_gives_documents_again(family: Family) -> None:
    found = await family(QSPerson.objects.scalar("name").scalar(), "first")
    assert isinstance(found, QSPerson) and found.age == 20


async def test_values_list_is_scalar(family: Family) -> None:
    assert await family(QSPerson.objects.values_list("name"), "first") == "ann"


async def test_values_gives_dicts(family: Family) -> None:
    found = await family(QSPerson.objects.values("name", "address__city"), "first")
    assert found == {"name": "ann", "address__city": "Oslo"}


async def test_values_of_nothing_gives_every_field(family: Family) -> None:
    found = await family(QSPerson.objects.values(), "first")
    assert list(found) == list(QSPerson._fields_ordered)
    assert found["nick"] == "ANN"


async def test_as_pymongo_gives_raw_documents(family: Family) -> None:
    found = await family(QSPerson.objects.as_pymongo().only("nick"), "first")
    assert found == {"_id": oid(1), "n": "ANN"}


async def test_as_pymongo_wins_over_scalar(family: Family) -> None:
    found = await family.loop(QSPerson.objects.as_pymongo().scalar("name")[:1])
    assert found == [{"_id": oid(1), "name": "ann"}]


async def test_no_dereference(family: Family, people: Any) -> None:
    people.book.insert_one({"author": oid(1)})
    found = await family(QSBook.objects.no_dereference(), "first")
    assert found.author == DBRef("person", oid(1))
    assert family.command_names == ["find"]


async def test_awaited_lists(settings: dict[str, Any], async_connection: Any) -> None:
    people = QSPerson.objects.limit(2)
    assert await people.async_scalar("name") == ["ann", "bob"]
    assert await people.async_values_list("name", "age") == [("ann", 20), ("bob", 21)]
    assert await people.async_values("age") == [{"age": 20}, {"age": 21}]
    only = await people.async_only("name")
    assert [(person.name, person.age) for person in only] == [
        ("ann", None),
        ("bob", None),
    ]
    without = await people.async_exclude("name")
    assert [person.name for person in without] == [None, None]
    assert len(await people.async_hint("_id_")) == 2


# indexing


async def test_index_reads_one_document(connection: Any, sent_commands: Any) -> None:
    assert QSPerson.objects[3].name == "dan"
    assert QSPerson.objects.skip(3)[1].name == "eve"
    (first, _) = sent_commands.named("find")
    assert (first["skip"], first["limit"]) == (3, 1)


@pytest.mark.parametrize(
    "index, error, text",
    [
        (5, IndexError, "no such item for Cursor instance"),
        (-1, IndexError, "Cursor instances do not support negative indices"),
        ("name", TypeError, "Provide a slice or an integer index"),
        (
            slice(None, None, 2),
            IndexError,
            "Cursor instances do not support slice steps",
        ),
        (
            slice(-2, None),
            IndexError,
            "Cursor instances do not support negative indices",
        ),
        (
            slice(3, 1),
            IndexError,
            "stop index must be greater than start index for slice slice(3, 1, None)",
        ),
    ],
)
def test_index_errors(
    connection: Any, index: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        QSPerson.objects[index]
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "build, names",
    [
        (lambda qs: qs[1:3], "bob cid"),
        (lambda qs: qs[2:], "cid dan eve"),
        (lambda qs: qs[:2], "ann bob"),
        (lambda qs: qs[:2][1:], "bob cid dan eve"),
        (lambda qs: qs[1:][:2], "ann bob"),
        (lambda qs: qs.skip(1)[1:3], "bob cid"),
        (lambda qs: qs.limit(3)[1:2], "bob"),
        (lambda qs: qs[2:2], ""),
        (lambda qs: qs[1:1][1:3], "bob cid"),
        (lambda qs: qs[0:0].limit(2), "ann bob"),
        (lambda qs: qs.limit(2).limit(3), "ann bob cid"),
        (lambda qs: qs.limit(0), "ann bob cid dan eve"),
        (lambda qs: qs.limit(None), "ann bob cid dan eve"),
        (lambda qs: qs.order_by("-age").limit(2).skip(1), "dan cid"),
    ],
)
async def test_windows(family: Family, build: Any, names: str) -> None:
    found = await family.loop(build(QSPerson.objects))
    assert [person.name for person in found] == names.split()


# inheritance


async def test_a_subclass_reads_its_own(family: Family, people: Any) -> None:
    people.animal.insert_many(
        [
            {"_id": 1, "_cls": "QSAnimal", "name": "ani"},
            {"_id": 2, "_cls": "QSAnimal.QSDog", "name": "dog", "bark": "w"},
        ]
    )
    assert [type(one) for one in await family.loop(QSAnimal.objects)] == [
        QSAnimal,
        QSDog,
    ]
    assert [one.name for one in await family.loop(QSDog.objects)] == ["dog"]
    only = await family.loop(QSAnimal.objects.no_sub_classes())
    assert [one.name for one in only] == ["ani"]
    both = await family.loop(QSDog.objects.clear_cls_query())
    assert [one.name for one in both] == ["ani", "dog"]


async def test_fields_of_subclasses_can_be_chosen(family: Family, people: Any) -> None:
    people.animal.insert_one({"_cls": "QSAnimal.QSDog", "name": "d", "bark": "w"})
    found = await family(QSAnimal.objects.only("bark"), "first")
    assert (type(found), found.bark, found.name) == (QSDog, "w", None)


# mistakes


async def test_unknown_fields_are_named(family: Family) -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "nothing"'):
        await family(QSPerson.objects(nothing=1), "first")
    with pytest.raises(LookUpError, match='Cannot resolve field "nothing"'):
        QSPerson.objects.only("nothing")
    assert family.commands == []


async def test_what_is_no_query_object(family: Family) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        QSPerson.objects("bob")
    assert (
        str(caught.value) == "Not a query object: bob. Did you intend to use key=value?"
    )


async def test_order_by_takes_keys_or_raw(family: Family) -> None:
    with pytest.raises(OperationError, match="Can not use both keys and __raw__"):
        QSPerson.objects.order_by("name", __raw__=[("name", 1)])


async def test_a_negative_skip_is_refused(family: Family) -> None:
    with pytest.raises(ValueError, match="skip must be >= 0"):
        await family(QSPerson.objects.skip(-1), "to_list")
    assert family.commands == []


# ~


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (~Q(name="ann"), "bob cid dan eve"),
        (~Q(name="ann", age=99), "ann bob cid dan eve"),
        (~Q(age__gt=21), "ann bob"),
        (~Q(age__not__gt=21), "cid dan eve"),
        (~(Q(name="ann") | Q(age=24)), "bob cid dan"),
        (~(Q(age__gt=20) & Q(age__lt=24)), "ann eve"),
        (~~Q(name="ann"), "ann"),
        (~Q(), "ann bob cid dan eve"),
        (Q(age__gt=21) & ~Q(name="dan"), "cid eve"),
        (Q(name="ann") | ~Q(age__lt=23), "ann dan eve"),
        (~(Q(age__gt=20) & ~Q(name="cid")), "ann cid"),
        (~Q(address__city="Oslo"), "bob dan"),
        (~Q(tags="bob"), "ann cid dan eve"),
        (~Q(addresses__match={"zip_code__gte": 3}), "ann bob"),
        (~Q(__raw__={"n": {"$in": ["ANN", "BOB"]}}), "cid dan eve"),
    ],
    ids=repr,
)
async def test_negated_conditions(family: Family, condition: Any, names: str) -> None:
    found = await family(QSPerson.objects(condition).order_by("name"), "to_list")
    assert [person.name for person in found] == names.split()


async def test_a_negation_finds_what_does_not_have_the_field(
    family: Family, people: Any
) -> None:
    people.person.insert_one({"_id": oid(9), "name": "fay"})
    found = await family(QSPerson.objects(~Q(age__gt=0)), "to_list")
    assert [person.name for person in found] == ["fay"]


async def test_get_with_a_negation(family: Family) -> None:
    found = await family(QSPerson.objects, "get", ~Q(age__lt=24))
    assert found.name == "eve"


async def test_a_negation_joined_with_keywords_and_earlier_filters(
    family: Family,
) -> None:
    older = QSPerson.objects(age__gt=20)
    found = await family(older.filter(~Q(name="cid"), age__lt=23), "to_list")
    assert [person.name for person in found] == ["bob"]


async def test_a_negation_keeps_to_the_class(family: Family, people: Any) -> None:
    documents = [QSAnimal(name="a"), QSDog(name="b"), QSDog(name="c")]
    await family(QSAnimal.objects, "insert", documents)
    found = await family(QSDog.objects(~Q(name="c")), "to_list")
    assert [dog.name for dog in found] == ["b"]


async def test_a_negation_counts_updates_and_deletes(
    family: Family, people: Any
) -> None:
    others = QSPerson.objects(~Q(name__in=["ann", "bob"]))
    assert await family(others, "count") == 3
    assert await family(others, "update", set__age=1) == 3
    assert await family(others, "delete") == 3
    assert [raw["name"] for raw in people.person.find()] == ["ann", "bob"]


class QSPair(EmbeddedDocument):
    a = IntField()
    b = IntField(db_field="bb")


class QSPaired(Document):
    pair = EmbeddedDocumentField(QSPair, primary_key=True)
    name = StringField()


async def test_in_bulk_with_compound_keys(family: Family) -> None:
    keys = [QSPair(a=1, b=2), QSPair(a=2, b=1)]
    for key, name in zip(keys, "xy", strict=True):
        await family(QSPaired(pair=key, name=name), "save")
    by_key = await family(QSPaired.objects, "in_bulk", [*keys, {"a": 3, "bb": 3}])
    assert list(by_key) == [{"a": 1, "bb": 2}, {"a": 2, "bb": 1}]
    assert by_key[keys[0]].name == "x"
    assert by_key[{"a": 2, "bb": 1}].name == "y"
    assert {"a": 3, "bb": 3} not in by_key
    assert by_key.get({"a": 3, "bb": 3}) is None
    assert by_key.pop(keys[1]).name == "y"
    assert [paired.name for paired in by_key.values()] == ["x"]


WRONG_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "count": (1, 2, 3),
    "first": (1,),
    "with_id": (),
    "in_bulk": (),
    "distinct": (),
    "aggregate": (),
    "to_list": (1, 2),
    "exists": (1,),
    "sum": (),
    "explain": (1,),
    "map_reduce": ("m",),
    "item_frequencies": (),
    "delete_one": (1, 2, 3),
    "insert": (),
    "bulk_write": (),
}


@pytest.mark.parametrize("name", WRONG_ARGUMENTS)
async def test_wrong_arguments_are_told_with_the_public_name(
    family: Family, name: str
) -> None:
    public = f"async_{name}" if family.is_async else name
    with pytest.raises(TypeError) as caught:
        await family(QSPerson.objects, name, *WRONG_ARGUMENTS[name])
    assert f".{public}() " in str(caught.value)
    assert "io" not in str(caught.value).replace("positional", "").split()
    assert "._" not in str(caught.value)


async def test_arguments_are_counted_without_those_of_the_library(
    connection: Any,
) -> None:
    with pytest.raises(
        TypeError, match=r"count\(\) takes from 1 to 2 positional arguments but 4 were"
    ):
        QSPerson.objects.count(1, 2, 3)  # type: ignore[call-arg,arg-type]
    with pytest.raises(
        TypeError, match=r"first\(\) got an unexpected keyword argument 'nope'"
    ):
        QSPerson.objects.first(nope=1)  # type: ignore[call-arg]
