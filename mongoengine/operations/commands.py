"""Sending the requests of a bulk, and knowing which of them were acknowledged.

PyMongo sends a command for each run of requests of one type.  It says nothing about
the earlier ones if a later one gets no answer, so each run is sent by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pymongo
from pymongo.errors import BulkWriteError
from pymongo.results import BulkWriteResult

from mongoengine.base.types import AnyCollection, Function, RawDocument, RawMapping
from mongoengine.driver.write_errors import (
    INSERTING,
    copy_reply,
    failures_of,
    halts_bulk,
)
from mongoengine.errors import BulkOperationError, OperationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mongoengine.driver.io import IO

__all__ = ("CountedUpdate", "Outcome", "send")

_COUNTS = ("nInserted", "nUpserted", "nMatched", "nModified", "nRemoved")
_NOT_TRIED = "Not tried, since operation {} of the ordered bulk failed"

_INSERT, _UPDATE, _DELETE = "insert", "update", "delete"
_COMMANDS = {
    pymongo.InsertOne: _INSERT,
    pymongo.DeleteOne: _DELETE,
    pymongo.DeleteMany: _DELETE,
}


class CountedUpdate(pymongo.UpdateOne):
    """An update of one document by its key, which counts once in the answer."""


class Outcome:
    """The outcome of the requests of a bulk, by their places."""

    def __init__(self, count: int) -> None:
        self.count = count
        #: The requests that were not written, or of which nothing is known.
        self.failed: dict[int, Any] = {}
        #: PyMongo's error for requests that the server refused.
        self.error: BulkWriteError | None = None
        #: What was raised in place of an answer.
        self.lost: BaseException | None = None
        # In the order of PyMongo's, which messages show.
        self.reply: RawDocument = {"writeErrors": [], "writeConcernErrors": []}
        self.reply.update(dict.fromkeys(_COUNTS, 0))
        self.reply["upserted"] = []
        self.acknowledged = True

    @property
    def result(self) -> BulkWriteResult:
        return BulkWriteResult(self.reply, self.acknowledged)

    @property
    def upserted(self) -> list[int]:
        """The places of the updates that have inserted a document."""
        return [item["index"] for item in self.reply["upserted"]]

    def forgive(self, place: int) -> None:
        """Take a request that the server refused for written."""
        del self.failed[place]
        if not self.failed and not self.reply["writeConcernErrors"]:
            self.error = None

    def update(self, places: list[int], later: Outcome) -> None:
        """Take over the outcome of requests that have been sent again.

        :param places: the places of these requests
        """
        for place in places:
            self.failed.pop(place, None)
        refused = self.reply["writeErrors"]
        self.reply["writeErrors"] = [e for e in refused if e["index"] not in places]
        self._merge(places, later.reply)
        self.failed.update({places[i]: later.failed[i] for i in later.failed})
        self.lost = self.lost or later.lost
        self.error = later.error or self.error
        if not self.reply["writeErrors"] and not self.reply["writeConcernErrors"]:
            self.error = None

    def raise_lost(self) -> None:
        """Raise what was raised in place of an answer, if nothing was written.

        Does nothing where other requests have been acknowledged, unless that was a
        cancellation or the like, or a transaction has failed as a whole.
        """
        lost = self.lost
        if lost is None:
            return
        partly = len(self.failed) < self.count and isinstance(lost, Exception)
        if isinstance(lost, pymongo.errors.PyMongoError):
            partly = partly and not lost.has_error_label("TransientTransactionError")
        if partly:
            return
        with INSERTING:
            raise lost

    def summary(self, items: Sequence[object], what: str) -> BulkOperationError | None:
        """Return the error for all that was not written, or None."""
        cause = self.error or self.lost
        if cause is None and not self.failed:
            return None
        failures = [(place, items[place], self.failed[place]) for place in self.failed]
        failures.sort(key=lambda failure: failure[0])
        if failures:
            place, _, first = failures[0]
            text = (
                f"{len(failures)} of {len(items)} {what}s failed, "
                f"first {what} {place} ({first})"
            )
        else:  # all is written, and the write concern is not met
            text = f"Bulk write error: ({self.reply})"
        summary = BulkOperationError(text, failures)
        if isinstance(cause, pymongo.errors.PyMongoError):
            copy_reply(cause, summary)
        return summary

    def _merge(self, places: list[int], reply: RawMapping) -> None:
        for count in _COUNTS:
            self.reply[count] += reply.get(count, 0)
        for name in ("writeErrors", "upserted"):
            for item in reply.get(name, ()):
                self.reply[name].append({**item, "index": places[item["index"]]})
        self.reply["writeConcernErrors"] += reply.get("writeConcernErrors", ())


async def send(
    io: IO, collection: AnyCollection, requests: Sequence[object], ordered: bool
) -> Outcome:
    """Send requests, or documents to insert, in as few commands as PyMongo does.

    An exception in place of an answer is kept in `outcome.lost`.
    """
    outcome = Outcome(len(requests))
    if not requests:
        await io(collection.bulk_write, requests)  # PyMongo's error says why not
    stopped = ""
    for places in _runs(requests, ordered):
        if stopped:
            for place in places:
                outcome.failed[place] = OperationError(stopped)
        else:
            run = [requests[place] for place in places]
            stopped = await _send_run(io, collection, run, places, ordered, outcome)
    return outcome


async def _send_run(
    io: IO,
    collection: AnyCollection,
    run: list[object],
    places: list[int],
    ordered: bool,
    outcome: Outcome,
) -> str:
    """Send requests of one type; return why the others are not sent, or `""`."""
    write: Function = collection.bulk_write
    if isinstance(run[0], Mapping):
        write = collection.insert_many
    try:
        result = await io(write, run, ordered=ordered)
    except BulkWriteError as error:
        return _note_refusals(outcome, error, run, places, ordered)
    except BaseException as error:
        outcome.lost = error
        outcome.failed.update(dict.fromkeys(places, error))
        return f"Not tried, since the bulk was broken off ({error!r})"
    outcome.acknowledged = result.acknowledged
    if not result.acknowledged:
        return ""
    if isinstance(run[0], Mapping):
        outcome.reply["nInserted"] += len(run)
    else:
        outcome._merge(places, result.bulk_api_result)
    return ""


def _note_refusals(
    outcome: Outcome,
    error: BulkWriteError,
    run: list[object],
    places: list[int],
    ordered: bool,
) -> str:
    details: RawMapping = error.details or {}
    outcome.error = error
    outcome._merge(places, details)
    failures = failures_of(error, len(run), ordered)
    for place, failure in failures.items():
        outcome.failed[places[place]] = failure
    if ordered and details.get("writeErrors"):
        first = places[min(failures)]
        for place in failures:
            if place > min(failures):
                outcome.failed[places[place]] = OperationError(_NOT_TRIED.format(first))
        return _NOT_TRIED.format(first)
    if not halts_bulk(error):
        return ""
    reason = f"Not tried, since the bulk was halted ({details['writeConcernErrors']})"
    for place in places[_reached(run, details) :]:
        outcome.failed.setdefault(place, OperationError(reason))
    return reason


def _reached(run: list[object], details: RawMapping) -> int:
    """Return how many requests of a run were sent before it was halted.

    Each insert counts once, and so does each update by primary key that inserts a
    document where none matches.  Other requests need not count, and are taken for
    sent: a run of them is one command, unless there are tens of thousands.
    """
    refused = len(details.get("writeErrors", ()))
    first = run[0]
    if isinstance(first, (Mapping, pymongo.InsertOne)):
        return int(details["nInserted"]) + refused
    if all(isinstance(request, CountedUpdate) for request in run):
        return int(details["nMatched"]) + int(details["nUpserted"]) + refused
    return len(run)


def _runs(requests: Sequence[object], ordered: bool) -> Iterator[list[int]]:
    """Yield the places of the requests that PyMongo sends together."""
    groups: list[tuple[str, list[int]]] = []
    by_command: dict[str, list[int]] = {_INSERT: [], _UPDATE: [], _DELETE: []}
    if requests and isinstance(requests[0], Mapping):
        yield list(range(len(requests)))
        return
    for place, request in enumerate(requests):
        command = _COMMANDS.get(type(request), _UPDATE)
        by_command[command].append(place)
        if groups and groups[-1][0] == command:
            groups[-1][1].append(place)
        else:
            groups.append((command, [place]))
    if ordered:
        yield from (places for _, places in groups)
    else:
        yield from (places for places in by_command.values() if places)
