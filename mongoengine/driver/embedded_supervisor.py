"""Runs an embedded server for as long as the program that wants it lives.

Started by `mongoengine.driver.embedded` as a script of its own, never imported:

    python -I -S embedded_supervisor.py FOLDER KEEP COMMAND...

It runs COMMAND in FOLDER with its output in `FOLDER/log`, until its standard input
ends or has anything to read, or its parent process is gone.  The other end of that
pipe is open in the program, and in processes forked from it that may live on.  Then
the server is ended too, at once if KEEP is 0, with time to write what it has if KEEP
is 1, and FOLDER is removed.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_SECONDS_TO_WRITE = 15
_SECONDS_BETWEEN_LOOKS = 0.5


def main() -> int:
    """Run the server to its end; its exit status."""
    program = os.getppid()
    folder, keep, *command = sys.argv[1:]
    linux = sys.platform.startswith("linux")
    try:
        with Path(folder, "log").open("ab") as log:
            server = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_supervisor if linux else None,
            )
        arguments = (server, program, keep == "1")
        threading.Thread(target=_end, args=arguments, daemon=True).start()
        return server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_supervisor() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(server: subprocess.Popen[bytes], program: int, keep: bool) -> None:
    """End the server when the program asks for it, or is gone."""
    if sys.platform == "win32":
        os.read(0, 1)  # pipes cannot be waited for with a time limit
    else:
        while not select.select([0], [], [], _SECONDS_BETWEEN_LOOKS)[0]:
            if os.getppid() != program:
                break
    if keep:
        server.terminate()
        try:
            server.wait(_SECONDS_TO_WRITE)
        except subprocess.TimeoutExpired:
            server.kill()
    else:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
