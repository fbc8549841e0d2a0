"""The documents that the tests of querysets read and write."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from mongoengine import (
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    ReferenceField,
    StringField,
)


class QSAddress(EmbeddedDocument):
    city = StringField(db_field="c")
    zip_code = IntField()


class QSPerson(Document):
    name = StringField()
    age = IntField()
    nick = StringField(db_field="n")
    tags = ListField(StringField())
    address = EmbeddedDocumentField(QSAddress)
    addresses = EmbeddedDocumentListField(QSAddress)
    data = DictField()
    meta = {"collection": "person"}

    def __repr__(self) -> str:
        return f"<{self.name}>"


class QSRanked(Document):
    name = StringField()
    meta = {"collection": "ranked", "ordering": ["-name"]}


class QSAnimal(Document):
    name = StringField(unique=True)
    meta = {"collection": "animal", "allow_inheritance": True}


class QSDog(QSAnimal):
    bark = StringField()


class QSBook(Document):
    title = StringField()
    author = ReferenceField(QSPerson)
    readers = ListField(ReferenceField(QSPerson))
    meta = {"collection": "book"}


class QSSlug(Document):
    slug = StringField(primary_key=True)
    number = IntField()
    meta = {"collection": "slug"}


NAMES = ("ann", "bob", "cid", "dan", "eve")


def oid(number: int) -> ObjectId:
    return ObjectId(f"{number:024x}")


def raw_person(number: int, name: str) -> dict[str, Any]:
    return {
        "_id": oid(number),
        "name": name,
        "age": 19 + number,
        "n": name.upper(),
        "tags": [name, "all"],
        "address": {"c": "Oslo" if number % 2 else "Rome", "zip_code": number},
        "addresses": [{"c": "Bern", "zip_code": number}],
        "data": {"k": number},
    }


def store_people(database: Any) -> None:
    """Five people, aged 20 to 24, as PyMongo stores them."""
    database.person.insert_many(
        [raw_person(number, name) for number, name in enumerate(NAMES, 1)]
    )


def store_many(database: Any, count: int, collection: str = "person") -> None:
    """So many documents, named 0000 and up."""
    database[collection].insert_many(
        [{"_id": oid(i + 1), "name": f"{i:04}", "age": i} for i in range(count)]
    )
