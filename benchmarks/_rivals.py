"""Beanie and umongo on the same work, for scripts that ask for them.

Neither is needed: a side whose library is not installed is left out.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Optional

import bson
from _harness import Case, Cases
from _programs import builder, walker
from _shape import raw_article
from _shapes import OPTIONS, Colour, F, Shape, keywords


def _articles(count: int) -> list[dict[str, Any]]:
    return [raw_article(number) for number in range(count)]


def _without_ids(count: int) -> list[dict[str, Any]]:
    raws = _articles(count)
    for raw in raws:
        del raw["_id"]
    return raws


def _repeat(call: Callable[[int], Any], count: int) -> Case:
    def run(_: Any) -> None:
        for number in range(count):
            call(number)

    return Case(run, per=count)


def _repeat_async(call: Callable[[int], Awaitable[Any]], count: int) -> Case:
    async def run(_: Any) -> None:
        for number in range(count):
            await call(number)

    return Case(run, per=count)


# -- Beanie ------------------------------------------------------------------


def beanie_class(collection: str = "articles", *, tracked: bool = False) -> Any:
    """The class; `tracked` ones note changes, which costs them a copy at loading."""
    from beanie import Document, PydanticObjectId
    from pydantic import BaseModel, Field

    class Comment(BaseModel):
        author: str
        text: str
        created: datetime.datetime | None = None
        votes: int = 0

    class Article(Document):
        title: str = Field(max_length=200)
        slug: str
        body: str | None = None
        views: int = 0
        rating: float | None = None
        published: bool = False
        created: datetime.datetime | None = None
        author: PydanticObjectId | None = None
        tags: list[str] = []
        scores: list[int] = []
        extra: dict[str, Any] = {}
        comments: list[Comment] = []

        class Settings:
            name = collection
            use_state_management = tracked

    return Article


async def beanie_open(uri: str, database: str, *classes: Any, **options: Any) -> None:
    from beanie import init_beanie
    from pymongo import AsyncMongoClient

    client: Any = AsyncMongoClient(uri, **options)
    await init_beanie(database=client[database], document_models=list(classes))


async def beanie_cases(uri: str, database: str, batch: int, calls: int) -> Cases:
    article, few = beanie_class(), beanie_class("few", tracked=True)
    scratch = beanie_class("scratch")
    await beanie_open(uri, database, article, few, scratch)
    ids = [raw["_id"] for raw in _articles(calls)]

    async def loaded() -> list[Any]:
        documents = await few.find({"_id": {"$in": ids}}).to_list()
        for document in documents:
            document.views += 1
        return list(documents)

    async def save(documents: list[Any]) -> None:
        for document in documents:
            await document.save_changes()

    async def iterate(_: Any) -> None:
        async for _ in article.find():
            pass

    def built() -> list[Any]:
        return [scratch(**raw) for raw in _without_ids(batch)]

    return {
        "async get": _repeat_async(lambda n: few.get(ids[n]), calls),
        "async first": _repeat_async(
            lambda n: few.find({"views": {"$gte": 0}}).first_or_none(), calls
        ),
        "async save": Case(save, loaded, per=calls),
        "async insert": Case(scratch.insert_many, built),
        "async list": Case(lambda _: article.find().to_list()),
        "async for": Case(iterate),
        "async update": _repeat_async(
            lambda n: few.find({"slug": "none"}).update({"$set": {"views": 1}}),
            calls,
        ),
        "async count": _repeat_async(
            lambda n: few.find({"slug": "none"}).count(), calls
        ),
    }


# -- umongo ------------------------------------------------------------------


def umongo_class(uri: str, database: str, collection: str = "articles") -> Any:
    from pymongo import MongoClient
    from umongo import Document, EmbeddedDocument, fields, validate
    from umongo.frameworks import PyMongoInstance

    client: Any = MongoClient(uri, connect=False)
    instance = PyMongoInstance(client[database])

    @instance.register
    class Comment(EmbeddedDocument):  # type: ignore[misc]
        author = fields.StringField(required=True)
        text = fields.StringField(required=True)
        created = fields.NaiveDateTimeField()
        votes = fields.IntegerField(load_default=0)

    @instance.register
    class Article(Document):  # type: ignore[misc]
        title = fields.StringField(required=True, validate=validate.Length(max=200))
        slug = fields.StringField(required=True)
        body = fields.StringField()
        views = fields.IntegerField(load_default=0)
        rating = fields.FloatField()
        published = fields.BooleanField(load_default=False)
        created = fields.NaiveDateTimeField()
        author = fields.ObjectIdField()
        tags = fields.ListField(fields.StringField())
        scores = fields.ListField(fields.IntegerField())
        extra = fields.DictField()
        comments = fields.ListField(fields.EmbeddedField(Comment))

        class Meta:
            collection_name = collection

    return Article


def umongo_cases(uri: str, database: str, calls: int) -> Cases:
    article = umongo_class(uri, database)
    few = umongo_class(uri, database, "few")
    ids = [raw["_id"] for raw in _articles(calls)]

    def loaded() -> list[Any]:
        documents = list(few.find({"_id": {"$in": ids}}))
        for document in documents:
            document.views += 1
        return documents

    def save(documents: list[Any]) -> None:
        for document in documents:
            document.commit()

    return {
        "get": _repeat(lambda n: few.find_one({"_id": ids[n]}), calls),
        "first": _repeat(lambda n: few.find_one({"views": {"$gte": 0}}), calls),
        "save": Case(save, loaded, per=calls),
        "list": Case(lambda _: list(article.find())),
        "count": _repeat(lambda n: few.count_documents({"slug": "none"}), calls),
    }


# -- classes of a shape ------------------------------------------------------


def _annotation(each: F, classes: Mapping[str, Any]) -> Any:
    """The Python type of a field, as an annotation."""
    if each.type == "embedded":
        return classes[str(each.embedded)]
    if each.type == "list":
        return list[_annotation(each.of, classes)]  # type: ignore[arg-type,misc]
    if each.type == "map":
        return dict[str, _annotation(each.of, classes)]  # type: ignore[arg-type,misc]
    return {
        "string": str,
        "int": int,
        "float": float,
        "bool": bool,
        "datetime": datetime.datetime,
        "date": datetime.datetime,
        "objectid": bson.ObjectId,
        "dict": dict[str, Any],
        "enum": Colour,
        "decimal128": bson.Decimal128,
        "uuid": uuid.UUID,
    }[each.type]


def pydantic_field(each: F, classes: Mapping[str, Any]) -> tuple[Any, Any]:
    """Annotation and default for `pydantic.create_model`."""
    from pydantic import Field

    limits = dict(each.limits)
    choices = limits.pop("choices", None)
    annotation = Literal[choices] if choices else _annotation(each, classes)
    if "min_value" in limits:
        limits["ge"] = limits.pop("min_value")
    if each.required:
        return annotation, Field(..., **limits)
    return Optional[annotation], Field(None, **limits)  # noqa: UP045 - at run time


def beanie_shape_class(shape: Shape) -> Any:
    """A Beanie document class of a shape."""
    from beanie import Document
    from pydantic import BaseModel, ConfigDict, create_model

    class Base(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)

    class BaseDocument(Document):
        model_config = ConfigDict(arbitrary_types_allowed=True, extra="ignore")

    classes: dict[str, Any] = {}
    for name, fields in shape.embedded.items():
        made = {key: pydantic_field(each, classes) for key, each in fields.items()}
        classes[name] = create_model(name, __base__=Base, **made)
    fields = {**shape.base, **shape.fields}
    made = {key: pydantic_field(each, classes) for key, each in fields.items()}
    model: Any = create_model(shape.name.title(), __base__=BaseDocument, **made)
    model.Settings = type("Settings", (), {"name": shape.name})
    return model


async def beanie_codec(
    uri: str, database: str, shape: Shape, encoded: list[bytes]
) -> Cases:
    """Decode, load, touch, dump and construct, as Beanie's own queries do it."""
    from beanie.odm.utils.dump import get_dict
    from beanie.odm.utils.parsing import parse_obj

    cls = beanie_shape_class(shape)
    await beanie_open(uri, database, cls)
    return _codec(shape, encoded, lambda raw: parse_obj(cls, raw), get_dict, cls)


def umongo_codec(shape: Shape, encoded: list[bytes]) -> Cases:
    """The same with umongo."""
    from pymongo import MongoClient
    from umongo import Document, EmbeddedDocument, fields, validate
    from umongo.frameworks import PyMongoInstance

    client: Any = MongoClient("mongodb://127.0.0.1:1", connect=False)
    instance = PyMongoInstance(client["unused"])
    classes: dict[str, Any] = {}

    def field(each: F) -> Any:
        limits = dict(each.limits)
        options: dict[str, Any] = {"required": True} if each.required else {}
        if "max_length" in limits:
            options["validate"] = validate.Length(max=limits["max_length"])
        if "min_value" in limits:
            options["validate"] = validate.Range(min=limits["min_value"])
        if "choices" in limits:
            options["validate"] = validate.OneOf(limits["choices"])
        if each.type == "embedded":
            return fields.EmbeddedField(classes[str(each.embedded)], **options)
        if each.type == "list":
            return fields.ListField(field(each.of))  # type: ignore[arg-type]
        if each.type == "map":
            return fields.DictField(fields.StringField(), field(each.of))  # type: ignore[arg-type]
        return {
            "string": fields.StringField,
            "int": fields.IntegerField,
            "float": fields.FloatField,
            "bool": fields.BooleanField,
            "datetime": fields.NaiveDateTimeField,
            "objectid": fields.ObjectIdField,
            "dict": fields.DictField,
        }[each.type](**options)

    for name, members in shape.embedded.items():
        body = {key: field(each) for key, each in members.items()}
        classes[name] = instance.register(type(name, (EmbeddedDocument,), body))
    body = {key: field(each) for key, each in shape.fields.items()}
    cls = instance.register(type(shape.name.title(), (Document,), body))
    return _codec(
        shape, encoded, cls.build_from_mongo, lambda document: document.to_mongo(), None
    )


def aggify_codec(shape: Shape, encoded: list[bytes]) -> Cases:
    """The same with aggify, the eager rival in plain Python."""
    import aggify

    classes: dict[str, Any] = {}

    def field(each: F) -> Any:
        limits = dict(each.limits)
        choices = limits.pop("choices", None)
        if choices:
            limits["choices"] = [(choice, choice) for choice in choices]
        options = {**limits, "required": each.required}
        if each.type == "embedded":
            return aggify.EmbeddedField(
                classes[str(each.embedded)], required=each.required
            )
        if each.type == "list":
            return aggify.ListField(field(each.of))  # type: ignore[arg-type]
        if each.type == "map":
            return aggify.DictField(field(each.of))  # type: ignore[arg-type]
        return {
            "string": aggify.StringField,
            "int": aggify.IntField,
            "float": aggify.FloatField,
            "bool": aggify.BooleanField,
            "datetime": aggify.DateTimeField,
            "objectid": aggify.ObjectIdField,
            "dict": aggify.DictField,
        }[each.type](**options)

    for name, members in shape.embedded.items():
        body = {key: field(each) for key, each in members.items()}
        classes[name] = type(name, (aggify.EmbeddedDocument,), body)
    body = {key: field(each) for key, each in shape.fields.items()}
    cls: Any = type(shape.name.title(), (aggify.Document,), body)
    return _codec(
        shape,
        encoded,
        cls.from_mongo,
        lambda document: document.to_mongo(),
        cls,
        validate=lambda document: document.full_clean(),
        embedded=classes,
    )


def msgspec_codec(shape: Shape, encoded: list[bytes]) -> Cases:
    """Structs in C without tracking: the limit of what Python can do."""
    import msgspec

    classes: dict[str, Any] = {}

    def struct(name: str, members: Mapping[str, F]) -> Any:
        fields = [
            (key, Optional[_annotation(each, classes)], None)  # noqa: UP045
            for key, each in members.items()
        ]
        return msgspec.defstruct(name, fields)

    for name, members in shape.embedded.items():
        classes[name] = struct(name, members)
    cls = struct(shape.name.title(), {**shape.base, **shape.fields})

    def accept(kind: type, value: Any) -> Any:
        return value

    def make(raw: dict[str, Any]) -> Any:
        return msgspec.convert(raw, cls, strict=False, dec_hook=accept)

    return _codec(shape, encoded, make, msgspec.to_builtins, None, dumps=False)


def _codec(
    shape: Shape,
    encoded: list[bytes],
    make: Callable[[dict[str, Any]], Any],
    dump: Callable[[Any], Any],
    construct: Callable[..., Any] | None,
    *,
    validate: Callable[[Any], Any] | None = None,
    embedded: Mapping[str, Any] | None = None,
    dumps: bool = True,
) -> Cases:
    count = len(encoded)
    touch_all = walker(shape)
    touch_five = shape.touch_five

    def decode(data: bytes) -> dict[str, Any]:
        return bson.decode(data, codec_options=OPTIONS)

    def load() -> list[Any]:
        return [make(decode(data)) for data in encoded]

    def timed_load(_: Any) -> None:
        for data in encoded:
            make(decode(data))

    def load_and(touch: Callable[[Any], Any]) -> Callable[[Any], None]:
        def run(_: Any) -> None:
            for data in encoded:
                touch(make(decode(data)))

        return run

    def each(call: Callable[[Any], Any]) -> Callable[[list[Any]], None]:
        def run(documents: list[Any]) -> None:
            for document in documents:
                call(document)

        return run

    cases = {
        "load": Case(timed_load, per=count),
        "touch five": Case(load_and(touch_five), per=count),
        "touch all": Case(load_and(touch_all), per=count),
    }
    if dumps:
        cases["dump"] = Case(each(dump), load, per=count)
    if validate is not None:
        cases["validate"] = Case(each(validate), load, per=count)
    if construct is not None:
        build = construct

        def construct_all(values: list[dict[str, Any]]) -> None:
            for each in values:
                build(**each)

        def nested() -> list[dict[str, Any]]:
            return [keywords(shape, decode(data), None) for data in encoded]

        if embedded is None:
            cases["construct nested"] = Case(construct_all, nested, per=count)
        else:
            built = builder(shape, construct, embedded)

            def construct_nested(raws: list[dict[str, Any]]) -> None:
                for raw in raws:
                    built(raw)

            cases["construct nested"] = Case(
                construct_nested, lambda: [decode(data) for data in encoded], per=count
            )
    return cases
