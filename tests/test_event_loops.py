"""One alias serves every event loop, one after the other and side by side."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mongoengine import (
    Document,
    IntField,
    connect,
    connect_async,
    disconnect_all_async,
    get_async_connection,
    register_connection,
)
from mongoengine import connection as connections
from mongoengine.context_managers import async_switch_collection, async_switch_db

RUNS = 10


class Looped(Document):
    number = IntField(unique=True)


@pytest.fixture
def opened(settings: dict[str, Any]) -> dict[str, Any]:
    """The default alias, registered: it opens by itself on any loop."""
    register_connection("default", **settings)
    return settings


@pytest.fixture
def strictly() -> Iterator[None]:
    """Warnings of things that were not closed are errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    left = [
        w for w in caught if issubclass(w.category, (ResourceWarning, RuntimeWarning))
    ]
    assert not left, [str(warning.message) for warning in left]


async def use(number: int) -> int:
    """Write, read and loop on the loop that runs here."""
    await Looped(number=number).async_save()
    found = await Looped.objects.async_get(number=number)
    async with async_switch_collection(Looped, "elsewhere"):
        assert await Looped.objects.async_count() == 0
    seen = [document.number async for document in Looped.objects(number=number)]
    assert seen == [found.number] == [number]
    return await Looped.objects.async_count()


def clients() -> int:
    return len({id(client) for client in connections._loop_clients.values()})


# -- one after the other --------------------------------------------------------


@pytest.mark.usefixtures("strictly")
def test_asyncio_run_again_and_again(opened: Any) -> None:
    assert [asyncio.run(use(n)) for n in range(RUNS)] == list(range(1, RUNS + 1))
    assert clients() == 0


@pytest.mark.usefixtures("strictly")
def test_connecting_in_every_run(settings: dict[str, Any]) -> None:
    async def main(number: int) -> int:
        await connect_async(**settings)
        return await use(number)

    assert [asyncio.run(main(n)) for n in range(RUNS)] == list(range(1, RUNS + 1))
    assert clients() == 0


@pytest.mark.usefixtures("strictly")
def test_connecting_and_disconnecting_in_every_run(settings: dict[str, Any]) -> None:
    async def main(number: int) -> int:
        await connect_async(**settings)
        count = await use(number)
        await disconnect_all_async()
        return count

    assert [asyncio.run(main(n)) for n in range(RUNS)] == list(range(1, RUNS + 1))
    assert not connections._loop_clients
    assert not connections._connection_settings


def test_a_run_that_fails_lets_its_client_go(opened: Any) -> None:
    async def main(number: int) -> None:
        await use(number)
        raise KeyError

    for number in range(3):
        with pytest.raises(KeyError):
            asyncio.run(main(number))
    assert clients() == 0
    assert asyncio.run(use(3)) == 4


def test_a_loop_left_in_the_middle_ends_with_its_cursor(
    opened: Any, server: Any
) -> None:
    def cursors() -> int:
        status = server.admin.command("serverStatus")
        count: int = status["metrics"]["cursor"]["open"]["total"]
        return count

    kept: list[Any] = []
    # Of other settings, and so with a client of its own.
    register_connection("second", **{**opened, "appname": "second"})

    async def main() -> None:
        for alias in ("default", "second"):
            async with async_switch_db(Looped, alias):
                for queryset in (Looped.objects, Looped.objects.no_cache()):
                    iterator = queryset.batch_size(5).__aiter__()
                    await anext_of(iterator)
                    kept.append(iterator)
        assert cursors() == before + 4

    before = cursors()
    documents = [Looped(number=n) for n in range(30)]
    asyncio.run(Looped.objects.async_insert(documents))
    for _ in range(5):
        asyncio.run(main())
        assert cursors() == before
    assert clients() == 0


async def anext_of(iterator: Any) -> Any:
    return await iterator.__anext__()


def test_a_queryset_that_was_read_on_one_loop_is_read_on_another(opened: Any) -> None:
    asyncio.run(use(1))
    queryset = Looped.objects.batch_size(1)

    async def read() -> list[int]:
        return [document.number async for document in queryset]

    async def read_one() -> int:
        document = await queryset.__anext__()
        return document.number

    asyncio.run(Looped(number=2).async_save())
    assert asyncio.run(read_one()) == 1
    assert asyncio.run(read()) == [1, 2]
    assert asyncio.run(read()) == [1, 2]


def test_a_bare_loop_that_is_closed_is_let_go_with_the_next(opened: Any) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(use(1))
    client = get_client(loop)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert client not in connections._loop_clients.values()
    assert asyncio.run(use(2)) == 2
    assert clients() == 0


def get_client(loop: Any) -> Any:
    return connections._loop_clients["default", loop]


# -- side by side ---------------------------------------------------------------


@pytest.mark.usefixtures("strictly")
def test_loops_in_several_threads_at_once(opened: Any) -> None:
    threads = 6
    barrier = threading.Barrier(threads)

    def work(thread: int) -> None:
        async def main(turn: int) -> None:
            await asyncio.gather(
                *(use(1000 * thread + 100 * turn + n) for n in range(10))
            )

        barrier.wait()
        for turn in range(3):
            asyncio.run(main(turn))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    assert clients() == 0
    assert asyncio.run(Looped.objects.async_count()) == threads * 30


def test_two_loops_have_clients_of_their_own_and_share_their_aliases(
    opened: Any,
) -> None:
    register_connection("twin", **opened)
    found: list[tuple[Any, Any]] = []
    barrier = threading.Barrier(2)

    async def main() -> None:
        found.append((get_async_connection(), get_async_connection("twin")))
        await asyncio.get_running_loop().run_in_executor(None, barrier.wait)

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (one, one_twin), (other, other_twin) = found
    assert one is one_twin
    assert other is other_twin
    assert one is not other


def test_a_loop_in_a_thread_beside_blocking_code(settings: dict[str, Any]) -> None:
    connect(**settings)

    async def main() -> int:
        await connect_async(**settings)
        return await use(1)

    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(asyncio.run, main())
        Looped(number=2).save()
        assert pending.result() in (1, 2)
    assert Looped.objects.count() == 2


# -- other loops ----------------------------------------------------------------


def uvloop_run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        loop = uvloop.new_event_loop()
        try:
            return loop.run_until_complete(main)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return run


@pytest.mark.usefixtures("strictly")
def test_uvloop(opened: Any) -> None:
    run = uvloop_run()
    assert [run(use(n)) for n in range(RUNS)] == list(range(1, RUNS + 1))
    assert clients() == 0
    assert asyncio.run(use(RUNS)) == RUNS + 1


@pytest.mark.usefixtures("strictly")
def test_anyio_on_asyncio(opened: Any) -> None:
    anyio = pytest.importorskip("anyio", reason="anyio is not installed")

    async def main(first: int) -> int:
        async with anyio.create_task_group() as group:
            for number in range(first, first + 20):
                group.start_soon(use, number)
        count: int = await Looped.objects.async_count()
        return count

    assert anyio.run(main, 0) == 20
    assert anyio.run(main, 100) == 40
    assert clients() == 0


def test_a_cancelled_scope_of_anyio_leaves_the_client_usable(opened: Any) -> None:
    anyio = pytest.importorskip("anyio", reason="anyio is not installed")

    async def main() -> int:
        await use(0)
        for _ in range(5):
            with anyio.move_on_after(0.02):
                while True:
                    await Looped.objects.async_to_list()
        return await use(1)

    assert anyio.run(main) == 2


# pytest-asyncio gives each test function a loop of its own.
_seen: list[Any] = []


@pytest.mark.parametrize("turn", range(3))
async def test_function_scoped_loops_of_pytest_asyncio(
    turn: int, settings: dict[str, Any]
) -> None:
    await connect_async(**settings)
    assert await use(turn) == 1
    loop = asyncio.get_running_loop()
    assert loop not in _seen
    _seen.append(loop)
    assert {where for _, where in connections._loop_clients} == {loop}
