"""factory_boy: build, create, batches, sub-factories of embedded documents and references."""

import os

import factory
from factory.mongoengine import MongoEngineFactory

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_factory_boy", host=os.environ["MONGODB_URI"])


class Address(EmbeddedDocument):
    street = StringField()


class Team(Document):
    name = StringField()


class User(Document):
    name = StringField(required=True)
    age = IntField()
    address = EmbeddedDocumentField(Address)
    former = EmbeddedDocumentListField(Address)
    team = ReferenceField(Team)


class AddressFactory(MongoEngineFactory):
    class Meta:
        model = Address

    street = factory.Sequence(lambda number: f"{number} Main Street")


class TeamFactory(MongoEngineFactory):
    class Meta:
        model = Team

    name = "blue"


class UserFactory(MongoEngineFactory):
    class Meta:
        model = User

    name = factory.Sequence(lambda number: f"user {number}")
    age = factory.LazyAttribute(lambda user: len(user.name))
    address = factory.SubFactory(AddressFactory)
    former = factory.List([factory.SubFactory(AddressFactory)])
    team = factory.SubFactory(TeamFactory)


User.drop_collection()
Team.drop_collection()
built = UserFactory.build()
print(
    "built", built.name, built.age, built.address.street, built.pk, User.objects.count()
)
created = UserFactory(name="Ada")
print("created", User.objects.get(pk=created.pk).team.name, created.former[0].street)
UserFactory.create_batch(3)
print("batch", sorted(User.objects.scalar("name")))
print("dict", sorted(factory.build(dict, FACTORY_CLASS=UserFactory)))
