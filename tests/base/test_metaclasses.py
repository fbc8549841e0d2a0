"""Attributes that a class statement gives a document class."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from bson import ObjectId

from mongoengine import (
    CASCADE,
    CachedReferenceField,
    DictField,
    Document,
    DoesNotExist,
    DynamicDocument,
    EmbeddedDocument,
    IntField,
    InvalidDocumentError,
    ListField,
    MultipleObjectsReturned,
    ObjectIdField,
    QuerySet,
    QuerySetManager,
    ReferenceField,
    StringField,
)
from mongoengine.base import (
    DocumentMetaclass,
    TopLevelDocumentMetaclass,
    _DocumentRegistry,
)
from mongoengine.base.metaclasses import MetaDict


class MetaAnimal(Document):
    name = StringField()
    meta = {"allow_inheritance": True, "indexes": ["name"]}


class MetaFish(MetaAnimal):
    depth = IntField()
    meta = {"indexes": ["depth"]}


class MetaShark(MetaFish):
    teeth = IntField()


# Fields


def test_fields_are_in_the_order_of_their_declaration() -> None:
    class Ordered(Document):
        b = StringField()
        a = StringField()

    assert Ordered._fields_ordered == ("id", "b", "a")


def test_an_id_of_ones_own_comes_first() -> None:
    class Keyed(Document):
        a = StringField()
        key = StringField(primary_key=True)

    assert Keyed._fields_ordered == ("key", "a")


def test_fields_know_their_names() -> None:
    class Named(Document):
        text = StringField(db_field="t")

    assert (Named.text.name, Named.text.db_field) == ("text", "t")
    assert Named._db_field_map == {"text": "t", "id": "_id"}
    assert Named._reverse_db_field_map == {"t": "text", "_id": "id"}


def test_a_field_belongs_to_the_class_that_declares_it() -> None:
    assert MetaShark.name.owner_document is MetaAnimal
    assert MetaShark.depth.owner_document is MetaFish


def test_an_inner_field_belongs_to_the_class_too() -> None:
    class Outer(Document):
        items = ListField(StringField())

    assert Outer.items.field is not None
    assert Outer.items.field.owner_document is Outer


def test_fields_of_plain_mixins_are_taken() -> None:
    class Mixin:
        stamp = IntField(db_field="s")

    class Mixed(Mixin, Document):
        name = StringField()

    assert set(Mixed._fields) == {"stamp", "name", "id"}
    assert Mixed._from_son({"s": 1}).stamp == 1


def test_fields_of_several_bases_are_taken() -> None:
    class First(Document):
        one = IntField()
        meta = {"abstract": True}

    class Second(Document):
        two = IntField()
        meta = {"abstract": True}

    class Both(First, Second):
        pass

    assert set(Both._fields) == {"one", "two", "id"}


def test_a_subclass_may_replace_a_field() -> None:
    class Older(Document):
        value = IntField()
        meta = {"allow_inheritance": True}

    class Newer(Older):
        value = StringField()

    assert type(Newer._fields["value"]) is StringField
    assert type(Older._fields["value"]) is IntField


def test_two_fields_of_one_key_are_refused() -> None:
    with pytest.raises(InvalidDocumentError, match="Multiple db_fields defined for: t"):

        class Twice(Document):
            one = StringField(db_field="t")
            other = StringField(db_field="t")


def test_the_name_of_a_method_is_no_field() -> None:
    with pytest.raises(InvalidDocumentError, match="save is a document method"):

        class Saving(Document):
            save = StringField()  # type: ignore[assignment]


def test_an_embedded_document_may_have_a_field_called_save() -> None:
    class Fine(EmbeddedDocument):
        save = StringField()

    assert Fine(save="a").save == "a"


# Primary keys


def test_an_id_is_made_where_there_is_none() -> None:
    assert type(MetaAnimal._fields["id"]) is ObjectIdField
    assert MetaAnimal._meta["id_field"] == "id"
    assert MetaAnimal.id is MetaAnimal._fields["id"]


def test_the_primary_key_is_known_as_id_too() -> None:
    class Keyed(Document):
        key = StringField(primary_key=True)

    document = Keyed(key="a")
    assert (document.id, document.pk, Keyed._meta["id_field"]) == ("a", "a", "key")
    assert Keyed.key.db_field == "_id"


def test_a_second_primary_key_is_refused() -> None:
    class One(Document):
        one = StringField(primary_key=True)
        meta = {"allow_inheritance": True}

    with pytest.raises(ValueError, match="Cannot override primary key field"):

        class Two(One):
            other = StringField(primary_key=True)


def test_a_primary_key_is_inherited() -> None:
    class KeyedBase(Document):
        key = StringField(primary_key=True)
        meta = {"allow_inheritance": True}

    class KeyedSub(KeyedBase):
        pass

    assert KeyedSub._meta["id_field"] == "key"
    assert "id" not in KeyedSub._fields


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"id": StringField()}, ("auto_id_0", "_auto_id_0")),
        ({"key": StringField(db_field="_id")}, ("auto_id_0", "_auto_id_0")),
        (
            {"id": StringField(), "auto_id_0": StringField()},
            ("auto_id_1", "_auto_id_1"),
        ),
    ],
)
def test_an_id_that_is_taken_gets_another_name(
    fields: dict[str, Any], made: tuple[str, str]
) -> None:
    cls: Any = type("Taken", (Document,), {"__module__": __name__, **fields})
    assert cls._meta["id_field"] == made[0]
    assert cls._fields[made[0]].db_field == made[1]


# Names


def test_a_class_name_begins_with_its_bases() -> None:
    assert MetaShark._class_name == "MetaAnimal.MetaFish.MetaShark"
    assert MetaShark._superclasses == ("MetaAnimal", "MetaAnimal.MetaFish")
    assert MetaAnimal._subclasses == (
        *("MetaAnimal", "MetaAnimal.MetaFish"),
        "MetaAnimal.MetaFish.MetaShark",
    )
    assert MetaShark._types == (MetaShark._class_name,)


def test_abstract_bases_are_not_in_the_name() -> None:
    class Abstract(Document):
        meta = {"abstract": True}

    class Concrete(Abstract):
        pass

    assert Concrete._class_name == "Concrete"


def test_a_class_is_registered() -> None:
    assert _DocumentRegistry.get("MetaAnimal.MetaFish") is MetaFish


def test_cls_is_a_field_where_subclasses_are_allowed() -> None:
    assert "_cls" in MetaAnimal._fields
    assert MetaShark()._cls == "MetaAnimal.MetaFish.MetaShark"


def test_cls_is_no_attribute_of_other_classes() -> None:
    class Alone(Document):
        pass

    assert Alone()._cls == "Alone"
    with pytest.raises(AttributeError):
        Alone._cls


def test_a_class_of_the_same_name_elsewhere_is_told() -> None:
    body = {"__module__": "somewhere"}
    type("MetaRepeated", (Document,), dict(body))
    with pytest.warns(UserWarning, match="first from: `somewhere`"):
        type("MetaRepeated", (Document,), {"__module__": "elsewhere"})


# Meta


def test_a_collection_is_named_after_its_class() -> None:
    class BlogPostABC(Document):
        pass

    assert BlogPostABC._get_collection_name() == "blog_post_a_b_c"


def test_a_collection_may_be_named() -> None:
    class Renamed(Document):
        meta = {"collection": "things"}

    assert Renamed._get_collection_name() == "things"


def test_a_collection_may_be_named_by_a_function() -> None:
    class Computed(Document):
        meta = {"collection": lambda cls: cls.__name__.upper()}

    assert Computed._get_collection_name() == "COMPUTED"


def test_a_function_of_a_base_names_each_class() -> None:
    class Naming(Document):
        meta = {"abstract": True, "collection": lambda cls: f"c_{cls.__name__}"}

    class One(Naming):
        pass

    assert One._get_collection_name() == "c_One"


def test_subclasses_share_the_collection() -> None:
    assert MetaShark._get_collection_name() == "meta_animal"


def test_a_collection_of_a_subclass_is_left_out_with_a_warning() -> None:
    with pytest.warns(SyntaxWarning, match="Trying to set a collection on a subclass"):

        class MetaRenegade(MetaAnimal):
            meta = {"collection": "own"}

    assert MetaRenegade._get_collection_name() == "meta_animal"


def test_indexes_add_up() -> None:
    assert MetaFish._meta["indexes"] == ["name", "depth"]
    assert MetaAnimal._meta["indexes"] == ["name"]


def test_other_keys_are_inherited_and_replaced() -> None:
    class Base(Document):
        meta = {"allow_inheritance": True, "ordering": ["a"], "own": 1}

    class Sub(Base):
        meta = {"ordering": ["b"]}

    assert Sub._meta["ordering"] == ["b"]
    assert (Sub._meta["own"], Base._meta["ordering"]) == (1, ["a"])


def test_meta_dicts_merge() -> None:
    merged = MetaDict({"indexes": [1], "a": 1})
    merged.merge({"indexes": [2], "a": 2, "b": 3})
    assert merged == {"indexes": [1, 2], "a": 2, "b": 3}


def test_meta_is_no_attribute_of_the_class() -> None:
    assert not hasattr(MetaAnimal, "meta")


def test_subclasses_have_to_be_allowed() -> None:
    class Closed(Document):
        pass

    with pytest.raises(ValueError, match="Document Closed may not be subclassed"):

        class Opened(Closed):
            pass


def test_only_direct_subclasses_may_forbid_subclasses() -> None:
    with pytest.raises(ValueError, match='may set "allow_inheritance" to False'):

        class MetaClosed(MetaAnimal):
            meta = {"allow_inheritance": False}


def test_an_abstract_class_has_no_concrete_base() -> None:
    with pytest.raises(ValueError, match="Abstract document cannot have non-abstract"):

        class MetaAbstract(MetaAnimal):
            meta = {"abstract": True}


def test_embedded_documents_inherit_as_they_are_allowed() -> None:
    class Piece(EmbeddedDocument):
        a = IntField()
        meta = {"allow_inheritance": True}

    class Larger(Piece):
        b = IntField()

    class Closed(EmbeddedDocument):
        pass

    assert (Larger._class_name, Larger._superclasses) == ("Larger", ("Piece",))
    assert set(Larger._fields) == {"_cls", "a", "b"}
    with pytest.raises(ValueError, match="may not be subclassed"):

        class Opened(Closed):
            pass


# What else a class gets


def test_a_class_has_exceptions_of_its_own() -> None:
    assert issubclass(MetaFish.DoesNotExist, MetaAnimal.DoesNotExist)
    assert issubclass(MetaAnimal.DoesNotExist, DoesNotExist)
    assert issubclass(MetaFish.MultipleObjectsReturned, MultipleObjectsReturned)
    assert MetaFish.DoesNotExist.__module__ == __name__


def test_a_class_has_a_manager() -> None:
    assert isinstance(vars(MetaAnimal)["objects"], QuerySetManager)


def test_a_manager_may_bring_its_queryset() -> None:
    class Own(QuerySet[Any]):
        pass

    class OwnManager(QuerySetManager):
        queryset_class = Own

    class Managed(Document):
        objects = OwnManager()

    assert Managed._meta["queryset_class"] is Own


def test_choices_have_a_display() -> None:
    class Chosen(Document):
        plain = StringField(choices=["a", "b"])
        pairs = StringField(choices=[("a", "Apple"), ("b", "Bean")])
        many = ListField(StringField(), choices=[("a", "Apple"), ("b", "Bean")])

    document: Any = Chosen(plain="a", pairs="b", many=["a", "b", "c"])
    assert document.get_plain_display() == "a"
    assert document.get_pairs_display() == "Bean"
    assert document.get_many_display() == "Apple Bean c"
    assert Chosen(pairs="z").get_pairs_display() == "z"  # type: ignore[attr-defined]
    assert Chosen().get_pairs_display() is None  # type: ignore[attr-defined]


def test_a_display_of_ones_own_is_kept() -> None:
    class Shown(Document):
        kind = StringField(choices=["a"])

        def get_kind_display(self) -> str:
            return "mine"

    assert Shown(kind="a").get_kind_display() == "mine"


def test_delete_rules_are_noted_by_the_class_referred_to() -> None:
    class Target(Document):
        pass

    class Referring(Document):
        other = ReferenceField(Target, reverse_delete_rule=CASCADE)
        others = ListField(ReferenceField(Target, reverse_delete_rule=CASCADE))

    assert Target._meta["delete_rules"] == {
        (Referring, "other"): CASCADE,
        (Referring, "others"): CASCADE,
    }


def test_delete_rules_need_a_place_that_can_be_found() -> None:
    reference = ReferenceField(MetaAnimal, reverse_delete_rule=CASCADE)
    with pytest.raises(
        InvalidDocumentError, match="not supported for EmbeddedDocuments"
    ):
        type("RulePart", (EmbeddedDocument,), {"other": reference})
    reference = ReferenceField(MetaAnimal, reverse_delete_rule=CASCADE)
    with pytest.raises(InvalidDocumentError, match=r"DictField \(field: others\)"):
        type("RuleThing", (Document,), {"others": DictField(reference)})


def test_cached_references_need_a_document() -> None:
    cached = CachedReferenceField(MetaAnimal)
    with pytest.raises(
        InvalidDocumentError, match="CachedReferenceFields is not allowed"
    ):
        type("CachePart", (EmbeddedDocument,), {"other": cached})


def test_top_level_classes_are_told_from_embedded_ones() -> None:
    assert type(MetaAnimal) is TopLevelDocumentMetaclass
    assert type(EmbeddedDocument) is DocumentMetaclass
    assert (MetaAnimal._is_document, EmbeddedDocument._is_document) == (True, False)
    assert Document._is_base_cls and not MetaAnimal._is_base_cls


def test_a_class_cannot_be_both_kinds_of_document() -> None:
    with pytest.raises(TypeError):
        type("Neither", (Document, EmbeddedDocument), {})


def test_class_creation_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Quiet(DynamicDocument):
            part = StringField()

    assert Quiet(id=ObjectId()).part is None
