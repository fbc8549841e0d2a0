"""Data that nobody expected: in documents, queries, updates, names and JSON.

`HOSTILE_EXAMPLES=5000` tries more of it, and other data each time.
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import bson
import pytest
from bson import (
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
    json_util,
)
from bson.binary import Binary
from bson.code import Code
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mongoengine
from mongoengine import errors
from mongoengine.queryset import transform
from tests.reliability import hostile_models as models

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("HOSTILE_EXAMPLES", "0"))
KEY = ObjectId("4" * 24)


def tried(examples: int) -> settings:
    """So many examples, the same ones each time, unless more are asked for."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# -- data ------------------------------------------------------------------------

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=8
) | st.sampled_from(
    [
        *("a", "red", "12", "1.5", "true", "x@y.zz", "http://a.bc", "5" * 24),
        *("HostilePart", "HostileChild", "2020-01-02", "2020,01,02,03,04,05,000006"),
    ]
)
NAMES = TEXT | st.sampled_from(
    [
        *("t", "number", "anything", "name", "text", "type", "coordinates", "value"),
        *("_cls", "_ref", "_id", "$ne", "$gt", "$oid", "$date", "a.b", "", "$"),
        *("_data", "_created", "_target", "_raw", "_values", "pk", "id", "save"),
        *("objects", "_collection", "__class__", "__raw__", "a__b", "a__", "__"),
    ]
)
DATES = st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)).map(
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, fold=0)
)
WORDS = st.integers(0, 2**32 - 1)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    TEXT,
    st.binary(max_size=6),
    st.binary(max_size=6).map(lambda data: Binary(data, 128)),
    st.uuids(),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    DATES,
    st.tuples(WORDS, WORDS).map(lambda pair: Timestamp(*pair)),
    st.decimals(-1_000_000, 1_000_000, places=3).map(Decimal128),
    st.sampled_from(
        [
            *(Decimal128("NaN"), Decimal128("Infinity"), MinKey(), MaxKey()),
            *(Regex("a.*", "i"), Code("x"), Code("x", {"a": 1})),
            *(DBRef("hostile_target", KEY), DBRef("other", 1, "db")),
        ]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=6,
)
OPERATORS = st.sampled_from(
    [
        *("", "__ne", "__gt", "__in", "__nin", "__all", "__size", "__exists", "__not"),
        *("__contains", "__iexact", "__regex", "__mod", "__type", "__match", "__near"),
        *("__elemMatch", "__not__in", "__0", "__a", "__geo_within", "__within_box"),
    ]
)
CHANGES = st.sampled_from(
    [
        *("", "set__", "push__", "pull__", "add_to_set__", "pull_all__", "push_all__"),
        *("unset__", "inc__", "dec__", "min__", "max__", "set_on_insert__", "pop__"),
    ]
)
FIELDS = st.sampled_from(sorted(models.FIELDS))

#: What the library raises for data that it does not take.
LIBRARY = {
    name
    for name in errors.__all__
    if issubclass(getattr(errors, name), errors.MongoEngineException)
    or getattr(errors, name) is errors.ValidationError
}


# -- the oracle --------------------------------------------------------------------


class Oracle:
    """MongoEngine's release, in a process of its own."""

    def __init__(self) -> None:
        if not (ROOT / ".oracle" / "mongoengine").is_dir():
            pytest.fail("MongoEngine's release is not in .oracle: see CONTRIBUTING.rst")
        self._process = subprocess.Popen(
            [sys.executable, models.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / ".oracle")},
        )

    def outcome(self, action: str, name: str, raw: dict[str, Any]) -> dict[str, Any]:
        request = {"action": action, "name": name, "raw": raw}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(bson.encode(request, codec_options=models.OPTIONS))
        stdin.flush()
        header = stdout.read(4)
        (size,) = struct.unpack("<i", header)
        return bson.decode(header + stdout.read(size - 4), models.OPTIONS)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    oracle = Oracle()
    yield oracle
    oracle.end()


def untyped_lists_keep_bytes(name: str, raw: dict[str, Any]) -> bool:
    """Upstream makes numbers of bytes that are inside of an untyped container."""
    return name in ("list", "dict") and _has(raw, bytes)


def null_is_no_reference(name: str, raw: dict[str, Any]) -> bool:
    """Upstream invents a key for a null in a list of references."""
    return name == "references" and _has(raw, type(None))


def open_documents_take_any_name(name: str, raw: dict[str, Any]) -> bool:
    """Upstream refuses names with dots, and loses those that are its own."""
    value = raw.get("value")
    return (
        name == "open"
        and isinstance(value, dict)
        and any("." in key or key[:1] == "_" or key in ("id", "pk") for key in value)
    )


#: Where the results differ on purpose; see the page about migrating.
DIFFERENCES = (
    untyped_lists_keep_bytes,
    null_is_no_reference,
    open_documents_take_any_name,
)


def data_of(action: str, raw: dict[str, Any]) -> dict[str, Any]:
    """Return what a request is about, also where it is written as JSON."""
    if action != "parse":
        return raw
    try:
        return json_util.loads(raw["json"])
    except Exception:  # both sides have to answer with an error of their own
        return {}


def _has(value: Any, cls: type) -> bool:
    if isinstance(value, dict):
        return any(_has(item, cls) for item in value.values())
    if isinstance(value, list):
        return any(_has(item, cls) for item in value)
    return isinstance(value, cls)


def disagreement(oracle: Oracle, action: str, name: str, raw: dict[str, Any]) -> str:
    """Return the faults of our result, compared with upstream's."""
    ours = models.outcome(action, name, raw)
    theirs = oracle.outcome(action, name, raw)
    if any(differs(name, data_of(action, raw)) for differs in DIFFERENCES):
        return ""
    if "error" in theirs and theirs["error"] not in LIBRARY and "error" not in ours:
        fine = True  # upstream breaks on it
    elif "error" in ours and "error" in theirs:
        fine = ours["error"] in LIBRARY | {theirs["error"]}
    else:
        fine = encoded(ours) == encoded(theirs)
    return "" if fine else f"{action} of {name}: {raw}\n{ours}\n{theirs}"


def encoded(value: Any) -> bytes:
    return bson.encode({"_": value}, codec_options=models.OPTIONS)


# -- what is stored -------------------------------------------------------------------


@pytest.mark.parity
@tried(100)
@given(FIELDS, VALUES)
def test_a_stored_value_loads_as_upstreams(
    oracle: Oracle, name: str, value: Any
) -> None:
    assert not disagreement(oracle, "load", name, {"_id": KEY, "value": value})


@pytest.mark.parity
@tried(60)
@given(FIELDS, VALUES)
def test_a_stored_value_is_as_valid_as_upstreams(
    oracle: Oracle, name: str, value: Any
) -> None:
    assert not disagreement(oracle, "validate", name, {"_id": KEY, "value": value})


@pytest.mark.parity
@tried(60)
@given(FIELDS, VALUES)
def test_a_given_value_is_stored_as_upstreams(
    oracle: Oracle, name: str, value: Any
) -> None:
    assert not disagreement(oracle, "assign", name, {"value": value})


@pytest.mark.parity
@pytest.mark.parametrize("name", ["dict", "list", "dynamic", "a dynamic document"])
@pytest.mark.parametrize("inside", ["dicts", "lists"])
def test_values_nested_as_deep_as_mongodb_takes_them_load(
    oracle: Oracle, name: str, inside: str
) -> None:
    value: Any = 1
    for _ in range(150):
        value = {"a": value} if inside == "dicts" else [value]
    for action in ("load", "validate"):
        raw = {"_id": KEY, "value": value}
        assert action != "load" or "error" not in models.outcome(action, name, raw)
        assert not disagreement(oracle, action, name, raw)


@tried(150)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_whole_documents_are_dumped_as_they_were_stored(raw: dict[str, Any]) -> None:
    raw = {"_id": KEY, **raw, "_id": KEY}  # noqa: F601 (last, first in order)
    outcome = models.outcome("load", "a dynamic document", raw)
    if "error" in outcome:
        assert outcome["error"] in LIBRARY | {"ValueError"}, outcome
        return
    # A key that is the name of a field counts as the field's, here of `_id`.
    key = raw.get("id", KEY)
    stored = {k: v for k, v in raw.items() if k not in ("_cls", "_id", "id")}
    if key is not None:
        stored["_id"] = ObjectId(key)
    assert encoded(dict(sorted(outcome["result"].items()))) == encoded(
        dict(sorted(stored.items()))
    )


# -- names ------------------------------------------------------------------------------


@tried(150)
@given(NAMES, st.sampled_from([1, "x", None, {"a": 1}, [{"_cls": "HostilePart"}]]))
def test_a_name_is_data_in_a_dynamic_document(name: str, value: Any) -> None:
    try:
        document = models.HostileDynamic(**{name: value})
    except (errors.MongoEngineException, errors.ValidationError, ValueError):
        return
    except TypeError as error:
        assert name in ("_cls", "self") or "keyword" in str(error)
        return
    assert type(document) is models.HostileDynamic
    assert document._get_collection_name() == "hostile_dynamic"
    assert document._created
    assert callable(document.save)
    assert models.HostileDynamic.objects._document is models.HostileDynamic


@tried(150)
@given(NAMES, OPERATORS, VALUES)
def test_a_name_that_means_nothing_is_refused_in_queries(
    name: str, operator: str, value: Any
) -> None:
    for compiled in (transform.query, transform.update):
        try:
            compiled(models.MODELS["part"], **{name + operator: value})
        except (errors.MongoEngineException, errors.ValidationError):
            continue
        except (AttributeError, TypeError, ValueError) as error:
            # Of `__raw__`, and of operators that take special values, as upstream.
            assert name in ("__raw__", "", "pk", "id", "value") or operator, error


@pytest.mark.parity
@tried(100)
@given(NAMES, OPERATORS, CHANGES, VALUES)
def test_names_mean_what_upstreams_mean(
    oracle: Oracle, name: str, operator: str, change: str, value: Any
) -> None:
    for part in ("part", "dict", "a dynamic document"):
        raw = {name + operator: value}
        assert not disagreement(oracle, "query", part, raw)
        assert not disagreement(oracle, "update", part, {change + name: value})


# -- queries and updates ------------------------------------------------------------------


@pytest.mark.parity
@tried(120)
@given(FIELDS, OPERATORS, VALUES)
def test_a_query_is_compiled_as_upstreams(
    oracle: Oracle, name: str, operator: str, value: Any
) -> None:
    assert not disagreement(oracle, "query", name, {"value" + operator: value})


@pytest.mark.parity
@tried(120)
@given(FIELDS, CHANGES, VALUES)
def test_an_update_is_compiled_as_upstreams(
    oracle: Oracle, name: str, change: str, value: Any
) -> None:
    assert not disagreement(oracle, "update", name, {change + "value": value})


@tried(200)
@given(FIELDS, OPERATORS, VALUES)
def test_no_value_is_an_operator_where_values_are_safe(
    name: str, operator: str, value: Any
) -> None:
    meta = models.MODELS[name]._meta
    meta["safe_values"] = True
    try:
        compiled = transform.query(models.MODELS[name], **{"value" + operator: value})
    except Exception as error:
        allowed = LIBRARY | {"TypeError", "ValueError", "AttributeError"}
        allowed |= {"NotImplementedError", "OverflowError", "InvalidOperation"}
        allowed |= {"KeyError"}  # of a mapping in the place of coordinates, as upstream
        assert {cls.__name__ for cls in type(error).__mro__} & allowed, repr(error)
        return
    finally:
        del meta["safe_values"]
    written = {"$" + part for part in operator.split("__")} | OURS
    assert not set(operators_in(compiled)) - written, compiled


#: The operators that keywords of the tests are compiled to besides their own.
OURS = {"$eq", "$or", "$nor", "$and", "$in", "$all", "$elemMatch", "$geometry"}
OURS |= {"$near", "$nearSphere", "$geoWithin", "$within", "$box", "$center"}


def operators_in(condition: Any) -> Iterator[str]:
    """The keys that MongoDB takes for operators, not those of values compared with."""
    if not isinstance(condition, dict):
        return
    for key, value in condition.items():
        if key[:1] == "$":
            yield key
        if key in ("$or", "$nor", "$and"):
            for each in value:
                yield from operators_in(each)
        elif key[:1] != "$" or key in ("$not", "$elemMatch"):
            inner = value if isinstance(value, dict) else {}
            if any(name[:1] == "$" for name in inner):
                yield from operators_in(inner)


# -- JSON -----------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            NAMES
            | st.sampled_from(
                ["$numberLong", "$binary", "$regex", "$uuid", "$timestamp", "$ref"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@pytest.mark.parity
@tried(120)
@given(FIELDS, JSON)
def test_json_is_read_as_upstreams(oracle: Oracle, name: str, value: Any) -> None:
    raw = {"json": json.dumps({"value": value})}
    assert not disagreement(oracle, "parse", name, raw)


@tried(100)
@given(st.text(max_size=20) | st.binary(max_size=20).map(repr) | JSON.map(json.dumps))
def test_text_that_is_no_document_is_refused(text: str) -> None:
    outcome = models.outcome("parse", "string", {"json": text})
    # PyMongo reads JSON; a KeyError is its answer to `{"$binary": {}}`.
    allowed = LIBRARY | {"JSONDecodeError", "ValueError", "TypeError", "KeyError"}
    allowed.add("AttributeError")
    assert outcome.get("error", "ValueError") in allowed, outcome


def is_no_reference(value: Any) -> bool:
    return not isinstance(value, DBRef)


@tried(100)
@given(st.dictionaries(TEXT, SCALARS.filter(is_no_reference), max_size=4))
def test_what_is_written_as_json_is_read_again(raw: dict[str, Any]) -> None:
    cls = models.MODELS["dict"]
    document = cls(pk=KEY, value={key: item for key, item in raw.items() if key})
    again = cls.from_json(document.to_json())
    assert type(again) is cls
    assert again.value.keys() == document.value.keys()
    assert again.to_json() == document.to_json()


def test_the_models_have_a_field_of_each_class() -> None:
    used = {type(field).__name__ for field in models.FIELDS.values()}
    fields = {name for name in mongoengine.fields.__all__ if name.endswith("Field")}
    # Files and images store nothing but a key; the rest differ in their index.
    left_out = {"FileField", "ImageField", "CachedReferenceField", "BaseField"}
    left_out |= {"MultiLineStringField", "MultiPolygonField", "GeoJsonBaseField"}
    left_out |= {"LongField"}
    assert fields - used - left_out == set()
