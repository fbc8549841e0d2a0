"""Filters on plain fields and lists."""

import datetime
import decimal
import re
import uuid

from bson import SON

from .shapes import OID, OID2, caught, queries, shapes

NOW = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
DAY = datetime.date(2020, 1, 2)
ID = uuid.UUID(int=5)


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
