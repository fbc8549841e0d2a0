"""Making documents of what MongoDB stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mongoengine.base.bson_types import PLAIN, UNNESTED
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.items import stored_values
from mongoengine.base.marks import ChangedPaths
from mongoengine.base.sentinels import Sentinel
from mongoengine.base.state import DocumentState, set_state, set_up
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.types import RawMapping
from mongoengine.errors import InvalidDocumentError, ValidationError

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.field import BaseField

__all__ = ("CONVERTED", "DocumentLoading", "follow_no_references")

#: Tells the constructor that the values have been converted; only the library has it.
CONVERTED: Any = Sentinel("CONVERTED", truth=False)

#: What the conversion of bad data raises, and loading reports for all fields.
CANNOT_CONVERT = (AttributeError, ValidationError, ValueError)

#: What the constructor and the classes of documents understand, which is data where it
#: comes from the database.
_MEANINGFUL = frozenset({"self", "_created", "__auto_convert", "id", "pk"})


class DocumentLoading(DocumentState):
    """The part of a document class that makes documents of raw ones.

    Most documents only keep the raw one; see `mongoengine.base.schema` for the
    checks that show that nothing in it can fail to be converted later.
    """

    if not TYPE_CHECKING:
        __slots__ = ()

    @classmethod
    def _from_son(
        cls,
        son: RawMapping,
        _auto_dereference: bool = True,
        created: bool = False,
    ) -> Self:
        """Return a document of what MongoDB stores.

        :param son: the raw document, with the names of the database.
        :param created: whether the document counts as new.
        :raises ValueError: if `son` is not a dict.
        :raises InvalidDocumentError: if a value cannot be converted.
        :raises FieldDoesNotExist: if a key has no field and the class is strict.
        """
        # An empty value that is no dict fails on its missing `get`, as upstream's.
        if son and not isinstance(son, dict):
            raise ValueError(
                "The source SON object needs to be of type 'dict' but a "
                f"'{type(son)}' was found"
            )
        return cls._load(son, _auto_dereference, created)

    @classmethod
    def _maker(cls, auto_dereference: bool = True) -> Callable[[object], Self]:
        """Return the function that makes documents of raw ones, chosen for a batch."""
        maker: Callable[[object], Self] = cls._schema.load_plans.maker(auto_dereference)
        return maker

    @classmethod
    def _load(
        cls, son: RawMapping, auto_dereference: bool = True, created: bool = False
    ) -> Self:
        document_class = cls
        name = son.get("_cls", cls._class_name)
        if name != cls._class_name:
            document_class = _DocumentRegistry.get(name)
        plans = document_class._schema.load_plans
        shape = tuple(son)
        plan = plans.plan(shape)
        if plan.plain or plans.constructs():
            return document_class._construct(son, auto_dereference, created)
        document = document_class.__new__(document_class)
        set_up(document, son, created, initialised=False)
        if not auto_dereference:
            set_state(document, "_auto_dereference", False)
        if plan.dynamic is not None:
            document._take_stored(son, plan.dynamic)
        errors: dict[str, Exception] = {}
        for field in plan.eager:
            document._convert_now(field, errors)
        if plan.proofs and not plans.passes(son, shape):
            for key, proof in plan.proofs:
                if not proof(son[key]):
                    document._convert_now(plans.fields[key], errors)
        if errors:
            raise document_class._invalid_data(errors)
        if plan.dynamic is None:
            document._initialised = True
        else:
            set_state(document, "_initialised", True)
        return document

    def _convert_now(self, field: BaseField, errors: dict[str, Exception]) -> None:
        try:
            self._touch(field)
        except CANNOT_CONVERT as failure:
            errors[field.name] = failure

    @classmethod
    def _invalid_data(cls, errors: Mapping[str, Exception]) -> InvalidDocumentError:
        details = "\n".join(f"Field '{k}' - {v}" for k, v in errors.items())
        return InvalidDocumentError(
            f"Invalid data to create a `{cls._class_name}` instance.\n{details}"
        )

    @classmethod
    def _construct(cls, son: RawMapping, auto_dereference: bool, created: bool) -> Self:
        """Convert every value and call the constructor with them.

        Keys are database names or names of fields; the last one for a field counts.
        """
        names = cls._reverse_db_field_map
        data = {names.get(key, key): value for key, value in son.items()}
        errors: dict[str, Exception] = {}
        for name, field in cls._fields.items():
            if name not in data:
                continue
            value = data[name]
            if field.db_field != name and field.db_field in son:
                # Renamed values come last: signals show them.
                del data[name]
            try:
                data[name] = None if value is None else field.to_python(value)
            except CANNOT_CONVERT as failure:
                errors[name] = failure
        if errors:
            raise cls._invalid_data(errors)
        convert: object = False
        aside = {}
        if cls._dynamic:
            # Names that would mean something to the constructor.
            own = cls._fields.keys()
            aside = {k: data.pop(k) for k in _MEANINGFUL & data.keys() - own}
            convert = CONVERTED
        make: Any = cls
        document: Self = make(__auto_convert=convert, _created=created, **data)
        for name, value in aside.items():
            document._set_data(name, value)
        set_state(document, "_changes", ChangedPaths())
        if not auto_dereference:
            set_state(document, "_auto_dereference", False)
            for value in document._values.values():
                if value.__class__ not in PLAIN:
                    follow_no_references(value)
        return document


def follow_no_references(value: object) -> None:
    """Have embedded documents, at any depth of a value, follow no references."""
    if isinstance(value, ChangeTracking):
        if not value._is_document:
            set_state(value, "_auto_dereference", False)
            for inner in value._values.values():
                follow_no_references(inner)
    elif isinstance(value, (list, tuple, dict)):
        for item in stored_values(value):
            if type(item) not in UNNESTED:
                follow_no_references(item)
