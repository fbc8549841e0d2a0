"""From the arguments of `connect()` to a settings record, and on to a client."""

from __future__ import annotations

import sys
import warnings

from bson.binary import UuidRepresentation
from pymongo import uri_parser
from pymongo.asynchronous import uri_parser as async_uri_parser
from pymongo.driver_info import DriverInfo
from pymongo.errors import InvalidName
from pymongo.read_preferences import (
    ReadPreference,
    make_read_preference,
    read_pref_mode_from_name,
)

from mongoengine.driver import embedded
from mongoengine.driver.credentials import Settings
from mongoengine.driver.io import IO

__all__ = (
    "DEFAULT_DATABASE_NAME",
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "READ_PREFERENCE",
    "client_options",
    "settings_record",
)

DEFAULT_DATABASE_NAME = "test"
DEFAULT_HOST = "localhost"
DEFAULT_PORT = 27017
READ_PREFERENCE = ReadPreference.PRIMARY

_UUID_NAMES = {
    UuidRepresentation.UNSPECIFIED: "unspecified",
    UuidRepresentation.STANDARD: "standard",
    UuidRepresentation.PYTHON_LEGACY: "pythonLegacy",
    UuidRepresentation.JAVA_LEGACY: "javaLegacy",
    UuidRepresentation.CSHARP_LEGACY: "csharpLegacy",
}

# Option of a URI -> key of the record that it decides.
_OF_URI_OPTIONS = {
    "authSource": "authentication_source",
    "authMechanism": "authentication_mechanism",
    "authMechanismProperties": "authmechanismproperties",
}

# Key of a record -> option of a client, where it was given.
_OF_RECORD = {
    "username": "username",
    "password": "password",
    "authentication_source": "authSource",
    "authentication_mechanism": "authMechanism",
    "authmechanismproperties": "authmechanismproperties",
}

_NOT_FOR_CLIENTS = {
    *("name", "mongo_client_class", "driver", "safe_values"),
    *_OF_RECORD,
}

_MOCK_IS_GONE = (
    "Use of mongomock:// URI or 'is_mock' were removed in favor of "
    "'mongo_client_class=mongomock.MongoClient'. Check the CHANGELOG for more info"
)
_NO_UUID = (
    "No uuidRepresentation is specified! Falling back to 'pythonLegacy' which is "
    "the default for pymongo 3.x. For compatibility with other MongoDB drivers "
    "this should be specified as 'standard' or '{java,csharp}Legacy' to work with "
    "older drivers in those languages. This will be changed to 'unspecified' in a "
    "future release."
)


async def settings_record(
    io: IO,
    db: str | None = None,
    name: str | None = None,
    host: str | list[str] | None = None,
    port: int | None = None,
    read_preference: object = READ_PREFERENCE,
    username: str | None = None,
    password: str | None = None,
    authentication_source: str | None = None,
    authentication_mechanism: str | None = None,
    authmechanismproperties: object = None,
    safe_values: bool = False,
    **kwargs: object,
) -> Settings:
    """Return the settings of an alias; records are equal if nothing differs.

    The arguments are those of `connection.register_connection()`.
    """
    record = Settings(
        {
            "name": name or db or DEFAULT_DATABASE_NAME,
            "host": host or DEFAULT_HOST,
            "port": port or DEFAULT_PORT,
            "authentication_mechanism": authentication_mechanism,
            "authmechanismproperties": authmechanismproperties,
            "authentication_source": authentication_source,
            "password": password,
            "username": username,
            "read_preference": read_preference,
        }
    )
    if safe_values:
        record["safe_values"] = True
    _check_database_name(record["name"])
    hosts = record["host"]
    record["host"] = [hosts] if isinstance(hosts, str) else list(hosts)
    for each in record["host"]:
        if each.startswith("mongomock://") or kwargs.get("is_mock"):
            raise Exception(_MOCK_IS_GONE)
        if "://" in each and not embedded.is_embedded(each):
            record.update(await _parsed_uri(io, each))
    record.update((k, v) for k, v in kwargs.items() if k not in ("slaves", "is_slave"))
    if not any(key.lower() == "uuidrepresentation" for key in record):
        warnings.warn(_NO_UUID, DeprecationWarning, stacklevel=_level_of_connection())
        record["uuidRepresentation"] = "pythonLegacy"
    return record


async def _parsed_uri(io: IO, uri: str) -> dict[str, object]:
    """Return the part of a record that a URI decides."""
    parser = async_uri_parser if io.is_async else uri_parser
    parsed = await io.plain(parser.parse_uri, uri)
    parts: dict[str, object] = {"name": parsed["database"]}
    parts |= {key: parsed[key] for key in ("username", "password")}
    parts = {key: value for key, value in parts.items() if value}
    options = parsed["options"]
    parts |= {key: options[o] for o, key in _OF_URI_OPTIONS.items() if o in options}
    if "replicaSet" in options:
        parts["replicaSet"] = options["replicaSet"]
    if "readPreference" in options:
        parts["read_preference"] = make_read_preference(
            read_pref_mode_from_name(options["readPreference"]),
            options.get("readPreferenceTags"),
            options.get("maxStalenessSeconds", -1),
        )
    if "uuidrepresentation" in options:
        parts["uuidrepresentation"] = _UUID_NAMES[options["uuidrepresentation"]]
    return parts


def client_options(record: Settings) -> Settings:
    """Return the keyword arguments that a record gives to a client class."""
    options = Settings({k: v for k, v in record.items() if k not in _NOT_FOR_CLIENTS})
    options["host"] = [embedded.address(host) for host in record["host"]]
    if record["username"] is None:
        for host in record["host"]:
            options.update(embedded.credentials(host))
    for key, option in _OF_RECORD.items():
        if record[key] is not None:
            options[option] = record[key]
    options["driver"] = record.get("driver") or DriverInfo(
        "MongoEngine", getattr(sys.modules["mongoengine"], "__version__", None)
    )
    return options


def _check_database_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError("name must be an instance of <class 'str'>")
    if name == "$external":  # where users of X.509, LDAP and Kerberos are
        return
    for character in ' .$/\\\x00"':
        if character in name:
            raise InvalidName(
                f"database names cannot contain the character {character!r}"
            )


def _level_of_connection() -> int:
    """Return the `stacklevel` of `connection.py`, where warning filters look."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"] != "mongoengine.connection":
        level += 1
        frame = frame.f_back
    return level
