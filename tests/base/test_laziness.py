"""A loaded document converts a field when it is touched; nothing else shows it."""

from __future__ import annotations

import copy
import datetime
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from bson import SON, DBRef, ObjectId

from mongoengine import (
    DateTimeField,
    DecimalField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    FieldDoesNotExist,
    GenericEmbeddedDocumentField,
    IntField,
    InvalidDocumentError,
    ListField,
    MapField,
    NotRegistered,
    ReferenceField,
    SortedListField,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.base.datastructures import BaseDict, BaseList, EmbeddedDocumentList
from mongoengine.base.fields import BaseField
from mongoengine.context_managers import no_dereference

DAY = datetime.datetime(2024, 2, 29, 12)
ID = ObjectId("5f0000000000000000000001")


class LazyInner(EmbeddedDocument):
    deep = IntField(db_field="dp")


class LazyPart(EmbeddedDocument):
    text = StringField(db_field="t", max_length=5)
    size = IntField(default=3)
    inner = EmbeddedDocumentField(LazyInner, db_field="in")
    tags = ListField(StringField())


class LazyThing(Document):
    name = StringField(db_field="n")
    number = IntField(min_value=0)
    price = DecimalField()
    when = DateTimeField()
    note = StringField(null=True)
    kind = StringField(default="plain", choices=["plain", "odd"])
    made = IntField(default=lambda: 7)
    part = EmbeddedDocumentField(LazyPart, db_field="p")
    parts = EmbeddedDocumentListField(LazyPart, db_field="ps")
    listed = ListField(EmbeddedDocumentField(LazyPart))
    numbers = ListField(IntField(), db_field="ns")
    rows = ListField(ListField(IntField()))
    anything = ListField()
    extra = DictField(db_field="x")
    mapped = MapField(EmbeddedDocumentField(LazyPart))
    counts = MapField(IntField())
    sorted = SortedListField(IntField())
    any_part = GenericEmbeddedDocumentField()


class LazySimple(Document):
    name = StringField(db_field="n", required=True)
    number = IntField()
    when = DateTimeField()
    part = EmbeddedDocumentField(LazyPart)
    parts = EmbeddedDocumentListField(LazyPart, db_field="ps")
    numbers = ListField(IntField())
    extra = DictField(db_field="x")


class LazyAnimal(Document):
    name = StringField()
    meta = {"allow_inheritance": True}


class LazyDog(LazyAnimal):
    part = EmbeddedDocumentField(LazyPart)


class LazyBase(EmbeddedDocument):
    size = IntField()
    meta = {"allow_inheritance": True}


class LazySub(LazyBase):
    more = ListField(IntField())


class LazyHolder(Document):
    one = EmbeddedDocumentField(LazyBase)
    many = ListField(EmbeddedDocumentField(LazyBase))


class LazyLoose(Document):
    name = StringField()
    meta = {"strict": False}


class LazyDynamic(DynamicDocument):
    name = StringField()
    numbers = ListField(IntField())


class LazyRequired(Document):
    name = StringField(required=True)
    numbers = ListField(IntField(), required=True)
    part = EmbeddedDocumentField(LazyPart, required=True)


PART = {"t": "abc", "size": 1, "in": {"dp": 2}, "tags": ["x"]}
WHOLE = {
    "_id": ID,
    "n": "name",
    "number": 1,
    "price": "2.50",
    "when": DAY,
    "note": "n",
    "kind": "odd",
    "made": 8,
    "p": PART,
    "ps": [PART, {"t": "b"}],
    "listed": [PART],
    "ns": [1, 2],
    "rows": [[1], [2, 3]],
    "anything": [1, {"a": [{"b": 1}]}, "x", None],
    "x": {"a": {"b": {"c": [1, {"d": 2}]}}},
    "mapped": {"k": PART},
    "counts": {"a": 1},
    "sorted": [1, 2, 3],
    "any_part": {"_cls": "LazyPart", "t": "g"},
}

SIMPLE = {
    "_id": ID,
    "n": "name",
    "number": 1,
    "when": DAY,
    "part": PART,
    "ps": [PART, PART],
    "numbers": [1, 2],
    "x": {"a": {"b": [1]}},
}

#: Every raw document that has to be the same, touched or not.
SHAPES: dict[str, tuple[type[Document], dict[str, Any]]] = {
    "whole": (LazyThing, WHOLE),
    "empty": (LazyThing, {}),
    "only an id": (LazyThing, {"_id": ID}),
    "other order": (LazyThing, dict(reversed(WHOLE.items()))),
    "all None": (LazyThing, dict.fromkeys(WHOLE)),
    "empty containers": (
        LazyThing,
        {"p": {}, "ps": [], "listed": [], "ns": [], "x": {}, "mapped": {}},
    ),
    "None in lists": (LazyThing, {"ns": [1, None], "anything": [None], "rows": [[]]}),
    "None inside": (LazyThing, {"p": {"t": None, "in": None, "tags": None}}),
    "parts without keys": (LazyThing, {"ps": [{}, {"size": 9}]}),
    "number as text": (LazyThing, {"number": "5"}),
    "numbers as text": (LazyThing, {"ns": ["5", 6, "x"]}),
    "text as number": (LazyThing, {"n": 5, "p": {"t": 6}}),
    "too small": (LazyThing, {"number": -1}),
    "too long": (LazyThing, {"p": {"t": "far too long"}}),
    "too long in a list": (LazyThing, {"ps": [PART, {"t": "far too long"}]}),
    "no choice": (LazyThing, {"kind": "strange"}),
    "price as number": (LazyThing, {"price": 2.5}),
    "price without sense": (LazyThing, {"price": "dear"}),
    "date as text": (LazyThing, {"when": "2024-01-01"}),
    "date without sense": (LazyThing, {"when": "soon"}),
    "text instead of a list": (LazyThing, {"anything": "text"}),
    "number instead of a list": (LazyThing, {"ns": 5}),
    "dict instead of a list": (LazyThing, {"rows": {"a": 1}}),
    "list instead of a dict": (LazyThing, {"x": [1]}),
    "list instead of a map": (LazyThing, {"counts": [1]}),
    "unsorted": (LazyThing, {"sorted": [3, 1, 2]}),
    "dollar key": (LazyThing, {"x": {"a": {"$b": 1}}}),
    "inherited": (LazyDog, {"_id": ID, "_cls": "LazyAnimal.LazyDog", "part": PART}),
    "inherited, by its base": (
        LazyAnimal,
        {"_id": ID, "_cls": "LazyAnimal.LazyDog", "name": "d", "part": PART},
    ),
    "without its class": (LazyAnimal, {"_id": ID, "name": "n"}),
    "embedded of a subclass": (
        LazyHolder,
        {
            "one": {"_cls": "LazyBase.LazySub", "size": 1, "more": [1]},
            "many": [
                {"_cls": "LazyBase", "size": 1},
                {"_cls": "LazyBase.LazySub", "more": ["2"]},
                {"size": 4},
            ],
        },
    ),
    "unknown keys": (LazyLoose, {"_id": ID, "name": "n", "other": {"a": [1]}}),
    "dynamic": (
        LazyDynamic,
        {"_id": ID, "name": "n", "numbers": [1], "a": 1, "b": {"c": [1, {"d": 2}]}},
    ),
    "nothing of what is required": (LazyRequired, {}),
    "all that is required": (LazyRequired, {"name": "n", "numbers": [1], "part": PART}),
    "required and empty": (LazyRequired, {"name": "", "numbers": [], "part": {}}),
}

shapes = pytest.mark.parametrize("shape", SHAPES)


def untouched(shape: str) -> Any:
    cls, raw = SHAPES[shape]
    return cls._from_son(copy.deepcopy(raw))


def touched(shape: str) -> Any:
    document = untouched(shape)
    touch(document)
    return document


def touch(value: Any) -> None:
    """Read everything there is in a document."""
    if isinstance(value, (Document, EmbeddedDocument)):
        for name in value._fields_ordered:
            touch(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            touch(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            touch(item)


def validation_of(document: Any) -> Any:
    try:
        document.validate()
    except ValidationError as error:
        return str(error), error.to_dict()
    return None


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return the result of a call, or the error that it ends with."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        return type(error), str(error)


def plain(value: Any) -> Any:
    """A value and what is in it, without what wraps it."""
    if isinstance(value, (Document, EmbeddedDocument)):
        return type(value), {k: plain(v) for k, v in value._data.items()}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def loaded(**raw: Any) -> LazyThing:
    return LazyThing._from_son(raw)


# The same, touched or not


@shapes
def test_dumps_are_the_same(shape: str) -> None:
    expected = outcome(touched(shape).to_mongo)
    assert outcome(untouched(shape).to_mongo) == expected


@shapes
def test_dumps_are_in_the_same_order(shape: str) -> None:
    expected = list(outcome(touched(shape).to_mongo))
    assert list(outcome(untouched(shape).to_mongo)) == expected


@shapes
def test_dumps_with_python_names_are_the_same(shape: str) -> None:
    expected = outcome(touched(shape).to_mongo, use_db_field=False)
    assert outcome(untouched(shape).to_mongo, use_db_field=False) == expected


@shapes
def test_validation_is_the_same(shape: str) -> None:
    assert validation_of(untouched(shape)) == validation_of(touched(shape))


@shapes
def test_data_is_the_same(shape: str) -> None:
    assert plain(untouched(shape)) == plain(touched(shape))


@shapes
def test_nothing_counts_as_changed(shape: str) -> None:
    document = touched(shape)
    assert (document._get_changed_fields(), document._delta()) == ([], ({}, {}))
    assert untouched(shape)._delta() == ({}, {})


@shapes
def test_pickles_are_the_same(shape: str) -> None:
    one, other = (outcome(pickled, d(shape)) for d in (untouched, touched))
    assert plain(one) == plain(other)


def pickled(document: Any) -> Any:
    return pickle.loads(pickle.dumps(document))


@shapes
def test_deep_copies_are_the_same(shape: str) -> None:
    one, other = (outcome(copy.deepcopy, d(shape)) for d in (untouched, touched))
    assert plain(one) == plain(other)


@shapes
def test_wire_form_is_the_dump(shape: str) -> None:
    expected = outcome(untouched(shape).to_mongo)
    assert outcome(lambda: untouched(shape)._to_wire([])) == expected
    assert outcome(lambda: touched(shape)._to_wire([])) == expected


@shapes
def test_changing_one_field_sends_that_alone(shape: str) -> None:
    document = untouched(shape)
    name = "name" if "name" in document._fields else "one"
    value: Any = "other" if name == "name" else LazyBase(size=77)
    setattr(document, name, value)
    assert document._get_changed_fields() == [document._db_field_map[name]]


@shapes
def test_dumps_of_some_fields_are_the_same(shape: str) -> None:
    some = ["name", "numbers", "part.text", "parts.inner", "many"]
    expected = outcome(touched(shape).to_mongo, fields=some)
    assert outcome(untouched(shape).to_mongo, fields=some) == expected


# What is converted when


def test_a_loaded_document_keeps_its_mapping() -> None:
    raw = copy.deepcopy(SIMPLE)
    document = LazySimple._from_son(raw)
    assert document._raw is raw
    assert not document._values


def test_only_what_may_fail_is_converted_when_loaded() -> None:
    document = LazyThing._from_son(copy.deepcopy(WHOLE))
    assert set(document._values) <= {"price", "mapped", "any_part"}


def test_the_mapping_is_left_as_it_was() -> None:
    raw = copy.deepcopy(WHOLE)
    document = LazyThing._from_son(raw)
    touch(document)
    document.extra["a"]["b"]["c"].append(9)
    document.numbers.append(3)
    document.parts[0].inner.deep = 8
    document.to_mongo()
    assert raw == WHOLE


def test_a_scalar_is_given_as_it_was_read() -> None:
    name = "".join(["na", "me"])
    document = loaded(n=name)
    assert document.name is name
    assert not document._values


def test_touching_a_field_leaves_the_others() -> None:
    document = loaded(n="x", price="1.5", ns=[1], p=PART)
    assert document.price == Decimal("1.5")
    assert set(document._values) == {"price"}


def test_a_converted_value_is_kept() -> None:
    document = loaded(p=PART)
    assert document.part is document.part


def test_a_default_is_made_once() -> None:
    document = loaded()
    assert document.made == 7
    assert document.extra is document.extra


def test_missing_values_are_their_defaults() -> None:
    document = loaded()
    assert (document.kind, document.name, document.numbers) == ("plain", None, [])
    assert (document.part, document.parts) == (None, [])


def test_null_keeps_none_where_it_is_allowed() -> None:
    class Both(Document):
        kept = StringField(null=True, default="d")
        replaced = StringField(default="d")

    document = Both._from_son({"kept": None, "replaced": None})
    assert (document.kept, document.replaced) == (None, "d")


def test_an_embedded_document_is_as_lazy_as_its_owner() -> None:
    part: Any = loaded(p=copy.deepcopy(PART)).part
    assert not part._values
    assert part.inner.deep == 2
    assert set(part._values) == {"inner"}


def test_listed_documents_stay_untouched_when_the_list_is() -> None:
    document = loaded(ps=[PART, PART])
    assert [bool(part._values) for part in document.parts] == [False, False]


def test_lists_are_tracked_with_their_owner() -> None:
    document = loaded(ns=[1])
    numbers: Any = document.numbers
    assert type(numbers) is BaseList
    assert (numbers._name, numbers._instance) == ("numbers", document)


def test_dicts_are_tracked_with_their_owner() -> None:
    document = loaded(x={"a": 1})
    extra: Any = document.extra
    assert type(extra) is BaseDict
    assert (extra._name, extra._instance) == ("extra", document)


def test_lists_of_embedded_documents_have_queries() -> None:
    assert type(loaded(ps=[PART]).parts) is EmbeddedDocumentList


def test_embedded_documents_know_their_owner() -> None:
    document = loaded(p=PART, ps=[PART], listed=[PART], mapped={"k": PART})
    owned = [document.part, document.parts[0], document.listed[0]]
    assert all(part._instance == document for part in owned)
    assert document.mapped["k"]._instance == document


def test_an_owner_is_not_kept_alive_by_what_it_holds() -> None:
    part = loaded(p=PART).part
    with pytest.raises(ReferenceError):
        part._instance.name


def test_deep_plain_data_is_wrapped_as_far_as_it_is_touched() -> None:
    inner = {"c": [1, {"d": 2}]}
    document = loaded(x={"a": {"b": inner}, "z": {"y": 1}})
    assert dict.__getitem__(document.extra, "z").__class__ is dict
    wrapped = document.extra["a"]
    assert type(wrapped) is BaseDict
    assert dict.__getitem__(wrapped, "b") is inner


def test_deep_plain_data_is_not_copied_until_touched() -> None:
    inner = {"b": [1]}
    document = loaded(x={"a": inner}, anything=[inner])
    assert dict.__getitem__(document.extra, "a") is inner
    assert list.__getitem__(document.anything, 0) is inner


def test_plain_data_is_tracked_at_every_level() -> None:
    document = loaded(x={"a": {"b": [1, {"d": 2}]}}, anything=[{"b": [1]}])
    document._clear_changed_fields()
    document.extra["a"]["b"][1]["d"] = 3
    document.anything[0]["b"].append(2)
    assert document._get_changed_fields() == ["x.a.b.1.d", "anything.0.b"]


def test_references_are_found_in_large_plain_data() -> None:
    reference = {"_cls": "LazyThing", "_ref": DBRef("lazy_thing", 1)}
    many = {str(place): place for place in range(40)}
    for extra in ({**many, **reference}, {**many, "r": reference["_ref"]}):
        document = loaded(x=extra)
        with no_dereference(type(document)):
            assert not document.extra._dereferenced


def test_plain_data_is_a_copy_of_what_was_loaded() -> None:
    raw = {"x": {"a": {"b": [1]}}}
    document = loaded(**copy.deepcopy(raw))
    document.extra["a"]["b"].append(2)
    assert document._raw["x"] == raw["x"]


def test_untouched_documents_are_dumped_without_converting() -> None:
    document = LazySimple._from_son(copy.deepcopy(SIMPLE))
    assert document.to_mongo() == SIMPLE
    assert not document._values


def test_untouched_documents_are_validated_without_converting() -> None:
    document = LazySimple._from_son(copy.deepcopy(SIMPLE))
    document.validate()
    assert not document._values


def test_equal_documents_are_found_so_without_converting() -> None:
    one, other = (LazySimple._from_son(copy.deepcopy(SIMPLE)) for _ in range(2))
    assert one == other
    assert not one._values


def test_a_dump_shares_no_container_with_the_document() -> None:
    raw = copy.deepcopy(WHOLE)
    dumped = LazyThing._from_son(raw).to_mongo()
    dumped["x"]["a"]["b"]["c"].append(5)
    dumped["ns"].append(5)
    dumped["ps"][0]["tags"].append("y")
    assert raw == WHOLE


def test_a_dump_is_a_son() -> None:
    assert type(loaded(p=PART).to_mongo()) is SON
    assert type(loaded(p=PART).to_mongo()["p"]) is SON


def test_data_shows_every_field() -> None:
    assert loaded(n="x")._data.keys() == LazyThing._fields.keys()


def test_data_is_the_document_itself() -> None:
    document = loaded(n="x")
    document._data["name"] = "y"
    assert document.name == "y"


def test_data_can_be_replaced() -> None:
    document = loaded(n="x")
    document._data = {**document._data, "name": "z"}
    assert document.name == "z"


def test_data_has_what_no_field_has_where_that_is_allowed() -> None:
    document = LazyLoose._from_son({"name": "n", "other": 1})
    assert document._data == {"id": None, "name": "n", "other": 1}


def test_unknown_keys_are_not_stored_again() -> None:
    assert LazyLoose._from_son({"name": "n", "other": 1}).to_mongo() == {"name": "n"}


# Bad data


@pytest.mark.parametrize(
    "raw",
    [
        {"p": 5},
        {"p": [PART]},
        {"p": "text"},
        {"ps": [PART, 5]},
        {"ps": [[PART]]},
        {"listed": ["x"]},
        {"mapped": {"k": 5}},
    ],
)
def test_data_of_the_wrong_shape_is_refused_when_loaded(raw: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidDocumentError, match=r"Invalid data to create a `LazyThing` instance"
    ):
        LazyThing._from_son(raw)


@pytest.mark.parametrize("raw", [{"ps": [{"in": 1}]}, {"p": {"in": [1]}}])
def test_the_class_of_the_wrong_data_is_told(raw: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocumentError, match=r"create a `LazyPart` instance"):
        LazyThing._from_son(raw)


def test_every_bad_field_is_told() -> None:
    with pytest.raises(InvalidDocumentError) as caught:
        LazyThing._from_son({"p": 5, "listed": [1]})
    assert "Field 'part' - " in str(caught.value)
    assert "Field 'listed' - " in str(caught.value)


def test_a_bad_document_is_refused_by_batches_too() -> None:
    make = LazyThing._maker()
    assert make({"p": PART}).part.size == 1
    with pytest.raises(InvalidDocumentError):
        make({"p": 5})


def test_unknown_keys_are_refused_when_loaded() -> None:
    with pytest.raises(FieldDoesNotExist, match=r"'other'.*do not exist"):
        LazyThing._from_son({"n": "x", "other": 1})


def test_unknown_keys_of_embedded_documents_are_refused_when_loaded() -> None:
    with pytest.raises(FieldDoesNotExist, match='on the document "LazyPart"'):
        LazyThing._from_son({"p": {"t": "x", "other": 1}})
    with pytest.raises(FieldDoesNotExist, match='on the document "LazyPart"'):
        LazyThing._from_son({"ps": [PART, {"other": 1}]})


@pytest.mark.parametrize("raw", [5, "text", [1], ObjectId])
def test_only_dicts_are_loaded(raw: Any) -> None:
    with pytest.raises(ValueError, match="needs to be of type 'dict'"):
        LazyThing._from_son(raw)


def test_an_unregistered_class_is_refused() -> None:
    with pytest.raises(NotRegistered, match="`Nowhere` has not been registered"):
        LazyAnimal._from_son({"_cls": "Nowhere"})
    with pytest.raises(NotRegistered):
        LazyHolder._from_son({"one": {"_cls": "Nowhere", "size": 1}})


# Which class


def test_the_stored_class_is_made() -> None:
    raw = {"_cls": "LazyAnimal.LazyDog", "name": "x"}
    assert type(LazyAnimal._from_son(raw)) is LazyDog


def test_batches_may_be_of_several_classes() -> None:
    make = LazyAnimal._maker()
    raws = [{"_cls": "LazyAnimal", "name": "a"}, {"_cls": "LazyAnimal.LazyDog"}] * 2
    assert [type(make(raw)) for raw in raws] == [LazyAnimal, LazyDog] * 2


def test_embedded_documents_are_of_the_stored_class() -> None:
    document = LazyHolder._from_son(
        {
            "one": {"_cls": "LazyBase.LazySub", "more": [1]},
            "many": [{"_cls": "LazyBase"}, {"_cls": "LazyBase.LazySub"}],
        }
    )
    assert type(document.one) is LazySub
    assert [type(one) for one in document.many] == [LazyBase, LazySub]


def test_an_embedded_document_without_its_class_is_of_the_fields() -> None:
    assert type(LazyHolder._from_son({"one": {"size": 1}}).one) is LazyBase


def test_a_stored_class_may_be_told_by_its_last_name() -> None:
    assert type(LazyAnimal._from_son({"_cls": "LazyDog"})) is LazyDog


def test_a_missing_class_is_the_one_that_was_asked_for() -> None:
    assert LazyAnimal._from_son({"name": "x"})._cls == "LazyAnimal"


# User code keeps its turn


def test_a_constructor_of_the_user_is_called() -> None:
    seen = []

    class Own(Document):
        name = StringField(db_field="n")

        def __init__(self, *args: Any, **values: Any) -> None:
            seen.append(dict(values))
            super().__init__(*args, **values)

    document = Own._from_son({"_id": ID, "n": "x"})
    assert seen == [
        {"__auto_convert": False, "_created": False, "name": "x", "id": ID}
    ] or seen == [{"_created": False, "__auto_convert": False, "id": ID, "name": "x"}]
    assert (document.name, document._created) == ("x", False)


def test_a_constructor_of_an_embedded_class_is_called_at_once() -> None:
    made = []

    class OwnPart(EmbeddedDocument):
        size = IntField()

        def __init__(self, *args: Any, **values: Any) -> None:
            super().__init__(*args, **values)
            made.append(self.size)

    class Owner(Document):
        part = EmbeddedDocumentField(OwnPart)
        parts = ListField(EmbeddedDocumentField(OwnPart))

    Owner._from_son({"part": {"size": 1}, "parts": [{"size": 2}, {"size": 3}]})
    assert made == [1, 2, 3]


def test_to_python_of_the_user_is_called_at_once() -> None:
    seen = []

    class Shouting(StringField):
        def to_python(self, value: Any) -> Any:
            seen.append(value)
            return value.upper()

    class Loud(Document):
        name = Shouting()
        names = ListField(Shouting())

    document = Loud._from_son({"name": "a", "names": ["b"]})
    assert seen == ["a", "b"]
    assert (document.name, document.names) == ("A", ["B"])


def test_a_failing_to_python_of_the_user_refuses_the_document() -> None:
    class Picky(StringField):
        def to_python(self, value: Any) -> Any:
            raise ValueError("not like this")

    class Refusing(Document):
        name = Picky()

    with pytest.raises(InvalidDocumentError, match="Field 'name' - not like this"):
        Refusing._from_son({"name": "a"})


def test_a_descriptor_of_the_user_sees_every_loaded_value() -> None:
    seen = []

    class Watched(StringField):
        def __set__(self, instance: Any, value: Any) -> None:
            seen.append(value)
            super().__set__(instance, value)

    class Watching(Document):
        name = Watched(db_field="n")

    assert Watching._from_son({"n": "a"}).name == "a"
    Watching._from_son({})
    assert seen == ["a", None]


def test_an_attribute_hook_of_the_user_sees_every_loaded_value() -> None:
    seen = []

    class Hooked(Document):
        name = StringField()
        number = IntField(default=4)

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_"):
                seen.append((name, value))
            super().__setattr__(name, value)

    assert Hooked._from_son({"name": "a"}).number == 4
    assert seen == [("number", None), ("id", None), ("name", "a")]


@contextmanager
def receiver(signal: Any, function: Any, sender: Any) -> Iterator[None]:
    signal.connect(function, sender=sender)
    try:
        yield
    finally:
        signal.disconnect(function, sender=sender)


def test_receivers_of_pre_init_see_and_change_the_values() -> None:
    def shout(sender: Any, document: Any, values: Any) -> None:
        values["name"] = values["name"].upper()

    with receiver(signals.pre_init, shout, LazyThing):
        assert loaded(n="a").name == "A"


def test_receivers_of_post_init_see_the_whole_document() -> None:
    seen = []

    def look(sender: Any, document: Any) -> None:
        seen.append((sender, document.name, document._created, document._initialised))

    with receiver(signals.post_init, look, LazyThing):
        loaded(n="a")
        LazyThing._maker()({"n": "b"})
    assert seen == [(LazyThing, "a", False, True), (LazyThing, "b", False, True)]


def test_receivers_see_embedded_documents_before_their_owner() -> None:
    seen = []

    def look(sender: Any, document: Any) -> None:
        seen.append(sender)

    with receiver(signals.post_init, look, LazyPart):
        with receiver(signals.post_init, look, LazyThing):
            loaded(p={"t": "a"}, ps=[{"t": "b"}])
    assert seen == [LazyPart, LazyPart, LazyThing]


def test_documents_are_lazy_again_when_the_receivers_are_gone() -> None:
    with receiver(signals.post_init, lambda sender, document: None, LazyThing):
        assert loaded(n="a")._values
    assert not loaded(n="a")._values


def test_to_mongo_of_a_class_is_used_for_embedded_documents() -> None:
    class Counting(EmbeddedDocument):
        size = IntField()

        def to_mongo(self, *args: Any, **kwargs: Any) -> Any:
            dumped = super().to_mongo(*args, **kwargs)
            dumped["counted"] = True
            return dumped

    class Counted(Document):
        part = EmbeddedDocumentField(Counting)
        parts = ListField(EmbeddedDocumentField(Counting))

    document = Counted._from_son({"part": {"size": 1}, "parts": [{"size": 2}]})
    expected = {"size": 1, "counted": True}
    assert document.to_mongo()["part"] == expected
    assert document.to_mongo()["parts"] == [{"size": 2, "counted": True}]
    assert document._to_wire([])["part"] == expected


def test_clean_of_an_embedded_class_is_called() -> None:
    class Cleaning(EmbeddedDocument):
        size = IntField()

        def clean(self) -> None:
            raise ValidationError("not clean")

    class Cleaned(Document):
        part = EmbeddedDocumentField(Cleaning)

    with pytest.raises(ValidationError, match="not clean"):
        Cleaned._from_son({"part": {"size": 1}}).validate()


def test_validation_of_the_user_is_called() -> None:
    seen = []

    class Checked(Document):
        name = StringField(validation=seen.append)
        names = ListField(StringField(validation=seen.append))

    Checked._from_son({"name": "a", "names": ["b", "c"]}).validate()
    assert seen == ["a", "b", "c"]


def test_an_overridden_validate_of_a_field_is_called() -> None:
    class Even(IntField):
        def validate(self, value: Any, clean: bool = True) -> None:
            if value % 2:
                self.error("odd")

    class Evens(Document):
        number = Even()
        numbers = ListField(Even())

    Evens._from_son({"number": 2, "numbers": [4]}).validate()
    with pytest.raises(ValidationError, match="odd"):
        Evens._from_son({"numbers": [4, 3]}).validate()


# Copies


def test_a_pickled_document_is_not_new() -> None:
    document = pickled(loaded(_id=ID, n="x", p=PART))
    assert (document._created, document._changed_fields) == (False, [])
    assert document.part._instance == document


def test_a_pickle_keeps_what_was_changed() -> None:
    document = loaded(_id=ID, n="x", ns=[1])
    document.numbers.append(2)
    again = pickle.loads(pickle.dumps(document))
    assert again._get_changed_fields() == ["ns"]
    again.numbers.append(3)
    assert (again.numbers, document.numbers) == ([1, 2, 3], [1, 2])


def test_a_pickled_embedded_document_has_no_owner() -> None:
    part = pickle.loads(pickle.dumps(loaded(p=PART).part))
    assert part._instance is None
    assert part.text == "abc"


def test_a_deep_copy_is_independent() -> None:
    document = loaded(_id=ID, ns=[1], x={"a": {"b": 1}}, p=PART)
    again = copy.deepcopy(document)
    again.numbers.append(2)
    again.extra["a"]["b"] = 2
    again.part.text = "new"
    other = loaded(_id=ID, ns=[1], x={"a": {"b": 1}}, p=PART)
    assert document.to_mongo() == other._dump_fields()
    assert document._get_changed_fields() == []
    assert sorted(again._get_changed_fields()) == ["ns", "p.t", "x.a.b"]


def test_a_pickled_dynamic_document_has_its_fields() -> None:
    document = LazyDynamic._from_son({"_id": ID, "name": "n", "a": [1], "b": {"c": 1}})
    again = pickle.loads(pickle.dumps(document))
    assert (again.a, again.b, again.name) == ([1], {"c": 1}, "n")
    again.a = [2]
    assert again._get_changed_fields() == ["a"]


# Without following references


def test_what_is_inside_follows_no_references_either() -> None:
    class Pointing(EmbeddedDocument):
        other = ReferenceField(LazyAnimal)

    class Outer(Document):
        one = EmbeddedDocumentField(Pointing)
        many = ListField(EmbeddedDocumentField(Pointing))
        mapped = MapField(EmbeddedDocumentField(Pointing))

    raw = {
        "one": {"other": ID},
        "many": [{"other": ID}],
        "mapped": {"k": {"other": ID}},
    }
    document = Outer._from_son(raw, _auto_dereference=False)
    expected = DBRef("lazy_animal", ID)
    assert document.one.other == expected
    assert document.many[0].other == expected
    assert document.mapped["k"].other == expected


def test_batches_may_follow_no_references() -> None:
    class Pointer(Document):
        other = ReferenceField(LazyAnimal)

    make = Pointer._maker(auto_dereference=False)
    assert make({"other": ID}).other == DBRef("lazy_animal", ID)


# Threads


def test_two_threads_may_touch_one_document() -> None:
    for _ in range(20):
        document = LazyThing._from_son(copy.deepcopy(WHOLE))
        start = threading.Barrier(4)
        seen: list[Any] = []

        def work(
            document: LazyThing = document,
            start: threading.Barrier = start,
            seen: list[Any] = seen,
        ) -> None:
            start.wait()
            touch(document)
            seen.append(plain(document))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(seen) == 4
        assert all(one == seen[0] for one in seen)
        assert document._get_changed_fields() == []


def test_an_unfamiliar_field_is_converted_when_it_is_touched() -> None:
    class Reversed(BaseField[Any]):
        def to_python(self, value: Any) -> Any:
            return value[::-1]

        def to_mongo(self, value: Any) -> Any:
            return value[::-1]

    class Mirrored(Document):
        name = Reversed()

    document = Mirrored._from_son({"name": "abc"})
    assert document.name == "cba"
    assert document.to_mongo() == {"name": "abc"}
