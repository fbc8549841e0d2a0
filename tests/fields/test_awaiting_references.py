"""References where blocking is not possible: awaited every time, then as documents."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from mongoengine import (
    CachedReferenceField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericLazyReferenceField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
)
from tests.conftest import SentCommands


class AgainAuthor(Document):
    name = StringField()
    age = IntField()
    database = StringField()
    friend = ReferenceField("self")


class AgainPart(EmbeddedDocument):
    one = ReferenceField(AgainAuthor)
    many = ListField(ReferenceField(AgainAuthor))


class AgainBook(Document):
    one = ReferenceField(AgainAuthor)
    dbref = ReferenceField(AgainAuthor, dbref=True)
    generic = GenericReferenceField()
    cached = CachedReferenceField(AgainAuthor, fields=["name"])
    lazy = LazyReferenceField(AgainAuthor)
    generic_lazy = GenericLazyReferenceField()
    many = ListField(ReferenceField(AgainAuthor))
    by_key = MapField(ReferenceField(AgainAuthor))
    nested = ListField(ListField(ReferenceField(AgainAuthor)))
    generics = ListField(GenericReferenceField())
    generic_by_key = MapField(GenericReferenceField())
    lazies = ListField(LazyReferenceField(AgainAuthor))
    lazy_by_key = MapField(LazyReferenceField(AgainAuthor))
    cacheds = ListField(CachedReferenceField(AgainAuthor, fields=["name"]))
    free = DictField()
    part = EmbeddedDocumentField(AgainPart)
    parts = EmbeddedDocumentListField(AgainPart)


def values(author: Any) -> dict[str, Any]:
    part = {"one": author, "many": [author]}
    return {
        "one": author,
        "dbref": author,
        "generic": author,
        "cached": author,
        "lazy": author,
        "generic_lazy": author,
        "many": [author],
        "by_key": {"a": author},
        "nested": [[author]],
        "generics": [author],
        "generic_by_key": {"a": author},
        "lazies": [author],
        "lazy_by_key": {"a": author},
        "cacheds": [author],
        "free": {"deep": [author.to_dbref()]},
        "part": AgainPart(**part),
        "parts": [AgainPart(**part)],
    }


WAYS: dict[str, Callable[[Any], Any]] = {
    "field": lambda b: b.one,
    "dbref": lambda b: b.dbref,
    "generic": lambda b: b.generic,
    "cached": lambda b: b.cached,
    "lazy": lambda b: b.lazy,
    "generic lazy": lambda b: b.generic_lazy,
    "item": lambda b: b.many[0],
    "last item": lambda b: b.many[-1],
    "item of a slice": lambda b: b.many[:1][0],
    "item of a loop": lambda b: next(iter(b.many)),
    "key": lambda b: b.by_key["a"],
    "get": lambda b: b.by_key.get("a"),
    "value": lambda b: next(iter(b.by_key.values())),
    "nested": lambda b: b.nested[0][0],
    "generic item": lambda b: b.generics[0],
    "generic key": lambda b: b.generic_by_key["a"],
    "lazy item": lambda b: b.lazies[0],
    "lazy key": lambda b: b.lazy_by_key["a"],
    "cached item": lambda b: b.cacheds[0],
    "untyped": lambda b: b.free["deep"][0],
    "embedded": lambda b: b.part.one,
    "embedded list": lambda b: b.part.many[0],
    "list of embedded": lambda b: b.parts[0].one,
    "list in list of embedded": lambda b: b.parts[0].many[0],
}

each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
async def author(async_connection: Any) -> AgainAuthor:
    return await AgainAuthor(name="Ada", age=36, database="d").async_save()


@pytest.fixture
async def book(author: AgainAuthor, sent_commands: SentCommands) -> AgainBook:
    await AgainBook(**values(author)).async_save()
    found = await AgainBook.objects.async_get()
    sent_commands.clear()
    return found


@each_way
async def test_it_is_awaited_every_time(
    book: AgainBook, way: str, sent_commands: SentCommands
) -> None:
    first = await WAYS[way](book)
    assert type(first) is AgainAuthor
    assert await WAYS[way](book) is first
    reference = WAYS[way](book)
    assert await reference is first
    assert await reference is first
    assert sent_commands.names == ["find"]


@each_way
async def test_after_select_related(author: AgainAuthor, way: str) -> None:
    await AgainBook(**values(author)).async_save()
    (book,) = await AgainBook.objects.async_select_related()
    if "lazy" in way:
        await WAYS[way](book)
    assert WAYS[way](book).name == "Ada"
    assert (await WAYS[way](book)).name == "Ada"


@each_way
async def test_after_an_assignment(author: AgainAuthor, way: str) -> None:
    book = AgainBook(**values(author))
    assert (await WAYS[way](book)).name == "Ada"
    assert WAYS[way](book).name == "Ada"


@each_way
async def test_attributes_once_it_is_loaded(book: AgainBook, way: str) -> None:
    document = await WAYS[way](book)
    WAYS[way](book).age = 37
    WAYS[way](book)["name"] = "Countess"
    assert (document.age, document.name) == (37, "Countess")
    assert WAYS[way](book).age == 37
    assert WAYS[way](book)["name"] == "Countess"
    assert WAYS[way](book).database == "d"
    assert "name" in WAYS[way](book)
    assert document._get_changed_fields() == ["age", "name"]
    assert book._get_changed_fields() == []
    await WAYS[way](book).async_save()
    assert (await AgainAuthor.objects.async_get()).age == 37


@each_way
async def test_it_passes_for_the_document(
    book: AgainBook, author: AgainAuthor, way: str
) -> None:
    assert not isinstance(WAYS[way](book), AgainAuthor)
    for _ in range(2):
        reference = WAYS[way](book)
        assert reference == author
        assert author == reference
        assert hash(reference) == hash(author)
        assert {author: 1}[reference] == 1
        assert reference == author.to_dbref()
        assert reference != AgainAuthor(name="Ada")
        assert reference
        await reference
    assert isinstance(WAYS[way](book), AgainAuthor)
    assert isinstance(WAYS[way](book), Document)


@each_way
async def test_it_names_the_field_and_what_to_do_before_it_is_loaded(
    book: AgainBook, way: str
) -> None:
    with pytest.raises(AttributeError, match=r"has not been \w+: use `\(await") as read:
        _ = WAYS[way](book).name
    with pytest.raises(AttributeError, match="async_fetch"):
        WAYS[way](book).name = "x"
    for use in (lambda r: r["name"], list, len, lambda r: "name" in r):
        with pytest.raises((AttributeError, TypeError), match="async_fetch"):
            use(WAYS[way](book))
    assert "Again" in str(read.value)


@each_way
async def test_copies_of_a_loaded_one(
    book: AgainBook, way: str, sent_commands: SentCommands
) -> None:
    await WAYS[way](book)
    sent_commands.clear()
    reference = WAYS[way](book)
    for again in (
        copy.copy(reference),
        copy.deepcopy(reference),
        pickle.loads(pickle.dumps(reference)),
    ):
        assert again.name == "Ada"
        assert (await again).name == "Ada"
    assert sent_commands.names == []


@each_way
async def test_a_loaded_one_is_assigned(
    book: AgainBook, way: str, sent_commands: SentCommands
) -> None:
    document = await WAYS[way](book)
    sent_commands.clear()
    reference = WAYS[way](book)
    other = AgainBook(
        one=reference, generic=reference, cached=reference, many=[reference]
    )
    other.part = AgainPart(one=reference)
    other.by_key["x"] = reference
    other.validate()
    assert await other.one is document
    assert other.generic.name == other.cached.name == other.part.one.name == "Ada"
    assert other.many[0].name == other.by_key["x"].name == "Ada"
    assert sent_commands.names == []
    await other.async_save()
    stored = await AgainBook.objects.as_pymongo().async_get(id=other.id)
    assert stored["one"] == document.id
    assert stored["many"] == [document.id]
    assert stored["by_key"] == {"x": document.id}
    assert stored["generic"]["_ref"] == document.to_dbref()


async def test_nothing_is_none(async_connection: Any) -> None:
    book = AgainBook(part=AgainPart())
    for name in ("one", "dbref", "generic", "cached", "lazy", "generic_lazy"):
        assert getattr(book, name) is None
    assert book.part.one is None
    assert await AgainBook.one.async_fetch(book) is None


async def test_a_field_fetches_the_document(
    book: AgainBook, sent_commands: SentCommands
) -> None:
    for field in (AgainBook.one, AgainBook.dbref, AgainBook.generic, AgainBook.cached):
        document = await field.async_fetch(book)
        assert type(document) is AgainAuthor
        assert await field.async_fetch(book) is document
    assert sent_commands.names == ["find"] * 4


@pytest.mark.parametrize("name", ["many", "by_key", "nested", "generics", "cacheds"])
async def test_a_list_is_fetched_at_once(
    book: AgainBook, name: str, sent_commands: SentCommands
) -> None:
    way = {
        "many": "item",
        "by_key": "key",
        "generics": "generic item",
        "cacheds": "cached item",
    }.get(name, name)
    before = WAYS[way](book)
    assert await getattr(book, name).async_fetch() == getattr(book, name)
    assert sent_commands.names == ["find"]
    assert before.name == "Ada"
    assert WAYS[way](book).name == "Ada"
    assert (await WAYS[way](book)).name == "Ada"
    assert sent_commands.names == ["find"]


async def test_items_that_are_added(book: AgainBook, author: AgainAuthor) -> None:
    many = book.many
    many.append(author)
    assert await many[-1] is author
    assert [await item for item in many] == [author, author]
    book.by_key["b"] = author
    assert await book.by_key["b"] is author
    many.remove(author)
    await book.async_save()
    stored = await AgainBook.objects.as_pymongo().async_get()
    assert stored["many"] == [author.id]
    assert stored["by_key"] == {"a": author.id, "b": author.id}


async def test_references_of_a_loaded_one(book: AgainBook, author: AgainAuthor) -> None:
    author.friend = author
    await author.async_save()
    await book.one
    assert (await book.one.friend).name == "Ada"
    assert (await (await book.one).friend).name == "Ada"


def test_documents_are_not_awaitable() -> None:
    assert not hasattr(AgainAuthor, "__await__")
    assert not hasattr(AgainAuthor(), "__await__")


def test_blocking_aliases_give_documents(connection: Any) -> None:
    author = AgainAuthor(name="Ada").save()
    AgainBook(**values(author)).save()
    for book in (AgainBook.objects.get(), AgainBook(**values(author))):
        for way, read in WAYS.items():
            if way == "untyped" or "lazy" in way:
                continue
            assert type(read(book)) is AgainAuthor, way
        assert not hasattr(book.lazy, "__await__")


async def test_pydantic_reads_attributes(author: AgainAuthor) -> None:
    pydantic = pytest.importorskip("pydantic")
    config = pydantic.ConfigDict(from_attributes=True)
    author_model = pydantic.create_model(
        "AuthorModel", __config__=config, name=(str, ...)
    )
    book_model = pydantic.create_model(
        "BookModel",
        __config__=config,
        one=(author_model, ...),
        many=(list[author_model], ...),  # type: ignore[valid-type]
    )
    await AgainBook(**values(author)).async_save()
    (book,) = await AgainBook.objects.async_select_related()
    read = book_model.model_validate(book)
    assert read.model_dump() == {"one": {"name": "Ada"}, "many": [{"name": "Ada"}]}
