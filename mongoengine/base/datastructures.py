"""Lists and dicts of documents, and references, under MongoEngine's path."""

from typing import TYPE_CHECKING

from mongoengine.base.embedded_list import EmbeddedDocumentList
from mongoengine.base.proxies import AsyncReferenceProxy
from mongoengine.base.public import publish
from mongoengine.base.references import LazyReference
from mongoengine.base.strict_dict import StrictDict
from mongoengine.base.tracked import (  # noqa: F401  (what was pickled looks here)
    BaseDict,
    BaseList,
    _restored_dict,
    _restored_list,
)
from mongoengine.base.utils import NonOrderedList  # noqa: F401  (upstream's place)
from mongoengine.compatibility import names_of

__all__ = (
    "AsyncReferenceProxy",
    "BaseDict",
    "BaseList",
    "EmbeddedDocumentList",
    "LazyReference",
    "StrictDict",
)

publish(globals(), "_restored_dict", "_restored_list")


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
