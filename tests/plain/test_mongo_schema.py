"""`$jsonSchema` of classes: it accepts what they save, and refuses what they do not."""

from __future__ import annotations

import datetime
import decimal
import enum
import itertools
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from bson import DBRef, Decimal128, ObjectId
from pymongo.errors import WriteError

from mongoengine import (
    BinaryField,
    BooleanField,
    CachedReferenceField,
    ComplexDateTimeField,
    DateField,
    DateTimeField,
    Decimal128Field,
    DecimalField,
    DictField,
    Document,
    DynamicDocument,
    DynamicEmbeddedDocument,
    DynamicField,
    EmailField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    EnumField,
    FloatField,
    GenericEmbeddedDocumentField,
    GenericLazyReferenceField,
    GenericReferenceField,
    GeoPointField,
    IntField,
    LazyReferenceField,
    LineStringField,
    ListField,
    LongField,
    MapField,
    MultiPointField,
    ObjectIdField,
    PointField,
    PolygonField,
    ReferenceField,
    SequenceField,
    SortedListField,
    StringField,
    URLField,
    UUIDField,
)
from mongoengine.plain.mongo_schema import collection_schema

DAY = datetime.datetime(2026, 1, 2, 3, 4, 5)
KEY = ObjectId("0" * 24)
_numbers = itertools.count()


class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


class Size(enum.IntEnum):
    SMALL = 1


class Odd(enum.Enum):
    PAIR = (1, 2)


class MJPart(EmbeddedDocument):
    text = StringField(required=True, db_field="t", max_length=3)
    number = IntField(min_value=1)
    meta = {"allow_inheritance": True}


class MJLongPart(MJPart):
    more = StringField()


class MJTree(EmbeddedDocument):
    name = StringField()
    children = ListField(EmbeddedDocumentField("self"))


class MJNode(EmbeddedDocument):
    name = StringField()
    meta = {"allow_inheritance": True}


class MJBranch(MJNode):
    nodes = ListField(EmbeddedDocumentField(MJNode))


class MJOpenPart(DynamicEmbeddedDocument):
    name = StringField()


class MJTarget(Document):
    name = StringField()
    meta = {"collection": "mj_target"}


class MJNamed(Document):
    name = StringField(primary_key=True)
    meta = {"collection": "mj_named"}


class Shouting(StringField):
    def to_mongo(self, value: Any) -> Any:
        return [value]

    def to_python(self, value: Any) -> Any:
        return value[0] if isinstance(value, list) else value


def class_of(**fields: Any) -> Any:
    """Return a document class of its own, with a collection of its own."""
    name = f"MJMade{next(_numbers)}"
    meta = fields.pop("meta", {})
    bases = (fields.pop("base", Document),)
    namespace = {**fields, "meta": {**meta}, "__module__": __name__}
    return type(name, bases, namespace)


@pytest.fixture
def checked(db: Any) -> Callable[[Any], Any]:
    """Have MongoDB check the writes of a class; return its raw collection."""

    def check(cls: Any) -> Any:
        name = cls._get_collection_name()
        schema = {"$jsonSchema": collection_schema([cls])}
        return db.create_collection(name, validator=schema)

    return check


def long_field() -> Any:
    with pytest.warns(DeprecationWarning, match="LongField is deprecated"):
        return LongField()


#: Fields, with values that are saved.
SAVED: list[tuple[Any, list[Any]]] = [
    (lambda: StringField(), ["", "a", "é" * 10, "a\nb"]),
    (lambda: StringField(max_length=3, min_length=1), ["a", "éüö", "😀😀😀"]),
    (lambda: StringField(regex="[a-z]+"), ["a", "abc1"]),
    (lambda: StringField(regex=r"^\w+$"), ["é", "a"]),
    (lambda: StringField(regex=re.compile("AB", re.I)), ["ab"]),
    (lambda: StringField(regex="a|b"), ["a", "bc"]),
    (lambda: StringField(choices=["a", "b"]), ["a", "b"]),
    (lambda: StringField(choices=[("a", "A"), ("b", "B")]), ["a"]),
    (lambda: StringField(null=True, choices=["a"]), ["a", None]),
    (lambda: StringField(null=True), ["a", None]),
    (lambda: URLField(), ["http://a.example/b?c=d"]),
    (lambda: EmailField(), ["a@b.example"]),
    (lambda: IntField(), [0, -1, 2**31, -(2**40), True, "7"]),
    (lambda: IntField(min_value=1, max_value=5), [1, 5, "3"]),
    (lambda: IntField(choices=[1, 2]), [1, 2]),
    (long_field, [1, 2**40]),
    (lambda: FloatField(), [1, 1.5, -2, 1e300, float("inf"), True, 2**40]),
    (lambda: FloatField(min_value=0, max_value=1), [0, 1, 0.5]),
    (lambda: DecimalField(), ["1.5", 2, decimal.Decimal("1.25"), 1.5]),
    (lambda: DecimalField(max_value=1, precision=1), ["0.96", 1]),
    (lambda: DecimalField(force_string=True), ["1.5", 2]),
    (lambda: Decimal128Field(), [Decimal128("1.5"), decimal.Decimal(2), "3", 4]),
    (lambda: BooleanField(), [True, False]),
    (lambda: DateTimeField(), [DAY, DAY.date(), "2026-01-02 03:04:05"]),
    (lambda: DateField(), [DAY, DAY.date(), "2026-01-02"]),
    (lambda: ComplexDateTimeField(), [DAY, DAY.replace(microsecond=7)]),
    (lambda: ObjectIdField(), [KEY, str(KEY)]),
    (lambda: UUIDField(), [uuid.UUID(int=1), str(uuid.UUID(int=2))]),
    (lambda: UUIDField(binary=False), [uuid.UUID(int=1)]),
    (lambda: BinaryField(max_bytes=3), [b"", b"abc"]),
    (lambda: EnumField(Colour), [Colour.RED, "b"]),
    (lambda: EnumField(Size), [Size.SMALL, 1]),
    (lambda: EnumField(Odd), []),
    (lambda: SequenceField(), [None, 5]),
    (lambda: SequenceField(value_decorator=str), [None]),
    (lambda: ListField(), [[], [1, "a", None, {"b": [2]}]]),
    (lambda: ListField(StringField(max_length=2)), [[], ["a", "bc"]]),
    (lambda: ListField(IntField(), max_length=2), [[1], [1, 2]]),
    (lambda: ListField(ListField(IntField())), [[[1], []], []]),
    (lambda: SortedListField(IntField()), [[2, 1]]),
    (lambda: ListField(EmbeddedDocumentField(MJPart)), [[MJPart(text="a")]]),
    (lambda: EmbeddedDocumentListField(MJPart), [[MJLongPart(text="a", more="b")], []]),
    (lambda: DictField(), [{}, {"a": 1, "b": {"c": [1]}}]),
    (lambda: DictField(IntField()), [{"a": 1}]),
    (lambda: MapField(IntField(min_value=1)), [{"a": 1}, {}]),
    (lambda: MapField(EmbeddedDocumentField(MJPart)), [{"a": MJPart(text="a")}]),
    (
        lambda: EmbeddedDocumentField(MJPart),
        [
            MJPart(text="abc"),
            MJPart(text="a", number=1),
            MJLongPart(text="a", more="m"),
        ],
    ),
    (
        lambda: EmbeddedDocumentField(MJTree),
        [MJTree(name="a", children=[MJTree(children=[MJTree()])])],
    ),
    (
        lambda: EmbeddedDocumentField(MJNode),
        [MJBranch(nodes=[MJBranch(name="a", nodes=[MJNode()])])],
    ),
    (lambda: EmbeddedDocumentField(MJOpenPart), [MJOpenPart(name="a", other=[1])]),
    (
        lambda: GenericEmbeddedDocumentField(),
        [MJTree(name="a"), MJPart(text="a")],
    ),
    (lambda: DynamicField(), [1, "a", [1], {"a": 1}, DAY, MJTree(name="a")]),
    (lambda: ReferenceField(MJTarget), [MJTarget(id=KEY)]),
    (lambda: ReferenceField(MJTarget, dbref=True), [MJTarget(id=KEY)]),
    (lambda: ReferenceField(MJNamed), [MJNamed(name="a")]),
    (lambda: ListField(ReferenceField(MJTarget)), [[MJTarget(id=KEY)]]),
    (lambda: LazyReferenceField(MJTarget), [MJTarget(id=KEY)]),
    (lambda: LazyReferenceField(MJTarget, dbref=True), [MJTarget(id=KEY)]),
    (lambda: CachedReferenceField(MJTarget, fields=["name"]), [MJTarget(id=KEY)]),
    (lambda: GenericReferenceField(), [MJTarget(id=KEY)]),
    (lambda: GenericLazyReferenceField(), [MJTarget(id=KEY)]),
    (lambda: GeoPointField(), [[1, 2], (1.5, 2.5)]),
    (lambda: PointField(), [[1, 2], {"type": "Point", "coordinates": [1, 2]}]),
    (lambda: LineStringField(), [[[1, 2], [3, 4]]]),
    (lambda: PolygonField(), [[[[0, 0], [0, 1], [1, 1], [0, 0]]]]),
    (lambda: MultiPointField(), [[[1, 2]]]),
    (lambda: Shouting(), ["a"]),
]


@pytest.mark.filterwarnings("ignore:LongField is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("make", "values"), SAVED)
@pytest.mark.parametrize("required", [False, True])
def test_what_a_class_saves_is_accepted(
    checked: Any, make: Callable[[], Any], values: list[Any], required: bool
) -> None:
    MJTarget(id=KEY).save()
    field = make()
    field.required = required and not field.null
    cls = class_of(value=field)
    stored = checked(cls)
    if not field.required:
        cls().save()
    for value in values:
        if field.required and not value and value not in (0, False):
            continue
        document = cls(value=value).save()
        loaded = cls.objects.get(pk=document.pk)
        loaded.save(force_insert=False)
        assert stored.find_one({"_id": document.pk})


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: StringField(max_length=3), ["abcd", 1, b"a"]),
        (lambda: StringField(min_length=2), ["a"]),
        (lambda: StringField(regex="[a-z]+$"), ["1", "a1"]),
        (lambda: StringField(choices=["a"]), ["b"]),
        (lambda: IntField(min_value=2), [1, "2", 2.5]),
        (lambda: IntField(max_value=2), [3]),
        (lambda: FloatField(max_value=2), [2.5]),
        (lambda: BooleanField(), [1, "true"]),
        (lambda: DateTimeField(), ["2026-01-02", 1]),
        (lambda: ObjectIdField(), ["0" * 24]),
        (lambda: UUIDField(binary=False), [b"a"]),
        (lambda: EnumField(Colour), ["x", 1]),
        (lambda: ListField(IntField(), max_length=2), [["a"], [1, 2, 3], 1]),
        (lambda: MapField(IntField(max_value=3)), [{"a": 4}, {"a": "b"}, 1]),
        (
            lambda: EmbeddedDocumentField(MJPart),
            [
                {"_cls": "MJPart"},
                {"_cls": "MJPart", "t": "abcd"},
                {"_cls": "MJPart", "t": "a", "number": 0},
                {"_cls": "MJPart", "t": "a", "more": "b"},
                {"_cls": "Other", "t": "a"},
                {"t": "a"},
                1,
            ],
        ),
        (lambda: ReferenceField(MJTarget), ["a", 1]),
        (lambda: PointField(), [[1, 2]]),
    ],
)
def test_what_a_class_would_not_save_is_refused(
    checked: Any, make: Callable[[], Any], values: list[Any]
) -> None:
    stored = checked(class_of(value=make()))
    for value in values:
        with pytest.raises(WriteError, match="failed validation"):
            stored.insert_one({"value": value})


def test_a_required_field_is_required_by_its_database_name(checked: Any) -> None:
    stored = checked(class_of(value=StringField(required=True, db_field="v")))
    stored.insert_one({"v": "a"})
    for bad in ({}, {"value": "a"}, {"v": None}):
        with pytest.raises(WriteError):
            stored.insert_one(bad)


def test_unknown_fields_are_as_the_class_says(checked: Any) -> None:
    for options, is_open in (
        ({}, False),
        ({"meta": {"strict": False}}, True),
        ({"base": DynamicDocument}, True),
    ):
        stored = checked(class_of(name=StringField(), **options))
        if is_open:
            stored.insert_one({"name": "a", "other": 1})
        else:
            with pytest.raises(WriteError):
                stored.insert_one({"name": "a", "other": 1})


def test_dynamic_documents_are_saved(checked: Any) -> None:
    cls = class_of(name=StringField(max_length=2), base=DynamicDocument)
    stored = checked(cls)
    cls(name="a", other=[1], part=MJTree(name="x")).save()
    with pytest.raises(WriteError):
        stored.insert_one({"name": "abc"})


def test_subclasses_are_told_apart(checked: Any) -> None:
    base = class_of(name=StringField(), meta={"allow_inheritance": True})
    below = class_of(rank=IntField(required=True), base=base)
    deeper = class_of(more=IntField(), base=below)
    stored = checked(base)
    for document in (base(name="a"), below(rank=1), deeper(rank=1, more=2)):
        document.save()
    names = [cls._class_name for cls in (base, below, deeper)]
    for bad in (
        {"name": "a"},
        {"_cls": names[0], "rank": 1},
        {"_cls": names[1]},
        {"_cls": names[1], "rank": 1, "more": 2},
        {"_cls": "Nobody"},
    ):
        with pytest.raises(WriteError):
            stored.insert_one(bad)


def test_keys_of_ones_own(checked: Any) -> None:
    cls = class_of(key=StringField(primary_key=True, max_length=2))
    stored = checked(cls)
    cls(key="ab").save()
    with pytest.raises(WriteError):
        stored.insert_one({"_id": "abc"})


def test_embedded_keys_and_references_to_them(checked: Any) -> None:
    target = class_of(key=EmbeddedDocumentField(MJTree, primary_key=True))
    checked(target)
    kept = target(key=MJTree(name="a")).save()
    cls = class_of(other=ReferenceField(target), itself=ReferenceField("self"))
    stored = checked(cls)
    first = cls(other=kept).save()
    cls(itself=first).save()
    cls.objects(pk=first.pk).update(set__itself=DBRef(stored.name, first.pk))
    assert stored.count_documents({}) == 2


def test_a_document_with_its_own_dump_is_not_checked(checked: Any) -> None:
    class MJOwn(Document):
        name = StringField()

        def to_mongo(self, *args: Any, **kwargs: Any) -> Any:
            son = super().to_mongo(*args, **kwargs)
            son["extra"] = 1
            return son

    stored = checked(MJOwn)
    MJOwn(name="a").save()
    assert stored.find_one()["extra"] == 1


def test_updates_are_checked_too(checked: Any) -> None:
    cls = class_of(value=IntField(max_value=3), tags=ListField(StringField()))
    checked(cls)
    document = cls(value=1, tags=["a"]).save()
    document.tags.append("b")
    document.save()
    document.update(inc__value=1, unset__tags=True)
    assert cls.objects(value=2).count() == 1
