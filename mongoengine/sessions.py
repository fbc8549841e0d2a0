"""The session that a task or thread works in."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.client_session import ClientSession

__all__ = ("_get_session", "bound_session")


class bound_session:
    """Operations of this task or thread use `session` while the block runs.

    None stands for no change.  A task that was started in the block and outlives
    it goes on without the session.
    """

    __slots__ = ("session",)

    def __init__(self, session: ClientSession | AsyncClientSession | None) -> None:
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
