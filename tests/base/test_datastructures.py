"""Lists and dicts that belong to a document; lists of embedded documents."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from bson import DBRef, ObjectId

from mongoengine import (
    DictField,
    Document,
    DoesNotExist,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    MapField,
    MultipleObjectsReturned,
    ReferenceField,
    StringField,
)
from mongoengine.base.datastructures import (
    BaseDict,
    BaseList,
    EmbeddedDocumentList,
    StrictDict,
)
from mongoengine.base.tracked import rebind
from tests.families import Family

ID = ObjectId("5f0000000000000000000001")


class StructPart(EmbeddedDocument):
    name = StringField()
    size = IntField()


class StructThing(Document):
    items = ListField()
    numbers = ListField(IntField())
    extra = DictField()
    parts = EmbeddedDocumentListField(StructPart)
    mapped = MapField(EmbeddedDocumentField(StructPart))


class StructHolder(Document):
    things = ListField(ReferenceField(StructThing))
    named = DictField()


def thing(**raw: Any) -> StructThing:
    return StructThing._from_son({"_id": ID, **raw})


def parts() -> tuple[StructThing, Any]:
    document = thing(
        parts=[
            {"name": "a", "size": 1},
            {"name": "b", "size": 2},
            {"name": "c", "size": 2},
        ]
    )
    return document, document.parts


# Tracked lists and dicts


def test_a_list_is_a_list() -> None:
    numbers = thing(numbers=[1, 2]).numbers
    assert isinstance(numbers, list)
    assert numbers == [1, 2]
    assert repr(numbers) == "[1, 2]"


def test_a_list_of_no_document_may_be_changed() -> None:
    loose = BaseList([1], None, "x")
    loose.append(2)
    assert loose == [1, 2]


def test_a_dict_of_no_document_may_be_changed() -> None:
    loose: BaseDict[str, int] = BaseDict({"a": 1}, None, "x")
    loose["b"] = 2
    assert loose == {"a": 1, "b": 2}


def test_a_slice_of_a_list_is_a_plain_list() -> None:
    part = thing(numbers=[1, 2, 3]).numbers[1:]
    assert (type(part), part) == (list, [2, 3])


def test_items_that_are_handed_out_are_tracked() -> None:
    document = thing(items=[{"a": 1}, [1]], extra={"a": {"b": 1}, "c": [1]})
    assert [type(item) for item in document.items] == [BaseDict, BaseList]
    assert [type(item) for item in document.items[:]] == [BaseDict, BaseList]
    assert [type(item) for item in document.extra.values()] == [BaseDict, BaseList]
    assert [type(item) for _, item in document.extra.items()] == [BaseDict, BaseList]


def test_an_item_keeps_its_path() -> None:
    document = thing(items=[[{"a": 1}]])
    item: Any = document.items[-1][0]
    assert item._name == "items.0.0"


def test_an_item_is_wrapped_once() -> None:
    document = thing(items=[[1]], extra={"a": {}})
    assert document.items[0] is document.items[0]
    assert document.extra["a"] is document.extra["a"]


def test_what_is_popped_is_what_was_in_it() -> None:
    document = thing(items=[{"a": 1}, 2], extra={"k": [1], "n": 1})
    assert document.items.pop() == 2
    assert document.items.pop(0) == {"a": 1}
    assert document.extra.pop("k") == [1]
    with pytest.raises(IndexError):
        document.items.pop()
    with pytest.raises(KeyError):
        document.extra.pop("gone")


def test_get_of_a_dict_gives_the_default() -> None:
    extra: Any = thing(extra={"a": None}).extra
    assert (extra.get("a", 1), extra.get("b"), extra.get("b", 2)) == (None, None, 2)


def test_a_missing_key_is_told() -> None:
    with pytest.raises(KeyError, match="b"):
        thing(extra={"a": 1}).extra["b"]


def test_embedded_documents_in_a_map_get_their_owner() -> None:
    document = StructThing(mapped={"k": StructPart(name="a")})
    part: Any = document.mapped["k"]
    assert part._instance is not None


def test_dicts_have_no_attributes_to_delete() -> None:
    document = thing(extra={"a": 1})
    with pytest.raises(AttributeError):
        del document.extra.a


@pytest.mark.parametrize(
    "copier", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_copies_belong_to_nobody(copier: Any) -> None:
    document = thing(items=[1, {"a": 1}], extra={"a": [1]})
    for original in (document.items, document.extra):
        copied: Any = copier(original)
        assert copied == original
        assert type(copied) is type(original)
        assert copied._instance is None
        assert copied._name == original._name
    assert document._get_changed_fields() == []


def test_the_state_of_a_container_is_itself() -> None:
    document = thing(items=[1], extra={"a": 1})
    for container in (document.items, document.extra):
        tracked: Any = container
        assert tracked.__getstate__() is tracked
        assert tracked._dereferenced is False


def test_a_state_is_taken_back() -> None:
    for container in (BaseList([], None, "a"), BaseDict({}, None, "a")):
        tracked: Any = container
        tracked.__setstate__({"_name": "b"})
        assert tracked._name == "b"


def test_a_list_of_embedded_documents_is_copied_as_one() -> None:
    _, part_list = parts()
    copied = copy.deepcopy(part_list)
    assert type(copied) is EmbeddedDocumentList
    assert [one.name for one in copied] == ["a", "b", "c"]


# Another owner


def test_what_is_rebound_tells_its_new_owner() -> None:
    old = thing(items=[[1]], extra={"a": {"b": 1}}, parts=[{"name": "a"}])
    old.items[0], old.extra["a"], old.parts[0].name
    new = thing()
    for name in ("items", "extra", "parts"):
        value = getattr(old, name)
        rebind(new, value)
        new._put(name, value)
    old._clear_changed_fields()
    new.items[0].append(2)
    new.extra["a"]["b"] = 2
    new.parts[0].name = "b"
    assert new._get_changed_fields() == ["items.0", "extra.a.b", "parts.0.name"]
    assert new.parts[0]._instance == new


def test_plain_containers_are_looked_into() -> None:
    part = StructPart(name="a")
    new = thing()
    rebind(new, {"k": [(part, 1)]})
    assert part._instance == new


def test_documents_are_not_rebound() -> None:
    other = thing()
    rebind(thing(), [other, None, 1])
    assert not hasattr(other, "_instance")


# Orphans


def test_generic_references_of_nothing_stay_plain() -> None:
    orphan = {"_cls": "StructThing", "_ref": DBRef("struct_thing", ID)}
    part_list = BaseList([orphan, {"a": 1}], None, "x")
    mapped: BaseDict[str, Any] = BaseDict({"o": orphan, "d": {"a": 1}}, None, "x")
    assert [type(item) for item in part_list] == [dict, BaseDict]
    assert [type(item) for item in mapped.values()] == [dict, BaseDict]


# References


async def test_fetch_puts_documents_in_the_place_of_references(
    family: Family, mongo: Any
) -> None:
    one = await family(StructThing(numbers=[1]), "save")
    mongo.struct_holder.insert_one(
        {
            "things": [one.id],
            "named": {"x": {"_cls": "StructThing", "_ref": one.to_dbref()}},
        }
    )
    holder = await family(StructHolder.objects.no_dereference(), "first")
    for container in (holder.things, holder.named):
        assert await family(container, "fetch") is container
    assert holder.things[0].numbers == [1]
    assert holder.named["x"].numbers == [1]
    assert holder._get_changed_fields() == []


# Lists of embedded documents


def names(found: Any) -> list[str]:
    return [one.name for one in found]


def test_filter_gives_those_that_match() -> None:
    _, part_list = parts()
    found = part_list.filter(size=2)
    assert type(found) is EmbeddedDocumentList
    assert names(found) == ["b", "c"]
    assert names(part_list.filter(size=2, name="c")) == ["c"]
    assert names(part_list.filter()) == ["a", "b", "c"]


def test_filter_compares_as_text_too() -> None:
    assert names(parts()[1].filter(size="2")) == ["b", "c"]


def test_filter_refuses_unknown_names() -> None:
    with pytest.raises(AttributeError):
        parts()[1].filter(nowhere=1)


def test_exclude_leaves_out_those_that_match() -> None:
    assert names(parts()[1].exclude(size=2)) == ["a"]
    assert names(parts()[1].exclude(size=2, name="c")) == ["a", "b"]


def test_queries_can_be_chained() -> None:
    assert names(parts()[1].filter(size=2).exclude(name="b")) == ["c"]


def test_count_is_the_length() -> None:
    assert parts()[1].filter(size=2).count() == 2


def test_get_gives_the_only_one() -> None:
    assert parts()[1].get(name="b").size == 2


def test_get_refuses_none_and_several() -> None:
    _, part_list = parts()
    with pytest.raises(DoesNotExist, match=r"parts matching query does not exist\."):
        part_list.get(name="z")
    with pytest.raises(MultipleObjectsReturned, match="2 items returned, instead of 1"):
        part_list.get(size=2)


def test_first_is_the_first_or_none() -> None:
    _, part_list = parts()
    assert part_list.first().name == "a"
    assert part_list.filter(name="z").first() is None


def test_create_adds_an_embedded_document() -> None:
    document, part_list = parts()
    made = part_list.create(name="d", size=4)
    assert document.parts[3] is made
    assert document._get_changed_fields() == ["parts"]


def test_create_finds_a_class_by_its_name() -> None:
    class ByName(Document):
        parts = EmbeddedDocumentListField("StructPart")

    document = ByName()
    made: Any = document.parts.create(name="a")
    assert (type(made), names(document.parts)) == (StructPart, ["a"])


def test_delete_takes_them_out_of_the_field() -> None:
    document, part_list = parts()
    assert part_list.filter(size=2).delete() == 2
    assert names(document.parts) == ["a"]
    assert document._get_changed_fields() == ["parts"]


def test_update_sets_fields_of_all() -> None:
    document, part_list = parts()
    assert part_list.filter(size=2).update(name="x", size=9) == 2
    assert [(one.name, one.size) for one in document.parts] == [
        ("a", 1),
        ("x", 9),
        ("x", 9),
    ]
    assert part_list.update() == 0
    assert document._get_changed_fields() == [
        *("parts.1.name", "parts.1.size"),
        *("parts.2.name", "parts.2.size"),
    ]


async def test_save_saves_the_document(family: Family, mongo: Any) -> None:
    document = await family(StructThing(parts=[StructPart(name="a")]), "save")
    document.parts.create(name="b")
    await family(document.parts, "save")
    (stored,) = mongo.struct_thing.find()
    assert names_of(stored["parts"]) == ["a", "b"]


def names_of(raw: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in raw]


# Strict dicts


def strict(**values: Any) -> Any:
    return StrictDict.create(("one", "two"))(**values)


def test_a_strict_dict_has_only_its_keys() -> None:
    with pytest.raises(AttributeError):
        strict(three=3)
    with pytest.raises(AttributeError):
        strict().three = 3


def test_a_strict_dict_is_read_as_a_dict_and_by_attributes() -> None:
    made = strict(one=1)
    made["two"] = 2
    assert (made["one"], made.two, made.get("two"), made.get("no", 5)) == (1, 2, 2, 5)
    with pytest.raises(KeyError, match="three"):
        made["three"]


def test_a_strict_dict_has_the_keys_that_are_set() -> None:
    made = strict(two=2)
    assert ("two" in made, "one" in made) == (True, False)
    assert (made.keys(), list(made), list(made.iterkeys())) == (["two"],) * 3
    assert (made.items(), list(made.iteritems())) == ([("two", 2)],) * 2
    assert len(made) == 1
    assert repr(made) == '{"two": 2}'


def test_a_strict_dict_equals_a_mapping_of_the_same_items() -> None:
    assert strict(one=1) == strict(one=1)
    assert strict(one=1) == {"one": 1}
    assert strict(one=1) != {"one": 2}
    assert strict(one=1) != strict(two=1)


def test_pop_of_a_strict_dict_takes_a_value_out() -> None:
    made = strict(one=1)
    assert made.pop("one") == 1
    assert made.pop("one") is None
    assert made.pop("one", 7) == 7
    assert len(made) == 0


def test_the_class_of_the_same_keys_is_the_same() -> None:
    assert StrictDict.create(("a", "b")) is StrictDict.create(("b", "a"))
    assert StrictDict.create(("a",)) is not StrictDict.create(("a", "b"))


def test_a_key_named_as_a_method_is_kept_apart() -> None:
    made: Any = StrictDict.create(("get", "one"))()
    made["get"] = 1
    assert made["get"] == 1
    assert made.keys() == ["get"]
    assert made.get("get") == 1
