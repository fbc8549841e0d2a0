"""Passwords are in no representation, error or log."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pymongo
import pytest

from mongoengine.connection import (
    ConnectionFailure,
    _connection_settings,
    _connections,
    _dbs,
    connect,
    connect_async,
    get_connection,
    get_db,
    register_connection,
)
from mongoengine.driver.credentials import Settings, without_password
from mongoengine.driver.registry import registry
from mongoengine.driver.settings import client_options

STANDARD = {"uuidRepresentation": "standard", "serverSelectionTimeoutMS": 50}
SECRET = "s3cr3t"
#: The version since which clients of PyMongo do not show the session tokens of AWS.
HIDES_TOKENS = (4, 18)
URI = f"mongodb://user:{SECRET}@127.0.0.1:1/shop"
OPTIONS = (
    f"mongodb://127.0.0.1:1/?authMechanism=MONGODB-AWS"
    f"&authMechanismProperties=AWS_SESSION_TOKEN:{SECRET}"
)


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": URI},
        {"host": [URI]},
        {"host": "127.0.0.1:1", "username": "user", "password": SECRET},
        {"host": OPTIONS},
    ],
    ids=str,
)
def test_the_settings_of_an_alias_do_not_show_it(arguments: dict[str, Any]) -> None:
    register_connection("default", **arguments, **STANDARD)
    connect("other", alias="other", **arguments, **STANDARD)
    record = registry.aliases["default"].settings
    assert record is not None
    sibling = registry.aliases[registry.sibling("default", "x")]
    clients = [_connections, _dbs, get_connection("other"), get_db("other")]
    if "AWS" in str(arguments["host"]) and pymongo.version_tuple < HIDES_TOKENS:
        clients.clear()
    for shown in (
        record,
        record.replace(name="x"),
        sibling.settings,
        client_options(record),
        _connection_settings,
        registry.aliases,
        *clients,
    ):
        assert SECRET not in repr(shown)
        assert SECRET not in str(shown)
    assert SECRET in str([*client_options(record).values()])


BAD = [
    URI.replace("127.0.0.1:1", "host:x"),
    URI.replace("127.0.0.1:1", "ho st"),
    URI.replace("127.0.0.1:1", "host:99999"),
    URI + "/a b",
    URI + "?readPreference=nothing",
    URI.replace("@", "%@"),
    URI.replace(SECRET, f"a/{SECRET}"),
    URI.replace(SECRET, f"a:{SECRET}@b"),
    URI.replace("mongodb", "mongo"),
    URI.replace("mongodb", "mongomock"),
    URI.replace("mongodb", "embedded"),
    URI.replace("mongodb", "embedded") + f"?password={SECRET}",
    f"embedded://?password={SECRET}",
    OPTIONS + "&tls=perhaps",
]


@pytest.mark.parametrize("uri", BAD)
async def test_an_error_of_connecting_does_not_show_it(
    uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Exception) as caught:
        connect("shop", host=uri, **STANDARD).admin.command("ping")
    assert SECRET not in "".join(traceback.format_exception_only(caught.value))
    assert SECRET not in repr(caught.value.__cause__)
    with pytest.raises(Exception) as caught:
        client = await connect_async("shop", alias="async", host=uri, **STANDARD)
        await client.admin.command("ping")
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


def test_an_error_of_settings_that_differ_does_not_show_it() -> None:
    connect("shop", host=URI, **STANDARD)
    with pytest.raises(ConnectionFailure) as caught:
        connect("shop", host=URI.replace("user", "other"), **STANDARD)
    assert SECRET not in str(caught.value)


def test_a_uri_in_the_place_of_an_alias_is_not_shown() -> None:
    with pytest.raises(ConnectionFailure) as caught:
        get_connection(URI)
    assert SECRET not in str(caught.value)
    with pytest.raises(Exception) as caught_name:
        connect(URI, **STANDARD)
    assert SECRET not in str(caught_name.value)


def test_a_client_class_that_shows_its_options_shows_no_password() -> None:
    def refuse(**options: Any) -> None:
        raise ValueError(f"cannot use {options!r} {options['password']}")

    with pytest.raises(ConnectionFailure) as caught:
        connect("shop", host=URI, mongo_client_class=refuse, **STANDARD)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mongodb://a:b@h/d", "mongodb://a:***@h/d"),
        (
            "x mongodb+srv://a:b@h,c:1/d?x=y@z y",
            "x mongodb+srv://a:***@h,c:1/d?x=y@z y",
        ),
        ("mongodb://a:b/c@d@h", "mongodb://a:***@h"),
        ("mongodb://:b@h", "mongodb://:***@h"),
        ("mongodb://h/?tlsCertificateKeyFilePassword=x&a=1", None),
        ("mongodb://h/d", "mongodb://h/d"),
    ],
)
def test_passwords_in_uris_are_hidden(text: str, shown: str | None) -> None:
    shown = shown or "mongodb://h/?tlsCertificateKeyFilePassword=***&a=1"
    assert without_password(text) == shown


def test_settings_are_a_dictionary() -> None:
    settings = Settings(password=SECRET, host=[URI], tz_aware=True)
    assert settings == {"password": SECRET, "host": [URI], "tz_aware": True}
    assert settings.replace(tz_aware=False)["password"] == SECRET
