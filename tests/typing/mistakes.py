"""Mistakes that mypy and pyright must find, each on a line that says `mistake`."""

from __future__ import annotations

from mongoengine import Document, IntField, StringField


class User(Document):
    name = StringField(required=True)
    age = IntField(default=0)


def blocking(user: User) -> None:
    user.name + 1  # mistake
    user.age.upper()  # mistake
    User.objects.first().name  # mistake: it may be None
    User.objects.nothing()  # mistake
    User.objects.count().name  # mistake
    for found in User.objects:
        found.nothing()  # mistake


async def asynchronous(user: User) -> None:
    User.objects.async_first().name  # mistake: not awaited
    (await User.objects.async_get()).nothing()  # mistake
    (await user.async_save()).nothing()  # mistake
    await User.objects.first()  # mistake: not awaitable
    async for found in User.objects:
        found.nothing()  # mistake
