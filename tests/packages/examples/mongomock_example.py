"""mongomock: a client without a server, given as `mongo_client_class`."""

import mongomock

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    NotUniqueError,
    Q,
    ReferenceField,
    StringField,
    connect,
    disconnect,
)

connect(
    "packages_mongomock",
    host="mongodb://localhost",
    mongo_client_class=mongomock.MongoClient,
    uuidRepresentation="standard",
)


class Line(EmbeddedDocument):
    text = StringField()


class Author(Document):
    name = StringField(unique=True)


class Page(Document):
    title = StringField(required=True)
    tags = ListField(StringField())
    lines = EmbeddedDocumentListField(Line)
    views = IntField(default=0)
    author = ReferenceField(Author)
    meta = {"indexes": ["title"], "ordering": ["title"]}


ada = Author(name="Ada").save()
try:
    Author(name="Ada").save()
except NotUniqueError:
    print("unique")
Page(title="b", tags=["x"], author=ada, lines=[Line(text="one")]).save()
Page.objects.insert([Page(title="a"), Page(title="c", tags=["x", "y"])])
print("list", [page.title for page in Page.objects])
print(
    "filter",
    Page.objects(tags="x").count(),
    Page.objects(Q(title="a") | Q(title="b")).count(),
)
print("reference", Page.objects.get(title="b").author.name)
page = Page.objects.first()
page.views = 3
page.lines.append(Line(text="two"))
page.save()
print(
    "save", Page.objects.get(title="a").views, Page.objects.get(title="a").lines[0].text
)
print(
    "update",
    Page.objects(title="a").update(inc__views=2),
    Page.objects.get(title="a").views,
)
print("modify", Page.objects(title="c").modify(push__tags="z", new=True).tags)
print("sum", Page.objects.sum("views"))
print("values", list(Page.objects.values_list("title", "views")))
print("reload", page.reload().views)
print("delete", Page.objects(title="b").delete(), Page.objects.count())
disconnect()
