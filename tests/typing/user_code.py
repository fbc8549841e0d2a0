"""An application's models and functions, as its authors would annotate them.

Never imported: mypy and pyright read it, and `assert_type` says what they must
infer.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import ObjectId
from pymongo.results import BulkWriteResult, UpdateResult
from typing_extensions import Never, assert_type

from mongoengine import (
    BooleanField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FloatField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    ObjectIdField,
    Q,
    QuerySet,
    ReferenceField,
    StringField,
    connect,
    connect_async,
)
from mongoengine.base import EmbeddedDocumentList, LazyReference
from mongoengine.operations.paginate import Page
from mongoengine.queryset.bulk import DeleteMany, InsertOne, UpdateOne


class Address(EmbeddedDocument):
    street = StringField()
    number = IntField()


class User(Document):
    name = StringField(required=True, max_length=50)
    age = IntField(min_value=0)
    height = FloatField()
    balance = DecimalField()
    active = BooleanField(default=True)
    joined = DateTimeField()
    team = ObjectIdField()
    tags = ListField(StringField())
    settings = DictField()
    home = EmbeddedDocumentField(Address, required=True)
    others = EmbeddedDocumentListField(Address)

    meta = {"ordering": ["name"]}

    def greeting(self) -> str:
        return f"Hello, {self.name}"


def fields(user: User) -> None:
    assert_type(user.name, str)
    assert_type(user.age, int | None)
    assert_type(user.height, float | None)
    assert_type(user.balance, Decimal | None)
    assert_type(user.active, bool)
    assert_type(user.joined, datetime | None)
    assert_type(user.team, ObjectId | None)
    assert_type(user.tags, list[str])
    assert_type(user.settings, dict[str, Any])
    assert_type(user.home, Address)
    assert_type(user.home.street, str | None)
    assert_type(user.others, EmbeddedDocumentList[Address])
    assert_type(user.others[0].number, int | None)
    assert_type(User.name, StringField[Never])
    user.name = "Ada"
    user.tags.append("first")


class Note(Document):
    author = ReferenceField(User, required=True)
    reader = LazyReferenceField(User)
    readers = ListField(ReferenceField(User))
    about = GenericReferenceField()
    parent = ReferenceField("self")


def references(note: Note) -> None:
    assert_type(note.author, User)
    assert_type(Note.author, ReferenceField[User, Never])
    assert_type(Note.author.fetch(note), User)
    assert_type(note.reader, LazyReference[User] | None)
    if note.reader is not None:
        assert_type(note.reader.fetch(), User)
    assert_type(note.readers, list[User])
    assert_type(note.about, Document | None)
    assert_type(note.parent, Note | None)
    note.author = User(name="Ada")


async def references_async(note: Note) -> None:
    assert_type(await Note.author.async_fetch(note), User)
    if note.reader is not None:
        assert_type(await note.reader.async_fetch(), User)


def one_document() -> None:
    user = User(name="Ada", age=36)
    assert_type(user.save(), User)
    assert_type(user.reload(), User)
    assert_type(user.modify(inc__age=1), bool)
    assert_type(user.update(inc__age=1), int)
    assert_type(user.update(inc__age=1, full_result=True), UpdateResult)
    assert_type(user.to_json(), str)
    user.validate()
    user.delete()


async def one_document_async() -> None:
    user = User(name="Ada", age=36)
    assert_type(await user.async_save(), User)
    assert_type(await user.async_reload(), User)
    assert_type(await user.async_modify(inc__age=1), bool)
    assert_type(await user.async_update(inc__age=1), int)
    await user.async_delete()


def writing() -> None:
    users, ada = User.objects, User(name="Ada")
    assert_type(users.insert(ada), User)
    assert_type(users.insert([ada]), list[User])
    assert_type(users.insert([ada], load_bulk=False), list[Any])
    assert_type(users.update(inc__age=1), int)
    assert_type(users.update_one(inc__age=1, upsert=True), int)
    assert_type(users.update(inc__age=1, write_concern={"w": 0}), int | None)
    assert_type(users.update(inc__age=1, full_result=True), UpdateResult)
    assert_type(users.update_one(inc__age=1, full_result=True), UpdateResult)
    assert_type(users.modify(inc__age=1, new=True), User | None)


async def writing_async() -> None:
    users, ada = User.objects, User(name="Ada")
    assert_type(await users.async_insert(ada), User)
    assert_type(await users.async_insert([ada]), list[User])
    assert_type(await users.async_update(inc__age=1), int)
    assert_type(await users.async_update_one(inc__age=1), int)
    assert_type(await users.async_update(inc__age=1, full_result=True), UpdateResult)
    assert_type(await users.async_modify(inc__age=1, new=True), User | None)


def queries() -> None:
    users = User.objects(Q(age__gte=18) & Q(active=True)).order_by("-age").limit(5)
    assert_type(users, QuerySet[User])
    assert_type(User.objects(~Q(name="Ada") | ~(Q(age=1) & Q(age=2))), QuerySet[User])
    assert_type(User.objects, QuerySet[User])
    assert_type(users.first(), User | None)
    assert_type(users.last(), User | None)
    assert_type(users.paginate(size=5), Page[User])
    assert_type(users.paginate(size=5).items, list[User])
    assert_type(users.get(name="Ada"), User)
    assert_type(users.count(), int)
    assert_type(users.exists(), bool)
    assert_type(users.to_list(), list[User])
    assert_type(users.create(name="Ada"), User)
    assert_type(users[0], User)
    assert_type(users[1:3], QuerySet[User])
    assert_type(users.with_id("x"), User | None)
    assert_type(users.in_bulk([]), dict[Any, User])
    for user in users:
        assert_type(user, User)
    for batch in users.batches(100):
        assert_type(batch, list[User])
    for user in users.tailable(max_await_time_ms=100):
        assert_type(user, User)
    assert_type(users.bulk_save([User()], ordered=True), list[User])
    operations = [InsertOne(User()), UpdateOne({"age": 1}, {"inc__age": 1})]
    assert_type(users.bulk_write(operations), BulkWriteResult)
    assert_type(users.bulk_write([DeleteMany(Q(age=1))]), BulkWriteResult)
    assert_type([user.greeting() for user in users], list[str])


async def queries_async() -> None:
    users = User.objects.filter(age__gte=18)
    assert_type(await users.async_first(), User | None)
    assert_type(await users.async_last(), User | None)
    assert_type(await users.async_paginate(size=5), Page[User])
    assert_type(await users.async_get(name="Ada"), User)
    assert_type(await users.async_count(), int)
    assert_type(await users.async_exists(), bool)
    assert_type(await users.async_to_list(), list[User])
    assert_type(await users.async_create(name="Ada"), User)
    assert_type(await users.async_with_id("x"), User | None)
    assert_type(await users.async_in_bulk([]), dict[Any, User])
    async for user in users:
        assert_type(user, User)
    async for user in users.batch_size(500).prefetch():
        assert_type(user, User)
    async for batch in users.async_batches(100):
        assert_type(batch, list[User])
    assert_type(await users.async_bulk_save([User()]), list[User])
    assert_type(
        await users.async_bulk_write([InsertOne(User()), UpdateOne(None, {})]),
        BulkWriteResult,
    )
    assert_type(await users.async_select_related(), list[User])
    found = await users.async_first()
    if found is not None:
        assert_type(found.greeting(), str)


async def connections() -> None:
    connect("app", host="mongodb://localhost", alias="default")
    await connect_async("app", host="mongodb://localhost")
