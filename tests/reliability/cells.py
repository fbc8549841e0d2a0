"""Run one operation under one fault, and say what is wrong afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import pymongo
import pymongo.errors
from bson import ObjectId
from pymongo.errors import PyMongoError

from mongoengine.connection import get_async_connection, get_connection
from mongoengine.context_managers import async_run_in_transaction, run_in_transaction
from mongoengine.errors import OperationError
from tests.families import Family
from tests.faults import fail_command
from tests.reliability.cases import CLASSES, COUNT, Case, State, raw_item
from tests.reliability.proxy import FaultProxy

__all__ = (
    "FAULTS",
    "OPENING",
    "TRANSACTION_FAULTS",
    "Bench",
    "Fault",
    "expected",
    "in_transaction",
    "judged",
    "run_cell",
)

ALWAYS = 1000
COUNTERS = "mongoengine.counters"
_FIXED = {ObjectId(f"{number:024x}") for number in range(COUNT)}


class Bench:
    """A family on a connection through the proxy, and the same database beside it."""

    def __init__(self, family: Family, proxy: FaultProxy, mongo: Any) -> None:
        self.family = family
        self.proxy = proxy
        self.mongo = mongo
        # Of which the client has never learned, as the answer was lost.
        self._orphans = 0
        # The sessions that PyMongo has started.
        self.sessions: weakref.WeakSet[Any] = weakref.WeakSet()

    async def prepare(self) -> None:
        """Have the classes used once, so that their indexes exist."""
        for cls in CLASSES:
            await self.family(cls.objects, "first")

    def reset(self) -> None:
        """Put the documents in place that each call begins with."""
        self.proxy.forget_late()
        self.mongo.fault_item.delete_many({})
        self.mongo.fault_item.insert_many([raw_item(n) for n in range(COUNT)])
        self.mongo[COUNTERS].delete_many({})
        self.mongo.fault_number.delete_many({})
        self.mongo.fault_number.insert_one({"_id": ObjectId(f"{1:024x}"), "value": 1})

    def stored(self) -> list[str]:
        """Return all documents, without the keys that were generated."""
        documents = []
        for name in ("fault_item", "fault_number", COUNTERS):
            for raw in self.mongo[name].find():
                key = raw.pop("_id")
                if key in _FIXED or isinstance(key, str):
                    raw["_id"] = key
                documents.append(f"{name} {sorted(raw.items())}")
        return sorted(documents)

    def _open_cursors(self) -> int:
        status = self.mongo.client.admin.command("serverStatus")
        return int(status["metrics"]["cursor"]["open"]["total"])

    def forget_cursors(self) -> None:
        """Do not count the cursors that are open now."""
        self._orphans = self._open_cursors()

    def stored_form(self, document: Any) -> Any:
        return self.mongo.fault_item.find_one({"_id": document.pk})

    async def leftovers(self) -> list[str]:
        """Return what is left open: cursors of the server, connections."""
        family = self.family
        client: Any = get_async_connection() if family.is_async else get_connection()
        if family.is_async:
            await client._process_periodic_tasks()
        else:
            client._process_periodic_tasks()
        left = []
        # A command whose answer nobody waits for may still be carried out.
        pools = [server.pool for server in client._topology._servers.values()]
        for _ in range(40):
            busy = any(pool.active_sockets for pool in pools)
            if self._open_cursors() <= self._orphans and not busy:
                break
            await asyncio.sleep(0.05)
        if (cursors := self._open_cursors() - self._orphans) > 0:
            left.append(f"{cursors} cursors are open")
            self._orphans += cursors
        if sessions := [one for one in self.sessions if not one.has_ended]:
            left.append(f"{len(sessions)} sessions are open")
        for pool in pools:
            if active := pool.active_sockets:
                left.append(f"{active} connections are checked out")
        return left

    def is_idle(self) -> bool:
        """Return whether the server works on no command of this database."""
        operations = self.mongo.client.admin.command("currentOp", active=True)
        return not any(
            operation.get("active")
            and str(operation.get("ns", "")).startswith(self.mongo.name)
            for operation in operations["inprog"]
        )

    async def commands_of(self, case: Case) -> list[str]:
        """Return the names of the commands that a call sends, each once."""
        self.reset()
        state = State.made()
        case.change(state)
        _ = self.family.command_names
        await case.call(self.family, state)
        return list(dict.fromkeys(self.family.command_names))


@dataclass
class Fault:
    """Something that goes wrong while a command is sent.

    :param meet: makes the context manager in which commands of a name are met
    :param only: the commands that it is for; all where empty
    """

    name: str
    meet: Callable[[Bench, str], AbstractContextManager[Any]]
    only: tuple[str, ...] = ()
    #: The server does not close the cursor of which it says so.
    keeps_cursor: bool = False
    #: The code that the error has, or an error that it was raised from.
    code: int | None = None

    def meets(self, command: str) -> bool:
        """Return whether the fault is for commands of this name."""
        return not self.only or command in self.only

    @property
    def loses_answers(self) -> bool:
        """Return whether the client never learns the number of an open cursor."""
        return self.name.startswith(("cut after", "truncated", "garbled", "timed out"))


#: Commands whose answer names a cursor.
OPENING = ("find", "aggregate", "listIndexes")
_WRITES = ("insert", "update", "delete", "findAndModify")


def _broken(effect: str, **options: int) -> Callable[[Bench, str], Any]:
    return lambda bench, command: bench.proxy.fault(command, effect, **options)


def _refused(times: int, **data: Any) -> Callable[[Bench, str], Any]:
    return lambda bench, command: fail_command(
        bench.mongo.client, times, failCommands=[command], **data
    )


@contextmanager
def _timed_out(bench: Bench, command: str) -> Iterator[None]:
    """Let an answer come after the time of PyMongo's is over."""
    with bench.proxy.fault(command, "stalled", times=ALWAYS), pymongo.timeout(0.3):
        yield


@contextmanager
def _duplicates(bench: Bench, command: str) -> Iterator[None]:
    """Let one of several documents break a unique index."""
    items = bench.mongo.fault_item
    others = items.insert_many([{"n": 11}, {"n": 102}]).inserted_ids
    items.create_index("n", unique=True, name="unique")
    try:
        yield
    finally:
        items.drop_index("unique")
        items.delete_many({"_id": {"$in": others}})


_RETRYABLE = {"code": 91, "errmsg": "down", "errorLabels": ["RetryableWriteError"]}

FAULTS = [
    Fault("cut before, once", _broken("cut before")),
    Fault("cut before, always", _broken("cut before", times=ALWAYS)),
    Fault("cut before, from the second", _broken("cut before", skip=1, times=ALWAYS)),
    Fault("cut after, once", _broken("cut after")),
    Fault("cut after, always", _broken("cut after", times=ALWAYS)),
    Fault("cut after, from the second", _broken("cut after", skip=1, times=ALWAYS)),
    Fault("carried out late", _broken("late", times=2), only=_WRITES),
    Fault("truncated, once", _broken("truncated")),
    Fault("truncated, always", _broken("truncated", times=ALWAYS)),
    Fault("garbled, once", _broken("garbled")),
    Fault("garbled, always", _broken("garbled", times=ALWAYS)),
    Fault("timed out", _timed_out),
    Fault("not primary 10107, once", _refused(1, errorCode=10107), code=10107),
    Fault("not primary 10107, always", _refused(ALWAYS, errorCode=10107), code=10107),
    Fault("stepped down 189, always", _refused(ALWAYS, errorCode=189), code=189),
    Fault("interrupted 11602, once", _refused(1, errorCode=11602), code=11602),
    Fault(
        "interrupted 11602, always",
        _refused(ALWAYS, errorCode=11602),
        code=11602,
    ),
    Fault("out of time 50", _refused(1, errorCode=50), keeps_cursor=True, code=50),
    Fault(
        "write concern 64",
        _refused(1, writeConcernError={"code": 64, "errmsg": "slow"}),
        only=_WRITES,
        code=64,
    ),
    Fault(
        "write concern 91, once",
        _refused(1, writeConcernError=_RETRYABLE),
        only=_WRITES,
        code=91,
    ),
    Fault(
        "write concern 91, always",
        _refused(ALWAYS, writeConcernError=_RETRYABLE),
        only=_WRITES,
        code=91,
    ),
    Fault(
        "cursor lost 43",
        _refused(1, errorCode=43),
        only=("getMore",),
        keeps_cursor=True,
        code=43,
    ),
    Fault(
        "duplicate key",
        _duplicates,
        only=("insert", "update"),
        code=11000,
    ),
]

_TRANSIENT = ["TransientTransactionError"]
#: The same inside a transaction, which aborts.
TRANSACTION_FAULTS = [
    Fault("aborted by the block", lambda bench, command: nullcontext()),
    Fault(
        "write conflict, transient",
        _refused(1, errorCode=112, errorLabels=_TRANSIENT),
    ),
    Fault("refused, not transient", _refused(1, errorCode=20)),
    Fault("cut before", _broken("cut before", times=ALWAYS)),
    Fault("cut after", _broken("cut after", times=ALWAYS)),
]


async def run_cell(bench: Bench, case: Case, fault: Fault, command: str) -> list[str]:
    """Make a call under a fault and again without it; return what is wrong."""
    after, written = await expected(bench, case)
    bench.reset()
    bench.forget_cursors()
    state = State.made()
    case.change(state)
    wrong: list[str] = []
    context = dict(contextvars.copy_context().items())
    error: Exception | None = None
    with fault.meet(bench, command):
        try:
            await case.call(bench.family, state)
        except Exception as raised:
            error = raised
    # The server keeps the cursor that it was made to call lost, and PyMongo that of an
    # aggregation whose connection was lost.
    if (fault.loses_answers and command in OPENING) or (
        command == "getMore" and (fault.keeps_cursor or case.cursor_is_pymongos)
    ):
        bench.forget_cursors()
    wrong += _about_error(error, fault)
    if dict(contextvars.copy_context().items()) != context:
        wrong.append("context variables are left changed")
    wrong += await judged(bench, case, state, error, after, written)
    return wrong


async def judged(
    bench: Bench,
    case: Case,
    state: State,
    error: BaseException | None,
    after: list[str],
    written: list[int],
) -> list[str]:
    """Return what is wrong after a call that may have failed, and after its retry.

    :param after: what is stored after a call that was not disturbed
    :param written: the places of the documents that such a call writes
    """
    wrong = lies(bench, state, written)
    if case.cursor_is_pymongos:
        # PyMongo ends its session when the cursor is closed or freed.
        bench.sessions.clear()
    if error is None and case.repeats and bench.stored() != after:
        wrong.append("nothing was raised, but the result is another")
    wrong += await bench.leftovers()
    if error is None:
        return wrong
    try:
        await case.call(bench.family, state)
    except Exception as again:
        return [*wrong, f"the retry fails: {again!r:.300}"]
    wrong += [f"after the retry: {lie}" for lie in lies(bench, state, written)]
    if case.repeats and (found := bench.stored()) != after:
        wrong.append(f"after the retry is stored: {_difference(found, after)}")
    for place in written:
        document = state.documents[place]
        if document._created or document._get_changed_fields():
            wrong.append(f"after the retry, document {place} is not clean")
    return wrong


async def expected(bench: Bench, case: Case) -> tuple[list[str], list[int]]:
    """Return what an undisturbed call stores, and which documents it writes."""
    bench.reset()
    state = State.made()
    case.change(state)
    dirty = _dirty(state)
    await case.call(bench.family, state)
    return bench.stored(), [place for place in dirty if place not in _dirty(state)]


def _dirty(state: State) -> list[int]:
    return [
        place
        for place, document in enumerate(state.documents)
        if document._created or document._get_changed_fields()
    ]


def lies(bench: Bench, state: State, written: list[int]) -> list[str]:
    """Return the documents whose state differs from what is stored."""
    wrong = []
    for place in written:
        document = state.documents[place]
        if document._created or document._get_changed_fields():
            continue
        if (raw := bench.stored_form(document)) != dict(document.to_mongo()):
            wrong.append(f"document {place} believes to be stored, stored is {raw}")
    return wrong


def _about_error(error: Exception | None, fault: Fault) -> list[str]:
    """Return what is wrong with the class, the code and the text of an error."""
    if error is None:
        return []
    if not isinstance(error, (PyMongoError, OperationError)):
        return [f"raised {error!r:.300}"]
    wrong = []
    if fault.code is None:
        # OperationError is for writes; a garbled answer is a ProtocolError; PyMongo
        # sends nothing if the time is over before, which is an ExecutionTimeout.
        is_lost = isinstance(error, _LOST) or getattr(error, "timeout", False)
        if not is_lost and not fault.name.startswith("garbled"):
            wrong += [f"the class of {error!r:.300} says nothing of a lost connection"]
    elif fault.code not in _codes_of(error):
        wrong += [f"{error!r:.300} has the codes {_codes_of(error)}, not {fault.code}"]
    text = str(error)
    if len(text) < 10 or " object at 0x" in text or "<function" in text:
        wrong += [f"the text {text!r:.300} says nothing"]
    return wrong


_LOST = (pymongo.errors.ConnectionFailure, OperationError)


def _codes_of(error: BaseException | None) -> set[int]:
    """Return the codes of an error, of what it was raised from, and in its details."""
    codes: set[int] = set()
    while error is not None:
        codes.add(getattr(error, "code", None) or 0)
        details = getattr(error, "details", None) or {}
        failed = [*details.get("writeErrors", ())]
        failed += details.get("writeConcernErrors", ())
        failed += [details.get("writeConcernError") or {}, details]
        codes.update(each.get("code", 0) for each in failed)
        error = error.__cause__ or error.__context__
    return codes - {0}


def _difference(found: list[str], wanted: list[str]) -> str:
    less = [item for item in wanted if item not in found]
    more = [item for item in found if item not in wanted]
    return f"{len(found)} of {len(wanted)}, missing {less[:2]}, besides {more[:2]}"


async def run_in_aborting_transaction(
    bench: Bench, case: Case, fault: Fault, command: str
) -> list[str]:
    """Make a call in a transaction that aborts, and the transaction again."""
    after, written = await expected(bench, case)
    bench.reset()
    before = bench.stored()
    bench.forget_cursors()
    state = State.made()
    case.change(state)
    dirty = [
        (document._created, document.pk if not document._created else None)
        for document in state.documents
    ]
    changed = [_changed(document) for document in state.documents]
    wrong = []
    try:
        with ExitStack() as stack:
            stack.enter_context(fault.meet(bench, command))
            await in_transaction(bench.family, case, state, fails=True)
    except (ZeroDivisionError, PyMongoError, OperationError):
        pass
    if fault.loses_answers:
        bench.forget_cursors()
    if bench.stored() != before:
        wrong.append("something is stored after the abort")
    for place, document in enumerate(state.documents):
        key = document.pk if not document._created else None
        if (document._created, key) != dirty[place]:
            wrong.append(f"document {place} is not as new as before")
        if _changed(document) != changed[place]:
            wrong.append(f"document {place} has other changes than before")
    wrong += await bench.leftovers()
    await in_transaction(bench.family, case, state, fails=False)
    wrong += lies(bench, state, written)
    if case.repeats and (found := bench.stored()) != after:
        wrong.append(f"after the commit is stored: {_difference(found, after)}")
    return wrong


def _changed(document: Any) -> list[str]:
    return [] if document._created else sorted(document._get_changed_fields())


async def in_transaction(family: Family, case: Case, state: State, fails: bool) -> None:
    if family.is_async:
        async with async_run_in_transaction():
            await case.call(family, state)
            if fails:
                raise ZeroDivisionError
    else:
        with run_in_transaction():
            await case.call(family, state)
            if fails:
                raise ZeroDivisionError
