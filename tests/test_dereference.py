"""Following references in batches."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    ReferenceField,
)
from mongoengine.base.datastructures import BaseDict, BaseList
from mongoengine.dereference import DeReference
from tests.families import Family


class FollowLeaf(Document):
    number = IntField()
    to = ReferenceField("FollowNode")


class FollowInner(EmbeddedDocument):
    one = ReferenceField("FollowNode")
    many = ListField(ReferenceField("FollowNode"))


class FollowNode(Document):
    number = IntField()
    one = ReferenceField("self")
    many = ListField(ReferenceField("self"))
    nested = ListField(ListField(ReferenceField("self")))
    by_key = MapField(ReferenceField("self"))
    free = DictField()
    any_one = GenericReferenceField()
    any_many = ListField(GenericReferenceField())
    inner = EmbeddedDocumentField(FollowInner)
    inners = ListField(EmbeddedDocumentField(FollowInner))
    lazy = ListField(LazyReferenceField("self"))


class FollowAnimal(Document):
    meta = {"allow_inheritance": True}


class FollowDog(FollowAnimal):
    pass


class FollowElsewhere(Document):
    meta = {"db_alias": "other"}


class FollowTyped(EmbeddedDocument):
    number = IntField()


class FollowZoo(Document):
    animals = ListField(ReferenceField(FollowAnimal))
    any_many = ListField(GenericReferenceField())
    free = DictField()


async def nodes(family: Family, count: int) -> list[FollowNode]:
    made = [FollowNode(number=n) for n in range(count)]
    for node in made:
        await family(node, "save")
    family.commands
    return made


async def loaded(family: Family, document: Any) -> Any:
    await family(document, "save")
    found = await family(type(document).objects, "get", id=document.id)
    family.commands
    return found


def queries(family: Family) -> list[tuple[str, set[Any]]]:
    """The collections that were asked, and for which ids."""
    return [
        (command["find"], set(command["filter"]["_id"]["$in"]))
        for command in family.commands
    ]


async def test_one_query_for_all_fields(family: Family) -> None:
    a, b = await nodes(family, 2)
    leaf = FollowLeaf(number=9, to=a)
    await family(leaf, "save")
    node = await loaded(
        family,
        FollowNode(
            one=a,
            many=[a, b],
            nested=[[b]],
            by_key={"k": a},
            free={"x": {"y": [b.to_dbref()]}},
            any_one=leaf,
            any_many=[leaf, b],
            inners=[FollowInner(one=a)],
        ),
    )
    await family(node, "select_related")
    assert sorted(queries(family)) == [
        ("follow_leaf", {leaf.id}),
        ("follow_node", {a.id, b.id}),
    ]
    assert node._data["one"].number == 0
    assert [n.number for n in node._data["many"]] == [0, 1]
    assert node._data["nested"][0][0].number == 1
    assert node._data["by_key"]["k"].number == 0
    assert node._data["free"]["x"]["y"][0].number == 1
    assert node._data["any_one"].number == 9
    assert [n.number for n in node._data["any_many"]] == [9, 1]
    assert node._data["inners"][0]._data["one"].number == 0
    assert node._get_changed_fields() == []


@pytest.mark.parametrize(
    ("max_depth", "expected"),
    [(0, {"one", "any_one"}), (1, {"one", "any_one", "many", "nested", "free"})],
)
async def test_depth(family: Family, max_depth: int, expected: set[str]) -> None:
    made = await nodes(family, 5)
    node = await loaded(
        family,
        FollowNode(
            one=made[0],
            any_one=made[1],
            many=[made[2]],
            nested=[[made[3]]],
            free={"x": {"y": made[4].to_dbref()}},
        ),
    )
    await family(node, "select_related", max_depth)
    order = ["one", "any_one", "many", "nested", "free"]
    wanted = {made[order.index(name)].id for name in expected}
    assert queries(family) == [("follow_node", wanted)]


async def test_each_level_is_one_query(family: Family) -> None:
    a, b = await nodes(family, 2)
    b.one = a
    await family(b, "save")
    node = await loaded(family, FollowNode(one=b))
    await family(node, "select_related", 3)
    assert queries(family) == [("follow_node", {b.id}), ("follow_node", {a.id})]
    assert node.one._data["one"].number == 0


async def test_embedded_document_is_searched(family: Family) -> None:
    (a,) = await nodes(family, 1)
    node = await loaded(family, FollowNode(inner=FollowInner(one=a)))
    await family(node, "select_related", 1)
    assert queries(family) == [("follow_node", {a.id})]
    assert node.inner._data["one"].number == 0


async def test_lazy_references_stay(family: Family) -> None:
    (a,) = await nodes(family, 1)
    node = await loaded(family, FollowNode(lazy=[a]))
    await family(node, "select_related", 3)
    assert family.commands == []


async def test_orphans_stay(family: Family) -> None:
    (a,) = await nodes(family, 1)
    gone = DBRef("follow_node", ObjectId())
    found = await family(DeReference(), "follow", [a.to_dbref(), gone])
    assert found == [a, gone]
    assert type(found[1]) is DBRef


async def test_generic_orphan_stays(family: Family) -> None:
    await nodes(family, 1)
    gone = {"_cls": "FollowNode", "_ref": DBRef("follow_node", ObjectId())}
    assert await family(DeReference(), "follow", [gone]) == [gone]
    assert await family(DeReference(), "follow", gone) is gone


@pytest.mark.parametrize(
    "wrap",
    [
        lambda ref: [ref],
        lambda ref: (ref,),
        lambda ref: {"k": ref},
        lambda ref: [[ref]],
        lambda ref: [1, "s", None, {"a": [{"b": ref}]}],
        lambda ref: [{"_cls": "FollowNode", "_ref": ref}],
    ],
)
async def test_shapes(family: Family, wrap: Any) -> None:
    (a,) = await nodes(family, 1)
    found = await family(DeReference(), "follow", wrap(a.to_dbref()))
    assert queries(family) == [("follow_node", {a.id})]

    def documents(value: Any) -> list[Any]:
        if isinstance(value, Document):
            return [value]
        if isinstance(value, dict):
            value = value.values()
        if isinstance(value, (str, int)) or value is None:
            return []
        return [document for item in value for document in documents(item)]

    assert documents(found) == [a]


async def test_depth_of_nothing(family: Family) -> None:
    reference = DBRef("follow_node", ObjectId())
    assert await family(DeReference(), "follow", [reference], max_depth=0) == [
        reference
    ]
    assert family.commands == []


@pytest.mark.parametrize("value", [None, "text", [], {}])
async def test_what_has_no_references(family: Family, value: Any) -> None:
    assert await family(DeReference(), "follow", value) == value
    assert family.commands == []


async def test_what_cannot_be_followed(family: Family) -> None:
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        await family(DeReference(), "follow", 5)


async def test_queryset_is_followed(family: Family) -> None:
    (a,) = await nodes(family, 1)
    await family(FollowNode(number=7, one=a), "save")
    family.commands
    found = await family(DeReference(), "follow", FollowNode.objects(number=7))
    assert [n._data["one"] for n in found] == [a]


async def test_subclasses_are_loaded_in_one_query(family: Family) -> None:
    animal, dog = FollowAnimal(), FollowDog()
    await family(animal, "save")
    await family(dog, "save")
    for zoo in (FollowZoo(animals=[animal, dog]), FollowZoo(any_many=[dog, animal])):
        found = await loaded(family, zoo)
        await family(found, "select_related")
        assert queries(family) == [("follow_animal", {animal.id, dog.id})]
        data = found._data["animals"] or found._data["any_many"]
        assert {one.__class__ for one in data} == {FollowAnimal, FollowDog}


async def test_class_is_looked_for_where_it_is_stored(family: Family) -> None:
    await family.connect(family.database + "_other", "other")
    there = FollowElsewhere()
    await family(there, "save")
    zoo = await loaded(family, FollowZoo(any_many=[there]))
    await family(zoo, "select_related")
    assert zoo._data["any_many"] == [there]


async def test_dict_with_a_class_becomes_a_document(
    family: Family,
) -> None:
    found = await family(
        DeReference(), "follow", [{"_cls": "FollowTyped", "number": 5}]
    )
    assert found == [FollowTyped(number=5)]


async def test_items_of_a_field_are_tracked(family: Family) -> None:
    a, b = await nodes(family, 2)
    node = FollowNode(many=[a], by_key={"k": a})
    for name, items, kind in (
        ("many", [a.id, b.to_dbref()], BaseList),
        ("by_key", {"k": a.id}, BaseDict),
    ):
        found = await family(DeReference(), "follow", items, instance=node, name=name)
        assert type(found) is kind
        assert found._name == name
        values = found.values() if kind is BaseDict else found
        assert all(isinstance(value, FollowNode) for value in values)


async def test_documents_of_a_field_are_left_alone(family: Family) -> None:
    a, b = await nodes(family, 2)
    a.one = b
    await family(a, "save")
    items = [await family(FollowNode.objects, "get", id=a.id)]
    family.commands
    node = FollowNode()
    assert (
        await family(DeReference(), "follow", items, instance=node, name="many")
        is items
    )
    assert family.commands == []


def test_instance_is_callable(server_uri: str, mongo: Any) -> None:
    from mongoengine import connect, disconnect_all

    connect(mongo.name, host=server_uri, uuidRepresentation="standard")
    try:
        node = FollowNode(number=3).save()
        assert DeReference()([node.to_dbref()]) == [node]
    finally:
        disconnect_all()
