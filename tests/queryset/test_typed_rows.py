"""`aggregate(pipeline, into=...)`: rows as objects of a class, in either family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

import pytest

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    F,
    FieldDoesNotExist,
    IntField,
    InvalidDocumentError,
    StringField,
    ValidationError,
)
from tests.families import Family

pydantic = pytest.importorskip("pydantic", reason="needs Pydantic")


class RowMaker(EmbeddedDocument):
    name = StringField(db_field="nm")


class RowGood(Document):
    key = IntField(primary_key=True)
    name = StringField(db_field="n")
    price = IntField(db_field="p")
    maker = EmbeddedDocumentField(RowMaker, db_field="mk")
    meta = {"collection": "row_good"}


@dataclass
class Total:
    id: str
    total: int
    names: list[str] = field(default_factory=list)


@dataclass
class Maker:
    nm: str


@dataclass
class Listed:
    n: str
    mk: Maker | None = None
    all: list[Maker] = field(default_factory=list)


class TotalDict(TypedDict):
    id: str
    total: int


class TotalModel(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    id: str
    total: int


class AliasModel(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    key: str = pydantic.Field(alias="_id")
    total: int


class Keyless(pydantic.BaseModel):  # type: ignore[misc, name-defined]
    model_config = {"extra": "forbid"}
    total: int


TOTALS: list[dict[str, Any]] = [
    {"$group": {"_id": F("maker__name"), "total": {"$sum": F("price")}}},
    {"$sort": {"_id": 1}},
]


@pytest.fixture(autouse=True)
def goods(family: Family, mongo: Any) -> Any:
    mongo.row_good.insert_many(
        [
            {"_id": i, "n": name, "p": i, "mk": {"nm": "x" if i < 3 else "y"}}
            for i, name in enumerate("abcd")
        ]
    )
    return mongo.row_good


async def rows(family: Family, pipeline: Any, into: Any) -> list[Any]:
    if family.is_async:
        found = RowGood.objects.async_aggregate(pipeline, into=into)
        return [row async for row in found]
    return list(RowGood.objects.aggregate(pipeline, into=into))


async def test_rows_are_instances_of_a_dataclass(family: Family) -> None:
    found = await rows(family, TOTALS, Total)
    assert found == [Total("x", 3), Total("y", 3)]


async def test_a_dataclass_has_objects_where_it_is_annotated_so(family: Family) -> None:
    stages = [
        {"$match": {F("name"): {"$in": ["a", "d"]}}},
        {"$project": {F("name"): 1, F("maker"): 1, "all": [F("maker")]}},
    ]
    found = await rows(family, stages, Listed)
    assert found[0] == Listed("a", Maker("x"), [Maker("x")])


async def test_a_dataclass_names_what_does_not_fit(family: Family) -> None:
    with pytest.raises(ValidationError, match=r"Total.total: the row has no value"):
        await rows(family, [{"$project": {"_id": 1}}], Total)
    with pytest.raises(ValidationError, match=r"Total.n: .* no such field") as raised:
        await rows(family, [{"$project": {"n": 1, "total": "$p"}}], Total)
    assert raised.value.field_name == "n"


async def test_rows_are_dicts_as_a_typed_dict_describes_them(family: Family) -> None:
    assert await rows(family, TOTALS, TotalDict) == [
        {"id": "x", "total": 3},
        {"id": "y", "total": 3},
    ]
    with pytest.raises(ValidationError, match=r"TotalDict.total"):
        await rows(family, [{"$project": {"_id": 1}}], TotalDict)


async def test_rows_are_models_of_pydantic(family: Family) -> None:
    assert (await rows(family, TOTALS, TotalModel))[0] == TotalModel(id="x", total=3)
    assert (await rows(family, TOTALS, AliasModel))[0].key == "x"
    assert (await rows(family, TOTALS, Keyless))[0].total == 3
    with pytest.raises(pydantic.ValidationError, match=r"TotalModel\ntotal"):
        await rows(family, [{"$project": {"_id": "$n"}}], TotalModel)


async def test_rows_are_documents(family: Family, goods: Any) -> None:
    found = await rows(family, [{"$match": {F("price"): {"$gt": 2}}}], RowGood)
    assert [(good.name, good.maker.name) for good in found] == [("d", "y")]
    found[0].name = "changed"
    await family(found[0], "save")
    assert goods.find_one({"_id": found[0].pk})["n"] == "changed"


async def test_rows_of_documents_may_have_the_names_of_fields(family: Family) -> None:
    stages = [{"$project": {"name": F("name"), "price": {"$add": [F("price"), 1]}}}]
    found = await rows(family, stages, RowGood)
    assert [good.price for good in found] == [1, 2, 3, 4]


async def test_rows_are_embedded_documents(family: Family) -> None:
    stages = [{"$replaceWith": F("maker")}, {"$limit": 1}]
    assert await rows(family, stages, RowMaker) == [RowMaker(name="x")]


async def test_documents_name_what_does_not_fit(family: Family) -> None:
    with pytest.raises(FieldDoesNotExist, match=r"other.*RowGood"):
        await rows(family, [{"$project": {"other": "$n"}}], RowGood)
    with pytest.raises(InvalidDocumentError, match=r"RowGood(.|\n)*maker"):
        await rows(family, [{"$project": {"mk": "$n"}}], RowGood)


async def test_a_class_without_rows_is_refused(family: Family) -> None:
    with pytest.raises(TypeError, match="takes a document class"):
        await rows(family, TOTALS, int)
    assert family.commands == []


async def test_a_loop_that_breaks_closes_the_cursor(family: Family) -> None:
    if family.is_async:
        cursor = await RowGood.objects.async_aggregate(
            [{"$sort": {"_id": 1}}], into=RowGood, batchSize=1
        )
        assert (await cursor.next()).name == "a"
        assert cursor.alive
        assert [good.name for good in await cursor.to_list(2)] == ["b", "c"]
        async with cursor:
            pass
        assert not cursor.alive
    else:
        blocking = RowGood.objects.aggregate(
            [{"$sort": {"_id": 1}}], into=RowGood, batchSize=1
        )
        assert next(blocking).name == "a"
        assert blocking.alive
        assert [good.name for good in blocking.to_list(2)] == ["b", "c"]
        with blocking:
            pass
        assert not blocking.alive
    assert family.command_names[-1] == "killCursors"


async def test_a_pending_cursor_gives_objects(family: Family) -> None:
    if family.is_async:
        assert await RowGood.objects.async_aggregate(TOTALS, into=Total).to_list(1) == [
            Total("x", 3)
        ]
        assert (await anext(RowGood.objects.async_aggregate(TOTALS, into=Total))) == (
            Total("x", 3)
        )
    else:
        assert RowGood.objects.aggregate(TOTALS, into=Total).to_list(1) == [
            Total("x", 3)
        ]
