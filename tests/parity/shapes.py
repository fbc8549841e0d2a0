"""Model shapes that the scenarios of the query language ask about.

`shapes(me)` makes document classes with whichever library runs; `queries` and
`updates` note what each set of keywords becomes, or the error that it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bson import ObjectId

OID = ObjectId("507f1f77bcf86cd799439011")
OID2 = ObjectId("507f191e810c19729de860ea")


def caught(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return the result of a call, or the name and the text of its error."""
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return {"raised": [type(error).__name__, str(error)]}


def queries(me: Any, document: Any, *calls: dict[str, Any]) -> list[Any]:
    """The filter for each set of keywords."""
    query = me.queryset.transform.query
    return [[repr(call), caught(query, document, **call)] for call in calls]


def updates(me: Any, document: Any, *calls: dict[str, Any]) -> list[Any]:
    """The update document for each set of keywords."""
    update = me.queryset.transform.update
    return [[repr(call), caught(update, document, **call)] for call in calls]


def shapes(me: Any) -> SimpleNamespace:
    """Document classes of many shapes."""

    class Deep(me.EmbeddedDocument):
        deep = me.StringField(db_field="dp")
        n = me.IntField()
        point = me.PointField()

    class Inner(me.EmbeddedDocument):
        name = me.StringField(db_field="nm")
        num = me.IntField()
        sub = me.EmbeddedDocumentField(Deep, db_field="sb")
        subs = me.EmbeddedDocumentListField(Deep)
        tags = me.ListField(me.StringField(), db_field="tg")
        size = me.IntField()
        type = me.StringField()

    class Open(me.DynamicEmbeddedDocument):
        name = me.StringField(db_field="nm")

    class Keyed(me.EmbeddedDocument):
        key = me.StringField(primary_key=True)
        v = me.IntField()

    class Target(me.Document):
        title = me.StringField()

    class Slug(me.Document):
        slug = me.StringField(primary_key=True)

    class Wide(me.Document):
        s = me.StringField(db_field="ss")
        i = me.IntField(db_field="ii")
        f = me.FloatField()
        b = me.BooleanField()
        dec = me.DecimalField()
        decs = me.DecimalField(force_string=True)
        d128 = me.Decimal128Field()
        dt = me.DateTimeField()
        date = me.DateField()
        cdt = me.ComplexDateTimeField()
        oid = me.ObjectIdField()
        url = me.URLField()
        email = me.EmailField()
        u = me.UUIDField()
        us = me.UUIDField(binary=False)
        binary = me.BinaryField()
        seq = me.SequenceField()
        dyn = me.DynamicField()
        choice = me.StringField(choices=["a", "b"])
        short = me.StringField(max_length=3)
        bounded = me.IntField(min_value=0, max_value=9)

    class Lists(me.Document):
        ls = me.ListField(me.StringField(), db_field="lls")
        li = me.ListField(me.IntField())
        raw = me.ListField()
        le = me.ListField(me.EmbeddedDocumentField(Inner), db_field="le_")
        el = me.EmbeddedDocumentListField(Inner)
        ll = me.ListField(me.ListField(me.IntField()))
        lle = me.ListField(me.ListField(me.EmbeddedDocumentField(Inner)))
        sl = me.SortedListField(me.IntField())
        ld = me.ListField(me.DictField())
        lge = me.ListField(me.GenericEmbeddedDocumentField())
        lo = me.ListField(me.EmbeddedDocumentField(Open))

    class Nested(me.Document):
        e = me.EmbeddedDocumentField(Inner, db_field="ee")
        o = me.EmbeddedDocumentField(Open)
        k = me.EmbeddedDocumentField(Keyed)
        g = me.GenericEmbeddedDocumentField()

    class Maps(me.Document):
        d = me.DictField(db_field="dd")
        di = me.DictField(me.IntField())
        m = me.MapField(me.IntField(), db_field="mm")
        me_ = me.MapField(me.EmbeddedDocumentField(Inner), db_field="me")
        ml = me.MapField(me.ListField(me.IntField()))
        ms = me.MapField(me.StringField())
        de = me.DictField(me.EmbeddedDocumentField(Inner))

    class Links(me.Document):
        r = me.ReferenceField(Target, db_field="rr")
        rd = me.ReferenceField(Target, dbref=True)
        rs = me.ReferenceField(Slug)
        lr = me.ListField(me.ReferenceField(Target), db_field="lrr")
        lrd = me.ListField(me.ReferenceField(Target, dbref=True))
        mr = me.MapField(me.ReferenceField(Target))
        g = me.GenericReferenceField()
        lg = me.ListField(me.GenericReferenceField())
        c = me.CachedReferenceField(Target, fields=["title"])
        z = me.LazyReferenceField(Target)
        gz = me.GenericLazyReferenceField()
        own = me.ReferenceField("self")

    class Places(me.Document):
        geo = me.GeoPointField(db_field="gg")
        p = me.PointField(db_field="pp")
        line = me.LineStringField()
        poly = me.PolygonField()
        mp = me.MultiPointField()
        mls = me.MultiLineStringField()
        mpo = me.MultiPolygonField()
        lp = me.ListField(me.PointField())
        e = me.EmbeddedDocumentField(Deep, db_field="ee")
        plain = me.ListField(me.FloatField())

    class Named(me.Document):
        size = me.IntField()
        type = me.StringField(db_field="t")
        exists = me.BooleanField()
        gt = me.IntField()
        contains = me.StringField()
        set = me.IntField()
        inc = me.IntField()
        match = me.StringField()
        near = me.PointField()
        e = me.EmbeddedDocumentField(Inner)

    class Loose(me.DynamicDocument):
        name = me.StringField(db_field="nm")
        e = me.EmbeddedDocumentField(Inner)
        o = me.EmbeddedDocumentField(Open)
        lo = me.ListField(me.EmbeddedDocumentField(Open))
        d = me.DictField()

    class Animal(me.Document):
        meta = {"allow_inheritance": True}
        a = me.StringField()

    class Dog(Animal):
        b = me.StringField(db_field="bb")

    class Puppy(Dog):
        c = me.EmbeddedDocumentField(Inner)

    class Abstract(me.Document):
        meta = {"abstract": True}
        a = me.StringField()

    class Concrete(Abstract):
        x = me.IntField()

    names = {k: v for k, v in locals().items() if isinstance(v, type)}
    return SimpleNamespace(**names)
