"""Deleting through a queryset, and the rules for what refers to the deleted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mongoengine import (
    CASCADE,
    DENY,
    DO_NOTHING,
    NULLIFY,
    PULL,
    Document,
    IntField,
    ListField,
    OperationError,
    ReferenceField,
    StringField,
    signals,
)
from tests.families import Family
from tests.queryset.models import NAMES, QSPerson, QSRanked, oid

# without rules


async def test_delete_sends_one_command(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects(age__gt=21), "delete") == 3
    (command,) = family.commands
    assert command["deletes"] == [{"q": {"age": {"$gt": 21}}, "limit": 0}]
    assert people.person.count_documents({}) == 2


async def test_delete_with_a_write_concern(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects, "delete", write_concern={"w": 1}) == 5
    assert family.commands[0]["writeConcern"] == {"w": 1}
    assert await family(QSPerson.objects, "delete", write_concern={"w": 0}) is None


@pytest.mark.parametrize(
    "build, left",
    [
        (lambda qs: qs.limit(2), "cid dan eve"),
        (lambda qs: qs.skip(3), "ann bob cid"),
        (lambda qs: qs[1:3], "ann dan eve"),
        (lambda qs: qs.order_by("-age").limit(1), "ann bob cid dan"),
    ],
)
async def test_delete_within_a_window(
    family: Family, people: Any, build: Any, left: str
) -> None:
    gone = len(NAMES) - len(left.split())
    assert await family(build(QSPerson.objects), "delete") == gone
    assert [raw["name"] for raw in people.person.find()] == left.split()
    assert family.command_names == ["find"] + ["delete"] * gone


async def test_delete_one_deletes_the_first(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects(age__gt=20), "delete_one") == 1
    assert [raw["name"] for raw in people.person.find()] == ["ann", "cid", "dan", "eve"]
    (command,) = family.commands
    assert command["deletes"] == [{"q": {"age": {"$gt": 20}}, "limit": 1}]


async def test_delete_one_heeds_the_order(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects.order_by("-age"), "delete_one") == 1
    assert not people.person.find_one({"name": "eve"})
    people.ranked.insert_many([{"name": name} for name in NAMES])
    assert await family(QSRanked.objects.skip(1), "delete_one") == 1
    assert not people.ranked.find_one({"name": "dan"})


async def test_delete_one_of_nothing(family: Family, people: Any) -> None:
    assert await family(QSPerson.objects(name="zoe"), "delete_one") == 0
    assert await family(QSPerson.objects.none(), "delete_one") == 0


# signals


async def test_signals_delete_document_by_document(family: Family, people: Any) -> None:
    received: list[tuple[str, str]] = []

    def before(sender: Any, document: Any) -> None:
        received.append(("pre", document.name))

    def after(sender: Any, document: Any) -> None:
        received.append(("post", document.name))

    with (
        signals.pre_delete.connected_to(before, sender=QSPerson),
        signals.post_delete.connected_to(after, sender=QSPerson),
    ):
        assert await family(QSPerson.objects(age__lt=22), "delete") == 2
        assert await family(QSPerson.objects(name="eve"), "delete_one") == 1
    assert received == [
        (when, name) for name in ("ann", "bob", "eve") for when in ("pre", "post")
    ]


async def test_receivers_may_be_coroutines(async_connection: Any, people: Any) -> None:
    received: list[str] = []

    async def before(sender: Any, document: Any) -> None:
        received.append(document.name)

    with signals.pre_delete.connected_to(before, sender=QSPerson):
        assert await QSPerson.objects(age__lt=22).async_delete() == 2
    assert received == ["ann", "bob"]


# rules


class DROwner(Document):
    number = IntField()


class DRDenying(Document):
    owner = ReferenceField(DROwner, reverse_delete_rule=DENY)


class DRIndifferent(Document):
    owner = ReferenceField(DROwner, reverse_delete_rule=DO_NOTHING)


class DRNullified(Document):
    number = IntField()


class DRNullifying(Document):
    target = ReferenceField(DRNullified, reverse_delete_rule=NULLIFY)
    name = StringField()


class DRPulled(Document):
    number = IntField()


class DRPulling(Document):
    targets = ListField(ReferenceField(DRPulled, reverse_delete_rule=PULL))


class DRTop(Document):
    number = IntField()


class DRMiddle(Document):
    top = ReferenceField(DRTop, reverse_delete_rule=CASCADE)


class DRBottom(Document):
    middle = ReferenceField(DRMiddle, reverse_delete_rule=CASCADE)


class DRChain(Document):
    previous = ReferenceField("self", reverse_delete_rule=CASCADE)


class DRBase(Document):
    meta = {"allow_inheritance": True}


class DRDerived(DRBase):
    pass


class DRPointing(Document):
    base = ReferenceField(DRBase, reverse_delete_rule=NULLIFY)


class DRRegistered(Document):
    number = IntField()


class DRRegistering(Document):
    target = ReferenceField(DRRegistered)


async def save(family: Family, *documents: Any) -> None:
    for document in documents:
        await family(document, "save")
    family.commands


async def test_deny(family: Family) -> None:
    kept, free = DROwner(number=1), DROwner(number=2)
    await save(family, kept, free, DRDenying(owner=kept), DRIndifferent(owner=free))
    with pytest.raises(OperationError) as caught:
        await family(DROwner.objects, "delete")
    assert (
        str(caught.value) == "Could not delete document (DRDenying.owner refers to it)"
    )
    assert await family(DROwner.objects, "count") == 2
    with pytest.raises(OperationError):
        await family(DROwner.objects(number=1), "delete_one")
    assert await family(DROwner.objects(number=2), "delete") == 1
    assert await family(DRIndifferent.objects, "count") == 1


async def test_nullify(family: Family) -> None:
    gone, kept = DRNullified(number=1), DRNullified(number=2)
    await save(family, gone, kept)
    await save(family, DRNullifying(target=gone), DRNullifying(target=kept))
    assert await family(DRNullified.objects(number=1), "delete") == 1
    find, update, delete = family.commands
    name = DRNullified._get_collection_name()
    assert (find["find"], delete["delete"]) == (name, name)
    assert update["updates"] == [
        {
            "q": {"target": {"$in": [gone.pk]}},
            "u": {"$unset": {"target": 1}},
            "multi": True,
            "upsert": False,
        }
    ]
    targets = await family(
        DRNullifying.objects.no_dereference().scalar("target"), "to_list"
    )
    assert [target and target.id for target in targets] == [None, kept.pk]


async def test_pull(family: Family) -> None:
    targets = [DRPulled(number=i) for i in range(3)]
    await save(family, *targets)
    await save(family, DRPulling(targets=targets))
    assert await family(DRPulled.objects(number__lt=2), "delete") == 2
    update = family.commands[1]
    assert update["updates"][0]["u"] == {
        "$pullAll": {"targets": [targets[0].pk, targets[1].pk]}
    }
    left = await family(DRPulling.objects.as_pymongo(), "first")
    assert left["targets"] == [targets[2].pk]


async def test_cascade_through_levels(family: Family) -> None:
    tops = [DRTop(number=i) for i in range(2)]
    await save(family, *tops)
    middles = [DRMiddle(top=top) for top in tops]
    await save(family, *middles)
    await save(family, *(DRBottom(middle=middle) for middle in middles))
    assert await family(DRTop.objects(number=0), "delete") == 1
    assert family.command_names == [
        "find",  # the tops
        "aggregate",
        "find",  # the middles that refer to them
        "aggregate",
        "delete",
        "delete",
        "delete",
    ]
    assert await family(DRMiddle.objects, "count") == 1
    assert await family(DRBottom.objects, "count") == 1


async def test_cascade_in_a_circle_ends(family: Family) -> None:
    chain = [DRChain(id=oid(i)) for i in range(1, 5)]
    await save(family, *chain)
    for before, after in pairwise(chain):
        after.previous = before
    chain[0].previous = chain[-1]
    await save(family, *chain, DRChain())
    assert await family(DRChain.objects(id=oid(1)), "delete") == 1
    assert await family(DRChain.objects, "count") == 1


async def test_cascade_by_document(family: Family) -> None:
    top = DRTop(number=1)
    middle = DRMiddle(top=top)
    await save(family, top, middle, DRBottom(middle=middle))
    assert await family(top, "delete") is None
    assert await family(DRBottom.objects, "count") == 0


async def test_cascade_tells_the_receivers_of_the_other_class(family: Family) -> None:
    top = DRTop(number=1)
    await save(family, top, DRMiddle(top=top), DRMiddle(top=top))
    received: list[Any] = []

    def before(sender: Any, document: Any) -> None:
        received.append(sender)

    with signals.pre_delete.connected_to(before):
        assert await family(DRTop.objects, "delete") == 1
    assert received == [DRTop, DRMiddle, DRMiddle]


async def test_rules_reach_the_write_concern(family: Family) -> None:
    target = DRNullified(number=1)
    await save(family, target, DRNullifying(target=target))
    await family(DRNullified.objects, "delete", write_concern={"w": 1})
    _, update, delete = family.commands
    assert update["writeConcern"] == delete["writeConcern"] == {"w": 1}


async def test_rules_of_a_base_class_hold_for_its_subclasses(family: Family) -> None:
    base, derived = DRBase(), DRDerived()
    await save(family, base, derived)
    await save(family, DRPointing(base=base), DRPointing(base=derived))
    assert await family(DRDerived.objects, "delete") == 1
    left = await family(DRPointing.objects.as_pymongo(), "to_list")
    assert ["base" in raw for raw in left] == [True, False]


async def test_rules_can_be_registered(family: Family) -> None:
    DRRegistered.register_delete_rule(DRRegistering, "target", CASCADE)
    target = DRRegistered(number=1)
    await save(family, target, DRRegistering(target=target))
    assert await family(DRRegistered.objects, "delete") == 1
    assert await family(DRRegistering.objects, "count") == 0


async def test_rules_for_no_documents(family: Family) -> None:
    assert await family(DRNullified.objects(number=99), "delete") == 0
    assert family.command_names == ["find", "update", "delete"]
