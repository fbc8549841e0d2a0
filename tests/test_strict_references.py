"""Finding references that are followed one by one."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)
from mongoengine.base import strict
from mongoengine.base.strict import set_strict_references
from mongoengine.context_managers import strict_references
from mongoengine.errors import LazyReferenceError, LazyReferenceWarning

pytest_plugins = ["pytester"]


class StrictAuthor(Document):
    name = StringField()


class StrictPart(EmbeddedDocument):
    author = ReferenceField(StrictAuthor)


class StrictBook(Document):
    author = ReferenceField(StrictAuthor)
    about = GenericReferenceField()
    authors = ListField(ReferenceField(StrictAuthor))
    roles = MapField(ReferenceField(StrictAuthor))
    loose = DictField()
    part = EmbeddedDocumentField(StrictPart)


NAMES = ["author", "about", "authors", "roles", "loose"]


def of(author: StrictAuthor) -> StrictBook:
    return StrictBook(
        author=author,
        about=author,
        authors=[author],
        roles={"a": author},
        loose={"a": author.to_dbref()},
        part=StrictPart(author=author),
    )


@pytest.fixture(autouse=True)
def _setting() -> Iterator[None]:
    yield
    set_strict_references("off")


@pytest.fixture
def book(connection: Any) -> StrictBook:
    of(StrictAuthor(name="Ada").save()).save()
    return StrictBook.objects.get()


@pytest.mark.parametrize("name", NAMES)
def test_reading_a_reference_raises(book: StrictBook, name: str) -> None:
    with strict_references(), pytest.raises(LazyReferenceError) as caught:
        getattr(book, name)
    assert f"StrictBook.{name} is followed" in str(caught.value)
    assert f"{__file__}:" in str(caught.value)
    assert f"select_related({name!r})" in str(caught.value)
    assert getattr(book, name)


def test_references_of_embedded_documents(book: StrictBook) -> None:
    with strict_references(), pytest.raises(LazyReferenceError, match=r"StrictPart\.a"):
        _ = book.part.author


def test_reading_a_reference_warns(book: StrictBook) -> None:
    with strict_references("warn"):
        with pytest.warns(LazyReferenceWarning, match=r"StrictBook\.author") as caught:
            assert book.author.name == "Ada"
    assert caught[0].filename == __file__


def test_what_is_loaded_may_be_read(book: StrictBook) -> None:
    with strict_references():
        (loaded,) = StrictBook.objects.select_related()
        assert loaded.author.name == loaded.authors[0].name == "Ada"
        assert loaded.roles["a"].name == loaded.part.author.name == "Ada"
        assert of(loaded.author).authors[0].name == "Ada"
        assert StrictBook.author.fetch(book).name == "Ada"
        assert book.author.name == "Ada"


def test_the_setting_is_for_the_program(book: StrictBook) -> None:
    set_strict_references()
    with pytest.raises(LazyReferenceError):
        _ = book.author
    with strict_references("off"):
        assert book.author.name == "Ada"
    with pytest.raises(ValueError, match="is no mode"):
        set_strict_references("never")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no mode"):
        strict_references("never")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["author", "about"])
async def test_awaiting_a_reference_raises(async_connection: Any, name: str) -> None:
    await of(await StrictAuthor(name="Ada").async_save()).async_save()
    book = await StrictBook.objects.async_get()

    async def reader() -> None:
        await getattr(book, name)

    async with strict_references():
        with pytest.raises(LazyReferenceError, match=f"StrictBook.{name}") as caught:
            await asyncio.create_task(reader())
        assert f"{__file__}:" in str(caught.value)
        with pytest.raises(LazyReferenceError, match=r"StrictBook\.authors"):
            await book.authors[0]
        await getattr(StrictBook, name).async_fetch(book)
        await book.authors.async_fetch()
        assert (await getattr(book, name)).name == "Ada"
        assert (await book.authors[0]).name == "Ada"


def test_the_option_of_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from mongoengine.base import strict

        def test_mode():
            assert strict._setting.mode == "warn"
        """
    )
    result = pytester.runpytest_inprocess(
        *("-p", "mongoengine.testing.plugin", "-p", "no:mongoengine"),
        "--strict-references=warn",
    )
    result.assert_outcomes(passed=1)


def test_nothing_is_said_by_default(book: StrictBook) -> None:
    assert not strict.is_strict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert book.author.name == "Ada"
