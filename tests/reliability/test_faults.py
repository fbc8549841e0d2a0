"""Every operation against every fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reliability.cases import CASES, LEFT_OUT, operations
from tests.reliability.cells import (
    FAULTS,
    TRANSACTION_FAULTS,
    Bench,
    Fault,
    run_cell,
    run_in_aborting_transaction,
)

#: Operations on collections and indexes are not allowed in a transaction.
_OUTSIDE = (
    *("index", "drop_collection", "explain", "count", "SequenceField"),
    *("watch", "ChangeStream"),
)


def test_every_operation_has_a_call_or_a_reason() -> None:
    called = {name.split(" ")[0] for name in CASES}
    missing = {
        name
        for name in operations() - called
        if not any(name.startswith(beginning) for beginning in LEFT_OUT)
    }
    assert not missing
    assert not {name for name in called if "." in name} - operations()


async def cells(
    bench: Bench, operation: str, faults: list[Fault], note: Any, quick: bool
) -> list[str]:
    """Run the cells of one operation; return what is wrong in them."""
    case = CASES[operation]
    wrong = []
    for command in (await bench.commands_of(case))[: 1 if quick else None]:
        for fault in faults:
            if fault.only and command not in fault.only:
                continue
            found = await run_cell(bench, case, fault, command)
            note(bench.family.name, operation, fault.name, found)
            wrong += [f"{fault.name}, {command}: {text}" for text in found]
    return wrong


async def transaction_cells(
    bench: Bench, operation: str, faults: list[Fault], note: Any
) -> list[str]:
    """Run the cells of one operation in transactions that abort."""
    case = CASES[operation]
    command = (await bench.commands_of(case))[0]
    wrong = []
    for fault in faults:
        found = await run_in_aborting_transaction(bench, case, fault, command)
        note(bench.family.name, operation, f"transaction: {fault.name}", found)
        wrong += [f"{fault.name}, {command}: {text}" for text in found]
    return wrong


def in_transactions() -> list[str]:
    return [name for name in CASES if not any(word in name for word in _OUTSIDE)]


def quick(faults: list[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.quick]


@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_survives_the_common_faults(
    bench: Bench, operation: str, note: Any
) -> None:
    assert not await cells(bench, operation, quick(FAULTS), note, quick=True)


@pytest.mark.parametrize("operation", in_transactions())
async def test_an_operation_survives_a_transaction_that_aborts(
    bench: Bench, operation: str, note: Any
) -> None:
    faults = quick(TRANSACTION_FAULTS)
    assert not await transaction_cells(bench, operation, faults, note)


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_survives_all_faults(
    bench: Bench, operation: str, note: Any
) -> None:
    assert not await cells(bench, operation, FAULTS, note, quick=False)


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", in_transactions())
async def test_an_operation_survives_all_faults_of_transactions(
    bench: Bench, operation: str, note: Any
) -> None:
    assert not await transaction_cells(bench, operation, TRANSACTION_FAULTS, note)
