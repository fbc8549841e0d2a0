"""Run the code blocks of one page, in order, in one namespace.

    python -m tests.docs_runner PAGE < blocks.json

Standard input is a list of [line, source]; after each block a JSON line with what
it printed goes to standard output.  A block may `await` at its top level, as in
`python -m asyncio`; all blocks of a page share one event loop.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import json
import os
import sys
import tempfile
import traceback
from typing import Any

PAGE = sys.argv[1]


def main() -> int:
    blocks: list[tuple[int, str]] = json.load(sys.stdin)
    names: dict[str, Any] = {"__name__": "__main__"}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    for line, source in blocks:
        printed = io.StringIO()
        try:
            code = compile(
                "\n" * (line - 1) + source,
                PAGE,
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            )
            with contextlib.redirect_stdout(printed):
                result = eval(code, names)
                if result is not None:
                    loop.run_until_complete(result)
        except Exception:
            traceback.print_exc()
            return 1
        print(json.dumps({"line": line, "printed": printed.getvalue()}), flush=True)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where a block may write its files
        status = main()
    sys.exit(status)
