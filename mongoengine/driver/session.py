"""The session that a task or thread works in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, TypeAlias

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.client_session import ClientSession

__all__ = ("Session", "_get_session", "bound_session", "is_session")

#: What `session=` takes: a session of the family that is used; None for no change.
Session: TypeAlias = ClientSession | AsyncClientSession | None


class bound_session:
    """Operations of this task or thread use `session` while the block runs.

        with client.start_session() as session, bound_session(session):
            for book in Book.objects: ...

    None stands for no change.  A task that was started in the block and outlives
    it goes on without the session.

    :param session: of `client.start_session()`, on the client of the operations
    """

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session: Any = session

    def __enter__(self) -> None:
        if self.session is not None:
            _sessions.set((*_sessions.get(), self))

    def __exit__(self, *error: object) -> None:
        if self.session is not None:
            self.session = None
            _sessions.set(tuple(s for s in _sessions.get() if s is not self))


_sessions: ContextVar[tuple[bound_session, ...]] = ContextVar("sessions", default=())


def _get_session() -> Any:
    """The session that this task or thread works in, or None."""
    stack = _sessions.get()
    if not stack:
        return None
    for bound in reversed(stack):
        if bound.session is not None:
            return bound.session
    return None


def is_session(owner: Any, value: Any) -> bool:
    """Whether `session=value` is meant for the driver, not for a field.

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
