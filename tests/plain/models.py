"""Documents with a field of every kind."""

from __future__ import annotations

import datetime
import enum

from mongoengine import (
    BinaryField,
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    Decimal128Field,
    DecimalField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EnumField,
    FloatField,
    GenericReferenceField,
    IntField,
    LazyReferenceField,
    ListField,
    MapField,
    PointField,
    ReferenceField,
    StringField,
    UUIDField,
    ValidationError,
)


class PlainColour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class PlainAuthor(Document):
    name = StringField(required=True, max_length=10)


class PlainTag(EmbeddedDocument):
    label = StringField(required=True, min_length=2, db_field="l")
    inside = ListField(EmbeddedDocumentField("self"))


class PlainPost(Document):
    title = StringField(required=True, db_field="t")
    number = IntField(min_value=1, default=5)
    ratio = FloatField(max_value=1)
    at = DateTimeField(default=lambda: datetime.datetime(2026, 1, 2))
    precise = ComplexDateTimeField()
    day = DateField()
    price = DecimalField(precision=2)
    exact = Decimal128Field()
    token = UUIDField()
    colour = EnumField(PlainColour)
    data = BinaryField()
    tags = ListField(EmbeddedDocumentField(PlainTag))
    counts = MapField(IntField())
    free = DictField()
    author = ReferenceField(PlainAuthor)
    authors = ListField(ReferenceField(PlainAuthor))
    lazy = LazyReferenceField(PlainAuthor)
    anything = GenericReferenceField()
    state = StringField(choices=["new", "old"])
    where = PointField()

    def clean(self) -> None:
        if self.title == "forbidden":
            raise ValidationError("this title is forbidden")


class PlainDynamic(DynamicDocument):
    name = StringField()
