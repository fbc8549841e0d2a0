"""Documents as MongoDB Extended JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bson import json_util
from bson.binary import UuidRepresentation

from mongoengine.base.dumping import DocumentDumping
from mongoengine.base.loading import DocumentLoading
from mongoengine.base.types import PassedOn
from mongoengine.base.utils import warn_caller

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ("ExtendedJson", "warn_of_uuids")

_JSON_OPTIONS = json_util.LEGACY_JSON_OPTIONS.with_options(
    uuid_representation=UuidRepresentation.PYTHON_LEGACY
)

_JSON_WARNING = (
    "No 'json_options' are specified! Falling back to LEGACY_JSON_OPTIONS with "
    "uuid_representation=PYTHON_LEGACY. For use with other MongoDB drivers specify "
    "the UUID representation to use. This will be changed to "
    "uuid_representation=UNSPECIFIED in a future release."
)


def warn_of_uuids(text: object) -> None:
    """Warn that the options decide on UUIDs, if JSON without options has any."""
    if any(mark in str(text) for mark in ("$uuid", "$binary")):
        warn_caller(_JSON_WARNING, DeprecationWarning)


class ExtendedJson(DocumentLoading, DocumentDumping):
    """The part of a document class that reads and writes JSON."""

    if not TYPE_CHECKING:
        __slots__ = ()

    def to_json(self, *args: PassedOn, **kwargs: PassedOn) -> str:
        """Return the document as MongoDB Extended JSON.

        Takes the arguments of `bson.json_util.dumps` and `use_db_field`.
        """
        use_db_field = kwargs.pop("use_db_field", True)
        data = self.to_mongo(use_db_field)
        if "json_options" in kwargs:
            return json_util.dumps(data, *args, **kwargs)
        text = json_util.dumps(data, *args, json_options=_JSON_OPTIONS, **kwargs)
        warn_of_uuids(text)
        return text

    @classmethod
    def from_json(cls, json_data: str, created: bool = False, **kwargs: object) -> Self:
        """Return a document of MongoDB Extended JSON.

        :param created: whether the document counts as new, so that `save`
            inserts it although it has an id.
        :param kwargs: arguments of `bson.json_util.loads`.
        """
        if "json_options" not in kwargs:
            warn_of_uuids(json_data)
            kwargs["json_options"] = _JSON_OPTIONS
        return cls._from_son(json_util.loads(json_data, **kwargs), created=created)
