"""`QueryFieldList`, under MongoEngine's path."""

from mongoengine.query.projection import QueryFieldList

__all__ = ("QueryFieldList",)
