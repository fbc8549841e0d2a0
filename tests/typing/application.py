"""A small blog, as its authors would annotate it, with every type that is inferred.

Never imported: mypy and pyright read it, and `assert_type` says what they must infer.
`docs/types.rst` explains the rules.
"""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.client_session import ClientSession
from typing_extensions import Never, assert_type

from mongoengine import (
    BinaryField,
    BooleanField,
    CachedReferenceField,
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    DynamicField,
    EmailField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    FileField,
    FloatField,
    GenericLazyReferenceField,
    GenericReferenceField,
    GeoPointField,
    IntField,
    LazyReferenceField,
    LineStringField,
    ListField,
    MapField,
    PointField,
    QuerySet,
    QuerySetManager,
    ReferenceField,
    SequenceField,
    SortedListField,
    StringField,
    URLField,
    UUIDField,
    async_watch,
    queryset_manager,
    watch,
)
from mongoengine.base import BaseField, EmbeddedDocumentList, LazyReference
from mongoengine.base.geo import GeoLineString, GeoPoint
from mongoengine.context_managers import run_in_transaction
from mongoengine.fields import GridFSProxy
from mongoengine.operations.watch import AsyncChangeStream, Change, ChangeStream


class Role(enum.Enum):
    READER = "reader"
    WRITER = "writer"


class Untyped(BaseField):
    """A field class of the application, without type parameters."""


class Celsius(BaseField[float]):
    """One with the type of its values."""


class Slug(StringField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, **options)


class UserQuerySet(QuerySet["User"]):
    def adults(self) -> UserQuerySet:
        return self.filter(age__gte=18)


class User(Document):
    name = StringField(required=True, max_length=50)
    nick = StringField()
    email = EmailField(unique=True, required=True)
    site = URLField()
    age = IntField(min_value=0)
    visits = IntField(default=0)
    height = FloatField()
    balance = DecimalField(default=Decimal(0))
    active = BooleanField(default=True)
    role = EnumField(Role, default=Role.READER)
    wish = EnumField(Role)
    birthday = DateField()
    joined = DateTimeField(default=datetime.now)
    seen = DateTimeField()
    moment = ComplexDateTimeField()
    created = DateTimeField(required=True, auto_now_add=True)
    updated = DateTimeField(auto_now=True)
    changed_on = DateField(auto_now=True)
    changed_at = ComplexDateTimeField(auto_now=True, auto_now_add=True)
    token = UUIDField(default=uuid.uuid4)
    picture = BinaryField(max_bytes=1000)
    number = SequenceField()
    code = SequenceField(value_decorator=str)
    home = PointField()
    way = LineStringField()
    flat = GeoPointField()
    slug = Slug()
    untyped = Untyped()
    warmth = Celsius()
    anything = DynamicField()
    note = StringField(default=None, help_text="further keywords are allowed")

    objects = QuerySetManager[UserQuerySet]()


class Country(Document):
    id = StringField(primary_key=True)
    area = FloatField(required=True)


class Comment(EmbeddedDocument):
    text = StringField(required=True)
    by = ReferenceField(User)
    about = GenericReferenceField()


class Post(Document):
    title = StringField(required=True)
    published = BooleanField(default=False)
    author = ReferenceField(User, required=True)
    editor = ReferenceField(User)
    country = LazyReferenceField(Country)
    about = GenericReferenceField()
    related = ListField(ReferenceField("self"))
    before = LazyReferenceField("self")
    root = ReferenceField("self", required=True)
    other = ReferenceField("Post")
    subject = GenericReferenceField(required=True)
    source = GenericLazyReferenceField()
    copy = CachedReferenceField(User, fields=["name"])
    parent = ReferenceField("self")
    first = EmbeddedDocumentField(Comment)
    best = EmbeddedDocumentField(Comment, required=True)
    comments = EmbeddedDocumentListField(Comment)
    tags = ListField(StringField())
    things = ListField()
    days = SortedListField(DateField())
    readers = ListField(ReferenceField(User))
    votes = MapField(IntField())
    tables = MapField(ListField(ListField(IntField())))
    replies = MapField(EmbeddedDocumentField(Comment))
    rows = ListField(MapField(StringField()))
    options = DictField()
    file = FileField()

    @queryset_manager
    def visible(doc_cls, queryset: QuerySet[Post]) -> QuerySet[Post]:
        return queryset.filter(published=True)


def scalars(user: User) -> None:
    assert_type(user.name, str)
    assert_type(user.nick, str | None)
    assert_type(user.email, str)
    assert_type(user.site, str | None)
    assert_type(user.age, int | None)
    assert_type(user.visits, int)
    assert_type(user.height, float | None)
    assert_type(user.balance, Decimal)
    assert_type(user.active, bool)
    assert_type(user.role, Role)
    assert_type(user.wish, Role | None)
    assert_type(user.birthday, date | None)
    assert_type(user.joined, datetime)
    assert_type(user.seen, datetime | None)
    assert_type(user.moment, datetime | None)
    for users in User.objects.in_batches(100, progress=True):
        assert_type(users, list[User])
    assert_type(User.objects.get_or_create(nick="a"), tuple[User, bool])
    assert_type(
        User.objects.update_or_create(nick="a", defaults={"age": 3}), tuple[User, bool]
    )
    assert_type(user.save_with_retry(lambda changed: changed.name), User)
    assert_type(user.created, datetime)
    assert_type(user.updated, datetime | None)
    assert_type(user.changed_on, date | None)
    assert_type(user.changed_at, datetime | None)
    assert_type(user.token, uuid.UUID)
    assert_type(user.picture, bytes | None)
    assert_type(user.number, int)
    assert_type(user.code, str)
    assert_type(user.home, GeoPoint | None)
    assert_type(user.way, GeoLineString | None)
    assert_type(user.flat, list[float] | None)
    assert_type(user.slug, str | None)
    assert_type(user.untyped, Any)
    assert_type(user.warmth, float)
    assert_type(user.anything, Any)
    assert_type(user.note, str | None)
    assert_type(User.name, StringField[Never])
    assert_type(User.nick, StringField[None])


def keys(user: User, country: Country, post: Post) -> None:
    assert_type(user.id, ObjectId | None)
    assert_type(post.id, ObjectId | None)
    assert_type(country.id, str)


def containers(post: Post) -> None:
    assert_type(post.tags, list[str])
    assert_type(post.things, list[Any])
    assert_type(post.days, list[date])
    assert_type(post.readers, list[User])
    assert_type(post.votes, dict[str, int])
    assert_type(post.tables, dict[str, list[list[int]]])
    assert_type(post.replies, dict[str, Comment])
    assert_type(post.rows, list[dict[str, str]])
    assert_type(post.options, dict[str, Any])
    assert_type(post.comments, EmbeddedDocumentList[Comment])
    assert_type(post.comments[0].text, str)
    assert_type(post.first, Comment | None)
    assert_type(post.best, Comment)
    assert_type(post.best.by, User | None)
    assert_type(post.file, GridFSProxy)


def references(post: Post, comment: Comment) -> None:
    assert_type(post.author, User)
    assert_type(post.editor, User | None)
    assert_type(post.country, LazyReference[Country] | None)
    assert_type(post.about, Document | None)
    assert_type(post.subject, Document)
    assert_type(comment.about, Document | None)
    assert_type(post.source, LazyReference[Any] | None)
    assert_type(post.copy, User | None)
    assert_type(post.parent, Post | None)
    assert_type(post.root, Post)
    assert_type(post.before, LazyReference[Post] | None)
    assert_type(post.related, list[Any])
    assert_type(post.other, Any)
    post.parent = post
    post.parent = None
    assert_type(Post.author.fetch(post), User)
    assert_type(Post.editor.fetch(post), User | None)


def assignments(user: User, post: Post) -> None:
    user.nick = None
    user.height = 180
    user.birthday = "2000-01-01"
    user.birthday = datetime.now()
    user.seen = date(2024, 1, 1)
    user.seen = "2024-01-01 10:00"
    user.token = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    user.wish = "writer"
    user.balance = "12.50"
    user.home = [13.4, 52.5]
    user.home = (13.4, 52.5)
    user.home = {"type": "Point", "coordinates": [13.4, 52.5]}
    post.author = user
    post.editor = ObjectId()
    post.about = user
    post.tags = ["a", "b"]
    post.tags = ("a", "b")
    post.tables = {"one": [[1]]}
    post.comments = [Comment(text="first")]
    post.file = b"bytes"


def queries() -> None:
    assert_type(User.objects, UserQuerySet)
    assert_type(User.objects.adults(), UserQuerySet)
    assert_type(User.objects.adults().first(), User | None)
    assert_type(User.objects(age=3).adults()[0], User)
    assert_type(User.objects.adults()[:3], UserQuerySet)
    assert_type(Post.objects, QuerySet[Post])
    assert_type(Post.objects.first(), Post | None)
    assert_type(Post.visible, QuerySet[Post])
    assert_type(Post.visible.get(), Post)
    assert_type(User.objects.sum("age"), int | float)
    assert_type(User.objects.average("age"), float)
    assert_type(User.objects.count(), int)
    assert_type(User.objects.scalar("age"), QuerySet[Any])
    assert_type(User.objects.scalar("age", "name"), QuerySet[tuple[Any, Any]])
    assert_type(
        User.objects.values_list("age", "name", "nick"),
        QuerySet[tuple[Any, Any, Any]],
    )
    assert_type(User.objects.values("age"), QuerySet[dict[str, Any]])
    assert_type(User.objects.as_pymongo(), QuerySet[dict[str, Any]])
    for user in User.objects.adults():
        assert_type(user, User)
    for row in User.objects.aggregate([{"$match": {}}]):
        assert_type(row, dict[str, Any])
    with run_in_transaction() as session:
        assert_type(session, ClientSession)


async def queries_async(post: Post) -> None:
    assert_type(await post.author, User)
    assert_type(await Post.author.async_fetch(post), User)
    assert_type(await Post.editor.async_fetch(post), User | None)
    assert_type(await Post.parent.async_fetch(post), Post | None)
    if post.country is not None:
        assert_type(await post.country.async_fetch(), Country)
    assert_type(await User.objects.adults().async_first(), User | None)
    assert_type(await User.objects.async_sum("age"), int | float)
    assert_type(await User.objects.async_average("age"), float)
    assert_type(await User.objects.async_scalar("age"), list[Any])
    assert_type(await User.objects.async_scalar("age", "name"), list[tuple[Any, Any]])
    assert_type(await User.objects.async_values_list("age"), list[Any])
    assert_type(await User.objects.async_values("age"), list[dict[str, Any]])
    async for user in User.objects.adults():
        assert_type(user, User)
    async for row in User.objects.async_aggregate([{"$match": {}}]):
        assert_type(row, dict[str, Any])
    rows = await User.objects.async_aggregate([]).to_list()
    assert_type(rows, list[dict[str, Any]])
    async with run_in_transaction() as session:
        assert_type(session, AsyncClientSession)


def changes() -> None:
    with User.objects.adults().watch(("insert", "update")) as stream:
        assert_type(stream, ChangeStream[User])
        assert_type(stream.try_next(), Change[User] | None)
        for change in stream:
            assert_type(change, Change[User])
            assert_type(change.document, User | None)
            assert_type(change.document_before, User | None)
            assert_type(change.operation, str)
            assert_type(change.updated_fields, dict[str, Any])
            assert_type(change.removed_fields, list[str])
            assert_type(change.resume_token, dict[str, Any])
    assert_type(Post.watch(max_await_time_ms=100), ChangeStream[Post])
    assert_type(next(Post.objects.as_pymongo().watch()).document, dict[str, Any] | None)
    assert_type(watch(classes=[Post]), ChangeStream[Any])


async def changes_async() -> None:
    async for users in User.objects.async_in_batches(100):
        assert_type(users, list[User])
    found = await User.objects.async_get_or_create(nick="a", defaults={"age": 3})
    assert_type(found, tuple[User, bool])
    user, _ = await User.objects.async_update_or_create(nick="a")
    assert_type(await user.async_save_with_retry(lambda changed: None), User)
    async with User.objects.async_watch(resume_after={}) as stream:
        assert_type(stream, AsyncChangeStream[User])
        assert_type(await stream.async_try_next(), Change[User] | None)
        async for change in stream:
            assert_type(change.document, User | None)
    assert_type(await Post.async_watch(), AsyncChangeStream[Post])
    assert_type(await async_watch("other"), AsyncChangeStream[Any])
