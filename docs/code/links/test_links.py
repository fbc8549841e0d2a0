"""Tests of the links: `pytest`; the plugin of mongoengine starts a server."""

import asyncio

import httpx
import pytest

from models import Link
from mongoengine import ValidationError
from report import report
from service import app


@pytest.fixture
async def client(async_mongoengine_db):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://links"
    ) as client:
        yield client


def test_a_link_needs_a_url():
    with pytest.raises(ValidationError):
        Link(slug="home", url="nowhere").validate()


def test_the_report_has_the_most_followed_first(mongoengine_db):
    for slug, hits in (("a", 1), ("b", 5), ("c", 0)):
        Link(slug=slug, url="https://example.com", hits=hits).save()
    assert [line.split()[1] for line in report()] == ["b", "a"]


async def test_a_link_is_made_followed_and_counted(client):
    data = {"slug": "home", "url": "https://example.com/home"}
    assert (await client.post("/links", json=data)).status_code == 201
    answer = await client.get("/home")
    assert answer.headers["location"] == data["url"]
    assert (await client.get("/links")).json()[0]["hits"] == 1


async def test_a_name_is_given_once(client):
    data = {"slug": "home", "url": "https://example.com"}
    answers = await asyncio.gather(
        *(client.post("/links", json=data) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_following_takes_one_command(client, assert_num_commands):
    await Link(slug="home", url="https://example.com").async_save()
    async with assert_num_commands(1):
        await client.get("/home")


async def test_an_unknown_link_is_not_found(client):
    assert (await client.get("/nowhere")).status_code == 404
