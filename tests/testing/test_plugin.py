"""The pytest plugin for the tests of applications, in runs of pytest of its own."""

from __future__ import annotations

from typing import Any

import pytest

pytest_plugins = ["pytester"]

MODELS = """
from typing import Any

import pytest
from mongoengine import Document, StringField, ListField, ReferenceField

class Author(Document):
    name = StringField(unique=True)

class Book(Document):
    title = StringField()
    meta = {"db_alias": "library"}
"""


@pytest.fixture
def run(
    pytester: pytest.Pytester, server_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Any:
    monkeypatch.setenv("MONGODB_URI", server_uri)

    def run_tests(code: str, *arguments: str, **outcomes: int) -> pytest.RunResult:
        pytester.makepyfile(MODELS + code)
        result = pytester.runpytest_subprocess(
            # By its module, installed or not; not once more by its entry point.
            *("-p", "mongoengine.testing.plugin", "-p", "no:mongoengine"),
            *("-p", "no:cacheprovider"),
            *("-o", "asyncio_mode=auto", *arguments),
            timeout=240,
        )
        result.assert_outcomes(**outcomes)
        return result

    return run_tests


def test_each_test_finds_an_empty_database_with_its_indexes(run: Any) -> None:
    run(
        """
@pytest.mark.parametrize("again", [1, 2])
def test(mongoengine_db, again):
    assert Author.objects.count() == 0
    Author(name="Ada").save()
    assert mongoengine_db["author"].count_documents({}) == 1
    if again == 2:
        assert "name_1" in mongoengine_db["author"].index_information()
""",
        passed=2,
    )


def test_the_async_fixture_refuses_blocking_calls(run: Any) -> None:
    run(
        """
async def test(async_mongoengine_db):
    await Author(name="Ada").async_save()
    with pytest.raises(RuntimeError, match="async_count"):
        Author.objects.count()
    assert await Author.objects.async_count() == 1
    assert async_mongoengine_db["author"].count_documents({}) == 1

async def test_empty_again(async_mongoengine_db):
    assert await Author.objects.async_count() == 0
""",
        passed=2,
    )


def test_loops_of_any_scope(run: Any) -> None:
    run(
        """
@pytest.mark.asyncio(loop_scope="module")
async def test_one(mongoengine_db):
    await Author(name="Ada").async_save()
    assert Author.objects.count() == 1

@pytest.mark.asyncio(loop_scope="module")
async def test_two(mongoengine_db):
    assert await Author.objects.async_count() == 0

def test_three(mongoengine_db):
    assert Author.objects.count() == 0
""",
        passed=3,
    )


def test_other_aliases_have_databases_of_their_own(run: Any) -> None:
    run(
        """
def test(mongoengine_db, mongoengine_alias):
    library = mongoengine_alias("library")
    assert library.name != mongoengine_db.name
    Book(title="A").save()
    assert library["book"].count_documents({}) == 1
    assert mongoengine_db.list_collection_names() == []
""",
        passed=1,
    )


def test_commands_are_counted_in_both_families(run: Any) -> None:
    run(
        """
def test_blocking(mongoengine_db, assert_num_commands):
    with assert_num_commands(2) as sent:
        Author(name="Ada").save()
        Author.objects.first()
    assert [command.name for command in sent] == ["insert", "find"]

async def test_awaited(mongoengine_db, assert_num_commands):
    async with assert_num_commands(1):
        await Author(name="Ada").async_save()

def test_other_threads_do_not_count(mongoengine_db, assert_num_commands):
    import threading
    with assert_num_commands(0):
        thread = threading.Thread(target=Author.objects.count)
        thread.start()
        thread.join()
""",
        passed=3,
    )


def test_a_wrong_number_shows_the_commands(run: Any) -> None:
    result = run(
        """
def test(mongoengine_db, assert_num_commands):
    with assert_num_commands(1):
        Author.objects(name="Ada").first()
        Author.objects.count()
""",
        failed=1,
    )
    result.stdout.fnmatch_lines(
        ["*AssertionError: 2 commands sent, 1 expected:", '*1. {"find": "author"*']
    )


def test_the_server_of_the_ini_file(
    run: Any, server_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_URI", "mongodb://127.0.0.1:1")
    run(
        """
def test(mongoengine_db, mongoengine_uri):
    assert Author.objects.count() == 0
""",
        "-o",
        f"mongoengine_uri={server_uri}",
        passed=1,
    )


def test_nothing_is_started_without_a_fixture(run: Any) -> None:
    run(
        """
def test():
    from mongoengine.connection import registry
    assert registry.aliases == {}
""",
        "-o",
        "mongoengine_uri=embedded://",
        passed=1,
    )


def test_capped_collections_are_emptied_too(run: Any) -> None:
    run(
        """
@pytest.mark.parametrize("again", [1, 2])
def test(mongoengine_db, again):
    if again == 1:
        mongoengine_db.create_collection("log", capped=True, size=4096)
    assert mongoengine_db["log"].count_documents({}) == 0
    mongoengine_db["log"].insert_one({"n": 1})
""",
        passed=2,
    )
