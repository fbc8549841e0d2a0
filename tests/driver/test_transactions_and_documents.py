"""A transaction that aborts gives its documents their changes and newness back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from mongoengine import (
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    IntField,
    ListField,
)
from mongoengine.context_managers import (
    async_run_in_transaction,
    async_with_transaction,
    run_in_transaction,
    with_transaction,
)
from tests.families import Family


class LedgerNote(EmbeddedDocument):
    number = IntField()


class Ledger(Document):
    number = IntField()
    items = ListField(IntField())
    note = EmbeddedDocumentField(LedgerNote)
    meta = {"auto_create_index": False}


Work = Callable[[], Awaitable[Any]]


async def in_transaction(family: Family, work: Work, fails: bool) -> None:
    """Run `work` in a transaction that aborts, or commits."""
    if family.is_async:
        async with async_run_in_transaction():
            await work()
            if fails:
                raise ZeroDivisionError
    else:
        with run_in_transaction():
            await work()
            if fails:
                raise ZeroDivisionError


async def aborted_then_committed(family: Family, work: Work) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_transaction(family, work, fails=True)
    await in_transaction(family, work, fails=False)


@pytest.fixture
async def ledger(family: Family, mongo: Any) -> Any:
    ledger = Ledger(number=1, items=[1], note=LedgerNote(number=1))
    await family(ledger, "save")
    return ledger


def stored(mongo: Any) -> list[dict[str, Any]]:
    return [
        {k: v for k, v in raw.items() if k != "_id"}
        for raw in mongo["ledger"].find().sort("number")
    ]


async def test_a_new_document_is_stored_by_the_next_try(
    family: Family, mongo: Any, ledger: Any
) -> None:
    new = Ledger(number=2)
    await aborted_then_committed(family, lambda: family(new, "save"))
    assert [raw["number"] for raw in stored(mongo)] == [1, 2]


async def test_changes_are_stored_by_the_next_try(
    family: Family, mongo: Any, ledger: Any
) -> None:
    ledger.number = 5
    ledger.items.append(2)
    ledger.note.number = 3
    await aborted_then_committed(family, lambda: family(ledger, "save"))
    assert stored(mongo) == [{"number": 5, "items": [1, 2], "note": {"number": 3}}]
    assert ledger._get_changed_fields() == []


async def test_values_read_in_an_aborted_transaction_are_given_up(
    family: Family, mongo: Any, ledger: Any
) -> None:
    async def work() -> None:
        await family(Ledger.objects, "update", set__number=5)
        await family(ledger, "reload")

    ledger.items.append(2)
    with pytest.raises(ZeroDivisionError):
        await in_transaction(family, work, fails=True)
    assert ledger.number == 1
    await family(ledger, "save")
    assert stored(mongo) == [{"number": 1, "items": [1, 2], "note": {"number": 1}}]


async def test_changes_of_two_saves_are_stored_by_one_later(
    family: Family, mongo: Any, ledger: Any
) -> None:
    async def work() -> None:
        ledger.number = 5
        await family(ledger, "save")
        ledger.items.append(2)
        await family(ledger, "save")

    with pytest.raises(ZeroDivisionError):
        await in_transaction(family, work, fails=True)
    await family(ledger, "save")
    assert stored(mongo)[0]["number"] == 5
    assert stored(mongo)[0]["items"] == [1, 2]


async def test_inserted_documents_are_inserted_by_the_next_try(
    family: Family, mongo: Any, ledger: Any
) -> None:
    new = [Ledger(number=number) for number in (2, 3)]
    await aborted_then_committed(family, lambda: family(Ledger.objects, "insert", new))
    assert [raw["number"] for raw in stored(mongo)] == [1, 2, 3]


async def test_documents_saved_in_bulk_are_saved_by_the_next_try(
    family: Family, mongo: Any, ledger: Any
) -> None:
    ledger.number = 5
    documents = [ledger, Ledger(number=6)]
    await aborted_then_committed(
        family, lambda: family(Ledger.objects, "bulk_save", documents)
    )
    assert [raw["number"] for raw in stored(mongo)] == [5, 6]


async def test_a_deleted_document_can_be_saved_after_the_abort(
    family: Family, mongo: Any, ledger: Any
) -> None:
    with pytest.raises(ZeroDivisionError):
        await in_transaction(family, lambda: family(ledger, "delete"), fails=True)
    ledger.number = 7
    await family(ledger, "save")
    assert [raw["number"] for raw in stored(mongo)] == [7]


@pytest.mark.parametrize("operation", ["update", "modify"])
async def test_pending_changes_survive_a_change_that_is_undone(
    family: Family, mongo: Any, ledger: Any, operation: str
) -> None:
    ledger.items = [9]
    with pytest.raises(ZeroDivisionError):
        await in_transaction(
            family, lambda: family(ledger, operation, set__number=5), fails=True
        )
    await family(ledger, "save")
    assert stored(mongo)[0]["items"] == [9]


async def test_with_transaction_stores_the_same_documents_when_it_runs_again(
    family: Family, mongo: Any, ledger: Any
) -> None:
    new = Ledger(number=2)
    ledger.number = 0
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)
        await family(new, "save")
        await family(ledger, "save")
        if len(runs) < 3:
            error = AutoReconnect("lost")
            error._add_error_label("TransientTransactionError")
            raise error

    if family.is_async:
        await async_with_transaction(work)
    else:

        def once() -> None:
            try:
                work().send(None)
            except StopIteration:
                return

        with_transaction(once)
    assert len(runs) == 3
    assert [raw["number"] for raw in stored(mongo)] == [0, 2]
