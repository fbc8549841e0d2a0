"""Jobs in the background, from a collection: no broker is needed.

    cd docs/code && python -m bookshop.worker --threads 4

A worker claims a job by an atomic update that moves its due time a minute on, and
deletes it when it is done.  If the worker dies, the job becomes due again.
"""

import argparse
import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from bookshop.models import Book, Job, Order, now
from bookshop.settings import SETTINGS, database_of
from mongoengine import connect, connect_async, disconnect, disconnect_async
from mongoengine.context_managers import (
    async_using_db,
    async_with_transaction,
    using_db,
)

Task = Callable[..., None] | Callable[..., Coroutine[Any, Any, None]]
TASKS: dict[str, Task] = {}


def task(function: Task) -> Task:
    TASKS[function.__name__] = function
    return function


@task
def restock(tenant: str, isbn: str, copies: str) -> None:
    """Put copies on the shelf: a task that blocks."""
    with using_db(database_of(tenant)):
        Book.objects(isbn=isbn).update_one(inc__stock=int(copies))


@task
async def cancel_order(tenant: str, order: str) -> None:
    """Put the books of an order back on the shelf: a task that awaits."""

    async def cancel() -> None:
        cancelled = await Order.objects(id=order).async_modify(remove=True)
        if cancelled is None:
            return  # an earlier attempt did it, and died before the job was deleted
        for line in cancelled.lines:
            await Book.objects(id=line.book.pk).async_update_one(inc__stock=line.copies)

    async with async_using_db(database_of(tenant)):
        await async_with_transaction(cancel)


def claim() -> Job | None:
    """Take a job that is due, for as long as a lease lasts."""
    return (
        Job.objects(due__lte=now())
        .order_by("due")
        .modify(set__due=now() + Job.LEASE, inc__attempts=1, new=True)
    )


def perform(job: Job) -> None:
    function = TASKS[job.task]
    if inspect.iscoroutinefunction(function):
        # Each call has an event loop of its own; the alias opens a client for it.
        asyncio.run(function(*job.arguments))
    else:
        function(*job.arguments)
    job.delete()


def work(stop: threading.Event, until_empty: bool) -> None:
    while not stop.is_set():
        job = claim()
        if job is not None:
            perform(job)
        elif until_empty:
            return
        else:
            stop.wait(1)


async def open_async() -> None:
    await connect_async(**SETTINGS)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--threads", type=int, default=4)
    options.add_argument("--until-empty", action="store_true")
    chosen = options.parse_args()

    connect(**SETTINGS)
    asyncio.run(open_async())  # notes the settings; a loop's client is made in the loop
    stop = threading.Event()
    threads = [
        threading.Thread(target=work, args=(stop, chosen.until_empty))
        for _ in range(chosen.threads)
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stop.set()  # each thread finishes the job that it has
        for thread in threads:
            thread.join()
    disconnect()
    asyncio.run(disconnect_async())


if __name__ == "__main__":
    main()
