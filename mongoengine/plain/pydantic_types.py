"""Pydantic models and schemas of document classes.

Pydantic asks a class for its schema by `__get_pydantic_core_schema__`, so it is
installed wherever this module is used.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ForwardRef
from weakref import WeakKeyDictionary

import pydantic
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema
from pydantic_core import ValidationError as PydanticError

from mongoengine.base.document import BaseDocument
from mongoengine.base.types import Namespace, PythonValue
from mongoengine.driver.types import Function
from mongoengine.errors import MongoEngineException, ValidationError
from mongoengine.plain.annotations import annotation, is_required, optional
from mongoengine.plain.dump import to_dict
from mongoengine.plain.load import from_dict

if TYPE_CHECKING:
    from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler

    from mongoengine.base.field import BaseField
    from mongoengine.plain.annotations import Annotation
    from mongoengine.plain.dump import PlainDocument

__all__ = ("json_schema", "model_of", "schema_of")

_models: WeakKeyDictionary[type[BaseDocument], type[BaseModel]] = WeakKeyDictionary()


def model_of(
    cls: type[BaseDocument],
    include: Collection[str] | None = None,
    exclude: Collection[str] = (),
    optional_names: Collection[str] | bool = (),
    name: str | None = None,
) -> type[BaseModel]:
    """Return a Pydantic model with the fields of a class; see `PlainData`."""
    plain = include is None and not exclude and not optional_names and name is None
    if plain and cls in _models:
        return _models[cls]
    every = [n for n in cls._fields_ordered if n != "_cls"]
    if isinstance(optional_names, bool):
        optional_names = every if optional_names else ()
    unknown = sorted({*(include or ()), *exclude, *optional_names} - set(every))
    if unknown:
        raise ValueError(f"{cls.__name__} has no field {', '.join(unknown)}")
    chosen = every if include is None else [n for n in every if n in include]
    model = _Models().make(
        cls,
        [n for n in chosen if n not in exclude],
        optional_names,
        name or cls.__name__,
    )
    if plain:
        _models[cls] = model
    return model


class _Models:
    """The models of one document class and of the classes embedded in it."""

    def __init__(self) -> None:
        self._made: dict[type[BaseDocument], type[BaseModel]] = {}
        self._open: dict[type[BaseDocument], str] = {}

    def make(
        self,
        cls: type[BaseDocument],
        names: Iterable[str],
        optional_names: Collection[str],
        name: str,
    ) -> type[BaseModel]:
        """Make the model of a class, and those of the classes that it embeds.

        :param names: names of the fields
        :param optional_names: names of the fields that need no value
        :param name: the name of the model
        """
        self._open[cls] = name
        fields: dict[str, Any] = {
            n: self._field(cls._fields[n], n in optional_names) for n in names
        }
        model: type[BaseModel] = pydantic.create_model(
            name,
            __config__=_config(cls, name),
            __doc__=cls.__doc__,
            __module__=cls.__module__,
            __validators__={"accept_documents": _accepting(cls, [*fields])},
            **fields,
        )
        del self._open[cls]
        self._made[cls] = model
        if not self._open:
            namespace: Namespace = {m.__name__: m for m in self._made.values()}
            for made in self._made.values():
                made.model_rebuild(_types_namespace=namespace)
        return model

    def _field(self, field: BaseField, is_optional: bool) -> tuple[Annotation, object]:
        described = {
            "description": getattr(field, "help_text", None),
            "title": getattr(field, "verbose_name", None),
        }
        shown = {key: text for key, text in described.items() if text}
        base = annotation(field, self._refer)
        if is_required(field) and not is_optional:
            return base, pydantic.Field(..., **shown)
        return optional(base), pydantic.Field(None, **shown)

    def _refer(self, cls: type[BaseDocument]) -> Annotation:
        if cls in self._open:
            return ForwardRef(self._open[cls])
        if cls not in self._made:
            names = [n for n in cls._fields_ordered if n != "_cls"]
            self.make(cls, names, (), cls.__name__)
        return self._made[cls]


def _config(cls: type[BaseDocument], title: str) -> pydantic.ConfigDict:
    strict = cls._meta.get("strict", True)
    return pydantic.ConfigDict(
        arbitrary_types_allowed=True,
        extra="allow" if cls._dynamic else "forbid" if strict else "ignore",
        regex_engine="python-re",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        title=title,
    )


def _accepting(cls: type[BaseDocument], names: list[str]) -> Annotation:
    """Return a validator that makes plain data of documents, without I/O."""

    def accept_documents(value: object) -> object:
        if not isinstance(value, cls):
            return value
        return to_dict(value, "python", names, None, False, "key")

    return pydantic.model_validator(mode="before")(accept_documents)


# The schema of a document class


def schema_of(
    cls: type[BaseDocument], handler: GetCoreSchemaHandler
) -> core_schema.CoreSchema:
    """Return the schema by which Pydantic reads and writes documents of a class."""

    def read(value: PythonValue, validate: Function) -> BaseDocument:
        if isinstance(value, cls):
            return _checked(value)
        data = validate(value)
        if isinstance(data, pydantic.BaseModel):
            data = data.model_dump(exclude_unset=True)
        try:
            return _checked(from_dict(cls, data, by_alias=False))
        except (MongoEngineException, ValueError) as error:
            raise _problems(cls, error, value) from None

    def write(value: PythonValue, info: core_schema.SerializationInfo) -> object:
        return _selected(
            value.to_dict(mode=(info.mode_is_json() and "json") or "python"), info
        )

    return core_schema.no_info_wrap_validator_function(
        read,
        handler.generate_schema(model_of(cls)),
        # The name of the class in `$defs` and in OpenAPI.
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}",
        serialization=core_schema.plain_serializer_function_ser_schema(
            write, info_arg=True
        ),
    )


def json_schema(
    cls: type[BaseDocument], handler: GetJsonSchemaHandler
) -> PlainDocument:
    """Return the JSON Schema of a class, the same for reading and for writing."""
    return handler.resolve_ref_schema(handler(model_of(cls).__pydantic_core_schema__))


def _checked(document: BaseDocument) -> BaseDocument:
    """Validate a document; a coroutine `clean()` is left to saving it."""
    awaited = inspect.iscoroutinefunction(type(document).clean)
    try:
        document.validate(clean=not awaited)
    except ValidationError as error:
        raise _problems(type(document), error, document) from None
    return document


def _problems(
    cls: type[BaseDocument], error: Exception, value: object
) -> PydanticError:
    """Return the error of Pydantic's that says the same, with the paths of fields."""
    details = error.to_dict() if isinstance(error, ValidationError) else {}
    lines = [
        InitErrorDetails(
            type=PydanticCustomError("document", "{reason}", {"reason": reason}),
            loc=path,
            input=value,
        )
        for path, reason in _leaves(details or str(error), ())
    ]
    return PydanticError.from_exception_data(cls.__name__, lines)


def _leaves(
    details: object, path: tuple[int | str, ...]
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    if not isinstance(details, Mapping):
        yield path, str(details)
        return
    for key, inside in details.items():
        step = key if isinstance(key, int) else str(key)
        yield from _leaves(inside, path if step == "__all__" else (*path, step))


def _selected(
    data: PlainDocument, info: core_schema.SerializationInfo
) -> PlainDocument:
    """Apply `include`, `exclude` and `exclude_none` of the caller."""
    include, exclude = info.include, info.exclude or ()
    return {
        name: value
        for name, value in data.items()
        if (include is None or name in include)
        and not (name in exclude and _is_whole(exclude, name))
        and not (info.exclude_none and value is None)
    }


def _is_whole(exclude: object, name: str) -> bool:
    return not isinstance(exclude, Mapping) or exclude[name] in (True, ...)
