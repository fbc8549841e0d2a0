"""`get_or_create()` and `update_or_create()`."""

from __future__ import annotations

import asyncio
import enum
import threading
from datetime import datetime
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    ConcurrentModificationError,
    DateTimeField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    FieldDoesNotExist,
    IntField,
    InvalidQueryError,
    ListField,
    MapField,
    NotUniqueError,
    OperationError,
    Q,
    ReferenceField,
    SequenceField,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.base import hooks
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from tests.families import Family


@pytest.fixture(autouse=True)
def no_coroutine_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget those of other tests: with them a document is looked up first."""
    monkeypatch.setattr(hooks, "_noted", [])


class Colour(enum.Enum):
    RED = "red"


CREATED = ["findAndModify"]


class GottenPart(EmbeddedDocument):
    text = StringField(db_field="t")
    tags = ListField(StringField())
    made = DateTimeField(auto_now_add=True)


class Gotten(Document):
    name = StringField(db_field="n", unique=True, sparse=True)
    number = IntField(db_field="nr", default=5)
    other = StringField()
    needed = StringField(required=True, default="x")
    tags = ListField(StringField())
    part = EmbeddedDocumentField(GottenPart, db_field="p")
    parts = EmbeddedDocumentListField(GottenPart)
    mapped = MapField(IntField())
    friend = ReferenceField("self")
    created = DateTimeField(auto_now_add=True)
    updated = DateTimeField(auto_now=True)
    meta = {"collection": "gotten", "allow_inheritance": True}


class GottenSub(Gotten):
    more = StringField(default="m")


class GottenRequired(Document):
    name = StringField()
    email = StringField(required=True)
    meta = {"collection": "gotten_required"}


class GottenNumbered(Document):
    number = SequenceField()
    name = StringField()
    meta = {"collection": "gotten_numbered"}


class GottenKey(Document):
    name = StringField(primary_key=True)
    text = StringField()
    version = IntField()
    meta = {"collection": "gotten_key", "version_field": "version"}


class GottenDynamic(DynamicDocument):
    meta = {"collection": "gotten_dynamic"}


async def get(family: Family, queryset: Any, *args: Any, **query: Any) -> Any:
    return await family(queryset, "get_or_create", *args, **query)


async def update(family: Family, queryset: Any, *args: Any, **query: Any) -> Any:
    return await family(queryset, "update_or_create", *args, **query)


BOTH = [get, update]


@pytest.fixture(autouse=True)
async def used(family: Family) -> None:
    """Have the indexes made, so that the commands of a test are its own."""
    for cls in (
        Gotten,
        GottenSub,
        GottenRequired,
        GottenNumbered,
        GottenKey,
        GottenDynamic,
    ):
        await family(cls.objects, "first")
    family.commands.clear()


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("cls", [Gotten, GottenSub])
async def test_a_new_document_is_created_in_one_command(
    family: Family, mongo: Any, call: Any, cls: Any
) -> None:
    document, created = await call(
        family, cls.objects, name="a", defaults={"other": "o"}
    )
    assert family.command_names == CREATED
    assert created is True
    assert type(document) is cls
    assert (document.name, document.other, document.number) == ("a", "o", 5)
    raw = mongo.gotten.find_one()
    assert raw == {**document.to_mongo().to_dict(), "_id": document.id}
    assert raw["n"] == "a" and raw["_cls"] == cls._class_name
    assert document._get_changed_fields() == [] and not document._created
    document.other = "p"
    await family(document, "save")
    assert mongo.gotten.find_one()["other"] == "p"


@pytest.mark.parametrize("cls", [Gotten, GottenSub])
async def test_an_existing_document_is_returned_in_one_command(
    family: Family, mongo: Any, cls: Any
) -> None:
    saved = await family(cls(name="a", other="stored"), "save")
    before = mongo.gotten.find_one()
    family.commands.clear()
    document, created = await get(
        family, Gotten.objects, name="a", defaults={"other": "o"}
    )
    assert family.command_names == CREATED
    assert created is False
    assert document == saved and type(document) is cls
    assert (document.other, mongo.gotten.find_one()) == ("stored", before)


@pytest.mark.parametrize("cls", [Gotten, GottenSub])
async def test_an_existing_document_is_updated_in_one_command(
    family: Family, mongo: Any, cls: Any
) -> None:
    saved = await family(cls(name="a", other="stored", tags=["s"]), "save")
    mongo.gotten.update_one({}, {"$set": {"updated": datetime(2000, 1, 1)}})
    family.commands.clear()
    document, created = await update(
        family,
        Gotten.objects,
        name="a",
        defaults={"other": "o", "tags": ["t"], "part": GottenPart(text="x")},
    )
    assert family.command_names == CREATED
    assert created is False
    assert document == saved and type(document) is cls
    assert (document.other, document.tags, document.part.text) == ("o", ["t"], "x")
    raw = mongo.gotten.find_one()
    assert raw["other"] == "o" and raw["p"]["t"] == "x" and raw["tags"] == ["t"]
    assert raw["updated"] == document.updated > datetime(2026, 1, 1)
    assert raw["created"] == saved.created
    assert raw["p"]["made"] == document.part.made
    assert document._get_changed_fields() == []
    again = await family(Gotten.objects, "first")
    assert again.to_mongo() == document.to_mongo()


async def test_an_update_without_values_finds_the_document(
    family: Family, mongo: Any
) -> None:
    await family(GottenDynamic(name="a"), "save")
    document, created = await update(family, GottenDynamic.objects, name="a")
    assert (document.name, created) == ("a", False)


@pytest.mark.parametrize("call", BOTH)
async def test_callable_defaults_are_called(family: Family, call: Any) -> None:
    document, _ = await call(
        family, Gotten.objects, name="a", defaults={"other": lambda: "made"}
    )
    assert document.other == "made"


QUERIES: dict[str, Any] = {
    "field": (lambda friend: {"name": "a"}, lambda doc: doc.name == "a"),
    "embedded": (lambda friend: {"part__text": "x"}, lambda doc: doc.part.text == "x"),
    "item": (lambda friend: {"tags": "t"}, lambda doc: doc.tags == ["t"]),
    "list": (lambda friend: {"tags": ["t", "u"]}, lambda doc: doc.tags == ["t", "u"]),
    "item inside": (
        lambda friend: {"part__tags": "t"},
        lambda doc: doc.part.tags == ["t"],
    ),
    "embedded item": (
        lambda friend: {"parts__text": "x"},
        lambda doc: [part.text for part in doc.parts] == ["x"],
    ),
    "position": (lambda friend: {"tags__0": "t"}, lambda doc: doc.tags == ["t"]),
    "key": (lambda friend: {"mapped__k": 1}, lambda doc: doc.mapped == {"k": 1}),
    "reference": (
        lambda friend: {"friend": friend},
        lambda doc: doc.friend is not None,
    ),
    "condition": (
        lambda friend: {"name": "a", "number__gt": 7},
        lambda doc: doc.number == 9,
    ),
    "raw": (lambda friend: {"__raw__": {"n": "a"}}, lambda doc: doc.name == "a"),
    "one of one": (
        lambda friend: {"other__in": ["o"], "tags__all": ["t"]},
        lambda doc: (doc.other, doc.tags) == ("o", ["t"]),
    ),
    "none": (
        lambda friend: {"name": "a", "other": None},
        lambda doc: doc.other is None,
    ),
}


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("query", QUERIES)
async def test_a_new_document_has_what_was_asked_for(
    family: Family, mongo: Any, call: Any, query: str
) -> None:
    friend = await family(Gotten(name="friend"), "save")
    make, check = QUERIES[query]
    for expected in (True, False):
        document, created = await call(
            family, Gotten.objects, **make(friend), defaults={"number": 9}
        )
        assert created is expected
        assert check(document)
        stored = await family(Gotten.objects, "get", id=document.id)
        assert stored.to_mongo() == document.to_mongo()
    assert mongo.gotten.count_documents({}) == 2


@pytest.mark.parametrize("call", BOTH)
async def test_conditions_of_the_queryset_count(family: Family, call: Any) -> None:
    queryset = Gotten.objects(other="o").filter(Q(number=7) & Q(tags="t"))
    for expected in (True, False):
        document, created = await call(family, queryset, Q(name="a"))
        assert created is expected
        assert (document.other, document.number, document.tags, document.name) == (
            "o",
            7,
            ["t"],
            "a",
        )


@pytest.mark.parametrize("call", BOTH)
async def test_primary_keys_may_be_asked_for(
    family: Family, mongo: Any, call: Any
) -> None:
    key = ObjectId()
    for name in ("id", "pk"):
        document, created = await call(
            family, Gotten.objects, **{name: key}, defaults={"name": "a"}
        )
        assert (document.id, created) == (key, name == "id")
    for expected in (True, False):
        document, created = await call(
            family, GottenKey.objects, name="a", defaults={"text": "x"}
        )
        assert (document.name, document.text, created) == ("a", "x", expected)
    assert mongo.gotten_key.count_documents({}) == 1


async def test_the_version_is_counted(family: Family, mongo: Any) -> None:
    first, _ = await update(family, GottenKey.objects, name="a", defaults={"text": "x"})
    assert first.version == mongo.gotten_key.find_one()["version"] == 1
    second, _ = await update(
        family, GottenKey.objects, name="a", defaults={"text": "y"}
    )
    assert second.version == mongo.gotten_key.find_one()["version"] == 2
    first.text = "z"
    with pytest.raises(ConcurrentModificationError):
        await family(first, "save")
    second.text = "z"
    await family(second, "save")


@pytest.mark.parametrize("call", BOTH)
async def test_dynamic_documents_take_any_value(
    family: Family, mongo: Any, call: Any
) -> None:
    for expected in (True, False):
        document, created = await call(
            family, GottenDynamic.objects, colour="red", defaults={"size": 3}
        )
        assert created is expected
        assert (document.colour, document.size) == ("red", 3)
    assert mongo.gotten_dynamic.count_documents({"colour": "red", "size": 3}) == 1


# Validation


@pytest.mark.parametrize("call", BOTH)
async def test_an_invalid_document_is_not_created(
    family: Family, mongo: Any, call: Any
) -> None:
    with pytest.raises(ValidationError, match="email"):
        await call(family, GottenRequired.objects, name="a")
    assert mongo.gotten_required.count_documents({}) == 0


async def test_a_stored_document_is_found_although_a_new_one_would_be_invalid(
    family: Family, mongo: Any
) -> None:
    await family(GottenRequired(name="a", email="e"), "save")
    document, created = await get(family, GottenRequired.objects, name="a")
    assert (document.email, created) == ("e", False)
    document, created = await update(
        family, GottenRequired.objects, email="e", defaults={"name": "b"}
    )
    assert (document.name, created) == ("b", False)
    document, created = await update(
        family, GottenRequired.objects, name="b", defaults={"name": "c"}
    )
    assert mongo.gotten_required.find_one()["name"] == document.name == "c"


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize(
    ("defaults", "error"),
    [
        ({"nothing": 1}, (FieldDoesNotExist, InvalidQueryError)),
        ({"part__text": "x"}, InvalidQueryError),
        ({"inc__number": 1}, InvalidQueryError),
        ({"number": "many"}, (ValidationError, ValueError)),
    ],
)
async def test_bad_defaults_are_refused(
    family: Family, mongo: Any, call: Any, defaults: Any, error: Any
) -> None:
    with pytest.raises(error):
        await call(family, Gotten.objects, name="a", defaults=defaults)
    assert mongo.gotten.count_documents({}) == 0


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("part", ["none", "limit", "skip"])
async def test_a_part_of_a_queryset_is_refused(
    family: Family, call: Any, part: str
) -> None:
    queryset = getattr(Gotten.objects, part)(*([] if part == "none" else [3]))
    with pytest.raises(OperationError, match="slices"):
        await call(family, queryset, name="a")
    assert family.command_names == []


# Signals and sequences


@pytest.mark.parametrize("call", BOTH)
async def test_the_signals_of_saving_are_sent_for_a_new_document_alone(
    family: Family, call: Any
) -> None:
    seen: list[Any] = []

    def before(sender: Any, document: Any, **kwargs: Any) -> None:
        document.other = "from the receiver"
        seen.append("before")

    def after(sender: Any, document: Any, created: bool, **kwargs: Any) -> None:
        seen.append((document.name, created))

    with (
        signals.pre_save.connected_to(before, sender=Gotten),
        signals.post_save.connected_to(after, sender=Gotten),
    ):
        document, _ = await call(family, Gotten.objects, name="a")
        assert document.other == "from the receiver"
        await call(family, Gotten.objects, name="a")
    assert seen == ["before", ("a", True)]


@pytest.mark.parametrize("call", BOTH)
async def test_a_number_is_taken_for_a_new_document_alone(
    family: Family, mongo: Any, call: Any
) -> None:
    numbers = []
    for name in "aab":
        document, _ = await call(family, GottenNumbered.objects, name=name)
        numbers.append(document.number)
    assert numbers == [1, 1, 2]


# Failures


@pytest.mark.parametrize("call", BOTH)
async def test_a_broken_unique_index_is_an_error(
    family: Family, mongo: Any, call: Any
) -> None:
    await family(Gotten(name="a"), "save")
    part = GottenPart(text="x")
    with pytest.raises(NotUniqueError):
        await call(
            family, Gotten.objects, other="o", defaults={"name": "a", "part": part}
        )
    assert part.made is None
    assert mongo.gotten.count_documents({}) == 1


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("cls", [Gotten, GottenKey])
@pytest.mark.parametrize("turn", range(3))
async def test_several_at_once_create_one_document(
    family: Family, mongo: Any, call: Any, cls: Any, turn: int
) -> None:
    results: list[Any] = []
    if family.is_async:
        results = await asyncio.gather(
            *(call(family, cls.objects, name="a") for _ in range(8))
        )
    else:
        method = f"{'get' if call is get else 'update'}_or_create"
        barrier = threading.Barrier(8)

        def run() -> None:
            barrier.wait()
            results.append(getattr(cls.objects, method)(name="a"))

        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [created for _, created in results].count(True) == 1
    assert len(results) == 8 and len({document.pk for document, _ in results}) == 1
    assert mongo[cls._get_collection_name()].count_documents({}) == 1


async def test_options_of_the_queryset_reach_the_command(family: Family) -> None:
    for cls, query in ((Gotten, {"name": "a"}), (GottenKey, {"name": "a"})):
        queryset = (
            cls.objects.collation({"locale": "en"})
            .comment("why")
            .only("name")
            .order_by("-name")
        )
        family.commands.clear()
        for expected in (True, False):
            document, created = await get(family, queryset, **query)
            assert (document.name, created) == ("a", expected)
        first, second = (c for c in family.commands if "findAndModify" in c)
        for command in (first, second):
            assert command["collation"]["locale"] == "en"
            assert command["comment"] == "why"
            assert command["fields"] in ({"_id": 1}, {"n": 1, "_cls": 1})


@pytest.mark.parametrize("call", BOTH)
@pytest.mark.parametrize("part", ["exclude", "only"])
async def test_a_part_of_the_document_may_be_loaded(
    family: Family, call: Any, part: str
) -> None:
    names = ["id", "other"] if part == "exclude" else ["name"]
    queryset = getattr(Gotten.objects, part)(*names)
    for expected in (True, False):
        document, created = await call(
            family, queryset, name="a", defaults={"number": 7}
        )
        assert (document.name, created) == ("a", expected)
        assert document.id is not None


@pytest.mark.parametrize("call", BOTH)
async def test_an_aborted_transaction_leaves_a_new_document(
    family: Family, mongo: Any, call: Any
) -> None:
    document: Any = None

    async def create() -> None:
        nonlocal document
        document, created = await call(family, Gotten.objects, name="a")
        assert created
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        if family.is_async:
            async with async_run_in_transaction():
                await create()
        else:
            with run_in_transaction():
                await create()
    assert mongo.gotten.count_documents({}) == 0
    await family(document, "save")
    assert mongo.gotten.find_one()["n"] == "a"


async def test_another_database_is_written(family: Family, mongo: Any) -> None:
    await family.connect(f"{family.database}_other", alias="other")
    document, created = await get(family, Gotten.objects.using("other"), name="a")
    assert created
    document.other = "o"
    await family(document, "save")
    assert mongo.gotten.count_documents({}) == 0
    other = mongo.client[f"{family.database}_other"]
    assert other.gotten.find_one()["other"] == "o"


# create_defaults


async def test_a_new_document_may_have_other_values(family: Family, mongo: Any) -> None:
    for expected, other, number in ((True, None, 7), (False, "o", 7)):
        document, created = await update(
            family,
            Gotten.objects,
            name="a",
            defaults={"other": "o"},
            create_defaults={"number": 7},
        )
        assert (created, document.other, document.number) == (expected, other, number)
        raw = mongo.gotten.find_one()
        assert (raw.get("other"), raw["nr"]) == (other, number)


async def test_enums_and_orderings_are_understood(family: Family) -> None:
    class GottenColour(Document):
        colour = EnumField(Colour)
        meta = {"ordering": ["-colour"]}

    document, created = await get(family, GottenColour.objects, colour=Colour.RED)
    assert (document.colour, created) == (Colour.RED, True)
    document, created = await get(family, GottenColour.objects, colour=Colour.RED)
    assert (document.colour, created) == (Colour.RED, False)
