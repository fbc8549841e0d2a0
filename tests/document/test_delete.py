"""`delete()` and the delete rules as documents know them."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    CASCADE,
    DENY,
    NULLIFY,
    Document,
    FileField,
    IntField,
    OperationError,
    ReferenceField,
    signals,
)
from tests.families import Family


class DeleteOwner(Document):
    number = IntField()
    meta = {"allow_inheritance": True}


class DeleteSpecialOwner(DeleteOwner):
    pass


class DeleteOwned(Document):
    owner = ReferenceField(DeleteOwner, reverse_delete_rule=CASCADE)


class DeleteDenied(Document):
    number = IntField()


class DeleteDenying(Document):
    target = ReferenceField(DeleteDenied)


class DeleteFile(Document):
    data = FileField()
    other = FileField(collection_name="others")


async def test_delete_sends_delete(family: Family) -> None:
    document = DeleteDenying()
    await family(document, "save")
    family.commands
    assert await family(document, "delete") is None
    (command,) = family.commands
    assert command["delete"] == "delete_denying"
    assert command["deletes"] == [{"q": {"_id": document.id}, "limit": 0}]
    assert document.id is not None


async def test_write_concern(family: Family) -> None:
    document = DeleteDenying()
    await family(document, "save")
    family.commands
    await family(document, "delete", w=1)
    assert family.commands[0]["writeConcern"] == {"w": 1}


async def test_signals(family: Family) -> None:
    received: list[Any] = []

    def before(sender: Any, document: Any, **extra: Any) -> None:
        received.append(("pre_delete", sender, document, extra))

    def after(sender: Any, document: Any, **extra: Any) -> None:
        received.append(("post_delete", sender, document, extra))

    document = DeleteDenying()
    await family(document, "save")
    with signals.pre_delete.connected_to(before, sender=DeleteDenying):
        with signals.post_delete.connected_to(after, sender=DeleteDenying):
            await family(document, "delete", signal_kwargs={"why": 1})
    assert received == [
        ("pre_delete", DeleteDenying, document, {"why": 1}),
        ("post_delete", DeleteDenying, document, {"why": 1}),
    ]


async def test_rule_of_a_field_is_followed(family: Family, mongo: Any) -> None:
    owner = DeleteOwner()
    await family(owner, "save")
    await family(DeleteOwned(owner=owner), "save")
    await family(owner, "delete")
    assert mongo.delete_owned.count_documents({}) == 0


def test_rules_are_known_to_subclasses() -> None:
    rules = {(DeleteOwned, "owner"): CASCADE}
    assert DeleteOwner._meta["delete_rules"] == rules
    assert DeleteSpecialOwner._meta["delete_rules"] == rules


async def test_registered_rule(family: Family, mongo: Any) -> None:
    DeleteDenied.register_delete_rule(DeleteDenying, "target", DENY)
    document = DeleteDenied()
    await family(document, "save")
    await family(DeleteDenying(target=document), "save")
    with pytest.raises(OperationError, match=r"^Could not delete document"):
        await family(document, "delete")
    assert mongo.delete_denied.count_documents({}) == 1

    DeleteDenied.register_delete_rule(DeleteDenying, "target", NULLIFY)
    assert DeleteDenied._meta["delete_rules"] == {(DeleteDenying, "target"): NULLIFY}
    await family(document, "delete")
    assert mongo.delete_denied.count_documents({}) == 0


async def test_files_go_with_the_document(family: Family, mongo: Any) -> None:
    document = DeleteFile()
    await family(document.data, "put", b"abc", filename="a")
    await family(document.other, "put", b"def")
    await family(document, "save")
    assert mongo["fs.files"].count_documents({}) == 1
    assert mongo["others.files"].count_documents({}) == 1
    await family(document, "delete")
    assert mongo["fs.files"].count_documents({}) == 0
    assert mongo["others.chunks"].count_documents({}) == 0
