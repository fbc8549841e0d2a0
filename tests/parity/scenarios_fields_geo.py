"""Geo fields: what they accept, what they store, and how they are found."""

from bson import SON

_RING = [[0, 0], [1, 1], [1, 0], [0, 0]]
_OPEN = [[0, 0], [1, 1], [1, 0]]

_SHAPES = [
    [1, 2],
    (1, 2),
    [1.5, 2],
    [1, 2, 3],
    [1],
    [],
    ["a", "b"],
    [True, False],
    [None, 2],
    [float("nan"), 1],
    [200, 100],
    None,
    5,
    "ab",
    b"ab",
    object,
    {},
    {"x": 1, "y": 2},
    [[1, 2]],
    [[1, 2], [3, 4]],
    ((1, 2), (3, 4)),
    [[1, 2], [3]],
    [[1, 2], 3],
    [3, [1, 2]],
    [[1], [2]],
    [[1, 2], ["a", 1]],
    [[1, "a"]],
    [[]],
    ["ab"],
    [None],
    [{}],
    [[{"a": 1}]],
    [_RING],
    [_OPEN],
    [_RING, _RING],
    [_RING, _OPEN],
    [_OPEN, _OPEN],
    [[[0, 0]]],
    [[[0]]],
    [[["a", "b"]]],
    [[[]]],
    [[[None]]],
    [[1, [2]]],
    [[[0, 0], [1, 1], ["x", 0], [0, 0]]],
    [[_RING]],
    [[_OPEN]],
    [[_RING], [_RING, _OPEN]],
    [[[[0]]]],
    [[[["a", "b"]]]],
    [[[[]]]],
]
_COORDINATES = {
    "Point": [1, 2],
    "LineString": [[1, 2], [3, 4]],
    "Polygon": [_RING],
    "MultiPoint": [[1, 2]],
    "MultiLineString": [[[1, 2], [3, 4]]],
    "MultiPolygon": [[_RING]],
}
_OBJECTS = [
    *({"type": kind, "coordinates": xy} for kind, xy in _COORDINATES.items()),
    *({"type": kind, "coordinates": [3]} for kind in _COORDINATES),
    *({"type": kind, "coordinates": 3} for kind in _COORDINATES),
    {"type": "Foo", "coordinates": [1, 2]},
    {"type": "Point"},
    {"coordinates": [1, 2]},
    {"type": "Point", "coordinates": [1, 2], "x": 1},
    SON([("type", "Point"), ("coordinates", [1, 2])]),
]


def _sweep(me, db, make):
    class Place(me.Document):
        where = make()

    field = Place.where

    def stored(value):
        place = Place(where=value)
        return [place.where, place.to_mongo().to_dict(), place._get_changed_fields()]

    def loaded(value):
        place = Place._from_son({"where": value})
        return [place.where, place.to_mongo().to_dict()]

    def checked(value):
        Place(where=value).validate()

    return [
        [
            repr(value),
            db.error(field.to_python, value),
            db.error(field.to_mongo, value),
            db.error(field.validate, value),
            db.error(field.prepare_query_value, "near", value),
            db.error(field.prepare_query_value, "set", value),
            db.error(stored, value),
            db.error(loaded, value),
            db.error(checked, value),
        ]
        for value in [*_SHAPES, *_OBJECTS]
    ]


def geo_point_field(me, db):
    return _sweep(me, db, me.GeoPointField)


def point_field(me, db):
    return _sweep(me, db, me.PointField)


def line_string_field(me, db):
    return _sweep(me, db, me.LineStringField)


def polygon_field(me, db):
    return _sweep(me, db, me.PolygonField)


def multi_point_field(me, db):
    return _sweep(me, db, me.MultiPointField)


def multi_line_string_field(me, db):
    return _sweep(me, db, me.MultiLineStringField)


def multi_polygon_field(me, db):
    return _sweep(me, db, me.MultiPolygonField)


def geo_json_base_field(me, db):
    field = me.fields.GeoJsonBaseField()
    values = [[1, 2], None, {}, {"type": "GeoBase", "coordinates": 1}, _OBJECTS[0]]
    return [[db.error(field.validate, v), db.error(field.to_mongo, v)] for v in values]


def geo_indexes(me, db):
    class Place(me.Document):
        flat = me.GeoPointField()
        point = me.PointField()
        line = me.LineStringField()
        area = me.PolygonField(auto_index=False)
        own = me.PointField(auto_index=False)
        meta = {"indexes": [[("own", "2dsphere"), ("flat", 1)]]}

    class Inner(me.EmbeddedDocument):
        point = me.PointField(db_field="p")

    class Holder(me.Document):
        place = me.EmbeddedDocumentField("Inner")

    fields = [Place.flat, Place.point, Place.line, Place.area]
    return [
        [field._geo_index for field in fields],
        Place._geo_indices(),
        Holder._geo_indices(),
        Place._meta["index_specs"],
    ]


def geo_values_stored(me, db):
    class Place(me.Document):
        name = me.StringField()
        flat = me.GeoPointField()
        point = me.PointField(auto_index=False)
        line = me.LineStringField(auto_index=False)
        area = me.PolygonField(auto_index=False)
        meta = {"auto_create_index": False}

    place = Place(name="x", flat=(1, 2), point=[3, 4], line=[[1, 2], [3, 4]])
    place.area = [_RING]
    place.save()
    again = Place.objects.first()
    unchanged = again._get_changed_fields()
    again.point = {"type": "Point", "coordinates": [5, 6]}
    again.save()
    return [
        db.raw("place"),
        dict(sorted(again._data.items())),
        unchanged,
        db.commands(),
    ]


def geo_update(me, db):
    class Place(me.Document):
        point = me.PointField(auto_index=False)
        flat = me.GeoPointField()
        meta = {"auto_create_index": False}

    Place().save()
    Place.objects.update(set__point=[1, 2], set__flat=[3, 4])
    return [
        db.raw("place"),
        db.error(Place.objects.update, set__point=["a", 1]),
        db.error(Place.objects.update, set__flat=[1]),
    ]
