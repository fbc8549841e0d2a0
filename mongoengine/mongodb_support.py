"""The version of the server behind the default connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mongoengine.compatibility import names_of
from mongoengine.connection import client, get_connection
from mongoengine.driver.io import IO

__all__ = ("get_mongodb_version",)

MONGODB_34 = (3, 4)
MONGODB_36 = (3, 6)
MONGODB_42 = (4, 2)
MONGODB_44 = (4, 4)
MONGODB_50 = (5, 0)
MONGODB_60 = (6, 0)
MONGODB_70 = (7, 0)
MONGODB_80 = (8, 0)


def get_mongodb_version() -> tuple[int, ...]:
    """Return the (major, minor) version of the server that alias `default` leads to.

    Sends `buildInfo`.
    """
    return tuple(get_connection().server_info()["versionArray"][:2])


async def server_version(io: IO, alias: str) -> tuple[int, ...]:
    """Return the (major, minor) version of the server that `alias` leads to."""
    info = await io(client(io, alias).server_info)
    return tuple(info["versionArray"][:2])


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
