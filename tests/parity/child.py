"""Run a module as `python -m` does, and end with the program that started it.

    python -m tests.parity.child secantus --port 1234

The starting program holds the other end of standard input.  When that ends, however
the program ended (also by a signal that it cannot catch), this process ends at once.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import threading
from typing import Any

__all__ = ("end", "start")

_PATIENCE = 10.0


def start(
    module: str, *arguments: str, is_guarded: bool = True, **options: Any
) -> subprocess.Popen[bytes]:
    """Start a module as a child that ends with this process at the latest.

    :param is_guarded: False where the module ends with standard input by itself.
    """
    guard = [f"{__package__}.child"] if is_guarded else []
    command = [sys.executable, "-m", *guard, module, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, **options)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a child, gently at first."""
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _end_with_standard_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
