"""Filters on embedded documents, maps, references and places; inheritance."""

import re

from bson import DBRef

from .harness import differs
from .shapes import OID, OID2, queries, shapes, updates

POINT = {"type": "Point", "coordinates": [1, 2]}
RING = [[0, 0], [1, 1], [1, 0], [0, 0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
BOX = [[1, 2], [3, 4]]


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
