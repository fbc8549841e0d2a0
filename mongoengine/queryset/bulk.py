"""The operations that `bulk_write()` takes."""

from mongoengine.operations.bulk import (
    DeleteMany,
    DeleteOne,
    InsertOne,
    Operation,
    UpdateMany,
    UpdateOne,
)

__all__ = (
    "DeleteMany",
    "DeleteOne",
    "InsertOne",
    "Operation",
    "UpdateMany",
    "UpdateOne",
)
