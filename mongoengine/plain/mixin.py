"""The methods of documents that have to do with plain data and Pydantic."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from mongoengine.plain import dump, load

if TYPE_CHECKING:
    from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema
    from typing_extensions import Self

    from mongoengine.plain.dump import PlainDocument

__all__ = ("PlainData",)


class PlainData:
    """Plain dicts of documents, documents of plain dicts, and Pydantic's schemas."""

    __slots__ = ()

    def to_dict(
        self,
        mode: Literal["python", "json"] = "python",
        *,
        fields: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        by_alias: bool = False,
        references: Literal["key", "nested"] = "key",
    ) -> PlainDocument:
        """Return the document as plain dicts and lists, without I/O.

            post.to_dict("json", exclude=["comments.author.email"])

        :param mode: "python" keeps values as they are; "json" makes text of keys,
            dates (ISO 8601), decimals and UUIDs, base64 of binary data, and values
            of enums
        :param fields: names of fields to include, `comments.author` for inner ones;
            all if not given
        :param exclude: names of fields to leave out
        :param by_alias: use the names of the database
        :param references: "key" gives the key of a document that is referred to;
            "nested" gives loaded ones as dicts, others by their key
        :raises ValueError: if a name is no field of the class
        """
        document: Any = self
        return dump.to_dict(document, mode, fields, exclude, by_alias, references)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields, so that `dict(document)` has them all.

        Serialisers that know nothing of documents find values in them so, or an error
        for what they cannot write, and not an empty object.
        """
        document: Any = self
        names: tuple[str, ...] = document._fields_ordered
        return names

    @classmethod
    def from_dict(cls, data: Mapping[str, object], *, by_alias: bool = False) -> Self:
        """Return a new document of what `to_dict` gives, in either mode.

        It is not validated, and not saved.

        :param by_alias: the names are those of the database
        :raises FieldDoesNotExist: if a name is no field of the class
        :raises ValidationError: if a value cannot be read
        """
        document_class: Any = cls
        made: Self = load.from_dict(document_class, data, by_alias)
        return made

    @classmethod
    def pydantic_model(
        cls,
        *,
        include: Collection[str] | None = None,
        exclude: Collection[str] = (),
        optional: Collection[str] | bool = (),
        name: str | None = None,
    ) -> type[BaseModel]:
        """Return a Pydantic model with the fields of this class.

            Patch = Post.pydantic_model(exclude=["id"], optional=True, name="Patch")

        :param include: names of the fields; all if not given
        :param exclude: names of fields to leave out
        :param optional: names of fields that need no value, or True for all
        :param name: the name of the model; that of this class if not given
        :raises ValueError: if a name is no field of the class
        :raises ImportError: if Pydantic is not installed
        """
        model: type[BaseModel] = _pydantic_types().model_of(
            cls, include, exclude, optional, name
        )
        return model

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: CoreSchema = _pydantic_types().schema_of(cls, handler)
        return schema

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> PlainDocument:
        made: PlainDocument = _pydantic_types().json_schema(cls, handler)
        return made


def _pydantic_types() -> ModuleType:
    """Return the module that needs Pydantic, which is imported when it is used."""
    return importlib.import_module("mongoengine.plain.pydantic_types")
