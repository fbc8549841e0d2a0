"""References in lists, maps and embedded documents, loaded with their own class."""

from __future__ import annotations

from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    CachedReferenceField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
    UUIDField,
    ValidationError,
)
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.errors import InvalidQueryError
from tests.families import Family


class RelatedRun(Document):
    name = StringField()
    meta = {"collection": "runs_of_the_lab", "allow_inheritance": True}


class RelatedTrial(RelatedRun):
    pass


class RelatedAway(Document):
    name = StringField()
    meta = {"db_alias": "other"}


class RelatedPart(EmbeddedDocument):
    run = ReferenceField(RelatedRun)
    runs = ListField(ReferenceField(RelatedRun))
    away = ListField(ReferenceField(RelatedAway))
    part = EmbeddedDocumentField("self")


class RelatedHolder(Document):
    one = ReferenceField(RelatedRun)
    many = ListField(ReferenceField(RelatedRun))
    dbrefs = ListField(ReferenceField(RelatedRun, dbref=True))
    by_key = MapField(ReferenceField(RelatedRun))
    in_dict = DictField(ReferenceField(RelatedRun))
    nested = ListField(ListField(ReferenceField(RelatedRun)))
    lists_by_key = MapField(ListField(ReferenceField(RelatedRun)))
    away = ListField(ReferenceField(RelatedAway))
    away_by_key = MapField(ReferenceField(RelatedAway))
    generic = ListField(GenericReferenceField())
    cached = ListField(CachedReferenceField(RelatedRun, fields=["name"]))
    lazy = ListField(LazyReferenceField(RelatedRun))
    free = DictField()
    part = EmbeddedDocumentField(RelatedPart)
    parts = EmbeddedDocumentListField(RelatedPart)


CONTAINERS: dict[str, Any] = {
    "many": lambda run: [run],
    "dbrefs": lambda run: [run],
    "by_key": lambda run: {"a": run},
    "in_dict": lambda run: {"a": run},
    "nested": lambda run: [[run]],
    "lists_by_key": lambda run: {"a": [run]},
    "generic": lambda run: [run],
    "free": lambda run: {"deep": {"list": [run.to_dbref()]}},
    "part": lambda run: RelatedPart(run=run, runs=[run], part=RelatedPart(run=run)),
    "parts": lambda run: [RelatedPart(run=run, runs=[run])],
}


def documents_in(value: Any) -> list[Any]:
    """The documents in a value at whatever depth, read without following."""
    if isinstance(value, dict):
        return [d for item in dict.values(value) for d in documents_in(item)]
    if isinstance(value, (list, tuple)):
        return [d for item in list.__iter__(value) for d in documents_in(item)]
    if isinstance(value, EmbeddedDocument):
        return [d for item in value._data.values() for d in documents_in(item)]
    return [value] if isinstance(value, Document) else []


async def saved(family: Family, document: Any) -> Any:
    await family(document, "save")
    family.commands
    return document


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("way", ["queryset", "document", "reload"])
async def test_a_collection_name_of_its_own(
    family: Family, name: str, way: str
) -> None:
    trial = await saved(family, RelatedTrial(name="right"))
    holder = await saved(family, RelatedHolder(**{name: CONTAINERS[name](trial)}))
    if way == "queryset":
        (holder,) = await family(RelatedHolder.objects, "select_related")
    elif way == "document":
        holder = await family(RelatedHolder.objects, "get")
        await family(holder, "select_related")
    else:
        await family(holder, "reload")
    found = documents_in(holder._data[name])
    assert found
    assert all(d.__class__ is RelatedTrial and d.name == "right" for d in found)
    sent = [c["find"] for c in family.commands if "find" in c]
    assert sent.count("runs_of_the_lab") == 1
    assert holder._get_changed_fields() == []


@pytest.mark.parametrize("name", ["away", "away_by_key", "generic", "parts"])
@pytest.mark.parametrize("way", ["queryset", "reload"])
async def test_another_alias(family: Family, mongo: Any, name: str, way: str) -> None:
    await family.connect(family.database + "_other", "other")
    away = await saved(family, RelatedAway(name="right"))
    mongo.related_away.insert_one({"_id": away.id, "name": "wrong database"})
    value: Any = {"a": away} if name == "away_by_key" else [away]
    if name == "parts":
        value = [RelatedPart(away=[away])]
    holder = await saved(family, RelatedHolder(**{name: value}))
    if way == "queryset":
        (holder,) = await family(RelatedHolder.objects, "select_related")
    else:
        await family(holder, "reload")
    assert [d.name for d in documents_in(holder._data[name])] == ["right"]


async def test_an_untyped_reference_is_looked_up_by_its_collection(
    family: Family,
) -> None:
    run = await saved(family, RelatedRun(name="right"))
    await saved(family, RelatedHolder(free={"run": run.to_dbref()}))
    (holder,) = await family(RelatedHolder.objects, "select_related")
    assert holder._data["free"]["run"].__class__ is RelatedRun


async def test_a_reference_into_another_database(family: Family, mongo: Any) -> None:
    key = ObjectId()
    other = mongo.client[family.database + "_other"]
    other.runs_of_the_lab.insert_one(
        {"_id": key, "_cls": "RelatedRun", "name": "other database"}
    )
    mongo.runs_of_the_lab.insert_one(
        {"_id": key, "_cls": "RelatedRun", "name": "this database"}
    )
    there = DBRef("runs_of_the_lab", key, family.database + "_other")
    here = DBRef("runs_of_the_lab", key)
    mongo.related_holder.insert_one({"dbrefs": [there, here], "free": {"run": there}})
    (holder,) = await family(RelatedHolder.objects, "select_related")
    assert [run.name for run in holder._data["dbrefs"]] == [
        "other database",
        "this database",
    ]
    assert holder._data["free"]["run"].name == "other database"


async def test_lazy_references_stay_as_they_are(family: Family) -> None:
    run = await saved(family, RelatedRun(name="a"))
    await saved(family, RelatedHolder(lazy=[run]))
    (holder,) = await family(RelatedHolder.objects, "select_related", 2)
    assert [c["find"] for c in family.commands] == ["related_holder"]
    assert holder.lazy[0].document_type is RelatedRun


async def test_an_assignment_during_the_query_stays(family: Family) -> None:
    """Only what still refers to a document is replaced by it."""
    from mongoengine.driver.io import ASYNC, SYNC
    from mongoengine.operations.related import _Search, follow_levels

    first = await saved(family, RelatedRun(name="a"))
    second = await saved(family, RelatedRun(name="b"))
    await saved(family, RelatedHolder(one=first, many=[first, first]))
    holder = await family(RelatedHolder.objects, "get")
    search = _Search("default")
    search.document(holder)
    holder.one = second
    holder._data["many"].pop()
    await follow_levels(ASYNC if family.is_async else SYNC, search, 1)
    assert holder._data["one"] is second
    assert holder._data["many"] == [first]


class RelatedNullPart(EmbeddedDocument):
    refs = ListField(ReferenceField("RelatedNull"))


class RelatedNull(Document):
    refs = ListField(ReferenceField("self"))
    dbrefs = ListField(ReferenceField("self", dbref=True))
    by_key = MapField(ReferenceField("self"))
    in_dict = DictField(ReferenceField("self"))
    nested = ListField(ListField(ReferenceField("self")))
    generic = ListField(GenericReferenceField())
    chosen = ListField(GenericReferenceField(choices=["RelatedNull"]))
    generic_by_key = MapField(GenericReferenceField())
    lazy = ListField(LazyReferenceField("self"))
    lazy_by_key = MapField(LazyReferenceField("self"))
    cached = ListField(CachedReferenceField("self"))
    count = IntField()
    part = EmbeddedDocumentField(RelatedNullPart)


#: Whose lists and maps take no null when they are saved, as upstream's.
REFUSED = {"generic", "chosen", "generic_by_key"}

NULLS: dict[str, Any] = {
    "refs": [None],
    "dbrefs": [None],
    "by_key": {"a": None},
    "in_dict": {"a": None},
    "nested": [[None]],
    "generic": [None],
    "chosen": [None],
    "generic_by_key": {"a": None},
    "lazy": [None],
    "lazy_by_key": {"a": None},
    "cached": [None],
    "part": {"refs": [None]},
}


@pytest.mark.parametrize("name", NULLS)
async def test_a_null_among_references_stays(
    family: Family, mongo: Any, name: str
) -> None:
    mongo.related_null.insert_one({"_id": ObjectId(), name: NULLS[name]})
    document = await family(RelatedNull.objects, "get")
    references = document.part.refs if name == "part" else getattr(document, name)
    if name == "nested":
        references = references[0]
    assert list(
        references.values() if isinstance(references, dict) else references
    ) == [None]
    document._mark_as_changed(name)
    document.count = 1
    if name in REFUSED:
        with pytest.raises(ValidationError):
            await family(document, "save")
    else:
        await family(document, "save")
    stored = mongo.related_null.find_one()
    assert stored[name] == NULLS[name]
    await family(document, "reload")
    assert document.to_mongo()[name] == NULLS[name]


@pytest.mark.parametrize("name", sorted(NULLS.keys() - REFUSED - {"part"}))
async def test_a_null_given_to_the_constructor_is_stored(
    family: Family, mongo: Any, name: str
) -> None:
    await family(RelatedNull(**{name: NULLS[name]}), "save")
    assert mongo.related_null.find_one()[name] == NULLS[name]


class RelatedKey(EmbeddedDocument):
    a = IntField(db_field="x")
    b = IntField()


class RelatedCompound(Document):
    id = EmbeddedDocumentField(RelatedKey, primary_key=True)
    name = StringField()


class RelatedDictKey(Document):
    id = DictField(primary_key=True)
    name = StringField()


class RelatedTextKey(Document):
    id = UUIDField(binary=False, primary_key=True)
    name = StringField()


class RelatedToCompound(Document):
    one = ReferenceField(RelatedCompound)
    dbref = ReferenceField(RelatedCompound, dbref=True)
    many = ListField(ReferenceField(RelatedCompound))
    by_key = MapField(ReferenceField(RelatedCompound))
    generic = GenericReferenceField()
    generics = ListField(GenericReferenceField())
    lazy = LazyReferenceField(RelatedCompound)
    dicts = ListField(ReferenceField(RelatedDictKey))
    text = ReferenceField(RelatedTextKey)
    texts = ListField(ReferenceField(RelatedTextKey))


async def compound(family: Family) -> tuple[Any, Any]:
    first = RelatedCompound(id=RelatedKey(a=1, b=2), name="first")
    await saved(family, RelatedCompound(id=RelatedKey(a=1, b=3), name="second"))
    await saved(family, first)
    by_dict = await saved(family, RelatedDictKey(id={"k": 1}, name="dict"))
    text = RelatedTextKey(id="12345678123456781234567812345678", name="text")
    await saved(family, text)
    holder = RelatedToCompound(
        one=first,
        dbref=first,
        many=[first],
        by_key={"a": first},
        generic=first,
        generics=[first],
        lazy=first,
        dicts=[by_dict],
        text=text,
        texts=[text],
    )
    await saved(family, holder)
    return first, await family(RelatedToCompound.objects, "get")


async def test_compound_keys_are_followed_one_by_one(family: Family) -> None:
    _, holder = await compound(family)
    cls = RelatedToCompound
    for field in (cls.one, cls.dbref, cls.generic):
        assert (await family(field, "fetch", holder)).name == "first"
    assert (await family(holder.lazy, "fetch")).name == "first"
    assert (await family(cls.text, "fetch", holder)).name == "text"


async def test_compound_keys_are_followed_together(family: Family) -> None:
    await compound(family)
    family.commands
    (holder,) = await family(RelatedToCompound.objects, "select_related")
    assert sorted(c["find"] for c in family.commands) == [
        "related_compound",
        "related_dict_key",
        "related_text_key",
        "related_to_compound",
    ]
    data = holder._data
    for found in (data["one"], data["dbref"], data["many"][0], data["by_key"]["a"]):
        assert found.name == "first"
    assert data["generic"].name == data["generics"][0].name == "first"
    assert data["dicts"][0].name == "dict"
    assert data["text"].name == data["texts"][0].name == "text"


async def test_queries_on_references_to_compound_keys(family: Family) -> None:
    first, _ = await compound(family)
    second = await family(RelatedCompound.objects, "get", name="second")
    for name in ("one", "dbref", "many", "generic", "generics", "lazy"):
        for value in (first, *([first.id] if name in ("one", "many", "lazy") else [])):
            queryset = RelatedToCompound.objects(**{name: value})
            assert await family(queryset, "count") == 1, name
        assert await family(RelatedToCompound.objects(**{name: second}), "count") == 0
        queryset = RelatedToCompound.objects(**{f"{name}__in": [first, second]})
        assert await family(queryset, "count") == 1, name


class RelatedLoose(DynamicDocument):
    pass


async def test_dynamic_documents(family: Family) -> None:
    run = await saved(family, RelatedRun(name="a"))
    await saved(
        family, RelatedLoose(runs=[run.to_dbref()], deep={"run": run.to_dbref()})
    )
    (loose,) = await family(RelatedLoose.objects, "select_related")
    assert documents_in(loose._data["runs"]) == [run]
    assert documents_in(loose._data["deep"]) == [run]


# Names of references, and how many queries they take


class CountedCity(Document):
    name = StringField()


class CountedPerson(Document):
    name = StringField()
    city = ReferenceField(CountedCity)
    lazy_city = LazyReferenceField(CountedCity)


class CountedComment(EmbeddedDocument):
    author = ReferenceField(CountedPerson)
    likes = ListField(ReferenceField(CountedPerson))


class CountedPost(Document):
    number = IntField()
    author = ReferenceField(CountedPerson)
    editors = ListField(ReferenceField(CountedPerson))
    by_role = MapField(ReferenceField(CountedPerson))
    comments = EmbeddedDocumentListField(CountedComment)
    pinned = EmbeddedDocumentField(CountedComment)
    anything = GenericReferenceField()


async def counted_posts(family: Family, mongo: Any, count: int) -> None:
    cities = [{"_id": ObjectId(), "name": f"c{n}"} for n in range(3)]
    people = [
        {
            "_id": ObjectId(),
            "name": f"p{n}",
            "city": cities[n % 3]["_id"],
            "lazy_city": cities[n % 3]["_id"],
        }
        for n in range(5)
    ]
    ids = [person["_id"] for person in people]
    mongo.counted_city.insert_many(cities)
    mongo.counted_person.insert_many(people)
    mongo.counted_post.insert_many(
        {
            "number": n,
            "author": ids[n % 5],
            "editors": ids[:2],
            "by_role": {"a": ids[2]},
            "comments": [{"author": ids[3], "likes": [ids[n % 5]]}],
            "pinned": {"author": ids[4]},
            "anything": {
                "_cls": "CountedPerson",
                "_ref": DBRef("counted_person", ids[0]),
            },
        }
        for n in range(count)
    )


def finds(family: Family) -> list[str]:
    return [command["find"] for command in family.commands if "find" in command]


@pytest.mark.parametrize("count", [1, 10, 1000])
async def test_one_query_per_level_and_collection(
    family: Family, mongo: Any, count: int
) -> None:
    await counted_posts(family, mongo, count)
    for depth, expected in (
        (1, ["counted_post", "counted_person"]),
        (2, ["counted_post", "counted_person", "counted_city"]),
        (5, ["counted_post", "counted_person", "counted_city"]),
    ):
        posts = await family(CountedPost.objects, "select_related", depth)
        assert finds(family) == expected
        assert len(posts) == count
    for post in posts:
        comment = post.comments[0]
        for person in (
            post.author,
            *post.editors,
            post.by_role["a"],
            comment.author,
            comment.likes[0],
            post.pinned.author,
            post.anything,
        ):
            assert person.city.name.startswith("c")
    assert finds(family) == []


@pytest.mark.parametrize("count", [1, 10, 1000])
async def test_names_of_references_take_one_query_per_level_and_collection(
    family: Family, mongo: Any, count: int
) -> None:
    await counted_posts(family, mongo, count)
    queryset = CountedPost.objects.order_by("number").select_related(
        "author", "comments__author__city"
    )
    assert family.commands == []
    for _ in range(2):
        if family.is_async:
            posts = [post async for post in queryset]
        else:
            posts = list(queryset)
        assert [post.number for post in posts] == list(range(count))
    assert finds(family) == ["counted_post", "counted_person", "counted_city"]
    for post in posts:
        assert post.author.name.startswith("p")
        assert post.comments[0].author.city.name == "c0"
    assert finds(family) == []
    assert type(posts[0]._data["pinned"]._data["author"]) is DBRef
    assert type(posts[0].comments[0]._data["likes"][0]) in (DBRef, AsyncReferenceProxy)


async def test_names_of_references_are_chained(family: Family, mongo: Any) -> None:
    await counted_posts(family, mongo, 10)
    queryset = CountedPost.objects.select_related("author").filter(number__lt=6)
    queryset = queryset.select_related("pinned__author__city").order_by("-number")
    posts = await family(queryset, "to_list")
    assert finds(family) == ["counted_post", "counted_person", "counted_city"]
    assert [post.number for post in posts] == [5, 4, 3, 2, 1, 0]
    assert posts[0].author.name == "p0"
    assert posts[0].pinned.author.city.name == "c1"
    for method, arguments in (("first", ()), ("get", ())):
        narrowed = queryset.filter(number=3)
        post = await family(narrowed, method, *arguments)
        assert finds(family) == ["counted_post", "counted_person", "counted_city"]
        assert (post.author.name, post.pinned.author.city.name) == ("p3", "c1")
    by_id = await family(queryset, "in_bulk", [post.id])
    assert by_id[post.id].author.name == "p3"
    assert finds(family) == ["counted_post", "counted_person", "counted_city"]
    assert await family(queryset, "count") == 6
    (limited,) = await family(queryset, "to_list", 1)
    assert limited.author.name == "p0"
    family.commands
    uncached = CountedPost.objects.no_cache().select_related("author__city")
    posts = await family(uncached.order_by("-number"), "to_list")
    assert [post.author.name for post in posts][:2] == ["p4", "p3"]
    assert finds(family) == ["counted_post", "counted_person", "counted_city"]


async def test_names_of_references_of_a_document(family: Family, mongo: Any) -> None:
    await counted_posts(family, mongo, 1)
    post = await family(CountedPost.objects, "get")
    family.commands
    assert await family(post, "select_related", "author__city", "editors") is post
    assert finds(family) == ["counted_person", "counted_city"]
    assert post.author.city.name == "c0"
    assert [editor.name for editor in post.editors] == ["p0", "p1"]
    await family(post, "select_related", "author__lazy_city")
    lazy = post.author.lazy_city
    assert (await family(lazy, "fetch")).name == "c0"
    assert finds(family) == ["counted_city"]


async def test_the_awaited_form_reads(family: Family, mongo: Any) -> None:
    await counted_posts(family, mongo, 2)
    if family.is_async:
        posts = await CountedPost.objects.async_select_related("author")
        assert [type(post) for post in posts] == [CountedPost] * 2
        assert finds(family) == ["counted_post", "counted_person"]
        assert posts[0].author.name == "p0"


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "author__nothing",
        "comments__nothing",
        "number",
        "comments",
        "author__name",
        "author__city__name__x",
    ],
)
async def test_a_name_that_is_no_reference(family: Family, path: str) -> None:
    with pytest.raises(InvalidQueryError, match=path):
        CountedPost.objects.select_related(path)
    with pytest.raises(InvalidQueryError, match=path):
        await family(CountedPost(), "select_related", path)
    assert family.commands == []
