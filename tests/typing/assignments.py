"""Assignments and calls that mypy and pyright must refuse, marked `mistake`."""

from __future__ import annotations

from mongoengine import (
    BooleanField,
    DateField,
    Document,
    IntField,
    ListField,
    MapField,
    PointField,
    QuerySet,
    QuerySetManager,
    ReferenceField,
    StringField,
    UUIDField,
)


class UserQuerySet(QuerySet["User"]):
    def adults(self) -> UserQuerySet:
        return self.filter(age__gte=18)


class User(Document):
    name = StringField(required=True)
    nick = StringField()
    age = IntField()
    day = DateField()
    token = UUIDField()
    active = BooleanField(default=True)
    tags = ListField(StringField())
    votes = MapField(IntField())
    home = PointField()

    objects = QuerySetManager[UserQuerySet]()


class Post(Document):
    author = ReferenceField(User, required=True)
    editor = ReferenceField(User)


StringField(max_length="x")  # mistake
IntField(min_value="x", required=True)  # mistake


def assign(user: User, post: Post) -> None:
    user.name = 3  # mistake
    user.age = "x"  # mistake
    user.day = 3  # mistake
    user.token = 3  # mistake
    user.active = "yes"  # mistake
    user.tags = "x"  # mistake
    user.tags = [1]  # mistake
    user.tags.append(1)  # mistake
    user.votes = {"a": "b"}  # mistake
    user.votes["a"].upper()  # mistake
    user.home = "here"  # mistake
    user.nick.upper()  # mistake: it may be None
    user.nothing = 1  # mistake
    user.id.binary  # mistake: it may be None
    post.author = 3  # mistake
    post.author.nothing  # mistake
    post.editor.name  # mistake: it may be None


async def call(post: Post) -> None:
    User.objects.grown_ups()  # mistake
    User.objects.adults().nothing()  # mistake
    User.objects.sum("age").nothing()  # mistake
    (await post.author).nothing()  # mistake
    async for row in User.objects.async_aggregate([]):
        row.nothing()  # mistake
