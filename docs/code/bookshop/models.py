"""The documents of the shop: no framework, and neither family, is named here."""

from datetime import datetime, timedelta, timezone

from mongoengine import (
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    FileField,
    IntField,
    ListField,
    ObjectIdField,
    ReferenceField,
    StringField,
)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


class Book(Document):
    isbn = StringField(required=True, unique=True, regex=r"^[0-9]{3,13}$")
    title = StringField(required=True, max_length=200)
    authors = ListField(StringField(max_length=80))
    cents = IntField(required=True, min_value=0)
    stock = IntField(default=0)  # no `min_value`: it would refuse `dec__stock`, too
    added = DateTimeField(default=now)
    cover = FileField()

    meta = {"collection": "books", "indexes": ["-added", "authors"]}


class Line(EmbeddedDocument):
    book = ReferenceField(Book, required=True)
    copies = IntField(required=True, min_value=1)
    cents = IntField(required=True)


class Order(Document):
    customer = StringField(required=True, max_length=80)
    lines = EmbeddedDocumentListField(Line, required=True)
    placed = DateTimeField(default=now)

    meta = {"collection": "orders", "indexes": ["customer", "-placed"]}

    @property
    def cents(self) -> int:
        return sum(line.copies * line.cents for line in self.lines)


class Job(Document):
    """Work for the background: waiting until it is due, then claimed, then gone."""

    task = StringField(required=True)
    arguments = ListField(StringField())
    due = DateTimeField(default=now)
    attempts = IntField(default=0)

    meta = {"collection": "jobs", "indexes": ["due"]}

    LEASE = timedelta(seconds=60)


class Migration(Document):
    """How far a change of stored documents has come."""

    name = StringField(primary_key=True)
    position = ObjectIdField()
    changed = IntField(default=0)
    finished = DateTimeField()

    meta = {"collection": "migrations"}
