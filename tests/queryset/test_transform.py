"""Keyword queries and updates become what MongoDB is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from bson import SON, DBRef, ObjectId

from mongoengine import (
    BooleanField,
    CachedReferenceField,
    DictField,
    Document,
    DynamicDocument,
    EmbeddedDocument,
    EmbeddedDocumentField,
    GenericReferenceField,
    GeoPointField,
    IntField,
    ListField,
    MapField,
    PointField,
    ReferenceField,
    StringField,
)
from mongoengine.errors import InvalidQueryError, ValidationError
from mongoengine.queryset import transform
from mongoengine.queryset.transform import query, update

OID = ObjectId("507f1f77bcf86cd799439011")


class Comment(EmbeddedDocument):
    author = StringField(db_field="a")
    votes = IntField(db_field="v")
    tags = ListField(StringField(), db_field="t")
    size = IntField()


class TransformWriter(Document):
    name = StringField()


class TransformPost(Document):
    title = StringField(db_field="tt")
    views = IntField(db_field="vv")
    public = BooleanField()
    tags = ListField(StringField(), db_field="tg")
    numbers = ListField(IntField())
    comments = ListField(EmbeddedDocumentField(Comment), db_field="cs")
    comment = EmbeddedDocumentField(Comment, db_field="c")
    extra = DictField(db_field="x")
    scores = MapField(IntField())
    writer = ReferenceField(TransformWriter)
    anything = GenericReferenceField()
    cached = CachedReferenceField(TransformWriter, fields=["name"])
    place = PointField(db_field="p")
    pair = GeoPointField()
    size = IntField()


class TransformLoose(DynamicDocument):
    name = StringField(db_field="nm")


def ask(**keywords: Any) -> dict[str, Any]:
    return query(TransformPost, **keywords)


def change(**keywords: Any) -> dict[str, Any]:
    return update(TransformPost, **keywords)


# -- queries


def test_no_keywords_make_an_empty_filter() -> None:
    assert ask() == {}


def test_names_become_database_names() -> None:
    assert ask(title="x", comment__author="y") == {"tt": "x", "c.a": "y"}


@pytest.mark.parametrize("name", ["pk", "id"])
def test_the_primary_key_has_two_names(name: str) -> None:
    assert ask(**{name: str(OID)}) == {"_id": OID}


def test_values_are_prepared_by_their_field() -> None:
    assert ask(views="3") == {"vv": 3}


@pytest.mark.parametrize("op", ["ne", "gt", "gte", "lt", "lte"])
def test_comparisons_prepare_one_value(op: str) -> None:
    assert ask(**{f"views__{op}": "3"}) == {"vv": {f"${op}": 3}}


@pytest.mark.parametrize("op", ["in", "nin", "all"])
def test_comparisons_with_several_values_prepare_each(op: str) -> None:
    assert ask(**{f"views__{op}": ("1", 2)}) == {"vv": {f"${op}": [1, 2]}}


@pytest.mark.parametrize("op", ["in", "nin", "all", "near"])
def test_several_values_must_be_iterable(op: str) -> None:
    with pytest.raises(TypeError, match="must be applied to an iterable"):
        ask(**{f"views__{op}": 5})


def test_a_document_is_not_several_values() -> None:
    with pytest.raises(TypeError, match="you must wrap your object in a list"):
        ask(writer__in=TransformWriter(id=OID))


@pytest.mark.parametrize("op", ["mod", "size", "exists", "type"])
def test_some_operators_keep_their_value(op: str) -> None:
    assert ask(**{f"views__{op}": "x"}) == {"vv": {f"${op}": "x"}}


def test_not_wraps_the_condition() -> None:
    assert ask(views__not__gt="3") == {"vv": {"$not": {"$gt": 3}}}


@pytest.mark.parametrize(
    ("op", "pattern", "flags"),
    [
        ("contains", r"a\.b", 0),
        ("startswith", r"^a\.b", 0),
        ("endswith", r"a\.b$", 0),
        ("exact", r"^a\.b$", 0),
        ("wholeword", r"\ba\.b\b", 0),
        ("regex", r"a.b", 0),
        ("iexact", r"^a\.b$", re.IGNORECASE),
    ],
)
def test_text_operators_become_patterns(op: str, pattern: str, flags: int) -> None:
    assert ask(**{f"title__{op}": "a.b"}) == {"tt": re.compile(pattern, flags)}


def test_conditions_on_one_field_are_merged() -> None:
    assert ask(views__gt=1, views__lt=5) == {"vv": {"$gt": 1, "$lt": 5}}


def test_conditions_that_cannot_be_merged_are_conjoined() -> None:
    assert ask(views=3, views__gt=1) == {"$and": [{"vv": {"$gt": 1}}, {"vv": 3}]}


def test_unknown_names_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "nope"'):
        ask(nope=1)


@pytest.mark.parametrize("keyword", ["0", "1__0", "0__ne", "", "__ne", "__"])
def test_a_filter_without_a_field_is_refused(keyword: str) -> None:
    with pytest.raises(InvalidQueryError, match=r"No field|Cannot resolve field"):
        ask(**{keyword: 1})


@pytest.mark.parametrize("keyword", ["set", "inc", "pull", "", "__ne", "set____ne"])
def test_an_update_without_a_field_is_refused(keyword: str) -> None:
    with pytest.raises(InvalidQueryError, match="Cannot resolve field"):
        change(**{keyword: 1})


def test_database_names_are_not_names() -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "tt"'):
        ask(tt=1)


def test_joins_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match="Cannot perform join in mongoDB"):
        ask(writer__name="x")


def test_a_field_may_be_called_like_an_operator() -> None:
    assert ask(size=3) == {"size": 3}
    assert ask(size__size=3) == {"size": {"$size": 3}}


def test_a_field_that_is_called_like_an_update_operator_is_set() -> None:
    class TransformBounds(EmbeddedDocument):
        min = IntField()

    assert update(TransformBounds, min="1") == {"$set": {"min": 1}}
    assert update(TransformBounds, min__min=1) == {"$min": {"min": 1}}


def test_two_underscores_end_a_name_that_is_an_operator() -> None:
    assert ask(comment__size=1) == {"c": {"$size": 1}}
    assert ask(comment__size__=1) == {"c.size": 1}


def test_positions_stay_in_the_path() -> None:
    assert ask(comments__0__votes__gt="2") == {"cs.0.v": {"$gt": 2}}


def test_the_position_of_the_keyword_is_kept() -> None:
    assert ask(tags__1="x", comments__0__tags__2="y") == {"tg.1": "x", "cs.0.t.2": "y"}


def test_match_queries_the_elements() -> None:
    condition = {"author": "x", "votes__gt": "3"}
    expected = {"cs": {"$elemMatch": {"a": "x", "v": {"$gt": 3}}}}
    assert ask(comments__match=condition) == expected
    assert ask(comments__elemMatch=condition) == expected


def test_match_names_unknown_members() -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "a"'):
        ask(comments__match={"a": 1})


def test_dicts_may_hold_any_key() -> None:
    assert ask(extra__a__b__gt=1) == {"x.a.b": {"$gt": 1}}


def test_a_generic_reference_is_asked_for_by_what_is_given() -> None:
    ref = DBRef("transform_writer", OID)
    assert ask(anything=OID) == {"anything._ref.$id": OID}
    assert ask(anything=ref) == {"anything._ref": ref}
    stored = SON([("_cls", "TransformWriter"), ("_ref", ref)])
    assert ask(anything=TransformWriter(id=OID)) == {"anything": stored}


@pytest.mark.parametrize("op", ["in", "nin", "all"])
def test_generic_references_are_asked_for_by_what_is_given(op: str) -> None:
    ref = DBRef("transform_writer", OID)
    stored = SON([("_cls", "TransformWriter"), ("_ref", ref)])
    name = f"anything__{op}"
    assert ask(**{name: [OID, OID]}) == {"anything._ref.$id": {f"${op}": [OID, OID]}}
    assert ask(**{name: (ref,)}) == {"anything._ref": {f"${op}": [ref]}}
    assert ask(**{name: [TransformWriter(id=OID)]}) == {
        "anything": {f"${op}": [stored]}
    }
    assert ask(**{name: [None, OID]}) == {"anything._ref.$id": {f"${op}": [None, OID]}}
    assert ask(**{name: []}) == {"anything": {f"${op}": []}}
    assert ask(**{f"anything__not__{op}": [OID]}) == {
        "anything._ref.$id": {"$not": {f"${op}": [OID]}}
    }


@pytest.mark.parametrize("op", ["in", "nin", "all"])
@pytest.mark.parametrize(
    "values",
    [
        [OID, DBRef("transform_writer", OID)],
        [TransformWriter(id=OID), OID],
        [TransformWriter(id=OID), DBRef("transform_writer", OID)],
    ],
)
def test_a_mixture_of_generic_references_is_refused(op: str, values: Any) -> None:
    with pytest.raises(InvalidQueryError, match=f'values of "anything__{op}" must all'):
        ask(**{f"anything__{op}": values})


def test_several_cached_references_are_asked_for_by_their_ids() -> None:
    writer = TransformWriter(id=OID)
    assert ask(cached__in=[writer]) == {"cached._id": {"$in": [OID]}}
    assert ask(cached__ne=writer) == {"cached._id": {"$ne": OID}}
    assert ask(cached__exists=True) == {"cached._id": {"$exists": True}}


class TransformEven(IntField):
    """A field with an operator of its own."""

    _operators = frozenset({"divisible"})

    def _condition(self, op: str | None, value: Any) -> tuple[str, Any]:
        if op == "divisible":
            return "", {"$mod": [value, 0]}
        return super()._condition(op, value)


class TransformNumbers(Document):
    number = TransformEven(db_field="n")


def test_a_field_may_have_an_operator_of_its_own() -> None:
    assert query(TransformNumbers, number__divisible=3) == {"n": {"$mod": [3, 0]}}
    assert query(TransformNumbers, number__not__divisible=3) == {
        "n": {"$not": {"$mod": [3, 0]}}
    }
    assert query(TransformNumbers, number="4") == {"n": 4}
    assert query(TransformNumbers, number__in=["4"]) == {"n": {"$in": [4]}}


class TransformShort(Document):
    items = ListField(IntField(), max_length=2)
    untyped = ListField(max_length=2)
    nested = ListField(ListField(IntField(), max_length=2))
    by_key = MapField(ListField(IntField(), max_length=2))


@pytest.mark.parametrize(
    "change",
    [
        {"items": [1, 2, 3]},
        {"set__items": (1, 2, 3)},
        {"set_on_insert__items": [1, 2, 3]},
        {"set__untyped": [1, 2, 3]},
        {"set__nested": [[1, 2, 3]]},
        {"set__by_key": {"a": [1, 2, 3]}},
    ],
)
def test_a_list_that_is_too_long_cannot_be_set(change: Any) -> None:
    with pytest.raises(ValidationError, match="List is too long"):
        update(TransformShort, **change)


def test_a_list_of_the_greatest_length_can_be_set() -> None:
    assert update(TransformShort, set__items=[1, 2]) == {"$set": {"items": [1, 2]}}


def test_a_cached_reference_is_asked_for_by_its_id() -> None:
    assert ask(cached=TransformWriter(id=OID)) == {"cached._id": OID}
    assert ask(cached__name="x") == {"cached.name": "x"}


def test_an_unsaved_document_cannot_be_asked_for() -> None:
    with pytest.raises(ValidationError):
        ask(writer=TransformWriter())


def test_raw_conditions_are_merged_with_keywords() -> None:
    raw = {"vv": {"$gt": 1}}
    assert ask(__raw__=raw, views__lt=5, title="x") == {
        "vv": {"$gt": 1, "$lt": 5},
        "tt": "x",
    }


def test_raw_conditions_are_not_changed() -> None:
    raw = {"vv": {"$gt": 1}, "$and": [{"a": 1}]}
    ask(__raw__=raw, views__lt=5, title="x", title__ne="y")
    assert raw == {"vv": {"$gt": 1}, "$and": [{"a": 1}]}


def test_dynamic_documents_take_any_name() -> None:
    assert query(TransformLoose, name="x", other__deep__ne=1) == {
        "nm": "x",
        "other.deep": {"$ne": 1},
    }


def test_names_are_taken_as_they_are_without_a_class() -> None:
    assert query(None, a__b__gt=1) == {"a.b": {"$gt": 1}}


def test_element_matches_need_a_class() -> None:
    with pytest.raises(InvalidQueryError, match="needs a document class"):
        query(None, a__match={"b": 1})


# -- geospatial queries


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([1, 2], "Point"),
        ([[1, 2], [3, 4]], "LineString"),
        ([[[0, 0], [1, 1], [1, 0], [0, 0]]], "Polygon"),
    ],
)
def test_the_depth_of_coordinates_tells_the_geometry(value: Any, kind: str) -> None:
    geometry = {"$geometry": {"type": kind, "coordinates": value}}
    assert ask(place__geo_within=value) == {"p": {"$geoWithin": geometry}}


def test_distances_go_inside_of_near() -> None:
    near = ask(place__near=[1, 2], place__max_distance=5, place__min_distance=1)
    inner = near["p"]["$near"]
    assert list(inner) == ["$geometry", "$maxDistance", "$minDistance"]


def test_distances_follow_a_legacy_near() -> None:
    near = ask(pair__near=[1, 2], pair__max_distance=5)
    assert list(near["pair"].items()) == [("$near", [1, 2]), ("$maxDistance", 5)]


def test_geometries_need_coordinates() -> None:
    with pytest.raises(InvalidQueryError, match="should have type and coordinates"):
        ask(place__near={"a": 1})


def test_fields_refuse_the_geo_operators_of_others() -> None:
    with pytest.raises(NotImplementedError, match='"near_sphere" has not been'):
        ask(place__near_sphere=[1, 2])
    with pytest.raises(NotImplementedError, match='"geo_within" has not been'):
        ask(pair__geo_within=[1, 2])


# -- updates


def test_a_keyword_without_an_operator_sets() -> None:
    assert change(title="x") == change(set__title="x") == {"$set": {"tt": "x"}}


def test_operators_are_collected() -> None:
    assert change(set__title="x", set__views=1, inc__size=2, unset__public=True) == {
        "$set": {"tt": "x", "vv": 1},
        "$inc": {"size": 2},
        "$unset": {"public": 1},
    }


def test_dec_is_a_negative_inc() -> None:
    assert change(dec__views=2) == {"$inc": {"vv": -2}}


@pytest.mark.parametrize(
    ("op", "operator"),
    [
        ("set_on_insert", "$setOnInsert"),
        ("max", "$max"),
        ("min", "$min"),
        ("mul", "$mul"),
    ],
)
def test_operators_are_spelled_as_mongodb_does(op: str, operator: str) -> None:
    assert change(**{f"{op}__views": 2}) == {operator: {"vv": 2}}


def test_s_is_the_matched_position() -> None:
    assert change(set__comments__S__author="x") == {"$set": {"cs.$.a": "x"}}


def test_positional_filters_are_kept() -> None:
    keywords = {"set__comments__$[x]__author": "x"}
    assert change(**keywords) == {"$set": {"cs.$[x].a": "x"}}


def test_a_deep_update_needs_an_operator() -> None:
    with pytest.raises(TypeError, match="set__comments__0__author"):
        change(comments__0__author="x")


def test_push_prepares_each_value() -> None:
    assert change(push__numbers="1") == {"$push": {"numbers": 1}}
    assert change(push__numbers=["1", 2]) == {"$push": {"numbers": [1, 2]}}


def test_push_all_pushes_each() -> None:
    assert change(push_all__tags=["a"]) == {"$push": {"tg": {"$each": ["a"]}}}


def test_push_may_name_the_position() -> None:
    pushed = {"$each": ["a"], "$position": 2}
    assert change(push__tags__2="a") == {"$push": {"tg": pushed}}


def test_add_to_set_adds_each_of_several() -> None:
    assert change(add_to_set__tags="a") == {"$addToSet": {"tg": "a"}}
    assert change(add_to_set__tags={"a"}) == {"$addToSet": {"tg": {"$each": ["a"]}}}


def test_pull_takes_conditions() -> None:
    assert change(pull__numbers__gte="3") == {"$pull": {"numbers": {"$gte": 3}}}
    assert change(pull__numbers__in=["3"]) == {"$pull": {"numbers": {"$in": [3]}}}


def test_pull_below_a_list_is_a_condition_on_its_elements() -> None:
    assert change(pull__comments__author="x") == {"$pull": {"cs": {"a": "x"}}}


def test_pull_from_a_deeper_list_is_a_path() -> None:
    assert change(pull__comments__S__tags="x") == {"$pull": {"cs.$.t": "x"}}


def test_pull_all_stays_on_top() -> None:
    assert change(pull_all__tags=["a"]) == {"$pullAll": {"tg": ["a"]}}
    with pytest.raises(InvalidQueryError, match="only support a single field depth"):
        change(pull_all__comments__tags=["a"])


def test_geometries_are_stored_as_geojson() -> None:
    stored = SON([("type", "Point"), ("coordinates", [1, 2])])
    assert change(place=[1, 2]) == {"$set": {"p": stored}}


def test_values_are_validated() -> None:
    with pytest.raises(ValidationError):
        change(public="yes")


def test_raw_updates_are_merged_and_not_changed() -> None:
    raw = {"$set": {"a": 1}}
    assert change(__raw__=raw, title="x") == {"$set": {"a": 1, "tt": "x"}}
    assert raw == {"$set": {"a": 1}}


def test_unknown_update_names_are_refused() -> None:
    with pytest.raises(InvalidQueryError, match='Cannot resolve field "nope"'):
        change(set__nope=1)


# -- how it is remembered


def test_what_is_remembered_has_an_end() -> None:
    class Remembering(Document):
        n = IntField()
        d = DictField()
        l = ListField(IntField())  # noqa: E741

    for key in range(1000):
        query(Remembering, **{f"d__{key}x": 1, f"l__{key}": 1})
        update(Remembering, **{f"set__d__{key}x": 1, f"inc__l__{key}": 1})
    query(Remembering, n__gt=1)
    update(Remembering, n=1)
    remembered: dict[str, Any] = vars(Remembering)
    assert len(remembered["_filter_plans"]) < 300
    assert len(remembered["_update_plans"]) < 300
    assert "n__gt" in remembered["_filter_plans"]
    assert "n" in remembered["_update_plans"]


def test_what_is_remembered_of_joins_has_an_end() -> None:
    class RememberedCity(Document):
        d = DictField()
        n = IntField()

    class RememberingJoins(Document):
        city = ReferenceField(RememberedCity)
        cities = MapField(ReferenceField(RememberedCity))

    for key in range(500):
        RememberingJoins.objects(**{f"city__d__{key}x": 1})._spec.filter()
        RememberingJoins.objects(**{f"cities__{key}x__n": 1})._spec.filter()
        RememberingJoins.objects(**{f"cities__{key}x__pk": ObjectId()})._spec.filter()
    RememberingJoins.objects(city__n__gt=1, city__pk=ObjectId())._spec.filter()
    remembered: dict[str, Any] = vars(RememberingJoins)["_joined_plans"]
    assert len(remembered) < 300
    assert {"city__n__gt", "city__pk"} <= remembered.keys()


def test_a_document_stands_for_its_class() -> None:
    document = TransformLoose(name="x")
    assert query(document, name="y") == {"nm": "y"}
    assert update(document, name="y") == {"$set": {"nm": "y"}}
    assert "_filter_plans" not in document._data


def test_subclasses_remember_for_themselves() -> None:
    class Upper(Document):
        n = IntField(db_field="nn")
        meta = {"allow_inheritance": True}

    class Lower(Upper):
        n = StringField(db_field="mm")

    assert query(Upper, n="1") == {"nn": 1}
    assert query(Lower, n="1") == {"mm": "1"}


def test_every_operator_is_in_one_table() -> None:
    tables = (
        transform.COMPARISON_OPERATORS
        + transform.GEO_OPERATORS
        + transform.STRING_OPERATORS
        + transform.CUSTOM_OPERATORS
    )
    assert tables == transform.MATCH_OPERATORS
    assert len(set(tables)) == len(tables)
