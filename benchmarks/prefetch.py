"""The gain of `prefetch()`: the next batch travels while this one is consumed.

    python benchmarks/prefetch.py [--rounds N]

Wall time of an `async for` over 2,000 documents in batches of 100, whose body
works for a while on each; every batch takes the server `LATENCY` seconds more
than it would, by a proxy on the loopback that holds its answers back.
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from _harness import (
    Case,
    Cases,
    compare,
    duration,
    main,
    server,
    table,
    times,
)
from _shape import article_class, raw_article

DOCUMENTS, BATCH = 2_000, 100
LATENCY = 0.020
DATABASE = "mongoengine_prefetch"


async def make_cases(side: str, options: dict[str, Any]) -> Cases:
    import mongoengine

    await mongoengine.connect_async(
        DATABASE,
        host=options["uri"],
        directConnection=True,
        uuidRepresentation="standard",
    )
    article = article_class()
    queryset = article.objects.no_cache().batch_size(BATCH)

    def case(lazy: Any, work: float) -> Case:
        async def run(_: Any) -> None:
            number = 0
            async for document in lazy.clone():
                _ = document.title
                number += 1
                if work and number % 50 == 0:
                    await asyncio.sleep(work * 50)
            assert number == DOCUMENTS

        return Case(run, clock=time.perf_counter)

    return {
        f"{name}, {work}": case(lazy, work)
        for work in WORK
        for name, lazy in (("plain", queryset), ("prefetch", queryset.prefetch()))
    }


WORK = {
    0.0: "reads a field",
    0.00005: "awaits 50 us each",
    0.0002: "awaits 200 us each",
}


async def pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float
) -> None:
    """Hand on one wire-protocol message after another, each `delay` seconds late."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            length = await reader.readexactly(4)
            rest = await reader.readexactly(int.from_bytes(length, "little") - 4)
            await asyncio.sleep(delay)
            writer.write(length + rest)
    writer.close()


async def cancel(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def slow(uri: str) -> Iterator[str]:
    """A URI of the same server, `LATENCY` seconds further away."""
    host, _, port = uri.removeprefix("mongodb://").rstrip("/").partition(":")
    loop = asyncio.new_event_loop()

    async def accept(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection(host, int(port))
        with suppress(asyncio.CancelledError):  # the benchmark is over
            await asyncio.gather(pass_on(near, forth, 0), pass_on(far, back, LATENCY))

    listening = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"mongodb://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        loop.run_until_complete(cancel(asyncio.all_tasks(loop)))
        loop.close()


def run(arguments: argparse.Namespace) -> None:
    from pymongo import MongoClient

    with server() as uri, slow(uri) as far:
        client: Any = MongoClient(uri)
        client.drop_database(DATABASE)
        client[DATABASE].articles.insert_many(
            [raw_article(n) for n in range(DOCUMENTS)]
        )
        client.close()
        results = compare(
            __file__, ["ours"], rounds=arguments.rounds, options={"uri": far}
        )
    lines = []
    for work, label in WORK.items():
        plain, ahead = f"plain, {work}", f"prefetch, {work}"
        ratio = results.ratio("ours", ahead, "ours", plain)
        figures = [duration(results.least("ours", case)) for case in (plain, ahead)]
        lines.append([label, *figures, times(ratio)])
    print(table(["the loop's body", "without", "prefetch()", "ratio"], lines))


if __name__ == "__main__":
    main(make_cases, run, rounds=5)
