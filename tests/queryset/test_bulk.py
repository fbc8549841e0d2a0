"""`bulk_save` and `bulk_write`: few commands, and exact reports of what failed."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    NotUniqueError,
    OperationError,
    Q,
    ValidationError,
    signals,
)
from mongoengine.errors import BulkOperationError
from mongoengine.queryset.bulk import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    UpdateMany,
    UpdateOne,
)
from tests.families import Family
from tests.queryset.models import QSAnimal, QSDog, QSPerson, QSSlug, oid


async def test_new_and_changed_documents_take_two_commands(
    family: Family, people: Any
) -> None:
    existing = await family(QSPerson.objects, "to_list")
    for person in existing[:3]:
        person.age = 50
    new = [QSPerson(name=f"n{i}") for i in range(4)]
    family.commands
    documents = [*existing, *new]
    assert await family(QSPerson.objects, "bulk_save", documents) == documents
    insert, update = sorted(family.commands, key=lambda sent: "update" in sent)
    assert len(insert["documents"]) == 4
    assert [one["u"] for one in update["updates"]] == [{"$set": {"age": 50}}] * 3
    assert people.person.count_documents({"age": 50}) == 3
    assert people.person.count_documents({}) == 9
    for person in documents:
        assert person.pk is not None
        assert (person._created, person._get_changed_fields()) == (False, [])


async def test_nothing_to_save_sends_nothing(family: Family, people: Any) -> None:
    existing = await family(QSPerson.objects, "to_list")
    family.commands
    await family(QSPerson.objects, "bulk_save", existing)
    await family(QSPerson.objects, "bulk_save", [])
    assert family.commands == []


async def test_exactly_what_was_written_is_clean(family: Family, people: Any) -> None:
    await family(QSAnimal.objects, "insert", [QSAnimal(name="a"), QSDog(name="b")])
    a, b = await family(QSAnimal.objects.order_by("name"), "to_list")
    a.name, b.bark = "b", "w"
    new, twin = QSAnimal(name="c"), QSAnimal(name="c")
    with pytest.raises(BulkOperationError) as caught:
        await family(QSAnimal.objects, "bulk_save", [a, new, b, twin])
    failed = {index: (one, error) for index, one, error in caught.value.failures}
    assert failed.keys() == {0, 3}
    assert failed[0][0] is a and failed[3][0] is twin
    assert all(isinstance(error, NotUniqueError) for _, error in failed.values())
    assert str(caught.value).startswith("2 of 4 documents failed, first document ")
    assert a._get_changed_fields() == ["name"]
    assert b._get_changed_fields() == []
    assert (new._created, twin._created) == (False, True)


async def test_ordered_saving_stops_at_a_failure(family: Family) -> None:
    first = QSSlug(slug="a")
    again, last = QSSlug(slug="a"), QSSlug(slug="b")
    with pytest.raises(BulkOperationError) as caught:
        await family(QSSlug.objects, "bulk_save", [first, again, last], ordered=True)
    assert [index for index, _, _ in caught.value.failures] == [1, 2]
    assert isinstance(caught.value.failures[0][2], NotUniqueError)
    assert "Not tried" in str(caught.value.failures[1][2])
    assert (first._created, again._created, last._created) == (False, True, True)
    assert await family(QSSlug.objects, "count") == 1


async def test_all_are_validated_before_anything_is_sent(family: Family) -> None:
    with pytest.raises(ValidationError):
        await family(QSPerson.objects, "bulk_save", [QSPerson(), QSPerson(age="x")])
    with pytest.raises(OperationError, match="is no document of"):
        await family(QSPerson.objects, "bulk_save", [QSPerson(), QSSlug(slug="a")])
    assert family.commands == []
    person = QSPerson(age="x")
    await family(QSPerson.objects, "bulk_save", [person], validate=False)
    assert person.pk is not None


async def test_signals_of_saving(family: Family, people: Any) -> None:
    received: list[Any] = []

    def listener(when: str) -> Any:
        def heard(sender: Any, document: Any, **kw: Any) -> None:
            received.append((when, document.name, kw))

        return heard

    heard = [listener(when) for when in ("pre", "checked", "post")]
    existing = await family(QSPerson.objects, "first")
    existing.name = "x"
    with (
        signals.pre_save.connected_to(heard[0], sender=QSPerson),
        signals.pre_save_post_validation.connected_to(heard[1], sender=QSPerson),
        signals.post_save.connected_to(heard[2], sender=QSPerson),
    ):
        await family(
            QSPerson.objects,
            "bulk_save",
            [existing, QSPerson(name="y")],
            signal_kwargs={"a": 1},
        )
    assert received == [
        ("pre", "x", {"a": 1}),
        ("checked", "x", {"a": 1, "created": False}),
        ("pre", "y", {"a": 1}),
        ("checked", "y", {"a": 1, "created": True}),
        ("post", "x", {"a": 1, "created": False}),
        ("post", "y", {"a": 1, "created": True}),
    ]


async def test_write_concern(family: Family) -> None:
    await family(QSPerson.objects, "bulk_save", [QSPerson()], write_concern={"w": 1})
    assert family.commands[0]["writeConcern"] == {"w": 1}


async def test_more_documents_than_a_command_takes(family: Family) -> None:
    people = [QSPerson(age=i) for i in range(3000)]
    await family(QSPerson.objects, "bulk_save", people)
    assert family.command_names == ["insert"]
    assert await family(QSPerson.objects, "count") == 3000


# bulk_write


async def test_operations_in_the_language_of_querysets(
    family: Family, people: Any
) -> None:
    flo = QSPerson(id=oid(60), name="flo")
    result = await family(
        QSPerson.objects,
        "bulk_write",
        [
            InsertOne(flo),
            UpdateOne({"nick": "ANN"}, {"inc__age": 5, "set__address__city": "Kiel"}),
            UpdateMany(Q(age__gte=23) & Q(age__lt=25), {"push__tags": "old"}),
            UpdateOne({"name": "gil"}, {"set__age": 1}, upsert=True),
            DeleteOne({"name": "bob"}),
            DeleteMany(Q(age=22)),
        ],
    )
    assert (result.inserted_count, result.deleted_count) == (1, 2)
    assert (result.modified_count, result.upserted_count) == (3, 1)
    assert (flo._created, flo._get_changed_fields()) == (False, [])
    ann = people.person.find_one({"name": "ann"})
    assert (ann["age"], ann["address"]["c"]) == (25, "Kiel")
    names = [raw["name"] for raw in people.person.find().sort("name")]
    assert names == ["ann", "dan", "eve", "flo", "gil"]


async def test_the_queryset_narrows_its_operations(family: Family, people: Any) -> None:
    adults = QSPerson.objects(age__gt=21)
    await family(adults, "bulk_write", [UpdateMany(None, {"set__name": "x"})])
    assert people.person.count_documents({"name": "x"}) == 3


async def test_failing_operations_are_reported(family: Family, people: Any) -> None:
    operations = [
        InsertOne(QSPerson(id=oid(1))),
        UpdateOne({"name": "bob"}, {"set__age": 1}),
        InsertOne(QSPerson(id=oid(2))),
    ]
    with pytest.raises(BulkOperationError) as caught:
        await family(QSPerson.objects, "bulk_write", operations, ordered=False)
    failures = caught.value.failures
    assert [(index, operation) for index, operation, _ in failures] == [
        (0, operations[0]),
        (2, operations[2]),
    ]
    assert isinstance(failures[0][2], NotUniqueError)
    assert people.person.find_one({"name": "bob"})["age"] == 1


async def test_upserts_say_of_which_class(family: Family, people: Any) -> None:
    upsert = UpdateOne({"name": "d"}, {"set__bark": "w"}, upsert=True)
    await family(QSDog.objects, "bulk_write", [upsert])
    assert people.animal.find_one()["_cls"] == "QSAnimal.QSDog"


async def test_what_is_no_operation(family: Family) -> None:
    with pytest.raises(TypeError, match=r"is no operation of mongoengine\.queryset"):
        await family(QSPerson.objects, "bulk_write", ["x"])
    with pytest.raises(ValidationError):
        await family(QSPerson.objects, "bulk_write", [InsertOne(QSPerson(age="x"))])
    assert family.commands == []


async def test_a_write_concern_that_is_not_met_leaves_no_failures(
    family: Family, people: Any
) -> None:
    if "setName" not in people.client.admin.command("hello"):
        pytest.skip("a server that is no replica set takes no such concern")
    documents = [QSSlug(slug="a"), QSSlug(slug="b")]
    unmet = {"w": 9, "wtimeout": 1}
    with pytest.raises(BulkOperationError, match=r"^Bulk write error: ") as caught:
        await family(QSSlug.objects, "bulk_save", documents, write_concern=unmet)
    assert caught.value.failures == []
    assert people.slug.count_documents({}) == 2
    assert [one._created for one in documents] == [False, False]
