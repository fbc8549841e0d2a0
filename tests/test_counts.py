"""Calls and blocks of memory for a document stay below recorded bounds.

`python benchmarks/counts.py --record` writes the bounds; look at what has grown first,
with `--functions ROW`.
"""

from __future__ import annotations

import importlib
import json
import pathlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"
RECORDED = json.loads((BENCHMARKS / "counts.json").read_text(encoding="utf-8"))

#: Python's own objects differ a little between its versions, and between runs.
MORE_BLOCKS, FURTHER_BLOCKS = 1.15, 3


@pytest.fixture(scope="module")
def counts() -> Iterator[ModuleType]:
    """The script, imported beside the modules that it shares with others."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("counts")
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if getattr(sys.modules[name], "__file__", "").startswith(str(BENCHMARKS)):
                del sys.modules[name]


@pytest.mark.parametrize("shape", RECORDED)
def test_documents_cost_no_more_calls_and_memory_than_recorded(
    counts: ModuleType, shape: str
) -> None:
    counted = counts.counted(counts.SHAPES[shape])
    bounds = RECORDED[shape]
    assert counted.keys() == bounds.keys()
    grown = {
        row: (now, bounds[row])
        for row, now in counted.items()
        if now["calls"] > bounds[row]["calls"]
        or now["blocks"] > bounds[row]["blocks"] * MORE_BLOCKS + FURTHER_BLOCKS
    }
    assert not grown
