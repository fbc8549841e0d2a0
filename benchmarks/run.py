"""Run every benchmark and write RESULTS.rst.

    python benchmarks/run.py [--rounds N] [--python PYTHON ...] [--write] [SCRIPT ...]

Where scripts are named, only these run; `--write` puts what they print in the place of
their sections, with the commit.
PYTHON are interpreters with PyMongo, for `versions.py`; this one where none is named.
Takes some ten minutes.  MongoEngine's release is installed into `.oracle/` where it is
missing; Beanie and umongo are compared where they are installed
(`pip install '.[bench]'`).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import re
import subprocess
import sys
import time

from _harness import HERE, ORACLE_VERSION, ROOT, machine

SCRIPTS = (
    "codec",
    "goals",
    "versions",
    "profiles",
    "large",
    "startup",
    "operations",
    "concurrency",
    "growth",
    "prefetch",
)
RESULTS = HERE / "RESULTS.rst"
#: Seconds after which a script that hangs is stopped; it measures for 90.
PATIENCE = 180
#: Those that need longer on a busy machine.
LONGER = {"codec": 900, "large": 600, "operations": 600}


def docstring_of(script: str) -> tuple[str, str]:
    """The title and the explanation that a script opens with."""
    source = (HERE / f"{script}.py").read_text(encoding="utf-8")
    title, _, rest = source.split('"""')[1].partition("\n")
    paragraphs = rest.strip("\n").split("\n\n")
    return title, "\n\n".join(p for p in paragraphs if not p.startswith("    "))


def output_of(command: list[str], patience: int = PATIENCE) -> tuple[str, str]:
    """Return what a script prints, and what went wrong with it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as script:
        try:
            printed, _ = script.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            script.terminate()  # and it takes its workers and its server with it
            return script.communicate()[0], f"Stopped after {patience} s."
    if script.returncode:
        return printed, f"It failed, with exit code {script.returncode}."
    return printed, ""


def version_of(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.strip() or "unknown"


def preamble() -> str:
    others = ", ".join(
        [f"MongoEngine {ORACLE_VERSION} (the oracle)"]
        + [version_of(name) for name in ("beanie", "umongo", "SecantusDB")]
    )
    return f"""\
=======
Results
=======

Written by ``benchmarks/run.py`` on {datetime.date.today()}, of commit {commit()}.

- {machine()}
- {others}

All sides take turns, for many short rounds.  Figures are the least of all rounds and
ratios those of the least figures; times are CPU time of the working thread unless a
section says otherwise.  The machine did other work at the same time, which makes
figures larger and hardly changes ratios.  A goal is met where the ratio of *ours* does
not pass it.
"""


def replace(title: str, section: str) -> None:
    """Put a section in the place of the one with its title in RESULTS.rst."""
    parts = re.split(r"^(?=``\w+\.py``: )", RESULTS.read_text("utf-8"), flags=re.M)
    places = [place for place, part in enumerate(parts) if part.startswith(title)]
    if len(places) != 1:
        raise SystemExit(f"RESULTS.rst has {len(places)} sections {title}")
    parts[places[0]] = section.rstrip("\n") + "\n\n"
    RESULTS.write_text("".join(parts).rstrip("\n") + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--write", action="store_true", help="write single sections")
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=", ".join(SCRIPTS))
    arguments = parser.parse_args()
    sections = [preamble()]
    failed = []
    for script in arguments.scripts or SCRIPTS:
        started = time.monotonic()
        command = [sys.executable, str(HERE / f"{script}.py")]
        if arguments.rounds and script != "goals":
            command += ["--rounds", str(arguments.rounds)]
        if script == "versions":
            command += arguments.python
        if script == "codec" and not arguments.scripts:
            command += ["--record", str(HERE / "codec.json")]
        printed, trouble = output_of(command, LONGER.get(script, PATIENCE))
        if trouble:
            failed.append(script)
            printed = f"{printed}\n{trouble}\n"
        took = time.monotonic() - started
        print(f"\n{script} ({took:.0f} s)\n{printed}", flush=True)
        title, text = docstring_of(script)
        title = f"``{script}.py``: {title}"
        place = 1 if script == "goals" else len(sections)
        if arguments.scripts:
            text += f"\n\nRun by itself, of commit {commit()}."
        section = f"{title}\n{'=' * len(title)}\n\n{text}\n\n{printed}"
        sections.insert(place, section)
        if arguments.scripts and arguments.write:
            replace(title, section)
    if not arguments.scripts:
        RESULTS.write_text("\n".join(sections), encoding="utf-8")
        subprocess.run([sys.executable, str(HERE / "charts.py")], check=True)
        print(f"wrote {RESULTS}")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
