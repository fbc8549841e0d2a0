"""Delete rules between documents that refer to each other in a cycle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mongoengine import (
    CASCADE,
    DENY,
    NULLIFY,
    PULL,
    DictField,
    Document,
    IntField,
    ListField,
    OperationError,
    ReferenceField,
    signals,
)
from tests.families import Family


class CLeft(Document):
    right: Any = ReferenceField("CRight")
    rights: Any = ListField(ReferenceField("CRight"))
    number = IntField()
    meta = {"auto_create_index": False}


class CRight(Document):
    left: Any = ReferenceField(CLeft)
    meta = {"auto_create_index": False}


class CFirst(Document):
    third: Any = ReferenceField("CThird")
    meta = {"auto_create_index": False}


class CSecond(Document):
    first: Any = ReferenceField(CFirst, reverse_delete_rule=CASCADE)
    meta = {"auto_create_index": False}


class CThird(Document):
    second: Any = ReferenceField(CSecond, reverse_delete_rule=CASCADE)
    meta = {"auto_create_index": False}


CThird.register_delete_rule(CFirst, "third", CASCADE)


class CCompound(Document):
    key = DictField(primary_key=True)
    other: Any = ReferenceField("self", reverse_delete_rule=CASCADE)
    meta = {"auto_create_index": False}


class COverridden(Document):
    other: Any = ReferenceField("self", reverse_delete_rule=CASCADE)
    deleted: list[int] = []
    number = IntField()
    meta = {"auto_create_index": False}

    def delete(self, *args: Any, **kwargs: Any) -> None:
        type(self).deleted.append(self.number)
        super().delete(*args, **kwargs)

    async def async_delete(self, *args: Any, **kwargs: Any) -> None:
        type(self).deleted.append(self.number)
        await super().async_delete(*args, **kwargs)


@pytest.fixture
def rules() -> Iterator[Any]:
    """Register rules of `CLeft` and `CRight` for one test."""
    kept = {cls: cls._meta.get("delete_rules") for cls in (CLeft, CRight)}

    def register(on_right: int, on_left: int, field: str = "right") -> None:
        CRight.register_delete_rule(CLeft, field, on_right)
        CLeft.register_delete_rule(CRight, "left", on_left)

    yield register
    for cls, before in kept.items():
        cls._meta["delete_rules"] = before


async def save(family: Family, *documents: Any) -> None:
    for document in documents:
        await family(document, "save")


async def pair(family: Family, field: str = "right") -> tuple[CLeft, CRight]:
    left = CLeft(number=1)
    await save(family, left)
    right = CRight(left=left)
    await save(family, right)
    setattr(left, field, [right] if field == "rights" else right)
    await save(family, left, CLeft(), CRight())
    return left, right


async def left_over(family: Family, *classes: Any) -> list[int]:
    return [await family(cls.objects, "count") for cls in classes]


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("field", ["right", "rights"])
@pytest.mark.parametrize("by_queryset", [False, True])
async def test_two_classes_that_cascade(
    family: Family, rules: Any, end: int, field: str, by_queryset: bool
) -> None:
    rules(CASCADE, CASCADE, field)
    document = (await pair(family, field))[end]
    if by_queryset:
        assert await family(type(document).objects(pk=document.pk), "delete") == 1
    else:
        await family(document, "delete")
    assert await left_over(family, CLeft, CRight) == [1, 1]


async def test_a_cascade_through_three_classes(family: Family) -> None:
    first = CFirst()
    await save(family, first)
    second = CSecond(first=first)
    await save(family, second)
    third = CThird(second=second)
    await save(family, third)
    first.third = third
    await save(family, first)
    await family(second, "delete")
    assert await left_over(family, CFirst, CSecond, CThird) == [0, 0, 0]


async def test_a_document_that_refers_to_itself(family: Family) -> None:
    one = COverridden()
    await save(family, one)
    one.other = one
    await save(family, one)
    await family(COverridden.objects, "delete")
    assert await left_over(family, COverridden) == [0]


async def test_a_cycle_longer_than_the_stack_is_deep(family: Family) -> None:
    lefts = [CLeft(number=n) for n in range(80)]
    await family(CLeft.objects, "insert", lefts)
    rights = [CRight(left=left) for left in lefts]
    await family(CRight.objects, "insert", rights)
    for number, left in enumerate(lefts):
        left.right = rights[number - 1]
    await family(CLeft.objects, "bulk_save", lefts)
    CRight.register_delete_rule(CLeft, "right", CASCADE)
    CLeft.register_delete_rule(CRight, "left", CASCADE)
    try:
        await family(lefts[7], "delete")
    finally:
        CLeft._meta["delete_rules"] = CRight._meta["delete_rules"] = None
    assert await left_over(family, CLeft, CRight) == [0, 0]


async def test_receivers_see_each_document_once(family: Family, rules: Any) -> None:
    rules(CASCADE, CASCADE)
    left, right = await pair(family)
    seen: list[Any] = []

    def receive(sender: Any, document: Any) -> None:
        seen.append(document.pk)

    with (
        signals.post_delete.connected_to(receive, sender=CLeft),
        signals.post_delete.connected_to(receive, sender=CRight),
    ):
        await family(left, "delete")
    assert seen == [right.pk, left.pk]
    assert await left_over(family, CLeft, CRight) == [1, 1]


async def test_overridden_methods_are_called_once_each(family: Family) -> None:
    COverridden.deleted.clear()
    one, two = COverridden(number=1), COverridden(number=2)
    await save(family, one, two)
    one.other, two.other = two, one
    await save(family, one, two)

    def receive(sender: Any, document: Any) -> None:
        """Have documents deleted one by one."""

    with signals.pre_delete.connected_to(receive, sender=COverridden):
        await family(one, "delete")
    assert COverridden.deleted == [1, 2]
    assert await left_over(family, COverridden) == [0]


async def test_compound_primary_keys(family: Family) -> None:
    one, two = CCompound(key={"a": 1, "b": 1}), CCompound(key={"a": 2, "b": 2})
    await save(family, one, two)
    one.other, two.other = two, one
    await save(family, one, two)
    await family(one, "delete")
    assert await left_over(family, CCompound) == [0]


async def test_a_cascade_whose_end_is_nullified(family: Family, rules: Any) -> None:
    rules(NULLIFY, CASCADE)
    left, right = await pair(family)
    other = CLeft(right=right)
    await save(family, other)
    await family(left, "delete")
    assert await left_over(family, CLeft, CRight) == [2, 1]
    await family(other, "reload")
    assert other.right is None


async def test_a_cascade_whose_end_is_pulled(family: Family, rules: Any) -> None:
    rules(PULL, CASCADE, "rights")
    left, right = await pair(family, "rights")
    kept = CRight()
    await save(family, kept)
    other = CLeft(rights=[right, kept])
    await save(family, other)
    await family(left, "delete")
    assert await left_over(family, CLeft, CRight) == [2, 2]
    await family(other, "reload")
    assert len(other.rights) == 1


async def test_a_cycle_that_is_denied_deletes_nothing(
    family: Family, rules: Any
) -> None:
    rules(DENY, CASCADE)
    left, right = await pair(family)
    with pytest.raises(OperationError, match=r"CLeft\.right refers to it"):
        await family(left, "delete")
    with pytest.raises(OperationError, match=r"CLeft\.right refers to it"):
        await family(right, "delete")
    assert await left_over(family, CLeft, CRight) == [2, 2]


async def test_a_deletion_after_a_failed_one_starts_anew(
    family: Family, rules: Any
) -> None:
    rules(DENY, CASCADE)
    left, _ = await pair(family)
    with pytest.raises(OperationError):
        await family(left, "delete")
    rules(CASCADE, CASCADE)
    await family(left, "delete")
    assert await left_over(family, CLeft, CRight) == [1, 1]
