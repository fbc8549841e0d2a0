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
    bench: Bench, operation: str, faults: list[Fault], note: Any
) -> list[str]:
    """Run the cells of one operation, for each command; return what is wrong in them."""
    wrong = []
    commands = await bench.commands_of(CASES[operation])
    assert commands
    for command in commands:
        for fault in faults:
            if fault.meets(command):
                wrong += await cell(bench, operation, fault, command, note)
    return wrong


async def cell(
    bench: Bench, operation: str, fault: Fault, command: str, note: Any
) -> list[str]:
    """Run one cell; return what is wrong in it."""
    found = await run_cell(bench, CASES[operation], fault, command)
    note(bench.family.name, operation, fault.name, found)
    return [f"{fault.name}, {command}: {text}" for text in found]


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


# -- a part of the table: each operation once, and each fault once, in both families ---


def in_turn(faults: list[Fault], bench: Bench, operation: str) -> Fault:
    """Return the fault whose turn it is: the next for the next operation."""
    place = list(CASES).index(operation) + len(faults) // 2 * bench.family.is_async
    return faults[place % len(faults)]


@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_survives_a_fault(
    bench: Bench, operation: str, note: Any
) -> None:
    command = (await bench.commands_of(CASES[operation]))[-1]
    faults = [fault for fault in FAULTS if fault.meets(command)]
    fault = in_turn(faults, bench, operation)
    assert not await cell(bench, operation, fault, command, note)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_is_survived_by_an_operation(
    bench: Bench, fault: Fault, note: Any
) -> None:
    name = "loop" if fault.meets("getMore") else "BaseQuerySet.bulk_save"
    commands = await bench.commands_of(CASES[name])
    command = next(command for command in reversed(commands) if fault.meets(command))
    assert not await cell(bench, name, fault, command, note)


@pytest.mark.parametrize("operation", in_transactions())
async def test_an_operation_survives_a_transaction_that_aborts(
    bench: Bench, operation: str, note: Any
) -> None:
    fault = in_turn(TRANSACTION_FAULTS, bench, operation)
    assert not await transaction_cells(bench, operation, [fault], note)


# -- the whole table ------------------------------------------------------------------


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", CASES)
async def test_an_operation_survives_all_faults(
    bench: Bench, operation: str, note: Any
) -> None:
    assert not await cells(bench, operation, FAULTS, note)


@pytest.mark.reliability_full
@pytest.mark.parametrize("operation", in_transactions())
async def test_an_operation_survives_all_faults_of_transactions(
    bench: Bench, operation: str, note: Any
) -> None:
    assert not await transaction_cells(bench, operation, TRANSACTION_FAULTS, note)
