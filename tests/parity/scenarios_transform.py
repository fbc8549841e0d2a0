"""Keyword queries and updates, `Q` and projections: what they are turned into."""

import copy
import datetime
import decimal
import pickle
import re
import uuid

from bson import SON, DBRef

from .harness import differs
from .shapes import OID, OID2, caught, queries, shapes, updates

NOW = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
DAY = datetime.date(2020, 1, 2)
ID = uuid.UUID(int=5)
POINT = {"type": "Point", "coordinates": [1, 2]}
RING = [[0, 0], [1, 1], [1, 0], [0, 0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
BOX = [[1, 2], [3, 4]]


# -- queries on plain fields


def equality_on_text(me, db):
    wide = shapes(me).Wide
    values = "x", 1, None, True, b"x", [1, 2], {"a": 1}, re.compile("x")
    return queries(me, wide, {}, *({"s": value} for value in values))


def equality_on_numbers(me, db):
    wide = shapes(me).Wide
    values = "3", "x", "", None, True, 1.5, [1], {"$gt": 1}
    calls = [{name: value} for name in ("i", "f", "seq") for value in values]
    return queries(me, wide, *calls)


def equality_on_decimals(me, db):
    values = "1.5", 1.5, decimal.Decimal("1.005"), 2, None
    names = "dec", "decs", "d128"
    calls = [{name: value} for name in names for value in values]
    return queries(me, shapes(me).Wide, *calls, {"dec": "x"}, {"dec__in": ["1", 2]})


def equality_on_booleans(me, db):
    values = True, False, 0, None, "x", []
    return queries(me, shapes(me).Wide, *({"b": value} for value in values))


def equality_on_times(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"dt": NOW},
        {"dt": "2020-01-02"},
        {"dt": "bad"},
        {"dt": DAY},
        {"dt": ""},
        {"dt__gt": NOW},
        {"dt__in": [DAY]},
        {"date": NOW},
        {"date": "2020-01-01"},
        {"date__gt": DAY},
        {"cdt": NOW},
        {"cdt__gt": NOW},
        {"cdt": ""},
    )


def equality_on_other_scalars(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"oid": "x"},
        {"oid": str(OID)},
        {"oid__in": ["x"]},
        {"url": "no url"},
        {"email": "no address"},
        {"u": ID},
        {"u": str(ID)},
        {"u": "bad"},
        {"us": ID},
        {"us": str(ID)},
        {"binary": b"x"},
        {"binary": "x"},
        {"choice": "z"},
        {"short": "too long"},
        {"bounded": 100},
        {"bounded": -1},
    )


def primary_keys_by_every_name(me, db):
    found = shapes(me)
    calls = (
        {"pk": OID},
        {"pk": str(OID)},
        {"id": "bad"},
        {"id": None},
        {"_id": OID},
        {"id__in": [str(OID), OID2]},
        {"id__in": []},
        {"pk__ne": str(OID)},
        {"id__nin": (str(OID),)},
        {"pk__exists": True},
        {"id__startswith": "a"},
    )
    return [
        queries(me, found.Wide, *calls),
        queries(me, found.Slug, {"pk": "a"}, {"slug": "a"}, {"id": "a"}),
        queries(me, found.Inner, {"pk": 1}),
        queries(me, found.Keyed, {"pk": 1}, {"key": "a"}),
        queries(me, found.Abstract, {"pk": 1}),
    ]


def comparison_operators(me, db):
    operators = "ne", "gt", "gte", "lt", "lte"
    return queries(
        me,
        shapes(me).Wide,
        *({f"i__{op}": "3"} for op in operators),
        *({f"s__{op}": None} for op in operators),
        *({f"s__{op}": re.compile("x")} for op in operators),
        {"i__gt": 3, "i__lt": 9},
        {"i__gte": 1, "i__gt": 2},
        {"s__gt": 5},
    )


def operators_on_several_values(me, db):
    values = ["1", 2], (1,), {1}, "12", 5, None, {1: 2}, []
    operators = "in", "nin", "all"
    calls = [{f"i__{op}": value} for op in operators for value in values]
    return queries(
        me,
        shapes(me).Wide,
        *calls,
        {"i__in": iter([1])},
        {"s__in": [re.compile("x"), "y", 1]},
        {"s__in": ["a", None]},
    )


def operators_that_keep_their_value(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"i__mod": (5, 1)},
        {"i__mod": 5},
        {"i__size": 3},
        {"s__size": "3"},
        {"i__exists": True},
        {"i__exists": 0},
        {"i__exists": "x"},
        {"i__type": "int"},
        {"i__type": 16},
    )


def negated_operators(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"i__not": 5},
        {"i__not__gt": "5"},
        {"i__not__in": ["1"]},
        {"i__not__exists": True},
        {"i__not__size": 1},
        {"i__not__mod": [1, 2]},
        {"i__not__not": 5},
        {"s__not": re.compile("x")},
        {"s__not__contains": "x"},
        {"s__not__iexact": "x"},
        {"s__not__not__gt": "x"},
        {"not": 1},
        {"not__gt": 1},
    )


def text_operators(me, db):
    operators = [
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "exact",
        "iexact",
        "regex",
        "iregex",
        "wholeword",
        "iwholeword",
    ]
    values = "a.b$", "^(a", "", "a b"
    calls = [{f"s__{op}": value} for op in operators for value in values]
    return queries(me, shapes(me).Wide, *calls)


def text_operators_on_what_is_no_text(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"s__regex": re.compile("x")},
        {"i__contains": "1"},
        {"i__exact": "1"},
        {"dt__startswith": "2020-01-01"},
        {"b__exact": "x"},
        {"dyn__contains": "x"},
    )


def element_matches_on_scalars(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"s__match": "x"},
        {"s__elemMatch": {"a": 1}},
        {"i__match": "1"},
        {"dyn__match": {"a": 1}},
    )


def names_that_mean_nothing(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"nope": 1},
        {"ss": "x"},
        {"s__foo": "x"},
        {"s__eq": "x"},
        {"i__foo": 1},
        {"dt__year": 2020},
        {"oid__x": 1},
        {"i__gt__lt": 5},
        {"i__in__gt": 5},
        {"": 1},
        {"__": 1},
        {"S": 1},
        {"_cls": "x"},
    )


def names_that_end_like_operators(me, db):
    return queries(
        me,
        shapes(me).Named,
        {"size": 3},
        {"size__size": 3},
        {"size__gt": 3},
        {"size__": 3},
        {"size____gt": 3},
        {"size__not": 3},
        {"size__not__": 3},
        {"type": "x"},
        {"type__type": "x"},
        {"type__": "x"},
        {"exists": True},
        {"exists__exists": True},
        {"gt__gt": 3},
        {"contains__contains": "x"},
        {"match__match": "x"},
        {"near__near": [1, 2]},
        {"near__max_distance": 2},
        {"set": 5},
        {"inc": 5},
        {"e__size": 3},
        {"e__size__": 3},
        {"e__type__": "x"},
        {"e__size__size": 1},
        {"e__size__not__gt": 3},
        {"e__type__not__contains": "x"},
        {"not_": 5},
    )


def conditions_on_one_field(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"i": 3, "i__gt": 1},
        {"i__gt": 1, "i": 3},
        {"s": "y", "s__ne": "x"},
        {"s__ne": "x", "s__in": ["a"], "i": 5},
        {"s__ne": "x", "s": "y", "i": 5, "i__gt": 3},
        {"s": {"a": 1}, "s__ne": "x"},
        {"pk": OID, "id": OID2},
    )


def raw_conditions(me, db):
    return queries(
        me,
        shapes(me).Wide,
        {"__raw__": {"a": 1}},
        {"__raw__": {}},
        {"__raw__": SON([("a", 1)])},
        {"__raw__": {"a": 1}, "s": "x"},
        {"s": "x", "__raw__": {"ss": "y"}},
        {"s__ne": "x", "__raw__": {"ss": {"$gt": "a"}}},
        {"__raw__": {"ss": SON([("$gt", 1)])}, "s__ne": "x"},
        {"__raw__": {"ss": {"a": 1}}, "s__ne": "x"},
        {"__raw__": {"$and": [{"a": 1}]}, "s": "x", "s__ne": "y"},
        {"__raw__": {"$or": [{"a": 1}]}, "s": "x"},
        {"__raw__": {"ss": "q", "ii": 1}, "s": "y", "i": 5, "i__gt": 3, "i__lt": 7},
        {"__raw__": [1]},
        {"__raw__": None},
        {"__raw__": "x"},
    )


def raw_conditions_meeting_others(me, db):
    merge = me.queryset.transform.handle_raw_query
    pairs = (
        ({"a": {"$gt": 1}}, {"a": {"$lt": 3}}),
        ({"a": 2}, {"a": {"$lt": 3}}),
        ({"a": 2}, {"a": 3}),
        ({"$and": [{"x": 1}]}, {"$and": [{"y": 1}]}),
        ({"a": {"$gt": 1}}, {"a": 3}),
        ({"b": 1}, {"a": 3}),
    )
    return [[caught(merge, raw, query), query] for raw, query in pairs]


def queries_without_a_class(me, db):
    return queries(
        me,
        None,
        {"a": 1},
        {"pk": 1},
        {"a__b": 1},
        {"a__0__b": 1},
        {"a__gt": 1},
        {"a__in": [1]},
        {"a__in": 5},
        {"a__all": [1]},
        {"a__not__gt": 1},
        {"a__contains": "x"},
        {"a__iexact": "x"},
        {"a__exists": True},
        {"a__type": 3},
        {"a__b__size": 2},
        {"a__": 1},
        {"a": 1, "a__gt": 0},
        {"__raw__": {"a": 1}, "b": 2},
    )


# -- queries on lists


def equality_on_lists_of_text(me, db):
    values = "a", ["a", "b"], None, [], ("a",), {"a"}
    calls = [{"ls": value} for value in values]
    return queries(me, shapes(me).Lists, *calls)


def operators_on_lists_of_text(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"ls__in": ["a"]},
        {"ls__nin": "ab"},
        {"ls__all": ["a", "b"]},
        {"ls__size": 2},
        {"ls__exists": True},
        {"ls__ne": "a"},
        {"ls__gt": "a"},
        {"ls__contains": "a"},
        {"ls__iexact": "x"},
        {"ls__not__size": 2},
        {"ls__not__in": ["a"]},
        {"ls__match": "x"},
        {"ls__match": {"a": 1}},
        {"ls__elemMatch": {"$gt": "a"}},
        {"ls__elemMatch": {"$in": ["a"]}},
    )


def positions_in_lists(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"ls__0": "a"},
        {"ls__S": "a"},
        {"ls__foo": "a"},
        {"ls__0__contains": "a"},
        {"ls__0__in": ["a"]},
        {"ls__0__ne": "a"},
        {"ls__S__iexact": "x"},
        {"ls__in__0": ["a"]},
        {"li__0": "1"},
        {"li__0__gt": "1"},
        {"li__1__mod": [1, 2]},
        {"li__0__x": 1},
        {"raw__0": 1},
        {"raw__0__x": 1},
    )


def lists_of_numbers(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"li": "1"},
        {"li": [1, "2"]},
        {"li": "x"},
        {"li": {"a": 1}},
        {"li__gt": "1"},
        {"li__in": ["1"]},
        {"li__all": ["1"]},
        {"li__size": "2"},
        {"li__mod": [1, 2]},
        {"li__not": "3"},
        {"li__not__gt": "3"},
        {"li__not__all": [1]},
        {"li__elemMatch": {"$gt": 1}},
        {"sl": "1"},
        {"sl": [3, 1]},
        {"sl__0": "1"},
    )


def lists_of_anything(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"raw": "x"},
        {"raw": [1]},
        {"raw": {"a": 1}},
        {"raw__x": 1},
        {"raw__in": [1]},
        {"raw__contains": "x"},
        {"raw__elemMatch": {"a": 1}},
        {"raw__match": {"a": 1}},
    )


def lists_of_lists(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"ll": [[1]]},
        {"ll": [1]},
        {"ll": 1},
        {"ll__0": 1},
        {"ll__0__0": "1"},
        {"ll__0__x": 1},
        {"ll__0__in": ["1"]},
        {"ll__0__0__gt": "1"},
        {"ll__match": {"$in": [1]}},
        {"lle__name": "x"},
        {"lle__0__name": "x"},
        {"lle__0__0__name": "x"},
    )


def lists_of_dicts(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"ld__x": 1},
        {"ld__0__x": 1},
        {"ld__x__y": 1},
        {"ld": {"a": 1}},
        {"ld": [{"a": 1}]},
        {"ld__match": {"a": 1}},
        {"ld__x__contains": "a"},
        {"ld__x__in": ["a"]},
    )


def members_of_embedded_lists(me, db):
    return queries(
        me,
        shapes(me).Lists,
        {"le__name": "x"},
        {"le__0__name": "x"},
        {"le__S__name": "x"},
        {"le__name__in": ["a"]},
        {"le__name__contains": "a"},
        {"le__sub__deep": "x"},
        {"le__sub__deep__gt": "x"},
        {"le__subs__deep": "x"},
        {"le__subs__0__deep": "x"},
        {"le__tags": "x"},
        {"le__tags__0": "x"},
        {"le__size": 3},
        {"le__type": "x"},
        {"le__type__ne": "x"},
        {"le__size__gt": 3},
        {"le__nope": 1},
        {"el__name": "x"},
        {"el__0__num": "3"},
        {"el__nope": 1},
    )


def embedded_documents_in_lists(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return queries(
        me,
        found.Lists,
        {"le": one},
        {"le": [one]},
        {"le": {"name": "x"}},
        {"le": []},
        {"le": None},
        {"le__0": found.Inner(num=1)},
        {"le__in": [one]},
        {"le__all": [one]},
        {"le__all": [{"$elemMatch": {"a": 1}}]},
        {"le__all": [{"elemMatch": {"a": 1}}]},
        {"le__exists": False},
        {"le__ne": []},
        {"le__0__size": 1},
        {"le__0__exists": True},
        {"el": one},
        {"el": [one]},
    )


def element_matches_on_embedded_lists(me, db):
    found = shapes(me)
    return queries(
        me,
        found.Lists,
        {"le__match": {"name": "x", "num": "1"}},
        {"le__match": {"name__in": ["x"], "num__gt": "1"}},
        {"le__match": {"sub__deep": "x"}},
        {"le__match": {"nope": 1}},
        {"le__match": {"__raw__": {"a": 1}}},
        {"le__match": {}},
        {"le__match": {"name__match": "x"}},
        {"le__match": found.Inner(name="x")},
        {"le__match": "x"},
        {"le__match": me.Q(name="x")},
        {"le__elemMatch": {"name": "x"}},
        {"le__elemMatch": {"nm": "x"}},
        {"le__not__match": {"name": "x"}},
        {"le__not__elemMatch": {"name": "x"}},
        {"le__subs__match": {"deep": "x"}},
        {"le__0__match": {"name": "x"}},
        {"el__match": {"name": "x"}},
        {"el__elemMatch": {"name": "x"}},
        {"el__elemMatch": found.Inner(name="x")},
    )


def generic_and_open_documents_in_lists(me, db):
    found = shapes(me)
    return queries(
        me,
        found.Lists,
        {"lge__name": "x"},
        {"lge__0__name": "x"},
        {"lge": found.Inner(name="x")},
        {"lge": [found.Inner(name="x")]},
        {"lge__match": {"name": "x"}},
        {"lge__elemMatch": {"_cls": "x"}},
        {"lo__name": "x"},
        {"lo__nope": "x"},
        {"lo__nope__gt": 1},
        {"lo__0__nope": 1},
        {"lo__match": {"nope": 1}},
        {"lo__match": {"name": "x", "z__gt": 2}},
    )


# -- queries on embedded documents and maps


def members_of_embedded_documents(me, db):
    return queries(
        me,
        shapes(me).Nested,
        {"e__name": "x"},
        {"e__num": "3"},
        {"e__num__gt": "3"},
        {"e__sub__deep": "x"},
        {"e__sub__exists": True},
        {"e__tags": "x"},
        {"e__tags__0": "x"},
        {"e__tags__size": 1},
        {"e__subs__deep": "x"},
        {"e__subs__match": {"deep": "x"}},
        {"e__size": 3},
        {"e__size__gt": 3},
        {"e__type": "x"},
        {"e__type__in": ["x"]},
        {"e__name__not__contains": "x"},
        {"k__key": "x"},
        {"k__v": "1"},
        {"e__name": "x", "e__num": 3},
        {"e__name__ne": "x", "e__name__in": ["a"]},
        {"e__name": "x", "e__name__ne": "y"},
    )


def members_that_embedded_documents_lack(me, db):
    return queries(
        me,
        shapes(me).Nested,
        {"e__nope": 1},
        {"e__sub__nope": 1},
        {"e__nm": 1},
        {"ee__name": 1},
        {"e__pk": "x"},
        {"k__pk": "x"},
        {"e__0": 1},
        {"e__not__name": "x"},
        {"o__name": "x"},
        {"o__nope": "x"},
        {"o__nope__x": "x"},
        {"g__name": "x"},
        {"g___cls": "Inner"},
    )


def whole_embedded_documents(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return queries(
        me,
        found.Nested,
        {"e": one},
        {"e": {"name": "x"}},
        {"e": None},
        {"e": "x"},
        {"e": found.Open(name="x")},
        {"e": found.Deep(deep="y")},
        {"e__sub": found.Deep(deep="x")},
        {"e__in": [one]},
        {"e__ne": one},
        {"e__match": {"name": "x"}},
        {"e__elemMatch": {"name": "x"}},
        {"o": found.Open(name="x", z=1)},
        {"k": found.Keyed(key="x", v=1)},
        {"g": one},
        {"g": "x"},
        {"g": None},
        {"g__in": [one]},
        {"g__exists": True},
        {"g__not__exists": True},
    )


def keys_of_dicts(me, db):
    return queries(
        me,
        shapes(me).Maps,
        {"d": {"a": 1}},
        {"d": "x"},
        {"d": None},
        {"d__x": 1},
        {"d__x__y": 1},
        {"d__x__0": 1},
        {"d__0": 1},
        {"d__0__x": 1},
        {"d__S": 1},
        {"d__pk": 1},
        {"d__x": None},
        {"d__x__ne": None},
        {"d__x": re.compile("a")},
        {"di__x": "1"},
        {"di__x__y": "1"},
        {"di": {"a": "1"}},
        {"di__x__gt": "1"},
    )


def operators_on_keys_of_dicts(me, db):
    operators = [
        "gt",
        "in",
        "contains",
        "icontains",
        "exists",
        "size",
        "type",
        "match",
        "all",
        "regex",
    ]
    return queries(
        me,
        shapes(me).Maps,
        *({f"d__x__{op}": ["a"]} for op in operators),
        *({f"d__x__{op}": "a"} for op in operators),
        {"d__contains": "x"},
        {"d__size": 1},
        {"d__gt": {"a": 1}},
        {"d__in": [{"a": 1}]},
        {"d__x__elemMatch": {"a": 1}},
        {"d__x__not__contains": "x"},
        {"di__x__contains": "1"},
    )


def documents_in_dicts(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return queries(
        me,
        found.Maps,
        {"d__x": one},
        {"d__x": [one]},
        {"de__x": one},
        {"de__x__name": "x"},
        {"de__x__num__gt": "1"},
        {"de": {"q": one}},
    )


def keys_of_maps(me, db):
    found = shapes(me)
    return queries(
        me,
        found.Maps,
        {"m__x": "1"},
        {"m__x__gt": "1"},
        {"m": {"a": "1"}},
        {"me___x__name": "x"},
        {"me___x": found.Inner(name="x")},
        {"me___x__nope": 1},
        {"me___x__num__gt": "1"},
        {"me___x__sub__deep": "1"},
        {"me___name": "x"},
        {"me___x__match": {"name": "q"}},
        {"me__0__name": 1},
        {"ml__x": "1"},
        {"ml__x__0": "1"},
        {"ml__x__in": ["1"]},
        {"ms__x": "1"},
        {"ms__x__contains": "a"},
        {"ms__x__in": ["1"]},
    )


# -- queries on references


def references_by_every_value(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    lazy = me.base.LazyReference(found.Target, OID)
    ref = DBRef("target", OID)
    values = target, OID, str(OID), "bad", ref, None, lazy
    names = "r", "rd", "z"
    calls = [{name: value} for name in names for value in values]
    return queries(me, found.Links, *calls, {"r": found.Slug(slug="x")})


def operators_on_references(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return queries(
        me,
        found.Links,
        {"r__ne": target},
        {"r__in": [target, OID2, str(OID)]},
        {"r__in": target},
        {"r__nin": [target]},
        {"r__exists": True},
        {"r__gt": OID},
        {"r__size": 1},
        {"r__contains": "x"},
        {"r__match": {"a": 1}},
        {"r__not__in": [target]},
        {"rd__in": [target, OID]},
        {"z__in": [target, OID]},
        {"own": OID},
        {"own": found.Links(id=OID)},
        {"own__in": [found.Links(id=OID)]},
    )


def joins_are_refused(me, db):
    names = [
        "r__title",
        "r__id",
        "r__pk",
        "own__r",
        "g__title",
        "gz__x",
        "r__0",
        "z__title",
        "z__nope",
    ]
    return queries(me, shapes(me).Links, *({name: 1} for name in names))


def unsaved_documents_cannot_be_asked_for(me, db):
    found = shapes(me)
    names = "r", "rd", "z", "g", "gz", "c"
    calls = [{name: found.Target()} for name in names]
    return [
        queries(me, found.Links, *calls, {"lr": [found.Target()]}),
        updates(me, found.Links, *calls, {"push__lr": found.Target()}),
    ]


def references_by_other_keys(me, db):
    found = shapes(me)
    return queries(
        me,
        found.Links,
        {"rs": found.Slug(slug="sl")},
        {"rs": "sl"},
        {"rs": found.Target(id=OID)},
        {"rs__in": ["a"]},
        {"rs": 5},
        {"rs__startswith": "x"},
        {"rs": None},
    )


def lists_of_references(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return queries(
        me,
        found.Links,
        {"lr": target},
        {"lr": OID},
        {"lr": [target]},
        {"lr": str(OID)},
        {"lr__in": [target]},
        {"lr__in": target},
        {"lr__all": [target, OID2]},
        {"lr__0": target},
        {"lr__S": target},
        {"lr__ne": target},
        {"lr__title": "x"},
        {"lr__nope": "x"},
        {"lr__0__title": "x"},
        {"lr__size": 1},
        {"lr__match": target},
        {"lr__in": [me.base.LazyReference(found.Target, OID)]},
        {"lrd": target},
        {"lrd": OID},
        {"lrd__in": [target]},
        {"lrd__all": [target]},
        {"mr__x": target},
        {"mr__x": OID},
        {"mr__x__in": [target]},
    )


def generic_references(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return queries(
        me,
        found.Links,
        {"g": target},
        {"g": found.Slug(slug="sl")},
        {"g": OID},
        {"g": DBRef("target", OID)},
        {"g": None},
        {"g": "x"},
        {"g": {"_cls": "x"}},
        {"g__ne": target},
        {"g__ne": OID},
        {"g__not": OID},
        {"g__in": [target]},
        {"g__in": target},
        {"g__nin": [target]},
        {"g__all": [target]},
        {"g__exists": True},
        {"g___ref": 1},
        {"lg": target},
        {"lg": [target]},
        {"lg": OID},
        {"lg__in": [target]},
        {"lg__0": target},
        {"lg__all": [target]},
        {"lg__x": 1},
        {"gz": target},
        {"gz": me.base.LazyReference(found.Target, OID)},
        {"gz": OID},
        {"gz__in": [target]},
        {"gz__ne": target},
    )


@differs("upstream compares several cached references with copies, which find nothing")
def cached_references(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return queries(
        me,
        found.Links,
        {"c": target},
        {"c": OID},
        {"c": None},
        {"c": "x"},
        {"c__ne": target},
        {"c__in": [target]},
        {"c__title": "x"},
        {"c__title__contains": "x"},
        {"c__nope": 1},
    )


# -- geospatial queries


def near_a_geojson_point(me, db):
    values = [1, 2], (1, 2), [1, 2, 3], POINT, 5, "x", None, [], {"a": 1}
    wrapped = {"$geometry": POINT}, {"$geometry": POINT, "$maxDistance": 5}
    calls = [{"p__near": value} for value in (*values, *wrapped)]
    return queries(me, shapes(me).Places, *calls, {"p__not__near": [1, 2]})


def within_a_geometry(me, db):
    values = [1, 2], POINT, POLYGON, RING, [RING], [[RING]], BOX, 5, "x", None
    odd = {"a": 1}, {"$geometry": POINT}, [], (1, 2), [[1]], [None], [[]], [{"a": 1}]
    return queries(
        me,
        shapes(me).Places,
        *({"p__geo_within": value} for value in (*values, *odd)),
        *({"p__geo_intersects": value} for value in (*values, *odd)),
        {"p__geo_within": {1}},
        {"p__not__geo_within": POLYGON},
    )


def within_a_shape(me, db):
    kinds = "box", "polygon", "center", "sphere"
    values = BOX, [[1, 2], 3], 5
    return queries(
        me,
        shapes(me).Places,
        *({f"p__geo_within_{kind}": value} for kind in kinds for value in values),
    )


def distances_go_with_their_near(me, db):
    return queries(
        me,
        shapes(me).Places,
        {"p__max_distance": 5},
        {"p__min_distance": 5},
        {"p__near": [1, 2], "p__max_distance": 5},
        {"p__near": [1, 2], "p__min_distance": 1},
        {"p__near": [1, 2], "p__max_distance": 5, "p__min_distance": 1},
        {"p__near": POINT, "p__max_distance": "5"},
        {"p__near": {"$geometry": POINT, "$maxDistance": 3}, "p__min_distance": 5},
        {"p__geo_within": POLYGON, "p__max_distance": 5},
        {"geo__near": [1, 2], "geo__max_distance": 5},
        {"geo__near": [1, 2], "geo__min_distance": 5},
        {"geo__near_sphere": [1, 2], "geo__max_distance": 5, "geo__min_distance": 1},
        {"geo__within_distance": [[1, 2], 3], "geo__max_distance": 5},
        {"lp__near": [1, 2], "lp__max_distance": 3},
        {"e__point__near": [1, 2], "e__point__max_distance": 7},
        {"plain__near": [1, 2], "plain__max_distance": 5},
        {
            "geo__near": [1, 2],
            "p__near": [1, 2],
            "p__max_distance": 4,
            "geo__max_distance": 6,
        },
    )


def legacy_coordinate_pairs(me, db):
    near = [
        {f"geo__{op}": value}
        for op in ("near", "near_sphere")
        for value in ([1, 2], (1, 2), POINT, 5, "x", {"a": 1})
    ]
    within = [
        {f"geo__within_{kind}": value}
        for kind in ("distance", "spherical_distance", "box", "polygon")
        for value in ([[1, 2], 3], 5)
    ]
    other = {"geo": [1, 2]}, {"geo": None}, {"geo__exists": False}, {"geo__x": 1}
    return queries(me, shapes(me).Places, *near, *within, *other)


def geo_operators_that_a_field_lacks(me, db):
    legacy = "near_sphere within_distance within_spherical_distance within_box"
    geojson = "geo_within geo_within_box geo_within_center geo_intersects"
    return queries(
        me,
        shapes(me).Places,
        *({f"p__{op}": BOX} for op in legacy.split()),
        *({f"poly__{op}": BOX} for op in legacy.split()),
        *({f"geo__{op}": BOX} for op in geojson.split()),
    )


def geo_operators_on_every_geojson_field(me, db):
    names = "line", "poly", "mp", "mls", "mpo"
    calls = [
        {f"{name}__{op}": value}
        for name in names
        for op in ("near", "geo_within", "geo_intersects")
        for value in ([1, 2], POLYGON)
    ]
    return queries(me, shapes(me).Places, *calls)


def geo_operators_on_what_is_no_geo_field(me, db):
    found = shapes(me)
    operators = "near", "geo_within", "geo_within_box", "max_distance", "within_box"
    return [
        queries(me, found.Wide, *({f"i__{op}": [1, 2]} for op in operators)),
        queries(me, found.Loose, *({f"foo__{op}": [1, 2]} for op in operators)),
        queries(me, found.Places, *({f"plain__{op}": [1, 2]} for op in operators)),
    ]


def geo_fields_inside_others(me, db):
    return queries(
        me,
        shapes(me).Places,
        {"lp__near": [1, 2]},
        {"lp__geo_within": POLYGON},
        {"lp__0__near": [1, 2]},
        {"lp__geo_within_box": BOX},
        {"lp": [1, 2]},
        {"lp": [[1, 2]]},
        {"e__point__near": [1, 2]},
        {"e__point__geo_within": POLYGON},
        {"p__near": [1, 2], "geo__within_box": BOX},
    )


def geometries_compared_as_they_are(me, db):
    return queries(
        me,
        shapes(me).Places,
        {"p": [1, 2]},
        {"p": POINT},
        {"p": "x"},
        {"p": None},
        {"p__ne": [1, 2]},
        {"p__in": [[1, 2]]},
        {"p__exists": True},
        {"p__type": "Point"},
        {"p__size": 3},
        {"p__match": {"a": 1}},
        {"p__coordinates": 1},
        {"line": BOX},
        {"poly": POLYGON},
        {"mp": [[1, 2]]},
    )


# -- dynamic documents and inheritance


def open_names(me, db):
    found = shapes(me)
    return queries(
        me,
        found.Loose,
        {"foo": "x"},
        {"foo": None},
        {"foo": {"a": 1}},
        {"foo": [1]},
        {"foo": found.Inner(name="x")},
        {"foo": found.Target(id=OID)},
        {"foo__in": [found.Target(id=OID)]},
        {"foo__bar": 1},
        {"foo__0": 1},
        {"foo__0__bar": 1},
        {"foo__x__y__z__ne": 1},
        {"foo__pk": 1},
        {"name": "x"},
        {"nm": "x"},
        {"name__foo": 1},
        {"_cls": "x"},
        {"_id": OID},
        {"pk": OID},
        {"d__x": 1},
        {"__raw__": {"foo": 1}, "foo": 1},
    )


def operators_on_open_names(me, db):
    operators = [
        "gt",
        "in",
        "contains",
        "icontains",
        "startswith",
        "exists",
        "match",
        "elemMatch",
        "size",
        "type",
        "all",
        "near",
    ]
    return queries(
        me,
        shapes(me).Loose,
        *({f"foo__{op}": ["a"]} for op in operators),
        *({f"foo__bar__{op}": "a"} for op in operators),
        {"foo__not__gt": 1},
    )


def open_embedded_documents(me, db):
    names = (
        "e__foo o__foo o__foo__gt o__foo__bar o__name lo__foo lo__foo__bar lo__0__foo"
    )
    return queries(me, shapes(me).Loose, *({name: 1} for name in names.split()))


def dynamic_fields(me, db):
    values = "x", {"a": 1}, [1], None
    return queries(
        me,
        shapes(me).Wide,
        *({"dyn": value} for value in values),
        {"dyn__x": 1},
        {"dyn__x__y": 1},
        {"dyn__0": 1},
        {"dyn__gt": 1},
        {"dyn__in": ["a"]},
        {"dyn____not__iendswith": "a"},
    )


def fields_of_subclasses(me, db):
    found = shapes(me)
    return [
        queries(
            me,
            found.Animal,
            {"a": 1},
            {"b": "x"},
            {"bb": "x"},
            {"c__name": "x"},
            {"c__num__gt": "1"},
            {"_cls": "Animal.Dog"},
            {"_cls__in": ["Animal"]},
            {"nope": 1},
        ),
        queries(me, found.Dog, {"a": 1}, {"b": "x"}, {"c__name": "x"}),
        queries(me, found.Abstract, {"a": 1}, {"x": 1}),
        queries(me, found.Concrete, {"a": 1}, {"x": "1"}),
    ]


def queries_on_embedded_classes(me, db):
    found = shapes(me)
    calls = {"name": "x"}, {"sub__deep": "x"}, {"subs__0__deep": "x"}, {"tags": "x"}
    return queries(me, found.Inner, *calls)


def fields_that_prepare_their_own_values(me, db):
    class Shout(me.StringField):
        def prepare_query_value(self, op, value):
            return [op, value]

    class Page(me.Document):
        s = Shout()
        l = me.ListField(Shout())  # noqa: E741
        required = Shout(required=True)

    operators = [
        "ne",
        "in",
        "nin",
        "all",
        "exists",
        "contains",
        "not",
        "not__contains",
        "match",
        "elemMatch",
        "size",
        "mod",
        "type",
        "near",
        "gt",
        "not__in",
        "exact",
    ]
    changes = [
        "set",
        "unset",
        "inc",
        "push",
        "push_all",
        "pull",
        "pull_all",
        "add_to_set",
        "set_on_insert",
        "max",
        "min",
        "mul",
        "pop",
        "rename",
    ]
    names = "s", "l", "l__0"
    return [
        queries(me, Page, *({f"{n}__{op}": ["v"]} for op in operators for n in names)),
        queries(me, Page, *({name: "v"} for name in names)),
        updates(
            me,
            Page,
            *(
                {f"{op}__{name}": value}
                for op in changes
                for name in ("s", "l", "required")
                for value in ("v", ["v"], None)
            ),
        ),
    ]


# -- updates


def setting_scalars(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {},
        {"s": "x"},
        {"set__s": "x"},
        {"s": None},
        {"set__s": None},
        {"set__i": "3"},
        {"set__i": "x"},
        {"set__i": None},
        {"set__f": "x"},
        {"set__b": True},
        {"set__b": 1},
        {"set__dt": "2020-01-01"},
        {"set__dt": "bad"},
        {"set__date": NOW},
        {"set__cdt": NOW},
        {"set__dec": "1.5"},
        {"set__decs": "1.5"},
        {"set__d128": "1.5"},
        {"set__u": str(ID)},
        {"set__us": ID},
        {"set__binary": b"1"},
        {"set__seq": "5"},
        {"set__dyn": {"a": 1}},
        {"set__dyn__x": 1},
        {"pk": OID},
        {"set__pk": str(OID)},
        {"set__id": "bad"},
    )


def updates_are_validated(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"set__url": "bad"},
        {"set__email": "bad"},
        {"set__choice": "z"},
        {"set__short": "too long"},
        {"set__bounded": 99},
        {"inc__bounded": 99},
        {"inc__s": 1},
        {"max__bounded": 99},
    )


def arithmetic(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"inc__i": 1},
        {"inc__i": "1"},
        {"inc__i": "x"},
        {"inc__f": 1},
        {"inc__dec": "1.5"},
        {"dec__i": 1},
        {"dec__i": "2"},
        {"dec__i": None},
        {"dec__f": 1.5},
        {"dec__dec": 1},
        {"mul__i": 2},
        {"mul__i": "2"},
        {"mul__i": None},
        {"max__i": "2"},
        {"max__s": "x"},
        {"min__i": 2},
        {"min__dt": NOW},
        {"min__s": None},
        {"inc__i__x": 1},
    )


def unsetting_and_renaming(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"unset__s": 1},
        {"unset__s": True},
        {"unset__s": None},
        {"rename__s": "t"},
        {"rename__s": "i"},
        {"rename__i": "nope"},
        {"rename__s": None},
        {"set_on_insert__s": "x"},
        {"set_on_insert__i": "3"},
        {"set_on_insert__i": None},
    )


def list_operators_on_scalars(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"push__s": "x"},
        {"push_all__s": ["x"]},
        {"add_to_set__s": "x"},
        {"pop__s": 1},
        {"pull__s": "x"},
        {"pull_all__s": ["x"]},
    )


def several_changes_at_once(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"set__s": "x", "set__i": 1, "inc__f": 1, "unset__b": 1},
        {"s": "x", "set__s": "y"},
        {"set__s": "x", "unset__s": 1},
        {"inc__i": 1, "dec__f": 2},
    )


def raw_updates(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"__raw__": {"$set": {"a": 1}}},
        {"__raw__": {"$set": {"a": 1}}, "set__s": "x"},
        {"set__s": "x", "__raw__": {"$set": {"a": 1}}},
        {"__raw__": {"a": 1}},
        {"__raw__": {"$inc": {"a": 1}}, "inc__i": 1},
        {"__raw__": [{"$set": {"a": 1}}]},
        {"__raw__": None},
        {"__raw__": {"$push": {"x": {"$each": ["x"], "$slice": 2}}}, "push__s": "1"},
    )


def update_names_that_mean_nothing(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"nope": 1},
        {"set__nope": 1},
        {"foo__s": 1},
        {"set__ss": 1},
        {"s__x": 1},
        {"set__s__x": 1},
        {"s__set": "x"},
        {"i__inc": 1},
        {"set__": 1},
        {"currentDate__dt": True},
        {"bit__i": 5},
        {"set__s__contains": "x"},
    )


def update_names_that_are_operators(me, db):
    return updates(
        me,
        shapes(me).Named,
        {"size": 3},
        {"set__size": 3},
        {"set__set": 5},
        {"inc__inc": 5},
        {"set__inc": 5},
        {"unset__set": 1},
        {"set__type": "x"},
        {"type": "x"},
        {"exists": True},
        {"set__gt": 5},
        {"inc__size": 1},
        {"match": "x"},
        {"set__e__type": "x"},
        {"set__e__type__": "x"},
        {"set__size__": 3},
        {"size__": 3},
        {"set__size____gt": 3},
        {"inc____type": 1},
    )


def updates_with_a_comparison(me, db):
    return updates(
        me,
        shapes(me).Wide,
        {"set__i__gt": 3},
        {"pull__i__in": [1]},
        {"unset__i__exists": 1},
    )


def updates_without_a_class(me, db):
    return updates(
        me,
        None,
        {"a": 1},
        {"set__a": 1},
        {"inc__a": 1},
        {"dec__a": 1},
        {"push__a": 1},
        {"push__a__0": 1},
        {"push_all__a": [1]},
        {"pull__a": 1},
        {"pull__a__in": [1]},
        {"add_to_set__a": [1]},
        {"unset__a": 5},
        {"set__a__S__b": 1},
        {"set__a__gt": 1},
    )


def setting_lists(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"ls": "a"},
        {"ls": ["a"]},
        {"set__ls": ["a"]},
        {"set__li": ["1"]},
        {"set__li": "1"},
        {"set__li": None},
        {"set__raw": [1]},
        {"set__sl": [3, 1]},
        {"set__li": "x"},
    )


def setting_at_positions(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"set__ls__0": "a"},
        {"set__ls__S": "a"},
        {"ls__0": "a"},
        {"ls__S": "b"},
        {"unset__ls__0": 1},
        {"unset__ls__S": 1},
        {"inc__ls__0": 1},
        {"set__ls__0__x": 1},
        {"set__ls__foo": 1},
        {"set__li__1": "1"},
        {"inc__li__0": "1"},
        {"inc__li__S": "1"},
        {"dec__li__S": 1},
        {"mul__li__S": "2"},
        {"max__li__0": "2"},
        {"set__raw__0__x": 1},
        {"set__ll__0__0": "1"},
        {"inc__ll__0__0": "1"},
        {"set__ld__0__a": 1},
        {"set__ld__S__a": 1},
        {"inc__ld__S__a": 1},
    )


def positional_filters_in_updates(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"set__le__$[x]__name": "x"},
        {"set__le__$[]__num": "1"},
        {"inc__le__$[x]__num": 1},
        {"set__li__$[x]": 1},
        {"set__ls__$[x]": "q"},
        {"unset__le__$[x]__name": 1},
        {"push__le__$[x]__tags": "a"},
    )


def pushing(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"push__ls": "a"},
        {"push__ls": ["a", "b"]},
        {"push__ls": None},
        {"push__li": "1"},
        {"push__li": ["1"]},
        {"push__li": "x"},
        {"push__li": None},
        {"push__raw": {"a": 1}},
        {"push__ll": [1]},
        {"push__ll": [[1]]},
        {"push__sl": [2, 1]},
        {"push__ld": {"a": 1}},
        {"push__ld": [{"a": 1}]},
        {"push__ls__S": "a"},
        {"push__ld__S__a": 1},
        {"push__ld__0__a": 1},
        {"push__ls": {"$each": ["a", "b"], "$position": 0}},
        {"push__ls__each": ["a"]},
        {"push__ls__position": 0},
    )


def pushing_at_positions(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"push__ls__0": "a"},
        {"push__ls__0": ["a", "b"]},
        {"push__ls__0": {"a"}},
        {"push__li__2": ["1", "2"]},
        {"push__raw__0": 1},
        {"push__ll__0": "1"},
        {"push__ll__0__1": "1"},
        {"push__ll__0__1": ["1"]},
        {"push__le__0__tags__1": "x"},
        {"push_all__ls__0": ["a"]},
    )


def pushing_all(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"push_all__ls": ["a"]},
        {"push_all__ls": "a"},
        {"push_all__ls": None},
        {"push_all__li": ["1"]},
        {"push_all__li": ("1",)},
        {"push_all__le": [shapes(me).Inner(name="x")]},
    )


def adding_to_sets(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"add_to_set__ls": "a"},
        {"add_to_set__ls": ["a", "b"]},
        {"add_to_set__ls": {"a"}},
        {"add_to_set__ls": ("a",)},
        {"add_to_set__ls": None},
        {"add_to_set__ls__0": "a"},
        {"add_to_set__li": ["1", "2"]},
        {"add_to_set__raw": [1, 2]},
        {"add_to_set__ll": [[1]]},
        {"add_to_set__ll__0": ["1"]},
        {"add_to_set__ld": {"a": 1}},
        {"add_to_set__le__S__tags": ["x"]},
    )


def popping(me, db):
    calls = {"pop__ls": 1}, {"pop__ls": -1}, {"pop__ls": "1"}, {"pop__le__S__tags": 1}
    return updates(me, shapes(me).Lists, *calls)


def pulling_values(me, db):
    comparisons = ["in", "nin", "gt", "gte", "lt", "lte", "ne"]
    return updates(
        me,
        shapes(me).Lists,
        {"pull__ls": "a"},
        {"pull__ls": ["a"]},
        *({f"pull__ls__{op}": "a"} for op in comparisons),
        {"pull__ls__contains": "a"},
        {"pull__ls__match": "a"},
        {"pull__li": "1"},
        {"pull__li": None},
        {"pull__li": "x"},
        {"pull__li__in": ["1"]},
        {"pull__li__in": 1},
        {"pull__li__in": {"a": 1}},
        {"pull__li__not__gt": "1"},
        {"pull__raw": {"a": 1}},
        {"pull__raw__x": 1},
        {"pull__ll": [1]},
        {"pull__ll__0": "1"},
        {"pull__ld": {"a": 1}},
        {"pull__ld__a": 1},
        {"pull__ld__a__gt": 1},
        {"pull__sl": "1"},
    )


def pulling_all(me, db):
    found = shapes(me)
    return updates(
        me,
        found.Lists,
        {"pull_all__ls": ["a"]},
        {"pull_all__ls": "a"},
        {"pull_all__ls": None},
        {"pull_all__li": ["1"]},
        {"pull_all__le": [found.Inner(name="x")]},
        {"pull_all__le__name": ["x"]},
        {"pull_all__le__S__tags": ["x"]},
    )


def pulling_embedded_documents(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return updates(
        me,
        found.Lists,
        {"pull__le": one},
        {"pull__le": {"name": "x"}},
        {"pull__le__in": [one]},
        {"pull__le__name": "x"},
        {"pull__le__num__gt": "3"},
        {"pull__le__name__in": ["x"]},
        {"pull__le__name__contains": "x"},
        {"pull__le__match": {"name": "x"}},
        {"pull__le__nope": 1},
        {"pull__el": {"name": "x"}},
        {"pull__el": {"nm": "x"}},
        {"pull__el__name": "x"},
        {"pull__el__name__in": ["q"]},
        {"pull__lo__name": "x"},
        {"pull__lo__q": "x"},
        {"pull__lge__name": "x"},
    )


def pulling_from_deeper_lists(me, db):
    return updates(
        me,
        shapes(me).Lists,
        {"pull__le__tags": "x"},
        {"pull__le__tags__in": ["x"]},
        {"pull__le__S__tags": "x"},
        {"pull__le__0__tags": "x"},
        {"pull__le__0__tags__in": ["x"]},
        {"pull__le__sub__deep": "x"},
        {"pull__le__subs__deep": "x"},
        {"pull__el__sub__deep": "x"},
        {"pull__el__subs__deep": "x"},
        {"pull__el__S__subs__deep": "x"},
        {"pull__el__0__subs__deep": "x"},
        {"pull__lle__0__name": "x"},
    )


def embedded_documents_in_list_updates(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return updates(
        me,
        found.Lists,
        {"push__le": one},
        {"push__le": [one]},
        {"push__le__0": one},
        {"set__le": [one]},
        {"set__le__0": one},
        {"set__le__S": one},
        {"set__le__S__name": "x"},
        {"set__le__0__name": "x"},
        {"set__le__name": "x"},
        {"inc__le__S__num": 1},
        {"unset__le__S__name": 1},
        {"push__le__S__tags": "x"},
        {"push__le__S__subs": found.Deep(deep="x")},
        {"set__el__S__sub__deep": "x"},
        {"set__lle__0__0__name": "x"},
        {"set__lle__S__S__name": "x"},
        {"add_to_set__le": one},
        {"add_to_set__le": [one]},
        {"set__le__nope": 1},
        {"push__lge": one},
        {"set__lge": [one]},
        {"push__lo": found.Open(name="x", q=1)},
    )


def embedded_documents_in_updates(me, db):
    found = shapes(me)
    one = found.Inner(name="x")
    return updates(
        me,
        found.Nested,
        {"e__name": "x"},
        {"nope__a__b": 1},
        {"e__size": 3},
        {"set__e": one},
        {"set__e": {"name": "x"}},
        {"set__e": None},
        {"unset__e": 1},
        {"unset__e__name": 1},
        {"set__e__size": 3},
        {"set__e__size__": 3},
        {"inc__e__num": "1"},
        {"dec__e__num": 1},
        {"push__e__tags": "x"},
        {"push_all__e__tags": ["x"]},
        {"add_to_set__e__tags": ["x"]},
        {"pull__e__tags": "x"},
        {"pull__e__tags__in": ["x"]},
        {"pull__e__subs__deep": "x"},
        {"pull__e__sub__deep": "x"},
        {"pull_all__e__tags": ["x"]},
        {"rename__e__name": "y"},
        {"set_on_insert__e__tags": ["a"]},
        {"set_on_insert__e": {"name": "q"}},
        {"set__g": one},
        {"set__o__nope": 1},
        {"set__k__key": "x"},
        {"set__k": found.Keyed(key="q")},
    )


def maps_in_updates(me, db):
    found = shapes(me)
    return updates(
        me,
        found.Maps,
        {"d": {"a": 1}},
        {"d__x": 1},
        {"set__d": None},
        {"set__d": "x"},
        {"set__d__x": 1},
        {"set__d__x__y": 1},
        {"set__d__0": 1},
        {"set__d__S": 1},
        {"set__d__size": 1},
        {"set__d__size__": 1},
        {"set__d__x": found.Inner(name="z")},
        {"inc__d__x": 1},
        {"inc__d__x": "1"},
        {"dec__d__x": 2},
        {"max__d__x": 3},
        {"unset__d__x": 1},
        {"rename__d__x": "y"},
        {"pop__d__x": 1},
        {"push__d__x": [1]},
        {"push__d__x__0": 1},
        {"pull__d__x": 1},
        {"pull__d__x__in": [1]},
        {"pull__d__x__y": 1},
        {"add_to_set__d__x": [1]},
        {"set__m": {"a": "1"}},
        {"set__m__x": "1"},
        {"inc__m__x": "1"},
        {"set__ms__x": 5},
        {"push__ml__x": "1"},
        {"set_on_insert__d": {"a": 1}},
    )


def references_in_updates(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return updates(
        me,
        found.Links,
        {"r": target},
        {"r": OID},
        {"r": str(OID)},
        {"set__r": None},
        {"set__r__title": 1},
        {"unset__r": 1},
        {"rd": target},
        {"rd": OID},
        {"set__rs": "x"},
        {"set__z": target},
        {"set__z": OID},
        {"set__own": found.Links(id=OID)},
        {"set__c": target},
        {"set__c": OID},
        {"set__c__title": "q"},
        {"set__g": target},
        {"set__g": OID},
        {"set__g": None},
        {"set__gz": target},
        {"set_on_insert__r": target},
    )


def lists_of_references_in_updates(me, db):
    found = shapes(me)
    target = found.Target(id=OID, title="t")
    return updates(
        me,
        found.Links,
        {"lr": [target]},
        {"push__lr": target},
        {"push__lr": OID},
        {"push__lr": [target]},
        {"push_all__lr": [target]},
        {"pull__lr": target},
        {"pull__lr": OID},
        {"pull__lr__in": [target]},
        {"pull__lr__in": target},
        {"pull_all__lr": [target]},
        {"add_to_set__lr": target},
        {"add_to_set__lr": [target, OID2]},
        {"set__lr__0": target},
        {"set__lr__S": target},
        {"set__lrd": [target]},
        {"push__lrd": target},
        {"pull__lrd": OID},
        {"push__lg": target},
        {"pull__lg": target},
        {"set__mr__x": target},
    )


def geometries_in_updates(me, db):
    return updates(
        me,
        shapes(me).Places,
        {"p": [1, 2]},
        {"set__p": POINT},
        {"p": None},
        {"p": "x"},
        {"unset__p": 1},
        {"geo": [1, 2]},
        {"set__line": BOX},
        {"set__poly": [RING]},
        {"set__mp": [[1, 2]]},
        {"set__e__point": [1, 2]},
        {"set_on_insert__p": [1, 2]},
        {"push__lp": [1, 2]},
        {"push__lp": [[1, 2]]},
        {"set__lp": [[1, 2]]},
        {"set__lp__0": [1, 2]},
        {"pull__lp": [1, 2]},
        {"add_to_set__lp": [[1, 2]]},
    )


def open_names_in_updates(me, db):
    found = shapes(me)
    return updates(
        me,
        found.Loose,
        {"foo": 1},
        {"foo__bar": 1},
        {"set__foo": None},
        {"set__foo__bar": 1},
        {"set__foo__S__x": 1},
        {"set__foo": found.Inner(name="x")},
        {"set__foo": found.Target(id=OID)},
        {"inc__foo": 1},
        {"dec__foo": 1},
        {"push__foo": 1},
        {"push__foo__0": 1},
        {"pull__foo": 1},
        {"pull__foo__bar": 1},
        {"pull__foo__in": [1]},
        {"add_to_set__foo": [1]},
        {"unset__foo": 1},
        {"set__o__z": 1},
        {"set__e__nope": 1},
        {"set__nm": "x"},
    )


def subclass_fields_in_updates(me, db):
    return updates(
        me,
        shapes(me).Animal,
        {"a": "1"},
        {"b": "x"},
        {"c__name": "x"},
        {"set___cls": "x"},
        {"nope": 1},
    )


# -- Q


def conditions_joined_by_and(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = (
        q(s="x") & q(i=1),
        q(s="x") & q(i=1) & q(f=2),
        q(s="x", i=1) & q(f=1, b=True),
        q(s="x") & q(s="y"),
        q(s="x") & q(s="x"),
        q(s="x") & q(s__ne="y"),
        q(i__gt=1) & q(i__lt=5) & q(i__ne=3),
        q(i__gt=1) & q(i__gt=5),
        q(i=1) & q(i__gt=0) & q(s=2),
        q(pk=OID) & q(id=OID2),
        q(i__in=[1]) & q(i__in=[2]),
        q(dyn={"a": 1}) & q(dyn__gt=1),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def conditions_joined_by_or(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = (
        q(s="x") | q(i=1),
        q(s="x") | q(i=1) | q(f=2),
        q(s="x", i=1) | q(f=1, b=True),
        q(s="x") | q(s="x"),
        q(s__not__contains="x") | q(s=None),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def conditions_nested(me, db):
    q, wide = me.Q, shapes(me).Wide
    a, b, c, d = q(s="x"), q(i=1), q(f=2), q(b=True)
    trees = (
        (a & b) | c,
        (a | b) & c,
        c & (a | b),
        (a | b) & (c | d),
        (a & b) | (c & d),
        ((a | b) | (c | d)) & q(dyn=1),
        a & (b & (c | d)),
        a | (b & (c | d)),
        a | b & c,
        (a & q(s="y")) | b,
        q() & (a | b),
        (a | b) & q(),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def raw_conditions_joined(me, db):
    q, wide = me.Q, shapes(me).Wide
    raw = q(__raw__={"a": 1})
    trees = (
        raw,
        raw & q(s="x"),
        raw | q(s="x"),
        raw & q(__raw__={"a": 2}),
        q(__raw__={"$and": [{"a": 1}]}) & q(s=1),
        q(__raw__={"$or": [{"a": 1}]}) & (q(s=1) | q(i=1)),
        q(__raw__={"ss": {"$gt": 1}}) & q(s__ne="x"),
    )
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def bad_names_in_joined_conditions(me, db):
    q, wide = me.Q, shapes(me).Wide
    trees = q(nope=1), q(s="x") & q(nope=1), q(s="x") | q(nope=1), q(r__x=1)
    return [[repr(tree), caught(tree.to_query, wide)] for tree in trees]


def empty_conditions(me, db):
    q, wide = me.Q, shapes(me).Wide
    one = q(s="x")
    trees = q(), q() & q(), q() | q(), q() & one, one & q(), one | q(), q() | one
    shown = [
        [repr(tree), bool(tree), tree.empty, tree.to_query(wide)] for tree in trees
    ]
    return [shown, (one & q()) is one, (q() | one) is one]


def joining_what_is_no_condition(me, db):
    q = me.Q
    one = q(s="x")
    joined = one & 5, one & None, one & {}, one | "x", one | {}, q() & 5, q() & None
    return [repr(tree) for tree in joined]


def equality_of_conditions(me, db):
    q = me.Q
    a, b = q(s="x"), q(i=1)
    return [
        a == q(s="x"),
        a == b,
        a != b,
        a == {"s": "x"},
        a == None,  # noqa: E711
        (a & b) == (q(s="x") & q(i=1)),
        (a & b) == (b & a),
        (a & b) == (a | b),
        (a & b) == a,
        a == (a & b),
        (a & b) == 5,
        caught(hash, a),
        caught(hash, a & b),
        copy.deepcopy(a & b) == (a & b),
        pickle.loads(pickle.dumps(a | b)) == (a | b),
    ]


def combinations_made_by_hand(me, db):
    visitor = me.queryset.visitor
    make, node, q, wide = visitor.QCombination, visitor.QNode, me.Q, shapes(me).Wide
    a, b = q(s="x"), q(i=1)
    trees = (
        make(node.AND, [make(node.AND, [a, b]), a]),
        make(node.OR, [make(node.AND, [a, b]), a]),
        make(node.AND, []),
        make(node.OR, []),
        make(node.OR, [q(), q()]),
        make(node.OR, [a]),
        make(node.AND, [q(), a]),
    )
    return [
        [repr(tree), tree.empty, bool(tree), tree.operation, tree.to_query(wide)]
        for tree in trees
    ]


def visitors_by_hand(me, db):
    visitor = me.queryset.visitor
    q, wide = me.Q, shapes(me).Wide
    a, b = q(s="x"), q(i=1)

    def trees():
        return a, a & b, a | b, a & q(s="y")

    simplify = visitor.SimplificationVisitor()
    conjoin = simplify._query_conjunction
    return [
        [repr(tree.accept(simplify)) for tree in trees()],
        [caught(t.accept, visitor.QueryCompilerVisitor(wide)) for t in trees()],
        [repr(tree.accept(visitor.QNodeVisitor())) for tree in trees()],
        caught(conjoin, [{"a": 1}, {"b": 2}]),
        caught(conjoin, [{"a": 1}, {"a": 2}]),
        caught(conjoin, []),
        caught(visitor.QNode().accept, simplify),
        caught(visitor.QNode().to_query, wide),
        visitor.QNode().empty,
        issubclass(visitor.DuplicateQueryConditionsError, me.InvalidQueryError),
    ]


def emptiness_is_asked_with_bool(me, db):
    q = me.Q
    ask = (lambda: q().empty), (lambda: (q(a=1) & q(b=1)).empty)
    return [db.warned(question) for question in ask]


# -- lookup and projections


def fields_looked_up(me, db):
    found = shapes(me)

    def steps(document, path):
        return [
            step
            if isinstance(step, str)
            else [type(step).__name__, step.name, step.db_field]
            for step in document._lookup_field(path.split("__"))
        ]

    asked = (
        (found.Wide, "s ss pk id _id nope dyn__x dyn__x__y s__x s__0 oid__x 0 S"),
        (
            found.Nested,
            "e__name e__nm ee__name e__sub__deep e__nope e__0 o__name o__z k__key k__pk g__x",
        ),
        (
            found.Lists,
            "le__name le__0__name le__S__name ls__0 ls__foo li__0__x raw__x lle__0__0__name ld__x__y lge__name lo__z ll__0__x el__1__num",
        ),
        (found.Maps, "d__x d__x__y di__x__y m__x me___x ml__x ml__x__0 de__x__name"),
        (
            found.Links,
            "r__title lr__title lr__0__title lr__nope g__x lg__x c__title c__nope z__title gz__x own__r mr__x",
        ),
        (found.Places, "p__type geo__x lp__0 lp__x e__point plain__0"),
        (
            found.Loose,
            "foo foo__bar foo__0__bar e__foo o__foo o__name lo__foo d__x _cls pk",
        ),
        (found.Animal, "a b bb c__name _cls nope"),
        (found.Dog, "a b c__name"),
        (found.Abstract, "a x pk"),
        (found.Inner, "name pk sub__deep"),
    )
    shown = [
        [document.__name__, path, caught(steps, document, path)]
        for document, paths in asked
        for path in paths.split()
    ]
    return [*shown, caught(found.Wide._lookup_field, "e.name")]


def names_translated(me, db):
    found = shapes(me)
    names = [
        "e.name",
        "e.sub.deep",
        "e",
        "nope",
        "e.nope",
        "ee",
        "e.nm",
        "pk",
        "id",
        "_id",
        "e.subs.0.deep",
    ]
    shown = [[name, caught(found.Nested._translate_field_name, name)] for name in names]
    return [*shown, caught(found.Nested._translate_field_name, "e__name", "__")]


def _projection(parts):
    first, *rest = parts
    for part in rest:
        first = first + part
    return [
        first.as_dict() and sorted(map(repr, first.as_dict().items())),
        bool(first),
        sorted(first.fields),
        first.value,
        sorted(first.always_include),
        first.slice,
        first._id,
        first._only_called,
    ]


def projections_added_up(me, db):
    make = me.queryset.field_list.QueryFieldList
    kinds = {
        "empty": lambda: make(),
        "only ab": lambda: make(["a", "b"], _only_called=True),
        "only bc": lambda: make(["b", "c"], _only_called=True),
        "fields ab": lambda: make(["a", "b"]),
        "fields bc": lambda: make(["b", "c"]),
        "not a": lambda: make(["a"], value=0),
        "not bc": lambda: make(["b", "c"], value=0),
        "id": lambda: make(["_id", "a"]),
        "not id": lambda: make(["_id"], value=0),
        "slice a": lambda: make(["a"], value={"$slice": 3}),
        "match q": lambda: make(["q"], value={"$elemMatch": {"x": 1}}),
        "always": lambda: make(["a"], always_include=["z", "y"]),
        "never": lambda: make(["a", "z"], value=0, always_include=["z"]),
    }
    pairs = [(one, two) for one in kinds for two in kinds]
    triples = [("always", "not a", "only bc"), ("slice a", "not bc", "only ab")]
    triples += [("empty", "slice a", "match q"), ("not id", "only ab", "not a")]
    return [
        [names, caught(_projection, [kinds[name]() for name in names])]
        for names in pairs + triples
    ]


def projections_reset(me, db):
    make = me.queryset.field_list.QueryFieldList
    fields = make(["a"], value=0, always_include=["z"], _only_called=True)
    fields.reset()
    return [_projection([fields]), make.ONLY, make.EXCLUDE]


@differs("Q is negated with ~")
def negated_conditions(me, db):
    class Doc(me.Document):
        name = me.StringField(db_field="n")
        age = me.IntField()

    one, two = me.Q(name="x"), me.Q(age__gt=2)
    return [
        caught(lambda: (~one).to_query(Doc)),
        caught(lambda: (~(one & two)).to_query(Doc)),
        caught(lambda: (~(one | two)).to_query(Doc)),
        caught(lambda: Doc.objects(one & ~two)._query),
        caught(lambda: Doc.objects(~~one)._query),
        caught(lambda: Doc.objects(~me.Q())._query),
        caught(lambda: Doc.objects(~one, age=3)._query),
        caught(lambda: (~me.Q(age__in=[1, 2])).to_query(Doc)),
        caught(lambda: repr(~one | two)),
    ]
