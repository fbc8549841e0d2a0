"""Inserting, updating and modifying through a queryset, in either family."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo.results import UpdateResult

from mongoengine import (
    BulkOperationError,
    BulkWriteError,
    InvalidQueryError,
    NotUniqueError,
    OperationError,
    ValidationError,
    signals,
)
from tests.families import Family
from tests.queryset.models import (
    QSAnimal,
    QSDog,
    QSPerson,
    QSRanked,
    QSSlug,
    oid,
)

#: More servers than there are, and no time to wait for them.
UNMET = {"w": 9, "wtimeout": 1}

pytestmark = pytest.mark.usefixtures("people")


def ages(people: Any) -> list[int]:
    return [raw["age"] for raw in people.person.find().sort("_id")]


# create


async def test_create_saves_a_document(family: Family, people: Any) -> None:
    made = await family(QSPerson.objects, "create", id=oid(50), name="flo")
    assert (made.pk, made._created, made._get_changed_fields()) == (oid(50), False, [])
    assert people.person.find_one(oid(50))["name"] == "flo"
    assert family.command_names == ["insert"]


async def test_create_validates(family: Family) -> None:
    with pytest.raises(ValidationError):
        await family(QSPerson.objects, "create", age="x")
    assert family.commands == []


# insert


async def test_insert_one_document(family: Family, people: Any) -> None:
    person = QSPerson(id=oid(60), name="flo")
    loaded = await family(QSPerson.objects, "insert", person)
    assert loaded is not person
    assert (loaded.name, loaded._created) == ("flo", False)
    insert, find = family.commands
    assert insert["documents"][0]["name"] == "flo"
    assert find["filter"] == {"_id": {"$in": [oid(60)]}}


async def test_insert_several_documents_in_one_command(family: Family) -> None:
    documents = [QSPerson(id=oid(60 + i), name=f"n{i}") for i in range(3)]
    loaded = await family(QSPerson.objects, "insert", documents)
    assert [person.name for person in loaded] == ["n0", "n1", "n2"]
    assert family.command_names == ["insert", "find"]


async def test_insert_without_loading_gives_ids(family: Family) -> None:
    one = QSPerson(name="flo")
    assert await family(QSPerson.objects, "insert", one, load_bulk=False) == one.pk
    two = [QSPerson(name="gil"), QSPerson(name="hal")]
    assert await family(QSPerson.objects, "insert", two, load_bulk=False) == [
        two[0].pk,
        two[1].pk,
    ]
    assert family.command_names == ["insert", "insert"]
    assert [person._created for person in (one, *two)] == [False] * 3
    assert one._get_changed_fields() == []


async def test_insert_takes_any_iterable(family: Family, people: Any) -> None:
    documents = (QSPerson(name=name) for name in ("flo", "gil"))
    ids = await family(QSPerson.objects, "insert", documents, load_bulk=False)
    assert len(ids) == 2
    assert people.person.count_documents({}) == 7


async def test_insert_with_a_write_concern(family: Family) -> None:
    await family(
        QSPerson.objects, "insert", QSPerson(), load_bulk=False, write_concern={"w": 1}
    )
    assert family.commands[0]["writeConcern"] == {"w": 1}


async def test_inserting_one_duplicate(family: Family) -> None:
    person = QSPerson(id=oid(1))
    with pytest.raises(NotUniqueError, match=r"^Could not save document \(E11000 "):
        await family(QSPerson.objects, "insert", person)
    assert person._created is True


async def test_inserting_duplicates_among_several(family: Family, people: Any) -> None:
    documents = [QSPerson(id=oid(60)), QSPerson(id=oid(1)), QSPerson(id=oid(61))]
    with pytest.raises(BulkWriteError, match=r"^Bulk write error: \(\{'writeErrors'"):
        await family(QSPerson.objects, "insert", documents)
    assert people.person.count_documents({}) == 6


def states(documents: list[Any]) -> list[tuple[bool, bool, list[str]]]:
    """Return whether each has a key and is new, and what is unsaved."""
    return [
        (one.pk is not None, one._created, one._get_changed_fields())
        for one in documents
    ]


NEW, CLEAN = (False, True, []), (True, False, [])


async def test_an_ordered_insert_ends_at_the_first_failure(
    family: Family, people: Any
) -> None:
    documents = [QSAnimal(name=name) for name in "abacd"]
    with pytest.raises(BulkOperationError) as caught:
        await family(QSAnimal.objects, "insert", documents)
    assert [raw["name"] for raw in people.animal.find()] == ["a", "b"]
    assert states(documents) == [CLEAN, CLEAN, NEW, NEW, NEW]
    failures = caught.value.failures
    assert [(index, document) for index, document, _ in failures] == [
        (2, documents[2]),
        (3, documents[3]),
        (4, documents[4]),
    ]
    duplicate, *untried = [error for _, _, error in failures]
    assert isinstance(duplicate, NotUniqueError)
    assert "E11000" in str(duplicate)
    assert {type(error) for error in untried} == {OperationError}
    assert {str(error) for error in untried} == {
        "Not tried, since operation 2 of the ordered bulk failed"
    }


async def test_an_unordered_insert_writes_all_it_can(
    family: Family, people: Any
) -> None:
    documents = [QSAnimal(name=name) for name in "abacbd"]
    with pytest.raises(BulkOperationError) as caught:
        await family(QSAnimal.objects, "insert", documents, ordered=False)
    assert sorted(raw["name"] for raw in people.animal.find()) == ["a", "b", "c", "d"]
    assert states(documents) == [CLEAN, CLEAN, NEW, CLEAN, NEW, CLEAN]
    assert [index for index, _, _ in caught.value.failures] == [2, 4]
    for index, document, error in caught.value.failures:
        assert document is documents[index]
        assert isinstance(error, NotUniqueError)
    insert = next(sent for sent in family.commands if "insert" in sent)
    assert insert["ordered"] is False


async def test_what_was_not_inserted_can_be_inserted_later(
    family: Family, people: Any
) -> None:
    documents = [QSAnimal(name=name) for name in "aab"]
    with pytest.raises(BulkOperationError) as caught:
        await family(QSAnimal.objects, "insert", documents)
    rest = [document for _, document, _ in caught.value.failures]
    rest[0].name = "c"
    await family(QSAnimal.objects, "insert", rest)
    documents[0].name = "z"
    await family(documents[0], "save")
    assert sorted(raw["name"] for raw in people.animal.find()) == ["b", "c", "z"]


async def test_the_key_of_what_was_inserted_is_that_of_a_loaded_document(
    family: Family, people: Any
) -> None:
    documents = [QSSlug(slug="a"), QSSlug(slug="b"), QSSlug(slug="a")]
    with pytest.raises(BulkOperationError):
        await family(QSSlug.objects, "insert", documents)
    assert [one.pk for one in documents] == ["a", "b", "a"]
    assert [one._created for one in documents] == [False, False, True]


async def test_failures_count_across_the_batches_of_the_server(
    family: Family, people: Any
) -> None:
    big = "x" * 13_000_000
    documents = [QSAnimal(name=f"{n}{big}") for n in (0, 1, 2, 3, 3, 4)]
    documents[3].name = documents[4].name = "twin"
    with pytest.raises(BulkOperationError) as caught:
        await family(QSAnimal.objects, "insert", documents, ordered=False)
    assert len([sent for sent in family.commands if "insert" in sent]) > 1
    assert [index for index, _, _ in caught.value.failures] == [4]
    assert states(documents) == [CLEAN] * 4 + [NEW, CLEAN]


async def test_what_was_inserted_is_read_back_in_pieces(
    family: Family, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mongoengine.operations.read.KEYS_AT_A_TIME", 3)
    documents = [QSSlug(slug=str(n)) for n in range(7)]
    loaded = await family(QSSlug.objects, "insert", documents)
    assert [one.slug for one in loaded] == list("0123456")
    assert family.command_names == ["insert", "find", "find", "find"]


async def test_a_write_concern_that_is_not_met_leaves_no_failures(
    family: Family, people: Any
) -> None:
    if "setName" not in people.client.admin.command("hello"):
        pytest.skip("a server that is no replica set takes no such concern")
    await family(QSSlug.objects, "count")
    documents = [QSSlug(slug="a"), QSSlug(slug="b")]
    with pytest.raises(BulkOperationError, match=r"^Bulk write error: ") as caught:
        await family(QSSlug.objects, "insert", documents, write_concern=UNMET)
    assert caught.value.failures == []
    assert people.slug.count_documents({}) == 2
    assert states(documents) == [CLEAN, CLEAN]


@pytest.mark.parametrize(
    "documents", [QSRanked(), [QSRanked()], "x", [QSPerson(), "x"]]
)
async def test_inserting_what_is_no_such_document(
    family: Family, documents: Any
) -> None:
    with pytest.raises(OperationError) as caught:
        await family(QSPerson.objects, "insert", documents)
    assert (
        str(caught.value) == f"Some documents inserted aren't instances of {QSPerson}"
    )


async def test_inserting_what_is_stored(family: Family) -> None:
    stored = await family(QSPerson.objects, "first")
    with pytest.raises(OperationError) as caught:
        await family(QSPerson.objects, "insert", stored)
    assert (
        str(caught.value) == "Some documents have ObjectIds, use doc.update() instead"
    )


async def test_inserting_nothing(family: Family) -> None:
    with pytest.raises(TypeError, match="documents must be a non-empty list"):
        await family(QSPerson.objects, "insert", [])


async def test_inserting_documents_of_subclasses(family: Family, people: Any) -> None:
    loaded = await family(
        QSAnimal.objects, "insert", [QSDog(name="dog"), QSAnimal(name="ani")]
    )
    assert [type(one) for one in loaded] == [QSDog, QSAnimal]
    assert [raw["_cls"] for raw in people.animal.find()] == [
        "QSAnimal.QSDog",
        "QSAnimal",
    ]


async def test_bulk_insert_signals(family: Family) -> None:
    received: list[Any] = []

    def before(sender: Any, documents: Any, **kw: Any) -> None:
        received.append(("pre", sender, [d._created for d in documents], kw))

    def after(sender: Any, documents: Any, **kw: Any) -> None:
        received.append(("post", sender, [d._created for d in documents], kw))

    with (
        signals.pre_bulk_insert.connected_to(before, sender=QSPerson),
        signals.post_bulk_insert.connected_to(after, sender=QSPerson),
    ):
        await family(
            QSPerson.objects, "insert", [QSPerson()], signal_kwargs={"why": "x"}
        )
        await family(QSPerson.objects, "insert", [QSPerson()], load_bulk=False)
    assert received == [
        ("pre", QSPerson, [True], {"why": "x"}),
        ("post", QSPerson, [False], {"why": "x", "loaded": True}),
        ("pre", QSPerson, [True], {}),
        ("post", QSPerson, [False], {"loaded": False}),
    ]


# update


async def test_update_changes_what_matches(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects(age__gt=21), "update", set__age=1) == 3
    assert ages(people) == [20, 21, 1, 1, 1]
    (command,) = family.commands
    assert command["updates"] == [
        {
            "q": {"age": {"$gt": 21}},
            "u": {"$set": {"age": 1}},
            "multi": True,
            "upsert": False,
        }
    ]


async def test_update_one_changes_one(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects(age__gt=21), "update_one", inc__age=5) == 1
    assert ages(people) == [20, 21, 27, 23, 24]
    assert await family(QSPerson.objects, "update", multi=False, inc__age=5) == 1


async def test_update_takes_fields_of_any_name(family: Family) -> None:
    for name in ("io", "body", "coroutine"):
        with pytest.raises(InvalidQueryError, match=f'Cannot resolve field "{name}"'):
            await family(QSPerson.objects, "update", **{name: 1})


async def test_raw_updates(family: Family, people: Any) -> None:
    await family(QSPerson.objects, "update", __raw__={"$set": {"age": 3}})
    assert set(ages(people)) == {3}
    await family(QSPerson.objects, "update", __raw__=[{"$set": {"age": 4}}])
    assert set(ages(people)) == {4}
    assert family.commands[1]["updates"][0]["u"] == [{"$set": {"age": 4}}]


async def test_array_filters(family: Family, people: Any) -> None:
    await family(
        QSPerson.objects,
        "update",
        array_filters=[{"tag": "all"}],
        __raw__={"$set": {"tags.$[tag]": "ALL"}},
    )
    assert people.person.find_one()["tags"] == ["ann", "ALL"]


async def test_update_results(family: Family) -> None:
    queryset = QSPerson.objects(name="bob")
    result = await family(queryset, "update", full_result=True, set__age=1)
    assert isinstance(result, UpdateResult)
    assert result.raw_result["updatedExisting"] is True
    result = await family(queryset, "update_one", full_result=True, set__age=1)
    assert result.modified_count == 0
    unacknowledged = {"w": 0}
    assert (
        await family(queryset, "update", write_concern=unacknowledged, set__age=1)
        is None
    )


async def test_updating_nothing_is_refused(family: Family) -> None:
    with pytest.raises(OperationError) as caught:
        await family(QSPerson.objects, "update")
    assert str(caught.value) == "No update parameters, would remove data"
    with pytest.raises(ValueError, match="update cannot be empty"):
        await family(QSPerson.objects, "update", upsert=True)


async def test_updating_no_documents(family: Family) -> None:
    assert await family(QSPerson.objects.none(), "update", set__age=1) == 0
    assert await family(QSPerson.objects[1:1], "update_one", set__age=1) == 0
    assert await family(QSPerson.objects.none(), "modify", set__age=1) is None
    assert family.commands == []


async def test_update_errors(family: Family, people: Any) -> None:
    with pytest.raises(OperationError, match=r"^Update failed \(") as caught:
        await family(QSPerson.objects, "update", set__id=oid(9))
    assert not isinstance(caught.value, NotUniqueError)
    await family(QSAnimal.objects, "create", name="a")
    await family(QSAnimal.objects, "create", name="b")
    for method in ("update", "update_one", "modify"):
        with pytest.raises(NotUniqueError, match=r"^Update failed \(.*E11000"):
            await family(QSAnimal.objects(name="a"), method, set__name="b")


async def test_upsert_says_of_which_class(family: Family, people: Any) -> None:
    await family(QSDog.objects(name="x"), "update", upsert=True, set__bark="w")
    assert people.animal.find_one()["_cls"] == "QSAnimal.QSDog"
    everything = QSDog.objects(name="y").clear_cls_query()
    await family(everything, "update_one", upsert=True, set__bark="w")
    assert "_cls" not in people.animal.find_one({"name": "y"})


async def test_upsert_one_gives_the_document(family: Family) -> None:
    changed = await family(QSPerson.objects(name="bob"), "upsert_one", set__age=1)
    assert (changed.pk, changed.age) == (oid(2), 1)
    made = await family(QSPerson.objects(name="zoe"), "upsert_one", set__age=2)
    assert (made.name, made.age) == ("zoe", 2)
    made = await family(QSSlug.objects(slug="s"), "upsert_one", set__number=3)
    assert (made.slug, made.number) == ("s", 3)


# modify


async def test_modify_gives_the_document_as_it_was(family: Family, people: Any) -> None:
    found = await family(QSPerson.objects(name="bob"), "modify", set__age=1)
    assert found.age == 21
    assert people.person.find_one(oid(2))["age"] == 1
    assert family.commands == [
        {
            "findAndModify": "person",
            "query": {"name": "bob"},
            "new": False,
            "update": {"$set": {"age": 1}},
            "upsert": False,
        }
    ]


async def test_modify_gives_the_new_document(family: Family) -> None:
    found = await family(QSPerson.objects(name="bob"), "modify", new=True, set__age=1)
    assert found.age == 1


async def test_modify_removes(family: Family, people: Any) -> None:
    found = await family(QSPerson.objects(name="bob"), "modify", remove=True)
    assert found.name == "bob"
    assert people.person.count_documents({}) == 4


async def test_modify_upserts(family: Family) -> None:
    queryset = QSPerson.objects(name="zoe")
    found = await family(queryset, "modify", upsert=True, new=True, set__age=1)
    assert (found.name, found.age) == ("zoe", 1)


async def test_modify_heeds_order_and_fields(family: Family) -> None:
    queryset = QSPerson.objects.order_by("-age").only("name")
    found = await family(queryset, "modify", set__age=1)
    assert (found.name, found.age) == ("eve", None)
    (command,) = family.commands
    assert (command["sort"], command["fields"]) == ({"age": -1}, {"name": 1})


async def test_modify_of_nothing(family: Family) -> None:
    assert await family(QSPerson.objects(name="zoe"), "modify", set__age=1) is None


@pytest.mark.parametrize(
    "arguments, text",
    [
        (
            {"remove": True, "new": True},
            "Conflicting parameters: remove and new",
        ),
        ({}, "No update parameters, must either update or remove"),
    ],
)
async def test_modify_arguments(
    family: Family, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(OperationError) as caught:
        await family(QSPerson.objects, "modify", **arguments)
    assert str(caught.value) == text
