"""Client CPU of each operation, against plain PyMongo sending the same commands.

    python benchmarks/operations.py [--rounds N]

On the embedded server, or on MONGODB_URI.  Single documents are asked of a small
collection, so that a server without a good plan answers at once.  Only the CPU
time of the thread that does the work counts: what the server and the network
take is the same for all.  The async figures are taken inside one running loop.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from _harness import (
    Case,
    Cases,
    Row,
    available,
    compare,
    main,
    report,
    require_oracle,
    server,
)
from _shape import article_class, keywords, raw_article

MANY = 10_000
BATCH = 1_000
CALLS = 100
DATABASE = "mongoengine_benchmarks"


async def make_cases(side: str, options: dict[str, Any]) -> Cases:
    uri = options["uri"]
    if side == "plain":
        return {**plain_blocking(uri), **await plain_async(uri)}
    if side == "beanie":
        from _rivals import beanie_cases

        return await beanie_cases(uri, DATABASE, BATCH, CALLS)
    if side == "umongo":
        from _rivals import umongo_cases

        return umongo_cases(uri, DATABASE, CALLS)
    return await library_cases(uri, with_async=side == "ours")


def repeat(call: Callable[[int], Any], count: int = CALLS) -> Case:
    def run(_: Any) -> None:
        for number in range(count):
            call(number)

    return Case(run, per=count)


def repeat_async(call: Callable[[int], Any], count: int = CALLS) -> Case:
    async def run(_: Any) -> None:
        for number in range(count):
            await call(number)

    return Case(run, per=count)


def fresh_raws() -> list[dict[str, Any]]:
    """Articles without an `_id`, which PyMongo would add to the dict."""
    raws = [raw_article(number) for number in range(BATCH)]
    for raw in raws:
        del raw["_id"]
    return raws


def bulk_updates() -> list[Any]:
    """Return what `bulk_save` sends for a batch of articles with one change each."""
    from pymongo import UpdateOne

    return [
        UpdateOne(
            {"_id": raw_article(number)["_id"]},
            {"$set": {"views": number}},
            upsert=True,
        )
        for number in range(BATCH)
    ]


def plain_blocking(uri: str) -> Cases:
    from pymongo import MongoClient

    database: Any = MongoClient(uri)[DATABASE]
    articles, few, scratch = database.articles, database.few, database.scratch
    ids = [raw_article(number)["_id"] for number in range(CALLS)]

    def bulk_save(updates: list[Any]) -> None:
        articles.bulk_write(updates, ordered=False)

    def save_one(number: int) -> None:
        few.update_one({"_id": ids[number]}, {"$set": {"views": number}})

    def update(number: int) -> None:
        few.update_many({"slug": "none"}, {"$set": {"views": 1}})

    return {
        "get": repeat(lambda n: few.find_one({"_id": ids[n]})),
        "first": repeat(lambda n: few.find_one({"views": {"$gte": 0}})),
        "save": repeat(save_one),
        "insert": Case(scratch.insert_many, fresh_raws, per=1),
        "bulk save": Case(
            lambda u: articles.bulk_write(u, ordered=False), bulk_updates
        ),
        "list": Case(lambda _: list(articles.find()), per=1),
        "update": repeat(update),
        "count": repeat(lambda n: few.count_documents({"slug": "none"})),
    }


async def plain_async(uri: str) -> Cases:
    from pymongo import AsyncMongoClient

    database: Any = AsyncMongoClient(uri)[DATABASE]
    articles, few, scratch = database.articles, database.few, database.scratch
    ids = [raw_article(number)["_id"] for number in range(CALLS)]

    async def iterate(_: Any) -> None:
        async for _ in articles.find():
            pass

    return {
        "async get": repeat_async(lambda n: few.find_one({"_id": ids[n]})),
        "async first": repeat_async(lambda n: few.find_one({"views": {"$gte": 0}})),
        "async save": repeat_async(
            lambda n: few.update_one({"_id": ids[n]}, {"$set": {"views": n}})
        ),
        "async insert": Case(scratch.insert_many, fresh_raws),
        "async bulk save": Case(
            lambda u: articles.bulk_write(u, ordered=False), bulk_updates
        ),
        "async list": Case(lambda _: articles.find().to_list()),
        "async for": Case(iterate),
        "async update": repeat_async(
            lambda n: few.update_many({"slug": "none"}, {"$set": {"views": 1}})
        ),
        "async count": repeat_async(lambda n: few.count_documents({"slug": "none"})),
    }


async def library_cases(uri: str, *, with_async: bool) -> Cases:
    import mongoengine

    mongoengine.connect(DATABASE, host=uri, uuidRepresentation="standard")
    article, few = article_class(), article_class("few")
    scratch = article_class("scratch")
    comment = scratch._fields["comments"].field.document_type
    for each in (article, few, scratch):
        each.ensure_indexes()
    ids = [raw_article(number)["_id"] for number in range(CALLS)]

    def loaded() -> list[Any]:
        documents = list(few.objects(id__in=ids))
        for document in documents:
            document.views += 1
        return documents

    batch = [raw_article(number)["_id"] for number in range(BATCH)]

    def changed() -> list[Any]:
        documents = list(article.objects(id__in=batch))
        for document in documents:
            document.views += 1
        return documents

    def save(documents: list[Any]) -> None:
        for document in documents:
            document.save()

    def built() -> list[Any]:
        return [
            scratch(**keywords(comment, raw_article(number))) for number in range(BATCH)
        ]

    cases = {
        "get": repeat(lambda n: few.objects.get(id=ids[n])),
        "first": repeat(lambda n: few.objects(views__gte=0).first()),
        "save": Case(save, loaded, per=CALLS),
        "insert": Case(lambda d: scratch.objects.insert(d, load_bulk=False), built),
        "list": Case(lambda _: list(article.objects)),
        "update": repeat(lambda n: few.objects(slug="none").update(set__views=1)),
        "count": repeat(lambda n: few.objects(slug="none").count()),
    }
    if not with_async:
        return cases
    cases["bulk save"] = Case(article.objects.bulk_save, changed)
    await mongoengine.connect_async(DATABASE, host=uri, uuidRepresentation="standard")

    async def save_async(documents: list[Any]) -> None:
        for document in documents:
            await document.async_save()

    async def iterate(_: Any) -> None:
        async for _ in article.objects:
            pass

    return {
        **cases,
        "async get": repeat_async(lambda n: few.objects.async_get(id=ids[n])),
        "async first": repeat_async(lambda n: few.objects(views__gte=0).async_first()),
        "async save": Case(save_async, loaded, per=CALLS),
        "async insert": Case(
            lambda d: scratch.objects.async_insert(d, load_bulk=False), built
        ),
        "async bulk save": Case(article.objects.async_bulk_save, changed),
        "async list": Case(lambda _: article.objects.async_to_list()),
        "async for": Case(iterate),
        "async update": repeat_async(
            lambda n: few.objects(slug="none").async_update(set__views=1)
        ),
        "async count": repeat_async(lambda n: few.objects(slug="none").async_count()),
    }


ROWS = [
    Row("get(id=...)", "get", goal=1.2),
    Row("first()", "first", goal=1.2),
    Row("save() of one change", "save", goal=1.3),
    Row(f"insert() of {BATCH:,}", "insert", goal=2.5),
    Row(f"bulk_save() of {BATCH:,} changed", "bulk save", goal=2.5),
    Row(f"list() of {MANY:,}", "list", goal=1.3),
    Row("update()", "update"),
    Row("count()", "count"),
    Row("async_get(id=...)", "async get", goal=1.2),
    Row("async_first()", "async first", goal=1.2),
    Row("async_save() of one change", "async save", goal=1.3),
    Row(f"async_insert() of {BATCH:,}", "async insert", goal=2.5),
    Row(f"async_bulk_save() of {BATCH:,} changed", "async bulk save", goal=2.5),
    Row(f"async_to_list() of {MANY:,}", "async list", goal=1.3),
    Row(f"async for over {MANY:,}", "async for", goal=1.2),
    Row("async_update()", "async update"),
    Row("async_count()", "async count"),
]


def fill(uri: str) -> None:
    from pymongo import MongoClient

    client: Any = MongoClient(uri)
    client.drop_database(DATABASE)
    client[DATABASE].articles.insert_many([raw_article(n) for n in range(MANY)])
    client[DATABASE].few.insert_many([raw_article(n) for n in range(CALLS)])
    client.close()


def run(arguments: argparse.Namespace) -> None:
    require_oracle()
    sides = [s for s in ("ours", "oracle", "beanie", "umongo") if available(s)]
    with server() as uri:
        fill(uri)
        results = compare(
            __file__, ["plain", *sides], rounds=arguments.rounds, options={"uri": uri}
        )
    print(report(results, ROWS, sides, base_label="PyMongo"))


if __name__ == "__main__":
    main(make_cases, run, rounds=9)
