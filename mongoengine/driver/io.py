"""One operation, two faces.

The body of every operation that talks to MongoDB is written once, as a
coroutine whose second parameter is its way of doing I/O:

    async def _first(self, io): ...

    first = blocking(_first)             # on MongoClient, never touches a loop
    async_first = asynchronous(_first)   # on AsyncMongoClient, awaited

`io` is `SYNC` or `ASYNC`.  PyMongo's two APIs share their method names, so a
body reads the same for both.  It awaits

    await io(collection.update_one, query, changes)   # in the current session
    await io.plain(cursor.next)                       # takes no session
    await io.call(document, "save")                   # may be overridden by users

and other bodies, and nothing else.

Either face takes `session=`, a PyMongo session that the body and all that it
calls then work in (`session.bound_session`).  Bodies never see it: those whose
other keywords are no names of fields declare it, for signatures and types.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import TracebackType
from typing import (
    Any,
    Concatenate,
    Literal,
    ParamSpec,
    TypeAlias,
    TypeVar,
)

from mongoengine.driver import deferred
from mongoengine.driver.context_guard import abandoned
from mongoengine.driver.deferred import deferrable, place
from mongoengine.driver.records import Record
from mongoengine.driver.session import (
    _get_session,
    _sessions,
    is_session,
    session_of_call,
)
from mongoengine.driver.types import Coro, Function, Keywords

__all__ = (
    "ASYNC",
    "IO",
    "SYNC",
    "Call",
    "WrongFamilyError",
    "asynchronous",
    "asynchronous_as",
    "attach",
    "blocking",
    "blocking_as",
    "blocking_on_loop",
    "instead",
    "is_blocking_on_loop",
    "looped_on_loop",
    "recording",
)

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

#: A method of PyMongo's, of either API.
Method: TypeAlias = Callable[..., Any]


class WrongFamilyError(RuntimeError):
    """An alias is open only for the other family of methods.

    Raised by the driver layer before anything is sent.  The face that the
    caller used completes the text with its own name and the document class.
    """

    def __init__(
        self,
        alias: str,
        wanted: Literal["sync", "async"],
        text: str | None = None,
    ) -> None:
        self.alias = alias
        self.wanted = wanted
        super().__init__(text or f'Alias "{alias}" is open only for {wanted} use')

    def named(self, owner: object, method: str) -> WrongFamilyError:
        """Return the error with the name of the method to use instead."""
        return self.advising(owner, f"{method}()")

    def for_call(self, call: str) -> WrongFamilyError:
        """Return the error with a call to use instead that is no method of a class."""
        opened = "connect_async()" if self.wanted == "async" else "connect()"
        return WrongFamilyError(
            self.alias,
            self.wanted,
            f"Use {call} with {self.wanted} connection: the alias "
            f'"{self.alias}" is open only with {opened}',
        )

    def advising(self, owner: object, use: str) -> WrongFamilyError:
        opened = "connect_async()" if self.wanted == "async" else "connect()"
        return WrongFamilyError(
            self.alias,
            self.wanted,
            f"Use {use} with {self.wanted} connection: {_class_name_of(owner)} "
            f'uses the alias "{self.alias}", which is open only with {opened}',
        )


class instead:
    """Complete a `WrongFamilyError` that is raised in a block: say what to use.

        with instead("async for", queryset):
            return run(...)

    The faces of operations do so by themselves; this is for other callers of bodies.

    :param use: what to use instead
    :param owner: the document, class or queryset to name; None to name the alias
    """

    __slots__ = ("_owner", "_use")

    def __init__(self, use: str, owner: object = None) -> None:
        self._use = use
        self._owner = owner

    def __enter__(self) -> None:
        """Do nothing yet."""

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, WrongFamilyError):
            if self._owner is None:
                raise error.for_call(self._use) from None
            raise error.advising(self._owner, self._use) from None


def _class_name_of(owner: object) -> str:
    """Return the name of the class of a document, a queryset or a field."""
    document = getattr(owner, "_document", None)
    if document is None:
        document = owner if isinstance(owner, type) else type(owner)
    return str(document.__name__)


async def _ready(value: R) -> R:
    """Return `value` when awaited; never suspends."""
    return value


class Call(Record):
    """A call of one of PyMongo's methods: the method, its arguments and keywords."""

    method: object
    arguments: tuple[object, ...]
    keywords: Keywords


_recorders: list[Callable[[Call], None]] = []


@contextmanager
def recording(recorder: Callable[[Call], None]) -> Iterator[None]:
    """Have `recorder` called before each call that bodies make in the block.

    For tests: all threads and tasks are recorded.
    """
    _recorders.append(recorder)
    try:
        yield
    finally:
        _recorders.remove(recorder)


def _prepare(method: object, arguments: tuple[object, ...], keywords: Keywords) -> None:
    """Add the session, and tell the recorders."""
    if _sessions.get() or abandoned:
        _add_session(keywords)
    for recorder in list(_recorders):
        recorder(Call(method, arguments, keywords))


def _add_session(arguments: Keywords) -> None:
    """Add the current session to the arguments of a call, unless there is one."""
    session = _get_session()
    if session is not None:
        arguments.setdefault("session", session)


class _SyncIO:
    """Blocking I/O: a call has its result at once, so awaiting never suspends."""

    is_async: Literal[False] = False
    family: Literal["sync"] = "sync"

    async def __call__(self, call: Method, /, *args: object, **kwargs: object) -> Any:
        """Call a method of PyMongo's that takes `session=`, in the current session."""
        if _sessions.get() or abandoned or _recorders:
            _prepare(call, args, kwargs)
        return call(*args, **kwargs)

    def plain(self, call: Method, /, *args: object, **kwargs: object) -> Awaitable[Any]:
        """Call what takes no session: a method of a cursor, a file, a session."""
        # Called here, since a coroutine cannot raise the StopIteration of a cursor.
        return _ready(call(*args, **kwargs))

    async def call(
        self, target: object, method: str, *args: object, **kwargs: object
    ) -> Any:
        """Call a public operation that users may override, in this family."""
        return getattr(target, method)(*args, **kwargs)

    def __repr__(self) -> str:
        return "SYNC"


class _AsyncIO:
    """I/O on PyMongo's asynchronous API, really awaited."""

    is_async: Literal[True] = True
    family: Literal["async"] = "async"

    def __call__(
        self, call: Method, /, *args: object, **kwargs: object
    ) -> Awaitable[Any]:
        if _sessions.get() or abandoned or _recorders:
            _prepare(call, args, kwargs)
        result = call(*args, **kwargs)
        return result if hasattr(result, "__await__") else _ready(result)

    def plain(self, call: Method, /, *args: object, **kwargs: object) -> Awaitable[Any]:
        result = call(*args, **kwargs)
        return result if hasattr(result, "__await__") else _ready(result)

    def call(self, target: object, method: str, *args: object, **kwargs: object) -> Any:
        return getattr(target, "async_" + method)(*args, **kwargs)

    def __repr__(self) -> str:
        return "ASYNC"


SYNC = _SyncIO()
ASYNC = _AsyncIO()
IO: TypeAlias = _SyncIO | _AsyncIO


async def completed(io: IO, body: Coro[R]) -> R:
    """Await a body to its end, also when this task is cancelled meanwhile.

    The cancellation is raised after that.
    """
    if not io.is_async:
        return await body
    task = asyncio.get_running_loop().create_task(body)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved: it would be logged otherwise
        raise cancelled
    return task.result()


#: Waits for a coroutine instead of a blocking face; see `blocking_on_loop`.
_wait: Callable[[Awaitable[Any]], Any] | None = None


@contextmanager
def blocking_on_loop(wait: Callable[[Awaitable[Any]], Any]) -> Iterator[None]:
    """Have blocking faces carried out by asynchronous bodies in the block.

    For tests that do on one family what was written for the other: a blocking face
    calls its twin (`save` calls `async_save`), and what has none (`len(queryset)`)
    runs its body on ASYNC.  Loops go through `async for`.  Attributes load what they
    need, as if they might block.  All threads do so.

    :param wait: a function that takes an awaitable and returns its result
    """
    global _wait
    before, _wait = _wait, wait
    SYNC.__class__ = _AsyncIO  # type: ignore[assignment]
    try:
        yield
    finally:
        _wait = before
        if before is None:
            SYNC.__class__ = _SyncIO


def is_blocking_on_loop() -> bool:
    """Return whether this is a block of `blocking_on_loop`."""
    return _wait is not None


def looped_on_loop(rows: AsyncGenerator[R, None]) -> Iterator[R]:
    """Yield what an asynchronous generator does, in a block of `blocking_on_loop`."""
    wait: Any = _wait
    try:
        while True:
            try:
                yield wait(anext(rows))
            except StopAsyncIteration:
                return
    finally:
        wait(rows.aclose())


def _twin(owner: object, body: Function, name: str) -> Function:
    """Return the asynchronous face of a body: the one of its owner, if it has one."""
    twin = getattr(owner, f"async_{name}", None)
    return twin if callable(twin) else partial(asynchronous(body), owner)


def run(coroutine: Coro[R]) -> R:
    """Drive a body on SYNC to its end; it must never suspend."""
    if _wait is not None:
        waited: R = _wait(coroutine)
        return waited
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: R = done.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} awaited something other than io(...)")


# With one parameter each: type checkers then give a face all overloads of its body.
@deferrable
def blocking(
    body: Callable[Concatenate[S, IO, P], Coro[R]],
) -> Callable[Concatenate[S, P], R]:
    """Return the face that drives `body` on a `MongoClient` and returns its result."""
    return blocking_as(body, _face_name(body))


@deferrable
def asynchronous(
    body: Callable[Concatenate[S, IO, P], Coro[R]],
) -> Callable[Concatenate[S, P], Coro[R]]:
    """Return the face that awaits `body` on an `AsyncMongoClient`."""
    return asynchronous_as(body, _face_name(body))


@deferrable
def blocking_as(
    body: Callable[Concatenate[S, IO, P], Coro[R]],
    name: str,
) -> Callable[Concatenate[S, P], R]:
    """Return the face that drives `body` on a `MongoClient`, under another name."""
    declared = _declares_session(body)

    def face(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if _wait is not None:
            waited: R = _wait(_twin(self, body, name)(*args, **kwargs))
            return waited
        if "session" in kwargs and (declared or is_session(self, kwargs["session"])):
            session: Any = kwargs.pop("session")
            with session_of_call(session):
                return face(self, *args, **kwargs)
        try:
            coroutine = body(self, SYNC, *args, **kwargs)
        except TypeError as error:
            raise _argument_error(dressed, error, (self, *args), kwargs) from None
        try:
            coroutine.send(None)
        except StopIteration as done:
            result: R = done.value
            return result
        except WrongFamilyError as error:
            raise error.named(self, f"async_{name}") from None
        except Exception as error:
            _refuse_wrong_family(self, SYNC, f"async_{name}", error)
            raise
        coroutine.close()
        raise RuntimeError(f"{body.__qualname__} awaited something other than io(...)")

    dressed: Callable[Concatenate[S, P], R] = _dressed(face, body, name)
    return dressed


@deferrable
def asynchronous_as(
    body: Callable[Concatenate[S, IO, P], Coro[R]],
    name: str,
) -> Callable[Concatenate[S, P], Coro[R]]:
    """Return the face that awaits `body` on an `AsyncMongoClient`.

    :param name: the name of the blocking face
    """
    declared = _declares_session(body)

    async def face(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if "session" in kwargs and (declared or is_session(self, kwargs["session"])):
            session: Any = kwargs.pop("session")
            with session_of_call(session):
                return await face(self, *args, **kwargs)
        try:
            coroutine = body(self, ASYNC, *args, **kwargs)
        except TypeError as error:
            raise _argument_error(dressed, error, (self, *args), kwargs) from None
        try:
            return await coroutine
        except WrongFamilyError as error:
            raise error.named(self, name) from None
        except Exception as error:
            _refuse_wrong_family(self, ASYNC, name, error)
            raise

    dressed: Callable[Concatenate[S, P], Coro[R]] = _dressed(
        face, body, f"async_{name}"
    )
    return dressed


def attach(
    owner: type,
    name: str,
    body: Callable[Concatenate[S, IO, P], Coro[R]],
) -> None:
    """Give a class of a lower layer the faces of a body: `name` and `async_name`."""
    place(owner, name, blocking_as(body, name))
    place(owner, f"async_{name}", asynchronous_as(body, name))


def is_open_otherwise(io: IO, alias: str) -> bool:
    """Return whether an alias is open for the other family only."""
    return False


def _refuse_wrong_family(owner: object, io: IO, method: str, error: Exception) -> None:
    """Raise `WrongFamilyError` where a body failed that could not have worked.

    It may have raised before it asked for a connection.
    """
    alias = _alias_of(owner)
    if alias is not None and is_open_otherwise(io, alias):
        wanted: Literal["sync", "async"] = "sync" if io.is_async else "async"
        raise WrongFamilyError(alias, wanted).named(owner, method) from error


def _alias_of(owner: object) -> str | None:
    """Return the alias of a document, a document class or a queryset."""
    document_class = owner if isinstance(owner, type) else type(owner)
    find = getattr(document_class, "_get_db_alias", None)
    alias: str | None = getattr(owner, "_alias", None) if find is None else find()
    return alias


def _face_name(body: Function) -> str:
    return body.__name__.lstrip("_").removesuffix("_body")


def _declares_session(body: Function) -> bool:
    return "session" in _signature_of(body).parameters


#: Modules whose frames are left out where a face asks for the class it belongs to.
_MAKERS = (__name__, deferred.__name__)


@cache
def _signature_of(body: Function) -> inspect.Signature:
    """Return the signature of the faces of `body`: its own less `io`."""
    signature = inspect.signature(body)
    parameters = [
        p.replace(kind=p.POSITIONAL_OR_KEYWORD) if p.kind is p.POSITIONAL_ONLY else p
        for p in signature.parameters.values()
    ]
    first = parameters[0].replace(name="self")
    return signature.replace(parameters=[first, *parameters[2:]])


def _dressed(face: Any, body: Function, name: str) -> Any:
    """Give a face its name in its class, and the docstring and signature of its body.

    Called for an assignment in the body of a class, whose frame knows its name.
    """
    frame = sys._getframe(2)
    while frame.f_globals["__name__"] in _MAKERS and frame.f_back is not None:
        frame = frame.f_back
    scope = frame.f_locals
    owner = scope.get("__qualname__") or body.__qualname__.rpartition(".")[0]
    face.__name__ = name
    face.__qualname__ = f"{owner}.{name}" if owner else name
    face.__module__ = scope.get("__module__", body.__module__)
    face.__doc__ = body.__doc__
    face.__signature__ = _signature_of(body)
    unseen = body.__code__.co_varnames[:2]  # what it acts on, and `io`
    face.__annotations__ = {
        name: value
        for name, value in body.__annotations__.items()
        if name not in unseen
    }
    face._operation = body
    return face


#: What errors about the arguments of an operation add, by its body.
argument_hints: dict[Callable[..., Any], str] = {}


def _argument_error(
    face: Any, error: TypeError, args: tuple[object, ...], kwargs: Keywords
) -> TypeError:
    """Return the error of Python for these arguments, with the name of the face."""
    parameters = [
        p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
        for p in face.__signature__.parameters.values()
    ]
    hint = argument_hints.get(face._operation, "")
    scope: dict[str, Any] = {}
    exec(f"def stub{inspect.Signature(parameters)}: ...", scope)
    stub = scope["stub"]
    stub.__name__, stub.__qualname__ = face.__name__, face.__qualname__
    try:
        stub(*args, **kwargs)
    except TypeError as clear:
        return TypeError(f"{clear}{hint}")
    return error
