"""1,000 concurrent reads and writes, against plain AsyncMongoClient's.

    python benchmarks/concurrency.py [--rounds N]

Each line is one `asyncio.gather` of 1,000 operations; CPU time of the loop's thread
is compared.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from _harness import (
    Case,
    Cases,
    Row,
    available,
    compare,
    main,
    report,
    server,
)
from _shape import article_class, raw_article

TASKS = 1_000
# Connections that the tasks share; more only make the embedded server thrash.
OPTIONS = {"maxPoolSize": 10, "uuidRepresentation": "standard"}
DATABASE = "mongoengine_concurrency"


async def make_cases(side: str, options: dict[str, Any]) -> Cases:
    makers = {"plain": plain, "ours": ours, "beanie": beanie}
    read, write = await makers[side](options["uri"])

    async def reads(_: Any) -> None:
        await asyncio.gather(*(read(number) for number in range(TASKS)))

    async def writes(_: Any) -> None:
        await asyncio.gather(*(write(number) for number in range(TASKS)))

    async def both(_: Any) -> None:
        await asyncio.gather(
            *((read, write)[number % 2](number) for number in range(TASKS))
        )

    return {"reads": Case(reads), "writes": Case(writes), "both": Case(both)}


Operation = Callable[[int], Awaitable[Any]]


async def plain(uri: str) -> tuple[Operation, Operation]:
    from pymongo import AsyncMongoClient

    articles: Any = AsyncMongoClient(uri, **OPTIONS)[DATABASE].articles
    ids = [raw_article(number)["_id"] for number in range(TASKS)]

    def read(number: int) -> Awaitable[Any]:
        return articles.find_one({"_id": ids[number]})

    def write(number: int) -> Awaitable[Any]:
        return articles.update_one({"_id": ids[number]}, {"$inc": {"views": 1}})

    return read, write


async def ours(uri: str) -> tuple[Operation, Operation]:
    import mongoengine

    await mongoengine.connect_async(DATABASE, host=uri, **OPTIONS)
    article = article_class()
    await article.async_ensure_indexes()
    ids = [raw_article(number)["_id"] for number in range(TASKS)]

    def read(number: int) -> Awaitable[Any]:
        return article.objects.async_get(id=ids[number])

    def write(number: int) -> Awaitable[Any]:
        return article.objects(id=ids[number]).async_update_one(inc__views=1)

    return read, write


async def beanie(uri: str) -> tuple[Operation, Operation]:
    from _rivals import beanie_class, beanie_open

    article = beanie_class()
    await beanie_open(uri, DATABASE, article, **OPTIONS)
    ids = [raw_article(number)["_id"] for number in range(TASKS)]

    def read(number: int) -> Awaitable[Any]:
        return article.get(ids[number])

    def write(number: int) -> Awaitable[Any]:
        return article.find_one({"_id": ids[number]}).update({"$inc": {"views": 1}})

    return read, write


ROWS = [
    Row(f"{TASKS:,} reads", "reads", goal=1.2),
    Row(f"{TASKS:,} writes", "writes", goal=1.2),
    Row(f"{TASKS // 2} reads, {TASKS // 2} writes", "both", goal=1.2),
]


def run(arguments: argparse.Namespace) -> None:
    from pymongo import MongoClient

    sides = [side for side in ("ours", "beanie") if available(side)]
    with server() as uri:
        client: Any = MongoClient(uri)
        client.drop_database(DATABASE)
        client[DATABASE].articles.insert_many([raw_article(n) for n in range(TASKS)])
        client.close()
        results = compare(
            __file__, ["plain", *sides], rounds=arguments.rounds, options={"uri": uri}
        )
    print(report(results, ROWS, sides, base_label="PyMongo"))


if __name__ == "__main__":
    main(make_cases, run, rounds=5)
