"""The schema of a class: computed once, and computed again when it must be."""

from __future__ import annotations

from typing import Any

import pytest
from bson import SON, ObjectId

from mongoengine import (
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    FloatField,
    IntField,
    ListField,
    SequenceField,
    StringField,
    ValidationError,
    signals,
)
from mongoengine.base.dump_plans import AS_STORED, new_son
from mongoengine.base.fields import BaseField
from mongoengine.base.load_plans import MOST_SHAPES
from mongoengine.base.schema import Schema
from mongoengine.base.state import EMPTY

ID = ObjectId("5f0000000000000000000001")


class SchemaPart(EmbeddedDocument):
    text = StringField(max_length=3)


class SchemaThing(Document):
    name = StringField(db_field="n")
    number = IntField()
    part = EmbeddedDocumentField(SchemaPart)
    parts = ListField(EmbeddedDocumentField(SchemaPart))
    numbers = ListField(IntField())
    extra = DictField()


def prepared(field: Any) -> Any:
    """The field, as the schema of a class knows it."""
    body = {"__module__": __name__, "value": field}
    return type("SchemaHolder", (Document,), body)._schema.fields["value"]


def thing_of(field: Any, **raw: Any) -> Any:
    body = {"__module__": __name__, "value": field}
    return type("SchemaHolder", (Document,), body)._from_son(raw)


# The schema itself


def test_a_class_has_one_schema() -> None:
    assert isinstance(SchemaThing._schema, Schema)
    assert SchemaThing._schema is SchemaThing._schema


def test_a_subclass_has_its_own_schema() -> None:
    class SchemaBase(Document):
        name = StringField()
        meta = {"allow_inheritance": True}

    class SchemaSub(SchemaBase):
        more = IntField()

    assert SchemaSub._schema is not SchemaBase._schema
    assert set(SchemaSub._schema.fields) - set(SchemaBase._schema.fields) == {"more"}


def test_fields_are_known_by_their_key() -> None:
    assert SchemaThing._schema.by_key["n"] is SchemaThing.name


def test_no_values_are_one_mapping_that_nobody_changes() -> None:
    with pytest.raises(TypeError):
        EMPTY["a"] = 1


def test_a_quick_son_is_like_any_other() -> None:
    made = new_son({"b": 1, "a": 2})
    assert made == SON([("b", 1), ("a", 2)])
    assert list(made) == ["b", "a"]
    made["c"] = 3
    del made["b"]
    assert list(made.items()) == [("a", 2), ("c", 3)]


# Shapes


def test_documents_of_one_shape_share_a_plan() -> None:
    known = SchemaThing._schema.load_plans
    SchemaThing._from_son({"_id": ID, "n": "a"})
    plan = known.plan(("_id", "n"))
    SchemaThing._from_son({"_id": ID, "n": "b"})
    assert known.plan(("_id", "n")) is plan


def test_a_shape_of_safe_values_is_sure() -> None:
    assert SchemaThing._schema.load_plans.plan(("_id", "n")).sure
    assert not SchemaThing._schema.load_plans.plan(("part",)).sure
    assert not SchemaThing._schema.load_plans.plan(("_id", "number")).sure


def test_a_shape_with_unknown_keys_is_left_to_the_constructor() -> None:
    assert SchemaThing._schema.load_plans.plan(("nowhere",)).plain


def test_a_shape_with_a_class_is_named() -> None:
    assert SchemaThing._schema.load_plans.plan(("_cls", "n")).named


def test_shapes_are_kept_up_to_an_end() -> None:
    class Shapely(Document):
        meta = {"strict": False}

    for number in range(MOST_SHAPES + 50):
        document = Shapely._from_son({f"key{number}": 1})
        document.to_mongo()
        document.validate()
    known = Shapely._schema
    assert len(known.load_plans.by_shape) == MOST_SHAPES
    assert len(known._typed_plans) <= MOST_SHAPES
    assert len(known.load_plans.checks) <= MOST_SHAPES
    assert len(known.load_plans.trusted) <= MOST_SHAPES
    assert Shapely._from_son({"one": 1, "more": 2})._data["more"] == 2


def test_types_are_kept_up_to_an_end() -> None:
    class Typed(Document):
        value = BaseField[Any]()

    for number in range(MOST_SHAPES + 50):
        kind = type(f"Kind{number}", (int,), {})
        Typed._from_son({"value": kind(1)}).to_mongo()
    assert len(Typed._schema._typed_plans) == MOST_SHAPES


def test_the_types_of_values_make_a_plan_of_their_own() -> None:
    class Numbered(Document):
        number = IntField()

    known = Numbered._schema
    for number in ("1", 1, "2", 2):
        known.stored_like = None
        known.dump_raw({"number": number})
    assert len(known._typed_plans) == 2


def test_a_document_stored_in_the_order_of_the_fields_is_dumped_as_it_is() -> None:
    class Short(Document):
        name = StringField()
        number = IntField()

    known = Short._schema
    plan = known._make_typed({"_id": ID, "name": "a", "number": 1})
    assert plan.template is AS_STORED
    turned = known._make_typed({"number": 1, "name": "a", "_id": ID})
    assert list(turned.template) == ["_id", "name", "number"]
    dumped = Short._from_son({"number": 1, "name": "a"}).to_mongo()
    assert list(dumped.items()) == [("name", "a"), ("number", 1)]


# Hints of fields, and what overrides them


def test_hints_hold_for_the_fields_they_were_made_for() -> None:
    field = prepared(StringField())
    assert field._loads_unchanged == {str}
    assert str in field._dumps_unchanged
    assert field._surely_valid == {str}
    assert not field._user_converted


def test_an_overridden_to_python_ends_the_hint_about_loading() -> None:
    class Own(StringField):
        def to_python(self, value: Any) -> Any:
            return value.title()

    field = prepared(Own())
    assert field._loads_unchanged == frozenset()
    assert field._user_converted
    assert thing_of(Own(), value="abc").value == "Abc"


def test_an_overridden_to_python_of_items_is_noticed() -> None:
    class Own(StringField):
        def to_python(self, value: Any) -> Any:
            return value.title()

    assert prepared(ListField(ListField(Own())))._user_converted
    assert thing_of(ListField(Own()), value=["abc"]).value == ["Abc"]


def test_an_overridden_to_mongo_ends_the_hint_about_dumping() -> None:
    class Own(StringField):
        def to_mongo(self, value: Any) -> Any:
            return value[::-1]

    field = prepared(Own())
    assert field._dumps_unchanged == frozenset()
    assert field._loads_unchanged == {str}
    assert thing_of(Own(), value="abc").to_mongo()["value"] == "cba"
    assert thing_of(ListField(Own()), value=["abc"]).to_mongo()["value"] == ["cba"]


def test_an_overridden_validate_ends_the_hint_about_validity() -> None:
    class Own(StringField):
        def validate(self, value: Any, clean: bool = True) -> None:
            self.error("never")

    assert prepared(Own())._surely_valid == frozenset()
    with pytest.raises(ValidationError, match="never"):
        thing_of(Own(), value="abc").validate()
    with pytest.raises(ValidationError, match="never"):
        thing_of(ListField(Own()), value=["abc"]).validate()


def test_an_overridden_inner_validate_is_noticed() -> None:
    class Own(IntField):
        def _validate(self, value: Any, **kwargs: Any) -> None:
            self.error("never")

    assert prepared(Own())._surely_valid == frozenset()


@pytest.mark.parametrize(
    "field",
    [
        StringField(max_length=3),
        StringField(choices=["a"]),
        StringField(validation=lambda value: None),
        StringField(regex="a"),
        IntField(min_value=1),
        FloatField(max_value=2),
    ],
)
def test_a_constrained_field_is_validated(field: Any) -> None:
    assert prepared(field)._surely_valid == frozenset()


def test_an_override_further_down_may_restore_the_hint() -> None:
    class Own(StringField):
        _load_as = frozenset({bytes})

        def to_python(self, value: Any) -> Any:
            return value

    assert prepared(Own())._loads_unchanged == {bytes}


def test_an_override_in_a_mixin_is_noticed() -> None:
    class Mixin:
        def to_python(self, value: Any) -> Any:
            return value + "!"

    class Own(Mixin, StringField):
        pass

    assert prepared(Own())._loads_unchanged == frozenset()
    assert thing_of(Own(), value="a").value == "a!"


def test_a_descriptor_of_ones_own_is_noticed() -> None:
    class Own(StringField):
        def __get__(self, instance: Any, owner: Any) -> Any:
            value = super().__get__(instance, owner)
            return value if instance is None or value is None else value + "?"

    assert not prepared(Own())._plainly_set
    assert thing_of(Own(), value="a").value == "a?"


# Classes out of the ordinary


def test_a_class_of_ones_own_is_constructed() -> None:
    class Own(Document):
        name = StringField()

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.seen = True

    assert Own._schema.plain
    assert Own._from_son({"name": "a"}).seen is True


def test_receivers_have_documents_constructed() -> None:
    def nothing(sender: Any, **kwargs: Any) -> None:
        assert sender is SchemaThing

    assert not SchemaThing._schema.load_plans.constructs()
    signals.post_init.connect(nothing, sender=SchemaThing)
    try:
        assert SchemaThing._schema.load_plans.constructs()
    finally:
        signals.post_init.disconnect(nothing, sender=SchemaThing)
        del nothing
    assert not SchemaThing._schema.load_plans.constructs()


def test_a_loader_of_ones_own_is_used_for_batches() -> None:
    class Own(Document):
        name = StringField()

        @classmethod
        def _from_son(cls, son: Any, *args: Any, **kwargs: Any) -> Any:
            return super()._from_son({**son, "name": "mine"}, *args, **kwargs)

    assert Own._maker()({"name": "a"}).name == "mine"


def test_dumps_of_dynamic_classes_ask_the_document() -> None:
    class Loose(DynamicDocument):
        name = StringField()

    assert Loose._schema.dump_raw({"name": "a"}) is None


def test_the_dump_of_another_class_is_left_to_it() -> None:
    class DumpBase(Document):
        name = StringField()
        meta = {"allow_inheritance": True}

    class DumpSub(DumpBase):
        pass

    raw = {"_cls": "DumpBase.DumpSub", "name": "a"}
    assert DumpBase._schema.dump_raw(raw) is None
    assert DumpSub._schema.dump_raw(raw) == raw
    assert DumpSub._schema.dump_raw({"_cls": "DumpBase", "name": "a"}) is None
    assert not DumpSub._schema.surely_valid({"_cls": "DumpBase", "name": "a"})


def test_the_dump_of_a_field_that_numbers_itself_is_left_to_it() -> None:
    class Numbered(Document):
        number = SequenceField()
        name = StringField()

    assert Numbered._schema.dump_raw({"_id": ID, "name": "a"}) is None
    assert Numbered._schema.dump_raw({"_id": ID, "number": 5})["number"] == 5


def test_a_missing_value_is_dumped_as_the_field_says() -> None:
    class Missing(Document):
        plain = StringField()
        null = StringField(null=True)
        default = StringField(default="d")
        made = StringField(default=lambda: "m")

    document = Missing._from_son({"_id": ID})
    expected = {"_id": ID, "null": None, "default": "d", "made": "m"}
    assert document.to_mongo() == expected


def test_a_document_is_surely_valid_by_its_types() -> None:
    known = SchemaThing._schema
    assert known.surely_valid({"_id": ID, "n": "a", "number": 1, "parts": []}) is False
    assert not known.surely_valid({"n": 5, "numbers": [], "parts": [], "extra": {}})


def test_items_are_validated_by_their_types() -> None:
    whole = {"numbers": [1], "parts": [{"text": "abc"}], "extra": {"a": 1}}
    known = SchemaThing._schema
    assert known.surely_valid(whole)
    assert not known.surely_valid({**whole, "numbers": [1, "x"]})
    assert not known.surely_valid({**whole, "parts": [{"text": "abcd"}]})
    assert not known.surely_valid({**whole, "parts": [5]})
    assert not known.surely_valid({**whole, "extra": {"$a": 1}})


def test_validation_of_ones_own_is_never_skipped() -> None:
    class Own(Document):
        name = StringField()

        def clean(self) -> None:
            raise ValidationError("no")

    assert not Own._schema.surely_valid({"name": "a"})
    with pytest.raises(ValidationError):
        Own._from_son({"name": "a"}).validate()


def test_a_schema_may_be_made_before_the_classes_it_embeds() -> None:
    class Early(EmbeddedDocument):
        later = EmbeddedDocumentField("SchemaLate")
        more = ListField(EmbeddedDocumentField("SchemaLate"))

    assert Early._schema.load_plans.plan(("later", "more"))

    class SchemaLate(EmbeddedDocument):
        size = IntField()

    document = Early._from_son({"later": {"size": 1}, "more": [{"size": 2}]})
    assert (document.later.size, document.more[0].size) == (1, 2)


def test_a_class_may_embed_itself() -> None:
    class Node(EmbeddedDocument):
        name = StringField()
        children = ListField(EmbeddedDocumentField("self"))

    class Tree(Document):
        root = EmbeddedDocumentField(Node)

    raw = {
        "root": {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}
    }
    document = Tree._from_son(raw)
    assert document.root.children[0].children[0].name == "c"


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        (ListField(IntField()), ["x"]),
        (ListField(ListField(EmbeddedDocumentField(SchemaPart))), [[{"text": "a"}]]),
        (ListField(ListField(IntField())), [["1"]]),
        (DictField(IntField()), {"a": "1"}),
    ],
)
def test_what_may_fail_is_converted_or_proven(field: Any, raw: Any) -> None:
    document = thing_of(field, value=raw)
    again = thing_of(field, value=raw)
    again.value
    assert document.to_mongo() == again.to_mongo()
