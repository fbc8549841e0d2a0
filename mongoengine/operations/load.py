"""Loading a document again, and the documents that it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo import ReadPreference

from mongoengine.base.state import set_state
from mongoengine.base.tracked import rebind
from mongoengine.driver.undo import in_transaction, on_abort
from mongoengine.operations.related import follow_items, follow_paths
from mongoengine.query.related import related_paths

if TYPE_CHECKING:
    from mongoengine.base.stored_document import StoredDocument
    from mongoengine.driver.io import IO
    from mongoengine.driver.session import Session

__all__ = ("State", "reload", "select_related", "take")

D = TypeVar("D", bound="StoredDocument")

_GONE = "Document does not exist"


async def select_related(
    document: StoredDocument,
    io: IO,
    /,
    max_depth: Any = 1,
    *paths: str,
    session: Session = None,
) -> Any:
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
    document: D, io: IO, /, *fields: Any, session: Session = None, **kwargs: Any
) -> D:
    """Load the document again, giving up its unsaved changes.

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
    found = await io.call(queryset, "select_related", max_depth=max_depth)
    if not found:
        raise document.DoesNotExist(_GONE)
    before = State(document) if in_transaction() else None
    take(document, found[0], fields)
    if before is not None:
        on_abort(partial(before.give_back, document))
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


class State:
    """The values and pending changes of a document, to be given back later."""

    __slots__ = ("_changes", "_created", "_dynamic_fields", "_raw", "_values")

    def __init__(self, document: StoredDocument) -> None:
        self._raw = document._raw
        self._values = dict(document._values) if document._values else document._values
        self._created = document._created
        self._dynamic_fields = dict(document._dynamic_fields)
        self._changes = document._take_changes(whole=True)

    def give_back(self, document: StoredDocument) -> None:
        """Let the document have these values and changes again."""
        set_state(document, "_raw", self._raw)
        set_state(document, "_values", self._values)
        for value in document._values.values():
            rebind(document, value)
        document._clear_changed_fields()
        set_state(document, "_created", self._created)
        document._put_back(self._changes)
        if document._dynamic:
            document._restore_fields(self._dynamic_fields)
