"""`save()` and `async_save()`: what is sent, and what is left of a failure."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    NotUniqueError,
    OperationError,
    ReferenceField,
    SaveConditionError,
    SequenceField,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.errors import InvalidDocumentError
from tests.families import Family


class SaveLeaf(EmbeddedDocument):
    colour = StringField(db_field="c")
    number = SequenceField()


class SaveTree(Document):
    name = StringField(db_field="nm")
    height = IntField()
    tags = ListField(StringField())
    notes = DictField()
    nick = StringField(unique=True, sparse=True)


class SaveNode(Document):
    value = IntField()
    parent = ReferenceField("self")


class SaveCascading(Document):
    value = IntField()
    parent = ReferenceField("self")
    meta = {"cascade": True}


class SaveSharded(Document):
    region = StringField(db_field="rg")
    leaf = EmbeddedDocumentField(SaveLeaf)
    value = IntField()
    meta = {"shard_key": ("region", "leaf.colour")}


class SaveNumbered(Document):
    number = SequenceField(primary_key=True)
    leaf = EmbeddedDocumentField(SaveLeaf)
    leaves = EmbeddedDocumentListField(SaveLeaf)


class SaveUntyped(Document):
    listed = ListField()
    mapped = DictField()
    anything = DynamicField()
    rows = ListField(ListField())


class SaveFree(DynamicDocument):
    name = StringField()


class SaveAbstract(Document):
    meta = {"abstract": True}


class SaveNamed(Document):
    key = StringField(primary_key=True)
    value = IntField()


async def saved(family: Family, document: Any, **kwargs: Any) -> Any:
    result = await family(document, "save", **kwargs)
    assert result is document
    family.commands
    return document


async def test_new_document_is_inserted(family: Family, mongo: Any) -> None:
    node = SaveNode(value=1)
    assert node._created
    await family(node, "save")
    (command,) = family.commands
    assert command["insert"] == "save_node"
    assert command["documents"] == [{"value": 1, "_id": node.id}]
    assert list(command["documents"][0]) == ["value", "_id"]
    assert not node._created
    assert mongo.save_node.find_one() == {"_id": node.id, "value": 1}


async def test_unchanged_document_sends_nothing(family: Family) -> None:
    node = await saved(family, SaveNode(value=1))
    await family(node, "save")
    assert family.commands == []


async def test_change_is_set_by_its_path(family: Family) -> None:
    tree = await saved(family, SaveTree(name="elm", notes={"a": {"b": 1}}))
    tree.notes["a"]["b"] = 2
    tree.name = "oak"
    await family(tree, "save")
    (command,) = family.commands
    assert command["updates"] == [
        {
            "q": {"_id": tree.id},
            "u": {"$set": {"notes.a.b": 2, "nm": "oak"}},
            "multi": False,
            "upsert": True,
        }
    ]
    assert tree._changed_fields == []


async def test_emptied_field_is_unset(family: Family) -> None:
    tree = await saved(family, SaveTree(name="elm", height=3))
    tree.height = None
    await family(tree, "save")
    assert family.commands[0]["updates"][0]["u"] == {"$unset": {"height": 1}}


async def test_new_document_with_id_replaces_or_is_inserted(family: Family) -> None:
    node = SaveNode(id=ObjectId(), value=1)
    await family(node, "save")
    replace, insert = family.commands
    assert replace["findAndModify"] == "save_node"
    assert replace["query"] == {"_id": node.id}
    assert replace["upsert"] is False
    assert insert["documents"] == [{"_id": node.id, "value": 1}]

    await family(SaveNode(id=node.id, value=2), "save")
    assert family.command_names == ["findAndModify"]


async def test_force_insert_refuses_a_known_id(family: Family) -> None:
    node = await saved(family, SaveNode(value=1))
    with pytest.raises(NotUniqueError, match=r"^Tried to save duplicate unique keys"):
        await family(node, "save", force_insert=True)


async def test_saving_a_removed_document_makes_it_of_its_changes(
    family: Family, mongo: Any
) -> None:
    node = await saved(family, SaveNode(value=1))
    mongo.save_node.delete_one({})
    received = []

    def receive(sender: Any, document: Any, created: bool) -> None:
        received.append(created)

    node.value = 2
    with signals.post_save.connected_to(receive, sender=SaveNode):
        await family(node, "save")
    assert received == [True]
    assert mongo.save_node.find_one() == {"_id": node.id, "value": 2}


async def test_not_unique_keeps_the_changes(family: Family) -> None:
    await saved(family, SaveTree(nick="a"))
    tree = await saved(family, SaveTree(nick="b"))
    tree.nick = "a"
    with pytest.raises(NotUniqueError, match=r"^Tried to save duplicate unique keys"):
        await family(tree, "save")
    assert tree._changed_fields == ["nick"]

    new = SaveTree(nick="a")
    with pytest.raises(NotUniqueError):
        await family(new, "save")
    assert new._created
    assert new.id is None


async def test_refused_for_another_reason(family: Family, mongo: Any) -> None:
    mongo.create_collection("save_named", validator={"value": {"$gt": 5}})
    with pytest.raises(OperationError, match=r"^Could not save document \(Document fa"):
        await family(SaveNamed(key="a", value=1), "save")


async def test_invalid_document_is_not_sent(family: Family) -> None:
    node = SaveNode(value="many")
    with pytest.raises(ValidationError, match=r"SaveNode:None.*\['value'\]"):
        await family(node, "save")
    assert family.commands == []
    await family(node, "save", validate=False)
    assert family.commands[0]["documents"][0]["value"] == "many"


async def test_clean_is_called_unless_declined(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned = []
    monkeypatch.setattr(SaveNode, "clean", lambda self: cleaned.append(self))
    node = SaveNode()
    await family(node, "save")
    await family(node, "save", clean=False)
    await family(node, "save", validate=False)
    assert cleaned == [node]


async def test_abstract_document_is_refused(family: Family) -> None:
    with pytest.raises(
        InvalidDocumentError, match=r"^Cannot save an abstract document\.$"
    ):
        await family(SaveAbstract(), "save")


async def test_save_condition_joins_the_query(family: Family) -> None:
    tree = await saved(family, SaveTree(name="elm"))
    tree.height = 2
    await family(tree, "save", save_condition={"name": "elm"})
    update = family.commands[0]["updates"][0]
    assert update["q"] == {"nm": "elm", "_id": tree.id}
    assert update["upsert"] is False


async def test_save_condition_that_fails(family: Family, mongo: Any) -> None:
    tree = await saved(family, SaveTree(name="elm"))
    tree.height = 2
    with pytest.raises(
        SaveConditionError,
        match=r"^Race condition preventing document update detected$",
    ):
        await family(tree, "save", save_condition={"name": "oak"})
    assert tree._changed_fields == ["height"]
    assert "height" not in mongo.save_tree.find_one()


async def test_write_concern(family: Family) -> None:
    node = await saved(family, SaveNode(value=1), write_concern={"w": 1})
    node.value = 2
    await family(node, "save", write_concern={"w": 1, "j": True})
    assert family.commands[0]["writeConcern"] == {"w": 1, "j": True}


async def test_unacknowledged_write(family: Family) -> None:
    node = await saved(family, SaveNode(value=1))
    node.value = 2
    await family(node, "save", write_concern={"w": 0})
    node.value = 3
    await family(node, "save", write_concern={"w": 0}, save_condition={"value__gt": 0})
    assert node._changed_fields == []


async def test_unknown_keywords_are_ignored(family: Family) -> None:
    await family(SaveNode(value=1), "save", safe=True)
    assert family.command_names == ["insert"]


async def test_signals_in_their_order(family: Family) -> None:
    received: list[Any] = []

    def receiver(name: str) -> Any:
        def receive(sender: Any, document: Any, **extra: Any) -> None:
            changes = list(getattr(document, "_changed_fields", ()))
            received.append((name, sender, document._created, changes, extra))

        getattr(signals, name).connect(receive, sender=SaveNode)
        return receive

    receivers = {
        name: receiver(name)
        for name in ("pre_save", "pre_save_post_validation", "post_save")
    }
    try:
        node = SaveNode(value=1)
        await family(node, "save", signal_kwargs={"why": "test"})
        node.value = 2
        await family(node, "save")
    finally:
        for name, receive in receivers.items():
            getattr(signals, name).disconnect(receive, sender=SaveNode)
    why = {"why": "test"}
    assert received == [
        ("pre_save", SaveNode, True, [], why),
        ("pre_save_post_validation", SaveNode, True, [], {"created": True, **why}),
        ("post_save", SaveNode, False, [], {"created": True, **why}),
        ("pre_save", SaveNode, False, ["value"], {}),
        ("pre_save_post_validation", SaveNode, False, ["value"], {"created": False}),
        ("post_save", SaveNode, False, ["value"], {"created": False}),
    ]


async def test_a_receiver_may_change_the_document(family: Family, mongo: Any) -> None:
    def receive(sender: Any, document: Any, created: bool) -> None:
        document.value = 7

    with signals.pre_save_post_validation.connected_to(receive, sender=SaveNode):
        await family(SaveNode(value=1), "save")
    assert mongo.save_node.find_one()["value"] == 7


async def test_cascade_saves_changed_references(family: Family, mongo: Any) -> None:
    parent = await saved(family, SaveNode(value=1))
    child = await saved(family, SaveNode(value=2, parent=parent))
    parent.value = 10
    await family(child, "save")
    assert family.commands == []
    await family(child, "save", cascade=True)
    (command,) = family.commands
    assert command["updates"][0]["u"] == {"$set": {"value": 10}}
    assert parent._changed_fields == []


async def test_cascade_by_meta_and_by_arguments(family: Family) -> None:
    parent = await saved(family, SaveCascading(value=1))
    child = await saved(family, SaveCascading(value=2, parent=parent))
    parent.value = 10
    await family(child, "save", cascade=False)
    assert family.commands == []
    await family(child, "save")
    assert family.command_names == ["update"]

    parent.value = "bad"
    with pytest.raises(ValidationError):
        await family(child, "save")
    await family(child, "save", cascade_kwargs={"validate": False})
    assert family.command_names == ["update"]


async def test_cascade_ends_in_a_circle(family: Family) -> None:
    first = await saved(family, SaveNode(value=1))
    second = await saved(family, SaveNode(value=2, parent=first))
    first.parent = second
    first.value = second.value = 5
    await family(first, "save", cascade=True)
    assert set(family.command_names) == {"update"}
    assert first._changed_fields == second._changed_fields == []


async def test_cascade_save_leaves_the_document_itself(family: Family) -> None:
    parent = await saved(family, SaveNode(value=1))
    child = await saved(family, SaveNode(value=2, parent=parent))
    parent.value = child.value = 5
    assert await family(child, "cascade_save") is None
    (command,) = family.commands
    assert command["updates"][0]["q"] == {"_id": parent.id}
    assert child._changed_fields == ["value"]


async def test_reference_has_to_be_saved_first(family: Family) -> None:
    with pytest.raises(ValidationError, match="You can only reference documents once"):
        await family(SaveNode(parent=SaveNode()), "save", cascade=True)


async def test_shard_key_is_in_the_query(family: Family) -> None:
    document = await saved(
        family, SaveSharded(region="eu", leaf=SaveLeaf(colour="red"), value=1)
    )
    document.value = 2
    await family(document, "save")
    assert family.commands[0]["updates"][0]["q"] == {
        "_id": document.id,
        "rg": "eu",
        "leaf.c": "red",
    }
    with pytest.raises(
        OperationError, match=r"^Shard Keys are immutable\. Tried to update region$"
    ):
        document.region = "us"


async def test_sequences_are_numbered(family: Family, mongo: Any) -> None:
    first = SaveNumbered(leaf=SaveLeaf(), leaves=[SaveLeaf(), SaveLeaf()])
    await family(first, "save")
    second = SaveNumbered()
    await family(second, "save")
    assert (first.pk, second.pk) == (1, 2)
    stored = mongo.save_numbered.find_one({"_id": 1})
    numbers = [stored["leaf"]["number"], *(x["number"] for x in stored["leaves"])]
    assert sorted(numbers) == [1, 2, 3]


@pytest.mark.parametrize("write", ["save", "insert", "bulk_save"])
async def test_sequences_are_numbered_in_values_of_any_type(
    family: Family, mongo: Any, write: str
) -> None:
    document = SaveUntyped(
        listed=[SaveLeaf(), [SaveLeaf()]],
        mapped={"a": SaveLeaf(), "b": {"c": [SaveLeaf()]}},
        anything=SaveLeaf(),
        rows=[[SaveLeaf()]],
    )
    if write == "save":
        await family(document, "save")
    else:
        await family(SaveUntyped.objects, write, [document])
    raw = mongo.save_untyped.find_one()
    numbers = [
        raw["listed"][0]["number"],
        raw["listed"][1][0]["number"],
        raw["mapped"]["a"]["number"],
        raw["mapped"]["b"]["c"][0]["number"],
        raw["anything"]["number"],
        raw["rows"][0][0]["number"],
    ]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


async def test_a_sequence_in_a_dynamic_value_is_numbered_by_a_later_save(
    family: Family, mongo: Any
) -> None:
    document = SaveFree(name="a")
    await family(document, "save")
    document.part = SaveLeaf()
    document.parts = [SaveLeaf()]
    await family(document, "save")
    raw = mongo.save_free.find_one()
    assert sorted([raw["part"]["number"], raw["parts"][0]["number"]]) == [1, 2]


async def test_overridden_save_is_called_in_a_cascade(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = await saved(family, SaveNode(value=1))
    child = await saved(family, SaveNode(value=2, parent=parent))
    calls = []
    if family.is_async:

        async def async_save(self: Any, **kwargs: Any) -> Any:
            calls.append(self)

        monkeypatch.setattr(SaveNode, "async_save", async_save)
    else:
        monkeypatch.setattr(SaveNode, "save", lambda self, **kwargs: calls.append(self))
    parent.value = 3
    await family(child, "cascade_save")
    assert calls == [parent]


async def test_concurrent_first_saves_of_one_class(family: Family, mongo: Any) -> None:
    trees = [SaveTree(nick=str(n)) for n in range(50)]
    if family.is_async:
        await asyncio.gather(*(tree.async_save() for tree in trees))
    else:
        for tree in trees:
            tree.save()
    assert family.command_names.count("createIndexes") == 1
    assert mongo.save_tree.count_documents({}) == 50


async def test_cancelled_save_keeps_the_changes(
    async_family: Family, mongo: Any
) -> None:
    family = async_family
    node = await saved(family, SaveNode(value=1))
    node.value = 2
    started = asyncio.Event()

    async def receive(sender: Any, document: Any, created: bool) -> None:
        started.set()
        await asyncio.sleep(60)

    with signals.pre_save_post_validation.connected_to(receive, sender=SaveNode):
        task = asyncio.create_task(node.async_save())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert node._changed_fields == ["value"]
    await node.async_save()
    assert mongo.save_node.find_one()["value"] == 2
