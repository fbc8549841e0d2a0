"""Blocks whose operations happen together or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

from pymongo.errors import PyMongoError

from mongoengine.connection import DEFAULT_CONNECTION_NAME, client
from mongoengine.driver.io import ASYNC, IO, SYNC, WrongFamilyError, run
from mongoengine.driver.session import bound_session
from mongoengine.driver.undo import on_abort, undo_all
from mongoengine.errors import OperationError

__all__ = ("async_run_in_transaction", "on_abort", "run_in_transaction")

_SECONDS_OF_COMMITTING = 120

_current: ContextVar[_Transaction | None] = ContextVar("transaction", default=None)


class _Transaction:
    """A block in a transaction of its own, or inside of another such block."""

    def __init__(
        self,
        alias: str,
        session_kwargs: Mapping[str, Any],
        transaction_kwargs: Mapping[str, Any],
    ) -> None:
        self._alias = alias
        self._session_kwargs = session_kwargs
        self._transaction_kwargs = transaction_kwargs
        self._outer: _Transaction | None = None
        self._joined: _Transaction | None = None
        self._failed = False
        self._open = False

    async def begin(self, io: IO) -> None:
        self._client = client(io, self._alias)
        self._outer = outer = _current.get()
        if outer is not None and outer._open and outer._client is self._client:
            self._joined = outer
        else:
            # Not awaited in either family: start_session() sends nothing.
            self._session = self._client.start_session(**self._session_kwargs)
            try:
                await io(self._session.start_transaction(**self._transaction_kwargs))
            except BaseException:
                await _let_go(io, self._session)
                raise
            self._bound = bound_session(self._session)
            self._bound.__enter__()
        self._open = True
        _current.set(self)

    async def end(self, io: IO, error: BaseException | None) -> None:
        self._open = False
        if _current.get() is self:
            _current.set(self._outer)
        failed = error is not None or self._failed
        if self._joined is not None:
            self._joined._failed |= failed
            return
        self._bound.__exit__()
        if failed:
            undo_all(self._session)
        try:
            if not failed:
                await self._commit(io)
        finally:
            await _let_go(io, self._session)
        if failed and error is None:
            raise OperationError(
                "The transaction was rolled back: a run_in_transaction() block "
                "inside of it has failed"
            )

    async def _commit(self, io: IO) -> None:
        deadline = time.monotonic() + _SECONDS_OF_COMMITTING
        while True:
            try:
                await io(self._session.commit_transaction())
                return
            except PyMongoError as error:
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if not unknown or time.monotonic() > deadline:
                    raise


async def _let_go(io: IO, session: Any) -> None:
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
    await io(asyncio.shield(ending))


_endings: set[asyncio.Task[None]] = set()


def _named(error: WrongFamilyError, call: str) -> WrongFamilyError:
    opened = "connect_async()" if error.wanted == "async" else "connect()"
    return WrongFamilyError(
        error.alias,
        error.wanted,
        f'Use {call} with {error.wanted} connection: the alias "{error.alias}" is '
        f"open only with {opened}",
    )


@contextmanager
def run_in_transaction(
    alias: str = DEFAULT_CONNECTION_NAME,
    session_kwargs: Mapping[str, Any] | None = None,
    transaction_kwargs: Mapping[str, Any] | None = None,
) -> Iterator[None]:
    """The operations of the block happen together or, if it fails, not at all.

        with run_in_transaction():
            order.save()
            Stock.objects(item=order.item).update_one(dec__count=1)

    A commit whose outcome the server does not know is tried again; transient
    errors are not: they are raised, with the transaction aborted, for the caller
    to run the block again.  Inside of a block of the same connection, the block
    belongs to the outer transaction.  A transaction cannot span two connections.

    :param alias: the alias whose connection to use
    :param session_kwargs: arguments of PyMongo's `client.start_session()`
    :param transaction_kwargs: arguments of `session.start_transaction()`

    See https://www.mongodb.com/docs/manual/core/transactions/
    """
    block = _Transaction(alias, session_kwargs or {}, transaction_kwargs or {})
    try:
        run(block.begin(SYNC))
    except WrongFamilyError as error:
        raise _named(error, "async_run_in_transaction()") from None
    try:
        yield
    except BaseException as error:
        run(block.end(SYNC, error))
        raise
    run(block.end(SYNC, None))


@asynccontextmanager
async def async_run_in_transaction(
    alias: str = DEFAULT_CONNECTION_NAME,
    session_kwargs: Mapping[str, Any] | None = None,
    transaction_kwargs: Mapping[str, Any] | None = None,
) -> AsyncIterator[None]:
    block = _Transaction(alias, session_kwargs or {}, transaction_kwargs or {})
    try:
        await block.begin(ASYNC)
    except WrongFamilyError as error:
        raise _named(error, "run_in_transaction()") from None
    try:
        yield
    except BaseException as error:
        await block.end(ASYNC, error)
        raise
    await block.end(ASYNC, None)


async_run_in_transaction.__doc__ = run_in_transaction.__doc__
