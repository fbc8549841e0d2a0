"""graphene-mongo: object types, connections with filters, references, embedded documents."""

import os

import graphene
from graphene_mongo import MongoengineConnectionField, MongoengineObjectType

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    MapField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_graphene", host=os.environ["MONGODB_URI"])


class Line(EmbeddedDocument):
    text = StringField()


class Author(Document):
    name = StringField(required=True)


class Page(Document):
    title = StringField(required=True)
    views = IntField()
    tags = ListField(StringField())
    lines = EmbeddedDocumentListField(Line)
    counts = MapField(IntField())
    author = ReferenceField(Author)


class LineType(MongoengineObjectType):
    class Meta:
        model = Line


class AuthorType(MongoengineObjectType):
    class Meta:
        model = Author
        interfaces = (graphene.relay.Node,)


class PageType(MongoengineObjectType):
    class Meta:
        model = Page
        interfaces = (graphene.relay.Node,)


class Query(graphene.ObjectType):
    pages = MongoengineConnectionField(PageType)


Page.drop_collection()
Author.drop_collection()
ada = Author(name="Ada").save()
Page(
    title="a",
    views=1,
    tags=["x"],
    lines=[Line(text="one")],
    counts={"k": 1},
    author=ada,
).save()
Page(title="b", views=2).save()
schema = graphene.Schema(query=Query, types=[LineType, AuthorType, PageType])
print(
    "schema",
    sorted(line.strip() for line in str(schema).splitlines() if "(" not in line)[:40],
)


def ask(query):
    result = schema.execute(query)
    print("errors", result.errors, "data", result.data)


ask("{ pages { edges { node { title views tags lines { text } author { name } } } } }")
ask('{ pages(title: "b") { edges { node { title author { name } } } } }')
ask("{ pages(first: 1) { edges { node { title } } pageInfo { hasNextPage } } }")
