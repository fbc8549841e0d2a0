"""Blocks and callbacks with operations that happen together or not at all."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.errors import PyMongoError

from mongoengine.driver.block import Block
from mongoengine.driver.io import ASYNC, IO, SYNC, instead, run
from mongoengine.driver.registry import DEFAULT_CONNECTION_NAME, registry
from mongoengine.driver.session import bound_session
from mongoengine.driver.types import Function, RawMapping
from mongoengine.driver.undo import on_abort, undo_all

if TYPE_CHECKING:
    from pymongo.asynchronous.client_session import AsyncClientSession
    from pymongo.client_session import ClientSession

    from mongoengine.driver.session import Session

__all__ = (
    "async_run_in_transaction",
    "async_with_transaction",
    "on_abort",
    "run_in_transaction",
    "with_transaction",
)

R = TypeVar("R")

_SECONDS_OF_COMMITTING = 120


class run_in_transaction(Block[Any]):
    """The operations of the block happen together or, if it fails, not at all.

        with run_in_transaction() as session:
            order.save()
            Stock.objects(item=order.item).update_one(dec__count=1)

    A commit with an unknown result is tried again.  Transient errors are not: they
    are raised, with the transaction aborted, for the caller to run the block again;
    `with_transaction()` does so by itself.  When a transaction aborts, the documents
    that it wrote have their changes pending again.

    A block inside of another has a session and a transaction of its own: it commits
    when it ends, whatever becomes of the outer one.  A transaction cannot span two
    connections.

    :param alias: the alias with the connection to use
    :param session_kwargs: arguments of PyMongo's `client.start_session()`
    :param transaction_kwargs: arguments of `session.start_transaction()`
    :raises ContextError: if the block is left in another context than it was
        entered in; the transaction is aborted

    See https://www.mongodb.com/docs/manual/core/transactions/
    """

    def __init__(
        self,
        alias: str = DEFAULT_CONNECTION_NAME,
        session_kwargs: RawMapping | None = None,
        transaction_kwargs: RawMapping | None = None,
    ) -> None:
        self._alias = alias
        self._session_kwargs = session_kwargs or {}
        self._transaction_kwargs = transaction_kwargs or {}

    if TYPE_CHECKING:

        def __enter__(self) -> ClientSession: ...
        async def __aenter__(self) -> AsyncClientSession: ...

    async def _enter(self, io: IO) -> Any:
        # Not awaited in either family: start_session() sends nothing.
        session = registry.client(io, self._alias).start_session(**self._session_kwargs)
        try:
            await io.plain(session.start_transaction, **self._transaction_kwargs)
        except BaseException:
            await _end(io, session)
            raise
        self._bound = bound_session(session, "run_in_transaction()")
        self._bound.__enter__()
        self._session = session
        return session

    async def _leave(self, io: IO, error: BaseException | None) -> None:
        session = self._session
        try:
            self._bound.__exit__(type(error) if error else None, error)
            if error is None and session.in_transaction:
                await _commit(io, session)
        finally:
            # Callbacks first: awaiting the end of the session may be cancelled.
            undo_all(session)
            await _end(io, session)


async def _commit(io: IO, session: AsyncClientSession | ClientSession) -> None:
    deadline = time.monotonic() + _SECONDS_OF_COMMITTING
    while True:
        try:
            await io.plain(session.commit_transaction)
            return
        except PyMongoError as error:
            unknown = error.has_error_label("UnknownTransactionCommitResult")
            if not unknown or time.monotonic() > deadline:
                raise


async def _end(io: IO, session: Any) -> None:
    """End a session, which also aborts a transaction that is still open.

    In a task of its own where there are tasks, so that cancelling the block once
    more does not leave the transaction open.
    """
    if not io.is_async:
        session.end_session()
        return
    ending = asyncio.get_running_loop().create_task(session.end_session())
    _endings.add(ending)
    ending.add_done_callback(_endings.discard)
    await asyncio.shield(ending)


_endings: set[asyncio.Task[None]] = set()


async_run_in_transaction = run_in_transaction


def with_transaction(
    callback: Callable[..., R],
    alias: str = DEFAULT_CONNECTION_NAME,
    session_kwargs: RawMapping | None = None,
    transaction_kwargs: RawMapping | None = None,
) -> R:
    """Call `callback` in a transaction, again where that may help; its result.

        def move(session):
            source.modify(dec__balance=1)
            target.modify(inc__balance=1)

        with_transaction(move)

    As PyMongo's `session.with_transaction()` does, this runs the whole transaction
    again after an error that is labelled "TransientTransactionError" (a write
    conflict, a primary that steps down), and the commit after one that is labelled
    "UnknownTransactionCommitResult", within 120 seconds.  Each time, the documents
    that the last attempt wrote have their changes pending again.  Any other
    exception aborts the transaction and is raised.

    :param callback: is called with the session, if it takes an argument
    :param alias: the alias with the connection to use
    :param session_kwargs: arguments of PyMongo's `client.start_session()`
    :param transaction_kwargs: arguments of `session.start_transaction()`

    See https://www.mongodb.com/docs/manual/core/transactions-in-applications/
    """
    body = _with_transaction(
        SYNC, callback, alias, session_kwargs or {}, transaction_kwargs or {}
    )
    with instead("async_with_transaction()"):
        result: R = run(body)
    return result


async def async_with_transaction(
    callback: Callable[..., Awaitable[R]],
    alias: str = DEFAULT_CONNECTION_NAME,
    session_kwargs: RawMapping | None = None,
    transaction_kwargs: RawMapping | None = None,
) -> R:
    body = _with_transaction(
        ASYNC, callback, alias, session_kwargs or {}, transaction_kwargs or {}
    )
    with instead("with_transaction()"):
        result: R = await body
    return result


async_with_transaction.__doc__ = with_transaction.__doc__


async def _with_transaction(
    io: IO,
    callback: Function,
    alias: str,
    session_kwargs: RawMapping,
    transaction_kwargs: RawMapping,
) -> Any:
    takes_session = _takes_an_argument(callback)

    async def attempt(session: Session) -> object:
        with bound_session(session, "with_transaction()"):
            return await io.plain(callback, *([session] if takes_session else []))

    session = registry.client(io, alias).start_session(**session_kwargs)
    try:
        return await io.plain(
            session.with_transaction,
            attempt if io.is_async else lambda session: run(attempt(session)),
            **transaction_kwargs,
        )
    finally:
        undo_all(session)
        await _end(io, session)


def _takes_an_argument(callback: Function) -> bool:
    try:
        inspect.signature(callback).bind(None)
    except TypeError:
        return False
    return True
