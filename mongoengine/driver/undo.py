"""Callbacks for the end of a transaction.

They give documents their state back if it aborts, or finish what cannot be part of it
(such as deleting files) when it has been committed.
"""

from __future__ import annotations

import inspect
import logging
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from pymongo.errors import PyMongoError

from mongoengine.driver.io import ASYNC, IO, SYNC, run
from mongoengine.driver.session import _get_session
from mongoengine.driver.types import Function

__all__ = ("after_commit", "in_transaction", "on_abort", "undo_all")

_log = logging.getLogger(__name__)

Undo: TypeAlias = Callable[[], None]


def on_abort(undo: Undo) -> None:
    """Call `undo` if the transaction that this task or thread works in aborts.

    A transaction aborts because of an exception in its block, a cancellation, or a
    commit that fails.  The callback that was registered last is called first.  All
    transactions of PyMongo's sessions count, whoever began them: our own blocks,
    `session.with_transaction()`, `session.start_transaction()`.  A commit with an
    unknown result counts as aborted when nobody tries it again.

    Nothing happens outside of transactions.
    """
    log = _open_log()
    if log is not None:
        log.undos.append(undo)


async def after_commit(
    io: IO, body: Callable[..., Awaitable[None]], /, *args: object
) -> None:
    """Await `body(io, *args)` after the transaction that this task or thread works in.

    It is not called if the transaction aborts.  As the commit stands, whatever it
    raises is logged.  Without a transaction it is awaited at once.
    """
    log = _open_log()
    if log is None:
        await body(io, *args)
    else:
        log.commits.append(partial(body, io, *args))


def in_transaction() -> bool:
    """Return whether this task or thread works in a transaction."""
    session = _get_session()
    return session is not None and session.in_transaction is True


def _open_log() -> _UndoLog | None:
    """Return the callbacks of the current transaction, or None if there is none."""
    if not in_transaction():
        return None
    session = _get_session()
    log = _logs.get(session)
    if log is None:
        log = _logs[session] = _UndoLog(session)
    return log


def undo_all(session: object) -> None:
    """Call the callbacks of a session's transaction now, as it will not commit."""
    log = _logs.get(session)
    if log is not None:
        log.undo()


class _UndoLog:
    """The callbacks of the transaction that is open in one session.

    Sessions tell nobody that a transaction ends.  So the methods that begin and end
    one are replaced on this session, from the first callback until the end of the
    transaction.  Looking at the session when it is next used would be too late: the
    documents must have their changes back when the user's `except` clause runs, and
    PyMongo's `with_transaction()` must not call its callback again before that.
    Listeners for commands see no transaction that ends before it has sent anything.
    """

    _METHODS = (
        "commit_transaction",
        "abort_transaction",
        "start_transaction",
        "end_session",
    )

    def __init__(self, session: Any) -> None:
        self.undos: list[Undo] = []
        self.commits: list[Callable[[], Awaitable[None]]] = []
        self._session = weakref.ref(session)
        # No strong references: a session that is dropped is freed at once.
        self._originals = {
            name: weakref.WeakMethod(getattr(session, name)) for name in self._METHODS
        }
        is_async = inspect.iscoroutinefunction(session.commit_transaction)
        for name in self._METHODS:
            body = getattr(self, f"_{name}")
            face = partial(body, ASYNC) if is_async else partial(_run, body)
            setattr(session, name, face)
        self._dropped = weakref.finalize(session, self.undo)
        self._dropped.atexit = False

    async def _commit_transaction(self, io: IO) -> None:
        try:
            await io.plain(self._original("commit_transaction"))
        except BaseException as error:
            if not _may_be_committed(error):
                self.undo()
            raise
        self._close()
        for body in self.commits:
            try:
                await body()
            except Exception:
                _log.exception("%r failed after a transaction", body)

    async def _abort_transaction(self, io: IO) -> None:
        # Called first: sending the command may be cancelled.
        abort = self._original("abort_transaction")
        self.undo()
        await io.plain(abort)

    async def _start_transaction(
        self, io: IO, /, *args: object, **kwargs: object
    ) -> object:
        start = self._original("start_transaction")
        if not start.__self__.in_transaction:
            self.undo()
        return await io.plain(start, *args, **kwargs)

    async def _end_session(self, io: IO) -> None:
        end = self._original("end_session")
        self.undo()
        await io.plain(end)

    def _original(self, name: str) -> Any:
        return self._originals[name]()

    def undo(self) -> None:
        _call_all(self._close())

    def _close(self) -> list[Undo]:
        """Give the session its own methods back; return the callbacks."""
        undos, self.undos = self.undos, []
        self._dropped.detach()
        session = self._session()
        if session is not None and _logs.pop(session, None) is self:
            for name in self._METHODS:
                delattr(session, name)
        return undos


_logs: weakref.WeakKeyDictionary[Any, _UndoLog] = weakref.WeakKeyDictionary()


def _run(body: Function, *args: object, **kwargs: object) -> object:
    return run(body(SYNC, *args, **kwargs))


def _call_all(undos: list[Undo]) -> None:
    """Call callbacks, the last one first, all of them even if one raises."""
    while undos:
        try:
            undos.pop()()
        except BaseException:
            _call_all(undos)
            raise


def _may_be_committed(error: BaseException) -> bool:
    """Return whether a commit that failed with `error` may have happened."""
    if isinstance(error, PyMongoError):
        return error.has_error_label("UnknownTransactionCommitResult")
    return True
