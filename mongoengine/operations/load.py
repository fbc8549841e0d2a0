"""Loading a document again, and the documents that it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import ReadPreference

from mongoengine.base.state import set_state
from mongoengine.base.tracked import rebind
from mongoengine.base.types import PassedOn
from mongoengine.driver.undo import in_transaction, on_abort
from mongoengine.operations.related import follow_items, follow_paths
from mongoengine.query.related import related_paths

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("Replacement", "State", "reload", "select_related", "take")

D = TypeVar("D", bound="StoredDocument")

_GONE = "Document does not exist"


async def select_related(
    document: D,
    io: IO,
    /,
    max_depth: Any = 1,
    *paths: str,
    session: Session = None,
) -> D:
    """Load the documents that this one refers to, a query per collection.

    Each level of references takes one query per collection.

    :param max_depth: how many levels of references to follow, or the name of a
        reference to load: `"author"`, `"comments__author__city"`.
    :param paths: more names.
    :param session: a PyMongo session to work in
    :returns: the document itself.
    :raises InvalidQueryError: if a name is no reference.
    """
    if isinstance(max_depth, str) or paths:
        tree = related_paths(type(document), (max_depth, *paths))
        await follow_paths(io, [document], tree)
        return document
    await follow_items(io, [document], max_depth=max_depth + 1)
    return document


async def reload(
    document: D,
    io: IO,
    /,
    *fields: PassedOn,
    session: Session = None,
    **kwargs: PassedOn,
) -> D:
    """Load the document again, giving up its unsaved changes.

    What is assigned while the answer is awaited stays, and stays pending.

    :param fields: names of the fields to load; all where none are given.
    :param max_depth: how deep references are followed; 1 where not given.
    :param session: a PyMongo session to work in
    :returns: the document itself.
    :raises DoesNotExist: if it is not stored, or not any more.
    """
    max_depth = 1
    if fields and isinstance(fields[0], int):
        max_depth, *rest = fields
        fields = tuple(rest)
    elif "max_depth" in kwargs:
        max_depth = kwargs["max_depth"]
    if document.pk is None:
        raise document.DoesNotExist(_GONE)
    queryset = (
        document._qs.read_preference(ReadPreference.PRIMARY)
        .filter(**document._object_key)
        .only(*fields)
        .limit(1)
    )
    with Replacement(document) as replacement:
        found = await io.call(queryset, "select_related", max_depth=max_depth)
        if not found:
            raise document.DoesNotExist(_GONE)
        replacement.put(found[0], fields)
    return document


def take(
    document: StoredDocument, stored: StoredDocument, names: Sequence[str] = ()
) -> None:
    """Take over values of `stored`, a newer copy of a document.

    :param names: the fields to take over; all where there are none.
    """
    plain = not type(document)._schema.plain and not document._dynamic
    if plain and not names and type(stored) is type(document):
        # What was not touched stays so.
        set_state(document, "_raw", stored._raw)
        set_state(document, "_values", stored._values)
        for value in document._values.values():
            rebind(document, value)
        document._clear_changed_fields()
    else:
        for name in document._dynamic_fields.keys() - stored._dynamic_fields.keys():
            if not names or name in names:
                document._forget(name)
        for name, value in stored._data.items():
            if not names or name in names:
                rebind(document, value)
                document._take_value(name, value)
        if names:
            changed = getattr(document, "_changed_fields", ())
            kept = [key for key in changed if key not in names]
            set_state(document, "_changed_fields", kept)
        else:
            document._clear_changed_fields()
    set_state(document, "_created", False)
    if document._fragment is not None:
        set_state(document, "_fragment", None)
    if not names and document._partial:
        object.__delattr__(document, "_partial")


class Replacement:
    """Replaces the values of a document by those of a newer copy, while it is used.

        with Replacement(document) as replacement:
            stored = await ...
            replacement.put(stored)

    The pending changes are given up if a copy is put in place, and put back if not.
    What is assigned inside the block stays, and stays pending.
    """

    __slots__ = ("_before", "_changes", "_document", "_is_done")

    def __init__(self, document: StoredDocument) -> None:
        self._document = document
        self._is_done = False

    def __enter__(self) -> Replacement:
        self._before = State(self._document)
        self._changes = self._before.changes
        return self

    def put(self, stored: StoredDocument, names: Sequence[str] = ()) -> None:
        """Take over the values of `stored`, all or those of some names."""
        document = self._document
        pending = _Pending(document)
        if names:
            document._put_back(self._changes)
        take(document, stored, names)
        pending.put_back(document)
        self._is_done = True
        if in_transaction():
            on_abort(partial(self._before.give_back, document))

    def __exit__(self, *error: object) -> None:
        if not self._is_done:
            self._document._put_back(self._changes)


class _Pending:
    """The fields of a document that are marked as changed, and their values."""

    __slots__ = ("_changes", "_values")

    def __init__(self, document: StoredDocument) -> None:
        names = document._reverse_db_field_map
        roots = {path.partition(".")[0] for path in document._get_changed_fields()}
        fields = (names.get(root, root) for root in roots)
        values = document._values
        self._values = {name: values[name] for name in fields if name in values}
        self._changes = document._take_changes(whole=True) if roots else None

    def put_back(self, document: StoredDocument) -> None:
        """Let the document have these values and marks again."""
        if self._changes is None:
            return
        for name, value in self._values.items():
            rebind(document, value)
            document._put(name, value)
        document._put_back(self._changes)


class State:
    """The values and pending changes of a document, to be given back later."""

    __slots__ = ("_created", "_dynamic_fields", "_raw", "_values", "changes")

    def __init__(self, document: StoredDocument) -> None:
        self._raw = document._raw
        self._values = dict(document._values) if document._values else document._values
        self._created = document._created
        self._dynamic_fields = dict(document._dynamic_fields)
        self.changes = document._take_changes(whole=True)

    def give_back(self, document: StoredDocument) -> None:
        """Let the document have these values and changes again.

        What has been assigned since stays, and stays pending.
        """
        pending = _Pending(document)
        set_state(document, "_raw", self._raw)
        set_state(document, "_values", self._values)
        for value in document._values.values():
            rebind(document, value)
        document._clear_changed_fields()
        set_state(document, "_created", self._created)
        document._put_back(self.changes)
        if document._dynamic:
            document._restore_fields(self._dynamic_fields)
        pending.put_back(document)
