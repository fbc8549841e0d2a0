"""The applications of the documentation, started as programs and used over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from bson import ObjectId
from pymongo import MongoClient
from websockets.asyncio.client import connect as websocket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

ROOT = pathlib.Path(__file__).parent.parent
CODE = ROOT / "docs" / "code"
PATIENCE = 60

FASTAPI = "import uvicorn; uvicorn.run('bookshop.api:app', fd={fd})"
FLASK = (
    "from werkzeug.serving import make_server; from bookshop.web import app;"
    "make_server('127.0.0.1', {port}, app, threaded=True, fd={fd}).serve_forever()"
)
SERVICES = {"fastapi": FASTAPI, "flask": FLASK}


@dataclass
class Service:
    """A program that serves HTTP at an address, and its log."""

    url: str
    port: int
    program: subprocess.Popen[bytes]
    log: pathlib.Path

    def client(self, tenant: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.url, headers={"X-Tenant": tenant}, timeout=PATIENCE
        )

    def stop(self) -> str:
        """End the program as an operator does, and return its log."""
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGINT)
        self.program.wait(PATIENCE)
        return self.log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def database(server: MongoClient[Any]) -> Iterator[str]:
    """The name of a database; those of the tenants begin with it."""
    name = f"mongoengine_test_{uuid.uuid4().hex[:12]}"
    yield name
    for existing in server.list_database_names():
        if existing.startswith(name):
            server.drop_database(existing)


@pytest.fixture(scope="module")
def environment(server_uri: str, database: str) -> dict[str, str]:
    return {
        **os.environ,
        "MONGODB_URI": server_uri,
        "BOOKSHOP_DATABASE": database,
        "PYTHONPATH": os.pathsep.join([str(CODE), str(ROOT)]),
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def running(source: str, environment: dict[str, str]) -> Iterator[Service]:
    """Start a program on a socket that is open already, so that nobody has to wait."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        tempfile.TemporaryDirectory() as folder,
    ):
        port = listening.getsockname()[1]
        log = pathlib.Path(folder, "log")
        with log.open("wb") as output:
            program = subprocess.Popen(
                [sys.executable, "-c", source.format(fd=listening.fileno(), port=port)],
                pass_fds=[listening.fileno()],
                env=environment,
                stdout=output,
                stderr=output,
            )
        try:
            yield Service(f"http://127.0.0.1:{port}", port, program, log)
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()


@pytest.fixture(scope="module", params=SERVICES)
def service(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> Iterator[Service]:
    with running(SERVICES[request.param], environment) as service:
        yield service
        assert "Traceback" not in service.stop()


@pytest.fixture(params=SERVICES)
def own_service(
    request: pytest.FixtureRequest, environment: dict[str, str]
) -> Iterator[Service]:
    """A service that a test may stop."""
    with running(SERVICES[request.param], environment) as service:
        yield service


@pytest.fixture
def tenant() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def shop(service: Service, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client(tenant) as client:
        yield client


async def stored(client: httpx.AsyncClient, isbn: str, **values: Any) -> dict[str, Any]:
    data = {"isbn": isbn, "title": f"Book {isbn}", "cents": 1000, **values}
    answer = await client.post("/books", json=data)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def test_a_book_is_created_read_and_changed(shop: httpx.AsyncClient) -> None:
    created = await stored(shop, "1001", authors=["Ada"], stock=3)
    read = (await shop.get("/books/1001")).json()
    assert {**read, "added": None} == {**created, "added": None}
    changed = await shop.patch("/books/1001", json={"stock": 5, "title": "New"})
    assert (changed.json()["title"], changed.json()["stock"]) == ("New", 5)
    assert (await shop.get("/books/1001")).json() == changed.json()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"isbn": "1001", "title": "Twice", "cents": 1}, 409),
        ({"isbn": "x", "title": "No number", "cents": 1}, 422),
        ({"isbn": "1002", "cents": 1}, 422),
        ({"isbn": "1002", "title": "Cheap", "cents": -1}, 422),
    ],
)
async def test_a_wrong_book_is_refused(
    shop: httpx.AsyncClient, data: dict[str, Any], status: int
) -> None:
    await stored(shop, "1001")
    answer = await shop.post("/books", json=data)
    assert (answer.status_code, "detail" in answer.json()) == (status, True)
    assert len((await shop.get("/books")).json()["items"]) == 1


async def test_an_unknown_book_is_not_found(shop: httpx.AsyncClient) -> None:
    assert (await shop.get("/books/1")).status_code == 404


@pytest.mark.parametrize("name", ["", "admin/x", "Upper", "a" * 40])
async def test_a_tenant_cannot_choose_a_database(service: Service, name: str) -> None:
    async with service.client(name) as client:
        assert (await client.get("/books")).status_code == 400


async def test_pages_neither_repeat_nor_leave_out_while_books_come_and_go(
    shop: httpx.AsyncClient,
) -> None:
    for number in range(25):
        await stored(shop, f"20{number:02}")
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await shop.get("/books", params={"size": 10, **after})).json()
        seen += [book["isbn"] for book in page["items"]]
        if page["next"] is None:
            break
        await stored(shop, f"21{len(seen):02}")
        after = {"after": page["next"]}
    assert sorted(seen) == [f"20{number:02}" for number in range(25)]
    refused = await shop.get("/books", params={"after": "made up"})
    assert refused.status_code == 400


async def test_concurrent_requests_stay_in_the_databases_of_their_tenants(
    service: Service,
) -> None:
    names = [f"t{uuid.uuid4().hex[:8]}" for _ in range(6)]

    async def use(name: str) -> list[str]:
        async with service.client(name) as client:
            await asyncio.gather(
                *(stored(client, f"300{n}", title=name) for n in range(5))
            )
            page = (await client.get("/books")).json()
            return [book["title"] for book in page["items"]]

    assert await asyncio.gather(*map(use, names)) == [[name] * 5 for name in names]


async def test_concurrent_orders_sell_each_copy_once(shop: httpx.AsyncClient) -> None:
    await stored(shop, "4001", stock=8)
    await stored(shop, "4002", stock=100, cents=500)

    async def order(number: int) -> int:
        lines = [{"isbn": "4002", "copies": 1}, {"isbn": "4001", "copies": 1}]
        answer = await shop.post("/orders", json={"customer": "Ada", "lines": lines})
        if answer.status_code == 201:
            assert answer.json()["cents"] == 1500
        return answer.status_code

    answers = await asyncio.gather(*map(order, range(16)))
    assert sorted(answers) == [201] * 8 + [409] * 8
    left = [(await shop.get(f"/books/{n}")).json()["stock"] for n in ("4001", "4002")]
    assert left == [0, 92]


async def test_a_cover_is_stored_read_and_replaced(
    shop: httpx.AsyncClient, server: MongoClient[Any], database: str, tenant: str
) -> None:
    await stored(shop, "5001")
    assert (await shop.get("/books/5001/cover")).status_code == 404
    for size in (700_000, 3):
        picture = secrets.token_bytes(size)
        headers = {"Content-Type": "image/png"}
        put = await shop.put("/books/5001/cover", content=picture, headers=headers)
        assert put.status_code == 204
        got = await shop.get("/books/5001/cover")
        assert got.content == picture
        assert got.headers["content-type"] == "image/png"
    files = server[f"{database}_{tenant}"]
    assert files["fs.files"].count_documents({}) == 1
    assert files["fs.chunks"].count_documents({}) == 1


async def test_an_upload_that_breaks_off_leaves_the_old_cover_and_no_chunks(
    own_service: Service, server: MongoClient[Any], database: str, tenant: str
) -> None:
    async with own_service.client(tenant) as client:
        await stored(client, "6001")
        await client.put("/books/6001/cover", content=b"old")
        for _ in range(4):
            break_off_upload(own_service.port, tenant)
        assert (await client.get("/books/6001/cover")).content == b"old"
    assert "Traceback" not in own_service.stop()
    files = server[f"{database}_{tenant}"]
    assert files["fs.files"].count_documents({}) == 1
    assert files["fs.chunks"].count_documents({}) == 1


def break_off_upload(port: int, tenant: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b"PUT /books/6001/cover HTTP/1.1\r\nHost: shop\r\n"
            + f"X-Tenant: {tenant}\r\n".encode()
            + b"Content-Length: 5000000\r\n\r\n"
            + b"x" * 1_000_000
        )


async def test_downloads_that_break_off_disturb_nobody(
    own_service: Service, tenant: str
) -> None:
    picture = secrets.token_bytes(20_000_000)

    async def break_off(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/books/7001/cover") as answer:
            await anext(answer.aiter_bytes(1000))

    async with own_service.client(tenant) as client:
        await stored(client, "7001")
        await client.put("/books/7001/cover", content=picture)
        await asyncio.gather(*(break_off(client) for _ in range(6)))
        assert (await client.get("/books/7001/cover")).content == picture
    assert "Traceback" not in own_service.stop()


async def test_changes_arrive_over_a_websocket_until_the_client_leaves(
    environment: dict[str, str], tenant: str
) -> None:
    with running(FASTAPI, environment) as service:
        url = f"ws://127.0.0.1:{service.port}/changes"
        headers = {"X-Tenant": tenant}
        async with service.client(tenant) as client:
            for number in (8001, 8002):  # the second client comes after the first left
                async with websocket(url, additional_headers=headers) as changes:
                    assert await received(changes) == {"ready": True}
                    await stored(client, f"{number}", stock=2)
                    line = {"isbn": f"{number}", "copies": 1}
                    order = {"customer": "Ada", "lines": [line]}
                    await client.post("/orders", json=order)
                    got = [await received(changes) for _ in range(2)]
                    assert got == [
                        {"kind": "insert", "isbn": f"{number}", "stock": 2},
                        {"kind": "update", "isbn": f"{number}", "stock": 1},
                    ]
        # A change stream that nobody closed would keep the service from ending.
        assert "Traceback" not in service.stop()


async def received(changes: Any) -> Any:
    return httpx.Response(200, content=await changes.recv()).json()


# Programs that serve nothing


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return run


def test_a_worker_does_each_job_once(
    run: Callable[..., subprocess.CompletedProcess[str]],
    server: MongoClient[Any],
    database: str,
    tenant: str,
) -> None:
    books = server[f"{database}_{tenant}"]["books"]
    orders = server[f"{database}_{tenant}"]["orders"]
    jobs = server[database]["jobs"]
    book = books.insert_one({"isbn": "9001", "title": "A", "cents": 1, "stock": 0})
    line = {"book": book.inserted_id, "copies": 2, "cents": 1}
    placed = [ObjectId() for _ in range(10)]
    orders.insert_many({"_id": key, "customer": "A", "lines": [line]} for key in placed)
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    past, future = now - timedelta(hours=1), now + timedelta(hours=1)
    restock = {"task": "restock", "arguments": [tenant, "9001", "100"]}
    cancel = [
        {"task": "cancel_order", "arguments": [tenant, str(key)]} for key in placed
    ]
    jobs.insert_many(
        [{**job, "due": past} for job in [*([restock] * 10), *cancel]]
        # One that another worker has claimed.
        + [{**restock, "due": future}]
    )
    ran = run("bookshop.worker", "--threads", "4", "--until-empty")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert books.find_one({"isbn": "9001"})["stock"] == 10 * 100 + 10 * 2
    assert orders.count_documents({}) == 0
    assert [job["due"] > past for job in jobs.find()] == [True]


def test_a_migration_that_is_killed_goes_on_where_it_was(
    run: Callable[..., subprocess.CompletedProcess[str]],
    environment: dict[str, str],
    server: MongoClient[Any],
    database: str,
    tenant: str,
) -> None:
    books = server[f"{database}_{tenant}"]["books"]
    books.insert_many(
        {"isbn": f"{n}", "title": "A", "cents": 1, "author": "Ada & Grace"}
        for n in range(1000, 1400)
    )
    arguments = ["bookshop.migrate", tenant, "--batch", "40"]
    with subprocess.Popen(
        [sys.executable, "-m", *arguments], env=environment, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"40 changed\n"
        first.kill()
    assert books.count_documents({"author": {"$exists": True}}) > 0
    # An old program goes on behind the position.
    books.insert_one({"_id": ObjectId(b"\0" * 12), "isbn": "999", "author": "Alan"})

    second = run(*arguments)
    assert (second.returncode, second.stderr) == (0, "")
    assert int(second.stdout.split()[0]) > 40
    assert books.count_documents({"authors": ["Ada", "Grace"]}) == 400
    assert books.count_documents({"author": {"$exists": True}}) == 0
    assert books.find_one({"isbn": "999"})["authors"] == ["Alan"]
    assert run(*arguments).stdout == second.stdout.splitlines(True)[-1]
