"""Fields whose values are documents of other collections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from bson import SON, DBRef, ObjectId

from mongoengine import connection, signals
from mongoengine.base.common import _DocumentRegistry
from mongoengine.base.fields import BaseField
from mongoengine.base.metaclasses import DO_NOTHING
from mongoengine.base.references import AsyncReferenceProxy, LazyReference
from mongoengine.common import _import_class
from mongoengine.connection import DEFAULT_CONNECTION_NAME
from mongoengine.errors import DoesNotExist, NotRegistered, ValidationError
from mongoengine.execution import IO, SYNC, asynchronous, blocking, run
from mongoengine.fields.containers import RECURSIVE_REFERENCE_CONSTANT

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = (
    "CachedReferenceField",
    "GenericLazyReferenceField",
    "GenericReferenceField",
    "LazyReferenceField",
    "ReferenceField",
)

D = TypeVar("D")


async def _read(io: IO, kind: Any, reference: Any) -> Any:
    """The raw document that a DBRef points to, or None (command `find`)."""
    database = kind._async_get_db() if io.is_async else kind._get_db()
    return await io(
        database.dereference(reference, session=connection._get_session())
    )


async def _dereference(io: IO, kind: Any, reference: Any) -> Any:
    """The document of class `kind` that a DBRef points to.

    :raises DoesNotExist: if it is not stored.
    """
    raw = await _read(io, kind, reference)
    if raw is None:
        raise DoesNotExist(f"Trying to dereference unknown document {reference}")
    return kind._from_son(raw)


async def _load_copied(io: IO, kind: Any, reference: Any) -> Any:
    """The same for a stored copy, in upstream's words where there is nothing."""
    raw = await _read(io, kind, reference)
    if raw is None:
        raise AttributeError("'NoneType' object has no attribute 'get'")
    return kind._from_son(raw)


def _is_awaited(*places: Any) -> bool:
    """Whether references have to be awaited rather than followed at once.

    :param places: documents or their classes; the first that is open decides.
    """
    for place in places:
        modes = connection.alias_modes(_alias_of(place))
        if len(modes) == 2:
            return _loop_runs()
        if modes:
            return "async" in modes
    return False


def _alias_of(place: Any) -> str:
    while not getattr(place, "_is_document", False):
        # An embedded document is where the document is that it is part of.
        try:
            place = None if isinstance(place, type) else place._instance
            if place is None:
                return DEFAULT_CONNECTION_NAME
            place._is_document  # noqa: B018 - the parent may be gone
        except ReferenceError:
            return DEFAULT_CONNECTION_NAME
    target = None if isinstance(place, type) else place._target
    alias: str = target[0] if target else place._get_db_alias()
    return alias


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _dump_dbref(raw: Any) -> Any:
    return raw if raw.__class__ is DBRef else None


def _documents() -> tuple[type, type]:
    return _import_class("Document"), _import_class("EmbeddedDocument")


def _class_name_of(kind: Any) -> Any:
    return kind._class_name


def _unsaved(kind: Any) -> str:
    return (
        f"The instance of the document '{kind.__name__}' you are trying to reference "
        "has an empty 'id'. You can only reference documents once they have been "
        "saved to the database"
    )


class _DocumentTyped(BaseField[D]):
    """What fields have in common that are given the class they refer to."""

    document_type_obj: Any

    def _take_document_type(self, document_type: Any) -> None:
        is_class = isinstance(document_type, type)
        document = _import_class("Document")
        if not isinstance(document_type, str) and not (
            is_class and issubclass(document_type, document)
        ):
            self.error(
                f"Argument to {self._constructor_name} constructor must be a "
                "document class or a string"
            )
        self.document_type_obj = document_type

    @property
    def _constructor_name(self) -> str:
        raise NotImplementedError

    @property
    def document_type(self) -> Any:
        """The class that is referred to.

        :raises NotRegistered: if it was given by name, and there is none.
        """
        kind = self.document_type_obj
        if kind.__class__ is str:
            if kind == RECURSIVE_REFERENCE_CONSTANT:
                kind = self.owner_document
            else:
                kind = _DocumentRegistry.get(kind)
            self.document_type_obj = kind
        return kind

    @property
    def _document(self) -> Any:
        # Whom errors about connections name.
        return self.document_type

    def lookup_member(self, member_name: str) -> Any:
        """The field of that name in the document that is referred to, or None."""
        return self.document_type._fields.get(member_name)

    def _refuse_unsaved(self, document: Any) -> NoReturn:
        self.error(_unsaved(type(document)))

    def _id_may_fail(self) -> bool:
        """Whether converting a raw id may fail or is left to user code."""
        try:
            field = self.document_type.id
        except (NotRegistered, AttributeError):
            return True
        return bool(field._user_converted or field._load_can_fail)


class _Followed(BaseField[D]):
    """What fields have in common that give the document when they are read."""

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> D: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
        except KeyError:
            value = instance._touch(self)
        if isinstance(value, (DBRef, dict)) and instance._follows_references(self):
            return self._follow(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        if value.__class__ is AsyncReferenceProxy:
            value = self._unwrapped(value)
        super().__set__(instance, value)

    def _unwrapped(self, proxy: AsyncReferenceProxy[Any]) -> Any:
        """What to hold instead of a proxy."""
        held = proxy._held
        return held["_ref"] if isinstance(held, dict) else held

    def _target_of(self, value: Any) -> tuple[Any, Any] | None:
        """The class and DBRef that a held value stands for; None for no reference."""
        raise NotImplementedError

    def _follow(self, instance: Any, value: Any) -> Any:
        target = self._target_of(value)
        if target is None:
            return value
        if _is_awaited(target[0], instance) and isinstance(target[1], DBRef):
            return AsyncReferenceProxy(target[0], value, self.name, self, instance)
        return run(self._load_for(SYNC, instance, value))

    async def _fetch(self, io: IO, document: Any) -> D:
        """The document that `document` refers to with this field.

        It is loaded (command `find`) unless that was done before, and held by
        `document` from then on.

        :param document: the document that has the field.
        :raises DoesNotExist: if what it refers to is not stored.
        """
        value = self._read(document)
        if isinstance(value, (DBRef, dict)):
            value = await self._load_for(io, document, value)
        found: D = value
        return found

    fetch = blocking(_fetch)
    async_fetch = asynchronous(_fetch)

    async def _load_for(self, io: IO, instance: Any, value: Any) -> Any:
        """Load what `value` stands for, and have `instance` hold that instead."""
        target = self._target_of(value)
        if target is None:
            return value
        found = await _dereference(io, *target)
        held = self._read(instance)
        if held is value:
            instance._put(self.name, found)
        elif type(held) is type(found) and held == found:
            # Another task was faster: one document stays one object.
            return held
        return found

    _dereference = staticmethod(_dereference)
    _is_awaited = staticmethod(_is_awaited)


class ReferenceField(_Followed[D], _DocumentTyped[D], Generic[D]):
    """A field for a document of another collection; its primary key is stored.

    Reading it gives the document, which is loaded when it is first read.  In
    asynchronous code it gives an
    :class:`~mongoengine.base.datastructures.AsyncReferenceProxy` to `await`.

    :param document_type: the class of the document, or its name; `"self"` is the
        class that has the field.
    :param dbref: store a DBRef instead of the primary key.
    :param reverse_delete_rule: what happens to this document when the other one
        is deleted: `DO_NOTHING`, `NULLIFY`, `CASCADE`, `DENY` or `PULL`.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    _valid_types = frozenset({ObjectId, DBRef})

    @overload
    def __init__(
        self,
        document_type: type[D],
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: ReferenceField[Any],
        document_type: str,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None:
        self._take_document_type(document_type)
        self.dbref = dbref
        self.reverse_delete_rule = reverse_delete_rule
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "ReferenceField"

    @property
    def _load_can_fail(self) -> bool:  # type: ignore[override]
        return not self.dbref and self._id_may_fail()

    def _is_unconstrained(self) -> bool:
        return isinstance(self.document_type_obj, type)

    def _target_of(self, value: Any) -> tuple[Any, Any] | None:
        if not isinstance(value, DBRef):
            return None
        if hasattr(value, "cls"):
            # The abstract class that is referred to has several collections.
            return _DocumentRegistry.get(value.cls), value
        return self.document_type, value

    def to_python(self, value: Any) -> Any:
        """A DBRef of a primary key; with `dbref` the value as it is."""
        if isinstance(value, DBRef):
            if value.__class__ is AsyncReferenceProxy:
                return self._unwrapped(value)
            return value
        if self.dbref or isinstance(value, _documents()):
            return value
        kind = self.document_type
        return DBRef(kind._get_collection_name(), kind.id.to_python(value))

    def to_mongo(self, document: Any) -> Any:
        """The primary key, or the DBRef, of a document or of what stands for one."""
        if document.__class__ is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if isinstance(document, DBRef):
            return document if self.dbref else document.id
        if isinstance(document, _import_class("Document")):
            if document.pk is None:
                self._refuse_unsaved(document)
            kind, key = document, document.pk
        else:
            kind, key = self.document_type, document
        key = kind._fields[kind._meta["id_field"]].to_mongo(key)
        if self.document_type._meta.get("abstract"):
            return DBRef(kind._get_collection_name(), key, cls=kind._class_name)
        if self.dbref:
            return DBRef(kind._get_collection_name(), key)
        return key

    def _raw_dumper(self) -> Callable[[Any], Any] | None:
        if self._load_can_fail:
            return None
        if self.dbref:
            return _dump_dbref
        unchanged = self.document_type.id._loads_unchanged
        return lambda raw: raw if raw.__class__ in unchanged else None

    def _raw_validator(self) -> Callable[[Any], bool] | None:
        if self._load_can_fail or not self._is_unconstrained():
            return None
        # Without `dbref`, a DBRef is made of whatever is stored.
        valid = self._valid_types if self.dbref else self.document_type.id._load_as
        return lambda raw: raw.__class__ in valid

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if value is None:
            return None
        super().prepare_query_value(op, value)
        return self.to_mongo(value)

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check the kind of reference; a document has to have been saved."""
        if not isinstance(value, (self.document_type, DBRef, ObjectId)):
            self.error(
                "A ReferenceField only accepts DBRef, LazyReference, ObjectId or "
                "documents"
            )
        if isinstance(value, _import_class("Document")) and value.pk is None:
            self._refuse_unsaved(value)


class CachedReferenceField(_Followed[D], _DocumentTyped[D], Generic[D]):
    """A field for a document of another collection that keeps a copy of fields.

    The copies can be queried.  They are brought up to date when the document is
    saved (which needs `blinker`), and all at once by :meth:`sync_all`.

    :param document_type: the class of the document, or its name.
    :param fields: the names of the fields to keep.
    :param auto_sync: update the copies when a document is saved.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    _load_can_fail = True

    @overload
    def __init__(
        self,
        document_type: type[D],
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **kwargs: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: CachedReferenceField[Any],
        document_type: str,
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **kwargs: Any,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        fields: Sequence[str] | None = None,
        auto_sync: bool = True,
        **kwargs: Any,
    ) -> None:
        self._take_document_type(document_type)
        self.auto_sync = auto_sync
        self.fields = [] if fields is None else fields
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "CachedReferenceField"

    def start_listener(self) -> None:
        """Update the copies from now on when a document is saved."""
        signals.post_save.connect(
            self.on_document_pre_save, sender=self.document_type
        )

    async def _on_document_pre_save_body(
        self, io: IO, /, sender: Any, document: Any, created: bool, **kwargs: Any
    ) -> None:
        """Update the copies of a document that is being saved (receiver)."""
        if created:
            return
        changed, _ = document._delta()
        update = {
            f"set__{self.name}__{key}": value
            for key, value in changed.items()
            if key in self.fields
        }
        if update:
            holders = self.owner_document.objects(**{self.name: document})
            await io.call(holders, "update", **update)

    on_document_pre_save = blocking(_on_document_pre_save_body)

    async def _sync_all_body(self, io: IO) -> None:
        """Update the copies of all documents of the class that is referred to.

        Sends an `update` for each of them.
        """
        documents = self.document_type.objects
        if io.is_async:
            loaded = [document async for document in documents]
        else:
            loaded = list(documents)
        for document in loaded:
            holders = self.owner_document.objects(**{self.name: document})
            await io.call(holders, "update", **{f"set__{self.name}": document})

    sync_all = blocking(_sync_all_body)
    async_sync_all = asynchronous(_sync_all_body)

    def _target_of(self, value: Any) -> tuple[Any, Any] | None:
        return (self.document_type, value) if isinstance(value, DBRef) else None

    def to_python(self, value: Any) -> Any:
        """Load the document of a stored copy; elsewhere the value as it is.

        Where that would block an event loop, a DBRef with the copy stands for it.
        """
        if value.__class__ is AsyncReferenceProxy:
            return self._unwrapped(value)
        if not isinstance(value, dict):
            return value
        kind = self.document_type
        key = kind.id.to_python(value["_id"])
        reference = _CachedCopy(kind._get_collection_name(), key, value)
        if _is_awaited(kind):
            return reference
        return run(_load_copied(SYNC, kind, reference))

    def to_mongo(
        self,
        document: Any,
        use_db_field: bool = True,
        fields: Iterable[str] | None = None,
    ) -> Any:
        """The primary key and the kept fields of a document."""
        if document.__class__ is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if isinstance(document, _CachedCopy):
            return document.copy
        if not isinstance(document, _import_class("Document")):
            self.error("Only accept a document object")
        if document.pk is None:
            self._refuse_unsaved(document)
        wanted = set(fields) if fields else None
        kept = [name for name in self.fields if wanted is None or name in wanted]
        id_field = document._fields[document._meta["id_field"]]
        stored: SON[str, Any] = SON((("_id", None),))
        stored.update(document.to_mongo(use_db_field=use_db_field, fields=kept))
        stored["_id"] = id_field.to_mongo(document.pk)
        return stored

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, _import_class("Document")):
            raise NotImplementedError
        if value.pk is None:
            self._refuse_unsaved(value)
        return {"_id": value.pk, **{name: value[name] for name in self.fields}}

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check that the value is a saved document of the class."""
        if isinstance(value, (_CachedCopy, AsyncReferenceProxy)):
            return
        if not isinstance(value, self.document_type):
            self.error("A CachedReferenceField only accepts documents")
        if value.pk is None:
            self._refuse_unsaved(value)


class _CachedCopy(DBRef):
    """A reference with the fields of its document that were stored with it."""

    __slots__ = ("copy",)

    def __init__(self, collection: str, id: Any, copy: Any) -> None:
        self.copy = copy
        super().__init__(collection, id)

    def __reduce__(self) -> Any:
        return type(self), (self.collection, self.id, self.copy)

    def __deepcopy__(self, memo: Any) -> _CachedCopy:
        return _CachedCopy(self.collection, self.id, dict(self.copy))


class GenericReferenceField(_Followed[Any]):
    """A field for a document of any collection; its class is stored with its key.

    :param choices: the classes that are allowed, or their names.
    :raises ValidationError: if a choice is neither.
    """

    _load_as = frozenset({dict, SON, DBRef, ObjectId})
    _dump_as = frozenset({dict, SON, DBRef, ObjectId})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = kwargs.pop("choices", None)
        super().__init__(*args, **kwargs)
        self.choices: list[str] = [self._choice(given) for given in choices or ()]

    def _choice(self, given: Any) -> str:
        if isinstance(given, str):
            return given
        if isinstance(given, type) and issubclass(given, _import_class("Document")):
            return str(_class_name_of(given))
        self.error(
            "Invalid choices provided: must be a list ofDocument subclasses and/or str"
        )

    def _validate_choices(self, value: Any) -> None:
        if isinstance(value, dict):
            value = value.get("_cls")
        elif isinstance(value, _import_class("Document")):
            value = value._class_name
        elif value.__class__ is AsyncReferenceProxy:
            value = value.document_type._class_name
        super()._validate_choices(value)

    def _target_of(self, value: Any) -> tuple[Any, Any] | None:
        if not isinstance(value, dict):
            return None
        return _DocumentRegistry.get(value["_cls"]), value["_ref"]

    def _unwrapped(self, proxy: AsyncReferenceProxy[Any]) -> Any:
        held = proxy._held
        if isinstance(held, DBRef):
            return SON((("_cls", proxy.document_type._class_name), ("_ref", held)))
        return held

    def to_python(self, value: Any) -> Any:
        if value.__class__ is AsyncReferenceProxy:
            return self._unwrapped(value)
        return value

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check for a saved document, or for a complete reference to one."""
        document = _import_class("Document")
        is_reference = isinstance(value, dict)
        if not (is_reference or isinstance(value, (document, DBRef))) or (
            is_reference and not ("_ref" in value and "_cls" in value)
        ):
            self.error("GenericReferences can only contain documents")
        if isinstance(value, document) and value.pk is None:
            self._refuse_unsaved(value)

    def _refuse_unsaved(self, document: Any) -> NoReturn:
        self.error(_unsaved(type(document)))

    def to_mongo(self, document: Any) -> Any:
        """The class and the DBRef of a document; references as they are."""
        if document.__class__ is AsyncReferenceProxy:
            document = self._unwrapped(document)
        if document is None or isinstance(document, (dict, ObjectId, DBRef)):
            return document
        kind = type(document)
        id_name = kind._meta["id_field"]
        id_field = kind._fields[id_name]
        key = document
        if isinstance(document, _import_class("Document")):
            key = document.pk
            if key is None:
                self._refuse_unsaved(document)
        reference = DBRef(document._get_collection_name(), id_field.to_mongo(key))
        return SON((("_cls", document._class_name), ("_ref", reference)))

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        return None if value is None else self.to_mongo(value)


class LazyReferenceField(_DocumentTyped[LazyReference[D]], Generic[D]):
    """A field for a document of another collection that is loaded when asked for.

    Reading it gives a
    :class:`~mongoengine.base.datastructures.LazyReference`, whose `fetch()` or
    `async_fetch()` loads the document.

    :param document_type: the class of the document, or its name; `"self"` is the
        class that has the field.
    :param passthrough: load the document when an attribute of the reference is
        read.
    :param dbref: store a DBRef instead of the primary key.
    :param reverse_delete_rule: what happens to this document when the other one
        is deleted: `DO_NOTHING`, `NULLIFY`, `CASCADE`, `DENY` or `PULL`.
    :raises ValidationError: if `document_type` is neither class nor name.
    """

    @overload
    def __init__(
        self,
        document_type: type[D],
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None: ...
    @overload
    def __init__(
        self: LazyReferenceField[Any],
        document_type: str,
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None: ...
    def __init__(
        self,
        document_type: Any,
        passthrough: bool = False,
        dbref: bool = False,
        reverse_delete_rule: int = DO_NOTHING,
        **kwargs: Any,
    ) -> None:
        if not isinstance(document_type, (str, type)):
            raise TypeError("issubclass() arg 1 must be a class")
        self._take_document_type(document_type)
        self.dbref = dbref
        self.passthrough = passthrough
        self.reverse_delete_rule = reverse_delete_rule
        super().__init__(**kwargs)

    @property
    def _constructor_name(self) -> str:
        return "LazyReferenceField"

    @property
    def _load_can_fail(self) -> bool:  # type: ignore[override]
        return self._id_may_fail()

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> LazyReference[D]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        try:
            value = instance._values[self.name]
        except KeyError:
            value = instance._touch(self)
        if value.__class__ is LazyReference and value.passthrough == self.passthrough:
            return value
        made = self.build_lazyref(value)
        if made is not None:
            instance._put(self.name, made)
        return made

    def build_lazyref(self, value: Any) -> Any:
        """The :class:`LazyReference` of a document, DBRef or primary key."""
        if isinstance(value, LazyReference):
            if value.passthrough == self.passthrough:
                return value
            kind, key = value.document_type, value.pk
        elif value is None:
            return None
        else:
            kind, key = self.document_type, value
            if isinstance(value, kind):
                key = value.pk
            elif isinstance(value, DBRef):
                key = value.id
        return LazyReference(kind, key, passthrough=self.passthrough)

    def to_python(self, value: Any) -> Any:
        """A `LazyReference` of a primary key."""
        if isinstance(value, (DBRef, *_documents())):
            return value
        kind = self.document_type
        key = kind.id.to_python(value)
        return LazyReference(kind, key, passthrough=self.passthrough)

    def to_mongo(self, value: Any) -> Any:
        """The primary key, or the DBRef, of a document or of what stands for one."""
        kind = self.document_type
        key = value
        if isinstance(value, DBRef):
            key = value.id
        elif isinstance(value, kind):
            key = value.pk
        key = kind._fields[kind._meta["id_field"]].to_mongo(key)
        if self.dbref:
            return DBRef(kind._get_collection_name(), key)
        return key

    def _raw_dumper(self) -> Callable[[Any], Any] | None:
        if self.dbref or self._load_can_fail:
            return None
        id_field = self.document_type.id
        unchanged = id_field._loads_unchanged & id_field._dumps_unchanged
        return lambda raw: raw if raw.__class__ in unchanged else None

    def prepare_query_value(self, op: str | None, value: Any) -> Any:
        if value is None:
            return None
        super().prepare_query_value(op, value)
        return self.to_mongo(value)

    def validate(self, value: Any, clean: bool = True) -> None:
        """Check the collection that is referred to; a document has to be saved."""
        kind = self.document_type
        collection = kind._get_collection_name()
        if isinstance(value, LazyReference):
            if value.collection != collection:
                self.error(f"Reference must be on a `{kind}` document.")
            key = value.pk
        elif isinstance(value, kind):
            key = value.pk
        elif isinstance(value, DBRef):
            if value.collection != collection:
                self.error(f"DBRef on bad collection (must be on `{collection}`)")
            key = value.id
        else:
            key = self._validated_key(kind, value)
        if key is None:
            self.error(_unsaved(kind))

    def _validated_key(self, kind: Any, value: Any) -> Any:
        id_field = kind._fields[kind._meta["id_field"]]
        try:
            id_field.validate(value)
        except ValidationError:
            name = kind.__name__
            self.error(
                f"value should be `{name}` document, LazyReference or DBRef on "
                f"`{name}` or `{name}`'s primary key "
                f"(i.e. `{type(id_field).__name__}`)"
            )
        return value


class GenericLazyReferenceField(GenericReferenceField):
    """A field for a document of any collection that is loaded when asked for.

    Reading it gives a
    :class:`~mongoengine.base.datastructures.LazyReference`.

    :param passthrough: load the document when an attribute of the reference is
        read.
    :param choices: the classes that are allowed, or their names.
    :raises ValidationError: if a choice is neither.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.passthrough = kwargs.pop("passthrough", False)
        super().__init__(*args, **kwargs)

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> Any: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        made = self.build_lazyref(self._read(instance))
        if made is not None:
            instance._put(self.name, made)
        return made

    def build_lazyref(self, value: Any) -> Any:
        """The :class:`LazyReference` of a document or a stored reference."""
        if isinstance(value, LazyReference):
            if value.passthrough == self.passthrough:
                return value
            kind, key = value.document_type, value.pk
        elif isinstance(value, dict):
            kind, key = _DocumentRegistry.get(value["_cls"]), value["_ref"].id
        elif isinstance(value, _import_class("Document")):
            kind, key = type(value), value.pk
        else:
            return value
        return LazyReference(kind, key, passthrough=self.passthrough)

    def _validate_choices(self, value: Any) -> None:
        if isinstance(value, LazyReference):
            value = value.document_type._class_name
        super()._validate_choices(value)

    def validate(self, value: Any, clean: bool = True) -> None:
        if isinstance(value, LazyReference) and value.pk is None:
            self.error(_unsaved(value.document_type))
        super().validate(value, clean)

    def to_mongo(self, document: Any) -> Any:
        if isinstance(document, LazyReference):
            kind = document.document_type
            reference = DBRef(kind._get_collection_name(), document.pk)
            return SON((("_cls", kind._class_name), ("_ref", reference)))
        return super().to_mongo(document)
