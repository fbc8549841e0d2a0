"""MongoEngine's helpers of `connect()`, for code that calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pymongo.errors import InvalidName

from mongoengine import connection
from mongoengine.driver.io import SYNC, run
from mongoengine.driver.settings import settings_record
from mongoengine.driver.types import PyMongoClient

if TYPE_CHECKING:
    from mongoengine.driver.credentials import Settings


def _check_db_name(name: object) -> None:
    """Check that a database can have a name.

    :raises TypeError: if it is no string
    :raises InvalidName: if it is empty, or has a character that is not allowed
    """
    if not isinstance(name, str):
        raise TypeError("name must be an instance of <class 'str'>")
    if name == "$external":
        return
    if not name:
        raise InvalidName("database name cannot be the empty string")
    for character in ' .$/\\\x00"':
        if character in name:
            raise InvalidName(
                f"database names cannot contain the character {character!r}"
            )


def _get_connection_settings(*args: Any, **kwargs: Any) -> Settings:
    """Return the settings that `connect()` makes of its arguments, less the alias."""
    settings: Settings = run(settings_record(SYNC, *args, **kwargs))
    return settings


def _find_existing_connection(connection_settings: Settings) -> PyMongoClient | None:
    """Return the client of an alias that is open with the same settings, or None.

    The names of the databases may differ.
    """
    wanted = {**connection_settings, "name": None}
    for alias, client in connection._connections.items():
        if {**connection._connection_settings[alias], "name": None} == wanted:
            return client
    return None


def _create_connection(
    alias: str, mongo_client_class: Any, **connection_settings: object
) -> Any:
    """Return a client of a class.

    :raises ConnectionFailure: if the client refuses the settings
    """
    try:
        return mongo_client_class(**connection_settings)
    except Exception as error:
        raise connection.ConnectionFailure(
            f"Cannot connect to database {alias} :\n{error}"
        ) from error
