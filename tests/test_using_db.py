"""`using_db()`: every class, or some, in another database for a task or thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import Depends, FastAPI, Header
from httpx import ASGITransport, AsyncClient
from pymongo.errors import InvalidOperation

from mongoengine import (
    CASCADE,
    ConnectionFailure,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FileField,
    ListField,
    ReferenceField,
    StringField,
    connect,
    disconnect,
    disconnect_async,
    register_connection,
)
from mongoengine.connection import get_async_connection, get_connection
from mongoengine.context_managers import (
    async_switch_db,
    async_using_db,
    switch_db,
    using_db,
)
from tests.families import Family


class TenantCustomer(Document):
    name = StringField(unique=True)
    meta = {"collection": "customer"}


class TenantOrder(Document):
    number = StringField()
    customer = ReferenceField(TenantCustomer, reverse_delete_rule=CASCADE)
    meta = {"collection": "order", "allow_inheritance": True}


class TenantRush(TenantOrder):
    pass


class TenantPart(EmbeddedDocument):
    scan = FileField()


class TenantLetter(Document):
    text = FileField()
    part = EmbeddedDocumentField(TenantPart)
    pages = ListField(FileField())
    meta = {"collection": "letter"}


def stored(mongo: Any, database: str, collection: str) -> int:
    found: int = mongo.client[database][collection].count_documents({})
    return found


@pytest.fixture
def tenants(database_name: str) -> list[str]:
    """The names of two databases that are dropped after the test."""
    return [f"{database_name}_a", f"{database_name}_b"]


async def test_every_class_is_in_the_database(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    async with async_using_db(tenants[0]):
        customer = await family(TenantCustomer(name="Ada"), "save")
        await family(TenantOrder(number="1", customer=customer), "save")
        assert await family(TenantOrder.objects, "count") == 1
    assert await family(TenantOrder.objects, "count") == 0
    assert stored(mongo, tenants[0], "customer") == 1
    assert stored(mongo, tenants[0], "order") == 1
    assert stored(mongo, family.database, "order") == 0


async def test_indexes_are_made_in_each_database(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    for tenant in tenants:
        with using_db(tenant):
            await family(TenantCustomer(name="Ada"), "save")
        indexes = mongo.client[tenant]["customer"].index_information()
        assert "name_1" in indexes


async def test_documents_stay_in_their_database(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    with using_db(tenants[0]):
        made = TenantCustomer(name="Ada")
        await family(made, "save")
        loaded = await family(TenantCustomer.objects, "first")
    loaded.name = "Grace"
    await family(loaded, "save")
    await family(made, "reload")
    assert made.name == "Grace"
    assert stored(mongo, family.database, "customer") == 0


async def test_deleting_follows_rules_in_the_database(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    with using_db(tenants[0]):
        customer = await family(TenantCustomer(name="Ada"), "save")
        await family(TenantOrder(number="1", customer=customer), "save")
        await family(customer, "delete")
    assert stored(mongo, tenants[0], "order") == 0


async def letter_with_files(family: Family) -> TenantLetter:
    letter = TenantLetter(part=TenantPart())
    await family(letter.text, "put", b"text")
    await family(letter.part.scan, "put", b"scan")
    page = TenantLetter.pages.field.get_proxy_obj(None, None)
    await family(page, "put", b"page")
    letter.pages.append(page)
    saved: TenantLetter = await family(letter, "save")
    return saved


async def test_files_are_in_the_database_of_their_document(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    async with async_using_db(tenants[0]):
        await letter_with_files(family)
    assert stored(mongo, tenants[0], "fs.files") == 3
    assert stored(mongo, mongo.name, "fs.files") == 0
    async with async_using_db(tenants[0]):
        loaded = await family(TenantLetter.objects, "first")
    # Also after the block: a document remembers its database.
    assert await family(loaded.text, "read") == b"text"
    assert await family(loaded.part.scan, "read") == b"scan"
    await family(loaded.text, "replace", b"new")
    assert stored(mongo, tenants[0], "fs.files") == 3


async def test_a_deleted_document_takes_its_files_along(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    async with async_using_db(tenants[0]):
        await letter_with_files(family)
        letter = await family(TenantLetter.objects, "first")
    await family(letter, "delete")
    assert stored(mongo, tenants[0], "fs.files") == 0
    assert stored(mongo, tenants[0], "fs.chunks") == 0


async def test_files_follow_to_an_alias(
    family: Family, mongo: Any, tenants: list[str], settings: dict[str, Any]
) -> None:
    register_connection("archive", **{**settings, "name": tenants[1]})
    async with async_using_db("archive"):
        await letter_with_files(family)
        letter = await family(TenantLetter.objects, "first")
    assert stored(mongo, tenants[1], "fs.files") == 3
    assert await family(letter.text, "read") == b"text"


async def test_files_stay_on_their_alias_when_only_the_class_is_switched(
    family: Family, mongo: Any, tenants: list[str], settings: dict[str, Any]
) -> None:
    register_connection("archive", **{**settings, "name": tenants[1]})
    async with async_switch_db(TenantLetter, "archive"):
        await letter_with_files(family)
    assert stored(mongo, tenants[1], "letter") == 1
    assert stored(mongo, mongo.name, "fs.files") == 3


async def test_an_alias_goes_before_a_database(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    await family.connect(tenants[1], alias="archive")
    with using_db("archive"):
        await family(TenantCustomer(name="Ada"), "save")
    assert stored(mongo, tenants[1], "customer") == 1


async def test_named_classes_and_their_subclasses_alone(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    with using_db(tenants[0], TenantOrder):
        await family(TenantCustomer(name="Ada"), "save")
        await family(TenantRush(number="1"), "save")
    assert stored(mongo, family.database, "customer") == 1
    assert stored(mongo, tenants[0], "order") == 1


async def test_the_inner_block_decides(
    family: Family, mongo: Any, tenants: list[str]
) -> None:
    await family.connect(tenants[1], alias="archive")
    with using_db(tenants[0]):
        with switch_db(TenantCustomer, "archive"):
            await family(TenantCustomer(name="Ada"), "save")
            with using_db(tenants[0]):
                await family(TenantCustomer(name="Grace"), "save")
            await family(TenantCustomer(name="Joan"), "save")
        await family(TenantCustomer(name="Edith"), "save")
    assert stored(mongo, tenants[1], "customer") == 2
    assert stored(mongo, tenants[0], "customer") == 2
    assert stored(mongo, family.database, "customer") == 0


async def test_tasks_do_not_see_each_other(
    async_family: Family, mongo: Any, tenants: list[str]
) -> None:
    async def work(tenant: str, number: int) -> None:
        async with async_using_db(tenant):
            for place in range(5):
                await TenantCustomer(name=f"{number} {place}").async_save()
                await asyncio.sleep(0)

    await asyncio.gather(*(work(t, n) for n in range(3) for t in tenants))
    assert [stored(mongo, tenant, "customer") for tenant in tenants] == [15, 15]
    assert stored(mongo, async_family.database, "customer") == 0


def test_databases_share_the_client(connection: Any, tenants: list[str]) -> None:
    for tenant in tenants:
        with using_db(tenant):
            assert TenantCustomer._get_db().client is get_connection()
            assert TenantCustomer._get_db().name == tenant


def test_closing_the_alias_closes_them(
    connection: Any, settings: dict[str, Any], tenants: list[str]
) -> None:
    with using_db(tenants[0]):
        TenantCustomer.objects.count()
    disconnect()
    with using_db(tenants[0]), pytest.raises(ConnectionFailure):
        TenantCustomer.objects.count()
    connect(**settings)
    with using_db(tenants[0]):
        assert TenantCustomer.objects.count() == 0


async def test_an_alias_that_is_only_registered(
    settings: dict[str, Any], mongo: Any, tenants: list[str]
) -> None:
    register_connection("default", **settings)
    with using_db(tenants[0]):
        TenantCustomer(name="Ada").save()
        assert await TenantCustomer.objects.async_count() == 1
    assert stored(mongo, tenants[0], "customer") == 1


async def test_tenants_of_a_registered_alias_are_closed_with_it(
    settings: dict[str, Any], tenants: list[str]
) -> None:
    register_connection("default", **settings)
    for tenant in tenants[:2]:
        with using_db(tenant):
            TenantCustomer(name="Ada").save()
            assert await TenantCustomer.objects.async_count() == 1
            clients = get_connection(), get_async_connection()
    assert clients == (get_connection(), get_async_connection())
    disconnect()
    await disconnect_async()
    with pytest.raises(InvalidOperation, match="after close"):
        clients[0].admin.command("ping")
    with pytest.raises(InvalidOperation, match="after close"):
        await clients[1].admin.command("ping")


async def test_a_tenant_per_request(
    async_family: Family, mongo: Any, tenants: list[str]
) -> None:
    app = FastAPI()

    async def tenant(x_tenant: str = Header()) -> AsyncIterator[None]:
        async with async_using_db(x_tenant):
            yield

    @app.post("/customers/{name}", dependencies=[Depends(tenant)])
    async def create(name: str) -> dict[str, int]:
        await TenantCustomer(name=name).async_save()
        return {"count": await TenantCustomer.objects.async_count()}

    transport = ASGITransport(app=app)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        answers = await asyncio.gather(
            *(
                client.post(f"/customers/{n}", headers={"X-Tenant": tenants[n % 2]})
                for n in range(10)
            )
        )
    assert [answer.status_code for answer in answers] == [200] * 10
    assert [stored(mongo, tenant, "customer") for tenant in tenants] == [5, 5]
    assert stored(mongo, async_family.database, "customer") == 0
