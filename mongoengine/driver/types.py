"""Types that annotations name: values as BSON has them, and PyMongo's generic classes.

PyMongo has one class for each family where the library has one operation; the names
that begin with `Any` mean either of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pymongo import AsyncMongoClient, MongoClient
    from pymongo.asynchronous.change_stream import AsyncChangeStream
    from pymongo.asynchronous.collection import AsyncCollection
    from pymongo.asynchronous.command_cursor import AsyncCommandCursor
    from pymongo.asynchronous.cursor import AsyncCursor
    from pymongo.asynchronous.database import AsyncDatabase
    from pymongo.change_stream import ChangeStream
    from pymongo.collection import Collection
    from pymongo.command_cursor import CommandCursor
    from pymongo.cursor import Cursor
    from pymongo.database import Database

__all__ = (
    "AnyChangeStream",
    "AnyClient",
    "AnyCollection",
    "AnyCursor",
    "AnyDatabase",
    "AsyncPyMongoClient",
    "AsyncPyMongoDatabase",
    "Coro",
    "FindCursor",
    "Function",
    "Keywords",
    "PassedOn",
    "Pipeline",
    "PyMongoClient",
    "PyMongoDatabase",
    "RawDocument",
    "RawMapping",
    "RawValue",
)

R = TypeVar("R")

#: A value as PyMongo reads and writes it: of any BSON type.  The field or the command
#: decides which one it is, and no type checker can follow that.
#: https://www.mongodb.com/docs/manual/reference/bson-types/
RawValue: TypeAlias = Any

#: A document as PyMongo reads and writes it: values by database name.
RawDocument: TypeAlias = dict[str, RawValue]

#: A raw document that is only read: a filter, a concern, a reply of the server.
RawMapping: TypeAlias = Mapping[str, RawValue]

#: The stages of an aggregation.
Pipeline: TypeAlias = Sequence[RawMapping]

#: Keyword arguments that are collected for another function; their types are those
#: of its parameters.
Keywords: TypeAlias = dict[str, Any]

#: An argument that is passed on: its type is that of the parameter it ends in, of
#: PyMongo's or of a user's function.
PassedOn: TypeAlias = Any

#: A call of an `async def` function with the result R.  What it yields and is sent is
#: between the event loop and the driver.
Coro: TypeAlias = Coroutine[Any, Any, R]

#: A callable whose signature only its author knows: a hook of a user, a decorated one.
Function: TypeAlias = Callable[..., Any]

PyMongoClient: TypeAlias = "MongoClient[RawDocument]"
AsyncPyMongoClient: TypeAlias = "AsyncMongoClient[RawDocument]"
AnyClient: TypeAlias = "PyMongoClient | AsyncPyMongoClient"

PyMongoDatabase: TypeAlias = "Database[RawDocument]"
AsyncPyMongoDatabase: TypeAlias = "AsyncDatabase[RawDocument]"
AnyDatabase: TypeAlias = "PyMongoDatabase | AsyncPyMongoDatabase"

AnyCollection: TypeAlias = "Collection[RawDocument] | AsyncCollection[RawDocument]"

#: A cursor of `find`.
FindCursor: TypeAlias = "Cursor[RawDocument] | AsyncCursor[RawDocument]"

#: A cursor of `find` or of a command.
AnyCursor: TypeAlias = (
    "FindCursor | CommandCursor[RawDocument] | AsyncCommandCursor[RawDocument]"
)

AnyChangeStream: TypeAlias = (
    "ChangeStream[RawDocument] | AsyncChangeStream[RawDocument]"
)
