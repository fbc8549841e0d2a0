"""Updates, as keywords become commands."""

import datetime
import uuid

from .harness import differs
from .shapes import OID, OID2, shapes, updates

NOW = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
ID = uuid.UUID(int=5)
POINT = {"type": "Point", "coordinates": [1, 2]}
RING = [[0, 0], [1, 1], [1, 0], [0, 0]]
BOX = [[1, 2], [3, 4]]


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
    )


@differs("the error for an update without a field names it")
def updates_without_a_field(me, db):
    return updates(
        me,
        shapes(me).Named,
        {"inc____type": 1},
        {"set____ne": 1},
        {"pull": 1},
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
