"""LazyReferenceField, GenericLazyReferenceField, and the references they give."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    Document,
    DoesNotExist,
    EmbeddedDocument,
    GenericLazyReferenceField,
    LazyReferenceField,
    ListField,
    StringField,
    ValidationError,
)
from mongoengine.base import LazyReference
from tests.families import Family, SentCommands

KEY = ObjectId("5f0000000000000000000001")


class LazyAuthor(Document):
    name = StringField()


class LazyCode(Document):
    code = StringField(primary_key=True)


class LazyBook(Document):
    author = LazyReferenceField(LazyAuthor)
    editor = LazyReferenceField(LazyAuthor, dbref=True)
    reader = LazyReferenceField(LazyAuthor, passthrough=True)
    about = GenericLazyReferenceField()
    chosen = GenericLazyReferenceField(choices=[LazyAuthor], passthrough=True)
    many = ListField(LazyReferenceField(LazyAuthor))
    mixed = ListField(GenericLazyReferenceField())


@pytest.fixture
def author(connection: Any) -> LazyAuthor:
    return LazyAuthor(name="Ada").save()


# LazyReferenceField


@pytest.mark.parametrize("given", [object, str, EmbeddedDocument])
def test_document_type_must_be_a_document_class_or_a_name(given: Any) -> None:
    with pytest.raises(ValidationError, match="Argument to LazyReferenceField const"):
        LazyReferenceField(given)


def test_document_type_must_be_a_class() -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match="must be a class"):
        LazyReferenceField(wrong)


def test_stores_the_primary_key_or_a_dbref(db: Any, author: LazyAuthor) -> None:
    LazyBook(author=author, editor=author).save()
    stored = db.lazy_book.find_one()
    assert stored["author"] == author.id
    assert stored["editor"] == DBRef("lazy_author", author.id)


def test_reading_loads_nothing(author: LazyAuthor, sent_commands: SentCommands) -> None:
    LazyBook(author=author).save()
    book = LazyBook.objects.get()
    sent_commands.clear()
    assert type(book.author) is LazyReference
    assert book.author is book.author
    assert (book.author.pk, book.author.document_type) == (author.id, LazyAuthor)
    assert sent_commands.names == []


@pytest.mark.parametrize(
    "value",
    [KEY, str(KEY), DBRef("lazy_author", KEY), LazyAuthor(id=KEY)],
)
def test_whatever_stands_for_a_document_is_given_as_reference(value: Any) -> None:
    book = LazyBook()
    book.author = value
    assert book.author == LazyReference(LazyAuthor, value if value == str(KEY) else KEY)
    assert book.to_mongo()["author"] == KEY


def test_passthrough_is_that_of_the_field() -> None:
    book = LazyBook(reader=LazyReference(LazyAuthor, KEY))
    assert book.reader.passthrough is True


def test_none_stays_none() -> None:
    assert LazyBook().author is None
    assert LazyBook.author.build_lazyref(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "value should be `LazyAuthor` document, LazyReference or DBRef on "
         "`LazyAuthor` or `LazyAuthor`'s primary key (i.e. `ObjectIdField`)"),
        (DBRef("elsewhere", KEY), "DBRef on bad collection (must be on `lazy_author`)"),
        (
            LazyReference(LazyCode, "c"),
            f"Reference must be on a `{LazyAuthor}` document.",
        ),
    ],
)  # fmt: skip
def test_validate_refuses(value: Any, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LazyBook.author.validate(value)
    assert str(caught.value) == text


def test_unsaved_documents_are_refused() -> None:
    for value in (LazyAuthor(), LazyReference(LazyAuthor, None)):
        with pytest.raises(ValidationError, match="'LazyAuthor' you are trying to ref"):
            LazyBook.author.validate(value)


def test_queries(author: LazyAuthor) -> None:
    book = LazyBook(author=author).save()
    for value in (author, author.id, str(author.id), book.author):
        assert LazyBook.objects(author=value).count() == 1


def test_lists_give_references(author: LazyAuthor, sent_commands: SentCommands) -> None:
    LazyBook(many=[author], mixed=[author]).save()
    book = LazyBook.objects.get()
    sent_commands.clear()
    book.many.append(author)
    for reference in (*book.many, *book.mixed):
        assert type(reference) is LazyReference
    assert sent_commands.names == []
    assert book._changed_fields == ["many"]


# GenericLazyReferenceField


def test_generic_stores_class_and_dbref(db: Any, author: LazyAuthor) -> None:
    book = LazyBook(about=author).save()
    expected = {"_cls": "LazyAuthor", "_ref": DBRef("lazy_author", author.id)}
    assert db.lazy_book.find_one()["about"] == expected
    assert type(book.about) is LazyReference
    assert book.to_mongo()["about"] == expected


def test_generic_choices() -> None:
    LazyBook.chosen._validate(LazyReference(LazyAuthor, KEY))
    with pytest.raises(ValidationError, match=r"Value must be one of \['LazyAuthor'\]"):
        LazyBook.chosen._validate(LazyReference(LazyCode, "c"))


def test_generic_unsaved_documents_are_refused() -> None:
    with pytest.raises(ValidationError, match="You can only reference documents once"):
        LazyBook.about.validate(LazyReference(LazyAuthor, None))


# The reference itself


def test_equality_and_hash() -> None:
    reference = LazyReference(LazyAuthor, KEY)
    assert reference == DBRef("lazy_author", KEY)
    assert reference == LazyReference(LazyAuthor, KEY, passthrough=True)
    assert reference == LazyAuthor(id=KEY)
    assert LazyAuthor(id=KEY) == reference
    assert reference != LazyReference(LazyAuthor, ObjectId())
    assert hash(reference) == hash(DBRef("lazy_author", KEY))


def test_repr() -> None:
    expected = f"<LazyReference({LazyAuthor}, {KEY!r})>"
    assert repr(LazyReference(LazyAuthor, KEY)) == expected


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling(protocol: int) -> None:
    reference = LazyReference(LazyAuthor, KEY, passthrough=True)
    again = pickle.loads(pickle.dumps(reference, protocol))
    assert again == reference
    assert (again.document_type, again.passthrough) == (LazyAuthor, True)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copying(copied: Any) -> None:
    reference = LazyReference(LazyAuthor, KEY)
    again = copied(reference)
    assert type(again) is LazyReference
    assert again == reference


def test_attributes_are_not_those_of_the_document(author: LazyAuthor) -> None:
    reference = LazyReference(LazyAuthor, author.id)
    with pytest.raises(AttributeError):
        _ = reference.name
    with pytest.raises(KeyError):
        reference["name"]


def test_passthrough_reads_the_document(
    author: LazyAuthor, sent_commands: SentCommands
) -> None:
    sent_commands.clear()
    reference = LazyReference(LazyAuthor, author.id, passthrough=True)
    assert reference.name == "Ada"
    assert reference["name"] == "Ada"
    with pytest.raises(AttributeError):
        _ = reference.nothing
    assert sent_commands.names == ["find"]


async def test_fetch(family: Family) -> None:
    author = LazyAuthor(name="Ada")
    await family(author, "save")
    await family(LazyBook(author=author), "save")
    book = await family(LazyBook.objects, "first")
    _ = family.commands
    fetched = await family(book.author, "fetch")
    assert fetched == author
    assert await family(book.author, "fetch") is fetched
    assert family.command_names == ["find"]
    assert await family(book.author, "fetch", force=True) is not fetched
    assert family.command_names == ["find"]


async def test_fetch_of_a_missing_document(family: Family) -> None:
    reference = LazyReference(LazyAuthor, KEY)
    with pytest.raises(LazyAuthor.DoesNotExist) as caught:
        await family(reference, "fetch")
    assert str(caught.value) == "LazyAuthor matching query does not exist."
    assert isinstance(caught.value, DoesNotExist)


async def test_a_document_at_hand_is_not_fetched(family: Family) -> None:
    author = LazyAuthor(id=KEY)
    reference = LazyReference(LazyAuthor, KEY, cached_doc=author)
    assert await family(reference, "fetch") is author
    assert family.command_names == []


async def test_passthrough_never_blocks_a_loop(async_connection: Any) -> None:
    author = await LazyAuthor(name="Ada").async_save()
    reference = LazyReference(LazyAuthor, author.id, passthrough=True)
    with pytest.raises(RuntimeError, match=r"await its async_fetch\(\) before"):
        _ = reference.name
    await reference.async_fetch()
    assert reference.name == "Ada"
