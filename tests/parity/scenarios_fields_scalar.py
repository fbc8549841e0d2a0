"""Fields for text, numbers, dates, bytes, UUIDs and enumerations, value by value.

Each scenario puts many values through a field: what it makes of them for Python,
for MongoDB and for queries, and what it says of the bad ones.
"""

import datetime as dt
import decimal
import enum
import re
import uuid
from decimal import Decimal

from bson import Binary, Decimal128, Int64, ObjectId

from .harness import differs

_UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
_OID = ObjectId("0123456789ab0123456789ab")
_HALF_PAST = dt.timezone(dt.timedelta(hours=5, minutes=30))


class _Color(enum.Enum):
    RED = 1
    BLUE = "b"


class _WithNone(enum.Enum):
    SOME = 1
    NONE = None


class _Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class _Unprintable:
    def __str__(self):
        raise ValueError("cannot be shown")


class _Undecided:
    def __bool__(self):
        raise TypeError("neither")


_TEXTS = ["", "a", "abc", "ABCDEFGHIJK", "héé", "日本", "a.b*c", "^x$", "a b"]
_BYTES = [b"", b"abc", b"\xff\xfe", b"\xc3\xa9", bytearray(b"abc")]
_ODD = [None, True, False, [], ["a"], {}, {"a": 1}, (), ("a",), (1, 2), object, 1j]
_ODD += [_UUID, _OID, re.compile("a"), _Color.RED, _Level.LOW]
_INTS = [0, 1, -1, 5, 10, 11, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, Int64(7)]
_FLOATS = [0.0, -0.0, 1.0, 1.5, -1.5, 2.999, 1.005, 2.675, 1e308]
_FLOATS += [float("inf"), float("-inf"), float("nan")]
_DECIMALS = [Decimal(x) for x in ("1", "2.5", "-0", "1E+400", "NaN", "sNaN")]
_DECIMALS += [Decimal("Infinity"), Decimal("1" * 40 + ".5"), Decimal("1." + "1" * 40)]
_DECIMALS += [Decimal128("3.7"), Decimal128("NaN")]
_DIGITS = ["1", "01", "-1", " 2 ", "1.5", "1e3", "1_000", "1,5", "٣", "inf", "nan"]
_DIGITS += ["1.005", "1.015", "-1.555", "0.0049", "1" * 40, "%s", b"3", b"x"]
_NUMBERS = _INTS + _FLOATS + _DECIMALS + _DIGITS + ["", "abc"] + _ODD

_MOMENTS = [
    dt.datetime(2020, 1, 2, 3, 4, 5),
    dt.datetime(2020, 1, 2, 3, 4, 5, 678901),
    dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.timezone.utc),
    dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=_HALF_PAST),
    dt.datetime(1, 1, 1),
    dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    dt.date(2020, 1, 2),
    dt.time(1, 2, 3),
    dt.timedelta(1),
]
_DATE_TEXTS = [
    "2020-01-02",
    "2020-01-02 03:04",
    "2020-01-02 03:04:05",
    "2020-01-02 03:04:05.6",
    "2020-01-02 03:04:05.678901",
    "2020-01-02 03:04:05.1234567",
    "2020-01-02T03:04:05",
    "2020-01-02 03:04:05+05:30",
    " 2020-01-02 ",
    "20200102",
    "01/02/2020",
    "Jan 2 2020",
    "2020-13-01",
    "2020-02-30 25:00",
    "99999-01-01",
    "2020,01,02,03,04,05,678901",
    "2020,01,02,03,04,05,678901,9",
    "2020-01-02-03-04-05-678901",
    "1,2,3,4,5,6,7",
    "hello",
    "",
    "   ",
]
_DATES = _MOMENTS + _DATE_TEXTS + [0, 1.5, 1577934245, b"2020-01-02"] + _ODD[:10]

_STRING_OPERATORS = [
    prefix + name
    for name in ("exact", "contains", "startswith", "endswith", "regex", "wholeword")
    for prefix in ("", "i")
]
_QUERY_OPERATORS = [None, "in", "gt", "ne", "set", "push", "set_on_insert", "bogus"]


def _sweep(db, field, values, operators=_QUERY_OPERATORS):
    """What the methods of a field make of values."""
    field.name = "field"
    return [
        {
            "value": repr(value),
            "to_python": db.error(field.to_python, value),
            "to_mongo": db.error(field.to_mongo, value),
            "validate": db.error(field.validate, value),
            "_validate": db.error(field._validate, value),
            "query": {
                str(op): db.error(field.prepare_query_value, op, value)
                for op in operators
            },
        }
        for value in values
        if type(value) is not _Unprintable
    ]


def _in_document(me, db, make, values):
    """What a document makes of values that are given, assigned and loaded."""

    class Thing(me.Document):
        value = make()

    def given(value):
        thing = Thing(value=value)
        return [thing.value, thing._data["value"], thing.to_mongo().to_dict()]

    def assigned(value):
        thing = Thing()
        thing.value = value
        return [thing.value, thing.to_mongo().to_dict()]

    def again(value):
        thing = Thing(value=value)
        thing._clear_changed_fields()
        thing.value = value
        return thing._get_changed_fields()

    def loaded(value):
        thing = Thing._from_son({"value": value})
        return [thing.value, thing.to_mongo().to_dict(), thing._get_changed_fields()]

    def checked(value):
        Thing(value=value).validate()

    return [
        [repr(value)]
        + [db.error(step, value) for step in (given, assigned, again, loaded, checked)]
        for value in values
    ]


# Text


def string_field(me, db):
    values = _TEXTS + _BYTES + _NUMBERS
    return _sweep(db, me.StringField(), values)


def string_field_operators(me, db):
    values = [*_TEXTS, b"abc", None, 1, ["a"], re.compile("a.c")]
    return _sweep(db, me.StringField(), values, _STRING_OPERATORS)


def string_field_lengths(me, db):
    options = [{"max_length": 3}, {"min_length": 2}, {"max_length": 0}]
    options += [{"max_length": 5, "min_length": 1, "regex": "^a"}]
    return [_sweep(db, me.StringField(**o), _TEXTS, ["set"]) for o in options]


def string_field_regex(me, db):
    options = [{"regex": "^a"}, {"regex": re.compile("B", re.I)}, {"regex": ""}]
    return [_sweep(db, me.StringField(**o), _TEXTS, [None]) for o in options]


def string_field_choices(me, db):
    options = [["a", "abc"], (("a", "Letter a"), ("b", "Letter b")), []]
    values = [*_TEXTS, None, 1, ["a"], ["zz"], ("a",)]
    return [_sweep(db, me.StringField(choices=o), values, [None]) for o in options]


def string_field_in_document(me, db):
    return _in_document(me, db, me.StringField, _TEXTS + _BYTES + [1, None, [], {}])


def string_field_has_no_members(me, db):
    return [me.StringField().lookup_member("x"), me.URLField().lookup_member("x")]


def validation_callable(me, db):
    def refuse_b(value):
        if value == "b":
            raise me.ValidationError("no b, please")

    def answers(value):
        return True

    fields = [
        me.StringField(validation=refuse_b),
        me.StringField(validation=answers),
        me.StringField(validation="not callable"),
    ]
    return [_sweep(db, field, ["a", "b"], []) for field in fields]


_URL_TEXT = """
http://a.com https://a.com ftp://a.com ftps://a.com gopher://a.com HTTP://A.COM a.com
http:// http:///x http://a http://localhost http://localhost:8000/x?y=1#z
http://LOCALHOST http://1.2.3.4 http://999.1.1.1 http://1.2.3.4:99/ http://1.2.3
http://[::1] http://[::1]:80/x http://[xyz] http://a.com: http://a.com:123456
http://a.com:80abc http://a.com:80?x http://a.b.c.d.com http://a_b.com http://-a.com
http://a-.com http://a.c http://a.c1 http://a.-ab http://a.ab- http://a.com.
http://a.com./ http://a.com?x http://a.com#x http://a.com/é http://é.com http://a..com
http://xn--bcher-kva.ch http://user:pass@a.com http://.com http://a.com\\x
javascript://a.com //a.com :// http:/a.com git+ssh://a.com ws://a.com
"""
_URLS = _URL_TEXT.split()
_URLS += ["", " http://a.com", "http://a.com/ b", "http://a.com\n", "http://a.com/\n"]
_URLS += [f"http://{'x' * n}.com" for n in (62, 63, 64)]


def url_field(me, db):
    return _sweep(db, me.URLField(), [*_URLS, None, 5, b"http://a.com", []])


def url_field_options(me, db):
    options = [
        {"url_regex": re.compile("^X.*")},
        {"schemes": ["ws", "git+ssh", "http"]},
        {"schemes": []},
        {"max_length": 12},
        {"regex": "never$"},
    ]
    return [_sweep(db, me.URLField(**o), _URLS, ["set"]) for o in options]


def url_field_in_document(me, db):
    return _in_document(me, db, me.URLField, ["http://a.com", "a.com", None, 5])


_EMAIL_TEXT = """
a@b.co a@b a@localhost a.b+c@d.com a..b@d.com .a@d.com a.@d.com "quoted"@d.com ""@d.com
"qu\\"x"@d.com @d.com a@ a a@@b.com a@b@c.com a@-b.com a@b-.com a@b_c.com a@b.c a@b.c1
a@b.1c a@b.com. a@.com a@b..com é@d.com 日本@d.com a@日本.jp a@ß.de a@b。com a@b.рф
a@xn--bcher-kva.ch a@[127.0.0.1] a@[::1] a@[1.2.3] a@[IPv6:::1] a@127.0.0.1 a@[]
a@[127.0.0.1 ROOT@DOMAIN.COM (a)@d.com !#$%&'*+/=?^_`{}|~-@d.com a@white.list
a@other.white.list a@LOCAL a@local
"""
_EMAILS = _EMAIL_TEXT.split()
_EMAILS += ["", "a b@d.com", "a@b c.com", '"qu oted"@d.com', "a@b.com\n", "a\n@b.com"]
_EMAILS += ["a\0@b.com", '"\\\n"@d.com', '"a\tb"@d.com', '"\x01"@d.com', '"é"@d.com']
_EMAILS += ["a\u2028b@d.com", "\x7f@d.com", "😀@d.com", "a@\ud800.com"]
_EMAILS += [f"a@{'x' * n}.com" for n in (63, 64)] + [f"{'a' * 300}@d.com"]
_NO_EMAILS = [None, 5, b"a@b.com", []]


def email_field(me, db):
    return _sweep(db, me.EmailField(), _EMAILS + _NO_EMAILS)


def email_field_whitelist(me, db):
    options = [["white.list", "local", "日本.jp"], []]
    fields = [me.EmailField(domain_whitelist=option) for option in options]
    return [_sweep(db, field, _EMAILS, ["set"]) for field in fields]


def email_field_utf8_user(me, db):
    return _sweep(db, me.EmailField(allow_utf8_user=True), _EMAILS, ["set"])


def email_field_ip_domain(me, db):
    return _sweep(db, me.EmailField(allow_ip_domain=True), _EMAILS, ["set"])


def email_field_with_string_options(me, db):
    fields = [me.EmailField(max_length=6), me.EmailField(None, False, False, "^a")]
    return [_sweep(db, field, _EMAILS[:12], []) for field in fields]


def email_field_parts(me, db):
    plain, open_ = me.EmailField(), me.EmailField(["x"], True, True)
    return [
        [bool(field.validate_user_part(part)) for field in (plain, open_)]
        + [db.error(field.validate_domain_part, part) for field in (plain, open_)]
        for part in ["a", "é", "a b", "x", "a.com", "[::1]", "[x]"]
    ]


# Numbers


def int_field(me, db):
    return _sweep(db, me.IntField(), _NUMBERS)


def int_field_bounds(me, db):
    options = [{"min_value": 1, "max_value": 10}, {"min_value": 0}, {"max_value": 0}]
    return [_sweep(db, me.IntField(**o), _NUMBERS, ["set"]) for o in options]


def int_field_in_document(me, db):
    return _in_document(me, db, me.IntField, _NUMBERS)


@differs("LongField warns that it is deprecated")
def long_field_warns(me, db):
    return db.warned(me.LongField)


def long_field(me, db):
    return _sweep(db, me.LongField(min_value=-5), _NUMBERS, ["set", None])


def float_field(me, db):
    return _sweep(db, me.FloatField(), [*_NUMBERS, 10**400])


def float_field_bounds(me, db):
    options = [{"min_value": 1.5, "max_value": 2.5}, {"min_value": 0}, {"max_value": 0}]
    return [_sweep(db, me.FloatField(**o), _NUMBERS, ["set"]) for o in options]


def float_field_in_document(me, db):
    return _in_document(me, db, me.FloatField, _NUMBERS)


def decimal_field(me, db):
    return _sweep(db, me.DecimalField(), _NUMBERS)


def decimal_field_rounding(me, db):
    options = [
        {"precision": 0},
        {"precision": 5},
        {"precision": 30},
        {"rounding": decimal.ROUND_DOWN},
        {"rounding": decimal.ROUND_HALF_EVEN},
    ]
    return [_sweep(db, me.DecimalField(**o), _NUMBERS, ["set"]) for o in options]


def decimal_field_as_text(me, db):
    options = [{"force_string": True}, {"force_string": True, "precision": 4}]
    return [_sweep(db, me.DecimalField(**o), _NUMBERS, ["set"]) for o in options]


def decimal_field_bounds(me, db):
    options = [
        {"min_value": Decimal("1.5"), "max_value": Decimal(3)},
        {"min_value": 0},
        {"min_value": "1.5"},
    ]
    return [_sweep(db, me.DecimalField(**o), _NUMBERS, ["set"]) for o in options]


def decimal_field_precision_is_checked(me, db):
    return [
        type(found).__name__ if isinstance(found, dict) else found
        for found in (
            db.error(me.DecimalField, precision=value)
            for value in (-1, 1.5, "a", None, 0, True)
        )
    ]


def decimal_field_in_document(me, db):
    return _in_document(me, db, me.DecimalField, _NUMBERS)


def decimal128_field(me, db):
    return _sweep(db, me.fields.Decimal128Field(), _NUMBERS)


def decimal128_field_bounds(me, db):
    bounds = {"min_value": Decimal("1.5"), "max_value": Decimal(3)}
    return _sweep(db, me.fields.Decimal128Field(**bounds), _NUMBERS, ["set"])


def decimal128_field_in_document(me, db):
    return _in_document(me, db, me.fields.Decimal128Field, _NUMBERS)


def boolean_field(me, db):
    return _sweep(db, me.BooleanField(), [*_NUMBERS, *_TEXTS, _Undecided()])


def boolean_field_in_document(me, db):
    return _in_document(me, db, me.BooleanField, [True, False, None, 0, 1, "", "f"])


def numbers_that_cannot_be_shown(me, db):
    fields = [me.IntField(), me.FloatField(), me.DecimalField()]
    fields.append(me.DecimalField(force_string=True))
    return [
        [
            db.error(field.to_python(_Unprintable()).__class__),
            db.error(field.validate, _Unprintable()),
            db.error(field.to_mongo, _Unprintable()),
        ][1:]
        for field in fields[:1] + fields[2:]
    ]


# Dates


def date_time_field(me, db):
    return _sweep(db, me.DateTimeField(), _DATES)


def date_time_field_in_document(me, db):
    return _in_document(me, db, me.DateTimeField, _DATES[:30])


def date_time_field_of_callables(me, db):
    values = [lambda: dt.datetime(2020, 5, 5), lambda: dt.date(2020, 5, 5), lambda: "x"]
    return [
        [db.error(field.to_mongo, value), db.error(field.validate, value)]
        for field in (me.DateTimeField(), me.DateField())
        for value in values[:2]
    ]


def date_field(me, db):
    return _sweep(db, me.DateField(), _DATES)


def date_field_in_document(me, db):
    return _in_document(me, db, me.DateField, _DATES[:30])


@differs("a time zone is converted to UTC, not dropped")
def complex_date_time_field(me, db):
    return _sweep(db, me.ComplexDateTimeField(), _DATES)


def complex_date_time_field_operators(me, db):
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678901)
    return _sweep(db, me.ComplexDateTimeField(), [moment, None], _STRING_OPERATORS)


@differs("a time zone is converted to UTC, not dropped")
def complex_date_time_field_separator(me, db):
    fields = [me.ComplexDateTimeField(separator=s) for s in ".-"]
    return [[field.format, *_sweep(db, field, _DATES, [None])] for field in fields]


@differs("a time zone is converted to UTC, not dropped")
def complex_date_time_field_in_document(me, db):
    values = [*_DATES[:30], None, 5, []]
    return _in_document(me, db, me.ComplexDateTimeField, values)


def complex_date_time_field_with_default(me, db):
    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=dt.timezone.utc)

    class Log(me.Document):
        at = me.ComplexDateTimeField(default=moment)
        made = me.ComplexDateTimeField(default=lambda: moment)

    log = Log()
    return [log.at, log.made, log._data["at"], log.to_mongo().to_dict()]


def dates_stored_and_found(me, db):
    class Log(me.Document):
        at = me.DateTimeField()
        day = me.DateField()
        exact = me.ComplexDateTimeField()

    moment = dt.datetime(2020, 1, 2, 3, 4, 5, 678901)
    Log(at=moment, day=moment, exact=moment).save()
    Log(at="2021-01-01", day="2021-01-01", exact=moment.replace(year=2021)).save()
    return {
        "stored": db.raw("log"),
        "loaded": [[log.at, log.day, log.exact] for log in Log.objects],
        "after": Log.objects(exact__gt=moment).count(),
        "that day": Log.objects(day=dt.date(2020, 1, 2)).count(),
        "commands": db.commands(),
    }


# Bytes, UUIDs, enumerations

_BINARIES = [*_BYTES, "abc", Binary(b"abc"), Binary(b"abc", 5), Binary(_UUID.bytes, 4)]


def binary_field(me, db):
    return _sweep(db, me.BinaryField(), _BINARIES + _ODD)


def binary_field_max_bytes(me, db):
    fields = [me.BinaryField(max_bytes=n) for n in (0, 2, 3)]
    return [_sweep(db, field, _BINARIES, ["set"]) for field in fields]


def binary_field_in_document(me, db):
    values = [value for value in _BINARIES if type(value) is not bytearray]
    return _in_document(me, db, me.BinaryField, [*values, None])


def binary_field_of_a_bytearray(me, db):
    class Blob(me.Document):
        data = me.BinaryField()

    given, assigned = Blob(data=bytearray(b"x")), Blob()
    assigned.data = bytearray(b"y")
    return [given.data, assigned.data, given.to_mongo().to_dict()]


def binary_field_default_bytearray(me, db):
    class Blob(me.Document):
        data = me.BinaryField(default=bytearray(b"x"))

    return [Blob().data, Blob().to_mongo().to_dict()]


_UUIDS = [_UUID, str(_UUID), _UUID.hex, f"{{{_UUID}}}", f"urn:uuid:{_UUID}", "bad", ""]
_UUIDS += [None, 5, b"x", _UUID.bytes, Binary(_UUID.bytes, 4), [], 1.5, _Color.BLUE]


def uuid_field(me, db):
    return _sweep(db, me.UUIDField(), _UUIDS)


def uuid_field_as_text(me, db):
    return _sweep(db, me.UUIDField(binary=False), _UUIDS)


def uuid_field_in_document(me, db):
    fields = [me.UUIDField, lambda: me.UUIDField(binary=False)]
    return [_in_document(me, db, make, _UUIDS) for make in fields]


def uuids_stored_and_found(me, db):
    class Thing(me.Document):
        key = me.UUIDField(primary_key=True, binary=False)
        other = me.UUIDField(binary=False)

    Thing(key=_UUID, other=str(_UUID)).save()
    found = Thing.objects(other=_UUID).get()
    return [db.raw("thing"), found.key, found.other, Thing.objects(pk=_UUID).count()]


_MEMBERS = [1, "b", "RED", None, 2, 3, "1", [], b"b", 1.0, True]
_MEMBERS += [_Color.RED, _Color.BLUE, _WithNone.NONE, _Level.LOW]


def enum_field(me, db):
    return [_sweep(db, me.EnumField(e), _MEMBERS) for e in (_Color, _WithNone, _Level)]


def enum_field_choices(me, db):
    field = me.EnumField(_Color, choices=[_Color.RED])
    return [
        _sweep(db, field, _MEMBERS, ["set"]),
        db.error(me.EnumField, _Color, choices=["b"]),
        db.error(me.EnumField, _Color, choices=[_Color.RED, _Level.LOW]),
        me.EnumField(_Color, choices=[]).choices,
        me.EnumField(_Color).choices,
    ]


def enum_field_in_document(me, db):
    makers = [lambda e=e: me.EnumField(e) for e in (_Color, _WithNone, _Level)]
    return [_in_document(me, db, make, _MEMBERS) for make in makers]


def enum_field_defaults(me, db):
    class Thing(me.Document):
        by_value = me.EnumField(_Color, default="b")
        by_member = me.EnumField(_Color, default=_Color.RED)
        called = me.EnumField(_Color, default=lambda: 1)
        empty = me.EnumField(_WithNone)
        nothing = me.EnumField(_Color)

    thing = Thing()
    return [thing._data, thing.to_mongo().to_dict(), db.error(thing.validate)]


def enums_in_lists_and_maps(me, db):
    class Palette(me.Document):
        colors = me.ListField(me.EnumField(_Color))
        named = me.MapField(me.EnumField(_Color))

    palette = Palette(colors=[1, _Color.BLUE], named={"x": "b"})
    palette.save()
    palette.colors = ["b"]
    before = [palette.colors, palette.named]
    palette.save()
    again = Palette.objects.first()
    return [before, db.raw("palette"), again.colors, again.named, db.commands()]


def get_display_of_choices(me, db):
    class Thing(me.Document):
        size = me.StringField(choices=(("S", "Small"), ("L", "Large")))
        color = me.EnumField(_Color)

    thing = Thing(size="S", color=1)
    other = Thing(size="XXL")
    return [
        thing.get_size_display(),
        other.get_size_display(),
        db.error(thing.get_color_display),
        db.error(other.validate),
    ]


# Options that every field has


def options_of_every_field(me, db):
    class Thing(me.Document):
        renamed = me.StringField(db_field="r")
        required = me.IntField(required=True)
        defaulted = me.IntField(default=5)
        called = me.IntField(default=lambda: 6)
        null = me.StringField(null=True)
        null_default = me.StringField(null=True, default="x")

    thing = Thing()
    thing.defaulted = None
    thing.null_default = None
    return [
        thing._data,
        thing.to_mongo().to_dict(),
        db.error(thing.validate),
        db.error(Thing(required=1, null_default=None).save),
        db.raw("thing"),
    ]


def bad_options_of_fields(me, db):
    return [
        db.error(me.StringField, db_field="a.b"),
        db.error(me.StringField, db_field="a\0b"),
        db.error(me.StringField, db_field="$a"),
        db.error(me.StringField, db_field=5),
        db.error(me.StringField, validate=5),
        me.StringField(primary_key=True, db_field="x").db_field,
        me.StringField(unique_with="x").unique,
        me.StringField(help_text="shown").help_text,
    ]
