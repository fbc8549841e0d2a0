"""Querysets, and the language of queries and updates."""

from typing import TYPE_CHECKING

from mongoengine.compatibility import names_of
from mongoengine.errors import (
    DoesNotExist,
    InvalidQueryError,
    MultipleObjectsReturned,
    NotUniqueError,
    OperationError,
)
from mongoengine.queryset import field_list, visitor  # noqa: F401
from mongoengine.queryset.base import CASCADE, DENY, DO_NOTHING, NULLIFY, PULL
from mongoengine.queryset.field_list import QueryFieldList
from mongoengine.queryset.manager import QuerySetManager, queryset_manager
from mongoengine.queryset.queryset import QuerySet, QuerySetNoCache
from mongoengine.queryset.visitor import Q

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


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
