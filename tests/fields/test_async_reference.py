"""References in asynchronous code: what touching gives, and what awaiting does."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    DictField,
    Document,
    DoesNotExist,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    ListField,
    ReferenceField,
    StringField,
    connect,
    connect_async,
    disconnect,
)
from mongoengine.base.datastructures import AsyncReferenceProxy
from tests.families import SentCommands


class AwaitAuthor(Document):
    name = StringField()


class AwaitCover(EmbeddedDocument):
    artist = ReferenceField(AwaitAuthor)


class AwaitBook(Document):
    author = ReferenceField(AwaitAuthor)
    editor = ReferenceField(AwaitAuthor, dbref=True)
    about = GenericReferenceField()
    cover = EmbeddedDocumentField(AwaitCover)
    authors = ListField(ReferenceField(AwaitAuthor))
    roles = DictField(ReferenceField(AwaitAuthor))
    mixed = ListField(GenericReferenceField())
    loose = ListField()
    sequel = ReferenceField("self")


class AwaitElsewhere(Document):
    meta = {"db_alias": "elsewhere"}


class AwaitGuest(Document):
    home = ReferenceField(AwaitElsewhere)


@pytest.fixture
async def author(async_connection: Any) -> AwaitAuthor:
    return await AwaitAuthor(name="Ada").async_save()


@pytest.fixture
async def book(author: AwaitAuthor, sent_commands: SentCommands) -> AwaitBook:
    """A book just loaded, all of whose references are to Ada."""
    new = AwaitBook(
        author=author,
        editor=author,
        about=author,
        cover=AwaitCover(artist=author),
        authors=[author],
        roles={"first": author},
        mixed=[author],
        loose=[author],
    )
    await new.async_save()
    loaded = await AwaitBook.objects.async_get()
    sent_commands.clear()
    return loaded


FIELDS = ("author", "editor", "about")


@pytest.mark.parametrize("name", FIELDS)
async def test_touching_gives_a_proxy(
    book: AwaitBook, author: AwaitAuthor, name: str, sent_commands: SentCommands
) -> None:
    proxy = getattr(book, name)
    assert type(proxy) is AsyncReferenceProxy
    assert repr(proxy) == f"<AsyncReferenceProxy: {name} (unfetched)>"
    assert proxy.pk == author.id
    assert proxy.collection == "await_author"
    assert proxy.document_type is AwaitAuthor
    assert sent_commands.names == []


@pytest.mark.parametrize("name", FIELDS)
async def test_awaiting_gives_the_document_once(
    book: AwaitBook, author: AwaitAuthor, name: str, sent_commands: SentCommands
) -> None:
    proxy: Any = getattr(book, name)
    document = await proxy
    assert document == author
    assert document.name == "Ada"
    assert await proxy is document
    assert await proxy.fetch() is document
    assert await proxy.async_fetch() is document
    assert await getattr(book, name) is document
    assert getattr(book, name)._data is document._data
    assert repr(proxy) == f"<AsyncReferenceProxy: {name} (fetched)>"
    assert sent_commands.names == ["find"]
    assert book._changed_fields == []


async def test_two_proxies_of_one_reference_give_one_document(
    book: AwaitBook, sent_commands: SentCommands
) -> None:
    first: Any = book.author
    second: Any = book.author
    document = await first
    assert await second is document
    assert sent_commands.names == ["find"]


async def test_tasks_that_await_one_reference_get_one_document(book: AwaitBook) -> None:
    async def touch() -> Any:
        proxy: Any = book.author
        return await proxy

    documents = await asyncio.gather(*(touch() for _ in range(10)))
    assert all(document is documents[0] for document in documents)


@pytest.mark.parametrize("name", FIELDS)
async def test_a_missing_document(
    book: AwaitBook, author: AwaitAuthor, name: str
) -> None:
    await author.async_delete()
    with pytest.raises(DoesNotExist, match="Trying to dereference unknown document"):
        await getattr(book, name)


async def test_in_embedded_documents(book: AwaitBook, author: AwaitAuthor) -> None:
    cover: Any = book.cover
    assert type(cover.artist) is AsyncReferenceProxy
    assert await cover.artist == author
    assert cover.artist.name == "Ada"


@pytest.mark.parametrize("name", FIELDS)
async def test_equality(book: AwaitBook, author: AwaitAuthor, name: str) -> None:
    proxy = getattr(book, name)
    for same in (
        author,
        author.id,
        DBRef("await_author", author.id),
        book.author,
        book.about,
    ):
        assert proxy == same
        assert same == proxy
        assert (proxy != same) is False
    for other in (AwaitAuthor(id=ObjectId()), ObjectId(), AwaitAuthor(), None, "x"):
        assert proxy != other
        assert other != proxy
    assert hash(proxy) == hash(author) == hash(author.id)


@pytest.mark.parametrize("name", FIELDS)
async def test_assigning_what_is_there_changes_nothing(
    book: AwaitBook, author: AwaitAuthor, name: str, sent_commands: SentCommands
) -> None:
    setattr(book, name, getattr(book, name))
    assert book._changed_fields == []
    assert sent_commands.names == []
    assert type(getattr(book, name)) is AsyncReferenceProxy


async def test_assigning_the_same_document_changes_nothing(
    book: AwaitBook, author: AwaitAuthor
) -> None:
    book.author = author
    assert book._changed_fields == []
    assert await book.author is author


async def test_assigning_a_proxy_to_another_document(
    book: AwaitBook, author: AwaitAuthor, sent_commands: SentCommands
) -> None:
    other = AwaitBook(author=book.about, authors=[book.author], loose=[book.author])
    other.about = book.author
    other.editor = book.editor
    assert sent_commands.names == []
    other.validate()
    await other.async_save()
    stored = await AwaitBook.objects.as_pymongo().async_get(id=other.id)
    reference = DBRef("await_author", author.id)
    assert stored["author"] == author.id
    assert stored["editor"] == reference
    assert stored["about"] == {"_cls": "AwaitAuthor", "_ref": reference}
    assert stored["authors"] == [author.id]
    assert stored["loose"] == [reference]
    assert await other.about == author


async def test_a_fetched_proxy_is_assigned_as_its_document(book: AwaitBook) -> None:
    proxy: Any = book.author
    document = await proxy
    assert await AwaitBook(author=proxy).author is document


async def test_fetching_does_not_undo_an_assignment(
    book: AwaitBook, author: AwaitAuthor
) -> None:
    proxy: Any = book.author
    bob = await AwaitAuthor(name="Bob").async_save()
    book.author = bob
    assert await proxy == author
    assert await book.author is bob


async def test_a_proxy_of_an_abstract_class_keeps_the_class(
    async_connection: Any,
) -> None:
    class AwaitShape(Document):
        meta = {"abstract": True}

    class AwaitCircle(AwaitShape):
        pass

    class AwaitDrawing(Document):
        shape = ReferenceField(AwaitShape)

    circle = await AwaitCircle().async_save()
    await AwaitDrawing(shape=circle).async_save()
    first = await AwaitDrawing.objects.async_get()
    first.shape = first.shape
    assert first._changed_fields == []
    second = await AwaitDrawing(shape=first.shape).async_save()
    loaded = await AwaitDrawing.objects.async_get(id=second.id)
    assert await AwaitDrawing.shape.async_fetch(loaded) == circle


async def test_queries_take_a_proxy(book: AwaitBook) -> None:
    assert await AwaitBook.objects(author=book.author).async_count() == 1
    assert await AwaitBook.objects(about=book.about).async_count() == 1
    assert await AwaitBook.objects(author__in=[book.author]).async_count() == 1


async def test_saving_an_untouched_document_writes_nothing(
    book: AwaitBook, sent_commands: SentCommands
) -> None:
    _ = book.author
    await book.async_save()
    assert sent_commands.names == []


async def test_copies_of_a_proxy(book: AwaitBook, author: AwaitAuthor) -> None:
    proxy: Any = book.author
    for again in (copy.deepcopy(proxy), pickle.loads(pickle.dumps(proxy))):
        assert type(again) is AsyncReferenceProxy
        assert again == proxy
        assert await again == author
    assert type(book.author) is AsyncReferenceProxy


async def test_a_fetched_proxy_is_pickled_with_its_document(book: AwaitBook) -> None:
    proxy: Any = book.author
    await proxy
    again = pickle.loads(pickle.dumps(proxy))
    assert repr(again) == "<AsyncReferenceProxy: author (fetched)>"
    assert (await again).name == "Ada"


async def test_documents_with_references_are_copied(book: AwaitBook) -> None:
    _ = book.author
    for again in (copy.deepcopy(book), pickle.loads(pickle.dumps(book))):
        assert again.author == book.author


async def test_an_attribute_tells_to_await(book: AwaitBook) -> None:
    with pytest.raises(AttributeError, match=r"\(await document\.author\)\.name"):
        _ = book.author.name


@pytest.mark.parametrize("name", FIELDS)
async def test_fetching_from_the_field(
    book: AwaitBook, author: AwaitAuthor, name: str
) -> None:
    document = await getattr(AwaitBook, name).async_fetch(book)
    assert document == author
    assert await getattr(book, name) is document
    assert getattr(book, name)._data is document._data


async def test_fetching_nothing(async_connection: Any) -> None:
    assert await AwaitBook.author.async_fetch(AwaitBook()) is None


async def test_documents_just_assigned_are_awaited(author: AwaitAuthor) -> None:
    assert await AwaitBook(author=author).author is author


async def test_references_are_not_followed_without_dereferencing(
    book: AwaitBook,
) -> None:
    loaded = await AwaitBook.objects.no_dereference().async_get()
    assert type(loaded.author) is DBRef


# Lists and dicts


async def test_lists_hold_references_until_they_are_fetched(
    book: AwaitBook, author: AwaitAuthor, sent_commands: SentCommands
) -> None:
    reference = DBRef("await_author", author.id)
    assert list(book.authors) == [reference]
    assert book.roles["first"] == reference
    assert book.mixed[0] == {"_cls": "AwaitAuthor", "_ref": reference}
    assert sent_commands.names == []


@pytest.mark.parametrize("name", ["authors", "mixed", "loose"])
async def test_fetching_a_list(
    book: AwaitBook, author: AwaitAuthor, name: str, sent_commands: SentCommands
) -> None:
    reference = getattr(book, name)
    assert await reference.async_fetch() is reference
    assert reference == [author]
    assert getattr(book, name) is reference
    assert reference[0].name == "Ada"
    assert sent_commands.names == ["find"]
    assert book._changed_fields == []


async def test_fetching_a_dict(book: AwaitBook, author: AwaitAuthor) -> None:
    roles: Any = book.roles
    assert await roles.async_fetch() is roles
    assert roles == {"first": author}
    assert book.roles["first"].name == "Ada"
    assert book._changed_fields == []


async def test_fetching_sends_one_query_per_collection(
    author: AwaitAuthor, sent_commands: SentCommands
) -> None:
    class AwaitShop(Document):
        name = StringField()

    people = [author]
    for name in "abc":
        people.append(await AwaitAuthor(name=name).async_save())
    shop = await AwaitShop(name="s").async_save()
    await AwaitBook(mixed=[*people, shop], authors=people).async_save()
    book = await AwaitBook.objects.async_get()
    sent_commands.clear()
    await book.mixed.async_fetch()
    assert sent_commands.names == ["find", "find"]
    await book.authors.async_fetch()
    assert sent_commands.names == ["find"] * 3
    assert book.mixed == [*people, shop]
    assert book.authors == people


async def test_fetching_leaves_what_is_missing(
    author: AwaitAuthor, async_connection: Any
) -> None:
    gone = ObjectId()
    await AwaitBook(authors=[author, gone]).async_save()
    book = await AwaitBook.objects.async_get()
    await book.authors.async_fetch()
    assert book.authors == [author, DBRef("await_author", gone)]


def test_fetching_a_list_in_blocking_code(connection: Any) -> None:
    author = AwaitAuthor(name="Ada").save()
    AwaitBook(authors=[author]).save()
    book = AwaitBook.objects.no_dereference().get()
    assert type(book.authors[0]) is DBRef
    assert book.authors.fetch() == [author]


# Which way is taken


async def test_connected_only_blocking_a_running_loop_makes_no_difference(
    connection: Any,
) -> None:
    author = AwaitAuthor(name="Ada").save()
    AwaitBook(author=author, authors=[author]).save()
    book = AwaitBook.objects.get()
    assert type(book.author) is AwaitAuthor
    assert book.authors == [author]


def test_connected_only_async_touching_gives_a_proxy_without_a_loop(
    settings: dict[str, Any],
) -> None:
    async def load() -> AwaitBook:
        await connect_async(**settings)
        author = await AwaitAuthor(name="Ada").async_save()
        await AwaitBook(author=author).async_save()
        return await AwaitBook.objects.async_get()

    book = asyncio.run(load())
    assert type(book.author) is AsyncReferenceProxy


async def test_connected_both_ways_a_loop_is_never_blocked(both: Any) -> None:
    author = await AwaitAuthor(name="Ada").async_save()
    AwaitBook(author=author, authors=[author]).save()
    book = AwaitBook.objects.get()
    assert type(book.author) is AsyncReferenceProxy
    assert type(book.authors[0]) is AsyncReferenceProxy


async def test_connected_both_ways_other_threads_may_block(both: Any) -> None:
    author = await AwaitAuthor(name="Ada").async_save()
    await AwaitBook(author=author).async_save()
    book = await AwaitBook.objects.async_get()
    followed = await asyncio.to_thread(lambda: book.author)
    assert type(followed) is AwaitAuthor


async def test_the_alias_of_the_other_class_decides(
    async_connection: Any, settings: dict[str, Any]
) -> None:
    name = f"{settings['name']}_elsewhere"
    connect(**{**settings, "name": name, "alias": "elsewhere"})
    home = AwaitElsewhere().save()
    await AwaitGuest(home=home).async_save()
    guest = await AwaitGuest.objects.async_get()
    assert guest.home == home
    assert type(guest.home) is AwaitElsewhere
    disconnect("elsewhere")


async def test_a_blocking_call_names_the_method_to_use(
    book: AwaitBook,
) -> None:
    with pytest.raises(RuntimeError, match=r"^Use async_fetch\(\) with async conn"):
        AwaitBook.author.fetch(book)
    with pytest.raises(RuntimeError, match=r"^Use async_fetch\(\) with async conn"):
        book.authors.fetch()
