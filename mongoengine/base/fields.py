"""The base classes of fields, under MongoEngine's path."""

from typing import TYPE_CHECKING

from mongoengine.base.complex_fields import ComplexBaseField
from mongoengine.base.context import (  # noqa: F401  (extensions look for it here)
    no_dereference_for_fields as _no_dereference_for_fields,
)
from mongoengine.base.field import BaseField, ObjectIdField
from mongoengine.base.public import publish
from mongoengine.compatibility import names_of
from mongoengine.driver.deferred import imported

if TYPE_CHECKING:
    from mongoengine.base.geo import GeoJsonBaseField

__all__ = ("BaseField", "ComplexBaseField", "GeoJsonBaseField", "ObjectIdField")

publish(globals(), "_no_dereference_for_fields")


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__, imported)

    def __dir__():
        return sorted({*globals(), *__all__})
