"""`Q` and its parts, under MongoEngine's path."""

from mongoengine.query.q import (
    DuplicateQueryConditionsError,
    Q,
    QCombination,
    QNode,
    QNodeVisitor,
    QueryCompilerVisitor,
    SimplificationVisitor,
    warn_empty_is_deprecated,
)

__all__ = (
    "DuplicateQueryConditionsError",
    "Q",
    "QCombination",
    "QNode",
    "QNodeVisitor",
    "QueryCompilerVisitor",
    "SimplificationVisitor",
    "warn_empty_is_deprecated",
)
