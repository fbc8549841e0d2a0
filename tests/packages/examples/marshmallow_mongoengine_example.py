"""marshmallow-mongoengine: schemas of documents, loading, dumping, updating."""

import os

import marshmallow_mongoengine

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
    connect,
)

connect("packages_marshmallow", host=os.environ["MONGODB_URI"])


class Address(EmbeddedDocument):
    street = StringField()


class Team(Document):
    name = StringField(primary_key=True)


class User(Document):
    name = StringField(required=True, max_length=10)
    age = IntField(min_value=0)
    tags = ListField(StringField())
    address = EmbeddedDocumentField(Address)
    team = ReferenceField(Team)


class UserSchema(marshmallow_mongoengine.ModelSchema):
    class Meta:
        model = User
        model_fields_kwargs = {"id": {"dump_only": True}}


User.drop_collection()
Team.drop_collection()
Team(name="blue").save()
schema = UserSchema()
print("fields", sorted(schema.fields))
user = schema.load(
    {
        "name": "Ada",
        "age": 36,
        "tags": ["x"],
        "address": {"street": "Main Street"},
        "team": "blue",
    }
)
print("loaded", type(user).__name__, user.name, user.address.street, user.team.name)
user.save()
dumped = schema.dump(User.objects.get())
dumped.pop("id")
print("dumped", sorted(dumped.items(), key=str))
for bad in ({"age": 1}, {"name": "Ada", "age": -1}, {"name": "longer than ten"}):
    try:
        schema.load(bad)
    except Exception as error:
        print("error", type(error).__name__, error)
print("updated", schema.update(user, {"name": "Grace"}).name)
