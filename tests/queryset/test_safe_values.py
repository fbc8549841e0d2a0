"""`safe_values`: values of keyword queries and updates are never operators."""

from __future__ import annotations

import re
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import pytest
from bson import SON, DBRef, encode
from bson.raw_bson import RawBSONDocument

from mongoengine import (
    BooleanField,
    CachedReferenceField,
    DateTimeField,
    DictField,
    Document,
    DoesNotExist,
    DynamicDocument,
    DynamicEmbeddedDocument,
    DynamicField,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FloatField,
    GenericEmbeddedDocumentField,
    GenericLazyReferenceField,
    GenericReferenceField,
    GeoPointField,
    IntField,
    InvalidQueryError,
    LazyReferenceField,
    ListField,
    MapField,
    OperationError,
    PointField,
    Q,
    ReferenceField,
    StringField,
    UUIDField,
    ValidationError,
    connect,
    disconnect,
    disconnect_async,
    register_connection,
)
from mongoengine.connection import (
    ConnectionFailure,
    get_async_connection,
    get_connection,
)
from mongoengine.context_managers import switch_db
from mongoengine.queryset import transform
from mongoengine.queryset.bulk import DeleteOne, UpdateOne
from tests.families import Family

ANY = {"$ne": None}
BIG = {"$gt": ""}


class SafePart(EmbeddedDocument):
    text = StringField(db_field="t")
    data = DictField()


class SafeOpenPart(DynamicEmbeddedDocument):
    pass


class SafeUser(Document):
    name = StringField(db_field="n")
    age = IntField()
    score = FloatField()
    active = BooleanField()
    born = DateTimeField()
    key = UUIDField()
    tags = ListField(StringField())
    lists = ListField(ListField(StringField()))
    place = GeoPointField()
    point = PointField()
    friend = ReferenceField("self")
    lazy = LazyReferenceField("self")
    any_friend = GenericReferenceField()
    any_lazy = GenericLazyReferenceField()
    cached = CachedReferenceField("self")
    part = EmbeddedDocumentField(SafePart)
    parts = EmbeddedDocumentListField(SafePart)
    open_part = EmbeddedDocumentField(SafeOpenPart)
    any_part = GenericEmbeddedDocumentField()
    data = DictField()
    numbers = MapField(IntField())
    anything = DynamicField()
    things = ListField()
    dicts = ListField(DictField())
    meta = {"collection": "safe_user", "safe_values": True, "auto_create_index": False}


class SafeNamed(Document):
    name = StringField(primary_key=True)
    meta = {"collection": "safe_named", "safe_values": True}


class SafeOpen(DynamicDocument):
    meta = {"collection": "safe_open", "safe_values": True}


class PlainUser(Document):
    name = StringField()
    data = DictField()
    tags = ListField(StringField())
    meta = {"collection": "plain_user"}


SCALARS = (
    *("name", "age", "score", "active", "born", "key", "tags", "lists", "place"),
    *("point", "friend", "lazy", "any_friend", "any_lazy", "cached", "pk", "id"),
    *("part__text", "parts__text", "tags__0", "parts__0__text", "lists__0__1"),
)
MAPPINGS = {
    "data": "data",
    "data__a": "data.a",
    "data__a__b": "data.a.b",
    "numbers": "numbers",
    "numbers__a": "numbers.a",
    "anything": "anything",
    "anything__a": "anything.a",
    "things": "things",
    "things__0": "things.0",
    "dicts": "dicts",
    "dicts__0__a": "dicts.0.a",
    "part": "part",
    "part__data": "part.data",
    "parts": "parts",
    "open_part": "open_part",
    "any_part": "any_part",
}
OPERATORS = (
    *("ne", "gt", "gte", "lt", "lte", "not", "in", "nin", "all", "size", "exists"),
    *("mod", "type", "contains", "iexact", "startswith", "regex", "match", "not__ne"),
    *("elemMatch", "not__in"),
)


def mapping_types(value: dict[str, Any]) -> list[Any]:
    """The value as every type that BSON encodes as a document."""
    return [value, SON(value), OrderedDict(value), RawBSONDocument(encode(value))]


# -- values that are refused -----------------------------------------------------


@pytest.mark.parametrize("name", SCALARS)
def test_an_operator_is_no_value_of_a_field_without_mappings(name: str) -> None:
    for value in (*mapping_types(ANY), {"$where": "1"}, {"a": 1, "$gt": ""}):
        with pytest.raises(InvalidQueryError, match=r"^SafeUser\..*does not take .*\$"):
            transform.query(SafeUser, **{name: value})


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("name", ["name", "age", "tags", "pk", "friend", "part__text"])
def test_an_operator_is_no_value_of_an_operator(name: str, operator: str) -> None:
    for value in (ANY, BIG):
        with pytest.raises(InvalidQueryError, match="safe_values"):
            transform.query(SafeUser, **{f"{name}__{operator}": value})


@pytest.mark.parametrize(
    "value",
    [
        [ANY],
        ("a", ANY),
        [["a", [ANY]]],
        [{"a": ANY}],
        {"a": {"b": [BIG]}},
        [RawBSONDocument(encode(ANY))],
    ],
    ids=repr,
)
def test_an_operator_inside_of_a_value_is_refused(value: Any) -> None:
    for name in ("name", "tags", "name__in", "tags__nin", "tags__all", "name__ne"):
        with pytest.raises(InvalidQueryError, match="safe_values"):
            transform.query(SafeUser, **{name: value})


def test_an_operator_that_an_iterator_gives_is_refused() -> None:
    with pytest.raises(InvalidQueryError, match="safe_values"):
        transform.query(SafeUser, name__in=(value for value in ["a", ANY]))
    assert transform.query(SafeUser, name__in=iter("ab")) == {"n": {"$in": ["a", "b"]}}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("place__near", {"$geometry": {}}),
        ("point__near", {"$geometry": {"type": "Point", "coordinates": [0, 0]}}),
        ("point__geo_within", {"$box": [[0, 0], [1, 1]]}),
        ("point__max_distance", BIG),
        ("tags__match", BIG),
        ("dicts__match", {"a": BIG}),
        ("data__size", BIG),
        ("data__exists", BIG),
        ("data__type", BIG),
        ("parts__match", {"__raw__": {"t": BIG}}),
        ("parts__match", {"text": ANY}),
        ("parts__match", {"text__ne": ANY}),
        ("parts__elemMatch", {"text__in": [ANY]}),
    ],
)
def test_operators_of_containers_and_places_take_none(keyword: str, value: Any) -> None:
    with pytest.raises(InvalidQueryError, match="safe_values"):
        transform.query(SafeUser, **{keyword: value})


def test_a_key_of_a_reference_that_is_an_operator_is_refused() -> None:
    for value in (DBRef("safe_user", ANY), SafeNamed(pk=ANY)):
        with pytest.raises((InvalidQueryError, ValidationError)):
            transform.query(SafeUser, friend=value)
    with pytest.raises(InvalidQueryError):
        transform.query(SafeOpen, name__in=[1, ANY], name__size=ANY)


def test_the_error_names_class_field_and_value() -> None:
    with pytest.raises(InvalidQueryError) as caught:
        transform.query(SafeUser, name={"$ne": "Ada"})
    text = str(caught.value)
    assert "SafeUser.name" in text
    assert "{'$ne': 'Ada'}" in text
    assert "__raw__" in text


def test_a_deep_value_is_no_recursion_error() -> None:
    value: Any = ANY
    for _ in range(5000):
        value = [value]
    with pytest.raises(InvalidQueryError):
        transform.query(SafeUser, name=value)


# -- values that are compared as they are ------------------------------------------


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_mapping_is_compared_as_it_is(name: str) -> None:
    path = MAPPINGS[name]
    for value in mapping_types(ANY):
        assert transform.query(SafeUser, **{name: value}) == {path: {"$eq": value}}
        query = {f"{name}__ne": value, f"{name}__gt": value}
        assert transform.query(SafeUser, **query) == {
            path: {"$gt": value, "$ne": value}
        }
        negated = transform.query(SafeUser, **{f"{name}__not": value})
        assert negated == {path: {"$not": {"$eq": value}}}


@pytest.mark.parametrize("name", MAPPINGS)
def test_mappings_among_several_values_are_compared_as_they_are(name: str) -> None:
    path = MAPPINGS[name]
    equal = {path: {"$eq": ANY}}
    assert transform.query(SafeUser, **{f"{name}__in": [ANY]}) == {
        "$and": [{"$or": [equal]}]
    }
    assert transform.query(SafeUser, **{f"{name}__nin": [ANY]}) == {
        "$and": [{"$nor": [{"$or": [equal]}]}]
    }
    assert transform.query(SafeUser, **{f"{name}__not__in": [ANY]}) == {
        "$and": [{"$nor": [{"$or": [equal]}]}]
    }
    assert transform.query(SafeUser, **{f"{name}__all": [ANY]}) == {
        "$and": [{"$and": [equal]}]
    }


def test_attributes_of_dynamic_documents_are_compared_as_they_are() -> None:
    assert transform.query(SafeOpen, name=ANY) == {"name": {"$eq": ANY}}
    assert transform.query(SafeOpen, a__b=ANY) == {"a.b": {"$eq": ANY}}
    assert transform.query(SafeOpen, name__gt=BIG) == {"name": {"$gt": BIG}}


def test_other_values_make_the_usual_query() -> None:
    pattern = re.compile("^a")
    for query in (
        {"name": "a", "age__gt": 1},
        {"name": pattern},
        {"name__in": ["a", pattern, None]},
        {"name__icontains": "a"},
        {"tags__size": 2, "tags": "a"},
        {"tags": ["a", "b"]},
        {"data": {"a": 1}},
        {"data__a__in": [{"b": 1}, 2]},
        {"part": {"t": "a"}},
        {"parts__match": {"text": "a", "text__ne": "b"}},
        {"parts__text__ne": "a"},
        {"point__near": [1, 2], "point__max_distance": 5},
        {"place__within_box": [[0, 0], [1, 1]]},
        {"name__not__in": ["a"]},
        {"name__exists": True},
        {"__raw__": {"n": ANY}},
        {"name": {"a": 1}},
    ):
        meta = SafeUser._meta
        expected = transform.query(SafeUser, **query)
        try:
            meta["safe_values"] = False
            assert repr(transform.query(SafeUser, **query)) == repr(expected)
        finally:
            meta["safe_values"] = True


def test_a_raw_condition_stands_beside_mappings_among_several() -> None:
    raw = {"$or": [{"n": "a"}], "$and": [{"n": "b"}]}
    found = transform.query(SafeUser, __raw__=raw, data__in=[ANY, {}], name="c")
    assert found == {
        "n": "c",
        "$and": [
            {"n": "b"},
            {"$or": [{"data": {"$in": [{}]}}, {"data": {"$eq": ANY}}]},
            {"$or": [{"n": "a"}]},
        ],
    }


# -- updates ------------------------------------------------------------------------


@pytest.mark.parametrize("operator", ["set", "push", "pull", "add_to_set", "unset"])
@pytest.mark.parametrize("name", ["name", "age", "tags", "friend", "part__text"])
def test_an_update_takes_no_operator_for_a_field_without_mappings(
    name: str, operator: str
) -> None:
    for value in (ANY, [ANY], {"$each": ["a"]}):
        with pytest.raises(InvalidQueryError, match=r"^SafeUser\.\w+.*safe_values"):
            transform.update(SafeUser, **{f"{operator}__{name}": value})


def test_an_update_stores_mappings_as_they_are() -> None:
    each = {"$each": [1], "$position": 0}

    def update(**changes: Any) -> Any:
        return transform.update(SafeUser, **changes)

    assert update(push__things=each) == {"$push": {"things": {"$each": [each]}}}
    assert update(push__things__0=each) == {
        "$push": {"things": {"$each": [each], "$position": 0}}
    }
    assert update(add_to_set__things=each) == {
        "$addToSet": {"things": {"$each": [each]}}
    }
    assert update(set__anything=each) == {"$set": {"anything": each}}
    assert update(push__things={"a": 1}) == {"$push": {"things": {"a": 1}}}
    assert update(push_all__things=[each]) == {"$push": {"things": {"$each": [each]}}}


def test_an_update_pulls_what_is_equal_to_a_mapping() -> None:
    def pulled(**changes: Any) -> Any:
        return transform.update(SafeUser, **changes)["$pull"]

    assert pulled(pull__things=ANY) == {"things": {"$eq": ANY}}
    assert pulled(pull__things={"a": BIG}) == {"things": {"a": {"$eq": BIG}}}
    assert pulled(pull__things={"a": 1}) == {"things": {"a": 1}}
    assert pulled(pull__things__gt=BIG) == {"things": {"$gt": BIG}}
    assert pulled(pull__parts__data=BIG) == {"parts": {"data": {"$eq": BIG}}}
    for keyword in ("pull__things__in", "pull__things__not", "pull__things__size"):
        with pytest.raises(InvalidQueryError, match="safe_values"):
            transform.update(SafeUser, **{keyword: [ANY]})


# -- where the setting comes from ----------------------------------------------------


def test_it_is_off_by_default() -> None:
    assert transform.query(PlainUser, name=ANY) == {"name": ANY}
    assert transform.query(PlainUser, name__in=ANY) == {"name": {"$in": ANY}}
    assert transform.query(None, name=ANY) == {"name": ANY}


def test_subclasses_inherit_it() -> None:
    class SafeBase(Document):
        meta = {"abstract": True, "safe_values": True}

    class SafeChild(SafeBase):
        name = StringField()

    with pytest.raises(InvalidQueryError):
        transform.query(SafeChild, name=ANY)


async def test_an_alias_has_it_for_its_classes(family: Family) -> None:
    await family(PlainUser(name="Ada"), "save")
    assert await family(PlainUser.objects(name=ANY), "count") == 1
    await disconnect_async() if family.is_async else disconnect()
    await family.connect(safe_values=True)
    with pytest.raises(InvalidQueryError, match=r"PlainUser\.name"):
        await family(PlainUser.objects(name=ANY), "count")
    with pytest.raises(InvalidQueryError):
        await family(PlainUser.objects, "update", pull__tags=ANY)
    assert await family(PlainUser.objects(name="Ada"), "count") == 1


async def test_the_alias_that_is_asked_decides(family: Family) -> None:
    await family.connect(alias="safe", safe_values=True)
    queryset = PlainUser.objects.using("safe")
    with pytest.raises(InvalidQueryError):
        await family(queryset(name=ANY), "first")
    with pytest.raises(InvalidQueryError):
        await family(queryset, "update", pull__tags=ANY)
    with switch_db(PlainUser, "safe"):
        document = PlainUser(name="Ada")
        await family(document, "save")
        with pytest.raises(InvalidQueryError):
            await family(PlainUser.objects(name=ANY), "first")
    document.name = "Bob"
    with pytest.raises(InvalidQueryError):
        await family(document, "save", save_condition={"name": ANY})
    with pytest.raises(InvalidQueryError):
        await family(document, "modify", {"name": ANY}, set__name="Eve")
    assert await family(PlainUser.objects(name=ANY), "first") is not None


async def test_aliases_with_and_without_it_share_a_client(family: Family) -> None:
    client_of: Any = get_async_connection if family.is_async else get_connection
    await family.connect(alias="safe", safe_values=True)
    assert client_of("safe") is client_of()


def test_an_alias_cannot_be_opened_again_without_it(settings: dict[str, Any]) -> None:
    connect(**settings, safe_values=True)
    connect(**settings, safe_values=True)
    with pytest.raises(ConnectionFailure):
        connect(**settings)


def test_a_query_that_was_compiled_before_the_alias_was_registered(
    settings: dict[str, Any],
) -> None:
    queryset = PlainUser.objects(name=ANY)
    assert queryset._query == {"name": ANY}
    register_connection("default", **settings, safe_values=True)
    with pytest.raises(InvalidQueryError):
        queryset.count()


# -- operations ------------------------------------------------------------------------


@pytest.fixture
async def users(family: Family) -> list[SafeUser]:
    users = [
        SafeUser(name="Ada", age=1, data={"a": 1}, tags=["x"]),
        SafeUser(name="Bob", age=2, data={"a": 2}, tags=["y"]),
    ]
    for user in users:
        await family(user, "save")
    return users


READINGS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("get", (), {"name": ANY}),
    ("get", (Q(name=ANY),), {}),
    ("with_id", (ANY,), {}),
    ("update", (), {"set__name": ANY}),
    ("update", (), {"pull__tags": ANY}),
    ("update_one", (), {"inc__age": ANY}),
    ("upsert_one", (), {"set__name": ANY}),
    ("modify", (), {"set__name": ANY}),
    ("bulk_write", ([UpdateOne({"name": ANY}, {"set__age": 5})],), {}),
    ("bulk_write", ([UpdateOne({"name": "Ada"}, {"pull__tags": ANY})],), {}),
    ("bulk_write", ([DeleteOne({"name": ANY})],), {}),
]


@pytest.mark.parametrize(("method", "args", "kwargs"), READINGS)
async def test_operations_refuse_operators(
    family: Family, users: list[SafeUser], method: str, args: Any, kwargs: Any
) -> None:
    with pytest.raises((InvalidQueryError, ValidationError)):
        await family(SafeUser.objects, method, *args, **kwargs)
    assert await family(SafeUser.objects.order_by("age"), "to_list") == users


@pytest.mark.parametrize("method", ["first", "count", "to_list", "delete", "distinct"])
@pytest.mark.parametrize(
    "condition",
    [
        Q(name=ANY),
        Q(age=1) & Q(name=ANY),
        Q(age=1) | Q(name=ANY),
        ~Q(name=ANY),
        Q(name__in=[ANY]),
        Q(pk=ANY),
        Q(data__match=ANY),
    ],
    ids=repr,
)
async def test_no_combination_of_conditions_takes_operators(
    family: Family, users: list[SafeUser], method: str, condition: Any
) -> None:
    args = ["name"] if method == "distinct" else []
    with pytest.raises(InvalidQueryError, match="safe_values"):
        await family(SafeUser.objects(condition), method, *args)
    assert await family(SafeUser.objects, "count") == 2


@pytest.mark.parametrize("method", ["delete", "reload", "update", "modify"])
async def test_a_primary_key_that_is_an_operator_finds_nothing(
    family: Family, method: str
) -> None:
    await family(SafeNamed(name="Ada"), "save")
    document = SafeNamed(pk=BIG)
    changes = {"set__name": "x"} if method in ("update", "modify") else {}
    with pytest.raises(InvalidQueryError):
        await family(document, method, **changes)
    assert await family(SafeNamed.objects, "distinct", "name") == ["Ada"]


@pytest.mark.parametrize("name", ["data", "data__a", "anything", "things", "part"])
async def test_a_mapping_that_looks_like_an_operator_matches_nothing(
    family: Family, users: list[SafeUser], name: str
) -> None:
    for suffix in ("", "__in", "__all"):
        value = [ANY] if suffix in ("__in", "__all") else ANY
        found = SafeUser.objects(**{name + suffix: value})
        assert await family(found, "count") == 0
    for suffix, value in (("__ne", ANY), ("__nin", [ANY]), ("__not", ANY)):
        assert await family(SafeUser.objects(**{name + suffix: value}), "count") == 2


async def test_a_stored_mapping_that_looks_like_an_operator_is_found(
    family: Family, mongo: Any
) -> None:
    mongo.safe_open.insert_one({"value": {"a": BIG}, "list": [1, {"b": BIG}]})
    assert await family(SafeOpen.objects(value={"a": BIG}), "count") == 1
    assert await family(SafeOpen.objects(value__a=BIG), "count") == 1
    assert await family(SafeOpen.objects(value__a__in=[BIG, 1]), "count") == 1
    assert await family(SafeOpen.objects(value__a__ne=BIG), "count") == 0
    assert await family(SafeOpen.objects(value__a={"$exists": True}), "count") == 0


async def test_only_the_equal_item_is_pulled(family: Family, mongo: Any) -> None:
    mongo.safe_user.insert_one({"things": [1, {"a": 1}, {"a": BIG}]})
    await family(SafeUser.objects, "update", pull__things={"$ne": 7})
    assert len(mongo.safe_user.find_one()["things"]) == 3
    await family(SafeUser.objects, "update", pull__things={"a": BIG})
    assert mongo.safe_user.find_one()["things"] == [1, {"a": 1}]


async def test_raw_conditions_and_updates_pass(
    family: Family, users: list[SafeUser]
) -> None:
    found = SafeUser.objects(__raw__={"n": {"$gt": "Ada"}})
    assert await family(found, "count") == 1
    await family(found, "update", __raw__={"$set": {"age": 9}})
    assert await family(SafeUser.objects(age=9), "count") == 1


async def test_modify_of_a_document_takes_conditions_that_are_combined(
    family: Family, users: list[SafeUser]
) -> None:
    user = users[0]
    other = Q(name="nobody") | Q(age__gt=5)
    assert not await family(user, "modify", other, set__age=3)
    assert await family(user, "modify", Q(name="nobody") | Q(age__lt=5), set__age=3)
    assert user.age == 3


async def test_a_new_document_may_be_saved_under_no_condition_of_operators(
    family: Family, users: list[SafeUser]
) -> None:
    users[0].age = 5
    with pytest.raises(InvalidQueryError, match=r"SafeUser\.name"):
        await family(users[0], "save", save_condition={"name": ANY})
    with pytest.raises(OperationError):
        await family(users[0], "save", save_condition={"name": "nobody"})


# -- keys that are operators, whatever is set -------------------------------------------


class LiteralTarget(Document):
    name = StringField(primary_key=True)
    text = StringField()
    meta = {"collection": "literal_target"}


class KeyHolder(Document):
    one = ReferenceField(LiteralTarget)
    generic = GenericReferenceField()
    meta = {"collection": "key_holder"}


@pytest.mark.parametrize(
    "values",
    [
        {"one": ANY},
        {"one": DBRef("literal_target", ANY)},
        {"generic": {"_cls": "LiteralTarget", "_ref": DBRef("literal_target", BIG)}},
    ],
    ids=repr,
)
async def test_a_reference_by_an_operator_leads_nowhere(
    family: Family, values: dict[str, Any]
) -> None:
    await family(LiteralTarget(name="secret"), "save")
    holder = KeyHolder(**values)
    (name,) = values
    with pytest.raises(DoesNotExist):
        if family.is_async:
            await getattr(holder, name)
        else:
            getattr(holder, name)


async def test_a_document_with_an_operator_for_a_key_changes_no_other(
    family: Family, mongo: Any
) -> None:
    await family(LiteralTarget(name="secret", text="kept"), "save")
    document = LiteralTarget._from_son({"_id": ANY, "text": "x"})
    document.text = "changed"
    with suppress(OperationError):  # MongoDB stores no such key
        await family(document, "save", validate=False)
    stored = mongo.literal_target.find_one({"_id": "secret"})
    assert stored == {"_id": "secret", "text": "kept"}
