"""The session that a task or thread works in."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeAlias

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.client_session import ClientSession

from mongoengine.driver.context_guard import (
    ContextGuard,
    abandoned,
    abandoned_guards,
)

__all__ = ("Session", "_get_session", "bound_session", "is_session", "session_of_call")

#: What `session=` takes: a session of the family that is used; None for no change.
Session: TypeAlias = ClientSession | AsyncClientSession | None


class session_of_call:
    """Operations of this task or thread use `session` while the block runs.

    The block is entered and left by one function call; `bound_session` is the form
    for users.
    """

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session: Session = session

    def __enter__(self) -> None:
        if self.session is not None:
            _sessions.set((*_sessions.get(), self))

    def __exit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None:
        if self.session is not None:
            self.session = None
            _sessions.set(tuple(s for s in _sessions.get() if s is not self))


class _SessionGuard(ContextGuard):
    """The guard of a block that binds a session."""

    __slots__ = ()


class bound_session(session_of_call):
    """Operations of this task or thread use `session` while the block runs.

        with client.start_session() as session, bound_session(session):
            for book in Book.objects: ...

    None stands for no change.  A task that was started in the block and outlives
    it goes on without the session.

    :param session: of `client.start_session()`, on the client of the operations
    :raises ContextError: if the block is left in another context than it was
        entered in
    """

    __slots__ = ("_guard", "_text")

    def __init__(self, session: Session, _text: str = "bound_session()") -> None:
        super().__init__(session)
        self._text = _text
        self._guard: _SessionGuard | None = None

    def __enter__(self) -> None:
        super().__enter__()
        if self.session is not None:
            self._guard = _SessionGuard(self._text, "session= of each operation")

    def __exit__(
        self,
        error_type: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
        /,
    ) -> None:
        super().__exit__(error_type, error, traceback)
        guard, self._guard = self._guard, None
        if guard is not None and not guard.close() and error_type is not GeneratorExit:
            raise guard.error() from error


_sessions: ContextVar[tuple[session_of_call, ...]] = ContextVar("sessions", default=())


def _get_session() -> Session:
    """Return the session that this task or thread works in, or None.

    :raises ContextError: if it is None because of a block whose context has ended
    """
    for bound in reversed(_sessions.get()):
        if bound.session is not None:
            return bound.session
    if abandoned:
        for guard in abandoned_guards():
            if isinstance(guard, _SessionGuard):
                raise guard.warning()
    return None


def is_session(owner: Any, value: object) -> bool:
    """Return whether `session=value` is meant for the driver, not for a field.

    A session cannot be stored, so it never is the value of a field.  None is no
    session, unless `owner` is of a class that may have a field of that name.
    """
    if isinstance(value, (ClientSession, AsyncClientSession)):
        return True
    if value is not None:
        return False
    document = getattr(owner, "_document", None) or owner
    fields = getattr(document, "_fields", None)
    return fields is not None and "session" not in fields and not document._dynamic
