"""A call of each operation, and the documents that it writes or reads.

`operations()` finds the operations in the code; `CASES` has a call of each, and
`LEFT_OUT` the reason for each that has none.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

import mongoengine
from mongoengine import (
    Count,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    F,
    FileField,
    GenericLazyReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    ReferenceField,
    SequenceField,
    StringField,
)
from mongoengine.driver.deferred import load_members
from mongoengine.queryset.bulk import DeleteOne, InsertOne, UpdateOne
from tests.families import Family

__all__ = ("CASES", "CLASSES", "LEFT_OUT", "Case", "State", "operations")


class FaultPart(EmbeddedDocument):
    text = StringField(db_field="t")


class FaultItem(Document):
    number = IntField(db_field="n")
    name = StringField()
    tags = ListField(StringField())
    part = EmbeddedDocumentField(FaultPart)
    parts = EmbeddedDocumentListField(FaultPart)
    friend = ReferenceField("self")
    lazy = LazyReferenceField("self")
    any_lazy = GenericLazyReferenceField()
    meta = {"collection": "fault_item", "indexes": [{"fields": ["name"]}]}


class FaultNumber(Document):
    value = SequenceField()
    meta = {"collection": "fault_number"}


class FaultFile(Document):
    content = FileField()
    meta = {"collection": "fault_file"}


CLASSES: tuple[Any, ...] = (FaultItem, FaultNumber, FaultFile)
COUNT = 5


def raw_item(number: int) -> dict[str, Any]:
    """Return a stored document; all but the first refer to the first."""
    raw: dict[str, Any] = {
        "_id": ObjectId(f"{number:024x}"),
        "n": number,
        "name": "stored",
        "tags": ["a"],
        "part": {"t": "a"},
        "parts": [{"t": "a"}, {"t": "b"}],
    }
    if number:
        raw["friend"] = raw["lazy"] = ObjectId(f"{0:024x}")
    return raw


@dataclass
class State:
    """The documents that one call works with."""

    #: Stored and loaded.
    items: list[Any] = field(default_factory=list)
    #: New, and not stored.
    new: list[Any] = field(default_factory=list)
    queryset: Any = None

    @classmethod
    def made(cls) -> State:
        items = [FaultItem._from_son(raw_item(number)) for number in range(COUNT)]
        new = [
            FaultItem(number=10 + number, name="new", part=FaultPart(text="a"))
            for number in range(3)
        ]
        return cls(items, new, FaultItem.objects.order_by("n").batch_size(2))

    @property
    def documents(self) -> list[Any]:
        return self.items + self.new


Call = Callable[[Family, State], Awaitable[Any]]


@dataclass
class Case:
    """A call of an operation.

    :param call: makes the call
    :param change: what is done to the documents before, once
    :param repeats: making the call again after it was carried out changes nothing
    """

    call: Call
    change: Callable[[State], None] = lambda state: None
    repeats: bool = True
    #: The call gives a cursor of PyMongo's, which closes it or does not.
    cursor_is_pymongos: bool = False


def on_queryset(method: str, *args: Any, repeats: bool = True, **kwargs: Any) -> Case:
    async def call(family: Family, state: State) -> Any:
        result = await family(state.queryset, method, *args, **kwargs)
        if method == "aggregate":
            return await result.to_list() if family.is_async else [*result]
        return result

    return Case(call, repeats=repeats, cursor_is_pymongos=method == "aggregate")


def on_item(method: str, *args: Any, **kwargs: Any) -> Case:
    return Case(
        lambda family, state: family(state.items[1], method, *args, **kwargs),
        change_item if method in ("save", "cascade_save") else lambda state: None,
    )


def on_class(method: str, *args: Any, **kwargs: Any) -> Case:
    return Case(lambda family, state: family(FaultItem, method, *args, **kwargs))


def on_watched_class() -> Case:
    async def call(family: Family, state: State) -> Any:
        stream = await family(FaultItem, "watch", max_await_time_ms=20)
        await family(stream, "close")

    return Case(call)


def change_item(state: State) -> None:
    for item in state.items[1:3]:
        item.number = 100 + item.number
        item.tags.append("b")
        item.part.text = "b"
        item.parts[1].text = "c"


async def insert(family: Family, state: State) -> Any:
    """Insert the new documents, or those that an earlier call has not stored."""
    new = [document for document in state.new if document._created]
    return new and await family(FaultItem.objects, "insert", new, load_bulk=False)


async def insert_one(family: Family, state: State) -> Any:
    """Insert one new document, unless an earlier call has stored it."""
    document = state.new[0]
    if document._created:
        await family(FaultItem.objects, "insert", document, load_bulk=False)


async def save_embedded(family: Family, state: State) -> Any:
    return await family(state.items[1].parts, "save")


async def fetch_lazy(family: Family, state: State) -> Any:
    return await family(state.items[1].lazy, "fetch")


async def fetch_reference(family: Family, state: State) -> Any:
    if family.is_async:
        return await state.items[1].friend
    return state.items[1].friend.name


async def read_loop(family: Family, state: State) -> Any:
    return [item.number for item in await family.loop(state.queryset)]


async def read_uncached(family: Family, state: State) -> Any:
    queryset = state.queryset.no_cache()
    return [item.number for item in await family.loop(queryset)]


async def watch(family: Family, state: State) -> Any:
    """Open a change stream, read what is there, and close it."""
    stream = await family(state.queryset.filter(), "watch", max_await_time_ms=20)
    try:
        return await family(stream, "try_next")
    finally:
        await family(stream, "close")


async def read_in_batches(family: Family, state: State) -> Any:
    method = "async_in_batches" if family.is_async else "in_batches"
    batches = await family.loop(getattr(state.queryset, method)(2))
    return [item.number for batch in batches for item in batch]


def on_matching(method: str, *args: Any, **kwargs: Any) -> Case:
    """Return the case of an operation on what a condition on a reference matches."""
    return Case(
        lambda family, state: family(
            state.queryset.filter(friend__number=0), method, *args, **kwargs
        )
    )


async def read_annotations(family: Family, state: State) -> Any:
    annotated = state.queryset.annotate(texts=Count("parts"))
    return [item.texts for item in await family.loop(annotated.filter(texts__gt=1))]


async def read_groups(family: Family, state: State) -> Any:
    return await family.loop(FaultItem.objects.values("name").annotate(n=Count()))


async def bulk_write(family: Family, state: State) -> Any:
    requests = [
        UpdateOne({"number": 1}, {"set__name": "bulk"}),
        DeleteOne({"number": 4}),
        *(InsertOne(document) for document in state.new[:1] if document._created),
    ]
    return await family(FaultItem.objects, "bulk_write", requests)


def change_friend(state: State) -> None:
    state.items[1].friend = state.items[2]
    change_item(state)


def rename(item: Any) -> None:
    item.name = "renamed"


def number_field() -> Any:
    return FaultNumber._fields["value"]


#: The calls, by the name of the operation and what is special about the call.
CASES: dict[str, Case] = {
    "BaseQuerySet.aggregate": on_queryset(
        "aggregate", [{"$project": {"n": 1}}], batchSize=2
    ),
    "BaseQuerySet.aggregate into documents": on_queryset(
        "aggregate", [], into=FaultItem, batchSize=2
    ),
    "BaseQuerySet.average": on_queryset("average", "number"),
    "BaseQuerySet.sum": on_queryset("sum", "number"),
    "BaseQuerySet.distinct": on_queryset("distinct", "name"),
    "BaseQuerySet.item_frequencies": on_queryset("item_frequencies", "tags"),
    "BaseQuerySet.count": on_queryset("count"),
    "QuerySet.count": on_queryset("count", with_limit_and_skip=True),
    "BaseQuerySet.exists": on_queryset("exists"),
    "BaseQuerySet.explain": on_queryset("explain"),
    "BaseQuerySet.first": on_queryset("first"),
    "BaseQuerySet.last": on_queryset("last"),
    "BaseQuerySet.paginate": on_queryset("paginate", size=2),
    "BaseQuerySet.get": Case(
        lambda family, state: family(state.queryset, "get", number=1)
    ),
    "BaseQuerySet.in_bulk": Case(
        lambda family, state: family(
            state.queryset, "in_bulk", [item.pk for item in state.items]
        )
    ),
    "BaseQuerySet.select_related": on_queryset("select_related"),
    "BaseQuerySet.select_related by lookups": on_queryset(
        "select_related", strategy="lookup"
    ),
    "BaseQuerySet.to_list of a join": on_matching("to_list"),
    "BaseQuerySet.count of a join": on_matching("count"),
    "BaseQuerySet.first of a join": on_matching("first"),
    "BaseQuerySet.distinct of a join": on_matching("distinct", "friend__name"),
    "BaseQuerySet.update of a join": on_matching("update", set__name="updated"),
    "BaseQuerySet.delete of a join": on_matching("delete"),
    "loop over annotations": Case(read_annotations),
    "loop over groups": Case(read_groups),
    "BaseQuerySet.to_json": on_queryset("to_json"),
    "BaseQuerySet.to_list": on_queryset("to_list"),
    "BaseQuerySet.with_id": Case(
        lambda family, state: family(state.queryset, "with_id", state.items[1].pk)
    ),
    "loop": Case(read_loop),
    "loop without cache": Case(read_uncached),
    "loop in batches": Case(read_in_batches),
    "BaseQuerySet.watch": Case(watch),
    "ChangeStream.try_next": Case(watch),
    "ChangeStream.close": Case(watch),
    "Document.watch": on_watched_class(),
    "BaseQuerySet.create": on_queryset(
        "create", number=20, name="created", repeats=False
    ),
    "BaseQuerySet.insert": Case(insert),
    "BaseQuerySet.insert of one": Case(insert_one),
    "BaseQuerySet.update": on_queryset("update", set__name="updated"),
    "BaseQuerySet.update to computed values": on_queryset(
        "update", set__number=F("number") * 0 + 3
    ),
    "BaseQuerySet.update_one": on_queryset("update_one", set__name="updated"),
    "BaseQuerySet.upsert_one": Case(
        lambda family, state: family(
            FaultItem.objects(number=50), "upsert_one", set__name="upserted"
        )
    ),
    "BaseQuerySet.get_or_create": Case(
        lambda family, state: family(
            FaultItem.objects(number=50), "get_or_create", defaults={"name": "new"}
        )
    ),
    "BaseQuerySet.update_or_create": Case(
        lambda family, state: family(
            FaultItem.objects, "update_or_create", number=1, defaults={"name": "set"}
        )
    ),
    "BaseQuerySet.modify": on_queryset("modify", set__name="modified"),
    "BaseQuerySet.bulk_save": Case(
        lambda family, state: family(FaultItem.objects, "bulk_save", state.documents),
        change_item,
    ),
    "BaseQuerySet.bulk_save in order": Case(
        lambda family, state: family(
            FaultItem.objects, "bulk_save", state.documents, ordered=True
        ),
        change_item,
    ),
    "BaseQuerySet.bulk_write": Case(bulk_write),
    "BaseQuerySet.delete": Case(
        lambda family, state: family(FaultItem.objects(number__gt=2), "delete")
    ),
    "BaseQuerySet.delete_one": Case(
        lambda family, state: family(FaultItem.objects(number=2), "delete_one")
    ),
    "Document.save": on_item("save"),
    "Document.save of a new one": Case(
        lambda family, state: family(state.new[0], "save")
    ),
    "Document.save by force": Case(
        lambda family, state: family(
            state.new[0], "save", force_insert=state.new[0]._created
        )
    ),
    "Document.save with cascade": Case(
        lambda family, state: family(state.items[1], "save", cascade=True),
        change_friend,
    ),
    "Document.cascade_save": Case(
        lambda family, state: family(state.items[1], "cascade_save"), change_friend
    ),
    "Document.save_with_retry": Case(
        lambda family, state: family(
            FaultItem._from_son(raw_item(1)), "save_with_retry", rename
        )
    ),
    "Document.update": on_item("update", set__name="updated"),
    "Document.modify": on_item("modify", set__name="modified"),
    "Document.delete": on_item("delete"),
    "Document.reload": on_item("reload"),
    "Document.select_related": on_item("select_related"),
    "Document.create_index": on_class("create_index", "number"),
    "Document.ensure_indexes": on_class("ensure_indexes"),
    "Document.compare_indexes": on_class("compare_indexes"),
    "Document.drop_collection": Case(
        lambda family, state: family(FaultNumber, "drop_collection")
    ),
    "EmbeddedDocumentList.save": Case(save_embedded, change_item),
    "LazyReference.fetch": Case(fetch_lazy),
    "AsyncReferenceProxy.fetch": Case(fetch_reference),
    "SequenceField.generate": Case(
        lambda family, state: family(number_field(), "generate"), repeats=False
    ),
    "SequenceField.set_next_value": Case(
        lambda family, state: family(number_field(), "set_next_value", 7)
    ),
    "SequenceField.get_next_value": Case(
        lambda family, state: family(number_field(), "get_next_value")
    ),
}

_FILES = "files have tests of their own, in tests/fields/test_file_failures.py"
#: Operations without a call of their own, by the beginning of the name.
LEFT_OUT = {
    "Document.validate": "sends nothing: it awaits hooks",
    "EmbeddedDocument.validate": "sends nothing: it awaits hooks",
    "Document.list_indexes": "sends nothing: it reads the declarations",
    "GridFSProxy.": _FILES,
    "ImageGridFsProxy.": _FILES,
    "FileField.": _FILES,
    "BaseQuerySet.map_reduce": "MongoDB has deprecated mapReduce",
    "BaseQuerySet.exec_js": "MongoDB has removed eval",
    "BaseQuerySet._select_related": "the same as select_related",
    "MapReduceDocument.fetch": "reads as with_id does",
    "CachedReferenceField.": "writes as update does",
    "DeReference.follow": "called by select_related",
    "Followed.fetch": "the same as AsyncReferenceProxy.fetch",
    "TrackedContainer.fetch": "reads as select_related does",
    "query_counter.count": "counts with the commands of count",
}


def operations() -> set[str]:
    """Return the names of all operations that the code declares, by class."""
    names = set()
    for module in pkgutil.walk_packages(mongoengine.__path__, "mongoengine."):
        if module.name.endswith("__main__") or ".testing" in module.name:
            continue
        for cls in vars(importlib.import_module(module.name)).values():
            if isinstance(cls, type):
                names.update(_operations_of(cls))
    return names


def _operations_of(cls: type) -> set[str]:
    load_members(cls)
    return {
        f"{cls.__name__}.{name.removeprefix('async_')}"
        for name, value in vars(cls).items()
        if hasattr(getattr(value, "__func__", value), "_operation")
    }
