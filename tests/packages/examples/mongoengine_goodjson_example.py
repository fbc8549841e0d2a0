"""mongoengine-goodjson: JSON that reads well, and back."""

import datetime
import os

import mongoengine_goodjson as goodjson

from mongoengine import (
    DateTimeField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_goodjson", host=os.environ["MONGODB_URI"])


class Author(goodjson.Document):
    name = StringField()


class Page(goodjson.Document):
    title = StringField()
    views = IntField()
    at = DateTimeField()
    tags = ListField(StringField())
    author = ReferenceField(Author)


Page.drop_collection()
Author.drop_collection()
author = Author(name="Ada").save()
page = Page(
    title="a", views=1, at=datetime.datetime(2026, 1, 2), tags=["x"], author=author
).save()
print(
    "json",
    sorted(page.to_json().replace(str(page.pk), "ID").replace(str(author.pk), "ID")),
)
print("list", Page.objects.to_json().count("title"))
