"""Hours in minutes: everything at once, with faults, and every answer checked.

    python benchmarks/soak.py [--seconds 120] [--faults] [--uri URI] [--workers 2]

Threads (blocking methods) and tasks (asynchronous ones) write, read, transfer in
transactions, and work in databases of tenants, while change streams are followed:
PyMongo's, and the library's in both families.
What was acknowledged is remembered: a reading that gives less, a torn document, a
document of another tenant, or an event that is missing or comes twice is a wrong
answer.  With `--faults`, the server refuses commands or cuts connections each second.

It prints operations, errors and latencies (milliseconds), and what is open and used
after the warm-up and at the end.  The exit code is 1 for a wrong answer or growth.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import os
import random
import statistics
import sys
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    StringField,
    connect,
    connect_async,
    disconnect,
    disconnect_async,
)
from mongoengine.context_managers import (
    async_run_in_transaction,
    async_using_db,
    run_in_transaction,
    using_db,
)
from mongoengine.driver import embedded
from mongoengine.errors import DoesNotExist, OperationError

EMBEDDED = "embedded://?testCommands=true"
#: Part of the time that counts as the warm-up.
WARM_UP = 0.3
KEYS, NOTES, TOTAL = 12, 40, 1_000
#: A server that was lost is looked for again at once.
WATCHING = {"serverMonitoringMode": "poll", "heartbeatFrequencyMS": 500}
EXPECTED = (PyMongoError, OperationError)


class Part(EmbeddedDocument):
    version = IntField()


class Item(Document):
    """Has one writer, and the number of its last change in several places."""

    number = IntField(primary_key=True)
    version = IntField(db_field="v")
    copies = ListField(IntField())
    part = EmbeddedDocumentField(Part)
    meta = {"collection": "item"}

    def assign(self, version: int) -> None:
        self.version = version
        self.copies = [version] * 3
        self.part = Part(version=version)

    @property
    def is_whole(self) -> bool:
        return set(self.copies) == {self.version} == {self.part.version}


class Account(Document):
    number = IntField(primary_key=True)
    balance = IntField()
    meta = {"collection": "account"}


class Note(Document):
    tenant = StringField()
    meta = {"collection": "note", "indexes": ["tenant"]}


class Event(Document):
    number = IntField(primary_key=True)
    meta = {"collection": "event"}


# -- the two families ---------------------------------------------------------------


class Entered:
    """A blocking context manager, for `async with`."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def __aenter__(self) -> Any:
        return self._manager.__enter__()

    async def __aexit__(self, *error: Any) -> Any:
        return self._manager.__exit__(*error)


class Blocking:
    """Call blocking methods; coroutines that do only this never suspend."""

    name = "thread"

    async def __call__(self, target: Any, method: str, *args: Any, **kw: Any) -> Any:
        return getattr(target, method)(*args, **kw)

    def transaction(self) -> Any:
        return Entered(run_in_transaction())

    def tenant(self, name: str) -> Any:
        return Entered(using_db(name, Note))

    async def pause(self) -> None:
        time.sleep(0.001)  # noqa: ASYNC251 (there is no loop)


class Asynchronous:
    """Await asynchronous methods."""

    name = "task"

    async def __call__(self, target: Any, method: str, *args: Any, **kw: Any) -> Any:
        return await getattr(target, "async_" + method)(*args, **kw)

    def transaction(self) -> Any:
        return async_run_in_transaction()

    def tenant(self, name: str) -> Any:
        return async_using_db(name, Note)

    async def pause(self) -> None:
        await asyncio.sleep(0.001)


Family = Blocking | Asynchronous


def drive(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never suspends."""
    with suppress(StopIteration):
        coroutine.send(None)
        raise AssertionError("a blocking worker has suspended")


# -- what is counted -----------------------------------------------------------------


class Latencies:
    """Times in buckets that are 5 % wide: counting them takes no memory."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        self._buckets[round(math.log(max(seconds, 1e-6), 1.05))] += 1

    def at(self, part: float) -> float:
        """Return the milliseconds that this part of all times does not exceed."""
        left = part * sum(self._buckets.values())
        for bucket, count in sorted(self._buckets.items()):
            left -= count
            if left <= 0:
                return 1.05**bucket * 1e3
        return 0.0


class Run:
    """The state that workers share: time left, acknowledged data, and figures."""

    def __init__(self, seconds: float) -> None:
        self.begun = time.monotonic()
        self.seconds = seconds
        self.end = self.begun + seconds
        self.lock = threading.Lock()
        self.operations: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.latencies: defaultdict[str, Latencies] = defaultdict(Latencies)
        self.wrong: list[str] = []
        self.acknowledged: dict[int, int] = {}
        self.tried: dict[int, int] = {}
        self.events = 0

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.end and len(self.wrong) < 20

    async def attempt(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result in a tuple; None after an error that a fault may cause."""
        began = time.perf_counter()
        try:
            result = await call()
        except EXPECTED as error:
            with self.lock:
                self.errors[type(error).__name__] += 1
            return None
        with self.lock:
            self.operations[name] += 1
            self.latencies[name].add(time.perf_counter() - began)
        return (result,)

    async def insist(
        self, family: Family, name: str, call: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Repeat a call until it succeeds, also when the time is over."""
        for _ in range(200):
            if (result := await self.attempt(name, call)) is not None:
                return result[0]
            await family.pause()
        self.report(f"{name} has failed 200 times")
        raise SystemExit

    def report(self, text: str) -> None:
        with self.lock:
            self.wrong.append(text)


# -- the workers -----------------------------------------------------------------------


async def write(run: Run, family: Family, worker: int) -> None:
    """Change items of one's own; a failed save is repeated, now and then with more."""
    chance = random.Random(worker)
    items = [Item(number=worker * KEYS + n) for n in range(KEYS)]
    versions = [0] * KEYS
    while run.goes_on:
        place = chance.randrange(KEYS)
        item = items[place]
        versions[place] += 1
        version = versions[place]
        item.assign(version)
        with run.lock:
            run.tried[item.number] = version
        name = f"save ({family.name})"
        saved = await run.attempt(name, lambda item=item: family(item, "save"))
        if saved is None and chance.random() < 0.5:
            continue  # the next change takes this one along
        if saved is None:
            await run.insist(family, name, lambda item=item: family(item, "save"))
        with run.lock:
            run.acknowledged[item.number] = version
        await family.pause()
    for item, version in zip(items, versions, strict=True):
        if version:
            await run.insist(
                family, "save at the end", lambda i=item: family(i, "save")
            )
            stored = await run.insist(
                family, "get", lambda i=item: family(Item.objects, "get", pk=i.pk)
            )
            if stored.version != version or not stored.is_whole:
                run.report(f"item {item.pk}: {stored.to_mongo()} is not {version}")


async def read(run: Run, family: Family, worker: int) -> None:
    """Read single items and all of them, and compare with what was acknowledged."""
    chance = random.Random(-worker)
    while run.goes_on:
        await family.pause()
        with run.lock:
            before = dict(run.acknowledged)
        if not before:
            continue
        if chance.random() < 0.9:
            number = chance.choice(list(before))
            queryset, name = Item.objects(pk=number), f"get ({family.name})"
            call = lambda q=queryset: family(q, "get")  # noqa: E731
        else:
            queryset, name = Item.objects.batch_size(5), f"list ({family.name})"
            number = None
            call = lambda q=queryset: family(q, "to_list")  # noqa: E731
        try:
            result = await run.attempt(name, call)
        except DoesNotExist:
            run.report(f"item {number} is not there, {before[number]} was saved")
            continue
        if result is None:
            continue
        items = result[0] if number is None else [result[0]]
        check_items(run, before, items, whole=number is None)


def check_items(run: Run, before: dict[int, int], items: Any, whole: bool) -> None:
    for item in items:
        low, high = before.get(item.number, 0), run.tried[item.number]
        if not low <= item.version <= high or not item.is_whole:
            run.report(f"{item.to_mongo()}, but {low} was saved and {high} the last")
    if whole and (missing := before.keys() - {item.number for item in items}):
        run.report(f"the list has no items {sorted(missing)}")


class Abort(Exception):
    """Ends a transaction on purpose."""


async def transfer(run: Run, family: Family, worker: int) -> None:
    """Move amounts between two accounts; their sum never changes."""
    chance = random.Random(worker)
    accounts = [Account(number=2 * worker + n, balance=TOTAL) for n in range(2)]
    for account in accounts:
        await run.insist(family, "save", lambda a=account: family(a, "save"))

    async def move() -> None:
        amount = chance.randrange(1, 10)
        with suppress(Abort):
            async with family.transaction():
                accounts[0].balance -= amount
                await family(accounts[0], "save")
                accounts[1].balance += amount
                await family(accounts[1], "save")
                if chance.random() < 0.2:
                    raise Abort

    async def look() -> int:
        async with family.transaction():
            numbers = [account.number for account in accounts]
            found = await family(Account.objects(pk__in=numbers), "to_list")
            return sum(account.balance for account in found)

    while run.goes_on:
        await run.attempt(f"transaction ({family.name})", move)
        for account in accounts:
            await run.insist(family, "reload", lambda a=account: family(a, "reload"))
        found = await run.attempt("read in a transaction", look)
        sums = [sum(a.balance for a in accounts), *(found or ())]
        if sums != [2 * TOTAL] * len(sums):
            run.report(f"the accounts of worker {worker} have {sums}")
        await family.pause()


async def tenant(run: Run, family: Family, worker: int, database: str) -> None:
    """Keep notes in a database of one's own, and see no others."""
    name = f"{database}_{worker}"
    count = 0
    while run.goes_on:
        async with family.tenant(name):
            note = Note(tenant=name)
            key = f"tenant ({family.name})"
            await run.insist(family, key, lambda n=note: family(n, "save"))
            count += 1
            found = await run.attempt(key, lambda: family(Note.objects, "to_list"))
            if found is None:
                continue
            names = Counter(note.tenant for note in found[0])
            if names != {name: count}:
                run.report(f"{name} has {dict(names)}, not {count} notes")
            if count >= NOTES:
                await run.insist(family, key, lambda: family(Note.objects, "delete"))
                count = 0
        await family.pause()


async def emit(run: Run, family: Family, worker: int) -> None:
    """Insert numbered documents, each once."""
    while run.goes_on:
        event = Event(number=run.events + 1)
        await run.insist(family, "event", lambda e=event: family(e, "save"))
        run.events += 1
        await family.pause()


def follow(run: Run, collection: Any, ready: threading.Event) -> None:
    """Follow the change stream: every number comes once, in order."""
    last, token, deadline = 0, None, run.end + 20
    while time.monotonic() < deadline:
        try:
            with collection.watch(
                [{"$match": {"operationType": "insert"}}],
                max_await_time_ms=100,
                resume_after=token,
            ) as stream:
                ready.set()
                while time.monotonic() < deadline:
                    if not run.goes_on and last >= run.events:
                        return
                    change = stream.try_next()
                    token = stream.resume_token
                    if change is None:
                        continue
                    if (number := change["fullDocument"]["_id"]) != last + 1:
                        run.report(f"the change stream gives {number} after {last}")
                    last = number
        except PyMongoError as error:
            with run.lock:
                run.errors[f"change stream: {type(error).__name__}"] += 1
    run.report(f"the change stream has ended at {last}, before {run.events}")


async def watch(run: Run, family: Family, is_open: threading.Event) -> None:
    """Follow the same events with `watch()`, whose streams are read on after errors."""
    name = f"watch ({family.name})"
    last, stream, deadline = 0, None, run.end + 20
    while (run.goes_on or last < run.events) and time.monotonic() < deadline:
        if stream is None or not stream.alive:
            token = None if stream is None else stream.resume_token
            opened = await run.attempt(
                f"{name} opened",
                lambda t=token: family(
                    *(Event.objects, "watch", "insert"),
                    max_await_time_ms=100,
                    resume_after=t,
                ),
            )
            stream = opened[0] if opened else stream
            if stream is None:
                continue
            is_open.set()
        found = await run.attempt(name, lambda s=stream: family(s, "try_next"))
        if not found or found[0] is None:
            continue
        if (number := found[0].document.number) != last + 1:
            run.report(f"{name} gives {number} after {last}")
        last = number
    if last < run.events:
        run.report(f"{name} has ended at {last}, before {run.events}")
    if stream is not None:
        await run.insist(family, f"{name} closed", lambda: family(stream, "close"))


# -- faults, and what is used -----------------------------------------------------

COMMANDS = [
    "find",
    "insert",
    "update",
    "delete",
    "aggregate",
    "getMore",
    "findAndModify",
]
FAULTS: list[dict[str, Any]] = [
    {"errorCode": 10107},
    {"errorCode": 189},
    {"errorCode": 11602},
    {"errorCode": 91},
    {"closeConnection": True},
    {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
    {
        "failCommands": ["commitTransaction", "abortTransaction"],
        "closeConnection": True,
    },
    {"errorCode": 112, "errorLabels": ["TransientTransactionError"]},
]


def break_things(run: Run, client: MongoClient[Any]) -> None:
    """Let the server fail a few commands each second."""
    number = 0
    while run.goes_on:
        fault = {"failCommands": COMMANDS, **FAULTS[number % len(FAULTS)]}
        number += 1
        client.admin.command(
            "configureFailPoint", "failCommand", mode={"times": 3}, data=fault
        )
        time.sleep(1)
    client.admin.command("configureFailPoint", "failCommand", mode="off")


def usage(
    client: MongoClient[Any], loop: asyncio.AbstractEventLoop
) -> dict[str, float]:
    """Return what the program uses now."""
    gc.collect()
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    sockets = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            sockets += os.readlink(f"/proc/self/fd/{number}").startswith("socket")
    status = client.admin.command("serverStatus")
    return {
        "memory (MiB)": pages * os.sysconf("SC_PAGESIZE") / 2**20,
        "tasks": len(asyncio.all_tasks(loop)),
        "threads": threading.active_count(),
        "sockets": sockets,
        "cursors": status["metrics"]["cursor"]["open"]["total"],
    }


#: How much more may be in use at the end than after the warm-up.
ALLOWED = {"memory (MiB)": 8, "tasks": 10, "threads": 6, "sockets": 10, "cursors": 4}


def growth(samples: list[tuple[float, dict[str, float]]], run: Run) -> list[str]:
    """Print the use after the warm-up and at the end; return what has grown."""
    warm = [used for at, used in samples if at >= WARM_UP * run.seconds]
    if len(warm) < 4:
        return ["too few samples"]
    quarter = max(2, len(warm) // 4)
    grown = []
    print(f"\n{'':<24}{'warm':>10}{'end':>10}{'peak':>10}")
    for name, allowed in ALLOWED.items():
        values = [used[name] for used in warm]
        first = statistics.median(values[:quarter])
        last = statistics.median(values[-quarter:])
        print(f"{name:<24}{first:>10.1f}{last:>10.1f}{max(values):>10.1f}")
        if name == "cursors":
            # One whose `getMore` failed, or whose first answer was lost, is left to
            # the time limit of the server.
            allowed += sum(run.errors.values())
        if name == "sockets":
            # Pools grow as far as tasks and threads wait at once for a slow server.
            allowed += int(warm[-1]["tasks"] + warm[-1]["threads"])
        if last > first + max(allowed, 0.05 * first):
            grown.append(f"{name}: from {first:.1f} to {last:.1f}")
    return grown


def report(run: Run, samples: list[tuple[float, dict[str, float]]]) -> int:
    """Print the figures; return the exit code."""
    print(f"{'':<24}{'number':>10}{'p50':>10}{'p95':>10}{'p99':>10}{'p100':>10}")
    for name, count in sorted(run.operations.items()):
        times = [run.latencies[name].at(part) for part in (0.5, 0.95, 0.99, 1)]
        print(f"{name:<24}{count:>10}" + "".join(f"{each:>10.1f}" for each in times))
    total = sum(run.operations.values())
    print(f"{'in all':<24}{total:>10} in {run.seconds:.0f} seconds")
    print(f"{'events of the stream':<24}{run.events:>10}")
    print(f"{'errors':<24}{sum(run.errors.values()):>10}  {dict(run.errors)}")
    grown = growth(samples, run)
    print(f"\nwrong answers: {len(run.wrong)}")
    for text in [*run.wrong[:20], *(f"grown: {each}" for each in grown)]:
        print(f"  {text}")
    return 1 if run.wrong or grown or not total else 0


# -- the run ----------------------------------------------------------------------


async def soak(options: argparse.Namespace) -> int:
    database = f"soak_{uuid.uuid4().hex[:8]}"
    settings: dict[str, Any] = {
        "name": database,
        "host": options.uri,
        "uuidRepresentation": "standard",
        "maxPoolSize": 20,
        **WATCHING,
    }
    connect(**settings)
    await connect_async(**settings)
    uri = embedded.uri(options.uri) if "embedded" in options.uri else options.uri
    client: MongoClient[Any] = MongoClient(uri)  # of which no command fails
    followed: MongoClient[Any] = MongoClient(uri, **WATCHING)
    for cls in (Item, Account, Note, Event):
        cls.objects.first()
        await cls.objects.async_first()
    loop = asyncio.get_running_loop()
    run = Run(options.seconds)
    streams = [threading.Event() for _ in range(3)]
    samples: list[tuple[float, dict[str, float]]] = []

    bodies: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (write, ()),
        (read, ()),
        (transfer, ()),
        (tenant, (database,)),
    ] * options.workers
    threads = [
        threading.Thread(
            target=follow, args=(run, followed[database].event, streams[0])
        ),
        threading.Thread(target=lambda: drive(watch(run, Blocking(), streams[1]))),
        *(
            threading.Thread(
                target=lambda b=body, a=args, n=number: drive(b(run, Blocking(), n, *a))
            )
            for number, (body, args) in enumerate([*bodies, (emit, ())])
        ),
    ]
    if options.faults:
        threads.append(threading.Thread(target=break_things, args=(run, client)))
    tasks = [loop.create_task(watch(run, Asynchronous(), streams[2]))]
    for thread in threads[:2]:
        thread.start()
    for is_open in streams:
        await asyncio.to_thread(is_open.wait)
    for thread in threads[2:]:
        thread.start()
    tasks += [
        loop.create_task(body(run, Asynchronous(), 100 + number, *args))
        for number, (body, args) in enumerate(bodies)
    ]
    while run.goes_on:
        await asyncio.sleep(min(1.0, run.seconds / 20))
        used = await asyncio.to_thread(usage, client, loop)
        samples.append((time.monotonic() - run.begun, used))
    samples.pop()  # workers may have ended
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        if error is not None:
            run.report(f"a task has ended with {error!r}")
    for thread in threads:
        await asyncio.to_thread(thread.join)
    disconnect()
    await disconnect_async()
    # A transaction whose connection was cut is the server's for a minute.
    with suppress(PyMongoError), pymongo.timeout(10):
        for name in client.list_database_names():
            if name.startswith(database):
                client.drop_database(name)
    client.close()
    followed.close()
    return report(run, samples)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--faults", action="store_true", help="a fault each second")
    parser.add_argument("--uri", default=EMBEDDED, help="the server; embedded if none")
    parser.add_argument("--workers", type=int, default=2, help="of each sort")
    return asyncio.run(soak(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
