"""`clean()` and `validation=`: coroutine functions, and where they are left out."""

from __future__ import annotations

from typing import Any

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericEmbeddedDocumentField,
    IntField,
    ListField,
    MapField,
    SequenceField,
    StringField,
    ValidationError,
)
from tests.families import Family

calls: list[str] = []


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


async def refuse_odd(value: int) -> None:
    calls.append("validation")
    if value % 2:
        raise ValidationError("odd")


class HookPart(EmbeddedDocument):
    number = IntField()

    async def clean(self) -> None:
        calls.append("part")
        if self.number == 13:
            raise ValidationError("thirteen")
        self.number = (self.number or 0) + 100


class HookChecked(EmbeddedDocument):
    number = IntField(validation=refuse_odd)


class HookWhole(Document):
    number = IntField(required=True)

    async def clean(self) -> None:
        calls.append("whole")
        if self.number == 13:
            raise ValidationError("thirteen")
        self.number = self.number or 1


class HookHolder(Document):
    one = EmbeddedDocumentField(HookPart)
    any_one = GenericEmbeddedDocumentField()
    listed = ListField(EmbeddedDocumentField(HookPart))
    listed_too = EmbeddedDocumentListField(HookPart)
    mapped = MapField(EmbeddedDocumentField(HookPart))
    rows = ListField(ListField(EmbeddedDocumentField(HookPart)))
    checked = ListField(EmbeddedDocumentField(HookChecked))
    numbers = ListField(IntField(validation=refuse_odd))

    def clean(self) -> None:
        calls.append("holder")


def place(name: str, part: Any) -> Any:
    return {
        "one": part,
        "any_one": part,
        "listed": [part],
        "listed_too": [part],
        "mapped": {"k": part},
        "rows": [[part]],
    }[name]


PLACES = ["one", "any_one", "listed", "listed_too", "mapped", "rows"]

only_async = pytest.mark.parametrize("family", ["async"], indirect=True)
only_sync = pytest.mark.parametrize("family", ["sync"], indirect=True)

SAVES: dict[str, Any] = {
    "save": lambda doc: doc.async_save(),
    "bulk_save": lambda doc: type(doc).objects.async_bulk_save([doc]),
    "validate": lambda doc: doc.async_validate(),
    "insert": lambda doc: type(doc).objects.async_insert([doc], load_bulk=False),
}


@only_async
@pytest.mark.parametrize("way", SAVES)
async def test_a_coroutine_clean_is_awaited(family: Family, way: str) -> None:
    document = HookWhole()
    await SAVES[way](document)
    assert (calls, document.number) == (["whole"], 1)
    with pytest.raises(ValidationError, match="thirteen"):
        await SAVES[way](HookWhole(number=13))
    assert await HookWhole.objects(number=13).async_count() == 0


@only_async
@pytest.mark.parametrize("way", SAVES)
@pytest.mark.parametrize("name", PLACES)
async def test_a_coroutine_clean_of_an_embedded_document_is_awaited(
    family: Family, mongo: Any, way: str, name: str
) -> None:
    document = HookHolder(**{name: place(name, HookPart(number=1))})
    await SAVES[way](document)
    assert calls == (["part"] if way == "insert" else ["holder", "part"])
    assert document.to_mongo()[name] is not None
    if way != "validate":
        assert "101" in str(mongo.hook_holder.find_one()[name])
    bad = HookHolder(**{name: place(name, HookPart(number=13))})
    with pytest.raises(ValidationError, match="thirteen"):
        await SAVES[way](bad)


@only_async
async def test_a_coroutine_validation_is_awaited(family: Family) -> None:
    await HookHolder(numbers=[2, 4]).async_save()
    assert calls == ["holder", "validation", "validation"]
    with pytest.raises(ValidationError) as caught:
        await HookHolder(numbers=[2, 3], checked=[HookChecked(number=5)]).async_save()
    assert set(caught.value.errors) == {"numbers", "checked"}
    assert await HookHolder.objects.async_count() == 1


@only_async
async def test_an_embedded_document_validates_itself(family: Family) -> None:
    with pytest.raises(ValidationError, match="odd"):
        await HookChecked(number=1).async_validate()
    part = HookPart(number=1)
    await part.async_validate(clean=False)
    assert (calls, part.number) == (["validation"], 1)


@only_sync
@pytest.mark.parametrize("method", ["save", "validate", "bulk_save", "insert"])
@pytest.mark.parametrize(
    ("document", "name"),
    [
        (HookWhole(number=1), r"HookWhole\.clean\(\)"),
        (HookHolder(listed=[HookPart(number=1)]), r"HookPart\.clean\(\)"),
    ],
)
async def test_a_coroutine_clean_is_refused_where_nothing_awaits_it(
    family: Family, mongo: Any, method: str, document: Any, name: str
) -> None:
    with pytest.raises(RuntimeError, match=name + " is a coroutine function"):
        if method in ("save", "validate"):
            getattr(document, method)()
        else:
            getattr(type(document).objects, method)([document])
    assert mongo.list_collection_names(filter={"name": "hook_whole"}) == [] or (
        mongo.hook_whole.count_documents({}) == 0
    )


@only_sync
async def test_a_coroutine_validation_is_refused_where_nothing_awaits_it(
    family: Family,
) -> None:
    with pytest.raises(RuntimeError, match=r"validation of .* is a coroutine function"):
        HookHolder(numbers=[2]).save()


# -- without clean() ---------------------------------------------------------------


class HookPlain(EmbeddedDocument):
    number = IntField()

    def clean(self) -> None:
        calls.append("plain")


class HookPlainHolder(Document):
    one = EmbeddedDocumentField(HookPlain)
    any_one = GenericEmbeddedDocumentField()
    listed = ListField(EmbeddedDocumentField(HookPlain))
    listed_too = EmbeddedDocumentListField(HookPlain)
    mapped = MapField(EmbeddedDocumentField(HookPlain))
    rows = ListField(ListField(EmbeddedDocumentField(HookPlain)))


@pytest.mark.parametrize("name", PLACES)
async def test_clean_is_left_out_wherever_the_embedded_document_is(
    family: Family, name: str
) -> None:
    document = HookPlainHolder(**{name: place(name, HookPlain(number=1))})
    await family(document, "save", clean=False)
    document.validate(clean=False)
    assert calls == []
    await family(document, "save")
    assert calls == ["plain"]


# -- numbers -----------------------------------------------------------------------


class HookNumbered(EmbeddedDocument):
    number = SequenceField()


class HookCounted(Document):
    number = SequenceField()
    name = StringField(max_length=3)
    part = EmbeddedDocumentField(HookNumbered)
    parts = MapField(ListField(EmbeddedDocumentField(HookNumbered)))


class HookUncounted(Document):
    name = StringField()
    meta = {"collection": "hook_counted"}


class HookKeyedByNumber(Document):
    number = SequenceField(primary_key=True)
    name = StringField(max_length=3)


@pytest.mark.parametrize("cls", [HookCounted, HookKeyedByNumber])
async def test_a_save_that_fails_validation_takes_no_number(
    family: Family, mongo: Any, cls: Any
) -> None:
    with pytest.raises(ValidationError):
        await family(cls(name="too long"), "save")
    with pytest.raises(ValidationError):
        await family(cls.objects, "bulk_save", [cls(name="too long")])
    document = await family(cls(name="a"), "save")
    assert document.number == 1


async def test_a_sequence_field_added_later_numbers_documents_that_are_saved(
    family: Family, mongo: Any
) -> None:
    await family(HookUncounted(name="a"), "save")
    document = await family(HookCounted.objects, "first")
    await family(document, "save")
    assert mongo.hook_counted.find_one()["number"] == document.number == 1


async def test_a_partly_loaded_document_keeps_its_stored_number(
    family: Family, mongo: Any
) -> None:
    await family(HookCounted(name="a"), "save")
    document = await family(HookCounted.objects.only("name"), "first")
    document.name = "b"
    await family(document, "save")
    assert mongo.hook_counted.find_one()["number"] == 1


async def test_embedded_documents_are_numbered_in_every_container(
    family: Family, mongo: Any
) -> None:
    document = HookCounted(part=HookNumbered(), parts={"k": [HookNumbered()]})
    await family(document, "save")
    raw = mongo.hook_counted.find_one()
    assert {raw["part"]["number"], raw["parts"]["k"][0]["number"]} == {1, 2}
