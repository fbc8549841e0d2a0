"""`Q` and its parts, under MongoEngine's path."""

from typing import TYPE_CHECKING

from mongoengine.base.public import publish
from mongoengine.compatibility import names_of
from mongoengine.query.q import (
    DuplicateQueryConditionsError as DuplicateQueryConditionsError,
)
from mongoengine.query.q import Q, QNode
from mongoengine.query.q import QCombination as QCombination
from mongoengine.query.q import QNodeVisitor as QNodeVisitor
from mongoengine.query.q import QueryCompilerVisitor as QueryCompilerVisitor
from mongoengine.query.q import SimplificationVisitor as SimplificationVisitor
from mongoengine.query.q import warn_empty_is_deprecated as warn_empty_is_deprecated

__all__ = ("Q", "QNode")

publish(
    globals(),
    "DuplicateQueryConditionsError",
    "QCombination",
    "QNodeVisitor",
    "QueryCompilerVisitor",
    "SimplificationVisitor",
    "warn_empty_is_deprecated",
)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
