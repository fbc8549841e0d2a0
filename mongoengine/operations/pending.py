"""Pending state of documents while a command that writes them is sent.

The changes that a command carries are taken from the document when the command is
built.  They are put back if the command fails or its answer never comes, and if the
transaction that it belongs to aborts; what is assigned in the meantime stays pending.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import bson
from bson import ObjectId

from mongoengine.base.stamps import Moment, Stamped, stamps_exist
from mongoengine.base.state import EMPTY, set_state
from mongoengine.base.tracking import Changes
from mongoengine.base.types import AnyCollection, RawDocument, RawMapping
from mongoengine.driver.session import _get_session
from mongoengine.driver.undo import on_abort
from mongoengine.driver.write_errors import is_refusal

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from bson.codec_options import CodecOptions

    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.base.tracking import Marks

__all__ = (
    "PendingInsert",
    "PendingUpdate",
    "begin_inserts",
    "moment_of",
    "note_fragment",
    "primary_key_of",
    "shown_changes",
    "stored_id",
)


def moment_of(collection: AnyCollection) -> Moment | None:
    """Return the time of a write to a collection.

    None where no field is set by writes.
    """
    if not stamps_exist():
        return None
    return Moment(lambda: collection.codec_options)


class PendingUpdate:
    """A command that carries the changes of a stored document."""

    __slots__ = ("changes", "document", "key", "may_insert", "stamped", "upsert")

    created = False
    is_retry = False

    def __init__(self, document: StoredDocument, moment: Moment | None) -> None:
        self.document = document
        #: The filter that finds the stored document.
        self.key: RawDocument = {}
        #: Whether the command inserts the changes where nothing matches.
        self.upsert = False
        #: Whether it may insert the document if that is not stored.
        self.may_insert = not document._partial
        if moment is None or not type(document)._schema.may_stamp:
            self.stamped: Stamped | None = None
            self.changes: Changes = document._take_changes()
            return
        is_new = document._is_unmarked()
        with Stamped(moment) as self.stamped:
            self.stamped.update(document)
            self.may_insert = self.may_insert and (is_new or not self.condition)
            self.changes = document._take_changes()

    @property
    def condition(self) -> RawMapping:
        """The filter that the stored document must match besides its key."""
        return {} if self.stamped is None else self.stamped.condition

    def succeed(self) -> None:
        """Note that the server has acknowledged the command."""
        if self.document._fragment is not None:
            note_fragment(self.document, None)
        if _get_session() is not None:
            on_abort(self._put_back)

    def _put_back(self) -> None:
        self.document._put_back(self.changes)
        if self.stamped is not None:
            self.stamped.undo()

    def fail(self, error: BaseException) -> None:
        """Make the changes pending again.

        If the outcome is unknown, an upsert may have stored the changes alone.
        """
        self._put_back()
        if is_refusal(error):
            return
        if self.condition:
            attempt = {"_id": self.key["_id"]}, self.changes.sets, self.changes.unsets
            set_state(self.document, "_unanswered", attempt)
        elif self.upsert and self.document._fragment is None:
            note_fragment(self.document, _inserted_by(self.key, self.changes.sets))


def note_fragment(document: StoredDocument, fragment: RawDocument | None) -> None:
    """Remember what an upsert may have stored of a document; None forgets it."""
    set_state(document, "_fragment", fragment)


def _inserted_by(query: RawMapping, sets: RawMapping) -> RawDocument:
    """Return the document that an upsert inserts where its filter matches nothing."""
    document: RawDocument = {}
    for path, value in {**query, **sets}.items():
        *outer, name = path.split(".")
        place = document
        for key in outer:
            place = place.setdefault(key, {})
        place[name] = value
    return document


class PendingInsert:
    """A command that carries a whole document.

    A document without a primary key gets one before anything is sent.  It keeps the
    key if the outcome of the command is unknown, so that another attempt writes the
    same document and not a second one.

    :param document: the document to store
    :param moment: the time of the write; None where no values are set by writes
    :param restored: the command replaces the changes that alone are stored
    """

    __slots__ = (
        "_earlier",
        "_marks",
        "_new_key",
        "_sent",
        "_was_created",
        "document",
        "has_own_key",
        "key",
        "restored",
        "son",
        "stamped",
    )

    created = True

    def __init__(
        self,
        document: StoredDocument,
        moment: Moment | None,
        *,
        restored: bool = False,
    ) -> None:
        self.document = document
        #: It replaces what is stored of the document.
        self.restored = restored
        self._marks: Marks = []
        self.stamped: Stamped | None = None
        if moment is not None and type(document)._schema.may_stamp:
            self.stamped = Stamped(moment)
        try:
            if self.stamped is not None:
                self.stamped.insert(document, restored)
            self.son: RawDocument = type(document)._schema.wire(document, self._marks)
        except BaseException:
            self._put_back()
            raise
        earlier: PendingInsert | None = document._unconfirmed
        self._earlier = earlier
        self._was_created = created = document._created
        self._sent: bytes | None = None
        self._new_key = "_id" not in self.son
        #: Nobody else can have stored a document of this key.
        self.has_own_key = True
        if self._new_key:
            self.son["_id"] = self.key = ObjectId()
            put_key(document, self.key)
        else:
            self.key = self.son["_id"]
            self.has_own_key = restored or (
                earlier is not None
                and earlier.has_own_key
                and bool(earlier.key == self.key)
            )
        if not (created and document._created):
            set_state(document, "_created", True)
        set_state(document, "_unconfirmed", self)

    @property
    def condition(self) -> RawMapping:
        """The filter that a stored document must match to be replaced."""
        return {} if self.stamped is None else self.stamped.condition

    @property
    def is_retry(self) -> bool:
        """Return whether an earlier command may have stored this document."""
        earlier = self._earlier
        return earlier is not None and bool(earlier.key == self.key)

    def is_stored_as(
        self, stored: RawMapping, codec_options: CodecOptions[RawDocument]
    ) -> bool:
        """Return whether a stored document is what the earlier command carried."""
        earlier = self._earlier
        return (
            earlier is not None
            and earlier._sent is not None
            and bson.encode(stored, codec_options=codec_options) == earlier._sent
        )

    def succeed(self) -> None:
        """Note that the server has acknowledged the command."""
        document = self.document
        set_state(document, "_created", False)
        if document._fragment is not None:
            note_fragment(document, None)
        if document._unconfirmed is self:
            object.__delattr__(document, "_unconfirmed")
        self._earlier = None
        if not self._new_key:
            _normalize_key(document, self.key)
        if _get_session() is not None:
            on_abort(self._undo)

    def fail(
        self,
        error: BaseException,
        codec_options: CodecOptions[RawDocument] | None = None,
    ) -> None:
        """Make the document as new as it was, and all of it pending.

        :param error: what was raised in place of an answer
        :param codec_options: those of the collection
        """
        document = self.document
        self._put_back()
        if document._unconfirmed is not self:
            return
        if not is_refusal(error):
            if not self.has_own_key and codec_options is not None:
                self._sent = bson.encode(
                    _key_first(self.son), codec_options=codec_options
                )
            self._earlier = None
            self.son = {}
            return
        set_state(document, "_created", self._was_created)
        if self._new_key:
            put_key(document, None)
        if self._earlier is None:
            object.__delattr__(document, "_unconfirmed")
        else:
            object.__setattr__(document, "_unconfirmed", self._earlier)

    def _put_back(self) -> None:
        self.document._put_back(Changes(self._marks, {}, {}))
        if self.stamped is not None:
            self.stamped.undo()

    def _undo(self) -> None:
        """Make the document new again, as its transaction has aborted."""
        document = self.document
        self._put_back()
        set_state(document, "_created", True)
        self.son = {}
        object.__setattr__(document, "_unconfirmed", self)


def begin_inserts(
    documents: Iterable[StoredDocument],
    moment: Moment | None,
    *,
    restored: bool = False,
) -> list[PendingInsert]:
    """Begin a command that carries several documents."""
    writes: list[PendingInsert] = []
    try:
        for document in documents:
            writes.append(PendingInsert(document, moment, restored=restored))
    except BaseException as error:
        for write in writes:
            write.fail(error)
        raise
    return writes


@contextmanager
def shown_changes(write: PendingInsert | PendingUpdate | None) -> Iterator[None]:
    """Let the changes that have been written be seen as changes for a while.

    What is changed in the meantime stays pending.
    """
    if not isinstance(write, PendingUpdate) or not write.changes.update:
        yield
        return
    document = write.document
    pending = document._take_changes(whole=True)
    document._put_back(write.changes)
    before: list[RawDocument] = [deepcopy(paths) for paths in document._delta()]
    document._put_back(pending)
    try:
        yield
    finally:
        changes = document._take_changes()
        for old, new in zip(before, (changes.sets, changes.unsets), strict=True):
            for path, value in new.items():
                if path not in old or not _same(old[path], value):
                    document._mark_path(path)
        document._put_back(pending)


def _same(old: Any, new: Any) -> bool:
    """Return whether two values are stored alike: 1 and True are not."""
    if old.__class__ is not new.__class__:
        return False
    if isinstance(old, dict):
        return list(old) == list(new) and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def put_key(document: StoredDocument, key: Hashable) -> None:
    """Give a document a primary key, which does not count as a change."""
    schema = type(document)._schema
    name: Any = schema.id_name
    if key is not None:
        field = schema.fields[name]
        if key.__class__ not in field._loads_unchanged:
            key = field.to_python(key)
    if key is None or name in schema.placed:
        values = document._values
        if values is EMPTY:
            document._put(name, key)
        else:
            values[name] = key
        return
    created = document._created
    marks = list(getattr(document, "_changed_fields", ()))
    setattr(document, name, key)
    set_state(document, "_created", created)
    if getattr(document, "_changes", None) is not None:
        set_state(document, "_changed_fields", marks)


def _normalize_key(document: StoredDocument, key: object) -> None:
    """Let a document have its key as it will be read: `ObjectId` for its text."""
    name = document._meta["id_field"]
    field = document._fields[name]
    value = document._value_of(name, field)
    if value.__class__ in field._loads_unchanged or value is None:
        return
    read = field.to_python(key)
    if read.__class__ is not value.__class__:
        put_key(document, read)


def _key_first(son: RawDocument) -> RawDocument:
    """Return a document in the order in which PyMongo sends it."""
    return {"_id": son["_id"], **son}


def primary_key_of(document: StoredDocument) -> object:
    """Return the primary key of a document, not followed where it is a reference."""
    schema, values = type(document)._schema, document._values
    name: Any = schema.id_name
    if name in values:
        return values[name]
    field, raw = schema.fields[name], document._raw
    if raw is not None:
        # As in `_touch`, but without putting it in place.
        value = raw.get(field.db_field)
        if value.__class__ in field._loads_unchanged:
            return value
    return document._touch(field)


def stored_id(document: StoredDocument) -> object:
    """Return the primary key of a document as MongoDB stores it."""
    schema = type(document)._schema
    name: Any = schema.id_name
    field = schema.fields[name]
    value = primary_key_of(document)
    if value.__class__ in field._dump_as:
        return value
    return field._to_mongo_safe_call(value, use_db_field=True)
