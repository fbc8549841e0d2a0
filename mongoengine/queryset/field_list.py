"""`QueryFieldList`, under MongoEngine's path."""

from mongoengine.base.public import publish
from mongoengine.query.projection import QueryFieldList

__all__ = ("QueryFieldList",)

publish(globals())
