"""Misspelt names: errors propose a similar name, and mistakes once ignored warn."""

from __future__ import annotations

import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

import mongoengine
from mongoengine import (
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FieldDoesNotExist,
    IntField,
    ListField,
    LookUpError,
    MapField,
    MongoEngineWarning,
    Q,
    StringField,
)
from mongoengine.errors import InvalidQueryError
from tests.families import Family


class MSAddress(EmbeddedDocument):
    city = StringField(db_field="c")


class MSUser(Document):
    name = StringField(db_field="nm")
    age = IntField()
    nick_name = StringField()
    tags = ListField(StringField())
    address = EmbeddedDocumentField(MSAddress, db_field="ad")
    addresses = EmbeddedDocumentListField(MSAddress)
    places = MapField(EmbeddedDocumentField(MSAddress))
    meta = {"collection": "ms_user", "allow_inheritance": True}

    cached: ClassVar[int] = 0
    announced: int

    @property
    def shout(self) -> str:
        return str(self.name).upper()

    @shout.setter
    def shout(self, value: str) -> None:
        self.name = value.lower()


class MSAdmin(MSUser):
    rights = StringField()


class MSOpen(DynamicDocument):
    name = StringField()
    meta = {"collection": "ms_open"}


class MSLoose(Document):
    name = StringField()
    meta = {"collection": "ms_loose", "strict": False}


# Errors


@pytest.mark.parametrize(
    ("cls", "values", "proposal"),
    [
        (MSUser, {"nmae": 1}, "did you mean 'name'?"),
        (MSUser, {"nickname": 1}, "did you mean 'nick_name'?"),
        (MSUser, {"nm": 1}, "did you mean 'name'?"),
        (MSAdmin, {"right": 1}, "did you mean 'rights'?"),
        (MSAddress, {"ctiy": 1}, "did you mean 'city'?"),
        (MSUser, {"nmae": 1, "aeg": 2}, "did you mean 'age' for 'aeg', 'name' for 'nm"),
        (MSUser, {"nmae": 1, "unlike": 2}, "did you mean 'name' for 'nmae'?"),
    ],
)
def test_the_constructor_proposes_a_field(
    cls: type, values: dict[str, Any], proposal: str
) -> None:
    with pytest.raises(FieldDoesNotExist) as raised:
        cls(**values)
    assert f'" do not exist on the document "{cls._class_name}"; ' in (  # type: ignore[attr-defined]
        str(raised.value).replace("}", "")
    )
    assert proposal in str(raised.value)


def test_texts_stay_where_nothing_is_similar() -> None:
    with pytest.raises(FieldDoesNotExist) as raised:
        MSUser(zzz=1)
    assert str(raised.value) == (
        'The fields "{\'zzz\'}" do not exist on the document "MSUser"'
    )
    with pytest.raises(InvalidQueryError) as refused:
        _ = MSUser.objects(zzz=1)._query
    assert str(refused.value) == 'Cannot resolve field "zzz"'


@pytest.mark.parametrize(
    ("keyword", "proposal"),
    [
        ("nmae", "name"),
        ("nmae__gt", "name"),
        ("nm", "name"),
        ("pkk", "pk"),
        ("age_gt", "age__gt"),
        ("nick_name_startswith", "nick_name__startswith"),
        ("age__gtee", "gte"),
        ("name__contians", "contains"),
        ("address__ctiy", "city"),
        ("address__c", "city"),
        ("address__city__contians", "contains"),
        ("rihgts", "rights"),
    ],
)
def test_a_filter_proposes_a_field_or_an_operator(keyword: str, proposal: str) -> None:
    text = rf"Cannot resolve .*; did you mean '{proposal}'\?$"
    for queryset in (MSUser.objects.filter, lambda **query: MSUser.objects(Q(**query))):
        with pytest.raises(InvalidQueryError, match=text):
            _ = queryset(**{keyword: 1})._query


@pytest.mark.parametrize(
    ("keyword", "proposal"),
    [
        ("nmae", "name"),
        ("set__nmae", "name"),
        ("push__tagz", "tags"),
        ("inc_age", "inc__age"),
        ("incr__age", "inc"),
        ("sett__name", "set"),
        ("set__address__ctiy", "city"),
    ],
)
async def test_an_update_proposes_a_field_or_an_operator(
    family: Family, keyword: str, proposal: str
) -> None:
    text = rf"; did you mean '{proposal}'\?$"
    for method in ("update", "update_one", "modify"):
        with pytest.raises(InvalidQueryError, match=text):
            await family(MSUser.objects, method, **{keyword: 1})


@pytest.mark.parametrize(
    "use",
    [
        lambda queryset: queryset.only("nmae"),
        lambda queryset: queryset.exclude("nmae"),
        lambda queryset: queryset.fields(nmae=1),
        lambda queryset: queryset.values_list("nmae"),
        lambda queryset: queryset.scalar("nmae"),
        lambda queryset: queryset.sum("nmae"),
    ],
)
def test_a_projection_proposes_a_field(use: Callable[[Any], Any]) -> None:
    with pytest.raises(LookUpError, match=r'field "nmae"; did you mean \'name\'\?'):
        use(MSUser.objects)


def test_the_proposal_is_in_a_traceback() -> None:
    try:
        MSUser(nmae=1)
    except FieldDoesNotExist as error:
        shown = "".join(traceback.format_exception(error))
    assert "did you mean 'name'?" in shown


# Orders


def test_an_order_by_what_no_field_is_called_warns() -> None:
    with pytest.warns(MongoEngineWarning, match="MSUser.*nmae.*'name'") as caught:
        queryset = MSUser.objects.order_by("-nmae")
    assert caught[0].filename == __file__
    assert queryset._spec.order() == [("nmae", -1)]


@pytest.mark.parametrize(
    "order", ["name", "-nm", "address.city", "ad.c", "ad__c", "_id", "pk", "zzz"]
)
def test_other_orders_are_silent(order: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MSUser.objects.order_by(order)
        MSOpen.objects.order_by("nmae")


# Options of classes and fields


def made(meta: dict[str, Any], base: type = Document) -> type:
    return type("MSMade", (base,), {"meta": meta, "__module__": __name__})


@pytest.mark.parametrize(
    ("option", "proposal"),
    [
        ("colection", "collection"),
        ("odering", "ordering"),
        ("allow_inheritence", "allow_inheritance"),
        ("indexs", "indexes"),
        ("db_allias", "db_alias"),
        ("safe_value", "safe_values"),
    ],
)
def test_an_option_of_meta_that_is_almost_known_warns(
    option: str, proposal: str
) -> None:
    text = rf"MSMade: meta has no option '{option}'; did you mean '{proposal}'\?"
    with pytest.warns(MongoEngineWarning, match=text) as caught:
        made({option: []})
    assert [warning.filename for warning in caught] == [__file__]


def test_an_embedded_document_warns_too() -> None:
    with pytest.warns(MongoEngineWarning, match="allow_inheritance"):
        made({"allow_inheritence": True}, EmbeddedDocument)


@pytest.mark.parametrize(
    "meta",
    [
        {"my_plugin": 1, "_odering": 1, "permissions": 2, "database": 3, "roles": 4},
        {"collection": "ms_made", "ordering": [], "strict": False, "indexes": []},
        {"max_documents": 1, "max_size": 1, "index_background": True},
        {"abstract": True, "queryset_class": mongoengine.QuerySet, "shard_key": []},
        {"verbose_name": "a", "verbose_name_plural": "b", "app_label": "c"},
    ],
)
def test_other_options_of_meta_are_silent(meta: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made(meta)


@pytest.mark.parametrize(
    ("make", "proposal"),
    [
        (lambda: StringField(requierd=True), "required"),
        (lambda: StringField(defualt="a"), "default"),
        (lambda: StringField(max_lenght=3), "max_length"),
        (lambda: IntField(mim_value=3), "min_value"),
        (lambda: ListField(StringField(), db_feild="a"), "db_field"),
        (lambda: StringField(uniqe=True), "unique"),
        (lambda: StringField(primry_key=True), "primary_key"),
    ],
)
def test_an_option_of_a_field_that_is_almost_known_warns(
    make: Callable[[], Any], proposal: str
) -> None:
    with pytest.warns(MongoEngineWarning, match=f"did you mean '{proposal}'") as caught:
        make()
    assert [warning.filename for warning in caught] == [__file__]


def test_other_options_of_fields_are_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field = StringField(
            help_text="a",
            verbose_name="b",
            label="c",
            validators=[],
            filters=[],
            widget=None,
            wtf_options={},
            description="d",
            textarea=True,
            _requierd=1,
        )
    assert field.label == "c"  # type: ignore[attr-defined]


# Attributes


@pytest.fixture
def user() -> MSUser:
    return MSUser(
        name="a",
        address=MSAddress(city="x"),
        addresses=[MSAddress(city="y")],
        places={"a": MSAddress(city="z")},
    )


@pytest.fixture
def caught() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        yield messages


def texts(caught: list[warnings.WarningMessage]) -> list[str]:
    return [
        str(warning.message)
        for warning in caught
        if issubclass(warning.category, MongoEngineWarning)
    ]


NMAE = "MSUser has no field 'nmae': the attribute is not stored; did you mean 'name'?"


async def test_an_attribute_that_is_not_stored_warns_once_when_it_is_saved(
    family: Family, user: Any, caught: list[warnings.WarningMessage]
) -> None:
    user.nmae = "x"
    assert texts(caught) == []
    await family(user, "save")
    assert texts(caught) == [NMAE]
    assert caught[0].filename in (__file__, _families_file())
    await family(user, "save")
    await family(user, "validate")
    assert texts(caught) == [NMAE]
    user.another = 1
    await family(user, "save")
    assert texts(caught)[1:] == [
        "MSUser has no field 'another': the attribute is not stored"
    ]


def _families_file() -> str:
    """Return where methods of families are called."""
    return os.path.join(os.path.dirname(__file__), "families.py")


@pytest.mark.usefixtures("connection")
def test_the_place_is_the_line_that_saves(
    user: Any, caught: list[warnings.WarningMessage]
) -> None:
    user.nmae = "x"
    user.save()
    assert caught[0].filename == __file__
    assert caught[0].lineno == _line_of(user, "user.save()")


def _line_of(user: Any, text: str) -> int:
    """Return the number of the first line of this file that is a statement."""
    with open(__file__, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            if line == f"    {text}\n":
                return number
    raise AssertionError(text)


@pytest.mark.usefixtures("async_connection")
async def test_the_place_is_the_line_that_awaits(
    user: Any, caught: list[warnings.WarningMessage]
) -> None:
    user.nmae = "x"
    await user.async_save()
    assert caught[0].filename == __file__


async def test_loaded_documents_warn(
    family: Family, user: Any, caught: list[warnings.WarningMessage]
) -> None:
    await family(user, "save")
    loaded: Any = await family(MSUser.objects, "first")
    loaded.nmae = "x"
    await family(loaded, "save")
    assert texts(caught) == [NMAE]


@pytest.mark.parametrize(
    "inside",
    [
        lambda user: user.address,
        lambda user: user.addresses[0],
        lambda user: user.places["a"],
    ],
)
@pytest.mark.parametrize("loaded", [False, True])
async def test_embedded_documents_warn(
    family: Family,
    user: Any,
    caught: list[warnings.WarningMessage],
    inside: Callable[[Any], Any],
    loaded: bool,
) -> None:
    await family(user, "save")
    if loaded:
        user = await family(MSUser.objects, "first")
    inside(user).ctiy = "x"
    await family(user, "save")
    assert texts(caught) == [
        "MSAddress has no field 'ctiy': the attribute is not stored; "
        "did you mean 'city'?"
    ]


@pytest.mark.parametrize("method", ["insert", "bulk_save"])
async def test_documents_that_are_written_together_warn(
    family: Family, user: Any, caught: list[warnings.WarningMessage], method: str
) -> None:
    user.nmae = "x"
    await family(MSUser.objects, method, [user])
    assert texts(caught) == [NMAE]


async def test_what_is_declared_private_or_dynamic_is_silent(
    family: Family, user: Any, caught: list[warnings.WarningMessage]
) -> None:
    user._nmae = 1
    user.cached = 1
    user.announced = 2
    user.shout = "B"
    user.pk = None
    user.name = "c"
    user.validate_later = lambda: None
    del user.validate_later
    await family(user, "save")
    loose: Any = MSOpen(name="a")
    loose.nmae = 1
    await family(loose, "save")
    await family(MSLoose._from_son({"name": "a", "nmae": "b"}), "save")
    assert texts(caught) == []


async def test_the_filters_of_warnings_decide(family: Family, user: Any) -> None:
    user.nmae = "x"
    with warnings.catch_warnings():
        warnings.simplefilter("error", MongoEngineWarning)
        with pytest.raises(MongoEngineWarning):
            await family(user, "save")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", MongoEngineWarning)
        await family(MSUser(name="a"), "save")


# Mistakes with the asynchronous family


async def test_create_with_a_list_names_insert(family: Family, user: Any) -> None:
    with pytest.raises(TypeError, match=r"takes 1 .*insert\(\) takes documents"):
        await family(MSUser.objects, "create", [user])


@pytest.mark.usefixtures("async_connection")
async def test_a_blocking_loop_says_what_to_use() -> None:
    with pytest.raises(RuntimeError, match="Use async for with async connection"):
        for _ in MSUser.objects:
            pass


@pytest.mark.usefixtures("async_connection")
async def test_a_queryset_cannot_be_awaited() -> None:
    queryset: Any = MSUser.objects
    with pytest.raises(TypeError, match="can't be used in 'await' expression"):
        await queryset
    assert not hasattr(queryset, "__await__")
