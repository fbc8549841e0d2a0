"""Beanie and umongo on the same work, for scripts that ask for them.

Neither is needed: a side whose library is not installed is left out.
"""

import datetime
from collections.abc import Awaitable, Callable
from typing import Any

import bson
from _harness import Case, Cases
from _shape import raw_article, touch_five


def _articles(count: int) -> list[dict[str, Any]]:
    return [raw_article(number) for number in range(count)]


def _without_ids(count: int) -> list[dict[str, Any]]:
    raws = _articles(count)
    for raw in raws:
        del raw["_id"]
    return raws


def _repeat(call: Callable[[int], Any], count: int) -> Case:
    def run(_: Any) -> None:
        for number in range(count):
            call(number)

    return Case(run, per=count)


def _repeat_async(call: Callable[[int], Awaitable[Any]], count: int) -> Case:
    async def run(_: Any) -> None:
        for number in range(count):
            await call(number)

    return Case(run, per=count)


# -- Beanie ------------------------------------------------------------------


def beanie_class(collection: str = "articles", *, tracked: bool = False) -> Any:
    """The class; `tracked` ones note changes, which costs them a copy at loading."""
    from beanie import Document, PydanticObjectId
    from pydantic import BaseModel, Field

    class Comment(BaseModel):
        author: str
        text: str
        created: datetime.datetime | None = None
        votes: int = 0

    class Article(Document):
        title: str = Field(max_length=200)
        slug: str
        body: str | None = None
        views: int = 0
        rating: float | None = None
        published: bool = False
        created: datetime.datetime | None = None
        author: PydanticObjectId | None = None
        tags: list[str] = []
        scores: list[int] = []
        extra: dict[str, Any] = {}
        comments: list[Comment] = []

        class Settings:
            name = collection
            use_state_management = tracked

    return Article


async def beanie_open(uri: str, database: str, *classes: Any, **options: Any) -> None:
    from beanie import init_beanie
    from pymongo import AsyncMongoClient

    client: Any = AsyncMongoClient(uri, **options)
    await init_beanie(database=client[database], document_models=list(classes))


async def beanie_cases(uri: str, database: str, batch: int, calls: int) -> Cases:
    article, few = beanie_class(), beanie_class("few", tracked=True)
    scratch = beanie_class("scratch")
    await beanie_open(uri, database, article, few, scratch)
    ids = [raw["_id"] for raw in _articles(calls)]

    async def loaded() -> list[Any]:
        documents = await few.find({"_id": {"$in": ids}}).to_list()
        for document in documents:
            document.views += 1
        return list(documents)

    async def save(documents: list[Any]) -> None:
        for document in documents:
            await document.save_changes()

    async def iterate(_: Any) -> None:
        async for _ in article.find():
            pass

    def built() -> list[Any]:
        return [scratch(**raw) for raw in _without_ids(batch)]

    return {
        "async get": _repeat_async(lambda n: few.get(ids[n]), calls),
        "async first": _repeat_async(
            lambda n: few.find({"views": {"$gte": 0}}).first_or_none(), calls
        ),
        "async save": Case(save, loaded, per=calls),
        "async insert": Case(scratch.insert_many, built),
        "async list": Case(lambda _: article.find().to_list()),
        "async for": Case(iterate),
        "async update": _repeat_async(
            lambda n: few.find({"slug": "none"}).update({"$set": {"views": 1}}),
            calls,
        ),
        "async count": _repeat_async(
            lambda n: few.find({"slug": "none"}).count(), calls
        ),
    }


async def beanie_codec(uri: str, database: str, encoded: list[bytes]) -> Cases:
    """Decode, load, touch, dump and construct, as Beanie's own queries do it."""
    from beanie.odm.utils.dump import get_dict
    from beanie.odm.utils.parsing import parse_obj

    article = beanie_class()
    await beanie_open(uri, database, article)
    return _codec(encoded, lambda raw: parse_obj(article, raw), get_dict, article)


# -- umongo ------------------------------------------------------------------


def umongo_class(uri: str, database: str, collection: str = "articles") -> Any:
    from pymongo import MongoClient
    from umongo import Document, EmbeddedDocument, fields, validate
    from umongo.frameworks import PyMongoInstance

    client: Any = MongoClient(uri, connect=False)
    instance = PyMongoInstance(client[database])

    @instance.register
    class Comment(EmbeddedDocument):  # type: ignore[misc]
        author = fields.StringField(required=True)
        text = fields.StringField(required=True)
        created = fields.NaiveDateTimeField()
        votes = fields.IntegerField(load_default=0)

    @instance.register
    class Article(Document):  # type: ignore[misc]
        title = fields.StringField(required=True, validate=validate.Length(max=200))
        slug = fields.StringField(required=True)
        body = fields.StringField()
        views = fields.IntegerField(load_default=0)
        rating = fields.FloatField()
        published = fields.BooleanField(load_default=False)
        created = fields.NaiveDateTimeField()
        author = fields.ObjectIdField()
        tags = fields.ListField(fields.StringField())
        scores = fields.ListField(fields.IntegerField())
        extra = fields.DictField()
        comments = fields.ListField(fields.EmbeddedField(Comment))

        class Meta:
            collection_name = collection

    return Article


def umongo_cases(uri: str, database: str, calls: int) -> Cases:
    article = umongo_class(uri, database)
    few = umongo_class(uri, database, "few")
    ids = [raw["_id"] for raw in _articles(calls)]

    def loaded() -> list[Any]:
        documents = list(few.find({"_id": {"$in": ids}}))
        for document in documents:
            document.views += 1
        return documents

    def save(documents: list[Any]) -> None:
        for document in documents:
            document.commit()

    return {
        "get": _repeat(lambda n: few.find_one({"_id": ids[n]}), calls),
        "first": _repeat(lambda n: few.find_one({"views": {"$gte": 0}}), calls),
        "save": Case(save, loaded, per=calls),
        "list": Case(lambda _: list(article.find())),
        "count": _repeat(lambda n: few.count_documents({"slug": "none"}), calls),
    }


def umongo_codec(encoded: list[bytes]) -> Cases:
    article = umongo_class("mongodb://127.0.0.1:1", "unused")
    return _codec(
        encoded, article.build_from_mongo, lambda document: document.to_mongo(), None
    )


def _codec(
    encoded: list[bytes],
    make: Callable[[dict[str, Any]], Any],
    dump: Callable[[Any], Any],
    construct: Callable[..., Any] | None,
) -> Cases:
    decode, count = bson.decode, len(encoded)

    def load() -> list[Any]:
        return [make(decode(data)) for data in encoded]

    def timed_load(_: Any) -> None:
        for data in encoded:
            make(decode(data))

    def touch(_: Any) -> None:
        for data in encoded:
            touch_five(make(decode(data)))

    def dump_all(documents: list[Any]) -> None:
        for document in documents:
            dump(document)

    cases = {
        "load": Case(timed_load, per=count),
        "touch five": Case(touch, per=count),
        "dump": Case(dump_all, load, per=count),
    }
    if construct:

        def build(raws: list[dict[str, Any]]) -> None:
            for raw in raws:
                construct(**raw)

        def raws() -> list[dict[str, Any]]:
            found = [decode(data) for data in encoded]
            for raw in found:
                del raw["_id"]
            return found

        cases["construct comments"] = Case(build, raws, per=count)
    return cases
