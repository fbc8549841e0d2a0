"""BaseDocument: what documents and embedded documents have in common.

A document that was read from the database keeps the mapping that it came from
and converts a field when it is first touched; see `mongoengine.base.schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from bson import SON, json_util
from bson.binary import UuidRepresentation

from mongoengine import signals
from mongoengine.base import context, hooks
from mongoengine.base.awaiting import is_awaited
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.datastructures import TrackedContainer, rebind
from mongoengine.base.indexes import IndexSpecs
from mongoengine.base.lookup import FieldLookup
from mongoengine.base.marks import ChangedPaths
from mongoengine.base.plain import EMPTY, MISSING, PLAIN, SCALARS, adopt
from mongoengine.base.schema import Schema, new_son
from mongoengine.base.sentinels import Sentinel
from mongoengine.base.state import set_state
from mongoengine.base.tracking import ChangeTracking
from mongoengine.base.utils import warn_caller
from mongoengine.compatibility import names_of
from mongoengine.errors import (
    FieldDoesNotExist,
    InvalidDocumentError,
    OperationError,
    ValidationError,
)

if TYPE_CHECKING:
    from typing_extensions import Self

    from mongoengine.base.field import BaseField

__all__ = ("NON_FIELD_ERRORS", "BaseDocument")

NON_FIELD_ERRORS = "__all__"

#: Tells the constructor that the values have been converted; only the library has it.
NOT_CONVERTED: Any = Sentinel("NOT_CONVERTED", truth=False)

#: Names that the constructor takes although no field has them.
_ALWAYS_ALLOWED = frozenset({"id", "pk", "_cls", "_text_score"})

_JSON_OPTIONS = json_util.LEGACY_JSON_OPTIONS.with_options(
    uuid_representation=UuidRepresentation.PYTHON_LEGACY
)

_JSON_WARNING = (
    "No 'json_options' are specified! Falling back to LEGACY_JSON_OPTIONS with "
    "uuid_representation=PYTHON_LEGACY. For use with other MongoDB drivers specify "
    "the UUID representation to use. This will be changed to "
    "uuid_representation=UNSPECIFIED in a future release."
)


class _OwnName:
    """`_cls` of a document; the class itself does not have it."""

    def __get__(self, instance: Any, owner: Any) -> str:
        if instance is None:
            raise AttributeError("_cls")
        name: str = owner._class_name
        return name


#: What the conversion of bad data raises, and loading reports for all fields.
CANNOT_CONVERT = (AttributeError, ValidationError, ValueError)


class BaseDocument(ChangeTracking, FieldLookup, IndexSpecs):
    """The state of a document: its values, and what became of them."""

    if not TYPE_CHECKING:
        __slots__ = (
            "__weakref__",
            "_changes",
            "_created",
            "_initialised",
            "_raw",
            "_values",
        )

    #: A class sets it to True to keep its values in a fixed set of slots.
    STRICT = False

    _dynamic: ClassVar[bool] = False
    _cls: Any = _OwnName()
    _dynamic_lock = True
    _auto_dereference = True
    # Only dynamic documents have a mapping of their own.
    _dynamic_fields: Any = SON()

    if TYPE_CHECKING:
        _fields: ClassVar[dict[str, BaseField[Any]]]
        _fields_ordered: tuple[str, ...]
        _db_field_map: ClassVar[dict[str, str]]
        _reverse_db_field_map: ClassVar[dict[str, str]]
        _meta: ClassVar[dict[str, Any]]
        _class_name: ClassVar[str]
        _subclasses: ClassVar[tuple[str, ...]]
        _superclasses: ClassVar[tuple[str, ...]]
        _schema: ClassVar[Schema]

        def _note_switch(self) -> None: ...

        # Of dynamic documents only.
        def _set_data(self, name: str, value: Any) -> None: ...
        def _forget(self, name: str) -> None: ...
        def _restore_fields(self, fields: Any) -> None: ...

    def __init__(self, *args: Any, **values: Any) -> None:
        if args:
            raise TypeError(
                "Instantiating a document with positional arguments is not "
                "supported. Please use `field_name=value` keyword arguments."
            )
        if self._dynamic:
            set_state(self, "_dynamic_lock", True)
        self._raw = None
        self._values = EMPTY
        self._initialised = False
        self._created = True
        if not self._is_document:
            self._instance = None
        elif context.db_aliases.get() or context.collection_names.get():
            self._note_switch()
        convert = created = True
        if values and (
            not self._dynamic or values.get("__auto_convert") is NOT_CONVERTED
        ):
            # Of a dynamic document they would be data, if they came from elsewhere.
            convert = values.pop("__auto_convert", True)
            created = values.pop("_created", True)
        if signals.pre_init.receivers:
            signals.send_now(
                signals.pre_init, self.__class__, document=self, values=values
            )
        schema = type(self)._schema
        if not values.keys() <= schema.fields.keys():
            self._refuse_unknown(values, created)
        held = self._values = schema.blank.copy()
        if self._dynamic:
            self._dynamic_fields = SON()
        for name, field in schema.defaults:
            if name not in values:
                held[name] = value = field.default()
                if not isinstance(value, SCALARS):
                    adopt(self, value)
        if schema.set_when_made:
            self._set_missing(schema, values)
        quick, placed = schema.quick, schema.placed
        unknown = None
        for name, value in values.items():
            if name in quick and value.__class__ in quick[name]:
                held[name] = value
                continue
            field = schema.fields.get(name)
            if field is None and not self._is_alias(name):
                unknown = unknown or {}
                unknown[name] = value
                continue
            if field and convert and value is not None and not field._keeps_given:
                value = field.to_python(value)
                if value is not None and name in placed:
                    if value.__class__ not in PLAIN:
                        if isinstance(value, TrackedContainer):
                            value = value._bound_to(self, name)
                        adopt(self, value)
                    held[name] = value
                    continue
            setattr(self, name, value)
        if self._dynamic:
            set_state(self, "_dynamic_lock", False)
        if unknown:
            self._take_unknown(unknown)
        set_state(self, "_initialised", True)
        set_state(self, "_created", created)
        if signals.post_init.receivers:
            signals.send_now(signals.post_init, self.__class__, document=self)

    def _refuse_unknown(self, values: Mapping[str, Any], created: bool) -> None:
        if self._dynamic or not (self._meta.get("strict", True) or created):
            return
        undefined = set(values) - set(self._fields) - _ALWAYS_ALLOWED
        if undefined:
            raise FieldDoesNotExist(
                f'The fields "{undefined}" do not exist on the document '
                f'"{self._class_name}"'
            )

    def _set_missing(self, schema: Schema, values: Mapping[str, Any]) -> None:
        """Assign what is not given to the fields that want to see it assigned."""
        for name in schema.set_when_made:
            if name not in values:
                setattr(self, name, getattr(self, name, None))

    def _is_alias(self, name: str) -> bool:
        """Whether the constructor takes a name that is no field's."""
        if self._dynamic and name != "_cls" and not hasattr(type(self), name):
            return False
        return name in ("id", "pk", "_cls")

    def _take_unknown(self, values: Mapping[str, Any]) -> None:
        """Keep the arguments of the constructor that no field has."""
        for name, value in values.items():
            self._put(name, value)

    def _take_value(self, name: str, value: Any) -> None:
        """Set a value that another document of this class has under a name."""
        if name in self._fields or not self._dynamic:
            setattr(self, name, value)
        else:
            self._set_data(name, value)

    # The values

    @property
    def _data(self) -> dict[str, Any]:
        """Every field's value, converted; changing it changes the document."""
        values = self._values
        named = type(self)._schema.blank
        if not values.keys() >= named.keys():
            for name in named:
                if name not in values:
                    self._touch(self._fields[name])
                    values = self._values
            if self._raw is not None:
                self._keep_unknown(self._raw)
        found: dict[str, Any] = values
        return found

    @_data.setter
    def _data(self, values: dict[str, Any]) -> None:
        set_state(self, "_raw", None)
        set_state(self, "_values", values)

    def _keep_unknown(self, raw: Mapping[str, Any]) -> None:
        """What has no field is there, too.

        Where the class is strict, it had one when the document was loaded.
        """
        for key in raw:
            if key != "_cls" and key not in self._reverse_db_field_map:
                self._values.setdefault(key, raw[key])

    def _touch(self, field: Any) -> Any:
        """Convert a field that is not in `_values` yet, and put it there."""
        raw = self._raw
        value = None if raw is None else raw.get(field.db_field)
        if value.__class__ in field._loads_unchanged:
            self._put(field.name, value)
            return value
        if value is not None or field._set_when_made:
            value = field._convert(value)
        if value is None and not field.null:
            value = self._class_name if field.name == "_cls" else field.default
            if callable(value):
                value = value()
        if not isinstance(value, SCALARS):
            adopt(self, value)
            if not self._auto_dereference:
                _pass_on(value)
        self._put(field.name, value)
        return value

    def _put(self, name: str, value: Any) -> None:
        if self._values is EMPTY:
            set_state(self, "_values", {name: value})
        else:
            self._values[name] = value

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hooks.note_hook(cls.clean, f"{cls.__name__}.clean")

    def _note_assignment(self, field: Any, value: Any) -> bool:
        """Return whether an assignment changes a field, and note a new primary key."""
        name = field.name
        held = field._read(self)
        schema = type(self)._schema
        if name in schema.shard_key and not self._created and held != value:
            raise OperationError(f"Shard Keys are immutable. Tried to update {name}")
        if name == schema.id_name and self._created:
            set_state(self, "_created", False)
        try:
            return bool(held != value)
        except Exception:
            # Values that cannot be compared (aware and naive datetimes) differ.
            return True

    def _follows_references(self, field: Any) -> bool:
        return self._auto_dereference and bool(field._auto_dereference)

    def _is_awaited(self) -> bool:
        """Whether references are for the caller to await, not to block for."""
        return is_awaited(self)

    # Loading

    @classmethod
    def _from_son(
        cls,
        son: Mapping[str, Any],
        _auto_dereference: bool = True,
        created: bool = False,
    ) -> Self:
        """A document of what MongoDB stores.

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
    def _maker(cls, auto_dereference: bool = True) -> Callable[[Any], Self]:
        """The function that makes documents of raw ones, chosen for a batch."""
        return cls._schema.maker(auto_dereference)

    @classmethod
    def _load(
        cls, son: Any, auto_dereference: bool = True, created: bool = False
    ) -> Self:
        kind = cls
        named = son.get("_cls", cls._class_name)
        if named != cls._class_name:
            kind = _DocumentRegistry.get(named)
        schema = kind._schema
        shape = tuple(son)
        plan = schema.plan(shape)
        if plan.plain or schema.constructs():
            return kind._construct(son, auto_dereference, created)
        document = kind.__new__(kind)
        document._raw = son
        document._values = EMPTY
        document._created = created
        document._initialised = False
        if not kind._is_document:
            document._instance = None
        if not auto_dereference:
            document._auto_dereference = False
        errors: dict[str, Exception] = {}
        for field in plan.eager:
            document._convert_now(field, errors)
        if plan.proofs and not schema.passes(son, shape):
            for key, proof in plan.proofs:
                if not proof(son[key]):
                    document._convert_now(schema.by_key[key], errors)
        if errors:
            raise kind._invalid_data(errors)
        document._initialised = True
        return document

    def _convert_now(self, field: Any, errors: dict[str, Exception]) -> None:
        try:
            self._touch(field)
        except CANNOT_CONVERT as failure:
            errors[field.name] = failure

    @classmethod
    def _invalid_data(cls, errors: Mapping[str, Exception]) -> InvalidDocumentError:
        told = "\n".join(f"Field '{k}' - {v}" for k, v in errors.items())
        return InvalidDocumentError(
            f"Invalid data to create a `{cls._class_name}` instance.\n{told}"
        )

    @classmethod
    def _construct(cls, son: Any, auto_dereference: bool, created: bool) -> Self:
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
        convert: Any = False
        aside = {}
        if cls._dynamic:
            # Names that would mean something to the constructor.
            own = cls._fields.keys()
            aside = {k: data.pop(k) for k in _MEANINGFUL & data.keys() - own}
            convert = NOT_CONVERTED
        document = cls(__auto_convert=convert, _created=created, **data)
        for name, value in aside.items():
            document._set_data(name, value)
        set_state(document, "_changes", ChangedPaths())
        if not auto_dereference:
            set_state(document, "_auto_dereference", False)
            for value in document._values.values():
                _pass_on(value)
        return document

    # Dumping

    def to_mongo(
        self, use_db_field: bool = True, fields: Iterable[str] | None = None
    ) -> SON[str, Any]:
        """What MongoDB stores for the document.

        :param use_db_field: name the values as the database does.
        :param fields: only these fields; paths into embedded documents allowed.
        """
        if fields or not use_db_field or self._dynamic:
            return self._dump(use_db_field, list(fields or ()))
        if self._values is EMPTY and self._raw is not None:
            dumped = type(self)._schema.dump_raw(self._raw)
            if dumped is not None:
                return dumped
        return self._dump_all()

    def _dump_all(self) -> SON[str, Any]:
        """The same as `_dump`, of all fields by their database names."""
        return new_son(self._dump_fields(wired=False))

    def _dump(self, use_db_field: bool, fields: list[str]) -> SON[str, Any]:
        data: dict[str, Any] = {"_id": None, "_cls": self._class_name}
        roots = {path.partition(".")[0] for path in fields}
        for name in self:
            if roots and name not in roots:
                continue
            field: Any = self._fields.get(name)
            if field is None:
                field = self._dynamic_fields.get(name)
            value = self._value_of(name, field)
            if value is not None and value.__class__ not in field._dumps_unchanged:
                inside = [
                    p[len(name) + 1 :] for p in fields if p.startswith(name + ".")
                ]
                value = field._to_mongo_safe_call(value, use_db_field, inside)
            if value is None and field._auto_gen:
                value = field.generate()
                self._put(name, value)
            if value is not None or field.null:
                data[field.db_field if use_db_field else field.name] = value
        return new_son(self._finished(data))

    def _to_wire(self) -> dict[str, Any]:
        """What `to_mongo` gives, as plain dicts, to be encoded and not kept.

        Lists and dicts of plain data are those of the document itself.
        """
        if not type(self)._schema.is_wired:
            return self.to_mongo()
        return self._dump_fields(wired=True)

    def _dump_fields(self, wired: bool) -> dict[str, Any]:
        """All values by their database names, by way of `_wire` or `to_mongo`."""
        data: dict[str, Any] = {"_id": None, "_cls": self._class_name}
        values, raw = self._values, self._raw
        for name, key, field, unchanged, both, special in type(self)._schema.dumpers:
            value = values.get(name, MISSING)
            if value is MISSING:
                if raw is not None:
                    value = raw.get(key)
                    if value.__class__ in both:
                        data[key] = value
                        continue
                value = self._touch(field)
                values = self._values
            if value.__class__ in unchanged:
                data[key] = value
            elif value is not None:
                value = field._wire(value) if wired else field.to_mongo(value)
                if value is not None or field.null:
                    data[key] = value
            elif special:
                self._dump_special(field, data)
        return self._finished(data)

    def _dump_special(self, field: Any, data: dict[str, Any]) -> None:
        """Dump a field without a value that makes its own, or stores a null."""
        value = None
        if field._auto_gen:
            value = field.generate()
            self._put(field.name, value)
        if value is not None or field.null:
            data[field.db_field] = value

    def _finished(self, data: dict[str, Any]) -> dict[str, Any]:
        """A dump without the `_id` and `_cls` that it does not need."""
        if data["_id"] is None:
            held_id = None
            if self._is_document:
                held_id = self._value_of("id", self._fields.get("id"))
            if held_id is None:
                del data["_id"]
            else:
                data["_id"] = held_id
        if not self._meta.get("allow_inheritance"):
            del data["_cls"]
        return data

    def _value_of(self, name: str, field: Any) -> Any:
        """The held value of a field, converted but not wrapped."""
        try:
            return self._values[name]
        except KeyError:
            return None if field is None else self._touch(field)

    def to_json(self, *args: Any, **kwargs: Any) -> str:
        """The document as MongoDB Extended JSON.

        Takes the arguments of `bson.json_util.dumps` and `use_db_field`.
        """
        use_db_field = kwargs.pop("use_db_field", True)
        if "json_options" not in kwargs:
            warn_caller(_JSON_WARNING, DeprecationWarning)
            kwargs["json_options"] = _JSON_OPTIONS
        return json_util.dumps(self.to_mongo(use_db_field), *args, **kwargs)

    @classmethod
    def from_json(cls, json_data: str, created: bool = False, **kwargs: Any) -> Self:
        """A document of MongoDB Extended JSON.

        :param created: whether the document counts as new, so that `save`
            inserts it although it has an id.
        :param kwargs: arguments of `bson.json_util.loads`.
        """
        if "json_options" not in kwargs:
            warn_caller(_JSON_WARNING, DeprecationWarning)
            kwargs["json_options"] = _JSON_OPTIONS
        return cls._from_son(json_util.loads(json_data, **kwargs), created=created)

    # Validating

    def clean(self) -> None:
        """A place for checks of the whole document, called by `validate`.

        Raise :class:`~mongoengine.errors.ValidationError` to refuse it.
        """

    def validate(self, clean: bool = True) -> None:
        """Check every field.

        :param clean: call `clean` of the document and of embedded ones, too.
        :raises ValidationError: with the failures of all fields in `errors`.
        """
        if not clean and not hooks.clean_is_off():
            with hooks.without_clean():
                BaseDocument.validate(self, clean=False)
            return
        errors: dict[str, Any] = {}
        if clean:
            hook = self.clean
            if getattr(hook, "__func__", None) is not BaseDocument.clean:
                try:
                    hooks.run_clean(self, hook)
                except ValidationError as failure:
                    errors[NON_FIELD_ERRORS] = failure
        values, raw = self._values, self._raw
        schema = type(self)._schema
        if values is EMPTY and not errors and schema.surely_valid(raw or {}):
            return
        for name, key, field, surely, proof, needed in schema.checks():
            if name in values:
                value = values[name]
                if value.__class__ in field._surely_valid:
                    continue
            else:
                value = None if raw is None else raw.get(key)
                if value.__class__ in surely or (
                    proof is not None and value is not None and proof(value)
                ):
                    continue
                if value is not None or needed:
                    value = self._touch(field)
                    values = self._values
            self._check_field(field, value, clean, errors)
        if self._dynamic:
            for name, field in self._dynamic_fields.items():
                self._check_field(field, values.get(name), clean, errors)
        if errors:
            raise ValidationError(
                f"ValidationError ({self._class_name}:{self._known_pk()}) ",
                errors=errors,
            )

    def _check_field(
        self, field: Any, value: Any, clean: bool, errors: dict[str, Any]
    ) -> None:
        if value is None:
            if field.required and not field._auto_gen:
                errors[field.name] = ValidationError(
                    "Field is required", field_name=field.name
                )
            return
        try:
            if clean or not field._passes_clean:
                field._validate(value)
            else:
                field._validate(value, clean=clean)
        except ValidationError as failure:
            errors[field.name] = failure.errors or failure
        except (ValueError, AttributeError, AssertionError) as failure:
            errors[field.name] = failure

    def _known_pk(self) -> Any:
        """Return the primary key for a message; a sequence takes no number for it."""
        if hasattr(type(self), "pk"):
            name = self._meta.get("id_field")
            field = self._fields.get(name) if name else None
            if field is not None and field._auto_gen:
                return self._value_of(field.name, field)
        if hasattr(self, "pk"):
            return self.pk
        parent: Any = getattr(self, "_instance", None)
        try:
            return parent._known_pk() if hasattr(parent, "pk") else "None"
        except ReferenceError:
            # The document around this one is gone.
            return "None"

    # A document as a mapping

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields_ordered)

    def __getitem__(self, name: str) -> Any:
        if name in self._fields_ordered:
            try:
                return getattr(self, name)
            except AttributeError:
                pass  # told as a missing key below
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if not self._dynamic and name not in self._fields:
            raise KeyError(name)
        setattr(self, name, value)

    def __contains__(self, name: str) -> bool:
        try:
            return getattr(self, name) is not None
        except AttributeError:
            return False

    def __len__(self) -> int:
        return len(self._fields.keys() | self._values.keys())

    def __repr__(self) -> str:
        try:
            told = self.__str__()
        except (UnicodeEncodeError, UnicodeDecodeError):
            told = "[Bad Unicode data]"
        # A `__str__` that gives something else is told by its own type.
        kind: Any = str if told is None else type(told)
        shown: str = kind(f"<{self.__class__.__name__}: {told}>")
        return shown

    def __str__(self) -> str:
        if hasattr(self, "__unicode__"):
            return str(self.__unicode__())
        return f"{self.__class__.__name__} object"

    def __eq__(self, other: object) -> bool:
        own: Any = self
        other_id = getattr(other, "id", None)
        if isinstance(other, self.__class__) and other_id is not None:
            return bool(own.id == other_id)
        dbref = _dbref_class()
        if isinstance(other, dbref):
            return bool(
                own._get_collection_name() == other.collection and own.id == other.id
            )
        return own.id is None and self is other

    def __ne__(self, other: object) -> bool:
        return not self.__eq__(other)

    def __hash__(self) -> int:
        own: Any = self
        if getattr(self, "pk", None) is None:
            return object.__hash__(self)
        return hash(own.pk)

    def get_text_score(self) -> float:
        """The score of the text search that found the document.

        :raises InvalidDocumentError: if no text search found it.
        """
        if "_text_score" not in self._data:
            raise InvalidDocumentError(
                "This document is not originally built from a text query "
                "(or text_score was not set on search_text() call)"
            )
        score: float = self._data["_text_score"]
        return score

    # Pickling and copying

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {
            name: getattr(self, name) for name in _STATE if hasattr(self, name)
        }
        changes = self._own_changes()
        if not self._is_unmarked():
            # The data has no marks: those of embedded documents are kept here, too.
            unnamed = changes.unnamed if changes is not None else ()
            state["_unnamed_fields"] = unnamed
            paths = self._get_changed_fields()
            state["_changed_fields"] = [p for p in paths if p not in unnamed]
        state["_data"] = self.to_mongo()
        return state

    def __setstate__(self, state: Any) -> None:
        cls = type(self)
        data = state["_data"]
        set_state(self, "_initialised", False)
        if isinstance(data, dict):
            loaded = cls._from_son(data)
            set_state(self, "_raw", loaded._raw)
            set_state(self, "_values", loaded._values)
            for value in self._values.values():
                rebind(self, value)
            if self._dynamic:
                self._restore_fields(loaded._dynamic_fields)
                for name in state.get("_dynamic_fields") or ():
                    if name not in self._dynamic_fields:
                        self._set_data(name, None)
        set_state(self, "_initialised", state.get("_initialised", True))
        set_state(self, "_created", state.get("_created", True))
        if "_changed_fields" in state:
            unnamed = state.get("_unnamed_fields", ())
            changes = ChangedPaths(state["_changed_fields"], unnamed)
            set_state(self, "_changes", changes)
        if not self._is_document:
            set_state(self, "_instance", None)
        if self._dynamic:
            set_state(self, "_dynamic_lock", False)


_STATE = ("_initialised", "_created", "_dynamic_fields", "_fields_ordered")

#: What the constructor and the classes of documents understand, which is data where it
#: comes from the database.
_MEANINGFUL = frozenset({"self", "_created", "__auto_convert", "id", "pk"})


def _pass_on(value: Any) -> None:
    """Embedded documents of a document that follows no references do not either."""
    if isinstance(value, BaseDocument):
        if not value._is_document:
            set_state(value, "_auto_dereference", False)
            for inner in value._values.values():
                _pass_on(inner)
    elif isinstance(value, dict):
        for item in dict.values(value):
            _pass_on(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _pass_on(item)


def _dbref_class() -> type[Any]:
    from bson import DBRef

    return DBRef


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
