"""Querysets, and the language of queries and updates."""

from mongoengine.errors import (
    DoesNotExist,
    InvalidQueryError,
    MultipleObjectsReturned,
    NotUniqueError,
    OperationError,
)
from mongoengine.query.projection import QueryFieldList
from mongoengine.query.q import Q
from mongoengine.queryset import field_list, transform, visitor  # noqa: F401
from mongoengine.queryset.base import CASCADE, DENY, DO_NOTHING, NULLIFY, PULL
from mongoengine.queryset.manager import QuerySetManager, queryset_manager
from mongoengine.queryset.queryset import QuerySet, QuerySetNoCache

__all__ = (
    "CASCADE",
    "DENY",
    "DO_NOTHING",
    "NULLIFY",
    "PULL",
    "DoesNotExist",
    "InvalidQueryError",
    "MultipleObjectsReturned",
    "NotUniqueError",
    "OperationError",
    "Q",
    "QueryFieldList",
    "QuerySet",
    "QuerySetManager",
    "QuerySetNoCache",
    "queryset_manager",
)
